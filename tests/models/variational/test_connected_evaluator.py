import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp, random_statevector

from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz, ReuploadingFeatureMap
from qiskit_qml_ext.engine import Projector
from qiskit_qml_ext.exceptions import UnsupportedObservableError
from qiskit_qml_ext.gradients import HadamardTestGradient, ParameterShiftGradient, SPSAGradient
from qiskit_qml_ext.models.losses import CrossEntropyLoss, SquaredLoss
from qiskit_qml_ext.models.pauli_sums import as_pauli_sum
from qiskit_qml_ext.models.variational.connected_evaluator import ConnectedEvaluator
from qiskit_qml_ext.models.variational.evaluator import ExactEvaluator
from qiskit_qml_ext.models.variational.head import Head
from qiskit_qml_ext.models.variational.model_circuit import build_model_circuit
from qiskit_qml_ext.models.variational.objective import MeanLoss
from qiskit_qml_ext.models.variational.readout import observables_for
from qiskit_qml_ext.primitives import connect

MODEL = build_model_circuit(AngleFeatureMap(), RealAmplitudesAnsatz(reps=1), 2)
NUM_WEIGHTS = len(MODEL.weights)
Z_LIMIT = 4.5  # standard errors; 7e-6 of false alarms for each number


def objective(evaluator, loss, *, num_outputs, seed=0, fits=False):
    """The loss of five random samples; with ``fits`` their targets are what the model says."""
    rng = np.random.default_rng(seed)
    weights, rows = rng.uniform(0, 6, NUM_WEIGHTS), evaluator.rows(rng.uniform(-1, 1, (5, 2)))
    targets = 2 * np.eye(num_outputs + 1)[rng.integers(num_outputs + 1, size=5)][:, 1:] - 1
    if fits:
        targets = ExactEvaluator(MODEL, observables_for(None, num_outputs, 2)).values(rows.copy(), weights)
    head = Head(NUM_WEIGHTS, np.ones(num_outputs), np.zeros(num_outputs), False, False, np.eye(num_outputs))
    return MeanLoss(evaluator, head, loss, rows, targets, np.ones(5)), weights


@pytest.mark.parametrize(
    "observables",
    [
        observables_for("local", 2, 2),
        observables_for("local", 3, 2),
        observables_for("parity", 3, 2),
        [Projector(2), Pauli("YX")],
        [Projector(np.array([0.6, 0, 0, 0.8j])), np.array([0.3, -1.0, 2.0, 0.5])],
    ],
)
@pytest.mark.parametrize("method", [ParameterShiftGradient(), HadamardTestGradient()], ids=lambda one: one.name)
def test_without_noise_values_and_gradients_are_those_of_states_for_every_kind_of_observable(observables, method):
    rng = np.random.default_rng(1)
    weights, cotangents = rng.uniform(0, 6, NUM_WEIGHTS), rng.normal(size=(3, len(observables)))
    samples, exact = rng.normal(size=(3, 2)), ExactEvaluator(MODEL, observables)
    values = exact.values(exact.rows(samples), weights)
    gradient = exact.vjp(exact.rows(samples), weights, lambda values: cotangents)
    for connection in (connect(), connect("aer", shots=10**12)):  # Aer's estimator adds noise of 1e-6 only
        evaluator, atol = ConnectedEvaluator(MODEL, observables, connection, method), 1e-10
        if not connection.is_exact:
            atol = 5e-5
        assert_allclose(evaluator.values(evaluator.rows(samples), weights), values, atol=atol)
        assert_allclose(evaluator.vjp(evaluator.rows(samples), weights, lambda values: cotangents), gradient, atol=atol)
        assert_allclose(
            evaluator.metric(evaluator.rows(samples), weights), exact.metric(exact.rows(samples), weights), atol=1e-12
        )


@pytest.mark.parametrize(
    "observable",
    [
        Projector(5),
        Projector(random_statevector(8, seed=1).data),
        np.random.default_rng(0).normal(size=8),
        np.zeros(8),
        Pauli("XYZ"),
        SparsePauliOp(["ZZI", "IXI"], [0.5, -2.0]),
    ],
)
def test_an_observable_and_its_pauli_sum_are_one_operator(observable):
    operator = as_pauli_sum(observable, 3).to_matrix()
    if isinstance(observable, Projector):
        state = np.eye(8)[observable.state] if isinstance(observable.state, int) else observable.state
        expected = np.outer(state, np.conj(state))
    else:
        expected = np.diag(observable) if isinstance(observable, np.ndarray) else Operator(observable).data
    assert_allclose(operator, expected, atol=1e-14)


def test_an_observable_that_would_be_a_long_sum_is_refused_with_what_to_do():
    for observable, width in ((Projector(0), 11), (Projector(np.eye(64)[0]), 6), (Projector(0), 40)):
        with pytest.raises(UnsupportedObservableError, match=r"observables='local'.*or an exact connection"):
            as_pauli_sum(observable, width)
    assert len(as_pauli_sum(1.0 - 2.0 * (np.arange(2**12) % 2), 12)) == 1


@pytest.mark.parametrize("connection", [connect("exact", shots=500), connect("aer", shots=500)], ids=repr)
def test_gradients_with_shots_lie_within_their_stated_errors(connection):
    shots = ConnectedEvaluator(MODEL, observables_for(None, 2, 2), connection, ParameterShiftGradient())
    loss, weights = objective(shots, CrossEntropyLoss(), num_outputs=2)
    exact, _ = objective(ExactEvaluator(MODEL, observables_for(None, 2, 2)), CrossEntropyLoss(), num_outputs=2)
    for _ in range(5):
        _, gradient = loss.value_and_gradient(weights)
        errors = shots.account.gradient_errors
        assert np.all(errors > 0)
        assert np.all(np.abs(gradient - exact.value_and_gradient(weights)[1]) < Z_LIMIT * errors)


@pytest.mark.parametrize("fits", [False, True], ids=["far from a fit", "at a fit"])
@pytest.mark.parametrize("loss", [SquaredLoss(), CrossEntropyLoss()], ids=lambda one: one.name)
@pytest.mark.parametrize("num_outputs", [1, 3])
def test_stated_errors_of_the_gradient_are_the_spread_of_repetitions(loss, num_outputs, fits):
    connection = connect("exact", shots=100, seed=0)
    evaluator = ConnectedEvaluator(MODEL, observables_for(None, num_outputs, 2), connection, ParameterShiftGradient())
    mean, weights = objective(evaluator, loss, num_outputs=num_outputs, fits=fits)
    gradients, errors = [], []
    for _ in range(300):
        gradients.append(mean.value_and_gradient(weights)[1])
        errors.append(evaluator.account.gradient_errors)
    spread, stated = np.std(gradients, axis=0, ddof=1), np.sqrt(np.mean(np.square(errors), axis=0))
    # the spread of 300 repetitions has a relative error of 1/sqrt(600) = 4 %; c is followed to first order
    assert_allclose(spread, stated, rtol=0.2, atol=1e-12)


@pytest.mark.parametrize(
    ("target", "factor"), [("exact", 2**0.5), (GenericBackendV2(2, seed=0), 2.0)], ids=["own noise", "same shots"]
)
def test_errors_of_observables_that_may_share_shots_are_added(target, factor):
    errors = []
    for observables in ([Pauli("IZ")], [Pauli("IZ"), Pauli("IZ")]):
        connection = connect(target, shots=2000, seed=0)
        evaluator = ConnectedEvaluator(MODEL, observables, connection, ParameterShiftGradient())
        evaluator.vjp(evaluator.rows(np.zeros((1, 2))), np.full(NUM_WEIGHTS, 0.7), np.ones_like)
        errors.append(evaluator.account.gradient_error)
    assert_allclose(errors[1], factor * errors[0], rtol=0.05)  # errors are estimates, too


def test_each_estimate_of_a_seeded_simulator_has_noise_of_its_own_and_all_of_them_are_reproducible():
    def repeated(connection):
        evaluator = ConnectedEvaluator(MODEL, [Pauli("IZ")], connection, ParameterShiftGradient())
        rows, weights = evaluator.rows(np.zeros((2, 2))), np.full(NUM_WEIGHTS, 0.7)
        return [evaluator.values(rows, weights).tolist() for _ in range(3)]

    for name in ("exact", "aer"):
        first, second, third = repeated(connect(name, shots=100, seed=5))
        assert first != second != third != first
        assert [first, second, third] == repeated(connect(name, shots=100, seed=5))
        assert first != repeated(connect(name, shots=100, seed=6))[0]


def test_shots_are_counted_as_the_connection_counts_them():
    connection = connect("aer", shots=100, seed=0)
    evaluator = ConnectedEvaluator(MODEL, observables_for(None, 3, 2), connection, ParameterShiftGradient())
    rows, weights = evaluator.rows(np.zeros((4, 2))), np.full(NUM_WEIGHTS, 0.7)
    evaluator.values(rows, weights)
    assert evaluator.account.shots == connection.usage.shots == 4 * 3 * 100
    evaluator.vjp(rows, weights, np.zeros_like)
    assert evaluator.account.shots == connection.usage.shots == (1 + 1 + 2 * NUM_WEIGHTS) * 4 * 3 * 100


def test_an_error_that_is_not_known_is_not_zero():
    connection = connect("exact", shots=100, seed=0)
    evaluator = ConnectedEvaluator(MODEL, [Pauli("IZ")], connection, SPSAGradient())
    evaluator.vjp(evaluator.rows(np.zeros((1, 2))), np.zeros(NUM_WEIGHTS), np.ones_like)
    assert np.isnan(evaluator.account.gradient_error)


def test_the_precision_of_an_exact_connection_is_respected():
    model = build_model_circuit(ReuploadingFeatureMap(reps=3), None, 2)
    samples, weights = np.ones((1, 2)), np.ones(len(model.weights))
    values = []
    for dtype in ("complex128", "complex64"):
        evaluator = ExactEvaluator(model, [Pauli("IZ")], connect("exact", dtype=dtype))
        values.append(float(evaluator.values(evaluator.rows(samples), weights)[0, 0]))
    assert 0 < abs(values[0] - values[1]) < 1e-5


def test_observables_with_complex_coefficients_and_of_another_width_are_refused():
    for observable, words in ((SparsePauliOp("ZZ", 1j), "complex coefficients"), (Pauli("Z"), "acts on 1 qubits")):
        with pytest.raises(ValueError, match=words):
            ConnectedEvaluator(MODEL, [observable], connect("aer"), ParameterShiftGradient())
