"""Beta-distributed initial angles, fitted to the data."""

import math
from typing import ClassVar

import numpy as np
from qiskit import QuantumCircuit
from scipy.linalg import eigh_tridiagonal

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.checks import numeric_array, positive_number
from qiskit_qml_ext.circuits.initialization.distribution import InitialDistribution


class BetaDistribution(InitialDistribution):
    r"""Draw every angle from a beta distribution, scaled to an interval.

    θ = low + (high-low)·B with B ~ Beta(α, β); :meth:`fit` estimates α and β from data. The characteristic function is
    e^{i t low} ₁F₁(α; α+β; i t (high-low)), found by Gauss-Jacobi quadrature: SciPy's ₁F₁ of an imaginary argument is
    wrong for shapes above some 20, and before 1.14 for others too.

    Args:
        alpha: The shape α, positive.
        beta: The shape β, positive.
        low: The lower end of the interval, in radians.
        high: The upper end, in radians, above the lower one.

    References:
        Kulshrestha and Safro, arXiv:2204.13751.

    Examples:
        >>> from qiskit_qml_ext.circuits import BetaDistribution, RealAmplitudesAnsatz
        >>> BetaDistribution(2.0, 5.0).sample(RealAmplitudesAnsatz().build(2), 3, rng=1).shape
        (3, 6)
    """

    name: ClassVar[str] = "beta"
    title = "angles from a beta distribution"
    reference: ClassVar[str] = "arXiv:2204.13751"

    def __init__(self, alpha: float = 2.0, beta: float = 2.0, *, low: float = 0.0, high: float = 2 * math.pi):
        self.alpha = alpha
        self.beta = beta
        self.low = low
        self.high = high

    def fit(self, X: FloatArray) -> "BetaDistribution":
        """Return a new distribution whose α and β have the maximal likelihood for the data; this one is not changed.

        Args:
            X: The data, any shape. They are scaled together to [0, 1] by their minimum and maximum, and then pulled in
                by half a step of 1/(number of values), since the ends have no likelihood.

        Raises:
            ValueError: If fewer than two different finite values came.
        """
        from scipy import stats  # only needed here, and slow to import

        values = np.asarray(numeric_array("X", X), dtype=float).ravel()
        if values.size < 2 or not np.all(np.isfinite(values)) or np.ptp(values) == 0:
            raise ValueError("X must hold at least two different values, all finite, to fit a beta distribution to.")
        unit = (values - values.min()) / np.ptp(values)
        unit = (unit * (values.size - 1) + 0.5) / values.size
        alpha, beta, _, _ = stats.beta.fit(unit, floc=0, fscale=1)
        return BetaDistribution(float(alpha), float(beta), low=self.low, high=self.high)

    def _draw(self, circuit: QuantumCircuit, size: int, rng: np.random.Generator) -> FloatArray:
        alpha, beta, width = self._checked()
        return np.asarray(self.low + width * rng.beta(alpha, beta, size=(size, circuit.num_parameters)))

    def _characteristic(self, circuit: QuantumCircuit, frequency: float) -> ComplexArray:
        alpha, beta, width = self._checked()
        # n nodes are exact for polynomials of degree 2n - 1; the Taylor terms of e^{itB} about 1/2 vanish for degrees
        # above some e|t|/4.
        nodes, weights = _quadrature(alpha, beta, 32 + math.ceil(abs(frequency) * width))
        phases = np.exp(1j * frequency * (self.low + width * nodes))
        return np.full(circuit.num_parameters, weights @ phases, dtype=np.complex128)

    def _checked(self) -> tuple[float, float, float]:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low and high must be finite and in this order, but {self.low!r} and {self.high!r} came.")
        return positive_number("alpha", self.alpha), positive_number("beta", self.beta), self.high - self.low


def _quadrature(alpha: float, beta: float, number: int) -> tuple[FloatArray, FloatArray]:
    """Return the nodes in [0, 1] and the weights, of sum 1, of the Gauss rule of Beta(α, β).

    The nodes are the eigenvalues of the Jacobi matrix of the orthogonal polynomials, the weights the squares of the
    eigenvectors' first components (Golub and Welsch): no Gamma function, which overflows for large shapes. The
    recurrence is that of the Jacobi polynomials with a = β-1 and b = α-1, moved from [-1, 1] to [0, 1].
    """
    n = np.arange(number, dtype=np.float64)
    a, b = beta - 1.0, alpha - 1.0
    total = 2 * n + a + b
    diagonal = np.full(number, (b - a) / (a + b + 2))
    diagonal[1:] = (b - a) * (b + a) / (total[1:] * (total[1:] + 2))
    off = np.empty(number - 1)
    off[0] = 4 * (1 + a) * (1 + b) / ((a + b + 2) ** 2 * (a + b + 3))
    m, s = n[2:], total[2:]
    off[1:] = 4 * m * (m + a) * (m + b) * (m + a + b) / (s * s * (s + 1) * (s - 1))
    nodes, vectors = eigh_tridiagonal((1 + diagonal) / 2, np.sqrt(off) / 2)
    weights = vectors[0] ** 2
    return nodes, weights / weights.sum()
