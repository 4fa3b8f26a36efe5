"""Operations beyond the standard gates: what a circuit may hold that has a matrix, a definition, or both."""

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import AnnotatedOperation, ControlModifier, Gate, InverseModifier, Parameter, PowerModifier
from qiskit.circuit.library import (
    AndGate,
    BitwiseXorGate,
    C3SXGate,
    DiagonalGate,
    ExactReciprocalGate,
    GraphStateGate,
    HamiltonianGate,
    HGate,
    IntegerComparatorGate,
    Isometry,
    LinearFunction,
    LinearPauliRotationsGate,
    MCMTGate,
    MCPhaseGate,
    ModularAdderGate,
    OrGate,
    PauliEvolutionGate,
    PauliGate,
    PauliProductRotationGate,
    PermutationGate,
    PhaseOracleGate,
    QFTGate,
    RC3XGate,
    RVGate,
    RXGate,
    RYGate,
    RZZGate,
    StatePreparation,
    SwapGate,
    UCGate,
    UCPauliRotGate,
    UCRYGate,
    UniformSuperpositionGate,
    UnitaryGate,
    XGate,
    efficient_su2,
    zz_feature_map,
)
from qiskit.quantum_info import (
    Operator,
    Pauli,
    SparseObservable,
    SparsePauliOp,
    random_clifford,
    random_unitary,
)
from qiskit.synthesis import LieTrotter, MatrixExponential, QDrift, SuzukiTrotter

FIELD = SparsePauliOp(["ZZI", "XIX", "IYY", "III", "ZIZ"], [1.0, 0.6, -0.3, 0.2, 0.4])
COMMUTING = SparsePauliOp(["ZZI", "IZZ", "XXX", "III"], [0.3, -0.4, 0.5, 0.1])
t = Parameter("t")


class Contradictory(Gate):
    """A gate whose definition (RX on one qubit) is not its matrix (RZZ)."""

    def __init__(self, angle):
        super().__init__("contradictory", 2, [angle])

    def _define(self):
        self.definition = QuantumCircuit(2)
        self.definition.rx(self.params[0], 0)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(RZZGate(float(self.params[0])).to_matrix(), dtype=dtype)


class Consistent(Contradictory):
    """A gate whose definition is its matrix."""

    def _define(self):
        self.definition = QuantumCircuit(2)
        self.definition.rzz(self.params[0], 0, 1)


class Hidden(Gate):
    """A gate whose matrix depends on what neither its parameters nor its definition tell."""

    def __init__(self, angle):
        super().__init__("hidden", 1, [])
        self.angle = angle

    def __array__(self, dtype=None, copy=None):
        return np.asarray(RXGate(self.angle).to_matrix(), dtype=dtype)


class OtherMatrix(RXGate):
    """A subclass of a standard gate that brings another matrix."""

    def __array__(self, dtype=None, copy=None):
        return np.asarray(RYGate(float(self.params[0])).to_matrix(), dtype=dtype)


def nested(time):
    """An evolution gate inside of a custom gate."""
    circuit = QuantumCircuit(3, global_phase=0.2)
    circuit.append(PauliEvolutionGate(FIELD, time), [2, 0, 1])
    circuit.ry(time, 0)
    return circuit.to_gate()


def evolutions(time):
    """Evolution gates of every kind, with one time."""
    projectors = SparseObservable.from_list([("0+r", 1.0), ("ZII", 0.3)])
    matrix = FIELD.to_matrix()
    return {
        "field": PauliEvolutionGate(FIELD, time),
        "field in another order": PauliEvolutionGate(FIELD[[3, 1, 4, 0, 2]], time),
        "commuting": PauliEvolutionGate(COMMUTING, time),
        "single string": PauliEvolutionGate(Pauli("-XYZ"), time),
        "identity": PauliEvolutionGate(SparsePauliOp("II", 0.7), time),
        "list": PauliEvolutionGate([FIELD, SparsePauliOp("XXX")], time),
        "projectors": PauliEvolutionGate(projectors, time),
        "repeated strings": PauliEvolutionGate(SparsePauliOp(["XI", "ZI", "XI"], [0.3, 0.2, -0.3]), time),
        "expression": PauliEvolutionGate(FIELD, 2 * time**2 + 0.3),
        "suzuki": PauliEvolutionGate(FIELD, time, synthesis=SuzukiTrotter(2, 3)),
        "lie": PauliEvolutionGate(FIELD, time, synthesis=LieTrotter(reps=2)),
        "controlled": PauliEvolutionGate(FIELD, time).control(2, ctrl_state=1),
        "power": PauliEvolutionGate(FIELD, time).power(1.7),
        "inverse": PauliEvolutionGate(FIELD, time).inverse(),
        "nested": nested(time),
        "nested inverse": nested(time).inverse(),
        "hamiltonian": HamiltonianGate(matrix, time),
        "hamiltonian of one qubit": HamiltonianGate([[1.0, 0.3j], [-0.3j, 0.2]], time),
        "hamiltonian of five qubits": HamiltonianGate((FIELD ^ "ZX").to_matrix(), time),
        "hamiltonian inverse": HamiltonianGate(matrix, time).inverse(),
        "annotated": AnnotatedOperation(nested(time), [InverseModifier(), ControlModifier(2, 2), PowerModifier(-2)]),
        "annotated hamiltonian": AnnotatedOperation(HamiltonianGate(matrix, time), [ControlModifier(1, 0)]),
        "consistent gate": Consistent(time),
        "consistent gate controlled": AnnotatedOperation(Consistent(time), ControlModifier(1)),
        "product rotation": PauliProductRotationGate(Pauli("XZY"), time),
    }


def fixed_operations():
    """Operations without parameters."""
    rng = np.random.default_rng(11)
    amplitudes = rng.normal(size=4) + 1j * rng.normal(size=4)
    amplitudes /= np.linalg.norm(amplitudes)
    isometry = random_unitary(8, seed=3).data[:, :2]
    return {
        **{f"{label} at 0.7": gate for label, gate in evolutions(0.7).items()},
        "exponential of a matrix": PauliEvolutionGate(FIELD, 0.7, synthesis=MatrixExponential()),
        "random product formula": PauliEvolutionGate(FIELD, 0.7, synthesis=QDrift(seed=1)),
        "root of an evolution": AnnotatedOperation(PauliEvolutionGate(FIELD, 2.4), [PowerModifier(0.5)]),
        "controlled hamiltonian": HamiltonianGate(FIELD.to_matrix(), 0.7).control(1, ctrl_state=0, annotated=False),
        "controlled nested": nested(0.7).control(1, annotated=False),
        "contradictory": Contradictory(0.7),
        "contradictory controlled": AnnotatedOperation(Contradictory(0.7), ControlModifier(1)),
        "hidden": Hidden(0.7),
        "other matrix": OtherMatrix(0.7),
        "and": AndGate(2, [1, -1]),
        "or": OrGate(2, [1, -1]),
        "xor": BitwiseXorGate(2, 1),
        "comparator": IntegerComparatorGate(2, 2),
        "adder": ModularAdderGate(2),
        "reciprocal": ExactReciprocalGate(2, 0.4),
        "phase oracle": PhaseOracleGate("(a & ~b) | c"),
        "linear rotations": LinearPauliRotationsGate(2, 0.3, 0.2),
        "graph state": GraphStateGate(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]])),
        "linear function": LinearFunction([[1, 1, 0], [0, 1, 1], [0, 0, 1]]),
        "superposition": UniformSuperpositionGate(3, 2),
        "isometry": Isometry(isometry, 0, 0),
        "uc gate": UCGate([random_unitary(2, seed=seed).data for seed in range(4)]),
        "uc rotation": UCPauliRotGate([0.1, 0.5, 0.9, -0.3], "X"),
        "ucry": UCRYGate([0.1, 0.5, 0.9, -0.3]),
        "rv": RVGate(0.3, 0.4, -0.5),
        "qft": QFTGate(3),
        "inverse qft": QFTGate(3).inverse(),
        "diagonal": DiagonalGate([1, 1j, -1, np.exp(0.4j)]),
        "mcphase": MCPhaseGate(0.4, 3),
        "ccx": XGate().control(2),
        "c3x": XGate().control(3),
        "c4x": XGate().control(4),
        "c3sx": C3SXGate(),
        "rc3x": RC3XGate(),
        "open ccx": XGate().control(2, ctrl_state=1),
        "mcx": XGate().control(4, ctrl_state=5),
        "mcmt": MCMTGate(HGate(), 2, 1),
        "permutation": PermutationGate([2, 0, 1]),
        "pauli": PauliGate("XYZ"),
        "operator": Operator(random_unitary(8, seed=4)).to_instruction(),
        "unitary": UnitaryGate(random_unitary(4, seed=2)),
        "clifford": random_clifford(3, seed=5),
        "controlled clifford": AnnotatedOperation(random_clifford(2, seed=3), [ControlModifier(2, 1)]),
        "controlled swap": AnnotatedOperation(SwapGate(), ControlModifier(2, 2)),
        "root of h": HGate().power(0.3),
        "annotated root": AnnotatedOperation(RYGate(2.2), [PowerModifier(0.5), ControlModifier(1)]),
        "annotated twice": AnnotatedOperation(
            AnnotatedOperation(RYGate(0.4), ControlModifier(1)), ControlModifier(1, 0)
        ),
        "annotated other matrix": AnnotatedOperation(OtherMatrix(0.4), ControlModifier(1)),
        "large power": AnnotatedOperation(RYGate(0.3), [PowerModifier(1000)]),
        "state preparation on busy qubits": StatePreparation(amplitudes),
        "efficient_su2": efficient_su2(3, reps=1).assign_parameters(np.arange(12) * 0.3).to_gate(),
        "annotated feature map": AnnotatedOperation(
            zz_feature_map(2, reps=1).assign_parameters([0.3, 0.5]).to_gate(), [ControlModifier(1), InverseModifier()]
        ),
    }
