"""Aer's V2 primitives, with circuits prepared so that every gate gets its values right.

Aer's own do the counting and the statistics; only the call of the simulator between is ours.
"""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import BitArray, DataBin, PrimitiveResult, PubResult, SamplerPubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike
from qiskit.result import Result
from qiskit_aer import AerError, AerSimulator
from qiskit_aer.primitives import EstimatorV2, SamplerV2

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives.measurement import check_registers_of_counts
from qiskit_qml_ext.primitives.pub_values import ESTIMATOR_VALUES, SAMPLER_VALUES, checked_pubs
from qiskit_qml_ext.primitives.targets.aer.binding import Rules, bound, prepare
from qiskit_qml_ext.primitives.targets.aer.probe import probe
from qiskit_qml_ext.primitives.targets.identity import with_definitions_of_mistakable


class AerSampler(SamplerV2):
    """Aer's sampler; see its documentation for the arguments."""

    @classmethod
    def like(cls, sampler: SamplerV2) -> "AerSampler":
        """Return one with the simulator, shots, seed and options of Aer's own sampler."""
        made = cls.__new__(cls)
        made.__dict__.update(sampler.__dict__)
        return made

    def run(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> Any:
        """Run PUBs whose parameter values are finite real numbers; see Aer's ``SamplerV2.run``."""
        return super().run(checked_pubs(pubs, SAMPLER_VALUES), shots=shots)

    def _run_pubs(self, pubs: list[SamplerPub], shots: int) -> Any:
        for pub in pubs:
            check_registers_of_counts(pub.circuit)
        # Aer runs what has no parameters once, and leaves the results of all other rows as they were made: zeros.
        rows = [[SamplerPub(pub.circuit, shots=shots)] * pub.size if _is_run_once(pub) else [pub] for pub in pubs]
        several = [row for group in rows for row in group]
        own = copy.copy(self)
        own._backend = Prepared(self._backend, [pub.circuit for pub in several])
        results = iter(SamplerV2._run_pubs(own, several, shots))
        return [
            _joined([next(results) for _ in group], pub.shape) if _is_run_once(pub) else next(results)
            for pub, group in zip(pubs, rows, strict=True)
        ]


def _is_run_once(pub: SamplerPub) -> bool:
    """Tell whether a PUB has a shape though its circuit has no parameters."""
    return bool(pub.shape) and pub.size > 0 and not pub.circuit.parameters


def _joined(rows: Sequence[SamplerPubResult], shape: tuple[int, ...]) -> SamplerPubResult:
    """Return the results of one circuit that ran by itself for each row as those of one PUB."""
    data: dict[str, BitArray] = {}
    for name, first in rows[0].data.items():
        array = np.stack([row.data[name].array for row in rows])
        data[name] = BitArray(array.reshape(*shape, *first.array.shape), first.num_bits)
    return SamplerPubResult(DataBin(**data, shape=shape), metadata=rows[0].metadata)


class AerEstimator(EstimatorV2):
    """Aer's estimator; see its documentation for the arguments."""

    @classmethod
    def like(cls, estimator: EstimatorV2) -> "AerEstimator":
        """Return one with the simulator and options of Aer's own estimator."""
        made = cls.__new__(cls)
        made.__dict__.update(estimator.__dict__)
        return made

    def run(self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None) -> Any:
        """Run PUBs whose parameter values are finite real numbers; see Aer's ``EstimatorV2.run``."""
        return super().run(checked_pubs(pubs, ESTIMATOR_VALUES), precision=precision)

    def _run_pub(self, pub: EstimatorPub) -> PubResult:
        own = copy.copy(self)
        own._backend = Prepared(self._backend, [pub.circuit])
        return EstimatorV2._run_pub(own, pub)


class Prepared:
    """A simulator that gets circuits which it runs right; results come in the order of the circuits and their rows."""

    def __init__(self, simulator: AerSimulator, originals: Sequence[QuantumCircuit]):
        self._simulator = simulator
        self._originals = originals

    def run(
        self, circuits: QuantumCircuit | Sequence[QuantumCircuit], parameter_binds: Any = None, **options: Any
    ) -> "_Finished":
        circuits = [circuits] if isinstance(circuits, QuantumCircuit) else list(circuits)
        circuits = [with_definitions_of_mistakable(circuit) for circuit in circuits]
        binds = list(parameter_binds or [{} for _ in circuits])
        rules = Rules.of(self._simulator, options)
        prepared = [prepare(circuit, rules) for circuit in circuits]
        if any(item.bind_first for item in prepared):
            rows = [
                bound(circuit, values, rules) if circuit.parameters else [item.circuit]
                for circuit, values, item in zip(circuits, binds, prepared, strict=True)
            ]
            return self._finish([circuit for group in rows for circuit in group], None, options)
        for circuit, values, original in zip(circuits, binds, self._originals, strict=True):
            if circuit.parameters:
                probe(self._simulator, circuit, values, rules, options, original=original)
        return self._finish([item.circuit for item in prepared], binds, options)

    def _finish(self, circuits: list[QuantumCircuit], binds: Any, options: dict[str, Any]) -> "_Finished":
        try:
            result = self._simulator.run(circuits, parameter_binds=binds, **options).result()
        except AerError as error:
            raise UnsupportedCircuitError(self._refusal(error.message)) from error
        if not result.success:
            failed = [str(part.status) for part in result.results if not part.success]
            raise UnsupportedCircuitError(self._refusal(next(iter(failed), str(result.status))))
        return _Finished(result)

    def _refusal(self, reason: str) -> str:
        return (
            f"{self._simulator.name} cannot run the circuit: {reason.rstrip('.')}. Take the circuit from "
            "connection.isa_circuit, or choose another method."
        )


class _Finished:
    """A job that has its result."""

    def __init__(self, result: Result):
        self._result = result

    def result(self) -> Result:
        return self._result


def bound_right(primitive: Any) -> Any:
    """Return a primitive that gives every gate its values right: ours in place of Aer's own, others as they are."""
    if type(primitive) is SamplerV2:
        return AerSampler.like(primitive)
    if type(primitive) is EstimatorV2:
        return AerEstimator.like(primitive)
    return primitive


__all__ = ["AerEstimator", "AerSampler", "PrimitiveResult", "bound_right"]
