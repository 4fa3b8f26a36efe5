"""Exact values and derivatives of a model's outputs before its training, by states or by Pauli strings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.engine import Observable, expectation_jacobian
from qiskit_qml_ext.engine.pauli.propagation import PauliPropagation
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.models.guard.training_start import TrainingStart
from qiskit_qml_ext.program import RotationProgram

WORK = 3e8
"""Amplitudes times operations that a look at the start may take: some tenths of a second."""

MAX_STRINGS = 10_000
"""Pauli strings that are followed instead of states."""

FEWEST_ROWS = 8
"""Two samples at the start and at three others: the fewest from which the scatter of starts has an interval."""

_TURN = 60.0  # amplitudes that take as long as one turn of a pair of strings


class Reader(Protocol):
    """Reads exact values."""

    @property
    def max_strings(self) -> int | None:
        """The Pauli strings that may be followed; None for states."""

    @property
    def affordable(self) -> int:
        """How many rows can be read within :data:`WORK`."""

    def read(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the values (B, M) and their derivatives by the weights (B, M, W) at values of all parameters."""


@dataclass(frozen=True, eq=False)
class StateReader:
    """Reads states."""

    program: RotationProgram
    """The circuit."""
    observables: tuple[Observable, ...]
    """What is read, M of them."""
    weights: IntArray
    """The columns of the weights."""
    max_strings: int | None = None
    """None: no Pauli strings are followed."""

    @property
    def affordable(self) -> int:
        """How many rows can be read within :data:`WORK`: each takes a pass, and one back for each observable."""
        passes = 1 + len(self.observables)
        return int(WORK / (2.0**self.program.num_qubits * max(len(self.program.operations), 1) * passes))

    def read(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return values and derivatives; see :class:`Reader`."""
        values, jacobian = expectation_jacobian(self.program, rows, list(self.observables))
        if np.iscomplexobj(values):
            raise ValueError("observables must be Hermitian, but one has complex coefficients.")
        return np.asarray(values, dtype=np.float64), np.asarray(jacobian, dtype=np.float64)[:, :, self.weights]


@dataclass(frozen=True, eq=False)
class StringReader:
    """Follows the Pauli strings of each observable."""

    propagations: tuple[PauliPropagation, ...]
    """One for each observable."""
    weights: IntArray
    """The columns of the weights."""
    max_strings: int | None = MAX_STRINGS
    """How many are followed."""

    @property
    def affordable(self) -> int:
        """How many rows can be read within :data:`WORK`."""
        return int(WORK / (_TURN * max(sum(one.num_turns for one in self.propagations), 1)))

    def read(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return values and derivatives; see :class:`Reader`."""
        readings = [one.losses_and_gradients(rows) for one in self.propagations]
        values, gradients = (np.stack(parts, axis=1) for parts in zip(*readings, strict=True))
        return values, gradients[:, :, self.weights]


def reader_of(start: TrainingStart) -> Reader | None:
    """Return what reads a model's values quickly, or None."""
    states = StateReader(start.program, start.observables, start.weights)
    if states.affordable >= FEWEST_ROWS:
        return states
    strings = _strings(start)
    return strings if strings is not None and strings.affordable >= FEWEST_ROWS else None


def _strings(start: TrainingStart) -> StringReader | None:
    sums = _pauli_sums(start.observables)
    if sums is None:
        return None
    try:
        followed = tuple(PauliPropagation(start.circuit, one, max_strings=MAX_STRINGS) for one in sums)
    except UnsupportedCircuitError:
        return None
    return StringReader(followed, start.weights)


def _pauli_sums(observables: Sequence[Observable]) -> list[SparsePauliOp] | None:
    if not all(isinstance(one, (Pauli, SparsePauliOp)) for one in observables):
        return None
    return [SparsePauliOp(one) for one in observables]
