import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import HamiltonianGate, PauliEvolutionGate, UnitaryGate, XGate
from qiskit.quantum_info import SparsePauliOp, random_unitary
from qiskit.synthesis import MatrixExponential

from qiskit_qml_ext.circuits import FEATURE_MAPS
from qiskit_qml_ext.primitives import circuit_key
from qiskit_qml_ext.primitives.content import job_seed

BUILD_AND_PRINT = """
from qiskit_qml_ext.circuits import FEATURE_MAPS
from qiskit_qml_ext.primitives import circuit_key
print(*[circuit_key(FEATURE_MAPS[name]().build(3)) for name in sorted(FEATURE_MAPS)])
"""


def custom(angle, name="mine"):
    inner = QuantumCircuit(1, name=name)
    inner.rx(angle, 0)
    circuit = QuantumCircuit(1)
    circuit.append(inner.to_gate(), [0])
    return circuit


def rotated(*angles):
    circuit = QuantumCircuit(1)
    for angle in angles:
        circuit.ry(angle, 0)
    return circuit


def measured(register_name):
    from qiskit import ClassicalRegister, QuantumRegister

    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, register_name))
    circuit.measure(0, 0)
    return circuit


def different_circuits():
    x, y = Parameter("x"), Parameter("y")
    controlled = [QuantumCircuit(2) for _ in range(2)]
    for state, circuit in enumerate(controlled):
        circuit.append(XGate().control(1, ctrl_state=state), [0, 1])
    phase = QuantumCircuit(1, global_phase=0.1)
    unitaries = [QuantumCircuit(1) for _ in range(2)]
    for seed, circuit in enumerate(unitaries):
        circuit.append(UnitaryGate(random_unitary(2, seed=seed)), [0])
    return [
        QuantumCircuit(1),
        QuantumCircuit(2),
        phase,
        rotated(0.1),
        rotated(np.nextafter(0.1, 1)),
        rotated(0.1, 0.2),
        rotated(0.2, 0.1),
        rotated(x),
        rotated(2 * x),
        rotated(x + y),
        rotated(x * y),
        rotated(x, y),
        rotated(y, x),
        rotated(Parameter("p0*p1")),
        custom(0.1),
        custom(0.2),
        *controlled,
        *unitaries,
        measured("a"),
        measured("b"),
    ]


def test_different_circuits_have_different_keys():
    circuits = different_circuits()
    # a single free parameter is the same circuit under any name; all others differ in what they do
    keys = [circuit_key(circuit) for circuit in circuits]
    same = [(i, j) for i in range(len(keys)) for j in range(i) if keys[i] == keys[j]]
    assert same == [(13, 7)]


@given(st.floats(-10, 10), st.floats(-10, 10))
@settings(max_examples=50, deadline=None)
def test_keys_differ_exactly_when_an_angle_does(a, b):
    assert (circuit_key(rotated(a)) == circuit_key(rotated(b))) == (a == b)


@pytest.mark.parametrize("name", sorted(set(FEATURE_MAPS) - {"reuploading-model"}))
def test_equal_work_has_equal_keys(name):
    first, second = (FEATURE_MAPS[name](bandwidth=0.3).build(3) for _ in range(2))
    second.name, second.metadata = "else", {"a": 1}
    assert circuit_key(first) == circuit_key(second)
    renamed = first.assign_parameters(list(ParameterVector("z", first.num_parameters)))
    assert circuit_key(first) == circuit_key(renamed)
    assert circuit_key(custom(0.1, "one")) == circuit_key(custom(0.1, "two"))


def test_keys_agree_between_processes():
    here = " ".join(circuit_key(FEATURE_MAPS[name]().build(3)) for name in sorted(FEATURE_MAPS))
    done = subprocess.run([sys.executable, "-c", BUILD_AND_PRINT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here


def test_a_jobs_seed_depends_on_all_of_its_content():
    values = np.zeros((2, 3))
    seeds = {
        job_seed(1, "a", values, 10),
        job_seed(2, "a", values, 10),
        job_seed(1, "b", values, 10),
        job_seed(1, "a", values + 1, 10),
        job_seed(1, "a", values.reshape(3, 2), 10),
        job_seed(1, "a", values, 11),
    }
    assert len(seeds) == 6
    assert job_seed(None, "a", values, 10) is None
    assert job_seed(1, "a", values, 10) == job_seed(1, "a", values, 10)


def evolution_with_free_time(matrix, synthesis=None):
    circuit = QuantumCircuit(2)
    if synthesis is None:
        circuit.append(HamiltonianGate(matrix, Parameter("t")), [0, 1])
    else:
        circuit.append(
            PauliEvolutionGate(SparsePauliOp.from_operator(matrix), Parameter("t"), synthesis=synthesis), [0, 1]
        )
    return circuit


@pytest.mark.parametrize("synthesis", [None, MatrixExponential()])
def test_evolution_gates_without_a_definition_have_the_key_of_their_hamiltonian(synthesis):
    one = SparsePauliOp(["ZZ", "XI"], [1.0, 0.5]).to_matrix()
    other = SparsePauliOp(["ZZ", "XI"], [1.0, 0.6]).to_matrix()
    key = circuit_key(evolution_with_free_time(one, synthesis))
    assert key == circuit_key(evolution_with_free_time(one.copy(), synthesis))
    assert key != circuit_key(evolution_with_free_time(other, synthesis))


def test_key_does_not_depend_on_names_that_look_like_its_own():
    def key(first, second):
        circuit = QuantumCircuit(1)
        circuit.rx(Parameter(first), 0)
        circuit.ry(Parameter(second), 0)
        return circuit_key(circuit)

    assert key("a", "p0") == key("p1", "p2") == key("a", "b") != key("b", "a")
