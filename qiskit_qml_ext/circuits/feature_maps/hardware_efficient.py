"""A hardware-efficient encoding: rotations by the data, then entangling gates, repeated."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import one_of, whole_number
from qiskit_qml_ext.circuits.entanglement import ENTANGLERS, Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, check_axes, scaled_features


class HardwareEfficientFeatureMap(FeatureMap):
    r"""Encode each feature in several rotations of its qubit, with native entangling gates between the layers.

    |φ(x)⟩ = Π_r [E · ⊗_i R_{a_k}(c·x_i) ⋯ R_{a_1}(c·x_i)] |0…0⟩ with the axes a_1 … a_k and E a layer of entangling
    gates on the entangled pairs. n features take n qubits. Deep maps of this family concentrate: see Thanasilp et al.

    Counts:
        parameters: n
        two-qubit gates: reps * (n - 1)
        depth: 2 * reps + (n - 1) + (reps - 1) * min(n - 1, 2)

    Args:
        rotations: The axes in their order, letters of ``"xyz"``; the first must not be z, which acts trivially on |0⟩.
        reps: How often the encoding is repeated, at least 1.
        entanglement: The pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        entangler: The entangling gate, ``"cx"``, ``"cz"`` or ``"ecr"``.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Kandala et al., arXiv:1704.05018 (the gate pattern); Thanasilp et al., arXiv:2208.11060 (as an encoding).

    Examples:
        >>> from qiskit_qml_ext.circuits import HardwareEfficientFeatureMap
        >>> HardwareEfficientFeatureMap("xz", reps=3, entangler="ecr").build(4).count_ops()["ecr"]
        9
    """

    name: ClassVar[str] = "hardware-efficient"
    reference: ClassVar[str] = "arXiv:1704.05018, arXiv:2208.11060"
    data_range: ClassVar[tuple[float, float]] = (-math.pi / 2, math.pi / 2)

    def __init__(
        self,
        rotations: str = "yz",
        *,
        reps: int = 2,
        entanglement: Entanglement = "linear",
        entangler: str = "cx",
        bandwidth: Bandwidth = 1.0,
    ):
        self.rotations = rotations
        self.reps = reps
        self.entanglement = entanglement
        self.entangler = entangler
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        axes = check_axes("rotations", self.rotations)
        if axes[0] == "z":
            raise ValueError(f"rotations must not begin with z, which acts trivially on |0⟩, but {axes!r} came.")
        entangler = one_of("entangler", self.entangler, ENTANGLERS)
        angles = scaled_features(num_features, self.bandwidth)
        circuit = QuantumCircuit(num_features, name="HardwareEfficientFeatureMap")
        for layer in range(reps):
            for axis in axes:
                for qubit in range(num_features):
                    getattr(circuit, f"r{axis}")(angles[qubit], qubit)
            for control, target in entangled_pairs(self.entanglement, num_features, layer=layer):
                getattr(circuit, entangler)(control, target)
        return circuit

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of entangling gates: one for each entangled pair of each layer."""
        return count_pairs(self.entanglement, num_features, self.reps)
