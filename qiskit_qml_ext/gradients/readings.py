"""Expectation values at many points, with their standard errors: exact, or from one PUB of an estimator."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import PubResult
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPubLike
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.engine import Observable, expectations
from qiskit_qml_ext.engine.observables import size_of
from qiskit_qml_ext.exceptions import UnsupportedObservableError
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.shots import precision_for
from qiskit_qml_ext.program import lower

_EQUAL_SHARES = 1e-9  # rounding of |c|/Σ|c|, far below one shot


@dataclass(frozen=True, eq=False)
class Readings:
    """Expectation values at N points."""

    values: FloatArray = field(repr=False)
    """Shape (N, M)."""
    errors: FloatArray = field(repr=False)
    """Standard errors, shape (N, M); 0 where the values are exact."""


@dataclass(frozen=True, eq=False)
class Question:
    """Observables of a circuit at points."""

    circuit: QuantumCircuit
    """Without measurements."""
    points: FloatArray = field(repr=False)
    """Parameter values, shape (N, P), columns in the order of ``circuit.parameters``."""
    observables: Sequence[Observable] = field(repr=False)
    """M observables with real expectation values."""
    shares: FloatArray | None = field(default=None, repr=False)
    """The shots of each point beside the connection's, shape (N,); None for the connection's own."""


def read(
    circuit: QuantumCircuit, points: FloatArray, observables: Sequence[Observable], connection: Connection
) -> Readings:
    """Read all observables at all points, as one batch of states or as one PUB; see :func:`read_all`."""
    return read_all([Question(circuit, points, observables)], connection)[0]


def read_all(questions: Sequence[Question], connection: Connection) -> list[Readings]:
    """Answer questions, each as one batch of states, or all as one job with a PUB for each.

    Readings at different points are independent, also where the circuit has no parameters; but for those of different
    PUBs of a primitive of the user's, which may repeat its noise (``connection.target.may_repeat_noise``).

    Args:
        questions: What to read.
        connection: Where to run.

    Raises:
        UnsupportedObservableError: An observable is no Pauli sum, and the connection is not exact.
        ValueError: A point is not finite, as angles outside of an expression's domain are.
    """
    if not all(np.all(np.isfinite(question.points)) for question in questions):
        raise ValueError("An angle of the circuit is not finite: values lie outside of the domain of an expression.")
    if connection.is_exact:
        return [_exact(question, connection) for question in questions]
    asked = [_Asked(question, connection) for question in questions]
    pubs = [pub for one in asked for pub in one.pubs]
    results = iter(connection.estimate(pubs) if pubs else ())
    return [one.readings([next(results) for _ in one.pubs]) for one in asked]


def _exact(question: Question, connection: Connection) -> Readings:
    values = expectations(
        lower(question.circuit),
        question.points,
        question.observables,
        dtype=connection.dtype,
        max_memory=connection.max_memory,
    )
    return Readings(np.asarray(values, dtype=np.float64), np.zeros(values.shape))


class _Asked:
    """A question as PUBs, one for each number of shots; none where nothing has to run."""

    def __init__(self, question: Question, connection: Connection) -> None:
        observables = [pauli_sum(one) for one in question.observables]
        self._sizes = np.array([size_of(one) for one in observables])
        self._used = np.flatnonzero(self._sizes)
        self._shape = (len(question.points), len(observables))
        self._rows: list[IndexArray] = []
        self.pubs: list[EstimatorPubLike] = []
        if not len(self._used) or not len(question.points):
            return
        isa = connection.isa_circuit(question.circuit)
        # Qiskit's estimators take coefficients below 1e-8 for nothing, whatever the unit
        scaled = [observables[int(place)] / self._sizes[place] for place in self._used]
        placed = scaled if isa.layout is None else [one.apply_layout(isa.layout) for one in scaled]
        columns = {parameter.name: column for column, parameter in enumerate(question.circuit.parameters)}
        names = tuple(parameter.name for parameter in isa.parameters)
        order = np.array([columns[name] for name in names], dtype=np.int64)
        measured = ObservablesArray.coerce([[one] for one in placed])
        for rows, precision in _by_precision(question, connection):
            bound = BindingsArray({names: question.points[np.ix_(rows, order)]} if names else {}, shape=(len(rows),))
            self._rows.append(rows)
            self.pubs.append((isa, measured, bound, precision))

    def readings(self, results: Sequence[PubResult]) -> Readings:
        """Put what came back into the unit of the observables."""
        values, errors = np.zeros(self._shape), np.zeros(self._shape)
        sizes = self._sizes[self._used]
        for rows, result in zip(self._rows, results, strict=True):
            shape, place = (len(self._used), len(rows)), np.ix_(rows, self._used)
            values[place] = np.broadcast_to(np.asarray(result.data.evs, dtype=np.float64), shape).T * sizes
            errors[place] = _errors(result, shape).T * sizes
        return Readings(values, errors)


def _by_precision(question: Question, connection: Connection) -> list[tuple[IndexArray, float | None]]:
    """The points with the precision that their shots give; None for the connection's own."""
    everything = np.arange(len(question.points))
    if question.shares is None or np.allclose(question.shares, 1.0, rtol=0, atol=_EQUAL_SHARES):
        return [(everything, None)]
    assert connection.shots is not None
    shots = np.maximum(np.rint(question.shares * connection.shots), 1).astype(int)
    return [(np.flatnonzero(shots == number), precision_for(int(number))) for number in np.unique(shots)]


def _errors(result: PubResult, shape: tuple[int, int]) -> FloatArray:
    """The standard errors of a PUB; where it states none at all, the precision that it was run with.

    Runtime states as ``stds`` the spread over a few randomisations (at 100 shots over two, with a divisor of two, which
    is half of the error), and the error of the shots beside it: the larger of the two holds also where the device
    drifts. Qiskit's ``StatevectorEstimator`` adds noise of its precision and states 0.
    """
    stated = np.asarray(result.data.stds, dtype=np.float64)
    of_shots = np.asarray(getattr(result.data, "ensemble_standard_error", stated), dtype=np.float64)
    largest = np.broadcast_to(np.maximum(stated, of_shots), shape)
    if np.any(largest):
        return largest
    return np.full(shape, float(result.metadata.get("target_precision") or 0.0))


def pauli_sum(observable: Observable) -> SparsePauliOp:
    """Return an observable as what estimators measure.

    Raises:
        UnsupportedObservableError: It is no Pauli sum.
    """
    if isinstance(observable, Pauli | SparsePauliOp):
        return SparsePauliOp(observable)
    raise UnsupportedObservableError(
        f"An estimator measures Pauli sums, but an observable is a {type(observable).__name__}. "
        "Give a SparsePauliOp, or use the adjoint method on an exact connection."
    )
