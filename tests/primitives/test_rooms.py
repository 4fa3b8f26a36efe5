"""The rooms of the primitives import one way, and none is too full."""

import ast
from pathlib import Path

import pytest

from qiskit_qml_ext import primitives

FOLDER = Path(primitives.__file__).parent
ORDER = ("", "pricing", "exact", "targets", "journal", "replay", "connection")
"""Each room imports from itself and those before it; the first is that of the modules that stand in no room."""


def room_of(path: Path) -> str:
    first = path.relative_to(FOLDER).parts[0]
    return "" if first.endswith(".py") else first


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qiskit_qml_ext.primitives"):
            steps = (node.module or "").split(".")[2:]
            found = steps[:1] or [alias.name for alias in node.names]
            rooms |= {step if (FOLDER / step).is_dir() else "" for step in found}
    return rooms


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_room_imports_from_those_before_it(path):
    if path == FOLDER / "__init__.py":
        return
    room = room_of(path)
    later = {other for other in imported_rooms(path) if ORDER.index(other) > ORDER.index(room)}
    assert not later, f"{path.relative_to(FOLDER)} imports from {', '.join(later)}"


@pytest.mark.parametrize("room", [room for room in ORDER if room != "journal"])
def test_a_room_holds_at_most_sixteen_modules(room):
    folders = [FOLDER / room, *(path for path in (FOLDER / room).rglob("*") if path.is_dir() and room)]
    for folder in folders:
        assert len([path for path in folder.glob("*.py") if path.stem != "__init__"]) <= 16
