"""From parameter values to results, tile after tile: the compiled entry points of the engine.

Each function handles the tiles ``first_tile`` to ``last_tile`` of the batch with scratch memory that the caller owns,
so that threads share nothing but read-only inputs and disjoint rows of the output. Results do not depend on which
thread runs a tile: a sample occupies one SIMD lane and never meets its neighbours.

Scratch is laid out in rows of W values, see :func:`scratch_rows`. ``lanes`` is a tuple of W zeros, whose length is
known to the compiler. W is the width of a vector, or 1 for few samples of many qubits, which fill more cache than
lanes.
"""

from qiskit_qml_ext.engine import machine, measure, rows
from qiskit_qml_ext.engine.jit import njit
from qiskit_qml_ext.engine.kernels import Integers, Real
from qiskit_qml_ext.engine.rows import AngleData
from qiskit_qml_ext.engine.simd import Lanes, load, muladd, pointer, splat, store


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
    values: Real, tile: int, w: int, angles: AngleData, wide: Real, cosines: Real, sines: Real, status: Integers
) -> None:
    """Evaluate all rows of a tile; ``wide`` is float64 scratch for (atoms, rows, cosines, sines, pulled).

    Sets ``status[0]`` if an angle is not finite.
    """
    num_atoms = values.shape[1] + len(angles[0])
    num_rows = len(angles[12])
    atoms = wide[: num_atoms * w]
    wide = wide[num_atoms * w :]
    count = (num_rows * w + 7) // 8 * 8  # whole vectors
    for index in range(num_rows * w, count):
        wide[index] = 0.0
    rows.evaluate_rows(
        values, tile * w, w, angles[0], angles[1], angles[2], angles[3], angles[4], angles[5], angles[6], angles[7],
        angles[8], angles[9], angles[10], angles[11], angles[12], atoms, wide,
    )  # fmt: skip
    if not rows.sines_and_cosines(wide, wide[count:], wide[2 * count :], count):
        status[0] = 1
    for index in range(num_rows * w):
        cosines[index] = wide[count + index]
        sines[index] = wide[2 * count + index]


@njit
def run_states(
    first_tile: int, last_tile: int, values: Real, angles: AngleData, code: Integers, tables: Integers,
    constants: Real, n: int, lanes: Lanes, table_rows: int, output_table: Integers, wide: Real, scratch: Real,
    status: Integers, out: Real,
) -> None:  # fmt: skip
    """Write the states of a range of tiles to ``out``, shape (B, 2 * 2**n), real and imaginary parts interleaved.

    ``output_table[o] = 4 z + k`` says that amplitude o of the output is i^k ψ[z]; an empty table: ψ[o].
    """
    size, w = 1 << n, len(lanes)
    imaginary = size * w
    block = min(8, size)
    for tile in range(first_tile, last_tile):
        _forward(tile, values, angles, code, tables, constants, n, lanes, table_rows, wide, scratch, status)
        used = min(w, len(values) - tile * w)
        for start in range(0, size, block):
            for lane in range(used):
                target = out[tile * w + lane]
                for o in range(start, start + block):
                    entry = output_table[o] if len(output_table) else 4 * o
                    source = (entry >> 2) * w + lane
                    real = scratch[source]
                    imag = scratch[imaginary + source]
                    if entry & 1:
                        real, imag = -imag, real
                    if entry & 2:
                        real, imag = -real, -imag
                    target[2 * o] = real
                    target[2 * o + 1] = imag


@njit
def run_probabilities(
    first_tile: int, last_tile: int, values: Real, angles: AngleData, code: Integers, tables: Integers,
    constants: Real, n: int, lanes: Lanes, table_rows: int, outcomes: Integers, wide: Real, scratch: Real,
    status: Integers, out: Real,
) -> None:  # fmt: skip
    """Write outcome probabilities to ``out``, shape (B, K); row z of the state counts for outcome ``outcomes[z]``."""
    size, w = 1 << n, len(lanes)
    num_outcomes = out.shape[1]
    state = pointer(scratch, 0, lanes)
    sums = _results_row(n, table_rows, len(angles[12])) * w
    zero = splat(load(state, 0), 0.0)
    block = min(8, num_outcomes)
    for tile in range(first_tile, last_tile):
        _forward(tile, values, angles, code, tables, constants, n, lanes, table_rows, wide, scratch, status)
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
    first_tile: int, last_tile: int, values: Real, angles: AngleData, code: Integers, back: Integers, tables: Integers,
    constants: Real, n: int, lanes: Lanes, table_rows: int, steps: Integers, observable_constants: Real, mode: int,
    cotangents: Real, wide: Real, scratch: Real, status: Integers, out: Real, gradients: Real, jacobian: Real,
) -> None:  # fmt: skip
    """Expectation values, and by ``mode`` 0: nothing more; 1: the vjp; 2: the Jacobian.

    Writes ``out`` (B, M); for mode 1 ``gradients`` (B, P) from ``cotangents`` (B, M); for mode 2 ``jacobian`` with
    shape (B, M, P).
    """
    size, w = 1 << n, len(lanes)
    num_rows = len(angles[12])
    batch, num_observables = out.shape
    results = scratch[_results_row(n, table_rows, num_rows) * w :]
    weights = results[num_observables * w : 2 * num_observables * w]
    reverse = results[2 * num_observables * w :]
    by_row = reverse[_gradients_row(n, table_rows) * w :][: num_rows * w]
    saved = reverse[(_gradients_row(n, table_rows) + num_rows) * w :]
    small = scratch[2 * (size + table_rows) * w :][: 4 * n * w]
    num_atoms = values.shape[1] + len(angles[0])
    doubles = wide[num_atoms * w :]  # the float64 rows of _prepare are free after the forward pass
    pulled = wide[(num_atoms + 3 * num_rows) * w :]
    passes = num_observables if mode == 2 else mode
    for tile in range(first_tile, last_tile):
        _forward(tile, values, angles, code, tables, constants, n, lanes, table_rows, wide, scratch, status)
        _measure(steps, observable_constants, num_observables, n, lanes, scratch, results)
        for lane in range(min(w, batch - tile * w)):
            for observable in range(num_observables):
                out[tile * w + lane, observable] = results[observable * w + lane]
        if passes > 1:
            saved[: 2 * size * w] = scratch[: 2 * size * w]
            saved[2 * size * w : (2 * size + 4 * n) * w] = small
        for index in range(passes):
            if index > 0:
                scratch[: 2 * size * w] = saved[: 2 * size * w]
                small[:] = saved[2 * size * w : (2 * size + 4 * n) * w]
            for observable in range(num_observables):
                for lane in range(w):
                    if mode == 1:
                        weights[observable * w + lane] = cotangents[min(tile * w + lane, batch - 1), observable]
                    else:
                        weights[observable * w + lane] = 1.0 if observable == index else 0.0
            by_row[:] = 0.0
            _backward(
                back, tables, constants, n, lanes, table_rows, num_rows, steps, observable_constants,
                -1 if mode == 1 else index, weights, scratch, reverse, by_row,
            )  # fmt: skip
            for entry in range(num_rows * w):
                doubles[entry] = by_row[entry]
            rows.pull_back_rows(
                doubles, tile * w, w, angles[0], angles[1], angles[2], angles[3], angles[4], angles[5], angles[6],
                angles[7], angles[8], angles[9], angles[10], angles[11], angles[12], wide, pulled,
                gradients if mode == 1 else jacobian[:, index],
            )  # fmt: skip


# The scratch of a tile, in rows of W values: ψ (real, imaginary), phase tables (real, imaginary), one-qubit states
# (real, imaginary), cosines, sines; then results and weights by observable (or results by outcome); then for the
# reverse pass λ (real, imaginary), the gradient table, λ of the one-qubit states (real, imaginary), gradients by row,
# saved states.


@njit
def _results_row(n: int, table_rows: int, num_rows: int) -> int:
    return (2 << n) + 2 * table_rows + 4 * n + 2 * num_rows


@njit
def _gradients_row(n: int, table_rows: int) -> int:
    """Counted from the start of λ."""
    return (2 << n) + table_rows + 4 * n


@njit
def _forward(
    tile: int, values: Real, angles: AngleData, code: Integers, tables: Integers, constants: Real, n: int, lanes: Lanes,
    table_rows: int, wide: Real, scratch: Real, status: Integers,
) -> None:  # fmt: skip
    """Angles and state of one tile."""
    size, w = 1 << n, len(lanes)
    num_rows = len(angles[12])
    small = 2 * (size + table_rows)
    trigonometry = small + 4 * n
    cosines = scratch[trigonometry * w :]
    sines = scratch[(trigonometry + num_rows) * w :]
    _prepare(values, tile, w, angles, wide, cosines, sines, status)
    re, im = pointer(scratch, 0, lanes), pointer(scratch, size * w, lanes)
    ere, eim = pointer(scratch, 2 * size * w, lanes), pointer(scratch, (2 * size + table_rows) * w, lanes)
    qre, qim = pointer(scratch, small * w, lanes), pointer(scratch, (small + 2 * n) * w, lanes)
    c, s = pointer(cosines, 0, lanes), pointer(sines, 0, lanes)
    machine.forward(code, tables, constants, n, w, c, s, re, im, ere, eim, qre, qim)


@njit
def _backward(
    back: Integers, tables: Integers, constants: Real, n: int, lanes: Lanes, table_rows: int, num_rows: int,
    steps: Integers,
    observable_constants: Real, observable: int, weights: Real, scratch: Real, reverse: Real, by_row: Real,
) -> None:  # fmt: skip
    """λ = Σ weight O ψ for one observable (or all, if negative), then the reverse steps of one tile."""
    size, w = 1 << n, len(lanes)
    re, im = pointer(scratch, 0, lanes), pointer(scratch, size * w, lanes)
    lre, lim = pointer(reverse, 0, lanes), pointer(reverse, size * w, lanes)
    reverse[: 2 * size * w] = 0.0
    for step in range(len(steps)):
        if observable < 0 or steps[step, 1] == observable:
            measure.add_observable(
                steps[step, 0], steps[step, 2], steps[step, 3], observable_constants, steps[step, 4], re, im, n, w,
                pointer(weights, 0, lanes), steps[step, 1], lre, lim,
            )  # fmt: skip
    small = 2 * (size + table_rows)
    trigonometry = small + 4 * n
    small_reverse = 2 * size + table_rows
    ere, eim = pointer(scratch, 2 * size * w, lanes), pointer(scratch, (2 * size + table_rows) * w, lanes)
    qre, qim = pointer(scratch, small * w, lanes), pointer(scratch, (small + 2 * n) * w, lanes)
    mre, mim = pointer(reverse, small_reverse * w, lanes), pointer(reverse, (small_reverse + 2 * n) * w, lanes)
    g = pointer(reverse, 2 * size * w, lanes)
    c = pointer(scratch, trigonometry * w, lanes)
    s = pointer(scratch, (trigonometry + num_rows) * w, lanes)
    gradients = pointer(by_row, 0, lanes)
    machine.backward(back, tables, constants, n, w, c, s, gradients, re, im, lre, lim, ere, eim, g, qre, qim, mre, mim)


@njit
def _measure(
    steps: Integers, constants: Real, num_observables: int, n: int, lanes: Lanes, scratch: Real, results: Real
) -> None:
    w = len(lanes)
    re, im = pointer(scratch, 0, lanes), pointer(scratch, w << n, lanes)
    results[: num_observables * w] = 0.0
    for step in range(len(steps)):
        measure.add_expectation(
            steps[step, 0], steps[step, 2], steps[step, 3], constants, steps[step, 4], re, im, n, w,
            pointer(results, 0, lanes), steps[step, 1],
        )  # fmt: skip
