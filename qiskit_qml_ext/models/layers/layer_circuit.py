"""What a layer runs, as a circuit with data and weights."""

from typing import TypeAlias

from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import ParameterNames
from qiskit_qml_ext.circuits import Ansatz, FeatureMap
from qiskit_qml_ext.models.trained_circuit import TrainedCircuit, split_circuit, trained_circuit

LayerCircuit: TypeAlias = QuantumCircuit | FeatureMap | tuple[FeatureMap | QuantumCircuit, Ansatz | QuantumCircuit]
"""What a layer runs: a circuit, a feature map with weights of its own, or a feature map and an ansatz."""


def circuit_of_layer(
    circuit: LayerCircuit,
    num_features: int | None,
    input_parameters: ParameterNames | None,
    weight_parameters: ParameterNames | None,
) -> TrainedCircuit:
    """Return a layer's circuit with its data and weights, by the rule of ``models.trained_circuit``.

    Args:
        circuit: What the layer was given.
        num_features: The number of features; for a template.
        input_parameters: The parameters that are data; only for a circuit.
        weight_parameters: The parameters that are trained; only for a circuit.

    Raises:
        TypeError: ``circuit`` is of another kind.
        ValueError: The parameters are not split, or an argument means nothing for this kind of circuit.
    """
    if isinstance(circuit, QuantumCircuit):
        _refuse("a template", num_features=num_features)
        return split_circuit(circuit, input_parameters, weight_parameters)
    _refuse("a circuit", input_parameters=input_parameters, weight_parameters=weight_parameters)
    if isinstance(circuit, FeatureMap):
        return trained_circuit(circuit, None, num_features)
    if isinstance(circuit, tuple) and len(circuit) == 2:
        return trained_circuit(circuit[0], circuit[1], num_features)
    raise TypeError(
        "circuit must be a QuantumCircuit, a feature map, or a pair (feature_map, ansatz), but "
        f"{circuit!r} ({type(circuit).__name__}) came."
    )


def _refuse(kind: str, **arguments: object) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"{name} goes with {kind} only; here it means nothing. Leave it out.")
