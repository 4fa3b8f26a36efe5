"""What a kernel holds besides its arguments: what its ``fit`` learned, and the kernels that it is made of."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.gaussian_process.kernels import Kernel as ClassicalKernel

from qiskit_qml_ext.kernels.training.learned import LearningKernel
from qiskit_qml_ext.primitives.journal.work.stable import attributes_of

_SHARED = ("_wrapped", "_entries")  # with copies: connections, and entries that were found
_RECORDS = ("history_", "n_iter_", "stopped_", "gradient_")  # how a training of ours went: changes no entry


def has_settings(value: object) -> bool:
    """Tell whether something has settings of its own, as scikit-learn's objects do."""
    return isinstance(value, (BaseEstimator, ClassicalKernel)) and not isinstance(value, type)


def learned_state(kernel: object) -> dict[str, Any]:
    """Return what an object holds that is none of its settings, as far as its results may depend on it.

    That is what ``fit`` learned, under whatever name; properties that were cached and counters are left out. A class of
    somebody's that knows better says it in a method ``journal_content()``.
    """
    if hasattr(kernel, "journal_content"):
        return {"content": kernel.journal_content()}
    left_out = {*_settings(kernel), *_SHARED, *(_RECORDS if isinstance(kernel, LearningKernel) else ())}
    held = attributes_of(kernel)
    return {name: held[name] for name in sorted(held) if name not in left_out and not name.startswith("_sklearn")}


def parts_of(thing: object) -> Iterator[Any]:
    """Yield an object with settings and all of these that are among its settings, each kernel of a combination too."""
    if has_settings(thing):
        yield thing
        thing = list(_settings(thing).values())
    if isinstance(thing, Mapping):
        thing = list(thing.values())
    if isinstance(thing, (list, tuple)):
        for item in thing:
            yield from parts_of(item)


@contextmanager
def unchanged(kernel: object) -> Iterator[None]:
    """Undo afterwards what evaluating a kernel changes in it and its parts, so that a look leaves no trace."""
    before = [(vars(part), dict(vars(part))) for part in parts_of(kernel)]
    try:
        yield
    finally:
        for held, was in before:
            held.clear()
            held.update(was)


def _settings(thing: Any) -> dict[str, Any]:
    return dict(thing.get_params(deep=False))
