"""TensorCircuit-NG with JAX: vmapped over samples, jitted, double precision."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tensorcircuit as tc
from numpy.typing import NDArray

from benchmarks import inputs
from benchmarks.epoch import NUM_CLASSES, epoch_of, in_jax, peak_of
from benchmarks.inputs import Gate
from benchmarks.task import Case, Task

PACKAGES = ("tensorcircuit-ng", "jax")

tc.set_backend("jax")
tc.set_dtype("complex128")


def _values(num_qubits: int, gates: list[Gate], measured: list[int]) -> Callable[[Any, Any], Any]:
    """⟨Z⟩ of some qubits as a function of features (B, qubits) and weights, shape (B, measured)."""

    def circuit(sample: Any, weights: Any) -> Any:
        state = tc.Circuit(num_qubits)
        for name, qubits, column in gates:
            if name == "cx":
                state.cnot(*qubits)
            else:
                angle = sample[column] if column < num_qubits else weights[column - num_qubits]
                getattr(state, name)(*qubits, theta=angle)
        return jnp.stack([jnp.real(state.expectation_ps(z=[qubit])) for qubit in measured])

    return jax.vmap(circuit, in_axes=(0, None))


def training(case: Case) -> Task:
    features, weights = inputs.training_data(case)
    values = _values(case["num_qubits"], inputs.training_gates(case["num_qubits"], case["layers"]), [0])
    step = jax.jit(jax.value_and_grad(lambda weights: jnp.mean(values(features, weights) ** 2)))

    def run() -> NDArray[Any]:
        value, gradient = step(weights)
        return np.concatenate([[np.asarray(value)], np.asarray(gradient)])

    return Task(run)


def epoch(case: Case) -> Task:
    plan = epoch_of(case)
    return in_jax(plan, _values(case["num_qubits"], plan.gates, list(range(NUM_CLASSES))), anew=case["anew"])


PREPARE = {"training": training, "epoch": epoch, "epoch_memory": peak_of(epoch)}
