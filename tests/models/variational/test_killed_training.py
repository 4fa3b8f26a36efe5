"""The acceptance test of checkpoints: a training on a device with noise that is killed, and killed again."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    program = Path(__file__).with_name("killed_training.py")
    command = [sys.executable, str(program), str(tmp_path_factory.mktemp("killed"))]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "spsa"])
def test_a_training_that_is_killed_goes_on_at_its_step_and_pays_for_nothing_twice(optimizer, outcomes):
    outcome = outcomes[optimizer]
    whole, torn = outcome["whole"], outcome["torn"]
    assert outcome["killed"] == [True, True]
    assert torn["history"] == whole["history"]
    assert torn["weights"] == whole["weights"]
    assert torn["paid"] == whole["paid"]
    assert whole["paid"]["done"]
    assert whole["iterations"] == [1, 2, 3]
    assert torn["iterations"] == [2, 3], "the first iteration is taken from the checkpoint"
