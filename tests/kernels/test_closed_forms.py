"""Moments of the kernels of product maps, and variances of their estimates, against closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

ROUNDING = 1e-12  # above that of sums of some hundred products of cosines


def tensor_rule(points, weights, num_qubits):
    """Return the rule of quadrature on all combinations of points, and their weights."""
    samples = np.stack(np.meshgrid(*[points] * num_qubits, indexing="ij"), axis=-1).reshape(-1, num_qubits)
    return samples, np.prod(np.meshgrid(*[weights] * num_qubits, indexing="ij"), axis=0).ravel()


def moments(kernel, samples, weights):
    """Return E k and E k² of two independent samples that are drawn with these weights."""
    matrix = kernel.evaluate(samples)
    return weights @ matrix @ weights, weights @ matrix**2 @ weights


@pytest.mark.parametrize("rotation", ["x", "y", "z"])
@pytest.mark.parametrize("num_qubits", [1, 2, 3])
def test_uniform_angles_have_mean_and_variance_of_the_closed_form(rotation, num_qubits):
    """E k = 2⁻ⁿ and Var k = (3/8)ⁿ - 4⁻ⁿ; five points on the circle average polynomials of degree 2 exactly."""
    points = np.linspace(-np.pi, np.pi, 5, endpoint=False)
    first, second = moments(
        FidelityKernel(AngleFeatureMap(rotation)), *tensor_rule(points, np.full(5, 1 / 5), num_qubits)
    )
    assert_allclose(first, 2.0**-num_qubits, atol=ROUNDING)
    assert_allclose(second - first**2, (3 / 8) ** num_qubits - 4.0**-num_qubits, atol=ROUNDING)


def test_entries_on_ten_qubits_scatter_as_the_closed_form():
    """With drawn angles: entries of different pairs are independent, since differences on a circle are, pair by pair.

    So the errors of both moments follow from the higher ones, E kʲ = (binomial(2j, j)/4ʲ)ⁿ; a bound of 5 standard
    errors each gives a false alarm in 10⁻⁶ of seeds.
    """
    n = 10
    matrix = FidelityKernel(AngleFeatureMap()).evaluate(np.random.default_rng(0).uniform(-np.pi, np.pi, (600, n)))
    entries = matrix[np.triu_indices(600, 1)]
    one, two, _, four = (factor**n for factor in (1 / 2, 3 / 8, 5 / 16, 35 / 128))
    assert abs(entries.mean() - one) < 5 * np.sqrt((two - one**2) / len(entries))
    assert abs((entries**2).mean() - two) < 5 * np.sqrt((four - two**2) / len(entries))


def uniform():
    points, weights = np.polynomial.legendre.leggauss(16)
    return np.pi * points, weights / 2, np.sinc


def normal():
    points, weights = np.polynomial.hermite_e.hermegauss(24)
    return points, weights / weights.sum(), lambda c: np.exp(-(c**2) / 2)


def two_values():
    """0 with the probability 0.3, else 1: not symmetric, so that |φ|² is what counts."""
    return np.array([0.0, 1.0]), np.array([0.3, 0.7]), lambda c: 0.3 + 0.7 * np.exp(1j * c)


@pytest.mark.parametrize("distribution", [uniform, normal, two_values])
@pytest.mark.parametrize("bandwidth", [0.2, 0.7])
@pytest.mark.parametrize("num_qubits", [1, 2])
def test_bandwidth_enters_by_the_characteristic_function(distribution, bandwidth, num_qubits):
    """E k = [(1 + |φ(c)|²)/2]ⁿ and E k² = [3/8 + |φ(c)|²/2 + |φ(2c)|²/8]ⁿ, by Gaussian quadrature over the data."""
    points, weights, characteristic = distribution()
    kernel = FidelityKernel(AngleFeatureMap(bandwidth=bandwidth))
    first, second = moments(kernel, *tensor_rule(points, weights, num_qubits))
    one, two = abs(characteristic(bandwidth)) ** 2, abs(characteristic(2 * bandwidth)) ** 2
    assert_allclose(first, ((1 + one) / 2) ** num_qubits, atol=ROUNDING)
    assert_allclose(second, (3 / 8 + one / 2 + two / 8) ** num_qubits, atol=ROUNDING)


NUM_ESTIMATES, SHOTS = 2000, 400


def estimates(method, angle):
    """Return many independent estimates of one fidelity cos⁴(angle/2), and their standard errors.

    An angle and the same angle with turns of 2π are different samples with the same state.
    """
    samples = np.full((NUM_ESTIMATES, 2), angle)
    samples[:, 0] += 2 * np.pi * np.arange(NUM_ESTIMATES)
    kernel = FidelityKernel(AngleFeatureMap(), method=method, connection=connect("exact", shots=SHOTS, seed=1))
    measured = kernel.evaluate_with_errors(samples, [[0.0, 0.0]])
    return measured.matrix[:, 0], measured.standard_errors[:, 0]


@pytest.mark.parametrize("angle", [0.4, 1.1, 2.0])
@pytest.mark.parametrize("method", ["inversion", "swap"])
def test_estimates_scatter_as_the_variance_of_their_test(method, angle):
    """k(1 - k)/S of the inversion test and (1 - k²)/S of the swap test.

    The variance of N draws of a binomial share has the relative error √((κ - 1)/N) with its kurtosis κ = 3 +
    (1 - 6p(1 - p))/(Sp(1 - p)); 5 of these, and of the mean, give a false alarm in 10⁻⁶ of seeds each.
    """
    k = np.cos(angle / 2) ** 4
    p, variance = (k, k * (1 - k) / SHOTS) if method == "inversion" else ((1 + k) / 2, (1 - k**2) / SHOTS)
    values, errors = estimates(method, angle)
    kurtosis = 3 + (1 - 6 * p * (1 - p)) / (SHOTS * p * (1 - p))
    assert abs(values.mean() - k) < 5 * np.sqrt(variance / NUM_ESTIMATES)
    assert abs(values.var() / variance - 1) < 5 * np.sqrt((kurtosis - 1) / NUM_ESTIMATES)
    assert_allclose(np.mean(errors**2), variance, rtol=0.15)  # stated from smoothed counts: off by O(1/S)
