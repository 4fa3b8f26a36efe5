"""What the service refuses in circuits, refused before anything is submitted: on a device as in a rehearsal.

The newer primitives of the client look at no circuit, and simulators run what devices do not have. The rules are those
by which the older primitives and the service judge (codes 1003, 1106, 1107, 1517, 7000).
"""

import keyword
from collections.abc import Iterable, Mapping
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp, Qubit
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives.measurement import check_register_names
from qiskit_qml_ext.primitives.targets.client.exclusions import excluded_gate, exclusion_of

Options = Mapping[str, Any]

_BRANCHES_AND_LOOPS = ("if_else", "for_loop", "while_loop", "switch_case")
_ANYWHERE = frozenset({"barrier", "store"})  # instructions that every device takes, as the client says


def refuse_foreign(name: str, circuit: QuantumCircuit, device: DeviceTarget) -> None:
    """Raise for instructions that a device does not have.

    Args:
        name: The target's name.
        circuit: A circuit, with parameters or without.
        device: What the device says of its qubits and gates.

    Raises:
        UnsupportedCircuitError: The message names the instruction and its qubits.
    """
    if circuit.num_qubits > device.num_qubits:
        raise UnsupportedCircuitError(
            f"The circuit has {circuit.num_qubits} qubits, but {name} has {device.num_qubits}. Nothing was submitted."
        )
    places = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    for operation, qubits in _instructions(circuit, places):
        if operation.name not in _ANYWHERE and not device.instruction_supported(operation.name, qubits):
            where = f"on {'qubit' if len(qubits) == 1 else 'qubits'} {', '.join(map(str, qubits))}"
            raise UnsupportedCircuitError(
                f"{name} does not have the instruction {operation.name} {where}, and the service refuses such "
                "circuits. Transpile it: connection.isa_circuit(circuit). Nothing was submitted."
            )


def refuse_registers(circuit: QuantumCircuit, generation: str) -> None:
    """Raise for classical registers whose results could not be read, or that the client refuses.

    Args:
        circuit: A circuit for a sampler.
        generation: That of the primitives; the older one takes names of variables only.

    Raises:
        UnsupportedCircuitError: The message names the register.
    """
    check_register_names(circuit)
    for register in circuit.cregs:
        if register.size == 0:
            raise UnsupportedCircuitError(
                f"The classical register {register.name!r} has no bits, which the service does not take. Leave it out."
            )
        if generation == "legacy" and (not register.name.isidentifier() or keyword.iskeyword(register.name)):
            raise UnsupportedCircuitError(
                f"The classical register {register.name!r} cannot be called so: the older primitives of the client "
                "take names of Python variables only. Give the register another name."
            )


def refuse_with_options(circuit: QuantumCircuit, options: Options, generation: str, *, estimates: bool) -> None:
    """Raise for instructions that do not go together with options.

    Args:
        circuit: A circuit in the device's own gates.
        options: What was set for the primitive that is to run it.
        generation: That of the primitive.
        estimates: Whether it is an estimator.

    Raises:
        UnsupportedCircuitError: The message says which option to leave out.
    """
    if generation == "executor" and any(name in circuit.count_ops() for name in _BRANCHES_AND_LOOPS):
        _refuse_branches(options, estimates=estimates)
    if options.get("dynamical_decoupling", {}).get("enable") and circuit.has_control_flow_op():
        raise UnsupportedCircuitError(
            "dynamical_decoupling.enable=True and circuits with control flow exclude each other. Leave one of them out."
        )
    excluding = exclusion_of(options, generation)
    gate = None if excluding is None else excluded_gate(circuit, generation)
    if gate is not None:
        raise UnsupportedCircuitError(
            f"The circuit has the fractional gate {gate}, which options exclude. {excluding}. Or let the connection "
            "transpile a circuit without such gates. Nothing was submitted."
        )


def _refuse_branches(options: Options, *, estimates: bool) -> None:
    """Raise where the client puts gates and measurements into boxes, which it cannot do with branches and loops."""
    if estimates:
        raise UnsupportedCircuitError(
            "The circuit has branches or loops, which the client's newer estimator does not take. Measure with "
            "connection.sample instead. Nothing was submitted."
        )
    twirling = options.get("twirling", {})
    on = [f"twirling.{name}=True" for name in ("enable_gates", "enable_measure") if twirling.get(name)]
    if on:
        raise UnsupportedCircuitError(
            f"{' and '.join(on)} and circuits with branches or loops exclude each other. Leave one of them out. "
            "Nothing was submitted."
        )


def refuse_executions(executions: int, limit: int, name: str) -> None:
    """Raise in a rehearsal for a job that is larger than the service takes.

    Raises:
        ValueError: The message says the limit.
    """
    if executions > limit:
        raise ValueError(
            f"A job of {executions:,} executions (circuits times shots) came, but the service takes {limit:,} in a "
            f"job, and so does {name}. Use fewer shots, or connection.sample, which cuts work into jobs."
        )


def _instructions(circuit: QuantumCircuit, places: Mapping[Qubit, int]) -> Iterable[tuple[Any, tuple[int, ...]]]:
    """Yield a circuit's operations with the device's qubits, those in control flow among them."""
    for item in circuit.data:
        yield item.operation, tuple(places[qubit] for qubit in item.qubits)
        if isinstance(item.operation, ControlFlowOp):
            for block in item.operation.blocks:
                inner = {mine: places[outer] for outer, mine in zip(item.qubits, block.qubits, strict=True)}
                yield from _instructions(block, inner)
