"""From the numbers of a start to what may be said of it."""

import math

import numpy as np

from qiskit_qml_ext.diagnostics.results.result import UNKNOWN, Estimate, counted, rounded
from qiskit_qml_ext.diagnostics.statistics.intervals import mean_estimates
from qiskit_qml_ext.models.guard.plateau_report import PlateauCode, PlateauReport
from qiskit_qml_ext.models.guard.start_gradient import GradientSizes
from qiskit_qml_ext.models.guard.training_start import TrainingStart


def judge(start: TrainingStart, sizes: GradientSizes, dead: tuple[str, ...]) -> PlateauReport:
    """Say whether the gradient of a training is seen where it starts.

    Its own numbers decide, with the ends that samples which were not looked at leave open; a plateau is claimed only if
    none of the other starts that were drawn from its distribution is better, and if the outputs of single samples do
    not move either.
    """
    ratio = _ratio(sizes.loss[0], sizes.loss_noise[0])
    outputs = _ratio(sizes.outputs[0], sizes.outputs_noise[0])
    squared = others = UNKNOWN
    if len(sizes.loss) > 1:
        squared = mean_estimates(sizes.loss[1:], np.random.default_rng(0), positive=True)[0]
        others = _divided(squared, float(sizes.loss_noise[1:].mean()))
    drawn = [
        max((_ratio(*one) for one in zip(signal[1:], noise[1:], strict=True)), default=0.0)
        for signal, noise in ((sizes.loss_at_most, sizes.loss_noise), (sizes.outputs, sizes.outputs_noise))
    ]
    low, high = (_ratio(signal[0], sizes.loss_noise[0]) for signal in (sizes.loss_at_least, sizes.loss_at_most))
    code = _code(low, high, outputs, max(drawn) if len(sizes.loss) > 1 else math.inf)
    gradient, visible = math.sqrt(sizes.loss[0]), math.sqrt(sizes.loss_noise[0])
    needed = math.nan
    if start.shots is not None:
        needed = max(math.ceil(start.shots / ratio), 1.0) if ratio > 0 else math.inf
    return PlateauReport(
        code=code,
        finding=_sentence(code, start, sizes),
        cause="",
        advice=(),
        num_qubits=start.num_qubits,
        num_weights=len(start.weights),
        dead_weights=dead,
        squared_gradient=squared,
        start_gradient=gradient,
        visible=visible,
        signal_to_noise=math.sqrt(ratio),
        other_starts=others,
        output_signal_to_noise=math.sqrt(outputs),
        shots=start.shots,
        shots_needed=needed,
        method=sizes.method,
    )


def judge_bound(start: TrainingStart, bound: float | None, dead: tuple[str, ...]) -> PlateauReport:
    """Say what an upper bound on the square of signal-to-noise tells, or that nothing is known."""
    drowns = bound is not None and bound < 1
    if drowns:
        finding = (
            f"Over random starts the gradient of the loss is at most {math.sqrt(bound or 0.0):.2g} of its noise at "
            f"{shots_of_each(start.shots)} (root mean square over the starts)."
        )
    else:
        finding = (
            f"Nothing is said of the gradient before the training: {start.num_qubits} qubits are too wide for a quick "
            "look at this circuit."
        )
    others = Estimate(math.nan, math.nan, 0.0, bound, "upper bound by matrix products") if drowns and bound else UNKNOWN
    return PlateauReport(
        code="gradient_drowns" if drowns else "no_statement",
        finding=finding,
        cause="",
        advice=(),
        num_qubits=start.num_qubits,
        num_weights=len(start.weights),
        dead_weights=dead,
        squared_gradient=UNKNOWN,
        start_gradient=math.nan,
        visible=math.nan,
        signal_to_noise=math.nan,
        other_starts=others,
        output_signal_to_noise=math.nan,
        shots=start.shots,
        shots_needed=math.nan,
        method="upper bound by matrix products" if drowns else "no method reaches",
    )


def shots_of_each(shots: int | None) -> str:
    """Return the shots of each circuit in words."""
    return "these shots" if shots is None else f"{counted(shots, 'shot')} of each circuit"


def _code(at_least: float, at_most: float, outputs: float, best: float) -> PlateauCode:
    if at_least >= 1:
        return "gradient_seen"
    if at_most >= 1:
        return "no_statement"
    if outputs >= 1:
        return "start_stationary"
    return "gradient_drowns" if best < 1 else "start_flat"


def _ratio(signal: float, noise: float) -> float:
    """Signal by noise; what has no noise is seen, unless there is nothing to see."""
    if noise > 0:
        return float(signal / noise)
    return math.inf if signal > 0 else 0.0


def _divided(squared: Estimate, noise: float) -> Estimate:
    value, low, high = (_ratio(one, noise) for one in (squared.value, squared.low, squared.high))
    return Estimate(value, squared.standard_error / noise if noise > 0 else math.nan, low, high, squared.method)


def _sentence(code: PlateauCode, start: TrainingStart, sizes: GradientSizes) -> str:
    looked, number, draws = sizes.num_samples, len(start.samples), len(sizes.loss) - 1
    some = f" (from {looked:,} of {number:,} samples)" * (looked < number)
    gradient, ratio = math.sqrt(sizes.loss[0]), math.sqrt(_ratio(sizes.loss[0], sizes.loss_noise[0]))
    size = (
        f"At the start the gradient of the loss is {'about ' * bool(some)}{gradient:.2g}{some}, {_times(ratio)} "
        f"{_what_hides(start, math.sqrt(sizes.loss_noise[0]))}"
    )
    if code == "gradient_seen":
        return f"{size}."
    if code == "start_stationary":
        return (
            f"{size}, although the outputs of single samples move beyond theirs: the samples' gradients cancel, as at "
            "an optimum, or where labels do not follow the samples."
        )
    if code == "no_statement":
        return f"{size}; all samples together may have a larger one or a smaller one."
    if code == "start_flat" and not draws:
        return f"{size}. There is one start only; if it is no optimum, begin with other weights."
    if code == "start_flat":
        return f"{size}; some other starts from the same distribution are not below it, or move the outputs."
    return f"{size}, and at {draws} other starts from the same distribution it is below that as well."


def _what_hides(start: TrainingStart, size: float) -> str:
    if start.shots is None and size > start.tol:
        return "what rounding leaves of a 0"
    if start.shots is None:
        return f"what counts as an improvement (tol = {start.tol:g}, for a step of a radian)"
    step = f" in a step of {counted(start.batch_size, 'sample')}" * (start.batch_size < len(start.samples))
    shifts = " if parameter shifts measured it (the optimizer takes values only)" * (not start.takes_gradients)
    return f"its noise{step} at {shots_of_each(start.shots)}{shifts}"


def _times(ratio: float) -> str:
    return f"{rounded(ratio) if ratio >= 100 else f'{ratio:.2g}'} times"
