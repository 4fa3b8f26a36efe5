"""Which qubit each classical bit of a circuit reads at the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Clbit, ControlFlowOp, Measure, Operation
from qiskit.primitives import DataBin

from qiskit_qml_ext.arrays import ByteArray, UintArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program.unitary_part import definition_of, is_directive


@dataclass(frozen=True)
class RegisterReadout:
    """How one classical register is filled from an outcome.

    Attributes:
        name: The register's name.
        sources: For each bit of the register the bit of the outcome that it reads, or -1 for a bit that stays 0.
    """

    name: str
    sources: tuple[int, ...]

    def pack(self, outcomes: UintArray) -> ByteArray:
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

    Measurements are found by class, whatever instructions are called, also in the definitions of instructions.

    Raises:
        UnsupportedCircuitError: If a qubit is used after it was measured, or a register has a name that Qiskit's result
            container cannot hold.
    """
    check_register_names(circuit)
    measured: dict[int, int] = {}
    closed: set[int] = set()
    for operation, qubits, clbits in _flat(circuit, range(circuit.num_qubits), range(circuit.num_clbits)):
        if isinstance(operation, Measure):
            measured[clbits[0]] = qubits[0]
            closed.add(qubits[0])
        elif not is_directive(operation) and closed.intersection(qubits):
            raise UnsupportedCircuitError(
                f"Qubit {min(closed.intersection(qubits))} is used by {operation.name!r} after it was measured. Exact "
                "simulation cannot handle mid-circuit measurements; use connect('aer') for such circuits."
            )
    ordered = sorted(set(measured.values()))
    place = {qubit: index for index, qubit in enumerate(ordered)}
    registers = tuple(
        RegisterReadout(
            register.name,
            tuple(place[measured[index]] if index in measured else -1 for index in _indices(circuit, register)),
        )
        for register in circuit.cregs
    )
    return Readout(tuple(ordered), registers)


def has_measurements(circuit: QuantumCircuit) -> bool:
    """Tell whether a circuit measures, at its top or in the definition of an instruction."""
    return any(
        isinstance(operation, Measure)
        for operation, _, _ in _flat(circuit, range(circuit.num_qubits), range(circuit.num_clbits))
    )


def _flat(
    circuit: QuantumCircuit, qubits: Sequence[int], clbits: Sequence[int]
) -> Iterator[tuple[Operation, list[int], list[int]]]:
    """Yield operations with the numbers of their bits; instructions on classical bits are opened."""
    for instruction in circuit.data:
        operation = instruction.operation
        on_qubits = [qubits[circuit.find_bit(bit).index] for bit in instruction.qubits]
        on_clbits = [clbits[circuit.find_bit(bit).index] for bit in instruction.clbits]
        definition = None
        if on_clbits and not isinstance(operation, Measure | ControlFlowOp):
            definition = definition_of(operation)
        if definition is None:
            yield operation, on_qubits, on_clbits
        else:
            yield from _flat(definition, on_qubits, on_clbits)


def check_registers_of_counts(circuit: QuantumCircuit) -> None:
    """Refuse classical registers that are read wrongly out of counts of all bits, one register after the other.

    Raises:
        UnsupportedCircuitError: If two registers share a bit, or one has a name that results cannot hold.
    """
    check_register_names(circuit)
    owner: dict[Clbit, str] = {}
    for register in circuit.cregs:
        for bit in register:
            if bit in owner:
                raise UnsupportedCircuitError(
                    f"The classical registers {owner[bit]!r} and {register.name!r} share a bit. Only exact simulation "
                    "reads such registers right. Measure into registers without common bits, and copy the values "
                    "afterwards."
                )
            owner[bit] = register.name


def check_register_names(circuit: QuantumCircuit) -> None:
    """Refuse classical registers with names that Qiskit's results reserve for themselves.

    Raises:
        UnsupportedCircuitError: The message names the register.
    """
    for register in circuit.cregs:
        try:
            DataBin(**{register.name: np.zeros(())}, shape=())
        except (TypeError, ValueError) as error:
            raise UnsupportedCircuitError(
                f"A classical register is called {register.name!r}, a name that Qiskit's results (DataBin) "
                "reserve for themselves. Give the register another name."
            ) from error


def _indices(circuit: QuantumCircuit, register: ClassicalRegister) -> list[int]:
    return [circuit.find_bit(clbit).index for clbit in register]


def _byte(outcomes: UintArray, sources: tuple[int, ...]) -> ByteArray:
    """Return the byte whose bit i is the outcome's bit ``sources[i]``."""
    first = sources[0]
    if first >= 0 and sources == tuple(range(first, first + len(sources))):
        return ((outcomes >> np.uint64(first)) & np.uint64((1 << len(sources)) - 1)).astype(np.uint8)
    byte = np.zeros(outcomes.shape, dtype=np.uint8)
    for bit, source in enumerate(sources):
        if source >= 0:
            byte |= ((outcomes >> np.uint64(source)) & np.uint64(1)).astype(np.uint8) << np.uint8(bit)
    return byte
