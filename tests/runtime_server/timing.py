"""What jobs take of the processor's time, and how long they wait for it: a model of a device, kept in a ledger.

A test switches it on by ``RuntimeServer.set_timing``; without it each completed job takes two seconds. What the model
knows and the package does not: what loading a part of a job takes, how often a job is cut into parts, that circuits
are slower than their reported durations, that charges are whole seconds, and the noise. All of it is drawn from a seed
and the number of the job, so that the same jobs take the same time again.
"""

import math
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Timing:
    """A model of a device's time, in seconds."""

    seed: int = 0
    load: float = 2.7
    part: int = 60_000
    later_load: float = 0.9
    delay: float = 250e-6
    slowness: float = 1.13
    circuit_load: float = 2e-3
    noise: float = 0.05
    queue: float = 40.0
    queue_spread: float = 0.8

    def used(self, number, *, executions, circuits, duration, delay=None):
        """Return what a job is charged, in whole seconds.

        Args:
            number: Its number on the service.
            executions: Circuits times shots.
            circuits: How many circuits it holds, with their parameter values.
            duration: What one execution takes by the device's report, on average, without the delay between shots.
            delay: The delay between shots that the job's options ask for; by default the device's own.
        """
        rng = np.random.default_rng([self.seed, number])
        parts = max(1, math.ceil(executions / self.part))
        loads = self.load + (parts - 1) * self.later_load + circuits * self.circuit_load
        running = executions * ((self.delay if delay is None else delay) + duration) * self.slowness
        return math.ceil((loads + running) * math.exp(rng.normal(0, self.noise)))

    def waited(self, number):
        """Return how long a job waits in the queue."""
        rng = np.random.default_rng([self.seed, number, 1])
        return self.queue * math.exp(rng.normal(0, self.queue_spread))

    def to_dict(self):
        """Return it as plain numbers."""
        return asdict(self)


def time_of_job(store, row, executions):
    """Return seconds and wait of a job that was run, by the model that is switched on; ``None`` without one."""
    settings = store.setting("timing")
    if settings is None:
        return None
    timing = Timing(**settings)
    circuits, duration, delay = circuits_of(row)
    return (
        timing.used(row["seq"], executions=executions, circuits=circuits, duration=duration, delay=delay),
        timing.waited(row["seq"]),
    )


def circuits_of(row):
    """Return how many circuits a job holds, what one takes on average as reported, and the delay that was asked for."""
    import json

    if row["program"] == "executor":
        from ibm_quantum_schemas.executor.version_2_0 import ParamsModel
        from qiskit_ibm_runtime.quantum_program.converters import quantum_program_from_2_0

        program, options = quantum_program_from_2_0(ParamsModel.model_validate(json.loads(row["params"])))
        delay = options.execution.rep_delay
        work = [(item.circuit, int(np.prod(item.shape, dtype=int)), program.shots) for item in program.items]
    else:
        from runtime_server.worker import legacy_pubs

        pubs, _ = legacy_pubs(row["program"], row["params"])
        delay = json.loads(row["params"]).get("options", {}).get("execution", {}).get("rep_delay")
        work = [(pub.circuit, pub.size, getattr(pub, "shots", 1)) for pub in pubs]
    device = _device(row["backend"])
    total = sum(number * shots for _, number, shots in work)
    duration = sum(circuit.estimate_duration(device, unit="s") * number * shots for circuit, number, shots in work)
    return sum(number for _, number, _ in work), duration / total, delay


@cache
def _device(name):
    from qiskit_ibm_runtime import fake_provider

    classes = vars(fake_provider).values()
    fake = name.replace("test_", "fake_")
    (cls,) = {item for item in classes if getattr(item, "backend_name", None) == fake}
    return cls().target
