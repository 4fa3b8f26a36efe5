r"""Noise as a source of concentration: the spread of a kernel's entries with noise beside that of the exact kernel.

Noise moves fidelities towards one value. Global depolarising noise with the survival probability p takes the entry k to
p·k + (1-p)/2ⁿ, so the spread of the entries to p times what it was (Hubregtsen et al., arXiv:2105.02276; Thanasilp et
al., arXiv:2208.11060). The variance of measured entries is estimated without bias from products of entries that share
no sample, minus the noise of the shots.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import t as student_t

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.diagnostics.kernels.entries import KernelEntries
from qiskit_qml_ext.diagnostics.kernels.sources import Source
from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.statistics.intervals import jackknife
from qiskit_qml_ext.diagnostics.subject.limits import MAX_DENSITY_QUBITS, MAX_STATE_QUBITS
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import (
    Noise,
    noise_in_words,
    noisy_circuit,
    noisy_simulator,
)
from qiskit_qml_ext.exceptions import StateTooLargeError
from qiskit_qml_ext.kernels import ChangesTarget
from qiskit_qml_ext.primitives import connect

_SHOTS = 4096  # density matrices make shots cheap; their noise is known and taken off
FEWEST_SAMPLES = 6  # leaving out one of them must leave pairs without a common sample
_ADVICE = "mitigate errors, use fewer two-qubit gates, or better qubits"


def measured_noise(
    kernel: object, X: FloatArray, matrix: FloatArray, shots: int | IntArray, *, confidence: float = 0.95
) -> Source | None:
    """Compare a kernel that was measured with shots with the exact one on the same samples.

    Args:
        kernel: The kernel; None is returned unless it can be run exactly and fits into memory.
        X: The samples, shape (n, features), n ≥ 6.
        matrix: The matrix as it was measured, before any repair.
        shots: The shots behind each entry, at least 2, or of each its own, 0 where it is exact.
        confidence: The confidence of the interval.
    """
    if not isinstance(kernel, ChangesTarget) or np.any(np.equal(shots, 1)) or len(X) < FEWEST_SAMPLES:
        return None
    if kernel.num_qubits(X.shape[1]) > MAX_STATE_QUBITS:
        return None
    exact = kernel.exact_copy().evaluate(X)
    return _source(exact, KernelEntries.from_matrix(matrix, shots=shots), "the kernel as measured", confidence)


def simulated_noise(
    kernel: object,
    X: FloatArray,
    noise: Noise,
    *,
    num_samples: int = 16,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> Source:
    """Compare a kernel in a noisy simulation, errors of the readout included, with the exact one on the same samples.

    Args:
        kernel: A :class:`~qiskit_qml_ext.kernels.FidelityKernel`, or another kernel whose target can be changed.
        X: Samples, shape (n, features).
        noise: An Aer noise model, a noisy simulator, or a backend.
        num_samples: So many of the samples are drawn, at least 6; every pair of them is one density matrix.
        confidence: The confidence of the interval.
        seed: Seed of the choice and of the shots.

    Raises:
        TypeError: If the kernel or the noise is of the wrong kind.
        ValueError: If there are fewer than 6 samples, the device has too few qubits, or no error of the noise acts on
            the kernel's circuit.
        StateTooLargeError: If the kernel takes more than 12 qubits.
    """
    if not isinstance(kernel, ChangesTarget):
        raise TypeError(
            "Noise can be simulated for a FidelityKernel or a feature map, or for another kernel that can change its "
            f"target, not for {type(kernel).__name__}."
        )
    width = kernel.num_qubits(X.shape[1])
    if width > MAX_DENSITY_QUBITS:
        raise StateTooLargeError(
            f"Density matrices are feasible up to {MAX_DENSITY_QUBITS} qubits, but the kernel takes {width}. "
            "Ask for the effect of noise with fewer features."
        )
    if problem := narrower_device(kernel, X.shape[1], noise):
        raise ValueError(f"This noise cannot be simulated: {problem}. Use fewer features, or a wider device.")
    number = min(num_samples, len(X))
    if number < FEWEST_SAMPLES:
        raise ValueError(f"The effect of noise takes at least {FEWEST_SAMPLES} samples, but {number} came.")
    few = X[np.sort(np.random.default_rng(seed).choice(len(X), number, replace=False))]
    simulator, level = noisy_simulator(noise)
    noisy_circuit(kernel.circuit(X.shape[1]), simulator, level, seed, readout=True)  # refuses noise that cannot act
    connection = connect(simulator, shots=_SHOTS, seed=0 if seed is None else seed, optimization_level=level)
    exact = kernel.exact_copy()
    noisy = exact.with_connection(connection).evaluate(few)
    basis = f"{number} samples, {noise_in_words(simulator, level)}"
    return _source(exact.evaluate(few), KernelEntries.from_matrix(noisy, shots=_SHOTS), basis, confidence)


def narrower_device(kernel: ChangesTarget, num_features: int, noise: Noise) -> str:
    """Say that a device is too narrow for a kernel's circuit, where it is; empty if it fits."""
    simulator, level = noisy_simulator(noise)
    needed, available = kernel.circuit(num_features).num_qubits, simulator.num_qubits
    if not level or available is None or needed <= available:
        return ""
    return f"the kernel takes {needed} qubits, but {noise_in_words(simulator, level)} has {available}"


def spread_gain(exact: FloatArray, measured: KernelEntries, confidence: float) -> tuple[float, float, Estimate]:
    """Return the spread of exact and of measured entries, and their ratio.

    The error is a jackknife over the samples of the ratio of the variances, which may come out negative where noise
    leaves nothing; it is too large rather than too small (Efron and Stein, Ann. Statist. 9, 586, 1981).

    Args:
        exact: The exact matrix, shape (n, n).
        measured: The measured one.
        confidence: The confidence of the interval.
    """
    none = np.zeros_like(exact)
    clean, noisy = entry_variance(exact, none), entry_variance(measured.matrix, measured.noise)
    return (
        math.sqrt(max(clean, 0.0)),
        math.sqrt(max(noisy, 0.0)),
        _loss(entry_variance, exact, measured, confidence, power=0.5),
    )


def shots_factor(exact: FloatArray, measured: KernelEntries, confidence: float) -> Estimate:
    """Return how many times as many shots measured entries take as exact ones until their error is half of the spread.

    That is the ratio of mean[k(1-k)]/Var k: noise shrinks the spread, and changes the variance of a single shot too.
    The arguments, and how the interval is found, are those of :func:`spread_gain`.
    """
    return _loss(_signal, exact, measured, confidence, power=1.0)


def at_least(factor: Estimate) -> str:
    """Return a factor with its interval, or only its lower end if it may be anything above."""
    return f"{factor.value:.3g} {factor.interval()}" if math.isfinite(factor.high) else f"at least {factor.low:.3g}"


def _loss(
    signal: Callable[[FloatArray, FloatArray], float],
    exact: FloatArray,
    measured: KernelEntries,
    confidence: float,
    *,
    power: float,
) -> Estimate:
    """(signal of the exact entries / that of the measured ones) to a power, with the interval of a jackknife."""
    size = len(exact)
    none = np.zeros_like(exact)
    method = f"jackknife over {size} samples, {confidence:.0%}"
    clean = signal(exact, none)
    if clean <= 0:
        return Estimate(math.nan, math.nan, 0.0, math.inf, method)
    rest = [np.ix_(r, r) for r in (np.delete(np.arange(size), sample) for sample in range(size))]
    ratios = np.array([signal(measured.matrix[r], measured.noise[r]) / signal(exact[r], none[r]) for r in rest])
    ratio, error = signal(measured.matrix, measured.noise) / clean, jackknife(ratios)
    half = float(student_t.ppf((1 + confidence) / 2, size - 1)) * error
    if not math.isfinite(half):
        half = math.inf
    top, bottom = max(ratio + half, half), ratio - half
    low = top**-power if top > 0 else 0.0
    high = bottom**-power if bottom > 0 else math.inf
    if ratio <= 0:
        return Estimate(math.inf, math.nan, low, math.inf, method)
    return Estimate(ratio**-power, power * error * ratio ** (-power - 1), low, high, method)


def _signal(matrix: FloatArray, noise: FloatArray) -> float:
    """Var k/mean[k(1-k)], both without bias: the spread that one shot of each entry shows, at most 4."""
    upper = np.triu_indices(len(matrix), 1)
    variance = entry_variance(matrix, noise)
    single = float(np.mean(matrix[upper] - matrix[upper] ** 2 + noise[upper]))
    return variance / max(single, variance / 4, np.finfo(np.float64).tiny)  # no entry takes less than one shot


def entry_variance(matrix: FloatArray, noise: FloatArray) -> float:
    """Return Var k over independent pairs of samples without bias; it may come out negative.

    Args:
        matrix: The kernel matrix, shape (n, n), n ≥ 4.
        noise: The variance of each entry due to shots.
    """
    off = matrix - np.diag(np.diag(matrix))
    n, squares = len(off), float(np.sum(off**2))
    sharing = float(np.sum(off.sum(axis=1) ** 2)) - squares
    apart = float(off.sum()) ** 2 - 2 * squares - 4 * sharing  # products of entries without a common sample
    noises = float(noise.sum() - np.trace(noise))
    return (squares - noises) / (n * (n - 1)) - apart / (n * (n - 1) * (n - 2) * (n - 3))


def _source(exact: FloatArray, measured: KernelEntries, basis: str, confidence: float) -> Source:
    clean, noisy, gain = spread_gain(exact, measured, confidence)
    return Source("noise", "noise", clean, _ADVICE, noisy, gain, basis, shots_factor(exact, measured, confidence))
