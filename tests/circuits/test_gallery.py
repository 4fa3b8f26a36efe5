"""The gallery notebook runs, draws every template and is stored without output."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from qiskit_qml_ext.circuits import ANSATZE, FEATURE_MAPS, INITIAL_DISTRIBUTIONS

NOTEBOOK = Path(__file__).parents[2] / "tutorials" / "02_circuit_gallery.ipynb"


def test_gallery_is_stored_without_output():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert cell.cell_type == "markdown" or (not cell.outputs and cell.execution_count is None)


@pytest.mark.slow
# The client and the kernel's connection files are not ours: their warnings (event loops, sockets) say nothing about us.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_gallery_draws_every_template():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # The kernel starts in the repository's root, so that the package need not be installed.
    place = {"metadata": {"path": str(NOTEBOOK.parents[1])}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "\n".join(f"{output.get('data')} {output.get('metadata')}" for output in outputs)
    for registry in (FEATURE_MAPS, ANSATZE):
        for name, template in registry.items():
            assert f"### {name}\\n" in text
            assert f"Circuit diagram of {template.__name__}: " in text
            assert template.reference in text
    assert all(f"Circuit {number}: " in text for number in range(1, 20))
    assert all(name in text for name in INITIAL_DISTRIBUTIONS)
    images = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(images) == len(FEATURE_MAPS) + len(ANSATZE) + 19 + 4
