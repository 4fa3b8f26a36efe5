"""A fixed random circuit as a source of features."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.checks import RULES, numeric_array, wrong_kind, wrong_value
from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    Ansatz,
    BrickwallAnsatz,
    FeatureMap,
    data_and_weights,
)
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients.problem import pose
from qiskit_qml_ext.gradients.readings import read
from qiskit_qml_ext.models.undoing import undone_if_it_fails
from qiskit_qml_ext.primitives import Connection, connect

_AXES = {"z_zz": ("Z", "ZZ"), "xyz": ("X", "Y", "Z")}


class ReservoirTransformer(TransformerMixin, BaseEstimator):
    r"""Expectation values of a fixed random circuit, as features for any model of scikit-learn.

    A feature map encodes a sample, a reservoir whose angles are drawn once in ``fit`` and never trained mixes it, and
    some observables are read: feature k is ⟨φ(x)| V† O_k V |φ(x)⟩. With a linear model behind it this is a quantum
    extreme-learning machine. Every feature is linear in the density matrix of φ(x), so that a linear model over them
    reaches what the feature map gives and no more, whatever the reservoir: no more functions than there are linearly
    independent entries of that matrix, or observables. Deep random reservoirs on many qubits concentrate: features
    become constants, up to differences that no number of shots resolves.

    Args:
        feature_map: What encodes a sample: a template, or a circuit whose data are a ``ParameterVector("x")`` (without
            one, all its parameters are data). Weights of its own are drawn like the angles of the reservoir. ``None``
            takes ``AngleFeatureMap()``.
        reservoir: What follows it: an ansatz, or a circuit; it may have no parameters. ``None`` takes
            ``BrickwallAnsatz(reps=3)``: three brickwork layers of general two-qubit gates.
        observables: ``"z_zz"``: Z of each qubit, then ZZ of each pair, n (n + 1) / 2 features that one measurement
            basis gives. ``"xyz"``: X, Y and Z of each qubit, 3 n features in three bases. Or a list of observables.
        connection: Where circuits run: exact by default; with shots, on Aer or on a device each call of ``transform``
            is one PUB of all samples, and has noise of its own: the same sample comes out differently each time, those
            of the training too. (A connection with a seed repeats its noise in each call.)
        random_state: The seed of the angles, drawn uniformly from [-π, π) each.

    Attributes:
        circuit_: The circuit with all drawn angles in it; its parameters are the data.
        observables_: The observables that are read.
        n_features_in_: The number of features of a sample.

    References:
        Xiong et al., arXiv:2312.15124 (what such machines can express, and when they concentrate).

    Examples:
        >>> import numpy as np
        >>> from sklearn.linear_model import RidgeCV
        >>> from sklearn.pipeline import make_pipeline
        >>> from qiskit_qml_ext.circuits import IQPFeatureMap
        >>> from qiskit_qml_ext.models import ReservoirTransformer
        >>> X = np.random.default_rng(0).uniform(-1, 1, (80, 3))
        >>> y = np.sin(X[:, 0]) * X[:, 1]
        >>> reservoir = ReservoirTransformer(IQPFeatureMap(), observables="xyz", random_state=0)
        >>> model = make_pipeline(reservoir, RidgeCV(np.logspace(-6, 1, 8))).fit(X[:60], y[:60])
        >>> reservoir.get_feature_names_out()[:3].tolist()
        ['X0', 'X1', 'X2']
    """

    def __init__(
        self,
        feature_map: FeatureMap | QuantumCircuit | None = None,
        reservoir: Ansatz | QuantumCircuit | None = None,
        *,
        observables: str | Sequence[Observable] = "z_zz",
        connection: Connection | None = None,
        random_state: Any = None,
    ):
        self.feature_map = feature_map
        self.reservoir = reservoir
        self.observables = observables
        self.connection = connection
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Draw the circuit for samples of this width; of the samples nothing else is used.

        Args:
            X: Samples, shape (n, features).
            y: Not used; here so that pipelines can pass it.

        Raises:
            TypeError: A setting is of the wrong kind.
            ValueError: Numbers of features or qubits differ.
            UnsupportedObservableError: The connection cannot read an observable.
        """
        with undone_if_it_fails(self):
            samples = validate_data(self, X, dtype=np.float64)
            numeric_array("X", X)  # scikit-learn drops masks, and makes numbers of dates and text
            RULES["connection"]("connection", self.connection)
            rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
            circuit = self._drawn(samples.shape[1], rng)
            named = observables_to_read(self.observables, circuit.num_qubits)
            where = connect() if self.connection is None else self.connection
            problem = pose(circuit, list(named.values()), samples[:0], connection=where)
            read(circuit, problem.values, problem.observables, where)  # of no samples: refuses what cannot be read
            if not where.is_exact:
                where.isa_circuit(circuit)
            self.circuit_, self._connection, self._names = circuit, where, list(named)
            self.observables_ = list(named.values())
        return self

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the expectation values, shape (n, number of observables).

        Args:
            X: Samples, shape (n, features).
        """
        check_is_fitted(self)
        samples: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        numeric_array("X", X)
        problem = pose(self.circuit_, self.observables_, samples, connection=self._connection)
        return read(problem.circuit, problem.values, problem.observables, problem.connection).values

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> AnyArray:
        """Return a name for each feature: Paulis and their qubits (``"Z0Z2"``), or ``"observable0"`` and so on.

        Args:
            input_features: The names of the features that ``fit`` saw, or ``None``; no name depends on them.
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features)
        return np.array(self._names, dtype=object)

    def _drawn(self, num_features: int, rng: np.random.Generator) -> QuantumCircuit:
        encoding = _built(
            "feature_map", AngleFeatureMap() if self.feature_map is None else self.feature_map, num_features
        )
        data, own = data_and_weights(encoding)
        if len(data) != num_features:
            raise ValueError(
                f"X has {num_features} features but the feature map encodes {len(data)}. Give samples of that width, "
                'or a circuit whose data are every element of ParameterVector("x", number of features).'
            )
        reservoir = _built(
            "reservoir", BrickwallAnsatz(reps=3) if self.reservoir is None else self.reservoir, encoding.num_qubits
        )
        if reservoir.num_qubits != encoding.num_qubits:
            raise ValueError(
                f"The reservoir has {reservoir.num_qubits} qubits but the feature map has {encoding.num_qubits}. Give "
                "one of that width."
            )
        circuit = encoding.assign_parameters(dict(zip(own, _angles(len(own), rng), strict=True)))
        circuit.compose(reservoir.assign_parameters(_angles(reservoir.num_parameters, rng)), inplace=True)
        return circuit


def observables_to_read(observables: str | Sequence[Observable], num_qubits: int) -> dict[str, Observable]:
    """Return observables by name.

    Args:
        observables: ``"z_zz"``, ``"xyz"``, or a list of observables.
        num_qubits: The width of the circuit.

    Raises:
        TypeError: It is neither a word nor a list.
        ValueError: The word is unknown, or the list is empty.
    """
    if isinstance(observables, str):
        if observables not in _AXES:
            words = ", ".join(map(repr, _AXES))
            raise wrong_value("observables", f"one of {words}, or a list of observables", observables)
        return {
            "".join(f"{axis}{qubit}" for axis, qubit in zip(axes, qubits, strict=True)): SparsePauliOp.from_sparse_list(
                [(axes, list(qubits), 1.0)], num_qubits
            )
            for axes in _AXES[observables]
            for qubits in combinations(range(num_qubits), len(axes))
        }
    if not isinstance(observables, (list, tuple)):
        raise wrong_kind("observables", "a word or a list of observables", observables)
    if not observables:
        raise ValueError("observables must hold at least one observable, but it is empty.")
    return {f"observable{place}": one for place, one in enumerate(observables)}


def _angles(number: int, rng: np.random.Generator) -> FloatArray:
    return rng.uniform(-np.pi, np.pi, number)


def _built(name: str, circuit: object, width: int) -> QuantumCircuit:
    if isinstance(circuit, QuantumCircuit):
        return circuit
    if isinstance(circuit, type) or not callable(getattr(circuit, "build", None)):
        raise wrong_kind(name, "a template, a QuantumCircuit or None", circuit)
    built: QuantumCircuit = circuit.build(width)  # type: ignore[attr-defined]
    return built
