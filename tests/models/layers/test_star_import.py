import os
import subprocess
import sys

import pytest

import qiskit_qml_ext

_PROGRAM = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in ("jax", "torch") else found(name)  # not installed
import qiskit_qml_ext.models as models
from qiskit_qml_ext.models import *
from qiskit_qml_ext.models.layers import *
assert QuantumLayer is models.QuantumLayer
assert VariationalClassifier is models.VariationalClassifier
listed = {"JaxLayer", "KerasLayer", "TorchLayer"} & {*models.__all__, *dir(models), *dir(models.layers)}
print(sorted(listed))
for name in ("KerasLayer", "TorchLayer"):
    try:
        getattr(models, name)
    except ImportError as error:
        print(error)
"""


@pytest.mark.parametrize("by_file", [False, True])
def test_everything_is_imported_where_keras_is_installed_without_its_framework(by_file, tmp_path):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'tensorflow'\")")
    (tmp_path / "keras.json").write_text('{"backend": "no_such_framework"}')
    chosen = {"KERAS_BACKEND": "" if by_file else "no_such_framework", "KERAS_HOME": str(tmp_path)}
    root = os.path.dirname(os.path.dirname(qiskit_qml_ext.__file__))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **chosen, "PYTHONPATH": os.pathsep.join([str(tmp_path), root])},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    listed, keras, torch = done.stdout.splitlines()
    assert listed == "[]"
    assert (
        "Keras takes 'no_such_framework', which is not installed. Set the environment variable KERAS_BACKEND" in keras
    )
    assert "torch, which is not installed" in torch
