"""Holding a journal's file against the service: the file may be older than what was submitted with it.

That is so for a copy made without the file beside it, for a restored backup, and while another copy is in use. The jobs
that the file does not know are found by the journal's tag. One that computes what a unit still needs is taken over. One
that computes what a unit has already is reported once it ran, and never cancelled, for another copy may wait for it.
While there are others, nothing is submitted: they may be the same work cut in another way.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from functools import partial
from typing import Any

from qiskit_qml_ext.exceptions import JournalBehindError
from qiskit_qml_ext.primitives.journal.disk.places import shown
from qiskit_qml_ext.primitives.journal.disk.queries import content_of
from qiskit_qml_ext.primitives.journal.disk.records import DONE, FAILED, LOST, PLANNED, SUBMITTED, Duplicate, Unit
from qiskit_qml_ext.primitives.journal.run.duplicates import Duplicates, MatchingJobs, Stray
from qiskit_qml_ext.primitives.journal.service.jobs import (
    CANCELLED,
    ERROR,
    FINISHED,
    QUEUED,
    cancel,
    created,
    did_run,
    is_older,
    session_of,
    status_of,
)
from qiskit_qml_ext.primitives.journal.service.timed_calls import TimedCalls
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.tags import Marks, content_tag, read_marks

_ENOUGH = 20

Recut = Callable[[set[bytes]], bool]
"""Cuts planned units where that makes some with these contents; returns whether there are any."""


class Reconciliation:
    """Finds a place for jobs that the file does not know.

    Args:
        journal: The file.
        duplicates: Lists the jobs.
        ask: Asks the service questions.
        owner: The claim of the run.
    """

    def __init__(self, journal: Journal, duplicates: Duplicates, ask: TimedCalls, *, owner: str):
        self._journal = journal
        self._duplicates = duplicates
        self._ask = ask
        self._owner = owner
        self.adopted: list[str] = []
        """The jobs that were taken over."""
        self.unplaced: list[Stray] = []
        """The jobs for which there was no place when the service was last asked."""

    def reconcile(self, recut: Recut = lambda contents: False) -> None:
        """List the jobs of the journal and account for each."""
        clean, began = False, time.monotonic()
        try:
            self._duplicates.account_for_all(partial(self._place, recut))
            clean = not self.unplaced
        finally:
            known = self._duplicates.accounted if clean else []
            self._journal.listings.note(self._duplicates.places, clean=clean, began=began, known=known)
        if self.unplaced:
            self._journal.note_unknown([stray.id for stray in self.unplaced])

    def require_places(self) -> None:
        """See that there is a place for every job before anything is submitted.

        Raises:
            JournalBehindError: If there is not.
        """
        if not self.unplaced:
            return
        journal, strays = self._journal, self.unplaced
        first = ", ".join(f"{stray.id} ({_date(stray)})" for stray in strays[:3])
        raise JournalBehindError(
            f"The service has {len(strays)} job{'s' * (len(strays) > 1)} of the journal {journal.path} that the file "
            f"does not know and that match none of its work: {first}{', …' if len(strays) > 3 else ''}. "
            f"{self._origins()}. Either another copy of the journal was or is in use, or this file is older than its "
            "own work (a backup that was put back, or a copy without the file ending in -wal). They may be work that "
            "would now be paid again, so nothing more is submitted. Use the newest file of this journal. If there is "
            f"none, 'qiskit-qml-ext jobs {shown(journal.path)} disown' says that these jobs shall not be waited for; "
            "then run again."
        )

    def _origins(self) -> str:
        """Say with which files the jobs without a place were submitted, as far as their labels tell."""
        journal = self._journal
        counts = Counter[str]()
        for stray in self.unplaced:
            if stray.marks.lineage == journal.lineage:
                counts["this file"] += 1
            elif stray.marks.lineage in journal.former_lineages:
                counts["the file that this one is a copy of, or was before it was moved"] += 1
            else:
                counts["another copy of it"] += 1
        if len(counts) == 1:
            ((origin, count),) = counts.items()
            return f"{'It was' if count == 1 else 'All of them were'} submitted with {origin}"
        parts = [
            f"{count} {'was' if count == 1 else 'were'} submitted with {origin}" for origin, count in counts.items()
        ]
        return "; ".join(parts)

    def without_unit(self, matching: MatchingJobs) -> list[Stray]:
        """Return those unknown jobs of a listing that match no unit of the file."""
        contents = {stray.marks.content for stray in matching.others if stray.marks.content}
        known = {unit.content for unit in self._journal.units_with(contents)} if contents else set()
        return [stray for stray in matching.others if stray.marks.content not in known]

    def take_back(self, unit: Unit, job: Any, matching: MatchingJobs) -> bool:
        """Take a job of this run back that waits still, if a copy of the file submitted unknown work before it.

        Both have listed the jobs before either submitted. The unit is planned again, and whether it may be submitted is
        asked for then.

        Returns:
            Whether it was done.
        """
        tag = unit.tag or ""
        if tag not in self._duplicates.posted or not self._duplicates.may_cancel(tag):
            return False
        older = [stray for stray in self.without_unit(matching) if is_older(stray.job, job)]
        if not any(self._duplicates.furthest([stray.job], live=True) for stray in older):
            return False
        if self._ask(partial(status_of, job)) != QUEUED:
            return False
        self._ask(partial(cancel, job))
        if self._ask(partial(did_run, job)):
            return False
        reason = f"A copy of the journal submitted the job {older[0].id} at the same time; it may be the same work."
        self._journal.retry(unit.id, owner=self._owner, outcome="not needed", reason=reason)
        self._journal.add_duplicate(job.job_id(), tag, executed=False)
        return True

    def disown(self) -> list[str]:
        """Write down that nobody waits for the jobs without a place; return them.

        Should their content be asked for some day, they are taken over all the same.
        """
        strays, self.unplaced = self.unplaced, []
        for stray in strays:
            self._journal.add_duplicate(stray.id, self._tag_of(stray), executed=True)
        return [stray.id for stray in strays]

    def _place(self, recut: Recut, strays: list[Stray]) -> set[bytes]:
        """Account for jobs that the file does not know; return the contents of those to be looked at again."""
        self.unplaced, self._waiting = [], set[bytes]()
        groups: dict[bytes, list[Stray]] = {}
        for stray in strays:
            groups.setdefault(stray.marks.content or b"", []).append(stray)
        homeless = self._place_groups(groups)
        contents = {content for content in homeless if content}
        if contents and recut(contents):
            homeless = self._place_groups(homeless)
        left = [stray for group in homeless.values() for stray in group]
        self.unplaced = [stray for stray in self._living(left) if not stray.is_noted]
        self.unplaced.sort(key=lambda stray: created(stray.job))
        return self._waiting

    def _place_groups(self, groups: dict[bytes, list[Stray]]) -> dict[bytes, list[Stray]]:
        """Place jobs by content; return those for which there is no unit."""
        units: dict[bytes, Unit] = {}
        for unit in self._journal.units_with(groups):
            units[unit.content] = unit
        for content, group in groups.items():
            if content in units:
                self._place_group(units[content], group)
        return {content: group for content, group in groups.items() if content not in units}

    def _place_group(self, unit: Unit, group: list[Stray]) -> None:
        if not unit.num_items:  # what a repair kept of a unit; planning it anew makes it whole
            self._waiting.add(unit.content)
            return
        if unit.state in (PLANNED, FAILED, LOST) or (unit.state == DONE and unit.tag is None):
            best = self._duplicates.furthest([stray.job for stray in group], live=True)
            taken = next((stray for stray in group if stray.job is best), None)
            if taken is not None and self._adopt(unit, taken, owner=None):
                group = [stray for stray in group if stray is not taken]
        elif unit.state not in (SUBMITTED, DONE):
            self._waiting.add(unit.content)  # it is being submitted or recovered
            return
        for stray in group:
            if stray.is_noted:
                continue
            status = self._ask(partial(status_of, stray.job))
            if status in (FINISHED, ERROR, CANCELLED):
                executed = self._ask(partial(did_run, stray.job))
                self._journal.add_duplicate(stray.id, self._tag_of(stray), executed=executed)
            else:
                self._waiting.add(unit.content)

    def _adopt(self, unit: Unit, stray: Stray, *, owner: str | None) -> bool:
        """Take over a job for a unit that needs it; return whether it was done."""
        taken = self._journal.adopt(
            unit.id, tag=stray.tag, job=stray.id, session=session_of(stray.job),
            created=created(stray.job), owner=owner, reason=f"The job {stray.id} computes the same.",
        )  # fmt: skip
        if taken:
            self.adopted.append(stray.id)
        return taken

    def take_over(self, unit: Unit, matching: MatchingJobs) -> bool:
        """Go on with a job that computes what a unit does and that nobody waits for here, if there is one.

        Args:
            unit: A unit under way that belongs to this run.
            matching: The jobs that compute the same, from :meth:`Duplicates.matching`.

        Returns:
            Whether there is one.
        """
        late = [
            Stray(job, attempt.tag, Marks(), False)
            for job, attempt in matching.late
            if self._duplicates.is_free(job, attempt)
        ]
        for stray in [*matching.strays, *late]:
            if self._duplicates.furthest([stray.job], live=True) and self._adopt(unit, stray, owner=self._owner):
                return True
        return False

    def settle(self, unit: Unit, job: Any, matching: MatchingJobs) -> Any:
        """Return the job to wait for, where a copy of the file has submitted the same at the same time.

        Of two copies, the one whose job is younger takes it back while it is in the queue, and waits for the older.

        Args:
            unit: A submitted unit that belongs to this run.
            job: Its job.
            matching: The jobs that compute the same.
        """
        if not self._duplicates.may_cancel(unit.tag or ""):
            return job
        for stray in matching.strays:
            if stray.is_noted or not is_older(stray.job, job) or not self._duplicates.furthest([stray.job], live=True):
                continue
            if self._ask(partial(status_of, job)) != QUEUED:
                break
            self._ask(partial(cancel, job))
            if self._ask(partial(did_run, job)):
                break
            if self._adopt(unit, stray, owner=self._owner):
                self._journal.add_duplicate(job.job_id(), unit.tag or "", executed=False)
                return stray.job
            break
        return job

    def _living(self, group: list[Stray]) -> list[Stray]:
        """Return the jobs of which something may still come; of the others it is written down.

        Each is a question to the service; when enough have answered that they live, the rest is taken to live as well.
        """
        living: list[Stray] = []
        for stray in group:
            is_taken_so = stray.is_noted or len(living) >= _ENOUGH
            if is_taken_so or self._ask(partial(status_of, stray.job)) not in (ERROR, CANCELLED):
                living.append(stray)
            else:
                executed = self._ask(partial(did_run, stray.job))
                self._journal.add_duplicate(stray.id, self._tag_of(stray), executed=executed)
        return living

    def _tag_of(self, stray: Stray) -> str:
        """Return the tag under which a job is on record."""
        content = stray.marks.content
        return stray.tag if content is None else content_tag(self._journal.tag, content)


def cut_to(keys: Sequence[bytes], contents: set[bytes]) -> list[Sequence[bytes]] | None:
    """Halve a unit's items until parts have some of these contents.

    Returns:
        All parts in order; ``None`` if no halves have such a content.
    """
    if content_of(keys) in contents:
        return [keys]
    if len(keys) < 2:
        return None
    middle = len(keys) // 2
    halves = keys[:middle], keys[middle:]
    cut = [cut_to(half, contents) for half in halves]
    if cut == [None, None]:
        return None
    return [part for half, parts in zip(halves, cut, strict=True) for part in parts or [half]]


def is_of_copy(duplicates: Duplicate) -> bool:
    """Tell whether a job was submitted with another copy of the file, or with this one before it lost work."""
    return read_marks([duplicates.tag], duplicates.tag.rpartition("-c")[0]).content is not None


def duplicates_of(journal: Journal, *units: Unit) -> list[Duplicate]:
    """Return the jobs that compute what these units do, and that nobody waits for."""
    tags = {attempt.tag for attempt in journal.attempts([unit.id for unit in units])}
    return journal.duplicates(tags=tags | {content_tag(journal.tag, unit.content) for unit in units})


def _date(stray: Stray) -> str:
    date = datetime.fromtimestamp(created(stray.job), timezone.utc)
    return date.strftime("submitted %Y-%m-%d %H:%M:%S UTC")
