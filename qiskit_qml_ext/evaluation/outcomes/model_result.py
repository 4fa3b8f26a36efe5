"""One model's row of an evaluation, made of what it did on every fold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.evaluation.judgement.t_test import Comparison
from qiskit_qml_ext.evaluation.judgement.verdict import Contestant, Trial
from qiskit_qml_ext.evaluation.outcomes.fold_runs import FoldOutcome
from qiskit_qml_ext.evaluation.outcomes.grid_edges import GridEdge
from qiskit_qml_ext.evaluation.planning.evaluation_plan import EvaluationPlan
from qiskit_qml_ext.evaluation.protocol.candidates import Candidate, Role


@dataclass(frozen=True)
class ModelResult:
    """One model's row."""

    key: str
    """Its short name."""
    name: str
    """Its name for people."""
    role: Role
    """``"quantum"``, ``"control"``, ``"classical"`` or ``"baseline"``."""
    scores: tuple[float, ...]
    """The score of each outer fold; empty if the model failed on one of them."""
    mean: float
    """Their mean; NaN if it failed."""
    std: float
    """Their standard deviation (divisor folds - 1); NaN if it failed."""
    comparison: Comparison | None
    """The difference to the best classical model; None for that model itself and where one of them failed."""
    fit_seconds: float
    """Time of search and fit, averaged over the folds; NaN if it failed."""
    circuits: int
    """What ran on the target over all folds: circuits, or states for an exact one; 0 for classical models."""
    shots: int
    """Shots over all folds; 0 for exact and classical models."""
    parameters: tuple[Mapping[str, float], ...] = ()
    """What the search chose in each fold."""
    failure: str | None = None
    """Why the model failed, one line; None if it did not."""
    warnings: tuple[str, ...] = ()
    """Warnings from its fits."""
    edges: tuple[GridEdge, ...] = ()
    """Ends of its grid that the search chose on half of the outer folds or more."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary of plain values."""
        return {
            **{name: getattr(self, name) for name in ("key", "name", "role", "mean", "std", "fit_seconds")},
            "scores": list(self.scores),
            "difference": None if self.comparison is None else self.comparison.to_dict(),
            "circuits": self.circuits,
            "shots": self.shots,
            "parameters": [dict(chosen) for chosen in self.parameters],
            "failure": self.failure,
            "warnings": list(self.warnings),
            "edges": [edge.to_dict() for edge in self.edges],
        }


def contestant_of(candidate: Candidate, outcomes: Sequence[FoldOutcome]) -> Contestant:
    """Return a model as the verdict sees it: without scores if it failed on one fold or more."""
    failed = [outcome for outcome in outcomes if outcome.failure is not None]
    if not failed:
        scores = tuple(outcome.score for outcome in outcomes)
        return Contestant(candidate.key, candidate.name, candidate.role, scores, family=candidate.family)
    where = "" if len(failed) == len(outcomes) else f"on {len(failed)} of {len(outcomes)} folds: "
    failure = f"{where}{failed[0].failure}"
    return Contestant(candidate.key, candidate.name, candidate.role, (), failure, candidate.family)


def model_result_of(
    plan: EvaluationPlan, model: Contestant, best: Contestant | None, outcomes: Sequence[FoldOutcome]
) -> ModelResult:
    """Return the row of a model.

    Args:
        plan: What was run.
        model: The model with its scores.
        best: The best classical model; None if all failed.
        outcomes: What the model did on every fold.
    """
    finished = bool(model.scores)
    comparison = None
    if finished and best is not None and model.key != best.key:
        trial = Trial(plan.test_fraction, plan.test_size, plan.settings.scoring)
        comparison = trial.against(model, best)
    warnings: Counter[str] = Counter()
    for outcome in outcomes:
        warnings.update(outcome.warnings)
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
    times = Counter(
        (name, outcome.parameters[name], is_largest)
        for outcome in outcomes
        for name, is_largest in outcome.edges.items()
    )
    return tuple(GridEdge(*edge, number) for edge, number in times.items() if 2 * number >= len(outcomes))
