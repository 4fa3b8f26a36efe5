"""The picture of a scaling study."""

from typing import TYPE_CHECKING

import numpy as np

from qiskit_qml_ext.diagnostics.results.axes import BLUE, GREY, RED, new_axes
from qiskit_qml_ext.diagnostics.trainability.scaling_data import ScalingData

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_scaling(study: ScalingData, ax: "Axes | None" = None) -> "Axes":
    """Draw variances with their intervals, the best fit with its 95 % band, and the runner-up dashed."""
    axes = new_axes(ax)
    n = np.array(study.widths, dtype=float)
    values = np.array([estimate.value for estimate in study.variances])
    shown = values > 0
    low = np.array([max(e.low, 0.0) if np.isfinite(e.low) else e.value for e in study.variances])
    high = np.array([e.high if np.isfinite(e.high) else e.value for e in study.variances])
    errors = np.maximum(np.vstack([values - low, high - values]), 0.0)[:, shown]
    axes.errorbar(n[shown], values[shown], yerr=errors, fmt="o", ms=4, color=BLUE, capsize=2, label="measured")
    grid = np.linspace(n.min(), max(n.max(), study.extrapolation.num_qubits if study.extrapolation else 0), 100)
    for rank, fit in enumerate(study.judgement.fits[:2]):
        middle = np.array([fit.log_variance(x) for x in grid])
        error = np.array([fit.log_error(x) for x in grid])
        axes.plot(grid, np.exp(middle), color=RED if rank == 0 else GREY, ls="-" if rank == 0 else "--", label=fit.name)
        if rank == 0:
            band = np.exp(middle - 1.96 * error), np.exp(middle + 1.96 * error)
            axes.fill_between(grid, *band, color=RED, alpha=0.2, lw=0)
    if shown.any():
        axes.set_yscale("log")
    label = "variance of the loss" if study.quantity == "loss" else "summed variance of the derivatives"
    axes.set(xlabel="number of qubits", ylabel=label, title=study.verdict)
    axes.grid(alpha=0.25, lw=0.6)
    axes.legend(frameon=False)
    return axes
