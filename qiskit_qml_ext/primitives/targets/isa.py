"""Circuits in a target's own gates (its instruction set architecture, ISA)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from qiskit import QuantumCircuit
from qiskit.circuit import Barrier, ControlFlowOp
from qiskit.circuit.library import RZGate
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives.measurement import check_registers_of_counts
from qiskit_qml_ext.primitives.targets.angle_bounds import has_free_bounded_gates
from qiskit_qml_ext.primitives.targets.clock import on_the_clock
from qiskit_qml_ext.primitives.targets.fractional import predicted_signal
from qiskit_qml_ext.primitives.targets.identity import is_mistakable, with_definitions_of_mistakable
from qiskit_qml_ext.primitives.targets.target import Target
from qiskit_qml_ext.primitives.targets.transpiling import pass_manager_in_place
from qiskit_qml_ext.program import runnable
from qiskit_qml_ext.program.nesting import nesting_refused


def isa_circuit(
    circuit: QuantumCircuit, target: Target, optimization_level: int, seed: int | None, transpile_trials: int = 1
) -> QuantumCircuit:
    """Return the circuit in the target's own gates and without a global phase; the argument is not changed.

    Gates of the user's that are called like others come as their definitions (see :mod:`identity`).

    Args:
        circuit: The circuit; one that is in the device's own gates already is returned as it is.
        target: The target.
        optimization_level: The transpiler's optimization level.
        seed: The transpiler's seed.
        transpile_trials: How many seeds to try; the circuit with the least errors by the device's reports is taken.
    """
    if target.backend is not None:  # others read registers bit by bit
        check_registers_of_counts(circuit)
    device = target.device
    if device is not None and is_isa(circuit, device):
        return circuit
    plain = with_definitions_of_mistakable(circuit if target.is_exact else runnable(circuit), device)
    # Without a seed of the user's several trials are still the same in every process.
    seeds = (
        [seed]
        if transpile_trials == 1 or device is None
        else [(seed or 0) + trial for trial in range(transpile_trials)]
    )
    tries = []
    for one in seeds:
        with refused_by(target.name, plain):
            isa = target.transpile(plain, optimization_level, one)
        if isa is None:
            return circuit if target.is_exact else plain
        isa.global_phase = 0
        tries.append(isa)
    return best_of(tries, device)


def best_of(tries: Sequence[QuantumCircuit], device: DeviceTarget | None) -> QuantumCircuit:
    """Return the circuit with the least errors by the device's reports; of equal ones the shallowest.

    Args:
        tries: Circuits in the device's own gates that do the same.
        device: The device; ``None`` where there is one circuit only.
    """
    if len(tries) == 1 or device is None:
        return tries[0]
    return max(tries, key=lambda isa: (predicted_signal(isa, device), -isa.depth()))


def isa_in_place(circuit: QuantumCircuit, target: Target, level: int, seed: int | None) -> QuantumCircuit:
    """Return the circuit in the target's own gates on the qubits that it stands on, for circuits placed by the user.

    Args:
        circuit: A circuit on the device's qubits whose gates act on coupled qubits only.
        target: A target with a backend.
        level: The transpiler's optimization level.
        seed: The transpiler's seed.

    Raises:
        ValueError: If the target has no backend, so that its qubits have no places.
    """
    if target.backend is None:
        raise ValueError(f"Qubits of the target {target.name} have no places that they could keep.")
    tries = []
    for device in target.gate_sets(circuit):
        manager = pass_manager_in_place(device, level, seed, backend=target.backend)
        with refused_by(target.name, circuit):
            tries.append(manager.run(on_the_clock(phase_gates_as_rotations(circuit), device)))
        tries[-1].global_phase = 0
    return best_of(tries, target.device)


@contextmanager
def refused_by(target: str, circuit: QuantumCircuit) -> Iterator[None]:
    """Turn a transpiler's errors into one that names the target, the instructions and what to do."""
    from qiskit.transpiler.exceptions import TranspilerError

    try:
        with nesting_refused():
            yield
    except TranspilerError as error:
        names = dict.fromkeys(item.operation.name for item in circuit.data if not item.is_standard_gate())
        own = ", ".join(name for name in names if name not in ("barrier", "measure")) or "nothing"
        raise UnsupportedCircuitError(
            f"{target} cannot run the circuit: {error.message.rstrip('.')}. Besides Qiskit's standard gates the "
            f"circuit has: {own}. Leave out what the target lacks, write it in standard gates (circuit.decompose()), "
            "and give all delays in dt."
        ) from error


def is_isa(circuit: QuantumCircuit, device: DeviceTarget) -> bool:
    """Tell whether a circuit acts on a device's qubits with nothing but the device's instructions."""
    if circuit.num_qubits != device.num_qubits or has_free_bounded_gates(circuit, device):
        return False
    return _has_own_instructions(circuit, device, range(circuit.num_qubits))


def _has_own_instructions(circuit: QuantumCircuit, device: DeviceTarget, places: Sequence[int]) -> bool:
    """Tell whether a circuit, and all blocks of its control flow, have nothing but a device's instructions.

    Args:
        circuit: The circuit.
        device: The device.
        places: The device's qubits on which those of the circuit stand.
    """
    for item in circuit.data:
        operation = item.operation
        qubits = tuple(places[circuit.find_bit(qubit).index] for qubit in item.qubits)
        if isinstance(operation, Barrier):
            continue
        if is_mistakable(operation, device) or not device.instruction_supported(operation.name, qubits):
            return False
        if isinstance(operation, ControlFlowOp) and not all(
            _has_own_instructions(block, device, qubits) for block in operation.blocks
        ):
            return False
    return True


def phase_gates_as_rotations(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a copy, equal up to a global phase, with R_Z gates instead of phase gates.

    Nothing that is measured depends on the global phase, but the transpiler collects it as one expression in all
    parameters, which takes minutes to add up and seconds to bind already for five qubits of a ZZ feature map. So phase
    gates P(θ) = e^{iθ/2} R_Z(θ), where it comes from, are given to the transpiler as R_Z(θ).
    """
    rotations = circuit.copy_empty_like()
    for item in circuit.data:
        operation = RZGate(item.params[0]) if item.is_standard_gate() and item.name in ("p", "u1") else item.operation
        rotations.append(operation, item.qubits, item.clbits)
    rotations.global_phase = 0
    return rotations
