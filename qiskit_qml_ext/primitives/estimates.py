"""What a transpiled circuit will be like on a device, from what the device reports of itself."""

import math
from typing import Any

from qiskit import QuantumCircuit
from qiskit.transpiler import Target

DEFAULT_REP_DELAY = 250e-6
"""Seconds between two shots on IBM's processors unless they say otherwise."""


def error_free_fraction(circuit: QuantumCircuit, target: Target) -> float | None:
    """Estimate the fraction of shots without any gate or readout error, the product of all (1 - error).

    Args:
        circuit: A circuit in the target's own gates.
        target: The device with its reported errors.

    Returns:
        The fraction, or ``None`` if no errors are known.
    """
    log_fraction, known = 0.0, False
    for instruction in circuit.data:
        name = instruction.operation.name
        if name not in target.operation_names:
            continue
        qubits = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        properties: Any = target[name]
        error = getattr((properties or {}).get(qubits), "error", None)
        if error is not None:
            known = True
            log_fraction += math.log1p(-min(error, 1 - 1e-12))
    return math.exp(log_fraction) if known else None


def two_qubit_gates(circuit: QuantumCircuit) -> int:
    """Count the gates on two or more qubits."""
    return sum(len(item.qubits) > 1 and item.operation.name not in ("barrier", "measure") for item in circuit.data)


def seconds_per_shot(circuit: QuantumCircuit, backend: Any) -> float | None:
    """Return the circuit's duration plus the delay between shots, in seconds.

    Args:
        circuit: A circuit in the backend's own gates.
        backend: The device.

    Returns:
        The time, or ``None`` if the device reports no durations.
    """
    from qiskit.exceptions import QiskitError

    try:
        duration = float(circuit.estimate_duration(backend.target, unit="s"))
    except (QiskitError, AttributeError, TypeError, ValueError):
        return None
    return duration + _rep_delay(backend)


def _rep_delay(backend: Any) -> float:
    delay = getattr(backend, "default_rep_delay", None)
    if not isinstance(delay, (int, float)) or delay <= 0:
        return DEFAULT_REP_DELAY
    return float(delay) if delay < 0.1 else float(delay) * 1e-6  # older devices report microseconds
