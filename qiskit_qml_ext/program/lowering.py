"""The one lowering step: ``QuantumCircuit`` to :class:`RotationProgram`."""

import weakref
from collections.abc import Sequence
from functools import cache

import numpy as np
from qiskit.circuit import (
    AnnotatedOperation,
    CircuitInstruction,
    ControlledGate,
    Measure,
    QuantumCircuit,
    Reset,
)
from qiskit.circuit import Operation as CircuitOperation
from qiskit.circuit.annotated_operation import ControlModifier, InverseModifier, Modifier, PowerModifier
from qiskit.circuit.library import (
    HamiltonianGate,
    PauliEvolutionGate,
    PauliGate,
    PermutationGate,
    StatePreparation,
    UnitaryGate,
)
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.quantum_info import Clifford

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import evolution, meaning, modifiers
from qiskit_qml_ext.program.collector import Collector, spread
from qiskit_qml_ext.program.expressions import ExpressionCompiler, Form
from qiskit_qml_ext.program.gates import RULES, Rule
from qiskit_qml_ext.program.modifiers import Fragment, FreeRotation
from qiskit_qml_ext.program.nesting import nesting_refused
from qiskit_qml_ext.program.operations import (
    Operation,
    PauliRotation,
    RotationProgram,
)
from qiskit_qml_ext.program.unitary_part import ADVICE, definition_of, is_directive, refuse_non_unitary

_MAX_POWER = 64  # a fixed operation with a larger power is taken by its matrix


def lower(circuit: QuantumCircuit) -> RotationProgram:
    """Lower a circuit to Pauli rotations, Clifford gates and few fixed dense operations.

    The program applied to |0…0> reproduces ``Statevector(circuit)`` including the global phase, for every operation
    that has a matrix: a ``PauliEvolutionGate`` or ``HamiltonianGate`` is the exact exponential, also with a free time
    (see :mod:`qiskit_qml_ext.program.evolution`), not the product formula that a device would run. Barriers, delays,
    directives and final measurements are ignored; a reset of a qubit on which nothing has acted is dropped. What an
    operation is, its class says; its name does not matter. The result is cached until the circuit changes; the circuit
    itself is never changed.

    Args:
        circuit: Any circuit of gates that have a definition or a matrix, with free parameters.

    Returns:
        The program; its parameters are in the order of ``circuit.parameters``.

    Raises:
        TypeError: ``circuit`` is not a ``QuantumCircuit``.
        UnsupportedCircuitError: The circuit has no qubits, or contains a mid-circuit measurement or reset, control
            flow, a non-unitary instruction, a complex angle, or a gate whose exact matrix would be too large or
            contradicts its definition; the message names the instruction.

    Example:
        >>> from qiskit import QuantumCircuit
        >>> circuit = QuantumCircuit(2)
        >>> circuit.cx(0, 1) and circuit.ry(0.5, 1) and None
        >>> lower(circuit)
        RotationProgram(2 qubits, 0 parameters, 1 rotations, 1 Clifford gates, 0 dense unitaries, 0 initial states)
    """
    if not isinstance(circuit, QuantumCircuit):
        raise TypeError(f"circuit must be a qiskit QuantumCircuit, but a {type(circuit).__name__} came.")
    entry = _cache.get(id(circuit))
    if entry is not None and entry[0]() is circuit and _unchanged(circuit, entry[1]):
        return entry[2]
    lowering = _Lowering(circuit)
    key = id(circuit)
    with nesting_refused():
        program = lowering.run()
        kept = circuit.copy() if lowering.is_cacheable else None
    if kept is not None:
        _cache[key] = (weakref.ref(circuit, lambda _: _cache.pop(key, None)), kept, program)
    return program


_cache: dict[int, tuple["weakref.ref[QuantumCircuit]", QuantumCircuit, RotationProgram]] = {}


def _unchanged(circuit: QuantumCircuit, snapshot: QuantumCircuit) -> bool:
    try:
        return bool(
            circuit.num_qubits == snapshot.num_qubits
            and circuit.global_phase == snapshot.global_phase
            and circuit.data == snapshot.data
        )
    except TypeError:  # comparing gates writes their definitions, which fails for angles such as |a - a|
        return False


@cache
def _standard_classes() -> dict[str, type]:
    return {name: gate.base_class for name, gate in get_standard_gate_name_mapping().items()}


@cache
def _rule_of_class() -> dict[type, Rule]:
    return {kind: RULES[name] for name, kind in _standard_classes().items() if name in RULES}


class _Lowering:
    """Collects the operations of one circuit; definitions are entered recursively.

    Attributes:
        is_cacheable: Whether ``==`` of circuits notices all that the program depends on. Matrices of gates that are
            not Qiskit's may depend on anything.
    """

    def __init__(self, circuit: QuantumCircuit) -> None:
        if circuit.num_qubits == 0:
            raise UnsupportedCircuitError("The circuit has no qubits; at least one is needed.")
        self.is_cacheable = True
        self._circuit = circuit
        self._compiler = ExpressionCompiler(circuit.parameters)
        self._out = Collector()
        self._forms: list[Form] = []
        self._angle_of: dict[object, int] = {}
        self._touched: set[int] = set()
        self._measured: set[int] = set()
        self._blocks: dict[object, evolution.DiagonalisedBlock] = {}

    def run(self) -> RotationProgram:
        self._enter(self._circuit, range(self._circuit.num_qubits))
        collected = self._out.fragment
        operations: list[Operation] = [
            PauliRotation(step.x, step.z, self._angle(step.angle)) if isinstance(step, FreeRotation) else step
            for step in collected.steps
        ]
        phase = self._angle(collected.phase) if collected.phase.terms or collected.phase.constant else None
        return RotationProgram(
            num_qubits=self._circuit.num_qubits,
            parameters=tuple(self._circuit.parameters),
            operations=tuple(operations),
            angles=self._compiler.angle_map(self._forms),
            phase=phase,
        )

    def _enter(self, circuit: QuantumCircuit, qubits: Sequence[int]) -> None:
        self._out.add_phase(self._compiler.form(circuit.global_phase))
        place = {qubit: qubits[index] for index, qubit in enumerate(circuit.qubits)}
        for instruction in circuit.data:
            places = [place[qubit] for qubit in instruction.qubits]
            if instruction.is_standard_gate():
                self._lower_standard(instruction, places)
            else:
                self._lower(instruction.operation, places)

    def _lower_standard(self, instruction: CircuitInstruction, qubits: Sequence[int]) -> None:
        """Append what a circuit stores as one of Qiskit's standard gates, whose names are fixed.

        An object of a subclass may have been put in; what ``Statevector`` gets out is the standard gate.
        """
        rule = RULES.get(instruction.name)
        if rule is None:
            kind = _standard_classes().get(instruction.name)
            self._lower(instruction.operation if kind is None else kind(*instruction.params), qubits)
            return
        if self._measured.intersection(qubits):
            refuse_non_unitary(instruction.operation, touched=(), measured=self._measured.intersection(qubits))
        rule(self._out, qubits, [self._compiler.form(parameter) for parameter in instruction.params])
        self._touched.update(qubits)

    def _lower(self, operation: CircuitOperation, qubits: Sequence[int]) -> None:
        rule = _rule_of_class().get(getattr(operation, "base_class", None))  # type: ignore[arg-type]
        if rule is None or _has_open_control(operation) or "to_matrix" in getattr(operation, "__dict__", {}):
            rule = None
            if is_directive(operation):
                return
            if isinstance(operation, Measure):
                self._measured.update(qubits)
                return
        refuse_non_unitary(
            operation, touched=self._touched.intersection(qubits), measured=self._measured.intersection(qubits)
        )
        if isinstance(operation, Reset):
            return
        if rule is not None:
            rule(self._out, qubits, [self._compiler.form(parameter) for parameter in operation.params])
        elif not self._lower_special(operation, qubits):
            self._lower_by_meaning(operation, qubits)
        if not operation.num_clbits:
            self._touched.update(qubits)

    def _lower_special(self, operation: CircuitOperation, qubits: Sequence[int]) -> bool:
        if meaning.is_exactly(operation, UnitaryGate):
            self._out.add_matrix(np.asarray(operation.to_matrix(), dtype=np.complex128), qubits)
        elif meaning.is_exactly(operation, PermutationGate):
            self._out.permute([int(source) for source in operation.pattern], qubits)
        elif meaning.is_exactly(operation, PauliGate):
            for label, qubit in zip(reversed(operation.params[0]), qubits, strict=True):
                if label != "I":
                    self._out.clifford(label.lower(), qubit)
        elif isinstance(operation, AnnotatedOperation):
            self._add_modified(operation.base_op, list(operation.modifiers), qubits)
        elif isinstance(operation, Clifford):
            self._enter(operation.to_circuit(), qubits)
        elif meaning.is_exactly(operation, PauliEvolutionGate):
            terms = evolution.pauli_terms(operation)
            self._add_evolution(operation.name, terms, self._compiler.form(operation.time), qubits)
        elif meaning.is_exactly(operation, HamiltonianGate):
            self._add_hamiltonian(operation, qubits)
        elif meaning.is_exactly(operation, StatePreparation) and self._is_amplitude_list(operation, qubits):
            amplitudes = np.array(operation.params, dtype=np.complex128)
            self._out.add_state(amplitudes, qubits)
        else:
            return False
        return True

    def _is_amplitude_list(self, operation: StatePreparation, qubits: Sequence[int]) -> bool:
        return (
            not self._touched.intersection(qubits)
            and len(operation.params) == 2 ** len(qubits)
            and not any(isinstance(value, str) for value in operation.params)
            and not getattr(operation, "_inverse", False)
        )

    def _lower_by_meaning(self, operation: CircuitOperation, qubits: Sequence[int]) -> None:
        if meaning.has_doubtful_definition(operation):
            self.is_cacheable = False
            matrix = meaning.true_matrix(operation)
            if matrix is not None:
                self._out.add_matrix(matrix, qubits, operation.name)
                return
        definition = definition_of(operation)
        if definition is None:
            definition = meaning.synthesise(operation)
        if definition is None:
            raise UnsupportedCircuitError(
                f"The instruction {operation.name!r} has neither a definition nor a unitary matrix "
                f"({type(operation).__name__}). {ADVICE}"
            )
        self._enter(definition, qubits)

    # --- evolution under a Hamiltonian -------------------------------------------------------------------------------

    def _add_hamiltonian(self, gate: HamiltonianGate, qubits: Sequence[int]) -> None:
        time = self._compiler.form(gate.params[1])
        terms = evolution.matrix_terms(gate)
        if terms is not None:
            self._add_evolution(gate.name, terms, time, qubits)
            return
        matrix = np.asarray(gate.params[0])
        key = (matrix.shape, matrix.tobytes())
        if key not in self._blocks:
            self._blocks[key] = evolution.matrix_block(gate)
        self._out.add_block(self._blocks[key], time, qubits)

    def _add_evolution(self, name: str, terms: Sequence[evolution.Term], time: Form, qubits: Sequence[int]) -> None:
        """Append exp(-i time H) for the terms of H over the gate's own qubits."""
        for group in evolution.commuting_groups(terms):
            if len(group) == 1:
                ((x, z, coefficient),) = group
                self._out.rotate_masks(spread(x, qubits), spread(z, qubits), time.scale(2.0 * coefficient))
                continue
            key = tuple(group)
            if key not in self._blocks:
                self._blocks[key] = evolution.diagonalise(group, name)
            self._out.add_block(self._blocks[key], time, qubits)

    # --- modifiers ---------------------------------------------------------------------------------------------------

    def _add_modified(self, base: CircuitOperation, chosen: list[Modifier], qubits: Sequence[int]) -> None:
        """Append an operation with modifiers; the last one acts last, and its controls are the first qubits."""
        if not chosen:
            self._lower(base, qubits)
            return
        *inner, last = chosen
        if isinstance(last, ControlModifier):
            controls, targets = qubits[: last.num_ctrl_qubits], qubits[last.num_ctrl_qubits :]
            self._out.append(modifiers.controlled(self._fragment(base, inner, targets), controls, last.ctrl_state))
        elif isinstance(last, InverseModifier):
            self._out.append(modifiers.inverted(self._fragment(base, inner, qubits)))
        elif not isinstance(last, PowerModifier):
            raise UnsupportedCircuitError(f"The modifier {last} of {base.name!r} is unknown.")
        elif float(last.power).is_integer() and (abs(last.power) <= _MAX_POWER or meaning.free_parameters(base)):
            self._out.append(modifiers.repeated(self._fragment(base, inner, qubits), int(last.power)))
        else:
            matrix = None if meaning.free_parameters(base) else meaning.matrix_of(AnnotatedOperation(base, chosen))
            if matrix is None:
                raise UnsupportedCircuitError(
                    f"The instruction {base.name!r} with free parameters has the power {last.power}, which is a "
                    "principal root and not a smooth function of them. Bind them first, or scale the angle instead."
                )
            self._out.add_matrix(matrix, qubits, base.name)

    def _fragment(self, base: CircuitOperation, chosen: list[Modifier], qubits: Sequence[int]) -> Fragment:
        """Lower an operation apart from what has been collected so far."""
        outer, touched = self._out, set(self._touched)
        self._out = Collector()
        self._touched.update(qubits)  # what is modified must be a unitary, whatever state it acts on
        measured = len(self._measured)
        self._add_modified(base, chosen, qubits)
        if len(self._measured) != measured:
            raise UnsupportedCircuitError(f"The instruction {base.name!r} has modifiers and measures. {ADVICE}")
        fragment = self._out.fragment
        self._out, self._touched = outer, touched
        return fragment

    def _angle(self, form: Form) -> int:
        """The index of an angle; equal forms share one."""
        key = form.key()
        if key not in self._angle_of:
            self._angle_of[key] = len(self._forms)
            self._forms.append(form)
        return self._angle_of[key]


def _has_open_control(operation: CircuitOperation) -> bool:
    return isinstance(operation, ControlledGate) and operation.ctrl_state != 2**operation.num_ctrl_qubits - 1
