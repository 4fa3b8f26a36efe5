"""A close look at the variational models: how they were trained, what that costs, and their own verdict."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qiskit_qml_ext.evaluation.judgement.t_test import Comparison
from qiskit_qml_ext.evaluation.judgement.verdict import Contestant, Trial, Verdict
from qiskit_qml_ext.evaluation.outcomes.fold_runs import FoldOutcome
from qiskit_qml_ext.evaluation.outcomes.training_cost import TrainingCost, training_cost
from qiskit_qml_ext.evaluation.outcomes.training_record import GuardFinding, TrainingRecord
from qiskit_qml_ext.evaluation.planning.evaluation_plan import EvaluationPlan
from qiskit_qml_ext.evaluation.protocol.quantum_family import KERNEL, VARIATIONAL


@dataclass(frozen=True, eq=False)
class GuardCount:
    """One kind of finding of the guard, and on how many folds it was made."""

    finding: GuardFinding
    """The finding of one of them."""
    fold: int
    """Which one: the number of the outer fold, from 0. Its numbers are of no other."""
    num_folds: int
    """On how many folds a finding of this kind was made."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary of plain values."""
        return {**self.finding.to_dict(), "fold": self.fold, "folds": self.num_folds}


@dataclass(frozen=True, eq=False)
class ModelTraining:
    """How one variational model was trained: one training at length, and what the guard said of all."""

    key: str
    """The short name of the model."""
    name: str
    """Its name for people."""
    role: str
    """``"quantum"`` or ``"control"``."""
    shown: TrainingRecord
    """The training of the first fold with the choice that is shown."""
    parameters: Mapping[str, float]
    """That choice: the one that the searches made most often; among several, the one whose values they chose most
    often."""
    num_chosen: int
    """On how many folds the search made it."""
    num_folds: int
    """On how many folds it was trained."""
    guards: tuple[GuardCount, ...]
    """The guard's findings, one of each kind, most frequent first."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary of plain values."""
        return {
            "key": self.key,
            "parameters": dict(self.parameters),
            "folds_with_these_parameters": self.num_chosen,
            "training": self.shown.to_dict(),
            "guard": [guard.to_dict() for guard in self.guards],
        }


@dataclass(frozen=True, eq=False)
class VariationalLook:
    """What there is to say of the variational models."""

    verdict: Verdict
    """The answer about the variational model."""
    trainings: tuple[ModelTraining, ...]
    """The variational model and its control, without those that failed."""
    beside_kernel: Comparison | None
    """Variational model minus quantum kernel; None if not both were compared, or one failed."""
    cost: TrainingCost | None
    """What one training would take on a device; None if it failed or the device cannot run it."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary of plain values."""
        return {
            "verdict": self.verdict.to_dict(),
            "beside_kernel": None if self.beside_kernel is None else self.beside_kernel.to_dict(),
            "cost": None if self.cost is None else self.cost.to_dict(),
            "models": [training.to_dict() for training in self.trainings],
        }


def look_at_training(
    plan: EvaluationPlan,
    outcomes: Mapping[str, Sequence[FoldOutcome]],
    verdict: Verdict,
    contestants: Sequence[Contestant],
) -> VariationalLook:
    """Look closely at the variational models.

    Args:
        plan: What was run.
        outcomes: What every model did on every fold.
        verdict: The answer about the variational model.
        contestants: All models with their scores.
    """
    trainings = tuple(
        _training_of(model, outcomes[model.key])
        for model in contestants
        if model.role in ("quantum", "control") and model.family == VARIATIONAL and model.scores
    )
    main = next((training.shown for training in trainings if training.role == "quantum"), None)
    cost = None
    if main is not None:
        cost = training_cost(main.circuits, main.length, seed=plan.settings.seed)
    return VariationalLook(verdict, trainings, _beside_kernel(plan, contestants), cost)


def _training_of(model: Contestant, outcomes: Sequence[FoldOutcome]) -> ModelTraining:
    """Choose what is shown of a model that was trained on every fold."""
    choices = [tuple(sorted(outcome.parameters.items())) for outcome in outcomes]
    shown_choice = most_frequent(choices)
    records = [outcome.training for outcome in outcomes if outcome.training is not None]
    shown = next(
        outcome.training
        for outcome, choice in zip(outcomes, choices, strict=True)
        if outcome.training is not None and choice == shown_choice
    )
    codes = Counter(record.guard.code for record in records if record.guard is not None)
    # the finding of the training that is shown stands for its kind, since its numbers can be seen there
    first = {record.guard.code: record for record in (*reversed(records), shown) if record.guard is not None}
    guards = tuple(
        GuardCount(guard, first[code].fold, number)
        for code, number in codes.most_common()
        if (guard := first[code].guard) is not None
    )
    number = choices.count(shown_choice)
    return ModelTraining(model.key, model.name, model.role, shown, dict(shown_choice), number, len(outcomes), guards)


def most_frequent(choices: Sequence[tuple[tuple[str, float], ...]]) -> tuple[tuple[str, float], ...]:
    """Return the most frequent choice; among several, that whose values are the most frequent, then the first.

    Args:
        choices: Names and values of the parameters, one for each fold, the names in the same order.
    """
    whole, single = Counter(choices), Counter(value for choice in choices for value in choice)
    return max(choices, key=lambda choice: (whole[choice], sum(single[value] for value in choice)))


def _beside_kernel(plan: EvaluationPlan, contestants: Sequence[Contestant]) -> Comparison | None:
    models = {model.key: model for model in contestants if model.scores}
    if KERNEL.key not in models or VARIATIONAL.key not in models:
        return None
    trial = Trial(plan.test_fraction, plan.test_size, plan.settings.scoring)
    return trial.against(models[VARIATIONAL.key], models[KERNEL.key])
