"""The instantaneous-quantum-polynomial encoding with plain products of features."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features


class IQPFeatureMap(FeatureMap):
    r"""Encode features in commuting Z rotations between layers of Hadamard gates.

    |φ(x)⟩ = [D(c·x) H^{⊗n}]^{reps} |0…0⟩ with D(x) = exp(-(i/2) [Σ_i x_i Z_i + Σ_{(i,j)} x_i x_j Z_i Z_j]): an RZ gate
    for every feature and an RZZ gate for every pair. In contrast to :class:`ZZFeatureMap` the coupling is the plain
    product x_i·x_j.

    n features take n qubits; there is one RZZ gate for each pair, so ``reps``·n·(n-1)/2 in the full layout.

    Counts:
        parameters: n
        two-qubit gates: reps * n * (n - 1) // 2
        depth: 2 * n - 1 + (reps - 1) * (n + 2) if n > 2 else reps * (n + 1)

    Args:
        reps: How often the encoding is repeated, at least 1.
        entanglement: The pairs (i, j); see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Havlíček et al., arXiv:1804.11326 (the circuit family); the plain product: Lloyd et al., arXiv:2001.03622, and
        Huang et al., arXiv:2011.01938.

    Examples:
        >>> from qiskit_qml_ext.circuits import IQPFeatureMap
        >>> IQPFeatureMap(reps=1, entanglement="linear").build(4).count_ops()["rzz"]
        3
    """

    name: ClassVar[str] = "iqp"
    reference: ClassVar[str] = "arXiv:1804.11326, arXiv:2001.03622"
    data_range: ClassVar[tuple[float, float]] = (-math.pi, math.pi)

    def __init__(self, *, reps: int = 2, entanglement: Entanglement = "full", bandwidth: Bandwidth = 1.0):
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        angles = scaled_features(num_features, self.bandwidth)
        circuit = QuantumCircuit(num_features, name="IQPFeatureMap")
        for layer in range(reps):
            circuit.h(range(num_features))
            for qubit in range(num_features):
                circuit.rz(angles[qubit], qubit)
            for first, second in entangled_pairs(self.entanglement, num_features, layer=layer):
                circuit.rzz(angles[first] * angles[second], first, second)
        return circuit

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of RZZ gates: one for each entangled pair of each layer."""
        return count_pairs(self.entanglement, num_features, self.reps)
