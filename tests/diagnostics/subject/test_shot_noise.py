"""What one shot is worth, against states of Qiskit shifted gate by gate, and counts; prices that know no units."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import qaoa_ansatz
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qiskit_qml_ext import diagnostics as d
from qiskit_qml_ext.circuits import (
    GaussianDistribution,
    HamiltonianVariationalAnsatz,
    HardwareEfficientAnsatz,
    QAOAAnsatz,
    UniformDistribution,
)
from qiskit_qml_ext.diagnostics.subject.problem import pose
from qiskit_qml_ext.diagnostics.subject.shot_noise import measured_groups, noise_at, shots_needed
from qiskit_qml_ext.diagnostics.trainability.sampled_noise import sampled_noise
from qiskit_qml_ext.diagnostics.trainability.shot_gradients import loss_and_gradient_halves
from qiskit_qml_ext.engine.pauli.propagation import PauliPropagation
from qiskit_qml_ext.primitives import connect
from tests.diagnostics.families import layered_circuit, product_circuit

HEISENBERG = [SparsePauliOp.from_sparse_list([(p, [q, q + 1], 1.0) for q in range(2)], 3) for p in ("XX", "YY", "ZZ")]
"""The three groups of a Heisenberg chain that are measured together."""


def single_shot(state: Statevector, groups: list[SparsePauliOp]) -> float:
    """Σ_g ⟨G²⟩ - ⟨G⟩², from Qiskit alone."""
    return sum((state.expectation_value(g @ g) - state.expectation_value(g) ** 2).real for g in groups)


def by_hand(angles: np.ndarray) -> Statevector:
    """The circuit of :func:`shared`, with an angle for each of its rotations."""
    circuit = QuantumCircuit(3)
    circuit.rx(angles[0], 0)
    circuit.h(1)
    circuit.rzz(angles[1], 0, 1)
    circuit.cx(1, 2)
    circuit.ry(angles[2], 2)
    # a controlled rotation is half a rotation about X and half of one about ZX, in the opposite sense
    circuit.rx(angles[3], 2)
    circuit.rzx(angles[4], 1, 2)
    return Statevector(circuit)


def shared() -> tuple[QuantumCircuit, np.ndarray]:
    """A circuit whose parameters are shared, scaled and summed, and the slopes of its rotations."""
    a, b = ParameterVector("t", 2)
    circuit = QuantumCircuit(3)
    circuit.rx(a, 0)
    circuit.h(1)
    circuit.rzz(2 * b, 0, 1)
    circuit.cx(1, 2)
    circuit.ry(a + b, 2)
    circuit.crx(b, 1, 2)
    return circuit, np.array([[1, 0], [0, 2], [1, 1], [0, 0.5], [0, -0.5]])


@pytest.mark.parametrize("distribution", [UniformDistribution(0, 2 * np.pi), GaussianDistribution(2)], ids=repr)
def test_noise_of_derivatives_is_that_of_every_gate_shifted_by_itself(distribution):
    circuit, slopes = shared()
    problem = pose(circuit, SparsePauliOp.sum(HEISENBERG), distribution=distribution)
    values = problem.sample(12, np.random.default_rng(3))
    expected, loss = np.zeros(2), 0.0
    for row in values:
        angles = slopes @ row
        loss += single_shot(by_hand(angles), HEISENBERG) / len(values)
        for rotation in range(5):
            shift = np.eye(5)[rotation] * np.pi / 2
            pair = [single_shot(by_hand(angles + sign * shift), HEISENBERG) for sign in (1, -1)]
            expected += slopes[rotation] ** 2 * sum(pair) / 4 / len(values)
    found = sampled_noise(problem, values, connect())
    assert_allclose(found.loss, loss, rtol=1e-12)
    assert_allclose(found.derivatives, expected, rtol=1e-12)
    assert (found.num_groups, found.num_circuits) == (3, 2 * 5 * 3)
    strings = sampled_noise(problem, values, connect(), max_strings=1000)
    assert_allclose([strings.loss, *strings.derivatives], [loss, *expected], rtol=1e-12)
    assert not strings.loss_at_most


def test_a_nonlinear_angle_is_weighed_with_its_slope_at_each_point():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(1)
    circuit.rx(a * b, 0)
    problem = pose(circuit, SparsePauliOp("Z"))
    values = problem.sample(40, np.random.default_rng(0))
    # shifted by ±π/2, ⟨Z⟩ = cos(ab ± π/2), so one shot has the variance cos² ab; the slopes are b and a
    variance = np.cos(values[:, 0] * values[:, 1]) ** 2 / 2
    found = sampled_noise(problem, values, connect())
    assert_allclose(found.derivatives, [np.mean(values[:, 1] ** 2 * variance), np.mean(values[:, 0] ** 2 * variance)])


def test_counts_scatter_as_the_noise_says():
    """4,000 gradients of 40 shots a circuit, drawn from Qiskit's probabilities; the error of a variance is 2.2 %."""
    circuit, slopes = shared()
    observable = SparsePauliOp.sum(HEISENBERG)
    values = np.array([[0.7, -1.1]])
    rng, shots, repeats = np.random.default_rng(5), 40, 4000
    basis = {"XX": [("h", q) for q in range(3)], "ZZ": []}
    basis["YY"] = [gate for q in range(3) for gate in (("sdg", q), ("h", q))]

    def readings(angles):
        """Sums of the means of all groups, one for each repetition."""
        state, total = by_hand(angles), 0.0
        for gates in basis.values():
            turn = QuantumCircuit(3)
            for name, qubit in gates:
                getattr(turn, name)(qubit)
            counts = rng.multinomial(shots, state.evolve(turn).probabilities(), size=repeats)
            bits = 1 - 2 * (np.arange(8)[:, None] >> np.arange(3) & 1)
            total = total + counts @ (bits[:, 0] * bits[:, 1] + bits[:, 1] * bits[:, 2]) / shots
        return total

    angles = slopes @ values[0]
    derivative = 0.0
    for rotation in range(5):
        shift = np.eye(5)[rotation] * np.pi / 2
        derivative = derivative + slopes[rotation, 1] * (readings(angles + shift) - readings(angles - shift)) / 2
    found = sampled_noise(pose(circuit, observable), values, connect())
    assert_allclose(np.var(readings(angles)), found.loss / shots, rtol=5 * 0.022)
    assert_allclose(np.var(derivative), found.derivatives[1] / shots, rtol=5 * 0.022)


def test_reference_prices():
    """n = 6, hardware-efficient with two layers, 200 starts: Z 20 shots, mean Z 33, computed without this package."""
    ansatz = HardwareEfficientAnsatz(reps=2)
    for scale in (1.0, 10.0, 0.01):
        z = scale * SparsePauliOp("IIIIIZ")
        assert d.gradient_variance(ansatz, z, num_qubits=6, seed=0).shots_for() == 20
    mean_z = d.gradient_variance(ansatz, d.averaged_local_observable, num_qubits=6, seed=0)
    assert mean_z.shots_for() == 33
    assert mean_z.shot_noise.num_circuits == 2 * mean_z.circuit.num_parameters


def test_each_group_of_a_hamiltonian_is_a_circuit_of_its_own():
    ansatz = HardwareEfficientAnsatz(reps=2)
    chains = [SparsePauliOp.from_sparse_list([(p, [q, q + 1], 1.0) for q in range(5)], 6) for p in ("XX", "YY", "ZZ")]
    found = d.gradient_variance(ansatz, SparsePauliOp.sum(chains), num_qubits=6, num_samples=60, seed=0)
    circuit = ansatz.build(6)
    values = np.random.default_rng(0).uniform(0, 2 * np.pi, (60, circuit.num_parameters))
    expected = np.mean([single_shot(Statevector(circuit.assign_parameters(row)), chains) for row in values])
    assert_allclose(found.shot_noise.loss, expected, rtol=1e-10)
    assert found.shots_for() == math.ceil(expected / 2 / found.mean_gradient_variance)
    assert found.shot_noise.num_circuits == 2 * 3 * circuit.num_parameters
    assert "for each of the 3 circuits of a loss" in found.summary()


def test_readings_count_shared_angles_terms_of_the_shift_rule_and_groups():
    edges = [("ZZ", [a, b], 1.0) for a, b in [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]]
    cost = SparsePauliOp.from_sparse_list(edges, 4)
    found = d.gradient_variance(qaoa_ansatz(cost, reps=2), cost, num_samples=10, seed=0)
    assert found.shot_noise.num_circuits == 2 * (5 + 4) * 2
    circuit, _ = shared()
    both = SparsePauliOp(["ZZI", "IXX", "ZIZ"])
    # rx, rzz, ry once each and crx with four terms; ZZI and ZIZ together, IXX apart
    assert d.gradient_variance(circuit, both, num_samples=10, seed=0).shot_noise.num_circuits == (2 + 2 + 2 + 4) * 2
    # without the parameter that drives rx alone
    only = d.gradient_variance(circuit, both, parameters=[1], num_samples=10, seed=0)
    assert only.shot_noise.num_circuits == (2 + 2 + 4) * 2


def test_a_loss_takes_twice_the_shots_of_a_derivative_of_the_same_variance():
    """One Pauli on a plateau: the loss is read with 1/S, a derivative with 1/(2S)."""
    deep = d.second_moments(HardwareEfficientAnsatz(reps=20), SparsePauliOp("IIIIIZ"), num_qubits=6, seed=0)
    assert deep.shots_for_loss() == math.ceil((1 - deep.loss_second_moment.value) / deep.loss_variance.value)
    assert_allclose(deep.shot_noise.derivatives, (1 - deep.loss_second_moment.value) / 2, rtol=1e-12)


@pytest.mark.parametrize("several", [False, True])
def test_walks_bounds_and_states_agree(several):
    """Terms that share a group and a constant, so that E⟨Q_iQ_j⟩ and E⟨G⟩² are not 0."""
    circuit = layered_circuit(4, 1)
    circuit.cx(2, 3)
    observable = SparsePauliOp(["IIIZ", "ZIIZ", "IXXI"], [1.0, 0.7, -0.4]) if several else SparsePauliOp("IIZZ")
    start = GaussianDistribution(2)
    walks = d.second_moments(circuit, observable, distribution=start, num_walks=20_000, seed=0)
    bounds = d.second_moment_bounds(circuit, observable, distribution=start)
    states = d.gradient_variance(circuit, observable, distribution=start, num_samples=4000, seed=0)
    # the relative scatter of one shot's variance over the starts is below 1, so its error is below 1/√4000
    assert_allclose(walks.shot_noise.loss, states.shot_noise.loss, rtol=5 / np.sqrt(4000))
    assert_allclose(bounds.single_shot_upper, bounds.single_shot_lower, rtol=1e-12)
    assert_allclose(bounds.single_shot_upper, states.shot_noise.loss, rtol=5 / np.sqrt(4000))
    assert walks.shot_noise.derivatives_at_most
    assert np.all(walks.shot_noise.derivatives >= states.shot_noise.derivatives * (1 - 5 / np.sqrt(4000)))
    assert walks.shot_noise.num_circuits == states.shot_noise.num_circuits
    assert "at most" in walks.summary()
    uniform = d.second_moments(circuit, observable, num_walks=20_000, seed=0)
    sampled = d.gradient_variance(circuit, observable, num_samples=4000, seed=0)
    assert not uniform.shot_noise.derivatives_at_most
    assert_allclose(uniform.shot_noise.derivatives, sampled.shot_noise.derivatives, rtol=5 / np.sqrt(4000))


def test_a_chain_is_priced_as_its_walks_are():
    circuit = layered_circuit(5, 2)
    one = d.chain_second_moment(circuit, 3 * SparsePauliOp("IIZII"))
    exact = d.second_moment_bounds(circuit, 3 * SparsePauliOp("IIZII"))
    assert one.shots_for_loss() == exact.most_shots == exact.fewest_shots
    assert_allclose(10**one.log10_single_shot_variance, exact.single_shot_upper, rtol=1e-10)


def test_a_chain_knows_the_constant_of_its_observable():
    circuit = layered_circuit(4, 1)
    start = GaussianDistribution(1)
    bare, raised = (
        d.chain_second_moment(circuit, SparsePauliOp(["IIZI", "IIII"], [1.0, c]), distribution=start)
        for c in (0.0, 2.0)
    )
    assert raised.loss_mean == pytest.approx(bare.loss_mean + 2)
    assert raised.log10_variance == pytest.approx(bare.log10_variance, abs=1e-12)
    square = 10**bare.log10_second_moment.value
    assert 10**raised.log10_second_moment.value == pytest.approx(square + 4 * bare.loss_mean + 4)


def test_projectors_and_diagonals_are_one_circuit():
    """A probability p is read with p(1-p)/S; a diagonal with the variance of its values."""
    projector = d.gradient_variance(product_circuit(3), d.global_projector, num_samples=30, seed=0)
    p = projector.losses
    assert_allclose(projector.shot_noise.loss, np.mean(p * (1 - p)), rtol=1e-12)
    diagonal = np.arange(8.0)
    found = d.gradient_variance(product_circuit(3), diagonal, num_samples=30, seed=0)
    values = np.random.default_rng(0).uniform(0, 2 * np.pi, (30, 3))
    one = np.sin(values) ** 2 / 4 * 4.0 ** np.arange(3)
    assert_allclose(found.shot_noise.loss, np.mean(one.sum(axis=1)), rtol=1e-12)
    assert (found.shot_noise.num_groups, found.shot_noise.num_circuits) == (1, 6)


def test_squares_that_cannot_be_followed_are_bounded_and_said():
    ansatz = HamiltonianVariationalAnsatz("tfim", reps=2)
    exact = d.gradient_variance(ansatz, d.averaged_local_observable, num_qubits=6, num_samples=30, seed=0)
    problem = pose(ansatz, d.averaged_local_observable, num_qubits=6)
    values = problem.sample(30, np.random.default_rng(0))
    enough = PauliPropagation(problem.circuit, problem.observable).num_strings  # of the groups, not of their squares
    few = sampled_noise(problem, values, connect(), max_strings=enough)
    assert few.loss_at_most
    assert few.derivatives_at_most
    assert few.loss >= exact.shot_noise.loss
    assert few.loss_words(0.1)[0].startswith("at most")


def test_a_trend_of_the_noise_is_continued_by_a_power_or_an_exponential():
    widths = [4, 6, 8, 10]
    assert noise_at(40, widths, [1 / n for n in widths]) == pytest.approx(1 / 40)
    assert noise_at(20, widths, [2.0**-n for n in widths]) == pytest.approx(2.0**-20)
    assert noise_at(20, widths, [0.7] * 4) == pytest.approx(0.7)
    assert noise_at(8, widths, [1 / n for n in widths]) == pytest.approx(1 / 8)
    assert noise_at(8, [3], [0.2]) == pytest.approx(0.2)
    assert noise_at(40, widths, [1 - 2.0**-n for n in widths]) == pytest.approx(1.0, rel=0.02)  # never beyond 1


def test_shots_are_whole_and_forgive_rounding():
    assert shots_needed(1.0, 0.25) == 4
    assert shots_needed(1.0 + 1e-12, 0.25) == 4
    assert shots_needed(1.01, 0.25) == 5
    assert shots_needed(1.0, 0.25, 10) == 40
    assert shots_needed(0.0, 0.25) == 1
    assert math.isinf(shots_needed(1.0, 0.0))
    assert math.isinf(shots_needed(1.0, math.nan))


def test_groups_do_not_depend_on_the_unit():
    operator = SparsePauliOp(["XX", "YY", "ZI", "IZ", "II"], [1, 1, 1, 1, 5])
    for scale in (1e-12, 1.0, -1e9):
        assert [len(group) for group in measured_groups(scale * operator, 2)] == [
            len(group) for group in measured_groups(operator, 2)
        ]
    assert measured_groups(SparsePauliOp("II"), 2) == []
    assert len(measured_groups(Pauli("XZ"), 2)) == 1


class _Spy:
    """An estimator that notes what it was asked for."""

    def __init__(self, estimator):
        self.estimator, self.precisions = estimator, []

    def run(self, pubs):
        self.precisions += [pub.precision for pub in pubs]
        return self.estimator.run(pubs)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_readings_with_shots_have_the_noise_of_shots_whatever_the_unit(scale):
    observable = scale * SparsePauliOp(["ZZI", "IXX", "IZZ"], [1.0, -0.5, 0.3])
    problem = pose(layered_circuit(3, 2), observable, parameters=[0])
    values = np.repeat(problem.sample(1, np.random.default_rng(1)), 3000, axis=0)
    shots = 64
    noise = sampled_noise(problem, values, connect())
    losses, slopes = loss_and_gradient_halves(
        problem, values, connect("exact", shots=shots, seed=2), shots, single_shot_variance=noise.loss
    )
    # half of the shots each: σ²/(S/2); the error of a variance of 6,000 values is 1.8 %
    assert_allclose(losses.var(), 2 * noise.loss / shots, rtol=5 * 0.018)
    assert_allclose(slopes.var(), noise.loss / shots, rtol=5 * 0.018)


def test_a_device_is_asked_for_half_of_the_shots_of_every_circuit(monkeypatch):
    connection = connect("fake_manila", shots=100, seed=1)
    assert not connection.estimator_draws_normal_noise
    spy = _Spy(connection.estimator)
    monkeypatch.setattr(type(connection), "_estimator_for", lambda self, seed: spy)
    d.gradient_variance(product_circuit(2), 1000 * SparsePauliOp(["ZZ", "XX"]), connection=connection, num_samples=4)
    assert [math.ceil(precision**-2) for precision in spy.precisions] == [50]


SMALL = {"num_samples": 16, "seed": 0}
NOISE = NoiseModel()
NOISE.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx", "cz"])
ANSATZ = HardwareEfficientAnsatz(reps=1)
MANILA = connect("fake_manila", seed=1)


def _family(num_qubits: int) -> SparsePauliOp:
    """Terms of two groups."""
    terms = [("Z", [0], 1.0), ("ZZ", [0, 1], 0.7), ("X", [1], 0.3)]
    return SparsePauliOp.from_sparse_list(terms, num_qubits)


def _z(num_qubits: int) -> SparsePauliOp:
    return SparsePauliOp.from_sparse_list([("Z", [1], 1.0)], num_qubits)


def _everywhere(num_qubits: int) -> SparsePauliOp:
    """Z on all qubits: the variance falls exponentially, so that there is a price to extrapolate."""
    return SparsePauliOp("Z" * num_qubits)


PRICED = {
    "gradient_variance": (_family, lambda o: d.gradient_variance(ANSATZ, o, num_qubits=3, **SMALL)),
    "gradient_variance with shots": (
        _family,
        lambda o: d.gradient_variance(ANSATZ, o, num_qubits=3, shots=200, **SMALL),
    ),
    "gradient_variance by strings": (
        _family,
        lambda o: d.gradient_variance(QAOAAnsatz(reps=1), o, num_qubits=3, method="propagation", **SMALL),
    ),
    "second_moments": (_family, lambda o: d.second_moments(ANSATZ, o, num_qubits=4, num_walks=640, seed=0)),
    "second_moment_bounds": (_family, lambda o: d.second_moment_bounds(ANSATZ, o, num_qubits=5, max_strings=4)),
    "chain_second_moment": (_z, lambda o: d.chain_second_moment(ANSATZ, o, num_qubits=4)),
    "scaling_study": (
        _everywhere,
        lambda o: d.scaling_study(product_circuit, o, widths=range(2, 12), extrapolate_to=20, method="walks", seed=0),
    ),
    "scaling_study of the gradient": (
        _everywhere,
        lambda o: d.scaling_study(
            product_circuit, o, widths=range(2, 12), quantity="gradient", extrapolate_to=20, method="walks", seed=0
        ),
    ),
    "plateau_causes": (_family, lambda o: d.plateau_causes(ANSATZ, o, num_qubits=3, noise=NOISE, **SMALL)),
    "compare_initializations": (_family, lambda o: d.compare_initializations(ANSATZ, o, num_qubits=3, **SMALL)),
    "noise_induced_plateau": (
        _family,
        lambda o: d.noise_induced_plateau(ANSATZ, o, NOISE, num_qubits=3, depths=[1, 3], **SMALL),
    ),
    "diagnose a circuit": (
        _family,
        lambda o: d.diagnose(ANSATZ.build(3), observable=o(3), noise=NOISE, connection=MANILA, num_samples=16),
    ),
    "diagnose a wide ansatz": (_family, lambda o: d.diagnose(layered_circuit(14, 2), observable=o(14))),
}


def priced_text(result) -> tuple[list[str], dict]:
    """All that has no unit: prices, verdicts, gains, and how findings are marked."""
    lines = [line for line in result.summary().splitlines() if re.search(r"shot|×|factor|layers", line, re.IGNORECASE)]
    # a variance stands beside a price in these rows, and "mean loss" beside a gain
    lines = [re.sub(r"(Var C|E‖∇C‖²|√Var =|mean loss|Σ Var ∂C).*", "", line) for line in lines if "Var C =" not in line]
    data = {
        "verdict": getattr(result, "verdict", None),
        "levels": [finding.level for finding in getattr(result, "findings", ())],
        "price": getattr(result, "price", None),
        # the mean loss beside a gain has a unit
        "advice": [re.sub(r"mean loss there.*?, before [\d.e± -]+", "", one) for one in result.advice]
        if isinstance(result, d.Diagnosis)
        else None,
    }
    lines = [re.sub(r"^( *At \d+ qubits +)\d\S+", r"\1", line) for line in lines]  # an extrapolated variance
    lines = [re.sub(r"falls from \S+ \[.*?\] at (\d+) qubits to \S+ \[.*?\]", r"falls from \1", line) for line in lines]
    lines = [re.sub(r"the mean loss there is.*", "", line) for line in lines]
    return [re.sub(r"  +", " ", line) for line in lines], data


@pytest.mark.parametrize("name", PRICED)
@pytest.mark.parametrize(("scale", "constant"), [(1e-10, 0.0), (-1e3, 7.0)])
def test_no_price_and_no_verdict_changes_with_the_unit_or_a_constant(name, scale, constant):
    family, diagnose = PRICED[name]

    def changed(num_qubits):
        identity = SparsePauliOp("I" * num_qubits, [constant])
        return scale * family(num_qubits) + identity if constant else scale * family(num_qubits)

    if scale < 0 and "with shots" in name:
        scale = -scale  # the same noise does not change its sign with the loss
    first, second = priced_text(diagnose(family)), priced_text(diagnose(changed))
    assert first == second
    assert first[0]
    if "scaling" in name:
        assert any("At 20 qubits" in line and "shots" in line for line in first[0])


def test_a_wide_circuit_on_a_device_is_bounded_where_neither_states_nor_strings_reach():
    """A deep circuit on 16 qubits: what its noise is at most, is known without running it."""
    observable = SparsePauliOp.from_sparse_list([("Z", [0], 1.0), ("Z", [1], 0.5), ("X", [0], 2.0)], 16)
    problem = pose(layered_circuit(16, 8), observable)
    values = problem.sample(4, np.random.default_rng(0))
    found = sampled_noise(problem, values, connect(), max_strings=500)
    assert found.loss_at_most
    assert found.loss == pytest.approx(1.5**2 + 2.0**2)


def test_noise_under_noise_is_that_of_the_states_where_there_is_none():
    """An empty noise model: one shot at the deepest circuit says what it says of pure states."""
    observable = SparsePauliOp.sum(HEISENBERG) + SparsePauliOp("III")
    found = d.noise_induced_plateau(
        HardwareEfficientAnsatz(), observable, NoiseModel(), num_qubits=3, depths=[1, 2], num_samples=10, seed=4
    )
    rng = np.random.default_rng(4)
    rng_values = [pose(HardwareEfficientAnsatz(reps=k), observable, num_qubits=3).sample(10, rng) for k in (1, 2)]
    circuit = HardwareEfficientAnsatz(reps=2).build(3)
    states = [Statevector(circuit.assign_parameters(row)) for row in rng_values[1]]
    assert found.single_shot_variance == pytest.approx(np.mean([single_shot(state, HEISENBERG) for state in states]))
    assert found.num_groups == 3
    assert found.mixed_value == 1.0


def test_noise_under_noise_grows_to_that_of_the_mixed_state():
    strong = NoiseModel()
    strong.add_all_qubit_quantum_error(depolarizing_error(0.9, 2), ["cx", "cz"])
    observable = 2 * SparsePauliOp("IZI") + SparsePauliOp("ZII")
    found = d.noise_induced_plateau(
        HardwareEfficientAnsatz(), observable, strong, num_qubits=3, depths=[4, 8], num_samples=8, seed=0
    )
    assert found.single_shot_variance == pytest.approx(2.0**2 + 1, rel=1e-3)  # Σ c² of one group


def test_a_loss_that_a_symmetry_keeps_is_not_called_unseen():
    constant = d.diagnose(product_circuit(2), observable=SparsePauliOp("XI"), num_samples=8)
    assert "does not see what the parameters do" in constant.findings[0].sentence
    unseen = QuantumCircuit(2)
    unseen.ry(Parameter("a"), 0)
    report = d.diagnose(unseen, observable=SparsePauliOp("ZI"), num_samples=8)
    assert "does not see what the parameters do" in report.findings[0].sentence
    assert not report.price
