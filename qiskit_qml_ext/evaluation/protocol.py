"""The evaluation from end to end: does a quantum model help on these data, and could it be run on hardware?"""

import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from qiskit_qml_ext._version import __version__
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.diagnostics import Diagnosis, KernelHealth, kernel_health
from qiskit_qml_ext.evaluation.candidates import BANDWIDTHS, C_VALUES, Candidate
from qiskit_qml_ext.evaluation.comparison import (
    FoldOutcome,
    KernelSample,
    most_chosen_kernel,
    run_folds,
    without_spare_kernels,
)
from qiskit_qml_ext.evaluation.diagnosis import concentration_of, diagnose_kernel_of
from qiskit_qml_ext.evaluation.hardware import HardwareCost, hardware_cost
from qiskit_qml_ext.evaluation.planning import Plan, plan_evaluation
from qiskit_qml_ext.evaluation.results import Evaluation, GridEdge, ModelResult, Provenance
from qiskit_qml_ext.evaluation.verdict import Contestant, Trial, best_classical, decide

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Connection


@check_arguments()
def evaluate(
    dataset: Dataset | str,
    *,
    feature_map: str | FeatureMap = "zz",
    target: "str | Connection | object | None" = None,
    shots: int | None = None,
    journal: "str | os.PathLike[str] | None" = None,
    qubits: int | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    max_samples: int | None = None,
    seed: int = 0,
    scoring: str | None = None,
    C_values: Sequence[float] = C_VALUES,
    bandwidths: Sequence[float] = BANDWIDTHS,
    jobs: int | None = None,
    progress: bool = False,
) -> Evaluation:
    """Compare a quantum kernel with its control without entanglement and with classical models, on the same folds.

    All models are tuned by a search inside each training set. The quantum models see imputed and standardised
    features, reduced by PCA to the number of qubits if there are more, scaled to the feature map's range; the classical
    models see all features, imputed and standardised. Nothing is ever fitted on test samples.

    On a sampled target the search runs on exact simulations, and only the chosen quantum models run on the target.

    At last the quantum kernel with the bandwidth that was chosen most often is diagnosed, on up to 200 samples of one
    training set and always simulated exactly: does it concentrate, how many shots would tell its entries apart, and is
    it any different from classical kernels (:func:`~qiskit_qml_ext.diagnostics.diagnosis.diagnose`)?

    Args:
        dataset: A data set or the name of a bundled one; see :func:`~qiskit_qml_ext.datasets.load_dataset` and
            :meth:`Dataset.from_arrays() <qiskit_qml_ext.datasets.Dataset.from_arrays>`.
        feature_map: A feature map or its name; the search replaces its bandwidth.
        target: Where the quantum models run: what :func:`~qiskit_qml_ext.primitives.connect` takes, or a connection.
        shots: Shots of every circuit; by default the target's.
        journal: A file in which all jobs of a sampled target are written down; an evaluation that was killed goes on
            from there when it is run again with the same file.
        qubits: The largest number of qubits; by default the smaller of the number of features and 8.
        folds: Outer folds, at least 2; by default 5. Equal rows are always in the same fold.
        repeats: How often the outer cross-validation is made, each time with other folds, which narrows the intervals.
            By default as often as is affordable: about 30 seconds of fits by an estimate from the sizes alone, at most
            15 test folds, and once on a sampled target. Once if ``folds`` is given.
        max_samples: Use at most so many samples; by default 1,000, 100 on a sampled target, 30 on a fake device. The
            result says if samples were left out.
        seed: Seed of everything random.
        scoring: The name of a scikit-learn scorer, higher is better; by default ``"accuracy"`` or ``"r2"``. For scores
            of one class (such as ``"f1"``) the second of the class names is the positive one.
        C_values: The values of C offered to all support vector machines.
        bandwidths: The values of the bandwidth offered to the quantum kernels.
        jobs: How many processes work at the same time, -1 for as many as there are processors; the results do not
            depend on it. By default one, and more for evaluations on an exact target that take longer than about 10
            seconds.
        progress: Whether to show a progress bar on standard error.

    Returns:
        The result: ``verdict``, ``models``, ``diagnosis``, ``health``, ``summary()``, ``report(path)``, ``plot()``,
        ``to_dict()``.

    Raises:
        ValueError: If something asked for cannot be done; nothing has run then.
        TypeError: If an argument is of the wrong kind.

    Examples:
        >>> from qiskit_qml_ext.evaluation import evaluate
        >>> result = evaluate("iris", feature_map="angle", max_samples=30, folds=3, bandwidths=[0.5])
        >>> result["dummy"].mean
        0.3
    """
    plan = plan_evaluation(
        dataset,
        feature_map=feature_map,
        target=target,
        shots=shots,
        journal=journal,
        qubits=qubits,
        folds=folds,
        repeats=repeats,
        max_samples=max_samples,
        seed=seed,
        scoring=scoring,
        C_values=C_values,
        bandwidths=bandwidths,
    )
    return run_plan(plan, jobs=jobs, progress=progress)


@check_arguments()
def run_plan(plan: Plan, *, jobs: int | None = None, progress: bool = False, command: str | None = None) -> Evaluation:
    """Run a checked evaluation.

    Args:
        plan: From :func:`~qiskit_qml_ext.evaluation.plan_evaluation`.
        jobs: How many processes work at the same time; by default as :func:`evaluate` says.
        progress: Whether to show a progress bar on standard error.
        command: The command line that asked for it, for the report.
    """
    from tqdm import tqdm

    started, clock = datetime.now(timezone.utc), time.perf_counter()
    outcomes: dict[str, list[FoldOutcome]] = {candidate.key: [] for candidate in plan.candidates}
    total = len(plan.candidates) * len(plan.splits)
    with tqdm(total=total, disable=not progress, unit="fit", desc="Evaluating", leave=False) as bar:
        for outcome in run_folds(plan, jobs=plan.default_jobs if jobs is None else jobs):
            outcomes[outcome.key] = without_spare_kernels([*outcomes[outcome.key], outcome])
            bar.update()
    contestants = [_contestant(candidate, outcomes[candidate.key]) for candidate in plan.candidates]
    best = best_classical(contestants)
    kernel = most_chosen_kernel(outcomes["quantum"])
    health = None if kernel is None else _health(plan, kernel)
    models = tuple(_row(plan, contestant, best, outcomes[contestant.key]) for contestant in contestants)
    verdict = decide(
        contestants,
        test_fraction=plan.test_fraction,
        scoring=plan.settings.scoring,
        is_exact=plan.settings.is_exact,
        test_size=plan.test_size,
        entangles=plan.entangles,
    )
    diagnosis, remarks = (
        (None, []) if kernel is None else diagnose_kernel_of(plan, kernel, verdict=verdict, models=contestants)
    )
    return Evaluation(
        dataset=plan.dataset,
        num_available=plan.num_available,
        num_distinct=plan.num_distinct,
        settings=plan.settings,
        models=models,
        best_classical=None if best is None else best.key,
        verdict=verdict,
        health=health,
        kernel=kernel,
        diagnosis=diagnosis,
        hardware=None if kernel is None or health is None else _hardware(plan, kernel, health, diagnosis),
        run_cost=plan.run_cost,
        notes=(*plan.notes, *_notes(plan), *_notes_of_edges(models, plan.settings.num_outer), *remarks),
        provenance=_provenance(started, time.perf_counter() - clock, command),
    )


def _contestant(candidate: Candidate, outcomes: list[FoldOutcome]) -> Contestant:
    failed = [outcome for outcome in outcomes if outcome.failure is not None]
    if not failed:
        return Contestant(candidate.key, candidate.name, candidate.role, tuple(outcome.score for outcome in outcomes))
    where = "" if len(failed) == len(outcomes) else f"on {len(failed)} of {len(outcomes)} folds: "
    return Contestant(candidate.key, candidate.name, candidate.role, (), f"{where}{failed[0].failure}")


def _row(plan: Plan, model: Contestant, best: Contestant | None, outcomes: list[FoldOutcome]) -> ModelResult:
    finished = bool(model.scores)
    comparison = None
    if finished and best is not None and model.key != best.key:
        comparison = Trial(plan.test_fraction, plan.test_size, plan.settings.scoring).against(model, best)
    warnings: dict[str, int] = {}
    for outcome in outcomes:
        for text, number in outcome.warnings.items():
            warnings[text] = warnings.get(text, 0) + number
    return ModelResult(
        key=model.key,
        name=model.name,
        role=model.role,
        scores=model.scores,
        mean=model.mean if finished else float("nan"),
        std=float(np.std(model.scores, ddof=1)) if finished else float("nan"),
        comparison=comparison,
        fit_seconds=float(np.mean([outcome.fit_seconds for outcome in outcomes])) if finished else float("nan"),
        circuits=sum(outcome.usage.circuits for outcome in outcomes),
        shots=sum(outcome.usage.shots for outcome in outcomes),
        parameters=tuple(outcome.parameters for outcome in outcomes) if finished else (),
        failure=model.failure,
        warnings=tuple(f"{text} ({number}×)" if number > 1 else text for text, number in warnings.items()),
        edges=_edges(outcomes) if finished else (),
    )


def _edges(outcomes: Sequence[FoldOutcome]) -> tuple[GridEdge, ...]:
    """Return the ends of the grid that were chosen on half of the folds or more."""
    times = Counter((name, outcome.parameters[name]) for outcome in outcomes for name in outcome.edges)
    largest = {name: max(outcome.parameters[name] for outcome in outcomes) for name, _ in times}
    return tuple(
        GridEdge(name, value, value == largest[name], number)
        for (name, value), number in times.items()
        if 2 * number >= len(outcomes)
    )


def _health(plan: Plan, kernel: KernelSample) -> KernelHealth:
    return kernel_health(
        kernel.matrix,
        kernel.y,
        task=plan.dataset.task,
        standard_errors=None if plan.settings.is_exact else kernel.standard_errors,
        shots=plan.settings.shots,
    )


_PERFECT_TARGETS = ("exact", "aer")  # with shots, but without errors: the exact entries are those of such a device


def _hardware(
    plan: Plan, kernel: KernelSample, health: KernelHealth, diagnosis: Diagnosis | None
) -> HardwareCost | None:
    # One number of shots for one kernel: the diagnosis's, unless the entries were measured, noise of a device and all.
    perfect = plan.settings.is_exact or plan.target in _PERFECT_TARGETS
    found = None if diagnosis is None or not perfect else concentration_of(diagnosis)
    shots = health.shots_to_resolve if found is None else found.last.shots
    return hardware_cost(
        plan.feature_map.with_bandwidth(kernel.bandwidth),
        plan.settings.num_encoded,
        target=plan.connection,
        num_train=len(np.unique(plan.dataset.X[plan.splits[kernel.fold][0]], axis=0)),
        shots=shots,
        measured=not plan.settings.is_exact and found is None,
        seed=plan.settings.seed,
    )


def _notes(plan: Plan) -> list[str]:
    settings, notes = plan.settings, []
    if settings.uses_pca:
        notes.append(
            f"The quantum models see {settings.num_encoded} principal components of the {plan.dataset.num_features} "
            "features; so does the row “on the same features”. The other classical models see all features."
        )
    if not settings.is_exact:
        notes.append(
            f"C and bandwidth were chosen on exact simulations; only the chosen quantum models ran on "
            f"{settings.target}."
        )
    if plan.dataset.num_missing:
        notes.append("Missing values were replaced by the median of the training samples, in every fold anew.")
    return notes


def _notes_of_edges(models: Sequence[ModelResult], num_outer: int) -> list[str]:
    """Say which searches chose an end of their grid, quantum and classical ones alike."""
    parts = [
        f"{model.name}: {'largest' if edge.is_largest else 'smallest'} {edge.parameter}, {edge.value:.3g}, on "
        f"{edge.times} of {num_outer} folds"
        for model in models
        for edge in model.edges
    ]
    if not parts:
        return []
    return [
        f"Searches that scored best at an end of their grid; a wider grid might raise these scores: {'; '.join(parts)}."
    ]


def _provenance(started: datetime, seconds: float, command: str | None) -> Provenance:
    packages = (
        "qiskit",
        "qiskit-aer",
        "qiskit-machine-learning",
        "qiskit-ibm-runtime",
        "scikit-learn",
        "numpy",
        "scipy",
    )
    versions = {"qiskit-qml-ext": __version__, "python": platform.python_version()}
    versions.update({package: version(package) for package in packages})
    system = f"{platform.system()} {platform.machine()}"
    return Provenance(started.isoformat(timespec="seconds"), seconds, versions, system, command)
