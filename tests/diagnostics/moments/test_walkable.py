"""Why second moments do not apply is known without a walk, in the words of the error."""

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.circuits import GaussianDistribution, IdentityBlockDistribution, QAOAAnsatz, RealAmplitudesAnsatz
from qiskit_qml_ext.diagnostics import global_projector, local_observable, second_moments, why_no_second_moments
from qiskit_qml_ext.diagnostics.moments import second_moments as module
from qiskit_qml_ext.diagnostics.moments.second_moments import mean_gradients
from qiskit_qml_ext.diagnostics.moments.walkable import why_not_walkable
from qiskit_qml_ext.diagnostics.subject.problem import pose
from tests.diagnostics.families import layered_circuit, product_circuit


def fixed_angle() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    circuit.rz(0.3, 1)
    circuit.ry(Parameter("b"), 1)
    return circuit


def shifted_angle() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a") + 0.3, 0)
    return circuit


def sum_of_parameters() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a") + Parameter("b"), 0)
    return circuit


def dense() -> QuantumCircuit:
    circuit = product_circuit(2)
    circuit.append(UnitaryGate(np.diag([1, 1, 1, np.exp(0.3j)])), [0, 1])
    return circuit


def tilted_start() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.ry(0.3, 0)
    circuit.cx(0, 1)
    circuit.rx(Parameter("a"), 1)
    return circuit


def conditional() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 1)
    circuit.rx(Parameter("a"), 0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    return circuit


def reset_in_between() -> QuantumCircuit:
    circuit = product_circuit(2)
    circuit.reset(0)
    return circuit


def gate_after_a_measurement() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    circuit.rx(Parameter("a"), 0)
    circuit.measure(0, 0)
    circuit.h(0)
    return circuit


TWO_TERMS = SparsePauliOp(["ZI", "IZ"])
MANY = SparsePauliOp.from_sparse_list([("ZX", [0, q], 1.0) for q in range(1, 220)], num_qubits=220)
REFUSED = {
    "shared angles": (QAOAAnsatz(), local_observable, {"num_qubits": 4}),
    "fixed angle": (fixed_angle(), local_observable, {}),
    "asymmetric angle": (shifted_angle(), local_observable, {"distribution": GaussianDistribution(1)}),
    "sum of parameters": (sum_of_parameters(), local_observable, {}),
    "dense gate": (dense(), local_observable, {}),
    "projector": (product_circuit(3), global_projector, {}),
    "multiple of the identity": (product_circuit(2), SparsePauliOp("II"), {}),
    "dependent angles": (layered_circuit(4, 2), local_observable, {"distribution": IdentityBlockDistribution()}),
    "start of several terms": (tilted_start(), TWO_TERMS, {}),
    "condition": (conditional(), local_observable, {}),
    "reset after a gate": (reset_in_between(), local_observable, {}),
    "gate after a measurement": (gate_after_a_measurement(), local_observable, {}),
    "noise on several terms": (product_circuit(2), TWO_TERMS, {"depolarizing": (0.1, 0.1)}),
    "too many pairs": (product_circuit(220), MANY, {}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_reason_is_the_message_of_the_error(name):
    circuit, observable, options = REFUSED[name]
    reason = why_no_second_moments(circuit, observable, **options)
    assert reason
    with pytest.raises((TypeError, ValueError)) as error:
        second_moments(circuit, observable, **options)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("circuit", "observable", "options"),
    [
        (RealAmplitudesAnsatz(), local_observable, {"num_qubits": 5}),
        (layered_circuit(6, 3), local_observable, {"depolarizing": (0.01, 0.1)}),
        (product_circuit(2), TWO_TERMS, {}),
    ],
)
def test_what_is_taken_has_no_reason_and_no_walk(circuit, observable, options, monkeypatch):
    assert second_moments(circuit, observable, num_walks=64, seed=0, **options).num_walks == 64

    def walked(*arguments, **settings):
        raise AssertionError("a walk")

    monkeypatch.setattr(module, "walk", walked)
    assert why_no_second_moments(circuit, observable, **options) is None


def test_a_mistake_is_an_error_and_no_reason():
    with pytest.raises(ValueError, match="num_qubits is 3"):
        why_no_second_moments(product_circuit(2), local_observable, num_qubits=3)


def test_means_of_derivatives_refuse_more():
    """A fixed rotation after a random one is part of the start for moments, but not for means."""
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("a"), 0)
    circuit.rx(0.3, 0)
    assert why_no_second_moments(circuit, local_observable) is None
    reason = why_not_walkable(pose(circuit, local_observable), with_means=True)
    with pytest.raises(ValueError, match="not a Clifford gate") as error:
        mean_gradients(circuit, local_observable)
    assert str(error.value) == reason
    assert second_moments(circuit, local_observable, seed=0).loss_variance.value == pytest.approx(
        math.cos(0.3) ** 2 / 2, rel=0.1
    )
