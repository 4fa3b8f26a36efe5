"""The pictures of an evaluation, in Okabe and Ito's colours, which colour-blind readers can tell apart."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from qiskit_qml_ext.diagnostics.results.axes import BLUE, GREEN, GREY, ORANGE, RED, new_axes
from qiskit_qml_ext.evaluation import formatting as fmt
from qiskit_qml_ext.evaluation.outcomes.kernel_sample import KernelSample
from qiskit_qml_ext.evaluation.outcomes.model_result import ModelResult
from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.outcomes.variational_look import ModelTraining
from qiskit_qml_ext.evaluation.protocol.quantum_family import KERNEL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUANTUM, CONTROL, CLASSICAL, BASELINE = BLUE, RED, GREEN, GREY
_COLOURS = {"quantum": QUANTUM, "control": CONTROL, "classical": CLASSICAL, "baseline": BASELINE}


def plot_scores(record: Record, ax: "Axes | None" = None) -> "Axes":
    """Draw each model's score on each fold as a dot, their mean as a bar, and the best classical mean as a line.

    The dummy may lie far away from all others; it is then named at the edge instead of squeezing them together.
    """
    axes, models = new_axes(ax), record.models
    low, high = _score_limits([model for model in models if model.scores])
    for row, model in enumerate(models):
        colour = _COLOURS[model.role]
        if not model.scores:
            axes.text(0.02, row, "failed", va="center", style="italic", transform=axes.get_yaxis_transform())
        elif model.mean < low:
            text = f"◂ {fmt.score(model.mean)}"
            axes.text(0.02, row, text, va="center", color=colour, transform=axes.get_yaxis_transform())
        else:
            heights = row + np.linspace(-0.22, 0.22, len(model.scores))
            axes.plot(model.scores, heights, "o", ms=4.5, mew=0, alpha=0.6, color=colour, clip_on=False)
            axes.plot([model.mean] * 2, [row - 0.36, row + 0.36], "-", lw=2.5, solid_capstyle="butt", color=colour)
    if record.best_classical is not None:
        axes.axvline(record[record.best_classical].mean, lw=1, ls=(0, (4, 3)), color=CLASSICAL, zorder=0)
    axes.set_yticks(range(len(models)), [model.name for model in models])
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_xlim(low, high)
    axes.set_xlabel(record.settings.scoring.replace("_", " "))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.25, lw=0.6)
    axes.set_axisbelow(True)
    return axes


def _score_limits(models: Sequence[ModelResult]) -> tuple[float, float]:
    """Return an axis range that shows all scores but, if it is far off, the dummy's."""
    learned = [score for model in models if model.role != "baseline" for score in model.scores]
    everything = [score for model in models for score in model.scores]
    if not everything:
        return 0.0, 1.0
    low, high = min(learned or everything), max(learned or everything)
    if min(everything) > low - (high - low):
        low = min(everything)
    margin = 0.06 * (high - low) or 0.05
    return low - margin, high + margin


def plot_kernel(record: Record, ax: "Axes | None" = None) -> "Axes":
    """Draw the quantum kernel matrix of the first training set, samples sorted by their label."""
    axes, kernel = new_axes(ax), _kernel(record)
    order = np.argsort(kernel.y, kind="stable")
    # From the smallest entry on: a kernel of narrow bandwidth would else be one colour.
    low = max(0.0, float(kernel.matrix.min()))
    image = axes.imshow(kernel.matrix[np.ix_(order, order)], vmin=low, vmax=1, cmap="cividis", interpolation="auto")
    bar = axes.figure.colorbar(image, ax=axes, label="kernel entry", shrink=0.86)
    bar.outline.set_visible(False)
    names = record.dataset.class_names
    if names:
        counts = np.bincount(kernel.y.astype(np.int64), minlength=len(names))
        edges = np.concatenate([[0], np.cumsum(counts)]) - 0.5
        for edge in edges[1:-1]:
            axes.axhline(edge, color="white", lw=0.8)
            axes.axvline(edge, color="white", lw=0.8)
        middles = (edges[1:] + edges[:-1]) / 2
        axes.set_yticks(
            middles, [_short(name) for name in names], rotation="vertical" if len(names) < 5 else 0, va="center"
        )
        axes.tick_params(axis="y", length=0)
        axes.set_xticks([])
    else:
        axes.set_xticks([])
        axes.set_yticks([0, len(order) - 1], ["lowest", "highest"])
        axes.set_ylabel(_short(record.dataset.label_name, 28))
    return axes


def plot_spectrum(record: Record, ax: "Axes | None" = None) -> "Axes":
    """Draw the eigenvalues of that kernel matrix as fractions of their sum, largest first."""
    axes = new_axes(ax)
    health = record.health
    if health is None:
        raise _no_kernel(record)
    fractions = health.eigenvalues / health.eigenvalues.sum()
    shown = np.where(fractions > 1e-12, fractions, np.nan)  # rounding errors and negative values have no logarithm
    axes.semilogy(np.arange(1, shown.size + 1), shown, ".-", ms=4, lw=1, color=QUANTUM)
    axes.axvline(health.effective_rank.value, lw=1, ls=(0, (4, 3)), color=CONTROL)
    rank = f"effective rank {health.effective_rank.value:.3g}"
    axes.text(0.98, 0.97, rank, ha="right", va="top", color=CONTROL, transform=axes.transAxes)
    axes.set(xlabel="eigenvalue number", ylabel="fraction of the sum", xlim=(0.5, shown.size + 0.5))
    axes.grid(alpha=0.25, lw=0.6)
    return axes


def plot_entries(record: Record, ax: "Axes | None" = None) -> "Axes":
    """Draw the histogram of the entries off the diagonal; for classes, pairs of the same and of different classes."""
    axes, kernel = new_axes(ax), _kernel(record)
    rows, columns = np.triu_indices(len(kernel.y), 1)
    entries, bins = kernel.matrix[rows, columns], [float(edge) for edge in np.linspace(0, 1, 41)]
    if record.dataset.class_names:
        same = kernel.y[rows] == kernel.y[columns]
        for label, part, colour in (("same class", same, QUANTUM), ("different classes", ~same, ORANGE)):
            weights = np.full(int(part.sum()), 100 / max(int(part.sum()), 1))
            axes.hist(entries[part], bins=bins, weights=weights, histtype="stepfilled", alpha=0.35, color=colour)
            axes.hist(entries[part], bins=bins, weights=weights, histtype="step", lw=1.4, color=colour, label=label)
        axes.legend(frameon=False)
        axes.set_ylabel("% of the pairs of this kind")
    else:
        weights = np.full(entries.size, 100 / entries.size)
        axes.hist(entries, bins=bins, weights=weights, histtype="stepfilled", alpha=0.35, color=QUANTUM)
        axes.hist(entries, bins=bins, weights=weights, histtype="step", lw=1.4, color=QUANTUM)
        axes.set_ylabel("% of all pairs")
    axes.set(xlabel="kernel entry of a pair of samples", xlim=(0, 1))
    axes.grid(alpha=0.25, lw=0.6)
    axes.set_axisbelow(True)
    return axes


def plot_training(training: ModelTraining, ax: "Axes | None" = None) -> "Axes":
    """Draw the loss of one training, and that on the samples that the search held out."""
    axes, shown = new_axes(ax), training.shown
    colour = _COLOURS[training.role]
    # each loss was read before the steps of its pass
    begins = [0, *shown.steps[:-1]]
    axes.plot(begins, shown.losses, "-", lw=1.4, color=colour, label="training set")
    axes.plot(
        shown.held_out_steps, shown.held_out_losses, "o--", ms=6, lw=1.2, mfc="none", color=ORANGE, label="held out"
    )
    axes.axvline(shown.chosen_steps, lw=1, ls=":", color=BASELINE, zorder=0)
    axes.set(xlabel="steps", ylabel="mean loss", xlim=(0, None))
    axes.legend(frameon=False)
    axes.grid(alpha=0.25, lw=0.6)
    axes.set_axisbelow(True)
    return axes


def describe_training(training: ModelTraining) -> str:
    """Say in words what :func:`plot_training` shows."""
    shown = training.shown
    held_out = ", ".join(
        f"{fmt.score(loss)} after {steps}"
        for steps, loss in zip(shown.held_out_steps, shown.held_out_losses, strict=True)
    )
    return (
        f"Loss of the {training.name} by steps: on the training set from {fmt.score(shown.losses[0])} to "
        f"{fmt.score(shown.losses[-1])}, on held-out samples {held_out}. Chosen: {shown.chosen_steps} steps."
    )


def describe_scores(record: Record) -> str:
    """Say in words what :func:`plot_scores` shows."""
    parts = [f"{m.name} {fmt.score(m.mean)}" if m.scores else f"{m.name} failed" for m in record.models]
    return f"Dot plot of the {record.settings.scoring} on each fold. Means: {'; '.join(parts)}."


def _kernel(record: Record) -> KernelSample:
    if record.kernel is None:
        raise _no_kernel(record)
    return record.kernel


def _no_kernel(record: Record) -> ValueError:
    compared = any(model.key == KERNEL.key for model in record.models)
    cause = "The quantum kernel failed" if compared else "No quantum kernel was compared"
    return ValueError(f"{cause}, so there is no kernel matrix to draw.")


def _short(name: str, limit: int = 14) -> str:
    # A dollar sign would start a formula.
    name = name.replace("$", r"\$")
    return name if len(name) <= limit else f"{name[: limit - 1]}…"
