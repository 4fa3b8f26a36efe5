"""The adapter to scikit-learn's Gaussian-process kernels."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit_machine_learning.kernels import FidelityStatevectorKernel
from scipy.optimize import approx_fprime
from sklearn.base import clone
from sklearn.decomposition import KernelPCA
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from qiskit_qml_ext.circuits import AngleFeatureMap, IQPFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import CachedKernel, CombinedKernel, FidelityKernel
from qiskit_qml_ext.models import GaussianProcessKernel
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(2)
X = RNG.uniform(-1, 1, (7, 2))
NEW = RNG.uniform(-1, 1, (3, 2))
BANDWIDTH = {"feature_map__bandwidth": (0.05, 5.0)}


def product(bandwidth=0.7, **settings):
    return FidelityKernel(AngleFeatureMap(bandwidth=bandwidth), **settings)


def k1():
    """H on all, RZ(x_q), RZZ(x₀x₁) on 0 and 1, RZZ(x₁x₂) on 1 and 2."""
    x, circuit = ParameterVector("x", 3), QuantumCircuit(3)
    circuit.h(range(3))
    for qubit in range(3):
        circuit.rz(x[qubit], qubit)
    circuit.rzz(x[0] * x[1], 0, 1)
    circuit.rzz(x[1] * x[2], 1, 2)
    return FidelityKernel(circuit)


POINTS = np.array([[0.1, 0.5, 0.9], [0.4, -0.3, 1.2], [-0.7, 0.8, 0.2]])


def test_log_marginal_likelihood_and_its_derivative_by_the_noise_are_the_published_numbers():
    model = GaussianProcessRegressor(GaussianProcessKernel(k1()) + WhiteKernel(0.1), optimizer=None)
    model.fit(POINTS, [1.0, 1.0, -1.0])
    assert_allclose(model.log_marginal_likelihood_value_, -4.7522627715, atol=1e-9)
    value, slope = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)
    assert_allclose(value, -4.7522627715, atol=1e-9)
    assert_allclose(slope, [0.1 * 2.1711098070], atol=1e-9)  # by the logarithm of the noise


def test_matrix_is_the_kernels_and_is_the_callers_to_change():
    covariance = GaussianProcessKernel(product())
    assert_array_equal(covariance(X), product().evaluate(X))
    assert_array_equal(covariance(NEW, X), product().evaluate(NEW, X))
    matrix = covariance(X)
    matrix += 1
    assert_array_equal(covariance(X), product().evaluate(X))
    assert not covariance.is_stationary()
    assert covariance.requires_vector_input


@pytest.mark.parametrize("bandwidth", [0.7, (0.7, 1.3)])
def test_derivatives_are_those_of_the_closed_form(bandwidth):
    """k = Π cos²(c_i Δ_i/2), so ∂k/∂ln c_i = -c_i Δ_i tan(c_i Δ_i/2) k."""
    matrix, slopes = GaussianProcessKernel(product(bandwidth), parameter_bounds=BANDWIDTH)(X, eval_gradient=True)
    scaled = (X[:, None] - X[None]) * np.broadcast_to(bandwidth, 2)
    exact = np.prod(np.cos(scaled / 2) ** 2, axis=-1)
    each = -scaled * np.tan(scaled / 2) * exact[..., None]
    assert_allclose(matrix, exact, atol=1e-12)
    assert_allclose(slopes, each if np.ndim(bandwidth) else each.sum(axis=-1, keepdims=True), atol=1e-9)


def test_a_kernel_with_nothing_to_fit_has_no_derivatives():
    matrix, slopes = GaussianProcessKernel(product())(X, eval_gradient=True)
    assert_array_equal(matrix, product().evaluate(X))
    assert slopes.shape == (7, 7, 0)
    assert GaussianProcessKernel(product()).theta.shape == (0,)
    assert GaussianProcessKernel(product()).n_dims == 0


def test_the_gradient_of_the_likelihood_is_that_of_finite_differences():
    covariance = ConstantKernel(1.5) * GaussianProcessKernel(
        FidelityKernel(IQPFeatureMap(bandwidth=0.6)), parameter_bounds=BANDWIDTH
    ) + WhiteKernel(0.2)
    model = GaussianProcessRegressor(covariance, optimizer=None).fit(X, np.sin(3 * X[:, 0]))
    theta = model.kernel_.theta
    assert_allclose(np.exp(theta), [1.5, 0.6, 0.2])
    _, slope = model.log_marginal_likelihood(theta, eval_gradient=True)
    assert_allclose(slope, approx_fprime(theta, model.log_marginal_likelihood, 1e-6), rtol=1e-4)


def test_a_fit_finds_the_bandwidth_of_the_largest_likelihood_and_leaves_the_users_kernel():
    x = np.linspace(-1, 1, 12)[:, None]
    kernel = FidelityKernel(AngleFeatureMap(bandwidth=1.0))
    covariance = GaussianProcessKernel(kernel, parameter_bounds=BANDWIDTH) + WhiteKernel(0.05, "fixed")
    model = GaussianProcessRegressor(covariance).fit(x, np.sin(2.5 * x[:, 0]))
    grid = np.logspace(np.log10(0.05), np.log10(5), 200)
    likelihoods = [model.log_marginal_likelihood([np.log(one)]) for one in grid]
    assert model.log_marginal_likelihood_value_ >= max(likelihoods) - 1e-6
    assert model.kernel_.k1.kernel.feature_map.bandwidth == pytest.approx(grid[np.argmax(likelihoods)], rel=0.05)
    assert kernel.feature_map.bandwidth == 1.0
    assert covariance.k1.kernel is kernel


def test_theta_goes_round_and_a_clone_with_another_is_apart():
    covariance = GaussianProcessKernel(product((0.7, 1.3)), parameter_bounds={"feature_map__bandwidth": (0.1, 2.0)})
    assert_allclose(covariance.theta, np.log([0.7, 1.3]))
    assert_allclose(covariance.bounds, np.log([[0.1, 2.0], [0.1, 2.0]]))
    (hyperparameter,) = covariance.hyperparameters
    assert (hyperparameter.name, hyperparameter.n_elements) == ("kernel__feature_map__bandwidth", 2)
    other = covariance.clone_with_theta(np.log([0.2, 0.4]))
    assert_allclose(other.kernel.feature_map.bandwidth, (0.2, 0.4))
    assert covariance.kernel.feature_map.bandwidth == (0.7, 1.3)
    with pytest.raises(ValueError, match="theta must have an entry for each of 2 fitted numbers, but has 1"):
        covariance.clone_with_theta(np.zeros(1))


def test_training_values_of_a_circuit_are_fitted_too():
    x, weight, circuit = ParameterVector("x", 2), Parameter("w"), QuantumCircuit(2)
    circuit.rx(x[0], 0)
    circuit.rx(x[1], 1)
    circuit.rz(weight, 0)
    circuit.cx(0, 1)
    circuit.rx(x[1], 0)
    kernel = FidelityKernel(circuit, training_parameters=[weight], training_values=[0.4])
    covariance = GaussianProcessKernel(kernel, parameter_bounds={"training_values": (1e-3, 7.0)})
    _, slopes = covariance(X, eval_gradient=True)
    step = 1e-4
    moved = [covariance.clone_with_theta(np.log([0.4]) + h)(X) for h in (-2 * step, -step, step, 2 * step)]
    by_five_points = (moved[0] - 8 * moved[1] + 8 * moved[2] - moved[3]) / (12 * step)
    assert np.abs(by_five_points).max() > 0.01
    assert_allclose(slopes[..., 0], by_five_points, atol=1e-9)


def test_it_is_a_kernel_of_scikit_learn_with_nested_names_that_is_cloned_and_pickled():
    covariance = 2.0 * GaussianProcessKernel(product(), parameter_bounds=BANDWIDTH) + RBF(0.5)
    covariance.set_params(k1__k2__kernel__feature_map__bandwidth=0.3)
    assert covariance.get_params()["k1__k2__kernel__feature_map__bandwidth"] == 0.3
    expected = 2.0 * product(0.3).evaluate(NEW, X) + RBF(0.5)(NEW, X)
    for copy in (covariance, clone(covariance), pickle.loads(pickle.dumps(covariance))):
        assert_allclose(copy(NEW, X), expected, atol=1e-12)
    assert "GaussianProcessKernel(FidelityKernel(" in repr(covariance)
    assert_allclose(
        np.abs(KernelPCA(2, kernel=GaussianProcessKernel(product())).fit(X).transform(NEW)),
        np.abs(KernelPCA(2, kernel=product()).fit(X).transform(NEW)),
        atol=1e-8,
    )


def test_the_diagonal_is_that_of_the_matrix_and_runs_no_sample_against_itself():
    covariance = GaussianProcessKernel(product())
    assert_allclose(covariance.diag(X), np.diag(covariance(X)), atol=1e-12)
    connection = connect("aer", shots=20, seed=1)
    sampled = product(connection=connection, run_diagonal=True, psd_repair="shift")
    assert_array_equal(GaussianProcessKernel(sampled).diag(X), np.ones(7))
    assert connection.usage.circuits == 0
    theirs = FidelityStatevectorKernel(feature_map=ZZFeatureMap().build(2))
    assert_allclose(GaussianProcessKernel(theirs).diag(X), np.ones(7), atol=1e-12)


@pytest.mark.parametrize(
    "settings", [{"connection": connect("aer", shots=20, seed=1)}, {"connection": connect("fake_manila", shots=20)}]
)
def test_a_kernel_with_shots_is_not_fitted_and_nothing_is_run_for_it(settings):
    covariance = GaussianProcessKernel(product(**settings), parameter_bounds=BANDWIDTH)
    with pytest.raises(ValueError, match=r"feature_map__bandwidth cannot be fitted on a kernel with shots.*exact_copy"):
        GaussianProcessRegressor(covariance + WhiteKernel(0.1)).fit(X, X[:, 0])
    assert settings["connection"].usage.circuits == 0


def test_a_kernel_that_draws_shots_from_exact_results_is_not_fitted_either():
    with pytest.raises(ValueError, match="cannot be fitted on a kernel with shots"):
        GaussianProcessKernel(product(method="sampled"), parameter_bounds=BANDWIDTH)(X, eval_gradient=True)


def test_the_noise_beside_a_kernel_with_shots_is_fitted_with_one_run():
    connection = connect("aer", shots=200, seed=1)
    covariance = GaussianProcessKernel(product(connection=connection, psd_repair="clip"))
    GaussianProcessRegressor(covariance + WhiteKernel(0.3, (0.05, 1.0))).fit(X, np.sign(X[:, 0]))
    assert connection.usage.circuits == 7 * 6 // 2


@pytest.mark.parametrize(
    ("kernel", "bounds", "said"),
    [
        (
            product(),
            {"bandwidth": (0.1, 1)},
            "names 'bandwidth', but the kernel has no such parameter. It has",
        ),
        (product(), {"feature_map__bandwidth": (1, 0.1)}, "lowest and the highest positive value of feature_map__band"),
        (product(), {"feature_map__bandwidth": (0, 1)}, "lowest and the highest positive value"),
        (product(), {"feature_map__bandwidth": (0.1, np.inf)}, "lowest and the highest positive value"),
        (product(), {"feature_map__bandwidth": "wide"}, "lowest and the highest positive value"),
        (product(), {"feature_map__bandwidth": (0.1, 0.2, 0.3)}, "lowest and the highest positive value"),
        (product(), {"psd_repair": (0.1, 1)}, "psd_repair must be a positive number"),
        (product(-0.5), BANDWIDTH, "feature_map__bandwidth must be a positive number .* 2π higher"),
    ],
)
def test_what_cannot_be_fitted_is_refused_by_name(kernel, bounds, said):
    with pytest.raises(ValueError, match=said):
        GaussianProcessRegressor(GaussianProcessKernel(kernel, parameter_bounds=bounds)).fit(X, X[:, 0])


def test_a_gradient_between_two_sets_and_another_kernel_are_refused():
    with pytest.raises(ValueError, match="leave Y out"):
        GaussianProcessKernel(product())(X, NEW, eval_gradient=True)
    with pytest.raises(TypeError, match="kernel must be a quantum kernel"):
        GaussianProcessKernel("rbf")(X)


@pytest.mark.parametrize("kind", ["cached", "combined", "product"])
def test_the_diagonal_of_many_samples_is_one_job_however_kernels_are_nested(kind):
    connection = connect("exact", shots=100, seed=1)
    inner = FidelityKernel(AngleFeatureMap(), connection=connection, run_diagonal=True)
    kernel = {
        "cached": lambda: CachedKernel(inner),
        "combined": lambda: CombinedKernel([("quantum", inner), ("rbf", RBF())]),
        "product": lambda: CombinedKernel([("quantum", inner), ("rbf", RBF())], operation="product"),
    }[kind]()
    GaussianProcessKernel(kernel).diag(np.random.default_rng(0).uniform(-1, 1, (20, 2)))
    assert (connection.usage.circuits, connection.usage.jobs) == (20, 1)
