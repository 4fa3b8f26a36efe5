"""What every distribution of initial angles can do: sample and, where the angles are independent, state moments."""

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.template import Configurable

Seed = np.random.Generator | int | None
"""A generator, which is used and advanced, or a seed for a new one."""


@dataclass(frozen=True)
class AngleMoments:
    """The exact first and second trigonometric moments of independent angles θ, each of shape (num_parameters,)."""

    cos: FloatArray
    """E cos θ."""
    cos_squared: FloatArray
    """E cos² θ; E sin² θ is 1 minus it."""
    sin: FloatArray
    """E sin θ; zero if the distribution is symmetric about 0."""
    sin_cos: FloatArray
    """E sin θ cos θ; zero if the distribution is symmetric about 0."""


class InitialDistribution(Configurable, ABC):
    """A distribution of the angles with which the training of a circuit begins.

    Attributes:
        name: The short name under which the registry lists the distribution.
        title: What reports call such angles; empty for a class that has no other name than its own.
        reference: Where it comes from, as arXiv identifiers.
        independent: Whether the angles are independent of each other, so that they have a characteristic function each.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    reference: ClassVar[str]
    independent: ClassVar[bool] = True

    def in_words(self) -> str:
        """Return what reports call these angles, with the settings that are not the usual ones.

        Example:
            >>> from qiskit_qml_ext.circuits import GaussianDistribution
            >>> GaussianDistribution(std=0.1).in_words()
            'Gaussian angles (std=0.1)'
        """
        if not self.title:
            return f"angles from {self!r}"
        changed = repr(self).partition("(")[2].removesuffix(")")
        settings = re.sub(r"\d+\.\d+", lambda number: _in_pi(float(number[0])), changed)
        return f"{self.title} ({settings})" if settings else self.title

    def sample(self, circuit: QuantumCircuit, size: int, rng: Seed = None) -> FloatArray:
        """Draw initial angles.

        Args:
            circuit: The circuit to train; all its parameters are drawn.
            size: The number of samples, at least 0.
            rng: A generator, or a seed. The same seed gives the same angles.

        Returns:
            Angles in radians, shape (size, num_parameters), in the order of ``circuit.parameters``.
        """
        size = whole_number("size", size, minimum=0)
        self.check_settings()
        return self._draw(circuit, size, np.random.default_rng(rng))

    def characteristic_function(self, circuit: QuantumCircuit, frequency: float) -> ComplexArray:
        """Return E exp(i t θ) exactly, for the frequency t and each angle.

        Args:
            circuit: The circuit to train.
            frequency: The number t.

        Returns:
            One number for each angle, shape (num_parameters,), in the order of ``circuit.parameters``.

        Raises:
            ValueError: If the angles are not independent.
        """
        self.check_settings()
        return self._characteristic(circuit, float(frequency))

    def moments(self, circuit: QuantumCircuit) -> AngleMoments:
        """Return E cos θ, E cos² θ, E sin θ and E sin θ cos θ exactly.

        Raises:
            ValueError: If the angles are not independent.
        """
        first, second = self.characteristic_function(circuit, 1.0), self.characteristic_function(circuit, 2.0)
        return AngleMoments(
            cos=first.real.copy(),
            cos_squared=(1 + second.real) / 2,
            sin=first.imag.copy(),
            sin_cos=second.imag / 2,
        )

    @abstractmethod
    def _draw(self, circuit: QuantumCircuit, size: int, rng: np.random.Generator) -> FloatArray:
        """Draw an array of shape (size, num_parameters)."""

    def _characteristic(self, circuit: QuantumCircuit, frequency: float) -> ComplexArray:
        """Return the characteristic function of each angle, shape (num_parameters,), if they are independent."""
        raise ValueError(
            f"The angles of {type(self).__name__} depend on each other and have no moments of their own. "
            "Estimate from samples instead."
        )


def trainable_depth(circuit: QuantumCircuit) -> int:
    """Return the largest number of parametrised gates in a chain of gates of the circuit, at least 1.

    This is the L of the distributions whose width depends on the circuit's depth, unless L is given.
    """
    return max(1, int(circuit.depth(lambda instruction: bool(instruction.operation.params) and _is_free(instruction))))


def _is_free(instruction: object) -> bool:
    return bool(instruction.is_parameterized())  # type: ignore[attr-defined]


def _in_pi(angle: float) -> str:
    """Return an angle with three digits, or as a multiple of π."""
    multiple = round(angle / math.pi)
    if multiple and math.isclose(angle, multiple * math.pi):
        return "π" if multiple == 1 else f"{multiple}π"
    return f"{angle:.3g}"
