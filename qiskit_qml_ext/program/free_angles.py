"""A program whose rotations each have an angle of their own: what shift rules move, and the chain rule back.

A parameter may stand in several rotations, and in expressions. So every rule is applied to rotation r's own angle φ_r,
and ∂C/∂θ_p = Σ_r ∂C/∂φ_r · ∂φ_r/∂θ_p.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import PauliEvolutionGate, StatePreparation, UnitaryGate
from qiskit.quantum_info import Pauli

from qiskit_qml_ext.arrays import BoolArray, FloatArray
from qiskit_qml_ext.program.angles import AffineRows, AngleMap
from qiskit_qml_ext.program.operations import CliffordGate, DenseUnitary, PauliRotation, RotationProgram


def program_with_free_angles(program: RotationProgram) -> RotationProgram:
    """Return the program in which rotation r has the angle φ[r] of its own, without its global phase."""
    number = len(program.rotations)
    counter = iter(range(number))
    operations = tuple(
        replace(operation, angle=next(counter)) if isinstance(operation, PauliRotation) else operation
        for operation in program.operations
    )
    nothing = AffineRows.from_forms([])
    rows = AffineRows.from_forms([({rotation: 1.0}, 0.0) for rotation in range(number)])
    angles = AngleMap(number, np.zeros(0, dtype=np.int64), nothing, nothing, rows)
    return RotationProgram(program.num_qubits, tuple(ParameterVector("φ", number)), operations, angles)


def circuit_with_free_angles(program: RotationProgram) -> QuantumCircuit:
    """Return a circuit in which rotation r has the angle φ[r] of its own; global phases are left out."""
    circuit = QuantumCircuit(program.num_qubits)
    angles = iter(ParameterVector("φ", len(program.rotations)))
    for operation in program.operations:
        if isinstance(operation, PauliRotation):
            append_rotation(circuit, operation, next(angles))
        elif isinstance(operation, CliffordGate):
            getattr(circuit, operation.name)(*operation.qubits)
        elif isinstance(operation, DenseUnitary):
            circuit.append(UnitaryGate(operation.matrix), operation.qubits)
        else:
            circuit.append(StatePreparation(operation.amplitudes), operation.qubits)
    return circuit


def append_rotation(circuit: QuantumCircuit, rotation: PauliRotation, angle: object) -> None:
    """Append exp(-i angle P/2) about the string of a rotation."""
    qubits = [qubit for qubit in range(circuit.num_qubits) if rotation.support >> qubit & 1]
    letters = "".join(_letter(rotation, qubit) for qubit in qubits)
    named: dict[str, Callable[..., object]] = {
        "X": circuit.rx, "Y": circuit.ry, "Z": circuit.rz, "XX": circuit.rxx, "YY": circuit.ryy, "ZZ": circuit.rzz
    }  # fmt: skip
    if letters in named:
        named[letters](angle, *qubits)
    elif letters:
        circuit.append(PauliEvolutionGate(Pauli(letters[::-1]), time=angle / 2), qubits)  # type: ignore[operator]


def _letter(rotation: PauliRotation, qubit: int) -> str:
    return "IZXY"[(rotation.z >> qubit & 1) + 2 * (rotation.x >> qubit & 1)]


def angles_and_slopes(
    program: RotationProgram, values: FloatArray, columns: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """Return the angle of each rotation, shape (B, R), and its derivatives by the chosen parameters, (B, R, C)."""
    which = [rotation.angle for rotation in program.rotations]
    angles = program.angles.evaluate(values)[:, which]
    return angles, program.angles.jacobian(values)[:, which][:, :, list(columns)]


def driven_rotations(program: RotationProgram, columns: Sequence[int]) -> BoolArray:
    """Return which rotations depend on one of these parameters: each of them is shifted by itself, twice."""
    driven = driven_angles(program.angles, columns)
    return driven[[rotation.angle for rotation in program.rotations]]


def driven_angles(angles: AngleMap, columns: Sequence[int]) -> BoolArray:
    """Return which angles of a map depend on one of these parameters, shape (K,)."""
    depends = np.zeros(angles.num_atoms, dtype=np.bool_)
    depends[list(columns)] = True
    for node in range(len(angles.functions)):
        used = [*angles.left.row(node)[0], *angles.right.row(node)[0]]
        depends[angles.num_parameters + node] = bool(depends[used].any())
    rows = (angles.rows.row(angle)[0] for angle in range(angles.num_angles))
    return np.array([any(depends[atom] for atom, factor in terms.items() if factor != 0) for terms in rows], np.bool_)
