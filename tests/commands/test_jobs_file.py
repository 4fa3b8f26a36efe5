"""``qiskit-qml-ext jobs FILE check | repair | backup | dataset``."""

import json
import subprocess
import sys

import numpy as np
import pytest
from qiskit.primitives import StatevectorSampler
from runtime_server.work import rotation

from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.journal import Journal, JournaledSampler, Policy
from tests.commands import journals
from tests.commands.journals import change, make


@pytest.fixture
def path(path):
    return make(path)


def jobs(path, *arguments, code=0):
    return " ".join(journals.jobs(path, *arguments, code=code).split())


def damage(path, statement="UPDATE items SET position = 7 WHERE unit = 2"):
    change(path, statement)


def test_check_of_a_sound_journal(path):
    assert "is sound: 2 units." in jobs(path, "check")


def test_check_names_what_is_damaged_and_ends_with_1(path):
    damage(path)
    output = jobs(path, "check", code=1)
    assert "is damaged. Of 2 units 1 are sound, but not 2." in output
    assert "Unit 2 has 0 of its 1 items; the others are damaged or missing" in output
    assert "repair' keeps what is sound" in output
    done = subprocess.run(
        [sys.executable, "-m", "qiskit_qml_ext.cli", "jobs", str(path), "check"], capture_output=True, check=False
    )
    assert done.returncode == 1


def test_repair_keeps_what_is_sound_and_says_where_the_old_file_is(path):
    damage(path)
    assert "is damaged" in jobs(path, "list", code=2)
    output = jobs(path, "repair")
    assert f"The damaged file was kept as {path}.damaged." in output
    assert "2 units, 2 with their results" in output
    assert "Unit 2 (done, 1 circuits): its items are damaged." in output
    assert "2 units: 2 done." in jobs(path, "list")
    assert "nothing was changed" in jobs(path, "repair")


def test_backup_writes_a_new_file_and_never_over_another(path, tmp_path):
    assert "Wrote" in jobs(path, "backup", str(tmp_path / "copy"))
    assert "2 units: 2 done." in jobs(tmp_path / "copy", "list")
    assert "exists already" in jobs(path, "backup", str(tmp_path / "copy"), code=2)


@pytest.mark.parametrize("command", ["check", "repair", "backup"])
def test_journal_that_is_not_there_is_named(tmp_path, command):
    arguments = [command, str(tmp_path / "copy")] if command == "backup" else [command]
    assert "There is no journal" in jobs(tmp_path / "nothing", *arguments, code=2)


def test_damage_met_by_another_command_is_one_sentence(path):
    damage(path, "UPDATE results SET arrays = x'00'")
    done = subprocess.run(
        [sys.executable, "-m", "qiskit_qml_ext.cli", "jobs", str(path), "show", "99999999999999999999"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("Error: There is no unit 99999999999999999999.")


@pytest.mark.parametrize("command", [["list"], ["show", "1"], ["cost"], ["check"], ["repair"]])
def test_empty_file_is_called_empty_and_stays_so(tmp_path, command):
    empty = tmp_path / "empty"
    empty.touch()
    assert "It is empty (0 bytes)" in jobs(empty, *command, code=1 if command == ["check"] else 2)
    assert empty.stat().st_size == 0


@pytest.mark.parametrize("statement", ["DELETE FROM results WHERE unit = 2", "UPDATE results SET arrays = x'00'"])
def test_result_that_cannot_be_had_is_named_where_it_is_missed(path, tmp_path, statement):
    damage(path, statement)
    sentence = "Unit 2 is done, but its result is damaged or missing"
    assert sentence in jobs(path, "export", str(tmp_path / "export.json"), code=1)
    if statement.startswith("DELETE"):
        assert sentence in jobs(path, "list")
        assert "The result of unit 2 is missing" in jobs(path, "check", code=1)


def test_unit_whose_record_was_damaged_shows_nothing_that_nobody_measured(path, tmp_path):
    damage(path, "UPDATE units SET executions = 7 WHERE id = 2")
    jobs(path, "repair")
    output = jobs(path, "list")
    assert "not known: unit circuits shots state ago job 2 ? ? done " in output
    assert "2 units: 2 done. Unit 2: its record was damaged, but its result is in the journal and comes back" in output
    assert "0 circuits" not in jobs(path, "show", "2")
    assert "There is nothing to cancel." in jobs(path, "cancel", "--all", "--yes")
    output = jobs(path, "cancel", "--unit", "2", "--yes")
    assert "its result is in the journal" in output
    assert "Nothing is cancelled." in output
    jobs(path, "export", str(tmp_path / "export.json"))
    units = json.loads((tmp_path / "export.json").read_text())["units"]
    assert [unit["results"] is None for unit in units] == [False, False]


def test_a_data_set_is_written_for_others_and_replayed(path, tmp_path):
    folder = tmp_path / "data"
    said = jobs(path, "dataset", str(folder), "--title", "Rotations", "--creator", "Ada", "--license", "CC0-1.0")
    assert "2 of 2 jobs with their results, 2 of them for connect" in said
    citation = (folder / "CITATION.cff").read_text(encoding="utf-8")
    assert '"Rotations"' in citation
    assert '"Ada"' in citation
    assert '"CC0-1.0"' in citation
    sampler = connect(replay=folder).sampler
    result = sampler.run([(rotation(), [[0.1], [0.2], [0.3]], 10)]).result()
    with Journal(path) as journal:
        again = JournaledSampler(StatevectorSampler(), journal, policy=Policy(max_executions=20))
        kept = again.run([(rotation(), [[0.1], [0.2], [0.3]], 10)]).result(30)
    assert np.array_equal(result[0].data.meas.array, kept[0].data.meas.array)
    assert "exists already" in jobs(path, "dataset", str(folder), code=2)
    with Journal(path) as journal:
        job = journal.units()[0].job
    assert job.encode() not in (folder / "dataset.json").read_bytes()
    jobs(path, "dataset", str(tmp_path / "named"), "--job-ids")
    assert job.encode() in (tmp_path / "named" / "dataset.json").read_bytes()
