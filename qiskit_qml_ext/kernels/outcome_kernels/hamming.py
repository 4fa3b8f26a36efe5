"""The Hamming kernel: the mean share of qubits of U(y)†U(x) that read 0."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.kernels.outcome_kernels.outcome_kernel import OutcomeKernel
from qiskit_qml_ext.kernels.readings import HammingReading, Reading, ReadoutErrors
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.primitives import Connection

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager


class HammingKernel(OutcomeKernel):
    r"""The Hamming kernel k(x, y) = 1 - E|z|/n, |z| the number of ones among the n qubits of U(y)†U(x).

    It comes from all outcomes of the circuits of the fidelity kernel. Its values do not fall exponentially with the
    number of qubits, as those of the fidelity do, but they concentrate too: for random states around 1/2, with the
    variance 1/(4n(2ⁿ + 1)); for a product map of angles over the full circle with 1/(8n).

    It is positive semi-definite where the rotations of the feature map commute or its qubits do not interact, for there
    it is a mean of kernels of single qubits; for other maps it need not be. :meth:`definiteness` says which it is.

    Args:
        feature_map: A template or a circuit; ``None`` is ``ZZFeatureMap()``. A circuit's parameters take the features
            in the order of ``circuit.parameters``.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        method: ``"exact"``, ``"sampled"`` (or ``"inversion"``), or ``"auto"``: exact if the connection is.
        sampler: A V2 sampler of your own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        run_diagonal: Whether a sample against itself is measured too, instead of being set to 1.
        orders: ``"both"`` for the mean over both orders of each pair wherever they may differ, at twice the circuits;
            ``"one"`` for one of them, fixed by the values of the two samples: as many circuits as the fidelity takes,
            but a matrix that is no kernel of the samples, and errors that do not say how far it is from the mean.
        keep: What is kept of the outcomes; see :class:`~qiskit_qml_ext.kernels.FidelityKernel`.
        readout_correction: Readout errors that are undone; see :class:`~qiskit_qml_ext.kernels.FidelityKernel`.
        training_parameters: Parameters of a feature-map circuit that are not data; the other parameters take the
            features.
        training_values: Their values; :meth:`assign_training_parameters` sets them.
        psd_repair: What to do with negative eigenvalues of a symmetric matrix; see
            :class:`~qiskit_qml_ext.kernels.FidelityKernel`.

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

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        connection: Connection | None = None,
        method: str = "auto",
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        run_diagonal: bool = False,
        orders: str = "both",
        keep: str = "weights",
        readout_correction: ReadoutErrors | str | None = None,
        psd_repair: str | Repair | None = None,
        training_parameters: Sequence[Parameter] = (),
        training_values: Sequence[float] | None = None,
    ):
        self.feature_map = feature_map
        self.connection = connection
        self.method = method
        self.sampler = sampler
        self.pass_manager = pass_manager
        self.run_diagonal = run_diagonal
        self.orders = orders
        self.keep = keep
        self.readout_correction = readout_correction
        self.psd_repair = psd_repair
        self.training_parameters = training_parameters
        self.training_values = training_values

    def reading(self) -> Reading:
        """Return the mean share of qubits that read 0."""
        return HammingReading()
