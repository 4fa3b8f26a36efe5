"""The names in the dictionary of the phrase book exist, ours and those of the packages that people come from."""

import pkgutil
import re
from functools import cache, reduce
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

import qiskit_qml_ext
from qiskit_qml_ext.models.layers import ADAPTERS

NOTEBOOK = Path(__file__).parents[2] / "tutorials" / "05_coming_over.ipynb"
ALIASES = {"qml": "pennylane", "cirq": "cirq", "sympy": "sympy"}
"""What people call the packages that they come from. TensorFlow Quantum, ``tfq``, cannot be installed beside us."""


def dictionary():
    """Yield the cells of each row of the tables at the top: theirs, ours, the section."""
    first = nbformat.read(NOTEBOOK, as_version=4).cells[0].source
    for line in first.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] not in ("you wrote", "---"):
            yield cells


def names(cell):
    return re.findall(r"`([A-Za-z_][\w.]*)`", cell)


ROWS = list(dictionary())
OURS = sorted({name for _, ours, _ in ROWS for name in names(ours)})
THEIRS = sorted({name for theirs, _, _ in ROWS for name in names(theirs)})


@cache
def modules_of_qiskit_machine_learning():
    """Return its subpackages, and Qiskit's primitives, which its users import with it."""
    package = import_module("qiskit_machine_learning")
    subpackages = [module.name for module in pkgutil.iter_modules(package.__path__, "qiskit_machine_learning.")]
    without_torch = [name for name in subpackages if "connectors" not in name or find_spec("torch")]
    return [import_module(name) for name in ("qiskit.primitives", *without_torch)]


def exists(name):
    """Return whether a name exists; one of a package that is not installed is taken to."""
    alias, *attributes = name.split(".")
    if alias == "tfq" or (name == "TorchConnector" and find_spec("torch") is None):
        return True
    if not attributes:
        return any(hasattr(module, name) for module in modules_of_qiskit_machine_learning())
    if find_spec(ALIASES[alias]) is None:
        return True
    reduce(getattr, attributes, import_module(ALIASES[alias]))
    return True


def test_the_dictionary_has_rows():
    assert len(ROWS) > 35
    assert all(len(row) == 3 for row in ROWS)


@pytest.mark.parametrize("name", OURS)
def test_our_name_exists(name):
    *path, last = name.split(".")
    if last == "training_parameters":  # an argument, which the notebook uses
        return
    module = import_module(".".join([qiskit_qml_ext.__name__, *path]))
    assert last in module.__all__ or last in ADAPTERS


@pytest.mark.parametrize("name", THEIRS)
def test_their_name_exists(name):
    assert exists(name)


def test_sections_that_the_dictionary_points_to_exist():
    text = "\n".join(
        cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "markdown"
    )
    headings = set(re.findall(r"^### (\d\.\d+) ", text, flags=re.MULTILINE))
    assert {section for *_, section in ROWS if section} <= headings
