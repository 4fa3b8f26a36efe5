"""One damage is one sentence, the same in a check, on opening and in a repair; advice can be pasted into a shell."""

import re
import shlex
import sqlite3
from contextlib import closing

import pytest

from qiskit_qml_ext.exceptions import JournalDamagedError, JournalError
from qiskit_qml_ext.primitives.journal import Journal, check_journal, repair_journal
from qiskit_qml_ext.primitives.journal.disk.records import DONE, LOST
from tests.primitives.journal.damage import put, run_program

DAMAGES = [
    (
        "UPDATE units SET state = 'x' WHERE id = 2",
        "The record of unit 2 is damaged (row 2 of its table units does not match its checksum).",
    ),
    ("DELETE FROM units WHERE id = 2", "The record of unit 2 is missing."),
    (
        "DELETE FROM items WHERE unit = 2 AND position = 1",
        "Unit 2 has 4 of its 5 items; the others are damaged or missing.",
    ),
    (
        "UPDATE items SET position = 9 WHERE unit = 2 AND position = 1",
        "Unit 2 has 4 of its 5 items; the others are damaged or missing.",
    ),
    ("DELETE FROM attempts WHERE unit = 2", "The record of a submission of unit 2 is damaged or missing."),
    ("UPDATE attempts SET tag = 'x' WHERE unit = 2", "The record of a submission of unit 2 is damaged or missing."),
    ("UPDATE results SET arrays = x'00' WHERE unit = 2", "The result of unit 2 does not match its checksum."),
    (
        "DELETE FROM results WHERE unit = 2",
        "The result of unit 2 is missing. The next run fetches it again, or, on a simulator of this machine, runs it "
        "again.",
    ),
    ("DELETE FROM about WHERE name = 'id'", "Its table about does not say 'id'."),
]


def change(path, statement):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)


@pytest.mark.parametrize(("statement", "sentence"), DAMAGES)
def test_one_damage_is_one_sentence_wherever_it_is_told(sound, statement, sentence):
    change(sound, statement)
    report = check_journal(sound)
    assert [problem.sentence for problem in report.problems] == [sentence]
    hit = () if "about" in sentence else (2,)
    assert report.damaged == hit
    assert report.sound == tuple(number for number in range(1, 8) if number not in hit)
    if "result" not in sentence:
        with pytest.raises(JournalDamagedError) as caught:
            Journal(sound)
        assert f"is damaged: {sentence} It was left as it is." in str(caught.value)
    assert repair_journal(sound).problems == (sentence,)
    assert check_journal(sound).is_sound
    assert run_program(sound).right


def test_two_damages_are_two_sentences(sound):
    change(sound, DAMAGES[0][0])
    change(sound, "UPDATE units SET state = 'x' WHERE id = 5")
    change(sound, "DELETE FROM items WHERE unit = 3 AND position = 0")
    report = check_journal(sound)
    assert len(report.problems) == 3
    assert report.damaged == (2, 3, 5)
    assert "Of 7 units 4 are sound, but not 2, 3, 5." in report.summary()
    assert repair_journal(sound).problems == tuple(problem.sentence for problem in report.problems)


def test_file_that_was_cut_is_one_damage_and_its_units_are_named_as_what_they_were(sound, files):
    put(sound, files["main"][:20_000])
    (problem,) = check_journal(sound).problems
    assert re.fullmatch(r"It cannot be read: [^()]*\.", problem.sentence)
    report = repair_journal(sound)
    assert len(report.problems) == 1
    assert not any("None" in sentence or "submitting" in sentence for sentence in report.changes)


def test_first_advice_for_a_damaged_file_is_what_keeps_most(sound, files):
    put(sound, b"x" * 16 + files["main"][16:])
    with pytest.raises(JournalDamagedError, match=r"not a journal.* repair' keeps that.* nothing is sound, restore"):
        Journal(sound)
    assert repair_journal(sound).results == 7


@pytest.mark.parametrize("name", ["my runs/a b.journal", "it's; $(x).journal", "plain.journal"])
@pytest.mark.parametrize("cut", [16, 2000])
def test_command_in_an_error_is_one_that_a_shell_takes(tmp_path, files, name, cut):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * cut + files["main"][cut:])
    with pytest.raises(JournalError) as caught:
        Journal(path)
    commands = re.findall(r"'(qiskit-qml-ext jobs .*? (?:check|repair))' ", str(caught.value))
    assert [shlex.split(command)[2] for command in commands] == [str(path)] * 2


@pytest.mark.parametrize("with_result", [True, False])
def test_unit_whose_record_was_damaged_is_not_planned_again_at_anybodys_word(sound, with_result):
    change(sound, "UPDATE units SET executions = 7 WHERE id = 2")
    if not with_result:
        change(sound, "DELETE FROM results WHERE unit = 2")
    repair_journal(sound)
    with Journal(sound) as journal:
        (unit,) = journal.units([2])
        assert unit.is_unrecorded
        assert unit.state == (DONE if with_result else LOST)
        assert not journal.reset(2, outcome="cancelled", reason="Cancelled by the user.")
        assert journal.units([2]) == [unit]
    repair_journal(sound)
    outcome = run_program(sound)
    assert outcome.right
    if with_result:
        assert outcome.submitted == 0
    assert check_journal(sound).is_sound


def test_empty_file_is_a_new_journal_for_a_program_but_no_sound_one(path):
    path.touch()
    report = check_journal(path)
    assert not report.is_sound
    assert "It is empty (0 bytes)" in report.summary()
    with pytest.raises(JournalError, match=r"nothing to repair .*It is empty \(0 bytes\).*restore a backup"):
        repair_journal(path)
    assert path.stat().st_size == 0
    with Journal(path) as journal:
        assert journal.units() == []


@pytest.mark.parametrize("ending", ["-wal", "-shm"])
@pytest.mark.parametrize("is_there", [True, False])
def test_no_journal_begins_beside_what_is_left_of_another(path, ending, is_there):
    if is_there:
        path.touch()
    beside = path.with_name(path.name + ending)
    beside.write_bytes(b"x" * 100)
    with pytest.raises(JournalError, match=rf"run.journal is (empty|missing), but run.journal{ending} beside it is"):
        Journal(path)
    assert path.exists() == is_there
    assert beside.read_bytes() == b"x" * 100
