"""The projected quantum kernel: a classical kernel of the states of few qubits."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.engine.first_look import PLAN_QUBITS, spread_rows
from qiskit_qml_ext.kernels.blocks import check_matrix
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.plan import spread_in_words
from qiskit_qml_ext.kernels.reduced_states.bandwidth import MEDIAN
from qiskit_qml_ext.kernels.reduced_states.comparison import Comparison
from qiskit_qml_ext.kernels.reduced_states.features import PauliFeatures
from qiskit_qml_ext.kernels.reduced_states.measured_features import MeasuredFeaturesKernel
from qiskit_qml_ext.kernels.reduced_states.outer_kernels import outer_kernel, takes_gamma
from qiskit_qml_ext.kernels.reduced_states.patches import Patch, patches_of
from qiskit_qml_ext.kernels.reduced_states.projection_kernel import ProjectionKernel
from qiskit_qml_ext.kernels.reduced_states.projections import IndependentEstimates, MeasuredPaulis, Projections
from qiskit_qml_ext.kernels.reduced_states.reduced_state_kernel import ReducedStateKernel
from qiskit_qml_ext.kernels.reduced_states.settings import covering_settings
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import check_pair, check_samples, distinct_samples
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.approximation import used_qubits
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager
    from sklearn.gaussian_process.kernels import Kernel

_ARRAYS, _SAMPLED_ARRAYS = 3, 10  # of the shape of the matrix at a time


class ProjectedKernel(ProjectionKernel, ReducedStateKernel):
    r"""A classical kernel of the reduced states of a feature map, by default exp(-γ Σ_p ‖ρ_p(x) - ρ_p(y)‖²_F).

    Each sample is simulated or measured once, so that circuits grow with the number of samples and not of pairs: 3
    settings for single qubits, 9 for pairs that do not overlap or are neighbours, and as few as were found for others.
    Outcomes are kept in the connection, so that nothing runs twice, for training and test data, folds and other kernels
    of the same states.

    With shots, squared distances are unbiased (they may be below 0, and entries above 1), and standard errors follow
    from the covariances of all estimates, for a given γ: the noise that a median of measured distances has is not in
    them, and moves the entries in the mean too. A sample against itself is exact. The matrix of exact states is
    positive semi-definite, as is that of estimates with ``debias=False``, whose entries are too small instead; of a
    kernel of scikit-learn ``is_positive_semidefinite`` says whether that is known.

    Args:
        feature_map: A template or a circuit; ``None`` is ``ZZFeatureMap()``. A circuit's parameters take the features
            in the order of ``circuit.parameters``.
        patches: Which reduced states: ``"single"`` (each qubit), ``"disjoint_pairs"`` (0 and 1, 2 and 3, …),
            ``"neighbour_pairs"``, ``"all_pairs"``, or a list of sets of the circuit's qubits. Qubits on which the
            circuit does not act do not count. Patches of up to 8 qubits are simulated, of up to 4 measured.
        outer: The classical kernel: ``"rbf"``, ``"linear"`` (Σ_p Tr ρ_p ρ'_p), ``"matern"`` (ν = 3/2),
            ``"rational_quadratic"`` (α = 1), the last two of length 1/√(2γ); or a kernel of scikit-learn's
            ``gaussian_process.kernels``, of vectors whose squared distances are Σ_p ‖ρ_p - ρ'_p‖²_F, with its own
            parameters. Only ``"rbf"``, for a given γ, and ``"linear"`` are unbiased with shots (the first up to the
            skewness of the noise); scikit-learn's kernels get the estimates as they are.
        gamma: The bandwidth γ of ``"rbf"``, ``"matern"`` and ``"rational_quadratic"``: a positive number, or
            ``"median"`` for one over the median of the squared distances of the first samples that are evaluated
            against themselves, as a model's training data are; it is used for all data from then on, and :attr:`gamma_`
            says what it is. A matrix of other samples against themselves is then an error, as their median would make
            another kernel: call :meth:`fit` to fix it for whatever comes. A clone starts anew. For single qubits the
            distance is half the sum of squared differences of ⟨X⟩, ⟨Y⟩, ⟨Z⟩: where a package leaves out the half, its γ
            is half of this one.
        debias: Whether what shots add to squares in the mean is taken away.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        sampler: A V2 sampler of your own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        training_parameters: Parameters of a feature-map circuit that are not data.
        training_values: Their values; :meth:`assign_training_parameters` sets them.
        psd_repair: What to do with negative eigenvalues of a symmetric matrix; see
            :class:`~qiskit_qml_ext.kernels.FidelityKernel`.

    References:
        Huang et al., arXiv:2011.01938: of the paper the abstract was read; the formula is as code and documentation of
        others quote it. Median: arXiv:1707.07269. Pairs of qubits together: arXiv:1908.02754.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import ProjectedKernel
        >>> kernel = ProjectedKernel(AngleFeatureMap(), gamma=0.5)
        >>> kernel.evaluate([[0.0], [np.pi / 2]]).round(6).tolist()
        [[1.0, 0.606531], [0.606531, 1.0]]
    """

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        patches: str | Sequence[Sequence[int]] = "single",
        outer: "str | Kernel" = "rbf",
        gamma: float | str = MEDIAN,
        debias: bool = True,
        connection: Connection | None = None,
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        psd_repair: str | Repair | None = None,
        training_parameters: Sequence[Parameter] = (),
        training_values: Sequence[float] | None = None,
    ):
        self.feature_map = feature_map
        self.patches = patches
        self.outer = outer
        self.gamma = gamma
        self.debias = debias
        self.connection = connection
        self.sampler = sampler
        self.pass_manager = pass_manager
        self.psd_repair = psd_repair
        self.training_parameters = training_parameters
        self.training_values = training_values

    @staticmethod
    def from_features(
        features: ArrayLike,
        *,
        outer: "str | Kernel" = "rbf",
        gamma: float | str = MEDIAN,
        shots: int | None = None,
        debias: bool = True,
        psd_repair: str | Repair | None = None,
    ) -> MeasuredFeaturesKernel:
        """Return the kernel of Bloch vectors that were measured elsewhere and come as data.

        Args:
            features: Those of the training samples, shape (n, 3 · qubits): ⟨X⟩, ⟨Y⟩, ⟨Z⟩ of the first qubit, then of
                the second, and so on. The bandwidth ``"median"`` is taken of them; the kernel is then evaluated on rows
                like these.
            outer: The classical kernel.
            gamma: Its bandwidth.
            shots: The shots behind each value; ``None`` for exact ones.
            debias: Whether what shots add to squares in the mean is taken away.
            psd_repair: What to do with negative eigenvalues of a symmetric matrix.

        Returns:
            A kernel whose samples are Bloch vectors.

        Raises:
            ValueError: If the features are no Bloch vectors, or have no positive median.

        Examples:
            >>> from qiskit_qml_ext.kernels import ProjectedKernel
            >>> kernel = ProjectedKernel.from_features([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], gamma=0.5)
            >>> kernel.evaluate([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]).round(6).tolist()
            [[1.0, 0.606531], [0.606531, 1.0]]
        """
        kernel = MeasuredFeaturesKernel(outer=outer, gamma=gamma, shots=shots, debias=debias, psd_repair=psd_repair)
        kernel.compared(check_samples("features", features), None)
        return kernel.fit(features)

    def features(self, X: ArrayLike) -> PauliFeatures:
        """Return the expectation values that the kernel is made of, for models and transformers of other kinds.

        Args:
            X: Samples, shape (n, features).

        Returns:
            The values, their standard errors and their Paulis; for ``patches="single"`` as :meth:`from_features` takes
            them.
        """
        samples = check_samples("X", X)
        connection, encoding = self._connection(), self._encoding(samples.shape[1])
        projections, index, _ = self._projections(samples, None)
        errors, shots = projections.errors, projections.shots
        return PauliFeatures(
            projections.values[index],
            None if errors is None else errors[index],
            self._table(encoding).labels(used_qubits(encoding.unitary)),
            None if shots is None else int(shots.min()),
            connection.target_name,
        )

    def plan(
        self,
        x_vec: ArrayLike,
        y_vec: ArrayLike | None = None,
        *,
        shots: int | None = None,
        price_per_minute: float | None = None,
        entries: tuple[float, float] | None = None,
    ) -> RunPlan:
        """Say what measuring the samples will take, and how noisy entries will be beside their spread.

        Args:
            x_vec: Samples, shape (n, features).
            y_vec: Samples, shape (m, features); ``None`` means ``x_vec`` again.
            shots: Shots of every circuit; by default the connection's.
            price_per_minute: The price of a minute of processor time.
            entries: Mean and variance of the entries off the diagonal, where they are known; by default those of up to
                40 samples are simulated, on up to 12 qubits.

        Returns:
            The plan; samples and settings that this process knows already are not counted.

        Raises:
            ValueError: If the data are not valid, or the kernel is exact and runs no circuits.
        """
        x, y = check_pair(x_vec, y_vec)
        encoding = self._encoding(x.shape[1])
        self._refuse_counted(encoding)
        plan = super().plan(x, y, shots=shots, price_per_minute=price_per_minute, entries=entries)
        samples, _ = distinct_samples(x if y is None else np.concatenate([x, y]))
        if len(used_qubits(encoding.unitary)) > PLAN_QUBITS or len(samples) < 2:
            return plan
        few = spread_rows(samples)
        exact, pairs = self.exact_copy(), np.triu_indices(len(few), 1)
        if exact._bandwidth is None:
            exact._take_median(few)
        comparison, _ = exact.compared(few, None)
        settings = covering_settings(*self._patches_of(encoding))
        read = MeasuredPaulis.readings(self._table(encoding), settings)
        values = comparison.projections.values
        behind = np.broadcast_to((plan.shots or DEFAULT_SHOTS) * read.sum(axis=0), values.shape)
        noisy = replace(
            comparison, projections=Projections(values, behind, IndependentEstimates(values, behind)), debias=False
        )
        gamma = exact.gamma_ if takes_gamma(self.outer) else None
        matrix, errors = outer_kernel(noisy, self.outer, gamma)
        assert errors is not None
        noise = float(np.sqrt(np.mean(errors[pairs] ** 2)))
        plan = plan if entries is not None else plan.with_advice(spread_in_words(float(np.var(matrix[pairs]))))
        return plan.with_advice(f"Without errors of the device, the noise of an entry will be about {noise:.2g}.")

    def measured_patches(self, used: list[int]) -> tuple[Patch, ...]:
        """Return the patches whose states are measured."""
        return patches_of(self.patches, used)

    def made_with(self, num_features: int) -> object:
        """Return what the distances depend on."""
        encoding = self._encoding(num_features)
        return encoding.key, self._patches_of(encoding), self.debias

    def compared(self, x: FloatArray, y: FloatArray | None) -> tuple[Comparison, str]:
        """Return checked samples, compared by their projections."""
        connection = self._connection()
        self._refuse_counted(self._encoding(x.shape[1]))
        arrays = _ARRAYS if connection.is_exact else _SAMPLED_ARRAYS
        check_matrix((len(x), len(x if y is None else y)), arrays, connection.max_memory)
        projections, rows, columns = self._projections(x, y)
        table = self._table(self._encoding(x.shape[1]))
        ones = [1.0] * len(table.patches)
        comparison = Comparison(
            projections, rows, columns, table.weights(ones), table.identity_weight(ones), self.debias
        )
        return comparison, connection.target_name

    def _refuse_counted(self, encoding: Encoding) -> None:
        """Refuse routed circuits where a wire that swaps pass would count; to distances of single qubits it adds 0."""
        if self.patches != "single" or not takes_gamma(self.outer):
            self._refuse_passed(encoding, self._patches_of(encoding)[0])
