import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import UnitaryGate, efficient_su2, zz_feature_map
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector, random_unitary

from qiskit_qml_ext.engine import Projector, expectation_jacobian, expectation_vjp, expectations, statevectors
from tests.engine.random_circuits import circuits, sample_values

HYPOTHESIS = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck), derandomize=True)


def random_paulis(num_qubits, terms, seed, weights=None):
    rng = np.random.default_rng(seed)
    labels = ["".join(rng.choice(list("IXYZ"), num_qubits)) for _ in range(terms)]
    return SparsePauliOp(labels, rng.normal(size=terms) if weights is None else weights)


def all_kinds(num_qubits, seed=0):
    rng = np.random.default_rng(seed)
    state = rng.normal(size=2**num_qubits) + 1j * rng.normal(size=2**num_qubits)
    state /= np.linalg.norm(state)
    return [
        random_paulis(num_qubits, 6, seed),
        Pauli("-" + "Y" * num_qubits),
        random_paulis(num_qubits, 1, seed + 1),
        SparsePauliOp.from_list([("Z" + "I" * (num_qubits - 1), 0.5), ("I" * num_qubits, 2.0)]),
        sum(SparsePauliOp.from_sparse_list([("Z", [q], 1.0 + q)], num_qubits) for q in range(num_qubits)),
        rng.normal(size=2**num_qubits),
        Projector(2**num_qubits - 1),
        Projector(state),
    ]


def as_matrix(observable):
    if isinstance(observable, Projector):
        if isinstance(observable.state, int):
            raise AssertionError
        return np.outer(observable.state, observable.state.conj())
    if isinstance(observable, np.ndarray):
        return np.diag(observable)
    return observable.to_matrix()


def matrices(observables, num_qubits):
    basis = np.eye(2**num_qubits, dtype=complex)
    return [
        as_matrix(Projector(basis[o.state]) if isinstance(o, Projector) and isinstance(o.state, int) else o)
        for o in observables
    ]


def dense_expectations(circuit, values, observables):
    states = np.array([Statevector(circuit.assign_parameters(row)).data for row in values])
    dense = matrices(observables, circuit.num_qubits)
    return np.stack([np.einsum("bi,ij,bj->b", states.conj(), matrix, states) for matrix in dense], axis=1)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's own exact exponential
@HYPOTHESIS
@given(circuits(max_qubits=5))
def test_expectations_of_random_circuits_match_dense_matrices(circuit):
    values = sample_values(circuit, 5)
    observables = all_kinds(circuit.num_qubits)
    expected = dense_expectations(circuit, values, observables)
    scale = 10.0  # the weights sum to about 10
    found = expectations(circuit, values, observables)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected.real, rtol=0, atol=1e-12 * scale)
    single = expectations(circuit, values, observables, dtype="complex64")
    np.testing.assert_allclose(single, expected.real, rtol=0, atol=1e-5 * scale)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's own exact exponential
@HYPOTHESIS
@given(circuits(max_qubits=5))
def test_jacobians_of_random_circuits_match_central_differences(circuit):
    values = sample_values(circuit, 3)
    observables = all_kinds(circuit.num_qubits)
    found, jacobian = expectation_jacobian(circuit, values, observables)
    np.testing.assert_array_equal(found, expectations(circuit, values, observables))
    step = 1e-5
    for column in range(circuit.num_parameters):
        shift = step * np.eye(circuit.num_parameters)[column]
        upper = expectations(circuit, values + shift, observables)
        lower = expectations(circuit, values - shift, observables)
        # truncation is step² times a third derivative, which the angle expressions make large at times
        np.testing.assert_allclose(jacobian[:, :, column], (upper - lower) / (2 * step), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
@pytest.mark.parametrize("batch", [1, 8, 19])
def test_vjp_is_the_weighted_sum_of_the_jacobian(batch, dtype):
    circuit = efficient_su2(4, reps=2, entanglement="circular")
    values = np.random.default_rng(1).normal(size=(batch, circuit.num_parameters))
    observables = all_kinds(4)
    found, jacobian = expectation_jacobian(circuit, values, observables, dtype=dtype)
    cotangents = np.random.default_rng(2).normal(size=found.shape)
    again, gradients = expectation_vjp(circuit, values, observables, cotangents, dtype=dtype)
    np.testing.assert_array_equal(again, found)
    atol = 1e-12 if dtype == "complex128" else 1e-4
    np.testing.assert_allclose(gradients, np.einsum("bm,bmp->bp", cotangents, jacobian), rtol=0, atol=10 * atol)


def test_gradients_equal_the_parameter_shift_rule():
    circuit = efficient_su2(3, reps=2)
    values = np.random.default_rng(3).normal(size=(4, circuit.num_parameters))
    observable = random_paulis(3, 4, 5)
    _, jacobian = expectation_jacobian(circuit, values, observable)
    for column in range(circuit.num_parameters):
        shift = np.pi / 2 * np.eye(circuit.num_parameters)[column]
        shifted = dense_expectations(circuit, values + shift, [observable]) - dense_expectations(
            circuit, values - shift, [observable]
        )
        np.testing.assert_allclose(jacobian[:, 0, column], shifted[:, 0].real / 2, rtol=0, atol=1e-12)


def test_gradients_by_features_through_products_of_angles():
    circuit = zz_feature_map(3, 2, entanglement="full")
    values = np.random.default_rng(3).uniform(-1, 1, size=(4, 3))
    observable = random_paulis(3, 5, 6)
    _, jacobian = expectation_jacobian(circuit, values, observable)
    step = 1e-6
    for column in range(3):
        shift = step * np.eye(3)[column]
        difference = expectations(circuit, values + shift, observable) - expectations(
            circuit, values - shift, observable
        )
        np.testing.assert_allclose(jacobian[:, :, column], difference / (2 * step), rtol=1e-6, atol=1e-7)


def test_gradients_through_dense_unitaries_and_initial_states():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(3)
    circuit.initialize([0.6, 0.8j], 1)
    circuit.ry(a, 0)
    circuit.cx(0, 1)
    circuit.s(1)
    circuit.append(UnitaryGate(random_unitary(4, seed=1)), [2, 0])
    circuit.rzx(a * b, 1, 2)
    circuit.swap(0, 2)
    circuit.append(UnitaryGate(random_unitary(4, seed=2)), [1, 0])
    circuit.rx(b, 1)
    values = np.array([[0.3, 0.8], [-1.0, 0.4]])
    observables = all_kinds(3)
    _, jacobian = expectation_jacobian(circuit, values, observables)
    step = 1e-6
    for column in range(2):
        shift = step * np.eye(2)[column]
        difference = expectations(circuit, values + shift, observables) - expectations(
            circuit, values - shift, observables
        )
        np.testing.assert_allclose(jacobian[:, :, column], difference / (2 * step), rtol=1e-6, atol=1e-8)


def test_derivative_of_a_single_rotation_is_minus_sine():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("t"), 0)
    t = np.linspace(-3, 3, 13)[:, None]
    found, jacobian = expectation_jacobian(circuit, t, Pauli("Z"))
    np.testing.assert_allclose(found, np.cos(t), rtol=0, atol=1e-15)
    np.testing.assert_allclose(jacobian[:, 0], -np.sin(t), rtol=0, atol=1e-15)


def test_complex_weights_give_complex_results():
    circuit = efficient_su2(3, reps=1)
    values = np.random.default_rng(3).normal(size=(5, circuit.num_parameters))
    observables = [random_paulis(3, 3, 1), random_paulis(3, 3, 2, weights=[1.0, 2j, 0.5 - 1j])]
    expected = dense_expectations(circuit, values, observables)
    found, jacobian = expectation_jacobian(circuit, values, observables)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(expectations(circuit, values, observables), expected, rtol=0, atol=1e-12)
    cotangents = np.random.default_rng(4).normal(size=found.shape)
    _, gradients = expectation_vjp(circuit, values, observables, cotangents)
    np.testing.assert_allclose(gradients, np.einsum("bm,bmp->bp", cotangents, jacobian), rtol=0, atol=1e-12)
    step = 1e-6
    shift = step * np.eye(circuit.num_parameters)[2]
    difference = dense_expectations(circuit, values + shift, observables) - dense_expectations(
        circuit, values - shift, observables
    )
    np.testing.assert_allclose(jacobian[:, :, 2], difference / (2 * step), rtol=0, atol=1e-8)


def test_projector_on_a_state_is_its_fidelity():
    circuit = zz_feature_map(3)
    values = np.random.default_rng(0).normal(size=(6, 3))
    states = statevectors(circuit, values)
    found = expectations(circuit, values, [Projector(state) for state in states])
    np.testing.assert_allclose(found, np.abs(states.conj() @ states.T) ** 2, rtol=0, atol=1e-12)


def test_parameters_without_influence_have_zero_gradient():
    circuit = QuantumCircuit(2)
    circuit.rz(Parameter("a"), 0)
    circuit.ry(Parameter("b"), 1)
    _, jacobian = expectation_jacobian(circuit, [[0.3, 0.4]], Pauli("IZ"))
    np.testing.assert_allclose(jacobian, 0.0, rtol=0, atol=1e-15)


def test_empty_batches_and_no_observables_give_empty_results():
    circuit = zz_feature_map(3)
    found, jacobian = expectation_jacobian(circuit, np.zeros((0, 3)), [Pauli("ZZZ"), Pauli("XXX")])
    assert found.shape == (0, 2)
    assert jacobian.shape == (0, 2, 3)
    found, gradients = expectation_vjp(circuit, np.zeros((0, 3)), Pauli("ZZZ"), np.zeros((0, 1)))
    assert gradients.shape == (0, 3)
    assert expectations(circuit, np.zeros((4, 3)), []).shape == (4, 0)


def test_zero_observable_gives_zero():
    circuit = zz_feature_map(2)
    zero = SparsePauliOp(["ZZ"], [0.0])
    found, jacobian = expectation_jacobian(circuit, [[0.2, 0.3]], zero)
    np.testing.assert_array_equal(found, [[0.0]])
    np.testing.assert_array_equal(jacobian, np.zeros((1, 1, 2)))
