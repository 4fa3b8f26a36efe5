"""What the guard of a training found."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from qiskit_qml_ext.diagnostics.results.result import UNKNOWN, Estimate, Result, counted, rounded

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PlateauCode = Literal[
    "gradient_seen", "gradient_drowns", "start_flat", "start_stationary", "no_statement", "stalled", "resolved"
]


@dataclass(frozen=True, repr=False)
class PlateauReport(Result):
    """Whether a training sees its gradient: before it, and while it runs.

    Codes: before the training ``"gradient_seen"``; ``"gradient_drowns"`` (a plateau); ``"start_flat"`` (this start is
    flat, others of its distribution are not known to be); ``"start_stationary"`` (the outputs move, the loss does not:
    an optimum, or labels that have nothing to do with the samples); ``"no_statement"``. While training ``"stalled"`` (a
    plateau; not said after ``"start_stationary"``) and ``"resolved"`` (the gradient was seen and no longer
    is: converged as far as the shots tell, or come into a flat region), which take the place of the first.
    """

    code: PlateauCode
    """The finding as one word."""
    finding: str
    """The finding in one sentence."""
    cause: str
    """What holds the gradient down, as :func:`~qiskit_qml_ext.diagnostics.diagnose` says it; empty where it was not
    asked or nothing was found."""
    advice: tuple[str, ...]
    """What to do."""
    num_qubits: int
    """The width."""
    num_weights: int
    """The number of weights W."""
    dead_weights: tuple[str, ...]
    """The weights that change no output."""
    squared_gradient: Estimate
    """E ‖∇L‖² by the weights, of the loss of all samples, over the initial distribution; not known where no other
    starts are drawn: the gradient is seen at the start, or there is one start only."""
    start_gradient: float
    """‖∇L‖ of the loss of all samples at the start, or its estimate from as many as ``method`` says."""
    visible: float
    """From which size on it is seen there: the size of its noise in a step without errors of a device, or with exact
    results the tolerance (for a step of a radian) or what rounding leaves."""
    signal_to_noise: float
    """The ratio of the two."""
    other_starts: Estimate
    """The square of this ratio over the initial distribution; not known where ``squared_gradient`` is not."""
    output_signal_to_noise: float
    """The same ratio for the derivatives of the outputs of a single sample."""
    shots: int | None
    """Shots of each circuit; ``None`` for exact results."""
    shots_needed: float
    """Shots of each circuit at which the ratio is 1 at this start; NaN where results are exact or nothing is known."""
    method: str
    """How this was found."""
    training_signal_to_noise: float = math.nan
    """The same ratio while training, of the gradients of its batches, as it was last measured, without the noise's own
    part; NaN where results are exact or too few iterations were seen."""
    num_iterations: int = 0
    """Over how many iterations that was: the last 40, or all if there are fewer."""

    typical: ClassVar[Mapping[str, object]] = {"code": "", "signal_to_noise": math.nan, "squared_gradient": UNKNOWN}

    @property
    def is_plateau(self) -> bool:
        """Whether the gradient is beyond sight."""
        return self.code in ("gradient_drowns", "stalled")

    @property
    def is_only_start(self) -> bool:
        """Whether this start is flat and there is no other, as where the weights are given."""
        return self.code == "start_flat" and math.isnan(self.other_starts.value)

    def headline(self) -> str:
        """Return the finding in one sentence."""
        return self.finding

    def in_words(self) -> str:
        """Return finding, cause and advice as one text."""
        return " ".join(part for part in (self.finding, self.cause, *self.advice) if part)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the numbers behind the finding, its cause and the advice."""
        rows = [
            ("Gradient of the loss at the start", _number(self.start_gradient), f"of {self.num_weights:,} weights"),
            ("Seen from", _number(self.visible), self._what_is_seen()),
            ("Signal to noise at the start", _number(self.signal_to_noise), "below 1: drowned"),
            ("… squared, other starts", self._other_starts_in_words(), self.method),
            ("… of the outputs", _number(self.output_signal_to_noise), "of one sample"),
        ]
        if math.isfinite(self.shots_needed):
            rows.append(
                (
                    "Shots to see it at the start",
                    rounded(self.shots_needed),
                    "of each circuit, signal as large as noise",
                )
            )
        if self.num_iterations:
            number = counted(self.num_iterations, "iteration")
            rows.append(
                ("Signal to noise while training", _number(self.training_signal_to_noise), f"over the last {number}")
            )
        if self.dead_weights:
            rows.append(("Weights without effect", str(len(self.dead_weights)), ", ".join(self.dead_weights)))
        rows += [("Why", self.cause, "")] if self.cause else []
        return [*rows, *(("What to do", sentence, "") for sentence in self.advice)]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the gradient at the start and over its distribution beside the size from which it is seen."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, GREY, new_axes

        axes = new_axes(ax)
        known = self.squared_gradient.high > 0
        if known:
            ends = [math.sqrt(max(end, 1e-32)) for end in (self.squared_gradient.low, self.squared_gradient.high)]
            axes.plot(ends, [1, 1], color=BLUE, lw=2)
        if self.start_gradient > 0:
            axes.plot(self.start_gradient, 0, "o", color=BLUE)
        if self.visible > 0:
            axes.axvline(self.visible, color=GREY, lw=1, ls=(0, (4, 3)))
        axes.set_yticks([0, 1], ["this start", "other starts"])
        axes.set(xlabel="norm of the gradient; dashed: seen from here on", ylim=(-0.5, 1.5))
        axes.set_xscale("log" if known or self.start_gradient > 0 else "linear")
        return axes

    def _other_starts_in_words(self) -> str:
        others = self.other_starts
        if math.isnan(others.value):
            return "not known" if math.isnan(others.high) else f"at most {others.high:.3g}"
        return f"{others.value:.3g} {others.interval()}"

    def _what_is_seen(self) -> str:
        return "exact results" if self.shots is None else f"its noise at {counted(self.shots, 'shot')} of each circuit"


def _number(value: float) -> str:
    return "not known" if math.isnan(value) else f"{value:.3g}"
