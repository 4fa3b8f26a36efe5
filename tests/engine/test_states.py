import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import UnitaryGate, efficient_su2, real_amplitudes, z_feature_map, zz_feature_map
from qiskit.quantum_info import SparsePauliOp, Statevector, random_unitary

from qiskit_qml_ext.engine import expectation_jacobian, expectations, probabilities, reference, statevectors
from qiskit_qml_ext.program import lower
from tests.engine.random_circuits import circuits, sample_values

ATOL = {"complex128": 1e-12, "complex64": 1e-5}  # the engine's contract

HYPOTHESIS = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck), derandomize=True)


def qiskit_states(circuit, values):
    return np.array([Statevector(circuit.assign_parameters(row) if len(row) else circuit).data for row in values])


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's own exact exponential
@pytest.mark.slow
@HYPOTHESIS
@given(circuits())
def test_random_circuits_reproduce_the_statevector(circuit):
    values = sample_values(circuit, 3)
    expected = qiskit_states(circuit, values)
    for dtype, atol in ATOL.items():
        np.testing.assert_allclose(statevectors(circuit, values, dtype=dtype), expected, rtol=0, atol=atol)


@HYPOTHESIS
@given(circuits(max_qubits=5, max_gates=40))
def test_random_circuits_agree_with_the_plain_twin(circuit):
    program = lower(circuit)
    values = sample_values(circuit, 11)
    expected = np.array([reference.statevector(program, row) for row in values])
    np.testing.assert_allclose(statevectors(program, values), expected, rtol=0, atol=1e-12)


NAMED = {
    "zz": zz_feature_map(5, 2, entanglement="full"),
    "zz linear, three repetitions": zz_feature_map(4, 3, entanglement="linear"),
    "z": z_feature_map(4, 2),
    "su2": efficient_su2(5, reps=3, entanglement="circular"),
    "su2 with Hadamards": efficient_su2(4, su2_gates=["h", "rx", "sx", "rz", "s", "ry"], reps=2),
    "real": real_amplitudes(6, reps=2),
    "one qubit": real_amplitudes(1),
}


@pytest.mark.parametrize("dtype", sorted(ATOL))
@pytest.mark.parametrize("batch", [1, 7, 8, 9, 16, 17, 100])
@pytest.mark.parametrize("label", sorted(NAMED))
def test_every_batch_size_gives_the_states_of_qiskit(label, batch, dtype):
    circuit = NAMED[label]
    values = np.random.default_rng(batch).normal(size=(batch, circuit.num_parameters))
    found = statevectors(circuit, values, dtype=dtype)
    assert found.dtype == dtype
    assert found.shape == (batch, 2**circuit.num_qubits)
    assert found.flags.c_contiguous
    checked = [0, batch // 2, batch - 1]
    np.testing.assert_allclose(found[checked], qiskit_states(circuit, values[checked]), rtol=0, atol=ATOL[dtype])


def _interrupted(num_qubits, between):
    """The diagonal of a ZZ map four times, with other gates between some of them."""
    layer = zz_feature_map(num_qubits, 1, entanglement="full")
    circuit = QuantumCircuit(num_qubits)
    for repetition in range(4):
        circuit.compose(layer, inplace=True)
        if repetition % 2 == 0 and between == "dense":
            circuit.append(UnitaryGate(random_unitary(8, seed=4)), [3, 0, 2])
        elif repetition % 2 == 0 and between == "another diagonal":
            circuit.crz(Parameter("t"), 0, 1) if not repetition else circuit.rzz(0.3, 0, 2)
            circuit.h(1)
        else:
            circuit.rx(0.4, 2)
    return circuit


@pytest.mark.parametrize("between", ["nothing that matters", "dense", "another diagonal"])
@pytest.mark.parametrize("num_qubits", [4, 5, 8])
def test_repeated_diagonals_share_their_tables(num_qubits, between):
    circuit = _interrupted(num_qubits, between)
    values = np.random.default_rng(3).normal(size=(9, circuit.num_parameters))
    expected = qiskit_states(circuit, values)
    np.testing.assert_allclose(statevectors(circuit, values), expected, rtol=0, atol=1e-12)
    measured = SparsePauliOp.from_list([("XZ" + "Y" * (num_qubits - 2), 1.0), ("Z" + "I" * (num_qubits - 1), 0.5)])
    found, gradients = expectation_jacobian(circuit, values, measured)
    exact = [Statevector(state).expectation_value(measured).real for state in expected]
    np.testing.assert_allclose(found[:, 0], exact, rtol=0, atol=1e-12)
    step = 1e-5
    for column in range(circuit.num_parameters):
        shift = step * np.eye(circuit.num_parameters)[column]
        up, down = (expectations(circuit, values + sign * shift, measured)[:, 0] for sign in (1, -1))
        # central differences: error of order step² times a third derivative of some hundreds
        np.testing.assert_allclose(gradients[:, 0, column], (up - down) / (2 * step), rtol=0, atol=1e-6)


@pytest.mark.parametrize("reps", [1, 2, 3, 4])
@pytest.mark.parametrize("num_qubits", [3, 4, 5, 6, 9])
def test_feature_maps_with_repetitions(num_qubits, reps):
    circuit = zz_feature_map(num_qubits, reps, entanglement="full")
    values = np.random.default_rng(reps).normal(size=(3, num_qubits))
    np.testing.assert_allclose(statevectors(circuit, values), qiskit_states(circuit, values), rtol=0, atol=1e-12)


def test_dense_unitaries_between_clifford_frames():
    circuit = QuantumCircuit(4)
    t = Parameter("t")
    circuit.h(range(4))
    circuit.cx(0, 3)
    circuit.s(3)
    circuit.append(UnitaryGate(random_unitary(8, seed=4)), [3, 0, 2])
    circuit.ry(t, 1)
    circuit.cz(1, 3)
    circuit.append(UnitaryGate(random_unitary(4, seed=5)), [1, 3])
    circuit.y(0)
    values = np.linspace(-2, 2, 5)[:, None]
    np.testing.assert_allclose(statevectors(circuit, values), qiskit_states(circuit, values), rtol=0, atol=1e-12)


def test_clifford_circuits_without_rotations():
    circuit = QuantumCircuit(3, global_phase=0.4)
    circuit.x(0)
    circuit.y(1)
    circuit.h(2)
    circuit.cx(2, 0)
    circuit.s(0)
    circuit.swap(0, 1)
    circuit.cz(1, 2)
    circuit.sdg(2)
    np.testing.assert_allclose(
        statevectors(circuit, np.zeros((2, 0))), qiskit_states(circuit, np.zeros((2, 0))), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("scale", [1e3, 1e5, 1e8, 1e12])
def test_large_angles_keep_full_accuracy(scale):
    t = Parameter("t")
    circuit = QuantumCircuit(1)
    circuit.rx(t, 0)
    values = scale * np.random.default_rng(1).uniform(-1, 1, (40, 1))
    expected = np.stack([np.cos(values[:, 0] / 2), -1j * np.sin(values[:, 0] / 2)], axis=1)
    np.testing.assert_allclose(statevectors(circuit, values), expected, rtol=0, atol=4e-16)


@pytest.mark.parametrize("qubits", [None, [0], [2, 0], [1, 3, 0], []])
@pytest.mark.parametrize("dtype", sorted(ATOL))
def test_probabilities_follow_the_order_of_the_measured_qubits(qubits, dtype):
    circuit = efficient_su2(4, reps=2)
    circuit.cx(3, 0)
    values = np.random.default_rng(2).normal(size=(9, circuit.num_parameters))
    found = probabilities(circuit, values, qubits=qubits, dtype=dtype)
    expected = [
        Statevector(circuit.assign_parameters(row)).probabilities(qubits) if qubits != [] else [1.0] for row in values
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL[dtype])


def test_empty_batches_give_empty_results():
    circuit = zz_feature_map(3)
    assert statevectors(circuit, np.zeros((0, 3)), dtype="complex64").shape == (0, 8)
    assert probabilities(circuit, np.zeros((0, 3)), qubits=[1]).shape == (0, 2)


def test_read_only_and_strided_values_are_accepted_and_unchanged():
    circuit = zz_feature_map(3)
    base = np.random.default_rng(4).normal(size=(10, 6))
    values = base[::2, ::2]
    values.flags.writeable = False
    before = values.copy()
    np.testing.assert_array_equal(statevectors(circuit, values), statevectors(circuit, before))
    np.testing.assert_array_equal(values, before)


def test_a_new_circuit_compiles_nothing():
    from qiskit_qml_ext.engine.compiled import runners

    statevectors(zz_feature_map(3), np.zeros((1, 3)))
    before = list(runners.run_states.signatures)
    statevectors(efficient_su2(6, reps=2), np.zeros((3, 36)))
    assert runners.run_states.signatures == before
