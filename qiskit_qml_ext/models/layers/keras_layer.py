"""A quantum layer as a layer of Keras 3."""

import random
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike
from typing_extensions import Self

from qiskit_qml_ext.checks import ParameterNames
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients import GradientMethod
from qiskit_qml_ext.models.layers.layer_circuit import LayerCircuit
from qiskit_qml_ext.models.layers.layer_document import layer_arguments, layer_document
from qiskit_qml_ext.models.layers.quantum_layer import QuantumLayer
from qiskit_qml_ext.primitives import Connection

_FUNCTIONS = {"jax": "jax_function", "tensorflow": "tensorflow_function", "torch": "torch_function"}


class KerasLayer(keras.layers.Layer):
    """A quantum layer as a layer of Keras 3, on TensorFlow, JAX or PyTorch; the arguments are those of QuantumLayer.

    Inputs of shape (batch, …, F) give outputs of shape (batch, …, M), in the layer's ``compute_dtype``, which must be
    float32 or float64; in between everything is computed in double precision on this machine's processors. The layer is
    saved and loaded with its model: its configuration holds the circuit as QPY, and the weights that were drawn at
    first instead of the distribution. Import it before ``keras.saving.load_model``. A layer on a connection that
    estimates, or with a gradient method as an object, refuses to give its configuration: save the weights alone, with
    ``save_weights``. On TensorFlow the layer is not compiled by XLA. Second derivatives are refused.

    Args:
        circuit: See :class:`QuantumLayer`.
        observables: See :class:`QuantumLayer`.
        num_features: See :class:`QuantumLayer`.
        input_parameters: See :class:`QuantumLayer`.
        weight_parameters: See :class:`QuantumLayer`.
        initialization: See :class:`QuantumLayer`.
        random_state: A seed or a generator for the initial weights; ``None`` takes one from where Keras's
            initializers take theirs, so that ``keras.utils.set_random_seed`` governs them.
        gradient: See :class:`QuantumLayer`.
        connection: See :class:`QuantumLayer`.
        **options: ``name``, ``dtype`` and ``trainable``, as every layer of Keras has them.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: The layer's precision is too low; see also :class:`QuantumLayer`.
    """

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
        **options: Any,
    ):
        super().__init__(**options)
        if self.compute_dtype not in ("float32", "float64"):
            raise ValueError(
                f"The layer would compute in {self.compute_dtype}, in which angles mean little. Give it "
                'dtype="float32" or "float64".'
            )
        backend = keras.backend.backend()
        drawn = initialization is None or isinstance(initialization, InitialDistribution)
        if drawn and random_state is None:
            random_state = random.randrange(2**31 - 1)  # where Keras's own initializers take their seeds
        self.layer = QuantumLayer(
            circuit,
            observables,
            num_features=num_features,
            input_parameters=input_parameters,
            weight_parameters=weight_parameters,
            initialization=initialization,
            random_state=random_state,
            gradient=gradient,
            connection=connection,
        )
        self.initial_weights = self.layer.initial_weights()
        self._apply = _function_of(backend)
        self.supports_jit = backend == "jax"

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the trainable weights, for inputs of a shape.

        Raises:
            ValueError: The inputs have another width.
        """
        self._check_width(input_shape)
        self.angles = self.add_weight(
            name="angles",
            shape=(self.layer.num_weights,),
            initializer=lambda shape, dtype: keras.ops.convert_to_tensor(self.initial_weights, dtype),
        )

    def call(self, inputs: Any) -> Any:
        """Return the expectation values of a batch."""
        return self._apply(self.layer, inputs, keras.ops.convert_to_tensor(self.angles))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the outputs for inputs of a shape."""
        self._check_width(input_shape)
        return (*input_shape[:-1], self.layer.num_outputs)

    def get_config(self) -> dict[str, Any]:
        """Return the layer as plain data.

        Raises:
            ValueError: The layer's connection estimates, or its gradient method is an object.
        """
        return {**super().get_config(), **layer_document(self.layer, self.initial_weights)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a layer from :meth:`get_config`'s data."""
        return cls(**{**config, **layer_arguments(config)})

    def _check_width(self, input_shape: Sequence[int | None]) -> None:
        self.layer.check_shapes(
            (*(size or 1 for size in input_shape[:-1]), input_shape[-1] or 0), (self.layer.num_weights,)
        )


def _function_of(backend: str) -> Callable[..., Any]:
    """The function by which a backend of Keras runs and differentiates a layer."""
    if backend not in _FUNCTIONS:
        raise ValueError(
            f"KerasLayer runs on the backends {', '.join(_FUNCTIONS)}, but Keras uses {backend!r}. Set the environment "
            "variable KERAS_BACKEND to one of them before Keras is imported."
        )
    module = import_module(f"qiskit_qml_ext.models.layers.{_FUNCTIONS[backend]}")
    function: Callable[..., Any] = module.apply
    return function


keras.saving.register_keras_serializable(package="qiskit_qml_ext")(KerasLayer)
