"""One connection, asked for kernels from everywhere at once: each pair runs once, and all get the same numbers."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.primitives import StatevectorSampler
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import NoiseModel, depolarizing_error
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from together import SECONDS, in_threads

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning, BudgetExceededError, ParameterOrderWarning
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import Journal, circuit_key, connect
from qiskit_qml_ext.primitives.pricing import Budget

DATA = np.random.default_rng(0).uniform(0, 2, (6, 2))
PAIRS = 15  # of six samples
SHOTS = 20


def noisy():
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx"])
    return noise


TARGETS = {
    "exact": lambda path: connect("exact", shots=SHOTS, seed=1),
    "Aer": lambda path: connect("aer", shots=SHOTS, seed=1),
    "Aer without a seed": lambda path: connect("aer", shots=SHOTS),
    "Aer with noise": lambda path: connect("aer", shots=SHOTS, seed=1, noise_model=noisy()),
    "Aer, several jobs": lambda path: connect("aer", shots=SHOTS, max_executions_per_job=4 * SHOTS),
    "Aer, journaled": lambda path: connect("aer", shots=SHOTS, seed=1, journal=path),
    "exact, journaled": lambda path: connect("exact", shots=SHOTS, seed=1, journal=path),
    "fake device": lambda path: connect("fake_manila", shots=SHOTS, seed=1),
    "fake device, packed": lambda path: connect("fake_manila", shots=SHOTS, seed=1, packing=2),
}


class SlowSampler(StatevectorSampler):
    """Notes what it runs; may wait, or fail a number of times."""

    def __init__(self, *, seconds=0.05, failures=(), **settings):
        super().__init__(**settings)
        self.rows, self._seconds, self._failures = [], seconds, list(failures)

    def run(self, pubs, *, shots=None):
        for pub in pubs:
            self.rows += [row.tobytes() for row in pub[1].as_array(pub[0].parameters)]
        time.sleep(self._seconds)
        if self._failures:
            raise self._failures.pop(0)
        return super().run(pubs, shots=shots)


def kernel(connection):
    return FidelityKernel(ZZFeatureMap(), connection=connection)


@pytest.mark.parametrize("name", TARGETS)
def test_eight_threads_pay_once_and_get_the_same(name, tmp_path):
    connection = TARGETS[name](tmp_path / "run.journal")
    first, *others = in_threads(*[lambda: kernel(connection).evaluate(DATA)] * 8)
    for other in others:
        np.testing.assert_array_equal(other, first)
    circuits = -(-PAIRS // 2) if "packed" in name else PAIRS
    assert connection.usage.shots == circuits * SHOTS
    before = connection.usage
    np.testing.assert_array_equal(kernel(connection).evaluate(DATA), first)
    assert connection.usage == before


@pytest.mark.parametrize("name", ["exact", "Aer", "Aer, journaled", "fake device"])
def test_threads_with_overlapping_samples_run_each_pair_once(name, tmp_path):
    connection = TARGETS[name](tmp_path / "run.journal")
    parts = [np.random.default_rng(seed).permutation(6)[:4] for seed in range(8)]
    matrices = in_threads(*[lambda part=part: kernel(connection).evaluate(DATA[part]) for part in parts])
    assert connection.usage.shots == len({frozenset(p) for part in parts for p in pairs_of(part)}) * SHOTS
    whole = kernel(connection).evaluate(DATA)
    assert connection.usage.shots == PAIRS * SHOTS
    for part, matrix in zip(parts, matrices, strict=True):
        np.testing.assert_array_equal(matrix, whole[np.ix_(part, part)])


def pairs_of(samples):
    return [(int(a), int(b)) for place, a in enumerate(samples) for b in samples[:place]]


def test_asyncio_tasks_pay_once():
    connection = connect("aer", shots=SHOTS)

    async def ask():
        tasks = [asyncio.to_thread(kernel(connection).evaluate, DATA[part:]) for part in (0, 1, 2, 0, 1, 2)]
        return await asyncio.wait_for(asyncio.gather(*tasks), SECONDS)

    matrices = asyncio.run(ask())
    assert connection.usage.shots == PAIRS * SHOTS
    for part, matrix in zip((0, 1, 2, 0, 1, 2), matrices, strict=True):
        np.testing.assert_array_equal(matrix, matrices[0][part:, part:])


@pytest.mark.parametrize("error", [OSError("no device"), KeyboardInterrupt(), BudgetExceededError("no money")])
def test_where_the_first_asker_fails_another_one_takes_over(error):
    shared = FidelityKernel(ZZFeatureMap(), sampler=SlowSampler(failures=[error]))
    ends = in_threads(*[lambda: shared.evaluate(DATA)] * 8)
    assert sum(end is error for end in ends) == 1
    matrices = [end for end in ends if isinstance(end, np.ndarray)]
    assert len(matrices) == 7
    assert len(shared.sampler.rows) == 2 * PAIRS  # the failed asking and the one that took over
    for matrix in matrices:
        np.testing.assert_array_equal(matrix, matrices[0])


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to a thread")
def test_after_a_real_interrupt_of_who_computes_those_who_wait_go_on():
    shared, ends = FidelityKernel(ZZFeatureMap(), sampler=SlowSampler(seconds=0.6)), []
    shared.circuit(2)

    def wait():
        while not shared.sampler.rows:
            time.sleep(0.001)
        threading.Timer(0.3, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()
        ends.extend(in_threads(*[lambda: shared.evaluate(DATA)] * 4))

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    waiting = threading.Thread(target=wait, daemon=True)
    try:
        waiting.start()
        with pytest.raises(KeyboardInterrupt):
            shared.evaluate(DATA)
    finally:
        signal.signal(signal.SIGINT, handler)
    waiting.join(2 * SECONDS)
    assert len(ends) == 4
    for matrix in ends:
        np.testing.assert_array_equal(matrix, ends[0])
    assert len(shared.sampler.rows) == 2 * PAIRS  # the interrupted asking and one more


def test_an_interrupted_journaled_run_is_taken_over_and_not_paid_again(tmp_path, monkeypatch):
    from qiskit_qml_ext.primitives.journal.job import JournaledJob

    connection = connect("aer", shots=SHOTS, seed=1, journal=tmp_path / "run.journal")
    interrupted, result = [], JournaledJob.result

    def interrupt_once(job, timeout=None):
        done = result(job, timeout)
        if not interrupted:
            interrupted.append(job)
            job._give_back()
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(JournaledJob, "result", interrupt_once)
    ends = in_threads(*[lambda: kernel(connection).evaluate(DATA)] * 8)
    assert sum(isinstance(end, KeyboardInterrupt) for end in ends) == 1
    assert sum(isinstance(end, np.ndarray) for end in ends) == 7
    assert connection.usage.shots == PAIRS * SHOTS  # what the interrupted run submitted is among it


@pytest.mark.parametrize("journaled", [False, True])
def test_a_refused_budget_is_an_error_for_each_of_those_who_wait(journaled, tmp_path):
    journal = tmp_path / "run.journal" if journaled else None
    connection = connect("aer", shots=SHOTS, max_executions=PAIRS * SHOTS - 1, journal=journal)
    ends = in_threads(*[lambda: kernel(connection).evaluate(DATA)] * 8)
    assert all(isinstance(end, BudgetExceededError) for end in ends)
    assert connection.usage.shots == 0


@pytest.mark.parametrize("journaled", [False, True])
def test_threads_with_different_samples_do_not_exceed_the_budget_together(journaled, tmp_path):
    journal = tmp_path / "run.journal" if journaled else None
    connection = connect("aer", shots=SHOTS, max_executions=3 * PAIRS * SHOTS, journal=journal)
    ends = in_threads(*[lambda place=place: kernel(connection).evaluate(DATA + place) for place in range(8)])
    assert sum(isinstance(end, np.ndarray) for end in ends) == 3
    assert sum(isinstance(end, BudgetExceededError) for end in ends) == 5
    assert connection.usage.shots == 3 * PAIRS * SHOTS


def test_a_budget_counts_right_whoever_looks_in_between():
    class Slow(int):
        def __add__(self, other):
            time.sleep(0.005)
            return Slow(int(self) + int(other))

        def __radd__(self, other):
            return self + other

    budget = Budget(max_executions=Slow(10))
    budget.executions = Slow(0)
    ends = in_threads(*[lambda: budget.approve(3, None)] * 8)
    assert sum(end is None for end in ends) == 3
    assert budget.executions == 9


def test_threads_and_clones_around_one_sampler_of_the_users_share_its_results():
    original = FidelityKernel(ZZFeatureMap(), sampler=SlowSampler())
    copies = [clone(original) for _ in range(4)]
    in_threads(*[lambda which=which: which.evaluate(DATA) for which in (original, original, *copies)])
    assert len(original.sampler.rows) == PAIRS
    other = original.get_params()["sampler"]
    assert clone(original).set_params(sampler=SlowSampler()).sampler is not other


class Ignoring(Gate):
    """Does nothing, whatever its angle."""

    def __init__(self, angle):
        super().__init__("ignoring", 1, [angle])

    def _define(self):
        self.definition = QuantumCircuit(1)


def test_samples_that_differ_where_the_circuit_does_not_look_are_one_sample():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    circuit.append(Ignoring(Parameter("b")), [0])
    connection = connect("aer", shots=SHOTS)
    columns = np.array([[0.3, 0.0], [0.3, 1.0], [1.2, 0.0], [1.2, 5.0]])
    matrix = FidelityKernel(circuit, connection=connection).evaluate(columns)
    assert connection.usage.circuits == 3  # each with itself, and the two with each other
    assert matrix[0, 2] == matrix[1, 2] == matrix[0, 3] == matrix[1, 3]
    assert matrix[0, 1] == matrix[2, 3] == 1


class SlowText(str):
    """Takes a moment to be found in a table, so that others come in between looking and noting."""

    __slots__ = ()

    def __hash__(self):
        time.sleep(0.005)
        return super().__hash__()

    def __eq__(self, other):
        return super().__eq__(other)


def test_threads_are_warned_once_of_an_approximation(monkeypatch):
    from qiskit_qml_ext.primitives.connection import connection as module

    monkeypatch.setattr(module, "circuit_key", lambda circuit: SlowText(circuit_key(circuit)))
    time_step = Parameter("t")
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XI", "ZZ"]), time_step), [0, 1])
    connection = connect("aer", shots=SHOTS)
    measured = circuit.copy()
    measured.measure_all()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        in_threads(*[lambda: connection.isa_circuit(measured)] * 8)
        in_threads(*[lambda: FidelityKernel(circuit, connection=connection).evaluate(DATA[:, :1])] * 8)
    assert [warning.category for warning in said].count(ApproximateCircuitWarning) == 2  # a circuit each


def test_threads_are_warned_once_of_the_order_of_parameters(monkeypatch):
    from qiskit_qml_ext.kernels import data_binding as module

    find = module._contradiction
    monkeypatch.setattr(module, "_contradiction", lambda names: time.sleep(0.02) or find(names))
    circuit = QuantumCircuit(1)
    for name in ("once2", "once10"):
        circuit.ry(Parameter(name), 0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        in_threads(*[lambda: FidelityKernel(circuit).evaluate(DATA)] * 8)
    assert [warning.category for warning in said].count(ParameterOrderWarning) == 1


def test_a_circuit_is_transpiled_once_and_does_not_keep_others_waiting(monkeypatch):
    from qiskit_qml_ext.primitives.connection import made_circuits as module

    connection, transpile, made, go_on = connect("aer", shots=SHOTS), module.isa_circuit, [], threading.Event()
    fast, slow = QuantumCircuit(1, 1), QuantumCircuit(2, 2)
    fast.measure(0, 0)
    slow.measure([0, 1], [0, 1])
    connection.isa_circuit(fast)

    def waiting(circuit, *settings):
        made.append(circuit)
        assert go_on.wait(SECONDS)
        return transpile(circuit, *settings)

    def known():
        while not made:
            time.sleep(0.001)
        try:
            return connection.isa_circuit(fast)
        finally:
            go_on.set()

    monkeypatch.setattr(module, "isa_circuit", waiting)
    ends = in_threads(*[lambda: connection.isa_circuit(slow)] * 8, known, seconds=20)
    assert not any(isinstance(end, BaseException) for end in ends)
    assert len(made) == 1


@pytest.mark.parametrize("mode", ["batch", "session"])
def test_threads_open_one_session(mode, monkeypatch):
    import qiskit_ibm_runtime
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    opened = []

    class Opened:
        def __init__(self, backend):
            time.sleep(0.05)
            opened.append(self)

        def close(self):
            opened.remove(self)

    monkeypatch.setattr(qiskit_ibm_runtime, mode.capitalize(), Opened)
    connection = connect(FakeManilaV2(), mode=mode)
    modes = in_threads(*[lambda: connection.target.open_mode()] * 8)
    assert len(opened) == 1
    assert modes == opened * 8
    connection.close()
    assert not opened


WORKER = """
import sys
import numpy as np
from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect
connection = connect("aer", shots=20, seed=1, journal=sys.argv[1], max_executions_per_job=60)
data = np.random.default_rng(0).uniform(0, 2, (6, 2))
kernel = FidelityKernel(ZZFeatureMap(), connection=connection)
kernel.circuit(2)
print("ready", flush=True)
sys.stdin.readline()
matrix = kernel.evaluate(data)
print(connection.usage.shots, *matrix.ravel().tolist(), flush=True)
"""


@pytest.mark.slow
def test_two_processes_with_one_journal_pay_once(tmp_path):
    path = tmp_path / "run.journal"
    Journal(path)
    command = [sys.executable, "-c", WORKER, str(path)]
    workers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    timers = [threading.Timer(2 * SECONDS, worker.kill) for worker in workers]
    try:
        for timer in timers:
            timer.start()
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        (paid, *first), (paid_too, *second) = (worker.communicate(timeout=SECONDS)[0].split() for worker in workers)
    finally:
        for worker, timer in zip(workers, timers, strict=True):
            timer.cancel()
            worker.kill()
    assert first == second
    assert int(paid) + int(paid_too) == PAIRS * SHOTS


def test_two_connections_with_one_journal_pay_once_together(tmp_path):
    journal = Journal(tmp_path / "run.journal")
    connections = [connect("aer", shots=SHOTS, seed=1, journal=kept) for kept in (journal, journal, journal.path)]
    matrices = in_threads(*[lambda c=connection: kernel(c).evaluate(DATA) for connection in connections])
    for matrix in matrices:
        np.testing.assert_array_equal(matrix, matrices[0])
    assert sum(connection.usage.shots for connection in connections) == PAIRS * SHOTS


def searched(target, n_jobs, backend, **settings):
    """Return the scores of a grid search over a seeded, sampled kernel."""
    rng = np.random.default_rng(3)
    X = rng.uniform(0, 2, (18, 2))
    y = X[:, 0] + 0.5 * X[:, 1] + rng.normal(0, 0.4, 18) > 1.4
    connection = connect(target, shots=16, seed=5, **settings)
    model = QuantumSVC(FidelityKernel(AngleFeatureMap(), connection=connection))
    grid = {"C": [0.3, 3.0], "kernel__feature_map__bandwidth": [0.5, 1.0]}
    with joblib.parallel_config(backend=backend):
        search = GridSearchCV(model, grid, cv=3, n_jobs=n_jobs, scoring="roc_auc").fit(X, y)
    return {name: value for name, value in search.cv_results_.items() if "score" in name and "time" not in name}


@pytest.mark.parametrize(
    ("target", "backend"),
    [("exact", "threading"), ("aer", "threading"), pytest.param("aer", "loky", marks=pytest.mark.slow)],
)
def test_a_seeded_grid_search_does_not_depend_on_the_number_of_jobs(target, backend):
    alone = searched(target, 1, backend)
    (together,) = in_threads(lambda: searched(target, 2, backend), seconds=240)
    for name in alone:
        np.testing.assert_array_equal(alone[name], together[name])


@pytest.mark.parametrize(
    "settings", [{"target": "exact"}, {"target": "aer"}, {"target": "aer", "max_executions_per_job": 60}]
)
def test_a_seeded_matrix_does_not_depend_on_how_it_is_asked_for(settings):
    def fresh():
        return kernel(connect(**settings, shots=SHOTS, seed=7))

    whole, halves = fresh().evaluate(DATA), fresh()
    lower, upper = DATA[:3], DATA[3:]
    in_halves = np.block(
        [
            [halves.evaluate(lower), halves.evaluate(lower, upper)],
            [halves.evaluate(upper, lower), halves.evaluate(upper)],
        ]
    )
    np.testing.assert_array_equal(in_halves, whole)
    np.testing.assert_array_equal(fresh().evaluate(DATA[::-1]), whole[::-1, ::-1])
    assert not np.array_equal(kernel(connect(**settings, shots=SHOTS, seed=8)).evaluate(DATA), whole)


@pytest.mark.parametrize("name", ["Aer with noise", "fake device", "Aer, journaled"])
def test_a_seeded_matrix_is_the_same_for_samples_in_any_order(name, tmp_path):
    order = np.array([3, 1, 5, 0, 4, 2])
    whole = kernel(TARGETS[name](tmp_path / "first.journal")).evaluate(DATA)
    shuffled = kernel(TARGETS[name](tmp_path / "second.journal")).evaluate(DATA[order])
    np.testing.assert_array_equal(shuffled, whole[np.ix_(order, order)])
