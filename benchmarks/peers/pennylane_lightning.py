"""PennyLane's lightning.qubit: one QNode call per sample."""

from typing import Any

import numpy as np
import pennylane as qml
from autograd.core import make_vjp
from numpy.typing import NDArray
from pennylane import numpy as pnp

from benchmarks import inputs
from benchmarks.epoch import NUM_CLASSES, Pull, epoch_of, in_numpy, peak_of
from benchmarks.inputs import FloatArray
from benchmarks.peers.pennylane_circuits import queue_gates, zz_operations
from benchmarks.task import Case, Task

PACKAGES = ("pennylane", "pennylane-lightning")

_KERNEL_SAMPLES = 12  # of its kernel function, which runs a circuit per pair, a few are waited for


def states(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    x = inputs.zz_samples(case)

    @qml.qnode(qml.device("lightning.qubit", wires=num_qubits))
    def circuit(singles: Any, doubles: Any) -> Any:
        zz_operations(singles, doubles, num_qubits)
        return qml.state()

    def run() -> NDArray[Any]:
        singles, doubles = inputs.zz_angles(x)
        return np.array([circuit(*row) for row in zip(singles, doubles, strict=True)])

    return Task(run)


def kernel(case: Case) -> Task:
    num_qubits, samples = case["num_qubits"], case["samples"]
    few = min(samples, _KERNEL_SAMPLES)
    x = inputs.zz_samples(case)[:few]

    def encode(sample: FloatArray) -> None:
        singles, doubles = inputs.zz_angles(sample[None])
        zz_operations(singles[0], doubles[0], num_qubits)

    @qml.qnode(qml.device("lightning.qubit", wires=num_qubits))
    def overlap(first: FloatArray, second: FloatArray) -> Any:
        encode(first)
        qml.adjoint(encode)(second)
        return qml.probs(wires=range(num_qubits))

    def entry(first: FloatArray, second: FloatArray) -> float:
        return float(overlap(first, second)[0])

    scale = samples * (samples - 1) / (few * (few - 1))
    note = f"scaled from {few} samples by the number of pairs" if few < samples else ""
    return Task(
        lambda: np.asarray(qml.kernels.square_kernel_matrix(x, entry, assume_normalized_kernel=True)), scale, note
    )


def training(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    gates = inputs.training_gates(num_qubits, case["layers"])
    features, plain = inputs.training_data(case)
    weights = pnp.array(plain, requires_grad=True)

    @qml.qnode(qml.device("lightning.qubit", wires=num_qubits), diff_method="adjoint")
    def circuit(sample: FloatArray, w: Any) -> Any:
        queue_gates(gates, sample, w, num_qubits)
        return qml.expval(qml.PauliZ(num_qubits - 1))

    gradient = qml.grad(circuit, argnums=1)  # leaves the value of the forward pass in gradient.forward

    def run() -> FloatArray:
        z, jacobian = np.empty(len(features)), np.empty((len(features), len(plain)))
        for row, sample in enumerate(features):
            jacobian[row] = gradient(sample, weights)
            z[row] = gradient.forward
        return inputs.value_and_gradient(z, jacobian)

    return Task(run)


def plateau(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    gates = inputs.plateau_gates(num_qubits, case["layers"])
    first, angles = inputs.plateau_angles(case)

    @qml.qnode(qml.device("lightning.qubit", wires=num_qubits), diff_method="adjoint")
    def circuit(start: FloatArray, w: Any) -> Any:
        queue_gates(gates, start, w, num_qubits)
        return qml.expval(qml.PauliZ(num_qubits - 1) @ qml.PauliZ(num_qubits - 2))

    gradient = qml.grad(circuit, argnums=1)

    def run() -> FloatArray:
        z, jacobian = np.empty(len(angles)), np.empty(angles.shape)
        for row, sample in enumerate(angles):
            jacobian[row] = gradient(first, pnp.array(sample, requires_grad=True))
            z[row] = gradient.forward
        return inputs.variances(z, jacobian)

    return Task(run)


def epoch(case: Case) -> Task:
    num_qubits, plan = case["num_qubits"], epoch_of(case)

    @qml.qnode(qml.device("lightning.qubit", wires=num_qubits), diff_method="adjoint")
    def circuit(sample: FloatArray, w: Any) -> Any:
        queue_gates(plan.gates, sample, w, num_qubits)
        return [qml.expval(qml.PauliZ(num_qubits - 1 - k)) for k in range(NUM_CLASSES)]

    def evaluate(features: FloatArray, weights: FloatArray) -> tuple[FloatArray, Pull]:
        trained = pnp.array(weights, requires_grad=True)
        passes = [make_vjp(lambda w, sample=sample: pnp.stack(circuit(sample, w)), trained) for sample in features]
        values = np.array([value for _, value in passes])

        def pull(cotangents: FloatArray) -> FloatArray:
            return np.sum([vjp(row) for (vjp, _), row in zip(passes, cotangents, strict=True)], axis=0)

        return values, pull

    return in_numpy(plan, evaluate)


PREPARE = {
    "states": states,
    "kernel": kernel,
    "training": training,
    "plateau": plateau,
    "epoch": epoch,
    "epoch_memory": peak_of(epoch),
}
