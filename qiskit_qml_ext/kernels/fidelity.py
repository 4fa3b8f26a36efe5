"""The fidelity kernel k(x, y) = |⟨φ(y)|φ(x)⟩|²."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.kernels.adaptive.even_errors import EvenErrors
from qiskit_qml_ext.kernels.adaptive.pair_circuits import PairCircuits
from qiskit_qml_ext.kernels.by_method import KernelByMethod
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.methods import Fidelities, FidelityMethod, OutcomeMethod, PredictsErrors, method_named
from qiskit_qml_ext.kernels.methods.exact import few_exact_fidelities
from qiskit_qml_ext.kernels.methods.inversion_circuit import inversion_test_on
from qiskit_qml_ext.kernels.methods.swap_test import SwapTestCounts
from qiskit_qml_ext.kernels.plan import advise, moments_of, spread_in_words
from qiskit_qml_ext.kernels.readings import FidelityReading, Reading, ReadoutErrors
from qiskit_qml_ext.kernels.repairs import PsdRepair
from qiskit_qml_ext.primitives import Connection, RunPlan

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager


class FidelityKernel(KernelByMethod):
    r"""The fidelity quantum kernel k(x, y) = |⟨φ(y)|φ(x)⟩|² of a feature map.

    It is a kernel of qiskit-machine-learning (``QSVC``, ``PegasosQSVC``, … accept it), a callable as scikit-learn's
    ``SVC`` takes it, and an object with nested parameters (``feature_map__bandwidth``) for ``GridSearchCV``.

    Exact results simulate one state for each distinct sample. Sampled results run one transpiled circuit U(y)†U(x) as
    one PUB with a parameter array (or as few as the connection's limit on executions allows) and read the count of the
    all-zeros outcome; each unordered pair of distinct samples runs once, and never again through the same connection.
    With ``shots="adaptive"`` it runs twice, a pilot in one job and then one job for each number of shots, some ten.
    The Hamming weights of all outcomes are kept, so that :meth:`reinterpret` gives other kernels without another run.

    Args:
        feature_map: A template or a circuit; ``None`` is ``ZZFeatureMap()``. A circuit's parameters take the features
            in the order of ``circuit.parameters``.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        method: ``"exact"``; ``"mps"``, matrix-product states for wide and shallow circuits; ``"sampled"`` or
            ``"inversion"``, two names of the inversion test that counts the outcomes of U(y)†U(x); ``"swap"``, the swap
            test on 2n + 1 qubits, which is right for mixed states too and whose unbiased estimates may be negative;
            ``"randomised"``, randomised measurements; or ``"auto"``: exact if the connection is, by matrix-product
            states where states do not fit memory, else the inversion test; see :meth:`chosen_method`. Or a method with
            settings of its own: :class:`~qiskit_qml_ext.kernels.MatrixProductStates`,
            :class:`~qiskit_qml_ext.kernels.RandomisedMeasurements`.
        sampler: A V2 sampler of your own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        run_diagonal: Whether a sample against itself is measured too, instead of being set to 1.
        keep: What is kept of the outcomes for later: ``"weights"``, how many qubits read 1; ``"marginals"``, also how
            often each qubit did; ``"outcomes"``, every distinct outcome. What was not kept can be asked for later only
            where a journal has it. Exact results need nothing kept.
        readout_correction: :class:`~qiskit_qml_ext.kernels.ReadoutErrors` that are undone, or ``"reported"`` for those
            that the device reports for the qubits it measures. Corrected values are unbiased, noisier, and may lie
            outside of 0 to 1; errors of single qubits need ``keep="outcomes"``, which they imply. Raw counts stay.
        shots: ``None`` for the connection's; a whole number, which takes their place (exact results are drawn then
            too); ``"adaptive"``, by which each entry gets as many as it needs to be at least as precise as the worst
            one is under the connection's S: far fewer near 0 and 1, up to about S + 2√S near 1/2, the pilot counted; or
            :class:`~qiskit_qml_ext.kernels.EvenErrors`, the same with other numbers, where it stands when that pays
            and what it leaves beside as many uniform shots. For shots by which the decisions of a classifier stand, see
            :class:`~qiskit_qml_ext.models.AdaptiveQuantumSVC`.
        training_parameters: Parameters of a feature-map circuit that are not data, for qiskit-machine-learning's
            ``QuantumKernelTrainer``; the other parameters take the features.
        training_values: Their values; :meth:`assign_training_parameters` sets them.
        psd_repair: What to do with a matrix as it was measured: ``None`` leaves it; ``"symmetrize"``; ``"clip"`` sets
            negative eigenvalues to zero; ``"shift"`` raises the diagonal; ``"nearest_correlation"``;
            ``"mitigate_depolarizing"`` undoes noise by the measured diagonal; ``"regularize_by_error"`` adds a ridge of
            the size of the errors; an object of these steps with other settings; a callable of your own, which gets the
            :class:`~qiskit_qml_ext.kernels.RawKernel` (matrix, errors, shots, target) and returns a finite real matrix
            of the same shape; or a sequence of these, applied in order. What was applied stands in
            ``evaluate_with_errors(…).applied``.

    References:
        Havlíček et al., arXiv:1804.11326; Schuld and Killoran, arXiv:1803.07128.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import FidelityKernel
        >>> kernel = FidelityKernel(AngleFeatureMap())
        >>> kernel.evaluate([[0.0], [np.pi / 2]]).round(6).tolist()
        [[1.0, 0.5], [0.5, 1.0]]
        >>> kernel.reinterpret("hamming", [[0.0], [np.pi / 2]]).matrix.round(6).tolist()
        [[1.0, 0.5], [0.5, 1.0]]
    """

    is_positive_semidefinite = True
    is_symmetric: ClassVar[bool] = True

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        connection: Connection | None = None,
        method: str | FidelityMethod = "auto",
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        run_diagonal: bool = False,
        keep: str = "weights",
        readout_correction: ReadoutErrors | str | None = None,
        shots: int | str | EvenErrors | None = None,
        psd_repair: PsdRepair = None,
        training_parameters: Sequence[Parameter] = (),
        training_values: Sequence[float] | None = None,
    ):
        self.feature_map = feature_map
        self.connection = connection
        self.method = method
        self.sampler = sampler
        self.pass_manager = pass_manager
        self.run_diagonal = run_diagonal
        self.keep = keep
        self.readout_correction = readout_correction
        self.shots = shots
        self.psd_repair = psd_repair
        self.training_parameters = training_parameters
        self.training_values = training_values

    def reading(self) -> Reading:
        """Return the fidelity."""
        return FidelityReading()

    @property
    def entries_are_fractions(self) -> bool:
        """Whether a measured entry is a fraction of its shots: by the inversion test, unless readout is corrected."""
        return self.readout_correction is None and (
            self.method == "auto" or not isinstance(method_named(self.method), SwapTestCounts | PredictsErrors)
        )

    def connection_of_pairs(self) -> Connection | None:
        """Return where inversion tests of pairs run, each with shots of its own; ``None`` where results are exact.

        Raises:
            ValueError: If the kernel's method is no inversion test.
        """
        if self.method != "auto" and not isinstance(method_named(self.method), OutcomeMethod):
            raise ValueError(f"Adaptive shots run inversion tests, but method={self.method!r}. Leave it at 'auto'.")
        connection = self._connection(draws=self._asks_for_circuits())
        return None if connection.is_exact and not self._asks_for_circuits() else connection

    def pair_circuits(self, samples: FloatArray, pairs: IndexArray) -> PairCircuits:
        """Return what runs inversion tests of pairs, each with shots of its own; see :class:`AdaptiveShots`.

        Args:
            samples: Checked samples, shape (d, features).
            pairs: Rows of ``samples``, shape (p, 2).
        """
        wanted = self._wanted(samples, None, self.reading())
        test = inversion_test_on(wanted.connection, *wanted.encoding.circuit_for(wanted.connection))
        if test.program is not None:
            check_domain(test.program, test.columns, wanted.x, None)
        return PairCircuits(wanted.connection, test, wanted.x, pairs)

    def _advised(self, plan: RunPlan, wanted: Fidelities, entries: tuple[float, float] | None) -> RunPlan:
        if not self.entries_are_fractions:
            return plan if entries is None else plan.with_advice(spread_in_words(entries[1]))
        moments = moments_of(few_exact_fidelities(wanted)) if entries is None else entries
        return plan if moments is None else advise(plan, *moments)
