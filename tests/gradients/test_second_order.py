"""Hessians, their blocks and products, exact and by shots, and the metric tensor layer by layer."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import UnitaryGate, real_amplitudes
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp, Statevector, random_unitary

from qiskit_qml_ext.engine import expectation_jacobian, statevectors
from qiskit_qml_ext.gradients import hessian, hvp, jacobian, metric_tensor
from qiskit_qml_ext.gradients import hessian_products as products_module
from qiskit_qml_ext.gradients import second_derivatives as second_module
from qiskit_qml_ext.gradients.commuting_layers import commuting_layers
from qiskit_qml_ext.gradients.methods.double_shifts import double_shifts, second_rule
from qiskit_qml_ext.gradients.readings import read
from qiskit_qml_ext.primitives import Connection, connect
from qiskit_qml_ext.program import angles_and_slopes, anticommute, lower, program_with_free_angles
from tests.engine.random_circuits import circuits, sample_values
from tests.gradients.circuits import DIGITS, KNOWN, circuit_a, circuit_b, circuit_c

EXACT = 1e-9  # between methods, as for gradients
Z_LIMIT = 4.0
RUNS = 400
SPREAD = 4 / np.sqrt(2 * RUNS)  # 4 standard errors of a standard deviation


@pytest.mark.parametrize("name", KNOWN)
def test_products_with_known_hessians(name):
    known = KNOWN[name]()
    vector = np.arange(1.0, 1 + len(known.values))
    found = hvp(known.circuit, known.observable, known.values, vector)
    assert_allclose(found.products, known.hessian @ vector, atol=DIGITS * vector.sum())
    assert_allclose(found.values, known.loss, atol=DIGITS)
    assert_allclose(found.standard_errors, 0.0)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(circuits(max_qubits=3, max_gates=8))
def test_products_are_those_of_the_hessian_of_random_circuits(circuit):
    assume(circuit.num_parameters)
    values = sample_values(circuit, 2)
    vectors = np.random.default_rng(0).normal(size=values.shape)
    observables = [SparsePauliOp("Z" * circuit.num_qubits), SparsePauliOp("X" * circuit.num_qubits, 0.3)]
    full = hessian(circuit, observables, values).matrix
    found = hvp(circuit, observables, values, vectors).products
    assert_allclose(found, np.einsum("bmkl,bl->bmk", full, vectors), atol=1e-11 * max(1.0, np.abs(full).max()))


def test_products_are_accurate_for_long_vectors_and_many_rotations():
    """The step follows the largest frequency along the vector, so that no length of it spoils the differences."""
    circuit = real_amplitudes(4, reps=8)
    rng = np.random.default_rng(3)
    values = rng.uniform(-3, 3, circuit.num_parameters)
    observable = SparsePauliOp("ZXYZ")
    full = hessian(circuit, observable, values).matrix
    for size in (1e-9, 1.0, 1e9):
        vector = size * rng.normal(size=len(values))
        error = hvp(circuit, observable, values, vector).products - full @ vector
        assert np.abs(error).max() < 1e-12 * np.abs(vector).sum()
    assert_allclose(hvp(circuit, observable, values, 0 * values).products, 0.0)


def test_a_product_takes_nine_gradients_however_many_parameters_there_are(monkeypatch):
    rows = []

    def counted(program, values, *arguments, **settings):
        rows.append(len(values))
        return expectation_jacobian(program, values, *arguments, **settings)

    monkeypatch.setattr(products_module, "expectation_jacobian", counted)
    for reps in (1, 6):
        circuit = real_amplitudes(3, reps=reps)
        values = np.zeros((5, circuit.num_parameters))
        found = hvp(circuit, SparsePauliOp("ZZZ"), values, values)
        assert found.num_evaluations == 45
    assert rows == [45, 45]


def test_a_block_takes_the_gradients_of_its_smaller_side(monkeypatch):
    """Second derivatives by one input, and by the input and all weights: two gradients for each use of the input."""
    rows = []

    def counted(program, values, *arguments, **settings):
        rows.append(len(values))
        return expectation_jacobian(program, values, *arguments, **settings)

    x, weights = Parameter("x"), ParameterVector("w", 6)
    circuit = QuantumCircuit(3)
    circuit.ry(2 * x.arccos(), 0)
    circuit.rx(x * x * weights[0], 1)
    for place, weight in enumerate(weights):
        circuit.ry(weight, place % 3)
        circuit.cx(place % 3, (place + 1) % 3)
    names = [parameter.name for parameter in circuit.parameters]
    by_input, by_weights = [names.index("x")], [place for place, name in enumerate(names) if name != "x"]
    values = np.random.default_rng(0).uniform(0.1, 0.9, (4, 7))
    observables = [SparsePauliOp("ZZI"), SparsePauliOp("IXY")]
    full = hessian(circuit, observables, values).matrix
    monkeypatch.setattr(second_module, "expectation_jacobian", counted)
    for down, across in ((by_input, by_weights), (by_weights, by_input), (by_input, None), ([3, 1], [5, 1, 2])):
        block = hessian(circuit, observables, values, parameters=down, other_parameters=across)
        across = down if across is None else across
        assert_allclose(block.matrix, full[..., down, :][..., across], atol=1e-12)
        assert (block.rows, block.columns) == (
            tuple(names[one] for one in down),
            tuple(names[one] for one in across),
        )
    assert rows[:3] == [4 * 5] * 3  # the input moves two rotations: the point itself, and two gradients for each


@pytest.mark.parametrize("name", KNOWN)
def test_double_shifts_without_noise_are_the_known_hessian(name):
    known = KNOWN[name]()
    everything = range(len(known.values))
    shifts = double_shifts(known.circuit, known.values[None], everything, everything)
    readings = read(shifts.circuit, shifts.rows, [known.observable], connect())
    found = shifts.combined(readings.values.reshape(1, -1, 1))[0, 0]
    assert_allclose(found, known.hessian, atol=DIGITS)


def test_second_rules_are_those_of_the_literature():
    assert_allclose(second_rule((1.0,)).shifts, [0, np.pi])
    assert_allclose(second_rule((1.0,)).coefficients, [-0.5, 0.5])
    for largest in (2, 3, 5):
        assert second_rule(tuple(map(float, range(1, largest + 1)))).amplification == pytest.approx(largest**2)
    assert second_rule((0.5, 1.0)).amplification == pytest.approx(1.0)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(circuits(max_qubits=3, max_gates=6))
def test_double_shifts_agree_with_states_on_random_circuits(circuit):
    assume(0 < circuit.num_parameters < 6)
    values = sample_values(circuit, 2)
    observable = SparsePauliOp("Z" * circuit.num_qubits)
    exact = hessian(circuit, observable, values).matrix
    everything = range(circuit.num_parameters)
    shifts = double_shifts(circuit, values, everything, everything)
    assume(shifts.num_points < 3000)
    readings = read(shifts.circuit, shifts.rows, [observable], connect())
    found = shifts.combined(readings.values.reshape(2, shifts.num_points, 1))[:, 0]
    assert_allclose(found, exact, atol=1e-8 * max(1.0, np.abs(exact).max()))


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("target", ["exact", "aer"])
def test_hessians_with_shots_are_within_their_standard_errors(name, target):
    known = KNOWN[name]()
    found = hessian(known.circuit, known.observable, known.values, connection=connect(target, shots=4000, seed=4))
    assert np.all(np.abs(found.matrix - known.hessian) <= Z_LIMIT * found.standard_errors + 1e-12)
    assert np.all(found.standard_errors < 0.2)
    assert_allclose(found.matrix, found.matrix.T, atol=1e-12)
    assert "parameter_shift" in found.summary()


@pytest.mark.parametrize("known", [circuit_a(), circuit_c()], ids="AC")
def test_stated_errors_of_hessians_are_the_spread_of_repetitions(known):
    """Entries share evaluations, and the curvature of γβ brings first derivatives in: both are in the errors."""
    points = np.tile(known.values, (RUNS, 1))
    found = hessian(known.circuit, known.observable, points, connection=connect("exact", shots=100, seed=1))
    spread = found.matrix.std(axis=0, ddof=1)
    assert_allclose(spread, found.standard_errors.mean(axis=0), rtol=SPREAD)
    assert np.all(np.abs(found.matrix.mean(axis=0) - known.hessian) < Z_LIMIT * spread / np.sqrt(RUNS) + 1e-12)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's matrix of an evolution gate
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(circuits(max_qubits=3, max_gates=8))
def test_metrics_of_random_circuits_follow_from_differences_of_qiskits_states(circuit):
    """Re(⟨∂_iψ|∂_jψ⟩ - ⟨∂_iψ|ψ⟩⟨ψ|∂_jψ⟩) with states of Qiskit's own simulator, by differences of the fourth order."""
    assume(circuit.num_parameters)
    values = sample_values(circuit, 1)[0]

    def state(point):
        return Statevector(circuit.assign_parameters(dict(zip(circuit.parameters, point, strict=True)))).data

    def metric(step):
        units = step * np.eye(len(values))
        near = np.array([state(values + unit) - state(values - unit) for unit in units])
        far = np.array([state(values + 2 * unit) - state(values - 2 * unit) for unit in units])
        slopes, psi = (8 * near - far) / (12 * step), state(values)
        along = slopes.conj() @ psi
        return np.real(slopes.conj() @ slopes.T - np.outer(along, along.conj()))

    expected, coarser = metric(1e-4), metric(2e-4)
    scale = max(1.0, np.abs(expected).max())
    assume(np.abs(expected - coarser).max() < 1e-7 * scale)  # |a - b|^½ has kinks next to some points
    assert_allclose(metric_tensor(circuit, values).matrix, expected, atol=1e-6 * scale)


@pytest.mark.parametrize("name", KNOWN)
def test_known_circuits_have_a_metric_that_is_block_diagonal(name):
    """In A and B different layers share nothing, in C only the angle γβ mixes parameters: nothing is left out."""
    known = KNOWN[name]()
    found = metric_tensor(known.circuit, known.values, approximation="block_diagonal")
    assert_allclose(found.matrix, known.metric, atol=DIGITS)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(circuits(max_qubits=3, max_gates=10))
def test_blocks_are_those_of_the_whole_metric_of_random_circuits(circuit):
    """The metric by rotations, from states, with what lies between different layers set to zero."""
    assume(circuit.num_parameters)
    values = sample_values(circuit, 1)
    program = lower(circuit)
    angles, slopes = angles_and_slopes(program, values, range(circuit.num_parameters))
    free = program_with_free_angles(program)
    layer_of = np.zeros(len(program.rotations), dtype=int)
    for number, layer in enumerate(commuting_layers(program)):
        layer_of[list(layer.rotations)] = number
        strings = layer.strings
        assert not any(anticommute(*one[:2], *other[:2]) for one in strings for other in strings)
    shifted = angles + np.concatenate([np.zeros((1, angles.shape[1])), np.pi * np.eye(angles.shape[1])])
    states = statevectors(free, shifted)
    psi, slope = states[0], states[1:] / 2
    along = slope.conj() @ psi
    by_rotation = np.real(slope.conj() @ slope.T - np.outer(along, along.conj()))
    by_rotation *= layer_of[:, None] == layer_of[None, :]
    expected = slopes[0].T @ by_rotation @ slopes[0]
    found = metric_tensor(circuit, values, approximation="block_diagonal").matrix[0]
    assert_allclose(found, expected, atol=EXACT * max(1.0, np.abs(expected).max()))


def test_a_fixed_unitary_between_layers_is_taken_as_it_is():
    t = ParameterVector("t", 4)
    circuit = QuantumCircuit(2)
    circuit.ry(t[0], 0)
    circuit.ry(t[1], 1)
    circuit.append(UnitaryGate(random_unitary(4, seed=3)), [0, 1])
    circuit.h(0)
    circuit.rx(t[2], 0)
    circuit.rzz(t[3], 0, 1)
    values, step = np.array([0.3, 0.8, -0.4, 1.1]), 1e-5
    found = metric_tensor(circuit, values, approximation="block_diagonal").matrix

    def state(point):
        return Statevector(circuit.assign_parameters(point)).data

    psi = state(values)
    slopes = np.array([(state(values + unit) - state(values - unit)) / (2 * step) for unit in step * np.eye(4)])
    along = slopes.conj() @ psi
    whole = np.real(slopes.conj() @ slopes.T - np.outer(along, along.conj()))
    assert_allclose(found[:2, :2], whole[:2, :2], atol=1e-9)  # step² and rounding over step
    assert_allclose(np.diag(found), np.diag(whole), atol=1e-9)
    assert_allclose(found[:2, 2:], 0.0)


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("target", ["exact", "aer"])
def test_measured_metrics_are_within_their_standard_errors(name, target):
    known = KNOWN[name]()
    found = metric_tensor(
        known.circuit,
        known.values,
        approximation="block_diagonal",
        connection=connect(target, shots=4000, seed=2),
    )
    assert np.all(np.abs(found.matrix - known.metric) <= Z_LIMIT * found.standard_errors + 1e-12)
    assert np.all(found.standard_errors < 0.1)


def test_stated_errors_of_metrics_are_the_spread_of_repetitions_without_bias():
    """Where the mean of a string is next to 0 the error is that of a square, and stated √3 too large at most."""
    known = circuit_b()
    for values in (known.values, np.full(6, np.pi / 2)):
        points = np.tile(values, (RUNS, 1))
        found = metric_tensor(
            known.circuit,
            points,
            approximation="block_diagonal",
            connection=connect("exact", shots=100, seed=1),
        )
        exact = metric_tensor(known.circuit, values, approximation="block_diagonal").matrix
        spread, stated = found.matrix.std(axis=0, ddof=1), np.sqrt((found.standard_errors**2).mean(axis=0))
        assert np.all(np.abs(found.matrix.mean(axis=0) - exact) < 4.5 * spread / np.sqrt(RUNS) + 1e-12)
        # the spread of a square is less certain than that of a normal number
        assert np.all((spread <= 1.25 * stated + 1e-12) & (stated <= 1.25 * np.sqrt(3) * spread + 1e-12))


def test_errors_of_a_device_that_shares_shots_are_not_below_the_spread():
    """Strings of a layer are read in the same shots there; what is stated then is what the error is at most."""
    known = circuit_a()
    connection = connect("fake_manila", shots=100, seed=1)
    found = metric_tensor(
        known.circuit, np.tile(known.values, (60, 1)), approximation="block_diagonal", connection=connection
    )
    spread, stated = found.matrix.std(axis=0, ddof=1), found.standard_errors.mean(axis=0)
    assert np.all(spread <= (1 + 4 / np.sqrt(120)) * stated + 1e-12)
    assert np.all(stated < 0.1)


def test_layers_of_a_primitive_that_repeats_its_noise_have_errors_that_add_up():
    """Two uses of one parameter in two layers: with a seed of its own an estimator has the same noise in both."""
    t = Parameter("t")
    circuit = QuantumCircuit(1)
    circuit.rx(t, 0)
    circuit.ry(t, 0)
    points, layered = np.full((1, 1), 0.7), []
    for seed in range(200):
        own = Connection.from_primitives(estimator=StatevectorEstimator(default_precision=0.05, seed=seed))
        layered.append(metric_tensor(circuit, points, approximation="block_diagonal", connection=own))
    spread = np.std([one.matrix[0, 0, 0] for one in layered], ddof=1)
    assert spread <= (1 + 4 / np.sqrt(400)) * np.mean([one.standard_errors[0, 0, 0] for one in layered])


@pytest.mark.parametrize(("approximation", "steps"), [(None, 12), ("block_diagonal", 138)])
def test_natural_gradient_takes_the_known_number_of_steps(approximation, steps):
    """-ΣZZ - ΣX on 4 open sites by two of [RY all, CZ ladder] and RY all; E₀ = -4.7587704831, rate 0.05, λ = 0.001."""
    t = ParameterVector("t", 12)
    circuit = QuantumCircuit(4)
    for layer in range(3):
        for qubit in range(4):
            circuit.ry(t[4 * layer + qubit], qubit)
        for qubit in range(3 if layer < 2 else 0):
            circuit.cz(qubit, qubit + 1)
    bonds = [("ZZ", [qubit, qubit + 1], -1.0) for qubit in range(3)]
    energy = SparsePauliOp.from_sparse_list([*bonds, *(("X", [qubit], -1.0) for qubit in range(4))], 4)
    values, taken = 0.1 + 0.05 * np.arange(12), 0
    estimate = jacobian(circuit, energy, values)
    assert float(estimate.values) == pytest.approx(-3.4858309690, abs=DIGITS)
    while float(estimate.values) + 4.7587704831 >= 0.1:
        metric = metric_tensor(circuit, values, approximation=approximation).matrix
        values = values - 0.05 * np.linalg.solve(metric + 1e-3 * np.eye(12), estimate.jacobian)
        estimate, taken = jacobian(circuit, energy, values), taken + 1
    assert taken == steps
