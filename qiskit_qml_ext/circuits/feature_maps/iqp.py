"""The instantaneous-quantum-polynomial encoding with plain products of features."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qiskit_qml_ext.circuits.entanglement import Entanglement, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, check_bandwidth, check_count


class IQPFeatureMap(FeatureMap):
    r"""Encode features in commuting Z rotations between layers of Hadamard gates.

    |φ(x)⟩ = [D(c·x) H^{⊗n}]^{reps} |0…0⟩ with D(x) = exp(-(i/2) [Σ_i x_i Z_i + Σ_{(i,j)} x_i x_j Z_i Z_j]): an RZ gate
    for every feature and an RZZ gate for every pair. In contrast to :class:`ZZFeatureMap` the coupling is the plain
    product x_i·x_j.

    For n features: n qubits, ``reps``·2n single-qubit gates, ``reps``·pairs RZZ gates.

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
    data_range: ClassVar[tuple[float, float]] = (-math.pi, math.pi)

    def __init__(self, *, reps: int = 2, entanglement: Entanglement = "full", bandwidth: Bandwidth = 1.0):
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = check_count("num_features", num_features)
        reps = check_count("reps", self.reps)
        factors = check_bandwidth(self.bandwidth, num_features)
        x = ParameterVector("x", num_features)
        angles = [factor * element for factor, element in zip(factors, x, strict=True)]
        circuit = QuantumCircuit(num_features, name="IQPFeatureMap")
        for layer in range(reps):
            circuit.h(range(num_features))
            for qubit in range(num_features):
                circuit.rz(angles[qubit], qubit)
            for first, second in entangled_pairs(self.entanglement, num_features, layer=layer):
                circuit.rzz(angles[first] * angles[second], first, second)
        return circuit
