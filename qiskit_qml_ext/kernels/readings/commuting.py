"""Whether the rotations of a feature map commute, once its Clifford gates are drawn to its end."""

from collections.abc import Iterable, Sequence

from qiskit_qml_ext.program import (
    CliffordGate,
    Operation,
    PauliRotation,
    RotationProgram,
    anticommute,
    conjugate,
    inverse_name,
)


def rotations_commute(programs: Iterable[RotationProgram]) -> bool:
    """Tell whether each group of qubits that interact is a single one, or has only rotations that commute.

    For such maps the two orders of a pair have the same distribution of outcomes; see
    :mod:`~qiskit_qml_ext.kernels.readings.definiteness`. A single IQP block is such a map, repeated ones are not.

    Args:
        programs: The groups, lowered. One that holds a fixed matrix on several qubits is taken for one that does not
            commute.
    """
    return all(program.num_qubits == 1 or _commute(program.operations) for program in programs)


def _commute(operations: Sequence[Operation]) -> bool:
    """Tell whether U = C Π exp(-i θ_k P_k / 2) with P_k that commute, C a Clifford gate."""
    gates: list[CliffordGate] = []
    strings: set[tuple[int, int]] = set()
    for operation in operations:
        if isinstance(operation, CliffordGate):
            gates.append(operation)
        elif isinstance(operation, PauliRotation):
            strings.add(_drawn_through(operation, reversed(gates)))
        else:
            return False
    ordered = sorted(strings)
    return not any(anticommute(*one, *other) for place, one in enumerate(ordered) for other in ordered[place + 1 :])


def _drawn_through(rotation: PauliRotation, gates: Iterable[CliffordGate]) -> tuple[int, int]:
    """Return the masks of G† P G for the gates G before a rotation, the last one first."""
    pauli = (rotation.x, rotation.z, 1)
    for gate in gates:
        pauli = conjugate(inverse_name(gate.name), gate.qubits, pauli)
    return pauli[0], pauli[1]
