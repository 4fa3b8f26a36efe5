"""What a reader should know about the models before comparing them."""

from collections.abc import Sequence

from qiskit_qml_ext.evaluation.outcomes.model_result import ModelResult
from qiskit_qml_ext.evaluation.planning.evaluation_plan import EvaluationPlan


def notes_of_models(plan: EvaluationPlan) -> list[str]:
    """Say what the quantum models saw and where their search ran."""
    settings, notes = plan.settings, []
    if settings.uses_pca:
        notes.append(
            f"The quantum models see {settings.num_encoded} principal components of the "
            f"{plan.dataset.num_features} features; so does the row “on the same features”. The other classical "
            "models see all features."
        )
    if not settings.is_exact:
        notes.append(
            f"C and bandwidth were chosen on exact simulations; only the chosen quantum models ran on "
            f"{settings.target}."
        )
    data_set = plan.connection.target.data_set
    if data_set is not None:
        notes.append(f"Nothing ran for this: the shots are those of a data set, its fingerprint {data_set}.")
    if plan.dataset.num_missing:
        notes.append("Missing values were replaced by the median of the training samples, in every fold anew.")
    return notes


def notes_of_edges(models: Sequence[ModelResult], num_outer: int) -> list[str]:
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
