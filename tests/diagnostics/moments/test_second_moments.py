"""Pauli walks against averages over grids, closed forms, published values, and the circuits that must be refused."""

import itertools
import json
import math
import tracemalloc

import matplotlib as mpl
import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.circuits import (
    GaussianDistribution,
    HardwareEfficientAnsatz,
    IdentityBlockDistribution,
    QAOAAnsatz,
    RandomPauliAnsatz,
    RealAmplitudesAnsatz,
    SimAnsatz,
    UniformDistribution,
)
from qiskit_qml_ext.diagnostics import (
    global_observable,
    global_projector,
    gradient_variance,
    local_observable,
    second_moments,
)
from qiskit_qml_ext.diagnostics.moments.second_moments import mean_gradients
from qiskit_qml_ext.engine import expectation_vjp
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from tests.diagnostics.families import EIGHT_QUBITS, layered_circuit, product_circuit

mpl.use("agg")
SYMMETRIC = UniformDistribution(-1.0, 1.0)


def small_circuit(seed: int, num_qubits: int = 3, angles: int = 6) -> QuantumCircuit:
    """Random Clifford gates and rotations of all kinds, some by fixed Clifford angles."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits)
    circuit.h(0)
    for angle in ParameterVector("θ", angles):
        a, b = (int(q) for q in rng.permutation(num_qubits)[:2])
        getattr(circuit, rng.choice(["s", "h", "sx", "sdg"]))(a)
        getattr(circuit, rng.choice(["cx", "cz", "swap"]))(a, b)
        if rng.random() < 0.5:
            getattr(circuit, rng.choice(["rx", "ry", "rz"]))(angle, b)
        else:
            getattr(circuit, rng.choice(["rxx", "ryy", "rzz", "rzx"]))(angle, a, b)
        circuit.ry(float(rng.choice([np.pi / 2, -np.pi / 2, np.pi])), a)
    return circuit


def exact_moments(circuit: QuantumCircuit, observable, radius: float | None = None):
    """E C, E C² and E(∂C)² by quadrature: three equally spaced angles, or Gauss-Legendre on [-radius, radius]."""
    if radius is None:
        nodes, weights = 2 * np.pi * np.arange(3) / 3, np.full(3, 1 / 3)
    else:
        nodes, weights = np.polynomial.legendre.leggauss(8)
        nodes, weights = radius * nodes, weights / 2
    grid = np.array(list(itertools.product(nodes, repeat=circuit.num_parameters)))
    mass = np.prod(np.array(list(itertools.product(weights, repeat=circuit.num_parameters))), axis=1)
    values, slopes = expectation_vjp(circuit, grid, observable, np.ones((len(grid), 1)))
    return mass @ values[:, 0], mass @ values[:, 0] ** 2, mass @ slopes**2


def check(found, exact, slack: float = 4.0) -> None:
    mean, square, gradients = exact
    assert found.loss_mean == pytest.approx(mean, abs=1e-12)
    error = max(found.loss_second_moment.standard_error, 1e-12)
    assert abs(found.loss_second_moment.value - square) < slack * error + 1e-10
    assert abs(found.loss_variance.value - (square - mean**2)) < slack * error + 1e-10
    np.testing.assert_array_less(
        np.abs(found.gradient_second_moments - gradients), slack * found.gradient_errors + 1e-9
    )
    total_error = max(found.squared_gradient.standard_error, 1e-12)
    assert abs(found.squared_gradient.value - gradients.sum()) < slack * total_error + 1e-9


@pytest.mark.parametrize("seed", range(8))
def test_uniform_angles_one_pauli(seed):
    circuit = small_circuit(seed)
    label = "".join(np.random.default_rng(seed).choice(list("XYZ"), 3))
    found = second_moments(circuit, Pauli(label), num_walks=20_000, seed=seed)
    check(found, exact_moments(circuit, Pauli(label)))


@pytest.mark.parametrize("seed", range(4))
def test_uniform_angles_several_terms_with_cross_terms(seed):
    circuit = small_circuit(seed, angles=5)
    observable = SparsePauliOp(["ZII", "IZZ", "ZZZ", "XYI", "III"], [0.5, -0.7, 0.3, 1.1, 0.4])
    check(second_moments(circuit, observable, num_walks=20_000, seed=seed), exact_moments(circuit, observable))


@pytest.mark.parametrize("seed", range(4))
def test_symmetric_angles_one_pauli_and_several_terms(seed):
    circuit = small_circuit(seed, angles=4)
    for observable in (Pauli("ZZX"), SparsePauliOp(["ZII", "IZZ", "ZZZ", "XYI"], [0.5, -0.7, 0.3, 1.1])):
        found = second_moments(circuit, observable, distribution=SYMMETRIC, num_walks=20_000, seed=seed)
        check(found, exact_moments(circuit, observable, radius=1.0))


def test_cross_terms_that_survive_are_counted():
    """QAOA-like conserved parity: ZI and IZ are joined by ZZ, which commutes with the only generator RXX."""
    circuit = QuantumCircuit(2)
    circuit.rxx(Parameter("a"), 0, 1)
    found = second_moments(circuit, SparsePauliOp(["ZI", "IZ"]), num_walks=64, seed=0)
    assert found.num_cross_terms == 1
    # C = 2 cos a
    assert found.loss_variance.value == pytest.approx(2.0, abs=0.5)
    check(second_moments(circuit, SparsePauliOp(["ZI", "IZ"]), num_walks=20_000, seed=0), (0.0, 2.0, np.array([2.0])))


@pytest.mark.parametrize("num_qubits", [1, 3, 8])
def test_product_circuit_is_exact_without_any_randomness(num_qubits):
    found = second_moments(product_circuit(num_qubits), global_observable, num_qubits=num_qubits, num_walks=64, seed=0)
    assert found.loss_variance.value == pytest.approx(0.5**num_qubits, rel=1e-12)
    assert found.loss_variance.low == found.loss_variance.high
    np.testing.assert_allclose(found.gradient_second_moments, 0.5**num_qubits, rtol=1e-12)


@pytest.mark.slow
def test_reference_values_at_8_qubits():
    for layers, observable, expected in EIGHT_QUBITS:
        found = second_moments(layered_circuit(8, layers), observable, num_walks=30_000, seed=1)
        error = max(found.loss_variance.standard_error, 1e-12)
        assert abs(found.loss_variance.value - expected) < 4 * error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layers", "expected", "error"),
    [(2, 0.2846, 0.0018), (5, 0.0851, 0.0011), (10, 0.0194, 0.0005), (20, 1.7e-3, 2e-4)],
)
def test_reference_values_at_1000_qubits(layers, expected, error):
    circuit = layered_circuit(1000, layers)
    found = second_moments(circuit, local_observable, num_walks=16_384, seed=2)
    assert abs(found.loss_variance.value - expected) < 4 * math.hypot(error, found.loss_variance.standard_error)


def rx_ry_layers(num_qubits: int, layers: int) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits)
    angles = iter(ParameterVector("θ", 2 * num_qubits * layers))
    for _ in range(layers):
        for qubit in range(num_qubits):
            circuit.rx(next(angles), qubit)
            circuit.ry(next(angles), qubit)
        for qubit in range(num_qubits - 1):
            circuit.cz(qubit, qubit + 1)
    return circuit


def test_small_gaussian_angles_keep_the_gradient_at_100_qubits_and_40_layers():
    """Zhang et al. with γ² = 1/(4S(L+2)), S = 1: the summed squared gradient stays, uniform angles lose it."""
    circuit = rx_ry_layers(100, 40)
    gaussian = GaussianDistribution(std=math.sqrt(1 / (4 * 42)))
    found = second_moments(circuit, local_observable, distribution=gaussian, num_walks=20_000, seed=3)
    assert abs(found.squared_gradient.value - 10.06) < 4 * math.hypot(0.41, found.squared_gradient.standard_error)
    flat = second_moments(circuit, local_observable, num_walks=1024, seed=3)
    assert flat.squared_gradient.value < 0.05


def test_gaussian_angles_agree_with_states():
    circuit = rx_ry_layers(5, 6)
    gaussian = GaussianDistribution(num_layers=12)
    walks = second_moments(circuit, local_observable, distribution=gaussian, num_walks=20_000, seed=1)
    states = gradient_variance(circuit, local_observable, distribution=gaussian, num_samples=3000, seed=1)
    for one, other in (
        (walks.squared_gradient, states.squared_gradient),
        (walks.loss_variance, states.loss_variance),
    ):
        assert abs(one.value - other.value) < 4 * math.hypot(one.standard_error, other.standard_error)
    assert states.loss_mean.contains(walks.loss_mean)


def test_product_start_by_fixed_angles():
    """The circuits of McClean et al. start with RY(π/4), which is no Clifford gate but prepares a product state."""
    circuit = RandomPauliAnsatz(reps=2, seed=1).build(3)
    check(second_moments(circuit, Pauli("IZZ"), num_walks=40_000, seed=0), exact_moments(circuit, Pauli("IZZ")))


def test_depolarising_noise_multiplies_by_its_square():
    circuit = QuantumCircuit(1)
    a, b = ParameterVector("a", 2)
    circuit.ry(a, 0)
    circuit.ry(b, 0)
    clean = second_moments(circuit, Pauli("Z"), num_walks=64, seed=0)
    noisy = second_moments(circuit, Pauli("Z"), num_walks=64, depolarizing=(0.1, 0.0), seed=0)
    assert noisy.loss_variance.value == pytest.approx(clean.loss_variance.value * 0.9**4)
    two = QuantumCircuit(2)
    two.rxx(Parameter("c"), 0, 1)
    two.rzz(Parameter("d"), 0, 1)
    noisy = second_moments(two, Pauli("ZI"), num_walks=640, depolarizing=(0.0, 0.2), seed=0)
    clean = second_moments(two, Pauli("ZI"), num_walks=640, seed=0)
    assert noisy.loss_variance.value == pytest.approx(clean.loss_variance.value * 0.8**4)


def never_hit() -> tuple[QuantumCircuit, SparsePauliOp]:
    """Weights of 2⁻³⁰ that are walked through, since the observable has two terms."""
    circuit = QuantumCircuit(30)
    for qubit, angle in enumerate(ParameterVector("θ", 30)):
        circuit.rx(angle, qubit)
    circuit.cx(0, 1)
    for qubit, angle in enumerate(ParameterVector("w", 30)):
        circuit.rz(angle, qubit)
    return circuit, SparsePauliOp(["Z" * 30, "X" * 30])


def test_no_hit_gives_the_rule_of_three():
    found = second_moments(*never_hit(), num_walks=640, seed=0)
    assert found.num_hits == 0
    assert found.loss_variance.value == 0
    assert found.loss_variance.high == pytest.approx(math.sqrt(2) * 3 / 640, rel=0.01)
    assert "no walk contributed" in found.headline()


def test_a_few_rare_walks_are_not_trusted():
    """At 60 qubits the deep limit is 2⁻⁶⁰; most of it is carried by walks that 640 do not contain."""
    found = second_moments(layered_circuit(60, 30), global_observable, num_walks=640, seed=0)
    assert found.loss_variance.contains(2.0**-60)
    assert found.loss_variance.high >= 2.99 / 640


def rare_product() -> tuple[QuantumCircuit, SparsePauliOp, np.ndarray]:
    """C = Z_0 + Π sin θ_q on 4 qubits: with s = E sin² θ and c = E cos² θ, E (∂_kC)² = s³c, and s more for k = 0."""
    circuit = QuantumCircuit(4)
    for qubit in range(3):
        circuit.cz(qubit, qubit + 1)
    for qubit, angle in enumerate(ParameterVector("θ", 4)):
        circuit.ry(angle, qubit)
    c = (1 + math.exp(-2 * 0.3**2)) / 2
    right = np.full(4, (1 - c) ** 3 * c)
    right[0] += 1 - c
    return circuit, SparsePauliOp(["IIIZ", "XXXX"]), right


def test_derivatives_that_no_walk_hit_have_an_upper_end():
    circuit, observable, right = rare_product()
    unseen = missed = 0
    for seed in range(20):
        found = second_moments(circuit, observable, distribution=GaussianDistribution(std=0.3), seed=seed)
        low, high = found.gradient_intervals.T
        missed += int(np.sum((right < low) | (high < right)))
        assert np.all(found.gradient_errors > 0)
        assert np.all(high <= 1 * 4)  # |∂C| is at most the sum of the coefficients
        unseen += found.unseen
        if found.unseen:
            (row,) = (meaning for name, _, meaning in found.rows() if name == "Derivatives")
            assert f"{found.unseen} of 4 were hit by no walk: each is at most" in row
    assert unseen > 20
    assert missed <= 10  # of 80, where 4 are expected at the most
    assert "at most" in found.plot().get_legend().get_texts()[0].get_text()
    data = found.to_dict()
    assert np.shape(data["gradient_intervals"]) == (4, 2)


@pytest.mark.slow
@pytest.mark.parametrize("walks", [64, 512, 4096])
def test_intervals_of_single_derivatives_hold(walks):
    """95 % and more, whatever the number of hits: quantiles with one more walk are conservative."""
    circuit, observable, right = rare_product()
    rare = [
        second_moments(circuit, observable, distribution=GaussianDistribution(std=0.3), num_walks=walks, seed=seed)
        for seed in range(150)
    ]
    plain = small_circuit(1, angles=5)
    terms = SparsePauliOp(["ZII", "IZZ", "ZZZ", "XYI"], [0.5, -0.7, 0.3, 1.1])
    exact = exact_moments(plain, terms)[2]
    many = [second_moments(plain, terms, num_walks=walks, seed=seed) for seed in range(150)]
    for runs, truth in ((rare, right), (many, exact)):
        ends = np.array([found.gradient_intervals for found in runs])
        inside = (ends[:, :, 0] <= truth + 1e-12) & (truth <= ends[:, :, 1] + 1e-12)
        # 0.93 - 2.33 √(0.93·0.07/150) = 0.88
        assert np.all(inside.mean(axis=0) >= 0.88), inside.mean(axis=0)


def test_derivatives_outside_of_the_light_cone_are_exactly_zero():
    circuit = layered_circuit(6, 1)
    found = second_moments(circuit, Pauli("IIIIIZ"), num_walks=64, seed=0)
    zero = found.gradient_second_moments == 0
    assert zero.sum() == 11  # all but the RY on qubit 0
    assert np.all(found.gradient_intervals[zero] == 0)
    assert found.unseen == 0


def test_walks_that_are_alike_by_chance_are_not_called_exact():
    """64 walks all stay where a move has the probability 10⁻³: the weight is 1 - 10⁻³ and not 1 ± 0."""
    circuit = QuantumCircuit(2)
    circuit.rxx(Parameter("a"), 0, 1)
    circuit.rzz(Parameter("b"), 0, 1)
    circuit.rxx(Parameter("c"), 0, 1)
    nearly = UniformDistribution(-0.0548, 0.0548)
    exact = exact_moments(circuit, Pauli("IZ"), radius=0.0548)
    for seed in range(5):
        found = second_moments(circuit, Pauli("IZ"), distribution=nearly, num_walks=64, seed=seed)
        assert found.loss_second_moment.low < found.loss_second_moment.high
        assert found.loss_second_moment.contains(exact[1])
        assert np.all(found.gradient_intervals[:, 0] <= exact[2] + 1e-12)
        assert np.all(exact[2] <= found.gradient_intervals[:, 1] + 1e-12)


def test_no_number_is_zero_with_a_standard_error_of_zero_unless_it_is_exact():
    found = second_moments(*never_hit(), num_walks=64, seed=0)
    assert found.num_hits == 0
    for estimate in (found.loss_variance, found.loss_second_moment, found.squared_gradient):
        assert estimate.value == 0
        assert 0 < estimate.standard_error < estimate.high
    assert np.all((found.gradient_errors > 0) | (found.gradient_intervals[:, 1] == 0))


def test_chosen_parameters_are_kept_and_summed():
    circuit = small_circuit(3)
    _, _, gradients = exact_moments(circuit, Pauli("XZY"))
    found = second_moments(circuit, Pauli("XZY"), parameters=[4, 1], num_walks=20_000, seed=3)
    whole = second_moments(circuit, Pauli("XZY"), num_walks=20_000, seed=3)
    np.testing.assert_array_equal(found.gradient_second_moments, whole.gradient_second_moments[[4, 1]])
    assert found.parameters == (whole.parameters[4], whole.parameters[1])
    assert found.squared_gradient.value == pytest.approx(found.gradient_second_moments.sum())
    error = max(found.squared_gradient.standard_error, 1e-12)
    assert abs(found.squared_gradient.value - gradients[[4, 1]].sum()) < 4 * error
    with pytest.raises(ValueError, match="positions from 0 to 5"):
        second_moments(circuit, Pauli("XZY"), parameters=[6])


@pytest.mark.parametrize("seed", range(4))
def test_mean_derivatives_are_exact(seed):
    circuit = small_circuit(seed, angles=4)
    observable = SparsePauliOp(["ZII", "IZZ", "ZZZ", "XYI", "III"], [0.5, -0.7, 0.3, 1.1, 2.0])
    nodes, weights = np.polynomial.legendre.leggauss(8)
    grid = np.array(list(itertools.product(nodes, repeat=4)))
    mass = np.prod(np.array(list(itertools.product(weights / 2, repeat=4))), axis=1)
    _, slopes = expectation_vjp(circuit, grid, observable, np.ones((len(grid), 1)))
    found = mean_gradients(circuit, observable, distribution=SYMMETRIC)
    np.testing.assert_allclose(found, mass @ slopes, atol=1e-12)
    np.testing.assert_allclose(
        mean_gradients(circuit, observable, distribution=SYMMETRIC, parameters=[2]), found[[2]], atol=0
    )
    np.testing.assert_allclose(mean_gradients(circuit, observable), 0, atol=1e-12)
    one = product_circuit(1)
    np.testing.assert_allclose(mean_gradients(one, Pauli("Y"), distribution=SYMMETRIC), -math.sin(1))


def test_memory_does_not_grow_with_walks_times_resamples():
    """131,072 walks used to take 3.3 GB for the intervals; their weights and totals are 2 MB."""
    ansatz = HardwareEfficientAnsatz(reps=2, entangler="cz")
    tracemalloc.start()
    try:
        found = second_moments(ansatz, global_observable, num_qubits=8, num_walks=131_072, seed=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100e6
    few = second_moments(ansatz, global_observable, num_qubits=8, num_walks=8192, seed=2)
    # four times as narrow, within the scatter of quantiles
    ratio = (few.loss_variance.high - few.loss_variance.low) / (found.loss_variance.high - found.loss_variance.low)
    assert 3 < ratio < 5.5


def test_integer_multiples_of_uniform_angles_are_exact_and_others_refused():
    circuit = QuantumCircuit(1)
    circuit.ry(3 * Parameter("a") + np.pi / 7, 0)
    found = second_moments(circuit, Pauli("Z"), seed=0)
    assert found.loss_variance.value == pytest.approx(0.5)
    assert found.gradient_second_moments[0] == pytest.approx(4.5)
    half = QuantumCircuit(1)
    half.ry(0.5 * Parameter("a"), 0)
    found = second_moments(half, Pauli("Z"), seed=0)  # uniform over its period of 4π
    assert found.loss_variance.value == pytest.approx(0.5)
    assert found.gradient_second_moments[0] == pytest.approx(1 / 8)
    with pytest.raises(UnsupportedCircuitError, match="symmetrically about 0"):
        second_moments(half, Pauli("Z"), distribution=UniformDistribution())
    without_period = QuantumCircuit(1)
    without_period.ry(np.sqrt(2) * Parameter("a"), 0)
    with pytest.raises(UnsupportedCircuitError, match="symmetrically about 0"):
        second_moments(without_period, Pauli("Z"))


def shared() -> QuantumCircuit:
    circuit, a = QuantumCircuit(1), Parameter("a")
    circuit.rx(a, 0)
    circuit.rx(a, 0)
    return circuit


def product_of_parameters() -> QuantumCircuit:
    circuit, x = QuantumCircuit(2), ParameterVector("x", 2)
    circuit.h([0, 1])
    circuit.rzz((np.pi - x[0]) * (np.pi - x[1]), 0, 1)
    return circuit


def fixed_angle() -> QuantumCircuit:
    circuit = layered_circuit(2, 1)
    circuit.ry(0.3, 0)
    return circuit


def dense() -> QuantumCircuit:
    circuit = layered_circuit(2, 1)
    circuit.unitary(np.diag([1, 1, 1, np.exp(0.1j)]), [0, 1])
    return circuit


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (shared(), "drives 2 rotations"),
        (SimAnsatz(3).build(2), "drives 2 rotations"),
        (QAOAAnsatz().build(4), "rotations"),
        (product_of_parameters(), "not independent|rotations"),
        (fixed_angle(), "not a Clifford gate"),
        (dense(), "neither Clifford gates nor Pauli rotations"),
    ],
    ids=["shared", "controlled", "qaoa", "product", "fixed", "dense"],
)
def test_circuits_on_which_clifford_averages_are_wrong_are_refused(circuit, message):
    with pytest.raises(UnsupportedCircuitError, match=message):
        second_moments(circuit, local_observable)


def test_other_refusals_are_named():
    circuit = layered_circuit(2, 1)
    with pytest.raises(UnsupportedCircuitError, match="symmetrically about 0"):
        second_moments(circuit, local_observable, distribution=UniformDistribution(0, 1))
    mirrored = IdentityBlockDistribution().mirrored(circuit)
    with pytest.raises(ValueError, match="depend on each other"):
        second_moments(mirrored, local_observable, distribution=IdentityBlockDistribution())
    with pytest.raises(TypeError, match="need a Pauli sum"):
        second_moments(circuit, global_projector)
    with pytest.raises(ValueError, match="multiple of the identity"):
        second_moments(circuit, SparsePauliOp("II"))
    with pytest.raises(ValueError, match="two probabilities"):
        second_moments(circuit, local_observable, depolarizing=(2.0, 0.0))
    with pytest.raises(ValueError, match="single Pauli observables only"):
        second_moments(circuit, SparsePauliOp(["ZI", "IZ"]), depolarizing=(0.1, 0.1))
    with pytest.raises(UnsupportedCircuitError, match="stabiliser state"):
        second_moments(RandomPauliAnsatz(reps=1).build(2), SparsePauliOp(["ZI", "IZ"]))


@pytest.mark.parametrize("ansatz", [HardwareEfficientAnsatz(reps=3), RealAmplitudesAnsatz(), RandomPauliAnsatz(reps=3)])
def test_templates_of_the_library_agree_with_states(ansatz):
    walks = second_moments(ansatz, local_observable, num_qubits=5, num_walks=20_000, seed=0)
    states = gradient_variance(ansatz, local_observable, num_qubits=5, num_samples=2000, seed=0)
    error = math.hypot(walks.loss_variance.standard_error, states.loss_variance.standard_error)
    assert abs(walks.loss_variance.value - states.loss_variance.value) < 4 * error


def test_results_are_plain_data_text_and_pictures():
    found = second_moments(layered_circuit(4, 1), local_observable, num_walks=64, seed=0)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["num_walks"] == 64
    assert "E‖∇C‖²" in found.summary()
    assert found.plot().get_xlabel() == "parameter"
