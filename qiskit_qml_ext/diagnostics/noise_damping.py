r"""How much of the squared gradient noise leaves, from few derivatives.

The gradient without noise is known at every point at the price of two passes. With noise every derivative costs two
density matrices, so at each of M points θ only one parameter k is looked at, drawn with a probability p_k that follows
the squared derivatives without noise, (1-ε)(∂_kC)²/‖∇C‖² + ε/P. Then (∂_kC̃)²/p_k is an unbiased estimate of ‖∇C̃(θ)‖²,
the squared gradient with noise, and (∂_kC)²/p_k one of ‖∇C(θ)‖². The ratio of their means over the points is what noise
leaves; where noise damps all derivatives alike, it does not scatter at all.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from qiskit_qml_ext.diagnostics.estimate import Estimate
from qiskit_qml_ext.diagnostics.noisy_simulation import (
    MAX_DENSITY_QUBITS,
    Noise,
    NoisyLoss,
    noise_in_words,
    noisy_simulator,
    pauli_sum,
)
from qiskit_qml_ext.diagnostics.problem import Problem
from qiskit_qml_ext.exceptions import StateTooLargeError

FloatArray = NDArray[np.float64]

_STEP = (
    1e-3  # of central differences: its error, about _STEP²/6 of a derivative, and rounding are far below the interval
)
_EVEN = 0.1  # the part ε of the draws that is even, for derivatives that noise brings about
_FEWEST, _MOST = 8, 60
_WORK = 3e8  # gates times elements of the density matrix for each of the two readings: some ten seconds


@dataclass(frozen=True)
class NoiseDamping:
    """What noise leaves of the squared gradient."""

    remaining: Estimate
    """E ‖∇C‖² with noise divided by that without, at the same points."""
    points: int
    """Random points, one derivative at each."""
    noise: str
    """The noise in words."""


def noise_damping(
    problem: Problem,
    values: FloatArray,
    gradients: FloatArray,
    noise: Noise,
    rng: np.random.Generator,
    *,
    confidence: float = 0.95,
) -> NoiseDamping:
    """Estimate the ratio of the squared gradient with noise to that without.

    Density matrices give exact expectation values, without shot noise; errors of the readout are left out. How many of
    the points are used follows from the size of the circuit, not from the clock, so that the same seed gives the same
    numbers.

    Args:
        problem: The circuit and the observable.
        values: Random angles, shape (M, number of parameters), independent; the first of them are used.
        gradients: The derivatives by all parameters there without noise, same shape.
        noise: The noise.
        rng: Draws the parameters.
        confidence: The confidence of the interval.

    Raises:
        StateTooLargeError: If the circuit has more than 12 qubits.
        TypeError: If the noise is of a kind that is not known, or the observable is no Pauli sum.
    """
    if problem.num_qubits > MAX_DENSITY_QUBITS:
        raise StateTooLargeError(
            f"Density matrices are feasible up to {MAX_DENSITY_QUBITS} qubits, but the circuit has "
            f"{problem.num_qubits}. Ask for the effect of noise on a narrower circuit."
        )
    simulator = noisy_simulator(noise)
    loss = NoisyLoss(problem.circuit, pauli_sum(problem.observable), simulator, seed=0)
    affordable = _WORK / (max(loss.num_gates, 1) * 4.0**problem.num_qubits)
    points = min(max(int(affordable), _FEWEST), _MOST, len(values))
    chosen, probabilities = _draw(gradients[:points], rng)
    shifts = np.zeros((points, values.shape[1]))
    shifts[np.arange(points), chosen] = _STEP
    readings = loss.exact(np.concatenate([values[:points] + shifts, values[:points] - shifts]))
    slopes = (readings[:points] - readings[points:]) / (2 * _STEP)
    clean = gradients[np.arange(points), chosen]
    remaining = _ratio(slopes**2 / probabilities, clean**2 / probabilities, confidence)
    return NoiseDamping(remaining, points, noise_in_words(*simulator))


def _draw(gradients: FloatArray, rng: np.random.Generator) -> tuple[NDArray[np.intp], FloatArray]:
    """One parameter for each point, and the probability with which it was drawn."""
    squares = gradients**2
    totals = squares.sum(axis=1, keepdims=True)
    number = gradients.shape[1]
    shares = np.where(totals > 0, squares / np.where(totals > 0, totals, 1.0), 1 / number)
    probabilities = (1 - _EVEN) * shares + _EVEN / number
    cumulated = np.cumsum(probabilities, axis=1)
    picks = (rng.uniform(size=(len(gradients), 1)) * cumulated[:, -1:] > cumulated).sum(axis=1)
    return picks, probabilities[np.arange(len(picks)), picks]


def _ratio(noisy: FloatArray, clean: FloatArray, confidence: float) -> Estimate:
    """The ratio of two means over the same points, with the interval of its linear part on a logarithmic scale."""
    size = len(clean)
    method = f"{size} points, one derivative at each, with and without noise, {confidence:.0%}"
    if clean.mean() <= 0:
        return Estimate(math.nan, math.nan, 0.0, math.inf, method)
    value = float(noisy.mean() / clean.mean())
    if size < 3:
        return Estimate(value, math.nan, 0.0, math.inf, method)
    error = float(np.std(noisy - value * clean, ddof=1) / (math.sqrt(size) * clean.mean()))
    if value <= 0:
        return Estimate(0.0, error, 0.0, 0.0, method)
    half = float(student_t.ppf((1 + confidence) / 2, size - 1)) * error / value
    return Estimate(value, error, value * math.exp(-min(half, 700.0)), value * math.exp(min(half, 700.0)), method)
