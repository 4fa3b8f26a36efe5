"""The weights with which the training of a kernel begins."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import numeric_array, wrong_kind, wrong_value
from qiskit_qml_ext.circuits import INITIAL_DISTRIBUTIONS, InitialDistribution, UniformDistribution
from qiskit_qml_ext.circuits.registry import default_of
from qiskit_qml_ext.kernels.training.trained_map import TrainedMap

_SOMEWHERE = 0.4567  # in the domain of arccos, log and the like, and no zero of any likely expression


def first_weights(trained: TrainedMap, initialization: object, rng: np.random.Generator) -> FloatArray:
    """Return the first weights, shape (W,): as they are given, or drawn.

    Args:
        trained: What is trained.
        initialization: Numbers, a distribution, its name, or ``None`` for uniform angles.
        rng: Where they are drawn from.

    Raises:
        TypeError: If it is none of these.
        ValueError: If there is another number of weights, one is not finite, or there is no such distribution.
    """
    number = len(trained.weights)
    if isinstance(initialization, (np.ndarray, list, tuple)):
        numeric_array("initialization", initialization)
        weights = np.array(initialization, dtype=np.float64)
        if weights.shape != (number,) or not np.isfinite(weights).all():
            raise wrong_value("initialization", f"{number} finite numbers, or a distribution", initialization)
        return weights
    distribution = _distribution(initialization)
    if not number:
        return np.zeros(0)
    parameters = list(trained.circuit.parameters)
    alone = trained.circuit.assign_parameters({parameters[place]: _SOMEWHERE for place in trained.data})
    weights = np.empty(number)
    weights[np.argsort(trained.weights)] = distribution.sample(alone, 1, rng)[0]
    return weights


def _distribution(initialization: object) -> InitialDistribution:
    if initialization is None:
        return UniformDistribution()
    if isinstance(initialization, str):
        return default_of("initial distribution", INITIAL_DISTRIBUTIONS, initialization)
    if not isinstance(initialization, InitialDistribution):
        raise wrong_kind("initialization", "an InitialDistribution, its name, weights, or None", initialization)
    return initialization
