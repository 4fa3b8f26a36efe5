"""Gates with a reported error of 1 and qubits out of order are not taken, at any level."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import InstructionProperties, generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import fake_provider
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.targets.elements import failed_qubits, rebuilt, working

LINE = [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 6]]


def device(*, coupling=(), qubits=(), missing=()):
    """Return a line of seven qubits on which some couplings or qubits report an error of 1, or have no gates."""
    backend = GenericBackendV2(
        7, basis_gates=["cz", "rz", "sx", "x"], coupling_map=[*LINE, *(p[::-1] for p in LINE)], seed=1
    )
    for pair in coupling:
        for places in (tuple(pair), tuple(pair[::-1])):
            backend.target.update_instruction_properties("cz", places, InstructionProperties(error=1.0))
    for qubit in qubits:
        for name in ("sx", "x"):
            backend.target.update_instruction_properties(name, (qubit,), InstructionProperties(error=1.0))
    backend._target = rebuilt(backend.target, lambda name, places: not set(missing) & set(places))
    return backend


def chain(num_qubits, *, entangled=True):
    angles = ParameterVector("a", num_qubits)
    circuit = QuantumCircuit(num_qubits)
    for qubit in range(num_qubits):
        circuit.ry(angles[qubit], qubit)
    for qubit in range(num_qubits - 1 if entangled else 0):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def places(isa):
    """Return the gates of a circuit with the qubits on which they stand."""
    return {
        (item.operation.name, tuple(isa.find_bit(qubit).index for qubit in item.qubits))
        for item in isa.data
        if item.operation.name != "barrier"
    }


BAD = {
    "couplings": ({"coupling": [(0, 1), (1, 2)]}, set()),
    "first qubit": ({"qubits": [0]}, {0}),
    "several": ({"qubits": [1], "coupling": [(5, 6)]}, {1}),
    "missing": ({"missing": [0, 1]}, {0, 1}),
}


LEVELS = [(level, wrap) for level in range(4) for wrap in ("device",)] + [(1, "its simulator")]


@pytest.mark.parametrize(("level", "wrap"), LEVELS)
@pytest.mark.parametrize("label", BAD)
def test_no_circuit_takes_what_does_not_work(label, level, wrap):
    what, failed = BAD[label]
    backend = device(**what)
    bad_pairs = {tuple(sorted(pair)) for pair in what.get("coupling", [])}
    target = AerSimulator.from_backend(backend) if wrap == "its simulator" else backend
    connection = connect(target, seed=0, optimization_level=level)
    for num_qubits, entangled in ((1, True), (2, False), (4, False), (4, True)):
        for _, qubits in places(connection.isa_circuit(chain(num_qubits, entangled=entangled))):
            assert not failed & set(qubits)
            assert tuple(sorted(qubits)) not in bad_pairs


def test_the_transpiler_alone_takes_it():
    """Without this, the tests above would show nothing."""
    taken = generate_preset_pass_manager(1, backend=device(qubits=[0]), seed_transpiler=0).run(chain(1))
    assert ("sx", (0,)) in places(taken)


@pytest.mark.filterwarnings("ignore:Properties of fake_nighthawk")
@pytest.mark.parametrize("name", ["FakeMarrakesh", "FakeNighthawk"])  # heavy hexagons, and a square lattice
def test_snapshots_of_devices_have_such_elements_and_they_are_left_out(name):
    if not hasattr(fake_provider, name):
        pytest.skip("older clients have no such fake")
    stated = getattr(fake_provider, name)().target
    left = working(stated)
    bad = [
        (name, places)
        for name in stated.operation_names
        if not isinstance(stated.operation_from_name(name), type)
        for places, value in stated[name].items()
        if getattr(value, "error", None) == 1
    ]
    assert bad
    assert not any(left.instruction_supported(name, places) for name, places in bad)
    assert failed_qubits(stated) == {places[0] for _, places in bad if len(places) == 1}
    assert working(left) is left or failed_qubits(left) == failed_qubits(stated)


def test_a_device_that_works_is_left_alone():
    stated = FakeManilaV2().target
    assert working(stated) is stated
    assert failed_qubits(stated) == frozenset()


def test_a_copy_has_all_that_the_device_says():
    stated = FakeManilaV2().target
    copy = rebuilt(stated)
    assert copy.operation_names == stated.operation_names
    assert (copy.num_qubits, copy.dt, copy.granularity) == (stated.num_qubits, stated.dt, stated.granularity)
    assert all(copy[name] == stated[name] for name in stated.operation_names)


def test_a_circuit_wider_than_what_works_is_refused_in_words():
    with pytest.raises(ValueError, match="cannot run the circuit"):
        connect(device(qubits=[3]), seed=0).isa_circuit(chain(5))


def test_results_are_those_of_the_circuit():
    values = np.array([[0.0, np.pi, 0.0], [np.pi, 0.0, 0.0]])
    connection = connect(device(qubits=[0]), shots=400, seed=1)
    circuit = chain(3, entangled=False)
    found = [data.meas.get_counts(row) for _, data in connection.sample(circuit, values) for row in range(2)]
    assert [max(counts, key=counts.get) for counts in found] == ["010", "001"]
