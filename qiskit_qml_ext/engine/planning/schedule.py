"""From a rotation program to a short list of steps: frames, merged rotations and gathered diagonal gates.

Walking through the program, monomial Clifford gates go into the frame
(:mod:`qiskit_qml_ext.engine.planning.monomial_frame`), everything else is pulled through it and appended to a list of
*items*. Three rules keep the list short, all of them exact, because they only exchange operations that commute:

- a diagonal rotation joins the nearest earlier phase pass that it can reach through what it commutes with;
- another rotation or a Hadamard steps in front of the last pass if it commutes with all of its terms, and is merged
  with an earlier rotation about the same Pauli string (or cancels an equal Hadamard) if it can reach it;
- what acts on a qubit before any gate entangles it is moved to a one-qubit state, and the product is written directly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.engine.memory import Allowance
from qiskit_qml_ext.engine.planning.items import Dense, Hadamard, Item, Permute, Phases, Rotation, Row
from qiskit_qml_ext.engine.planning.monomial_frame import MONOMIAL, TABLE_BYTES, MonomialFrame
from qiskit_qml_ext.program import CliffordGate, InitialState, PauliRotation, RotationProgram, anticommute
from qiskit_qml_ext.program.pauli import SignedPauli

_PERMUTE_BYTES = 32  # per basis state: the two tables of a permutation, and the plan's table before and after packing
_REACH = 400  # how many items a merge looks back, so that scheduling stays linear in the length of the program


@dataclass
class Schedule:
    """The items in order of time, the frame that is left at the end, and the states prepared at the start."""

    num_qubits: int
    """The number of qubits."""
    items: list[Item]
    """What is carried out, in the order of time."""
    frame: MonomialFrame
    """What is left at the end."""
    initial: list[InitialState]
    """The states prepared at the start."""
    phase: Row
    """The global phase."""


def schedule(program: RotationProgram, allowance: Allowance) -> Schedule:
    """Pull the frame through a program and gather its items, within an allowance of memory."""
    return _Scheduler(program, allowance).run()


class _Scheduler:
    def __init__(self, program: RotationProgram, allowance: Allowance) -> None:
        self._program = program
        self._allowance = allowance
        self._frame = MonomialFrame(program.num_qubits)
        self._items: list[Item] = []
        self._phase = Row({} if program.phase is None else {program.phase: 1.0})

    def run(self) -> Schedule:
        initial = []
        for operation in self._program.operations:
            if isinstance(operation, PauliRotation):
                self._rotate(operation.x, operation.z, Row({operation.angle: 0.5}))
            elif isinstance(operation, CliffordGate):
                self._clifford(operation)
            elif isinstance(operation, InitialState):
                initial.append(operation)
            else:
                self._flush()
                self._items.append(Dense(operation.matrix, operation.qubits))
        return Schedule(self._program.num_qubits, self._items, self._frame, initial, self._phase)

    def _clifford(self, gate: CliffordGate) -> None:
        bit = 1 << gate.qubits[0]
        if gate.name in MONOMIAL:
            self._frame.append(gate.name, gate.qubits)
        elif gate.name == "h":
            self._hadamard(self._frame.pull(bit, 0), self._frame.pull(0, bit))
        else:  # sx = e^{iπ/4} RX(π/2)
            quarter = np.pi / 4 if gate.name == "sx" else -np.pi / 4
            self._rotate(bit, 0, Row({}, quarter))
            self._phase.add(Row({}, quarter))

    def _rotate(self, x: int, z: int, row: Row) -> None:
        x, z, sign = self._frame.pull(x, z)
        if x == 0:
            self._add_phase(z, row.scaled(-float(sign)))
        else:
            self._add_rotation(Rotation(x, z, row.scaled(float(sign))))

    def _add_phase(self, mask: int, row: Row) -> None:
        for item in reversed(self._items[-_REACH:]):
            if isinstance(item, Phases):
                item.terms.setdefault(mask, Row()).add(row)
                return
            if not _diagonal_commutes(mask, item):
                break
        self._items.append(Phases({mask: row}))

    def _add_rotation(self, rotation: Rotation) -> None:
        for item in reversed(self._items[-_REACH:]):
            if isinstance(item, Rotation) and (item.x, item.z) == (rotation.x, rotation.z):
                item.row.add(rotation.row)
                return
            if not _rotation_commutes(rotation, item):
                break
        self._insert(rotation, lambda mask: (mask & rotation.x).bit_count() % 2 == 0)

    def _hadamard(self, first: SignedPauli, second: SignedPauli) -> None:
        gate = Hadamard(first, second)
        for place in range(len(self._items) - 1, max(-1, len(self._items) - 1 - _REACH), -1):
            item = self._items[place]
            if item == gate:
                del self._items[place]
                return
            if not _hadamard_commutes(gate, item):
                break
        self._insert(gate, lambda mask: (mask & first[0]).bit_count() % 2 == 0)

    def _insert(self, item: Item, commutes: Callable[[int], bool]) -> None:
        last = self._items[-1] if self._items else None
        if isinstance(last, Phases) and all(commutes(mask) for mask in last.terms):
            self._items.insert(len(self._items) - 1, item)
        else:
            self._items.append(item)

    def _flush(self) -> None:
        if self._frame.is_trivial:
            return
        size = 1 << self._program.num_qubits
        self._allowance.reserve(TABLE_BYTES * size, kept=_PERMUTE_BYTES * size)
        target, power = self._frame.basis_table()
        if np.any(power) or np.any(target != np.arange(len(target))):
            self._items.append(Permute(target, power))
        self._frame = MonomialFrame(self._program.num_qubits)


def _diagonal_commutes(mask: int, item: Item) -> bool:
    if isinstance(item, Rotation):
        return (mask & item.x).bit_count() % 2 == 0
    if isinstance(item, Hadamard):
        return (mask & item.first[0]).bit_count() % 2 == 0
    return False


def _rotation_commutes(rotation: Rotation, item: Item) -> bool:
    if isinstance(item, Rotation):
        return not anticommute(rotation.x, rotation.z, item.x, item.z)
    if isinstance(item, Phases):
        return all((mask & rotation.x).bit_count() % 2 == 0 for mask in item.terms)
    if isinstance(item, Hadamard):
        return not (
            anticommute(rotation.x, rotation.z, *item.first[:2])
            or anticommute(rotation.x, rotation.z, *item.second[:2])
        )
    return False


def _hadamard_commutes(gate: Hadamard, item: Item) -> bool:
    if isinstance(item, Rotation):
        return _rotation_commutes(item, gate)
    if isinstance(item, Phases):
        return all((mask & gate.first[0]).bit_count() % 2 == 0 for mask in item.terms)
    if isinstance(item, Hadamard):
        return not any(
            anticommute(*one[:2], *other[:2])
            for one in (gate.first, gate.second)
            for other in (item.first, item.second)
        )
    return False
