"""CX·RZ·CX rewritten as R_ZZ, for devices that have it as a gate of its own.

With any diagonal gate D of one qubit, e^{iφ} R_Z(θ), CX·(1 ⊗ D)·CX is e^{iφ} R_ZZ(θ). Qiskit's ``zz_feature_map`` and
the synthesis of Pauli evolutions write their rotations of pairs in this way, and with free angles the transpiler leaves
them so. Gates that are diagonal on the control stand aside for it, as they do for the CX.

Where a SWAP stands beside an R_ZZ of the same pair, both together are three CX; apart they are four gates.
"""

import functools
import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import Any

from qiskit.circuit import ControlFlowOp, Operation
from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary
from qiskit.circuit.library import CXGate, RZGate, RZZGate, UnitaryGate
from qiskit.converters import circuit_to_dag, dag_to_circuit
from qiskit.dagcircuit import DAGCircuit
from qiskit.transpiler import PassManager, StagedPassManager, TransformationPass
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.targets.identity import is_standard

Wires = tuple[Any, ...]
Step = tuple[Operation, Wires, Wires]

_TURNED = {"z": math.pi, "s": math.pi / 2, "sdg": -math.pi / 2, "t": math.pi / 4, "tdg": -math.pi / 4}
_TURNING = ("rz", "p", "u1")
_DIAGONAL_PAIRS = ("cz", "cp", "crz", "rzz", "cu1", "cs", "csdg")


def rewrite_pair_rotations(manager: StagedPassManager, device: DeviceTarget) -> None:
    """Let a pass manager for a device with R_ZZ write rotations of pairs with it; it does nothing for other devices.

    Args:
        manager: The preset pass manager; it is changed.
        device: The device.
    """
    if "rzz" not in device.operation_names:
        return
    manager.post_init = PassManager([OpenedPairs(frozenset(device.operation_names)), PairRotations()])
    if manager.routing is not None:
        manager.post_routing = PassManager([SwappedRotations()])


class _Rewriting(TransformationPass):
    """Goes through the gates of a circuit, and of the blocks of its control flow, in order."""

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        """Return the rewritten circuit."""
        steps = _Steps()
        for node in dag.topological_op_nodes():
            operation = node.op
            if isinstance(operation, ControlFlowOp):
                blocks = [dag_to_circuit(self.run(circuit_to_dag(block))) for block in operation.blocks]
                operation = operation.replace_blocks(blocks)
            self._take((operation, tuple(node.qargs), tuple(node.cargs)), steps)
        rewritten = dag.copy_empty_like()
        for operation, qubits, clbits in steps:
            rewritten.apply_operation_back(operation, qubits, clbits, check=False)
        return rewritten

    @abstractmethod
    def _take(self, step: Step, steps: "_Steps") -> None:
        """Add an operation to what there is so far, or change that."""


class OpenedPairs(_Rewriting):
    """Opens the definitions of two-qubit gates of somebody's, as the transpiler would later.

    Args:
        known: Names that stay closed.
    """

    def __init__(self, known: frozenset[str]):
        super().__init__()
        self._known = known

    def _take(self, step: Step, steps: "_Steps") -> None:
        operation, qubits, clbits = step
        definition = getattr(operation, "definition", None) if len(qubits) == 2 and not clbits else None
        closed = isinstance(operation, (ControlFlowOp, UnitaryGate)) or operation.name in self._known
        if definition is None or closed or SessionEquivalenceLibrary.has_entry(operation):
            steps.append(step)
            return
        place = dict(zip(definition.qubits, qubits, strict=True))
        for item in definition.data:
            self._take((item.operation, tuple(place[qubit] for qubit in item.qubits), ()), steps)


class PairRotations(_Rewriting):
    """Rewrites CX·D·CX as R_ZZ, and two R_ZZ of a pair with nothing but diagonal gates between them as one.

    The global phase is left out.
    """

    def _take(self, step: Step, steps: "_Steps") -> None:
        operation, qubits, _ = step
        opening = steps.opening(*qubits) if _is_cx(operation) else None
        if opening is not None:
            place, turns = opening
            angle = _sum([_turn(steps.remove(steps.on[qubits[1]][-1])[0]) for _ in range(turns)])
            steps.steps[place] = (RZZGate(angle), qubits, ())
        else:
            place = steps.append(step)
        if steps.at(place)[0].name != "rzz":
            return
        before = steps.rotation_before(place)
        if before is not None:
            angles = [steps.at(one)[0].params[0] for one in (before, place)]
            steps.remove(place)
            steps.steps[before] = (RZZGate(_sum(angles)), qubits, ())


class SwappedRotations(_Rewriting):
    """Rewrites R_ZZ beside a SWAP of the same pair as three CX."""

    def _take(self, step: Step, steps: "_Steps") -> None:
        operation, qubits, _ = step
        place = steps.last_on_both(*qubits) if operation.name in ("swap", "rzz") else None
        before = operation if place is None else steps.at(place)[0]
        if place is None or {before.name, operation.name} != {"swap", "rzz"}:
            steps.append(step)
            return
        steps.remove(place)
        angle = (before if before.name == "rzz" else operation).params[0]
        there, back = qubits, qubits[::-1]
        for gate, places in ((CXGate(), there), (RZGate(angle), there[1:]), (CXGate(), back), (CXGate(), there)):
            steps.append((gate, places, ()))


@dataclass
class _Steps:
    """The gates so far, and where they stand on each wire."""

    steps: list[Step | None] = field(default_factory=list)
    on: dict[Any, list[int]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Step]:
        return (step for step in self.steps if step is not None)

    def at(self, place: int) -> Step:
        step = self.steps[place]
        assert step is not None
        return step

    def append(self, step: Step) -> int:
        for wire in (*step[1], *step[2]):
            self.on.setdefault(wire, []).append(len(self.steps))
        self.steps.append(step)
        return len(self.steps) - 1

    def remove(self, place: int) -> Step:
        step = self.at(place)
        for wire in (*step[1], *step[2]):
            self.on[wire].remove(place)
        self.steps[place] = None
        return step

    def last_on_both(self, first: Any, second: Any) -> int | None:
        """Return the place of the step that is the last one on both wires and stands on no other, if there is one."""
        last = [self.on[wire][-1] for wire in (first, second) if self.on.get(wire)]
        if len(last) < 2 or last[0] != last[1]:
            return None
        _, qubits, clbits = self.at(last[0])
        return last[0] if {*qubits, *clbits} == {first, second} else None

    def opening(self, control: Any, target: Any) -> tuple[int, int] | None:
        """Return where the CX stands that a CX after it closes around diagonal gates, and how many these are."""
        for turns, place in enumerate(reversed(self.on.get(target, []))):
            operation, qubits, _ = self.at(place)
            if _is_cx(operation) and qubits == (control, target):
                return (place, turns) if turns and self._is_diagonal_after(place, control) else None
            if _turn(operation) is None:
                return None
        return None

    def rotation_before(self, place: int) -> int | None:
        """Return an earlier R_ZZ of the same pair with nothing but diagonal gates after it on both wires."""
        first, second = self.at(place)[1]
        for earlier in reversed([one for one in self.on[first] if one < place]):
            operation, qubits, _ = self.at(earlier)
            if operation.name == "rzz" and set(qubits) == {first, second}:
                return earlier if self._is_diagonal_after(earlier, second) else None
            if not _is_diagonal(operation, qubits, first):
                return None
        return None

    def _is_diagonal_after(self, place: int, wire: Any) -> bool:
        after = (self.at(one) for one in self.on[wire] if one > place)
        return all(_is_diagonal(gate, qubits, wire) for gate, qubits, _ in after)


def _is_cx(operation: Operation) -> bool:
    return operation.name == "cx" and is_standard(operation)


def _is_diagonal(operation: Operation, qubits: Wires, wire: Any) -> bool:
    """Tell whether an operation changes nothing but phases where it stands on a wire."""
    return (
        _turn(operation) is not None
        or (operation.name in _DIAGONAL_PAIRS and is_standard(operation))
        or (_is_cx(operation) and qubits[0] == wire)
    )


def _turn(operation: Operation) -> Any:
    """Return the angle of a diagonal gate of one qubit as R_Z, up to a phase; ``None`` for other operations."""
    if not is_standard(operation):
        return None
    return operation.params[0] if operation.name in _TURNING else _TURNED.get(operation.name)


def _sum(angles: Sequence[Any]) -> Any:
    """Add angles up; a single one, which may be a parameter, stays what it is."""
    return functools.reduce(add, angles)
