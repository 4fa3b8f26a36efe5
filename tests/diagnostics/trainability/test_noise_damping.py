"""Noise as a cause of a plateau: what depolarising leaves of a gradient is known where all gates are alike."""

import json
import math

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error

from qiskit_qml_ext.circuits import HardwareEfficientAnsatz, QAOAAnsatz
from qiskit_qml_ext.diagnostics import diagnose, global_observable, global_projector, local_observable, plateau_causes
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import NoisyLoss, noisy_simulator, pauli_sum
from qiskit_qml_ext.diagnostics.subject.problem import pose
from qiskit_qml_ext.diagnostics.trainability.noise_damping import noise_damping, ratio_of_means
from qiskit_qml_ext.diagnostics.trainability.readings import exact_loss_and_gradient
from qiskit_qml_ext.exceptions import StateTooLargeError
from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.targets import fake_backend
from tests.diagnostics.families import product_circuit


def depolarised(gate: str, probability: float, qubits: int = 1) -> NoiseModel:
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(probability, qubits), [gate])
    return noise


def no_noise(found):
    return next(change for change in found.changes if change.name == "No noise")


@pytest.mark.parametrize(("observable", "weight"), [(local_observable, 1), (global_observable, 3)])
def test_depolarised_rotations_damp_the_squared_gradient_by_the_square_of_their_factor(observable, weight):
    """Each Z of the observable meets one RX with the error λ, which multiplies ⟨Z⟩ by 1-λ."""
    change = no_noise(plateau_causes(product_circuit(3), observable, noise=depolarised("rx", 0.2), seed=0))
    assert change.gain.value == pytest.approx(0.8 ** (-2 * weight), rel=1e-5)
    assert change.gain.high / change.gain.low == pytest.approx(1, abs=1e-5)
    assert change.before.value == pytest.approx(change.squared_gradient.value * 0.8 ** (2 * weight), rel=1e-5)
    assert change.helps == (weight == 3)
    assert change.subset == "60 points, one derivative at each"


def test_damping_of_a_subset_agrees_with_all_derivatives():
    """Relaxation damps derivatives unevenly; all of them, by central differences, are the independent slow path."""
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(amplitude_damping_error(0.2), ["ry"])
    problem = pose(HardwareEfficientAnsatz("y", reps=1), local_observable, num_qubits=3)
    found = noise_damping(problem, noise, seed=0)
    values = problem.sample(60, np.random.default_rng(0))  # the same points
    gradients = exact_loss_and_gradient(problem, values, connect())[1]
    loss = NoisyLoss(problem.circuit, pauli_sum(problem.observable), noisy_simulator(noise), seed=0)
    every = 0.0
    for column in range(values.shape[1]):
        step = np.zeros(values.shape[1])
        step[column] = 1e-4
        every += np.sum(((loss.exact(values + step) - loss.exact(values - step)) / 2e-4) ** 2)
    truth = every / np.sum(gradients**2)
    assert abs(found.remaining.value - truth) < 4 * found.remaining.standard_error
    assert found.remaining.standard_error < 0.1 * truth


def test_intervals_of_the_ratio_cover_what_they_say():
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(1000):
        clean = rng.normal(size=20) ** 2
        inside += ratio_of_means(clean * rng.uniform(0.2, 0.8, 20), clean, 0.95).contains(0.5)
    # 94 % in 3000 draws of another seed; four standard errors of 0.75 % below and above
    assert 0.91 <= inside / 1000 <= 0.97


def test_other_changes_start_without_noise_and_say_so():
    with_noise = plateau_causes(
        HardwareEfficientAnsatz(), global_observable, num_qubits=3, noise=depolarised("cx", 0.3, 2), seed=2
    )
    without = plateau_causes(HardwareEfficientAnsatz(), global_observable, num_qubits=3, seed=2)
    others = {change.name: change for change in with_noise.changes if change.name != "No noise"}
    assert {change.name: change for change in without.changes} == others
    assert "without noise" in with_noise.headline()
    assert "without noise" not in without.headline()
    assert all(change.before == without.squared_gradient for change in without.changes)
    assert "noise" in with_noise.causes
    assert "all other changes start without it" in with_noise.summary()
    json.dumps(with_noise.to_dict(), allow_nan=False)


def test_noise_that_leaves_nothing_is_an_endless_factor():
    noise = depolarised("rx", 1.0)
    found = plateau_causes(product_circuit(2), local_observable, noise=noise, seed=0)
    assert no_noise(found).gain.low > 1e12
    assert no_noise(found).helps
    json.dumps(found.to_dict(), allow_nan=False)
    assert "nan" not in found.summary().split()


def test_losses_without_a_gradient_have_no_factor():
    found = plateau_causes(product_circuit(2), SparsePauliOp("II"), noise=NoiseModel(), seed=0)
    assert math.isnan(no_noise(found).gain.value)
    assert not found.causes


def test_parameters_used_many_times_and_simulators_are_fine():
    simulator = AerSimulator(noise_model=depolarised("rzz", 0.3, 2))
    observable = SparsePauliOp(["IZZ", "ZZI"])
    found = plateau_causes(QAOAAnsatz(reps=1), observable, num_qubits=3, noise=simulator, num_samples=20, seed=0)
    assert 1 < no_noise(found).gain.low <= no_noise(found).gain.value < no_noise(found).gain.high


@pytest.mark.slow
def test_diagnosis_passes_noise_on_and_says_what_it_leaves_out():
    report = diagnose(HardwareEfficientAnsatz(reps=1), num_qubits=3, num_samples=20, noise=fake_backend("fake_manila"))
    causes = report.evidence["plateau_causes"]
    assert causes.noise == "fake_manila"
    wide = diagnose(HardwareEfficientAnsatz(reps=1), num_qubits=9, num_samples=4, noise=NoiseModel())
    assert any(line.startswith("Noise as a cause: 9 qubits") for line in wide.skipped)
    other = diagnose(
        HardwareEfficientAnsatz(reps=1), num_qubits=2, observable=global_projector, num_samples=4, noise=NoiseModel()
    )
    assert any("Pauli sums only" in line for line in other.skipped)


def test_mistakes_are_named():
    with pytest.raises(StateTooLargeError, match="13"):
        plateau_causes(product_circuit(13), local_observable, noise=NoiseModel(), num_samples=4)
    with pytest.raises(TypeError, match="measures Pauli sums"):
        plateau_causes(product_circuit(2), global_projector, noise=NoiseModel(), num_samples=4)
    with pytest.raises(TypeError, match="an Aer NoiseModel"):
        plateau_causes(product_circuit(2), local_observable, noise=1, num_samples=4)
