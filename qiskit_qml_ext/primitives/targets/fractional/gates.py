"""Which devices have fractional gates, and a device with or without them."""

import copy
import math
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp, Parameter
from qiskit.circuit.library import RXGate, RZZGate
from qiskit.providers import BackendV2
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.targets.angle_bounds import is_folded
from qiskit_qml_ext.primitives.targets.elements import rebuilt

FRACTIONAL_GATES = ("rx", "rzz")
"""The names of IBM's fractional gates."""

_FAMILIES = ("Heron",)  # https://quantum.cloud.ibm.com/docs/guides/fractional-gates
_COPIED_FROM = {"rx": ("x", RXGate), "rzz": ("cz", RZZGate)}


def has_fractional_gates(device: DeviceTarget) -> bool:
    """Tell whether a device has fractional gates: R_ZZ within bounds, R_X of any angle."""
    return is_folded(device, "rzz")


def uses_fractional_gates(circuit: QuantumCircuit) -> bool:
    """Tell whether a circuit has fractional gates, also within control flow."""
    return any(
        any(map(uses_fractional_gates, item.operation.blocks))
        if isinstance(item.operation, ControlFlowOp)
        else item.operation.name in FRACTIONAL_GATES
        for item in circuit.data
    )


def without_fractional_gates(device: DeviceTarget) -> DeviceTarget:
    """Return a device without its fractional gates; itself if it has none."""
    return rebuilt(device, lambda name, _: name not in FRACTIONAL_GATES) if has_fractional_gates(device) else device


def fake_with_fractional_gates(fake: BackendV2) -> BackendV2:
    """Return a fake of a Heron processor that has fractional gates, as the processor has when it is asked for them.

    The snapshots that fakes are made of were taken without. What a real device reports for its fractional gates are
    copies of the errors and durations of X and CZ, so these are copied here. A fake that has fractional gates, or whose
    processor has none, is returned as it is.

    Args:
        fake: A fake backend of the Runtime client; it is not changed.
    """
    device = fake.target
    family = (getattr(fake, "processor_type", None) or {}).get("family")
    if family not in _FAMILIES or "rzz" in device.operation_names:
        return fake
    angle = Parameter("theta")
    fractional = rebuilt(device)
    for name, (ordinary, gate) in _COPIED_FROM.items():
        bounds = [(0.0, math.pi / 2)] if name == "rzz" else None
        fractional.add_instruction(gate(angle), dict(device[ordinary]), name=name, angle_bounds=bounds)
    equipped: Any = copy.copy(fake)
    equipped._target = fractional
    return equipped
