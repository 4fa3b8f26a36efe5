"""When a training stops before its last iteration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST_LOSSES = 4
"""Losses of which a curve can be told from noise."""
_SMOOTH = 0.8  # noise of 10 losses has a ratio of 2.0 ± 0.6
_PATIENCE = 10  # times n_iter_no_change that a loss may climb


@dataclass(frozen=True)
class StoppingRule:
    """When a training stops before its last iteration."""

    tol: float
    """An improvement of the loss by less counts as none."""
    n_iter_no_change: int
    """After so many iterations without improvement it stops."""
    watches_training: bool
    """Whether the training loss is watched, where there is no validation loss."""

    def is_moving(self, losses: Sequence[float], unchanged: int) -> bool:
        """Tell whether training losses, the last ones, still follow a smooth curve of more than ``tol``.

        An optimizer with momentum climbs before it falls again. Von Neumann's ratio of the mean squared difference of
        neighbours to the variance is 2 for noise and near 0 for a smooth curve. Of less than four losses nothing is
        said, nor of a climb that has no end after ten times ``n_iter_no_change``.

        Args:
            losses: Those of the last iterations.
            unchanged: For how many iterations the loss has not got better.

        References:
            von Neumann, Annals of Mathematical Statistics 12, 367 (1941).
        """
        last = np.array(losses)
        if len(last) < FEWEST_LOSSES or np.ptp(last) <= self.tol:
            return False
        is_smooth = bool((np.diff(last) ** 2).mean() < _SMOOTH * last.var(ddof=1))
        return is_smooth and (bool(last[-1] < last[0]) or unchanged < _PATIENCE * self.n_iter_no_change)
