"""What a call of ``run`` asks for, cut into items; and how items become the PUBs of a unit and results again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from qiskit import QuantumCircuit
from qiskit.primitives.containers import PrimitiveResult

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.primitives.journal.disk.records import NewInputs, NewUnit
from qiskit_qml_ext.primitives.journal.work.codec import UnitResult

Identify = Callable[[QuantumCircuit], str]
"""Returns the content key under which a circuit is known."""

Approve = Callable[[Sequence[tuple[QuantumCircuit, int]]], None]
"""Gets circuits with their executions before they are submitted, and may refuse with an exception."""

Count = Callable[[int, int], None]
"""Takes note of the circuits and the executions of a job that was submitted."""

Placement = Callable[[QuantumCircuit], Sequence[int] | None]
"""Returns the physical qubit of each of a circuit's own qubits, or ``None`` if they are the same."""

_GATE_BYTES = 60  # of a gate in a job's payload; measured on 127-qubit ISA circuits
_VALUE_BYTES = 11  # of a parameter value in base64


@dataclass(frozen=True)
class Item:
    """The smallest piece of work."""

    key: bytes
    """Its content key."""
    pub: int
    """The PUB of the request that it belongs to."""
    circuits: int
    """How many circuits it takes, for exact results how many states."""
    executions: int
    """Circuits times the shots that they get, 0 for exact results."""
    payload: int
    """Its bytes in a job's payload, without the circuit."""
    shots: float
    """Shots (sampler) or precision (estimator) that are asked for; a unit holds items of one kind only."""


class Request(Protocol):
    """A request of a sampler or an estimator."""

    kind: str
    items: list[Item]
    pubs: list[Any]

    def build(self, keys: Sequence[bytes]) -> list[Any]:
        """Return the PUBs of a unit with these items."""

    def layout(self, keys: Sequence[bytes]) -> list[dict[str, Any]]:
        """Return the shapes that the result of such a unit must have, one entry for each PUB."""

    def inputs(self, keys: Sequence[bytes]) -> NewInputs:
        """Return what such a unit is asked for, in words that others understand."""

    def halves(self, keys: Sequence[bytes]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]] | None:
        """Cut a unit into two, or return ``None`` if it is one circuit that cannot be cut."""

    def calibration(self, shots: float) -> int:
        """Return the executions of a job that only calibrate, at these shots (sampler) or precision (estimator)."""

    def refine(self, known: Callable[[Sequence[bytes]], Iterable[bytes]]) -> None:
        """Cut items where an earlier run had to cut them: where the journal knows the parts but not the whole."""

    def give_back(self) -> None:
        """Free the numbers of repetition that this request took, because it came to nothing."""

    def assemble(
        self, places: dict[bytes, tuple[int, int]], results: dict[int, UnitResult], metadata: dict[str, Any]
    ) -> PrimitiveResult[Any]:
        """Put the units' results together into what the caller expects."""


def pack(
    request: Request,
    places: Sequence[int],
    *,
    target: str,
    options: dict[str, Any],
    max_executions: int,
    max_bytes: int,
) -> list[NewUnit]:
    """Pack items into as few units as the limits allow, in order.

    Args:
        request: Whose items they are.
        places: The items' places in ``request.items``.
        target: The target's name.
        options: The options, for the record.
        max_executions: The largest number of circuits times shots in a unit.
        max_bytes: The largest payload of a unit.
    """
    by_shots: dict[float, list[int]] = {}
    for place in places:
        by_shots.setdefault(request.items[place].shots, []).append(place)
    units = []
    for shots, members in by_shots.items():
        name = "shots" if request.kind == "sampler" else "precision"
        settings = {name: int(shots) if request.kind == "sampler" else shots, **options}
        units += [
            new_unit(request, [request.items[place] for place in group], target, settings)
            for group in _groups(request, members, max_executions, max_bytes)
        ]
    return units


def new_unit(request: Request, items: Sequence[Item], target: str, settings: dict[str, Any]) -> NewUnit:
    """Describe a unit of the given items."""
    keys = tuple(item.key for item in items)
    executions = sum(item.executions for item in items) + request.calibration(items[0].shots)
    return NewUnit(keys, request.kind, target, settings, request.layout(keys), executions, request.inputs(keys))


def _groups(request: Request, places: Sequence[int], max_executions: int, max_bytes: int) -> list[list[int]]:
    groups: list[list[int]] = []
    most = max_executions - request.calibration(request.items[places[0]].shots)
    executions, payload, last_pub = 0, 0, -1
    for place in places:
        item = request.items[place]
        extra = item.payload + (circuit_bytes(request, item.pub) if item.pub != last_pub else 0)
        if not groups or executions + item.executions > most or payload + extra > max_bytes:
            groups.append([])
            executions, payload = 0, 0
            extra = item.payload + circuit_bytes(request, item.pub)
        groups[-1].append(place)
        executions += item.executions
        payload += extra
        last_pub = item.pub
    return groups


def circuit_bytes(request: Any, pub: int) -> int:
    """Estimate a circuit's bytes in a job's payload."""
    return _GATE_BYTES * len(request.pubs[pub].circuit.data)


def value_bytes(values: FloatArray) -> int:
    """Estimate the bytes of parameter values in a job's payload."""
    return _VALUE_BYTES * int(values.size)
