"""The trainable kernel: its gradient, what a training does, and what is left of it in copies and after failures."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Statevector
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    ChebyshevFeatureMap,
    FixedWeightsFeatureMap,
    IQPFeatureMap,
    TrainableRingFeatureMap,
    ZZFeatureMap,
)
from qiskit_qml_ext.engine.fidelity_gradient import FidelityGradient
from qiskit_qml_ext.kernels import FidelityKernel, TrainableKernel
from qiskit_qml_ext.kernels.losses import AlignmentLoss, LikelihoodLoss, SVCLoss
from qiskit_qml_ext.kernels.training.exact_pairs import ExactPairs
from qiskit_qml_ext.kernels.training.objective import KernelObjective
from qiskit_qml_ext.kernels.training.trained_map import trained_map
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.optimizers import Adam, GradientDescent, NaturalGradient
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(7)
X = RNG.uniform(-1, 1, (20, 2))
Y = np.where(X[:, 0] * X[:, 1] > 0, "yes", "no")
MAP = TrainableRingFeatureMap(reps=2)


def objective(feature_map, bandwidth="each", loss=None, trained=(), samples=X, labels=Y):
    map_ = trained_map(feature_map, samples.shape[1], trained, bandwidth)
    targets = np.where(labels == "yes", 1.0, -1.0)[:, None]
    return KernelObjective(ExactPairs(connect(), map_.encoding), map_, loss or AlignmentLoss(), samples, targets)


def iqp(num_features):
    """Return H, RZ(x_q), RZZ(x_q x_{q+1}) on neighbours."""
    x = ParameterVector("x", num_features)
    circuit = QuantumCircuit(num_features)
    circuit.h(range(num_features))
    for qubit in range(num_features):
        circuit.rz(x[qubit], qubit)
    for qubit in range(num_features - 1):
        circuit.rzz(x[qubit] * x[qubit + 1], qubit, qubit + 1)
    return circuit


def data_circuit():
    """Return a circuit with a trained parameter in two gates, one of them with data."""
    x, a, b = ParameterVector("x", 2), Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.ry(a * x[0], 0)
    circuit.ry(x[1], 1)
    circuit.cx(0, 1)
    circuit.rz(a + b, 1)
    circuit.cry(x[0] * x[1], 0, 1)
    circuit.rx(b, 0)
    return circuit, [b, a]


def test_derivative_in_a_factor_on_the_data_has_its_published_value():
    samples = np.array([[0.1, 0.5, 0.9], [0.4, -0.3, 1.2], [-0.7, 0.8, 0.2]])
    whole = objective(iqp(3), "common", samples=samples, labels=np.array(["yes", "yes", "no"]))
    loss, gradient = whole.value_and_gradient(np.zeros(1))
    assert_allclose(1 - loss, 0.8049592611, atol=1e-10)
    assert_allclose(-gradient, [-0.0957968746], atol=1e-10)  # ∂/∂log c at c = 1


@pytest.mark.parametrize("loss", [AlignmentLoss(), LikelihoodLoss(), SVCLoss(C=10)])
@pytest.mark.parametrize("bandwidth", [None, "common", "each"])
@pytest.mark.parametrize("kind", ["template", "circuit", "product"])
def test_gradient_by_all_that_is_trained_is_that_of_finite_differences(kind, bandwidth, loss):
    circuit, trained = data_circuit()
    feature_map = {"template": MAP, "circuit": circuit, "product": AngleFeatureMap("y")}[kind]
    whole = objective(feature_map, bandwidth, loss, trained if kind == "circuit" else ())
    point = np.random.default_rng(1).uniform(-0.5, 0.5, whole.trained.size)
    value, gradient = whole.value_and_gradient(point)
    assert_allclose(value, whole.value(point), atol=1e-10)
    for place in range(len(point)):
        ends = [whole.value(point + sign * 1e-5 * np.eye(len(point))[place]) for sign in (1, -1)]
        assert_allclose(gradient[place], (ends[0] - ends[1]) / 2e-5, atol=2e-6, rtol=1e-4)


def test_a_gradient_takes_one_reverse_pass_a_sample_and_no_pair(monkeypatch):
    rows = []
    pull_back = FidelityGradient.pull_back
    monkeypatch.setattr(
        FidelityGradient, "pull_back", lambda self, weights: rows.append(pull_back(self, weights)) or rows[-1]
    )
    whole = objective(ZZFeatureMap())
    whole.value_and_gradient(np.zeros(2))
    assert [one.shape for one in rows] == [(len(X), 2)]


@pytest.mark.parametrize("feature_map", [MAP, data_circuit()[0], FixedWeightsFeatureMap(MAP, np.arange(6.0) / 5)])
def test_a_trained_kernel_is_the_fidelity_of_the_states_of_its_map(feature_map):
    trained = [one for one in data_circuit()[0].parameters if not hasattr(one, "vector")]
    if isinstance(feature_map, QuantumCircuit):
        feature_map, trained = data_circuit()
    settings = {"training_parameters": trained} if isinstance(feature_map, QuantumCircuit) else {}
    kernel = TrainableKernel(feature_map, max_iter=3, random_state=0, trained_bandwidth="each", **settings).fit(X, Y)
    circuit = feature_map if isinstance(feature_map, QuantumCircuit) else feature_map.build(2)
    weights = trained if settings else [one for one in circuit.parameters if one.vector.name == "θ"]
    data = [one for one in circuit.parameters if one not in set(weights)]
    states = []
    for row in X * kernel.bandwidth_:
        values = dict(zip(data, row, strict=True)) | dict(zip(weights, kernel.weights_, strict=True))
        states.append(Statevector(circuit.assign_parameters(values)).data)
    expected = np.abs(np.array(states).conj() @ np.array(states).T) ** 2
    assert np.all(kernel.bandwidth_ > 0)
    assert_allclose(kernel.evaluate(X), expected, atol=1e-12)
    assert_allclose(kernel.evaluate(X[:3], X[5:]), expected[:3, 5:], atol=1e-12)
    assert_allclose(FidelityKernel(kernel.feature_map_).evaluate(X), expected, atol=1e-12)


def test_bandwidth_of_a_product_map_is_found():
    """Labels follow sin(4 x): RY(c x) is best for a c near 4, and the training goes there from 3."""
    samples = np.linspace(-1.5, 1.5, 24)[:, None]
    labels = np.sin(4 * samples[:, 0]) > 0
    kernel = TrainableKernel(
        AngleFeatureMap("y", bandwidth=3.0), optimizer="L-BFGS-B", max_iter=100, random_state=0
    ).fit(samples, labels)

    def loss(factor):
        signs = np.where(labels, 1.0, -1.0)[:, None]
        return AlignmentLoss()(np.cos(factor * (samples - samples.T) / 2) ** 2, signs)[0]

    found = 3 * float(kernel.bandwidth_[0])
    assert_allclose(kernel.history_["loss"].iloc[-1], loss(found), atol=1e-9)
    assert loss(found) <= min(loss(found * 0.99), loss(found * 1.01))
    assert loss(found) < loss(3.0) - 0.1


@pytest.mark.parametrize("optimizer", ["adam", "spsa", "natural_gradient", "gradient_descent", "L-BFGS-B", "COBYLA"])
@pytest.mark.parametrize("loss", ["alignment", "likelihood", "svc"])
def test_every_optimizer_makes_every_loss_smaller(optimizer, loss):
    slow = {"gradient_descent": GradientDescent(0.002), "natural_gradient": NaturalGradient(0.002)}
    kernel = TrainableKernel(
        MAP,
        loss=loss,
        optimizer=slow.get(optimizer, optimizer),  # the likelihood is steep
        max_iter=12,
        random_state=3,
        initialization=[0.1] * 6,
    )
    kernel.fit(X, Y)
    start = objective(MAP, "common", {"alignment": AlignmentLoss, "likelihood": LikelihoodLoss, "svc": SVCLoss}[loss]())
    first = start.value(np.array([0.1] * 6 + [0.0]))
    assert start.value(np.append(kernel.weights_, np.log(kernel.bandwidth_[0]))) < first
    assert kernel.gradient_ == (None if optimizer in ("spsa", "COBYLA") else "adjoint")


def test_natural_gradient_has_the_metric_of_the_states_by_the_point():
    whole = objective(MAP, "each")
    point = RNG.uniform(-0.4, 0.4, whole.trained.size)
    circuit, columns = whole.trained.circuit, whole.trained

    def states(at):
        return np.array([Statevector(circuit.assign_parameters(row)).data for row in columns.rows_at(X, at)])

    slopes = [(states(point + e) - states(point - e)) / 2e-5 for e in 1e-5 * np.eye(len(point))]
    psi = states(point)
    overlap = np.array([np.sum(psi.conj() * slope, axis=1) for slope in slopes])
    expected = np.array([[np.sum(a.conj() * b, axis=1) for b in slopes] for a in slopes])
    expected = (expected - overlap.conj()[:, None] * overlap[None]).real.mean(axis=2)
    assert_allclose(whole.metric(point), expected, atol=1e-8)


def test_regression_trains_on_numbers_and_a_loss_of_ones_own_is_taken():
    numbers = np.sin(2 * X[:, 0])
    kernel = TrainableKernel(MAP, task="regression", loss="svr", max_iter=10, random_state=0).fit(X, numbers)
    assert kernel.history_["loss"].iloc[-1] < kernel.history_["loss"].iloc[0]

    def distance(matrix, targets):
        return float(np.sum((matrix - targets @ targets.T) ** 2)), 2 * (matrix - targets @ targets.T)

    kernel = TrainableKernel(MAP, task="regression", loss=distance, max_iter=10, random_state=0).fit(X, numbers)
    assert kernel.history_["loss"].iloc[-1] < kernel.history_["loss"].iloc[0]


def test_batches_hold_their_share_of_each_class_and_a_seed_repeats_a_training():
    labels = np.array(["a"] * 14 + ["b"] * 6)
    seen = []

    def loss(matrix, targets):
        seen.append((len(targets), int(np.sum(targets > 0))))
        return AlignmentLoss()(matrix, targets)

    settings = {"loss": loss, "batch_size": 7, "max_iter": 2, "random_state": 0}
    one = TrainableKernel(MAP, **settings).fit(X, labels)
    batches = [pair for pair in seen if pair[0] < 20]
    assert batches == [(7, 2), (7, 2), (6, 2)] * 2
    assert_array_equal(TrainableKernel(MAP, **settings).fit(X, labels).weights_, one.weights_)
    assert (
        one.weights_.tolist()
        != TrainableKernel(MAP, **{**settings, "random_state": 1}).fit(X, labels).weights_.tolist()
    )


def test_callbacks_are_told_of_each_iteration_and_stop_a_training():
    told = []

    def stop(step):
        told.append(step)
        return step.iteration == 3

    kernel = TrainableKernel(MAP, callbacks=[stop], random_state=0).fit(X, Y)
    assert [step.iteration for step in told] == [1, 2, 3]
    assert (kernel.n_iter_, kernel.stopped_) == (3, "callback")
    assert kernel.history_["loss"].tolist() == [step.loss for step in told]
    assert list(kernel.history_.columns) == [
        *("iteration", "loss", "validation_loss", "gradient_norm", "seconds", "shots"),
    ]
    assert told[0].bandwidth.shape == (2,)
    assert told[0].weights.shape == (6,)
    assert not kernel.history_["shots"].any()


def test_early_stopping_keeps_the_point_that_is_best_on_samples_put_aside():
    told = []
    kernel = TrainableKernel(
        MAP, early_stopping=True, n_iter_no_change=3, max_iter=200, random_state=0, callbacks=[told.append],
        optimizer=Adam(0.3),
    ).fit(X, Y)  # fmt: skip
    best = min(told, key=lambda step: step.validation_loss)
    assert kernel.stopped_ == "no_change"
    assert kernel.n_iter_ < 200
    assert_array_equal(kernel.weights_, best.weights)


def test_training_ends_where_the_loss_no_longer_falls():
    kernel = TrainableKernel(MAP, max_iter=1000, random_state=0, tol=1e-3).fit(X, Y)
    assert kernel.stopped_ == "no_change"
    assert kernel.history_["loss"].iloc[-1] < kernel.history_["loss"].iloc[0]


# --- a kernel like any other -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    return TrainableKernel(MAP, max_iter=4, random_state=0).fit(X, Y)


def test_copies_know_what_was_learned_and_clones_begin_anew(trained):
    expected = trained.evaluate(X)
    for copy in (pickle.loads(pickle.dumps(trained)), trained.exact_copy(), trained.with_connection(connect())):
        assert_array_equal(copy.evaluate(X), expected)
    assert_allclose(clone(trained.frozen()).evaluate(X), expected, atol=1e-12)
    for untrained in (TrainableKernel(MAP), clone(trained)):
        with pytest.raises(NotFittedError, match="Call fit"):
            untrained.evaluate(X)
        with pytest.raises(NotFittedError, match="Call fit"):
            untrained.frozen()


def test_it_goes_into_support_vector_machines_and_grid_searches(trained):
    expected = SVC(kernel="precomputed").fit(trained.evaluate(X), Y).predict(trained.evaluate(X))
    assert_array_equal(SVC(kernel=trained).fit(X, Y).predict(X), expected)
    grid = {"C": [0.1, 10], "kernel__psd_repair": [None, "clip"]}
    search = GridSearchCV(QuantumSVC(trained.frozen()), grid, cv=2).fit(X, Y)
    assert_allclose(search.best_estimator_.kernel_.evaluate(X), trained.evaluate(X), atol=1e-12)


def test_settings_that_change_the_circuit_want_a_new_fit(trained):
    for settings in ({"feature_map__reps": 3}, {"feature_map__entanglement": "none"}, {"feature_map": ZZFeatureMap()}):
        other = trained._copy_with().set_params(**settings)
        with pytest.raises(ValueError, match=r"Call fit\(X, y\) again"):
            other.evaluate(X)
    with pytest.raises(ValueError, match=r"Call fit\(X, y\) again"):
        trained.evaluate(np.ones((2, 3)))
    assert trained._copy_with().set_params(loss="svc", max_iter=7).evaluate(X).shape == (20, 20)


def test_clones_do_not_share_what_can_be_set():
    kernel = TrainableKernel(MAP, loss=SVCLoss(C=1), optimizer=Adam(0.1))
    clone(kernel).set_params(loss__C=5, optimizer__learning_rate=1.0, feature_map__reps=3)
    assert (kernel.loss.C, kernel.optimizer.learning_rate, kernel.feature_map.reps) == (1, 0.1, 2)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_training_that_fails_leaves_the_kernel_as_it_was(error):
    def fails(step):
        if step.iteration == 2:
            raise error

    kernel = TrainableKernel(MAP, max_iter=4, random_state=0).fit(X, Y)
    before, known = kernel.evaluate(X), dict(vars(kernel))
    with pytest.raises(error):
        kernel.set_params(callbacks=[fails]).fit(X, Y)
    assert_array_equal(kernel.evaluate(X), before)
    assert {**vars(kernel), "callbacks": ()} == known
    new = TrainableKernel(MAP, callbacks=[fails])
    with pytest.raises(error):
        new.fit(X, Y)
    with pytest.raises(NotFittedError):
        new.evaluate(X)


def test_samples_outside_the_domain_of_the_map_are_named():
    with pytest.raises(ValueError, match="leaves its domain"):
        TrainableKernel(ChebyshevFeatureMap(), max_iter=2, random_state=0).fit(2 * X, Y)


@pytest.mark.parametrize(
    ("settings", "X", "y", "error", "message"),
    [
        ({"trained_bandwidth": None, "feature_map": AngleFeatureMap()}, X, Y, ValueError, "nothing is left to train"),
        ({"trained_bandwidth": 2.0}, X, Y, ValueError, "trained_bandwidth must be 'common'"),
        ({"loss": "nonsense"}, X, Y, ValueError, "loss must be one of 'alignment'"),
        ({"optimizer": "nonsense"}, X, Y, ValueError, "optimizer must be one of"),
        ({"task": "clustering"}, X, Y, ValueError, "task must be one of"),
        ({"initialization": [1.0]}, X, Y, ValueError, "initialization must be 6 finite numbers"),
        ({"initialization": "nonsense"}, X, Y, (TypeError, ValueError), "initial distribution"),
        ({"batch_size": 1}, X, Y, ValueError, "batch_size must be at least 2"),
        ({"batch_size": 2}, X, np.array(["a"] * 18 + ["b"] * 2), ValueError, "smallest class has 2 samples"),
        ({"batch_size": 5, "optimizer": "L-BFGS-B"}, X, Y, ValueError, "batch_size=5 needs an optimizer"),
        ({"max_iter": 0}, X, Y, ValueError, "max_iter must be at least 1"),
        ({"callbacks": [3]}, X, Y, TypeError, "each of callbacks"),
        ({}, X, Y[:3], ValueError, "y must be one value for each of the 20 samples"),
        ({}, X, np.array([Y, Y]).T, ValueError, "y must be one value for each"),
        ({}, X, ["a"] * 20, ValueError, "the same value for all samples"),
        ({}, X, X[:, 0], ValueError, "task='regression'"),
        ({}, X * 1j, Y, TypeError, "X"),
        ({}, np.where(X > 0.9, np.nan, X), Y, ValueError, "X has the value nan"),
        ({"task": "regression"}, X, Y, TypeError, "y"),
        ({"training_parameters": [Parameter("a")]}, X, Y, TypeError, "training_parameters go with"),
        ({"connection": "aer"}, X, Y, TypeError, "connection must come from connect"),
    ],
)  # fmt: skip
def test_bad_input_is_named(settings, X, y, error, message):
    with pytest.raises(error, match=message):
        TrainableKernel(**{"feature_map": MAP, "max_iter": 2, **settings}).fit(X, y)


def test_weights_behind_all_data_are_nothing_to_train():
    behind = TrainableRingFeatureMap(reps=1)
    with pytest.raises(ValueError, match="no weights before its last data"):
        TrainableKernel(behind, trained_bandwidth=None).fit(X, Y)
    whole = objective(behind, "common")
    _, gradient = whole.value_and_gradient(np.array([0.3, -0.4, 0.2, 0.0]))
    assert_allclose(gradient[:3], 0, atol=1e-14)
    assert len(whole.trained.columns) == 2  # the features alone
    assert len(objective(MAP, None).trained.columns) == 3  # of the first layer


def test_map_of_another_width_is_refused():
    with pytest.raises(ValueError, match="The data have 2 columns but the feature map encodes 3"):
        TrainableKernel(IQPFeatureMap().build(3)).fit(X, Y)
