"""The likelihood of targets under a Gaussian process with the kernel as its covariance."""

import math
from typing import ClassVar

import numpy as np
from scipy.linalg import cho_solve, cholesky

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import positive_number
from qiskit_qml_ext.kernels.losses.loss import NamedKernelLoss


class LikelihoodLoss(NamedKernelLoss):
    r"""The negative log marginal likelihood ½ tᵀ(K + σ²)⁻¹t + ½ log det(K + σ²) + ½ n log 2π, summed over targets.

    The process has the mean 0: subtract the mean of the targets of a regression first. Classes are taken as numbers, 1
    and -1 (least-squares classification).

    Args:
        noise: σ², the variance of the targets around the process, positive, in units of the targets squared.

    References:
        Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), equations 2.30 and 5.9.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.kernels.losses import LikelihoodLoss
        >>> loss, _ = LikelihoodLoss(noise=1.0)(np.zeros((1, 1)), np.zeros((1, 1)))
        >>> round(loss, 6)  # ½ log 2π
        0.918939
    """

    name: ClassVar[str] = "likelihood"

    def __init__(self, noise: float = 0.1):
        self.noise = noise

    def __call__(self, matrix: FloatArray, targets: FloatArray, /) -> tuple[float, FloatArray]:
        """Return the loss and its derivatives (n, n); see :class:`~qiskit_qml_ext.kernels.losses.KernelLoss`."""
        noise = positive_number("noise", self.noise)
        number, columns = targets.shape
        covariance = matrix + noise * np.eye(number)
        try:
            root = cholesky(covariance, lower=True)
        except np.linalg.LinAlgError as error:
            least = float(np.linalg.eigvalsh(matrix)[0])
            raise ValueError(
                f"The matrix has an eigenvalue of {least:.3g}, so that it is no covariance with noise={noise:g}. "
                f"Take more shots, or a noise above {-least:.3g}."
            ) from error
        inverse = cho_solve((root, True), np.eye(number))
        alpha = inverse @ targets
        loss = float(
            np.sum(targets * alpha) / 2
            + columns * (np.sum(np.log(np.diagonal(root))) + number * math.log(2 * math.pi) / 2)
        )
        return loss, (columns * inverse - alpha @ alpha.T) / 2
