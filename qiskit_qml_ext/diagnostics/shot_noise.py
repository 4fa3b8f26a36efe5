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
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.diagnostics.observables import simplified
from qiskit_qml_ext.diagnostics.pauli_propagation import PauliPropagation
from qiskit_qml_ext.diagnostics.problem import Problem
from qiskit_qml_ext.diagnostics.shot_gradients import angles_and_slopes
from qiskit_qml_ext.engine import Observable, Projector, expectations
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import AffineRows, AngleMap, PauliRotation, RotationProgram, lower

FloatArray = NDArray[np.float64]

_ROUNDING = 1e-9  # of a number of shots: 4.000000001 shots are 4
_VANISHING = 1e-12  # of the largest square that can be read: a smaller variance is what rounding leaves of 0
_FLAT = 1e-12  # a trigonometric moment of a uniform angle is 0 up to rounding
_WORK = 1e9  # amplitudes times steps that the readings may take: about a second
_FEWEST = 16  # starts that are looked at however much work each is
_FEW = 4  # with fewer shifted points for each rotation, all rotations share one mean
_FEWEST_WIDTHS = 3  # that tell a trend of the noise
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
        """Return the price of the loss as a number and its meaning, for a table."""
        return in_words(
            self.loss_shots(variance), at_most=self.loss_at_most
        ), f"{circuits_in_words(self.num_groups)} of a loss"

    def derivative_words(self, mean_variance: float) -> tuple[str, str]:
        """Return the price of a typical derivative as a number and its meaning, for a table."""
        shots = self.derivative_shots(mean_variance)
        return (
            in_words(shots, at_most=self.derivatives_at_most),
            f"{circuits_in_words(self.num_circuits)} of a gradient, signal as large as noise",
        )


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
    text = f"{shots:,.0f}" if shots < 1e12 else f"{shots:.2g}"
    return f"at most {text}" if at_most else text


def circuits_in_words(number: int) -> str:
    """Return what a number of shots is for."""
    return "for the one circuit" if number == 1 else f"for each of the {number:,} circuits"


def noise_at(num_qubits: int, widths: Sequence[int], noises: Sequence[float]) -> float:
    """Continue the noise of one shot to another width, by the better of a power and an exponential of the width.

    The noise of a Pauli sum is a power of the number of qubits at the most, that of a projector falls exponentially.
    """
    known = [(width, math.log(noise)) for width, noise in zip(widths, noises, strict=True) if noise > 0]
    if not known:
        return 0.0
    if num_qubits in dict(known) or len(known) < _FEWEST_WIDTHS:
        return math.exp(dict(known).get(num_qubits, known[-1][1]))
    n, logs = (np.array(column, dtype=np.float64) for column in zip(*known, strict=True))
    fits = []
    for scale in (np.log, lambda x: x):
        line = np.polyfit(scale(n), logs, 1)
        error = float(np.sum((np.polyval(line, scale(n)) - logs) ** 2))
        fits.append((error, float(np.polyval(line, scale(float(num_qubits))))))
    return math.exp(min(fits)[1])


def measured_groups(observable: Observable, num_qubits: int) -> list[SparsePauliOp]:
    """Return the terms of a Pauli sum that are measured together, qubit by qubit, without the identity.

    Anything diagonal, and a projector, takes all qubits at once; Z on all of them stands for it.
    """
    if not isinstance(observable, (Pauli, SparsePauliOp)):
        return [SparsePauliOp("Z" * num_qubits)]
    operator = simplified(observable)
    seen = operator[np.any(operator.paulis.x | operator.paulis.z, axis=1)]
    return list(seen.group_commuting(qubit_wise=True)) if len(seen) else []


def driven_rotations(program: RotationProgram, columns: Sequence[int]) -> NDArray[np.bool_]:
    """Return which rotations depend on one of these parameters: each of them is shifted by itself, twice."""
    angles = program.angles
    depends = np.zeros(angles.num_atoms, dtype=np.bool_)
    depends[list(columns)] = True
    for node in range(len(angles.functions)):
        used = [*angles.left.row(node)[0], *angles.right.row(node)[0]]
        depends[angles.num_parameters + node] = bool(depends[used].any())
    found = []
    for rotation in program.rotations:
        terms = angles.rows.row(rotation.angle)[0]
        found.append(any(depends[atom] for atom, factor in terms.items() if factor != 0))
    return np.array(found, dtype=np.bool_)


def sampled_noise(
    problem: Problem,
    values: FloatArray,
    connection: Connection,
    *,
    max_strings: int | None = None,
    seed: int | None = None,
) -> ShotNoise:
    """Return the noise of one shot at sampled angles, without any noise of a device.

    Args:
        problem: The circuit, observable and parameters.
        values: Angles, shape (M, P).
        connection: Whose memory limit holds for states.
        max_strings: The Pauli strings that may be followed instead of states; None for states.
        seed: Seed of the choice of shifted points.
    """
    program = lower(problem.circuit)
    shots = _SingleShot(program, problem.observable, connection, max_strings)
    driven = np.flatnonzero(driven_rotations(program, problem.columns))
    angles = program.angles.evaluate(values)[:, [rotation.angle for rotation in program.rotations]]
    number = min(len(angles), max(int(_WORK / max(shots.work, 1.0)), _FEWEST))
    loss = float(shots.variances(angles[:number]).mean())
    shifted, words = _shifted_variances(problem, program, shots, angles, driven, loss, np.random.default_rng(seed))
    return ShotNoise(
        loss=loss,
        derivatives=_by_parameter(program, values, problem.columns, driven, shifted),
        num_groups=shots.num_groups,
        num_circuits=2 * len(driven) * shots.num_groups,
        loss_at_most=shots.at_most,
        derivatives_at_most=shots.at_most,
        method=f"{shots.method}; derivatives at {words}",
    )


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


def group_numbers(groups: Sequence[SparsePauliOp]) -> Mapping[tuple[int, int], int]:
    """Return the group of each Pauli string, given as the bit masks of its X and Z."""
    found = {}
    for number, group in enumerate(groups):
        for pauli in group.paulis:
            x = sum(1 << int(qubit) for qubit in np.flatnonzero(pauli.x))
            z = sum(1 << int(qubit) for qubit in np.flatnonzero(pauli.z))
            found[x, z] = number
    return found


class _SingleShot:
    """σ² as a function of the angles of all rotations."""

    def __init__(
        self, program: RotationProgram, observable: Observable, connection: Connection, max_strings: int | None
    ) -> None:
        self._free = _with_free_angles(program)
        self._connection = connection
        self._observable = observable
        self._readers: list[PauliPropagation] | None = None
        self._groups = measured_groups(observable, program.num_qubits)
        self.num_groups = len(self._groups)
        self.at_most = False
        self.method = "states"
        if isinstance(observable, (Pauli, SparsePauliOp)):
            self._square, self._largest, self._products = squares_of(self._groups)
            if self._products is None and self._square == self._largest and max(map(len, self._groups), default=1) > 1:
                self.at_most = True
                self.method = "states; the squares of the groups are at most what their terms can have"
            if max_strings is not None:
                self._follow(max_strings)
        self.work = 2.0**program.num_qubits * (
            len(program.operations) + sum(map(len, self._groups)) + (0 if self._is_plain else len(self._products))
        )

    @property
    def _is_plain(self) -> bool:
        return not isinstance(self._observable, (Pauli, SparsePauliOp)) or self._products is None

    def _follow(self, max_strings: int) -> None:
        """Follow Pauli strings instead of states."""
        operators = list(self._groups)
        self.method = "Pauli strings"

        def reader(operator: SparsePauliOp) -> PauliPropagation:
            return PauliPropagation(
                self._free, operator, max_strings=max_strings, max_memory=self._connection.max_memory
            )

        self._readers = [reader(operator) for operator in operators]
        if self._products is not None:
            try:
                self._readers.append(reader(self._products))
            except UnsupportedCircuitError:
                self._square, self._products, self.at_most = self._largest, None, True
                self.method = "Pauli strings; the squares of the groups are at most what their terms can have"

    def variances(self, angles: FloatArray) -> FloatArray:
        """σ² at angles of shape (B, R), shape (B,)."""
        observable = self._observable
        if not self._groups:
            return np.zeros(len(angles))
        if isinstance(observable, Projector):
            fidelity = self._means(angles, [observable])[:, 0]
            return np.asarray(np.clip(fidelity * (1 - fidelity), 0.0, None))
        if not isinstance(observable, (Pauli, SparsePauliOp)):
            diagonal = np.asarray(observable, dtype=np.float64)
            centred = diagonal - (diagonal.max() + diagonal.min()) / 2
            means = self._means(angles, [centred, centred**2])
            return _positive(means[:, 1] - means[:, 0] ** 2, float(np.max(centred**2, initial=0.0)))
        operators = [*self._groups, *([] if self._products is None else [self._products])]
        means = self._means(angles, operators)
        squares = self._square + (0.0 if self._products is None else means[:, -1])
        return _positive(squares - np.sum(means[:, : self.num_groups] ** 2, axis=1), self._largest)

    def _means(self, angles: FloatArray, operators: Sequence[Observable]) -> FloatArray:
        if self._readers is not None:
            return np.stack([reader.losses(angles) for reader in self._readers], axis=1)
        found = expectations(
            self._free,
            angles,
            list(operators),
            dtype=self._connection.dtype,
            max_memory=self._connection.max_memory,
        )
        return np.asarray(np.real(found), dtype=np.float64)


def _positive(variances: FloatArray, largest: float) -> FloatArray:
    return np.where(variances > _VANISHING * largest, variances, 0.0)


def _shifted_variances(
    problem: Problem,
    program: RotationProgram,
    shots: _SingleShot,
    angles: FloatArray,
    driven: NDArray[np.intp],
    loss: float,
    rng: np.random.Generator,
) -> tuple[list[tuple[NDArray[np.intp], FloatArray]], str]:
    """For each driven rotation the samples that were shifted there and (σ₊² + σ₋²)/2, and how it was found.

    A rotation whose angle is uniform over a whole period and independent of all others needs no shift: the mean over
    the starts is the mean over the shifted starts.
    """
    size = len(angles)
    everywhere = np.arange(size)
    still = _shift_invariant(problem, program)[driven]
    moved = driven[~still]
    known = {int(rotation): (everywhere, np.full(size, loss)) for rotation in driven[still]}
    if not len(moved):
        return [known[int(rotation)] for rotation in driven], f"the {size} starts, which shifts do not change"
    each = int(min(max(_WORK / max(shots.work, 1.0), size) / (2 * len(moved)), size))
    shared = each < _FEW
    rows = rng.integers(0, size, max(size // 2, 1)) if shared else _spread(size, each, len(moved), rng)
    which = rng.permutation(np.resize(moved, len(rows))) if shared else np.repeat(moved, each)
    points = np.repeat(angles[rows], 2, axis=0)
    points[np.arange(len(points)), np.repeat(which, 2)] += np.tile([np.pi / 2, -np.pi / 2], len(rows))
    means = shots.variances(points).reshape(-1, 2).mean(axis=1)
    for place, rotation in enumerate(moved):
        if shared:
            known[int(rotation)] = everywhere, np.full(size, means.mean())
        else:
            mine = slice(place * each, (place + 1) * each)
            known[int(rotation)] = rows[mine], means[mine]
    words = f"{len(points):,} shifted points" + " shared by all rotations" * shared
    return [known[int(rotation)] for rotation in driven], words


def _spread(size: int, each: int, number: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Samples for each of so many rotations, all different for one rotation."""
    return np.concatenate([rng.permutation(size)[:each] for _ in range(number)])


def _shift_invariant(problem: Problem, program: RotationProgram) -> NDArray[np.bool_]:
    """Whether a shift of each rotation changes no average of degree 2 in its angle."""
    rotations, angles = program.rotations, program.angles
    if not problem.distribution.independent or not angles.is_affine:
        return np.zeros(len(rotations), dtype=np.bool_)
    rows = [angles.rows.row(rotation.angle)[0] for rotation in rotations]
    uses = Counter(parameter for terms in rows for parameter in terms)
    moments: dict[float, NDArray[np.complex128]] = {}

    def vanishes(parameter: int, frequency: float) -> bool:
        if frequency not in moments:
            moments[frequency] = problem.distribution.characteristic_function(problem.circuit, frequency)
        return bool(abs(moments[frequency][parameter]) < _FLAT)

    found = []
    for terms in rows:
        single = len(terms) == 1 and uses[next(iter(terms))] == 1
        found.append(single and all(vanishes(p, f) and vanishes(p, 2 * f) for p, f in terms.items()))
    return np.array(found, dtype=np.bool_)


def _by_parameter(
    program: RotationProgram,
    values: FloatArray,
    columns: tuple[int, ...],
    driven: NDArray[np.intp],
    shifted: list[tuple[NDArray[np.intp], FloatArray]],
) -> FloatArray:
    """Σ_r E s_r² (σ₊² + σ₋²)/4 for each parameter."""
    angles = program.angles
    if angles.is_affine:
        all_parameters = np.zeros(angles.num_parameters)
        for rotation, (_, means) in zip(driven, shifted, strict=True):
            for parameter, slope in angles.rows.row(program.rotations[rotation].angle)[0].items():
                all_parameters[parameter] += slope**2 * float(means.mean()) / 2
        return all_parameters[list(columns)]
    found = np.zeros(len(columns))
    _, slopes = angles_and_slopes(program, values, columns)
    for rotation, (rows, means) in zip(driven, shifted, strict=True):
        found += (slopes[rows, rotation] ** 2 * means[:, None]).mean(axis=0) / 2
    return found


def _with_free_angles(program: RotationProgram) -> RotationProgram:
    """The same program with an angle of its own for every rotation, without its global phase."""
    number = len(program.rotations)
    counter = iter(range(number))
    operations = tuple(
        replace(operation, angle=next(counter)) if isinstance(operation, PauliRotation) else operation
        for operation in program.operations
    )
    nothing = AffineRows.from_forms([])
    rows = AffineRows.from_forms([({rotation: 1.0}, 0.0) for rotation in range(number)])
    angles = AngleMap(number, np.zeros(0, dtype=np.int64), nothing, nothing, rows)
    return RotationProgram(program.num_qubits, tuple(ParameterVector("φ", number)), operations, angles)
