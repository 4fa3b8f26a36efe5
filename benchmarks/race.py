"""Run a row: everybody's result is checked against ours, then all are timed in turns."""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.checks import difference
from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.process import Worker, WorkerError
from benchmarks.rows import Row


@dataclass(frozen=True)
class Settings:
    """How the timing is done."""

    environments: Path
    """The folder of the peers' virtual environments."""

    repetitions: int = 5
    """Timings of each contender in each row."""

    window: float = 0.2
    """Seconds over which a timing of a short call is averaged."""

    slow: float = 20.0
    """A contender whose call takes longer than this is timed once."""

    pause: float = 0.05
    """Seconds of rest before each timing, in which the last contender's threads fall asleep."""

    patience: float = 1200.0
    """Seconds after which a contender is taken for hung."""


@dataclass
class Outcome:
    """What became of a contender in a row."""

    contender: str
    status: str = "ok"
    """``ok``, or why there is no number: ``absent: …``, ``failed: …``, ``wrong: …``."""

    seconds: list[float] = field(default_factory=list)
    """Seconds per call, one entry a repetition."""

    first_seconds: float | None = None
    """Seconds of the first call, with whatever it compiles."""

    bytes: float | None = None
    """For a row that measures memory."""

    note: str = ""

    @property
    def median(self) -> float | None:
        """The median of the timings, ``None`` without any."""
        return statistics.median(self.seconds) if self.seconds else None


Measured = list[tuple[Row, list[Outcome]]]
"""Rows with their outcomes."""


class Field:
    """The workers of all contenders; each is started when first needed and lives to the end.

    Use it as a context manager, which ends them.
    """

    def __init__(self, settings: Settings, only: tuple[str, ...] = ()):
        self.settings = settings
        self._only = only
        self._workers: dict[str, Worker] = {}

    def __enter__(self) -> "Field":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.close()

    @property
    def versions(self) -> dict[str, dict[str, str]]:
        """The versions of everybody who was there."""
        return {name: worker.versions for name, worker in self._workers.items() if worker.versions}

    def takes_part(self, name: str) -> bool:
        """Whether a contender was asked for; we always are."""
        return not self._only or name in self._only or name in (OURS, "machine")

    def worker(self, name: str, *, fresh: bool = False) -> Worker:
        """The worker of a contender.

        Raises:
            WorkerError: Its packages are absent.
        """
        worker = self._workers.get(name)
        if worker is None or fresh or worker.ended:
            if worker is not None:
                worker.close()
            worker = Worker(CONTENDERS[name], self.settings.environments, self.settings.patience)
            self._workers[name] = worker
        if worker.absent:
            raise WorkerError(f"absent: {worker.absent}")
        return worker


def race(row: Row, workers: Field, say: Callable[[str], None]) -> list[Outcome]:
    """Measure a row.

    Returns:
        Our outcome first, then those of the rivals and the others in the row's order.
    """
    names = [OURS] + [name for name in (*row.rivals, *row.others) if workers.takes_part(name)]
    if row.suite == "machine":
        names = ["machine"]
    outcomes = [Outcome(name) for name in names]
    ours: NDArray[Any] | None = None
    for outcome in outcomes:
        say(f"{row.suite}: {row.title}: {CONTENDERS[outcome.contender].label}: first call")
        result = _prepare(row, outcome, workers)
        if result is None:
            continue
        if row.measure == "bytes":
            outcome.bytes = float(result[0])
        elif ours is None and outcome.contender in (OURS, "machine"):
            ours = result
        elif ours is None:
            outcome.status = "not compared: our own result is missing"
        elif (wrong := difference(row, result, ours)) is not None:
            outcome.status = f"wrong: {wrong}"
    if row.measure == "seconds":
        _take_turns(row, outcomes, workers, say)
    return outcomes


def _prepare(row: Row, outcome: Outcome, workers: Field) -> NDArray[Any] | None:
    """Let a contender compute its result for the check; on failure set the outcome's status and return ``None``."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        path = Path(folder) / "result.npy"
        try:
            worker = workers.worker(outcome.contender, fresh=row.measure == "bytes")
            answer = worker.ask(op="prepare", case=row.case, result=str(path))
        except WorkerError as error:
            text = str(error)
            outcome.status = text if text.startswith("absent") else f"failed: {text}"
            return None
        outcome.first_seconds, outcome.note = answer["seconds"], answer["note"]
        result: NDArray[Any] = np.load(path, allow_pickle=False)
        return result


def _take_turns(row: Row, outcomes: list[Outcome], workers: Field, say: Callable[[str], None]) -> None:
    """A B C A B C …: what disturbs the machine for a while disturbs all contenders alike."""
    settings = workers.settings
    racing = [outcome for outcome in outcomes if outcome.status == "ok"]
    for turn in range(settings.repetitions):
        say(f"{row.suite}: {row.title}: turn {turn + 1} of {settings.repetitions}")
        for outcome in list(racing):
            time.sleep(settings.pause)
            try:
                answer = workers.worker(outcome.contender).ask(op="time", seconds=settings.window)
            except WorkerError as error:
                outcome.status = f"failed: {error}"
                racing.remove(outcome)
                continue
            outcome.seconds.append(answer["seconds"])
            if answer["waited"] > settings.slow and turn == 0:
                outcome.note = "; ".join(filter(None, (outcome.note, "timed once")))
                racing.remove(outcome)
