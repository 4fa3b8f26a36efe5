"""The oldest versions that are allowed are those that `.ci/run-oldest` installs."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / ".ci" / "oldest.py"


def test_every_dependency_is_installed_at_its_lower_bound():
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=True)
    block = re.search(r"^dependencies = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    expected = [re.sub(r">=([\d.]+).*", r"==\1", text) for text in re.findall(r'"([^"]+)"', block[1])]
    assert len(expected) >= 15
    assert done.stdout.split()[: len(expected)] == expected


def test_a_dependency_without_a_lower_bound_is_refused():
    oldest = runpy.run_path(str(SCRIPT))["oldest"]
    project = {"dependencies": ["numpy>=2.0,<3"], "optional-dependencies": {"test": ["pandas-stubs"]}}
    assert oldest(project) == ["numpy==2.0"]
    project["dependencies"].append("scipy<2")
    with pytest.raises(ValueError, match=r"'scipy<2' has no lower bound"):
        oldest(project)


def test_run_at_the_oldest_versions_installs_them():
    text = (ROOT / ".ci" / "run-oldest").read_text()
    assert ".ci/oldest.py" in text
    assert "--constraint" in text


def test_tests_know_the_runtime_clients_names_in_one_place():
    """The oldest client has no such modules, so that a test which imports them cannot be collected there."""
    newer = re.compile(r"qiskit_ibm_runtime\." r"(executor_sampler|executor_estimator|json)\b")
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    found = {str(item.relative_to(ROOT)) for item in files if newer.search(item.read_text())}
    assert found == {"tests/runtime_server/client.py"}
