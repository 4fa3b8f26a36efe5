"""The benchmarks run at toy size, and what they say follows from what was measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp

from benchmarks.checks import difference
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.environments import REQUIREMENTS
from benchmarks.epoch import epoch_of, in_numpy
from benchmarks.inputs import new_gates, plateau_gates, training_data, training_gates, zz_angles, zz_pairs, zz_samples
from benchmarks.peers import ours
from benchmarks.peers.ours import qiskit_circuit
from benchmarks.process import ROOT, Worker, WorkerError
from benchmarks.race import Outcome
from benchmarks.report import format_seconds
from benchmarks.rows import Row, Target
from benchmarks.suites import SUITES
from benchmarks.verdict import judge
from qiskit_qml_ext.engine import expectation_vjp, expectations
from qiskit_qml_ext.program import lower


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory):
    """One run of the command at toy size with the peers that this interpreter can import."""
    folder = tmp_path_factory.mktemp("benchmarks")
    command = [sys.executable, "-m", "benchmarks", "--tiny", "--environments", str(folder), "--output", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, folder


@pytest.mark.slow
def test_every_suite_runs_and_every_peer_that_is_here_agrees_with_us(tiny_run):
    _, folder = tiny_run
    content = json.loads(next(folder.glob("*.json")).read_text(encoding="utf-8"))
    assert {row["suite"] for row in content["rows"]} == set(SUITES)
    for row in content["rows"]:
        for outcome in row["outcomes"]:
            assert outcome["status"] == "ok" or outcome["status"].startswith("absent"), (row["title"], outcome)
            if outcome["status"] == "ok" and outcome["bytes"] is None:
                assert len(outcome["seconds"]) == 2
                assert min(outcome["seconds"]) > 0
    peers = {
        outcome["contender"] for row in content["rows"] for outcome in row["outcomes"] if outcome["status"] == "ok"
    }
    assert {"ours", "aer", "qml"} <= peers  # these are dependencies of the package
    assert all(rate > 0 for rate in content["rates"].values())
    assert content["versions"]["aer"]["qiskit-aer"]


@pytest.mark.slow
def test_tables_are_printed_and_stored(tiny_run):
    printed, folder = tiny_run
    markdown = next(folder.glob("*.md")).read_text(encoding="utf-8")
    for text in (printed, markdown):
        assert "qiskit-machine-learning" in text
        assert "best rival / ours" in text
        assert "Roofline" in text
    assert "| Aer |" in markdown


def test_unknown_suite_is_refused_with_the_names_of_all():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--suites", "speed"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no suite 'speed'" in done.stderr
    assert "training" in done.stderr


def test_each_contender_has_its_module_and_its_requirements():
    for contender in CONTENDERS.values():
        assert (ROOT / "benchmarks" / "peers" / f"{contender.module}.py").is_file()
        if contender.environment is not None:
            lines = (REQUIREMENTS / f"{contender.environment}.txt").read_text(encoding="utf-8").split()
            assert lines
            assert all("==" in line for line in lines)
        assert set(contender.rival_in + contender.beside_in) <= set(SUITES)
    for _, rows in SUITES.values():
        for row in rows(True) + rows(False):
            assert set(row.rivals + row.others) <= set(CONTENDERS)


def test_absent_package_and_unknown_case_are_told_apart(tmp_path):
    absent = Worker(Contender("nobody", "no_such_peer", ""), tmp_path, 60.0)
    assert "no_such_peer" in absent.absent
    absent.close()
    worker = Worker(CONTENDERS["machine"], tmp_path, 60.0)
    assert not worker.absent
    with pytest.raises(WorkerError, match="KeyError: 'nothing'"):
        worker.ask(op="prepare", case={"kind": "nothing"}, result=str(tmp_path / "r.npy"))
    answer = worker.ask(op="prepare", case={"kind": "copy", "bytes": 800}, result=str(tmp_path / "r.npy"))
    assert answer["seconds"] > 0
    answer = worker.ask(op="time", seconds=0.001)
    assert answer["seconds"] == answer["waited"] > 0  # nothing is scaled
    worker.close()
    with pytest.raises(WorkerError, match="ended"):
        worker.ask(op="time", seconds=0.001)


def test_worker_that_does_not_answer_is_ended(tmp_path):
    worker = Worker(CONTENDERS["machine"], tmp_path, 60.0)
    worker.ask(op="prepare", case={"kind": "copy", "bytes": 800}, result=str(tmp_path / "r.npy"))
    worker.patience = 0.1
    with pytest.raises(WorkerError, match=r"no answer within 0\.1 s"):
        worker.ask(op="time", seconds=30.0)
    worker.close()


def row_with(**settings):
    return Row("states", "a row", {"kind": "states", "shots": 1024}, rivals=("aer", "qml"), others=("jax",), **settings)


def test_ratio_is_to_the_best_rival_and_not_to_the_others():
    outcomes = [
        Outcome("ours", seconds=[1.0, 2.0, 100.0]),
        Outcome("aer", seconds=[30.0]),
        Outcome("qml", seconds=[50.0]),
        Outcome("jax", seconds=[4.0]),
    ]
    verdict = judge(row_with(target=Target(minimum_ratio=15.0)), outcomes)
    assert (verdict.best_rival, verdict.ratio, verdict.met) == ("aer", 15.0, True)
    assert (verdict.best_of_all, verdict.ratio_to_all) == ("jax", 2.0)
    assert judge(row_with(target=Target(minimum_ratio=15.1)), outcomes).met is False


def test_rival_with_a_wrong_result_does_not_count():
    outcomes = [
        Outcome("ours", seconds=[1.0]),
        Outcome("aer", seconds=[30.0], status="wrong: it differs"),
        Outcome("qml", seconds=[50.0]),
    ]
    assert judge(row_with(target=Target(minimum_ratio=40.0)), outcomes).best_rival == "qml"


def test_nothing_is_met_without_a_number():
    outcomes = [Outcome("ours", status="failed: reason"), Outcome("aer", seconds=[30.0])]
    for target in (Target(minimum_ratio=2.0), Target(maximum_seconds=1.0), Target(maximum_bytes=1.0)):
        assert judge(row_with(target=target), outcomes).met is None
    assert judge(row_with(target=Target(maximum_bytes=2e9)), [Outcome("ours", bytes=3e9)]).met is False
    assert judge(row_with(target=Target(maximum_seconds=0.05)), [Outcome("ours", seconds=[0.04])]).met is True


@pytest.mark.parametrize(("seconds", "met"), [(1.00005, True), (1.0002, False)])
def test_what_is_added_to_our_time_is_judged_by_the_difference(seconds, met):
    outcomes = [Outcome("ours", seconds=[1.0]), Outcome("aer", seconds=[seconds])]
    verdict = judge(row_with(target=Target(maximum_added_seconds=1e-4)), outcomes)
    assert (verdict.target, verdict.met) == ("< 100 µs more", met)
    assert judge(row_with(target=Target(maximum_added_seconds=1e-4)), outcomes[:1]).met is None


def test_an_epoch_in_numpy_goes_down_the_gradient_of_the_cross_entropy():
    plan = epoch_of({"num_qubits": 2, "layers": 1, "samples": 130})
    assert [len(batch) for batch in plan.batches] == [44, 43, 43]
    assert sorted(np.concatenate(plan.batches)) == list(range(130))
    slopes = []

    def evaluate(features, weights):
        def pull(cotangents):
            slopes.append(cotangents)
            return np.zeros(len(weights))

        return np.tile(features[:, :1], (1, 3)), pull

    end = in_numpy(plan, evaluate).run()
    np.testing.assert_allclose(np.concatenate(slopes).sum(axis=1), 0.0, atol=0.5)
    weights, scale, bias = plan.split(end)
    np.testing.assert_array_equal(weights, plan.split(plan.start)[0])  # no slope, no step
    assert np.all(np.abs(bias) <= 3 * 0.05 + 1e-9)
    assert np.any(bias != 0.0)
    assert np.any(scale != 1.0)


@pytest.mark.filterwarnings("ignore:3 of the 6 weights change no output")  # the last RZ, which all contenders have
def test_an_epoch_of_our_model_takes_the_batches_that_all_others_are_given():
    case = {"num_qubits": 3, "layers": 1, "samples": 130}
    plan = epoch_of(case)
    program = lower(qiskit_circuit(3, plan.gates))
    observables = [SparsePauliOp.from_sparse_list([("Z", [k], 1.0)], 3) for k in range(3)]

    def evaluate(features, weights):
        rows = np.hstack([features, np.tile(weights, (len(features), 1))])

        def pull(cotangents):
            return expectation_vjp(program, rows, observables, cotangents)[1][:, 3:].sum(axis=0)

        return expectations(program, rows, observables), pull

    np.testing.assert_allclose(ours.epoch(case).run(), in_numpy(plan, evaluate).run(), atol=1e-10)


def test_global_phase_is_no_difference_but_another_state_is():
    row = row_with(check="states")
    rng = np.random.default_rng(0)
    states = rng.normal(size=(3, 8)) + 1j * rng.normal(size=(3, 8))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    phases = np.exp(1j * rng.uniform(0, 6, (3, 1)))
    assert difference(row, states * phases, states) is None
    assert "differs by" in difference(row, states * phases + 1e-5, states)
    assert "shape" in difference(row, states[:, :, None], states)


def test_part_of_a_matrix_is_compared_with_the_same_part():
    row = row_with(check="close")
    matrix = np.random.default_rng(0).uniform(size=(5, 5))
    assert difference(row, matrix[:2, :2], matrix) is None
    assert difference(row, matrix[:2, :2] + 2e-6, matrix) is not None


def test_sampled_result_may_differ_by_shot_noise_only():
    row = row_with(check="binomial")
    truth = np.random.default_rng(1).uniform(size=(20, 20))
    rng = np.random.default_rng(2)
    first, second = (rng.binomial(1024, truth) / 1024 for _ in range(2))
    # 400 comparisons at 6 standard deviations; the seed is fixed.
    assert difference(row, first, second) is None
    assert "standard deviations" in difference(row, np.clip(first + 0.15, 0, 1), second)


def test_angles_and_gates_are_those_of_qiskits_circuits():
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import zz_feature_map
    from qiskit.quantum_info import Statevector

    x = zz_samples({"samples": 2, "num_qubits": 3})
    singles, doubles = zz_angles(x)
    circuit = QuantumCircuit(3)
    for _ in range(2):
        circuit.h(range(3))
        for qubit in range(3):
            circuit.rz(singles[1, qubit], qubit)
        for place, pair in enumerate(zz_pairs(3)):
            circuit.rzz(doubles[1, place], *pair)
    expected = Statevector(zz_feature_map(3, 2, entanglement="full").assign_parameters(x[1]))
    assert abs(Statevector(circuit).inner(expected)) == pytest.approx(1.0, abs=1e-12)


def test_every_new_circuit_has_another_structure_and_uses_each_column_once():
    _, weights = training_data({"samples": 2, "num_qubits": 4, "layers": 3})
    circuits = [training_gates(4, 3), *(new_gates(4, 3, number) for number in range(5))]
    assert len({tuple(gates) for gates in circuits}) == 6
    for gates in circuits:
        assert [column for _, _, column in gates if column >= 0] == list(range(4 + len(weights)))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3.14159e-7, "0.314 µs"), (2.8e-5, "28 µs"), (0.0123, "12.3 ms"), (0.7, "700 ms"), (31, "31 s")],
)
def test_seconds_have_three_digits_and_a_unit(seconds, text):
    assert format_seconds(seconds) == text


def test_blas_of_workers_chooses_its_own_kernels(monkeypatch):
    from benchmarks.process import _environment

    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path.cwd())]))
    assert "OPENBLAS_CORETYPE" not in _environment(own=True)
    assert "PYTHONPATH" in _environment(own=True)
    assert "PYTHONPATH" not in _environment(own=False)


def test_plateau_circuit_is_that_of_mcclean():
    gates = plateau_gates(3, 2)
    assert gates[:3] == [("ry", (0,), 0), ("ry", (1,), 1), ("ry", (2,), 2)]
    assert [column for name, _, column in gates if name != "cz"] == list(range(9))
    assert [qubits for name, qubits, _ in gates if name == "cz"] == [(0, 1), (1, 2)] * 2
