"""Before anybody is timed: is its result the same as ours?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rows import Row


def difference(row: Row, result: NDArray[Any], ours: NDArray[Any]) -> str | None:
    """Say how a peer's result differs from ours by more than the row allows, or ``None`` if it does not.

    A peer that did only a leading part of the work is compared on that part.
    """
    if row.check == "none":
        return None
    if result.ndim != ours.ndim or any(size > whole for size, whole in zip(result.shape, ours.shape, strict=True)):
        return f"its result has shape {result.shape}, ours {ours.shape}"
    ours = ours[tuple(slice(size) for size in result.shape)]
    if row.check == "binomial":
        return _beyond_shot_noise(result, ours, row.case["shots"])
    if row.check == "states":
        overlap = np.sum(ours.conj() * result, axis=1, keepdims=True)
        result = result * (overlap.conj() / np.abs(overlap))  # the global phase is a convention
    error = float(np.max(np.abs(result - ours), initial=0.0))
    if error <= row.tolerance:
        return None
    return f"its result differs by {error:.1e} from ours, more than {row.tolerance:.0e}"


def _beyond_shot_noise(result: NDArray[Any], ours: NDArray[Any], shots: int) -> str | None:
    """Two estimates of the same probability differ by at most 6 standard deviations (2e-9 for a normal variable)."""
    p = (0.5 * (result + ours) * shots + 1) / (shots + 2)
    sigmas = float(np.max(np.abs(result - ours) / np.sqrt(2 * p * (1 - p) / shots)))
    return None if sigmas <= 6 else f"its result differs by {sigmas:.1f} standard deviations from ours"
