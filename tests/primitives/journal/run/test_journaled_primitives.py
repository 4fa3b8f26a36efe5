"""Journaled primitives are V2 primitives: other people's code runs on them unchanged, and resumes."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.circuit import ParameterVector
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2, StatevectorEstimator, StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_aer.primitives import EstimatorV2 as AerEstimator
from qiskit_aer.primitives import SamplerV2 as AerSampler
from qiskit_machine_learning.algorithms import QSVC
from qiskit_machine_learning.kernels import FidelityQuantumKernel
from qiskit_machine_learning.neural_networks import EstimatorQNN
from qiskit_machine_learning.state_fidelities import ComputeUncompute
from runtime_server.client import ESTIMATORS as RUNTIME_ESTIMATORS
from runtime_server.client import HAS_EXECUTOR, Sampler
from runtime_server.client import SAMPLERS as RUNTIME_SAMPLERS
from runtime_server.work import QUICK, isa_rotation, ones, rotation
from scipy.optimize import minimize

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import JournaledEstimator, JournaledSampler, Policy, connect
from qiskit_qml_ext.primitives.journal import Journal

pytestmark = pytest.mark.client

DATA = np.random.default_rng(0).uniform(0, 2, (5, 2))


def generic_backend():
    return GenericBackendV2(2, seed=1)


SAMPLERS = {
    "exact": lambda: StatevectorSampler(default_shots=40),
    "Aer": lambda: AerSampler(default_shots=40),
    "backend": lambda: BackendSamplerV2(backend=generic_backend(), options={"default_shots": 40}),
    "fake device": lambda: connect("fake_manila", shots=40).sampler,
}
ESTIMATORS = {
    "exact": StatevectorEstimator,
    "Aer": AerEstimator,
    "backend": lambda: BackendEstimatorV2(backend=generic_backend()),
    "fake device": lambda: connect("fake_manila", shots=4000).estimator,
}


def isa(circuit, primitive):
    backend = getattr(primitive, "_backend", None)
    return generate_preset_pass_manager(1, backend=backend, seed_transpiler=1).run(circuit) if backend else circuit


def two_angles():
    angles = ParameterVector("a", 2)
    circuit = QuantumCircuit(2)
    circuit.ry(angles[0], 0)
    circuit.ry(angles[1], 1)
    return circuit


@pytest.mark.parametrize("key", SAMPLERS)
def test_sampler_keeps_default_shots_and_resumes(path, key):
    inner = SAMPLERS[key]()
    pub = (isa(rotation(), inner), [[0.0], [np.pi], [np.pi / 2]])
    first = JournaledSampler(inner, path).run([pub]).result(60)
    job = JournaledSampler(SAMPLERS[key](), path).run([pub])
    assert np.array_equal(job.result(60)[0].data.meas.array, first[0].data.meas.array)
    assert job.report.submitted == 0
    counts = ones(first)
    assert first[0].data.meas.num_shots == 40
    assert counts[0] <= 8  # the fake device errs in a few per cent of the shots
    assert counts[1] >= 32


# A backend measures the three observables together, in one circuit a row; the newer client rounds 400 shots up to 448
# and calibrates with as many in each job. All others compute values, each on its own.
CUT = {"backend": 2, "fake device": 4 if HAS_EXECUTOR else 2}


@pytest.mark.parametrize("key", ESTIMATORS)
@pytest.mark.parametrize("max_executions", [10_000_000, 900], ids=["whole", "cut"])
def test_estimator_broadcasts_as_the_wrapped_one_and_resumes(path, key, max_executions):
    inner = ESTIMATORS[key]()
    circuit = isa(two_angles(), inner)
    observables = np.array([["IZ"], ["ZI"], ["ZZ"]])
    if circuit.layout is not None:
        observables = [[SparsePauliOp(row[0]).apply_layout(circuit.layout)] for row in observables]
    angles = np.array([[0.1, 0.2], [1.0, 2.0], [2.5, 0.5], [3.0, 3.1]])
    a, b = np.cos(angles.T)
    expected = np.array([a, b, a * b])
    runs = []
    for _ in range(2):
        estimator = JournaledEstimator(ESTIMATORS[key](), path, policy=Policy(max_executions=max_executions))
        job = estimator.run([(circuit, observables, angles)], precision=0.05)
        runs.append((job.result(60), job.report.submitted))
    # 400 shots: six standard errors, and a few per cent of readout errors on the fake device
    assert_allclose(runs[0][0][0].data.evs, expected, atol=0.3 + 0.15 * (key == "fake device"))
    assert np.array_equal(runs[0][0][0].data.evs, runs[1][0][0].data.evs)
    assert runs[0][0][0].data.stds.shape == (3, 4)
    assert runs[0][1] == (1 if max_executions > 900 else CUT.get(key, 6))
    assert runs[1][1] == 0


@pytest.mark.parametrize("cls", RUNTIME_SAMPLERS)
def test_both_generations_of_runtime_samplers_resume(server, backend, path, cls):
    pub = (isa_rotation(backend), [[0.0], [np.pi]], 50)
    for submitted in (2, 0):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            inner = cls(backend)
        job = JournaledSampler(inner, path, policy=Policy(**QUICK, max_executions=50)).run([pub])
        assert ones(job.result(60)).tolist() == [0, 50]
        assert job.report.submitted == submitted
    assert server.executions() == 100


@pytest.mark.parametrize("cls", RUNTIME_ESTIMATORS)
def test_both_generations_of_runtime_estimators_resume(server, backend, path, cls):
    circuit = isa_rotation(backend).remove_final_measurements(inplace=False)
    observable = SparsePauliOp("Z").apply_layout(circuit.layout)
    for submitted in (2, 0):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            inner = cls(backend)
        estimator = JournaledEstimator(inner, path, policy=Policy(**QUICK, max_executions=400))
        job = estimator.run([(circuit, observable, [[0.0], [np.pi]], 0.05)])
        assert_allclose(job.result(60)[0].data.evs, [1, -1], atol=0.3)  # six standard errors
        assert job.report.submitted == submitted


def test_twirling_may_round_shots_up(server, backend, path):
    inner = Sampler(mode=backend, options={"twirling": {"enable_gates": True, "enable_measure": True}})
    result = JournaledSampler(inner, path, policy=Policy(**QUICK)).run([(isa_rotation(backend), [[np.pi]], 100)])
    counts = result.result(60)[0].data.meas
    assert counts.num_shots == 128
    assert ones(result.result(60)).tolist() == [128]


def test_options_tell_work_apart_and_are_on_record(server, backend, path):
    pub = (isa_rotation(backend), [[np.pi]], 10)
    for options in ({}, {"dynamical_decoupling": {"enable": True}}, {"environment": {"job_tags": ["mine"]}}):
        JournaledSampler(Sampler(mode=backend, options=options), path, policy=Policy(**QUICK)).run([pub]).result(60)
    units = Journal(path).units()
    assert [unit.settings for unit in units] == [{"shots": 10}, {"shots": 10, "dynamical_decoupling": {"enable": True}}]
    assert len(server.jobs()) == 2  # tags are not part of the work


def test_the_callers_primitive_is_not_changed(server, backend, path):
    inner = Sampler(mode=backend, options={"environment": {"job_tags": ["mine"]}})
    JournaledSampler(inner, path, policy=Policy(**QUICK)).run([(isa_rotation(backend), [[0.0]], 10)]).result(60)
    assert inner.options.environment.job_tags == ["mine"]
    assert "mine" in server.jobs()[0]["tags"]


def test_qmls_fidelity_kernel_resumes(path):
    def matrix():
        sampler = JournaledSampler(AerSampler(seed=1), path)
        kernel = FidelityQuantumKernel(feature_map=ZZFeatureMap().build(2), fidelity=ComputeUncompute(sampler))
        return QSVC(quantum_kernel=kernel).fit(DATA, [0, 1, 0, 1, 1]).quantum_kernel.evaluate(DATA)

    first = matrix()
    submitted = len(Journal(path).units())
    assert np.array_equal(matrix(), first)
    assert len(Journal(path).units()) == submitted


def test_qmls_estimator_network_resumes(path):
    def outputs():
        circuit = ZZFeatureMap().build(2)
        estimator = JournaledEstimator(AerEstimator(), path)
        network = EstimatorQNN(circuit=circuit, estimator=estimator, input_params=list(circuit.parameters))
        return network.forward(DATA, [])

    first = outputs()
    submitted = len(Journal(path).units())
    assert first.shape == (5, 1)
    assert np.array_equal(outputs(), first)
    assert len(Journal(path).units()) == submitted


def test_variational_algorithm_replays_its_path_and_goes_on(path):
    """A minimisation that is run again for longer finds its first steps in the journal."""

    def energy(steps):
        estimator = JournaledEstimator(AerEstimator(), path)

        def value(angles):
            return float(estimator.run([(two_angles(), "ZZ", angles, 0.02)]).result(60)[0].data.evs)

        done = minimize(value, [0.3, 0.4], method="COBYLA", options={"maxiter": steps})
        return done.nfev, len(Journal(path).units())

    assert energy(8) == (8, 8)
    assert energy(8) == (8, 8)
    assert energy(12) == (12, 12)


def test_kernel_through_a_connection_resumes_and_grows(path):
    def matrix(data):
        connection = connect("aer", shots=200, seed=1, journal=path)
        return FidelityKernel(ZZFeatureMap(), connection=connection).evaluate(data), connection.usage

    first, usage = matrix(DATA[:4])
    assert usage.circuits == 6
    larger, usage = matrix(DATA[::-1])  # another order, and one sample more
    assert usage.circuits == 4
    assert np.array_equal(larger[::-1, ::-1][:4, :4], first)


def test_connections_know_work_by_the_circuit_and_not_by_its_transpilation(server, path):
    """A calibration moves the transpiler to other qubits; what is done stays done."""

    def run():
        service = server.service()
        connection = connect(
            service.backend("test_manila"), shots=50, optimization_level=2, journal=path, policy=Policy(**QUICK)
        )
        circuit = connection.isa_circuit(rotation())
        sampler_job = connection.sampler.run([(circuit, [[np.pi]])])
        plain = connection.isa_circuit(rotation().remove_final_measurements(inplace=False))
        observable = SparsePauliOp("Z").apply_layout(plain.layout)
        estimator_job = connection.estimator.run([(plain, observable, [[np.pi]])])
        sampler_job.result(60), estimator_job.result(60)
        return sampler_job.report.submitted + estimator_job.report.submitted, circuit.layout.final_index_layout()[0]

    submitted, qubit = run()
    assert submitted == 2
    server.spoil_qubit("test_manila", qubit)
    submitted, other = run()
    assert other != qubit
    assert submitted == 0


def test_policy_needs_a_journal():
    with pytest.raises(ValueError, match="policy came without a journal"):
        connect("aer", policy=Policy())


def test_wrong_kind_of_primitive_is_named(path):
    with pytest.raises(TypeError, match="sampler must be a V2 sampler"):
        JournaledSampler(StatevectorEstimator(), path)
    with pytest.raises(TypeError, match="estimator must be a V2 estimator"):
        JournaledEstimator(StatevectorSampler(), path)


def test_noise_is_part_of_the_work_and_small_in_the_file(path):
    def simulator(strength):
        noise = NoiseModel()
        noise.add_all_qubit_quantum_error(depolarizing_error(strength, 1), ["ry", "rz", "sx", "x"])
        return AerSimulator(noise_model=noise)

    for strength, circuits in ((0.1, 1), (0.1, 0), (0.2, 1)):
        connection = connect(simulator(strength), shots=10, journal=path)
        next(connection.sample(rotation(), np.zeros((1, 1))))
        assert connection.usage.circuits == circuits
    device = connect("fake_sherbrooke", shots=10, journal=path)
    next(device.sample(rotation(), np.zeros((1, 1))))
    units = Journal(path).units()
    assert units[-1].target == "fake_sherbrooke"
    assert max(len(str(unit.settings)) for unit in units) < 500
