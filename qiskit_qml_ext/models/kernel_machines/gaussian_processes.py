"""Gaussian processes with a quantum kernel as covariance; scikit-learn does the inference."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin, clone
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Kernel, WhiteKernel
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.checks import numeric_array
from qiskit_qml_ext.models.kernel_machines.gaussian_process_kernel import GaussianProcessKernel
from qiskit_qml_ext.models.kernel_machines.kernel_model import KernelModel, refuse_what_is_no_number
from qiskit_qml_ext.models.undoing import undone_if_it_fails

Optimizer = str | Callable[..., Any] | None

_AMPLITUDES, _NOISES = (1e-4, 1e4), (1e-8, 1e2)


class _TrainedKernel(GaussianProcessKernel):
    """A quantum kernel whose matrix of the training samples is known: fitting its amplitude runs nothing again."""

    def __init__(self, kernel: BaseKernel, *, samples: FloatArray, gram: FloatArray):
        super().__init__(kernel)
        self.samples = samples
        self.gram = gram

    def __call__(
        self, X: FloatArray, Y: FloatArray | None = None, eval_gradient: bool = False
    ) -> FloatArray | tuple[FloatArray, FloatArray]:
        if Y is not None or not np.array_equal(X, self.samples):
            return super().__call__(X, Y, eval_gradient)
        matrix = self.gram.copy()  # scikit-learn adds to it in place
        return (matrix, np.empty((*matrix.shape, 0))) if eval_gradient else matrix

    def __sklearn_clone__(self) -> "_TrainedKernel":
        # scikit-learn's processes clone their covariance, and clones of kernels forget what they learned
        return _TrainedKernel(self.kernel, samples=self.samples, gram=self.gram)


class _GaussianProcess(KernelModel):
    """What regressor and classifier share: the covariance that a quantum kernel stands for."""

    kernel: BaseKernel | Kernel | None

    def _covariance(self, X: FloatArray, y: AnyArray, *, noise: bool) -> Kernel:
        """Return the user's covariance, or that of a quantum kernel as it is, with its amplitude (and noise)."""
        if isinstance(self.kernel, Kernel) and not isinstance(self.kernel, BaseKernel):
            return clone(self.kernel)
        kernel = self._fitted_kernel(X, y)
        known = _TrainedKernel(kernel, samples=X, gram=np.asarray(kernel.evaluate(X)))
        scaled = ConstantKernel(1.0, _AMPLITUDES) * known
        return scaled + WhiteKernel(0.1, _NOISES) if noise else scaled

    def _learn(self, machine: BaseEstimator, X: FloatArray, y: AnyArray) -> None:
        """Fit scikit-learn's process and keep what it found.

        Raises:
            numpy.linalg.LinAlgError: If the covariance is not positive definite.
        """
        try:
            machine.fit(X, y)
        except np.linalg.LinAlgError as error:
            raise np.linalg.LinAlgError(
                "The covariance of the training samples is not positive definite. A kernel matrix with shots has "
                'negative eigenvalues: give the kernel a repair (psd_repair="clip"), or a covariance with more noise. '
                "An exact one is singular where samples repeat: raise alpha, or add a WhiteKernel."
            ) from error
        self.machine_, self.kernel_, self.X_train_ = machine, machine.kernel_, X
        self.gram_matrix_ = np.asarray(machine.kernel_(X))
        self.log_marginal_likelihood_value_ = float(machine.log_marginal_likelihood_value_)


class QuantumGaussianProcessRegressor(MultiOutputMixin, RegressorMixin, _GaussianProcess):
    """Gaussian-process regression with a quantum kernel, for one or several targets.

    A quantum kernel k stands for the covariance a·k(x, x') + s·δ, whose amplitude a and noise s are fitted by maximum
    marginal likelihood; k itself stays as it is, so its matrix is found once. To fit its parameters too, or to fix
    amplitude and noise, give a covariance of scikit-learn's with
    :class:`~qiskit_qml_ext.models.GaussianProcessKernel` in it.

    Shot noise of a kernel's entries is no noise of the targets: it does not enter here. A matrix that it leaves with
    negative eigenvalues is repaired by the kernel (``psd_repair``), or covered by the noise.

    Args:
        kernel: A quantum kernel, or a kernel of ``sklearn.gaussian_process``. ``None`` is the angle-encoding fidelity
            kernel with a bandwidth of 0.5.
        alpha: Added to the diagonal of the training samples' covariance, in squared units of the (normalised) targets;
            a number, or one for each training sample, shape (n,).
        optimizer: ``"fmin_l_bfgs_b"``, a callable as scikit-learn takes it, or ``None`` to fit nothing: amplitude 1 and
            noise 0.1, or what the covariance that was given says.
        n_restarts_optimizer: How often the fit starts anew from random values within their bounds.
        normalize_y: Whether targets are scaled to mean 0 and variance 1 for the fit.
        random_state: The seed of the restarts.

    Attributes:
        kernel_: The fitted covariance, a kernel of ``sklearn.gaussian_process``.
        gram_matrix_: Its matrix of the training samples, without ``alpha``, shape (n, n).
        X_train_: The training samples, shape (n, features).
        log_marginal_likelihood_value_: The log marginal likelihood of the (normalised) targets.
        machine_: The underlying ``sklearn.gaussian_process.GaussianProcessRegressor``.

    References:
        Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), algorithm 2.1.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.models import QuantumGaussianProcessRegressor
        >>> X = np.linspace(0, 3, 15)[:, None]
        >>> y = np.sin(X[:, 0]) + 0.1 * np.random.default_rng(0).normal(size=15)
        >>> mean, std = QuantumGaussianProcessRegressor().fit(X, y).predict(X, return_std=True)
        >>> bool(0.05 < std.mean() < 0.2)
        True
    """

    def __init__(
        self,
        kernel: BaseKernel | Kernel | None = None,
        *,
        alpha: float | FloatArray = 1e-10,
        optimizer: Optimizer = "fmin_l_bfgs_b",
        n_restarts_optimizer: int = 0,
        normalize_y: bool = True,
        random_state: Any = None,
    ):
        self.kernel = kernel
        self.alpha = alpha
        self.optimizer = optimizer
        self.n_restarts_optimizer = n_restarts_optimizer
        self.normalize_y = normalize_y
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the process.

        Args:
            X: Training samples, shape (n, features).
            y: Targets, shape (n,) or (n, targets).
        """
        with undone_if_it_fails(self):
            samples, targets = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
            refuse_what_is_no_number(X, y)
            numeric_array("y", y)
            machine = GaussianProcessRegressor(
                self._covariance(samples, targets, noise=True),
                alpha=self.alpha,
                optimizer=self.optimizer,
                n_restarts_optimizer=self.n_restarts_optimizer,
                normalize_y=self.normalize_y,
                random_state=self.random_state,
            )
            self._learn(machine, samples, targets)
        return self

    def predict(
        self, X: ArrayLike, return_std: bool = False, return_cov: bool = False
    ) -> FloatArray | tuple[FloatArray, FloatArray]:
        """Predict targets, and on request how certain they are.

        Args:
            X: Samples, shape (m, features).
            return_std: Whether the standard deviations of targets are returned too, fitted noise included.
            return_cov: Whether their covariance is returned too, shape (m, m) or (m, m, targets).

        Returns:
            The means, shape (m,) or (m, targets), alone or with what was asked for.
        """
        samples = self._new_samples(X)
        predicted: FloatArray | tuple[FloatArray, FloatArray] = self.machine_.predict(samples, return_std, return_cov)
        return predicted

    def sample_y(self, X: ArrayLike, n_samples: int = 1, random_state: Any = 0) -> FloatArray:
        """Draw functions from the fitted process, shape (m, n_samples) or (m, targets, n_samples).

        Args:
            X: Samples, shape (m, features).
            n_samples: The number of functions.
            random_state: The seed.
        """
        samples = self._new_samples(X)
        return np.asarray(self.machine_.sample_y(samples, n_samples, random_state))


class QuantumGaussianProcessClassifier(ClassifierMixin, _GaussianProcess):
    """Gaussian-process classification with a quantum kernel, with probabilities, by Laplace's approximation.

    A quantum kernel k stands for the covariance a·k(x, x') of the latent function, whose amplitude a is fitted by
    maximum marginal likelihood; k itself stays as it is, so its matrix is found once. To fit its parameters too, give
    a covariance of scikit-learn's with :class:`~qiskit_qml_ext.models.GaussianProcessKernel` in it.

    Args:
        kernel: A quantum kernel, or a kernel of ``sklearn.gaussian_process``. ``None`` is the angle-encoding fidelity
            kernel with a bandwidth of 0.5.
        optimizer: ``"fmin_l_bfgs_b"``, a callable as scikit-learn takes it, or ``None`` to fit nothing.
        n_restarts_optimizer: How often the fit starts anew from random values within their bounds.
        max_iter_predict: The largest number of Newton steps for the posterior.
        multi_class: ``"one_vs_rest"``, or ``"one_vs_one"``, which gives no probabilities.
        n_jobs: How many classes are fitted at the same time, as in scikit-learn.
        random_state: The seed of the restarts.

    Attributes:
        classes_: The class labels, sorted.
        kernel_: The fitted covariance; with more than two classes a ``CompoundKernel`` of one for each.
        gram_matrix_: Its matrix of the training samples, shape (n, n) or (n, n, classes).
        X_train_: The training samples, shape (n, features).
        log_marginal_likelihood_value_: The log marginal likelihood; the mean over the classes if there are more.
        machine_: The underlying ``sklearn.gaussian_process.GaussianProcessClassifier``.

    References:
        Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), algorithms 3.1 and 3.2.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.models import QuantumGaussianProcessClassifier
        >>> X = np.linspace(0, 3, 20)[:, None]
        >>> model = QuantumGaussianProcessClassifier().fit(X, np.where(X[:, 0] > 1.5, "high", "low"))
        >>> model.predict([[0.2], [2.8]]).tolist()
        ['low', 'high']
    """

    def __init__(
        self,
        kernel: BaseKernel | Kernel | None = None,
        *,
        optimizer: Optimizer = "fmin_l_bfgs_b",
        n_restarts_optimizer: int = 0,
        max_iter_predict: int = 100,
        multi_class: str = "one_vs_rest",
        n_jobs: int | None = None,
        random_state: Any = None,
    ):
        self.kernel = kernel
        self.optimizer = optimizer
        self.n_restarts_optimizer = n_restarts_optimizer
        self.max_iter_predict = max_iter_predict
        self.multi_class = multi_class
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the process.

        Args:
            X: Training samples, shape (n, features).
            y: Class labels, shape (n,), at least two classes.
        """
        with undone_if_it_fails(self):
            samples, labels = validate_data(self, X, y, dtype=np.float64)
            refuse_what_is_no_number(X, y)
            check_classification_targets(labels)
            machine = GaussianProcessClassifier(
                self._covariance(samples, labels, noise=False),
                optimizer=self.optimizer,
                n_restarts_optimizer=self.n_restarts_optimizer,
                max_iter_predict=self.max_iter_predict,
                multi_class=self.multi_class,
                n_jobs=self.n_jobs,
                random_state=self.random_state,
            )
            self._learn(machine, samples, labels)
            self.classes_ = machine.classes_
        return self

    def predict(self, X: ArrayLike) -> AnyArray:
        """Predict class labels, shape (m,)."""
        samples = self._new_samples(X)
        return np.asarray(self.machine_.predict(samples))

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the probability of each class, shape (m, classes), in the order of ``classes_``.

        Raises:
            ValueError: If shot noise of the kernel leaves the latent function a negative variance, or with
                ``multi_class="one_vs_one"``.
        """
        samples = self._new_samples(X)
        with np.errstate(invalid="ignore"):
            probabilities = np.asarray(self.machine_.predict_proba(samples))
        unknown = int(np.isnan(probabilities).any(axis=1).sum())
        if unknown:
            raise ValueError(
                f"{unknown} of {len(samples)} samples have no probabilities: shot noise between them and the training "
                "samples leaves the latent function a negative variance. Bound the amplitude, of which that grows: "
                "kernel=ConstantKernel(0.5, (0.1, 1)) * GaussianProcessKernel(…). predict needs no variance."
            )
        return probabilities
