"""Data re-uploading with trainable weights: the universal quantum classifier of Pérez-Salinas et al."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features


class ReuploadingFeatureMap(FeatureMap):
    r"""Load the whole sample into every qubit, again and again, through trainable weights.

    One layer applies to every qubit, for each group (x_1, x_2, x_3) of three features, the gate
    R_z(θ_3 + w_3 c x_3) R_y(θ_2 + w_2 c x_2) R_z(θ_1 + w_1 c x_1), each with its own biases θ and weights w; missing
    features of the last group leave their bias alone. CZ gates join the entangled pairs between layers, not after the
    last one. The number of qubits does not depend on the number of features. The trainable vector θ holds biases and
    weights in the order in which they act: (θ_1, w_1), (θ_2, w_2), …

    Counts:
        parameters: n + reps * qubits * (3 * ceil(n / 3) + n)
        two-qubit gates: (reps - 1) * (qubits - 1)
        depth: 3 * reps * ceil(n / 3) + (reps - 1) * min(qubits - 1, 1)

    Args:
        reps: How often the sample is loaded, at least 1.
        qubits: The number of qubits, at least 1.
        entanglement: The pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Pérez-Salinas et al., arXiv:1907.02085.

    Examples:
        >>> from qiskit_qml_ext.circuits import ReuploadingFeatureMap
        >>> feature_map = ReuploadingFeatureMap(reps=2, qubits=1)
        >>> feature_map.num_qubits(3), feature_map.num_weights(3)
        (1, 12)
    """

    name: ClassVar[str] = "reuploading"
    reference: ClassVar[str] = "arXiv:1907.02085"
    data_range: ClassVar[tuple[float, float]] = (-math.pi, math.pi)

    def __init__(
        self, *, reps: int = 3, qubits: int = 2, entanglement: Entanglement = "linear", bandwidth: Bandwidth = 1.0
    ):
        self.reps = reps
        self.qubits = qubits
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        num_qubits = whole_number("qubits", self.qubits)
        features = scaled_features(num_features, self.bandwidth)
        weights = iter(ParameterVector("θ", self.num_weights(num_features)))
        circuit = QuantumCircuit(num_qubits, name="ReuploadingFeatureMap")
        for layer in range(reps):
            for qubit in range(num_qubits):
                for index in range(3 * math.ceil(num_features / 3)):
                    angle = next(weights)
                    if index < num_features:
                        angle = angle + next(weights) * features[index]
                    if index % 3 == 1:
                        circuit.ry(angle, qubit)
                    else:
                        circuit.rz(angle, qubit)
            if layer < reps - 1:
                for first, second in entangled_pairs(self.entanglement, num_qubits, layer=layer):
                    circuit.cz(first, second)
        return circuit

    def _blocks_at_least(self, num_qubits: int) -> int:
        return 0  # a single layer has no entangling gates

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits: the setting ``qubits``, whatever the number of features."""
        return whole_number("qubits", self.qubits)

    def num_weights(self, num_features: int) -> int:
        """Return the number of trainable biases and weights."""
        return self.reps * self.qubits * (3 * math.ceil(num_features / 3) + num_features)

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of CZ gates: one for each entangled pair of each layer but the last."""
        return count_pairs(self.entanglement, self.qubits, self.reps - 1)
