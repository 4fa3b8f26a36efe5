r"""How large the gradient is at the start of a training, and what hides it.

With slopes c_ik = ∂l_i/∂f_ik of the loss of sample i by value k, and derivatives J_ikj of the values by weight j, the
gradient of a batch of B samples is the mean of g_ij = Σ_k c_ik J_ikj. From n samples

    E ‖∇L‖² = (1 - 1/B) (‖Σ_i g_i‖² - Σ_i ‖g_i‖²)/(n(n-1)) + Σ_i ‖g_i‖²/(nB)

without bias (for B = n this is the square of the mean). If these are only some of all samples, the first bracket counts
at least as 0, which it is not below for all of them together, and is uncertain by about 2 Σ_i ‖g_i‖²/n².

With S shots of each circuit and parameter shifts a derivative has the variance ν_kj/S (see
:mod:`~qiskit_qml_ext.diagnostics.subject.shot_noise`), so that the noise of this gradient is at least
Σ_kj (mean_i c_ik²) ν_kj/(B S): what the noise of the slopes adds is left out. Exact results are compared with the
tolerance of the training, for a step of one radian.

A small gradient of the loss has two causes: the outputs do not move (a plateau), or they do and the loss does not care
(an optimum, or labels that have nothing to do with the samples). So the derivatives of the outputs of a single sample
are looked at as well, mean_i Σ_kj (scale_k J_ikj)² against Σ_kj scale_k² ν_kj/S.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.circuits import UniformDistribution
from qiskit_qml_ext.diagnostics.subject.problem import Problem, build_observable
from qiskit_qml_ext.diagnostics.trainability.sampled_noise import sampled_noise
from qiskit_qml_ext.engine.observables import size_of
from qiskit_qml_ext.models.guard.readers import WORK, Reader
from qiskit_qml_ext.models.guard.training_start import TrainingStart
from qiskit_qml_ext.primitives import connect

_DRAWS = 16  # other starts of the same distribution
_SAMPLES = 64  # samples at each of them
_NOISE_ROWS = 4  # starts and samples whose shot noise is averaged
_SCATTER = 2.0  # standard errors, about, of the part of a square that samples have together
_ROUNDING = 1e-13  # relative to the observables: derivatives below this are what rounding leaves of 0


@dataclass(frozen=True, eq=False)
class GradientSizes:
    """Squares of gradients and of what hides them; index 0 is the start, all others are draws of its distribution.

    If the gradient is seen at the start, no others are drawn: D = 0.
    """

    loss: FloatArray
    """E ‖∇L‖² of a batch, shape (1 + D,)."""
    loss_at_most: FloatArray
    """The same, if the samples that were not looked at make it larger, shape (1 + D,)."""
    loss_noise: FloatArray
    """The square of what hides it, shape (1 + D,)."""
    outputs: FloatArray
    """Mean over samples of the squared derivatives of all outputs, shape (1 + D,)."""
    outputs_noise: FloatArray
    """The square of what hides them, shape (1 + D,)."""
    method: str
    """How they were found."""


def gradient_sizes(start: TrainingStart, reader: Reader) -> GradientSizes:
    """Read the gradient at the start, on some of the samples; unless it is seen there, at other starts as well.

    Args:
        start: The model.
        reader: What reads values and derivatives, at :data:`~qiskit_qml_ext.models.guard.readers.FEWEST_ROWS` rows or
            more.
    """
    rng = np.random.default_rng(0)
    number = len(start.samples)
    draws = min(_DRAWS, reader.affordable // min(number, 2) - 1)
    size = min(number, _SAMPLES, reader.affordable // (draws + 1))
    chosen = np.sort(rng.permutation(number)[:size])
    points: Iterator[FloatArray] = (start.draw(rng) for _ in range(draws))
    if start.shots is not None:
        points = iter(list(points))  # drawn before the rows for the noise; otherwise only if they are needed
    here = _sizes_at(start, reader, chosen, [start.point], rng)
    if here.loss[0] > 0 and here.loss[0] >= here.loss_noise[0]:
        return here
    others = _sizes_at(start, reader, chosen, list(points), rng)
    loss, at_most, noise, outputs, outputs_noise = (
        np.concatenate(pair) for pair in zip(_arrays(here), _arrays(others), strict=True)
    )
    return GradientSizes(loss, at_most, noise, outputs, outputs_noise, f"{here.method} and at {draws} others")


def _sizes_at(
    start: TrainingStart, reader: Reader, chosen: IntArray, points: list[FloatArray], rng: np.random.Generator
) -> GradientSizes:
    number, size = len(start.samples), len(chosen)
    rows = np.concatenate([start.rows(start.samples[chosen], point) for point in points])
    values, jacobian = reader.read(rows)
    shape = (len(points), size, len(start.observables))
    values, jacobian = values.reshape(shape), jacobian.reshape(*shape, len(start.weights))
    slopes = np.stack([start.slopes(one, chosen) for one in values])
    by_sample = np.einsum("dik,dikj->dij", slopes, jacobian)
    loss, at_most = np.array([_batch_square(one, start.batch_size, number) for one in by_sample]).T
    outputs = np.einsum("k,dikj->d", start.scale**2, jacobian**2) / size
    smallest = _ROUNDING * max(float(np.abs(start.scale).max()), 1.0) * max(map(size_of, start.observables))
    if start.shots is None:
        hidden = np.full(len(points), max(start.tol, smallest) ** 2)
        loss_noise = outputs_noise = hidden
    else:
        noise = _shot_noise(start, reader, rows, rng)  # (M,)
        loss_noise = np.einsum("dik,k->d", slopes**2, noise) / (size * start.batch_size * start.shots)
        outputs_noise = np.full(len(points), noise @ start.scale**2 / start.shots)
    method = f"{size} of the {number} samples at the start"
    return GradientSizes(loss, at_most, loss_noise, outputs, outputs_noise, method)


def _arrays(sizes: GradientSizes) -> tuple[FloatArray, ...]:
    return sizes.loss, sizes.loss_at_most, sizes.loss_noise, sizes.outputs, sizes.outputs_noise


def _batch_square(gradients: FloatArray, batch_size: int, number: int) -> tuple[float, float]:
    """E ‖mean of a batch‖² from gradients of some of so many samples, shape (n, W), and what it is at most."""
    some = len(gradients)
    alone = float(np.sum(gradients**2)) / some
    if some == 1:
        return alone, alone
    whole = float(np.sum(gradients.sum(axis=0) ** 2))
    together = (whole - some * alone) / (some * (some - 1))
    if some == number:
        square = max((1 - 1 / batch_size) * together + alone / batch_size, 0.0)  # below 0 by rounding only
        return square, square
    square = (1 - 1 / batch_size) * max(together, 0.0) + alone / batch_size
    return square, square + (1 - 1 / batch_size) * _SCATTER * alone / some


def _shot_noise(start: TrainingStart, reader: Reader, rows: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Σ_j ν_kj for each observable, as a mean over some of the rows: shape (M,)."""
    picked = rows[rng.permutation(len(rows))[:_NOISE_ROWS]]
    noise = np.empty(len(start.observables))
    for column, observable in enumerate(start.observables):
        problem = Problem(
            start.circuit,
            build_observable(observable, start.num_qubits),
            _NOT_INDEPENDENT,
            tuple(start.weights.tolist()),
        )
        limits = {"max_strings": reader.max_strings, "work": WORK / (2 * len(start.observables))}
        one = sampled_noise(problem, picked, connect(), **limits)  # type: ignore[arg-type]
        noise[column] = one.derivatives.sum()
    return noise


class _Given(UniformDistribution):
    """Angles that are not drawn from here: nothing is known of their distribution."""

    independent = False


_NOT_INDEPENDENT = _Given()
