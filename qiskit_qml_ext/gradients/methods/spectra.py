r"""The frequencies with which an expectation value depends on one angle of a gate.

A gate is lowered alone, with every angle free. Pulled in front of all Clifford gates, the rotations that an angle a
drives are exp(-i s_j a P_j/2). Rotations that commute, with nothing between them that does not, are one exponential
exp(-iaG), G = Σ_j s_j P_j/2, and ⟨O⟩ has the differences of G's eigenvalues as frequencies: 1 for a rotation and for a
controlled phase, ½ and 1 for a controlled rotation. Several such exponentials with other things between them give all
sums of one difference of each.
"""

from collections.abc import Sequence

import numpy as np

from qiskit_qml_ext.gradients.methods.shift_rules import distinct, frequencies_of
from qiskit_qml_ext.program import CliffordGate, PauliRotation, RotationProgram, anticommute, multiply
from qiskit_qml_ext.program.pauli import SignedPauli, conjugate, inverse_name

_MAX_RANK = 12  # independent strings in one generator: 4,096 eigenvalues
_MAX_FREQUENCIES = 64  # of one angle; more are better shifted rotation by rotation

Term = tuple[int, SignedPauli, float]
"""Place among the rotations, string with its sign, slope."""


def frequencies_by_angle(program: RotationProgram) -> list[tuple[float, ...]] | None:
    """Return the frequencies of ⟨O⟩ by each parameter of a program whose angles are affine.

    Args:
        program: One gate, lowered alone.

    Returns:
        For each parameter the positive frequencies, ascending; None where the gate is better taken apart: something in
        it is neither a rotation nor a Clifford gate, or an angle is no affine function, or there are too many.
    """
    if not (program.is_pauli_based and program.angles.is_affine):
        return None
    strings = _in_front_of_cliffords(program)
    slopes = [program.angles.rows.row(rotation.angle)[0] for rotation in program.rotations]
    spectra = []
    for parameter in range(program.num_parameters):
        terms = [
            (place, strings[place], slope[parameter])
            for place, slope in enumerate(slopes)
            if slope.get(parameter, 0.0) != 0
        ]
        frequencies = _frequencies(terms, strings)
        if frequencies is None or len(frequencies) > min(_MAX_FREQUENCIES, max(len(terms), 2)):
            return None
        spectra.append(frequencies)
    return spectra


def _in_front_of_cliffords(program: RotationProgram) -> list[SignedPauli]:
    """Return the strings of the rotations, each pulled back through the Clifford gates before it."""
    before: list[CliffordGate] = []
    strings = []
    for operation in program.operations:
        if isinstance(operation, CliffordGate):
            before.append(operation)
        elif isinstance(operation, PauliRotation):
            string: SignedPauli = (operation.x, operation.z, 1)
            for gate in reversed(before):
                string = conjugate(inverse_name(gate.name), gate.qubits, string)
            strings.append(string)
    return strings


def _frequencies(terms: Sequence[Term], strings: Sequence[SignedPauli]) -> tuple[float, ...] | None:
    differences = np.zeros(1)
    for cluster in _clusters(terms, strings):
        eigenvalues = _eigenvalues(cluster)
        if eigenvalues is None:
            return None
        positive = np.array(frequencies_of(eigenvalues))
        sums = np.add.outer(differences, np.concatenate([[0.0], positive, -positive])).ravel()
        differences = np.concatenate([[0.0], distinct(np.abs(sums))])
        differences = np.concatenate([differences, -differences[1:]])
        if len(differences) > 4 * _MAX_FREQUENCIES:
            return None
    return distinct(np.abs(differences))


def _clusters(terms: Sequence[Term], strings: Sequence[SignedPauli]) -> list[list[Term]]:
    """Split the rotations of one angle into runs that can be brought side by side and commute."""
    if not terms:
        return []
    clusters = [[terms[0]]]
    for term in terms[1:]:
        run = clusters[-1]
        if _can_join(run, term, strings):
            run.append(term)
        else:
            clusters.append([term])
    return clusters


def _can_join(run: Sequence[Term], term: Term, strings: Sequence[SignedPauli]) -> bool:
    """Tell whether a run moves up to a later rotation, past all that lies between, and commutes with it."""
    return not any(
        anticommute(*moved[:2], *other[:2]) for place, moved, _ in run for other in strings[place + 1 : term[0] + 1]
    )


def _eigenvalues(cluster: Sequence[Term]) -> list[float] | None:
    """Return the eigenvalues of Σ_j s_j P_j/2 for commuting strings: every assignment of ±1 to independent ones."""
    basis: list[tuple[int, int, int]] = []  # reduced masks, the strings that they are made of, both as bits
    members: list[int] = []
    products: list[tuple[int, float]] = []
    width = 1 + max((max(x.bit_length(), z.bit_length()) for _, (x, z, _), _ in cluster), default=0)
    for _, (x, z, sign), slope in cluster:
        mask, made_of = x << width | z, 0
        for other, parts, top in basis:
            if mask >> top & 1:
                mask, made_of = mask ^ other, made_of ^ parts
        if mask:
            made_of ^= 1 << len(members)
            basis.append((mask, made_of, mask.bit_length() - 1))
            made_of = 1 << len(members)
            members.append(len(products))
        products.append((made_of, slope * sign))
    if len(members) > _MAX_RANK:
        return None
    independent = [cluster[place][1] for place in members]
    signs = [_sign_of_product(cluster[place][1], made_of, independent) for place, (made_of, _) in enumerate(products)]
    assignments = np.arange(1 << len(members))
    total = np.zeros(len(assignments))
    for (made_of, slope), sign in zip(products, signs, strict=True):
        parity = np.array([int(value & made_of).bit_count() & 1 for value in assignments])
        total += slope * sign * (1 - 2 * parity) / 2
    return [float(value) for value in total]


def _sign_of_product(string: SignedPauli, made_of: int, independent: Sequence[SignedPauli]) -> int:
    """Return the sign with which the product of independent strings is P(x, z)."""
    x, z, power = 0, 0, 0
    for place, (other_x, other_z, _) in enumerate(independent):
        if made_of >> place & 1:
            x, z, step = multiply((x, z, 1), (other_x, other_z, 1))
            power += step
    assert (x, z) == string[:2]
    assert power % 2 == 0  # commuting strings have a Hermitian product
    return 1 - power % 4
