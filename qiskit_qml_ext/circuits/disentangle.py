"""The control experiment's circuit: the same feature map with every entangling gate taken out."""

from qiskit import QuantumCircuit

from qiskit_qml_ext.circuits.template import FeatureMap


def without_entanglement(feature_map: FeatureMap | QuantumCircuit) -> FeatureMap | QuantumCircuit:
    """Return the feature map without its entangling gates; the argument is not changed.

    A template is asked for its own version without entanglement. From a plain circuit all instructions on two or more
    qubits are removed (barriers stay), which keeps its parameters' names but may leave some of them unused.

    Args:
        feature_map: A template or a circuit.

    Returns:
        A new object of the same kind.
    """
    if isinstance(feature_map, FeatureMap):
        return feature_map.without_entanglement()
    flat = feature_map.decompose(reps=10) if _has_composite_gates(feature_map) else feature_map
    product = flat.copy_empty_like()
    for instruction in flat.data:
        if len(instruction.qubits) == 1 or instruction.operation.name == "barrier":
            product.append(instruction)
    return product


def _has_composite_gates(circuit: QuantumCircuit) -> bool:
    """Tell whether a gate on several qubits may hide single-qubit encodings (a feature map wrapped as one gate)."""
    return any(
        len(instruction.qubits) > 2 and instruction.operation.definition is not None for instruction in circuit.data
    )
