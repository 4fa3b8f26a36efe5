"""The exact primitives in threads, in joblib's processes and after a fork: the same numbers, no hang."""

import multiprocessing
import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_allclose
from qiskit.circuit.library import real_amplitudes

from qiskit_qml_ext.primitives import ExactEstimator, ExactSampler

CIRCUIT = real_amplitudes(6, reps=2)
VALUES = np.random.default_rng(0).uniform(0, 3, (300, CIRCUIT.num_parameters))


def estimate(rows=slice(None)):
    return ExactEstimator().run([(CIRCUIT, "ZZIIIZ", VALUES[rows])]).result()[0].data.evs


def sample(seed=1):
    circuit = CIRCUIT.copy()
    circuit.measure_all()
    return ExactSampler(seed=seed).run([(circuit, VALUES, 50)]).result()[0].data.meas.array


def test_eight_threads_at_once():
    expected, shots = estimate(), sample()
    with ThreadPoolExecutor(8) as pool:
        estimates = list(pool.map(lambda _: estimate(), range(16)))
        samples = list(pool.map(lambda _: sample(), range(8)))
    for result in estimates:
        assert_allclose(result, expected, atol=0)
    for result in samples:
        np.testing.assert_array_equal(result, shots)


def test_two_joblib_processes():
    parts = Parallel(n_jobs=2)(delayed(estimate)(rows) for rows in (slice(0, 150), slice(150, 300)))
    assert_allclose(np.concatenate(parts), estimate(), atol=0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_fork():
    expected = estimate()  # the parent has run, so its thread pool exists and is dead in the child
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork in a process with threads
        with multiprocessing.get_context("fork").Pool(1) as pool:
            result = pool.apply_async(estimate).get(timeout=60)
    assert_allclose(result, expected, atol=0)


def test_thread_count_changes_nothing(monkeypatch):
    expected, shots = estimate(), sample()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert_allclose(estimate(), expected, atol=0)
    np.testing.assert_array_equal(sample(), shots)
