"""A sampler whose work survives."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from qiskit.primitives import BaseSamplerV2
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike

from qiskit_qml_ext.checks import LARGEST_SHOTS, optional_whole_number, whole_number
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.journal.job import JournaledJob
from qiskit_qml_ext.primitives.journal.primitive import JournaledPrimitive, PrimitiveContext
from qiskit_qml_ext.primitives.journal.run.policy import Policy
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.local_work import is_known
from qiskit_qml_ext.primitives.journal.store.ownership import Liveness
from qiskit_qml_ext.primitives.journal.work.inputs import Provenance
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions
from qiskit_qml_ext.primitives.journal.work.requests import Approve, Count, Identify
from qiskit_qml_ext.primitives.journal.work.sampler_request import SamplerRequest
from qiskit_qml_ext.primitives.pricing.spending import Spending
from qiskit_qml_ext.primitives.pub_values import SAMPLER_VALUES, checked_pubs
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS


class JournaledSampler(JournaledPrimitive, BaseSamplerV2):
    """A V2 sampler around another one that loses no result and pays for no shot twice.

    Every circuit with its parameter values and shots is written to the journal before it is submitted, its job's id
    before it is waited for. The same program run again, in a new process, takes what is finished from the journal,
    fetches what was submitted, and submits only the rest.

    Asking for the same circuit twice through one sampler gives two independent results, as with any sampler; a program
    that is run again finds both of them.

    Args:
        sampler: The sampler that runs the circuits: of the Runtime client (either generation), of Aer, or any other.
            Jobs of other samplers than Runtime's live only as long as the process, so what is not finished runs again.
        journal: The journal or the path of its file.
        policy: Limits and waiting times.
        seed: Makes simulators reproducible, with ``make`` only; part of the work's content.
        make: Makes a sampler like ``sampler`` for a seed.
        open_mode: Returns the Runtime session or batch to submit to; asked at the first submission.
        identify: Gives the content key of a circuit; by default its own content.
        repetitions: Counts repetitions, if several primitives shall share a count.
        progress: Whether to show a progress bar; ``None`` means only on a terminal.
        approve: Gets circuits with their executions before anything is submitted, and may refuse with an exception.
        count: Gets the circuits and the executions of every job once it is submitted.
        spending: How the time of jobs is predicted, and what limits it; by default neither is done.
        provenance: Where the work comes from, for an export; by default the circuits themselves.
    """

    kind = "sampler"

    def __init__(
        self,
        sampler: BaseSamplerV2,
        journal: Journal | str | os.PathLike[str],
        *,
        policy: Policy | None = None,
        seed: int | None = None,
        make: Callable[[int | None], BaseSamplerV2] | None = None,
        open_mode: Callable[..., Any] | None = None,
        identify: Identify = circuit_key,
        repetitions: Repetitions | None = None,
        progress: bool | None = None,
        approve: Approve | None = None,
        count: Count | None = None,
        spending: Spending | None = None,
        provenance: Provenance | None = None,
    ):
        if not isinstance(sampler, BaseSamplerV2):
            raise TypeError(f"sampler must be a V2 sampler, but a {type(sampler).__name__} came.")
        self._context = PrimitiveContext.of(
            sampler,
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

    def run(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> JournaledJob:
        """Run circuits, as far as the journal does not hold their results.

        Args:
            pubs: Circuits with parameter values, as for any V2 sampler.
            shots: Shots for the PUBs that do not say; by default the wrapped sampler's.

        Returns:
            A job; its result has the same form as the wrapped sampler's.

        Raises:
            JournalError: If the plan cannot be written.
            TypeError: If parameter values are not real numbers, or shots not whole ones.
            ValueError: If parameter values are not finite, or shots not positive or too many.
        """
        given = checked_pubs(pubs, SAMPLER_VALUES)
        default = optional_whole_number("shots", shots) or int(self._context.service.default or DEFAULT_SHOTS)
        coerced = [SamplerPub.coerce(pub, default) for pub in given]
        for number, pub in enumerate(coerced):
            whole_number(f"The shots of PUB {number}", pub.shots, maximum=LARGEST_SHOTS)
        return self._start(self._request(coerced, self._context.repetitions))

    def known(self, pubs: Sequence[SamplerPub]) -> list[int]:
        """Count the circuits of each PUB that are not run again, as if they were asked for for the first time.

        They are done, or submitted to a service that still has them, or being run by a process that lives.
        """
        request = self._request(pubs, Repetitions())
        places = self.journal.locate([item.key for item in request.items])
        units = {unit.id: unit for unit in self.journal.units({unit for unit, _ in places.values()})}
        liveness, durable = Liveness(self.journal), self._context.service.is_durable
        known = {number for number, unit in units.items() if is_known(unit, liveness, durable=durable)}
        counts = [0] * len(pubs)
        for item in request.items:
            if item.key in places and places[item.key][0] in known:
                counts[item.pub] += 1
        return counts

    def _request(self, pubs: Sequence[SamplerPub], repetitions: Repetitions) -> SamplerRequest:
        return SamplerRequest(
            pubs,
            target=self._context.service.target,
            options=self._context.service.options,
            seed=self._context.seed,
            identify=self._context.identify,
            repetitions=repetitions,
            more_shots=self._context.service.more_shots,
            provenance=self._context.provenance,
        )
