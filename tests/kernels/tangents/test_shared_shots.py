"""Kernels of gradients whose partial derivatives, samples or points have shots in common."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qiskit_qml_ext.kernels import FisherKernel, PathKernel, TangentKernel
from qiskit_qml_ext.kernels.tangents.gradients import Gradients
from qiskit_qml_ext.kernels.tangents.products import ScalarProducts
from qiskit_qml_ext.primitives import connect

x, w = ParameterVector("x", 1), ParameterVector("w", 2)
Z = SparsePauliOp("Z")
SAMPLES = np.array([[0.3], [1.1], [-0.4]])
WEIGHTS = [0.7, 0.5]


def circuit(*angles):
    one = QuantumCircuit(1)
    for angle in angles:
        one.ry(angle, 0)
    return one


SUM = circuit(x[0], w[0] + w[1])  # every derivative is that by the angle of one gate
UPLOADED = circuit(w[0] * x[0] + w[1])
MIXED = circuit(w[0] * x[0] + w[1], 2 * w[1])


def forms(circuits, slopes, factors, metric, row, column, num_circuits):
    """Return the matrix A of an entry as a quadratic form zᵀAz of all derivatives by angles, one observable."""
    angles = slopes.shape[2]
    form = np.zeros((num_circuits * angles,) * 2)
    for point, factor in enumerate(factors):
        block = factor * slopes[point, row] @ metric @ slopes[point, column].T
        u, v = circuits[point, row] * angles, circuits[point, column] * angles
        form[u : u + angles, v : v + angles] += block
    return (form + form.T) / 2


@pytest.mark.parametrize("num_circuits", [1, 3, 5, 40])
def test_bias_and_variance_are_those_of_quadratic_forms_whatever_is_shared(num_circuits):
    """Of zᵀAz with normal z: the mean is μᵀAμ + tr AΣ, the variance 4 μᵀAΣAμ + 2 tr AΣAΣ."""
    rng = np.random.default_rng(num_circuits)
    points, samples, observables, angles, weights = 3, 4, 2, 3, 4
    circuits = rng.integers(num_circuits, size=(points, samples))
    slopes = rng.normal(size=(points, samples, angles, weights)) * (rng.random((angles, weights)) < 0.7)
    means = 3 * rng.normal(size=(num_circuits, observables, angles))
    errors = rng.uniform(0.1, 1.0, means.shape)
    metric = np.cov(rng.normal(size=(weights, 9)))
    factors = rng.uniform(0.5, 2, points)
    found = [
        Gradients(np.matmul(means[here], slope), errors[here], slope, here)
        for here, slope in zip(circuits, slopes, strict=True)
    ]
    rows, columns = np.array([0, 1, 2, 1]), np.array([3, 1, 0])
    products = ScalarProducts(rows, columns, metric)
    values = sum(factor * products.estimates(one) for factor, one in zip(factors, found, strict=True))
    variances = products.variances(factors, found)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            form = forms(circuits, slopes, factors, metric, row, column, num_circuits)
            value = known = double = 0.0
            for m in range(observables):
                mean, sigma = means[:, m].ravel(), np.diag(errors[:, m].ravel() ** 2)
                value += mean @ form @ mean - np.trace(form @ sigma)
                known += 4 * mean @ form @ sigma @ form @ mean
                double += 2 * np.trace(form @ sigma @ form @ sigma)
            assert_allclose(values[i, j], value, atol=1e-10)
            assert_allclose(variances[i, j], max(known - double, double), rtol=1e-10)


KERNELS = {
    "tangent": (TangentKernel, WEIGHTS, {}),
    "path": (PathKernel, [[0.7, 0.5], [0.5, 0.7], [0.1, 1.3]], {}),
    "fisher": (FisherKernel, WEIGHTS, {"reference": SAMPLES, "regularization": 0.5}),
    "fisher of states": (
        FisherKernel,
        WEIGHTS,
        {"reference": SAMPLES, "information": "states", "regularization": 1e-3},
    ),
}


@pytest.mark.parametrize(
    ("name", "built"),
    [("tangent", UPLOADED), ("path", SUM), ("fisher", MIXED), ("fisher of states", SUM)],
    ids=["tangent", "path", "fisher", "fisher of states"],
)
def test_scatter_over_seeds_is_what_is_stated_and_the_mean_is_right(name, built):
    """60 seeds know a spread to 9 %, and a mean to an eighth of it; the seeds are fixed."""
    kind, weights, settings = KERNELS[name]
    exact = kind(built, weights, Z, **settings)
    found = [
        exact.with_connection(connect("exact", shots=200, seed=seed)).evaluate_with_errors(SAMPLES)
        for seed in range(60)
    ]
    matrices = np.array([one.matrix for one in found])
    stated = np.sqrt(np.mean([one.standard_errors**2 for one in found], axis=0))
    spread = matrices.std(axis=0, ddof=1)
    upper = np.triu_indices(3)
    assert_allclose(np.mean((spread / stated)[upper]), 1.0, atol=0.12)
    assert_allclose((spread / stated)[upper], 1.0, atol=0.3)
    second_order = 0.02 if name == "fisher" else 0.0  # of the inverse of a noisy matrix
    far = np.abs(matrices.mean(axis=0) - exact.evaluate(SAMPLES)) - second_order
    assert np.all(far < 4.5 * spread / np.sqrt(60))


def test_circuits_that_are_the_same_are_run_once_also_in_calls_of_their_own():
    connection = connect("exact", shots=100, seed=0)
    first = TangentKernel(SUM, [0.25, 0.5], Z, connection=connection).evaluate_with_errors(SAMPLES)
    usage = connection.usage
    other = TangentKernel(SUM, [0.5, 0.25], Z, connection=connection).evaluate_with_errors(SAMPLES)
    path = PathKernel(SUM, [[0.25, 0.5], [0.5, 0.25], [0.75, 0.0]], Z, connection=connection)
    along = path.evaluate_with_errors(SAMPLES)
    assert connection.usage == usage
    assert_array_equal(other.matrix, first.matrix)
    assert_allclose(along.matrix, first.matrix, atol=1e-12)
    assert_allclose(along.standard_errors, first.standard_errors, rtol=1e-10)


def test_samples_that_weights_make_one_circuit_share_its_noise():
    """With w0 = 0 no sample is seen: g = (x, 1) a of one a, which is measured once, in one call or in three."""
    together, apart = connect("exact", shots=50, seed=1), connect("exact", shots=50, seed=1)
    whole = TangentKernel(UPLOADED, [0.0, 0.5], Z, connection=together).evaluate_with_errors(SAMPLES)
    kernel = TangentKernel(UPLOADED, [0.0, 0.5], Z, connection=apart)
    for sample in SAMPLES:
        kernel.evaluate([sample])
    assert together.usage.circuits == apart.usage.circuits
    assert_allclose(kernel.evaluate(SAMPLES), whole.matrix, atol=1e-12)
    factors = 1 + SAMPLES * SAMPLES.T
    assert_allclose(whole.matrix, factors * whole.matrix[0, 0] / factors[0, 0], atol=1e-12)
    assert_allclose(whole.standard_errors, factors * whole.standard_errors[0, 0] / factors[0, 0], rtol=1e-10)


def test_the_points_of_a_path_are_one_job():
    connection = connect("exact", shots=100, seed=0)
    PathKernel(MIXED, np.random.default_rng(0).normal(size=(6, 2)), Z, connection=connection).evaluate(SAMPLES)
    assert connection.usage.jobs == 1


def test_observables_that_may_share_shots_are_stated_at_most():
    """A device measures Z and 2Z in the same shots: the kernel of both is five times that of Z, and its error too."""
    connection = connect(FakeManilaV2(), shots=500, seed=0)
    one = TangentKernel(SUM, WEIGHTS, Z, connection=connection).evaluate_with_errors(SAMPLES)
    both = TangentKernel(SUM, WEIGHTS, [Z, 2 * Z], connection=connection).evaluate_with_errors(SAMPLES)
    assert_allclose(np.mean(both.matrix / one.matrix), 5, rtol=0.1)
    assert_allclose(np.mean(both.standard_errors / one.standard_errors), 5, rtol=0.1)  # √17 if they were independent


def test_weights_that_no_gate_has_have_no_gradient_and_run_nothing():
    empty = QuantumCircuit(1)
    empty.ry(x[0], 0)
    empty.global_phase = w[0] + w[1]
    connection = connect("exact", shots=100, seed=0)
    estimate = TangentKernel(empty, WEIGHTS, Z, connection=connection).evaluate_with_errors(SAMPLES)
    assert_array_equal(estimate.matrix, np.zeros((3, 3)))
    assert_array_equal(estimate.standard_errors, np.zeros((3, 3)))
    assert connection.usage.circuits == 0
