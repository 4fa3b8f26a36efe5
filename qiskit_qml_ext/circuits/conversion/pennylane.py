"""PennyLane's QNodes, quantum functions and tapes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import StatePreparation

from qiskit_qml_ext.arrays import ObjectArray
from qiskit_qml_ext.circuits.conversion.installation import optional_package
from qiskit_qml_ext.circuits.conversion.pennylane_gates import circuit_of_operations, is_symbolic
from qiskit_qml_ext.circuits.conversion.symbolic_argument import SymbolicArgument
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

if TYPE_CHECKING:
    from pennylane import QNode
    from pennylane.operation import Operator
    from pennylane.tape import QuantumScript


def from_pennylane(
    source: QNode | QuantumScript | Callable[..., object],
    *,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    values: Mapping[str, object] | None = None,
    wire_order: Sequence[object] | None = None,
) -> QuantumCircuit:
    """Convert a PennyLane QNode, quantum function or tape.

    The circuit has the same state, global phase included. Qubit ``k`` is wire ``k`` of the order of wires, and
    PennyLane writes the first wire as the most significant bit where Qiskit writes it as the least: the array of
    ``qml.state()`` is that of ``Statevector(circuit.reverse_bits())``.

    An argument in ``shapes`` becomes parameters: ``ParameterVector(name, size)`` in row-major order, or
    ``Parameter(name)`` for the shape ``()``. Qiskit orders a circuit's parameters by the names of the vectors and then
    by index, whatever the order of the arguments. What the function returns (expectation values, probabilities) is no
    part of the circuit, and neither are parameters that it does not use.

    Args:
        source: A QNode (with the transforms that it carries), a function that applies operations, or a tape (whose
            angles are numbers).
        shapes: The shapes of the arguments that become parameters, as tuples.
        values: The arguments that are fixed, by name. What is in neither has its default.
        wire_order: All wires, in order. By default those of the QNode's device; where it has none, PennyLane's
            standard order: the integers from zero, or the order of first use for any other wires.

    Returns:
        The circuit.

    Raises:
        TypeError: If ``source`` or an argument is of another kind.
        ValueError: If ``shapes`` or ``values`` name what is no argument, or one that is in both.
        UnsupportedCircuitError: If an operation has no counterpart (channels, measurements amid the circuit and what
            depends on them, operators that are not unitary), or needs the value of a parameter; the message names it.
        ImportError: If PennyLane is not installed.
    """
    optional_package("pennylane", "pennylane")
    tape, device_wires = _tape_and_device_wires(source, shapes or {}, values or {})
    wires = _ordered_wires(tape, device_wires if wire_order is None else list(wire_order))
    operations = list(tape.operations)
    circuit = QuantumCircuit(len(wires))
    if operations and _prepares_a_state(operations[0]):
        _prepare(circuit, operations.pop(0), wires)
    return circuit.compose(circuit_of_operations(operations, wires))


def _tape_and_device_wires(
    source: object, shapes: Mapping[str, tuple[int, ...]], values: Mapping[str, object]
) -> tuple[QuantumScript, list[object] | None]:
    import pennylane as qml

    if isinstance(source, qml.tape.QuantumScript):
        if shapes or values:
            raise ValueError("A tape has no arguments, but shapes or values came. Give the QNode, or leave them out.")
        return source, None
    if isinstance(source, qml.QNode):
        arguments = _arguments(source.func, shapes, values)
        device_wires = source.device.wires
        return qml.workflow.construct_tape(source)(**arguments), list(device_wires) if device_wires else None
    if callable(source):
        return qml.tape.make_qscript(source)(**_arguments(source, shapes, values)), None
    raise TypeError(
        f"source must be a QNode, a quantum function or a tape, but {source!r} ({type(source).__name__}) came."
    )


def _arguments(
    function: Callable[..., object], shapes: Mapping[str, tuple[int, ...]], values: Mapping[str, object]
) -> dict[str, object]:
    """Return the arguments with which a function is called once."""
    signature = inspect.signature(function)
    both = sorted(set(shapes) & set(values))
    if both:
        raise ValueError(f"{both[0]!r} is in shapes and in values. A parameter has a shape, a fixed argument a value.")
    arguments = {**{name: _symbols(name, shape) for name, shape in shapes.items()}, **values}
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise ValueError(
            f"shapes and values name {sorted(arguments)}, but the function has the signature {signature}: {error}. "
            "Name each of its arguments that has no default once."
        ) from error
    return arguments


def _symbols(name: str, shape: tuple[int, ...]) -> SymbolicArgument | ObjectArray:
    import autoray

    sizes = isinstance(shape, tuple) and all(isinstance(size, (int, np.integer)) and size > 0 for size in shape)
    if not sizes:
        raise TypeError(
            f"shapes[{name!r}] must be a tuple of positive whole numbers, such as (4,) or (2, 3), but {shape!r} came. "
            "The shape of a single number is ()."
        )
    autoray.register_backend(SymbolicArgument, "numpy")  # PennyLane asks it which library computes with a number
    if shape == ():
        return SymbolicArgument(Parameter(name))
    parameters = ParameterVector(name, int(np.prod(shape)))
    symbols = np.empty(len(parameters), dtype=object)
    symbols[:] = [SymbolicArgument(parameter) for parameter in parameters]
    return symbols.reshape(shape)


def _ordered_wires(tape: QuantumScript, given: list[object] | None) -> list[object]:
    """Return all wires in order: the given ones, or those of PennyLane's standard order."""
    if given is not None:
        repeated = [wire for place, wire in enumerate(given) if wire in given[:place]]
        if repeated:
            raise ValueError(f"wire_order has {repeated[0]!r} twice. Name each wire once.")
        return given
    acted_on = list(dict.fromkeys(wire for operation in tape.operations for wire in operation.wires))
    others = [wire for wire in tape.wires if wire not in acted_on]
    count = len(acted_on)
    if set(acted_on) == set(range(count)) and set(others) == set(range(count, count + len(others))):
        return list(range(count + len(others)))
    return [*acted_on, *others]


def _prepares_a_state(operation: Operator) -> bool:
    import pennylane as qml

    # A basis state is prepared by X gates wherever it stands.
    return isinstance(operation, qml.operation.StatePrepBase) and not isinstance(operation, qml.BasisState)


def _prepare(circuit: QuantumCircuit, operation: Operator, wires: list[object]) -> None:
    """Prepare the state with which a circuit begins; PennyLane takes apart one that comes later, and so do we."""
    if is_symbolic(operation):
        raise UnsupportedCircuitError(
            f"{operation.name} needs the values of its amplitudes. Give that argument by values= instead of shapes=."
        )
    amplitudes = np.asarray(operation.state_vector(), dtype=complex)
    if amplitudes.ndim != len(operation.wires):
        raise UnsupportedCircuitError(f"{operation.name} prepares a batch of states. Convert the circuit for one.")
    # the first wire is the most significant bit, which is Qiskit's last qubit
    places = [wires.index(wire) for wire in operation.wires][::-1]
    circuit.append(StatePreparation(amplitudes.reshape(-1)), places)
