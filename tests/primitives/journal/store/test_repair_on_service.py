"""Damage, repair, and the program run again against the service: nothing is paid for twice, nothing is lost."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from runtime_server.work import ones

from qiskit_qml_ext.primitives.journal import Journal, cancel, repair_journal, resume

LOSE_RESULTS = "DELETE FROM results"
LOSE_JOBS = "UPDATE attempts SET outcome = 'x'"
LOSE_RECORDS = "UPDATE units SET executions = 7"
LOSE_ITEMS = "UPDATE items SET position = 7"


@pytest.mark.parametrize(
    "damages",
    [
        [LOSE_RESULTS],
        [LOSE_JOBS],
        [LOSE_RECORDS],
        [LOSE_ITEMS],
        [LOSE_RESULTS, LOSE_JOBS],
        [LOSE_RESULTS, LOSE_RECORDS],
        [LOSE_RESULTS, LOSE_ITEMS],
        [LOSE_JOBS, LOSE_RECORDS],
        [LOSE_RESULTS, LOSE_JOBS, LOSE_RECORDS],
        [LOSE_RESULTS, LOSE_ITEMS, LOSE_RECORDS],
        [LOSE_RESULTS, LOSE_JOBS, LOSE_RECORDS, LOSE_ITEMS],
        ["DELETE FROM units", "DELETE FROM items", "DELETE FROM attempts", LOSE_RESULTS],
    ],
    ids=lambda damages: " and ".join(damages),
)
def test_work_is_not_paid_twice_after_damage_and_repair(server, work, path, damages):
    result, _ = work()
    jobs = len(server.jobs())
    assert jobs == 3
    with closing(sqlite3.connect(path)) as database, database:
        for statement in damages:
            database.execute(statement)
    repair_journal(path)
    again, job = work()
    assert len(server.jobs()) == jobs, repair_journal(path).summary()
    assert job.report.submitted == 0
    assert np.array_equal(ones(again), ones(result))  # the very same shots
    assert np.array_equal(again[0].data.meas.array, result[0].data.meas.array)
    with Journal(path) as journal:
        assert {unit.state for unit in journal.units() if unit.num_items} == {"done"}


@pytest.mark.parametrize("damages", [[LOSE_RECORDS], [LOSE_RECORDS, LOSE_RESULTS]], ids=" and ".join)
def test_cancelling_after_a_repair_pays_nothing_twice(server, work, path, damages):
    result, _ = work()
    with closing(sqlite3.connect(path)) as database, database:
        for statement in damages:
            database.execute(statement)
    repair_journal(path)
    with Journal(path) as journal:
        for unit in journal.units():
            assert "Nothing is cancelled." in cancel(journal, server.service(), unit)
        assert resume(journal, server.service()).waiting == 0
    again, job = work()
    assert len(server.jobs()) == 3
    assert job.report.submitted == 0
    assert np.array_equal(again[0].data.meas.array, result[0].data.meas.array)
    assert repair_journal(path).damaged is None
