import json
import pickle

import layer_case as case
import numpy as np
import pytest
from frameworks import double_precision, framework
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz
from qiskit_qml_ext.engine import Projector
from qiskit_qml_ext.exceptions import UnsupportedObservableError
from qiskit_qml_ext.gradients import FiniteDifferenceGradient, ParameterShiftGradient, SPSAGradient
from qiskit_qml_ext.models import QuantumLayer
from qiskit_qml_ext.models.layers.layer_document import layer_arguments, layer_document
from qiskit_qml_ext.primitives import Connection, connect

SHOTS = 10_000
EXACT = QuantumLayer(case.CIRCUIT, case.OBSERVABLES, **case.ARGUMENTS)
_ERRORS = 5  # standard errors: of some 300 numbers one is further off with a probability below 2e-4


def layer_on(connection, **settings):
    return QuantumLayer(case.CIRCUIT, case.OBSERVABLES, connection=connection, **{**case.ARGUMENTS, **settings})


def cosine(**settings):
    """⟨Z⟩ = cos(x + w)."""
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("data") + Parameter("angle"), 0)
    return QuantumLayer(circuit, Pauli("Z"), **{"input_parameters": ["data"], **settings})


@pytest.mark.parametrize(
    "gradient", ["parameter_shift", "hadamard_test", ParameterShiftGradient(), "finite_difference"]
)
def test_other_methods_on_an_exact_connection_agree_with_the_adjoint(gradient):
    layer = layer_on(None, gradient=gradient)
    expected = EXACT.vjp(case.INPUTS, case.START, case.TARGETS)
    np.testing.assert_allclose(layer(case.INPUTS, case.START), EXACT(case.INPUTS, case.START), atol=1e-12)
    for found, wanted in zip(layer.vjp(case.INPUTS, case.START, case.TARGETS), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-9)  # the step of the difference: 1e-12 times derivatives


@pytest.mark.parametrize(
    "connection",
    [
        connect("exact", shots=SHOTS, seed=1),
        connect("aer", shots=SHOTS, seed=1),
        Connection.from_primitives(estimator=StatevectorEstimator(default_precision=SHOTS**-0.5, seed=1)),
    ],
    ids=["exact with shots", "aer", "an estimator of the user's"],
)
def test_estimates_lie_within_their_standard_errors(connection):
    layer = layer_on(connection)
    inputs = case.INPUTS[:4]
    assert not layer.is_repeatable
    # an observable Σ c P has a standard error of at most Σ |c| / √S: 2 here for the second one
    error = _ERRORS * 2 / np.sqrt(SHOTS)
    np.testing.assert_allclose(layer(inputs, case.START), EXACT(inputs, case.START), atol=error)
    by_inputs, by_weights = layer.vjp(inputs, case.START, np.ones((4, 2)))
    expected = EXACT.vjp(inputs, case.START, np.ones((4, 2)))
    np.testing.assert_allclose(by_inputs, expected[0], atol=1.5 * error)
    np.testing.assert_allclose(by_weights, expected[1], atol=2 * 1.5 * error)  # four samples
    assert np.abs(by_weights - expected[1]).max() > 1e-4


def test_each_call_has_new_noise_which_a_new_layer_repeats():
    def calls(layer):
        values = [layer(case.INPUTS, case.START) for _ in range(2)]
        return [*values, *(layer.vjp(case.INPUTS, case.START, case.TARGETS)[1] for _ in range(2))]

    first = layer_on(connect("exact", shots=SHOTS, seed=3), random_state=1)
    once = calls(first)
    assert np.abs(once[0] - once[1]).min() > 0
    assert np.abs(once[2] - once[3]).min() > 0
    for other in (layer_on(connect("exact", shots=SHOTS, seed=3), random_state=1), pickle.loads(pickle.dumps(first))):
        for again, before in zip(calls(other), once, strict=True):
            np.testing.assert_array_equal(again, before)
    for seed, random_state in ((4, 1), (3, 2), (None, 1)):
        other = layer_on(connect("exact", shots=SHOTS, seed=seed), random_state=random_state)
        assert np.abs(calls(other)[0] - once[0]).min() > 0


def test_noise_of_different_layers_on_one_connection_is_independent():
    connection = connect("exact", shots=SHOTS, seed=3)
    noise = []
    for shift in (0.0, 0.1):
        circuit = QuantumCircuit(1)
        circuit.ry(Parameter("x") + Parameter("w") + shift, 0)
        layer = QuantumLayer(circuit, Pauli("Z"), input_parameters=["x"], connection=connection)
        x = np.linspace(0, 1, 400)[:, None]
        noise.append((layer(x, [0.0]) - np.cos(x + shift))[:, 0])
    correlation = np.corrcoef(noise)[0, 1]
    assert abs(correlation) < 5 / np.sqrt(400)


@pytest.mark.parametrize("connection", [connect("exact", shots=SHOTS, seed=5), connect("aer", shots=SHOTS, seed=5)])
@pytest.mark.parametrize(
    "observables",
    [
        Projector(5),
        np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0]),
        Projector(np.array([0.6, 0, 0, 0, 0, 0.8j, 0, 0])),
        [Pauli("IIZ"), Projector(0)],
    ],
    ids=["basis state", "parity", "state", "mixed"],
)
def test_observables_that_are_no_pauli_sums_are_measured_as_such(observables, connection):
    circuit = AngleFeatureMap().build(3).compose(RealAmplitudesAnsatz(reps=1).build(3))
    exact, estimated = (QuantumLayer(circuit, observables, connection=where) for where in (None, connection))
    x, w = np.random.default_rng(0).uniform(0, 3, (2, 3)), np.linspace(0.1, 1.5, exact.num_weights)
    dual = np.ones((2, exact.num_outputs))
    error = _ERRORS / np.sqrt(SHOTS)  # of an observable between -1 and 1, at most
    np.testing.assert_allclose(estimated(x, w), exact(x, w), atol=error)
    for one, other in zip(estimated.vjp(x, w, dual), exact.vjp(x, w, dual), strict=True):
        np.testing.assert_allclose(one, other, atol=2 * exact.num_outputs * error)  # the weights': two samples


def test_a_hadamard_test_takes_projectors_too():
    circuit = AngleFeatureMap().build(2).compose(RealAmplitudesAnsatz(reps=1).build(2))
    x, w, dual = np.array([[0.3, 1.1]]), np.linspace(0.1, 1.5, 4), np.ones((1, 1))
    one, other = (
        QuantumLayer(circuit, Projector(2), gradient=method).vjp(x, w, dual) for method in ("hadamard_test", "adjoint")
    )
    for found, expected in zip(one, other, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(("wanted", "points"), [((True, True), 19), ((False, True), 13), ((True, False), 7)])
def test_only_the_gradients_that_are_asked_for_are_estimated(wanted, points):
    connection = connect("exact", shots=100, seed=0)
    layer = layer_on(connection)
    by_inputs, by_weights = layer.gradients(
        case.INPUTS, case.START, case.TARGETS, by_inputs=wanted[0], by_weights=wanted[1]
    )
    assert (by_inputs is not None, by_weights is not None) == wanted
    assert connection.usage.circuits == points * len(case.INPUTS) * 2  # two observables
    assert layer.gradients(case.INPUTS, case.START, case.TARGETS, by_inputs=False, by_weights=False) == (None, None)


def test_what_is_not_asked_for_changes_nothing_of_the_rest():
    both = EXACT.vjp(case.INPUTS, case.START, case.TARGETS)
    for observables, dual in ((case.OBSERVABLES, case.TARGETS), (case.OBSERVABLES[1], case.TARGETS[:, 1:])):
        layer = QuantumLayer(case.CIRCUIT, observables, **case.ARGUMENTS)
        both = layer.vjp(case.INPUTS, case.START, dual)
        for wanted in ((True, False), (False, True)):
            flags = dict(zip(("by_inputs", "by_weights"), wanted, strict=True))
            _, pullback = layer.linearized(case.INPUTS, case.START, **flags)
            for some in (layer.gradients(case.INPUTS, case.START, dual, **flags), pullback(dual)):
                assert [one is not None for one in some] == list(wanted)
                place = wanted.index(True)
                np.testing.assert_allclose(some[place], both[place], atol=1e-14)


def test_empty_batches_and_layers_without_inputs_ask_for_nothing():
    connection = connect("exact", shots=100, seed=0)
    layer = cosine(connection=connection)
    assert layer(np.empty((0, 1)), [0.1]).shape == (0, 1)
    by_inputs, by_weights = layer.vjp(np.empty((0, 1)), [0.1], np.empty((0, 1)))
    assert (by_inputs.shape, by_weights.tolist()) == ((0, 1), [0.0])
    fixed = cosine(input_parameters=None, weight_parameters=[], connection=connection)
    assert fixed.gradients([0.1, 0.2], [], [1.0], by_inputs=False)[1].shape == (0,)
    assert connection.usage.circuits == 0


def test_a_method_of_the_users_is_kept_by_itself_and_draws_new_directions():
    method = SPSAGradient(num_directions=2)
    layer, other = (layer_on(None, gradient=method) for _ in range(2))
    calls = [layer.vjp(case.INPUTS, case.START, case.TARGETS)[1] for _ in range(2)]
    assert np.abs(calls[0] - calls[1]).max() > 1e-3
    np.testing.assert_array_equal(other.vjp(case.INPUTS, case.START, case.TARGETS)[1], calls[0])
    assert not layer.is_repeatable


def test_journaled_calls_are_found_again(tmp_path):
    def called():
        connection = connect("exact", shots=100, seed=3, journal=str(tmp_path / "journal.db"))
        layer = layer_on(connection, random_state=1)
        return [layer(case.INPUTS, case.START), layer(case.INPUTS, case.START)], connection.usage.shots

    (first, second), _ = called()
    again, _ = called()
    assert np.abs(first - second).min() > 0
    np.testing.assert_array_equal(again, [first, second])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (
            lambda: cosine(gradient="adjoint", connection=connect("aer")),
            ValueError,
            "gradient='adjoint' cannot be used",
        ),
        (lambda: cosine(gradient="adjunct"), ValueError, "gradient must be one of 'auto', 'adjoint'"),
        (lambda: cosine(gradient=ParameterShiftGradient), TypeError, "gradient must be a word or a gradient method"),
        (lambda: cosine(gradient=None), TypeError, "gradient must be a word or a gradient method"),
        (
            lambda: QuantumLayer(
                (QuantumCircuit(11), QuantumCircuit(11)), np.arange(2**11) ** 0.5, connection=connect("aer")
            ),
            UnsupportedObservableError,
            "2,048 strings",
        ),
        (
            lambda: QuantumLayer(
                cosine().circuit, SparsePauliOp("Z", 1j), input_parameters=["data"], connection=connect("aer")
            ),
            ValueError,
            "complex coefficients",
        ),
        (
            lambda: QuantumLayer(cosine().circuit, Pauli("ZZ"), input_parameters=["data"], connection=connect("aer")),
            ValueError,
            "acts on 2 qubits",
        ),
        (
            lambda: cosine(connection=Connection.from_primitives(sampler=StatevectorSampler())),
            ValueError,
            "needs an estimator",
        ),
        (
            lambda: QuantumLayer(
                (QuantumCircuit(6), QuantumCircuit(6)), Pauli("Z" * 6), connection=connect("fake_manila")
            ),
            ValueError,
            "6 qubits but the target fake_manila has 5",
        ),
    ],
)
def test_what_a_connection_cannot_do_is_refused_when_the_layer_is_made(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"connection": connect("exact", shots=10)}, r"Connection\('exact', shots=10\) cannot be saved whole"),
        ({"connection": connect("aer", seed=1)}, "cannot be saved whole"),
        ({"gradient": FiniteDifferenceGradient(step=0.1)}, r"step=0.1\) cannot be saved whole"),
    ],
)
def test_what_cannot_be_made_anew_is_not_saved(settings, match):
    layer = cosine(initialization=[0.1], **settings)
    with pytest.raises(ValueError, match=match):
        layer_document(layer, layer.initial_weights())


def test_a_method_by_name_is_saved():
    layer = cosine(initialization=[0.1], gradient="parameter_shift")
    document = json.loads(json.dumps(layer_document(layer, layer.initial_weights())))
    assert QuantumLayer(**layer_arguments(document)).gradient == "parameter_shift"


def test_torch_trains_on_a_connection_as_numpy_does_and_estimates_no_more():
    torch = framework("torch")
    from qiskit_qml_ext.models import TorchLayer

    connection = connect("exact", shots=SHOTS, seed=3)
    layer = TorchLayer(
        case.CIRCUIT, case.OBSERVABLES, connection=connection, random_state=7, dtype=torch.float64, **case.ARGUMENTS
    )
    inputs, targets = torch.from_numpy(case.INPUTS), torch.from_numpy(case.TARGETS)
    optimizer = torch.optim.SGD(layer.parameters(), lr=case.RATE)
    for _ in range(2):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(layer(inputs), targets).backward()
        optimizer.step()
    by_hand = layer_on(connect("exact", shots=SHOTS, seed=3), random_state=7)
    weights = case.START
    for _ in range(2):
        residuals = by_hand(case.INPUTS, weights) - case.TARGETS
        gradient = by_hand.gradients(case.INPUTS, weights, 2 * residuals / residuals.size, by_inputs=False)[1]
        weights = weights - case.RATE * gradient
    np.testing.assert_allclose(layer.weights.detach().numpy(), weights, atol=1e-12)
    assert connection.usage.circuits == 2 * (1 + 13) * len(case.INPUTS) * 2
    assert list(layer.state_dict()) == ["weights"]


def test_jax_runs_on_a_connection_under_jit():
    jax = framework("jax")
    from qiskit_qml_ext.models import JaxLayer

    with double_precision(jax)(True):
        layer = JaxLayer(
            case.CIRCUIT, case.OBSERVABLES, connection=connect("exact", shots=SHOTS, seed=3), **case.ARGUMENTS
        )
        gradient = jax.jit(jax.grad(lambda w: layer(case.INPUTS, w).sum()))
        found = [np.asarray(gradient(layer.initial_weights())) for _ in range(2)]
    expected = EXACT.vjp(case.INPUTS, case.START, np.ones_like(case.TARGETS))[1]
    assert np.abs(found[0] - found[1]).min() > 0
    # twenty samples, and two observables with coefficients of 3 in all
    np.testing.assert_allclose(found[0], expected, atol=_ERRORS * 3 * np.sqrt(20 / SHOTS))


def test_keras_refuses_to_save_a_layer_on_a_connection_that_estimates():
    import os

    os.environ.setdefault("KERAS_BACKEND", "torch")
    framework("keras")
    from qiskit_qml_ext.models import KerasLayer

    layer = KerasLayer(
        case.CIRCUIT, case.OBSERVABLES, connection=connect("exact", shots=SHOTS, seed=3), **case.ARGUMENTS
    )
    assert layer(case.INPUTS.astype("float32")).shape == (20, 2)
    with pytest.raises(ValueError, match="cannot be saved whole"):
        layer.get_config()
