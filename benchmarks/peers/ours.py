"""qiskit-qml-ext."""

import itertools
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import zz_feature_map
from qiskit.quantum_info import SparsePauliOp

from benchmarks import epoch as epochs
from benchmarks import inputs
from benchmarks.inputs import FEATURE_MAP_REPS, FloatArray, Gate
from benchmarks.task import Case, Task
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.diagnostics import scaling_study
from qiskit_qml_ext.engine import expectation_vjp, statevectors
from qiskit_qml_ext.engine.compiled.training import SQUARED
from qiskit_qml_ext.engine.loss_gradient import LossGradient, LossTerms
from qiskit_qml_ext.gradients import AdjointEstimatorGradient
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumLayer, VariationalClassifier
from qiskit_qml_ext.optimizers import Adam
from qiskit_qml_ext.primitives import ExactEstimator, ExactSampler
from qiskit_qml_ext.program import lower

PACKAGES = ("qiskit", "qiskit-machine-learning", "numba", "scipy")


def qiskit_circuit(num_qubits: int, gates: list[Gate]) -> QuantumCircuit:
    """A list of gates as a circuit whose parameters are the columns in order."""
    v = ParameterVector("v", 1 + max(column for _, _, column in gates))
    circuit = QuantumCircuit(num_qubits)
    for name, qubits, column in gates:
        getattr(circuit, name)(*([v[column]] if column >= 0 else []), *qubits)
    return circuit


def z0(num_qubits: int) -> SparsePauliOp:
    """Z on qubit 0."""
    return SparsePauliOp.from_sparse_list([("Z", [0], 1.0)], num_qubits)


def states(case: Case) -> Task:
    program = lower(zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full"))
    x = inputs.zz_samples(case)
    return Task(lambda: statevectors(program, x))


def kernel(case: Case) -> Task:
    matrix = FidelityKernel(zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full"))
    x = inputs.zz_samples(case)
    return Task(lambda: matrix.evaluate(x))


def training(case: Case) -> Task:
    return training_step(case) if case["precision"] == "double" else _training_in_single(case)


def training_step(case: Case) -> Task:
    """The step that our models take: the samples stay, as they do in a training, and the weights come anew."""
    num_qubits = case["num_qubits"]
    program = lower(qiskit_circuit(num_qubits, inputs.training_gates(num_qubits, case["layers"])))
    features, weights = inputs.training_data(case)
    samples, columns = len(features), np.arange(num_qubits, num_qubits + len(weights))
    rows = np.zeros((samples, num_qubits + len(weights)))
    rows[:, :num_qubits] = features
    terms = LossTerms(SQUARED, 0.0, np.ones((1, 1)), np.zeros((samples, 1)), np.ones(samples))
    step = LossGradient(program, rows, columns, [z0(num_qubits)], terms)
    chosen, scale, bias = np.arange(samples), np.ones(1), np.zeros(1)

    def run() -> FloatArray:
        value, gradient, _, _ = step(chosen, weights, scale, bias)
        return np.concatenate([[value], gradient])

    return Task(run)


def _training_in_single(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    program = lower(qiskit_circuit(num_qubits, inputs.training_gates(num_qubits, case["layers"])))
    features, weights = inputs.training_data(case)
    observable, ones = z0(num_qubits), np.ones((len(features), 1))
    values = np.empty((len(features), num_qubits + len(weights)))

    def run() -> FloatArray:
        values[:, :num_qubits], values[:, num_qubits:] = features, weights
        z, gradients = expectation_vjp(program, values, observable, ones, dtype="complex64")
        return inputs.value_and_gradient(z[:, 0].real, gradients[:, num_qubits:].real)

    return Task(run)


def plateau(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    program = lower(qiskit_circuit(num_qubits, inputs.plateau_gates(num_qubits, case["layers"])))
    first, angles = inputs.plateau_angles(case)
    observable = SparsePauliOp.from_sparse_list([("ZZ", [0, 1], 1.0)], num_qubits)
    ones = np.ones((len(angles), 1))

    def run() -> FloatArray:
        values = np.concatenate([np.broadcast_to(first, (len(angles), num_qubits)), angles], axis=1)
        z, gradients = expectation_vjp(program, values, observable, ones)
        return inputs.variances(z[:, 0].real, gradients[:, num_qubits:].real)

    return Task(run)


def plateau_study(case: Case) -> Task:
    def circuit(num_qubits: int) -> QuantumCircuit:
        whole = qiskit_circuit(num_qubits, inputs.plateau_gates(num_qubits, case["layers"]))
        return whole.assign_parameters(dict.fromkeys(list(whole.parameters)[:num_qubits], np.pi / 4))

    def observable(num_qubits: int) -> SparsePauliOp:
        return SparsePauliOp.from_sparse_list([("ZZ", [0, 1], 1.0)], num_qubits)

    def run() -> FloatArray:
        study = scaling_study(
            circuit, observable, widths=range(2, case["num_qubits"] + 1), num_samples=case["samples"], seed=0
        )
        return np.array([variance.value for variance in study.variances])

    return Task(run)


def first_call(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    features, weights = inputs.training_data(case)
    numbers = itertools.count()

    def run() -> FloatArray:
        circuit = qiskit_circuit(num_qubits, inputs.new_gates(num_qubits, case["layers"], next(numbers)))
        values = np.concatenate([features, np.broadcast_to(weights, (len(features), len(weights)))], axis=1)
        z, gradients = expectation_vjp(circuit, values, z0(num_qubits), np.ones((len(features), 1)))
        return inputs.value_and_gradient(z[:, 0].real, gradients[:, num_qubits:].real)

    return Task(run)


def sampled(case: Case) -> Task:
    feature_map = zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full")
    x = inputs.zz_samples(case)

    def run() -> FloatArray:
        # A kernel never runs the same pair twice: a new one has everything to do.
        return FidelityKernel(feature_map, sampler=ExactSampler(default_shots=case["shots"], seed=3)).evaluate(x)

    return Task(run)


def qnn(case: Case) -> Task:
    return qnn_task(case, estimator=ExactEstimator(), gradient=AdjointEstimatorGradient())


def qnn_task(case: Case, **primitives: Any) -> Task:
    """Forward and backward pass of qiskit-machine-learning's EstimatorQNN."""
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    num_qubits = case["num_qubits"]
    circuit = qiskit_circuit(num_qubits, inputs.training_gates(num_qubits, case["layers"]))
    features, weights = inputs.training_data(case)
    parameters = list(circuit.parameters)
    network = EstimatorQNN(
        circuit=circuit,
        observables=z0(num_qubits),
        input_params=parameters[:num_qubits],
        weight_params=parameters[num_qubits:],
        default_precision=0.0,  # exact on both sides; otherwise it asks for noise of 1/64
        **primitives,
    )

    def run() -> FloatArray:
        z = network.forward(features, weights)
        _, jacobian = network.backward(features, weights)
        return inputs.value_and_gradient(z[:, 0], np.asarray(jacobian)[:, 0])

    return Task(run)


def memory(case: Case) -> Task:
    """The bytes of a whole kernel matrix beyond its own size: the growth of this process's largest memory so far."""
    matrix = FidelityKernel(zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full"))
    x = inputs.zz_samples(case)
    matrix.evaluate(x[:64])  # loads what is loaded once

    def run() -> FloatArray:
        before = epochs.peak_bytes()
        result = matrix.evaluate(x)
        return np.array([max(0, epochs.peak_bytes() - before - result.nbytes)], dtype=np.float64)

    return Task(run)


class _Given(InitialDistribution):
    """Weights that everybody begins with."""

    name = "given"
    reference = ""

    def __init__(self, weights: FloatArray):
        self.weights = weights

    def _draw(self, circuit: QuantumCircuit, size: int, rng: np.random.Generator) -> FloatArray:
        return np.tile(self.weights, (size, 1))


def epoch(case: Case) -> Task:
    """``fit`` from the beginning: checks, circuit, planning and training."""
    num_qubits, plan = case["num_qubits"], epochs.epoch_of(case)
    whole = qiskit_circuit(num_qubits, plan.gates)
    x, w = ParameterVector("x", num_qubits), ParameterVector("w", plan.num_weights)
    circuit = whole.assign_parameters(dict(zip(whole.parameters, [*x, *w], strict=True)))
    weights, _, _ = plan.split(plan.start)

    def run() -> FloatArray:
        model = VariationalClassifier(
            feature_map=circuit,
            observables=[
                SparsePauliOp.from_sparse_list([("Z", [k], 1.0)], num_qubits) for k in range(epochs.NUM_CLASSES)
            ],
            optimizer=Adam(epochs.LEARNING_RATE),
            initialization=_Given(weights),
            batch_size=epochs.BATCH_SIZE,
            max_iter=1,
            random_state=0,
        ).fit(plan.features, plan.labels)
        return np.concatenate([model.weights_, model.output_scale_, model.output_bias_])

    return Task(run)


def layer_case(case: Case) -> tuple[QuantumCircuit, SparsePauliOp, dict[str, Any]]:
    """The circuit of a layer, its observable, and which parameters are which."""
    num_qubits = case["num_qubits"]
    circuit = qiskit_circuit(num_qubits, inputs.training_gates(num_qubits, case["layers"]))
    names = list(circuit.parameters)
    settings = {"input_parameters": names[:num_qubits], "weight_parameters": names[num_qubits:]}
    return circuit, z0(num_qubits), settings


def layer_step(case: Case) -> Task:
    """A forward and a backward pass of a layer, as PyTorch asks for them."""
    features, weights = inputs.training_data(case)
    circuit, observable, settings = layer_case(case)
    layer = QuantumLayer(circuit, observable, initialization=weights, **settings)

    def run() -> FloatArray:
        z, pull_back = layer.linearized(features, weights)
        _, gradient = pull_back(2 / len(z) * z)
        return np.concatenate([[np.mean(z**2)], gradient])

    return Task(run)


PREPARE = {
    "states": states,
    "kernel": kernel,
    "training": training,
    "plateau": plateau,
    "plateau_study": plateau_study,
    "first_call": first_call,
    "sampled": sampled,
    "qnn": qnn,
    "memory": memory,
    "epoch": epoch,
    "epoch_memory": epochs.peak_of(epoch),
    "layer_step": layer_step,
}
