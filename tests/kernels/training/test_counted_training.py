"""Trainings on targets with shots: gradients by shifts, what runs, and what does not run again."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from qiskit_qml_ext.circuits import AngleFeatureMap, TrainableRingFeatureMap
from qiskit_qml_ext.kernels import TrainableKernel
from qiskit_qml_ext.kernels.losses import AlignmentLoss, SVCLoss
from qiskit_qml_ext.kernels.training.counted_pairs import CountedPairs
from qiskit_qml_ext.kernels.training.exact_pairs import ExactPairs
from qiskit_qml_ext.kernels.training.objective import KernelObjective
from qiskit_qml_ext.kernels.training.trained_map import trained_map
from qiskit_qml_ext.optimizers import SPSA
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(3).uniform(-1, 1, (6, 2))
Y = np.array([0, 1, 0, 1, 0, 1])
MAP = TrainableRingFeatureMap(reps=2)
POINT = np.array([0.9, -0.4, 0.7, 0.5, -0.1, 0.6, 0.0])


def objectives(connection, loss=None, samples=X):
    map_ = trained_map(MAP, 2, (), "common")
    targets = np.where(Y, 1.0, -1.0)[: len(samples), None]
    made = (ExactPairs(connect(), map_.encoding), CountedPairs(connection, map_.encoding))
    return [KernelObjective(pairs, map_, loss or AlignmentLoss(), samples, targets) for pairs in made]


@pytest.mark.parametrize("target", ["exact", "aer"])
def test_gradient_by_shifts_is_the_exact_one_within_the_noise_of_the_shots(target):
    """An entry has at most the variance 1/4S; a rule's squared coefficients sum to less than 0.6, slopes are below 1.

    The bandwidth moves two angles of each layer, and the noise of the derivatives of the loss is at most as large.
    """
    shots = 20_000
    exact, counted = objectives(connect(target, shots=shots, seed=1))
    value, gradient = exact.value_and_gradient(POINT)
    (matrix,) = exact.pairs.matrices([exact.trained.rows_at(X, POINT)])
    _, slopes = AlignmentLoss()(matrix, exact.targets)
    weights = slopes + slopes.T
    total = np.sum(weights**2) - np.sum(weights.diagonal() ** 2)
    found, estimate = counted.value_and_gradient(POINT)
    assert_allclose(found, value, atol=5 * np.sqrt(total / 2 / (4 * shots)))
    error = 5 * np.sqrt(2 * 2 * 0.6 * total / (4 * shots))
    assert_allclose(estimate, gradient, atol=error)
    assert np.abs(gradient).max() > 3 * error


def test_all_shifted_pairs_are_one_job_and_nothing_runs_twice():
    connection = connect("exact", shots=100, seed=0)
    _, counted = objectives(connection)
    first = counted.value_and_gradient(POINT)
    usage = connection.usage
    terms = (
        2 * (2 + 2) + 4 + 2 * 2
    )  # two shifts of a rotation, four of a controlled one; weights of the last layer: none
    assert (usage.jobs, usage.circuits) == (2, 15 + 30 * terms)
    again = counted.value_and_gradient(POINT)
    assert connection.usage == usage
    assert again[0] == first[0]
    assert_array_equal(again[1], first[1])


def test_pairs_that_a_loss_does_not_ask_for_are_not_run():
    connection = connect("exact", shots=100, seed=0)

    def first_pair(matrix, targets):
        slopes = np.zeros_like(matrix)
        slopes[0, 1] = 1.0
        return float(matrix[0, 1]), slopes

    _, counted = objectives(connection, first_pair)
    counted.value_and_gradient(POINT)
    assert connection.usage.circuits == 15 + 2 * 16


def test_several_points_are_one_job_and_equal_samples_are_not_run():
    connection = connect("exact", shots=100, seed=0)
    exact, counted = objectives(connection, samples=np.concatenate([X[:3], X[:1], X[3:5]]))
    values = counted.values(np.array([POINT, POINT + 0.1]))
    assert connection.usage.jobs == 1
    assert connection.usage.circuits == 2 * 10  # of five different samples
    assert np.abs(values - exact.values(np.array([POINT, POINT + 0.1]))).max() < 0.3


@pytest.mark.parametrize(("optimizer", "gradient"), [("adam", "parameter_shift"), ("spsa", None)])
def test_a_kernel_is_trained_with_shots(optimizer, gradient):
    connection = connect("exact", shots=2000, seed=2)
    kernel = TrainableKernel(MAP, optimizer=optimizer, max_iter=4, random_state=0, connection=connection)
    kernel.fit(X, Y)
    assert kernel.gradient_ == gradient
    assert kernel.history_["shots"].iloc[-1] == connection.usage.shots > 0
    assert kernel.history_["shots"].is_monotonic_increasing
    matrix, errors, _ = kernel.evaluate_with_errors(X)
    assert np.all(np.abs(matrix - kernel.exact_copy().evaluate(X)) <= 5 * errors + 1e-12)
    used = connection.usage
    kernel.evaluate(X)
    assert connection.usage == used


def test_support_vectors_alone_are_shifted():
    connection = connect("exact", shots=1000, seed=0)
    _, counted = objectives(connection, SVCLoss(C=0.01))
    counted.value_and_gradient(POINT)
    everybody = connection.usage.circuits
    assert everybody <= 15 + 30 * 16


def test_plan_and_circuit_of_a_trained_kernel_are_those_of_its_map():
    kernel = TrainableKernel(AngleFeatureMap("y"), max_iter=2, random_state=0).fit(X, Y)
    planned = kernel.with_connection(connect("fake_manila", shots=100)).plan(X)
    assert planned.circuits == 15
    assert kernel.circuit(2).num_qubits == 2


def test_plan_of_a_step_is_what_a_step_runs():
    connection = connect("exact", shots=50, seed=0)
    for optimizer, expected in (("adam", 15 + 30 * 16), ("spsa", 2 * 15)):
        kernel = TrainableKernel(MAP, optimizer=optimizer, connection=connection)
        planned = kernel.plan_step(X, price_per_minute=1.0)
        assert (planned.circuits, planned.shots) == (expected, 50)
    assert connection.usage.circuits == 0
    _, counted = objectives(connection)
    counted.value_and_gradient(POINT)
    assert connection.usage.circuits == 15 + 30 * 16
    with pytest.raises(ValueError, match="nothing to plan"):
        TrainableKernel(MAP).plan_step(X)


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        (SPSA(num_directions=3), "a step of 6 matrices; the first one takes up to 20 more"),
        ("adam", "one gradient: that of a step"),
        ("COBYLA", "one matrix; an iteration of this optimizer may take several"),
        ("L-BFGS-B", "one gradient; an iteration of this optimizer may take several"),
    ],
)
def test_plan_of_a_step_says_what_it_is_of_and_is_what_a_training_runs(optimizer, words):
    connection = connect("exact", shots=20, seed=0)
    kernel = TrainableKernel(MAP, optimizer=optimizer, connection=connection, max_iter=3, random_state=0)
    planned = kernel.plan_step(X)
    assert words in planned.advice[0]
    assert words in planned.summary()
    usage = []
    kernel.set_params(callbacks=[lambda step: usage.append(connection.usage)]).fit(X, Y)
    if "several" in words:
        assert connection.usage.circuits % planned.circuits == 0
        return
    ran = usage[2].circuits - usage[1].circuits, usage[2].jobs - usage[1].jobs
    assert ran == (planned.circuits, planned.jobs)
    if isinstance(optimizer, SPSA):  # directions that are drawn twice run once
        assert 2 * planned.circuits < usage[0].circuits <= planned.circuits // 6 * 26


def test_a_method_without_a_gradient_asks_for_an_optimizer_that_needs_none(monkeypatch):
    from qiskit_qml_ext.kernels.methods import choosing
    from qiskit_qml_ext.kernels.methods.exact import ExactStates

    class Mine:
        name = "mine"

        def reason(self, connection, encoding):
            return None

        def estimate(self, wanted):
            return ExactStates().estimate(wanted)

    monkeypatch.setattr(choosing, "METHODS", (Mine(), *choosing.METHODS))
    with pytest.raises(ValueError, match="method='mine' has no gradient"):
        TrainableKernel(MAP, method="mine").fit(X, Y)
    kernel = TrainableKernel(MAP, method="mine", optimizer="spsa", max_iter=2, random_state=0).fit(X, Y)
    assert kernel.gradient_ is None
