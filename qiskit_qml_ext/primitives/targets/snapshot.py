"""What a device says of itself as JSON values, and a device made of them again: gates, couplings, errors, durations."""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from qiskit.circuit import Gate, Instruction, Parameter
from qiskit.circuit.controlflow import (
    BreakLoopOp,
    ContinueLoopOp,
    ForLoopOp,
    IfElseOp,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import InstructionProperties, QubitProperties
from qiskit.transpiler import Target as DeviceTarget

_NUMBERS = ("num_qubits", "dt", "granularity", "min_length", "pulse_alignment", "acquire_alignment")
_OF_QUBITS = ("t1", "t2", "frequency")
_CONTROL_FLOW: Mapping[str, type] = {
    "if_else": IfElseOp,
    "while_loop": WhileLoopOp,
    "for_loop": ForLoopOp,
    "switch_case": SwitchCaseOp,
    "break": BreakLoopOp,
    "break_loop": BreakLoopOp,
    "continue": ContinueLoopOp,
    "continue_loop": ContinueLoopOp,
}


def snapshot_of(device: DeviceTarget) -> dict[str, Any]:
    """Return what a device says of itself.

    Returns:
        Its numbers (durations in seconds, ``dt`` the length of a sample), ``qubits`` with T1 and T2 in seconds and
        frequencies in hertz, and for each of its ``instructions`` on which qubits it acts (``None``: on any), with
        which error and for how long.
    """
    qubits = device.qubit_properties
    return {
        **{name: _plain(getattr(device, name, None)) for name in _NUMBERS},
        "qubits": None if qubits is None else [_of_qubit(one) for one in qubits],
        "instructions": {name: _instruction(device, name) for name in sorted(device.operation_names)},
    }


def device_of(snapshot: Mapping[str, Any]) -> DeviceTarget:
    """Return a device that says what a snapshot does; limits of gates' angles are not among it."""
    qubits = snapshot["qubits"]
    device = DeviceTarget(
        **{name: snapshot[name] for name in _NUMBERS},
        qubit_properties=None if qubits is None else [QubitProperties(**(one or {})) for one in qubits],
    )
    for name, told in snapshot["instructions"].items():
        places = told["places"]
        if told["num_qubits"] is None:  # a class, which acts on any qubits
            if name in _CONTROL_FLOW:
                device.add_instruction(_CONTROL_FLOW[name], name=name)
            continue
        operation = _operation(name, told)
        if places is None or any(qubits is None for qubits, _, _ in places):  # it acts on any qubits
            device.add_instruction(operation, None, name=name)
            continue
        properties = {
            tuple(qubits): None if error is None and duration is None else InstructionProperties(duration, error)
            for qubits, error, duration in places
        }
        device.add_instruction(operation, properties, name=name)
    return device


def _instruction(device: DeviceTarget, name: str) -> dict[str, Any]:
    operation = device.operation_from_name(name)
    if isinstance(operation, type):
        return {"gate": False, "num_qubits": None, "num_clbits": 0, "params": [], "places": None}
    places = device[name]
    return {
        "gate": isinstance(operation, Gate),
        "num_qubits": operation.num_qubits,
        "num_clbits": getattr(operation, "num_clbits", 0),
        "params": [_plain(value) for value in getattr(operation, "params", [])],
        "places": None if places is None else [_place(qubits, said) for qubits, said in places.items()],
    }


def _place(qubits: tuple[int, ...] | None, said: Any) -> list[Any]:
    error, duration = getattr(said, "error", None), getattr(said, "duration", None)
    return [None if qubits is None else list(qubits), _plain(error), _plain(duration)]


def _of_qubit(said: Any) -> dict[str, Any] | None:
    if said is None:
        return None
    return {name: _plain(getattr(said, name, None)) for name in _OF_QUBITS}


def _operation(name: str, told: Mapping[str, Any]) -> Instruction:
    """Return an instruction: Qiskit's own of that name, or one of which no more is known than how wide it is."""
    known = _standard().get(name)
    fits = known is not None and known.num_qubits == told["num_qubits"] and len(known.params) == len(told["params"])
    params: list[Any] = [
        value if value is not None else Parameter(f"angle{place}") for place, value in enumerate(told["params"])
    ]
    if known is not None and fits:
        if all(value is None for value in told["params"]):
            return known
        return known.base_class(*params)
    if told["gate"]:
        return Gate(name, told["num_qubits"], params)
    return Instruction(name, told["num_qubits"], told["num_clbits"], params)


@cache
def _standard() -> dict[str, Instruction]:
    return dict(get_standard_gate_name_mapping())


def _plain(value: Any) -> Any:
    """Return a number as JSON holds it, ``None`` for anything else (a free parameter, nothing, infinity)."""
    if isinstance(value, bool) or value is None:
        return value
    try:
        number = int(value) if isinstance(value, int) else float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
