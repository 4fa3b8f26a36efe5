"""The metric tensor of a circuit's states, exact.

A rotation exp(-iθP/2) has the derivative -iP/2 exp(-iθP/2), which is half the same rotation by θ + π. So the derivative
of the state by one angle is half the state with that angle shifted by π; the chain rule leads to the parameters.
"""

from dataclasses import replace
from itertools import count
from weakref import WeakKeyDictionary

import numpy as np
from qiskit.circuit import ParameterVector

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.engine import statevectors
from qiskit_qml_ext.program import AffineRows, AngleMap, PauliRotation, RotationProgram

_MAX_BYTES = 2**27  # of states at once


def mean_metric(program: RotationProgram, rows: FloatArray, columns: IntArray) -> FloatArray:
    """Return the mean over rows of g_ij = Re(⟨∂_iψ|∂_jψ⟩ - ⟨∂_iψ|ψ⟩⟨ψ|∂_jψ⟩).

    Args:
        program: The circuit.
        rows: Parameter values, shape (B, P).
        columns: The parameters i and j, shape (W,).

    Returns:
        Shape (W, W): a quarter of the quantum Fisher information.

    References:
        Stokes et al., arXiv:1909.02108, eq. 9.
    """
    free = _with_free_angles(program)
    sources = np.array([rotation.angle for rotation in program.rotations], dtype=np.int64)
    angles = program.angles.evaluate(rows)[:, sources]
    each = np.eye(program.angles.num_angles)
    slopes = np.stack([program.angles.vjp(np.tile(row, (len(each), 1)), each) for row in rows])
    slopes = slopes[:, sources][:, :, columns]
    moving = np.flatnonzero(np.any(slopes, axis=(0, 2)))
    total = np.zeros((len(columns), len(columns)))
    if not len(moving):
        return total
    at_once = max(1, _MAX_BYTES // (16 * (len(moving) + 1) << program.num_qubits))
    for first in range(0, len(rows), at_once):
        chunk = angles[first : first + at_once]
        shifted = np.repeat(chunk[:, None], len(moving) + 1, axis=1)
        shifted[:, np.arange(len(moving)), moving] += np.pi
        states = statevectors(free, shifted.reshape(-1, len(sources))).reshape(len(chunk), len(moving) + 1, -1)
        for index, slope in enumerate(slopes[first : first + at_once, moving]):
            derivatives, state = states[index, :-1] / 2, states[index, -1]
            along = derivatives.conj() @ state
            metric = (derivatives.conj() @ derivatives.T - np.outer(along, along.conj())).real
            total += slope.T @ metric @ slope
    return total / len(rows)


def _with_free_angles(program: RotationProgram) -> RotationProgram:
    """The same operations with the angle of every rotation a parameter of its own, without the global phase."""
    free = _FREE.get(program)
    if free is None:
        places, number = count(), len(program.rotations)
        operations = tuple(
            replace(operation, angle=next(places)) if isinstance(operation, PauliRotation) else operation
            for operation in program.operations
        )
        none = AffineRows.from_forms([])
        each = AffineRows.from_forms([({angle: 1.0}, 0.0) for angle in range(number)])
        angles = AngleMap(number, np.zeros(0, dtype=np.int64), none, none, each)
        free = RotationProgram(program.num_qubits, tuple(ParameterVector("a", number)), operations, angles)
        _FREE[program] = free
    return free


_FREE: WeakKeyDictionary[RotationProgram, RotationProgram] = WeakKeyDictionary()
