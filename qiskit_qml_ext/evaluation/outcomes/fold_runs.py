"""Running every model on every fold: one failing model is reported, the others go on."""

import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from joblib import Parallel, delayed
from sklearn.metrics import get_scorer
from threadpoolctl import threadpool_limits

from qiskit_qml_ext.evaluation.outcomes.grid_edges import chosen_edges
from qiskit_qml_ext.evaluation.outcomes.kernel_sample import KernelSample, kernel_sample_of
from qiskit_qml_ext.evaluation.outcomes.training_record import TrainingRecord, training_record_of
from qiskit_qml_ext.evaluation.planning.evaluation_plan import EvaluationPlan
from qiskit_qml_ext.evaluation.protocol.candidates import Candidate
from qiskit_qml_ext.evaluation.protocol.folds import Split
from qiskit_qml_ext.evaluation.protocol.quantum_family import KERNEL
from qiskit_qml_ext.evaluation.protocol.training_search import TrainingSearch
from qiskit_qml_ext.exceptions import PlateauWarning
from qiskit_qml_ext.primitives import Usage


@dataclass(frozen=True, eq=False)
class FoldOutcome:
    """What one model did on one fold."""

    key: str
    """The candidate's key."""
    fold: int
    """The number of the fold, from 0."""
    score: float
    """The score on the test part; NaN if the model failed."""
    fit_seconds: float
    """Time of the search and the fit."""
    parameters: dict[str, float]
    """What the search chose."""
    usage: Usage
    """What the model ran on the target, search, fit and prediction."""
    failure: str | None = None
    """Why it failed, one line; None if it did not."""
    warnings: dict[str, int] = field(default_factory=dict)
    """Warnings that came up, each with its number."""
    kernel: KernelSample | None = None
    """The training kernel matrix, where it was asked for."""
    training: TrainingRecord | None = None
    """How the circuit was trained, for variational models."""
    edges: Mapping[str, bool] = field(default_factory=dict)
    """The chosen parameters that lie at an end of their grid and score better there than anywhere else on it, each with
    whether it is the largest of the grid."""


def run_folds(plan: EvaluationPlan, *, num_processes: int = 1) -> Iterator[FoldOutcome]:
    """Fit and score every candidate on every fold.

    Args:
        plan: The checked evaluation.
        num_processes: How many processes work at the same time.

    Yields:
        The outcomes in the order in which they are ready.
    """
    tasks = [
        (candidate, fold, split, candidate.key == KERNEL.key)
        for fold, split in enumerate(plan.splits)
        for candidate in plan.candidates
    ]
    if num_processes == 1:
        for task in tasks:
            yield run_fold(plan, *task)
    else:
        parallel = Parallel(n_jobs=num_processes, return_as="generator_unordered")
        yield from parallel(delayed(run_fold)(plan, *task) for task in tasks)


def run_fold(plan: EvaluationPlan, candidate: Candidate, fold: int, split: Split, keep_kernel: bool) -> FoldOutcome:
    """Fit and score one candidate on one fold; an exception becomes the outcome's ``failure``."""
    train, test = split
    X, y = plan.dataset.X, plan.dataset.y
    before, start = plan.connection.usage, time.perf_counter()
    fit_seconds, score, parameters, failure, kernel = float("nan"), float("nan"), {}, None, None
    training: TrainingRecord | None = None
    edges: dict[str, bool] = {}
    # On tables of this size the threads of BLAS and OpenMP cost more than they give, and on a busy machine they stall.
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
        warnings.simplefilter("always")
        try:
            search = candidate.make().fit(X[train], y[train])
            fit_seconds = time.perf_counter() - start
            parameters = {name.rsplit("__", 1)[-1]: float(value) for name, value in search.best_params_.items()}
            edges = chosen_edges(
                search.cv_results_["params"], search.cv_results_["mean_test_score"], search.best_params_
            )
            score = float(get_scorer(plan.settings.scoring)(search.best_estimator_, X[test], y[test]))
            if not np.isfinite(score):
                failure = f"The score is {score}."
            usage = plan.connection.usage - before
            if keep_kernel:
                kernel = kernel_sample_of(search.best_estimator_, X[train], y[train], parameters["bandwidth"], fold)
            if isinstance(search, TrainingSearch):  # trained without a connection, which would have counted
                usage += Usage(circuits=search.num_states_ + len(test))
                training = training_record_of(search, fold, len(train))
        except Exception as error:
            failure, usage = _one_line(error), plan.connection.usage - before
    kept = [one for one in caught if training is None or not issubclass(one.category, PlateauWarning)]
    messages = Counter(_one_line_text(str(warning.message)) for warning in kept)  # the guard's finding is in training
    return FoldOutcome(
        candidate.key, fold, score, fit_seconds, parameters, usage, failure, dict(messages), kernel, training, edges
    )


def without_spare_kernels(outcomes: Sequence[FoldOutcome]) -> list[FoldOutcome]:
    """Sort outcomes by fold and keep only the first kernel matrix of each bandwidth, so that memory stays bounded."""
    first: dict[float, int] = {}
    ordered = sorted(outcomes, key=lambda outcome: outcome.fold)
    for outcome in ordered:
        if outcome.kernel is not None:
            first.setdefault(outcome.kernel.bandwidth, outcome.fold)
    return [
        replace(outcome, kernel=None) if outcome.kernel and first[outcome.kernel.bandwidth] < outcome.fold else outcome
        for outcome in ordered
    ]


def most_chosen_kernel(outcomes: Sequence[FoldOutcome]) -> KernelSample | None:
    """Return the kernel with the bandwidth that the search chose on most folds, the first if several share the lead."""
    times = Counter(outcome.parameters.get("bandwidth") for outcome in outcomes)
    kernels = [outcome.kernel for outcome in without_spare_kernels(outcomes) if outcome.kernel is not None]
    return max(kernels, key=lambda kernel: times[kernel.bandwidth], default=None)


def _one_line(error: Exception) -> str:
    text = _one_line_text(str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _one_line_text(text: str, limit: int = 240) -> str:
    """Return the first paragraph of a message on one line; what follows is usually advice with links."""
    line = " ".join(text.strip().split("\n\n")[0].split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
