"""Checkpoints: a training on the disk, from which a killed run goes on."""

import json
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.gradients import SPSAGradient
from qiskit_qml_ext.models.variational.evaluator import Evaluator
from qiskit_qml_ext.models.variational.training_run import TrainingRun, TrainingStep
from qiskit_qml_ext.optimizers import Optimizer, SteppingOptimizer
from qiskit_qml_ext.private_files import check_writable, write_private

_FORMAT = "qiskit_qml_ext checkpoint of a training, version 1"
_SHARE = 0.02  # of a training's time that may go into checkpoints where values are exact
_FIRST = 0.02  # seconds that are taken for spent, so that no file is written in the first second
_KEYS = {
    *("identity", "seed", "is_finished", "point", "rng", "optimizer", "history", "run", "shots", "num_estimates"),
    "gradient_rng",
}
_COLUMNS = [one.name for one in fields(TrainingStep) if one.name != "weights"]


def check_can_keep(path: object, optimizer: Optimizer, *, warm_start: bool) -> None:
    """Check that a checkpoint can be written, and that a training can go on from it.

    Raises:
        TypeError: If the path is none.
        ValueError: If the file cannot be written, or the optimizer's state cannot be kept.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"checkpoint must be the path of a file, or None, but {path!r} ({type(path).__name__}) came.")
    check_writable(path)
    if warm_start:
        raise ValueError(
            "checkpoint keeps one training from its start, and warm_start=True goes on from the one before. Use one of "
            "them."
        )
    if not isinstance(optimizer, SteppingOptimizer):
        raise ValueError(
            f"checkpoint needs an optimizer of this package that goes in steps ('adam', 'gradient_descent', "
            f"'natural_gradient', 'spsa'), but {optimizer!r} came, whose state nobody else can keep. Run it through a "
            "journal instead, connect(…, journal=FILE): run again, it takes all that was paid for from the file."
        )


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A file with the state of one training, as JSON; nothing in it is executed when it is read.

    Where values are estimated, it is written after every iteration. Where they are exact, an iteration may take less
    time than writing a file: then after as many as make writing take 2 % of the time, from the first second on, and at
    the end.
    """

    path: Path
    """The file."""
    identity: Mapping[str, str]
    """What makes this training another than others, by name."""
    seed: int
    """What the model's random numbers began with."""
    optimizer: SteppingOptimizer
    """Whose state is kept."""
    evaluator: Evaluator
    """Whose account is kept, and the random numbers of its gradient method."""
    after_each: bool
    """Whether it is written after every iteration."""
    _spent: list[float] = field(default_factory=lambda: [_FIRST])
    _began: float = field(default_factory=time.perf_counter)

    def keep(self, run: TrainingRun, point: FloatArray, *, is_last: bool) -> None:
        """Write down where a training is, if it is time to."""
        now = time.perf_counter()
        if not (self.after_each or is_last or self._spent[0] <= _SHARE * (now - self._began)):
            return
        state = {
            "format": _FORMAT,
            "identity": dict(self.identity),
            "seed": self.seed,
            "is_finished": is_last,
            "point": point.tolist(),
            "rng": run.rng.bit_generator.state,
            "optimizer": {name: _written(value) for name, value in _memory(self.optimizer).items()},
            "history": {name: _column([getattr(step, name) for step in run.history]) for name in _COLUMNS},
            "run": run.progress_state(),
            "shots": self.evaluator.account.shots,
            "num_estimates": self.evaluator.account.num_estimates,
            "gradient_rng": None if self._gradient_rng is None else self._gradient_rng.bit_generator.state,
        }
        write_private(self.path, json.dumps(state))
        self._spent[0] += time.perf_counter() - now

    def restore(self, run: TrainingRun) -> FloatArray | None:
        """Bring a training to where the file says it was.

        Returns:
            The point, or ``None`` if there is no file: the training begins.

        Raises:
            ValueError: If the file is of another training; the message says what differs.
        """
        state = read_checkpoint(self.path)
        if state is None:
            return None
        self._refuse_others(state["identity"])
        run.rng.bit_generator.state = state["rng"]
        if self._gradient_rng is not None:
            self._gradient_rng.bit_generator.state = state["gradient_rng"]
        for name, value in state["optimizer"].items():
            setattr(self.optimizer, name, _read(value))
        account = self.evaluator.account
        account.shots, account.num_estimates = state["shots"], state["num_estimates"]
        run.go_on(_steps(state["history"]), state["run"], is_finished=state["is_finished"])
        return np.array(state["point"])

    @property
    def _gradient_rng(self) -> np.random.Generator | None:
        method = getattr(self.evaluator, "method", None)
        return method.rng if isinstance(method, SPSAGradient) else None

    def _refuse_others(self, kept: Mapping[str, str]) -> None:
        names = sorted({*kept, *self.identity})
        changed = [name for name in names if kept.get(name) != self.identity.get(name)]
        if changed:
            told = "; ".join(f"{name} was {kept.get(name)} and is {self.identity.get(name)}" for name in changed)
            raise ValueError(
                f"The checkpoint {self.path} is of another training: {told}. Give another file, or delete it to begin "
                "anew."
            )


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return what a checkpoint holds; ``None`` if there is no file.

    Raises:
        ValueError: If the file is no checkpoint.
    """
    file = check_writable(path)
    if not file.exists():
        return None
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
        known = state["format"] == _FORMAT and state.keys() >= _KEYS and set(state["history"]) == set(_COLUMNS)
    except (ValueError, TypeError, KeyError):
        known = False
    if not known:
        raise ValueError(f"The file {file} is no checkpoint of a training that this version reads. Give another file.")
    return dict(state)


def _column(values: list[Any]) -> Any:
    """Write a column of the history: numbers as bytes, which takes a twentieth of the time that digits take."""
    if any(value is None for value in values):
        return values
    array = np.array(values)
    return {"base64": b64encode(array.tobytes()).decode("ascii"), "dtype": array.dtype.str}


def _steps(history: Mapping[str, Any]) -> list[TrainingStep]:
    """Return the steps that were reported before, without their weights, which are not kept."""
    columns = [
        np.frombuffer(b64decode(column["base64"]), dtype=column["dtype"]).tolist()
        if isinstance(column, dict)
        else column
        for column in history.values()
    ]
    rows = zip(*columns, strict=True)
    return [TrainingStep(**dict(zip(history, row, strict=True)), weights=np.zeros(0)) for row in rows]


def _memory(optimizer: SteppingOptimizer) -> dict[str, Any]:
    return {name: value for name, value in vars(optimizer).items() if name.endswith("_")}


def _written(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.str}
    return value.item() if isinstance(value, np.generic) else value


def _read(value: Any) -> Any:
    return np.array(value["array"], dtype=value["dtype"]) if isinstance(value, dict) else value
