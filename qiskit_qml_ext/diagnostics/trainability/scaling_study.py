"""How the variance of a loss scales with the number of qubits: fits, a verdict, and the price of going on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.base import clone

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments, whole_numbers
from qiskit_qml_ext.circuits import Ansatz, InitialDistribution
from qiskit_qml_ext.diagnostics.moments.second_moments import (
    SecondMoments,
    mean_gradients,
    second_moments,
    shifted,
)
from qiskit_qml_ext.diagnostics.moments.walkable import why_not_walkable
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result
from qiskit_qml_ext.diagnostics.statistics.intervals import mean_estimates
from qiskit_qml_ext.diagnostics.statistics.scaling_fit import ScalingFit, ScalingJudgement
from qiskit_qml_ext.diagnostics.statistics.scaling_verdict import judge_variances
from qiskit_qml_ext.diagnostics.subject.limits import MAX_STATE_QUBITS
from qiskit_qml_ext.diagnostics.subject.problem import ObservableFamily, Parameters, Trainable, pose
from qiskit_qml_ext.diagnostics.subject.shot_noise import noise_at, shots_needed
from qiskit_qml_ext.diagnostics.trainability.gradient_variance import GradientVariance, gradient_variance
from qiskit_qml_ext.diagnostics.trainability.readings import Method as SampleMethod
from qiskit_qml_ext.diagnostics.trainability.scaling_data import Extrapolation, Quantity, ScalingData
from qiskit_qml_ext.diagnostics.trainability.scaling_figure import plot_scaling
from qiskit_qml_ext.diagnostics.trainability.scaling_words import bounded_exp, headline_of, rows_of, trend_of
from qiskit_qml_ext.primitives import Connection

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Method = Literal["auto", "states", "walks", "propagation"]
Depth = int | Callable[[int], int] | None


@dataclass(frozen=True, repr=False)
class ScalingStudy(ScalingData, Result):
    """The variance against the number of qubits, from :func:`scaling_study`."""

    def extrapolate(self, num_qubits: int) -> Extrapolation:
        """Return variance and shots at a width: as measured there, else by the fit that belongs to the verdict.

        Raises:
            ValueError: If the verdict is undetermined, or the width lies below those that were fitted: an
                extrapolation would be a guess.
        """
        fit = self.judgement.chosen
        if fit is None:
            raise ValueError(f"The scaling is undetermined ({self.reason}), so there is nothing to extrapolate.")
        extrapolation = _extrapolate(self.judgement, num_qubits, self.widths, self.variances, self.shot_noises)
        if extrapolation is None:
            raise ValueError(
                f"The law that was found holds from {fit.first_width:.0f} qubits on and says nothing about "
                f"{num_qubits}. Name that width among those of the study."
            )
        return extrapolation

    def headline(self) -> str:
        """Return the verdict in one sentence: for the widths that were fitted, the angles and the depths."""
        return headline_of(self)

    @property
    def trend(self) -> str:
        """What happens over the widths that were studied, in words, whatever the verdict."""
        return trend_of(self)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the variance at each width, the fits and the extrapolation."""
        return rows_of(self)

    def records(self) -> list[dict[str, object]]:
        """Return the variance at each width, the variance of one shot, and whether the fits use the point."""
        names = ("num_qubits", "depth", "variance", "single_shot_variance", "is_used")
        columns = (self.widths, self.depths, self.variances, self.shot_noises, self.judgement.used)
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the variance against the number of qubits with the fit and its band."""
        return plot_scaling(self, ax)


@check_arguments(widths=whole_numbers)
def scaling_study(
    circuit: Trainable,
    observable: ObservableFamily,
    *,
    widths: Sequence[int] = range(2, 11),
    depths: Depth = None,
    quantity: Quantity = "loss",
    parameters: Parameters = "all",
    distribution: InitialDistribution | None = None,
    method: Method = "auto",
    num_samples: int = 200,
    num_walks: int = 8192,
    extrapolate_to: int | None = None,
    shots: int | None = None,
    connection: Connection | None = None,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> ScalingStudy:
    """Measure the variance at several widths, fit how it falls, and say whether there is a barren plateau.

    The loss and its derivatives concentrate together, so the variance of the loss is studied by default; it does not
    depend on how many parameters an ansatz has.

    Args:
        circuit: A template or a function from the number of qubits to a circuit.
        observable: A function from the number of qubits to an observable, such as
            :func:`~qiskit_qml_ext.diagnostics.local_observable`.
        widths: The widths; a few large ones tell a power from a constant.
        depths: The number of layers (the setting ``reps`` of a template), or a function of the number of qubits; None
            leaves the ansatz as it is. Whether there is a plateau depends on how the depth grows with the width.
        quantity: ``"loss"``, or ``"gradient"`` for the summed variance Σ Var ∂C of the chosen derivatives.
        parameters: Which derivatives; see :func:`gradient_variance`.
        distribution: The distribution of the angles.
        method: ``"states"`` simulates states; ``"walks"`` takes :func:`second_moments`, which knows no limit in width
            but refuses some circuits, such as those with shared angles; ``"propagation"`` takes
            :func:`gradient_variance` by Pauli strings, which knows no limit in width either as long as the strings stay
            few. ``"auto"`` simulates states up to 14 qubits (or what ``connection`` and ``shots`` ask for); above, it
            walks where it can and else propagates.
        num_samples: Random points at each width, for states and propagation.
        num_walks: Walks of each Pauli term, for walks.
        extrapolate_to: A width to extrapolate to.
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
        >>> scaling_study(RealAmplitudesAnsatz(), local_observable, widths=[3], seed=0).verdict
        'undetermined'
    """
    widths = sorted({int(n) for n in widths})
    _check_study(widths, quantity, method)
    ways = _Ways(method, num_walks, num_samples, shots, connection)
    measured = []
    layers = [None if depths is None else depths(n) if callable(depths) else int(depths) for n in widths]
    for width, depth, one in zip(widths, layers, seeds_of_widths(seed, widths), strict=True):
        here = _Width(_at_depth(circuit, depth), observable, width, distribution, parameters, quantity, confidence, one)
        measured.append(here.measure(ways))
    points, variances = [point for point, _ in measured], [variance for _, variance in measured]
    noises = tuple(
        point.shot_noise.loss if quantity == "loss" else float(point.shot_noise.derivatives.sum()) for point in points
    )
    kurtoses = [_kurtosis(point, quantity) for point in points]
    judgement = judge_variances(widths, variances, kurtoses, num_samples, confidence)
    return ScalingStudy(
        verdict=judgement.verdict,
        reason=judgement.reason,
        quantity=quantity,
        widths=tuple(widths),
        depths=tuple(layers),
        variances=tuple(variances),
        shot_noises=noises,
        extrapolation=None
        if extrapolate_to is None
        else _extrapolate(judgement, extrapolate_to, widths, variances, noises),
        judgement=judgement,
        num_samples=num_samples,
        seed=seed,
        points=tuple(points),
    )


def _check_study(widths: Sequence[int], quantity: Quantity, method: Method) -> None:
    if not widths:
        raise ValueError("qubits is empty; name at least one number of qubits.")
    if quantity not in ("loss", "gradient"):
        raise ValueError(f"quantity must be 'loss' or 'gradient', but {quantity!r} came.")
    if method not in ("auto", "states", "walks", "propagation"):
        raise ValueError(f"method must be 'auto', 'states', 'walks' or 'propagation', but {method!r} came.")


def seeds_of_widths(seed: int | None, widths: Sequence[int]) -> list[int]:
    """Return the seed of the random points at each width of a study."""
    return [int(one) for one in np.random.SeedSequence(seed).generate_state(len(widths))]


@dataclass(frozen=True, eq=False)
class _Ways:
    """How the widths of a study are measured."""

    method: Method
    num_walks: int
    num_samples: int
    shots: int | None
    connection: Connection | None

    @property
    def is_exact(self) -> bool:
        return self.shots is None and (self.connection is None or self.connection.is_exact)


@dataclass(frozen=True, eq=False)
class _Width:
    """What is measured at one width."""

    circuit: Trainable
    observable: ObservableFamily
    num_qubits: int
    distribution: InitialDistribution | None
    parameters: Parameters
    quantity: Quantity
    confidence: float
    seed: int

    def measure(self, ways: _Ways) -> tuple[GradientVariance | SecondMoments, Estimate]:
        """The result and the variance."""
        wide = ways.method == "auto" and self.num_qubits > MAX_STATE_QUBITS
        if ways.method == "walks" or (wide and self._why_no_walks() is None):
            return self._walks(ways.num_walks)
        how: SampleMethod = "auto"
        if ways.method == "propagation" or (wide and ways.is_exact):
            how = "propagation"
        elif ways.method == "states" and ways.is_exact:
            how = "exact"
        return self._samples(how, ways)

    def _why_no_walks(self) -> str | None:
        problem = pose(
            self.circuit,
            self.observable,
            num_qubits=self.num_qubits,
            distribution=self.distribution,
            parameters=self._walked,
        )
        return why_not_walkable(problem, with_means=self.quantity == "gradient")

    @property
    def _walked(self) -> Parameters:
        return self.parameters if self.quantity == "gradient" else "all"

    def _walks(self, num_walks: int) -> tuple[SecondMoments, Estimate]:
        point = second_moments(
            self.circuit,
            self.observable,
            num_qubits=self.num_qubits,
            distribution=self.distribution,
            parameters=self._walked,
            num_walks=num_walks,
            confidence=self.confidence,
            seed=self.seed,
        )
        if self.quantity == "loss":
            return point, point.loss_variance
        means = mean_gradients(
            self.circuit,
            self.observable,
            num_qubits=self.num_qubits,
            distribution=self.distribution,
            parameters=self.parameters,
        )
        return point, shifted(point.squared_gradient, -float(np.sum(means**2)))

    def _samples(self, method: SampleMethod, ways: _Ways) -> tuple[GradientVariance, Estimate]:
        point = gradient_variance(
            self.circuit,
            self.observable,
            num_qubits=self.num_qubits,
            distribution=self.distribution,
            parameters=self.parameters,
            num_samples=ways.num_samples,
            method=method,
            shots=ways.shots,
            connection=ways.connection,
            confidence=self.confidence,
            seed=self.seed,
        )
        return point, point.loss_variance if self.quantity == "loss" else _summed(point, self.seed)


def _summed(point: GradientVariance, seed: int) -> Estimate:
    """The summed variance of the derivatives: the mean squared distance of a gradient from the mean gradient."""
    if point.shots is None:
        distances = _distances(point) * (point.num_samples / (point.num_samples - 1))
        return mean_estimates(distances, np.random.default_rng(seed), confidence=point.confidence, positive=True)[0]
    # with shots the variances come without their noise; they scatter no more than the squared gradient does
    total, around = sum(estimate.value for estimate in point.gradient_variances), point.squared_gradient
    low, high = total + around.low - around.value, total + around.high - around.value
    return Estimate(total, around.standard_error, low, high, around.method)


def _distances(point: GradientVariance) -> FloatArray:
    return np.asarray(np.sum((point.gradients - point.gradients.mean(axis=0)) ** 2, axis=1))


def _kurtosis(point: GradientVariance | SecondMoments, quantity: Quantity) -> float:
    """E s²/(E s)² of the squared deviations s whose mean is the variance; NaN for walks, which state rare events."""
    if isinstance(point, SecondMoments):
        return math.nan
    if quantity == "loss":
        return point.loss_kurtosis
    distances = _distances(point)
    mean = float(distances.mean())
    return float(np.mean(distances**2)) / mean**2 if mean > 0 else math.nan


def _at_depth(ansatz: Trainable, depth: int | None) -> Trainable:
    if depth is None:
        return ansatz
    if isinstance(ansatz, Ansatz) and "reps" in ansatz.get_params():
        copy: Ansatz = clone(ansatz).set_params(reps=depth)
        return copy
    raise TypeError(f"depths needs a template with the setting reps, but {type(ansatz).__name__} came.")


def _extrapolate(
    judgement: ScalingJudgement,
    num_qubits: int,
    widths: Sequence[int],
    variances: Sequence[Estimate],
    noises: Sequence[float],
) -> Extrapolation | None:
    """The price at a width: as measured there, else by the fit of the verdict; None below the range of the fit.

    What falls as a power may also level off, so the last variance is possible too; what is called constant may change
    as slowly as the power that was fitted beside it allows.
    """
    fit = judgement.chosen
    if fit is None:
        return None
    if num_qubits in widths and judgement.used[widths.index(num_qubits)]:
        place = widths.index(num_qubits)
        return _priced(num_qubits, variances[place], noises[place], is_measured=True)
    if num_qubits < fit.first_width:
        return None
    last = [variance for variance, used in zip(variances, judgement.used, strict=True) if used][-1]
    value, error, low, high = _continued(fit, num_qubits)
    if fit.name == "polynomial":
        high = max(high, last.high)
    elif fit.name == "constant" and judgement.flat is not None:
        sloped = _continued(judgement.flat, num_qubits)
        low, high = min(low, sloped[2]), max(high, sloped[3])
        if not judgement.flat.rate.contains(0.0):
            value, error = sloped[:2]
    method = f"{fit.name} fit, 95 % if the fit holds that far"
    variance = Estimate(value, value * error, low, high, method)
    return _priced(num_qubits, variance, noise_at(num_qubits, widths, noises))


def _continued(fit: ScalingFit, num_qubits: int) -> tuple[float, float, float, float]:
    """The variance by a fit, the error of its logarithm, and the ends of its interval."""
    centre, error = fit.log_variance(num_qubits), fit.log_error(num_qubits)
    value, low, high = (bounded_exp(centre + k * error) for k in (0.0, -1.96, 1.96))
    return value, error, low, high


def _priced(num_qubits: int, variance: Estimate, noise: float, *, is_measured: bool = False) -> Extrapolation:
    price, fewest, most = (shots_needed(noise, one) for one in (variance.value, variance.high, variance.low))
    error = price * variance.standard_error / variance.value if math.isfinite(price) else math.nan
    return Extrapolation(
        num_qubits, variance, Estimate(price, error, fewest, most, variance.method), is_measured=is_measured
    )
