"""Uniform distributions on intervals: the whole circle, a reduced domain, small angles, a warm start, a point."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.checks import positive_number, whole_number
from qiskit_qml_ext.circuits.initialization.distribution import InitialDistribution, trainable_depth


class IntervalDistribution(InitialDistribution):
    """What the uniform distributions have in common: each angle is uniform around a center, within a radius."""

    @abstractmethod
    def interval(self, circuit: QuantumCircuit) -> tuple[FloatArray, float]:
        """Return the centers of the angles, shape (num_parameters,), and the radius, both in radians."""

    def _draw(self, circuit: QuantumCircuit, size: int, rng: np.random.Generator) -> FloatArray:
        centers, radius = self.interval(circuit)
        return centers + radius * rng.uniform(-1.0, 1.0, size=(size, len(centers)))

    def _characteristic(self, circuit: QuantumCircuit, frequency: float) -> ComplexArray:
        # E exp(i t (c + r u)) for u uniform in [-1, 1] is exp(i t c) sin(t r)/(t r); np.sinc(x) is sin(πx)/(πx).
        centers, radius = self.interval(circuit)
        return np.asarray(np.exp(1j * frequency * centers) * np.sinc(frequency * radius / math.pi))


class UniformDistribution(IntervalDistribution):
    r"""Draw every angle uniformly from an interval, by default the whole circle.

    On [-r, r]: E cos θ = sin(r)/r and E cos² θ = (1 + sin(2r)/(2r))/2.

    Args:
        low: The lower end, in radians.
        high: The upper end, in radians, not below the lower one.

    References:
        McClean et al., arXiv:1803.11173.

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz, UniformDistribution
        >>> UniformDistribution().sample(RealAmplitudesAnsatz(reps=1).build(2), 5, rng=0).shape
        (5, 4)
    """

    name: ClassVar[str] = "uniform"
    title = "uniform angles"
    reference: ClassVar[str] = "arXiv:1803.11173"

    def __init__(self, low: float = 0.0, high: float = 2 * math.pi):
        self.low = low
        self.high = high

    def interval(self, circuit: QuantumCircuit) -> tuple[FloatArray, float]:
        """Return the interval's middle for every angle, and half its length."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"low and high must be finite and in this order, but {self.low!r} and {self.high!r} came.")
        return np.full(circuit.num_parameters, (self.low + self.high) / 2), (self.high - self.low) / 2


class ZeroDistribution(IntervalDistribution):
    """Start with all angles zero: the identity for circuits of rotations between Cliffords that cancel.

    References:
        The trivial distribution; for its biases see arXiv:2606.18515.

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz, ZeroDistribution
        >>> ZeroDistribution().sample(RealAmplitudesAnsatz(reps=1).build(1), 1).tolist()
        [[0.0, 0.0]]
    """

    name: ClassVar[str] = "zeros"
    title = "angles of 0"
    reference: ClassVar[str] = "arXiv:2606.18515"

    def interval(self, circuit: QuantumCircuit) -> tuple[FloatArray, float]:
        """Return the point 0 for every angle."""
        return np.zeros(circuit.num_parameters), 0.0


class ReducedDomainDistribution(IntervalDistribution):
    r"""Draw every angle uniformly from [-aπ, aπ] with a = scale/√L.

    With a of the order of 1/√L the gradient decays only polynomially in the number of qubits and the depth L.

    Args:
        num_layers: The depth L; ``None`` takes the longest chain of parametrised gates of the circuit.
        scale: The factor, positive. a is limited to 1, the whole circle.

    References:
        Wang et al., arXiv:2302.06858.

    Examples:
        >>> from qiskit_qml_ext.circuits import HardwareEfficientAnsatz, ReducedDomainDistribution
        >>> angles = ReducedDomainDistribution(num_layers=16).sample(HardwareEfficientAnsatz().build(2), 100, rng=0)
        >>> bool(abs(angles).max() < 3.1416 / 4)
        True
    """

    name: ClassVar[str] = "reduced-domain"
    title = "angles from a reduced domain"
    reference: ClassVar[str] = "arXiv:2302.06858"

    def __init__(self, num_layers: int | None = None, *, scale: float = 1.0):
        self.num_layers = num_layers
        self.scale = scale

    def interval(self, circuit: QuantumCircuit) -> tuple[FloatArray, float]:
        """Return the center 0 for every angle, and the radius aπ."""
        layers = trainable_depth(circuit) if self.num_layers is None else whole_number("num_layers", self.num_layers)
        radius = math.pi * min(1.0, positive_number("scale", self.scale) / math.sqrt(layers))
        return np.zeros(circuit.num_parameters), radius


class SmallAngleDistribution(IntervalDistribution):
    """Draw every angle uniformly from [-radius, radius]: close to the circuit without rotations.

    Args:
        radius: The largest angle, in radians, positive.

    References:
        Small-angle starts and what they imply: arXiv:2404.10044 and arXiv:2302.06858.

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz, SmallAngleDistribution
        >>> bool(abs(SmallAngleDistribution(0.01).sample(RealAmplitudesAnsatz().build(2), 10, rng=0)).max() <= 0.01)
        True
    """

    name: ClassVar[str] = "small-angle"
    title = "small uniform angles"
    reference: ClassVar[str] = "arXiv:2404.10044, arXiv:2302.06858"

    def __init__(self, radius: float = 0.1):
        self.radius = radius

    def interval(self, circuit: QuantumCircuit) -> tuple[FloatArray, float]:
        """Return the center 0 for every angle, and the radius."""
        return np.zeros(circuit.num_parameters), positive_number("radius", self.radius)


class WarmStartDistribution(IntervalDistribution):
    """Draw the angles uniformly from a small hypercube around a given point.

    Args:
        point: The center in radians, one number for each parameter in the order of ``circuit.parameters``; ``None``
            takes 0.
        radius: Half the edge of the hypercube, in radians, positive; ``None`` takes 1/√(number of parameters), the size
            for which gradients are guaranteed not to vanish exponentially.

    References:
        Puig et al., arXiv:2404.10044.

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz, WarmStartDistribution
        >>> circuit = RealAmplitudesAnsatz(reps=1).build(1)
        >>> WarmStartDistribution([1.0, 2.0], radius=0.001).sample(circuit, 1, rng=0).round(2).tolist()
        [[1.0, 2.0]]
    """

    name: ClassVar[str] = "warm-start"
    title = "angles near known ones"
    reference: ClassVar[str] = "arXiv:2404.10044"

    def __init__(self, point: Sequence[float] | None = None, *, radius: float | None = None):
        self.point = point
        self.radius = radius

    def interval(self, circuit: QuantumCircuit) -> tuple[FloatArray, float]:
        """Return the point and the radius."""
        number = circuit.num_parameters
        centers = np.zeros(number) if self.point is None else np.array(self.point, dtype=float)
        if centers.shape != (number,) or not np.all(np.isfinite(centers)):
            raise ValueError(
                f"point must be {number} finite angles, one for each parameter of the circuit, but an array of shape "
                f"{centers.shape} came: {self.point!r}."
            )
        radius = 1 / math.sqrt(max(number, 1)) if self.radius is None else positive_number("radius", self.radius)
        return centers, radius
