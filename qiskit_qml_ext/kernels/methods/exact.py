"""Exact fidelities: one state for each distinct sample, then the squared moduli of all inner products."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IndexArray, StateArray
from qiskit_qml_ext.engine import gram
from qiskit_qml_ext.engine.first_look import PLAN_QUBITS, PLAN_STATES, spread_rows
from qiskit_qml_ext.kernels.base import exact_connection
from qiskit_qml_ext.kernels.blocks import Blocks, check_matrix, cut_blocks
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.factors import Factor, independent_factors
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel, ReinterpretedKernel
from qiskit_qml_ext.kernels.methods.inversion_circuit import inversion_test
from qiskit_qml_ext.kernels.methods.method import Fidelities
from qiskit_qml_ext.kernels.outcomes import ExactOutcomes
from qiskit_qml_ext.kernels.outcomes.distributions import exact_states_are_not_read
from qiskit_qml_ext.kernels.readings import FidelityReading, Reading, ReadoutErrors
from qiskit_qml_ext.kernels.samples import distinct_samples
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.approximation import used_qubits
from qiskit_qml_ext.program import RotationProgram, unitary_part

_MAX_KEPT_INVERSIONS = 256  # of feature maps; a kernel that is trained has another one at each step


class ExactStates:
    """Fidelities of simulated states; no circuit runs."""

    name = "exact"

    def reason(self, connection: Connection, encoding: Encoding) -> str | None:
        """Return why ``"auto"`` takes this method: the connection's results are exact."""
        return f"results on {connection.target_name!r} are exact" if connection.is_exact else None

    def estimate(self, wanted: Fidelities) -> RawKernel:
        """Compute the matrix.

        Raises:
            ValueError: If a sample takes an angle out of its domain, or readout errors came that nothing has.
            StateTooLargeError: If the matrix and blocks of one state do not fit.
        """
        if not isinstance(wanted.reading, FidelityReading):
            kept = self.outcomes(wanted)
            return kept.raw(wanted.reading, both=kept.needs_both(wanted.reading, wanted.orders))
        _check(wanted)
        matrix = exact_fidelities(wanted.connection, wanted.encoding.factors, wanted.x, wanted.y)
        return RawKernel(matrix, None, None, wanted.connection.target_name, outcomes=_OutcomesOnDemand(wanted))

    def reinterpreted(self, wanted: Fidelities) -> ReinterpretedKernel:
        """Return the matrix of the wanted reading, from states."""
        return self.outcomes(wanted).reinterpret(wanted.reading, orders=wanted.orders)

    def outcomes(self, wanted: Fidelities) -> ExactOutcomes:
        """Return the distributions of the outcomes, which are simulated when they are read."""
        _check(wanted)
        encoding = wanted.encoding
        columns, factors = wanted.connection.results.once(
            "exact inversions", encoding.key, lambda: _inversion(encoding.unitary), limit=_MAX_KEPT_INVERSIONS
        )
        return ExactOutcomes(
            num_qubits=len(used_qubits(encoding.unitary)),
            encoding=encoding,
            connection=wanted.connection,
            factors=factors,
            columns=columns,
            needed=wanted.pairs(),
        )


@dataclass(frozen=True, eq=False)
class _OutcomesOnDemand:
    """The outcomes behind exact fidelities, of which nothing is computed before they are asked for."""

    wanted: Fidelities

    def reinterpret(
        self,
        reading: str | Reading,
        *,
        tolerance: int | None = None,
        orders: str = "both",
        readout_correction: ReadoutErrors | None = None,
    ) -> ReinterpretedKernel:
        """Return another kernel of the same samples; see :meth:`KernelEstimate.reinterpret`."""
        kept = ExactStates().outcomes(self.wanted)
        return kept.reinterpret(reading, tolerance=tolerance, orders=orders, readout_correction=readout_correction)


def _check(wanted: Fidelities) -> None:
    if wanted.readout_correction is not None:
        raise exact_states_are_not_read()
    for factor in wanted.encoding.factors:
        check_domain(factor.program, factor.columns, wanted.x, wanted.y)


def _inversion(unitary: QuantumCircuit) -> tuple[IndexArray, tuple[Factor, ...]]:
    """Return U(y)†U(x) as groups of qubits, and its parameters as columns of the features of x, then those of y."""
    parameters = list(unitary.parameters)
    circuit = unitary_part(inversion_test(unitary, parameters, annotated=True))
    halves = {"left": 0, "right": len(parameters)}
    columns = [halves[parameter.vector.name] + parameter.index for parameter in circuit.parameters]
    return np.array(columns, dtype=np.intp), tuple(independent_factors(circuit))


def exact_fidelities(
    connection: Connection, factors: Sequence[Factor], x: FloatArray, y: FloatArray | None
) -> FloatArray:
    """Return |⟨φ(y_j)|φ(x_i)⟩|², shape (n, m); ``y=None`` means ``x`` again, with a diagonal of exactly 1.

    Args:
        connection: Does the simulation; its ``max_memory`` bounds matrices and states together.
        factors: The encoding, from :func:`~qiskit_qml_ext.kernels.factors.independent_factors`.
        x: Samples, shape (n, features).
        y: Samples, shape (m, features), or ``None``.

    Raises:
        StateTooLargeError: If the matrix and blocks of one state do not fit; nothing is simulated then.
    """
    product: FloatArray | None = None
    for factor in factors:
        kernel = _of_factor(connection, factor, x, y, arrays=1 if product is None else 2)
        product = kernel if product is None else np.multiply(product, kernel, out=product)
    return np.ones((len(x), len(x if y is None else y))) if product is None else product


def _of_factor(
    connection: Connection, factor: Factor, x: FloatArray, y: FloatArray | None, *, arrays: int
) -> FloatArray:
    """Return the matrix of one factor: between distinct samples, in blocks that fit, then spread over equal samples.

    ``arrays`` matrices of the whole shape are there at the same time.
    """
    rows, row_of = distinct_samples(factor.select(x))
    columns, column_of = (None, row_of) if y is None else distinct_samples(factor.select(y))
    spread = row_of is not None or column_of is not None
    shape = (len(x), len(x if y is None else y))
    limit = connection.max_memory
    blocks = cut_blocks(
        factor.program,
        connection.dtype,
        len(rows),
        0 if columns is None else len(columns),
        matrices=check_matrix(shape, arrays + spread, limit),
        max_memory=limit,
    )
    states = _States(connection, factor.program, blocks)
    if columns is None:
        kernel = gram(states.of(rows)) if blocks.rows >= len(rows) else _symmetric(states, rows)
        np.fill_diagonal(kernel, 1.0)
    elif blocks.rows >= len(rows) and blocks.columns >= len(columns):
        kernel = gram(states.of(rows), states.of(columns, beside=len(rows)))
    elif len(rows) <= len(columns):  # the states of the smaller side are held: the larger one is simulated least often
        kernel = _rectangular(states, rows, columns)
    else:
        kernel = _rectangular(states, columns, rows).T
    if not spread:
        return kernel
    of_row = np.arange(len(rows)) if row_of is None else row_of
    of_column = np.arange(kernel.shape[1]) if column_of is None else column_of
    return kernel[np.ix_(of_row, of_column)]


class _States:
    """Simulates blocks of states within the memory that is left beside others."""

    def __init__(self, connection: Connection, program: RotationProgram, blocks: Blocks):
        self._connection = connection
        self._program = program
        self.blocks = blocks

    def of(self, values: FloatArray, *, beside: int = 0) -> StateArray:
        """Simulate a block of states while ``beside`` others are held."""
        memory = self.blocks.memory
        if memory is not None:
            memory -= beside * self.blocks.state
        return self._connection.statevectors(self._program, values, max_memory=memory)

    def columns(self, first: int, last: int) -> Iterator[slice]:
        """Cut a range of columns into those that are held together."""
        step = max(1, self.blocks.columns)
        return (slice(left, min(left + step, last)) for left in range(first, last, step))


def _symmetric(states: _States, x: FloatArray) -> FloatArray:
    kernel, size = np.empty((len(x), len(x))), states.blocks.rows
    for top in range(0, len(x), size):
        rows = slice(top, min(top + size, len(x)))
        held = states.of(x[rows])
        kernel[rows, rows] = gram(held)
        for columns in states.columns(rows.stop, len(x)):
            kernel[rows, columns] = gram(held, states.of(x[columns], beside=len(held)))
            kernel[columns, rows] = kernel[rows, columns].T
        del held  # before the next block is there
    return kernel


def _rectangular(states: _States, x: FloatArray, y: FloatArray) -> FloatArray:
    kernel, size = np.empty((len(x), len(y))), states.blocks.rows
    for top in range(0, len(x), size):
        rows = slice(top, min(top + size, len(x)))
        held = states.of(x[rows])
        for columns in states.columns(0, len(y)):
            kernel[rows, columns] = gram(held, states.of(y[columns], beside=len(held)))
        del held  # before the next block is there
    return kernel


def few_exact_fidelities(wanted: Fidelities) -> FloatArray:
    """Return exact entries off the diagonal of some of the samples, without any noise, for a plan.

    Returns:
        Shape (pairs,); none where there are no two different samples, or a look takes too long.
    """
    if wanted.y is not None:
        needed = wanted.pairs()
        return few_exact_entries(wanted.encoding, needed.samples, needed.pairs)
    samples = spread_rows(distinct_samples(wanted.x)[0])
    return few_exact_entries(wanted.encoding, samples, np.stack(np.triu_indices(len(samples), 1), axis=1))


def few_exact_entries(encoding: Encoding, samples: FloatArray, pairs: IndexArray) -> FloatArray:
    """Return the exact entries of some pairs, those of up to 40 first samples with up to 40 second ones.

    Args:
        encoding: Prepares the states.
        samples: Shape (d, features).
        pairs: Rows of ``samples``, shape (p, 2).

    Returns:
        Shape (some of the pairs,); none where a look takes too long.
    """
    if not len(pairs) or len(used_qubits(encoding.unitary)) > PLAN_QUBITS:
        return np.empty(0)
    first, second = (np.isin(side, spread_rows(np.unique(side))) for side in pairs.T)
    few = pairs[first & second]
    if len(few) < PLAN_STATES:  # where each sample is in few pairs
        few = spread_rows(pairs)
    used, places = np.unique(few, return_inverse=True)
    exact = exact_fidelities(exact_connection(), encoding.factors, samples[used], None)
    rows, columns = places.reshape(few.shape).T
    entries: FloatArray = exact[rows, columns]
    return entries
