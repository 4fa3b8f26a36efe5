"""The fidelity kernel k(x, y) = |⟨φ(y)|φ(x)⟩|²."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BaseSamplerV2
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import BaseEstimator, clone
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.checks import numeric_array
from qiskit_qml_ext.circuits import FeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoding import Encoding, encoding_of
from qiskit_qml_ext.kernels.estimate import KernelEstimate
from qiskit_qml_ext.kernels.exact import exact_fidelities
from qiskit_qml_ext.kernels.plan import MAX_EXACT_QUBITS, MAX_EXACT_SAMPLES, advise, moments_of
from qiskit_qml_ext.kernels.repair import REPAIRS
from qiskit_qml_ext.kernels.sampled import ZeroCounts, binomial_error
from qiskit_qml_ext.kernels.samples import PairPlan, check_samples, plan_pairs
from qiskit_qml_ext.primitives import Connection, RunPlan, connect
from qiskit_qml_ext.primitives.approximation import NOTICEABLE, approximation_in_words, used_qubits
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.program import RotationProgram

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager


_wrapping = Lock()

METHODS = ("auto", "exact", "sampled")
"""How fidelities are found."""


class FidelityKernel(BaseKernel, BaseEstimator):
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
        method: ``"exact"``, ``"sampled"``, or ``"auto"``: exact if the connection is.
        sampler: A V2 sampler of your own instead of a connection.
        pass_manager: Turns circuits into the sampler's own gates.
        run_diagonal: Whether a sample against itself is measured too, instead of being set to 1.
        training_parameters: Parameters of a feature-map circuit that are not data, for qiskit-machine-learning's
            ``QuantumKernelTrainer``; the other parameters take the features.
        training_values: Their values; :meth:`assign_training_parameters` sets them.
        psd_repair: What to do with negative eigenvalues of a symmetric matrix: ``None`` leaves it as it was measured;
            ``"clip"`` sets them to zero; ``"shift"`` raises the diagonal.

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

    # These shadow read-only properties of BaseKernel, whose constructor is not called: it wants a circuit of a fixed
    # width and stores it apart, where set_params and clone would not see a change.
    feature_map: FeatureMap | QuantumCircuit | None = None

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        *,
        connection: Connection | None = None,
        method: str = "auto",
        sampler: BaseSamplerV2 | None = None,
        pass_manager: "PassManager | None" = None,
        run_diagonal: bool = False,
        psd_repair: str | None = None,
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

    @property
    def num_features(self) -> int:
        """The number of features of a plain circuit; a template takes any number, so asking it is an error."""
        if isinstance(self.feature_map, QuantumCircuit):
            return int(self.feature_map.num_parameters) - len(self.training_parameters)
        raise AttributeError("A feature map template encodes any number of features; see FeatureMap.build.")

    @property
    def enforce_psd(self) -> bool:
        """Whether a symmetric matrix is made positive semi-definite."""
        return self.psd_repair is not None

    @property
    def num_training_parameters(self) -> int:
        """The number of training parameters."""
        return len(self.training_parameters)

    @property
    def parameter_values(self) -> FloatArray:
        """The values of the training parameters, shape (number of training parameters,)."""
        return np.asarray([] if self.training_values is None else self.training_values, dtype=np.float64)

    def assign_training_parameters(self, parameter_values: Mapping[Parameter, float] | ArrayLike) -> None:
        """Set the values of the training parameters, as qiskit-machine-learning's trainer does.

        Args:
            parameter_values: Values in the order of ``training_parameters``, or a mapping that changes some of them.

        Raises:
            ValueError: If the number of values or a parameter of the mapping does not fit.
        """
        if isinstance(parameter_values, Mapping):
            unknown = [parameter for parameter in parameter_values if parameter not in self.training_parameters]
            if unknown:
                raise ValueError(f"{unknown[0]} is not among the training parameters {list(self.training_parameters)}.")
            known = dict(zip(self.training_parameters, self.parameter_values.tolist(), strict=False))
            known.update(parameter_values)
            values = [known[parameter] for parameter in self.training_parameters if parameter in known]
        else:
            values = np.asarray(numeric_array("parameter_values", parameter_values), dtype=np.float64).ravel().tolist()
        if len(values) != len(self.training_parameters):
            raise ValueError(f"{len(values)} values came for {len(self.training_parameters)} training parameters.")
        self.training_values = tuple(float(value) for value in values)

    def evaluate(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> FloatArray:
        """Compute the kernel matrix.

        Args:
            x_vec: Samples, shape (n, features); one sample may be one-dimensional.
            y_vec: Samples, shape (m, features); ``None`` means ``x_vec`` again.

        Returns:
            The matrix k(x_i, y_j), shape (n, m).

        Raises:
            ValueError: If the data are not finite, have the wrong shape, or a setting is not valid.
        """
        x, y = self._check_data(x_vec, y_vec)
        raw, _, _ = self._estimate(self._connection(), x, y)
        return self._repaired(raw, is_symmetric=y is None)

    def evaluate_with_errors(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> KernelEstimate:
        """Compute the kernel matrix with the standard error of each entry; see :meth:`evaluate`."""
        x, y = self._check_data(x_vec, y_vec)
        connection = self._connection()
        raw, errors, shots = self._estimate(connection, x, y)
        matrix = self._repaired(raw.copy(), is_symmetric=y is None)
        return KernelEstimate(
            matrix,
            np.zeros_like(raw) if errors is None else errors,
            raw,
            shots,
            connection.target_name,
            0.0 if errors is None else self._synthesis_error(connection, self._encoding(x.shape[1]), x, y),
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
        x, y = self._check_data(x_vec, y_vec)
        connection = self._connection()
        if self._is_exact(connection):
            raise ValueError("An exact kernel runs no circuits, so there is nothing to plan. Connect to a device.")
        pairs_plan = plan_pairs(x, y)
        encoding = self._encoding(x.shape[1])
        pairs = self._pairs_to_run(pairs_plan)
        test = encoding.inversion_test(connection)
        counts = ZeroCounts(connection, test, shots=shots)
        values = counts.missing(pairs_plan.samples, pairs)
        plan = connection.plan([(test.circuit, values, shots)], price_per_minute=price_per_minute)
        if test.approximated:
            error = self._synthesis_error(connection, encoding, x, y)
            plan = plan.with_advice(approximation_in_words(connection.target_name, test.approximated, error))
        if entries is not None:
            return advise(plan, *entries)
        if len(used_qubits(encoding.unitary)) > MAX_EXACT_QUBITS:
            return plan
        number = len(pairs_plan.samples)
        # spread over all rows: data are often sorted by their class
        few = pairs_plan.samples[np.linspace(0, number - 1, min(number, MAX_EXACT_SAMPLES)).astype(np.intp)]
        exact = exact_fidelities(connect(), encoding.factors, few, None)
        moments = moments_of(exact[np.triu_indices(len(few), 1)])
        return plan if moments is None else advise(plan, *moments)

    def circuit(self, num_features: int) -> QuantumCircuit:
        """Return the measured circuit U(y)†U(x) that the sampled path runs, before transpilation.

        Where the target synthesises gates, they are synthesised; a feature map on a device's own qubits stays there.
        """
        return self._encoding(num_features).inversion_test(self._connection()).circuit.copy()

    def __call__(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> FloatArray:
        """Compute the kernel matrix, as scikit-learn calls a kernel; the same as :meth:`evaluate`."""
        return self.evaluate(x_vec, y_vec)

    def __sklearn_clone__(self) -> Self:
        # Primitives and connections are shared, not copied: they may stand for paid hardware.
        settings: dict[str, Any] = self.get_params(deep=False)
        if isinstance(self.feature_map, FeatureMap):
            settings["feature_map"] = clone(self.feature_map)
        copy = type(self)(**settings)
        if isinstance(self.sampler, BaseSamplerV2):  # what one of the copies runs, the others know
            copy._wrapped = self._wrap(self.sampler)
        return copy

    def _check_data(self, x_vec: ArrayLike, y_vec: ArrayLike | None) -> tuple[FloatArray, FloatArray | None]:
        x = check_samples("x_vec", x_vec)
        if y_vec is None or y_vec is x_vec:
            return x, None
        y = check_samples("y_vec", y_vec)
        if x.shape[1] != y.shape[1]:
            raise ValueError(f"x_vec has {x.shape[1]} features but y_vec has {y.shape[1]}. They must agree.")
        return x, None if np.array_equal(x, y) else y

    def _connection(self) -> Connection:
        if self.sampler is None:
            if self.pass_manager is not None:
                raise ValueError("pass_manager goes with sampler=…; a connection transpiles by itself.")
            if self.connection is not None and not isinstance(self.connection, Connection):
                raise TypeError(
                    f"connection must come from connect(…), but {self.connection!r} ({type(self.connection).__name__}) "
                    "came."
                )
            return connect() if self.connection is None else self.connection
        if self.connection is not None:
            raise ValueError("Both a connection and a sampler came. Give one of them.")
        return self._wrap(self.sampler)[2]

    def _wrap(self, sampler: BaseSamplerV2) -> "tuple[BaseSamplerV2, PassManager | None, Connection]":
        """Return the connection around the user's sampler, the same for all threads and copies."""
        with _wrapping:
            held: tuple[BaseSamplerV2, PassManager | None, Connection] | None = getattr(self, "_wrapped", None)
            if held is None or held[0] is not sampler or held[1] is not self.pass_manager:
                wrapped = Connection.from_primitives(sampler=sampler, pass_manager=self.pass_manager)
                self._wrapped = held = (sampler, self.pass_manager, wrapped)
            return held

    def _is_exact(self, connection: Connection) -> bool:
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))}, but {self.method!r} came.")
        return self.method == "exact" or (self.method == "auto" and connection.is_exact)

    def _encoding(self, num_features: int) -> Encoding:
        feature_map = ZZFeatureMap() if self.feature_map is None else self.feature_map
        if self.training_values is not None and not len(self.training_parameters):
            raise ValueError("training_values came without training_parameters, so they belong to nothing.")
        if len(self.training_parameters):
            feature_map = self._with_training_values(feature_map)
        return encoding_of(feature_map, num_features)

    def _with_training_values(self, feature_map: FeatureMap | QuantumCircuit) -> QuantumCircuit:
        if not isinstance(feature_map, QuantumCircuit):
            raise TypeError(
                "training_parameters go with a feature map that is a circuit. Build one, or fix the weights of a "
                "template with FixedWeightsFeatureMap."
            )
        trained = list(self.training_parameters)
        foreign = [parameter for parameter in trained if parameter not in feature_map.parameters]
        if foreign:
            raise ValueError(
                f"The training parameter {foreign[0]} is not a parameter of the feature map, which has "
                f"{', '.join(parameter.name for parameter in feature_map.parameters)}. Parameters are the same only if "
                "they are the same object, not if they have the same name: take them from the circuit's parameters."
            )
        if len(set(trained)) == feature_map.num_parameters:
            raise ValueError(
                f"All {len(trained)} parameters of the feature map are training parameters, so that none is left for "
                "the data. Leave those that take the features out of training_parameters."
            )
        if self.training_values is None or len(self.training_values) != len(trained):
            came = "no values yet" if self.training_values is None else f"{len(self.training_values)} values"
            raise ValueError(
                f"The {len(trained)} training parameters have {came}. Give a value for each in training_values, or "
                "call assign_training_parameters first."
            )
        return feature_map.assign_parameters(dict(zip(trained, self.training_values, strict=True)))

    def _estimate(
        self, connection: Connection, x: FloatArray, y: FloatArray | None
    ) -> tuple[FloatArray, FloatArray | None, int | None]:
        """Return the raw matrix, its standard errors (``None`` if exact) and the shots behind each entry."""
        encoding = self._encoding(x.shape[1])
        if not self._is_exact(connection):
            return self._sampled(connection, encoding, x, y)
        for factor in encoding.factors:
            self._check_domain(factor.program, factor.columns, x, y)
        return exact_fidelities(connection, encoding.factors, x, y), None, None

    @staticmethod
    def _check_domain(
        program: RotationProgram, columns: IndexArray | None, x: FloatArray, y: FloatArray | None
    ) -> None:
        for name, samples in (("x_vec", x), ("y_vec", y)):
            if samples is not None:
                check_domain(name, samples, program, columns)

    def _repaired(self, raw: FloatArray, *, is_symmetric: bool) -> FloatArray:
        if self.psd_repair is None:
            return raw
        if self.psd_repair not in REPAIRS:
            raise ValueError(f"psd_repair must be None, {', '.join(map(repr, REPAIRS))}, but {self.psd_repair!r} came.")
        return REPAIRS[self.psd_repair](raw) if is_symmetric else raw

    def _sampled(
        self, connection: Connection, encoding: Encoding, x: FloatArray, y: FloatArray | None
    ) -> tuple[FloatArray, FloatArray, int | None]:
        plan = plan_pairs(x, y)
        test = encoding.inversion_test(connection)
        if test.program is not None:
            self._check_domain(test.program, test.columns, x, y)
        if test.approximated and connection.results.first(("said", test.key)):
            error = self._synthesis_error(connection, encoding, x, y)
            if error is None or error > NOTICEABLE:
                said = approximation_in_words(connection.target_name, test.approximated, error)
                warn(said, ApproximateCircuitWarning, stacklevel=4)
        counts = ZeroCounts(connection, test)
        pairs = self._pairs_to_run(plan)
        zeros, shots = counts.of(plan.samples, pairs)
        values, errors = zeros / np.maximum(shots, 1), binomial_error(zeros, np.maximum(shots, 1))
        split = len(plan.pairs)
        same = (values[split:], errors[split:]) if self.run_diagonal else (np.ones(len(plan.same)), 0.0)
        return (
            plan.fill(values[:split], np.asarray(same[0])),
            plan.fill(errors[:split], np.asarray(same[1])),
            int(shots.min()) if shots.size else connection.shots,
        )

    @staticmethod
    def _synthesis_error(
        connection: Connection, encoding: Encoding, x: FloatArray, y: FloatArray | None
    ) -> float | None:
        """Return by how much the states that run differ from the feature map's; see :meth:`InversionTest.error`."""
        samples = x if y is None else np.concatenate([x, y])
        return encoding.inversion_test(connection).error(samples)

    def _pairs_to_run(self, plan: PairPlan) -> np.ndarray:
        if not self.run_diagonal:
            return plan.pairs
        return np.concatenate([plan.pairs, np.stack([plan.same, plan.same], axis=1)])
