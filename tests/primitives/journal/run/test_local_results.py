"""Results of primitives of this machine that cannot be taken: nobody else keeps them, and they stay what they are."""

import numpy as np
import pytest
from qiskit.primitives import BaseSamplerV2, BitArray, DataBin, PrimitiveResult, SamplerPubResult
from runtime_server.work import QUICK, rotation

from qiskit_qml_ext.exceptions import RunIncompleteError
from qiskit_qml_ext.primitives import Journal, JournaledSampler, Policy

ANGLES = np.zeros((2, 1))


class Job:
    """A job that says that it is done, and counts how often it is asked for its result."""

    def __init__(self, answers, status="DONE"):
        self.answers, self.asked, self._status = answers, 0, status

    def job_id(self):
        return "mine"

    def status(self):
        return self._status

    def result(self):
        self.asked += 1
        answer = self.answers[min(self.asked, len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Sampler(BaseSamplerV2):
    """A sampler with one job."""

    def __init__(self, job):
        self._default_shots = 8
        self._job = job

    def run(self, pubs, *, shots=None):
        return self._job

    def journal_content(self):
        return "one job"


def bits(shots):
    data = BitArray(np.zeros((len(ANGLES), shots, 1), dtype=np.uint8), 1)
    return PrimitiveResult([SamplerPubResult(DataBin(meas=data, shape=(len(ANGLES),)))])


def refusal(path, job, **policy):
    with pytest.raises(RunIncompleteError) as caught:
        JournaledSampler(Sampler(job), path, policy=Policy(**QUICK, **policy)).run([(rotation(), ANGLES)]).result()
    assert "service" not in str(caught.value)
    return caught.value


def test_a_result_that_is_not_what_was_asked_for_is_not_asked_for_again(path):
    job = Job([bits(9), ValueError("cannot be asked twice")])
    error = refusal(path, job)
    assert job.asked == 1
    assert "9 shots; asked for were (2,), 1 and 8" in str(error)
    assert "9 shots" in str(error.__cause__)
    # the same work can run again
    result = (
        JournaledSampler(Sampler(Job([bits(8)])), path, policy=Policy(**QUICK)).run([(rotation(), ANGLES)]).result()
    )
    assert result[0].data.meas.num_shots == 8
    assert [unit.state for unit in Journal(path).units()] == ["done"]


def test_the_first_of_several_errors_is_told(path):
    job = Job([OSError("the first failure"), OSError("failed for having been asked twice")])
    error = refusal(path, job, download_tries=2)
    assert job.asked == 2
    assert "could not be downloaded in 2 tries (the first failure)" in str(error)
    assert str(error.__cause__) == "the first failure"


def test_an_error_that_goes_away_loses_nothing(path):
    job = Job([OSError("a failure"), bits(8)])
    result = JournaledSampler(Sampler(job), path, policy=Policy(**QUICK)).run([(rotation(), ANGLES)]).result()
    assert result[0].data.meas.num_shots == 8


@pytest.mark.parametrize("answer", [RuntimeError("because"), bits(8)])
def test_a_job_that_failed_is_told_with_its_reason(path, answer):
    error = refusal(path, Job([answer], status="ERROR"))
    assert ("because" if isinstance(answer, Exception) else "gives no reason") in str(error)
