"""The control experiment's circuit: the same feature map with every entangling gate taken out."""

from qiskit import QuantumCircuit
from qiskit.circuit import Barrier, CircuitInstruction, ControlledGate, Gate, Instruction
from qiskit.circuit.library import HamiltonianGate, Initialize, PauliEvolutionGate, StatePreparation, UnitaryGate
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp

from qiskit_qml_ext.circuits.template import FeatureMap

# Gates with a definition in terms of smaller ones that are one gate nevertheless: what single-qubit gates happen to be
# in the definition of a controlled gate is no encoding of its own.
_ONE_GATE = (ControlledGate, HamiltonianGate, UnitaryGate, Initialize, StatePreparation)


def without_entanglement(feature_map: FeatureMap | QuantumCircuit) -> FeatureMap | QuantumCircuit:
    """Return the feature map without its entangling gates; the argument is not changed.

    A template is asked for its own version without entanglement. From a plain circuit all gates on two or more qubits
    are removed (barriers stay), which keeps its parameters' names but may leave some of them unused. A composite gate
    (a part of the circuit wrapped as one gate) is unfolded first, and only its entangling gates are removed; of an
    evolution exp(-itH) the terms of H on single qubits stay.

    Args:
        feature_map: A template or a circuit.

    Returns:
        A new object of the same kind.
    """
    if isinstance(feature_map, FeatureMap):
        return feature_map.without_entanglement()
    product = unfolded(feature_map)
    product.data = [kept for instruction in product.data if (kept := _on_single_qubits(instruction)) is not None]
    return product


def has_entangling_gates(circuit: QuantumCircuit) -> bool:
    """Tell whether a circuit has a gate on two or more qubits, inside composite gates too.

    Without one its states are products of single-qubit states for all data. What counts is the circuit: barriers, and
    composite gates or evolutions that act on every qubit by itself, are no such gates, whatever they are called.
    """
    return any(_on_single_qubits(instruction) is not instruction for instruction in unfolded(circuit).data)


def unfolded(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit with the definitions of its composite gates on several qubits in their place."""
    flat = circuit.copy_empty_like()
    for instruction in circuit.data:
        operation = instruction.operation
        if len(instruction.qubits) < 2 or _is_one_gate(operation):
            flat.append(instruction)
        else:
            flat.compose(unfolded(operation.definition), instruction.qubits, instruction.clbits, inplace=True)
    return flat


def _is_one_gate(operation: object) -> bool:
    if isinstance(operation, (*_ONE_GATE, Barrier, PauliEvolutionGate)) or not isinstance(operation, Instruction):
        return True
    is_standard = isinstance(operation, Gate) and operation.base_class.__module__.startswith(
        "qiskit.circuit.library.standard_gates"
    )
    return is_standard or operation.definition is None


def _on_single_qubits(instruction: CircuitInstruction) -> CircuitInstruction | None:
    """Return what is left of an instruction without entanglement: itself, a part of it, or nothing."""
    operation = instruction.operation
    if len(instruction.qubits) < 2 or isinstance(operation, Barrier):
        return instruction
    if not isinstance(operation, PauliEvolutionGate):
        return None
    sums = operation.operator if isinstance(operation.operator, list) else [operation.operator]
    terms = SparsePauliOp.sum([_as_pauli_sum(part) for part in sums])
    is_local = (terms.paulis.x | terms.paulis.z).sum(axis=1) < 2
    if is_local.all():
        return instruction
    if not is_local.any():
        return None
    evolution = PauliEvolutionGate(terms[is_local], operation.time, synthesis=operation.synthesis)
    return instruction.replace(operation=evolution)


def _as_pauli_sum(operator: SparsePauliOp | SparseObservable | Pauli) -> SparsePauliOp:
    if isinstance(operator, SparseObservable):
        return SparsePauliOp.from_sparse_observable(operator)
    return SparsePauliOp(operator)
