"""What is asked for in words that others understand: circuits, values, observables, and on what they were to run.

Keys tell work apart and cannot be read back. Here is what goes into them, written beside the units of a journal, so
that it can be exported and asked for again elsewhere.
"""

import io
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.journal.disk.records import NewInputs
from qiskit_qml_ext.primitives.journal.work.stable import digest_of
from qiskit_qml_ext.primitives.journal.work.written_circuits import written_circuit

CIRCUIT, RUN, DEVICE = "circuit", "run", "device"
"""Kinds of parts."""

_PACKAGES = (
    "qiskit",
    "qiskit-qml-ext",
    "qiskit-aer",
    "qiskit-ibm-runtime",
    "qiskit-ionq",
    "qiskit-braket-provider",
    "qiskit-aqt-provider",
    "samplomatic",
    "numpy",
)


@dataclass(frozen=True)
class Source:
    """What a circuit in a target's own gates was made of."""

    circuit: QuantumCircuit
    """The circuit that the user built."""
    key: str
    """Its content key."""
    names: tuple[str, ...]
    """The names of the parameters of the work, in the order of their values: those of the circuit, for each copy."""
    columns: tuple[int, ...] | None
    """Which of these each parameter of the circuit that runs is; ``None`` if it has others."""
    copies: int = 1
    """How many copies run side by side."""

    @classmethod
    def itself(cls, circuit: QuantumCircuit) -> "Source":
        """Return the source of a circuit that was made of no other."""
        names = tuple(parameter.name for parameter in circuit.parameters)
        return cls(circuit, circuit_key(circuit), names, tuple(range(len(names))))

    def of(self, isa: QuantumCircuit) -> "Source":
        """Return the same as the source of a circuit that was made of it, whose parameters have the same names."""
        place = {name: column for column, name in enumerate(self.names)}
        columns = [place.get(parameter.name, -1) for parameter in isa.parameters]
        return replace(self, columns=None if -1 in columns else tuple(columns))


@dataclass(frozen=True)
class Provenance:
    """Where the work of a journaled primitive comes from and on what it runs, as far as keys do not say it."""

    source: Callable[[QuantumCircuit], Source] = Source.itself
    """Returns what a circuit was made of."""
    device: Callable[[], DeviceTarget | None] = lambda: None
    """Returns what the device says of its qubits and gates."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """How circuits are run, as JSON values: the seed, the connection's settings, what its target says of itself."""

    def of(self, **settings: Any) -> "Provenance":
        """Return the same, with further settings."""
        return replace(self, settings={**self.settings, **settings})

    def written(self) -> tuple[bytes, bytes]:
        """Return how circuits are run as JSON, with the versions of packages, and a key for it."""
        content = json.dumps({**self.settings, "versions": versions()}, sort_keys=True).encode()
        return bytes.fromhex(digest_of(content.decode()))[:16], content


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide about results."""
    there = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            there[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return there


def device_part(target: str, calibration: str | None, settings: Mapping[str, Any]) -> bytes:
    """Return the key under which it is written what a device reported.

    Args:
        target: The target's name.
        calibration: When it was calibrated, if that is known.
        settings: The settings of a unit; of what runs on this machine, they hold a digest of the reported errors.
    """
    return bytes.fromhex(digest_of([DEVICE, target, calibration, settings.get("content")]))[:16]


class InputsWriter:
    """Collects what the PUBs of one unit were asked for.

    Args:
        provenance: Where the work comes from.
    """

    def __init__(self, provenance: Provenance):
        self._provenance = provenance
        self._arrays: dict[str, AnyArray] = {}
        self._pubs: list[dict[str, Any]] = []
        self._parts: dict[bytes, tuple[str, bytes]] = {}

    def add(self, circuit: QuantumCircuit, values: FloatArray, repetitions: Sequence[int], **others: Any) -> None:
        """Add a PUB.

        Args:
            circuit: The circuit that runs.
            values: Its parameters' values, shape (..., number of its parameters).
            repetitions: The number of repetition of each of its items.
            **others: What else belongs to it, as JSON values.
        """
        source = self._provenance.source(circuit)
        written, run = written_circuit(source.circuit, source.key), written_circuit(circuit)
        self._parts |= {one.part: (CIRCUIT, one.content) for one in (written, run)}
        self._arrays[f"values{len(self._pubs)}"] = values
        self._pubs.append(
            {
                "circuit": written.part.hex(),
                "run": run.part.hex(),
                "copies": source.copies,
                "columns": None if source.columns is None else list(source.columns),
                **({"names": list(source.names)} if source.copies > 1 else {}),
                **({"repetitions": list(repetitions)} if any(repetitions) else {}),
                **others,
            }
        )

    def inputs(self) -> NewInputs:
        """Return what was collected."""
        key, content = self._provenance.written()
        buffer = io.BytesIO()
        np.savez(buffer, **self._arrays)  # type: ignore[arg-type]
        return NewInputs(
            buffer.getvalue(), {"run": key.hex(), "pubs": self._pubs}, {**self._parts, key: (RUN, content)}
        )
