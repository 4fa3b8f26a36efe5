"""Ratios and targets."""

from dataclasses import dataclass

from benchmarks.contenders import OURS
from benchmarks.race import Outcome
from benchmarks.rows import Row


@dataclass(frozen=True)
class Verdict:
    """How a row ended."""

    best_rival: str | None
    """The fastest of those whom the target speaks of."""

    ratio: float | None
    """Its time divided by ours."""

    best_of_all: str | None
    """The fastest of all peers."""

    ratio_to_all: float | None
    target: str
    """The target in words, empty if there is none."""

    met: bool | None
    """Whether it is met; ``None`` without a target or a number."""


def judge(row: Row, outcomes: list[Outcome]) -> Verdict:
    """Compare our outcome with the others' and with the row's target."""
    medians = {outcome.contender: outcome.median for outcome in outcomes if outcome.status == "ok"}
    times = {name: median for name, median in medians.items() if median is not None}
    ours = times.get(OURS)
    best_rival, ratio = _best(ours, {name: times.get(name) for name in row.rivals})
    best_of_all, ratio_to_all = _best(ours, {name: times.get(name) for name in (*row.rivals, *row.others)})
    wanted, target, met = row.target, "", None
    if wanted.minimum_ratio is not None:
        target = f"≥ {wanted.minimum_ratio:g}×"
        met = None if ratio is None else ratio >= wanted.minimum_ratio
    elif wanted.maximum_seconds is not None:
        limit = wanted.maximum_seconds
        target = f"< {limit:g} s" if limit >= 1 else f"< {1e3 * limit:g} ms"
        met = None if ours is None else ours < wanted.maximum_seconds
    elif wanted.maximum_added_seconds is not None:
        target = f"< {1e6 * wanted.maximum_added_seconds:g} µs more"
        met = None if ours is None or best_rival is None else times[best_rival] - ours < wanted.maximum_added_seconds
    elif wanted.maximum_bytes is not None:
        measured = next((outcome.bytes for outcome in outcomes if outcome.contender == OURS), None)
        target = f"< {wanted.maximum_bytes / 1e9:g} GB"
        met = None if measured is None else measured < wanted.maximum_bytes
    return Verdict(best_rival, ratio, best_of_all, ratio_to_all, target, met)


def _best(ours: float | None, times: dict[str, float | None]) -> tuple[str | None, float | None]:
    known = {name: seconds for name, seconds in times.items() if seconds is not None}
    if not known:
        return None, None
    best = min(known, key=lambda name: known[name])
    return best, known[best] / ours if ours else None
