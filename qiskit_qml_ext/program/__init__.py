"""The intermediate form that everything is built on: circuits as Clifford gates and Pauli rotations.

``lower(circuit)`` gives a :class:`RotationProgram`: a plain, readable list of operations and an :class:`AngleMap` from
the circuit's parameters to the rotation angles. The engine simulates it, gradient rules differentiate it, and Pauli
propagation, light cones and Lie algebras read their generators off it.
"""

from qiskit_qml_ext.program.angles import AffineRows, AngleMap
from qiskit_qml_ext.program.free_angles import (
    angles_and_slopes,
    circuit_with_free_angles,
    driven_angles,
    driven_rotations,
    program_with_free_angles,
)
from qiskit_qml_ext.program.lowering import lower
from qiskit_qml_ext.program.operations import (
    CliffordGate,
    DenseUnitary,
    InitialState,
    Operation,
    PauliRotation,
    RotationProgram,
)
from qiskit_qml_ext.program.pauli import CLIFFORD_NAMES, SignedPauli, anticommute, conjugate, inverse_name, multiply
from qiskit_qml_ext.program.synthesis import approximations, runnable, synthesised
from qiskit_qml_ext.program.unitary_part import unitary_part

__all__ = [
    "CLIFFORD_NAMES",
    "AffineRows",
    "AngleMap",
    "CliffordGate",
    "DenseUnitary",
    "InitialState",
    "Operation",
    "PauliRotation",
    "RotationProgram",
    "SignedPauli",
    "angles_and_slopes",
    "anticommute",
    "approximations",
    "circuit_with_free_angles",
    "conjugate",
    "driven_angles",
    "driven_rotations",
    "inverse_name",
    "lower",
    "multiply",
    "program_with_free_angles",
    "runnable",
    "synthesised",
    "unitary_part",
]
