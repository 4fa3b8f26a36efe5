"""A classical stand-in for a quantum model: random Fourier features of its feature map's own spectrum."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import numeric_array, one_of, whole_number
from qiskit_qml_ext.circuits import AngleFeatureMap, FeatureMap
from qiskit_qml_ext.kernels.encoding import Encoding, encoding_of
from qiskit_qml_ext.models.kernel_features.encoding_spectrum import EncodingSpectrum
from qiskit_qml_ext.models.kernel_features.spectrum_conditions import (
    SpectrumConditions,
    effective_number,
    own_kernel_difference,
    some_of,
    target_in_features,
)
from qiskit_qml_ext.models.undoing import undone_if_it_fails
from qiskit_qml_ext.program import lower

_WEIGHTS = ("multiplicity", "uniform")


class RandomFourierSurrogate(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Random Fourier features of frequencies, among them all that a feature map can give any model behind it.

    Whatever ansatz and observable follow, a model of the map is f(x) = Σ c_ω e^{iω·x} over sums and differences of the
    slopes c_g of its encoding rotations. None of its frequencies is missing among these, but it need not have all of
    them: a gate such as ``cp`` or ``crx`` is several rotations that only turn together, and a rotation about z of |0⟩
    turns nothing. Frequencies are drawn from the sums, and the features are cos(ω·x)/√D and sin(ω·x)/√D of D draws: a
    linear model over them is what a quantum computer is compared with. The products of features are unbiased for the
    kernel of the draws (:meth:`exact_kernel`), with the variance [(1 + k(2Δ))/2 - k(Δ)²]/D; drawn by multiplicity it is
    k(Δ) = Π_g cos²(c_g·Δ/2) over the encoding rotations by c_g·x, and the map's own fidelity kernel where that is a
    product of such factors, as for angle encoding. ``conditions_`` says whether it is, and what else must hold for the
    features to do as well as the quantum model.

    Args:
        feature_map: A template or a circuit whose parameters are the features; all angles are affine in them. ``None``
            is ``AngleFeatureMap()``.
        num_frequencies: How many draws, D; there are twice as many features.
        weights: With which probabilities. ``"multiplicity"``: as the number of ways in which differences of eigenvalues
            add up to a frequency; one draw for each rotation, for any number of frequencies. ``"uniform"``: all
            different frequencies alike, where they can be listed.
        random_state: The seed of the draws.

    Attributes:
        frequencies_: The draws, shape (D, features).
        conditions_: A :class:`~qiskit_qml_ext.models.kernel_features.SpectrumConditions`, with a ``summary()``.
        n_features_in_: The number of features of a sample.

    References:
        Landman et al., arXiv:2210.13200, samples the same spectrum in ways that it calls distinct, tree and grid
        sampling (abstract read; their definitions were not, so the weights here have names of their own); Sweke et al.,
        arXiv:2309.11647 (the conditions; abstract and a summary read).

    Examples:
        >>> import numpy as np
        >>> from sklearn.linear_model import Ridge
        >>> from sklearn.pipeline import make_pipeline
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.models import RandomFourierSurrogate
        >>> X = np.random.default_rng(0).uniform(-1, 1, (100, 2))
        >>> surrogate = RandomFourierSurrogate(AngleFeatureMap(), num_frequencies=50, random_state=0)
        >>> model = make_pipeline(surrogate, Ridge(1e-3)).fit(X, np.sin(X[:, 0]))
        >>> surrogate.conditions_.is_concentrated
        True
    """

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        num_frequencies: int = 100,
        weights: str = "multiplicity",
        random_state: Any = None,
    ):
        self.feature_map = feature_map
        self.num_frequencies = num_frequencies
        self.weights = weights
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Draw the frequencies, and look at the conditions.

        Args:
            X: Samples, shape (N, features).
            y: Real targets, shape (N,), for the conditions only; others are passed over.

        Raises:
            TypeError: A setting is of the wrong kind.
            ValueError: A setting is not valid, or uniform weights are asked for frequencies that cannot be listed.
            UnsupportedCircuitError: An angle is not affine in the features.
        """
        with undone_if_it_fails(self):
            samples: FloatArray = validate_data(self, X, dtype=np.float64)
            numeric_array("X", X)  # scikit-learn drops masks, and makes numbers of dates and text
            number = whole_number("num_frequencies", self.num_frequencies)
            uniformly = one_of("weights", self.weights, _WEIGHTS) == "uniform"
            feature_map = AngleFeatureMap() if self.feature_map is None else self.feature_map
            encoding = encoding_of(feature_map, samples.shape[1])
            spectrum = EncodingSpectrum(lower(encoding.unitary))
            rng = check_random_state(self.random_state)
            draw = spectrum.draw_uniformly if uniformly else spectrum.draw_by_multiplicity
            self._spectrum = spectrum
            self._kernel = spectrum.kernel_uniformly if uniformly else spectrum.kernel_by_multiplicity
            self.frequencies_ = draw(number, rng)
            self.conditions_ = self._conditions(encoding, samples, y, uniformly=uniformly)
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the features, first all cosines and then all sines, shape (N, 2 D).

        Args:
            X: Samples, shape (N, features).
        """
        check_is_fitted(self)
        samples: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        numeric_array("X", X)
        return self._features(samples)

    def exact_kernel(self, X: ArrayLike, Y: ArrayLike | None = None) -> FloatArray:
        """Return the kernel that the products of features approximate, without any draws, shape (n, m).

        Args:
            X: Samples of the rows, shape (n, features).
            Y: Samples of the columns, shape (m, features); ``None`` for those of the rows.
        """
        check_is_fitted(self)
        rows: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        columns: FloatArray = rows if Y is None else validate_data(self, Y, dtype=np.float64, reset=False)
        return np.array([self._kernel(row - columns) for row in rows])

    @property
    def _n_features_out(self) -> int:
        return 2 * len(self.frequencies_)

    def _features(self, samples: FloatArray) -> FloatArray:
        phases = samples @ self.frequencies_.T
        features: FloatArray = np.hstack([np.cos(phases), np.sin(phases)]) / np.sqrt(len(self.frequencies_))
        return features

    def _conditions(
        self, encoding: Encoding, samples: FloatArray, y: ArrayLike | None, *, uniformly: bool
    ) -> SpectrumConditions:
        distinct, effective = effective_number(self._spectrum, uniformly=uniformly)
        few = some_of(samples)
        expected = np.array([self._kernel(row - few) for row in few])
        norm, explained = target_in_features(self._features(samples), None if y is None else np.asarray(y))
        return SpectrumConditions(
            num_rotations=len(self._spectrum.slopes),
            num_drawn=len(self.frequencies_),
            num_distinct=distinct,
            effective_number=effective,
            own_kernel_difference=own_kernel_difference(encoding, expected, few),
            target_norm=norm,
            explained=explained,
        )
