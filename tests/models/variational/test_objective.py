from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector

from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz, ReuploadingFeatureMap
from qiskit_qml_ext.models.losses import LOSSES, CrossEntropyLoss
from qiskit_qml_ext.models.variational.evaluator import ExactEvaluator
from qiskit_qml_ext.models.variational.head import Head
from qiskit_qml_ext.models.variational.model_circuit import build_model_circuit
from qiskit_qml_ext.models.variational.objective import MeanLoss
from qiskit_qml_ext.models.variational.readout import observables_for

RNG = np.random.default_rng(3)


def objective(num_outputs, loss, *, trains=(True, True), feature_map=None, mixing=None):
    model = build_model_circuit(feature_map, RealAmplitudesAnsatz(reps=1), 3)
    evaluator = ExactEvaluator(model, observables_for(None, num_outputs, model.circuit.num_qubits))
    scale, bias = RNG.uniform(0.5, 2, num_outputs), RNG.normal(size=num_outputs)
    mixing = np.eye(num_outputs) if mixing is None else mixing
    head = Head(len(model.weights), scale, bias, *trains, mixing)
    targets = 2 * np.eye(mixing.shape[1])[RNG.integers(mixing.shape[1], size=6)] - 1
    rows = evaluator.rows(RNG.normal(size=(6, 3)))
    return MeanLoss(evaluator, head, loss, rows, targets, RNG.uniform(0, 2, 6)), len(model.weights)


def slopes_of(loss, point, step=1e-6):
    moved = step * np.eye(len(point))
    return [(loss.value(point + shift) - loss.value(point - shift)) / (2 * step) for shift in moved]


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("num_outputs", [1, 3])
@pytest.mark.parametrize("trains", [(True, True), (False, True), (True, False), (False, False)])
def test_gradients_by_weights_scales_and_biases_agree_with_finite_differences(name, num_outputs, trains):
    mixing = np.array([[-1.0, 1.0]]) if num_outputs == 1 else None
    loss, num_weights = objective(num_outputs, LOSSES[name](), trains=trains, mixing=mixing)
    point = loss.head.start(RNG.uniform(0, 6, num_weights))
    value, gradient = loss.value_and_gradient(point)
    assert_allclose(value, loss.value(point), rtol=1e-13)
    step = 1e-6
    slopes = [
        (loss.value(point + shift) - loss.value(point - shift)) / (2 * step) for shift in step * np.eye(len(point))
    ]
    assert_allclose(gradient, slopes, atol=1e-8)  # rounding over step, and step²; no sample is at a kink


def test_the_gradient_with_weights_inside_the_feature_map_agrees_with_finite_differences():
    loss, num_weights = objective(2, CrossEntropyLoss(), feature_map=ReuploadingFeatureMap(reps=2))
    point = loss.head.start(RNG.uniform(0, 6, num_weights))
    step = 1e-6
    slopes = [
        (loss.value(point + shift) - loss.value(point - shift)) / (2 * step) for shift in step * np.eye(len(point))
    ]
    assert_allclose(loss.value_and_gradient(point)[1], slopes, atol=1e-8)


def test_the_derivative_of_cross_entropy_by_an_expectation_value_is_scale_times_probability_less_label():
    loss, num_weights = objective(3, CrossEntropyLoss())
    weights, seen = RNG.uniform(0, 6, num_weights), []

    class Spy:
        def vjp(self, rows, weights, pull):
            values = loss.evaluator.values(rows, weights)
            seen.append((values, pull(values)))
            return np.zeros(len(weights))

    MeanLoss(Spy(), loss.head, loss.loss, loss.rows, loss.targets, loss.sample_weight).value_and_gradient(
        loss.head.start(weights)
    )
    values, cotangents = seen[0]
    odds = np.exp(values * loss.head.scale + loss.head.bias)
    excess = odds / odds.sum(axis=1, keepdims=True) - (loss.targets + 1) / 2
    assert_allclose(cotangents, loss.head.scale * excess * loss.sample_weight[:, None] / 6, atol=1e-14)


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("num_outputs", [1, 3])
def test_the_compiled_loss_is_the_loss_itself(name, num_outputs):
    mixing = np.array([[-1.0, 1.0]]) if num_outputs == 1 else None
    loss, num_weights = objective(num_outputs, LOSSES[name](), mixing=mixing)
    own = replace(loss, loss=lambda outputs, targets: loss.loss(outputs, targets))
    point = loss.head.start(RNG.uniform(0, 6, num_weights))
    (value, gradient), (expected, slopes) = loss.value_and_gradient(point), own.value_and_gradient(point)
    assert_allclose(value, expected, rtol=1e-13)
    assert_allclose(gradient, slopes, atol=1e-14)


class Estimating:
    """The same evaluator without whole steps, as one that estimates is."""

    def __init__(self, exact):
        self.values, self.vjp = exact.values, exact.vjp


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("num_outputs", [1, 3])
def test_a_compiled_step_is_the_step_with_values_brought_back_in_between(name, num_outputs):
    mixing = np.array([[-1.0, 1.0]]) if num_outputs == 1 else None
    loss, num_weights = objective(num_outputs, LOSSES[name](), mixing=mixing)
    slow = replace(loss, evaluator=Estimating(loss.evaluator))
    for one, other in [(loss, slow), (loss.batch(np.array([4, 0])), slow.batch(np.array([4, 0])))]:
        point = loss.head.start(RNG.uniform(0, 6, num_weights))
        (value, gradient), (expected, slopes) = one.value_and_gradient(point), other.value_and_gradient(point)
        assert_allclose(value, expected, rtol=1e-13)
        assert_allclose(gradient, slopes, atol=1e-13)


def test_a_batch_of_a_batch_is_a_batch():
    loss, num_weights = objective(3, CrossEntropyLoss())
    point = loss.head.start(RNG.uniform(0, 6, num_weights))
    nested = loss.batch(np.array([5, 2, 0, 1])).batch(np.array([1, 3]))
    assert_allclose(nested.value(point), loss.batch(np.array([2, 1])).value(point), rtol=1e-14)
    assert_allclose(nested.value_and_gradient(point)[0], nested.value(point), rtol=1e-13)


def test_a_subclass_of_a_loss_is_a_loss_of_its_own():
    class Twice(LOSSES["squared"]):
        def __call__(self, outputs, targets, /):
            values, derivatives = super().__call__(outputs, targets)
            return 2 * values, 2 * derivatives

    loss, num_weights = objective(3, LOSSES["squared"]())
    point = loss.head.start(RNG.uniform(0, 6, num_weights))
    value, gradient = replace(loss, loss=Twice()).value_and_gradient(point)
    assert_allclose(value, 2 * loss.value_and_gradient(point)[0], rtol=1e-13)
    assert_allclose(gradient, 2 * loss.value_and_gradient(point)[1], atol=1e-14)


def test_batches_together_are_the_whole():
    loss, num_weights = objective(3, CrossEntropyLoss())
    point = loss.head.start(RNG.uniform(0, 6, num_weights))
    parts = [loss.batch(np.array(rows)) for rows in ([0, 3], [1, 5], [2, 4])]
    values, gradients = zip(*(part.value_and_gradient(point) for part in parts), strict=True)
    value, gradient = loss.value_and_gradient(point)
    assert_allclose(np.mean(values), value, atol=1e-14)
    assert_allclose(np.mean(gradients, axis=0), gradient, atol=1e-14)


def fourier(circuit, num_samples=16):
    """Coefficients of the model's function of x, by the discrete Fourier transform."""
    evaluator = ExactEvaluator(build_model_circuit(circuit, None, 1), [Pauli("Z")])
    x = 2 * np.pi * np.arange(num_samples) / num_samples
    return evaluator, np.fft.fft(evaluator.values(evaluator.rows(x[:, None]), np.array(WEIGHTS))[:, 0]) / num_samples


WEIGHTS = [0.4, 1.1, 0.7, -0.3]


def test_a_model_that_loads_x_twice_is_the_fourier_series_of_degree_two():
    x, theta = ParameterVector("x", 1), ParameterVector("w", 4)
    circuit = QuantumCircuit(1)
    circuit.ry(theta[0], 0)
    circuit.rz(x[0], 0)
    circuit.ry(theta[1], 0)
    circuit.rx(theta[2], 0)
    circuit.rz(x[0], 0)
    circuit.ry(theta[3], 0)
    evaluator, coefficients = fourier(circuit)
    stated = [0.2873620107, -0.0055026269 - 0.1596019843j, 0.0350547714 + 0.0165179065j]
    assert_allclose(coefficients[:3], stated, atol=1e-10)
    assert_allclose(coefficients[3:14], 0, atol=1e-14)
    value = evaluator.values(evaluator.rows(np.array([[0.5]])), np.array(WEIGHTS))
    assert_allclose(value, [[0.4408201961]], atol=1e-10)


def test_values_are_those_of_qiskits_statevector():
    model = build_model_circuit(AngleFeatureMap(), RealAmplitudesAnsatz(reps=1), 2)
    evaluator = ExactEvaluator(model, [SparsePauliOp(["ZI", "XX"], [0.3, 0.7])])
    samples, weights = RNG.normal(size=(3, 2)), RNG.normal(size=4)
    found = evaluator.values(evaluator.rows(samples), weights)
    ansatz = RealAmplitudesAnsatz(reps=1).build(2).assign_parameters(weights)
    for sample, value in zip(samples, found[:, 0], strict=True):
        circuit = AngleFeatureMap().build(2).assign_parameters(sample).compose(ansatz)
        expected = Statevector(circuit).expectation_value(SparsePauliOp(["ZI", "XX"], [0.3, 0.7])).real
        assert_allclose(value, expected, atol=1e-13)


@pytest.mark.parametrize(
    ("word", "num_outputs", "num_qubits"), [("local", 1, 3), ("local", 2, 3), ("local", 7, 3), ("parity", 4, 3)]
)
def test_observables_that_are_chosen_tell_the_outputs_apart(word, num_outputs, num_qubits):
    tables = []
    for one in observables_for(word, num_outputs, num_qubits):
        tables.append(one if isinstance(one, np.ndarray) else np.diag(one.to_matrix()).real)
    assert np.linalg.matrix_rank(np.array(tables)) == num_outputs
    assert_allclose(np.max(np.abs(tables), axis=1), 1, atol=1e-15)


@pytest.mark.parametrize(
    ("observables", "num_outputs", "words"),
    [
        ("local", 9, "9 outputs need as many kinds of outcomes, but 3 qubits read as 'local' have 8"),
        ("parity", 5, "have 4"),
        ("one-hot", 1, "'local', 'parity'"),
        ([Pauli("ZII")], 3, "must be 3, one for each output"),
    ],
)
def test_too_many_outputs_and_unknown_words_are_refused(observables, num_outputs, words):
    with pytest.raises(ValueError, match=words):
        observables_for(observables, num_outputs, 3)
