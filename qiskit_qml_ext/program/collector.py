"""Collects what a circuit is made of, in the order of time: the sink of the rules in :mod:`gates`."""

from collections.abc import Sequence

import numpy as np

from qiskit_qml_ext.arrays import ComplexArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program.euler import euler_angles
from qiskit_qml_ext.program.evolution import DiagonalisedBlock
from qiskit_qml_ext.program.expressions import Form
from qiskit_qml_ext.program.modifiers import Fragment, FreeRotation, Step
from qiskit_qml_ext.program.operations import CliffordGate, DenseUnitary, InitialState

_UNITARY_ATOL = 1e-8  # Qiskit's own tolerance for UnitaryGate
_NEGLIGIBLE_ANGLE = 1e-16  # a constant rotation below half an ulp of 1 changes nothing


class Collector:
    """Operations and a global phase, appended one by one; angles are still forms of the parameters."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._phase = Form()

    @property
    def fragment(self) -> Fragment:
        """What was collected."""
        return Fragment(self._steps, self._phase)

    def append(self, fragment: Fragment) -> None:
        """Append what was collected apart."""
        for step in fragment.steps:
            if isinstance(step, FreeRotation):
                self.rotate_masks(*step)
            else:
                self._steps.append(step)
        self.add_phase(fragment.phase)

    def add_matrix(self, matrix: ComplexArray, qubits: Sequence[int], name: str = "unitary") -> None:
        """Append a fixed unitary; ``name`` is the instruction's, for the error if it is none."""
        dimension = 2 ** len(qubits)
        if matrix.shape != (dimension, dimension) or not np.allclose(
            matrix @ matrix.conj().T, np.eye(dimension), atol=_UNITARY_ATOL
        ):
            raise UnsupportedCircuitError(
                f"The matrix of the instruction {name!r} on qubits {list(qubits)} is not a unitary of shape "
                f"{(dimension, dimension)}."
            )
        self.add_unitary(matrix, qubits)

    def add_unitary(self, matrix: ComplexArray, qubits: Sequence[int]) -> None:
        """Append a fixed unitary, which on one qubit is three rotations and a phase."""
        if len(qubits) == 1:
            self._add_one_qubit_matrix(matrix, qubits)
        else:
            self._steps.append(DenseUnitary(_frozen(matrix), tuple(qubits)))

    def _add_one_qubit_matrix(self, matrix: ComplexArray, qubits: Sequence[int]) -> None:
        phase, angles = euler_angles(matrix)
        for label, angle in zip("ZYZ", angles, strict=True):
            self.rotate(label, qubits, Form(angle))
        self.add_phase(Form(phase))

    def add_state(self, amplitudes: ComplexArray, qubits: Sequence[int]) -> None:
        """Prepare qubits on which nothing has acted."""
        self._steps.append(InitialState(_frozen(amplitudes), tuple(qubits)))

    def permute(self, pattern: Sequence[int], qubits: Sequence[int]) -> None:
        """Qiskit's convention: the state of qubit ``pattern[k]`` moves to qubit k."""
        wires = list(range(len(pattern)))
        for target, source in enumerate(pattern):
            place = wires.index(source)
            if place != target:
                self.clifford("swap", qubits[target], qubits[place])
                wires[target], wires[place] = wires[place], wires[target]

    def rotate(self, label: str, qubits: Sequence[int], angle: Form) -> None:
        """Append exp(-i angle/2 P), where ``label[j]`` acts on ``qubits[j]``."""
        x = sum(1 << qubit for letter, qubit in zip(label, qubits, strict=True) if letter in "XY")
        z = sum(1 << qubit for letter, qubit in zip(label, qubits, strict=True) if letter in "ZY")
        self.rotate_masks(x, z, angle)

    def rotate_masks(self, x: int, z: int, angle: Form) -> None:
        """Append exp(-i angle/2 P(x, z)) over the circuit's qubits."""
        if not angle.terms and abs(angle.constant) < _NEGLIGIBLE_ANGLE:
            return
        if x | z:
            self._steps.append(FreeRotation(x, z, angle))
        else:
            self.add_phase(angle.scale(-0.5))

    def clifford(self, name: str, *qubits: int) -> None:
        """Append a Clifford gate."""
        self._steps.append(CliffordGate(name, qubits))

    def add_phase(self, angle: Form) -> None:
        """Multiply by exp(i angle)."""
        self._phase = self._phase.add(angle)

    def add_block(self, block: DiagonalisedBlock, time: Form, qubits: Sequence[int]) -> None:
        """Append exp(-i time H) for a block of commuting terms over the gate's own qubits."""
        places = [qubits[qubit] for qubit in block.qubits]
        if not time.terms:
            self.add_unitary(block.unitary(float(np.real(time.constant))), places)
            return
        self.add_unitary(block.adjoint, places)
        for mask, weight in block.diagonal_terms():
            self.rotate_masks(0, spread(mask, places), time.scale(2.0 * weight))
        self.add_unitary(block.basis, places)


def spread(mask: int, qubits: Sequence[int]) -> int:
    """The mask of a gate's own qubits as a mask of the circuit's."""
    return sum(1 << qubit for place, qubit in enumerate(qubits) if mask >> place & 1)


def _frozen(array: ComplexArray) -> ComplexArray:
    if not array.flags.writeable and array.flags.c_contiguous:
        return array  # a block that several gates share
    array = np.array(array)
    array.flags.writeable = False
    return array
