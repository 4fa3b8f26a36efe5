"""Inverses, powers and controlled versions of lowered operations, exact and with free angles.

Everything but a dense matrix stays a product of Pauli rotations: with the projector Π on a state of the controls,
Π = 2^-k Σ_S σ_S Z_S over the subsets S of the k controls (σ_S the product of -1 for each control in S that must be 1),

    exp(-i θ/2 Π ⊗ P) = ∏_S exp(-i 2^-k σ_S θ/2 Z_S P),

whose factors commute. A Clifford gate is a product of Pauli rotations by multiples of π/2 and a phase.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program.evolution import check_dense_size
from qiskit_qml_ext.program.expressions import Form
from qiskit_qml_ext.program.operations import CliffordGate, DenseUnitary, InitialState
from qiskit_qml_ext.program.pauli import inverse_name

_MAX_STEPS = 1 << 18  # operations that a power or a control may expand to
_HALF = math.pi / 2.0


class FreeRotation(NamedTuple):
    """exp(-i angle/2 P(x, z)) whose angle is still a form."""

    x: int
    z: int
    angle: Form


Step = FreeRotation | CliffordGate | DenseUnitary | InitialState


class Fragment(NamedTuple):
    """Operations in the order of time, and the global phase that they come with."""

    steps: list[Step]
    phase: Form


_AS_ROTATIONS: dict[str, tuple[float, tuple[tuple[str, float], ...]]] = {
    # the phase, and rotations in the order of time; letter j acts on the gate's qubit j
    "x": (_HALF, (("X", math.pi),)),
    "y": (_HALF, (("Y", math.pi),)),
    "z": (_HALF, (("Z", math.pi),)),
    "h": (_HALF, (("Y", _HALF), ("X", math.pi))),
    "s": (_HALF / 2, (("Z", _HALF),)),
    "sdg": (-_HALF / 2, (("Z", -_HALF),)),
    "sx": (_HALF / 2, (("X", _HALF),)),
    "sxdg": (-_HALF / 2, (("X", -_HALF),)),
    "cx": (_HALF / 2, (("ZI", _HALF), ("IX", _HALF), ("ZX", -_HALF))),
    "cz": (_HALF / 2, (("ZI", _HALF), ("IZ", _HALF), ("ZZ", -_HALF))),
    "swap": (-_HALF / 2, (("XX", -_HALF), ("YY", -_HALF), ("ZZ", -_HALF))),
}


def inverted(fragment: Fragment) -> Fragment:
    """The inverse: everything undone in the reverse order."""
    steps: list[Step] = []
    for step in reversed(fragment.steps):
        if isinstance(step, FreeRotation):
            steps.append(step._replace(angle=step.angle.scale(-1.0)))
        elif isinstance(step, CliffordGate):
            steps.append(CliffordGate(inverse_name(step.name), step.qubits))
        elif isinstance(step, DenseUnitary):
            matrix = np.ascontiguousarray(step.matrix.conj().T)
            matrix.flags.writeable = False
            steps.append(DenseUnitary(matrix, step.qubits))
        else:
            raise AssertionError("an initial state has no inverse; fragments are lowered on qubits in use")
    return Fragment(steps, fragment.phase.scale(-1.0))


def repeated(fragment: Fragment, times: int) -> Fragment:
    """The fragment ``times`` times in a row; a negative number repeats its inverse.

    Raises:
        UnsupportedCircuitError: The result would have too many operations.
    """
    base = inverted(fragment) if times < 0 else fragment
    _check_length(len(base.steps) * abs(times), f"a power of {times}")
    return Fragment(base.steps * abs(times), base.phase.scale(float(abs(times))))


def controlled(fragment: Fragment, controls: Sequence[int], state: int) -> Fragment:
    """The fragment if the qubits ``controls`` are in the basis state ``state`` (bit j belongs to ``controls[j]``).

    Raises:
        UnsupportedCircuitError: The result would have too many operations or too large a dense matrix.
    """
    if not controls:
        return fragment
    subsets = _subsets(controls, state)
    _check_length(len(fragment.steps) * len(subsets), f"{len(controls)} controls")
    result: list[Step] = []
    total = Form()

    def add_phase(angle: Form) -> None:
        nonlocal total
        for mask, weight in subsets:
            if mask:
                result.append(FreeRotation(0, mask, angle.scale(-2.0 * weight)))
            else:
                total = total.add(angle, weight)

    def add_rotation(x: int, z: int, angle: Form) -> None:
        result.extend(FreeRotation(x, z ^ mask, angle.scale(weight)) for mask, weight in subsets)

    if fragment.phase.terms or fragment.phase.constant:
        add_phase(fragment.phase)
    for step in fragment.steps:
        if isinstance(step, FreeRotation):
            add_rotation(*step)
        elif isinstance(step, CliffordGate) and step.name in ("x", "z") and len(controls) == 1 and state == 1:
            result.append(CliffordGate("c" + step.name, (controls[0], *step.qubits)))
        elif isinstance(step, CliffordGate):
            phase, rotations = _AS_ROTATIONS[step.name]
            add_phase(Form(phase))
            for letters, angle in rotations:
                add_rotation(*_masks(letters, step.qubits), Form(angle))
        elif isinstance(step, DenseUnitary):
            result.append(_controlled_matrix(step, controls, state))
        else:
            raise AssertionError("an initial state has no controlled version; fragments are lowered on qubits in use")
    return Fragment(result, total)


def _subsets(controls: Sequence[int], state: int) -> list[tuple[int, float]]:
    """``(mask of S, 2^-k σ_S)`` for all subsets S of the controls; the masks are those of the circuit's qubits."""
    subsets = [(0, 1.0)]
    for place, qubit in enumerate(controls):
        sign = -0.5 if state >> place & 1 else 0.5
        subsets = [(mask, 0.5 * weight) for mask, weight in subsets] + [
            (mask | 1 << qubit, sign * weight) for mask, weight in subsets
        ]
    return subsets


def _masks(letters: str, qubits: Sequence[int]) -> tuple[int, int]:
    x = sum(1 << qubit for letter, qubit in zip(letters, qubits, strict=True) if letter in "XY")
    z = sum(1 << qubit for letter, qubit in zip(letters, qubits, strict=True) if letter in "ZY")
    return x, z


def _controlled_matrix(step: DenseUnitary, controls: Sequence[int], state: int) -> DenseUnitary:
    qubits = (*step.qubits, *controls)
    check_dense_size("a controlled matrix", len(qubits))
    size = len(step.matrix)
    matrix = np.eye(1 << len(qubits), dtype=np.complex128)
    matrix[state * size : (state + 1) * size, state * size : (state + 1) * size] = step.matrix
    matrix.flags.writeable = False
    return DenseUnitary(matrix, qubits)


def _check_length(length: int, what: str) -> None:
    if length > _MAX_STEPS:
        raise UnsupportedCircuitError(
            f"An instruction with {what} expands to {length} operations; at most {_MAX_STEPS} are supported. "
            "Synthesise it explicitly before (for example with qiskit.transpile)."
        )
