"""What the search of a trained circuit may choose from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

BATCH_SIZE = 64
"""Samples of a step. With it the time of a training does not grow with the data; the steps decide."""


class Setting(NamedTuple):
    """One way to make and train a circuit, but for the number of steps."""

    bandwidth: float
    """What the data are multiplied by before they are encoded."""
    reps: int
    """Layers of the ansatz."""
    learning_rate: float
    """Of Adam, in radians."""


@dataclass(frozen=True)
class TrainingGrid:
    """What the search of a trained circuit may choose from: as many settings as a quantum kernel has.

    The number of steps costs nothing to choose: a training passes through all of them. It takes the place of early
    stopping on samples that are put aside, which would hold back a part of training sets that are small already.
    """

    bandwidths: tuple[float, ...]
    """Values of the bandwidth, ascending: those that a quantum kernel is offered too."""
    reps: tuple[int, ...] = (1, 3)
    """Numbers of layers of the ansatz, ascending."""
    learning_rates: tuple[float, ...] = (0.1, 0.3)
    """Learning rates of Adam in radians, ascending; a smaller one with all its steps is much like fewer steps."""
    steps: tuple[int, ...] = (15, 30, 60, 120)
    """Numbers of steps of Adam, ascending."""

    def settings(self) -> Iterator[Setting]:
        """Go through all settings, the simplest first: ties are decided for the first."""
        for reps in self.reps:
            for bandwidth in self.bandwidths:
                for learning_rate in self.learning_rates:
                    yield Setting(bandwidth, reps, learning_rate)

    @property
    def num_settings(self) -> int:
        """How many settings are trained, each through all numbers of steps."""
        return len(self.bandwidths) * len(self.reps) * len(self.learning_rates)

    def to_dict(self) -> dict[str, object]:
        """Return the fields but the bandwidths as plain values, with the samples of a step."""
        names = ("reps", "learning_rates", "steps")
        return {**{name: list(getattr(self, name)) for name in names}, "batch_size": BATCH_SIZE}


def steps_of_a_pass(num_samples: int) -> int:
    """Return how many steps go once through so many samples."""
    return -(-num_samples // BATCH_SIZE)


def passes_for(steps: int, num_samples: int) -> int:
    """Return how many passes through so many samples make so many steps or a little more."""
    return -(-steps // steps_of_a_pass(num_samples))
