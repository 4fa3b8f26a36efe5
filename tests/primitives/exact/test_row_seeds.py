"""Shots that are seeded row by row: independent of what else is in a job, and distributed as they must be."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate, Parameter, ParameterVector
from qiskit.quantum_info import Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error
from scipy.stats import chi2, kstest

from qiskit_qml_ext.engine.sampling import uniforms_of_rows
from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.exact.row_seeds import row_seeds
from qiskit_qml_ext.primitives.targets.aer.rows import MAX_QUBITS, draws_from_probabilities

VALUES = np.random.default_rng(1).uniform(0, 3, (7, 3))


def three_angles():
    """Two registers, bits in another order than the qubits, one of them not measured into."""
    angles = ParameterVector("a", 3)
    circuit = QuantumCircuit(QuantumRegister(3, "q"), ClassicalRegister(3, "one"), ClassicalRegister(1, "two"))
    circuit.ry(angles[0], 0)
    circuit.cry(angles[1], 0, 1)
    circuit.cx(1, 2)
    circuit.rx(angles[2], 2)
    circuit.measure([2, 0, 1], [0, 2, 3])
    return circuit


def sampled(connection, values, circuit=None):
    """Return the bits of both registers, shape (rows, shots, bytes)."""
    parts = [data for _, data in connection.sample(three_angles() if circuit is None else circuit, values)]
    return [np.concatenate([np.atleast_3d(part[name].array) for part in parts]) for name in parts[0]]


def splitmix64(seed):
    """The generator as its authors write it down, one number after the other (Vigna's splitmix64.c)."""
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) % 2**64
        yield mixed ^ (mixed >> 31)


def test_numbers_are_those_of_splitmix64():
    generator = splitmix64(1234567)
    # the generator's published test vector
    assert [next(generator) for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    seeds = np.array([0, 1234567, 2**64 - 1], dtype=np.uint64)
    for seed, numbers in zip(seeds.tolist(), uniforms_of_rows(seeds, 50), strict=True):
        generator = splitmix64(seed)
        assert numbers.tolist() == [(next(generator) >> 11) / 2**53 for _ in range(50)]


def test_numbers_of_rows_are_uniform_and_independent():
    seeds = row_seeds(3, "circuit", np.arange(400.0)[:, None], 10)
    assert len(set(seeds.tolist())) == 400
    numbers = uniforms_of_rows(seeds, 400)
    assert numbers.shape == (400, 400)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    # fixed seeds: each of these fails with a probability below 1e-4 for a right generator
    assert kstest(numbers.ravel(), "uniform").pvalue > 1e-4
    for correlations in (np.corrcoef(numbers), np.corrcoef(numbers.T)):
        off = correlations[np.triu_indices(400, 1)]
        assert np.abs(off).max() < 5.8 / np.sqrt(400)  # 79,800 pairs, two-sided 6.6e-9 each
        assert off.std() * np.sqrt(400) == pytest.approx(1, abs=0.02)


def test_a_seed_depends_on_all_of_the_content_and_on_nothing_else():
    values = np.arange(6.0).reshape(3, 2)
    seeds = row_seeds(1, "a", values, 10)
    for other in (
        row_seeds(2, "a", values, 10),
        row_seeds(1, "b", values, 10),
        row_seeds(1, "a", values + 1, 10),
        row_seeds(1, "a", values, 11),
    ):
        assert not set(seeds.tolist()) & set(other.tolist())
    np.testing.assert_array_equal(row_seeds(np.int64(1), "a", values[::-1], 10), seeds[::-1])
    np.testing.assert_array_equal(row_seeds(1, "a", -0.0 * values, 10), row_seeds(1, "a", 0.0 * values, 10))
    repeated = row_seeds(1, "a", values[[0, 1, 0, 0]], 10)
    np.testing.assert_array_equal(repeated[:2], seeds[:2])
    assert len(set(repeated.tolist())) == 4  # repetitions are independent


@pytest.mark.parametrize("target", ["exact", "aer"])
def test_rows_have_the_same_shots_whatever_else_is_asked_for(target):
    def fresh(**settings):
        return connect(target, shots=40, seed=5, **settings)

    whole = sampled(fresh(), VALUES)
    assert [part.shape for part in whole] == [(7, 40, 1), (7, 40, 1)]
    for one, backwards, by_job in zip(
        whole, sampled(fresh(), VALUES[::-1]), sampled(fresh(max_executions_per_job=80), VALUES), strict=True
    ):
        np.testing.assert_array_equal(backwards, one[::-1])
        np.testing.assert_array_equal(by_job, one)
    for row in range(len(VALUES)):
        for one, alone in zip(whole, sampled(fresh(), VALUES[[row]]), strict=True):
            np.testing.assert_array_equal(alone[0], one[row])
    twice = sampled(fresh(), VALUES[[0, 0]])[0]
    np.testing.assert_array_equal(twice[0], whole[0][0])
    assert not np.array_equal(twice[0], twice[1])


@pytest.mark.parametrize("method", ["automatic", "statevector", "density_matrix"])
def test_shots_from_probabilities_of_aer_are_distributed_as_the_state_says(method):
    shots = 4000
    bits = sampled(connect("aer", shots=shots, seed=11, method=method), VALUES)
    circuit = three_angles()
    for row, values in enumerate(VALUES):
        state = Statevector(circuit.remove_final_measurements(inplace=False).assign_parameters(values))
        expected = state.probabilities([2, 0, 1])  # bits 0 and 2 of the one register, bit 0 of the other
        one, two = (part[row, :, 0].astype(int) for part in bits)
        assert not np.any(one & 2)
        counts = np.bincount((one & 1) + (one >> 2) * 2 + two * 4, minlength=8)
        likely = expected * shots > 5
        statistic = np.sum((counts - expected * shots)[likely] ** 2 / (expected * shots)[likely])
        assert statistic < chi2.isf(1e-5, likely.sum())  # 21 such tests, fixed seeds
        assert counts[expected < 1e-12].sum() == 0


def noise_on(gate):
    noise = NoiseModel()
    if gate == "readout":
        noise.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    else:
        noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), [gate])
    return noise


def test_only_circuits_whose_shots_are_drawn_from_probabilities_are_seeded_by_row():
    simulator, circuit = AerSimulator(), three_angles()
    assert draws_from_probabilities(simulator, circuit)
    for gate in ("cx", "readout"):
        assert not draws_from_probabilities(AerSimulator(noise_model=noise_on(gate)), circuit)
    assert draws_from_probabilities(AerSimulator(noise_model=NoiseModel()), circuit)  # an ideal one
    assert not draws_from_probabilities(AerSimulator(method="matrix_product_state"), circuit)
    in_the_middle = circuit.copy()
    in_the_middle.h(2)
    wide = QuantumCircuit(MAX_QUBITS + 1, 1)
    wide.measure(0, 0)
    reset, classical = QuantumCircuit(1, 1), QuantumCircuit(1, 1)
    reset.reset(0)
    reset.measure(0, 0)
    with classical.if_test((classical.clbits[0], 1)):
        classical.x(0)
    classical.measure(0, 0)
    for refused in (in_the_middle, wide, reset, classical, QuantumCircuit(1, 1)):
        assert not draws_from_probabilities(simulator, refused)


def test_readout_errors_of_aer_are_kept():
    circuit = QuantumCircuit(1, 1)
    circuit.ry(Parameter("a"), 0)
    circuit.measure(0, 0)
    connection = connect("aer", shots=4000, seed=1, noise_model=noise_on("readout"))
    (bits,) = sampled(connection, np.array([[0.0], [np.pi]]), circuit)
    assert_allclose(bits.mean(axis=(1, 2)), [0.1, 0.8], atol=5 * 0.5 / np.sqrt(4000))


def test_circuits_without_parameters_and_with_gates_of_the_users_run_on_aer():
    class Turned(Gate):
        def __init__(self, angle):
            super().__init__("turned", 1, [angle])

        def _define(self):
            self.definition = QuantumCircuit(1)
            self.definition.ry(self.params[0], 0)

    fixed, own = QuantumCircuit(2, 2), QuantumCircuit(1, 1)
    fixed.x(1)
    fixed.measure([0, 1], [0, 1])
    own.append(Turned(Parameter("a")), [0])
    own.measure(0, 0)
    connection = connect("aer", shots=30, seed=1)
    assert sampled(connection, np.empty((3, 0)), fixed)[0].ravel().tolist() == [2] * 90
    assert sampled(connection, np.array([[np.pi], [0.0]]), own)[0].reshape(2, 30).tolist() == [[1] * 30, [0] * 30]
