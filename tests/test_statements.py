"""docs/statements.md lists every finding, piece of advice and verdict by its code, and no other."""

import ast
import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import qiskit_qml_ext
from qiskit_qml_ext.evaluation import Verdict
from qiskit_qml_ext.models import PlateauReport

PACKAGE = Path(qiskit_qml_ext.__file__).parent
PAGE = PACKAGE.parent / "docs" / "statements.md"


def constants(node: ast.AST) -> set[str]:
    """The words that an expression can be: a constant, or those of its branches; what a condition compares is none."""
    if isinstance(node, ast.IfExp):
        return constants(node.body) | constants(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def codes_in_sources() -> set[str]:
    """The codes of findings and advice: second and first argument of ``draft.find`` and ``draft.advise``."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "find" and len(node.args) == 3:
                    found |= constants(node.args[1])
                elif node.func.attr == "advise" and len(node.args) == 2:
                    found |= constants(node.args[0])
    return found


def codes_of_verdicts() -> set[str]:
    return {code for kind in (Verdict, PlateauReport) for code in get_args(get_type_hints(kind)["code"])}


def files_of_headings(text: str) -> set[str]:
    """The files that headings name: ``a/b.py``, ``c.py`` beside it, and ``a/b: c.py, d.py``."""
    named = set()
    for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE):
        named |= set(re.findall(r"[\w/]+\.py\b|[\w/]+/(?= |$|:)", heading))
    return named


@pytest.mark.parametrize("page", sorted((PACKAGE.parent / "docs").glob("*.md")), ids=lambda path: path.name)
def test_files_that_headings_name_exist(page):
    modules = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*") if path.suffix == ".py" or path.is_dir()]
    names = {path.as_posix() for path in modules} | {path.name for path in modules}
    named = files_of_headings(page.read_text(encoding="utf-8"))
    assert [name for name in sorted(named) if name.rstrip("/") not in names] == []
    assert len(named) > 30 or page != PAGE  # the search finds what it is to find


@pytest.mark.skipif(not PAGE.exists(), reason="an installed package comes without its documentation")
def test_every_code_has_a_row_that_says_when_it_is_printed_and_what_licenses_it():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    listed = {code for row in rows for code in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert len(codes_in_sources()) > 25  # the search of the sources finds what it is to find
    assert codes_in_sources() | codes_of_verdicts() <= listed
    for row in rows:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        if "`" in cells[0]:
            assert all(cells[1:]), f"a cell is empty: {row}"
