"""A sampler's request: every circuit with one vector of parameter values is an item."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from qiskit.primitives.containers import BitArray, DataBin, PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.primitives.journal.disk.records import NewInputs
from qiskit_qml_ext.primitives.journal.work.codec import BadResultError, UnitResult
from qiskit_qml_ext.primitives.journal.work.inputs import InputsWriter, Provenance
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions, row_keys, settings_key
from qiskit_qml_ext.primitives.journal.work.requests import Identify, Item, value_bytes
from qiskit_qml_ext.primitives.pricing.twirled_shots import twirled_shots


class SamplerRequest:
    """The items of one call of a sampler's ``run``.

    Args:
        pubs: The PUBs, each with its shots.
        target: The target's name.
        options: The options that are not defaults.
        seed: The user's seed.
        identify: Gives a circuit's content key.
        repetitions: What was asked before.
        more_shots: Whether twirling, where it is on, rounds shots up: more run and come back than are asked for.
        provenance: Where the work comes from.

    Raises:
        ValueError: If fewer shots would run than are asked for.
    """

    kind = "sampler"

    def __init__(
        self,
        pubs: Sequence[SamplerPub],
        *,
        target: str,
        options: dict[str, Any],
        seed: int | None,
        identify: Identify,
        repetitions: Repetitions,
        more_shots: bool = False,
        provenance: Provenance | None = None,
    ):
        # numbers of NumPy's are written down as Python's
        self.pubs = [SamplerPub(pub.circuit, pub.parameter_values, int(pub.shots), validate=False) for pub in pubs]
        self._provenance = provenance or Provenance()
        self._more_shots = more_shots
        self._repetitions = repetitions
        self._values = [_rows(pub) for pub in self.pubs]
        self._circuits = [identify(pub.circuit) for pub in self.pubs]
        self.items: list[Item] = []
        self._place: dict[bytes, tuple[int, int]] = {}
        for index, (pub, values, circuit) in enumerate(zip(self.pubs, self._values, self._circuits, strict=True)):
            settings = settings_key(self.kind, target, options, seed, pub.shots)
            size, run = value_bytes(values[:1]), self._shots_run(pub.shots, options)
            for row, key in enumerate(repetitions.number(row_keys(settings, circuit, values))):
                self.items.append(Item(key, index, 1, run, size, float(pub.shots)))
                self._place[key] = (index, row)

    def _shots_run(self, shots: int, options: dict[str, Any]) -> int:
        """Return how many shots run where so many are asked for."""
        run = twirled_shots(options, shots) if self._more_shots else shots
        if run < shots:
            raise ValueError(
                f"{shots:,} shots are asked for, but by twirling.num_randomizations and "
                f"twirling.shots_per_randomization {run:,} run. Set one of the two only, or ask for {run:,} shots."
            )
        return run

    def calibration(self, shots: float) -> int:
        """Return 0: a sampler calibrates nothing."""
        return 0

    def refine(self, known: Callable[[Sequence[bytes]], Iterable[bytes]]) -> None:
        """Do nothing: a circuit cannot be cut."""

    def give_back(self) -> None:
        """Free the numbers of repetition that this request took, because it came to nothing."""
        self._repetitions.give_back(self._place)

    def build(self, keys: Sequence[bytes]) -> list[SamplerPub]:
        """Return the PUBs of a unit: consecutive rows of one circuit are one PUB with a parameter array."""
        built = []
        for index, rows in self._runs(keys):
            pub = self.pubs[index]
            values = None
            if pub.circuit.num_parameters:
                values = {tuple(pub.circuit.parameters): self._values[index][rows]}
            built.append(SamplerPub.coerce((pub.circuit, values, pub.shots)))
        return built

    def layout(self, keys: Sequence[bytes]) -> list[dict[str, Any]]:
        """Return what the result of each PUB of a unit must be like."""
        layout = []
        for index, rows in self._runs(keys):
            pub = self.pubs[index]
            layout.append(
                {
                    "circuit": self._circuits[index],
                    "rows": len(rows),
                    "shape": [len(rows)] if pub.circuit.num_parameters else [],
                    "shots": pub.shots,
                    "registers": {register.name: register.size for register in pub.circuit.cregs},
                    "more_shots": self._more_shots,
                }
            )
        return layout

    def inputs(self, keys: Sequence[bytes]) -> NewInputs:
        """Return what a unit is asked for: for each PUB its circuit, values, shots and numbers of repetition."""
        writer = InputsWriter(self._provenance)
        start = 0
        for index, rows in self._runs(keys):
            counts = [self._repetitions.count_of(key) for key in keys[start : start + len(rows)]]
            start += len(rows)
            pub = self.pubs[index]
            writer.add(pub.circuit, self._values[index][rows], counts, shots=pub.shots)
        return writer.inputs()

    def halves(self, keys: Sequence[bytes]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]] | None:
        """Cut a unit's rows into two halves; one row with its shots cannot be cut."""
        if len(keys) < 2:
            return None
        middle = len(keys) // 2
        return tuple(keys[:middle]), tuple(keys[middle:])

    def assemble(
        self, places: dict[bytes, tuple[int, int]], results: dict[int, UnitResult], metadata: dict[str, Any]
    ) -> PrimitiveResult[SamplerPubResult]:
        """Put the rows of all units into bit arrays of the PUBs' own shapes."""
        starts = {unit: _starts(result) for unit, result in results.items()}
        parts: list[dict[int, tuple[list[int], list[int]]]] = [{} for _ in self.pubs]
        for item in self.items:
            unit, position = places[item.key]
            mine, theirs = parts[item.pub].setdefault(unit, ([], []))
            mine.append(self._place[item.key][1])
            theirs.append(position)
        pub_results = []
        for index, pub in enumerate(self.pubs):
            fields = {
                register.name: self._field(index, register.name, register.size, parts[index], results, starts)
                for register in pub.circuit.cregs
            }
            data = DataBin(**fields, shape=pub.shape)
            shots = next((field.num_shots for field in fields.values() if isinstance(field, BitArray)), pub.shots)
            about = {"shots": shots, "circuit_metadata": pub.circuit.metadata or {}, "units": sorted(parts[index])}
            pub_results.append(SamplerPubResult(data, about))
        return PrimitiveResult(pub_results, metadata)

    def _field(
        self,
        index: int,
        name: str,
        num_bits: int,
        parts: dict[int, tuple[list[int], list[int]]],
        results: dict[int, UnitResult],
        starts: dict[int, list[int]],
    ) -> Any:
        pub = self.pubs[index]
        whole: Any = None
        for unit, (mine, theirs) in parts.items():
            for place, inner, outer in _by_pub(starts[unit], theirs, mine):
                array = results[unit].pubs[place][name][inner]
                if whole is None:
                    whole = np.empty((pub.size, *array.shape[1:]), dtype=array.dtype)
                if array.shape[1:] != whole.shape[1:]:
                    raise BadResultError(f"The units of one PUB have different shots for the register {name}.")
                whole[outer] = array
        if whole is None:
            whole = np.empty((0, pub.shots, -(-num_bits // 8)), dtype=np.uint8)
        shaped = whole.reshape(*pub.shape, *whole.shape[1:])
        return BitArray(shaped, num_bits) if whole.dtype == np.uint8 else shaped

    def _runs(self, keys: Sequence[bytes]) -> list[tuple[int, list[int]]]:
        """Group consecutive items of one PUB; circuits without parameters stay one by one."""
        runs: list[tuple[int, list[int]]] = []
        for key in keys:
            index, row = self._place[key]
            if runs and runs[-1][0] == index and self.pubs[index].circuit.num_parameters:
                runs[-1][1].append(row)
            else:
                runs.append((index, [row]))
        return runs


def _rows(pub: SamplerPub) -> np.ndarray[Any, np.dtype[np.float64]]:
    values = pub.parameter_values.as_array(pub.circuit.parameters) if pub.circuit.num_parameters else np.empty((0,))
    if not pub.circuit.num_parameters:
        return np.empty((pub.size, 0))
    return np.asarray(values, dtype=np.float64).reshape(pub.size, pub.circuit.num_parameters)


def _starts(result: UnitResult) -> list[int]:
    """Return where each PUB's rows begin among all rows of a unit, and their number at the end."""
    starts = [0]
    for pub in result.pubs:
        starts.append(starts[-1] + (len(next(iter(pub.values()))) if pub else 1))
    return starts


def _by_pub(starts: list[int], positions: list[int], mine: list[int]) -> list[tuple[int, list[int], list[int]]]:
    """Sort positions in a unit by PUB: (PUB, rows in it, rows in the request)."""
    by_pub: dict[int, tuple[list[int], list[int]]] = {}
    pubs = np.searchsorted(starts, positions, side="right") - 1
    for pub, position, row in zip(pubs.tolist(), positions, mine, strict=True):
        inner, outer = by_pub.setdefault(pub, ([], []))
        inner.append(position - starts[pub])
        outer.append(row)
    return [(pub, inner, outer) for pub, (inner, outer) in by_pub.items()]
