r"""Certified bounds on the variance of a loss: the walk's probabilities, followed instead of sampled.

The second moment E C² of a Pauli observable is Σ p(Q) w(Q) over the strings Q in which the walk of
:mod:`~qiskit_qml_ext.diagnostics.moments.second_moments` may end. Here the probabilities p are propagated themselves.
Equal strings merge, so their number grows far more slowly than that of the ways that lead to them. All terms are
positive: dropping the least probable strings leaves a lower bound, and what was dropped cannot weigh more than its
probability.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.diagnostics.moments.program import FixedRotation, MomentProgram, RandomRotation, moment_program
from qiskit_qml_ext.diagnostics.moments.walk_jobs import WalkJob, constant_part, cosine_path, pauli_terms, walk_jobs
from qiskit_qml_ext.diagnostics.results.result import Result, counted, mean_in_words
from qiskit_qml_ext.diagnostics.subject.problem import ObservableFamily, Trainable, pose
from qiskit_qml_ext.diagnostics.subject.shot_noise import (
    circuits_in_words,
    group_numbers,
    in_words,
    measured_groups,
    shots_needed,
)
from qiskit_qml_ext.engine.pauli.frame import CliffordFrame
from qiskit_qml_ext.engine.pauli.string_table import FrameStart, Generator, StringTable
from qiskit_qml_ext.program import CliffordGate

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class SecondMomentBounds(Result):
    """Bounds on the variance of a loss that hold for certain, up to rounding, from :func:`second_moment_bounds`."""

    num_qubits: int
    """The number of qubits."""
    loss_mean: float
    """E C, exactly."""
    variance_lower: float
    """Var C is at least this."""
    variance_upper: float
    """Var C is at most this."""
    second_moment_lower: float
    """E C² is at least this."""
    second_moment_upper: float
    """E C² is at most this."""
    single_shot_lower: float
    """σ², the mean variance of one shot for each group, is at least this."""
    single_shot_upper: float
    """σ² is at most this: with S shots for each group a loss is read with the variance σ²/S."""
    num_groups: int
    """Groups of terms that are measured together: the circuits of one reading of the loss."""
    num_strings: int
    """The largest number of Pauli strings that were followed at a time."""
    dropped_mass: float
    """The probability that was dropped, of 1; the most of it if the observable has several terms."""
    max_strings: int
    """The number of strings that were kept."""
    num_cross_terms: int
    """Pairs of terms that contributed."""
    distribution: str
    """The distribution of the angles."""

    @property
    def is_exact(self) -> bool:
        """Whether nothing was dropped, so that both bounds are the value."""
        return self.dropped_mass == 0

    @property
    def fewest_shots(self) -> float:
        """The shots for each group at which the loss varies as much as its noise are at least this."""
        return shots_needed(self.single_shot_lower, self.variance_upper)

    @property
    def most_shots(self) -> float:
        """The shots for each group at which the loss varies as much as its noise are at most this."""
        return shots_needed(self.single_shot_upper, self.variance_lower)

    def headline(self) -> str:
        """Return the finding in one sentence."""
        many, where = counted(self.num_strings, "string"), counted(self.num_qubits, "qubit")
        if self.is_exact:
            return f"{where}: Var C = {self.variance_lower:.6g} exactly ({many})."
        return (
            f"{where}: Var C lies between {self.variance_lower:.3g} and {self.variance_upper:.3g} for "
            f"certain ({many}, {self.dropped_mass:.2g} of the probability dropped)."
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """Return mean, bounds, price, and what was dropped."""
        few, many = (in_words(shots) for shots in (self.fewest_shots, self.most_shots))
        price = few if few == many else f"{few} to {many}"
        return [
            ("Mean of the loss", mean_in_words(self.loss_mean), "exact"),
            ("Variance of the loss", f"[{self.variance_lower:.4g}, {self.variance_upper:.4g}]", "for certain"),
            ("Shots to see the loss vary", price, f"{circuits_in_words(self.num_groups)} of a loss"),
            ("Pauli strings", f"{self.num_strings:,}", f"at most {self.max_strings:,} are kept"),
            ("Dropped probability", f"{self.dropped_mass:.3g}", "0: the bounds are the value"),
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the bounds beside the variance of a 2-design."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, GREY, new_axes

        axes = new_axes(ax)
        deep = 2.0 ** -min(self.num_qubits, 1000)
        lower = self.variance_lower if self.variance_lower > 0 else min(deep, self.variance_upper or 1.0)
        axes.plot([lower, max(self.variance_upper, lower)], [0, 0], "|-", ms=12, lw=3, color=BLUE)
        axes.plot([deep], [1], "o", color=GREY)
        axes.set_yticks([0, 1], ["this circuit", "2-design"])
        axes.set(xlabel="variance of the loss", xscale="log", ylim=(-0.5, 1.5))
        return axes


@check_arguments()
def second_moment_bounds(
    circuit: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    max_strings: int = 20_000,
) -> SecondMomentBounds:
    """Bound Var C from both sides, for certain and without sampling; exact if the observable's strings stay few.

    Args:
        circuit: As :func:`second_moments` takes it: Clifford gates and Pauli rotations by independent angles that are
            used once, on any number of qubits, connected in any way.
        observable: A Pauli sum, or a function from the number of qubits to one. Every term, and every pair of terms
            that contributes, is followed by itself.
        num_qubits: The width, for all but a plain circuit.
        distribution: An independent distribution symmetric about 0, or uniform on the whole circle (the default).
        max_strings: The strings that are kept, the most probable ones. More of them cost time and narrow the bounds.

    Returns:
        The bounds. Where much was dropped, the upper one says little; :func:`second_moments` samples then.

    Raises:
        TypeError: If the observable is no Pauli sum.
        UnsupportedCircuitError: If the circuit is not of that form; the message says why and what to use.
        ValueError: If an argument does not fit.

    Examples:
        >>> from qiskit_qml_ext.circuits import HardwareEfficientAnsatz
        >>> from qiskit_qml_ext.diagnostics import local_observable, second_moment_bounds
        >>> ansatz = HardwareEfficientAnsatz(reps=2, entangler="cz", final_rotations=False)
        >>> second_moment_bounds(ansatz, local_observable, num_qubits=500).variance_lower
        0.28125
    """
    problem = pose(circuit, observable, num_qubits=num_qubits, distribution=distribution)
    terms = pauli_terms(problem.observable)
    program = moment_program(problem.circuit, problem.distribution, absorb=len(terms) == 1)
    jobs, pairs = walk_jobs(program, terms, (0.0, 0.0))
    path = _Path(program)
    groups = measured_groups(problem.observable, problem.num_qubits)
    group = group_numbers(groups)
    lower = upper = dropped = quiet = loud = 0.0
    strings = 0
    for job in (*jobs, *pairs):
        seen = path.follow(job, max_strings)
        ends = job.coefficient * seen.weight, job.coefficient * (seen.weight + seen.dropped * path.heaviest)
        lower, upper = lower + min(ends), upper + max(ends)
        if job.partner is None or group[job.pauli] == group[job.partner]:  # see shot_noise.walked_noise
            quiet, loud = quiet + job.coefficient - max(ends), loud + job.coefficient - min(ends)
        dropped, strings = max(dropped, seen.dropped), max(strings, seen.strings)
    mean = sum(c * cosine_path(program, pauli, (0.0, 0.0)) for pauli, c in terms.items())
    constant = constant_part(problem.observable)
    lower, upper = max(lower, mean**2), max(upper, mean**2)  # no variance is negative
    shift = 2 * mean * constant + constant**2
    return SecondMomentBounds(
        num_qubits=problem.num_qubits,
        loss_mean=mean + constant,
        variance_lower=lower - mean**2,
        variance_upper=upper - mean**2,
        second_moment_lower=lower + shift,
        second_moment_upper=upper + shift,
        single_shot_lower=max(quiet, 0.0),
        single_shot_upper=max(loud, 0.0),
        num_groups=len(groups),
        num_strings=strings,
        dropped_mass=dropped,
        max_strings=max_strings,
        num_cross_terms=len(pairs),
        distribution=repr(problem.distribution),
    )


@dataclass(frozen=True)
class _Seen:
    """What became of one string: its mean weight without what was dropped, that probability, the most strings."""

    weight: float
    dropped: float
    strings: int


class _Path:
    """The random rotations of a program in the observable's frame, last first, and the initial state behind them."""

    def __init__(self, program: MomentProgram) -> None:
        frame = CliffordFrame(program.num_qubits)
        table = StringTable(program.num_qubits)
        known: dict[tuple[int, int], Generator] = {}
        self._num_qubits = program.num_qubits
        self._turns: list[tuple[int, Generator, float]] = []
        for number in range(len(program.steps) - 1, -1, -1):
            step = program.steps[number]
            if isinstance(step, CliffordGate):
                frame.prepend(step.name, step.qubits)
            elif isinstance(step, FixedRotation):
                frame.prepend_turn(step.x, step.z, step.sine if step.sine else 2)
            elif isinstance(step, RandomRotation):
                x, z, _ = frame.image(step.x, step.z)
                if (x, z) not in known:
                    known[x, z] = table.generator(x, z)
                self._turns.append((number, known[x, z], step.cos_squared))
        self._start = FrameStart(frame)
        self._squares = np.array([np.diag(start.moments) for start in program.start])
        self.heaviest = min(float(self._squares[:, 1:].max()), 1.0)
        """The largest weight: no string becomes the identity, and each further letter is a factor of at most 1."""

    def follow(self, job: WalkJob, max_strings: int) -> _Seen:
        table = StringTable(self._num_qubits)
        table.add(table.generator(*job.pauli))
        mass = np.ones(1)
        dropped, most = 0.0, 1
        for number, generator, stay in self._turns:
            if number in job.forced or stay == 1.0 or not generator.support & table.support:
                continue
            mass = table.spread(generator, stay, mass)
            if table.count > max_strings:
                order = np.sort(np.argpartition(mass, table.count - max_strings)[table.count - max_strings :])
                before = float(mass.sum())
                mass = mass[order]
                table.keep(order)
                dropped += before - float(mass.sum())
            most = max(most, table.count)
        weights = self._start.weights(table.words, self._squares)
        return _Seen(float(mass @ weights), dropped, most)
