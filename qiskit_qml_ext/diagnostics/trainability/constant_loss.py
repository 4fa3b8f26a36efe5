"""Why no parameter changes a loss, and what would let one: every advice is tried before it is given."""

from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.diagnostics.subject.limits import MAX_STATE_QUBITS
from qiskit_qml_ext.diagnostics.subject.problem import Problem
from qiskit_qml_ext.engine import Observable, expectation_jacobian
from qiskit_qml_ext.program import unitary_part

_POINTS = 8  # a derivative that is not zero everywhere vanishes at all of them with probability zero
_ZERO = 1e-9  # relative to the observable; far above rounding


@dataclass(frozen=True)
class ConstantLoss:
    """A finding and the advice that follows from it."""

    finding: str
    """What was found."""
    advice: str
    """What helps, or what may help where nothing could be tried."""


def explain_constant_loss(problem: Problem, *, seed: int | None = 0) -> ConstantLoss:
    """Tell whether the observable or the initial state keeps a loss constant.

    A loss ⟨0|U†OU|0⟩ is constant because U†OU does not depend on the parameters, because the state does not (a circuit
    that preserves excitations does nothing to |0…0⟩, which has none), or because both do where it does not show.

    Args:
        problem: A circuit and an observable whose derivatives all vanish.
        seed: Seed of the angles at which they are looked at.
    """
    if not problem.circuit.num_parameters:
        return ConstantLoss(
            "The circuit has no parameters, so its loss is one number and there is nothing to train.",
            "Give a circuit with parameters, or a template such as HardwareEfficientAnsatz.",
        )
    if problem.num_qubits > MAX_STATE_QUBITS:
        return ConstantLoss(
            "No parameter changes the loss.",
            "Measure other qubits or in another basis, or start from another state than |0…0⟩; which of them helps "
            f"was not tried on more than {MAX_STATE_QUBITS} qubits.",
        )
    circuit, rng = unitary_part(problem.circuit), np.random.default_rng(seed)
    values = problem.sample(_POINTS, rng)
    seen = _seen_paulis(problem, circuit, values)
    if seen:
        return ConstantLoss(
            "No parameter changes the loss: the observable does not see what the parameters do to the state.",
            f"Measure another observable: the parameters change {' and '.join(seen)}, for example.",
        )
    starts = [name for name, start in _starts(problem.num_qubits) if _moves(problem, start.compose(circuit), values)]
    if starts:
        return ConstantLoss(
            "No parameter changes the loss as long as the circuit starts from |0…0⟩; from other states some would.",
            f"Start from another state: with {starts[0]} before the circuit, the same observable sees the parameters.",
        )
    return ConstantLoss(
        "No parameter changes the loss: the observable does not see the circuit.",
        "Measure another observable, one that the parametrised gates can reach and do not commute with.",
    )


def _seen_paulis(problem: Problem, circuit: QuantumCircuit, values: FloatArray) -> list[str]:
    """Name, in words, at most two single-qubit Paulis whose expectation value the parameters change."""
    n = problem.num_qubits
    names = [(letter, qubit) for letter in "ZXY" for qubit in range(n)]
    observables: list[Observable] = [SparsePauliOp.from_sparse_list([(p, [q], 1.0)], n) for p, q in names]
    slopes = _slopes(problem, circuit, values, observables)
    seen = np.flatnonzero(slopes > _ZERO)[:2]
    return [f"{names[place][0]} on qubit {names[place][1]}" for place in seen]


def _starts(n: int) -> list[tuple[str, QuantumCircuit]]:
    """List initial states that are easy to prepare, in words and as circuits."""
    first, alternating, uniform = QuantumCircuit(n), QuantumCircuit(n), QuantumCircuit(n)
    first.x(0)
    alternating.x(range(0, n, 2))
    uniform.h(range(n))
    return [
        ("an X gate on qubit 0", first),
        ("X gates on every second qubit", alternating),
        ("Hadamard gates on all qubits", uniform),
    ]


def _moves(problem: Problem, circuit: QuantumCircuit, values: FloatArray) -> bool:
    return bool(_slopes(problem, circuit, values, [problem.observable])[0] > _ZERO * _size(problem.observable))


def _slopes(problem: Problem, circuit: QuantumCircuit, values: FloatArray, observables: list[Observable]) -> FloatArray:
    """Return the largest derivative of each observable by one of the parameters."""
    _, jacobian = expectation_jacobian(circuit, values, observables)
    largest: FloatArray = np.abs(jacobian[:, :, list(problem.columns)]).max(axis=(0, 2), initial=0.0)
    return largest


def _size(observable: Observable) -> float:
    if isinstance(observable, SparsePauliOp):
        return float(np.abs(observable.coeffs).sum())
    return float(np.abs(observable).max(initial=1.0)) if isinstance(observable, np.ndarray) else 1.0
