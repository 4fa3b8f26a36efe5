"""A seed for each circuit with its values, so that its shots do not depend on what else is in its job.

A simulator takes one seed for a whole job. Were that all, the shots of a pair of samples would depend on which other
pairs were known already when it was asked for: on the order of folds, on threads, on how work is spread over processes.
So where shots can be drawn from probabilities, each row of values gets a seed of its own.
"""

import hashlib

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, UintArray
from qiskit_qml_ext.engine.sampling import uniforms_of_rows
from qiskit_qml_ext.primitives.exact.sampler import ExactSampler, Numbers
from qiskit_qml_ext.primitives.written import join_bytes


def row_seeds(seed: int, circuit: str, values: FloatArray, shots: int) -> UintArray:
    """Derive a seed of each row from its content.

    Args:
        seed: The user's seed.
        circuit: The circuit's content key.
        values: Parameter values, shape (rows, parameters). Rows that are equal get different seeds, as repetitions.
        shots: The shots of every circuit.

    Returns:
        64-bit seeds, shape (rows,), different (up to chance) for different content.
    """
    prefix = hashlib.blake2b(join_bytes("row", int(seed), circuit, shots, values.shape[1]), digest_size=8)
    # Adding 0.0 turns -0.0 into 0.0, which is the same angle but not the same bytes.
    rows = np.ascontiguousarray(values + 0.0, dtype="<f8")
    asked: dict[bytes, int] = {}
    digests = []
    for row in rows:
        content = row.tobytes()
        before = asked.get(content, 0)
        asked[content] = before + 1
        digest = prefix.copy()
        digest.update(content)
        if before:
            digest.update(join_bytes(before))
        digests.append(digest.digest())
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


class SamplerOfRows(ExactSampler):
    """Draws each row's shots by the row's own seed; for one PUB whose rows are those of the seeds.

    Args:
        seeds: From :func:`row_seeds`.
        dtype: ``"complex128"`` or ``"complex64"``.
        max_memory: The largest amount of memory in bytes.
    """

    def __init__(self, seeds: UintArray, *, dtype: str = "complex128", max_memory: int | None = None):
        super().__init__(dtype=dtype, max_memory=max_memory)
        self._seeds = seeds

    def _numbers(self, shots: int) -> Numbers:
        return lambda rows: uniforms_of_rows(self._seeds[rows], shots)
