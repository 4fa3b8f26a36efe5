"""The gradients of a circuit's expectation values by its weights, for many samples, each measured once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.observables import content_key
from qiskit_qml_ext.gradients import jacobian
from qiskit_qml_ext.primitives import Connection, circuit_key


@dataclass(frozen=True, eq=False)
class Gradients:
    """∇⟨O_m⟩ of samples."""

    values: FloatArray
    """Shape (n, M, W)."""
    errors: FloatArray
    """Standard errors, shape (n, M, W); 0 where they are exact."""

    def of(self, rows: IndexArray) -> "Gradients":
        """Return those of some samples, in any order."""
        return Gradients(self.values[rows], self.errors[rows])

    def scaled(self, factors: FloatArray) -> "Gradients":
        """Return those of the observables times factors, shape (M,)."""
        return Gradients(self.values * factors[:, None], self.errors * np.abs(factors)[:, None])


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
    point: FloatArray
    """The weights, shape (W,)."""
    connection: Connection
    """Where circuits run."""
    method: str
    """``"auto"`` or the name of a gradient method."""

    def at(self, point: FloatArray) -> "GradientSource":
        """Return the source at other weights."""
        return replace(self, point=point)

    def rows(self, samples: FloatArray) -> FloatArray:
        """Return the values of all parameters for samples, shape (n, P)."""
        rows = np.empty((len(samples), self.circuit.num_parameters))
        rows[:, list(self.data)] = samples
        rows[:, list(self.weights)] = self.point
        return rows

    def of(self, samples: FloatArray) -> Gradients:
        """Return the gradients of distinct samples; what shots said of a sample is known to the connection afterwards.

        Args:
            samples: Shape (n, features).
        """
        if self.connection.is_exact:
            return self._measured(self.rows(samples))
        table = (
            *("tangents", circuit_key(self.circuit), tuple(content_key(one) for one in self.observables)),
            *(tuple(self.weights), self.method, self.connection.shots),
        )
        keys = [row.tobytes() for row in self.rows(samples) + 0.0]  # -0.0 is the same angle, but not the same bytes
        found = self.connection.results.obtain(table, keys, self._compute)
        return Gradients(np.array([one[0] for one in found]), np.array([one[1] for one in found]))

    def _compute(self, keys: list[bytes]) -> Iterator[dict[bytes, tuple[FloatArray, FloatArray]]]:
        """Yield the gradients and errors of rows, all of them from one call."""
        rows = np.frombuffer(b"".join(keys), dtype=np.float64).reshape(len(keys), -1).copy()
        found = self._measured(rows)
        yield {key: (value, error) for key, value, error in zip(keys, found.values, found.errors, strict=True)}

    def _measured(self, rows: FloatArray) -> Gradients:
        estimate = jacobian(
            self.circuit, list(self.observables), rows, method=self.method, connection=self.connection,
            parameters=list(self.weights),
        )  # fmt: skip
        return Gradients(estimate.jacobian, estimate.standard_errors)
