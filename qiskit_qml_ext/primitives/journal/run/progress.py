"""What a waiting user sees: jobs queued, running and done, shots, and the time that is left."""

import math
import sys
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.records import DONE, PLANNED, Unit


class Waits:
    """What a run found, in one look at all its units, that it has to wait for."""

    def __init__(self) -> None:
        self._others: dict[str, list[int]] = {}
        self._reasons: list[str] = []

    def clear(self) -> None:
        """Begin a new look."""
        self._others, self._reasons = {}, []

    def other(self, unit: int, who: str) -> None:
        """Note that another run works on a unit, and what is known of it."""
        self._others.setdefault(who, []).append(unit)

    def rate(self, per_minute: int | None, pause: float) -> None:
        """Note for how many seconds the limit on submissions allows no other one."""
        if per_minute is not None and pause > 0:
            many = f"{per_minute} submission{'s' * (per_minute > 1)}"
            self.note(f"the limit of {many} a minute, the next one in {math.ceil(pause)} s")

    def note(self, reason: str) -> None:
        """Note another reason."""
        self._reasons.append(reason)

    def text(self) -> str:
        """Return all reasons, for a reader."""
        others = [
            f"unit{'s' * (len(units) > 1)} {', '.join(map(str, units))} with {who}"
            for who, units in self._others.items()
        ]
        return "; ".join([*others, *self._reasons]) or "a change in the journal"


class Progress:
    """A progress bar over the units of a run.

    Args:
        show: Whether to draw it; ``None`` means only on a terminal, or in a notebook.
    """

    def __init__(self, show: bool | None = None):
        self._show = sys.stderr.isatty() if show is None else show
        self._bar: Any = None

    def update(self, units: list[Unit], running: int, waiting_for: str | None = None) -> None:
        """Show the state of the units.

        Args:
            units: All units of the run.
            running: How many of the submitted ones are known to run.
            waiting_for: What the run waits for, if it does.
        """
        if not self._show or not units:
            return
        from tqdm.auto import tqdm

        done = sum(unit.num_items for unit in units if unit.state == DONE)
        if self._bar is None:
            total = sum(unit.num_items for unit in units)
            self._bar = tqdm(total=total, initial=done, unit="circuit", file=sys.stderr, dynamic_ncols=True)
        waiting = sum(unit.state not in (DONE, PLANNED) for unit in units)
        executions = sum(unit.executions for unit in units if unit.state == DONE)
        self._bar.set_postfix_str(
            f"jobs: {sum(unit.state == DONE for unit in units)}/{len(units)} done, {running} running, "
            f"{waiting - running} queued; {executions:,} shots"
            + (f"; waiting for {waiting_for}" if waiting_for else "")
        )
        self._bar.total = sum(unit.num_items for unit in units)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
