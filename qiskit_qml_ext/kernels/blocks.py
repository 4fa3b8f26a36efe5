"""How many states an exact kernel matrix holds at a time, so that all of it stays within a memory limit.

What counts is everything that is there at once: the matrix itself, the states of its rows, the states of its columns
beside them, and the scratch in which the engine simulates a tile of samples before it writes their states down.
"""

from dataclasses import dataclass

from qiskit_qml_ext.engine import state_memory
from qiskit_qml_ext.engine.compiled.simd import LANES
from qiskit_qml_ext.engine.compiled.tile import scratch_rows
from qiskit_qml_ext.engine.memory import SMALL_BYTES, check_memory, memory_budget
from qiskit_qml_ext.engine.planning.bytecode import Bytecode, bytecode_of
from qiskit_qml_ext.program import RotationProgram

_MAX_COLUMNS = 128  # more states beside those of the rows do not make the product faster
_REAL = {"complex128": "float64", "complex64": "float32"}
_WORTH_A_TILE = 16  # states that must fit beside a full tile; with fewer, simulating one by one recomputes less
_ADVICE = (
    "Encode fewer features (for example through PCA), use complex64, take method='mps' if the circuit is shallow, or "
    "raise max_memory on a machine that has more."
)


@dataclass(frozen=True)
class Blocks:
    """How a matrix is cut."""

    rows: int
    """How many states of the rows are held at a time."""
    columns: int
    """How many of the columns are held beside them."""
    state: int
    """Bytes of one state."""
    memory: int | None = None
    """Bytes for all states and the engine's work; ``None`` where they need no limit."""


def check_matrix(
    shape: tuple[int, int],
    arrays: int,
    max_memory: int | None,
    advice: str = "Use fewer samples, QuantumNystroem, compute_kernel_matrix with a folder, or a larger max_memory.",
) -> int:
    """Return the bytes that arrays of the shape of a kernel matrix take.

    Args:
        shape: Rows and columns.
        arrays: How many such arrays exist at the same time.
        max_memory: The limit in bytes; ``None`` for a share of what is free.
        advice: What to do if they do not fit.

    Raises:
        StateTooLargeError: If they alone take more than the limit.
    """
    needed = 8 * shape[0] * shape[1] * arrays
    if max_memory is not None or needed > SMALL_BYTES:
        check_memory(
            needed,
            memory_budget(max_memory),
            f"A kernel matrix of {shape[0]} by {shape[1]} entries",
            advice,
        )
    return needed


def cut_blocks(
    program: RotationProgram, dtype: str, rows: int, columns: int, *, matrices: int, max_memory: int | None
) -> Blocks:
    """Cut a matrix so that it is computed within a memory limit, down to blocks of one state.

    Many rows are held beside few columns: the states of the columns are simulated anew for each block of rows, so that
    the number of simulations grows as columns · samples / rows.

    Args:
        program: Prepares the states.
        dtype: ``"complex128"`` or ``"complex64"``.
        rows: Distinct samples of the rows.
        columns: Distinct samples of the columns; 0 if they are those of the rows.
        matrices: Bytes of the matrices.
        max_memory: The limit in bytes; ``None`` for a share of what is free.

    Raises:
        StateTooLargeError: If a block of one state for the rows, one for the columns and the scratch do not fit.
    """
    one = state_memory(program.num_qubits, dtype)
    total, fewest = rows + columns, min(2, rows + columns)
    if max_memory is None and matrices + total * one <= SMALL_BYTES:
        return Blocks(rows, columns, one)
    budget = memory_budget(max_memory)
    memory = budget - matrices
    what = f"A kernel of {program.num_qubits} qubits, with {fewest} states at a time and the room to simulate one,"
    # Checked before the program is planned, which takes memory and time itself.
    check_memory(matrices + (fewest + 1) * one, budget, what, _ADVICE)
    bytecode = bytecode_of(program, amplitudes=True, budget=memory)
    memory -= bytecode.nbytes
    tile, single = (_scratch(bytecode, dtype, lanes) for lanes in (LANES[_REAL[dtype]], 1))
    if total * one + tile <= memory:
        return Blocks(rows, columns, one, memory + bytecode.nbytes)
    check_memory(budget - memory + fewest * one + single, budget, what, _ADVICE)
    held = _fitting(memory - tile, one, total)
    if held < _WORTH_A_TILE:  # the engine simulates one sample at a time where a full tile does not fit
        held = max(fewest, _fitting(memory - single, one, total))
    beside = min(max(1, held // 4), _MAX_COLUMNS)
    return Blocks(max(1, held - beside), beside, one, memory + bytecode.nbytes)


def _fitting(memory: int, state: int, most: int) -> int:
    """Return how many states fit beside the part of the matrix that they give, of at most ``most`` entries a state."""
    widest = min(most, max(0, memory) // state)
    return max(0, memory) // (state + 8 * widest)


def _scratch(bytecode: Bytecode, dtype: str, lanes: int) -> int:
    """Return the bytes in which the engine simulates ``lanes`` samples."""
    number = bytecode.angles.num_angles
    rows = scratch_rows(bytecode.num_qubits, number, bytecode.table_rows, 0, reverse=False, jacobian=False)
    angles = lanes * (2 * bytecode.angles.num_atoms + 3 * number + 1) + 32
    return rows * lanes * (8 if dtype == "complex128" else 4) + 8 * angles
