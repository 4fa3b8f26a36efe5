"""Where the noise of a kernel comes from, and which kernels may have it in common.

Shots are the same where one circuit runs through one connection, whose results are kept; where two connections have one
seed, since the exact target draws by seed, circuit and values; where they share a journal. Other simulators begin with
the same random numbers for every circuit if they have a seed, which is not always seen from here: all of them count as
one. So do kernels of which it is not known what they run.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.by_method import KernelByMethod
from qiskit_qml_ext.kernels.combined.leaves import quantum_leaves
from qiskit_qml_ext.kernels.local import LocalKernel
from qiskit_qml_ext.kernels.methods import choose_circuit_method
from qiskit_qml_ext.kernels.projected import ProjectedKernel
from qiskit_qml_ext.primitives import Connection, circuit_key

_SIMULATORS = "simulators"
_DRAWN_ANEW = "drawn anew by exact connections"


@dataclass(frozen=True)
class Source:
    """Shots that a kernel reads."""

    where: Hashable = None
    """What ran them; ``None`` where it is not known."""
    circuit: Hashable = None
    """The key of the circuit; ``None`` where it may be any."""

    def may_be(self, other: "Source") -> bool:
        """Whether these shots may be those of another source."""
        return all(
            mine is None or its is None or mine == its
            for mine, its in ((self.where, other.where), (self.circuit, other.circuit))
        )


Sources = frozenset[Source]


def sources_of(kernel: object, num_features: int) -> Sources:
    """Return the shots that a kernel whose entries have errors may read."""
    leaves = quantum_leaves(kernel)
    if not leaves:
        return frozenset([Source()])
    return frozenset(source for leaf in leaves for source in _sources_of_leaf(leaf, num_features))


def groups(sources: Sequence[Sources]) -> list[list[int]]:
    """Return the numbers of the kernels, those together that may read the same shots, directly or through others."""
    found: list[list[int]] = []
    for number, mine in enumerate(sources):
        joined = [group for group in found if any(_meet(mine, sources[other]) for other in group)]
        found = [group for group in found if group not in joined]
        found.append([*(other for group in joined for other in group), number])
    return found


def _meet(some: Sources, others: Sources) -> bool:
    return any(one.may_be(other) for one in some for other in others)


def _sources_of_leaf(leaf: object, num_features: int) -> Iterable[Source]:
    if not isinstance(leaf, QuantumKernel):
        return [Source()]
    connection = leaf._connection()
    if connection.is_exact:
        return _circuits(leaf, [_DRAWN_ANEW], num_features) if isinstance(leaf, KernelByMethod) else [Source()]
    if connection.target.runs_here and not connection.target.is_exact:
        return [Source(_SIMULATORS)]
    places: list[Hashable] = [("results", id(connection.results))]
    places += [] if connection.seed is None else [("seed", connection.seed)]
    places += [] if connection._journaling is None else [("journal", connection.target_name)]
    return _circuits(leaf, places, num_features)


def _circuits(leaf: QuantumKernel, places: Sequence[Hashable], num_features: int) -> Iterable[Source]:
    keys = _circuit_keys(leaf, leaf._connection(), num_features)
    return [Source(place, key) for place in places for key in keys]


def _circuit_keys(leaf: QuantumKernel, connection: Connection, num_features: int) -> Sequence[Hashable]:
    """Return the keys of the circuits that a kernel runs; of one of another kind it is not known."""
    if not isinstance(leaf, (KernelByMethod, ProjectedKernel, LocalKernel)):
        return [None]
    keys: list[Hashable] = [circuit_key(leaf.circuit(num_features))]
    if isinstance(leaf, LocalKernel):  # a patch of all qubits is a fidelity
        encoding = leaf._encoding(num_features)
        keys.append(circuit_key(choose_circuit_method("auto", connection, encoding).circuit(connection, encoding)))
    return keys
