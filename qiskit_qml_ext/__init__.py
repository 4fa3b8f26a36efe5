"""Quantum machine learning on Qiskit: fast exact kernels and gradients, trustworthy hardware runs, honest comparisons.

The subpackages, each importing only from those before it: ``program``, ``engine``, ``circuits``, ``primitives``,
``gradients``, ``kernels``, ``models``, ``diagnostics``, ``datasets``, ``evaluation``. They are loaded when first used,
so that ``import qiskit_qml_ext`` stays cheap.
"""

import importlib
from types import ModuleType

from qiskit_qml_ext._version import __version__

_SUBPACKAGES = (
    "circuits",
    "datasets",
    "diagnostics",
    "engine",
    "evaluation",
    "gradients",
    "kernels",
    "models",
    "primitives",
    "program",
)

__all__ = ["__version__", *_SUBPACKAGES]


def __getattr__(name: str) -> ModuleType:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
