"""Whether a sampled kernel will say anything: its signal on a noisy device beside the noise of its shots."""

import math

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.primitives import RunPlan

_MARGIN = 2.0  # the spread of the entries should be twice the noise of one
_MIDDLE = 0.5  # of the entries
USELESS_SHOTS = 1e7
"""More shots for one entry than anybody takes."""
# The variance of entries that are all equal is not exactly zero in floating point; real spreads are far larger.
_ZERO_VARIANCE = 1e-24
_ROUNDING = 1e-9  # of a number of shots: 4.000000000000001 shots are not called 5


def shots_to_tell_apart(mean: float, variance: float, *, intact: float = 1.0) -> float:
    """Return the shots of an entry at which its standard error is half of the spread of the entries.

    An entry k is read with the variance k(1-k)/S, so S = 4 mean[k(1-k)]/Var(k), where mean[k(1-k)] = m - m² - v for
    entries of mean m and variance v. Errors that leave a fraction q of the shots intact make k into qk.

    Args:
        mean: The mean of the entries off the diagonal.
        variance: Their variance, without the noise of any shots.
        intact: The fraction q of the shots without an error.

    Returns:
        A whole number; ``inf`` if the entries do not differ.
    """
    if variance <= _ZERO_VARIANCE or intact <= 0:
        return math.inf
    needed = _MARGIN**2 * single_shot_variance(mean, variance, intact=intact) / (intact**2 * variance)
    return float(max(math.ceil(needed * (1 - _ROUNDING)), 1))


def single_shot_variance(mean: float, variance: float, *, intact: float = 1.0) -> float:
    """Return the variance of one shot of an entry, averaged over entries of this mean and variance."""
    return max(intact * mean - intact**2 * (variance + mean**2), 0.0)


def advise(plan: RunPlan, mean: float, variance: float) -> RunPlan:
    """Say whether the noise of a plan's shots is at most half of the spread of a kernel's entries.

    Errors replace a fraction of the shots by others that hardly read all zeros, so the signal shrinks with the fraction
    that is free of errors.

    Args:
        plan: The plan of the circuits.
        mean: The mean of the entries off the diagonal, without errors.
        variance: Their variance.
    """
    intact = 1.0 if plan.error_free is None else plan.error_free
    spread = intact * math.sqrt(max(variance, 0.0))
    noise = math.sqrt(single_shot_variance(mean, variance, intact=intact) / plan.shots)
    needed = shots_to_tell_apart(mean, variance, intact=intact)
    errors = "" if plan.error_free is None else " with the reported errors"
    start = "The" if plan.error_free is None else "If each of the reported errors leaves nothing of the signal, the"
    words = (
        f"{start} all-zeros signal will be about {intact * mean:.2g} and vary by {spread:.3g} from pair to pair; "
        f"the noise of {plan.shots:,} shots is {noise:.3g}"
    )
    if plan.shots >= needed:
        return plan.with_advice(f"{words}, at most half of that. A model may need many times more shots.")
    size = "larger than that" if noise > spread else "more than half of that"
    # entries near 1 differ too little since the data hardly turn the circuit, entries near 0 since they turn it too far
    change = "use a larger bandwidth" if mean > _MIDDLE else "use fewer qubits, a smaller bandwidth"
    more = "" if needed > USELESS_SHOTS else f", or {needed:,.0f} shots{errors}"
    return plan.with_advice(f"{words}, {size}: {change}{more}, to bring it to half. A model may need many times more.")


def spread_in_words(variance: float) -> str:
    """Say how far the entries of a kernel are apart, for kernels whose entries are no fractions of shots.

    Args:
        variance: The variance of the entries off the diagonal, without noise.
    """
    return f"Entries vary by {math.sqrt(max(variance, 0.0)):.3g} from pair to pair."


def moments_of(entries: FloatArray) -> tuple[float, float] | None:
    """Return mean and variance of exact entries off the diagonal; None if there are fewer than two."""
    return None if entries.size < 2 else (float(entries.mean()), float(entries.var()))
