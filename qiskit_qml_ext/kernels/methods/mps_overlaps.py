"""Inner products of matrix-product states, many pairs at a time."""

import numpy as np

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.kernels.methods.mps_simulation import Chains

_BLOCK_BYTES = 1 << 26  # 64 MiB for what is carried along the chain


def fidelities(x: Chains, y: Chains | None = None) -> FloatArray:
    """Return |⟨ψ(y_j)|ψ(x_i)⟩|² of states that need not have norm 1, shape (n, m).

    Args:
        x: States of the rows.
        y: States of the columns; ``None`` for those of the rows, whose matrix is symmetric with a diagonal of 1.
    """
    columns = x if y is None else y
    weights = np.outer(norms(x), norms(columns))
    widest = max(tensor.shape[3] for tensor in x.tensors) * max(tensor.shape[3] for tensor in columns.tensors)
    step = max(1, _BLOCK_BYTES // (16 * widest * len(columns)))
    matrix = np.empty((len(x), len(columns)))
    for first in range(0, len(x), step):
        rows = slice(first, first + step)
        start = 0 if y is not None else first
        products = overlaps(x.part(rows), columns.part(slice(start, None)))
        matrix[rows, start:] = np.abs(products) ** 2
    matrix /= weights
    if y is None:
        lower = np.tril_indices(len(x), -1)
        matrix[lower] = matrix.T[lower]
        np.fill_diagonal(matrix, 1.0)
    return matrix


def overlaps(x: Chains, y: Chains) -> ComplexArray:
    """Return ⟨x_i|y_j⟩, shape (n, m): E ← Σ_s A_i[s]† E B_j[s] from qubit to qubit."""
    carried: ComplexArray = np.ones((len(x), len(y), 1, 1), dtype=np.complex128)
    for left, right in zip(x.tensors, y.tensors, strict=True):
        zero, one = (
            left[:, None, value].conj().swapaxes(-1, -2) @ (carried @ right[None, :, value]) for value in (0, 1)
        )
        carried = zero + one
    return carried[:, :, 0, 0]


def paired_overlaps(x: Chains, y: Chains) -> ComplexArray:
    """Return ⟨x_i|y_i⟩, shape (n,)."""
    carried: ComplexArray = np.ones((len(x), 1, 1), dtype=np.complex128)
    for left, right in zip(x.tensors, y.tensors, strict=True):
        zero, one = (left[:, value].conj().swapaxes(-1, -2) @ (carried @ right[:, value]) for value in (0, 1))
        carried = zero + one
    return carried[:, 0, 0]


def norms(x: Chains) -> FloatArray:
    """Return ⟨x_i|x_i⟩, shape (n,)."""
    squares: FloatArray = paired_overlaps(x, x).real
    return squares
