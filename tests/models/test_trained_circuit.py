import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Operator, Pauli

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    IdentityBlockDistribution,
    RealAmplitudesAnsatz,
    TrainableRingFeatureMap,
    UniformDistribution,
)
from qiskit_qml_ext.exceptions import ParameterOrderWarning
from qiskit_qml_ext.models import QuantumLayer, VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.models.trained_circuit import split_circuit, trained_circuit
from qiskit_qml_ext.models.variational.model_circuit import build_model_circuit


def turned(*parameters, num_qubits=1):
    circuit = QuantumCircuit(num_qubits)
    for parameter in parameters:
        circuit.ry(parameter, 0)
    return circuit


A, B = Parameter("a"), Parameter("b")
X, W = ParameterVector("x", 1), ParameterVector("w", 2)
OWN = turned(W[0], X[0], W[1])


@pytest.mark.parametrize("ansatz", [RealAmplitudesAnsatz(reps=1), RealAmplitudesAnsatz(reps=1).build(3)])
@pytest.mark.parametrize("feature_map", [TrainableRingFeatureMap(), TrainableRingFeatureMap().build(3)])
def test_model_and_layer_have_the_same_circuit_with_the_same_weights(feature_map, ansatz):
    model = build_model_circuit(feature_map, ansatz, 3)
    layer = QuantumLayer((feature_map, ansatz), Pauli("ZII"), num_features=3, random_state=4)
    built, trained = TrainableRingFeatureMap().build(3), RealAmplitudesAnsatz(reps=1).build(3)
    own = len(model.weights) - trained.num_parameters
    x, theta = np.linspace(0.1, 0.5, 3), np.linspace(1, 2, len(model.weights))
    assert own > 0
    expected = Operator(trained.assign_parameters(theta[own:])) @ Operator(built.assign_parameters([*x, *theta[:own]]))
    for circuit, data, weights in (
        (model.circuit, model.data_parameters, model.weight_parameters),
        (layer.circuit, layer.input_parameters, layer.weight_parameters),
    ):
        bound = circuit.assign_parameters(dict(zip((*data, *weights), (*x, *theta), strict=True)))
        assert np.abs(Operator(bound).data - expected.data).max() < 1e-14
        assert [data[0].name, weights[0].name] == ["x[0]", "θ[0]"]
    drawn = model.draw(UniformDistribution(), np.random.default_rng(4))
    np.testing.assert_array_equal(layer.initial_weights(), drawn)


def test_places_are_those_in_the_circuit_of_more_than_ten_parameters():
    model = build_model_circuit(AngleFeatureMap(), RealAmplitudesAnsatz(reps=3), 12)
    parameters = list(model.circuit.parameters)
    assert [parameters[place].name for place in model.data] == [f"x[{index}]" for index in range(12)]
    assert [parameters[place].name for place in model.weights] == [f"θ[{index}]" for index in range(48)]


def test_a_circuit_without_a_vector_x_is_data_where_an_ansatz_stands_beside_it():
    trained = trained_circuit(turned(A), turned(B), None)
    assert [len(trained.data), len(trained.weights)] == [1, 1]
    value = QuantumLayer((turned(A), turned(B)), Pauli("Z"))([0.2], [0.3])
    assert value[0] == pytest.approx(np.cos(0.5), abs=1e-14)
    named_x = trained_circuit(OWN, turned(A), None)
    assert [len(named_x.data), len(named_x.weights)] == [1, 3]


def test_a_circuit_whose_parameters_are_not_split_gets_the_error_everywhere():
    samples, targets = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    for call in (
        lambda: split_circuit(turned(A, B)),
        lambda: trained_circuit(turned(A, B), None, 2),
        lambda: build_model_circuit(turned(A, B), None, 2),
        lambda: QuantumLayer(turned(A, B), Pauli("Z")),
        lambda: VariationalClassifier(turned(A, B)).fit(samples, targets),
        lambda: VariationalRegressor(turned(A, B)).fit(samples, targets),
    ):
        with pytest.raises(ValueError, match=r"\(a, b\) are not split into data and weights"):
            call()


@pytest.mark.parametrize(
    ("feature_map", "ansatz", "word"),
    [
        (turned(A), turned(A, B), "has a,"),
        (OWN, turned(W[1]), r"w\[1\]"),
        (OWN, turned(X[0], A), r"x\[0\]"),
        (turned(A), turned(*ParameterVector("x", 1)), r"x\[0\]"),
    ],
)
def test_parameters_that_two_circuits_share_are_refused(feature_map, ansatz, word):
    for call in (
        lambda: build_model_circuit(feature_map, ansatz, 1),
        lambda: QuantumLayer((feature_map, ansatz), Pauli("Z")),
    ):
        with pytest.raises(ValueError, match=f"{word}.*weights of its own"):
            call()


def test_another_number_of_features_or_qubits_is_refused_alike():
    for call in (
        lambda: build_model_circuit(turned(A), turned(B), 2),
        lambda: QuantumLayer((turned(A), turned(B)), Pauli("Z"), num_features=2),
    ):
        with pytest.raises(ValueError, match="2 features but the feature map encodes 1"):
            call()
    for call in (
        lambda: build_model_circuit(turned(A), turned(B, num_qubits=2), 1),
        lambda: QuantumLayer((turned(A), turned(B, num_qubits=2)), Pauli("Z")),
    ):
        with pytest.raises(ValueError, match="ansatz has 2 qubits but the feature map has 1"):
            call()


def test_a_layer_may_have_no_weights_and_a_model_may_not():
    layer = QuantumLayer(AngleFeatureMap(), Pauli("ZI"), num_features=2)
    assert layer.num_weights == 0
    with pytest.raises(ValueError, match="no weights to train"):
        build_model_circuit(AngleFeatureMap(), QuantumCircuit(2), 2)


def test_initial_weights_of_each_part_are_drawn_by_themselves():
    distribution = IdentityBlockDistribution()
    ansatz = distribution.mirrored(RealAmplitudesAnsatz(reps=1).build(2))
    layer = QuantumLayer(
        (AngleFeatureMap(), ansatz), Pauli("ZZ"), num_features=2, initialization=distribution, random_state=0
    )
    np.testing.assert_allclose(
        layer([0.3, 0.4], layer.initial_weights()),
        QuantumLayer(AngleFeatureMap(), Pauli("ZZ"), num_features=2)([0.3, 0.4], []),
        atol=1e-14,
    )


@pytest.mark.parametrize("expression", [lambda x, w: w * x, lambda x, w: w * x.arccos(), lambda x, w: w * x.log()])
def test_weights_that_multiply_what_a_feature_gives_are_drawn_too(expression):
    circuit = turned(expression(X[0], A))
    for weights in (
        build_model_circuit(circuit, None, 1).draw(UniformDistribution(), np.random.default_rng(0)),
        QuantumLayer(circuit, Pauli("Z"), random_state=0).initial_weights(),
    ):
        assert weights.shape == (1,)


def test_order_of_single_parameters_that_their_numbers_contradict_is_warned_of_as_what_they_are():
    data, weights = ([Parameter(f"{letter}{place}") for place in range(11)] for letter in "pq")
    with pytest.warns(ParameterOrderWarning, match=r"The columns of the data are bound .* p0, p1, p10, p2"):
        build_model_circuit(turned(*data), turned(B), 11)
    with pytest.warns(ParameterOrderWarning, match=r"The weights are bound .* q0, q1, q10, q2"):
        build_model_circuit(turned(A), turned(*weights), 1)


def test_initial_weights_follow_the_order_in_which_weights_are_named():
    drawn = [
        split_circuit(turned(A, B, X[0]), weights=names).draw(UniformDistribution(), np.random.default_rng(2))
        for names in (["a", "b"], ["b", "a"], ["b", "x[0]", "a"])
    ]
    np.testing.assert_array_equal(drawn[0], drawn[1][::-1])
    np.testing.assert_array_equal(drawn[0], drawn[2][[2, 0]])


def test_parts_have_the_parameters_that_the_user_gave_the_weights():
    model = trained_circuit(OWN, turned(B, A), None)
    assert [[parameter.name for parameter in part.parameters] for part in model.parts] == [["w[0]", "w[1]"], ["a", "b"]]
    assert [len(one.parts) for one in (trained_circuit(turned(A), turned(B), 1), split_circuit(turned(*X)))] == [1, 0]
