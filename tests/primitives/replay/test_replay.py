"""What was measured is given again, bit for bit, in another process without a network and without credentials."""

import json
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import zz_feature_map
from qiskit.primitives import StatevectorSampler
from qiskit.quantum_info import SparsePauliOp

import qiskit_qml_ext
from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.exceptions import DatasetError, ImpreciseKernelWarning, ReplayIncompleteError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Journal, JournaledSampler, connect, rehearse
from qiskit_qml_ext.primitives.journal.dataset import describing
from qiskit_qml_ext.primitives.replay import measured as measured_module
from tests.primitives.replay.programs import CASES, PROGRAMS, TARGETS

ROOT = Path(qiskit_qml_ext.__file__).parents[1]
MATRIX = np.array([[0.3, 1.2], [0.7, 0.1], [1.9, 0.4]])


def exported(connection, program, path, folder):
    """Run a program with a journal and export it; return what it gave."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImpreciseKernelWarning)
        results = program(connection(journal=path))
    with Journal(path) as journal:
        report = journal.export(folder)
    assert report.is_complete, report.summary()
    return results


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """What every program gave when it measured, and what it gave in another process afterwards."""
    place = tmp_path_factory.mktemp("data sets")
    first = {}
    for number, (target, program) in enumerate(CASES):
        folder = place / str(number)
        first[target, program] = exported(TARGETS[target], PROGRAMS[program], place / f"{number}.journal", folder)
        (place / f"{number}.journal").unlink()
    jobs = [(str(place / str(number)), program) for number, (_, program) in enumerate(CASES)]
    home = tmp_path_factory.mktemp("nobody's home")
    kept = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "NUMBA_CACHE_DIR", "OMP_NUM_THREADS")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.primitives.replay.programs", json.dumps(jobs)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=300)
    again = {}
    for number, case in enumerate(CASES):
        with np.load(place / f"{number}.replayed.npz") as archive:
            again[case] = [archive[name] for name in archive.files]
    return first, again


@pytest.mark.slow
@pytest.mark.parametrize(("target", "program"), CASES)
def test_another_process_gets_the_same_numbers(replayed, target, program):
    first, again = replayed[0][target, program], replayed[1][target, program]
    assert len(first) == len(again) > 0
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.slow
def test_the_same_asked_for_twice_gives_two_results(replayed):
    first = replayed[1]["fake device", "twice"]
    assert not np.array_equal(first[0], first[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A kernel of three samples, measured on a fake device, and four expectation values."""
    place = tmp_path_factory.mktemp("one") / "data"
    connection = connect("fake_manila", shots=64, seed=3, journal=place.with_name("run.journal"))
    FidelityKernel(ZZFeatureMap(), connection=connection).evaluate(MATRIX)
    connection.estimate([value_pub(connection, MATRIX)])
    with Journal(place.with_name("run.journal")) as journal:
        journal.export(place)
    return place


def value_pub(connection, values, label="ZZ", **settings):
    isa = connection.isa_circuit(zz_feature_map(2))
    observable = SparsePauliOp(label)
    return isa, observable.apply_layout(isa.layout) if isa.layout is not None else observable, values


def kernel_on(connection, **settings):
    return FidelityKernel(ZZFeatureMap(**settings), connection=connection)


def test_a_replay_says_what_the_device_said(folder):
    live, replay = connect("fake_manila", shots=64, seed=3), connect(replay=folder)
    for name in ("target_name", "num_qubits", "shots", "seed", "is_fake", "is_exact", "operation_names"):
        assert getattr(replay, name) == getattr(live, name)
    assert replay.device.build_coupling_map().get_edges() == live.device.build_coupling_map().get_edges()
    kernel = kernel_on(live).circuit(2)
    assert replay.price(kernel) == live.price(kernel)
    assert (
        replay.isa_circuit(kernel).layout.final_index_layout() == live.isa_circuit(kernel).layout.final_index_layout()
    )


def test_a_replay_runs_nothing_and_plans_nothing(folder):
    connection = connect(replay=folder)
    kernel = kernel_on(connection)
    plan = kernel.plan(MATRIX)
    assert (plan.circuits, plan.in_journal) == (3, 3)
    kernel.evaluate(MATRIX)
    assert connection.usage.jobs == connection.usage.shots == 0
    assert kernel.plan(np.vstack([MATRIX, MATRIX[:1] + 0.1])).in_journal == 0


def test_a_pickled_replay_replays(folder):
    connection = pickle.loads(pickle.dumps(connect(replay=folder)))
    expected = kernel_on(connect(replay=folder)).evaluate(MATRIX)
    assert np.array_equal(kernel_on(connection).evaluate(MATRIX), expected)


LACKS = {
    "other values": (
        lambda c: kernel_on(c).evaluate(MATRIX + 0.1),
        r"3 of 3 rows of values.*begins with \(2, 0\.5, 0\.8",
    ),
    "one new sample": (
        lambda c: kernel_on(c).evaluate(np.vstack([MATRIX, [[0.5, 0.6]]])),
        r"lacks 3 of 6 results.*3 of 6 rows of values were not measured",
    ),
    "another circuit": (lambda c: kernel_on(c, reps=1).evaluate(MATRIX), "Nothing was measured of circuit 0"),
    "the same again": (
        lambda c: [list(c.sample(kernel_on(c).circuit(2), np.hstack([MATRIX[:1], MATRIX[1:2]]))) for _ in range(2)],
        "less often than they were asked for",
    ),
    "another observable": (lambda c: c.estimate([value_pub(c, MATRIX, "XX")]), "1 of 1 blocks of values and observ"),
    "fewer values": (lambda c: c.estimate([value_pub(c, MATRIX[:2])]), "1 of 1 blocks of values and observables"),
}


@pytest.mark.parametrize("lack", LACKS)
def test_what_is_missing_is_named_and_never_simulated(folder, lack):
    ask, message = LACKS[lack]
    with pytest.raises(ReplayIncompleteError, match=message) as raised:
        ask(connect(replay=folder))
    assert "Nothing was simulated" in str(raised.value)


def test_other_shots_are_missing(folder):
    with pytest.raises(ReplayIncompleteError, match="was measured with shots 64, not with 65"):
        kernel_on(connect(replay=folder, shots=65)).evaluate(MATRIX)
    connection = connect(replay=folder, shots=65)
    with pytest.raises(ReplayIncompleteError, match=r"was measured with precision 0\.125, not with 0\.124"):
        connection.estimate([value_pub(connection, MATRIX)])


def test_what_failed_once_is_found_afterwards(folder):
    """An asking that came to nothing takes no number of repetition."""
    connection = connect(replay=folder)
    for _ in range(2):
        with pytest.raises(ReplayIncompleteError):
            kernel_on(connection).evaluate(np.vstack([MATRIX, [[0.5, 0.6]]]))
    assert kernel_on(connection).evaluate(MATRIX).shape == (3, 3)


def test_a_circuit_that_this_qiskit_cannot_read_is_replayed_all_the_same(folder, monkeypatch):
    expected = kernel_on(connect(replay=folder)).evaluate(MATRIX)
    values = connect(replay=folder)
    values = values.estimate([value_pub(values, MATRIX)])[0].data.evs
    monkeypatch.setattr(measured_module, "gates_of_circuit", lambda written: None)
    connection = connect(replay=folder)
    assert np.array_equal(kernel_on(connection).evaluate(MATRIX), expected)
    assert np.array_equal(connection.estimate([value_pub(connection, MATRIX)])[0].data.evs, values)


def test_every_changed_file_is_found(folder):
    names = [line.partition("  ")[2] for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()]
    there = [str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()]
    assert sorted([*names, "SHA256SUMS"]) == sorted(there)
    for name in names:
        content = (folder / name).read_bytes()
        try:
            changed = bytearray(content)
            changed[len(changed) // 2] ^= 1
            (folder / name).write_bytes(changed)
            with pytest.raises(DatasetError, match=f"its file {name} was changed"):
                connect(replay=folder)
            (folder / name).unlink()
            with pytest.raises(DatasetError, match=f"its file {name} cannot be read"):
                connect(replay=folder)
        finally:
            (folder / name).write_bytes(content)
    assert connect(replay=folder).shots == 64


def test_a_folder_that_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="is not a data set"):
        connect(replay=tmp_path)
    (tmp_path / "SHA256SUMS").write_text("0" * 64 + "  ../../etc/passwd\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="is no entry of it"):
        connect(replay=tmp_path)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"journal": "x"}, ValueError, "journal means nothing for a replay"),
        ({"max_executions": 5, "packing": True}, ValueError, "max_executions, packing mean nothing for a replay"),
        ({"target": "ibm_fez"}, ValueError, "was measured on fake_manila, not on 'ibm_fez'"),
        ({"target": 7}, TypeError, "the name of the target that was measured"),
        ({"series": 9}, ValueError, "series must be a number that it has \\(1, 2\\)"),
        ({"resilience_level": 1}, TypeError, "does not know the options resilience_level"),
    ],
)
def test_arguments_that_mean_nothing_for_a_replay_are_refused(folder, settings, error, message):
    with pytest.raises(error, match=message):
        connect(**{"replay": folder, **settings})


def test_ways_of_measuring_are_told_apart(tmp_path):
    matrices = {}
    with Journal(tmp_path / "run.journal") as journal:
        for seed in (1, 2):
            connection = connect("aer", shots=64, seed=seed, journal=journal)
            matrices[seed] = kernel_on(connection).evaluate(MATRIX)
        journal.export(tmp_path / "data")
    with pytest.raises(ValueError, match=r"was measured in several ways.*series=NUMBER.*1, a sampler on aer"):
        connect(replay=tmp_path / "data")
    assert not np.array_equal(matrices[1], matrices[2])
    for seed in (1, 2):
        connection = connect(replay=tmp_path / "data", series=seed)
        assert connection.seed == seed
        assert np.array_equal(kernel_on(connection).evaluate(MATRIX), matrices[seed])


ROWS = np.vstack([MATRIX, MATRIX[:2] + 0.2])


def estimated(connection, label):
    return connection.estimate([value_pub(connection, ROWS, label)])[0].data.evs


@pytest.fixture(scope="module")
def two_limits(tmp_path_factory):
    """What a program gave with jobs of three circuits, and another that shares some of its work with jobs of two."""
    place = tmp_path_factory.mktemp("two limits")
    with Journal(place / "run.journal") as journal:
        settings = {"shots": 64, "seed": 3, "journal": journal}
        large = connect("aer", max_executions_per_job=3 * 64, **settings)
        kernel_on(large).evaluate(MATRIX[:2])
        first = estimated(large, "XX")  # in larger blocks than the second program asks for
        estimated(large, "ZZ")
        small = connect("aer", max_executions_per_job=2 * 64, **settings)
        results = [kernel_on(small).evaluate(MATRIX), estimated(small, "ZZ"), first]
        assert large.usage.circuits == 1 + 5 + 5
        assert 2 < small.usage.circuits < 3 + 5  # a pair of samples was known
        assert journal.export(place / "data").is_complete
    return place, results


def replayed_both(folder, **settings):
    connection = connect(replay=folder, **settings)
    return [kernel_on(connection).evaluate(MATRIX), estimated(connection, "ZZ"), estimated(connection, "XX")]


def kinds_of_series(folder):
    document = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    return [one["kind"] for one in document["series"]]


def test_work_that_was_cut_into_jobs_of_two_sizes_is_one_way_of_measuring(two_limits):
    place, expected = two_limits
    assert sorted(kinds_of_series(place / "data")) == ["estimator", "estimator", "sampler"]
    for settings in ({}, {"series": 1}, {"series": 2}, {"series": 3}, {"series": [1, 2, 3]}):
        for one, other in zip(expected, replayed_both(place / "data", **settings), strict=True):
            assert np.array_equal(one, other)
    assert connect(replay=place / "data").max_executions_per_job == 2 * 64  # of the last run


def test_a_data_set_that_tells_two_sizes_of_jobs_apart_is_replayed_too(two_limits, tmp_path, monkeypatch):
    """As it was written before."""
    monkeypatch.setattr(describing, "without_limits", dict)
    place, expected = two_limits
    with Journal(place / "run.journal") as journal:
        journal.export(tmp_path / "data")
    assert sorted(kinds_of_series(tmp_path / "data")) == ["estimator", "estimator", "sampler", "sampler"]
    for settings in ({}, {"series": 1}, {"series": 4}):
        for one, other in zip(expected, replayed_both(tmp_path / "data", **settings), strict=True):
            assert np.array_equal(one, other)


def test_what_is_in_no_job_of_any_size_is_said_to_be_lacking(two_limits):
    connection = connect(replay=two_limits[0] / "data")
    both = [value_pub(connection, ROWS), value_pub(connection, ROWS, "YY")]
    with pytest.raises(ReplayIncompleteError, match=r"lacks 3 of 6 results.*Of circuit 1.*blocks"):
        connection.estimator.run(both)
    # what was refused does not count as asked for
    assert len(connection.estimator.run(both[:1]).result()[0].data.evs) == 5


def test_journaled_primitives_of_the_users_own_are_replayed(tmp_path):
    circuit = zz_feature_map(2)
    circuit.measure_all()
    with Journal(tmp_path / "run.journal") as journal:
        sampler = JournaledSampler(StatevectorSampler(seed=1), journal)
        bits = sampler.run([(circuit, MATRIX, 50)]).result()[0].data.meas
        journal.export(tmp_path / "data")
    connection = connect(replay=tmp_path / "data")
    again = connection.sampler.run([(circuit, MATRIX, 50)]).result()[0].data.meas
    assert np.array_equal(bits.array, again.array)
    assert connection.shots == 50


def test_fractional_circuits_are_found_by_the_circuit_as_it_was_built(tmp_path):
    """Angles are folded into parameters that neither circuit has, below the journal: they are in no data set."""

    def program(connection):
        kernel = FidelityKernel(zz_feature_map(2, reps=1), connection=connection)
        return [kernel.evaluate(MATRIX), kernel.evaluate(-MATRIX, MATRIX)]  # most angles are outside of [0, π/2]

    def measuring(**settings):
        return connect("fake_fractional", shots=64, seed=1, fractional=True, **settings)

    first = exported(measuring, program, tmp_path / "journal", tmp_path / "folder")
    replay = connect(replay=tmp_path / "folder")
    assert [part.tobytes() for part in program(replay)] == [part.tobytes() for part in first]
    assert replay.usage.jobs == 0
    circuits = replay.target.measured.data.document["circuits"]
    ran = [(tmp_path / "folder" / circuit["qasm"]).read_text() for circuit in circuits if circuit["qasm"]]
    assert any("rzz(" in text for text in ran)
    assert not any("folded" in text for text in ran)


def test_a_rehearsal_on_a_replay_says_that_nothing_runs(tmp_path):
    path, folder = tmp_path / "journal", tmp_path / "folder"
    kernel_on(connect("fake_manila", shots=16, seed=1, journal=path)).evaluate(MATRIX)
    Journal(path).export(folder)
    connection = connect(replay=folder)
    measured = QuantumCircuit(2)
    measured.measure_all()
    rehearsal = rehearse(connection, [measured])
    assert "replay of fake_manila runs nothing" in rehearsal.reason
