"""What is made small: a loss of the kernel matrix of some samples, by the weights and the bandwidth."""

from dataclasses import dataclass, replace

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.gradients import metric_tensor
from qiskit_qml_ext.kernels.losses import KernelLoss, evaluate_kernel_loss
from qiskit_qml_ext.kernels.training.pairs import Pairs
from qiskit_qml_ext.kernels.training.trained_map import TrainedMap


@dataclass(frozen=True, eq=False)
class KernelObjective:
    """A loss of the kernel matrix of some samples, as a function of a point of the trained map."""

    pairs: Pairs
    """Where matrices and gradients come from."""
    trained: TrainedMap
    """What is trained."""
    loss: KernelLoss
    """The loss."""
    samples: FloatArray
    """Shape (n, features)."""
    targets: FloatArray
    """Shape (n, K)."""

    def batch(self, chosen: IntArray) -> "KernelObjective":
        """Return the objective over some of the samples."""
        return replace(self, samples=self.samples[chosen], targets=self.targets[chosen])

    @property
    def num_samples(self) -> int:
        """How many samples the matrix is of."""
        return len(self.samples)

    def value(self, point: FloatArray) -> float:
        """Return the loss."""
        return float(self.values(point[None])[0])

    def values(self, points: FloatArray) -> FloatArray:
        """Return the loss at several points, shape (N,), from one job."""
        matrices = self.pairs.matrices([self.trained.rows_at(self.samples, point) for point in points])
        return np.array([evaluate_kernel_loss(self.loss, matrix, self.targets)[0] for matrix in matrices])

    def value_and_gradient(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss and its gradient."""
        rows, value = self.trained.rows_at(self.samples, point), 0.0

        def pull_back(matrix: FloatArray) -> FloatArray:
            nonlocal value
            value, slopes = evaluate_kernel_loss(self.loss, matrix, self.targets)
            return slopes

        gradients = self.pairs.gradients(rows, self.trained.columns, pull_back)
        return value, self.trained.pull_back(rows, gradients)

    def metric(self, point: FloatArray) -> FloatArray:
        """Return the mean metric tensor of the samples' states, by the point; 1 for what changes no state."""
        slopes = self.trained.slopes(self.trained.rows_at(self.samples, point))
        states = metric_tensor(self.trained.circuit, self.trained.rows(self.samples, *self.trained.split(point))).matrix
        metric = np.asarray(np.einsum("npa,npq,nqb->ab", slopes, states, slopes) / self.num_samples)
        beside = ~np.any(slopes, axis=(0, 1))
        metric[beside, beside] = 1.0
        return metric
