"""The house rules that can be read off the source: imports point one way, a bare import stays light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import qiskit_qml_ext
from tests import architecture
from tests.architecture import House

PACKAGE = Path(qiskit_qml_ext.__file__).parent
HOUSE = House(PACKAGE)
CONTRIBUTING = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")

# What lies in a folder, from the lowest up: each may import from those before it. The first list is complete; the
# others name the rooms, and the modules beside them may stand anywhere, as long as there is no circle.
ORDERS = {
    "": (
        "_version",
        "exceptions",
        "private_files",
        "arrays",
        "checks",
        "program",
        "engine",
        "circuits",
        "primitives",
        "gradients",
        "optimizers",
        "kernels",
        "diagnostics",
        "models",
        "datasets",
        "evaluation",
        "commands",
        "cli",
    ),
    "circuits": ("ansatze", "initialization", "feature_maps", "conversion"),
    "diagnostics": (
        "results",
        "subject",
        "statistics",
        "descriptors",
        "kernels",
        "moments",
        "trainability",
        "diagnosis",
    ),
    "diagnostics.diagnosis": ("stages",),
    "engine": ("compiled", "planning", "pauli"),
    "evaluation": ("protocol", "judgement", "planning", "outcomes", "report"),
    "evaluation.report": ("sections",),
    "gradients": ("methods",),
    "kernels": (
        "readings",
        "outcomes",
        "repairs",
        "reduced_states",
        "methods",
        "outcome_kernels",
        "losses",
        "training",
        "tangents",
        "combined",
        "caching",
        "adaptive",
        "tiles",
    ),
    "models": ("kernel_machines", "losses", "guard", "variational", "kernel_features", "layers"),
    "primitives": ("exact", "pricing", "targets", "journal", "replay", "connection"),
    "primitives.journal": ("disk", "work", "dataset", "store", "service", "run"),
    "primitives.targets": ("client", "fractional", "aer"),
    "primitives.connection": ("bookkeeping",),
}

MODULES, MODULE_LINES, FUNCTION_LINES = 16, 400, 60

# What breaks a rule, by rule and name, with the reason why it may. One that no longer does must go.
EXCEPTIONS: dict[str, dict[str, str]] = {}

RULES = {
    "circles of modules": architecture.circles_of_modules,
    "circles of rooms": architecture.circles_of_rooms,
    "upward imports": lambda house: architecture.upward_imports(house, ORDERS),
    "folders without __init__.py": architecture.folders_without_init,
    "relative imports": architecture.relative_imports,
    "compiled outside the engine": lambda house: architecture.compiled_outside(house, "engine"),
    "crowded folders": lambda house: architecture.crowded_folders(house, MODULES),
    "long modules": lambda house: architecture.long_modules(house, MODULE_LINES),
    "long functions": lambda house: architecture.long_functions(house, FUNCTION_LINES),
}


@pytest.mark.parametrize("rule", RULES)
def test_rule_of_the_house_holds_but_for_what_is_listed_with_a_reason(rule):
    assert RULES[rule](HOUSE) - set(EXCEPTIONS.get(rule, {})) == set()


def test_every_listed_exception_is_still_needed_and_has_a_reason():
    for rule, listed in EXCEPTIONS.items():
        assert set(listed) - RULES[rule](HOUSE) == set()
        assert all(listed.values())


def test_map_of_contributing_names_every_folder_in_the_order_of_imports_and_no_other():
    named = re.findall(r"^\| `([a-z_/]+)` \|", CONTRIBUTING, flags=re.MULTILINE)
    assert sorted(named) == sorted(folder.replace(".", "/") for folder in HOUSE.folders)
    assert named == [folder.replace(".", "/") for folder in architecture.folders_in_order(HOUSE, ORDERS)]


def test_files_that_contributing_names_exist():
    table = re.findall(r"^\| \*\*.*$", CONTRIBUTING, flags=re.MULTILINE)
    files = {name for row in table for name in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", row)}
    assert len(table) == 16
    assert len(files) > 20
    missing = [name for name in sorted(files) if not (PACKAGE / name).exists() and not (PACKAGE.parent / name).exists()]
    assert missing == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_array_types_stand_in_one_module(path):
    names = {node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
    assert "NDArray" not in names or path == PACKAGE / "arrays.py"


# Rooms whose docstring has a line for each module: ``name: what is in it``, below the first paragraph.
MAPPED = (
    "engine/compiled",
    "engine/pauli",
    "engine/planning",
    "primitives/connection/bookkeeping",
    "primitives/journal/dataset",
    "primitives/journal/disk",
    "primitives/journal/run",
    "primitives/journal/service",
    "primitives/journal/store",
    "primitives/journal/work",
    "primitives/replay",
)


@pytest.mark.parametrize("room", MAPPED)
def test_map_of_a_room_names_every_module(room):
    text = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8")))
    named = [line.partition(": ")[0] for line in text.partition("\n\n")[2].splitlines()]
    assert sorted(named) == sorted(path.stem for path in (PACKAGE / room).glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        (
            "qiskit_qml_ext",
            ("qiskit", "sklearn", "numba", "matplotlib", "pandas", "torch", "jax", "keras", "qiskit_aer"),
        ),
        ("qiskit_qml_ext.circuits", ("matplotlib", "torch", "qiskit_aer", "qiskit_ibm_runtime", "pennylane", "cirq")),
        ("qiskit_qml_ext.models", ("matplotlib", "torch", "jax", "keras", "qiskit_aer", "qiskit_ibm_runtime")),
        ("qiskit_qml_ext.primitives", ("matplotlib", "torch", "qiskit_aer", "qiskit_ibm_runtime")),
    ],
)
def test_import_loads_no_heavy_package(module, heavy):
    code = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", ["models", "models.layers"])
def test_a_star_import_loads_no_framework(package):
    """Keras without a backend cannot be imported at all, and nobody asked for it."""
    code = (
        f"from qiskit_qml_ext.{package} import *; import sys; import qiskit_qml_ext.{package} as ours; "
        "print(QuantumLayer.__name__, 'TorchLayer' in dir(ours), {'torch', 'jax', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "QuantumLayer True set()"


def test_every_public_name_exists():
    for name in qiskit_qml_ext.__all__:
        assert getattr(qiskit_qml_ext, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = qiskit_qml_ext.nonsense


def dataclass_fields(path: Path) -> list[tuple[str, str, bool]]:
    """The public fields of the public dataclasses of a module: class, field, whether a string stands under it."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
            continue
        for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(statement, ast.AnnAssign) and "ClassVar" not in ast.unparse(statement.annotation):
                name = ast.unparse(statement.target)
                text = isinstance(after, ast.Expr) and isinstance(getattr(after.value, "value", None), str)
                found += [(node.name, name, text)] if not name.startswith("_") else []
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_field_of_a_dataclass_has_its_docstring_under_it(path):
    assert [f"{owner}.{name}" for owner, name, documented in dataclass_fields(path) if not documented] == []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(one) for one in node.decorator_list):
            assert "Attributes:" not in (ast.get_docstring(node) or ""), f"{node.name} documents its fields elsewhere"
