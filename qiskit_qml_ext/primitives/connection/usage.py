"""What a connection has run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """What has been run so far.

    Attributes:
        circuits: Circuits executed; for exact results, states simulated.
        shots: Shots over all circuits; 0 for exact results.
        jobs: Jobs submitted to the sampler.
    """

    circuits: int = 0
    shots: int = 0
    jobs: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.circuits + other.circuits, self.shots + other.shots, self.jobs + other.jobs)

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.circuits - other.circuits, self.shots - other.shots, self.jobs - other.jobs)
