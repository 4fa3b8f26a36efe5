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

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from qiskit_qml_ext.models.layers.quantum_layer import QuantumLayer as QuantumLayer

if TYPE_CHECKING:
    from qiskit_qml_ext.models.layers.jax_layer import JaxLayer as JaxLayer
    from qiskit_qml_ext.models.layers.keras_layer import KerasLayer as KerasLayer
    from qiskit_qml_ext.models.layers.torch_layer import TorchLayer as TorchLayer

ADAPTERS = {"JaxLayer": "jax", "KerasLayer": "keras", "TorchLayer": "torch"}
"""The layers that need a framework, and which: its package, and the extra that installs it."""

__all__ = ["QuantumLayer"]


def __dir__() -> list[str]:
    return sorted({*globals(), *ADAPTERS})


def __getattr__(name: str) -> Any:
    if name not in ADAPTERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    package = ADAPTERS[name]
    if find_spec(package) is None:
        raise ImportError(
            f"{name} needs {package}, which is not installed. Install it with pip install 'qiskit-qml-ext[{package}]'."
        )
    return getattr(import_module(f"{__name__}.{package}_layer"), name)
