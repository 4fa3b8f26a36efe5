"""What is drawn without a seed in a test follows from the test's name, so that no outcome is left to chance.

Without a seed NumPy asks the system for fresh bits, Aer and the transpiler for a random number; here all of them get
the next bits of a stream that starts anew for each test (and for each fixture that several tests share). Two draws in
a test still differ; the same test draws the same numbers whenever, wherever and after whatever it runs. Processes that
a test starts are not reached: they must be given a seed.
"""
# ruff: noqa: NPY002

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.random import bit_generator
from qiskit.transpiler.passmanager_config import PassManagerConfig
from qiskit_aer.backends.aerbackend import AerBackend

_TORCH_SEED = 67280421310721
"""The one with which PyTorch begins, so that it does not matter which test imports it first."""

_stream = random.Random("before the tests")


def fresh_bits(num_bits: int) -> int:
    """Return the next bits of the stream, for whoever has no seed."""
    return _stream.getrandbits(num_bits)


@contextmanager
def draws_named(name: str) -> Iterator[None]:
    """Draw what has no seed from the stream of a name, and go on with the former stream afterwards."""
    global _stream
    former, globals_of_numpy, globals_of_python = _stream, np.random.get_state(), random.getstate()
    _stream = random.Random(name)
    np.random.seed(fresh_bits(32))
    random.seed(fresh_bits(64))
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(_TORCH_SEED)
    try:
        yield
    finally:
        _stream = former
        np.random.set_state(globals_of_numpy)
        random.setstate(globals_of_python)


_execute, _configure = AerBackend._execute_circuits_job, PassManagerConfig.__init__


def _execute_repeatably(
    self: AerBackend, circuits: Any, parameter_binds: Any, run_options: dict[str, Any], *args: Any, **options: Any
) -> Any:
    if run_options.get("seed_simulator", self.options.seed_simulator) is None:
        run_options = {**run_options, "seed_simulator": fresh_bits(31)}
    return _execute(self, circuits, parameter_binds, run_options, *args, **options)


def _configure_repeatably(self: PassManagerConfig, *args: Any, **options: Any) -> None:
    _configure(self, *args, **options)
    if self.seed_transpiler is None:
        self.seed_transpiler = fresh_bits(31)


def pytest_configure() -> None:
    bit_generator.randbits = fresh_bits
    AerBackend._execute_circuits_job = _execute_repeatably
    PassManagerConfig.__init__ = _configure_repeatably
    settings.register_profile("repeatable", derandomize=True)
    settings.load_profile("repeatable")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    with draws_named(collector.nodeid):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with draws_named(item.nodeid):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Iterator[None]:
    if fixturedef.scope == "function":
        return (yield)
    with draws_named(f"{fixturedef.baseid}::{fixturedef.argname}[{request.param_index}]"):
        return (yield)
