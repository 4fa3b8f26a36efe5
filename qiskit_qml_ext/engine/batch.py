"""What every entry point does before and after the compiled code: checks, memory, scratch and threads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt
from qiskit.circuit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IntArray, RealArray
from qiskit_qml_ext.checks import numeric_array, wrong_value
from qiskit_qml_ext.engine import memory, threads
from qiskit_qml_ext.engine.compiled.simd import LANES
from qiskit_qml_ext.engine.compiled.tile import scratch_rows
from qiskit_qml_ext.engine.planning.bytecode import Bytecode, bytecode_of
from qiskit_qml_ext.program import RotationProgram, lower

Lanes = tuple[int, ...]
Task = Callable[[int, int, Lanes, RealArray, RealArray, IntArray], None]

INLINE_ROWS = 165_000  # row updates (some 2 ns each) below which waking a thread costs more than it saves
TILE_ROWS = 500  # what angles, sines and the output of a tile cost, in row updates
# (qubits, samples): from so many qubits on, up to so many samples are faster one by one than in mostly empty vectors,
# because a state then takes an eighth of the cache; measured with two cores
_SINGLE_LANE = ((16, 6), (13, 4), (10, 2))
_REAL = {"complex128": "float64", "complex64": "float32"}


@dataclass(frozen=True, eq=False)
class Batch:
    """A checked request: the program, its bytecode and the parameter values."""

    program: RotationProgram
    """The program."""
    bytecode: Bytecode
    """Its bytecode."""
    values: FloatArray
    """Finite float64 values, C-contiguous, shape (B, P)."""
    real: str
    """``"float64"`` or ``"float32"``."""
    budget: int
    """Bytes that may be used."""
    num_threads: int | None
    """Threads that may be used, None for what the environment allows."""

    @property
    def lanes(self) -> Lanes:
        """One zero per sample of a tile: a full vector, or one sample where full tiles would waste most of memory."""
        for num_qubits, samples in _SINGLE_LANE:
            if self.program.num_qubits >= num_qubits:
                return (0,) * (1 if len(self.values) <= samples else LANES[self.real])
        return (0,) * LANES[self.real]

    @property
    def state_bytes(self) -> int:
        """Bytes of one state."""
        return 2 * np.dtype(self.real).itemsize << self.program.num_qubits

    def check(self, output_bytes: int) -> None:
        """Raise before a result is allocated that cannot fit together with one state.

        Raises:
            StateTooLargeError: The message says how much would be needed.
        """
        memory.check_memory(
            output_bytes + self.bytecode.nbytes + self.state_bytes,
            self.budget,
            f"A result of {memory.format_bytes(output_bytes)} with the work space of one sample",
            "Use fewer samples per call, complex64, fewer qubits or a larger max_memory.",
        )


def prepare(
    program: RotationProgram | QuantumCircuit,
    values: npt.ArrayLike,
    *,
    amplitudes: bool,
    states: int,
    dtype: str,
    max_memory: int | None,
    num_threads: int | None,
    given: bool = False,
) -> Batch:
    """Check the arguments that all entry points share.

    Args:
        program: A program or a circuit.
        values: Parameter values, shape (B, P).
        amplitudes: Whether amplitudes are wanted.
        states: How many states one sample needs at once, its results included.
        dtype: The precision.
        max_memory: Bytes that may be used.
        num_threads: Threads.
        given: Whether the task loads the states at the beginning itself.

    Raises:
        TypeError: ``program`` is neither a program nor a circuit, or ``values`` are not real numbers.
        ValueError: An argument has a wrong shape or value.
        StateTooLargeError: Not even one state fits.
    """
    if isinstance(program, QuantumCircuit):
        program = lower(program)
    elif not isinstance(program, RotationProgram):
        raise TypeError(f"program must be a RotationProgram or a QuantumCircuit, but a {type(program).__name__} came.")
    name = dtype if dtype in _REAL else getattr(dtype, "name", getattr(dtype, "__name__", repr(dtype)))
    if name not in _REAL:
        raise wrong_value("dtype", "'complex128' or 'complex64'", dtype)
    checked = check_values(program, values)
    if num_threads is not None:
        threads.thread_count(num_threads)
    budget = memory.memory_budget(max_memory) if max_memory is not None or program.num_qubits > 16 else _UNLIMITED
    if budget < _UNLIMITED:
        memory.check_memory(
            memory.state_memory(program.num_qubits, name),
            budget,
            f"One state of {program.num_qubits} qubits in {name}",
            _ADVICE,
        )
        memory.check_memory(
            states * memory.state_memory(program.num_qubits, name),
            budget,
            f"One sample of {program.num_qubits} qubits, which takes {states} states in {name},",
            _ADVICE,
        )
    bytecode = bytecode_of(program, amplitudes=amplitudes, given=given, budget=budget)
    return Batch(program, bytecode, checked, _REAL[name], budget, num_threads)


_ADVICE = "Use fewer qubits, complex64, or a machine with more memory; max_memory sets the limit."


_UNLIMITED = 1 << 62  # small states: the output is bounded by the caller's own arrays, and asking costs time


def check_values(program: RotationProgram, values: npt.ArrayLike) -> FloatArray:
    """Parameter values as a finite, C-contiguous float64 array of shape (B, P).

    Raises:
        TypeError: The values are not real numbers.
        ValueError: The shape does not fit, or a value is not finite; the message names row and column.
    """
    if isinstance(values, np.ma.MaskedArray):
        numeric_array("values", values)
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" and array.size:
        raise TypeError(f"values must be real numbers, but an array of {array.dtype} came.")
    expected = program.num_parameters
    if array.ndim != 2 or array.shape[1] != expected:
        hint = "Give every parameter a value: " if array.ndim == 2 and array.shape[1] < expected else ""
        names = ", ".join(parameter.name for parameter in program.parameters[:6]) + (", …" if expected > 6 else "")
        raise ValueError(
            f"values must have the shape (B, {expected}), one row per sample and one column per parameter"
            f"{f' ({names})' if names else ''}, but {array.shape} came. {hint}A single sample is an array of shape "
            f"(1, {expected})."
        )
    checked = np.ascontiguousarray(array, dtype=np.float64)
    if not np.isfinite(checked).all():
        row, column = np.argwhere(~np.isfinite(checked))[0].tolist()
        raise ValueError(
            f"values[{row}, {column}] (parameter {program.parameters[column].name!r}) is {checked[row, column]}; "
            "angles must be finite. Impute or drop the missing entries first."
        )
    return checked


def run(
    batch: Batch,
    task: Task,
    *,
    results: int = 0,
    reverse: bool = False,
    jacobian: bool = False,
    output_bytes: int,
    rows_per_tile: int,
) -> None:
    """Run ``task(first_tile, last_tile, lanes, wide, scratch, status)`` over all tiles, within memory, on threads.

    Where a whole vector of samples does not fit, tiles of one sample are run.

    Args:
        batch: The request.
        task: Writes the results of a range of tiles.
        results: Number of result rows (observables or outcomes) that a tile collects.
        reverse: Whether the task needs memory for the reverse pass.
        jacobian: Whether it needs memory for a copy of the state.
        output_bytes: Size of the output and of what else is held, for the memory budget.
        rows_per_tile: Estimated row updates per tile, to decide whether threads pay.

    Raises:
        StateTooLargeError: Output and one thread's scratch exceed the budget.
        ValueError: An angle is not finite.
    """
    bytecode, lanes = batch.bytecode, batch.lanes
    num_rows = bytecode.angles.num_angles
    rows = scratch_rows(bytecode.num_qubits, num_rows, bytecode.table_rows, results, reverse=reverse, jacobian=jacobian)

    def sizes(samples: int) -> tuple[int, int, int]:
        """Values of working and of double precision, and bytes, that a thread needs for tiles of so many samples."""
        wide = (
            samples * (2 * bytecode.angles.num_atoms + 3 * num_rows + 1) + 32
        )  # three blocks may be padded to vectors
        return samples * rows, wide, samples * rows * np.dtype(batch.real).itemsize + wide * 8

    held = output_bytes + bytecode.nbytes
    if held + sizes(len(lanes))[2] > batch.budget:
        lanes = (0,)
    narrow, wide, per_thread = sizes(len(lanes))
    if held + per_thread > batch.budget:
        memory.check_memory(
            held + per_thread,
            batch.budget,
            f"A result of {memory.format_bytes(output_bytes)} with the work space of {len(lanes)} samples",
            "Use fewer samples per call, complex64, fewer qubits or a larger max_memory.",
        )
    tiles = -(-len(batch.values) // len(lanes))
    count = 1
    if (rows_per_tile + TILE_ROWS) * tiles >= INLINE_ROWS:
        affordable = (batch.budget - held) // per_thread
        count = int(min(threads.thread_count(batch.num_threads), affordable))
    status = np.zeros(1, dtype=np.int64)

    def chunk(first: int, last: int) -> None:
        task(
            first, last, lanes, threads.scratch(wide, "float64", "angles"), threads.scratch(narrow, batch.real), status
        )

    threads.run_chunks(chunk, tiles, max(1, tiles // (4 * count)), count)
    if status[0]:
        raise_non_finite(batch.program, batch.values)


def raise_non_finite(program: RotationProgram, values: FloatArray) -> NoReturn:
    """Say which row of values, shape (B, P), gives an angle that is not finite.

    Raises:
        ValueError: Always.
    """
    angles = program.angles.evaluate(values)
    rows = np.flatnonzero(~np.isfinite(angles).all(axis=1))
    row = int(rows[0]) if len(rows) else 0
    raise ValueError(
        f"An angle of the circuit is not finite for values[{row}]: a parameter expression (such as arccos or log) left "
        "its domain. Scale the values into the domain."
    )
