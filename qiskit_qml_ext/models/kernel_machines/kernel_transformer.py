"""A kernel as a step of a pipeline, before a model that takes a precomputed matrix."""

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.caching.open_median import take_open_medians
from qiskit_qml_ext.models.kernel_machines.kernel_model import KernelModel, refuse_what_is_no_number
from qiskit_qml_ext.models.undoing import undone_if_it_fails


class KernelTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, KernelModel):
    """Turns samples into their kernel with the training samples, for models with ``kernel="precomputed"``.

    In a pipeline before ``SVC(kernel="precomputed")``, ``KernelRidge``, ``KernelPCA``, ``SpectralClustering`` (with
    ``affinity="precomputed"``), … the whole pipeline is cut into folds, so that a fold's training samples are its own,
    and settings of the kernel are searched under names such as ``kerneltransformer__kernel__feature_map__bandwidth``.

    ``fit`` keeps the samples and runs nothing; of a kernel that learns from labels it trains a clone with ``y``.

    Of the training samples themselves ``transform`` and ``fit_transform``
    give the symmetric matrix with a diagonal, after the kernel's repair (``psd_repair``); of others, k(x, x_i)
    without the repairs that need a whole symmetric matrix: ``"mitigate_depolarizing"`` is applied to it too. A
    ``gamma="median"`` is that of the training samples, whatever comes first.

    Args:
        kernel: A quantum kernel: a :class:`~qiskit_qml_ext.kernels.FidelityKernel` or any kernel of
            qiskit-machine-learning. ``None`` is the angle-encoding fidelity kernel with a bandwidth of 0.5.

    Attributes:
        kernel_: The kernel that was fitted, a clone of ``kernel``.
        X_fit_: The training samples, shape (n, features).

    Examples:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.svm import SVC
        >>> from qiskit_qml_ext.models import KernelTransformer
        >>> X, y = load_iris(return_X_y=True)
        >>> model = make_pipeline(KernelTransformer(), SVC(kernel="precomputed")).fit(X[::5], y[::5])
        >>> model[0].transform(X[:2]).shape
        (2, 30)
    """

    def __init__(self, kernel: BaseKernel | None = None):
        self.kernel = kernel

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Keep the training samples.

        Args:
            X: Training samples, shape (n, features).
            y: Their labels or numbers, for kernels that learn from them; else not used.
        """
        with undone_if_it_fails(self):
            samples = validate_data(self, X, dtype=np.float64)
            refuse_what_is_no_number(X, None)
            self.kernel_ = self._fitted_kernel(samples, None if y is None else np.asarray(y))
            self.X_fit_ = samples.copy()
            self._n_features_out = len(samples)
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the kernel of samples with the training samples, shape (number of samples, n).

        Args:
            X: Samples, shape (number of samples, features).
        """
        samples = self._new_samples(X)
        take_open_medians(self.kernel_, self.X_fit_)  # fit runs nothing
        return np.asarray(self.kernel_.evaluate(samples, self.X_fit_))
