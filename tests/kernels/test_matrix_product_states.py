"""Fidelities of matrix-product states: against states where these fit, against closed forms where they do not."""

import pickle
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Statevector, random_unitary
from sklearn.base import clone

from qiskit_qml_ext.circuits import AngleFeatureMap, IQPFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import StateTooLargeError
from qiskit_qml_ext.kernels import FidelityKernel, MatrixProductStates
from qiskit_qml_ext.kernels.methods.bond_growth import bond_growth
from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.program import lower, unitary_part

RNG = np.random.default_rng(7)


def of_states(circuit, X, Y=None):
    """Fidelities by Qiskit's own states."""
    x, y = ([Statevector(circuit.assign_parameters(row)).data for row in rows] for rows in (X, X if Y is None else Y))
    return np.abs(np.array(x) @ np.array(y).conj().T) ** 2


def ising_chain(num_qubits):
    """One layer of Hadamard gates, Z rotations and ZZ rotations of neighbours: its overlaps have a transfer matrix."""
    x = ParameterVector("x", num_qubits)
    circuit = QuantumCircuit(num_qubits)
    circuit.h(range(num_qubits))
    for qubit in range(num_qubits):
        circuit.rz(x[qubit], qubit)
    for qubit in range(num_qubits - 1):
        circuit.rzz(x[qubit] * x[qubit + 1], qubit, qubit + 1)
    return circuit


def ising_fidelity(x, y):
    """|2⁻ⁿ Σ_z exp(-i/2 Σ a_q z_q - i/2 Σ b_q z_q z_(q+1))|², z = ±1, as a product of 2×2 matrices."""
    z = np.array([1.0, -1.0])
    a, b = x - y, x[:-1] * x[1:] - y[:-1] * y[1:]
    carried = np.exp(-0.5j * a[0] * z) / 2
    for one, pair in zip(a[1:], b, strict=True):
        carried = (carried @ np.exp(-0.5j * pair * np.outer(z, z))) * np.exp(-0.5j * one * z) / 2
    return abs(carried.sum()) ** 2


def awkward_circuit():
    """Gates far apart, on three qubits, dense ones, a prepared state, and a swap."""
    x = ParameterVector("x", 4)
    circuit = QuantumCircuit(6)
    circuit.initialize(np.array([3, 0, 0, 4]) / 5, [0, 3])
    circuit.unitary(random_unitary(4, seed=1), [5, 1])
    circuit.unitary(random_unitary(8, seed=2), [2, 4, 0])
    for qubit in range(6):
        circuit.ry(x[qubit % 4] + 0.3 * qubit, qubit)
    circuit.rxx(x[0], 0, 5)
    circuit.rzx(x[1], 4, 1)
    circuit.ccx(0, 2, 4)
    circuit.swap(1, 5)
    circuit.cp(x[2] * x[3], 3, 0)
    circuit.rzz(x[3], 2, 5)
    circuit.sxdg(3)
    return circuit


@pytest.mark.parametrize(
    "circuit",
    [ising_chain(5), awkward_circuit(), ZZFeatureMap(reps=2).build(4), IQPFeatureMap(reps=3).build(4)],
    ids=["chain", "awkward", "ZZ", "IQP"],
)
def test_fidelities_agree_with_qiskits_states(circuit):
    X, Y = RNG.uniform(-2, 2, (5, circuit.num_parameters)), RNG.uniform(-2, 2, (3, circuit.num_parameters))
    kernel = FidelityKernel(circuit, method="mps")
    if circuit.num_qubits == 6:
        circuit = unitary_part(circuit).decompose(["initialize"])
    for columns in (None, Y):
        estimate = kernel.evaluate_with_errors(X, columns)
        assert_allclose(estimate.matrix, of_states(circuit, X, columns), atol=1e-8)
        assert np.all(np.abs(estimate.matrix - of_states(circuit, X, columns)) <= estimate.truncation_errors + 1e-14)
        assert estimate.shots is None
        assert estimate.standard_errors.max() == 0


@pytest.mark.slow
def test_a_shallow_linear_map_on_20_qubits_agrees_with_states():
    X = RNG.uniform(-1, 1, (3, 20))
    feature_map = ZZFeatureMap(reps=2, entanglement="linear")
    exact = FidelityKernel(feature_map, method="exact").evaluate(X)
    assert_allclose(FidelityKernel(feature_map, method="mps").evaluate(X), exact, atol=1e-8)


@pytest.mark.parametrize("num_qubits", [2, 40, 100])
def test_a_chain_agrees_with_its_transfer_matrix(num_qubits):
    X = RNG.uniform(-0.3, 0.3, (4, num_qubits))
    estimate = FidelityKernel(ising_chain(num_qubits), method="mps").evaluate_with_errors(X)
    expected = [[ising_fidelity(x, y) for y in X] for x in X]
    assert_allclose(estimate.matrix, expected, rtol=1e-7, atol=1e-12)
    assert np.all(np.abs(estimate.matrix - expected) <= estimate.truncation_errors + 1e-12)
    assert np.min(expected) < 0.95, "the entries say something"


def test_factors_that_do_not_interact_are_multiplied():
    """A product of 100 qubits and one of two chains."""
    X = RNG.uniform(-0.3, 0.3, (4, 100))
    product = FidelityKernel(AngleFeatureMap(), method="mps").evaluate(X)
    assert_allclose(product, np.prod(np.cos((X[:, None] - X[None]) / 2) ** 2, axis=-1), rtol=1e-10)
    x = ParameterVector("x", 6)
    both = QuantumCircuit(7)
    both.compose(ising_chain(3).assign_parameters(x[:3]), [0, 1, 2], inplace=True)
    both.compose(ising_chain(3).assign_parameters(x[3:]), [4, 5, 6], inplace=True)
    values = FidelityKernel(both, method="mps").evaluate(X[:, :6])
    one = FidelityKernel(ising_chain(3))
    assert_allclose(values, one.evaluate(X[:, :3]) * one.evaluate(X[:, 3:6]), atol=1e-8)


@pytest.mark.parametrize("max_bond", [2, 3, 4, 6])
@pytest.mark.parametrize("reps", [2, 4])
def test_truncation_moves_no_entry_further_than_it_says(max_bond, reps):
    X = RNG.uniform(-0.4, 0.4, (6, 8))
    feature_map = ZZFeatureMap(reps=reps, entanglement="linear")
    exact = FidelityKernel(feature_map).evaluate(X)
    estimate = FidelityKernel(feature_map, method=MatrixProductStates(max_bond=max_bond)).evaluate_with_errors(X)
    errors = np.abs(estimate.matrix - exact)
    assert np.all(errors <= estimate.truncation_errors + 1e-12)
    assert estimate.truncation_errors.max() > 1e-4, "something was truncated, and said"


def test_a_threshold_moves_no_entry_further_than_it_says_and_a_finer_one_less():
    X = RNG.uniform(-0.4, 0.4, (6, 8))
    feature_map = ZZFeatureMap(reps=3, entanglement="linear")
    exact = FidelityKernel(feature_map).evaluate(X)
    stated = []
    for threshold in (1e-3, 1e-5, 1e-8):
        estimate = FidelityKernel(feature_map, method=MatrixProductStates(threshold=threshold)).evaluate_with_errors(X)
        assert np.all(np.abs(estimate.matrix - exact) <= estimate.truncation_errors + 1e-12)
        stated.append(estimate.truncation_errors.max())
    assert stated[0] > stated[1] > stated[2]


def test_truncation_beyond_what_states_can_check_is_stated_too():
    """40 qubits, against bonds that truncate nothing."""
    X = RNG.uniform(-0.2, 0.2, (4, 40))
    feature_map = ZZFeatureMap(reps=3, entanglement="linear")
    fine, coarse = (
        FidelityKernel(feature_map, method=MatrixProductStates(max_bond=bond)).evaluate_with_errors(X)
        for bond in (64, 4)
    )
    assert np.all(np.abs(fine.matrix - coarse.matrix) <= fine.truncation_errors + coarse.truncation_errors)
    assert coarse.truncation_errors.max() > 10 * fine.truncation_errors.max()


def test_other_methods_truncate_nothing():
    X = RNG.uniform(-1, 1, (3, 2))
    assert FidelityKernel(ZZFeatureMap()).evaluate_with_errors(X).truncation_errors is None


def schmidt_ranks(circuit, values):
    state = Statevector(circuit.assign_parameters(values)).data
    number = circuit.num_qubits
    return [np.linalg.matrix_rank(state.reshape(2 ** (number - cut), 2**cut), tol=1e-8) for cut in range(1, number)]


@pytest.mark.parametrize("entanglement", ["linear", "circular", "full"])
@pytest.mark.parametrize("reps", [1, 2])
def test_no_bond_is_wider_than_the_circuit_says(entanglement, reps):
    circuit = ZZFeatureMap(reps=reps, entanglement=entanglement).build(6)
    growth = bond_growth(lower(circuit))
    assert max(schmidt_ranks(circuit, RNG.uniform(-2, 2, 6))) <= growth.widest <= 8
    assert growth.is_local == (entanglement == "linear")


def test_bonds_grow_by_the_ranks_of_operations():
    circuit = QuantumCircuit(6)
    circuit.h(range(6))
    assert bond_growth(lower(circuit)).widest == 1
    circuit.cx(2, 3)
    assert bond_growth(lower(circuit)) == bond_growth(lower(circuit))
    assert bond_growth(lower(circuit)).widest == 2
    circuit.rzz(0.3, 2, 3)
    assert bond_growth(lower(circuit)).widest == 4
    circuit.cx(0, 5)
    assert (bond_growth(lower(circuit)).widest, bond_growth(lower(circuit)).is_local) == (8, False)


def test_auto_takes_it_where_states_do_not_fit_and_the_circuit_is_shallow_and_says_so():
    shallow = FidelityKernel(ZZFeatureMap(reps=1, entanglement="linear"))
    chosen = shallow.chosen_method(100)
    assert chosen.name == "mps"
    assert chosen.reason == (
        "results on 'exact' are exact, a state of 100 qubits does not fit memory, and the circuit is shallow: no bond "
        "gets wider than 4"
    )
    assert shallow.chosen_method(8).name == "exact"
    little = FidelityKernel(ZZFeatureMap(entanglement="linear"), connection=connect(max_memory=10_000))
    assert little.chosen_method(12).name == "mps"
    assert FidelityKernel(ZZFeatureMap(), connection=connect("aer", shots=10)).chosen_method(30).name == "sampled"
    assert FidelityKernel(AngleFeatureMap()).chosen_method(1000).name == "exact", "a product needs no bonds"


def test_a_deep_circuit_that_does_not_fit_is_refused_with_the_way_out():
    deep = FidelityKernel(ZZFeatureMap(entanglement="full"), connection=connect(max_memory=1_000_000))
    assert deep.chosen_method(16).name == "exact"
    with pytest.raises(StateTooLargeError, match="method='mps' if the circuit is shallow"):
        deep.evaluate(np.zeros((2, 16)))


def test_without_aer_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "qiskit_aer", None)
    with pytest.raises(ImportError, match=r"Qiskit Aer, which is not installed. Install qiskit-aer"):
        FidelityKernel(ising_chain(3), method="mps").evaluate(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_bond": 1}, "max_bond must be at least 2"),
        ({"max_bond": 2.5}, "max_bond must be a whole number"),
        ({"threshold": -1}, "threshold must be at least 0"),
        ({"threshold": 1}, "threshold must be .*below 1"),
        ({"threshold": "small"}, "threshold must be a number"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        MatrixProductStates(**settings)


def test_a_method_with_settings_is_cloned_pickled_and_shown():
    kernel = FidelityKernel(ising_chain(3), method=MatrixProductStates(max_bond=8))
    X = RNG.uniform(-1, 1, (3, 3))
    for copy in (clone(kernel), pickle.loads(pickle.dumps(kernel))):
        assert copy.method == MatrixProductStates(max_bond=8)
        assert_allclose(copy.evaluate(X), kernel.evaluate(X), atol=0)
    assert kernel.chosen_method(3).name == "mps"
    assert kernel.with_connection(None).method == "auto"
    with pytest.raises(TypeError, match="method must be one of 'auto'"):
        FidelityKernel(ising_chain(3), method=MatrixProductStates).evaluate(X)


def test_equal_samples_and_a_single_one_have_fidelity_1():
    X = RNG.uniform(-1, 1, (3, 3))[[0, 1, 0]]
    kernel = FidelityKernel(ising_chain(3), method="mps")
    assert kernel.evaluate(X)[0, 2] == pytest.approx(1, abs=1e-12)
    assert kernel.evaluate(X[:1]).tolist() == [[1.0]]
    assert kernel.evaluate(X[:1], X[:1]).tolist() == [[1.0]]
