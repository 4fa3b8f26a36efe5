r"""How large the gradient is at the start of a training, and what hides it.

With slopes c_ik = ∂l_i/∂f_ik of the loss of sample i by value k, and derivatives J_ikj of the values by weight j, the
gradient ∇L is the mean of g_ij = Σ_k c_ik J_ikj over all samples: at the start itself over all of them, or as many as
are read quickly. From n samples of more

    ‖∇L‖² = t = (‖Σ_i g_i‖² - Σ_i ‖g_i‖²)/(n(n-1))

without bias; with the covariance C of the g_i its variance is about 4 ∇Lᵀ C ∇L/n + 2 tr C²/n². By how much the
gradients of single batches scatter around ∇L says nothing of whether there is something to see, and is averaged out
over a pass.

With S shots of each circuit and parameter shifts a derivative has the variance ν_kj/S (see
:mod:`~qiskit_qml_ext.diagnostics.subject.shot_noise`), by other methods q times as much, and the slopes are found from
values with errors as well: they change by δ_ikm with the error of value m. The noise of a step of B samples is

    e² = q Σ_kj (mean_i c_ik²) ν_kj/(B S) + Σ_mj mean_i (Σ_k δ_ikm J_ikj)²/B.

Exact results are compared with the tolerance of the training, for a step of one radian.

A small gradient of the loss has two causes: the outputs do not move (a plateau), or they do and the loss does not care
(an optimum, or labels that have nothing to do with the samples). So the derivatives of the outputs of a single sample
are looked at as well, mean_i Σ_kj (scale_k J_ikj)² against Σ_kj scale_k² ν_kj/S.
"""

import math
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
from qiskit_qml_ext.program import angles_and_slopes

_DRAWS = 16  # other starts of the same distribution
_SAMPLES = 64  # samples at each of them
_FIRST_SAMPLES = 256  # at the start itself, if they show the gradient beyond doubt
_MOST_SAMPLES = 4096  # at the start itself
_SAME = 1e-6  # angles that differ by less are the same start
_NOISE_ROWS = 4  # starts and samples whose shot noise is averaged
_SCATTER = 2.0  # standard errors, about, between an estimate from some of the samples and its ends
_BEYOND_DOUBT = 2.0  # times as far: four standard errors
_ROUNDING = 1e-13  # relative to the observables: derivatives below this are what rounding leaves of 0


@dataclass(frozen=True, eq=False)
class GradientSizes:
    """Squares of gradients and of what hides them; index 0 is the start, all others are draws of its distribution.

    D = 0 if the gradient is seen at the start, so that no others are drawn, or if the start is the only one.
    """

    loss: FloatArray
    """‖∇L‖², shape (1 + D,)."""
    loss_at_least: FloatArray
    """The same, if the samples that were not looked at make it smaller, shape (1 + D,)."""
    loss_at_most: FloatArray
    """The same, if they make it larger, shape (1 + D,)."""
    loss_noise: FloatArray
    """The square of what hides it in a step, shape (1 + D,)."""
    outputs: FloatArray
    """Mean over samples of the squared derivatives of all outputs, shape (1 + D,)."""
    outputs_noise: FloatArray
    """The square of what hides them, shape (1 + D,)."""
    num_samples: int
    """How many of the samples were looked at, at the start itself."""
    method: str
    """How they were found."""


def gradient_sizes(start: TrainingStart, reader: Reader) -> GradientSizes:
    """Read the gradient at the start, and unless it is seen there, on some of the samples at other starts as well.

    A few samples that show it beyond doubt are enough; otherwise as many as are read quickly are looked at.

    Args:
        start: The model.
        reader: What reads values and derivatives, at :data:`~qiskit_qml_ext.models.guard.readers.FEWEST_ROWS` rows or
            more.
    """
    rng = np.random.default_rng(0)
    number = len(start.samples)
    draws = min(_DRAWS, reader.affordable // min(number, 2) - 1)
    size = min(number, _SAMPLES, reader.affordable // (draws + 1))
    order = rng.permutation(number)
    most = max(size, min(number, _MOST_SAMPLES, reader.affordable // 2))
    points: Iterator[FloatArray] = (start.draw(rng) for _ in range(draws))
    if start.shots is not None:
        points = iter(list(points))  # drawn before the rows for the noise; otherwise only if they are needed
    if start.shots is None and most > _FIRST_SAMPLES:
        few = _sizes_at(start, reader, np.sort(order[:_FIRST_SAMPLES]), [start.point], rng)
        if few.loss[0] - _BEYOND_DOUBT * (few.loss[0] - few.loss_at_least[0]) >= few.loss_noise[0]:
            return few
    here = _sizes_at(start, reader, np.sort(order[:most]), [start.point], rng)
    if here.loss_at_least[0] > 0 and here.loss_at_least[0] >= here.loss_noise[0]:
        return here
    others = [point for point in points if np.abs(point - start.point).max() > _SAME]
    if not others:
        return here
    there = _sizes_at(start, reader, np.sort(order[:size]), others, rng)
    loss, at_least, at_most, noise, outputs, outputs_noise = (
        np.concatenate(pair) for pair in zip(_arrays(here), _arrays(there), strict=True)
    )
    method = f"{here.method}, {size} at {len(others)} others"
    return GradientSizes(loss, at_least, at_most, noise, outputs, outputs_noise, here.num_samples, method)


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
    loss, at_least, at_most = np.array([_mean_square(one, number) for one in by_sample]).T
    outputs = np.einsum("k,dikj->d", start.scale**2, jacobian**2) / size
    smallest = _ROUNDING * max(float(np.abs(start.scale).max()), 1.0) * max(map(size_of, start.observables))
    if start.shots is None:
        hidden = np.full(len(points), max(start.tol, smallest) ** 2)
        loss_noise = outputs_noise = hidden
    else:
        noise, value_noise = _shot_noise(start, reader, rows, rng)  # (M,) each
        loss_noise = np.einsum("dik,k->d", slopes**2, noise) / start.shots
        for move in np.diag(np.sqrt(value_noise / start.shots)):
            changes = [start.slopes(one + move, chosen) - start.slopes(one - move, chosen) for one in values]
            loss_noise += np.einsum("dij->d", np.einsum("dik,dikj->dij", changes, jacobian / 2) ** 2)
        loss_noise /= size * start.batch_size
        outputs_noise = np.full(len(points), noise @ start.scale**2 / start.shots)
    method = f"{size} of the {number} samples at the start"
    return GradientSizes(loss, at_least, at_most, loss_noise, outputs, outputs_noise, size, method)


def _arrays(sizes: GradientSizes) -> tuple[FloatArray, ...]:
    return sizes.loss, sizes.loss_at_least, sizes.loss_at_most, sizes.loss_noise, sizes.outputs, sizes.outputs_noise


def _mean_square(gradients: FloatArray, number: int) -> tuple[float, float, float]:
    """‖mean of all‖² from gradients of some of so many samples, shape (n, W), and what it is at least and at most."""
    some = len(gradients)
    whole = float(np.sum(gradients.mean(axis=0) ** 2))
    if some == number:
        return whole, whole, whole
    mean = gradients.mean(axis=0)
    square = max((some * whole - float(np.sum(gradients**2)) / some) / (some - 1), 0.0)
    centred = (gradients - mean) / math.sqrt(some - 1)
    gram = centred @ centred.T if some < len(mean) else centred.T @ centred  # with the same tr C²
    error = _SCATTER * math.sqrt(4 * float(np.sum((centred @ mean) ** 2)) / some + 2 * float(np.sum(gram**2)) / some**2)
    return square, max(square - error, 0.0), square + error


def _shot_noise(start: TrainingStart, reader: Reader, rows: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Σ_j q ν_kj for each observable, and the variance of its value, as means over some of the rows: shape (2, M)."""
    picked = rows[rng.permutation(len(rows))[:_NOISE_ROWS]]
    if start.draws_normal_noise:  # with the variance 1/S, whatever is measured
        _, slopes = angles_and_slopes(start.program, picked, tuple(start.weights.tolist()))
        by_shifts = float(np.sum(slopes**2)) / (2 * len(picked))
        return np.repeat([[start.relative_noise * by_shifts], [1.0]], len(start.observables), axis=1)
    noise = np.empty((2, len(start.observables)))
    for column, observable in enumerate(start.observables):
        problem = Problem(
            start.circuit,
            build_observable(observable, start.num_qubits),
            _NOT_INDEPENDENT,
            tuple(start.weights.tolist()),
        )
        limits = {"max_strings": reader.max_strings, "work": WORK / (2 * len(start.observables))}
        one = sampled_noise(problem, picked, connect(), **limits)  # type: ignore[arg-type]
        noise[:, column] = start.relative_noise * one.derivatives.sum(), one.loss
    return noise


class _Given(UniformDistribution):
    """Angles that are not drawn from here: nothing is known of their distribution."""

    independent = False


_NOT_INDEPENDENT = _Given()
