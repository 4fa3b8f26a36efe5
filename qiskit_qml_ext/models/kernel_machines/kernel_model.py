"""What all models on a kernel matrix share: the kernel, its matrix of the training samples, the price of a fit."""

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IndexArray
from qiskit_qml_ext.checks import numeric_array
from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel, PlansRuns
from qiskit_qml_ext.kernels.abilities import learns_from_labels, planned, trained_clone
from qiskit_qml_ext.primitives import RunPlan


class KernelModel(BaseEstimator):
    """A model that sees its samples through a kernel only."""

    kernel: BaseKernel | None

    def _fitted_kernel(self, X: FloatArray, y: AnyArray | None) -> BaseKernel:
        """Return a clone of the kernel, trained if it is one that learns from labels.

        Args:
            X: The training samples that count, shape (n, features).
            y: Their labels or numbers; ``None`` where the model has none.

        Raises:
            TypeError: If ``kernel`` is no quantum kernel.
            ValueError: If the kernel is to be trained and there are no labels, or not those of its task.
        """
        kernel: object = self.kernel
        if kernel is None:
            return FidelityKernel(AngleFeatureMap(bandwidth=0.5))
        refuse_other_kernels(kernel)
        task = "classification" if is_classifier(self) else "regression" if is_regressor(self) else None
        trained: BaseKernel = trained_clone(kernel, X, y, owner=self, task=task)
        return trained

    def _new_samples(self, X: ArrayLike) -> FloatArray:
        """Return checked samples of the width that was fitted."""
        check_is_fitted(self)
        samples: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        numeric_array("X", X)  # scikit-learn drops masks, and makes numbers of dates and text
        return samples

    def plan(self, X: ArrayLike, y: ArrayLike | None = None, *, price_per_minute: float | None = None) -> RunPlan:
        """Say what fitting will take on the kernel's target, without running anything.

        Args:
            X: Training samples, shape (n, features).
            y: Not used; here so that ``plan`` takes what ``fit`` takes.
            price_per_minute: The price of a minute of processor time.

        Raises:
            TypeError: If the kernel cannot plan.
            ValueError: If the kernel is exact, or is to be trained.
        """
        kernel: object = self.kernel
        if learns_from_labels(kernel):
            raise ValueError(
                f"fit trains the {type(kernel).__name__} first, and how many steps that takes is not known before. "
                "kernel.plan_step(X) of a trainable kernel says what one takes; kernel.frozen().plan(X) of one "
                "that was trained says what the matrix takes."
            )
        if not isinstance(kernel, PlansRuns):
            raise TypeError(
                f"plan needs a FidelityKernel or another kernel that can plan, but kernel is a {type(kernel).__name__}."
            )
        return planned(kernel, X, price_per_minute=price_per_minute)


def refuse_other_kernels(kernel: object) -> None:
    """Refuse what is no quantum kernel, as a name of a classical one."""
    if isinstance(kernel, type) or not callable(getattr(kernel, "evaluate", None)):
        came = repr(kernel) if isinstance(kernel, str) else f"a {type(kernel).__name__}"
        raise TypeError(
            f"kernel must be a quantum kernel, such as FidelityKernel(…), but {came} came. For classical kernels, and "
            'for a matrix that is there already (kernel="precomputed"), take the model of scikit-learn itself.'
        )


def refuse_what_is_no_number(X: ArrayLike, y: ArrayLike | None, sample_weight: ArrayLike | None = None) -> None:
    """Refuse masked values, dates and text, after scikit-learn's own checks, which take them."""
    numeric_array("X", X)
    if sample_weight is not None:
        numeric_array("sample_weight", sample_weight)
    if np.ma.is_masked(y):
        raise TypeError("y must have a label for every row, but some of this masked array are missing.")


def rows_with_weight(X: FloatArray, sample_weight: ArrayLike | None) -> tuple[IndexArray, FloatArray | None]:
    """Return the rows that count and their weights: for samples of weight zero no circuit shall run.

    Raises:
        ValueError: If no row counts.
    """
    if sample_weight is None:
        return np.arange(len(X)), None
    weights = _check_sample_weight(sample_weight, X)
    rows = np.flatnonzero(weights)
    if not len(rows):
        raise ValueError("sample_weight must be different from 0 for some sample, but is 0 for all of them.")
    return rows, weights[rows]
