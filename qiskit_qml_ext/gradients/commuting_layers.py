"""The layers of a program whose generators commute, and where each can be measured just before it.

Pulled in front of all Clifford gates, rotations are exp(-iφP̃/2) one after another. One that commutes with another can
change places with it. So each stands in the first layer that comes after all those with which it anticommutes, and all
generators of a layer commute.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from qiskit_qml_ext.program import (
    CliffordGate,
    Operation,
    PauliRotation,
    RotationProgram,
    SignedPauli,
    anticommute,
    conjugate,
    inverse_name,
)


@dataclass(frozen=True, eq=False)
class CommutingLayer:
    """Rotations whose generators commute, and the state just before them."""

    rotations: tuple[int, ...]
    """Their places among the program's rotations."""
    strings: tuple[SignedPauli, ...] = field(repr=False)
    """Their generators on the state of ``before``, with signs."""
    before: RotationProgram = field(repr=False)
    """The part of the program that comes before them."""
    kept: tuple[int, ...] = field(repr=False)
    """The places of the rotations that are in it."""


def commuting_layers(program: RotationProgram) -> list[CommutingLayer]:
    """Return the layers in the order of time; every rotation is in one of them."""
    placed = _placed(program)
    layers = []
    for level in sorted({one.level for one in placed}):
        members = [one for one in placed if one.level == level]
        operations, kept, gates = _before(program, placed, level, members[0].barrier)
        strings = [_pushed(gates, one.string) for one in members]
        before = replace(program, operations=tuple(operations), phase=None)
        layers.append(CommutingLayer(tuple(one.rotation for one in members), tuple(strings), before, tuple(kept)))
    return layers


@dataclass(frozen=True)
class _Placed:
    """A rotation with its string after the last fixed operation that is no Clifford gate, and its layer."""

    rotation: int
    place: int
    string: SignedPauli
    barrier: int
    level: int


def _placed(program: RotationProgram) -> list[_Placed]:
    gates: list[CliffordGate] = []
    placed: list[_Placed] = []
    barrier, lowest, rotation = 0, 0, 0
    for place, operation in enumerate(program.operations):
        if isinstance(operation, CliffordGate):
            gates.append(operation)
        elif isinstance(operation, PauliRotation):
            string: SignedPauli = (operation.x, operation.z, 1)
            for gate in reversed(gates):
                string = conjugate(inverse_name(gate.name), gate.qubits, string)
            after = [
                one.level + 1 for one in placed if one.barrier == barrier and anticommute(*one.string[:2], *string[:2])
            ]
            placed.append(_Placed(rotation, place, string, barrier, max([lowest, *after])))
            rotation += 1
        else:
            gates, barrier = [], place + 1
            lowest = max([lowest, *(one.level + 1 for one in placed)])
    return placed


def _before(
    program: RotationProgram, placed: Sequence[_Placed], level: int, barrier: int
) -> tuple[list[Operation], list[int], list[CliffordGate]]:
    """The operations before a layer, the rotations among them, and the Clifford gates after the barrier."""
    earlier = {one.place: one.rotation for one in placed if one.level < level}
    last = max([barrier, *(place + 1 for place in earlier)])
    operations: list[Operation] = []
    for place, operation in enumerate(program.operations[:last]):
        if not isinstance(operation, PauliRotation) or place in earlier:
            operations.append(operation)
    gates = [one for one in program.operations[barrier:last] if isinstance(one, CliffordGate)]
    return operations, [earlier[place] for place in sorted(earlier)], gates


def _pushed(gates: Sequence[CliffordGate], string: SignedPauli) -> SignedPauli:
    for gate in gates:
        string = conjugate(gate.name, gate.qubits, string)
    return string
