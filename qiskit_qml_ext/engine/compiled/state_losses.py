"""A mean loss and its gradient, each sample's state by itself: forward, loss and reverse pass on the same tile.

The mean loss is a sum over samples, and what a sample adds to it needs no values but its own. So the derivatives by the
values are known before the state is left, and no state is computed twice, however many observables there are.
"""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray, RealArray
from qiskit_qml_ext.engine.compiled import machine, measure, rows
from qiskit_qml_ext.engine.compiled import tile as tiles
from qiskit_qml_ext.engine.compiled.jit import njit
from qiskit_qml_ext.engine.compiled.simd import Lanes, pointer
from qiskit_qml_ext.engine.compiled.training import pull_back_sample


@njit
def run_state_losses(
    first_tile: int, last_tile: int, chosen: IntArray, kept: RealArray, values: FloatArray, integers: IntArray,
    reals: FloatArray, code: IntArray, back: IntArray, tables: IntArray, constants: FloatArray, n: int, lanes: Lanes,
    table_rows: int, steps: IntArray, observable_constants: FloatArray, kind: int, setting: float, scale: FloatArray,
    bias: FloatArray, mixing: FloatArray, targets: FloatArray, sample_weight: FloatArray, wide: RealArray,
    scratch: RealArray, status: IntArray, out: FloatArray, losses: FloatArray, slopes: FloatArray,
    gradients: FloatArray,
) -> None:  # fmt: skip
    """What the samples ``chosen`` (B,) of all samples add to the mean of weight · loss, and its derivatives.

    ``values`` (B, P) are the parameters for the chosen samples. ``kept`` (samples, 2 · stride) holds the states that
    all samples begin with, or is empty where the code prepares them.

    Writes expectation values ``out`` (B, M), ``losses`` (B,), ``slopes`` (B, M), which are the derivatives by
    scale · value + bias, and ``gradients`` (B, P), those by the parameters.
    """
    w, batch, num_observables = len(lanes), len(chosen), out.shape[1]
    num_rows = integers[rows.NUM_ROWS]
    places = tiles.places(n, w, table_rows, num_rows)
    memory = tiles.pointers(scratch, lanes, places)
    results = tiles.results_row(n, table_rows, num_rows) * w
    weights = results + num_observables * w
    reverse = results + 2 * num_observables * w
    by_row = reverse + tiles.gradients_row(n, table_rows) * w
    # the float64 rows of the angles are free after the forward pass
    num_atoms = rows.num_atoms(integers, values.shape[1])
    by_row_wide, pulled = num_atoms * w, (num_atoms + 3 * num_rows) * w
    back_memory = tiles.back_pointers(scratch, lanes, reverse, by_row, n, table_rows)
    results_pointer, weights_pointer = pointer(scratch, results, lanes), pointer(scratch, weights, lanes)
    outputs, by_output, by_value = np.empty(mixing.shape[1]), np.empty(mixing.shape[1]), np.empty(num_observables)
    for tile in range(first_tile, last_tile):
        tiles.prepare(values, tile, w, integers, reals, wide, scratch, places[6], places[7], status)
        if len(kept):
            _load(kept, chosen, tile * w, n, w, scratch)
        machine.forward(code, tables, constants, n, w, memory)
        tiles.clear(scratch, results, 2 * num_observables * w)
        measure.add_expectations(steps, observable_constants, memory[0], memory[1], n, w, results_pointer)
        for lane in range(min(w, batch - tile * w)):
            sample = tile * w + lane
            for index in range(num_observables):
                out[sample, index] = scratch[results + index * w + lane]
            share = sample_weight[chosen[sample]] / batch
            losses[sample] = share * pull_back_sample(
                kind, setting, out, sample, scale, bias, mixing, targets, chosen[sample], outputs, by_output, by_value
            )
            for index in range(num_observables):
                slopes[sample, index] = share * by_value[index]
                scratch[weights + index * w + lane] = slopes[sample, index] * scale[index]
        tiles.clear(scratch, reverse, (2 << n) * w)
        tiles.clear(scratch, by_row, num_rows * w)
        measure.add_observables(
            steps, observable_constants, -1, memory[0], memory[1], n, w, weights_pointer, back_memory[0], back_memory[1]
        )
        machine.backward(back, tables, constants, n, w, memory, back_memory)
        for entry in range(num_rows * w):
            wide[by_row_wide + entry] = scratch[by_row + entry]
        rows.pull_back_rows(tile * w, w, integers, reals, wide, by_row_wide, pulled, gradients)


@njit
def _load(kept: RealArray, chosen: IntArray, first: int, n: int, w: int, scratch: RealArray) -> None:
    """Put the states of W samples into the lanes; the last is repeated."""
    size, stride = 1 << n, kept.shape[1] // 2
    for lane in range(w):
        sample = chosen[min(first + lane, len(chosen) - 1)]
        for z in range(size):
            scratch[z * w + lane] = kept[sample, z]
            scratch[(size + z) * w + lane] = kept[sample, stride + z]
