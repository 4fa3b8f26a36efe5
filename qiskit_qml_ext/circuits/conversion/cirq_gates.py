"""Cirq's operations, each as a circuit on its own qubits.

A gate is looked up by its class; what has no rule is taken apart as Cirq does it and compared with Cirq's matrix, and
what cannot be taken apart is written as a matrix. Qubit ``k`` of an operation is qubit ``k`` of its circuit. Powers
``G**t`` of gates with eigenvalues 1 and -1 are exp(iπt/2) exp(-iπt G / 2), times exp(iπts) for a global shift s.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.circuit import library as gates

from qiskit_qml_ext.arrays import ComplexArray
from qiskit_qml_ext.circuits.conversion.angles import Angle
from qiskit_qml_ext.circuits.conversion.controls import controlled
from qiskit_qml_ext.circuits.conversion.dense import MAX_DENSE_QUBITS, dense_circuit, has_matrix
from qiskit_qml_ext.circuits.conversion.sympy_expression import qiskit_expression
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

if TYPE_CHECKING:
    import cirq

Parameters = Mapping[str, Parameter]
"""The parameter of each symbol, by its name."""

Rule = Callable[["cirq.Gate", Parameters], QuantumCircuit]
"""From a gate to a circuit."""


def circuit_of_operations(
    operations: Sequence[cirq.Operation], qubits: Sequence[cirq.Qid], parameters: Parameters
) -> QuantumCircuit:
    """Return the circuit of a list of operations; qubit ``k`` of ``qubits`` becomes qubit ``k``.

    Raises:
        UnsupportedCircuitError: If an operation has no counterpart; the message names it.
    """
    circuit = QuantumCircuit(len(qubits))
    position = {qubit: place for place, qubit in enumerate(qubits)}
    for operation in operations:
        unknown = [qubit for qubit in operation.qubits if qubit not in position]
        if unknown:
            raise UnsupportedCircuitError(
                f"{operation} acts on {unknown[0]!r}, which is not among the qubits {list(qubits)}. "
                "Name it in qubit_order, or leave the operation out if it is a helper's qubit."
            )
        places = [position[qubit] for qubit in operation.qubits]
        circuit.compose(circuit_of(operation, parameters), places, inplace=True, copy=False)
    return circuit


def circuit_of(operation: cirq.Operation, parameters: Parameters) -> QuantumCircuit:
    """Return the circuit of one operation on its own qubits, in their order.

    Raises:
        UnsupportedCircuitError: If it has no counterpart; the message names it.
    """
    import cirq

    operation = operation.untagged
    _refuse_what_is_no_gate(operation)
    if isinstance(operation, cirq.ControlledOperation):
        base = circuit_of(operation.sub_operation, parameters)
        return _controlled(base, operation.control_values)
    if isinstance(operation.gate, cirq.ControlledGate):
        qubits = operation.qubits[operation.gate.num_controls() :]
        base = circuit_of(operation.gate.sub_gate.on(*qubits), parameters)
        return _controlled(base, operation.gate.control_values)
    plain = _plain_gate(operation.gate)
    if plain is not None:
        circuit = QuantumCircuit(plain.num_qubits)
        circuit.append(plain, circuit.qubits)
        return circuit
    rule = _rules().get(type(operation.gate))
    if rule is not None:
        return rule(operation.gate, parameters)
    return _taken_apart(operation, parameters)


def _refuse_what_is_no_gate(operation: cirq.Operation) -> None:
    import cirq

    if any(dimension != 2 for dimension in cirq.qid_shape(operation)):
        raise UnsupportedCircuitError(f"{operation} acts on a qudit. Only circuits of qubits are converted.")
    if cirq.control_keys(operation):
        raise UnsupportedCircuitError(
            f"{operation} depends on a measurement, which is not converted. Replace it by a controlled gate "
            "(cirq.defer_measurements)."
        )
    if cirq.is_measurement(operation):
        raise UnsupportedCircuitError(
            f"{operation} measures amid the circuit or inside another operation. Only measurements of single bits at "
            "the end are converted: defer the others (cirq.defer_measurements)."
        )


def _controlled(base: QuantumCircuit, control_values: cirq.AbstractControlValues) -> QuantumCircuit:
    """Return a circuit under each of the combinations of values in turn; they exclude each other."""
    combinations = [[bool(value) for value in values] for values in control_values.expand()]
    circuit = controlled(base, combinations[0])
    for values in combinations[1:]:
        circuit.compose(controlled(base, values), inplace=True)
    return circuit


@functools.cache
def _plain_gates() -> Mapping[tuple[type, float], type[Gate]]:
    """Gates with a name, by class and exponent, without global shift; Cirq's X, Y and Z are classes of their own."""
    import cirq

    families: list[tuple[tuple[type, ...], dict[float, type[Gate]]]] = [
        ((cirq.XPowGate, type(cirq.X)), {1: gates.XGate, 0.5: gates.SXGate, -0.5: gates.SXdgGate}),
        ((cirq.YPowGate, type(cirq.Y)), {1: gates.YGate}),
        (
            (cirq.ZPowGate, type(cirq.Z)),
            {1: gates.ZGate, 0.5: gates.SGate, -0.5: gates.SdgGate, 0.25: gates.TGate, -0.25: gates.TdgGate},
        ),
        ((cirq.HPowGate,), {1: gates.HGate}),
        ((cirq.CXPowGate,), {1: gates.CXGate}),
        ((cirq.CZPowGate,), {1: gates.CZGate}),
        ((cirq.CCXPowGate,), {1: gates.CCXGate}),
        ((cirq.CCZPowGate,), {1: gates.CCZGate}),
        ((cirq.SwapPowGate,), {1: gates.SwapGate}),
        ((cirq.ISwapPowGate,), {1: gates.iSwapGate}),
    ]
    return {
        (kind, exponent): gate
        for kinds, by_exponent in families
        for kind in kinds
        for exponent, gate in by_exponent.items()
    }


def _plain_gate(gate: cirq.Gate | None) -> Gate | None:
    import cirq

    if not isinstance(gate, cirq.EigenGate) or gate.global_shift != 0:
        return None
    kind = _plain_gates().get((type(gate), gate.exponent))
    return None if kind is None else kind()


@functools.cache
def _rules() -> Mapping[type, Rule]:
    """Gates with angles, and gates that do nothing."""
    import cirq

    return {
        cirq.IdentityGate: _nothing,
        cirq.WaitGate: _nothing,
        cirq.GlobalPhaseGate: _global_phase,
        **dict.fromkeys((cirq.XPowGate, cirq.Rx, type(cirq.X)), _power(_turn_x, 0.5)),
        **dict.fromkeys((cirq.YPowGate, cirq.Ry, type(cirq.Y)), _power(_turn_y, 0.5)),
        **dict.fromkeys((cirq.ZPowGate, type(cirq.Z)), _power(_turn_phase, 0.0)),
        cirq.Rz: _power(_turn_z, 0.5),
        cirq.HPowGate: _power(_turn_h, 0.5),
        cirq.CXPowGate: _controlled_power(cirq.XPowGate, 1),
        cirq.CZPowGate: _controlled_power(cirq.ZPowGate, 1),
        cirq.CCXPowGate: _controlled_power(cirq.XPowGate, 2),
        cirq.CCZPowGate: _controlled_power(cirq.ZPowGate, 2),
        **dict.fromkeys((cirq.XXPowGate, cirq.MSGate), _power(_turn_xx, 0.5)),
        cirq.YYPowGate: _power(_turn_yy, 0.5),
        cirq.ZZPowGate: _power(_turn_zz, 0.5),
        cirq.SwapPowGate: _power(_turn_swap, 0.25),
        cirq.ISwapPowGate: _power(_turn_iswap, 0.0),
        cirq.PhasedXPowGate: _phased_x,
        cirq.FSimGate: _fsim,
        cirq.CSwapGate: _cswap,
        cirq.MatrixGate: lambda gate, parameters: dense_circuit(cirq.unitary(gate), str(gate)),
        **{  # not in older versions
            getattr(cirq, name): _controlled_power(cirq.YPowGate, num_controls)
            for name, num_controls in (("CYPowGate", 1), ("CCYPowGate", 2))
            if hasattr(cirq, name)
        },
    }


def _nothing(gate: cirq.Gate, parameters: Parameters) -> QuantumCircuit:
    return QuantumCircuit(gate.num_qubits())


def _global_phase(gate: cirq.GlobalPhaseGate, parameters: Parameters) -> QuantumCircuit:
    coefficient = gate.coefficient
    if not isinstance(coefficient, (int, float, complex)):
        raise UnsupportedCircuitError(
            f"{gate} has a parameter as its phase factor. Leave it out if nothing controls it, or resolve it."
        )
    return QuantumCircuit(0, global_phase=float(np.angle(coefficient)))


def _power(append: Callable[[QuantumCircuit, Angle], None], offset: float) -> Rule:
    """Return the rule of a gate with an exponent.

    Args:
        append: Appends the rotation by π times the exponent.
        offset: What the rotation lacks to the power without global shift, as a global shift.
    """

    def rule(gate: cirq.EigenGate, parameters: Parameters) -> QuantumCircuit:
        circuit = QuantumCircuit(gate.num_qubits())
        turn = _turn(gate, gate.exponent, parameters)
        append(circuit, turn)
        shift = gate.global_shift + offset
        if shift != 0:
            circuit.global_phase = shift * turn
        return circuit

    return rule


def _controlled_power(kind: type[cirq.EigenGate], num_controls: int) -> Rule:
    """Return the rule of a gate with an exponent that is another one under controls."""

    def rule(gate: cirq.EigenGate, parameters: Parameters) -> QuantumCircuit:
        circuit = controlled(_rules()[kind](kind(exponent=gate.exponent), parameters), [True] * num_controls)
        if gate.global_shift != 0:
            circuit.global_phase = gate.global_shift * _turn(gate, gate.exponent, parameters)
        return circuit

    return rule


def _turn(gate: cirq.Gate, exponent: cirq.TParamVal, parameters: Parameters) -> Angle:
    """Return π times an exponent of a gate."""
    import cirq
    import sympy

    if cirq.is_parameterized(exponent):  # multiplied there, so that rx(x), a power x / π, has the angle x
        return qiskit_expression(sympy.pi * exponent, parameters, str(gate))
    return np.pi * qiskit_expression(exponent, parameters, str(gate))


def _turn_x(circuit: QuantumCircuit, turn: Angle) -> None:
    circuit.rx(turn, 0)


def _turn_y(circuit: QuantumCircuit, turn: Angle) -> None:
    circuit.ry(turn, 0)


def _turn_z(circuit: QuantumCircuit, turn: Angle) -> None:
    circuit.rz(turn, 0)


def _turn_phase(circuit: QuantumCircuit, turn: Angle) -> None:
    circuit.p(turn, 0)


def _turn_h(circuit: QuantumCircuit, turn: Angle) -> None:
    circuit.ry(-np.pi / 4, 0)  # the axis between Z and X
    circuit.rz(turn, 0)
    circuit.ry(np.pi / 4, 0)


def _turn_xx(circuit: QuantumCircuit, turn: Angle) -> None:
    circuit.rxx(turn, 0, 1)


def _turn_yy(circuit: QuantumCircuit, turn: Angle) -> None:
    circuit.ryy(turn, 0, 1)


def _turn_zz(circuit: QuantumCircuit, turn: Angle) -> None:
    circuit.rzz(turn, 0, 1)


def _turn_swap(circuit: QuantumCircuit, turn: Angle) -> None:
    """Append the power of SWAP = (1 + XX + YY + ZZ) / 2."""
    circuit.rxx(0.5 * turn, 0, 1)
    circuit.ryy(0.5 * turn, 0, 1)
    circuit.rzz(0.5 * turn, 0, 1)


def _turn_iswap(circuit: QuantumCircuit, turn: Angle) -> None:
    """Append exp(iπt (XX + YY) / 4)."""
    circuit.rxx(-0.5 * turn, 0, 1)
    circuit.ryy(-0.5 * turn, 0, 1)


def _phased_x(gate: cirq.PhasedXPowGate, parameters: Parameters) -> QuantumCircuit:
    """Return Z**p X**t Z**-p."""
    import cirq

    axis = _turn(gate, gate.phase_exponent, parameters)
    circuit = QuantumCircuit(1)
    circuit.p(-1.0 * axis, 0)
    power = cirq.XPowGate(exponent=gate.exponent, global_shift=gate.global_shift)
    circuit.compose(_rules()[type(power)](power, parameters), inplace=True)
    circuit.p(axis, 0)
    return circuit


def _fsim(gate: cirq.FSimGate, parameters: Parameters) -> QuantumCircuit:
    """Return exp(-iθ (XX + YY) / 2) and a phase exp(-iφ) of |11⟩."""
    theta = qiskit_expression(gate.theta, parameters, str(gate))
    circuit = QuantumCircuit(2)
    circuit.rxx(theta, 0, 1)
    circuit.ryy(theta, 0, 1)
    circuit.cp(-1.0 * qiskit_expression(gate.phi, parameters, str(gate)), 0, 1)
    return circuit


def _cswap(gate: cirq.CSwapGate, parameters: Parameters) -> QuantumCircuit:
    circuit = QuantumCircuit(3)
    circuit.cswap(0, 1, 2)
    return circuit


def _taken_apart(operation: cirq.Operation, parameters: Parameters) -> QuantumCircuit:
    """Return Cirq's own decomposition where its matrix is Cirq's, and the matrix otherwise."""
    import cirq

    parts = cirq.decompose_once(operation, default=None)
    if parts is None:
        matrix = _matrix_of(operation)
        if matrix is None:
            raise UnsupportedCircuitError(
                f"{operation} has neither gates nor a matrix of numbers on at most {MAX_DENSE_QUBITS} qubits. Replace "
                "it by gates; give noise to the target (an Aer NoiseModel)."
            )
        return dense_circuit(matrix, str(operation))
    circuit = circuit_of_operations(parts, operation.qubits, parameters)
    # the circuit's own, since Cirq does not list all symbols of some gates (PhasedFSimGate)
    name_of = {parameter: name for name, parameter in parameters.items()}
    names = [name_of[parameter] for parameter in circuit.parameters]
    numbers = dict(zip(names, np.random.default_rng(0).uniform(0.3, 0.7, len(names)), strict=True))
    matrix = _matrix_of(cirq.resolve_parameters(operation, numbers))
    bound = circuit.assign_parameters({parameters[name]: numbers[name] for name in names})
    if matrix is None or has_matrix(bound, matrix):
        return circuit
    if names:
        raise UnsupportedCircuitError(
            f"The decomposition of {operation} is not what its matrix says, be it by a phase. Write its gates yourself."
        )
    return dense_circuit(matrix, str(operation))


def _matrix_of(operation: cirq.Operation) -> ComplexArray | None:
    import cirq

    if len(operation.qubits) > MAX_DENSE_QUBITS:
        return None
    return cirq.unitary(operation, default=None)
