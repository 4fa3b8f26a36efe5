"""Every gradient method against known derivatives, against Qiskit's own states, and against the others."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import PauliEvolutionGate, real_amplitudes
from qiskit.primitives import DataBin, PrimitiveJob, PrimitiveResult, PubResult, StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.engine import Projector
from qiskit_qml_ext.exceptions import BudgetExceededError, UnsupportedObservableError
from qiskit_qml_ext.gradients import (
    AdjointGradient,
    FiniteDifferenceGradient,
    HadamardTestGradient,
    ParameterShiftGradient,
    SPSAGradient,
    hessian,
    hvp,
    jacobian,
    jvp,
    metric_tensor,
    vjp,
)
from qiskit_qml_ext.gradients.methods.free_circuit import free_circuit
from qiskit_qml_ext.gradients.methods.spsa import along
from qiskit_qml_ext.gradients.problem import pose
from qiskit_qml_ext.primitives import Connection, connect
from qiskit_qml_ext.primitives.shots import shots_of
from tests.engine.random_circuits import circuits, sample_values
from tests.gradients.circuits import DIGITS, KNOWN, circuit_a, circuit_b, circuit_c, statevector_gradient

EXACT = 1e-9  # between methods: shifts multiply rounding by Σ|c| and slopes of expressions, a few hundred
Z_LIMIT = 4.0  # standard errors; 6.3e-5 of false alarms for each number


@pytest.mark.parametrize("method", ["auto", "adjoint", "parameter_shift", "finite_difference", "hadamard_test"])
@pytest.mark.parametrize("name", KNOWN)
def test_known_circuits_have_their_known_gradients(name, method):
    known = KNOWN[name]()
    estimate = jacobian(known.circuit, known.observable, known.values, method=method)
    assert_allclose(estimate.values, known.loss, atol=DIGITS)
    assert_allclose(estimate.jacobian, known.gradient, atol=DIGITS)
    assert_allclose(estimate.standard_errors, 0.0)


@pytest.mark.parametrize("name", KNOWN)
def test_known_circuits_have_their_known_hessians(name):
    known = KNOWN[name]()
    assert_allclose(hessian(known.circuit, known.observable, known.values), known.hessian, atol=DIGITS)


@pytest.mark.parametrize("name", KNOWN)
def test_known_circuits_have_their_known_metric(name):
    known = KNOWN[name]()
    assert_allclose(metric_tensor(known.circuit, known.values), known.metric, atol=DIGITS)


def test_natural_step_of_circuit_a():
    known = circuit_a()
    metric, gradient = metric_tensor(known.circuit, known.values).matrix, np.array(known.gradient)
    step = np.linalg.solve(metric + 0.01 * np.eye(3), gradient)
    assert_allclose(step, [1.5825457890, -2.3968414674, -4.3339186327], atol=1e-7)  # ten digits over 0.0196


def test_two_terms_are_wrong_where_four_are_needed():
    """What a two-term rule would say of the controlled rotation, and of a shared parameter, is not what comes out."""
    a, c = circuit_a(), circuit_c()
    shifted = [a.values + sign * np.pi / 2 * np.eye(3)[2] for sign in (1, -1)]
    values = [float(jacobian(a.circuit, a.observable, point).values) for point in shifted]
    assert_allclose((values[0] - values[1]) / 2, -0.1154080583, atol=DIGITS)
    assert abs(jacobian(a.circuit, a.observable, a.values, method="parameter_shift").jacobian[2] + 0.0850678990) < 1e-9
    assert free_circuit(a.circuit).frequencies == ((1.0,), (1.0,), (0.5, 1.0))
    shifted = [c.values + sign * np.pi / 2 * np.eye(2)[0] for sign in (1, -1)]
    values = [float(jacobian(c.circuit, c.observable, point).values) for point in shifted]
    assert_allclose((values[0] - values[1]) / 2, 0.2266151819, atol=DIGITS)


CONTROLLED = ("crx", "cry", "crz", "cp", "cu1", "rzz", "rzx", "xx_plus_yy", "cu", "u", "r", "evolution", "mcp", "crz0")


def one_gate(name):
    t = ParameterVector("t", 4)
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.ry(0.7, [1, 2])
    circuit.cx(1, 2)
    if name in ("crx", "cry", "crz", "cp", "cu1", "rzz", "rzx"):
        from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping

        circuit.append(get_standard_gate_name_mapping()[name].base_class(t[0] * t[1]), [0, 1])
    elif name == "xx_plus_yy":
        from qiskit.circuit.library import XXPlusYYGate

        circuit.append(XXPlusYYGate(t[0], t[1]), [0, 1])
    elif name == "cu":
        circuit.cu(t[0], t[1], t[2], t[3], 0, 1)
    elif name == "u":
        circuit.u(t[0], t[1], t[2], 1)
    elif name == "r":
        circuit.r(t[0], t[1], 1)
    elif name == "evolution":
        circuit.append(PauliEvolutionGate(SparsePauliOp(["ZZI", "IXX", "IZX"], [0.5, 1.0, 0.3]), time=t[0]), range(3))
    elif name == "mcp":
        circuit.mcp(t[0], [0, 1], 2)
    else:
        from qiskit.circuit.library import CRZGate

        circuit.append(CRZGate(t[0], ctrl_state=0), [0, 1])
    circuit.rx(0.4, [0, 1, 2])
    circuit.ry(t[0] / 3, 1)
    return circuit


@pytest.mark.filterwarnings(
    "ignore::scipy.sparse.SparseEfficiencyWarning"
)  # Qiskit's matrix of an evolution gate, by SciPy
@pytest.mark.parametrize("name", CONTROLLED)
def test_gates_with_other_rules_agree_with_differences_of_qiskits_states(name):
    circuit = one_gate(name)
    observable = SparsePauliOp(["ZYX", "IXZ", "XIY"], [0.7, -1.1, 0.5])
    values = np.array([0.9, -1.3, 0.4, 2.1])[: circuit.num_parameters]
    expected = statevector_gradient(circuit, observable, values)
    for method in ("adjoint", "parameter_shift", "hadamard_test"):
        assert_allclose(jacobian(circuit, observable, values, method=method).jacobian, expected, atol=EXACT)


@pytest.mark.parametrize(
    ("name", "frequencies"),
    [
        ("cp", (1.0,)),
        ("crx", (0.5, 1.0)),
        ("rzz", (1.0,)),
        ("r", (1.0,)),
    ],
)
def test_a_gate_keeps_its_own_few_frequencies(name, frequencies):
    free = free_circuit(one_gate(name))
    assert free.keeps_gates
    assert free.frequencies[0] == pytest.approx(frequencies)


def test_an_axis_that_turns_is_shifted_with_the_sums_of_its_frequencies():
    """φ of R(θ, φ) stands on both sides of the rotation about X: frequencies 1 and 2, and ⟨O⟩ has no others."""
    assert free_circuit(one_gate("r")).frequencies[1] == pytest.approx((1.0, 2.0))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(circuits(max_qubits=4, max_gates=10))
def test_methods_agree_on_random_circuits(circuit):
    assume(circuit.num_parameters)
    values = sample_values(circuit, 2)
    n = circuit.num_qubits
    observables = [SparsePauliOp(["Z" * n, "X" + "Y" * (n - 1)], [1.0, -0.4]), SparsePauliOp("Y" * n)]
    exact = jacobian(circuit, observables, values, method="adjoint").jacobian
    shifted = jacobian(circuit, observables, values, method="parameter_shift").jacobian
    ancilla = jacobian(circuit, observables, values, method="hadamard_test").jacobian
    scale = max(1.0, np.abs(exact).max())
    assert_allclose(shifted, exact, atol=EXACT * scale)
    assert_allclose(ancilla, exact, atol=EXACT * scale)
    differences = jacobian(circuit, observables, values, method=FiniteDifferenceGradient(step=2e-3)).jacobian
    assert np.median(np.abs(differences - exact)) < 1e-6 * scale  # |a - b|^½ has kinks next to some points


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(circuits(max_qubits=3, max_gates=8))
def test_hessians_of_random_circuits_are_differences_of_their_gradients(circuit):
    assume(circuit.num_parameters)
    values = sample_values(circuit, 1)[0]
    observable = SparsePauliOp("Z" * circuit.num_qubits)
    found, step = hessian(circuit, observable, values).matrix, 1e-4
    units = np.eye(len(values)) * step
    sides = [jacobian(circuit, observable, values + sign * units).jacobian for sign in (1, -1)]
    expected = (sides[0] - sides[1]) / (2 * step)
    assert_allclose(found, expected, atol=1e-5 * max(1.0, np.abs(expected).max()))  # step² times fourth derivatives


def shot_targets():
    return {
        "exact with shots": connect("exact", shots=4000, seed=5),
        "aer": connect("aer", shots=4000, seed=5),
        "a primitive": Connection.from_primitives(estimator=StatevectorEstimator(default_precision=0.02, seed=5)),
    }


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's matrix of an evolution gate
@pytest.mark.parametrize("target", shot_targets())
@pytest.mark.parametrize("name", KNOWN)
def test_hadamard_tests_with_shots_are_within_their_standard_errors(name, target):
    known, connection = KNOWN[name](), shot_targets()[target]
    estimate = jacobian(known.circuit, known.observable, known.values, method="hadamard_test", connection=connection)
    off = np.abs(estimate.jacobian - known.gradient)
    assert np.all(off <= Z_LIMIT * estimate.standard_errors + 1e-12)
    assert np.all(estimate.standard_errors < 0.3)


@pytest.mark.parametrize("target", shot_targets())
@pytest.mark.parametrize("name", KNOWN)
def test_shifts_with_shots_are_within_their_standard_errors(name, target):
    known, connection = KNOWN[name](), shot_targets()[target]
    estimate = jacobian(known.circuit, known.observable, known.values, connection=connection)
    assert estimate.method == "parameter_shift"
    assert "no bias" in estimate.reason
    off = np.abs(estimate.jacobian - known.gradient)
    assert np.all(off <= Z_LIMIT * estimate.standard_errors + 1e-12)  # 11 numbers on 3 targets: 0.2 % false alarms
    assert np.all(estimate.standard_errors < 0.2)


def test_stated_standard_errors_are_the_spread_of_repetitions():
    known = circuit_a()
    runs = 400
    estimate = jacobian(
        known.circuit,
        known.observable,
        np.tile(known.values, (runs, 1)),
        connection=connect("exact", shots=100, seed=1),
    )
    spread = estimate.jacobian.std(axis=0, ddof=1)
    assert_allclose(spread, estimate.standard_errors.mean(axis=0), rtol=4 / np.sqrt(2 * runs))  # 4 σ of a deviation
    mean_error = spread / np.sqrt(runs)
    assert np.all(np.abs(estimate.jacobian.mean(axis=0) - known.gradient) < Z_LIMIT * mean_error)


def test_one_pub_carries_all_points_of_all_samples():
    calls = []

    class Counting(StatevectorEstimator):
        def run(self, pubs, **settings):
            calls.append(list(pubs))
            return super().run(calls[-1], **settings)

    known = circuit_b()
    connection = Connection.from_primitives(estimator=Counting())
    many = jacobian(
        known.circuit, [known.observable, SparsePauliOp("ZZZ")], np.stack([known.values] * 3), connection=connection
    )
    assert [len(pubs) for pubs in calls] == [1]
    assert many.jacobian.shape == (3, 2, 6)
    assert_allclose(many.jacobian[:, 0], np.tile(known.gradient, (3, 1)), atol=DIGITS)


def test_finite_differences_with_shots_are_within_errors_and_their_stated_bias():
    known = circuit_b()
    connection = connect("exact", shots=100_000, seed=3)
    estimate = jacobian(
        known.circuit, known.observable, known.values, method="finite_difference", connection=connection
    )
    bias = 0.3**4 / 30 * 2.0  # fifth derivatives are at most Σ|c| = 2 for frequency 1
    assert np.all(np.abs(estimate.jacobian - known.gradient) <= Z_LIMIT * estimate.standard_errors + bias)


def test_mean_of_spsa_over_all_signs_has_the_known_bias():
    known = circuit_b()
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 6)).reshape(6, -1).T
    problem = pose(known.circuit, known.observable, known.values)
    estimate = along(problem, signs[None], 0.1, "").jacobian[0, 0]
    bias = [-0.0020447877, 0.0025293874, -0.0037514288, 0.0059682779, 0.0080195180, 0.0]
    assert_allclose(estimate - known.gradient, bias, atol=2 * DIGITS)


def test_spsa_is_within_its_standard_errors_and_draws_anew_at_each_call():
    known = circuit_b()
    method = SPSAGradient(perturbation=0.01, num_directions=400, seed=0)
    first = method.jacobian(known.circuit, known.observable, known.values)
    second = method.jacobian(known.circuit, known.observable, known.values)
    assert np.all(np.abs(first.jacobian - known.gradient) < Z_LIMIT * first.standard_errors)
    assert not np.allclose(first.jacobian, second.jacobian)
    assert np.all(np.isnan(SPSAGradient().jacobian(known.circuit, known.observable, known.values).standard_errors))


def test_products_are_those_of_the_jacobian():
    circuit = real_amplitudes(3, reps=1)
    rng = np.random.default_rng(0)
    values, observables = rng.uniform(-2, 2, (2, 4, 6)), [SparsePauliOp("ZII"), SparsePauliOp("XYZ")]
    full = jacobian(circuit, observables, values).jacobian
    weights, directions = rng.normal(size=(2, 4, 2)), rng.normal(size=(2, 4, 6))
    for method in ("adjoint", "parameter_shift"):
        assert_allclose(
            vjp(circuit, observables, values, weights, method=method).products,
            np.einsum("abm,abmp->abp", weights, full),
            atol=1e-12,
        )
        assert_allclose(
            jvp(circuit, observables, values, directions, method=method).products,
            np.einsum("abmp,abp->abm", full, directions),
            atol=1e-12,
        )


def test_chosen_parameters_come_in_the_order_asked_for():
    known = circuit_b()
    for method in ("adjoint", "parameter_shift", "finite_difference"):
        some = jacobian(known.circuit, known.observable, known.values, method=method, parameters=[4, 0])
        assert_allclose(some.jacobian, [known.gradient[4], known.gradient[0]], atol=DIGITS)
        assert some.parameters == ("t[4]", "t[0]")
    both = np.ix_([4, 0], [4, 0])
    assert_allclose(
        hessian(known.circuit, known.observable, known.values, parameters=[4, 0]), known.hessian[both], atol=DIGITS
    )
    assert_allclose(metric_tensor(known.circuit, known.values, parameters=[4, 0]), known.metric[both], atol=DIGITS)


def test_derivatives_follow_the_unit_of_the_observable():
    known, connection = circuit_a(), connect("aer", shots=2000, seed=2)
    one = jacobian(known.circuit, known.observable, known.values, connection=connection)
    tiny = jacobian(known.circuit, 1e-12 * known.observable, known.values, connection=connection)
    assert_allclose(tiny.jacobian / 1e-12, one.jacobian, rtol=1e-9)
    assert_allclose(tiny.standard_errors / 1e-12, one.standard_errors, rtol=1e-9)


def test_other_observables_are_differentiated_where_that_can_be_done():
    known = circuit_a()
    exact = [jacobian(known.circuit, Projector(0), known.values, method=m) for m in ("adjoint", "parameter_shift")]
    assert_allclose(exact[0].jacobian, exact[1].jacobian, atol=1e-12)
    with pytest.raises(UnsupportedObservableError, match="Projector"):
        jacobian(known.circuit, Projector(0), known.values, connection=connect("aer", shots=100))


def test_degenerate_shapes_are_answered():
    known = circuit_a()
    assert jacobian(known.circuit, known.observable, np.zeros((0, 3))).jacobian.shape == (0, 3)
    assert jacobian(known.circuit, [known.observable], known.values).jacobian.shape == (1, 3)
    fixed = QuantumCircuit(1)
    fixed.h(0)
    for method in ("adjoint", "parameter_shift", "finite_difference"):
        assert jacobian(fixed, SparsePauliOp("X"), np.zeros((2, 0)), method=method).jacobian.shape == (2, 0)
    assert metric_tensor(fixed, np.zeros(0)).matrix.shape == (0, 0)


def test_what_cannot_be_meant_is_refused():
    known = circuit_a()
    aer = connect("aer", shots=100)
    with pytest.raises(ValueError, match=r"adjoint.*cannot be used.*states"):
        jacobian(known.circuit, known.observable, known.values, method="adjoint", connection=aer)
    with pytest.raises(ValueError, match=r"one of 'auto', 'adjoint'"):
        jacobian(known.circuit, known.observable, known.values, method="adjoin")
    with pytest.raises(ValueError, match="3 parameters on the last axis"):
        jacobian(known.circuit, known.observable, [0.1])
    with pytest.raises(ValueError, match="finite numbers"):
        jacobian(known.circuit, known.observable, [0.1, np.nan, 0.2])
    with pytest.raises(ValueError, match=r"observables\[0\] acts on 1 qubits"):
        jacobian(known.circuit, SparsePauliOp("Z"), known.values)
    with pytest.raises(ValueError, match="complex coefficients"):
        jacobian(known.circuit, SparsePauliOp("ZZ", 1j), known.values)
    with pytest.raises(ValueError, match="parameters"):
        jacobian(known.circuit, known.observable, known.values, parameters=[3])
    with pytest.raises(ValueError, match=r"connection must be exact.*block_diagonal"):
        metric_tensor(known.circuit, known.values, connection=aer)
    with pytest.raises(ValueError, match="connection must be exact for hvp"):
        hvp(known.circuit, known.observable, known.values, known.values, connection=aer)
    with pytest.raises(ValueError, match="one of None, 'block_diagonal'"):
        metric_tensor(known.circuit, known.values, approximation="diagonal")
    with pytest.raises(ValueError, match="one of 'auto', 'by_coefficient', 'equal'"):
        ParameterShiftGradient(split="best")
    with pytest.raises(ValueError, match="a primitive of your own"):
        jacobian(
            known.circuit,
            known.observable,
            known.values,
            method=ParameterShiftGradient(split="by_coefficient"),
            connection=Connection.from_primitives(estimator=StatevectorEstimator(default_precision=0.1)),
        )
    with pytest.raises(ValueError, match="tangents must be finite"):
        jvp(known.circuit, known.observable, known.values, [0.1, np.nan, 0.2])
    x = Parameter("x")
    edge = QuantumCircuit(1)
    edge.ry(x.arccos(), 0)
    with pytest.raises(ValueError, match="no finite derivative"):
        jacobian(edge, SparsePauliOp("Z"), [1.0], method="parameter_shift")
    with pytest.raises(ValueError, match="domain"):
        jacobian(edge, SparsePauliOp("Z"), [2.0], method="finite_difference")


def test_methods_are_objects_with_the_same_call():
    known = circuit_a()
    for kind in (AdjointGradient, ParameterShiftGradient, FiniteDifferenceGradient, HadamardTestGradient):
        found = kind().jacobian(known.circuit, known.observable, known.values, connection=connect())
        assert_allclose(np.asarray(found), known.gradient, atol=DIGITS)
        assert found.method == kind.name


def test_a_changed_circuit_is_differentiated_as_it_is_now():
    known = circuit_a()
    before = jacobian(known.circuit, known.observable, known.values, method="parameter_shift").jacobian
    assert free_circuit(known.circuit) is free_circuit(known.circuit)
    known.circuit.ry(0.8, 0)
    after = jacobian(known.circuit, known.observable, known.values, method="parameter_shift").jacobian
    assert not np.allclose(before, after)
    assert_allclose(after, statevector_gradient(known.circuit, known.observable, known.values), atol=EXACT)


def test_a_circuit_that_is_taken_apart_has_the_same_gradient():
    """Evolution under terms that do not commute: a device would run a product formula, whose frequencies are others."""
    circuit = one_gate("evolution")
    estimate = jacobian(circuit, SparsePauliOp("ZZZ"), [0.4], method="parameter_shift")
    assert not free_circuit(circuit).keeps_gates
    assert "not in its own gates" in estimate.summary()
    kept = jacobian(one_gate("cu"), SparsePauliOp("ZZZ"), [0.4] * 4, method="parameter_shift")
    assert "not in its own gates" not in kept.summary()


def test_second_derivatives_by_an_input_of_many_points_are_those_of_the_closed_form():
    """T₂(x) T₄(x) and its derivatives at 0.3, from RY(2 arccos x), RY(4 arccos x) and a CNOT."""
    x = Parameter("x")
    circuit = QuantumCircuit(2)
    circuit.ry(2 * x.arccos(), 0)
    circuit.ry(4 * x.arccos(), 1)
    circuit.cx(0, 1)
    points = np.array([[0.3], [-0.5], [0.3]])
    observables = [SparsePauliOp("ZI"), SparsePauliOp("IZ")]
    first, second = jacobian(circuit, observables, points), hessian(circuit, observables, points).matrix
    assert_allclose(first.values[0, 0], -0.282736, atol=5e-7)
    assert_allclose(first.jacobian[[0, 2], 0, 0], 3.64128, atol=5e-6)
    assert_allclose(second[[0, 2], 0, 0, 0], -2.032, atol=5e-4)
    assert_allclose(first.jacobian[1, 1, 0], 4 * -0.5, atol=1e-12)  # T₂' = 4x, T₂'' = 4
    assert_allclose(second[:, 1, 0, 0], 4.0, atol=1e-11)


def test_a_device_runs_the_users_gates_transpiled_once(monkeypatch):
    """With layout and noise: within its noise of the exact gradient, and one transpilation for two calls."""
    known, connection = circuit_a(), connect("fake_manila", shots=4096, seed=3)
    transpiled = []
    original = type(connection.target).transpile

    def counted(self, circuit, *arguments):
        transpiled.append(circuit.count_ops())
        return original(self, circuit, *arguments)

    monkeypatch.setattr(type(connection.target), "transpile", counted)
    first = jacobian(known.circuit, known.observable, known.values, connection=connection)
    jacobian(known.circuit, [known.observable, SparsePauliOp("YY")], [known.values] * 2, connection=connection)
    assert [dict(counts) for counts in transpiled] == [{"ry": 1, "rx": 1, "cry": 1}]
    assert first.target == connection.target_name
    assert_allclose(first.jacobian, known.gradient, atol=0.1)  # errors of a few per cent in two CNOTs, and shots


def test_a_gradient_keeps_to_what_may_be_spent_and_is_counted():
    known = circuit_a()
    executions = 9 * 100  # the point, two terms for each of two rotations, four for the controlled one
    connection = connect("aer", shots=100, seed=1, max_executions=executions)
    jacobian(known.circuit, known.observable, known.values, connection=connection)
    assert (connection.usage.circuits, connection.usage.shots, connection.usage.jobs) == (
        9,
        executions,
        3,
    )  # three numbers of shots
    with pytest.raises(BudgetExceededError, match="executions"):
        jacobian(known.circuit, known.observable, known.values, connection=connection)


def test_a_precision_is_spent_as_the_shots_that_it_takes():
    connection = connect("aer", shots=100, seed=1)
    circuit = real_amplitudes(1, reps=0)
    connection.estimate([(connection.isa_circuit(circuit), SparsePauliOp("Z"), [[0.1], [0.2]], 1 / np.sqrt(900))])
    assert (connection.usage.circuits, connection.usage.shots) == (2, 1800)
    assert [shots_of(1 / np.sqrt(shots), None) for shots in range(1, 5000)] == list(range(1, 5000))
    assert (shots_of(None, 7), shots_of(None, None), shots_of(0.0, 7)) == (7, 0, 0)


def test_a_journaled_gradient_is_not_run_again(tmp_path):
    known = circuit_b()
    found = [
        jacobian(
            known.circuit,
            known.observable,
            known.values,
            connection=connect("aer", shots=500, journal=tmp_path / "jobs.sqlite"),
        )
        for _ in range(2)
    ]
    assert_allclose(found[0].jacobian, found[1].jacobian, atol=0)


def thrice_turned():
    """⟨Z⟩ = cos 3θ, whose derivative is -3 sin 3θ."""
    circuit = QuantumCircuit(1)
    circuit.ry(3 * Parameter("t"), 0)
    return circuit


@pytest.mark.parametrize("method", ["adjoint", "parameter_shift", "hadamard_test"])
def test_methods_without_a_bias_are_exact_without_noise(method):
    found = jacobian(thrice_turned(), SparsePauliOp("Z"), [0.4], method=method)
    assert found.bias == ""
    assert "(exact; " in found.summary()
    assert_allclose(found.jacobian, [-3 * np.sin(1.2)], atol=EXACT)


@pytest.mark.parametrize("connection", [connect("exact"), connect("exact", shots=100)])
@pytest.mark.parametrize(
    ("method", "bias"),
    [
        (FiniteDifferenceGradient(step=1.0), "h⁴/30 times the fifth derivative (h = 1)"),
        (SPSAGradient(perturbation=0.5, num_directions=8), "order c² (c = 0.5)"),  # of one parameter: no spread
    ],
)
def test_methods_with_a_bias_never_call_themselves_exact(method, bias, connection):
    found = jacobian(thrice_turned(), SparsePauliOp("Z"), [0.4], method=method, connection=connection)
    assert found.bias == bias
    assert bias in found.summary()
    assert "exact;" not in found.summary()
    assert ("no noise" in found.summary()) == connection.is_exact
    for product in (vjp, jvp):
        shape = [1.0] if product is jvp else 1.0
        result = product(thrice_turned(), SparsePauliOp("Z"), [0.4], shape, method=method, connection=connection)
        assert result.bias == bias


def test_differences_on_an_exact_estimator_of_the_users_take_the_small_step():
    circuit = thrice_turned()
    own = Connection.from_primitives(estimator=StatevectorEstimator())
    found = jacobian(circuit, SparsePauliOp("Z"), [0.4], method="finite_difference", connection=own)
    assert_allclose(found.jacobian, [-3 * np.sin(1.2)], atol=DIGITS)
    assert "h = 0.001" in found.bias
    assert found.num_evaluations == 10  # five with each step


class SilentlyNoisy(StatevectorEstimator):
    """States no errors although its values have noise."""

    def run(self, pubs, *, precision=None):
        found = super().run(pubs, precision=0.01).result()
        parts = [PubResult(DataBin(evs=one.data.evs, stds=0 * one.data.stds, shape=one.data.shape)) for one in found]
        job = PrimitiveJob(lambda: PrimitiveResult(parts))
        job._submit()
        return job


@pytest.mark.parametrize(
    "estimator", [StatevectorEstimator(default_precision=0.01, seed=1), SilentlyNoisy(seed=np.random.default_rng(1))]
)
def test_differences_of_noisy_values_keep_the_large_step(estimator):
    own = Connection.from_primitives(estimator=estimator)
    found = jacobian(thrice_turned(), SparsePauliOp("Z"), [0.4], method="finite_difference", connection=own)
    assert "h = 0.3" in found.bias
    assert abs(found.jacobian[0] + 3 * np.sin(1.2)) < 0.3


def test_summaries_say_what_was_found():
    circuit, observable = thrice_turned(), SparsePauliOp("Z")
    assert jacobian(circuit, observable, [0.4]).summary().startswith("1 derivative by adjoint on exact (exact; 1 evalu")
    assert hessian(circuit, observable, [0.4]).summary().startswith("1 by 1 second derivatives by ")
    assert metric_tensor(circuit, [0.4]).summary().startswith("1 by 1 entries of the metric tensor by states on exact")
