"""What a connection has run."""

from dataclasses import dataclass

from qiskit_qml_ext.primitives.forks import Lock


@dataclass(frozen=True)
class Usage:
    """What has been run so far. With a journal it is what was submitted: jobs that the service failed are among it."""

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


class Meter:
    """Usage that several threads, and several views of one connection, add to."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._total = Usage()

    @property
    def total(self) -> Usage:
        """What was added so far."""
        return self._total

    def add(self, usage: Usage) -> None:
        """Add to it."""
        with self._lock:
            self._total += usage

    def __reduce__(self) -> tuple[type["Meter"], tuple[()]]:
        """Begin at nothing in another process, as one meter of all views that go there together."""
        return Meter, ()
