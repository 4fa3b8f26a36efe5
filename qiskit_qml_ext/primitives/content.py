"""Content keys: two circuits that do the same, built at different times or in different processes, share one key.

A key covers the registers, every instruction with its qubits, parameters and label (noise models know gates by labels),
the definitions or matrices of gates that are not Qiskit's standard ones, and the global phase; it leaves out names of
circuits, metadata and identities of parameters. What says nothing that could be written down gets a key that no other
circuit has, so that no two such circuits share a result. Every part is written with its type and length, so that no two
different contents run together into one text.
"""

import hashlib
from collections.abc import Mapping
from functools import cache, singledispatch
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
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
from qiskit.circuit.library import HamiltonianGate, PauliEvolutionGate, get_standard_gate_name_mapping
from qiskit.quantum_info import Clifford, SparseObservable, SparsePauliOp
from qiskit.synthesis import MatrixExponential

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program.meaning import free_parameters, has_doubtful_definition, true_matrix
from qiskit_qml_ext.program.nesting import nesting_refused
from qiskit_qml_ext.program.unitary_part import definition_of

# Labels that Qiskit gives to gates of these classes by itself; any other label is somebody's.
_LABELS_BY_CLASS = {
    "PauliEvolutionGate": "exp(-it ",
    "PauliProductMeasurement": "PPM(",
    "StatePreparation": "State Preparation",
    "XXMinusYYGate": "(XX-YY)",
    "XXPlusYYGate": "(XX+YY)",
}


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
    numbered = {parameter: Parameter(f"p{index}") for index, parameter in enumerate(circuit.parameters)}
    canonical = renamed(circuit, numbered) if numbered else circuit
    return hashlib.blake2b(_circuit_bytes(canonical, len(numbered)), digest_size=16).hexdigest()


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


def job_seed(seed: int | None, key: str, values: NDArray[np.float64], shots: int) -> int | None:
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
    by_itself = _LABELS_BY_CLASS.get(kind)
    if (by_itself is not None and str(label).startswith(by_itself)) or kind in ("PhaseOracleGate", "BitFlipOracleGate"):
        return None  # the oracles' is their expression
    return str(label)


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
        # What the gate does is its definition; its name may carry a counter of the process that made it.
        # Numbers go in beside it, for a definition that is synthesised from them may round.
        numbers = [part for part in params if isinstance(part, (int, float, complex, np.ndarray, np.generic))]
        written = ["defined", type(operation).__name__, definition, state, numbers]
        contradicting = _contradicting_matrix(operation)
        return join_bytes(*written) if contradicting is None else join_bytes(*written, contradicting)
    if isinstance(operation, AnnotatedOperation):
        modifiers = [repr(item) for item in operation.modifiers]
        return join_bytes("annotated", _instruction_bytes(operation.base_op, bits), modifiers)
    if isinstance(operation, Clifford):
        return join_bytes("clifford", np.asarray(operation.tableau, dtype=bool))
    return _undefined_bytes(operation, params)


def _contradicting_matrix(operation: Any) -> NDArray[np.complex128] | None:
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
    left_out = ("_definition", "_params", "_name", "_num_qubits", "_num_clbits")
    plain = [[name, value] for name, value in sorted(attributes.items()) if name not in left_out]
    try:
        return join_bytes(*written, plain)
    except UnsupportedCircuitError:
        return join_bytes(*written, uuid4().bytes)  # shared with nothing


def _matrix(operation: Any) -> NDArray[np.complex128] | bytes:
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
        if isinstance(part, expr.Expr):
            inner = [getattr(part, name, None) for name in ("operand", "left", "right", "target", "index")]
            written = [self.bytes_of(item) for item in inner if isinstance(item, expr.Expr)]
            return join_bytes("expr", type(part).__name__, str(getattr(part, "op", "")), repr(part.type), written)
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


def join_bytes(*parts: object) -> bytes:
    """Write values one after the other, each with its type and length: equal bytes mean equal values."""
    written = [_bytes(part) for part in parts]
    return b"".join(b"%d:" % len(part) + part for part in written)


@singledispatch
def _bytes(part: object) -> bytes:
    raise UnsupportedCircuitError(f"A circuit has a part of the type {type(part).__name__}, which has no content key.")


@_bytes.register
def _(part: None) -> bytes:
    return b"none"


@_bytes.register
def _(part: bytes) -> bytes:
    return b"bytes" + part


@_bytes.register
def _(part: str) -> bytes:
    return b"text" + part.encode()


@_bytes.register(int)
@_bytes.register(np.integer)
def _(part: int) -> bytes:
    return _bytes(float(part)) if abs(part) < 2**53 else b"int" + str(int(part)).encode()


@_bytes.register(float)
@_bytes.register(np.floating)
def _(part: float) -> bytes:
    return b"float" + float(part + 0.0).hex().encode()


@_bytes.register(complex)
@_bytes.register(np.complexfloating)
def _(part: complex) -> bytes:
    return b"complex" + join_bytes(part.real, part.imag)


@_bytes.register
def _(part: np.ndarray) -> bytes:
    return b"array" + join_bytes(part.dtype.str, list(part.shape), np.ascontiguousarray(part).tobytes())


@_bytes.register(list)
@_bytes.register(tuple)
def _(part: list[object]) -> bytes:
    return b"list" + join_bytes(*part)


@_bytes.register
def _(part: ParameterExpression) -> bytes:
    # Qiskit writes numbers in full precision; the parameters' names are the numbers that circuit_key gave them.
    return b"expression" + str(part).encode()


@_bytes.register
def _(part: QuantumCircuit) -> bytes:
    return b"circuit" + _circuit_bytes(part, 0)
