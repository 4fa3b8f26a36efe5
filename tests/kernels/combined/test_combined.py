"""Sums and products of kernels: matrices, errors, weights by centred alignment, plans, and settings by name."""

import pickle
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit_machine_learning.kernels import FidelityStatevectorKernel
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.metrics.pairwise import laplacian_kernel, polynomial_kernel, rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import CombinedKernel, FidelityKernel, PlansRuns, TrainableKernel
from qiskit_qml_ext.kernels.combined.alignment_weights import alignment_weights
from qiskit_qml_ext.kernels.losses import AlignmentLoss
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (12, 2))
Y = np.where(X[:, 0] * X[:, 1] > 0, "yes", "no")
SIGNS = np.where(Y == "yes", 1.0, -1.0)[:, None]
ANGLE, ZZ = FidelityKernel(AngleFeatureMap()), FidelityKernel(ZZFeatureMap())


def angle(x, y):
    return np.prod(np.cos((x[:, None] - y[None]) / 2) ** 2, axis=-1)


def test_sums_and_products_of_quantum_and_classical_kernels_are_what_they_say():
    parts = [("quantum", ANGLE), ("rbf", RBF(0.5)), ("poly", partial(polynomial_kernel, degree=2))]
    rbf = np.exp(-2 * ((X[:, None] - X[None]) ** 2).sum(axis=-1))
    poly = (X @ X.T / 2 + 1) ** 2
    kernel = CombinedKernel(parts, weights=[1.0, 0.0, 2.5])
    assert_allclose(kernel.evaluate(X), angle(X, X) + 2.5 * poly, atol=1e-12)
    assert_allclose(kernel.evaluate(X[:3], X[5:]), (angle(X, X) + 2.5 * poly)[:3, 5:], atol=1e-12)
    assert_allclose(CombinedKernel(parts).evaluate(X), (angle(X, X) + rbf + poly) / 3, atol=1e-12)
    assert_allclose(CombinedKernel(parts, operation="product").evaluate(X), angle(X, X) * rbf * poly, atol=1e-12)


def test_kernels_of_other_packages_and_combinations_are_parts():
    theirs = FidelityStatevectorKernel(feature_map=ZZFeatureMap().build(2))
    inner = CombinedKernel([("theirs", theirs), ("ours", ZZ)], operation="product")
    outer = CombinedKernel([("inner", inner), ("angle", ANGLE)], weights=[1, 1])
    assert_allclose(outer.evaluate(X), ZZ.evaluate(X) ** 2 + angle(X, X), atol=1e-10)


def test_noise_of_a_classical_kernel_stands_on_the_diagonal_of_one_set_of_samples_only():
    kernel = CombinedKernel([("noise", WhiteKernel(0.5)), ("angle", ANGLE)], weights=[1, 1])
    assert_allclose(np.diagonal(kernel.evaluate(X)), 1.5)
    assert_allclose(np.diagonal(kernel.evaluate(X, X.copy()[::-1]))[:3], angle(X, X[::-1]).diagonal()[:3], atol=1e-12)


def test_semi_definite_kernels_give_semi_definite_sums_and_products():
    ours = ANGLE.set_params()
    for operation in ("sum", "product"):
        kernel = CombinedKernel([("a", ours), ("b", RBF()), ("c", ZZ)], operation=operation)
        assert np.linalg.eigvalsh(kernel.evaluate(X))[0] > -1e-12
    assert CombinedKernel([("a", RBF()), ("b", WhiteKernel())]).is_positive_semidefinite
    assert CombinedKernel([("a", RBF()), ("b", rbf_kernel)]).is_positive_semidefinite is None


# --- errors ----------------------------------------------------------------------------------------------------------


def test_errors_of_independent_kernels_are_those_of_many_repetitions():
    shots, deviations = 300, {"sum": [], "product": []}
    stated = {}
    for seed in range(40):
        connection = connect("exact", shots=shots, seed=seed)
        parts = [("a", FidelityKernel(AngleFeatureMap(), connection=connection))]
        parts += [("b", FidelityKernel(ZZFeatureMap(), connection=connection)), ("c", RBF())]
        for operation, found in deviations.items():
            estimate = CombinedKernel(parts, operation=operation).evaluate_with_errors(X[:5])
            found.append(estimate.matrix)
            stated[operation] = estimate.standard_errors
            assert (estimate.shots, estimate.target) == (shots, connection.target_name)
    upper = np.triu_indices(5, 1)
    for operation, found in deviations.items():
        spread = np.std(found, axis=0, ddof=1)[upper]
        # of 40 repetitions a standard deviation is known to 11 %, ten of them in the mean to 4 %
        assert_allclose(np.mean(stated[operation][upper] / spread), 1.0, atol=0.15)
        assert not stated[operation].diagonal().any()


def test_errors_of_kernels_that_read_the_same_shots_are_added():
    connection = connect("exact", shots=100, seed=0)
    one, other = (FidelityKernel(ZZFeatureMap(), connection=connection) for _ in range(2))
    alone = one.evaluate_with_errors(X)
    both = CombinedKernel([("one", one), ("other", other)], weights=[1, 1]).evaluate_with_errors(X)
    assert_array_equal(both.matrix, 2 * alone.matrix)
    assert_allclose(both.standard_errors, 2 * alone.standard_errors)  # of one estimate twice, not √2
    square = CombinedKernel([("one", one), ("other", other)], operation="product").evaluate_with_errors(X)
    assert_allclose(square.standard_errors, 2 * alone.matrix * alone.standard_errors, atol=1e-12)


def test_exact_kernels_have_no_errors_and_repairs_see_the_sum():
    seen = []
    kernel = CombinedKernel([("a", ANGLE), ("b", RBF())], psd_repair=lambda raw: seen.append(raw) or raw.matrix)
    estimate = kernel.evaluate_with_errors(X)
    assert not estimate.standard_errors.any()
    assert seen[0].errors is None
    assert seen[0].target == "exact"


# --- weights ---------------------------------------------------------------------------------------------------------


def kernels_of(number, seed):
    rng = np.random.default_rng(seed)
    return [RBF()(rng.normal(size=(10, 2)) + rng.normal()) + 0.1 * k for k in range(number)]


@pytest.mark.parametrize("seed", range(4))
def test_weights_are_those_of_the_largest_alignment(seed):
    matrices = kernels_of(4, seed)
    rng = np.random.default_rng(seed + 100)
    targets = np.where(rng.random(10) > 0.5, 1.0, -1.0)[:, None]
    targets[0], targets[1] = 1.0, -1.0
    weights = alignment_weights(matrices, targets)
    assert_allclose(weights.sum(), 1.0)
    assert np.all(weights >= 0)

    def loss(some):
        return AlignmentLoss()(sum(w * m for w, m in zip(some, matrices, strict=True)), targets)[0]

    starts = rng.dirichlet(np.ones(4), 5)
    best = min(minimize(loss, start, bounds=[(0, 1)] * 4, tol=1e-12).fun for start in starts)
    assert_allclose(loss(weights), best, atol=1e-8)


def test_weights_of_independent_directions_have_a_closed_form():
    """For M diagonal the unconstrained optimum is a_k / M_kk: here one kernel is the target and one is against it."""
    groups = np.array([1.0, 1.0, -1.0, -1.0])[:, None]
    other = np.array([1.0, -1.0, 1.0, -1.0])[:, None]
    matrices = [groups @ groups.T, other @ other.T, -groups @ groups.T]
    assert_allclose(alignment_weights(matrices, groups), [1.0, 0.0, 0.0], atol=1e-12)
    with pytest.raises(ValueError, match="None of the kernels is aligned"):
        alignment_weights(matrices[1:], groups)


def test_a_fitted_combination_uses_its_weights_and_so_do_its_copies():
    parts = [("zz", ZZ), ("rbf", RBF()), ("laplace", laplacian_kernel)]
    kernel = CombinedKernel(parts, weights="alignment").fit(X, Y)
    matrices = [ZZ.evaluate(X), RBF()(X), laplacian_kernel(X)]
    assert_allclose(kernel.weights_, alignment_weights(matrices, SIGNS), atol=1e-12)
    expected = sum(w * m for w, m in zip(kernel.weights_, matrices, strict=True))
    for copy in (
        kernel,
        kernel.frozen(),
        clone(kernel.frozen()),
        pickle.loads(pickle.dumps(kernel)),
        kernel.exact_copy(),
    ):
        assert_allclose(copy.evaluate(X), expected, atol=1e-12)
    assert AlignmentLoss()(expected, SIGNS)[0] <= min(AlignmentLoss()(one, SIGNS)[0] for one in matrices) + 1e-12
    assert_allclose(clone(kernel).set_params(weights=[1, 0, 0]).evaluate(X), matrices[0], atol=1e-12)


def test_a_regression_and_three_classes_have_weights():
    parts = [("zz", ZZ), ("rbf", RBF())]
    assert CombinedKernel(parts, weights="alignment", task="regression").fit(X, X[:, 0]).weights_.shape == (2,)
    assert CombinedKernel(parts, weights="alignment").fit(X, np.arange(12) % 3).weights_.shape == (2,)


# --- settings, plans -------------------------------------------------------------------------------------------------


def test_settings_are_reached_by_name_in_a_grid_search():
    kernel = CombinedKernel([("quantum", FidelityKernel(AngleFeatureMap())), ("rbf", RBF())])
    grid = {"kernel__quantum__feature_map__bandwidth": [0.5, 2.0], "kernel__rbf__length_scale": [0.1, 1.0]}
    search = GridSearchCV(SVC(kernel=kernel), grid, cv=2).fit(X, Y)
    assert len(search.cv_results_["params"]) == 4
    assert kernel.get_params()["quantum__feature_map__bandwidth"] == 1.0
    other = clone(kernel).set_params(quantum=ZZ, rbf__length_scale=3.0)
    assert_allclose(other.evaluate(X), (ZZ.evaluate(X) + RBF(3.0)(X)) / 2, atol=1e-12)
    assert kernel.get_params()["rbf"].length_scale == 1.0


def test_a_trained_kernel_is_a_part():
    trained = TrainableKernel(AngleFeatureMap(), max_iter=3, random_state=0).fit(X, Y)
    kernel = CombinedKernel([("trained", trained), ("rbf", RBF())], weights=[1, 0])
    for copy in (kernel, kernel.exact_copy(), kernel.with_connection(connect())):
        assert_array_equal(copy.evaluate(X), trained.evaluate(X))
    assert_allclose(clone(kernel.frozen()).evaluate(X), trained.evaluate(X), atol=1e-12)
    with pytest.raises(NotFittedError, match="Clones begin anew"):
        clone(kernel).evaluate(X)


def test_plan_adds_what_the_kernels_take_and_counts_shared_circuits_once():
    connection = connect("fake_manila", shots=100)
    angle, zz = (FidelityKernel(one, connection=connection) for one in (AngleFeatureMap(), ZZFeatureMap()))
    kernel = CombinedKernel([("angle", angle), ("zz", zz), ("again", clone(zz)), ("rbf", RBF()), ("exact", ZZ)])
    assert isinstance(kernel, PlansRuns)
    plan, parts = kernel.plan(X), [angle.plan(X), zz.plan(X)]
    assert plan.circuits == sum(part.circuits for part in parts) == 2 * 66
    assert plan.executions == sum(part.executions for part in parts)
    assert plan.two_qubit_gates == max(part.two_qubit_gates for part in parts)
    assert_allclose(plan.seconds, sum(part.seconds for part in parts))
    assert CombinedKernel([("inner", kernel), ("rbf", RBF())]).plan(X).circuits == plan.circuits
    with pytest.raises(ValueError, match="None of the kernels runs circuits"):
        CombinedKernel([("exact", ZZ), ("rbf", RBF())]).plan(X)


def test_quantum_kernels_run_through_another_connection():
    kernel = CombinedKernel([("zz", ZZ), ("rbf", RBF())])
    connection = connect("exact", shots=50, seed=0)
    other = kernel.with_connection(connection)
    assert other.evaluate_with_errors(X).shots == 50
    assert_allclose(other.exact_copy().evaluate(X), kernel.evaluate(X), atol=1e-12)
    assert ZZ.connection is None


@pytest.mark.parametrize(
    ("kernels", "settings", "error", "message"),
    [
        ([], {}, TypeError, "kernels must be a list of pairs"),
        ([ZZ], {}, TypeError, "kernels must be a list of pairs"),
        ([("zz", 3)], {}, TypeError, "the kernel 'zz' must be a kernel"),
        ([("zz", FidelityKernel)], {}, TypeError, "the kernel 'zz' must be a kernel"),
        ([("zz", ZZ), ("zz", ZZ)], {}, ValueError, "not unique"),
        ([("a__b", ZZ)], {}, ValueError, "must not contain __"),
        ([("zz", ZZ)], {"operation": "mean"}, ValueError, "operation must be 'sum' or 'product'"),
        ([("zz", ZZ), ("rbf", RBF())], {"weights": [1.0]}, ValueError, "weights must be 2 numbers"),
        ([("zz", ZZ), ("rbf", RBF())], {"weights": [1.0, -0.5]}, ValueError, "weights must be 2 numbers of at least 0"),
        ([("zz", ZZ), ("rbf", RBF())], {"weights": [0, 0]}, ValueError, "not all 0"),
        ([("zz", ZZ)], {"weights": [1.0], "operation": "product"}, ValueError, "a product has none"),
        ([("bad", lambda x, y: np.ones((2, 2)))], {}, ValueError, r"'bad' must return a finite matrix of the shape"),
        ([("bad", lambda x, y: np.full((len(x), len(y)), np.nan))], {}, ValueError, "NaN"),
    ],
)
def test_bad_input_is_named(kernels, settings, error, message):
    with pytest.raises(error, match=message):
        CombinedKernel(kernels, **settings).evaluate(X)


def test_fit_has_nothing_to_find_for_a_product_or_given_weights():
    for settings in ({"operation": "product"}, {"weights": [1.0, 2.0]}, {"weights": None}):
        with pytest.raises(ValueError, match="fit has nothing to learn"):
            CombinedKernel([("zz", ZZ), ("rbf", RBF())], **settings).fit(X, Y)
