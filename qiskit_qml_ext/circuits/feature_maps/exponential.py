"""Exponential encodings: frequencies that grow like powers of two or three."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import one_of, whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features


class ExponentialFeatureMap(FeatureMap):
    r"""Encode each feature on several qubits with angles that grow like powers of a base.

    |φ(x)⟩ = Π_r [E · ⊗_i ⊗_{j=0}^{q-1} R_a(b^j c·x_i)] |0…0⟩ with the base b, the axis a and E a layer of CX gates on
    the entangled pairs; for a = z Hadamard gates come before every rotation layer. With one repetition the frequencies
    that a model can show in x_i are the sums of ±b^j and 0: for b = 3 all whole numbers up to (3^q-1)/2, each by one
    combination (the densest spectrum of q qubits), for b = 2 all up to 2^q-1. n features take n·q qubits.

    Counts:
        parameters: n
        two-qubit gates: 0
        depth: reps

    Args:
        base: The base b, at least 1; 1 is the ordinary parallel encoding, 2 the binary, 3 the ternary one.
        qubits_per_feature: The number q of qubits for each feature, at least 1.
        rotation: The axis, ``"x"``, ``"y"`` or ``"z"``.
        reps: How often the encoding is repeated, at least 1.
        entanglement: The pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Shin, Teo and Jeong, arXiv:2206.12105 (exponential encoding, base 3); Peters and Schuld, arXiv:2209.05523
        (binary and ternary); the spectrum: Schuld, Sweke and Meyer, arXiv:2008.08605.

    Examples:
        >>> from qiskit_qml_ext.circuits import ExponentialFeatureMap
        >>> ExponentialFeatureMap(base=3, qubits_per_feature=3).num_qubits(2)
        6
    """

    name: ClassVar[str] = "exponential"
    reference: ClassVar[str] = "arXiv:2206.12105, arXiv:2209.05523"
    data_range: ClassVar[tuple[float, float]] = (-math.pi, math.pi)

    def __init__(
        self,
        base: int = 3,
        *,
        qubits_per_feature: int = 2,
        rotation: str = "y",
        reps: int = 1,
        entanglement: Entanglement = "none",
        bandwidth: Bandwidth = 1.0,
    ):
        self.base = base
        self.qubits_per_feature = qubits_per_feature
        self.rotation = rotation
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        base = whole_number("base", self.base)
        reps = whole_number("reps", self.reps)
        rotation = one_of("rotation", self.rotation, ("x", "y", "z"))
        features = scaled_features(num_features, self.bandwidth)
        num_qubits = self.num_qubits(num_features)
        circuit = QuantumCircuit(num_qubits, name="ExponentialFeatureMap")
        for layer in range(reps):
            if rotation == "z":
                circuit.h(range(num_qubits))
            for qubit in range(num_qubits):
                feature, power = divmod(qubit, self.qubits_per_feature)
                getattr(circuit, f"r{rotation}")(base**power * features[feature], qubit)
            for control, target in entangled_pairs(self.entanglement, num_qubits, layer=layer):
                circuit.cx(control, target)
        return circuit

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits: ``qubits_per_feature`` for each feature."""
        return num_features * whole_number("qubits_per_feature", self.qubits_per_feature)

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of CX gates: one for each entangled pair of each layer."""
        return count_pairs(self.entanglement, self.num_qubits(num_features), self.reps)
