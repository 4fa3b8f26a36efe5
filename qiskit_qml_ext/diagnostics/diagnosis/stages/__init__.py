"""The stages of a diagnosis, in the order in which they run and stand in the report; a new one is a file and a line."""

from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.kernel_request import KernelRequest
from qiskit_qml_ext.diagnostics.diagnosis.stage import Stage
from qiskit_qml_ext.diagnostics.diagnosis.stages.causes import Causes
from qiskit_qml_ext.diagnostics.diagnosis.stages.concentration import Concentration
from qiskit_qml_ext.diagnostics.diagnosis.stages.descriptors import Entanglement, Expressiveness
from qiskit_qml_ext.diagnostics.diagnosis.stages.difference import Difference, DifferenceRead
from qiskit_qml_ext.diagnostics.diagnosis.stages.gradient import Gradient
from qiskit_qml_ext.diagnostics.diagnosis.stages.initial_angles import InitialAngles
from qiskit_qml_ext.diagnostics.diagnosis.stages.moments import BoundedMoment, ChainedMoment, WalkedMoments
from qiskit_qml_ext.diagnostics.diagnosis.stages.network import NetworkAssumptions, NetworkWidth
from qiskit_qml_ext.diagnostics.diagnosis.stages.noise import NoiseWithDepth
from qiskit_qml_ext.diagnostics.diagnosis.stages.obstacles import NoNoise, TooWide
from qiskit_qml_ext.diagnostics.diagnosis.stages.prices import GradientOnBackend, KernelOnBackend
from qiskit_qml_ext.diagnostics.diagnosis.stages.scaling import Scaling
from qiskit_qml_ext.diagnostics.diagnosis.stages.scores import Scores

CIRCUIT_STAGES: tuple[Stage[CircuitRequest], ...] = (
    NetworkAssumptions(),
    TooWide(),
    WalkedMoments(),
    ChainedMoment(),
    BoundedMoment(),
    Gradient(),
    Scaling(),
    NoNoise(),
    Causes(),
    InitialAngles(),
    Expressiveness(),
    Entanglement(),
    NoiseWithDepth(),
    NetworkWidth(),
    GradientOnBackend(),
)
"""What is looked at of an ansatz, a circuit or a network."""

KERNEL_STAGES: tuple[Stage[KernelRequest], ...] = (
    Concentration(),
    Difference(),
    Scores(),
    DifferenceRead(),
    KernelOnBackend(),
)
"""What is looked at of a kernel on data."""
