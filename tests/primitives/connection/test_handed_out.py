"""Primitives that a connection hands out to other people's code know its limits, and are counted."""

import copy
import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp
from runtime_server.client import HAS_EXECUTOR

from qiskit_qml_ext.exceptions import BudgetExceededError, RunIncompleteError
from qiskit_qml_ext.primitives import Connection, JournaledEstimator, JournaledSampler, Policy, connect
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.connection.views import as_new_program
from qiskit_qml_ext.primitives.journal import Journal
from qiskit_qml_ext.primitives.targets import PrimitiveTarget

ROWS = np.linspace(0, 1, 6)[:, None]
KINDS = ["sampler", "estimator"]
TARGETS = {
    "exact": lambda **given: connect("exact", **given),
    "Aer": lambda **given: connect("aer", **given),
    "backend": lambda **given: connect(GenericBackendV2(2, seed=1), **given),
    "the user's": lambda **given: connect(
        PrimitiveTarget(StatevectorSampler(default_shots=100), StatevectorEstimator(default_precision=0.1)), **given
    ),
    "fake device": lambda **given: connect("fake_manila", **given),
}


def rotation():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    return circuit


def run_directly(connection, kind, rows=ROWS, **options):
    """Run six circuits through the primitive itself."""
    circuit = rotation()
    if kind == "sampler":
        circuit.measure_all()
        return connection.sampler.run([(connection.isa_circuit(circuit), rows)], **options).result()
    isa = connection.isa_circuit(circuit)
    observable = SparsePauliOp("Z")
    layout = observable if isa.layout is None else observable.apply_layout(isa.layout)
    return connection.estimator.run([(isa, layout, rows)], **options).result()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", [*list(TARGETS)[:-1], pytest.param("fake device", marks=pytest.mark.client)])
def test_what_runs_through_the_primitives_is_held_against_the_limit_and_counted(target, kind):
    """Six circuits of 100 shots fit into 600 executions, and no further one does."""
    mitigates = HAS_EXECUTOR and target == "fake device" and kind == "estimator"
    plain = {"resilience_level": 0} if mitigates else {}
    connection = TARGETS[target](shots=100, seed=1, max_executions=600, **plain)
    run_directly(connection, kind)
    assert (connection.usage.circuits, connection.usage.shots, connection.usage.jobs) == (6, 600, 1)
    with pytest.raises(BudgetExceededError, match="needs 100 executions, 700 together"):
        run_directly(connection, kind, ROWS[:1])
    assert connection.usage.jobs == 1


@pytest.mark.client
@pytest.mark.parametrize("kind", KINDS)
def test_the_cost_is_limited_too(kind):
    connection = connect("fake_manila", shots=100, max_cost=0.001, price_per_minute=60)
    with pytest.raises(BudgetExceededError, match="estimated cost to 2"):
        run_directly(connection, kind)
    assert connection.usage.jobs == 0


def test_shots_and_precision_of_the_call_count_and_not_the_defaults():
    connection = connect("aer", shots=100, max_executions=600)
    with pytest.raises(BudgetExceededError, match="needs 606 executions"):
        run_directly(connection, "sampler", shots=101)
    with pytest.raises(BudgetExceededError, match="needs 2,400 executions"):
        run_directly(connection, "estimator", precision=0.05)  # 1/0.05² = 400 shots of each
    run_directly(connection, "sampler", shots=50)
    assert connection.usage.shots == 300


def test_a_default_that_was_set_on_the_primitive_counts():
    connection = connect(GenericBackendV2(2, seed=1), shots=100, max_executions=600)
    circuit = rotation()
    circuit.measure_all()
    sampler = connection.sampler
    sampler.options.default_shots = 101
    with pytest.raises(BudgetExceededError, match="needs 606 executions"):
        sampler.run([(connection.isa_circuit(circuit), ROWS)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_for_a_device_holds_no_more_than_jobs_may(kind):
    connection = connect(GenericBackendV2(2, seed=1), shots=100, max_executions_per_job=599)
    with pytest.raises(ValueError, match=r"A job of 600 executions .* max_executions_per_job is 599"):
        run_directly(connection, kind)
    assert connection.usage.jobs == 0
    run_directly(connect(GenericBackendV2(2, seed=1), shots=100, max_executions_per_job=600), kind)
    run_directly(connect("aer", shots=100, max_executions_per_job=599), kind)  # a simulator takes any


def test_estimates_of_the_connection_count_once():
    connection = connect("aer", shots=100, max_executions=600)
    connection.estimate([(rotation(), "Z", ROWS)])
    assert (connection.usage.circuits, connection.usage.shots, connection.usage.jobs) == (6, 600, 1)


def test_exact_values_need_no_executions():
    connection = connect("exact", max_executions=1)
    evs = run_directly(connection, "estimator")[0].data.evs
    assert np.allclose(evs, np.cos(ROWS[:, 0]))
    run_directly(connection, "estimator", precision=0.0)
    assert (connection.usage.circuits, connection.usage.shots) == (12, 0)


def test_a_precision_of_more_shots_than_can_be_counted_is_taken_where_nothing_is_executed():
    assert np.allclose(run_directly(connect("exact"), "estimator", precision=1e-300)[0].data.evs, np.cos(ROWS[:, 0]))


def test_primitives_of_the_user_are_the_same_objects_with_the_same_attributes():
    sampler = StatevectorSampler(seed=3)
    sampler.note = "mine"
    handed = Connection.from_primitives(sampler=sampler).sampler
    assert isinstance(handed, StatevectorSampler)
    assert handed.note == "mine"
    handed.note = "changed"
    assert sampler.note == "changed"
    assert type(sampler) is StatevectorSampler


class WithSlots(StatevectorSampler):
    __slots__ = ("own",)

    def __init__(self):
        super().__init__(seed=1, default_shots=10)
        self.own = 7

    def run(self, pubs, *, shots=None):
        return super().run(pubs, shots=self.own)


def test_primitives_of_the_user_keep_what_lies_in_their_slots():
    assert run_directly(Connection.from_primitives(sampler=WithSlots()), "sampler")[0].data.meas.num_shots == 7


def test_copies_are_held_against_the_limit_and_share_no_attributes():
    connection = connect("exact", shots=100, seed=1, max_executions=150)
    handed = connection.sampler
    circuit = rotation()
    circuit.measure_all()
    for other in (copy.copy(handed), copy.deepcopy(handed), pickle.loads(pickle.dumps(handed))):
        other.note = 1
        assert not hasattr(handed, "note")
        with pytest.raises(BudgetExceededError):
            other.run([(circuit, ROWS)])


def test_what_is_refused_for_itself_does_not_use_up_the_budget():
    connection = connect("exact", shots=100, max_executions=600)
    circuit = rotation()
    circuit.measure_all()
    with pytest.raises(ValueError, match="finite"):
        connection.sampler.run([(circuit, np.full((6, 1), np.nan))])
    run_directly(connection, "sampler")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", ["exact", "Aer", "the user's"])
def test_a_journal_around_a_handed_out_primitive_knows_the_limit_and_the_same_work(target, kind, tmp_path):
    """The content is that of the primitive at which nobody looks: what was run under a limit is found without one."""
    plain = {"sampler": JournaledSampler, "estimator": JournaledEstimator}[kind]
    circuit = rotation()
    if kind == "sampler":
        circuit.measure_all()
    pub = (circuit, ROWS) if kind == "sampler" else (circuit, "Z", ROWS)
    options = {"shots": 100} if kind == "sampler" else {"precision": 0.1}
    limited = TARGETS[target](shots=100, seed=1, max_executions=599)
    with pytest.raises(BudgetExceededError):
        plain(getattr(limited, kind), tmp_path / "journal").run([pub], **options)
    free = TARGETS[target](shots=100, seed=1, max_executions=600)
    assert plain(getattr(free, kind), tmp_path / "journal").run([pub], **options).result(60) is not None
    own = getattr(free.target, kind)(100, 1)
    job = plain(own, Journal(tmp_path / "journal")).run([pub], **options)
    assert (job.result(60) is not None, job.report.submitted) == (True, 0)


def test_settings_of_a_job_are_those_of_the_connection_that_asks():
    target = PrimitiveTarget(StatevectorSampler(default_shots=10))
    connection = Connection(target, ConnectionSettings())
    run_directly(connection, "sampler")
    assert connection.usage.shots == 60  # the primitive's own default


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", [*list(TARGETS)[:-1], pytest.param("fake device", marks=pytest.mark.client)])
def test_what_runs_through_primitives_with_a_journal_is_counted_once(target, kind, tmp_path):
    mitigates = HAS_EXECUTOR and target == "fake device" and kind == "estimator"
    settings = {"shots": 100, "seed": 1, "journal": tmp_path / "journal"}
    settings |= {"resilience_level": 0} if mitigates else {}
    connection = TARGETS[target](**settings)
    run_directly(connection, kind)
    assert (connection.usage.circuits, connection.usage.shots, connection.usage.jobs) == (6, 600, 1)
    again = TARGETS[target](**settings)
    run_directly(again, kind)
    assert again.usage.jobs == 0  # it was found
    run_directly(again, kind)
    assert (again.usage.circuits, again.usage.shots, again.usage.jobs) == (6, 600, 1)


class GivesUp(StatevectorSampler):
    """Runs two jobs."""

    def run(self, pubs, **options):
        self.jobs = getattr(self, "jobs", 0) + 1
        if self.jobs == 3:
            raise RuntimeError("no more")
        return super().run(pubs, **options)


def test_jobs_of_a_run_that_fails_are_counted_too(tmp_path):
    target = PrimitiveTarget(GivesUp(default_shots=100))
    connection = Connection(
        target,
        ConnectionSettings(shots=100, max_executions_per_job=200),
        journal=tmp_path / "journal",
        policy=Policy(max_retries=0),
    )
    with pytest.raises(RunIncompleteError, match="no more"):
        run_directly(connection, "sampler")
    assert (connection.usage.circuits, connection.usage.shots, connection.usage.jobs) == (4, 400, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_journal_around_a_handed_out_primitive_counts_too(kind, tmp_path):
    plain = {"sampler": JournaledSampler, "estimator": JournaledEstimator}[kind]
    circuit = rotation()
    if kind == "sampler":
        circuit.measure_all()
    connection = connect("exact", shots=100, seed=1)
    pub = (circuit, ROWS) if kind == "sampler" else (circuit, "Z", ROWS, 0.1)
    plain(getattr(connection, kind), tmp_path / "journal").run([pub]).result(60)
    assert (connection.usage.circuits, connection.usage.shots, connection.usage.jobs) == (6, 600, 1)


def test_a_connection_with_a_journal_and_its_views_count_together_in_another_process(tmp_path):
    connection = connect("exact", shots=100, seed=1, journal=tmp_path / "journal")
    run_directly(connection, "sampler")
    sent, view = pickle.loads(pickle.dumps((connection, as_new_program(connection))))
    assert sent.usage.jobs == view.usage.jobs == 0
    run_directly(view, "estimator")
    assert sent.usage == view.usage
    assert (sent.usage.circuits, sent.usage.shots, sent.usage.jobs) == (6, 600, 1)
    assert connection.usage.shots == 600
