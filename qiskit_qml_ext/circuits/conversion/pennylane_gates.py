"""PennyLane's operations, each as a circuit on its own wires.

An operation is looked up by its class; what has no rule is taken apart as PennyLane does it, and what cannot be taken
apart is written as a matrix. Wire ``k`` of an operation is qubit ``k`` of its circuit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Instruction
from qiskit.circuit import library as gates
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.arrays import ComplexArray
from qiskit_qml_ext.circuits.conversion.angles import Angle, angle
from qiskit_qml_ext.circuits.conversion.controls import controlled
from qiskit_qml_ext.circuits.conversion.dense import MAX_DENSE_QUBITS, dense_circuit, has_matrix
from qiskit_qml_ext.circuits.conversion.symbolic_argument import SymbolicArgument
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

if TYPE_CHECKING:
    from pennylane.operation import Operator

Rule = Callable[["Operator"], QuantumCircuit]
"""From an operation to a circuit on its wires."""


_ROTATIONS: Mapping[str, type[Gate]] = {
    "X": gates.RXGate,
    "Y": gates.RYGate,
    "Z": gates.RZGate,
    "XX": gates.RXXGate,
    "YY": gates.RYYGate,
    "ZZ": gates.RZZGate,
}


def circuit_of_operations(operations: list[Operator], wires: list[object]) -> QuantumCircuit:
    """Return the circuit of a list of operations.

    Args:
        operations: In the order in which they are applied.
        wires: All wires; wire ``k`` of this list becomes qubit ``k``.

    Raises:
        UnsupportedCircuitError: If an operation has no counterpart, or a wire is not in the list.
    """
    circuit = QuantumCircuit(len(wires))
    position = {wire: place for place, wire in enumerate(wires)}
    for operation in operations:
        unknown = [wire for wire in operation.wires if wire not in position]
        if unknown:
            raise UnsupportedCircuitError(
                f"{operation.name} acts on {unknown[0]!r}, which is not among the wires {wires}. Add it to wire_order."
            )
        places = [position[wire] for wire in operation.wires]
        circuit.compose(circuit_of(operation), places, inplace=True, copy=False)
    return circuit


def circuit_of(operation: Operator) -> QuantumCircuit:
    """Return the circuit of one operation on its own wires, in their order.

    Raises:
        UnsupportedCircuitError: If it has no counterpart; the message names it.
    """
    _refuse_what_is_no_gate(operation)
    gate = _gates().get(type(operation))
    if gate is not None:
        circuit = QuantumCircuit(len(operation.wires))
        circuit.append(gate(*_angles(operation)), circuit.qubits)
        return circuit
    for kind, rule in _rules().items():
        if isinstance(operation, kind):
            return rule(operation)
    return _taken_apart(operation)


@functools.cache
def _gates() -> Mapping[type, Callable[..., Instruction]]:
    """Operations that are one gate of Qiskit with the same angles, their phases included."""
    import pennylane as qml

    return {
        qml.PauliX: gates.XGate,
        qml.PauliY: gates.YGate,
        qml.PauliZ: gates.ZGate,
        qml.Hadamard: gates.HGate,
        qml.S: gates.SGate,
        qml.T: gates.TGate,
        qml.SX: gates.SXGate,
        qml.RX: gates.RXGate,
        qml.RY: gates.RYGate,
        qml.RZ: gates.RZGate,
        qml.PhaseShift: gates.PhaseGate,
        qml.U1: gates.PhaseGate,
        qml.U2: lambda phi, delta: gates.UGate(np.pi / 2, phi, delta),
        qml.U3: gates.UGate,
        qml.SWAP: gates.SwapGate,
        qml.ISWAP: gates.iSwapGate,
        qml.IsingXX: gates.RXXGate,
        qml.IsingYY: gates.RYYGate,
        qml.IsingZZ: gates.RZZGate,
        qml.IsingXY: lambda phi: gates.XXPlusYYGate(-phi),
    }


@functools.cache
def _rules() -> Mapping[type, Rule]:
    """Operations that are more than one gate."""
    import pennylane as qml

    return {
        qml.Identity: _nothing,
        qml.Snapshot: _nothing,
        qml.Barrier: _barrier,
        qml.GlobalPhase: _global_phase,
        qml.Rot: _rot,
        qml.MultiRZ: lambda operation: _pauli_rotation(operation, "Z" * len(operation.wires)),
        qml.PauliRot: lambda operation: _pauli_rotation(operation, operation.hyperparameters["pauli_word"]),
        qml.BasisState: _basis_state,
        qml.ops.Adjoint: lambda operation: circuit_of_operations([operation.base], list(operation.wires)).inverse(),
        qml.ops.Controlled: _controlled,
        qml.ops.Exp: _exponential,
        qml.ops.Pow: _power,
    }


def _refuse_what_is_no_gate(operation: Operator) -> None:
    import pennylane as qml

    deferred = "Put controlled gates in its place (qml.defer_measurements), or end the circuit before it."
    advice = {
        qml.operation.Channel: "Channels are no gates: leave it out, and give noise to the target (an Aer NoiseModel).",
        qml.measurements.MidMeasureMP: deferred,
        qml.ops.Conditional: deferred,
    }
    for kind, what_to_do in advice.items():
        if isinstance(operation, kind):
            raise UnsupportedCircuitError(f"{operation.name} on {list(operation.wires)} has no gate. {what_to_do}")


def _angles(operation: Operator) -> list[Angle]:
    return [angle(value, operation.name) for value in operation.data]


def _nothing(operation: Operator) -> QuantumCircuit:
    return QuantumCircuit(len(operation.wires))


def _barrier(operation: Operator) -> QuantumCircuit:
    circuit = _nothing(operation)
    circuit.barrier()
    return circuit


def _global_phase(operation: Operator) -> QuantumCircuit:
    circuit = _nothing(operation)
    circuit.global_phase = -1.0 * _angles(operation)[0]  # PennyLane's is exp(-i φ)
    return circuit


def _rot(operation: Operator) -> QuantumCircuit:
    phi, theta, omega = _angles(operation)
    circuit = _nothing(operation)
    circuit.rz(phi, 0)
    circuit.ry(theta, 0)
    circuit.rz(omega, 0)
    return circuit


def _pauli_rotation(operation: Operator, word: str) -> QuantumCircuit:
    """Return exp(-i θ P / 2); Qiskit writes the Pauli of the first wire last."""
    circuit = _nothing(operation)
    theta = _angles(operation)[0]
    if word in _ROTATIONS:
        circuit.append(_ROTATIONS[word](theta), circuit.qubits)
    elif set(word) == {"I"}:
        circuit.global_phase = -0.5 * theta
    else:
        circuit.append(gates.PauliEvolutionGate(SparsePauliOp(word[::-1]), time=0.5 * theta), circuit.qubits)
    return circuit


def _basis_state(operation: Operator) -> QuantumCircuit:
    circuit = _nothing(operation)
    for qubit, bit in enumerate(np.asarray(operation.data[0]).reshape(-1)):
        if bit not in (0, 1):
            raise UnsupportedCircuitError(f"{operation.name} has the bit {bit!r}; bits are 0 or 1.")
        if bit == 1:
            circuit.x(qubit)
    return circuit


def _controlled(operation: Operator) -> QuantumCircuit:
    wires = [*operation.control_wires, *operation.target_wires]
    base = circuit_of_operations([operation.base], list(operation.target_wires))
    result = controlled(base, [bool(value) for value in operation.control_values])
    ordered = QuantumCircuit(len(operation.wires))
    place = {wire: index for index, wire in enumerate(operation.wires)}
    return ordered.compose(result, [place[wire] for wire in wires])


def _exponential(operation: Operator) -> QuantumCircuit:
    """Return exp(c H) for an imaginary c and a sum of Paulis H: exact as a state, whatever its number of steps."""
    sentence = operation.base.pauli_rep
    if sentence is None:
        return _taken_apart(operation)
    coefficient = 1j * np.asarray(operation.coeff).item()
    imaginary_part = not isinstance(coefficient, SymbolicArgument) and coefficient.imag == 0
    time = angle(coefficient.real if imaginary_part else coefficient, operation.name)
    place = {wire: index for index, wire in enumerate(operation.wires)}
    terms = [
        ("".join(word.values()), [place[wire] for wire in word], _number(value, operation))
        for word, value in sentence.items()
    ]
    hamiltonian = SparsePauliOp.from_sparse_list(terms, num_qubits=len(place))
    circuit = _nothing(operation)
    circuit.append(gates.PauliEvolutionGate(hamiltonian, time=time), circuit.qubits)
    return circuit


def _number(value: object, operation: Operator) -> complex:
    """Return a coefficient, which must be a number."""
    one = np.asarray(value).item()
    if isinstance(one, SymbolicArgument):
        raise UnsupportedCircuitError(
            f"{operation.name} has an operator with the coefficient {one!r}, and only the time may be a parameter. "
            "Write qml.evolve(operator, x) with numbers in the operator, or give the argument by values=."
        )
    number = complex(one)
    return number.real if number.imag == 0 else number


def _power(operation: Operator) -> QuantumCircuit:
    exponent = operation.z
    if operation.has_decomposition or int(exponent) != exponent:
        return _taken_apart(operation)
    base = circuit_of_operations([operation.base], list(operation.wires))
    circuit = _nothing(operation)
    for _ in range(abs(int(exponent))):
        circuit.compose(base if exponent >= 0 else base.inverse(), inplace=True)
    return circuit


def _taken_apart(operation: Operator) -> QuantumCircuit:
    """Return PennyLane's own decomposition where it is what PennyLane simulates, and the matrix otherwise."""
    matrix = _matrix_of(operation)
    if not operation.has_decomposition:
        if matrix is None:
            raise UnsupportedCircuitError(
                f"{operation.name} on {list(operation.wires)} has neither gates nor a matrix of numbers on at most "
                f"{MAX_DENSE_QUBITS} wires. Replace it by gates, or give its arguments by values=."
            )
        return dense_circuit(matrix, operation.name)
    circuit = circuit_of_operations(_decomposition(operation), list(operation.wires))
    return circuit if matrix is None or has_matrix(circuit, matrix) else dense_circuit(matrix, operation.name)


def _decomposition(operation: Operator) -> list[Operator]:
    import pennylane as qml

    with qml.QueuingManager.stop_recording():
        return operation.decomposition()


def _matrix_of(operation: Operator) -> ComplexArray | None:
    import pennylane as qml

    if is_symbolic(operation) or not operation.has_matrix or len(operation.wires) > MAX_DENSE_QUBITS:
        return None
    return np.asarray(qml.matrix(operation, wire_order=operation.wires), dtype=complex)


def is_symbolic(operation: Operator) -> bool:
    """Say whether an operation has an angle that is not a number."""
    return any(np.asarray(value).dtype == object for value in operation.data)
