r"""How much of the squared gradient noise leaves, from few derivatives.

The gradient without noise is known at every point at the price of two passes. With noise every derivative costs two
density matrices, so at each of M points θ only one parameter k is looked at, drawn with a probability p_k that follows
the squared derivatives without noise, (1-ε)(∂_kC)²/‖∇C‖² + ε/P. Then (∂_kC̃)²/p_k is an unbiased estimate of ‖∇C̃(θ)‖²,
the squared gradient with noise, and (∂_kC)²/p_k one of ‖∇C(θ)‖². The ratio of their means over the points is what noise
leaves; where noise damps all derivatives alike, it does not scatter at all.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from qiskit.quantum_info import SparsePauliOp
from scipy.stats import t as student_t

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.statistics.intervals import jackknife
from qiskit_qml_ext.diagnostics.subject.limits import MAX_DENSITY_QUBITS
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import (
    Noise,
    NoisyLoss,
    noise_in_words,
    noisy_simulator,
    pauli_sum,
)
from qiskit_qml_ext.diagnostics.subject.observables import centred
from qiskit_qml_ext.diagnostics.subject.problem import Problem
from qiskit_qml_ext.diagnostics.trainability.readings import exact_loss_and_gradient
from qiskit_qml_ext.engine.observables import size_of
from qiskit_qml_ext.exceptions import StateTooLargeError
from qiskit_qml_ext.primitives import connect

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
    noise: Noise,
    *,
    num_samples: int = 60,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> NoiseDamping:
    """Estimate the ratio of the squared gradient with noise to that without.

    Density matrices give exact expectation values, without shot noise; errors of the readout are left out. How many of
    the points are used follows from the size of the circuit, not from the clock, so that the same seed gives the same
    numbers.

    Args:
        problem: The circuit with at least one parameter, the observable and the distribution of the angles.
        noise: The noise.
        num_samples: The most points to use; never more than 60.
        confidence: The confidence of the interval.
        seed: Seed of the angles and of the choice of parameters.

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
    # Qiskit's estimators take coefficients below 1e-8 for nothing, and differences lose digits to a constant
    rest, _ = centred(pauli_sum(problem.observable))
    unit = size_of(rest)
    operator = pauli_sum(rest) / unit if unit else SparsePauliOp("I" * problem.num_qubits)
    problem = replace(problem, observable=operator)
    loss = NoisyLoss(problem.circuit, operator, simulator, seed=seed)
    affordable = _WORK / (max(loss.num_gates, 1) * 4.0**problem.num_qubits)
    points = min(max(int(affordable), _FEWEST), _MOST, num_samples)
    rng = np.random.default_rng(seed)
    values = problem.sample(points, rng)
    gradients = exact_loss_and_gradient(problem, values, connect())[1]
    chosen, probabilities = _draw(gradients, rng)
    shifts = np.zeros_like(values)
    shifts[np.arange(points), chosen] = _STEP
    readings = loss.exact(np.concatenate([values + shifts, values - shifts]))
    slopes = (readings[:points] - readings[points:]) / (2 * _STEP)
    clean = gradients[np.arange(points), chosen]
    remaining = ratio_of_means(slopes**2 / probabilities, clean**2 / probabilities, confidence)
    return NoiseDamping(remaining, points, noise_in_words(*simulator))


def _draw(gradients: FloatArray, rng: np.random.Generator) -> tuple[IndexArray, FloatArray]:
    """One parameter for each point, and the probability with which it was drawn."""
    squares = gradients**2
    totals = squares.sum(axis=1, keepdims=True)
    number = gradients.shape[1]
    shares = np.where(totals > 0, squares / np.where(totals > 0, totals, 1.0), 1 / number)
    probabilities = (1 - _EVEN) * shares + _EVEN / number
    cumulated = np.cumsum(probabilities, axis=1)
    picks = (rng.uniform(size=(len(gradients), 1)) * cumulated[:, -1:] > cumulated).sum(axis=1)
    return picks, probabilities[np.arange(len(picks)), picks]


def ratio_of_means(noisy: FloatArray, clean: FloatArray, confidence: float) -> Estimate:
    """Return the ratio of two means over the same points, with a jackknife on a logarithmic scale.

    Student's t has the degrees of freedom of the effective number of points, (Σw)²/Σw² with w = ``clean`` (Kish, Survey
    Sampling, 1965): where a few points carry the mean, their number counts.

    Args:
        noisy: Not negative, shape (M,).
        clean: Not negative, same shape.
        confidence: The confidence of the interval.
    """
    size, total = len(clean), float(clean.sum())
    method = f"{size} points, one derivative at each, with and without noise, {confidence:.0%}"
    if total <= 0:
        return Estimate(math.nan, math.nan, 0.0, math.inf, method)
    value = float(noisy.sum()) / total
    others = total - clean
    if np.any(others <= 0):  # one point carries everything
        return Estimate(value, math.nan, 0.0, math.inf, method)
    error = jackknife((noisy.sum() - noisy) / others)
    if value <= 0:
        return Estimate(0.0, error, 0.0, 0.0, method)
    freedom = max(total**2 / float(np.sum(clean**2)) - 1, 1.0)
    half = min(float(student_t.ppf((1 + confidence) / 2, freedom)) * error / value, 700.0)
    half = half if math.isfinite(half) else 700.0
    return Estimate(value, error, value * math.exp(-half), value * math.exp(half), method)
