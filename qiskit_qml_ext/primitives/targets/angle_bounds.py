"""Gates that a device runs for some angles only: a free parameter may be any of the others.

IBM's fractional R_ZZ is calibrated for angles from 0 to π/2. A transpiler takes it for a free parameter too, and the
service refuses the job when it sees the values. So circuits with free parameters are transpiled without such gates.
"""

import math
from collections.abc import Collection, Mapping

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.targets.identity import is_free


def is_bounded(device: DeviceTarget, name: str) -> bool:
    """Tell whether a device runs a gate for some angles only."""
    return name in device.operation_names and bool(device.gate_has_angle_bounds(name))


def has_free_bounded_gates(circuit: QuantumCircuit, device: DeviceTarget) -> bool:
    """Tell whether a circuit has free parameters in gates that the device runs for some angles only."""
    for item in circuit.data:
        operation = item.operation
        if isinstance(operation, ControlFlowOp):
            if any(has_free_bounded_gates(block, device) for block in operation.blocks):
                return True
        elif is_free(operation) and is_bounded(device, operation.name):
            return True
    return False


def for_any_angle(device: DeviceTarget) -> DeviceTarget:
    """Return the device without the gates that it runs for some angles only; the device itself if it has none."""
    bounded = {name for name in device.operation_names if is_bounded(device, name)}
    return _rebuilt(device, without=bounded) if bounded else device


def with_bounds_of_rzz(device: DeviceTarget) -> DeviceTarget:
    """Return an IBM device that says for which angles it runs R_ZZ; the device itself if it does or has no R_ZZ.

    The Runtime client before 0.48 does not say it, though the devices are the same.
    """
    if "rzz" not in device.operation_names or is_bounded(device, "rzz"):
        return device
    return _rebuilt(device, bounds={"rzz": [(0.0, math.pi / 2)]})


def _rebuilt(
    device: DeviceTarget,
    *,
    without: Collection[str] = (),
    bounds: Mapping[str, list[tuple[float, float]]] | None = None,
) -> DeviceTarget:
    """Return a copy of a device without some of its gates, or with angle bounds of others."""
    copy = DeviceTarget(
        num_qubits=device.num_qubits,
        dt=device.dt,
        granularity=device.granularity,
        min_length=device.min_length,
        pulse_alignment=device.pulse_alignment,
        acquire_alignment=device.acquire_alignment,
        qubit_properties=device.qubit_properties,
        concurrent_measurements=device.concurrent_measurements,
    )
    for name in device.operation_names:
        if name not in without:
            operation = device.operation_from_name(name)
            properties = None if isinstance(operation, type) else device[name]  # control flow stands there as a class
            copy.add_instruction(operation, properties, name=name, angle_bounds=(bounds or {}).get(name))
    return copy
