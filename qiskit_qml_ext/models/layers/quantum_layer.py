"""The layer behind all frameworks: expectation values of a circuit and their gradients, as NumPy arrays."""

import copy
import math
import numbers
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IntArray
from qiskit_qml_ext.checks import ParameterNames, check_arguments, numeric_array, wrong_kind
from qiskit_qml_ext.circuits import InitialDistribution, UniformDistribution
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.observables import as_list
from qiskit_qml_ext.gradients import GradientMethod
from qiskit_qml_ext.models.layers.evaluation import Columns, evaluation_on
from qiskit_qml_ext.models.layers.layer_circuit import LayerCircuit, circuit_of_layer
from qiskit_qml_ext.primitives import Connection

Gradients: TypeAlias = tuple[FloatArray | None, FloatArray | None]
"""Gradients by inputs and by weights, ``None`` for those that were not asked for."""

Pullback: TypeAlias = Callable[[ArrayLike], Gradients]
"""From cotangents of a layer's outputs to its gradients by inputs and weights."""


class QuantumLayer:
    """Expectation values of a circuit as a function of inputs and weights, with gradients by both.

    f_m(x, w) = ⟨ψ(x, w)|O_m|ψ(x, w)⟩ for the M observables, for a whole batch at once. ``TorchLayer``, ``JaxLayer`` and
    ``KerasLayer`` take the same arguments and give the same numbers. By default values and gradients are exact, in
    double precision (or in single precision, ``connection=connect("exact", dtype="complex64")``), on this machine's
    processors. On another connection they are estimates with new noise at each call: all samples of a call are one job,
    and gradients are estimated by those of inputs and weights only that are asked for.

    Args:
        circuit: A circuit; a feature map with trainable weights (such as ``ReuploadingModel``); or a pair
            ``(feature_map, ansatz)`` of templates or circuits, whose parameters become ``x`` and ``θ``. The rule stands
            in :mod:`qiskit_qml_ext.models.trained_circuit`.
        observables: One observable or a list of M, each Hermitian: ``SparsePauliOp``, ``Pauli``, ``Projector``, or the
            diagonal as a 1-D array of 2**n numbers. Where results are estimated, what is no Pauli sum is measured as
            one.
        num_features: The number of inputs for which a feature map is built.
        input_parameters: For a circuit: the parameters that take the inputs, in the order of the columns, or the name
            of their vector, such as ``"inputs"``. By default the vector ``x``, or what ``weight_parameters`` leaves.
        weight_parameters: For a circuit: the parameters that are trained, in the order of the weights, or the name of
            their vector. By default what the inputs leave, in the order of ``circuit.parameters``.
        initialization: The distribution of the initial weights, or the weights themselves, shape (W,); by default they
            are uniform in [0, 2π).
        random_state: A seed or a generator for the initial weights; ``None`` draws others each time.
        gradient: ``"auto"``, the name of a gradient method or such an object, as for
            :func:`~qiskit_qml_ext.gradients.jacobian`.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; ``None`` is exact. If it has a
            seed, the noise of a layer's k-th call (of values or of gradients) follows from that seed, from the circuit,
            from k and from ``random_state`` where that is a number: give each of several layers with the same circuit a
            number of its own. A deep copy counts on with the layer, a pickled one from the beginning. Without a seed
            nothing repeats the noise.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: The parameters are not split into data and weights, an observable is not Hermitian or acts on
            another number of qubits, or the connection cannot do what is asked of it.
        UnsupportedObservableError: The connection estimates, and an observable would be a sum of more than 1,024 Pauli
            strings.

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
        gradient: str | GradientMethod = "auto",
        connection: Connection | None = None,
    ):
        self._trained = circuit_of_layer(circuit, num_features, input_parameters, weight_parameters)
        self._observables = tuple(copy.deepcopy(as_list(observables)))
        self._gradient = copy.deepcopy(gradient)
        self._connection = connection
        self._initialization = UniformDistribution() if initialization is None else initialization
        self._random_state = random_state
        self._prepare()

    def _prepare(self) -> None:
        trained = self._trained
        self._num_parameters = trained.circuit.num_parameters
        self._num_inputs, self._num_weights = len(trained.data), len(trained.weights)
        self._input_columns, self._weight_columns = _columns(trained.data), _columns(trained.weights)
        self._wanted = {
            (True, True): _columns(np.concatenate([trained.data, trained.weights])),
            (True, False): _columns(trained.data),
            (False, True): _columns(trained.weights),
        }
        seed = self._random_state if isinstance(self._random_state, numbers.Integral) else 0
        self._evaluation = evaluation_on(
            self._connection, trained.circuit, self._observables, self._gradient, seed=int(seed)
        )

    @property
    def circuit(self) -> QuantumCircuit:
        """The circuit, a copy."""
        return self._trained.circuit.copy()

    @property
    def observables(self) -> tuple[Observable, ...]:
        """The observables."""
        return self._observables

    @property
    def input_parameters(self) -> tuple[Parameter, ...]:
        """The circuit's parameters that take the inputs, in the order of the columns."""
        return self._trained.data_parameters

    @property
    def weight_parameters(self) -> tuple[Parameter, ...]:
        """The circuit's parameters that are trained, in the order of the weights."""
        return self._trained.weight_parameters

    @property
    def connection(self) -> Connection | None:
        """The connection; ``None`` where none was given."""
        return self._connection

    @property
    def gradient(self) -> str | GradientMethod:
        """The gradient method, or its name."""
        return self._gradient

    @property
    def is_repeatable(self) -> bool:
        """Whether the same inputs and weights have the same values and gradients at each call."""
        return self._evaluation.is_repeatable

    @property
    def num_inputs(self) -> int:
        """The number F of inputs of a sample."""
        return self._num_inputs

    @property
    def num_weights(self) -> int:
        """The number W of weights."""
        return self._num_weights

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
        return self._trained.draw(self._initialization, np.random.default_rng(self._random_state))

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
        by_inputs, by_weights = self.gradients(inputs, weights, cotangents)
        assert by_inputs is not None
        assert by_weights is not None
        return by_inputs, by_weights

    def gradients(
        self,
        inputs: ArrayLike,
        weights: ArrayLike,
        cotangents: ArrayLike,
        *,
        by_inputs: bool = True,
        by_weights: bool = True,
    ) -> Gradients:
        """Return what :meth:`vjp` does, or only one of the two, which takes fewer circuits where they are estimated.

        Args:
            inputs: Shape (…, F).
            weights: Shape (W,) or (…, W).
            cotangents: Shape (…, M).
            by_inputs: Whether the gradient by the inputs is wanted.
            by_weights: Whether the gradient by the weights is wanted.

        Returns:
            Two arrays as from :meth:`vjp`, ``None`` in the place of what is not wanted.
        """
        x, w = _numbers("inputs", inputs), _numbers("weights", weights)
        rows, batch = self._rows(x, w)
        dual, wanted = self._cotangents(cotangents, batch), (by_inputs, by_weights)
        if not any(wanted):
            return None, None
        return self._split(self._evaluation.vjp(rows, dual, self._wanted[wanted]), wanted, batch, x.shape, w.shape)

    def linearized(
        self, inputs: ArrayLike, weights: ArrayLike, *, by_inputs: bool = True, by_weights: bool = True
    ) -> tuple[FloatArray, Pullback]:
        """Return the expectation values, and the function from cotangents to gradients at the same point.

        One after the other they cost no more than :meth:`__call__` and :meth:`gradients`, and less for a single
        observable on an exact connection, whose derivatives are found with its values.

        Args:
            inputs: Shape (…, F).
            weights: Shape (W,) or (…, W).
            by_inputs: Whether gradients by the inputs are wanted.
            by_weights: Whether gradients by the weights are wanted.

        Returns:
            Expectation values, shape (…, M), and a function that takes cotangents of this shape and returns what
            :meth:`gradients` does.
        """
        x, w = _numbers("inputs", inputs), _numbers("weights", weights)
        rows, batch = self._rows(x, w)
        wanted = by_inputs, by_weights
        if not any(wanted):
            return self._evaluation.values(rows).reshape(*batch, self.num_outputs), lambda _: (None, None)
        values, pullback = self._evaluation.linearized(rows, self._wanted[wanted])

        def gradients(cotangents: ArrayLike) -> Gradients:
            return self._split(pullback(self._cotangents(cotangents, batch)), wanted, batch, x.shape, w.shape)

        return values.reshape(*batch, self.num_outputs), gradients

    def _split(
        self,
        gradients: FloatArray,
        wanted: tuple[bool, bool],
        batch: tuple[int, ...],
        inputs: tuple[int, ...],
        weights: tuple[int, ...],
    ) -> Gradients:
        """Hand gradients by the wanted columns, shape (B, C), out: first those by inputs, in the shapes that came."""
        first = self._num_inputs if wanted[0] else 0
        rows = gradients.reshape(*batch, gradients.shape[-1])
        return (
            _summed_to(rows[..., :first], inputs) if wanted[0] else None,
            _summed_to(rows[..., first:], weights) if wanted[1] else None,
        )

    def _cotangents(self, cotangents: ArrayLike, batch: tuple[int, ...]) -> FloatArray:
        dual, shape = _numbers("cotangents", cotangents), (*batch, self.num_outputs)
        if dual.shape != shape:
            raise ValueError(f"cotangents must have the shape of the outputs, {shape}, but {dual.shape} came.")
        return dual.reshape(-1, self.num_outputs).astype(np.float64, copy=False)

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
        kept = ("_trained", "_observables", "_gradient", "_connection", "_initialization", "_random_state")
        return {name: self.__dict__[name] for name in kept}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._prepare()

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self  # it never changes, but for the number of its calls

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_qubits={self._trained.circuit.num_qubits}, num_inputs={self.num_inputs}, "
            f"num_weights={self.num_weights}, num_outputs={self.num_outputs})"
        )


def _columns(places: IntArray) -> Columns:
    """Places in a row: as a slice where they follow each other, which is faster."""
    first = int(places[0]) if len(places) else 0
    beside = np.array_equal(places, np.arange(first, first + len(places)))
    return slice(first, first + len(places)) if beside else places


def _numbers(name: str, value: ArrayLike) -> AnyArray:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or isinstance(value, np.ma.MaskedArray):
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
