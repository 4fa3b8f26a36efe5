"""The values of a layer as a function that TensorFlow can differentiate."""

from typing import Any

import tensorflow as tf

from qiskit_qml_ext.arrays import AnyArray
from qiskit_qml_ext.models.layers.quantum_layer import QuantumLayer


def apply(layer: QuantumLayer, inputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Return the expectation values of a layer.

    TensorFlow does not say by which of the two is differentiated: gradients are found by both.

    Args:
        layer: The layer.
        inputs: Shape (…, F), float32 or float64.
        weights: Shape (W,), in the same precision.

    Returns:
        Shape (…, M).

    Raises:
        ValueError: The shapes do not fit. What is not finite is found while the circuit runs: then TensorFlow raises
            its own error, which holds the message.
    """
    dtype = inputs.dtype

    def run(x: AnyArray, w: AnyArray) -> AnyArray:
        return layer(x, w).astype(dtype.as_numpy_dtype)

    def values_and_gradient(x: tf.Tensor, w: tf.Tensor) -> tuple[tf.Tensor, Any]:
        outputs = tf.numpy_function(run, [x, w], dtype, stateful=not layer.is_repeatable)
        outputs.set_shape([*x.shape[:-1], layer.num_outputs])
        return outputs, lambda cotangents: _gradients(layer, x, w, cotangents)

    return tf.custom_gradient(values_and_gradient)(inputs, weights)


def _gradients(layer: QuantumLayer, inputs: tf.Tensor, weights: tf.Tensor, cotangents: tf.Tensor) -> Any:
    def run(x: AnyArray, w: AnyArray, dual: AnyArray) -> tuple[AnyArray, AnyArray]:
        by_inputs, by_weights = layer.vjp(x, w, dual)
        return by_inputs.astype(x.dtype), by_weights.astype(w.dtype)

    def first_gradients(x: tf.Tensor, w: tf.Tensor, dual: tf.Tensor) -> tuple[Any, Any]:
        by_inputs, by_weights = tf.numpy_function(
            run, [x, w, dual], [x.dtype, w.dtype], stateful=not layer.is_repeatable
        )
        by_inputs.set_shape(x.shape)
        by_weights.set_shape(w.shape)
        return (by_inputs, by_weights), _refuse

    return tf.custom_gradient(first_gradients)(inputs, weights, cotangents)


def _refuse(*_: object) -> Any:
    raise NotImplementedError(
        "A quantum layer has first derivatives only, but its gradients were differentiated (a GradientTape in another "
        "one). Stop them with tf.stop_gradient, or take finite differences of gradients."
    )
