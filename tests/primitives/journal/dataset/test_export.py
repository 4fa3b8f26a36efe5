"""A journal as a folder: what it says is true, whole and nobody else's business."""

import json
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm3, qpy
from qiskit.circuit import ClassicalRegister, Parameter, QuantumRegister
from qiskit.circuit.library import HGate
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparsePauliOp, Statevector
from runtime_server.harness import CRN, TOKEN
from runtime_server.work import QUICK

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.exceptions import DatasetError, JournalError, ReplayIncompleteError, RunIncompleteError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Journal, JournaledEstimator, JournaledSampler, Policy, connect
from qiskit_qml_ext.primitives.journal import check_journal, read_dataset, repair_journal
from qiskit_qml_ext.primitives.journal.disk.rows import INPUTS, PARTS, change
from tests.primitives.journal.damage import put

DATA = np.random.default_rng(0).uniform(0, 2, (4, 2))
SHOTS = 400
MAIL = "ada.lovelace@example.org"


def kernel(connection):
    return FidelityKernel(AngleFeatureMap(), connection=connection)


def correlated():
    """Three qubits of which two are measured into registers of their own; one angle is seen by no measurement."""
    angles = [Parameter(name) for name in ("alpha", "beta", "unseen")]
    circuit = QuantumCircuit(QuantumRegister(3, "q"), ClassicalRegister(2, "low"), ClassicalRegister(1, "high"))
    circuit.ry(angles[0], 0)
    circuit.cx(0, 1)
    circuit.ry(angles[1], 1)
    circuit.rz(angles[2], 2)
    circuit.measure([0, 1, 2], [0, 1, 2])
    return circuit


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A journal with a sampler's and an estimator's work on exact probabilities, and its data set."""
    place = tmp_path_factory.mktemp("whole")
    values = np.array([[0.4, 1.1, 0.2], [2.0, 0.3, 1.5]])
    bare = correlated().remove_final_measurements(inplace=False)
    with Journal(place / "run.journal") as journal:
        JournaledSampler(StatevectorSampler(seed=1), journal).run([(correlated(), values, SHOTS)]).result()
        observables = [[SparsePauliOp(["ZIZ", "IXX"], [1, 0.5])], [SparsePauliOp("IIZ")]]
        estimator = JournaledEstimator(StatevectorEstimator(), journal)
        estimator.run([(bare, observables, values)], precision=0.0).result()
        report = journal.export(place / "data", title="A test: 1, 2", creators=["Ada Lovelace"], license="CC-BY-4.0")
    assert report.is_complete
    return place


def document_of(folder):
    return json.loads((folder / "dataset.json").read_text(encoding="utf-8"))


def test_the_document_is_what_its_schema_says(whole):
    schema = json.loads((whole / "data" / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document_of(whole / "data"))
    assert schema["version"] == document_of(whole / "data")["schema_version"] == "1.0"


def test_the_shots_are_those_of_the_circuit_with_the_values_that_stand_beside_them(whole):
    """Read with NumPy and Qiskit alone, as the README says."""
    folder = whole / "data"
    (job,) = [job for job in document_of(folder)["jobs"] if job["kind"] == "sampler"]
    (pub,) = job["pubs"]
    arrays = np.load(folder / job["file"], allow_pickle=False)
    (said,) = [circuit for circuit in document_of(folder)["circuits"] if circuit["id"] == pub["circuit"]]
    with open(folder / said["qpy"], "rb") as file:
        (circuit,) = qpy.load(file)
    names = [circuit.parameters[column].name for column in pub["columns"]]
    bare = circuit.remove_final_measurements(inplace=False)
    low, high = (arrays[pub["results"][name]] for name in ("low", "high"))
    assert low.shape == high.shape == (2, SHOTS, 1)
    for row, values in enumerate(arrays[pub["values"]]):
        bound = bare.assign_parameters(dict(zip(names, values, strict=True)))
        expected = Statevector(bound).probabilities([0, 1])
        counts = np.bincount(low[row, :, 0], minlength=4) / SHOTS
        # 6 standard errors of a fixed seed
        assert np.all(np.abs(counts - expected) <= 6 * np.sqrt(expected * (1 - expected) / SHOTS) + 1e-12)
    read = qasm3.loads((folder / said["qasm"]).read_text(encoding="utf-8"))
    assert read.count_ops() == circuit.count_ops()


def test_the_values_are_those_of_the_observables_that_stand_beside_them(whole):
    folder = whole / "data"
    (job,) = [job for job in document_of(folder)["jobs"] if job["kind"] == "estimator"]
    (pub,) = job["pubs"]
    arrays = np.load(folder / job["file"], allow_pickle=False)
    (said,) = [circuit for circuit in document_of(folder)["circuits"] if circuit["id"] == pub["circuit"]]
    with open(folder / said["qpy"], "rb") as file:
        (circuit,) = qpy.load(file)
    values = arrays[pub["values"]]
    values = np.broadcast_to(values, (*pub["shape"], values.shape[-1]))
    terms = np.empty(len(pub["observables"]["terms"]), dtype=object)
    terms[:] = pub["observables"]["terms"]
    terms = np.broadcast_to(terms.reshape(pub["observables"]["shape"]), pub["shape"])
    expected = np.empty(pub["shape"])
    for place in np.ndindex(*pub["shape"]):
        operator = SparsePauliOp(list(terms[place]), list(terms[place].values()))
        expected[place] = Statevector(circuit.assign_parameters(values[place])).expectation_value(operator).real
    np.testing.assert_allclose(arrays[pub["results"]["evs"]], expected, atol=1e-12)
    assert pub["precision"] == 0.0


def test_checksums_are_those_of_the_usual_program(whole):
    if shutil.which("sha256sum") is None:
        pytest.skip("there is no sha256sum here")
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=whole / "data", check=True)


def test_two_exports_of_one_journal_are_the_same(whole, tmp_path):
    settings = {"title": "A test: 1, 2", "creators": ["Ada Lovelace"], "license": "CC-BY-4.0"}
    with Journal(whole / "run.journal") as journal:
        report = journal.export(tmp_path / "again", **settings)
    assert report.fingerprint == read_dataset(whole / "data").fingerprint


def test_the_citation_names_title_creators_and_license(whole):
    lines = (whole / "data" / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["cff-version: 1.2.0", "message: Please cite this data set as follows.", "type: dataset"]
    assert 'title: "A test: 1, 2"' in lines
    assert '  - name: "Ada Lovelace"' in lines
    assert 'license: "CC-BY-4.0"' in lines
    assert "# A test: 1, 2" in (whole / "data" / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def measured(server, backend, path):
    """A kernel measured on the service by the unmodified client, with tags that name a person."""
    connection = connect(
        backend,
        shots=SHOTS,
        journal=path,
        policy=Policy(**QUICK),
        environment={"job_tags": [MAIL, "secret project"]},
        max_executions_per_job=3 * SHOTS,
    )
    return kernel(connection).evaluate(DATA)


def test_a_data_set_of_a_device_tells_nothing_of_the_account(server, measured, path, tmp_path):
    with Journal(path) as journal:
        report = journal.export(tmp_path / "data")
        jobs = [unit.job for unit in journal.units()]
        tag = journal.tag
    assert report.is_complete
    text = b"".join(file.read_bytes() for file in sorted((tmp_path / "data").rglob("*")) if file.is_file())
    text += b"".join(
        array.tobytes()
        for file in (tmp_path / "data" / "jobs").iterdir()
        for array in np.load(file, allow_pickle=False).values()
    )
    private = [TOKEN, CRN, "crn:", MAIL, "secret project", tag, "qmlx-", server.url, *jobs]
    private += [str(tmp_path), str(path), str(Path.home()), "bluemix"]
    assert [word for word in private if word.encode() in text] == []
    assert re.findall(rb"[\w.+-]+@[\w-]+\.[a-z]{2,}", text) == []
    with Journal(path) as journal:
        journal.export(tmp_path / "with jobs", job_ids=True)
    assert [job["job"] for job in document_of(tmp_path / "with jobs")["jobs"]] == jobs


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"creators": "Ada Lovelace"}, TypeError, "creators must be a list of texts"),
        ({"creators": [3]}, TypeError, "each of creators must be a text"),
        ({"creators": ["Ada", ""]}, ValueError, "each of creators must be a text that is not empty"),
        ({"title": None}, TypeError, "title must be a text"),
        ({"title": ""}, ValueError, "title must be a text that is not empty"),
        ({"license": 3}, TypeError, "license must be a text"),
        ({"job_ids": "x"}, TypeError, "job_ids must be True or False"),
        ({"folder": 3}, TypeError, "folder must be the path of a folder"),
    ],
)
def test_arguments_of_an_export_are_checked_before_anything_is_written(tmp_path, wrong, error, words):
    with Journal(tmp_path / "run.journal") as journal, pytest.raises(error, match=words):
        journal.export(**{"folder": tmp_path / "data", **wrong})
    assert not (tmp_path / "data").exists()


def test_an_export_touches_no_folder_beside_its_own(tmp_path):
    beside = tmp_path / ".data.part"
    beside.mkdir()
    (beside / "precious").write_text("mine")
    with Journal(tmp_path / "run.journal") as journal:
        journal.export(tmp_path / "data")
    assert (beside / "precious").read_text() == "mine"
    names = {item.name for item in tmp_path.iterdir() if not item.name.startswith("run.journal")}
    assert names == {"data", ".data.part"}  # nothing half written is left
    assert (tmp_path / "data").stat().st_mode == beside.stat().st_mode


def test_of_two_exports_to_one_name_the_first_one_stays_whole(tmp_path, monkeypatch):
    """The second one begins and ends while the first one writes."""
    ended = []

    def write(place, content, _write=Path.write_bytes):
        if not ended:
            ended.append(True)
            with Journal(tmp_path / "other.journal") as other:
                other.export(tmp_path / "data", title="The faster one")
        return _write(place, content)

    monkeypatch.setattr(Path, "write_bytes", write)
    with Journal(tmp_path / "run.journal") as journal, pytest.raises(JournalError, match="exists already"):
        journal.export(tmp_path / "data")
    assert document_of(tmp_path / "data")["title"] == "The faster one"
    assert not [item.name for item in tmp_path.iterdir() if item.name.startswith(".")]


def test_each_calibration_of_a_device_has_its_own_report(server, backend, path, tmp_path):
    """The client's backend keeps the report that it read first."""
    connection = connect(backend, shots=50, journal=path, policy=Policy(**QUICK))
    list(connection.sample(pair(0), np.zeros((1, 0))))
    server.recalibrate("test_manila")
    server.spoil_qubit("test_manila", 4)
    list(connect(backend, shots=50, journal=path, policy=Policy(**QUICK)).sample(pair(1), np.zeros((1, 0))))
    with Journal(path) as journal:
        journal.export(tmp_path / "data")
    document = document_of(tmp_path / "data")
    assert [job["device"] for job in document["jobs"]] == document["devices"]
    reports = [json.loads((tmp_path / "data" / name).read_text(encoding="utf-8")) for name in document["devices"]]
    assert len(reports) == 2
    errors = [
        {tuple(qubits): error for qubits, error, _ in report["instructions"]["measure"]["places"]} for report in reports
    ]
    fresh = server.service().backend("test_manila").target["measure"]
    assert errors[0] != errors[1]
    assert errors[1] == {qubits: properties.error for qubits, properties in fresh.items()}


def pair(control):
    circuit = QuantumCircuit(2)
    circuit.h(control)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def test_a_device_is_described_as_it_was_calibrated(server, backend, measured, path, tmp_path):
    with Journal(path) as journal:
        journal.export(tmp_path / "data")
    document = document_of(tmp_path / "data")
    assert len(document["devices"]) == 1
    assert {job["device"] for job in document["jobs"]} == set(document["devices"])
    assert all(job["calibration"] and job["qpu_seconds"] is not None for job in document["jobs"])
    said = json.loads((tmp_path / "data" / document["devices"][0]).read_text(encoding="utf-8"))
    errors = {tuple(qubits): error for qubits, error, _ in said["instructions"]["cx"]["places"]}
    assert errors == {qubits: properties.error for qubits, properties in backend.target["cx"].items()}
    assert document["software"][0]["qiskit-ibm-runtime"]


def test_a_kernel_of_a_device_is_replayed_without_it(server, measured, path, tmp_path, monkeypatch):
    with Journal(path) as journal:
        journal.export(tmp_path / "data")
    for name in server.environment:
        monkeypatch.delenv(name)
    connection = connect(replay=tmp_path / "data")
    assert np.array_equal(kernel(connection).evaluate(DATA), measured)
    assert not connection.is_fake


def test_what_is_not_done_is_named_and_not_made_up(server, backend, path, tmp_path):
    settings = {"shots": SHOTS, "journal": path, "policy": Policy(**QUICK), "max_executions_per_job": 3 * SHOTS}
    half = kernel(connect(backend, **settings)).evaluate(DATA[:3])
    server.fail_next(100)
    with pytest.raises(RunIncompleteError):
        kernel(connect(backend, **settings)).evaluate(DATA)
    with Journal(path) as journal:
        report = journal.export(tmp_path / "data")
        states = [unit.state for unit in journal.units()]
    assert 0 < report.num_results < report.num_jobs == len(states)
    assert not report.is_complete
    assert len(report.missing) == sum(state != "done" for state in states)
    readme = (tmp_path / "data" / "README.md").read_text(encoding="utf-8")
    assert all(sentence in readme for sentence in report.missing)
    assert [job["state"] for job in document_of(tmp_path / "data")["jobs"]] == states
    replay = connect(replay=tmp_path / "data")
    assert np.array_equal(kernel(replay).evaluate(DATA[:3]), half)
    with pytest.raises(ReplayIncompleteError, match=r"of its jobs were not done when it was exported"):
        kernel(connect(replay=tmp_path / "data")).evaluate(DATA)


@pytest.mark.parametrize(
    ("secret", "what"),
    [(MAIL, "an e-mail address"), (CRN, "a cloud resource name"), ("qmlx-0123456789", "a tag of a journal")],
)
def test_a_name_that_tells_too_much_stops_the_export(path, tmp_path, secret, what):
    circuit = QuantumCircuit(1)
    circuit.append(HGate(label=secret), [0])
    circuit.measure_all()
    with Journal(path) as journal:
        JournaledSampler(StatevectorSampler(seed=1), journal).run([circuit], shots=5).result()
        with pytest.raises(JournalError, match=f"holds {what}"):
            journal.export(tmp_path / "data")
    assert [one for one in tmp_path.iterdir() if "data" in one.name] == []


def test_names_and_metadata_of_circuits_are_left_out(path, tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_API_TOKEN", "hushhushhush")
    circuit = QuantumCircuit(1, name=f"by {MAIL}", metadata={"lab": "hushhushhush"})
    circuit.h(0)
    circuit.measure_all()
    with Journal(path) as journal:
        JournaledSampler(StatevectorSampler(seed=1), journal).run([circuit], shots=5).result()
        assert journal.export(tmp_path / "data").is_complete
    text = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
    assert b"hush" not in text
    assert MAIL.encode() not in text


def test_a_folder_that_is_there_is_left_alone(whole, tmp_path):
    (tmp_path / "there").mkdir()
    with Journal(whole / "run.journal") as journal:
        with pytest.raises(JournalError, match="exists already"):
            journal.export(tmp_path / "there")
        with pytest.raises(JournalError, match="Create it first"):
            journal.export(tmp_path / "no" / "where")
    assert list((tmp_path / "there").iterdir()) == []


def test_a_journal_of_the_second_schema_is_exported_as_far_as_it_goes(whole, path, tmp_path):
    """Before circuits were kept: results and options are there, what was asked for is not."""
    shutil.copy(whole / "run.journal", path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TABLE inputs")
        database.execute("DROP TABLE parts")
        database.execute("PRAGMA user_version = 2")
    assert check_journal(path).schema == 2
    with Journal(path) as journal:
        report = journal.export(tmp_path / "data")
    assert (report.num_results, report.num_replayable) == (2, 0)
    assert report.missing == tuple(f"Of job {job} it is not on record what was asked for." for job in (1, 2))
    assert path.with_name("run.journal.schema2").exists()
    old, new = document_of(tmp_path / "data"), document_of(whole / "data")
    for one, other in zip(old["jobs"], new["jobs"], strict=True):
        first, second = (
            np.load(place / job["file"]) for place, job in ((tmp_path / "data", one), (whole / "data", other))
        )
        for name, array in one["pubs"][0]["results"].items():
            np.testing.assert_array_equal(first[array], second[other["pubs"][0]["results"][name]])
    schema = json.loads((tmp_path / "data" / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(old)
    with pytest.raises(DatasetError, match="nothing to replay"):
        connect(replay=tmp_path / "data")
    # the program that asked for it is run again and finds everything
    values = np.array([[0.4, 1.1, 0.2], [2.0, 0.3, 1.5]])
    job = JournaledSampler(StatevectorSampler(seed=1), path).run([(correlated(), values, SHOTS)])
    job.result()
    assert job.report.submitted == 0


def test_inputs_that_are_not_those_of_the_unit_are_not_exported(files, path, tmp_path):
    """Whatever a file says, an export says only what has the unit's content key."""
    put(path, files["main"])
    with Journal(path) as journal:
        units = journal.units()
        with journal._transaction() as database:
            change(
                database, INPUTS, "unit = ?", [units[0].id],
                about=lambda row: {**row["about"], "pubs": [{**pub, "shots": 21} for pub in row["about"]["pubs"]]},
            )  # fmt: skip
        report = journal.export(tmp_path / "data")
    assert report.num_results == len(units)
    assert report.num_replayable == len(units) - 1
    assert report.missing == (f"What job {units[0].id} is said to have been asked for is not what it was.",)


@pytest.mark.parametrize("table", [INPUTS, PARTS])
def test_damaged_inputs_stop_no_run_and_are_named(files, path, tmp_path, table):
    put(path, files["main"])
    with closing(sqlite3.connect(path)) as database, database:
        column = "arrays" if table is INPUTS else "content"
        (key,) = database.execute(f"SELECT {table.key} FROM {table.name} LIMIT 1").fetchone()
        database.execute(f"UPDATE {table.name} SET {column} = zeroblob(9) WHERE {table.key} = ?", (key,))
    with Journal(path) as journal:  # nothing that runs depends on them
        report = journal.export(tmp_path / "data")
        assert report.num_results == report.num_jobs
        assert not report.is_complete
        assert report.missing
    found = check_journal(path)
    assert not found.is_sound
    assert "cannot be exported" in found.summary()
    repaired = repair_journal(path)
    assert repaired.results == report.num_results
    assert check_journal(path).is_sound
