"""Decay under noise against closed forms of depolarised rotations."""

import json
import math

import matplotlib as mpl
import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qiskit_qml_ext.circuits import Ansatz, HardwareEfficientAnsatz
from qiskit_qml_ext.diagnostics import global_projector, local_observable, noise_induced_plateau

mpl.use("agg")


class ChainOfRotations(Ansatz):
    """RY after RY on every qubit: C = λ^L cos Σθ under depolarising noise."""

    name = "chain"
    reference = ""

    def __init__(self, *, reps: int = 1):
        self.reps = reps

    def build(self, num_qubits):
        circuit = QuantumCircuit(num_qubits)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        for _ in range(self.reps):
            for qubit in range(num_qubits):
                circuit.ry(next(angles), qubit)
        return circuit

    def num_parameters(self, num_qubits):
        return num_qubits * self.reps

    def two_qubit_gates(self, num_qubits):
        return 0

    def generators(self, num_qubits):
        return [SparsePauliOp("Y" * num_qubits)]


def depolarised(gate: str, probability: float, qubits: int = 1) -> NoiseModel:
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(probability, qubits), [gate])
    return noise


def test_depolarised_rotations_decay_at_exactly_their_rate():
    found = noise_induced_plateau(
        ChainOfRotations(),
        local_observable,
        depolarised("ry", 0.05),
        num_qubits=1,
        depths=[1, 2, 4, 8],
        num_samples=40,
        seed=0,
    )
    expected = -2 * math.log(0.95)
    assert found.decay_rate.value == pytest.approx(expected, abs=1e-9)
    assert found.decay_rate.low == pytest.approx(expected, abs=1e-8)
    for depth, damping in zip(found.depths, found.damping, strict=True):
        assert damping.value == pytest.approx(0.95 ** (2 * depth), rel=1e-9)
    # the clean variance is 1/2 and 4096 shots see down to 1/4096
    assert found.last_useful_depth.value == pytest.approx(math.log(found.clean_variances[-1].value * 4096) / expected)
    assert "shots see nothing" in found.headline()


def test_a_circuit_without_noise_does_not_decay():
    found = noise_induced_plateau(
        ChainOfRotations(), local_observable, NoiseModel(), num_qubits=1, depths=[1, 3], num_samples=10, seed=0
    )
    assert found.decay_rate.value == pytest.approx(0.0, abs=1e-9)
    assert found.last_useful_depth.value == math.inf or found.last_useful_depth.value > 1e6


def test_entangling_noise_decays_and_the_mean_goes_to_the_mixed_state():
    observable = SparsePauliOp(["III", "IZI"], [0.25, 1.0])
    found = noise_induced_plateau(
        HardwareEfficientAnsatz(), observable, depolarised("cx", 0.1, 2), num_qubits=3, depths=[1, 4, 10], seed=1
    )
    assert found.decay_rate.low > 0
    assert found.mixed_value == 0.25
    assert found.noisy_means[-1] == pytest.approx(0.25, abs=0.05)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["depths"] == [1, 4, 10]
    assert found.plot().get_yscale() == "log"
    assert "Decay rate" in found.summary()


def test_errors_that_a_backend_reports_are_used():
    found = noise_induced_plateau(
        HardwareEfficientAnsatz(), local_observable, FakeManilaV2(), num_qubits=3, depths=[1, 6], num_samples=30, seed=1
    )
    assert found.damping[1].value < found.damping[0].value < 1
    assert "manila" in found.noise.lower()


def test_mistakes_are_named():
    noise = NoiseModel()
    with pytest.raises(ValueError, match="at least two"):
        noise_induced_plateau(HardwareEfficientAnsatz(), local_observable, noise, num_qubits=2, depths=[3])
    with pytest.raises(TypeError, match="setting reps"):
        noise_induced_plateau(QuantumCircuit(2), local_observable, noise, num_qubits=2)
    with pytest.raises(TypeError, match="NoiseModel"):
        noise_induced_plateau(HardwareEfficientAnsatz(), local_observable, "noise", num_qubits=2)
    with pytest.raises(TypeError, match="measures Pauli sums"):
        noise_induced_plateau(HardwareEfficientAnsatz(), global_projector, noise, num_qubits=2)


def test_same_seed_gives_the_same_numbers():
    arguments = {"num_qubits": 2, "depths": [1, 2], "num_samples": 8, "seed": 3}
    one, other = (
        noise_induced_plateau(HardwareEfficientAnsatz(), local_observable, depolarised("cx", 0.1, 2), **arguments)
        for _ in range(2)
    )
    assert np.array_equal(one.to_dict()["noisy_means"], other.to_dict()["noisy_means"])
