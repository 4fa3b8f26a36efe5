"""Which bandwidth keeps a kernel from concentrating: closed forms for product encodings, a search for all others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from sklearn.base import clone

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.engine import gram, statevectors

Data = Literal["uniform", "normal"]
_CANDIDATES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.125, 0.09, 0.0625, 0.045, 0.03, 0.02, 0.01)


@dataclass(frozen=True)
class Bandwidth:
    """A bandwidth and what it does."""

    value: float
    """The factor on the data."""
    mean: float
    """The mean kernel entry with it."""
    standard_deviation: float
    """The standard deviation of the entries with it."""
    method: str
    """How it was found."""


@check_arguments()
def product_encoding_moments(num_qubits: int, bandwidth: float, data: Data = "uniform") -> tuple[float, float]:
    r"""Return E k and E k² of the kernel of one rotation RX or RY by c·x on each qubit.

    E k = [(1 + φ(c)²)/2]ⁿ and E k² = [3/8 + φ(c)²/2 + φ(2c)²/8]ⁿ, where φ is the characteristic function of the data:
    sin(πc)/(πc) for x uniform on [-π, π], exp(-c²/2) for standard normal x.

    Args:
        num_qubits: n.
        bandwidth: c.
        data: The distribution of each feature.

    References:
        Thanasilp et al., arXiv:2208.11060; bandwidth: Shaydulin and Wild, arXiv:2111.05451; Canatar et al.,
        arXiv:2206.06686.

    Examples:
        >>> product_encoding_moments(2, 1.0)
        (0.25, 0.140625)
    """
    if data == "uniform":
        one, two = float(np.sinc(bandwidth)), float(np.sinc(2 * bandwidth))
    else:
        one, two = math.exp(-(bandwidth**2) / 2), math.exp(-2 * bandwidth**2)
    one, two = (0.0 if abs(value) < 1e-15 else value for value in (one, two))
    return ((1 + one**2) / 2) ** num_qubits, (3 / 8 + one**2 / 2 + two**2 / 8) ** num_qubits


@check_arguments()
def product_bandwidth(num_qubits: int, *, mean: float = 0.5, data: Data = "uniform") -> Bandwidth:
    """Return the bandwidth at which a product encoding has this mean kernel entry; it falls as 1/√n.

    Args:
        num_qubits: n.
        mean: The wanted E k, between 2⁻ⁿ and 1.
        data: The distribution of each feature.

    Raises:
        ValueError: If no bandwidth in (0, 1] gives this mean.
    """
    if not product_encoding_moments(num_qubits, 1.0, data)[0] < mean < 1:
        raise ValueError(f"No bandwidth up to 1 gives the mean {mean} at {num_qubits} qubits; it is larger already.")
    value = float(brentq(lambda c: product_encoding_moments(num_qubits, c, data)[0] - mean, 1e-9, 1.0))
    first, second = product_encoding_moments(num_qubits, value, data)
    return Bandwidth(value, first, math.sqrt(second - first**2), "closed form for a product encoding")


@check_arguments()
def suggest_bandwidth(
    feature_map: FeatureMap, X: FloatArray, *, bandwidths: Sequence[float] = _CANDIDATES
) -> Bandwidth:
    """Return the factor on a map's bandwidth that spreads the entries of the exact kernel most.

    The spread is a first guess only: a bandwidth is to be tuned by cross-validation, and small ones make a kernel that
    classical ones imitate.

    Args:
        feature_map: The template; its own bandwidth is multiplied.
        X: Data, shape (n, features).
        bandwidths: The factors that are tried.

    References:
        Shaydulin and Wild, arXiv:2111.05451.
    """
    if not isinstance(feature_map, FeatureMap):
        raise TypeError(f"feature_map must be a feature map template, but a {type(feature_map).__name__} came.")
    X = np.asarray(X, dtype=np.float64)
    best: Bandwidth | None = None
    upper = np.triu_indices(len(X), 1)
    for factor in bandwidths:
        scaled = np.asarray(feature_map.bandwidth) * factor
        trial = clone(feature_map).set_params(bandwidth=float(scaled) if scaled.ndim == 0 else scaled.tolist())
        entries = gram(statevectors(trial.build(X.shape[1]), X))[upper]
        spread = float(entries.std())
        if best is None or spread > best.standard_deviation:
            best = Bandwidth(factor, float(entries.mean()), spread, f"largest spread of {len(bandwidths)} candidates")
    assert best is not None  # there is at least one candidate
    return best
