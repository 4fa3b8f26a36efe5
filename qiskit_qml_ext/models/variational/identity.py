"""What a setting is, in words that two processes agree on."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from qiskit_qml_ext.arrays import AnyArray
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.observables import content_key
from qiskit_qml_ext.gradients import GradientMethod
from qiskit_qml_ext.models.variational.model_circuit import ModelCircuit
from qiskit_qml_ext.optimizers import SteppingOptimizer
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.connection.views import estimator_content
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.journal.work.stable import digest_of, stable
from qiskit_qml_ext.primitives.written import join_bytes

_PACKAGE = "qiskit_qml_ext"


def described(value: object, name: str) -> str:
    """Return what a setting is: equal settings have equal descriptions.

    Numbers and words are themselves; arrays are known by a digest; objects of this package by their class and their
    public settings; functions and objects of somebody's own by their code and all that they hold.

    Args:
        value: The setting.
        name: Its name, for the message.

    Raises:
        ValueError: If it holds what cannot be told from others like it in a later run.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, int, float)):
        return repr(value)
    if isinstance(value, np.ndarray):
        return _digest(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(described(one, name) for one in value)}]"
    kind = type(value)
    settings = {key: one for key, one in getattr(value, "__dict__", {}).items() if not _is_memory(key)}
    if kind.__module__.partition(".")[0] == _PACKAGE:
        public = sorted(key for key in settings if not key.startswith("_"))
        return f"{kind.__qualname__}({', '.join(f'{key}={described(settings[key], name)}' for key in public)})"
    told = [kind, settings] if isinstance(value, (SteppingOptimizer, GradientMethod)) else value
    with _named(name):
        digest = digest_of(stable(told, f"{name} of the model", by_code=True))
    return f"{getattr(value, '__qualname__', kind.__qualname__)} ({digest[:16]})"


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
    """Return what decides the values of a connection: target, shots, seed, precision of states, estimator, noise.

    Raises:
        ValueError: If an estimator of the user's holds what cannot be told from others like it in a later run.
    """
    with _named("connection"):
        content = estimator_content(connection)
    return (
        f"{connection.target_name}(shots={connection.shots}, seed={connection.seed}, dtype={connection.dtype}, "
        f"exact={connection.is_exact}, content={content[:16]})"
    )


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say which setting of the model an error is about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"checkpoint cannot tell this {name} from another one in a later run: {error}") from error


def _is_memory(name: str) -> bool:
    """Whether an attribute is what an optimizer or a gradient method of this package remembers."""
    return name.endswith("_") or name == "rng"


def _digest(array: AnyArray) -> str:
    return hashlib.blake2b(join_bytes(np.ascontiguousarray(array)), digest_size=8).hexdigest()


def is_same(now: object, before: object) -> bool:
    """Whether a setting is still the same object, or the same number, word or array: copies and pickles keep that."""
    if isinstance(now, np.ndarray) and isinstance(before, np.ndarray):
        return now.dtype == before.dtype and now.shape == before.shape and now.tobytes() == before.tobytes()
    now, before = (one.item() if isinstance(one, np.generic) else one for one in (now, before))
    return now is before or (isinstance(now, (str, int, float)) and type(now) is type(before) and now == before)
