"""Observables as Pauli sums, which is what estimators measure."""

import numpy as np
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine import Observable, Projector
from qiskit_qml_ext.exceptions import UnsupportedObservableError

_MAX_TERMS = 1024  # Pauli strings of one observable
_MAX_TABLE_QUBITS = 20  # of a table with 2**n entries
_MAX_STATE_QUBITS = 5  # 4**n strings
_ZERO = 1e-13  # of the largest coefficient: what rounding leaves of sums that cancel


def as_pauli_sum(observable: Observable, num_qubits: int) -> SparsePauliOp:
    """Return an observable as a sum of Pauli strings.

    A diagonal d has the coefficients Σ_z (-1)^(s·z) d_z / 2ⁿ before the strings with Z on the qubits of s.

    Args:
        observable: Any observable of the circuit's width.
        num_qubits: n, the width of the circuit.

    Raises:
        UnsupportedObservableError: If the sum would have too many strings.
    """
    if isinstance(observable, Pauli | SparsePauliOp):
        return SparsePauliOp(observable)
    if isinstance(observable, Projector) and not isinstance(observable.state, int | np.integer):
        if num_qubits > _MAX_STATE_QUBITS:
            raise _too_many(4**num_qubits)
        amplitudes = np.asarray(observable.state)
        return SparsePauliOp.from_operator(Operator(np.outer(amplitudes, amplitudes.conj())))
    if num_qubits > _MAX_TABLE_QUBITS:
        raise _too_many(2**num_qubits)
    if isinstance(observable, Projector):
        diagonal = np.zeros(1 << num_qubits)
        diagonal[observable.state] = 1.0
    else:
        diagonal = np.asarray(observable, dtype=np.float64)
    coefficients = _walsh_coefficients(diagonal)
    kept = np.flatnonzero(np.abs(coefficients) > _ZERO * np.max(np.abs(coefficients), initial=0.0))
    if len(kept) > _MAX_TERMS:
        raise _too_many(len(kept))
    if not len(kept):
        return SparsePauliOp("I" * num_qubits, 0.0)
    labels = ["".join("IZ"[int(mask) >> qubit & 1] for qubit in reversed(range(num_qubits))) for mask in kept]
    return SparsePauliOp(labels, coefficients[kept])


def _walsh_coefficients(diagonal: FloatArray) -> FloatArray:
    """Return Σ_z (-1)^(s·z) d_z / 2ⁿ for every s, by sums and differences one qubit after the other."""
    table = diagonal
    half = 1
    while half < len(diagonal):
        pairs = table.reshape(-1, 2, half)
        table = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).reshape(-1)
        half *= 2
    return table / len(diagonal)


def _too_many(number: int) -> UnsupportedObservableError:
    return UnsupportedObservableError(
        f"An estimator measures sums of Pauli strings, and an observable would be one of {number:,} strings, more than "
        f"{_MAX_TERMS:,}. Use a SparsePauliOp with few terms, in a model observables='local' with no more classes "
        "than qubits, or an exact connection."
    )
