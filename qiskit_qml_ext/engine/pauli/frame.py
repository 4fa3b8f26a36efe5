"""Clifford gates moved out of the way: a circuit read backwards as rotations in the observable's own frame.

Let S be the product of the Clifford gates met so far on the way from the observable back to the initial state. A
rotation about P that stands before them is a rotation about S P S† that stands after them, so that the strings of the
observable meet rotations only; all Clifford gates end up at the initial state, where ⟨Q⟩ = ⟨0|S† Q S|0⟩.
"""

import numpy as np

from qiskit_qml_ext.arrays import IntArray
from qiskit_qml_ext.program import SignedPauli, anticommute, multiply
from qiskit_qml_ext.program.pauli import generator_images, product_of_images


class CliffordFrame:
    """The product S of Clifford gates, as the images S P S† of the X and Z of each qubit."""

    def __init__(self, num_qubits: int) -> None:
        self.num_qubits = num_qubits
        self._images: dict[tuple[str, int], SignedPauli] = {}
        for qubit in range(num_qubits):
            self._images["X", qubit] = (1 << qubit, 0, 1)
            self._images["Z", qubit] = (0, 1 << qubit, 1)

    def image(self, x: int, z: int) -> SignedPauli:
        """S P(x, z) S†."""
        return product_of_images(x, z, lambda label, qubit: self._images[label, qubit])

    def prepend(self, name: str, qubits: tuple[int, ...]) -> None:
        """S ← S G for a Clifford gate G, which stands before S in the circuit."""
        inner = generator_images(name, qubits)  # G P G†
        self._images.update({key: _times(self.image(*pauli[:2]), pauli[2]) for key, pauli in inner.items()})

    def prepend_turn(self, x: int, z: int, quarters: int) -> None:
        """S ← S R for R = exp(-iθP/2) with θ = quarters · π/2, which is a Clifford gate.

        For Q that anticommutes with P, R Q R† = cos θ Q - i sin θ P Q.
        """
        quarters %= 4
        if quarters == 0:
            return
        axis = self.image(x, z)
        changed = {}
        for qubit in qubits_of(x | z):
            for label, bits in (("X", (1 << qubit, 0)), ("Z", (0, 1 << qubit))):
                image = self._images[label, qubit]
                if not anticommute(x, z, *bits):
                    continue
                if quarters == 2:
                    changed[label, qubit] = _times(image, -1)
                    continue
                out_x, out_z, power = multiply(axis, image)
                # -i sin θ is i³ for θ = π/2 and i for -π/2; a Hermitian result has an even power of i
                changed[label, qubit] = (out_x, out_z, 1 - (power + (3 if quarters == 1 else 1)) % 4)
        self._images.update(changed)

    def images(self, label: str) -> tuple[IntArray, IntArray]:
        """S P S† for P = X or Z of each qubit: rows of words, shape (n, 2 · words), and signs, shape (n,)."""
        paulis = [self._images[label, qubit] for qubit in range(self.num_qubits)]
        rows = np.array([packed(x, z, self.num_qubits) for x, z, _ in paulis])
        return rows, np.array([sign for _, _, sign in paulis], dtype=np.int64)


def packed(x: int, z: int, num_qubits: int) -> IntArray:
    """The masks of a Pauli string as words: those of x, then those of z."""
    size = 8 * -(-num_qubits // 64)
    return np.frombuffer(x.to_bytes(size, "little") + z.to_bytes(size, "little"), dtype="<i8").astype(np.int64)


def _times(pauli: SignedPauli, sign: int) -> SignedPauli:
    return pauli[0], pauli[1], pauli[2] * sign


def qubits_of(mask: int) -> tuple[int, ...]:
    """The positions of the set bits of a mask, ascending."""
    qubits = []
    while mask:
        lowest = mask & -mask
        qubits.append(lowest.bit_length() - 1)
        mask ^= lowest
    return tuple(qubits)
