"""What is compiled stays valid when the package is installed anew or elsewhere, and only as long as it is the same."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import qiskit_qml_ext

PACKAGE = Path(qiskit_qml_ext.__file__).parent
SCRIPT = """
import numba.core.event as event
count = 0
class Counter(event.Listener):
    def on_start(self, _):
        global count
        count += 1
    def on_end(self, _):
        pass
event.register("numba:compile", Counter())
from qiskit_qml_ext.engine.compiled.gates import lowest_bit_position
assert lowest_bit_position(8) == 3
print(lowest_bit_position.py_func.__code__.co_filename, count)
"""


def compiled_by_a_call(place):
    """The number of functions that a new process compiles, with the package that lies in ``place``."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment["PYTHONPATH"] = str(place)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment, cwd=place
    )
    source, count = done.stdout.split()
    assert Path(source).is_relative_to(place)
    return int(count)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A copy of the package of which one function was called, so that its cache holds it."""
    place = tmp_path_factory.mktemp("one")
    shutil.copytree(PACKAGE, place / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    assert compiled_by_a_call(place) == 1
    return place


def test_compiled_code_is_used_where_the_same_package_lies_elsewhere(installed, tmp_path):
    shutil.copytree(installed, tmp_path / "two")
    assert compiled_by_a_call(tmp_path / "two") == 0


@pytest.mark.parametrize("changed", ["engine/compiled/simd.py", "engine/pauli/frame.py", "engine/memory.py"])
def test_compiled_code_is_not_used_after_any_file_of_the_engine_changed(installed, tmp_path, changed):
    shutil.copytree(installed, tmp_path / "two")
    with (tmp_path / "two" / PACKAGE.name / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert compiled_by_a_call(tmp_path / "two") == 1
