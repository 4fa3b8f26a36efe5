"""The circuit that a device runs: every operation as gates with an exact inverse.

``PauliEvolutionGate.inverse()`` turns the sign of the time, and after a product formula that is not the inverse of what
ran. So circuits that are inverted for a device are synthesised first and inverted afterwards:
``synthesised(circuit).inverse()`` undoes exactly what ``synthesised(circuit)`` does.
"""

from collections.abc import Iterator, Sequence

from qiskit.circuit import AnnotatedOperation, ControlFlowOp, Gate, Instruction, ParameterExpression, QuantumCircuit
from qiskit.circuit import Operation as CircuitOperation
from qiskit.circuit.annotated_operation import ControlModifier, InverseModifier, Modifier, PowerModifier
from qiskit.circuit.library import HamiltonianGate, PauliEvolutionGate, UnitaryGate
from qiskit.quantum_info import Clifford, SparsePauliOp
from qiskit.synthesis import LieTrotter, MatrixExponential, SuzukiTrotter

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import evolution, meaning
from qiskit_qml_ext.program.unitary_part import ADVICE, definition_of, empty_like, unitary_part


def synthesised(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the unitary part of a circuit as gates of Qiskit's library whose ``inverse()`` is exact.

    An evolution gate is replaced by its own synthesis (for a ``PauliEvolutionGate`` usually a product formula, which
    approximates it unless its terms commute, see :func:`approximations`), a ``HamiltonianGate`` with a free time by its
    exact diagonalisation, Clifford objects and annotated operations by circuits, and gates that are not Qiskit's by
    their definition or, where that contradicts their matrix, by the matrix. The given circuit is not changed.

    Args:
        circuit: A circuit; final measurements and what else has no inverse is treated as in :func:`unitary_part`.

    Returns:
        A new circuit with the same qubits and parameters.

    Raises:
        UnsupportedCircuitError: See :func:`unitary_part`; also for gates with neither definition nor matrix.

    Example:
        >>> circuit = QuantumCircuit(2)
        >>> _ = circuit.append(PauliEvolutionGate(SparsePauliOp(["ZZ", "XI"]), time=0.3), [0, 1])
        >>> list(synthesised(circuit).count_ops())
        ['rzz', 'rx']
    """
    part = unitary_part(circuit)
    result = empty_like(part)
    _copy(part, result, range(part.num_qubits))
    return result


def runnable(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a circuit for a transpiler, with what only the exact engine understands in terms of Qiskit's gates.

    A ``HamiltonianGate`` with a free time has no definition until it is bound, so it is replaced by its exact
    diagonalisation; a gate whose definition contradicts its matrix is replaced by the matrix, which is what it means.
    Everything else, measurements and control flow too, stays as it is.

    Args:
        circuit: Any circuit; it is not changed, and returned as it is if there is nothing to replace.
    """
    if not any(_needs_expansion(item.operation) for item in circuit.data):
        return circuit
    result = circuit.copy_empty_like()
    for item in circuit.data:
        if not _needs_expansion(item.operation):
            result.append(item)
            continue
        inner = _expanded(item.operation)
        result.global_phase += inner.global_phase
        result.compose(runnable(inner), item.qubits, item.clbits[: inner.num_clbits], inplace=True)
    return result


def _needs_expansion(operation: CircuitOperation) -> bool:
    if isinstance(operation, AnnotatedOperation):
        return _needs_expansion(operation.base_op)
    if meaning.is_library_gate(operation) or meaning.is_exactly(operation, PauliEvolutionGate):
        return False
    if meaning.is_exactly(operation, HamiltonianGate):
        return bool(meaning.free_parameters(operation))
    if not isinstance(operation, Gate):
        return False
    if meaning.has_doubtful_definition(operation):
        return meaning.true_matrix(operation) is not None
    definition = definition_of(operation)
    return definition is not None and any(_needs_expansion(item.operation) for item in definition.data)


def approximations(circuit: QuantumCircuit) -> tuple[str, ...]:
    """The names of the instructions that a device runs approximately, each once; empty if it runs the exact unitary.

    These are evolution gates whose terms do not all commute and whose synthesis is a product formula (or not one of
    Qiskit's deterministic ones), also inside of other gates and annotated operations.

    Args:
        circuit: Any circuit; it is not changed.

    Example:
        >>> circuit = QuantumCircuit(2)
        >>> _ = circuit.append(PauliEvolutionGate(SparsePauliOp(["ZZ", "XI"]), time=0.3), [0, 1])
        >>> approximations(circuit)
        ('PauliEvolution',)
    """
    names = (operation.name for operation in _evolutions(circuit) if not _synthesis_is_exact(operation))
    return tuple(dict.fromkeys(names))


def _evolutions(circuit: QuantumCircuit) -> Iterator[PauliEvolutionGate]:
    for instruction in circuit.data:
        if not instruction.is_standard_gate():
            yield from _evolutions_in(instruction.operation)


def _evolutions_in(operation: CircuitOperation) -> Iterator[PauliEvolutionGate]:
    if isinstance(operation, AnnotatedOperation):
        if all(float(m.power).is_integer() for m in operation.modifiers if isinstance(m, PowerModifier)):
            yield from _evolutions_in(operation.base_op)  # other powers become matrices
    elif isinstance(operation, ControlFlowOp):
        for block in operation.blocks:
            yield from _evolutions(block)
    elif meaning.is_exactly(operation, PauliEvolutionGate):
        yield operation
    elif isinstance(operation, Instruction) and not _is_exact(operation):
        definition = definition_of(operation)
        if definition is not None:
            yield from _evolutions(definition)


def _is_exact(operation: Instruction) -> bool:
    """Whether an instruction is run as its matrix says, or is replaced by the matrix."""
    return (
        meaning.is_library_gate(operation)
        or meaning.is_exactly(operation, HamiltonianGate)
        or meaning.has_doubtful_definition(operation)
    )


def _synthesis_is_exact(gate: PauliEvolutionGate) -> bool:
    if isinstance(gate.synthesis, MatrixExponential):
        return True
    # others may draw terms at random (QDrift) or do whatever their author likes
    deterministic = type(gate.synthesis) in (LieTrotter, SuzukiTrotter)
    return deterministic and evolution.all_strings_commute(gate)


def _is_kept(operation: CircuitOperation) -> bool:
    """Whether an operation is a gate of Qiskit's library with an exact definition, so that its inverse is exact."""
    if "to_matrix" in getattr(operation, "__dict__", {}):
        return False
    exact = meaning.is_exactly(operation, HamiltonianGate) and not meaning.free_parameters(operation)
    return exact or meaning.is_library_gate(operation)


def _copy(source: QuantumCircuit, extended: QuantumCircuit, qubits: Sequence[int]) -> None:
    place = dict(zip(source.qubits, qubits, strict=True))
    for instruction in source.data:
        chosen = [place[qubit] for qubit in instruction.qubits]
        operation = instruction.operation
        if instruction.is_standard_gate() or _is_kept(operation):
            extended.append(operation, chosen)
            continue
        expanded = _expanded(operation)
        extended.global_phase += expanded.global_phase
        _copy(expanded, extended, chosen)


def _expanded(operation: CircuitOperation) -> QuantumCircuit:
    """A circuit of the same unitary with simpler operations."""
    if isinstance(operation, AnnotatedOperation):
        return _modified(operation.base_op, list(operation.modifiers))
    if isinstance(operation, Clifford):
        return operation.to_circuit()
    if meaning.is_exactly(operation, HamiltonianGate):
        return _exact_hamiltonian(operation)
    if meaning.is_exactly(operation, PauliEvolutionGate):
        if isinstance(operation.synthesis, MatrixExponential):
            return _exact_evolution(operation.num_qubits, evolution.pauli_terms(operation), operation.time)
    elif meaning.has_doubtful_definition(operation):
        matrix = meaning.true_matrix(operation)
        if matrix is not None:
            return _circuit_of(UnitaryGate(matrix))
    definition = definition_of(operation)
    if definition is None:
        raise UnsupportedCircuitError(
            f"The instruction {operation.name!r} has neither a definition nor a unitary matrix "
            f"({type(operation).__name__}). {ADVICE}"
        )
    return unitary_part(definition)


def _circuit_of(operation: CircuitOperation) -> QuantumCircuit:
    circuit = QuantumCircuit(operation.num_qubits)
    circuit.append(operation, range(operation.num_qubits))
    return circuit


def _exact_hamiltonian(gate: HamiltonianGate) -> QuantumCircuit:
    terms = evolution.matrix_terms(gate)
    if terms is not None:
        return _exact_evolution(gate.num_qubits, terms, gate.params[1])
    circuit = QuantumCircuit(gate.num_qubits)
    _append_block(circuit, evolution.matrix_block(gate), gate.params[1])
    return circuit


def _exact_evolution(
    num_qubits: int, terms: Sequence[evolution.Term], time: ParameterExpression | float
) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits)
    for group in evolution.commuting_groups(terms):
        if len(group) == 1:
            ((x, z, coefficient),) = group
            _append_rotation(circuit, x, z, time * coefficient)
        else:
            _append_block(circuit, evolution.diagonalise(group, "PauliEvolution"), time)
    return circuit


def _append_block(
    circuit: QuantumCircuit, block: evolution.DiagonalisedBlock, time: ParameterExpression | float
) -> None:
    circuit.append(UnitaryGate(block.adjoint), block.qubits)
    for mask, weight in block.diagonal_terms():
        spread = sum(1 << qubit for place, qubit in enumerate(block.qubits) if mask >> place & 1)
        _append_rotation(circuit, 0, spread, time * weight)
    circuit.append(UnitaryGate(block.basis), block.qubits)


def _append_rotation(circuit: QuantumCircuit, x: int, z: int, time: ParameterExpression | float) -> None:
    """Append exp(-i time P(x, z)), whose synthesis is exact."""
    qubits = [qubit for qubit in range(circuit.num_qubits) if (x | z) >> qubit & 1]
    if not qubits:
        circuit.global_phase -= time
        return
    letters = "".join("IXZY"[(x >> qubit & 1) + 2 * (z >> qubit & 1)] for qubit in reversed(qubits))
    circuit.append(PauliEvolutionGate(SparsePauliOp(letters), time=time), qubits)


def _modified(base: CircuitOperation, modifiers: list[Modifier]) -> QuantumCircuit:
    if not modifiers:
        if _is_kept(base):
            return _circuit_of(base)
        circuit = QuantumCircuit(base.num_qubits)
        expanded = _expanded(base)
        circuit.global_phase = expanded.global_phase
        _copy(expanded, circuit, range(base.num_qubits))
        return circuit
    *inner, last = modifiers
    if isinstance(last, ControlModifier):
        gate = _modified(base, inner).to_gate()
        return _circuit_of(gate.control(last.num_ctrl_qubits, ctrl_state=last.ctrl_state, annotated=False))
    if isinstance(last, InverseModifier):
        return _modified(base, inner).inverse()
    if float(last.power).is_integer():
        circuit = _modified(base, inner)
        repeated = QuantumCircuit(circuit.num_qubits)
        for _ in range(abs(int(last.power))):
            repeated.compose(circuit if last.power > 0 else circuit.inverse(), inplace=True)
        return repeated
    matrix = None if meaning.free_parameters(base) else meaning.matrix_of(AnnotatedOperation(base, modifiers))
    if matrix is None:
        raise UnsupportedCircuitError(
            f"The instruction {base.name!r} with free parameters has the power {last.power}, which is a principal root "
            "and not a smooth function of them. Bind them first, or scale the angle instead."
        )
    return _circuit_of(UnitaryGate(matrix))
