"""How the variance of a loss scales with the number of qubits: fits, a verdict, and the price of going on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.base import clone

from qiskit_qml_ext.circuits import Ansatz, InitialDistribution
from qiskit_qml_ext.diagnostics.estimate import Estimate, Result, rounded
from qiskit_qml_ext.diagnostics.gradient_variance import GradientVariance, gradient_variance
from qiskit_qml_ext.diagnostics.gradient_variance import Method as SampleMethod
from qiskit_qml_ext.diagnostics.problem import ObservableFamily, Parameters, Trainable
from qiskit_qml_ext.diagnostics.scaling_fit import ScalingFit, ScalingVerdict, Verdict, judge_scaling
from qiskit_qml_ext.diagnostics.second_moments import SecondMoments, second_moments
from qiskit_qml_ext.diagnostics.shot_noise import noise_at, shots_needed
from qiskit_qml_ext.primitives import Connection

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Quantity = Literal["loss", "gradient"]
Method = Literal["auto", "states", "walks", "propagation"]
Depth = int | Callable[[int], int] | None


@dataclass(frozen=True)
class Extrapolation:
    """What a fit says about a width that was not simulated."""

    num_qubits: int
    """The width."""
    variance: Estimate
    """The extrapolated variance."""
    shots: Estimate
    """Shots of each circuit at which the signal is as large as the noise: σ²/Var C for a loss, and for derivatives the
    summed noise of one shot divided by their summed variance."""


@dataclass(frozen=True, repr=False)
class ScalingStudy(Result):
    """The variance against the number of qubits, from :func:`scaling_study`."""

    verdict: Verdict
    """For the range studied: ``"barren plateau"``, ``"polynomial"`` (at most: it may level off later), ``"constant"``
    or ``"undetermined"``."""
    reason: str
    """Why, in one sentence."""
    quantity: Quantity
    """What was studied: Var C, or the summed variance of the chosen derivatives."""
    qubits: tuple[int, ...]
    """The widths."""
    depths: tuple[int | None, ...]
    """The number of layers at each width; None where the ansatz decides."""
    variances: tuple[Estimate, ...]
    """The variance at each width."""
    shot_noises: tuple[float, ...]
    """At each width the variance of one shot: of the loss, or summed over the derivatives."""
    extrapolation: Extrapolation | None
    """Variance and shots at the wanted width, if there was one and the verdict is determined."""
    judgement: ScalingVerdict
    """The fits."""
    num_samples: int
    """Random points at each width."""
    seed: int | None
    """The seed."""
    points: tuple[GradientVariance | SecondMoments, ...] = field(repr=False)
    """The full result at each width."""

    @property
    def rate(self) -> Estimate | None:
        """The rate of the fit that belongs to the verdict: per qubit for a barren plateau, else the power of n."""
        fit = self.judgement.chosen
        return None if fit is None else fit.rate

    def extrapolate(self, num_qubits: int) -> Extrapolation:
        """Return variance and shots at a width by the fit that belongs to the verdict.

        Raises:
            ValueError: If the verdict is undetermined: an extrapolation would be a guess.
        """
        fit = self.judgement.chosen
        if fit is None:
            raise ValueError(f"The scaling is undetermined ({self.reason}), so there is nothing to extrapolate.")
        return _extrapolate(fit, num_qubits, self.variances[-1], self.qubits, self.shot_noises)

    def headline(self) -> str:
        """Return the verdict in one sentence."""
        span = f"{self.qubits[0]} to {self.qubits[-1]} qubits" if len(self.qubits) > 1 else f"{self.qubits[0]} qubits"
        words = {
            "barren plateau": "Barren plateau: the variance falls exponentially",
            "polynomial": "No barren plateau: the variance falls at most as a power of the number of qubits",
            "constant": "No barren plateau: the variance does not fall",
            "undetermined": "Undetermined: the data do not tell how the variance falls",
        }
        rate = self.rate
        how = ""
        if self.verdict == "barren plateau" and rate is not None:
            low, high = math.exp(-rate.high), math.exp(-rate.low)
            how = f", by a factor {math.exp(-rate.value):.2f} [{low:.2f}, {high:.2f}] per qubit,"
        elif self.verdict == "polynomial" and rate is not None:
            how = f", n^-{rate.value:.2f} (power {rate.interval()}),"
        return f"{words[self.verdict]}{how} from {span}."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the variance at each width, the fits and the extrapolation."""
        label = "Var C" if self.quantity == "loss" else "Σ Var ∂C"
        found = [
            (f"{label} at n = {n}", f"{v.value:.3g} {v.interval()}", "" if depth is None else f"{depth} layers")
            for n, depth, v in zip(self.qubits, self.depths, self.variances, strict=True)
        ]
        for fit in self.judgement.fits:
            rate = "" if fit.name == "constant" else f"rate {fit.rate.value:.3f} {fit.rate.interval()}"
            found.append((f"Fit: {fit.name}", f"AICc {fit.aicc:.1f}", rate))
        found.append(("Why", self.verdict, self.reason))
        if self.extrapolation is not None:
            there = self.extrapolation
            span = f"{rounded(there.shots.low)} to {rounded(there.shots.high)}"
            shots = f"{rounded(there.shots.value)} shots ({span}) for each circuit, signal as large as noise"
            found.append((f"At {there.num_qubits} qubits", f"{there.variance.value:.2g}", shots))
        return found

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the variance against the number of qubits with the fit and its band."""
        from qiskit_qml_ext.diagnostics.scaling_figure import plot_scaling

        return plot_scaling(self, ax)


def scaling_study(
    ansatz: Trainable,
    observable: ObservableFamily,
    *,
    qubits: Sequence[int] = range(2, 11),
    depths: Depth = None,
    quantity: Quantity = "loss",
    parameters: Parameters = "all",
    distribution: InitialDistribution | None = None,
    method: Method = "auto",
    num_samples: int = 200,
    num_walks: int = 8192,
    target_qubits: int | None = None,
    shots: int | None = None,
    connection: Connection | None = None,
    confidence: float = 0.95,
    seed: int | None = None,
) -> ScalingStudy:
    """Measure the variance at several widths, fit how it falls, and say whether there is a barren plateau.

    The loss and its derivatives concentrate together, so the variance of the loss is studied by default; it does not
    depend on how many parameters an ansatz has.

    Args:
        ansatz: A template or a function from the number of qubits to a circuit.
        observable: A function from the number of qubits to an observable, such as
            :func:`~qiskit_qml_ext.diagnostics.local_observable`.
        qubits: The widths; a few large ones tell a power from a constant.
        depths: The number of layers (the setting ``reps`` of a template), or a function of the number of qubits; None
            leaves the ansatz as it is. Whether there is a plateau depends on how the depth grows with the width.
        quantity: ``"loss"``, or ``"gradient"`` for the summed variance of the chosen derivatives.
        parameters: Which derivatives; see :func:`gradient_variance`.
        distribution: The distribution of the angles.
        method: ``"states"`` simulates states; ``"walks"`` takes :func:`second_moments`, which knows no limit in width
            but refuses some circuits, such as those with shared angles; ``"propagation"`` takes
            :func:`gradient_variance` by Pauli strings, which knows no limit in width either as long as the strings stay
            few. ``"auto"`` simulates states up to 14 qubits (or what ``connection`` and ``shots`` ask for); above, it
            walks where it can and else propagates.
        num_samples: Random points at each width, for states and propagation.
        num_walks: Walks of each Pauli term, for walks.
        target_qubits: A width to extrapolate to.
        shots: Shots of each circuit; None for exact values.
        connection: Where circuits run.
        confidence: The confidence of intervals.
        seed: Seed of everything random.

    Returns:
        Variances, fits, and a verdict for the range that was studied.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument does not fit.

    References:
        McClean et al., arXiv:1803.11173; Cerezo et al., arXiv:2001.00550; Arrasmith et al., arXiv:2104.05868.

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz
        >>> from qiskit_qml_ext.diagnostics import local_observable, scaling_study
        >>> scaling_study(RealAmplitudesAnsatz(), local_observable, qubits=[3], seed=0).verdict
        'undetermined'
    """
    widths = sorted({int(n) for n in qubits})
    if not widths:
        raise ValueError("qubits is empty; name at least one number of qubits.")
    if quantity not in ("loss", "gradient"):
        raise ValueError(f"quantity must be 'loss' or 'gradient', but {quantity!r} came.")
    seeds = np.random.SeedSequence(seed).generate_state(len(widths))
    layers = [None if depths is None else depths(n) if callable(depths) else int(depths) for n in widths]
    if method not in ("auto", "states", "walks", "propagation"):
        raise ValueError(f"method must be 'auto', 'states', 'walks' or 'propagation', but {method!r} came.")
    exact = shots is None and (connection is None or connection.is_exact)
    points: list[GradientVariance | SecondMoments] = []
    for width, depth, one in zip(widths, layers, seeds, strict=True):
        common = _Common(_at_depth(ansatz, depth), observable, width, distribution, confidence, int(one))
        wide = method == "auto" and width > _MAX_STATE_QUBITS
        if method == "walks" or wide:
            try:
                points.append(common.walks(num_walks))
                continue
            except (TypeError, ValueError):
                if method == "walks":
                    raise
        how: SampleMethod = "auto"
        if method == "propagation" or (wide and exact):
            how = "propagation"
        elif method == "states" and exact:
            how = "exact"
        points.append(common.samples(how, parameters, num_samples, shots, connection))
    variances = tuple(point.loss_variance if quantity == "loss" else _summed(point) for point in points)
    noises = tuple(
        point.shot_noise.loss if quantity == "loss" else float(point.shot_noise.derivatives.sum()) for point in points
    )
    kurtoses = [point.loss_kurtosis if isinstance(point, GradientVariance) else math.nan for point in points]
    judgement = judge_variances(widths, variances, kurtoses, num_samples, confidence)
    fit = judgement.chosen
    return ScalingStudy(
        verdict=judgement.verdict,
        reason=judgement.reason,
        quantity=quantity,
        qubits=tuple(widths),
        depths=tuple(layers),
        variances=variances,
        shot_noises=noises,
        extrapolation=None
        if fit is None or target_qubits is None
        else _extrapolate(fit, target_qubits, variances[-1], widths, noises),
        judgement=judgement,
        num_samples=num_samples,
        seed=seed,
        points=tuple(points),
    )


_MAX_STATE_QUBITS = 14  # above, walks are faster than hundreds of states


@dataclass(frozen=True, eq=False)
class _Common:
    """What every way to measure one width is told."""

    circuit: Trainable
    observable: ObservableFamily
    num_qubits: int
    distribution: InitialDistribution | None
    confidence: float
    seed: int

    def walks(self, num_walks: int) -> SecondMoments:
        return second_moments(
            self.circuit,
            self.observable,
            num_qubits=self.num_qubits,
            distribution=self.distribution,
            num_walks=num_walks,
            confidence=self.confidence,
            seed=self.seed,
        )

    def samples(
        self,
        method: SampleMethod,
        parameters: Parameters,
        num_samples: int,
        shots: int | None,
        connection: Connection | None,
    ) -> GradientVariance:
        return gradient_variance(
            self.circuit,
            self.observable,
            num_qubits=self.num_qubits,
            distribution=self.distribution,
            parameters=parameters,
            num_samples=num_samples,
            method=method,
            shots=shots,
            connection=connection,
            confidence=self.confidence,
            seed=self.seed,
        )


_NOISE_VARIANCE = 1e-24  # below this a variance is rounding error of the simulation


def judge_variances(
    widths: Sequence[int],
    variances: Sequence[Estimate],
    kurtoses: Sequence[float],
    num_samples: int,
    confidence: float = 0.95,
) -> ScalingVerdict:
    """Judge variances by :func:`~qiskit_qml_ext.diagnostics.scaling_fit.judge_scaling`.

    The standard error of a logarithm is a quarter of its interval's width, which for skewed samples is more than the
    plain error. A sample whose kurtosis is a good part of its size consists of a few rare peaks, and its variance is
    too small rather than too uncertain: such a point does not count.
    """
    log_variances, errors = [], []
    for variance, kurtosis in zip(variances, kurtoses, strict=True):
        usable = variance.value > _NOISE_VARIANCE and variance.low > 0 and math.isfinite(variance.high)
        peaked = math.isfinite(kurtosis) and kurtosis > num_samples / 5
        log_variances.append(math.log(variance.value) if usable else math.nan)
        spread = math.log(variance.high / variance.low) / 4 if usable else math.nan
        errors.append(math.inf if peaked else spread)
    return judge_scaling(
        np.array(widths, dtype=np.float64), np.array(log_variances), np.array(errors), confidence=confidence
    )


def _at_depth(ansatz: Trainable, depth: int | None) -> Trainable:
    if depth is None:
        return ansatz
    if isinstance(ansatz, Ansatz) and "reps" in ansatz.get_params():
        copy: Ansatz = clone(ansatz).set_params(reps=depth)
        return copy
    raise TypeError(f"depths needs a template with the setting reps, but {type(ansatz).__name__} came.")


def _summed(point: GradientVariance | SecondMoments) -> Estimate:
    """The summed variance of the derivatives, with the relative interval of the squared gradient."""
    if isinstance(point, SecondMoments):
        return point.squared_gradient  # the means of derivatives vanish for symmetric angles or are small
    total = sum(estimate.value for estimate in point.gradient_variances)
    if total <= 0 or point.squared_gradient.value <= 0:
        return Estimate(total, math.nan, -math.inf, math.inf)
    scale = total / point.squared_gradient.value
    around = point.squared_gradient
    return Estimate(total, around.standard_error * scale, around.low * scale, around.high * scale, around.method)


def _extrapolate(
    fit: ScalingFit, num_qubits: int, last: Estimate, widths: Sequence[int], noises: Sequence[float]
) -> Extrapolation:
    """The fit at another width; what falls as a power may also level off, so the last variance is possible too."""
    centre, error = fit.log_variance(num_qubits), fit.log_error(num_qubits)
    value, low, high = (_exp(centre + k * error) for k in (0.0, -1.96, 1.96))
    if fit.name == "polynomial":
        high = max(high, last.high)
    method = f"{fit.name} fit, 95 % if the fit holds that far"
    variance = Estimate(value, value * error, low, high, method)
    noise = noise_at(num_qubits, widths, noises)
    price, fewest, most = (shots_needed(noise, one) for one in (value, high, low))
    return Extrapolation(num_qubits, variance, Estimate(price, price * error, fewest, most, method))


def _exp(exponent: float) -> float:
    return math.exp(min(max(exponent, -700.0), 700.0))
