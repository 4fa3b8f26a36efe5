r"""A circuit as the second-moment engine reads it, and the circuits that it must refuse.

Each random rotation needs E cos² θ; the others of its trigonometric moments must vanish (E sin θ = E sin θ cos θ = 0),
and each parameter may act once only: then C is of degree 1 in every angle, and the average of C² over the angles is a
random walk of Pauli strings with positive weights. Whatever breaks this is refused by name instead of giving a wrong
number (with a shared angle, RX(θ)RX(θ) and Z, the truth is 1/2 and Clifford sampling says 1).

Gates at the beginning that act on one qubit are not walked through: the second moments of the Bloch vectors that they
prepare are computed exactly, which takes most of the rarity out of rare events.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.engine.pauli.frame import qubits_of
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import CliffordGate, PauliRotation, RotationProgram, conjugate, lower

_ZERO = 1e-12  # moments that should vanish are computed from closed forms; their rounding errors are far smaller


@dataclass(frozen=True)
class RandomRotation:
    """A rotation by a random angle about the Pauli (x, z)."""

    x: int
    z: int
    parameter: int
    """The parameter's position in ``circuit.parameters``."""
    factor: float
    """The coefficient of the parameter in the angle."""
    cos: float
    """E cos of the angle."""
    cos_squared: float
    """E cos² of the angle."""


@dataclass(frozen=True)
class FixedRotation:
    """A rotation by an odd multiple of π/2 about the Pauli (x, z): a Clifford gate."""

    x: int
    z: int
    sine: int
    """The sine of the angle, +1 or -1."""


Step = RandomRotation | FixedRotation | CliffordGate


@dataclass
class ProductStart:
    """The moments of the Bloch vector b of one qubit after its first gates; index 0 stands for the identity."""

    moments: FloatArray = field(default_factory=lambda: _extended(np.array([0.0, 0.0, 1.0])))
    """E (1, b)(1, b)ᵀ, shape (4, 4), in the order I, X, Y, Z."""
    derivatives: dict[int, FloatArray] = field(default_factory=dict)
    """E ∂b ∂bᵀ by each parameter of these gates, same shape."""
    factors: dict[int, float] = field(default_factory=dict)
    """The coefficient of each of these parameters in its angle."""


@dataclass(frozen=True, eq=False)
class MomentProgram:
    """What the walks run through: product states, then steps in the order of time."""

    num_qubits: int
    num_parameters: int
    start: tuple[ProductStart, ...]
    steps: tuple[Step, ...]
    factors: FloatArray
    """The coefficient of each parameter in the angle that it drives, shape (P,); 0 if it drives none."""
    is_uniform: bool
    """Whether the angles that parameters drive are uniform, so far as second moments tell."""


def moment_program(
    circuit: QuantumCircuit, distribution: InitialDistribution, *, absorb: bool = True, damping: float = 1.0
) -> MomentProgram:
    """Prepare a circuit for the second-moment engine.

    Args:
        circuit: The circuit.
        distribution: The distribution of its angles.
        absorb: Whether random rotations of single qubits at the beginning become moments of the initial state.
        damping: The factor by which depolarising noise multiplies the Bloch vector after each absorbed gate.

    Raises:
        UnsupportedCircuitError: If the circuit is not made of Clifford gates and rotations by independent, symmetric
            angles that are used once.
        ValueError: If the distribution has no moments.
    """
    program = lower(circuit)
    _refuse_dense(program)
    _refuse_shared(program)
    reader = _Reader(program, circuit, distribution)
    touched = [False] * program.num_qubits
    start = [ProductStart() for _ in range(program.num_qubits)]
    steps: list[Step] = []
    for operation in program.operations:
        qubits = qubits_of(operation.support)
        fresh = len(qubits) == 1 and not touched[qubits[0]]
        if isinstance(operation, CliffordGate):
            if fresh:
                _apply(start[qubits[0]], _clifford_matrix(operation), damping)
                continue
            steps.append(operation)
        elif isinstance(operation, PauliRotation) and qubits:
            if fresh and reader.absorb(operation, start[qubits[0]], absorb, damping):
                continue
            step = reader.step(operation)
            if step is not None:
                steps.append(step)
        for qubit in qubits:
            touched[qubit] = True
    return MomentProgram(
        program.num_qubits,
        program.num_parameters,
        tuple(start),
        tuple(steps),
        reader.factors,
        reader.is_uniform,
    )


class _Reader:
    """Turns rotations of a program into steps with moments."""

    def __init__(
        self,
        program: RotationProgram,
        circuit: QuantumCircuit,
        distribution: InitialDistribution,
    ) -> None:
        self._program = program
        self._circuit = circuit
        self._distribution = distribution
        self._functions: dict[float, ComplexArray] = {}
        self.factors = np.zeros(program.num_parameters)
        self.is_uniform = True

    def absorb(self, rotation: PauliRotation, start: ProductStart, absorb_random: bool, damping: float) -> bool:
        """Apply a rotation to the Bloch vector of a fresh qubit; False if it is random and must be walked through."""
        terms, offset = self._program.angles.rows.row(rotation.angle)
        axis = _axis(rotation)
        if not terms:
            _apply(start, _rotation_matrix(axis, math.cos(offset), math.sin(offset)), damping)
            return True
        if not absorb_random:
            return False
        step = self.step(rotation)
        if not isinstance(step, RandomRotation):
            raise TypeError("A rotation by a random angle is a random step.")
        keep, turn, cross = _axis_parts(axis)
        before, sine_squared = start.moments, 1 - step.cos_squared

        def average(matrix: FloatArray) -> FloatArray:
            return np.asarray(
                keep @ matrix @ keep
                + step.cos * (keep @ matrix @ turn + turn @ matrix @ keep)
                + step.cos_squared * turn @ matrix @ turn
                + sine_squared * cross @ matrix @ cross.T
            )

        damp = np.diag([1.0, damping, damping, damping])
        start.moments = damp @ average(before) @ damp
        start.derivatives = {k: damp @ average(matrix) @ damp for k, matrix in start.derivatives.items()}
        changed = sine_squared * turn @ before @ turn + step.cos_squared * cross @ before @ cross.T
        start.derivatives[step.parameter] = step.factor**2 * damp @ changed @ damp
        start.factors[step.parameter] = step.factor
        return True

    def step(self, rotation: PauliRotation) -> Step | None:
        """A step with its moments; None for a rotation that does nothing to second moments but a sign."""
        terms, offset = self._program.angles.rows.row(rotation.angle)
        if not terms:
            quarter = offset / (math.pi / 2)
            turns = round(quarter)
            if abs(quarter - turns) > 1e-9:
                raise UnsupportedCircuitError(
                    f"A rotation by the fixed angle {offset:.4g} is not a Clifford gate, which exact second moments "
                    "need. Use gradient_variance, which takes any angles."
                )
            if turns % 2 == 0:
                # exp(-iπP/2) is P up to a phase: a sign for what anticommutes with it
                return None if turns % 4 == 0 else FixedRotation(rotation.x, rotation.z, 0)
            return FixedRotation(rotation.x, rotation.z, 1 if turns % 4 == 1 else -1)
        (parameter, factor), *others = terms.items()
        if others or parameter >= self._program.num_parameters:
            raise UnsupportedCircuitError(
                "An angle is a function of a parameter or a sum of several (such as (π-x)(π-y)), so angles are not "
                "independent. Use gradient_variance, which takes any angles."
            )
        first = np.exp(1j * offset) * self._characteristic(factor)[parameter]
        second = np.exp(2j * offset) * self._characteristic(2 * factor)[parameter]
        if abs(first.imag) > _ZERO or abs(second.imag) > _ZERO:
            raise UnsupportedCircuitError(
                f"The angle {factor:.4g}·{self._program.parameters[parameter].name} + {offset:.4g} is not distributed "
                f"symmetrically about 0 by {self._distribution!r}, which exact second moments need. "
                "Choose a symmetric distribution, or use gradient_variance."
            )
        self.factors[parameter] = factor
        self.is_uniform = self.is_uniform and abs(first) < _ZERO and abs(second) < _ZERO
        return RandomRotation(
            rotation.x, rotation.z, parameter, factor, float(first.real), float((1 + second.real) / 2)
        )

    def _characteristic(self, frequency: float) -> ComplexArray:
        if frequency not in self._functions:
            self._functions[frequency] = self._distribution.characteristic_function(self._circuit, frequency)
        return self._functions[frequency]


def _refuse_dense(program: RotationProgram) -> None:
    if not program.is_pauli_based:
        raise UnsupportedCircuitError(
            "The circuit has fixed unitaries or state preparations, neither Clifford gates nor Pauli rotations. "
            "Use gradient_variance, which simulates states."
        )


def _refuse_shared(program: RotationProgram) -> None:
    uses: Counter[int] = Counter()
    for rotation in program.rotations:
        uses.update(atom for atom in program.angles.rows.row(rotation.angle)[0] if atom < program.num_parameters)
    shared = [program.parameters[atom].name for atom, count in uses.items() if count > 1]
    if shared:
        raise UnsupportedCircuitError(
            f"The parameter {shared[0]} drives {max(uses.values())} rotations (shared angle or controlled rotation): "
            "the loss has a higher degree in it and Clifford averages are wrong. Use gradient_variance, which takes "
            "any angles: by states, and on many qubits by Pauli propagation."
        )


def _extended(bloch: FloatArray) -> FloatArray:
    vector = np.concatenate([[1.0], bloch])
    return np.outer(vector, vector)


def _axis(rotation: PauliRotation) -> int:
    """0, 1, 2 for X, Y, Z."""
    return 1 if rotation.x and rotation.z else 0 if rotation.x else 2


def _axis_parts(axis: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The projector on the identity and the axis, the one on the plane, and the cross product with the axis."""
    keep = np.zeros((4, 4))
    keep[0, 0] = keep[axis + 1, axis + 1] = 1.0
    cross = np.zeros((4, 4))
    a, b = (axis + 1) % 3 + 1, (axis + 2) % 3 + 1
    cross[b, a], cross[a, b] = 1.0, -1.0
    return keep, np.eye(4) - keep, cross


def _rotation_matrix(axis: int, cosine: float, sine: float) -> FloatArray:
    keep, turn, cross = _axis_parts(axis)
    return keep + cosine * turn + sine * cross


def _clifford_matrix(gate: CliffordGate) -> FloatArray:
    """How a Clifford gate on one qubit acts on the Bloch vector."""
    matrix = np.zeros((4, 4))
    matrix[0, 0] = 1.0
    for place, (x, z) in enumerate([(1, 0), (1, 1), (0, 1)], start=1):
        image_x, image_z, sign = conjugate(gate.name, (0,), (x, z, 1))
        matrix[[(1, 0), (1, 1), (0, 1)].index((image_x, image_z)) + 1, place] = sign
    return matrix


def _apply(start: ProductStart, matrix: FloatArray, damping: float) -> None:
    matrix = np.diag([1.0, damping, damping, damping]) @ matrix
    start.moments = matrix @ start.moments @ matrix.T
    start.derivatives = {k: matrix @ value @ matrix.T for k, value in start.derivatives.items()}
