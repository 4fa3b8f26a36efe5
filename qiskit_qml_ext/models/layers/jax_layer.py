"""A quantum layer as a function of JAX."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.checks import ParameterNames
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients import GradientMethod
from qiskit_qml_ext.models.layers.jax_function import apply
from qiskit_qml_ext.models.layers.layer_circuit import LayerCircuit
from qiskit_qml_ext.models.layers.quantum_layer import QuantumLayer
from qiskit_qml_ext.primitives import Connection


class JaxLayer:
    """A quantum layer as a function of JAX, ``layer(inputs, weights)``; the arguments are those of ``QuantumLayer``.

    It works under ``jax.jit``, ``jax.vmap`` (over inputs, weights or both) and reverse-mode differentiation
    (``jax.grad``, ``jax.vjp``, ``jax.jacrev``); forward mode and second derivatives are refused. The circuit runs in a
    callback, by default on this machine's processors in double precision; results come in the wider precision of inputs
    and weights, which must be float32 or float64 (for which JAX needs ``jax_enable_x64``). Gradients are found by those
    of inputs and weights only that are differentiated by. On a connection that estimates, code that JAX compiles may
    merge equal calls or repeat one, so that their noise is repeatable call by call only outside of ``jit``.

    Args:
        circuit: See :class:`QuantumLayer`.
        observables: See :class:`QuantumLayer`.
        num_features: See :class:`QuantumLayer`.
        input_parameters: See :class:`QuantumLayer`.
        weight_parameters: See :class:`QuantumLayer`.
        initialization: See :class:`QuantumLayer`.
        random_state: See :class:`QuantumLayer`.
        gradient: See :class:`QuantumLayer`.
        connection: See :class:`QuantumLayer`.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: See :class:`QuantumLayer`.
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
    ):
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

    def initial_weights(self) -> jax.Array:
        """Draw the weights from which training begins, shape (W,), in JAX's default precision."""
        return jnp.asarray(self.layer.initial_weights())

    def __call__(self, inputs: ArrayLike | jax.Array, weights: ArrayLike | jax.Array) -> jax.Array:
        """Return the expectation values; see :func:`apply`."""
        return apply(self.layer, inputs, weights)

    def __repr__(self) -> str:
        return repr(self.layer).replace("QuantumLayer", "JaxLayer")
