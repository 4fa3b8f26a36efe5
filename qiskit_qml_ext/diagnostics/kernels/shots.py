"""How many shots a sampled kernel needs before its entries mean anything."""

import math
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.diagnostics.kernels.entries import KernelEntries
from qiskit_qml_ext.kernels.plan import shots_to_tell_apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class ShotsToResolve:
    """Shots per kernel entry, from :func:`shots_to_resolve`. ``inf`` means that no number of shots is enough.

    Attributes:
        to_tell_apart: Shots at which the standard error of an entry is half of the spread of the entries.
        for_precision: Shots at which an entry of average size has the relative standard error ``relative_precision``.
        relative_precision: The ε that ``for_precision`` refers to.
        mean: The mean of the entries off the diagonal.
        variance: Their variance, without the part that is shot noise.
    """

    to_tell_apart: float
    for_precision: float
    relative_precision: float
    mean: float
    variance: float

    def summary(self) -> str:
        """Say it in words."""
        precision = f"{_count(self.for_precision)} for a relative precision of {self.relative_precision:.0%}"
        if math.isinf(self.to_tell_apart):
            return f"The entries do not differ, so no number of shots tells them apart; {precision}."
        half = f"{_count(self.to_tell_apart)} shots per entry until its error is half of the spread of the entries"
        return f"{half}; {precision}."

    def to_dict(self) -> dict[str, float]:
        """Return the fields as a dictionary."""
        return asdict(self)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the shot noise of an average entry against the shots, and half of the spread of the entries."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, RED, new_axes

        axes = new_axes(ax)
        known = [value for value in (self.to_tell_apart, self.for_precision) if math.isfinite(value)]
        shots = np.geomspace(1, 10 * max(known, default=1000.0), 100)
        axes.loglog(shots, np.sqrt(self.mean * (1 - self.mean) / shots), color=BLUE, label="noise of an average entry")
        if self.variance > 0:
            axes.axhline(math.sqrt(self.variance) / 2, color=RED, ls="--", label="half of the spread")
        axes.set(xlabel="shots per entry", ylabel="standard error")
        axes.legend(frameon=False)
        return axes

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.summary())}</p>"


@check_arguments()
def shots_to_resolve(
    kernel_matrix: ArrayLike,
    *,
    relative_precision: float = 0.1,
    standard_errors: ArrayLike | None = None,
    shots: int | None = None,
) -> ShotsToResolve:
    r"""Estimate how many shots per entry a fidelity kernel needs on these data.

    An entry k measured by the inversion test (compute-uncompute) with S shots has the variance k(1-k)/S.

    - *To tell entries apart* the root mean square of this error is asked to be half of the spread of the entries:
      mean[k(1-k)]/S = Var(k)/4, so S = 4 mean[k(1-k)]/Var(k).
    - *Relative precision* ε of an entry of average size k̄: S = (1-k̄)/(k̄ ε²).

    If the matrix was itself measured, its entries scatter more than the true ones; with ``standard_errors`` or
    ``shots`` the mean noise is taken off the variance and added to mean[k(1-k)], which makes both unbiased.

    Args:
        kernel_matrix: Symmetric, shape (n, n), values in [0, 1], not repaired.
        relative_precision: ε, positive.
        standard_errors: The standard error of each entry, shape (n, n); None if the matrix is exact.
        shots: Instead of ``standard_errors``: the shots behind each entry.

    Raises:
        ValueError: If an argument is not as described.

    References:
        Thanasilp et al., arXiv:2208.11060, section "Exponential concentration" for why S grows with qubits.

    Examples:
        >>> from qiskit_qml_ext.diagnostics import shots_to_resolve
        >>> shots_to_resolve([[1, 0.2, 0.6], [0.2, 1, 0.4], [0.6, 0.4, 1]]).summary()
        '32 shots per entry until its error is half of the spread of the entries; 150 for a relative precision of 10%.'
    """
    if not relative_precision > 0:
        raise ValueError(f"relative_precision must be positive, but {relative_precision!r} came.")
    if standard_errors is not None and shots is not None:
        raise ValueError("Both standard_errors and shots came. Give one of them: each says how noisy the matrix is.")
    return resolve_entries(
        KernelEntries.from_matrix(kernel_matrix, standard_errors=standard_errors, shots=shots), relative_precision
    )


def resolve_entries(entries: KernelEntries, relative_precision: float = 0.1) -> ShotsToResolve:
    """Do what :func:`shots_to_resolve` does for a matrix that was checked before."""
    values = entries.values
    noise = float(entries.noise.sum() / (2 * values.size))
    mean = float(values.mean())
    variance = max(float(values.var()) - noise, 0.0)
    apart = shots_to_tell_apart(mean, variance)
    precise = math.inf if mean <= 0 else _whole((1 - mean) / (mean * relative_precision**2))
    return ShotsToResolve(apart, precise, relative_precision, mean, variance)


def _whole(shots: float) -> float:
    """Round up to a whole number of at least 1, forgiving rounding errors: 4.000000000000001 shots are not called 5."""
    return float(max(math.ceil(round(shots, 9)), 1))


def _count(value: float) -> str:
    return "more shots than any number" if math.isinf(value) else f"{value:,.0f}"
