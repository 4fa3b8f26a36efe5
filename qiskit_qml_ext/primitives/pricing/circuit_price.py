"""What a circuit takes on a device, from what the device reports of itself: the one source of all prices."""

import math
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Barrier, Measure
from qiskit.transpiler import Target as DeviceTarget

DEFAULT_REP_DELAY = 250e-6
"""Seconds between two shots on IBM's processors unless they say otherwise."""

SHOTS_PER_SECOND = round(1 / DEFAULT_REP_DELAY)
"""Shots that a superconducting device runs in a second at its default rate; queues are not counted."""


@dataclass(frozen=True)
class CircuitPrice:
    """What a circuit takes on a target, in whose own gates it is."""

    target: str
    """The name of the target."""
    num_qubits: int
    """How many qubits it acts on."""
    depth: int
    """Its depth, measurements included."""
    two_qubit_gates: int
    """The number of gates on two or more qubits."""
    seconds_per_shot: float | None
    """Its duration and the delay until the next shot, in seconds; None where no durations are known."""
    error_free: float | None
    """The estimated fraction of shots without any gate or readout error: the product of (1 - error) over all gates and
    measurements, from the errors that the device reported. None where no errors are known."""


def price_of(
    circuit: QuantumCircuit, *, target: str, device: DeviceTarget | None, rep_delay: float = DEFAULT_REP_DELAY
) -> CircuitPrice:
    """Return what a circuit takes.

    Args:
        circuit: A circuit in the target's own gates.
        target: The target's name.
        device: The device with what it reports of its gates; ``None`` where qubits have no places.
        rep_delay: The time in seconds between two shots.
    """
    return CircuitPrice(
        target=target,
        num_qubits=num_used_qubits(circuit),
        depth=circuit.depth(),
        two_qubit_gates=two_qubit_gates(circuit),
        seconds_per_shot=None if device is None else seconds_per_shot(circuit, device, rep_delay),
        error_free=None if device is None else error_free_fraction(circuit, device),
    )


def num_used_qubits(circuit: QuantumCircuit) -> int:
    """Count the qubits on which anything but a barrier acts."""
    return len({qubit for item in circuit.data if not isinstance(item.operation, Barrier) for qubit in item.qubits})


def two_qubit_gates(circuit: QuantumCircuit) -> int:
    """Count the gates on two or more qubits."""
    return sum(len(item.qubits) > 1 and not isinstance(item.operation, (Barrier, Measure)) for item in circuit.data)


def seconds_per_shot(circuit: QuantumCircuit, device: DeviceTarget, rep_delay: float) -> float | None:
    """Return the circuit's duration plus the delay between shots, in seconds; ``None`` if no durations are reported."""
    from qiskit.exceptions import QiskitError

    try:
        return float(circuit.estimate_duration(device, unit="s")) + rep_delay
    except (QiskitError, AttributeError, TypeError, ValueError):
        return None


def error_free_fraction(circuit: QuantumCircuit, device: DeviceTarget) -> float | None:
    """Estimate the fraction of shots without any gate or readout error, the product of all (1 - error).

    Args:
        circuit: A circuit in the target's own gates.
        device: The device with its reported errors.

    Returns:
        The fraction, or ``None`` if no errors are known.
    """
    log_fraction, known = 0.0, False
    for item in circuit.data:
        name = item.operation.name
        if name not in device.operation_names:
            continue
        qubits = tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
        properties: Any = device[name]
        error = getattr((properties or {}).get(qubits), "error", None)
        if error is not None:
            known = True
            log_fraction += math.log1p(-min(error, 1 - 1e-12))
    return math.exp(log_fraction) if known else None
