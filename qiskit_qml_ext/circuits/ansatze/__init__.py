"""Ansätze, one family a file. To add one: write its file and list its class in ``ANSATZE``."""

from collections.abc import Mapping

from qiskit_qml_ext.circuits.ansatze.fermionic import GivensAnsatz, MatchgateAnsatz
from qiskit_qml_ext.circuits.ansatze.graph import (
    GraphEquivariantAnsatz,
    MultiAngleQAOAAnsatz,
    PermutationEquivariantAnsatz,
    QAOAAnsatz,
)
from qiskit_qml_ext.circuits.ansatze.hamiltonian_variational import HamiltonianVariationalAnsatz
from qiskit_qml_ext.circuits.ansatze.hardware_efficient import (
    BasicEntanglerAnsatz,
    HardwareEfficientAnsatz,
    RealAmplitudesAnsatz,
    StronglyEntanglingAnsatz,
)
from qiskit_qml_ext.circuits.ansatze.qcnn import QCNNAnsatz
from qiskit_qml_ext.circuits.ansatze.random_pauli import RandomPauliAnsatz
from qiskit_qml_ext.circuits.ansatze.sim import SimAnsatz
from qiskit_qml_ext.circuits.ansatze.simplified_two_design import BrickwallAnsatz, SimplifiedTwoDesignAnsatz
from qiskit_qml_ext.circuits.ansatze.tensor_network import MERAAnsatz, MPSAnsatz, TreeTensorNetworkAnsatz
from qiskit_qml_ext.circuits.registry import by_name, default_of
from qiskit_qml_ext.circuits.template import Ansatz

ANSATZE: Mapping[str, type[Ansatz]] = by_name(
    BasicEntanglerAnsatz,
    BrickwallAnsatz,
    GivensAnsatz,
    GraphEquivariantAnsatz,
    HamiltonianVariationalAnsatz,
    HardwareEfficientAnsatz,
    MERAAnsatz,
    MPSAnsatz,
    MatchgateAnsatz,
    MultiAngleQAOAAnsatz,
    PermutationEquivariantAnsatz,
    QAOAAnsatz,
    QCNNAnsatz,
    RandomPauliAnsatz,
    RealAmplitudesAnsatz,
    SimAnsatz,
    SimplifiedTwoDesignAnsatz,
    StronglyEntanglingAnsatz,
    TreeTensorNetworkAnsatz,
)
"""The ansätze by the short name that the command line uses."""


def ansatz_by_name(name: str) -> Ansatz:
    """Return an ansatz with its default settings.

    Args:
        name: One of the names in :data:`ANSATZE`.

    Raises:
        ValueError: If there is no such ansatz; the message names the most similar one and lists all.
    """
    return default_of("ansatz", ANSATZE, name)


__all__ = [
    "ANSATZE",
    "BasicEntanglerAnsatz",
    "BrickwallAnsatz",
    "GivensAnsatz",
    "GraphEquivariantAnsatz",
    "HamiltonianVariationalAnsatz",
    "HardwareEfficientAnsatz",
    "MERAAnsatz",
    "MPSAnsatz",
    "MatchgateAnsatz",
    "MultiAngleQAOAAnsatz",
    "PermutationEquivariantAnsatz",
    "QAOAAnsatz",
    "QCNNAnsatz",
    "RandomPauliAnsatz",
    "RealAmplitudesAnsatz",
    "SimAnsatz",
    "SimplifiedTwoDesignAnsatz",
    "StronglyEntanglingAnsatz",
    "TreeTensorNetworkAnsatz",
    "ansatz_by_name",
]
