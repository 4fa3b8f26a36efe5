"""What can be measured: Pauli sums, diagonal observables and projectors."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import AnyArray, ComplexArray, FloatArray

_SHORT_KEY = 1024  # bytes of content that are kept as they are; of more only a hash is kept
_EQUAL = 1e-12  # of the largest coefficient: terms that cancel leave less


@dataclass(frozen=True, eq=False)
class Projector:
    """The projector |φ><φ| on a basis state or on any state; its expectation value is the fidelity |<φ|ψ>|²."""

    state: int | ComplexArray
    """A basis state as an integer (bit j belongs to qubit j), or amplitudes of norm 1, shape (2**n,)."""


Observable: TypeAlias = SparsePauliOp | Pauli | Projector | FloatArray


def as_list(observables: Observable | Sequence[Observable]) -> list[Observable]:
    """One observable or a sequence of them, as a list.

    Raises:
        TypeError: An entry is not an observable.
    """
    if isinstance(observables, SparsePauliOp | Pauli | Projector):
        return [observables]
    if isinstance(observables, np.ndarray) and observables.ndim == 1 and observables.dtype != object:
        return [observables]
    if isinstance(observables, str) or not isinstance(observables, Sequence | np.ndarray):
        raise TypeError(f"observables must be {_EXPECTED}, but a {type(observables).__name__} came.")
    for place, observable in enumerate(observables):
        if not isinstance(observable, SparsePauliOp | Pauli | Projector | np.ndarray):
            raise TypeError(f"observables[{place}] must be {_EXPECTED}, but a {type(observable).__name__} came.")
    return list(observables)


def simplified(observable: Pauli | SparsePauliOp) -> SparsePauliOp:
    """Return a Pauli sum with each string once, in whatever unit it is: nothing but what cancels is dropped.

    Qiskit's own ``simplify`` drops coefficients below 1e-8, which are all of them in another unit.
    """
    operator = SparsePauliOp(observable)
    if operator.coeffs.dtype == object:
        return operator.simplify()
    seen = np.any(operator.paulis.x | operator.paulis.z, axis=1)
    sizes = np.abs(operator.coeffs)
    largest = float(np.max(sizes[seen], initial=0.0)) or float(np.max(sizes, initial=0.0))
    return operator.simplify(atol=_EQUAL * largest, rtol=0.0)


def size_of(observable: Observable) -> float:
    """Return a bound on the absolute value of ⟨O⟩: the unit that rounding errors are relative to."""
    if isinstance(observable, Projector):
        return 1.0
    if isinstance(observable, SparsePauliOp):
        return float(np.sum(np.abs(observable.coeffs)))
    if isinstance(observable, Pauli):
        return 1.0
    return float(np.max(np.abs(np.asarray(observable)), initial=0.0))


def content_key(observable: Observable) -> object:
    """A hashable value that equal observables share."""
    if isinstance(observable, SparsePauliOp):
        paulis, coefficients = observable.paulis, np.asarray(observable.coeffs)
        values = coefficients.tobytes() if coefficients.dtype != object else id(observable)
        return paulis.x.tobytes(), paulis.z.tobytes(), paulis.phase.tobytes(), paulis.num_qubits, values
    if isinstance(observable, Pauli):
        return "pauli", observable.x.tobytes(), observable.z.tobytes(), int(observable.phase)
    if isinstance(observable, Projector):
        state = observable.state
        return (
            ("basis", int(state)) if isinstance(state, int | np.integer) else ("state", _array_key(np.asarray(state)))
        )
    return "diagonal", _array_key(np.asarray(observable))


def _array_key(array: AnyArray) -> object:
    if array.nbytes <= _SHORT_KEY or array.dtype == object:
        return array.shape, array.dtype.str, array.tobytes()
    return array.shape, array.dtype.str, hashlib.blake2b(np.ascontiguousarray(array).data).digest()


_EXPECTED = "a SparsePauliOp, a Pauli, a Projector, a 1-D array with the diagonal of an observable, or a list of them"
