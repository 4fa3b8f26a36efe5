"""Ridge regression with a quantum kernel; scikit-learn solves the linear system."""

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.validation import validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import numeric_array
from qiskit_qml_ext.models.kernel_machines.kernel_model import KernelModel, refuse_what_is_no_number, rows_with_weight
from qiskit_qml_ext.models.undoing import undone_if_it_fails


class QuantumKernelRidge(MultiOutputMixin, RegressorMixin, KernelModel):
    """Ridge regression with a quantum kernel, for one or several targets: f(x) = Σ_i k(x, x_i) c_i, (K + α) c = y.

    There is no intercept: centre the targets, or put the model into a ``TransformedTargetRegressor``.

    Args:
        kernel: A quantum kernel: a :class:`~qiskit_qml_ext.kernels.FidelityKernel` or any kernel of
            qiskit-machine-learning. ``None`` is the angle-encoding fidelity kernel with a bandwidth of 0.5.
        alpha: The strength of the regularisation, in units of the kernel, not negative; or one for each target, shape
            (targets,). A sampled matrix with eigenvalues below ``-alpha`` has no ridge solution: repair it
            (``psd_repair`` of the kernel), or raise ``alpha``.

    Attributes:
        kernel_: The kernel that was fitted, a clone of ``kernel``.
        gram_matrix_: The kernel matrix of the training samples of a weight other than 0, shape (n, n), as it was used.
        dual_coef_: c, shape (n,) or (n, targets).
        X_fit_: The training samples of a weight other than 0, shape (n, features).
        machine_: The underlying ``sklearn.kernel_ridge.KernelRidge`` on the precomputed kernel.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.models import QuantumKernelRidge
        >>> X = np.linspace(0, 3, 20)[:, None]
        >>> model = QuantumKernelRidge(alpha=1e-3).fit(X, np.column_stack([np.sin(X), np.cos(X)]))
        >>> model.predict(X[:2]).shape
        (2, 2)
    """

    def __init__(self, kernel: BaseKernel | None = None, *, alpha: float | ArrayLike = 1.0):
        self.kernel = kernel
        self.alpha = alpha

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the regressor.

        Args:
            X: Training samples, shape (n, features).
            y: Targets, shape (n,) or (n, targets).
            sample_weight: Weights of the samples, shape (n,), not negative.
        """
        with undone_if_it_fails(self):
            samples, targets = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
            refuse_what_is_no_number(X, y, sample_weight)
            numeric_array("y", y)
            rows, weights = rows_with_weight(samples, sample_weight)
            if weights is not None and weights.min() < 0:
                raise ValueError(f"sample_weight must not be negative, but {weights.min()} is among them.")
            self.X_fit_ = samples[rows]
            self.kernel_ = self._fitted_kernel(self.X_fit_, targets[rows])
            self.gram_matrix_ = np.asarray(self.kernel_.evaluate(self.X_fit_))
            machine = KernelRidge(kernel="precomputed", alpha=self.alpha)
            self.machine_ = machine.fit(self.gram_matrix_, targets[rows], sample_weight=weights)
            self.dual_coef_ = self.machine_.dual_coef_
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predict targets, shape (n,) or (n, targets)."""
        samples = self._new_samples(X)
        return np.asarray(self.machine_.predict(self.kernel_.evaluate(samples, self.X_fit_)))
