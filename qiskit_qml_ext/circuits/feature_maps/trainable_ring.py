"""The trainable embedding kernel's ring of controlled rotations."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features


class TrainableRingFeatureMap(FeatureMap):
    r"""Encode features in Z rotations between trainable Y rotations and a ring of trainable controlled Z rotations.

    One layer is H on every qubit, R_z(c·x_i), R_y(θ_i) and CR_z(θ_ij) on the entangled pairs. Features are taken in
    their order, one for each qubit, and start over when they are used up; the next layer goes on where the last one
    stopped. So there may be more qubits than features (a feature is then loaded several times) or, with enough layers,
    fewer.

    Counts:
        parameters: n + reps * (n + ring(n))
        two-qubit gates: reps * ring(n)
        depth: reps * (ring(n) + 3)

    Args:
        reps: The number of layers, at least 1.
        register_size: The number of qubits; ``None`` takes one for each feature.
        entanglement: The (control, target) pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Hubregtsen et al., arXiv:2105.02276.

    Examples:
        >>> from qiskit_qml_ext.circuits import TrainableRingFeatureMap
        >>> TrainableRingFeatureMap(reps=2).build(4).count_ops()["crz"]
        8
    """

    name: ClassVar[str] = "trainable-ring"
    reference: ClassVar[str] = "arXiv:2105.02276"
    data_range: ClassVar[tuple[float, float]] = (-math.pi, math.pi)

    def __init__(
        self,
        *,
        reps: int = 2,
        register_size: int | None = None,
        entanglement: Entanglement = "circular",
        bandwidth: Bandwidth = 1.0,
    ):
        self.reps = reps
        self.register_size = register_size
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        num_qubits = self.num_qubits(num_features)
        if reps * num_qubits < num_features:
            raise ValueError(
                f"{reps} layers of {num_qubits} qubits load {reps * num_qubits} features, not {num_features}. "
                f"Take reps of at least {math.ceil(num_features / num_qubits)} or more qubits."
            )
        features = scaled_features(num_features, self.bandwidth)
        weights = iter(ParameterVector("θ", self.num_weights(num_features)))
        circuit = QuantumCircuit(num_qubits, name="TrainableRingFeatureMap")
        for layer in range(reps):
            circuit.h(range(num_qubits))
            for qubit in range(num_qubits):
                circuit.rz(features[(layer * num_qubits + qubit) % num_features], qubit)
            for qubit in range(num_qubits):
                circuit.ry(next(weights), qubit)
            for control, target in entangled_pairs(self.entanglement, num_qubits, layer=layer):
                circuit.crz(next(weights), control, target)
        return circuit

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits: the setting ``register_size``, or the number of features if it is ``None``."""
        return num_features if self.register_size is None else whole_number("register_size", self.register_size)

    def num_weights(self, num_features: int) -> int:
        """Return the number of trainable angles: one for each qubit and each entangled pair of each layer."""
        return self.reps * self.num_qubits(num_features) + self.two_qubit_gates(num_features)

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of controlled rotations: one for each entangled pair of each layer."""
        return count_pairs(self.entanglement, self.num_qubits(num_features), self.reps)
