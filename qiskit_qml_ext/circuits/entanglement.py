"""Which pairs of qubits interact in a layer, in Qiskit's words plus ``"none"``."""

from collections.abc import Sequence

from qiskit.circuit.library.n_local.n_local import get_entangler_map

Entanglement = str | Sequence[tuple[int, int]] | None
"""``"none"`` (or ``None``), one of Qiskit's layouts by name, or a list of pairs of qubits."""

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
    if entanglement is None or (isinstance(entanglement, str) and entanglement == "none"):
        return []
    if isinstance(entanglement, str):
        if entanglement not in LAYOUTS:
            raise ValueError(
                f"entanglement must be one of {', '.join(map(repr, LAYOUTS))} or a list of pairs of qubits, "
                f"but {entanglement!r} came."
            )
        if num_qubits < 2:
            return []
        return [(int(a), int(b)) for a, b in get_entangler_map(2, num_qubits, entanglement, layer)]
    return [_checked_pair(pair, num_qubits) for pair in entanglement]


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
