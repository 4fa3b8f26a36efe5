"""Feature maps, ansätze and their initial angles: templates that build plain ``QuantumCircuit`` objects."""

from qiskit_qml_ext.circuits.disentangle import without_entanglement
from qiskit_qml_ext.circuits.entanglement import entangled_pairs
from qiskit_qml_ext.circuits.feature_maps import (
    FEATURE_MAPS,
    AngleFeatureMap,
    IQPFeatureMap,
    ZZFeatureMap,
    feature_map_by_name,
)
from qiskit_qml_ext.circuits.template import Ansatz, FeatureMap, Template

__all__ = [
    "FEATURE_MAPS",
    "AngleFeatureMap",
    "Ansatz",
    "FeatureMap",
    "IQPFeatureMap",
    "Template",
    "ZZFeatureMap",
    "entangled_pairs",
    "feature_map_by_name",
    "without_entanglement",
]
