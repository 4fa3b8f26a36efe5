"""What a step of training does beside the circuit: outputs, loss, their derivatives, and the update of Adam.

These are small arrays, for which NumPy's calls cost more than the arithmetic.
"""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.engine.compiled.jit import njit

SQUARED, HUBER, HINGE, CROSS_ENTROPY = 0, 1, 2, 3
"""The losses that are compiled."""


@njit
def pull_back_loss(
    kind: int, setting: float, values: FloatArray, scale: FloatArray, bias: FloatArray, mixing: FloatArray,
    targets: FloatArray, sample_weight: FloatArray, chosen: IntArray, cotangents: FloatArray, by_scale: FloatArray,
    by_bias: FloatArray,
) -> float:  # fmt: skip
    """Return the mean of weight · loss of (scale · values + bias) @ mixing, and write its derivatives.

    ``chosen`` (B,) are the rows of ``targets`` and ``sample_weight`` that the rows of ``values`` belong to.

    Writes ``cotangents`` (B, M), the derivatives by ``values``, and those by scales and biases, (M,) each.
    """
    samples, num_values = values.shape
    outputs, slopes, by_value = np.empty(mixing.shape[1]), np.empty(mixing.shape[1]), np.empty(num_values)
    by_scale[:] = 0.0
    by_bias[:] = 0.0
    total = 0.0
    for sample in range(samples):
        weight = sample_weight[chosen[sample]] / samples
        total += weight * pull_back_sample(
            kind, setting, values, sample, scale, bias, mixing, targets, chosen[sample], outputs, slopes, by_value
        )
        for index in range(num_values):
            slope = weight * by_value[index]
            cotangents[sample, index] = slope * scale[index]
            by_scale[index] += slope * values[sample, index]
            by_bias[index] += slope
    return total


@njit
def pull_back_sample(
    kind: int, setting: float, values: FloatArray, row: int, scale: FloatArray, bias: FloatArray, mixing: FloatArray,
    targets: FloatArray, target: int, outputs: FloatArray, slopes: FloatArray, by_value: FloatArray,
) -> float:  # fmt: skip
    """Return the loss for row ``row`` of ``values`` and row ``target`` of ``targets``.

    Writes ``by_value`` (M,), the derivatives by scale · value + bias; ``outputs`` and ``slopes`` (K,) are work space.
    """
    num_values, num_outputs = mixing.shape
    for output in range(num_outputs):
        outputs[output] = 0.0
        for index in range(num_values):
            scaled = values[row, index] * scale[index] + bias[index]
            outputs[output] += scaled * mixing[index, output]
    loss = _loss(kind, setting, outputs, targets, target, slopes)
    for index in range(num_values):
        by_value[index] = 0.0
        for output in range(num_outputs):
            by_value[index] += slopes[output] * mixing[index, output]
    return loss


@njit
def _loss(
    kind: int, setting: float, outputs: FloatArray, targets: FloatArray, target: int, slopes: FloatArray
) -> float:
    """Return the loss of one sample, and write its derivatives by the outputs."""
    if kind == CROSS_ENTROPY:
        return _cross_entropy(outputs, targets, target, slopes)
    total, share = 0.0, 1.0 / len(outputs)
    for output in range(len(outputs)):
        wanted = targets[target, output]
        residual = outputs[output] - wanted
        if kind == SQUARED:
            value, slope = residual * residual, 2.0 * residual
        elif kind == HUBER:
            slope = min(max(residual, -setting), setting)
            value = slope * (residual - slope / 2.0)
        else:
            margin = 1.0 - wanted * outputs[output]
            value, slope = max(margin, 0.0), -wanted if margin > 0.0 else 0.0
        total += value * share
        slopes[output] = slope * share
    return total


@njit
def _cross_entropy(outputs: FloatArray, targets: FloatArray, target: int, slopes: FloatArray) -> float:
    largest = outputs.max()
    odds, wanted = 0.0, 0.0
    for output in range(len(outputs)):
        slopes[output] = np.exp(outputs[output] - largest)
        odds += slopes[output]
        wanted += (targets[target, output] + 1.0) / 2.0 * (outputs[output] - largest)
    for output in range(len(outputs)):
        slopes[output] = slopes[output] / odds - (targets[target, output] + 1.0) / 2.0
    return np.log(odds) - wanted


@njit
def update_adam(
    point: FloatArray, gradient: FloatArray, mean: FloatArray, square: FloatArray, step: int, rate: float,
    beta_1: float, beta_2: float, epsilon: float,
) -> float:  # fmt: skip
    """Change ``point`` and both running means in place; return the squared norm of the gradient.

    Both means begin at zero, which the division by 1 - β**step undoes.
    """
    first, second = 1.0 - beta_1**step, 1.0 - beta_2**step
    norm = 0.0
    for index in range(len(point)):
        slope = gradient[index]
        norm += slope * slope
        mean[index] += (1.0 - beta_1) * (slope - mean[index])
        square[index] += (1.0 - beta_2) * (slope * slope - square[index])
        point[index] -= rate / first * mean[index] / (np.sqrt(square[index] / second) + epsilon)
    return norm
