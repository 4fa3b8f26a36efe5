"""A kernel matrix on disk: interrupted, torn, changed, and asked for by another kernel."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from qiskit.circuit import ParameterVector, QuantumCircuit
from tile_kernels import gaussian

from qiskit_qml_ext.circuits import IQPFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel, compute_kernel_matrix
from qiskit_qml_ext.kernels.tiles.content import content_digest
from qiskit_qml_ext.kernels.tiles.tile_store import TileStore
from qiskit_qml_ext.kernels.tiles.tile_values import TileValues
from qiskit_qml_ext.kernels.tiles.tiling import Tile, Tiling
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(0).uniform(-1, 1, (50, 3))
TESTS = Path(__file__).parents[2]


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """how many tiles are computed from now on; looks at a few samples, and whole matrices, do not count."""
    file = tmp_path / "calls"
    monkeypatch.setenv("CALLS", str(file))

    def count():
        text = file.read_text() if file.exists() else ""
        file.write_text("")
        sizes = [tuple(map(int, line.split())) for line in text.splitlines()]
        return sum(height == 10 for height, _ in sizes)

    return count


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def computed(store, **arguments):
    return compute_kernel_matrix(gaussian, **{"X": X, "folder": store, "tile_size": 10, **arguments})


def test_a_finished_matrix_is_not_computed_again(store, calls):
    first = computed(store)
    assert calls() == 15
    assert_array_equal(computed(store), first)
    assert_array_equal(computed(store, tile_size=None), first)
    assert calls() == 0


SCRIPT = """
import numpy as np
from tile_kernels import gaussian
from qiskit_qml_ext.kernels import compute_kernel_matrix
X = np.random.default_rng(0).uniform(-1, 1, (50, 3))
compute_kernel_matrix(gaussian, X, folder={folder!r}, tile_size=10)
"""


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_without_computing_finished_tiles_again(store, calls):
    environment = {**os.environ, "PAUSE": "0.1", "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    killed = subprocess.Popen([sys.executable, "-c", SCRIPT.format(folder=str(store))], env=environment)
    log = store / "finished.log"
    until = time.monotonic() + 60
    while not (log.exists() and log.read_bytes().count(b"\n") >= 4):
        assert time.monotonic() < until
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    done = log.read_bytes().count(b"\n")
    assert 4 <= done < 15
    calls()
    assert_array_equal(computed(store), gaussian(X))
    assert calls() == 15 - done


def damaged(store, row, column):
    """Change one entry on the disk."""
    matrix = np.load(store / "matrix.npy", mmap_mode="r+")
    matrix[row, column] += 1e-9
    matrix.flush()


@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 25), (25, 3), (49, 49)])
def test_a_tile_that_changed_on_the_disk_is_computed_again_and_no_other(store, calls, row, column):
    computed(store)
    calls()
    damaged(store, row, column)
    assert_array_equal(computed(store), gaussian(X))
    assert calls() == 1


@pytest.mark.parametrize("torn", range(1, 40, 6))
def test_a_line_that_was_torn_counts_as_not_written_and_the_next_one_counts(store, calls, torn):
    computed(store)
    log = store / "finished.log"
    log.write_bytes(log.read_bytes()[:-torn])
    calls()
    assert_array_equal(computed(store), gaussian(X))
    assert calls() == (0 if torn == 1 else 1), "without its end the last line is whole"
    assert_array_equal(computed(store), gaussian(X))
    assert calls() == 0


def test_values_without_a_line_count_as_not_written(store, calls):
    computed(store)
    (store / "finished.log").unlink()
    calls()
    assert_array_equal(computed(store), gaussian(X))
    assert calls() == 15


def test_a_store_that_was_killed_while_it_was_made_is_made_again(store):
    store.mkdir()
    (store / "matrix.npy").write_bytes(b"\x93NUMPY torn")
    assert_array_equal(computed(store), gaussian(X))


def test_a_matrix_that_is_not_whole_is_refused(store):
    computed(store)
    content = (store / "matrix.npy").read_bytes()
    (store / "matrix.npy").write_bytes(content[:-8])
    with pytest.raises(ValueError, match=r"not a whole matrix.*Delete the folder"):
        computed(store)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 99}', '{"format": 1, "tile_size": "ten", "content": {}}'])
def test_a_description_that_is_none_is_refused(store, text):
    computed(store)
    (store / "tiles.json").write_text(text)
    with pytest.raises(ValueError, match="does not describe tiles"):
        computed(store)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"X": X + 1e-12}, "X"),
        ({"X": X[:49]}, "X.*shape"),
        ({"Y": X[:7].copy()}, "Y.*is_symmetric.*shape"),
        ({"tile_size": 11}, "tile_size"),
    ],
)
def test_a_folder_keeps_to_its_data(store, arguments, named):
    first = np.array(computed(store))
    with pytest.raises(ValueError, match=f"(?s)another matrix.*differs in.*{named}"):
        computed(store, **arguments)
    assert_array_equal(computed(store), first)


def test_a_folder_keeps_to_its_kernel_and_its_target(store):
    kernel = FidelityKernel(IQPFeatureMap())
    compute_kernel_matrix(kernel, X[:9], folder=store)
    others = [
        FidelityKernel(IQPFeatureMap(reps=3)),
        FidelityKernel(ZZFeatureMap()),
        FidelityKernel(IQPFeatureMap(), connection=connect(shots=100, seed=1)),
        gaussian,
    ]
    for other in others:
        with pytest.raises(ValueError, match=r"another matrix.*differs in kernel"):
            compute_kernel_matrix(other, X[:9], folder=store)
    compute_kernel_matrix(FidelityKernel(IQPFeatureMap()), X[:9], folder=store)


def test_kernels_that_differ_in_what_decides_their_entries_have_different_digests():
    sampled = {"feature_map": ZZFeatureMap(), "run_diagonal": True}
    kernels = [
        FidelityKernel(ZZFeatureMap()),
        FidelityKernel(ZZFeatureMap(bandwidth=0.5)),
        FidelityKernel(ZZFeatureMap().build(3)),
        FidelityKernel(ZZFeatureMap(), connection=connect(dtype="complex64")),
        FidelityKernel(**sampled, connection=connect(shots=100)),
        FidelityKernel(**sampled, connection=connect(shots=100, seed=0)),
        FidelityKernel(**sampled, connection=connect(shots=101)),
        FidelityKernel(**sampled, connection=connect("aer", shots=100)),
        FidelityKernel(**sampled, connection=connect("fake_manila", shots=100)),
    ]
    digests = [content_digest(kernel) for kernel in kernels]
    assert len(set(digests)) == len(kernels)
    assert content_digest(FidelityKernel(ZZFeatureMap())) == digests[0]


def circuit_of(name):
    x = ParameterVector(name, 2)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.rzz(x[1], 0, 1)
    return circuit


def test_circuits_that_are_built_again_are_the_same_kernel():
    first, again = (content_digest(FidelityKernel(circuit_of("x"))) for _ in range(2))
    assert first == again


def changed(X, Y=None):
    return gaussian(X, Y) * CHANGED["by"]


CHANGED = {"by": 1.0}


def test_entries_that_a_kernel_no_longer_gives_are_refused_although_its_settings_are_the_same(store, monkeypatch):
    """What a function reads from elsewhere at run time is in no digest."""
    monkeypatch.setattr("qiskit_qml_ext.kernels.tiles.tiled_work.content_digest", lambda kernel: "the same")
    compute_kernel_matrix(changed, X, folder=store, tile_size=10)
    monkeypatch.setitem(CHANGED, "by", 0.5)
    with pytest.raises(ValueError, match="entries that this kernel does not give"):
        compute_kernel_matrix(changed, X, folder=store, tile_size=10)


def test_other_files_are_left_alone(store):
    store.mkdir()
    (store / "thesis.txt").write_text("two years")
    with pytest.raises(ValueError, match=r"holds other files, such as 'thesis.txt'"):
        computed(store)
    assert (store / "thesis.txt").read_text() == "two years"


def test_two_processes_do_not_write_to_one_store(store):
    tiling = Tiling(50, 50, 10, True)
    with TileStore(store, {"kernel": "one"}, tiling), pytest.raises(BlockingIOError, match="Another process computes"):
        TileStore(store, {"kernel": "one"}, tiling).__enter__()
    with TileStore(store, {"kernel": "one"}, tiling) as again:
        assert again.finished() == set()


def test_a_disk_that_is_too_small_is_refused_before_anything_is_computed(store, calls, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("qiskit_qml_ext.kernels.tiles.tile_store.shutil.disk_usage", lambda path: usage)
    with pytest.raises(ValueError, match=r"takes 19.5 KiB.*1000 bytes are free"):
        computed(store)
    assert calls() == 0


def test_files_are_for_their_owner_only(store):
    computed(store)
    assert {stat.S_IMODE(path.stat().st_mode) for path in store.iterdir()} == {0o600}
    assert json.loads((store / "tiles.json").read_text())["shape"] == [50, 50]


def test_a_tile_reads_back_as_it_was_written(store):
    tiling = Tiling(50, 50, 10, True)
    tile, values = Tile(10, 30, 10, 10), np.random.default_rng(0).normal(size=(10, 10))
    with TileStore(store, {}, tiling) as opened:
        opened.write(tile, TileValues({"matrix": values}))
        assert_array_equal(opened.read(tile), values)
        assert_array_equal(opened.read(Tile(30, 10, 10, 10)), values.T)
        assert opened.finished() == {tile}
