"""The evaluation from end to end: does a quantum model help on these data, and could it be run on hardware?"""

import os
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation.judgement.verdict import Contestant, Verdict, best_classical, decide
from qiskit_qml_ext.evaluation.outcomes.fold_runs import (
    FoldOutcome,
    most_chosen_kernel,
    run_folds,
    without_spare_kernels,
)
from qiskit_qml_ext.evaluation.outcomes.kernel_look import look_at
from qiskit_qml_ext.evaluation.outcomes.model_result import contestant_of, model_result_of
from qiskit_qml_ext.evaluation.outcomes.provenance import provenance_of
from qiskit_qml_ext.evaluation.outcomes.remarks import notes_of_edges, notes_of_models
from qiskit_qml_ext.evaluation.outcomes.variational_look import look_at_training
from qiskit_qml_ext.evaluation.planning.evaluation_plan import EvaluationPlan
from qiskit_qml_ext.evaluation.planning.steps import plan_evaluation
from qiskit_qml_ext.evaluation.protocol.quantum_family import KERNEL, VARIATIONAL, ModelChoice, QuantumFamily
from qiskit_qml_ext.evaluation.protocol.tuning import BANDWIDTHS, C_VALUES
from qiskit_qml_ext.evaluation.result import Evaluation

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
    max_qubits: int | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    max_samples: int | None = None,
    seed: int = 0,
    scoring: str | None = None,
    C_values: Sequence[float] = C_VALUES,
    bandwidths: Sequence[float] = BANDWIDTHS,
    model: ModelChoice = "kernel",
    num_processes: int | None = None,
    progress: bool = False,
) -> Evaluation:
    """Compare a quantum model with its control without entanglement and with classical models, on the same folds.

    All models are tuned by a search inside each training set. The quantum models see imputed and standardised
    features, reduced by PCA to the number of qubits if there are more, scaled to the feature map's range; the classical
    models see all features, imputed and standardised. Nothing is ever fitted on test samples.

    On a sampled target the search runs on exact simulations, and only the chosen quantum models run on the target.

    A variational model is the feature map followed by layers of trained rotations and CX gates, with a trained scale
    and bias; its control has no entangling gate in either. Its search chooses among the same bandwidths as a
    kernel's, 1 or 3 layers, learning rates of Adam of 0.1 or 0.3, and 15, 30, 60 or 120 steps of at most 64 samples. It
    is trained on exact simulation only.

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
        max_qubits: The largest number of qubits; by default the smaller of the number of features and 8.
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
        bandwidths: The values of the bandwidth offered to the quantum models.
        model: Which quantum models are compared with the classical ones: ``"kernel"``, ``"variational"``, or ``"both"``
            side by side, each with its own verdict.
        num_processes: How many processes work at the same time, -1 for as many as there are processors; the results do
            not depend on it. By default one, and more for evaluations on an exact target that take longer than about 10
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
        max_qubits=max_qubits,
        folds=folds,
        repeats=repeats,
        max_samples=max_samples,
        seed=seed,
        scoring=scoring,
        C_values=C_values,
        bandwidths=bandwidths,
        model=model,
    )
    return run_plan(plan, num_processes=num_processes, progress=progress)


@check_arguments()
def run_plan(
    plan: EvaluationPlan, *, num_processes: int | None = None, progress: bool = False, command: str | None = None
) -> Evaluation:
    """Run a checked evaluation.

    Args:
        plan: From :func:`~qiskit_qml_ext.evaluation.plan_evaluation`.
        num_processes: How many processes work at the same time; by default as :func:`evaluate` says.
        progress: Whether to show a progress bar on standard error.
        command: The command line that asked for it, for the report.
    """
    started, clock = datetime.now(timezone.utc), time.perf_counter()
    outcomes = _outcomes(plan, plan.default_jobs if num_processes is None else num_processes, progress=progress)
    contestants = [contestant_of(candidate, outcomes[candidate.key]) for candidate in plan.candidates]
    best = best_classical(contestants)
    models = tuple(model_result_of(plan, model, best, outcomes[model.key]) for model in contestants)
    verdicts = {family.key: _verdict(plan, contestants, family) for family in plan.families}
    verdict = next(iter(verdicts.values()))
    kernel = look_at(plan, most_chosen_kernel(outcomes.get(KERNEL.key, [])), verdict, contestants)
    trained = verdicts.get(VARIATIONAL.key)
    notes = (*plan.notes, *notes_of_models(plan), *notes_of_edges(models, plan.settings.num_outer))
    return Evaluation(
        dataset=plan.dataset,
        num_available=plan.num_available,
        num_distinct=plan.num_distinct,
        settings=plan.settings,
        models=models,
        best_classical=None if best is None else best.key,
        verdict=verdict,
        health=kernel.health,
        kernel=kernel.sample,
        diagnosis=kernel.diagnosis,
        hardware=kernel.hardware,
        run_cost=plan.run_cost,
        notes=(*notes, *kernel.notes),
        provenance=provenance_of(started, time.perf_counter() - clock, command),
        twin=kernel.twin,
        variational=None if trained is None else look_at_training(plan, outcomes, trained, contestants),
    )


def _verdict(plan: EvaluationPlan, contestants: Sequence[Contestant], family: QuantumFamily) -> Verdict:
    return decide(
        contestants,
        test_fraction=plan.test_fraction,
        scoring=plan.settings.scoring,
        is_exact=plan.settings.is_exact,
        test_size=plan.test_size,
        entangles=plan.entangles_in(family),
        family=family,
        num_quantum=len(plan.families),
    )


def _outcomes(plan: EvaluationPlan, num_processes: int, *, progress: bool) -> dict[str, list[FoldOutcome]]:
    """Run every model on every fold; return the outcomes of each, sorted by fold."""
    from tqdm import tqdm

    outcomes: dict[str, list[FoldOutcome]] = {candidate.key: [] for candidate in plan.candidates}
    total = len(plan.candidates) * len(plan.splits)
    with tqdm(total=total, disable=not progress, unit="fit", desc="Evaluating", leave=False) as bar:
        for outcome in run_folds(plan, num_processes=num_processes):
            outcomes[outcome.key] = without_spare_kernels([*outcomes[outcome.key], outcome])
            bar.update()
    return outcomes
