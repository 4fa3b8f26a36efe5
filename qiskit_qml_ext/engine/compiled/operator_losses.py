"""A mean loss and its gradient for more samples than basis states: by operators instead of states.

Where all samples go through the same unitary U, the values of sample b are ⟨ψ_b|A_m|ψ_b⟩ with A_m = U†O_mU: 2ⁿ columns
of U are computed, however many samples there are. With the derivatives c_bm of the loss by these values and
R_m = Σ_b c_bm |ψ_b⟩⟨ψ_b|, the loss changes by Σ_m Tr(R_m dA_m) = 2 Re Tr(Λ† dU) with Λ = Σ_m O_mU R_m. So the reverse
pass runs over the columns of U and Λ.

A complex matrix lies as tiles of columns, each a real and an imaginary *block* of 2ⁿ rows of W values. A Hermitian one
is *packed* into blocks of real numbers: real parts on the diagonal and above, imaginary parts below, so that
Tr(A B) = Σ packed(A) · packed(B), if A counts twice what is not on the diagonal. What is zero for all samples (half
of it for real states) is *cut* out.
"""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray, RealArray
from qiskit_qml_ext.engine.compiled import machine, measure, rows
from qiskit_qml_ext.engine.compiled import tile as tiles
from qiskit_qml_ext.engine.compiled.gates import lowest_bit_position
from qiskit_qml_ext.engine.compiled.jit import njit
from qiskit_qml_ext.engine.compiled.simd import Lanes, load, load_splat, muladd, pointer, splat, store
from qiskit_qml_ext.engine.compiled.training import pull_back_loss


def packed_size(n: int, w: int) -> int:
    """Number of values of a packed matrix, padded with zeros to whole vectors."""
    return -(-(1 << n) // w) * w << n


def work_size(n: int, w: int, num_observables: int) -> int:
    """Number of values that the matrices U, O_mU, A_m and R_m take, the last two packed and cut too."""
    return packed_size(n, w) * (2 + 8 * num_observables)


@njit
def run_operator_losses(
    chosen: IntArray, projectors: RealArray, entries: IntArray, values: FloatArray, integers: IntArray,
    reals: RealArray, code: IntArray, back: IntArray, tables: IntArray, constants: FloatArray, n: int, lanes: Lanes,
    table_rows: int, steps: IntArray, observable_constants: FloatArray, kind: int, setting: float, scale: FloatArray,
    bias: FloatArray, mixing: FloatArray, targets: FloatArray, sample_weight: FloatArray, wide: RealArray,
    scratch: RealArray, work: RealArray, status: IntArray, by_scale: FloatArray, by_bias: FloatArray,
    gradient: FloatArray,
) -> float:  # fmt: skip
    """Return the mean of weight · loss over the samples ``chosen`` (B,).

    ``values`` (1, P) holds the parameters, ``projectors`` (samples, cut) the states before U as packed matrices, of
    which ``entries`` (cut,) are there: an even number of vectors, the last of which may hold zeros for any entry.
    Writes the derivatives ``by_scale`` (M,), ``by_bias`` (M,) and ``gradient`` (1, P).
    """
    w, num_observables = len(lanes), len(scale)
    num_rows = integers[rows.NUM_ROWS]
    num_tiles, cut = ((1 << n) + w - 1) // w, len(entries)
    packed = num_tiles * (w << n)
    places = tiles.places(n, w, table_rows, num_rows)
    memory = tiles.pointers(scratch, lanes, places)
    results = tiles.results_row(n, table_rows, num_rows) * w
    reverse = results + 2 * num_observables * w
    by_row = reverse + tiles.gradients_row(n, table_rows) * w
    back_memory = tiles.back_pointers(scratch, lanes, reverse, by_row, n, table_rows)
    full = 2 * packed * (1 + num_observables)
    operators = full + 2 * packed * num_observables
    densities = operators + packed * num_observables
    cut_operators = densities + packed * num_observables
    cut_density = cut_operators + cut * num_observables
    columns, images = pointer(work, 0, lanes), pointer(work, 2 * packed, lanes)
    matrices, ones = pointer(work, full, lanes), pointer(scratch, results, lanes)

    tiles.prepare(values, 0, w, integers, reals, wide, scratch, places[6], places[7], status)
    scratch[results : results + num_observables * w] = 1.0
    for tile in range(num_tiles):
        _load_identity(tile, n, w, scratch)
        machine.forward(code, tables, constants, n, w, memory)
        _store_tile(memory[0], columns, tile, n, w)
        for index in range(num_observables):
            tiles.clear(scratch, reverse, (2 << n) * w)
            measure.add_observables(
                steps, observable_constants, index, memory[0], memory[1], n, w, ones, back_memory[0], back_memory[1]
            )
            _store_tile(back_memory[0], images, index * num_tiles + tile, n, w)
    for index in range(num_observables):
        _multiply_adjoint(columns, images, matrices, index, n, w, num_tiles)
        _pack(work, full + 2 * index * packed, operators + index * packed, n, w)
        _take(work, operators + index * packed, entries, cut_operators + index * cut)
    states = pointer(projectors, 0, lanes)
    expected, cotangents = np.empty((len(chosen), num_observables)), np.empty((len(chosen), num_observables))
    _expectations(chosen, states, cut, work, cut_operators, lanes, expected)
    mean = pull_back_loss(
        kind, setting, expected, scale, bias, mixing, targets, sample_weight, chosen, cotangents, by_scale, by_bias
    )
    for index in range(num_observables):
        density = densities + index * packed
        _add_projectors(chosen, states, cut, cotangents, index, work, cut_density, lanes)
        tiles.clear(work, density, packed)
        _add_back(work, cut_density, entries, density)
        _unpack(work, density, full + 2 * index * packed, n, w)
    tiles.clear(scratch, by_row, num_rows * w)
    for tile in range(num_tiles):
        _load_tile(columns, memory[0], tile, n, w)
        _multiply(images, matrices, back_memory[0], tile, num_observables, n, w, num_tiles)
        machine.backward(back, tables, constants, n, w, memory, back_memory)
    _pull_back(values.shape[1], w, integers, reals, wide, scratch, by_row, gradient)
    return mean


@njit
def _take(work: RealArray, packed: int, entries: IntArray, cut: int) -> None:
    """Write the chosen entries of a packed matrix beside each other."""
    for place in range(len(entries)):
        work[cut + place] = work[packed + entries[place]]


@njit
def _add_back(work: RealArray, cut: int, entries: IntArray, packed: int) -> None:
    """Add what stands beside each other to the chosen entries of a packed matrix."""
    for place in range(len(entries)):
        work[packed + entries[place]] += work[cut + place]


@njit
def _expectations(
    chosen: IntArray, projectors: RealArray, packed: int, work: RealArray, operators: int, lanes: Lanes,
    values: FloatArray,
) -> None:  # fmt: skip
    """Write Tr(|ψ_b⟩⟨ψ_b|A_m) for the chosen samples b and all m, shape (B, M)."""
    w = len(lanes)
    sums = np.empty(w)
    result, second = pointer(sums, 0, lanes), pointer(work, operators, lanes)
    zero = splat(load(second, 0), 0.0)
    for place in range(len(chosen)):
        state = packed * chosen[place]
        for index in range(values.shape[1]):
            even = odd = zero
            first = packed * index
            for entry in range(0, packed, 2 * w):  # an even number of vectors
                even = muladd(load(projectors, state + entry), load(second, first + entry), even)
                odd = muladd(load(projectors, state + entry + w), load(second, first + entry + w), odd)
            store(result, 0, even + odd)
            value = 0.0
            for lane in range(w):
                value += sums[lane]
            values[place, index] = value


@njit
def _add_projectors(
    chosen: IntArray, projectors: RealArray, packed: int, cotangents: FloatArray, index: int, work: RealArray,
    density: int, lanes: Lanes,
) -> None:  # fmt: skip
    """Write R_m = Σ_b c_bm |ψ_b⟩⟨ψ_b| for one m, four samples at a time."""
    w, groups = len(lanes), len(chosen) // 4 * 4
    result = pointer(work, density, lanes)
    zero = splat(load(result, 0), 0.0)
    for entry in range(0, packed, w):
        store(result, entry, zero)
    for place in range(0, groups, 4):
        first, second = packed * chosen[place], packed * chosen[place + 1]
        third, fourth = packed * chosen[place + 2], packed * chosen[place + 3]
        a, b = splat(zero, cotangents[place, index]), splat(zero, cotangents[place + 1, index])
        c, d = splat(zero, cotangents[place + 2, index]), splat(zero, cotangents[place + 3, index])
        for entry in range(0, packed, w):
            total = muladd(a, load(projectors, first + entry), load(result, entry))
            total = muladd(b, load(projectors, second + entry), total)
            total = muladd(c, load(projectors, third + entry), total)
            store(result, entry, muladd(d, load(projectors, fourth + entry), total))
    for place in range(groups, len(chosen)):
        state = packed * chosen[place]
        weight = splat(zero, cotangents[place, index])
        for entry in range(0, packed, w):
            store(result, entry, muladd(weight, load(projectors, state + entry), load(result, entry)))


@njit
def _multiply_adjoint(
    columns: RealArray, images: RealArray, result: RealArray, index: int, n: int, w: int, num_tiles: int
) -> None:
    """A_jk = Σ_z U_zj* (OU)_zk for one observable."""
    size, shift = 1 << n, lowest_bit_position(w)
    block = size * w
    for tile in range(num_tiles):
        real = 2 * (index * num_tiles + tile) * block
        imag = real + block
        for j in range(size):
            column = 2 * (j >> shift) * block + (j & (w - 1))
            rr = ri = ir = ii = splat(load(images, 0), 0.0)
            for z in range(size):
                a, b = load_splat(columns, column + z * w), load_splat(columns, column + block + z * w)
                c, d = load(images, real + z * w), load(images, imag + z * w)
                rr, ii = muladd(a, c, rr), muladd(b, d, ii)
                ri, ir = muladd(a, d, ri), muladd(b, c, ir)
            store(result, real + j * w, rr + ii)
            store(result, imag + j * w, ri - ir)


@njit
def _multiply(
    images: RealArray, densities: RealArray, result: RealArray, tile: int, num_observables: int, n: int, w: int,
    num_tiles: int,
) -> None:  # fmt: skip
    """Λ_zk = Σ_m Σ_j (O_mU)_zj (R_m)_jk for one tile of columns k."""
    size, shift = 1 << n, lowest_bit_position(w)
    block = size * w
    for z in range(size):
        rr = ri = ir = ii = splat(load(result, 0), 0.0)
        for index in range(num_observables):
            first = 2 * index * num_tiles * block
            real = first + 2 * tile * block
            for j in range(size):
                image = first + 2 * (j >> shift) * block + z * w + (j & (w - 1))
                a, b = load_splat(images, image), load_splat(images, image + block)
                c, d = load(densities, real + j * w), load(densities, real + block + j * w)
                rr, ii = muladd(a, c, rr), muladd(b, d, ii)
                ri, ir = muladd(a, d, ri), muladd(b, c, ir)
        store(result, z * w, rr - ii)
        store(result, block + z * w, ri + ir)


@njit
def _pack(work: RealArray, source: int, target: int, n: int, w: int) -> None:
    """Pack a Hermitian matrix, with what is not on the diagonal twice."""
    size, shift = 1 << n, lowest_bit_position(w)
    block = size * w
    for k in range(size):
        tile, lane = k >> shift, k & (w - 1)
        real, imag = source + 2 * tile * block + lane, source + (2 * tile + 1) * block + lane
        column = target + tile * block + lane
        for j in range(k):
            work[column + j * w] = 2.0 * work[real + j * w]
        work[column + k * w] = work[real + k * w]
        for j in range(k + 1, size):
            work[column + j * w] = 2.0 * work[imag + j * w]


@njit
def _unpack(work: RealArray, source: int, target: int, n: int, w: int) -> None:
    """Write the complex matrix that is packed at ``source``, each entry once."""
    size, shift = 1 << n, lowest_bit_position(w)
    block = size * w
    for k in range(size):
        tile, lane = k >> shift, k & (w - 1)
        real = target + 2 * tile * block + lane
        column = source + tile * block + lane
        for j in range(size):
            mirrored = source + (j >> shift) * block + k * w + (j & (w - 1))
            upper, lower = (column + j * w, mirrored) if j <= k else (mirrored, column + j * w)
            imag = 0.0 if j == k else work[lower]
            work[real + j * w] = work[upper]
            work[real + block + j * w] = imag if j > k else -imag


@njit
def _pull_back(
    num_parameters: int, w: int, integers: IntArray, reals: RealArray, wide: RealArray, scratch: RealArray,
    by_row: int, gradient: FloatArray,
) -> None:  # fmt: skip
    """From the derivatives by row, summed over the columns, to those by the parameters."""
    num_rows = integers[rows.NUM_ROWS]
    num_atoms = rows.num_atoms(integers, num_parameters)
    by_row_wide, pulled = num_atoms * w, (num_atoms + 3 * num_rows) * w
    tiles.clear(wide, by_row_wide, num_rows * w)
    for row in range(num_rows):
        for lane in range(w):
            wide[by_row_wide + row * w] += scratch[by_row + row * w + lane]
    rows.pull_back_rows(0, w, integers, reals, wide, by_row_wide, pulled, gradient)


@njit
def _load_identity(tile: int, n: int, w: int, scratch: RealArray) -> None:
    """The basis states of a tile of columns; columns beyond the last are zero."""
    tiles.clear(scratch, 0, (2 << n) * w)
    for lane in range(min(w, (1 << n) - tile * w)):
        scratch[(tile * w + lane) * w + lane] = 1.0


@njit
def _store_tile(source: RealArray, target: RealArray, tile: int, n: int, w: int) -> None:
    for row in range(2 << n):
        store(target, (tile * (2 << n) + row) * w, load(source, row * w))


@njit
def _load_tile(source: RealArray, target: RealArray, tile: int, n: int, w: int) -> None:
    for row in range(2 << n):
        store(target, row * w, load(source, (tile * (2 << n) + row) * w))
