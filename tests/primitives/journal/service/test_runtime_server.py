"""The service of the tests, proven with the unmodified client and both generations of its primitives."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import generate_preset_pass_manager
from qiskit.quantum_info import SparsePauliOp
from qiskit_ibm_runtime.exceptions import RuntimeInvalidStateError, RuntimeJobFailureError
from runtime_server.client import ESTIMATORS, SAMPLERS, Sampler, SamplerV2
from runtime_server.work import isa_rotation, ones, rotation

pytestmark = pytest.mark.client

ANGLES = np.array([[0.0], [np.pi]])


def quietly(make, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the older generation
        return make(*arguments)


@pytest.mark.parametrize("cls", SAMPLERS)
def test_sampler_runs_and_its_job_is_decoded_again_by_id(server, backend, cls):
    job = quietly(cls, backend).run([(isa_rotation(backend), ANGLES, 50)])
    assert ones(job.result()).tolist() == [0, 50]
    again = server.service().job(job.job_id())
    assert ones(again.result()).tolist() == [0, 50]
    assert server.executions() == 100
    assert server.executed_jobs() == [job.job_id()]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_estimator_runs_and_its_job_is_decoded_again_by_id(server, backend, cls):
    circuit = rotation().remove_final_measurements(inplace=False)
    isa = generate_preset_pass_manager(1, backend=backend, seed_transpiler=1).run(circuit)
    observable = SparsePauliOp("Z").apply_layout(isa.layout)
    job = quietly(cls, backend).run([(isa, observable, ANGLES, 0.05)])
    assert_allclose(job.result()[0].data.evs, [1, -1], atol=0.3)  # six standard errors
    assert_allclose(server.service().job(job.job_id()).result()[0].data.evs, job.result()[0].data.evs, atol=0)
    assert server.executions() >= 800  # the newer generation also calibrates the readout


def test_twirled_sampler_runs(server, backend):
    sampler = Sampler(mode=backend, options={"twirling": {"enable_gates": True, "enable_measure": True}})
    assert ones(sampler.run([(isa_rotation(backend), ANGLES, 128)]).result()).tolist() == [0, 128]


def test_jobs_are_listed_by_tag_and_cancelled_in_the_queue(server, backend):
    server.set_hold(True)
    sampler = Sampler(mode=backend)
    sampler.options.environment.job_tags = ["a", "b"]
    job = sampler.run([(isa_rotation(backend), ANGLES, 50)])
    service = server.service()
    assert [found.job_id() for found in service.jobs(job_tags=["b", "a"])] == [job.job_id()]
    assert service.jobs(job_tags=["a", "c"]) == []
    job.cancel()
    server.set_hold(False)
    with pytest.raises(RuntimeInvalidStateError):
        service.job(job.job_id()).result()
    with pytest.raises(RuntimeInvalidStateError):
        service.job(job.job_id()).cancel()
    assert server.executions() == 0


def test_failed_job_carries_the_reason(server, backend):
    server.fail_next(reason="Too cold.")
    with pytest.raises(RuntimeJobFailureError, match="Too cold"):
        Sampler(mode=backend).run([(isa_rotation(backend), ANGLES, 50)]).result()


def test_client_submits_twice_when_the_service_answers_500_after_it_accepted(server, backend):
    server.fault("POST", "/jobs", after=True, status=500)
    Sampler(mode=backend).run([(isa_rotation(backend), ANGLES, 50)]).result()
    server.wait_until(lambda: server.executions() == 200)
    assert len(server.jobs()) == 2


def test_truncated_result_of_the_older_generation_comes_as_text_without_an_error(server, backend):
    server.fault("GET", "/jobs/[0-9a-f]+/results", truncate=0.5)
    result = quietly(SamplerV2, backend).run([(isa_rotation(backend), ANGLES, 50)]).result()
    assert isinstance(result, str)


def test_state_survives_a_kill_and_a_job_under_way_is_run_again_and_charged_once(server, backend):
    server.store.set("job_seconds", 1.0)
    job = Sampler(mode=backend).run([(isa_rotation(backend), ANGLES, 50)])
    server.wait_until(lambda: server.jobs()[0]["status"] == "Running")
    server.kill()
    server.store.set("job_seconds", 0)
    server.start()
    assert ones(job.result()).tolist() == [0, 50]
    assert server.executed_jobs() == [job.job_id()]
