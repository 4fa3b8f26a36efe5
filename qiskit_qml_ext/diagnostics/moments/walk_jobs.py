"""Which walks of Pauli strings add up to the second moments of an observable, and its exact mean.

One walk for each term, with the square of its coefficient. A pair of terms contributes only if its product R = Q_iQ_j
is seen by the initial state; gates whose generator anticommutes with R hold the pair in place and give E cos θ.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.diagnostics.moments.program import FixedRotation, MomentProgram, RandomRotation
from qiskit_qml_ext.diagnostics.subject.observables import constant_of
from qiskit_qml_ext.engine.observables import simplified
from qiskit_qml_ext.exceptions import UnsupportedCircuitError, UnsupportedObservableError
from qiskit_qml_ext.program import CliffordGate, SignedPauli, anticommute, conjugate, inverse_name, multiply

_MAX_PAIRS = 20_000
_IMAGINARY = 1e-12  # of the largest coefficient
_NEGLIGIBLE = 1e-14  # cross terms with a smaller factor do not change a double


@dataclass(frozen=True)
class WalkJob:
    """Walks of one Pauli string whose mean weight enters with a coefficient; steps in ``forced`` move nothing.

    For a pair of strings ``partner`` is the other one, and the coefficient is 2 c_i c_j E⟨Q_iQ_j⟩.
    """

    pauli: tuple[int, int]
    """The string's masks (x, z)."""
    coefficient: float
    """What the mean weight is multiplied by."""
    forced: frozenset[int]
    """The positions of steps that move nothing."""
    partner: tuple[int, int] | None = None
    """The masks of the other string of a pair; None for a single one."""


def pauli_terms(observable: object) -> dict[tuple[int, int], float]:
    """The Paulis of an observable but the identity, as bit masks, with their coefficients."""
    if not isinstance(observable, (Pauli, SparsePauliOp)):
        raise UnsupportedObservableError(
            f"Pauli walks need a Pauli sum, but the observable is a {type(observable).__name__}."
        )
    operator = simplified(observable)
    if np.abs(np.imag(operator.coeffs)).max(initial=0.0) > _IMAGINARY * np.abs(operator.coeffs).max(initial=0.0):
        raise ValueError("The observable is not Hermitian: it has complex coefficients.")
    terms = {}
    for pauli, coefficient in zip(operator.paulis, operator.coeffs, strict=True):
        x = sum(1 << int(q) for q in np.flatnonzero(pauli.x))
        z = sum(1 << int(q) for q in np.flatnonzero(pauli.z))
        if (x | z) and coefficient != 0:
            terms[x, z] = float(np.real(coefficient))
    if not terms:
        raise ValueError("The observable is a multiple of the identity, which no circuit changes.")
    return terms


def constant_part(observable: object) -> float:
    """The coefficient of the identity."""
    return constant_of(SparsePauliOp(observable))


def walk_jobs(
    program: MomentProgram, terms: dict[tuple[int, int], float], noise: tuple[float, float]
) -> tuple[list[WalkJob], list[WalkJob]]:
    """The walks whose weights add up to E C²: one for each term, and one for each pair of terms that matters."""
    check_pairs(program, terms, noise)
    jobs = [WalkJob(pauli, c**2, frozenset()) for pauli, c in terms.items()]
    return jobs, _cross_jobs(program, list(terms.items()))


def check_pairs(program: MomentProgram, terms: dict[tuple[int, int], float], noise: tuple[float, float]) -> None:
    """Refuse an observable of several terms whose pairs are too many, or do not follow the form that walks take.

    Raises:
        UnsupportedCircuitError: If the first gates prepare no stabiliser state, or the pairs are too many.
        ValueError: If there is noise.
    """
    if len(terms) == 1:
        return
    for start in program.start:
        entries = np.abs(start.moments)
        if np.any(np.minimum(entries, np.abs(entries - 1)) > 1e-9):
            raise UnsupportedCircuitError(
                "For an observable of several terms, the first gates must prepare a stabiliser state, but they rotate "
                "by a fixed angle that is no multiple of π/2. Give one Pauli at a time, or use gradient_variance."
            )
    if len(terms) * (len(terms) - 1) // 2 > _MAX_PAIRS:
        most = int((1 + math.sqrt(1 + 8 * _MAX_PAIRS)) / 2)
        raise UnsupportedCircuitError(
            f"The observable has {len(terms)} terms, whose pairs exceed {_MAX_PAIRS:,}, and each has walks of its "
            f"own. Give parts of at most {most} terms, each with a variance of its own (they do not add up where parts "
            "correlate), or use gradient_variance as far as states or few Pauli strings reach."
        )
    if noise != (0.0, 0.0):
        raise ValueError("Noise is supported for single Pauli observables only; give one Pauli at a time.")


def _cross_jobs(program: MomentProgram, terms: list[tuple[tuple[int, int], float]]) -> list[WalkJob]:
    jobs = []
    for i, (first, c_first) in enumerate(terms):
        for second, c_second in terms[i + 1 :]:
            x, z, power = multiply((*first, 1), (*second, 1))
            if power % 2:
                continue  # the two anticommute for good and are never both certain
            carried = _carry(program, (x, z, 1 - power))
            if carried is not None and abs(carried[0]) > _NEGLIGIBLE:
                factor, forced = carried
                jobs.append(WalkJob(first, 2 * c_first * c_second * factor, forced, second))
    return jobs


def _carry(program: MomentProgram, pauli: SignedPauli) -> tuple[float, frozenset[int]] | None:
    """Pull the product R of two terms back to the initial state: its factor, and the steps that hold the pair."""
    factor, forced = 1.0, []
    for number in range(len(program.steps) - 1, -1, -1):
        step = program.steps[number]
        if isinstance(step, RandomRotation):
            if anticommute(step.x, step.z, pauli[0], pauli[1]):
                factor *= step.cos
                forced.append(number)
                if abs(factor) < _NEGLIGIBLE:
                    return None
        else:
            pauli = _pull_back(step, pauli)
    return factor * _start_value(program, pauli), frozenset(forced)


def _pull_back(step: CliffordGate | FixedRotation, pauli: SignedPauli) -> SignedPauli:
    """G† Q G with its sign."""
    if isinstance(step, CliffordGate):
        return conjugate(inverse_name(step.name), step.qubits, pauli)
    if not anticommute(step.x, step.z, pauli[0], pauli[1]):
        return pauli
    if step.sine == 0:
        return pauli[0], pauli[1], -pauli[2]
    x, z, power = multiply((step.x, step.z, step.sine), pauli)  # sin θ · iPQ
    return x, z, 1 - (power + 1) % 4


def _start_value(program: MomentProgram, pauli: SignedPauli) -> float:
    """E ⟨Q⟩ on the initial product state."""
    value = float(pauli[2])
    for qubit, start in enumerate(program.start):
        x, z = pauli[0] >> qubit & 1, pauli[1] >> qubit & 1
        if x or z:
            value *= float(start.moments[0, (2 if z else 1) if x else 3])
    return value


def mean_derivatives(program: MomentProgram, terms: dict[tuple[int, int], float], columns: Sequence[int]) -> FloatArray:
    """E ∂C by the chosen parameters, exactly, shape (len(columns),).

    All sines average to 0, so the string stays everywhere but at the gate of the parameter, where cos θ Q + sin θ iPQ
    becomes E cos θ iPQ. Uniform angles end most of these paths at the first gate that anticommutes.

    Args:
        program: A program whose first random rotations were not absorbed.
        terms: The observable.
        columns: Positions of the parameters.
    """
    places = {parameter: place for place, parameter in enumerate(columns)}
    derivatives = np.zeros(len(places))
    for term, coefficient in terms.items():
        current: SignedPauli = (*term, 1)
        factor = coefficient
        for number in range(len(program.steps) - 1, -1, -1):
            step = program.steps[number]
            if not isinstance(step, RandomRotation):
                current = _pull_back(step, current)
            elif anticommute(step.x, step.z, current[0], current[1]):
                factor *= step.cos
                if abs(factor) < _NEGLIGIBLE * abs(coefficient):
                    break
                if step.parameter in places:
                    moved = _pull_back(FixedRotation(step.x, step.z, 1), current)
                    derivatives[places[step.parameter]] += factor * step.factor * _mean_path(program, moved, number)
    return derivatives


def _mean_path(program: MomentProgram, pauli: SignedPauli, before: int) -> float:
    """E ⟨Q⟩ of a string that stands before a step."""
    factor = 1.0
    for step in reversed(program.steps[:before]):
        if not isinstance(step, RandomRotation):
            pauli = _pull_back(step, pauli)
        elif anticommute(step.x, step.z, pauli[0], pauli[1]):
            factor *= step.cos
            if abs(factor) < _NEGLIGIBLE:
                return 0.0
    return factor * _start_value(program, pauli)


def cosine_path(program: MomentProgram, pauli: tuple[int, int], noise: tuple[float, float]) -> float:
    """E C of one Pauli: all sines average to 0, so the string stays and collects cosines."""
    current: SignedPauli = (*pauli, 1)
    factor = 1.0
    for step in reversed(program.steps):
        support = step.support if isinstance(step, CliffordGate) else step.x | step.z
        if support & (current[0] | current[1]):
            factor *= 1 - (noise[0] if support.bit_count() == 1 else noise[1])
        if isinstance(step, RandomRotation):
            factor *= step.cos if anticommute(step.x, step.z, current[0], current[1]) else 1.0
        else:
            current = _pull_back(step, current)
        if factor == 0:
            return 0.0
    return factor * _start_value(program, current)
