"""What kernels of projections share: an outer kernel of vectors, and a bandwidth that is one for all data."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import truth_value
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.reduced_states.bandwidth import (
    MEDIAN,
    MedianBandwidth,
    checked_gamma,
    known_bandwidth,
    median_bandwidth,
)
from qiskit_qml_ext.kernels.reduced_states.comparison import Comparison
from qiskit_qml_ext.kernels.reduced_states.outer_definiteness import is_definite
from qiskit_qml_ext.kernels.reduced_states.outer_kernels import outer_kernel, takes_gamma
from qiskit_qml_ext.kernels.samples import check_samples
from qiskit_qml_ext.primitives.forks import Lock

if TYPE_CHECKING:
    from sklearn.gaussian_process.kernels import Kernel

_keeping = Lock()


class ProjectionKernel(QuantumKernel):
    """A classical kernel of projections of states.

    A kernel of its own kind says where the projections come from (:meth:`compared`) and what they depend on
    (:meth:`made_with`).

    Attributes:
        outer: The classical kernel.
        gamma: Its bandwidth.
        debias: Whether what shots add to squares in the mean is taken away.
    """

    outer: "str | Kernel" = "rbf"
    gamma: float | str = MEDIAN
    debias: bool = True
    _bandwidth: MedianBandwidth | None = None

    @abstractmethod
    def compared(self, x: FloatArray, y: FloatArray | None) -> tuple[Comparison, str]:
        """Return checked samples, compared by their projections, and the name of the target that ran the circuits."""

    @abstractmethod
    def made_with(self, num_features: int) -> object:
        """Return what the distances of samples depend on, besides the samples and the target."""

    @property
    def entries_are_fractions(self) -> bool:
        """Whether a measured entry is a fraction of its shots: no, it is made of products of such."""
        return False

    @property
    def is_positive_semidefinite(self) -> bool | None:  # type: ignore[override]
        """Whether every matrix of exact states is positive semi-definite; ``None`` where that is not known.

        It is so with the outer kernels by name, and with most of scikit-learn's.
        """
        return is_definite(self.outer)

    @property
    def gamma_(self) -> float:
        """The bandwidth that is used: the one given, or what ``"median"`` turned out to be."""
        given = self._fixed_gamma()
        if given is not None:
            return given
        if self._bandwidth is None:
            raise AttributeError("gamma='median' was not taken of any samples yet. Call fit(X), or evaluate a matrix.")
        return self._bandwidth.gamma

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Take the bandwidth ``"median"`` of training data, for whatever is evaluated afterwards.

        Args:
            X: Training samples, shape (n, features); they are simulated or measured.
            y: Not looked at; scikit-learn passes labels.

        Raises:
            ValueError: If the data are not valid, or the squared distances have no positive median.
        """
        self._take_median(check_samples("X", X))
        return self

    def _take_median(self, samples: FloatArray) -> None:
        """Take the bandwidth of samples, for whatever comes, if it is their median."""
        if self._needs_median():
            made_with = self.made_with(samples.shape[1])
            comparison, _ = self.compared(samples, None)
            self._bandwidth = median_bandwidth(distances_of_different(comparison), made_with, None)

    def _fixed_gamma(self) -> float | None:
        """Return the bandwidth that does not depend on what is evaluated; ``None`` for the median."""
        return checked_gamma(self.gamma)

    runs_samples: ClassVar[bool] = True

    @property
    def unit_diagonal(self) -> bool:
        """Whether k(x, x) is 1: of all outer kernels of a distance, which of a sample to itself is 0."""
        return takes_gamma(self.outer)

    def raw_kernel(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix of checked samples before any repair."""
        truth_value("debias", self.debias)
        held, gamma, made_with = self._bandwidth, None, None
        median = self._needs_median()
        if median:
            made_with = self.made_with(x.shape[1])
            gamma = known_bandwidth(held, made_with, x, y)
        elif takes_gamma(self.outer):
            gamma = self._fixed_gamma()
        comparison, target = self.compared(x, y)
        if median and gamma is None:
            found = median_bandwidth(distances_of_different(comparison), made_with, x)
            gamma = self._keep(found, held, x, y)
        matrix, errors = outer_kernel(comparison, self.outer, gamma)
        shots = comparison.projections.shots
        return RawKernel(matrix, errors, None if shots is None else int(shots.min()), target)

    def _needs_median(self) -> bool:
        """Whether the bandwidth is the median; a bandwidth that means nothing is refused."""
        has_gamma, given = takes_gamma(self.outer), checked_gamma(self.gamma)
        if not has_gamma and given is not None:
            raise ValueError(f"gamma={given:g} means nothing for outer={self.outer!r}, which has no bandwidth of ours.")
        return has_gamma and self._fixed_gamma() is None

    def _keep(self, found: MedianBandwidth, seen: MedianBandwidth | None, x: FloatArray, y: FloatArray | None) -> float:
        """Keep a bandwidth, unless another thread has kept one meanwhile: then that one holds, if it can."""
        with _keeping:
            if self._bandwidth is not seen:
                known = known_bandwidth(self._bandwidth, found.made_with, x, y)
                if known is not None:
                    return known
            self._bandwidth = found
            return found.gamma

    def _copied(self, copy_of: Callable[[Any], Any]) -> Self:
        copy = super()._copied(copy_of)
        copy.outer = clone(self.outer, safe=False)  # a kernel of scikit-learn's has parameters of its own
        return copy

    def _take_over(self, other: Self) -> None:
        super()._take_over(other)
        self._bandwidth = other._bandwidth  # elsewhere it is still the same kernel


def distances_of_different(comparison: Comparison) -> FloatArray:
    """Return the squared distances of all pairs of different samples."""
    samples = np.unique(np.concatenate([comparison.rows, comparison.columns]))
    whole = replace(comparison, rows=samples, columns=samples)
    return whole.distances()[np.triu_indices(len(samples), 1)]
