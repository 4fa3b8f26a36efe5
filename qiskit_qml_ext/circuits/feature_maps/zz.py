"""The second-order Pauli-Z encoding of Havlíček et al."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit.library import z_feature_map, zz_feature_map

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features


class ZZFeatureMap(FeatureMap):
    r"""Encode features and products of pairs of features in the phases of a superposition.

    |φ(x)⟩ = [U(c·x) H^{⊗n}]^{reps} |0…0⟩ with U(x) = exp(i Σ_i x_i Z_i + i Σ_{(i,j)} (π-x_i)(π-x_j) Z_i Z_j) up to the
    sign convention and global phase of Qiskit's ``zz_feature_map``, which builds the circuit. Without entanglement only
    the single-qubit terms stay (``z_feature_map``).

    n features take n qubits; there are two CX gates for each pair, so ``reps``·n·(n-1) in the full layout.

    Counts:
        parameters: n
        two-qubit gates: reps * n * (n - 1)
        depth: 6 * n - 7 + (reps - 1) * (3 * n + 2) if n > 2 else reps * (3 * n - 1)

    Args:
        reps: How often the encoding is repeated, at least 1.
        entanglement: The pairs (i, j); see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Havlíček et al., arXiv:1804.11326, Eq. (32) of the supplement.

    Examples:
        >>> from qiskit_qml_ext.circuits import ZZFeatureMap
        >>> ZZFeatureMap(reps=2, bandwidth=0.3).build(4).count_ops()["cx"]
        24
    """

    name: ClassVar[str] = "zz"
    reference: ClassVar[str] = "arXiv:1804.11326"
    data_range: ClassVar[tuple[float, float]] = (0.0, 2 * math.pi)

    def __init__(self, *, reps: int = 2, entanglement: Entanglement = "full", bandwidth: Bandwidth = 1.0):
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        angles = scaled_features(num_features, self.bandwidth)
        layers = [entangled_pairs(self.entanglement, num_features, layer=layer) for layer in range(reps)]
        if any(layers):
            singles = [(qubit,) for qubit in range(num_features)]
            template = zz_feature_map(
                num_features,
                reps,
                entanglement=lambda layer: {1: singles, 2: layers[layer]},
                parameter_prefix="feature",
            )
        else:
            template = z_feature_map(num_features, reps, parameter_prefix="feature")
        circuit = template.assign_parameters(angles)
        circuit.name = "ZZFeatureMap"
        return circuit

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of CX gates: two for each entangled pair of each layer."""
        return 2 * count_pairs(self.entanglement, num_features, self.reps)
