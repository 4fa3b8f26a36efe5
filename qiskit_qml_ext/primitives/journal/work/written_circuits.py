"""Circuits as bytes that any Qiskit of the same or a later release reads: a line of JSON, then QPY.

What says nothing of the work is left out: the circuit's name and its metadata, which may hold anything. A circuit that
QPY cannot hold is known by its content key, its parameters and its registers.
"""

import io
import json
import warnings
from dataclasses import dataclass
from typing import Any

import qiskit
from qiskit import QuantumCircuit, qpy

from qiskit_qml_ext.primitives.content import circuit_key, layout_key
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.primitives.journal.work.stable import digest_of

_MOST_KEPT = 64
_NAME = "circuit"


@dataclass(frozen=True)
class WrittenCircuit:
    """A circuit as it is written down."""

    part: bytes
    """The key under which it is written."""
    content: bytes
    """A line of JSON, then QPY."""


@dataclass(frozen=True)
class ReadCircuit:
    """What was written of a circuit."""

    key: str
    """Its content key."""
    parameters: tuple[str, ...]
    """The names of its parameters, in order."""
    num_qubits: int
    """Its qubits."""
    registers: dict[str, int]
    """Its classical registers with their sizes."""
    qiskit: str
    """The version of Qiskit that wrote it."""
    qpy: bytes
    """The circuit in Qiskit's own format; empty if that cannot hold it."""


class WrittenCircuits:
    """Writes circuits, each once; threads may share it."""

    def __init__(self) -> None:
        self._kept: dict[bytes, WrittenCircuit] = {}
        self._lock = Lock()

    def of(self, circuit: QuantumCircuit, key: str | None = None) -> WrittenCircuit:
        """Return a circuit as it is written down.

        Args:
            circuit: The circuit.
            key: Its content key, if it is known already.
        """
        key = circuit_key(circuit) if key is None else key
        names = [parameter.name for parameter in circuit.parameters]
        part = bytes.fromhex(digest_of([key, layout_key(circuit), names, qiskit.__version__]))[:16]
        with self._lock:
            known = self._kept.get(part)
        if known is None:
            known = WrittenCircuit(part, _content(circuit, key, names))
            with self._lock:
                while len(self._kept) >= _MOST_KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[part] = known
        return known


written_circuit = WrittenCircuits().of
"""Returns a circuit as it is written down."""


def read_circuit(content: bytes) -> ReadCircuit:
    """Read what was written of a circuit, but for its gates; see :func:`gates_of_circuit`."""
    line, _, written = content.partition(b"\n")
    about: dict[str, Any] = json.loads(line)
    return ReadCircuit(
        str(about["key"]),
        tuple(about["parameters"]),
        int(about["num_qubits"]),
        {str(name): int(size) for name, size in about["registers"].items()},
        str(about["qiskit"]),
        written,
    )


def gates_of_circuit(written: bytes) -> QuantumCircuit | None:
    """Read a circuit from QPY; ``None`` if this version of Qiskit cannot."""
    if not written:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that another version of Qiskit wrote it
            (circuit,) = qpy.load(io.BytesIO(written))
    except Exception:  # a newer format, or a class that is not installed here
        return None
    return circuit if isinstance(circuit, QuantumCircuit) else None


def _content(circuit: QuantumCircuit, key: str, names: list[str]) -> bytes:
    about = {
        "key": key,
        "parameters": names,
        "num_qubits": circuit.num_qubits,
        "registers": {register.name: register.size for register in circuit.cregs},
        "qiskit": qiskit.__version__,
    }
    return json.dumps(about).encode() + b"\n" + _qpy(circuit)


def _qpy(circuit: QuantumCircuit) -> bytes:
    plain = circuit.copy(name=_NAME)
    plain.metadata = {}
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            qpy.dump(plain, buffer)
    except Exception:  # gates of somebody's classes, whatever they raise
        return b""
    return buffer.getvalue()
