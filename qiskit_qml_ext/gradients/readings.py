"""Expectation values at many points, with their standard errors: exact, or from one PUB of an estimator."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import PubResult
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine import Observable, expectations
from qiskit_qml_ext.engine.observables import size_of
from qiskit_qml_ext.exceptions import UnsupportedObservableError
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import lower


@dataclass(frozen=True, eq=False)
class Readings:
    """Expectation values at N points."""

    values: FloatArray = field(repr=False)
    """Shape (N, M)."""
    errors: FloatArray = field(repr=False)
    """Standard errors, shape (N, M); 0 where the values are exact."""


def read(
    circuit: QuantumCircuit, points: FloatArray, observables: Sequence[Observable], connection: Connection
) -> Readings:
    """Read all observables at all points, as one batch of states or as one PUB.

    One PUB draws all noise from one stream, so that the readings are independent also on a simulator with a seed.

    Args:
        circuit: A circuit without measurements.
        points: Parameter values, shape (N, P), columns in the order of ``circuit.parameters``.
        observables: M observables with real expectation values.
        connection: Where to run.

    Raises:
        UnsupportedObservableError: An observable is no Pauli sum, and the connection is not exact.
        ValueError: A point is not finite, as angles outside of an expression's domain are.
    """
    if not np.all(np.isfinite(points)):
        raise ValueError("An angle of the circuit is not finite: values lie outside of the domain of an expression.")
    if connection.is_exact:
        exact = expectations(
            lower(circuit), points, observables, dtype=connection.dtype, max_memory=connection.max_memory
        )
        return Readings(np.asarray(exact, dtype=np.float64), np.zeros(exact.shape))
    return _estimated(circuit, points, [_pauli_sum(one) for one in observables], connection)


def _estimated(
    circuit: QuantumCircuit, points: FloatArray, observables: Sequence[SparsePauliOp], connection: Connection
) -> Readings:
    shape = (len(points), len(observables))
    values, errors = np.zeros(shape), np.zeros(shape)
    sizes = np.array([size_of(one) for one in observables])
    used = np.flatnonzero(sizes)
    if not len(used) or not len(points):
        return Readings(values, errors)
    isa = connection.isa_circuit(circuit)
    # Qiskit's estimators take coefficients below 1e-8 for nothing, whatever the unit
    scaled = [observables[int(place)] / sizes[place] for place in used]
    placed = scaled if isa.layout is None else [one.apply_layout(isa.layout) for one in scaled]
    columns = {parameter.name: column for column, parameter in enumerate(circuit.parameters)}
    names = tuple(parameter.name for parameter in isa.parameters)
    bound = {names: points[:, [columns[name] for name in names]]} if names else None
    pub = (isa, ObservablesArray.coerce([[one] for one in placed]), bound)
    result = connection.estimator.run([pub]).result()[0]
    data = result.data
    full = (len(used), len(points))
    values[:, used] = np.broadcast_to(np.asarray(data.evs, dtype=np.float64), full).T * sizes[used]
    errors[:, used] = _errors(result, full).T * sizes[used]
    return Readings(values, errors)


def _errors(result: PubResult, shape: tuple[int, int]) -> FloatArray:
    """The standard errors of a PUB; where it states none at all, the precision that it was run with.

    Qiskit's ``StatevectorEstimator`` adds noise of that precision and states 0.
    """
    stated = np.broadcast_to(np.asarray(result.data.stds, dtype=np.float64), shape)
    if np.any(stated):
        return stated
    return np.full(shape, float(result.metadata.get("target_precision") or 0.0))


def _pauli_sum(observable: Observable) -> SparsePauliOp:
    if isinstance(observable, Pauli | SparsePauliOp):
        return SparsePauliOp(observable)
    raise UnsupportedObservableError(
        f"An estimator measures Pauli sums, but an observable is a {type(observable).__name__}. "
        "Give a SparsePauliOp, or an exact connection."
    )
