"""An estimator's request: blocks of expectation values, whole PUBs as far as the limit on executions allows."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from qiskit.primitives.containers import DataBin, PrimitiveResult, PubResult
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qiskit_qml_ext.arrays import AnyArray, FloatArray, ObjectArray
from qiskit_qml_ext.primitives.journal.disk.records import NewInputs
from qiskit_qml_ext.primitives.journal.work.codec import UnitResult
from qiskit_qml_ext.primitives.journal.work.inputs import InputsWriter, Provenance
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions, block_key, settings_key
from qiskit_qml_ext.primitives.journal.work.requests import Identify, Item, Placement, value_bytes
from qiskit_qml_ext.primitives.pricing.estimator_work import EstimatorWork

_MOST_SHOTS = 2**40  # that are counted; simulators that read off exact values take any precision
_MAX_CUTS = 6  # how often a block was halved at most; one that was halved more often is submitted and refused again

Slices = tuple[slice, ...]


class EstimatorRequest:
    """The items of one call of an estimator's ``run``.

    A PUB whose executions exceed the limit is cut, so that observables that commute stay together as long as possible.

    Args:
        pubs: The PUBs, each with its precision.
        target: The target's name.
        options: The options that are not defaults.
        seed: The user's seed.
        identify: Gives a circuit's content key.
        repetitions: What was asked before.
        max_executions: The largest number of circuits times shots of an item.
        work: Says how much is run for a PUB.
        place: Tells where a circuit's own qubits lie, so that a new layout makes no new work.
        provenance: Where the work comes from.
    """

    kind = "estimator"

    def __init__(
        self,
        pubs: Sequence[EstimatorPub],
        *,
        target: str,
        options: dict[str, Any],
        seed: int | None,
        identify: Identify,
        repetitions: Repetitions,
        max_executions: int,
        work: EstimatorWork,
        place: Placement | None = None,
        provenance: Provenance | None = None,
    ):
        self.pubs = [  # numbers of NumPy's are written down as Python's
            EstimatorPub(pub.circuit, pub.observables, pub.parameter_values, float(pub.precision), validate=False)
            for pub in pubs
        ]
        self._provenance = provenance or Provenance()
        self._settings = [settings_key(self.kind, target, options, seed, pub.precision) for pub in self.pubs]
        self._circuits = [identify(pub.circuit) for pub in self.pubs]
        self._repetitions = repetitions
        self._work = work
        self._qubits = [None if place is None else place(pub.circuit) for pub in self.pubs]
        self._blocks: dict[bytes, tuple[int, Slices]] = {}
        self.items: list[Item] = []
        for index, pub in enumerate(self.pubs):
            whole = tuple(slice(0, length) for length in pub.shape)
            most = max_executions - self.calibration(pub.precision)
            self.items += [self._item(index, block) for block in self._blocks_within(index, whole, most)]

    def calibration(self, precision: float) -> int:
        """Return the executions of a job with this precision that only calibrate."""
        return self._work.calibration(_shots(precision))

    def _executions(self, pub: EstimatorPub) -> int:
        return self._work.executions(pub, _shots(pub.precision))

    def _blocks_within(self, index: int, block: Slices, most: int) -> list[Slices]:
        """Halve a block until no part takes more executions, or is one value.

        It is cut along its longest axis, unless that leaves as much in one half as in the whole: strings that are all
        measured together stay in one block.
        """
        whole = self._executions(self._pub(index, block))
        if _size(block) < 2 or whole <= most:
            return [block]
        lengths = [part.stop - part.start for part in block]
        axes = sorted((axis for axis, length in enumerate(lengths) if length > 1), key=lambda axis: -lengths[axis])
        ways = [_halves(block, axis) for axis in axes]
        helping = (way for way in ways if max(self._executions(self._pub(index, half)) for half in way) < whole)
        return [part for half in next(helping, ways[0]) for part in self._blocks_within(index, half, most)]

    def refine(self, known: Callable[[Sequence[bytes]], Iterable[bytes]]) -> None:
        """Cut blocks where an earlier run had to cut them: where the journal knows the halves but not the whole."""
        journaled = set(known([item.key for item in self.items]))
        refined: list[Item] = []
        for item in self.items:
            refined += [item] if item.key in journaled else self._refined(item, known, _MAX_CUTS)
        self.items = refined

    def _refined(self, item: Item, known: Callable[[Sequence[bytes]], Iterable[bytes]], cuts: int) -> list[Item]:
        index, block = self._blocks[item.key]
        if _size(block) < 2 or cuts == 0:
            return [item]
        halves = [self._item(index, part) for part in _halves(block)]
        journaled = set(known([half.key for half in halves]))
        deeper = [[half] if half.key in journaled else self._refined(half, known, cuts - 1) for half in halves]
        if journaled or any(len(parts) > 1 for parts in deeper):
            return [part for parts in deeper for part in parts]
        self._repetitions.give_back([half.key for half in halves])
        for half in halves:
            del self._blocks[half.key]
        return [item]

    def give_back(self) -> None:
        """Free the numbers of repetition that this request took, because it came to nothing."""
        self._repetitions.give_back(list(self._blocks))

    def build(self, keys: Sequence[bytes]) -> list[EstimatorPub]:
        """Return the PUBs of a unit, one for each block."""
        return [self._pub(*self._blocks[key]) for key in keys]

    def layout(self, keys: Sequence[bytes]) -> list[dict[str, Any]]:
        """Return what the result of each PUB of a unit must be like."""
        return [
            {"circuit": self._circuits[index], "shape": [part.stop - part.start for part in block]}
            for index, block in (self._blocks[key] for key in keys)
        ]

    def inputs(self, keys: Sequence[bytes]) -> NewInputs:
        """Return what a unit is asked for: for each block its circuit, values, observables and precision."""
        writer = InputsWriter(self._provenance)
        for key in keys:
            index, block = self._blocks[key]
            pub = self._pub(index, block)
            observables = self._observables(index, pub)
            writer.add(
                pub.circuit,
                _values(pub),
                [self._repetitions.count_of(key)],
                precision=pub.precision,
                shape=[part.stop - part.start for part in block],
                observables={
                    "shape": list(observables.shape),
                    "terms": [
                        {str(term): float(weight) for term, weight in one.items()} for one in observables.ravel()
                    ],
                },
            )
        return writer.inputs()

    def halves(self, keys: Sequence[bytes]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]] | None:
        """Cut a unit into two; a single block is cut along its longest axis and replaced by its halves."""
        if len(keys) > 1:
            middle = len(keys) // 2
            return tuple(keys[:middle]), tuple(keys[middle:])
        index, block = self._blocks[keys[0]]
        if _size(block) < 2:
            return None
        parts = [self._item(index, part) for part in _halves(block)]
        place = next(place for place, item in enumerate(self.items) if item.key == keys[0])
        self.items[place : place + 1] = parts
        return (parts[0].key,), tuple(part.key for part in parts[1:])

    def assemble(
        self, places: dict[bytes, tuple[int, int]], results: dict[int, UnitResult], metadata: dict[str, Any]
    ) -> PrimitiveResult[PubResult]:
        """Put the blocks of all units into arrays of the PUBs' own shapes."""
        fields: list[dict[str, AnyArray]] = [{} for _ in self.pubs]
        units: list[set[int]] = [set() for _ in self.pubs]
        about: list[dict[str, Any]] = [{} for _ in self.pubs]
        for item in self.items:
            unit, position = places[item.key]
            index, block = self._blocks[item.key]
            units[index].add(unit)
            about[index] = {**results[unit].metadata[position], **about[index]}
            shape = tuple(part.stop - part.start for part in block)
            for name, array in results[unit].pubs[position].items():
                if array.shape != shape:
                    continue
                whole = fields[index].setdefault(name, np.full(self.pubs[index].shape, np.nan, dtype=array.dtype))
                whole[block] = array
        pub_results = []
        for index, pub in enumerate(self.pubs):
            for name in ("evs", "stds"):
                fields[index].setdefault(name, np.zeros(pub.shape))
            own = {"target_precision": pub.precision, "circuit_metadata": pub.circuit.metadata or {}}
            pub_results.append(
                PubResult(
                    DataBin(**fields[index], shape=pub.shape), {**about[index], **own, "units": sorted(units[index])}
                )
            )
        return PrimitiveResult(pub_results, metadata)

    def _item(self, index: int, block: Slices) -> Item:
        pub = self._pub(index, block)
        values = _values(pub)
        key = block_key(
            self._settings[index],
            self._circuits[index],
            values,
            self._observables(index, pub),
            tuple(part.stop - part.start for part in block),
        )
        (key,) = self._repetitions.number([key])
        self._blocks[key] = (index, block)
        circuits, executions = self._work.circuits(pub), self._executions(pub)
        return Item(key, index, circuits, executions, value_bytes(values), pub.precision)

    def _observables(self, index: int, pub: EstimatorPub) -> ObjectArray:
        """Return a PUB's observables on the circuit's own qubits."""
        return virtual_observables(pub, self._qubits[index])

    def _pub(self, index: int, block: Slices) -> EstimatorPub:
        pub = self.pubs[index]
        if all((part.start, part.stop) == (0, length) for part, length in zip(block, pub.shape, strict=True)):
            return pub
        observables = pub.observables[_own_slices(block, pub.observables.shape)]
        rows = _own_slices(block, pub.parameter_values.shape)
        values = {names: array[rows] for names, array in pub.parameter_values.data.items()}
        shape = np.empty(pub.parameter_values.shape)[rows].shape
        return EstimatorPub.coerce((pub.circuit, observables, BindingsArray(values, shape=shape), pub.precision))


def _shots(precision: float | None) -> int:
    """Return the shots that a precision needs for an observable with the eigenvalues ±1."""
    if not precision:
        return 0
    return _MOST_SHOTS if precision < _MOST_SHOTS**-0.5 else math.ceil(1 / precision**2)


def _values(pub: EstimatorPub) -> FloatArray:
    if not pub.circuit.num_parameters:
        return np.empty((*pub.parameter_values.shape, 0))
    return np.asarray(pub.parameter_values.as_array(pub.circuit.parameters), dtype=np.float64)


def _size(block: Slices) -> int:
    return math.prod(part.stop - part.start for part in block)


def _halves(block: Slices, axis: int | None = None) -> tuple[Slices, Slices]:
    """Halve a block of several values along an axis, by default its longest one."""
    lengths = [part.stop - part.start for part in block]
    axis = int(np.argmax(lengths)) if axis is None else axis
    middle = block[axis].start + (lengths[axis] + 1) // 2
    first = (*block[:axis], slice(block[axis].start, middle), *block[axis + 1 :])
    second = (*block[:axis], slice(middle, block[axis].stop), *block[axis + 1 :])
    return first, second


def _own_slices(block: Slices, shape: tuple[int, ...]) -> Slices:
    """Return the part of a block that indexes an array which is broadcast to the block's shape."""
    aligned = block[len(block) - len(shape) :]
    return tuple(slice(0, 1) if length == 1 else part for part, length in zip(aligned, shape, strict=True))


def virtual_observables(pub: EstimatorPub, qubits: Sequence[int] | None) -> ObjectArray:
    """Return a PUB's observables, mappings from Pauli strings to weights, on the circuit's own qubits.

    Args:
        pub: The PUB.
        qubits: The device's qubit of each of the circuit's own ones; ``None`` if they are the same.
    """
    return _virtual(np.asarray(pub.observables.tolist(), dtype=object), qubits)


def _virtual(observables: ObjectArray, qubits: Sequence[int] | None) -> ObjectArray:
    """Write observables on physical qubits as observables on the circuit's own ones, where they act on no other."""
    if qubits is None:
        return observables
    moved = np.empty(observables.shape, dtype=object)
    for index in np.ndindex(observables.shape):
        terms = {}
        observable: Any = observables[index]
        for label, weight in observable.items():
            # Labels are written with qubit 0 on the right.
            own = "".join(label[len(label) - 1 - qubit] for qubit in reversed(qubits))
            if label.count("I") - own.count("I") != len(label) - len(own):
                return observables
            terms[own] = weight
        moved[index] = terms
    return moved
