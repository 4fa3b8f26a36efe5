"""The diagnosis of the quantum kernel that the search chose, and what of its health the diagnosis does not say.

A diagnosis by itself does not know the verdict. Here the models were compared on the same folds, so what it would
advise without that knowledge is replaced by what the scores say, and nothing in it may speak against the verdict.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace

from threadpoolctl import threadpool_limits

from qiskit_qml_ext.diagnostics import (
    Advice,
    Diagnosis,
    GeometricDifference,
    KernelConcentration,
    diagnose,
)
from qiskit_qml_ext.evaluation.formatting import score
from qiskit_qml_ext.evaluation.judgement.verdict import Contestant, Verdict, VerdictCode, best_classical
from qiskit_qml_ext.evaluation.outcomes.kernel_sample import KernelSample
from qiskit_qml_ext.evaluation.planning.evaluation_plan import EvaluationPlan
from qiskit_qml_ext.evaluation.protocol.preparation import quantum_preparation
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

MAX_SAMPLES = 200
TIME_BUDGET = 3.0  # seconds after which no further stage is started
# What the table of all models says better than a cross-validation of kernels on one training set.
_SAID_BY_THE_SCORES = ("classical_scores_as_well", "scores_alike", "quantum_scores_higher", "nothing_learned")
_ADVICE_WITHOUT_SCORES = ("classical_first", "compare_on_same_folds")
_SCORES = "kernel_scores"  # the name of that function, under which a diagnosis keeps its result
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
    plan: EvaluationPlan, kernel: KernelSample, *, verdict: Verdict | None = None, models: Sequence[Contestant] = ()
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
    data, tuning = plan.dataset, plan.tuning
    train = plan.splits[kernel.fold][0]
    connection = plan.connection if plan.connection.is_exact else connect(seed=tuning.seed)
    # As for the fits: the threads of BLAS cost more than they give on matrices of this size.
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
        warnings.simplefilter("always")
        try:
            prepare = quantum_preparation(plan.feature_map, num_components=tuning.num_components)
            diagnosis = diagnose(
                FidelityKernel(plan.feature_map.with_bandwidth(kernel.bandwidth), connection=connection),
                prepare.fit_transform(data.X[train], data.y[train]),
                data.labels[train],
                num_samples=MAX_SAMPLES,
                max_seconds=TIME_BUDGET,
                seed=tuning.seed,
            )
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return None, [f"The quantum kernel could not be diagnosed: {reason}"]
    notes = [f"Diagnosis of the quantum kernel: {text}" for text in dict.fromkeys(str(w.message) for w in caught)]
    if not diagnosis.findings:
        return None, [*notes, *(f"The quantum kernel could not be diagnosed. {reason}" for reason in diagnosis.skipped)]
    return in_the_light_of(diagnosis, verdict, models, bandwidth=kernel.bandwidth, tried=tuning.bandwidths), notes


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
        skipped=tuple(reason for reason in diagnosis.skipped if getattr(reason, "key", "") != _SCORES),
        evidence={key: part for key, part in diagnosis.evidence.items() if key != _SCORES},
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
