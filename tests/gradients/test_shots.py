"""What shots are spent on, and the standard errors of what is computed from shared evaluations."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.gradients import (
    HadamardTestGradient,
    ParameterShiftGradient,
    SPSAGradient,
    jacobian,
    jvp,
    vjp,
)
from qiskit_qml_ext.gradients.methods.shift_rules import shift_rule
from qiskit_qml_ext.primitives import Connection, connect
from tests.engine.random_circuits import circuits, sample_values
from tests.gradients.circuits import circuit_a, circuit_b, circuit_c

RUNS = 400
SPREAD = 4 / np.sqrt(2 * RUNS)  # 4 standard errors of a standard deviation


def four_terms():
    """⟨Z⟩ of a controlled rotation, whose variance by the shifted angle is close to 1 where it does not matter."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cry(Parameter("a"), 0, 1)
    return circuit


@pytest.mark.parametrize(("split", "price"), [("equal", 1.5), ("by_coefficient", 1.0), ("auto", 1.0)])
def test_four_terms_cost_what_the_best_split_costs(split, price):
    """σ²/S for the best split of S shots over all terms, 1.5 σ²/S for the equal one; σ = 1 for normal noise."""
    connection = connect("exact", shots=250, seed=1)  # a circuit, 1,000 for the four terms
    points = np.full((RUNS, 1), 0.7)
    estimate = jacobian(
        four_terms(), SparsePauliOp("ZI"), points, method=ParameterShiftGradient(split=split), connection=connection
    )
    expected = np.sqrt(price / 1000)
    assert_allclose(estimate.standard_errors, expected, rtol=2e-3)  # shots are whole numbers
    assert_allclose(estimate.jacobian.std(ddof=1), expected, rtol=SPREAD)
    assert abs(estimate.jacobian.mean() + 0.5 * np.sin(0.7)) < 4 * expected / np.sqrt(RUNS)
    assert connection.usage.shots == RUNS * 5 * 250


@pytest.mark.parametrize("largest", [2, 3])
def test_equidistant_frequencies_cost_their_square(largest):
    """R rotations by one parameter as one gate: R² σ²/S instead of R (2R² + 1)/3 σ²/S."""
    rule = shift_rule(tuple(map(float, range(1, largest + 1))))
    sizes = np.abs(rule.coefficients)
    assert np.sum(sizes) ** 2 == pytest.approx(largest**2)
    assert rule.num_terms * np.sum(sizes**2) == pytest.approx(largest * (2 * largest**2 + 1) / 3)


def test_rules_of_two_terms_stay_one_pub_of_equal_shots():
    pubs = []

    class Counting(StatevectorEstimator):
        def run(self, given, **settings):
            pubs.extend(given)
            return super().run(given, **settings)

    for known, count in ((circuit_b(), 1), (circuit_a(), 1)):
        pubs.clear()
        own = Connection.from_primitives(estimator=Counting(default_precision=0.1, seed=1))
        jacobian(known.circuit, known.observable, known.values, connection=own)
        assert len(pubs) == count
    connection = connect("exact", shots=100, seed=1)
    jacobian(circuit_b().circuit, circuit_b().observable, circuit_b().values, connection=connection)
    assert connection.usage.jobs == 1


@pytest.mark.parametrize("target", ["exact", "aer"])
def test_terms_with_other_shots_do_not_repeat_their_noise(target):
    """With a seed a simulator would draw the same noise for each number of shots, and stated errors would be wrong."""
    connection = connect(target, shots=100, seed=7)
    runs = RUNS if target == "exact" else 80  # Aer takes its time
    points = np.full((runs, 1), 0.7)
    estimate = jacobian(four_terms(), SparsePauliOp("ZI"), points, connection=connection)
    assert_allclose(estimate.jacobian.std(ddof=1), estimate.standard_errors.mean(), rtol=4 / np.sqrt(2 * runs))
    again = jacobian(four_terms(), SparsePauliOp("ZI"), points, connection=connect(target, shots=100, seed=7))
    assert_allclose(again.jacobian, estimate.jacobian, atol=0)


def test_another_point_has_other_noise_on_a_connection_with_a_seed():
    """So a training that evaluates point after point does not see one and the same noise at every step."""
    known, connection = circuit_b(), connect("exact", shots=100, seed=7)
    first, second = (
        jacobian(known.circuit, known.observable, known.values + shift, connection=connection) for shift in (0, 1e-9)
    )
    assert np.all(np.abs(first.values - second.values) > 1e-6)


METHODS = {
    "parameter_shift": lambda: ParameterShiftGradient(),
    "finite_difference": lambda: "finite_difference",
    "hadamard_test": lambda: HadamardTestGradient(),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("known", [circuit_a(), circuit_c()], ids="AC")
def test_stated_errors_of_products_are_the_spread_of_repetitions(method, known):
    """Parameters of C share rotations: errors of its Jacobian's entries do not add up to those of a product."""
    observables = [known.observable, SparsePauliOp("Z" * known.circuit.num_qubits, 0.7)]
    points = np.tile(known.values, (RUNS, 1))
    settings = {"method": METHODS[method](), "connection": connect("exact", shots=100, seed=1)}
    weights = np.tile([1.0, -2.0], (RUNS, 1))
    by_weights = vjp(known.circuit, observables, points, weights, **settings)
    direction = np.tile(np.arange(1.0, 1 + len(known.values)), (RUNS, 1))
    along = jvp(known.circuit, observables, points, direction, **settings)
    for product in (by_weights, along):
        spread = product.products.std(axis=0, ddof=1)
        assert_allclose(spread, product.standard_errors.mean(axis=0), rtol=SPREAD)
        assert product.value_errors.shape == product.values.shape == (RUNS, 2)


def test_errors_of_a_product_are_not_those_of_independent_entries():
    """∂_γ and ∂_β of C go together; along (1, -1) the error is not the root of the sum of squares."""
    known = circuit_c()
    connection = connect("exact", shots=100, seed=1)
    estimate = jacobian(known.circuit, known.observable, known.values, connection=connection)
    product = jvp(known.circuit, known.observable, known.values, [1.0, -1.0], connection=connection)
    naive = np.sqrt(np.sum(estimate.standard_errors**2))
    assert abs(float(product.standard_errors) / naive - 1) > 0.01


def test_errors_of_products_along_random_directions_come_from_their_spread():
    known, points = circuit_b(), np.tile(circuit_b().values, (RUNS, 1))
    method = SPSAGradient(num_directions=16, perturbation=0.01, seed=2)
    product = jvp(known.circuit, known.observable, points, np.ones((RUNS, 6)), method=method)
    stated = np.sqrt((product.standard_errors**2).mean())
    assert_allclose(product.products.std(ddof=1), stated, rtol=2 * SPREAD)  # both of them estimated
    one = vjp(known.circuit, [known.observable], known.values, [1.0], method=SPSAGradient())
    assert np.all(np.isnan(one.standard_errors))


def test_errors_of_observables_that_share_shots_add_up():
    """A device reads ZI and IZ in the same shots: for a product state they are independent, in a Bell state they go
    together, and an estimator does not say which."""
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    points = np.full((60, 1), np.pi / 2)
    connection = connect("fake_manila", shots=200, seed=1)
    found = vjp(circuit, [SparsePauliOp("ZI"), SparsePauliOp("IZ")], points, np.ones((60, 2)), connection=connection)
    spread = found.products.std(ddof=1)
    assert spread <= (1 + 4 / np.sqrt(120)) * found.standard_errors.mean()


def test_products_come_apart_and_are_arrays():
    circuit = real_amplitudes(2, reps=1)
    values, products = found = vjp(circuit, SparsePauliOp("ZZ"), [0.1, 0.2, 0.3, 0.4], 1.0)
    assert_allclose(np.asarray(found), products)
    assert_allclose(values, found.values)
    assert (found.method, found.target, found.num_evaluations) == ("adjoint", "exact", 1)
    assert_allclose(found.standard_errors, 0.0)


def test_auto_says_which_method_and_why_and_it_is_true():
    known = circuit_a()
    own = Connection.from_primitives(estimator=StatevectorEstimator(default_precision=0.1, seed=1))
    for connection, method, reason in (
        (connect(), "adjoint", "The connection is exact: states are differentiated."),
        (connect("exact", shots=100), "parameter_shift", "Values on exact with shots are estimates"),
        (connect("aer", shots=100), "parameter_shift", "Values on aer are estimates"),
        (connect("fake_manila", shots=100), "parameter_shift", "Values on fake_manila are estimates"),
        (own, "parameter_shift", "StatevectorEstimator is a primitive of your own, whose states are not known"),
    ):
        estimate = jacobian(known.circuit, known.observable, known.values, connection=connection)
        assert estimate.method == method
        assert reason in estimate.reason
        assert "no bias" in estimate.reason or method == "adjoint"
    exact = Connection.from_primitives(estimator=StatevectorEstimator())
    assert "estimates" not in jacobian(known.circuit, known.observable, known.values, connection=exact).reason


def test_a_connection_without_an_estimator_is_refused_with_what_to_do():
    from qiskit.primitives import StatevectorSampler

    known = circuit_a()
    sampler_only = Connection.from_primitives(sampler=StatevectorSampler(seed=1))
    with pytest.raises(ValueError, match=r"needs an estimator, but only a sampler was given"):
        jacobian(known.circuit, known.observable, known.values, connection=sampler_only)


def test_errors_of_runtimes_estimator_are_the_spread_at_few_shots():
    """Its ``stds`` come from two randomisations at 100 shots, and are half of the error."""
    circuit, runs = QuantumCircuit(1), 150
    circuit.rx(Parameter("a"), 0)
    connection = connect("fake_manila", shots=100, seed=1)
    estimate = jacobian(circuit, SparsePauliOp("Z"), np.full((runs, 1), 0.8), connection=connection)
    spread, stated = estimate.jacobian.std(ddof=1), estimate.standard_errors.mean()
    # the larger of two estimates is a few per cent above the error; 4 standard errors of the spread
    assert 1 - 4 / np.sqrt(2 * runs) < stated / spread < 1.15 + 4 / np.sqrt(2 * runs)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(circuits(max_qubits=3, max_gates=8))
def test_shifts_of_random_circuits_are_within_their_standard_errors(circuit):
    """25 circuits of a few derivatives each: below 1e-4 of false alarms at 5 standard errors."""
    assume(circuit.num_parameters)
    values, connection = sample_values(circuit, 2), connect("exact", shots=10_000, seed=1)
    observables = [SparsePauliOp("Z" * circuit.num_qubits), SparsePauliOp("X" * circuit.num_qubits, -0.4)]
    exact = jacobian(circuit, observables, values).jacobian
    for method in ("parameter_shift", "hadamard_test"):
        found = jacobian(circuit, observables, values, method=method, connection=connection)
        floor = 1e-9 * max(1.0, np.abs(exact).max())
        assert np.all(np.abs(found.jacobian - exact) <= 5 * found.standard_errors + floor)
