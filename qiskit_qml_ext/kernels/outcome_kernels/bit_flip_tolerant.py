"""The bit-flip-tolerant kernel: the probability that at most a few qubits of U(y)†U(x) read 1."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.kernels.outcome_kernels.outcome_kernel import OutcomeKernel
from qiskit_qml_ext.kernels.readings import BitFlipTolerantReading, Reading, ReadoutErrors
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.primitives import Connection

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager


class BitFlipTolerantKernel(OutcomeKernel):
    r"""The bit-flip-tolerant kernel k(x, y) = P(|z| ≤ d), |z| the number of ones among the qubits of U(y)†U(x).

    Outcomes with a few flipped bits count as zeros only: noise that flips bits then takes less of the signal away, and
    values concentrate less. Without noise too it is another kernel than the fidelity, and for d ≥ 1 it is in general
    not positive semi-definite: a matrix of it may need ``psd_repair``.

    Args:
        feature_map: A template or a circuit; ``None`` is ``ZZFeatureMap()``.
        tolerance: How many qubits may read 1, d, less than the number of qubits; 0 gives the fidelity.
        connection: Where circuits run; this and the other arguments are those of
            :class:`~qiskit_qml_ext.kernels.OutcomeKernel`.

    References:
        Agliardi et al., arXiv:2412.07915, as Bit Flip Tolerance. Only the abstract could be read; the diagonals that
        the authors published grow with d as P(|z| ≤ d) does.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import BitFlipTolerantKernel
        >>> kernel = BitFlipTolerantKernel(AngleFeatureMap(), tolerance=1)
        >>> kernel.evaluate([[0.0, 0.0], [np.pi / 2, np.pi]]).round(6).tolist()
        [[1.0, 0.5], [0.5, 1.0]]
    """

    is_positive_semidefinite = False

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        tolerance: int = 1,
        connection: Connection | None = None,
        method: str = "auto",
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        run_diagonal: bool = False,
        orders: str = "both",
        keep: str = "weights",
        readout_correction: ReadoutErrors | str | None = None,
        shots: int | None = None,
        psd_repair: str | Repair | None = None,
        training_parameters: Sequence[Parameter] = (),
        training_values: Sequence[float] | None = None,
    ):
        super().__init__(
            feature_map,
            connection=connection,
            method=method,
            sampler=sampler,
            pass_manager=pass_manager,
            run_diagonal=run_diagonal,
            orders=orders,
            keep=keep,
            readout_correction=readout_correction,
            shots=shots,
            psd_repair=psd_repair,
            training_parameters=training_parameters,
            training_values=training_values,
        )
        self.tolerance = tolerance

    def reading(self) -> Reading:
        """Return the probability of at most so many ones."""
        return BitFlipTolerantReading(self.tolerance)
