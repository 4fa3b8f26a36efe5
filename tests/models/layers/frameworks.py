"""Frameworks that tests need: skipped where one is not installed, unless it is said that all must be."""

import os
from importlib import import_module

import pytest

MUST_BE_THERE = os.environ.get("QML_EXT_FRAMEWORKS") == "required"


def framework(name):
    """Import a framework."""
    return import_module(name) if MUST_BE_THERE else pytest.importorskip(name)
