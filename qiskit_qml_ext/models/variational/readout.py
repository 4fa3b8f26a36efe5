"""The observables that a model reads, where none are given."""

from collections.abc import Sequence

import numpy as np
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import wrong_value
from qiskit_qml_ext.engine import Observable

_MAX_TABLE_QUBITS = 20  # a diagonal has 2**n entries
_MAX_SEPARATED = 6
_TETRAHEDRON = np.arccos(-1 / 3)  # the angle between two of its directions

WORDS = ("local", "parity", "separated_states")
"""How a model can be read, beside observables of the user's own."""


def observables_for(
    observables: str | Observable | Sequence[Observable] | None, num_outputs: int, num_qubits: int
) -> list[Observable]:
    """Return the observables of a model, one for each output.

    Args:
        observables: ``None`` or ``"local"``: the mean of Z over the qubits q with q mod K = k for output k; where there
            are more outputs than qubits, the outcomes z (as numbers) with z mod K = k count as output k. ``"parity"``:
            for one output the parity of all qubits, for K of them the outcomes whose number of ones, mod K, is k.
            ``"separated_states"``: 2F - 1, where F is the fidelity with the k-th of K states of one qubit that are as
            far from each other as K states can be, averaged over the qubits; for one output Z. Or observables of your
            own.
        num_outputs: K.
        num_qubits: The width of the circuit.

    Raises:
        ValueError: If there are more outputs than outcomes, or the number of observables is another.
    """
    if observables is None or isinstance(observables, str):
        return _chosen(observables or "local", num_outputs, num_qubits)
    given = list(observables) if isinstance(observables, (list, tuple)) else [observables]
    if len(given) != num_outputs:
        raise ValueError(
            f"observables must be {num_outputs}, one for each output (two classes need one), but {len(given)} came."
        )
    return given


def _chosen(word: str, num_outputs: int, num_qubits: int) -> list[Observable]:
    if word not in WORDS:
        raise wrong_value("observables", f"one of {', '.join(map(repr, WORDS))}, or observables", word)
    if word == "separated_states":
        return [_mean_spin(direction, num_qubits) for direction in _separated_directions(num_outputs)]
    if word == "local" and num_outputs <= num_qubits:
        return [_mean_z(range(output, num_qubits, num_outputs), num_qubits) for output in range(num_outputs)]
    if word == "parity" and num_outputs == 1:
        return [SparsePauliOp(Pauli("Z" * num_qubits))]
    groups = num_qubits + 1 if word == "parity" else 1 << min(num_qubits, _MAX_TABLE_QUBITS)
    if num_outputs > groups:
        raise ValueError(
            f"{num_outputs} outputs need as many kinds of outcomes, but {num_qubits} qubits read as {word!r} have "
            f"{groups}. Use more qubits, 'separated_states' for up to {_MAX_SEPARATED} outputs, or give observables."
        )
    outcomes = np.arange(1 << num_qubits)
    kind = (np.bitwise_count(outcomes) if word == "parity" else outcomes) % num_outputs
    return [np.where(kind == output, 1.0, -1.0) for output in range(num_outputs)]


def _mean_z(qubits: Sequence[int], num_qubits: int) -> SparsePauliOp:
    return SparsePauliOp.from_sparse_list([("Z", [qubit], 1 / len(qubits)) for qubit in qubits], num_qubits)


def _mean_spin(direction: FloatArray, num_qubits: int) -> SparsePauliOp:
    """The mean over the qubits of n·σ = 2 |n⟩⟨n| - 1, where |n⟩ is the state with the Bloch vector n."""
    terms = [
        (axis, [qubit], part / num_qubits)
        for axis, part in zip("XYZ", direction, strict=True)
        for qubit in range(num_qubits)
        if part != 0
    ]
    return SparsePauliOp.from_sparse_list(terms, num_qubits)


def _separated_directions(num_outputs: int) -> FloatArray:
    """Points on the Bloch sphere whose smallest distance is as large as it can be, from one to six of them, first Z.

    Ends of a diameter (of which one output reads the difference), a triangle, a tetrahedron, a triangle with the ends
    of the diameter across it, an octahedron.
    """
    if num_outputs > _MAX_SEPARATED:
        raise ValueError(
            f"observables='separated_states' has at most {_MAX_SEPARATED} states, but {num_outputs} outputs came. Use "
            "'local' or give observables."
        )
    if num_outputs == 4:
        ring = [[np.sin(_TETRAHEDRON) * np.cos(a), np.sin(_TETRAHEDRON) * np.sin(a), -1 / 3] for a in _thirds()]
        return np.array([[0.0, 0.0, 1.0], *ring])
    triangle = [[np.sin(a), 0.0, np.cos(a)] for a in _thirds()]
    across = [[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]
    poles = [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]
    points = {
        1: poles[:1],
        2: poles,
        3: triangle,
        5: triangle + across,
        6: [*poles, *across, [1.0, 0, 0], [-1.0, 0, 0]],
    }
    return np.array(points[num_outputs])


def _thirds() -> FloatArray:
    return np.asarray(2 * np.pi / 3 * np.arange(3.0))
