"""What one shot says about a loss and its derivatives at sampled angles, by states or by Pauli strings.

See :mod:`~qiskit_qml_ext.diagnostics.subject.shot_noise` for the formulas.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import BoolArray, ComplexArray, FloatArray, IndexArray
from qiskit_qml_ext.diagnostics.subject.problem import Problem
from qiskit_qml_ext.diagnostics.subject.shot_noise import ShotNoise, measured_groups, squares_of
from qiskit_qml_ext.engine import Observable, Projector, expectations
from qiskit_qml_ext.engine.pauli.propagation import PauliPropagation
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import (
    RotationProgram,
    angles_and_slopes,
    driven_rotations,
    lower,
    program_with_free_angles,
)

_VANISHING = 1e-12  # of the largest square that can be read: a smaller variance is what rounding leaves of 0
_FLAT = 1e-12  # a trigonometric moment of a uniform angle is 0 up to rounding
_WORK = 1e9  # amplitudes times steps that the readings may take: about a second
_TURN = 60.0  # amplitudes that take as long as one turn of a pair of strings, measured
_FEWEST = 16  # starts that are looked at however much work each is
_FEW = 4  # with fewer shifted points for each rotation, all rotations share one mean


def sampled_noise(
    problem: Problem,
    values: FloatArray,
    connection: Connection,
    *,
    max_strings: int | None = None,
    work: float = _WORK,
    seed: int | None = 0,
) -> ShotNoise:
    """Return the noise of one shot at sampled angles, without any noise of a device.

    Args:
        problem: The circuit, observable and parameters.
        values: Angles, shape (M, P).
        connection: Whose memory limit holds for states.
        max_strings: The Pauli strings that may be followed instead of states; None for states.
        work: Amplitudes times steps that the readings may take.
        seed: Seed of the choice of shifted points.
    """
    program = lower(problem.circuit)
    shots = _SingleShot(program, problem.observable, connection, max_strings)
    driven = np.flatnonzero(driven_rotations(program, problem.columns))
    angles = program.angles.evaluate(values)[:, [rotation.angle for rotation in program.rotations]]
    number = min(len(angles), max(int(work / max(shots.work, 1.0)), _FEWEST))
    loss = float(shots.variances(angles[:number]).mean())
    still = _shift_invariant(problem, program)[driven]
    most = int(max(work / max(shots.work, 1.0), len(angles)))
    shifted, words = _shifted_variances(shots, angles, driven, still, loss, most, np.random.default_rng(seed))
    return ShotNoise(
        loss=loss,
        derivatives=_by_parameter(program, values, problem.columns, driven, shifted),
        num_groups=shots.num_groups,
        num_circuits=2 * len(driven) * shots.num_groups,
        loss_at_most=shots.at_most,
        derivatives_at_most=shots.at_most,
        method=f"{shots.method}; derivatives at {words}",
    )


class _SingleShot:
    """σ² as a function of the angles of all rotations."""

    def __init__(
        self, program: RotationProgram, observable: Observable, connection: Connection, max_strings: int | None
    ) -> None:
        self._free = program_with_free_angles(program)
        self._connection = connection
        self._observable = observable
        self._readers: list[PauliPropagation] | None = None
        self._groups = measured_groups(observable, program.num_qubits)
        self.num_groups = len(self._groups)
        self.at_most = False
        self.method = "states"
        self._square = self._largest = 0.0
        self._products: SparsePauliOp | None = None
        if isinstance(observable, (Pauli, SparsePauliOp)):
            self._square, self._largest, self._products = squares_of(self._groups)
            if self._products is None and self._square == self._largest and max(map(len, self._groups), default=1) > 1:
                self.at_most = True
                self.method = "states; the squares of the groups are at most what their terms can have"
            if max_strings is not None:
                self._follow(max_strings)

    @property
    def work(self) -> float:
        """Steps that one point takes: amplitudes times gates and terms, or what turns of strings take in such steps."""
        if self._readers is not None:
            return float(sum(_TURN * reader.num_turns for reader in self._readers))
        terms = sum(map(len, self._groups)) + (0 if self._products is None else len(self._products))
        return 2.0**self._free.num_qubits * (len(self._free.operations) + terms)

    def _follow(self, max_strings: int) -> None:
        """Follow Pauli strings instead of states."""
        operators = list(self._groups)
        self.method = "Pauli strings"

        def reader(operator: SparsePauliOp) -> PauliPropagation:
            return PauliPropagation(
                self._free, operator, max_strings=max_strings, max_memory=self._connection.max_memory
            )

        try:
            self._readers = [reader(operator) for operator in operators]
        except UnsupportedCircuitError:
            self._readers, self._products, self.at_most = [], None, True
            self.method = "at most what the terms can have"
            return
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
        if self._readers == []:
            return np.full(len(angles), self._largest)
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
        means = expectations(
            self._free,
            angles,
            list(operators),
            dtype=self._connection.dtype,
            max_memory=self._connection.max_memory,
        )
        return np.asarray(np.real(means), dtype=np.float64)


def _positive(variances: FloatArray, largest: float) -> FloatArray:
    return np.where(variances > _VANISHING * largest, variances, 0.0)


def _shifted_variances(
    shots: _SingleShot,
    angles: FloatArray,
    driven: IndexArray,
    still: BoolArray,
    loss: float,
    most: int,
    rng: np.random.Generator,
) -> tuple[list[tuple[IndexArray, FloatArray]], str]:
    """For each driven rotation the samples that were shifted there and (σ₊² + σ₋²)/2, and how it was found.

    A rotation whose angle is uniform over a whole period and independent of all others needs no shift: the mean over
    the starts is the mean over the shifted starts.
    """
    size = len(angles)
    everywhere = np.arange(size)
    moved = driven[~still]
    known = {int(rotation): (everywhere, np.full(size, loss)) for rotation in driven[still]}
    if not len(moved):
        return [known[int(rotation)] for rotation in driven], f"the {size} starts, which shifts do not change"
    each = min(most // (2 * len(moved)), size)
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


def _spread(size: int, each: int, number: int, rng: np.random.Generator) -> IndexArray:
    """Samples for each of so many rotations, all different for one rotation."""
    return np.concatenate([rng.permutation(size)[:each] for _ in range(number)])


def _shift_invariant(problem: Problem, program: RotationProgram) -> BoolArray:
    """Whether a shift of each rotation changes no average of degree 2 in its angle."""
    rotations, angles = program.rotations, program.angles
    if not problem.distribution.independent or not angles.is_affine:
        return np.zeros(len(rotations), dtype=np.bool_)
    rows = [angles.rows.row(rotation.angle)[0] for rotation in rotations]
    uses = Counter(parameter for terms in rows for parameter in terms)
    moments: dict[float, ComplexArray] = {}

    def vanishes(parameter: int, frequency: float) -> bool:
        if frequency not in moments:
            moments[frequency] = problem.distribution.characteristic_function(problem.circuit, frequency)
        return bool(abs(moments[frequency][parameter]) < _FLAT)

    invariant = []
    for terms in rows:
        single = len(terms) == 1 and uses[next(iter(terms))] == 1
        invariant.append(single and all(vanishes(p, f) and vanishes(p, 2 * f) for p, f in terms.items()))
    return np.array(invariant, dtype=np.bool_)


def _by_parameter(
    program: RotationProgram,
    values: FloatArray,
    columns: tuple[int, ...],
    driven: IndexArray,
    shifted: list[tuple[IndexArray, FloatArray]],
) -> FloatArray:
    """Σ_r E s_r² (σ₊² + σ₋²)/4 for each parameter."""
    angles = program.angles
    if angles.is_affine:
        all_parameters = np.zeros(angles.num_parameters)
        for rotation, (_, means) in zip(driven, shifted, strict=True):
            for parameter, slope in angles.rows.row(program.rotations[rotation].angle)[0].items():
                all_parameters[parameter] += slope**2 * float(means.mean()) / 2
        return all_parameters[list(columns)]
    variances = np.zeros(len(columns))
    _, slopes = angles_and_slopes(program, values, columns)
    for rotation, (rows, means) in zip(driven, shifted, strict=True):
        variances += (slopes[rows, rotation] ** 2 * means[:, None]).mean(axis=0) / 2
    return variances
