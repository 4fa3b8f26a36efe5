"""Beta-distributed initial angles, fitted to the data."""

import cmath
import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from scipy import special

from qiskit_qml_ext.checks import numeric_array, positive_number
from qiskit_qml_ext.circuits.initialization.distribution import InitialDistribution


class BetaDistribution(InitialDistribution):
    r"""Draw every angle from a beta distribution, scaled to an interval.

    θ = low + (high-low)·B with B ~ Beta(α, β); :meth:`fit` estimates α and β from data. The characteristic function is
    e^{i t low} ₁F₁(α; α+β; i t (high-low)).

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
    reference: ClassVar[str] = "arXiv:2204.13751"

    def __init__(self, alpha: float = 2.0, beta: float = 2.0, *, low: float = 0.0, high: float = 2 * math.pi):
        self.alpha = alpha
        self.beta = beta
        self.low = low
        self.high = high

    def fit(self, X: NDArray[np.float64]) -> "BetaDistribution":
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

    def _draw(self, circuit: QuantumCircuit, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
        alpha, beta, width = self._checked()
        return np.asarray(self.low + width * rng.beta(alpha, beta, size=(size, circuit.num_parameters)))

    def _characteristic(self, circuit: QuantumCircuit, frequency: float) -> NDArray[np.complex128]:
        alpha, beta, width = self._checked()
        value = cmath.exp(1j * frequency * self.low) * complex(
            special.hyp1f1(alpha, alpha + beta, 1j * frequency * width)
        )
        return np.full(circuit.num_parameters, value, dtype=np.complex128)

    def _checked(self) -> tuple[float, float, float]:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low and high must be finite and in this order, but {self.low!r} and {self.high!r} came.")
        return positive_number("alpha", self.alpha), positive_number("beta", self.beta), self.high - self.low
