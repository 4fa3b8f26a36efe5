r"""Exact second moments of loss and gradient for circuits far beyond state vectors: up to thousands of qubits.

For C = ⟨O⟩ with independent symmetric angles that are used once,

    E C²       = Σ_j c_j² E[w_j] + cross terms,
    E (∂_kC)²  = the same with cos² and sin² exchanged at gate k,

where w_j = ⟨Q_final⟩² at the end of a random walk that starts at the Pauli Q_j and moves from Q to iP_kQ at each
rotation that anticommutes with it, with probability E sin² θ_k. For a pair of terms the product R = Q_iQ_j is carried
along unchanged: gates whose generator anticommutes with it contribute E cos θ and keep the pair in place. One set of
walks gives the derivatives by all parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from qiskit_qml_ext.arrays import BoolArray, FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.diagnostics.moments.pauli_walks import WalkResult, walk
from qiskit_qml_ext.diagnostics.moments.program import MomentProgram
from qiskit_qml_ext.diagnostics.moments.walk_intervals import MomentSums
from qiskit_qml_ext.diagnostics.moments.walk_jobs import (
    WalkJob,
    constant_part,
    cosine_path,
    mean_derivatives,
    pauli_terms,
    walk_jobs,
)
from qiskit_qml_ext.diagnostics.moments.walkable import program_of_means, walkable
from qiskit_qml_ext.diagnostics.results.result import UNKNOWN, Estimate, Result, counted, mean_in_words
from qiskit_qml_ext.diagnostics.subject.problem import (
    ObservableFamily,
    Parameters,
    Problem,
    Trainable,
    pose,
)
from qiskit_qml_ext.diagnostics.subject.shot_noise import (
    ShotNoise,
    group_numbers,
    in_words,
    measured_groups,
    walked_noise,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BATCH = 4096
_VAGUE = 100.0  # an upper end so many times as large as a variance tells nothing about it


@dataclass(frozen=True, repr=False)
class SecondMoments(Result):
    """Second moments of loss and gradient from Pauli walks, from :func:`second_moments`."""

    num_qubits: int
    """The number of qubits."""
    loss_mean: float
    """E C, exactly."""
    loss_variance: Estimate
    """Var C."""
    loss_second_moment: Estimate
    """E C²."""
    squared_gradient: Estimate
    """E ‖∇C‖², the sum over the chosen parameters."""
    gradient_second_moments: FloatArray
    """E (∂C)² for each chosen parameter, shape (P,)."""
    gradient_errors: FloatArray
    """Their standard errors, shape (P,); where no walk contributed, what one that did would have added. 0 if exact."""
    gradient_intervals: FloatArray
    """The ends of their intervals, shape (P, 2). Few walks are not trusted: what no walk hit has an upper end."""
    shot_noise: ShotNoise
    """What one shot says; every price in shots follows from it."""
    num_walks: int
    """Walks for each Pauli term."""
    num_hits: int
    """Walks whose weight was not zero."""
    num_cross_terms: int
    """Pairs of terms that contributed."""
    depolarizing: tuple[float, float]
    """The depolarising noise after gates on one and on more qubits."""
    distribution: str
    """The distribution of the angles."""
    angles: str
    """The same in words."""
    seed: int | None
    """The seed."""
    parameters: tuple[str, ...] = field(repr=False)
    """The names of the parameters."""

    typical: ClassVar[Mapping[str, object]] = {"parameter": "", "second_moment": UNKNOWN}

    @property
    def unseen(self) -> int:
        """How many derivatives no walk contributed to although one might: only their upper ends are known."""
        return int(np.sum((self.gradient_second_moments == 0) & (self.gradient_intervals[:, 1] > 0)))

    @property
    def is_conclusive(self) -> bool:
        """Whether walks contributed, and enough of them to know the variance of the loss within a factor of 100."""
        return self.num_hits > 0 and self.loss_variance.high <= _VAGUE * max(self.loss_variance.value, 1e-300)

    @property
    def shots_at_most(self) -> bool:
        """Whether :meth:`shots_for` is an upper end: derivatives that no walk hit count as 0, or the noise is one."""
        return self.shot_noise.derivatives_at_most or self.unseen > 0

    def shots_for(self, signal_to_noise: float = 1.0) -> float:
        """Return the shots of each circuit at which a typical derivative has this ratio of signal to noise.

        Both are mean squares, averaged over the parameters; inf if no walk contributed.
        """
        return self.shot_noise.derivative_shots(self._mean_square, signal_to_noise)

    def shots_for_loss(self, signal_to_noise: float = 1.0) -> float:
        """Return the shots of each circuit at which the loss varies more than its noise by this ratio of variances."""
        return self.shot_noise.loss_shots(self.loss_variance.value, signal_to_noise)

    @property
    def _mean_square(self) -> float:
        """E (∂C)² of a typical derivative."""
        return float(np.mean(self.gradient_second_moments)) if self.gradient_second_moments.size else 0.0

    def headline(self) -> str:
        """Return the finding in one sentence."""
        where = counted(self.num_qubits, "qubit")
        if self.loss_variance.high == 0:
            return f"{where}: no parameter changes the loss, Var C = 0 exactly."
        if self.num_hits == 0:
            return f"{where}: no walk contributed; Var C is below {self.loss_variance.high:.2g} (95 %)."
        return (
            f"{where}: Var C = {self.loss_variance.value:.3g} {self.loss_variance.interval()}, "
            f"E‖∇C‖² = {self.squared_gradient.value:.3g} {self.squared_gradient.interval()}."
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the moments and what the walks did."""
        return [
            ("Mean of the loss", mean_in_words(self.loss_mean), "exact"),
            ("Variance of the loss", f"{self.loss_variance.value:.3g} {self.loss_variance.interval()}", ""),
            (
                "Squared gradient",
                f"{self.squared_gradient.value:.3g} {self.squared_gradient.interval()}",
                "all chosen parameters",
            ),
            self._derivatives(),
            *self._prices(),
            (
                "Walks",
                f"{self.num_walks:,} for each term",
                f"{self.num_hits:,} contributed, {self.num_cross_terms} cross terms",
            ),
        ]

    def records(self) -> list[dict[str, object]]:
        """Return the second moment of each derivative."""
        columns = zip(
            self.parameters, self.gradient_second_moments, self.gradient_errors, self.gradient_intervals, strict=True
        )
        return [
            {"parameter": name, "second_moment": Estimate(float(value), float(error), float(low), float(high))}
            for name, value, error, (low, high) in columns
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the second moment of each derivative."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, GREY, new_axes

        axes = new_axes(ax)
        values, (low, high) = self.gradient_second_moments, self.gradient_intervals.T
        seen, numbers = values > 0, np.arange(len(values))
        bars = np.maximum(np.array([values - low, high - values]), 0.0)[:, seen]
        axes.errorbar(numbers[seen], values[seen], yerr=bars, fmt=".", ms=3, lw=0.5, color=BLUE)
        unseen = ~seen & (high > 0)
        axes.plot(numbers[unseen], high[unseen], "v", ms=3, color=GREY, label="no walk: at most")
        if unseen.any():
            axes.legend(frameon=False)
        scale = "log" if (seen | unseen).any() else "linear"
        axes.set(xlabel="parameter", ylabel="E (∂C)²", yscale=scale)
        return axes

    def _prices(self) -> list[tuple[str, str, str]]:
        """The rows about shots: none from walks that know next to nothing, and upper ends for what they missed."""
        if not self.is_conclusive:
            return [("Shots", "not known", "too few walks contributed to tell the variances")]
        noise = self.shot_noise
        derivative = (
            in_words(self.shots_for(), at_most=self.shots_at_most),
            noise.derivative_words(self._mean_square)[1],
        )
        return [
            ("Shots to see the loss vary", *noise.loss_words(self.loss_variance.value)),
            ("Shots to see a derivative", *derivative),
        ]

    def _derivatives(self) -> tuple[str, str, str]:
        """The row about single derivatives."""
        values, unseen = self.gradient_second_moments, self.unseen
        if not len(values):
            return "Derivatives", "none", "no parameters"
        largest = int(np.argmax(values))
        low, high = self.gradient_intervals[largest]
        text = f"largest {values[largest]:.3g} [{low:.3g}, {high:.3g}]"
        if not unseen:
            return "Derivatives", text, f"parameter {self.parameters[largest]}"
        hidden = self.gradient_intervals[values == 0, 1]
        bound = f"each is at most {hidden[hidden > 0].max():.2g}"
        return "Derivatives", text, f"{unseen} of {len(values)} were hit by no walk: {bound}"


@check_arguments()
def second_moments(
    circuit: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    parameters: Parameters = "all",
    num_walks: int = 8192,
    depolarizing: tuple[float, float] = (0.0, 0.0),
    confidence: float = 0.95,
    seed: int | None = 0,
) -> SecondMoments:
    """Compute E C exactly and estimate Var C and all E (∂C)² without states, by walks of Pauli strings.

    The relative error of a variance v is about 1/√(v·num_walks): variances down to about 1e-7 are within reach.

    Args:
        circuit: Clifford gates and Pauli rotations whose parameters are each used once: a circuit, a template, or a
            function from the number of qubits to a circuit.
        observable: A Pauli sum, or a function from the number of qubits to one.
        num_qubits: The width, for all but a plain circuit.
        distribution: An independent distribution symmetric about 0 (or uniform on the whole circle, the default).
        parameters: ``"all"``, or positions in ``circuit.parameters``: the derivatives that are kept and summed.
        num_walks: Walks for each term of the observable, rounded up to a multiple of 64.
        depolarizing: The probability p of depolarising noise (ρ → (1-p)ρ + p·1/d on the gate's qubits) after each
            rotation or Clifford gate on one, and on more qubits.
        confidence: The confidence of intervals.
        seed: Seed of the walks.

    Returns:
        The moments. If no walk contributes, the interval ends at the rule of three, 3/num_walks; that of a single
        derivative at 3.7/num_walks (its two-sided limit) times the most that a walk can contribute.

    Raises:
        TypeError: If the observable is no Pauli sum.
        UnsupportedCircuitError: If the circuit is not of the form above; the message says why and what to use.
        ValueError: If the distribution is not independent, or an argument does not fit.

    References:
        Clifford second moments: arXiv:2404.09306 and arXiv:2306.04797; initialisation: Zhang et al., arXiv:2203.09376.

    Examples:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit.circuit import Parameter
        >>> from qiskit_qml_ext.diagnostics import local_observable, second_moments
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.ry(Parameter("a"), 0)
        >>> round(second_moments(circuit, local_observable, seed=0).loss_variance.value, 12)
        0.5
    """
    noise = (float(depolarizing[0]), float(depolarizing[1]))
    problem = pose(circuit, observable, num_qubits=num_qubits, distribution=distribution, parameters=parameters)
    terms, program = walkable(problem, noise)
    rng = np.random.default_rng(seed)
    jobs, pairs = walk_jobs(program, terms, noise)
    walks = -(-num_walks // 64) * 64
    constant = constant_part(problem.observable)
    mean = constant + sum(c * cosine_path(program, pauli, noise) for pauli, c in terms.items())
    sums = MomentSums(program, terms, problem.columns, confidence)
    weights: list[tuple[WalkJob, float]] = []
    for job in (*jobs, *pairs):
        walked = _run(program, job, walks, rng, noise, sums.chosen)
        weights.append((job, float(walked.weights.mean())))
        sums.add(job.coefficient, walked, rng)
    squared_mean = (mean - constant) ** 2
    loss, gradients = sums.loss(), sums.gradients()
    names = [parameter.name for parameter in problem.circuit.parameters]
    return SecondMoments(
        num_qubits=problem.num_qubits,
        loss_mean=float(mean),
        loss_variance=shifted(loss, -squared_mean),
        loss_second_moment=shifted(loss, mean**2 - squared_mean),
        squared_gradient=sums.total(),
        gradient_second_moments=gradients[0],
        gradient_errors=gradients[1],
        gradient_intervals=np.column_stack(gradients[2:]),
        shot_noise=_noise_of(problem, program, weights),
        num_walks=walks,
        num_hits=sums.hits,
        num_cross_terms=len(pairs),
        depolarizing=noise,
        distribution=repr(problem.distribution),
        angles=problem.distribution.in_words(),
        seed=seed,
        parameters=tuple(names[column] for column in problem.columns),
    )


def mean_gradients(
    circuit: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    parameters: Parameters = "all",
) -> FloatArray:
    """Compute E ∂C by the chosen parameters exactly, for the circuits and distributions of :func:`second_moments`.

    Uniform angles take one pass through the circuit for each term; others one for each term and parameter.

    Returns:
        Shape (P,).

    Raises:
        See :func:`second_moments`.
    """
    problem = pose(circuit, observable, num_qubits=num_qubits, distribution=distribution, parameters=parameters)
    return mean_derivatives(program_of_means(problem), pauli_terms(problem.observable), problem.columns)


def _noise_of(problem: Problem, program: MomentProgram, weights: list[tuple[WalkJob, float]]) -> ShotNoise:
    """What one shot says, from the mean weights of the same walks as the moments."""
    groups = measured_groups(problem.observable, problem.num_qubits)
    number = group_numbers(groups)
    return walked_noise(
        (
            (job.coefficient, weight, job.partner is None or number[job.pauli] == number[job.partner])
            for job, weight in weights
        ),
        program.factors[list(problem.columns)],
        len(groups),
        shift_invariant=program.is_uniform,
    )


def _run(
    program: MomentProgram,
    job: WalkJob,
    walks: int,
    rng: np.random.Generator,
    noise: tuple[float, float],
    chosen: BoolArray,
) -> WalkResult:
    sizes = [min(_BATCH, walks - first) for first in range(0, walks, _BATCH)]
    weights, totals = np.empty(walks), np.empty(walks)
    gradients, squares = np.zeros(program.num_parameters), np.zeros(program.num_parameters)
    reached, certain, first = np.zeros(program.num_parameters, dtype=np.bool_), True, 0
    for size in sizes:
        part = walk(program, job.pauli, size, rng, forced=job.forced, depolarizing=noise, chosen=chosen)
        weights[first : first + size], totals[first : first + size] = part.weights, part.totals
        gradients += size / walks * part.gradients
        squares += size / walks * part.gradient_squares
        reached |= part.reached
        certain = certain and part.certain
        first += size
    return WalkResult(weights, gradients, squares, totals, reached, certain)


def shifted(estimate: Estimate, shift: float) -> Estimate:
    """Add a known number to a moment; the lower end stays at 0 or above."""
    if shift == 0:
        return estimate
    low, high = max(estimate.low + shift, 0.0), estimate.high + shift
    return Estimate(estimate.value + shift, estimate.standard_error, low, high, estimate.method)
