"""Packages that only a conversion needs."""

from importlib import import_module
from types import ModuleType


def optional_package(name: str, extra: str) -> ModuleType:
    """Import a package that is no dependency of ours.

    Args:
        name: The module.
        extra: Our extra that installs it.

    Raises:
        ImportError: If it is not installed; the message says what to install.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise  # it is installed, and something that it needs is not
        raise ImportError(f'{name} is not installed. Run: pip install "qiskit-qml-ext[{extra}]"') from error
