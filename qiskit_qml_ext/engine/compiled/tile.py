"""The memory of one tile of samples: where its parts lie, and the rows that every pass needs.

Scratch is laid out in rows of W values, see :func:`scratch_rows`. ``lanes`` is a tuple of W zeros, whose length is
known to the compiler. W is the width of a vector, or 1 for few samples of many qubits, which fill more cache than
lanes.
"""

from qiskit_qml_ext.arrays import IntArray, RealArray
from qiskit_qml_ext.engine.compiled import machine, rows
from qiskit_qml_ext.engine.compiled.jit import njit
from qiskit_qml_ext.engine.compiled.simd import Lanes, pointer

Places = tuple[int, int, int, int, int, int, int, int]


def scratch_rows(n: int, num_rows: int, table_rows: int, num_observables: int, *, reverse: bool, jacobian: bool) -> int:
    """Number of rows of W values that a tile needs in the working precision (observables: or outcomes)."""
    states = 2 << n
    total = states + 2 * table_rows + 4 * n + 2 * num_rows + num_observables
    if reverse:
        total += states + table_rows + 4 * n + num_rows + num_observables
    if jacobian:
        total += states + 4 * n
    return total


@njit
def prepare(
    values: RealArray, tile: int, w: int, integers: IntArray, reals: RealArray, wide: RealArray, scratch: RealArray,
    cosines: int, sines: int, status: IntArray,
) -> None:  # fmt: skip
    """Evaluate all rows of a tile; ``wide`` is float64 scratch for (atoms, rows, cosines, sines, pulled).

    Cosines and sines go to ``scratch`` from the elements ``cosines`` and ``sines`` on. Sets ``status[0]`` if an angle
    is not finite.
    """
    num_rows = integers[rows.NUM_ROWS]
    angles = rows.num_atoms(integers, values.shape[1]) * w
    count = (num_rows * w + 7) // 8 * 8  # whole vectors
    rows.evaluate_rows(values, tile * w, w, integers, reals, wide, angles)
    for index in range(angles + num_rows * w, angles + count):
        wide[index] = 0.0
    if not rows.sines_and_cosines(wide, angles, angles + count, angles + 2 * count, count):
        status[0] = 1
    for index in range(num_rows * w):
        scratch[cosines + index] = wide[angles + count + index]
        scratch[sines + index] = wide[angles + 2 * count + index]


# The scratch of a tile, in rows of W values: ψ (real, imaginary), phase tables (real, imaginary), one-qubit states
# (real, imaginary), cosines, sines; then results and weights by observable (or results by outcome); then for the
# reverse pass λ (real, imaginary), the gradient table, λ of the one-qubit states (real, imaginary), gradients by row,
# saved states.


@njit
def places(n: int, w: int, table_rows: int, num_rows: int) -> Places:
    """Where the parts of the scratch for the forward pass begin."""
    size = 1 << n
    small = 2 * (size + table_rows)
    trigonometry = small + 4 * n
    return (
        0,
        size * w,
        2 * size * w,
        (2 * size + table_rows) * w,
        small * w,
        (small + 2 * n) * w,
        trigonometry * w,
        (trigonometry + num_rows) * w,
    )


@njit
def pointers(scratch: RealArray, lanes: Lanes, places: Places) -> machine.Memory:
    """Pointers to the parts: made once for all tiles, since each costs as much as a gate on few qubits."""
    return (
        pointer(scratch, places[0], lanes),
        pointer(scratch, places[1], lanes),
        pointer(scratch, places[2], lanes),
        pointer(scratch, places[3], lanes),
        pointer(scratch, places[4], lanes),
        pointer(scratch, places[5], lanes),
        pointer(scratch, places[6], lanes),
        pointer(scratch, places[7], lanes),
    )


@njit
def back_pointers(
    scratch: RealArray, lanes: Lanes, reverse: int, by_row: int, n: int, table_rows: int
) -> machine.BackMemory:
    """Pointers to λ, the gradient table, λ of the one-qubit states and the gradients by row."""
    w = len(lanes)
    table = reverse + (2 << n) * w
    small = table + table_rows * w
    return (
        pointer(scratch, reverse, lanes),
        pointer(scratch, reverse + (1 << n) * w, lanes),
        pointer(scratch, table, lanes),
        pointer(scratch, small, lanes),
        pointer(scratch, small + 2 * n * w, lanes),
        pointer(scratch, by_row, lanes),
    )


@njit
def results_row(n: int, table_rows: int, num_rows: int) -> int:
    """The row at which results by observable begin."""
    return (2 << n) + 2 * table_rows + 4 * n + 2 * num_rows


@njit
def gradients_row(n: int, table_rows: int) -> int:
    """The row at which gradients by row begin, counted from the start of λ."""
    return (2 << n) + table_rows + 4 * n


@njit
def clear(scratch: RealArray, start: int, count: int) -> None:
    """Set elements to zero."""
    for index in range(start, start + count):
        scratch[index] = 0.0


@njit
def copy(scratch: RealArray, source: int, extended: int, count: int) -> None:
    """Copy elements to where the scratch goes on."""
    for index in range(count):
        scratch[extended + index] = scratch[source + index]
