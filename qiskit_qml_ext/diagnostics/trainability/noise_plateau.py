"""Noise-induced plateaus: how fast noise flattens the landscape, and the depth at which nothing is left to see."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from sklearn.base import clone

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import at_least, check_arguments, whole_numbers
from qiskit_qml_ext.circuits import Ansatz, InitialDistribution
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result, counted, rounded
from qiskit_qml_ext.diagnostics.statistics.decay_rate import Losses, damping_and_rate, useful_depth
from qiskit_qml_ext.diagnostics.statistics.intervals import covariance_estimates, variance_estimates
from qiskit_qml_ext.diagnostics.subject.limits import MAX_DENSITY_QUBITS
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import (
    Noise,
    NoisyLoss,
    noise_in_words,
    noisy_simulator,
    pauli_sum,
)
from qiskit_qml_ext.diagnostics.subject.observables import centred
from qiskit_qml_ext.diagnostics.subject.problem import ObservableFamily, Problem, pose
from qiskit_qml_ext.diagnostics.subject.shot_noise import measured_groups, squares_of
from qiskit_qml_ext.engine import expectations
from qiskit_qml_ext.engine.observables import size_of
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from qiskit_aer import AerSimulator

Method = Literal["auto", "density_matrix", "trajectories"]

_FEW_POINTS = 32  # of which the mean variance of one shot is taken
_MAX_TRAJECTORY_QUBITS = 20  # a state takes 16 MiB, and there are thousands of them


@dataclass(frozen=True, repr=False)
class NoiseInducedPlateau(Result):
    """How noise flattens the landscape with depth, from :func:`noise_induced_plateau`."""

    num_qubits: int
    """The number of qubits."""
    depths: tuple[int, ...]
    """The numbers of layers."""
    noisy_variances: tuple[Estimate, ...]
    """Var C with noise."""
    clean_variances: tuple[Estimate, ...]
    """Var C without noise at the same angles."""
    damping: tuple[Estimate, ...]
    """Their ratio, from paired samples."""
    noisy_means: tuple[float, ...]
    """E C with noise, which tends to the value of the maximally mixed state under unital noise."""
    mixed_value: float
    """Tr O/d, the value of the maximally mixed state."""
    decay_rate: Estimate
    """Minus the slope of the logarithm of the damping by layer: the variance loses exp(-rate) with each layer."""
    last_useful_depth: Estimate
    """The depth at which the variance of the loss falls below that of its shots; inf if noise does not damp, NaN if
    the rate is not known."""
    single_shot_variance: float
    """σ² under noise at the deepest circuit: with S shots for each group of terms a loss has the variance σ²/S."""
    num_groups: int
    """Groups of terms that are measured together: the circuits of one reading of the loss."""
    rate_depths: tuple[int, ...]
    """The depths that the rate comes from: with trajectories those at which some variance is left beyond doubt."""
    shots: int
    """The shots of each circuit that this depth refers to."""
    num_samples: int
    """Random points at each depth."""
    noise: str
    """The noise in words."""
    num_trajectories: int | None
    """Trajectories behind each noisy loss; None for exact values from density matrices."""
    seed: int | None
    """The seed."""

    def headline(self) -> str:
        """Return the finding in one sentence."""
        where = f"At {counted(self.num_qubits, 'qubit')}"
        studied = f"{self.depths[0]} to {self.depths[-1]} layers simulated"
        if math.isnan(self.decay_rate.value) and self.num_trajectories is None:
            if not any(clean.value > 0 for clean in self.clean_variances):
                return f"{where} the loss does not vary, so noise has nothing to damp ({studied})."
            left = [str(depth) for depth in self.rate_depths]
            return (
                f"{where} noise leaves nothing of the loss's variance but at {' and '.join(left) or 'none'} of the "
                f"depths {', '.join(map(str, self.depths))}: too few for a rate. Study fewer layers, or less noise."
            )
        if math.isnan(self.decay_rate.value):
            return (
                f"Too little variance is left under noise to tell its decay from {self.num_trajectories:,} "
                "trajectories: "
                "take more of them, or fewer layers."
            )
        if self.decay_rate.low <= 0:
            return (
                f"{where} noise is not shown to damp the variance with depth ({studied}; rate "
                f"{self.decay_rate.value:.2g} {self.decay_rate.interval()} per layer)."
            )
        factor, low, high = (math.exp(-x) for x in (self.decay_rate.value, self.decay_rate.high, self.decay_rate.low))
        on_average = f"{factor:.3g} [{low:.3g}, {high:.3g}] per layer on average ({studied})"
        damped = f"{where} noise multiplies the variance by {on_average}."
        of_shots = f"that of {self.shots:,} shots{f' of each of {self.num_groups} circuits' * (self.num_groups > 1)}"
        depth = self.last_useful_depth.value
        if depth <= 0:
            return f"{damped} Even without noise the variance of the deepest circuit is below {of_shots}."
        if not math.isfinite(depth):
            return damped
        condition = "" if depth <= self.depths[-1] else "If that goes on, "
        start = "the variance" if condition else "The variance"
        return f"{damped} {condition}{start} of the loss falls to {of_shots} near {rounded(depth)} layers."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return variance and damping at each depth."""
        rows = zip(self.depths, self.noisy_variances, self.clean_variances, self.damping, strict=True)
        table = [
            (
                counted(depth, "layer"),
                f"Var C {noisy.value:.3g} {noisy.interval()}",
                f"{d.value:.3g} of {clean.value:.3g}",
            )
            for depth, noisy, clean, d in rows
        ]
        known = not math.isnan(self.decay_rate.value)
        rate = f"{self.decay_rate.value:.4g} {self.decay_rate.interval()}" if known else "not known"
        used = "" if self.rate_depths == self.depths else f", from {len(self.rate_depths)} of the depths"
        how = (
            "density matrices"
            if self.num_trajectories is None
            else f"{self.num_trajectories:,} trajectories for each point"
        )
        return [
            *table,
            ("Decay rate", rate, f"of the logarithm of the variance by layer{used}"),
            ("Noise", self.noise, f"{how}, errors of the readout left out"),
        ]

    def records(self) -> list[dict[str, object]]:
        """Return variance, damping and mean at each depth."""
        columns = zip(
            self.depths, self.noisy_variances, self.clean_variances, self.damping, self.noisy_means, strict=True
        )
        return [
            {"depth": d, "noisy_variance": noisy, "clean_variance": clean, "damping": damping, "noisy_mean": mean}
            for d, noisy, clean, damping, mean in columns
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the variance with and without noise against the depth, and the shot noise."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, GREEN, GREY, new_axes

        axes = new_axes(ax)
        for values, colour, label in (
            (self.clean_variances, GREEN, "without noise"),
            (self.noisy_variances, BLUE, "with noise"),
        ):
            middle = np.array([e.value if e.value > 0 else math.nan for e in values])
            errors = np.abs(np.array([[e.value - max(e.low, 1e-16), e.high - e.value] for e in values]).T)
            axes.errorbar(self.depths, middle, yerr=errors, fmt="o-", ms=4, capsize=2, color=colour, label=label)
        axes.axhline(
            self.single_shot_variance / self.shots, color=GREY, ls="--", label=f"shot noise, {self.shots:,} shots"
        )
        axes.set(xlabel="layers", ylabel="variance of the loss", yscale="log")
        axes.legend(frameon=False)
        return axes


@check_arguments(depths=whole_numbers, num_samples=at_least(4))
def noise_induced_plateau(
    circuit: Ansatz,
    observable: ObservableFamily,
    noise: Noise,
    *,
    num_qubits: int,
    depths: Sequence[int] = (1, 2, 4, 8, 16),
    distribution: InitialDistribution | None = None,
    num_samples: int = 100,
    shots: int = 4096,
    method: Method = "auto",
    num_trajectories: int = 32,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> NoiseInducedPlateau:
    """Measure how the variance of the loss falls with depth under noise, beside the same circuits without noise.

    Aer's density matrices give exact expectation values, without shot noise, up to 12 qubits. Beyond, each loss is the
    mean over random trajectories of state vectors, whose scatter would add to the variance; so each loss is read twice,
    with half of the trajectories, and the covariance of the two independent readings is the variance without that
    scatter, unbiased (it may come out negative). Both leave out errors of the readout.

    Args:
        circuit: A template with the setting ``reps``.
        observable: A Pauli sum, or a function from the number of qubits to one.
        noise: An Aer ``NoiseModel`` (gates run as they are), an ``AerSimulator`` with noise, or a backend, whose
            reported errors are simulated after transpilation.
        num_qubits: The width.
        depths: At least two numbers of layers.
        distribution: The distribution of the angles; by default uniform.
        num_samples: Random points at each depth, at least 4.
        shots: The shots of each circuit on the device, one for each group of terms that commute qubit by qubit, for the
            depth at which it stops being useful.
        method: ``"density_matrix"``, ``"trajectories"``, or ``"auto"``: density matrices up to 12 qubits. The time of a
            trajectory grows as 2ⁿ: with 16 to 20 qubits take few samples, depths and trajectories.
        num_trajectories: Trajectories for each loss, both readings together; an even number.
        confidence: The confidence of intervals.
        seed: Seed of the angles.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument does not fit.
        UnsupportedCircuitError: If the observable is a multiple of the identity.

    References:
        Trajectories: Dalibard, Castin and Mølmer, Phys. Rev. Lett. 68, 580 (1992). Noise-induced plateaus:
        Wang et al., arXiv:2007.14384. Noise that is not unital (relaxation) behaves differently: arXiv:2403.13927.
    """
    layers = sorted({int(depth) for depth in depths})
    if len(layers) < 2:
        raise ValueError(f"depths must name at least two numbers of layers, but {tuple(depths)} came.")
    if not isinstance(circuit, Ansatz) or "reps" not in circuit.get_params():
        raise TypeError(f"circuit must be a template with the setting reps, but is a {type(circuit).__name__}.")
    pairs = _trajectories(method, num_trajectories, num_qubits)
    simulator = noisy_simulator(noise)
    rng = np.random.default_rng(seed)
    _check_shots(shots)
    reads: list[_Read] = []
    for depth in layers:
        deep = clone(circuit).set_params(reps=depth)
        problem = pose(deep, observable, num_qubits=num_qubits, distribution=distribution)
        reads.append(_read(problem, simulator, num_samples, pairs, rng, seed))
    losses = [read.losses for read in reads]
    clean_variances = [variance_estimates(clean, rng, confidence=confidence)[0] for clean, _, _ in losses]
    unit, constant = reads[-1].unit, reads[-1].constant
    single_shot, flat, groups = _single_shot_variance(reads[-1], rng, seed)
    damping, rate, used = damping_and_rate(layers, losses, rng, confidence)
    return NoiseInducedPlateau(
        num_qubits=num_qubits,
        depths=tuple(layers),
        noisy_variances=tuple(_variance(one, other, rng, confidence) for _, one, other in losses),
        clean_variances=tuple(clean_variances),
        damping=damping,
        noisy_means=tuple(float((one + other).mean()) / 2 + constant for _, one, other in losses),
        mixed_value=constant,
        decay_rate=rate,
        last_useful_depth=useful_depth(clean_variances[-1].value, rate, unit**2 * flat / shots),
        single_shot_variance=unit**2 * single_shot,
        num_groups=groups,
        rate_depths=used,
        shots=shots,
        num_samples=num_samples,
        noise=noise_in_words(*simulator),
        num_trajectories=None if pairs is None else 2 * pairs,
        seed=seed,
    )


def _trajectories(method: Method, number: int, num_qubits: int) -> int | None:
    """The trajectories of one of the two readings; None for density matrices."""
    if method not in ("auto", "density_matrix", "trajectories"):
        raise ValueError(f"method must be 'auto', 'density_matrix' or 'trajectories', but {method!r} came.")
    if method == "density_matrix" or (method == "auto" and num_qubits <= MAX_DENSITY_QUBITS):
        if num_qubits > MAX_DENSITY_QUBITS:
            raise ValueError(
                f"Density matrices are feasible up to {MAX_DENSITY_QUBITS} qubits, but num_qubits is {num_qubits}. "
                'Use method="trajectories", or study the decay rate on fewer qubits.'
            )
        return None
    if num_qubits > _MAX_TRAJECTORY_QUBITS:
        raise ValueError(
            f"Trajectories are feasible up to {_MAX_TRAJECTORY_QUBITS} qubits, but num_qubits is {num_qubits}. "
            "Study the decay rate on fewer qubits, or use second_moments with depolarizing noise."
        )
    if number < 2 or number % 2:
        raise ValueError(f"trajectories must be an even number, half for each reading, but {number} came.")
    return number // 2


def _variance(one: FloatArray, other: FloatArray, rng: np.random.Generator, confidence: float) -> Estimate:
    if one is other:
        return variance_estimates(one, rng, confidence=confidence)[0]
    return covariance_estimates(one, other, rng, confidence=confidence)[0]


@dataclass(frozen=True, eq=False)
class _Read:
    """What was read of the circuit of one depth: two independent readings with noise, or one twice where it is exact.

    The operator's coefficients add up to 1; the losses are in the observable's unit, without its constant.
    """

    circuit: QuantumCircuit
    operator: SparsePauliOp
    unit: float
    constant: float
    simulator: "tuple[AerSimulator, int]"
    values: FloatArray
    losses: Losses
    pairs: int | None


def _read(
    problem: Problem,
    simulator: "tuple[AerSimulator, int]",
    num_samples: int,
    pairs: int | None,
    rng: np.random.Generator,
    seed: int | None,
) -> _Read:
    """Read the losses at random points, with noise and without."""
    rest, constant = centred(pauli_sum(problem.observable))
    unit = size_of(rest)
    if unit == 0:
        raise UnsupportedCircuitError("The observable is a multiple of the identity, which no circuit changes.")
    operator = pauli_sum(rest) / unit  # Qiskit's estimators take coefficients below 1e-8 for nothing
    noisy = NoisyLoss(problem.circuit, operator, simulator, seed=seed)
    values = problem.sample(num_samples, rng)
    clean = unit * np.asarray(expectations(problem.circuit, values, operator), dtype=np.float64)[:, 0]
    if pairs is None:
        one = other = unit * noisy.exact(values)
    else:
        one, other = (unit * noisy.trajectories(values, pairs, rng) for _ in range(2))
    return _Read(problem.circuit, operator, unit, constant, simulator, values, (clean, one, other), pairs)


def _single_shot_variance(read: _Read, rng: np.random.Generator, seed: int | None) -> tuple[float, float, int]:
    """σ² of the deepest circuit under noise, what it becomes when the landscape is flat, and the number of groups.

    Where noise has taken the spread of ⟨G⟩ over the starts, only its mean is left to be subtracted from ⟨G²⟩.
    """
    few = read.values[:_FEW_POINTS]
    groups = measured_groups(read.operator, read.operator.num_qubits)

    def readings(operator: SparsePauliOp) -> tuple[FloatArray, FloatArray]:
        noisy = NoisyLoss(read.circuit, operator, read.simulator, seed=seed)
        if read.pairs is None:
            exact = noisy.exact(few)
            return exact, exact
        return noisy.trajectories(few, read.pairs, rng), noisy.trajectories(few, read.pairs, rng)

    square, _, products = squares_of(groups)
    if products is not None:
        square += float(readings(products)[0].mean())
    _, one, other = (losses / read.unit for losses in read.losses)
    means = [(one, other)] if len(groups) == 1 else [readings(group) for group in groups]
    here = square - float(sum(np.mean(one * other) for one, other in means))
    flat = square - float(sum(np.mean(one) * np.mean(other) for one, other in means))
    return max(here, 0.0), max(flat, 0.0), len(groups)


def _check_shots(shots: int) -> None:
    if isinstance(shots, bool) or not isinstance(shots, (int, np.integer)) or shots < 1:
        raise ValueError(f"shots must be a whole number of at least 1, but {shots!r} came.")
