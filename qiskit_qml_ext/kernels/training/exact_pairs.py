"""Exact matrices from states, and exact gradients by one reverse pass for each state."""

from collections.abc import Sequence

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine.fidelity_gradient import FidelityGradient
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.methods.exact import exact_fidelities
from qiskit_qml_ext.kernels.training.pairs import PullBack
from qiskit_qml_ext.primitives import Connection


class ExactPairs:
    """Matrices and gradients of an encoding by states; a product of groups that do not interact, group by group."""

    gradient = "adjoint"
    is_exact = True

    def __init__(self, connection: Connection, encoding: Encoding):
        self.connection, self._encoding = connection, encoding

    def matrices(self, rows: Sequence[FloatArray]) -> list[FloatArray]:
        """Return the matrix of each set of rows."""
        return [self._matrix(one) for one in rows]

    def gradients(self, rows: FloatArray, columns: Sequence[int], pull_back: PullBack) -> FloatArray:
        """Return the derivatives of a loss by the parameters of each row; see :class:`Pairs`."""
        self._check(rows)
        connection = self.connection
        parts = [
            FidelityGradient(
                factor.program,
                np.ascontiguousarray(factor.select(rows)),
                dtype=connection.dtype,
                max_memory=connection.max_memory,
            )
            for factor in self._encoding.factors
        ]
        matrices = [part.fidelities() for part in parts]
        whole, others = _products(matrices, len(rows))
        slopes = pull_back(whole)
        gradients = np.zeros(rows.shape)
        for factor, part, other in zip(self._encoding.factors, parts, others, strict=True):
            found = part.pull_back(slopes * other)
            gradients[:, np.arange(rows.shape[1]) if factor.columns is None else factor.columns] += found
        return gradients

    def _matrix(self, rows: FloatArray) -> FloatArray:
        self._check(rows)
        return exact_fidelities(self.connection, self._encoding.factors, rows, None)

    def _check(self, rows: FloatArray) -> None:
        for factor in self._encoding.factors:
            check_domain(factor.program, factor.columns, rows, None)


def _products(matrices: Sequence[FloatArray], number: int) -> tuple[FloatArray, list[FloatArray]]:
    """Return the elementwise product of all matrices (n, n), and for each that of all the others."""
    ones = np.ones((number, number))
    before = [ones]
    for matrix in matrices:
        before.append(before[-1] * matrix)
    others, after = [], ones
    for matrix, product in zip(reversed(matrices), reversed(before[:-1]), strict=True):
        others.append(product * after)
        after = after * matrix
    return before[-1], others[::-1]
