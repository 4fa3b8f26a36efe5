"""The values of a layer as a function that JAX can transform."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import AnyArray
from qiskit_qml_ext.models.layers.quantum_layer import QuantumLayer


def apply(layer: QuantumLayer, inputs: ArrayLike | jax.Array, weights: ArrayLike | jax.Array) -> jax.Array:
    """Return the expectation values of a layer as a function that JAX can transform.

    Args:
        layer: The layer.
        inputs: Shape (…, F), float32 or float64.
        weights: Shape (W,), or (…, W) with as many axes as ``inputs``.

    Returns:
        Shape (…, M).

    Raises:
        TypeError: Inputs or weights have another precision.
        ValueError: The shapes do not fit. What is not finite is found while the circuit runs: then JAX raises its own
            error, which holds the message.
    """
    x, w = jnp.asarray(inputs), jnp.asarray(weights)
    for name, array in (("inputs", x), ("weights", w)):
        if array.dtype not in (jnp.float32, jnp.float64):
            raise TypeError(
                f"{name} must be float32 or float64, but {array.dtype} came. Convert them with .astype(jnp.float32)."
            )
    layer.check_shapes(x.shape, w.shape)
    # as many axes as the inputs: then the axes that vmap puts first meet each other
    aligned = w if w.ndim == x.ndim else w.reshape((1,) * (x.ndim - 1) + w.shape)
    return _expectations(layer, x, aligned)


def _values(layer: QuantumLayer, inputs: jax.Array, weights: jax.Array) -> jax.Array:
    batch = layer.check_shapes(inputs.shape, weights.shape)
    dtype = jnp.promote_types(inputs.dtype, weights.dtype)

    def run(x: AnyArray, w: AnyArray) -> AnyArray:
        return layer(np.asarray(x), np.asarray(w)).astype(dtype)

    shape = jax.ShapeDtypeStruct((*batch, layer.num_outputs), dtype)
    return jax.pure_callback(run, shape, inputs, weights, vmap_method="broadcast_all")


def _gradients(
    layer: QuantumLayer, inputs: jax.Array, weights: jax.Array, cotangents: jax.Array
) -> tuple[jax.Array, jax.Array]:
    def run(x: AnyArray, w: AnyArray, dual: AnyArray) -> tuple[AnyArray, AnyArray]:
        by_inputs, by_weights = layer.vjp(np.asarray(x), np.asarray(w), np.asarray(dual))
        return by_inputs.astype(x.dtype), by_weights.astype(w.dtype)

    shapes = tuple(jax.ShapeDtypeStruct(array.shape, array.dtype) for array in (inputs, weights))
    return jax.pure_callback(run, shapes, inputs, weights, cotangents, vmap_method="broadcast_all")


def _forward(layer: QuantumLayer, inputs: jax.Array, weights: jax.Array) -> tuple[jax.Array, Any]:
    return _first_values(layer, inputs, weights), (inputs, weights)


def _backward(layer: QuantumLayer, kept: tuple[jax.Array, jax.Array], cotangents: jax.Array) -> Any:
    return _first_gradients(layer, *kept, cotangents)


def _refuse(*_: object) -> Any:
    raise NotImplementedError(
        "A quantum layer has first derivatives only, but its gradients were differentiated (jax.hessian, or jax.grad "
        "of jax.grad). Stop them with jax.lax.stop_gradient, or take finite differences of gradients."
    )


_expectations = jax.custom_vjp(_values, nondiff_argnums=(0,))
_expectations.defvjp(_forward, _backward)
# What the gradients are made of, with a rule that refuses where they are differentiated in turn.
_first_values = jax.custom_jvp(_values, nondiff_argnums=(0,))
_first_values.defjvp(_refuse)
_first_gradients = jax.custom_jvp(_gradients, nondiff_argnums=(0,))
_first_gradients.defjvp(_refuse)
