"""What a support vector regression reaches with a kernel."""

from typing import ClassVar

import numpy as np
from sklearn.svm import SVR

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.losses.loss import NamedKernelLoss


class SVRLoss(NamedKernelLoss):
    r"""The optimum of the dual problem of a support vector regression, Σ_i t_i b_i - ε Σ_i |b_i| - ½ Σ_ij b_i b_j K_ij.

    It is qiskit-machine-learning's ``SVRLoss``. To first order the b_i of the optimum do not change with the kernel, so
    that the derivative is -½ b_i b_j.

    Args:
        C: The inverse strength of the regularisation, positive, in units of the targets.
        epsilon: Deviations up to this size, in units of the targets, cost nothing.
        tol: The tolerance of libsvm's stopping criterion; scikit-learn's own, 1e-3, is too coarse for gradients.

    References:
        Smola and Schölkopf, Statistics and Computing 14, 199 (2004), equation 10.
    """

    name: ClassVar[str] = "svr"
    tasks: ClassVar[tuple[str, ...]] = ("regression",)

    def __init__(self, C: float = 1.0, *, epsilon: float = 0.1, tol: float = 1e-8):
        self.C = C
        self.epsilon = epsilon
        self.tol = tol

    def __call__(self, matrix: FloatArray, targets: FloatArray, /) -> tuple[float, FloatArray]:
        """Return the loss and its derivatives (n, n); see :class:`~qiskit_qml_ext.kernels.losses.KernelLoss`."""
        wanted = targets[:, 0]
        machine = SVR(kernel="precomputed", C=self.C, epsilon=self.epsilon, tol=self.tol).fit(matrix, wanted)
        signed = np.zeros(len(wanted))
        signed[machine.support_] = machine.dual_coef_[0]
        products = np.outer(signed, signed)
        loss = wanted @ signed - self.epsilon * np.abs(signed).sum() - np.sum(products * matrix) / 2
        return float(loss), -products / 2
