"""What a forked child computes after its parent has used Qiskit's threads: the same numbers, and no hang."""

import os
import subprocess
import sys

import pytest

_PROGRAM = """
import multiprocessing, os, signal, sys, warnings
import numpy as np
from joblib import Parallel, delayed
from qiskit import QuantumCircuit, transpile
from qiskit.transpiler import CouplingMap
from qiskit_aer import AerSimulator
from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork in a process with threads
X = np.random.default_rng(0).uniform(0, 1, (4, 3))

def kernel(target):
    connection = connect(target, seed=1, **({} if target == "exact" else {"shots": 64}))
    return FidelityKernel(ZZFeatureMap(reps=1), connection=connection).evaluate(X)

def transpiled(level):
    circuit = QuantumCircuit(5)
    circuit.h(0)
    for other in range(1, 5):
        circuit.cx(0, other)
    return transpile(circuit, coupling_map=CouplingMap.from_line(5), basis_gates=["rz", "sx", "cx"],
                     optimization_level=level, seed_transpiler=1)

def counts():
    circuit = QuantumCircuit(15)
    circuit.h(range(15))
    circuit.measure_all()
    return AerSimulator(seed_simulator=3).run(circuit, shots=5).result().get_counts()

def work():
    kernels = {target: kernel(target) for target in ("exact", "aer", "fake_manila")}
    return kernels, [transpiled(level) for level in range(4)], counts()

def same(one, other):
    return all(np.array_equal(one[0][name], other[0][name]) for name in one[0]) and one[1:] == other[1:]

expected = work()
how = sys.argv[1]
if how == "os.fork":
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a child that hangs is killed
        os._exit(0 if same(work(), expected) else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, f"the child ended with {status}"
elif how == "multiprocessing":
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert same(pool.apply_async(work).get(timeout=60), expected)
else:
    found = Parallel(n_jobs=2, backend="multiprocessing", timeout=60)(delayed(kernel)("fake_manila") for _ in range(2))
    assert all(np.array_equal(one, expected[0]["fake_manila"]) for one in found)
print("done")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("how", ["os.fork", "multiprocessing", "joblib"])
def test_a_forked_child_transpiles_and_runs_as_its_parent_did(how):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM, how], capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "done"


_JOB = """
import os, signal, sys, time, warnings
from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorSampler
from qiskit.providers import JobStatus
from qiskit_qml_ext.exceptions import RunIncompleteError
from qiskit_qml_ext.primitives import JournaledSampler

warnings.simplefilter("ignore", DeprecationWarning)

class Slow(StatevectorSampler):
    def run(self, pubs, *, shots=None):
        time.sleep(3)
        return super().run(pubs, shots=shots)

circuit = QuantumCircuit(1)
circuit.measure_all()
job = JournaledSampler(Slow(), sys.argv[1]).run([circuit])
child = os.fork()
if child == 0:
    signal.alarm(60)
    try:
        job.result()
    except RunIncompleteError as error:
        os._exit(0 if "belongs to the process that started it" in str(error) and not job.done() else 1)
    os._exit(2)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert job.result()[0].data.meas.get_counts() == {"0": 1024}
assert job.status() is JobStatus.DONE
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_run_belongs_to_the_process_that_started_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _JOB, str(tmp_path / "run.journal")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
