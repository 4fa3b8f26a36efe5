"""Packages without which a test cannot run: it is skipped, but where all must be there, as in CI, it fails."""

import os
import sys
from importlib import import_module
from importlib.abc import MetaPathFinder

import pytest

ALL_PACKAGES_REQUIRED = "QISKIT_QML_EXT_TEST_ALL"
"""The environment variable that turns skips for want of a package into errors."""


def package(name: str):
    """Return a module, or skip the tests of the module that asks."""
    return import_module(name) if os.environ.get(ALL_PACKAGES_REQUIRED) else pytest.importorskip(name)


def hide(monkeypatch, name: str) -> None:
    """Let a package be as if it were not installed."""

    class Hidden(MetaPathFinder):
        def find_spec(self, fullname, path, target=None):
            if fullname == name:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])
