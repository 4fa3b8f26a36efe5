"""The reduced states of patches, from simulated states, as expectation values of their Paulis."""

from collections.abc import Sequence

import numpy as np
from qiskit.quantum_info import Pauli

from qiskit_qml_ext.arrays import ComplexArray, FloatArray, IndexArray, IntArray, StateArray
from qiskit_qml_ext.engine import expectation_vjp, state_memory
from qiskit_qml_ext.engine.memory import SMALL_BYTES, check_memory, memory_budget
from qiskit_qml_ext.kernels.factors import Factor
from qiskit_qml_ext.kernels.reduced_states.patches import Patch
from qiskit_qml_ext.kernels.reduced_states.paulis import PauliTable
from qiskit_qml_ext.kernels.samples import distinct_samples
from qiskit_qml_ext.primitives import Connection

_BLOCK_BYTES = 1 << 26  # of states that are held at a time; more do not make it faster
_COPIES = 4  # of a block: the states, their amplitudes in the order of a patch, and the products

# ⟨P⟩ = Σ_ab ρ_ab P_ba: a Pauli in each row, the pair (a, b) in each column
_READ = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]]).transpose(0, 2, 1)


def exact_values(
    connection: Connection, factors: Sequence[Factor], table: PauliTable, samples: FloatArray
) -> FloatArray:
    """Return the expectation values of the Paulis of a table, shape (samples, paulis).

    Groups of qubits that do not interact are simulated apart, each distinct sample once, in blocks that fit.

    Args:
        connection: Does the simulation, within its ``max_memory``.
        factors: The encoding, from :func:`~qiskit_qml_ext.kernels.factors.independent_factors`.
        table: The Paulis, on the used qubits in ascending order.
        samples: Shape (n, features).

    Raises:
        StateTooLargeError: If the values or one state do not fit.
    """
    used = sorted(qubit for factor in factors for qubit in factor.qubits)
    needed = 8 * len(samples) * len(table.paulis)
    if needed > SMALL_BYTES or connection.max_memory is not None:
        what = f"{len(table.paulis)} expectation values of {len(samples)} samples"
        check_memory(needed, memory_budget(connection.max_memory), what, "Use smaller patches or fewer samples.")
    tensors = [np.ones((len(samples), *[1] * len(patch))) for patch in table.patches]
    for factor in factors:
        place = {used.index(qubit): position for position, qubit in enumerate(factor.qubits)}
        parts = [tuple(place[qubit] for qubit in patch if qubit in place) for patch in table.patches]
        vectors = _of_factor(connection, factor, sorted({part for part in parts if part}), samples)
        for number, (patch, part) in enumerate(zip(table.patches, parts, strict=True)):
            if part:  # the last axis is that of the first qubit
                shape = [4 if qubit in place else 1 for qubit in reversed(patch)]
                tensors[number] = tensors[number] * vectors[part].reshape(len(samples), *shape)
    values = np.empty((len(samples), len(table.paulis)))
    for rows, tensor in zip(table.members, tensors, strict=True):
        values[:, rows] = tensor.reshape(len(samples), -1)[:, 1:]
    return values


def exact_pull_back(
    connection: Connection,
    factors: Sequence[Factor],
    table: PauliTable,
    samples: FloatArray,
    values: FloatArray,
    cotangents: FloatArray,
) -> FloatArray:
    """Return the derivatives of a loss by the parameters of each sample, one reverse pass a sample and factor.

    A Pauli's value is the product of those of its parts on factors, which are Paulis of the same patch and so in the
    table as well.

    Args:
        connection: Does the simulation, within its ``max_memory``.
        factors: The encoding.
        table: The Paulis.
        samples: Values of the circuit's parameters, shape (n, parameters).
        values: The expectation values, as :func:`exact_values` returns them.
        cotangents: The derivatives of the loss by them, shape (n, paulis).

    Returns:
        Shape (n, parameters).
    """
    used = sorted(qubit for factor in factors for qubit in factor.qubits)
    places = [[used.index(qubit) for qubit in factor.qubits] for factor in factors]
    parts = [_parts_on(table, place) for place in places]
    with_identity = np.concatenate([values, np.ones((len(values), 1))], axis=1)
    found = np.zeros(samples.shape)
    for number, (factor, place) in enumerate(zip(factors, places, strict=True)):
        weighted = cotangents.copy()
        for other, rows in enumerate(parts):
            if other != number:
                weighted *= with_identity[:, rows]
        rows, of_row = np.unique(parts[number], return_inverse=True)
        sums = np.zeros((len(rows), len(values)))
        np.add.at(sums, of_row.ravel(), weighted.T)
        seen = rows != len(table.paulis)  # the identity has no derivative
        if not seen.any():
            continue
        observables = [_pauli(row) for row in table.paulis[rows[seen]][:, place]]
        _, gradients = expectation_vjp(
            factor.program,
            np.ascontiguousarray(factor.select(samples)),
            observables,
            sums[seen].T,
            dtype=connection.dtype,
            max_memory=connection.max_memory,
        )
        found[:, slice(None) if factor.columns is None else factor.columns] += gradients.real
    return found


def _parts_on(table: PauliTable, places: Sequence[int]) -> IndexArray:
    """Return for each Pauli the row of its part on some qubits; that after the last one for the identity."""
    rows = {row.tobytes(): number for number, row in enumerate(table.paulis)}
    parts = np.zeros_like(table.paulis)
    parts[:, places] = table.paulis[:, places]
    return np.array([rows.get(part.tobytes(), len(rows)) for part in parts], dtype=np.intp)


def _pauli(letters: IntArray) -> Pauli:
    """Return a Pauli from 0 to 3 for I, X, Y, Z of each qubit."""
    return Pauli((letters >= 2, (letters == 1) | (letters == 2)))


def _of_factor(
    connection: Connection, factor: Factor, parts: Sequence[Patch], samples: FloatArray
) -> dict[Patch, FloatArray]:
    """Return for each part of a factor's qubits the values of its 4ᵏ Paulis, shape (samples, 4ᵏ)."""
    if not parts:
        return {}
    rows, row_of = distinct_samples(factor.select(samples))
    state = state_memory(factor.program.num_qubits, connection.dtype)
    limit = connection.max_memory
    room = _BLOCK_BYTES if limit is None else min(_BLOCK_BYTES, limit // _COPIES)
    step = max(1, room // state)
    vectors: dict[Patch, list[FloatArray]] = {part: [] for part in parts}
    for start in range(0, len(rows), step):
        states = connection.statevectors(factor.program, rows[start : start + step])
        for part in parts:
            vectors[part].append(pauli_vectors(reduced_states(states, factor.program.num_qubits, part)))
    whole = {part: np.concatenate(blocks) for part, blocks in vectors.items()}
    return whole if row_of is None else {part: vector[row_of] for part, vector in whole.items()}


def reduced_states(states: StateArray, num_qubits: int, qubits: Patch) -> ComplexArray:
    """Return the states of some qubits, shape (states, 2ᵏ, 2ᵏ), bit j of an index for ``qubits[j]``.

    Args:
        states: Amplitudes in rows, shape (states, 2**num_qubits).
        num_qubits: The number of qubits.
        qubits: The qubits that are kept, ascending.
    """
    axes = [num_qubits - qubit for qubit in reversed(qubits)]
    tensor = np.moveaxis(states.reshape(-1, *[2] * num_qubits), axes, range(1, len(axes) + 1))
    amplitudes = tensor.reshape(len(states), 1 << len(qubits), -1)
    return np.asarray(amplitudes @ amplitudes.conj().transpose(0, 2, 1), dtype=np.complex128)


def pauli_vectors(states: ComplexArray) -> FloatArray:
    """Return the expectation values of all 4ᵏ Paulis, shape (states, 4ᵏ); that of Π_j P_j stands at Σ_j P_j 4ʲ."""
    number = states.shape[1].bit_length() - 1
    tensor = states.reshape(-1, *[2] * (2 * number))
    order = [axis for qubit in range(number) for axis in (1 + qubit, 1 + number + qubit)]
    vectors = tensor.transpose(0, *order).reshape(-1, *[4] * number)
    for _ in range(number):  # the first axis is read and goes to the end, so that their order stays
        vectors = np.tensordot(vectors, _READ.reshape(4, 4), axes=(1, 1))
    return np.ascontiguousarray(vectors.reshape(len(states), -1).real)
