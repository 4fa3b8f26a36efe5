"""Fractional gates: half the two-qubit gates, the same distribution, and no angle that a device would refuse."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import zz_feature_map
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_ibm_runtime.fake_provider import FakeFez, FakeFractionalBackend
from qiskit_ibm_runtime.utils.utils import is_valid_rzz_pub
from runtime_server.client import HAS_EXECUTOR, RuntimeDecoder
from runtime_server.work import QUICK

from qiskit_qml_ext.circuits import IQPFeatureMap, ZZFeatureMap
from qiskit_qml_ext.gradients import ParameterShiftGradient, jacobian
from qiskit_qml_ext.kernels import FidelityKernel, ProjectedKernel
from qiskit_qml_ext.primitives import Policy, connect
from qiskit_qml_ext.primitives.targets.fractional.folding import folded_pub

SAMPLES = np.random.default_rng(1).uniform(-4, 9, (3, 4))  # angles of every quadrant and of several turns
SHOTS = 2000


def encoding():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rzz(x[0], 0, 1)
    circuit.rx(x[1], 0)
    circuit.rx(x[0], 1)
    return circuit


def by_the_user(circuit):
    """Return a circuit as a user transpiles it: with free angles in R_ZZ gates."""
    isa = generate_preset_pass_manager(1, backend=FakeFractionalBackend(), seed_transpiler=1).run(circuit)
    assert "rzz" in isa.count_ops()
    return isa


def distribution(circuit):
    """Return the exact probabilities of a bound circuit's outcomes by Qiskit's states of the qubits that it uses."""
    used = sorted({circuit.find_bit(qubit).index for item in circuit.data for qubit in item.qubits if item.clbits})
    acted = {circuit.find_bit(q).index for item in circuit.data if item.name != "barrier" for q in item.qubits}
    place = {qubit: index for index, qubit in enumerate(sorted(acted | set(used)))}
    small, read = QuantumCircuit(len(place)), {}
    for item in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in item.qubits]
        if item.name == "measure":
            read[circuit.find_bit(item.clbits[0]).index] = place[qubits[0]]
        elif item.name != "barrier":
            small.append(item.operation, [place[qubit] for qubit in qubits])
    return Statevector(small).probabilities([read[bit] for bit in sorted(read)])


def zz(num_qubits):
    return zz_feature_map(num_qubits, entanglement="linear")


def iqp(num_qubits):
    return IQPFeatureMap(reps=1, entanglement="linear").build(num_qubits)


@pytest.mark.parametrize(("make", "num_qubits"), [(zz, 4), (zz, 5), (zz, 6), (zz, 8), (zz, 10), (iqp, 4)])
def test_two_qubit_gates_of_a_kernel_circuit_are_halved_and_its_distribution_stays(num_qubits, make):
    circuit = FidelityKernel(make(num_qubits)).circuit(num_qubits)
    ordinary, fractional = (connect("fake_fez", seed=1, fractional=choice) for choice in (False, True))
    gates = [connection.price(circuit).two_qubit_gates for connection in (ordinary, fractional)]
    assert 2 * gates[1] <= gates[0]
    assert gates[1] == 3 * (num_qubits - 1) if make is not iqp else num_qubits - 1
    isa = fractional.isa_circuit(circuit)
    assert set(isa.count_ops()) & {"cz", "rzz"} == {"rzz"}
    values = np.random.default_rng(2).normal(size=(2, circuit.num_parameters)) * 4
    folded = folded_pub((isa, values), SamplerPub, fractional.device)
    for row in range(2):
        expected = distribution(circuit.assign_parameters(values[row]))
        assert_allclose(distribution(folded.parameter_values.bind(folded.circuit, (row,))), expected, atol=1e-9)


def test_swaps_leave_no_more_gates_than_without():
    circuit = FidelityKernel(zz_feature_map(5, entanglement="full")).circuit(5)
    counts = [connect("fake_fez", seed=1, fractional=choice).price(circuit).two_qubit_gates for choice in (True, False)]
    assert counts[0] < 0.6 * counts[1]


def test_auto_takes_the_way_of_the_larger_signal():
    circuit = FidelityKernel(zz_feature_map(3, entanglement="linear")).circuit(3)
    assert "rzz" in connect("fake_fez", seed=1).isa_circuit(circuit).count_ops()
    assert "rzz" not in connect("fake_fez", seed=1, fractional=False).isa_circuit(circuit).count_ops()
    poor = FakeFractionalBackend()
    for places, value in poor.target["rzz"].items():
        value.error = 0.3
        poor.target.update_instruction_properties("rzz", places, value)
    assert "rzz" not in connect(poor, seed=1).isa_circuit(circuit).count_ops()
    assert "rzz" in connect(poor, seed=1, fractional=True).isa_circuit(circuit).count_ops()


def test_a_fake_of_a_heron_processor_has_copies_of_the_errors_of_ordinary_gates():
    given = FakeFez()
    device = connect(given).device
    assert {pair: device["rzz"][pair].error for pair in device["rzz"]} == {
        pair: device["cz"][pair].error for pair in device["cz"]
    }
    assert all(device["rx"][qubit].error == device["x"][qubit].error for qubit in device["x"])
    assert not device.supported_angle_bound("rzz", [2.0])
    assert "rzz" not in given.target.operation_names  # the caller's own fake is as it was
    assert "rzz" not in connect(given, fractional=False).device.operation_names


def test_a_fractional_circuit_of_the_users_runs_as_it_is_with_angles_folded():
    isa = by_the_user(FidelityKernel(encoding()).circuit(2))
    connection = connect(FakeFractionalBackend(), shots=SHOTS, seed=1)
    assert connection.isa_circuit(isa) is isa
    values = [2.3, -0.2, 8.5, 1.0]
    counts = connection.sampler.run([(isa, values)]).result()[0].data.meas.get_int_counts()
    assert_allclose(counts[0] / SHOTS, distribution(isa.assign_parameters(values))[0], atol=0.15)  # a device's errors
    refused = connect(FakeFractionalBackend(), seed=1, fractional=False).isa_circuit(isa)
    assert not {"rzz", "rx"} & set(refused.count_ops())


@pytest.mark.parametrize("value", [0.0, 1.0, 2.5])
def test_equal_samples_are_as_many_results(value):
    circuit = QuantumCircuit(2)
    x = ParameterVector("x", 2)
    circuit.h([0, 1])
    circuit.rzz(x[0] * x[1], 0, 1)
    circuit.h([0, 1])
    circuit.measure_all()
    connection = connect("fake_fractional", shots=20, seed=1)
    for number in (1, 3):
        (rows, data), *_ = connection.sample(circuit, np.full((number, 2), value))
        assert data.meas.shape == (number,)
        assert rows == slice(0, number)


def test_fixed_angles_keep_these_gates():
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rzz(-2.4, 0, 1)
    circuit.measure_all()
    connection = connect(FakeFractionalBackend(), seed=1)
    isa = connection.isa_circuit(circuit)
    assert "rzz" in isa.count_ops()
    assert not is_valid_rzz_pub(SamplerPub.coerce(folded_pub((isa,), SamplerPub, connection.device)))


def test_rotations_about_x_take_any_angle_as_they_are():
    circuit = QuantumCircuit(1)
    circuit.rx(ParameterVector("x", 1)[0], 0)
    circuit.measure_all()
    connection = connect(FakeFractionalBackend(), shots=SHOTS, seed=1, fractional=True)
    assert connection.isa_circuit(circuit).count_ops()["rx"] == 1
    angles = np.array([[-5.0], [0.4], [40.0]])
    (_, data), *_ = connection.sample(circuit, angles)
    zeros = [data.meas[row].get_int_counts().get(0, 0) / SHOTS for row in range(3)]
    assert_allclose(zeros, np.cos(angles[:, 0] / 2) ** 2, atol=0.12)  # a device's errors


@pytest.mark.parametrize("loop", [False, True])
def test_dynamic_circuits_have_folded_angles_unless_a_loop_makes_them(loop):
    x = ParameterVector("x", 1)
    circuit = QuantumCircuit(3, 2)
    circuit.h(range(3))
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.rzz(x[0], 1, 2)
    if loop:
        with circuit.for_loop(range(3)) as index:
            circuit.rzz(0.7 * index, 1, 2)
    circuit.h(1)
    circuit.measure(1, 1)
    device = FakeFez()
    isa = connect(device, seed=1).isa_circuit(circuit)
    flows = [item.operation for item in isa.data if item.operation.name in ("if_else", "for_loop")]
    names = {name for flow in flows for block in flow.blocks for name in block.count_ops()}
    assert ("rzz" in names) != loop
    folded = folded_pub((isa, [[-9.0], [2.5]]), SamplerPub, connect(device).device)
    assert not is_valid_rzz_pub(SamplerPub.coerce(folded))


def test_copies_side_by_side_have_them_too():
    circuit = FidelityKernel(encoding()).circuit(2)
    values = np.random.default_rng(3).uniform(-6, 6, (4, 4))
    connection = connect("fake_fractional", shots=SHOTS, seed=1, packing=2, packing_buffer=0)
    for rows, data in connection.sample(circuit, values):
        for row in range(rows.start, rows.stop):
            expected = distribution(circuit.assign_parameters(values[row]))[0]
            assert_allclose(data.meas[row].get_int_counts().get(0, 0) / SHOTS, expected, atol=0.2)  # a device's errors
    assert connection.usage.circuits == 2


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("exact", {}, "fractional=True means nothing for exact"),
        ("aer", {}, "fractional=True means nothing for aer"),
        ("fake_sherbrooke", {}, r"fake_sherbrooke has no fractional gates .* Heron processors"),
        ("fake_manila", {}, "fake_manila has no fractional gates"),
        ("fake_fractional", {"twirling": {"enable_gates": True}}, r"twirling.enable_gates=True: set it to False"),
        (
            "fake_fez",
            {"generation": "legacy", "resilience": {"pec_mitigation": True}},
            r"resilience.pec_mitigation=True: set it to False",
        ),
        ("fake_fez", {"resilience": {"zne_mitigation": True}}, r"resilience.zne_mitigation=True: set it to False"),
        ("fake_fez", {"resilience_level": 2}, r"resilience_level=2, which twirls gates .* set it to 0 or 1"),
    ],
)
def test_fractional_gates_that_cannot_be_had_are_refused_when_connecting(target, options, message):
    with pytest.raises(ValueError, match=message):
        connect(target, fractional=True, **options)


def test_options_that_exclude_them_mean_ordinary_gates_unless_asked_otherwise():
    circuit = FidelityKernel(encoding()).circuit(2)
    for options in ({"twirling": {"enable_gates": True}}, {"resilience_level": 2}):
        assert "rzz" not in connect("fake_fractional", seed=1, **options).isa_circuit(circuit).count_ops()
    for options in ({"twirling": {"enable_measure": True}}, {"dynamical_decoupling": {"enable": True}}):
        assert "rzz" in connect("fake_fractional", seed=1, **options).isa_circuit(circuit).count_ops()


def test_a_plan_compares_both_ways_and_says_what_the_errors_are():
    circuit = FidelityKernel(zz_feature_map(4, entanglement="linear")).circuit(4)
    for choice in ("auto", True, False):
        plan = connect("fake_fez", seed=1, fractional=choice).plan([(circuit, np.zeros((2, 8)))])
        (said,) = (sentence for sentence in plan.advice if "fractional" in sentence)
        assert "With fractional gates: 9 two-qubit gates, depth" in said
        assert "without: 22 two-qubit gates, depth" in said
        assert "copies of those of ordinary ones" in said
        assert plan.two_qubit_gates == (22 if choice is False else 9)
    product = FidelityKernel(ZZFeatureMap(reps=1, entanglement="linear").build(1)).circuit(1)
    for target in ("fake_manila", "aer"):
        assert not any("fractional" in said for said in connect(target).plan([(product, np.zeros((1, 2)))]).advice)


@pytest.fixture
def fractional_server(server):
    server.add_backend(FakeFractionalBackend)
    return server


def submitted(server):
    """Return the PUBs of all jobs of samplers that the service has executed."""
    executed = [job for job in server.jobs() if job["id"] in server.executed_jobs()]
    for job in executed:
        if job["program"] == "executor":
            from ibm_quantum_schemas.executor.version_2_0 import ParamsModel
            from qiskit_ibm_runtime.quantum_program.converters import quantum_program_from_2_0

            program, _ = quantum_program_from_2_0(ParamsModel.model_validate(json.loads(job["params"])))
            for item in program.items:
                yield SamplerPub.coerce((item.circuit, item.circuit_arguments))
        else:
            for pub in json.loads(job["params"], cls=RuntimeDecoder)["pubs"]:
                yield SamplerPub.coerce(tuple(pub))


def test_no_angle_outside_reaches_the_service_and_the_kernel_is_right(fractional_server, path):
    """The service has no noise: five standard errors of a probability at most, of 12 entries."""
    feature_map = iqp(4)
    connection = connect(
        fractional_server.service(),
        backend="test_fractional",
        shots=SHOTS,
        seed=1,
        fractional=True,
        journal=path,
        policy=Policy(**QUICK),
    )
    kernel = FidelityKernel(feature_map, connection=connection)
    found = kernel.evaluate(SAMPLES)
    assert_allclose(found, FidelityKernel(feature_map).evaluate(SAMPLES), atol=5 * 0.5 / np.sqrt(SHOTS))
    pubs = list(submitted(fractional_server))
    assert len(pubs) == 1  # one PUB for all pairs
    assert pubs[0].circuit.count_ops()["rzz"] > 0
    assert not is_valid_rzz_pub(pubs[0])
    circuit = kernel.circuit(4)
    unfolded = SamplerPub.coerce((connection.isa_circuit(circuit), np.arange(8) + 0.3))
    assert is_valid_rzz_pub(unfolded)  # what would have been refused
    ordinary = connect(fractional_server.service(), backend="test_fractional", seed=1, fractional=False)
    assert ordinary.price(circuit).two_qubit_gates >= 2 * connection.price(circuit).two_qubit_gates
    executions = fractional_server.executions()
    again = FidelityKernel(feature_map, connection=connection)
    assert_allclose(again.evaluate(SAMPLES), found, atol=0)
    assert fractional_server.executions() == executions


@pytest.mark.parametrize("choice", ["auto", False])
def test_devices_of_an_account_are_asked_for_fractional_gates(fractional_server, choice):
    connection = connect(fractional_server.service(), backend="test_fractional", seed=1, fractional=choice)
    assert ("rzz" in connection.device.operation_names) == (choice == "auto")
    circuit = FidelityKernel(encoding()).circuit(2)
    assert ("rzz" in connection.isa_circuit(circuit).count_ops()) == (choice == "auto")


@pytest.mark.skipif(not HAS_EXECUTOR, reason="older clients refuse such circuits themselves")
def test_a_fractional_circuit_of_the_users_is_not_submitted_where_options_exclude_it(fractional_server):
    isa = by_the_user(FidelityKernel(encoding()).circuit(2))
    connection = connect(fractional_server.service(), backend="test_fractional", twirling={"enable_gates": True})
    with pytest.raises(ValueError, match=r"twirling.enable_gates=True: set it to False"):
        connection.sampler.run([(isa, [0.1, 0.2, 0.3, 0.4])])
    assert not fractional_server.jobs()


@pytest.mark.skipif(not HAS_EXECUTOR, reason="the older primitives know no such group")
def test_twirling_with_those_paulis_that_they_let_pass_leaves_them_and_their_results(fractional_server):
    twirling = {"enable_gates": True, "group": "local_pauli", "num_randomizations": 8}
    connection = connect(
        fractional_server.service(), backend="test_fractional", shots=SHOTS, seed=1, fractional=True, twirling=twirling
    )
    feature_map = iqp(3)
    kernel = FidelityKernel(feature_map, connection=connection)
    estimate = kernel.evaluate_with_errors(SAMPLES[:, :3])
    exact = FidelityKernel(feature_map).evaluate(SAMPLES[:, :3])
    assert_allclose(estimate.matrix, exact, atol=5 * 0.5 / np.sqrt(SHOTS))
    assert "twirling.group='local_pauli'" in estimate.conditions
    assert connection.isa_circuit(kernel.circuit(3)).count_ops()["rzz"]


def test_estimates_of_the_service_are_right_with_folded_angles(fractional_server):
    """A projected kernel and gradients, from shots without noise."""
    connection = connect(fractional_server.service(), backend="test_fractional", shots=SHOTS, fractional=True)
    feature_map = zz_feature_map(3, reps=1, entanglement="linear")
    found = ProjectedKernel(feature_map, gamma=1.0, connection=connection).evaluate(SAMPLES[:, :3])
    exact = ProjectedKernel(feature_map, gamma=1.0).evaluate(SAMPLES[:, :3])
    assert_allclose(found, exact, atol=0.15)
    values = SAMPLES[0, :3]
    shifts = jacobian(feature_map, SparsePauliOp("ZZI"), values, method=ParameterShiftGradient(), connection=connection)
    right = np.asarray(jacobian(feature_map, SparsePauliOp("ZZI"), values))
    assert np.all(np.abs(shifts.jacobian - right) <= 5 * shifts.standard_errors)
