"""Matrices by any other method, without gradients."""

from collections.abc import Sequence

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.methods import Fidelities, FidelityMethod
from qiskit_qml_ext.kernels.training.pairs import PullBack
from qiskit_qml_ext.primitives import Connection


class EstimatedPairs:
    """Matrices of an encoding by a method that says nothing of its gradient."""

    gradient = None
    is_exact = False

    def __init__(self, connection: Connection, encoding: Encoding, method: FidelityMethod):
        self.connection, self._encoding, self._method = connection, encoding, method

    def matrices(self, rows: Sequence[FloatArray]) -> list[FloatArray]:
        """Return the matrix of each set of rows."""
        found = [self._method.estimate(Fidelities(self.connection, self._encoding, one)).matrix for one in rows]
        return [(matrix + matrix.T) / 2 for matrix in found]

    def gradients(self, rows: FloatArray, columns: Sequence[int], pull_back: PullBack) -> FloatArray:
        """Raise: there are none.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"method={self._method.name!r} has no gradient. Use an optimizer that takes values only, such as 'spsa', "
            "or method='exact' or 'sampled'."
        )
