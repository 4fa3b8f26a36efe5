"""What a scaling study measured and fitted, as its words and its picture read it."""

from dataclasses import dataclass, field
from typing import Literal

from qiskit_qml_ext.diagnostics.moments.second_moments import SecondMoments
from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.statistics.scaling_fit import ScalingJudgement, ScalingVerdict
from qiskit_qml_ext.diagnostics.statistics.scaling_verdict import vanishes
from qiskit_qml_ext.diagnostics.trainability.gradient_variance import GradientVariance

Quantity = Literal["loss", "gradient"]


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
    is_measured: bool = False
    """Whether the width was one of the study, so that nothing was extrapolated."""


@dataclass(frozen=True, repr=False)
class ScalingData:
    """The variance against the number of qubits: the fields of a :class:`ScalingStudy`."""

    verdict: ScalingVerdict
    """For the widths studied: ``"barren plateau"``, ``"polynomial"`` (a power describes these widths; it may level off
    or end beyond), ``"constant"`` (up to the power that ``judgement.flat`` bounds; at all, or from
    ``judgement.levelled_off_from`` on) or ``"undetermined"``."""
    reason: str
    """Why, in one sentence."""
    quantity: Quantity
    """What was studied: Var C, or the summed variance of the chosen derivatives."""
    widths: tuple[int, ...]
    """The widths."""
    depths: tuple[int | None, ...]
    """The number of layers at each width; None where the ansatz decides."""
    variances: tuple[Estimate, ...]
    """The variance at each width."""
    shot_noises: tuple[float, ...]
    """At each width the variance of one shot: of the loss, or summed over the derivatives."""
    extrapolation: Extrapolation | None
    """Variance and shots at the wanted width, if there was one, the verdict is determined, and the width was measured
    or does not lie below those that were fitted."""
    judgement: ScalingJudgement
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

    @property
    def is_constant_loss(self) -> bool:
        """Whether the variance is 0 up to rounding at every width: what was studied does not change the loss."""
        return all(vanishes(variance) for variance in self.variances)
