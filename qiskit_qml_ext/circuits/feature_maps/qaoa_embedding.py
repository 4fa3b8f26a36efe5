"""The QAOA-inspired trainable embedding."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qiskit_qml_ext.checks import one_of, whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features


class QAOAEmbedding(FeatureMap):
    r"""Encode features in X rotations that alternate with trainable Ising couplings and local fields.

    |φ(x)⟩ = F(c·x) Π_r [L(θ) J(θ) F(c·x)] |0…0⟩ with F(x) = ⊗_i R_x(x_i), where qubits beyond the features get a
    Hadamard gate instead, J(θ) = Π_{(i,j)} R_zz(θ_ij) on the entangled pairs and L(θ) = ⊗_i R_a(θ_i) the local fields
    about the axis a.

    Counts:
        parameters: n + reps * (n + ring(n))
        two-qubit gates: reps * ring(n)
        depth: reps * (ring(n) + 2) + 1

    Args:
        reps: The number of trainable layers, at least 1.
        register_size: The number of qubits, at least the number of features; ``None`` takes one for each feature.
        local_field: The axis a, ``"x"``, ``"y"`` or ``"z"``.
        entanglement: The coupled pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Lloyd et al., arXiv:2001.03622.

    Examples:
        >>> from qiskit_qml_ext.circuits import QAOAEmbedding
        >>> QAOAEmbedding(reps=2).num_weights(4)
        16
    """

    name: ClassVar[str] = "qaoa-embedding"
    reference: ClassVar[str] = "arXiv:2001.03622"
    data_range: ClassVar[tuple[float, float]] = (-math.pi / 2, math.pi / 2)

    def __init__(
        self,
        *,
        reps: int = 2,
        register_size: int | None = None,
        local_field: str = "y",
        entanglement: Entanglement = "circular",
        bandwidth: Bandwidth = 1.0,
    ):
        self.reps = reps
        self.register_size = register_size
        self.local_field = local_field
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        axis = one_of("local_field", self.local_field, ("x", "y", "z"))
        num_qubits = self.num_qubits(num_features)
        if num_qubits < num_features:
            raise ValueError(
                f"register_size must be at least the number of features, {num_features}, but {num_qubits} came."
            )
        features = scaled_features(num_features, self.bandwidth)
        weights = iter(ParameterVector("θ", self.num_weights(num_features)))
        circuit = QuantumCircuit(num_qubits, name="QAOAEmbedding")
        for layer in range(reps + 1):
            for qubit, feature in enumerate(features):
                circuit.rx(feature, qubit)
            for qubit in range(num_features, num_qubits):
                circuit.h(qubit)
            if layer == reps:
                break
            for first, second in entangled_pairs(self.entanglement, num_qubits, layer=layer):
                circuit.rzz(next(weights), first, second)
            for qubit in range(num_qubits):
                getattr(circuit, f"r{axis}")(next(weights), qubit)
        return circuit

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits: the setting ``register_size``, or the number of features if it is ``None``."""
        return num_features if self.register_size is None else whole_number("register_size", self.register_size)

    def num_weights(self, num_features: int) -> int:
        """Return the number of trainable angles: one for each qubit and each entangled pair of each layer."""
        return self.reps * self.num_qubits(num_features) + self.two_qubit_gates(num_features)

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of RZZ gates: one for each entangled pair of each layer."""
        return count_pairs(self.entanglement, self.num_qubits(num_features), self.reps)
