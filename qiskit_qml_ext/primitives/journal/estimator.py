"""An estimator whose work survives."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from qiskit.primitives import BaseEstimatorV2
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike

from qiskit_qml_ext.checks import real_number
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.journal.job import JournaledJob
from qiskit_qml_ext.primitives.journal.primitive import JournaledPrimitive, PrimitiveContext
from qiskit_qml_ext.primitives.journal.run.policy import Policy
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.work.estimator_request import EstimatorRequest
from qiskit_qml_ext.primitives.journal.work.inputs import Provenance
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions
from qiskit_qml_ext.primitives.journal.work.requests import Approve, Count, Identify, Placement
from qiskit_qml_ext.primitives.pricing.spending import Spending
from qiskit_qml_ext.primitives.pub_values import ESTIMATOR_VALUES, checked_pubs

_FALLBACK_PRECISION = 0.015625  # 4,096 shots


class JournaledEstimator(JournaledPrimitive, BaseEstimatorV2):
    """A V2 estimator around another one that loses no result and pays for no shot twice.

    Every PUB with its parameter values, observables and precision is written to the journal before it is submitted, its
    job's id before it is waited for. The same program run again, in a new process, takes what is finished from the
    journal, fetches what was submitted, and submits only the rest.

    Asking for the same values twice through one estimator gives two independent results, as with any estimator; a
    program that is run again finds both of them.

    Args:
        estimator: The estimator that runs the circuits: of the Runtime client (either generation), of Aer, or another.
            Jobs of other estimators than Runtime's live only as long as the process, so unfinished ones run again.
        journal: The journal or the path of its file.
        policy: Limits and waiting times.
        seed: Makes simulators reproducible, with ``make`` only; part of the work's content.
        make: Makes an estimator like ``estimator`` for a seed.
        open_mode: Returns the Runtime session or batch to submit to; asked at the first submission.
        identify: Gives the content key of a circuit; by default its own content.
        place: Tells on which physical qubits a circuit's own qubits lie, if that is not part of the work's content.
        repetitions: Counts repetitions, if several primitives shall share a count.
        progress: Whether to show a progress bar; ``None`` means only on a terminal.
        approve: Gets circuits with their executions before anything is submitted, and may refuse with an exception.
        count: Gets the circuits and the executions of every job once it is submitted.
        spending: How the time of jobs is predicted, and what limits it; by default neither is done.
        provenance: Where the work comes from, for an export; by default the circuits themselves.
    """

    kind = "estimator"

    def __init__(
        self,
        estimator: BaseEstimatorV2,
        journal: Journal | str | os.PathLike[str],
        *,
        policy: Policy | None = None,
        seed: int | None = None,
        make: Callable[[int | None], BaseEstimatorV2] | None = None,
        open_mode: Callable[..., Any] | None = None,
        identify: Identify = circuit_key,
        place: Placement | None = None,
        repetitions: Repetitions | None = None,
        progress: bool | None = None,
        approve: Approve | None = None,
        count: Count | None = None,
        spending: Spending | None = None,
        provenance: Provenance | None = None,
    ):
        if not isinstance(estimator, BaseEstimatorV2):
            raise TypeError(f"estimator must be a V2 estimator, but a {type(estimator).__name__} came.")
        self._context = PrimitiveContext.of(
            estimator,
            journal,
            policy=policy,
            seed=seed,
            make=make,
            open_mode=open_mode,
            identify=identify,
            repetitions=repetitions,
            progress=progress,
            approve=approve,
            count=count,
            spending=spending,
            provenance=provenance,
        )
        self._place = place

    def run(self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None) -> JournaledJob:
        """Run circuits, as far as the journal does not hold their results.

        Args:
            pubs: Circuits with observables and parameter values, as for any V2 estimator.
            precision: The standard error wanted by the PUBs that do not say; by default the wrapped estimator's.

        Returns:
            A job; its result has the same form as the wrapped estimator's.

        Raises:
            JournalError: If the plan cannot be written.
            TypeError: If parameter values are not real numbers, or the precision is none.
            ValueError: If parameter values or the precision are not finite, or it is negative.
        """
        given = checked_pubs(pubs, ESTIMATOR_VALUES)
        wanted = None if precision is None else real_number("precision", precision, minimum=0.0)
        default = wanted if wanted is not None else self._context.service.default
        default = _FALLBACK_PRECISION if default is None else float(default)
        coerced = [EstimatorPub.coerce(pub, default) for pub in given]
        return self._start(self._request(coerced, self._context.repetitions))

    def _request(self, pubs: Sequence[EstimatorPub], repetitions: Repetitions) -> EstimatorRequest:
        return EstimatorRequest(
            pubs,
            target=self._context.service.target,
            options=self._context.service.options,
            seed=self._context.seed,
            identify=self._context.identify,
            repetitions=repetitions,
            place=self._place,
            max_executions=self._context.policy.max_executions,
            work=self._context.service.estimator_work,
            provenance=self._context.provenance,
        )
