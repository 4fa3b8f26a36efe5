"""Angles that a device's gates do not take, found before anything runs.

Devices with fractional gates run RZZ(θ) for 0 ≤ θ ≤ π/2 only. The transpiler folds a fixed angle into that range, but
not one that is still free; whether it stays inside shows only when values are bound. Qiskit's targets state the range of
each gate's angles (``Target.supported_angle_bound``), so a device and its fake are held to the same rule.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterExpression
from qiskit.transpiler import Target

from qiskit_qml_ext.program.expressions import ExpressionCompiler

_RZZ_RANGE = (0.0, math.pi / 2)  # of IBM's devices whose target does not state it


@dataclass(frozen=True)
class AngleOutside:
    """An angle that a gate does not take.

    Attributes:
        gate: The gate's name.
        qubits: The device's qubits.
        angle: The angle in radians.
        row: The row of the values from which it follows.
    """

    gate: str
    qubits: tuple[int, ...]
    angle: float
    row: int

    def __str__(self) -> str:
        return (
            f"{self.gate} on qubits {', '.join(map(str, self.qubits))} gets the angle {self.angle:.6g} from row "
            f"{self.row} of the values, which is outside of what the device runs ({_range_in_words(self.gate)})"
        )


def angle_outside(
    isa: QuantumCircuit, device: Target, parameters: Sequence[Parameter], values: NDArray[np.float64]
) -> AngleOutside | None:
    """Return the first angle that the device does not take, ``None`` if it takes all.

    Args:
        isa: A circuit in the device's own gates.
        device: The device.
        parameters: The circuit's parameters in the order of the columns.
        values: Shape (rows, parameters).
    """
    limited = list(_limited_gates(isa, device))
    if not limited or not len(values):
        return None
    compiler = ExpressionCompiler(parameters)
    angles = compiler.angle_map([compiler.form(angle) for _, _, angle in limited]).evaluate(values)
    for column, (name, qubits, _) in enumerate(limited):
        # A range has no holes, so its smallest and largest angle stand for all between them.
        for row in (int(np.argmin(angles[:, column])), int(np.argmax(angles[:, column]))):
            angle = float(angles[row, column])
            if not _is_supported(device, name, angle):
                return AngleOutside(name, qubits, angle, row)
    return None


def advice_on(outside: AngleOutside) -> str:
    """Say what to do about an angle outside a gate's range."""
    return (
        f"{outside}. Connect to the backend without fractional gates, for example "
        "service.backend(name, use_fractional_gates=False), or scale the data so that all angles stay inside."
    )


def _limited_gates(
    isa: QuantumCircuit, device: Target
) -> Iterator[tuple[str, tuple[int, ...], float | ParameterExpression]]:
    for item in isa.data:
        if len(item.params) == 1 and _has_limits(device, item.operation.name):
            yield item.operation.name, tuple(isa.find_bit(qubit).index for qubit in item.qubits), item.params[0]


def _has_limits(device: Target, name: str) -> bool:
    if name not in device.operation_names:
        return False
    stated: Any = getattr(device, "gate_has_angle_bounds", None)
    return name == "rzz" if stated is None else bool(stated(name))
