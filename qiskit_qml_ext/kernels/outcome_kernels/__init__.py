"""Kernels that are other readings of the outcomes of U(y)†U(x) than the fidelity, a file each.

They share the counts of a connection with :class:`~qiskit_qml_ext.kernels.FidelityKernel`. A new one says what it
reads.
"""

from qiskit_qml_ext.kernels.outcome_kernels.bit_flip_tolerant import BitFlipTolerantKernel
from qiskit_qml_ext.kernels.outcome_kernels.hamming import HammingKernel
from qiskit_qml_ext.kernels.outcome_kernels.outcome_kernel import OutcomeKernel

__all__ = ["BitFlipTolerantKernel", "HammingKernel", "OutcomeKernel"]
