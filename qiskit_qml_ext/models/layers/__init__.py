"""Circuits as layers of neural networks: one core in NumPy, and an adapter for each framework.

``TorchLayer``, ``JaxLayer`` and ``KerasLayer`` are loaded, and with them their frameworks, when they are first used:
they need the extras ``torch``, ``jax`` and ``keras``. They are imported by their names, and do not stand in
``__all__``: ``import *`` loads no framework.

- ``layer_circuit``: what a layer runs, as a circuit with data and weights,
- ``evaluation``: how a layer gets its numbers: exact, or estimated on a connection,
- ``quantum_layer``: the core,
- ``layer_document``: a layer as plain data,
- ``torch_function``, ``jax_function``, ``tensorflow_function``: the core as a function of a framework,
- ``torch_layer``, ``jax_layer``, ``keras_layer``: what people use.
"""

import json
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qiskit_qml_ext.models.layers.quantum_layer import QuantumLayer as QuantumLayer

if TYPE_CHECKING:
    from qiskit_qml_ext.models.layers.jax_layer import JaxLayer as JaxLayer
    from qiskit_qml_ext.models.layers.keras_layer import KerasLayer as KerasLayer
    from qiskit_qml_ext.models.layers.torch_layer import TorchLayer as TorchLayer

ADAPTERS = {"JaxLayer": "jax", "KerasLayer": "keras", "TorchLayer": "torch"}
"""The layers that need a framework, and which: its package, and the extra that installs it."""


def _backend_of_keras() -> str:
    """Return the framework that Keras takes, by its own rules, without loading it."""
    if "keras" in sys.modules:
        return str(sys.modules["keras"].config.backend())
    try:
        settings = json.loads((Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json").read_text())
    except (OSError, ValueError):
        settings = {}
    return os.environ.get("KERAS_BACKEND") or str(settings.get("backend", "tensorflow"))


def _missing(package: str) -> str | None:
    """Return what a framework lacks and what to do, without loading it; ``None`` if it can be used."""
    if find_spec(package) is None:
        return f"{package}, which is not installed. Install it with pip install 'qiskit-qml-ext[{package}]'."
    backend = _backend_of_keras() if package == "keras" else package
    if find_spec(backend) is None:
        return (
            f"Keras on a framework, but Keras takes {backend!r}, which is not installed. Set the environment variable "
            "KERAS_BACKEND to 'tensorflow', 'jax' or 'torch', one that is, before Keras is imported."
        )
    return None


__all__ = ["QuantumLayer"]


def __getattr__(name: str) -> Any:
    if name not in ADAPTERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    package = ADAPTERS[name]
    missing = _missing(package)
    if missing is not None:
        raise ImportError(f"{name} needs {missing}")
    return getattr(import_module(f"{__name__}.{package}_layer"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *(name for name, package in ADAPTERS.items() if _missing(package) is None)})
