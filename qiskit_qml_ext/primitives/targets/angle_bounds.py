"""Gates that a device runs for some angles only: a free parameter may be any of the others.

IBM's fractional R_ZZ is calibrated for angles from 0 to π/2. Other angles are folded into that range when their values
are known (see :mod:`~qiskit_qml_ext.primitives.targets.fractional.folding`). Without other gates that are bounded,
circuits with free parameters are transpiled.
"""

from collections.abc import Iterator

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp, ForLoopOp, Operation
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.targets.elements import has_known_bounds, rebuilt
from qiskit_qml_ext.primitives.targets.identity import is_free

_FOLDS_WITH = {"rz", "rx", "x"}


def is_bounded(device: DeviceTarget, name: str) -> bool:
    """Tell whether a device runs a gate for some angles only."""
    return name in device.operation_names and bool(device.gate_has_angle_bounds(name))


def is_folded(device: DeviceTarget, name: str) -> bool:
    """Tell whether all angles of a bounded gate can be turned into those that the device runs, by its other gates."""
    return (
        name == "rzz"
        and is_bounded(device, name)
        and _FOLDS_WITH.issubset(device.operation_names)
        and has_known_bounds(device)
    )


def has_free_bounded_gates(circuit: QuantumCircuit, device: DeviceTarget) -> bool:
    """Tell whether a circuit has free parameters in bounded gates of a device whose angles cannot be folded."""
    lasting = unfolded_gates(device, circuit)
    return any(operation.name in lasting and is_free(operation) for operation in _operations(circuit))


def unfolded_gates(device: DeviceTarget, circuit: QuantumCircuit) -> set[str]:
    """Return the names of the device's bounded gates whose angles cannot be folded in a circuit.

    These are all where loops bind parameters while the circuit runs: no array of values says what they will be.
    """
    bounded = {name for name in device.operation_names if is_bounded(device, name)}
    return bounded if has_loop_parameters(circuit) else {name for name in bounded if not is_folded(device, name)}


def has_loop_parameters(circuit: QuantumCircuit) -> bool:
    """Tell whether a circuit has loops with parameters of their own, at any depth."""
    return any(isinstance(flow, ForLoopOp) and flow.params[1] is not None for flow in _operations(circuit))


def for_any_angle(device: DeviceTarget, circuit: QuantumCircuit) -> DeviceTarget:
    """Return the device without the bounded gates that may get any angle of a circuit; itself if there are none."""
    left_out = unfolded_gates(device, circuit) if circuit.parameters or has_loop_parameters(circuit) else set()
    return rebuilt(device, lambda name, qubits: name not in left_out) if left_out else device


def with_bounds_of_rzz(device: DeviceTarget) -> DeviceTarget:
    """Return an IBM device that says for which angles it runs R_ZZ; the device itself if it does or has no R_ZZ.

    The Runtime client before 0.48 does not say it, though the devices are the same.
    """
    if "rzz" not in device.operation_names or is_bounded(device, "rzz"):
        return device
    return rebuilt(device, bound=["rzz"])


def _operations(circuit: QuantumCircuit) -> Iterator[Operation]:
    """Yield all operations of a circuit, also those within control flow, which comes before its blocks."""
    for item in circuit.data:
        yield item.operation
        if isinstance(item.operation, ControlFlowOp):
            for block in item.operation.blocks:
                yield from _operations(block)
