"""Which qubit each classical bit of a circuit reads at the end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qiskit_qml_ext.exceptions import UnsupportedCircuitError


@dataclass(frozen=True)
class RegisterReadout:
    """How one classical register is filled from an outcome.

    Attributes:
        name: The register's name.
        sources: For each bit of the register the bit of the outcome that it reads, or -1 for a bit that stays 0.
    """

    name: str
    sources: tuple[int, ...]

    def pack(self, outcomes: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Write outcomes as ``BitArray`` holds them: bytes with the last bits first, shape (..., bytes)."""
        num_bytes = -(-len(self.sources) // 8)
        packed = np.zeros((*outcomes.shape, num_bytes), dtype=np.uint8)
        for number in range(num_bytes):
            packed[..., num_bytes - 1 - number] = _byte(outcomes, self.sources[8 * number : 8 * number + 8])
        return packed


@dataclass(frozen=True)
class Readout:
    """The measurements at the end of a circuit.

    Attributes:
        qubits: The measured qubits in ascending order; bit j of an outcome belongs to ``qubits[j]``.
        registers: The classical registers in the circuit's order.
    """

    qubits: tuple[int, ...]
    registers: tuple[RegisterReadout, ...]


def final_readout(circuit: QuantumCircuit) -> Readout:
    """Find what the classical registers of a circuit hold after its final measurements.

    Raises:
        UnsupportedCircuitError: If a qubit is used after it was measured.
    """
    measured: dict[int, int] = {}
    closed: set[int] = set()
    for instruction in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        name = instruction.operation.name
        if name == "measure":
            measured[circuit.find_bit(instruction.clbits[0]).index] = qubits[0]
            closed.add(qubits[0])
        elif name not in ("barrier", "delay") and closed.intersection(qubits):
            raise UnsupportedCircuitError(
                f"Qubit {min(closed.intersection(qubits))} is used by {name!r} after it was measured. Exact simulation "
                "cannot handle mid-circuit measurements; use connect('aer') for such circuits."
            )
    ordered = sorted(set(measured.values()))
    place = {qubit: index for index, qubit in enumerate(ordered)}
    registers = tuple(
        RegisterReadout(
            register.name,
            tuple(place[measured[index]] if index in measured else -1 for index in map(_index_in(circuit), register)),
        )
        for register in circuit.cregs
    )
    return Readout(tuple(ordered), registers)


def _index_in(circuit: QuantumCircuit):  # type: ignore[no-untyped-def]
    return lambda clbit: circuit.find_bit(clbit).index


def _byte(outcomes: NDArray[np.uint64], sources: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the byte whose bit i is the outcome's bit ``sources[i]``."""
    first = sources[0]
    if first >= 0 and sources == tuple(range(first, first + len(sources))):
        return ((outcomes >> np.uint64(first)) & np.uint64((1 << len(sources)) - 1)).astype(np.uint8)
    byte = np.zeros(outcomes.shape, dtype=np.uint8)
    for bit, source in enumerate(sources):
        if source >= 0:
            byte |= ((outcomes >> np.uint64(source)) & np.uint64(1)).astype(np.uint8) << np.uint8(bit)
    return byte
