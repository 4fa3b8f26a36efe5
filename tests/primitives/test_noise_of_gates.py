"""A noise model's errors act on the gates that they are attached to, whatever a transpiler makes of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import RXGate, UnitaryGate, XXPlusYYGate
from qiskit.quantum_info import DensityMatrix, SparsePauliOp, SuperOp, random_unitary
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, amplitude_damping_error, depolarizing_error, pauli_error

from qiskit_qml_ext.diagnostics import kernel_concentration, plateau_causes
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import NoisyLoss, noisy_simulator
from qiskit_qml_ext.exceptions import NoiseWithoutEffectWarning
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect
from tests.primitives.gate_support import gates

OTHERS = ("State", "Evolution", "Hamiltonian", "global", "open", "labelled")
SINGLE = [row for row in gates() if row.name.startswith("`") and not any(word in row.name for word in OTHERS)]


def error_on(width):
    """A channel that is not unital, so that it acts on any state and does not commute with gates."""
    single = amplitude_damping_error(0.2).compose(pauli_error([("X", 0.1), ("I", 0.9)]))
    error = single
    for _ in range(width - 1):
        error = error.tensor(single)
    return error


def noise_on(name, width, error=None):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(error or error_on(width), [name])
    return noise


def circuit_with(gate):
    """The gate twice, between gates that the noise leaves alone: sx and cx stand in every noise model's basis."""
    width = gate.num_qubits
    circuit = QuantumCircuit(max(width, 2))
    circuit.sx(range(circuit.num_qubits))
    circuit.append(gate, range(width))
    circuit.sx(0)
    circuit.cx(0, 1)
    circuit.sx(1)
    circuit.append(gate, range(width))
    circuit.sx(range(circuit.num_qubits))
    return circuit


def oracle(circuit, is_noisy, error, operator, values):
    """Return expectation values with the channel after each noisy gate, from Qiskit's density matrices."""
    channel, found = SuperOp(error), []
    for row in values:
        state = DensityMatrix.from_label("0" * circuit.num_qubits)
        for item in circuit.assign_parameters(row).data:
            qubits = [circuit.find_bit(qubit).index for qubit in item.qubits]
            state = state.evolve(item.operation, qubits)
            if is_noisy(item.operation):
                state = state.evolve(channel, qubits)
        found.append(state.expectation_value(operator).real)
    return np.array(found)


def operator_on(width):
    return SparsePauliOp(["Z" * width, "X" + "Z" * (width - 1), "I" * (width - 1) + "Y"], [0.5, 0.3, 0.4])


@pytest.mark.parametrize("row", SINGLE, ids=lambda row: row.name)
def test_errors_act_on_every_gate_with_parameters(row):
    gate = row.make(list(ParameterVector("x", row.num_parameters)))
    circuit, error = circuit_with(gate), error_on(gate.num_qubits)
    noise = noise_on(gate.name, gate.num_qubits)
    values = np.random.default_rng(3).uniform(0.4, 2.6, (2, row.num_parameters))
    operator = operator_on(circuit.num_qubits)
    right = oracle(circuit, lambda operation: operation.name == gate.name, error, operator, values)
    silent = oracle(circuit, lambda operation: False, error, operator, values)
    assert np.abs(right - silent).max() > 1e-3  # the noise would be missed
    for given in (noise, AerSimulator(noise_model=noise)):
        loss = NoisyLoss(circuit, operator, noisy_simulator(given), seed=1)
        assert_allclose(loss.exact(values), right, atol=1e-9)
    connection = connect("aer", noise_model=noise, method="density_matrix", optimization_level=3, seed=1)
    isa = connection.isa_circuit(circuit)
    names = [parameter.name for parameter in circuit.parameters]
    evs = connection.estimator.run([(isa, operator, {tuple(names): values})], precision=0.0).result()[0].data.evs
    assert_allclose(evs, right, atol=1e-9)


def test_errors_on_a_hamiltonian_with_a_free_time_are_refused_since_other_gates_run():
    (row,) = [row for row in gates() if "Hamiltonian" in row.name]
    circuit = circuit_with(row.make(list(ParameterVector("x", 1))))
    with pytest.raises(ValueError, match="errors on hamiltonian, but the circuit runs"):
        NoisyLoss(circuit, operator_on(circuit.num_qubits), noisy_simulator(noise_on("hamiltonian", 2)), seed=1)
    connection = connect("aer", noise_model=noise_on("hamiltonian", 2), method="density_matrix", seed=1)
    with pytest.warns(NoiseWithoutEffectWarning, match="hamiltonian"):
        connection.isa_circuit(circuit)


@pytest.mark.parametrize("method", ["automatic", "statevector", "matrix_product_state"])
def test_trajectories_of_every_method_see_errors_on_controlled_rotations(method):
    x = ParameterVector("x", 1)
    circuit = QuantumCircuit(2)
    circuit.sx([0, 1])
    circuit.crx(x[0], 0, 1)
    circuit.sx(0)
    circuit.crx(2 * x[0], 0, 1)
    noise, values = noise_on("crx", 2), np.array([[0.8], [2.2]])
    operator = SparsePauliOp("ZZ")
    right = oracle(circuit, lambda operation: operation.name == "crx", error_on(2), operator, values)
    circuit.measure_all()
    connection = connect("aer", noise_model=noise, method=method, shots=8000, seed=5)
    (_, data), *_ = connection.sample(circuit, values)
    parities = 1.0 - 2.0 * (data.meas.bitcount() % 2)
    assert_allclose(parities.mean(axis=-1), right, atol=5 / np.sqrt(8000))  # five standard errors


def noisy_value(circuit, noise, operator, level):
    connection = connect("aer", noise_model=noise, method="density_matrix", optimization_level=level, seed=1)
    return connection.estimator.run([(connection.isa_circuit(circuit), operator)], precision=0.0).result()[0].data.evs


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_optimisation_leaves_gates_with_errors_alone(level):
    """Two gates that cancel, and one that the optimiser would merge with its neighbours, keep their errors."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.h(0)
    circuit.ry(0.3, 1)
    circuit.rz(0.2, 1)
    circuit.h(1)
    circuit.cx(0, 1)
    noise = noise_on("h", 1)
    noise.add_all_qubit_quantum_error(error_on(1), ["ry"])
    right = oracle(circuit, lambda op: op.name in ("h", "ry"), error_on(1), operator_on(2), [[]])
    assert_allclose(noisy_value(circuit, noise, operator_on(2), level), right[0], atol=1e-9)


def test_errors_are_known_by_labels():
    matrix = random_unitary(4, seed=3)
    circuit = QuantumCircuit(2)
    circuit.sx([0, 1])
    circuit.append(UnitaryGate(matrix, label="mine"), [0, 1])
    circuit.append(RXGate(0.4, label="bad"), [0])
    circuit.rx(0.4, 0)
    for name, width in (("mine", 2), ("bad", 1)):
        right = oracle(circuit, lambda op, name=name: op.label == name, error_on(width), operator_on(2), [[]])
        assert_allclose(noisy_value(circuit, noise_on(name, width), operator_on(2), 1), right[0], atol=1e-9)


def test_errors_inside_of_composite_gates_and_blocks_act():
    inside = QuantumCircuit(2)
    inside.sx(0)
    inside.append(XXPlusYYGate(0.7, 0.2), [0, 1])
    circuit = QuantumCircuit(2, 1)
    circuit.append(inside.to_gate(label="wrapped"), [1, 0])
    flat = QuantumCircuit(2)
    flat.compose(inside, [1, 0], inplace=True)
    right = oracle(flat, lambda op: op.name == "xx_plus_yy", error_on(2), operator_on(2), [[]])
    noise = noise_on("xx_plus_yy", 2)
    assert_allclose(noisy_value(circuit, noise, operator_on(2), 1), right[0], atol=1e-9)
    looped = QuantumCircuit(2)
    with looped.for_loop(range(1)):
        looped.append(inside.to_gate(), [1, 0])
    assert_allclose(noisy_value(looped, noise, operator_on(2), 1), right[0], atol=1e-9)


def test_errors_on_some_qubits_act_there_alone():
    circuit = QuantumCircuit(2)
    circuit.sx([0, 1])
    circuit.crz(0.7, 0, 1)
    circuit.crz(0.7, 1, 0)
    circuit.sx([0, 1])
    noise = NoiseModel()
    noise.add_quantum_error(error_on(2), ["crz"], [1, 0])
    state = DensityMatrix.from_label("00")
    for item in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in item.qubits]
        state = state.evolve(item.operation, qubits)
        if qubits == [1, 0]:
            state = state.evolve(SuperOp(error_on(2)), qubits)
    right = state.expectation_value(operator_on(2)).real
    assert_allclose(noisy_value(circuit, noise, operator_on(2), 1), right, atol=1e-9)


def rotations():
    x = ParameterVector("x", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    circuit.rzz(x[2], 0, 1)
    circuit.ry(0.3, 0)
    return circuit


@pytest.mark.parametrize("make", [lambda noise: noise, lambda noise: AerSimulator(noise_model=noise)])
def test_diagnostics_refuse_noise_that_acts_on_no_gate(make):
    noise = make(noise_on("crx", 2))
    with pytest.raises(ValueError, match=r"errors on crx, but the circuit runs .*no gate error acts"):
        plateau_causes(rotations(), SparsePauliOp("ZZ"), noise=noise, num_samples=8, seed=0)
    samples = np.random.default_rng(0).uniform(0, 1, (8, 3))
    with pytest.raises(ValueError, match="errors on crx"):
        kernel_concentration(FidelityKernel(rotations()), samples, noise=noise, num_noise_samples=8, seed=0)


def test_connections_warn_of_noise_that_acts_on_no_gate():
    connection = connect("aer", noise_model=noise_on("crx", 2), seed=1)
    with pytest.warns(NoiseWithoutEffectWarning, match="errors on crx"):
        connection.isa_circuit(rotations())


@pytest.mark.parametrize("gate", ["rzz", "crx"])
def test_noise_of_two_qubits_takes_the_same_from_a_gradient_whatever_the_gate(gate):
    """Depolarising with probability 0.9 leaves a tenth of ⟨ZZ⟩, and a hundredth of its squared gradient."""
    x = ParameterVector("x", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    getattr(circuit, gate)(x[2], 0, 1)
    circuit.ry(0.3, 0)
    noise = noise_on(gate, 2, depolarizing_error(0.9, 2))
    for given in (noise, AerSimulator(noise_model=noise)):
        found = plateau_causes(circuit, SparsePauliOp("ZZ"), noise=given, num_samples=20, seed=0)
        assert next(row[1] for row in found.rows() if row[0] == "No noise") == "(∂C)² × 100 [100, 100]"
