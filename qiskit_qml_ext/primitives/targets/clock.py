"""Delays on a device's clock: it can wait for whole multiples of a number of its time steps only."""

import math

from qiskit import QuantumCircuit
from qiskit.circuit import Delay, ParameterExpression
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.exceptions import UnsupportedCircuitError

_TOLERANCE = 0.01  # a delay may become longer or shorter by this fraction; reported relaxation times are less exact


def on_the_clock(circuit: QuantumCircuit, device: DeviceTarget) -> QuantumCircuit:
    """Return the circuit with its delays in whole multiples of the device's time steps.

    Args:
        circuit: The circuit; it is returned as it is if it has no delays or the device waits for any number of steps.
        device: The device.

    Raises:
        UnsupportedCircuitError: If a delay would change by more than 1 %.
    """
    step = math.lcm(device.pulse_alignment or 1, device.acquire_alignment or 1)
    if device.dt is None or step == 1 or not any(isinstance(item.operation, Delay) for item in circuit.data):
        return circuit
    clocked = circuit.copy_empty_like()
    for item in circuit.data:
        operation = item.operation
        if isinstance(operation, Delay) and not isinstance(operation.duration, ParameterExpression):
            clocked.append(_clocked(operation, device.dt, step), item.qubits)
        else:
            clocked.append(item)
    return clocked


def _clocked(delay: Delay, dt: float, step: int) -> Delay:
    if delay.unit not in ("dt", "s", "ms", "us", "ns", "ps"):
        return delay
    seconds = {"ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12}.get(delay.unit, 1.0)
    wanted = delay.duration if delay.unit == "dt" else delay.duration * seconds / dt
    steps = step * round(wanted / step)
    if abs(steps - wanted) > _TOLERANCE * wanted:
        below, above = step * math.floor(wanted / step), step * math.ceil(wanted / step)
        raise UnsupportedCircuitError(
            f"A delay of {delay.duration} {delay.unit} lasts {wanted:.6g} time steps of the device, which waits for "
            f"multiples of {step} steps only (dt = {dt:.4g} s). Write delay({below}, …, unit='dt') or "
            f"delay({above}, …, unit='dt')."
        )
    return Delay(steps)
