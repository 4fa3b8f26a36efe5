"""The gradients of a circuit's expectation values by its weights, for many samples, each circuit measured once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.observables import content_key
from qiskit_qml_ext.gradients import jacobian
from qiskit_qml_ext.gradients.error_propagation import observables_are_independent
from qiskit_qml_ext.gradients.methods.free_circuit import FreeCircuit, free_circuit
from qiskit_qml_ext.kernels.samples import distinct_samples
from qiskit_qml_ext.primitives import Connection, circuit_key
from qiskit_qml_ext.program.free_angles import driven_angles


@dataclass(frozen=True, eq=False)
class Gradients:
    """∇⟨O_m⟩ of n samples, and where their noise comes from.

    A gradient is g = Sᵀa of the derivatives a by the angles of gates, to which the shots belong. So partial derivatives
    by weights in one gate have their noise in common, and so have samples whose circuits are the same.
    """

    values: FloatArray
    """g, shape (n, M, W)."""
    errors: FloatArray
    """Standard errors of a, shape (n, M, D); D is 0 where gradients are exact."""
    slopes: FloatArray
    """S, the derivatives of the angles by the weights, shape (n, D, W)."""
    circuits: IndexArray
    """Which circuit each sample has, shape (n,): samples of one circuit have one a, noise included."""

    def of(self, rows: IndexArray) -> "Gradients":
        """Return those of some samples, in any order."""
        return Gradients(self.values[rows], self.errors[rows], self.slopes[rows], self.circuits[rows])

    def scaled(self, factors: FloatArray) -> "Gradients":
        """Return those of the observables times factors, shape (M,)."""
        sizes = np.abs(factors)[:, None]
        return replace(self, values=self.values * factors[:, None], errors=self.errors * sizes)

    def by_noise(self, independent: bool) -> "list[Gradients]":
        """Return the gradients once, or once with the noise of each observable alone if noise may go together."""
        if independent:
            return [self]
        keep = np.eye(self.errors.shape[1])[:, :, None]
        return [replace(self, errors=self.errors * one) for one in keep]

    def moved(self, noise: FloatArray) -> FloatArray:
        """Return by how much noise in units of the errors moves the gradients, shape (n, M, W).

        Args:
            noise: Of each circuit, shape (number of circuits, M, D).
        """
        return np.asarray(np.matmul(self.errors * noise[self.circuits], self.slopes))


@dataclass(frozen=True, eq=False)
class GradientSource:
    """A circuit whose gradients are asked for, sample by sample."""

    circuit: QuantumCircuit
    """The circuit."""
    observables: Sequence[Observable]
    """M observables."""
    data: Sequence[int]
    """Where the features stand in ``circuit.parameters``."""
    weights: Sequence[int]
    """Where the weights stand there."""
    connection: Connection
    """Where circuits run."""
    method: str
    """``"auto"`` or the name of a gradient method."""

    @property
    def observables_independent(self) -> bool:
        """Whether the observables have independent noise."""
        return observables_are_independent(self.connection)

    def rows(self, point: FloatArray, samples: FloatArray) -> FloatArray:
        """Return the values of all parameters for weights (W,) and samples, shape (n, P)."""
        rows = np.empty((len(samples), self.circuit.num_parameters))
        rows[:, list(self.data)] = samples
        rows[:, list(self.weights)] = point
        return rows

    def along(self, points: Sequence[FloatArray], samples: FloatArray) -> Iterator[Gradients]:
        """Yield the gradients of samples at each of some weights.

        What shots said of a circuit is known to the connection afterwards; what is not known yet is one job.

        Args:
            points: Weights, each of shape (W,).
            samples: Shape (n, features).

        Raises:
            ValueError: If an angle of the circuit has no finite derivative there.
        """
        if self.connection.is_exact:
            yield from (self._exact(self.rows(point, samples)) for point in points)
            return
        free, moved = self._free, self._moved
        rows = [self.rows(point, samples) for point in points]
        slopes = [free.slopes(one)[:, moved][:, :, list(self.weights)] for one in rows]
        if not all(np.all(np.isfinite(one)) for one in slopes):
            raise ValueError(
                "weights or samples lie where an angle of the circuit has no finite derivative (as arccos has at 1). "
                "Move them."
            )
        circuits, places = distinct_samples(free.in_order(free.angles(np.concatenate(rows))))
        places = np.arange(len(circuits)) if places is None else places
        values, errors = self._measured(circuits)
        for one, here in zip(slopes, np.split(places, len(points)), strict=True):
            yield Gradients(np.asarray(np.matmul(values[here], one)), errors[here], one, here)

    @cached_property
    def _free(self) -> FreeCircuit:
        return free_circuit(self.circuit)

    @cached_property
    def _moved(self) -> list[int]:
        """The free angles that depend on weights, in the order of the free circuit's parameters."""
        depends = driven_angles(self._free.angle_map, self.weights)[list(self._free.places)]
        return [one.index for one in self._free.circuit.parameters if depends[one.index]]

    def _exact(self, rows: FloatArray) -> Gradients:
        values = jacobian(
            self.circuit, list(self.observables), rows, method=self.method, connection=self.connection,
            parameters=list(self.weights),
        ).jacobian  # fmt: skip
        number, num_observables, num_weights = values.shape
        none = np.zeros((number, num_observables, 0)), np.zeros((number, 0, num_weights))
        return Gradients(values, *none, circuits=np.arange(number))

    def _measured(self, circuits: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return derivatives by the angles and their errors, of each of different circuits: both (n, M, D)."""
        if not self._moved:  # no gate has a weight
            return (np.zeros((len(circuits), len(self.observables), 0)),) * 2
        table = (
            *("tangents", circuit_key(self._free.circuit), tuple(content_key(one) for one in self.observables)),
            *(tuple(self._moved), self.method, self.connection.shots),
        )
        keys = [row.tobytes() for row in circuits + 0.0]  # -0.0 is the same angle, but not the same bytes
        found = self.connection.results.obtain(table, keys, self._compute)
        return np.array([one[0] for one in found]), np.array([one[1] for one in found])

    def _compute(self, keys: list[bytes]) -> Iterator[dict[bytes, tuple[FloatArray, FloatArray]]]:
        """Yield derivatives and errors by the angles of circuits, all of them from one call."""
        circuit, moved = self._free.circuit, set(self._moved)
        angles = np.frombuffer(b"".join(keys), dtype=np.float64).reshape(len(keys), -1).copy()
        columns = [place for place, one in enumerate(circuit.parameters) if one.index in moved]
        estimate = jacobian(
            circuit, list(self.observables), angles, method=self.method, connection=self.connection, parameters=columns
        )
        both = zip(keys, estimate.jacobian, estimate.standard_errors, strict=True)
        yield {key: (value, error) for key, value, error in both}
