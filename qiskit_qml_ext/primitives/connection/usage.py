"""What a connection has run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """What has been run so far."""

    circuits: int = 0
    """Circuits executed; for exact results, states simulated."""
    shots: int = 0
    """Shots over all circuits; 0 for exact results."""
    jobs: int = 0
    """Jobs submitted to the sampler."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.circuits + other.circuits, self.shots + other.shots, self.jobs + other.jobs)

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.circuits - other.circuits, self.shots - other.shots, self.jobs - other.jobs)
