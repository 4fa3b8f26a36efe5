import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlledGate,
    Gate,
    Instruction,
    InverseModifier,
    Operation,
    Parameter,
    ParameterVector,
    library,
)
from qiskit.circuit.library import (
    HamiltonianGate,
    PauliEvolutionGate,
    StatePreparation,
    UnitaryGate,
    XGate,
    XXPlusYYGate,
    get_standard_gate_name_mapping,
)
from qiskit.quantum_info import Pauli, SparsePauliOp, random_clifford, random_unitary
from qiskit.synthesis import MatrixExponential

from qiskit_qml_ext.circuits import FEATURE_MAPS
from qiskit_qml_ext.primitives import circuit_key
from qiskit_qml_ext.primitives.content import _OWN_ATTRIBUTES, job_seed, own_label

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


class Known(Gate):
    """A gate that says what it does by its matrix only."""

    def __init__(self, matrix):
        super().__init__("known", 1, [])
        self.matrix = matrix

    def __array__(self, dtype=None, copy=None):
        return np.array(self.matrix, dtype=dtype)


class KnownTwice(Known):
    """A gate whose definition, the same for all, contradicts its matrix."""

    def _define(self):
        self.definition = QuantumCircuit(1)


class Unknown(Operation):
    """An operation that keeps to itself what it does."""

    name, num_qubits, num_clbits = "unknown", 1, 0

    def __init__(self):
        self.secret = object()


def alone(operation):
    circuit = QuantumCircuit(operation.num_qubits)
    circuit.append(operation, range(operation.num_qubits))
    return circuit


def with_own_matrix(seed):
    gate = XGate().to_mutable()
    gate.to_matrix = lambda: random_unitary(2, seed=seed).data
    return gate


CONTENTS = {
    "Clifford": lambda seed: random_clifford(2, seed=seed),
    "annotated Clifford": lambda seed: AnnotatedOperation(random_clifford(2, seed=seed), InverseModifier()),
    "nested Clifford": lambda seed: alone(alone(random_clifford(2, seed=seed)).to_instruction()).to_instruction(),
    "matrix": lambda seed: Known(random_unitary(2, seed=seed).data),
    "nested matrix": lambda seed: alone(Known(random_unitary(2, seed=seed).data)).to_gate(),
    "annotated matrix": lambda seed: AnnotatedOperation(Known(random_unitary(2, seed=seed).data), InverseModifier()),
    "matrix against definition": lambda seed: KnownTwice(random_unitary(2, seed=seed).data),
    "matrix of one object": with_own_matrix,
    "label": lambda seed: XGate(label=f"noisy{seed}"),
    "nested label": lambda seed: alone(XGate(label=f"noisy{seed}")).to_gate(),
    "annotated label": lambda seed: AnnotatedOperation(XGate(label=f"noisy{seed}"), InverseModifier()),
    "evolution's label": lambda seed: PauliEvolutionGate(SparsePauliOp("ZZ"), 0.3, label=f"noisy{seed}"),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_the_content_of_every_operation_is_in_the_key(kind):
    one, again, other = (circuit_key(alone(CONTENTS[kind](seed))) for seed in (1, 1, 5))
    assert one == again != other


def test_a_label_is_in_the_key_and_labels_that_qiskit_gives_are_not():
    assert circuit_key(alone(XGate(label="noisy"))) != circuit_key(alone(XGate()))
    for gate in (XXPlusYYGate(0.1), StatePreparation("01"), PauliEvolutionGate(SparsePauliOp("ZZ"), 0.3)):
        assert gate.label is not None
        assert own_label(gate) is None


def test_what_does_not_say_what_it_does_shares_its_key_with_nothing():
    circuit = alone(Unknown())
    assert circuit_key(circuit) != circuit_key(circuit)


def test_keys_of_ordinary_circuits_are_those_of_earlier_versions():
    """Journals hold them. Literal: computed before labels and matrices went into keys."""
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.append(XXPlusYYGate(0.25), [0, 1])
    circuit.append(UnitaryGate(np.eye(2)), [0])
    circuit.append(XGate().control(1, ctrl_state=0), [0, 1])
    circuit.append(AnnotatedOperation(XGate(), InverseModifier()), [0])
    circuit.barrier()
    circuit.measure([0, 1], [0, 1])
    assert circuit_key(circuit) == "284f147007c8ec56c0bc3b974b71def2"


# --- every attribute of every gate, walked through


def standard_gates():
    return {name: gate for name, gate in get_standard_gate_name_mapping().items() if isinstance(gate, Gate)}


def numbered(gate, values):
    made = gate.to_mutable()
    made.params = list(values)
    return made


@pytest.mark.parametrize("name", standard_gates())
def test_every_attribute_of_a_standard_gate_is_in_its_key(name):
    gate = standard_gates()[name]
    values = [0.1 * (1 + place) for place in range(len(gate.params))]
    usual = numbered(gate, values)
    labelled, renamed = usual.copy(), usual.copy()
    labelled.label = "noisy"
    renamed.name = "noisy"
    others = [labelled, renamed]
    for place, value in enumerate(values):
        others.append(numbered(gate, [*values[:place], np.nextafter(value, 1), *values[place + 1 :]]))
    if isinstance(gate, ControlledGate):
        for state in range(2**gate.num_ctrl_qubits - 1):
            other = usual.copy()
            other.ctrl_state = state
            others.append(other)
    keys = [circuit_key(alone(other)) for other in (usual, *others)]
    assert len(set(keys)) == len(keys)
    assert circuit_key(alone(usual.copy())) == keys[0]


class Mine(Gate):
    """A gate of somebody's own, whose definition does not say all that it holds."""

    def __init__(self, strength, **attributes):
        super().__init__("mine", 1, [])
        self.strength = strength
        vars(self).update(attributes)

    def _define(self):
        self.definition = QuantumCircuit(1)


ATTRIBUTES = [1, 2, 0.5, "a", b"a", None, True, (1, 2), [2, 1], {"a": 1}, {"a": 2}, np.arange(2), 1j, [[1], [2]]]


@pytest.mark.parametrize("wrap", ["alone", "controlled", "inside", "annotated"])
def test_attributes_of_somebodys_gate_are_in_its_key(wrap):
    def key(value):
        gate = Mine(value)
        if wrap == "controlled":
            gate = ControlledGate("c-mine", 2, [], num_ctrl_qubits=1, base_gate=gate, definition=QuantumCircuit(2))
        elif wrap == "inside":
            gate = alone(gate).to_gate()
        elif wrap == "annotated":
            gate = AnnotatedOperation(gate, InverseModifier())
        return circuit_key(alone(gate))

    keys = [key(value) for value in ATTRIBUTES if value is not True]  # True is 1
    assert len(set(keys)) == len(keys)
    assert keys == [key(value) for value in ATTRIBUTES if value is not True]


def test_what_a_gate_holds_and_cannot_be_written_makes_no_key_that_is_never_found_again():
    key = circuit_key(alone(Mine(lambda: 1)))
    assert key == circuit_key(alone(Mine(lambda: 2))) != circuit_key(alone(Mine(1)))


def gate_called(name):
    inner = QuantumCircuit(1) if name is None else QuantumCircuit(1, name=name)
    inner.x(0)
    return inner.to_gate()


def test_a_gate_that_a_noise_model_knows_by_its_name_is_another():
    """Aer runs it as it is, with the noise of its name; the same circuit under another name has none."""
    assert circuit_key(alone(gate_called("noisy"))) != circuit_key(alone(gate_called("clean")))
    inside = [circuit_key(alone(alone(gate_called(name)).to_gate())) for name in ("noisy", "clean")]
    assert inside[0] != inside[1]


def test_names_that_qiskit_counts_are_the_same_in_every_process():
    keys = set()
    for _ in range(3):
        gate = gate_called(None)
        keys.add(circuit_key(alone(gate.control().repeat(2))))
        assert "circuit-" in gate.name
    assert len(keys) == 1


def repeated(inner, loop, *, of_loop):
    """Return a circuit that turns in a loop, by the loop's parameter or by its own."""
    own, running = Parameter(inner), Parameter(loop)
    circuit = QuantumCircuit(1)
    circuit.rz(own, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a loop without its parameter
        with circuit.for_loop((0, 1, 2), loop_parameter=running):
            circuit.rx(running if of_loop else own, 0)
            with circuit.for_loop((0, 1)) as deeper:
                circuit.ry(deeper, 0)
    return circuit


def test_a_loops_parameter_is_not_taken_for_the_circuits():
    keys = {
        (name, loop, of_loop): circuit_key(repeated(name, loop, of_loop=of_loop))
        for name in ("a", "l0", "p0")
        for loop in ("i", "p0", "l1")
        for of_loop in (True, False)
        if name != loop
    }
    assert len({key for (*_, of_loop), key in keys.items() if of_loop}) == 1
    assert len({key for (*_, of_loop), key in keys.items() if not of_loop}) == 1
    assert len(set(keys.values())) == 2


@pytest.mark.parametrize(
    "gate",
    [
        lambda label: PauliEvolutionGate(SparsePauliOp(["ZZ", "XI"]), 0.3, label=label),
        lambda label: XXPlusYYGate(0.1, label=label),
        lambda label: StatePreparation("01", label=label),
    ],
    ids=["evolution", "XX+YY", "preparation"],
)
def test_a_label_like_those_that_qiskit_gives_is_somebodys_all_the_same(gate):
    assert own_label(gate("exp(-it noisy)")) == "exp(-it noisy)"
    assert own_label(gate("PPM(noisy)")) == "PPM(noisy)"
    assert own_label(gate("State Preparation of mine")) == "State Preparation of mine"


@pytest.mark.skipif(not hasattr(library, "PauliProductMeasurement"), reason="came with Qiskit 2.2")
def test_labels_of_pauli_measurements_are_somebodys_or_qiskits():
    assert own_label(library.PauliProductMeasurement(Pauli("-XZ"))) is None
    assert own_label(library.PauliProductMeasurement(Pauli("-XZ"), label="PPM(noisy)")) == "PPM(noisy)"


def test_classes_of_qiskits_library_without_a_definition_are_known_by_what_they_hold():
    """The walk over Qiskit's library: what has no definition must be written by its parameters."""
    undefined = []
    for kind in vars(library).values():
        if not (isinstance(kind, type) and issubclass(kind, Instruction)):
            continue
        try:
            operation = kind() if kind.__init__.__defaults__ else kind
        except Exception:
            continue
        if isinstance(operation, Instruction) and operation.definition is None:
            undefined.append(operation)
    for operation in undefined:
        beyond = set(vars(operation)) - set(_OWN_ATTRIBUTES)
        assert not beyond, f"{type(operation).__name__} holds {beyond}, which its key leaves out."
