"""What an estimator runs: counted beside what really runs."""

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import BackendEstimatorV2
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from runtime_server.client import HAS_EXECUTOR, prepared_estimates
from runtime_server.work import QUICK

from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.primitives import Policy, connect
from qiskit_qml_ext.primitives.pricing.estimator_work import EstimatorWork, num_circuits

CIRCUIT = real_amplitudes(2, reps=1)
ALL = SparsePauliOp([a + b for a in "XYZ" for b in "XYZ"])
FEW = [[SparsePauliOp(["ZZ", "ZI", "XX"])], [SparsePauliOp("ZZ")], [SparsePauliOp(["II", "YI"])]]
NEWER = pytest.mark.skipif(not HAS_EXECUTOR, reason="the older generation leaves it to the service")

PUBS = {
    "one string": ("ZZ", np.zeros(4)),
    "strings that commute": (SparsePauliOp(["ZZ", "ZI", "IZ"]), np.zeros((3, 4))),
    "nine bases": (ALL, np.zeros((2, 4))),
    "an array on one row": (["ZZ", "ZI", "IZ", "XX"], np.zeros(4)),
    "an array on each row": (FEW, np.zeros((5, 4))),
    "one observable a row": (["ZZ", "XX", ALL], np.zeros((3, 4))),
    "only the identity": ("II", np.zeros((2, 4))),
}


def pub_of(observables, values, precision=0.1, circuit=CIRCUIT):
    return EstimatorPub.coerce((circuit, observables, values, precision))


@pytest.mark.parametrize("kind", PUBS)
def test_circuits_are_those_that_qiskits_estimator_runs(kind, monkeypatch):
    backend, ran = GenericBackendV2(2, seed=1), []
    original = backend.run
    monkeypatch.setattr(backend, "run", lambda given, **options: (ran.extend(given), original(given, **options))[1])
    pub = pub_of(*PUBS[kind])
    BackendEstimatorV2(backend=backend).run([pub]).result()
    assert num_circuits(pub) == len(ran)


def on_manila(circuit, observables, values, precision):
    isa = transpile(circuit, FakeManilaV2(), initial_layout=[0, 1], optimization_level=1, seed_transpiler=1)
    wide = EstimatorPub.coerce((circuit, observables, values)).observables.apply_layout([0, 1], 5)
    return EstimatorPub.coerce((isa, wide, values, precision))


def test_projectors_are_measured_as_the_paulis_that_they_are_of():
    assert num_circuits(pub_of([{"0+": 1.0, "ZX": 2.0}, {"1-": 1.0}, {"rI": 1.0}], np.zeros(4))) == 2


def executions_of(program):
    return sum(program.shots * math.prod(item.shape or (1,)) for item in program.items)


OPTIONS = [
    {},
    {"resilience_level": 0},
    {"resilience_level": 2},
    {"resilience_level": 0, "twirling": {"enable_gates": True}},
    {"resilience_level": 0, "twirling": {"enable_measure": True, "num_randomizations": 5}},
    {"twirling": {"num_randomizations": 7, "shots_per_randomization": 100}},
    {"twirling": {"enable_measure": False}, "resilience": {"measure_mitigation": False}},
    {"resilience": {"zne_mitigation": True, "zne": {"noise_factors": [1, 2, 3, 4]}}},
    {"resilience_level": 2, "resilience": {"zne_mitigation": False}},
    {"resilience": {"measure_mitigation": True, "measure_noise_learning": {"num_randomizations": 9}}},
]


@NEWER
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("shots", [100, 4096])
def test_executions_are_those_that_the_client_prepares(options, shots):
    kinds = ("nine bases", "an array on each row")
    pubs = [on_manila(CIRCUIT, *PUBS[kind], shots**-0.5) for kind in kinds]
    program = prepared_estimates(pubs, options, FakeManilaV2())
    asked = math.ceil(1 / pubs[0].precision ** 2)
    work = EstimatorWork(mitigates=True, options=options)
    assert sum(work.executions(pub, asked) for pub in pubs) + work.calibration(asked) == executions_of(program)


def test_pec_counts_the_most_that_it_may_take():
    work = EstimatorWork(mitigates=True, options={"resilience_level": 0, "resilience": {"pec_mitigation": True}})
    assert work.shots(640) == 64_000
    smaller = {"resilience_level": 0, "resilience": {"pec_mitigation": True, "pec": {"max_overhead": 2.5}}}
    assert EstimatorWork(mitigates=True, options=smaller).shots(640) == 1600


def test_estimators_that_compute_count_values():
    assert EstimatorWork(measures=False).executions(pub_of(*PUBS["nine bases"]), 10) == 20
    assert (
        connect("aer").target.estimator_work == connect("exact").target.estimator_work == EstimatorWork(measures=False)
    )


@NEWER
def test_limits_are_held_against_what_an_estimator_runs(server, path):
    circuit, values = QuantumCircuit(2), np.zeros((1, 0))
    circuit.h(0)
    circuit.cx(0, 1)
    policy = Policy(**QUICK)

    def connected(name, **limits):
        return connect(
            server.service(), backend="test_manila", shots=1000, journal=path.with_name(name), policy=policy, **limits
        )

    def estimated(connection, observables):
        return connection.estimate([on_manila(circuit, observables, values, 1000**-0.5)])

    with pytest.raises(BudgetExceededError, match="10,240 executions"):  # nine bases and a calibration of 1,024 shots
        estimated(connected("first", max_executions=10_000), ALL)
    assert server.jobs() == []
    commuting = connected("second", max_executions=2100)
    estimated(commuting, [["ZZ"], ["ZI"], ["IZ"], ["II"]])
    assert (commuting.usage.circuits, commuting.usage.shots) == (1, server.executions()) == (1, 2048)
