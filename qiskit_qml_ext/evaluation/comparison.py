"""Running every model on every fold: one failing model is reported, the others go on."""

import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.metrics import get_scorer
from threadpoolctl import threadpool_limits

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.evaluation.candidates import Candidate
from qiskit_qml_ext.evaluation.planning import Plan, Split
from qiskit_qml_ext.primitives import Usage


@dataclass(frozen=True, eq=False)
class KernelSample:
    """The kernel matrix of one training set, as it was computed or measured.

    Attributes:
        matrix: Shape (n, n), before any repair.
        standard_errors: Shape (n, n); zeros for exact results.
        y: The labels of the samples, shape (n,).
        bandwidth: The bandwidth that the search chose there.
        fold: The number of the outer fold, from 0.
    """

    matrix: FloatArray
    standard_errors: FloatArray
    y: FloatArray | IntArray
    bandwidth: float
    fold: int = 0

    @property
    def place(self) -> str:
        """Name the training set in words."""
        return "the first training set" if self.fold == 0 else f"training set {self.fold + 1}"


@dataclass(frozen=True, eq=False)
class FoldOutcome:
    """What one model did on one fold.

    Attributes:
        key: The candidate's key.
        fold: The number of the fold, from 0.
        score: The score on the test part; NaN if the model failed.
        fit_seconds: Time of the search and the fit.
        parameters: What the search chose.
        usage: What the model ran on the target, search, fit and prediction.
        failure: Why it failed, one line; None if it did not.
        warnings: Warnings that came up, each with its number.
        kernel: The training kernel matrix, where it was asked for.
        edges: The chosen parameters that lie at an end of their grid and score better there than anywhere else on it.
    """

    key: str
    fold: int
    score: float
    fit_seconds: float
    parameters: dict[str, float]
    usage: Usage
    failure: str | None = None
    warnings: dict[str, int] = field(default_factory=dict)
    kernel: KernelSample | None = None
    edges: tuple[str, ...] = ()


def run_folds(plan: Plan, *, jobs: int = 1) -> Iterator[FoldOutcome]:
    """Fit and score every candidate on every fold.

    Args:
        plan: The checked evaluation.
        jobs: How many processes work at the same time.

    Yields:
        The outcomes in the order in which they are ready.
    """
    tasks = [
        (candidate, fold, split, candidate.role == "quantum")
        for fold, split in enumerate(plan.splits)
        for candidate in plan.candidates
    ]
    if jobs == 1:
        for task in tasks:
            yield run_fold(plan, *task)
    else:
        parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
        yield from parallel(delayed(run_fold)(plan, *task) for task in tasks)


def run_fold(plan: Plan, candidate: Candidate, fold: int, split: Split, keep_kernel: bool) -> FoldOutcome:
    """Fit and score one candidate on one fold; an exception becomes the outcome's ``failure``."""
    train, test = split
    X, y = plan.dataset.X, plan.dataset.y
    before, start = plan.connection.usage, time.perf_counter()
    fit_seconds, score, parameters, failure, kernel = float("nan"), float("nan"), {}, None, None
    edges: tuple[str, ...] = ()
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
                kernel = _kernel_sample(search.best_estimator_, X[train], y[train], parameters["bandwidth"], fold)
        except Exception as error:
            failure, usage = _one_line(error), plan.connection.usage - before
    messages = Counter(_one_line_text(str(warning.message)) for warning in caught)
    return FoldOutcome(
        candidate.key, fold, score, fit_seconds, parameters, usage, failure, dict(messages), kernel, edges
    )


# Rounding errors of a mean of scores; a choice that is not better than the next one by more than this is a tie.
_TIE = 1e-12


def chosen_edges(
    grid: Sequence[Mapping[str, float]], scores: Sequence[float] | FloatArray, chosen: Mapping[str, float]
) -> tuple[str, ...]:
    """Return the parameters for which a search might have found more beyond the end of its grid.

    Args:
        grid: All choices.
        scores: Their mean scores.
        chosen: The choice that was made.

    Returns:
        The names of the parameters, without prefixes, whose chosen value is the smallest or the largest of three or
        more and scores higher than all other values, whatever the other parameters are.
    """
    found = []
    for name, value in chosen.items():
        values = sorted({float(choice[name]) for choice in grid})
        if len(values) < 3 or values[0] < value < values[-1]:
            continue
        at_edge = np.array([choice[name] == value for choice in grid])
        known = np.nan_to_num(np.asarray(scores, dtype=np.float64), nan=-np.inf)
        if known[at_edge].max() > known[~at_edge].max() + _TIE:
            found.append(name.rsplit("__", 1)[-1])
    return tuple(found)


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


def _kernel_sample(
    estimator: object,
    X: FloatArray,
    y: FloatArray | IntArray,
    bandwidth: float,
    fold: int,
) -> KernelSample:
    """Return the training kernel matrix of a fitted model; what was sampled before is read back, not sampled again."""
    prepare, model = estimator.named_steps["prepare"], estimator.named_steps["model"]  # type: ignore[attr-defined]
    machine = getattr(model, "regressor_", model)
    # Prepared as in the fit: the last digits of PCA's transform differ from its fit_transform, which makes new samples.
    estimate = machine.kernel_.evaluate_with_errors(clone(prepare).fit_transform(X, y))
    return KernelSample(estimate.raw, estimate.standard_errors, y, bandwidth, fold)


def _one_line(error: Exception) -> str:
    text = _one_line_text(str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _one_line_text(text: str, limit: int = 240) -> str:
    """Return the first paragraph of a message on one line; what follows is usually advice with links."""
    line = " ".join(text.strip().split("\n\n")[0].split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
