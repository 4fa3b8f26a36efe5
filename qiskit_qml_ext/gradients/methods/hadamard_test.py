"""Derivatives read off an ancilla: one circuit for each rotation instead of two shifted ones."""

from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.gradients.error_propagation import AngleErrors, observables_are_independent
from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.methods.method import GradientMethod
from qiskit_qml_ext.gradients.problem import Problem
from qiskit_qml_ext.gradients.readings import Question, pauli_sum, read_all
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import (
    PauliRotation,
    RotationProgram,
    angles_and_slopes,
    circuit_with_free_angles,
    lower,
)


@dataclass(frozen=True)
class HadamardTestGradient(GradientMethod):
    r"""∂⟨O⟩/∂φ_g = ⟨Y ⊗ O⟩ with an ancilla in |+⟩ that controls P_g right after the rotation exp(-iφ_g P_g/2).

    With |ψ⟩ after the rotation and A = V†OV for what follows, ⟨Y ⊗ O⟩ = (i/2)⟨[P_g, A]⟩, the derivative. It takes one
    more qubit and half the circuits of shifts, each another one. An outcome ±1 of S shots has a variance of up to 1/S
    here, and up to 1/(2S) as half the difference of two shifted circuits: with the same shots of each circuit the noise
    is up to √2 times that of shifts, with the same shots in all about as large. So it saves circuits, not shots: worth
    it where controlled Pauli strings are cheap. A primitive of your own may repeat its noise in each PUB (simulators
    with a seed do): there the standard error of a parameter of several rotations is stated as Σ_g |∂φ_g/∂θ| σ_g, which
    it is at most, whatever they share.

    References:
        Li et al., arXiv:1608.00677; Guerreschi and Smelyanskiy, arXiv:1701.01450.
    """

    name = "hadamard_test"

    def reason(self, connection: Connection) -> str | None:
        """Never the first choice: it needs a qubit that controls all others."""
        return None

    def refusal(self, connection: Connection) -> str | None:
        """Refuse nothing."""
        return None

    def differentiate(self, problem: Problem, reason: str) -> JacobianEstimate:
        """Return the derivatives, shape (B, M, C)."""
        program = lower(problem.circuit)
        angles, slopes = angles_and_slopes(program, problem.values, problem.columns)
        if not np.all(np.isfinite(slopes)):
            raise ValueError("values lie where an angle of the circuit has no finite derivative. Move them.")
        moved = [int(place) for place in np.flatnonzero(np.any(slopes != 0, axis=(0, 2)))]
        operators = [pauli_sum(observable) for observable in problem.observables]
        on_ancilla = [SparsePauliOp("Y").tensor(operator) for operator in operators]
        plain = circuit_with_free_angles(program)
        order = [parameter.index for parameter in plain.parameters]
        questions = [Question(plain, angles[:, order], operators)]
        questions += [Question(_with_ancilla(program, plain, place), angles[:, order], on_ancilla) for place in moved]
        first, *others = read_all(questions, problem.connection)
        shape = (len(moved), *first.values.shape)
        by_angle = np.array([one.values for one in others]).reshape(shape)
        noise = np.array([one.errors for one in others]).reshape(shape)
        propagation = AngleErrors(
            errors=noise.swapaxes(0, 1),
            slopes=slopes[:, moved],
            angles_independent=not problem.connection.target.may_repeat_noise,
            observables_independent=observables_are_independent(problem.connection),
        )
        return JacobianEstimate(
            values=first.values,
            jacobian=np.einsum("gbm,bgc->bmc", by_angle, slopes[:, moved]),
            value_errors=first.errors,
            standard_errors=propagation.of_jacobian(),
            method=self.name,
            reason=reason,
            target=problem.connection.target_name,
            conditions=problem.conditions,
            num_evaluations=len(questions) * len(problem.values),
            parameters=problem.names,
            propagation=propagation,
        )


def _with_ancilla(program: RotationProgram, plain: QuantumCircuit, place: int) -> QuantumCircuit:
    """Return the circuit with an ancilla, its last qubit, that controls the string of a rotation right after it."""
    number = plain.num_qubits
    circuit = QuantumCircuit(number + 1)
    circuit.h(number)
    rotation = program.rotations[place]
    for instruction, operation in zip(plain.data, program.operations, strict=True):
        circuit.append(instruction.operation, [plain.find_bit(qubit).index for qubit in instruction.qubits])
        if operation is rotation:
            _control(circuit, rotation, number)
    return circuit


def _control(circuit: QuantumCircuit, rotation: PauliRotation, ancilla: int) -> None:
    for qubit in range(ancilla):
        letter = "IZXY"[(rotation.z >> qubit & 1) + 2 * (rotation.x >> qubit & 1)]
        if letter != "I":
            {"X": circuit.cx, "Y": circuit.cy, "Z": circuit.cz}[letter](ancilla, qubit)
