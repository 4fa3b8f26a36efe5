"""A quantum kernel on many samples through a few landmarks."""

from collections.abc import Callable
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import numeric_array, whole_number
from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.exceptions import IndefiniteKernelWarning
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.kernels.abilities import trained_clone
from qiskit_qml_ext.kernels.caching.open_median import take_open_medians
from qiskit_qml_ext.models.kernel_features.kernel_entries import KernelEntries
from qiskit_qml_ext.models.kernel_features.landmarks import LandmarkRule, checked_choice, rule_named
from qiskit_qml_ext.models.kernel_features.whitening import Whitening, whitening
from qiskit_qml_ext.models.undoing import undone_if_it_fails

_MEDIAN_OF = 1000  # samples: of 500,000 distances a median is known to a few per mille; all would be N²/2


class QuantumNystroem(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Features whose inner products approximate a quantum kernel, from its values at m landmarks.

    Feature vectors are φ(x) = K_mm^(-1/2) (k(x, z_1), …, k(x, z_m)), so that φ(x)·φ(y) is exact where one of the two is
    a landmark (in exact arithmetic, as far as directions are kept). It is scikit-learn's ``Nystroem`` for kernels whose
    every entry costs: N samples take N·m entries instead of N²/2, and a linear model over the features replaces a
    kernel machine. With shots, K_mm has negative eigenvalues and small ones that are noise: directions up to the size
    of either are left out (``floor_``, ``rank_``), which a warning says where there are negative ones.

    Args:
        kernel: A quantum kernel, or a function of two arrays of samples that returns their matrix, as ``SVC`` takes it.
            ``None`` is the angle-encoding fidelity kernel with a bandwidth of 0.5. A ``gamma="median"`` is taken of the
            training samples, of 1,000 of them where there are more.
        n_components: How many landmarks, and features; all samples where there are fewer.
        landmarks: How they are chosen among the samples. ``"uniform"``: any alike, with scikit-learn's draws.
            ``"kmeans++"``: far from each other in the distance of the kernel; takes N·m more entries at the most.
            ``"leverage"``: by how much they add to the span of the others (recursive ridge leverage scores); takes
            about 2N·m more. Or a rule of your own, see :class:`~qiskit_qml_ext.models.kernel_features.LandmarkRule`.
        random_state: The seed of the choice.

    Attributes:
        kernel_: The kernel, a clone of ``kernel``.
        landmarks_: The landmarks, shape (m, features).
        landmark_indices_: Their rows among the samples of ``fit``.
        normalization_: K_mm^(-1/2), shape (m, m).
        eigenvalues_: The eigenvalues of K_mm, ascending.
        floor_: Directions with eigenvalues up to this one are left out.
        rank_: How many directions are kept.
        n_features_in_: The number of features of a sample.

    References:
        Williams and Seeger, NIPS 2000; Musco and Musco, arXiv:1605.07583 (leverage scores); Oglic and Gärtner, ICML
        2017 (kernel k-means++).

    Examples:
        >>> import numpy as np
        >>> from sklearn.linear_model import RidgeClassifier
        >>> from sklearn.pipeline import make_pipeline
        >>> from qiskit_qml_ext.circuits import IQPFeatureMap
        >>> from qiskit_qml_ext.kernels import FidelityKernel
        >>> from qiskit_qml_ext.models import QuantumNystroem
        >>> X = np.random.default_rng(0).uniform(-1, 1, (200, 3))
        >>> features = QuantumNystroem(FidelityKernel(IQPFeatureMap()), n_components=20, random_state=0)
        >>> model = make_pipeline(features, RidgeClassifier()).fit(X, X[:, 0] * X[:, 1] > 0)
        >>> features.transform(X).shape
        (200, 20)
    """

    def __init__(
        self,
        kernel: BaseKernel | Callable[..., Any] | None = None,
        *,
        n_components: int = 100,
        landmarks: str | LandmarkRule = "uniform",
        random_state: Any = None,
    ):
        self.kernel = kernel
        self.n_components = n_components
        self.landmarks = landmarks
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Choose the landmarks and evaluate the kernel between them.

        Args:
            X: Samples, shape (N, features).
            y: Their labels or numbers, for kernels that learn from them; else not used.

        Raises:
            TypeError: A setting is of the wrong kind.
            ValueError: A setting is not valid, the kernel returns no matrix of finite numbers of the right shape, or
                nothing of it stands above the noise.

        Warns:
            IndefiniteKernelWarning: The landmarks' matrix has negative eigenvalues.
        """
        with undone_if_it_fails(self):
            samples: FloatArray = validate_data(self, X, dtype=np.float64)
            numeric_array("X", X)  # scikit-learn drops masks, and makes numbers of dates and text
            count = min(whole_number("n_components", self.n_components), len(samples))
            rule = rule_named(self.landmarks)
            kernel = FidelityKernel(AngleFeatureMap(bandwidth=0.5)) if self.kernel is None else self.kernel
            self.kernel_ = trained_clone(kernel, samples, y, owner=self)
            take_open_medians(self.kernel_, samples, max_samples=_MEDIAN_OF)  # a rule may compare others first
            entries = KernelEntries(self.kernel_)
            rng = check_random_state(self.random_state)
            rows = checked_choice(rule(entries, samples, count, rng), count, len(samples))
            whitened = whitening(*entries.square(samples[rows]))
            _say(whitened)
            self.landmark_indices_ = rows
            self.landmarks_ = samples[rows]
            self.normalization_ = whitened.matrix
            self.eigenvalues_ = whitened.eigenvalues
            self.floor_ = whitened.floor
            self.rank_ = whitened.rank
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the features, shape (N, number of landmarks).

        Args:
            X: Samples, shape (N, features).
        """
        check_is_fitted(self)
        samples: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        numeric_array("X", X)
        features: FloatArray = KernelEntries(self.kernel_).block(samples, self.landmarks_) @ self.normalization_
        return features

    @property
    def _n_features_out(self) -> int:
        return len(self.landmarks_)


def _say(whitened: Whitening) -> None:
    """Say what of the landmarks' matrix was left out, where there is more to it than rounding.

    Raises:
        ValueError: If nothing is left.
    """
    number = len(whitened.eigenvalues)
    if not whitened.rank:
        raise ValueError(
            f"Nothing of the kernel stands above its noise: the largest eigenvalue between {number} landmarks is "
            f"{whitened.eigenvalues[-1]:.3g}, and up to {whitened.floor:.3g} says nothing. Take more shots or fewer "
            "landmarks, or a kernel that is positive semi-definite."
        )
    if whitened.num_negative:
        if not whitened.noise:
            cause = "which is as far as it is from a positive semi-definite one"
        elif whitened.noise >= whitened.floor:
            cause = "the size of noise of its shots"
        else:
            cause = "more than its standard errors explain"
        warn(
            f"The kernel between the {number} landmarks has {whitened.num_negative} negative eigenvalues, down to "
            f"{whitened.eigenvalues[0]:.3g}. Directions with eigenvalues up to {whitened.floor:.3g}, {cause}, are left "
            f"out: {whitened.rank} of {number} are kept.",
            IndefiniteKernelWarning,
            stacklevel=3,
        )
