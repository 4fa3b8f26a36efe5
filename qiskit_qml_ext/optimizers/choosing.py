"""From a name, or an optimizer, to the optimizer."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from sklearn.base import clone

from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.checks.callables import can_take
from qiskit_qml_ext.optimizers.adam import Adam
from qiskit_qml_ext.optimizers.foreign import ForeignOptimizer
from qiskit_qml_ext.optimizers.gradient_descent import GradientDescent
from qiskit_qml_ext.optimizers.natural_gradient import NaturalGradient
from qiskit_qml_ext.optimizers.optimizer import Optimizer, SteppingOptimizer
from qiskit_qml_ext.optimizers.scipy_minimizer import METHODS, SciPyOptimizer
from qiskit_qml_ext.optimizers.spsa import SPSA

OPTIMIZERS: dict[str, type[SteppingOptimizer]] = {
    optimizer.name: optimizer for optimizer in (Adam, GradientDescent, NaturalGradient, SPSA)
}
"""The optimizers of this package by their short names."""

_NOT_BY_NAME = {
    "QNSPSA": "needs the fidelity of your circuit. Make the object, QNSPSA(fidelity), and give that",
    "P_BFGS": "trains in several processes, of which nobody hears. Take 'L-BFGS-B'",
}
"""Optimizers of qiskit-machine-learning that no name makes, and what to do instead."""


@cache
def optimizer_names() -> dict[str, Callable[[], Any]]:
    """Return what makes an optimizer of each name: ours, then SciPy's, then those of qiskit-machine-learning."""
    from qiskit_machine_learning import optimizers as theirs

    names: dict[str, Callable[[], Any]] = {
        name: partial(_foreign, kind)
        for name, kind in vars(theirs).items()
        if isinstance(kind, type)
        and issubclass(kind, theirs.Optimizer)
        and not getattr(kind, "__abstractmethods__", ())
    }
    for name in ("SciPyOptimizer", *_NOT_BY_NAME):  # the first is a base that is not marked as abstract
        names.pop(name, None)
    ours = {name.lower() for name in (*METHODS, *OPTIMIZERS)}
    kept = {name: make for name, make in names.items() if name.lower() not in ours}
    return {**OPTIMIZERS, **{name: partial(SciPyOptimizer, name) for name in METHODS}, **kept}


def optimizer_of(optimizer: Any) -> Optimizer:
    """Return a fresh optimizer for a name or an object.

    Args:
        optimizer: A name, in any case; an :class:`Optimizer`; an optimizer of qiskit-machine-learning; or a function
            with the signature of ``scipy.optimize.minimize``.

    Raises:
        TypeError: If it is none of these.
        ValueError: If there is no such name; the message lists all. If the optimizer cannot train a model so.
    """
    from qiskit_machine_learning.optimizers import Optimizer as Theirs

    names = optimizer_names()
    if isinstance(optimizer, str):
        for name, words in _NOT_BY_NAME.items():
            if optimizer.lower() == name.lower():
                raise ValueError(f"optimizer={optimizer!r} {words}.")
        make = {name.lower(): make for name, make in names.items()}.get(optimizer.lower())
        if make is None:
            raise wrong_value("optimizer", f"one of {', '.join(map(repr, names))} or an optimizer", optimizer)
        made: Optimizer = make()
        return made
    if hasattr(optimizer, "in_steps") and not isinstance(optimizer, type):
        fresh: Optimizer = clone(optimizer, safe=False)
        return fresh
    if type(optimizer).__name__ == "P_BFGS":
        raise ValueError(f"optimizer P_BFGS {_NOT_BY_NAME['P_BFGS']}.")
    is_function = callable(optimizer) and not isinstance(optimizer, type)
    if isinstance(optimizer, Theirs) or (is_function and can_take(optimizer, None, None, jac=None, bounds=None)):
        return ForeignOptimizer(clone(optimizer, safe=False))
    raise wrong_kind("optimizer", "a name, an optimizer, or a function like scipy.optimize.minimize", optimizer)


def _foreign(kind: Callable[[], Any]) -> ForeignOptimizer:
    return ForeignOptimizer(kind())
