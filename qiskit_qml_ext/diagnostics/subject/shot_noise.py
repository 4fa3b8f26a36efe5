r"""What one shot says about a loss and its derivatives: every price in shots comes from here.

An observable is measured in groups of terms that commute qubit by qubit, O = c + Σ_g G_g, each group a circuit of its
own with S shots. A reading of the loss then has the variance σ²/S with the single-shot variance

    σ² = Σ_g (⟨G_g²⟩ - ⟨G_g⟩²),

and a derivative by the two-term rule, ∂C/∂φ = (C(φ+π/2) - C(φ-π/2))/2 for each rotation that the parameter drives
(slope s; a controlled rotation is two of them), has the variance Σ_r s_r² (σ₊² + σ₋²)/(4S). Both are averaged over the
random starts. The signal is as large as the noise at S = σ²/Var C and at S = Σ_r s_r² E(σ₊² + σ₋²)/(4 Var ∂C): numbers
that neither the unit of the observable nor a multiple of the identity changes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.observables import simplified

_ROUNDING = 1e-9  # of a number of shots: 4.000000001 shots are 4
_FEWEST_WIDTHS = 3  # that tell a trend of the noise
_LEVEL = 0.1  # a power of the width below which the noise has levelled off
_EXACTLY = 1e7  # shots from here on are written with three digits: no estimate is better
_MAX_PRODUCTS = 20_000  # products of two terms in the squares of the groups


@dataclass(frozen=True)
class ShotNoise:
    """The noise of one shot on each circuit, averaged over random starts."""

    loss: float
    """σ²: with S shots for each group of terms, a loss is read with the variance σ²/S."""
    derivatives: FloatArray = field(repr=False)
    """For each parameter, S times the variance of its derivative by parameter shifts, S shots for each circuit."""
    num_groups: int
    """Groups of terms that are measured together: the circuits of one reading of the loss."""
    num_circuits: int
    """The circuits of one gradient: two for each rotation that a parameter drives, for each group."""
    loss_at_most: bool = False
    """Whether ``loss`` is an upper bound."""
    derivatives_at_most: bool = False
    """Whether ``derivatives`` are upper bounds."""
    method: str = ""
    """How the numbers were found."""

    @property
    def derivative(self) -> float:
        """The mean of ``derivatives``."""
        return float(self.derivatives.mean()) if self.derivatives.size else 0.0

    def loss_shots(self, variance: float, signal_to_noise: float = 1.0) -> float:
        """Return the shots for each group at which the noise of the loss is as large as this variance of it."""
        return shots_needed(self.loss, variance, signal_to_noise)

    def derivative_shots(self, mean_variance: float, signal_to_noise: float = 1.0) -> float:
        """Return the shots for each circuit at which the noise of a typical derivative is as large as its variance."""
        return shots_needed(self.derivative, mean_variance, signal_to_noise)

    def loss_words(self, variance: float) -> tuple[str, str]:
        """Return the price of the loss as a number of shots and what it is for, for a table."""
        return _in_table(self.loss_shots(variance), self.num_groups, "of a loss", self.loss_at_most)

    def derivative_words(self, mean_variance: float) -> tuple[str, str]:
        """Return the price of a typical derivative as a number of shots and what it is for, for a table."""
        shots = self.derivative_shots(mean_variance)
        return _in_table(shots, self.num_circuits, "of a gradient", self.derivatives_at_most)


def _in_table(shots: float, circuits: int, work: str, at_most: bool) -> tuple[str, str]:
    meaning = f"{circuits_in_words(circuits)} {work}"
    if math.isfinite(shots) and circuits > 1:
        meaning += f", {in_words(circuits * shots)} in all: signal as large as noise"
    return in_words(shots, at_most=at_most), meaning


def shots_needed(noise: float, signal: float, signal_to_noise: float = 1.0) -> float:
    """Return the whole number of shots S at which signal/(noise/S) is ``signal_to_noise``; inf without a signal.

    Args:
        noise: The variance of one shot.
        signal: The variance that is to be seen.
        signal_to_noise: The ratio of variances that is wanted.
    """
    if not signal > 0:
        return math.inf
    ratio = signal_to_noise * noise / signal
    return float(max(math.ceil(ratio * (1 - _ROUNDING)), 1)) if math.isfinite(ratio) else math.inf


def in_words(shots: float, *, at_most: bool = False) -> str:
    """Return a number of shots as a table shows it."""
    if math.isinf(shots):
        return "no number seen"
    text = f"{shots:,.0f}" if shots < _EXACTLY else f"{float(f'{shots:.3g}'):,.0f}" if shots < 1e12 else f"{shots:.2g}"
    return f"at most {text}" if at_most else text


def circuits_in_words(number: int) -> str:
    """Return what a number of shots is for."""
    return "for the one circuit" if number == 1 else f"for each of the {number:,} circuits"


def noise_at(num_qubits: int, widths: Sequence[int], noises: Sequence[float]) -> float:
    """Continue the noise of one shot to another width, from the larger half of the widths.

    The noise of a Pauli sum is a power of the number of qubits at the most, that of a projector falls exponentially:
    the better of the two is continued, or the mean where the noise has levelled off, as 1 - E C² of one Pauli does.
    """
    known = [(width, math.log(noise)) for width, noise in zip(widths, noises, strict=True) if noise > 0]
    if not known:
        return 0.0
    if num_qubits in dict(known) or len(known) < _FEWEST_WIDTHS:
        return math.exp(dict(known).get(num_qubits, known[-1][1]))
    larger = known[-max(_FEWEST_WIDTHS, (len(known) + 1) // 2) :]
    n, logs = (np.array(column, dtype=np.float64) for column in zip(*larger, strict=True))
    power, exponential = np.polyfit(np.log(n), logs, 1), np.polyfit(n, logs, 1)
    if abs(power[0]) < _LEVEL:
        return math.exp(float(logs.mean()))
    misfits = [float(np.sum((np.polyval(line, x) - logs) ** 2)) for line, x in ((power, np.log(n)), (exponential, n))]
    if misfits[0] <= misfits[1]:
        return math.exp(min(float(np.polyval(power, math.log(num_qubits))), 700.0))
    return math.exp(min(float(np.polyval(exponential, float(num_qubits))), 700.0))


def measured_groups(observable: Observable, num_qubits: int) -> list[SparsePauliOp]:
    """Return the terms of a Pauli sum that are measured together, qubit by qubit, without the identity.

    Anything diagonal, and a projector, takes all qubits at once; Z on all of them stands for it.
    """
    if not isinstance(observable, (Pauli, SparsePauliOp)):
        return [SparsePauliOp("Z" * num_qubits)]
    operator = simplified(observable)
    seen = operator[np.any(operator.paulis.x | operator.paulis.z, axis=1)]
    return list(seen.group_commuting(qubit_wise=True)) if len(seen) else []


def walked_noise(
    parts: Iterable[tuple[float, float, bool]],
    factors: FloatArray,
    num_groups: int,
    *,
    shift_invariant: bool,
) -> ShotNoise:
    """Return the noise of one shot from the walks that add up to E C².

    Within a group, Σ_g E(⟨G²⟩ - ⟨G⟩²) = Σ k (1 - E w) over its terms (k = c²) and pairs (k = 2 c_i c_j E⟨Q_iQ_j⟩), with
    the weights w whose means, times k, add up to E⟨G⟩². A shift by π/2 changes nothing for uniform angles. For others
    it replaces E⟨Q_iQ_j⟩ by 0 or leaves it, and E⟨G⟩² is left out: an upper bound.

    Args:
        parts: Coefficient k and E w of each term and pair, and whether both strings of the pair are in one group.
        factors: The slope of the rotation of each parameter, shape (P,).
        num_groups: Groups of terms.
        shift_invariant: Whether all angles are uniform over a whole period.
    """
    together = [(coefficient, weight) for coefficient, weight, same in parts if same]
    loss = max(sum(coefficient * (1 - weight) for coefficient, weight in together), 0.0)
    shifted = loss if shift_invariant else sum(max(coefficient, 0.0) for coefficient, _ in together)
    return ShotNoise(
        loss=loss,
        derivatives=factors**2 * shifted / 2,
        num_groups=num_groups,
        num_circuits=2 * int(np.count_nonzero(factors)) * num_groups,
        derivatives_at_most=not shift_invariant,
        method="Pauli walks",
    )


def group_numbers(groups: Sequence[SparsePauliOp]) -> Mapping[tuple[int, int], int]:
    """Return the group of each Pauli string, given as the bit masks of its X and Z."""
    numbers = {}
    for number, group in enumerate(groups):
        for pauli in group.paulis:
            x = sum(1 << int(qubit) for qubit in np.flatnonzero(pauli.x))
            z = sum(1 << int(qubit) for qubit in np.flatnonzero(pauli.z))
            numbers[x, z] = number
    return numbers


def squares_of(groups: Sequence[SparsePauliOp]) -> tuple[float, float, SparsePauliOp | None]:
    """Return the parts of Σ_g G_g²: its constant, the largest value it may have, and its other terms, if it has any.

    Where these are too many to be measured, the constant is the largest value.
    """
    coefficients = [np.real(group.coeffs) for group in groups]
    constant = float(sum(np.sum(one**2) for one in coefficients))
    largest = float(sum(np.sum(np.abs(one)) ** 2 for one in coefficients))
    several = [group for group in groups if len(group) > 1]
    if not several:
        return constant, largest, None
    if sum(len(group) ** 2 for group in several) > _MAX_PRODUCTS:
        return largest, largest, None
    total = SparsePauliOp.sum([group.compose(group) for group in several])
    operator = simplified(SparsePauliOp(total.paulis, np.real(total.coeffs)))
    rest = operator[np.any(operator.paulis.x | operator.paulis.z, axis=1)]
    return constant, largest, rest if len(rest) else None
