"""Matrices and gradients of projected kernels: from simulated states, or from measured ones and shifted circuits.

A loss goes back to squared distances, from these to the expectation values of each sample, and from these to the
parameters of its circuit. So all that is simulated or run is of samples, not of pairs. With shots a derivative is a
product of estimates from different shots, by which it adds no bias of its own to that of the loss.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.gradients.methods.shifted_points import ShiftedPoints, shifted_points
from qiskit_qml_ext.kernels.blocks import check_matrix
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.reduced_states.comparison import Comparison
from qiskit_qml_ext.kernels.reduced_states.exact_projections import exact_pull_back, exact_values
from qiskit_qml_ext.kernels.reduced_states.local_circuit import LocalCircuit, local_circuit_on, pauli_turns
from qiskit_qml_ext.kernels.reduced_states.outcomes import LocalOutcomes
from qiskit_qml_ext.kernels.reduced_states.outer_kernels import has_slopes, outer_kernel, outer_pull_back, takes_gamma
from qiskit_qml_ext.kernels.reduced_states.paulis import PauliTable
from qiskit_qml_ext.kernels.reduced_states.projections import Projections, measured_paulis
from qiskit_qml_ext.kernels.reduced_states.settings import covering_settings
from qiskit_qml_ext.kernels.samples import distinct_samples
from qiskit_qml_ext.kernels.training.pairs import PullBack
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.approximation import used_qubits

_ARRAYS = 6  # of the shape of the matrix at a time


class ProjectedPairs(ABC):
    """Matrices and gradients of a projected kernel.

    Its rows are the values of all parameters of the circuit, and then γ if the classical kernel has one.

    Args:
        connection: Where circuits run.
        encoding: The circuit with all its parameters free.
        table: The Paulis that the distances are made of.
        outer: The classical kernel: a name, or a kernel of scikit-learn, of which there are no gradients.
        debias: Whether what shots add to squares in the mean is taken away.
    """

    is_exact: bool
    _by: str

    def __init__(self, connection: Connection, encoding: Encoding, table: PauliTable, outer: object, *, debias: bool):
        self.connection, self._encoding, self._table = connection, encoding, table
        self._outer, self._has_gamma, self._debias = outer, takes_gamma(outer), debias

    @property
    def gradient(self) -> str | None:
        """The name of the gradient method; ``None`` where only values are known."""
        return self._by if has_slopes(self._outer) else None

    def matrices(self, rows: Sequence[FloatArray]) -> list[FloatArray]:
        """Return the matrix of each set of rows, all of them from one job if circuits run."""
        compared = self.compared([self._split(one)[0] for one in rows])
        return [self._matrix(one, self._split(part)[1]) for one, part in zip(compared, rows, strict=True)]

    def gradients(self, rows: FloatArray, columns: Sequence[int], pull_back: PullBack) -> FloatArray:
        """Return the derivatives of a loss by the numbers of each row; see :class:`Pairs`."""
        outer = self._outer
        if not isinstance(outer, str):
            raise ValueError(f"outer={outer!r} has no gradient. Use an optimizer that takes values only, as 'spsa'.")
        values, gamma = self._split(rows)
        shifts = self.prepared(values, columns)
        [compared] = self.compared([values])
        cotangents, by_gamma = outer_pull_back(compared, outer, gamma, pull_back(self._matrix(compared, gamma)))
        found = self._by_parameters(values, columns, shifts, compared, cotangents)
        return np.column_stack([found, by_gamma]) if self._has_gamma else found

    @abstractmethod
    def compared(self, rows: Sequence[FloatArray]) -> list[Comparison]:
        """Return the samples of each set of rows, without γ, compared with themselves."""

    def prepared(self, rows: FloatArray, columns: Sequence[int]) -> ShiftedPoints | None:
        """Return what a gradient takes besides the matrix; raises, before anything is run, if there is none."""
        return None

    @abstractmethod
    def _by_parameters(
        self,
        rows: FloatArray,
        columns: Sequence[int],
        shifts: ShiftedPoints | None,
        compared: Comparison,
        cotangents: FloatArray,
    ) -> FloatArray:
        """Return the derivatives by the parameters of each row from those by its expectation values."""

    def _split(self, rows: FloatArray) -> tuple[FloatArray, float | None]:
        """Return the circuit's parameters, and γ."""
        return (np.ascontiguousarray(rows[:, :-1]), float(rows[0, -1])) if self._has_gamma else (rows, None)

    def _matrix(self, compared: Comparison, gamma: float | None) -> FloatArray:
        return outer_kernel(compared, self._outer, gamma)[0]

    def _comparison(self, projections: Projections, places: IndexArray) -> Comparison:
        check_matrix((len(places), len(places)), _ARRAYS, self.connection.max_memory, "Use batches.")
        ones = [1.0] * len(self._table.patches)
        weights, identity = self._table.weights(ones), self._table.identity_weight(ones)
        return Comparison(projections, places, places, weights, identity, self._debias)


class ExactProjectedPairs(ProjectedPairs):
    """By states: one reverse pass a sample, group by group of qubits that do not interact."""

    is_exact, _by = True, "adjoint"

    def compared(self, rows: Sequence[FloatArray]) -> list[Comparison]:
        """Return the samples of each set of rows, without γ, compared with themselves."""
        return [self._compared(one) for one in rows]

    def _compared(self, rows: FloatArray) -> Comparison:
        for factor in self._encoding.factors:
            check_domain(factor.program, factor.columns, rows, None)
        distinct, places = distinct_samples(rows)
        values = exact_values(self.connection, self._encoding.factors, self._table, distinct)
        return self._comparison(Projections(values), np.arange(len(rows)) if places is None else places)

    def _by_parameters(
        self,
        rows: FloatArray,
        columns: Sequence[int],
        shifts: ShiftedPoints | None,
        compared: Comparison,
        cotangents: FloatArray,
    ) -> FloatArray:
        values = compared.projections.values[compared.rows]
        return exact_pull_back(self.connection, self._encoding.factors, self._table, rows, values, cotangents)


class MeasuredProjectedPairs(ProjectedPairs):
    """By counts: the same settings at shifted angles, S N circuits a step for S shifts and N samples that matter."""

    is_exact, _by = False, "parameter_shift"

    def compared(self, rows: Sequence[FloatArray]) -> list[Comparison]:
        """Return the samples of each set of rows, without γ, compared with themselves; all from one job."""
        circuit, every = local_circuit_on(self.connection, self._encoding), np.concatenate(rows)
        circuit.check(self.connection, every, None)
        distinct, places = circuit.distinct(every)
        projections = measured_paulis(self.connection, circuit, self._table, distinct).projections()
        ends = np.cumsum([len(one) for one in rows])[:-1]
        return [self._comparison(projections, part) for part in np.split(places, ends)]

    def plan(
        self,
        rows: FloatArray,
        columns: Sequence[int],
        *,
        num_matrices: int = 1,
        price_per_minute: float | None = None,
    ) -> RunPlan:
        """Say what :meth:`gradients` takes of a loss of all pairs; without columns, what some matrices take.

        Args:
            rows: Shape (n, numbers).
            columns: The parameters by which derivatives are wanted.
            num_matrices: How many matrices at different parameters, without columns.
            price_per_minute: The price of a minute of processor time.
        """
        values, _ = self._split(rows)
        circuit = local_circuit_on(self.connection, self._encoding)
        missing = self._missing(circuit, values)
        if not columns:
            pub = (circuit.circuit, np.tile(missing, (num_matrices, 1)), None)
            return self.connection.plan([pub], price_per_minute=price_per_minute)
        points = self.prepared(values, columns)
        shifted = local_circuit_on(self.connection, Encoding(points.circuit))
        pubs = [
            (circuit.circuit, missing, None),
            (shifted.circuit, self._missing(shifted, _moved(points, np.arange(len(values)))), None),
        ]
        jobs = sum(self.connection.plan([pub]).jobs for pub in pubs if len(pub[1]))  # the slopes want the matrix first
        return replace(self.connection.plan(pubs, price_per_minute=price_per_minute), jobs=jobs)

    def _missing(self, circuit: LocalCircuit, rows: FloatArray) -> FloatArray:
        settings = covering_settings(self._table.patches, self._table.paulis.shape[1])
        return LocalOutcomes(self.connection, circuit).missing(circuit.distinct(rows)[0], pauli_turns(settings))

    def prepared(self, rows: FloatArray, columns: Sequence[int]) -> ShiftedPoints:
        """Return the shifted points; raises if the shifted circuits are not of the same qubits."""
        points = shifted_points(self._encoding.unitary, rows, columns)
        if used_qubits(points.circuit) != used_qubits(self._encoding.unitary):
            raise UnsupportedCircuitError(
                "The gates of this circuit cannot be shifted one by one without changing which qubits it acts on. Use "
                "optimizer='spsa', or exact results."
            )
        return points

    def _by_parameters(
        self,
        rows: FloatArray,
        columns: Sequence[int],
        shifts: ShiftedPoints | None,
        compared: Comparison,
        cotangents: FloatArray,
    ) -> FloatArray:
        assert shifts is not None, "prepared before"
        found, live = np.zeros(rows.shape), np.flatnonzero(np.any(cotangents != 0, axis=1))
        if not len(live) or shifts.points.shape[1] == 1:
            return found
        circuit = local_circuit_on(self.connection, Encoding(shifts.circuit))
        distinct, places = circuit.distinct(_moved(shifts, live))
        values = measured_paulis(self.connection, circuit, self._table, distinct).values[places]
        values = values.reshape(len(live), shifts.points.shape[1] - 1, -1)
        weighted = np.zeros((len(rows), shifts.points.shape[1], 1))
        weighted[live, 1:, 0] = np.einsum("nsm,nm->ns", values, cotangents[live])
        found[:, list(columns)] = shifts.derivatives(weighted)[:, 0]
        return found


def _moved(points: ShiftedPoints, samples: IndexArray) -> FloatArray:
    """Return the shifted points of some samples, one after the other; the first point, without a shift, is not run."""
    moved = points.points[samples, 1:]
    return moved.reshape(moved.shape[0] * moved.shape[1], -1)
