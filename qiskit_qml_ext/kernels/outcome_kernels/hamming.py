"""The Hamming kernel: the mean share of qubits of U(y)†U(x) that read 0."""

from qiskit_qml_ext.kernels.outcome_kernels.outcome_kernel import OutcomeKernel
from qiskit_qml_ext.kernels.readings import HammingReading, Reading


class HammingKernel(OutcomeKernel):
    r"""The Hamming kernel k(x, y) = 1 - E|z|/n, |z| the number of ones among the n qubits of U(y)†U(x).

    It comes from all outcomes of the circuits of the fidelity kernel. Its values do not fall exponentially with the
    number of qubits, as those of the fidelity do, but they concentrate too: for random states around 1/2, where one
    order of a pair has the variance 1/(4n(2ⁿ + 1)) and the mean of both orders less; for a product map of angles over
    the full circle with the variance 1/(8n).

    It is positive semi-definite where the rotations of the feature map commute or its qubits do not interact, for there
    the part of each qubit is; for other maps it need not be. :meth:`definiteness` says which it is.

    It takes the arguments of :class:`~qiskit_qml_ext.kernels.OutcomeKernel`.

    References:
        Agnihotri et al., arXiv:2605.31449, has a Hamming quantum kernel computed from these outcomes. Only the abstract
        of that paper could be read, so that its function of the outcomes may be another one.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import HammingKernel
        >>> kernel = HammingKernel(AngleFeatureMap())
        >>> kernel.evaluate([[0.0, 0.0], [np.pi / 2, np.pi]]).round(6).tolist()
        [[1.0, 0.25], [0.25, 1.0]]
        >>> kernel.definiteness(2).is_positive_semidefinite
        True
    """

    def reading(self) -> Reading:
        """Return the mean share of qubits that read 0."""
        return HammingReading()
