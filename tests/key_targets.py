"""Makes a primitive of each kind and writes down its key, before and after it ran; a test runs it in two processes."""

import json
import sys
import warnings
from importlib.util import find_spec

from qiskit import QuantumCircuit
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2, StatevectorEstimator, StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_aer.primitives import EstimatorV2 as AerEstimator
from qiskit_aer.primitives import SamplerV2 as AerSampler
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from runtime_server.client import Estimator, Sampler

from qiskit_qml_ext.primitives import ExactEstimator, ExactSampler, connect
from qiskit_qml_ext.primitives.journal.service.services import LocalService
from qiskit_qml_ext.primitives.journal.work.keys import settings_key
from qiskit_qml_ext.primitives.watched import unwatched


def noise():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["x", "h"])
    return model


def samplers():
    """Yield the name of each kind of sampler with one of it."""
    yield "exact", ExactSampler(seed=1)
    yield "Statevector", StatevectorSampler(seed=1)
    yield "Aer", AerSampler(seed=1)
    yield "Aer with noise", AerSampler(options={"backend_options": {"noise_model": noise(), "method": "statevector"}})
    yield "Aer with a device's noise", AerSampler.from_backend(AerSimulator.from_backend(FakeManilaV2()))
    yield "generic backend", BackendSamplerV2(backend=GenericBackendV2(2, seed=1))
    yield "fake backend", BackendSamplerV2(backend=FakeManilaV2())
    if find_spec("qiskit_braket_provider") is not None:
        from qiskit_braket_provider import BraketLocalBackend

        yield "Braket", BackendSamplerV2(backend=BraketLocalBackend())
    yield "local testing", Sampler(mode=FakeManilaV2())
    yield "local testing with Aer", Sampler(mode=AerSimulator.from_backend(FakeManilaV2()))
    for target in ("exact", "aer", "fake_manila", GenericBackendV2(2, seed=1)):
        connection = connect(target, shots=10, seed=1)
        yield f"connect {connection.target_name}", connection.sampler


def estimators():
    """Yield the name of each kind of estimator with one of it."""
    yield "exact", ExactEstimator()
    yield "Statevector", StatevectorEstimator()
    yield "Aer", AerEstimator()
    yield "generic backend", BackendEstimatorV2(backend=GenericBackendV2(2, seed=1))
    yield "local testing", Estimator(mode=FakeManilaV2())
    yield "connect", connect("fake_manila", shots=10).estimator


def key(primitive):
    service = LocalService(unwatched(primitive)[0])  # as a journal takes it
    return settings_key("any", service.target, service.options, None, 10).hex()


def keys():
    """Return the key of each kind of primitive, before and after it ran."""
    circuit = QuantumCircuit(1)
    circuit.x(0)
    measured = circuit.measure_all(inplace=False)
    found = {}
    for kind, sampler in samplers():
        before = key(sampler)
        sampler.run([measured], shots=10).result()
        found[f"sampler, {kind}"] = before, key(sampler)
    for kind, estimator in estimators():
        before = key(estimator)
        if "testing" not in kind and "connect" not in kind:  # these need the device's gates
            estimator.run([(circuit, "Z")]).result()
        found[f"estimator, {kind}"] = before, key(estimator)
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write(json.dumps(keys()))
