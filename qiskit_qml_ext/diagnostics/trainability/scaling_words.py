"""What a scaling study says in words: only of the widths that were fitted, and no more than their intervals allow."""

import math
from collections.abc import Sequence

from qiskit_qml_ext.diagnostics.results.result import Estimate, counted, rounded
from qiskit_qml_ext.diagnostics.statistics.scaling_verdict import vanishes
from qiskit_qml_ext.diagnostics.trainability.scaling_data import ScalingData

_VAGUE = 100.0  # an interval of a factor that spans so much is said as its lower end


def headline_of(study: ScalingData) -> str:
    """Return the verdict in one sentence."""
    label = "the variance" if study.quantity == "loss" else "the variance of the derivatives"
    if study.is_constant_loss:
        name = "loss" if study.quantity == "loss" else "derivatives"
        return f"The variance of the {name} is 0 up to rounding at {_range(study.widths)}: no angle changes the loss."
    widths = fitted_widths(study)
    where = f"{'from' if len(widths) > 1 else 'at'} {_range(widths)}{_circumstances(study, widths)}"
    rest = _uncounted(study)
    rate, verdict = study.rate, study.verdict
    if verdict == "barren plateau" and rate is not None:
        low, high = math.exp(-rate.high), math.exp(-rate.low)
        how = f"by a factor {math.exp(-rate.value):.2f} [{low:.2f}, {high:.2f}] per qubit"
        return f"Barren plateau {where}: {label} falls exponentially, {how}{rest}."
    if verdict == "polynomial" and rate is not None:
        how = f"n^-{rate.value:.2f} (power {rate.interval()})"
        return (
            f"No sign of a barren plateau {where}: a power of the number of qubits describes how {label} falls, "
            f"{how}{rest}."
        )
    if verdict == "constant" and study.judgement.flat is not None:
        return f"No sign of a barren plateau {where}: {label} {_change(study.judgement.flat.rate)}{rest}."
    return f"Undetermined: the data do not tell how {label} falls {where}{rest}."


def fitted_widths(study: ScalingData) -> list[int]:
    """The widths that the verdict rests on; all of them if it rests on none."""
    start = study.judgement.levelled_off_from or 0
    used = [n for n, flag in zip(study.widths, study.judgement.used, strict=True) if flag and n >= start]
    return used if used else list(study.widths)


def trend_of(study: ScalingData) -> str:
    """Return what happens over the widths that were studied, in words, whatever the verdict."""
    first, last = study.variances[0], study.variances[-1]
    ends = f"{first.value:.2g} {first.interval()} at {counted(study.widths[0], 'qubit')}"
    if len(study.widths) == 1:
        return f"the variance is {ends}"
    ends += f" to {last.value:.2g} {last.interval()} at {study.widths[-1]}"
    if min(first.low, last.low) <= 0 or not math.isfinite(first.high + last.high):
        return f"the variance goes from {ends}"
    ratio = math.log(first.value / last.value)
    up = math.hypot(math.log(first.high / first.value), math.log(last.value / last.low))
    down = math.hypot(math.log(first.value / first.low), math.log(last.high / last.value))
    if ratio - down <= 0 <= ratio + up:
        return f"the variance goes from {ends}, no change beyond the errors"
    if ratio > 0:
        return f"the variance falls from {ends}, {_by_a_factor(ratio, ratio - down, ratio + up)}"
    return f"the variance rises from {ends}, {_by_a_factor(-ratio, -ratio - up, -ratio + down)}"


def rows_of(study: ScalingData) -> list[tuple[str, str, str]]:
    """Return the variance at each width, the fits and the extrapolation."""
    label = "Var C" if study.quantity == "loss" else "Σ Var ∂C"
    rows = []
    columns = zip(study.widths, study.depths, study.variances, study.judgement.used, strict=True)
    for n, depth, variance, used in columns:
        notes = [] if depth is None else [counted(depth, "layer")]
        if not used:
            notes.append("0 up to rounding" if vanishes(variance) else "does not count: too uncertain")
        rows.append((f"{label} at n = {n}", f"{variance.value:.3g} {variance.interval()}", ", ".join(notes)))
    rows.append(("Over these widths", "", trend_of(study)))
    for fit in study.judgement.fits:
        rate = "" if fit.name == "constant" else f"rate {fit.rate.value:.3f} {fit.rate.interval()}, "
        place = f", from {fit.first_width:.0f} qubits on" if fit.first_width > study.widths[0] else ""
        rows.append((f"Fit: {fit.name}", f"AICc {fit.aicc:.1f}", f"{rate}scatter {fit.scatter:.2g}{place}"))
    shape = study.judgement.shape
    if shape is not None:
        rows.append(("Shape of the decay", f"{shape.value:.1f} {shape.interval()} (80 %)", "0: power, 1: exponential"))
    rows.append(("Why", study.verdict, study.reason))
    there = study.extrapolation
    if there is not None:
        span = f"{rounded(there.shots.low)} to {rounded(there.shots.high)}"
        shots = f"{rounded(there.shots.value)} shots ({span}) for each circuit, signal as large as noise"
        how = "as measured" if there.is_measured else there.variance.method
        place = f"At {counted(there.num_qubits, 'qubit')}"
        rows.append((place, f"{there.variance.value:.2g}", f"{shots}; {how}"))
    return rows


def _change(power: Estimate) -> str:
    """How a variance that is called constant may change, n^-p with p in the interval of the power."""
    if power.low > 0:
        return f"falls, but no faster than n^-{power.high:.2g} (power {power.interval()})"
    if power.high < 0:
        return f"rises, but no faster than n^{-power.low:.2g} (power {power.interval()})"
    return f"changes by no more than n^±{max(power.high, -power.low):.2g} (power {power.interval()})"


def _range(widths: Sequence[int]) -> str:
    if len(widths) == 1:
        return counted(widths[0], "qubit")
    parities = {n % 2 for n in widths}
    kind = "" if len(parities) == 2 else " (even widths only)" if parities == {0} else " (odd widths only)"
    return f"{widths[0]} to {widths[-1]} qubits{kind}"


def _circumstances(study: ScalingData, widths: Sequence[int]) -> str:
    """The angles and the depths that the verdict is about."""
    angles = f", with {study.points[0].angles}"
    depths = [depth for n, depth in zip(study.widths, study.depths, strict=True) if n in widths and depth is not None]
    if not depths:
        return angles
    if len(set(depths)) == 1:
        return f"{angles} and {counted(depths[0], 'layer')}"
    return f"{angles} and {min(depths)} to {max(depths)} layers"


def _uncounted(study: ScalingData) -> str:
    """The widths that the fit left out."""
    left = [n for n, used in zip(study.widths, study.judgement.used, strict=True) if not used]
    if not left or len(left) == len(study.widths):
        return ""
    block = study.widths[study.widths.index(left[0]) :][: len(left)] == tuple(left)
    named = f"{left[0]} to {left[-1]}" if block and len(left) > 2 else " and ".join(map(str, left[:2]))
    if not block and len(left) > 2:
        named = f"{', '.join(map(str, left[:-1]))} and {left[-1]}"
    return f"; at {named} {'qubit' if left == [1] else 'qubits'} it is too uncertain to count"


def _by_a_factor(value: float, low: float, high: float) -> str:
    """A factor from the logarithms of its value and of the ends of its interval."""
    if high - low > math.log(_VAGUE):
        return f"by at least a factor {bounded_exp(low):.3g}"
    return f"by a factor {bounded_exp(value):.3g} [{bounded_exp(low):.3g}, {bounded_exp(high):.3g}]"


def bounded_exp(exponent: float) -> float:
    """The exponential function, far from overflow."""
    return math.exp(min(max(exponent, -700.0), 700.0))
