"""From parameter values to results, tile after tile: the compiled entry points of the engine.

Each function handles the tiles ``first_tile`` to ``last_tile`` of the batch with scratch memory that the caller owns,
so that threads share nothing but read-only inputs and disjoint rows of the output. Results do not depend on which
thread runs a tile: a sample occupies one SIMD lane and never meets its neighbours.
"""

from qiskit_qml_ext.arrays import IntArray, RealArray
from qiskit_qml_ext.engine.compiled import machine, measure, rows
from qiskit_qml_ext.engine.compiled import tile as tiles
from qiskit_qml_ext.engine.compiled.jit import njit
from qiskit_qml_ext.engine.compiled.simd import Lanes, load, muladd, pointer, splat, store, store_pair


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
    places = tiles.places(n, w, table_rows, integers[rows.NUM_ROWS])
    memory = tiles.pointers(scratch, lanes, places)
    for tile in range(first_tile, last_tile):
        tiles.prepare(values, tile, w, integers, reals, wide, scratch, places[6], places[7], status)
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
    places = tiles.places(n, w, table_rows, num_rows)
    memory = tiles.pointers(scratch, lanes, places)
    state = memory[0]
    sums = tiles.results_row(n, table_rows, num_rows) * w
    zero = splat(load(state, 0), 0.0)
    block = min(8, num_outcomes)
    for tile in range(first_tile, last_tile):
        tiles.prepare(values, tile, w, integers, reals, wide, scratch, places[6], places[7], status)
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
    places = tiles.places(n, w, table_rows, num_rows)
    memory = tiles.pointers(scratch, lanes, places)
    results = tiles.results_row(n, table_rows, num_rows) * w
    weights = results + num_observables * w
    reverse = results + 2 * num_observables * w
    by_row = reverse + tiles.gradients_row(n, table_rows) * w
    saved = by_row + num_rows * w
    # the float64 rows of _prepare are free after the forward pass
    by_row_wide, pulled = num_atoms * w, (num_atoms + 3 * num_rows) * w
    back_memory = tiles.back_pointers(scratch, lanes, reverse, by_row, n, table_rows)
    results_pointer, weights_pointer = pointer(scratch, results, lanes), pointer(scratch, weights, lanes)
    passes = num_observables if mode == 2 else mode
    for tile in range(first_tile, last_tile):
        tiles.prepare(values, tile, w, integers, reals, wide, scratch, places[6], places[7], status)
        machine.forward(code, tables, constants, n, w, memory)
        tiles.clear(scratch, results, num_observables * w)
        measure.add_expectations(steps, observable_constants, memory[0], memory[1], n, w, results_pointer)
        for lane in range(min(w, batch - tile * w)):
            for observable in range(num_observables):
                out[tile * w + lane, observable] = scratch[results + observable * w + lane]
        if passes > 1:
            tiles.copy(scratch, 0, saved, 2 * size * w)
            tiles.copy(scratch, places[4], saved + 2 * size * w, 4 * n * w)
        for index in range(passes):
            if index > 0:
                tiles.copy(scratch, saved, 0, 2 * size * w)
                tiles.copy(scratch, saved + 2 * size * w, places[4], 4 * n * w)
            for observable in range(num_observables):
                for lane in range(w):
                    if mode == 1:
                        weight = cotangents[min(tile * w + lane, batch - 1), observable]
                    else:
                        weight = 1.0 if observable == index else 0.0
                    scratch[weights + observable * w + lane] = weight
            tiles.clear(scratch, reverse, 2 * size * w)
            tiles.clear(scratch, by_row, num_rows * w)
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


@njit
def run_state_gradients(
    first_tile: int, last_tile: int, values: RealArray, integers: IntArray, reals: RealArray, code: IntArray,
    back: IntArray, tables: IntArray, constants: RealArray, n: int, lanes: Lanes, table_rows: int,
    cotangents: RealArray, wide: RealArray, scratch: RealArray, status: IntArray, gradients: RealArray,
) -> None:  # fmt: skip
    """Write the derivatives of 2 Re <λ|ψ> by the parameters, λ fixed, to ``gradients`` (B, P).

    ``cotangents`` (B, 2 * 2**n) holds the λ, real and imaginary parts interleaved, in the frame of the code.
    """
    size, w = 1 << n, len(lanes)
    num_rows = integers[rows.NUM_ROWS]
    batch = len(values)
    num_atoms = rows.num_atoms(integers, values.shape[1])
    places = tiles.places(n, w, table_rows, num_rows)
    memory = tiles.pointers(scratch, lanes, places)
    reverse = tiles.results_row(n, table_rows, num_rows) * w
    by_row = reverse + tiles.gradients_row(n, table_rows) * w
    # the float64 rows of _prepare are free after the forward pass
    by_row_wide, pulled = num_atoms * w, (num_atoms + 3 * num_rows) * w
    back_memory = tiles.back_pointers(scratch, lanes, reverse, by_row, n, table_rows)
    for tile in range(first_tile, last_tile):
        tiles.prepare(values, tile, w, integers, reals, wide, scratch, places[6], places[7], status)
        machine.forward(code, tables, constants, n, w, memory)
        tiles.clear(scratch, by_row, num_rows * w)
        for lane in range(w):
            sample = min(tile * w + lane, batch - 1)
            for z in range(size):
                scratch[reverse + z * w + lane] = cotangents[sample, 2 * z]
                scratch[reverse + (size + z) * w + lane] = cotangents[sample, 2 * z + 1]
        machine.backward(back, tables, constants, n, w, memory, back_memory)
        for entry in range(num_rows * w):
            wide[by_row_wide + entry] = scratch[by_row + entry]
        rows.pull_back_rows(tile * w, w, integers, reals, wide, by_row_wide, pulled, gradients)
