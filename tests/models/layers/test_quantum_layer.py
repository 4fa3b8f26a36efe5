import copy
import pickle

import layer_case as case
import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    IdentityBlockDistribution,
    RealAmplitudesAnsatz,
    ReuploadingModel,
    TrainableRingFeatureMap,
    UniformDistribution,
)
from qiskit_qml_ext.engine import Projector
from qiskit_qml_ext.exceptions import ParameterOrderWarning
from qiskit_qml_ext.models import QuantumLayer
from qiskit_qml_ext.primitives import connect

MASKED = np.ma.array([[0.1]], mask=[[True]])


def cosine(**settings):
    """⟨Z⟩ = cos(x + w)."""
    x, w = Parameter("data"), Parameter("angle")
    circuit = QuantumCircuit(1)
    circuit.ry(x + w, 0)
    return QuantumLayer(circuit, Pauli("Z"), **{"input_parameters": ["data"], **settings})


def layer_of_the_case(**settings):
    return QuantumLayer(case.CIRCUIT, case.OBSERVABLES, **{**case.ARGUMENTS, **settings})


def test_missing_values_of_a_masked_array_are_refused_wherever_it_comes_in():
    layer, missing = cosine(), np.ma.masked_array([[0.1]], mask=[[True]])
    calls = {
        "inputs": lambda: layer(missing, [0.1]),
        "weights": lambda: layer([[0.1]], missing[0]),
        "cotangents": lambda: layer.vjp([[0.1]], [0.1], missing),
        "initialization": lambda: cosine(initialization=missing[0]).initial_weights(),
    }
    for name, call in calls.items():
        with pytest.raises(TypeError, match=f"{name} must have all its values"):
            call()
    whole = np.ma.masked_array([[0.1]], mask=[[False]])
    assert layer(whole, [0.1]) == layer([[0.1]], [0.1])


def test_values_are_those_of_the_feature_map_followed_by_the_ansatz():
    layer = layer_of_the_case()
    encoding, ansatz = AngleFeatureMap().build(3), RealAmplitudesAnsatz(reps=1).build(3)
    expected = []
    for x in case.INPUTS:
        state = Statevector(encoding.assign_parameters(x)).evolve(ansatz.assign_parameters(case.START))
        expected.append([state.expectation_value(observable).real for observable in case.OBSERVABLES])
    np.testing.assert_allclose(layer(case.INPUTS, case.START), expected, atol=1e-12)


def test_gradients_are_those_of_finite_differences():
    layer = layer_of_the_case()
    cotangents = case.TARGETS
    by_inputs, by_weights = layer.vjp(case.INPUTS, case.START, cotangents)
    step = 1e-6  # error of the difference: 1e-12 of the third derivative and 1e-16/1e-6 of rounding

    def loss(inputs, weights):
        return np.sum(cotangents * layer(inputs, weights))

    for place in np.ndindex(case.INPUTS.shape):
        shift = np.zeros_like(case.INPUTS)
        shift[place] = step
        slope = (loss(case.INPUTS + shift, case.START) - loss(case.INPUTS - shift, case.START)) / (2 * step)
        assert by_inputs[place] == pytest.approx(slope, abs=1e-7)
    for place in range(len(case.START)):
        shift = step * np.eye(len(case.START))[place]
        slope = (loss(case.INPUTS, case.START + shift) - loss(case.INPUTS, case.START - shift)) / (2 * step)
        assert by_weights[place] == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3), (0,)])
def test_leading_axes_of_the_inputs_are_those_of_outputs_and_gradients(batch):
    layer, x, w = cosine(), np.linspace(0, 1, int(np.prod(batch))).reshape(*batch, 1), np.array([0.3])
    np.testing.assert_allclose(layer(x, w), np.cos(x + w), atol=1e-12)
    by_inputs, by_weights = layer.vjp(x, w, np.ones((*batch, 1)))
    np.testing.assert_allclose(by_inputs, -np.sin(x + w), atol=1e-12)
    np.testing.assert_allclose(by_weights, [-np.sin(x + w).sum()], atol=1e-12)


def test_weights_of_their_own_for_each_sample_are_broadcast_and_their_gradients_summed():
    layer, x, w = cosine(), np.linspace(0, 1, 4).reshape(1, 4, 1), np.linspace(0, 2, 3).reshape(3, 1, 1)
    np.testing.assert_allclose(layer(x, w), np.cos(x + w), atol=1e-12)
    by_inputs, by_weights = layer.vjp(x, w, np.ones((3, 4, 1)))
    np.testing.assert_allclose(by_inputs, -np.sin(x + w).sum(axis=0, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(by_weights, -np.sin(x + w).sum(axis=1, keepdims=True), atol=1e-12)


def test_columns_are_bound_in_the_order_in_which_parameters_are_named():
    a, b, c = (Parameter(name) for name in "abc")
    circuit = QuantumCircuit(3)
    for qubit, parameter in enumerate((a, b, c)):
        circuit.rx(parameter, qubit)
    observables = [Pauli("IIZ"), Pauli("IZI"), Pauli("ZII")]
    layer = QuantumLayer(circuit, observables, input_parameters=["c", a], weight_parameters=[b])
    np.testing.assert_allclose(layer([0.3, 0.1], [0.2]), np.cos([0.1, 0.2, 0.3]), atol=1e-12)
    assert [parameter.name for parameter in layer.input_parameters] == ["c", "a"]
    by_inputs, by_weights = layer.vjp([0.3, 0.1], [0.2], [1.0, 10.0, 100.0])
    np.testing.assert_allclose(by_inputs, [-100 * np.sin(0.3), -np.sin(0.1)], atol=1e-12)
    np.testing.assert_allclose(by_weights, [-10 * np.sin(0.2)], atol=1e-12)


def test_vector_x_takes_the_inputs_and_everything_else_is_trained():
    x, theta = ParameterVector("x", 11), ParameterVector("a", 2)
    circuit = QuantumCircuit(1)
    for place in range(11):
        circuit.ry((place + 1) * x[place], 0)
    circuit.ry(theta[0] + theta[1], 0)
    layer = QuantumLayer(circuit, Pauli("Z"))
    values = np.linspace(0, 0.1, 11)
    assert (layer.num_inputs, layer.num_weights, layer.num_outputs) == (11, 2, 1)
    assert layer(values, [0.1, 0.2])[0] == pytest.approx(np.cos(np.arange(1, 12) @ values + 0.3), abs=1e-12)


def test_only_one_of_the_two_lists_need_be_given():
    layer = cosine(input_parameters=None, weight_parameters=["angle"])
    assert [parameter.name for parameter in layer.input_parameters] == ["data"]
    assert layer([0.2], [0.1])[0] == pytest.approx(np.cos(0.3), abs=1e-12)


def test_a_circuit_may_have_no_inputs_or_no_weights():
    trained = cosine(input_parameters=[])
    assert (trained.num_inputs, trained.num_weights) == (0, 2)
    np.testing.assert_allclose(trained(np.empty((3, 0)), [0.1, 0.2]), np.full((3, 1), np.cos(0.3)), atol=1e-12)
    fixed = cosine(input_parameters=None, weight_parameters=[])
    assert fixed.initial_weights().shape == (0,)
    by_inputs, by_weights = fixed.vjp([[0.1, 0.2]], [], [[1.0]])
    np.testing.assert_allclose(by_inputs, np.full((1, 2), -np.sin(0.3)), atol=1e-12)
    assert by_weights.shape == (0,)


def test_weights_of_the_feature_map_come_before_those_of_the_ansatz():
    encoding, ansatz = TrainableRingFeatureMap(), RealAmplitudesAnsatz(reps=1)
    own = encoding.num_weights(3)
    layer = QuantumLayer((encoding, ansatz), Pauli("ZXY"), num_features=3, random_state=5)
    weights = layer.initial_weights()
    x = np.array([0.1, 0.2, 0.3])
    built = encoding.build(3)
    state = Statevector(built.assign_parameters([*x, *weights[:own]])).evolve(
        ansatz.build(built.num_qubits).assign_parameters(weights[own:])
    )
    assert own > 0
    assert layer(x, weights)[0] == pytest.approx(state.expectation_value(Pauli("ZXY")).real, abs=1e-12)


def test_a_feature_map_with_weights_is_a_model_of_its_own():
    model = ReuploadingModel(reps=2)
    layer = QuantumLayer(model, Pauli("ZZ"), num_features=2, random_state=1)
    weights = layer.initial_weights()
    assert layer.num_weights == model.num_weights(2)
    bound = model.build(2).assign_parameters([0.4, 0.5, *weights])
    assert layer([0.4, 0.5], weights)[0] == pytest.approx(
        Statevector(bound).expectation_value(Pauli("ZZ")).real, abs=1e-12
    )


def test_names_of_a_circuit_that_encodes_are_kept_apart_from_those_of_the_weights():
    encoding = QuantumCircuit(1)
    encoding.ry(Parameter("θ"), 0)
    ansatz = QuantumCircuit(1)
    ansatz.ry(Parameter("θ"), 0)
    layer = QuantumLayer((encoding, ansatz), Pauli("Z"))
    assert layer([0.1], [0.2])[0] == pytest.approx(np.cos(0.3), abs=1e-12)
    assert layer.vjp([0.1], [0.2], [1.0])[1][0] == pytest.approx(-np.sin(0.3), abs=1e-12)


def test_order_that_the_numbers_contradict_is_warned_of():
    circuit = QuantumCircuit(1)
    for place in range(11):
        circuit.ry(Parameter(f"w{place}"), 0)
    circuit.ry(ParameterVector("x", 1)[0], 0)
    with pytest.warns(ParameterOrderWarning, match="w10"):
        QuantumLayer(circuit, Pauli("Z"))


def test_what_the_caller_does_to_circuit_and_observables_later_changes_nothing():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("x"), 0)
    observable, diagonal = SparsePauliOp("Z"), np.array([1.0, 0.0])
    layer = QuantumLayer(circuit, [observable, diagonal], weight_parameters=[])
    circuit.x(0)
    observable.coeffs[0] = 5.0
    diagonal[:] = 7.0
    layer.circuit.x(0)
    for one in (layer, pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        np.testing.assert_allclose(one([0.2], []), [np.cos(0.2), np.cos(0.1) ** 2], atol=1e-12)


def test_a_pickled_layer_gives_the_same_numbers():
    layer = layer_of_the_case(initialization=None, random_state=3)
    other = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(other.initial_weights(), layer.initial_weights())
    np.testing.assert_array_equal(other(case.INPUTS, case.START), layer(case.INPUTS, case.START))


def test_precision_is_that_of_the_connection():
    double, single = layer_of_the_case(), layer_of_the_case(connection=connect("exact", dtype="complex64"))
    difference = np.abs(double(case.INPUTS, case.START) - single(case.INPUTS, case.START)).max()
    assert 1e-12 < difference < 1e-5  # single precision: 1e-7 an operation


def test_single_precision_inputs_are_computed_with_in_double_precision():
    layer, x = layer_of_the_case(), case.INPUTS.astype(np.float32)
    values = layer(x, case.START)
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, layer(x.astype(np.float64), case.START))


def test_initial_weights_are_of_the_distribution_and_the_seed():
    usual = layer_of_the_case(initialization=None, random_state=3).initial_weights()
    assert np.all((usual >= 0) & (usual < 2 * np.pi))
    small = layer_of_the_case(initialization=UniformDistribution(-0.1, 0.1), random_state=3)
    assert np.all(np.abs(small.initial_weights()) <= 0.1)
    np.testing.assert_array_equal(small.initial_weights(), small.initial_weights())
    unseeded = layer_of_the_case(initialization=None)
    assert np.any(unseeded.initial_weights() != unseeded.initial_weights())
    np.testing.assert_array_equal(layer_of_the_case().initial_weights(), case.START)


def test_identity_blocks_begin_as_the_identity():
    blocks = IdentityBlockDistribution(num_blocks=2)
    ansatz = blocks.mirrored(RealAmplitudesAnsatz(reps=1).build(2))
    layer = QuantumLayer(
        (AngleFeatureMap(), ansatz), Pauli("IZ"), num_features=2, initialization=blocks, random_state=4
    )
    bare = Statevector(AngleFeatureMap().build(2).assign_parameters([0.4, 0.9])).expectation_value(Pauli("IZ")).real
    assert layer([0.4, 0.9], layer.initial_weights())[0] == pytest.approx(bare, abs=1e-12)


def test_all_kinds_of_observables_are_measured():
    state = Statevector([np.cos(0.1), np.sin(0.1)])
    observables = [Pauli("X"), SparsePauliOp("Z", 2.0), Projector(1), np.array([3.0, 4.0]), 0 * SparsePauliOp("Z")]
    expected = [np.sin(0.2), 2 * np.cos(0.2), np.sin(0.1) ** 2, 3 + np.sin(0.1) ** 2, 0.0]
    assert state.expectation_value(Pauli("X")).real == pytest.approx(expected[0])
    layer = cosine()
    several = QuantumLayer(layer.circuit, observables, input_parameters=["data"])
    np.testing.assert_allclose(several([0.15], [0.05]), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: cosine(input_parameters=None), ValueError, "not split into data and weights"),
        (lambda: cosine(input_parameters=["dat"]), ValueError, "dat, which is no parameter"),
        (lambda: cosine(input_parameters=[Parameter("data")]), ValueError, "same object"),
        (lambda: cosine(input_parameters="data"), TypeError, "list of parameters"),
        (lambda: cosine(input_parameters=["data", "data"]), ValueError, "twice"),
        (lambda: cosine(weight_parameters=["data", "angle"]), ValueError, "data came both"),
        (lambda: cosine(weight_parameters=[]), ValueError, "angle came neither"),
        (lambda: cosine(num_features=2), ValueError, "num_features goes with a template only"),
        (lambda: layer_of_the_case(num_features=None), ValueError, "num_features must say"),
        (lambda: layer_of_the_case(num_features=2.5), TypeError, "whole number"),
        (lambda: layer_of_the_case(input_parameters=["x[0]"]), ValueError, "goes with a circuit only"),
        (lambda: QuantumLayer("zz", Pauli("Z")), TypeError, "circuit must be"),
        (lambda: QuantumLayer((AngleFeatureMap(), "a"), Pauli("Z"), num_features=1), TypeError, "ansatz must be"),
        (lambda: QuantumLayer(("a", QuantumCircuit(1)), Pauli("Z")), TypeError, "feature_map must be"),
        (
            lambda: QuantumLayer((AngleFeatureMap(), QuantumCircuit(3)), Pauli("ZZ"), num_features=2),
            ValueError,
            "ansatz has 3 qubits but the feature map has 2",
        ),
        (lambda: QuantumLayer(cosine().circuit, Pauli("ZZ"), input_parameters=["data"]), ValueError, "2 qubits"),
        (lambda: QuantumLayer(cosine().circuit, [], input_parameters=["data"]), ValueError, "at least one"),
        (lambda: QuantumLayer(cosine().circuit, "Z", input_parameters=["data"]), TypeError, "observables must be"),
        (
            lambda: QuantumLayer(cosine().circuit, 1j * SparsePauliOp("Z"), input_parameters=["data"]),
            ValueError,
            "Hermitian",
        ),
        (lambda: cosine(connection="aer"), TypeError, "connect"),
        (lambda: cosine(initialization=[0.1, 0.2]).initial_weights(), ValueError, "1 weights"),
        (lambda: cosine(initialization=[np.nan]).initial_weights(), ValueError, "finite"),
        (lambda: cosine(initialization="uniform").initial_weights(), TypeError, "initialization"),
        (lambda: cosine()([[0.1, 0.2]], [0.1]), ValueError, r"inputs must have the shape \(…, 1\)"),
        (lambda: cosine()(0.1, [0.1]), ValueError, "inputs must have the shape"),
        (lambda: cosine()([[0.1]], [0.1, 0.2]), ValueError, r"weights must have the shape \(1,\)"),
        (lambda: cosine()([[[0.1]]], [[0.1]]), ValueError, "as many axes"),
        (lambda: cosine()([[0.1], [0.2]], [[0.1]] * 3), ValueError, "do not fit together"),
        (lambda: cosine()([[np.nan]], [0.1]), ValueError, r"'data'\) is nan"),
        (lambda: cosine()([[0.1]], [np.inf]), ValueError, r"'angle'\) is inf"),
        (lambda: cosine()([["a"]], [0.1]), TypeError, "inputs must be an array of real numbers"),
        (lambda: cosine()([[1j]], [0.1]), TypeError, "complex"),
        (lambda: cosine()([[True]], [0.1]), TypeError, "real numbers"),
        (lambda: cosine()(MASKED, [0.1]), TypeError, "inputs must have all its values"),
        (lambda: cosine()([[0.1]], MASKED[0]), TypeError, "weights must have all its values"),
        (lambda: cosine().vjp([[0.1]], [0.1], MASKED), TypeError, "cotangents must have all its values"),
        (lambda: cosine(initialization=MASKED[0]).initial_weights(), TypeError, "initialization must have all"),
        (lambda: cosine()([MASKED[0]], [0.1]), TypeError, "inputs must have all its values"),
        (lambda: cosine().vjp([[0.1]], [0.1], [1.0]), ValueError, r"cotangents must have the shape of the outputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_the_jacobian_is_that_of_differences_for_each_sample():
    layer, step = layer_of_the_case(), 1e-5
    x, w = case.INPUTS[:3], case.START
    by_inputs, by_weights = layer.jacobian(x, w)
    assert by_inputs.shape == (3, layer.num_outputs, layer.num_inputs)
    assert by_weights.shape == (3, layer.num_outputs, layer.num_weights)
    for found, moved in (
        (by_inputs, lambda move: layer(x + move, w)),
        (by_weights, lambda move: layer(x, w + move)),
    ):
        slopes = [(moved(step * one) - moved(-step * one)) / (2 * step) for one in np.eye(found.shape[-1])]
        np.testing.assert_allclose(
            found, np.moveaxis(slopes, 0, -1), atol=1e-8
        )  # the step's square, and rounding by it


def test_the_jacobian_has_the_axes_of_the_outputs_and_gives_the_vector_products():
    layer = layer_of_the_case()
    x, w = case.INPUTS[:6].reshape(2, 3, -1), np.stack([case.START, case.START + 0.3])[:, None]
    by_inputs, by_weights = layer.jacobian(x, w)
    assert by_inputs.shape[:-1] == by_weights.shape[:-1] == layer(x, w).shape
    dual = np.random.default_rng(0).normal(size=layer(x, w).shape)
    expected = layer.vjp(x, w, dual)
    np.testing.assert_allclose(np.einsum("abm,abmf->abf", dual, by_inputs), expected[0], atol=1e-12)
    np.testing.assert_allclose(np.einsum("abm,abmw->aw", dual, by_weights)[:, None], expected[1], atol=1e-12)
    assert layer.jacobian(x[0, 0], w[0, 0])[1].shape == (layer.num_outputs, layer.num_weights)
    assert layer.jacobian(np.empty((0, layer.num_inputs)), w[0, 0])[0].shape == (0, layer.num_outputs, layer.num_inputs)


def test_an_estimated_jacobian_lies_within_its_errors():
    exact, sampled = layer_of_the_case(), layer_of_the_case(connection=connect("exact", shots=10_000, seed=0))
    for found, expected in zip(
        sampled.jacobian(case.INPUTS[:2], case.START), exact.jacobian(case.INPUTS[:2], case.START), strict=True
    ):
        # five standard errors of observables of size 2
        np.testing.assert_allclose(found, expected, atol=5 * 1.5 * 2 / 100)
        assert np.abs(found - expected).max() > 1e-6
    with pytest.raises(ValueError, match="inputs must have the shape"):
        exact.jacobian(np.zeros((2, 9)), case.START)
