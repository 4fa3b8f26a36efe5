"""Content keys: two circuits that do the same, built at different times or in different processes, share one key.

A key covers the registers, every instruction with its qubits and parameters, the definitions of gates that are not
Qiskit's standard ones, and the global phase; it leaves out names of circuits, metadata and identities of parameters.
Every part is written with its type and length, so that no two different contents run together into one text.
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
    ClassicalRegister,
    Clbit,
    ControlFlowOp,
    ControlledGate,
    Delay,
    ForLoopOp,
    Instruction,
    Parameter,
    ParameterExpression,
    SwitchCaseOp,
)
from qiskit.circuit.classical import expr
from qiskit.circuit.library import HamiltonianGate, PauliEvolutionGate, get_standard_gate_name_mapping
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from qiskit.synthesis import MatrixExponential

from qiskit_qml_ext.exceptions import UnsupportedCircuitError


def circuit_key(circuit: QuantumCircuit) -> str:
    """Return a digest of what a circuit does.

    The parameters are numbered in the order of ``circuit.parameters``: circuits that differ only in the names of their
    parameters have the same key when the names sort the same way.

    Args:
        circuit: Any circuit.

    Returns:
        A hexadecimal digest of 32 characters, the same in every process.
    """
    numbered = {parameter: Parameter(f"p{index}") for index, parameter in enumerate(circuit.parameters)}
    canonical = renamed(circuit, numbered) if numbered else circuit
    return hashlib.blake2b(_circuit_bytes(canonical, len(numbered)), digest_size=16).hexdigest()


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
    if isinstance(operation, ControlFlowOp):
        return _control_flow_bytes(operation, bits)
    state = operation.ctrl_state if isinstance(operation, ControlledGate) else None
    params = list(getattr(operation, "params", []))
    if isinstance(operation, Delay):
        return join_bytes("delay", params, operation.unit)
    if type(operation) in _standard_types().get(operation.name, ()):
        return join_bytes("standard", operation.name, params, state)
    if isinstance(operation, HamiltonianGate):  # it has no definition before its time is bound
        return join_bytes("hamiltonian", type(operation).__name__, params)
    if isinstance(operation, PauliEvolutionGate) and isinstance(operation.synthesis, MatrixExponential):
        return join_bytes("exponential", type(operation).__name__, params, _pauli_lists(operation.operator))
    definition = operation.definition if isinstance(operation, Instruction) else None
    if definition is not None:
        # What the gate does is its definition; its name may carry a counter of the process that made it.
        # Numbers go in beside it, for a definition that is synthesised from them may round.
        numbers = [part for part in params if isinstance(part, (int, float, complex, np.ndarray, np.generic))]
        return join_bytes("defined", type(operation).__name__, definition, state, numbers)
    if hasattr(operation, "base_op"):  # annotated operations: inverse, controlled, power
        modifiers = [repr(item) for item in operation.modifiers]
        return join_bytes("annotated", _instruction_bytes(operation.base_op, bits), modifiers)
    return join_bytes("opaque", type(operation).__name__, operation.name, operation.num_qubits, params)


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
