"""The exact sampler, field by field beside Qiskit's StatevectorSampler."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.circuit.library import real_amplitudes
from qiskit.exceptions import QiskitError
from qiskit.primitives import StatevectorSampler
from qiskit.quantum_info import Statevector

from qiskit_qml_ext.engine.sampling import sample_outcomes, sample_outcomes_reference
from qiskit_qml_ext.exceptions import QmlExtError
from qiskit_qml_ext.primitives import ExactSampler


def measured(num_qubits=3):
    circuit = real_amplitudes(num_qubits, reps=1)
    circuit.measure_all()
    return circuit


def flips(*bits):
    """Return qubits in a basis state: what is measured of it is certain."""
    circuit = QuantumCircuit(QuantumRegister(len(bits), "q"))
    for qubit, bit in enumerate(bits):
        if bit:
            circuit.x(qubit)
    return circuit


def two_registers_in_odd_order():
    circuit = flips(1, 0, 1, 1)
    circuit.add_register(ClassicalRegister(3, "alpha"), ClassicalRegister(2, "beta"))
    circuit.measure([3, 1, 0], [0, 4, 2])
    return circuit


def a_subset_of_qubits():
    circuit = flips(1, 1, 0, 1, 0)
    circuit.add_register(ClassicalRegister(2, "c"))
    circuit.measure([4, 3], [1, 0])
    return circuit


def one_qubit_into_two_bits():
    circuit = flips(1, 0)
    circuit.add_register(ClassicalRegister(3, "c"))
    circuit.measure([0, 1, 0], [0, 1, 2])
    return circuit


def overlapping_registers():
    first = ClassicalRegister(3, "first")
    circuit = flips(1, 0, 1)
    circuit.add_register(first, ClassicalRegister(bits=[first[2], first[0]], name="second"))
    circuit.measure([0, 1, 2], first)
    return circuit


def wide_register():
    circuit = flips(*[1, 0, 1] * 4)
    circuit.add_register(ClassicalRegister(75, "wide"))
    circuit.measure(range(12), [*range(60, 71), 3])
    return circuit


def measured_after_a_barrier():
    circuit = flips(0, 1)
    circuit.measure_all()
    circuit.barrier()
    return circuit


CERTAIN = [
    two_registers_in_odd_order,
    a_subset_of_qubits,
    one_qubit_into_two_bits,
    overlapping_registers,
    wide_register,
    measured_after_a_barrier,
]


@pytest.mark.parametrize("make", CERTAIN, ids=lambda make: make.__name__)
def test_registers_are_filled_as_in_the_reference(make):
    ours = ExactSampler().run([make()], shots=7).result()[0]
    theirs = StatevectorSampler().run([make()], shots=7).result()[0]
    assert ours.metadata == theirs.metadata
    assert list(ours.data) == list(theirs.data)
    for name in theirs.data:
        assert ours.data[name].num_bits == theirs.data[name].num_bits
        assert ours.data[name].array.dtype == theirs.data[name].array.dtype
        np.testing.assert_array_equal(ours.data[name].array, theirs.data[name].array)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 1, 3), (0,)])
def test_shapes_and_types_agree_with_the_reference(shape):
    values = np.random.default_rng(1).uniform(0, 3, (*shape, 6))
    pub = (measured(), values, 20)
    ours = ExactSampler(seed=1).run([pub]).result()
    theirs = StatevectorSampler(seed=1).run([pub]).result()
    assert type(ours) is type(theirs)
    assert ours.metadata == theirs.metadata
    assert type(ours[0]) is type(theirs[0])
    assert ours[0].data.shape == theirs[0].data.shape == shape
    assert ours[0].data.meas.array.shape == theirs[0].data.meas.array.shape
    assert ours[0].metadata == theirs[0].metadata


def test_frequencies_are_those_of_the_state():
    values = np.random.default_rng(2).uniform(0, 3, (6, 6))
    shots = 20_000
    bits = ExactSampler(seed=4).run([(measured(), values)], shots=shots).result()[0].data.meas
    circuit = measured().remove_final_measurements(inplace=False)
    for row, angles in enumerate(values):
        expected = Statevector(circuit.assign_parameters(angles)).probabilities()
        counts = np.array([bits[row].get_int_counts().get(outcome, 0) for outcome in range(8)])
        sigma = np.sqrt(expected * (1 - expected) / shots)
        # 48 frequencies, 5 standard errors each: false-alarm probability 48 · 6e-7, fixed seed
        assert np.all(np.abs(counts / shots - expected) < 5 * sigma + 1e-12)


def test_shots_come_in_random_order():
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.measure_all()
    shots = ExactSampler(seed=1).run([circuit], shots=4000).result()[0].data.meas.array.ravel()
    # a run of equal halves would give a difference of 1; the standard error of the difference is 1/√4000
    assert abs(shots[:2000].mean() - shots[2000:].mean()) < 5 / np.sqrt(4000)


def test_rows_are_independent_and_follow_the_seed():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    circuit.measure_all()
    pub = (circuit, np.full((2, 1), np.pi / 2), 64)
    first, again, other = (ExactSampler(seed=seed).run([pub]).result()[0].data.meas.array for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])


def test_batches_beyond_the_limit_of_temporary_memory_agree(monkeypatch):
    pub = (measured(), np.random.default_rng(3).uniform(0, 3, (50, 6)), 30)
    whole = ExactSampler(seed=1).run([pub]).result()[0].data.meas.array
    monkeypatch.setattr("qiskit_qml_ext.primitives.exact.sampler._MAX_NUMBERS", 100)
    np.testing.assert_array_equal(ExactSampler(seed=1).run([pub]).result()[0].data.meas.array, whole)


def test_no_registers_warns_as_the_reference_does():
    for sampler in (ExactSampler(), StatevectorSampler()):
        with pytest.warns(UserWarning, match="no output classical registers"):
            result = sampler.run([QuantumCircuit(1)], shots=3).result()
        assert list(result[0].data) == []


def test_register_without_measurements_reads_zero():
    circuit = QuantumCircuit(1, 2)
    assert ExactSampler().run([circuit], shots=3).result()[0].data.c.get_counts() == {"00": 3}


def test_mid_circuit_measurement_and_control_flow_are_refused():
    middle = QuantumCircuit(1, 1)
    middle.measure(0, 0)
    middle.h(0)
    with pytest.raises(QmlExtError, match="'h' after it was measured"):
        ExactSampler().run([middle]).result()
    for sampler in (ExactSampler(), StatevectorSampler()):
        with pytest.raises(QiskitError):
            sampler.run([middle]).result()
    flow = QuantumCircuit(2, 1)
    flow.measure(0, 0)
    with flow.if_test((flow.clbits[0], 1)):
        flow.x(1)
    with pytest.raises(QmlExtError, match="if_else"):
        ExactSampler().run([flow]).result()


def test_drawing_agrees_with_numpys_search():
    rng = np.random.default_rng(0)
    weights = rng.random((20, 37)) ** 4
    weights[:, [0, 5, 36]] = 0
    weights[3] = 0
    weights[3, 11] = 1
    uniforms = rng.random((20, 500))
    uniforms[:, 0], uniforms[:, 1] = 0, np.nextafter(1, 0)
    np.testing.assert_array_equal(sample_outcomes(weights, uniforms), sample_outcomes_reference(weights, uniforms))
    drawn = sample_outcomes(weights, uniforms)
    assert not np.isin(drawn, [0, 5, 36]).any(), "outcomes of probability zero are never drawn"
    np.testing.assert_array_equal(drawn, sample_outcomes(weights, uniforms, num_threads=2))


def test_seed_may_be_a_generator():
    pub = (measured(), np.ones(6), 10)
    sampler = ExactSampler(seed=np.random.default_rng(3))
    first, second = (sampler.run([pub]).result()[0].data.meas.array for _ in range(2))
    assert not np.array_equal(first, second)
    assert_allclose(ExactSampler(seed=np.random.default_rng(3)).run([pub]).result()[0].data.meas.array, first, atol=0)
