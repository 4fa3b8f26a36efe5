"""Wide circuits simulated in parts that no instruction joins, and the results of the parts put together.

An estimator of the Runtime client measures all qubits of a device, each after rotations of its own; Aer simulates all
of them as one state, which no memory holds. Qubits that share no instruction and no classical bit are independent, so
are their errors where every error belongs to one instruction. Each part is a circuit of its own on the same qubits
and classical bits, and what was measured in a shot is all that its parts measured.
"""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Barrier
from qiskit.result import Result

WIDEST = 16
"""Circuits on no more qubits are simulated as they are."""


def used_qubits(circuit: QuantumCircuit) -> set[int]:
    """Return the indices of the qubits on which something acts."""
    acting = (item for item in circuit.data if not isinstance(item.operation, Barrier))
    return {circuit.find_bit(qubit).index for item in acting for qubit in item.qubits}


def parts_of(circuit: QuantumCircuit) -> list[frozenset[int]]:
    """Return sets of qubits that no instruction and no classical bit joins; those of a narrow circuit are one part.

    What measures nothing is left out: nothing that is measured depends on it, and Aer counts nothing there. Dynamical
    decoupling makes such parts of idle qubits.
    """
    used = used_qubits(circuit)
    if len(used) <= WIDEST or circuit.num_vars or any(not item.qubits for item in circuit.data):
        return [frozenset(used)]
    groups: dict[object, set[object]] = {}
    for item in circuit.data:
        if isinstance(item.operation, Barrier):
            continue
        together = set[object]().union(*(groups.get(bit, {bit}) for bit in (*item.qubits, *item.clbits)))
        groups |= dict.fromkeys(together, together)
    different = {id(group): group for group in groups.values()}.values()
    places = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    clbits = set(circuit.clbits)
    measured = [group for group in different if not clbits.isdisjoint(group)]
    parts = [frozenset(places[bit] for bit in group if bit in places) for group in measured]
    return sorted(parts, key=min) or [frozenset(used)]


def part_of(circuit: QuantumCircuit, qubits: frozenset[int]) -> QuantumCircuit:
    """Return what a circuit does on one of its parts, on the same qubits and classical bits."""
    part = circuit.copy_empty_like()
    part.global_phase = 0
    own = {circuit.qubits[index] for index in qubits}
    for item in circuit.data:
        if not isinstance(item.operation, Barrier) and own.issuperset(item.qubits):
            part._append(item)
    return part


class RunInParts:
    """One run of circuits of which some are cut into parts.

    Args:
        circuits: The circuits.
        parts: The parts of each.
        binds: Values of the parameters of each circuit; ``None`` if they have none.
    """

    def __init__(
        self,
        circuits: Sequence[QuantumCircuit],
        parts: Sequence[Sequence[frozenset[int]]],
        binds: Sequence[Mapping[Any, Any]] | None,
    ):
        self._circuits = circuits
        self._sizes = [_num_rows(each) for each in binds] if binds is not None else [1] * len(circuits)
        self._num_parts = [len(each) for each in parts]
        self.circuits: list[QuantumCircuit] = []
        """What is simulated: each part, once for all rows of values, or once for each row if it has no parameter."""
        self.binds: list[dict[Any, Any]] = []
        """Their values."""
        self._places: list[list[list[int]]] = []
        position = 0
        for number, circuit in enumerate(circuits):
            rows: list[list[int]] = [[] for _ in range(self._sizes[number])]
            for qubits in parts[number]:
                part = part_of(circuit, qubits)
                own = {} if binds is None else {name: binds[number][name] for name in part.parameters}
                copies = 1 if own else len(rows)
                self.circuits += [part] * copies
                self.binds += [own] * copies
                for row in rows:
                    row.append(position)
                    position += 1
            self._places.append(rows)

    def joined(self, result: Result) -> Result:
        """Return the results of the circuits, in order of their values' rows.

        Args:
            result: The results of what was simulated.
        """
        if not result.success:
            return result
        whole = copy.copy(result)
        whole.results = [
            self._whole([result.results[place] for place in row], circuit)
            for circuit, rows in zip(self._circuits, self._places, strict=True)
            for row in rows
        ]
        return whole

    @staticmethod
    def _whole(parts: Sequence[Any], circuit: QuantumCircuit) -> Any:
        shots = [0] * len(parts[0].data.memory)
        for part in parts:
            numbers = {word: int(word, 16) for word in set(part.data.memory)}  # bits that a part does not measure are 0
            shots = [number | numbers[word] for number, word in zip(shots, part.data.memory, strict=True)]
        whole = copy.copy(parts[0])
        whole.data = copy.copy(parts[0].data)
        whole.data.memory = [hex(number) for number in shots]
        whole.data.counts = dict(Counter(whole.data.memory))
        return whole


class JobInParts:
    """A job of Aer whose result is put together; all else is the job's own.

    Args:
        job: The job that simulates the parts.
        run: What was cut.
    """

    def __init__(self, job: Any, run: RunInParts):
        self._job = job
        self._run = run

    def result(self, *arguments: Any, **settings: Any) -> Result:
        """Return the results of whole circuits."""
        return self._run.joined(self._job.result(*arguments, **settings))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)


def _num_rows(binds: Mapping[Any, Any]) -> int:
    return max((len(values) for values in binds.values()), default=1)
