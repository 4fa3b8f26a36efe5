"""Everything that can go wrong on the way to a device and back, with the unmodified client against a small service.

Six circuits of 100 shots go out in units of two: three jobs, 600 executions. The ledger of the service says what would
have been paid for.
"""

import time
import warnings
from importlib import import_module

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp
from qiskit_ibm_runtime import Batch, RuntimeJobV2, Session
from runtime_server.client import HAS_EXECUTOR, Estimator, Sampler
from runtime_server.facts import assert_result
from runtime_server.work import ANGLES, QUICK, isa_rotation

from qiskit_qml_ext.exceptions import CalibrationChangedWarning, DuplicateExecutionWarning, RunIncompleteError
from qiskit_qml_ext.primitives.journal import Journal, JournaledEstimator, JournaledSampler, Policy

JOB = "/jobs/[0-9a-f]+"
RESULTS = JOB + "/results"


def test_undisturbed_run_submits_each_unit_once_and_a_second_run_nothing(server, work):
    result, job = work()
    assert_result(result, server)
    assert job.report.submitted == 3
    assert len(server.jobs()) == 3
    again, job = work()
    assert job.report.submitted == 0
    assert np.array_equal(again[0].data.meas.array, result[0].data.meas.array)
    assert len(server.jobs()) == 3


def test_dropped_answer_after_acceptance_does_not_submit_twice(server, work):
    server.fault("POST", "/jobs", after=True, drop=True)
    result, _ = work()
    assert_result(result, server)
    assert len(server.jobs()) == 3


def test_dropped_request_before_acceptance_is_sent_again(server, work):
    server.fault("POST", "/jobs", drop=True)
    result, _ = work()
    assert_result(result, server)


def test_duplicate_made_by_the_clients_own_retry_is_cancelled_in_the_queue(server, work):
    server.set_hold(True)
    server.fault("POST", "/jobs", after=True, status=500)
    job = work(start=True)
    server.wait_until(lambda: any(item["status"] == "Cancelled" for item in server.jobs()))
    server.set_hold(False)
    assert_result(job.result(60), server)
    assert len(server.jobs()) == 4
    assert [item.executed for item in job.report.duplicates] == [False]


def test_duplicate_that_ran_is_reported(server, work):
    server.fault("POST", "/jobs", after=True, status=500)
    # Nobody can look for duplicates before both have run.
    server.fault("GET", JOB, times=1, delay=2)
    job = work(start=True)
    with pytest.warns(DuplicateExecutionWarning, match=r"executed 1 job that nobody asked for"):
        result = job.result(60)
    assert_result(result, server, executions=800)
    duplicates = job.report.duplicates
    assert [item.executed for item in duplicates] == [True]
    assert duplicates[0].job in server.executed_jobs()


def test_too_many_requests_with_a_time_to_wait(server, work):
    server.fault("POST", "/jobs", status=429, headers={"Retry-After": "1"})
    began = time.monotonic()
    result, _ = work()
    assert time.monotonic() - began > 1
    assert_result(result, server)
    assert server.requests("POST", "/jobs") == 4


def test_too_many_requests_without_a_time_to_wait(server, work):
    server.fault("POST", "/jobs", times=3, status=429)
    result, _ = work()
    assert_result(result, server)
    assert server.requests("POST", "/jobs") == 6


def test_too_many_requests_while_watching(server, work):
    server.fault("GET", JOB, times=3, status=429)
    assert_result(work()[0], server)


@pytest.mark.slow
def test_unavailable_service_is_waited_for(server, work):
    # The client itself gives up after about 16 seconds.
    server.fault("POST", "/jobs", seconds=18, status=503)
    result, _ = work()
    assert_result(result, server)


def test_failed_job_is_tried_again(server, work):
    server.fail_next(1)
    result, job = work()
    assert_result(result, server)
    assert len(server.jobs()) == 4
    assert job.report.submitted == 4


def test_job_that_keeps_failing_is_reported_with_the_services_reason_and_the_rest_is_kept(server, work, path):
    server.fail_next(1)
    with pytest.raises(RunIncompleteError, match=r"1 of 3 units.*The control electronics lost a packet") as caught:
        work(max_retries=0)
    assert caught.value.done == 2
    assert server.executions() == 400
    states = [unit.state for unit in Journal(path).units()]
    assert sorted(states) == ["done", "done", "failed"]
    result, job = work()
    assert_result(result, server)
    assert job.report.submitted == 1


def test_job_cancelled_elsewhere_is_not_submitted_again_by_itself(server, backend, work):
    server.set_hold(True)
    job = work(start=True)
    server.wait_until(lambda: len(server.jobs()) == 3)
    backend.service.job(server.jobs()[0]["id"]).cancel()
    server.set_hold(False)
    with pytest.raises(RunIncompleteError, match=r"was cancelled, but not by this journal"):
        job.result(60)
    assert server.executions() == 400
    result, _ = work()
    assert_result(result, server)


@pytest.mark.parametrize(
    "damage",
    [{"truncate": 0.5}, {"truncate": 0.0}, {"garble": True}, {"replace": '{"schema_version": "v2.0"}'}, {"drop": True}],
    ids=["truncated", "empty", "garbled", "other", "dropped"],
)
def test_damaged_result_is_never_taken_as_data_but_fetched_again(server, work, damage):
    server.fault("GET", RESULTS, times=2, **damage)
    result, job = work()
    assert_result(result, server)
    assert job.report.submitted == 3


def test_result_that_stays_damaged_stays_on_the_service(server, work):
    server.fault("GET", RESULTS, times=100, truncate=0.5)
    with pytest.raises(RunIncompleteError, match=r"in 2 tries.*stays on the service"):
        work(download_tries=2)
    server.store.write("DELETE FROM faults")
    result, job = work()
    assert_result(result, server)
    assert job.report.submitted == 0


def test_result_of_another_shape_is_refused(server, work):
    work(np.full(3, 0.5), max_executions=300)
    foreign = server.jobs()[0]["result"]
    server.fault("GET", RESULTS, times=1, replace=foreign)
    result, _ = work()
    assert_result(result, server, executions=900)
    server.fault("GET", RESULTS, times=1000, replace=foreign)
    with pytest.raises(RunIncompleteError, match=r"is not what was asked for.*the shape"):
        work(np.ones(4), download_tries=2)


@pytest.mark.skipif(not HAS_EXECUTOR, reason="qiskit-ibm-runtime before 0.50 makes no such jobs")
def test_a_client_too_old_for_the_executor_is_named_at_once_and_a_newer_one_finishes(server, work, monkeypatch):
    server.fault("GET", RESULTS, times=100, truncate=0.5)
    with pytest.raises(RunIncompleteError):
        work(download_tries=1)
    server.store.write("DELETE FROM faults")
    of_client = import_module("qiskit_qml_ext.primitives.targets.client.generations")
    known = {"legacy": of_client.generation("legacy")}
    with monkeypatch.context() as older:
        older.setattr(of_client, "generations", lambda: known)
        older.setattr(RuntimeJobV2, "result", lambda job, **_: pytest.fail("a result was asked for in vain"))
        began = time.monotonic()
        with pytest.raises(RunIncompleteError, match=r"executor's primitives.*Install 0\.50 or newer"):
            work()
    assert time.monotonic() - began < 10
    result, job = work()
    assert_result(result, server)
    assert job.report.submitted == 0


def test_download_that_never_ends_is_given_up_and_tried_again(server, work):
    server.fault("GET", RESULTS, times=1, stall=30)
    began = time.monotonic()
    result, _ = work(download_seconds=1.0)
    assert time.monotonic() - began < 20
    assert_result(result, server)


@pytest.mark.parametrize("mode", [Batch, Session])
def test_batch_closed_in_mid_run_is_replaced(server, backend, work, mode):
    opened = mode(backend=backend)
    server.fault("POST", "/jobs", times=1, delay=0)
    server.store.write("UPDATE sessions SET accepting = 0")
    result, _ = work(mode=opened)
    assert_result(result, server)
    sessions = server.store.rows("SELECT id, mode FROM sessions")
    assert len(sessions) == 2
    assert len({row["mode"] for row in sessions}) == 1
    assert {job["session"] for job in server.jobs()} == {sessions[1]["id"]}


def test_rejection_for_too_many_executions_halves_units(server, work):
    server.store.set("execution_limit", 200)
    result, _ = work(max_executions=600)
    assert_result(result, server)
    assert len(server.jobs()) == 4  # six circuits: three and three, then one and two each


def test_failure_for_too_many_executions_halves_units(server, work):
    server.store.set("late_execution_limit", 300)
    result, _ = work(max_executions=600)
    assert_result(result, server)


@pytest.mark.parametrize("limit", ["execution_limit", "late_execution_limit"])
def test_estimators_blocks_are_halved_as_well(server, backend, path, limit):
    circuit = isa_rotation(backend).remove_final_measurements(inplace=False)
    observable = SparsePauliOp("Z").apply_layout(circuit.layout)
    angles = np.linspace(0, np.pi, 4)[:, None]
    readout = 544 if HAS_EXECUTOR else 0  # shots with which the newer generation calibrates the readout of a job
    server.store.set(limit, 3 * 400 + readout)  # four values of 400 shots are too many
    for submitted in (True, False):
        estimator = JournaledEstimator(Estimator(mode=backend), path, policy=Policy(**QUICK))
        job = estimator.run([(circuit, observable, angles, 0.05)])
        np.testing.assert_allclose(job.result(60)[0].data.evs, np.cos(angles[:, 0]), atol=0.3)  # six standard errors
        assert (job.report.submitted > 0) == submitted or limit == "late_execution_limit"
    assert server.executions() == 2 * (2 * 400 + readout)


def test_one_circuit_above_the_limit_is_a_clear_error(server, work):
    server.store.set("execution_limit", 50)
    with pytest.raises(RunIncompleteError, match=r"exceeds the limit of 50.*use fewer shots"):
        work()


def test_no_network_at_the_start(server, backend, work):
    isa_rotation(backend)  # the client keeps what it knows of the device
    server.kill()
    job = work(start=True)
    time.sleep(1.0)
    server.start(wait_for_worker=False)
    assert_result(job.result(90), server)


def test_no_network_for_too_long_is_a_clear_error_and_loses_nothing(server, work):
    server.set_hold(True)
    job = work(start=True, patience_seconds=1.0)
    server.wait_until(lambda: len(server.jobs()) == 3)
    server.kill()
    with pytest.raises(RunIncompleteError, match=r"did not answer.*only the rest is submitted"):
        job.result(90)
    server.set_hold(False)
    server.start()
    result, job = work()
    assert_result(result, server)
    assert job.report.submitted == 0


def test_finished_work_needs_no_network(server, work):
    first, _ = work()
    server.kill()
    second, _ = work()
    assert np.array_equal(first[0].data.meas.array, second[0].data.meas.array)


def test_server_killed_and_restarted_in_mid_run(server, work):
    server.store.set("job_seconds", 0.3)
    job = work(start=True)
    server.wait_until(lambda: server.executions() >= 200)
    server.kill()
    server.start()
    assert_result(job.result(90), server)


def test_calibration_changed_between_start_and_resume_is_warned_of(server, work):
    server.fail_next(1)
    server.set_hold(True)  # until all are submitted, under the first calibration
    first = work(max_retries=0, start=True)
    server.wait_until(lambda: len(server.jobs()) == 3)
    server.set_hold(False)
    with pytest.raises(RunIncompleteError):
        first.result(60)
    server.recalibrate("test_manila")
    job = work(start=True)
    with pytest.warns(CalibrationChangedWarning, match=r"2031-01-02"):
        result = job.result(60)
    assert_result(result, server)
    assert len(result.metadata["calibrations"]) == 2


def test_job_deleted_on_the_service_is_not_paid_for_again(server, work, path):
    server.set_hold(True)
    job = work(start=True)
    server.wait_until(lambda: len(server.jobs()) == 3)
    job.cancel()
    with pytest.raises(RunIncompleteError, match=r"stopped"):
        job.result(60)
    server.store.write("DELETE FROM jobs WHERE seq = (SELECT min(seq) FROM jobs)")
    server.set_hold(False)
    for _ in range(2):
        with pytest.raises(RunIncompleteError, match=rf"does not know the job.*jobs {path} cancel --unit \d' allows"):
            work()
    assert server.executions() == 400
    lost = next(unit for unit in Journal(path).units() if unit.state == "lost")
    Journal(path).reset(lost.id, outcome="released", reason="asked for")
    assert_result(work()[0], server)


def test_token_that_is_refused_ends_the_run_at_once(server, work):
    server.fault("POST", "/jobs", times=1, status=401)
    with pytest.raises(RunIncompleteError, match=r"does not accept the token"):
        work()
    assert_result(work()[0], server)


def test_two_runs_at_once_share_the_work(server, work):
    server.store.set("job_seconds", 0.2)
    jobs = [work(start=True) for _ in range(2)]
    results = [job.result(60) for job in jobs]
    assert_result(results[0], server)
    assert np.array_equal(results[0][0].data.meas.array, results[1][0].data.meas.array)
    assert sum(job.report.submitted for job in jobs) == 3


@pytest.mark.parametrize("how", ["stopped", "interrupted", "failed"])
def test_asking_again_after_an_interrupt_or_an_error_is_asking_for_the_same(server, backend, path, how, monkeypatch):
    """A notebook's cell is interrupted or fails and is run again, with the same sampler."""
    sampler = JournaledSampler(Sampler(mode=backend), path, policy=Policy(**QUICK, max_executions=200, max_retries=0))
    pub = (isa_rotation(backend), ANGLES[:, None], 100)
    server.set_hold(True)
    if how == "failed":
        server.fail_next(1)
    job = sampler.run([pub])
    server.wait_until(lambda: len(server.jobs()) == 3)
    if how == "interrupted":
        with monkeypatch.context() as patch:
            patch.setattr(job, "_thread", Interrupting())
            with pytest.raises(KeyboardInterrupt):
                job.result()
    elif how == "stopped":
        job.cancel()
    server.set_hold(False)
    if how != "interrupted":
        with pytest.raises(RunIncompleteError):
            job.result(60)
    again = sampler.run([pub])
    assert_result(again.result(60), server)
    assert len(server.jobs()) == 3 + (how == "failed")


class Interrupting:
    def join(self, timeout):
        raise KeyboardInterrupt


def test_rate_limit_is_kept_over_all_runs(server, work):
    job = work(start=True, submissions_per_minute=2)
    time.sleep(3)
    assert len(server.jobs()) == 2
    job.cancel()
    with pytest.raises(RunIncompleteError, match=r"stopped"):
        job.result(60)
    assert_result(work()[0], server)


def test_private_jobs_are_refused(server, backend, path):
    sampler = Sampler(mode=backend, options={"environment": {"private": True}})
    with pytest.raises(ValueError, match=r"can be read only once"):
        JournaledSampler(sampler, path)


def test_no_warning_without_reason(server, work):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        work()
