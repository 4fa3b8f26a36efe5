"""One training of a kernel: batches, reports, and when to stop."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.training.objective import KernelObjective
from qiskit_qml_ext.kernels.training.targets import Targets
from qiskit_qml_ext.kernels.training.trained_map import TrainedMap
from qiskit_qml_ext.optimizers.stopping import FEWEST_LOSSES, StoppingRule


@dataclass(frozen=True, eq=False)
class KernelTrainingStep:
    """Where the training of a kernel is after an iteration."""

    iteration: int
    """The number of the iteration, from 1: of a pass through the training data."""
    loss: float
    """The training loss: the mean over the batches of the pass, each weighted by its samples and read before its step
    (with optimizers that do not go in steps at the end of the iteration)."""
    validation_loss: float | None
    """The loss on the samples that were put aside, at the end; ``None`` without early stopping."""
    gradient_norm: float | None
    """The norm of the last gradient by weights and logarithms of bandwidths; ``None`` if the optimizer takes none."""
    seconds: float
    """Since the training began."""
    shots: int
    """Shots that ran through the connection since the training began; 0 where values are exact."""
    weights: FloatArray
    """The weights of the feature map, shape (W,), a copy."""
    bandwidth: FloatArray
    """The factor of each feature, shape (features,), a copy."""
    gamma: float | None = None
    """The bandwidth γ of a projected kernel's classical kernel; ``None`` where there is none."""


KernelCallback = Callable[[KernelTrainingStep], object]
"""What is told after each iteration; it stops the training by returning ``True``."""


@dataclass(eq=False)
class KernelTrainingRun:
    """A training as an optimizer sees it, and what it leaves behind."""

    whole: KernelObjective
    """The objective over all training samples."""
    targets: Targets
    """Their classes or numbers."""
    validation: KernelObjective | None
    """The objective over the samples that were put aside."""
    num_batches: int
    """Batches in a pass."""
    max_iter: int
    """The largest number of iterations."""
    rng: np.random.Generator
    """Where the order of the batches, and what the optimizer draws, come from."""
    rule: StoppingRule
    """When it stops early."""
    shots: Callable[[], int]
    """Says how many shots have run so far."""
    callbacks: Sequence[KernelCallback] = ()
    """What is told after each iteration."""
    history: list[KernelTrainingStep] = field(default_factory=list)
    """What was reported."""
    stopped: str = "optimizer"
    """Why it ended: ``"max_iter"``, ``"no_change"``, ``"callback"``, or by the ``"optimizer"``."""
    best_point: FloatArray | None = None
    """The point with the least validation loss; without validation samples, that with the least training loss."""
    before: FloatArray | None = None
    """Where the iteration that runs now began."""
    _best: float = np.inf
    _unchanged: int = 0
    _began: float = field(default_factory=time.perf_counter)

    @property
    def num_steps(self) -> int:
        """How many batches there are in all passes together."""
        return self.max_iter * self.num_batches

    def take_map(self, trained: TrainedMap) -> None:
        """Train another map in place of the one that there was."""
        self.whole = replace(self.whole, trained=trained)
        self.validation = None if self.validation is None else replace(self.validation, trained=trained)

    def passes(self) -> Iterator[Sequence[KernelObjective]]:
        """Go through the data until ``max_iter``, in a new order each time if there are several batches."""
        for _ in range(self.max_iter):
            if self.num_batches == 1:
                yield [self.whole]
            else:
                yield [self.whole.batch(part) for part in self.targets.deal(self.num_batches, self.rng)]

    def report(self, point: FloatArray, loss: float, gradient_norm: float | None) -> bool:
        """Write an iteration down, tell the callbacks, and say whether the training should stop."""
        held = None if self.validation is None else self.validation.value(point)
        weights, bandwidth = self.whole.trained.split(point)
        step = KernelTrainingStep(
            iteration=len(self.history) + 1,
            loss=loss,
            validation_loss=held,
            gradient_norm=gradient_norm,
            seconds=time.perf_counter() - self._began,
            shots=self.shots(),
            weights=weights.copy(),
            bandwidth=bandwidth.copy(),
            gamma=self.whole.trained.gamma_at(point),
        )
        self.history.append(step)
        answers = [callback(step) for callback in self.callbacks]
        reasons = {
            "callback": any(answer is True for answer in answers),
            "no_change": self._has_settled(point, step),
            "max_iter": len(self.history) >= self.max_iter,
        }
        self.stopped = next((reason for reason, holds in reasons.items() if holds), "optimizer")
        return any(reasons.values())

    def _has_settled(self, point: FloatArray, step: KernelTrainingStep) -> bool:
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
