"""From variances with their intervals to a verdict on how they scale, and what forbids one."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import norm

from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.statistics.scaling_fit import ScalingJudgement, judge_scaling


def judge_variances(
    widths: Sequence[int],
    variances: Sequence[Estimate],
    kurtoses: Sequence[float],
    num_samples: int,
    confidence: float = 0.95,
    *,
    unit: str = "qubit",
) -> ScalingJudgement:
    """Judge variances by :func:`~qiskit_qml_ext.diagnostics.statistics.scaling_fit.judge_scaling`.

    The standard error of a logarithm is read off its interval, which for skewed samples is more than the plain error.
    A sample whose kurtosis is a good part of its size consists of a few rare peaks, and its variance is too small
    rather than too uncertain: such a point does not count. A variance of 0 at some widths and not at others, and an
    upper end below what the law says, forbid a verdict.
    """
    quantile = float(norm.ppf((1 + confidence) / 2))
    log_variances, errors = [], []
    for variance, kurtosis in zip(variances, kurtoses, strict=True):
        usable = variance.low > 0 and math.isfinite(variance.high)
        peaked = math.isfinite(kurtosis) and kurtosis > num_samples / 5
        log_variances.append(math.log(variance.value) if usable else math.nan)
        spread = math.log(variance.high / variance.low) / (2 * quantile) if usable else math.nan
        errors.append(math.inf if peaked else spread)
    judgement = judge_scaling(
        np.array(widths, dtype=np.float64), np.array(log_variances), np.array(errors), confidence=confidence, unit=unit
    )
    reason = _objection(judgement, widths, variances, unit)
    return judgement if reason is None else replace(judgement, verdict="undetermined", reason=reason)


def vanishes(variance: Estimate) -> bool:
    """Whether a variance is 0, and not only unseen; who measures it knows what rounding is and says 0 for it."""
    return max(variance.value, variance.high) <= 0


def _objection(
    judgement: ScalingJudgement, widths: Sequence[int], variances: Sequence[Estimate], unit: str
) -> str | None:
    """What the widths that were not fitted say against the verdict; None if nothing."""
    flat = [n for n, variance in zip(widths, variances, strict=True) if vanishes(variance)]
    if len(flat) == len(widths):
        return "the variance is 0 up to rounding at every width: the loss does not depend on what is trained."
    if flat:
        where = ", ".join(map(str, flat))
        return f"the variance is 0 up to rounding at {where} {unit}s, and not elsewhere."
    fit = judgement.chosen
    if fit is None:
        return None
    for n, variance, used in zip(widths, variances, judgement.used, strict=True):
        unseen = variance.low <= 0 < variance.high < math.inf
        if not used and unseen and fit.log_variance(n) - 2 * fit.log_error(n) > math.log(variance.high):
            return (
                f"at {n} {unit}s the variance is at most {variance.high:.2g}, less than the {fit.name} law of the "
                f"other widths says."
            )
    return None
