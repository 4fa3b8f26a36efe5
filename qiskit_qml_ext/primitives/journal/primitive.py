"""What a sampler and an estimator whose work survives have in common."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from typing_extensions import Self

from qiskit_qml_ext.checks import LARGEST_SEED, optional_whole_number
from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.job import JournaledJob
from qiskit_qml_ext.primitives.journal.run.context import RunContext
from qiskit_qml_ext.primitives.journal.run.policy import Policy, check_policy
from qiskit_qml_ext.primitives.journal.run.progress import Progress
from qiskit_qml_ext.primitives.journal.run.runner import Runner
from qiskit_qml_ext.primitives.journal.service.services import Service, service_for
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.work.identity import device_behind
from qiskit_qml_ext.primitives.journal.work.inputs import Provenance
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions
from qiskit_qml_ext.primitives.journal.work.requests import Approve, Identify, Request
from qiskit_qml_ext.primitives.targets.angle_limits import LimitedEstimator, LimitedSampler

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
        provenance: Provenance | None,
    ) -> Self:
        """Check the arguments of a journaled primitive, and fill in what was left to it."""
        if isinstance(primitive, (LimitedSampler, LimitedEstimator)):
            raise TypeError(
                "The device of this connection takes some angles only, which the connection watches over. Let it keep "
                "the journal too: connect(…, journal=FILE) instead of a journaled primitive around its own."
            )
        _check_settings(journal, policy, progress=progress)
        _check_callables(make=make, open_mode=open_mode, identify=identify, approve=approve)
        opened = journal if isinstance(journal, Journal) else Journal(journal)
        return cls(
            service=service_for(primitive, make=make, open_mode=open_mode),
            journal=opened,
            policy=policy or Policy(),
            seed=optional_whole_number("seed", seed, minimum=0, maximum=LARGEST_SEED),
            identify=identify,
            repetitions=repetitions or Repetitions(),
            progress=progress,
            approve=approve,
            provenance=(provenance or Provenance(device=lambda: device_behind(primitive))).of(
                seed=seed, max_executions=(policy or Policy()).max_executions
            ),
        )


class JournaledPrimitive:
    """A primitive around another one that writes its work down."""

    _context: PrimitiveContext
    """What its requests have in common; made by the subclasses of their arguments."""

    @property
    def journal(self) -> Journal:
        """The journal."""
        return self._context.journal

    def _start(self, request: Request) -> JournaledJob:
        """Plan and approve a request; where that fails, nothing of it counts as asked for.

        What the service has already, though the journal's file does not know it, is taken over first, so that approval
        is asked for the rest only. If the service cannot be asked now, it is asked for all and the run looks again.
        """
        context = self._context
        run = RunContext.of(
            context.service, context.journal, context.policy, seed=context.seed, device=context.provenance.device
        )
        runner = Runner(run, request, progress=Progress(context.progress))
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
