"""Encodings of many more features than qubits, column by column."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit.library import XXPlusYYGate

from qiskit_qml_ext.checks import one_of, whole_number
from qiskit_qml_ext.circuits.entanglement import ENTANGLERS, Entanglement, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, check_axes, scaled_features


class HighDimFeatureMap(FeatureMap):
    r"""Encode many features on few qubits by filling the circuit column by column.

    After a layer of Hadamard gates the features are taken in their order: a column is one rotation of each qubit, the
    axes of successive columns cycle through ``rotations``, and after each full cycle (a block) entangling gates act on
    the entangled pairs, though not after the last column. The default √iSWAP gates and axes follow the experiment of
    Peters et al., who encoded 67 features on 17 qubits. n features take ``register_size`` qubits, ⌈n/q⌉ columns.

    Counts:
        parameters: n
        two-qubit gates: (ceil(ceil(n / register_size) / 3) - 1) * (register_size - 1)
        depth: ceil(n / register_size) + ceil(ceil(n / register_size) / 3)

    Args:
        register_size: The number q of qubits, at least 1.
        rotations: The axes of the columns of a block, letters of ``"xyz"``; not ``"x"`` first, which leaves |+⟩ alone.
        entanglement: The pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        entangler: The entangling gate, ``"sqrt_iswap"``, ``"cx"``, ``"cz"`` or ``"ecr"``.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Peters et al., arXiv:2101.09581.

    Examples:
        >>> from qiskit_qml_ext.circuits import HighDimFeatureMap
        >>> circuit = HighDimFeatureMap(register_size=5).build(67)
        >>> circuit.num_qubits, circuit.num_parameters
        (5, 67)
    """

    name: ClassVar[str] = "high-dim"
    reference: ClassVar[str] = "arXiv:2101.09581"
    data_range: ClassVar[tuple[float, float]] = (-math.pi / 2, math.pi / 2)

    def __init__(
        self,
        register_size: int = 2,
        *,
        rotations: str = "zyz",
        entanglement: Entanglement = "pairwise",
        entangler: str = "sqrt_iswap",
        bandwidth: Bandwidth = 1.0,
    ):
        self.register_size = register_size
        self.rotations = rotations
        self.entanglement = entanglement
        self.entangler = entangler
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        num_qubits = whole_number("register_size", self.register_size)
        axes = check_axes("rotations", self.rotations)
        if axes[0] == "x":
            raise ValueError(f"rotations must not begin with x, which acts trivially on |+⟩, but {axes!r} came.")
        entangler = one_of("entangler", self.entangler, ("sqrt_iswap", *ENTANGLERS))
        entangled_pairs(self.entanglement, num_qubits)  # refuses a layout that a circuit of one block would not use
        features = scaled_features(num_features, self.bandwidth)
        circuit = QuantumCircuit(num_qubits, name="HighDimFeatureMap")
        circuit.h(range(num_qubits))
        for column in range(math.ceil(num_features / num_qubits)):
            block, position = divmod(column, len(axes))
            if block > 0 and position == 0:
                for pair in entangled_pairs(self.entanglement, num_qubits, layer=block - 1):
                    _entangle(circuit, entangler, pair)
            for qubit, feature in enumerate(features[column * num_qubits : (column + 1) * num_qubits]):
                getattr(circuit, f"r{axes[position]}")(feature, qubit)
        return circuit

    def _blocks_at_least(self, num_qubits: int) -> int:
        return 0  # a single block has no entangling gates

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits: the setting ``register_size``, whatever the number of features."""
        return whole_number("register_size", self.register_size)

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of entangling gates: one for each entangled pair between blocks."""
        blocks = math.ceil(math.ceil(num_features / self.register_size) / len(self.rotations))
        return (blocks - 1) * len(entangled_pairs(self.entanglement, self.register_size))


def _entangle(circuit: QuantumCircuit, entangler: str, pair: tuple[int, int]) -> None:
    if entangler == "sqrt_iswap":
        circuit.append(XXPlusYYGate(-math.pi / 2, 0.0), pair)  # √iSWAP = exp(i (π/8) (XX + YY))
    else:
        getattr(circuit, entangler)(*pair)
