import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import zz_feature_map
from qiskit.quantum_info import Pauli, SparsePauliOp
from threadpoolctl import threadpool_limits

from qiskit_qml_ext.engine import (
    Projector,
    expectation_vjp,
    expectations,
    gram,
    probabilities,
    state_memory,
    statevectors,
    thread_count,
)
from qiskit_qml_ext.exceptions import StateTooLargeError, UnsupportedCircuitError

CIRCUIT = zz_feature_map(3)
VALUES = np.zeros((2, 3))


def test_unbound_parameters_are_refused():
    with pytest.raises(
        ValueError, match=r"values must have the shape \(B, 3\).*\(1, 0\) came\. Give every parameter a value"
    ):
        statevectors(CIRCUIT, np.zeros((1, 0)))


def test_wrong_width_is_refused():
    with pytest.raises(ValueError, match=r"values must have the shape \(B, 3\).*\(2, 4\) came"):
        statevectors(CIRCUIT, np.zeros((2, 4)))


def test_one_dimensional_values_are_refused():
    with pytest.raises(ValueError, match=r"A single sample is an array of shape \(1, 3\)"):
        statevectors(CIRCUIT, np.zeros(3))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named_by_row_and_column(value):
    values = VALUES.copy()
    values[1, 2] = value
    with pytest.raises(ValueError, match=r"values\[1, 2\] \(parameter 'x\[2\]'\) is"):
        expectations(CIRCUIT, values, Pauli("ZZZ"))


def test_complex_values_are_refused():
    with pytest.raises(TypeError, match="values must be real numbers"):
        statevectors(CIRCUIT, VALUES.astype(complex))


def test_leaving_the_domain_of_an_expression_names_the_row():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("t").arccos(), 0)
    with pytest.raises(ValueError, match=r"not finite for values\[2\]"):
        statevectors(circuit, [[0.1], [0.2], [1.3]])


def test_observables_on_the_wrong_number_of_qubits_are_refused():
    with pytest.raises(ValueError, match=r"observables\[1\] acts on 2 qubits but the circuit has 3"):
        expectations(CIRCUIT, VALUES, [Pauli("ZZZ"), SparsePauliOp("ZZ")])
    with pytest.raises(ValueError, match=r"observables\[0\] must have the shape \(8,\).*\(4,\) came"):
        expectations(CIRCUIT, VALUES, np.zeros(4))
    with pytest.raises(ValueError, match=r"state of observables.* must have the shape \(8,\).*\(4,\) came"):
        expectations(CIRCUIT, VALUES, Projector(np.array([1.0, 0, 0, 0])))


@pytest.mark.parametrize(
    ("observable", "error", "message"),
    [
        (Projector(8), ValueError, "must be 0 to 7, but 8 came"),
        (Projector(np.full(8, 1.0)), ValueError, "norm 1, but"),
        (np.full(8, np.nan), ValueError, "not finite"),
        (np.full(8, 1j), ValueError, "is complex"),
        (SparsePauliOp(["ZZZ"], [np.nan]), ValueError, "not finite"),
        (SparsePauliOp(["ZZZ"], np.array([Parameter("c")])), ValueError, "parametrised coefficients"),
        ("ZZZ", TypeError, "observables must be .* but a str came"),
        ([Pauli("ZZZ"), "ZZZ"], TypeError, r"observables\[1\] must be .* but a str came"),
    ],
)
def test_bad_observables_are_refused(observable, error, message):
    with pytest.raises(error, match=message):
        expectations(CIRCUIT, VALUES, observable)


def test_cotangents_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"cotangents must have the shape \(2, 1\).*\(2, 3\) came"):
        expectation_vjp(CIRCUIT, VALUES, Pauli("ZZZ"), np.zeros((2, 3)))


def test_mid_circuit_measurement_is_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    circuit.h(0)
    with pytest.raises(UnsupportedCircuitError, match="measured before the instruction 'h'"):
        statevectors(circuit, np.zeros((1, 0)))


def test_zero_qubits_are_refused():
    with pytest.raises(UnsupportedCircuitError, match="no qubits"):
        statevectors(QuantumCircuit(0), np.zeros((1, 0)))


def test_forty_qubits_are_a_memory_error_with_numbers():
    circuit = QuantumCircuit(40)
    circuit.h(0)
    with pytest.raises(
        StateTooLargeError, match=rf"One state of 40 qubits in complex128 needs 16\.0 TiB \({16 << 40} bytes\), but"
    ):
        statevectors(circuit, np.zeros((1, 0)))
    with pytest.raises(StateTooLargeError, match=r"8\.0 TiB"):
        expectations(circuit, np.zeros((1, 0)), Pauli("Z" * 40), dtype="complex64")


def test_a_result_above_the_budget_is_a_memory_error():
    with pytest.raises(StateTooLargeError, match="may be used"):
        statevectors(CIRCUIT, np.zeros((10_000, 3)), max_memory=100_000)


def test_a_small_budget_changes_no_result():
    values = np.random.default_rng(1).normal(size=(50, 3))
    np.testing.assert_array_equal(statevectors(CIRCUIT, values, max_memory=200_000), statevectors(CIRCUIT, values))


@pytest.mark.parametrize("argument", [{"max_memory": 0}, {"max_memory": 1.5}, {"num_threads": 0}, {"dtype": "float64"}])
def test_bad_options_are_refused(argument):
    (name,) = argument
    with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
        statevectors(CIRCUIT, VALUES, **argument)


@pytest.mark.parametrize("qubits", [[0, 0], [3], [-1]])
def test_bad_qubits_are_refused(qubits):
    with pytest.raises(ValueError, match=r"must be different numbers from 0 to 2|at least 0"):
        probabilities(CIRCUIT, VALUES, qubits=qubits)


def test_something_else_than_a_program_is_a_type_error():
    with pytest.raises(TypeError, match="must be a RotationProgram or a QuantumCircuit"):
        statevectors("circuit", VALUES)


def test_gram_refuses_states_of_different_length():
    with pytest.raises(ValueError, match="4 amplitudes per state but states_y has 8"):
        gram(np.zeros((2, 4), complex), np.zeros((2, 8), complex))
    with pytest.raises(ValueError, match="must have the shape \\(number of states"):
        gram(np.zeros(4, complex))


def test_state_memory_counts_bytes():
    assert state_memory(10) == 16 * 1024
    assert state_memory(40, "complex64") == 8 << 40


def test_thread_count_follows_argument_and_environment(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert thread_count(None) == 1
    assert thread_count(5) == 5
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert thread_count(None) == 1


def test_thread_count_follows_threadpoolctl(monkeypatch):
    for variable in ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    with threadpool_limits(2):
        assert thread_count(None) == 2
        with threadpool_limits(1, user_api="blas"):
            assert thread_count(None) == 1
        assert thread_count(5) == 5
    with threadpool_limits(64):  # what a library was built for is no limit of the user's
        assert thread_count(None) == 8
