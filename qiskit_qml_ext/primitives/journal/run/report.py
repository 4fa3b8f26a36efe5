"""What a run did, and what it waits for."""

from dataclasses import dataclass, field

from qiskit_qml_ext.primitives.journal.disk.records import Duplicate


@dataclass
class Report:
    """What a run did."""

    submitted: int = 0
    """Jobs that this run submitted."""
    executions: int = 0
    """Circuits times shots in them."""
    adopted: list[str] = field(default_factory=list)
    """Jobs that the journal's file did not know and that were taken over instead of submitting the same."""
    calibrations: list[str] = field(default_factory=list)
    """When the device was calibrated, over all units of the result."""
    duplicates: list[Duplicate] = field(default_factory=list)
    """Jobs for this work that nobody waits for: the service made them twice, or a copy of the file did."""
    unknown: list[str] = field(default_factory=list)
    """Jobs of the journal that the file does not know and that match none of its work: a copy of the file made them, or
    this one before it lost work. What they executed is not counted here."""
    unlisted: str | None = None
    """Why the service could not be asked at the end for jobs that nobody waits for; ``None`` if it was, or if there was
    no need."""
    waiting_for: str | None = None
    """What the run waits for now, ``None`` if it does not wait: jobs of the service, another process that works on a
    part, the limit on submissions."""
