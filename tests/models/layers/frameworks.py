"""Frameworks that tests need: skipped where one is not installed, unless it is said that all must be."""

import os
from importlib import import_module

import pytest

MUST_BE_THERE = os.environ.get("QML_EXT_FRAMEWORKS") == "required"


def framework(name):
    """Import a framework."""
    return import_module(name) if MUST_BE_THERE else pytest.importorskip(name)


def double_precision(jax):
    """Return the context in which JAX has double precision; before version 0.8 it stood elsewhere."""
    return jax.enable_x64 if hasattr(jax, "enable_x64") else import_module("jax.experimental").enable_x64
