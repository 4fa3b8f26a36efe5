"""Names are not identities: a circuit means the same whatever its gates, registers and parameters are called."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import CXGate, RXGate
from qiskit.quantum_info import Statevector

from qiskit_qml_ext.engine import reference
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import approximations, lower, synthesised, unitary_part

# "store" is missing since Qiskit itself cannot append a gate of this name.
HOSTILE = (
    *(
        "delay",
        "reset",
        "barrier",
        "measure",
        "initialize",
        "if_else",
        "for_loop",
        "while_loop",
        "break_loop",
    ),  # not "store": Qiskit cannot append it
    *("cx", "rx", "h", "id", "unitary", "PauliEvolution", "hamiltonian", "annotated", "clifford", "kraus", "snapshot"),
    *("save_statevector", "state_preparation", "box", "switch_case", "gate with spaces", "lambda", "x[0]", "θ", "None"),
)
NAMES = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=6))


@st.composite
def structures(draw):
    """What a circuit does: gates that are defined by others, plain gates, and expressions of two parameters."""
    step = st.tuples(st.integers(0, 3), st.permutations(range(3)), st.integers(0, 1), st.floats(-2, 2))
    return draw(st.lists(step, min_size=1, max_size=6))


def build(structure, gate_names, parameters, register):
    """A circuit of a structure with given names."""
    circuit = QuantumCircuit(QuantumRegister(3, register))
    for place, (kind, qubits, which, angle) in enumerate(structure):
        parameter = parameters[which]
        inner = QuantumCircuit(2, name=gate_names[place % len(gate_names)], global_phase=angle)
        inner.ry(parameter + angle, 0)
        inner.cx(0, 1)
        if kind == 0:
            circuit.append(inner.to_gate(label=gate_names[-1]), qubits[:2])
        elif kind == 1:
            circuit.append(inner.to_instruction(), qubits[:2])
        elif kind == 2:
            outer = QuantumCircuit(3, name=gate_names[(place + 1) % len(gate_names)])
            outer.append(inner.to_gate(), [2, 0])
            outer.rz(parameter * angle, 1)
            circuit.append(outer.to_gate(), qubits)
        else:
            gate = RXGate(np.sin(1.0) * parameter)
            gate.name = gate_names[place % len(gate_names)]
            circuit.append(gate, [qubits[0]])
            circuit.append(CXGate(label=gate_names[0]), qubits[:2])
    return circuit


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    structures(), st.lists(NAMES, min_size=1, max_size=4), st.lists(NAMES, min_size=2, max_size=2, unique=True), NAMES
)
def test_renaming_changes_nothing(structure, gate_names, parameter_names, register):
    plain = [Parameter("a"), Parameter("b")]
    hostile = [Parameter(name) for name in parameter_names]
    values = [0.4, -1.1]
    expected = build(structure, ["g"], plain, "q")
    bound = {p: v for p, v in zip(plain, values, strict=True) if p in expected.parameters}
    state = Statevector(expected.assign_parameters(bound)).data
    renamed = build(structure, gate_names, hostile, register)
    point = [values[hostile.index(parameter)] for parameter in renamed.parameters]
    for circuit in (renamed, unitary_part(renamed), synthesised(renamed)):
        assert list(circuit.parameters) == list(renamed.parameters)
        np.testing.assert_allclose(reference.statevector(lower(circuit), point), state, rtol=0, atol=1e-11)
    assert approximations(renamed) == ()


def test_a_parameter_that_a_gate_hides_is_named():
    class Hiding(Gate):
        def __init__(self):
            super().__init__("hiding", 1, [])

        def _define(self):
            self.definition = QuantumCircuit(1)
            self.definition.rx(Parameter("x"), 0)

    circuit = QuantumCircuit(1)
    circuit.append(Hiding(), [0])
    circuit.ry(Parameter("x"), 0)
    with pytest.raises(UnsupportedCircuitError, match="uses the parameter 'x', which the circuit does not have"):
        lower(circuit)


def test_loops_name_themselves_whatever_their_variable_is_called():
    circuit = QuantumCircuit(QuantumRegister(1, "for_loop"), ClassicalRegister(1, "x"))
    with circuit.for_loop(range(2), Parameter("x")) as angle:
        circuit.rx(angle, 0)
    with pytest.raises(UnsupportedCircuitError, match="control-flow instruction 'for_loop'"):
        lower(circuit)


def test_stretches_and_durations_are_the_identity():
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.delay(circuit.add_stretch("rx"), 0)
    circuit.delay(Parameter("duration"), 0)
    np.testing.assert_allclose(reference.statevector(lower(circuit), [3.0]), np.sqrt([0.5, 0.5]), rtol=0, atol=1e-12)
    assert list(unitary_part(circuit).parameters) == list(circuit.parameters)
