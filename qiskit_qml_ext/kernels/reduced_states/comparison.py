"""Samples compared by their projections: squared distances, inner products, with their variances.

Of estimates â of M shots, the plain square is too large by the variance (1 - a²)/M, so (1 - â²)/(M - 1), whose mean is
just this, is taken away: then (â - b̂)² and â² are unbiased. Products of estimates of different samples are unbiased as
they are. The variances follow from the covariances of all estimates, with the second order that is all there is where
two samples agree: Var Σ(â - b̂)² = 4 dᵀVd + 2 Tr V² for d = a - b and V = C_a + C_b. Estimates d̂ in place of d make the
first term larger by 4 Tr V² in the mean, which is taken away too.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.distance import cdist

from qiskit_qml_ext.arrays import BoolArray, FloatArray, IndexArray
from qiskit_qml_ext.kernels.reduced_states.noise_forms import NoiseForms, noise_forms
from qiskit_qml_ext.kernels.reduced_states.projections import Projections


@dataclass(frozen=True, eq=False)
class Compared:
    """A number for each pair of samples."""

    values: FloatArray
    """Shape (rows, columns)."""
    variances: FloatArray | None
    """The variances of the estimates, same shape; ``None`` for exact values."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Samples of rows and of columns, with what each value of their projections counts."""

    projections: Projections
    """Of the distinct samples."""
    rows: IndexArray
    """The distinct sample of each row."""
    columns: IndexArray
    """The distinct sample of each column."""
    weights: FloatArray
    """The weight w_P of each value in Σ_P w_P (a_P - b_P)² and Σ_P w_P a_P b_P, not negative."""
    identity: float = 0.0
    """What the identity adds to each inner product."""
    debias: bool = True
    """Whether what shots add to squares in the mean is taken away."""

    @cached_property
    def scales(self) -> FloatArray:
        """√w_P."""
        scales: FloatArray = np.sqrt(self.weights)
        return scales

    @cached_property
    def vectors(self) -> FloatArray:
        """The values times √w_P: vectors whose squared distances and inner products are those sums."""
        return self.projections.values * self.scales

    @cached_property
    def same(self) -> BoolArray:
        """Whether row and column are one sample, shape (rows, columns)."""
        return self.rows[:, None] == self.columns

    @cached_property
    def excess(self) -> FloatArray:
        """What shots add to Σ_P w_P a_P² of each sample in the mean, estimated; shape (samples,)."""
        values, shots = self.projections.values, self.projections.shots
        if shots is None or not self.debias:
            return np.zeros(len(values))
        excess: FloatArray = (1 - values**2) / (shots - 1) @ self.weights
        return excess

    @cached_property
    def forms(self) -> NoiseForms | None:
        """What the variances consist of; ``None`` for exact values."""
        if self.projections.shots is None:
            return None
        return noise_forms(self.projections, self.scales, self.rows, self.columns)

    def distances(self) -> FloatArray:
        """Return Σ_P w_P (a_P - b_P)²; exactly 0 for one sample and itself, else unbiased and maybe below 0."""
        distances: FloatArray = cdist(self.vectors[self.rows], self.vectors[self.columns], "sqeuclidean")
        distances -= self.excess[self.rows, None] + self.excess[self.columns]
        distances[self.same] = 0.0
        return distances

    def squared_distances(self) -> Compared:
        """Return :meth:`distances` with their variances."""
        distances, forms = self.distances(), self.forms
        if forms is None:
            return Compared(distances, None)
        linear = forms.own_row - 2 * forms.mixed_row + forms.other_row
        linear += forms.own_column - 2 * forms.mixed_column + forms.other_column
        square = 2 * (forms.square_row + forms.square_column + 2 * forms.overlap)
        variances = np.maximum(4 * linear - square, square)
        variances[self.same] = 0.0
        return Compared(distances, self.balanced(variances))

    def inner_products(self) -> Compared:
        """Return Σ_P w_P a_P b_P with the identity's part; of one sample and itself, from different shots."""
        left = self.vectors[self.rows]
        right = left if self.is_symmetric else self.vectors[self.columns]
        products = left @ right.T + self.identity - np.where(self.same, self.excess[self.rows, None], 0.0)
        forms = self.forms
        if forms is None:
            return Compared(products, None)
        linear = forms.other_row + forms.other_column - forms.overlap
        variances = np.maximum(linear, forms.overlap)
        own = np.maximum(4 * forms.own_row - 2 * forms.square_row, 2 * forms.square_row)
        return Compared(products, self.balanced(np.where(self.same, own, variances)))

    @cached_property
    def is_symmetric(self) -> bool:
        """Whether rows and columns are the same samples in the same order."""
        return np.array_equal(self.rows, self.columns)

    def balanced(self, variances: FloatArray) -> FloatArray:
        """Return variances that are symmetric to the last digit where the samples of rows and columns are the same."""
        return (variances + variances.T) / 2 if self.is_symmetric else variances

    def purities(self) -> tuple[FloatArray, FloatArray]:
        """Return the inner product of each row's sample with itself, and of each column's."""
        own = np.einsum("ni,ni->n", self.vectors, self.vectors) + self.identity - self.excess
        return own[self.rows], own[self.columns]
