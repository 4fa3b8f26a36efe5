"""Limits on processor time hold over all jobs of a journal, and a larger limit goes on; the service's ledger decides.

The service of the tests charges two seconds for each job unless a test says otherwise; a job here is predicted to take
2 s and what its circuits take, less than a tenth of a second.
"""

import math
import threading
import time

import numpy as np
import pytest
from qiskit.providers.fake_provider import GenericBackendV2
from runtime_server.facts import assert_right
from runtime_server.timing import Timing
from runtime_server.work import ANGLES, QUICK, rotation
from together import in_threads

from qiskit_qml_ext.exceptions import BudgetExceededError, JournalDamagedError
from qiskit_qml_ext.primitives import Journal, Policy, Quota, connect
from qiskit_qml_ext.primitives.journal.disk.job_times import PREFIX, JobNote, notes
from qiskit_qml_ext.primitives.journal.disk.rows import ABOUT, ATTEMPTS, change, read, remove
from qiskit_qml_ext.primitives.journal.service.jobs import TimeOfJob, time_of
from qiskit_qml_ext.primitives.journal.store import job_times


@pytest.fixture
def run(server, path):
    """Runs six circuits in three jobs through a connection with some limits; returns how often each read 1."""

    def run(angles=ANGLES, *, journal=path, policy=None, **limits):
        connection = connect(
            server.service().backend("test_manila"),
            shots=100, seed=1, journal=journal, max_executions_per_job=200, policy=Policy(**QUICK, **(policy or {})),
            **limits,
        )  # fmt: skip
        ((_, data),) = connection.sample(rotation(), np.asarray(angles)[:, None])
        return np.count_nonzero(data.meas.array[..., 0], axis=-1)

    return run


def records(path):
    with Journal(path) as journal:
        return journal.job_records()


def states(path):
    with Journal(path) as journal:
        return sorted(unit.state for unit in journal.units())


def test_a_limit_stops_a_run_in_the_middle_and_a_larger_one_goes_on(run, server, path):
    words = (
        r"The next job is predicted to take 2\.\d s of processor time, 6\.\d s together with 4\.0 s that finished jobs "
        r"of this journal took, but max_qpu_seconds is 5\.0 s\. It was not submitted"
    )
    with pytest.raises(BudgetExceededError, match=words):
        run(max_qpu_seconds=5)
    assert len(server.jobs()) == 2
    assert server.executions() == 400
    assert states(path) == ["done", "done", "planned"]
    assert Journal(path).check().is_sound
    with pytest.raises(BudgetExceededError):
        run(max_qpu_seconds=5)  # asking again costs nothing
    assert len(server.jobs()) == 2
    assert_right({"error": None, "counts": run(max_qpu_seconds=7)})
    assert (len(server.jobs()), server.executions()) == (3, 600)
    assert states(path) == ["done"] * 3


def test_a_limit_of_nothing_submits_nothing_and_gives_what_is_finished(run, server, path):
    with pytest.raises(BudgetExceededError, match=r"max_qpu_seconds is 0\.0 s"):
        run(max_qpu_seconds=0)
    assert server.jobs() == []
    counts = run()
    assert (run(max_qpu_seconds=0) == counts).all()
    with pytest.raises(BudgetExceededError):
        run([0.5], max_qpu_seconds=0)
    assert len(server.jobs()) == 3


def test_jobs_on_their_way_are_reckoned_with_at_what_they_are_predicted_to_take(run, server):
    server.set_hold(True)
    thread, ends = _in_thread(lambda: run(max_qpu_seconds=5))
    server.wait_until(lambda: len(server.jobs()) >= 2)
    time.sleep(0.7)  # a third one would be there by now
    assert len(server.jobs()) == 2
    server.set_hold(False)
    thread.join(60)
    (error,) = ends
    assert isinstance(error, BudgetExceededError)
    assert "4.0 s that finished jobs" in str(error)


def test_what_jobs_took_less_than_predicted_is_free_for_others(run, server):
    server.say_of_usage({"qpu_charge_time_seconds": 1, "status": "complete"})
    run(max_qpu_seconds=5)  # 1 + 1 + 2.0 s, where 2.0 + 2.0 + 2.0 s are too many
    assert len(server.jobs()) == 3


def test_cost_is_held_over_the_jobs_of_the_journal_by_what_they_took(run, server, path):
    run(max_cost=7, price_per_minute=60)
    with pytest.raises(BudgetExceededError, match=r"bring the estimated cost to (7\.9|8\.0)\d, but max_cost is 7\.00"):
        run([0.5], max_cost=7, price_per_minute=60)  # a new connection, as in a new program
    cents = {"max_cost": 700, "price_per_minute": 6000}
    with pytest.raises(
        BudgetExceededError, match=r"bring the estimated cost to (79|80)\d\.\d\d, but max_cost is 700\.00"
    ):
        run([0.5], **cents)  # the same in another unit
    assert len(server.jobs()) == 3
    run([0.5], max_cost=8.5, price_per_minute=60)
    assert len(server.jobs()) == 4


def test_cost_that_jobs_exceed_stops_a_run_that_was_approved(run, server):
    server.say_of_usage({"qpu_charge_time_seconds": 30, "status": "complete"})
    with pytest.raises(BudgetExceededError, match=r"max_cost is 7\.00, which is 7\.0 s at 60\.00 a minute"):
        run(max_cost=7, price_per_minute=60, policy={"max_pending": 1})
    assert len(server.jobs()) == 1


@pytest.mark.parametrize("status", ["Failed", "Cancelled"])
def test_failed_and_cancelled_jobs_count_with_what_they_took(run, server, path, status):
    server.fail_next(1, status=status, seconds=50)
    with pytest.raises(BudgetExceededError, match=r"50\.0 s that finished jobs of this journal took"):
        run(max_qpu_seconds=20, policy={"max_pending": 1})
    assert len(server.jobs()) == 1
    (record,) = records(path)
    assert (record.used_seconds, server.seconds()) == (50, 50)


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"quantum_seconds": None}, {"seconds": math.nan}, {"qpu_charge_time_seconds": -3}, {"seconds": "two"},
     {"quantum_seconds": True}, {"qpu_charge_time_seconds": 0, "status": "pending"}, "no usage", [2]],
    ids=str,
)  # fmt: skip
def test_usage_that_the_service_cannot_mean_is_not_known_and_what_was_predicted_stays_reserved(
    run, server, path, usage
):
    server.say_of_usage(usage)
    with pytest.raises(BudgetExceededError, match=r"4\.\d s reserved for 2 jobs whose time is not known yet"):
        run(max_qpu_seconds=5)
    assert len(server.jobs()) == 2
    assert Journal(path).check().is_sound
    assert [record.used_seconds for record in records(path)] == [None, None]
    assert all(2 < record.reserved_seconds < 2.1 for record in records(path))


def test_usage_that_was_pending_is_asked_for_again(run, server, path):
    server.say_of_usage({"qpu_charge_time_seconds": 0, "status": "pending"})
    run()
    assert [record.used_seconds for record in records(path)] == [None] * 3
    server.say_of_usage({"qpu_charge_time_seconds": 9, "status": "complete"})
    with pytest.raises(BudgetExceededError, match=r"27\.0 s that finished jobs of this journal took"):
        run([0.5], max_qpu_seconds=20)
    assert [record.used_seconds for record in records(path)] == [9] * 3


def test_a_running_job_that_took_more_than_predicted_is_reckoned_with_at_that(run, server, path):
    server.store.set("partial_seconds", 70)
    server.store.set("job_seconds", 3)
    thread, ends = _in_thread(run)
    server.wait_until(lambda: any(job["status"] == "Running" for job in server.jobs()))
    with pytest.raises(BudgetExceededError, match=r"7\d\.\d s reserved for [123] jobs?"):
        run([0.5], max_qpu_seconds=60)
    server.store.set("job_seconds", 0)
    thread.join(60)
    assert len(ends) == 1
    assert_right({"error": None, "counts": ends[0]})


def test_processes_that_share_a_journal_do_not_exceed_a_limit_together(server, path, whole_nursery):
    """Each wants three jobs of its own; of six, a limit of nine seconds allows four."""
    spec = {"journal": path, "max_qpu_seconds": 9}
    children = [whole_nursery.start("limited", server, angles=part, **spec) for part in ([0.1, 0.2], [1.1, 1.2])]
    answers = [child.result() for child in children]
    server.settle()
    assert len(server.jobs()) == 4
    assert [answer["error"][0] for answer in answers if answer["error"]].count("BudgetExceededError") >= 1
    with Journal(path) as journal:
        assert journal.spent(here=False).seconds == 8
        assert sum(unit.state == "done" for unit in journal.units()) == 4
    spec["max_qpu_seconds"] = 13
    answers = [
        whole_nursery.start("limited", server, angles=part, **spec).result() for part in ([0.1, 0.2], [1.1, 1.2])
    ]
    assert [answer["error"] for answer in answers] == [None, None]
    assert len(server.jobs()) == 6


def test_threads_with_journals_of_their_own_do_not_exceed_a_limit_together(run, server, path):
    def ask(angle):
        return lambda: run([angle], max_qpu_seconds=5)

    ends = in_threads(*[ask(angle) for angle in (0.3, 0.6, 0.9, 1.2)])
    assert sum(isinstance(end, BudgetExceededError) for end in ends) == 2
    assert len(server.jobs()) == 2


def test_the_open_plan_limits_what_ran_in_the_last_28_days_also_with_a_clock_set_back(run, server, path):
    server.say_of_usage({"qpu_charge_time_seconds": 199, "status": "complete"})
    run(quota="open")
    with pytest.raises(
        BudgetExceededError, match=r"597\.0 s.*but the Open Plan has 600 s of processor time in 28 days"
    ):
        run([0.5], quota=Quota("Open Plan", 600, window_days=28))
    month = 29 * 86_400.0
    with Journal(path) as journal:

        def seconds(finished):
            with journal._transaction() as database:
                change(database, ATTEMPTS, "1", [], finished=finished)
                return job_times.spent(database, here=False, window_seconds=28 * 86_400.0).seconds

        assert seconds(None) == 597, "what may be running counts"
        assert seconds(time.time() + month) == 597, "the clock was set back"
        assert seconds(time.time() - month + 3 * 86_400) == 597
        assert seconds(time.time() - month) == 0
    run([0.5], quota="open")


def test_the_services_own_answer_limits_what_is_sent(run, server):
    server.set_timing(Timing(noise=0.0))  # each job is charged 3 s
    server.say_of_instance(5)
    with pytest.raises(BudgetExceededError, match=r"by the service's answer 2\.0 s of 5 s of processor time are left"):
        run(quota="service", policy={"max_pending": 1})
    assert (len(server.jobs()), server.seconds()) == (1, 3)
    server.say_of_instance(100)
    run(quota="service")
    assert (len(server.jobs()), server.seconds()) == (3, 9)


def test_an_answer_without_numbers_limits_nothing(run, server):
    server.say_of_instance({"usage_remaining_seconds": math.nan, "usage_consumed_seconds": None})
    run(quota="service")
    assert len(server.jobs()) == 3


def test_a_rehearsal_on_a_fake_device_is_limited_by_what_the_device_would_take(path):
    connection = connect("fake_manila", shots=100, seed=1, journal=path, max_executions_per_job=200, max_qpu_seconds=5)
    with pytest.raises(BudgetExceededError, match=r"reserved for 2 jobs whose time is not known yet, but max_qpu"):
        list(connection.sample(rotation(), ANGLES[:, None]))
    assert states(path) == ["done", "done", "planned"]
    with Journal(path) as journal:
        assert journal.spent(here=False).seconds == 0, "nobody charges for it"


def test_jobs_of_a_rehearsal_without_limits_count_as_the_same_with_one(path):
    """A target without documented overhead: jobs take what their circuits do, and not two seconds each."""
    device = GenericBackendV2(2, seed=1)
    settings = {"shots": 100, "seed": 1, "journal": path, "max_executions_per_job": 200}
    values = np.asarray(ANGLES)[:, None]
    plan = connect(device, **settings).plan([(rotation(), values)])
    list(connect(device, **settings).sample(rotation(), values))
    assert [record.note.predicted_seconds for record in records(path)] == pytest.approx([plan.seconds / 3] * 3)
    limited = connect(device, **settings, max_qpu_seconds=2.1 * plan.seconds)
    list(limited.sample(rotation(), values + 0.1))  # nothing else is spent than this and the first
    with pytest.raises(BudgetExceededError, match="reserved for 6 jobs"):
        list(limited.sample(rotation(), values + 0.2))


def test_a_rehearsal_does_not_use_up_what_the_device_may_take(run, server, path):
    connection = connect("fake_manila", shots=100, seed=1, journal=path, max_qpu_seconds=100)
    list(connection.sample(rotation(), ANGLES[:, None]))
    run(max_qpu_seconds=6.2)
    assert len(server.jobs()) == 3


def test_targets_without_durations_cannot_keep_a_limit_and_say_so(path):
    for limit in ({"max_qpu_seconds": 5}, {"quota": "open"}):
        with pytest.raises(ValueError, match=r"means nothing for aer, which reports no durations.*max_executions"):
            connect("aer", shots=100, seed=1, journal=path, **limit)
    silent = GenericBackendV2(2, noise_info=False)  # a device that tells less than others
    connection = connect(silent, shots=100, seed=1, journal=path, max_qpu_seconds=5)
    with pytest.raises(BudgetExceededError, match="reports no durations"):
        list(connection.sample(rotation(), ANGLES[:, None]))


def test_a_journal_of_before_is_read_and_reckoned_with_by_ibms_quick_formula(run, server, path):
    """A version before wrote neither predictions nor, while they were pending, what jobs took."""
    run()
    with Journal(path) as journal, journal._transaction() as database:
        remove(database, ABOUT, "name LIKE ?", [f"{PREFIX}%"])
        change(database, ATTEMPTS, "1", [], usage_seconds=None)
    assert Journal(path).check().is_sound
    with Journal(path) as journal:
        assert journal.spent(here=False).reserved_seconds == pytest.approx(3 * (2 + 0.00035 * 200), rel=1e-12)
        assert all(record.note == JobNote() for record in journal.job_records())
    with pytest.raises(BudgetExceededError, match=r"6\.0 s that finished jobs"):  # the service was asked again
        run([0.5], max_qpu_seconds=7)


def test_a_journal_with_predictions_is_sound_for_the_tables_of_before(run, path):
    """What is noted stands in a table of names and values, which versions before keep as it is."""
    run()
    with Journal(path) as journal, journal._transaction(write=False) as database:
        assert len(notes(database)) == 3
        assert all(0 < note.circuit_seconds < note.predicted_seconds for note in notes(database).values())
        assert sum(row["name"].startswith(PREFIX) for row in read(database, ABOUT)) == 3


@pytest.mark.parametrize(
    "value", ["", "[]", "{}x", '{"predicted_seconds": -1}', '{"other": 1}', '{"queue_seconds": NaN}']
)
def test_a_made_up_note_is_damage_and_never_a_number(run, path, value):
    run([0.5])
    with Journal(path) as journal, journal._transaction() as database:
        change(database, ABOUT, "name LIKE ?", [f"{PREFIX}%"], value=value)
    with pytest.raises(JournalDamagedError, match="a time that is none"):
        Journal(path).job_records()


def test_time_of_a_job_is_read_with_care():
    class Job:
        def __init__(self, answer):
            self.answer = answer

        def metrics(self):
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    stamps = {"created": "2026-09-12T10:00:00Z", "running": "2026-09-12T10:00:05.250000Z", "finished": None}
    usage = {"qpu_charge_time_seconds": 20, "status": "complete"}
    assert time_of(Job({"timestamps": stamps, "usage": usage})) == TimeOfJob(20, 20, 5.25)
    assert time_of(Job({"usage": {"quantum_seconds": 4, "seconds": 9}})) == TimeOfJob(4, 4, None)
    assert time_of(Job({"usage": {**usage, "status": "pending"}})) == TimeOfJob(None, 20, None)
    backwards = {"created": stamps["running"], "running": stamps["created"]}
    for broken in (backwards, {}, {"created": "soon", "running": None}, {**stamps, "running": "2026-09-12T10:00:05"}):
        assert time_of(Job({"timestamps": broken, "usage": usage})) == TimeOfJob(20, 20, None)
    for answer in (None, [], "x", {"usage": 3, "timestamps": 4}, RuntimeError("away")):
        assert time_of(Job(answer)) == TimeOfJob()


def _in_thread(work):
    """Start something in a thread; return the thread and a list that gets what it returned or raised."""
    ends = []

    def catch():
        try:
            ends.append(work())
        except Exception as error:
            ends.append(error)

    thread = threading.Thread(target=catch, daemon=True)
    thread.start()
    return thread, ends
