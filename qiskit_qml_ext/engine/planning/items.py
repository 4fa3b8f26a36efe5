"""The items of a schedule: what is left of a program once monomial Clifford gates are folded into the frame."""

from dataclasses import dataclass, field

from qiskit_qml_ext.arrays import ComplexArray, IntArray
from qiskit_qml_ext.program.pauli import SignedPauli


@dataclass
class Row:
    """An angle row: an affine form over the program's angles."""

    terms: dict[int, float] = field(default_factory=dict)
    """The factor of each angle that enters."""
    constant: float = 0.0
    """What is added."""

    def add(self, other: "Row", factor: float = 1.0) -> None:
        """``self += factor * other``."""
        for angle, coefficient in other.terms.items():
            self.terms[angle] = self.terms.get(angle, 0.0) + factor * coefficient
        self.constant += factor * other.constant

    def scaled(self, factor: float) -> "Row":
        """``factor * self``."""
        return Row({angle: factor * value for angle, value in self.terms.items()}, factor * self.constant)


@dataclass
class Rotation:
    """exp(-i r P(x, z)) with x != 0."""

    x: int
    """The Pauli's X mask."""
    z: int
    """The Pauli's Z mask."""
    row: Row
    """The angle r."""


@dataclass
class Phases:
    """The diagonal exp(i Σ_m r_m (-1)^|m & z|)."""

    terms: dict[int, Row]
    """The angle r_m of each mask m."""

    @property
    def is_worth_a_table(self) -> bool:
        """Whether one pass over a table is cheaper than one pass for each term."""
        return len(self.terms) > 1


@dataclass
class Hadamard:
    """(P1 + P2) / √2 for anticommuting signed Paulis, P2 diagonal."""

    first: SignedPauli
    """P1."""
    second: SignedPauli
    """P2."""


@dataclass
class Dense:
    """A fixed unitary on some qubits."""

    matrix: ComplexArray
    """The unitary, shape (2**k, 2**k)."""
    qubits: tuple[int, ...]
    """The k qubits, the first one least significant."""


@dataclass
class Permute:
    """The frame, carried out: ψ[target[z]] ← i^power[z] ψ[z]."""

    target: IntArray
    """Where each amplitude goes."""
    power: IntArray
    """The power of i that it takes along."""


Item = Rotation | Phases | Hadamard | Dense | Permute


def plain_hadamard(qubit: int) -> Hadamard:
    """The Hadamard gate on a qubit that no frame changed."""
    return Hadamard((1 << qubit, 0, 1), (0, 1 << qubit, 1))


def split_product(num_qubits: int, items: list[Item]) -> tuple[list[list[Item]], list[Item]]:
    """Split off what acts on single qubits before they are entangled: gates by qubit, and the items that remain."""
    small: list[list[Item]] = [[] for _ in range(num_qubits)]
    rest: list[Item] = []
    busy = 0
    for item in items:
        support = _support(item, num_qubits)
        if isinstance(item, Phases):
            # all or nothing: single terms are free in a pass that runs anyway
            if support & busy or any(mask.bit_count() > 1 for mask in item.terms):
                rest.append(item)
                busy |= support
            else:
                for mask, row in item.terms.items():
                    small[max(mask.bit_length() - 1, 0)].append(Phases({mask: row}))
        elif isinstance(item, Rotation | Hadamard) and support.bit_count() == 1 and not support & busy:
            small[support.bit_length() - 1].append(item)
        else:
            rest.append(item)
            busy |= support
    return small, rest


def _support(item: Item, num_qubits: int) -> int:
    if isinstance(item, Rotation):
        return item.x | item.z
    if isinstance(item, Hadamard):
        return item.first[0] | item.first[1] | item.second[1]
    if isinstance(item, Phases):
        support = 0
        for mask in item.terms:
            support |= mask
        return support
    return (1 << num_qubits) - 1
