"""How long to wait while a network or a service does not answer, and when to give up."""

import time

from qiskit_qml_ext.exceptions import RunIncompleteError
from qiskit_qml_ext.primitives.journal.service.faults import Fault

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
_STRANGE_ERRORS = 5  # in a row; errors that no network explains do not go away by waiting


class Backoff:
    """Counts failures in a row, says how long to pause and when to give up.

    Args:
        patience_seconds: How long to go on without any answer.
    """

    def __init__(self, patience_seconds: float):
        self._patience = patience_seconds
        self.over()

    def over(self) -> None:
        """Note that the service answered."""
        self._since: float | None = None
        self._count = 0
        self._until = 0.0
        self._reason = ""

    def note(self, fault: Fault, error: BaseException) -> None:
        """Note a failure.

        Raises:
            RunIncompleteError: If patience is at an end.
        """
        now = time.monotonic()
        self._since = self._since or now
        self._count += 1
        self._reason = fault.reason
        pause = fault.wait if fault.wait is not None else min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self._count - 1))
        self._until = now + pause
        is_strange = not fault.is_network and self._count >= _STRANGE_ERRORS
        if is_strange or now - self._since > self._patience:
            what = (
                f"{self._count} questions to the service in a row ended in errors that waiting does not mend"
                if is_strange else f"The service did not answer for {now - self._since:.0f} s"
            )  # fmt: skip
            raise RunIncompleteError(
                f"{what} (last: {fault.reason}). Everything that was submitted is in the journal: run the same again "
                "later, and only the rest is submitted."
            ) from error

    def pause(self) -> float:
        """Return how many seconds to wait before the next try."""
        return max(0.0, self._until - time.monotonic())

    def describe(self) -> str:
        """Return what went wrong and when the next try is, for a waiting user."""
        return f"the service, which did not answer ({self._reason}); the next try is in {self.pause():.0f} s"
