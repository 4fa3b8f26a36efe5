"""What is said of the training of a variational model, in words and numbers."""

from qiskit_qml_ext.evaluation.formatting import interval, p_equals, plural, score, signed
from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.outcomes.training_record import place_of
from qiskit_qml_ext.evaluation.outcomes.variational_look import ModelTraining, VariationalLook

Row = tuple[str, str, str]
"""Name, value and meaning."""


def choice(training: ModelTraining) -> str:
    """Say what was trained, where, and how often it was chosen: bandwidth, layers, learning rate, steps, weights."""
    chosen, shown = training.parameters, training.shown
    return (
        f"bandwidth {chosen['bandwidth']:g}, {plural(int(chosen['reps']), 'layer')}, learning rate "
        f"{chosen['learning_rate']:g}, {shown.length.in_words()}, {plural(shown.num_weights, 'weight')}, on "
        f"{shown.place}, chosen on {training.num_chosen} of {plural(training.num_folds, 'fold')}"
    )


def guard_sentences(training: ModelTraining) -> list[str]:
    """Return what the guard against plateaus found, with the number of folds."""
    sentences = []
    for guard in training.guards:
        folds = f"{guard.num_folds} of {plural(training.num_folds, 'fold')}, in the numbers of {place_of(guard.fold)}"
        sentences.append(" ".join([f"Guard, on {folds}: {guard.finding.sentence}", *guard.finding.advice]))
    return sentences


def rows(training: ModelTraining) -> list[Row]:
    """Return the numbers of one training."""
    shown = training.shown
    place = shown.held_out_steps.index(shown.chosen_steps)
    return [
        ("Training loss", f"{score(shown.losses[0])} to {score(shown.losses[-1])}", "from the first to the last pass"),
        ("Held-out loss", score(shown.held_out_losses[place]), "after as many steps, in the search"),
    ]


def side_by_side(look: VariationalLook, num_folds: int) -> str | None:
    """Compare the variational model with the quantum kernel; None where not both have scores."""
    result = look.beside_kernel
    if result is None:
        return None
    lead = f"Side by side: variational model minus quantum kernel {signed(result.difference)}"
    if result.low != result.low:  # NaN: the same on all folds
        return f"{lead}, the same on all {num_folds} folds."
    return (
        f"{lead}, 95 % confidence interval {interval(result.low, result.high)} from {num_folds} test folds "
        f"({p_equals(result.p_value)})."
    )


def second_verdict(record: Record) -> bool:
    """Whether there is an answer about a variational model beside that about a kernel."""
    return record.variational is not None and record.variational.verdict is not record.verdict
