"""Where, when and with what an evaluation ran."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version

from qiskit_qml_ext._version import __version__

_PACKAGES = (
    "qiskit",
    "qiskit-aer",
    "qiskit-machine-learning",
    "qiskit-ibm-runtime",
    "scikit-learn",
    "numpy",
    "scipy",
)


@dataclass(frozen=True)
class Provenance:
    """Where, when and with what an evaluation ran."""

    started: str
    """Start, ISO 8601 with the time zone."""
    seconds: float
    """How long it took."""
    versions: Mapping[str, str]
    """Versions of Python and of the packages that matter."""
    platform: str
    """The operating system and machine."""
    command: str | None = None
    """The command line, if it was one."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary of plain values."""
        return asdict(self)


def provenance_of(started: datetime, seconds: float, command: str | None) -> Provenance:
    """Return the provenance of an evaluation that ended just now.

    Args:
        started: When it started.
        seconds: How long it took.
        command: The command line that asked for it, if it was one.
    """
    versions = {"qiskit-qml-ext": __version__, "python": platform.python_version()}
    versions.update({package: version(package) for package in _PACKAGES})
    system = f"{platform.system()} {platform.machine()}"
    return Provenance(started.isoformat(timespec="seconds"), seconds, versions, system, command)
