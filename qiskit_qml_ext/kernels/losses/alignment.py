"""The centred alignment of a kernel matrix with the ideal one."""

from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.losses.loss import NamedKernelLoss

_NOTHING = 1e-14  # of the norm before centring: rounding of what is all equal


class AlignmentLoss(NamedKernelLoss):
    r"""One minus the centred alignment: 1 - ⟨K_c, Y_c⟩ / (‖K_c‖ ‖Y_c‖), with Y = T Tᵀ for targets T; 0 is the best.

    K_c = H K H with H = 1 - 1/n. Without the centring, a kernel that is large everywhere aligns with classes of
    different sizes whatever it tells apart. The size of the kernel does not matter.

    References:
        Cortes, Mohri, Rostamizadeh, arXiv:1203.0550, definition 4; trained by its gradient: Hubregtsen et al.,
        arXiv:2105.02276.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.kernels.losses import AlignmentLoss
        >>> targets = np.array([[1.0], [1.0], [-1.0]])
        >>> loss, _ = AlignmentLoss()(targets @ targets.T, targets)
        >>> round(loss, 12)
        0.0
    """

    name: ClassVar[str] = "alignment"

    def __call__(self, matrix: FloatArray, targets: FloatArray, /) -> tuple[float, FloatArray]:
        """Return the loss and its derivatives (n, n); see :class:`~qiskit_qml_ext.kernels.losses.KernelLoss`."""
        kernel, ideal = centred(matrix), centred(targets @ targets.T)
        size, ideal_size = float(np.linalg.norm(kernel)), float(np.linalg.norm(ideal))
        if size <= _NOTHING * np.linalg.norm(matrix):
            raise ValueError(
                "The kernel says the same of all pairs of samples, so that its centred alignment is not defined. Begin "
                "with another bandwidth or other weights, or give different samples."
            )
        if ideal_size <= _NOTHING * np.linalg.norm(targets) ** 2:
            raise ValueError(
                "All samples have the same target, so that a centred alignment is not defined. Give samples of "
                "different targets, in each batch."
            )
        alignment = float(np.sum(kernel * ideal)) / (size * ideal_size)
        return 1.0 - alignment, alignment * kernel / size**2 - ideal / (size * ideal_size)


def centred(matrix: FloatArray) -> FloatArray:
    """Return H K H with H = 1 - 1/n: the mean of each row and of each column is 0."""
    rows = matrix - matrix.mean(axis=0, keepdims=True)
    return np.asarray(rows - rows.mean(axis=1, keepdims=True))
