"""Hardware-efficient ansätze: layers of rotations and of fixed entangling gates, built by Qiskit's ``n_local``."""

from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit.library import n_local
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.checks import one_of, whole_number
from qiskit_qml_ext.circuits.entanglement import ENTANGLERS, Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.generators import single_paulis
from qiskit_qml_ext.circuits.template import Ansatz, check_axes


class HardwareEfficientAnsatz(Ansatz):
    r"""Alternate layers of single-qubit rotations and layers of native entangling gates.

    U(θ) = [R(θ_L)] Π_{r=0}^{L-1} [E · R(θ_r)] with R(θ) = ⊗_q R_{a_k}(θ_{qk}) ⋯ R_{a_1}(θ_{q1}), E a layer of
    entangling gates on the entangled pairs, and L = ``reps``; the last layer R(θ_L) can be left out. With the default
    axes and gates this is Qiskit's ``efficient_su2`` in the linear layout. All angles have the period 2π.

    Counts:
        parameters: 2 * n * (reps + 1)
        two-qubit gates: reps * (n - 1)
        depth: 2 * (reps + 1) + (n - 1) + (reps - 1) * min(n - 1, 2)

    Args:
        rotations: The axes a_1 … a_k in their order, letters of ``"xyz"``.
        reps: The number L of entangling layers, at least 1.
        entanglement: The pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        entangler: The entangling gate, ``"cx"``, ``"cz"`` or ``"ecr"``.
        final_rotations: Whether rotations follow the last entangling layer.

    References:
        Kandala et al., arXiv:1704.05018.

    Examples:
        >>> from qiskit_qml_ext.circuits import HardwareEfficientAnsatz
        >>> HardwareEfficientAnsatz("xyz", entangler="ecr", reps=2).build(4).num_parameters
        36
    """

    name: ClassVar[str] = "hardware-efficient"
    reference: ClassVar[str] = "arXiv:1704.05018"

    def __init__(
        self,
        rotations: str = "yz",
        *,
        reps: int = 2,
        entanglement: Entanglement = "linear",
        entangler: str = "cx",
        final_rotations: bool = True,
    ):
        self.rotations = rotations
        self.reps = reps
        self.entanglement = entanglement
        self.entangler = entangler
        self.final_rotations = final_rotations

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits)
        reps = whole_number("reps", self.reps)
        axes = check_axes("rotations", self.rotations)
        entangler = one_of("entangler", self.entangler, ENTANGLERS)
        entangles = bool(entangled_pairs(self.entanglement, num_qubits))
        return n_local(
            num_qubits,
            [f"r{axis}" for axis in axes],
            [entangler] if entangles else [],
            entanglement=lambda layer: entangled_pairs(self.entanglement, num_qubits, layer=layer),
            reps=reps,
            skip_final_rotation_layer=not self.final_rotations,
            name=type(self).__name__,
        )

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: one for each axis of each qubit of each rotation layer."""
        return num_qubits * len(self.rotations) * (self.reps + int(self.final_rotations))

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of entangling gates: one for each entangled pair of each layer."""
        return count_pairs(self.entanglement, num_qubits, self.reps)

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the Paulis of the rotation axes on every qubit; see :meth:`Ansatz.generators`."""
        return single_paulis("".join(dict.fromkeys(check_axes("rotations", self.rotations).upper())), num_qubits)


class RealAmplitudesAnsatz(HardwareEfficientAnsatz):
    r"""Prepare states with real amplitudes by Y rotations and CX gates.

    :class:`HardwareEfficientAnsatz` with the axis y and CX gates, which is Qiskit's ``real_amplitudes``. All angles
    have the period 2π.

    Counts:
        parameters: n * (reps + 1)
        two-qubit gates: reps * (n - 1)
        depth: reps + n + (reps - 1) * min(n - 1, 2)

    Args:
        reps: The number of entangling layers, at least 1.
        entanglement: The pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        final_rotations: Whether rotations follow the last entangling layer.

    References:
        Havlíček et al., arXiv:1804.11326, and Kandala et al., arXiv:1704.05018, for the gate pattern.

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz
        >>> RealAmplitudesAnsatz(reps=3).build(4).num_parameters
        16
    """

    name: ClassVar[str] = "real-amplitudes"
    reference: ClassVar[str] = "arXiv:1804.11326"
    symmetry = "real amplitudes"

    def __init__(self, *, reps: int = 2, entanglement: Entanglement = "reverse_linear", final_rotations: bool = True):
        self.reps = reps
        self.entanglement = entanglement
        self.final_rotations = final_rotations

    rotations = "y"
    entangler = "cx"


class BasicEntanglerAnsatz(Ansatz):
    r"""Alternate one rotation of every qubit and a ring of CX gates.

    U(θ) = Π_r [E · ⊗_q R_a(θ_{rq})] with E a ring of CX gates (q, q+1), a single one for two qubits; for one qubit and
    ``reps`` layers all rotations are about the same axis. All angles have the period 2π.

    Counts:
        parameters: n * reps
        two-qubit gates: reps * ring(n)
        depth: reps * (1 + ring(n))

    Args:
        rotation: The axis a, ``"x"``, ``"y"`` or ``"z"``.
        reps: The number of layers, at least 1.
        entanglement: The pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`. ``"ring"``, the default, is
            (0,1), (1,2), …, (n-1,0), which differs from ``"circular"`` in the place of the last gate.

    References:
        The layer of the same name in PennyLane (Bergholm et al., arXiv:1811.04968).

    Examples:
        >>> from qiskit_qml_ext.circuits import BasicEntanglerAnsatz
        >>> BasicEntanglerAnsatz(reps=2).build(3).count_ops()["cx"]
        6
    """

    name: ClassVar[str] = "basic-entangler"
    reference: ClassVar[str] = "arXiv:1811.04968"

    def __init__(self, rotation: str = "x", *, reps: int = 2, entanglement: Entanglement = "ring"):
        self.rotation = rotation
        self.reps = reps
        self.entanglement = entanglement

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits)
        return HardwareEfficientAnsatz(
            one_of("rotation", self.rotation, ("x", "y", "z")),
            reps=whole_number("reps", self.reps),
            entanglement=self._layout(num_qubits),
            final_rotations=False,
        ).build(num_qubits)

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: one for each qubit of each layer."""
        return num_qubits * self.reps

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of CX gates: one for each entangled pair of each layer."""
        return count_pairs(self._layout(num_qubits), num_qubits, self.reps)

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the Pauli of the axis on every qubit; see :meth:`Ansatz.generators`."""
        return single_paulis(self.rotation.upper(), num_qubits)

    def _layout(self, num_qubits: int) -> Entanglement:
        if isinstance(self.entanglement, str) and self.entanglement == "ring":
            return ring_pairs(num_qubits)
        return self.entanglement


class StronglyEntanglingAnsatz(Ansatz):
    r"""Alternate general single-qubit rotations and rings of CX gates of growing range.

    U(θ) = Π_r [E_r · ⊗_q R_z(θ_{rq3}) R_y(θ_{rq2}) R_z(θ_{rq1})], where E_r joins each qubit q to q + s_r modulo n by a
    CX gate with the range s_r = (r mod (n-1)) + 1. All angles have the period 2π.

    Counts:
        parameters: 3 * n * reps
        two-qubit gates: n * reps if n > 1 else 0
        depth: at most reps * (n + 3)

    Args:
        reps: The number of layers, at least 1.

    References:
        Schuld et al., arXiv:1804.00633.

    Examples:
        >>> from qiskit_qml_ext.circuits import StronglyEntanglingAnsatz
        >>> StronglyEntanglingAnsatz(reps=2).build(4).num_parameters
        24
    """

    name: ClassVar[str] = "strongly-entangling"
    reference: ClassVar[str] = "arXiv:1804.00633"

    def __init__(self, *, reps: int = 2):
        self.reps = reps

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits)
        return n_local(
            num_qubits,
            ["rz", "ry", "rz"],
            ["cx"] if num_qubits > 1 else [],
            entanglement=lambda layer: ring_pairs(num_qubits, step=layer % max(num_qubits - 1, 1) + 1, close_two=True),
            reps=whole_number("reps", self.reps),
            skip_final_rotation_layer=True,
            name="StronglyEntanglingAnsatz",
        )

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: three for each qubit of each layer."""
        return 3 * num_qubits * self.reps

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of CX gates: one for each qubit of each layer, none for a single qubit."""
        return num_qubits * self.reps if num_qubits > 1 else 0

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List Z and Y on every qubit; see :meth:`Ansatz.generators`."""
        return single_paulis("ZY", num_qubits)


def ring_pairs(num_qubits: int, *, step: int = 1, close_two: bool = False) -> list[tuple[int, int]]:
    """List the pairs (q, q + step modulo n) of a ring: none for one qubit, for two qubits one unless ``close_two``."""
    if num_qubits < 2:
        return []
    if num_qubits == 2 and not close_two:
        return [(0, 1)]
    return [(qubit, (qubit + step) % num_qubits) for qubit in range(num_qubits)]
