"""What an instruction is, by its class: names are free, and a gate of the user's may be called ``"cx"``.

Transpilers, devices and simulators know gates by their names. So where a gate is called like one of theirs without
being one, they get its definition instead.
"""

from functools import cache

from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    Barrier,
    BreakLoopOp,
    CircuitInstruction,
    ContinueLoopOp,
    ControlFlowOp,
    Delay,
    Instruction,
    Measure,
    Operation,
    ParameterExpression,
    Reset,
    Store,
)
from qiskit.circuit.library import (
    C3XGate,
    C4XGate,
    DiagonalGate,
    Initialize,
    MCPhaseGate,
    MCXGate,
    PauliGate,
    UCGate,
    UnitaryGate,
    get_standard_gate_name_mapping,
)
from qiskit.exceptions import QiskitError
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.exceptions import UnsupportedCircuitError

STRUCTURE = (Barrier, BreakLoopOp, ContinueLoopOp, ControlFlowOp, Delay, Measure, Reset, Store)
"""What is no gate."""


@cache
def standard_names() -> dict[type, str]:
    """Return the classes whose names transpilers and simulators know, each with its name."""
    names: dict[type, str] = {gate.base_class: name for name, gate in get_standard_gate_name_mapping().items()}
    names |= {C3XGate: "mcx", C4XGate: "mcx", MCXGate: "mcx", MCPhaseGate: "mcphase", UCGate: "multiplexer"}
    names |= {UnitaryGate: "unitary", DiagonalGate: "diagonal", PauliGate: "pauli", Initialize: "initialize"}
    return names


def class_of(operation: object) -> type:
    """Return an operation's class; Qiskit's singletons have one of their own below it."""
    return getattr(operation, "base_class", type(operation))


def is_standard(operation: Operation) -> bool:
    """Tell whether an operation is the one that Qiskit has under its name; open controls carry names of their own."""
    return standard_names().get(class_of(operation)) == operation.name


def is_free(operation: Operation) -> bool:
    """Tell whether an operation has free parameters; Qiskit's ``is_parameterized`` says no for controlled gates."""
    if isinstance(operation, ControlFlowOp):
        return any(block.parameters for block in operation.blocks)
    values = getattr(operation, "params", ())
    return any(isinstance(value, ParameterExpression) and bool(value.parameters) for value in values)


def is_mistakable(operation: Operation, device: DeviceTarget | None = None) -> bool:
    """Tell whether an operation is called like a gate, of Qiskit's or of the device's own, that it is not."""
    if isinstance(operation, STRUCTURE) or is_standard(operation):
        return False
    name = operation.name
    if device is not None and name in device.operation_names:
        return class_of(device.operation_from_name(name)) is not class_of(operation) or _says_nothing(operation)
    if not _says_nothing(operation) and class_of(operation).__module__.startswith(("qiskit.", "qiskit_aer.")):
        return name in _standard()  # a library's class, whose name somebody changed
    return name in _known()


def with_definitions_of_mistakable(circuit: QuantumCircuit, device: DeviceTarget | None = None) -> QuantumCircuit:
    """Return the circuit with the definitions of gates that a name would have mistaken for others.

    Args:
        circuit: The circuit; it is returned as it is if there are no such gates.
        device: The device, for the names of its gates.

    Raises:
        UnsupportedCircuitError: If such a gate has no definition.
    """
    if not any(_hides_mistakable(item.operation, device) for item in circuit.data):
        return circuit
    plain = circuit.copy_empty_like()
    for item in circuit.data:
        operation = item.operation
        if not _hides_mistakable(operation, device):
            plain.append(item)
        elif isinstance(operation, ControlFlowOp):
            blocks = [with_definitions_of_mistakable(block, device) for block in operation.blocks]
            plain.append(operation.replace_blocks(blocks), item.qubits, item.clbits)
        elif isinstance(operation, AnnotatedOperation):
            base = _plain_base(operation.base_op, device)
            plain.append(AnnotatedOperation(base, operation.modifiers), item.qubits, item.clbits)
        else:
            definition = with_definitions_of_mistakable(definition_of(operation), device)
            plain.global_phase += definition.global_phase  # inside of a controlled gate it is none
            append_definition(plain, item, definition)
    return plain


def _plain_base(base: Operation, device: DeviceTarget | None) -> Operation:
    """Return the operation under an annotation without gates, itself or inside, that a name would mistake."""
    name = f"{base.name} of the user's"
    try:
        gate = with_definitions_of_mistakable(definition_of(base), device).to_gate()
    except QiskitError:  # annotations inside: no plain gate
        return base.copy(name=name)
    gate.name = name
    return gate


def definition_of(operation: Operation) -> QuantumCircuit:
    """Return what an operation does as a circuit.

    Raises:
        UnsupportedCircuitError: If it says nothing about that.
    """
    definition = getattr(operation, "definition", None)
    if definition is not None:
        return definition
    try:
        matrix = operation.to_matrix()
    except Exception as error:
        raise UnsupportedCircuitError(
            f"The gate {operation.name!r} ({class_of(operation).__name__}) has neither a definition nor a matrix, so "
            "that no simulator can tell what it does. Give it a definition."
        ) from error
    circuit = QuantumCircuit(operation.num_qubits)
    circuit.append(UnitaryGate(matrix), range(operation.num_qubits))
    return circuit


def append_definition(circuit: QuantumCircuit, item: CircuitInstruction, definition: QuantumCircuit) -> None:
    """Append a definition where an instruction stood; the definition's global phase is left out."""
    wire_of = dict(zip(definition.qubits, item.qubits, strict=True))
    clbits = dict(zip(definition.clbits, item.clbits, strict=True))
    for inner in definition.data:
        circuit.append(inner.operation, [wire_of[q] for q in inner.qubits], [clbits[c] for c in inner.clbits])


def _hides_mistakable(operation: Operation, device: DeviceTarget | None) -> bool:
    if isinstance(operation, ControlFlowOp):
        return any(_hides_mistakable(item.operation, device) for block in operation.blocks for item in block.data)
    if isinstance(operation, AnnotatedOperation):
        return _hides_mistakable(operation.base_op, device)
    if isinstance(operation, STRUCTURE) or is_standard(operation):
        return False
    if is_mistakable(operation, device):
        return not _is_opaque(operation)
    if not _says_nothing(operation) and class_of(operation).__module__.startswith("qiskit."):
        return False
    definition = getattr(operation, "definition", None)
    return definition is not None and any(_hides_mistakable(item.operation, device) for item in definition.data)


def _is_opaque(operation: Operation) -> bool:
    """Tell whether an operation is known by nothing but its name (Aer's ``"kraus"``, a provider's own pulse)."""
    from qiskit.circuit import Gate

    return class_of(operation) is Instruction and not isinstance(operation, Gate) and operation.definition is None


def _says_nothing(operation: Operation) -> bool:
    """Tell whether an operation's class says nothing about what it does, as those of ``to_gate`` and ``control``."""
    module = class_of(operation).__module__
    return module.startswith("qiskit.circuit.") and not module.startswith("qiskit.circuit.library")


@cache
def _standard() -> frozenset[str]:
    return frozenset(standard_names().values())


@cache
def _known() -> frozenset[str]:
    """The names that a transpiler or a simulator takes for gates of its own."""
    from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary

    directives = {"barrier", "delay", "measure", "reset", "snapshot", "store", "break_loop", "continue_loop"}
    flow = {"if_else", "for_loop", "while_loop", "switch_case", "box"}
    library = {key.name for key in SessionEquivalenceLibrary.keys()}  # noqa: SIM118, it is not a mapping
    return frozenset(library | _standard() | directives | flow)
