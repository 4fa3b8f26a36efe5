"""Support vector machines with a quantum kernel; scikit-learn's libsvm does the optimisation."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import ClassifierMixin, OutlierMixin, RegressorMixin
from sklearn.svm import SVC, SVR, OneClassSVM
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IntArray
from qiskit_qml_ext.checks import numeric_array
from qiskit_qml_ext.models.kernel_machines.kernel_model import KernelModel, refuse_what_is_no_number, rows_with_weight
from qiskit_qml_ext.models.undoing import undone_if_it_fails

_MAX_BLOCK_BYTES = 2**26  # 64 MiB for the padded kernel block of a batch of predictions


class _SupportVectorMachine(KernelModel):
    """What the machines share: the fit on the kernel's matrix, prediction from support vectors."""

    _machine_type: ClassVar[type]

    def _fit(self, X: FloatArray, y: AnyArray | None, weight: ArrayLike | None, names: tuple[str, ...]) -> None:
        rows, weights = rows_with_weight(X, weight)
        self.kernel_ = self._fitted_kernel(X[rows], None if y is None else y[rows])
        machine = self._machine_type(kernel="precomputed", **{name: getattr(self, name) for name in names})
        self.gram_matrix_ = np.asarray(self.kernel_.evaluate(X[rows]))
        machine.fit(self.gram_matrix_, None if y is None else y[rows], sample_weight=weights)
        self.machine_ = machine
        self.support_ = rows[machine.support_]
        self.support_vectors_ = X[self.support_]
        self.n_support_ = machine.n_support_
        self.dual_coef_ = machine.dual_coef_
        self.intercept_ = machine.intercept_
        self.n_iter_ = machine.n_iter_

    def _from_support_vectors(self, method: str, X: ArrayLike) -> AnyArray:
        """Apply a method of the fitted machine, with the kernel evaluated against the support vectors only.

        libsvm reads only the support vectors' columns of a precomputed kernel, so the others may hold anything.
        """
        samples = self._new_samples(X)
        apply = getattr(self.machine_, method)
        width = self.machine_.shape_fit_[1]
        step = max(1, _MAX_BLOCK_BYTES // (8 * width))
        if not len(self.support_):
            return np.asarray(apply(np.zeros((len(samples), width))))
        values = self.kernel_.evaluate(samples, self.support_vectors_)
        parts = []
        for start in range(0, len(values), step):
            block = np.zeros((len(values[start : start + step]), width))
            block[:, self.machine_.support_] = values[start : start + step]
            parts.append(apply(block))
        return np.concatenate(parts)


class QuantumSVC(ClassifierMixin, _SupportVectorMachine):
    """Support vector classification with a quantum kernel.

    It gives no probabilities of its own: scikit-learn gives up ``SVC(probability=True)``, whose probabilities may
    contradict its predictions. Calibrate on folds instead, ``CalibratedClassifierCV(QuantumSVC(…), ensemble=False)``:
    the pairs that a fold needs are known from another through the kernel's connection.

    Args:
        kernel: A quantum kernel: a :class:`~qiskit_qml_ext.kernels.FidelityKernel` or any kernel of
            qiskit-machine-learning. ``None`` is the angle-encoding fidelity kernel with a bandwidth of 0.5. One with
            ``shots="adaptive"`` measures all entries equally well, whatever the labels are; shots by which the
            decisions stand are those of :class:`~qiskit_qml_ext.models.AdaptiveQuantumSVC`.
        C: The inverse strength of the regularisation, positive.
        class_weight: A weight for each class, or ``"balanced"``.
        tol: The tolerance of the stopping criterion. The kernel matrix is the cost, so the default is far tighter than
            scikit-learn's and makes the fit reproducible to 7 digits.
        max_iter: The largest number of iterations; -1 for no limit.
        decision_function_shape: ``"ovr"`` (a column for each class) or ``"ovo"`` (one for each pair).
        break_ties: Whether ties between more than two classes are broken by the decision function.

    Attributes:
        classes_: The class labels, sorted.
        kernel_: The kernel that was fitted, a clone of ``kernel``.
        gram_matrix_: The kernel matrix of the training samples of a weight other than 0, shape (n, n), as it was used.
        support_: The rows of the training data that are support vectors.
        support_vectors_: The support vectors, shape (number of support vectors, features).
        machine_: The underlying ``sklearn.svm.SVC`` on the precomputed kernel.

    References:
        Havlíček et al., arXiv:1804.11326.

    Examples:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import MinMaxScaler
        >>> from qiskit_qml_ext.models import QuantumSVC
        >>> X, y = load_iris(return_X_y=True)
        >>> X = MinMaxScaler((0, 3)).fit_transform(X[::5])
        >>> QuantumSVC().fit(X, y[::5]).predict(X[:2]).tolist()
        [0, 0]
    """

    _machine_type = SVC

    def __init__(
        self,
        kernel: BaseKernel | None = None,
        *,
        C: float = 1.0,
        class_weight: dict[Any, float] | str | None = None,
        tol: float = 1e-8,
        max_iter: int = -1,
        decision_function_shape: str = "ovr",
        break_ties: bool = False,
    ):
        self.kernel = kernel
        self.C = C
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter
        self.decision_function_shape = decision_function_shape
        self.break_ties = break_ties

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the classifier.

        Args:
            X: Training samples, shape (n, features).
            y: Class labels, shape (n,), at least two classes.
            sample_weight: Weights of the samples, shape (n,).
        """
        with undone_if_it_fails(self):
            samples, labels = validate_data(self, X, y, dtype=np.float64)
            refuse_what_is_no_number(X, y, sample_weight)
            check_classification_targets(labels)
            names = ("C", "class_weight", "tol", "max_iter", "decision_function_shape", "break_ties")
            self._fit(samples, labels, sample_weight, names)
            self.classes_ = self.machine_.classes_
        return self

    def predict(self, X: ArrayLike) -> AnyArray:
        """Predict class labels, shape (n,)."""
        return self._from_support_vectors("predict", X)

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return signed distances: shape (n,) for two classes, else (n, classes) or (n, pairs of classes)."""
        return self._from_support_vectors("decision_function", X)


class QuantumSVR(RegressorMixin, _SupportVectorMachine):
    """Support vector regression with a quantum kernel.

    Args:
        kernel: A quantum kernel; see :class:`QuantumSVC`.
        C: The inverse strength of the regularisation, positive, in units of the target's.
        epsilon: Deviations up to this size, in units of the target, cost nothing.
        tol: The tolerance of the stopping criterion. The kernel matrix is the cost, so the default is far tighter than
            scikit-learn's and makes the fit reproducible to 7 digits.
        max_iter: The largest number of iterations; -1 for no limit.

    Attributes:
        kernel_: The kernel that was fitted, a clone of ``kernel``.
        gram_matrix_: The kernel matrix of the training samples of a weight other than 0, shape (n, n), as it was used.
        support_: The rows of the training data that are support vectors.
        support_vectors_: The support vectors, shape (number of support vectors, features).
        machine_: The underlying ``sklearn.svm.SVR`` on the precomputed kernel.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.models import QuantumSVR
        >>> X = np.linspace(0, 3, 20)[:, None]
        >>> bool(QuantumSVR(C=10).fit(X, np.sin(X[:, 0])).score(X, np.sin(X[:, 0])) > 0.9)
        True
    """

    _machine_type = SVR

    def __init__(
        self,
        kernel: BaseKernel | None = None,
        *,
        C: float = 1.0,
        epsilon: float = 0.1,
        tol: float = 1e-8,
        max_iter: int = -1,
    ):
        self.kernel = kernel
        self.C = C
        self.epsilon = epsilon
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the regressor.

        Args:
            X: Training samples, shape (n, features).
            y: Targets, shape (n,).
            sample_weight: Weights of the samples, shape (n,).
        """
        with undone_if_it_fails(self):
            samples, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
            refuse_what_is_no_number(X, y, sample_weight)
            numeric_array("y", y)
            names = ("C", "epsilon", "tol", "max_iter")
            self._fit(samples, targets, sample_weight, names)
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Predict targets, shape (n,)."""
        return self._from_support_vectors("predict", X)


class QuantumOneClassSVM(OutlierMixin, _SupportVectorMachine):
    """Outlier detection: the support of a distribution, with a quantum kernel.

    Args:
        kernel: A quantum kernel; see :class:`QuantumSVC`.
        nu: An upper bound on the share of training samples outside, a lower bound on that of support vectors, in
            (0, 1].
        tol: The tolerance of the stopping criterion; see :class:`QuantumSVC`.
        max_iter: The largest number of iterations; -1 for no limit.

    Attributes:
        kernel_: The kernel that was fitted, a clone of ``kernel``.
        gram_matrix_: The kernel matrix of the training samples of a weight other than 0, shape (n, n), as it was used.
        offset_: ``score_samples`` minus ``decision_function``.
        support_: The rows of the training data that are support vectors.
        support_vectors_: The support vectors, shape (number of support vectors, features).
        machine_: The underlying ``sklearn.svm.OneClassSVM`` on the precomputed kernel.

    References:
        Schölkopf et al., Neural Computation 13, 1443 (2001).

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.models import QuantumOneClassSVM
        >>> X = np.random.default_rng(0).normal(0, 0.1, (30, 2))
        >>> QuantumOneClassSVM(nu=0.1).fit(X).predict([[0.0, 0.0], [3.0, 3.0]]).tolist()
        [1, -1]
    """

    _machine_type = OneClassSVM

    def __init__(self, kernel: BaseKernel | None = None, *, nu: float = 0.5, tol: float = 1e-8, max_iter: int = -1):
        self.kernel = kernel
        self.nu = nu
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the detector.

        Args:
            X: Training samples, shape (n, features).
            y: Not used; here so that pipelines can pass it.
            sample_weight: Weights of the samples, shape (n,).
        """
        with undone_if_it_fails(self):
            samples = validate_data(self, X, dtype=np.float64)
            refuse_what_is_no_number(X, None, sample_weight)
            self._fit(samples, None, sample_weight, ("nu", "tol", "max_iter"))
            self.offset_ = self.machine_.offset_
        return self

    def predict(self, X: ArrayLike) -> IntArray:
        """Return 1 for samples inside and -1 for outliers, shape (n,)."""
        return self._from_support_vectors("predict", X)

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return signed distances, negative for outliers, shape (n,)."""
        return self._from_support_vectors("decision_function", X)

    def score_samples(self, X: ArrayLike) -> FloatArray:
        """Return how normal samples are, not shifted by ``offset_``, shape (n,)."""
        return self._from_support_vectors("score_samples", X)
