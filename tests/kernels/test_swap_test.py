"""The swap test against Qiskit's states and density matrices, and its law of errors."""

import numpy as np
import pytest
from kernel_maps import COMMUTING, GENERAL, PAIRS, POINTS, commuting_map, general_map
from noisy_outcomes import noise_model, read
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning
from qiskit_qml_ext.kernels import FidelityKernel, ReadoutErrors
from qiskit_qml_ext.primitives import connect


def swapping(feature_map, connection, **settings):
    return FidelityKernel(feature_map, connection=connection, method="swap", **settings)


@pytest.mark.parametrize("target", ["exact", "aer"])
@pytest.mark.parametrize(("make", "known"), [(commuting_map, COMMUTING), (general_map, GENERAL)])
def test_the_control_reads_zero_with_one_half_of_one_plus_the_fidelity(make, known, target):
    circuit = swapping(make(), connect(target, shots=10)).circuit(3)
    assert (circuit.num_qubits, circuit.num_clbits) == (7, 1)
    for k, (i, j) in zip(known["fidelity"], zip(*PAIRS, strict=True), strict=True):
        bound = circuit.assign_parameters(np.concatenate([POINTS[i], POINTS[j]]))
        bound.remove_final_measurements()
        assert Statevector(bound).probabilities([0])[0] == pytest.approx((1 + k) / 2, abs=1e-9)


@pytest.mark.parametrize("target", ["exact", "aer"])
def test_estimates_are_within_their_errors(target):
    estimate = swapping(general_map(), connect(target, shots=4000, seed=3)).evaluate_with_errors(POINTS)
    known = np.array(GENERAL["fidelity"])
    # 3 entries, 2 targets: beyond 4 standard errors with a probability of about 6 · 6e-5; fixed seed
    assert np.all(np.abs(estimate.matrix[PAIRS] - known) < 4 * estimate.standard_errors[PAIRS])
    assert_allclose(estimate.standard_errors[PAIRS], np.sqrt((1 - known**2) / 4000), rtol=0.05)
    assert_allclose(np.diagonal(estimate.matrix), 1, atol=0)
    assert (estimate.shots, estimate.outcomes) == (4000, None)


def test_estimates_are_unbiased_with_the_variance_of_the_swap_test_and_may_be_negative():
    x = np.linspace(0, 3, 25)[:, None]
    k = np.cos((x - x.T) / 2)[np.triu_indices(25, 1)] ** 2
    values = swapping(AngleFeatureMap(), connect(shots=100, seed=4)).evaluate(x)[np.triu_indices(25, 1)]
    deviations = (values - k) / np.sqrt((1 - k**2) / 100)
    # 300 independent entries: 4 standard errors of the mean, 0.058, and of the standard deviation, 0.041; fixed seed
    assert abs(np.mean(deviations)) < 0.24
    assert np.std(deviations) == pytest.approx(1, abs=0.17)
    assert min(values) < 0


def test_under_noise_it_is_what_density_matrices_give():
    noise = noise_model(0.02)
    connection = connect("aer", shots=6000, seed=8, noise_model=noise)
    circuit = QuantumCircuit(2)
    for qubit in range(2):
        circuit.ry(Parameter(f"x{qubit}"), qubit)
    circuit.cx(0, 1)
    kernel = swapping(circuit, connection, run_diagonal=True)
    x = np.array([[0.4, 1.1], [-0.6, 0.9]])
    isa = connection.isa_circuit(kernel.circuit(2))
    estimate = kernel.evaluate_with_errors(x)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        expected = 2 * read(isa.assign_parameters(np.concatenate([x[i], x[j]])), noise)[0] - 1
        # 3 entries: beyond 4 standard errors with a probability of about 3 · 6e-5; fixed seed. A pair runs in one
        # order; noise tells the two registers apart by less than 1e-2
        bound = 4 * estimate.standard_errors[i, j] + 1e-2 * (i != j)
        assert abs(estimate.matrix[i, j] - expected) < bound
    assert np.diagonal(estimate.matrix).max() < 0.98


def test_readout_errors_of_the_control_are_undone():
    noise = noise_model(0.0, (0.05, 0.1))
    connection = connect("aer", shots=20_000, seed=2, noise_model=noise)
    raw = swapping(general_map(), connection).evaluate_with_errors(POINTS)
    corrected = swapping(general_map(), connection, readout_correction=ReadoutErrors(0.05, 0.1))
    estimate = corrected.evaluate_with_errors(POINTS)
    known = np.array(GENERAL["fidelity"])
    assert np.all(np.abs(estimate.matrix[PAIRS] - known) < 4 * estimate.standard_errors[PAIRS])
    assert np.all(np.abs(raw.matrix[PAIRS] - (known * 0.85 + 0.05)) < 4 * raw.standard_errors[PAIRS])
    assert estimate.applied == ("ReadoutCorrection(p=0.05, q=0.1)",)
    assert connection.usage.circuits == 3
    with pytest.raises(ValueError, match="rates of 3 qubits, but 1 are measured"):
        corrected.set_params(readout_correction=ReadoutErrors((0.1,) * 3, 0.1)).evaluate(POINTS)


def test_pairs_run_once_and_the_plan_counts_those_that_are_missing():
    connection = connect("aer", shots=20, seed=1)
    kernel = swapping(ZZFeatureMap(), connection)
    assert kernel.plan(POINTS).circuits == 3
    first = kernel.evaluate(POINTS)
    np.testing.assert_array_equal(kernel.evaluate(POINTS[::-1]), first[::-1, ::-1])
    assert connection.usage.circuits == 3
    assert kernel.plan(np.vstack([POINTS, POINTS[:1] + 0.1])).circuits == 3
    chosen = kernel.chosen_method(3)
    assert (chosen.name, chosen.reason) == ("swap", "method='swap' was asked for")
    assert FidelityKernel(ZZFeatureMap(), connection=connection).chosen_method(3).name == "sampled"


def test_a_feature_map_with_idle_qubits_takes_only_those_that_it_uses():
    circuit = QuantumCircuit(4)
    circuit.ry(Parameter("x"), 2)
    kernel = swapping(circuit, connect("aer", shots=4000, seed=1))
    assert kernel.circuit(1).num_qubits == 3
    assert kernel.evaluate([[0.0], [np.pi / 2]])[0, 1] == pytest.approx(0.5, abs=0.08)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
def test_it_warns_of_product_formulas_and_says_how_large_their_error_is():
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["ZZ", "XI", "IX"], [1, 1, 0.7]), Parameter("t")), [0, 1])
    times = np.array([[0.4], [1.1]])
    with pytest.warns(ApproximateCircuitWarning, match="product formula"):
        estimate = swapping(circuit, connect("aer", shots=100, seed=1)).evaluate_with_errors(times)
    assert estimate.synthesis_error > 1e-3
    assert "product formula" in swapping(circuit, connect("aer", shots=100)).plan(times).summary()
    assert swapping(circuit, connect(shots=100, seed=1)).evaluate_with_errors(times).synthesis_error == 0


def test_it_keeps_no_outcomes_to_ask_for():
    with pytest.raises(ValueError, match="keep='marginals' goes with method='sampled'"):
        swapping(AngleFeatureMap(), connect(shots=10), keep="marginals").evaluate(POINTS)


def test_a_device_that_is_too_small_says_so():
    with pytest.raises(ValueError, match=r"has 7 qubits but the target .* has 5"):
        swapping(general_map(), connect("fake_manila", shots=10)).evaluate(POINTS)
