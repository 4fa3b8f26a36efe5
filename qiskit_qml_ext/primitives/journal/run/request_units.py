"""The units of one request: planned, read, built, and halved where they are too large."""

import hashlib
from collections.abc import Sequence
from typing import Any

from qiskit import QuantumCircuit

from qiskit_qml_ext.primitives.journal.disk.records import DONE, PLANNED, NewUnit, Unit
from qiskit_qml_ext.primitives.journal.run.context import RunContext
from qiskit_qml_ext.primitives.journal.run.reconcile import cut_to
from qiskit_qml_ext.primitives.journal.store.local_work import died_with_its_process
from qiskit_qml_ext.primitives.journal.store.ownership import Liveness
from qiskit_qml_ext.primitives.journal.work.requests import Item, Request, new_unit, pack


class RequestUnits:
    """Where the items of a request are in the journal.

    Args:
        run: What the run works with.
        request: The items.
    """

    def __init__(self, run: RunContext, request: Request):
        self._run = run
        self._request = request
        self._keys: dict[int, tuple[bytes, ...]] = {}
        self._done: dict[int, Unit] = {}
        self.places: dict[bytes, tuple[int, int]] = {}
        """The unit of each item and the position in it."""

    def __contains__(self, unit: int) -> bool:
        return unit in self._keys

    def plan(self, *, revive: bool) -> None:
        """See that every item belongs to a unit that is on the disk.

        Args:
            revive: Whether failed units get a new chance.
        """
        self._request.refine(self._run.journal.locate)
        self.places = self._run.journal.ensure_units(
            [item.key for item in self._request.items],
            lambda places: pack(
                self._request,
                places,
                target=self._run.service.target,
                options=self._run.service.options,
                max_executions=self._run.policy.max_executions,
                max_bytes=self._run.policy.max_bytes,
            ),
            revive=revive,
        )
        members: dict[int, list[tuple[int, bytes]]] = {}
        for key, (unit, position) in self.places.items():
            members.setdefault(unit, []).append((position, key))
        self._keys = {unit: tuple(key for _, key in sorted(placed)) for unit, placed in members.items()}

    def read(self) -> list[Unit]:
        """Return the units; those that are done do not change and are not read again."""
        left = self._run.journal.units(unit for unit in self._keys if unit not in self._done)
        self._done.update({unit.id: unit for unit in left if unit.state == DONE})
        by_number = {unit.id: unit for unit in [*self._done.values(), *left]}
        return [by_number[number] for number in sorted(by_number) if number in self._keys]

    def forget(self, unit: int) -> None:
        """Read a unit again that was done and is not any more."""
        self._done.pop(unit)

    def has_planned(self) -> bool:
        """Tell whether anything is left to be submitted."""
        return any(unit.state == PLANNED for unit in self._run.journal.units(self._keys))

    def unsubmitted(self) -> list[tuple[QuantumCircuit, int]]:
        """Return the circuits that nobody has submitted yet, or whose jobs died, with their executions."""
        units = self._run.journal.units(self._keys)
        planned = {unit.id for unit in units if unit.state == PLANNED}
        if not self._run.service.is_durable:
            liveness = Liveness(self._run.journal)
            planned |= {unit.id for unit in units if died_with_its_process(unit, liveness)}
        return self._work([item for item in self._request.items if self.places[item.key][0] in planned])

    def _work(self, items: Sequence[Item]) -> list[tuple[QuantumCircuit, int]]:
        """Return circuits with their executions; what a unit calibrates with stands with the first of its circuits."""
        executions, seen = dict[int, int](), set[int]()
        for item in items:
            unit = self.places[item.key][0]
            calibration = 0 if unit in seen else self._request.calibration(item.shots)
            executions[item.pub] = executions.get(item.pub, 0) + item.executions + calibration
            seen.add(unit)
        return [(self._request.pubs[pub].circuit, number) for pub, number in executions.items()]

    def pubs(self, unit: Unit) -> list[Any] | None:
        """Return a unit's PUBs, or ``None`` if this request does not have all of its items."""
        keys = self._keys.get(unit.id, ())
        return self._request.build(keys) if len(keys) == unit.num_items else None

    def work_of(self, unit: Unit) -> list[tuple[QuantumCircuit, int]]:
        """Return a unit's circuits with their executions, as far as this request has them."""
        wanted = set(self._keys.get(unit.id, ()))
        return self._work([item for item in self._request.items if item.key in wanted])

    def circuits_of(self, unit: Unit) -> int:
        """Return how many circuits a unit takes, as far as this request has them."""
        wanted = set(self._keys.get(unit.id, ()))
        return sum(item.circuits for item in self._request.items if item.key in wanted)

    def seed_of(self, unit: Unit) -> int | None:
        """Derive a unit's seed from its content, so that its counts do not depend on what ran before."""
        if self._run.seed is None:
            return None
        content = self._run.seed.to_bytes(16, "little") + b"".join(self._keys.get(unit.id, ()))
        return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little") % 2**31

    def halve(self, unit: Unit, reason: str) -> None:
        """Cut a unit in two, or write down that it failed if that cannot be done.

        Args:
            unit: A unit that is too large.
            reason: The service's words.
        """
        keys = self._keys.get(unit.id, ())
        halves = self._request.halves(keys) if len(keys) == unit.num_items else None
        if halves is None:
            advice = "One circuit with its shots is more than a job may have: use fewer shots or less precision."
            self._run.journal.fail(unit.id, owner=self._run.owner, outcome="rejected", reason=f"{reason} {advice}")
            return
        parts = self._parts(unit, [half for half in halves if half])
        self._run.journal.split(unit.id, parts, owner=self._run.owner, reason=reason)
        self.plan(revive=False)

    def recut(self, contents: set[bytes]) -> bool:
        """Halve planned units as a run did whose record is lost, where that makes units with these contents."""
        changed = False
        for unit in self._run.journal.units(self._keys):
            keys = self._keys[unit.id]
            if unit.state != PLANNED or len(keys) != unit.num_items:
                continue
            parts = cut_to(keys, contents)
            if parts is not None and len(parts) > 1:
                changed |= self._run.journal.cut(unit.id, self._parts(unit, parts))
        if changed:
            self.plan(revive=False)
        return changed

    def _parts(self, unit: Unit, parts: Sequence[Sequence[bytes]]) -> list[NewUnit]:
        """Describe units of the items with these keys, in place of another one."""
        items = {item.key: item for item in self._request.items}
        return [new_unit(self._request, [items[key] for key in keys], unit.target, unit.settings) for keys in parts]
