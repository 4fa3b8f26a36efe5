"""What is checked before a journal is used: every row, what rows say of each other, objects, and all at one time."""

import sqlite3
from contextlib import closing

import pytest

from qiskit_qml_ext.exceptions import JournalDamagedError, JournalError
from qiskit_qml_ext.primitives.journal import Journal, check_journal
from qiskit_qml_ext.primitives.journal.disk import soundness as soundness_module
from qiskit_qml_ext.primitives.journal.disk.records import NewUnit
from qiskit_qml_ext.primitives.journal.disk.rows import DUPLICATES, UNITS, change, seal
from tests.primitives.journal.crafted import CRAFTED, craft
from tests.primitives.journal.damage import put, run_program

KEYS = [bytes([number]) * 16 for number in range(20)]


def plan(journal):
    return journal.ensure_units(
        KEYS, lambda places: [NewUnit((KEYS[place],), "sampler", "t", {}, [], 1) for place in places], revive=True
    )


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("positions swapped", "Unit 1 has other items than its content key says"),
        ("units swapped", "has other items than its content key says"),
        ("results swapped", "The result of unit 1 is that of other work"),
        ("all units dond", "has the unknown state 'dond'"),
        ("unknown kind", "is of the unknown kind 'oracle'"),
        ("items of no unit", "The record of unit 99 is missing"),
        ("attempts at no unit", "The record of unit 1152921504606846976 is missing"),
        ("submitted without a job", "Unit 1 is submitted, but has no job"),
        ("done without anything", "has neither a result nor a job"),
        ("all units planned", "Unit 1 is planned, but has a result"),
        ("job '../x'", "has the impossible job"),
        ("layout of an enormous shape", "a layout with impossible shapes"),
        ("layout too deep", "has no JSON: layout"),
        ("metadata NULL", "The result of unit 1 has values of wrong types"),
        ("next numbers at the end", "The last number in its table units is 7"),
        ("a trigger", "The trigger 't' does not belong to a journal"),
        ("a view", "The view 'v' does not belong to a journal"),
        ("a table more", "The table 'more' does not belong to a journal"),
        ("a table less", "The table 'surplus' is missing"),
        ("a column more", "The table 'units' has a changed definition"),
        ("no id", "does not say 'id'"),
        ("unsealed: DELETE FROM attempts", "The record of a submission of unit 1 is damaged or missing"),
        ("unsealed: UPDATE units SET state = 'planned'", "row 1 of its table units does not match its checksum"),
        (
            "unsealed: UPDATE items SET position = 1 - position",
            "Unit 1 has 0 of its 5 items; the others are damaged",
        ),
    ],
)
def test_what_is_wrong_is_named_on_opening_and_the_file_is_left_as_it_is(sound, name, sentence):
    craft(sound, CRAFTED[name])
    before = sound.read_bytes()
    with pytest.raises(
        JournalDamagedError, match=r"is damaged.*left as it is.*'qiskit-qml-ext jobs .* check'"
    ) as caught:
        Journal(sound)
    assert sentence in str(caught.value) or sentence in check_journal(sound).summary()
    assert sound.read_bytes() == before


def test_journal_of_another_formula_is_read_but_takes_no_new_work(sound):
    craft(sound, CRAFTED["other formula"])
    with Journal(sound) as journal:
        assert [unit.state for unit in journal.units()] == ["done"] * 7
        assert journal.results(1) is not None
        with pytest.raises(JournalError, match=r"older version.*listed, fetched and exported.*new file for new work"):
            plan(journal)


def test_rows_that_are_older_than_others_are_noticed(path):
    """A page of before is put back: each of its rows matches its checksum, but not the sum of all."""
    with Journal(path) as journal:
        plan(journal)
        old = [tuple(row) for row in journal._database.execute("SELECT * FROM units").fetchall()]
        journal.claim(1, owner="me", tag="t1", calibration=None, per_minute=None)
        journal.submitted(1, tag="t1", job="job1", session=None)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM units")
        database.executemany(f"INSERT INTO units VALUES ({','.join('?' * len(old[0]))})", old)
    with pytest.raises(JournalDamagedError, match=r"Some rows are missing, or are older than others"):
        Journal(path)


def test_part_of_the_file_beside_it_over_a_newer_file_is_noticed(files, path):
    """A damaged frame hides those after it, while the file itself has them already: a mixture of two times."""
    noticed = 0
    for cut in range(1, len(files["late"]) // 4120, 9):
        # As if all had gone on into the file, and the file beside it had been cut afterwards.
        put(path, files["main"], files["late"][: 32 + 4120 * cut])
        try:
            outcome = run_program(path)
        except JournalError:
            noticed += 1
        else:
            assert outcome.right
    assert noticed > 3


def test_file_beside_it_of_another_journal_is_refused(files, path, tmp_path):
    put(path, files["main"])
    other = tmp_path / "other"
    with Journal(other) as journal:
        plan(journal)
        beside = other.with_name("other-wal").read_bytes()
    put(path, files["main"], beside)
    with pytest.raises(JournalError, match=r"run.journal-wal beside the journal .* belongs to another journal"):
        Journal(path)
    assert path.read_bytes() == files["main"]
    path.with_name("run.journal-wal").unlink()
    path.with_name("run.journal-shm").unlink(missing_ok=True)
    with Journal(path) as journal:
        assert len(journal.units()) == 7


def test_file_beside_it_that_another_program_removes_meanwhile_is_not_missed(path, monkeypatch):
    """The last program that closes a journal removes the file beside it: after it was seen, before it is read."""
    from qiskit_qml_ext.primitives.journal.disk import schema

    first, look = Journal(path), schema._id_alone
    plan(first)
    looks = []

    def looked(*arguments):
        found = look(*arguments)
        first.close()
        looks.append(path.with_name("run.journal-wal").exists())
        return found

    monkeypatch.setattr(schema, "_id_alone", looked)
    with closing(first), Journal(path) as journal:
        assert len(journal.units()) == 20
    assert looks == [False]


def test_file_beside_nothing_is_refused(path):
    path.with_name("run.journal-wal").write_bytes(b"something")
    with pytest.raises(JournalError, match=r"missing, but run.journal-wal beside it is not"):
        Journal(path)
    assert not path.exists()


def test_damaged_result_is_named_by_check_and_does_not_hinder_the_opening(sound):
    with closing(sqlite3.connect(sound)) as database, database:
        database.execute("UPDATE results SET arrays = CAST(arrays || 'x' AS BLOB) WHERE unit = 2")
    with Journal(sound) as journal:
        report = journal.check()
        assert not report.is_sound
        assert report.damaged == (2,)
        assert report.sound == (1, 3, 4, 5, 6, 7)
        assert "The result of unit 2 does not match its checksum." in report.summary()


def test_sound_journal_is_called_sound(sound):
    report = check_journal(sound)
    assert report.is_sound
    assert report.sound == tuple(range(1, 8))
    assert "is sound: 7 units." in report.summary()


@pytest.mark.parametrize("name", ["missing", "text"])
def test_check_of_what_is_no_journal(path, name):
    if name == "missing":
        with pytest.raises(JournalError, match="There is no journal"):
            check_journal(path)
        return
    path.write_bytes(b"not a database, but long enough to look at" * 100)
    report = check_journal(path)
    assert not report.is_sound
    assert "damaged or not a journal" in report.summary()


METHODS = {
    "units": lambda journal: journal.units(),
    "some units": lambda journal: journal.units([1, 2, 2**70, -5]),
    "duplicates": lambda journal: journal.duplicates(),
    "locate": lambda journal: journal.locate(KEYS),
    "attempts": lambda journal: journal.attempts(),
    "planning": plan,
    "claim": lambda journal: journal.claim(1, owner="me", tag="x", calibration=None, per_minute=5),
    "submitted": lambda journal: journal.submitted(1, tag="x", job="y", session=None),
    "finish": lambda journal: journal.finish(1, tag="x", arrays=b"", metadata={}, usage_seconds=None),
    "results": lambda journal: journal.results(1),
    "forget_result": lambda journal: journal.forget_result(1),
    "reset": lambda journal: journal.reset(1, outcome="x", reason="y"),
    "release": lambda journal: journal.release("me"),
    "beat": lambda journal: journal.beat("me"),
    "add_duplicate": lambda journal: journal.add_duplicate("j", "t", executed=True),
}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE units SET layout = '[', settings = CAST(x'ff' AS TEXT), state = NULL",
        "UPDATE items SET position = 'x'; UPDATE attempts SET tag = number; UPDATE about SET value = NULL",
        "DROP TABLE items",
        "UPDATE about SET value = 'x'",
    ],
)
@pytest.mark.parametrize("name", METHODS)
def test_damage_that_comes_while_a_journal_is_open_is_no_raw_error(sound, name, statement):
    with Journal(sound) as journal:
        with closing(sqlite3.connect(sound)) as database:
            database.executescript(statement)
        raised = None
        try:
            METHODS[name](journal)
        except JournalError as error:
            raised = error
        assert raised is None or "damaged" in str(raised)


def test_duplicates_on_record_are_sealed_under_the_name_that_files_have_for_their_table():
    # Computed by the version before the class and its methods were called so.
    assert seal(DUPLICATES, ["late-job", "t", 1, 1000.0]).hex() == "9f840cb77be92c92"


@pytest.mark.parametrize("name", ["results", "finish"])
def test_unit_that_is_not_there_is_named(path, name):
    with Journal(path) as journal, pytest.raises(JournalError, match="There is no unit 1"):
        METHODS[name](journal)


def test_closed_journal_says_so(path):
    journal = Journal(path)
    journal.close()
    with pytest.raises(JournalError, match=r"was closed. Open it again"):
        journal.units()


def test_file_that_did_not_change_is_checked_once_in_a_process(sound, monkeypatch):
    import os
    import time

    from qiskit_qml_ext.primitives.journal.disk import schema

    calls = []
    monkeypatch.setattr(schema, "inspected", lambda database: calls.append(1) or soundness_module.inspected(database))
    Journal(sound).close()
    Journal(sound).close()
    assert len(calls) == 2  # its time of change is too fresh to tell
    for item in sound.parent.glob("run.journal*"):
        os.utime(item, (time.time() - 60, time.time() - 60))
    Journal(sound).close()
    Journal(sound).close()
    assert len(calls) == 3
    with closing(sqlite3.connect(sound)) as database, database:
        change(database, UNITS, "id = 1", [], state="dond")
    with pytest.raises(JournalDamagedError, match="dond"):
        Journal(sound)
