"""Does a quantum kernel concentrate: are all samples equally different, and what does it cost to tell them apart?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.checks import check_arguments, optional_whole_numbers
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.kernels.bandwidth import Bandwidth, suggest_bandwidth
from qiskit_qml_ext.diagnostics.kernels.entries import KernelEntries, effective_rank, fewest
from qiskit_qml_ext.diagnostics.kernels.noise import at_least, measured_noise, simulated_noise
from qiskit_qml_ext.diagnostics.kernels.shots import ShotsToResolve, resolve_entries
from qiskit_qml_ext.diagnostics.kernels.sources import Source, concentration_sources
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result, counted
from qiskit_qml_ext.diagnostics.statistics.pair_statistics import kernel_moments
from qiskit_qml_ext.diagnostics.statistics.scaling_fit import ScalingJudgement, ScalingVerdict
from qiskit_qml_ext.diagnostics.statistics.scaling_verdict import judge_variances
from qiskit_qml_ext.diagnostics.subject.limits import MAX_STATE_QUBITS
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import Noise
from qiskit_qml_ext.kernels import FidelityKernel, StatesErrors
from qiskit_qml_ext.kernels.abilities import check_fractions, stated_errors
from qiskit_qml_ext.primitives import Connection

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KernelLike: TypeAlias = BaseKernel | FeatureMap | Callable[[int], BaseKernel]
"""A kernel, a feature map whose fidelity kernel is meant, or a function from the number of features to a kernel."""


@dataclass(frozen=True)
class KernelPoint:
    """The entries off the diagonal at one number of features."""

    num_features: int
    """The number of features (for most maps also of qubits)."""
    mean: Estimate
    """E k."""
    variance: Estimate
    """Var k, without shot noise."""
    effective_rank: float
    """(Tr K)²/‖K‖²_F, between 1 and the number of samples."""
    shots: ShotsToResolve
    """Shots per entry to tell entries apart, and for a relative precision."""
    shots_from_identity: float
    """Shots per entry at which an entry of average size is seen at least once with probability 95 %."""
    matrix: FloatArray = field(repr=False)
    """The kernel matrix."""


@dataclass(frozen=True, repr=False)
class KernelConcentration(Result):
    """How concentrated a kernel is, from :func:`kernel_concentration`."""

    points: tuple[KernelPoint, ...]
    """The numbers of features that were studied, ascending."""
    verdict: ScalingVerdict
    """How the variance scales: ``"barren plateau"`` here means exponential concentration."""
    judgement: ScalingJudgement
    """The fits."""
    sources: tuple[Source, ...]
    """What would lift the concentration, at the largest number of features: by exact simulation, where states are
    available, and by comparison with noise, where the kernel was measured or noise was given."""
    bandwidth: Bandwidth | None
    """The factor on the bandwidth that spreads the entries most."""
    num_samples: int
    """The number of samples."""
    measured_shots: int | None
    """The shots behind each entry, the least where they differ; None for an exact matrix."""

    @property
    def last(self) -> KernelPoint:
        """The point with the most features."""
        return self.points[-1]

    def headline(self) -> str:
        """Return the finding in a few sentences: the trend, the entries at the largest width, and what noise does."""
        trend = f"{self.trend()} " if len(self.points) > 1 else ""
        noisy = [source for source in self.sources if source.key == "noise" and source.factor > 1]
        harm = "".join(f" {_harm(source)}" for source in noisy[-1:])
        return f"{trend}{self.at_hand()}{harm}"

    def trend(self) -> str:
        """Say how the variance of the entries changed within the studied numbers of features, and nothing beyond."""
        span, fit = self._span(), self.judgement.chosen
        if self.verdict == "barren plateau":
            if fit is None:
                return f"Exponential concentration {span}."
            low, high = (f"{math.exp(rate):.3g}" for rate in (fit.rate.low, fit.rate.high))
            return (
                f"Exponential concentration {span}: each further one, in the order of the columns, divides the "
                f"variance of the entries by {math.exp(fit.rate.value):.3g} [{low}, {high}] on average."
            )
        if self.verdict == "polynomial":
            power = "" if fit is None else f" n^-{fit.rate.value:.2g} {fit.rate.interval()}"
            return f"The variance of the entries falls as a power{power} {span}, in the order of the columns."
        if self.verdict == "constant":
            what = "does not fall" if self.judgement.levelled_off_from is None else "has levelled off"
            return f"The variance of the entries {what} {span}, in the order of the columns."
        return f"How the variance of the entries scales {span} is undetermined."

    def _span(self) -> str:
        """Return the numbers of features that a verdict is about, and those that were too uncertain for it."""
        widths = [point.num_features for point in self.points]
        used = [n for n, sure in zip(widths, self.judgement.used, strict=True) if sure]
        if self.verdict == "undetermined" or len(used) < 2:
            return f"within {widths[0]} to {widths[-1]} features"
        first = used[0] if self.judgement.levelled_off_from is None else round(self.judgement.levelled_off_from)
        unsure = [str(n) for n in widths if n not in used and n >= first]
        rest = f" (at {', '.join(unsure)} the variance is too uncertain to count)" if unsure else ""
        return f"within {first} to {used[-1]} features{rest}"

    def at_hand(self) -> str:
        """Say how the entries at the largest number of features are spread, and what it takes to see it."""
        point = self.last
        shots = point.shots.to_tell_apart
        if not math.isinf(shots):
            price = (
                f"from {shots:,.0f} shots on the error of an entry is half of the spread of the entries; a model may "
                "need many times more"
            )
        elif self.measured_shots is None:
            price = "no number of shots tells entries apart"
        else:  # the entries may differ by less than what this measurement shows
            price = f"with {self.measured_shots:,} shots an entry no spread is seen beyond the noise of the shots"
        return (
            f"At {counted(point.num_features, 'feature')}: mean entry {point.mean}, variance {point.variance}; {price}."
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """Return mean and variance at each number of features, sources and the bandwidth."""
        rows = []
        for point in self.points:
            mean = f"mean {point.mean.value:.3g} {point.mean.interval()}"
            rows.append((counted(point.num_features, "feature"), mean, _spread(point)))
        if len(self.points) > 1:
            words = "exponential" if self.verdict == "barren plateau" else self.verdict
            rows.append(("Scaling", words, self.judgement.reason))
        last = self.last
        if last.variance.caution:
            rows.append(("Caution", "intervals", last.variance.caution))
        seen = "no number" if math.isinf(last.shots_from_identity) else f"{last.shots_from_identity:,.0f} shots"
        meaning = "per entry: with probability 95 % an average entry is then seen at least once"
        rows.append(("Not the identity matrix", seen, meaning))
        rows.append(
            ("Effective rank", f"{last.effective_rank:.1f} of {self.num_samples}", "1: a constant; n: the identity")
        )
        rows += [row for source in self.sources for row in _source_rows(source)]
        if self.bandwidth is not None:
            text = f"std {self.bandwidth.standard_deviation:.3g}, {self.bandwidth.method}"
            rows.append(("Bandwidth to try", f"× {self.bandwidth.value:.3g}", text))
        return rows

    def records(self) -> list[dict[str, object]]:
        """Return mean, variance, rank and shots at each number of features."""
        return [
            {
                "num_features": point.num_features,
                "mean": point.mean,
                "variance": point.variance,
                "effective_rank": point.effective_rank,
                "shots_to_tell_apart": point.shots.to_tell_apart,
                "shots_for_precision": point.shots.for_precision,
                "shots_from_identity": point.shots_from_identity,
            }
            for point in self.points
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the histogram of the entries off the diagonal at the largest number of features."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, new_axes

        axes = new_axes(ax)
        matrix = self.last.matrix
        axes.hist(matrix[np.triu_indices(len(matrix), 1)], bins=50, range=(0.0, 1.0), color=BLUE)
        axes.set(xlabel="kernel entry off the diagonal", ylabel="pairs of samples", xlim=(0, 1))
        return axes

    def drawings(self) -> "tuple[Callable[[Axes], object], ...]":
        """Return the histogram of the entries and the spectrum."""
        return (self.plot, self.plot_spectrum)

    def plot_spectrum(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the eigenvalues of the kernel matrix as fractions of their sum."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, new_axes

        axes = new_axes(ax)
        values = np.linalg.eigvalsh(self.last.matrix)[::-1]
        shares = np.where(values > 1e-12 * values[0], values, np.nan) / values.sum()
        axes.semilogy(np.arange(1, len(shares) + 1), shares, ".-", color=BLUE)
        axes.set(xlabel="eigenvalue number", ylabel="fraction of the sum")
        return axes


@check_arguments(feature_counts=optional_whole_numbers)
def kernel_concentration(
    kernel: KernelLike,
    X: ArrayLike,
    *,
    feature_counts: Sequence[int] | None = None,
    relative_precision: float = 0.1,
    connection: Connection | None = None,
    noise: "Noise | None" = None,
    num_noise_samples: int = 16,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> KernelConcentration:
    r"""Measure mean and variance of the kernel entries off the diagonal, how they scale, why, and what they cost.

    Args:
        kernel: A :class:`~qiskit_qml_ext.kernels.FidelityKernel`, any kernel of qiskit-machine-learning, a feature map,
            or a function from the number of features to a kernel.
        X: Samples that are independent and identically distributed, shape (n, features), n ≥ 4.
        feature_counts: Numbers of features: for each, the first columns of X are encoded. By default all columns only.
        relative_precision: ε for the shots that an entry of average size needs, (1-k)/(kε²).
        connection: Where circuits run, for a feature map; a kernel has its own. If they run with shots, the spread of
            the entries is compared with that of the exact kernel, and noise is one of the sources.
        noise: An Aer ``NoiseModel`` (gates run as they are), an ``AerSimulator`` with noise, or a backend, whose
            reported errors are simulated: noise becomes one of the sources, errors of the readout included. For
            fidelity kernels on up to 12 qubits; the time grows as 4ⁿ, some tenths of a second a pair at 6 qubits.
        num_noise_samples: So many samples, drawn at random, are measured with noise, all pairs of them; at least 6.
        confidence: The confidence of intervals.
        seed: Seed of the samples and the shots with noise.

    Returns:
        Moments with intervals from U-statistics, a scaling verdict, sources of concentration, shots, and a bandwidth.

    Raises:
        TypeError: If the kernel is of a kind that is not known, or its entries are no fractions of shots.
        ValueError: If the data do not fit.
        StateTooLargeError: If noise is to be simulated on more than 12 qubits.

    References:
        Thanasilp et al., arXiv:2208.11060 (concentration and its sources); noise: arXiv:2105.02276; bandwidth:
        arXiv:2111.05451 and arXiv:2206.06686.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.diagnostics import kernel_concentration
        >>> X = np.random.default_rng(0).uniform(-np.pi, np.pi, (60, 4))
        >>> kernel_concentration(AngleFeatureMap(), X).last.mean.contains(2.0**-4)
        True
    """
    samples = np.asarray(X, dtype=np.float64)
    if samples.ndim != 2 or len(samples) < 4:
        raise ValueError(f"X must have at least four rows and the shape (n, features), but has {samples.shape}.")
    widths = [samples.shape[1]] if feature_counts is None else sorted({int(n) for n in feature_counts})
    if not widths or widths[0] < 1 or widths[-1] > samples.shape[1]:
        raise ValueError(
            f"feature_counts must be numbers from 1 to the {samples.shape[1]} columns of X, but {widths} came."
        )
    points, shots = [], None
    if connection is not None and not isinstance(kernel, FeatureMap):
        raise TypeError(
            f"connection goes with a feature map, but {type(kernel).__name__} came, which has its own. Give the "
            "connection to the kernel."
        )
    for width in widths:
        chosen = _kernel_for(kernel, width, connection)
        matrix, errors, shots = _evaluate(chosen, samples[:, :width])
        points.append(_point(width, matrix, errors, shots, relative_precision, confidence))
    judgement = judge_variances(
        widths,
        [point.variance for point in points],
        [math.nan] * len(widths),
        len(samples),
        confidence,
        unit="feature",
    )
    feature_map, widest = _feature_map(kernel), samples[:, : widths[-1]]
    sources = [] if feature_map is None else list(concentration_sources(feature_map, widest))
    if shots is not None:
        measured = measured_noise(chosen, widest, points[-1].matrix, shots, confidence=confidence)
        sources += [] if measured is None else [measured]
    if noise is not None:
        there = _kernel_for(kernel, widths[-1], None)
        simulated = simulated_noise(
            there, widest, noise, num_samples=num_noise_samples, confidence=confidence, seed=seed
        )
        sources.append(simulated)
    return KernelConcentration(
        points=tuple(_possible(point) for point in points),
        verdict=judgement.verdict,
        judgement=judgement,
        sources=tuple(sources),
        bandwidth=None if feature_map is None else _bandwidth(feature_map, widest),
        num_samples=len(samples),
        measured_shots=None if shots is None else fewest(shots),
    )


def _possible(point: KernelPoint) -> KernelPoint:
    """Cut intervals to what entries in [0, 1] can have: a mean in [0, 1], and a variance of at most 1/4."""
    mean, variance = point.mean, point.variance
    return replace(
        point,
        mean=replace(mean, low=max(mean.low, 0.0), high=min(mean.high, 1.0)),
        variance=replace(variance, high=min(variance.high, max(0.25, variance.value))),
    )


def _harm(source: Source) -> str:
    gain = source.gain
    if gain is None or math.isinf(gain.value):
        return "Noise leaves no spread that could be seen."
    return f"Noise divides their spread by {at_least(gain)}."


def _source_rows(source: Source) -> list[tuple[str, str, str]]:
    spread = f"{source.standard_deviation:.3g}"
    if source.key == "exact":
        return [("Spread of the exact entries", spread, "standard deviation")]
    rows = [(f"Without {source.name}", spread, f"if much larger: {source.advice}")]
    if source.gain is not None:
        gain = source.gain
        rows.append((f"With {source.name}", f"{source.reference:.3g}", f"÷ {at_least(gain)}: {source.basis}"))
    return rows


def _spread(point: KernelPoint) -> str:
    return f"variance {point.variance.value:.3g} {point.variance.interval()}"


def _kernel_for(kernel: KernelLike, width: int, connection: Connection | None) -> BaseKernel:
    if isinstance(kernel, FeatureMap):
        return FidelityKernel(kernel, connection=connection)
    if isinstance(kernel, BaseKernel):
        return kernel
    if callable(kernel):
        made = kernel(width)
        if isinstance(made, BaseKernel):
            return made
    raise TypeError(
        f"{type(kernel).__name__} is neither a kernel of qiskit-machine-learning, a feature map, nor a function from "
        "the number of features to a kernel."
    )


def _evaluate(kernel: BaseKernel, X: FloatArray) -> tuple[FloatArray, FloatArray | None, int | IntArray | None]:
    """The matrix before any repair, the standard errors of its entries, and the shots of all or of each."""
    check_fractions(kernel)
    if isinstance(kernel, StatesErrors):
        estimate = stated_errors(kernel, X)
        shots = estimate.shots if estimate.entry_shots is None else estimate.entry_shots
        return estimate.raw, None if shots is None else estimate.standard_errors, shots
    return np.asarray(kernel.evaluate(X), dtype=np.float64), None, None


def _point(
    width: int,
    matrix: FloatArray,
    errors: FloatArray | None,
    shots: int | IntArray | None,
    relative_precision: float,
    confidence: float,
) -> KernelPoint:
    # k(1-k)/(S-1) is unbiased; the errors that a kernel states are raised where no or all shots are hits
    known = shots is not None and np.all(np.not_equal(shots, 1))
    entries = KernelEntries.from_matrix(
        matrix, standard_errors=None if known else errors, shots=shots if known else None
    )
    mean, variance = kernel_moments(entries.matrix, entries.noise, confidence=confidence)
    # an entry k is read as 0 with probability (1-k)^S
    average = min(max(mean.value, 0.0), 1.0)
    seen = (
        math.inf if average == 0 else 1.0 if average == 1 else float(math.ceil(math.log(0.05) / math.log1p(-average)))
    )
    return KernelPoint(
        num_features=width,
        mean=mean,
        variance=variance,
        effective_rank=effective_rank(matrix),
        shots=resolve_entries(entries, relative_precision),
        shots_from_identity=seen,
        matrix=matrix,
    )


def _feature_map(kernel: KernelLike) -> FeatureMap | None:
    if isinstance(kernel, FeatureMap):
        return kernel
    feature_map = getattr(kernel, "feature_map", None)
    return feature_map if isinstance(feature_map, FeatureMap) else None


def _bandwidth(feature_map: FeatureMap, X: FloatArray) -> Bandwidth | None:
    narrow = feature_map.num_qubits(X.shape[1]) <= MAX_STATE_QUBITS
    if not narrow or feature_map.num_weights(X.shape[1]) or "bandwidth" not in feature_map.get_params():
        return None
    return suggest_bandwidth(feature_map, X)
