"""Data re-uploading: the classifier of Pérez-Salinas et al., and any feature map interleaved with any ansatz."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from sklearn.base import clone

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.ansatze.hardware_efficient import HardwareEfficientAnsatz
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.feature_maps.angle import AngleFeatureMap
from qiskit_qml_ext.circuits.template import Ansatz, Bandwidth, FeatureMap, data_and_weights, scaled_features
from qiskit_qml_ext.exceptions import UnsupportedCircuitError


class ReuploadingFeatureMap(FeatureMap):
    r"""Load the whole sample into every qubit, again and again, through trainable weights.

    One layer applies to every qubit, for each group (x_1, x_2, x_3) of three features, the gate
    R_z(θ_3 + w_3 c x_3) R_y(θ_2 + w_2 c x_2) R_z(θ_1 + w_1 c x_1), each with its own biases θ and weights w; missing
    features of the last group leave their bias alone. CZ gates join the entangled pairs between layers, not after the
    last one. The number of qubits does not depend on the number of features. The trainable vector θ holds biases and
    weights in the order in which they act: (θ_1, w_1), (θ_2, w_2), …

    Counts:
        parameters: n + reps * register_size * (3 * ceil(n / 3) + n)
        two-qubit gates: (reps - 1) * (register_size - 1)
        depth: 3 * reps * ceil(n / 3) + (reps - 1) * min(register_size - 1, 1)

    Args:
        reps: How often the sample is loaded, at least 1.
        register_size: The number of qubits, at least 1.
        entanglement: The pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Pérez-Salinas et al., arXiv:1907.02085.

    Examples:
        >>> from qiskit_qml_ext.circuits import ReuploadingFeatureMap
        >>> feature_map = ReuploadingFeatureMap(reps=2, register_size=1)
        >>> feature_map.num_qubits(3), feature_map.num_weights(3)
        (1, 12)
    """

    name: ClassVar[str] = "reuploading"
    reference: ClassVar[str] = "arXiv:1907.02085"
    data_range: ClassVar[tuple[float, float]] = (-math.pi, math.pi)

    def __init__(
        self,
        *,
        reps: int = 3,
        register_size: int = 2,
        entanglement: Entanglement = "linear",
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
        num_qubits = whole_number("register_size", self.register_size)
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
        """Return the number of qubits: the setting ``register_size``, whatever the number of features."""
        return whole_number("register_size", self.register_size)

    def num_weights(self, num_features: int) -> int:
        """Return the number of trainable biases and weights."""
        return self.reps * self.register_size * (3 * math.ceil(num_features / 3) + num_features)

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of CZ gates: one for each entangled pair of each layer but the last."""
        return count_pairs(self.entanglement, self.register_size, self.reps - 1)


class ReuploadingModel(FeatureMap):
    r"""Interleave an encoding of the data and a trainable ansatz.

    |φ(x)⟩ = A(θ_{L}) [S(x) A(θ_{L-1})] ⋯ [S(x) A(θ_0)] |0…0⟩ with L = ``reps``: the data are loaded L times between L+1
    trainable layers, so that an expectation value is a Fourier series in x of degree up to L times that of one
    encoding. Without ``first_layer`` the layer A(θ_0) is left out. All trainable parameters, those of the feature map's
    copies included, form one vector θ in the order in which they act. The counts are for the default feature map (R_y
    angles, n qubits) and ansatz (R_z, R_y and a linear layer of CX gates).

    The data range and the bandwidth are those of the feature map.

    Counts:
        parameters: n + 2 * n * (reps + 1)
        two-qubit gates: (reps + 1) * (n - 1)
        depth: 3 * reps + n + 1 + reps * min(n - 1, 2)

    Args:
        feature_map: The encoding S; ``None`` takes ``AngleFeatureMap()``.
        ansatz: The trainable layer A; ``None`` takes ``HardwareEfficientAnsatz("zy", reps=1, final_rotations=False)``.
        reps: The number L of encodings, at least 1.
        first_layer: Whether a trainable layer comes before the first encoding.

    References:
        Schuld, Sweke and Meyer, arXiv:2008.08605; Pérez-Salinas et al., arXiv:1907.02085.

    Examples:
        >>> from qiskit_qml_ext.circuits import IQPFeatureMap, RealAmplitudesAnsatz, ReuploadingModel
        >>> model = ReuploadingModel(IQPFeatureMap(reps=1), RealAmplitudesAnsatz(reps=1), reps=2)
        >>> model.build(3).num_qubits, model.num_weights(3)
        (3, 18)
    """

    name: ClassVar[str] = "reuploading-model"
    reference: ClassVar[str] = "arXiv:2008.08605"

    def __init__(
        self,
        feature_map: FeatureMap | None = None,
        ansatz: Ansatz | None = None,
        *,
        reps: int = 2,
        first_layer: bool = True,
    ):
        self.feature_map = feature_map
        self.ansatz = ansatz
        self.reps = reps
        self.first_layer = first_layer

    @property
    def data_range(self) -> tuple[float, float]:  # type: ignore[override]
        """The data range of the feature map."""
        return self._encoding().data_range

    @property
    def domain(self) -> tuple[float, float]:  # type: ignore[override]
        """The domain of the feature map."""
        return self._encoding().domain

    @property
    def bandwidth(self) -> Bandwidth:  # type: ignore[override]
        """The bandwidth of the feature map; set it there (``feature_map__bandwidth``)."""
        return self._encoding().bandwidth

    @property
    def entanglement(self) -> Entanglement:  # type: ignore[override]
        """The entanglement of the feature map; set it there, and the ansatz's in the ansatz."""
        return self._encoding().entanglement

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        encoding = self._encoding().build(num_features)
        trainable = self._trainable().build(encoding.num_qubits)
        data, encoding_weights = data_and_weights(encoding)
        x = ParameterVector("x", num_features)
        weights = iter(ParameterVector("θ", self.num_weights(num_features)))
        circuit = QuantumCircuit(encoding.num_qubits, name="ReuploadingModel")
        for layer in range(reps + 1):
            if layer > 0:
                values = dict(zip(data, x, strict=True)) | {weight: next(weights) for weight in encoding_weights}
                circuit.compose(encoding.assign_parameters(values), inplace=True)
            if layer > 0 or self.first_layer:
                angles = [next(weights) for _ in range(trainable.num_parameters)]
                circuit.compose(trainable.assign_parameters(angles), inplace=True)
        return circuit

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits of the feature map."""
        return self._encoding().num_qubits(num_features)

    def num_weights(self, num_features: int) -> int:
        """Return the number of trainable parameters of all layers."""
        encoding, num_qubits = self._encoding(), self.num_qubits(num_features)
        return self.reps * encoding.num_weights(num_features) + self._num_layers() * self._trainable().num_parameters(
            num_qubits
        )

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of two-qubit gates of all encodings and trainable layers."""
        encoding, num_qubits = self._encoding(), self.num_qubits(num_features)
        return self.reps * encoding.two_qubit_gates(
            num_features
        ) + self._num_layers() * self._trainable().two_qubit_gates(num_qubits)

    def with_bandwidth(self, bandwidth: Bandwidth) -> "ReuploadingModel":
        """Return a copy whose feature map has another bandwidth."""
        return clone(self).set_params(feature_map=self._encoding().with_bandwidth(bandwidth))

    def without_entanglement(self) -> "ReuploadingModel":
        """Return a copy of which neither the feature map nor the ansatz entangles.

        Raises:
            UnsupportedCircuitError: If the ansatz has no setting ``entanglement``.
        """
        ansatz = clone(self._trainable())
        if "entanglement" not in ansatz.get_params(deep=False):
            raise UnsupportedCircuitError(
                f"{type(ansatz).__name__} has no version without entanglement. Take an ansatz with the setting "
                "entanglement, such as HardwareEfficientAnsatz."
            )
        encoding = self._encoding().without_entanglement()
        ansatz.set_params(entanglement="none")
        return ReuploadingModel(encoding, ansatz, reps=self.reps, first_layer=self.first_layer)

    def _encoding(self) -> FeatureMap:
        return AngleFeatureMap() if self.feature_map is None else self.feature_map

    def _trainable(self) -> Ansatz:
        if self.ansatz is None:
            return HardwareEfficientAnsatz("zy", reps=1, final_rotations=False)
        return self.ansatz

    def _num_layers(self) -> int:
        return self.reps + 1 if self.first_layer else self.reps
