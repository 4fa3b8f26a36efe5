"""What a sampler and an estimator whose work survives have in common."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from typing_extensions import Self

from qiskit_qml_ext.checks import LARGEST_SEED, optional_whole_number
from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.job import JournaledJob
from qiskit_qml_ext.primitives.journal.run.context import RunContext
from qiskit_qml_ext.primitives.journal.run.policy import Policy, check_policy
from qiskit_qml_ext.primitives.journal.run.progress import Progress
from qiskit_qml_ext.primitives.journal.run.runner import Runner
from qiskit_qml_ext.primitives.journal.service.services import Service, service_for
from qiskit_qml_ext.primitives.journal.service.timed_calls import within
from qiskit_qml_ext.primitives.journal.store.job_times import past_jobs
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.work.identity import device_behind
from qiskit_qml_ext.primitives.journal.work.inputs import Provenance
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions
from qiskit_qml_ext.primitives.journal.work.requests import Approve, Count, Identify, Request
from qiskit_qml_ext.primitives.pricing.job_time import JobTime, learned
from qiskit_qml_ext.primitives.pricing.quota import InstanceUsage
from qiskit_qml_ext.primitives.pricing.spending import Spending, Spent
from qiskit_qml_ext.primitives.targets.angle_limits import LimitedEstimator, LimitedSampler
from qiskit_qml_ext.primitives.watched import unwatched

_LONGEST_QUESTION = 20.0  # seconds; a plan does not wait for a service that is away
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class PrimitiveContext:
    """What all requests of a journaled primitive have in common; see :class:`JournaledSampler` for the arguments."""

    service: Service
    """What runs the units."""
    journal: Journal
    """Where everything is written down."""
    policy: Policy
    """Limits and waiting times."""
    seed: int | None
    """The user's seed, for simulators."""
    identify: Identify
    """Gives the content key of a circuit."""
    repetitions: Repetitions
    """Counts repetitions."""
    progress: bool | None
    """Whether to show a progress bar; ``None`` means only on a terminal."""
    approve: Approve | None
    """Gets circuits with their executions before anything is submitted."""
    count: Count | None
    """Takes note of every job that is submitted."""
    spending: Spending
    """How the time of jobs is predicted, and what limits it."""
    provenance: Provenance
    """Where the work comes from, for an export."""

    @classmethod
    def of(
        cls,
        primitive: Any,
        journal: Journal | str | os.PathLike[str],
        *,
        policy: Policy | None,
        seed: int | None,
        make: Callable[[int | None], Any] | None,
        open_mode: Callable[..., Any] | None,
        identify: Identify,
        repetitions: Repetitions | None,
        progress: bool | None,
        approve: Approve | None,
        count: Count | None,
        spending: Spending | None,
        provenance: Provenance | None,
    ) -> Self:
        """Check the arguments of a journaled primitive, and fill in what was left to it."""
        if isinstance(primitive, (LimitedSampler, LimitedEstimator)):
            raise TypeError(
                "The device of this connection takes some angles only, which the connection watches over. Let it keep "
                "the journal too: connect(…, journal=FILE) instead of a journaled primitive around its own."
            )
        _check_settings(journal, policy, progress=progress)
        if spending is not None and not isinstance(spending, Spending):
            raise TypeError(f"spending must be a Spending or None, but {spending!r} ({type(spending).__name__}) came.")
        _check_callables(make=make, open_mode=open_mode, identify=identify, approve=approve, count=count)
        seed = optional_whole_number("seed", seed, minimum=0, maximum=LARGEST_SEED)
        opened = journal if isinstance(journal, Journal) else Journal(journal)
        primitive, watch = unwatched(primitive)  # of a connection: asked before a run, and not in the middle of it
        if watch is not None:
            approve, count = approve or watch.approve, count or watch.count
        return cls(
            service=service_for(primitive, make=make, open_mode=open_mode),
            journal=opened,
            policy=policy or Policy(),
            seed=seed,
            identify=identify,
            repetitions=repetitions or Repetitions(),
            progress=progress,
            approve=approve,
            count=count,
            spending=spending or Spending(),
            provenance=(provenance or Provenance(device=lambda: device_behind(primitive))).of(
                seed=seed, max_executions=(policy or Policy()).max_executions
            ),
        )


class JournaledPrimitive:
    """A primitive around another one that writes its work down."""

    _context: PrimitiveContext
    """What its requests have in common; made by the subclasses of their arguments."""

    kind: ClassVar[str]
    """The kind of its requests."""

    @property
    def journal(self) -> Journal:
        """The journal."""
        return self._context.journal

    def job_time(self) -> JobTime:
        """Return what jobs like those of this primitive take, by what the journal knows of them."""
        service, records = self._context.service, self.journal.job_records()
        past = past_jobs(records, target=service.target, kind=self.kind, options=service.options)
        waited = [record.note.queue_seconds for record in records if record.target == service.target]
        queued = [wait for wait in waited if wait is not None]
        return learned(self._context.spending.documented, past, queued)

    def spent(self) -> Spent:
        """Return what all jobs of the journal took of a processor's time, and what is reserved for those under way."""
        return self.journal.spent(here=not self._context.service.is_durable)

    def room(self, seconds: float | None) -> list[str]:
        """Say what limits on processor time leave for more jobs, by what those of the journal took and will take.

        Args:
            seconds: What more jobs are predicted to take; ``None`` if that is not known.
        """
        spending, here = self._context.spending, not self._context.service.is_durable
        usage = _usage_of(self._context.service) if spending.asks_service else None
        said = []
        if usage is not None and usage.remaining_seconds is None:
            said.append("The service does not say how much processor time is left, so it limits nothing.")
        for limit in spending.limits_now(usage):
            so_far = self.journal.spent(here=here, window_seconds=limit.window_seconds)
            said.append(limit.room(so_far, seconds))
        return said

    def _start(self, request: Request) -> JournaledJob:
        """Plan and approve a request; where that fails, nothing of it counts as asked for.

        What the service has already, though the journal's file does not know it, is taken over first, so that approval
        is asked for the rest only. If the service cannot be asked now, it is asked for all and the run looks again.
        """
        context = self._context
        run = RunContext.of(
            context.service,
            context.journal,
            context.policy,
            seed=context.seed,
            spending=context.spending,
            device=context.provenance.device,
        )
        runner = Runner(run, request, progress=Progress(context.progress), count=context.count)
        try:
            runner.plan()
            if context.approve is not None:
                self._reconcile(runner)
                context.approve(runner.unsubmitted())
        except BaseException:
            request.give_back()
            raise
        return JournaledJob(runner, give_back=request.give_back)

    @staticmethod
    def _reconcile(runner: Runner) -> None:
        try:
            runner.reconcile()
        except JournalError:
            raise
        except Exception as error:
            _LOG.info("The service could not be asked before the run: %s", error)

    def close(self) -> None:
        """Close sessions or batches that were opened in place of closed ones."""
        self._context.service.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._context.service.target!r}, {self.journal!r})"


def _usage_of(service: Service) -> InstanceUsage:
    """Ask a service what is left; nothing is known where it cannot be asked."""
    try:
        return InstanceUsage.of(within(_LONGEST_QUESTION, service.usage))
    except Exception as error:
        _LOG.info("The service could not be asked what is left: %s", error)
        return InstanceUsage()


def _check_settings(journal: object, policy: object, *, progress: object) -> None:
    if not isinstance(journal, (Journal, str, os.PathLike)):
        raise TypeError(
            f"journal must be a Journal or the path of its file, but {journal!r} ({type(journal).__name__}) came."
        )
    check_policy(policy)
    if progress is not None and not isinstance(progress, bool):
        raise TypeError(f"progress must be True, False or None, but {progress!r} ({type(progress).__name__}) came.")


def _check_callables(**given: object) -> None:
    for name, value in given.items():
        if value is not None and not callable(value):
            raise TypeError(f"{name} must be a function or None, but {value!r} ({type(value).__name__}) came.")
