"""Every template with the settings under which the laws are tested: all defaults from the registries, and variants."""

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_qml_ext.circuits import (
    ANSATZE,
    FEATURE_MAPS,
    AmplitudeFeatureMap,
    AngleFeatureMap,
    BasicEntanglerAnsatz,
    BrickwallAnsatz,
    ChebyshevFeatureMap,
    ChebyshevTowerFeatureMap,
    CovariantFeatureMap,
    ExponentialFeatureMap,
    GivensAnsatz,
    GraphEquivariantAnsatz,
    HamiltonianVariationalAnsatz,
    HardwareEfficientAnsatz,
    HardwareEfficientFeatureMap,
    HeisenbergFeatureMap,
    HighDimFeatureMap,
    IQPFeatureMap,
    MatrixProductFeatureMap,
    MERAAnsatz,
    MPSAnsatz,
    PauliFeatureMap,
    QAOAAnsatz,
    QAOAEmbedding,
    QCNNAnsatz,
    RandomPauliAnsatz,
    RealAmplitudesAnsatz,
    ReuploadingFeatureMap,
    ReuploadingModel,
    SimAnsatz,
    StronglyEntanglingAnsatz,
    TrainableRingFeatureMap,
    TreeTensorNetworkAnsatz,
    ZZFeatureMap,
)

DEFAULT_MAPS = [map_() for map_ in FEATURE_MAPS.values()]
DEFAULT_ANSATZE = [ansatz() for ansatz in ANSATZE.values()]

FEATURE_MAP_CASES = [
    *DEFAULT_MAPS,
    AmplitudeFeatureMap(padding=0.5, bandwidth=0.3),
    AngleFeatureMap("x", reps=2, entanglement="circular", bandwidth=0.7),
    AngleFeatureMap("z", reps=2, entanglement="sca"),
    ChebyshevFeatureMap(degree=3, qubits_per_feature=1, reps=2, entanglement="pairwise", bandwidth=0.9),
    ChebyshevTowerFeatureMap(qubits_per_feature=1),
    CovariantFeatureMap("zyz", fiducial_angle=None, entanglement="full"),
    ExponentialFeatureMap(2, qubits_per_feature=1, rotation="z", reps=2, entanglement="linear"),
    HardwareEfficientFeatureMap("xz", reps=3, entanglement="sca", entangler="ecr"),
    HardwareEfficientFeatureMap("y", reps=1, entanglement=None, entangler="cz"),
    HeisenbergFeatureMap(num_trotter_steps=2, evolution_time=0.4, seed=5, entanglement="reverse_linear"),
    HeisenbergFeatureMap(num_trotter_steps=2, entanglement="none"),
    HighDimFeatureMap(3, rotations="zx", entanglement="linear", entangler="cz", bandwidth=0.5),
    IQPFeatureMap(reps=1, entanglement="reverse_linear", bandwidth=0.4),
    IQPFeatureMap(reps=1, entanglement="none"),
    MatrixProductFeatureMap(4),
    MatrixProductFeatureMap(2, entanglement="none"),
    PauliFeatureMap(("X", "ZZ", "YXY"), reps=1, alpha=1.5),
    PauliFeatureMap(("Z", "ZZZ"), entanglement="sca"),
    QAOAEmbedding(reps=1, register_size=8, local_field="x", entanglement="linear"),
    ReuploadingFeatureMap(reps=2, register_size=1),
    ReuploadingFeatureMap(reps=2, register_size=3, entanglement="full"),
    ReuploadingModel(IQPFeatureMap(reps=1), RealAmplitudesAnsatz(reps=1), reps=2, first_layer=False),
    ReuploadingModel(TrainableRingFeatureMap(reps=1), SimAnsatz(6), reps=1),
    TrainableRingFeatureMap(reps=4, register_size=2),
    ZZFeatureMap(reps=1, entanglement="pairwise", bandwidth=0.2),
    ZZFeatureMap(reps=2, entanglement="sca"),
]

ANSATZ_CASES = [
    *DEFAULT_ANSATZE,
    *[SimAnsatz(number) for number in range(1, 20)],
    SimAnsatz(7, reps=2),
    BasicEntanglerAnsatz("y", reps=1, entanglement="full"),
    BrickwallAnsatz("simple", reps=3),
    GivensAnsatz(num_particles=1, reps=1, phases=False),
    GraphEquivariantAnsatz([], reps=1),
    *[
        HamiltonianVariationalAnsatz(model, periodic=periodic, shared=shared, initial_state=shared)
        for model in ("tfim", "xxz", "heisenberg")
        for periodic in (False, True)
        for shared in (False, True)
    ],
    HardwareEfficientAnsatz("xyz", reps=1, entanglement="sca", entangler="ecr", final_rotations=False),
    HardwareEfficientAnsatz("zx", reps=2, entanglement="none", entangler="cz"),
    MERAAnsatz("su4"),
    MPSAnsatz("su4", reps=2),
    QAOAAnsatz([], reps=1),
    QCNNAnsatz("simple", shared=False),
    QCNNAnsatz("simple"),
    RandomPauliAnsatz(reps=5, seed=11),
    RealAmplitudesAnsatz(reps=1, entanglement="circular", final_rotations=False),
    StronglyEntanglingAnsatz(reps=3),
    TreeTensorNetworkAnsatz("su4"),
]

TEMPLATES = [*FEATURE_MAP_CASES, *ANSATZ_CASES]


def min_width(template) -> int:
    return getattr(template, "min_qubits", 1)


def widths(template) -> range:
    return range(min_width(template), 9)


def label(template) -> str:
    return f"{template.name}-{TEMPLATES.index(template) if template in TEMPLATES else 'x'}"


def named_fiducial() -> CovariantFeatureMap:
    """Return a covariant map on two qubits whose fiducial state is a circuit with a parameter of its own name."""
    fiducial = QuantumCircuit(2)
    fiducial.h([0, 1])
    fiducial.rzz(Parameter("coupling"), 0, 1)
    return CovariantFeatureMap("zx", fiducial=fiducial)
