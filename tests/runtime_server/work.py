"""What the tests let the service run."""

import numpy as np
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.circuit import Parameter

# Short waiting times, so that tests are quick; the service of the tests has no limit on submissions.
QUICK = {
    "poll_seconds": 0.02,
    "settle_seconds": 0.4,
    "throttle_seconds": 0.3,
    "submissions_per_minute": 1000,
    "call_seconds": 30.0,
}


ANGLES = np.linspace(0, np.pi, 6)


def rotation():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("angle"), 0)
    circuit.measure_all()
    return circuit


def isa_rotation(backend):
    return generate_preset_pass_manager(1, backend=backend, seed_transpiler=1).run(rotation())


def ones(result, pub=0):
    """Return how often each circuit read 1."""
    return np.count_nonzero(result[pub].data.meas.array[..., 0], axis=-1)
