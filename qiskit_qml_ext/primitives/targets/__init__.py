"""The kinds of things that run circuits, one file each, and how a target's name or object selects one."""

from collections.abc import Mapping
from typing import Any

from qiskit.providers import BackendV2

from qiskit_qml_ext.primitives.targets.account import (
    LEAST_BUSY,
    device_of_account,
    is_account,
    names_a_device,
    saved_account,
)
from qiskit_qml_ext.primitives.targets.aer import AerTarget
from qiskit_qml_ext.primitives.targets.backend import BackendTarget
from qiskit_qml_ext.primitives.targets.exact import ExactTarget
from qiskit_qml_ext.primitives.targets.isa import isa_circuit
from qiskit_qml_ext.primitives.targets.primitive import PrimitiveTarget
from qiskit_qml_ext.primitives.targets.runtime import MODES, RuntimeTarget, fake_backend, is_fake
from qiskit_qml_ext.primitives.targets.target import Target

EXACT_OPTIONS = ("dtype", "max_memory")
"""The options of the exact target."""


def resolve_target(target: object, *, mode: str = "job", options: Mapping[str, Any] | None = None) -> Target:
    """Return the :class:`Target` that a user's word or object means.

    Args:
        target: ``None`` or ``"exact"``, ``"aer"``, the name of a fake backend or of a device of the saved account,
            an ``AerSimulator``, any ``BackendV2``, a ``QiskitRuntimeService``, or a Runtime ``Batch`` or ``Session``.
        mode: Runtime's execution mode for a backend: ``"job"``, ``"batch"`` or ``"session"``.
        options: ``dtype`` and ``max_memory`` for exact results, options of ``AerSimulator`` for ``"aer"``, of the
            Runtime primitives for IBM backends and their fakes.

    Raises:
        TypeError: If the target is of a kind that cannot run circuits, or takes no options but got some.
        ValueError: If a name is not known.
    """
    options = dict(options or {})
    if target is None:
        target = "exact"
    if isinstance(target, str):
        return _named_target(target, mode, options)
    if isinstance(target, type):
        raise TypeError(
            f"The class {target.__name__} came instead of an object of it. Pass {target.__name__}(…), with parentheses."
        )
    if is_account(target):
        return RuntimeTarget(device_of_account(target, options.pop("backend", LEAST_BUSY)), mode, options)
    if _is_aer_simulator(target):
        return AerTarget(target, options)
    if _is_runtime_mode(target):
        return RuntimeTarget(_backend_of_mode(target), target, options)
    if is_fake(target) or _is_ibm_backend(target):
        return RuntimeTarget(target, mode, options)
    if isinstance(target, BackendV2):
        _refuse_options(str(target.name), options)
        return BackendTarget(target)
    raise TypeError(
        f"target must be 'exact', 'aer', the name of a fake backend or a device, an AerSimulator, a BackendV2, a "
        f"QiskitRuntimeService, or a Runtime Batch or Session, but {target!r} ({type(target).__name__}) came."
    )


def _named_target(name: str, mode: str, options: dict[str, Any]) -> Target:
    if name == "exact":
        _refuse_options(name, {option: value for option, value in options.items() if option not in EXACT_OPTIONS})
        return ExactTarget(**options)
    if name == "aer":
        return AerTarget(backend_options=options)
    device = device_of_account(saved_account(), name) if names_a_device(name) else fake_backend(name)
    return RuntimeTarget(device, mode, options)


def _refuse_options(name: str, options: Mapping[str, Any]) -> None:
    if options:
        raise TypeError(f"The target {name} does not know the options {', '.join(sorted(options))}.")


def _is_aer_simulator(target: object) -> bool:
    return any(cls.__module__.startswith("qiskit_aer") and cls.__name__ == "AerSimulator" for cls in type(target).mro())


def _is_ibm_backend(target: object) -> bool:
    return any(cls.__module__ == "qiskit_ibm_runtime.ibm_backend" for cls in type(target).mro())


def _is_runtime_mode(target: object) -> bool:
    modules = ("qiskit_ibm_runtime.session", "qiskit_ibm_runtime.batch")
    return any(cls.__module__ in modules for cls in type(target).mro())


def _backend_of_mode(mode: Any) -> BackendV2:
    return mode._backend if isinstance(mode._backend, BackendV2) else mode.service.backend(mode.backend())


__all__ = [
    "MODES",
    "AerTarget",
    "BackendTarget",
    "ExactTarget",
    "PrimitiveTarget",
    "RuntimeTarget",
    "Target",
    "fake_backend",
    "isa_circuit",
    "resolve_target",
]
