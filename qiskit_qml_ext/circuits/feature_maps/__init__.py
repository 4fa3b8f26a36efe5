"""Feature maps, one file each. To add one: write its file and list its class in ``FEATURE_MAPS``."""

from types import MappingProxyType

from qiskit_qml_ext.circuits.feature_maps.angle import AngleFeatureMap
from qiskit_qml_ext.circuits.feature_maps.iqp import IQPFeatureMap
from qiskit_qml_ext.circuits.feature_maps.zz import ZZFeatureMap
from qiskit_qml_ext.circuits.template import FeatureMap

FEATURE_MAPS = MappingProxyType({map_.name: map_ for map_ in (AngleFeatureMap, IQPFeatureMap, ZZFeatureMap)})
"""The feature maps by the short name that the command line uses."""


def feature_map_by_name(name: str) -> FeatureMap:
    """Return a feature map with its default settings.

    Args:
        name: One of the names in :data:`FEATURE_MAPS`.

    Raises:
        ValueError: If there is no such map; the message lists those there are.
    """
    if name not in FEATURE_MAPS:
        raise ValueError(f"There is no feature map {name!r}. Choose one of: {', '.join(sorted(FEATURE_MAPS))}.")
    return FEATURE_MAPS[name]()


__all__ = ["FEATURE_MAPS", "AngleFeatureMap", "IQPFeatureMap", "ZZFeatureMap", "feature_map_by_name"]
