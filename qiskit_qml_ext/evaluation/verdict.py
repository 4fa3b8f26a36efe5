"""The answer in one plain sentence, and what it rests on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from qiskit_qml_ext.evaluation.candidates import Role
from qiskit_qml_ext.evaluation.formatting import interval, p_equals, score, signed
from qiskit_qml_ext.evaluation.statistics import Comparison, corrected_t_test

VerdictCode = Literal[
    "no_evidence", "worse", "better", "better_without_entanglement", "nothing_learned", "quantum_failed", "no_baseline"
]


@dataclass(frozen=True)
class Contestant:
    """A model as the verdict sees it; ``scores`` is empty if it failed."""

    key: str
    name: str
    role: Role
    scores: tuple[float, ...]
    failure: str | None = None

    @property
    def mean(self) -> float:
        """The mean score."""
        return sum(self.scores) / len(self.scores)


@dataclass(frozen=True)
class Verdict:
    """The answer of an evaluation.

    Attributes:
        code: One word for programs.
        sentence: The answer for people.
        details: Further sentences that qualify it.
    """

    code: VerdictCode
    sentence: str
    details: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary."""
        return {"code": self.code, "sentence": self.sentence, "details": list(self.details)}

    def __str__(self) -> str:
        return self.sentence


Against = Callable[[Contestant, Contestant], Comparison]


def best_classical(models: Sequence[Contestant]) -> Contestant | None:
    """Return the classical model with the highest mean score; the first of several. The dummy does not count."""
    finished = [model for model in models if model.role == "classical" and model.scores]
    return max(finished, key=lambda model: model.mean) if finished else None


def decide(models: Sequence[Contestant], *, test_fraction: float, scoring: str, is_exact: bool) -> Verdict:
    """Reach the verdict.

    The quantum kernel is called better only if it is significantly better than *every* classical model. Each of these
    tests must reject on its own, which keeps the false-alarm rate below that of one test, whichever classical model
    happens to look best on these folds (the intersection-union test).

    Args:
        models: All models, in any order; one of them has the role ``"quantum"``.
        test_fraction: n_test/n_train, for the corrected t-test.
        scoring: The name of the score.
        is_exact: Whether the quantum models were simulated exactly.
    """
    quantum = next(model for model in models if model.role == "quantum")
    if not quantum.scores:
        return Verdict("quantum_failed", f"No answer: the quantum kernel failed ({_without_stop(quantum.failure)}).")
    best = best_classical(models)
    if best is None:
        return Verdict(
            "no_baseline", "No answer: no classical model could be fitted, so there is nothing to compare with."
        )

    def against(first: Contestant, second: Contestant) -> Comparison:
        return corrected_t_test(first.scores, second.scores, test_fraction=test_fraction, other=second.key)

    if (guess := _nothing_learned(models, against)) is not None:
        return guess
    main = against(quantum, best)
    details = [_interval(main, best, len(quantum.scores))]
    rivals = [model for model in models if model.role == "classical" and model.scores]
    if all(against(quantum, model).is_better for model in rivals):
        return _better(models, quantum, best, main, against, details, is_exact=is_exact)
    mine, theirs, p = score(quantum.mean), score(best.mean), p_equals(main.p_value)
    scores = f"{_the(best)} scores {theirs}, the quantum kernel {mine} ({p})"
    if main.is_worse:
        return Verdict("worse", f"No advantage, the quantum kernel is worse: {scores}.", tuple(details))
    if main.is_better:
        details.append(
            "It is better than the classical model with the highest mean, but not significantly better than all."
        )
    return Verdict("no_evidence", f"No evidence of an advantage: {scores}.", tuple(details))


def _nothing_learned(models: Sequence[Contestant], against: Against) -> Verdict | None:
    """Say so if no model is better, significantly or on every single fold, than one that ignores the features."""
    dummy = next((model for model in models if model.role == "baseline" and model.scores), None)
    learned = [model for model in models if model.role != "baseline" and model.scores]
    if dummy is None or any(
        against(model, dummy).is_better or min(model.scores) > max(dummy.scores) for model in learned
    ):
        return None
    top = max(learned, key=lambda model: model.mean)
    return Verdict(
        "nothing_learned",
        f"No answer: no model is measurably better than guessing ({_the(top)} scores {score(top.mean)}, the dummy "
        f"{score(dummy.mean)}, {p_equals(against(top, dummy).p_value)}), so these data cannot tell models apart.",
        ("More samples, more repeats or other features may change this.",),
    )


def _better(
    models: Sequence[Contestant],
    quantum: Contestant,
    best: Contestant,
    main: Comparison,
    against: Against,
    details: list[str],
    *,
    is_exact: bool,
) -> Verdict:
    lead = (
        f"The quantum kernel scores higher ({score(quantum.mean)}) than every classical model (best: {_the(best)} "
        f"with {score(best.mean)}, {p_equals(main.p_value)})"
    )
    control = next((model for model in models if model.role == "control"), None)
    details.append(
        "Every feature map, seed and setting that is tried is one more comparison: confirm this on new data before "
        "relying on it."
    )
    if is_exact:
        details.append(
            "The kernel was simulated on this computer: the result is about the model, and no quantum computer is "
            "needed for it."
        )
    if control is None:
        sentence = (
            f"{lead}, but without any entangling gate: this is a product of single-qubit functions, a classical model."
        )
        return Verdict("better_without_entanglement", sentence, tuple(details))
    if not control.scores:
        details.append(
            f"The control without entanglement failed ({_without_stop(control.failure)}), so its part is unknown."
        )
        return Verdict("better", f"{lead}.", tuple(details))
    step = against(quantum, control)
    if step.is_better:
        sentence = f"{lead}; without entanglement it scores {score(control.mean)} ({p_equals(step.p_value)})."
        return Verdict("better", sentence, tuple(details))
    sentence = (
        f"{lead}, but entanglement is not the reason: without any entangling gate it scores {score(control.mean)} "
        f"({p_equals(step.p_value)})."
    )
    return Verdict("better_without_entanglement", sentence, tuple(details))


def _interval(main: Comparison, best: Contestant, folds: int) -> str:
    if math.isnan(main.low):
        return f"The difference is the same on all {folds} folds, so no confidence interval can be given."
    return (
        f"Quantum kernel minus {_the(best).removeprefix('the ')}: {signed(main.difference)}, 95 % confidence interval "
        f"{interval(main.low, main.high)} from {folds} folds; smaller differences than this range "
        "cannot be seen here."
    )


def _the(model: Contestant) -> str:
    """Name a model inside a sentence: ``the RBF SVM``, ``the logistic regression``."""
    if model.role == "quantum":
        return "the quantum kernel"
    if model.role == "control":
        return "the quantum kernel without entanglement"
    first = model.name.split()[0]
    return f"the {model.name}" if first.isupper() else f"the {model.name[0].lower()}{model.name[1:]}"


def _without_stop(text: str | None) -> str:
    return (text or "unknown reason").rstrip(".")
