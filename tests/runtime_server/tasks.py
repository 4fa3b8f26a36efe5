"""What the processes of a nursery do: ask for counts through a journal, as programs of users do.

The answer of each is a dictionary: ``counts``, what the run ``submitted`` and which jobs it reported as ``duplicates``,
the ``warnings``, and ``error`` with the name of the exception's class and its words if there was one.
"""

import asyncio
import sys
import traceback
import warnings
from dataclasses import fields

import numpy as np
from runtime_server import clock
from runtime_server.work import QUICK, isa_rotation, ones
from together import in_threads

from qiskit_qml_ext.primitives import Policy, connect
from qiskit_qml_ext.primitives.journal import Journal, JournaledSampler

SHOTS = 100
_LONG = 600.0  # seconds; whoever waits for the answer is less patient


def run(task, answer, *, lease=None, clock_file=None, life=0.0, **spec):
    """Do a task under its own clock and lease, and return what came of it."""
    clock.follow(clock_file)
    clock.live_at(life)
    if lease is not None:
        set_lease(lease)
    outcome = {"counts": None, "submitted": 0, "duplicates": [], "error": None}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome |= {"sample": sample, "threads": threads, "loop": loop, "kernel": kernel, "limited": limited}[task](
                **spec
            )
        except Exception as error:
            outcome["error"] = [type(error).__name__, str(error)]
            traceback.print_exc()  # into the log
    outcome["warnings"] = [[item.category.__name__, str(item.message)] for item in caught]
    return outcome


def policy(**settings):
    """Return a quick policy; settings that this version does not know are left out."""
    known = {field.name for field in fields(Policy)}
    settings = {"max_executions": 2 * SHOTS, **QUICK, **settings}
    return Policy(**{name: value for name, value in settings.items() if name in known})


def set_lease(seconds):
    """Shorten the time after which a silent process loses its claims, wherever the package keeps it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("qiskit_qml_ext.primitives.journal") and hasattr(module, "LEASE_SECONDS"):
            module.LEASE_SECONDS = seconds


def sample(journal, *, angles=6, settings=None):
    """Run some angles between 0 and half a turn, two in a unit."""
    job = _ask(journal, angles, settings)
    return _answer(job.result(), [job])


def threads(journal, *, number, settings=None):
    """Let threads ask for the same at once, each with a sampler and a journal of its own."""

    def work():
        job = _ask(journal, 6, settings)
        job.result()
        return job

    jobs = _in_threads(work, number)
    return _answer(jobs[0].result(), jobs) | {"all": [ones(job.result()).tolist() for job in jobs]}


def loop(journal, *, number, settings=None):
    """Let tasks of one event loop ask for the same at once."""
    jobs = []

    async def one():
        job = _ask(journal, 6, settings)
        jobs.append(job)
        return await asyncio.to_thread(job.result)

    async def together():
        return await asyncio.gather(*(one() for _ in range(number)))

    results = asyncio.run(together())
    return _answer(results[0], jobs) | {"all": [ones(result).tolist() for result in results]}


def kernel(journal, *, number, samples=4, settings=None):
    """Let threads ask one connection for one kernel at once."""
    from qiskit_ibm_runtime import QiskitRuntimeService

    from qiskit_qml_ext.circuits import ZZFeatureMap
    from qiskit_qml_ext.kernels import FidelityKernel

    connection = connect(
        QiskitRuntimeService().backend("test_manila"),
        shots=SHOTS,
        journal=journal,
        policy=policy(**(settings or {})),
        max_executions_per_job=2 * SHOTS,
    )
    data = np.random.default_rng(0).uniform(0, 2, (samples, 2))

    def work():
        return FidelityKernel(ZZFeatureMap(), connection=connection).evaluate(data).tolist()

    return {"all": _in_threads(work, number)}


def limited(journal, *, angles, max_qpu_seconds):
    """Run three jobs for three angles, which follow the given two, within a limit on processor time."""
    from qiskit_ibm_runtime import QiskitRuntimeService
    from runtime_server.work import rotation

    connection = connect(
        QiskitRuntimeService().backend("test_manila"),
        shots=SHOTS,
        journal=journal,
        seed=1,
        max_executions_per_job=SHOTS,
        max_qpu_seconds=max_qpu_seconds,
        policy=policy(),
    )
    values = np.array([*angles, 2 * angles[1] - angles[0]])[:, None]
    ((_, data),) = connection.sample(rotation(), values)
    return {"counts": np.count_nonzero(data.meas.array[..., 0], axis=-1).tolist()}


def _ask(journal, angles, settings):
    from qiskit_ibm_runtime import QiskitRuntimeService
    from runtime_server.client import Sampler

    backend = QiskitRuntimeService().backend("test_manila")
    sampler = JournaledSampler(Sampler(mode=backend), Journal(journal), policy=policy(**(settings or {})))
    return sampler.run([(isa_rotation(backend), np.linspace(0, np.pi, angles)[:, None], SHOTS)])


def _in_threads(work, number):
    ends = in_threads(*[work] * number, seconds=_LONG)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return ends


def _answer(result, jobs):
    duplicates = {item.job: item.executed for job in jobs for item in job.report.duplicates}
    return {
        "counts": ones(result).tolist(),
        "submitted": sum(job.report.submitted for job in jobs),
        "duplicates": sorted(job for job, executed in duplicates.items() if executed),
    }
