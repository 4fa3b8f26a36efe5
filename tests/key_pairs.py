"""Pairs for the tests of keys: for every option, argument and attribute that a signature names, two values.

The walks go over what the installed packages have. A name or a kind of value that is not known here fails the test, so
that an option of a new version cannot be forgotten.
"""

import dataclasses
import enum
import inspect

import pytest
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.primitives.journal.service.services import LocalService
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions, settings_key


def key_of(primitive):
    """Return the key that all work through a local primitive shares."""
    service = LocalService(primitive)
    return settings_key("sampler", service.target, service.options, None, 10)


def another(value, name):
    """Return a value that differs from a given one, whatever its kind; fails for kinds that nobody thought of."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, enum.Enum):
        return next(other for other in type(value) if other is not value)
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, dict):
        return {**value, "something": 1}
    if isinstance(value, (list, tuple)):
        return [*value, 1]
    if value is None or type(value).__name__ == "UnsetType":
        return 7
    pytest.fail(f"{name} has a value of the type {type(value).__name__}, of which this test knows no other value.")


def leaves(options, path=""):
    """Yield the group, the name and the dotted path of every option, nested ones too."""
    for name in option_names(options):
        value = getattr(options, name)
        if option_names(value):
            yield from leaves(value, f"{path}{name}.")
        else:
            yield options, name, f"{path}{name}"


def option_names(options):
    if isinstance(options, type):
        return []
    names = getattr(type(options), "model_fields", None)
    if names is not None:
        return list(names)
    return [field.name for field in dataclasses.fields(options)] if dataclasses.is_dataclass(options) else []


def arguments(call):
    """Return the names of a call's arguments, without ``self`` and those that collect others."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [name for name, item in inspect.signature(call).parameters.items() if item.kind not in kinds][:]


def sampler_keys(sampler, circuit, values=None, shots=10):
    """Return the keys of a circuit's rows through a journaled sampler."""
    pub = SamplerPub.coerce((circuit, values, shots))
    return [item.key for item in sampler._request([pub], Repetitions()).items]


def estimator_keys(estimator, circuit, observable, values=None, precision=0.1):
    """Return the keys of a circuit's blocks through a journaled estimator."""
    pub = EstimatorPub.coerce((circuit, observable, values, precision))
    return [item.key for item in estimator._request([pub], Repetitions()).items]
