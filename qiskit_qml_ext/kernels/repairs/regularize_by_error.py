"""A ridge as large as the noise of the matrix."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qiskit_qml_ext.checks import real_number
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.repairs.repair import RepairStep, check_symmetric


@dataclass(frozen=True)
class RegularizeByError(RepairStep):
    r"""Add to the diagonal what the noise of the entries may take from an eigenvalue, by their own standard errors.

    The measured matrix is K + E with independent errors of standard deviation σ_ij. By Weyl's inequality no eigenvalue
    moves by more than ‖E‖, and ‖E‖ is to leading order at most 2 max_i √(Σ_j σ_ij²), the edge of the semicircle where
    all σ_ij are equal (Bandeira and van Handel, arXiv:1408.6185, whose abstract was read: E‖E‖ ≲ max_i √(Σ_j σ_ij²) +
    max σ_ij √(log n), with sharp constants). So

    .. math:: K + E + \text{factor} \cdot 2 \max_i \sqrt{\textstyle\sum_j σ_{ij}^2}\; 1

    is, for factor 1, mostly positive semi-definite, and in a kernel ridge regression or a support vector machine the
    directions in which there is nothing but noise are damped. It is no proof for one matrix: let a ``"clip"`` follow
    where a matrix must be positive semi-definite, not ``"nearest_correlation"``, which sets the diagonal itself.
    Off-diagonal entries, and the matrix of two sets of samples, stay as they were measured; the size of the ridge is
    taken as fixed, so that the errors are handed on as they are. Exact matrices have no errors and get no ridge.
    """

    factor: float = 1.0
    """How many times that size is added."""
    on_any_matrix: ClassVar[bool] = False
    moves_diagonal_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        real_number("factor", self.factor, above=0.0)

    def __call__(self, raw: RawKernel, /) -> RawKernel:
        """Return the matrix with its diagonal raised.

        Raises:
            ValueError: If the matrix is not symmetric.
        """
        check_symmetric(raw.matrix, "RegularizeByError")
        rows = np.sqrt(np.sum(raw.standard_errors**2, axis=1))
        ridge = self.factor * 2 * float(rows.max(initial=0.0))
        matrix = raw.matrix + ridge * np.eye(len(raw.matrix))
        return replace(raw, matrix=matrix, applied=(*raw.applied, f"RegularizeByError(ridge {ridge:.3g})"))
