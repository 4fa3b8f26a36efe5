"""Jobs that nobody waits for: found by their tags, cancelled while queued, else reported.

The client submits again by itself when the service answers 500 after it has accepted a job; a killed or suspended
process's request may arrive minutes after another process has sent it again; and a copy of the journal's file may do
the same work. Whatever the service makes of an attempt carries its tag, and whatever computes the same carries the tag
of the content. An attempt is watched until the service was asked so long after its beginning that nothing of it can be
under way any more.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.moments import Moment, moment
from qiskit_qml_ext.primitives.journal.disk.records import Attempt, Unit
from qiskit_qml_ext.primitives.journal.service.jobs import (
    FINISHED,
    QUEUED,
    RUNNING,
    JobGoneError,
    cancel,
    did_run,
    status_of,
)
from qiskit_qml_ext.primitives.journal.service.services import Service
from qiskit_qml_ext.primitives.journal.service.timed_calls import TimedCalls
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.tags import Marks, content_tag, is_listed, read_marks

_FRESH_SECONDS = 1.0  # the jobs of another copy are seen after this time and the way of a request at the latest
_ORDER = {FINISHED: 0, RUNNING: 1, QUEUED: 2}


@dataclass(frozen=True)
class Stray:
    """A job of this journal that its file does not know: the file is behind, or a copy of it was used."""

    job: Any
    """The job."""
    tag: str
    """The tag of the attempt that made it."""
    marks: Marks
    """What its tags say."""
    is_noted: bool
    """Whether it is on record as a job that nobody waits for."""

    @property
    def id(self) -> str:
        """The job's id."""
        return str(self.job.job_id())


@dataclass
class MatchingJobs:
    """The jobs of a listing, by what this file knows of them."""

    own: list[Any] = field(default_factory=list)
    """Jobs of the attempt in question."""
    late: list[tuple[Any, Attempt]] = field(default_factory=list)
    """Jobs of known attempts that wait for none, or for another one."""
    strays: list[Stray] = field(default_factory=list)
    """Jobs of attempts that the file does not know."""
    others: list[Stray] = field(default_factory=list)
    """Jobs of attempts that the file does not know, which compute something else."""
    attempts: list[Attempt] = field(default_factory=list)
    """All attempts, as they were known after the listing."""


class Duplicates:
    """Keeps one job of each attempt and gets rid of the others.

    Args:
        service: Where the jobs are.
        journal: Where they are written down.
        ask: Runs a question to the service within the time that a question may take.
        watch_seconds: How long the service may have a submission under way.
    """

    def __init__(self, service: Service, journal: Journal, ask: TimedCalls, *, watch_seconds: float):
        self._service = service
        self._journal = journal
        self._ask = ask
        self._watch_seconds = watch_seconds
        self._to_drop: dict[str, str] = {}
        self._listed: tuple[float, list[Any]] = (-math.inf, [])
        self._pass_began = math.inf
        self.posted = set[str]()
        """The tags of the attempts that this run made."""
        self.accounted: list[str] = []
        """All jobs of the journal, if none of them has to be accounted for again."""

    @property
    def places(self) -> tuple[str, ...]:
        """Where the jobs lie that are listed."""
        return self._service.places

    def matching(self, unit: Unit) -> MatchingJobs:
        """Return the jobs that compute what a unit does, those of its last attempt apart."""
        tag = unit.tag or ""
        is_marked = not tag or read_marks([tag], self._journal.tag).attempt is not None
        wanted = content_tag(self._journal.tag, unit.content) if is_marked else tag
        return self._sorted_out(self._ask(lambda: self._service.find(wanted)), own=tag)

    def begin_pass(self) -> None:
        """Say that the states of units were read just now: jobs listed from now on tell of what was submitted then."""
        self._pass_began = time.monotonic()

    def matching_posted(self, unit: Unit) -> MatchingJobs:
        """Return the jobs that compute what a submitted unit does; one listing serves all units of a pass."""
        matching = self._matching_among(self._newest(min(self._pass_began, time.monotonic())), unit)
        return matching if matching.own else self.matching(unit)

    def matching_claimed(self, unit: Unit) -> MatchingJobs:
        """Return the jobs that compute what a unit does that is to be submitted, and all others that are unknown."""
        matching = self._matching_among(self._newest(time.monotonic() - _FRESH_SECONDS), unit)
        wanted = content_tag(self._journal.tag, unit.content)
        if (
            not matching.strays
            and self._journal.listings.known(self.places)
            and self._journal.duplicates(tags=[wanted])
        ):
            return replace(self.matching(unit), others=matching.others)  # what nobody waited for may be long ago
        return matching

    def _newest(self, since: float) -> list[Any]:
        """List the jobs of the journal that are newer than those accounted for, unless it was done since a time."""
        if self._listed[0] < since:
            began, known = time.monotonic(), self._journal.listings.known(self.places)
            self._listed = began, self._ask(lambda: self._service.find(self._journal.tag, known))
        return self._listed[1]

    def _matching_among(self, jobs: Sequence[Any], unit: Unit) -> MatchingJobs:
        """Return those of some jobs that compute what a unit does, and apart from them the unknown others."""
        wanted = content_tag(self._journal.tag, unit.content)
        matching = self._sorted_out(jobs, own=unit.tag)
        others = [stray for stray in matching.strays if wanted not in stray.job.tags and not stray.is_noted]
        strays = [stray for stray in matching.strays if wanted in stray.job.tags]
        late = [(job, attempt) for job, attempt in matching.late if wanted in job.tags]
        return replace(matching, strays=strays, late=late, others=others)

    def choose(self, tag: str, jobs: Sequence[Any]) -> Any:
        """Return the job to keep, the furthest one and of equals the oldest; the others are noted for dropping."""
        best = self.furthest(jobs)
        for job in jobs:
            if job is not best:
                self.note(job.job_id(), tag)
        return best

    def furthest(self, jobs: Sequence[Any], *, live: bool = False) -> Any:
        """Return the job that is done, or else runs, or else waits; of equals the first.

        Args:
            jobs: The jobs, oldest first.
            live: Whether one that failed or was cancelled is none; then ``None`` may be returned.
        """
        if not jobs or (len(jobs) == 1 and not live):
            return jobs[0] if jobs else None
        states = [self._ask(partial(status_of, job)) for job in jobs]
        best = min(range(len(jobs)), key=lambda place: (_ORDER.get(states[place], 3), place))
        return jobs[best] if not live or states[best] in _ORDER else None

    def note(self, job: str, tag: str) -> None:
        """Note a job for dropping."""
        self._to_drop[job] = tag

    def late(self, tag: str, job: str) -> None:
        """Note the job of a submission that another process took over while its answer was on the way."""
        attempt = next((attempt for attempt in self._journal.attempts() if attempt.tag == tag), None)
        if attempt is None or attempt.job == job:
            return
        self._journal.watch_anew([tag])
        if attempt.job is not None or attempt.outcome != "open":
            self.note(job, tag)

    def drop(self) -> None:
        """Cancel the noted jobs, and write down whether they ran all the same; those that go on stay noted."""
        for job, tag in list(self._to_drop.items()):
            executed = self._ask(partial(self._cancel, job, self.may_cancel(tag)))
            if executed is not None:
                self._journal.add_duplicate(job, tag, executed=executed)
                del self._to_drop[job]

    def is_free(self, job: Any, attempt: Attempt) -> bool:
        """Tell whether a job of an attempt that waits for none may still be wanted."""
        return job.job_id() not in self._to_drop and not _is_awaited(attempt)

    def may_cancel(self, tag: str) -> bool:
        """Tell whether jobs of an attempt are this file's to cancel; a copy of it may wait for those of others."""
        marks = read_marks([tag], self._journal.tag)
        return marks.content is None and marks.lineage in (None, self._journal.lineage)

    def is_watching(self) -> bool:
        """Tell whether the service may still make jobs that nobody waits for, where this run can see them."""
        return any(attempt.watched and self._is_here(attempt) for attempt in self._journal.attempts())

    def account_for_all(self, place: Callable[[list[Stray]], set[bytes]]) -> None:
        """List all jobs of the journal once, and account for each.

        Args:
            place: Finds out what to do with the jobs that the file does not know, and returns the contents for which
                it has to be asked again.
        """
        began, self.accounted = moment(), []
        asked = time.monotonic()
        jobs = self._ask(lambda: self._service.find(self._journal.tag))
        self._listed = asked, jobs
        matching = self._sorted_out(jobs)
        awaited = {attempt.tag for _, attempt in matching.late if _is_awaited(attempt)}
        for job, attempt in matching.late:
            if attempt.tag not in awaited:  # else another process, or a later step of this one, is about to find it
                self.note(job.job_id(), attempt.tag)
        self.drop()
        contents = place(matching.strays)
        if not matching.late and all(stray.is_noted for stray in matching.strays):
            self.accounted = [job.job_id() for job in jobs]
        still = {unit.id for unit in self._journal.units_with(contents)} if contents else set()
        self._close(began, [
            attempt for attempt in matching.attempts
            if attempt.watched and attempt.tag not in (*awaited, *self._to_drop.values()) and attempt.unit not in still
        ])  # fmt: skip

    def _close(self, began: Moment, attempts: Iterable[Attempt]) -> None:
        """End the watch over attempts that were begun long before a listing that shows no more of their jobs."""
        over, stamped = [], []
        for attempt in attempts:
            age = attempt.moment.seconds_until(began)
            if age is None:
                stamped.append(attempt.tag)  # the ticks of another start say nothing: count from now on
            elif age >= self._watch_seconds and self._is_here(attempt):
                over += [] if _is_awaited(attempt) else [attempt.number]
        if over:
            self._journal.close_watch(over)
        if stamped:
            self._journal.watch_anew(stamped)

    def _is_here(self, attempt: Attempt) -> bool:
        """Tell whether an attempt's jobs are among those that the service lists."""
        return is_listed(attempt.tag, self._journal.tag, self.places)

    def _sorted_out(self, jobs: Iterable[Any], own: str | None = None) -> MatchingJobs:
        """Tell jobs apart by what the file knows.

        An attempt is on the disk before its request leaves; so if the attempts are read after the jobs, those of every
        job are known that a process with this file has submitted.
        """
        jobs = list(jobs)
        attempts = self._journal.attempts()
        by_tag = {attempt.tag: attempt for attempt in attempts}
        on_record = {attempt.job for attempt in attempts}
        noted = {item.job for item in self._journal.duplicates()}
        matching = MatchingJobs(attempts=attempts)
        for job in jobs:
            name, tags = job.job_id(), job.tags or []
            if own is not None and own in tags and name not in noted:
                matching.own.append(job)
            elif name in on_record:
                continue
            elif attempt := next((by_tag[tag] for tag in tags if tag in by_tag), None):
                matching.late += [] if name in noted else [(job, attempt)]
            else:
                marks = read_marks(tags, self._journal.tag)
                if marks.attempt is not None:  # others carry the journal's tag by the user's hand
                    matching.strays.append(Stray(job, marks.attempt, marks, name in noted))
        return matching

    def _cancel(self, name: str, may_cancel: bool) -> bool | None:
        """Cancel a job and return whether it ran; ``None`` if it goes on."""
        try:
            job = self._service.fetch(name)
        except JobGoneError:
            return False
        if status_of(job) in (QUEUED, RUNNING):
            if not may_cancel:
                return None
            cancel(job)
            job = self._service.fetch(name)
        return did_run(job)


def _is_awaited(attempt: Attempt) -> bool:
    return attempt.job is None and attempt.outcome == "open"
