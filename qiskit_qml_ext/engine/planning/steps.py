"""Steps of a bytecode: the rows of integers that the compiled interpreter runs, and what each costs."""

from collections.abc import Sequence

import numpy as np

from qiskit_qml_ext.arrays import IntArray
from qiskit_qml_ext.engine.compiled.machine import Opcode

Step = tuple[int, ...]
"""An opcode and its arguments, see :class:`~qiskit_qml_ext.engine.compiled.machine.Opcode`."""

_STEP_WIDTH = 8


def as_code(steps: Sequence[Step]) -> IntArray:
    """Steps as an array of shape (steps, 8)."""
    code = np.zeros((len(steps), _STEP_WIDTH), dtype=np.int64)
    for place, step in enumerate(steps):
        code[place, : len(step)] = step
    return code


def row_updates(step: Step, num_qubits: int) -> int:
    """How many rows a step updates, roughly; rotations and passes set the unit."""
    size = 1 << num_qubits
    opcode = step[0]
    if opcode in (Opcode.DOUBLE_ROW, Opcode.FOLD_ROW):
        return 1 << step[2]
    if opcode in (Opcode.DOUBLE_TABLE, Opcode.FOLD_TABLE):
        return 1 << step[3]
    if opcode == Opcode.DENSE:
        return size << step[2]
    if opcode in (Opcode.QUADRATIC, Opcode.PERMUTE):
        return 3 * size
    if opcode == Opcode.HADAMARD_LAYER:
        return size * (1 + step[1].bit_count() // 2)
    if opcode >= Opcode.SET and opcode <= Opcode.FOLD_SET and opcode not in (Opcode.DOUBLE_ROW, Opcode.DOUBLE_TABLE):
        return 2
    return size
