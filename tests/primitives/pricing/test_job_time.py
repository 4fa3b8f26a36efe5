"""What a job takes is learned from jobs, said with how far off it is, and never made up."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qiskit_qml_ext.primitives.pricing.job_time import JobTime, PastJob, fitted_to, learned, usable

DOCUMENTED = JobTime(2.0)
CIRCUITS = np.array([1.0, 3.0, 5.0, 12.0, 30.0, 60.0])


def jobs(circuits, used):
    return [PastJob(float(one), float(other)) for one, other in zip(circuits, used, strict=True)]


def test_without_jobs_the_documented_numbers_hold_and_no_error_is_claimed():
    known = learned(DOCUMENTED, [])
    assert (known, known.seconds(10.0, 3)) == (DOCUMENTED, 16.0)
    assert known.basis().endswith("how far off it is is not known.")
    assert "2 s a job, about what IBM documents for each part" in known.basis()
    assert "IBM" not in JobTime().basis()
    assert known.queue() is None


def test_overhead_and_slowness_are_found_where_jobs_follow_them():
    """The documented numbers pull a little; the fit ends within 2 % of the truth."""
    known = learned(DOCUMENTED, jobs(CIRCUITS, 4.0 + 1.3 * CIRCUITS))
    assert_allclose([known.overhead_seconds, known.factor], [4.0, 1.3], rtol=0.02)
    assert known.num_jobs == 6
    assert known.median_error < 0.05


def test_the_documented_model_is_a_fixed_point():
    known = learned(DOCUMENTED, jobs(CIRCUITS, 2.0 + CIRCUITS))
    assert_allclose([known.overhead_seconds, known.factor], [2.0, 1.0], rtol=1e-6)
    assert known.median_error < 1e-6


def test_one_odd_job_does_not_decide():
    used = 3.0 + 1.1 * CIRCUITS
    used[2] *= 20.0
    known = learned(DOCUMENTED, jobs(CIRCUITS, used))
    others = np.delete(np.arange(6), 2)
    predicted = np.array([known.seconds(one) for one in CIRCUITS[others]])
    assert_allclose(predicted, used[others], rtol=0.1)


def test_median_error_is_of_each_job_predicted_from_the_others():
    used = [2.5, 6.0, 8.0, 13.0]
    past = jobs(CIRCUITS[:4], used)
    errors = []
    for place, job in enumerate(past):
        others = fitted_to(DOCUMENTED, past[:place] + past[place + 1 :])
        errors.append(abs(others.seconds(job.circuit_seconds) - job.used_seconds) / job.used_seconds)
    known = learned(DOCUMENTED, past)
    assert known.median_error == np.median(errors) > 0
    assert (
        f"4 finished jobs of this kind: predicted from the other ones, each is off by {100 * known.median_error:.0f} %"
        in (known.basis())
    )


@pytest.mark.parametrize("number", [1, 2])
def test_too_few_jobs_are_said_to_be_too_few(number):
    known = learned(DOCUMENTED, jobs(CIRCUITS[:number], CIRCUITS[:number] + 3.0))
    assert (known.num_jobs, known.median_error) == (number, None)
    assert known.basis() == (
        f"This rests on {number} finished job{'s' * (number > 1)} of this kind, too few to say how far off it is."
    )
    assert known.seconds(1.0) > DOCUMENTED.seconds(1.0)


def test_jobs_all_alike_are_learned_without_a_split_that_nobody_knows():
    known = learned(DOCUMENTED, jobs([5.0] * 8, [10.0] * 8))
    assert_allclose(known.seconds(5.0), 10.0, rtol=0.02)
    assert known.overhead_seconds >= 0
    assert known.factor >= 0


@pytest.mark.parametrize("used", [0.0, -1.0, math.nan, math.inf])
def test_times_that_nobody_can_have_meant_are_not_learned_from(used):
    past = [PastJob(3.0, used), PastJob(used, 3.0)]
    assert usable(past) == []
    assert learned(DOCUMENTED, past) == DOCUMENTED


def test_only_the_last_fifty_jobs_count():
    before, after = jobs([5.0] * 100, [100.0] * 100), jobs([5.0] * 50, [10.0] * 50)
    assert learned(DOCUMENTED, before + after) == learned(DOCUMENTED, after)


def test_waits_are_a_median_with_how_many_they_are():
    known = learned(DOCUMENTED, [], [10.0, 500.0, 20.0, math.nan, -5.0])
    assert (known.queue_seconds, known.num_queued) == (20.0, 3)
    assert known.queue() == "The last 3 jobs of this target waited 20 s in the queue (median); the next ones may not."
    assert replace(known, num_queued=1).queue().startswith("The last job of this target waited 20 s in the queue;")
