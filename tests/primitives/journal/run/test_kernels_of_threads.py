"""Threads that ask for the same kernel on a device of the service: it executes each pair once."""

import numpy as np
from runtime_server.work import QUICK
from together import in_threads

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.exceptions import RunIncompleteError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Policy, connect

DATA = np.random.default_rng(0).uniform(0, 2, (5, 2))
PAIRS, SHOTS = 10, 30


def connected(backend, path, **settings):
    return connect(backend, shots=SHOTS, journal=path, policy=Policy(**QUICK), seed=1, **settings)


def kernel(connection):
    return FidelityKernel(AngleFeatureMap(), connection=connection)


def test_the_service_executes_each_pair_once_for_eight_threads(server, backend, path):
    connection = connected(backend, path, max_executions_per_job=4 * SHOTS)
    first, *others = in_threads(*[lambda: kernel(connection).evaluate(DATA)] * 8)
    for other in others:
        np.testing.assert_array_equal(other, first)
    assert server.executions() == PAIRS * SHOTS
    assert connection.usage.shots == PAIRS * SHOTS
    # another run of the program finds everything in the journal
    again = in_threads(*[lambda: kernel(connected(backend, path)).evaluate(DATA)] * 2)
    for matrix in again:
        np.testing.assert_array_equal(matrix, first)
    assert server.executions() == PAIRS * SHOTS


def test_a_job_that_fails_is_run_again_once_for_all_threads(server, backend, path):
    connection = connected(backend, path)
    server.fail_next()
    first, *others = in_threads(*[lambda: kernel(connection).evaluate(DATA)] * 4)
    for other in others:
        np.testing.assert_array_equal(other, first)
    assert len(server.jobs()) == 2
    assert server.executions() == PAIRS * SHOTS


def test_where_no_job_succeeds_each_thread_gets_an_error_of_its_own_and_all_can_be_asked_again(server, backend, path):
    connection = connected(backend, path)
    server.fail_next(100)
    ends = in_threads(*[lambda: kernel(connection).evaluate(DATA)] * 3)
    assert all(isinstance(end, RunIncompleteError) for end in ends)
    assert len({id(end) for end in ends}) == 3
    server.store.set("verdicts", [])
    assert server.executions() == 0
    assert connection.usage.jobs == len(server.jobs())  # submitted, and the service failed them
    first, second = in_threads(*[lambda: kernel(connection).evaluate(DATA)] * 2)
    np.testing.assert_array_equal(first, second)
    assert server.executions() == PAIRS * SHOTS
