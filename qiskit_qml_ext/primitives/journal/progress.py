"""What a waiting user sees: jobs queued, running and done, shots, and the time that is left."""

import sys
from typing import Any

from qiskit_qml_ext.primitives.journal.records import DONE, PLANNED, Unit


class Progress:
    """A progress bar over the units of a run.

    Args:
        show: Whether to draw it; ``None`` means only on a terminal, or in a notebook.
    """

    def __init__(self, show: bool | None = None):
        self._show = sys.stderr.isatty() if show is None else show
        self._bar: Any = None

    def update(self, units: list[Unit], running: int, waits_for: str = "") -> None:
        """Show the state of the units.

        Args:
            units: All units of the run.
            running: How many of the submitted ones are known to run.
            waits_for: What has to happen before more can be submitted, if anything.
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
            f"{waiting - running} queued; {executions:,} shots{f'; waiting: {waits_for}' * bool(waits_for)}"
        )
        self._bar.total = sum(unit.num_items for unit in units)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
