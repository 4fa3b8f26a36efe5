import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import Parallel, delayed
from qiskit.circuit.library import efficient_su2, zz_feature_map
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.engine import expectation_jacobian, probabilities, statevectors
from qiskit_qml_ext.program import lower

PROGRAM = lower(efficient_su2(7, reps=2))
VALUES = np.random.default_rng(5).normal(size=(130, PROGRAM.num_parameters))
OBSERVABLE = SparsePauliOp(["ZIIIIII", "XXIIIYZ"], [0.5, 1.0])


def work(program, values, num_threads=None):
    found, jacobian = expectation_jacobian(program, values, OBSERVABLE, num_threads=num_threads)
    return statevectors(program, values, num_threads=num_threads), found, jacobian


def assert_same(one, other):
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("num_threads", [1, 2, 3, 8])
def test_results_do_not_depend_on_the_number_of_threads(num_threads):
    assert_same(work(PROGRAM, VALUES, num_threads), work(PROGRAM, VALUES, 1))


def test_results_do_not_depend_on_the_batch_that_a_sample_is_in():
    assert_same([part[3:45] for part in work(PROGRAM, VALUES)], work(PROGRAM, VALUES[3:45]))


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
@pytest.mark.parametrize("circuit", [zz_feature_map(10), efficient_su2(10, reps=1)])
def test_few_samples_of_many_qubits_give_the_same_numbers(circuit, dtype):
    # one or two samples run one per vector instead of one per lane
    values = np.random.default_rng(5).normal(size=(11, circuit.num_parameters))
    observable = SparsePauliOp(["ZIIIIIIIII", "XXIIIYZIII"], [0.5, 1.0])
    np.testing.assert_array_equal(
        statevectors(circuit, values[:2], dtype=dtype), statevectors(circuit, values, dtype=dtype)[:2]
    )
    np.testing.assert_array_equal(
        probabilities(circuit, values[:2], qubits=[3, 1], dtype=dtype),
        probabilities(circuit, values, qubits=[3, 1], dtype=dtype)[:2],
    )
    few = expectation_jacobian(circuit, values[:2], observable, dtype=dtype)
    many = expectation_jacobian(circuit, values, observable, dtype=dtype)
    atol = 1e-12 if dtype == "complex128" else 1e-4
    for one, other in zip(few, many, strict=True):
        np.testing.assert_allclose(one, other[:2], rtol=0, atol=atol)


def test_eight_python_threads_get_the_same_numbers():
    expected = work(PROGRAM, VALUES)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: work(PROGRAM, VALUES, 2), range(24)):
            assert_same(found, expected)


@pytest.mark.slow
def test_joblib_processes_get_the_same_numbers():
    expected = work(PROGRAM, VALUES)
    for found in Parallel(n_jobs=2, backend="loky")(delayed(work)(PROGRAM, VALUES) for _ in range(4)):
        assert_same(found, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_computes_the_same_numbers():
    script = """
import os, sys
import numpy as np
from qiskit.circuit.library import zz_feature_map
from qiskit_qml_ext.engine import statevectors
circuit = zz_feature_map(8)
values = np.random.default_rng(1).normal(size=(300, 8))
expected = statevectors(circuit, values, num_threads=3)  # the pool exists before the fork
child = os.fork()
if child == 0:
    found = statevectors(circuit, values, num_threads=3)
    os._exit(0 if np.array_equal(found, expected) else 7)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""
    finished = subprocess.run([sys.executable, "-W", "ignore", "-c", script], timeout=120, check=False)
    assert finished.returncode == 0


def test_circuits_may_be_lowered_from_several_threads():
    circuits = [zz_feature_map(n) for n in (2, 3, 4, 5)]
    expected = [statevectors(circuit, np.full((3, circuit.num_qubits), 0.3)) for circuit in circuits]
    fresh = [zz_feature_map(n) for n in (2, 3, 4, 5)] * 4
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda circuit: statevectors(circuit, np.full((3, circuit.num_qubits), 0.3)), fresh))
    for place, states in enumerate(found):
        np.testing.assert_array_equal(states, expected[place % 4])
