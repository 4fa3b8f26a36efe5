"""The user's circuit with a free angle for every angle of a gate: what shift rules run on a device.

The gates stay what they are, so that a device runs the circuit whose gradient is asked for: a controlled rotation is
shifted as a controlled rotation. Gates made of others are entered. Where a gate has no few frequencies (an evolution
under terms that do not commute, a gate with modifiers), the whole circuit is taken as Pauli rotations instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from weakref import WeakKeyDictionary

from qiskit import QuantumCircuit
from qiskit.circuit import ControlledGate, Instruction, ParameterExpression, ParameterVector, Qubit
from qiskit.circuit import Operation as CircuitOperation
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.gradients.methods.spectra import frequencies_by_angle
from qiskit_qml_ext.program import AngleMap, RotationProgram, circuit_with_free_angles, lower, unitary_part
from qiskit_qml_ext.program.expressions import ExpressionCompiler, Form
from qiskit_qml_ext.program.meaning import has_doubtful_definition
from qiskit_qml_ext.program.unitary_part import definition_of, empty_like


@dataclass(frozen=True, eq=False)
class FreeCircuit:
    """A circuit with the free angles φ_1…φ_G, and what they are as functions of the user's parameters."""

    circuit: QuantumCircuit
    """With one parameter for each free angle."""
    frequencies: tuple[tuple[float, ...], ...] = field(repr=False)
    """For each free angle the frequencies of an expectation value by it."""
    angle_map: AngleMap = field(repr=False)
    """From the user's parameters to angles."""
    places: tuple[int, ...] = field(repr=False)
    """Which angle of the map each free angle is."""
    keeps_gates: bool = True
    """Whether the gates are those of the user's circuit."""

    def angles(self, values: FloatArray) -> FloatArray:
        """Return the free angles at values of the user's parameters (B, P): shape (B, G)."""
        return self.angle_map.evaluate(values)[:, list(self.places)]

    def slopes(self, values: FloatArray) -> FloatArray:
        """Return the derivatives of the free angles by the user's parameters, shape (B, G, P)."""
        return self.angle_map.jacobian(values)[:, list(self.places)]

    def in_order(self, angles: FloatArray) -> FloatArray:
        """Return free angles, last axis G, in the order of ``circuit.parameters``."""
        return angles[..., [parameter.index for parameter in self.circuit.parameters]]


def free_circuit(circuit: QuantumCircuit) -> FreeCircuit:
    """Return a circuit with its angles set free; kept as long as the lowered circuit is.

    Raises:
        UnsupportedCircuitError: The circuit cannot be lowered.
    """
    program = lower(circuit)  # refuses what nobody can differentiate, and says why
    kept = _kept.get(program)
    if kept is None:
        kept = _kept[program] = _freed(circuit, program)
    return kept


_kept: WeakKeyDictionary[RotationProgram, FreeCircuit] = WeakKeyDictionary()


def _freed(circuit: QuantumCircuit, program: RotationProgram) -> FreeCircuit:
    freed = _Freeing(circuit)
    if freed.enter(unitary_part(circuit, timing=True), freed.circuit.qubits):
        return FreeCircuit(
            freed.built(),
            tuple(freed.frequencies),
            freed.compiler.angle_map(freed.forms),
            tuple(range(len(freed.forms))),
        )
    return FreeCircuit(
        circuit_with_free_angles(program),
        ((1.0,),) * len(program.rotations),
        program.angles,
        tuple(rotation.angle for rotation in program.rotations),
        keeps_gates=False,
    )


class _Freeing:
    """Copies a circuit, replacing every angle that has no value yet by a free one."""

    def __init__(self, circuit: QuantumCircuit) -> None:
        self.circuit = empty_like(circuit)
        self.circuit.global_phase = 0.0  # changes no expectation value
        self.compiler = ExpressionCompiler(circuit.parameters)
        self.forms: list[Form] = []
        self.frequencies: list[tuple[float, ...]] = []
        self._gates: list[tuple[CircuitOperation, list[Qubit], int]] = []

    def enter(self, circuit: QuantumCircuit, qubits: Sequence[Qubit]) -> bool:
        """Copy the instructions of a circuit; tell whether all of them could be."""
        place = dict(zip(circuit.qubits, qubits, strict=True))
        return all(
            self._copy(instruction.operation, [place[qubit] for qubit in instruction.qubits])
            for instruction in circuit.data
        )

    def built(self) -> QuantumCircuit:
        """Return the circuit with the free angles φ."""
        vector, used = ParameterVector("φ", len(self.forms)), 0
        for operation, qubits, count in self._gates:
            self.circuit.append(_with_angles(operation, vector[used : used + count]), qubits)
            used += count
        return self.circuit

    def _copy(self, operation: CircuitOperation, qubits: list[Qubit]) -> bool:
        if not operation.num_qubits:  # a global phase, which changes no expectation value
            return True
        if not _free_angles(operation):
            self._gates.append((operation, qubits, 0))
            return True
        spectra = _spectra(operation)
        if spectra is not None:
            self._gates.append((operation, qubits, len(spectra)))
            self.frequencies += spectra
            self.forms += [self.compiler.form(angle) for angle in _free_angles(operation)]
            return True
        definition = None if _is_beyond_its_definition(operation) else definition_of(operation)
        return definition is not None and self.enter(definition, qubits)


def _free_angles(operation: CircuitOperation) -> list[ParameterExpression]:
    """The angles of an operation that have no value yet, also those inside of what it modifies."""
    base = getattr(operation, "base_op", operation)
    return [one for one in getattr(base, "params", ()) if isinstance(one, ParameterExpression) and one.parameters]


def _is_beyond_its_definition(operation: CircuitOperation) -> bool:
    """Whether the definition is no circuit of the same unitary."""
    if not isinstance(operation, Instruction) or isinstance(operation, PauliEvolutionGate):
        return True
    return has_doubtful_definition(operation)


def _spectra(operation: CircuitOperation) -> list[tuple[float, ...]] | None:
    """Return the frequencies of each free angle of a gate that stays as it is; None for others."""
    if not (_is_standard(operation) or type(operation) is PauliEvolutionGate):
        return None
    number = len(_free_angles(operation))
    alone = QuantumCircuit(operation.num_qubits)
    alone.append(_with_angles(operation, ParameterVector("φ", number)), range(operation.num_qubits))
    return frequencies_by_angle(lower(alone))


def _is_standard(operation: CircuitOperation) -> bool:
    """Whether a gate is one of Qiskit's standard gates with all its controls closed, and nothing of the user's."""
    if getattr(operation, "base_class", None) not in _standard_classes() or "to_matrix" in getattr(
        operation, "__dict__", {}
    ):
        return False
    return not isinstance(operation, ControlledGate) or operation.ctrl_state == 2**operation.num_ctrl_qubits - 1


@cache
def _standard_classes() -> frozenset[type]:
    return frozenset(gate.base_class for gate in get_standard_gate_name_mapping().values())


def _with_angles(operation: CircuitOperation, angles: Sequence[ParameterExpression]) -> CircuitOperation:
    """Return a gate with other expressions in the place of its free angles."""
    if not len(angles):
        return operation
    if isinstance(operation, PauliEvolutionGate):
        return PauliEvolutionGate(operation.operator, time=angles[0], synthesis=operation.synthesis)
    left = iter(angles)
    kept = [next(left) if isinstance(one, ParameterExpression) and one.parameters else one for one in operation.params]
    return operation.base_class(*kept, label=operation.label)
