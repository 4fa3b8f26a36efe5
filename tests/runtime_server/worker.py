"""``python -m runtime_server.worker FOLDER``: the processor; it runs queued jobs on Aer, one after the other."""

import fcntl
import json
import os
import sys
import time
import traceback

from runtime_server.store import Store
from runtime_server.timing import time_of_job

_START = "UPDATE jobs SET status = 'Running', running = ? WHERE id = ? AND status = 'Queued'"


def work(folder):
    """Run jobs until the web server that started this process is gone."""
    parent = os.getppid()
    lock = open(os.path.join(folder, "worker.lock"), "w")  # noqa: SIM115  (held until the process ends)
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            time.sleep(0.05)
    store = Store(folder)
    # What a killed worker was running was not charged; it is run again.
    store.write("UPDATE jobs SET status = 'Queued' WHERE status = 'Running'")
    store.set("worker_ready", True)
    while os.getppid() == parent:
        row = None
        if not store.setting("hold", False):
            row = _next(store)
        if row is None:
            time.sleep(0.02)
        elif store.write(_START, store.now(), row["id"]):
            _run(store, row, parent)


def _next(store):
    """Return the oldest job in the queue of a device that is not paused."""
    paused = store.setting("paused", [])
    marks = ",".join("?" * len(paused))
    return store.row(
        f"SELECT * FROM jobs WHERE status = 'Queued' AND backend NOT IN ({marks}) ORDER BY seq LIMIT 1", *paused
    )


def _run(store, row, parent):
    verdict = store.take("verdicts")
    if verdict is not None:
        if "seconds" in verdict:
            store.charge(row["id"], verdict["seconds"], 0.0)
        store.finish(row["id"], verdict["status"], reason=verdict["reason"], code=verdict.get("code"))
        return
    try:
        executions, result = _PROGRAMS[row["program"]](json.loads(row["params"]), row["params"], store.setting("seed"))
    except Exception:
        store.finish(row["id"], "Failed", reason=traceback.format_exc()[-400:], code=1500)
        return
    time.sleep(store.setting("job_seconds", 0))
    limit = store.setting("late_execution_limit")
    if limit is not None and executions > limit:
        reason = f"The number of executions {executions} exceeds the limit of {limit}."
        store.finish(row["id"], "Failed", reason=reason, code=8033)
        return
    if row["backend"].startswith("mock_"):
        executions = None  # a dry run costs nothing
    if os.getppid() == parent:
        times = time_of_job(store, row, executions)
        if times is not None:
            store.charge(row["id"], *times)
        store.finish(row["id"], "Completed", result=result, executions=executions)


def _simulator():
    from qiskit_aer import AerSimulator

    return AerSimulator()


def _executor(params, text, seed):
    import numpy as np
    from ibm_quantum_schemas.executor.version_2_0 import ParamsModel
    from qiskit_ibm_runtime.fake_provider.executor.run_quantum_program import run_quantum_program
    from qiskit_ibm_runtime.options_models.simulator import SimulatorOptions
    from qiskit_ibm_runtime.quantum_program.converters import quantum_program_from_2_0

    model = ParamsModel.model_validate(params)
    program, _ = quantum_program_from_2_0(model)
    for item in program.items:
        if hasattr(item, "samplex"):
            item.samplex.finalize()
    executions = sum(int(np.prod(item.shape, dtype=int)) for item in program.items) * program.shots
    program.items[:] = [_with_values(item) for item in program.items]
    result = run_quantum_program(_simulator(), program, SimulatorOptions(seed_simulator=seed))
    return executions, _encoded(result, params)


def _with_values(item):
    """Return an item of a program that has values: Aer runs one without any once, whatever its shape."""
    import numpy as np
    from qiskit.circuit import Parameter
    from samplomatic.quantum_program import CircuitItem

    if item.circuit.parameters or not item.shape:
        return item
    circuit = item.circuit.copy()
    circuit.rz(Parameter("nothing"), 0)  # behind all measurements
    return CircuitItem(circuit, circuit_arguments=np.zeros((*item.shape, 1)))


def _encoded(result, params):
    from ibm_quantum_schemas.common.tensor import CompressedTensorModel
    from ibm_quantum_schemas.executor import version_2_0 as schema

    data = [
        {
            "results": {name: CompressedTensorModel.from_numpy(array).model_dump() for name, array in item.items()},
            "metadata": {"scheduler_timing": None, "stretch_values": None},
        }
        for item in result
    ]
    model = schema.QuantumProgramResultModel.model_validate(
        {
            "schema_version": "v2.0",
            "data": data,
            "metadata": {"chunk_timing": []},
            "passthrough_data": params["quantum_program"]["passthrough_data"],
            "semantic_role": params["quantum_program"]["semantic_role"],
        }
    )
    return model.model_dump_json()


def _sampler(params, text, seed):
    from qiskit_aer.primitives import SamplerV2
    from runtime_server.client import RuntimeEncoder

    pubs, executions = legacy_pubs("sampler", text)
    return executions, json.dumps(
        SamplerV2.from_backend(_simulator(), seed=seed).run(pubs).result(), cls=RuntimeEncoder
    )


def _estimator(params, text, seed):
    from qiskit_aer.primitives import EstimatorV2
    from runtime_server.client import RuntimeEncoder

    pubs, executions = legacy_pubs("estimator", text)
    options = {} if seed is None else {"run_options": {"seed_simulator": seed}}
    estimator = EstimatorV2.from_backend(_simulator(), options=options)
    return executions, json.dumps(estimator.run(pubs).result(), cls=RuntimeEncoder)


def legacy_pubs(program, text):
    """Return the PUBs of a job of the older generation and how many circuits it executes; twirling rounds shots up."""
    from qiskit.primitives.containers.estimator_pub import EstimatorPub
    from qiskit.primitives.containers.sampler_pub import SamplerPub
    from runtime_server.client import RuntimeDecoder

    decoded = json.loads(text, cls=RuntimeDecoder)
    options = decoded.get("options", {})
    if program == "estimator":
        pubs = [EstimatorPub.coerce(tuple(pub), options.get("default_precision", 0.015625)) for pub in decoded["pubs"]]
        return pubs, sum(pub.size * round(pub.precision**-2) for pub in pubs)
    twirling = options.get("twirling", {})
    pubs = [SamplerPub.coerce(tuple(pub), options.get("default_shots", 4096)) for pub in decoded["pubs"]]
    if twirling.get("enable_gates") or twirling.get("enable_measure"):
        pubs = [SamplerPub(pub.circuit, pub.parameter_values, _twirled(pub.shots, twirling)) for pub in pubs]
    return pubs, sum(pub.size * pub.shots for pub in pubs)


def _twirled(shots, twirling):
    """Return the shots of a twirled circuit, by the client's documentation of TwirlingOptions."""
    number, each = (twirling.get(name, "auto") for name in ("num_randomizations", "shots_per_randomization"))
    if (number, each) == ("auto", "auto"):
        each = max(64, -(-shots // 32))
    elif each == "auto":
        each = -(-shots // number)
    return each * (-(-shots // each) if number == "auto" else number)


_PROGRAMS = {"executor": _executor, "sampler": _sampler, "estimator": _estimator}

if __name__ == "__main__":
    # Loading takes seconds; whoever waits for the worker waits until it can really work.
    import qiskit_aer.primitives  # noqa: F401
    import runtime_server.client  # noqa: F401

    work(sys.argv[1])
