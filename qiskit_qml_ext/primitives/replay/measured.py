"""What was measured in one way, found by what was asked for: the circuit that the user built, values, shots.

Not by the circuit that ran: another version of the transpiler makes another one of the same, and finds the same
results. Parameters that the transpiler dropped, since no measurement sees them, count for nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.primitives.content import renamed
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.primitives.journal.dataset.proof import observables_of
from qiskit_qml_ext.primitives.journal.dataset.reading import DataSet
from qiskit_qml_ext.primitives.journal.work.codec import UnitResult
from qiskit_qml_ext.primitives.journal.work.keys import block_key, numbered_key, row_keys, settings_key
from qiskit_qml_ext.primitives.journal.work.written_circuits import gates_of_circuit

TARGET = "replay"
"""The name of the target in the keys by which results are found."""
_MOST_KEPT = 16
_MOST_EXECUTIONS = 10_000_000


class Measured:
    """Results of a data set that were measured in one way.

    Args:
        data: The data set.
        series: Its series that are meant, by their kind: several that differ in how work was cut into jobs.
    """

    def __init__(self, data: DataSet, series: Mapping[str, Sequence[Mapping[str, Any]]]):
        self.data = data
        self.series = {one["id"]: one for group in series.values() for one in group}
        self.jobs = [job for job in data.document["jobs"] if job["series"] in self.series]
        """The jobs, those without results too."""
        last = self.series[self.jobs[-1]["series"]]
        self.target: str = last["target"]
        """The name of what measured."""
        self.run: dict[str, Any] = last["run"]
        """How it was run, the last time."""
        self._start_empty()

    def _start_empty(self) -> None:
        self._circuits = {circuit["id"]: circuit for circuit in self.data.document["circuits"]}
        self._jobs = {job["id"]: job for job in self.jobs}
        self._kept: dict[int, UnitResult] = {}
        self._lock = Lock()
        self._columns = self._common_columns()
        self._asked: dict[str, Counter[float]] = {}
        self._runs: dict[str, tuple[str, list[int]]] = {}
        self._places = self._indexed()

    @property
    def number(self) -> tuple[int, ...]:
        """The numbers of the series."""
        return tuple(sorted(self.series))

    @property
    def max_executions(self) -> tuple[int, ...]:
        """The largest numbers of executions in a job when it was measured, by which blocks were cut; the last first."""
        runs = [self.series[job["series"]]["run"] for job in reversed(self.jobs)]
        return tuple(dict.fromkeys(int(run.get("max_executions", _MOST_EXECUTIONS)) for run in runs))

    @property
    def usual_shots(self) -> int | None:
        """The shots of most rows; ``None`` if nothing was sampled."""
        counts = Counter[float]()
        for asked in self._asked.values():
            counts.update({shots: number for shots, number in asked.items() if shots >= 1})
        return int(counts.most_common(1)[0][0]) if counts else None

    def locate(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """Return the job and the position in it of those items that were measured."""
        return {key: self._places[key] for key in keys if key in self._places}

    def asked_of(self, circuit: str) -> list[float]:
        """Return the shots or precisions with which a circuit was measured; none if it was not."""
        return sorted(self._asked.get(circuit, {}))

    def full(self, circuit: str, values: FloatArray) -> FloatArray:
        """Return values of all parameters, with 0 for those that no measurement sees.

        Args:
            circuit: The circuit's name, as :func:`name_of` gives it.
            values: The values of all its parameters, shape (..., parameters).
        """
        columns = self._columns.get(circuit)
        if columns is None:
            return values
        seen = np.zeros_like(values)
        seen[..., sorted(columns)] = values[..., sorted(columns)]
        return seen

    def isa(self, circuit: QuantumCircuit, key: str) -> QuantumCircuit | None:
        """Return the circuit that ran for a circuit of the user's; ``None`` if it is not there or cannot be read.

        Args:
            circuit: The user's circuit.
            key: Its content key.
        """
        number, columns = self._runs.get(name_of(key, 1), (None, ()))
        held = None if number is None else self._circuits[number]["qpy"]
        isa = None if held is None else gates_of_circuit(self.data.file(held))
        if isa is None:
            return None
        own = circuit.parameters
        return renamed(isa, {known: own[column] for known, column in zip(isa.parameters, columns, strict=True)})

    def results(self, number: int) -> UnitResult:
        """Return the results of the job with a number.

        Raises:
            DatasetError: If its file is not what was written.
        """
        with self._lock:
            if number not in self._kept:
                while len(self._kept) >= _MOST_KEPT:
                    del self._kept[next(iter(self._kept))]
                told = self._jobs[number]
                arrays = self.data.arrays(told["file"])
                self._kept[number] = UnitResult(
                    [{name: arrays[stored] for name, stored in pub["results"].items()} for pub in told["pubs"]],
                    [pub["metadata"] for pub in told["pubs"]],
                )
            return self._kept[number]

    def _pubs(self) -> Iterable[tuple[Mapping[str, Any], int, Mapping[str, Any], str]]:
        """Yield every PUB that can be asked for: its job, its place in it, itself, the name of its circuit."""
        for job in self.jobs:
            for place, pub in enumerate(job["pubs"]):
                if "results" in pub and pub.get("circuit") is not None and pub.get("columns") is not None:
                    yield job, place, pub, name_of(self._circuits[pub["circuit"]]["key"], pub["copies"])

    def _common_columns(self) -> dict[str, set[int]]:
        """Return for each circuit the parameters that a measurement sees, however it was transpiled."""
        columns: dict[str, set[int]] = {}
        for _, _, pub, name in self._pubs():
            columns[name] = columns.get(name, set(pub["columns"])) & set(pub["columns"])
        return columns

    def _indexed(self) -> dict[bytes, tuple[int, int]]:
        places: dict[bytes, tuple[int, int]] = {}
        arrays: dict[str, AnyArray] = {}
        position, last = 0, None
        for job, place, pub, name in self._pubs():
            if job["id"] != last:
                arrays, last, position = self.data.arrays(job["file"]), job["id"], 0
            values = self._values(pub, name, arrays[pub["values"]])
            self._runs.setdefault(name, (pub["run"], pub["columns"]))
            if job["kind"] == "sampler":
                settings = settings_key(job["kind"], TARGET, {}, None, pub["shots"])
                keys = row_keys(settings, name, values)
                positions = range(position, position + len(keys))
                position += len(keys)
                asked = pub["shots"]
            else:
                settings = settings_key(job["kind"], TARGET, {}, None, pub["precision"])
                keys = [block_key(settings, name, values, observables_of(pub["observables"]), tuple(pub["shape"]))]
                positions, asked = range(place, place + 1), pub["precision"]
            self._asked.setdefault(name, Counter())[float(asked)] += len(keys)
            for key, count, where in zip(keys, pub.get("repetitions", [0] * len(keys)), positions, strict=True):
                while numbered_key(key, count) in places:  # run anew, for example after the device's gates had changed
                    count += 1
                places[numbered_key(key, count)] = (job["id"], where)
        return places

    def _values(self, pub: Mapping[str, Any], name: str, given: FloatArray) -> FloatArray:
        """Return the values of all parameters of a PUB's circuit, with 0 for those that no measurement sees."""
        number = len(pub["names"]) if pub["copies"] > 1 else len(self._circuits[pub["circuit"]]["parameters"])
        values = np.zeros((*given.shape[:-1], number))
        values[..., pub["columns"]] = given
        return self.full(name, values)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("data", "series", "target", "run", "jobs")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_empty()


def name_of(key: str, copies: int) -> str:
    """Return the name by which a circuit is looked up: its content key, and how many copies run side by side."""
    return f"{key}/{copies}"
