"""Hamiltonian variational ansätze for spin chains."""

from itertools import chain
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.checks import one_of, whole_number
from qiskit_qml_ext.circuits.generators import distinct, single_paulis, total
from qiskit_qml_ext.circuits.template import Ansatz

MODELS = ("tfim", "xxz", "heisenberg")
"""The spin chains known by name."""

Rotation = tuple[str, tuple[int, ...]]
"""A Pauli label and the qubits on which it acts, the first letter on the first qubit."""


class HamiltonianVariationalAnsatz(Ansatz):
    r"""Evolve under the terms of a spin-chain Hamiltonian in turn, for variational times.

    Each of the ``reps`` layers applies exp(-i θ_g H_g / 2) for the groups H_g of the model:

    - ``"tfim"`` (transverse-field Ising): Σ Z_iZ_{i+1} over all bonds, then Σ X_i;
    - ``"xxz"``: Σ (XX + YY), then Σ ZZ, over the even bonds (0,1), (2,3), …; then the same over the odd bonds;
    - ``"heisenberg"``: Σ (XX + YY + ZZ) over the even bonds, then over the odd bonds.

    The terms of a group commute. A periodic chain of an odd number n ≥ 3 of sites has its closing bond in a third
    group, except for ``"tfim"``; of an even number, among the odd bonds. One or two sites have no closing bond. With
    ``shared=False`` every rotation has an angle of its own. The layers act on |+…+⟩ for ``"tfim"`` and otherwise on
    singlets of the qubits (0,1), (2,3), …, a last odd qubit being in |0⟩, or on |0…0⟩ with ``initial_state=False``. All
    angles have the period 2π.

    Counts:
        parameters: reps * (2 if n > 1 else 1)
        two-qubit gates: reps * (n - 1)
        depth: 1 + reps * (1 + min(n - 1, 2))

    Args:
        model: ``"tfim"``, ``"xxz"`` or ``"heisenberg"``; the last two need at least two qubits.
        reps: The number of layers, at least 1.
        periodic: Whether the chain is closed.
        shared: Whether the rotations of a group share their angle.
        initial_state: Whether the circuit prepares the initial state.

    References:
        Wecker, Hastings and Troyer, arXiv:1507.08969; Wiersema et al., arXiv:2008.02941 (TFIM and XXZ).

    Examples:
        >>> from qiskit_qml_ext.circuits import HamiltonianVariationalAnsatz
        >>> HamiltonianVariationalAnsatz("xxz", reps=3).build(6).num_parameters
        12
    """

    name: ClassVar[str] = "hamiltonian-variational"
    reference: ClassVar[str] = "arXiv:1507.08969, arXiv:2008.02941"

    def __init__(
        self,
        model: str = "tfim",
        *,
        reps: int = 2,
        periodic: bool = False,
        shared: bool = True,
        initial_state: bool = True,
    ):
        self.model = model
        self.reps = reps
        self.periodic = periodic
        self.shared = shared
        self.initial_state = initial_state

    @property
    def min_qubits(self) -> int:  # type: ignore[override]
        """One for the Ising chain; two for the others, which have no terms on a single qubit."""
        return 1 if self.model == "tfim" else 2

    @property
    def symmetry(self) -> str:  # type: ignore[override]
        """The symmetry of the model, or the parities that are left if every rotation has an angle of its own."""
        if one_of("model", self.model, MODELS) == "tfim":
            return "Z2: spin flip X⊗…⊗X"
        if not self.shared:
            return "Z2 × Z2: spin flips X⊗…⊗X and Z⊗…⊗Z"
        return "U(1): magnetisation" if self.model == "xxz" else "SU(2): total spin"

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits, minimum=self.min_qubits)
        reps = whole_number("reps", self.reps)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        circuit = QuantumCircuit(num_qubits, name="HamiltonianVariationalAnsatz")
        if self.initial_state:
            self._append_initial_state(circuit)
        for _ in range(reps):
            for group in self._groups(num_qubits):
                shared_angle = next(angles) if self.shared else None
                for label, qubits in group:
                    angle = next(angles) if shared_angle is None else shared_angle
                    getattr(circuit, f"r{label.lower()}")(angle, *qubits)
        return circuit

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: one for each group, or for each rotation, of each layer."""
        groups = self._groups(num_qubits)
        return self.reps * (len(groups) if self.shared else sum(map(len, groups)))

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of two-qubit rotations: one (TFIM) or three a bond and layer, and a CX for each singlet."""
        rotations = sum(len(qubits) == 2 for group in self._groups(num_qubits) for _, qubits in group)
        singlets = num_qubits // 2 if self.initial_state and self.model != "tfim" else 0
        return self.reps * rotations + singlets

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the groups H_g, or their terms if ``shared`` is false; see :meth:`Ansatz.generators`."""
        groups = [
            [SparsePauliOp.from_sparse_list([(label, list(qubits), 1.0)], num_qubits) for label, qubits in group]
            for group in self._groups(num_qubits)
        ]
        return [op for group in groups for op in total(group)] if self.shared else distinct(chain.from_iterable(groups))

    def conserved_operators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the spin flips (TFIM, or free angles), the total Z (XXZ) or the total X, Y and Z (Heisenberg)."""
        if self.model == "tfim":
            return [SparsePauliOp("X" * num_qubits)]
        if not self.shared:
            return [SparsePauliOp("X" * num_qubits), SparsePauliOp("Z" * num_qubits)]
        axes = "Z" if self.model == "xxz" else "XYZ"
        return [operator for axis in axes for operator in total(single_paulis(axis, num_qubits))]

    def _groups(self, num_qubits: int) -> list[list[Rotation]]:
        """Return the rotations of one layer in groups that commute; empty groups are left out."""
        model = one_of("model", self.model, MODELS)
        bond_groups = chain_bonds(num_qubits, periodic=self.periodic)
        groups: list[list[Rotation]] = []
        if model == "tfim":
            groups.append([("ZZ", bond) for bonds in bond_groups for bond in bonds])
            groups.append([("X", (qubit,)) for qubit in range(num_qubits)])
        else:
            shared_labels = [("XX", "YY"), ("ZZ",)] if model == "xxz" else [("XX", "YY", "ZZ")]
            groups += [
                [(p, bond) for bond in bonds for p in labels] for bonds in bond_groups for labels in shared_labels
            ]
        return [group for group in groups if group]

    def _append_initial_state(self, circuit: QuantumCircuit) -> None:
        if self.model == "tfim":
            circuit.h(range(circuit.num_qubits))
            return
        for first in range(0, circuit.num_qubits - 1, 2):
            circuit.x([first, first + 1])
            circuit.h(first)
            circuit.cx(first, first + 1)


def chain_bonds(num_qubits: int, *, periodic: bool) -> list[list[tuple[int, int]]]:
    """Return a chain's bonds in groups of disjoint bonds: even, odd and, for a ring of odd length, the closing one."""
    even = [(site, site + 1) for site in range(0, num_qubits - 1, 2)]
    odd = [(site, site + 1) for site in range(1, num_qubits - 1, 2)]
    if not periodic or num_qubits < 3:
        return [even, odd]
    closing = (num_qubits - 1, 0)
    return [even, [*odd, closing]] if num_qubits % 2 == 0 else [even, odd, [closing]]
