"""From parameter values to results, tile after tile: the compiled entry points of the engine.

Each function handles the tiles ``first_tile`` to ``last_tile`` of the batch with scratch memory that the caller owns,
so that threads share nothing but read-only inputs and disjoint rows of the output. Results do not depend on which
thread runs a tile: a sample occupies one SIMD lane and never meets its neighbours.

Scratch is laid out in rows of W values, see :func:`scratch_rows`.
"""

import numpy as np

from qiskit_qml_ext.engine import machine, measure, rows
from qiskit_qml_ext.engine.jit import njit
from qiskit_qml_ext.engine.kernels import Integers, Real
from qiskit_qml_ext.engine.rows import AngleData
from qiskit_qml_ext.engine.simd import load, muladd, splat, store


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
    count = num_rows * w
    rows.evaluate_rows(
        values, tile * w, w, angles[0], angles[1], angles[2], angles[3], angles[4], angles[5], angles[6], angles[7],
        angles[8], angles[9], angles[10], angles[11], angles[12], atoms, wide,
    )  # fmt: skip
    for index in range(count):
        if not abs(wide[index]) < np.inf:
            status[0] = 1
    rows.sines_and_cosines(wide, wide[count:], wide[2 * count :], count)
    for index in range(count):
        cosines[index] = wide[count + index]
        sines[index] = wide[2 * count + index]


@njit
def run_states(
    first_tile: int, last_tile: int, values: Real, angles: AngleData, code: Integers, tables: Integers, constants: Real,
    n: int, w: int, table_rows: int, output_table: Integers, wide: Real, scratch: Real, status: Integers, out: Real,
) -> None:  # fmt: skip
    """Write the states of a range of tiles to ``out``, shape (B, 2 * 2**n), real and imaginary parts interleaved.

    ``output_table[o] = 4 z + k`` says that amplitude o of the output is i^k ψ[z]; an empty table: ψ[o].
    """
    size = 1 << n
    num_rows = len(angles[12])
    batch = len(values)
    re = scratch[: size * w]
    im = scratch[size * w : 2 * size * w]
    rest = scratch[2 * size * w :]
    ere = rest[: table_rows * w]
    eim = rest[table_rows * w : 2 * table_rows * w]
    rest = rest[2 * table_rows * w :]
    qre = rest[: 2 * n * w]
    qim = rest[2 * n * w : 4 * n * w]
    cosines = rest[4 * n * w :]
    sines = cosines[num_rows * w :]
    block = min(8, size)
    for tile in range(first_tile, last_tile):
        _prepare(values, tile, w, angles, wide, cosines, sines, status)
        machine.forward(code, tables, constants, n, w, cosines, sines, re, im, ere, eim, qre, qim)
        lanes = min(w, batch - tile * w)
        for start in range(0, size, block):
            for lane in range(lanes):
                target = out[tile * w + lane]
                for o in range(start, start + block):
                    entry = output_table[o] if len(output_table) else 4 * o
                    source = (entry >> 2) * w + lane
                    real = re[source]
                    imag = im[source]
                    if entry & 1:
                        real, imag = -imag, real
                    if entry & 2:
                        real, imag = -real, -imag
                    target[2 * o] = real
                    target[2 * o + 1] = imag


@njit
def run_probabilities(
    first_tile: int, last_tile: int, values: Real, angles: AngleData, code: Integers, tables: Integers, constants: Real,
    n: int, w: int, table_rows: int, outcomes: Integers, wide: Real, scratch: Real, status: Integers, out: Real,
) -> None:  # fmt: skip
    """Write outcome probabilities to ``out``, shape (B, K); row z of the state counts for outcome ``outcomes[z]``."""
    size = 1 << n
    num_rows = len(angles[12])
    batch = len(values)
    num_outcomes = out.shape[1]
    re = scratch[: size * w]
    im = scratch[size * w : 2 * size * w]
    rest = scratch[2 * size * w :]
    ere = rest[: table_rows * w]
    eim = rest[table_rows * w : 2 * table_rows * w]
    rest = rest[2 * table_rows * w :]
    qre = rest[: 2 * n * w]
    qim = rest[2 * n * w : 4 * n * w]
    cosines = rest[4 * n * w :]
    sines = cosines[num_rows * w :]
    sums = rest[(4 * n + 2 * num_rows) * w :]
    zero = splat(load(scratch, 0), 0.0)
    block = min(8, num_outcomes)
    for tile in range(first_tile, last_tile):
        _prepare(values, tile, w, angles, wide, cosines, sines, status)
        machine.forward(code, tables, constants, n, w, cosines, sines, re, im, ere, eim, qre, qim)
        for outcome in range(num_outcomes):
            store(sums, outcome * w, zero)
        for z in range(size):
            real = load(re, z * w)
            imag = load(im, z * w)
            position = outcomes[z] * w
            store(sums, position, muladd(real, real, muladd(imag, imag, load(sums, position))))
        lanes = min(w, batch - tile * w)
        for start in range(0, num_outcomes, block):
            for lane in range(lanes):
                for outcome in range(start, start + block):
                    out[tile * w + lane, outcome] = sums[outcome * w + lane]


@njit
def _measure(
    steps: Integers, constants: Real, num_observables: int, re: Real, im: Real, n: int, w: int, results: Real
) -> None:
    for index in range(num_observables * w):
        results[index] = 0.0
    for step in range(len(steps)):
        measure.add_expectation(
            steps[step, 0],
            steps[step, 2],
            steps[step, 3],
            constants,
            steps[step, 4],
            re,
            im,
            n,
            w,
            results,
            steps[step, 1],
        )


@njit
def run_expectations(
    first_tile: int, last_tile: int, values: Real, angles: AngleData, code: Integers, back: Integers, tables: Integers,
    constants: Real, n: int, w: int, table_rows: int, steps: Integers, observable_constants: Real, mode: int,
    cotangents: Real, wide: Real, scratch: Real, status: Integers, out: Real, gradients: Real, jacobian: Real,
) -> None:  # fmt: skip
    """Expectation values, and by ``mode`` 0: nothing more; 1: the vjp; 2: the Jacobian.

    Writes ``out`` (B, M); for mode 1 ``gradients`` (B, P) from ``cotangents`` (B, M); for mode 2 ``jacobian`` (M, B,
    P).
    """
    size = 1 << n
    num_rows = len(angles[12])
    num_atoms = values.shape[1] + len(angles[0])
    batch, num_observables = out.shape
    re = scratch[: size * w]
    im = scratch[size * w : 2 * size * w]
    rest = scratch[2 * size * w :]
    ere = rest[: table_rows * w]
    eim = rest[table_rows * w : 2 * table_rows * w]
    rest = rest[2 * table_rows * w :]
    qre = rest[: 2 * n * w]
    qim = rest[2 * n * w : 4 * n * w]
    rest = rest[4 * n * w :]
    cosines = rest[: num_rows * w]
    sines = rest[num_rows * w : 2 * num_rows * w]
    rest = rest[2 * num_rows * w :]
    results = rest[: num_observables * w]
    rest = rest[num_observables * w :]
    pulled = wide[(num_atoms + 3 * num_rows) * w :]
    for tile in range(first_tile, last_tile):
        _prepare(values, tile, w, angles, wide, cosines, sines, status)
        machine.forward(code, tables, constants, n, w, cosines, sines, re, im, ere, eim, qre, qim)
        _measure(steps, observable_constants, num_observables, re, im, n, w, results)
        lanes = min(w, batch - tile * w)
        for lane in range(lanes):
            for observable in range(num_observables):
                out[tile * w + lane, observable] = results[observable * w + lane]
        if mode == 0:
            continue
        lre = rest[: size * w]
        lim = rest[size * w : 2 * size * w]
        after = rest[2 * size * w :]
        g = after[: table_rows * w]
        after = after[table_rows * w :]
        mre = after[: 2 * n * w]
        mim = after[2 * n * w : 4 * n * w]
        after = after[4 * n * w :]
        by_row = after[: num_rows * w]
        weights = after[num_rows * w : (num_rows + num_observables) * w]
        saved = after[(num_rows + num_observables) * w :]
        passes = 1 if mode == 1 else num_observables
        if passes > 1:
            saved[: 2 * size * w] = scratch[: 2 * size * w]
            saved[2 * size * w : (2 * size + 4 * n) * w] = scratch[
                2 * (size + table_rows) * w : (2 * (size + table_rows) + 4 * n) * w
            ]
        for index in range(passes):
            if index > 0:
                scratch[: 2 * size * w] = saved[: 2 * size * w]
                scratch[2 * (size + table_rows) * w : (2 * (size + table_rows) + 4 * n) * w] = saved[
                    2 * size * w : (2 * size + 4 * n) * w
                ]
            for observable in range(num_observables):
                for lane in range(w):
                    if mode == 1:
                        weights[observable * w + lane] = cotangents[min(tile * w + lane, batch - 1), observable]
                    else:
                        weights[observable * w + lane] = 1.0 if observable == index else 0.0
            rest[: 2 * size * w] = 0.0
            by_row[:] = 0.0
            for step in range(len(steps)):
                if mode == 1 or steps[step, 1] == index:
                    measure.add_observable(
                        steps[step, 0], steps[step, 2], steps[step, 3], observable_constants, steps[step, 4], re, im, n,
                        w, weights, steps[step, 1], lre, lim,
                    )  # fmt: skip
            machine.backward(
                back, tables, constants, n, w, cosines, sines, by_row, re, im, lre, lim, ere, eim, g, qre, qim, mre, mim
            )
            # the float64 rows of _prepare are free by now
            doubles = wide[num_atoms * w :]
            for entry in range(num_rows * w):
                doubles[entry] = by_row[entry]
            target = gradients if mode == 1 else jacobian[:, index]
            rows.pull_back_rows(
                doubles, tile * w, w, angles[0], angles[1], angles[2], angles[3], angles[4], angles[5], angles[6],
                angles[7], angles[8], angles[9], angles[10], angles[11], angles[12], wide, pulled, target,
            )  # fmt: skip
