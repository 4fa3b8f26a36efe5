"""The random circuits on which barren plateaus were found."""

import math
from typing import ClassVar

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.generators import distinct, single_paulis
from qiskit_qml_ext.circuits.template import Ansatz


class RandomPauliAnsatz(Ansatz):
    r"""Rotate every qubit about a random axis, then join neighbours by CZ gates, again and again.

    U(θ) = Π_r [Π_q CZ_{q,q+1} · ⊗_q R_{a_{rq}}(θ_{rq})] · ⊗_q R_y(π/4), with the axes a_{rq} drawn from {x, y, z} once,
    by the seed. The axes of a wider or deeper circuit are not those of the smaller one. All angles have the period 2π.

    Counts:
        parameters: n * reps
        two-qubit gates: reps * (n - 1)
        depth: reps + n + (reps - 1) * min(n - 1, 2)

    Args:
        reps: The number of layers, at least 1.
        seed: The seed of the axes.

    References:
        McClean et al., arXiv:1803.11173.

    Examples:
        >>> from qiskit_qml_ext.circuits import RandomPauliAnsatz
        >>> RandomPauliAnsatz(reps=5, seed=7).build(4).num_parameters
        20
    """

    name: ClassVar[str] = "random-pauli"
    reference: ClassVar[str] = "arXiv:1803.11173"

    def __init__(self, *, reps: int = 3, seed: int = 0):
        self.reps = reps
        self.seed = seed

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits)
        axes_of_layers = self._axes(num_qubits)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        circuit = QuantumCircuit(num_qubits, name="RandomPauliAnsatz")
        circuit.ry(math.pi / 4, range(num_qubits))
        for axes in axes_of_layers:
            for qubit, axis in enumerate(axes):
                getattr(circuit, f"r{axis}")(next(angles), qubit)
            for qubit in range(num_qubits - 1):
                circuit.cz(qubit, qubit + 1)
        return circuit

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: one for each qubit of each layer."""
        return num_qubits * self.reps

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of CZ gates: one for each neighbouring pair of each layer."""
        return self.reps * (num_qubits - 1)

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the Paulis of the axes that were drawn for each qubit; see :meth:`Ansatz.generators`."""
        return distinct(
            operator
            for axes in self._axes(num_qubits)
            for qubit, axis in enumerate(axes)
            for operator in single_paulis(axis.upper(), num_qubits, [qubit])
        )

    def _axes(self, num_qubits: int) -> list[str]:
        """Return the axes of each layer, one letter for each qubit."""
        rng = np.random.default_rng(self.seed)
        drawn = rng.choice(list("xyz"), size=(whole_number("reps", self.reps), num_qubits))
        return ["".join(row) for row in drawn]
