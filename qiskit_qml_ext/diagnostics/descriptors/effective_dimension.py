"""The effective dimension of a model: how many directions of its parameters the data can tell apart."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import InitialDistribution, UniformDistribution, data_and_weights
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result
from qiskit_qml_ext.engine import Observable, expectation_jacobian

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROUNDING = 1e-13  # derivatives of probabilities below this are what rounding leaves of 0
_SMALLEST_PROBABILITY = 1e-12  # below it an outcome carries no information that rounding would not spoil
_RESAMPLES = 400


@dataclass(frozen=True, repr=False)
class EffectiveDimension(Result):
    """The effective dimension and the Fisher spectrum of a model, from :func:`effective_dimension`."""

    value: Estimate
    """The effective dimension."""
    num_weights: int
    """The number of trainable weights, which it cannot exceed for large N."""
    num_data: float
    """The number N of data that it refers to."""
    gamma: float
    """The factor γ in (0, 1]."""
    is_local: bool
    """Whether the weights were drawn around a trained point."""
    eigenvalues: FloatArray
    """The eigenvalues of the normalised mean Fisher matrix, descending."""
    num_samples: int
    """The number of draws of the weights."""
    seed: int | None
    """The seed."""
    fisher: FloatArray = field(repr=False)
    """The normalised Fisher matrices F̂, shape (num_samples, P, P)."""

    def headline(self) -> str:
        """Return the finding in one sentence."""
        kind = "local effective dimension" if self.is_local else "effective dimension"
        return f"The {kind} is {self.value} of {self.num_weights} weights for {self.num_data:g} data."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the dimension and the share of weights without effect."""
        total = max(float(self.eigenvalues.sum()), 1e-300)
        flat = float(np.mean(self.eigenvalues < 1e-6 * self.eigenvalues.max(initial=0.0)))
        return [
            (
                "Effective dimension",
                f"{self.value.value:.3f} {self.value.interval()}",
                f"of {self.num_weights} weights",
            ),
            ("Directions without effect", f"{flat:.0%}", "eigenvalues of the Fisher matrix near 0"),
            (
                "Largest eigenvalue",
                f"{self.eigenvalues[0] / total:.0%}",
                "of the trace; near 100 %: one stiff direction",
            ),
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the eigenvalues of the mean normalised Fisher matrix."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, new_axes

        axes = new_axes(ax)
        axes.semilogy(np.arange(1, len(self.eigenvalues) + 1), np.maximum(self.eigenvalues, 1e-12), ".-", color=BLUE)
        axes.set(xlabel="direction", ylabel="eigenvalue of the Fisher matrix")
        return axes


@check_arguments()
def effective_dimension(
    circuit: QuantumCircuit,
    X: ArrayLike | None = None,
    *,
    num_data: float = 1000,
    gamma: float = 1.0,
    outcomes: ArrayLike | None = None,
    distribution: InitialDistribution | None = None,
    is_local: bool = False,
    num_samples: int = 100,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> EffectiveDimension:
    r"""Estimate the effective dimension of the model p(y | x; θ) that measures a circuit.

    d = 2 ln[mean_θ √det(1 + κ F̂(θ))]/ln κ with κ = γN/(2π ln N), F̂ = P F/mean_θ Tr F, and the classical Fisher matrix
    F = mean_x Σ_y ∂p ∂pᵀ/p of the P weights. The interval is a bootstrap over the draws of θ.

    Args:
        circuit: A circuit whose features are the vector ``"x"`` and whose other parameters are weights; without such a
            vector all parameters are weights.
        X: The data, shape (n, number of features); needed if the circuit has features.
        num_data: N, the number of data the dimension refers to.
        gamma: γ in (0, 1].
        outcomes: The label of each of the 2**n basis states, integers from 0; by default all are told apart. Parity
            labels make a binary classifier.
        distribution: The distribution of the weights; by default uniform on [0, 2π). For the local dimension a
            ``WarmStartDistribution`` around the trained weights.
        is_local: Whether the distribution is a small neighbourhood of trained weights (changes the words only).
        num_samples: The number of draws of θ, at least 2.
        confidence: The confidence of the interval.
        seed: Seed of the draws.

    Raises:
        ValueError: If γN does not exceed 2π ln N (then κ ≤ 1 and the dimension is not defined), no weight changes any
            probability (the Fisher matrix is 0 and cannot be normalised), or the shapes do not fit.

    References:
        Abbas et al., arXiv:2011.00027 and arXiv:2112.04807 (local).

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz
        >>> from qiskit_qml_ext.diagnostics import effective_dimension
        >>> dimension = effective_dimension(RealAmplitudesAnsatz(reps=1).build(2), seed=0)
        >>> bool(0 < dimension.value.value <= dimension.num_weights)
        True
    """
    kappa = _kappa(num_data, gamma)
    rng = np.random.default_rng(seed)
    matrices = _fisher_matrices(circuit, X, outcomes, distribution or UniformDistribution(), num_samples, rng)
    traces = np.trace(matrices, axis1=1, axis2=2)
    if traces.mean() <= 0:
        raise ValueError("No weight changes any probability, so the effective dimension is not defined.")
    size = matrices.shape[1]
    normalised = matrices * (size / traces.mean())
    value = _dimension(normalised, np.ones(num_samples), kappa, size, traces)
    weights = rng.multinomial(num_samples, np.full(num_samples, 1 / num_samples), size=_RESAMPLES)
    drawn = np.array([_dimension(normalised, row.astype(np.float64), kappa, size, traces) for row in weights])
    tail = (1 - confidence) / 2
    low, high = (float(q) for q in np.quantile(drawn, [tail, 1 - tail]))
    method = f"bootstrap percentiles over {num_samples} draws, {confidence:.0%}"
    return EffectiveDimension(
        value=Estimate(value, float(drawn.std(ddof=1)), low, high, method),
        num_weights=size,
        num_data=float(num_data),
        gamma=gamma,
        is_local=is_local,
        eigenvalues=np.asarray(np.linalg.eigvalsh(normalised.mean(axis=0))[::-1]),
        num_samples=num_samples,
        seed=seed,
        fisher=normalised,
    )


def _kappa(num_data: float, gamma: float) -> float:
    if not 0 < gamma <= 1:
        raise ValueError(f"gamma must lie in (0, 1], but {gamma!r} came.")
    kappa = gamma * num_data / (2 * math.pi * math.log(num_data)) if num_data > 1 else 0.0
    if kappa <= 1:
        raise ValueError(
            f"The effective dimension needs γN > 2π ln N, but γ = {gamma} and N = {num_data}. Take a larger num_data."
        )
    return kappa


def _dimension(fisher: FloatArray, weights: FloatArray, kappa: float, size: int, traces: FloatArray) -> float:
    """The dimension where draw i counts ``weights[i]`` times; the normalisation is redone for the resample."""
    scale = traces.mean() / (weights @ traces / weights.sum())
    chosen = weights > 0
    logs = 0.5 * np.linalg.slogdet(np.eye(size) + kappa * scale * fisher[chosen])[1]
    peak = logs.max()
    mean = np.sum(weights[chosen] * np.exp(logs - peak)) / weights.sum()
    return float(2 * (peak + math.log(mean)) / math.log(kappa))


def _fisher_matrices(
    circuit: QuantumCircuit,
    X: ArrayLike | None,
    outcomes: ArrayLike | None,
    distribution: InitialDistribution,
    num_samples: int,
    rng: np.random.Generator,
) -> FloatArray:
    """The Fisher matrix of each draw of the weights, averaged over the data, shape (num_samples, P, P)."""
    data, features, columns = _split(circuit, X)
    labels = np.arange(2**circuit.num_qubits) if outcomes is None else np.asarray(outcomes)
    if labels.shape != (2**circuit.num_qubits,):
        raise ValueError(f"outcomes must label all {2**circuit.num_qubits} basis states, but has shape {labels.shape}.")
    indicators: list[Observable] = [np.asarray(labels == label, dtype=np.float64) for label in np.unique(labels)]
    draws = distribution.sample(circuit, num_samples, rng)
    matrices = np.zeros((num_samples, len(columns), len(columns)))
    for sample in data:
        values = draws.copy()
        values[:, features] = sample
        likelihoods, jacobian = expectation_jacobian(circuit, values, indicators)
        p = np.asarray(likelihoods, dtype=np.float64)
        slopes = np.array(jacobian, dtype=np.float64)[:, :, columns]
        slopes[np.abs(slopes) < _ROUNDING] = 0.0
        inverse = np.where(p > _SMALLEST_PROBABILITY, 1 / np.maximum(p, _SMALLEST_PROBABILITY), 0.0)
        matrices += np.einsum("moa,mo,mob->mab", slopes, inverse, slopes) / len(data)
    return matrices


def _split(circuit: QuantumCircuit, X: ArrayLike | None) -> tuple[FloatArray, list[int], list[int]]:
    """The data, the columns of the features, and the columns of the weights."""
    data, weights = data_and_weights(circuit)
    order = list(circuit.parameters)
    if not weights:  # no vector "x": everything is a weight
        data, weights = [], data
    if not weights:
        raise ValueError("The circuit has no trainable weights.")
    samples = np.zeros((1, 0)) if X is None else np.asarray(X, dtype=np.float64)
    if samples.ndim != 2 or samples.shape[1] != len(data):
        raise ValueError(f"X has shape {samples.shape} but the circuit encodes {len(data)} features.")
    return samples, [order.index(p) for p in data], [order.index(p) for p in weights]
