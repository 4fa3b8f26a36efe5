"""Entries found once for a whole search: in memory, in a file, among threads and processes; and never another's."""

import pickle
import sqlite3
import stat
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.primitives import StatevectorSampler
from qiskit_aer.noise import NoiseModel, depolarizing_error
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import CacheError
from qiskit_qml_ext.kernels import CachedKernel, ClipPSD, FidelityKernel, QuantumKernel, RawKernel
from qiskit_qml_ext.kernels.caching.contents import entries_key
from qiskit_qml_ext.kernels.caching.missing_blocks import missing_blocks
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.connection.views import with_new_noise

RNG = np.random.default_rng(7)
X = RNG.uniform(-1, 1, (40, 2))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
GRID = {"C": [0.1, 1.0, 10.0, 100.0]}
PAIRS = 40 * 39 // 2


class CountingSampler(StatevectorSampler):
    """Writes each row of values that it runs into a file, which processes share."""

    def __init__(self, path, **settings):
        super().__init__(**settings)
        self.path = str(path)

    def run(self, pubs, *, shots=None):
        with open(self.path, "a", encoding="utf-8") as file:
            for pub in pubs:
                for row in pub[1].as_array(pub[0].parameters):
                    file.write(row.tobytes().hex() + "\n")
        return super().run(pubs, shots=shots)

    def ran(self):
        path = Path(self.path)
        return path.read_text(encoding="utf-8").split() if path.exists() else []


class CountingStates(QuantumKernel):
    """Exact fidelities of a feature map; notes which entries it is asked for."""

    is_symmetric = True

    def __init__(self, inner):
        self.inner = inner

    def raw_kernel(self, x, y):
        rows = [row.tobytes() for row in x]
        columns = rows if y is None else [row.tobytes() for row in y]
        pairs = {frozenset((one, other)) for one in rows for other in columns}
        ASKED.update(pairs)
        return self.inner.raw_kernel(x, y)


ASKED = Counter()


def searched(kernel, **settings):
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    search = GridSearchCV(QuantumSVC(kernel), GRID, cv=folds, **settings)
    return search.fit(X, LABELS)


def test_a_grid_search_over_four_values_of_c_and_five_folds_runs_each_pair_once(tmp_path):
    sampler = CountingSampler(tmp_path / "ran", default_shots=50, seed=1)
    found = searched(CachedKernel(FidelityKernel(ZZFeatureMap(), sampler=sampler)))
    ran = sampler.ran()
    assert len(ran) == len(set(ran)) == PAIRS
    assert len(found.cv_results_["params"]) == 4


def test_an_exact_grid_search_finds_each_entry_once_and_decides_as_without_a_cache():
    ASKED.clear()
    found = searched(CachedKernel(CountingStates(FidelityKernel(ZZFeatureMap()))))
    assert set(ASKED.values()) == {1}
    assert len(ASKED) == PAIRS + 40
    plain = searched(FidelityKernel(ZZFeatureMap()))
    assert_allclose(found.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], atol=1e-12)
    assert_allclose(found.decision_function(X), plain.decision_function(X), atol=1e-6)


def test_with_all_samples_of_a_search_each_state_is_simulated_once():
    connection = connect()
    searched(CachedKernel(FidelityKernel(ZZFeatureMap(), connection=connection), samples=X))
    assert connection.usage.circuits == 40
    without = connect()
    searched(FidelityKernel(ZZFeatureMap(), connection=without))
    assert without.usage.circuits > 1000


def test_with_all_samples_of_a_search_there_is_one_job():
    connection = connect("exact", shots=20, seed=1)
    searched(CachedKernel(FidelityKernel(ZZFeatureMap(), connection=connection), samples=X))
    assert (connection.usage.circuits, connection.usage.jobs) == (PAIRS, 1)


def test_samples_of_a_search_that_are_scaled_first_are_not_found_in_vain():
    connection = connect()
    kernel = CachedKernel(FidelityKernel(ZZFeatureMap(), connection=connection), samples=X)
    kernel.evaluate(2 * X[:5])
    assert connection.usage.circuits == 5


@pytest.mark.slow
def test_two_processes_with_a_file_run_each_pair_once_together(tmp_path):
    sampler = CountingSampler(tmp_path / "ran", default_shots=50, seed=1)
    kernel = CachedKernel(FidelityKernel(ZZFeatureMap(), sampler=sampler), store=tmp_path / "entries")
    found = searched(kernel, n_jobs=2)
    ran = sampler.ran()
    assert len(ran) == len(set(ran)) == PAIRS
    again = searched(clone(kernel))  # a program run again
    assert len(sampler.ran()) == PAIRS
    assert_array_equal(found.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"])


class SlowStates(CountingStates):
    """Takes its time, so that threads meet."""

    def raw_kernel(self, x, y):
        threading.Event().wait(0.1)
        return super().raw_kernel(x, y)


@pytest.mark.parametrize("in_file", [False, True])
def test_threads_wait_for_what_another_one_is_finding(in_file, tmp_path):
    ASKED.clear()
    store = tmp_path / "entries" if in_file else None
    kernel, results = CachedKernel(SlowStates(FidelityKernel(ZZFeatureMap())), store=store), []
    threads = [threading.Thread(target=lambda: results.append(clone(kernel).evaluate(X[:6]))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert set(ASKED.values()) == {1}
    assert len(ASKED) == 15 + 6
    assert len(results) == 6
    for result in results:
        assert_array_equal(result, results[0])


def test_entries_keep_their_errors_shots_and_target(tmp_path):
    connection = connect("aer", shots=64, seed=2)
    plain = FidelityKernel(ZZFeatureMap(), connection=connection, psd_repair="clip").evaluate_with_errors(X[:8])
    for _ in range(2):
        kernel = CachedKernel(
            FidelityKernel(ZZFeatureMap(), connection=connection, psd_repair=ClipPSD()), store=tmp_path / "entries"
        )
        estimate = kernel.evaluate_with_errors(X[:8])
        assert_array_equal(estimate.raw, plain.raw)
        assert_array_equal(estimate.matrix, plain.matrix)
        assert_array_equal(estimate.standard_errors, plain.standard_errors)
        assert (estimate.shots, estimate.target, estimate.applied) == (64, "aer", plain.applied)
    anew = connect("aer", shots=64, seed=2)
    from_file = CachedKernel(FidelityKernel(ZZFeatureMap(), connection=anew), store=tmp_path / "entries")
    estimate = from_file.evaluate_with_errors(X[:8], X[4:9][::-1][1:])
    assert anew.usage.shots == 0
    assert_array_equal(estimate.matrix, plain.raw[:, [7, 6, 5, 4]])
    assert (estimate.shots, estimate.target) == (64, "aer")


def test_exact_entries_have_no_errors_and_no_shots(tmp_path):
    for _ in range(2):
        estimate = CachedKernel(FidelityKernel(), store=tmp_path / "entries").evaluate_with_errors(X[:5])
        assert (estimate.shots, estimate.target, estimate.entry_shots) == (None, "exact", None)
        assert not estimate.standard_errors.any()
        assert_allclose(estimate.matrix, FidelityKernel().evaluate(X[:5]), atol=1e-14)


def test_minus_zero_is_zero_and_repeated_samples_are_one():
    ASKED.clear()
    kernel = CachedKernel(CountingStates(FidelityKernel()))
    samples = np.array([[0.0, 1.0], [-0.0, 1.0], [0.5, 0.2], [0.5, 0.2]])
    matrix = kernel.evaluate(samples)
    assert_allclose(matrix, FidelityKernel().evaluate(samples), atol=1e-14)
    assert_allclose(kernel.evaluate(samples[1:2], samples[3:]), matrix[1:2, 3:], atol=0)
    assert sum(ASKED.values()) == 3


def rotated(angle, *, phase=0.0):
    """A map whose gate has the same name whatever it does."""
    x = [Parameter("x0"), Parameter("x1")]
    definition = QuantumCircuit(2, global_phase=phase)
    definition.rzz(angle, 0, 1)
    gate = Gate("mine", 2, [])
    gate.definition = definition
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    circuit.append(gate, [0, 1])
    circuit.ry(x[1], 0)
    circuit.ry(x[0], 1)
    return circuit


def trained(value):
    weight, x = Parameter("w"), [Parameter("x0"), Parameter("x1")]
    circuit = QuantumCircuit(2)
    circuit.ry(weight * x[0], 0)
    circuit.ry(x[1], 1)
    circuit.cx(0, 1)
    circuit.rx(x[0], 1)
    return FidelityKernel(circuit, training_parameters=[weight], training_values=[value])


def noisy(probability):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(probability, 2), ["cx"])
    return noise


def sampled(**settings):
    return FidelityKernel(ZZFeatureMap(), connection=connect("exact", **{"shots": 30, "seed": 1, **settings}))


def on_aer(noise):
    return FidelityKernel(ZZFeatureMap(), connection=connect("aer", shots=30, seed=1, noise_model=noise))


class Twice(FidelityKernel):
    def raw_kernel(self, x, y):
        raw = super().raw_kernel(x, y)
        return RawKernel(raw.matrix**2, raw.errors, raw.shots, raw.target)


DIFFERENT = {
    "definitions under one name": (lambda: FidelityKernel(rotated(0.4)), lambda: FidelityKernel(rotated(0.9))),
    "training values": (lambda: trained(0.3), lambda: trained(0.7)),
    "bandwidths": (
        lambda: FidelityKernel(AngleFeatureMap(bandwidth=0.5)),
        lambda: FidelityKernel(AngleFeatureMap(bandwidth=0.7)),
    ),
    "maps": (lambda: FidelityKernel(ZZFeatureMap()), lambda: FidelityKernel(AngleFeatureMap())),
    "shots": (sampled, lambda: sampled(shots=31)),
    "seeds": (sampled, lambda: sampled(seed=2)),
    "shots and none": (sampled, lambda: FidelityKernel(ZZFeatureMap())),
    "precisions": (
        lambda: FidelityKernel(connection=connect(dtype="complex64")),
        lambda: FidelityKernel(connection=connect(dtype="complex128")),
    ),
    "noise": (lambda: on_aer(noisy(0.02)), lambda: on_aer(noisy(0.2))),
    "noise and none": (lambda: on_aer(noisy(0.02)), lambda: on_aer(None)),
    "targets": (lambda: on_aer(None), sampled),
    "measured diagonals": (
        lambda: on_aer(noisy(0.2)),
        lambda: on_aer(noisy(0.2)).set_params(run_diagonal=True),
    ),
    "kinds of kernels": (FidelityKernel, Twice),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_never_taken_for_the_same(name, tmp_path):
    one, other = DIFFERENT[name]
    for made in (one, other, one):
        found = CachedKernel(made(), store=tmp_path / "entries").evaluate_with_errors(X[:6])
        alone = made().evaluate_with_errors(X[:6])
        # seeded, so equal; one entry is one number, whatever block of a product it was found in
        assert_allclose(found.matrix, alone.matrix, atol=1e-7 if name == "precisions" else 1e-14)
        assert (found.shots, found.target) == (alone.shots, alone.target)
    keys = {entries_key(made(), 2, in_every_process=True) for made in (one, other)}
    assert len(keys) == 2


@pytest.mark.parametrize("name", DIFFERENT)
def test_equal_kernels_have_equal_keys(name):
    for made in DIFFERENT[name]:
        keys = {entries_key(kernel, 2, in_every_process=True) for kernel in (made(), made(), clone(made()))}
        assert len(keys) == 1


def test_views_of_one_connection_with_other_settings_are_not_the_same_in_memory():
    connection = connect("aer", shots=30, seed=1)
    kernels = [FidelityKernel(connection=each) for each in (connection, with_new_noise(connection, 2), connection)]
    keys = [entries_key(kernel, 2, in_every_process=False) for kernel in kernels]
    assert keys[0] == keys[2] != keys[1]


def test_a_global_phase_changes_no_entry():
    plain, turned = (CachedKernel(FidelityKernel(rotated(0.4, phase=phase))).evaluate(X[:5]) for phase in (0, 1.3))
    assert_allclose(plain, turned, atol=1e-14)


def test_parameters_of_a_kernel_that_is_changed_are_seen():
    kernel = CachedKernel(FidelityKernel(AngleFeatureMap(bandwidth=0.5)))
    before = kernel.evaluate(X[:5])
    kernel.set_params(kernel__feature_map__bandwidth=1.5)
    assert_allclose(kernel.evaluate(X[:5]), FidelityKernel(AngleFeatureMap(bandwidth=1.5)).evaluate(X[:5]), atol=1e-14)
    kernel.set_params(kernel__feature_map__bandwidth=0.5)
    assert_array_equal(kernel.evaluate(X[:5]), before)


def test_a_kernel_that_is_not_symmetric_keeps_both_orders():
    class Lopsided(QuantumKernel):
        def raw_kernel(self, x, y):
            columns = x if y is None else y
            return RawKernel(np.exp(x[:, None, 0] - columns[None, :, 0]), None, None, "exact")

    kernel = CachedKernel(Lopsided())
    expected = np.exp(X[:6, None, 0] - X[None, :6, 0])
    assert_allclose(kernel.evaluate(X[:2], X[3:6]), expected[:2, 3:], atol=0)
    assert_allclose(kernel.evaluate(X[:6]), expected, atol=0)
    assert_allclose(kernel.evaluate(X[3:6], X[:2]), expected[3:, :2], atol=0)


@pytest.mark.parametrize("is_symmetric", [False, True])
def test_blocks_cover_what_is_missing_once_and_nothing_else(is_symmetric):
    rng = np.random.default_rng(3)
    for _ in range(200):
        size = rng.integers(1, 9)
        missing = rng.random((size, size)) < rng.random()
        if is_symmetric:
            missing |= missing.T
        covered = np.zeros((size, size), dtype=int)
        for rows, columns in missing_blocks(missing, is_symmetric=is_symmetric):
            block = np.ix_(rows, rows if columns is None else columns)
            covered[block] += 1
            if is_symmetric and columns is not None:
                covered.T[block] += 1
        assert_array_equal(covered, missing)


def test_memory_is_bounded_and_what_was_forgotten_is_found_again():
    room = 24 * 12**2  # twelve samples
    ASKED.clear()
    kernel = CachedKernel(CountingStates(FidelityKernel()), max_memory=room)
    expected = FidelityKernel().evaluate(X)
    for _ in range(2):
        for start in range(0, 40, 10):
            part = slice(start, start + 10)
            assert_allclose(kernel.evaluate(X[part]), expected[part, part], atol=1e-13)
            assert sum(table.num_bytes for table in kernel._memory._tables.values()) <= room
    assert max(ASKED.values()) == 2
    assert_allclose(kernel.evaluate(X), expected, atol=1e-13)  # more than there is room for


def test_a_copy_in_another_process_starts_empty_and_is_the_same_kernel():
    kernel = CachedKernel(sampled())
    matrix = kernel.evaluate(X[:5])
    copy = pickle.loads(pickle.dumps(kernel))
    assert not copy._memory._tables
    assert_array_equal(copy.evaluate(X[:5]), matrix)
    assert clone(kernel)._memory is kernel._memory


def test_a_cached_kernel_goes_elsewhere_and_into_a_support_vector_machine():
    kernel = CachedKernel(sampled())
    exact = kernel.exact_copy()
    assert_allclose(exact.evaluate(X[:5]), FidelityKernel(ZZFeatureMap()).evaluate(X[:5]), atol=1e-14)
    moved = kernel.with_connection(connect("exact", shots=77, seed=4))
    assert moved.evaluate_with_errors(X[:5]).shots == 77
    assert kernel.num_qubits(2) == 2
    assert kernel.circuit(2).num_clbits == 2
    machine = SVC(kernel=exact).fit(X, LABELS)
    plain = SVC(kernel=FidelityKernel(ZZFeatureMap())).fit(X, LABELS)
    assert_allclose(machine.decision_function(X), plain.decision_function(X), atol=1e-9)


def test_mitigation_sees_the_measured_diagonal_and_each_pair_runs_once():
    connection = connect("aer", shots=100, seed=1, noise_model=noisy(0.05))
    inner = FidelityKernel(ZZFeatureMap(), connection=connection, run_diagonal=True, psd_repair="mitigate_depolarizing")
    expected = inner.evaluate_with_errors(X[:6], X[4:9])
    usage = connection.usage
    cached = CachedKernel(inner).evaluate_with_errors(X[:6], X[4:9])
    assert_allclose(cached.matrix, expected.matrix, atol=1e-14)
    assert cached.applied == expected.applied
    assert connection.usage == usage


def test_a_file_is_private_to_its_owner(tmp_path):
    CachedKernel(FidelityKernel(), store=tmp_path / "entries").evaluate(X[:3])
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def filled(tmp_path):
    path = tmp_path / "entries"
    CachedKernel(FidelityKernel(), store=path).evaluate(X[:20])
    return path


def test_a_damaged_entry_is_a_clear_error(tmp_path):
    path = filled(tmp_path)
    with sqlite3.connect(path) as database:
        key, packed = database.execute("SELECT key, packed FROM entries LIMIT 1").fetchone()
        database.execute("UPDATE entries SET packed = ? WHERE key = ?", (bytes([packed[0] ^ 1]) + packed[1:], key))
    database.close()
    with pytest.raises(CacheError, match=r"is damaged: an entry is not what was written\. .* Delete it"):
        CachedKernel(FidelityKernel(), store=path).evaluate(X[:20])


def test_a_file_that_is_cut_short_or_overwritten_is_a_clear_error_or_finds_entries_again(tmp_path):
    expected, refused = FidelityKernel().evaluate(X[:20]), 0
    whole = filled(tmp_path).read_bytes()
    for number, place in enumerate(range(0, len(whole), 499)):
        path = tmp_path / f"damaged-{number}"
        path.write_bytes(whole[:place] + b"\xff\x00\x5a" + whole[place + 3 :] if number % 4 else whole[:place])
        try:
            found = CachedKernel(FidelityKernel(), store=path).evaluate(X[:20])
        except CacheError:
            refused += 1
        else:
            assert_allclose(found, expected, atol=1e-14)
    assert refused > 10


def test_what_is_no_file_of_entries_is_refused_before_anything_runs(tmp_path):
    text, other = tmp_path / "text", tmp_path / "other"
    text.write_text("no database at all, but long enough to look like something" * 20, encoding="utf-8")
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE t (a)")
    database.close()
    connection = connect("exact", shots=10)
    for store, error, words in (
        (text, CacheError, "is damaged: file is not a database"),
        (other, CacheError, "is a database of another program"),
        (tmp_path, ValueError, "is a folder"),
        (tmp_path / "no" / "file", ValueError, "does not exist"),
    ):
        with pytest.raises(error, match=words):
            CachedKernel(FidelityKernel(connection=connection), store=store).evaluate(X[:3])
    assert connection.usage.shots == 0
    assert other.read_bytes()[:15] == b"SQLite format 3"


def test_what_is_no_kernel_is_refused():
    with pytest.raises(TypeError, match="kernel must be a quantum kernel of this package, but"):
        CachedKernel(np.dot).evaluate(X[:3])
    with pytest.raises(ValueError, match="max_memory must be"):
        CachedKernel(FidelityKernel(), max_memory=0).evaluate(X[:3])
    with pytest.raises(ValueError, match="samples has the value nan"):
        CachedKernel(FidelityKernel(), samples=[[np.nan, 0.0]]).evaluate(X[:3])


def test_a_setting_that_cannot_be_written_down_is_refused_in_words():
    class Custom(QuantumKernel):
        def __init__(self, function):
            self.function = function

        def raw_kernel(self, x, y):
            return RawKernel(np.eye(len(x)), None, None, "exact")

    with pytest.raises(ValueError, match=r"Custom\.function"):
        CachedKernel(Custom(lambda: 1)).evaluate(X[:3])
