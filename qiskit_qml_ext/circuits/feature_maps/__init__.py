"""Feature maps, one family a file. To add one: write its file and list its class in ``FEATURE_MAPS``."""

from collections.abc import Mapping

from qiskit_qml_ext.circuits.feature_maps.amplitude import AmplitudeFeatureMap
from qiskit_qml_ext.circuits.feature_maps.angle import AngleFeatureMap
from qiskit_qml_ext.circuits.feature_maps.chebyshev import ChebyshevFeatureMap, ChebyshevTowerFeatureMap
from qiskit_qml_ext.circuits.feature_maps.covariant import CovariantFeatureMap
from qiskit_qml_ext.circuits.feature_maps.exponential import ExponentialFeatureMap
from qiskit_qml_ext.circuits.feature_maps.fixed_weights import FixedWeightsFeatureMap
from qiskit_qml_ext.circuits.feature_maps.hardware_efficient import HardwareEfficientFeatureMap
from qiskit_qml_ext.circuits.feature_maps.heisenberg import HeisenbergFeatureMap
from qiskit_qml_ext.circuits.feature_maps.high_dim import HighDimFeatureMap
from qiskit_qml_ext.circuits.feature_maps.iqp import IQPFeatureMap
from qiskit_qml_ext.circuits.feature_maps.matrix_product import MatrixProductFeatureMap
from qiskit_qml_ext.circuits.feature_maps.pauli import PauliFeatureMap, ZZFeatureMap
from qiskit_qml_ext.circuits.feature_maps.qaoa_embedding import QAOAEmbedding
from qiskit_qml_ext.circuits.feature_maps.reuploading import ReuploadingFeatureMap, ReuploadingModel
from qiskit_qml_ext.circuits.feature_maps.trainable_ring import TrainableRingFeatureMap
from qiskit_qml_ext.circuits.registry import by_name, default_of
from qiskit_qml_ext.circuits.template import FeatureMap

FEATURE_MAPS: Mapping[str, type[FeatureMap]] = by_name(
    AmplitudeFeatureMap,
    AngleFeatureMap,
    ChebyshevFeatureMap,
    ChebyshevTowerFeatureMap,
    CovariantFeatureMap,
    ExponentialFeatureMap,
    HardwareEfficientFeatureMap,
    HeisenbergFeatureMap,
    HighDimFeatureMap,
    IQPFeatureMap,
    MatrixProductFeatureMap,
    PauliFeatureMap,
    QAOAEmbedding,
    ReuploadingFeatureMap,
    ReuploadingModel,
    TrainableRingFeatureMap,
    ZZFeatureMap,
)
"""The feature maps by the short name that the command line uses."""


def feature_map_by_name(name: str) -> FeatureMap:
    """Return a feature map with its default settings.

    Args:
        name: One of the names in :data:`FEATURE_MAPS`.

    Raises:
        ValueError: If there is no such map; the message names the most similar one and lists all.
    """
    return default_of("feature map", FEATURE_MAPS, name)


__all__ = [
    "FEATURE_MAPS",
    "AmplitudeFeatureMap",
    "AngleFeatureMap",
    "ChebyshevFeatureMap",
    "ChebyshevTowerFeatureMap",
    "CovariantFeatureMap",
    "ExponentialFeatureMap",
    "FixedWeightsFeatureMap",
    "HardwareEfficientFeatureMap",
    "HeisenbergFeatureMap",
    "HighDimFeatureMap",
    "IQPFeatureMap",
    "MatrixProductFeatureMap",
    "PauliFeatureMap",
    "QAOAEmbedding",
    "ReuploadingFeatureMap",
    "ReuploadingModel",
    "TrainableRingFeatureMap",
    "ZZFeatureMap",
    "feature_map_by_name",
]
