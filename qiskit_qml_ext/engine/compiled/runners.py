"""From parameter values to results, tile after tile: the compiled entry points of the engine.

Each function handles the tiles ``first_tile`` to ``last_tile`` of the batch with scratch memory that the caller owns,
so that threads share nothing but read-only inputs and disjoint rows of the output. Results do not depend on which
thread runs a tile: a sample occupies one SIMD lane and never meets its neighbours.

Scratch is laid out in rows of W values, see :func:`scratch_rows`. ``lanes`` is a tuple of W zeros, whose length is
known to the compiler. W is the width of a vector, or 1 for few samples of many qubits, which fill more cache than
lanes.
"""

from qiskit_qml_ext.arrays import IntArray, RealArray
from qiskit_qml_ext.engine.compiled import machine, measure, rows
from qiskit_qml_ext.engine.compiled.jit import njit
from qiskit_qml_ext.engine.compiled.simd import Lanes, load, muladd, pointer, splat, store, store_pair

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
def _prepare(
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


@njit
def run_states(
    first_tile: int, last_tile: int, values: RealArray, integers: IntArray, reals: RealArray, code: IntArray,
    tables: IntArray, constants: RealArray, n: int, lanes: Lanes, table_rows: int, output_table: IntArray,
    wide: RealArray, scratch: RealArray, status: IntArray, out: RealArray,
) -> None:  # fmt: skip
    """Write the states of a range of tiles to ``out``, shape (B, 2 * 2**n), real and imaginary parts interleaved.

    ``output_table[o] = 4 z + k`` says that amplitude o of the output is i^k ψ[z]; an empty table: ψ[o].
    """
    size, w = 1 << n, len(lanes)
    imaginary = size * w
    block = min(8, size)
    is_moved = len(output_table) > 0
    output = pointer(out.ravel(), 0, lanes)
    places = _places(n, w, table_rows, integers[rows.NUM_ROWS])
    memory = _pointers(scratch, lanes, places)
    for tile in range(first_tile, last_tile):
        _prepare(values, tile, w, integers, reals, wide, scratch, places[6], places[7], status)
        machine.forward(code, tables, constants, n, w, memory)
        used = min(w, len(values) - tile * w)
        for start in range(0, size, block):
            for lane in range(used):
                target = 2 * size * (tile * w + lane)
                for o in range(start, start + block):
                    entry = output_table[o] if is_moved else 4 * o
                    source = (entry >> 2) * w + lane
                    real = scratch[source]
                    imag = scratch[imaginary + source]
                    if is_moved:
                        if entry & 1:
                            real, imag = -imag, real
                        if entry & 2:
                            real, imag = -real, -imag
                    store_pair(output, target + 2 * o, real, imag)


@njit
def run_probabilities(
    first_tile: int, last_tile: int, values: RealArray, integers: IntArray, reals: RealArray, code: IntArray,
    tables: IntArray, constants: RealArray, n: int, lanes: Lanes, table_rows: int, outcomes: IntArray, wide: RealArray,
    scratch: RealArray, status: IntArray, out: RealArray,
) -> None:  # fmt: skip
    """Write outcome probabilities to ``out``, shape (B, K); row z of the state counts for outcome ``outcomes[z]``."""
    size, w = 1 << n, len(lanes)
    num_outcomes = out.shape[1]
    num_rows = integers[rows.NUM_ROWS]
    places = _places(n, w, table_rows, num_rows)
    memory = _pointers(scratch, lanes, places)
    state = memory[0]
    sums = _results_row(n, table_rows, num_rows) * w
    zero = splat(load(state, 0), 0.0)
    block = min(8, num_outcomes)
    for tile in range(first_tile, last_tile):
        _prepare(values, tile, w, integers, reals, wide, scratch, places[6], places[7], status)
        machine.forward(code, tables, constants, n, w, memory)
        for outcome in range(num_outcomes):
            store(state, sums + outcome * w, zero)
        for z in range(size):
            real = load(state, z * w)
            imag = load(state, (size + z) * w)
            position = sums + outcomes[z] * w
            store(state, position, muladd(real, real, muladd(imag, imag, load(state, position))))
        used = min(w, len(values) - tile * w)
        for start in range(0, num_outcomes, block):
            for lane in range(used):
                for outcome in range(start, start + block):
                    out[tile * w + lane, outcome] = scratch[sums + outcome * w + lane]


@njit
def run_expectations(
    first_tile: int, last_tile: int, values: RealArray, integers: IntArray, reals: RealArray, code: IntArray,
    back: IntArray, tables: IntArray, constants: RealArray, n: int, lanes: Lanes, table_rows: int, steps: IntArray,
    observable_constants: RealArray, mode: int, cotangents: RealArray, wide: RealArray, scratch: RealArray,
    status: IntArray, out: RealArray, gradients: RealArray, jacobian: RealArray,
) -> None:  # fmt: skip
    """Expectation values, and by ``mode`` 0: nothing more; 1: the vjp; 2: the Jacobian.

    Writes ``out`` (B, M); for mode 1 ``gradients`` (B, P) from ``cotangents`` (B, M); for mode 2 ``jacobian`` with
    shape (B, M, P).
    """
    size, w = 1 << n, len(lanes)
    num_rows = integers[rows.NUM_ROWS]
    batch, num_observables = out.shape
    num_atoms = rows.num_atoms(integers, values.shape[1])
    places = _places(n, w, table_rows, num_rows)
    memory = _pointers(scratch, lanes, places)
    results = _results_row(n, table_rows, num_rows) * w
    weights = results + num_observables * w
    reverse = results + 2 * num_observables * w
    by_row = reverse + _gradients_row(n, table_rows) * w
    saved = by_row + num_rows * w
    # the float64 rows of _prepare are free after the forward pass
    by_row_wide, pulled = num_atoms * w, (num_atoms + 3 * num_rows) * w
    back_memory = _back_pointers(scratch, lanes, reverse, by_row, n, table_rows)
    results_pointer, weights_pointer = pointer(scratch, results, lanes), pointer(scratch, weights, lanes)
    passes = num_observables if mode == 2 else mode
    for tile in range(first_tile, last_tile):
        _prepare(values, tile, w, integers, reals, wide, scratch, places[6], places[7], status)
        machine.forward(code, tables, constants, n, w, memory)
        _clear(scratch, results, num_observables * w)
        measure.add_expectations(steps, observable_constants, memory[0], memory[1], n, w, results_pointer)
        for lane in range(min(w, batch - tile * w)):
            for observable in range(num_observables):
                out[tile * w + lane, observable] = scratch[results + observable * w + lane]
        if passes > 1:
            _copy(scratch, 0, saved, 2 * size * w)
            _copy(scratch, places[4], saved + 2 * size * w, 4 * n * w)
        for index in range(passes):
            if index > 0:
                _copy(scratch, saved, 0, 2 * size * w)
                _copy(scratch, saved + 2 * size * w, places[4], 4 * n * w)
            for observable in range(num_observables):
                for lane in range(w):
                    if mode == 1:
                        weight = cotangents[min(tile * w + lane, batch - 1), observable]
                    else:
                        weight = 1.0 if observable == index else 0.0
                    scratch[weights + observable * w + lane] = weight
            _clear(scratch, reverse, 2 * size * w)
            _clear(scratch, by_row, num_rows * w)
            measure.add_observables(
                steps, observable_constants, -1 if mode == 1 else index, memory[0], memory[1], n, w, weights_pointer,
                back_memory[0], back_memory[1],
            )  # fmt: skip
            machine.backward(back, tables, constants, n, w, memory, back_memory)
            for entry in range(num_rows * w):
                wide[by_row_wide + entry] = scratch[by_row + entry]
            rows.pull_back_rows(
                tile * w, w, integers, reals, wide, by_row_wide, pulled, gradients if mode == 1 else jacobian[:, index]
            )


# The scratch of a tile, in rows of W values: ψ (real, imaginary), phase tables (real, imaginary), one-qubit states
# (real, imaginary), cosines, sines; then results and weights by observable (or results by outcome); then for the
# reverse pass λ (real, imaginary), the gradient table, λ of the one-qubit states (real, imaginary), gradients by row,
# saved states.


@njit
def _places(n: int, w: int, table_rows: int, num_rows: int) -> Places:
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
def _pointers(scratch: RealArray, lanes: Lanes, places: Places) -> machine.Memory:
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
def _back_pointers(
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
def _results_row(n: int, table_rows: int, num_rows: int) -> int:
    return (2 << n) + 2 * table_rows + 4 * n + 2 * num_rows


@njit
def _gradients_row(n: int, table_rows: int) -> int:
    """Counted from the start of λ."""
    return (2 << n) + table_rows + 4 * n


@njit
def _clear(scratch: RealArray, start: int, count: int) -> None:
    for index in range(start, start + count):
        scratch[index] = 0.0


@njit
def _copy(scratch: RealArray, source: int, extended: int, count: int) -> None:
    for index in range(count):
        scratch[extended + index] = scratch[source + index]
