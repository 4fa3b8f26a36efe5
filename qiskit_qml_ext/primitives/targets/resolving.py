"""Which kind of target a user's word or object means."""

from collections.abc import Mapping
from typing import Any

from qiskit_qml_ext.checks import wrong_kind
from qiskit_qml_ext.primitives.targets.aer import AerTarget
from qiskit_qml_ext.primitives.targets.backend import BackendTarget
from qiskit_qml_ext.primitives.targets.exact import ExactTarget
from qiskit_qml_ext.primitives.targets.runtime import RuntimeTarget
from qiskit_qml_ext.primitives.targets.target import Target, refuse_options

KINDS: tuple[type[Target], ...] = (ExactTarget, AerTarget, RuntimeTarget, BackendTarget)
"""The kinds of targets, asked in this order: Runtime takes all names that those before it do not know."""


def resolve_target(target: object, *, mode: str = "job", options: Mapping[str, Any] | None = None) -> Target:
    """Return the :class:`Target` that a user's word or object means.

    Args:
        target: ``None`` for exact results, what one of :data:`KINDS` takes (its ``given``), or a target itself.
        mode: Runtime's execution mode for a backend: ``"job"``, ``"batch"`` or ``"session"``.
        options: ``dtype`` and ``max_memory`` for exact results, options of ``AerSimulator`` for ``"aer"``, of the
            Runtime primitives for IBM backends and their fakes.

    Raises:
        TypeError: If the target is of a kind that cannot run circuits, or takes no options but got some.
        ValueError: If a name is not known.
    """
    if isinstance(target, type):
        raise TypeError(
            f"The class {target.__name__} came instead of an object of it. Pass {target.__name__}(…), with parentheses."
        )
    if isinstance(target, Target):
        refuse_options(type(target).__name__, options or {})
        return target
    for kind in KINDS:
        resolved = kind.of(target, mode=mode, options=dict(options or {}))
        if resolved is not None:
            return resolved
    words = [word for kind in KINDS for word in kind.given]
    raise wrong_kind("target", f"{', '.join(words)}, or a Target of your own", target)
