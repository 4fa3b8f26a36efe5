"""What a connection needs to know of the thing that runs its circuits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from qiskit import QuantumCircuit
from qiskit.circuit import Barrier
from qiskit.circuit.library import RZGate
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2

import qiskit_qml_ext.primitives.forks  # noqa: F401  (says what a forked child may do)
from qiskit_qml_ext.arrays import UintArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives.estimates import error_free_fraction
from qiskit_qml_ext.primitives.measurement import check_registers_of_counts
from qiskit_qml_ext.primitives.targets.angle_bounds import has_free_bounded_gates
from qiskit_qml_ext.primitives.targets.clock import on_the_clock
from qiskit_qml_ext.primitives.targets.identity import is_mistakable, with_definitions_of_mistakable
from qiskit_qml_ext.program import runnable
from qiskit_qml_ext.program.nesting import nesting_refused

if TYPE_CHECKING:
    from qiskit.transpiler import Target as DeviceTarget


class Target(Protocol):
    """Something that runs circuits. A new kind of target is a new file in this folder with these members.

    Attributes:
        name: The name under which reports show the target.
        num_qubits: The number of qubits, ``None`` where only memory is the limit.
        default_shots: The shots used when none are asked for; ``None`` means exact results.
        max_executions_per_job: The largest number of circuits times shots that one job may hold.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def num_qubits(self) -> int | None: ...  # noqa: D102

    @property
    def default_shots(self) -> int | None: ...  # noqa: D102

    @property
    def max_executions_per_job(self) -> int: ...  # noqa: D102

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return a sampler with these default shots, reproducible for a seed where the target can be."""

    def sampler_of_rows(self, circuit: QuantumCircuit, seeds: UintArray) -> BaseSamplerV2 | None:
        """Return a sampler for one PUB that seeds each row of values by itself; ``None`` if a job has only one seed."""

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return an estimator whose precision corresponds to ``shots``; exact for ``None`` where the target can be."""

    def transpile(self, circuit: QuantumCircuit, optimization_level: int, seed: int | None) -> QuantumCircuit | None:
        """Return the circuit in the target's own gates, or ``None`` if any circuit will do as it is."""

    def close(self) -> None:
        """Give back what the target holds (an open session)."""


def isa_circuit(
    circuit: QuantumCircuit, target: Target, level: int, seed: int | None, trials: int = 1
) -> QuantumCircuit:
    """Return the circuit in the target's own gates and without a global phase; the argument is not changed.

    Gates of the user's that are called like others come as their definitions (see :mod:`identity`).

    Args:
        circuit: The circuit; one that is in the device's own gates already is returned as it is.
        target: The target.
        level: The transpiler's optimization level.
        seed: The transpiler's seed.
        trials: How many seeds to try; the circuit with the least errors by the device's reports is taken.
    """
    if any(hasattr(target, holder) for holder in ("backend", "simulator")):  # others read registers bit by bit
        check_registers_of_counts(circuit)
    device = device_of(target)
    if device is not None and is_isa(circuit, device):
        return circuit
    plain = with_definitions_of_mistakable(circuit if target.name == "exact" else runnable(circuit), device)
    # Without a seed of the user's several trials are still the same in every process.
    seeds = [seed] if trials == 1 or device is None else [(seed or 0) + trial for trial in range(trials)]
    tries = []
    for one in seeds:
        with refused_by(target.name, plain):
            isa = target.transpile(plain, level, one)
        if isa is None:
            return circuit if target.name == "exact" else plain
        isa.global_phase = 0
        tries.append(isa)
    if len(tries) == 1:
        return tries[0]
    return max(tries, key=lambda isa: (error_free_fraction(isa, device) or 0.0, -isa.depth()))


def isa_in_place(circuit: QuantumCircuit, target: Target, level: int, seed: int | None) -> QuantumCircuit:
    """Return the circuit in the target's own gates on the qubits that it stands on, for circuits placed by the user.

    Args:
        circuit: A circuit on the device's qubits whose gates act on coupled qubits only.
        target: A target with a device, see :func:`device_of`.
        level: The transpiler's optimization level.
        seed: The transpiler's seed.
    """
    from qiskit.transpiler import generate_preset_pass_manager

    holder: Any = getattr(target, "backend", getattr(target, "simulator", None))
    manager = generate_preset_pass_manager(level, backend=holder, seed_transpiler=seed)
    manager.layout = manager.routing = None
    with refused_by(target.name, circuit):
        isa: QuantumCircuit = manager.run(on_the_clock(phase_gates_as_rotations(circuit), holder.target))
    isa.global_phase = 0
    return isa


@contextmanager
def refused_by(target: str, circuit: QuantumCircuit) -> Iterator[None]:
    """Turn a transpiler's errors into one that names the target, the instructions and what to do."""
    from qiskit.transpiler.exceptions import TranspilerError

    try:
        with nesting_refused():
            yield
    except TranspilerError as error:
        names = dict.fromkeys(item.operation.name for item in circuit.data if not item.is_standard_gate())
        raise UnsupportedCircuitError(
            f"{target} cannot run the circuit: {error.message.rstrip('.')}. Besides Qiskit's standard gates it has: "
            f"{', '.join(name for name in names if name not in ('barrier', 'measure')) or 'nothing'}. Leave out what "
            "the target lacks, write it in standard gates (circuit.decompose()), and give all delays in dt."
        ) from error


def device_of(target: Target) -> "DeviceTarget | None":
    """Return what a target says of its qubits and gates; ``None`` where qubits have no places."""
    device = getattr(target, "device", None)
    if device is None:
        device = getattr(getattr(target, "backend", None), "target", None)
    if device is None:  # a simulator of a device has the device's places
        device = getattr(getattr(target, "simulator", None), "target", None)
        if device is None or device.build_coupling_map() is None:
            return None
    return device


def is_isa(circuit: QuantumCircuit, device: "DeviceTarget") -> bool:
    """Tell whether a circuit acts on a device's qubits with nothing but the device's instructions."""
    if circuit.num_qubits != device.num_qubits or has_free_bounded_gates(circuit, device):
        return False
    return all(
        isinstance(item.operation, Barrier)
        or (
            not is_mistakable(item.operation, device)
            and device.instruction_supported(
                item.operation.name, tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
            )
        )
        for item in circuit.data
    )


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


def precision_of(shots: int | None) -> float:
    """Return the standard error of a ±1 observable for a number of shots; 0 for exact results."""
    return 0.0 if shots is None else float(shots) ** -0.5
