"""The operations that a rotation program consists of, and the program itself."""

from dataclasses import dataclass

from qiskit.circuit import Parameter

from qiskit_qml_ext.arrays import ComplexArray
from qiskit_qml_ext.program.angles import AngleMap


@dataclass(frozen=True)
class PauliRotation:
    """exp(-i θ P / 2) about the Pauli string P(x, z), see :mod:`qiskit_qml_ext.program.pauli`.

    Attributes:
        x: Bit mask of the qubits on which P acts as X or Y.
        z: Bit mask of the qubits on which P acts as Z or Y.
        angle: Which angle of the program's map is θ.
    """

    x: int
    z: int
    angle: int

    @property
    def support(self) -> int:
        """Bit mask of the qubits on which P is not the identity."""
        return self.x | self.z


@dataclass(frozen=True)
class CliffordGate:
    """A Clifford gate with one of the names in :data:`~qiskit_qml_ext.program.pauli.CLIFFORD_NAMES`.

    Attributes:
        name: Qiskit's name of the gate.
        qubits: The qubits in the order of the gate's arguments (for ``cx``: control, target).
    """

    name: str
    qubits: tuple[int, ...]

    @property
    def support(self) -> int:
        """Bit mask of the qubits acted on."""
        return sum(1 << qubit for qubit in self.qubits)


@dataclass(frozen=True, eq=False)
class DenseUnitary:
    """A fixed unitary matrix on a few qubits.

    Attributes:
        matrix: Shape (2**k, 2**k), complex; bit j of a row or column index belongs to ``qubits[j]``.
        qubits: The k qubits.
    """

    matrix: ComplexArray
    qubits: tuple[int, ...]

    @property
    def support(self) -> int:
        """Bit mask of the qubits acted on."""
        return sum(1 << qubit for qubit in self.qubits)


@dataclass(frozen=True, eq=False)
class InitialState:
    """The preparation of a fixed state on qubits that nothing has acted on before.

    Attributes:
        amplitudes: Shape (2**k,), complex, of norm 1; bit j of an index belongs to ``qubits[j]``.
        qubits: The k qubits.
    """

    amplitudes: ComplexArray
    qubits: tuple[int, ...]

    @property
    def support(self) -> int:
        """Bit mask of the qubits acted on."""
        return sum(1 << qubit for qubit in self.qubits)


Operation = PauliRotation | CliffordGate | DenseUnitary | InitialState


@dataclass(frozen=True, eq=False)
class RotationProgram:
    """A circuit as Pauli rotations, Clifford gates and (rarely) fixed dense operations, acting on |0…0>.

    Attributes:
        num_qubits: Number of qubits n.
        parameters: The circuit's parameters, in the order of ``circuit.parameters``; column j of an array of parameter
            values belongs to ``parameters[j]``.
        operations: In the order of time.
        angles: The map from parameters to angles in radians.
        phase: Which angle is the global phase γ (the state carries exp(iγ)), or None for γ = 0.
    """

    num_qubits: int
    parameters: tuple[Parameter, ...]
    operations: tuple[Operation, ...]
    angles: AngleMap
    phase: int | None = None

    @property
    def num_parameters(self) -> int:
        """Number of parameters P."""
        return len(self.parameters)

    @property
    def rotations(self) -> tuple[PauliRotation, ...]:
        """The Pauli rotations among the operations."""
        return tuple(operation for operation in self.operations if isinstance(operation, PauliRotation))

    @property
    def is_pauli_based(self) -> bool:
        """Whether the program consists of Pauli rotations and Clifford gates only."""
        return all(isinstance(operation, PauliRotation | CliffordGate) for operation in self.operations)

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{sum(isinstance(operation, kind) for operation in self.operations)} {label}"
            for kind, label in (
                (PauliRotation, "rotations"),
                (CliffordGate, "Clifford gates"),
                (DenseUnitary, "dense unitaries"),
                (InitialState, "initial states"),
            )
        )
        return f"RotationProgram({self.num_qubits} qubits, {self.num_parameters} parameters, {counts})"
