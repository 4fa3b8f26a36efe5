"""What a job takes of a processor's time: as documented, or learned from jobs whose time the service has said.

A job takes an overhead, however few circuits it holds, and the time of its circuits. IBM documents about 2 s and the
time that the device reports (https://quantum.cloud.ibm.com/docs/guides/estimate-job-run-time). Where jobs are known,
both numbers are fitted to them: with the least sum of relative errors, so that neither one large job nor one odd one
decides. The documented numbers, as many times too small or too large as they mostly were, decide what jobs leave open.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qiskit_qml_ext.arrays import FloatArray

FEWEST_FOR_AN_ERROR = 3
"""From how many jobs on it is said how far off predictions are."""
_MOST = 50  # the last jobs; devices and their software change
_PRIOR_WEIGHT = 0.01  # of each documented number's squared relative change; an error of a job of 1 % costs as much
_SMALLEST_ERROR = 0.02  # relative errors below this one count alike
_STEPS = 20  # of the reweighted fit


@dataclass(frozen=True)
class PastJob:
    """A job whose time is known."""

    circuit_seconds: float
    """What its circuits take by the device's report: executions times duration and delay, in seconds."""
    used_seconds: float
    """What the service says that it took of the processor's time, in seconds."""


@dataclass(frozen=True)
class JobTime:
    """What jobs take of a processor's time, and what that rests on."""

    overhead_seconds: float = 0.0
    """What each job takes however few circuits it holds, in seconds."""
    factor: float = 1.0
    """By how much the time of circuits is longer than the device reports."""
    num_jobs: int = 0
    """On how many jobs these numbers rest; 0 where they are documented ones."""
    median_error: float | None = None
    """The median relative error with which each of these jobs is predicted from the other ones; ``None`` for fewer than
    three."""
    queue_seconds: float | None = None
    """The median time in seconds that the last jobs waited until they ran; ``None`` if nothing is known."""
    num_queued: int = 0
    """On how many jobs ``queue_seconds`` rests."""

    def seconds(self, circuit_seconds: float, jobs: int = 1) -> float:
        """Return what jobs take, in seconds.

        Args:
            circuit_seconds: What their circuits take by the device's report, in seconds.
            jobs: How many jobs they are.
        """
        return self.overhead_seconds * jobs + self.factor * circuit_seconds

    def basis(self) -> str:
        """Say what a predicted time rests on."""
        if not self.num_jobs:
            overhead = (
                f" and {self.overhead_seconds:g} s a job, about what IBM documents for each part that a job is run in"
                if self.overhead_seconds
                else ""
            )
            return (
                f"This rests on the durations that the device reports{overhead}; no finished job of this kind is there "
                "to compare it with, so how far off it is is not known."
            )
        jobs = f"{self.num_jobs:,} finished job{'s' * (self.num_jobs != 1)} of this kind"
        if self.median_error is None:
            return f"This rests on {jobs}, too few to say how far off it is."
        return (
            f"This rests on {jobs}: predicted from the other ones, each is off by {100 * self.median_error:.0f} % "
            "(median)."
        )

    def queue(self) -> str | None:
        """Say how long jobs waited in the queue, if anything is known."""
        if self.queue_seconds is None:
            return None
        jobs = "The last job" if self.num_queued == 1 else f"The last {self.num_queued:,} jobs"
        median = "" if self.num_queued == 1 else " (median)"
        return f"{jobs} of this target waited {self.queue_seconds:,.0f} s in the queue{median}; the next ones may not."


def learned(documented: JobTime, past: Sequence[PastJob], queued: Sequence[float] = ()) -> JobTime:
    """Return what jobs take by what is known of others, and how far off it is for these.

    Args:
        documented: What holds where nothing is known.
        past: Jobs of the same kind, oldest first.
        queued: How long the last jobs of the same target waited, in seconds, oldest first.
    """
    fitted = fitted_to(documented, past)
    last = usable(past)
    errors = []
    if len(last) >= FEWEST_FOR_AN_ERROR:
        for place, job in enumerate(last):
            others = fitted_to(documented, [*last[:place], *last[place + 1 :]])
            errors.append(abs(others.seconds(job.circuit_seconds) - job.used_seconds) / job.used_seconds)
    waits = [wait for wait in queued if math.isfinite(wait) and wait >= 0][-_MOST:]
    return replace(
        fitted,
        median_error=float(np.median(errors)) if errors else None,
        queue_seconds=float(np.median(waits)) if waits else None,
        num_queued=len(waits),
    )


def fitted_to(documented: JobTime, past: Sequence[PastJob]) -> JobTime:
    """Return the overhead and the factor that fit jobs best.

    Args:
        documented: What holds where nothing is known.
        past: Jobs of the same kind, oldest first.
    """
    jobs = usable(past)
    if not jobs:
        return documented
    used = np.array([job.used_seconds for job in jobs])
    rows = np.array([[1.0, job.circuit_seconds] for job in jobs]) / used[:, np.newaxis]
    overhead, factor = _least_relative_errors(rows, documented)
    return JobTime(overhead, factor, len(jobs))


def usable(past: Sequence[PastJob]) -> list[PastJob]:
    """Return the last jobs from which something can be learned: a job that took no time ran nothing."""
    finite = [job for job in past if math.isfinite(job.circuit_seconds) and math.isfinite(job.used_seconds)]
    return [job for job in finite if job.used_seconds > 0 and job.circuit_seconds > 0][-_MOST:]


def _least_relative_errors(rows: FloatArray, documented: JobTime) -> tuple[float, float]:
    """Return the overhead and the factor with the least sum of relative errors, neither of them negative.

    Args:
        rows: Overhead and time of circuits of each job in units of what it took, shape (jobs, 2).
        documented: The numbers to which the fit is drawn.
    """
    from scipy.optimize import nnls

    # Both documented numbers times what jobs mostly take more or less than documented: where one job, or many alike,
    # leave open which of the two is larger than documented, both are.
    ratio = 1 / float(np.median(rows @ [documented.overhead_seconds, documented.factor]))
    wanted = ratio * np.array([documented.overhead_seconds, documented.factor])
    prior = np.diag([1 / (ratio * max(documented.overhead_seconds, 1.0)), 1 / (ratio * documented.factor)])
    weights = np.ones(len(rows))
    fit = wanted
    for _ in range(_STEPS):
        matrix = np.vstack([np.sqrt(weights)[:, np.newaxis] * rows, math.sqrt(_PRIOR_WEIGHT) * prior])
        goal = np.concatenate([np.sqrt(weights), math.sqrt(_PRIOR_WEIGHT) * prior @ wanted])
        fit, _ = nnls(matrix, goal)
        weights = 1 / np.maximum(np.abs(rows @ fit - 1), _SMALLEST_ERROR)  # squares become absolute values
    return float(fit[0]), float(fit[1])
