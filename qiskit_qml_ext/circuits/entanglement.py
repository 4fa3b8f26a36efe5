"""Which pairs of qubits interact in a layer, in Qiskit's words plus ``"none"``."""

from collections.abc import Sequence
from itertools import combinations

Entanglement = str | Sequence[tuple[int, int]] | None
"""``"none"`` (or ``None``), one of Qiskit's layouts by name, or a list of pairs of qubits."""

ENTANGLERS = ("cx", "cz", "ecr")
"""The fixed entangling gates that hardware-efficient templates offer."""

LAYOUTS = ("none", "linear", "reverse_linear", "circular", "full", "pairwise", "sca")
"""The layouts known by name."""


def entangled_pairs(entanglement: Entanglement, num_qubits: int, *, layer: int = 0) -> list[tuple[int, int]]:
    """List the pairs of qubits that interact in one layer.

    Args:
        entanglement: A name from :data:`LAYOUTS`, ``None`` (the same as ``"none"``), or the pairs themselves.
        num_qubits: The width of the circuit.
        layer: The layer's number, from 0; only ``"sca"`` (shifted circular alternating) depends on it.

    Returns:
        The pairs (control, target) in the order in which they act; empty for one qubit or ``"none"``.

    Raises:
        ValueError: If the layout is not known, or a pair does not name two different qubits of the circuit.
    """
    blocks = entangled_blocks(entanglement, num_qubits, block_size=2, layer=layer)
    return [(first, second) for first, second in blocks]


def entangled_blocks(
    entanglement: Entanglement, num_qubits: int, *, block_size: int, layer: int = 0
) -> list[tuple[int, ...]]:
    """List the blocks of ``block_size`` qubits that interact in one layer; :func:`entangled_pairs` for any size.

    A block of one qubit is every qubit, whatever the layout. ``"pairwise"`` exists for pairs only, as in Qiskit, and a
    list of pairs fits blocks of one or two qubits.

    Raises:
        ValueError: If the layout is not known or does not fit the size, or a pair is not valid.
    """
    if isinstance(entanglement, str) and entanglement not in LAYOUTS:
        raise ValueError(
            f"entanglement must be one of {', '.join(map(repr, LAYOUTS))} or a list of pairs of qubits, "
            f"but {entanglement!r} came."
        )
    if block_size == 1:
        return [(qubit,) for qubit in range(num_qubits)]
    if entanglement is None or (isinstance(entanglement, str) and entanglement == "none"):
        return []
    if block_size > 2 and (not isinstance(entanglement, str) or entanglement == "pairwise"):
        raise ValueError(f"entanglement={entanglement!r} names pairs, but blocks of {block_size} qubits are needed.")
    if not isinstance(entanglement, str):
        return [_checked_pair(pair, num_qubits) for pair in entanglement]
    if num_qubits < block_size:
        return []
    return _layout(entanglement, num_qubits, block_size, layer)


def _layout(name: str, num_qubits: int, size: int, layer: int) -> list[tuple[int, ...]]:
    """Blocks of a layout by name, as Qiskit's ``n_local`` places them."""
    if name == "full":
        return list(combinations(range(num_qubits), size))
    line = [tuple(range(start, start + size)) for start in range(num_qubits - size + 1)]
    if name == "linear":
        return line
    if name == "reverse_linear":
        return line[::-1]
    if name == "pairwise":
        return line[::2] + line[1::2]
    # A ring: first the blocks that reach over its end; on no more qubits than a block has there is none to close.
    over = range(num_qubits - size + 1, num_qubits) if num_qubits > size else ()
    ring = [tuple((start + step) % num_qubits for step in range(size)) for start in over] + line
    if name == "circular":
        return ring
    # "sca": the ring starts one block earlier in each layer, and the blocks are turned around in every other layer.
    shift = len(ring) - layer % len(ring)
    ring = ring[shift:] + ring[:shift]
    return [block[::-1] for block in ring] if layer % 2 else ring


def count_pairs(entanglement: Entanglement, num_qubits: int, num_layers: int = 1) -> int:
    """Return how many pairs interact in ``num_layers`` successive layers; it is the same in each."""
    return num_layers * len(entangled_pairs(entanglement, num_qubits))


def _checked_pair(pair: Sequence[int], num_qubits: int) -> tuple[int, int]:
    message = (
        f"entanglement has the entry {pair!r}, but every entry must be a pair of different qubits "
        f"from 0 to {num_qubits - 1}."
    )
    try:
        first, second = (int(qubit) for qubit in pair)
    except (TypeError, ValueError) as error:
        raise ValueError(message) from error
    if first == second or not (0 <= first < num_qubits and 0 <= second < num_qubits):
        raise ValueError(message)
    return first, second
