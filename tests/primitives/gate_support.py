"""Which gates with free parameters which targets run right: measured, and written as a table.

``python -m tests.primitives.gate_support > docs/gate-support.md`` writes the table; a test compares the file with what
it measures. Each cell is a sampler, an estimator and a kernel, compared with Qiskit's ``Statevector``.
"""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter, ParameterVector
from qiskit.circuit.library import (
    CPhaseGate,
    CRXGate,
    GlobalPhaseGate,
    HamiltonianGate,
    MCPhaseGate,
    PauliEvolutionGate,
    RXGate,
    RYGate,
    RZGate,
    StatePreparation,
    UGate,
    get_standard_gate_name_mapping,
)
from qiskit.circuit.library.standard_gates import MCU1Gate
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Connection, connect

SHOTS = 1500
SIGMAS = 5.0  # with a few thousand comparisons a false alarm has a probability of about 1/1000
RIGHT, REFUSED = "right", "refused"

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Row:
    """A gate.

    Attributes:
        name: Its name in the table.
        num_parameters: How many parameters it has.
        make: Makes it of its parameters.
    """

    name: str
    num_parameters: int
    make: Callable[[list[Any]], Gate]


def gates() -> list[Row]:
    """Return every gate of Qiskit's standard library with parameters, and gates of other kinds."""
    rows = [
        Row(f"`{name}`", len(gate.params), _maker(gate.base_class))
        for name, gate in sorted(get_standard_gate_name_mapping().items())
        if isinstance(gate, Gate) and gate.params and gate.num_qubits
    ]
    commuting = SparsePauliOp(["XX", "ZZ"], [0.7, -0.4])
    return [
        *rows,
        Row("`mcphase`, 2 controls", 1, lambda p: MCPhaseGate(p[0], 2)),
        Row("`mcphase`, 3 controls", 1, lambda p: MCPhaseGate(p[0], 3)),
        Row("`mcu1`, 2 controls", 1, lambda p: MCU1Gate(p[0], 2)),
        Row("`rx`, 2 controls", 1, lambda p: RXGate(p[0]).control(2, annotated=False)),
        Row("`ry`, 2 controls", 1, lambda p: RYGate(p[0]).control(2, annotated=False)),
        Row("`rz`, 2 controls", 1, lambda p: RZGate(p[0]).control(2, annotated=False)),
        Row("`crx`, open control", 1, lambda p: CRXGate(p[0], ctrl_state=0)),
        Row("`cp`, labelled", 1, lambda p: CPhaseGate(p[0], label="mine")),
        Row("`PauliEvolutionGate`, commuting terms", 1, lambda p: PauliEvolutionGate(commuting, time=p[0])),
        Row("a gate of your own called `cx`", 1, lambda p: own_gate("cx", p[0])),
        Row("`HamiltonianGate`", 1, lambda p: HamiltonianGate(SparsePauliOp(["XI", "ZZ"], [0.7, -0.4]), p[0])),
        Row("a gate of your own called `rz`", 1, lambda p: own_gate("rz", p[0])),
        *(_own_row(name) for name in ("barrier", "delay", "measure", "reset", "initialize")),
        Row("`global_phase` beside `rx`", 1, beside_global_phase),
        Row("`StatePreparation` before `u`", 3, after_preparation),
    ]


def _maker(cls: type) -> Callable[[list[Any]], Gate]:
    return lambda parameters: cls(*parameters)


def _own_row(name: str) -> Row:
    return Row(f"a gate of your own called `{name}`", 1, lambda p: own_gate(name, p[0]))


def own_gate(name: str, angle: Any) -> Gate:
    """Return a gate whose name says nothing about what it does."""
    inside = QuantumCircuit(2 if name == "cx" else 1, name=name)
    inside.ry(angle, 0)
    if inside.num_qubits == 2:
        inside.crx(angle, 1, 0)
    inside.sx(0)
    return inside.to_gate()


def beside_global_phase(parameters: list[Any]) -> Gate:
    """Return a rotation together with a phase that no measurement sees."""
    inside = QuantumCircuit(1, name="phase")
    inside.append(GlobalPhaseGate(parameters[0]), [])
    inside.rx(parameters[0], 0)
    return inside.to_gate()


def after_preparation(parameters: list[Any]) -> Gate:
    """Return a prepared state with a rotation, and a state taken back."""
    inside = QuantumCircuit(2, name="prepared")
    inside.append(StatePreparation([0.6, 0, 0, 0.8]), [0, 1])
    inside.append(UGate(*parameters), [0])
    inside.append(StatePreparation([0.5, 0.5, -0.5, 0.5]).inverse(), [0, 1])
    return inside.to_gate()


def encoding(row: Row) -> QuantumCircuit:
    """Return the gate after rotations that let every part of it be seen."""
    gate = row.make(list(ParameterVector("x", row.num_parameters)))
    circuit = QuantumCircuit(max(gate.num_qubits, 1))
    for qubit in range(circuit.num_qubits):
        circuit.ry(0.8 + 0.3 * qubit, qubit)
        circuit.rz(0.5 + 0.2 * qubit, qubit)
    circuit.append(gate, range(gate.num_qubits))
    return circuit


def shown(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit before turns that make phases probabilities."""
    turned = circuit.copy()
    for qubit in range(circuit.num_qubits):
        turned.rx(1.1 - 0.2 * qubit, qubit)
    return turned


def random_encoding(number: int) -> QuantumCircuit:
    """Return a circuit of many kinds of gates whose angles share, scale, negate and add parameters."""
    rng = np.random.default_rng(number)
    a, b, c = (Parameter(name) for name in "abc")
    angles = [a, b, c, 2 * a, -b, a + b, c / 3 - a, 0.5 * (a - c) + 0.3, a * b]
    rows = [row for row in gates() if "own" not in row.name and "State" not in row.name]
    circuit = QuantumCircuit(3)
    for place in range(3):
        circuit.ry([a, b, c][place] + 0.4, place)
    while len(circuit.data) < 13:
        row = rows[rng.integers(len(rows))]
        gate = row.make([angles[rng.integers(len(angles))] for _ in range(row.num_parameters)])
        if gate.num_qubits <= 3:
            circuit.append(gate, rng.permutation(3)[: gate.num_qubits].tolist())
    return circuit


TARGETS: dict[str, Callable[[], Connection]] = {
    "exact": lambda: connect("exact", shots=SHOTS, seed=1),
    "Aer": lambda: connect("aer", shots=SHOTS, seed=1),
    "Aer, statevector": lambda: connect("aer", method="statevector", shots=SHOTS, seed=1),
    "Aer, density_matrix": lambda: connect("aer", method="density_matrix", shots=SHOTS, seed=1),
    "Aer, matrix_product_state": lambda: connect("aer", method="matrix_product_state", shots=SHOTS, seed=1),
    "Aer, stabilizer": lambda: connect("aer", method="stabilizer", shots=SHOTS, seed=1),
    "Aer, extended_stabilizer": lambda: connect("aer", method="extended_stabilizer", shots=SHOTS, seed=1),
    "Aer, noise model": lambda: connect(_barely_noisy(), shots=SHOTS, seed=1),
    "IBM fakes": lambda: _quiet_fake(),
    "GenericBackendV2": lambda: connect(GenericBackendV2(5, noise_info=False, seed=1), shots=SHOTS, seed=1),
    "BasicSimulator": lambda: connect(BasicSimulator(), shots=SHOTS, seed=1),
    "Braket local": lambda: _braket(),
}
"""The columns."""


def _barely_noisy() -> Any:
    """A simulator whose noise model watches all gates, with errors that 1,500 shots cannot see."""
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    noise = NoiseModel()
    for width, names in ((1, ["rx", "ry", "rz", "u", "p"]), (2, ["cx", "cp", "crx", "cry", "crz", "cu", "cu1", "cu3"])):
        noise.add_all_qubit_quantum_error(depolarizing_error(1e-6, width), names)
    return AerSimulator(noise_model=noise, max_parallel_experiments=0)


def _quiet_fake() -> Connection:
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel

    connection = connect("fake_manila", shots=SHOTS, seed=1)
    target: Any = connection.target
    target._fake_device = AerSimulator.from_backend(
        target.backend, noise_model=NoiseModel(target.backend.operation_names)
    )  # no errors
    return connection


def _braket() -> Connection:
    from qiskit_braket_provider import BraketLocalBackend

    return connect(BraketLocalBackend(), shots=SHOTS, seed=1)


def check(connection: Connection, circuit: QuantumCircuit) -> str:
    """Run a sampler, an estimator and a kernel.

    Returns:
        ``"right"`` or ``"refused"``.

    Raises:
        AssertionError: If a result is wrong.
    """
    number = circuit.num_parameters
    values = np.random.default_rng(7).uniform(0.4, 2.6, (2, number)) * np.array([[1.0], [-1.0]])
    try:
        _check_sampler(connection, shown(circuit), values)
        _check_estimator(connection, shown(circuit), values)
        _check_kernel(connection, circuit, values)
    except UnsupportedCircuitError:
        return REFUSED
    return RIGHT


def _check_sampler(connection: Connection, circuit: QuantumCircuit, values: FloatArray) -> None:
    measured = circuit.copy()
    measured.measure_all()
    (_, data), *others = connection.sample(measured, values)
    assert not others
    for index, row in enumerate(values):
        right = Statevector(circuit.assign_parameters(row)).probabilities()
        counts = data.meas[index].get_int_counts()
        found = np.array([counts.get(outcome, 0) for outcome in range(len(right))]) / SHOTS
        allowed = SIGMAS * np.sqrt(right * (1 - right) / SHOTS) + SIGMAS / SHOTS
        assert np.all(np.abs(found - right) < allowed), f"sampler: {found} instead of {right}"


def _check_estimator(connection: Connection, circuit: QuantumCircuit, values: FloatArray) -> None:
    width = circuit.num_qubits
    operator = SparsePauliOp(["Z" * width, "X" + "I" * (width - 1)], [0.5, 0.5])
    isa = connection.isa_circuit(circuit)
    observable = operator if isa.layout is None else operator.apply_layout(isa.layout)
    names = [parameter.name for parameter in circuit.parameters]
    left = {parameter.name for parameter in isa.parameters}
    bindings = {name: values[:, column] for column, name in enumerate(names) if name in left}
    found = connection.estimator.run([(isa, observable, bindings)]).result()[0].data.evs
    right = [Statevector(circuit.assign_parameters(row)).expectation_value(operator).real for row in values]
    assert np.all(np.abs(found - right) < SIGMAS / np.sqrt(SHOTS)), f"estimator: {found} instead of {right}"


def _check_kernel(connection: Connection, circuit: QuantumCircuit, values: FloatArray) -> None:
    found = FidelityKernel(circuit, connection=connection, method="sampled").evaluate(values)[0, 1]
    states = [Statevector(circuit.assign_parameters(row)) for row in values]
    right = abs(states[0].inner(states[1])) ** 2
    allowed = SIGMAS * np.sqrt(right * max(1 - right, 0.0) / SHOTS) + SIGMAS / SHOTS
    assert abs(found - right) < allowed, f"kernel: {found} instead of {right}"


def column(target: str) -> dict[str, str]:
    """Return what a target does with each gate and with random circuits."""
    connection = TARGETS[target]()
    cells = {}
    for row in gates():
        try:
            cells[row.name] = check(connection, encoding(row))
        except AssertionError as error:
            raise AssertionError(f"{row.name} on {target}: {error}") from error
    found = {check(connection, random_encoding(number)) for number in range(3)}
    assert len(found) == 1, f"random circuits on {target}: {found}"
    return {**cells, "random circuits of these": found.pop()}


INTRODUCTION = """# Gates with free parameters, target by target

Every cell is a sampler, an estimator and a fidelity kernel, run with free parameters and compared with Qiskit's
`Statevector`. "right" means equal within five standard errors of the shots; "refused" means an error that names the
gate. No cell may be anything else. Random circuits mix the gates, with parameters that are shared, scaled, negated,
added and multiplied.

The file is written by `python -m tests.primitives.gate_support > docs/gate-support.md`, and the tests fail when it
differs from what they measure. `IBM fakes` and `Aer, noise model` are run with errors that the shots cannot see; that
errors act where they should is a test of its own.
"""


def table(columns: dict[str, dict[str, str]]) -> str:
    """Write the page.

    Args:
        columns: What :func:`column` found for each target.
    """
    names = list(columns)
    lines = ["| Gate | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for gate in columns[names[0]]:
        lines.append(f"| {gate} | " + " | ".join(columns[name][gate] for name in names) + " |")
    return INTRODUCTION + "\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write(table({target: column(target) for target in TARGETS}))
