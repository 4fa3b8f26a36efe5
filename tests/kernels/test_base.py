"""A new kernel on the base: what it gets for saying only how its matrix is found and what that takes."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.diagnostics import kernel_concentration
from qiskit_qml_ext.kernels import ChangesTarget, FidelityKernel, PlansRuns, QuantumKernel, RawKernel
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(6).uniform(-2, 2, (8, 2))


class Weighted(QuantumKernel):
    """A fidelity kernel plus a classical one: a kernel without a feature map or a connection of its own."""

    def __init__(self, kernel, weight=0.5, *, psd_repair=None):
        self.kernel = kernel
        self.weight = weight
        self.psd_repair = psd_repair

    def raw_kernel(self, x, y):
        found = self.kernel.evaluate_with_errors(x, y)
        classical = np.exp(-np.sum((x[:, None] - (x if y is None else y)[None]) ** 2, axis=-1))
        matrix = self.weight * found.raw + (1 - self.weight) * classical
        return RawKernel(matrix, self.weight * found.standard_errors, found.shots, found.target)

    def plan(self, x_vec, y_vec=None, **settings):
        return self.kernel.plan(x_vec, y_vec, **settings)


def weighted(connection=None, **settings):
    return Weighted(FidelityKernel(AngleFeatureMap(), connection=connection), **settings)


def test_a_new_kernel_evaluates_and_is_a_callable():
    kernel, y = weighted(weight=0.25), X[:3] + 1
    expected = 0.25 * FidelityKernel(AngleFeatureMap()).evaluate(X, y) + 0.75 * np.exp(
        -np.sum((X[:, None] - y[None]) ** 2, axis=-1)
    )
    assert_allclose(kernel.evaluate(X, y), expected, atol=1e-12)
    assert_array_equal(kernel(X, y), kernel.evaluate(X, y))
    labels = np.arange(len(X)) % 2
    by_callable = SVC(kernel=kernel).fit(X, labels).decision_function(X)
    assert_allclose(by_callable, SVC(kernel="precomputed").fit(kernel(X), labels).decision_function(kernel(X)))


def test_a_new_kernel_has_errors_repairs_and_plans():
    kernel = weighted(connect("aer", shots=60, seed=4), psd_repair="shift")
    estimate = kernel.evaluate_with_errors(X)
    assert (estimate.shots, estimate.target, estimate.synthesis_error) == (60, "aer", 0.0)
    assert estimate.standard_errors.max() > 0
    assert np.linalg.eigvalsh(estimate.matrix)[0] > -1e-12
    assert_array_equal(kernel.evaluate(X), estimate.matrix)
    assert kernel.plan(X + 1).circuits == 28
    assert QuantumSVC(kernel).plan(X + 1).circuits == 28


def test_a_new_kernel_checks_its_data():
    with pytest.raises(ValueError, match="number of features of y_vec must be that of x_vec, 2, but 3 came"):
        weighted().evaluate(X, np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"x_vec has the value nan in row 0, column 1"):
        weighted().evaluate([[0, np.nan]])


def test_a_new_kernel_has_nested_parameters_and_is_cloned_and_pickled():
    kernel = weighted(connect("aer", shots=60, seed=4))
    copy = clone(kernel).set_params(kernel__feature_map__bandwidth=0.3)
    assert kernel.kernel.feature_map.bandwidth == 1.0
    assert copy.kernel.connection is kernel.kernel.connection
    assert copy.kernel.feature_map.bandwidth == 0.3
    exact = weighted()
    assert_array_equal(pickle.loads(pickle.dumps(exact)).evaluate(X), exact.evaluate(X))


def test_a_kernel_that_cannot_say_its_circuit_does_not_change_its_target():
    assert not isinstance(weighted(), ChangesTarget)


class Bare(QuantumKernel):
    """A kernel with one method and nothing else."""

    def raw_kernel(self, x, y):
        columns = x if y is None else y
        return RawKernel(np.exp(-np.sum((x[:, None] - columns[None]) ** 2, axis=-1)), None, None, "exact")


def test_a_kernel_with_one_method_evaluates_has_parameters_and_is_cloned():
    kernel = Bare(psd_repair="clip")
    assert kernel.get_params() == {"connection": None, "sampler": None, "pass_manager": None, "psd_repair": "clip"}
    assert clone(kernel).psd_repair == "clip"
    assert_allclose(kernel.evaluate(X, X[:2]), np.exp(-np.sum((X[:, None] - X[None, :2]) ** 2, axis=-1)))
    assert kernel.evaluate_with_errors(X).shots is None
    assert QuantumSVC(kernel).fit(X, np.arange(8) % 2).predict(X).shape == (8,)
    connection = connect("aer", shots=10)
    assert kernel.with_connection(connection).connection is connection
    assert kernel.exact_copy().psd_repair is None


def test_a_kernel_plans_only_if_it_says_how():
    assert not isinstance(Bare(), PlansRuns)
    assert isinstance(weighted(), PlansRuns)
    with pytest.raises(TypeError, match="another kernel that can plan, but kernel is a Bare"):
        QuantumSVC(Bare()).plan(X)


def test_a_kernel_that_returns_another_thing_than_a_raw_kernel_is_told():
    class Matrix(QuantumKernel):
        def raw_kernel(self, x, y):
            return np.eye(len(x))

    for ask in (Matrix().evaluate, Matrix().evaluate_with_errors):
        with pytest.raises(TypeError, match=r"raw_kernel of Matrix must return a RawKernel .* returned a ndarray"):
            ask(X)


class Scaled(QuantumKernel):
    """A kernel of the user's own with a connection, but without a sampler."""

    def __init__(self, scale=1.0, *, connection=None):
        self.scale = scale
        self.connection = connection

    def raw_kernel(self, x, y):
        inner = FidelityKernel(AngleFeatureMap(bandwidth=self.scale), connection=self.connection)
        return inner.raw_kernel(x, y)

    def num_qubits(self, num_features):
        return num_features

    def circuit(self, num_features):
        return FidelityKernel(AngleFeatureMap(bandwidth=self.scale), connection=self.connection).circuit(num_features)


def test_a_copy_sets_only_the_arguments_that_a_kernel_has():
    moved = Scaled(0.5).with_connection(connect("aer", shots=50, seed=1))
    assert (moved.scale, moved.evaluate_with_errors(X).shots) == (0.5, 50)
    exact = moved.exact_copy()
    assert (exact.scale, exact.connection) == (0.5, None)
    assert kernel_concentration(moved, X).sources
    with pytest.raises(TypeError, match="Weighted has no argument connection"):
        weighted().with_connection(None)


def test_exact_kernels_share_a_connection_and_its_memory_limit_is_each_their_own():
    free, tight = FidelityKernel(AngleFeatureMap()), FidelityKernel(AngleFeatureMap(), connection=connect(max_memory=9))
    assert_array_equal(free.evaluate(X), FidelityKernel(AngleFeatureMap()).evaluate(X))
    with pytest.raises(MemoryError, match="kernel"):
        tight.evaluate(X)
