"""The house rules that can be read off the source: imports point one way, a bare import stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import qiskit_qml_ext

PACKAGE = Path(qiskit_qml_ext.__file__).parent

# Each folder may import from those before it; the second column lists exceptions to that rule.
ORDER = (
    "program",
    "engine",
    "circuits",
    "primitives",
    "gradients",
    "kernels",
    "models",
    "diagnostics",
    "datasets",
    "evaluation",
    "commands",
    "cli",
)
FORBIDDEN = {("diagnostics", "models")}
ROOM_FOR_ALL = {"_version", "arrays", "checks", "exceptions", "private_files"}


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            names = [node.module or ""]
            if node.module == "qiskit_qml_ext":
                names = [f"qiskit_qml_ext.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("qiskit_qml_ext.")}
    return rooms


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    room = room_of(path)
    if room == "__init__":
        return
    assert room in (*ORDER, *ROOM_FOR_ALL), f"{room} has no place in the order of folders"
    for other in imported_rooms(path) - ROOM_FOR_ALL - {room}:
        assert ORDER.index(other) < ORDER.index(room), f"{path} imports from {other}, which is above it"
        assert (room, other) not in FORBIDDEN, f"{path} must not import from {other}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_array_types_stand_in_one_module(path):
    names = {node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
    assert "NDArray" not in names or path == PACKAGE / "arrays.py"


@pytest.mark.parametrize("room", ["disk", "work", "store", "service", "run"])
def test_map_of_a_room_of_the_journal_names_every_module(room):
    folder = PACKAGE / "primitives" / "journal" / room
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    named = [line.partition(": ")[0] for line in text.partition("\n\n")[2].splitlines()]
    assert sorted(named) == sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("qiskit_qml_ext", ("qiskit", "sklearn", "numba", "matplotlib", "pandas", "torch", "qiskit_aer")),
        ("qiskit_qml_ext.circuits", ("matplotlib", "torch", "qiskit_aer", "qiskit_ibm_runtime")),
        ("qiskit_qml_ext.primitives", ("matplotlib", "torch", "qiskit_aer", "qiskit_ibm_runtime")),
    ],
)
def test_import_loads_no_heavy_package(module, heavy):
    code = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists():
    for name in qiskit_qml_ext.__all__:
        assert getattr(qiskit_qml_ext, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = qiskit_qml_ext.nonsense
