"""Content keys: two circuits that do the same, built at different times or in different processes, share one key.

A key covers the registers, every instruction with its qubits and parameters, the definitions of gates that are not
Qiskit's standard ones, and the global phase; it leaves out names of circuits, metadata and identities of parameters.
Every part is written with its type and length, so that no two different contents run together into one text.
"""

import hashlib
from functools import cache, singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import ControlledGate, Instruction, Parameter, ParameterExpression
from qiskit.circuit.library import get_standard_gate_name_mapping


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
    canonical = circuit.assign_parameters(numbered) if numbered else circuit
    return hashlib.blake2b(_circuit_bytes(canonical, len(numbered)), digest_size=16).hexdigest()


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
    digest = hashlib.blake2b(_join(int(seed), key, np.asarray(values, dtype=np.float64), shots), digest_size=8)
    return int.from_bytes(digest.digest(), "little") % 2**31


def _circuit_bytes(circuit: QuantumCircuit, num_parameters: int) -> bytes:
    qubit_index = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    clbit_index = {clbit: index for index, clbit in enumerate(circuit.clbits)}
    registers = [(register.name, [clbit_index[bit] for bit in register]) for register in circuit.cregs]
    instructions = [
        (
            _instruction_bytes(item.operation),
            [qubit_index[qubit] for qubit in item.qubits],
            [clbit_index[clbit] for clbit in item.clbits],
        )
        for item in circuit.data
    ]
    return _join(circuit.num_qubits, circuit.num_clbits, num_parameters, registers, circuit.global_phase, instructions)


def _instruction_bytes(operation: Any) -> bytes:
    state = operation.ctrl_state if isinstance(operation, ControlledGate) else None
    params = list(getattr(operation, "params", []))
    if type(operation) in _standard_types().get(operation.name, ()):
        return _join("standard", operation.name, params, state)
    definition = operation.definition if isinstance(operation, Instruction) else None
    if definition is not None:
        # What the gate does is its definition; its name may carry a counter of the process that made it.
        return _join("defined", type(operation).__name__, definition, state)
    if hasattr(operation, "base_op"):  # annotated operations: inverse, controlled, power
        return _join("annotated", _instruction_bytes(operation.base_op), [repr(item) for item in operation.modifiers])
    return _join("opaque", type(operation).__name__, operation.name, operation.num_qubits, params)


@cache
def _standard_types() -> dict[str, tuple[type, type]]:
    """Map the name of each standard gate to its classes: Qiskit has a singleton subclass of most of them."""
    return {name: (gate.base_class, type(gate)) for name, gate in get_standard_gate_name_mapping().items()}


def _join(*parts: object) -> bytes:
    written = [_bytes(part) for part in parts]
    return b"".join(b"%d:" % len(part) + part for part in written)


@singledispatch
def _bytes(part: object) -> bytes:
    raise TypeError(f"A circuit has a parameter of the type {type(part).__name__}, which has no content key.")


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
    return b"complex" + _join(part.real, part.imag)


@_bytes.register
def _(part: np.ndarray) -> bytes:
    return b"array" + _join(part.dtype.str, list(part.shape), np.ascontiguousarray(part).tobytes())


@_bytes.register(list)
@_bytes.register(tuple)
def _(part: list[object]) -> bytes:
    return b"list" + _join(*part)


@_bytes.register
def _(part: ParameterExpression) -> bytes:
    # Qiskit writes numbers in full precision; the parameters' names are the numbers that circuit_key gave them.
    return b"expression" + str(part).encode()


@_bytes.register
def _(part: QuantumCircuit) -> bytes:
    return b"circuit" + _circuit_bytes(part, 0)
