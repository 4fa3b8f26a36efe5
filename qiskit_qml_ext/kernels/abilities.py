"""What a kernel can do: what models and diagnostics ask for, instead of its class.

A :class:`~qiskit_qml_ext.kernels.FidelityKernel` can do all of it. So can any kernel of the user's own that has these
methods.
"""

import inspect
from typing import Any, Protocol, runtime_checkable

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from sklearn.base import clone
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks.callables import can_take
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate
from qiskit_qml_ext.primitives import Connection, RunPlan


@runtime_checkable
class StatesErrors(Protocol):
    """A kernel that knows the standard errors of its entries."""

    def evaluate_with_errors(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> KernelEstimate:
        """Return the matrix k(x_i, y_j), its standard errors, and the matrix before any repair."""


@runtime_checkable
class PlansRuns(Protocol):
    """A kernel that can say what its matrix will take, without running anything."""

    def plan(
        self,
        x_vec: ArrayLike,
        y_vec: ArrayLike | None = None,
        *,
        shots: int | None = None,
        price_per_minute: float | None = None,
        entries: tuple[float, float] | None = None,
    ) -> RunPlan:
        """Return the plan; see :meth:`~qiskit_qml_ext.kernels.FidelityKernel.plan`."""


@runtime_checkable
class ChangesTarget(Protocol):
    """A kernel whose circuits can be run elsewhere: exactly, with simulated noise, or on another device."""

    def evaluate(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> FloatArray:
        """Return the matrix k(x_i, y_j), shape (n, m)."""

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits that so many features take; idle ones do not count."""

    def circuit(self, num_features: int) -> QuantumCircuit:
        """Return the measured circuit that the kernel runs, before transpilation."""

    def with_connection(self, connection: Connection | None) -> Self:
        """Return a copy of the kernel whose circuits run through another connection; ``None`` for exact results."""

    def exact_copy(self) -> Self:
        """Return a copy of the kernel with exact results, without a repair."""


@runtime_checkable
class LearnsFromLabels(Protocol):
    """A kernel that is trained with samples and their labels; models train a clone of it on their training samples."""

    @property
    def learns(self) -> bool:
        """Whether ``fit`` finds something that the kernel's arguments leave open; else it is used as it is."""

    @property
    def task(self) -> str:
        """What ``fit`` takes ``y`` for: ``"classification"`` or ``"regression"``."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train the kernel; what it learned before is forgotten."""


def learns_from_labels(kernel: object) -> bool:
    """Whether a kernel is to be trained with labels before it is used."""
    return isinstance(kernel, LearnsFromLabels) and kernel.learns


def refuse_seen_labels(kernel: object) -> None:
    """Refuse a kernel that learns from labels, for what scores its matrix on labels that it may have been trained with.

    Raises:
        ValueError: If it is one; one that was frozen passes.
    """
    if learns_from_labels(kernel):
        raise ValueError(
            f"This {type(kernel).__name__} learns from labels, so that its scores on labels which it has seen would be "
            "too good. Leave y out; or score a model that trains it in each fold, as in "
            "cross_val_score(QuantumSVC(kernel), X, y); or give kernel.frozen() if the labels were those of "
            "other samples."
        )


def trained_clone(kernel: Any, X: ArrayLike, y: ArrayLike | None, *, owner: object, task: str | None = None) -> Any:
    """Return a clone of a kernel that has learned what it can from training samples, and from nothing else.

    It is the one way in which models, and kernels that are made of others, take a kernel: what was learned before does
    not come along, since nobody knows whether test samples had a part in it.

    Args:
        kernel: The kernel.
        X: The training samples, shape (n, features).
        y: Their labels or numbers; ``None`` where there are none.
        owner: What will use the kernel; named in errors.
        task: What the owner takes ``y`` for; ``None`` where it does not look at it.

    Raises:
        ValueError: If the kernel learns from labels and there are none, or takes them for something else.
    """
    copy = clone(kernel, safe=False)
    if not learns_from_labels(copy):
        return copy
    name, who = type(kernel).__name__, type(owner).__name__
    if y is None:
        raise ValueError(
            f"{name} is trained with labels, but {who} has none. Train it with labels of samples that take no other "
            "part, and give what it learned: kernel.fit(X, y).frozen()."
        )
    if task is not None and copy.task != task:
        raise ValueError(
            f"{who} is a {task}, but its {name} would take y for those of a {copy.task}. Set task={task!r} of the "
            "kernel."
        )
    return copy.fit(X, y)


def lacking(kernel: object, *abilities: type) -> list[str]:
    """Return the methods that a kernel lacks for what is asked of it."""
    methods = (name for ability in abilities for name in vars(ability) if not name.startswith("_"))
    return [name for name in dict.fromkeys(methods) if not callable(getattr(kernel, name, None))]


def stated_errors(kernel: StatesErrors, X: ArrayLike) -> KernelEstimate:
    """Return the matrix of samples with its errors.

    Raises:
        TypeError: If the kernel's method has another form than ours.
    """
    estimate: object = kernel.evaluate_with_errors(X)
    if not isinstance(estimate, KernelEstimate):
        raise _another_form(kernel, "evaluate_with_errors", "KernelEstimate", estimate)
    return estimate


def check_fractions(kernel: object) -> None:
    """Refuse a kernel whose measured entries are no fractions of shots, for what counts the shots of fidelities.

    Raises:
        TypeError: If a kernel says so of itself (``entries_are_fractions``); one that says nothing passes.
    """
    if not getattr(kernel, "entries_are_fractions", True):
        raise TypeError(
            f"The entries of this {type(kernel).__name__} are no fractions of shots, so the shots that tell them apart "
            "cannot be counted as those of fidelities. Compare the errors of evaluate_with_errors(X) with the spread "
            "of its entries, or look at the fidelities of the same states: FidelityKernel with the same feature map."
        )


def planned(
    kernel: PlansRuns,
    X: ArrayLike,
    *,
    shots: int | None = None,
    price_per_minute: float | None = None,
    entries: tuple[float, float] | None = None,
) -> RunPlan:
    """Return the plan of the matrix of samples; see :class:`PlansRuns`.

    Raises:
        TypeError: If the kernel's method has another form than ours.
    """
    if not can_take(kernel.plan, X, shots=shots, price_per_minute=price_per_minute, entries=entries):
        raise TypeError(
            f"plan of {type(kernel).__name__} must take (x_vec, y_vec=None, *, shots=None, price_per_minute=None, "
            f"entries=None), but it takes {inspect.signature(kernel.plan)}. Let it, or give it another name."
        )
    plan: object = kernel.plan(X, shots=shots, price_per_minute=price_per_minute, entries=entries)
    if not isinstance(plan, RunPlan):
        raise _another_form(kernel, "plan", "RunPlan", plan)
    return plan


def _another_form(kernel: object, method: str, kind: str, returned: object) -> TypeError:
    return TypeError(
        f"{method} of {type(kernel).__name__} must return a {kind}, but it returned a {type(returned).__name__}. "
        "Return one, or give the method another name."
    )
