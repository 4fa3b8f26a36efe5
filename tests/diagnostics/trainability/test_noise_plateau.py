"""Decay under noise against closed forms of depolarised rotations."""

import json
import math

import matplotlib as mpl
import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qiskit_qml_ext.circuits import Ansatz, HardwareEfficientAnsatz
from qiskit_qml_ext.diagnostics import global_projector, local_observable, noise_induced_plateau
from qiskit_qml_ext.diagnostics.statistics.decay_rate import damping_and_rate
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import NoisyLoss, noisy_simulator
from qiskit_qml_ext.diagnostics.subject.problem import pose

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
    # the clean variance is 1/2; where the loss no longer varies, 4096 shots of Z see down to (1 - mean²)/4096
    seen = (1 - found.noisy_means[-1] ** 2) / 4096
    assert found.last_useful_depth.value == pytest.approx(math.log(found.clean_variances[-1].value / seen) / expected)
    assert "At 1 qubit noise multiplies the variance by 0.903 [" in found.headline()
    assert "(1 to 8 layers simulated). If that goes on," in found.headline()
    assert "falls to that of 4,096 shots near 72 layers." in found.headline()
    assert "interval" not in found.headline(), "the error of the fit is not that of going on"


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


def test_trajectories_agree_with_density_matrices_within_their_wider_intervals():
    noise = depolarised("cx", 0.05, 2)
    noise.add_all_qubit_quantum_error(amplitude_damping_error(0.02), ["ry"])
    arguments = {"num_qubits": 4, "depths": [1, 3, 6], "num_samples": 100, "seed": 5}
    exact = noise_induced_plateau(HardwareEfficientAnsatz(), local_observable, noise, **arguments)
    drawn = noise_induced_plateau(
        HardwareEfficientAnsatz(), local_observable, noise, method="trajectories", num_trajectories=8, **arguments
    )
    assert exact.num_trajectories is None
    assert drawn.num_trajectories == 8
    # 4σ at three depths and for the rate: false alarms below 3e-4
    for one, other in zip(exact.damping, drawn.damping, strict=True):
        assert abs(one.value - other.value) < 4 * math.hypot(one.standard_error, other.standard_error)
        assert other.high - other.low > one.high - one.low
    assert abs(exact.decay_rate.value - drawn.decay_rate.value) < 4 * drawn.decay_rate.standard_error
    assert drawn.decay_rate.standard_error > exact.decay_rate.standard_error
    assert "8 trajectories for each point" in drawn.summary()


def test_scatter_of_few_trajectories_does_not_enter_the_variance():
    """RY after RY with the error λ: the variance is λ-damped, a plain variance of two trajectories is far above it."""
    problem = pose(ChainOfRotations(reps=4), local_observable, num_qubits=1)
    loss = NoisyLoss(problem.circuit, local_observable(1), noisy_simulator(depolarised("ry", 0.3)), seed=0)
    rng = np.random.default_rng(0)
    values = problem.sample(1500, rng)
    one, other = (loss.trajectories(values, 2, rng) for _ in range(2))
    truth = 0.7**8 / 2
    covariance = float(np.cov(one, other)[0, 1])
    error = float(np.std((one - one.mean()) * (other - other.mean()))) / math.sqrt(1500)
    assert abs(covariance - truth) < 4 * error
    assert one.var() - truth > 20 * error
    # the scatter of the two readings is independent: 4σ of a correlation of 1500 pairs
    exact = loss.exact(values)
    assert abs(np.corrcoef(one - exact, other - exact)[0, 1]) < 4 / math.sqrt(1500)
    assert np.array_equal(one, loss.trajectories(values, 2, _after_sample(problem)))


def _after_sample(problem):
    rng = np.random.default_rng(0)
    problem.sample(1500, rng)
    return rng


def test_depths_at_which_nothing_is_left_do_not_enter_the_rate():
    found = noise_induced_plateau(
        ChainOfRotations(),
        local_observable,
        depolarised("ry", 0.3),
        num_qubits=1,
        depths=[1, 2, 30],
        num_samples=200,
        method="trajectories",
        num_trajectories=4,
        seed=1,
    )
    assert found.rate_depths == (1, 2)
    assert abs(found.decay_rate.value + 2 * math.log(0.7)) < 4 * found.decay_rate.standard_error
    assert found.damping[2].low < 0.01
    json.dumps(found.to_dict(), allow_nan=False)
    assert "from 2 of the depths" in found.summary()
    assert found.plot().get_yscale() == "log"


def test_a_rate_that_cannot_be_seen_is_said():
    found = noise_induced_plateau(
        ChainOfRotations(),
        local_observable,
        depolarised("ry", 0.9),
        num_qubits=1,
        depths=[8, 16],
        num_samples=20,
        method="trajectories",
        num_trajectories=2,
        seed=1,
    )
    assert "take more of them, or fewer layers" in found.headline()
    json.dumps(found.to_dict(), allow_nan=False)
    assert "nan" not in found.summary().split()


@pytest.mark.slow
def test_widths_beyond_density_matrices_go_to_trajectories():
    found = noise_induced_plateau(
        HardwareEfficientAnsatz(),
        local_observable,
        depolarised("cx", 0.1, 2),
        num_qubits=14,
        depths=[1, 3],
        num_samples=12,
        num_trajectories=4,
        seed=0,
    )
    assert found.num_trajectories == 4
    assert found.damping[1].value < found.damping[0].high


def test_mistakes_about_trajectories_are_named():
    def run(**changes):
        noise_induced_plateau(HardwareEfficientAnsatz(), local_observable, NoiseModel(), **{"num_qubits": 2, **changes})

    with pytest.raises(ValueError, match="method must be"):
        run(method="exact")
    with pytest.raises(ValueError, match="feasible up to 12"):
        run(method="density_matrix", num_qubits=13)
    with pytest.raises(ValueError, match="feasible up to 20"):
        run(num_qubits=21)
    with pytest.raises(ValueError, match="even number"):
        run(method="trajectories", num_trajectories=3)


@pytest.mark.parametrize("scatter", [0.0, 0.5])
def test_intervals_of_the_damping_cover_about_what_they_say(scatter):
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(200):
        clean = np.cos(rng.uniform(0, 2 * np.pi, 20)) * np.cos(rng.uniform(0, 2 * np.pi, 20))
        noisy = np.sqrt(0.7) * clean * (1 + 0.1 * rng.normal(size=20))
        readings = [noisy + scatter * rng.normal(size=20) for _ in range(2)] if scatter else [noisy, noisy]
        damping = damping_and_rate([1, 2], [(clean, *readings)] * 2, rng, 0.95)[0]
        inside += damping[0].contains(0.7 * 1.01)
    assert inside / 200 >= 0.85  # about 91 % of 20 exact samples, 95 % with scatter; four standard errors of 2 % below
