"""What a setting is, in words that two processes agree on."""

import hashlib
from collections.abc import Sequence
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType

import numpy as np

from qiskit_qml_ext.arrays import AnyArray
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.observables import content_key
from qiskit_qml_ext.models.variational.model_circuit import ModelCircuit
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.written import join_bytes


def described(value: object) -> str:
    """Return what a setting is: equal settings have equal descriptions.

    Numbers and words are themselves; arrays are known by a digest; objects by their class and their public settings;
    functions by their name only, for what they do cannot be told.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, int, float)):
        return repr(value)
    if isinstance(value, np.ndarray):
        return _digest(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(described, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{described(name)}: {described(value[name])}' for name in value)}}}"
    if isinstance(value, FunctionType | BuiltinFunctionType | MethodType | type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, partial):
        return f"partial({described(value.func)}, {described(value.args)}, {described(value.keywords)})"
    settings = {name: one for name, one in getattr(value, "__dict__", {}).items() if not _is_hidden(name)}
    told = ", ".join(f"{name}={described(one)}" for name, one in sorted(settings.items()))
    return f"{type(value).__qualname__}({told})"


def described_circuit(model: ModelCircuit, observables: Sequence[Observable]) -> dict[str, str]:
    """Return what a model's circuit and its observables are, by content."""
    columns = join_bytes(circuit_key(model.circuit), model.data, model.weights)
    return {
        "circuit": hashlib.blake2b(columns, digest_size=8).hexdigest(),
        "observables": hashlib.blake2b(
            repr([content_key(one) for one in observables]).encode(), digest_size=8
        ).hexdigest(),
    }


def described_connection(connection: Connection) -> str:
    """Return what decides the values of a connection: target, shots, seed and precision of states."""
    return (
        f"{connection.target_name}(shots={connection.shots}, seed={connection.seed}, dtype={connection.dtype}, "
        f"exact={connection.is_exact})"
    )


def _is_hidden(name: str) -> bool:
    return name.startswith("_") or name.endswith("_") or name == "rng"


def _digest(array: AnyArray) -> str:
    return hashlib.blake2b(join_bytes(np.ascontiguousarray(array)), digest_size=8).hexdigest()
