"""The circuit of a sampled kernel: U(y)†U(x), measured.

U† must be the inverse of what runs. A gate's own ``inverse()`` need not be: that of a ``PauliEvolutionGate`` is the
evolution over the negative time, and after a product formula of terms that do not commute the two are no inverses of
each other. So the feature map is taken down to gates whose inverse survives synthesis before it is inverted; only on
targets that apply each gate's own matrix, evolution gates stay as they are and are inverted exactly.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import AnnotatedOperation, Gate, InverseModifier, ParameterVector
from qiskit.circuit import Operation as CircuitOperation
from qiskit.circuit.library import PauliEvolutionGate, get_standard_gate_name_mapping

from qiskit_qml_ext.kernels.exact import circuit_on, used_qubits
from qiskit_qml_ext.primitives import Connection, circuit_key
from qiskit_qml_ext.program.evolution import commuting_groups, pauli_terms
from qiskit_qml_ext.program.unitary_part import definition_of, synthesised

REGISTER = "meas"
"""The classical register of an inversion test, its only one."""


@dataclass(frozen=True, eq=False)
class InversionTest:
    """What a target runs for a feature map.

    Attributes:
        circuit: The measured circuit U(y)†U(x) with the parameters of x first.
        key: Its content key.
        unitary: The U that runs, on the feature map's parameters.
        is_approximate: Whether U contains product formulas in place of exponentials of terms that do not commute.
    """

    circuit: QuantumCircuit
    key: str
    unitary: QuantumCircuit
    is_approximate: bool


def inversion_test_on(connection: Connection, unitary: QuantumCircuit, key: str) -> InversionTest:
    """Return what a connection runs for a feature map, made once for each content.

    Args:
        connection: Where it runs.
        unitary: A feature map from :func:`~qiskit_qml_ext.program.unitary_part.unitary_part`.
        key: Its content key.
    """
    place = ("inversion test", key)
    if place not in connection.results:
        connection.results[place] = _made(connection, unitary)
    made: InversionTest = connection.results[place]
    return made


def inversion_test(unitary: QuantumCircuit) -> QuantumCircuit:
    """Return the measured circuit U(y)†U(x) of a circuit U of gates.

    Its parameters are ``ParameterVector("left", d)`` for x and ``ParameterVector("right", d)`` for y, in the order of
    the feature map's own parameters; sorted by name, x comes before y. The qubits that U uses are measured into the
    register :data:`REGISTER`; registers of U's own do not remain, so that no name of theirs can collide.
    """
    number = unitary.num_parameters
    left = unitary.assign_parameters(list(ParameterVector("left", number)))
    right = unitary.assign_parameters(list(ParameterVector("right", number)))
    qubits = used_qubits(unitary)
    circuit = QuantumCircuit(
        QuantumRegister(unitary.num_qubits, "q"), ClassicalRegister(len(qubits), REGISTER), name="inversion_test"
    )
    circuit.compose(left, copy=False, inplace=True)
    circuit.compose(_inverse(right), copy=False, inplace=True)
    circuit.barrier()
    circuit.measure(qubits, range(len(qubits)))
    return circuit


def _made(connection: Connection, unitary: QuantumCircuit) -> InversionTest:
    in_place = connection.is_isa(unitary)
    if not in_place and (connection.applies_matrices or connection.is_too_narrow_for(unitary)):
        # The qubits' numbers mean nothing there, and a state of idle ones would only be larger.
        unitary = circuit_on(unitary, used_qubits(unitary))
    if connection.applies_matrices:
        circuit = inversion_test(unitary)
        return InversionTest(circuit, circuit_key(circuit), unitary, is_approximate=False)
    is_approximate = any(_is_product_formula(gate) for gate in _evolutions(unitary))
    unitary = _with_true_inverses(unitary, connection.operation_names)
    circuit = inversion_test(unitary)
    if in_place:
        circuit = connection.isa_circuit(circuit, keep_qubits=True)
    return InversionTest(circuit, circuit_key(circuit), unitary, is_approximate)


def _inverse(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the inverse: of a gate whose ``inverse()`` may be none, as an operation that says so."""
    inverse = QuantumCircuit(circuit.num_qubits, global_phase=-circuit.global_phase)
    place = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    for item in reversed(circuit.data):
        operation = item.operation
        if _survives(operation, ()):
            inverted = operation.inverse()
        else:
            inverted = AnnotatedOperation(operation, InverseModifier())
        inverse.append(inverted, [place[qubit] for qubit in item.qubits])
    return inverse


def _with_true_inverses(circuit: QuantumCircuit, taken: Collection[str]) -> QuantumCircuit:
    """Return the circuit with everything expanded that would not be inverted truly, or be mistaken for another gate."""
    part = circuit.copy_empty_like()
    for item in circuit.data:
        if _survives(item.operation, taken):
            part.append(item.operation, item.qubits)
            continue
        alone = QuantumCircuit(len(item.qubits))
        alone.append(item.operation, range(len(item.qubits)))
        part.compose(synthesised(alone), item.qubits, inplace=True)
    return part


def _survives(operation: CircuitOperation, taken: Collection[str]) -> bool:
    """Tell whether ``inverse()`` is the inverse of what the transpiler makes of an operation.

    Args:
        operation: The operation.
        taken: Names by which the target knows gates of its own.
    """
    if getattr(operation, "base_class", None) in _standard_classes():
        return True
    if type(operation) is not Gate or operation.name in taken or operation.name in _standard_names():
        return False
    definition = definition_of(operation)
    return definition is not None and all(_survives(item.operation, taken) for item in definition.data)


@cache
def _standard_names() -> frozenset[str]:
    return frozenset(get_standard_gate_name_mapping())


@cache
def _standard_classes() -> frozenset[type]:
    return frozenset(gate.base_class for gate in get_standard_gate_name_mapping().values() if isinstance(gate, Gate))


def _evolutions(circuit: QuantumCircuit) -> Iterator[PauliEvolutionGate]:
    """Yield the evolution gates of a circuit, those inside other gates included."""
    for item in circuit.data:
        operation = item.operation
        while isinstance(operation, AnnotatedOperation):
            operation = operation.base_op
        if isinstance(operation, PauliEvolutionGate):
            yield operation
        elif isinstance(operation, Gate) and getattr(operation, "base_class", None) not in _standard_classes():
            definition = definition_of(operation)
            if definition is not None:
                yield from _evolutions(definition)


def _is_product_formula(gate: PauliEvolutionGate) -> bool:
    return any(len(group) > 1 for group in commuting_groups(pauli_terms(gate)))
