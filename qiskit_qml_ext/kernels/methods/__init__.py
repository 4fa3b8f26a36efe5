"""Ways to find fidelities, a file each; a new one is a line in :data:`METHODS`."""

from qiskit_qml_ext.kernels.methods.choosing import (
    METHODS,
    OTHER_NAMES,
    ChosenMethod,
    choose_circuit_method,
    choose_method,
    method_named,
)
from qiskit_qml_ext.kernels.methods.matrix_product_states import MatrixProductStates
from qiskit_qml_ext.kernels.methods.method import (
    CircuitMethod,
    Fidelities,
    FidelityMethod,
    OutcomeMethod,
    PredictsErrors,
    ReadsMixedState,
)
from qiskit_qml_ext.kernels.methods.randomised_measurements import RandomisedMeasurements

__all__ = [
    "METHODS",
    "OTHER_NAMES",
    "ChosenMethod",
    "CircuitMethod",
    "Fidelities",
    "FidelityMethod",
    "MatrixProductStates",
    "OutcomeMethod",
    "PredictsErrors",
    "RandomisedMeasurements",
    "ReadsMixedState",
    "choose_circuit_method",
    "choose_method",
    "method_named",
]
