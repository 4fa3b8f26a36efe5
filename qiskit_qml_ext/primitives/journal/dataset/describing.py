"""What a data set says of a journal: its document, and the arrays, circuits and devices that it names."""

import io
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from qiskit_qml_ext.arrays import AnyArray
from qiskit_qml_ext.primitives.journal.dataset.layout import (
    CIRCUITS,
    DEVICES,
    FORMAT,
    JOBS,
    SCHEMA_VERSION,
    without_limits,
)
from qiskit_qml_ext.primitives.journal.dataset.proof import belongs_to, options_of_unit
from qiskit_qml_ext.primitives.journal.disk.records import DONE, Unit
from qiskit_qml_ext.primitives.journal.disk.schema import KEYS_FORMULA
from qiskit_qml_ext.primitives.journal.work.codec import BadResultError, UnitResult, decode
from qiskit_qml_ext.primitives.journal.work.inputs import device_part
from qiskit_qml_ext.primitives.journal.work.stable import digest_of
from qiskit_qml_ext.primitives.journal.work.written_circuits import gates_of_circuit, read_circuit
from qiskit_qml_ext.primitives.targets.checked_primitives import SAMPLER

_NOT_OF_THE_WORK = ("circuit_metadata", "session_id", "job_id", "units")
"""What the metadata of a result may hold that is the user's own, or the account's."""


class Exportable(Protocol):
    """What is needed of a journal."""

    def units(self, ids: Iterable[int] | None = None) -> list[Unit]:
        """Return its units."""

    def results(self, unit: int) -> tuple[bytes, dict[str, Any]] | None:
        """Return a unit's results, if they are there and sound."""

    def inputs(self, unit: Unit) -> tuple[bytes, dict[str, Any]] | None:
        """Return what a unit was asked for, if that is there and sound."""

    def has_part(self, key: bytes) -> bool:
        """Tell whether something that units share is on record, sound or not."""

    def part(self, key: bytes) -> bytes | None:
        """Return what units share, if that is there and sound."""


@dataclass
class Description:
    """A data set in memory."""

    document: dict[str, Any]
    """What was asked for and measured, but for the arrays."""
    files: dict[str, bytes] = field(default_factory=dict)
    """All other files but the texts, by name."""
    missing: list[str] = field(default_factory=list)
    """What of the journal is not in it, in sentences."""
    num_results: int = 0
    """Units whose results are in it."""
    num_replayable: int = 0
    """Units of which also what was asked for is in it, so that they can be asked for again."""


class Describer:
    """Makes the description of a journal.

    Args:
        journal: The journal.
        job_ids: Whether the service's names of the jobs go into it.
    """

    def __init__(self, journal: Exportable, *, job_ids: bool):
        self._journal = journal
        self._job_ids = job_ids
        self._circuits: dict[str, dict[str, Any]] = {}
        self._devices: dict[bytes, str | None] = {}
        self._series: dict[str, dict[str, Any]] = {}
        self._software: list[dict[str, str]] = []
        self._made = Description({})

    def describe(self) -> Description:
        """Go through all units."""
        jobs = [self._job(unit) for unit in self._journal.units()]
        dates = [str(job["finished"]) for job in jobs if job["finished"]]  # for the reader
        self._made.document = {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            "keys_formula": KEYS_FORMULA,
            "measured_until": max(dates, default=None),
            "series": list(self._series.values()),
            "software": self._software,
            "circuits": list(self._circuits.values()),
            "devices": sorted({name for name in self._devices.values() if name}),
            "jobs": jobs,
        }
        return self._made

    def _job(self, unit: Unit) -> dict[str, Any]:
        about: dict[str, Any] = {
            "id": unit.id,
            "kind": unit.kind,
            "state": unit.state,
            "executions": unit.executions,
            "submitted": _date(unit.submitted or unit.started),
            "finished": _date(unit.finished),
            "calibration": unit.calibration,
            "qpu_seconds": unit.usage_seconds,
            **({"job": unit.job} if self._job_ids else {}),
        }
        run, pubs, arrays = self._asked_for(unit)
        versions = dict(run.pop("versions", {}))
        about |= {
            "series": self._series_of(unit, run),
            "software": None if not versions else self._software_of(versions),
            "device": self._device_of(unit),
            "pubs": pubs,
            "file": None,
        }
        result = self._result_of(unit)
        if result is not None:
            for place, (fields, said) in enumerate(zip(result.pubs, result.metadata, strict=True)):
                if place == len(pubs):
                    pubs.append({"circuit": None})
                pubs[place]["results"] = {name: f"pub{place}_{name}" for name in fields}
                pubs[place]["metadata"] = _of_the_work(said)
                arrays |= {f"pub{place}_{name}": array for name, array in fields.items()}
            self._made.num_results += 1
            self._made.num_replayable += all(
                pub.get("circuit") is not None and pub.get("columns") is not None for pub in pubs
            )
        if arrays:
            about["file"] = f"{JOBS}/{unit.id}.npz"
            self._made.files[about["file"]] = _npz(arrays)
        return about

    def _asked_for(self, unit: Unit) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, AnyArray]]:
        """Return how a unit ran, its PUBs and their values; nothing where that is not on record."""
        stored = self._journal.inputs(unit)
        if stored is None:
            if not unit.is_unrecorded:
                self._made.missing.append(f"Of job {unit.id} it is not on record what was asked for.")
            return {}, [], {}
        packed, about = stored
        with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
            values = [archive[f"values{place}"] for place in range(len(about["pubs"]))]
        how = self._journal.part(bytes.fromhex(about["run"]))
        if how is None:
            self._made.missing.append(f"How job {unit.id} was run is not on record.")
            return {}, [], {}
        run = json.loads(how)
        if not belongs_to(unit, about["pubs"], values, run.get("seed")):
            self._made.missing.append(f"What job {unit.id} is said to have been asked for is not what it was.")
            return {}, [], {}
        pubs = []
        for place, (said, layout) in enumerate(zip(about["pubs"], unit.layout, strict=True)):
            others = {name: one for name, one in said.items() if name not in ("circuit", "run")}
            registers = {"registers": layout["registers"]} if "registers" in layout else {}
            pubs.append(
                {
                    "circuit": self._circuit_of(said["circuit"], unit),
                    "run": self._circuit_of(said["run"], unit),
                    "values": f"values{place}",
                    **others,
                    **registers,
                }
            )
        return run, pubs, {f"values{place}": array for place, array in enumerate(values)}

    def _result_of(self, unit: Unit) -> UnitResult | None:
        if unit.state != DONE:
            self._made.missing.append(f"Job {unit.id} is {unit.state}: it has no results yet.")
            return None
        stored = self._journal.results(unit.id)
        try:
            if stored is None:
                raise BadResultError("it does not match its checksum")
            return decode(*stored, unit.layout or None)
        except BadResultError as error:
            self._made.missing.append(f"The result of job {unit.id} is damaged: {error}.")
            return None

    def _series_of(self, unit: Unit, run: Mapping[str, Any]) -> int:
        """Return the number of those units that were run in the same way.

        Rows of a sampler are found however they were cut into jobs; blocks of an estimator are what they were cut to.
        Of several limits of a sampler's jobs the last one is said.
        """
        options = options_of_unit(unit.settings)
        key = digest_of([unit.kind, unit.target, options, without_limits(run) if unit.kind == SAMPLER else run])
        if key not in self._series:
            number = len(self._series) + 1
            self._series[key] = {
                "id": number,
                "kind": unit.kind,
                "target": unit.target,
                "options": options,
            }
        self._series[key]["run"] = dict(run)
        return int(self._series[key]["id"])

    def _software_of(self, versions: dict[str, str]) -> int:
        if versions not in self._software:
            self._software.append(versions)
        return self._software.index(versions)

    def _circuit_of(self, part: str, unit: Unit) -> str | None:
        if part in self._circuits:
            return str(self._circuits[part]["id"])
        content = self._journal.part(bytes.fromhex(part))
        if content is None:
            self._made.missing.append(f"A circuit of job {unit.id} is not on record.")
            return None
        circuit = read_circuit(content)
        name = f"c{len(self._circuits) + 1}"
        files = {"qpy": circuit.qpy, "qasm": _qasm(circuit.qpy)}
        self._circuits[part] = {
            "id": name,
            "key": circuit.key,
            "parameters": list(circuit.parameters),
            "num_qubits": circuit.num_qubits,
            "registers": circuit.registers,
            "qiskit": circuit.qiskit,
            **{kind: f"{CIRCUITS}/{name}.{kind}" if held else None for kind, held in files.items()},
        }
        self._made.files |= {f"{CIRCUITS}/{name}.{kind}": held for kind, held in files.items() if held}
        return name

    def _device_of(self, unit: Unit) -> str | None:
        part = device_part(unit.target, unit.calibration, unit.settings)
        if part not in self._devices:
            content = self._journal.part(part)
            name = f"{DEVICES}/{sum(one is not None for one in self._devices.values()) + 1}.json"
            self._devices[part] = None if content is None else name
            if content is None and self._journal.has_part(part):
                self._made.missing.append(f"What the device of job {unit.id} reported is damaged.")
            if content is not None:
                self._made.files[name] = json.dumps(json.loads(content), indent=1).encode() + b"\n"
        return self._devices[part]


def _of_the_work(said: Any) -> Any:
    """Return metadata without what is the user's own or the account's, at any depth."""
    if isinstance(said, dict):
        return {name: _of_the_work(one) for name, one in said.items() if name not in _NOT_OF_THE_WORK}
    return [_of_the_work(one) for one in said] if isinstance(said, list) else said


def _qasm(written: bytes) -> bytes:
    """Return a circuit in OpenQASM 3; nothing if it has no such form."""
    from qiskit import qasm3

    circuit = gates_of_circuit(written)
    if circuit is None:
        return b""
    try:
        return qasm3.dumps(circuit).encode() + b"\n"
    except Exception:  # gates that OpenQASM has no words for
        return b""


def _npz(arrays: dict[str, AnyArray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _date(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
