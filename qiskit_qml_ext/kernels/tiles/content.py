"""By what a store of tiles knows its kernel and its data: what decides the entries, and nothing else."""

import hashlib
from typing import Any

import numpy as np
from qiskit.primitives import BaseSamplerV2
from sklearn.base import BaseEstimator

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.journal.service.services import is_of_runtime
from qiskit_qml_ext.primitives.journal.work.identity import local_options, runtime_options
from qiskit_qml_ext.primitives.journal.work.stable import class_of, digest_of, stable
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS


def content_digest(kernel: object) -> str:
    """Return a digest of a kernel with its settings and its target, the same in every process.

    Raises:
        ValueError: If a part of it cannot be told from others like it in another process.
    """
    return digest_of(_content(kernel, type(kernel).__name__))


def data_digest(samples: FloatArray) -> str:
    """Return a digest of samples."""
    # Adding 0.0 turns -0.0 into 0.0: the same angle, but not the same bytes.
    return hashlib.blake2b(np.ascontiguousarray(samples + 0.0).tobytes(), digest_size=16).hexdigest()


def is_exact(kernel: object) -> bool:
    """Whether a kernel's entries come out the same each time and cost nothing, as far as its settings say."""
    settings = kernel.get_params(deep=True) if isinstance(kernel, BaseEstimator) else {}
    connections = [value for value in settings.values() if isinstance(value, Connection)]
    samplers = [value for value in settings.values() if isinstance(value, BaseSamplerV2)]
    return not samplers and all(connection.is_exact for connection in connections)


def _content(value: Any, where: str) -> Any:
    if isinstance(value, Connection):
        return _of_connection(value)
    if isinstance(value, BaseSamplerV2):
        return _of_sampler(value)
    if isinstance(value, BaseEstimator):
        settings = value.get_params(deep=False)
        return {**class_of(value), **{name: _content(one, f"{where}.{name}") for name, one in settings.items()}}
    if isinstance(value, (list, tuple)):
        return [_content(one, where) for one in value]
    return stable(value, where, by_code=True)


def _of_connection(connection: Connection) -> Any:
    if connection.is_exact:
        return {"exact": connection.dtype}
    sampler = connection.target.sampler(connection.shots or DEFAULT_SHOTS, connection.seed)
    return {
        "target": connection.target_name,
        "shots": connection.shots,
        "seed": connection.seed,
        "sampler": _of_sampler(sampler),
    }


def _of_sampler(sampler: BaseSamplerV2) -> Any:
    return runtime_options(sampler) if is_of_runtime(sampler) else local_options(sampler)
