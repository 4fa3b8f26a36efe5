"""The diagnosis of the quantum kernel that the search chose, and what of its health the diagnosis does not say."""

import warnings
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from qiskit_qml_ext.diagnostics import Diagnosis, GeometricDifference, KernelConcentration, diagnose
from qiskit_qml_ext.diagnostics.estimate import rounded
from qiskit_qml_ext.evaluation.comparison import KernelSample
from qiskit_qml_ext.evaluation.preparation import quantum_preparation
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

if TYPE_CHECKING:
    from qiskit_qml_ext.evaluation.planning import Plan
    from qiskit_qml_ext.evaluation.results import Evaluation

MAX_SAMPLES = 200
TIME_BUDGET = 3.0  # seconds after which no further stage is started
# The diagnosis has its own moments and shots; on an exact target those of the health would be the same once more.
SAID_BY_THE_DIAGNOSIS = ("Mean off the diagonal", "Variance off the diagonal", "Shots to tell entries apart")


def diagnose_kernel_of(plan: "Plan", kernel: KernelSample) -> tuple[Diagnosis | None, list[str]]:
    """Diagnose a quantum kernel on samples of its training set, prepared as the model prepares them.

    The kernel is simulated exactly whatever the target, so this costs no shots.

    Args:
        plan: The checked evaluation.
        kernel: The training set and the bandwidth.

    Returns:
        The diagnosis, or None if there is none, and notes for the reader. It never raises: whatever goes wrong here
        must not cost the user the comparison, which is finished by now.
    """
    data, protocol = plan.dataset, plan.protocol
    train = plan.splits[kernel.fold][0]
    connection = plan.connection if plan.connection.is_exact else connect(seed=protocol.seed)
    # As for the fits: the threads of BLAS cost more than they give on matrices of this size.
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
        warnings.simplefilter("always")
        try:
            prepare = quantum_preparation(plan.feature_map, num_components=protocol.num_components)
            found = diagnose(
                FidelityKernel(plan.feature_map.with_bandwidth(kernel.bandwidth), connection=connection),
                prepare.fit_transform(data.X[train], data.y[train]),
                data.labels[train],
                num_samples=MAX_SAMPLES,
                time_budget=TIME_BUDGET,
                seed=protocol.seed,
            )
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return None, [f"The quantum kernel could not be diagnosed: {reason}"]
    notes = [f"Diagnosis of the quantum kernel: {text}" for text in dict.fromkeys(str(w.message) for w in caught)]
    if not found.findings:
        return None, [*notes, *(f"The quantum kernel could not be diagnosed. {reason}" for reason in found.skipped)]
    return found, notes


def concentration_of(diagnosis: Diagnosis) -> KernelConcentration | None:
    """Return the part of a diagnosis about concentration."""
    return next((part for part in diagnosis.evidence.values() if isinstance(part, KernelConcentration)), None)


def difference_of(diagnosis: Diagnosis) -> GeometricDifference | None:
    """Return the part of a diagnosis about classical kernels."""
    return next((part for part in diagnosis.evidence.values() if isinstance(part, GeometricDifference)), None)


def where(evaluation: "Evaluation") -> str:
    """Say which kernel was diagnosed, on what, and how."""
    kernel, diagnosis = evaluation.kernel, evaluation.diagnosis
    assert kernel is not None
    assert diagnosis is not None
    found = concentration_of(diagnosis)
    size = len(kernel.y) if found is None else found.num_samples
    samples = f"{size:,} samples of" if size < len(kernel.y) else f"the {size:,} samples of"
    return f"bandwidth {kernel.bandwidth:g}, simulated exactly on {samples} {kernel.place}"


def numbers(evaluation: "Evaluation") -> list[tuple[str, str, str]]:
    """Return what the findings do not say: rows of name, value and meaning.

    Without a diagnosis this is the kernel's health. Beside a diagnosis it is the model complexity and, if the health is
    that of an exact kernel too, those of its numbers that the diagnosis lacks; see :func:`measured`.
    """
    health, diagnosis = evaluation.health, evaluation.diagnosis
    rows = [] if health is None else health.rows()
    if diagnosis is None:
        return rows
    if not evaluation.settings.is_exact:
        rows = []
    elif concentration_of(diagnosis) is not None:
        rows = [row for row in rows if row[0] not in SAID_BY_THE_DIAGNOSIS]
    other = difference_of(diagnosis)
    if other is not None and other.quantum_complexity is not None and other.closest.complexity is not None:
        meaning = f"closest classical kernel: {rounded(other.closest.complexity)}; less is easier"
        rows = [*rows, ("Complexity of the labels", rounded(other.quantum_complexity), meaning)]
    return rows


def measured(evaluation: "Evaluation") -> list[tuple[str, str, str]]:
    """Return the health of a sampled kernel as rows, where a diagnosis of the exact kernel stands beside it."""
    if evaluation.health is None or evaluation.diagnosis is None or evaluation.settings.is_exact:
        return []
    return evaluation.health.rows()
