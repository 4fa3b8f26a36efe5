"""Clifford gates folded into index arithmetic.

A *monomial* Clifford maps basis states to basis states with a phase: C |z> = i^k(z) |A z xor b>. The gates X, Y, Z,
S, CX, CZ, SWAP and their products are of this kind. The engine never applies them. It keeps the product C of all that
were met, so that the true state is C ψ, and pulls every later Pauli through: exp(-i r P) C = C exp(-i r C† P C). With
samples innermost, a rotation about any Pauli string costs the same. At the end C permutes the output or the
observables.
"""

import numpy as np

from qiskit_qml_ext.arrays import IntArray
from qiskit_qml_ext.program import inverse_name
from qiskit_qml_ext.program.pauli import SignedPauli, generator_images, product_of_images

MONOMIAL = frozenset({"cx", "cz", "s", "sdg", "swap", "x", "y", "z"})

TABLE_BYTES = 32  # per basis state: two tables of integers, and as much for intermediate results


class MonomialFrame:
    """The product C of the monomial Clifford gates met so far, as the images C† P C of the X and Z of each qubit."""

    def __init__(self, num_qubits: int) -> None:
        self.num_qubits = num_qubits
        self._images: dict[tuple[str, int], SignedPauli] = {}
        self._gates: list[tuple[str, tuple[int, ...]]] = []
        for qubit in range(num_qubits):
            self._images["X", qubit] = (1 << qubit, 0, 1)
            self._images["Z", qubit] = (0, 1 << qubit, 1)

    @property
    def is_identity(self) -> bool:
        """Whether no gate changed a Pauli (C may still carry a global phase, see :meth:`basis_table`)."""
        return all(
            image == ((1 << qubit, 0, 1) if label == "X" else (0, 1 << qubit, 1))
            for (label, qubit), image in self._images.items()
        )

    @property
    def is_trivial(self) -> bool:
        """Whether C is the identity, its phase included."""
        return self.is_identity and self._image_of_zero() == (0, 0)

    def append(self, name: str, qubits: tuple[int, ...]) -> None:
        """C ← G C."""
        inner = generator_images(inverse_name(name), qubits)  # G† P G
        self._images.update({key: self.pull(*image) for key, image in inner.items()})
        self._gates.append((name, qubits))

    def pull(self, x: int, z: int, sign: int = 1) -> SignedPauli:
        """C† (sign P(x, z)) C."""
        image = product_of_images(x, z, lambda label, qubit: self._images[label, qubit])
        return image[0], image[1], sign * image[2]

    def basis_table(self) -> tuple[IntArray, IntArray]:
        """Where C sends the basis states: arrays (target, k) of shape (2**n,) with C |z> = i^k[z] |target[z]>.

        Built by doubling: C |z + 2^j> = (C X_j C†) C |z>. Takes :data:`TABLE_BYTES` bytes per basis state meanwhile.
        """
        size = 1 << self.num_qubits
        target = np.zeros(size, dtype=np.int64)
        power = np.zeros(size, dtype=np.int64)
        target[0], power[0] = self._image_of_zero()
        for qubit, (x, z, sign) in enumerate(self._pushed_x()):
            half = 1 << qubit
            source = target[:half]
            flips = np.bitwise_count(source & z).astype(np.int64)
            target[half : 2 * half] = source ^ x
            power[half : 2 * half] = power[:half] + (x & z).bit_count() + 2 * flips + (0 if sign > 0 else 2)
        return target, power % 4

    def _image_of_zero(self) -> tuple[int, int]:
        """(b, k) with C |0…0> = i^k |b>."""
        bits, power = 0, 0
        for name, qubits in self._gates:
            first = (bits >> qubits[0]) & 1
            if name in ("cx", "cz", "swap"):
                second = (bits >> qubits[1]) & 1
                if name == "cx":
                    bits ^= first << qubits[1]
                elif name == "cz":
                    power += 2 * first * second
                elif first != second:
                    bits ^= (1 << qubits[0]) | (1 << qubits[1])
            elif name in ("x", "y"):
                power += (1 + 2 * first) if name == "y" else 0
                bits ^= 1 << qubits[0]
            else:
                power += {"s": 1, "sdg": 3, "z": 2}[name] * first
        return bits, power % 4

    def _pushed_x(self) -> list[SignedPauli]:
        """C X_j C† for every j, by inverting the symplectic matrix of the pulled images."""
        result = []
        for qubit in range(self.num_qubits):
            # the coefficient of a generator Q in C P C† is 1 where C† Q' C anticommutes with P, Q' the partner of Q
            x = z = 0
            bit = 1 << qubit
            for other in range(self.num_qubits):
                z_image, x_image = self._images["Z", other], self._images["X", other]
                x |= ((z_image[1] & bit) >> qubit) << other  # Z_other's image anticommutes with X_qubit
                z |= ((x_image[1] & bit) >> qubit) << other
            result.append((x, z, self.pull(x, z)[2]))  # C† (C X C†) C = X fixes the sign
        return result
