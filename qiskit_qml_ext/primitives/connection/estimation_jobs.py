"""Expectation values as jobs: within the limit on executions, with noise of its own for each PUB."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveResult, PubResult
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.connection.usage import Usage
from qiskit_qml_ext.primitives.content import circuit_key, job_seed
from qiskit_qml_ext.primitives.shots import shots_of
from qiskit_qml_ext.primitives.targets import Target


class EstimationJobs:
    """Runs PUBs of an estimator.

    A simulator that takes a seed draws the noise of every PUB of a job anew from it: two PUBs would repeat each other's
    noise, and what is computed of both would have other errors than stated. So there each PUB is a job of its own, with
    a seed from its content, so that the same call gives the same numbers and another call gives independent ones.
    Elsewhere PUBs of equal precision share a job, and all jobs are submitted before one is waited for.

    Args:
        target: Where they run.
        settings: How it is used.
        estimator: Makes an estimator for a seed; with a journal, one that cuts, seeds, approves and counts by itself.
        approve: Holds circuits, with their executions, against the budget; ``None`` where the estimator does.
        count: Takes note of what was run.
    """

    def __init__(
        self,
        target: Target,
        settings: ConnectionSettings,
        *,
        estimator: Callable[[int | None], BaseEstimatorV2],
        approve: Callable[[Sequence[tuple[QuantumCircuit, int]]], None] | None,
        count: Callable[[Usage], None],
    ):
        self._target = target
        self._work = target.estimator_work
        self._settings = settings
        self._estimator = estimator
        self._approve = approve
        self._count = count

    def estimate(self, pubs: Sequence[EstimatorPub]) -> PrimitiveResult[PubResult]:
        """Run PUBs; see :meth:`~qiskit_qml_ext.primitives.Connection.estimate`."""
        if self._approve is None:
            jobs = [[pub] for pub in pubs] if self._draws_by_seed else [list(pubs)]
            return PrimitiveResult([one for job in jobs for one in self._estimator(None).run(job).result()])
        pieces = [self._pieces(pub) for pub in pubs]
        flat = [piece for group in pieces for piece in group]
        self._approve([(piece.circuit, self._executions(piece)) for piece in flat] + self._calibrations(flat))
        read = iter(self._one_by_one(flat) if self._draws_by_seed else self._together(flat))
        return PrimitiveResult([_joined([next(read) for _ in group]) for group in pieces])

    @property
    def _draws_by_seed(self) -> bool:
        return self._settings.seed is not None and self._target.draws_by_seed

    def _shots(self, pub: EstimatorPub) -> int:
        return shots_of(pub.precision, self._settings.shots)

    def _executions(self, pub: EstimatorPub) -> int:
        return self._work.executions(pub, self._shots(pub))

    def _calibration(self, pub: EstimatorPub) -> int:
        return self._work.calibration(self._shots(pub))

    def _calibrations(self, pubs: Sequence[EstimatorPub]) -> list[tuple[QuantumCircuit, int]]:
        """Return what the jobs of these PUBs run besides."""
        jobs = [[place] for place in range(len(pubs))] if self._draws_by_seed else self._jobs(pubs)
        return [(pubs[job[0]].circuit, self._calibration(pubs[job[0]])) for job in jobs]

    def _pieces(self, pub: EstimatorPub) -> list[EstimatorPub]:
        """Cut a PUB along its last axis, so that no piece has more executions than a job may have."""
        limit = self._settings.max_executions_per_job
        if self._executions(pub) + self._calibration(pub) <= limit:
            return [pub]
        least = self._work.shots(self._shots(pub)) + self._calibration(pub)
        if least > limit:
            if self._target.draws_normal_noise:  # nothing is executed so often
                return [pub]
            more = "" if least == self._shots(pub) else f", which with its mitigation takes {least:,} executions,"
            raise ValueError(
                f"One circuit with {self._shots(pub)} shots{more} exceeds the limit of {limit} executions in a job. "
                "Use fewer shots or raise max_executions_per_job."
            )
        pieces, start, length = [], 0, pub.shape[-1] if pub.shape else 1
        while start < length:
            lengths = range(1, length - start + 1)
            fitting = bisect_right(
                lengths, limit - self._calibration(pub), key=partial(self._executions_of, pub, start)
            )
            pieces.append(_part(pub, start, start + max(1, fitting)))
            start += max(1, fitting)
        return pieces

    def _executions_of(self, pub: EstimatorPub, start: int, length: int) -> int:
        return self._executions(_part(pub, start, start + length))

    def _one_by_one(self, pubs: Sequence[EstimatorPub]) -> Iterator[PubResult]:
        for place, pub in enumerate(pubs):
            key = "/".join([circuit_key(pub.circuit), repr(pub.observables.tolist()), str(place)])
            values = pub.parameter_values.as_array(pub.circuit.parameters)
            seed = job_seed(self._settings.seed, key, values, self._shots(pub))
            result = self._estimator(seed).run([pub]).result()[0]
            self._take_note([pub])
            yield result

    def _together(self, pubs: Sequence[EstimatorPub]) -> list[PubResult]:
        jobs = self._jobs(pubs)
        running = [(job, self._estimator(self._settings.seed).run([pubs[place] for place in job])) for job in jobs]
        results: dict[int, PubResult] = {}
        for job, submitted in running:
            results.update(zip(job, submitted.result(), strict=True))
            self._take_note([pubs[place] for place in job])
        return [results[place] for place in range(len(pubs))]

    def _jobs(self, pubs: Sequence[EstimatorPub]) -> list[list[int]]:
        """Gather places of PUBs of equal precision, as many as the limit allows: some services want it equal."""
        most = self._settings.max_executions_per_job
        jobs: list[list[int]] = []
        open_jobs: dict[float | None, tuple[list[int], int]] = {}
        for place, pub in enumerate(pubs):
            executions = self._executions(pub)
            job, before = open_jobs.get(pub.precision, ([], self._calibration(pub)))
            if not job or before + executions > most:
                job, before = [], self._calibration(pub)
                jobs.append(job)
            job.append(place)
            open_jobs[pub.precision] = job, before + executions
        return jobs

    def _take_note(self, pubs: Sequence[EstimatorPub]) -> None:
        executions = sum(map(self._executions, pubs)) + self._calibration(pubs[0])
        self._count(Usage(sum(map(self._work.circuits, pubs)), executions, 1))


def _part(pub: EstimatorPub, start: int, stop: int) -> EstimatorPub:
    """A PUB with a part of its last axis."""
    if not pub.shape:
        return pub
    observables, values = pub.observables, pub.parameter_values
    if observables.shape and observables.shape[-1] > 1:
        observables = observables[_along_the_last(observables.ndim, start, stop)]
    if values.shape and values.shape[-1] > 1:
        rows = _along_the_last(values.ndim, start, stop)
        # of a circuit without parameters Qiskit's arrays forget their shape when they are cut
        values = values[rows] if values.num_parameters else BindingsArray(shape=np.empty(values.shape)[rows].shape)
    return EstimatorPub(pub.circuit, observables, values, pub.precision)


def _along_the_last(num_axes: int, start: int, stop: int) -> tuple[slice, ...]:
    return (*(slice(None),) * (num_axes - 1), slice(start, stop))  # an ellipsis would reach the axis of the parameters


def _joined(results: Sequence[PubResult]) -> PubResult:
    """The result of a PUB from those of its parts."""
    if len(results) == 1:
        return results[0]
    names = [name for name, part in results[0].data.items() if np.shape(part) == np.shape(results[0].data.evs)]
    fields = {name: np.concatenate([one.data[name] for one in results], axis=-1) for name in names}
    return PubResult(DataBin(**fields, shape=fields["evs"].shape), metadata=results[0].metadata)
