"""The Paulis that reduced states consist of: each once, however many patches share it.

The state of a patch p of k qubits is ρ_p = 2⁻ᵏ Σ_P ⟨P⟩ P over its 4ᵏ Paulis, so

    Tr ρ_p ρ'_p = 2⁻ᵏ Σ_P ⟨P⟩⟨P⟩',     ‖ρ_p - ρ'_p‖²_F = 2⁻ᵏ Σ_P (⟨P⟩ - ⟨P⟩')².

Sums over patches are sums over distinct Paulis, each with the sum of its weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.reduced_states.patches import Patch

MAX_PATCH_QUBITS = 8
"""The largest patch: one of 8 qubits has 65,535 Paulis."""

_LETTERS = "IXYZ"


@dataclass(frozen=True, eq=False)
class PauliTable:
    """The distinct Paulis, other than the identity, of some patches."""

    patches: tuple[Patch, ...]
    """The patches, as positions of qubits."""
    paulis: IntArray
    """A Pauli in each row and a qubit in each column: 0 to 3 for I, X, Y, Z; shape (paulis, qubits)."""
    members: tuple[IndexArray, ...]
    """For each patch the rows of its Paulis, in the order of Σ_j P_j 4ʲ over its qubits j, without the identity."""

    def weights(self, patch_weights: Sequence[float]) -> FloatArray:
        """Return the weight of each Pauli in Σ_p v_p Tr ρ_p ρ'_p, shape (paulis,)."""
        weights = np.zeros(len(self.paulis))
        for patch, rows, weight in zip(self.patches, self.members, patch_weights, strict=True):
            weights[rows] += weight / 2 ** len(patch)
        return weights

    def identity_weight(self, patch_weights: Sequence[float]) -> float:
        """Return the weight of the identity in the same sum."""
        return float(sum(weight / 2 ** len(patch) for patch, weight in zip(self.patches, patch_weights, strict=True)))

    def labels(self, qubits: Sequence[int]) -> tuple[str, ...]:
        """Return words such as ``"X0 Z3"`` for the Paulis, with the numbers of the circuit's own qubits."""
        return tuple(
            " ".join(f"{_LETTERS[letter]}{qubits[place]}" for place, letter in enumerate(row) if letter)
            for row in self.paulis.tolist()
        )


@lru_cache(maxsize=256)
def pauli_table(patches: tuple[Patch, ...], num_qubits: int) -> PauliTable:
    """Return the distinct Paulis of patches, single qubits first.

    Args:
        patches: The patches.
        num_qubits: The number of qubits.

    Raises:
        ValueError: If a patch has more than :data:`MAX_PATCH_QUBITS` qubits.
    """
    largest = max(map(len, patches))
    if largest > MAX_PATCH_QUBITS:
        raise ValueError(
            f"A patch has {largest} qubits, and so 4^{largest} Paulis; at most {MAX_PATCH_QUBITS} qubits are possible. "
            "Use smaller patches; all qubits together are the FidelityKernel."
        )
    rows_of = [_rows(patch, num_qubits) for patch in patches]
    distinct, places = np.unique(np.concatenate(rows_of), axis=0, return_inverse=True)
    order = np.lexsort([*distinct.T, np.count_nonzero(distinct, axis=1)])
    position = np.empty(len(order), dtype=np.intp)
    position[order] = np.arange(len(order))
    cuts = np.cumsum([len(rows) for rows in rows_of])[:-1]
    members = tuple(np.split(position[places.ravel()], cuts))
    return PauliTable(patches, distinct[order], members)


def _rows(patch: Patch, num_qubits: int) -> IntArray:
    numbers = np.arange(1, 4 ** len(patch))
    rows = np.zeros((len(numbers), num_qubits), dtype=np.int64)
    for place, qubit in enumerate(patch):
        rows[:, qubit] = numbers >> (2 * place) & 3
    return rows
