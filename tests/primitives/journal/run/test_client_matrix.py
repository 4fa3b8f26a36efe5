"""Both generations of the client's primitives, every kind of option, every mode, killed at every moment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from runtime_server.matrix import FEATURES, GENERATIONS, MODES, MOMENTS, every_cell, some_cells

pytestmark = pytest.mark.client

TESTS = Path(__file__).parents[3]


def test_chosen_cells_hold_every_generation_with_every_option_in_every_mode_and_at_every_moment():
    cells, every = some_cells(), every_cell()
    assert set(cells) <= set(every)
    assert len(every) == len(GENERATIONS) * len(FEATURES) * len(MODES) * len(MOMENTS)
    kinds = {(cell.generation, cell.feature) for cell in every}
    assert {(cell.generation, cell.feature, cell.mode) for cell in cells} == {
        (*kind, mode) for kind in kinds for mode in MODES
    }
    assert {(cell.generation, cell.feature, cell.moment) for cell in cells} == {
        (*kind, moment) for kind in kinds for moment in MOMENTS
    }
    assert len({(cell.mode, cell.moment) for cell in cells}) == len(MODES) * len(MOMENTS)


@pytest.mark.slow
def test_killed_programs_come_to_aers_numbers_and_pay_once_in_every_chosen_cell(tmp_path):
    """The whole matrix is run by ``python -m runtime_server.matrix FOLDER`` in the folder of the tests."""
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "runtime_server.matrix", str(tmp_path), "some"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert {outcome["cell"]: outcome["faults"] for outcome in outcomes[:-1] if outcome["faults"]} == {}, done.stderr
    assert [outcome["cell"] for outcome in outcomes[:-1]] == [cell.name for cell in some_cells()], done.stderr
    assert outcomes[-1] == {"wrong": 0}
    assert done.returncode == 0
