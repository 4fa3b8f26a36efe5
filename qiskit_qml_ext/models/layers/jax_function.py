"""The values of a layer as a function that JAX can transform."""

from itertools import compress
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero
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
    layer: QuantumLayer, wanted: tuple[bool, bool], inputs: jax.Array, weights: jax.Array, cotangents: jax.Array
) -> list[jax.Array]:
    """The gradients by inputs and by weights, those of the two that are wanted."""

    def run(x: AnyArray, w: AnyArray, dual: AnyArray) -> list[AnyArray]:
        both = layer.gradients(
            np.asarray(x), np.asarray(w), np.asarray(dual), by_inputs=wanted[0], by_weights=wanted[1]
        )
        return [one.astype(of.dtype) for one, of in zip(both, (x, w), strict=True) if one is not None]

    shapes = [jax.ShapeDtypeStruct(one.shape, one.dtype) for one in compress((inputs, weights), wanted)]
    return list(jax.pure_callback(run, shapes, inputs, weights, cotangents, vmap_method="broadcast_all"))


def _forward(layer: QuantumLayer, inputs: Any, weights: Any) -> tuple[jax.Array, Any]:
    """Inputs and weights with what is kept: they, and whether each is differentiated by, as () or None.

    JAX keeps trees of arrays; what kind of tree it is, is known while it traces.
    """
    flags = tuple(() if one.perturbed else None for one in (inputs, weights))
    return _first_values(layer, inputs.value, weights.value), (inputs.value, weights.value, flags)


def _backward(layer: QuantumLayer, kept: tuple[jax.Array, jax.Array, Any], cotangents: Any) -> Any:
    inputs, weights, flags = kept
    if isinstance(cotangents, SymbolicZero):
        return None, None
    wanted = (flags[0] is not None, flags[1] is not None)
    found = iter(_first_gradients(layer, wanted, inputs, weights, cotangents))
    return tuple(next(found) if one else None for one in wanted)


def _refuse(*_: object) -> Any:
    raise NotImplementedError(
        "A quantum layer has first derivatives only, but its gradients were differentiated (jax.hessian, or jax.grad "
        "of jax.grad). Stop them with jax.lax.stop_gradient, or take finite differences of gradients."
    )


_expectations = jax.custom_vjp(_values, nondiff_argnums=(0,))
_expectations.defvjp(_forward, _backward, symbolic_zeros=True)
# What the gradients are made of, with a rule that refuses where they are differentiated in turn.
_first_values = jax.custom_jvp(_values, nondiff_argnums=(0,))
_first_values.defjvp(_refuse)
_first_gradients = jax.custom_jvp(_gradients, nondiff_argnums=(0, 1))
_first_gradients.defjvp(_refuse)
