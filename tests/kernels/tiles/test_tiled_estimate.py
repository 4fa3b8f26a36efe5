"""Standard errors of matrices in tiles: those of the whole matrix, and what interrupts or changes them."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.gaussian_process.kernels import RBF
from tile_kernels import gaussian

from qiskit_qml_ext.circuits import AngleFeatureMap, IQPFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import (
    CombinedKernel,
    FidelityKernel,
    HammingKernel,
    KernelEstimate,
    MatrixProductStates,
    ProjectedKernel,
    ReadoutErrors,
    compute_kernel_estimate,
    compute_kernel_matrix,
)
from qiskit_qml_ext.kernels.tiles import tiled_estimate
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(0).uniform(-1, 1, (20, 3))
Y = np.random.default_rng(1).uniform(-1, 1, (9, 3))
FIELDS = ("matrix", "standard_errors", "raw", "truncation_errors", "entry_shots")


def shots(number=100):
    return connect("exact", shots=number, seed=0)


def sampled():
    return FidelityKernel(IQPFeatureMap(), connection=shots())


def assert_is_whole(tiled, whole, atol=0.0):
    for name in FIELDS:
        ours, theirs = getattr(tiled, name), getattr(whole, name)
        assert (ours is None) == (theirs is None), name
        if ours is not None:
            assert_allclose(ours, theirs, rtol=0, atol=atol, err_msg=name)
            assert ours.dtype == theirs.dtype
    for name in ("shots", "target", "applied", "conditions"):
        assert getattr(tiled, name) == getattr(whole, name), name
    assert type(tiled) is KernelEstimate
    assert tiled.outcomes is None


@pytest.mark.parametrize("size", [1, 7, 20, None])
def test_errors_are_those_of_the_whole_matrix_bit_for_bit(size, tmp_path):
    kernel = sampled()
    whole, between = kernel.evaluate_with_errors(X), kernel.evaluate_with_errors(X, Y)
    assert np.count_nonzero(whole.standard_errors) == 20 * 19
    used = kernel.connection.usage
    for folder in (None, tmp_path / "store"):
        assert_is_whole(compute_kernel_estimate(kernel, X, tile_size=size, folder=folder), whole)
    assert_is_whole(compute_kernel_estimate(kernel, X, Y, tile_size=size, folder=tmp_path / "between"), between)
    assert kernel.connection.usage == used
    assert isinstance(compute_kernel_estimate(kernel, X, folder=tmp_path / "store").standard_errors, np.memmap)


KERNELS = {
    "exact": lambda: FidelityKernel(ZZFeatureMap()),
    "diagonal": lambda: FidelityKernel(ZZFeatureMap(), connection=shots(), run_diagonal=True),
    "corrected": lambda: FidelityKernel(
        AngleFeatureMap(), connection=shots(), readout_correction=ReadoutErrors(0.01, 0.02)
    ),
    "hamming": lambda: HammingKernel(AngleFeatureMap(), connection=shots()),
    "swap": lambda: FidelityKernel(AngleFeatureMap(), connection=shots(), method="swap"),
    "adaptive": lambda: FidelityKernel(AngleFeatureMap(), connection=shots(400), shots="adaptive"),
    "truncated": lambda: FidelityKernel(ZZFeatureMap(), method=MatrixProductStates(max_bond=2)),
    "combined": lambda: CombinedKernel([("one", sampled()), ("rbf", RBF())], weights=[0.5, 0.5]),
}


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("kind", KERNELS)
def test_every_estimate_in_tiles_is_that_of_the_whole(kind, size, tmp_path):
    kernel = KERNELS[kind]()
    samples = X[:8] if kind == "truncated" else np.concatenate([X[:8], X[:1]])  # one of them twice
    whole = kernel.evaluate_with_errors(samples)
    for folder in (None, tmp_path, tmp_path):
        assert_is_whole(compute_kernel_estimate(kernel, samples, tile_size=size, folder=folder), whole, atol=1e-14)
    assert (whole.entry_shots is not None) == (kind == "adaptive")
    assert (whole.truncation_errors is not None) == (kind == "truncated")


def test_errors_of_projected_kernels_are_those_of_the_whole_matrix_to_rounding():
    kernel = ProjectedKernel(IQPFeatureMap(), gamma=0.7, connection=shots())
    assert_is_whole(compute_kernel_estimate(kernel, X, tile_size=7), kernel.evaluate_with_errors(X), atol=1e-12)


@pytest.mark.slow
def test_processes_make_the_estimate_of_one():
    kernel = sampled()
    whole = kernel.evaluate_with_errors(X[:10])
    assert_is_whole(compute_kernel_estimate(kernel, X[:10], tile_size=4, num_processes=2), whole)


# --- on disk ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def tiles(monkeypatch):
    """the sizes of the tiles that are computed."""
    computed, read = [], tiled_estimate.estimate_between

    def counting(kernel, rows, columns):
        if len(computed) >= limit[0]:
            raise KeyboardInterrupt
        computed.append((len(rows), 0 if columns is None else len(columns)))
        return read(kernel, rows, columns)

    limit = [10**6]
    monkeypatch.setattr(tiled_estimate, "estimate_between", counting)
    return computed, limit


def fresh(folder, **arguments):
    """Compute by a kernel whose connection knows nothing yet."""
    return compute_kernel_estimate(sampled(), X, folder=folder, **{"tile_size": 6, **arguments})


def test_a_run_that_was_interrupted_goes_on_without_computing_finished_tiles_again(tiles, tmp_path):
    computed, limit = tiles
    limit[0] = 4
    with pytest.raises(KeyboardInterrupt):
        fresh(tmp_path)
    assert len(computed) == 4
    limit[0] = 10**6
    kernel = sampled()
    going_on = compute_kernel_estimate(kernel, X, folder=tmp_path)
    assert len(computed) == 10
    assert 0 < kernel.connection.usage.circuits < 190
    assert_is_whole(going_on, sampled().evaluate_with_errors(X))
    silent = sampled()
    assert_is_whole(compute_kernel_estimate(silent, X, folder=tmp_path), sampled().evaluate_with_errors(X))
    assert len(computed) == 10
    assert silent.connection.usage.circuits == 0


@pytest.mark.parametrize("layer", ["matrix", "standard_errors"])
@pytest.mark.parametrize(("row", "column"), [(1, 2), (2, 19), (19, 2)])
def test_a_tile_whose_entries_or_errors_changed_is_computed_again_and_no_other(tiles, tmp_path, layer, row, column):
    fresh(tmp_path)
    held = np.load(tmp_path / f"{layer}.npy", mmap_mode="r+")
    held[row, column] += 1e-9
    held.flush()
    tiles[0].clear()
    assert_is_whole(fresh(tmp_path), sampled().evaluate_with_errors(X))
    assert len(tiles[0]) == 1


def test_what_is_noted_of_a_tile_cannot_change_unseen(tiles, tmp_path):
    fresh(tmp_path)
    log = tmp_path / "finished.log"
    lines = log.read_text().splitlines(keepends=True)
    for changed in (
        lines[3].replace('"shots": 100', '"shots": 999'),
        lines[3][:40] + "\n",
        lines[3].rpartition(" ")[0],
    ):
        log.write_text("".join([*lines[:3], changed, *lines[4:]]))
        tiles[0].clear()
        assert_is_whole(fresh(tmp_path), sampled().evaluate_with_errors(X))
        assert len(tiles[0]) in (1, 2)  # a line without its end takes the next one with it


def test_files_that_are_gone_are_named_or_computed_again(tiles, tmp_path):
    adaptive = KERNELS["adaptive"]
    whole = compute_kernel_estimate(adaptive(), X[:8], folder=tmp_path, tile_size=4)
    (tmp_path / "entry_shots.npy").unlink()
    tiles[0].clear()
    assert_is_whole(compute_kernel_estimate(adaptive(), X[:8], folder=tmp_path), adaptive().evaluate_with_errors(X[:8]))
    assert len(tiles[0]) == 3
    assert whole.entry_shots is not None
    (tmp_path / "standard_errors.npy").unlink()
    with pytest.raises(ValueError, match=r"standard_errors.npy is not a whole matrix.*Delete the folder"):
        compute_kernel_estimate(adaptive(), X[:8], folder=tmp_path)


def test_a_folder_keeps_to_matrices_with_errors_or_without(tmp_path):
    fresh(tmp_path / "with")
    with pytest.raises(ValueError, match="another matrix: it differs in layers"):
        compute_kernel_matrix(sampled(), X, folder=tmp_path / "with")
    compute_kernel_matrix(sampled(), X, folder=tmp_path / "without")
    with pytest.raises(ValueError, match="another matrix: it differs in layers"):
        fresh(tmp_path / "without", tile_size=None)
    with pytest.raises(ValueError, match="read-only"):
        fresh(tmp_path / "with").standard_errors[0, 0] = 1.0


def test_a_matrix_in_memory_and_its_raw_copy_are_two():
    estimate = compute_kernel_estimate(sampled(), X[:4])
    estimate.matrix[0, 0] = 7.0
    assert estimate.raw[0, 0] == 1.0


def test_one_sample_says_the_shots_of_its_connection():
    estimate = compute_kernel_estimate(sampled(), X[:1])
    assert (estimate.shots, estimate.matrix.tolist(), estimate.standard_errors.tolist()) == (100, [[1.0]], [[0.0]])


class Stating:
    """A kernel of somebody's own, whose estimate is what ``make`` makes of a right one."""

    def __init__(self, make):
        self.make = make

    def evaluate(self, X, Y=None):
        return gaussian(X, Y)

    def evaluate_with_errors(self, X, Y=None):
        values = gaussian(X, Y)
        return self.make(KernelEstimate(values, np.full_like(values, 0.1), values, 10, "mine"))


def test_a_kernel_of_ones_own_is_taken():
    estimate = compute_kernel_estimate(Stating(lambda one: one), X, tile_size=7)
    assert_array_equal(estimate.matrix, gaussian(X))
    assert (estimate.shots, estimate.target, set(estimate.standard_errors.ravel())) == (10, "mine", {0.1})
    unknown = compute_kernel_estimate(Stating(lambda one: replace(one, synthesis_error=None)), X, tile_size=7)
    assert unknown.synthesis_error is None
    assert compute_kernel_estimate(Stating(lambda one: replace(one, synthesis_error=0.1)), X).synthesis_error == 0.1


@pytest.mark.parametrize(
    ("kernel", "error", "message"),
    [
        (gaussian, TypeError, "kernel must be a kernel with evaluate_with_errors"),
        (FidelityKernel, TypeError, "kernel must be a kernel with evaluate_with_errors"),
        (FidelityKernel(ZZFeatureMap(), psd_repair="clip"), ValueError, "psd_repair='clip'.*whole matrix"),
        (ProjectedKernel(ZZFeatureMap()), ValueError, "gamma='median'"),
        (Stating(lambda one: one.matrix), TypeError, "must return a KernelEstimate, but it returned a ndarray"),
        (Stating(lambda one: replace(one, standard_errors=one.matrix * np.nan)), ValueError, "finite numbers"),
        (Stating(lambda one: replace(one, standard_errors=one.matrix[1:])), ValueError, "a matrix of the shape"),
        (Stating(lambda one: replace(one, repaired_errors=one.matrix)), ValueError, "repairs its matrix"),
        (Stating(lambda one: replace(one, standard_errors=np.triu(one.matrix))), ValueError, "not symmetric"),
    ],
)
def test_what_cannot_be_meant_is_refused(kernel, error, message):
    with pytest.raises(error, match=message):
        compute_kernel_estimate(kernel, X)
