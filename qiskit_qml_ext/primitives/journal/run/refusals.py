"""Refusals for now: the service works, but takes no more jobs of this account, or none at all, for a while."""

import time

from qiskit_qml_ext.exceptions import RunIncompleteError
from qiskit_qml_ext.primitives.journal.run.policy import Policy
from qiskit_qml_ext.primitives.journal.service.faults import Fault
from qiskit_qml_ext.primitives.journal.service.reactions import WaitsFor

_LONGEST_PAUSE = 300.0


class Refusals:
    """Says when to try again; a refusal for now is neither silence nor a failure of the work.

    While jobs of this work wait or run, their ends are waited for without any limit. Where none is pending, others use
    up what the account may have, or the device is paused; then patience has its end.

    Args:
        policy: Waiting times.
    """

    def __init__(self, policy: Policy):
        self._first_pause = policy.throttle_seconds
        self._patience = policy.patience_seconds
        self.over()

    def over(self) -> None:
        """Note that the service took a job."""
        self._fault: Fault | None = None
        self._count = 0
        self._until = 0.0
        self._pending: int | None = None
        self._alone_since: float | None = None

    @property
    def reason(self) -> str:
        """What has to happen before the service takes a job, for the user; empty if it takes jobs."""
        if self._fault is None:
            return ""
        return self._fault.waits_for.value if self._fault.waits_for is not None else self._fault.reason

    def note(self, fault: Fault, error: BaseException) -> None:
        """Note a refusal.

        Raises:
            RunIncompleteError: If patience is at an end.
        """
        now = time.monotonic()
        self._count += 1
        pause = min(_LONGEST_PAUSE, self._first_pause * 2 ** min(self._count - 1, 30))
        self._until = now + (pause if fault.wait is None else fault.wait)
        self._fault = fault
        self._pending = None
        if self._alone_since is not None and now - self._alone_since > self._patience:
            raise RunIncompleteError(
                f"The service took no job for {now - self._alone_since:.0f} s: {fault.reason} Nothing is lost: run the "
                "same again later, and only the rest is submitted."
            ) from error

    def may_try(self, pending: int) -> bool:
        """Tell whether to submit now.

        Args:
            pending: How many jobs of this work wait or run.
        """
        if self._fault is None:
            return True
        now = time.monotonic()
        if pending:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        fewer = self._pending is not None and pending < self._pending
        self._pending = pending
        if fewer and self._fault.waits_for is WaitsFor.JOBS:
            self._until = now  # there is room for another one
        return now >= self._until
