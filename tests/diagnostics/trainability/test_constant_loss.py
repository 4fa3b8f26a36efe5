"""The advice on a loss that nothing changes holds: following it, the loss changes."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import excitation_preserving
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_qml_ext.diagnostics import diagnose
from qiskit_qml_ext.diagnostics.subject.problem import pose
from qiskit_qml_ext.diagnostics.trainability.constant_loss import explain_constant_loss


def spread(circuit, label):
    """Return by how much an expectation value changes over random angles, by Qiskit's own states."""
    rng = np.random.default_rng(0)
    rows = rng.uniform(0, 2 * np.pi, (6, circuit.num_parameters))
    return np.ptp(
        [Statevector(circuit.assign_parameters(row)).expectation_value(SparsePauliOp(label)).real for row in rows]
    )


def rotations_about_z():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.rz(x[0], 0)
    circuit.rz(x[1], 0)
    return circuit


def untouched_qubit():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(3)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    return circuit


@pytest.mark.parametrize(("label", "gate"), [("ZZI", "x"), ("XII", "h")])
def test_initial_state_without_excitations_is_found_and_another_one_advised(label, gate):
    circuit = excitation_preserving(3, reps=1)
    assert spread(circuit, label) < 1e-12
    found = explain_constant_loss(pose(circuit, SparsePauliOp(label)))
    assert "as long as the circuit starts from |0…0⟩" in found.finding
    start = QuantumCircuit(3)
    if gate == "x":
        assert "an X gate on qubit 0" in found.advice
        start.x(0)
    else:
        assert "Hadamard gates on all qubits" in found.advice
        start.h(range(3))
    assert spread(start.compose(circuit), label) > 0.1


@pytest.mark.parametrize(
    ("circuit", "label", "named", "seen"),
    [
        (rotations_about_z(), "IZ", ["X on qubit 0", "Y on qubit 0"], ["IX", "IY"]),
        (untouched_qubit(), "ZII", ["Z on qubit 0", "Z on qubit 1"], ["IIZ", "IZI"]),
    ],
)
def test_observable_that_does_not_see_the_parameters_is_found_and_others_named(circuit, label, named, seen):
    assert spread(circuit, label) < 1e-12
    found = explain_constant_loss(pose(circuit, SparsePauliOp(label)))
    assert "does not see what the parameters do" in found.finding
    assert all(name in found.advice for name in named)
    assert all(spread(circuit, other) > 0.1 for other in seen)


def test_wide_circuits_get_no_advice_as_if_it_had_been_tried():
    x = ParameterVector("x", 1)
    circuit = QuantumCircuit(15)
    circuit.ry(x[0], 0)
    assert "was not tried" in explain_constant_loss(pose(circuit, SparsePauliOp("Z" + "I" * 14))).advice


def test_diagnosis_of_a_constant_loss_gives_this_advice():
    said = diagnose(excitation_preserving(3, reps=1), observable=SparsePauliOp("ZZI"), max_seconds=2).summary()
    assert "Measure qubits" not in said
    assert "before the circuit" in said.replace("\n", " ")
