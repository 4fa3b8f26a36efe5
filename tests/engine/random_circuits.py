"""Hypothesis strategies: circuits over the whole standard gate set with random parameter expressions."""

import numpy as np
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import PauliEvolutionGate, UnitaryGate
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.quantum_info import SparsePauliOp, random_unitary

GATES = [
    gate for name, gate in sorted(get_standard_gate_name_mapping().items()) if name not in ("measure", "reset", "delay")
]
PARAMETERS = ParameterVector("v", 4)

_EXPRESSIONS = [
    lambda a, b: a,
    lambda a, b: 2 * a - b / 3 + 0.5,
    lambda a, b: (np.pi - a) * (np.pi - b),
    lambda a, b: a.sin() + b.cos() ** 2,
    lambda a, b: (a * b).arctan(),
    lambda a, b: (a / 4).arccos() - (b / 4).arcsin(),
    lambda a, b: (a.exp() + 1).log(),
    lambda a, b: abs(a - b) ** 0.5,
    lambda a, b: a / (2 + b * b),
    lambda a, b: (-a).conjugate() + b.tan() * 0.01,
]


@st.composite
def angles(draw):
    kind = draw(st.integers(0, 2))
    if kind == 0:
        return draw(st.sampled_from([0.0, np.pi / 2, np.pi, -np.pi / 4])) + draw(st.sampled_from([0.0, 0.0, 0.3]))
    if kind == 1:
        return draw(st.floats(-7.0, 7.0))
    a, b = draw(st.sampled_from(list(PARAMETERS))), draw(st.sampled_from(list(PARAMETERS)))
    return draw(st.sampled_from(_EXPRESSIONS))(a, b)


@st.composite
def circuits(draw, max_qubits=10, max_gates=25):
    num_qubits = draw(st.integers(1, max_qubits))
    circuit = QuantumCircuit(num_qubits, global_phase=draw(st.sampled_from([0.0, 0.7])))
    if num_qubits >= 2 and draw(st.integers(0, 4)) == 0:
        circuit.initialize([0.6, 0.0, 0.48, 0.64j], draw(st.permutations(range(num_qubits)))[:2])
    if draw(st.booleans()):
        circuit.h(range(num_qubits))
    fitting = [gate for gate in GATES if gate.num_qubits <= num_qubits]
    for _ in range(draw(st.integers(1, max_gates))):
        kind = draw(st.integers(0, 15))
        order = draw(st.permutations(range(num_qubits)))
        if kind == 0 and num_qubits >= 2:
            circuit.append(UnitaryGate(random_unitary(4, seed=draw(st.integers(0, 99)))), order[:2])
        elif kind == 1:
            label = "".join(draw(st.lists(st.sampled_from("IXYZ"), min_size=num_qubits, max_size=num_qubits)))
            circuit.append(PauliEvolutionGate(SparsePauliOp(label), time=draw(angles())), range(num_qubits))
        else:
            gate = draw(st.sampled_from(fitting))
            if gate.params:
                gate = gate.base_class(*(draw(angles()) for _ in gate.params))
            circuit.append(gate, order[: gate.num_qubits])
    return circuit


def sample_values(circuit, batch, seed=3):
    return np.random.default_rng(seed).uniform(-1.5, 1.5, (batch, circuit.num_parameters))
