"""The one lowering step: ``QuantumCircuit`` to :class:`RotationProgram`."""

import weakref
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from qiskit.circuit import ControlFlowOp, Gate, ParameterExpression, QuantumCircuit
from qiskit.circuit import Operation as CircuitOperation
from qiskit.circuit.library import PauliGate, PermutationGate, StatePreparation, UnitaryGate
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.exceptions import QiskitError

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program.expressions import ExpressionCompiler, Form
from qiskit_qml_ext.program.gates import RULES
from qiskit_qml_ext.program.operations import (
    CliffordGate,
    DenseUnitary,
    InitialState,
    Operation,
    PauliRotation,
    RotationProgram,
)

_UNITARY_ATOL = 1e-8  # Qiskit's own tolerance for UnitaryGate
_MAX_DENSE_QUBITS = 12  # a dense matrix on more qubits takes over 256 MiB
_VANISHING = 1e-15  # an entry below this has no meaningful phase and contributes nothing
_NEGLIGIBLE_ANGLE = 1e-16  # a constant rotation below half an ulp of 1 changes nothing


def lower(circuit: QuantumCircuit) -> RotationProgram:
    """Lower a circuit to Pauli rotations, Clifford gates and few fixed dense operations.

    The program applied to |0…0> reproduces ``Statevector(circuit)`` including the global phase. Barriers, delays,
    directives and final measurements are ignored; a reset of a qubit on which nothing has acted is dropped. The result
    is cached until the circuit changes; the circuit itself is never changed.

    A ``PauliEvolutionGate`` is lowered through its synthesis (by default one Lie-Trotter step), which is what backends
    run. ``Statevector`` exponentiates its Hamiltonian exactly instead; the two agree when the terms commute.

    Args:
        circuit: Any circuit of gates that have a definition or a matrix, with free parameters.

    Returns:
        The program; its parameters are in the order of ``circuit.parameters``.

    Raises:
        TypeError: ``circuit`` is not a ``QuantumCircuit``.
        UnsupportedCircuitError: The circuit has no qubits, or contains a mid-circuit measurement or reset, control
            flow, a non-unitary instruction or a complex angle; the message names the instruction.

    Example:
        >>> from qiskit import QuantumCircuit
        >>> circuit = QuantumCircuit(2)
        >>> circuit.cx(0, 1) and circuit.ry(0.5, 1) and None
        >>> lower(circuit)
        RotationProgram(2 qubits, 0 parameters, 1 rotations, 1 Clifford gates, 0 dense unitaries, 0 initial states)
    """
    if not isinstance(circuit, QuantumCircuit):
        raise TypeError(f"circuit is a {type(circuit).__name__}; expected a qiskit QuantumCircuit.")
    entry = _cache.get(id(circuit))
    if entry is not None and entry[0]() is circuit and _unchanged(circuit, entry[1]):
        return entry[2]
    program = _Lowering(circuit).run()
    key = id(circuit)
    _cache[key] = (weakref.ref(circuit, lambda _: _cache.pop(key, None)), circuit.copy(), program)
    return program


_cache: dict[int, tuple["weakref.ref[QuantumCircuit]", QuantumCircuit, RotationProgram]] = {}


def _unchanged(circuit: QuantumCircuit, snapshot: QuantumCircuit) -> bool:
    return bool(
        circuit.num_qubits == snapshot.num_qubits
        and circuit.global_phase == snapshot.global_phase
        and circuit.data == snapshot.data
    )


@cache
def _standard_classes() -> dict[str, type]:
    return {name: gate.base_class for name, gate in get_standard_gate_name_mapping().items()}


class _Lowering:
    """Collects the operations of one circuit; definitions are entered recursively."""

    def __init__(self, circuit: QuantumCircuit) -> None:
        if circuit.num_qubits == 0:
            raise UnsupportedCircuitError("The circuit has no qubits; at least one is needed.")
        self._circuit = circuit
        self._compiler = ExpressionCompiler(circuit.parameters)
        self._operations: list[Operation] = []
        self._forms: list[Form] = []
        self._angle_of: dict[object, int] = {}
        self._phase = Form()
        self._touched: set[int] = set()
        self._measured: set[int] = set()

    def run(self) -> RotationProgram:
        self._enter(self._circuit, range(self._circuit.num_qubits))
        phase = self._angle(self._phase) if self._phase.terms or self._phase.constant else None
        return RotationProgram(
            num_qubits=self._circuit.num_qubits,
            parameters=tuple(self._circuit.parameters),
            operations=tuple(self._operations),
            angles=self._compiler.angle_map(self._forms),
            phase=phase,
        )

    def _enter(self, circuit: QuantumCircuit, qubits: Sequence[int]) -> None:
        self.add_phase(self._compiler.form(circuit.global_phase))
        place = {qubit: qubits[index] for index, qubit in enumerate(circuit.qubits)}
        for instruction in circuit.data:
            self._lower(instruction.operation, [place[qubit] for qubit in instruction.qubits])

    def _lower(self, operation: CircuitOperation, qubits: Sequence[int]) -> None:
        name = operation.name
        if getattr(operation, "_directive", False) or name == "delay":
            return
        if name == "measure":
            self._measured.update(qubits)
            return
        self._refuse_non_unitary(operation, qubits)
        if name == "reset":
            return
        rule = RULES.get(name)
        if rule is not None and getattr(operation, "base_class", None) is _standard_classes().get(name):
            rule(self, qubits, [self._compiler.form(parameter) for parameter in operation.params])
        elif not self._lower_special(operation, qubits):
            self._lower_by_definition(operation, qubits)
        self._touched.update(qubits)

    def _refuse_non_unitary(self, operation: CircuitOperation, qubits: Sequence[int]) -> None:
        name = operation.name
        if isinstance(operation, ControlFlowOp):
            raise UnsupportedCircuitError(f"The circuit contains the control-flow instruction {name!r}. {_ADVICE}")
        measured = sorted(self._measured.intersection(qubits))
        if measured:
            raise UnsupportedCircuitError(
                f"Qubit {measured[0]} is measured before the instruction {name!r} acts on it; only measurements at the "
                f"end of a circuit are supported. {_ADVICE}"
            )
        touched = sorted(self._touched.intersection(qubits))
        if name in ("reset", "initialize") and touched:
            raise UnsupportedCircuitError(
                f"The instruction {name!r} resets qubit {touched[0]} after other instructions acted on it, which is "
                f"not unitary. {_ADVICE}"
            )

    def _lower_special(self, operation: CircuitOperation, qubits: Sequence[int]) -> bool:
        if isinstance(operation, UnitaryGate):
            self._add_matrix(np.asarray(operation.to_matrix(), dtype=np.complex128), qubits)
        elif isinstance(operation, PermutationGate):
            self._add_permutation([int(source) for source in operation.pattern], qubits)
        elif isinstance(operation, PauliGate):
            for label, qubit in zip(reversed(operation.params[0]), qubits, strict=True):
                if label != "I":
                    self.clifford(label.lower(), qubit)
        elif isinstance(operation, StatePreparation) and self._is_amplitude_list(operation, qubits):
            amplitudes = np.array(operation.params, dtype=np.complex128)
            self._operations.append(InitialState(_frozen(amplitudes), tuple(qubits)))
        else:
            return False
        return True

    def _is_amplitude_list(self, operation: StatePreparation, qubits: Sequence[int]) -> bool:
        return (
            not self._touched.intersection(qubits)
            and len(operation.params) == 2 ** len(qubits)
            and not any(isinstance(value, str | ParameterExpression) for value in operation.params)
            and not getattr(operation, "_inverse", False)
        )

    def _lower_by_definition(self, operation: CircuitOperation, qubits: Sequence[int]) -> None:
        definition = getattr(operation, "definition", None)
        if isinstance(definition, QuantumCircuit):
            self._enter(definition, qubits)
            return
        matrix = _matrix_of(operation)
        if matrix is not None and len(qubits) <= _MAX_DENSE_QUBITS:
            self._add_matrix(matrix, qubits)
            return
        synthesised = _synthesise(operation, len(qubits))
        if synthesised is None:
            raise UnsupportedCircuitError(
                f"The instruction {operation.name!r} has neither a definition nor a unitary matrix. {_ADVICE}"
            )
        self._enter(synthesised, qubits)

    def _add_matrix(self, matrix: npt.NDArray[np.complex128], qubits: Sequence[int]) -> None:
        dimension = 2 ** len(qubits)
        if matrix.shape != (dimension, dimension) or not np.allclose(
            matrix @ matrix.conj().T, np.eye(dimension), atol=_UNITARY_ATOL
        ):
            raise UnsupportedCircuitError(f"A matrix on qubits {list(qubits)} is not unitary.")
        if len(qubits) == 1:
            self._add_one_qubit_matrix(matrix, qubits)
        else:
            self._operations.append(DenseUnitary(_frozen(matrix), tuple(qubits)))

    def _add_one_qubit_matrix(self, matrix: npt.NDArray[np.complex128], qubits: Sequence[int]) -> None:
        """Write a 2x2 unitary as exp(iγ) RZ(φ) RY(θ) RZ(λ)."""
        theta = 2.0 * float(np.arctan2(abs(matrix[1, 0]), abs(matrix[0, 0])))
        # the phases of the two entries of the larger pair give γ and φ ± λ; the smaller pair only its difference
        sum_phase = float(np.angle(matrix[1, 1] * np.conj(matrix[0, 0])))  # φ + λ, noise where cos(θ/2) = 0
        gamma = float(np.angle(matrix[0, 0])) + sum_phase / 2.0
        if abs(matrix[0, 0]) < _VANISHING:
            sum_phase = 0.0
            gamma = float(np.angle(-matrix[1, 0] * matrix[0, 1])) / 2.0
        difference = 0.0  # φ - λ, free where sin(θ/2) = 0
        if abs(matrix[1, 0]) >= _VANISHING:
            difference = 2.0 * (float(np.angle(matrix[1, 0])) - gamma)
        for label, angle in (
            ("Z", (sum_phase - difference) / 2.0),
            ("Y", theta),
            ("Z", (sum_phase + difference) / 2.0),
        ):
            self.rotate(label, qubits, Form(angle))
        self.add_phase(Form(gamma))

    def _add_permutation(self, pattern: Sequence[int], qubits: Sequence[int]) -> None:
        """Qiskit's convention: the state of qubit ``pattern[k]`` moves to qubit k."""
        wires = list(range(len(pattern)))
        for target, source in enumerate(pattern):
            place = wires.index(source)
            if place != target:
                self.clifford("swap", qubits[target], qubits[place])
                wires[target], wires[place] = wires[place], wires[target]

    def rotate(self, label: str, qubits: Sequence[int], angle: Form) -> None:
        """Append exp(-i angle/2 P), where ``label[j]`` acts on ``qubits[j]``."""
        if not angle.terms and abs(angle.constant) < _NEGLIGIBLE_ANGLE:
            return
        x = sum(1 << qubit for letter, qubit in zip(label, qubits, strict=True) if letter in "XY")
        z = sum(1 << qubit for letter, qubit in zip(label, qubits, strict=True) if letter in "ZY")
        self._operations.append(PauliRotation(x, z, self._angle(angle)))

    def clifford(self, name: str, *qubits: int) -> None:
        """Append a Clifford gate."""
        self._operations.append(CliffordGate(name, qubits))

    def add_phase(self, angle: Form) -> None:
        """Multiply by exp(i angle)."""
        self._phase = self._phase.add(angle)

    def _angle(self, form: Form) -> int:
        """The index of an angle; equal forms share one."""
        key = form.key()
        if key not in self._angle_of:
            self._angle_of[key] = len(self._forms)
            self._forms.append(form)
        return self._angle_of[key]


_ADVICE = "Exact simulation needs a unitary circuit; run this one on a sampler such as AerSimulator."


def _frozen(array: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
    array = np.array(array)
    array.flags.writeable = False
    return array


def _matrix_of(operation: CircuitOperation) -> npt.NDArray[np.complex128] | None:
    if not isinstance(operation, Gate):
        return None
    try:
        return np.asarray(operation.to_matrix(), dtype=np.complex128)
    except (QiskitError, TypeError, ValueError):
        return None


def _synthesise(operation: CircuitOperation, num_qubits: int) -> QuantumCircuit | None:
    """Let Qiskit's own synthesis expand what has no definition (annotated operations, Clifford objects, …)."""
    from qiskit.transpiler import PassManager  # deferred: only exotic operations need the transpiler
    from qiskit.transpiler.passes import HighLevelSynthesis

    if getattr(operation, "num_clbits", 0):
        return None
    circuit = QuantumCircuit(num_qubits)
    circuit.append(operation, range(num_qubits))
    try:
        expanded = PassManager([HighLevelSynthesis()]).run(circuit)
    except QiskitError:
        return None
    unchanged = len(expanded.data) == 1 and expanded.data[0].operation.name == operation.name
    return None if unchanged else expanded
