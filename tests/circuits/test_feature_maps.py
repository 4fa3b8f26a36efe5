"""Feature maps against closed forms, Qiskit's own circuits and dense matrices."""

import itertools
import math

import numpy as np
import pytest
from numpy.polynomial import chebyshev
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import iSwapGate, pauli_feature_map, z_feature_map, zz_feature_map
from qiskit.quantum_info import Operator, Pauli, Statevector, partial_trace
from scipy.linalg import expm
from sklearn.base import clone

from qiskit_qml_ext.circuits import (
    AmplitudeFeatureMap,
    AngleFeatureMap,
    ChebyshevFeatureMap,
    ChebyshevTowerFeatureMap,
    CovariantFeatureMap,
    ExponentialFeatureMap,
    FixedWeightsFeatureMap,
    HardwareEfficientAnsatz,
    HardwareEfficientFeatureMap,
    HeisenbergFeatureMap,
    HighDimFeatureMap,
    IQPFeatureMap,
    MatrixProductFeatureMap,
    PauliFeatureMap,
    QAOAAnsatz,
    QAOAEmbedding,
    RealAmplitudesAnsatz,
    ReuploadingFeatureMap,
    ReuploadingModel,
    TrainableRingFeatureMap,
    ZZFeatureMap,
    data_and_weights,
)
from tests.circuits.catalogue import DEFAULT_MAPS, named_fiducial

EXACT = {"rtol": 0, "atol": 1e-12}


def state(circuit, values):
    return Statevector(circuit.assign_parameters(np.asarray(values, dtype=float))).data


def rotation(axis, angle):
    return expm(-0.5j * angle * Pauli(axis.upper()).to_matrix())


def fidelity(circuit, x, y):
    return abs(np.vdot(state(circuit, x), state(circuit, y))) ** 2


@pytest.mark.parametrize("entanglement", ["full", "linear", "reverse_linear", "circular", "sca"])
def test_zz_map_is_qiskits(entanglement):
    x = np.random.default_rng(0).uniform(0, 2 * np.pi, 4)
    ours = ZZFeatureMap(reps=3, entanglement=entanglement).build(4)
    np.testing.assert_allclose(state(ours, x), state(zz_feature_map(4, 3, entanglement), x), **EXACT)


def test_zz_map_without_entanglement_is_qiskits_z_map():
    x = np.random.default_rng(1).uniform(0, 2 * np.pi, 3)
    ours = ZZFeatureMap(reps=2, entanglement="none").build(3)
    np.testing.assert_allclose(state(ours, x), state(z_feature_map(3, 2), x), **EXACT)


@pytest.mark.parametrize("paulis", [("Z", "ZZ"), ("Z", "YY"), ("X", "YZ", "XXY"), ("Y",)])
@pytest.mark.parametrize("entanglement", ["full", "linear", "sca"])
def test_pauli_map_is_qiskits(paulis, entanglement):
    x = np.random.default_rng(2).uniform(0, 2 * np.pi, 4)
    ours = PauliFeatureMap(paulis, reps=2, entanglement=entanglement, alpha=1.3).build(4)
    theirs = pauli_feature_map(4, 2, entanglement, alpha=1.3, paulis=list(paulis))
    np.testing.assert_allclose(state(ours, x), state(theirs, x), **EXACT)


def test_pauli_map_says_which_features_are_left_out():
    with pytest.raises(ValueError, match=r"leaves features \[0, 1, 2\] of 3 out. Add a single Pauli"):
        PauliFeatureMap(("ZZ",), entanglement="none").build(3)
    with pytest.raises(ValueError, match=r"leaves features \[2\] of 3 out"):
        PauliFeatureMap(("ZZ",), entanglement=[(0, 1)]).build(3)
    assert PauliFeatureMap(("ZZ",), entanglement="linear").build(3).num_parameters == 3
    with pytest.raises(ValueError, match="paulis must be strings of X, Y and Z, but 'ZI' came"):
        PauliFeatureMap(("ZI",)).build(2)
    with pytest.raises(ValueError, match="alpha must be positive"):
        PauliFeatureMap(alpha=-1).build(2)


@pytest.mark.parametrize("num_qubits", [1, 2, 5])
def test_iqp_state_is_the_diagonal_formula(num_qubits):
    x = np.random.default_rng(3).uniform(-np.pi, np.pi, num_qubits)
    signs = 1 - 2 * np.array([[z >> q & 1 for q in range(num_qubits)] for z in range(2**num_qubits)])
    pairs = itertools.combinations(range(num_qubits), 2)
    energy = signs @ x + sum(x[i] * x[j] * signs[:, i] * signs[:, j] for i, j in pairs)
    diagonal = np.exp(-0.5j * energy)
    np.testing.assert_allclose(
        state(IQPFeatureMap(reps=1).build(num_qubits), x), diagonal / 2 ** (num_qubits / 2), **EXACT
    )
    # Twice: the Walsh-Hadamard matrix has the entries (-1)^{|y & z|}/√d.
    walsh = (-1.0) ** np.array([[(y & z).bit_count() for z in range(2**num_qubits)] for y in range(2**num_qubits)])
    expected = diagonal * (walsh @ diagonal) / 2**num_qubits
    np.testing.assert_allclose(state(IQPFeatureMap(reps=2).build(num_qubits), x), expected, **EXACT)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_kernel_of_product_angle_map_is_a_product_of_cosines(axis):
    x, y = np.random.default_rng(4).uniform(0, np.pi, (2, 4))
    circuit = AngleFeatureMap(axis, bandwidth=0.7).build(4)
    assert fidelity(circuit, x, y) == pytest.approx(np.prod(np.cos(0.35 * (x - y)) ** 2), abs=1e-12)


def test_hardware_efficient_map_is_its_formula():
    x = [0.3, -0.8]
    cx = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]])  # control qubit 0, target qubit 1
    layer = cx @ np.kron(*[rotation("z", x[q]) @ rotation("y", x[q]) for q in (1, 0)])
    expected = (layer @ layer)[:, 0]
    np.testing.assert_allclose(state(HardwareEfficientFeatureMap().build(2), x), expected, **EXACT)
    with pytest.raises(ValueError, match="must not begin with z"):
        HardwareEfficientFeatureMap("zy").build(2)
    with pytest.raises(ValueError, match="entangler must be one of 'cx', 'cz', 'ecr', but 'swap' came"):
        HardwareEfficientFeatureMap(entangler="swap").build(2)
    with pytest.raises(ValueError, match="rotations must be one or more of the letters"):
        HardwareEfficientFeatureMap("ab").build(2)


def test_reuploading_map_is_its_formula_on_one_qubit():
    rng = np.random.default_rng(5)
    x, theta = rng.normal(size=4), rng.normal(size=20)
    circuit = ReuploadingFeatureMap(reps=2, register_size=1).build(4)
    product, weights = np.eye(2), iter(theta)
    for _ in range(2):
        for index in range(6):
            angle = next(weights)
            angle += next(weights) * x[index] if index < 4 else 0
            product = rotation("zyz"[index % 3], angle) @ product
    np.testing.assert_allclose(state(circuit, [*x, *theta]), product[:, 0], **EXACT)


def test_trainable_ring_takes_features_in_turn():
    circuit = TrainableRingFeatureMap(reps=3, register_size=2).build(4)
    loaded = [
        instruction.operation.params[0].index for instruction in circuit.data if instruction.operation.name == "rz"
    ]
    assert loaded == [0, 1, 2, 3, 0, 1]
    with pytest.raises(ValueError, match=r"2 layers of 2 qubits load 4 features, not 5. Take reps of at least 3"):
        TrainableRingFeatureMap(reps=2, register_size=2).build(5)


def test_trainable_ring_is_its_formula_on_two_qubits():
    x, (a, b, c) = [0.4, 1.1], [0.2, -0.5, 0.9]
    hadamard = np.array([[1, 1], [1, -1]]) / math.sqrt(2)
    singles = [rotation("y", angle) @ rotation("z", value) @ hadamard for angle, value in zip((a, b), x, strict=True)]
    controlled = np.diag([1, np.exp(-0.5j * c), 1, np.exp(0.5j * c)])  # control qubit 0, target qubit 1
    expected = (controlled @ np.kron(singles[1], singles[0]))[:, 0]
    np.testing.assert_allclose(state(TrainableRingFeatureMap(reps=1).build(2), [*x, a, b, c]), expected, **EXACT)


def test_qaoa_embedding_is_its_formula_on_two_qubits():
    x, (a, b, c) = [0.4, 1.1], [0.2, -0.5, 0.9]
    encoding = np.kron(rotation("x", x[1]), rotation("x", x[0]))
    couplings = np.diag(np.exp(-0.5j * a * np.array([1, -1, -1, 1])))
    fields = np.kron(rotation("y", c), rotation("y", b))
    expected = (encoding @ fields @ couplings @ encoding)[:, 0]
    np.testing.assert_allclose(state(QAOAEmbedding(reps=1).build(2), [*x, a, b, c]), expected, **EXACT)
    with pytest.raises(ValueError, match="register_size must be at least the number of features, 3, but 2 came"):
        QAOAEmbedding(register_size=2).build(3)


@pytest.mark.parametrize("degree", range(1, 9))
def test_chebyshev_amplitudes_are_chebyshev_polynomials(degree):
    circuit = ChebyshevFeatureMap(degree=degree).build(1)
    for x in (-1.0, -0.6, 0.0, 0.3, 1.0):
        amplitude = state(circuit, [x])
        # arccos loses half of the digits at the ends of its domain, but its cosine does not: T_k'(±1) = k² there.
        assert amplitude[0] == pytest.approx(chebyshev.Chebyshev.basis(degree)(x), abs=1e-12)
        z = abs(amplitude[0]) ** 2 - abs(amplitude[1]) ** 2
        assert z == pytest.approx(chebyshev.Chebyshev.basis(2 * degree)(x), abs=1e-12)


def test_chebyshev_tower_has_all_degrees():
    x = [0.35, -0.8]
    circuit = ChebyshevTowerFeatureMap(qubits_per_feature=3, bandwidth=0.5).build(2)
    reduced = Statevector(circuit.assign_parameters(x))
    for qubit in range(6):
        feature, position = divmod(qubit, 3)
        expected = chebyshev.Chebyshev.basis(2 * (position + 1))(0.5 * x[feature])
        assert reduced.expectation_value(Pauli("Z"), [qubit]).real == pytest.approx(expected, abs=1e-12)
    with pytest.raises(ValueError, match="bandwidth must be at most 1"):
        ChebyshevTowerFeatureMap(bandwidth=1.5).build(1)


@pytest.mark.parametrize(("base", "largest"), [(1, 3), (2, 7), (3, 13)])
def test_exponential_map_has_the_declared_frequencies(base, largest):
    circuit = ExponentialFeatureMap(base, qubits_per_feature=3).build(1)
    grid = 2 * np.pi * np.arange(64) / 64
    kernel = [fidelity(circuit, [x], [0.0]) for x in grid]
    spectrum = abs(np.fft.fft(kernel) / 64)
    present = np.flatnonzero(spectrum[:32] > 1e-12)
    assert list(present) == list(range(largest + 1))
    if base == 3:  # every frequency comes from one combination: (1/4)^number of its nonzero digits · (1/2)^others
        np.testing.assert_allclose(spectrum[[13, 1, 0]], [1 / 64, 1 / 16, 1 / 8], **EXACT)


def test_heisenberg_map_is_the_product_formula():
    x, steps, time = np.array([0.3, -0.7]), 3, 0.9
    circuit = HeisenbergFeatureMap(num_trotter_steps=steps, evolution_time=time, seed=4).build(2)
    start = state(HeisenbergFeatureMap(num_trotter_steps=steps, evolution_time=time, seed=4).build(2), [0.0, 0.0])
    bonds = [
        sum(Pauli(p).to_matrix() for p in ("IXX", "IYY", "IZZ")),
        sum(Pauli(p).to_matrix() for p in ("XXI", "YYI", "ZZI")),
    ]
    step = expm(-1j * time / steps * x[1] * bonds[1]) @ expm(-1j * time / steps * x[0] * bonds[0])
    np.testing.assert_allclose(state(circuit, x), np.linalg.matrix_power(step, steps) @ start, **EXACT)


def test_heisenberg_map_starts_from_a_product_of_haar_random_states():
    circuit = HeisenbergFeatureMap(num_trotter_steps=1, seed=9).build(3)
    start = Statevector(circuit.assign_parameters(np.zeros(3)))
    for qubit in range(4):
        others = [other for other in range(4) if other != qubit]
        assert partial_trace(start, others).purity() == pytest.approx(1, abs=1e-12)
    # Haar: ⟨Z⟩ is uniform on [-1, 1]. With 2,000 qubits the s.e. are 0.0129 and, of its square, 0.0067: 5 s.e.
    wide = HeisenbergFeatureMap(num_trotter_steps=1, seed=10).build(1999)
    polar = np.cos([i.operation.params[0] for i in wide.data if i.operation.name == "ry"][:2000])
    assert abs(polar.mean()) < 0.065
    assert abs((polar**2).mean() - 1 / 3) < 0.034


def test_heisenberg_time_defaults_to_a_third_of_the_features():
    explicit = HeisenbergFeatureMap(evolution_time=1.0).build(3)
    np.testing.assert_allclose(state(HeisenbergFeatureMap().build(3), [1, 2, 3]), state(explicit, [1, 2, 3]), **EXACT)
    with pytest.raises(ValueError, match="gives 4 pairs, but 3 features need 3 pairs of 4 qubits"):
        HeisenbergFeatureMap(entanglement="circular").build(3)
    with pytest.raises(ValueError, match="evolution_time must be positive"):
        HeisenbergFeatureMap(evolution_time=0.0).build(3)


def times_stabiliser(x, qubit, num_qubits):
    """Multiply D(x) = ⊗ R_x(b) R_z(a) from the right by X on ``qubit`` and Z on its neighbours in the linear graph."""
    a, b = x.copy().reshape(num_qubits, 2).T
    a[qubit], b[qubit] = -a[qubit], b[qubit] + np.pi
    for neighbour in (qubit - 1, qubit + 1):
        if 0 <= neighbour < num_qubits:
            a[neighbour] += np.pi
    return np.stack([a, b], axis=1).ravel()


def test_covariant_kernel_is_invariant_under_the_stabiliser_group():
    rng = np.random.default_rng(6)
    circuit = CovariantFeatureMap("zx").build(8)
    x, y = rng.uniform(-np.pi, np.pi, (2, 8))
    expected = fidelity(circuit, x, y)
    for chosen in itertools.product([False, True], repeat=4):
        moved = x
        for qubit in np.flatnonzero(chosen):
            moved = times_stabiliser(moved, qubit, 4)
        assert fidelity(circuit, moved, y) == pytest.approx(expected, abs=1e-12)
        assert fidelity(circuit, moved, x) == pytest.approx(1, abs=1e-12)
    outside = x.copy()
    outside[0] += np.pi  # a single Z is not in the group
    assert abs(fidelity(circuit, outside, x)) < 1e-12


def test_covariant_map_takes_a_fiducial_circuit():
    feature_map = named_fiducial()
    circuit = feature_map.build(3)
    assert [p.name for p in circuit.parameters] == ["x[0]", "x[1]", "x[2]", "θ[0]"]
    assert feature_map.num_weights(3) == 1
    assert feature_map.two_qubit_gates(3) == 1
    assert feature_map.without_entanglement().two_qubit_gates(3) == 0
    with pytest.raises(ValueError, match="fiducial has 2 qubits, but the features take 3 qubits"):
        feature_map.build(5)


def test_high_dim_map_fills_column_by_column():
    circuit = HighDimFeatureMap(3).build(11)
    rotations = [
        (i.operation.name, circuit.find_bit(i.qubits[0]).index, i.operation.params[0].index)
        for i in circuit.data
        if i.operation.name in ("rz", "ry")
    ]
    names = ["rz"] * 3 + ["ry"] * 3 + ["rz"] * 3 + ["rz"] * 2
    assert rotations == [(name, index % 3, index) for index, name in enumerate(names)]
    entangling = next(i.operation for i in circuit.data if len(i.qubits) == 2)
    np.testing.assert_allclose(
        Operator(entangling).data @ Operator(entangling).data, Operator(iSwapGate()).data, **EXACT
    )
    with pytest.raises(ValueError, match="must not begin with x"):
        HighDimFeatureMap(rotations="xz").build(2)


@pytest.mark.parametrize(("num_features", "columns"), [(6, 1), (10, 1), (16, 2)])
def test_matrix_product_map_has_bounded_bond_dimension(num_features, columns):
    circuit = MatrixProductFeatureMap(6).build(num_features)
    amplitudes = state(circuit, np.random.default_rng(7).uniform(-1.5, 1.5, num_features))
    for cut in range(1, 6):
        singular = np.linalg.svd(amplitudes.reshape(2 ** (6 - cut), 2**cut), compute_uv=False)
        assert np.count_nonzero(singular > 1e-12) <= 2**columns


@pytest.mark.parametrize("padding", [0.0, 0.7])
@pytest.mark.parametrize("num_features", [1, 2, 3, 5, 8, 13])
def test_amplitude_map_prepares_the_normalised_sample(num_features, padding):
    rng = np.random.default_rng(num_features)
    feature_map = AmplitudeFeatureMap(padding=padding)
    circuit = feature_map.build(num_features)
    samples = rng.normal(size=(8, num_features))
    samples[2:5][rng.random((3, num_features)) < 0.6] = 0.0
    samples[5] = -abs(samples[5])
    samples[6] *= 1e-4
    samples[7] = 0.0
    samples[7, -1] = -1.0
    samples[~samples.any(axis=1), 0] = -2.0
    length = 2 ** feature_map.num_qubits(num_features)
    padded = np.pad(samples, ((0, 0), (0, length - num_features)), constant_values=padding)
    expected = padded / np.linalg.norm(padded, axis=1, keepdims=True)
    np.testing.assert_allclose(feature_map.amplitudes(samples), expected, **EXACT)
    for sample, amplitudes in zip(samples, expected, strict=True):
        np.testing.assert_allclose(state(circuit, sample), amplitudes, **EXACT)


def test_amplitude_map_refuses_samples_without_a_state():
    with pytest.raises(ValueError, match="Sample 1 is zero and has no state"):
        AmplitudeFeatureMap().amplitudes([[1.0, 2.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="samples must be a matrix of finite numbers"):
        AmplitudeFeatureMap().amplitudes([1.0, np.nan])
    with pytest.raises(ValueError, match="padding must be a finite number"):
        AmplitudeFeatureMap(padding=math.nan).build(3)


def test_reuploading_model_interleaves_its_parts():
    model = ReuploadingModel(IQPFeatureMap(reps=1), RealAmplitudesAnsatz(reps=1), reps=2)
    values = np.random.default_rng(8).normal(size=model.num_parameters(3))
    x, theta = values[:3], values[3:].reshape(3, 6)
    expected = QuantumCircuit(3)
    for layer in range(3):
        if layer > 0:
            expected.compose(IQPFeatureMap(reps=1).build(3).assign_parameters(x), inplace=True)
        expected.compose(RealAmplitudesAnsatz(reps=1).build(3).assign_parameters(theta[layer]), inplace=True)
    np.testing.assert_allclose(state(model.build(3), values), Statevector(expected).data, **EXACT)


@pytest.mark.parametrize("reps", [1, 2, 4])
def test_reuploading_model_is_a_fourier_series_of_degree_reps(reps):
    circuit = ReuploadingModel(reps=reps).build(1)
    theta = np.random.default_rng(9).uniform(0, 2 * np.pi, circuit.num_parameters - 1)
    grid = 2 * np.pi * np.arange(32) / 32
    signal = [Statevector(circuit.assign_parameters([x, *theta])).expectation_value(Pauli("Z")).real for x in grid]
    spectrum = abs(np.fft.fft(signal) / 32)[:16]
    assert spectrum[reps] > 1e-3
    assert np.all(spectrum[reps + 1 :] < 1e-12)


def test_reuploading_model_shows_and_sets_its_parts_settings():
    model = ReuploadingModel(ChebyshevFeatureMap(), HardwareEfficientAnsatz())
    assert (model.data_range, model.domain) == (ChebyshevFeatureMap.data_range, (-1.0, 1.0))
    assert (model.bandwidth, model.entanglement) == (1.0, "none")
    model.set_params(feature_map__bandwidth=0.5, ansatz__reps=3)
    assert (model.bandwidth, model.ansatz.reps) == (0.5, 3)
    assert ReuploadingModel().without_entanglement().ansatz.entanglement == "none"
    with pytest.raises(ValueError, match="QAOAAnsatz has no version without entanglement"):
        ReuploadingModel(ansatz=QAOAAnsatz()).without_entanglement()


def test_data_and_weights_of_a_plain_circuit_are_all_data():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    assert data_and_weights(circuit) == (list(circuit.parameters), [])


@pytest.mark.parametrize("trainable", [m for m in DEFAULT_MAPS if m.num_weights(3)], ids=lambda m: m.name)
def test_fixed_weights_leave_a_map_of_data_alone(trainable):
    rng = np.random.default_rng(10)
    weights, x = rng.normal(size=trainable.num_weights(3)), rng.normal(size=3)
    fixed = FixedWeightsFeatureMap(trainable, weights)
    np.testing.assert_allclose(state(fixed.build(3), x), state(trainable.build(3), [*x, *weights]), **EXACT)
    assert (fixed.num_weights(3), fixed.num_parameters(3)) == (0, 3)
    assert fixed.two_qubit_gates(3) == trainable.two_qubit_gates(3)
    assert (fixed.data_range, fixed.domain) == (trainable.data_range, trainable.domain)
    assert clone(fixed) == fixed
    product = fixed.without_entanglement()
    assert (product.two_qubit_gates(3), product.entanglement) == (0, "none")
    assert all(len(instruction.qubits) == 1 for instruction in product.build(3).data)
    assert product.build(3).num_parameters == 3
    with pytest.raises(ValueError, match=r"weights must be \d+ finite numbers for 4 features"):
        fixed.build(4)


def test_a_reuploading_model_with_another_bandwidth_encodes_with_it():
    model = ReuploadingModel(reps=2).with_bandwidth(0.25)
    assert (model.bandwidth, ReuploadingModel(reps=2).bandwidth) == (0.25, 1.0)
    assert model.reps == 2
    other = ReuploadingModel(AngleFeatureMap(bandwidth=0.25), reps=2)
    values = np.random.default_rng(3).normal(size=model.num_parameters(2))
    np.testing.assert_allclose(state(model.build(2), values), state(other.build(2), values), **EXACT)
