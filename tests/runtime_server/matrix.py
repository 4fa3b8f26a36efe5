"""Every generation of primitives with every kind of option, in every mode, killed at every moment of a submission.

``python -m runtime_server.matrix FOLDER`` runs all of it, or ``FOLDER some`` what the tests run: each generation with
each kind of option in every mode and at every moment, but not in every combination of those two. It prints a line of
JSON for each cell, and how many of them are not as they should be.

A cell is a program that samples and estimates through a journal and kills itself at its moment, and the same program
run again in a new process. Its numbers are held against Aer's alone, what the service executed against a run without a
kill.
"""

import json
import os
import signal
import sys
import warnings
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, generate_preset_pass_manager
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import QiskitRuntimeService, RuntimeJobV2
from qiskit_ibm_runtime.api.rest.runtime import Runtime
from qiskit_ibm_runtime.fake_provider import FakeFractionalBackend, FakeManilaV2
from runtime_server.client import HAS_EXECUTOR
from runtime_server.harness import RuntimeServer
from runtime_server.work import QUICK

from qiskit_qml_ext.primitives import Policy, connect
from qiskit_qml_ext.primitives.journal import Journal
from qiskit_qml_ext.primitives.targets.client import AUTO, generation

GENERATIONS = ("legacy", "executor") if HAS_EXECUTOR else ("legacy",)
FEATURES = {
    "plain": {},
    "fractional": {},
    "dynamical decoupling": {"dynamical_decoupling": {"enable": True, "sequence_type": "XpXm"}},
    "twirling": {"twirling": {"enable_gates": True, "enable_measure": True, "num_randomizations": 8}},
}
MODES = ("job", "batch", "session")
MOMENTS = {
    "before": (Runtime, "program_run", "before"),  # planned and claimed, nothing sent
    "during": (Runtime, "program_run", "after"),  # accepted by the service, which nobody has written down
    "after": (RuntimeJobV2, "result", "before"),  # written down, the result not fetched
}
SHOTS = 512
ROWS, ESTIMATED = 4, 1  # a job of the estimator calibrates with as many shots
PRECISION = SHOTS**-0.5
UNITS = 2 + 1  # two of the sampler's rows, one of what is estimated
_OBSERVABLE = SparsePauliOp("XZ")


@dataclass(frozen=True)
class Cell:
    """A place in the matrix."""

    generation: str
    feature: str
    mode: str
    moment: str

    @property
    def name(self):
        return " / ".join((self.generation, self.feature, self.mode, self.moment))

    @property
    def call(self):
        """Which of the calls is the last one: that of the sampler's second unit or of the estimator's."""
        return 2 + (sum(map(len, (self.feature, self.mode, self.moment))) % 2)


def every_cell():
    return [Cell(*place) for place in product(GENERATIONS, FEATURES, MODES, MOMENTS)]


def some_cells():
    """Choose cells so that any two of the four things meet somewhere, but for modes and moments, which meet often."""
    moments = list(MOMENTS)
    return [
        Cell(kind, feature, mode, moments[(place + number) % len(moments)])
        for place, (kind, feature) in enumerate(product(GENERATIONS, FEATURES))
        for number, mode in enumerate(MODES)
    ]


class Matrix:
    """Runs cells on one service; a context manager.

    Args:
        folder: Where the service's state and the journals lie.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.server = RuntimeServer(self.folder / "server", [FakeManilaV2, FakeFractionalBackend])
        self._calm = {}

    def __enter__(self):
        os.environ.update(self.server.environment)
        self.server.start()
        return self

    def __exit__(self, *error):
        self.server.__exit__(*error)

    def run(self, cell):
        """Return what came of a cell, with the faults that were found in it."""
        calm = self._uninterrupted(cell.generation, cell.feature)
        self._reset()
        path = self.folder / f"{cell.name.replace(' / ', '-').replace(' ', '_')}.journal"
        killed = _in_fork(lambda: _die(cell, path))
        answer = path.with_suffix(".npz")
        _in_fork(lambda: _answer(cell, path, answer))
        outcome = {"cell": cell.name, "killed": killed == signal.SIGKILL, **self._facts(path)}
        outcome["deviation"] = float(f"{_deviation(cell, answer):.3g}") if answer.exists() else None
        outcome["faults"] = _faults(cell, outcome, calm)
        return {name: value for name, value in outcome.items() if name not in ("settings", "sent")}

    def _uninterrupted(self, kind, feature):
        """Return what a run without a kill comes to."""
        if (kind, feature) not in self._calm:
            self._reset()
            path = self.folder / f"calm-{kind}-{feature}.journal".replace(" ", "_")
            cell = Cell(kind, feature, "job", "after")
            _in_fork(lambda: _answer(cell, path, path.with_suffix(".npz")))
            self._calm[kind, feature] = self._facts(path)
        return self._calm[kind, feature]

    def _reset(self):
        self.server.reset()
        self.server.store.set("seed", 7)

    def _facts(self, path):
        self.server.settle()
        with Journal(path) as journal:
            units, duplicates = journal.units(), journal.duplicates()
        return {
            "units": len(units),
            "settings": [unit.settings for unit in units],
            "jobs": len(self.server.jobs()),
            "executions": self.server.executions(),
            "duplicates": len(duplicates),
            "sent": [_sent(json.loads(job["params"])) for job in self.server.jobs()],
        }


def _sent(params):
    """Return the options of a job that are under test, as the service got them."""
    program = params.get("quantum_program")
    options = params["options"] if program is None else program["passthrough_data"]["post_processor"]["options"]
    names = {name: list(group) for feature in FEATURES.values() for name, group in feature.items()}
    return {name: {one: options.get(name, {}).get(one) for one in group} for name, group in names.items()}


def _faults(cell, outcome, calm):
    """Say what is not as it should be."""
    faults = [
        f"{sent[name]} was sent for {name}"
        for sent in outcome["sent"]
        for name, group in FEATURES[cell.feature].items()
        if sent[name] != group
    ]
    if not outcome["killed"]:
        faults.append("the program was not killed")
    if outcome["deviation"] is None:
        return [*faults, "the second program did not end"]
    if not outcome["deviation"] <= 5:
        faults.append("more than 5 standard errors from Aer's numbers")
    faults += [
        f"{outcome[fact]} {fact} instead of {calm[fact]}"
        for fact in ("units", "settings", "jobs", "executions", "duplicates", "sent")
        if outcome[fact] != calm[fact]
    ]
    if calm["units"] != UNITS or calm["duplicates"]:
        faults.append(f"a run without a kill has {calm['units']} units and {calm['duplicates']} duplicates")
    return faults


def work(cell, path):
    """Sample and estimate as a user's program would; return the counts and the expectation values."""
    backend = QiskitRuntimeService().backend(_device(cell), use_fractional_gates=cell.feature == "fractional")
    circuit, values = _circuit(cell, backend)
    with connect(
        backend,
        shots=SHOTS,
        mode=cell.mode,
        journal=path,
        policy=Policy(**{**QUICK, "settle_seconds": 0.2}),
        max_executions_per_job=ROWS // 2 * SHOTS,
        generation=cell.generation,
        **FEATURES[cell.feature],
    ) as connection:
        measured = circuit.copy()
        measured.add_register(ClassicalRegister(2, "c"))
        measured.measure(_qubits(circuit), [0, 1])
        counts = connection.sampler.run([(measured, values)]).result()[0].data.c
        observable = _OBSERVABLE.apply_layout(_qubits(circuit), circuit.num_qubits)
        estimated = connection.estimator.run([(circuit, observable, values[:ESTIMATED], PRECISION)]).result()[0].data
    return _frequencies(counts), estimated.evs


def reference(cell):
    """Return the probabilities and expectation values that Aer finds by itself, without shots."""
    circuit, values = _circuit(cell, {"fractional": FakeFractionalBackend}.get(cell.feature, FakeManilaV2)())
    chances, means = [], []
    for row in values:
        bound = circuit.assign_parameters(row)
        qubits = _qubits(circuit)
        bound.save_probabilities(qubits, label="chances")
        bound.save_expectation_value(_OBSERVABLE, qubits, label="mean")
        data = AerSimulator(method="statevector").run(bound).result().data()
        chances.append(data["chances"])
        means.append(data["mean"])
    return np.array(chances), np.array(means[:ESTIMATED])


def _deviation(cell, answer):
    """Return the largest deviation from Aer's numbers, in standard errors."""
    saved = np.load(answer)
    chances, means = reference(cell)
    counts_error = np.sqrt(np.maximum(chances * (1 - chances), 1e-12) / saved["shots"])
    values_error = np.sqrt(np.maximum(1 - means**2, 0) * PRECISION**2 + 1e-12)
    off = [np.abs(saved["frequencies"] - chances) / counts_error, np.abs(saved["evs"] - means) / values_error]
    return float(max(part.max() for part in off))


def _device(cell):
    return "test_fractional" if cell.feature == "fractional" else "test_manila"


def _circuit(cell, backend):
    """Return a circuit of two qubits in the device's own gates, one of which waits for the other, and its angles."""
    a = ParameterVector("a", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(a[0], 1)
    for _ in range(4):
        circuit.ry(a[2] / 4, 0)
        circuit.sx(0)
    values = np.random.default_rng(5).uniform(0.2, 1.3, (ROWS, 3))
    if cell.feature == "fractional":
        native = QuantumCircuit(backend.num_qubits)
        native.rx(a[0], 1)
        native.rx(a[2], 0)
        native.rzz(a[1], 0, 1)
        native.rx(a[0] + a[2], 1)
        return native, values
    circuit.cx(0, 1)
    circuit.ry(a[1], 1)
    manager = generate_preset_pass_manager(1, backend=backend, seed_transpiler=1, initial_layout=[0, 1])
    return manager.run(circuit), values


def _qubits(circuit):
    return circuit.layout.final_index_layout() if circuit.layout is not None else [0, 1]


def _frequencies(counts):
    """Return how often each outcome was read, shape (rows, 4), and of how many shots."""
    numbers = counts.array[..., 0]
    return np.stack([np.mean(numbers == outcome, axis=-1) for outcome in range(4)], axis=-1), counts.num_shots


def _answer(cell, path, answer):
    (frequencies, shots), evs = work(cell, path)
    np.savez(answer, frequencies=frequencies, shots=shots, evs=evs)


def _die(cell, path):
    owner, name, when = MOMENTS[cell.moment]
    original, calls = getattr(owner, name), []

    def dying(*arguments, **settings):
        calls.append(1)
        last = len(calls) == cell.call
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **settings)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)
    work(cell, path)


def _in_fork(task):
    """Do something in a process of its own and return the signal that ended it, 0 for none."""
    child = os.fork()
    if not child:
        try:
            warnings.simplefilter("error")
            task()
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def main(folder, which="every"):
    """Run cells and print what came of them."""
    generation(AUTO)  # what all need is imported once
    wrong = 0
    with Matrix(folder) as matrix:
        for cell in {"every": every_cell, "some": some_cells}[which]():
            outcome = matrix.run(cell)
            wrong += bool(outcome["faults"])
            print(json.dumps(outcome), flush=True)
    print(json.dumps({"wrong": wrong}), flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main(*sys.argv[1:])))
