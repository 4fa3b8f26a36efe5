"""What the entries of a kernel depend on, as a key: equal kernels have equal keys, others never share one."""

from typing import Any
from uuid import uuid4

from qiskit.primitives import BaseSamplerV2

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.encoded import EncodedKernel
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.journal.service.services import service_for
from qiskit_qml_ext.primitives.journal.work.stable import class_of, digest_of, stable
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS

_FORMULA = 1
"""Goes into every key: raise it when what counts as content, or how it is written, changes."""
_WHERE = ("connection", "sampler", "pass_manager")  # circuits run; written together
_AFTERWARDS = ("psd_repair",)  # changes no entry as it was measured
_MAP = ("feature_map", "training_parameters", "training_values")  # written as the circuit that they make


def entries_key(kernel: QuantumKernel, num_features: int, *, in_every_process: bool) -> str:
    """Return the key of a kernel's entries, 32 hexadecimal characters.

    Args:
        kernel: The kernel.
        num_features: The number of features of its samples.
        in_every_process: Whether the key is the same in every process. Then what runs the circuits must be something
            that can be written down; otherwise it is known by being the same connection or sampler.

    Raises:
        ValueError: If a setting has no form that is the same for equal things, such as a lambda.
    """
    return digest_of([_FORMULA, num_features, _content(kernel, num_features, in_every_process)])


def _content(kernel: QuantumKernel, num_features: int, in_every_process: bool) -> dict[str, Any]:
    settings = kernel.get_params(deep=False)
    written: dict[str, Any] = {}
    if isinstance(kernel, EncodedKernel) and "feature_map" in settings:
        encoding = kernel._encoding(num_features)
        written["circuit"] = encoding.timed_key
        settings = {name: value for name, value in settings.items() if name not in _MAP}
    if any(name in settings for name in _WHERE):
        written["runs"] = _runs(kernel, in_every_process)
    for name, value in settings.items():
        if name in _WHERE or name in _AFTERWARDS:
            continue
        where = f"{type(kernel).__name__}.{name}"
        if isinstance(value, QuantumKernel):
            written[name] = _content(value, num_features, in_every_process)
        elif isinstance(value, FeatureMap):
            written[name] = stable(value.build(num_features), where)
        elif isinstance(value, (Connection, BaseSamplerV2)):
            raise ValueError(
                f"{where} is a {type(value).__name__} under a name that is not known. Call it connection or sampler."
            )
        else:
            written[name] = stable(value, where)
    return {"kernel": class_of(kernel), "settings": written}


def _runs(kernel: QuantumKernel, in_every_process: bool) -> Any:
    """Return what runs the circuits."""
    if getattr(kernel, "connection", None) is None and getattr(kernel, "sampler", None) is None:
        return "the default"
    connection = kernel._connection()
    settings = stable(connection._settings, "The connection's settings")
    if not in_every_process:  # views of a connection share its results, but may have another seed
        return [connection.results.once("who remembers entries", "token", lambda: uuid4().hex), settings]
    target = connection.target
    if connection.is_exact:
        return {"class": class_of(target), "dtype": connection.dtype, "settings": settings}
    sampler = target.without_mode().sampler(connection.shots or DEFAULT_SHOTS, None)
    service = service_for(sampler)
    manager = getattr(kernel, "pass_manager", None)
    passes = None if manager is None else stable(manager, "pass_manager")
    written = {"target": service.target, "options": service.options}
    return {"class": class_of(target), **written, "settings": settings, "passes": passes}
