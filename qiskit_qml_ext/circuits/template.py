"""Circuit templates: small scikit-learn-style objects that build a plain ``QuantumCircuit`` for a width.

A template stores its settings under the names of its constructor's arguments and nothing else, so that ``get_params``,
``set_params``, ``clone``, ``repr``, equality and ``pickle`` work, a feature map can be tuned by ``GridSearchCV`` and an
ansatz can be studied as a family over the number of qubits. To add one, subclass :class:`FeatureMap` or
:class:`Ansatz` in a file of its own, implement ``build``, and list it in its subpackage's registry.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from qiskit import QuantumCircuit
from sklearn.base import BaseEstimator, clone
from typing_extensions import Self

from qiskit_qml_ext.circuits.entanglement import Entanglement

Bandwidth = float | Sequence[float]
"""The factor that multiplies the data before encoding: one number, or one for each feature."""


class Template(BaseEstimator, ABC):
    """A family of circuits, one for each width; its settings are its constructor's arguments."""

    @abstractmethod
    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit of the family for one width."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        mine, theirs = self.get_params(deep=False), other.get_params(deep=False)
        return all(_same_setting(mine[name], theirs[name]) for name in mine)

    # Settings can change (set_params), so templates, like lists, cannot be keys of a dictionary.
    __hash__ = None  # type: ignore[assignment]


class FeatureMap(Template):
    """A circuit that encodes a sample x into a quantum state |φ(x)⟩.

    Every feature map has the settings ``bandwidth`` (the data are multiplied by it before they are encoded) and
    ``entanglement`` (which qubits interact; ``"none"`` gives a product of single-qubit encodings).

    Attributes:
        name: The short name by which the command line knows the map.
        data_range: The interval (low, high) to which data should be scaled for a bandwidth of 1, in radians where the
            map encodes angles.
    """

    name: ClassVar[str]
    data_range: ClassVar[tuple[float, float]]

    bandwidth: Bandwidth
    entanglement: Entanglement

    @abstractmethod
    def build(self, num_features: int) -> QuantumCircuit:
        """Build the encoding circuit.

        Args:
            num_features: The number of features of a sample, at least 1.

        Returns:
            A circuit whose parameters are ``ParameterVector("x", num_features)``.

        Raises:
            ValueError: If ``num_features`` or one of the settings is not valid.
        """

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits that encode ``num_features`` features: one for each, unless a map says else."""
        return num_features

    def without_entanglement(self) -> Self:
        """Return a copy of this map with all entangling gates removed: the control of an honest comparison."""
        return clone(self).set_params(entanglement="none")


class Ansatz(Template):
    """A trainable circuit; its parameters are ``ParameterVector("θ", …)`` in the order in which they act."""


def check_count(name: str, value: object, *, minimum: int = 1) -> int:
    """Return ``value`` as an ``int`` of at least ``minimum``, or raise an error that names the argument."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, but {value!r} ({type(value).__name__}) came.")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, but {value} came.")
    return int(value)


def check_choice(name: str, value: object, choices: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``choices``, or raise an error that lists them."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, but {value!r} came.")
    return value


def check_bandwidth(bandwidth: Any, num_features: int) -> np.ndarray:
    """Return the bandwidth as one positive number for each feature, shape (num_features,)."""
    if isinstance(bandwidth, bool) or not (isinstance(bandwidth, Real) or np.ndim(bandwidth) == 1):
        raise TypeError(f"bandwidth must be a number or one number for each feature, but {bandwidth!r} came.")
    factors = np.asarray(bandwidth, dtype=float)
    if factors.ndim == 1 and factors.shape != (num_features,):
        raise ValueError(
            f"bandwidth has {factors.size} values but the feature map encodes {num_features} features. "
            "Give one number, or one for each feature."
        )
    if not np.all(np.isfinite(factors) & (factors > 0)):
        raise ValueError(f"bandwidth must be positive and finite, but {bandwidth!r} came.")
    return np.broadcast_to(factors, (num_features,))


def _same_setting(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(np.asarray(a), np.asarray(b))
    return bool(a == b)
