r"""While training: is the gradient above its noise?

An estimate ĝ = ∇L + noise has E ‖ĝ‖² = ‖∇L‖² + e², with e² the sum of the squared standard errors, so that ‖ĝ‖² - e²
estimates the signal without the noise's own part. In units of e² one reading of a ratio R² = ‖∇L‖²/e² scatters by at
most √(2 + 4R²), the case of all noise in one direction. The mean over N readings of a ratio that is really 1 falls
below 1 - 1.64 √(6/N) with a probability of 5 % at most: only below that it is called smaller than 1. That is the risk
of one look. Over all looks from 20 to 200 iterations, of 400 simulated trainings at a ratio of 1 fell below once or
more: 18 % with all noise in one direction, less than 1 % in three or more. With 20 readings the limit is 0.1, above the
0 of a plateau; fewer could not tell a plateau at all.
"""

import math
from collections import deque

import numpy as np

FEWEST = 20
"""Iterations before anything is said."""

COMPARED = FEWEST // 2
"""The first losses and the last, so many each, that tell whether the loss has fallen."""

RECENT = 40
"""Iterations that tell whether it is converged now: enough for a limit of about a third."""

SEEN_ONCE = 16.7
"""‖ĝ‖²/e² of one iteration; a signal no larger than its noise exceeds it with a probability of 0.1 % at most."""

SEEN = 3.07
"""The ratio over the last FEWEST iterations; a ratio of 1 exceeds it with a probability of 0.1 % at most."""

_Z = 1.645
_FALLEN = 3.0  # standard errors by which the last losses are below the first


class SignalWatch:
    """Keeps account of the gradient's signal-to-noise ratio.

    Attributes:
        taken: What was taken down of each iteration that tells something, as :meth:`add` takes it: all that its state
            comes from.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[float, float, float]] = []
        self._readings: deque[tuple[float, float]] = deque(maxlen=RECENT)
        self._signal = self._noise = 0.0
        self._was_seen = False

    @property
    def num_iterations(self) -> int:
        """How many iterations had a gradient with a known error."""
        return len(self.taken)

    @property
    def num_recent(self) -> int:
        """Over how many of them :attr:`ratio` is: the last ones."""
        return len(self._readings)

    @property
    def ratio(self) -> float:
        """‖∇L‖/e over the last iterations, without the noise's own part; NaN before there are enough."""
        return math.sqrt(max(self._last(RECENT), 0.0)) if self.num_iterations >= FEWEST else math.nan

    @property
    def whole_ratio(self) -> float:
        """The same over all iterations."""
        return math.sqrt(max(self._signal / self._noise, 0.0)) if self.num_iterations >= FEWEST else math.nan

    @property
    def has_stalled(self) -> bool:
        """Whether the gradient has been below its noise from the beginning until now, and the loss has not fallen."""
        number = self.num_iterations
        if number < FEWEST or self._was_seen or self._noise == 0:
            return False
        is_below = self._signal / self._noise < _limit(number) and self._last(RECENT) < 1
        return is_below and not self._has_fallen()

    @property
    def has_converged(self) -> bool:
        """Whether the gradient stood out once and no longer does."""
        number = len(self._readings)
        return self._was_seen and number >= FEWEST and self._last(number) < _limit(number)

    def add(self, loss: float, norm: float | None, error: float | None) -> None:
        """Take an iteration down.

        Args:
            loss: The loss.
            norm: ‖ĝ‖, by the weights of the circuit.
            error: e; None or NaN where it is not known, and the iteration tells nothing.
        """
        if norm is None or error is None or not math.isfinite(norm) or not error > 0:
            return
        self.taken.append((float(loss), float(norm), float(error)))
        self._readings.append((norm**2 - error**2, error**2))
        self._signal += norm**2 - error**2
        self._noise += error**2
        enough = len(self._readings) >= FEWEST
        self._was_seen |= norm**2 > SEEN_ONCE * error**2 or (enough and self._last(FEWEST) > SEEN)

    def _last(self, number: int) -> float:
        """The ratio over the last iterations, as many as there are of so many."""
        readings = list(self._readings)[-number:]
        signal, noise = (sum(column) for column in zip(*readings, strict=True))
        return float(signal / noise)

    def _has_fallen(self) -> bool:
        """Whether the last losses are below the first beyond their scatter."""
        parts = (self.taken[:COMPARED], self.taken[-COMPARED:])
        first, last = (np.array([loss for loss, _, _ in part]) for part in parts)
        error = math.sqrt((first.var(ddof=1) + last.var(ddof=1)) / COMPARED)
        return bool(first.mean() - last.mean() > _FALLEN * error)


def _limit(number: int) -> float:
    """Below which the mean of so many readings says that the ratio is smaller than 1."""
    return 1 - _Z * math.sqrt(6 / number)
