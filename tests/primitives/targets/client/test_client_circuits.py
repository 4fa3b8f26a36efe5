"""What the service refuses in circuits is refused in a rehearsal too, and before anything is submitted on a device."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, generate_preset_pass_manager
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.fake_provider import FakeFez, FakeFractionalBackend, FakeManilaV2
from qiskit_ibm_runtime.utils import validate_isa_circuits
from runtime_server.client import HAS_EXECUTOR, Estimator, Sampler, quietly
from runtime_server.work import QUICK

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives import Journal, Policy, connect
from qiskit_qml_ext.primitives.targets.client import generation
from qiskit_qml_ext.primitives.targets.client.generations import generations

pytestmark = pytest.mark.client

GENERATIONS = list(generations())
NEWER = pytest.mark.skipif(not HAS_EXECUTOR, reason="the client has the older generation only")


def on(*gates, qubits=5, control_flow=False):
    """Return a measured circuit of gates, each as its name, its parameters and its qubits."""
    circuit = QuantumCircuit(qubits, 1)
    for name, *arguments in gates:
        getattr(circuit, name)(*arguments)
    if control_flow:
        circuit.measure(0, 0)
        with circuit.if_test((circuit.clbits[0], 1)):
            getattr(circuit, control_flow)(*range(2 if control_flow == "cx" else 1))
    circuit.measure(0, 0)
    return circuit


CIRCUITS = {
    "its gates": on(("sx", 0), ("rz", 0.1, 0), ("cx", 0, 1), ("barrier",)),
    "fewer qubits": on(("x", 0), qubits=2),
    "another gate": on(("h", 0)),
    "qubits that are not coupled": on(("cx", 0, 4)),
    "the other direction": on(("cx", 1, 0)),
    "more qubits": on(("x", 0), qubits=6),
    "delays and resets": on(("delay", 160, 0), ("reset", 0)),
    "a gate of another kind": on(("rzz", 0.3, 0, 1)),
    "a branch": on(("x", 0), control_flow="x"),
    "a branch with another gate": on(("x", 0), control_flow="h"),
    "nothing": on(),
}


def refusal(call):
    try:
        call()
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("fake", [FakeManilaV2, FakeFractionalBackend])
@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits_are_refused_that_the_clients_own_rule_refuses_and_no_others(fake, name):
    circuit = CIRCUITS[name]
    expected = refusal(lambda: validate_isa_circuits([circuit], fake().target))
    for target in (fake(), AerSimulator.from_backend(fake())):
        found = refusal(lambda target=target: connect(target).target.refuse_circuit(circuit, "sampler"))
        assert (found is None) == (expected is None), (target, found, expected)
        assert found is None or isinstance(found, UnsupportedCircuitError)


def in_two_branches(name, *qubits, width=5):
    """Return a circuit with a gate in a branch within a branch, whose blocks count the qubits in another order."""
    circuit = QuantumCircuit(width, 1)
    circuit.x(3)
    circuit.measure(3, 0)
    with circuit.if_test((circuit.clbits[0], 1)), circuit.if_test((circuit.clbits[0], 1)):
        getattr(circuit, name)(*qubits)
    circuit.measure(0, 0)
    return circuit


WIDE = {name: circuit for name, circuit in CIRCUITS.items() if circuit.num_qubits == 5} | {
    "a coupling in a branch of a branch": in_two_branches("cx", 2, 1),
    "another direction in a branch of a branch": in_two_branches("cx", 1, 2),
    "another gate in a branch of a branch": in_two_branches("t", 3),
}


@pytest.mark.parametrize("name", WIDE)
def test_circuits_in_a_devices_gates_are_those_that_the_clients_own_rule_takes(name):
    fake = FakeFractionalBackend()
    connection, circuit = connect(fake, shots=64, seed=1), WIDE[name]
    taken = refusal(lambda: validate_isa_circuits([circuit], fake.target)) is None
    assert connection.is_isa(circuit) == taken
    isa = connection.isa_circuit(circuit)
    assert (isa is circuit) == taken
    assert connection.is_isa(isa)
    assert refusal(lambda: validate_isa_circuits([isa], fake.target)) is None


def test_a_gate_in_a_branch_that_a_device_lacks_is_transpiled_and_runs():
    circuit = on(("x", 0), control_flow="h")
    connection = connect("fake_manila", shots=4000, seed=1)
    for isa in (connection.isa_circuit(circuit), connection.pass_manager.run(circuit)):
        counts = connection.sampler.run([isa]).result()[0].data.c.get_counts()
        assert abs(counts["1"] - 2000) < 300  # a half, with 6 standard errors and the snapshot's readout errors


@pytest.mark.parametrize("name", CIRCUITS)
@pytest.mark.parametrize("make", [lambda: "fake_manila", lambda: AerSimulator.from_backend(FakeManilaV2())])
def test_rehearsals_run_what_the_device_has_and_refuse_the_rest(make, name):
    circuit = CIRCUITS[name]
    refused = refusal(lambda: validate_isa_circuits([circuit], FakeManilaV2().target))
    connection = connect(make(), shots=10, seed=1)
    unmeasured = circuit.remove_final_measurements(inplace=False)
    observable = SparsePauliOp("Z".rjust(circuit.num_qubits, "I"))
    for call in (
        lambda: connection.sampler.run([circuit]).result(),
        lambda: connection.estimator.run([(unmeasured, observable)]).result(),
    ):
        error = refusal(call)
        if refused is not None:
            assert isinstance(error, UnsupportedCircuitError)
            assert "Nothing was submitted" in str(error)
        elif "branch" not in name:  # not all simulators estimate behind measurements
            assert error is None


@pytest.mark.parametrize("journaled", [False, True])
def test_foreign_circuits_are_refused_before_anything_is_submitted(server, path, journaled):
    settings = {"journal": path, "policy": Policy(**QUICK)} if journaled else {}
    connection = connect(server.service(), backend="test_manila", shots=10, **settings)
    with pytest.raises(UnsupportedCircuitError, match=r"test_manila does not have the instruction h on qubit 0"):
        connection.sampler.run([CIRCUITS["its gates"], CIRCUITS["another gate"]]).result()
    assert server.requests("POST", "/jobs") == 0
    if journaled:
        connection.sampler.run([CIRCUITS["its gates"]]).result()  # nothing of the refused request is in the way
        assert server.executions() == 10
        assert all(unit.state == "done" for unit in Journal(path).units() if unit.executions == 10 and unit.job)


NAMES = ["a-b", "class", "ü", "", "meas_1", "shape", "items"]


@pytest.mark.parametrize("kind", GENERATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_names_of_registers_are_taken_where_the_device_gives_their_results(server, kind, name):
    circuit = QuantumCircuit(QuantumRegister(5), ClassicalRegister(1, name))
    circuit.x(0)
    circuit.measure(0, 0)
    device = server.service().backend("test_manila")

    def by_the_client():
        result = quietly(generation(kind).sampler, mode=device).run([circuit], shots=16).result()
        assert result[0].data[name].get_counts() == {"1": 16}

    expected = refusal(by_the_client)
    rehearsed = refusal(lambda: connect("fake_manila", shots=16, generation=kind).sampler.run([circuit]).result())
    assert (rehearsed is None) == (expected is None), (rehearsed, expected)
    submitted = server.requests("POST", "/jobs")
    found = refusal(lambda: connect(device, shots=16, generation=kind).sampler.run([circuit]).result())
    assert (found is None) == (expected is None)
    assert server.requests("POST", "/jobs") == submitted + (found is None)


@pytest.mark.parametrize("kind", GENERATIONS)
def test_registers_without_bits_are_refused(kind):
    circuit = QuantumCircuit(QuantumRegister(5), ClassicalRegister(0, "none"), ClassicalRegister(1, "c"))
    circuit.measure(0, 0)
    with pytest.raises(UnsupportedCircuitError, match="'none' has no bits"):
        connect("fake_manila", generation=kind).sampler.run([circuit])


@pytest.mark.parametrize("kind", GENERATIONS)
def test_names_of_parameters_mean_nothing(server, kind):
    names = ["θ[0]", "class", "a b", "", "x-1", "λ"]
    circuit = QuantumCircuit(5, 1)
    circuit.sx(0)
    for name in names:
        circuit.rz(Parameter(name), 0)
    circuit.sx(0)
    circuit.measure(0, 0)
    for target in (server.service().backend("test_manila"), "fake_manila"):
        connection = connect(target, shots=64, generation=kind)
        values = np.array([[0.0], [np.pi / len(names)]]) * np.ones(len(names))
        counts = connection.sampler.run([(circuit, values)]).result()[0].data.c
        assert counts.get_counts(0).get("1", 0) > 50
        assert counts.get_counts(1).get("0", 0) > 50


def fractional(angle, gate="rzz"):
    circuit = QuantumCircuit(5, 2)
    circuit.sx(0)
    getattr(circuit, gate)(angle, *([0, 1] if gate == "rzz" else [0]))
    circuit.measure([0, 1], [0, 1])
    return circuit


@NEWER
@pytest.mark.parametrize("group", ["pauli", "balanced_pauli", "local_c1", "local_pauli"])
@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 2, Parameter("free")])
@pytest.mark.parametrize("gate", ["rzz", "rx"])
def test_twirled_fractional_gates_are_refused_where_the_client_cannot_make_the_job(group, angle, gate):
    circuit = fractional(angle, gate)
    pub = (circuit, [np.pi / 2] * circuit.num_parameters)
    twirling = {"enable_gates": True, "group": group}
    by_client = refusal(
        lambda: generation("executor").sampler(mode=AerSimulator(), options={"twirling": twirling}).run([pub], shots=64)
    )
    sampler = connect(FakeFractionalBackend(), shots=64, twirling=twirling).sampler
    found = refusal(lambda: sampler.run([pub]).result())
    assert (found is None) == (by_client is None), (found, by_client)
    if found is not None:
        assert isinstance(found, UnsupportedCircuitError)
        assert "twirling.enable_gates=True: set it to False" in str(found)
        assert "local_pauli" in str(found)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"twirling": {"enable_gates": True}}, "twirling.enable_gates=True"),
        ({"resilience_level": 2}, "resilience_level=2"),
        ({"resilience": {"pec_mitigation": True}}, "resilience.pec_mitigation=True"),
        ({"resilience": {"zne_mitigation": True, "zne": {"amplifier": "pea"}}}, "resilience.zne_mitigation=True"),
        ({"resilience_level": 1}, None),
        ({"twirling": {"enable_measure": True}}, None),
        ({"resilience_level": 2, "twirling": {"enable_gates": False}}, "resilience_level=2"),
        ({"resilience": {"zne_mitigation": True}}, "resilience.zne_mitigation=True"),
        (
            {
                "resilience_level": 2,
                "twirling": {"enable_gates": False},
                "resilience": {"zne_mitigation": False},
            },
            None,
        ),
    ],
)
def test_fractional_gates_and_mitigation_that_excludes_them_are_refused_with_what_to_switch_off(given, asked):
    target = connect(FakeFractionalBackend(), generation="legacy", **given).target
    error = refusal(lambda: target.refuse_circuit(fractional(0.3), "estimator"))
    assert (error is None) == (asked is None)
    assert error is None or asked in str(error)
    wanted = refusal(lambda: connect(FakeFractionalBackend(), generation="legacy", fractional=True, **given))
    assert (wanted is None) == (asked is None)  # one table decides for circuits and for connections


def test_simulators_of_devices_run_what_is_told_of_them_and_refuse_foreign_instructions():
    registers = (QuantumRegister(5), ClassicalRegister(0, "none"), ClassicalRegister(1, "c"))
    connection = connect(AerSimulator.from_backend(FakeFractionalBackend()), shots=10, seed=1)
    unusual = QuantumCircuit(*registers)
    unusual.rzz(3.0, 0, 1)  # outside of the device's range
    unusual.measure(0, 0)
    assert connection.sampler.run([unusual]).result()[0].data.c.get_counts() == {"0": 10}
    with pytest.raises(UnsupportedCircuitError, match="does not have the instruction h"):
        connection.sampler.run([CIRCUITS["another gate"]])


def test_dynamical_decoupling_and_control_flow_exclude_each_other():
    connection = connect(FakeFractionalBackend(), dynamical_decoupling={"enable": True})
    with pytest.raises(UnsupportedCircuitError, match="circuits with control flow exclude each other"):
        connection.sampler.run([on(("x", 0), control_flow="x")])


@NEWER
@pytest.mark.parametrize("kind", ["sampler", "estimator"])
@pytest.mark.parametrize("name", ["if_else", "for_loop", "switch_case"])
def test_branches_that_the_newer_primitives_cannot_put_into_boxes_are_refused_as_the_client_does(kind, name):
    """The client's own words are "``'if_else'`` is not supported."; where it takes them, so must this package."""
    circuit, block = QuantumCircuit(5, 1), QuantumCircuit(1)
    block.x(0)
    circuit.measure(0, 0)
    condition = (circuit.clbits[0], 1)
    branches = {
        "if_else": lambda: circuit.if_test(condition, block, [0], []),
        "for_loop": lambda: circuit.for_loop(range(2), None, block, [0], []),
        "switch_case": lambda: circuit.switch(circuit.clbits[0], [(1, block)], [0], []),
    }
    branches[name]()
    circuit.measure(0, 0)
    assert circuit.count_ops()[name] == 1
    options = {"twirling": {"enable_gates": True, "enable_measure": True}} if kind == "sampler" else {}
    pub = (circuit,) if kind == "sampler" else (circuit, SparsePauliOp("IIIIZ"))
    own = Sampler if kind == "sampler" else Estimator
    device = FakeFractionalBackend() if name == "if_else" else FakeFez()
    assert "is not supported" in str(refusal(lambda: own(device, options=options).run([pub])))
    said = "twirling.enable_gates=True and twirling.enable_measure=True and circuits with branches or loops exclude"
    connection = connect(device, shots=100, **options)
    with pytest.raises(UnsupportedCircuitError, match=said if kind == "sampler" else "newer estimator does not take"):
        getattr(connection, kind).run([pub])
    if kind == "sampler":
        twirled = connect(device, shots=100, generation="legacy", **options)
        twirled.target.refuse_circuit(circuit, "sampler")  # the service judges
        connect(device, shots=100).sampler.run([pub]).result()


def test_jobs_larger_than_the_service_takes_are_refused_in_a_rehearsal():
    connection = connect("fake_manila", shots=10)
    circuit = CIRCUITS["its gates"]
    with pytest.raises(ValueError, match=r"10,000,001 executions .* the service takes 10,000,000 in a job"):
        connection.sampler.run([circuit], shots=10_000_001)


@pytest.mark.filterwarnings("ignore:Options")
def test_older_generation_says_itself_what_has_no_effect_in_a_rehearsal():
    manager = generate_preset_pass_manager(1, backend=FakeManilaV2())
    connection = connect("fake_manila", shots=10, generation="legacy")
    assert isinstance(connection.sampler, SamplerV2)
    connection.sampler.run([manager.run(CIRCUITS["its gates"])]).result()
    twirled = connect("fake_manila", shots=10, generation="legacy", twirling={"enable_gates": True})
    with pytest.warns(UserWarning, match="have no effect in local testing mode"):
        twirled.sampler.run([manager.run(CIRCUITS["its gates"])]).result()
