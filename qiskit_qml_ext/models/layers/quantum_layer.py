"""The layer behind all frameworks: expectation values of a circuit and their gradients, as NumPy arrays."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IndexArray
from qiskit_qml_ext.checks import check_arguments, numeric_array, wrong_kind
from qiskit_qml_ext.circuits import InitialDistribution, UniformDistribution
from qiskit_qml_ext.engine import Observable, expectations
from qiskit_qml_ext.engine.observables import as_list
from qiskit_qml_ext.models.layers.evaluation import evaluation_on
from qiskit_qml_ext.models.layers.split_circuit import LayerCircuit, ParameterNames, split_circuit
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import lower

Pullback: TypeAlias = Callable[[ArrayLike], tuple[FloatArray, FloatArray]]
"""From cotangents of a layer's outputs to its gradients by inputs and weights."""

_WITHIN_DOMAINS = 0.5  # where arccos, log and the like are defined; no weight depends on it


class QuantumLayer:
    """Expectation values of a circuit as a function of inputs and weights, with exact gradients by both.

    f_m(x, w) = ⟨ψ(x, w)|O_m|ψ(x, w)⟩ for the M observables, for a whole batch at once. ``TorchLayer``, ``JaxLayer`` and
    ``KerasLayer`` take the same arguments and give the same numbers. Everything is computed in double precision (or
    in single precision, ``connection=connect("exact", dtype="complex64")``), on this machine's processors.

    Args:
        circuit: A circuit; a feature map with trainable weights (such as ``ReuploadingModel``); or a pair
            ``(feature_map, ansatz)`` of templates or circuits.
        observables: One observable or a list of M, each Hermitian: ``SparsePauliOp``, ``Pauli``, ``Projector``, or the
            diagonal as a 1-D array of 2**n numbers.
        num_features: The number of inputs for which a feature map is built.
        input_parameters: For a circuit: the parameters that take the inputs, in the order of the columns. By default
            the vector ``x``, or what ``weight_parameters`` leaves.
        weight_parameters: For a circuit: the parameters that are trained, in the order of the weights. By default what
            the inputs leave, in the order of ``circuit.parameters``.
        initialization: The distribution of the initial weights, or the weights themselves, shape (W,); by default they
            are uniform in [0, 2π).
        random_state: A seed or a generator for the initial weights; ``None`` draws others each time.
        connection: What :func:`~qiskit_qml_ext.primitives.connect` returns for ``"exact"``; it says the precision and
            the memory.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: The parameters are not split into inputs and weights, or an observable is not Hermitian or acts on
            another number of qubits.

    Examples:
        >>> from qiskit.quantum_info import Pauli
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz
        >>> from qiskit_qml_ext.models import QuantumLayer
        >>> layer = QuantumLayer((AngleFeatureMap(), RealAmplitudesAnsatz(reps=1)), [Pauli("IZ"), Pauli("ZI")],
        ...                      num_features=2, random_state=0)
        >>> weights = layer.initial_weights()
        >>> layer([[0.1, 0.2], [0.3, 0.4]], weights).shape
        (2, 2)
        >>> by_inputs, by_weights = layer.vjp([[0.1, 0.2]], weights, [[1.0, 0.0]])
        >>> by_inputs.shape, by_weights.shape
        ((1, 2), (4,))
    """

    @check_arguments()
    def __init__(
        self,
        circuit: LayerCircuit,
        observables: Observable | Sequence[Observable],
        *,
        num_features: int | None = None,
        input_parameters: ParameterNames | None = None,
        weight_parameters: ParameterNames | None = None,
        initialization: InitialDistribution | ArrayLike | None = None,
        random_state: np.random.Generator | int | None = None,
        connection: Connection | None = None,
    ):
        split = split_circuit(
            circuit,
            num_features=num_features,
            input_parameters=input_parameters,
            weight_parameters=weight_parameters,
        )
        self._split = split
        self._observables = tuple(copy.deepcopy(as_list(observables)))
        self._connection = connection
        self._initialization = UniformDistribution() if initialization is None else initialization
        self._random_state = random_state
        self._prepare()

    def _prepare(self) -> None:
        program = lower(self._split.circuit)
        places = {parameter: place for place, parameter in enumerate(program.parameters)}
        self._num_parameters = len(places)
        self._input_columns = _columns([places[parameter] for parameter in self._split.inputs])
        self._weight_columns = _columns([places[parameter] for parameter in self._split.weights])
        self._evaluation = evaluation_on(self._connection, program, self._observables)
        if not self._observables:
            raise ValueError("observables must hold at least one observable, but it is empty.")
        # No sample: what can be said of the observables without one is said now.
        found = expectations(program, np.empty((0, self._num_parameters)), self._observables)
        if np.iscomplexobj(found):
            raise ValueError(
                "The observables must be Hermitian, but one has complex coefficients. Measure its Hermitian and "
                "anti-Hermitian parts, each as an observable of its own."
            )

    @property
    def circuit(self) -> QuantumCircuit:
        """The circuit, a copy."""
        return self._split.circuit.copy()

    @property
    def observables(self) -> tuple[Observable, ...]:
        """The observables."""
        return self._observables

    @property
    def input_parameters(self) -> tuple[Parameter, ...]:
        """The circuit's parameters that take the inputs, in the order of the columns."""
        return self._split.inputs

    @property
    def weight_parameters(self) -> tuple[Parameter, ...]:
        """The circuit's parameters that are trained, in the order of the weights."""
        return self._split.weights

    @property
    def connection(self) -> Connection | None:
        """The connection; ``None`` where none was given."""
        return self._connection

    @property
    def num_inputs(self) -> int:
        """The number F of inputs of a sample."""
        return len(self._split.inputs)

    @property
    def num_weights(self) -> int:
        """The number W of weights."""
        return len(self._split.weights)

    @property
    def num_outputs(self) -> int:
        """The number M of observables."""
        return len(self._observables)

    def initial_weights(self) -> FloatArray:
        """Draw the weights from which training begins, shape (W,), float64.

        Raises:
            ValueError: ``initialization`` holds another number of weights, or the distribution does not fit.
        """
        if not isinstance(self._initialization, InitialDistribution):
            return self._given_weights(self._initialization)
        trained = self._split.circuit.assign_parameters(dict.fromkeys(self._split.inputs, _WITHIN_DOMAINS))
        drawn = self._initialization.sample(trained, 1, self._random_state)[0].tolist()
        by_parameter = dict(zip(trained.parameters, drawn, strict=True))
        return np.array([by_parameter[parameter] for parameter in self._split.weights], dtype=np.float64)

    def _given_weights(self, given: ArrayLike) -> FloatArray:
        weights = np.array(_numbers("initialization", given), dtype=np.float64)
        if weights.shape != (self.num_weights,):
            raise ValueError(
                f"initialization must be a distribution or {self.num_weights} weights, one for each weight parameter, "
                f"but an array of shape {weights.shape} came."
            )
        if not np.isfinite(weights).all():
            raise ValueError(f"initialization must hold finite numbers, but {weights} came.")
        return weights

    def __call__(self, inputs: ArrayLike, weights: ArrayLike) -> FloatArray:
        """Return the expectation values.

        Args:
            inputs: Shape (…, F), any number of leading axes.
            weights: Shape (W,), or (…, W) with as many axes as ``inputs``: the leading axes are broadcast.

        Returns:
            Expectation values, shape (…, M), float64.

        Raises:
            TypeError: Something else than real numbers came.
            ValueError: The shapes do not fit, or a number is not finite.
        """
        rows, batch = self._rows(_numbers("inputs", inputs), _numbers("weights", weights))
        return self._evaluation.values(rows).reshape(*batch, self.num_outputs)

    def vjp(self, inputs: ArrayLike, weights: ArrayLike, cotangents: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the gradients of Σ cotangents · f(inputs, weights) by the inputs and by the weights.

        Args:
            inputs: Shape (…, F).
            weights: Shape (W,) or (…, W).
            cotangents: Derivatives of a loss by the outputs, in the shape of what the layer returns, (…, M).

        Returns:
            Two float64 arrays in the shapes of ``inputs`` and ``weights``; axes that were broadcast are summed.

        Raises:
            TypeError: Something else than real numbers came.
            ValueError: The shapes do not fit, or a number is not finite.
        """
        x, w = _numbers("inputs", inputs), _numbers("weights", weights)
        rows, batch = self._rows(x, w)
        dual = _numbers("cotangents", cotangents)
        if dual.shape != (*batch, self.num_outputs):
            raise ValueError(
                f"cotangents must have the shape of the outputs, {(*batch, self.num_outputs)}, but {dual.shape} came."
            )
        found = self._evaluation.vjp(rows, dual.reshape(-1, self.num_outputs).astype(np.float64, copy=False))
        return self._split_gradients(found.reshape(*batch, self._num_parameters), x.shape, w.shape)

    def linearized(self, inputs: ArrayLike, weights: ArrayLike) -> tuple[FloatArray, Pullback]:
        """Return the expectation values, and the function from cotangents to gradients at the same point.

        One after the other they cost no more than :meth:`__call__` and :meth:`vjp`, and less for a single observable,
        whose derivatives are found with its values.

        Args:
            inputs: Shape (…, F).
            weights: Shape (W,) or (…, W).

        Returns:
            Expectation values, shape (…, M), and a function that takes cotangents of this shape and returns what
            :meth:`vjp` does.
        """
        if self.num_outputs > 1:
            return self(inputs, weights), lambda cotangents: self.vjp(inputs, weights, cotangents)
        x, w = _numbers("inputs", inputs), _numbers("weights", weights)
        rows, batch = self._rows(x, w)
        values, jacobian = self._evaluation.jacobian(rows)
        slopes = jacobian.reshape(*batch, self._num_parameters)
        return values.reshape(*batch, 1), lambda cotangents: self._split_gradients(
            slopes * cotangents, x.shape, w.shape
        )

    def _split_gradients(
        self, gradients: FloatArray, inputs: tuple[int, ...], weights: tuple[int, ...]
    ) -> tuple[FloatArray, FloatArray]:
        return (
            _summed_to(gradients[..., self._input_columns], inputs),
            _summed_to(gradients[..., self._weight_columns], weights),
        )

    def check_shapes(self, inputs: tuple[int, ...], weights: tuple[int, ...]) -> tuple[int, ...]:
        """Return the leading axes of the outputs for inputs and weights of these shapes.

        Raises:
            ValueError: They do not fit the layer or each other.
        """
        if not inputs or inputs[-1] != self.num_inputs:
            raise ValueError(
                f"inputs must have the shape (…, {self.num_inputs}), one column for each input parameter, but {inputs} "
                "came. Reduce the data (for example by PCA) or build the layer for another number of features."
            )
        if not weights or weights[-1] != self.num_weights or len(weights) not in (1, len(inputs)):
            raise ValueError(
                f"weights must have the shape ({self.num_weights},), one for each weight parameter, or as many axes as "
                f"inputs with {self.num_weights} weights for each sample, but {weights} came."
            )
        if len(weights) == 1:
            return inputs[:-1]
        try:
            return np.broadcast_shapes(inputs[:-1], weights[:-1])
        except ValueError as error:
            raise ValueError(
                f"inputs of shape {inputs} and weights of shape {weights} have leading axes that do not fit together."
            ) from error

    def _rows(self, inputs: AnyArray, weights: AnyArray) -> tuple[FloatArray, tuple[int, ...]]:
        """One row of parameter values for each sample, and the leading axes that they came in."""
        batch = self.check_shapes(inputs.shape, weights.shape)
        rows = np.empty((*batch, self._num_parameters))
        rows[..., self._input_columns] = inputs
        rows[..., self._weight_columns] = weights
        return rows.reshape(math.prod(batch), self._num_parameters), batch

    def __getstate__(self) -> dict[str, object]:
        kept = ("_split", "_observables", "_connection", "_initialization", "_random_state")
        return {name: self.__dict__[name] for name in kept}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._prepare()

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self  # it never changes

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_qubits={self._split.circuit.num_qubits}, num_inputs={self.num_inputs}, "
            f"num_weights={self.num_weights}, num_outputs={self.num_outputs})"
        )


def _columns(places: list[int]) -> IndexArray | slice:
    """Places in a row: as a slice where they follow each other, which is faster."""
    if places and places == list(range(places[0], places[0] + len(places))):
        return slice(places[0], places[0] + len(places))
    return np.array(places, dtype=np.intp)


def _numbers(name: str, value: ArrayLike) -> AnyArray:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        numeric_array(name, value)
        if array.dtype.kind == "b":
            raise wrong_kind(name, "an array of real numbers", value)
        array = array.astype(np.float64)
    return array


def _summed_to(gradients: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Sum over the leading axes that were broadcast from ``shape``."""
    if gradients.shape == shape:
        return np.ascontiguousarray(gradients)
    extra = gradients.ndim - len(shape)
    stretched = (extra + axis for axis, size in enumerate(shape) if size == 1 != gradients.shape[extra + axis])
    return gradients.sum(axis=(*range(extra), *stretched)).reshape(shape)
