"""The elements of a device, gates on places: a device without some of them, and without those that do not work.

Calibrations that failed are reported as errors of 1, and qubits out of order have no gates at all. The transpiler takes
both all the same where its first guess of a layout, qubits 0, 1, 2, …, lies on them.
"""

import math
from collections.abc import Callable, Collection
from typing import Any

from qiskit.transpiler import Target as DeviceTarget

_FAILED = 1 - 1e-9  # the reported error of what does not work at all; rounding lies far below
_BOUNDS = {"rzz": (0.0, math.pi / 2)}  # of IBM's fractional gates; a device does not tell those that it has

Qubits = tuple[int, ...]


def rebuilt(
    device: DeviceTarget,
    keep: Callable[[str, Qubits], bool] = lambda name, qubits: True,
    *,
    bound: Collection[str] = (),
) -> DeviceTarget:
    """Return a copy of a device without some of its elements.

    Args:
        device: The device.
        keep: Tells of a gate's name and its qubits whether the copy has it; the qubits of a gate that is the same
            everywhere are ``()``.
        bound: Gates whose angles are bounded in the copy although the device does not say so.
    """
    copy = empty_copy(device)
    for name in device.operation_names:
        operation: Any = device.operation_from_name(name)
        properties: Any = None if isinstance(operation, type) else device[name]  # control flow stands there as a class
        kept = properties
        if properties is not None and None not in properties:
            kept = {qubits: value for qubits, value in properties.items() if keep(name, qubits)}
        elif not keep(name, ()):
            continue
        if kept or not properties:
            is_bounded = name in bound or device.gate_has_angle_bounds(name)
            copy.add_instruction(operation, kept, name=name, angle_bounds=[_BOUNDS[name]] if is_bounded else None)
    return copy


def empty_copy(device: DeviceTarget) -> DeviceTarget:
    """Return a device of the same qubits without any gates."""
    return DeviceTarget(
        num_qubits=device.num_qubits,
        dt=device.dt,
        granularity=device.granularity,
        min_length=device.min_length,
        pulse_alignment=device.pulse_alignment,
        acquire_alignment=device.acquire_alignment,
        qubit_properties=device.qubit_properties,
        concurrent_measurements=device.concurrent_measurements,
    )


def failed_qubits(device: DeviceTarget) -> frozenset[int]:
    """Return the qubits on which a gate or the measurement has a reported error of 1, or that have none at all."""
    failed, present = set[int](), set[int]()
    for name, qubits, error in _reported(device):
        present.update(qubits if name != "delay" else ())
        if len(qubits) == 1 and error >= _FAILED:
            failed.update(qubits)
    everywhere = range(device.num_qubits or 0)
    return frozenset(failed.union(qubit for qubit in everywhere if present and qubit not in present))


def working(device: DeviceTarget) -> DeviceTarget:
    """Return the device without gates whose reported error is 1, and without all gates on qubits that failed.

    The device itself comes back if all of it works, or if it bounds angles in ways that a copy could not.
    """
    if not has_known_bounds(device):
        return device
    failed = failed_qubits(device)
    bad = {(name, qubits) for name, qubits, error in _reported(device) if error >= _FAILED or failed & set(qubits)}
    return rebuilt(device, lambda name, qubits: (name, qubits) not in bad) if bad else device


def has_known_bounds(device: DeviceTarget) -> bool:
    """Tell whether a copy of a device can have the device's bounds of angles."""
    bounded = [name for name in device.operation_names if device.gate_has_angle_bounds(name)]
    return all(
        name in _BOUNDS and all(device.supported_angle_bound(name, [angle]) for angle in _BOUNDS[name])
        for name in bounded
    )


def _reported(device: DeviceTarget) -> list[tuple[str, Qubits, float]]:
    """Return every gate on every place with its reported error, 0 where none is reported."""
    entries: list[tuple[str, Qubits, float]] = []
    for name in device.operation_names:
        properties: Any = None if isinstance(device.operation_from_name(name), type) else device[name]
        for qubits, value in (properties or {}).items():
            if qubits is not None:
                entries.append((name, qubits, getattr(value, "error", None) or 0.0))
    return entries
