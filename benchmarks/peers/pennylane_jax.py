"""PennyLane's default.qubit with JAX: vmapped over samples, jitted, double precision."""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
from numpy.typing import NDArray

from benchmarks import inputs
from benchmarks.epoch import NUM_CLASSES, epoch_of, in_jax, peak_of
from benchmarks.inputs import FloatArray, Gate
from benchmarks.peers.pennylane_circuits import queue_gates, zz_operations
from benchmarks.task import Case, Task

PACKAGES = ("pennylane", "jax")

jax.config.update("jax_enable_x64", True)


def _states_function(num_qubits: int) -> Callable[[Any, Any], Any]:
    @qml.qnode(qml.device("default.qubit", wires=num_qubits), interface="jax")
    def circuit(singles: Any, doubles: Any) -> Any:
        zz_operations(singles, doubles, num_qubits)
        return qml.state()

    return jax.vmap(circuit)


def states(case: Case) -> Task:
    x = inputs.zz_samples(case)
    function = jax.jit(_states_function(case["num_qubits"]))
    return Task(lambda: np.asarray(function(*inputs.zz_angles(x))))


def kernel(case: Case) -> Task:
    x = inputs.zz_samples(case)
    run_states = _states_function(case["num_qubits"])

    @jax.jit
    def function(singles: Any, doubles: Any) -> Any:
        vectors = run_states(singles, doubles)
        return jnp.abs(vectors.conj() @ vectors.T) ** 2

    return Task(lambda: np.asarray(function(*inputs.zz_angles(x))))


def _step(num_qubits: int, gates: list[Gate], features: FloatArray) -> Callable[[Any], Any]:
    """The jitted value and gradient of the mean of ⟨Z0⟩² as a function of the weights."""

    @qml.qnode(qml.device("default.qubit", wires=num_qubits), interface="jax")
    def circuit(sample: Any, weights: Any) -> Any:
        queue_gates(gates, sample, weights, num_qubits)
        return qml.expval(qml.PauliZ(num_qubits - 1))

    batched = jax.vmap(circuit, in_axes=(0, None))
    return jax.jit(jax.value_and_grad(lambda weights: jnp.mean(batched(features, weights) ** 2)))


def training(case: Case) -> Task:
    features, weights = inputs.training_data(case)
    step = _step(case["num_qubits"], inputs.training_gates(case["num_qubits"], case["layers"]), features)

    def run() -> NDArray[Any]:
        value, gradient = step(weights)
        return np.concatenate([[np.asarray(value)], np.asarray(gradient)])

    return Task(run)


def first_call(case: Case) -> Task:
    features, weights = inputs.training_data(case)
    num_qubits = case["num_qubits"]
    numbers = itertools.count()

    def run() -> NDArray[Any]:
        gates = inputs.new_gates(num_qubits, case["layers"], next(numbers))
        value, gradient = _step(num_qubits, gates, features)(weights)
        return np.concatenate([[np.asarray(value)], np.asarray(gradient)])

    return Task(run)


def plateau(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    gates = inputs.plateau_gates(num_qubits, case["layers"])
    first, angles = inputs.plateau_angles(case)

    @qml.qnode(qml.device("default.qubit", wires=num_qubits), interface="jax")
    def circuit(weights: Any) -> Any:
        queue_gates(gates, first, weights, num_qubits)
        return qml.expval(qml.PauliZ(num_qubits - 1) @ qml.PauliZ(num_qubits - 2))

    function = jax.jit(jax.vmap(jax.value_and_grad(circuit)))

    def run() -> NDArray[Any]:
        z, jacobian = function(angles)
        return inputs.variances(np.asarray(z), np.asarray(jacobian))

    return Task(run)


def epoch(case: Case) -> Task:
    num_qubits, plan = case["num_qubits"], epoch_of(case)

    @qml.qnode(qml.device("default.qubit", wires=num_qubits), interface="jax")
    def circuit(sample: Any, weights: Any) -> Any:
        queue_gates(plan.gates, sample, weights, num_qubits)
        return [qml.expval(qml.PauliZ(num_qubits - 1 - k)) for k in range(NUM_CLASSES)]

    batched = jax.vmap(lambda sample, weights: jnp.stack(circuit(sample, weights)), in_axes=(0, None))
    return in_jax(plan, batched, anew=case["anew"])


PREPARE = {
    "states": states,
    "kernel": kernel,
    "training": training,
    "plateau": plateau,
    "first_call": first_call,
    "epoch": epoch,
    "epoch_memory": peak_of(epoch),
}
