"""The kernel matrix of one training set, as it was computed or measured."""

from dataclasses import dataclass

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from qiskit_qml_ext.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class KernelSample:
    """The kernel matrix of one training set, as it was computed or measured."""

    matrix: FloatArray
    """Shape (n, n), before any repair."""
    standard_errors: FloatArray
    """Shape (n, n); zeros for exact results."""
    y: FloatArray | IntArray
    """The labels of the samples, shape (n,)."""
    bandwidth: float
    """The bandwidth that the search chose there."""
    fold: int = 0
    """The number of the outer fold, from 0."""

    @property
    def place(self) -> str:
        """Name the training set in words."""
        return "the first training set" if self.fold == 0 else f"training set {self.fold + 1}"


def kernel_sample_of(
    estimator: Pipeline,
    X: FloatArray,
    y: FloatArray | IntArray,
    bandwidth: float,
    fold: int,
) -> KernelSample:
    """Return the training kernel matrix of a fitted model; what was sampled before is read back, not sampled again."""
    prepare, model = estimator.named_steps["prepare"], estimator.named_steps["model"]
    machine = getattr(model, "regressor_", model)
    # Prepared as in the fit: the last digits of PCA's transform differ from its fit_transform, which makes new samples.
    estimate = machine.kernel_.evaluate_with_errors(clone(prepare).fit_transform(X, y))
    return KernelSample(estimate.raw, estimate.standard_errors, y, bandwidth, fold)
