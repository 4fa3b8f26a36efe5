"""Free-fermion circuits: matchgates, and Givens rotations that conserve the number of particles."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import XXPlusYYGate
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.ansatze.simplified_two_design import brickwall_pairs
from qiskit_qml_ext.circuits.generators import single_paulis, total, two_qubit_paulis
from qiskit_qml_ext.circuits.template import Ansatz


class MatchgateAnsatz(Ansatz):
    r"""Evolve free fermions: Z rotations and nearest-neighbour XX rotations, all with angles of their own.

    Each layer applies R_z(θ) to every qubit and R_xx(θ) to the pairs (0,1), (2,3), … and then (1,2), (3,4), …. Under
    the Jordan-Wigner transformation all generators are quadratic in the 2n Majorana operators; they generate so(2n), of
    dimension n(2n-1), so the circuit can be simulated in polynomial time. All angles have the period 2π.

    Counts:
        parameters: reps * (2 * n - 1)
        two-qubit gates: reps * (n - 1)
        depth: reps * (1 + min(n - 1, 2))

    Args:
        reps: The number of layers, at least 1.

    References:
        Jozsa and Miyake, arXiv:0804.4050; as an ansatz: Diaz et al., arXiv:2310.11505.

    Examples:
        >>> from qiskit_qml_ext.circuits import MatchgateAnsatz
        >>> MatchgateAnsatz(reps=2).build(5).num_parameters
        18
    """

    name: ClassVar[str] = "matchgate"
    reference: ClassVar[str] = "arXiv:0804.4050, arXiv:2310.11505"
    symmetry = "free fermions; Z2: parity Z⊗…⊗Z"

    def __init__(self, *, reps: int = 2):
        self.reps = reps

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits)
        reps = whole_number("reps", self.reps)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        circuit = QuantumCircuit(num_qubits, name="MatchgateAnsatz")
        for _ in range(reps):
            for qubit in range(num_qubits):
                circuit.rz(next(angles), qubit)
            for first, second in brickwall_pairs(num_qubits):
                circuit.rxx(next(angles), first, second)
        return circuit

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: one for each qubit and each neighbouring pair of each layer."""
        return self.reps * (2 * num_qubits - 1)

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of RXX gates: one for each neighbouring pair of each layer."""
        return self.reps * (num_qubits - 1)

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List Z on every qubit and XX on every neighbouring pair; see :meth:`Ansatz.generators`."""
        return single_paulis("Z", num_qubits) + two_qubit_paulis("XX", brickwall_pairs(num_qubits), num_qubits)

    def conserved_operators(self, num_qubits: int) -> list[SparsePauliOp]:
        """Return the fermionic parity Z⊗…⊗Z."""
        return [SparsePauliOp("Z" * num_qubits)]


class GivensAnsatz(Ansatz):
    r"""Move a fixed number of particles between neighbouring modes by Givens rotations.

    X gates on qubits 0, 2, 4, …, then 1, 3, … prepare ``num_particles`` particles. Each layer applies to the pairs
    (0,1), (2,3), … and then (1,2), (3,4), … the rotation of |01⟩ and |10⟩ into each other by the angle θ/2 (Qiskit's
    ``XXPlusYYGate(θ, π/2)``), and then, with ``phases``, R_z(θ) to every qubit. The number of ones is conserved.
    Nearest-neighbour Givens rotations and phases are free fermions. Givens rotations have the period 4π, phases 2π.

    Counts:
        parameters: reps * (2 * n - 1)
        two-qubit gates: reps * (n - 1)
        depth: 1 + reps * (1 + min(n - 1, 2))

    Args:
        num_particles: The number of particles, 0 to n; ``None`` takes half of the modes, rounded up.
        reps: The number of layers, at least 1.
        phases: Whether each layer ends with Z rotations. Without them at least two qubits are needed.

    References:
        Anselmetti et al., arXiv:2104.05695; Arrazola et al., arXiv:2106.13839.

    Examples:
        >>> from qiskit_qml_ext.circuits import GivensAnsatz
        >>> GivensAnsatz(num_particles=2, phases=False).build(4).num_parameters
        6
    """

    name: ClassVar[str] = "givens"
    reference: ClassVar[str] = "arXiv:2104.05695, arXiv:2106.13839"
    symmetry = "U(1): number of particles"
    parameter_period = 4 * math.pi

    def __init__(self, num_particles: int | None = None, *, reps: int = 2, phases: bool = True):
        self.num_particles = num_particles
        self.reps = reps
        self.phases = phases

    @property
    def min_qubits(self) -> int:  # type: ignore[override]
        """One with phases, two without: a single qubit has no Givens rotation."""
        return 1 if self.phases else 2

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits, minimum=self.min_qubits)
        reps = whole_number("reps", self.reps)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        circuit = QuantumCircuit(num_qubits, name="GivensAnsatz")
        modes = [*range(0, num_qubits, 2), *range(1, num_qubits, 2)]
        for mode in modes[: self._particles(num_qubits)]:
            circuit.x(mode)
        for _ in range(reps):
            for pair in brickwall_pairs(num_qubits):
                circuit.append(XXPlusYYGate(next(angles), math.pi / 2), pair)
            for qubit in range(num_qubits if self.phases else 0):
                circuit.rz(next(angles), qubit)
        return circuit

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: one for each neighbouring pair and, with phases, each qubit of each layer."""
        return self.reps * (num_qubits - 1 + (num_qubits if self.phases else 0))

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of Givens rotations: one for each neighbouring pair of each layer."""
        return self.reps * (num_qubits - 1)

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List (XY - YX)/2 on every neighbouring pair and, with phases, Z; see :meth:`Ansatz.generators`."""
        hops = [
            SparsePauliOp.from_sparse_list([("XY", list(pair), 0.5), ("YX", list(pair), -0.5)], num_qubits)
            for pair in brickwall_pairs(num_qubits)
        ]
        return hops + (single_paulis("Z", num_qubits) if self.phases else [])

    def conserved_operators(self, num_qubits: int) -> list[SparsePauliOp]:
        """Return Σ Z_q = n - 2·(number of particles)."""
        return total(single_paulis("Z", num_qubits))

    def _particles(self, num_qubits: int) -> int:
        if self.num_particles is None:
            return (num_qubits + 1) // 2
        particles = whole_number("num_particles", self.num_particles, minimum=0)
        if particles > num_qubits:
            raise ValueError(f"num_particles must be at most the number of qubits, {num_qubits}, but {particles} came.")
        return particles
