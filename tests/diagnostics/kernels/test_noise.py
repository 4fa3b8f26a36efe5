"""Noise as a source of concentration against channels whose effect on every entry is known."""

import json
import math
import re

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error
from qiskit_machine_learning.kernels import FidelityStatevectorKernel

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.diagnostics import diagnose, kernel_concentration
from qiskit_qml_ext.diagnostics.kernels.entries import KernelEntries
from qiskit_qml_ext.diagnostics.kernels.noise import at_least, entry_variance, spread_gain
from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.statistics.pair_statistics import kernel_moments
from qiskit_qml_ext.exceptions import StateTooLargeError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.targets import fake_backend

X = np.random.default_rng(0).uniform(0, 2, (20, 2))


def depolarising(probability: float) -> NoiseModel:
    """On two qubits this is global: k goes to p·k + (1-p)/4 with p = (1-probability) for every cx."""
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(probability, 2), ["cx"])
    return noise


def product_kernel(x: np.ndarray) -> np.ndarray:
    return np.prod(np.cos((x[:, None] - x[None]) / 2) ** 2, axis=2)


def noise_of(found):
    return next(source for source in found.sources if source.name == "noise")


def test_global_depolarising_divides_the_spread_by_its_survival_probability():
    # the feature map has 2 cx, the inversion test 4; at level 0 none is merged with its inverse
    source = noise_of(kernel_concentration(ZZFeatureMap(reps=1), X, noise=depolarising(0.05)))
    truth = 0.95**-4
    assert abs(source.gain.value - truth) < 4 * source.gain.standard_error < 0.06
    assert source.standard_deviation / source.reference == pytest.approx(source.gain.value)
    assert source.factor == source.gain.low


def test_errors_of_the_readout_are_included():
    """A symmetric flip q takes the only qubit's k to q + (1-2q)k."""
    noise = NoiseModel()
    noise.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.1, 0.9]]))
    gain = noise_of(kernel_concentration(AngleFeatureMap(), X[:, :1], noise=noise)).gain
    assert abs(gain.value - 1 / 0.8) < 4 * gain.standard_error < 0.06


def test_a_kernel_measured_with_noise_is_compared_with_the_exact_one():
    simulator = AerSimulator(noise_model=depolarising(0.05))
    there = connect(simulator, shots=1000, seed=3, optimization_level=0)
    found = kernel_concentration(FidelityKernel(ZZFeatureMap(reps=1), connection=there, psd_repair="clip"), X)
    gain = noise_of(found).gain
    assert abs(gain.value - 0.95**-4) < 4 * gain.standard_error < 0.1
    assert "Noise divides their spread by" in found.headline()
    rows = {name: (value, meaning) for name, value, meaning in found.rows()}
    assert rows["Without noise"][0] == f"{noise_of(found).standard_deviation:.3g}"
    assert rows["With noise"][0] == f"{noise_of(found).reference:.3g}"
    assert "the kernel as measured" in rows["With noise"][1]
    json.dumps(found.to_dict(), allow_nan=False)


def test_shots_alone_are_no_noise():
    found = kernel_concentration(ZZFeatureMap(), X, connection=connect("exact", shots=200, seed=0))
    gain = noise_of(found).gain
    assert abs(gain.value - 1) < 4 * gain.standard_error < 0.3
    assert noise_of(found).reference == pytest.approx(math.sqrt(found.last.variance.value), rel=1e-6)
    assert "Noise" not in found.headline()


def test_exact_kernels_have_no_noise_and_wide_or_foreign_ones_are_not_compared():
    assert all(source.name != "noise" for source in kernel_concentration(ZZFeatureMap(), X).sources)
    one = kernel_concentration(AngleFeatureMap(), X, connection=connect("exact", shots=1, seed=0))
    assert all(source.name != "noise" for source in one.sources)


def test_a_circuit_as_feature_map_is_compared_too():
    circuit = QuantumCircuit(2)
    theta = ParameterVector("θ", 2)
    for qubit in range(2):
        circuit.ry(theta[qubit], qubit)
    circuit.cx(0, 1)
    found = kernel_concentration(FidelityKernel(circuit), X, noise=depolarising(0.2))
    assert [source.name for source in found.sources] == ["noise"]
    assert abs(noise_of(found).gain.value - 0.8**-2) < 4 * noise_of(found).gain.standard_error


def test_shots_under_noise_are_those_of_the_noisy_entries():
    """Global depolarising noise takes k to k' = pk + (1-p)/4: S' = 4 mean[k'(1-k')]/Var k' is no g² times S."""
    survival = 0.95**4
    source = noise_of(kernel_concentration(ZZFeatureMap(reps=1), X, noise=depolarising(0.05), num_noise_samples=20))
    k = FidelityKernel(ZZFeatureMap(reps=1)).evaluate(X)[np.triu_indices(20, 1)]
    noisy = survival * k + (1 - survival) / 4
    truth = np.mean(noisy * (1 - noisy)) / np.mean(k * (1 - k)) / survival**2
    assert abs(source.shots.value - truth) < 4 * source.shots.standard_error < 0.3
    assert source.shots.contains(truth)
    assert source.shots.value > 1.05 * source.gain.value**2  # what g² leaves out
    finding = next(
        one for one in diagnose(ZZFeatureMap(reps=1), X, noise=depolarising(0.15)).findings
        if one.code == "noise_shrinks_spread"
    )  # fmt: skip
    assert re.search(
        r"by [\d.]+ \[.*\] \(.*\): it takes [\d.]+ \[.*\] times as many shots as without", finding.sentence
    )


def test_a_factor_without_an_upper_end_is_a_lower_limit():
    assert at_least(Estimate(15.0, 9.0, 5.98, math.inf)) == "at least 5.98"
    assert at_least(Estimate(15.0, 1.0, 13.0, 17.0)) == "15 [13, 17]"


def test_noise_that_leaves_nothing_is_said():
    found = kernel_concentration(ZZFeatureMap(reps=1), X, noise=depolarising(1.0), seed=3)
    source = noise_of(found)
    assert source.gain.low > 10
    assert source.gain.high == math.inf
    json.dumps(found.to_dict(), allow_nan=False)
    text = found.summary()
    assert "nan" not in text.split()


def test_variance_of_entries_is_that_of_the_moments_and_unbiased_with_shots():
    rng = np.random.default_rng(5)
    kernel = product_kernel(rng.normal(size=(12, 2)))
    noise = rng.uniform(0, 0.01, (12, 12))
    noise = noise + noise.T - np.diag(np.diag(noise + noise.T))
    assert entry_variance(kernel, noise) == pytest.approx(kernel_moments(kernel, noise)[1].value, rel=1e-12)
    drawn = []
    for _ in range(3000):
        upper = np.triu(rng.binomial(5, kernel) / 5, 1)
        entries = KernelEntries.from_matrix(upper + upper.T + np.eye(12), shots=5)
        drawn.append(entry_variance(entries.matrix, entries.noise))
    # 4σ of the mean of 3000 draws: false alarms 6e-5
    exact = entry_variance(kernel, np.zeros((12, 12)))
    assert abs(np.mean(drawn) - exact) < 4 * np.std(drawn) / math.sqrt(3000)


def test_intervals_of_the_gain_cover_what_they_say():
    rng = np.random.default_rng(2)
    survival, shots, inside = 0.7, 400, 0
    for _ in range(200):
        exact = product_kernel(rng.normal(size=(12, 2)))
        upper = np.triu(rng.binomial(shots, survival * exact + (1 - survival) / 4) / shots, 1)
        measured = KernelEntries.from_matrix(upper + upper.T + np.eye(12), shots=shots)
        inside += spread_gain(exact, measured, 0.95)[2].contains(1 / survival)
    assert inside / 200 >= 0.93  # a jackknife covers rather more than 95 %


def test_same_seed_gives_the_same_numbers():
    one, other = (kernel_concentration(ZZFeatureMap(), X, noise=depolarising(0.1), seed=4) for _ in range(2))
    assert one.to_dict() == other.to_dict()


def test_diagnosis_names_noise_with_its_price_and_its_remedy():
    report = diagnose(ZZFeatureMap(reps=1), X, noise=depolarising(0.15))
    assert any("Noise divides the spread" in finding.sentence for finding in report.findings)
    assert any("mitigate errors" in line for line in report.advice)
    gone = diagnose(ZZFeatureMap(reps=1), X, noise=depolarising(1.0))
    assert any("noise" in finding.sentence.lower() for finding in gone.findings if finding.level == "bad")
    mild = diagnose(ZZFeatureMap(reps=1), X, noise=depolarising(0.01))
    assert not any("Noise divides the spread of" in finding.sentence for finding in mild.findings)


def test_diagnosis_leaves_noise_out_where_it_takes_too_long_and_says_so():
    wide = diagnose(AngleFeatureMap(), np.random.default_rng(0).uniform(0, 2, (10, 9)), noise=depolarising(0.1))
    assert any(line.startswith("Noise: 9 qubits") for line in wide.skipped)
    assert "kernel_concentration" in wide.evidence
    few = diagnose(AngleFeatureMap(), X[:5], noise=depolarising(0.1))
    assert any("5 samples" in line for line in few.skipped)
    theirs = diagnose(FidelityStatevectorKernel(feature_map=ZZFeatureMap().build(2)), X, noise=depolarising(0.1))
    assert any("fidelity kernels only" in line for line in theirs.skipped)


def test_a_device_that_is_narrower_than_the_map_is_not_simulated_and_the_rest_is_done():
    wide = np.random.default_rng(0).uniform(0, 2, (12, 6))
    report = diagnose(AngleFeatureMap(), wide, noise=fake_backend("fake_manila"))
    assert "Noise: the kernel takes 6 qubits, but fake_manila has 5." in report.skipped
    assert any(one.code == "entries_differ" for one in report.findings)
    with pytest.raises(ValueError, match=r"takes 6 qubits, but fake_manila has 5\. Use fewer features"):
        kernel_concentration(AngleFeatureMap(), wide, noise=fake_backend("fake_manila"))


@pytest.mark.slow
def test_errors_that_a_backend_reports_are_used():
    source = noise_of(kernel_concentration(ZZFeatureMap(), X, noise=fake_backend("fake_manila"), num_noise_samples=8))
    assert source.gain.low > 1
    assert source.basis == "8 samples, fake_manila"


def test_mistakes_are_named():
    noise = depolarising(0.1)
    with pytest.raises(TypeError, match="FidelityStatevectorKernel"):
        kernel_concentration(FidelityStatevectorKernel(feature_map=ZZFeatureMap().build(2)), X, noise=noise)
    with pytest.raises(ValueError, match="at least 6 samples, but 5"):
        kernel_concentration(ZZFeatureMap(), X, noise=noise, num_noise_samples=5)
    with pytest.raises(StateTooLargeError, match="13"):
        kernel_concentration(AngleFeatureMap(), np.zeros((6, 13)) + np.arange(6)[:, None], noise=noise)
    with pytest.raises(TypeError, match="an Aer NoiseModel"):
        kernel_concentration(ZZFeatureMap(), X, noise="noise")
