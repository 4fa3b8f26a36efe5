"""Ways to find fidelities, a file each; a new one is a line in :data:`METHODS`."""

from qiskit_qml_ext.kernels.methods.choosing import (
    METHODS,
    ChosenMethod,
    choose_circuit_method,
    choose_method,
    method_named,
)
from qiskit_qml_ext.kernels.methods.method import CircuitMethod, Fidelities, FidelityMethod, PredictsErrors
from qiskit_qml_ext.kernels.methods.randomised_measurements import RandomisedMeasurements

__all__ = [
    "METHODS",
    "ChosenMethod",
    "CircuitMethod",
    "Fidelities",
    "FidelityMethod",
    "PredictsErrors",
    "RandomisedMeasurements",
    "choose_circuit_method",
    "choose_method",
    "method_named",
]
