"""Readout errors undone as weights of outcomes, against closed forms and a noisy simulator."""

import pickle

import numpy as np
import pytest
from kernel_maps import GENERAL, MAPS, PAIRS, POINTS, general_map, outcomes, weights_of
from noisy_outcomes import noise_model
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import BitFlipTolerantKernel, FidelityKernel, HammingKernel, ReadoutErrors
from qiskit_qml_ext.kernels.readings import BitFlipTolerantReading, FidelityReading, HammingReading
from qiskit_qml_ext.primitives import connect

READINGS = (FidelityReading(), HammingReading(), BitFlipTolerantReading(1))


def mixed(probabilities, rates):
    """Return what is read for the outcomes of a state, rates P(1|0) and P(0|1) of each qubit, the first bit last."""
    mixing = np.array([[1.0]])
    for p, q in rates:
        mixing = np.kron([[1 - p, q], [p, 1 - q]], mixing)
    return mixing @ probabilities


def test_the_numbers_that_are_known_for_one_entry():
    wrong = weights_of(mixed(outcomes(general_map(), POINTS[0], POINTS[1]), [(0.02, 0.05)] * 3))
    weights = ReadoutErrors(0.02, 0.05).corrected(FidelityReading().values(3))
    assert wrong[0] == pytest.approx(0.2947787816, abs=1e-9)
    assert wrong @ weights == pytest.approx(0.2865871676, abs=1e-9)
    assert wrong @ weights**2 - (wrong @ weights) ** 2 == pytest.approx(0.25437, abs=5e-6)
    assert pytest.approx(0.20445, abs=5e-6) == 0.2865871676 * (1 - 0.2865871676)


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.name)
@pytest.mark.parametrize("label", MAPS)
def test_the_mean_over_wrong_outcomes_is_that_over_right_ones(label, reading):
    right = outcomes(MAPS[label][0](), POINTS[0], POINTS[2])
    values = reading.values(3)
    expected = weights_of(right) @ values
    alike = ReadoutErrors(0.1, 0.2)
    assert weights_of(mixed(right, [(0.1, 0.2)] * 3)) @ alike.corrected(values) == pytest.approx(expected, abs=1e-12)
    rates = [(0.1, 0.2), (0.0, 0.3), (0.05, 0.01)]
    bits = np.array([[outcome >> qubit & 1 for qubit in range(3)] for outcome in range(8)])
    single = ReadoutErrors(*(tuple(column) for column in zip(*rates, strict=True)))
    assert mixed(right, rates) @ single.corrected(values, bits) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", [FidelityKernel, HammingKernel, BitFlipTolerantKernel])
@pytest.mark.parametrize("each", [False, True])
def test_kernels_of_a_simulator_with_readout_errors_are_corrected(kind, each):
    rates = [(0.06, 0.12), (0.1, 0.04), (0.02, 0.08)] if each else (0.05, 0.1)
    errors = ReadoutErrors(*(tuple(column) for column in zip(*rates, strict=True))) if each else ReadoutErrors(*rates)
    settings = {"noise_model": noise_model(0.0, rates), "shots": 8000, "seed": 3, "optimization_level": 0}
    raw = kind(general_map(), connection=connect("aer", **settings)).evaluate_with_errors(POINTS)
    kernel = kind(general_map(), connection=connect("aer", **settings), readout_correction=errors)
    estimate = kernel.evaluate_with_errors(POINTS)
    exact = kind(general_map()).evaluate(POINTS)
    # 3 entries, 6 runs: beyond 4 standard errors with a probability of about 18 · 6e-5; fixed seed
    assert np.all(np.abs(estimate.matrix - exact)[PAIRS] < 4 * estimate.standard_errors[PAIRS])
    assert (np.abs(raw.matrix - exact)[PAIRS] / raw.standard_errors[PAIRS]).max() > 4
    assert estimate.applied == (str(errors),)
    assert raw.applied == ()
    assert np.all(estimate.standard_errors[PAIRS] > raw.standard_errors[PAIRS])
    name = kernel.reading().name.split(" ")[0]
    assert_array_equal(kernel.reinterpret(name, POINTS).matrix, estimate.matrix)
    assert_array_equal(estimate.reinterpret(name).matrix, raw.matrix)  # the counts stay as they were read
    assert_array_equal(estimate.reinterpret(name, readout_correction=errors).matrix, estimate.matrix)


def test_corrected_values_are_unbiased_with_the_variance_of_their_weights():
    x = np.linspace(0, 3, 40)[:, None] * [1.0, 0.6, 0.3]
    connection = connect("aer", noise_model=noise_model(0.0, (0.02, 0.05)), shots=200, seed=5)
    kernel = FidelityKernel(AngleFeatureMap("y"), connection=connection, readout_correction=ReadoutErrors(0.02, 0.05))
    estimate = kernel.evaluate_with_errors(x)
    weights, deviations, sizes = ReadoutErrors(0.02, 0.05).corrected(FidelityReading().values(3)), [], []
    for i, j in zip(*np.triu_indices(40, 1), strict=True):
        ones = np.sin((x[i] - x[j]) / 2) ** 2
        right = np.kron(np.kron([1 - ones[2], ones[2]], [1 - ones[1], ones[1]]), [1 - ones[0], ones[0]])
        wrong = weights_of(mixed(right, [(0.02, 0.05)] * 3))
        error = np.sqrt((wrong @ weights**2 - (wrong @ weights) ** 2) / 200)
        deviations.append((estimate.matrix[i, j] - right[0]) / error)
        sizes.append(estimate.standard_errors[i, j] / error)
    # 780 independent entries: 4 standard errors of the mean, 0.036, and of the standard deviation, 0.025; fixed seed
    assert abs(np.mean(deviations)) < 0.15
    assert np.std(deviations) == pytest.approx(1, abs=0.1)
    assert np.median(sizes) == pytest.approx(1, abs=0.05)


def test_reported_errors_are_those_of_the_qubits_that_are_measured():
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    properties = FakeManilaV2().properties()
    connection = connect("fake_manila", shots=2000, seed=4)
    kernel = FidelityKernel(general_map(), connection=connection, readout_correction="reported")
    estimate = kernel.evaluate_with_errors(POINTS)
    isa = connection.isa_circuit(kernel.circuit(3))
    measured = {
        isa.find_bit(item.clbits[0]).index: isa.find_bit(item.qubits[0]).index
        for item in isa.data
        if item.operation.name == "measure"
    }
    p, q = (
        tuple(properties.qubit_property(measured[bit], name)[0] for bit in range(3))
        for name in ("prob_meas1_prep0", "prob_meas0_prep1")
    )
    assert estimate.applied == (str(ReadoutErrors(p, q)),)
    assert measured != {0: 0, 1: 1, 2: 2} or len(set(p)) == 3
    given = FidelityKernel(general_map(), connection=connection, readout_correction=ReadoutErrors(p, q))
    assert_array_equal(given.evaluate(POINTS), estimate.matrix)
    assert connection.usage.circuits == 3
    raw = estimate.reinterpret("fidelity").matrix
    exact = np.array(GENERAL["fidelity"])
    assert np.mean(np.abs(estimate.matrix[PAIRS] - exact)) < np.mean(np.abs(raw[PAIRS] - exact))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ((0.5, 0.5), r"one_given_zero \+ zero_given_one must be below 1 on each qubit, but 1 came"),
        (((0.1, 0.6), (0.1, 0.4)), "must be below 1 on each qubit, but 1 came"),
        ((-0.1, 0.1), "one_given_zero must be a probability"),
        ((0.1, np.nan), "zero_given_one must be a probability"),
        (((0.1, 0.1), (0.1, 0.1, 0.1)), r"they have \[2, 3\]"),
        (((), 0.1), "one_given_zero must be a probability"),
    ],
)
def test_rates_that_cannot_be_undone_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        ReadoutErrors(*settings)
    with pytest.raises(TypeError, match="zero_given_one must be an array of real numbers"):
        ReadoutErrors(0.1, "ten")


def test_noise_that_drowns_what_is_corrected_is_refused_before_anything_runs():
    connection = connect("aer", shots=100, seed=1)
    x = np.random.default_rng(0).uniform(-1, 1, (3, 12))
    kernel = FidelityKernel(AngleFeatureMap(), connection=connection, readout_correction=ReadoutErrors(0.2, 0.25))
    with pytest.raises(ValueError, match="too large to be corrected with 100 shots: on 12 qubits"):
        kernel.evaluate(x)
    assert connection.usage.circuits == 0
    hamming = HammingKernel(AngleFeatureMap(), connection=connection, readout_correction=ReadoutErrors(0.2, 0.25))
    hamming.evaluate(x)  # its correction needs the marginals only, and hardly adds noise


@pytest.mark.parametrize(
    ("correction", "error", "said"),
    [
        ("measured", ValueError, "readout_correction must be None, 'reported' or ReadoutErrors"),
        (0.1, TypeError, "readout_correction must be None, 'reported' or ReadoutErrors"),
        ("reported", ValueError, "'aer' reports no readout errors. Give them"),
        (ReadoutErrors((0.1, 0.1), 0.1), ValueError, "rates of 2 qubits, but 3 are measured"),
    ],
)
def test_corrections_that_cannot_be_meant_are_refused_before_anything_runs(correction, error, said):
    connection = connect("aer", shots=1000)
    with pytest.raises(error, match=said):
        FidelityKernel(general_map(), connection=connection, readout_correction=correction).evaluate(POINTS)
    assert connection.usage.circuits == 0


def test_errors_of_single_qubits_do_not_go_with_packing():
    connection = connect("fake_guadalupe", shots=100, packing=True)
    with pytest.raises(ValueError, match="does not go with packing"):
        FidelityKernel(general_map(), connection=connection, readout_correction="reported").evaluate(POINTS)


def test_exact_results_have_no_readout_to_correct_and_copies_drop_the_correction():
    errors = ReadoutErrors(0.1, 0.1)
    kernel = FidelityKernel(AngleFeatureMap(), readout_correction=errors)
    with pytest.raises(ValueError, match="readout_correction goes with counts"):
        kernel.evaluate(POINTS)
    with pytest.raises(ValueError, match="readout_correction goes with counts"):
        FidelityKernel(AngleFeatureMap()).evaluate_with_errors(POINTS).reinterpret("hamming", readout_correction=errors)
    assert kernel.exact_copy().readout_correction is None
    assert kernel.with_connection(None).readout_correction is None
    assert clone(kernel).readout_correction is errors
    assert pickle.loads(pickle.dumps(kernel)).readout_correction == errors


def test_single_rates_need_outcomes_that_were_kept():
    connection = connect(shots=1000, seed=1)
    estimate = FidelityKernel(general_map(), connection=connection).evaluate_with_errors(POINTS)
    errors = ReadoutErrors((0.01, 0.02, 0.03), 0.05)
    with pytest.raises(ValueError, match="their outcomes were not kept"):
        FidelityKernel(general_map(), connection=connection, readout_correction=errors).evaluate(POINTS)
    with pytest.raises(ValueError, match="Say keep='outcomes'"):
        estimate.reinterpret("fidelity", readout_correction=errors)
    connection = connect(shots=1000, seed=1)
    kept = FidelityKernel(general_map(), connection=connection, keep="outcomes").evaluate_with_errors(POINTS)
    alike = ReadoutErrors((0.02,) * 3, (0.05,) * 3)
    assert_allclose(
        kept.reinterpret("hamming", orders="one", readout_correction=alike).matrix,
        kept.reinterpret("hamming", orders="one", readout_correction=ReadoutErrors(0.02, 0.05)).matrix,
        atol=1e-12,
    )
