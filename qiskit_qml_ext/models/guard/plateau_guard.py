"""The guard of a training: what it looks at, and what it does about it."""

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from qiskit_qml_ext.arrays import BoolArray
from qiskit_qml_ext.circuits import WarmStartDistribution
from qiskit_qml_ext.diagnostics.results.result import UNKNOWN, counted
from qiskit_qml_ext.exceptions import DeadWeightsWarning, NoGradientError, PlateauError, PlateauWarning
from qiskit_qml_ext.models.guard.causes import explained, why_constant
from qiskit_qml_ext.models.guard.dead_weights import constant_features, dead_weights
from qiskit_qml_ext.models.guard.judgement import judge, judge_bound, shots_of_each
from qiskit_qml_ext.models.guard.plateau_report import PlateauReport
from qiskit_qml_ext.models.guard.readers import reader_of
from qiskit_qml_ext.models.guard.signal_watch import COMPARED, SignalWatch
from qiskit_qml_ext.models.guard.start_gradient import gradient_sizes
from qiskit_qml_ext.models.guard.training_start import TrainingStart
from qiskit_qml_ext.models.guard.wide_gradient import bounded_signal

GuardMode = Literal["warn", "stop", "off"]
Readings = Iterable[Sequence[float]]
GUARD_MODES: tuple[GuardMode, ...] = ("warn", "stop", "off")
"""What a guard does: it says so, stops too, or does not look."""

_MANY = 0.5  # of the weights of a template: then the model is not what it seems to be
_UNKNOWN_SHOTS = (
    "Nothing is said of the gradient before the training: the connection does not say how many shots its estimator "
    "takes."
)
_OTHER_VALUES = 1.0  # by which a feature that is constant in all samples is changed
_NAMED = 12  # names of weights in one message
_STACK = 5  # from here to the line that calls ``fit``


class PlateauGuard:
    """Looks at the gradient before a training and while it runs.

    Args:
        mode: What it does about what it finds.
        earlier: What was found before the first part of the same training, and the readings of all parts before.
        num_qubits: The width.
        num_weights: The number of weights.
        shots: Shots of each circuit; None where results are exact, or an estimator of the user's decides.
        is_exact: Whether results are exact.
    """

    def __init__(
        self,
        mode: GuardMode,
        earlier: tuple[PlateauReport, Readings] | None = None,
        *,
        num_qubits: int,
        num_weights: int,
        shots: int | None,
        is_exact: bool,
    ) -> None:
        self._mode = mode
        self._begun, readings = earlier or (_nothing_known(num_qubits, num_weights, shots), ())
        self._knows_noise = is_exact or shots is not None
        self._start: TrainingStart | None = None
        self._watch = SignalWatch()
        for loss, norm, error in readings:
            self._watch.add(loss, norm, error)
        self._stalled: PlateauReport | None = None

    def look(self, start: TrainingStart) -> None:
        """Look at a start: once, before the training.

        Weights without effect are named in a warning if they are in a circuit of the user's own, or half of all.

        Raises:
            NoGradientError: If no weight changes any output.
            PlateauError: If the gradient is beyond sight and the guard is to stop.
        """
        reader = reader_of(start)
        mask = dead_weights(start, reader)
        everywhere = mask
        if mask.any() and len(constant_features(start)):
            everywhere = mask & dead_weights(start, reader, _OTHER_VALUES)
        if mask.all():
            raise NoGradientError(_all_dead(start, everywhere))
        if self._mode == "off":
            return
        dead = tuple(np.array(start.names)[mask].tolist())
        # templates may have rotations at their ends that turn phases only; in a circuit of one's own it is a mistake
        if dead and (start.has_plain_circuits or mask.mean() >= _MANY):
            warnings.warn(_some_dead(start, mask, everywhere), DeadWeightsWarning, stacklevel=_STACK)
        self._start = start
        if not self._knows_noise:
            self._begun = replace(self._begun, finding=_UNKNOWN_SHOTS, dead_weights=dead)
            return
        report = (
            judge_bound(start, bounded_signal(start), dead)
            if reader is None
            else judge(start, gradient_sizes(start, reader), dead)
        )
        self._begun = report
        is_given = isinstance(start.distribution, WarmStartDistribution)  # and may be an optimum
        if not report.is_plateau and (is_given or not report.is_only_start):
            return
        self._begun = report = explained(report, start)
        if self._mode == "stop" and report.is_plateau:
            raise PlateauError(f"The training was not begun. {report.in_words()}", report=report)
        warnings.warn(report.in_words(), PlateauWarning, stacklevel=_STACK)

    def sees(self, loss: float, norm: float | None, error: float | None) -> bool:
        """Take an iteration down, and say whether the training should stop.

        Args:
            loss: The loss.
            norm: The norm of the estimated gradient by the weights; None if there was none.
            error: The root of the sum of its squared standard errors; None where it is exact.
        """
        self._watch.add(loss, norm, error)  # also where nothing is said: a run that is taken up may want to know
        if self._mode == "off":
            return False
        if not self._is_stuck:
            return False
        if self._stalled is None:
            self._stalled = self._as_stalled()
            if not self._begun.is_plateau:  # or it has been said
                warnings.warn(self._stalled.in_words(), PlateauWarning, stacklevel=_STACK)
        return self._mode == "stop"

    @property
    def _is_stuck(self) -> bool:
        """Whether it trains on a plateau: not at a start like an optimum, where nothing is left to fall."""
        return self._watch.has_stalled and self._begun.code != "start_stationary"

    @property
    def begun(self) -> PlateauReport:
        """What was found before the training."""
        return self._begun

    @property
    def readings(self) -> list[tuple[float, float, float]]:
        """The arguments of :meth:`sees` for all iterations that told something."""
        return self._watch.taken

    def go_on(self, readings: Readings) -> None:
        """Take the place of a guard that saw these readings, and say what it said."""
        for loss, norm, error in readings:
            self.sees(loss, norm, error)

    @property
    def report(self) -> PlateauReport | None:
        """What was found up to now; None if nothing was looked at."""
        if self._mode == "off":
            return None
        watch = self._watch
        measured = {"training_signal_to_noise": watch.ratio, "num_iterations": watch.num_recent}
        if self._stalled is not None and self._is_stuck:
            return replace(self._stalled, finding=self._as_it_stalls(), **measured)  # type: ignore[arg-type]
        if watch.has_converged:
            finding = (
                "The gradient stood out of its noise and no longer does: at "
                f"{shots_of_each(self._begun.shots)} nothing more is resolved, as where a training has converged, or "
                "has come into a flat region."
            )
            return replace(self._begun, code="resolved", finding=finding, cause="", advice=(), **measured)  # type: ignore[arg-type]
        if self._stalled is not None:  # it was warned of, and is no longer so
            finding = f"{self._begun.finding} Later: {self._stalled.finding} At the end that is no longer so."
            return replace(self._begun, finding=finding, **measured)  # type: ignore[arg-type]
        return replace(self._begun, **measured)  # type: ignore[arg-type]

    def _as_stalled(self) -> PlateauReport:
        report = replace(self._begun, code="stalled", finding=self._as_it_stalls(), cause="", advice=())
        if self._start is None:
            return report
        ratio, shots = self._watch.whole_ratio, self._begun.shots
        return explained(report, self._start, shots / ratio**2 if shots and ratio > 0 else math.inf)

    def _as_it_stalls(self) -> str:
        watch, begun = self._watch, self._begun
        device = (
            f" At the start it would have been {begun.signal_to_noise:.2g} times its noise without errors of a device."
            if begun.signal_to_noise >= 1
            else ""
        )
        return (
            f"Over {counted(watch.num_iterations, 'iteration')} the gradient has been smaller than its noise at "
            f"{shots_of_each(begun.shots)} (signal to noise {watch.whole_ratio:.2g}, without the noise's own part), "
            f"and the mean of the last {COMPARED} losses is not below that of the first {COMPARED} by more than their "
            f"scatter.{device}"
        )


def _nothing_known(num_qubits: int, num_weights: int, shots: int | None) -> PlateauReport:
    return PlateauReport(
        code="no_statement",
        finding="Nothing was looked at before this training, which goes on from an earlier one.",
        cause="",
        advice=(),
        num_qubits=num_qubits,
        num_weights=num_weights,
        dead_weights=(),
        squared_gradient=UNKNOWN,
        start_gradient=math.nan,
        visible=math.nan,
        signal_to_noise=math.nan,
        other_starts=UNKNOWN,
        output_signal_to_noise=math.nan,
        shots=shots,
        shots_needed=math.nan,
        method="",
    )


def _named(names: tuple[str, ...]) -> str:
    rest = f" and {len(names) - _NAMED:,} more" * (len(names) > _NAMED)
    return ", ".join(names[:_NAMED]) + rest


def _some_dead(start: TrainingStart, mask: BoolArray, everywhere: BoolArray) -> str:
    """Name the weights that change nothing, and apart from them those that change other samples."""
    parts = [
        (everywhere, "", "Leave their gates out, or measure what they change."),
        (
            mask & ~everywhere,
            f" on these samples ({_constant(start)})",
            "On samples with other values they change outputs, by what they happened to start with. Train on such "
            "samples too, or leave out the features.",
        ),
    ]
    names = np.array(start.names)
    return " ".join(
        f"{which.sum()} of the {len(mask)} weights change no output{where}: {_named(tuple(names[which].tolist()))}. "
        f"They are trained in vain. {advice}"
        for which, where, advice in parts
        if which.any()
    )


def _all_dead(start: TrainingStart, everywhere: BoolArray) -> str:
    where = "" if everywhere.all() else f" on these samples ({_constant(start)})"
    why = why_constant(start) if everywhere.all() else "Train on samples with other values too."
    names = _named(start.names)
    return f"No weight changes any output of the model{where}, so there is nothing to train: {names}. {why}"


def _constant(start: TrainingStart) -> str:
    features = [str(feature) for feature in constant_features(start)]
    return f"feature{'s' * (len(features) > 1)} {_named(tuple(features))} with one value in all of them"
