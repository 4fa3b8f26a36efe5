"""The groups of qubits of an encoding circuit that never interact.

Such a circuit is a product, and so is its kernel: each group is simulated alone. Encodings without entanglement
therefore work for any number of features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.primitives.approximation import used_qubits
from qiskit_qml_ext.program import RotationProgram, lower


@dataclass(frozen=True, eq=False)
class Factor:
    """A group of interacting qubits of an encoding circuit."""

    program: RotationProgram
    """The group's circuit, lowered."""
    columns: IndexArray | None
    """The features that it encodes, ascending; ``None`` where it encodes all of them."""
    qubits: tuple[int, ...]
    """Its qubits in the circuit that was split, ascending: qubit j of the program is ``qubits[j]``."""

    def select(self, samples: FloatArray) -> FloatArray:
        """Return the columns of the samples that the group encodes."""
        return samples if self.columns is None else samples[:, self.columns]


def independent_factors(circuit: QuantumCircuit) -> list[Factor]:
    """Split a unitary circuit into factors that share no instruction.

    The common global phase and qubits on which nothing acts are left out: they change no fidelity.

    Args:
        circuit: A circuit from :func:`~qiskit_qml_ext.program.unitary_part.unitary_part`.
    """
    groups = _interacting_qubits(circuit)
    if len(groups) == 1 and len(groups[0]) == circuit.num_qubits:
        return [Factor(lower(circuit), None, tuple(groups[0]))]
    place = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    return [
        Factor(lower(part), np.array([place[parameter] for parameter in part.parameters], dtype=np.intp), tuple(group))
        for group, part in ((group, _part_on(circuit, group)) for group in groups)
    ]


def _part_on(circuit: QuantumCircuit, qubits: Sequence[int]) -> QuantumCircuit:
    """Return what acts on some qubits; no instruction may act on some of them and on others too."""
    part = QuantumCircuit(len(qubits))
    new_index = {circuit.qubits[qubit]: index for index, qubit in enumerate(qubits)}
    for item in circuit.data:
        if item.qubits and item.qubits[0] in new_index:
            part.append(item.operation, [new_index[qubit] for qubit in item.qubits])
    return part


def _interacting_qubits(circuit: QuantumCircuit) -> list[list[int]]:
    """List the groups of used qubits that instructions join, directly or through others."""
    group_of = {qubit: {qubit} for qubit in used_qubits(circuit)}
    for item in circuit.data:
        if len(item.qubits) < 2:
            continue
        joined = set().union(*(group_of[circuit.find_bit(qubit).index] for qubit in item.qubits))
        for qubit in joined:
            group_of[qubit] = joined
    return sorted({min(group): sorted(group) for group in group_of.values()}.values())
