"""What README shows is true: its example runs, its commands exist, its links lead somewhere."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_example_runs(tmp_path, capsys):
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(block, encoding="utf-8")
    runpy.run_path(str(script))
    printed = capsys.readouterr().out
    assert "quantumsvc__kernel__feature_map__bandwidth" in printed
    assert float(printed.split()[-1]) > 0.9


def test_ci_runs_the_test_command_that_is_shown():
    command = re.search(r"<!-- test command -->\n```bash\n(.*?)\n```", README).group(1)
    assert command.endswith("-m pytest -n auto")
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_links_to_files_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("https://"):
            assert (ROOT / target).exists(), target
