r"""The generators of a circuit with its fixed Clifford gates moved out of the way: W exp(-iθP/2) = exp(-iθ WPW†/2) W.

A circuit that repeats a layer, U = T·(W_B R_B)^L·A with fixed gates W and random rotations R, is in the frame of the
observable a product of rotations about the generators of T, about S W^j B W^-j S† for j = 0, 1, …, L-1 (S the fixed
gates of T, W those of a layer, B the layer's generators in its own frame) and about those of A, applied to the state
that all the fixed gates prepare. The group of a deep circuit is the one that all these sets generate together. It is
complete as soon as the set of one more layer adds nothing: then conjugation by SWS† maps the algebra onto itself.

What the layer is, is read off the circuits of a template with growing ``reps``: prefix + block · k + suffix.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from qiskit import QuantumCircuit
from sklearn.base import clone

from qiskit_qml_ext.circuits import Ansatz
from qiskit_qml_ext.diagnostics.descriptors.lie_closure import Element, Span, closure
from qiskit_qml_ext.engine.pauli.frame import CliffordFrame
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import CliffordGate, PauliRotation, RotationProgram, anticommute, inverse_name, lower

_QUARTER = 1e-9  # of an angle in units of π/2: far above rounding, far below any angle that is meant
_FIXED, _PREPARES = -1, -2  # in place of the position of a parameter
_MOST_STARTS = 256  # prepared states, one for each number of layers modulo the order of the layer's fixed gates


@dataclass(frozen=True)
class Rotation:
    """A rotation about a Pauli string: random by a parameter, or by ``quarters`` times π/2."""

    x: int
    """The X part of the string."""
    z: int
    """The Z part."""
    parameter: int
    """The position of the parameter, -1 if fixed, -2 if fixed and no Clifford gate but before all random rotations, so
    that it only prepares the state."""
    factor: float
    """The coefficient of the parameter in the angle; for a fixed rotation the angle in units of π/2."""

    @property
    def key(self) -> tuple[object, ...]:
        """What two layers must have in common; the parameter may differ."""
        return self.x, self.z, self.parameter >= 0, round(self.factor, 9)


Step = Rotation | CliffordGate


@dataclass(frozen=True, eq=False)
class Generators:
    """The generators of a deep circuit in the frame of its observable."""

    elements: list[Element]
    """What generates the algebra."""
    starts: tuple[CliffordFrame, ...] = ()
    """The inverse frames of the states that the fixed gates prepare, one for each number of layers that makes a
    difference; empty for a list of generators, which start in a product state."""
    has_fixed_gates: bool = False
    """Whether Clifford gates stand between the rotations."""
    assumption: str = "every generator acts again and again, and nothing fixed stands between them"
    """What is taken for granted, in one sentence."""
    refusal: str = ""
    """Why the formulas of 2-designs do not apply; empty if they do."""
    outer: list[Element] = field(default_factory=list)
    """Generators that act once, at either end: they must lie in the algebra."""


def generators_of_circuit(circuit: QuantumCircuit) -> Generators:
    """Return all generators of one circuit, pulled back through its Clifford gates.

    Raises:
        UnsupportedCircuitError: If fixed gates are not Clifford, or an angle is no multiple of one parameter.
    """
    steps = _steps(circuit)
    walked = _Walked(int(circuit.num_qubits))
    walked.through(steps)
    return Generators(
        elements=walked.elements,
        starts=(_start([steps], int(circuit.num_qubits)),),
        has_fixed_gates=any(_is_fixed(step) for step in steps),
        assumption="one circuit is taken as it is, deep enough to be a 2-design on the group of all its generators",
        refusal=walked.refusal,
    )


def generators_of_ansatz(ansatz: Ansatz, num_qubits: int, max_dimension: int) -> Generators:
    """Return the generators of a template's layers, repeated until another layer adds nothing.

    A template without layers to repeat is taken as :func:`generators_of_circuit` takes its circuit.

    Raises:
        UnsupportedCircuitError: See :func:`generators_of_circuit`.
    """
    parts = _periodic(ansatz, num_qubits)
    if parts is None:
        return generators_of_circuit(ansatz.build(num_qubits))
    whole = _Walked(num_qubits)
    whole.through([*parts.prefix, *parts.several, *parts.suffix])
    walked = _Walked(num_qubits)
    walked.through(parts.suffix)
    outer, walked.elements = walked.elements, []
    walked.through(parts.block)
    layers, known = 1, 0
    while known < len(walked.elements):
        span, _, complete = closure(walked.elements, max_dimension)
        known = len(walked.elements)
        if not complete:
            break
        walked.through(parts.block)
        layers += 1
        if all(lies_in(span, element) for element in walked.elements[known:]):
            break
    elements, walked.elements = walked.elements[:known], []
    walked.through(parts.prefix)
    deep = f"layers are added, {parts.period} at a time," if parts.period > 1 else "layers are added"
    return Generators(
        elements=elements,
        starts=_starts(parts, num_qubits),
        has_fixed_gates=any(_is_fixed(step) for step in parts.block),
        assumption=f"{deep} with their fixed gates until the circuit is a 2-design on its group",
        refusal=whole.refusal,
        outer=outer + walked.elements,
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    """A template's circuit in the order of time, and the block that more layers insert."""

    prefix: list[Step]
    block: list[Step]
    suffix: list[Step]
    several: list[Step]
    """Three blocks as they stand in a circuit, with its parameters."""
    period: int
    """How many layers make a block."""


def lies_in(span: Span, element: Element) -> bool:
    """Whether an element lies in a span."""
    size = sum(value**2 for value in element.values())
    return math.isclose(float((span.coordinates(element) ** 2).sum()), size, rel_tol=1e-9)


class _Walked:
    """Generators collected on the way from the observable back to the initial state."""

    def __init__(self, num_qubits: int) -> None:
        self._frame = CliffordFrame(num_qubits)
        self.elements: list[Element] = []
        self.refusal = ""
        self._seen: set[int] = set()

    def through(self, steps: Sequence[Step]) -> None:
        """Walk backwards through steps; rotations by one parameter that follow each other and commute are summed."""
        group: Element = {}
        parameter = -1
        for step in reversed(steps):
            if isinstance(step, CliffordGate):
                self._frame.prepend(step.name, step.qubits)
            elif step.parameter == _PREPARES:
                self.refusal = "the first fixed gates prepare no stabiliser state"
            elif step.parameter < 0:
                self._frame.prepend_turn(step.x, step.z, round(step.factor))
            else:
                x, z, sign = self._frame.image(step.x, step.z)
                if step.parameter != parameter or any(anticommute(x, z, *other) for other in group):
                    self._close(group, parameter)
                    group, parameter = {}, step.parameter
                group[x, z] = group.get((x, z), 0.0) + sign * step.factor
        self._close(group, parameter)

    def _close(self, group: Element, parameter: int) -> None:
        """Keep a generator up to its sign and, of a single string, its size."""
        element = {key: value for key, value in sorted(group.items()) if value}
        if not element:
            return
        if parameter in self._seen:
            self.refusal = (
                "a parameter drives rotations in several places, so the angles are not independent and the circuit "
                "need not become a 2-design on the group of its generators"
            )
        self._seen.add(parameter)
        first = next(iter(element.values()))
        scale = abs(first) if len(element) == 1 else 1.0
        element = {key: value / math.copysign(scale, first) for key, value in element.items()}
        if element not in self.elements:
            self.elements.append(element)


def _is_fixed(step: Step) -> bool:
    return isinstance(step, CliffordGate) or step.parameter < 0


def _start(parts: Sequence[Sequence[Step]], num_qubits: int) -> CliffordFrame:
    """The frame in which Q ↦ W† Q W for all fixed gates W of the parts, in the order of time."""
    frame = CliffordFrame(num_qubits)
    for part in parts:
        for step in part:
            if isinstance(step, CliffordGate):
                frame.prepend(inverse_name(step.name), step.qubits)
            elif step.parameter == _FIXED:
                frame.prepend_turn(step.x, step.z, -round(step.factor))
    return frame


def _starts(parts: _Parts, num_qubits: int) -> tuple[CliffordFrame, ...]:
    """The prepared states for all numbers of layers, until they repeat."""
    starts: list[CliffordFrame] = []
    seen: set[tuple[object, ...]] = set()
    before = [parts.prefix]
    while len(starts) < _MOST_STARTS:
        frame = _start([*before, parts.suffix], num_qubits)
        key = tuple(frame.image(x << q, z << q) for q in range(num_qubits) for x, z in ((1, 0), (0, 1)))
        if key in seen:
            break
        seen.add(key)
        starts.append(frame)
        before.append(parts.block)
    return tuple(starts)


def _periodic(ansatz: Ansatz, num_qubits: int) -> _Parts | None:
    """Prefix, block and suffix of the template's circuits; None if it has no layers to repeat."""
    reps = ansatz.get_params().get("reps")
    if not isinstance(reps, int):
        return None
    made: dict[int, list[Step]] = {}

    def keys(layers: int) -> list[tuple[object, ...]]:
        if layers not in made:
            made[layers] = _steps(clone(ansatz).set_params(reps=layers).build(num_qubits))
        return [step.key if isinstance(step, Rotation) else (step.name, step.qubits) for step in made[layers]]

    for period in range(1, 2 * num_qubits + 1):
        first = (reps - 1) % period + 1
        split = _split(keys, first, period)
        if split is not None:
            start, size = split
            steps = made[first + 3 * period]
            stop = start + 3 * size
            return _Parts(steps[:start], steps[start : start + size], steps[stop:], steps[start:stop], period)
    return None


def _split(keys: Callable[[int], list[tuple[object, ...]]], first: int, period: int) -> tuple[int, int] | None:
    """Where the block stands and how long it is, if three more periods each insert the same block."""
    short, long = keys(first), keys(first + period)
    size = len(long) - len(short)
    if size <= 0:
        return None
    start = next((k for k, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    block, suffix = long[start : start + size], short[start:]
    for repeats in (2, 3):
        if keys(first + repeats * period) != short[:start] + block * repeats + suffix:
            return None
    return start, size


def _steps(circuit: QuantumCircuit) -> list[Step]:
    """The circuit as rotations and Clifford gates in the order of time."""
    program = lower(circuit)
    if not program.is_pauli_based:
        raise UnsupportedCircuitError(
            "The circuit has fixed unitaries or state preparations, which are no Clifford gates: the algebra of its "
            "generators alone says nothing about it. Pass the list of generators if their algebra is all you want."
        )
    steps: list[Step] = []
    first = True
    for operation in program.operations:
        if isinstance(operation, CliffordGate):
            steps.append(operation)
        elif isinstance(operation, PauliRotation) and operation.support:
            step = _rotation(program, operation, first)
            first = first and step.parameter < 0
            steps.append(step)
    return steps


def _rotation(program: RotationProgram, rotation: PauliRotation, first: bool) -> Rotation:
    terms, offset = program.angles.rows.row(rotation.angle)
    if not terms:
        quarters = offset / (math.pi / 2)
        if abs(quarters - round(quarters)) > _QUARTER and first:
            return Rotation(rotation.x, rotation.z, _PREPARES, quarters)
        if abs(quarters - round(quarters)) > _QUARTER:
            raise UnsupportedCircuitError(
                f"A rotation by the fixed angle {offset:.4g} is no Clifford gate: the algebra of the generators alone "
                "says nothing about the circuit. Pass the list of generators if their algebra is all you want."
            )
        return Rotation(rotation.x, rotation.z, _FIXED, float(round(quarters) % 4))
    (parameter, factor), *others = terms.items()
    if others or parameter >= program.num_parameters:
        raise UnsupportedCircuitError(
            "An angle is a function of a parameter or a sum of several, so it has no generator of its own. Give each "
            "rotation a parameter, or pass the list of generators."
        )
    return Rotation(rotation.x, rotation.z, parameter, float(factor))
