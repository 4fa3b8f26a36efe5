"""Angle encoding: one feature, one rotation, one qubit."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import one_of, whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features


class AngleFeatureMap(FeatureMap):
    r"""Encode each feature as the angle of a rotation of its own qubit.

    |φ(x)⟩ = Π_r [E · ⊗_i R_a(c·x_i)] |0…0⟩, where a is the axis, c the bandwidth and E a layer of CX gates on the
    entangled pairs. For a = z a layer of Hadamard gates comes before every rotation layer, since R_z alone only changes
    the phase of |0⟩. Without entanglement and with ``reps=1`` the fidelity kernel is k(x, y) = Π_i cos²(c(x_i-y_i)/2).

    n features take n qubits.

    Counts:
        parameters: n
        two-qubit gates: 0
        depth: reps

    Args:
        rotation: The axis, ``"x"``, ``"y"`` or ``"z"``.
        reps: How often the encoding is repeated, at least 1.
        entanglement: The pairs that a CX joins after each rotation layer; see
            :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Schuld and Killoran, arXiv:1803.07128; bandwidth: Shaydulin and Wild, arXiv:2111.05451, and Canatar et al.,
        arXiv:2206.06686.

    Examples:
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> circuit = AngleFeatureMap(bandwidth=0.5).build(3)
        >>> circuit.num_qubits, circuit.num_parameters
        (3, 3)
    """

    name: ClassVar[str] = "angle"
    reference: ClassVar[str] = "arXiv:1803.07128"
    data_range: ClassVar[tuple[float, float]] = (0.0, math.pi)

    def __init__(
        self,
        rotation: str = "y",
        *,
        reps: int = 1,
        entanglement: Entanglement = "none",
        bandwidth: Bandwidth = 1.0,
    ):
        self.rotation = rotation
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        rotation = one_of("rotation", self.rotation, ("x", "y", "z"))
        angles = scaled_features(num_features, self.bandwidth)
        circuit = QuantumCircuit(num_features, name="AngleFeatureMap")
        rotate = {"x": circuit.rx, "y": circuit.ry, "z": circuit.rz}[rotation]
        for layer in range(reps):
            if rotation == "z":
                circuit.h(range(num_features))
            for qubit in range(num_features):
                rotate(angles[qubit], qubit)
            for control, target in entangled_pairs(self.entanglement, num_features, layer=layer):
                circuit.cx(control, target)
        return circuit

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of CX gates: one for each entangled pair of each layer."""
        return count_pairs(self.entanglement, num_features, self.reps)
