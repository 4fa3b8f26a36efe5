"""An encoding whose states are matrix-product states of bounded bond dimension."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features


class MatrixProductFeatureMap(FeatureMap):
    r"""Encode many features on few qubits in staircases of two-qubit blocks.

    A column is a staircase over the entangled pairs (0,1), (1,2), …: each block rotates both of its qubits by the next
    two features and joins them by a CX gate. Columns follow until all features are used; their axes alternate between y
    and z. Each column at most doubles the bond dimension, so the state of n features is a matrix-product state of bond
    dimension at most 2^{columns}, with ⌈n/(2(q-1))⌉ columns on q ≥ 2 qubits; one qubit takes one rotation a column. If
    the features end within a block, its other rotation is left out.

    Counts:
        parameters: n
        two-qubit gates: ceil(n / 2)
        depth: 2 * ceil(n / 2) - (1 if n % 4 == 1 and n > 1 else 0)

    Args:
        register_size: The number q of qubits, at least 1.
        entanglement: The pairs of a column, which must touch every qubit; see
            :func:`~qiskit_qml_ext.circuits.entangled_pairs`. With ``"none"`` a column rotates each qubit once.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        The staircase circuit of matrix-product states: Schön et al., arXiv:quant-ph/0501096, and Huggins et al.,
        arXiv:1803.11537.

    Examples:
        >>> from qiskit_qml_ext.circuits import MatrixProductFeatureMap
        >>> MatrixProductFeatureMap(register_size=4).build(12).count_ops()["cx"]
        6
    """

    name: ClassVar[str] = "matrix-product"
    reference: ClassVar[str] = "arXiv:quant-ph/0501096, arXiv:1803.11537"
    data_range: ClassVar[tuple[float, float]] = (-math.pi / 2, math.pi / 2)

    def __init__(self, register_size: int = 3, *, entanglement: Entanglement = "linear", bandwidth: Bandwidth = 1.0):
        self.register_size = register_size
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        num_qubits = whole_number("register_size", self.register_size)
        remaining = scaled_features(num_features, self.bandwidth)
        circuit = QuantumCircuit(num_qubits, name="MatrixProductFeatureMap")
        column = 0
        while remaining:
            rotate = circuit.ry if column % 2 == 0 else circuit.rz
            for block in self._blocks(num_qubits, column):
                if not remaining:
                    break
                for qubit, feature in zip(block, remaining, strict=False):
                    rotate(feature, qubit)
                remaining = remaining[len(block) :]
                if len(block) == 2:
                    circuit.cx(*block)
            column += 1
        return circuit

    def _blocks_at_least(self, num_qubits: int) -> int:
        return 0  # pairs of features go from block to block, however many blocks there are

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits: the setting ``register_size``, whatever the number of features."""
        return whole_number("register_size", self.register_size)

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of CX gates: one for every two features, or none without entanglement."""
        return math.ceil(num_features / 2) if len(self._blocks(self.register_size, 0)[0]) == 2 else 0

    def _blocks(self, num_qubits: int, column: int) -> list[tuple[int, ...]]:
        """Return the pairs of a column, or the single qubits if none are entangled."""
        pairs: list[tuple[int, ...]] = [*entangled_pairs(self.entanglement, num_qubits, layer=column)]
        return pairs or [(qubit,) for qubit in range(num_qubits)]
