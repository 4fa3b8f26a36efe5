"""The entries of a kernel matrix above its diagonal, and what shot noise adds to them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import FloatArray, IntArray

# A kernel matrix may differ from its transpose by rounding in the last digits of a matrix product, far less than this.
_SYMMETRY_ATOL = 1e-8
# Fidelities may leave [0, 1] by rounding or by a repair of the matrix; more than this is not a fidelity kernel.
_RANGE_ATOL = 1e-6


@dataclass(frozen=True, eq=False)
class KernelEntries:
    """The entries k_ij of a symmetric kernel matrix with i < j, and the variance that sampling put into each."""

    matrix: FloatArray
    """The kernel matrix, shape (n, n)."""
    noise: FloatArray
    """The variance of each entry due to a finite number of shots, shape (n, n), zero on the diagonal."""

    @property
    def num_samples(self) -> int:
        """The number of samples n."""
        return int(self.matrix.shape[0])

    @property
    def values(self) -> FloatArray:
        """The n(n-1)/2 entries above the diagonal, row by row."""
        return self.matrix[np.triu_indices(self.num_samples, 1)]

    @property
    def row_sums(self) -> dict[str, FloatArray]:
        """Sums over each row without its diagonal element, of k, k² and the noise: all that moments need."""
        off = self.matrix.copy()
        np.fill_diagonal(off, 0.0)
        return {"k": off.sum(axis=1), "k2": (off**2).sum(axis=1), "noise": self.noise.sum(axis=1)}

    @classmethod
    def from_matrix(
        cls, kernel_matrix: ArrayLike, *, standard_errors: ArrayLike | None = None, shots: int | IntArray | None = None
    ) -> "KernelEntries":
        """Check a kernel matrix and take it apart.

        Args:
            kernel_matrix: Symmetric, shape (n, n) with n ≥ 2, values in [0, 1].
            standard_errors: The standard error of each entry, same shape.
            shots: The number of shots behind each entry, at least 2, or of each its own, 0 where it is exact; used only
                without ``standard_errors``, with the unbiased estimate k̂(1-k̂)/(S-1) of the binomial variance.

        Raises:
            ValueError: If one of the arguments is not as described.
        """
        matrix = np.array(kernel_matrix, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] < 2:
            raise ValueError(f"A kernel matrix must be square with at least two rows, but its shape is {matrix.shape}.")
        if not np.all(np.isfinite(matrix)):
            raise ValueError("The kernel matrix contains NaN or infinite values.")
        if not np.allclose(matrix, matrix.T, rtol=0.0, atol=_SYMMETRY_ATOL):
            worst = float(np.abs(matrix - matrix.T).max())
            raise ValueError(f"The kernel matrix must be symmetric, but differs from its transpose by {worst:.2g}.")
        entries = matrix[np.triu_indices(matrix.shape[0])]  # the diagonal too
        if entries.min() < -_RANGE_ATOL or entries.max() > 1 + _RANGE_ATOL:
            raise ValueError(
                f"The entries of a fidelity kernel lie in [0, 1], but these lie in [{entries.min():.3g}, "
                f"{entries.max():.3g}]. Pass the matrix of a FidelityKernel as it was measured, before any "
                "repair. Other kernels, and methods whose noise goes beyond these bounds, are not described here."
            )
        return cls(matrix, _noise(matrix, standard_errors, shots))


def _noise(matrix: FloatArray, standard_errors: ArrayLike | None, shots: int | IntArray | None) -> FloatArray:
    if standard_errors is not None:
        noise = np.asarray(standard_errors, dtype=np.float64) ** 2
        if noise.shape != matrix.shape or not np.all(np.isfinite(noise)):
            raise ValueError(f"standard_errors must be finite and of the shape {matrix.shape}, but is {noise.shape}.")
    elif shots is not None:
        behind = np.broadcast_to(np.asarray(shots), matrix.shape)
        few = behind[behind < 2] if np.ndim(shots) == 0 else behind[behind == 1]
        if few.size:
            raise ValueError(f"shots must be at least 2 to tell noise from signal, but {few[0]} came.")
        inside = np.clip(matrix, 0.0, 1.0)  # only for the variance, which is zero at both ends
        noise = np.where(behind == 0, 0.0, inside * (1 - inside) / np.maximum(behind - 1, 1))
    else:
        noise = np.zeros_like(matrix)
    noise = noise.copy()
    np.fill_diagonal(noise, 0.0)
    return noise


def fewest(shots: int | IntArray) -> int:
    """Return the least number of shots behind an entry that was measured."""
    behind = np.asarray(shots)
    return int(behind[behind > 0].min())


def effective_rank(matrix: FloatArray) -> float:
    """Return (Tr K)²/‖K‖²_F: 1 for a constant kernel, the number of samples for the identity."""
    return float(np.trace(matrix) ** 2 / np.sum(matrix**2))
