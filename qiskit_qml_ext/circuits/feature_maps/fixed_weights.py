"""A trainable feature map with its weights fixed, so that it encodes data alone."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from qiskit import QuantumCircuit
from sklearn.base import clone
from typing_extensions import Self

from qiskit_qml_ext.circuits.disentangle import without_entanglement
from qiskit_qml_ext.circuits.entanglement import Entanglement
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, data_and_weights


class FixedWeightsFeatureMap(FeatureMap):
    """Fix the trainable weights of a feature map, as a kernel needs it.

    The circuit is that of the feature map with numbers in place of the vector θ; data range, domain and bandwidth are
    those of the feature map. Weights fit one width only.

    Args:
        feature_map: The map with trainable weights.
        weights: The weights, in the order of θ; as many as ``feature_map.num_weights(num_features)``.
        entangling: Whether the gates on two qubits stay. Without them the weights of all other gates keep their place.

    Examples:
        >>> from qiskit_qml_ext.circuits import FixedWeightsFeatureMap, TrainableRingFeatureMap
        >>> FixedWeightsFeatureMap(TrainableRingFeatureMap(reps=1), [0.1] * 6).build(3).num_parameters
        3
    """

    name: ClassVar[str] = "fixed-weights"
    reference: ClassVar[str] = "that of the feature map"

    def __init__(self, feature_map: FeatureMap, weights: Sequence[float], *, entangling: bool = True):
        self.feature_map = feature_map
        self.weights = weights
        self.entangling = entangling

    @property
    def data_range(self) -> tuple[float, float]:  # type: ignore[override]
        """The data range of the feature map."""
        return self.feature_map.data_range

    @property
    def domain(self) -> tuple[float, float]:  # type: ignore[override]
        """The domain of the feature map."""
        return self.feature_map.domain

    @property
    def bandwidth(self) -> Bandwidth:  # type: ignore[override]
        """The bandwidth of the feature map; set it there (``feature_map__bandwidth``)."""
        return self.feature_map.bandwidth

    @property
    def entanglement(self) -> Entanglement:  # type: ignore[override]
        """The entanglement of the feature map, or ``"none"``."""
        return self.feature_map.entanglement if self.entangling else "none"

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        circuit = self.feature_map.build(num_features)
        _, theta = data_and_weights(circuit)
        values = np.asarray(self.weights, dtype=float)
        if values.shape != (len(theta),) or not np.all(np.isfinite(values)):
            raise ValueError(
                f"weights must be {len(theta)} finite numbers for {num_features} features, but an array of shape "
                f"{values.shape} came: {self.weights!r}."
            )
        bound = circuit.assign_parameters(dict(zip(theta, values.tolist(), strict=True)))
        return bound if self.entangling else without_entanglement(bound)

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits of the feature map."""
        return self.feature_map.num_qubits(num_features)

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of two-qubit gates of the feature map, or 0."""
        return self.feature_map.two_qubit_gates(num_features) if self.entangling else 0

    def with_bandwidth(self, bandwidth: Bandwidth) -> Self:
        """Return a copy whose feature map has another bandwidth."""
        return clone(self).set_params(feature_map=self.feature_map.with_bandwidth(bandwidth))

    def without_entanglement(self) -> "FixedWeightsFeatureMap":
        """Return a copy of this map without the gates on two qubits."""
        return clone(self).set_params(entangling=False)
