"""Drawing measurement outcomes from many small distributions at once."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray, UintArray
from qiskit_qml_ext.engine import memory, threads
from qiskit_qml_ext.engine.jit import njit

_INLINE_NUMBERS = 100_000  # fewer draws than this are faster without threads


def sample_outcomes(
    probabilities: FloatArray, uniforms: FloatArray, *, max_memory: int | None = None, num_threads: int | None = None
) -> UintArray:
    """Draw outcomes by inverting each row's distribution function.

    An outcome of probability zero is never drawn. A guide table (Chen and Asau, 1974) makes the expected cost of a draw
    independent of the number of outcomes.

    Args:
        probabilities: Shape (rows, outcomes), not negative; rows need not sum to exactly 1.
        uniforms: Independent numbers in [0, 1), shape (rows, draws).
        max_memory: Bytes that may be used beside the arguments and the result; by default what is free.
        num_threads: Threads; by default what the environment allows. Never changes the result.

    Returns:
        Outcomes, shape (rows, draws).

    Raises:
        StateTooLargeError: The work space of one thread exceeds ``max_memory``.
    """
    outcomes = np.empty(uniforms.shape, dtype=np.uint64)
    rows, width = probabilities.shape
    weights = np.ascontiguousarray(probabilities)

    def work(first: int, last: int) -> None:
        span = slice(first, last)
        _invert(weights[span], uniforms[span], outcomes[span], np.empty(width), np.empty(width, dtype=np.int64))

    count = threads.thread_count(num_threads) if uniforms.size + probabilities.size > _INLINE_NUMBERS else 1
    if max_memory is not None:
        budget = memory.memory_budget(max_memory)
        memory.check_memory(
            16 * width, budget, f"Drawing from {width} outcomes", "Measure fewer qubits, or use a larger max_memory."
        )
        count = min(count, budget // (16 * width))
    threads.run_chunks(work, rows, -(-rows // (4 * count)), count)
    return outcomes


def uniforms_of_rows(seeds: UintArray, draws: int) -> FloatArray:
    """Return numbers in [0, 1) that depend, in each row, on that row's seed only.

    The generator is SplitMix64: the k-th number is a mixing function of seed + k·γ, so that all rows are made at once.
    Its mixing function is that of Stafford's variant 13 of MurmurHash3, its γ the golden ratio times 2⁶⁴.

    Args:
        seeds: 64-bit numbers without a pattern (digests), shape (rows,).
        draws: How many numbers for each.

    Returns:
        Numbers of 53 bits, shape (rows, draws).
    """
    steps = np.arange(1, draws + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # modulo 2**64, as all below
    mixed = seeds[:, None] + steps
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    mixed >>= np.uint64(11)
    return mixed * 2.0**-53


def sample_outcomes_reference(probabilities: FloatArray, uniforms: FloatArray) -> UintArray:
    """Do the same as :func:`sample_outcomes` with NumPy's own search: slow and plain, an oracle for the tests."""
    outcomes = np.empty(uniforms.shape, dtype=np.uint64)
    for row, (weights, numbers) in enumerate(zip(probabilities, uniforms, strict=True)):
        cumulative = np.cumsum(weights)
        drawn = np.searchsorted(cumulative, numbers * cumulative[-1], side="right")
        outcomes[row] = np.minimum(drawn, np.flatnonzero(weights)[-1])
    return outcomes


@njit
def _invert(
    probabilities: FloatArray,
    uniforms: FloatArray,
    outcomes: UintArray,
    cumulative: FloatArray,
    guide: IntArray,
) -> None:
    rows, width = probabilities.shape
    for row in range(rows):
        total = 0.0
        last = 0
        for outcome in range(width):
            weight = probabilities[row, outcome]
            total += weight
            cumulative[outcome] = total
            if weight > 0.0:
                last = outcome
        # guide[j]: the first outcome whose cumulative weight exceeds j/width of the total
        outcome = 0
        for cell in range(width):
            while outcome < last and cumulative[outcome] <= total * cell / width:
                outcome += 1
            guide[cell] = outcome
        for draw in range(uniforms.shape[1]):
            number = uniforms[row, draw]
            level = number * total
            outcome = guide[int(number * width)]
            while outcome > 0 and cumulative[outcome - 1] > level:  # rounding of the guide's own levels
                outcome -= 1
            while outcome < last and cumulative[outcome] <= level:
                outcome += 1
            outcomes[row, draw] = outcome
