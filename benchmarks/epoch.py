"""One epoch of a classifier of digits: the data, the model, and the step of Adam, the same for everybody.

The model: each layer encodes the features by RY, then turns every qubit by RY and (but in the last layer) RZ and
entangles the ring by CX (data re-uploading); the scores of the three classes are scale · ⟨Z_k⟩ + bias. The loss is the
cross-entropy of their softmax. All start at the same point and see the same batches, so that all end at the same point.
"""

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import FloatArray, Gate
from benchmarks.task import Case, Task

NUM_CLASSES = 3
BATCH_SIZE = 64
LEARNING_RATE, BETA_1, BETA_2, EPSILON = 0.05, 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Epoch:
    """What is trained on what."""

    gates: list[Gate]
    """The circuit; the columns: features, then weights."""

    features: FloatArray
    """Shape (samples, qubits), in radians."""

    labels: NDArray[np.int64]
    """Classes 0 to 2, shape (samples,)."""

    start: FloatArray
    """The weights, then a scale and a bias for each class."""

    batches: list[NDArray[np.int64]]
    """The samples of each step."""

    @property
    def num_weights(self) -> int:
        """The weights of the circuit."""
        return len(self.start) - 2 * NUM_CLASSES

    def split(self, point: Any) -> tuple[Any, Any, Any]:
        """Weights, scales and biases."""
        first = self.num_weights
        return point[:first], point[first : first + NUM_CLASSES], point[first + NUM_CLASSES :]


def epoch_of(case: Case) -> Epoch:
    """The epoch of a case: ``num_qubits`` principal components, ``layers``, ``samples``."""
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    images, digits = images[: case["samples"]], digits[: case["samples"]]
    centred = images - images.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    features = centred @ axes[: case["num_qubits"]].T
    features *= np.pi / 2 / np.abs(features).max(axis=0)
    gates = _gates(case["num_qubits"], case["layers"])
    num_weights = 1 + max(column for _, _, column in gates) - case["num_qubits"]
    weights = np.random.default_rng(23).uniform(-np.pi, np.pi, num_weights)
    start = np.concatenate([weights, np.ones(NUM_CLASSES), np.zeros(NUM_CLASSES)])
    order = model_generator(0).permutation(len(features))
    batches = np.array_split(order, -(-len(order) // BATCH_SIZE))  # as our models make them: of one size, or nearly
    return Epoch(gates, features, digits % NUM_CLASSES, start, batches)


def model_generator(random_state: int) -> np.random.Generator:
    """The generator that our models make of a ``random_state``, for batches that others can have too."""
    return np.random.default_rng(np.random.RandomState(random_state).randint(2**31 - 1))


def _gates(num_qubits: int, layers: int) -> list[Gate]:
    gates: list[Gate] = []
    column = num_qubits
    for layer in range(layers):
        gates += [("ry", (qubit,), qubit) for qubit in range(num_qubits)]
        for qubit in range(num_qubits):
            gates.append(("ry", (qubit,), column))
            column += 1
            if layer < layers - 1:  # the last would change no output
                gates.append(("rz", (qubit,), column))
                column += 1
        gates += [("cx", (qubit, (qubit + 1) % num_qubits), -1) for qubit in range(num_qubits)]
    return gates


Pull = Callable[[FloatArray], FloatArray]
"""From the derivatives by the values, shape (B, 3), to those by the weights."""


def in_numpy(epoch: Epoch, evaluate: Callable[[FloatArray, FloatArray], tuple[FloatArray, Pull]]) -> Task:
    """The epoch for a package that gives values (B, 3) of features and weights, and a pull-back; the rest is small."""

    def run() -> FloatArray:
        point, mean, square = epoch.start.copy(), np.zeros_like(epoch.start), np.zeros_like(epoch.start)
        for step, batch in enumerate(epoch.batches, 1):
            weights, scale, bias = epoch.split(point)
            values, pull = evaluate(epoch.features[batch], weights)
            powers = np.exp(values * scale + bias)
            slopes = powers / powers.sum(axis=1, keepdims=True) - np.eye(NUM_CLASSES)[epoch.labels[batch]]
            slopes /= len(batch)
            gradient = np.concatenate([pull(slopes * scale), (slopes * values).sum(axis=0), slopes.sum(axis=0)])
            point, mean, square = adam(point, mean, square, gradient, step, np.sqrt)
        return point

    return Task(run)


def adam(point: Any, mean: Any, square: Any, gradient: Any, step: Any, root: Callable[[Any], Any]) -> Any:
    """A step of Adam, in NumPy's or JAX's arrays."""
    mean = BETA_1 * mean + (1 - BETA_1) * gradient
    square = BETA_2 * square + (1 - BETA_2) * gradient**2
    scaled = root(square / (1 - BETA_2**step)) + EPSILON
    return point - LEARNING_RATE * mean / (1 - BETA_1**step) / scaled, mean, square


def in_jax(epoch: Epoch, values: Callable[[Any, Any], Any], *, anew: bool) -> Task:
    """The epoch for a package on JAX: one jitted function a step, compiled anew in each call if wanted.

    ``values`` takes features (B, qubits) and weights and returns (B, 3).
    """
    import jax
    import jax.numpy as jnp

    features, labels = jnp.asarray(epoch.features), jnp.asarray(epoch.labels)

    def make() -> Any:
        def loss(point: Any, batch: Any) -> Any:
            weights, scale, bias = epoch.split(point)
            scores = jax.nn.log_softmax(values(features[batch], weights) * scale + bias)
            return -jnp.mean(jnp.take_along_axis(scores, labels[batch][:, None], axis=1))

        @jax.jit
        def step(state: Any, batch: Any, number: Any) -> Any:
            point, mean, square = state
            return adam(point, mean, square, jax.grad(loss)(point, batch), number, jnp.sqrt)

        return step

    kept = make()

    def run() -> NDArray[Any]:
        if anew:
            jax.clear_caches()
        step = make() if anew else kept
        start = jnp.asarray(epoch.start)
        state = (start, jnp.zeros_like(start), jnp.zeros_like(start))
        for number, batch in enumerate(epoch.batches, 1):
            state = step(state, batch, number)
        return np.asarray(state[0])

    return Task(run)


def peak_of(prepare: Callable[[Case], Task]) -> Callable[[Case], Task]:
    """The case's task measured in bytes: how far one run of it raises the largest memory of its process."""

    def prepare_peak(case: Case) -> Task:
        def run() -> FloatArray:
            before = peak_bytes()
            prepare(case).run()
            return np.array([peak_bytes() - before], dtype=np.float64)

        return Task(run)

    return prepare_peak


def peak_bytes() -> int:
    """The largest memory that this process ever had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
