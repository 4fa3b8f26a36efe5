import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Operator, Pauli
from sklearn.base import clone

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    HardwareEfficientAnsatz,
    IdentityBlockDistribution,
    RealAmplitudesAnsatz,
    TrainableRingFeatureMap,
    UniformDistribution,
)
from qiskit_qml_ext.exceptions import ParameterOrderWarning, PlateauError
from qiskit_qml_ext.models import QuantumLayer, VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.models.trained_circuit import split_circuit, trained_circuit
from qiskit_qml_ext.models.variational.model_circuit import build_model_circuit
from qiskit_qml_ext.primitives import connect


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
        with pytest.raises(ValueError, match=r"2 features but the feature map encodes 1.*every element of"):
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


def qnode_like():
    """A circuit of a function of ``inputs`` and ``w``: by name its data are neither first nor last."""
    inputs, weights, angle = ParameterVector("inputs", 2), ParameterVector("w", 12), Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.ry(angle, 0)
    for qubit in range(2):
        circuit.ry(inputs[qubit], qubit)
    circuit.cx(0, 1)
    for place, weight in enumerate(reversed(list(weights))):
        circuit.rx(weight, place % 2)
        circuit.rz(weight * inputs[place % 2], place % 2)
    return circuit


@pytest.mark.parametrize(
    "settings",
    [
        {"input_parameters": "inputs"},
        {"input_parameters": ["inputs"]},
        {"input_parameters": ["inputs[0]", "inputs[1]"]},
        {"weight_parameters": ["a", "w"]},
        {"input_parameters": "inputs", "weight_parameters": ["a", "w"]},
    ],
    ids=str,
)
def test_the_name_of_a_vector_stands_for_its_elements_in_their_order(settings):
    layer = QuantumLayer(qnode_like(), Pauli("ZZ"), **settings)
    assert [one.name for one in layer.input_parameters] == ["inputs[0]", "inputs[1]"]
    assert [one.name for one in layer.weight_parameters] == ["a", *(f"w[{place}]" for place in range(12))]


def test_vectors_in_another_order_give_columns_in_that_order():
    layer = QuantumLayer(qnode_like(), Pauli("ZZ"), weight_parameters=["w", "a"])
    assert [one.name for one in layer.weight_parameters][-2:] == ["w[11]", "a"]
    layer = QuantumLayer(qnode_like(), Pauli("ZZ"), input_parameters=["w", "inputs[1]"])
    assert [one.name for one in layer.input_parameters] == [*(f"w[{place}]" for place in range(12)), "inputs[1]"]


@pytest.mark.parametrize("kind", [VariationalClassifier, VariationalRegressor])
@pytest.mark.parametrize("names", ["inputs", ["inputs"], ["inputs[0]", "inputs[1]"]], ids=str)
def test_a_model_takes_a_circuit_whose_data_have_another_name(kind, names):
    circuit, rng = qnode_like(), np.random.default_rng(0)
    names = [one for one in circuit.parameters if one.name in names] if "inputs[0]" in names else names
    X, y = rng.uniform(0, 3, (12, 2)), np.arange(12) % 2
    model = kind(circuit, input_parameters=names, observables=Pauli("ZZ"), max_iter=5, random_state=0).fit(X, y)
    layer = QuantumLayer(circuit, Pauli("ZZ"), input_parameters="inputs")
    outputs = layer(X, model.weights_)[:, 0]
    if kind is VariationalRegressor:
        np.testing.assert_allclose(model.predict(X), outputs * model.output_scale_ + model.output_bias_, atol=1e-12)
    else:
        scores = outputs * model.output_scale_ + model.output_bias_
        np.testing.assert_allclose(model.decision_function(X), scores, atol=1e-12)
    # the same circuit, with its data called x by the user
    x = ParameterVector("x", 2)
    renamed = circuit.assign_parameters({f"inputs[{place}]": x[place] for place in range(2)})
    other = kind(renamed, observables=Pauli("ZZ"), max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_allclose(other.weights_, model.weights_, atol=1e-12)
    again = pickle.loads(pickle.dumps(clone(model).fit(X, y)))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_named_data_and_an_ansatz_beside_them():
    circuit = turned(B, A, num_qubits=2)  # b is data, a is trained before the ansatz
    model = trained_circuit(circuit, RealAmplitudesAnsatz(reps=1), 1, input_parameters=["b"])
    assert (len(model.data), len(model.weights)) == (1, 5)
    bound = model.circuit.assign_parameters(
        dict(zip((*model.data_parameters, *model.weight_parameters), (0.3, 0.7, 0, 0, 0, 0), strict=True))
    )
    by_hand = circuit.assign_parameters({A: 0.7, B: 0.3}).compose(QuantumCircuit(2))
    by_hand.cx(0, 1)
    assert Operator(bound).equiv(by_hand)


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"feature_map": None, "input_parameters": "x"}, ValueError, "goes with a circuit as feature map only"),
        ({"feature_map": AngleFeatureMap(), "input_parameters": ["x"]}, ValueError, "Leave it out"),
        ({"input_parameters": "input"}, TypeError, "name of one ParameterVector, but 'input' came. The circuit has a"),
        ({"input_parameters": "a"}, TypeError, "must be a list of parameters"),
        ({"input_parameters": ["input"]}, ValueError, "input, which is no parameter"),
        ({"input_parameters": ["inputs", "inputs[0]"]}, ValueError, "twice"),
        ({"input_parameters": ["inputs", "a"]}, ValueError, "2 features but the feature map encodes 3"),
        ({"input_parameters": [parameter.name for parameter in qnode_like().parameters]}, ValueError, "encodes 15"),
        ({"input_parameters": 3}, TypeError, "list of parameters"),
    ],
    ids=str,
)
def test_names_that_mean_nothing_are_refused(settings, error, match):
    X, y = np.random.default_rng(0).uniform(0, 3, (12, 2)), np.arange(12) % 2
    for kind in (VariationalClassifier, VariationalRegressor):
        with pytest.raises(error, match=match):
            kind(**{"feature_map": qnode_like(), **settings}).fit(X, y)


def test_a_parameter_and_a_vector_of_one_name_are_told_apart_only_by_themselves():
    circuit = turned(Parameter("w"), *ParameterVector("w", 2), A)
    with pytest.raises(ValueError, match="both a parameter and a ParameterVector"):
        QuantumLayer(circuit, Pauli("Z"), weight_parameters=["w"])
    alone = next(one for one in circuit.parameters if one.name == "w")
    assert QuantumLayer(circuit, Pauli("Z"), input_parameters=[alone]).num_weights == 3


@pytest.mark.parametrize("name", ["x", "inputs"])
def test_the_guard_finds_causes_where_the_feature_map_is_a_circuit(name):
    circuit = QuantumCircuit(8)
    for qubit, parameter in enumerate(ParameterVector(name, 8)):
        circuit.ry(parameter, qubit)
    model = VariationalRegressor(
        circuit, HardwareEfficientAnsatz(reps=12), input_parameters=None if name == "x" else name,
        observables="parity", connection=connect("exact", shots=10, seed=1), plateau_guard="stop", random_state=0,
    )  # fmt: skip
    X = np.random.default_rng(0).uniform(0.2, 1.2, (6, 8))
    with pytest.raises(PlateauError) as caught:
        model.fit(X, np.sin(2 * X[:, 0]))
    assert "small Gaussian angles" in caught.value.report.cause
