"""Circuit templates: small scikit-learn-style objects that build a plain ``QuantumCircuit`` for a width.

A template stores its settings under the names of its constructor's arguments and nothing else, so that ``get_params``,
``set_params``, ``clone``, ``repr``, equality and ``pickle`` work, a feature map can be tuned by ``GridSearchCV`` and an
ansatz can be studied as a family over the number of qubits.

To add one, subclass :class:`FeatureMap` or :class:`Ansatz` in a file of its own, with

- a constructor that stores its arguments under their names,
- the class attributes ``name`` and ``reference``, and ``data_range`` for a feature map,
- ``build`` and ``two_qubit_gates``, and for an ansatz ``num_parameters`` and ``generators`` too,
- a section ``Counts`` in its docstring with the rows ``parameters``, ``two-qubit gates`` and ``depth``, each a formula
  in Python (``n * reps``, see :class:`Template`), which the tests evaluate and compare with the circuit,

and list it in its subpackage's registry.
"""

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterExpression, ParameterVector
from qiskit.circuit.parametervector import ParameterVectorElement
from qiskit.quantum_info import SparsePauliOp
from sklearn.base import BaseEstimator, clone
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import SETTING_RULES, is_whole_number, wrong_kind, wrong_value
from qiskit_qml_ext.circuits.entanglement import Entanglement

MAX_GATES = 10_000_000
"""Building a circuit of so many gates takes minutes and several gigabytes."""

_LAYERS = ("reps", "num_trotter_steps")

Bandwidth = float | Sequence[float]
"""The factor that multiplies the data before encoding: one number, or one for each feature."""


class Configurable(BaseEstimator):
    """A scikit-learn-style object that is equal to another of its class if their settings are equal.

    Settings are stored as they come and checked when they are used: by name, with the rules that all of them share
    (:data:`~qiskit_qml_ext.checks.SETTING_RULES`), and by what the object itself makes of them.
    """

    def check_settings(self) -> None:
        """Raise an error that names the setting if one cannot be meant."""
        for name, value in self.get_params(deep=False).items():
            if name in SETTING_RULES:
                SETTING_RULES[name](name, value)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        mine, theirs = self.get_params(deep=False), other.get_params(deep=False)
        return all(_same_setting(mine[name], theirs[name]) for name in mine)

    # Settings can change (set_params), so these objects, like lists, cannot be keys of a dictionary.
    __hash__ = None  # type: ignore[assignment]


def _checked_build(build: Callable[..., QuantumCircuit]) -> Callable[..., QuantumCircuit]:
    @functools.wraps(build)
    def checked(self: "Template", *args: Any, **kwargs: Any) -> QuantumCircuit:
        self.check_settings()
        for width in (*args, *kwargs.values()):
            self._check_size(width)
        return build(self, *args, **kwargs)

    return checked


class Template(Configurable, ABC):
    """A family of circuits, one for each width; its settings are its constructor's arguments.

    The width is the number of features for a feature map and the number of qubits for an ansatz. Every template's
    docstring has a section ``Counts`` with the number of parameters, the number of two-qubit gates and the depth as
    formulas, for the default settings but those that they name. There n is the width, ring(n) the number of pairs in a
    ring of n qubits (n, but 1 for two qubits and 0 for one) and levels(n) the sequence n, ⌈n/2⌉, ⌈n/4⌉, …, 2.

    Attributes:
        name: The short name under which the registry lists the template.
        reference: Where the circuit comes from, as arXiv identifiers or a bibliographic reference.
    """

    name: ClassVar[str]
    reference: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        """Let ``build`` check the settings first, whatever a subclass does in it."""
        super().__init_subclass__(**options)
        if "build" in cls.__dict__:
            cls.build = _checked_build(cls.__dict__["build"])  # type: ignore[method-assign]

    @abstractmethod
    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit of the family for one width."""

    @abstractmethod
    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of free parameters of the circuit for one width."""

    def gates_at_least(self, num_qubits: int) -> int:
        """Return a number of gates that the circuit for one width has at least, from the settings alone, in no time.

        It tells a circuit that can be built from one that would never end; the circuit itself may have many more.
        """
        layers = math.prod(int(value) for name in _LAYERS if is_whole_number(value := getattr(self, name, 1)))
        return layers * max(num_qubits // 2, self._blocks_at_least(num_qubits))

    def _blocks_at_least(self, num_qubits: int) -> int:
        """Return how many blocks of qubits interact in each layer at least."""
        entanglement = getattr(self, "entanglement", None)
        if isinstance(entanglement, str):
            return math.comb(num_qubits, 2) if entanglement == "full" else 0
        return len(entanglement) if isinstance(entanglement, Sequence) else 0

    def _check_size(self, width: Any) -> None:
        """Refuse a circuit that nobody could wait for; what is no width is left to the template."""
        if not is_whole_number(width) or width < 1:
            return
        at_least = self.gates_at_least(int(width))
        if at_least > MAX_GATES:
            layers = [f"{name}={getattr(self, name)}" for name in _LAYERS if hasattr(self, name)]
            raise ValueError(
                f"{type(self).__name__}({', '.join(layers)}) for a width of {width} would have at least {at_least:,} "
                f"gates; more than {MAX_GATES:,} are not built. Use fewer layers or a smaller width."
            )

    @abstractmethod
    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of gates on two qubits for one width, each gate of the built circuit counted once.

        A rotation about a pair of qubits (RZZ) or a controlled rotation (CRX) counts as one gate.
        """

    def depth(self, num_qubits: int) -> int:
        """Return the depth for one width: the length of the longest chain of gates, counted by building the circuit."""
        return int(self.build(num_qubits).depth())


class FeatureMap(Template):
    """A circuit that encodes a sample x into a quantum state |φ(x)⟩.

    Every feature map has the settings ``bandwidth`` (the data are multiplied by it before they are encoded) and
    ``entanglement`` (which qubits interact; ``"none"`` gives a product of single-qubit encodings), unless its docstring
    says why not. The data are the parameters ``ParameterVector("x", num_features)``; a map with trainable weights keeps
    them apart, in ``ParameterVector("θ", num_weights(num_features))``. In ``circuit.parameters`` all x come first.

    Attributes:
        data_range: The interval (low, high) to which data should be scaled for a bandwidth of 1, in radians where the
            map encodes angles.
        domain: The interval outside of which the map is not defined, after multiplication by the bandwidth. It is
            infinite for most maps; scale with ``clip=True`` where it is finite.
    """

    data_range: ClassVar[tuple[float, float]]
    domain: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    bandwidth: Bandwidth
    entanglement: Entanglement

    @abstractmethod
    def build(self, num_features: int) -> QuantumCircuit:
        """Build the encoding circuit.

        Args:
            num_features: The number of features of a sample, at least 1.

        Returns:
            A circuit whose parameters are ``ParameterVector("x", num_features)`` and, for a map with trainable weights,
            ``ParameterVector("θ", num_weights(num_features))``.

        Raises:
            ValueError: If ``num_features`` or one of the settings is not valid.
        """

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits that encode ``num_features`` features: one for each, unless a map says else."""
        return num_features

    def num_weights(self, num_features: int) -> int:
        """Return the number of trainable weights θ: none, unless a map says else."""
        return 0

    def num_parameters(self, num_features: int) -> int:
        """Return the number of parameters of the circuit: the features and the trainable weights."""
        return num_features + self.num_weights(num_features)

    @abstractmethod
    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of gates on two qubits of the circuit for ``num_features`` features."""

    def gates_at_least(self, num_features: int) -> int:
        """Return a number of gates that the circuit has at least; see :meth:`Template.gates_at_least`."""
        try:
            num_qubits = self.num_qubits(num_features)
        except (TypeError, ValueError):  # a setting that ``build`` refuses
            return 0
        return max(super().gates_at_least(num_qubits), num_features // 16)  # no gate encodes more than 15 features

    def without_entanglement(self) -> Self:
        """Return a copy of this map with all entangling gates removed: the control of an honest comparison."""
        return clone(self).set_params(entanglement="none")

    def with_bandwidth(self, bandwidth: Bandwidth) -> Self:
        """Return a copy of this map with another bandwidth."""
        return clone(self).set_params(bandwidth=bandwidth)


class Ansatz(Template):
    """A trainable circuit; its parameters are ``ParameterVector("θ", …)`` in the order in which they act.

    An ansatz knows what its gates are made of. A parametrised gate acts as exp(-i c θ H/2) with a Hermitian generator H
    and a real constant c (1 for Qiskit's rotations). :meth:`generators` lists these H as they stand in the circuit, not
    conjugated by the fixed gates around them. Where gates that act one after another, and commute, share a parameter,
    the list contains the sum of their generators instead of each of them. Where gates in different places of the
    circuit share a parameter (the filters of a convolution), it contains each of them.

    Attributes:
        symmetry: The symmetry of the circuit in words, ``"none"`` if it has none.
        parameter_period: The period of every parameter, in radians, up to a global phase of the circuit; infinite where
            real weights multiply the angles.
        min_qubits: The smallest width for which the circuit exists.
    """

    symmetry: str = "none"
    min_qubits: int = 1
    parameter_period: float = 2 * math.pi

    @abstractmethod
    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the trainable circuit.

        Args:
            num_qubits: The number of qubits, at least ``min_qubits``.

        Returns:
            A circuit on ``num_qubits`` qubits whose parameters are ``ParameterVector("θ",
            num_parameters(num_qubits))``.

        Raises:
            ValueError: If ``num_qubits`` or one of the settings is not valid.
        """

    @abstractmethod
    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the distinct generators H of the parametrised gates, in the order in which they first act."""

    def conserved_operators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List Hermitian operators that commute with every trainable gate; empty if the ansatz has none to name."""
        return []


def data_and_weights(circuit: QuantumCircuit) -> tuple[list[Parameter], list[Parameter]]:
    """Split the parameters of a feature map's circuit into data and trainable weights.

    Args:
        circuit: A circuit that a template built. In a circuit without a vector ``"x"`` all parameters count as data.

    Returns:
        The elements of the vector ``"x"`` and all other parameters, both in the order of ``circuit.parameters``.
    """
    data = [p for p in circuit.parameters if isinstance(p, ParameterVectorElement) and p.vector.name == "x"]
    if not data:
        return list(circuit.parameters), []
    chosen = set(data)
    return data, [parameter for parameter in circuit.parameters if parameter not in chosen]


def scaled_features(num_features: int, bandwidth: Bandwidth) -> list[ParameterExpression]:
    """Return the data parameters x_0 … x_{n-1} of a feature map, each multiplied by its bandwidth."""
    factors = check_bandwidth(bandwidth, num_features)
    x = ParameterVector("x", num_features)
    return [element if factor == 1 else float(factor) * element for factor, element in zip(factors, x, strict=True)]


def check_axes(name: str, value: object) -> str:
    """Return ``value`` if it is a sequence of rotation axes, such as ``"zyz"``, or raise an error that names it."""
    if not isinstance(value, str) or not value or set(value) - set("xyz"):
        raise wrong_value(name, "one or more of the letters x, y and z, such as 'zyz'", value)
    return value


def check_bandwidth(bandwidth: Any, num_features: int) -> FloatArray:
    """Return the bandwidth as one positive number for each feature, shape (num_features,)."""
    if isinstance(bandwidth, bool) or not (isinstance(bandwidth, Real) or np.ndim(bandwidth) == 1):
        raise wrong_kind("bandwidth", "a number or one number for each feature", bandwidth)
    factors = np.asarray(bandwidth, dtype=float)
    if factors.ndim == 1 and factors.shape != (num_features,):
        raise ValueError(
            f"bandwidth has {factors.size} values but the feature map encodes {num_features} features. "
            "Give one number, or one for each feature."
        )
    if not np.all(np.isfinite(factors) & (factors > 0)):
        raise wrong_value("bandwidth", "positive and finite", bandwidth)
    return np.broadcast_to(factors, (num_features,))


def _same_setting(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(np.asarray(a), np.asarray(b))
    return bool(a == b)
