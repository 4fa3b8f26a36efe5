"""Exact kernels stay within ``max_memory``, and do not depend on it."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import StateTooLargeError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

QUBITS = 14
STATE = 16 << QUBITS  # bytes
SCRATCH = 4 * 16 * (128 + 512) * 8  # what the product of states keeps for each thread, whatever the states


def kernel_within(max_memory, x, y=None, feature_map=None):
    connection = connect("exact", max_memory=max_memory)
    return FidelityKernel(feature_map or ZZFeatureMap(reps=1), connection=connection).evaluate(x, y), connection


@pytest.mark.parametrize(("rows", "columns"), [(12, 0), (12, 5), (5, 12)])
@pytest.mark.parametrize("states", [4.5, 6, 10, 20, 80])
def test_memory_is_bounded_and_does_not_change_the_kernel(states, rows, columns, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (rows, QUBITS))
    y = rng.uniform(0, 1, (columns, QUBITS)) if columns else None
    whole, _ = kernel_within(None, x, y)
    limit = int(whole.nbytes + states * STATE)
    kernel_within(limit, x, y)  # compiling takes memory too, once
    tracemalloc.start()
    try:
        matrix, _ = kernel_within(limit, x, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit + SCRATCH
    assert_allclose(matrix, whole, atol=1e-14)


def test_fewer_states_in_memory_are_simulated_more_often():
    x = np.random.default_rng(0).uniform(0, 1, (12, QUBITS))
    simulated = [kernel_within(int(states * STATE), x)[1].usage.circuits for states in (6, 10, 80)]
    assert simulated[0] > simulated[1] > simulated[2] == 12


def test_two_states_and_the_room_to_simulate_one_are_the_least():
    x = np.random.default_rng(0).uniform(0, 1, (4, QUBITS))
    with pytest.raises(StateTooLargeError, match=f"A kernel of {QUBITS} qubits, with 2 states at a time"):
        kernel_within(2 * STATE, x)


def test_matrix_itself_counts():
    x = np.random.default_rng(0).uniform(0, 1, (300, 2))
    with pytest.raises(StateTooLargeError, match=r"A kernel matrix of 300 by 300 entries needs 703\.1 KiB"):
        kernel_within(2**19, x, feature_map=ZZFeatureMap())
    duplicates = np.repeat(x[:30], 10, axis=0)
    with pytest.raises(StateTooLargeError, match=r"A kernel matrix of 300 by 300 entries needs 1\.4 MiB"):
        kernel_within(2**20, duplicates, feature_map=ZZFeatureMap())  # that of the 30 grows into that of the 300
    with pytest.raises(StateTooLargeError, match=r"A kernel matrix of 300 by 300 entries needs 1\.4 MiB"):
        kernel_within(2**20, x, feature_map=AngleFeatureMap())  # the factors' matrices are multiplied


def test_states_beyond_the_machine_are_refused_at_once(monkeypatch):
    monkeypatch.setattr("qiskit_qml_ext.engine.memory.available_memory", lambda: 2**34)
    monkeypatch.setattr("qiskit_qml_ext.engine.states.runners.run_states", None)  # nothing may be simulated
    x = np.random.default_rng(0).uniform(0, 1, (4, 29))
    with pytest.raises(StateTooLargeError, match="A kernel of 29 qubits"):
        FidelityKernel(ZZFeatureMap()).evaluate(x)


def test_single_sample_takes_one_state():
    x = np.random.default_rng(0).uniform(0, 1, (1, QUBITS))
    assert kernel_within(int(3.2 * STATE), x)[0].tolist() == [[1.0]]
    assert kernel_within(int(3.2 * STATE), np.repeat(x, 3, axis=0))[0].tolist() == np.ones((3, 3)).tolist()
