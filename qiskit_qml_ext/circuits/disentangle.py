"""The control experiment's circuit: the same feature map with every entangling gate taken out."""

from collections.abc import Sequence

from qiskit import QuantumCircuit
from qiskit.circuit import Barrier, Clbit, Qubit
from qiskit.circuit.library import HamiltonianGate, PauliEvolutionGate, RXGate, RYGate, RZGate

from qiskit_qml_ext.circuits.template import FeatureMap
from qiskit_qml_ext.program.evolution import pauli_terms
from qiskit_qml_ext.program.meaning import is_library_gate
from qiskit_qml_ext.program.unitary_part import definition_of


def without_entanglement(feature_map: FeatureMap | QuantumCircuit) -> FeatureMap | QuantumCircuit:
    """Return the feature map without its entangling gates; the argument is not changed.

    A template is asked for its own version without entanglement. From a plain circuit all gates of Qiskit's library on
    two or more qubits are removed (barriers stay); other instructions on several qubits are opened, whatever they are
    called, so that encodings inside of them stay. Of an evolution gate the terms on single qubits stay. This keeps the
    parameters' names but may leave some of them unused.

    Args:
        feature_map: A template or a circuit.

    Returns:
        A new object of the same kind.
    """
    if isinstance(feature_map, FeatureMap):
        return feature_map.without_entanglement()
    product = feature_map.copy_empty_like()
    _copy_product(feature_map, product, feature_map.qubits, feature_map.clbits)
    return product


def _copy_product(
    circuit: QuantumCircuit, product: QuantumCircuit, qubits: Sequence[Qubit], clbits: Sequence[Clbit]
) -> None:
    """Append what acts on one qubit at a time; gates on several that are defined by others are opened."""
    qubit_of = dict(zip(circuit.qubits, qubits, strict=True))
    clbit_of = dict(zip(circuit.clbits, clbits, strict=True))
    for instruction in circuit.data:
        operation = instruction.operation
        on_qubits = [qubit_of[bit] for bit in instruction.qubits]
        on_clbits = [clbit_of[bit] for bit in instruction.clbits]
        if len(on_qubits) < 2 or isinstance(operation, Barrier):
            product.append(operation, on_qubits, on_clbits)
        elif isinstance(operation, PauliEvolutionGate):
            _copy_fields(operation, product, on_qubits)
        elif not is_library_gate(operation) and not isinstance(operation, HamiltonianGate):
            definition = definition_of(operation)
            if definition is not None:
                product.global_phase += definition.global_phase
                _copy_product(definition, product, on_qubits, on_clbits)


def _copy_fields(gate: PauliEvolutionGate, product: QuantumCircuit, qubits: Sequence[Qubit]) -> None:
    """Append the evolution under those terms that act on one qubit."""
    for x, z, coefficient in pauli_terms(gate):
        support = x | z
        if support.bit_count() == 1:
            rotation = RYGate if x and z else RXGate if x else RZGate
            product.append(rotation(2.0 * coefficient * gate.time), [qubits[support.bit_length() - 1]])
