"""The journal's file: privacy, damage, locks, full disks, schemas, other people's databases."""

import os
import pickle
import sqlite3
import threading
from contextlib import closing

import numpy as np
import pytest
from qiskit.primitives import StatevectorSampler
from runtime_server.work import ones, rotation

from qiskit_qml_ext.exceptions import JournalError, RunIncompleteError
from qiskit_qml_ext.primitives.journal import Journal, JournaledSampler, Policy
from qiskit_qml_ext.primitives.journal.store.ownership import is_dead, new_owner

ANGLES = np.linspace(0, np.pi, 6)[:, None]


class Counting(StatevectorSampler):
    """A sampler that counts the circuits that it runs."""

    circuits = 0

    def journal_content(self):
        return {}  # what it counted is none

    def run(self, pubs, *, shots=None):
        pubs = list(pubs)
        type(self).circuits += sum(np.size(pub.parameter_values.as_array()) for pub in pubs)
        return super().run(pubs, shots=shots)


@pytest.fixture
def run(path):
    Counting.circuits = 0

    def run(angles=ANGLES, journal=None, **settings):
        sampler = JournaledSampler(Counting(), journal or Journal(path), policy=Policy(max_executions=200, **settings))
        return sampler.run([(rotation(), angles, 100)]).result(30)

    return run


def test_file_is_readable_by_its_owner_only(path, run):
    old = os.umask(0)
    try:
        journal = Journal(path)
        run(journal=journal)
    finally:
        os.umask(old)
    for item in path.parent.iterdir():  # while the journal is open: closing it removes the files beside it
        assert item.stat().st_mode & 0o777 == 0o600
    journal.close()


def test_finished_work_is_not_run_again_and_other_work_is(run):
    first = run()
    assert Counting.circuits == 6
    assert np.array_equal(run()[0].data.meas.array, first[0].data.meas.array)
    assert Counting.circuits == 6
    longer = run(np.concatenate([[[0.1]], ANGLES, [[0.2]]]))  # the six circuits of before, and two others
    assert Counting.circuits == 8
    assert np.array_equal(longer[0].data.meas.array[1:-1], first[0].data.meas.array)


def test_asking_twice_through_one_sampler_gives_independent_results_that_are_both_found_again(path):
    def ask():
        sampler = JournaledSampler(StatevectorSampler(), path)
        return [sampler.run([(rotation(), [np.pi / 2], 200)]).result()[0].data.meas.array for _ in range(2)]

    first, again = ask(), ask()
    assert not np.array_equal(first[0], first[1])  # equal by chance once in 2^200
    assert np.array_equal(first, again)


def test_equal_rows_of_one_pub_are_independent(run):
    bits = run(np.full((2, 1), np.pi / 2))[0].data.meas.array
    assert not np.array_equal(bits[0], bits[1])


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to look at" * 100], ids=["empty", "text"])
def test_file_that_is_not_a_journal(path, content):
    path.write_bytes(content)
    if content:
        with pytest.raises(JournalError, match=r"damaged or not a journal.*left as it is"):
            Journal(path)
        assert path.read_bytes() == content
    else:
        assert Journal(path).units() == []  # an empty file is a new journal


def test_database_of_another_program_is_left_alone(path):
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"a database of another program"):
        Journal(path)
    assert path.read_bytes() == before


def test_newer_schema_is_refused(path):
    Journal(path).close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalError, match=r"schema 99.*Upgrade qiskit-qml-ext"):
        Journal(path)


def test_damaged_pages_are_noticed(path, run):
    journal = Journal(path)
    run(journal=journal)
    journal.close()  # one that closes later would write sound pages over the damaged ones
    data = bytearray(path.read_bytes())
    assert len(data) > 20_000
    data[4096:12288] = os.urandom(8192)
    path.write_bytes(data)
    for extra in ("-wal", "-shm"):
        path.with_name(path.name + extra).unlink(missing_ok=True)
    with pytest.raises(JournalError, match=r"damaged"):
        Journal(path)


def test_result_damaged_on_the_disk_is_never_taken_as_data(path, run):
    run()
    journal = Journal(path)
    stored = bytearray(journal.results(1)[0])
    stored[-200] ^= 1
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE results SET arrays = ? WHERE unit = 1", (bytes(stored),))
    assert journal.results(1) is None
    counts = ones(run())
    assert (counts[0], counts[-1]) == (0, 100)
    assert Counting.circuits == 8  # a local job cannot be fetched again, so its two circuits ran once more


def test_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(JournalError, match=r"cannot be created: No such file or directory"):
        Journal(tmp_path / "nowhere" / "run.journal")


def test_locked_journal_is_a_clear_error(path, run):
    journal = Journal(path, timeout=0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JournalError, match=r"locked by another program"):
        run(journal=journal)
    other.execute("ROLLBACK")
    other.close()
    assert ones(run())[-1] == 100


def test_full_disk_is_a_clear_error_and_nothing_runs_without_being_written_down(path, run):
    journal = Journal(path)
    pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
    journal._database.execute(f"PRAGMA max_page_count = {pages}")
    many = np.linspace(0, 1, 2000)[:, None]
    with pytest.raises(JournalError, match=r"disk of the journal .* is full"):
        run(many, journal)
    assert Counting.circuits == 0
    assert journal.units() == []


def test_full_disk_when_a_result_arrives_keeps_the_rest(path, run):
    journal = Journal(path)
    sampler = JournaledSampler(Counting(), journal, policy=Policy(max_executions=200_000))
    job_pubs = [(rotation(), ANGLES, 100_000)]
    original = journal.finish

    def filling(*arguments, **settings):
        pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
        journal._database.execute(f"PRAGMA max_page_count = {pages + 1}")
        original(*arguments, **settings)

    journal.finish = filling
    with pytest.raises(JournalError, match=r"is full"):
        sampler.run(job_pubs).result(30)
    result = JournaledSampler(Counting(), path).run(job_pubs).result(30)
    assert ones(result)[-1] == 100_000


def test_journal_survives_pickling_and_forking(path, run):
    run()
    journal = pickle.loads(pickle.dumps(Journal(path)))
    assert len(journal.units()) == 3
    child = os.fork() if threading.active_count() == 1 else None
    if child == 0:
        os._exit(0 if len(journal.units()) == 3 else 1)
    if child is not None:
        assert os.waitpid(child, 0)[1] == 0
    assert len(journal.units()) == 3


def test_owner_is_dead_only_when_its_process_is(path):
    assert not is_dead(new_owner())
    host, boot, namespace, _, start, unique = new_owner().rsplit(":", 5)
    here = f"{host}:{boot}:{namespace}"
    assert is_dead(f"{here}:{2**22 - 1}:{start}:{unique}")
    assert is_dead(f"{here}:{os.getpid()}:1:{unique}")  # the number was given to another process
    for elsewhere in (f"{host}:other:{namespace}", f"{host}:{boot}:1"):  # only time can tell
        assert not is_dead(f"{elsewhere}:{2**22 - 1}:1:{unique}")


def test_failing_simulator_names_its_error_and_keeps_the_rest(path):
    class Broken(StatevectorSampler):
        def run(self, pubs, *, shots=None):
            raise RuntimeError("out of order")

    sampler = JournaledSampler(Broken(), path)
    with pytest.raises(RunIncompleteError, match=r"out of order") as caught:
        sampler.run([(rotation(), ANGLES, 10)]).result(30)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_empty_request_needs_nothing(path):
    sampler = JournaledSampler(StatevectorSampler(), path)
    assert len(sampler.run([]).result(30)) == 0
    empty = sampler.run([(rotation(), np.empty((0, 1)), 10)]).result(30)
    assert empty[0].data.meas.shape == (0,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_executions": 0}, "max_executions must be"),
        ({"settle_seconds": -1}, "settle_seconds"),
        ({"max_retries": -1}, "max_retries"),
    ],
)
def test_bad_policy_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Policy(**settings)
