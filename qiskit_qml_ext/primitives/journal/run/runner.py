"""The loop that brings a request's units to their end: plan, submit ahead, watch, fetch, recover."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers import PrimitiveResult

from qiskit_qml_ext.exceptions import BudgetExceededError, JournalDamagedError, JournalError, RunIncompleteError
from qiskit_qml_ext.primitives.journal.disk.records import (
    DONE,
    FAILED,
    LOST,
    PLANNED,
    SUBMITTED,
    SUBMITTING,
    Unit,
)
from qiskit_qml_ext.primitives.journal.run.collector import Collector
from qiskit_qml_ext.primitives.journal.run.context import RunContext
from qiskit_qml_ext.primitives.journal.run.heartbeat import Heartbeat
from qiskit_qml_ext.primitives.journal.run.progress import Progress, Waits
from qiskit_qml_ext.primitives.journal.run.reconcile import duplicates_of
from qiskit_qml_ext.primitives.journal.run.report import Report
from qiskit_qml_ext.primitives.journal.run.request_units import RequestUnits
from qiskit_qml_ext.primitives.journal.run.submitter import Posting, Submitter
from qiskit_qml_ext.primitives.journal.run.times import Times
from qiskit_qml_ext.primitives.journal.service.faults import classify
from qiskit_qml_ext.primitives.journal.store.ownership import Liveness, Risk
from qiskit_qml_ext.primitives.journal.store.tags import new_attempt_tag
from qiskit_qml_ext.primitives.journal.work.codec import BadResultError, UnitResult, decode
from qiskit_qml_ext.primitives.journal.work.requests import Count, Request

_ENDED = (DONE, FAILED, LOST)
_LONGEST_PAUSE = 30.0
_LAST_LISTING_SECONDS = 20.0  # a thousand jobs are listed in five answers
_IDLE_LISTING_SECONDS = 3.0  # who only reads results that are there does not wait long for a service
_LOG = logging.getLogger(__name__)


class Runner:
    """Runs one request to its end; see :meth:`run`.

    Args:
        run: What the run works with.
        request: The items.
        progress: Where to show how far it is.
        count: Takes note of what is submitted.
    """

    def __init__(
        self, run: RunContext, request: Request, *, progress: Progress | None = None, count: Count | None = None
    ):
        self._run = run
        self._request = request
        self._progress = progress or Progress(show=False)
        self._liveness = Liveness(run.journal)
        self._heartbeat = Heartbeat(run.journal, run.owner)
        self._stopped = threading.Event()
        self._waits = Waits()
        self.report = Report()
        local = not run.service.is_durable
        self._poll_seconds = run.policy.poll_seconds or (None if local else 2.0)
        self._max_pending = run.policy.max_pending or (1 if local else 3)
        self._submitter = Submitter(run, self._take_note)
        self._count = count
        self._times = Times(run, request.kind)
        self._collector = Collector(run, self._times)
        self._results: dict[int, UnitResult] = {}
        self._units = RequestUnits(run, request)
        self._is_reconciled = self._is_behind = self._is_settled = False

    def plan(self, *, revive: bool = True) -> None:
        """See that every item belongs to a unit that is on the disk."""
        self._units.plan(revive=revive)

    def _take_note(self, unit: Unit) -> None:
        self.report.submitted += 1
        self.report.executions += unit.executions
        if self._count is not None:
            self._count(self._units.circuits_of(unit), unit.executions)

    def unsubmitted(self) -> list[tuple[QuantumCircuit, int]]:
        """Return the circuits of this request that nobody has submitted yet, with their executions."""
        return self._units.unsubmitted()

    def reconcile(self) -> None:
        """Hold the file against the service before anything is submitted, and take over what it does not know.

        Raises:
            JournalBehindError: If there are jobs that may be the same work as what would be submitted.
        """
        if self._run.service.is_durable and self._units.has_planned():
            if self._is_behind or not self._run.journal.listings.was_clean(self._run.service.places):
                self._run.reconciliation.reconcile(self._units.recut)
            if self._units.has_planned():
                self._run.reconciliation.require_places()
        self._is_reconciled, self._is_behind = True, False

    def run(self) -> PrimitiveResult[Any]:
        """Bring all units to their end and return the assembled result.

        Raises:
            RunIncompleteError: If units failed for good or the service was silent for too long.
            JournalError: If the journal cannot be written.
        """
        try:
            self._heartbeat.start()
            units = self._loop()
        finally:
            self._stopped.set()
            self.report.waiting_for = None
            self._progress.close()
            self._heartbeat.stop()
            self.report.adopted = list(self._run.reconciliation.adopted)
            self.report.unknown = [stray.id for stray in self._run.reconciliation.unplaced]
        self._raise_unfinished(units)
        self.report.calibrations = sorted({unit.calibration for unit in units if unit.calibration})
        self.report.duplicates = duplicates_of(self._run.journal, *units)
        metadata = {
            "version": 2,
            "target": self._run.service.target,
            "jobs": [unit.job for unit in units],
            "calibrations": self.report.calibrations,
            "submitted_now": self.report.submitted,
        }
        try:
            return self._request.assemble(self._units.places, self._results, metadata)
        except (ValueError, TypeError, LookupError) as error:
            raise JournalDamagedError(
                f"The results in {self._run.journal.path} do not fit what was asked for ({error}). Nothing of them was "
                "used; nothing was changed. Restore a backup of the journal, or use a new file."
            ) from error

    def stop(self) -> None:
        """Submit nothing more and end soon; what is submitted can be fetched by a later run."""
        self._stopped.set()

    def _loop(self) -> list[Unit]:
        last_move = time.monotonic()
        while True:
            spent = time.thread_time()
            units = self._units.read()
            self._run.duplicates.begin_pass()
            if any(unit.state not in (*_ENDED, PLANNED, SUBMITTING, SUBMITTED) for unit in units):
                self._units.plan(revive=False)  # another run needed some of our items without the others
                continue
            running = len(self._collector.running)
            self._progress.update(units, running, self.report.waiting_for)
            if all(self._has_ended(unit) for unit in units):
                if self._complete(units):
                    return units
                continue
            if self._stopped.is_set():
                raise RunIncompleteError(
                    "The run was stopped. What was submitted is in the journal; run again to go on.",
                    done=sum(unit.state == DONE for unit in units),
                )
            moved = False
            self._waits.clear()
            for unit in units:
                if unit.state in (SUBMITTING, SUBMITTED) and unit.id not in self._collector.given_up:
                    moved |= self._guarded(self._advance, unit)
            moved |= self._guarded(self._submit_next)
            moved |= self._guarded(self._drop_duplicates)
            now = time.monotonic()
            if moved:
                last_move, self.report.waiting_for = now, None
            else:
                self.report.waiting_for = self._reasons(units)
                pause = self._pause(now - last_move, spent=time.thread_time() - spent, units=units)
                self._stopped.wait(max(pause, self._run.backoff.pause()))

    def _pause(self, waited: float, *, spent: float, units: Sequence[Unit]) -> float:
        """Return how long to pause; jobs of this machine are looked at within a hundredth of their time.

        Who waits for other processes' work only leaves the processor to them, but for a thirtieth.
        """
        own = any(unit.owner == self._run.owner for unit in units)
        pause = min(0.2, max(0.002, waited / 100)) if self._poll_seconds is None else self._poll_seconds
        return pause if own else max(pause, min(_LONGEST_PAUSE, 30 * spent))

    def _reasons(self, units: Sequence[Unit]) -> str:
        """Return what this run waits for."""
        own = sum(unit.owner == self._run.owner for unit in units)
        if own:
            self._waits.note(f"{own} job{'s' * (own > 1)} on {self._run.service.target}")
        if self._submitter.refusals.reason:
            self._waits.note(self._submitter.refusals.reason)
        if self._run.backoff.pause():
            self._waits.note(self._run.backoff.describe())
        if self._heartbeat.problem():
            self._waits.note(f"the journal: {self._heartbeat.problem()}")
        return self._waits.text()

    def _has_ended(self, unit: Unit) -> bool:
        """Tell whether nothing more will come of a unit in this run."""
        if unit.state == PLANNED:
            return self._submitter.refused  # the service would refuse it as well
        return unit.state in _ENDED or unit.id in self._collector.given_up

    def _guarded(self, step: Callable[..., bool], *arguments: Any) -> bool:
        """Take a step; what fails on the way to the service is waited out, up to a point."""
        try:
            return step(*arguments)
        except (RunIncompleteError, JournalError, BudgetExceededError):
            raise
        except Exception as error:
            fault = classify(error)
            if fault.reaction.ends_run:
                raise RunIncompleteError(fault.reaction.ends_run.format(reason=fault.reason)) from error
            self._run.backoff.note(fault, error)
            return False

    def _advance(self, unit: Unit) -> bool:
        if unit.owner != self._run.owner:
            risk = Risk.of(unit.state, durable=self._run.service.is_durable)
            if unit.owner is not None and not self._liveness.is_gone(unit.owner, risk):
                self._waits.other(unit.id, self._liveness.describe(unit.owner))
                return False
            if not self._run.journal.take_over(unit.id, owner=self._run.owner, gone=unit.owner):
                return False
        if unit.state == SUBMITTING:
            if not self._run.journal.owns(unit.id, self._run.owner):
                return True  # taken over, while this process was suspended or busy with other units
            return self._after_posting(
                unit, self._submitter.recover(unit, self._units.pubs(unit), self._units.seed_of(unit))
            )
        outcome = self._collector.collect(unit)
        if outcome.too_large:
            return self._halve(unit, outcome.too_large)
        if outcome.result is not None and unit.id in self._units:
            self._results[unit.id] = outcome.result
        return outcome.moved

    def _submit_next(self) -> bool:
        units = self._units.read()
        # The jobs of those that were given up have ended: they leave room for others.
        pending = _pending([unit for unit in units if unit.id not in self._collector.given_up])
        unit = next((unit for unit in units if unit.state == PLANNED), None)
        if unit is None or pending >= self._max_pending:
            return False
        if self._submitter.refusals.reason:
            # The work of other runs makes room as well.
            pending = _pending([unit for unit in self._run.journal.units() if unit.owner is not None or unit in units])
        if not self._submitter.may_submit(pending):
            return False
        if not self._is_reconciled:
            self.reconcile()
            return True
        pubs = self._units.pubs(unit)
        if pubs is None:
            self._units.plan(revive=False)
            return True
        journal, durable = self._run.journal, self._run.service.is_durable
        tag = new_attempt_tag(journal.tag, lineage=journal.lineage, place=self._run.service.places[0], unit=unit.id)
        per_minute = self._run.policy.submissions_per_minute or (5 if durable else None)
        calibration, note = self._submitter.calibration(), self._times.predicted(self._units.work_of(unit))
        self._submitter.keep_device(unit, calibration)
        try:
            is_mine = journal.claim(
                unit.id, owner=self._run.owner, tag=tag, calibration=calibration, per_minute=per_minute,
                watched=durable, time_note=note, limits=self._times.limits(note),
            )  # fmt: skip
        except BudgetExceededError as error:
            return self._wait_within_budget(pending, error)
        if not is_mine:
            self._waits.rate(per_minute, journal.rate_pause(per_minute))
            return False
        return self._after_posting(unit, self._submitter.submit(unit, tag, pubs, self._units.seed_of(unit)))

    def _wait_within_budget(self, pending: int, error: BudgetExceededError) -> bool:
        """Wait for the ends of jobs, which may take less than was reserved for them.

        Raises:
            BudgetExceededError: If no job of this work is on its way, and the service says nothing new of others.
        """
        if pending:
            self._waits.note("room within the limit on processor time")
            self._is_settled = False
            return False
        if self._is_settled:
            raise error
        self._times.settle()
        self._is_settled = True
        return True

    def _after_posting(self, unit: Unit, outcome: Posting) -> bool:
        if outcome.too_large:
            return self._halve(unit, outcome.too_large)
        if outcome.behind:
            self._is_reconciled, self._is_behind = False, True
        return outcome.moved

    def _halve(self, unit: Unit, reason: str) -> bool:
        self._units.halve(unit, reason)
        return True

    def _drop_duplicates(self) -> bool:
        self._run.duplicates.drop()
        return False

    def _complete(self, units: Sequence[Unit]) -> bool:
        """Load what is not in memory yet; a result damaged on the disk is fetched again."""
        for unit in units:
            if unit.state != DONE or unit.id in self._results:
                continue
            stored = self._run.journal.results(unit.id)
            try:
                if stored is None:
                    raise BadResultError("The stored result does not match its checksum.")
                self._results[unit.id] = decode(*stored, unit.layout)
            except BadResultError:
                self._run.journal.forget_result(unit.id, arrays=None if stored is None else stored[0])
                self._units.forget(unit.id)
                return False
        self._reconcile_at_end()
        return True

    def _reconcile_at_end(self) -> None:
        """Look for jobs that nobody waits for; the results are complete, so if that fails it is left to a later run."""
        if not self._run.service.is_durable:
            return
        try:
            if self.report.submitted:
                self._times.settle()
            self._run.duplicates.drop()
            is_due = not self._run.journal.listings.was_tried(self._run.service.places, idle=not self.report.submitted)
            if is_due and self._run.duplicates.is_watching():
                longest = _LAST_LISTING_SECONDS if self.report.submitted else _IDLE_LISTING_SECONDS
                last = self._run.within(longest).reconciliation
                last.reconcile()
                self._run.reconciliation.unplaced = last.unplaced
        except JournalError:
            raise
        except Exception as error:
            self.report.unlisted = " ".join(str(error).split())[:500] or type(error).__name__
            _LOG.warning(
                "The results are complete, but the service's jobs of %s could not be listed (%s). A later run looks "
                "for those that nobody waits for.", self._run.journal.path, self.report.unlisted,
            )  # fmt: skip

    def _raise_unfinished(self, units: Sequence[Unit]) -> None:
        # First those that have something to say.
        left = sorted((unit for unit in units if unit.state != DONE), key=lambda unit: unit.state == PLANNED)
        if not left:
            return
        done = len(units) - len(left)
        reasons = tuple(
            f"unit {unit.id}{f', job {unit.job}' if unit.job else ''}: "
            f"{self._collector.given_up.get(unit.id) or unit.reason or 'not submitted'}"
            for unit in left
        )
        first = "; ".join(reasons[:3]) + ("; …" if len(reasons) > 3 else "")
        kept = f" The {done} finished ones are in {self._run.journal.path} and are not run again." if done else ""
        last = {attempt.unit: attempt for attempt in self._run.journal.attempts([unit.id for unit in left])}
        advice = "Run the same again to try the rest."
        if any(attempt.was_refused for attempt in last.values()):
            advice = (
                "What the service does not take as it is will fail again, and may cost again: change what the reason "
                "names (circuits, shots or options) before the next run; that tries the rest as well."
            )
        raise RunIncompleteError(
            f"{len(left)} of {len(units)} units of work could not be finished ({first}).{kept} {advice}",
            done=done,
            unfinished=reasons,
        ) from (self._submitter.error or self._collector.error)


def _pending(units: Sequence[Unit]) -> int:
    return sum(unit.state in (SUBMITTING, SUBMITTED) for unit in units)
