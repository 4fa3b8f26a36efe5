"""Readings of outcomes: their Walsh coefficients, which maps commute, and what is positive semi-definite."""

from itertools import product

import numpy as np
import pytest
from kernel_maps import commuting_map, general_map, kernel_of, outcomes
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Operator

from qiskit_qml_ext.circuits import AngleFeatureMap, IQPFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import BitFlipTolerantKernel, FidelityKernel, HammingKernel
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.readings import (
    BitFlipTolerantReading,
    FidelityReading,
    HammingReading,
    definiteness_of,
    order_matters,
    reading_named,
    walsh_coefficients,
)


@pytest.mark.parametrize("n", range(1, 7))
def test_walsh_coefficients_are_sums_over_all_outcomes(n):
    values = np.random.default_rng(n).normal(size=n + 1)
    for weight in range(n + 1):
        u = [1] * weight + [0] * (n - weight)
        total = sum(values[sum(z)] * (-1) ** np.dot(u, z) for z in product((0, 1), repeat=n))
        assert_allclose(walsh_coefficients(values)[weight], total / 2**n, atol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 8, 60])
def test_coefficients_of_the_ball_of_one_flip_fall_to_minus_n_plus_one(n):
    found = walsh_coefficients(BitFlipTolerantReading(1).values(n)) * 2.0**n
    assert_allclose(found, n + 1 - 2 * np.arange(n + 1), rtol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_coefficients_of_hamming_and_of_powers_are_not_negative(n):
    assert walsh_coefficients(HammingReading().values(n)).min() >= -1e-15
    for w in (0.0, 0.3, 1.0):
        assert walsh_coefficients(w ** np.arange(n + 1.0)).min() >= -1e-15


@pytest.mark.parametrize("n", [2, 3, 60, 200])
def test_coefficients_that_are_tiny_on_many_qubits_have_their_sign_all_the_same(n):
    for reading, expected in ((BitFlipTolerantReading(1), False), (HammingReading(), True), (FidelityReading(), True)):
        assert definiteness_of(reading.values(n), commuting=True).is_positive_semidefinite is expected
    found = definiteness_of(BitFlipTolerantReading(1).values(n), commuting=True)
    assert f"over {(n + 1) // 2 + 1} qubits are negative" in found.reason  # n + 1 - 2|u| < 0


def random_circuit(seed):
    rng = np.random.default_rng(seed)
    x = ParameterVector("x", 3)
    circuit = QuantumCircuit(3)
    for place in range(3):
        for _ in range(rng.integers(0, 3)):
            one, two = rng.permutation(3)[:2].tolist()
            getattr(circuit, rng.choice(["h", "s", "sdg", "sx"]))(one)
            getattr(circuit, rng.choice(["cx", "cz", "swap"]))(one, two)
        one, two = rng.permutation(3)[:2].tolist()
        gate = rng.choice(["rz", "rx", "rzz", "rxx"])
        getattr(circuit, gate)(x[place], one, *([two] if len(gate) == 3 else []))
    return circuit


def test_maps_that_are_said_to_commute_read_the_same_in_both_orders():
    rng, said = np.random.default_rng(0), []
    for seed in range(100):
        circuit = random_circuit(seed)
        said.append(Encoding(circuit).commutes)
        if said[-1]:
            x, y = rng.uniform(-3, 3, (2, 3))
            assert_allclose(outcomes(circuit, x, y), outcomes(circuit, y, x), atol=1e-12)
    assert 10 < sum(said) < 90  # both kinds are among them


def test_maps_commute_where_the_matrices_between_their_samples_do():
    rng, compared = np.random.default_rng(1), []
    for seed in range(100):
        circuit = random_circuit(seed)
        if any(factor.program.num_qubits == 1 for factor in Encoding(circuit).factors):
            continue  # such a group need not commute
        u = [Operator(circuit.assign_parameters(row)).data for row in rng.uniform(-3, 3, (4, 3))]
        one, other = u[1].conj().T @ u[0], u[3].conj().T @ u[2]
        compared.append(np.allclose(one @ other, other @ one, atol=1e-9))
        assert Encoding(circuit).commutes == compared[-1]
    assert 5 < sum(compared) < len(compared) - 5  # both kinds are among them


@pytest.mark.parametrize(
    ("feature_map", "commutes"),
    [
        (AngleFeatureMap("y"), True),
        (ZZFeatureMap(reps=1), True),
        (ZZFeatureMap(reps=2), False),
        (ZZFeatureMap(reps=2, entanglement="none"), True),
        (IQPFeatureMap(reps=1), True),
    ],
)
def test_single_blocks_and_products_commute_and_repeated_blocks_do_not(feature_map, commutes):
    assert Encoding(feature_map.build(3)).commutes is commutes


def test_the_two_maps_of_the_regression_are_one_of_each_kind():
    assert Encoding(commuting_map()).commutes
    assert not Encoding(general_map()).commutes


def test_a_ball_over_corners_has_the_walsh_coefficients_as_eigenvalues():
    corners = np.array(list(product((0.0, np.pi), repeat=3)))
    kernel = BitFlipTolerantKernel(AngleFeatureMap("x"), tolerance=1)
    eigenvalues = np.linalg.eigvalsh(kernel.evaluate(corners))
    assert_allclose(eigenvalues, [-2, 0, 0, 0, 2, 2, 2, 4], atol=1e-12)
    assert kernel.definiteness(3).is_positive_semidefinite is False
    assert BitFlipTolerantKernel.is_positive_semidefinite is False


def test_hamming_of_a_general_map_has_a_negative_eigenvalue():
    points = [[-1.6, 0, -1.9], [-3.2, -0.8, 0.8], [1.3, 2.9, 1.7], [4.5, 0.9, 1.5], [0.6, -2.5, -1.7]]
    kernel = HammingKernel(general_map())
    matrix = kernel.evaluate(points)
    assert_allclose(np.linalg.eigvalsh(matrix)[0], -0.0161900439, atol=1e-9)
    assert kernel.definiteness(3).is_positive_semidefinite is None
    assert HammingKernel.is_positive_semidefinite is None


def test_hamming_of_a_product_is_the_mean_of_kernels_of_single_qubits():
    x = np.random.default_rng(1).uniform(-4, 4, (7, 5))
    kernel = HammingKernel(AngleFeatureMap("y"))
    expected = np.mean(np.cos((x[:, None] - x[None]) / 2) ** 2, axis=-1)
    assert_allclose(kernel.evaluate(x), expected, atol=1e-12)
    assert kernel.definiteness(5).is_positive_semidefinite is True


@pytest.mark.parametrize("make", [commuting_map, lambda: ZZFeatureMap(reps=1).build(3)])
def test_hamming_of_a_map_that_commutes_is_positive_semidefinite(make):
    x = np.random.default_rng(2).uniform(-4, 4, (9, 3))
    assert np.linalg.eigvalsh(kernel_of(make(), HammingReading().values(3), x, x))[0] > -1e-12
    assert HammingKernel(make()).definiteness(3).is_positive_semidefinite is True


def test_the_fidelity_is_positive_semidefinite_for_every_map_and_needs_one_order():
    assert FidelityKernel.is_positive_semidefinite is True
    for reading in (FidelityReading(), BitFlipTolerantReading(0)):
        assert definiteness_of(reading.values(4), commuting=False).is_positive_semidefinite is True
        assert not order_matters(reading.values(4), commuting=False)
    assert definiteness_of(1 - FidelityReading().values(4), commuting=False).is_positive_semidefinite is None


@pytest.mark.parametrize(
    ("reading", "tolerance", "error", "said"),
    [
        (
            "distance",
            None,
            ValueError,
            "reading must be one of 'fidelity', 'bit_flip_tolerant', 'hamming', or a Reading",
        ),
        (3, None, TypeError, "reading must be one of .* but 3"),
        (HammingReading, None, TypeError, "A Reading has a name and a method values"),
        ("hamming", 1, ValueError, "tolerance=1 goes with 'bit_flip_tolerant', but the reading is 'hamming'"),
        ("local", None, ValueError, "Tr ρρ' of reduced states"),
    ],
)
def test_a_reading_that_cannot_be_meant_is_refused(reading, tolerance, error, said):
    with pytest.raises(error, match=said):
        reading_named(reading, tolerance)


@pytest.mark.parametrize(
    ("tolerance", "error", "said"),
    [
        (3, ValueError, "less than the number of qubits, 3, but 3"),
        (-1, ValueError, "at least 0"),
        (0.5, TypeError, "a whole number"),
    ],
)
def test_a_tolerance_that_means_nothing_is_refused_before_anything_is_simulated(tolerance, error, said):
    with pytest.raises(error, match=said):
        BitFlipTolerantKernel(AngleFeatureMap(), tolerance=tolerance).evaluate(np.ones((2, 3)))
