"""Tiles over a cluster of Dask or Ray: the same entries, also if a worker is killed."""

import os
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from tile_kernels import KillsItsWorker, in_a_process_of_its_own

from qiskit_qml_ext.circuits import IQPFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel, compute_kernel_matrix

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

X = np.random.default_rng(0).uniform(-1, 1, (50, 3))
KERNEL = FidelityKernel(IQPFeatureMap())


def package(name):
    """Import a package; where all must be there, as in CI, one that is not fails."""
    return import_module(name) if os.environ.get("QISKIT_QML_EXT_TEST_ALL") else pytest.importorskip(name)


def dask_cluster():
    distributed = package("distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    client = distributed.Client(cluster)

    def close():
        client.close()
        cluster.close()

    return close


def ray_cluster():
    ray = package("ray")
    import_module("ray.util.joblib").register_ray()
    paths = os.pathsep.join(path for path in sys.path if path)
    ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": paths}})
    return ray.shutdown


CLUSTERS = {"dask": dask_cluster, "ray": ray_cluster}


def assert_a_cluster_makes_the_matrix_of_one_process(backend, folder):
    close, marks = CLUSTERS[backend](), Path(folder)
    (marks / "one").touch()
    kernel = KillsItsWorker(os.getpid(), marks, KERNEL.evaluate)
    with parallel_config(backend=backend, n_jobs=2):
        assert_array_equal(compute_kernel_matrix(kernel, X, tile_size=17), KERNEL.evaluate(X))
    assert list(marks.iterdir()) == [], "a worker was killed"
    close()


@pytest.mark.parametrize("backend", CLUSTERS)
def test_a_cluster_makes_the_matrix_of_one_process_bit_for_bit_also_if_a_worker_is_killed(backend, tmp_path):
    in_a_process_of_its_own(assert_a_cluster_makes_the_matrix_of_one_process, backend, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
