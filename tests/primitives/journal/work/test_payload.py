"""The payload of a kernel on a 127-qubit device: one PUB with a parameter array instead of one PUB for each pair."""

import json

import numpy as np
from qiskit import generate_preset_pass_manager
from qiskit_ibm_runtime.fake_provider import FakeSherbrooke
from runtime_server.client import RuntimeEncoder

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels.inversion import inversion_test
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions
from qiskit_qml_ext.primitives.journal.work.requests import pack
from qiskit_qml_ext.primitives.journal.work.sampler_request import SamplerRequest

PAIRS, FEW = 4950, 50


def size(pubs):
    fields = [(pub.circuit, pub.parameter_values.as_array(pub.circuit.parameters), pub.shots) for pub in pubs]
    return len(json.dumps({"pubs": fields}, cls=RuntimeEncoder))


def test_payload_of_the_kernel_of_100_samples_is_at_least_twenty_times_smaller():
    from qiskit.primitives.containers.sampler_pub import SamplerPub

    manager = generate_preset_pass_manager(1, backend=FakeSherbrooke(), seed_transpiler=1)
    isa = manager.run(inversion_test(ZZFeatureMap().build(4)))
    values = np.random.default_rng(0).uniform(0, 2, (PAIRS, 8))
    request = SamplerRequest(
        [SamplerPub.coerce((isa, values, 2000))],
        target="t",
        options={},
        seed=None,
        identify=circuit_key,
        repetitions=Repetitions(),
    )
    units = pack(request, range(PAIRS), target="t", options={}, max_executions=10**7, max_bytes=10**8)
    ours = sum(size(request.build(unit.keys)) for unit in units)
    bound = [SamplerPub.coerce((isa.assign_parameters(row), None, 2000)) for row in values[:FEW]]
    theirs = size(bound) * PAIRS / FEW
    assert len(units) == 1
    assert theirs / ours > 20
