"""What a support vector classifier reaches with a kernel."""

from typing import ClassVar

import numpy as np
from sklearn.svm import SVC

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.losses.loss import NamedKernelLoss


class SVCLoss(NamedKernelLoss):
    r"""The optimum of the dual problem of a support vector classifier, Σ_i a_i - ½ Σ_ij a_i a_j t_i t_j K_ij.

    It is qiskit-machine-learning's ``SVCLoss``. The smaller it is, the larger the margin. Of more than two classes,
    each against all others, the optima are added. The a_i are those of the optimum, so that to first order they do not
    change with the kernel: the derivative is -½ a_i a_j t_i t_j, and samples that are no support vectors have none.

    Args:
        C: The inverse strength of the regularisation, positive.
        tol: The tolerance of libsvm's stopping criterion; scikit-learn's own, 1e-3, is too coarse for gradients.

    References:
        Glick et al., arXiv:2105.03406.
    """

    name: ClassVar[str] = "svc"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    def __init__(self, C: float = 1.0, *, tol: float = 1e-8):
        self.C = C
        self.tol = tol

    def __call__(self, matrix: FloatArray, targets: FloatArray, /) -> tuple[float, FloatArray]:
        """Return the loss and its derivatives (n, n); see :class:`~qiskit_qml_ext.kernels.losses.KernelLoss`."""
        loss, slopes = 0.0, np.zeros_like(matrix)
        for labels in targets.T:
            machine = SVC(kernel="precomputed", C=self.C, tol=self.tol).fit(matrix, labels)
            signed = np.zeros(len(labels))
            signed[machine.support_] = machine.dual_coef_[0]
            products = np.outer(signed, signed)
            loss += float(np.abs(signed).sum() - np.sum(products * matrix) / 2)
            slopes -= products / 2
        return loss, slopes
