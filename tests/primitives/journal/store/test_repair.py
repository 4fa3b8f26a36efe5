"""A repair keeps what is sound, names what is not, and makes no work that may have been paid for merely planned."""

import multiprocessing
import sqlite3
from contextlib import closing

import pytest

from qiskit_qml_ext.exceptions import JournalDamagedError, JournalError
from qiskit_qml_ext.primitives.journal import Journal, check_journal, repair_journal
from qiskit_qml_ext.primitives.journal.disk.queries import content_of
from qiskit_qml_ext.primitives.journal.disk.records import NewUnit
from tests.primitives.journal.crafted import CRAFTED, craft
from tests.primitives.journal.damage import put, run_program


def sql(path, *statements):
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


def test_sound_journal_is_left_as_it_is(sound):
    before = sound.read_bytes()
    report = repair_journal(sound)
    assert report.damaged is None
    assert "sound; nothing was changed" in report.summary()
    assert sound.read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE items SET position = position + 1 WHERE unit = 2", "Unit 2 (done, 5 circuits): its items are damaged"),
        ("DELETE FROM items", "Unit 7 (done, 1 circuits): its items are damaged"),
        ("UPDATE units SET state = 'planned' WHERE id = 3", "Unit 3: its record is damaged. It gets its jobs and its"),
        ("DELETE FROM units", "Unit 1: its record is damaged"),
        ("UPDATE attempts SET job = 'x'", "The record of a submission of unit 1 is damaged or missing."),
        ("UPDATE about SET value = '' WHERE name = 'id'", "row 'id' of its table about"),
        ("CREATE TRIGGER t AFTER UPDATE ON units BEGIN DELETE FROM items; END", "The trigger 't' does not belong"),
    ],
)
def test_results_are_kept_and_found_again_whatever_else_is_damaged(sound, statement, sentence):
    sql(sound, statement)
    damaged = sound.read_bytes()
    with pytest.raises(JournalDamagedError):
        Journal(sound)
    report = repair_journal(sound)
    assert sentence in report.summary()
    assert report.damaged == sound.with_name("run.journal.damaged")
    assert report.damaged.read_bytes() == damaged
    assert sound.stat().st_mode & 0o777 == 0o600
    assert check_journal(sound).is_sound
    with Journal(sound) as journal:
        assert all(journal.results(unit.id) is not None for unit in journal.units())
    outcome = run_program(sound)
    assert outcome.right
    assert outcome.submitted == 0
    assert check_journal(sound).is_sound


def test_journal_keeps_its_id_and_takes_it_from_its_tags_where_it_is_lost(sound):
    with Journal(sound) as journal:
        tag = journal.tag
    sql(sound, "DELETE FROM about WHERE name = 'id'", "UPDATE about SET value = 'x' WHERE name = 'file'")
    repair_journal(sound)
    with Journal(sound) as journal:
        assert journal.tag == tag


def test_damaged_result_is_dropped_and_its_unit_waits_for_its_job(sound):
    sql(sound, "UPDATE results SET arrays = x'00' WHERE unit = 4")
    report = repair_journal(sound)
    assert "Unit 4: its result is damaged or missing. It is fetched again from its job." in report.summary()
    with Journal(sound) as journal:
        assert [unit.state for unit in journal.units()].count("done") == 6
        assert journal.units([4])[0].state == "submitted"
        assert journal.units([4])[0].job is not None


KEYS = [bytes([number]) * 16 for number in range(4)]
LAYOUT = [{"circuit": "c", "rows": 1, "shape": [1], "shots": 10, "registers": {"meas": 1}, "more_shots": False}]


def planned(journal, state):
    """Plan four units, and bring the first of them so far."""
    plan_again(journal)
    if state == "planned":
        return
    journal.claim(1, owner="gone", tag=f"{journal.tag}-1-x", calibration=None, per_minute=None)
    if state == "submitting":
        return
    journal.submitted(1, tag=f"{journal.tag}-1-x", job="job1", session=None)
    if state == "lost":
        journal.fail(1, owner="gone", outcome="lost", reason="The service denies it.", lost=True)
    if state == "failed":
        journal.fail(1, owner="gone", outcome="failed", reason="It failed.")


def plan_again(journal):
    return journal.ensure_units(
        KEYS,
        lambda places: [NewUnit((KEYS[place],), "sampler", "t", {"shots": 10}, LAYOUT, 10) for place in places],
        revive=False,
    )


@pytest.mark.parametrize("state", ["planned", "submitting", "submitted", "lost", "failed"])
@pytest.mark.parametrize("table", ["items", "units"])
def test_work_that_may_be_paid_for_is_never_merely_planned(path, state, table):
    with Journal(path) as journal:
        planned(journal, state)
        content = content_of(KEYS[:1])
    if table == "items":
        sql(path, "UPDATE items SET position = 7 WHERE unit = 1")
    else:
        sql(path, "UPDATE units SET executions = 7 WHERE id = 1")
    repair_journal(path)
    with Journal(path) as journal:
        places = plan_again(journal)
        (unit,) = journal.units([places[KEYS[0]][0]])
        assert unit.content == content
        assert unit.layout == LAYOUT
        if state in ("submitting", "submitted", "lost"):
            assert unit.id == 1
            assert unit.state == state
            assert unit.job == (None if state == "submitting" else "job1")
        else:
            assert unit.state in ("planned", "failed")
        assert [places[key][0] for key in KEYS[1:]] == [2, 3, 4]


@pytest.mark.parametrize("state", ["submitting", "submitted"])
def test_unit_whose_attempt_is_damaged_is_looked_for_by_the_tag_of_its_content(path, state):
    with Journal(path) as journal:
        planned(journal, state)
        tag = f"{journal.tag}-c{content_of(KEYS[:1]).hex()}"
    sql(path, "UPDATE attempts SET outcome = 'done'")
    report = repair_journal(path)
    assert "Unit 1: its job is not known any more. The next run looks for it by its tag." in report.summary()
    with Journal(path) as journal:
        (unit,) = journal.units([1])
        assert (unit.state, unit.tag, unit.owner) == ("submitting", tag, None)
        assert journal.attempts([1])[0].watched


def test_attempts_at_work_that_is_not_known_are_struck_out_so_that_their_jobs_are_met_as_unknown(path):
    with Journal(path) as journal:
        planned(journal, "submitted")
    sql(path, "UPDATE units SET executions = 7 WHERE id = 1", "UPDATE items SET position = 7 WHERE unit = 1")
    report = repair_journal(path)
    assert "Unit 1 is lost: its record is damaged, and what its work was is not known" in report.summary()
    assert "Its jobs: job1." in report.summary()
    with Journal(path) as journal:
        assert journal.attempts() == []
        assert [unit.id for unit in journal.units()] == [2, 3, 4]


@pytest.mark.parametrize("page", range(13))
def test_any_page_may_be_gone(sound, files, page):
    data = bytearray(files["main"])
    data[4096 * page : 4096 * (page + 1)] = bytes(4096)
    put(sound, bytes(data))
    report = repair_journal(sound)
    assert report.problems or report.damaged is None
    assert check_journal(sound).is_sound
    assert run_program(sound).right


def test_head_of_the_file_may_be_gone_and_all_is_kept(sound, files):
    put(sound, b"x" * 4096 + files["main"][4096:])
    report = repair_journal(sound)
    assert (report.kept, report.results) == (7, 7)
    assert run_program(sound).submitted == 0


def test_nothing_that_can_be_read_is_an_error_that_leaves_the_file(path):
    content = b"nothing of a journal at all " * 1000
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"(Nothing of .* can be read|another program)"):
        repair_journal(path)
    assert path.read_bytes() == content
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_database_of_another_program_is_left_alone(path):
    sql(path, "CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="a database of another program"):
        repair_journal(path)
    assert path.read_bytes() == before


def test_earlier_damaged_files_are_not_overwritten(sound):
    for ending in (".damaged", ".damaged-2"):
        craft(sound, CRAFTED["a trigger"])
        damaged = repair_journal(sound).damaged
        assert damaged == sound.with_name(f"run.journal{ending}")
    craft(damaged, lambda database: None)  # both are still databases
    assert sound.with_name("run.journal.damaged").exists()


def _hold(path, ready, end):
    with Journal(path):
        ready.set()
        end.wait(60)


def test_journal_that_a_running_program_uses_is_not_repaired(sound):
    context = multiprocessing.get_context("spawn")
    ready, end = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(sound, ready, end))
    process.start()
    try:
        assert ready.wait(60)
        with pytest.raises(JournalError, match=r"is used by a running program. Stop that program first"):
            repair_journal(sound)
    finally:
        end.set()
        process.join()
    assert repair_journal(sound).damaged is None
