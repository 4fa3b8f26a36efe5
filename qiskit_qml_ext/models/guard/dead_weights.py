"""Weights that change no output, wherever one starts."""

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import BoolArray, FloatArray, IndexArray
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.observables import simplified, size_of
from qiskit_qml_ext.models.guard.readers import Reader
from qiskit_qml_ext.models.guard.training_start import TrainingStart
from qiskit_qml_ext.program import PauliRotation, angles_and_slopes

_POINTS = 4  # a derivative that is not zero everywhere vanishes at random points with probability zero
_ZERO = 1e-12  # relative to the observables: above the rounding of thousands of gates, below any derivative of 2^-16


def constant_features(start: TrainingStart) -> IndexArray:
    """Return the features that have one value in all samples."""
    return np.flatnonzero(np.ptp(start.samples, axis=0) == 0)


def dead_weights(start: TrainingStart, reader: Reader | None, margin: float = 0.0) -> BoolArray:
    """Return which weights change no output, shape (W,): no claim is made that is not certain.

    Outside the backward light cone of all observables no gate has an effect, whatever the width. Inside, all
    derivatives are read at random points: weights from the whole range of angles (so that a special start such as all
    zeros misleads nobody) and data from the box that the samples fill, since single samples may be special too.

    Args:
        start: The model.
        reader: What reads derivatives; None leaves it at the light cone.
        margin: By how much features that have one value in all samples may differ from it in others.
    """
    rng = np.random.default_rng(0)
    rows = _generic_rows(start, rng, margin)
    if reader is None:
        return _outside_the_cone(start, rows)
    _, jacobian = reader.read(rows)  # zero outside the cone, too
    sizes = np.array([size_of(one) for one in start.observables])
    return np.asarray(np.all(np.abs(jacobian) <= _ZERO * sizes[:, None], axis=(0, 1)))


def _generic_rows(start: TrainingStart, rng: np.random.Generator, margin: float) -> FloatArray:
    low, high = start.samples.min(axis=0), start.samples.max(axis=0)
    high[constant_features(start)] += margin
    samples = rng.uniform(low, high, (_POINTS, len(low)))
    return start.rows(samples, rng.uniform(0, 2 * np.pi, (_POINTS, len(start.weights))))


def _outside_the_cone(start: TrainingStart, rows: FloatArray) -> BoolArray:
    program = start.program
    cone = 0
    for observable in start.observables:
        cone |= _support(observable, program.num_qubits)
    inside = []
    for operation in reversed(program.operations):
        meets = bool(operation.support & cone)
        if isinstance(operation, PauliRotation):
            inside.append(meets)
        cone |= operation.support if meets else 0
    _, slopes = angles_and_slopes(program, rows, tuple(start.weights.tolist()))
    return np.asarray(~np.any(slopes[:, np.array(inside[::-1], dtype=np.bool_)] != 0, axis=(0, 1)))


def _support(observable: Observable, num_qubits: int) -> int:
    """The qubits that an observable can see, as a bit mask: all of them for what is no Pauli sum."""
    if not isinstance(observable, (Pauli, SparsePauliOp)):
        return (1 << num_qubits) - 1
    paulis = simplified(observable).paulis
    return sum(1 << int(qubit) for qubit in np.flatnonzero(np.any(paulis.x | paulis.z, axis=0)))
