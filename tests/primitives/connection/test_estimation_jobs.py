"""Expectation values through a connection: limits, budgets, seeds, and one transpilation for each circuit."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import StatevectorEstimator
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.diagnostics import gradient_variance
from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.gradients import hessian, jacobian, metric_tensor
from qiskit_qml_ext.primitives import Connection, connect

CIRCUIT = real_amplitudes(2, reps=1)
Z = SparsePauliOp("ZZ")


def jobs_of(monkeypatch, connection):
    """What the target's estimators are asked for, a list of (seed, sizes of its PUBs) for each job."""
    jobs, original = [], type(connection.target).estimator

    def made(self, shots, seed):
        estimator = original(self, shots, seed)

        class Watched:
            def run(self, pubs, **settings):
                given = list(pubs)
                jobs.append((seed, [one.size for one in given]))
                return estimator.run(given, **settings)

        return Watched()

    monkeypatch.setattr(type(connection.target), "estimator", made)
    return jobs


@pytest.mark.parametrize("seed", [None, 3])
def test_a_gradient_beyond_the_limit_of_a_job_is_cut(monkeypatch, seed):
    connection = connect("aer", shots=100, seed=seed, max_executions_per_job=700)
    jobs = jobs_of(monkeypatch, connection)
    estimate = jacobian(CIRCUIT, [Z], np.full((2, 4), 0.3), connection=connection)
    assert [sizes for _, sizes in jobs] == [[7], [7], [4]]  # 2 points, 9 evaluations each
    assert (connection.usage.circuits, connection.usage.shots, connection.usage.jobs) == (18, 1800, 3)
    exact = jacobian(CIRCUIT, [Z], np.full((2, 4), 0.3))
    assert np.all(np.abs(estimate.jacobian - exact.jacobian) < 5 * estimate.standard_errors)
    seeds = {one for one, _ in jobs}
    assert len(seeds) == (3 if seed else 1)  # parts of a gradient do not repeat their noise


def test_observables_of_one_circuit_stay_together_when_it_is_cut(monkeypatch):
    connection = connect("aer", shots=100, max_executions_per_job=500)
    jobs = jobs_of(monkeypatch, connection)
    jacobian(CIRCUIT, [Z, SparsePauliOp("XX")], np.full((1, 4), 0.3), connection=connection)
    assert [size for _, sizes in jobs for size in sizes] == [4, 4, 4, 4, 2]


def test_a_circuit_with_more_shots_than_a_job_may_have_is_refused():
    connection = connect("fake_manila", shots=5000, max_executions_per_job=1000)
    with pytest.raises(ValueError, match="5000 shots, which with its mitigation takes 10,048 executions, exceeds"):
        jacobian(CIRCUIT, Z, np.full(4, 0.3), connection=connection)
    assert connection.usage.jobs == 0


def test_results_of_parts_are_those_of_the_whole():
    """Without noise: cut along the points, whatever else is in the PUB."""
    observables = [Z, SparsePauliOp("XI"), SparsePauliOp("IY")]
    points = np.random.default_rng(0).uniform(-2, 2, (5, 4))
    shots = 10**12  # noise of 1e-6
    whole = jacobian(CIRCUIT, observables, points)
    parts = jacobian(
        CIRCUIT, observables, points, connection=connect("exact", shots=shots, max_executions_per_job=10 * shots)
    )
    assert_allclose(parts.jacobian, whole.jacobian, atol=1e-5)


def test_the_budget_is_asked_for_all_parts_before_any_is_run(monkeypatch):
    connection = connect("aer", shots=100, max_executions_per_job=300, max_executions=500)
    jobs = jobs_of(monkeypatch, connection)
    with pytest.raises(BudgetExceededError, match="900 executions"):
        jacobian(CIRCUIT, Z, np.full(4, 0.3), connection=connection)
    assert jobs == []


def test_a_diagnosis_with_shots_keeps_to_the_budget():
    settings = {"num_samples": 4, "method": "shots", "shots": 100, "seed": 1}
    with pytest.raises(BudgetExceededError, match="executions"):
        gradient_variance(CIRCUIT, Z, connection=connect("aer", shots=100, seed=1, max_executions=1000), **settings)
    connection = connect("aer", shots=100, seed=1, max_executions=5000)
    gradient_variance(CIRCUIT, Z, connection=connection, **settings)
    assert 3600 <= connection.usage.shots <= 5000  # 4 points, 9 circuits each, 100 shots; precisions are σ/√shots


def test_pubs_of_one_call_have_independent_noise_with_a_seed():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    for target in ("exact", "aer", "fake_manila"):
        connection = connect(target, shots=64, seed=5)
        isa = connection.isa_circuit(circuit)
        observable = SparsePauliOp("Y") if isa.layout is None else SparsePauliOp("Y").apply_layout(isa.layout)
        pub = (isa, observable, np.zeros((100, 1)))
        first, second = (np.asarray(one.data.evs) for one in connection.estimate([pub, pub]))
        assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(100)
        again = connect(target, shots=64, seed=5)
        repeated = again.estimate([(again.isa_circuit(circuit), observable, np.zeros((100, 1)))])[0]
        assert_allclose(repeated.data.evs, first, atol=0)


def test_pubs_of_different_precision_are_different_jobs(monkeypatch):
    """Without a seed those of one precision share a job, as some services want it."""
    connection = connect("aer", shots=100)
    jobs = jobs_of(monkeypatch, connection)
    values = np.zeros((3, 4))
    isa = connection.isa_circuit(CIRCUIT)
    pubs = [(isa, Z, values, precision) for precision in (0.1, 0.2, 0.1)]
    found = connection.estimate(pubs)
    assert [sizes for _, sizes in jobs] == [[3, 3], [3]]
    assert [float(one.data.stds[0]) for one in found] == pytest.approx([0.1, 0.2, 0.1])


def test_journaled_estimates_are_counted(tmp_path):
    for jobs in (1, 0):
        connection = connect("aer", shots=100, seed=1, journal=tmp_path / "jobs.sqlite")
        jacobian(CIRCUIT, Z, np.full(4, 0.3), connection=connection)
        assert (connection.usage.circuits, connection.usage.shots) == (9 * jobs, 900 * jobs)
        assert connection.usage.jobs == jobs


def test_each_circuit_is_transpiled_once_for_gradients_hessians_and_metrics(monkeypatch):
    connection, transpiled = connect("fake_manila", shots=64, seed=1), []
    original = type(connection.target).transpile

    def counted(self, circuit, *arguments):
        transpiled.append(circuit.num_parameters)
        return original(self, circuit, *arguments)

    monkeypatch.setattr(type(connection.target), "transpile", counted)
    circuit = QuantumCircuit(2)
    a, b = Parameter("a"), Parameter("b")
    circuit.ry(a, 0)
    circuit.crx(b, 0, 1)
    for _ in range(2):
        jacobian(circuit, SparsePauliOp("ZI"), [0.3, 0.4], connection=connection)
        hessian(circuit, SparsePauliOp("ZI"), [0.3, 0.4], connection=connection)
    assert transpiled == [2]  # gradient and Hessian shift the same circuit
    for _ in range(2):
        metric_tensor(circuit, [0.3, 0.4], approximation="block_diagonal", connection=connection)
    assert transpiled == [2, 0, 2]  # a metric measures just before each layer: nothing, then RY and half of CRX


def test_a_primitive_of_ones_own_gets_one_job():
    calls = []

    class Counting(StatevectorEstimator):
        def run(self, pubs, **settings):
            calls.append(list(pubs))
            return super().run(calls[-1], **settings)

    own = Connection.from_primitives(estimator=Counting(default_precision=0.1, seed=1))
    metric_tensor(CIRCUIT, np.full(4, 0.3), approximation="block_diagonal", connection=own)
    assert [len(pubs) for pubs in calls] == [2]


@pytest.mark.parametrize("is_journaled", [False, True])
def test_rows_of_a_circuit_without_parameters_are_cut_into_jobs_and_each_measured(tmp_path, is_journaled):
    circuit = QuantumCircuit(1)
    circuit.h(0)
    journal = {"journal": tmp_path / "jobs.sqlite"} if is_journaled else {}
    connection = connect("exact", shots=100, seed=1, max_executions_per_job=300, **journal)
    (found,) = connection.estimate([EstimatorPub(circuit, ObservablesArray("Z"), BindingsArray(shape=(8,)))])
    assert found.data.evs.shape == (8,)
    assert len(set(np.asarray(found.data.evs).tolist())) == 8
    assert (connection.usage.circuits, connection.usage.shots) == (8, 800)
