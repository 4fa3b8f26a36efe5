"""A circuit under controls, exact with its global phase."""

from collections.abc import Sequence

from qiskit import QuantumCircuit
from qiskit.circuit.library import PhaseGate


def controlled(circuit: QuantumCircuit, values: Sequence[bool]) -> QuantumCircuit:
    """Return a circuit that runs another one where all controls have their values.

    Each gate is controlled by itself, so that known gates stay known (RX becomes CRX), and the global phase becomes a
    phase of the controls.

    Args:
        circuit: Gates only.
        values: The value of each control.

    Returns:
        A circuit whose first ``len(values)`` qubits are the controls.
    """
    num_controls = len(values)
    result = QuantumCircuit(num_controls + circuit.num_qubits)
    controls, targets = result.qubits[:num_controls], result.qubits[num_controls:]
    zeros = [control for control, value in zip(controls, values, strict=True) if not value]
    for control in zeros:
        result.x(control)
    if not _is_zero(circuit.global_phase):
        phase = PhaseGate(circuit.global_phase)
        result.append(phase.control(num_controls - 1, annotated=False) if num_controls > 1 else phase, controls)
    for instruction in circuit.data:
        places = [targets[circuit.find_bit(qubit).index] for qubit in instruction.qubits]
        result.append(instruction.operation.control(num_controls, annotated=False), [*controls, *places])
    for control in zeros:
        result.x(control)
    return result


def _is_zero(phase: object) -> bool:
    return isinstance(phase, (int, float)) and phase == 0
