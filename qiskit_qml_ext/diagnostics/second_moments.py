r"""Exact second moments of loss and gradient for circuits far beyond state vectors: up to thousands of qubits.

For C = ⟨O⟩ with independent symmetric angles that are used once,

    E C²       = Σ_j c_j² E[w_j] + cross terms,
    E (∂_kC)²  = the same with cos² and sin² exchanged at gate k,

where w_j = ⟨Q_final⟩² at the end of a random walk that starts at the Pauli Q_j and moves from Q to iP_kQ at each
rotation that anticommutes with it, with probability E sin² θ_k. For a pair of terms the product R = Q_iQ_j is carried
along unchanged: gates whose generator anticommutes with it contribute E cos θ and keep the pair in place. One set of
walks gives the derivatives by all parameters.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.diagnostics.estimate import Estimate, Result
from qiskit_qml_ext.diagnostics.intervals import mean_estimates
from qiskit_qml_ext.diagnostics.moment_steps import MomentProgram, RandomRotation, moment_program
from qiskit_qml_ext.diagnostics.pauli_walks import WalkResult, walk
from qiskit_qml_ext.diagnostics.problem import (
    ObservableFamily,
    Problem,
    Trainable,
    check_confidence,
    check_samples,
    pose,
)
from qiskit_qml_ext.diagnostics.shot_noise import ShotNoise, group_numbers, measured_groups, walked_noise
from qiskit_qml_ext.diagnostics.walk_jobs import WalkJob, constant_part, cosine_path, pauli_terms, walk_jobs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]
_FEW_WALKS = 50  # if a sum is carried by fewer walks than this, the largest may be unseen
_EQUAL = 1e-12  # relative difference of weights that are equal but for rounding
_BATCH = 4096


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
    """E ‖∇C‖², the sum over all parameters."""
    gradient_second_moments: FloatArray
    """E (∂C)² for each parameter, shape (P,)."""
    gradient_errors: FloatArray
    """Their standard errors, shape (P,)."""
    shot_noise: ShotNoise
    """What one shot says; every price in shots follows from it."""
    num_walks: int
    """Walks for each Pauli term."""
    hits: int
    """Walks whose weight was not zero."""
    cross_terms: int
    """Pairs of terms that contributed."""
    depolarizing: tuple[float, float]
    """The depolarising noise after gates on one and on more qubits."""
    distribution: str
    """The distribution of the angles."""
    seed: int | None
    """The seed."""
    parameters: tuple[str, ...] = field(repr=False)
    """The names of the parameters."""

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
        if self.hits == 0:
            return (
                f"{self.num_qubits} qubits: no walk contributed; Var C is below {self.loss_variance.high:.2g} (95 %)."
            )
        return (
            f"{self.num_qubits} qubits: Var C = {self.loss_variance.value:.3g} {self.loss_variance.interval()}, "
            f"E‖∇C‖² = {self.squared_gradient.value:.3g} {self.squared_gradient.interval()}."
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the moments and what the walks did."""
        return [
            ("Mean of the loss", f"{self.loss_mean:.6g}", "exact"),
            ("Variance of the loss", f"{self.loss_variance.value:.3g} {self.loss_variance.interval()}", ""),
            (
                "Squared gradient",
                f"{self.squared_gradient.value:.3g} {self.squared_gradient.interval()}",
                "all parameters",
            ),
            ("Shots to see the loss vary", *self.shot_noise.loss_words(self.loss_variance.value)),
            ("Shots to see a derivative", *self.shot_noise.derivative_words(self._mean_square)),
            (
                "Walks",
                f"{self.num_walks:,} for each term",
                f"{self.hits:,} contributed, {self.cross_terms} cross terms",
            ),
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the second moment of each derivative."""
        from qiskit_qml_ext.diagnostics.figures import BLUE, new_axes

        axes = new_axes(ax)
        seen = self.gradient_second_moments > 0
        numbers = np.arange(len(seen))
        axes.plot(numbers[seen], self.gradient_second_moments[seen], ".", ms=3, color=BLUE)
        axes.set(xlabel="parameter", ylabel="E (∂C)²", yscale="log" if seen.any() else "linear")
        return axes


def second_moments(
    circuit: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    num_walks: int = 8192,
    depolarizing: tuple[float, float] = (0.0, 0.0),
    confidence: float = 0.95,
    seed: int | None = None,
) -> SecondMoments:
    """Compute E C exactly and estimate Var C and all E (∂C)² without states, by walks of Pauli strings.

    The relative error of a variance v is about 1/√(v·num_walks): variances down to about 1e-7 are within reach.

    Args:
        circuit: Clifford gates and Pauli rotations whose parameters are each used once: a circuit, a template, or a
            function from the number of qubits to a circuit.
        observable: A Pauli sum, or a function from the number of qubits to one.
        num_qubits: The width, for all but a plain circuit.
        distribution: An independent distribution symmetric about 0 (or uniform on the whole circle, the default).
        num_walks: Walks for each term of the observable, rounded up to a multiple of 64.
        depolarizing: The probability p of depolarising noise (ρ → (1-p)ρ + p·1/d on the gate's qubits) after each
            rotation or Clifford gate on one, and on more qubits.
        confidence: The confidence of intervals.
        seed: Seed of the walks.

    Returns:
        The moments. If no walk contributes, the interval ends at the rule of three, 3/num_walks.

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
    check_samples(num_walks)
    check_confidence(confidence)
    p1, p2 = (float(p) for p in depolarizing)
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1):
        raise ValueError(f"depolarizing must be two probabilities, but {depolarizing!r} came.")
    problem = pose(circuit, observable, num_qubits=num_qubits, distribution=distribution)
    terms = pauli_terms(problem.observable)
    single = len(terms) == 1
    program = moment_program(problem.circuit, problem.distribution, absorb=single, damping=1 - p1)
    rng = np.random.default_rng(seed)
    jobs, pairs = walk_jobs(program, terms, (p1, p2))
    walks = -(-num_walks // 64) * 64
    mean = sum(c * cosine_path(program, pauli, (p1, p2)) for pauli, c in terms.items()) + constant_part(
        problem.observable
    )
    results = [(job, _run(program, job, walks, rng, (p1, p2))) for job in (*jobs, *pairs)]
    loss = _combine([(job.coefficient, found.weights) for job, found in results], 1.0, rng, confidence)
    total = _combine(
        [(job.coefficient, found.totals) for job, found in results], _largest_total(program), rng, confidence
    )
    squared_mean = (mean - constant_part(problem.observable)) ** 2
    gradients = sum(job.coefficient * found.gradients for job, found in results)
    errors = sum(
        job.coefficient**2 * np.maximum(found.gradient_squares - found.gradients**2, 0) / walks
        for job, found in results
    )
    return SecondMoments(
        num_qubits=problem.num_qubits,
        loss_mean=float(mean),
        loss_variance=_shifted(loss, -squared_mean),
        loss_second_moment=_shifted(loss, mean**2 - squared_mean),
        squared_gradient=total,
        gradient_second_moments=np.asarray(gradients),
        gradient_errors=np.sqrt(np.asarray(errors)),
        shot_noise=_noise_of(problem, program, results),
        num_walks=walks,
        hits=int(sum(np.count_nonzero(found.weights) for _, found in results)),
        cross_terms=len(pairs),
        depolarizing=(p1, p2),
        distribution=repr(problem.distribution),
        seed=seed,
        parameters=tuple(parameter.name for parameter in problem.circuit.parameters),
    )


def _noise_of(problem: Problem, program: MomentProgram, results: list[tuple[WalkJob, WalkResult]]) -> ShotNoise:
    """What one shot says, from the same walks as the moments."""
    groups = measured_groups(problem.observable, problem.num_qubits)
    number = group_numbers(groups)
    return walked_noise(
        (
            (
                job.coefficient,
                float(found.weights.mean()),
                job.partner is None or number[job.pauli] == number[job.partner],
            )
            for job, found in results
        ),
        program.factors,
        len(groups),
        shift_invariant=program.is_uniform,
    )


def _run(
    program: MomentProgram, job: WalkJob, walks: int, rng: np.random.Generator, noise: tuple[float, float]
) -> WalkResult:
    sizes = [min(_BATCH, walks - first) for first in range(0, walks, _BATCH)]
    parts = [walk(program, job.pauli, size, rng, forced=job.forced, depolarizing=noise) for size in sizes]
    shares = np.array(sizes) / walks
    return WalkResult(
        weights=np.concatenate([part.weights for part in parts]),
        gradients=np.asarray(sum(s * part.gradients for s, part in zip(shares, parts, strict=True))),
        gradient_squares=np.asarray(sum(s * part.gradient_squares for s, part in zip(shares, parts, strict=True))),
        totals=np.concatenate([part.totals for part in parts]),
    )


def _largest_total(program: MomentProgram) -> float:
    """A bound on the summed squared derivatives that one walk can contribute."""
    total = sum(float(np.max(np.diag(m))) for start in program.start for m in start.derivatives.values())
    for step in program.steps:
        if isinstance(step, RandomRotation) and 0 < step.cos_squared < 1:
            odds = step.cos_squared / (1 - step.cos_squared)
            total += step.factor**2 * max(odds, 1 / odds)
    return total


def _combine(
    parts: list[tuple[float, FloatArray]], bound: float, rng: np.random.Generator, confidence: float
) -> Estimate:
    """The sum of means with coefficients; the deviations of independent intervals add in quadrature."""
    value = low = high = error = 0.0
    for coefficient, values in parts:
        one = _mean(values, bound, rng, confidence)
        value += coefficient * one.value
        error += (coefficient * one.standard_error) ** 2
        down, up = one.value - one.low, one.high - one.value
        low += (coefficient * (down if coefficient > 0 else up)) ** 2
        high += (coefficient * (up if coefficient > 0 else down)) ** 2
    method = f"{len(parts[0][1])} Pauli walks for each of {len(parts)} terms, {confidence:.0%}"
    return Estimate(value, math.sqrt(error), value - math.sqrt(low), value + math.sqrt(high), method)


def _mean(values: FloatArray, bound: float, rng: np.random.Generator, confidence: float) -> Estimate:
    """The mean of values in [0, bound], with an interval that does not trust a sum of a few rare walks.

    If all values that are not zero are equal, the interval is binomial. If a few walks carry the sum, larger ones may
    be unseen: the upper end is then at least what probability -ln(1-confidence)/M of the largest possible value would
    add, and the lower end follows from Markov's inequality for an unbiased estimate that is never negative.
    """
    size, hits = len(values), int(np.count_nonzero(values))
    value = float(values.mean())
    rare = -math.log(1 - confidence) / size * bound
    if not hits:
        return Estimate(0.0, 0.0, 0.0, rare)
    top, bottom = float(values.max()), float(values[values > 0].min())
    error = float(values.std() / math.sqrt(size))
    if top - bottom <= _EQUAL * top:
        if hits == size:
            return Estimate.exact(value)
        tail = (1 - confidence) / 2
        low = float(beta.ppf(tail, hits, size - hits + 1)) * top
        return Estimate(value, error, low, float(beta.ppf(1 - tail, hits + 1, size - hits)) * top)
    found = mean_estimates(values[:, None], rng, confidence=confidence, positive=True)[0]
    if float(values.sum()) ** 2 / float(np.sum(values**2)) < _FEW_WALKS:
        return Estimate(value, error, value * (1 - confidence), max(found.high, value + rare))
    return found


def _shifted(estimate: Estimate, shift: float) -> Estimate:
    if shift == 0:
        return estimate
    low, high = max(estimate.low + shift, 0.0), estimate.high + shift
    return Estimate(estimate.value + shift, estimate.standard_error, low, high, estimate.method)
