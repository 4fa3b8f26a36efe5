"""What of a projected kernel is trained: its feature map, and the bandwidth γ of the classical kernel behind it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.training.trained_map import TrainedMap


@dataclass(frozen=True, eq=False)
class TrainedProjection(TrainedMap):
    """A trained map, and γ.

    The last number of a point is the natural logarithm of γ, if γ is trained. The rows have γ in a column behind the
    circuit's parameters, the same in all of them, if there is one.
    """

    gamma: float | None
    """The bandwidth with which a training begins; ``None`` where the classical kernel has none."""
    trains_gamma: bool
    """Whether it is trained."""

    @property
    def size(self) -> int:
        """The length of a point."""
        return super().size + self.trains_gamma

    @property
    def trains(self) -> bool:
        """Whether there is anything to train that changes a kernel matrix."""
        return self.trains_gamma or super().trains

    @property
    def columns(self) -> Sequence[int]:
        """The parameters of the circuit that are trained; those behind all data change reduced states too."""
        data = self.data if self.num_bandwidths else self.data[:0]
        columns: list[int] = sorted([*self.weights.tolist(), *data.tolist()])
        return columns

    def start(self, weights: FloatArray) -> FloatArray:
        """Return the point with these weights, bandwidths of 1, and the first γ."""
        ends = [np.log(self.gamma)] if self.trains_gamma and self.gamma is not None else []
        return np.append(super().start(weights), ends)

    def gamma_at(self, point: FloatArray) -> float | None:
        """Return γ at a point; ``None`` where there is none."""
        return float(np.exp(point[-1])) if self.trains_gamma else self.gamma

    def split(self, point: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the weights (W,) and the bandwidth of each feature (features,) of a point."""
        return super().split(point[: len(point) - self.trains_gamma])

    def rows_at(self, samples: FloatArray, point: FloatArray) -> FloatArray:
        """Return the values of all parameters of the circuit for samples, and γ if there is one."""
        rows, gamma = super().rows_at(samples, point), self.gamma_at(point)
        return rows if gamma is None else np.column_stack([rows, np.full(len(rows), gamma)])

    def pull_back(self, rows: FloatArray, gradients: FloatArray) -> FloatArray:
        """Return the derivatives by the point from those by the numbers of each row."""
        by_map = super().pull_back(rows, gradients)
        return np.append(by_map, np.sum(gradients[:, -1] * rows[:, -1])) if self.trains_gamma else by_map

    def slopes(self, rows: FloatArray) -> FloatArray:
        """Return ∂(parameters of the circuit)/∂point at rows, shape (n, P, size); γ is none of them."""
        return super().slopes(rows[:, : len(self.data) + len(self.weights)])
