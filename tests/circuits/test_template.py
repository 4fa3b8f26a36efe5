"""The text that says how to add a template names all that a template needs."""

import inspect

import pytest

from qiskit_qml_ext.circuits import Ansatz, FeatureMap, template


@pytest.mark.parametrize("kind", [FeatureMap, Ansatz])
def test_how_to_add_a_template_names_everything_that_has_no_default(kind):
    text = template.__doc__.partition("To add one")[2]
    annotated = {name for cls in kind.__mro__ for name in inspect.get_annotations(cls) if cls is not object}
    attributes = {name for name in annotated - {"bandwidth", "entanglement"} if not hasattr(kind, name)}
    assert attributes >= {"name", "reference"}
    assert [name for name in sorted(kind.__abstractmethods__ | attributes) if f"``{name}``" not in text] == []
    assert "``Counts``" in text
