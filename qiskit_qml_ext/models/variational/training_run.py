"""One training: batches, reports, and when to stop."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.models.guard.plateau_guard import PlateauGuard
from qiskit_qml_ext.models.variational.account import Account
from qiskit_qml_ext.models.variational.objective import MeanLoss
from qiskit_qml_ext.optimizers.stopping import FEWEST_LOSSES, StoppingRule


@dataclass(frozen=True, eq=False)
class TrainingStep:
    """Where a training is after an iteration."""

    iteration: int
    """The number of the iteration, from 1: of a pass through the training data."""
    loss: float
    """The mean training loss: over the batches of the pass, each weighted by its samples and read before its step (with
    optimizers that do not go in steps at the end of the iteration)."""
    validation_loss: float | None
    """The loss on the samples that were put aside, at the end; ``None`` without early stopping."""
    gradient_norm: float | None
    """The norm of the last gradient; ``None`` if the optimizer takes none."""
    seconds: float
    """Since the training began, without the time between a run that was killed and the one that goes on."""
    shots: int
    """Shots used since the training began, each expectation value counted by itself; 0 where values are exact, or where
    an estimator of your own decides."""
    gradient_error: float | None
    """The standard error of the last gradient by the weights, as the root of the sum of squares over the weights;
    ``None`` where values are exact or the optimizer takes no gradient, NaN where the method does not know it."""
    weights: FloatArray
    """The weights of the circuit, a copy."""


Callback = Callable[[TrainingStep], object]
"""What is told after each iteration; it stops the training by returning ``True``."""


class Keeper(Protocol):
    """Something that writes down where a training is."""

    def keep(self, run: "TrainingRun", point: FloatArray, *, is_last: bool) -> None:
        """Write it down, if it is time to."""


@dataclass(eq=False)
class TrainingRun:
    """A training as an optimizer sees it, and what it leaves behind."""

    whole: MeanLoss
    """The objective over all training samples."""
    validation: MeanLoss | None
    """The objective over the samples that were put aside."""
    batch_size: int | None
    """Samples in a batch, at most; ``None`` for all."""
    max_iter: int
    """The largest number of iterations."""
    rng: np.random.Generator
    """Where the order of the batches, and what the optimizer draws, come from."""
    rule: StoppingRule
    """When it stops early."""
    callbacks: Sequence[Callback] = ()
    """What is told after each iteration."""
    guard: PlateauGuard | None = None
    """What watches the gradient."""
    keeper: Keeper | None = None
    """What writes checkpoints."""
    history: list[TrainingStep] = field(default_factory=list)
    """What was reported."""
    stopped: str = "optimizer"
    """Why it ended: ``"max_iter"``, ``"no_change"``, ``"callback"``, ``"plateau"``, or by the ``"optimizer"``."""
    best_point: FloatArray | None = None
    """The point with the least validation loss; without validation samples, that with the least training loss."""
    before: FloatArray | None = None
    """Where the iteration that runs now began."""
    is_finished: bool = False
    """Whether it ended already, in an earlier run."""
    _best: float = np.inf
    _unchanged: int = 0
    _began: float = field(default_factory=time.perf_counter)
    _shots_before: int = 0

    def __post_init__(self) -> None:
        self._shots_before = self.whole.evaluator.account.shots

    @property
    def num_steps(self) -> int:
        """How many batches there are in all passes together."""
        return self.max_iter * self._num_batches

    @property
    def _size(self) -> int:
        return len(self.whole.rows) if self.batch_size is None else self.batch_size

    def passes(self) -> Iterator[Sequence[MeanLoss]]:
        """Go through the data until ``max_iter``, in a new order each time if there are several batches.

        Batches are of one size, or differ by one sample: a step on a few that are left would be as long as any other.
        """
        number = len(self.whole.rows)
        for _ in range(len(self.history), self.max_iter):
            if self._size >= number:
                yield [self.whole]
            else:
                parts = np.array_split(self.rng.permutation(number), self._num_batches)
                yield [self.whole.batch(part) for part in parts]

    @property
    def _num_batches(self) -> int:
        return -(-len(self.whole.rows) // self._size)

    def report(self, point: FloatArray, loss: float, gradient_norm: float | None) -> bool:
        """Write an iteration down, tell the callbacks, and say whether the training should stop."""
        held = None if self.validation is None else self.validation.value(point)
        weights, _, _ = self.whole.head.split(point)
        account = self.whole.evaluator.account
        step = TrainingStep(
            iteration=len(self.history) + 1,
            loss=loss,
            validation_loss=held,
            gradient_norm=gradient_norm,
            seconds=time.perf_counter() - self._began,
            shots=account.shots - self._shots_before,
            gradient_error=account.gradient_error,
            weights=weights.copy(),
        )
        self.history.append(step)
        answers = [callback(step) for callback in self.callbacks]
        reasons = {
            "callback": any(answer is True for answer in answers),
            "plateau": self._sees_a_plateau(loss, account),
            "no_change": self._has_settled(point, step),
            "max_iter": len(self.history) >= self.max_iter,
        }
        self.stopped = next((reason for reason, holds in reasons.items() if holds), "optimizer")
        self.is_finished = any(reasons.values())
        if self.keeper is not None:
            self.keeper.keep(self, point, is_last=self.is_finished)
        return self.is_finished

    def progress_state(self) -> dict[str, Any]:
        """Return what :meth:`go_on` takes, as what JSON can hold."""
        best = None if self.best_point is None else self.best_point.tolist()
        state = {"stopped": self.stopped, "best": self._best, "unchanged": self._unchanged, "best_point": best}
        return {**state, "readings": [] if self.guard is None else self.guard.readings}

    def go_on(self, history: Sequence[TrainingStep], state: Mapping[str, Any], *, is_finished: bool) -> None:
        """Take the place of a run that came so far."""
        self.history = list(history)
        self.stopped, self._best, self._unchanged = state["stopped"], state["best"], state["unchanged"]
        self.best_point = None if state["best_point"] is None else np.array(state["best_point"])
        self.is_finished = is_finished
        self._began -= history[-1].seconds
        if self.guard is not None:
            self.guard.go_on(state["readings"])

    def _sees_a_plateau(self, loss: float, account: Account) -> bool:
        """Whether the guard says stop; it looks at the weights alone, since scale and bias know no plateau."""
        return self.guard is not None and self.guard.sees(loss, account.gradient_norm, account.gradient_error)

    def _has_settled(self, point: FloatArray, step: TrainingStep) -> bool:
        is_held = step.validation_loss is not None
        watched = step.loss if step.validation_loss is None else step.validation_loss
        self._unchanged = 0 if watched < self._best - self.rule.tol else self._unchanged + 1
        if watched < self._best:
            self._best = watched
            # who goes in steps reports the loss of where the step began
            self.best_point = point.copy() if is_held or not self.rule.watches_training else self.before
        self.before = point.copy()
        number = self.rule.n_iter_no_change
        if self._unchanged < number or not (is_held or self.rule.watches_training):
            return False
        last = [one.loss for one in self.history[-max(number, FEWEST_LOSSES) :]]
        return is_held or not self.rule.is_moving(last, self._unchanged)


@contextmanager
def progress(run: TrainingRun, title: str) -> Iterator[None]:
    """Show a bar while a training runs."""
    from tqdm.auto import tqdm

    with tqdm(total=run.max_iter, initial=len(run.history), desc=title, unit="iteration") as bar:

        def show(step: TrainingStep) -> None:
            shots = {"shots": f"{step.shots:,}"} if step.shots else {}
            bar.set_postfix(loss=f"{step.loss:.4g}", **shots, refresh=False)
            bar.update()

        run.callbacks = (*run.callbacks, show)
        yield
