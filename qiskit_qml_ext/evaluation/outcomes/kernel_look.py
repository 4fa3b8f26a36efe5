"""A close look at the quantum kernel that the search chose: its health, its diagnosis, its price on hardware."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.diagnostics import Diagnosis, KernelHealth, KernelTwin, kernel_health
from qiskit_qml_ext.evaluation.hardware import HardwareCost, hardware_cost
from qiskit_qml_ext.evaluation.judgement.verdict import Contestant, Verdict
from qiskit_qml_ext.evaluation.outcomes.kernel_diagnosis import concentration_of, diagnose_kernel_of
from qiskit_qml_ext.evaluation.outcomes.kernel_sample import KernelSample
from qiskit_qml_ext.evaluation.outcomes.kernel_twin import twin_of
from qiskit_qml_ext.evaluation.planning.evaluation_plan import EvaluationPlan

_PERFECT_TARGETS = ("exact", "aer")  # with shots, but without errors: the exact entries are those of such a device


@dataclass(frozen=True, eq=False)
class KernelLook:
    """What there is to say of the quantum kernel; all of it None if the quantum kernel failed."""

    sample: KernelSample | None = None
    """The kernel matrix of one training set."""
    health: KernelHealth | None = None
    """Its health."""
    diagnosis: Diagnosis | None = None
    """What was found about it; None if it cannot be diagnosed."""
    hardware: HardwareCost | None = None
    """What a fit would take on a device; None if none was looked at."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the diagnosis and the twin."""
    twin: KernelTwin | None = None
    """The classical kernels that it is most like; None if there are none."""


def look_at(
    plan: EvaluationPlan, sample: KernelSample | None, verdict: Verdict, models: Sequence[Contestant]
) -> KernelLook:
    """Look closely at a kernel matrix.

    Args:
        plan: What was run.
        sample: The kernel matrix; None if there is none.
        verdict: What the comparison of all models found.
        models: All models with their scores.
    """
    if sample is None:
        return KernelLook()
    health = kernel_health(
        sample.matrix,
        sample.y,
        task=plan.dataset.task,
        standard_errors=None if plan.settings.is_exact else sample.standard_errors,
        shots=plan.settings.shots,
    )
    diagnosis, notes = diagnose_kernel_of(plan, sample, verdict=verdict, models=models)
    twin, more = twin_of(plan, sample)
    return KernelLook(sample, health, diagnosis, _hardware(plan, sample, health, diagnosis), (*notes, *more), twin)


def _hardware(
    plan: EvaluationPlan, sample: KernelSample, health: KernelHealth, diagnosis: Diagnosis | None
) -> HardwareCost | None:
    # One number of shots for one kernel: the diagnosis's, unless the entries were measured, noise of a device and all.
    perfect = plan.settings.is_exact or plan.given_target in _PERFECT_TARGETS
    concentration = None if diagnosis is None or not perfect else concentration_of(diagnosis)
    shots = health.shots_to_resolve if concentration is None else concentration.last.shots
    return hardware_cost(
        plan.feature_map.with_bandwidth(sample.bandwidth),
        plan.settings.num_encoded,
        target=plan.connection,
        num_train=len(np.unique(plan.dataset.X[plan.splits[sample.fold][0]], axis=0)),
        shots=shots,
        measured=not plan.settings.is_exact and concentration is None,
        seed=plan.settings.seed,
    )
