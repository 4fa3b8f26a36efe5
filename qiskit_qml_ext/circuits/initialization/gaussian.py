"""Gaussian initial angles whose variance falls with the depth."""

import math
from typing import ClassVar

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.checks import positive_number, whole_number
from qiskit_qml_ext.circuits.initialization.distribution import InitialDistribution, trainable_depth


class GaussianDistribution(InitialDistribution):
    r"""Draw every angle from a normal distribution N(0, γ²) with γ² = 1/(4S(L+2)).

    For an observable that acts on S qubits and L layers the summed squared gradient then stays above a bound that falls
    only polynomially. E cos θ = e^{-γ²/2} and E cos² θ = (1 + e^{-2γ²})/2.

    Args:
        locality: The number S of factors of the local observable that are not the identity, at least 1.
        num_layers: The depth L; ``None`` takes the longest chain of parametrised gates of the circuit.
        std: The standard deviation γ in radians, positive, in place of the formula.

    References:
        Zhang et al., arXiv:2203.09376.

    Examples:
        >>> from qiskit_qml_ext.circuits import GaussianDistribution, RealAmplitudesAnsatz
        >>> GaussianDistribution(locality=2, num_layers=6).standard_deviation(RealAmplitudesAnsatz().build(2))
        0.125
    """

    name: ClassVar[str] = "gaussian"
    title = "Gaussian angles"
    reference: ClassVar[str] = "arXiv:2203.09376"

    def __init__(self, locality: int = 1, num_layers: int | None = None, *, std: float | None = None):
        self.locality = locality
        self.num_layers = num_layers
        self.std = std

    def standard_deviation(self, circuit: QuantumCircuit) -> float:
        """Return γ in radians."""
        if self.std is not None:
            return positive_number("std", self.std)
        layers = trainable_depth(circuit) if self.num_layers is None else whole_number("num_layers", self.num_layers)
        return 1 / math.sqrt(4 * whole_number("locality", self.locality) * (layers + 2))

    def _draw(self, circuit: QuantumCircuit, size: int, rng: np.random.Generator) -> FloatArray:
        return rng.normal(0.0, self.standard_deviation(circuit), size=(size, circuit.num_parameters))

    def _characteristic(self, circuit: QuantumCircuit, frequency: float) -> ComplexArray:
        value = math.exp(-((frequency * self.standard_deviation(circuit)) ** 2) / 2)
        return np.full(circuit.num_parameters, value, dtype=np.complex128)
