"""Primitives of a connection for other people's code: held against its limits and counted, as all that it runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from qiskit import QuantumCircuit
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.checks import LARGEST_SHOTS, optional_whole_number
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.connection.usage import Usage
from qiskit_qml_ext.primitives.journal.service.services import default_of
from qiskit_qml_ext.primitives.pub_values import ESTIMATOR_VALUES, SAMPLER_VALUES, checked_pubs
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS, shots_of
from qiskit_qml_ext.primitives.targets import Target
from qiskit_qml_ext.primitives.targets.checked_primitives import SAMPLER

_LEAST_PRECISION = 2.0**-20  # whose shots are counted; simulators that read off exact values take any precision
_Pub: TypeAlias = SamplerPub | EstimatorPub


class HandedOut:
    """Looks at what the primitives run that a connection hands out; see :mod:`~qiskit_qml_ext.primitives.watched`.

    Args:
        target: Where they run.
        settings: How it is used.
        kind: ``"sampler"`` or ``"estimator"``.
        approve: Holds circuits, with their executions, against the budget.
        count: Takes note of what was run.
    """

    def __init__(
        self,
        target: Target,
        settings: ConnectionSettings,
        kind: str,
        *,
        approve: Callable[[Sequence[tuple[QuantumCircuit, int]]], None],
        count: Callable[[Usage], None],
    ):
        self._target = target
        self._settings = settings
        self._kind = kind
        self._approve = approve
        self._count = count

    def look(self, primitive: Any, pubs: Sequence[Any], options: Mapping[str, Any]) -> Callable[[], None]:
        """Hold a job against all limits, before anything of it runs."""
        read = self._sampler_pubs if self._kind == SAMPLER else self._estimator_pubs
        coerced = read(primitive, pubs, options)
        total = sum(executions for _, executions in coerced)
        self._refuse_large(total)
        self.approve([(pub.circuit, executions) for pub, executions in coerced])
        return lambda: self.count(sum(self._circuits(pub) for pub, _ in coerced), total)

    def approve(self, work: Sequence[tuple[QuantumCircuit, int]]) -> None:
        """Hold circuits, with their executions, against what the target takes and against the budget."""
        for circuit, _ in work:
            self._target.refuse_circuit(circuit, self._kind)
        self._approve(work)

    def count(self, circuits: int, executions: int) -> None:
        """Take note of the circuits and the executions of a job that runs."""
        self._count(Usage(circuits, executions, 1))

    def _sampler_pubs(self, primitive: Any, pubs: Sequence[Any], options: Mapping[str, Any]) -> list[tuple[_Pub, int]]:
        shots = optional_whole_number("shots", options.get("shots"), maximum=LARGEST_SHOTS)
        default = shots or int(default_of(primitive) or self._settings.shots or DEFAULT_SHOTS)
        coerced = [SamplerPub.coerce(pub, default) for pub in checked_pubs(pubs, SAMPLER_VALUES)]
        return [(pub, pub.size * self._target.shots_run(pub.shots)) for pub in coerced]

    def _estimator_pubs(
        self, primitive: Any, pubs: Sequence[Any], options: Mapping[str, Any]
    ) -> list[tuple[_Pub, int]]:
        precision = options.get("precision")
        default = default_of(primitive) if precision is None else precision
        coerced = [EstimatorPub.coerce(pub, default) for pub in checked_pubs(pubs, ESTIMATOR_VALUES)]
        work, shots = self._target.estimator_work, [self._shots(pub.precision) for pub in coerced]
        executions = [work.executions(pub, each) for pub, each in zip(coerced, shots, strict=True)]
        executions[:1] = [one + work.calibration(shots[0]) for one in executions[:1]]
        return list(zip(coerced, executions, strict=True))

    def _circuits(self, pub: _Pub) -> int:
        return self._target.estimator_work.circuits(pub) if isinstance(pub, EstimatorPub) else pub.size

    def _shots(self, precision: float | None) -> int:
        return shots_of(max(precision, _LEAST_PRECISION) if precision else precision, self._settings.shots)

    def _refuse_large(self, executions: int) -> None:
        """Raise for a job that is larger than was asked for, on a device or where one is rehearsed.

        By default the target itself says what is too large.
        """
        most, is_device = self._settings.max_executions_per_job, self._target.is_fake or not self._target.runs_here
        if is_device and most < self._target.max_executions_per_job and executions > most:
            raise ValueError(
                f"A job of {executions:,} executions (circuits times shots) came, but max_executions_per_job is "
                f"{most:,}. Nothing was submitted. Use fewer circuits or shots, or connection.sample and "
                "connection.estimate, which cut work into jobs; or raise max_executions_per_job."
            )
