"""The rooms of the evaluation import only from those before them."""

import ast
from pathlib import Path

import pytest

from qiskit_qml_ext import evaluation

FOLDER = Path(evaluation.__file__).parent
ORDER = (
    "formatting",
    "hardware",
    "protocol",
    "judgement",
    "planning",
    "outcomes",
    "report",
    "result",
    "evaluating",
    "__init__",
)


def imported_rooms(path):
    """The rooms of the evaluation that a module imports from, anywhere in it."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("qiskit_qml_ext.evaluation"):
            inside = node.module.split(".")[2:]
            rooms |= {inside[0]} if inside else {alias.name for alias in node.names}
    return rooms


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_room_imports_only_from_those_before_it(path):
    room = path.relative_to(FOLDER).parts[0].removesuffix(".py")
    for other in imported_rooms(path) - {room}:
        assert ORDER.index(other) < ORDER.index(room), f"{path} imports from {other}, which is above it"
