"""The weights of kernels whose sum is best aligned with the targets."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.losses.alignment import centred

_ROUNDING = 1e-10  # of the ideal kernel: far above the rounding of sums over n² entries, far below any alignment


def alignment_weights(matrices: Sequence[FloatArray], targets: FloatArray) -> FloatArray:
    r"""Return the weights μ ≥ 0, Σ μ = 1, for which Σ_k μ_k K_k has the largest centred alignment with T Tᵀ.

    They are those of v ≥ 0 that makes vᵀ M v - 2 vᵀ a least, with M_kl = ⟨K_kc, K_lc⟩ and a_k = ⟨K_kc, Y_c⟩. This is
    ‖Σ_k v_k K_kc - Y_c‖² but for a constant, a least-squares problem with v ≥ 0. The paper scales v to a norm of 1; an
    alignment does not know the scale, and a sum of 1 leaves a common diagonal as it is.

    Args:
        matrices: Kernel matrices of the same samples, shape (n, n) each.
        targets: T, shape (n, K).

    Raises:
        ValueError: If no kernel is aligned with the targets at all.

    References:
        Cortes, Mohri, Rostamizadeh, arXiv:1203.0550, proposition 9 (alignf).
    """
    columns = np.stack([centred(matrix).ravel() for matrix in matrices], axis=1)
    ideal = centred(targets @ targets.T).ravel()
    basis, triangle = np.linalg.qr(columns)
    found, _ = nnls(triangle, basis.T @ ideal)
    if np.max(found * np.linalg.norm(columns, axis=0)) <= _ROUNDING * np.linalg.norm(ideal):
        raise ValueError(
            "None of the kernels is aligned with y: each says that samples of different classes are more alike. Give "
            "other kernels, or weights of your own."
        )
    weights: FloatArray = found / found.sum()
    return weights
