"""Pauli propagation against states, closed forms, exact second moments, and the circuits that it must refuse."""

import math

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.circuits import (
    GaussianDistribution,
    HamiltonianVariationalAnsatz,
    HardwareEfficientAnsatz,
    IdentityBlockDistribution,
    MatchgateAnsatz,
    QAOAAnsatz,
    UniformDistribution,
)
from qiskit_qml_ext.diagnostics import (
    PauliPropagation,
    averaged_local_observable,
    global_projector,
    gradient_variance,
    lie_algebra,
    local_observable,
    scaling_study,
    second_moment_bounds,
    second_moments,
)
from qiskit_qml_ext.engine import expectation_vjp
from qiskit_qml_ext.exceptions import StateTooLargeError, UnsupportedCircuitError
from qiskit_qml_ext.primitives import connect
from tests.diagnostics.families import layered_circuit

mpl.use("agg")
EXACT = 1e-10


def random_circuit(seed: int, num_qubits: int = 4, gates: int = 25) -> QuantumCircuit:
    """Clifford gates, and rotations by shared, summed, multiplied, fixed and Clifford angles."""
    rng = np.random.default_rng(seed)
    circuit, angles = QuantumCircuit(num_qubits), ParameterVector("t", 5)
    for _ in range(gates):
        a, b = (int(q) for q in rng.permutation(num_qubits)[:2])
        getattr(circuit, rng.choice(["s", "h", "sx", "sdg", "sxdg", "x", "y", "z"]))(a)
        getattr(circuit, rng.choice(["cx", "cz", "swap"]))(a, b)
        p, q = angles[int(rng.integers(5))], angles[int(rng.integers(5))]
        fixed, clifford = float(rng.normal()), float(rng.choice([1, -1, 2, 3, 4])) * np.pi / 2
        angle = [p, 2 * p - q + 0.3, (np.pi - p) * (np.pi - q), fixed, clifford][int(rng.integers(5))]
        name = rng.choice(["rx", "ry", "rz", "rxx", "ryy", "rzz", "rzx", "crx"])
        getattr(circuit, name)(angle, *([a] if len(name) == 2 else [a, b]))
    return circuit


def random_observable(rng: np.random.Generator, num_qubits: int, terms: int = 4) -> SparsePauliOp:
    labels = ["".join(rng.choice(list("IXYZ"), num_qubits)) for _ in range(terms)]
    return SparsePauliOp(["I" * num_qubits, *labels], rng.normal(size=terms + 1))


def check_against_states(circuit: QuantumCircuit, observable, values) -> PauliPropagation:
    losses, gradients = expectation_vjp(circuit, values, observable, np.ones((len(values), 1)))
    found = PauliPropagation(circuit, observable)
    propagated = found.losses_and_gradients(values)
    np.testing.assert_allclose(propagated[0], losses[:, 0], rtol=0, atol=EXACT)
    np.testing.assert_allclose(propagated[1], gradients, rtol=0, atol=EXACT)
    np.testing.assert_array_equal(found.losses(values), propagated[0])
    return found


@pytest.mark.parametrize("samples", [1, 7, 19])
@given(seed=st.integers(0, 10**6))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_random_circuits_agree_with_states(samples, seed):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(seed)
    check_against_states(circuit, random_observable(rng, 4), rng.normal(size=(samples, circuit.num_parameters)))


def test_one_qubit_and_many_repetitions_of_few_generators_agree_with_states():
    """The pairs of a generator are found in parts while the set still grows."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        circuit, angles = QuantumCircuit(3), ParameterVector("t", 30)
        for angle in angles:
            (circuit.rzz(angle, 0, 1), circuit.rx(angle, 1), circuit.ryy(angle, 1, 2))[int(rng.integers(3))]
        check_against_states(circuit, random_observable(rng, 3), rng.normal(size=(3, 30)))
    one = QuantumCircuit(1)
    one.ry(Parameter("a"), 0)
    one.rz(0.7, 0)
    check_against_states(one, SparsePauliOp(["X", "Y"], [1.0, 0.5]), np.array([[0.3], [2.0]]))


def test_masks_of_more_than_one_word_agree_with_a_narrow_circuit():
    """The same small circuit on qubits around the border between words."""
    small = random_circuit(5)
    wide = QuantumCircuit(140)
    places = [62, 63, 64, 130]
    wide.compose(small, places, inplace=True)
    rng = np.random.default_rng(0)
    observable = random_observable(rng, 4)
    there = observable.apply_layout(places, num_qubits=140)
    values = rng.normal(size=(5, small.num_parameters))
    losses, gradients = PauliPropagation(wide, there).losses_and_gradients(values)
    expected = PauliPropagation(small, observable).losses_and_gradients(values)
    np.testing.assert_allclose(losses, expected[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(gradients, expected[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("num_qubits", [4, 7, 10])
def test_free_fermions_with_shared_angles_agree_with_states(num_qubits):
    circuit = HamiltonianVariationalAnsatz("tfim", reps=5).build(num_qubits)
    n = num_qubits
    bonds = [("ZZ", [q, q + 1], 1.0) for q in range(n - 1)]
    energy = SparsePauliOp.from_sparse_list([*bonds, *(("X", [q], 0.7) for q in range(n))], num_qubits=n)
    found = check_against_states(circuit, energy, np.random.default_rng(1).normal(size=(6, circuit.num_parameters)))
    assert found.num_strings <= n * (2 * n - 1)


def test_strings_of_a_small_algebra_stay_within_it():
    circuit = MatchgateAnsatz(reps=40).build(6)
    found = PauliPropagation(circuit, SparsePauliOp("IIIIIZ"))
    assert found.num_strings == lie_algebra(MatchgateAnsatz(), num_qubits=6).dimension == 66


def test_rx_twice_by_one_angle_is_one_half():
    """Clifford averages say 1; C = cos 2θ has the variance 1/2."""
    circuit, a = QuantumCircuit(1), Parameter("a")
    circuit.rx(a, 0)
    circuit.rx(a, 0)
    found = gradient_variance(circuit, Pauli("Z"), method="propagation", num_samples=4000, seed=0)
    assert abs(found.loss_variance.value - 0.5) < 4 * found.loss_variance.standard_error
    assert abs(found.gradient_variances[0].value - 2.0) < 4 * found.gradient_variances[0].standard_error


def sweeps(num_qubits: int, layers: int) -> QuantumCircuit:
    """Z and XX rotations in turns along an open chain, there and back, which mixes faster than a brick wall."""
    circuit = QuantumCircuit(num_qubits)
    angles = iter(ParameterVector("t", layers * (2 * num_qubits - 1)))
    for layer in range(layers):
        for place in range(2 * num_qubits - 1)[:: 1 if layer % 2 == 0 else -1]:
            if place % 2 == 0:
                circuit.rz(next(angles), place // 2)
            else:
                circuit.rxx(next(angles), place // 2, place // 2 + 1)
    return circuit


def first_z(num_qubits: int) -> SparsePauliOp:
    return SparsePauliOp("I" * (num_qubits - 1) + "Z")


@pytest.mark.slow
@pytest.mark.parametrize(("num_qubits", "layers"), [(8, 100), (30, 800)])
def test_deep_matchgates_reach_one_over_two_n_minus_one(num_qubits, layers):
    circuit = sweeps(num_qubits, layers)
    limit = 1 / (2 * num_qubits - 1)
    assert second_moment_bounds(circuit, first_z(num_qubits)).variance_lower == pytest.approx(limit, rel=0.06)
    values = UniformDistribution().sample(circuit, 400, np.random.default_rng(3))
    losses = PauliPropagation(circuit, first_z(num_qubits)).losses(values)
    spread = (losses - losses.mean()) ** 2
    assert abs(spread.mean() - limit) < 4 * spread.std() / math.sqrt(400)


def test_closed_form_of_the_lie_algebra_is_reached():
    ansatz = MatchgateAnsatz(reps=60)
    mean, variance = lie_algebra(ansatz, num_qubits=6).loss_moments(first_z(6))
    found = gradient_variance(ansatz, first_z, num_qubits=6, method="propagation", num_samples=2000, seed=1)
    assert found.target == "propagation of 66 Pauli strings"
    assert abs(found.loss_variance.value - variance) < 4 * found.loss_variance.standard_error
    assert found.loss_mean.value == pytest.approx(mean, abs=4 * found.loss_mean.standard_error)


def test_shallow_circuit_on_200_qubits_agrees_with_walks():
    circuit = layered_circuit(200, 3)
    walks = second_moments(circuit, local_observable, num_walks=20_000, seed=0)
    found = gradient_variance(circuit, local_observable, num_samples=800, seed=0)
    assert found.target.startswith("propagation of")
    for one, other in (
        (found.loss_variance, walks.loss_variance),
        (found.squared_gradient, walks.squared_gradient),
    ):
        assert abs(one.value - other.value) < 4 * math.hypot(one.standard_error, other.standard_error)
    reached = np.array([estimate.value for estimate in found.gradient_variances]) > 0
    np.testing.assert_array_equal(reached, walks.gradient_second_moments > 0)


@pytest.mark.parametrize(
    "distribution",
    [UniformDistribution(0.0, 1.0), GaussianDistribution(std=0.3), IdentityBlockDistribution()],
    ids=repr,
)
def test_any_distribution_gives_the_same_numbers_as_states(distribution):
    circuit = layered_circuit(4, 2)
    if isinstance(distribution, IdentityBlockDistribution):
        circuit = distribution.mirrored(circuit)
    arguments = {"distribution": distribution, "num_samples": 10, "seed": 4}
    states = gradient_variance(circuit, averaged_local_observable, method="exact", **arguments)
    strings = gradient_variance(circuit, averaged_local_observable, method="propagation", **arguments)
    np.testing.assert_allclose(strings.losses, states.losses, rtol=0, atol=EXACT)
    np.testing.assert_allclose(strings.gradients, states.gradients, rtol=0, atol=EXACT)
    assert strings.shots is None


def test_auto_takes_strings_on_many_qubits_and_states_where_strings_grow():
    qaoa = QAOAAnsatz(reps=1)
    cost = SparsePauliOp.from_sparse_list([("ZZ", [0, 1], 1.0)], num_qubits=16)
    wide = gradient_variance(qaoa, cost, num_qubits=16, num_samples=5, seed=0)
    assert wide.target.startswith("propagation")
    states = gradient_variance(qaoa, cost, num_qubits=16, num_samples=5, method="exact", seed=0)
    assert states.target == "exact"
    np.testing.assert_allclose(wide.gradients, states.gradients, rtol=0, atol=EXACT)
    narrow = gradient_variance(qaoa, cost, num_qubits=16, parameters=[1], num_samples=5, seed=0)
    np.testing.assert_allclose(narrow.gradients[:, 0], states.gradients[:, 1], rtol=0, atol=EXACT)
    diagonal = gradient_variance(layered_circuit(15, 1), global_projector, num_samples=4, seed=0)
    assert diagonal.target == "exact"


def test_states_that_do_not_fit_are_replaced_and_what_neither_reaches_is_said():
    poor = connect(max_memory=100 << 10)
    shallow = gradient_variance(layered_circuit(14, 1), local_observable, num_samples=4, connection=poor, seed=0)
    assert shallow.target.startswith("propagation")
    with pytest.raises(StateTooLargeError, match="does not reach either: The observable spreads"):
        gradient_variance(layered_circuit(40, 12), local_observable, num_samples=4, connection=poor)
    with pytest.raises(StateTooLargeError, match="does not reach either: Pauli propagation needs a Pauli sum"):
        gradient_variance(layered_circuit(14, 1), global_projector, num_samples=4, connection=poor)
    with pytest.raises(StateTooLargeError, match="One state of 40 qubits"):
        gradient_variance(layered_circuit(40, 1), local_observable, num_samples=4, method="exact", connection=poor)


def test_free_fermions_with_shared_angles_are_studied_to_64_qubits():
    ansatz = HamiltonianVariationalAnsatz("tfim", reps=3)

    def bond(num_qubits: int) -> SparsePauliOp:
        return SparsePauliOp.from_sparse_list([("ZZ", [num_qubits // 2 - 1, num_qubits // 2], 1.0)], num_qubits)

    study = scaling_study(ansatz, bond, widths=[12, 16, 24, 32, 48, 64], num_samples=300, seed=2)
    assert [point.target.split()[0] for point in study.points] == ["exact", *["propagation"] * 5]
    assert study.verdict == "constant", "the light cone does not see the ends"
    small = scaling_study(ansatz, bond, widths=[6], num_samples=8, method="propagation", seed=1)
    states = scaling_study(ansatz, bond, widths=[6], num_samples=8, method="states", seed=1)
    assert small.variances[0].value == pytest.approx(states.variances[0].value, rel=1e-9)


def test_refusals_are_named():
    deep = HardwareEfficientAnsatz(reps=8).build(24)
    with pytest.raises(UnsupportedCircuitError, match=r"more than 500 Pauli strings within the last \d+ of \d+ gates"):
        PauliPropagation(deep, SparsePauliOp("Z" * 24), max_strings=500)
    with pytest.raises(UnsupportedCircuitError, match=r"whose pairs need more than 50.0 KiB"):
        PauliPropagation(deep, local_observable(24), max_memory=100 << 10)
    with pytest.raises(UnsupportedCircuitError, match=r"needs .* for a tile of samples, but 100.0 KiB"):
        PauliPropagation(layered_circuit(6, 2), Pauli("ZZZZZZ"), max_memory=100 << 10)
    dense = layered_circuit(2, 1)
    dense.unitary(np.diag([1, 1, 1, np.exp(0.1j)]), [0, 1])
    with pytest.raises(UnsupportedCircuitError, match="neither Clifford gates nor Pauli rotations"):
        PauliPropagation(dense, Pauli("ZZ"))
    with pytest.raises(TypeError, match="needs a Pauli sum"):
        gradient_variance(layered_circuit(2, 1), global_projector, method="propagation")
    with pytest.raises(ValueError, match="complex coefficients"):
        PauliPropagation(layered_circuit(2, 1), SparsePauliOp("ZZ", [1j]))
    with pytest.raises(ValueError, match="acts on 3 qubits but the circuit has 2"):
        PauliPropagation(layered_circuit(2, 1), Pauli("ZZZ"))
    found = PauliPropagation(layered_circuit(2, 1), Pauli("ZZ"))
    with pytest.raises(ValueError, match=r"values must have the shape.*\(3,\) came"):
        found.losses([0.0, 0.0, 0.0])
    outside = QuantumCircuit(1)
    outside.ry(Parameter("x").arccos(), 0)
    with pytest.raises(ValueError, match=r"not finite for values\[1\]"):
        PauliPropagation(outside, Pauli("Z")).losses([[0.5], [2.0]])


def test_degenerate_cases():
    circuit = layered_circuit(3, 1)
    constant = PauliPropagation(circuit, SparsePauliOp("III", [2.0]))
    losses, gradients = constant.losses_and_gradients(np.zeros((2, 6)))
    np.testing.assert_array_equal(losses, [2.0, 2.0])
    np.testing.assert_array_equal(gradients, np.zeros((2, 6)))
    found = PauliPropagation(circuit, local_observable(3))
    losses, gradients = found.losses_and_gradients(np.zeros((0, 6)))
    assert losses.shape == (0,)
    assert gradients.shape == (0, 6)
    fixed = QuantumCircuit(2)
    fixed.h(0)
    fixed.cx(0, 1)
    assert PauliPropagation(fixed, Pauli("YY")).losses(np.zeros((1, 0))) == [-1.0]
    frozen = np.zeros((3, 6))
    frozen.flags.writeable = False
    np.testing.assert_array_equal(found.losses(frozen), np.ones(3))


def test_more_samples_than_a_block_of_angles_give_the_same_numbers(monkeypatch):
    from qiskit_qml_ext.engine.pauli import propagation as pauli_propagation

    circuit = layered_circuit(4, 2)
    values = np.random.default_rng(0).normal(size=(37, circuit.num_parameters))
    found = PauliPropagation(circuit, local_observable(4))
    whole = found.losses_and_gradients(values)
    monkeypatch.setattr(pauli_propagation, "_ANGLE_BLOCK", 200)
    parts = found.losses_and_gradients(values)
    np.testing.assert_array_equal(parts[0], whole[0])
    np.testing.assert_allclose(parts[1], whole[1], rtol=0, atol=1e-15)
