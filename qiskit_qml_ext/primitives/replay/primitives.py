"""A sampler and an estimator that look results up; what was not measured is an error, and never simulated."""

import functools
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import BaseEstimatorV2, BasePrimitiveJob, BaseSamplerV2
from qiskit.primitives.containers import PrimitiveResult
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike
from qiskit.providers import JobStatus

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.exceptions import ReplayIncompleteError
from qiskit_qml_ext.primitives.journal.run.report import Report
from qiskit_qml_ext.primitives.journal.work.estimator_request import EstimatorRequest, virtual_observables
from qiskit_qml_ext.primitives.journal.work.inputs import Source
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions
from qiskit_qml_ext.primitives.journal.work.requests import Item, Placement, Request
from qiskit_qml_ext.primitives.journal.work.sampler_request import SamplerRequest
from qiskit_qml_ext.primitives.pricing.estimator_work import EstimatorWork
from qiskit_qml_ext.primitives.pub_values import ESTIMATOR_VALUES, SAMPLER_VALUES, checked_pubs
from qiskit_qml_ext.primitives.replay.measured import TARGET, Measured, name_of

FindSource = Callable[[QuantumCircuit], Source]
"""Returns what a circuit was made of."""

_MOST_SAID = 3


class ReplayJob(BasePrimitiveJob[PrimitiveResult[Any], JobStatus]):
    """A result that was measured before.

    Args:
        result: The result.
    """

    def __init__(self, result: PrimitiveResult[Any]):
        super().__init__(job_id=str(uuid.uuid4()))
        self._result = result
        self.report = Report()
        """What was run: nothing."""

    def result(self) -> PrimitiveResult[Any]:
        """Return the result."""
        return self._result

    def status(self) -> JobStatus:
        """Return that it is done."""
        return JobStatus.DONE

    def done(self) -> bool:
        """Return ``True``."""
        return True

    def running(self) -> bool:
        """Return ``False``."""
        return False

    def cancelled(self) -> bool:
        """Return ``False``."""
        return False

    def in_final_state(self) -> bool:
        """Return ``True``."""
        return True

    def cancel(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class _Asked:
    """A PUB that is asked for, in the words of a data set."""

    name: str
    """The name of its circuit."""
    circuit: QuantumCircuit
    """The circuit that the user built."""
    values: FloatArray
    """Values of all parameters, with 0 for those that no measurement sees."""


class _Replay:
    """What the two have in common.

    Args:
        measured: What was measured.
        repetitions: Counts how often the same is asked for.
        source: Returns what a circuit was made of.
    """

    def __init__(
        self,
        measured: Measured,
        *,
        repetitions: Repetitions,
        source: FindSource = Source.itself,
    ):
        self._measured = measured
        self._repetitions = repetitions
        self._source = source

    def journal_content(self) -> list[Any]:
        """Return what decides about results: the data set, and how it was measured."""
        return [self._measured.data.fingerprint, list(self._measured.number)]

    def _asked(self, pub: SamplerPub | EstimatorPub) -> _Asked:
        source = self._source(pub.circuit)
        name = name_of(source.key, source.copies)
        bindings = pub.parameter_values
        values = np.zeros((*bindings.shape, len(source.names)))
        if source.columns is None:
            raise ReplayIncompleteError(
                "The circuit has parameters that the one which it was made of has not, so that it cannot be looked up."
            )
        if source.columns:
            values[..., list(source.columns)] = bindings.as_array(pub.circuit.parameters)
        return _Asked(name, source.circuit, self._measured.full(name, values))

    def _job(self, ways: Iterable[Callable[[], Request]], asked: Sequence[_Asked]) -> ReplayJob:
        """Look everything up, or nothing: as it was cut into jobs in the first of several ways in which it is there."""
        lacks = ""
        for make in ways:
            request = make()
            try:
                request.refine(self._measured.locate)
                places = self._measured.locate([item.key for item in request.items])
                missing = [item for item in request.items if item.key not in places]
                if not missing:
                    results = {job: self._measured.results(job) for job, _ in places.values()}
                    about = {"version": 2, "target": self._measured.target, "data_set": self._measured.data.fingerprint}
                    return ReplayJob(request.assemble(places, results, about))
                lacks = lacks or self._lacks(request, asked, missing)
            except BaseException:
                request.give_back()
                raise
            request.give_back()
        raise ReplayIncompleteError(lacks)

    def _lacks(self, request: Request, asked: Sequence[_Asked], missing: Sequence[Item]) -> str:
        """Say what was asked for and not measured."""
        by_pub: dict[int, list[Item]] = {}
        for item in missing:
            by_pub.setdefault(item.pub, []).append(item)
        said = [self._lack(request, asked[pub], pub, items) for pub, items in list(by_pub.items())[:_MOST_SAID]]
        more = len(by_pub) - len(said)
        unfinished = sum(job["state"] != "done" for job in self._measured.jobs)
        hint = f" {unfinished} of its jobs were not done when it was exported." if unfinished else ""
        return (
            f"The data set {self._measured.data.folder} lacks {len(missing):,} of {len(request.items):,} results that "
            f"were asked for. {' '.join(said)}{f' And {more:,} more circuits.' if more else ''}{hint} Nothing was "
            "simulated in their place. Ask for what was measured, or connect to a device."
        )

    def _lack(self, request: Request, asked: _Asked, pub: int, items: Sequence[Item]) -> str:
        words = "shots" if request.kind == "sampler" else "precision"
        wanted, known = items[0].shots, self._measured.asked_of(asked.name)
        where = f"circuit {pub} ({asked.circuit.num_qubits} qubits, {asked.values.shape[-1]} parameters)"
        if not known:
            return f"Nothing was measured of {where}."
        if wanted not in known:
            had = ", ".join(f"{one:g}" for one in known[:5])
            return f"{where[0].upper()}{where[1:]} was measured with {words} {had}, not with {wanted:g}."
        own = [item.key for item in request.items if item.pub == pub]
        rows = asked.values.reshape(-1, asked.values.shape[-1])
        first = rows[min(own.index(items[0].key), len(rows) - 1)] if len(rows) else rows
        shown = ", ".join(f"{value:.6g}" for value in np.ravel(first)[:6])
        what = "rows of values" if request.kind == "sampler" else "blocks of values and observables"
        return (
            f"Of {where}, {len(items):,} of {len(own):,} {what} were not measured, or less often than they were asked "
            f"for here; the first begins with ({shown})."
        )


class ReplaySampler(_Replay, BaseSamplerV2):
    """A V2 sampler that gives the shots that were measured.

    Args:
        measured: What was measured.
        shots: Shots for the PUBs that do not say.
        repetitions: Counts how often the same is asked for.
        source: Returns what a circuit was made of.
    """

    def __init__(
        self,
        measured: Measured,
        shots: int,
        *,
        repetitions: Repetitions,
        source: FindSource = Source.itself,
    ):
        super().__init__(measured, repetitions=repetitions, source=source)
        self.default_shots = shots

    def run(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> ReplayJob:
        """Look circuits up, all of them or none.

        Raises:
            ReplayIncompleteError: If any was not measured.
        """
        request, asked = self._request(self._coerced(pubs, shots), self._repetitions)
        return self._job([lambda: request], asked)

    def known(self, pubs: Sequence[SamplerPub]) -> list[int]:
        """Count the circuits of each PUB that were measured, as if they were asked for for the first time."""
        request, _ = self._request(list(pubs), Repetitions())
        places = self._measured.locate([item.key for item in request.items])
        counts = [0] * len(pubs)
        for item in request.items:
            counts[item.pub] += item.key in places
        return counts

    def _coerced(self, pubs: Iterable[SamplerPubLike], shots: int | None) -> list[SamplerPub]:
        default = shots or self.default_shots
        return [SamplerPub.coerce(pub, default) for pub in checked_pubs(pubs, SAMPLER_VALUES)]

    def _request(self, pubs: Sequence[SamplerPub], repetitions: Repetitions) -> tuple[SamplerRequest, list[_Asked]]:
        asked = [self._asked(pub) for pub in pubs]
        stand_ins = [
            SamplerPub(*_stand_in(1, one.values, pub.circuit.cregs), shots=pub.shots)
            for pub, one in zip(pubs, asked, strict=True)
        ]
        names = {id(pub.circuit): one.name for pub, one in zip(stand_ins, asked, strict=True)}
        request = SamplerRequest(
            stand_ins,
            target=TARGET,
            options={},
            seed=None,
            identify=lambda circuit: names[id(circuit)],
            repetitions=repetitions,
        )
        return request, asked


class ReplayEstimator(_Replay, BaseEstimatorV2):
    """A V2 estimator that gives the values that were measured.

    Args:
        measured: What was measured.
        precision: The precision for the PUBs that do not say.
        repetitions: Counts how often the same is asked for.
        source: Returns what a circuit was made of.
        place: Tells on which of the device's qubits a circuit's own ones lie.
    """

    def __init__(
        self,
        measured: Measured,
        precision: float,
        *,
        repetitions: Repetitions,
        source: FindSource = Source.itself,
        place: Placement | None = None,
    ):
        super().__init__(measured, repetitions=repetitions, source=source)
        self.default_precision = precision
        self._place = place

    def run(self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None) -> ReplayJob:
        """Look expectation values up, all of them or none.

        Raises:
            ReplayIncompleteError: If any was not measured.
        """
        default = self.default_precision if precision is None else precision
        coerced = [EstimatorPub.coerce(pub, default) for pub in checked_pubs(pubs, ESTIMATOR_VALUES)]
        asked = [self._asked(pub) for pub in coerced]
        stand_ins = [self._stand_in(pub, one) for pub, one in zip(coerced, asked, strict=True)]
        names = {id(pub.circuit): one.name for pub, one in zip(stand_ins, asked, strict=True)}
        computes = bool(self._measured.run.get("target", {}).get("draws_normal_noise"))
        work = EstimatorWork(measures=not computes)  # what mitigation adds is found by cutting further

        def cut_at(max_executions: int) -> EstimatorRequest:
            return EstimatorRequest(
                stand_ins,
                target=TARGET,
                options={},
                seed=None,
                identify=lambda circuit: names[id(circuit)],
                repetitions=self._repetitions,
                max_executions=max_executions,
                work=work,
            )

        return self._job([functools.partial(cut_at, most) for most in self._measured.max_executions], asked)

    def _stand_in(self, pub: EstimatorPub, asked: _Asked) -> EstimatorPub:
        """Return a PUB with observables on the circuit's own qubits, and no gates that mean anything."""
        own = virtual_observables(pub, None if self._place is None else self._place(pub.circuit))
        labels = [str(label) for observable in own.ravel() for label in observable]
        width = len(labels[0]) if labels else asked.circuit.num_qubits
        circuit, bindings = _stand_in(width, asked.values, [])
        return EstimatorPub(circuit, ObservablesArray(own.tolist()), bindings, pub.precision)


def _stand_in(
    num_qubits: int, values: FloatArray, registers: Sequence[ClassicalRegister]
) -> tuple[QuantumCircuit, BindingsArray]:
    """Return a circuit that has as many parameters as there are columns of values, and the values for it."""
    circuit = QuantumCircuit(num_qubits)
    for register in registers:
        circuit.add_register(ClassicalRegister(register.size, register.name))
    if not values.shape[-1]:
        return circuit, BindingsArray(shape=values.shape[:-1])
    parameters = ParameterVector("value", values.shape[-1])
    for parameter in parameters:
        circuit.rz(parameter, 0)
    return circuit, BindingsArray({tuple(circuit.parameters): values})
