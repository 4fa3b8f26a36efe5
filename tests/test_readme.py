"""What README shows is true: its example runs, its commands exist, its links lead somewhere."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def printed_by(example, tmp_path, capsys):
    script = tmp_path / "example.py"
    script.write_text(example, encoding="utf-8")
    runpy.run_path(str(script))
    return capsys.readouterr().out


def test_there_are_two_examples():
    assert len(EXAMPLES) == 2


@pytest.mark.slow
def test_example_of_a_kernel_runs(tmp_path, capsys):
    printed = printed_by(EXAMPLES[0], tmp_path, capsys)
    assert "quantumsvc__kernel__feature_map__bandwidth" in printed
    assert float(printed.split()[-1]) > 0.9


@pytest.mark.slow
def test_example_of_a_trained_circuit_runs(tmp_path, capsys):
    printed = printed_by(EXAMPLES[1], tmp_path, capsys)
    assert "its noise" in printed
    assert int(printed.split()[-1]) > 100_000


def test_ci_runs_the_test_command_that_is_shown():
    command = re.search(r"<!-- test command -->\n```bash\n(.*?)\n```", README).group(1)
    assert command.endswith("-m pytest -n auto")
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_links_to_files_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("https://"):
            assert (ROOT / target).exists(), target
