"""The signs of life of a run, and the end of its claims."""

import sqlite3
import threading
import time

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.store import ownership
from qiskit_qml_ext.primitives.journal.store.journal import Journal


class Heartbeat:
    """Beats in a thread of its own while a run goes on, whatever the run is busy with.

    A journal that cannot be written for a while is tried again until it can. Others may take the run's claims over
    meanwhile; then whatever the run writes about them is refused, and it goes on as one that waits for them.

    Args:
        journal: Where to give signs of life.
        owner: Whose.
    """

    def __init__(self, journal: Journal, owner: str):
        self._journal = journal
        self._owner = owner
        self._stopped = threading.Event()
        self._last = time.monotonic()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._beat, name="qiskit-qml-ext signs of life", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Give up all claims, now or as soon as the journal can be written; the run's result does not wait for that."""
        self._stopped.set()
        if not self._release():
            thread = threading.Thread(target=self._keep_releasing, name="qiskit-qml-ext release", daemon=True)
            thread.start()

    def problem(self) -> str | None:
        """Return why there was no sign of life for longer than there should be, if so."""
        if self._error is None:
            return None
        return f"no sign of life could be written for {time.monotonic() - self._last:.0f} s ({self._error})"

    def _beat(self) -> None:
        while not self._stopped.wait(_seconds_between(failed=self._error is not None)):
            try:
                self._journal.beat(self._owner)
            except Exception as error:
                self._error = error
            else:
                self._error, self._last = None, time.monotonic()

    def _release(self) -> bool:
        """Return whether nothing is left to be done."""
        try:
            self._journal.release(self._owner)
        except JournalError as error:
            return isinstance(error.__cause__, sqlite3.ProgrammingError)  # the user has closed the journal
        return True

    def _keep_releasing(self) -> None:
        while not self._release():
            time.sleep(_seconds_between(failed=True))


def _seconds_between(*, failed: bool) -> float:
    return ownership.LEASE_SECONDS / (24 if failed else 4)
