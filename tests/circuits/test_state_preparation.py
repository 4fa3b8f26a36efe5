"""States as data: angles and circuit together prepare what was given."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit.quantum_info import Statevector

from qiskit_qml_ext.circuits import state_angles, state_circuit
from qiskit_qml_ext.engine import statevectors
from qiskit_qml_ext.kernels import FidelityKernel


def random_states(rng, number, num_qubits, *, is_real):
    states = rng.normal(size=(number, 2**num_qubits))
    if not is_real:
        states = states + 1j * rng.normal(size=states.shape)
    return states / np.linalg.norm(states, axis=1, keepdims=True)


@pytest.mark.parametrize("is_real", [True, False])
@pytest.mark.parametrize("num_qubits", [1, 2, 3, 5])
def test_circuit_with_the_angles_of_a_state_prepares_it(num_qubits, is_real):
    states = random_states(np.random.default_rng(0), 4, num_qubits, is_real=is_real)
    circuit = state_circuit(num_qubits, is_real=is_real)
    for state, angles in zip(states, state_angles(states), strict=True):
        prepared = Statevector(circuit.assign_parameters(angles)).data
        # of norm 1 both: an overlap of 1 - d means a distance of up to sqrt(2 d), so amplitudes are compared as well
        assert_allclose(prepared * np.exp(1j * np.angle(np.vdot(prepared, state))), state, atol=1e-12)
        if is_real:
            assert_allclose(prepared, state, atol=1e-12)


def test_zeros_signs_and_basis_states_are_prepared():
    states = np.vstack([np.eye(8), -np.eye(8), [[0, 0, -0.6, 0, 0, 0, 0, 0.8]]])
    prepared = statevectors(state_circuit(3, is_real=True), state_angles(states))
    assert_allclose(prepared, states, atol=1e-14)
    complex_states = np.array([[0, 1j, 0, 0], [0.6, 0, 0, -0.8j]])
    prepared = statevectors(state_circuit(2), state_angles(complex_states))
    overlaps = np.abs(np.einsum("bi,bi->b", prepared.conj(), complex_states))
    assert_allclose(overlaps, 1, atol=1e-14)


@pytest.mark.parametrize(("is_real", "factor"), [(True, 1), (False, 2)])
def test_circuit_has_as_many_angles_and_gates_as_it_says(is_real, factor):
    circuit = state_circuit(4, is_real=is_real)
    assert circuit.num_parameters == 15 * factor
    assert circuit.count_ops()["cx"] == 14 * factor
    assert [parameter.name for parameter in circuit.parameters][:2] == ["x[0]", "x[1]"]


@pytest.mark.parametrize(
    ("states", "error", "words"),
    [
        (np.ones(4) / 2, ValueError, "shape"),
        (np.ones((1, 3)), ValueError, "shape"),
        (np.ones((1, 1)), ValueError, "shape"),
        (np.ones((2, 4)), ValueError, r"norm 1, but that of states\[0\] is 2"),
        (np.full((1, 2), np.nan), ValueError, "finite"),
        ([["a", "b"]], TypeError, "numbers"),
        (np.zeros((1, 2**17)), ValueError, "at most 16"),
    ],
)
def test_what_are_no_states_is_refused(states, error, words):
    with pytest.raises(error, match=words):
        state_angles(states)


def test_widths_that_cannot_be_meant_are_refused():
    for wrong in (0, 17):
        with pytest.raises(ValueError, match="num_qubits"):
            state_circuit(wrong)
    with pytest.raises(TypeError, match="is_real"):
        state_circuit(2, is_real="yes")


@pytest.mark.parametrize("is_real", [True, False])
def test_a_kernel_of_states_is_the_overlap_of_what_was_given(is_real):
    states = random_states(np.random.default_rng(1), 6, 3, is_real=is_real)
    kernel = FidelityKernel(state_circuit(3, is_real=is_real))
    overlaps = np.abs(states.conj() @ states.T) ** 2
    assert_allclose(kernel.evaluate(state_angles(states)), overlaps, atol=1e-12)


def test_single_precision_and_whole_numbers_are_states_too():
    states = random_states(np.random.default_rng(2), 3, 4, is_real=False)
    assert_allclose(state_angles(states.astype(np.complex64)), state_angles(states), atol=1e-4)
    assert_allclose(state_angles(np.eye(4, dtype=int)), state_angles(np.eye(4)), atol=0)
