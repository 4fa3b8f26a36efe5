"""What holds a gradient down, and what to do: the finding of ``diagnose``, for the circuit of a model."""

import math
from dataclasses import replace

from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.stages.causes import read_causes
from qiskit_qml_ext.diagnostics.results.result import rounded
from qiskit_qml_ext.diagnostics.subject.network import InputsFromData
from qiskit_qml_ext.diagnostics.subject.problem import pose
from qiskit_qml_ext.diagnostics.trainability.causes import plateau_causes
from qiskit_qml_ext.diagnostics.trainability.constant_loss import explain_constant_loss
from qiskit_qml_ext.exceptions import QmlExtError
from qiskit_qml_ext.models.guard.plateau_report import PlateauReport
from qiskit_qml_ext.models.guard.training_start import TrainingStart

_MAX_QUBITS = 12  # hundreds of states of more qubits take too long
_SAMPLES = 24  # random points for each change
_LOCAL = "write the cost as a sum of local terms"  # as an advice says it
_FEASIBLE = 1e7  # shots of each circuit that somebody may take


def explained(report: PlateauReport, start: TrainingStart, shots_needed: float | None = None) -> PlateauReport:
    """Return a report with the cause of a plateau and with what to do.

    Args:
        report: The report.
        start: The model.
        shots_needed: Shots of each circuit at which the signal would be as large as the noise; those of the report for
            ``None``.
    """
    advice = []
    shots_needed = report.shots_needed if shots_needed is None else shots_needed
    if shots_needed <= _FEASIBLE:
        advice.append(f"Take at least {rounded(shots_needed)} shots of each circuit.")
    draft = Draft(math.inf)
    if start.num_qubits <= _MAX_QUBITS:
        _find_causes(start, draft)
    cause = draft.findings[0].sentence if draft.findings else ""
    return replace(report, cause=cause, advice=(*advice, *(_for_the_model(str(one), start) for one in draft.advice)))


def _for_the_model(advice: str, start: TrainingStart) -> str:
    """Say how this model is told to do it."""
    if start.local_cost is None:
        return advice
    own = start.local_cost
    return advice.replace(_LOCAL, own).replace(_LOCAL.capitalize(), own[0].upper() + own[1:])


def why_constant(start: TrainingStart) -> str:
    """Say why no weight changes the first output, and what would let one."""
    distribution = InputsFromData(start.samples, _inputs(start), start.distribution)
    try:
        problem = pose(
            start.circuit,
            start.observables[0],
            distribution=distribution,
            parameters=tuple(start.weights.tolist()),
        )
        constant = explain_constant_loss(problem)
    except (QmlExtError, ValueError, TypeError):  # a distribution that is for circuits of its own
        return ""
    return f"{constant.finding} {constant.advice}".replace("the loss", "the output")


def _find_causes(start: TrainingStart, draft: Draft) -> None:
    observable = start.observables[0]
    try:
        causes = plateau_causes(
            start.circuit if start.template is None else start.template,
            observable if not isinstance(observable, Pauli) else SparsePauliOp(observable),
            num_qubits=start.num_qubits,
            distribution=InputsFromData(start.samples, _inputs(start), start.distribution),
            parameters=tuple(start.weights.tolist()),
            num_samples=_SAMPLES,
        )
    except (QmlExtError, ValueError, TypeError):  # a distribution that is for circuits of its own, or no change applies
        return
    read_causes(causes, draft)


def _inputs(start: TrainingStart) -> tuple[str, ...]:
    names = [parameter.name for parameter in start.circuit.parameters]
    return tuple(names[column] for column in start.data)
