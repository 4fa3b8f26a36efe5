"""From a schedule to a bytecode: the integer and float tables that the compiled interpreter runs."""

import weakref
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from qiskit_qml_ext.arrays import ComplexArray, FloatArray, IntArray
from qiskit_qml_ext.engine.compiled.machine import Opcode
from qiskit_qml_ext.engine.compiled.rows import AngleData, pack_angles
from qiskit_qml_ext.engine.memory import Allowance
from qiskit_qml_ext.engine.planning.items import (
    Dense,
    Hadamard,
    Item,
    Permute,
    Phases,
    Rotation,
    Row,
    plain_hadamard,
    split_product,
)
from qiskit_qml_ext.engine.planning.measurements import CompiledObservables
from qiskit_qml_ext.engine.planning.monomial_frame import TABLE_BYTES, MonomialFrame
from qiskit_qml_ext.engine.planning.phase_basis import choose_basis, is_identity, lookup_table
from qiskit_qml_ext.engine.planning.schedule import schedule
from qiskit_qml_ext.engine.planning.steps import Step, as_code, row_updates
from qiskit_qml_ext.program import AffineRows, AngleMap, InitialState, RotationProgram

_LOW_BITS, _MAX_LOW_BITS = 4, 7  # 2^7 rows of a complex table fill a third of a first-level cache


@dataclass(frozen=True, eq=False)
class Bytecode:
    """A program, ready to run."""

    num_qubits: int
    """n."""
    code: IntArray
    """Steps forward in time, shape (steps, 8), see :class:`~qiskit_qml_ext.engine.compiled.machine.Opcode`."""
    back: IntArray
    """Steps of the reverse pass, in the order in which they run."""
    tables: IntArray
    """Index tables that steps refer to."""
    constants: FloatArray
    """Matrices and vectors that steps refer to."""
    angles: AngleMap
    """The rows as functions of the parameters."""
    table_rows: int
    """Rows of scratch for phase tables, dense gates and permutations."""
    frame: MonomialFrame
    """The Clifford that is left: the true state is C ψ."""
    output_table: IntArray | None
    """``4 z + k`` for each output amplitude (see ``run_states``), or None for the identity."""
    forward_cost: int
    """Estimated row updates of the forward steps, for one tile."""
    backward_cost: int
    """The same for the reverse steps."""
    observables: dict[object, CompiledObservables] = field(default_factory=dict)
    """Lists of observables that were compiled for this bytecode, by content."""

    @property
    def nbytes(self) -> int:
        """Bytes that the tables and constants take."""
        output = 0 if self.output_table is None else self.output_table.nbytes
        return self.code.nbytes + self.back.nbytes + self.tables.nbytes + self.constants.nbytes + output

    @cached_property
    def angle_data(self) -> AngleData:
        """The angle map as the arrays that the compiled code takes."""
        return pack_angles(self.angles)


_bytecodes: "weakref.WeakKeyDictionary[RotationProgram, dict[tuple[bool, bool], Bytecode]]" = (
    weakref.WeakKeyDictionary()
)


def bytecode_of(program: RotationProgram, *, amplitudes: bool, budget: int, given: bool = False) -> Bytecode:
    """The bytecode of a program, cached with the program.

    Args:
        program: The program.
        amplitudes: Whether amplitudes are wanted: then the global phase is kept and an output table is made.
        budget: Bytes that may be used to make it.
        given: Whether the state at the beginning is given to the steps; otherwise it is |0…0⟩, or what is prepared.

    Raises:
        StateTooLargeError: The plan's tables exceed the budget.
    """
    bytecodes = _bytecodes.get(program)
    if bytecodes is None:
        bytecodes = _bytecodes.setdefault(program, {})
    key = (amplitudes, given)
    if key not in bytecodes:
        bytecodes[key] = _Assembler(program, amplitudes=amplitudes, given=given, budget=budget).run()
    return bytecodes[key]


class _Assembler:
    def __init__(self, program: RotationProgram, *, amplitudes: bool, given: bool, budget: int) -> None:
        self._program = program
        self._allowance = Allowance(budget, f"The tables of a circuit of {program.num_qubits} qubits")
        self._schedule = schedule(program, self._allowance)
        self._amplitudes = amplitudes
        self._given = given
        self._n = program.num_qubits
        self._code: list[Step] = []
        self._back: list[list[Step]] = []  # in groups: the groups run in reverse order, each group as it is
        self._tables: list[IntArray] = []
        self._constants: list[FloatArray] = []
        self._rows: list[Row] = []
        self._row_of: dict[object, int] = {}
        self._table_rows = 1
        self._built: tuple[Phases, bool] | None = (
            None  # the pass whose tables are in place, and whether it ends changed
        )

    def run(self) -> Bytecode:
        frame = self._schedule.frame
        items = list(self._schedule.items)
        phase = self._schedule.phase if self._amplitudes else Row()
        if phase.terms or phase.constant:
            _attach_phase(items, phase)
        items = self._start(items)
        place = 0
        while place < len(items):
            place += self._emit_layer(items[place:]) or self._emit(items[place])
        back = [step for group in reversed(self._back) for step in group]
        return Bytecode(
            num_qubits=self._n,
            code=as_code(self._code),
            back=as_code(back),
            tables=np.concatenate([np.zeros(1, dtype=np.int64), *self._tables]),
            constants=np.concatenate([np.zeros(1), *self._constants]),
            angles=_compose(self._program.angles, self._rows),
            table_rows=self._table_rows,
            frame=frame,
            output_table=_output_table(frame, self._allowance) if self._amplitudes else None,
            forward_cost=sum(row_updates(step, self._n) for step in self._code) + 2 * len(self._rows),
            backward_cost=2 * sum(row_updates(step, self._n) for step in back),
        )

    # --- the beginning -----------------------------------------------------------------------------------------------

    def _start(self, items: list[Item]) -> list[Item]:
        """Emit the initial state and return the items that are left."""
        if self._given:
            return items
        if self._schedule.initial:
            self._allowance.reserve(64 << self._n, kept=32 << self._n)  # as long as the bytecode is being made
            vector = _initial_vector(self._n, self._schedule.initial)
            self._code.append((Opcode.VECTOR, self._constant(np.concatenate([vector.real, vector.imag]))))
            return items
        small, rest = split_product(self._n, items)
        if not any(small):
            self._code.append((Opcode.ZERO,))
            return items
        if all(gates == [plain_hadamard(qubit)] for qubit, gates in enumerate(small)):
            if rest and isinstance(rest[0], Phases) and rest[0].is_worth_a_table:
                self._emit_phases(rest[0], write=True)
                return rest[1:]
            self._code.append((Opcode.UNIFORM,))
            return rest
        self._table_rows = max(self._table_rows, 1 << self._n)
        group: list[Step] = [(Opcode.PRODUCT,)]
        for qubit, gates in enumerate(small):
            steps = [self._small_step(qubit, gate) for gate in gates]
            self._code.extend([(Opcode.SMALL_ZERO, qubit), *steps])
            group.extend(reversed(steps))
        self._code.append((Opcode.PRODUCT,))
        self._back.append(group)
        return rest

    def _small_step(self, qubit: int, gate: Item) -> Step:
        if isinstance(gate, Rotation):
            return (Opcode.SMALL_ROTATE, qubit, 1 if gate.z else 0, self._row(gate.row))
        if isinstance(gate, Hadamard):
            return (Opcode.SMALL_HADAMARD, qubit, 1 if gate.first[1] else 0, gate.first[2], gate.second[2])
        assert isinstance(gate, Phases)
        ((mask, row),) = gate.terms.items()
        return (Opcode.SMALL_PHASE, qubit, self._row(row)) if mask else (Opcode.GLOBAL_PHASE, self._row(row))

    # --- items -------------------------------------------------------------------------------------------------------

    def _emit_layer(self, items: list[Item]) -> int:
        """Emit the plain Hadamard gates on different qubits with which ``items`` begin; returns their number."""
        mask = count = 0
        for item in items:
            if not isinstance(item, Hadamard) or item != plain_hadamard(item.first[0].bit_length() - 1):
                break
            if mask & item.first[0]:
                break
            mask |= item.first[0]
            count += 1
        if count:
            self._both((Opcode.HADAMARD_LAYER, mask))
        return count

    def _emit(self, item: Item) -> int:
        """Emit one item; returns 1."""
        if isinstance(item, Phases):
            if item.is_worth_a_table:
                self._emit_phases(item, write=False)
            else:
                for mask, row in item.terms.items():
                    self._both((Opcode.TERM, mask, self._row(row)))
        elif isinstance(item, Rotation):
            self._both((Opcode.ROTATE, item.x, item.z, self._row(item.row)))
        elif isinstance(item, Hadamard):
            self._both((Opcode.HADAMARD, *item.first, *item.second[1:]))
        elif isinstance(item, Dense):
            qubits = self._table(np.array(item.qubits, dtype=np.int64))
            self._allowance.reserve(48 << 2 * len(item.qubits), kept=32 << 2 * len(item.qubits))
            matrix = self._constant(np.concatenate([item.matrix.real.ravel(), item.matrix.imag.ravel()]))
            self._table_rows, self._built = max(self._table_rows, 2 << len(item.qubits)), None
            self._both((Opcode.DENSE, qubits, len(item.qubits), matrix))
        else:
            assert isinstance(item, Permute)
            self._table_rows, self._built = max(self._table_rows, 2 << self._n), None
            self._both((Opcode.PERMUTE, self._table(4 * item.target + item.power)))
        return 1

    def _both(self, step: Step) -> None:
        self._code.append(step)
        if not self._amplitudes:  # nothing that needs amplitudes goes back in time
            self._back.append([step])

    def _emit_phases(self, item: Phases, *, write: bool) -> None:
        basis, terms = choose_basis(self._n, item.terms)
        identity = is_identity(basis, self._n)
        quadratic = identity and self._n > _LOW_BITS and all(mask.bit_count() <= 2 for mask in terms)
        lookup = -1
        if not identity:
            self._allowance.reserve(40 << self._n, kept=16 << self._n)
            lookup = self._table(lookup_table(basis, self._n))
        again = self._built is not None and self._built[0] == item  # a feature map repeats itself
        if quadratic:
            backwards = again and self._built is not None and not self._built[1]
            self._emit_quadratic(terms, write=write, build=not again, backwards=backwards)
            self._built = item, backwards
            if self._amplitudes:
                return
        build, fold = self._table_steps(terms, len(basis), 0)
        if not quadratic:
            step = (Opcode.WRITE if write else Opcode.MULTIPLY, lookup, len(basis))
            self._code.extend([step] if again else [*build, step])
            self._built = item, False
        if not self._amplitudes:
            self._back.append([*build, (Opcode.MULTIPLY, lookup, len(basis)), *fold])

    def _emit_quadratic(self, terms: dict[int, Row], *, write: bool, build: bool, backwards: bool) -> None:
        """A pass of degree 2 from small tables, see :func:`~qiskit_qml_ext.engine.compiled.phases.quadratic_phases`."""
        m = max(_LOW_BITS, min(_MAX_LOW_BITS, self._n - 3))
        low_mask = (1 << m) - 1
        high: dict[int, Row] = {}
        low: dict[int, Row] = {}
        cross: list[dict[int, Row]] = [{} for _ in range(self._n - m)]
        for mask, row in terms.items():
            if not mask & low_mask:
                high[mask >> m] = row
                continue
            low.setdefault(mask & low_mask, Row()).add(row)  # at h = 0 every sign is +1
            if mask >> m:
                cross[(mask >> m).bit_length() - 1][mask & low_mask] = row.scaled(-2.0)
        # V_j first, then T, then H: the work space of H's own construction comes last
        steps: list[Step] = []
        for j, inner in enumerate(cross):
            steps.extend(self._table_steps(inner, m, j << m)[0])
        low_base = (self._n - m) << m
        # T's inner tables may overwrite what H will occupy, so T is built first
        steps.extend(self._table_steps(low, m, low_base)[0])
        high_base = low_base + (1 << m)
        steps.extend(self._table_steps(high, self._n - m, high_base)[0])
        last = (Opcode.QUADRATIC, m, high_base, low_base, 0, int(write), int(backwards))
        self._code.extend([*steps, last] if build else [last])

    def _table_steps(self, terms: dict[int, Row], rank: int, base: int) -> tuple[list[Step], list[Step]]:
        """Steps that build the table of a phase function at row ``base``, and those of the reverse pass."""
        size = 1 << rank
        self._table_rows = max(self._table_rows, base + size)
        total = Row()
        for row in terms.values():
            total.add(row)
        first = self._row(total)
        build: list[Step] = [(Opcode.SET, base, first)]
        folds: list[list[Step]] = [[(Opcode.FOLD_SET, base, first)]]
        for k in range(rank):
            inner: dict[int, Row] = {}
            for mask, row in terms.items():
                # φ(y + 2^k) - φ(y) for y < 2^k: bits above k are zero in both
                if (mask >> k) & 1:
                    inner.setdefault(mask & ((1 << k) - 1), Row()).add(row, -2.0)
            if set(inner) <= {0}:
                step = self._row(inner.get(0, Row()))
                build.append((Opcode.DOUBLE_ROW, base, k, step))
                folds.append([(Opcode.FOLD_ROW, base, k, step)])
                continue
            other = base + size
            inner_build, inner_fold = self._table_steps(inner, k, other)
            build.extend([*inner_build, (Opcode.DOUBLE_TABLE, base, other, k)])
            folds.append([(Opcode.FOLD_TABLE, base, other, k), *inner_fold])
        return build, [step for group in reversed(folds) for step in group]

    # --- tables ------------------------------------------------------------------------------------------------------

    def _row(self, row: Row) -> int:
        terms = tuple(sorted((angle, value) for angle, value in row.terms.items() if value != 0.0))
        key = (terms, row.constant)
        if key not in self._row_of:
            self._row_of[key] = len(self._rows)
            self._rows.append(Row(dict(terms), row.constant))
        return self._row_of[key]

    def _table(self, table: IntArray) -> int:
        start = 1 + sum(len(earlier) for earlier in self._tables)
        self._tables.append(table)
        return start

    def _constant(self, values: FloatArray) -> int:
        start = 1 + sum(len(earlier) for earlier in self._constants)
        self._constants.append(values)
        return start


def _attach_phase(items: list[Item], phase: Row) -> None:
    """Put a global phase where it costs least: into passes that exist, else into a new first item.

    Equal passes share it, so that they stay equal and the tables of one serve the others.
    """
    passes = [item for item in items if isinstance(item, Phases)]
    equal = [item for item in passes if item == passes[0]] if passes and passes[0].is_worth_a_table else passes[:1]
    for item in equal:
        item.terms[0] = phase.scaled(1 / len(equal))
    if not passes:
        items.insert(0, Phases({0: phase}))


def _compose(angles: AngleMap, rows: list[Row]) -> AngleMap:
    """The map whose rows are the given affine forms of the angles of another map."""
    forms: list[tuple[dict[int, float], float]] = []
    for row in rows:
        terms: dict[int, float] = {}
        constant = row.constant
        for angle, factor in row.terms.items():
            inner, offset = angles.rows.row(angle)
            constant += factor * offset
            for atom, coefficient in inner.items():
                terms[atom] = terms.get(atom, 0.0) + factor * coefficient
        forms.append((terms, constant))
    return AngleMap(angles.num_parameters, angles.functions, angles.left, angles.right, AffineRows.from_forms(forms))


def _output_table(frame: MonomialFrame, allowance: Allowance) -> IntArray | None:
    if frame.is_trivial:
        return None
    allowance.reserve((TABLE_BYTES + 16) << frame.num_qubits, kept=8 << frame.num_qubits)
    target, power = frame.basis_table()
    if not power.any() and np.array_equal(target, np.arange(len(target))):
        return None
    table = np.empty_like(target)
    table[target] = 4 * np.arange(len(target)) + power
    return table


def _initial_vector(num_qubits: int, states: list[InitialState]) -> ComplexArray:
    """The product of the prepared states, with |0> on all other qubits."""
    size = 1 << num_qubits
    indices = np.arange(size)
    vector = np.ones(size, dtype=np.complex128)
    prepared = 0
    for state in states:
        local = np.zeros(size, dtype=np.int64)
        for place, qubit in enumerate(state.qubits):
            local |= ((indices >> qubit) & 1) << place
            prepared |= 1 << qubit
        vector *= state.amplitudes[local]
    vector[(indices & ~prepared) != 0] = 0.0
    return vector
