"""By what a store of tiles knows its kernel and its data: what decides the entries, and nothing else."""

import hashlib
from dataclasses import asdict
from typing import Any

import numpy as np
from qiskit.primitives import BaseSamplerV2

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.caching.learned_state import has_settings, learned_state, parts_of
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.journal.service.services import LocalService, is_of_runtime
from qiskit_qml_ext.primitives.journal.work.identity import options_object, runtime_options
from qiskit_qml_ext.primitives.journal.work.options import options_of
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
    held = [value for part in parts_of(kernel) for value in vars(part).values()]
    connections = [value for value in held if isinstance(value, Connection)]
    samplers = [value for value in held if isinstance(value, BaseSamplerV2)]
    return not samplers and all(connection.is_exact for connection in connections)


def _content(value: Any, where: str) -> Any:
    if isinstance(value, Connection):
        return _of_connection(value)
    if isinstance(value, BaseSamplerV2):
        return _of_sampler(value)
    if has_settings(value):
        held = {**value.get_params(deep=False), **learned_state(value)}
        return {**class_of(value), **{name: _content(one, f"{where}.{name}") for name, one in held.items()}}
    if isinstance(value, (list, tuple)):
        return [_content(one, where) for one in value]
    return stable(value, where, by_code=True)


def _of_connection(connection: Connection) -> Any:
    settings = asdict(connection._settings)
    del settings["max_executions_per_job"]  # changes no result
    if connection.is_exact:
        return {"exact": connection.dtype, "settings": settings}
    sampler = connection.target.sampler(connection.shots or DEFAULT_SHOTS, connection.seed)
    manager = getattr(connection.target, "_pass_manager", None)
    return {
        "target": connection.target_name,
        "settings": settings,
        "passes": stable(manager, "The pass manager of the connection", by_code=True),
        "sampler": _of_sampler(sampler),
    }


def _of_sampler(sampler: BaseSamplerV2) -> Any:
    if is_of_runtime(sampler):
        return [runtime_options(sampler), stable(options_of(options_object(sampler)).get("default_shots"), "Shots")]
    local = LocalService(sampler)
    return [local.options, local.default]
