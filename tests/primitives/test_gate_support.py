"""Every gate on every target is right or refused, and the page of the documentation says which."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import StatePreparation
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2, SamplerV2

from qiskit_qml_ext.exceptions import UnsupportedCircuitError, WrongSimulationError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Connection, JournaledEstimator, connect
from qiskit_qml_ext.primitives.targets.aer import binding, probe
from tests.primitives.gate_support import TARGETS, column, own_gate, table

PAGE = Path(__file__).parents[2] / "docs" / "gate-support.md"
SLOW = {"Aer, noise model", "Braket local", "IBM fakes"}


def written_columns():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head, _, *rows = cells
    return {target: {row[0]: row[place] for row in rows} for place, target in enumerate(head[1:], start=1)}


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::UserWarning",
    "ignore::scipy.sparse.SparseEfficiencyWarning",  # of Qiskit's matrix of a PauliEvolutionGate
)
@pytest.mark.parametrize("target", [pytest.param(t, marks=pytest.mark.slow if t in SLOW else ()) for t in TARGETS])
def test_every_gate_is_right_or_refused_as_the_page_says(target):
    if target == "Braket local":
        pytest.importorskip("qiskit_braket_provider")
    assert column(target) == written_columns()[target], (
        "Run: python -m tests.primitives.gate_support > docs/gate-support.md"
    )


def test_the_page_is_the_one_that_the_command_writes():
    assert table(written_columns()) == PAGE.read_text()
    assert set(written_columns()) == set(TARGETS)


def controlled():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.cp(x[0], 0, 1)
    circuit.cry(x[1] - x[0], 1, 0)
    circuit.h(1)
    return circuit


VALUES = np.array([[0.7, 1.9], [2.1, -0.4], [-1.2, 0.3]])
OBSERVABLE = SparsePauliOp(["ZI", "XX"], [0.6, 0.4])


def right_values(circuit):
    states = [Statevector(circuit.assign_parameters(row)) for row in VALUES]
    return [state.expectation_value(OBSERVABLE).real for state in states]


def test_circuits_that_were_not_transpiled_are_right_on_aer():
    connection = connect("aer", seed=1)
    found = connection.estimator.run([(controlled(), OBSERVABLE, VALUES)], precision=0.0).result()[0].data.evs
    assert_allclose(found, right_values(controlled()), atol=1e-10)


def test_primitives_of_aer_that_the_user_holds_are_right():
    connection = Connection.from_primitives(sampler=SamplerV2(seed=1), estimator=EstimatorV2())
    found = connection.estimator.run([(controlled(), OBSERVABLE, VALUES)]).result()[0].data.evs
    assert_allclose(found, right_values(controlled()), atol=1e-10)
    kernel = FidelityKernel(controlled(), sampler=SamplerV2(seed=1, default_shots=4000))
    exact = FidelityKernel(controlled()).evaluate(VALUES)
    assert_allclose(kernel.evaluate(VALUES), exact, atol=5 * np.sqrt(0.25 / 4000))  # five standard errors


def test_a_journal_around_aers_own_estimator_is_right(tmp_path):
    estimator = JournaledEstimator(EstimatorV2(options={"default_precision": 0.01}), tmp_path / "runs.journal")
    found = estimator.run([(controlled(), OBSERVABLE, VALUES)]).result()[0].data.evs
    assert_allclose(found, right_values(controlled()), atol=0.05)  # five times the precision


def test_rows_of_any_shape_keep_their_places_when_values_are_put_in_first():
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(1e-9, 2), ["cry", "cp"])
    connection = connect("aer", noise_model=noise, method="density_matrix")
    shaped = np.stack([VALUES, VALUES[::-1]])
    estimator = connection.estimator
    found = estimator.run([(controlled(), [[OBSERVABLE]], shaped)], precision=0.0).result()[0].data.evs
    right = right_values(controlled())
    assert_allclose(found, [right, right[::-1]], atol=1e-8)


def test_stabilizers_refuse_free_parameters_and_name_the_gate():
    connection = connect("aer", method="stabilizer")
    with pytest.raises(
        UnsupportedCircuitError, match="stabilizer method runs Clifford gates only, but cp, cry have free"
    ):
        connection.isa_circuit(controlled())
    measured = controlled()
    measured.measure_all()
    with pytest.raises(UnsupportedCircuitError, match="stabilizer method"):
        connection.sampler.run([(measured, VALUES)]).result()


@pytest.mark.slow
def test_a_prepared_state_before_free_angles_does_not_end_the_process():
    """Aer's simulator crashes on a multiplexer beside a free angle, so that this runs in a process of its own."""
    program = (
        "from tests.primitives.test_gate_support import prepared_kernels as run\n"
        "exact, sampled = run()\n"
        "print(abs(exact - sampled).max())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 5 * np.sqrt(0.25 / 4000)


def prepared_kernels():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.append(StatePreparation([0.6, 0, 0, 0.8]), [0, 1])
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    aer = connect("aer", shots=4000, seed=2)
    return FidelityKernel(circuit).evaluate(VALUES), FidelityKernel(circuit, connection=aer).evaluate(VALUES)


# --- names ---

HOSTILE = ["p", "cx", "x", "unitary", "delay", "measure", "reset", "barrier", "if_else", "kraus", "initialize"]


def with_own_gate(name):
    x = ParameterVector("x", 1)
    inside = QuantumCircuit(2, name=name)
    inside.ry(x[0], 0)
    inside.crx(0.7 * x[0], 0, 1)
    around = QuantumCircuit(2, name="around")
    around.append(inside.to_gate(), [1, 0])
    circuit = QuantumCircuit(2)
    circuit.ry(0.4, 1)
    circuit.append(inside.to_gate(), [0, 1])
    circuit.append(around.to_gate(), [0, 1])
    return circuit


@pytest.mark.filterwarnings("ignore:Qiskit backend .* has no QubitProperties")
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("target", ["aer", "any backend"])
def test_gates_are_known_by_their_class_not_by_their_name(name, target):
    device = "aer" if target == "aer" else GenericBackendV2(2, noise_info=False, seed=1)
    connection = connect(device, shots=2000, seed=1)
    measured = with_own_gate(name)
    measured.measure_all()
    right = Statevector(with_own_gate(name).assign_parameters([1.3])).probabilities()
    runs = [next(connection.sample(measured, np.array([[1.3]])))[1].meas[0]]
    if target == "aer":  # and without isa_circuit
        runs.append(connection.sampler.run([(measured, [1.3])]).result()[0].data.meas)
    for bits in runs:
        counts = bits.get_int_counts()
        found = np.array([counts.get(outcome, 0) for outcome in range(4)]) / 2000
        assert_allclose(found, right, atol=5 * np.sqrt(0.25 / 2000))  # five standard errors


def test_a_circuit_with_a_gate_called_like_the_devices_is_no_isa_circuit():
    connection = connect(GenericBackendV2(2, basis_gates=["cx", "rz", "sx", "x"], noise_info=False, seed=1), seed=1)
    own, plain = QuantumCircuit(2), QuantumCircuit(2)
    own.append(own_gate("cx", 0.3), [0, 1])
    plain.cx(0, 1)
    plain.barrier()
    assert connection.isa_circuit(plain) is plain
    isa = connection.isa_circuit(own)
    assert isa is not own
    assert_allclose(Statevector(isa).probabilities(), Statevector(own).probabilities(), atol=1e-12)


def test_packed_copies_know_gates_by_their_class():
    connection = connect("fake_guadalupe", shots=4000, seed=1, packing=2)
    measured = with_own_gate("cx")
    measured.measure_all()
    angles = np.array([[1.3], [0.0]])
    data = [bits for _, part in connection.sample(measured, angles) for bits in (part.meas[0], part.meas[1])]
    for bits, angle in zip(data, angles, strict=True):
        right = Statevector(with_own_gate("cx").assign_parameters(angle)).probabilities()
        counts = bits.get_int_counts()
        assert_allclose([counts.get(k, 0) / 4000 for k in range(4)], right, atol=0.15)  # a device's errors


def test_gates_without_any_meaning_are_refused():
    from qiskit.circuit import Gate

    circuit = QuantumCircuit(2)
    circuit.append(Gate("cx", 2, []), [0, 1])
    with pytest.raises(UnsupportedCircuitError, match=r"'cx'.*neither a definition nor a matrix"):
        connect("aer").isa_circuit(circuit)


# --- the probe ---


class Broken(AerSimulator):
    """A simulator that puts wrong values into rotations about Z of two qubits."""

    def _convert_circuit_binds(self, circuit, binds, idx_map):
        found = super()._convert_circuit_binds(circuit, binds, idx_map)
        names = [item.operation.name for item in circuit.data]
        place = {new: index for index, new in enumerate(idx_map)}
        return [
            [(index, part), [2 * value for value in values] if index >= 0 and names[place[index]] == "rzz" else values]
            for (index, part), values in found
        ]


def rotations():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rzz(x[0], 0, 1)
    circuit.rx(x[1], 0)
    return circuit


def test_a_simulator_that_binds_a_gate_wrongly_is_found_out_and_the_gate_is_named():
    connection = connect(Broken(), shots=100, seed=1)
    measured = rotations()
    measured.measure_all()
    with pytest.raises(WrongSimulationError, match="wrong results for rzz with free parameters"):
        list(connection.sample(measured, VALUES))
    assert connection.usage.shots == 0
    with pytest.raises(WrongSimulationError, match="rzz"):
        connection.estimator.run([(connection.isa_circuit(rotations()), OBSERVABLE, VALUES)]).result()


@pytest.mark.parametrize("angles", [np.zeros((1, 2)), VALUES])
def test_gates_that_aer_binds_wrongly_are_found_out_if_they_reach_it(monkeypatch, angles):
    from qiskit.circuit.library import CPhaseGate

    monkeypatch.setattr(binding, "BOUND_RIGHT", binding.BOUND_RIGHT | {CPhaseGate})
    with pytest.raises(WrongSimulationError, match="wrong results for cp with free parameters"):
        connect("aer").estimator.run([(controlled(), OBSERVABLE, angles)]).result()


def test_a_wrong_translation_is_found_out(monkeypatch):
    def mistaken(operation):
        wrong = QuantumCircuit(2)
        wrong.rz(operation.params[0], 0)
        wrong.rx(operation.params[0], 1)
        return wrong

    monkeypatch.setattr(binding, "definition_of", mistaken)
    with pytest.raises(WrongSimulationError, match=r"wrong results for cp|cry"):
        connect("aer").estimator.run([(controlled(), OBSERVABLE, VALUES)]).result()


def test_the_probe_looks_once_at_a_circuit_on_a_simulator(monkeypatch):
    looks = []
    difference = probe._difference
    monkeypatch.setattr(probe, "_difference", lambda *given: looks.append(1) or difference(*given))
    connection = connect("aer", shots=10, seed=1)
    measured = rotations()
    measured.measure_all()
    for _ in range(3):
        list(connection.sample(measured, VALUES))
    assert len(looks) == 1
    assert connection.usage.shots == 90
    list(connect("aer", shots=10).sample(measured, VALUES))
    assert len(looks) == 2


def test_the_probe_takes_values_that_an_expression_allows():
    from qiskit.circuit import Parameter

    x = Parameter("x")
    circuit = QuantumCircuit(1)
    circuit.ry(x.arccos(), 0)
    evs = (
        connect("aer")
        .estimator.run([(circuit, SparsePauliOp("Z"), [[0.3], [-0.8]])], precision=0.0)
        .result()[0]
        .data.evs
    )
    assert_allclose(evs, [0.3, -0.8], atol=1e-10)
