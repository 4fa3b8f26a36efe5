"""Content keys: two circuits that do the same, built at different times or in different processes, share one key.

A key covers the registers, every instruction with its qubits, parameters, label and name (noise models know gates by
labels and names), the definitions or matrices and the attributes of gates that are not Qiskit's standard ones, and the
global phase; it leaves out names of whole circuits, metadata and identities of parameters. What says nothing that could
be written down gets a key that no other circuit has, so that no two such circuits share a result.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from uuid import uuid4

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ClassicalRegister,
    Clbit,
    ControlFlowOp,
    ControlledGate,
    Delay,
    ForLoopOp,
    Gate,
    Instruction,
    Parameter,
    ParameterExpression,
    SwitchCaseOp,
)
from qiskit.circuit.classical import expr
from qiskit.circuit.library import (
    DiagonalGate,
    HamiltonianGate,
    Initialize,
    MCPhaseGate,
    MCXGate,
    PauliEvolutionGate,
    PauliGate,
    PermutationGate,
    QFTGate,
    StatePreparation,
    UCGate,
    UnitaryGate,
    get_standard_gate_name_mapping,
)
from qiskit.quantum_info import Clifford, SparseObservable, SparsePauliOp
from qiskit.synthesis import MatrixExponential

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives.written import bytes_of, join_bytes
from qiskit_qml_ext.program.meaning import free_parameters, has_doubtful_definition, true_matrix
from qiskit_qml_ext.program.nesting import nesting_refused
from qiskit_qml_ext.program.unitary_part import definition_of

# Names that Qiskit gives by itself to what is made of a circuit, with counters of the process that made it.
_COUNTED = re.compile(r"circuit-\d+(-\d+)?")

# What every instruction has, and is written otherwise.
_OWN_ATTRIBUTES = (
    *("_definition", "_params", "_name", "_num_qubits", "_num_clbits", "_label", "_duration", "_unit", "_condition"),
    *("base_gate", "_num_ctrl_qubits", "_ctrl_state", "_open_ctrl"),
)


def circuit_key(circuit: QuantumCircuit) -> str:
    """Return a digest of what a circuit does.

    The parameters are numbered in the order of ``circuit.parameters``: circuits that differ only in the names of their
    parameters have the same key when the names sort the same way.

    Args:
        circuit: Any circuit.

    Returns:
        A hexadecimal digest of 32 characters, the same in every process; for a circuit with an instruction whose action
        is written down nowhere (no definition, matrix or plain attributes) a new one at each call.

    Raises:
        UnsupportedCircuitError: If the circuit has variables, or parts that have no content key.
    """
    with nesting_refused():
        return _circuit_key(circuit)


def _circuit_key(circuit: QuantumCircuit) -> str:
    if _has_named_loops(circuit):  # a loop's parameter may be called like the circuit's, whose names change here
        circuit = renamed(circuit, {parameter: Parameter(f"{uuid4()}") for parameter in circuit.parameters})
        circuit = _with_loops_named(_with_loops_named(circuit, lambda depth: f"{uuid4()}"), lambda depth: f"l{depth}")
    numbered = {parameter: Parameter(f"p{index}") for index, parameter in enumerate(circuit.parameters)}
    canonical = renamed(circuit, numbered) if numbered else circuit
    return hashlib.blake2b(_circuit_bytes(canonical, len(numbered)), digest_size=16).hexdigest()


def _has_named_loops(circuit: QuantumCircuit) -> bool:
    """Tell whether a circuit has a loop with a parameter, at any depth."""
    flows = (item.operation for item in circuit.data if isinstance(item.operation, ControlFlowOp))
    return any(
        (isinstance(flow, ForLoopOp) and flow.params[1] is not None) or any(map(_has_named_loops, flow.blocks))
        for flow in flows
    )


def _with_loops_named(circuit: QuantumCircuit, name: Callable[[int], str], depth: int = 0) -> QuantumCircuit:
    """Return a circuit whose loops' parameters have other names, which depend on how deep they stand."""
    copy = circuit.copy_empty_like()
    for item in circuit.data:
        operation = item.operation
        if isinstance(operation, ControlFlowOp):
            blocks = [_with_loops_named(block, name, depth + 1) for block in operation.blocks]
            if isinstance(operation, ForLoopOp) and operation.params[1] is not None:
                indices, parameter, _ = operation.params
                new = Parameter(name(depth))
                if parameter in blocks[0].parameters:
                    blocks = [blocks[0].assign_parameters({parameter: new})]
                operation = ForLoopOp(indices, new, blocks[0], label=operation.label)
            else:
                operation = operation.replace_blocks(blocks)
        copy.append(operation, item.qubits, item.clbits, copy=False)
    return copy


def layout_key(circuit: QuantumCircuit) -> str:
    """Return a word for where a circuit's own qubits lie, which its content does not say; empty if nothing is known."""
    layout = circuit.layout
    if layout is None:
        return ""
    return f"{layout.initial_index_layout()}{layout.final_index_layout(filter_ancillas=True)}"


def renamed(circuit: QuantumCircuit, names: Mapping[Parameter, Parameter]) -> QuantumCircuit:
    """Return a circuit with other parameters; their names may be those of parameters that it has."""
    taken = {parameter.name for parameter in circuit.parameters} & {new.name for new in names.values()}
    if taken:  # Qiskit replaces one after the other, and knows no two of the same name
        free = {old: Parameter(f"{uuid4()}") for old in names}
        circuit = circuit.assign_parameters(free)
        names = {free[old]: new for old, new in names.items()}
    return circuit.assign_parameters(names)


def job_seed(seed: int | None, key: str, values: FloatArray, shots: int) -> int | None:
    """Derive a job's seed from its content, so that a job's counts do not depend on the jobs before it.

    Args:
        seed: The user's seed; ``None`` stays ``None``.
        key: The circuit's :func:`circuit_key`.
        values: The parameter values of the job.
        shots: The shots of every circuit.

    Returns:
        A seed below 2³¹, different (up to chance) for different content.
    """
    if seed is None:
        return None
    digest = hashlib.blake2b(join_bytes(int(seed), key, np.asarray(values, dtype=np.float64), shots), digest_size=8)
    return int.from_bytes(digest.digest(), "little") % 2**31


def _circuit_bytes(circuit: QuantumCircuit, num_parameters: int) -> bytes:
    qubit_index = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    clbit_index = {clbit: index for index, clbit in enumerate(circuit.clbits)}
    if circuit.num_vars or circuit.num_stretches:
        raise UnsupportedCircuitError("The circuit has classical variables or stretches, which have no content key.")
    registers = [(register.name, [clbit_index[bit] for bit in register]) for register in circuit.cregs]
    bits = _Bits(clbit_index)
    instructions = [
        (
            _instruction_bytes(item.operation, bits),
            [qubit_index[qubit] for qubit in item.qubits],
            [clbit_index[clbit] for clbit in item.clbits],
        )
        for item in circuit.data
    ]
    return join_bytes(
        circuit.num_qubits, circuit.num_clbits, num_parameters, registers, circuit.global_phase, instructions
    )


def _instruction_bytes(operation: Any, bits: "_Bits") -> bytes:
    written = _action_bytes(operation, bits)
    label = own_label(operation)
    return written if label is None else join_bytes("labelled", label, written)


def own_label(operation: Any) -> str | None:
    """Return the label that somebody gave to an operation, ``None`` for those that Qiskit gives by itself."""
    label = getattr(operation, "label", None)
    if label is None:
        return None
    kind = getattr(operation, "base_class", type(operation)).__name__
    by_itself = _LABELS.get(kind)
    return None if by_itself is not None and str(label) in by_itself(operation) else str(label)


# Labels that Qiskit gives to gates of these classes by itself; any other label is somebody's.
_LABELS: dict[str, Callable[[Any], tuple[str, ...]]] = {
    "PauliEvolutionGate": lambda gate: (str(PauliEvolutionGate(gate.operator, 0.0).label),),
    "PauliProductMeasurement": lambda gate: (str(type(gate)(gate.pauli()).label),),
    "StatePreparation": lambda gate: ("State Preparation", "State Preparation Dg"),
    "XXMinusYYGate": lambda gate: ("(XX-YY)",),
    "XXPlusYYGate": lambda gate: ("(XX+YY)",),
}


def _action_bytes(operation: Any, bits: "_Bits") -> bytes:
    """Write what an operation does."""
    if isinstance(operation, ControlFlowOp):
        return _control_flow_bytes(operation, bits)
    state = operation.ctrl_state if isinstance(operation, ControlledGate) else None
    params = list(getattr(operation, "params", []))
    if isinstance(operation, Delay):
        return join_bytes("delay", params, operation.unit)
    if "to_matrix" in getattr(operation, "__dict__", {}):  # somebody gave this one object a matrix of its own
        return join_bytes("matrix", type(operation).__name__, operation.name, params, state, _matrix(operation))
    if type(operation) in _standard_types().get(operation.name, ()):
        return join_bytes("standard", operation.name, params, state)
    if isinstance(operation, HamiltonianGate):  # it has no definition before its time is bound
        return join_bytes("hamiltonian", type(operation).__name__, params)
    if isinstance(operation, PauliEvolutionGate) and isinstance(operation.synthesis, MatrixExponential):
        return join_bytes("exponential", type(operation).__name__, params, _pauli_lists(operation.operator))
    definition = definition_of(operation) if isinstance(operation, Instruction) else None
    if definition is not None:
        # What the gate does is its definition, and whatever a noise model has under its name.
        # Numbers go in beside it, for a definition that is synthesised from them may round.
        numbers = [part for part in params if isinstance(part, (int, float, complex, np.ndarray, np.generic))]
        kind: type = getattr(operation, "base_class", type(operation))
        usual = kind.__module__.startswith("qiskit.") and _usual_names().get(kind) == getattr(operation, "_name", "")
        name = [] if usual else [_COUNTED.sub("circuit", operation.name)]
        written = ["defined", type(operation).__name__, definition, state, numbers, *name, *_held(operation, bits)]
        contradicting = _contradicting_matrix(operation)
        return join_bytes(*written) if contradicting is None else join_bytes(*written, contradicting)
    if isinstance(operation, AnnotatedOperation):
        modifiers = [repr(item) for item in operation.modifiers]
        return join_bytes("annotated", _instruction_bytes(operation.base_op, bits), modifiers)
    if isinstance(operation, Clifford):
        return join_bytes("clifford", np.asarray(operation.tableau, dtype=bool))
    return _undefined_bytes(operation, params)


def _held(operation: Any, bits: "_Bits") -> list[object]:
    """Write what else a gate of somebody's own class holds, which a simulator of the same author may read.

    Of what cannot be written (caches, functions) the type alone is: the definition says what the gate does.
    """
    base = getattr(operation, "base_gate", None)
    inner: list[object] = [] if base is None or _is_qiskits(base) else [_instruction_bytes(base, bits)]
    if _is_qiskits(operation):
        return inner
    attributes = sorted((name, value) for name, value in vars(operation).items() if name not in _OWN_ATTRIBUTES)
    return [*inner, *([name, _written_or_type(value)] for name, value in attributes)]


def _is_qiskits(operation: Any) -> bool:
    kind: type = getattr(operation, "base_class", type(operation))
    return kind.__module__.startswith("qiskit.")


def _written_or_type(value: object) -> bytes:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return join_bytes("mapping", *([key, _written_or_type(value[key])] for key in sorted(value)))
    if isinstance(value, (list, tuple)):
        return join_bytes("list", *(_written_or_type(item) for item in value))
    if isinstance(value, ParameterExpression) and value.parameters:
        return b"parameter"  # counted among the gate's own; its name says nothing
    try:
        return join_bytes(value)
    except UnsupportedCircuitError:
        return join_bytes("type", f"{type(value).__module__}.{type(value).__qualname__}")


def _contradicting_matrix(operation: Any) -> ComplexArray | None:
    """Return the matrix of a gate whose definition says something else, as simulators understand it."""
    if isinstance(operation, PauliEvolutionGate) or free_parameters(operation):
        return None  # an evolution's definition names all terms; with free parameters only a definition counts
    return true_matrix(operation) if has_doubtful_definition(operation) else None


def _undefined_bytes(operation: Any, params: list[Any]) -> bytes:
    """Write an operation that has no definition: by its name, and by its matrix or attributes if it may have others."""
    kind = type(operation)
    written = ["opaque", kind.__name__, operation.name, operation.num_qubits, params]
    if kind in (Instruction, Gate) or kind.__module__.startswith("qiskit.circuit."):
        return join_bytes(*written)  # known by nothing but these
    matrix = _matrix(operation)
    if isinstance(matrix, np.ndarray) or has_doubtful_definition(operation):
        return join_bytes(*written, matrix)
    attributes = getattr(operation, "__dict__", {})
    plain = [[name, value] for name, value in sorted(attributes.items()) if name not in _OWN_ATTRIBUTES]
    try:
        return join_bytes(*written, plain)
    except UnsupportedCircuitError:
        return join_bytes(*written, uuid4().bytes)  # shared with nothing


def _matrix(operation: Any) -> ComplexArray | bytes:
    """Return an operation's matrix; bytes that nothing else has if there is none."""
    try:
        return np.asarray(operation.to_matrix(), dtype=np.complex128)
    except Exception:  # none, or whatever its author raises
        return uuid4().bytes


def _pauli_lists(operator: object) -> list[object]:
    """Write the operator of an evolution gate: labels and coefficients, or a list of such."""
    if isinstance(operator, list):
        return [_pauli_lists(part) for part in operator]
    if isinstance(operator, SparseObservable):
        operator = SparsePauliOp.from_sparse_observable(operator.as_paulis())
    assert isinstance(operator, SparsePauliOp)
    return [operator.paulis.to_labels(), list(operator.coeffs)]


_EXPRESSIONS = {
    "Unary": ("operand",),
    "Binary": ("left", "right"),
    "Cast": ("operand",),
    "Index": ("target", "index"),
}
"""The parts of the kinds of classical expressions; others are refused."""


class _Bits:
    """Where classical bits lie in their circuit, and how conditions on them are written."""

    def __init__(self, index: dict[Clbit, int]):
        self._index = index

    def bytes_of(self, part: object) -> bytes:
        """Write a condition: (bit or register, value), a bit, a register, or an expression of them."""
        if isinstance(part, tuple):
            return join_bytes("pair", self.bytes_of(part[0]), int(part[1]))
        if isinstance(part, Clbit):
            return join_bytes("bit", self._index[part])
        if isinstance(part, ClassicalRegister):
            return join_bytes("register", [self._index[bit] for bit in part])
        if isinstance(part, expr.Var):
            return join_bytes("var", self.bytes_of(part.var), repr(part.type))
        if isinstance(part, expr.Value):
            return join_bytes("value", repr(part.value), repr(part.type))
        if type(part).__name__ in _EXPRESSIONS:
            names = _EXPRESSIONS[type(part).__name__]
            written = [self.bytes_of(getattr(part, name)) for name in names]
            return join_bytes(
                "expr", type(part).__name__, str(getattr(part, "op", "")), repr(getattr(part, "type", None)), written
            )
        raise UnsupportedCircuitError(f"A condition of the type {type(part).__name__} has no content key.")


def _control_flow_bytes(operation: ControlFlowOp, bits: _Bits) -> bytes:
    if getattr(operation, "annotations", None):
        raise UnsupportedCircuitError("The circuit has a box with annotations, which have no content key.")
    written: list[object] = [operation.name]
    for name in ("condition", "target"):
        part = getattr(operation, name, None)
        written.append(None if part is None else bits.bytes_of(part))
    if isinstance(operation, SwitchCaseOp):
        written.append([[repr(label) for label in labels] for labels, _ in operation.cases_specifier()])
    if isinstance(operation, ForLoopOp):
        indices, parameter, _ = operation.params
        written += [[int(index) for index in indices], None if parameter is None else str(parameter)]
    written += [str(getattr(operation, "duration", None)), str(getattr(operation, "unit", None))]
    # A block's bits are those of the instruction, in order, so its own numbering says all.
    return join_bytes("control flow", written, list(operation.blocks))


@cache
def _standard_types() -> dict[str, tuple[type, type]]:
    """Map the name of each standard gate to its classes: Qiskit has a singleton subclass of most of them."""
    return {name: (gate.base_class, type(gate)) for name, gate in get_standard_gate_name_mapping().items()}


@cache
def _usual_names() -> dict[type, str]:
    """Map classes of Qiskit's to the names that all of their gates have unless somebody changes them."""
    names: dict[type, str] = {gate.base_class: name for name, gate in get_standard_gate_name_mapping().items()}
    names |= {UnitaryGate: "unitary", DiagonalGate: "diagonal", PauliGate: "pauli", Initialize: "initialize"}
    names |= {PauliEvolutionGate: "PauliEvolution", StatePreparation: "state_preparation", QFTGate: "qft"}
    return names | {MCXGate: "mcx", MCPhaseGate: "mcphase", UCGate: "multiplexer", PermutationGate: "permutation"}


@bytes_of.register
def _(part: QuantumCircuit) -> bytes:
    return b"circuit" + _circuit_bytes(part, 0)
