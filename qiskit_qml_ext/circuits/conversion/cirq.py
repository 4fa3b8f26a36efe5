"""Cirq's circuits, with SymPy symbols as TensorFlow Quantum takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_qml_ext.circuits.conversion.cirq_gates import circuit_of_operations
from qiskit_qml_ext.circuits.conversion.installation import optional_package
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

if TYPE_CHECKING:
    import cirq


def from_cirq(
    source: cirq.AbstractCircuit,
    *,
    qubit_order: cirq.QubitOrder | Iterable[cirq.Qid] | None = None,
    symbols: Mapping[str, Parameter] | None = None,
) -> QuantumCircuit:
    """Convert a Cirq circuit.

    The circuit has the same state, global phase included. Qubit ``k`` is the qubit ``k`` of the order of qubits, and
    Cirq writes the first qubit as the most significant bit where Qiskit writes it as the least: the
    ``final_state_vector`` of Cirq is that of ``Statevector(circuit.reverse_bits())``. Measurements at the end become a
    classical register with the name of each key; bit ``j`` is the key's qubit ``j``.

    A symbol becomes ``Parameter(name)``; symbols of one name are one parameter, as Cirq's resolvers have it. Qiskit
    orders a circuit's parameters by name, so that ``x10`` comes before ``x2``, as in TensorFlow Quantum. For another
    order, or to tell data from weights, say which parameter each symbol becomes, for example
    ``symbols=dict(zip(names, ParameterVector("x", len(names))))``: elements of a vector are ordered by their index.

    Args:
        source: A circuit of qubits.
        qubit_order: All qubits in order, idle ones too. By default those that the circuit uses, in Cirq's order.
        symbols: The parameter that a symbol becomes, by the symbol's name, for as many as you like.

    Returns:
        The circuit.

    Raises:
        TypeError: If ``source`` or an entry of ``symbols`` is of another kind.
        ValueError: If ``symbols`` names what is no symbol of the circuit, two symbols would become one parameter, or
            ``qubit_order`` lacks a qubit.
        UnsupportedCircuitError: If an operation has no counterpart (channels, resets, qudits, measurements amid the
            circuit and what depends on them) or an angle has a function that Qiskit's expressions lack; the message
            names it.
        ImportError: If Cirq is not installed.
    """
    optional_package("cirq", "cirq")
    import cirq

    if not isinstance(source, cirq.AbstractCircuit):
        raise TypeError(f"source must be a Cirq circuit, but {source!r} ({type(source).__name__}) came.")
    order = cirq.QubitOrder.DEFAULT if qubit_order is None else cirq.QubitOrder.as_qubit_order(qubit_order)
    qubits = order.order_for(source.all_qubits())
    measurements = _measurements(source)
    operations = [operation for operation in source.all_operations() if operation not in measurements]
    parameters = _given_parameters(symbols or {})
    circuit = circuit_of_operations(operations, qubits, parameters)
    _check_all_used(circuit, parameters)
    for measurement in measurements:
        _measure(circuit, measurement, qubits)
    return circuit


def _measurements(source: cirq.AbstractCircuit) -> list[cirq.Operation]:
    """Return the measurements of single bits that end the circuit; every other one is refused where it stands."""
    import cirq

    if not source.are_all_measurements_terminal():
        return []
    return [one for one in source.all_operations() if isinstance(one.gate, cirq.MeasurementGate)]


class _NamedParameters(dict[str, Parameter]):
    """The parameter of each symbol; a symbol that is met for the first time becomes one of its name."""

    def __missing__(self, name: str) -> Parameter:
        self[name] = Parameter(name)
        return self[name]

    def __setitem__(self, name: str, parameter: Parameter) -> None:
        for other, theirs in self.items():
            if theirs.name == parameter.name:
                raise ValueError(
                    f"The symbols {other!r} and {name!r} would both become the parameter {parameter.name!r}. "
                    "Give each a parameter with a name of its own."
                )
        super().__setitem__(name, parameter)


def _given_parameters(symbols: Mapping[str, Parameter]) -> _NamedParameters:
    parameters = _NamedParameters()
    for name, parameter in symbols.items():
        if not isinstance(parameter, Parameter):
            raise TypeError(
                f"symbols[{name!r}] must be a Parameter, but {parameter!r} ({type(parameter).__name__}) came."
            )
        parameters[name] = parameter
    return parameters


def _check_all_used(circuit: QuantumCircuit, parameters: Mapping[str, Parameter]) -> None:
    used = set(circuit.parameters)
    unused = [name for name, parameter in parameters.items() if parameter not in used]
    if unused:
        met = sorted(name for name, parameter in parameters.items() if parameter in used)
        raise ValueError(f"symbols names {unused[0]!r}, but the symbols of the circuit are {met}.")


def _measure(circuit: QuantumCircuit, measurement: cirq.Operation, qubits: Sequence[cirq.Qid]) -> None:
    import cirq

    gate = measurement.gate
    assert isinstance(gate, cirq.MeasurementGate)
    key = cirq.measurement_key_name(measurement)
    if any(gate.full_invert_mask()) or gate.confusion_map:
        raise UnsupportedCircuitError(
            f"The measurement {key!r} flips or confuses its bits. Measure them as they are and change them afterwards."
        )
    if key in [register.name for register in circuit.cregs]:
        raise UnsupportedCircuitError(f"The key {key!r} is measured twice. Give each measurement a key of its own.")
    register = ClassicalRegister(len(measurement.qubits), key)
    circuit.add_register(register)
    circuit.measure([qubits.index(qubit) for qubit in measurement.qubits], register)
