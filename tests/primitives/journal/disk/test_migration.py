"""Journals of the first schema: everything in them stays readable, nothing new goes into them."""

import hashlib
import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from qiskit.primitives import StatevectorSampler
from runtime_server.work import rotation

from qiskit_qml_ext.commands.export import exported
from qiskit_qml_ext.exceptions import JournalDamagedError, JournalError
from qiskit_qml_ext.primitives.journal import Journal, JournaledSampler, check_journal, repair_journal
from qiskit_qml_ext.primitives.journal.disk import migration as migration_module
from qiskit_qml_ext.primitives.journal.work.codec import UnitResult, encode

TABLES = """
CREATE TABLE units (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, target TEXT NOT NULL, settings TEXT NOT NULL,
    layout TEXT NOT NULL, num_items INTEGER NOT NULL, executions INTEGER NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, owner TEXT, lease_until REAL, reason TEXT, created REAL NOT NULL,
    updated REAL NOT NULL);
CREATE TABLE items (
    key BLOB PRIMARY KEY, unit INTEGER NOT NULL REFERENCES units(id), position INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX items_of_unit ON items (unit);
CREATE INDEX units_by_state ON units (state);
CREATE TABLE attempts (
    tag TEXT PRIMARY KEY, unit INTEGER NOT NULL REFERENCES units(id), job TEXT, session TEXT, outcome TEXT NOT NULL,
    started REAL NOT NULL, submitted REAL, finished REAL, calibration TEXT, usage_seconds REAL, reason TEXT,
    checked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX attempts_of_unit ON attempts (unit);
CREATE TABLE surplus (job TEXT PRIMARY KEY, tag TEXT NOT NULL, executed INTEGER NOT NULL, noticed REAL NOT NULL);
CREATE TABLE results (unit INTEGER PRIMARY KEY REFERENCES units(id), arrays BLOB, metadata TEXT, digest BLOB);
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT);
"""
LAYOUT = [{"circuit": "c", "rows": 2, "shape": [2], "shots": 8, "registers": {"meas": 2}, "more_shots": False}]
BITS = np.arange(16, dtype=np.uint8).reshape(2, 8, 1) % 4


@pytest.fixture
def old(path):
    """A journal as the version before wrote it: a unit in every state, two attempts out of order, a duplicate."""
    arrays, metadata = encode(UnitResult([{"meas": BITS}], [{}]), LAYOUT)
    text = json.dumps(metadata)
    digest = hashlib.blake2b(arrays + text.encode(), digest_size=16).digest()
    layout, settings = json.dumps(LAYOUT), json.dumps({"shots": 8})
    states = ["done", "submitted", "submitting", "planned", "failed", "lost", "dissolved", "done"]
    with closing(sqlite3.connect(path)) as database, database:
        for statement in TABLES.split(";\n"):
            database.execute(statement)
        database.execute("INSERT INTO about VALUES ('id', 'abcdef0123')")
        database.execute(f"PRAGMA application_id = {0x514D4C58}")
        database.execute("PRAGMA user_version = 1")
        for number, state in enumerate(states, start=1):
            database.execute(
                "INSERT INTO units VALUES (?, 'sampler', 'ibm', ?, ?, 2, 16, ?, 1, NULL, NULL, ?, 1e9, 1e9)",
                (number, settings, layout, state, "why" if state in ("failed", "lost") else None),
            )
            if state != "dissolved":
                for place in range(2):
                    key = bytes([number, place]) * 8
                    database.execute("INSERT INTO items VALUES (?, ?, ?)", (key, number, place))
        for number, started, tag, job, outcome in [
            (1, 200.0, "t-early", "job0", "failed"),
            (1, 100.0, "t-late", "job1", "done"),  # the clock was set back
            (2, 300.0, "t2", "job2", "open"),
            (3, 400.0, "t3", None, "open"),
            (8, 500.0, "t8", "job8", "done"),
        ]:
            database.execute(
                "INSERT INTO attempts VALUES (?, ?, ?, NULL, ?, ?, ?, NULL, NULL, 2.5, NULL, 1)",
                (tag, number, job, outcome, started, started),
            )
        database.execute("INSERT INTO surplus VALUES ('second', 't-late', 1, 250.0)")
        database.execute("INSERT INTO results VALUES (1, ?, ?, ?)", (arrays, text, digest))
        database.execute("INSERT INTO results VALUES (8, ?, ?, ?)", (arrays[:-1] + b"x", text, digest))
        database.execute("PRAGMA journal_mode = WAL")
    return path


def test_everything_stays_readable_and_a_copy_is_kept(old):
    before = old.read_bytes()
    with Journal(old) as journal:
        units = journal.units()
        assert [unit.state for unit in units] == [
            "done", "submitted", "submitting", "planned", "failed", "lost", "submitted",
        ]  # fmt: skip
        assert journal.tag == "qmlx-abcdef0123"
        assert (units[0].job, units[0].tag) == ("job1", "t-late")  # the last attempt by its making
        assert [attempt.tag for attempt in journal.attempts()] == ["t-early", "t-late", "t2", "t3", "t8"]
        assert not any(attempt.watched for attempt in journal.attempts())
        assert units[-1].job == "job8"  # its damaged result is fetched again
        assert journal.duplicates()[0].job == "second"
        counts = exported(journal)["units"][0]["results"][0]["meas"]
        assert counts == [{"00": 2, "01": 2, "10": 2, "11": 2}] * 2
    copy = old.with_name("run.journal.schema1")
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert database.execute("SELECT count(*) FROM attempts").fetchone() == (5,)
    assert before
    assert check_journal(old).schema == 3
    assert check_journal(old).is_sound


def test_new_work_is_refused_in_words(old):
    sampler = JournaledSampler(StatevectorSampler(), old)
    with pytest.raises(JournalError, match=r"made by an older version.*fetched and exported.*new file for new work"):
        sampler.run([(rotation(), [0.1], 10)]).result(30)


def test_what_runs_can_still_be_fetched(old):
    with Journal(old) as journal:
        arrays, metadata = encode(UnitResult([{"meas": BITS}], [{}]), LAYOUT)
        journal.finish(2, tag="t2", arrays=arrays, metadata=metadata, usage_seconds=1.0)
    with Journal(old) as journal:
        assert journal.units([2])[0].state == "done"
        assert journal.results(2)[0] == arrays


@pytest.mark.parametrize("step", ["_units", "_attempts", "inspected"])
def test_interrupted_migration_leaves_the_old_file_and_can_be_done_again(old, monkeypatch, step):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(migration_module, step, interrupt)
    before = old.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        Journal(old)
    monkeypatch.undo()
    assert old.read_bytes() == before
    with Journal(old) as journal:
        assert len(journal.units()) == 7
    assert old.with_name("run.journal.schema1-2").exists()  # the first copy was not replaced


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE units SET state = 'dond' WHERE id = 2",
        "UPDATE units SET layout = '[' WHERE id = 2",
        "UPDATE items SET position = 5",
        "CREATE TRIGGER t AFTER UPDATE ON units BEGIN DELETE FROM items; END",
        "UPDATE attempts SET job = '../x'",
        "DELETE FROM about",
        "UPDATE units SET executions = 'x'",
    ],
)
def test_damaged_journal_of_the_first_schema_is_refused_and_left(old, statement):
    with closing(sqlite3.connect(old)) as database, database:
        database.execute(statement)
    before = old.read_bytes()
    with pytest.raises(JournalDamagedError, match="is damaged"):
        Journal(old)
    assert old.read_bytes() == before


def test_repair_of_the_first_schema_says_why_it_cannot(old):
    with pytest.raises(JournalError, match=r"first schema, whose rows have no checksums.*Restore it from a backup"):
        repair_journal(old)
    assert check_journal(old).schema == 1
