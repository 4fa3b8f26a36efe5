"""Covariant encoding: the data are elements of a group that acts on a fiducial state."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, check_axes, scaled_features


class CovariantFeatureMap(FeatureMap):
    r"""Encode group elements, given by angles of single-qubit rotations, in their action on a fiducial state.

    |φ(x)⟩ = D(c·x)|ψ⟩, D(x) = ⊗_q R_{a_k}(x_{qk+k-1}) ⋯ R_{a_1}(x_{qk}): each qubit takes the next k features, one for
    each of the axes a_1 … a_k, of which a_1 acts first. Two axes reach every group of products of rotations about them,
    three axes ("zyz") all of SU(2)^{⊗n}. The fiducial state is by default |ψ⟩ = Π CZ · ⊗ R_y(θ)|0⟩: a graph state for
    θ = π/2, where the kernel is invariant under x → x·s for every s of the graph state's stabiliser group, because
    D(x·s)|ψ⟩ = D(x)|ψ⟩. n features take ⌈n/k⌉ qubits; a last incomplete group of features leaves its rotations out.

    Counts:
        parameters: n
        two-qubit gates: ceil(n / 2) - 1
        depth: ceil(n / 2) + min(n, 2)

    Args:
        rotations: The axes a_1 … a_k, letters of ``"xyz"``.
        fiducial_angle: The angle θ of the fiducial state, in radians; ``None`` makes it trainable (one weight, shared
            by all qubits, as in the paper).
        fiducial: A circuit that prepares the fiducial state instead, on as many qubits as the map has; its parameters
            become trainable weights. ``entanglement`` and ``fiducial_angle`` are then not used.
        entanglement: The CZ gates of the default fiducial state; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature. Other values than 1 do not respect the
            group structure.

    References:
        Glick et al., arXiv:2105.03406.

    Examples:
        >>> from qiskit_qml_ext.circuits import CovariantFeatureMap
        >>> CovariantFeatureMap().num_qubits(6), CovariantFeatureMap(fiducial_angle=None).num_weights(6)
        (3, 1)
    """

    name: ClassVar[str] = "covariant"
    reference: ClassVar[str] = "arXiv:2105.03406"
    data_range: ClassVar[tuple[float, float]] = (-math.pi, math.pi)

    def __init__(
        self,
        rotations: str = "zx",
        *,
        fiducial_angle: float | None = math.pi / 2,
        fiducial: QuantumCircuit | None = None,
        entanglement: Entanglement = "linear",
        bandwidth: Bandwidth = 1.0,
    ):
        self.rotations = rotations
        self.fiducial_angle = fiducial_angle
        self.fiducial = fiducial
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        axes = check_axes("rotations", self.rotations)
        features = scaled_features(num_features, self.bandwidth)
        circuit = self._fiducial_circuit(self.num_qubits(num_features))
        for index, feature in enumerate(features):
            qubit, position = divmod(index, len(axes))
            getattr(circuit, f"r{axes[position]}")(feature, qubit)
        return circuit

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits: one for each complete or incomplete group of features."""
        return math.ceil(num_features / len(check_axes("rotations", self.rotations)))

    def num_weights(self, num_features: int) -> int:
        """Return the number of trainable weights of the fiducial state."""
        if self.fiducial is not None:
            return int(self.fiducial.num_parameters)
        return 1 if self.fiducial_angle is None else 0

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of two-qubit gates of the fiducial state."""
        if self.fiducial is not None:
            return int(self.fiducial.num_nonlocal_gates())
        return count_pairs(self.entanglement, self.num_qubits(num_features))

    def without_entanglement(self) -> "CovariantFeatureMap":
        """Return a copy of this map whose fiducial state is the product state ⊗ R_y(θ)|0⟩."""
        return super().without_entanglement().set_params(fiducial=None)

    def _fiducial_circuit(self, num_qubits: int) -> QuantumCircuit:
        circuit = QuantumCircuit(num_qubits, name="CovariantFeatureMap")
        if self.fiducial is not None:
            if self.fiducial.num_qubits != num_qubits:
                raise ValueError(
                    f"fiducial has {self.fiducial.num_qubits} qubits, but the features take {num_qubits} qubits. "
                    "Give a fiducial circuit for this width."
                )
            weights = ParameterVector("θ", self.fiducial.num_parameters)
            return circuit.compose(self.fiducial.assign_parameters(list(weights)))
        angle = ParameterVector("θ", 1)[0] if self.fiducial_angle is None else float(self.fiducial_angle)
        circuit.ry(angle, range(num_qubits))
        for first, second in entangled_pairs(self.entanglement, num_qubits):
            circuit.cz(first, second)
        return circuit
