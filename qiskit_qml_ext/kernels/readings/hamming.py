"""The mean share of qubits that read 0."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import whole_number


@dataclass(frozen=True)
class HammingReading:
    """f(h) = 1 - h/n: K_f is the mean over the qubits of the probability that one reads 0.

    The name is that of the Hamming quantum kernel of Agnihotri et al., arXiv:2605.31449, which is computed from all
    outcomes of the circuits of the fidelity kernel. Only the abstract of that paper could be read, so that its f may
    be another function of the Hamming weight; one of your own is any :class:`~qiskit_qml_ext.kernels.Reading`.
    """

    name = "hamming"

    def values(self, num_qubits: int) -> FloatArray:
        """Return f(0), …, f(n), shape (n + 1,)."""
        whole_number("num_qubits", num_qubits)
        return 1.0 - np.arange(num_qubits + 1) / num_qubits
