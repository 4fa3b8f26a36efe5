"""Pauli strings as pairs of bit masks, and how Clifford gates conjugate them.

A Hermitian Pauli string on n qubits is the pair of integers (x, z): qubit j carries X if bit j is set in ``x`` only,
Z if in ``z`` only, Y if in both, I if in neither. As an operator, with Qiskit's bit order (qubit 0 is the least
significant bit),

    P(x, z) = i^|x & z| X^x Z^z,      P |b> = i^|x & z| (-1)^|z & b| |b xor x>,

where |m| counts the set bits of m. A signed Pauli adds a sign of +1 or -1.
"""

from collections.abc import Callable, Sequence

SignedPauli = tuple[int, int, int]
"""``(x, z, sign)``: the operator ``sign * P(x, z)``."""

CLIFFORD_NAMES = ("cx", "cz", "h", "s", "sdg", "swap", "sx", "sxdg", "x", "y", "z")
"""The names of the Clifford gates that a rotation program may contain."""


def anticommute(x1: int, z1: int, x2: int, z2: int) -> bool:
    """Whether P(x1, z1) and P(x2, z2) anticommute."""
    return ((x1 & z2).bit_count() + (z1 & x2).bit_count()) % 2 == 1


def multiply(first: SignedPauli, second: SignedPauli) -> tuple[int, int, int]:
    """The product of two signed Paulis, as ``(x, z, k)`` with the product equal to ``i**k * P(x, z)``, k in 0..3."""
    x1, z1, sign1 = first
    x2, z2, sign2 = second
    x, z = x1 ^ x2, z1 ^ z2
    # X^x1 Z^z1 X^x2 Z^z2 = (-1)^|z1 & x2| X^x Z^z, and each P carries its own i^|x & z|
    power = (x1 & z1).bit_count() + (x2 & z2).bit_count() - (x & z).bit_count() + 2 * (z1 & x2).bit_count()
    power += (0 if sign1 > 0 else 2) + (0 if sign2 > 0 else 2)
    return x, z, power % 4


_ONE_QUBIT_IMAGES: dict[str, dict[str, tuple[str, int]]] = {
    # G P G^dagger for P = X, Z
    "h": {"X": ("Z", 1), "Z": ("X", 1)},
    "s": {"X": ("Y", 1), "Z": ("Z", 1)},
    "sdg": {"X": ("Y", -1), "Z": ("Z", 1)},
    "sx": {"X": ("X", 1), "Z": ("Y", -1)},
    "sxdg": {"X": ("X", 1), "Z": ("Y", 1)},
    "x": {"X": ("X", 1), "Z": ("Z", -1)},
    "y": {"X": ("X", -1), "Z": ("Z", -1)},
    "z": {"X": ("X", -1), "Z": ("Z", 1)},
}
_INVERSE = {"s": "sdg", "sdg": "s", "sx": "sxdg", "sxdg": "sx"}


def _single(label: str, qubit: int, sign: int) -> SignedPauli:
    bit = 1 << qubit
    return (bit if label in "XY" else 0, bit if label in "ZY" else 0, sign)


def generator_images(name: str, qubits: Sequence[int]) -> dict[tuple[str, int], SignedPauli]:
    """G P G† for the Clifford gate ``name`` = G and the generators P = X, Z of each of its qubits.

    Returns:
        A map from ``("X", qubit)`` and ``("Z", qubit)`` to signed Paulis.

    Raises:
        ValueError: ``name`` is not in :data:`CLIFFORD_NAMES`.
    """
    if name in _ONE_QUBIT_IMAGES:
        (qubit,) = qubits
        return {(label, qubit): _single(image[0], qubit, image[1]) for label, image in _ONE_QUBIT_IMAGES[name].items()}
    if name not in CLIFFORD_NAMES:
        raise ValueError(f"{name!r} is not one of the Clifford gates {', '.join(CLIFFORD_NAMES)}.")
    a, b = qubits
    bit_a, bit_b = 1 << a, 1 << b
    if name == "cx":
        return {
            ("X", a): (bit_a | bit_b, 0, 1),
            ("Z", a): (0, bit_a, 1),
            ("X", b): (bit_b, 0, 1),
            ("Z", b): (0, bit_a | bit_b, 1),
        }
    if name == "cz":
        return {
            ("X", a): (bit_a, bit_b, 1),
            ("Z", a): (0, bit_a, 1),
            ("X", b): (bit_b, bit_a, 1),
            ("Z", b): (0, bit_b, 1),
        }
    return {("X", a): (bit_b, 0, 1), ("Z", a): (0, bit_b, 1), ("X", b): (bit_a, 0, 1), ("Z", b): (0, bit_a, 1)}


def inverse_name(name: str) -> str:
    """The name of the inverse of a Clifford gate."""
    return _INVERSE.get(name, name)


def conjugate(name: str, qubits: Sequence[int], pauli: SignedPauli) -> SignedPauli:
    """G P G† for a Clifford gate G = ``name`` on ``qubits``.

    To pull an observable back through the gate (G† P G), conjugate by :func:`inverse_name`.

    Example:
        >>> conjugate("cx", (0, 1), (0b01, 0, 1))  # CX X0 CX = X0 X1
        (3, 0, 1)
    """
    x, z, sign = pauli
    support = 0
    for qubit in qubits:
        support |= 1 << qubit
    images = generator_images(name, qubits)
    inside = product_of_images(x & support, z & support, lambda label, qubit: images[label, qubit])
    # disjoint supports: the masks add up and no phase appears
    return (x & ~support) | inside[0], (z & ~support) | inside[1], sign * inside[2]


def product_of_images(x: int, z: int, image: Callable[[str, int], SignedPauli]) -> SignedPauli:
    """The image of P(x, z) under an automorphism given by its images of the single-qubit X and Z.

    P(x, z) = i^|x & z| ∏_j X_j^{x_j} ∏_j Z_j^{z_j}, so the image is the same product of the generators' images.
    """
    out_x = out_z = 0
    power = (x & z).bit_count()
    for label, mask in (("X", x), ("Z", z)):
        while mask:
            qubit = (mask & -mask).bit_length() - 1
            mask &= mask - 1
            out_x, out_z, step = multiply((out_x, out_z, 1), image(label, qubit))
            power += step
    return out_x, out_z, 1 - power % 4
