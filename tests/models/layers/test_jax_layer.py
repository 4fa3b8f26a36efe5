import layer_case as case
import numpy as np
import pytest
from frameworks import double_precision, framework

from qiskit_qml_ext.models import QuantumLayer
from qiskit_qml_ext.primitives import connect

jax = framework("jax")
jnp = jax.numpy
from qiskit_qml_ext.models import JaxLayer  # noqa: E402


@pytest.fixture(autouse=True)
def _double_precision():
    with double_precision(jax)(True):
        yield


CORE = QuantumLayer(case.CIRCUIT, case.OBSERVABLES, **case.ARGUMENTS)
LAYER = JaxLayer(case.CIRCUIT, case.OBSERVABLES, **case.ARGUMENTS)
OTHERS = np.stack([case.START + shift for shift in (0.0, 0.1, 0.7)])


def loss(weights, inputs):
    return jnp.sum(LAYER(inputs, weights) ** 2)


@pytest.mark.parametrize("transform", [lambda function: function, jax.jit])
def test_values_and_gradients_are_those_of_the_core(transform):
    outputs, pullback = jax.vjp(transform(lambda x, w: LAYER(x, w)), jnp.array(case.INPUTS), jnp.array(case.START))
    by_inputs, by_weights = pullback(jnp.array(case.TARGETS))
    expected = CORE.vjp(case.INPUTS, case.START, case.TARGETS)
    np.testing.assert_array_equal(outputs, CORE(case.INPUTS, case.START))
    np.testing.assert_array_equal(by_inputs, expected[0])
    np.testing.assert_array_equal(by_weights, expected[1])


def test_initial_weights_are_those_of_the_core():
    np.testing.assert_array_equal(LAYER.initial_weights(), case.START)


def test_vmap_over_weights_inputs_and_both_agrees_with_loops():
    inputs = np.stack([case.INPUTS, case.INPUTS + 0.1, case.INPUTS - 0.2])  # as many as weights: axes could be mixed up
    by_weights = jax.vmap(LAYER, (None, 0))(case.INPUTS, OTHERS)
    np.testing.assert_allclose(by_weights, [CORE(case.INPUTS, one) for one in OTHERS], atol=1e-14)
    by_both = jax.vmap(LAYER)(inputs, OTHERS)
    np.testing.assert_allclose(by_both, [CORE(x, one) for x, one in zip(inputs, OTHERS, strict=True)], atol=1e-14)
    table = jax.jit(jax.vmap(jax.vmap(LAYER, (0, None)), (None, 0)))(inputs, OTHERS)
    np.testing.assert_allclose(table, [[CORE(x, one) for x in inputs] for one in OTHERS], atol=1e-14)


def test_vmap_over_one_weight_vector_each_and_as_many_samples_does_not_mix_them_up():
    inputs = case.INPUTS[:3]
    outputs = jax.vmap(LAYER, (None, 0))(inputs, OTHERS)
    np.testing.assert_allclose(outputs, [CORE(inputs, one) for one in OTHERS], atol=1e-14)
    gradients = jax.vmap(jax.grad(loss), (0, None))(jnp.array(OTHERS), inputs)
    np.testing.assert_allclose(gradients, [jax.grad(loss)(jnp.array(one), inputs) for one in OTHERS], atol=1e-14)


def test_gradients_of_each_sample_sum_to_that_of_the_batch():
    weights = jnp.array(case.START)
    of_each = jax.jit(jax.vmap(jax.grad(loss), (None, 0)))(weights, case.INPUTS)
    assert of_each.shape == (len(case.INPUTS), 6)
    np.testing.assert_allclose(of_each.sum(axis=0), jax.grad(loss)(weights, case.INPUTS), atol=1e-13)


def test_jacobian_by_reverse_mode_is_that_of_differences():
    weights, step = jnp.array(case.START), 1e-6
    jacobian = jax.jacrev(lambda w: LAYER(case.INPUTS[0], w))(weights)
    for place, shift in enumerate(step * np.eye(6)):
        slope = (CORE(case.INPUTS[0], case.START + shift) - CORE(case.INPUTS[0], case.START - shift)) / (2 * step)
        np.testing.assert_allclose(jacobian[:, place], slope, atol=1e-8)  # rounding: 1e-16/1e-6


@pytest.mark.parametrize("inputs", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("weights", [jnp.float32, jnp.float64])
def test_outputs_have_the_wider_precision_and_gradients_that_of_their_array(inputs, weights):
    x, w = jnp.array(case.INPUTS, dtype=inputs), jnp.array(case.START, dtype=weights)
    by_weights, by_inputs = jax.grad(loss, (0, 1))(w, x)
    assert LAYER(x, w).dtype == jnp.promote_types(inputs, weights)
    assert (by_weights.dtype, by_inputs.dtype) == (weights, inputs)


def test_a_thousand_steps_of_large_batches_in_one_loop_end():
    """A callback that allocates in JAX, or waits for it, would hang here."""
    inputs = jnp.array(np.random.default_rng(0).uniform(-1, 1, (2000, 3)))

    def step(weights, _):
        return weights - 1e-4 * jax.grad(loss)(weights, inputs), None

    weights, _ = jax.jit(lambda start: jax.lax.scan(step, start, length=200))(jnp.array(case.START))
    assert np.isfinite(np.asarray(weights)).all()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x, w: LAYER(x[:, :2], w), ValueError, r"shape \(…, 3\)"),
        (lambda x, w: jax.jit(LAYER)(x[:, :2], w), ValueError, r"shape \(…, 3\)"),
        (lambda x, w: LAYER(x, w[:4]), ValueError, r"shape \(6,\)"),
        (lambda x, w: LAYER(x.astype(int), w), TypeError, "int64"),
        (lambda x, w: LAYER(x.astype(jnp.bfloat16), w), TypeError, "bfloat16"),
        (lambda x, w: LAYER(x, w + 1j), TypeError, "complex128"),
        (lambda x, w: LAYER(x * jnp.nan, w).block_until_ready(), Exception, "is nan; angles must be finite"),
        (lambda x, w: jax.jit(LAYER)(x * jnp.nan, w).block_until_ready(), Exception, "is nan; angles must be finite"),
        (lambda x, w: jax.hessian(loss)(w, x), NotImplementedError, "first derivatives only"),
        (lambda x, w: jax.grad(lambda w: jax.grad(loss)(w, x).sum())(w), NotImplementedError, "first derivatives"),
        (lambda x, w: jax.jacfwd(loss)(w, x), TypeError, "forward-mode"),
    ],
)
def test_what_cannot_be_meant_is_refused(call, error, match):
    with pytest.raises(error, match=match):
        call(jnp.array(case.INPUTS), jnp.array(case.START))


@pytest.mark.parametrize("transform", [lambda function: function, jax.jit])
@pytest.mark.parametrize(("arguments", "points"), [((0, 1), 19), (1, 13), (0, 7)])
def test_only_gradients_that_are_asked_for_are_estimated(transform, arguments, points):
    connection = connect("exact", shots=100, seed=0)
    layer = JaxLayer(case.CIRCUIT, case.OBSERVABLES, connection=connection, **case.ARGUMENTS)
    found = transform(jax.value_and_grad(lambda x, w: jnp.sum(layer(x, w)), arguments))(
        jnp.array(case.INPUTS), jnp.array(case.START)
    )
    jax.block_until_ready(found)
    # two observables; once for the values, and the points of a gradient as the layer itself takes them
    assert connection.usage.circuits == (1 + points) * len(case.INPUTS) * 2


def test_gradients_by_one_argument_are_those_of_both():
    inputs, weights = jnp.array(case.INPUTS), jnp.array(case.START)
    both = jax.grad(lambda x, w: loss(w, x), (0, 1))(inputs, weights)
    np.testing.assert_allclose(jax.grad(lambda x: loss(weights, x))(inputs), both[0], atol=1e-14)
    np.testing.assert_allclose(jax.grad(lambda w: loss(w, inputs))(weights), both[1], atol=1e-14)
    stopped = jax.grad(lambda x, w: loss(w, jax.lax.stop_gradient(x)), (0, 1))(inputs, weights)
    np.testing.assert_array_equal(stopped[0], np.zeros_like(case.INPUTS))
    np.testing.assert_allclose(stopped[1], both[1], atol=1e-14)
