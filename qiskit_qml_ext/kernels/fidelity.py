"""The fidelity kernel k(x, y) = |⟨φ(y)|φ(x)⟩|²."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.engine.first_look import PLAN_QUBITS, spread_rows
from qiskit_qml_ext.kernels.base import exact_connection
from qiskit_qml_ext.kernels.encoded import EncodedKernel
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate, RawKernel
from qiskit_qml_ext.kernels.methods import (
    ChosenMethod,
    CircuitMethod,
    Fidelities,
    FidelityMethod,
    choose_circuit_method,
    choose_method,
    method_named,
)
from qiskit_qml_ext.kernels.methods.exact import exact_fidelities
from qiskit_qml_ext.kernels.plan import advise, moments_of
from qiskit_qml_ext.kernels.repairs import Repair
from qiskit_qml_ext.kernels.samples import check_pair, check_samples, distinct_samples
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.approximation import used_qubits

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager


class FidelityKernel(EncodedKernel):
    r"""The fidelity quantum kernel k(x, y) = |⟨φ(y)|φ(x)⟩|² of a feature map.

    It is a kernel of qiskit-machine-learning (``QSVC``, ``PegasosQSVC``, … accept it), a callable as scikit-learn's
    ``SVC`` takes it, and an object with nested parameters (``feature_map__bandwidth``) for ``GridSearchCV``.

    Exact results simulate one state for each distinct sample. Sampled results run one transpiled circuit U(y)†U(x) as
    one PUB with a parameter array (or as few as the connection's limit on executions allows) and read the count of the
    all-zeros outcome; each unordered pair of distinct samples runs once, and never again through the same connection.

    Args:
        feature_map: A template or a circuit; ``None`` is ``ZZFeatureMap()``. A circuit's parameters take the features
            in the order of ``circuit.parameters``.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        method: ``"exact"``, ``"sampled"``, ``"mps"`` (matrix-product states, for wide and shallow circuits), or
            ``"auto"``: exact if the connection is, by matrix-product states where states do not fit memory; see
            :meth:`chosen_method`. Or a method with settings of its own, such as ``MatrixProductStates(max_bond=128)``.
        sampler: A V2 sampler of your own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        run_diagonal: Whether a sample against itself is measured too, instead of being set to 1.
        training_parameters: Parameters of a feature-map circuit that are not data, for qiskit-machine-learning's
            ``QuantumKernelTrainer``; the other parameters take the features.
        training_values: Their values; :meth:`assign_training_parameters` sets them.
        psd_repair: What to do with negative eigenvalues of a symmetric matrix: ``None`` leaves it as it was measured;
            ``"clip"`` sets them to zero; ``"shift"`` raises the diagonal; a callable of your own gets the
            :class:`~qiskit_qml_ext.kernels.RawKernel` (matrix, errors, shots, target) and returns a finite real matrix
            of the same shape.

    References:
        Havlíček et al., arXiv:1804.11326; Schuld and Killoran, arXiv:1803.07128.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import FidelityKernel
        >>> kernel = FidelityKernel(AngleFeatureMap())
        >>> kernel.evaluate([[0.0], [np.pi / 2]]).round(6).tolist()
        [[1.0, 0.5], [0.5, 1.0]]
    """

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        connection: Connection | None = None,
        method: str | FidelityMethod = "auto",
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        run_diagonal: bool = False,
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
        self.psd_repair = psd_repair
        self.training_parameters = training_parameters
        self.training_values = training_values

    def chosen_method(self, num_features: int) -> ChosenMethod:
        """Return the method that finds the fidelities of so many features, and why it is the one."""
        return choose_method(self.method, self._connection(), self._encoding(num_features))

    def circuit(self, num_features: int) -> QuantumCircuit:
        """Return the measured circuit U(y)†U(x) that the sampled path runs, before transpilation.

        Where the target synthesises gates, they are synthesised; a feature map on a device's own qubits stays there.
        """
        connection, encoding = self._connection(), self._encoding(num_features)
        return choose_circuit_method(self.method, connection, encoding).circuit(connection, encoding)

    def with_connection(self, connection: Connection | None) -> Self:
        """Return a copy of the kernel whose circuits run through another connection; ``None`` for exact results.

        Its method stays if it runs circuits; else ``"auto"`` takes its place.
        """
        copy = super().with_connection(connection)
        return copy if self._asks_for_circuits() else copy.set_params(method="auto")

    def exact_copy(self) -> Self:
        """Return a copy of the kernel with exact results, without a repair and without a measured diagonal."""
        return super().exact_copy().set_params(method="exact", run_diagonal=False)

    def _asks_for_circuits(self) -> bool:
        """Whether the method is one that runs circuits, by its name."""
        return self.method != "auto" and isinstance(method_named(self.method), CircuitMethod)

    def _wanted(self, x: FloatArray, y: FloatArray | None) -> Fidelities:
        connection = self._connection(draws=self._asks_for_circuits())
        return Fidelities(connection, self._encoding(x.shape[1]), x, y, self.run_diagonal)

    def raw_kernel(self, x: FloatArray, y: FloatArray | None) -> RawKernel:
        """Return the matrix of checked samples before any repair."""
        wanted = self._wanted(x, y)
        return choose_method(self.method, wanted.connection, wanted.encoding).method.estimate(wanted)

    def evaluate_with_errors(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> KernelEstimate:
        """Compute the kernel matrix with the standard error of each entry; see :meth:`evaluate`."""
        estimate = super().evaluate_with_errors(x_vec, y_vec)
        wanted = self._wanted(*check_pair(x_vec, y_vec))
        method = choose_method(self.method, wanted.connection, wanted.encoding).method
        error = method.synthesis_error(wanted) if isinstance(method, CircuitMethod) else 0.0
        return replace(estimate, synthesis_error=error)

    def diag(self, x_vec: ArrayLike) -> FloatArray:
        """Return k(x, x) of each sample, which is 1, shape (n,); nothing is run for it.

        Args:
            x_vec: Samples, shape (n, features).
        """
        return np.ones(len(check_samples("x_vec", x_vec)))

    def plan(
        self,
        x_vec: ArrayLike,
        y_vec: ArrayLike | None = None,
        *,
        shots: int | None = None,
        price_per_minute: float | None = None,
        entries: tuple[float, float] | None = None,
    ) -> RunPlan:
        """Say what the sampled kernel matrix will take, and how its noise compares with its spread, without running it.

        Args:
            x_vec: Samples, shape (n, features).
            y_vec: Samples, shape (m, features); ``None`` means ``x_vec`` again.
            shots: Shots of every circuit; by default the connection's.
            price_per_minute: The price of a minute of processor time.
            entries: Mean and variance of the entries off the diagonal, where they are known; by default those of up to
                40 samples are simulated, on up to 12 qubits.

        Returns:
            The plan; pairs that this process knows already are not counted.

        Raises:
            ValueError: If the data are not valid, or the kernel is exact and runs no circuits.
        """
        x, y = check_pair(x_vec, y_vec)
        wanted = self._wanted(x, y)
        method = choose_method(self.method, wanted.connection, wanted.encoding).method
        if not isinstance(method, CircuitMethod):
            raise ValueError("An exact kernel runs no circuits, so there is nothing to plan. Connect to a device.")
        plan = method.plan(wanted, shots=shots, price_per_minute=price_per_minute)
        moments = _exact_moments(wanted) if entries is None else entries
        return plan if moments is None else advise(plan, *moments)


def _exact_moments(wanted: Fidelities) -> tuple[float, float] | None:
    """Return mean and variance of the exact entries of some samples; None where a look takes too long, or sees none."""
    if len(used_qubits(wanted.encoding.unitary)) > PLAN_QUBITS:
        return None
    samples, _ = distinct_samples(wanted.x if wanted.y is None else np.concatenate([wanted.x, wanted.y]))
    few = spread_rows(samples)
    exact = exact_fidelities(exact_connection(), wanted.encoding.factors, few, None)
    return moments_of(exact[np.triu_indices(len(few), 1)])
