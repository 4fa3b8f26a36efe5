"""The answer in one plain sentence, and what it rests on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from scipy.stats import t as student_t

from qiskit_qml_ext.evaluation.formatting import interval, p_equals, plural, score, signed
from qiskit_qml_ext.evaluation.judgement.t_test import SIGNIFICANCE, Comparison, corrected_t_test, score_range
from qiskit_qml_ext.evaluation.protocol.candidates import Role
from qiskit_qml_ext.evaluation.protocol.quantum_family import KERNEL, QuantumFamily

VerdictCode = Literal[
    "no_evidence", "worse", "better", "better_without_entanglement", "nothing_learned", "quantum_failed", "no_baseline"
]


@dataclass(frozen=True)
class Contestant:
    """A model as the verdict sees it."""

    key: str
    """Its short name."""
    name: str
    """Its name for people."""
    role: Role
    """What it is there for."""
    scores: tuple[float, ...]
    """The score of each outer fold; empty if it failed."""
    failure: str | None = None
    """Why it failed; None if it did not."""
    family: QuantumFamily = KERNEL
    """The family of a quantum model or of a control; of no meaning for others."""

    @property
    def mean(self) -> float:
        """The mean score."""
        return sum(self.scores) / len(self.scores)


@dataclass(frozen=True)
class Verdict:
    """The answer of an evaluation."""

    code: VerdictCode
    """One word for programs. ``"better"`` does not say that entanglement is the reason; the sentence says what is known
    about that. ``"better_without_entanglement"``: the control without entangling gates is not shown to be worse, or the
    feature map has no such gates."""
    sentence: str
    """The answer for people."""
    details: tuple[str, ...] = field(default=())
    """Further sentences that qualify it."""
    rival: str | None = None
    """The key of the model that decided: for a win the rival that came closest, else the one not beaten or, for
    ``"worse"``, the one that won; None where nothing was compared."""
    p_value: float | None = None
    """The p value that decided, the one in the sentence: for a win the largest of those against all rivals, for
    ``"worse"`` the smallest times their number; None where nothing was compared."""
    smallest_difference: float | None = None
    """The smallest difference to that rival that would have been significant on these folds."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary."""
        return {
            "code": self.code,
            "sentence": self.sentence,
            "details": list(self.details),
            "rival": self.rival,
            "p_value": self.p_value,
            "smallest_difference": self.smallest_difference,
        }

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Trial:
    """How folds are compared: what :func:`~qiskit_qml_ext.evaluation.corrected_t_test` needs beside the scores."""

    test_fraction: float
    """n_test/n_train."""
    test_size: float | None = None
    """The number of different samples in a test fold, where the score is a fraction of them."""
    scoring: str = ""
    """The name of the score, for its limits: no interval goes beyond what two such scores can differ by."""
    num_quantum: int = 1
    """How many quantum models are compared; each of them is one more chance of a false alarm."""

    @property
    def level(self) -> float:
        """Below this p value a difference is called significant: Bonferroni's, for the number of quantum models."""
        return SIGNIFICANCE / self.num_quantum

    def is_better(self, result: Comparison) -> bool:
        """Whether the first of two models is significantly better."""
        return result.difference > 0 and result.p_value < self.level

    def smallest_difference(self, result: Comparison) -> float:
        """Return the smallest difference that would have been significant with this spread; NaN if not known."""
        if math.isnan(result.statistic) or self.num_quantum == 1:
            return result.smallest_difference
        return float(student_t.ppf(1 - self.level / 2, result.degrees_of_freedom)) * result.standard_error

    def interval(self, result: Comparison) -> tuple[float, float]:
        """Return the ends of the confidence interval that leaves out 0 where a difference is significant."""
        lowest, highest = score_range(self.scoring)
        half, most = self.smallest_difference(result), highest - lowest
        return max(result.difference - half, -most), min(result.difference + half, most)

    def against(self, first: Contestant, second: Contestant) -> Comparison:
        """Compare two models."""
        return corrected_t_test(
            first.scores,
            second.scores,
            test_fraction=self.test_fraction,
            test_size=self.test_size,
            other=second.key,
        ).within(*score_range(self.scoring))


def best_classical(models: Sequence[Contestant]) -> Contestant | None:
    """Return the classical model with the highest mean score; the first of several. The dummy does not count."""
    finished = [model for model in models if model.role == "classical" and model.scores]
    return max(finished, key=lambda model: model.mean) if finished else None


def decide(
    models: Sequence[Contestant],
    *,
    test_fraction: float,
    scoring: str,
    is_exact: bool,
    test_size: float | None = None,
    entangles: bool | None = None,
    family: QuantumFamily = KERNEL,
    num_quantum: int = 1,
) -> Verdict:
    """Reach the verdict about one quantum model.

    The quantum model is called better only if it is significantly better than *every* classical model, and than the
    dummy. Each of these tests must reject on its own, which keeps the false-alarm rate below that of one test,
    whichever classical model happens to look best on these folds (the intersection-union test); its p value is the
    largest of theirs. It is called worse if it is significantly worse than one of the classical models after
    Bonferroni's correction for their number.

    Args:
        models: All models, in any order; one of this family has the role ``"quantum"``.
        test_fraction: n_test/n_train, for the corrected t-test.
        scoring: The name of the score, for the sentences.
        is_exact: Whether the quantum models were simulated exactly.
        test_size: The number of different samples in a test fold, where the score is a fraction of them (accuracy).
        entangles: Whether the circuit has entangling gates; None if that is not known. Without them it is its own
            control. With them, and without a control among the models, the part of entanglement is unknown.
        family: The family of the quantum model that the verdict is about.
        num_quantum: How many quantum models are compared in all. The level of every test is divided by their number
            (Bonferroni), since any of them may win by chance.
    """
    quantum = next(model for model in models if model.role == "quantum" and model.family == family)
    if not quantum.scores:
        return Verdict("quantum_failed", f"No answer: the {family.noun} failed ({_without_stop(quantum.failure)}).")
    if best_classical(models) is None:
        return Verdict(
            "no_baseline", "No answer: no classical model could be fitted, so there is nothing to compare with."
        )
    trial = Trial(test_fraction, test_size, scoring, num_quantum)
    if (guess := _nothing_learned(models, trial)) is not None:
        return guess
    rivals = [model for model in models if model.role in ("classical", "baseline") and model.scores]
    results = {model.key: trial.against(quantum, model) for model in rivals}
    if all(trial.is_better(result) for result in results.values()):
        return _better(models, quantum, rivals, results, trial, is_exact=is_exact, entangles=entangles)
    classical = [model for model in rivals if model.role == "classical"]
    return _worse(quantum, classical, results, trial) or _no_evidence(quantum, classical, rivals, results, trial)


def _nothing_learned(models: Sequence[Contestant], trial: Trial) -> Verdict | None:
    """Say so if no model is better, significantly or on every single fold, than one that ignores the features."""
    dummy = next((model for model in models if model.role == "baseline" and model.scores), None)
    learned = [model for model in models if model.role != "baseline" and model.scores]
    if dummy is None or any(
        trial.against(model, dummy).is_better or min(model.scores) > max(dummy.scores) for model in learned
    ):
        return None
    top = max(learned, key=lambda model: model.mean)
    result = trial.against(top, dummy)
    return Verdict(
        "nothing_learned",
        f"No answer: no model is measurably better than guessing ({_the(top)} has the highest {_words(trial.scoring)}, "
        f"{score(top.mean)}, the dummy {score(dummy.mean)}, {p_equals(result.p_value)}), so these folds cannot tell "
        "any model from guessing.",
        (*_smallest(result, dummy, trial), "More samples, more repeats or other features may change this."),
        *_deciding(dummy, result, trial),
    )


def _better(
    models: Sequence[Contestant],
    quantum: Contestant,
    rivals: Sequence[Contestant],
    results: dict[str, Comparison],
    trial: Trial,
    *,
    is_exact: bool,
    entangles: bool | None,
) -> Verdict:
    best, closest = best_classical(rivals), max(rivals, key=lambda model: results[model.key].p_value)
    assert best is not None
    main, decisive = results[best.key], results[closest.key]
    p_values = p_equals(decisive.p_value)
    if closest is not best:
        p_values = f"the largest p of all comparisons is that with {_the(closest)}: {p_values}"
    lead = (
        f"The {quantum.family.noun} scores higher ({score(quantum.mean)}) than every classical model (best: "
        f"{_the(best)} with {score(best.mean)}, {p_values})"
    )
    details = [
        _interval(main, best, quantum, trial),
        "Every feature map, seed and setting that is tried is one more comparison: confirm this on new data before "
        "relying on it.",
    ]
    if is_exact:
        details.append(
            f"The {quantum.family.simulated} was simulated on this computer: the result is about the model, and no "
            "quantum computer is needed for it."
        )
    code, ending, remark = _part_of_entanglement(models, quantum, trial, entangles)
    return Verdict(code, f"{lead}{ending}.", (*details, *remark, *_level(trial)), *_deciding(closest, decisive, trial))


def _part_of_entanglement(
    models: Sequence[Contestant], quantum: Contestant, trial: Trial, entangles: bool | None
) -> tuple[VerdictCode, str, tuple[str, ...]]:
    """Return the code of a win, how its sentence ends, and what else is to be said about entanglement."""
    family = quantum.family
    control = next((model for model in models if model.role == "control" and model.family == family), None)
    if control is None and entangles is False:
        return "better_without_entanglement", f", but without any entangling gate: {family.unentangled}", ()
    unknown = "; what part entanglement has in this is unknown"
    if control is None:
        return "better", unknown, (f"There is no control: the same {family.same} without entanglement was not run.",)
    if not control.scores:
        remark = f"The control without entanglement failed ({_without_stop(control.failure)})."
        return "better", unknown, (remark,)
    step = trial.against(quantum, control)
    if trial.is_better(step):
        return "better", f"; without entanglement it scores {score(control.mean)} ({p_equals(step.p_value)})", ()
    ending = (
        f", but entanglement is not shown to be the reason: without any entangling gate it scores "
        f"{score(control.mean)} ({p_equals(step.p_value)})"
    )
    return "better_without_entanglement", ending, ()


def _worse(
    quantum: Contestant, classical: Sequence[Contestant], results: dict[str, Comparison], trial: Trial
) -> Verdict | None:
    """Say so if one classical model is better, the choice among them taken into account."""
    winner = min(classical, key=lambda model: _lead(results[model.key]))
    result = results[winner.key]
    p_value = min(1.0, len(classical) * result.p_value)
    if not (result.difference < 0 and p_value < trial.level):
        return None
    corrected = f", corrected for {plural(len(classical), 'classical model')}" if len(classical) > 1 else ""
    return Verdict(
        "worse",
        f"No advantage, {_the(quantum)} is worse: {_the(winner)} scores {score(winner.mean)}, {_the(quantum)} "
        f"{score(quantum.mean)} ({p_equals(p_value)}{corrected}).",
        (_interval(result, winner, quantum, trial), *_level(trial)),
        winner.key,
        p_value,
        _finite(trial.smallest_difference(result)),
    )


def _no_evidence(
    quantum: Contestant,
    classical: Sequence[Contestant],
    rivals: Sequence[Contestant],
    results: dict[str, Comparison],
    trial: Trial,
) -> Verdict:
    """Name the rival that was not beaten: the best classical model, or where that one was beaten the closest other."""
    best = best_classical(classical)
    assert best is not None
    unbeaten = [model for model in rivals if not trial.is_better(results[model.key])]
    rival = best if best in unbeaten else min(unbeaten, key=lambda model: _lead(results[model.key]))
    result, mine, theirs = results[rival.key], score(quantum.mean), score(rival.mean)
    if rival is best:
        sentence = (
            f"No evidence of an advantage: {_the(best)} scores {theirs}, {_the(quantum)} {mine} "
            f"({p_equals(result.p_value)})."
        )
    else:
        sentence = (
            f"No evidence of an advantage over every classical model: {_the(quantum)} scores {mine}, not "
            f"significantly more than {_the(rival)} with {theirs} ({p_equals(result.p_value)})."
        )
    details = [_interval(result, rival, quantum, trial), *_smallest(result, rival, trial)]
    if beaten := [model for model in classical if trial.is_better(results[model.key])]:
        names = ", ".join(f"{_the(m)} ({score(m.mean)}, {p_equals(results[m.key].p_value)})" for m in beaten)
        details.append(f"Each by itself, it scores significantly more than {names}; a win must be over all models.")
    if len(unbeaten) > 1:
        others = ", ".join(f"{_the(m)} ({score(m.mean)})" for m in unbeaten if m is not rival)
        details.append(f"Not beaten either: {others}.")
    return Verdict("no_evidence", sentence, (*details, *_level(trial)), *_deciding(rival, result, trial))


def _lead(result: Comparison) -> float:
    """Return by how many standard errors the quantum model is ahead."""
    return 0.0 if math.isnan(result.statistic) else result.statistic


def _deciding(rival: Contestant, result: Comparison, trial: Trial) -> tuple[str, float, float | None]:
    return rival.key, result.p_value, _finite(trial.smallest_difference(result))


def _level(trial: Trial) -> tuple[str, ...]:
    """Say what counts as significant, where it is not the usual 5 %."""
    if trial.num_quantum == 1:
        return ()
    return (
        f"{trial.num_quantum} quantum models were compared, and each could win by chance: a difference counts as "
        f"significant from p < {trial.level:g} on.",
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _interval(result: Comparison, rival: Contestant, quantum: Contestant, trial: Trial) -> str:
    folds = len(quantum.scores)
    if math.isnan(result.low):
        return f"The difference is the same on all {folds} folds, so no confidence interval can be given."
    return (
        f"{quantum.family.noun.capitalize()} minus {_named(rival)}: {signed(result.difference)}, "
        f"{100 * (1 - trial.level):g} % confidence interval {interval(*trial.interval(result))} from {folds} test "
        "folds."
    )


def _smallest(result: Comparison, rival: Contestant, trial: Trial) -> tuple[str, ...]:
    """Say what these folds could have shown; a lead beyond the largest possible score is none."""
    if math.isnan(result.low):
        return ()
    folds, least = len(rival.scores), trial.smallest_difference(result)
    left = score_range(trial.scoring)[1] - rival.mean
    if least > left:
        return (
            f"These {folds} test folds cannot show any lead over {_the(rival)}: with their spread it would have to be "
            f"{score(least)}, and {score(left)} is left.",
        )
    return (
        f"With the spread over these {folds} test folds, a lead over {_the(rival)} is significant from "
        f"{score(least)} on; smaller ones cannot be shown here.",
    )


def _words(scoring: str) -> str:
    return scoring.replace("_", " ")


def _the(model: Contestant) -> str:
    """Name a model inside a sentence: ``the RBF SVM``, ``the logistic regression``."""
    return f"the {_named(model)}"


def _named(model: Contestant) -> str:
    """Name a model as inside a sentence, without an article."""
    if model.role == "quantum":
        return model.family.noun
    if model.role == "control":
        return f"{model.family.noun} without entanglement"
    first = model.name.split()[0]
    return model.name if first.isupper() else f"{model.name[0].lower()}{model.name[1:]}"


def _without_stop(text: str | None) -> str:
    return (text or "unknown reason").rstrip(".")
