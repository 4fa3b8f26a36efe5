"""A small journal whose every result is known, and ways to damage it."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import StatevectorEstimator, StatevectorSampler

from qiskit_qml_ext.primitives.journal import Journal, JournaledEstimator, JournaledSampler, Policy

QUBITS = 4
POLICY = Policy(max_executions=100, download_tries=2)
ROWS = {False: list(range(11)), True: [15, 3, 9, 12, 6, 10, 5]}
SHOTS = {False: 20, True: 30}


def register(number, *, reverse):
    """A circuit that reads the number that its angles spell, in one of two orders; rows differ in every shot."""
    angles = ParameterVector("x", QUBITS)
    circuit = QuantumCircuit(QUBITS, name=f"reverse {reverse}")
    for qubit in range(QUBITS):
        circuit.rx(angles[qubit], QUBITS - 1 - qubit if reverse else qubit)
    circuit.measure_all()
    rows = [[np.pi * (value >> qubit & 1) for qubit in range(QUBITS)] for value in number]
    return circuit, np.array(rows), SHOTS[reverse]


def reversed_bits(value):
    return int(f"{value:0{QUBITS}b}"[::-1], 2)


def expected():
    """What the program must read, without any of our code: numbers of the sampler, cosines of the estimator."""
    return {
        False: ROWS[False],
        True: [reversed_bits(value) for value in ROWS[True]],
        "cosines": np.cos(np.linspace(0.1, 2.9, 5)),
    }


@dataclass
class Outcome:
    """What a run of the program gave: whether it was right, and how many jobs it took."""

    right: bool
    submitted: int


def run_program(path):
    """Run everything through one journal, as a program run again does."""
    submitted = 0
    found = {}
    with Journal(path) as journal:
        for reverse in (False, True):
            job = JournaledSampler(StatevectorSampler(), journal, policy=POLICY).run(
                [register(ROWS[reverse], reverse=reverse)]
            )
            bits = job.result(20)[0].data.meas.array[..., 0]
            assert bits.shape == (len(ROWS[reverse]), SHOTS[reverse])
            values = [set(row.tolist()) for row in bits]
            assert all(len(row) == 1 for row in values)
            found[reverse] = [row.pop() for row in values]
            submitted += job.report.submitted
        circuit = QuantumCircuit(1)
        circuit.rx(ParameterVector("y", 1)[0], 0)
        job = JournaledEstimator(StatevectorEstimator(), journal, policy=POLICY).run(
            [(circuit, "Z", np.linspace(0.1, 2.9, 5)[:, None])]
        )
        found["cosines"] = job.result(20)[0].data.evs
        submitted += job.report.submitted
    wanted = expected()
    right = all(np.allclose(found[name], wanted[name], rtol=0, atol=1e-9) for name in wanted)
    return Outcome(right, submitted)


def make_files(folder):
    """Make journals with all the work done in a process that ends; return the bytes of their files by name.

    *main* and *beside* are what a kill leaves of a journal that goes on into its own file after each step; *early* and
    *late* what it leaves where a reader kept everything but the tables in the file beside it.
    """
    subprocess.run([sys.executable, __file__, str(folder)], check=True, timeout=120)
    return {name: (folder / name).read_bytes() for name in ("main", "beside", "early", "late")}


def _make(folder):
    for behind, names in ((False, ("main", "beside")), (True, ("early", "late"))):
        path = folder / f"base-{behind}"
        Journal(path).close()
        with Journal(path) as journal, closing(sqlite3.connect(path, isolation_level=None)) as reader:
            if behind:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM units").fetchone()
            assert run_program(path).right
            assert journal.units()
            for name, ending in zip(names, ("", "-wal"), strict=True):
                shutil.copy(f"{path}{ending}", folder / name)


def put(path, main, beside=None):
    """Write a journal's files where no others are."""
    for item in path.parent.glob(f"{path.name}*"):
        item.unlink()
    for item in path.parent.glob(f".{path.name}*"):
        item.unlink()
    path.write_bytes(main)
    if beside is not None:
        path.with_name(f"{path.name}-wal").write_bytes(beside)


if __name__ == "__main__":
    _make(Path(sys.argv[1]))
