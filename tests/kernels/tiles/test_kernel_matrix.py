"""Kernel matrices in tiles: the same entries, whoever computes them."""

import os

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.svm import SVC
from tile_kernels import KillsItsWorker, gaussian, in_a_process_of_its_own, one_sided, with_median

from qiskit_qml_ext.circuits import IQPFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import StateTooLargeError
from qiskit_qml_ext.kernels import FidelityKernel, compute_kernel_matrix
from qiskit_qml_ext.kernels.tiles.tiling import Tiling
from qiskit_qml_ext.kernels.tiles.workers import computed_tiles
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(0).uniform(-1, 1, (50, 3))
Y = np.random.default_rng(1).uniform(-1, 1, (33, 3))
KERNEL = FidelityKernel(IQPFeatureMap())


@pytest.mark.parametrize("size", [1, 7, 16, 50, 1000])
def test_tiles_cover_a_matrix_once(size):
    for symmetric, columns in ((True, 50), (False, 33)):
        tiling = Tiling(50, columns, size, symmetric)
        covered = np.zeros((50, columns), dtype=int)
        for tile in tiling:
            covered[tile.rows, tile.columns] += 1
            if tiling.is_mirrored(tile):
                covered[tile.columns, tile.rows] += 1
        assert (covered == 1).all()


@pytest.mark.parametrize("size", [1, 7, 16, 50, None])
def test_tiles_give_the_entries_of_the_whole_matrix_bit_for_bit(size, tmp_path):
    assert_array_equal(compute_kernel_matrix(KERNEL, X, tile_size=size), KERNEL.evaluate(X))
    assert_array_equal(compute_kernel_matrix(KERNEL, X, Y, tile_size=size), KERNEL.evaluate(X, Y))
    on_disk = compute_kernel_matrix(KERNEL, X, tile_size=size, folder=tmp_path / "store")
    assert isinstance(on_disk, np.memmap)
    assert_array_equal(on_disk, KERNEL.evaluate(X))


def assert_workers_make_the_matrix_of_one_process(backend, folder):
    alone = compute_kernel_matrix(KERNEL, X, tile_size=16)
    with parallel_config(backend=backend, n_jobs=2):
        assert_array_equal(compute_kernel_matrix(KERNEL, X, tile_size=16), alone)
        assert_array_equal(compute_kernel_matrix(KERNEL, X, tile_size=16, folder=folder), alone)
        assert_array_equal(compute_kernel_matrix(KERNEL, X, Y, tile_size=16), KERNEL.evaluate(X, Y))


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_make_the_matrix_of_one_process_bit_for_bit(backend, tmp_path):
    assert_workers_make_the_matrix_of_one_process(backend, tmp_path)


def test_forked_workers_make_the_matrix_of_one_process_bit_for_bit(tmp_path):
    in_a_process_of_its_own(assert_workers_make_the_matrix_of_one_process, "multiprocessing", str(tmp_path))
    assert any(tmp_path.iterdir())


def test_a_kernel_that_is_a_function_is_taken_too():
    assert_array_equal(compute_kernel_matrix(gaussian, X, tile_size=9), gaussian(X))


@pytest.mark.slow
def test_a_killed_worker_costs_its_round_only(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    (marks / "one").touch()
    kernel = KillsItsWorker(os.getpid(), marks)
    assert_array_equal(compute_kernel_matrix(kernel, X, tile_size=10, num_processes=2), gaussian(X))
    assert list(marks.iterdir()) == [], "a worker was killed"


class LosesWorkers:
    """Stands for joblib's Parallel with workers that die in the first rounds."""

    rounds = 0

    def __init__(self, deaths):
        self.deaths = deaths

    def __call__(self, **settings):
        return self

    def __enter__(self):
        return self.run

    def __exit__(self, *error):
        pass

    def run(self, work):
        self.rounds += 1
        if self.rounds <= self.deaths:
            raise OSError("the cluster is gone")
        return [function(*arguments) for function, arguments, _ in work]


def test_workers_that_always_die_are_no_endless_loop(monkeypatch):
    workers = LosesWorkers(deaths=100)
    monkeypatch.setattr("qiskit_qml_ext.kernels.tiles.workers.Parallel", workers)
    with pytest.raises(OSError, match="the cluster is gone"):
        compute_kernel_matrix(gaussian, X, tile_size=10, num_processes=2)
    assert workers.rounds == 3


def test_workers_that_die_twice_cost_two_rounds(monkeypatch):
    workers = LosesWorkers(deaths=2)
    monkeypatch.setattr("qiskit_qml_ext.kernels.tiles.workers.Parallel", workers)
    assert_array_equal(compute_kernel_matrix(gaussian, X, tile_size=10, num_processes=2), gaussian(X))
    assert workers.rounds == 2 + 2, "15 tiles in rounds of 8"


def failing(X, Y=None):
    raise ZeroDivisionError("of the kernel")


def test_what_the_kernel_raises_is_raised_at_once():
    with pytest.raises(ZeroDivisionError, match="of the kernel"):
        list(computed_tiles(failing, X, None, Tiling(50, 50, 10, True), list(Tiling(50, 50, 10, True)), 2))


def test_a_sampled_kernel_runs_each_pair_once():
    connection = connect(shots=100, seed=0)
    kernel = FidelityKernel(IQPFeatureMap(), connection=connection)
    tiled = compute_kernel_matrix(kernel, X[:20], tile_size=7)
    assert connection.usage.circuits == 20 * 19 // 2
    assert_array_equal(tiled, kernel.evaluate(X[:20]))
    assert connection.usage.circuits == 20 * 19 // 2


def test_a_classifier_takes_the_matrix_from_the_disk(tmp_path):
    labels = X[:, 0] * X[:, 1] > 0
    on_disk = compute_kernel_matrix(KERNEL, X, folder=tmp_path, tile_size=20)
    with pytest.raises(ValueError, match="read-only"):
        on_disk[0, 0] = 2.0
    ours = SVC(kernel="precomputed").fit(on_disk, labels).decision_function(on_disk)
    assert_allclose(ours, SVC(kernel=KERNEL.evaluate).fit(X, labels).decision_function(X), atol=1e-9)


def test_a_matrix_that_does_not_fit_memory_is_refused_with_the_way_out():
    with pytest.raises(StateTooLargeError, match="Give a folder"):
        compute_kernel_matrix(gaussian, np.zeros((10_000_000, 1)))


@pytest.mark.parametrize(
    ("kernel", "arguments", "error", "message"),
    [
        (FidelityKernel(ZZFeatureMap(), psd_repair="clip"), {}, ValueError, "psd_repair='clip'.*whole matrix"),
        (with_median, {}, ValueError, "depend on the other samples"),
        (one_sided, {}, ValueError, "not symmetric.*Y=X.copy"),
        (FidelityKernel, {}, TypeError, "kernel must be a kernel with evaluate"),
        ("rbf", {}, TypeError, "kernel must be a kernel with evaluate"),
        (lambda X, Y: np.ones((2, 2)), {}, ValueError, "must return a matrix of the shape"),
        (lambda X, Y: np.full((len(X), len(X)), np.nan), {}, ValueError, "must return finite numbers"),
        (KERNEL, {"Y": np.ones((5, 2))}, ValueError, "Y has 2 features but X has 3"),
        (KERNEL, {"X": [[np.nan, 1, 2]]}, ValueError, "X has the value nan"),
        (KERNEL, {"X": np.ones((0, 0))}, ValueError, "X has no features"),
        (KERNEL, {"X": np.ones((0, 3))}, ValueError, "X has no samples"),
        (KERNEL, {"Y": np.ones((0, 3))}, ValueError, "Y has no samples"),
        (KERNEL, {"tile_size": 0}, ValueError, "tile_size must be at least 1"),
        (KERNEL, {"num_processes": 0}, ValueError, "num_processes must be"),
    ],
)
def test_what_cannot_be_meant_is_refused(kernel, arguments, error, message):
    with pytest.raises(error, match=message):
        compute_kernel_matrix(kernel, **{"X": X, **arguments})


def test_one_sample_and_two_equal_sets_have_their_matrices(tmp_path):
    assert compute_kernel_matrix(KERNEL, X[:1]).tolist() == [[1.0]]
    assert compute_kernel_matrix(one_sided, X[:3], X[:3].copy()).shape == (3, 3)
    assert compute_kernel_matrix(KERNEL, X[:1], folder=tmp_path).tolist() == [[1.0]]
