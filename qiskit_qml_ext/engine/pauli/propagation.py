r"""Exact losses and gradients in the Heisenberg picture: no state vector, any number of qubits.

Backwards through the circuit, a rotation exp(-iθP/2) leaves a Pauli string Q that commutes with P as it is and turns
one that does not into cos θ Q + sin θ iPQ. An observable that stays within a small set of strings is followed exactly,
at a cost that has nothing to do with 2ⁿ: free fermions (n(2n-1) strings), every other small Lie algebra, and shallow
circuits on hundreds of qubits, whose strings fill a light cone. Angles may be shared, functions of parameters, fixed,
or depend on each other: they are numbers here, not random variables.

The set of strings and the pairs that each rotation turns depend on the circuit only. They are found once; then all
samples run through the same list of pairs.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray, Int32Array, IntArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.engine.batch import check_values
from qiskit_qml_ext.engine.memory import format_bytes, memory_budget
from qiskit_qml_ext.engine.observables import simplified
from qiskit_qml_ext.engine.pauli.frame import CliffordFrame
from qiskit_qml_ext.engine.pauli.kernels import LANES, run_tiles
from qiskit_qml_ext.engine.pauli.string_table import FrameStart, Generator, StringTable
from qiskit_qml_ext.engine.threads import run_chunks, scratch, thread_count
from qiskit_qml_ext.exceptions import UnsupportedCircuitError, UnsupportedObservableError
from qiskit_qml_ext.program import CliffordGate, PauliRotation, RotationProgram, lower

MAX_STRINGS = 100_000
"""Strings at which propagation gives up by default."""

_QUARTER_ATOL = 1e-12  # a fixed angle this close to a multiple of π/2 is one: far above rounding, far below any use
_WIDTH = len(LANES)
_ANGLE_BLOCK = 1 << 22  # angles whose cosines are held at a time
_INLINE_TURNS = 200_000  # fewer turned pairs than this are done before another thread has started


class PauliPropagation:
    """⟨O⟩ of a circuit as a function of its parameters, by following the strings of O backwards.

    Args:
        circuit: Clifford gates and Pauli rotations, by any angles.
        observable: A Pauli or a Hermitian sum of Paulis.
        max_strings: Strings at which to give up.
        max_memory: Bytes that may be used; by default most of the memory that is free.

    Attributes:
        num_strings: The number of strings that the observable spreads over.
        num_turns: The pairs of strings that one sample turns: its cost.

    Raises:
        UnsupportedCircuitError: The strings or their pairs grow too many, or the circuit has fixed unitaries or state
            preparations; the message says what to use instead.
        TypeError: The observable is no sum of Paulis.
        ValueError: It has complex coefficients or another number of qubits.

    References:
        Simulation in the Lie algebra: arXiv:2308.01432. The same without truncation and for the strings that actually
        occur is known as Pauli propagation.

    Examples:
        >>> from qiskit_qml_ext.circuits import HamiltonianVariationalAnsatz
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> circuit = HamiltonianVariationalAnsatz("tfim", reps=2).build(100)  # angles shared along the chain
        >>> bond = SparsePauliOp.from_sparse_list([("ZZ", [50, 51], 1.0)], num_qubits=100)
        >>> propagation = PauliPropagation(circuit, bond)
        >>> losses, gradients = propagation.losses_and_gradients([[0.1, 0.2, 0.3, 0.4]])
        >>> losses.shape, gradients.shape
        ((1,), (1, 4))
    """

    @check_arguments()
    def __init__(
        self,
        circuit: QuantumCircuit | RotationProgram,
        observable: SparsePauliOp | Pauli,
        *,
        max_strings: int = MAX_STRINGS,
        max_memory: int | None = None,
    ) -> None:
        self._program = circuit if isinstance(circuit, RotationProgram) else lower(circuit)
        terms, self._constant = _terms(observable, self._program.num_qubits)
        self._budget = memory_budget(max_memory)
        walked = _Walk(self._program, terms, max_strings, self._budget // 2).run()
        self._terms, self._coefficients = np.arange(len(terms)), np.array([c for *_, c in terms], dtype=np.float64)
        self._rotations, self._pairs = walked.rotations, walked.pairs
        self.num_strings = walked.table.count
        self.num_turns = int(np.sum(self._rotations[:, 1] - self._rotations[:, 0]))
        self._check_tile()
        values = walked.start.values(walked.table.words)
        self._ends = np.flatnonzero(values)
        self._signs = values[self._ends]

    def _check_tile(self) -> None:
        """One tile needs a value and a costate for each string and sample."""
        needed = 16 * self.num_strings * _WIDTH
        if needed > self._budget:
            raise UnsupportedCircuitError(
                f"The observable spreads over {self.num_strings:,} Pauli strings, which needs {format_bytes(needed)} "
                f"for a tile of samples, but {format_bytes(self._budget)} may be used. Give a larger max_memory."
            )

    def losses(self, values: npt.ArrayLike) -> FloatArray:
        """⟨O⟩ for each row of parameter values, shape (B, P) → (B,)."""
        return self._run(values, reverse=False)[0]

    def losses_and_gradients(self, values: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """⟨O⟩, shape (B,), and its derivatives by all parameters, shape (B, P), at parameter values of shape (B, P).

        Raises:
            ValueError: The shape does not fit, or a value or an angle is not finite.
        """
        return self._run(values, reverse=True)

    def _run(self, values: npt.ArrayLike, *, reverse: bool) -> tuple[FloatArray, FloatArray]:
        checked = check_values(self._program, values)
        angle_map = self._program.angles
        losses = np.empty(len(checked))
        gradients = np.zeros((len(checked) if reverse else 0, angle_map.num_parameters))
        angles_at_once = min(_ANGLE_BLOCK, self._budget // 64)  # several arrays of eight bytes each
        block = max(angles_at_once // max(angle_map.num_angles, 1) // _WIDTH, 1) * _WIDTH
        for first in range(0, len(checked), block):
            part = checked[first : first + block]
            angles = angle_map.evaluate(part)
            _check_angles(angles, first)
            losses[first : first + block], slopes = self._run_block(angles, reverse)
            if reverse:
                gradients[first : first + block] = angle_map.vjp(part, slopes)
        return losses + self._constant, gradients

    def _run_block(self, angles: FloatArray, reverse: bool) -> tuple[FloatArray, FloatArray]:
        """Losses and their derivatives by the angles, shape (B, K)."""
        samples, num_angles = angles.shape
        tiles = -(-samples // _WIDTH)
        padded = np.zeros((num_angles, tiles * _WIDTH))
        padded[:, :samples] = angles.T
        cosines, sines = np.cos(padded).ravel(), np.sin(padded).ravel()
        losses = np.empty(tiles * _WIDTH)
        slopes = np.zeros(num_angles * len(losses) if reverse else _WIDTH)
        numbers = self.num_strings * _WIDTH * (2 if reverse else 1)

        def task(first: int, last: int) -> None:
            memory = scratch(numbers, "float64", "strings")[:numbers]
            run_tiles(
                first, last, self._rotations, self._pairs, cosines, sines, self._terms, self._coefficients,
                self._ends, self._signs, memory, reverse, LANES, losses, slopes,
            )  # fmt: skip

        threads = min(thread_count(None), max(self._budget // max(16 * numbers, 1), 1))
        if self.num_turns * tiles < _INLINE_TURNS:
            threads = 1
        run_chunks(task, tiles, 1, threads)
        return losses[:samples], slopes.reshape(num_angles, -1)[:, :samples].T if reverse else np.empty((0, 0))


@dataclass(frozen=True, eq=False)
class _Walked:
    table: StringTable
    rotations: IntArray
    pairs: Int32Array
    start: FrameStart


@dataclass(eq=False)
class _Known:
    """The pairs of one generator so far; a rotation that the strings meet early turns only those first in the list."""

    generator: Generator
    scanned: int = 0
    parts: list[Int32Array] = field(default_factory=list)
    count: int = 0


class _Walk:
    """The way of the strings from the observable to the initial state."""

    def __init__(
        self, program: RotationProgram, terms: list[tuple[int, int, float]], max_strings: int, budget: int
    ) -> None:
        self._program, self._limit, self._budget = program, max_strings, budget
        self._frame = CliffordFrame(program.num_qubits)
        self._table = StringTable(program.num_qubits)
        for x, z, _ in terms:
            self._table.add(self._table.generator(x, z))
        self._known: dict[tuple[int, int], _Known] = {}
        self._turns: list[tuple[_Known, int, int, int]] = []
        self._bytes = 0

    def run(self) -> _Walked:
        operations = self._program.operations
        for place in range(len(operations) - 1, -1, -1):
            operation = operations[place]
            if isinstance(operation, CliffordGate):
                self._frame.prepend(operation.name, operation.qubits)
            elif isinstance(operation, PauliRotation):
                if not self._fixed_turn(operation):
                    self._rotate(operation, len(operations) - place)
            else:
                raise UnsupportedCircuitError(
                    "The circuit has fixed unitaries or state preparations, neither Clifford gates nor Pauli "
                    "rotations, which Pauli strings cannot be propagated through. Decompose them, or simulate states."
                )
        return self._collect()

    def _fixed_turn(self, rotation: PauliRotation) -> bool:
        """Make a fixed rotation by a multiple of π/2 part of the frame."""
        terms, angle = self._program.angles.rows.row(rotation.angle)
        quarters = round(angle / (np.pi / 2))
        if terms or abs(angle - quarters * np.pi / 2) > _QUARTER_ATOL:
            return False
        self._frame.prepend_turn(rotation.x, rotation.z, quarters)
        return True

    def _rotate(self, rotation: PauliRotation, gates: int) -> None:
        x, z, sign = self._frame.image(rotation.x, rotation.z)
        if not (x | z) & self._table.support:
            return
        known = self._known.get((x, z))
        if known is None:
            known = self._known[x, z] = _Known(self._table.generator(x, z))
        if known.scanned < self._table.count:
            pairs = self._table.pair_up(known.generator, known.scanned, self._limit)
            if pairs is None:
                raise UnsupportedCircuitError(self._too_many(f"more than {self._limit:,} Pauli strings", gates))
            known.scanned = self._table.count
            self._bytes += pairs.nbytes
            if self._bytes > self._budget:
                raise UnsupportedCircuitError(
                    self._too_many(
                        f"{self._table.count:,} Pauli strings, whose pairs need more than {format_bytes(self._budget)}",
                        gates,
                    )
                )
            if len(pairs):
                known.parts.append(pairs)
                known.count += len(pairs)
        if known.count:
            self._turns.append((known, known.count, rotation.angle, sign))

    def _too_many(self, what: str, gates: int) -> str:
        return (
            f"The observable spreads over {what} within the last {gates:,} of {len(self._program.operations):,} gates. "
            "Use second_moments, if every parameter drives one rotation and the observable has at most 200 terms; "
            "simulate states, if there are few qubits; or choose fewer layers or a more local observable. "
            "PauliPropagation takes larger max_strings and max_memory."
        )

    def _collect(self) -> _Walked:
        starts: dict[int, int] = {}
        pairs, total = [], 0
        for known in self._known.values():
            starts[id(known)] = total
            pairs += known.parts
            total += known.count
        rotations = [
            (starts[id(known)], starts[id(known)] + count, angle, sign) for known, count, angle, sign in self._turns
        ]
        flat = np.concatenate(pairs).ravel() if pairs else np.zeros(0, dtype=np.int32)
        table = np.array(rotations, dtype=np.int64).reshape(-1, 4)
        return _Walked(self._table, table, flat, FrameStart(self._frame))


def _terms(observable: SparsePauliOp | Pauli, num_qubits: int) -> tuple[list[tuple[int, int, float]], float]:
    """The Paulis but the identity, as masks with their coefficients, and the coefficient of the identity."""
    if not isinstance(observable, (Pauli, SparsePauliOp)):
        raise UnsupportedObservableError(
            f"Pauli propagation needs a Pauli sum, but the observable is a {type(observable).__name__}. "
            "Give a SparsePauliOp, or simulate states."
        )
    operator = simplified(observable)
    if operator.num_qubits != num_qubits:
        raise ValueError(f"The observable acts on {operator.num_qubits} qubits but the circuit has {num_qubits}.")
    if np.abs(np.imag(operator.coeffs)).max(initial=0.0) > 1e-12 * np.abs(operator.coeffs).max(initial=0.0):
        raise ValueError("The observable is not Hermitian: it has complex coefficients.")
    terms, constant = [], 0.0
    for pauli, coefficient in zip(operator.paulis, np.real(operator.coeffs), strict=True):
        x = sum(1 << int(q) for q in np.flatnonzero(pauli.x))
        z = sum(1 << int(q) for q in np.flatnonzero(pauli.z))
        if x | z:
            terms.append((x, z, float(coefficient)))
        else:
            constant += float(coefficient)
    return terms, constant


def _check_angles(angles: FloatArray, first: int) -> None:
    finite = np.isfinite(angles).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"An angle of the circuit is not finite for values[{first + int(np.argmin(finite))}]: a parameter "
            "expression (such as arccos or log) left its domain. Scale the values into the domain."
        )
