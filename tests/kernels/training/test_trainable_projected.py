"""The trainable projected kernel: matrices and gradients against states by themselves, and what a training does."""

import pickle
from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.primitives import BaseSamplerV2
from qiskit.quantum_info import SparsePauliOp, Statevector, partial_trace
from scipy.optimize import minimize_scalar
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process.kernels import RBF, Matern
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import AngleFeatureMap, ChebyshevFeatureMap, TrainableRingFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.kernels import CachedKernel, ProjectedKernel, TrainableProjectedKernel, compute_kernel_matrix
from qiskit_qml_ext.kernels.losses import AlignmentLoss, LikelihoodLoss, SVCLoss
from qiskit_qml_ext.kernels.reduced_states.outer_kernels import OUTER_KERNELS, outer_kernel
from qiskit_qml_ext.kernels.training.objective import KernelObjective
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.optimizers import SPSA, Adam
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(5)
X = RNG.uniform(-1, 1, (8, 2))
Y = np.where(X[:, 0] * X[:, 1] > 0, 1.0, -1.0)
MAP = TrainableRingFeatureMap(reps=2)
OUTER = {
    "rbf": lambda d, gamma: np.exp(-gamma * d),
    "matern": lambda d, gamma: (1 + np.sqrt(6 * gamma * d)) * np.exp(-np.sqrt(6 * gamma * d)),
    "rational_quadratic": lambda d, gamma: 1 / (1 + gamma * d),
}


def data_circuit():
    """Return a circuit with a trained parameter in two gates, one of them behind all data, and a qubit apart."""
    x, a, b = ParameterVector("x", 2), Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(3)
    circuit.ry(a * x[0], 0)
    circuit.ry(x[1], 1)
    circuit.rx(x[0] + b, 2)
    circuit.cry(x[0] * x[1], 0, 1)
    circuit.rxx(b, 0, 1)
    return circuit, [b, a]


def product_circuit():
    """Return three qubits that do not interact, so that the states of pairs are products."""
    x, a = ParameterVector("x", 2), Parameter("a")
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(x[qubit % 2] * (qubit + 1), qubit)
        circuit.rx(a, qubit)
    return circuit, [a]


MAPS = {"template": lambda: (MAP, []), "circuit": data_circuit, "product": product_circuit}


def objective(kernel, loss=None, gamma=0.8, samples=X, labels=Y):
    """Return the loss of a kernel as a training sees it, γ at a given number."""
    trained = kernel.set_params(gamma=gamma)._trained_map(samples.shape[1])
    return KernelObjective(kernel._pairs(trained), trained, loss or AlignmentLoss(), samples, labels[:, None])


def by_states(circuit, weights, outer, patches, at, size):
    """Return the matrix of a kernel from Qiskit's states and partial traces.

    Args:
        circuit: With features and weights.
        weights: The parameters that are weights.
        outer: The name of the classical kernel.
        patches: Sets of qubits.
        at: The numbers of the weights, the factors of the features, and γ.
        size: How many of these are factors.
    """
    data = [one for one in circuit.parameters if one not in set(weights)]
    values, factors, gamma = at[: len(weights)], at[len(weights) : len(weights) + size], at[-1]
    states = []
    for row in X[:5] * (factors if size else 1.0):
        bound = circuit.assign_parameters(dict(zip(data, row, strict=True)) | dict(zip(weights, values, strict=True)))
        state, number = Statevector(bound), circuit.num_qubits
        states.append([partial_trace(state, sorted(set(range(number)) - set(one))).data for one in patches])
    parts = np.array([np.concatenate([one.ravel() for one in of]) for of in states])
    if outer == "linear":
        return (parts @ parts.conj().T).real
    return OUTER[outer](np.sum(np.abs(parts[:, None] - parts[None]) ** 2, axis=-1), gamma)


PATCHES = {"single": [(0,), (1,), (2,)], "all_pairs": list(combinations(range(3), 2))}


@pytest.mark.parametrize("patches", PATCHES)
@pytest.mark.parametrize("outer", [*OUTER, "linear"])
@pytest.mark.parametrize("kind", MAPS)
def test_matrix_and_gradient_are_those_of_states_and_partial_traces(kind, outer, patches):
    """Five points make the error of a difference h⁴, about 1e-12, and rounding about 1e-13/h = 1e-10."""
    feature_map, trained = MAPS[kind]()
    kernel = TrainableProjectedKernel(
        feature_map, training_parameters=trained, outer=outer, patches=patches, trained_bandwidth="each"
    )
    whole = objective(kernel, gamma="median" if outer == "linear" else 0.8, samples=X[:5], labels=Y[:5])
    circuit = feature_map if trained else feature_map.build(2)
    weights = trained or [one for one in circuit.parameters if one.vector.name == "θ"]
    sets = [one for one in PATCHES[patches] if max(one) < circuit.num_qubits]
    start = np.random.default_rng(1).uniform(-0.5, 0.5, whole.trained.size)

    def at(point):
        ends = np.exp(point[len(weights) :])
        return by_states(circuit, weights, outer, sets, np.concatenate([point[: len(weights)], ends]), 2)

    [matrix] = whole.pairs.matrices([whole.trained.rows_at(X[:5], start)])
    assert_allclose(matrix, at(start), atol=1e-12)
    value, gradient = whole.value_and_gradient(start)
    assert_allclose(value, AlignmentLoss()(at(start), Y[:5, None])[0], atol=1e-12)
    assert len(gradient) == len(weights) + 2 + (outer != "linear")
    for place in range(len(start)):
        step = 1e-3 * np.eye(len(start))[place]
        ends = [AlignmentLoss()(at(start + times * step), Y[:5, None])[0] for times in (-2, -1, 1, 2)]
        assert_allclose(gradient[place], np.dot(ends, [1, -8, 8, -1]) / 12e-3, atol=1e-8)


@pytest.mark.parametrize("loss", [LikelihoodLoss(), SVCLoss(C=10)])
@pytest.mark.parametrize("bandwidth", [None, "common"])
@pytest.mark.parametrize("trained_gamma", [True, False])
def test_gradient_by_what_is_trained_and_by_nothing_else_is_that_of_differences(loss, bandwidth, trained_gamma):
    whole = objective(TrainableProjectedKernel(MAP, trained_bandwidth=bandwidth, trained_gamma=trained_gamma), loss)
    assert whole.trained.size == 6 + (bandwidth is not None) + trained_gamma
    point = np.random.default_rng(1).uniform(-0.5, 0.5, whole.trained.size)
    value, gradient = whole.value_and_gradient(point)
    assert_allclose(value, whole.value(point), atol=1e-10)
    for place in range(len(point)):
        ends = [whole.value(point + sign * 1e-5 * np.eye(len(point))[place]) for sign in (1, -1)]
        assert_allclose(gradient[place], (ends[0] - ends[1]) / 2e-5, atol=2e-6, rtol=1e-4)


def closed(samples, factor, gamma):
    """Return exp(-γ(1 - cos c(x - y))): of RY(c x) the Bloch vectors are (sin c x, 0, cos c x), and D = ½|a - b|²."""
    turned = factor * (samples - samples.T)
    return np.exp(-gamma * (1 - np.cos(turned))), turned


def test_gradient_of_one_qubit_has_its_closed_form():
    samples, slopes = X[:, :1], RNG.normal(size=(8, 8))
    kernel = TrainableProjectedKernel(AngleFeatureMap("y"))
    whole = objective(kernel, lambda matrix, targets: (float(np.sum(slopes * matrix)), slopes), 1.7, samples)
    value, gradient = whole.value_and_gradient(np.log([1.3, 1.7]))
    matrix, turned = closed(samples, 1.3, 1.7)
    assert_allclose(value, np.sum(slopes * matrix), atol=1e-12)
    by_factor = -1.7 * np.sin(turned) * turned * matrix
    by_gamma = -1.7 * (1 - np.cos(turned)) * matrix
    assert_allclose(gradient, [np.sum(slopes * by_factor), np.sum(slopes * by_gamma)], atol=1e-12)


def test_training_finds_the_best_bandwidth_and_gamma_of_one_qubit():
    samples = np.linspace(-1.5, 1.5, 24)[:, None]
    labels = np.where(np.sin(4 * samples[:, 0]) > 0, 1.0, -1.0)
    kernel = TrainableProjectedKernel(
        AngleFeatureMap("y", bandwidth=3.0), loss="likelihood", optimizer="L-BFGS-B", max_iter=200, random_state=0
    ).fit(samples, labels)

    def loss(factor, gamma):
        return LikelihoodLoss()(closed(samples, factor, gamma)[0], labels[:, None])[0]

    found = 3 * float(kernel.bandwidth_[0]), kernel.gamma_
    distances = (1 - np.cos(3 * (samples - samples.T)))[np.triu_indices(24, 1)]
    assert_allclose(kernel.evaluate(samples), closed(samples, *found)[0], atol=1e-12)
    assert_allclose(kernel.history_["loss"].iloc[-1], loss(*found), atol=1e-9)
    for nearby in ((0.99, 1), (1.01, 1), (1, 0.9), (1, 1.1)):
        assert loss(*found) <= loss(found[0] * nearby[0], found[1] * nearby[1])
    assert loss(*found) < loss(3.0, 1 / np.median(distances)) - 1


def test_gamma_alone_is_trained_from_the_median_to_the_best():
    samples = np.linspace(-1.0, 1.0, 12)[:, None]
    labels = np.where(samples[:, 0] ** 2 > 0.3, 1.0, -1.0)
    settings = {"trained_bandwidth": None, "random_state": 0, "loss": LikelihoodLoss(noise=0.1)}
    kernel = TrainableProjectedKernel(AngleFeatureMap("y", bandwidth=2.0), optimizer="L-BFGS-B", **settings)
    kernel.fit(samples, labels)

    def loss(logarithm):
        return LikelihoodLoss(noise=0.1)(closed(samples, 2.0, np.exp(logarithm))[0], labels[:, None])[0]

    best = minimize_scalar(loss, bounds=(-3, 5), method="bounded", options={"xatol": 1e-10})
    assert_allclose(np.log(kernel.gamma_), best.x, atol=2e-3)
    assert kernel.bandwidth_.tolist() == [1.0]
    median = ProjectedKernel(AngleFeatureMap("y", bandwidth=2.0)).fit(samples).gamma_
    one = TrainableProjectedKernel(AngleFeatureMap("y", bandwidth=2.0), max_iter=1, **settings).fit(samples, labels)
    assert_allclose(np.abs(np.log(one.gamma_ / median)), 0.05, atol=1e-3)  # the first step of Adam, from the median


def test_gamma_that_is_not_trained_stays_at_the_median_of_the_first_weights():
    kernel = TrainableProjectedKernel(MAP, trained_gamma=False, initialization=[0.1] * 6, max_iter=5).fit(X, Y)
    circuit = MAP.build(2)
    angles = [one for one in circuit.parameters if one.vector.name == "θ"]
    first = ProjectedKernel(circuit.assign_parameters(dict.fromkeys(angles, 0.1))).fit(X)
    assert_allclose(kernel.gamma_, first.gamma_, rtol=1e-12)
    assert np.abs(kernel.weights_ - 0.1).max() > 0.05
    given = TrainableProjectedKernel(MAP, trained_gamma=False, gamma=0.7, max_iter=2, random_state=0).fit(X, Y)
    assert_allclose(given.gamma_, 0.7, rtol=1e-12)


def test_weights_behind_all_data_are_trained_where_they_change_reduced_states():
    x, a = ParameterVector("x", 2), Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    circuit.rxx(a, 0, 1)
    whole = objective(TrainableProjectedKernel(circuit, training_parameters=[a], trained_bandwidth=None))
    assert list(whole.trained.columns) == [0]
    assert abs(whole.value_and_gradient(np.array([0.7, 0.0]))[1][0]) > 1e-3


@pytest.mark.parametrize("optimizer", ["adam", "spsa", "natural_gradient", "L-BFGS-B", "COBYLA"])
@pytest.mark.parametrize("loss", ["alignment", "svc"])
def test_every_optimizer_makes_every_loss_smaller(optimizer, loss):
    kernel = TrainableProjectedKernel(
        MAP, loss=loss, optimizer=optimizer, max_iter=12, random_state=3, initialization=[0.1] * 6
    ).fit(X, Y)
    made = {"alignment": AlignmentLoss, "svc": SVCLoss}[loss]()
    start = objective(clone(kernel), made, gamma=1.0)
    first = TrainableProjectedKernel(MAP, trained_gamma=False, initialization=[0.1] * 6, max_iter=1).fit(X, Y).gamma_
    before = start.value(np.array([0.1] * 6 + [0.0, np.log(first)]))
    assert made(kernel.evaluate(X), Y[:, None])[0] < before
    assert kernel.gradient_ == (None if optimizer in ("spsa", "COBYLA") else "adjoint")


def test_metric_is_that_of_the_states_and_one_for_gamma():
    whole = objective(TrainableProjectedKernel(MAP))
    metric = whole.metric(np.append(RNG.uniform(-0.4, 0.4, 7), np.log(0.5)))
    assert_array_equal(metric[-1], [0] * 7 + [1])
    assert np.linalg.eigvalsh(metric)[0] > -1e-12


def test_a_training_puts_samples_aside_deals_batches_and_tells_callbacks():
    told = []
    samples = RNG.uniform(-1, 1, (20, 2))
    labels = samples[:, 0] > 0
    kernel = TrainableProjectedKernel(
        MAP, early_stopping=True, n_iter_no_change=3, max_iter=60, batch_size=8, random_state=0,
        callbacks=[told.append], optimizer=Adam(0.3),
    ).fit(samples, labels)  # fmt: skip
    best = min(told, key=lambda step: step.validation_loss)
    assert_array_equal(kernel.weights_, best.weights)
    assert kernel.gamma_ == best.gamma
    assert (kernel.n_iter_, kernel.stopped_) == (len(told), "no_change")


# --- with shots ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outer", ["rbf", "linear"])
def test_gradient_by_shifts_is_the_exact_one_within_the_noise_of_its_repetitions(outer):
    """The mean of 20 is 5 standard errors from its own mean once in 10 thousand, and the seeds are fixed."""
    slopes = np.random.default_rng(2).normal(size=(5, 5))

    def loss(matrix, targets):
        return float(np.sum(slopes * matrix)), slopes

    gamma, point = ("median", []) if outer == "linear" else (0.8, [np.log(0.8)])
    point = np.append([0.9, -0.4, 0.7, 0.5, -0.1, 0.6, 0.1], point)
    kernel = TrainableProjectedKernel(MAP, outer=outer)
    _, exact = objective(kernel, loss, gamma, X[:5], Y[:5]).value_and_gradient(point)
    found = []
    for seed in range(20):
        kernel = TrainableProjectedKernel(MAP, outer=outer, connection=connect("exact", shots=400, seed=seed))
        found.append(objective(kernel, loss, gamma, X[:5], Y[:5]).value_and_gradient(point)[1])
    error = np.std(found, axis=0, ddof=1) / np.sqrt(20)
    assert np.all(np.abs(np.mean(found, axis=0) - exact) < 5 * error)
    assert np.abs(exact).max() > 20 * error.max()


@pytest.mark.parametrize("debias", [True, False])
@pytest.mark.parametrize("outer", OUTER)
def test_derivative_by_gamma_of_estimates_is_that_of_the_estimated_entries(outer, debias):
    kernel = TrainableProjectedKernel(MAP, outer=outer, debias=debias, connection=connect("exact", shots=20, seed=0))
    whole = objective(kernel, gamma=0.8)
    [compared] = whole.pairs.compared([whole.trained.rows(X, RNG.uniform(-1, 1, 6), np.ones(2))])
    _, by_gamma = OUTER_KERNELS[outer].slopes(compared, 0.8)
    ends = [outer_kernel(compared, outer, gamma)[0] for gamma in (0.8 + 1e-5, 0.8 - 1e-5)]
    assert_allclose(by_gamma, (ends[0] - ends[1]) / 2e-5, atol=1e-8)
    assert np.abs(by_gamma).max() > 0.1


def test_shifted_samples_are_one_job_and_nothing_runs_twice():
    connection = connect("exact", shots=100, seed=0)
    kernel = TrainableProjectedKernel(MAP, connection=connection)
    planned = kernel.plan_step(X)
    assert connection.usage.circuits == 0
    whole, point = objective(kernel), np.append(RNG.uniform(-0.4, 0.4, 7), 0.0)
    first = whole.value_and_gradient(point)
    usage = connection.usage
    terms = 8 * 2 + 2 * 4  # two shifts of each of eight rotations, four of each controlled one
    assert (usage.jobs, usage.circuits) == (2, 3 * 8 * (1 + terms)) == (planned.jobs, planned.circuits)
    again = whole.value_and_gradient(point)
    assert connection.usage == usage
    assert_array_equal(again[1], first[1])


def test_samples_that_a_loss_does_not_ask_for_are_not_shifted():
    def first_pair(matrix, targets):
        slopes = np.zeros_like(matrix)
        slopes[0, 1] = 1.0
        return float(matrix[0, 1]), slopes

    connection = connect("exact", shots=100, seed=0)
    whole = objective(TrainableProjectedKernel(MAP, connection=connection), first_pair)
    whole.value_and_gradient(np.append(RNG.uniform(-0.4, 0.4, 7), 0.0))
    assert connection.usage.circuits == 3 * (8 + 2 * 24)


@pytest.mark.parametrize(("optimizer", "gradient"), [("adam", "parameter_shift"), (SPSA(), None)])
def test_a_kernel_is_trained_with_shots(optimizer, gradient):
    connection = connect("exact", shots=2000, seed=2)
    kernel = TrainableProjectedKernel(MAP, optimizer=optimizer, max_iter=4, random_state=0, connection=connection)
    kernel.fit(X, Y)
    assert kernel.gradient_ == gradient
    assert kernel.history_["shots"].iloc[-1] == connection.usage.shots > 0
    estimate = kernel.evaluate_with_errors(X)
    assert np.all(np.abs(estimate.matrix - kernel.exact_copy().evaluate(X)) <= 6 * estimate.standard_errors + 1e-12)
    used = connection.usage
    kernel.evaluate(X)
    assert connection.usage == used
    fresh = connect("exact", shots=2000, seed=2)
    assert kernel.with_connection(fresh).plan(X).circuits == 24
    assert kernel.features(X).values.shape == (8, 6)


def test_gamma_alone_takes_no_shifted_circuits():
    connection = connect("exact", shots=500, seed=0)
    settings = {"trained_bandwidth": None, "connection": connection, "max_iter": 3, "random_state": 0}
    TrainableProjectedKernel(ZZFeatureMap(), **settings).fit(X, Y)
    assert connection.usage.circuits == 24


# --- a kernel like any other -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    return TrainableProjectedKernel(MAP, max_iter=4, random_state=0, patches="all_pairs").fit(X, Y)


def test_copies_know_what_was_learned_and_clones_begin_anew(trained):
    expected = trained.evaluate(X)
    for copy in (pickle.loads(pickle.dumps(trained)), trained.exact_copy(), trained.with_connection(connect())):
        assert_array_equal(copy.evaluate(X), expected)
    for frozen in (trained.frozen(), clone(trained.frozen())):
        assert_allclose(frozen.evaluate(X), expected, atol=1e-12)
        assert type(frozen) is ProjectedKernel
        assert frozen.gamma_ == trained.gamma_
    assert_allclose(trained.evaluate(X[:3], X[2:]), expected[:3, 2:], atol=1e-12)
    for untrained in (TrainableProjectedKernel(MAP), clone(trained)):
        for ask in (untrained.evaluate, untrained.features, CachedKernel(untrained).evaluate):
            with pytest.raises(NotFittedError, match="Call fit"):
                ask(X)
        with pytest.raises(NotFittedError, match="Call fit"):
            untrained.frozen()
        with pytest.raises(NotFittedError, match="Call fit"):
            untrained.with_connection(connect("aer", shots=100)).plan(X)
        assert not hasattr(untrained, "gamma_")


def test_entries_are_remembered_by_what_was_learned(trained, tmp_path):
    other = clone(trained).set_params(max_iter=8).fit(X, Y)
    only_gamma = pickle.loads(pickle.dumps(trained))
    only_gamma._trained_gamma *= 2
    for number, kernel in enumerate((trained, other, only_gamma)):
        expected = kernel.evaluate(X)
        assert_allclose(CachedKernel(kernel).evaluate(X), expected, atol=1e-12)
        assert_allclose(CachedKernel(kernel, store=tmp_path / "entries").evaluate(X), expected, atol=1e-12)
        assert_allclose(compute_kernel_matrix(kernel, X, folder=tmp_path / str(number)), expected, atol=1e-12)
    with pytest.raises(ValueError, match="differs in kernel"):
        compute_kernel_matrix(only_gamma, X, folder=tmp_path / "0")


def test_models_train_it_and_searches_look_for_its_settings(trained):
    model = QuantumSVC(clone(trained)).fit(X, Y)
    assert_array_equal(model.gram_matrix_, trained.evaluate(X))
    assert_array_equal(SVC(kernel=trained).fit(X, Y).predict(X), SVC(kernel=trained.evaluate).fit(X, Y).predict(X))
    samples = RNG.uniform(-1, 1, (16, 2))
    grid = {"kernel__max_iter": [1, 3], "kernel__outer": ["rbf", "linear"]}
    search = GridSearchCV(QuantumSVC(TrainableProjectedKernel(MAP, random_state=0)), grid, cv=2)
    best = search.fit(samples, samples[:, 0] > 0).best_estimator_
    assert best.kernel_.n_iter_ == search.best_params_["kernel__max_iter"]


def test_settings_that_change_the_kernel_want_a_new_fit(trained):
    for settings in ({"feature_map__reps": 3}, {"patches": "single"}, {"outer": "matern"}, {"gamma": 0.3}):
        with pytest.raises(ValueError, match=r"Call fit\(X, y\) again"):
            trained._copy_with().set_params(**settings).evaluate(X)
    assert trained._copy_with().set_params(loss="svc", max_iter=7, debias=False).evaluate(X).shape == (8, 8)
    kernel = TrainableProjectedKernel(MAP, outer=Matern(), optimizer="spsa", max_iter=1, random_state=0).fit(X, Y)
    kernel.outer.length_scale = 0.1
    with pytest.raises(ValueError, match=r"Call fit\(X, y\) again"):
        kernel.evaluate(X)


def test_kernels_of_scikit_learn_are_trained_by_values_of_the_loss():
    kernel = TrainableProjectedKernel(MAP, outer=RBF(0.9), optimizer="COBYLA", max_iter=40, initialization=[0.1] * 6)
    kernel.fit(X, Y)
    assert kernel.history_["loss"].iloc[-1] < kernel.history_["loss"].iloc[0]
    assert_allclose(kernel.frozen().evaluate(X), kernel.evaluate(X), atol=1e-12)
    named = ProjectedKernel(kernel.feature_map_, gamma=1 / (2 * 0.9**2))
    assert_allclose(kernel.evaluate(X), named.evaluate(X), atol=1e-12)


def test_regression_trains_on_numbers():
    numbers = np.sin(2 * X[:, 0])
    kernel = TrainableProjectedKernel(MAP, task="regression", loss="svr", max_iter=10, random_state=0).fit(X, numbers)
    assert kernel.history_["loss"].iloc[-1] < kernel.history_["loss"].iloc[0]


def test_weights_that_are_assigned_serve_before_any_training_and_after():
    circuit, trained = data_circuit()
    kernel = TrainableProjectedKernel(circuit, training_parameters=trained, training_values=[0.3, 0.9], gamma=0.7)
    bound = circuit.assign_parameters(dict(zip(trained, [0.3, 0.9], strict=True)))
    assert_allclose(kernel.evaluate(X), ProjectedKernel(bound, gamma=0.7).evaluate(X), atol=1e-12)
    median = clone(kernel).set_params(gamma="median")
    assert_allclose(median.evaluate(X), ProjectedKernel(bound).evaluate(X), atol=1e-12)
    median.assign_training_parameters([0.4, 0.9])
    with pytest.raises(ValueError, match="gamma='median'"):  # of other weights
        median.evaluate(X, X[:2])
    kernel.set_params(max_iter=2, trained_bandwidth=None).fit(X, Y)
    kernel.assign_training_parameters([0.5, 0.8])
    bound = circuit.assign_parameters(dict(zip(trained, [0.5, 0.8], strict=True)))
    assert_allclose(kernel.evaluate(X), ProjectedKernel(bound, gamma=kernel.gamma_).evaluate(X), atol=1e-12)


class Untouched(BaseSamplerV2):
    """A sampler that must not be asked."""

    def run(self, pubs, *, shots=None):
        raise AssertionError("something was run")


def routed():
    """Return a circuit in which a swap passes a wire that no data reaches."""
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(3)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 2)
    circuit.swap(0, 1)
    circuit.cx(1, 2)
    return circuit


def test_a_circuit_whose_shifted_one_has_fewer_qubits_is_trained_by_values_only():
    """Terms that do not commute make rotations of the whole circuit, in which a gate without effect is left out."""
    x, a = Parameter("x"), Parameter("a")
    circuit = QuantumCircuit(3)
    circuit.rz(0.0, 2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XI", "ZI", "IX"]), time=x), [0, 1])
    circuit.rxx(a, 0, 1)
    connection = connect("exact", shots=100, seed=0)
    settings = {"training_parameters": [a], "max_iter": 2, "random_state": 0, "connection": connection}
    with pytest.raises(UnsupportedCircuitError, match=r"without changing which qubits.*optimizer='spsa'"):
        TrainableProjectedKernel(circuit, **settings).fit(X[:, :1], Y)
    assert connection.usage.circuits == 0
    TrainableProjectedKernel(circuit, optimizer="spsa", **settings).fit(X[:, :1], Y)
    assert TrainableProjectedKernel(circuit, **{**settings, "connection": None}).fit(X[:, :1], Y).gradient_ == "adjoint"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"trained_bandwidth": None, "feature_map": ZZFeatureMap(), "trained_gamma": False}, ValueError, "nothing is"),
        ({"trained_bandwidth": None, "feature_map": ZZFeatureMap(), "outer": "linear"}, ValueError, "nothing is left"),
        ({"outer": RBF()}, ValueError, r"outer=RBF\(length_scale=1\) has no gradient.*Take 'spsa'"),
        ({"outer": "nonsense"}, ValueError, "outer must be one of 'rbf'"),
        ({"outer": "linear", "gamma": 0.3}, ValueError, "gamma=0.3 means nothing for outer='linear'"),
        ({"gamma": -1.0}, ValueError, "gamma must be"),
        ({"gamma": "mean"}, ValueError, "gamma must be a positive number or 'median'"),
        ({"trained_gamma": "yes"}, TypeError, "trained_gamma must be"),
        ({"debias": 2}, TypeError, "debias must be"),
        ({"patches": "triples"}, ValueError, "patches must be one of"),
        ({"trained_bandwidth": 2.0}, ValueError, "trained_bandwidth must be 'common'"),
        ({"loss": "nonsense"}, ValueError, "loss must be one of 'alignment'"),
        ({"batch_size": 2}, ValueError, "the smallest class has"),
        ({"initialization": [1.0]}, ValueError, "initialization must be 6 finite numbers"),
        ({"feature_map": routed(), "outer": "linear"}, ValueError, "swap"),
    ],
)
def test_bad_settings_are_named_before_anything_is_run(settings, error, message):
    kernel = TrainableProjectedKernel(**{"feature_map": MAP, "max_iter": 2, "sampler": Untouched(), **settings})
    with pytest.raises(error, match=message):
        kernel.fit(X[:5], [0, 1, 0, 1, 1])


def test_what_only_running_shows_is_named():
    with pytest.raises(ValueError, match="leaves its domain"):
        TrainableProjectedKernel(ChebyshevFeatureMap(), max_iter=2, random_state=0).fit(2 * X, Y)
    with pytest.raises(ValueError, match="One shot says nothing"):
        TrainableProjectedKernel(MAP, max_iter=2, connection=connect("exact", shots=1)).fit(X, Y)
    with pytest.raises(ValueError, match="at least two different samples"):
        TrainableProjectedKernel(AngleFeatureMap(), max_iter=2).fit([[0.1], [0.1], [0.1]], [0, 1, 1])
