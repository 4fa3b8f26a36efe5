"""Ansätze on graphs: QAOA, multi-angle QAOA and circuits equivariant under the graph's symmetries."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.ansatze.hardware_efficient import ring_pairs
from qiskit_qml_ext.circuits.entanglement import entangled_pairs
from qiskit_qml_ext.circuits.generators import total, two_qubit_paulis
from qiskit_qml_ext.circuits.template import Ansatz

Edges = Sequence[tuple[int, int]] | None
"""The edges of a graph on the qubits; ``None`` is the cycle (a single edge for two qubits, none for one)."""


class GraphAnsatz(Ansatz):
    """What the ansätze on graphs have in common: weighted edges, and layers of ZZ rotations and of single rotations.

    In every layer, R_zz(w_e θ) acts on every edge e of weight w_e, and a rotation about each of the ansatz's axes on
    every qubit. Either all gates of a kind share their angle in a layer, or each gate has its own.
    """

    edges: Edges
    weights: Sequence[float] | None
    reps: int
    _axes: ClassVar[str]
    _shared: ClassVar[bool] = True
    _axes_first: ClassVar[bool] = False
    _plus_state: ClassVar[bool] = True

    @property
    def parameter_period(self) -> float:  # type: ignore[override]
        """2π, or infinite with weights."""
        return 2 * math.pi if self.weights is None else math.inf

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits)
        reps = whole_number("reps", self.reps)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        circuit = QuantumCircuit(num_qubits, name=type(self).__name__)
        if self._plus_state:
            circuit.h(range(num_qubits))
        kinds = self._kinds(num_qubits)
        for _ in range(reps):
            for gate, places, factors in kinds:
                shared_angle = next(angles) if self._shared else None
                for place, factor in zip(places, factors, strict=True):
                    angle = next(angles) if shared_angle is None else shared_angle
                    getattr(circuit, gate)(angle if factor == 1 else factor * angle, *place)
        return circuit

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: one for each kind of gate, or for each gate, of each layer."""
        kinds = self._kinds(num_qubits)
        return self.reps * (len(kinds) if self._shared else sum(len(places) for _, places, _ in kinds))

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of RZZ gates: one for each edge of each layer."""
        return self.reps * len(self._edges(num_qubits))

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the sums that share an angle, or every ZZ and Pauli; see :meth:`Ansatz.generators`."""
        generators = []
        for gate, places, factors in self._kinds(num_qubits):
            label = gate[1:].upper()
            terms = [(label, list(place), factor) for place, factor in zip(places, factors, strict=True)]
            if self._shared:
                generators.append(SparsePauliOp.from_sparse_list(terms, num_qubits).simplify())
            else:
                generators += [SparsePauliOp.from_sparse_list([(pauli, q, 1.0)], num_qubits) for pauli, q, _ in terms]
        return generators

    @abstractmethod
    def conserved_operators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the operators that the symmetry conserves; see :meth:`Ansatz.conserved_operators`."""

    def _kinds(self, num_qubits: int) -> list[tuple[str, list[tuple[int, ...]], list[float]]]:
        """Return the gates of one layer, kind by kind: their name, their qubits and the factors of their angles."""
        edges: list[tuple[int, ...]] = [*self._edges(num_qubits)]
        couplings = [("rzz", edges, self._weights(len(edges)))] if edges else []
        qubits: list[tuple[int, ...]] = [(qubit,) for qubit in range(num_qubits)]
        singles = [(f"r{axis}", qubits, [1.0] * num_qubits) for axis in self._axes]
        return singles + couplings if self._axes_first else couplings + singles

    def _edges(self, num_qubits: int) -> list[tuple[int, int]]:
        if self.edges is None:
            return ring_pairs(num_qubits)
        beyond = [edge for edge in self.edges if not all(0 <= vertex < num_qubits for vertex in edge)]
        if beyond:
            raise ValueError(f"edges must join vertices from 0 to {num_qubits - 1}, but {beyond[0]!r} is among them.")
        edges = entangled_pairs(self.edges, num_qubits)
        if len({frozenset(edge) for edge in edges}) < len(edges):
            raise ValueError(f"edges must not repeat an edge, but {self.edges!r} came. Use weights instead.")
        return edges

    def _weights(self, num_edges: int) -> list[float]:
        if self.weights is None:
            return [1.0] * num_edges
        weights = [float(weight) for weight in self.weights]
        if len(weights) != num_edges or not all(map(math.isfinite, weights)) or 0.0 in weights:
            raise ValueError(
                f"weights must be {num_edges} finite numbers other than 0, one an edge, but {self.weights!r} came."
            )
        return weights


class QAOAAnsatz(GraphAnsatz):
    r"""Alternate the cost of a weighted graph and the transverse field, from the uniform superposition.

    U(θ)|0…0⟩ = Π_p [Π_q R_x(θ_{2p+1}) Π_{e=(i,j)} R_zz(w_e θ_{2p})] |+…+⟩. With the cost C = Σ w_e Z_iZ_j this is the
    usual e^{-iβ ΣX} e^{-iγC} with θ_{2p} = 2γ_p and θ_{2p+1} = 2β_p, as Qiskit's ``qaoa_ansatz`` builds it. Angles have
    the period 2π unless there are weights.

    Counts:
        parameters: reps * (2 if n > 1 else 1)
        two-qubit gates: reps * ring(n)
        depth: 1 + reps * (1 + ring(n))

    Args:
        edges: The edges (i, j); ``None`` takes the cycle.
        weights: The weight of each edge; ``None`` takes 1.
        reps: The number of layers, at least 1.

    References:
        Farhi, Goldstone and Gutmann, arXiv:1411.4028.

    Examples:
        >>> from qiskit_qml_ext.circuits import QAOAAnsatz
        >>> QAOAAnsatz([(0, 1), (1, 2), (0, 2), (2, 3)], reps=3).build(4).count_ops()["rzz"]
        12
    """

    name: ClassVar[str] = "qaoa"
    reference: ClassVar[str] = "arXiv:1411.4028"
    symmetry = "Z2: spin flip X⊗…⊗X"
    _axes: ClassVar[str] = "x"

    def __init__(self, edges: Edges = None, *, weights: Sequence[float] | None = None, reps: int = 2):
        self.edges = edges
        self.weights = weights
        self.reps = reps

    def conserved_operators(self, num_qubits: int) -> list[SparsePauliOp]:
        """Return the spin flip X⊗…⊗X."""
        return [SparsePauliOp("X" * num_qubits)]


class MultiAngleQAOAAnsatz(QAOAAnsatz):
    r"""QAOA in which every edge and every qubit has an angle of its own in every layer.

    Angles have the period 2π unless there are weights.

    Counts:
        parameters: reps * (n + ring(n))
        two-qubit gates: reps * ring(n)
        depth: 1 + reps * (1 + ring(n))

    Args:
        edges: The edges (i, j); ``None`` takes the cycle.
        weights: The weight of each edge; ``None`` takes 1.
        reps: The number of layers, at least 1.

    References:
        Herrman et al., arXiv:2109.11455.

    Examples:
        >>> from qiskit_qml_ext.circuits import MultiAngleQAOAAnsatz
        >>> MultiAngleQAOAAnsatz([(0, 1), (1, 2)], reps=1).build(3).num_parameters
        5
    """

    name: ClassVar[str] = "multi-angle-qaoa"
    reference: ClassVar[str] = "arXiv:2109.11455"
    _shared: ClassVar[bool] = False


class GraphEquivariantAnsatz(GraphAnsatz):
    r"""A circuit that respects all symmetries of an undirected weighted graph.

    Each layer applies R_x(θ) to all qubits, R_y(θ') to all qubits and R_zz(w_e θ'') to all edges, with shared angles,
    so that relabelling the graph's nodes relabels the qubits: U(σ(G)) = P_σ U(G) P_σ†. In particular U commutes with
    the automorphisms of G. It starts from |0…0⟩, which all permutations leave alone. Angles have the period 2π unless
    there are weights.

    Counts:
        parameters: reps * (3 if n > 1 else 2)
        two-qubit gates: reps * ring(n)
        depth: reps * (2 + ring(n))

    Args:
        edges: The edges (i, j); ``None`` takes the cycle.
        weights: The weight of each edge; ``None`` takes 1.
        reps: The number of layers, at least 1.

    References:
        Mernyei, Meichanetzidis and Ceylan, arXiv:2112.05261; Skolik et al., arXiv:2205.06109.

    Examples:
        >>> from qiskit_qml_ext.circuits import GraphEquivariantAnsatz
        >>> GraphEquivariantAnsatz([(0, 1), (1, 2)], reps=2).build(3).num_parameters
        6
    """

    name: ClassVar[str] = "graph-equivariant"
    reference: ClassVar[str] = "arXiv:2112.05261, arXiv:2205.06109"
    symmetry = "automorphisms of the graph"
    _axes: ClassVar[str] = "xy"
    _axes_first: ClassVar[bool] = True
    _plus_state: ClassVar[bool] = False

    def __init__(self, edges: Edges = None, *, weights: Sequence[float] | None = None, reps: int = 2):
        self.edges = edges
        self.weights = weights
        self.reps = reps

    def conserved_operators(self, num_qubits: int) -> list[SparsePauliOp]:
        """Return no operator: permutations are no Pauli sums of few terms, and depend on the graph."""
        return []


class PermutationEquivariantAnsatz(GraphEquivariantAnsatz):
    r"""A circuit that commutes with every permutation of the qubits.

    Each layer applies R_x(θ) to all qubits, R_y(θ') to all qubits and R_zz(θ'') to all pairs, with shared angles: the
    S_n-equivariant circuit, which has no barren plateaus since its algebra grows only as n³. All angles have the period
    2π.

    Counts:
        parameters: reps * (3 if n > 1 else 2)
        two-qubit gates: reps * n * (n - 1) // 2
        depth: 2 * n - 1 + (reps - 1) * (n + 2) if n > 2 else reps * (n + 1)

    Args:
        reps: The number of layers, at least 1.

    References:
        Schatzki et al., arXiv:2210.09974.

    Examples:
        >>> from qiskit_qml_ext.circuits import PermutationEquivariantAnsatz
        >>> PermutationEquivariantAnsatz(reps=2).build(5).num_parameters
        6
    """

    name: ClassVar[str] = "permutation-equivariant"
    reference: ClassVar[str] = "arXiv:2210.09974"
    symmetry = "S_n: permutations of the qubits"
    weights = None

    def __init__(self, *, reps: int = 2):
        self.reps = reps

    def conserved_operators(self, num_qubits: int) -> list[SparsePauliOp]:
        """Return Σ_{i<j} (X_iX_j + Y_iY_j + Z_iZ_j), the total spin up to constants: a sum of all transpositions."""
        pairs = self._edges(num_qubits)
        return total([op for label in ("XX", "YY", "ZZ") for op in two_qubit_paulis(label, pairs, num_qubits)])

    def _blocks_at_least(self, num_qubits: int) -> int:
        return math.comb(num_qubits, 2)

    def _edges(self, num_qubits: int) -> list[tuple[int, int]]:
        return [(first, second) for first in range(num_qubits) for second in range(first + 1, num_qubits)]
