"""What makes a noisy kernel matrix a better one, on request only."""

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel


class Repair(Protocol):
    """Turns a kernel matrix as it was measured into one that is used; any callable of this form will do."""

    def __call__(self, raw: RawKernel, /) -> FloatArray | RawKernel:
        """Return the repaired matrix, or a :class:`RawKernel` with it and the errors of its entries.

        Args:
            raw: The matrix before the repair, the standard errors of its entries and the shots behind them.
        """


class RepairStep(ABC):
    """A repair with a name, which says what it is for and what it did; a new one is a file in this folder.

    Attributes:
        on_any_matrix: Whether it changes the matrix of two sets of samples too, such as that of test against training
            samples. Where not, such a matrix is left as it is.
        needs_diagonal: Whether it needs the measured kernel of each sample with itself, :attr:`RawKernel.diagonal`.
        makes_psd: Whether a symmetric matrix is positive semi-definite afterwards.
        moves_diagonal_only: Whether it changes nothing but the diagonal.
        ignores_diagonal: Whether what it returns does not depend on the diagonal, which it sets itself.
    """

    on_any_matrix: ClassVar[bool] = False
    needs_diagonal: ClassVar[bool] = False
    makes_psd: ClassVar[bool] = False
    moves_diagonal_only: ClassVar[bool] = False
    ignores_diagonal: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, raw: RawKernel, /) -> RawKernel:
        """Return the matrix after the step, with the errors of its entries and what was done."""


def check_symmetric(matrix: FloatArray, step: str) -> None:
    """Refuse a matrix that is not symmetric: ``eigh`` would read one triangle of it and drop what the other one says.

    Raises:
        ValueError: If it is not square, or two entries that should be equal differ.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{step} needs a square kernel matrix, but one of shape {matrix.shape} came.")
    largest = float(abs(matrix - matrix.T).max(initial=0.0))
    if largest > _ROUNDING * max(1.0, float(abs(matrix).max(initial=0.0))):
        raise ValueError(
            f"{step} needs a symmetric kernel matrix, but two entries that should be equal differ by {largest:.3g}. "
            "Let a Symmetrize() step come before it, for example psd_repair=('symmetrize', 'clip')."
        )


_ROUNDING = 1e-10  # of the largest entry: far above the rounding of sums, far below the noise of shots
