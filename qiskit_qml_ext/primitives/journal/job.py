"""The job that a journaled primitive returns."""

import threading
import uuid
import warnings
from collections.abc import Callable
from typing import Any

from qiskit.primitives import BasePrimitiveJob
from qiskit.primitives.containers import PrimitiveResult
from qiskit.providers import JobStatus

from qiskit_qml_ext.exceptions import (
    CalibrationChangedWarning,
    DuplicateExecutionWarning,
    JournalBehindWarning,
    RunIncompleteError,
)
from qiskit_qml_ext.primitives.journal.run.reconcile import is_of_copy
from qiskit_qml_ext.primitives.journal.run.report import Report
from qiskit_qml_ext.primitives.journal.run.runner import Runner


class _Once:
    """Calls something the first time only.

    An interrupt and the end of the run both give back what was asked for. Given back twice, it would be taken from
    whoever asked for the same in between.
    """

    def __init__(self, action: Callable[[], None]):
        self._action = action
        self._lock = threading.Lock()
        self._done = False

    def __call__(self) -> None:
        with self._lock:
            first, self._done = not self._done, True
        if first:
            self._action()


class JournaledJob(BasePrimitiveJob[PrimitiveResult[Any], JobStatus]):
    """A request on its way; the work goes on in a thread, and what it does is in the journal.

    Args:
        runner: Runs the request, which is planned already.
        give_back: Called if the request comes to nothing, so that asking again is asking for the same.
    """

    def __init__(self, runner: Runner, *, give_back: Callable[[], None]):
        super().__init__(job_id=str(uuid.uuid4()))
        self._runner = runner
        self._give_back = _Once(give_back)
        self._result: PrimitiveResult[Any] | None = None
        self._error: BaseException | None = None
        self._warned = False
        self._thread = threading.Thread(target=self._work, name="qiskit-qml-ext run", daemon=True)
        self._thread.start()

    @property
    def report(self) -> Report:
        """What the run did: jobs submitted by it, calibrations, jobs that the service made twice."""
        return self._runner.report

    def result(self, timeout: float | None = None) -> PrimitiveResult[Any]:
        """Wait for the result.

        Args:
            timeout: How many seconds to wait; ``None`` waits until the end.

        Raises:
            TimeoutError: If it takes longer; the run goes on.
            RunIncompleteError: If units failed for good or the service was silent for too long.
        """
        try:
            self._thread.join(timeout)
        except KeyboardInterrupt:
            self._runner.stop()
            self._give_back()
            raise
        if self._thread.is_alive():
            raise TimeoutError(f"The result is not there after {timeout} s. The run goes on; ask again.")
        if self._error is not None:
            raise self._error
        if self._result is None:
            raise RunIncompleteError(
                "This run belongs to the process that started it, and a forked child has no part in it. Ask for the "
                "same here: the journal knows what was submitted, and the rest is done."
            )
        self._warn()
        return self._result

    def status(self) -> JobStatus:
        """Return whether the run goes on, is done or failed."""
        if self._thread.is_alive():
            return JobStatus.RUNNING
        return JobStatus.DONE if self._result is not None else JobStatus.ERROR

    def done(self) -> bool:
        """Return whether the result is there."""
        return self.status() is JobStatus.DONE

    def running(self) -> bool:
        """Return whether the run goes on."""
        return self.status() is JobStatus.RUNNING

    def cancelled(self) -> bool:
        """Return ``False``: a stopped run ends with an error and can be taken up again."""
        return False

    def in_final_state(self) -> bool:
        """Return whether the run has ended."""
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """Submit nothing more; jobs on the service go on and are fetched by a later run."""
        self._runner.stop()

    def _work(self) -> None:
        try:
            self._result = self._runner.run()
        except BaseException as error:
            self._give_back()
            self._error = error

    def _warn(self) -> None:
        if self._warned:
            return
        self._warned = True
        calibrations = self.report.calibrations
        if len(calibrations) > 1:
            warnings.warn(
                f"The device was calibrated while this work was under way: its parts come from calibrations of "
                f"{', '.join(calibrations)}. Compare results across them with care.",
                CalibrationChangedWarning,
                stacklevel=3,
            )
        executed = [item for item in self.report.duplicates if item.executed]
        duplicates = [item.job for item in executed if not is_of_copy(item)]
        if duplicates:
            warnings.warn(
                f"The service executed {len(duplicates)} job{'s' * (len(duplicates) > 1)} that nobody asked for: "
                f"{', '.join(duplicates)} (duplicates of submitted jobs, made when an answer was lost). Ask its "
                "support not to charge them.",
                DuplicateExecutionWarning,
                stacklevel=3,
            )
        copied = [item.job for item in executed if is_of_copy(item)]
        if copied:
            warnings.warn(
                f"The service executed {len(copied)} job{'s' * (len(copied) > 1)} of this work for another copy of the "
                f"journal (or for this file before it lost work): {', '.join(copied)}. That was asked for and is "
                "charged; the copy names this file's jobs for the same work in turn, so count each pair once. Use one "
                "file of the journal only.",
                DuplicateExecutionWarning,
                stacklevel=3,
            )
        unknown = self.report.unknown
        if unknown:
            warnings.warn(
                f"The service has {len(unknown)} job{'s' * (len(unknown) > 1)} of this journal that its file does not "
                f"know: {', '.join(unknown[:3])}{', …' if len(unknown) > 3 else ''}. The file is older than they are, "
                "or another copy of it was or is in use. If they are the same work, cut in another way, it was paid "
                "twice; what they executed is not counted in the report. The next run that has anything to submit will "
                "stop and say what to do.",
                JournalBehindWarning,
                stacklevel=3,
            )
