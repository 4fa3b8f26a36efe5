"""The bandwidth of a kernel of projections: a number, or one over the median of squared distances.

A kernel sees the training data and, later, the test data; with a median of each it would be two kernels. So the median
is taken once, of the first samples that are compared with themselves (or of those given to ``fit``), and kept with what
it was taken of. What it cannot mean is refused: other samples compared with themselves, another feature map.
"""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import real_number, wrong_value

_ROUNDING = 1e-12  # of squared distances: those of states in single precision, whose values are known to 1e-6

MEDIAN = "median"
"""What ``gamma=`` calls the median heuristic."""


@dataclass(frozen=True, eq=False)
class MedianBandwidth:
    """A bandwidth that was found from data."""

    gamma: float
    """One over the median of the squared distances of different samples."""
    made_with: object
    """The settings that the distances depend on."""
    samples: frozenset[bytes] | None
    """The samples that it was taken of; ``None`` where ``fit`` was asked for it, for whatever comes."""


def checked_gamma(gamma: object) -> float | None:
    """Return a given bandwidth, or ``None`` for the median.

    Raises:
        ValueError: If it is not positive, or another word.
        TypeError: If it is neither a number nor a word.
    """
    if isinstance(gamma, str):
        if gamma != MEDIAN:
            raise wrong_value("gamma", f"a positive number or {MEDIAN!r}", gamma)
        return None
    return real_number("gamma", gamma, above=0.0)


def median_bandwidth(distances: FloatArray, made_with: object, samples: FloatArray | None) -> MedianBandwidth:
    """Return one over the median of squared distances.

    The bandwidth ν of exp(-D/(2ν²)) is then √(median/2), as in arXiv:1707.07269.

    Args:
        distances: Of all pairs of different samples.
        made_with: What they depend on.
        samples: What the bandwidth is for, shape (n, features); ``None`` for whatever comes.

    Raises:
        ValueError: If there is no positive median.
    """
    if not distances.size:
        raise ValueError(
            "gamma='median' needs at least two different samples to take the median of their distances. Give a number, "
            "or call fit(X) with the training data first."
        )
    median = float(np.median(distances))
    if not median > _ROUNDING:
        raise ValueError(
            f"gamma='median' needs a positive median, but that of the squared distances is {median:.2g}: most samples "
            "have the same reduced states, or too few shots to tell them apart. Give a number, or take more shots."
        )
    return MedianBandwidth(1 / median, made_with, None if samples is None else row_bytes(samples))


def known_bandwidth(
    held: MedianBandwidth | None, made_with: object, x: FloatArray, y: FloatArray | None
) -> float | None:
    """Return the bandwidth that was found before, or ``None`` where that of ``x`` is to be found now.

    Raises:
        ValueError: If it is not known for these samples and cannot be found from them.
    """
    fits = held is not None and held.made_with == made_with
    if held is not None and fits and (held.samples is None or y is not None or row_bytes(x) <= held.samples):
        return held.gamma
    if held is None or (not fits and held.samples is not None):
        if y is None:
            return None
        why = "it was not taken of any samples yet" if held is None else "the kernel's settings were changed since"
        raise ValueError(
            f"gamma='median' is not known: {why}, and samples that are compared with others do not say it. Call fit(X) "
            "with the training data (or evaluate their matrix) first, or give a number."
        )
    if not fits:
        raise ValueError(
            "gamma='median' was taken of other settings than the kernel has now (feature map, patches or debias). Call "
            "fit(X) again, or give a number."
        )
    raise ValueError(
        f"gamma='median' was taken of other samples (it is {held.gamma:.4g}), and another median would be another "
        "kernel. Call fit(X) with the training data if their median is meant for all samples, set gamma to a number, "
        "or use a clone of the kernel for other training data."
    )


def row_bytes(samples: FloatArray) -> frozenset[bytes]:
    """Return the samples as a set."""
    return frozenset(row.tobytes() for row in samples + 0.0)  # -0.0 is 0.0
