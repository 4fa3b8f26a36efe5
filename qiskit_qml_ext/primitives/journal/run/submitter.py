"""Submitting a unit so that it is submitted once, whatever dies in between."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qiskit_qml_ext.exceptions import RunIncompleteError
from qiskit_qml_ext.primitives.journal.disk.places import shown
from qiskit_qml_ext.primitives.journal.disk.records import Unit
from qiskit_qml_ext.primitives.journal.run.context import RunContext
from qiskit_qml_ext.primitives.journal.run.refusals import Refusals
from qiskit_qml_ext.primitives.journal.service.backoff import Backoff
from qiskit_qml_ext.primitives.journal.service.faults import Fault, classify
from qiskit_qml_ext.primitives.journal.service.jobs import session_of
from qiskit_qml_ext.primitives.journal.service.reactions import Step
from qiskit_qml_ext.primitives.journal.store.tags import content_tag, is_listed
from qiskit_qml_ext.primitives.journal.work.inputs import DEVICE, device_part
from qiskit_qml_ext.primitives.targets.snapshot import snapshot_of

_CALIBRATION_SECONDS = 600.0
_MAX_REOPENED = 5


@dataclass(frozen=True)
class Posting:
    """What came of a submission."""

    moved: bool = True
    """Whether anything changed."""
    too_large: str | None = None
    """The service's words if the unit has to be halved."""
    behind: bool = False
    """Whether it was not sent because the service has jobs of the journal that match no unit."""


class Submitter:
    """Submits units and clears up submissions whose fate is not known.

    Args:
        run: What the run works with.
        count: Takes note of a unit that was submitted.
    """

    def __init__(self, run: RunContext, count: Callable[[Unit], None]):
        self._run = run
        self._count = count
        self._backoff = Backoff(run.policy.patience_seconds)
        self._began = time.monotonic()
        self._reopened = 0
        self.refused = False
        """Whether the service refused a unit for good, so that it makes no sense to submit others."""
        self.refusals = Refusals(run.policy)
        """What the service refuses for now."""
        self._posted: dict[str, float] = {}
        self._strange: dict[str, str] = {}
        self._kept: set[bytes] = set()
        self._calibration: tuple[float, str | None] | None = None
        self.error: BaseException | None = None

    def may_submit(self, pending: int) -> bool:
        """Tell whether a submission makes sense now.

        Args:
            pending: How many jobs of this work wait or run.
        """
        return not self.refused and self._backoff.pause() == 0 and self.refusals.may_try(pending)

    def calibration(self) -> str | None:
        """Return when the device was calibrated, asked anew every ten minutes."""
        now = time.monotonic()
        if self._calibration is None or now - self._calibration[0] > _CALIBRATION_SECONDS:
            self._calibration = (now, self._run.ask(self._run.service.calibration))
        return self._calibration[1]

    def keep_device(self, unit: Unit, calibration: str | None) -> None:
        """Write down what the device reports of itself, once for each calibration; for the record only."""
        part = device_part(unit.target, calibration, unit.settings)
        if part in self._kept:
            return
        self._kept.add(part)
        if not self._run.journal.has_part(part):
            device = self._run.device()
            if device is not None:
                said = snapshot_of(self._run.service.reported() or device)
                wanted = set(device.operation_names)  # a run may leave out gates that the device has
                said["instructions"] = {name: one for name, one in said["instructions"].items() if name in wanted}
                self._run.journal.add_part(part, DEVICE, json.dumps(said).encode())

    def submit(self, unit: Unit, tag: str, pubs: Sequence[Any], seed: int | None) -> Posting:
        """Submit a unit that was claimed for a new attempt, unless the service has jobs that may be the same."""
        if self._run.service.is_durable:
            try:
                matching = self._run.duplicates.matching_claimed(replace(unit, tag=tag))
                taken = self._run.reconciliation.take_over(unit, matching)
                is_behind = not taken and bool(self._run.reconciliation.without_unit(matching))
            except Exception:
                self._run.journal.withdraw(unit.id, tag=tag, owner=self._run.owner)
                raise
            if taken:
                return Posting()
            if is_behind:
                self._run.journal.withdraw(unit.id, tag=tag, owner=self._run.owner)
                return Posting(behind=True)
        return self._post(unit, tag, pubs, seed)

    def recover(self, unit: Unit, pubs: Sequence[Any] | None, seed: int | None) -> Posting:
        """Clear up a submission that got no answer: find its job by the tag, or else submit again with the same tag.

        The same tag is used, so that a request that arrives after all is found as a duplicate.

        Args:
            unit: The unit, in the state *submitting* and claimed by this run.
            pubs: Its PUBs; ``None`` if this run cannot build them.
            seed: Its seed.
        """
        tag = unit.tag or ""
        if self._find(unit) or self._is_out_of_sight(unit):
            return Posting()
        if not self._run.service.is_durable:
            self._run.journal.retry(unit.id, owner=self._run.owner, outcome="gone", reason="The process ended.")
            return Posting()
        if time.monotonic() < self._posted.get(tag, self._began) + self._run.policy.settle_seconds:
            return Posting(moved=False)
        if tag in self._strange:
            return self._give_up(unit, self._strange[tag])
        if pubs is None:
            self._run.journal.retry(
                unit.id, owner=self._run.owner, outcome="unsent", reason="It never reached the service."
            )
            return Posting()
        if self.refused or self._backoff.pause():
            return Posting(moved=False)
        self._run.journal.watch_anew([tag])
        return self._post(unit, tag, pubs, seed)

    def _post(self, unit: Unit, tag: str, pubs: Sequence[Any], seed: int | None) -> Posting:
        """Send the request and write down its job, or what went wrong."""
        if not self._run.journal.owns(unit.id, self._run.owner):
            return Posting()  # this process was suspended since its claim, and another one goes on with the unit
        tags = [self._run.journal.tag, content_tag(self._run.journal.tag, unit.content), tag]
        self._run.duplicates.posted.add(tag)
        try:
            job = self._run.service.submit(pubs, tags=tags, seed=seed)
        except Exception as error:
            self._posted[tag] = time.monotonic()
            return self._not_posted(replace(unit, tag=tag), tag, error)
        self._write_down(unit, tag, job)
        self._count(unit)
        self._reopened = 0
        self._backoff.over()
        self.refusals.over()
        return Posting()

    def _write_down(self, unit: Unit, tag: str, job: Any) -> None:
        known = self._run.journal.submitted(
            unit.id, tag=tag, job=job.job_id(), session=session_of(job), owner=self._run.owner
        )
        if not known and self._run.service.is_durable:
            # This process was taken for dead (suspended, perhaps), and another one goes on with the unit.
            self._run.duplicates.late(tag, job.job_id())

    def _find(self, unit: Unit) -> bool:
        """Write down the job of a unit's last attempt if the service has one, or another one that computes the same."""
        if not self._run.service.is_durable:
            return False
        tag = unit.tag or ""
        matching = self._run.duplicates.matching(unit)
        if not matching.own:
            return self._run.reconciliation.take_over(unit, matching)
        if tag in self._posted:  # else another process submitted it
            self._count(unit)
        self._write_down(unit, tag, self._run.duplicates.choose(tag, matching.own))
        return True

    def _is_out_of_sight(self, unit: Unit) -> bool:
        """Give up on a submission that went to another instance, whose jobs this run cannot list."""
        if is_listed(unit.tag or "", self._run.journal.tag, self._run.service.places):
            return False
        reason = (
            "It was being submitted to another instance of the service when its process ended, and whether it arrived "
            "can be seen there only. Run the program with that instance again; 'qiskit-qml-ext jobs "
            f"{shown(self._run.journal.path)} cancel --unit {unit.id}' allows it to be submitted anew."
        )
        self._run.journal.fail(unit.id, owner=self._run.owner, outcome="lost", reason=reason, lost=True)
        return True

    def _not_posted(self, unit: Unit, tag: str, error: Exception) -> Posting:
        """React to an exception of the client; even a clear refusal may follow an earlier acceptance in one call."""
        fault = classify(error)
        if not self._run.service.is_durable:
            self.error = error
            return self._give_up(unit, fault.reason)
        if fault.reaction.step is Step.SEARCH:
            if fault.is_network:
                self._backoff.note(fault, error)
            else:
                self._strange[tag] = fault.reason
                self.error = error
            return Posting(moved=False)
        if self._find(unit):
            return Posting()
        return self._react(unit, fault, error)

    def _react(self, unit: Unit, fault: Fault, error: Exception) -> Posting:
        reaction = fault.reaction
        if reaction.step is Step.HALVE:
            return Posting(too_large=fault.reason)
        if reaction.step is Step.GIVE_UP:
            self.error = error
            return self._give_up(unit, fault.reason)
        self._run.journal.retry(
            unit.id, owner=self._run.owner, outcome=fault.meaning.name.lower().replace("_", " "), reason=fault.reason
        )
        if reaction.holds_back:
            self.refusals.note(fault, error)
        if reaction.reopens:
            self._reopened += 1
            if self._reopened > _MAX_REOPENED:
                raise RunIncompleteError(f"The service closed {self._reopened} sessions in a row: {fault.reason}")
            self._run.service.reopen()
        if reaction.ends_run:
            raise error
        return Posting()

    def _give_up(self, unit: Unit, reason: str) -> Posting:
        self._run.journal.fail(unit.id, owner=self._run.owner, outcome="refused", reason=reason)
        self.refused = True
        return Posting()
