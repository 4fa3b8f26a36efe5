"""Networks of qiskit-machine-learning, as the diagnostics see them."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import real_amplitudes, z_feature_map
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.algorithms import VQC, NeuralNetworkClassifier
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN

from qiskit_qml_ext.diagnostics import diagnose, gradient_variance, plateau_causes
from qiskit_qml_ext.diagnostics.subject.network import network_of
from qiskit_qml_ext.engine import expectations
from qiskit_qml_ext.primitives import ExactEstimator, ExactSampler, connect
from qiskit_qml_ext.primitives.targets import fake_backend

MAP, ANSATZ = z_feature_map(3), real_amplitudes(3, reps=1)
X = np.random.default_rng(5).uniform(0, 1, (6, 3))


def _estimator_network():
    return EstimatorQNN(
        circuit=MAP.compose(ANSATZ),
        input_params=list(MAP.parameters),
        weight_params=list(ANSATZ.parameters),
        estimator=ExactEstimator(),
        default_precision=0.0,
    )


def _two_rotations():
    """⟨Z⟩ = cos(x + w), with the input x and the weight w."""
    x, w = Parameter("x"), Parameter("w")
    circuit = QuantumCircuit(1)
    circuit.rx(x, 0)
    circuit.rx(w, 0)
    return EstimatorQNN(circuit=circuit, input_params=[x], weight_params=[w], estimator=ExactEstimator())


def test_inputs_are_rows_of_the_data():
    network = network_of(_estimator_network(), X)
    names = [parameter.name for parameter in network.circuit.parameters]
    values = network.distribution.sample(network.circuit, 40, 0)
    inputs = values[:, [names.index(parameter.name) for parameter in MAP.parameters]]
    assert {tuple(row) for row in inputs} == {tuple(row) for row in X}
    assert [names[column] for column in network.weights] == [parameter.name for parameter in ANSATZ.parameters]
    assert np.ptp(values[:, list(network.weights)], axis=0).min() > 3
    assert "6 rows of data" in repr(network.distribution)


def test_loss_is_what_the_network_returns():
    qnn = _estimator_network()
    network = network_of(NeuralNetworkClassifier(qnn), X)
    assert network.observable == SparsePauliOp("ZZZ")
    weights = np.random.default_rng(1).uniform(0, 6, ANSATZ.num_parameters)
    names = [parameter.name for parameter in network.circuit.parameters]
    named = dict(zip([p.name for p in [*MAP.parameters, *ANSATZ.parameters]], [*X[0], *weights], strict=True))
    values = np.array([[named[name] for name in names]])
    found = expectations(network.circuit, values, network.observable)[0, 0]
    assert found == pytest.approx(qnn.forward(X[0], weights)[0, 0], abs=1e-10)


def test_probability_of_the_first_class_of_a_classifier():
    classifier = VQC(feature_map=MAP, ansatz=ANSATZ, sampler=ExactSampler())
    network = network_of(classifier, X)
    np.testing.assert_array_equal(network.observable, [1, 0] * 4)  # VQC takes an outcome modulo the number of classes
    assert "first" in network.note
    found = gradient_variance(
        network.circuit, network.observable, distribution=network.distribution, parameters=network.weights, seed=0
    )
    assert len(found.parameters) == ANSATZ.num_parameters


def test_variance_over_the_weights_alone():
    """⟨Z⟩ = cos(x + w) with w uniform has the variance 1/2 whatever the data; with x alone it would have none."""
    network = network_of(_two_rotations(), [[0.3]])
    found = gradient_variance(
        network.circuit,
        network.observable,
        distribution=network.distribution,
        parameters=network.weights,
        num_samples=4000,
        seed=2,
    )
    assert found.loss_variance.contains(0.5)
    assert found.gradient_variances[0].contains(0.5)


def test_sampler_network_without_interpretation():
    qnn = SamplerQNN(
        circuit=MAP.compose(ANSATZ),
        input_params=list(MAP.parameters),
        weight_params=list(ANSATZ.parameters),
        sampler=ExactSampler(),
    )
    network = network_of(qnn, None)
    assert "drawn like the weights" in network.note
    values = network.distribution.sample(network.circuit, 1, 3)
    by_name = dict(zip([p.name for p in network.circuit.parameters], values[0], strict=True))
    probabilities = qnn.forward([by_name[p.name] for p in MAP.parameters], [by_name[p.name] for p in ANSATZ.parameters])
    found = expectations(network.circuit, values, network.observable)[0, 0]
    assert found == pytest.approx(np.ravel(probabilities)[0], abs=0.05)  # 1,024 shots: three standard errors


def test_data_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"the network's 3 inputs, but has \(6, 2\)"):
        network_of(_estimator_network(), X[:, :2])


def test_other_models_are_no_networks():
    assert network_of(object(), X) is None


def test_diagnosis_of_a_classifier_on_its_data():
    report = diagnose(NeuralNetworkClassifier(_estimator_network()), X, num_samples=50)
    assert report.title == "Is it trainable? NeuralNetworkClassifier on 3 qubits with 6 weights"
    gradient = report.evidence["gradient_variance"]
    assert set(gradient.parameters) == {parameter.name for parameter in ANSATZ.parameters}
    causes = report.evidence["plateau_causes"]
    assert {change.cause for change in causes.changes} >= {"a global observable", "entanglement"}
    assert report.price
    assert "diagnose its ansatz too" in " ".join(report.summary().split())


def test_price_and_noise_of_a_network_concern_its_weights():
    qnn = _estimator_network()
    connection = connect("fake_manila", seed=1)
    report = diagnose(qnn, X, num_samples=20, connection=connection, noise=fake_backend("fake_manila"))
    assert report.plan.circuits == 2 * ANSATZ.num_parameters  # each weight drives one rotation; inputs drive more
    assert any("one gradient by parameter shifts for each sample takes 12 circuits" in line for line in report.price)
    causes = report.evidence["plateau_causes"]
    assert causes.noise == "fake_manila"
    assert any(change.cause == "noise" for change in causes.changes)
    classifier = VQC(feature_map=MAP, ansatz=ANSATZ, sampler=ExactSampler())
    without = diagnose(classifier, X, num_samples=20, noise=fake_backend("fake_manila"))
    assert any("simulated for Pauli sums only" in line for line in without.skipped)


def test_small_angles_leave_inputs_as_they_are():
    """⟨Z⟩ = cos(x + w): around w = 0 the derivative is -sin x, which is 1 in size for x = π/2."""
    network = network_of(_two_rotations(), [[np.pi / 2]])
    found = plateau_causes(
        network.circuit,
        network.observable,
        distribution=network.distribution,
        parameters=network.weights,
        num_samples=500,
        seed=0,
    )
    (small,) = found.changes
    # E sin²(π/2 + w) = E cos² w with w normal of variance 1/(4·(1+2)), (1 + exp(-2/12))/2
    assert small.squared_gradient.value == pytest.approx((1 + np.exp(-1 / 6)) / 2, abs=0.03)
    assert found.squared_gradient.value == pytest.approx(0.5, abs=0.1)
