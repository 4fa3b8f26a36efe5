"""How the circuit of one fold was trained: its curves, and what the guard against plateaus found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from qiskit_qml_ext.diagnostics.results.result import plain
from qiskit_qml_ext.evaluation.formatting import plural
from qiskit_qml_ext.evaluation.planning.training import TrainingCircuits, circuits_of
from qiskit_qml_ext.evaluation.protocol.training_grid import steps_of_a_pass
from qiskit_qml_ext.evaluation.protocol.training_search import TrainingSearch


@runtime_checkable
class GuardResult(Protocol):
    """What the guard of a trained model leaves in ``plateau_``."""

    code: str
    """One word for programs."""

    def summary(self) -> str:
        """Say it in words, the finding in the first line."""

    def to_dict(self) -> dict[str, Any]:
        """Return its numbers, and under ``"advice"`` what to do."""


@dataclass(frozen=True)
class GuardFinding:
    """What the guard against plateaus said about one training."""

    code: str
    """One word for programs."""
    sentence: str
    """The finding in words."""
    advice: tuple[str, ...]
    """What to do, if it knows."""
    numbers: Mapping[str, Any]
    """What it measured."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary of plain values."""
        said = {"code": self.code, "sentence": self.sentence, "advice": list(self.advice)}
        return {**said, "numbers": plain(self.numbers)}


@dataclass(frozen=True)
class TrainingLength:
    """How long one training was."""

    num_weights: int
    """Trained weights of the circuit."""
    num_samples: int
    """Samples of the training set."""
    passes: int
    """Passes through it."""
    steps: int
    """Steps of all passes."""
    batch_size: int
    """Samples of a step at most; the last of a pass may have fewer."""

    def in_words(self) -> str:
        """Say it in words, but for the weights."""
        return (
            f"{plural(self.passes, 'pass', 'passes')} over {plural(self.num_samples, 'sample')} in "
            f"{plural(self.steps, 'step')} of at most {self.batch_size:,}"
        )


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """How the circuit of one fold was trained."""

    fold: int
    """The number of the outer fold, from 0."""
    num_weights: int
    """Trained weights of the circuit."""
    num_samples: int
    """Samples of the training set."""
    batch_size: int
    """Samples of a step at most; the last of a pass may have fewer."""
    steps: tuple[int, ...]
    """Steps after each pass through the training set."""
    losses: tuple[float, ...]
    """Mean training loss of each pass, each batch's read before its step."""
    gradient_norms: tuple[float, ...]
    """Norm of the last gradient of each pass."""
    held_out_steps: tuple[int, ...]
    """All numbers of steps of the search."""
    held_out_losses: tuple[float, ...]
    """Mean loss of the chosen setting after them, on the samples that the search held out."""
    chosen_steps: int
    """The number of steps that the search chose; passes are whole, so that a few more may have been made."""
    circuits: TrainingCircuits
    """What one gradient of one sample would be on a device."""
    guard: GuardFinding | None = None
    """What the guard found; None if it was off or there is none."""

    @property
    def place(self) -> str:
        """Name the training set in words."""
        return place_of(self.fold)

    @property
    def length(self) -> TrainingLength:
        """How long it was."""
        passes = len(self.steps)
        return TrainingLength(self.num_weights, self.num_samples, passes, self.steps[-1], self.batch_size)

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary of plain values."""
        names = ("fold", "num_weights", "num_samples", "batch_size", "chosen_steps")
        curves = ("steps", "losses", "gradient_norms", "held_out_steps", "held_out_losses")
        return {
            **{name: getattr(self, name) for name in names},
            **{name: list(getattr(self, name)) for name in curves},
        }


def place_of(fold: int) -> str:
    """Name the training set of an outer fold, from 0, in words."""
    return "the first training set" if fold == 0 else f"training set {fold + 1}"


def training_record_of(search: TrainingSearch, fold: int, num_samples: int) -> TrainingRecord:
    """Return how the chosen model of a search was trained.

    Args:
        search: A fitted search.
        fold: The number of the outer fold.
        num_samples: Samples of its training set.
    """
    model = search.best_estimator_.named_steps["model"]
    history, in_a_pass = model.history_, steps_of_a_pass(num_samples)
    return TrainingRecord(
        fold=fold,
        num_weights=len(model.weights_),
        num_samples=num_samples,
        batch_size=model.batch_size,
        steps=tuple(int(number) * in_a_pass for number in history["iteration"]),
        losses=tuple(float(loss) for loss in history["loss"]),
        gradient_norms=tuple(float(norm) for norm in history["gradient_norm"]),
        held_out_steps=tuple(search.grid.steps),
        held_out_losses=tuple(np.asarray(search.held_out_losses_).tolist()),
        chosen_steps=int(search.best_params_["steps"]),
        circuits=circuits_of(model),
        guard=guard_finding_of(model),
    )


def guard_finding_of(model: object) -> GuardFinding | None:
    """Return what the guard of a fitted model found; None if it was off or there is none."""
    found = getattr(model, "plateau_", None)
    if not isinstance(found, GuardResult):
        return None
    numbers = found.to_dict()
    return GuardFinding(found.code, found.summary().splitlines()[0], tuple(numbers.get("advice", ())), numbers)
