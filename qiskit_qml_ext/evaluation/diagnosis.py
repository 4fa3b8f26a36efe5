"""The diagnosis of the quantum kernel that the search chose, and what of its health the diagnosis does not say.

A diagnosis by itself does not know the verdict. Here the models were compared on the same folds, so what it would
advise without that knowledge is replaced by what the scores say, and nothing in it may speak against the verdict.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from qiskit_qml_ext.diagnostics import (
    Advice,
    Diagnosis,
    GeometricDifference,
    KernelConcentration,
    KernelScores,
    diagnose,
)
from qiskit_qml_ext.diagnostics.diagnosis.kernel import SCORES
from qiskit_qml_ext.evaluation.comparison import KernelSample
from qiskit_qml_ext.evaluation.formatting import score
from qiskit_qml_ext.evaluation.hardware import WITHOUT_ERRORS
from qiskit_qml_ext.evaluation.preparation import quantum_preparation
from qiskit_qml_ext.evaluation.verdict import Contestant, Verdict, VerdictCode, best_classical
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

if TYPE_CHECKING:
    from qiskit_qml_ext.evaluation.planning import Plan
    from qiskit_qml_ext.evaluation.results import Evaluation

MAX_SAMPLES = 200
TIME_BUDGET = 3.0  # seconds after which no further stage is started
# The diagnosis has its own moments and shots; on an exact target those of the health would be the same once more.
SAID_BY_THE_DIAGNOSIS = ("Mean off the diagonal", "Variance off the diagonal", "Shots to tell entries apart")
_WINS: tuple[VerdictCode, ...] = ("better", "better_without_entanglement")
# What the table of all models says better than a cross-validation of kernels on one training set.
_SAID_BY_THE_SCORES = ("classical_scores_as_well", "scores_alike", "quantum_scores_higher", "nothing_learned")
_ADVICE_WITHOUT_SCORES = ("classical_first", "compare_on_same_folds")
# What is true of bounds or of a matrix, but reads as the opposite of a verdict that the scores reached.
_UNSAID: dict[VerdictCode, tuple[str, ...]] = {
    "better": ("bound_carries_over", "nearly_identity", "less_entanglement"),
    "better_without_entanglement": ("bound_carries_over", "nearly_identity"),
    "worse": ("labels_simpler_for_quantum",),
    "no_evidence": ("labels_simpler_for_quantum",),
    "nothing_learned": ("labels_simpler_for_quantum", "bound_carries_over"),
    "no_baseline": ("labels_simpler_for_quantum", "bound_carries_over"),
}


def diagnose_kernel_of(
    plan: "Plan", kernel: KernelSample, *, verdict: Verdict | None = None, models: Sequence[Contestant] = ()
) -> tuple[Diagnosis | None, list[str]]:
    """Diagnose a quantum kernel on samples of its training set, prepared as the model prepares them.

    The kernel is simulated exactly whatever the target, so this costs no shots.

    Args:
        plan: The checked evaluation.
        kernel: The training set and the bandwidth.
        verdict: What the comparison of all models found; None if it is not known.
        models: All models with their scores.

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
    return in_the_light_of(found, verdict, models, bandwidth=kernel.bandwidth, tried=protocol.bandwidths), notes


def in_the_light_of(
    diagnosis: Diagnosis,
    verdict: Verdict | None,
    models: Sequence[Contestant],
    *,
    bandwidth: float,
    tried: Sequence[float],
) -> Diagnosis:
    """Return a diagnosis without what the verdict answers better, and with advice from the scores.

    Args:
        diagnosis: What was found about the kernel alone.
        verdict: What the comparison of all models found; None changes nothing.
        models: All models with their scores.
        bandwidth: The bandwidth of the kernel.
        tried: The bandwidths among which the search chose it.
    """
    if verdict is None:
        return diagnosis
    unsaid = {*_SAID_BY_THE_SCORES, *_ADVICE_WITHOUT_SCORES, *_UNSAID.get(verdict.code, ())}
    spread = concentration_of(diagnosis)
    # the search preferred this bandwidth to those that would spread the entries more
    if spread is not None and spread.bandwidth is not None and min(tried) <= bandwidth * spread.bandwidth.value:
        unsaid.add("smaller_bandwidth")
    advice = [sentence for sentence in diagnosis.advice if getattr(sentence, "code", "") not in unsaid]
    return replace(
        diagnosis,
        findings=tuple(finding for finding in diagnosis.findings if finding.code not in unsaid),
        advice=(*_advice_from_scores(verdict, models), *advice),
        skipped=tuple(reason for reason in diagnosis.skipped if not reason.startswith(f"{SCORES}:")),
        evidence={name: part for name, part in diagnosis.evidence.items() if not isinstance(part, KernelScores)},
    )


def _advice_from_scores(verdict: Verdict, models: Sequence[Contestant]) -> list[Advice]:
    """Name the classical model that scores best, if it scores at least as high as the quantum kernel."""
    best = best_classical(models)
    quantum = next((model for model in models if model.role == "quantum" and model.scores), None)
    if verdict.code not in ("no_evidence", "worse") or best is None or quantum is None or best.mean < quantum.mean:
        return []
    return [
        Advice(
            f"Use a classical model first: on these folds {best.name} scores {score(best.mean)}, the quantum kernel "
            f"{score(quantum.mean)}.",
            "classical_first",
        )
    ]


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
    # a complexity whose bound says nothing would only read as bad news about a kernel that may score well
    telling = None if other is None or other.conclusion == "quantum_bound_silent" else other
    if telling is not None and telling.quantum_complexity is not None and telling.simplest is not None:
        least, identity = telling.simplest.complexity or 0.0, telling.identity_complexity or 0.0
        meaning = f"least of the classical kernels: {_size(least)}; of the identity: {_size(identity)}"
        rows = [*rows, ("Complexity of the labels", _size(telling.quantum_complexity), meaning)]
    return rows


def _size(complexity: float) -> str:
    return f"{complexity:,.0f}" if 100 <= complexity < 1e6 else f"{complexity:.3g}"


def measured(evaluation: "Evaluation") -> list[tuple[str, str, str]]:
    """Return the health of a sampled kernel as rows, where a diagnosis of the exact kernel stands beside it."""
    if evaluation.health is None or evaluation.diagnosis is None or evaluation.settings.is_exact:
        return []
    rows, cost = evaluation.health.rows(), evaluation.hardware
    # on a target without errors the exact entries say how many shots it takes, and say it better
    known = cost is not None and cost.basis == WITHOUT_ERRORS
    return [row for row in rows if not (known and row[0] == "Shots to tell entries apart")]
