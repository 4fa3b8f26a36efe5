"""Is this kernel matrix any good? Concentration, effective rank and alignment with the labels, with their errors."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.diagnostics.kernels.alignment import centred_alignment, ideal_kernel, leave_one_out_alignment
from qiskit_qml_ext.diagnostics.kernels.entries import KernelEntries, effective_rank
from qiskit_qml_ext.diagnostics.kernels.shots import ShotsToResolve, resolve_entries
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result
from qiskit_qml_ext.diagnostics.statistics.intervals import jackknife_estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PARTS = ("value", "standard_error", "low", "high")


@dataclass(frozen=True, eq=False, repr=False)
class KernelHealth(Result):
    """What a kernel matrix looks like, from :func:`kernel_health`."""

    num_samples: int
    """The number of samples n."""
    mean: Estimate
    """The mean of the entries off the diagonal."""
    variance: Estimate
    """The variance of the entries off the diagonal, without the part that is shot noise."""
    noise_variance: float
    """The mean variance that shot noise added to an entry; 0 for an exact matrix."""
    effective_rank: Estimate
    """(Tr K)²/‖K‖_F², between 1 (all samples look the same) and n (all samples look different)."""
    alignment: Estimate
    """Centred alignment with the labels; 1 if pairs are similar just as their labels are, near 0 without any
    relation."""
    shots_to_resolve: ShotsToResolve
    """How many shots per entry a device would need."""
    shots: int | None
    """The shots behind each entry; None for an exact matrix."""
    eigenvalues: FloatArray
    """The eigenvalues of K, descending, shape (n,)."""
    entries: FloatArray = field(repr=False)
    """The entries above the diagonal, shape (n(n-1)/2,)."""
    method: str = "delete-one-sample jackknife, 95 % interval from Student's t with n-1 degrees of freedom"
    """How the errors were computed."""

    def rows(self) -> list[tuple[str, str, str]]:
        """Return what a table shows: name, value with its error, meaning."""
        return list(self.keyed_rows().values())

    def keyed_rows(self) -> dict[str, tuple[str, str, str]]:
        """Return the rows by the fields that they show."""
        shots = self.shots_to_resolve
        never = "no number" if self.shots is None else "not known"  # noise may hide a spread, but not rule it out
        apart = never if math.isinf(shots.to_tell_apart) else f"{shots.to_tell_apart:,.0f}"
        return {
            "mean": ("Mean off the diagonal", str(self.mean), "how similar two samples look on average"),
            "variance": ("Variance off the diagonal", str(self.variance), "near 0: all pairs look equally similar"),
            "effective_rank": (
                "Effective rank",
                f"{self.effective_rank} of {self.num_samples}",
                "1: all samples look the same; n: all look different",
            ),
            "alignment": (
                "Alignment with the labels",
                str(self.alignment),
                "1: pairs are similar just as their labels are; 0: no relation",
            ),
            "shots_to_resolve": (
                "Shots to tell entries apart",
                apart,
                "per entry: its error is then half of the spread; a model may need many times more",
            ),
        }

    def headline(self) -> str:
        """Return concentration, rank and alignment in one line."""
        return (
            f"Mean {self.mean}, variance {self.variance}, effective rank {self.effective_rank} of {self.num_samples}, "
            f"alignment {self.alignment}."
        )

    def records(self) -> list[dict[str, object]]:
        """Return everything but eigenvalues and entries in one record."""
        (own,), (shots,) = super().records(), self.shots_to_resolve.records()
        return [{**own, **{f"shots_{name}": shots[name] for name in ("to_tell_apart", "for_precision")}}]

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the single entries as plain data; the method of all estimates stands beside them."""
        return {
            name: {part: entry[part] for part in _PARTS} if isinstance(getattr(self, name), Estimate) else entry
            for name, entry in super().to_dict().items()
        }

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the histogram of the entries off the diagonal; returns the axes."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, new_axes

        axes = new_axes(ax, (5.0, 3.0))
        axes.hist(self.entries, bins=40, range=(0.0, 1.0), color=BLUE)
        axes.set(xlabel="kernel entry off the diagonal", ylabel="number of pairs", xlim=(0, 1))
        return axes


@check_arguments()
def kernel_health(
    kernel_matrix: ArrayLike,
    y: ArrayLike,
    *,
    task: Literal["classification", "regression"] = "classification",
    standard_errors: ArrayLike | None = None,
    shots: int | None = None,
) -> KernelHealth:
    """Describe a kernel matrix: its concentration, effective rank, alignment with the labels, and need of shots.

    The errors are of a delete-one-sample jackknife: they say how much the numbers would change with other samples.

    Args:
        kernel_matrix: Symmetric fidelity kernel, shape (n, n), n ≥ 2, values in [0, 1], not repaired.
        y: The labels, shape (n,).
        task: With ``"classification"`` the ideal kernel is 1 for pairs of the same class and else 0, with
            ``"regression"`` it is the product of the labels.
        standard_errors: The standard error of each entry, shape (n, n); None if the matrix is exact.
        shots: The shots behind each entry; None if the matrix is exact.

    Raises:
        ValueError: If the matrix is not square, symmetric, finite and in [0, 1], or a length does not fit.

    References:
        Concentration: Thanasilp et al., arXiv:2208.11060. Alignment: Cortes et al., arXiv:1203.0550, Definition 4.
        Effective rank: the participation ratio of the eigenvalues, (Σλ)²/Σλ².

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.diagnostics import kernel_health
        >>> kernel_health(np.eye(8), [0, 1] * 4).effective_rank.value
        8.0
    """
    entries = KernelEntries.from_matrix(kernel_matrix, standard_errors=standard_errors, shots=shots)
    labels = np.asarray(y)
    if labels.shape != (entries.num_samples,):
        raise ValueError(f"y must have the shape ({entries.num_samples},) to match the kernel, but has {labels.shape}.")
    matrix, ideal = entries.matrix, ideal_kernel(labels, task)
    means, variances = _leave_one_out_moments(entries)
    resolve = resolve_entries(entries)
    return KernelHealth(
        num_samples=entries.num_samples,
        mean=jackknife_estimate(resolve.mean, means),
        variance=jackknife_estimate(resolve.variance, variances, low=0.0),
        noise_variance=float(entries.noise.sum() / (2 * entries.values.size)),
        effective_rank=jackknife_estimate(effective_rank(matrix), _leave_one_out_rank(matrix), low=1.0),
        alignment=jackknife_estimate(centred_alignment(matrix, ideal), leave_one_out_alignment(matrix, ideal)),
        shots_to_resolve=resolve,
        shots=shots,
        eigenvalues=np.array(np.linalg.eigvalsh((matrix + matrix.T) / 2)[::-1], dtype=np.float64),
        entries=entries.values,
    )


def _leave_one_out_moments(entries: KernelEntries) -> tuple[FloatArray, FloatArray]:
    """Return mean and noise-free variance of the entries without sample i, each of shape (n,)."""
    size, rows = entries.num_samples, entries.row_sums
    pairs = (size - 1) * (size - 2) / 2
    if pairs == 0:
        return np.full(size, math.nan), np.full(size, math.nan)
    # Σ_{i<j} is half of the sum over rows; sample i takes its whole row with it.
    moment = {name: (row.sum() / 2 - row) / pairs for name, row in rows.items()}
    return moment["k"], moment["k2"] - moment["k"] ** 2 - moment["noise"]


def _leave_one_out_rank(matrix: FloatArray) -> FloatArray:
    diagonal = np.diag(matrix)
    squares = np.sum(matrix**2) - 2 * np.sum(matrix**2, axis=1) + diagonal**2
    return np.asarray((diagonal.sum() - diagonal) ** 2 / squares)
