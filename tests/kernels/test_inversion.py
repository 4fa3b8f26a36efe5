"""The sampled kernel runs the circuit that the exact one computes, and inverts what runs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate, Parameter, ParameterVector
from qiskit.circuit.library import GlobalPhaseGate, HamiltonianGate, PauliEvolutionGate, UCGate
from qiskit.primitives import StatevectorSampler
from qiskit.quantum_info import Clifford, SparsePauliOp, Statevector, random_unitary
from qiskit.synthesis import SuzukiTrotter
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from qiskit_machine_learning.circuit.library import raw_feature_vector
from scipy.linalg import expm

from qiskit_qml_ext.circuits import FEATURE_MAPS, AngleFeatureMap, FixedWeightsFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning, UnsupportedCircuitError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import circuit_key, connect
from qiskit_qml_ext.program import unitary_part
from tests.program.exotic import evolutions, fixed_operations

# Qiskit's own matrix of an evolution gate, our reference, is made by a SciPy function that complains about its input.
pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")

X = np.array([[0.4, 0.8], [1.1, -0.3], [0.2, 0.5]])
ISING = SparsePauliOp(["ZZ", "XI", "IX"], [1, 1.0, 0.7])


def around(operation):
    """Return a feature map of two features with an operation in its middle."""
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(max(2, operation.num_qubits))
    circuit.ry(x[0], range(circuit.num_qubits))
    circuit.append(operation, range(operation.num_qubits))
    circuit.rx(x[1], range(circuit.num_qubits))
    return circuit


def exotic_maps():
    """Return maps with free evolutions (their time is a feature) and with fixed operations in their middle."""
    maps = {label: around(operation) for label, operation in fixed_operations().items()}
    maps["multiplexer up to a diagonal"] = around(
        UCGate([random_unitary(2, seed=seed).data for seed in range(4)], up_to_diagonal=True)
    )
    for label, operation in evolutions(Parameter("w")).items():
        circuit = around(operation)
        x = ParameterVector("y", 2)
        maps[f"free {label}"] = circuit.assign_parameters(
            {p: {"w": x[1], "x[0]": x[0], "x[1]": 0.5 * x[1]}[p.name] for p in circuit.parameters}
        )
    return maps


EXOTIC = exotic_maps()


def template(name):
    feature_map = FEATURE_MAPS[name]()
    try:
        number = feature_map.num_weights(2)
    except ValueError:
        return None
    return FixedWeightsFeatureMap(feature_map, np.full(number, 0.2)) if number else feature_map


def reference(circuit, x):
    """Return the kernel by Qiskit's own states."""
    part = unitary_part(circuit)
    states = np.array([Statevector(part.assign_parameters(row)).data for row in x])
    return np.abs(states.conj() @ states.T) ** 2


def all_zeros(circuit, values):
    """Return the probability that the measured circuit reads zeros only, by Qiskit's own state."""
    bound = circuit.assign_parameters(values)
    bound.remove_final_measurements()
    return Statevector(bound).probabilities()[0]


@pytest.mark.parametrize("label", EXOTIC)
def test_circuit_for_an_exact_target_has_the_exact_kernel_as_its_all_zeros_probability(label):
    kernel = FidelityKernel(EXOTIC[label], connection=connect("exact", shots=2000, seed=5), run_diagonal=True)
    right = reference(EXOTIC[label], X)
    assert_allclose(FidelityKernel(EXOTIC[label]).evaluate(X), right, atol=1e-9)
    estimate = kernel.evaluate_with_errors(X)
    assert_allclose(np.diagonal(estimate.matrix), 1, atol=0)  # without noise U†U|0⟩ is |0⟩
    assert np.all(np.abs(estimate.matrix - right) < 5 * estimate.standard_errors + 1e-12)
    assert estimate.synthesis_error == 0


@pytest.mark.parametrize("label", EXOTIC)
def test_circuit_for_a_device_inverts_what_runs(label):
    circuit = FidelityKernel(EXOTIC[label], connection=connect("aer", shots=10)).circuit(2)
    for row in X[:2]:
        assert all_zeros(circuit, [*row, *row]) == pytest.approx(1, abs=1e-9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.ApproximateCircuitWarning")
@pytest.mark.parametrize(
    "label", [*(label for label in EXOTIC if label.startswith("free")), "multiplexer up to a diagonal"]
)
def test_diagonal_of_a_sampled_kernel_is_one_on_a_simulator(label):
    kernel = FidelityKernel(EXOTIC[label], connection=connect("aer", shots=200, seed=5), run_diagonal=True)
    assert_allclose(np.diagonal(kernel.evaluate(X)), 1, atol=0)


@pytest.mark.parametrize("target", ["exact", "aer"])
@pytest.mark.parametrize("name", [name for name in sorted(FEATURE_MAPS) if template(name) is not None])
def test_diagonal_of_every_template_is_one(name, target):
    x = np.array([[0.3, 0.6], [0.8, -0.5]])
    feature_map = template(name)
    kernel = FidelityKernel(feature_map, connection=connect(target, shots=4000, seed=2), run_diagonal=True)
    estimate = kernel.evaluate_with_errors(x)
    assert_allclose(np.diagonal(estimate.matrix), 1, atol=0)
    right = FidelityKernel(feature_map).evaluate(x)
    assert np.all(np.abs(estimate.matrix - right) < 5 * estimate.standard_errors + 1e-12)


# --- product formulas ------------------------------------------------------------------------------------------------


def ising(synthesis=None):
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(ISING, time=Parameter("t"), synthesis=synthesis), [0, 1])
    return circuit


def overlaps(states):
    return np.abs(states.conj() @ states.T) ** 2


def test_kernel_of_an_evolution_is_exact_where_matrices_act_and_says_so_where_a_product_formula_runs():
    times = np.array([[0.4], [1.1]])
    exact = np.array([expm(-1j * t * ISING.to_matrix())[:, 0] for t in times[:, 0]])
    ordered = [expm(-1j * t * c * SparsePauliOp(p).to_matrix()) for t in times[:, 0] for p, c in ISING.label_iter()]
    trotter = np.array([(c @ b @ a)[:, 0] for a, b, c in (ordered[:3], ordered[3:])])
    right, run = overlaps(exact), overlaps(trotter)
    error = 1 - (np.abs(np.einsum("ij,ij->i", exact.conj(), trotter)) ** 2).min()
    assert error > 0.3, "the test needs terms that do not commute"
    for options in ({"connection": connect("exact", shots=20_000, seed=1)}, {"sampler": StatevectorSampler(seed=1)}):
        estimate = FidelityKernel(ising(), run_diagonal=True, **options).evaluate_with_errors(times)
        assert np.all(np.abs(estimate.matrix - right) < 5 * estimate.standard_errors + 1e-12)
        assert estimate.synthesis_error == 0
    kernel = FidelityKernel(ising(), connection=connect("aer", shots=20_000, seed=1), run_diagonal=True)
    assert any(f"≤ {error:.2g}" in sentence for sentence in kernel.plan(times).advice)
    with pytest.warns(ApproximateCircuitWarning, match=f"'PauliEvolution' as a product formula.*≤ {error:.2g}"):
        estimate = kernel.evaluate_with_errors(times)
    assert estimate.synthesis_error == pytest.approx(error, abs=1e-12)
    assert_allclose(np.diagonal(estimate.matrix), 1, atol=0)
    assert np.all(np.abs(estimate.matrix - run) < 5 * estimate.standard_errors + 1e-12)
    kernel.evaluate(times)  # said once: a second warning would be an error
    again = FidelityKernel(ising(), connection=kernel.connection, run_diagonal=True)  # the same with other parameters
    assert again.evaluate_with_errors(times).synthesis_error == estimate.synthesis_error


def test_error_of_a_product_formula_falls_with_its_steps_and_is_unknown_for_wide_circuits():
    times = np.array([[0.4], [1.1]])
    errors = []
    for synthesis in (None, SuzukiTrotter(2, reps=2), SuzukiTrotter(2, reps=8)):
        kernel = FidelityKernel(ising(synthesis), connection=connect("aer", shots=10, seed=1))
        with pytest.warns(ApproximateCircuitWarning):
            errors.append(kernel.evaluate_with_errors(times).synthesis_error)
    assert errors[0] > 10 * errors[1] > 100 * errors[2] > 0
    wide = QuantumCircuit(13)
    chain = SparsePauliOp.from_sparse_list([("ZZ", [q, q + 1], 1) for q in range(12)] + [("X", [0], 1)], 13)
    wide.append(PauliEvolutionGate(chain, time=Parameter("t")), range(13))
    kernel = FidelityKernel(wide, connection=connect("aer", shots=2, seed=1))
    with pytest.warns(ApproximateCircuitWarning, match="not known"):
        assert kernel.evaluate_with_errors(0.1 * times).synthesis_error is None


def test_plan_of_any_circuit_states_the_error_of_a_product_formula():
    circuit = ising()
    circuit.measure_all()
    assert any("product formula" in sentence for sentence in connect("aer").plan([(circuit, [[0.4]])]).advice)
    assert not connect("exact", shots=10).plan([(circuit, [[0.4]])]).advice


# --- what one path takes, the other takes ----------------------------------------------------------------------------


def encode(circuit):
    x = ParameterVector("x", 2)
    circuit.ry(x[0], 0)
    circuit.cx(0, 1)
    circuit.ry(x[1], 1)
    return circuit


def product(circuit):
    x = ParameterVector("x", 2)
    circuit.ry(x[0], 0)
    circuit.append(GlobalPhaseGate(0.4 * x[0]), [])
    circuit.ry(x[1], 1)
    return circuit


def measured(circuit):
    circuit.measure_all()
    return circuit


def fresh():
    circuit = QuantumCircuit(2)
    circuit.reset([0, 1])
    return circuit


def initialised():
    circuit = QuantumCircuit(2)
    circuit.initialize([0.6, 0, 0, 0.8], [0, 1])
    return circuit


def bell_first():
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    circuit = QuantumCircuit(2)
    circuit.append(Clifford(bell), [0, 1])
    return circuit


TAKEN = {
    "measured": measured(encode(QuantumCircuit(2))),
    "measured into its own register": measured(encode(QuantumCircuit(2, 2))),
    "measured product": measured(product(QuantumCircuit(2))),
    "product with a phase gate": product(QuantumCircuit(2)),
    "leading resets": encode(fresh()),
    "product after resets": product(fresh()),
    "initialize": encode(initialised()),
    "product after initialize": product(initialised()),
    "Clifford object": encode(bell_first()),
    "idle qubits": encode(QuantumCircuit(5)),
    "instruction": QuantumCircuit(2).compose(encode(QuantumCircuit(2)).to_instruction(), [0, 1]),
}


@pytest.mark.parametrize("target", ["exact", "aer"])
@pytest.mark.parametrize("label", TAKEN)
def test_both_paths_take_the_same_circuits(label, target):
    before = TAKEN[label].copy()
    right = reference(TAKEN[label], X)
    assert_allclose(FidelityKernel(TAKEN[label]).evaluate(X), right, atol=1e-12)
    connection = connect(target, shots=4000, seed=3)
    estimate = FidelityKernel(TAKEN[label], connection=connection, run_diagonal=True).evaluate_with_errors(X)
    assert np.all(np.abs(estimate.matrix - right) < 5 * estimate.standard_errors + 1e-12)
    assert_allclose(np.diagonal(estimate.matrix), 1, atol=0)
    assert TAKEN[label] == before


def branching():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2, 1)
    circuit.ry(x[0], 0)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.rx(x[1], 1)
    return circuit


def reset_later():
    circuit = encode(QuantumCircuit(2))
    circuit.reset(1)
    return circuit


def placeholder():
    return raw_feature_vector(2)


@pytest.mark.parametrize("target", [None, "exact", "aer"])
@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (branching(), "'if_else'"),
        (reset_later(), "'reset'"),
        (placeholder(), "'ParameterizedInitialize'.*AmplitudeFeatureMap"),
    ],
)
def test_both_paths_refuse_the_same_circuits_by_the_instruction(circuit, message, target):
    connection = connect(target, shots=None if target is None else 10)
    with pytest.raises(UnsupportedCircuitError, match=message):
        FidelityKernel(circuit, connection=connection).evaluate(X)


@pytest.mark.parametrize("target", ["exact", "aer"])
def test_hamiltonian_gate_with_a_free_time_is_sampled(target):
    circuit = QuantumCircuit(2)
    circuit.append(HamiltonianGate(ISING.to_matrix(), Parameter("t")), [0, 1])
    times = np.array([[0.4], [1.1]])
    exact = np.array([expm(-1j * t * ISING.to_matrix())[:, 0] for t in times[:, 0]])
    kernel = FidelityKernel(circuit, connection=connect(target, shots=4000, seed=3), run_diagonal=True)
    estimate = kernel.evaluate_with_errors(times)
    assert np.all(np.abs(estimate.matrix - overlaps(exact)) < 5 * estimate.standard_errors + 1e-12)


@pytest.mark.parametrize("target", [None, "exact", "aer"])
def test_map_that_changes_phases_only_has_a_kernel_of_ones(target):
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.rz(x[0], 0)
    circuit.append(GlobalPhaseGate(x[1]), [])
    kernel = FidelityKernel(circuit, connection=connect(target, shots=None if target is None else 10))
    assert_allclose(kernel.evaluate(X), np.ones((3, 3)), atol=1e-12)


# --- names are not identities ----------------------------------------------------------------------------------------


def mistakable(name):
    """Return a rotation about Y that is called like something else."""
    gate = Gate(name, 1, [Parameter("ϑ")])
    gate.definition = QuantumCircuit(1)
    gate.definition.ry(gate.params[0], 0)
    return gate


@pytest.mark.parametrize(
    ("register", "target"), [("meas", "exact"), ("meas", "aer"), ("q", "aer"), ("meas", "fake_manila")]
)
def test_classical_register_of_the_map_is_not_read(register, target):
    circuit = encode(QuantumCircuit(QuantumRegister(2, "q0"), ClassicalRegister(2, register)))
    kernel = FidelityKernel(circuit, connection=connect(target, shots=1000, seed=1))
    assert [creg.name for creg in kernel.circuit(2).cregs] == ["meas"]
    noise = 0.15 if target == "fake_manila" else 5 / np.sqrt(4 * 1000)
    assert_allclose(kernel.evaluate(X), reference(circuit, X), atol=noise)


@pytest.mark.parametrize(
    ("name", "target"),
    [(name, "aer") for name in ("h", "measure", "barrier", "delay", "reset", "cx", "rz", "unitary", "id")]
    + [(name, "fake_manila") for name in ("measure", "cx")],
)
def test_gate_is_what_its_definition_says_whatever_its_name(name, target):
    x = ParameterVector("x", 2)
    gate = mistakable(name)
    circuit = QuantumCircuit(2)
    for qubit in range(2):
        place = gate.to_mutable()
        place.params = [x[qubit]]
        place.definition = QuantumCircuit(1)
        place.definition.ry(x[qubit], 0)
        circuit.append(place, [qubit])
    circuit.cx(0, 1)
    right = np.prod(np.cos((X[:, None] - X[None]) / 2) ** 2, axis=-1)
    assert_allclose(FidelityKernel(circuit).evaluate(X), right, atol=1e-12)
    noise = 0.15 if target == "fake_manila" else 5 / np.sqrt(4 * 1000)
    kernel = FidelityKernel(circuit, connection=connect(target, shots=1000, seed=1))
    assert_allclose(kernel.evaluate(X), right, atol=noise)


@pytest.mark.parametrize("target", ["exact", "aer"])
@pytest.mark.parametrize(
    "names",
    [("right[0]", "left[1]"), ("p1", "p0"), ("lambda", "None"), ("x[1]", "x[0]"), ("copy0[0]", "I"), ("a + b", "1")],
)
def test_features_are_told_apart_whatever_their_parameters_are_called(names, target):
    first, second = (Parameter(name) for name in names)
    circuit = QuantumCircuit(2)
    circuit.ry(first, 0)
    circuit.ry(3 * second + 0.2 * first, 1)
    order = [p.name for p in circuit.parameters]
    data = X[:, [order.index(names[0]), order.index(names[1])]]
    angles = np.stack([data[:, 0], 3 * data[:, 1] + 0.2 * data[:, 0]], axis=1)
    right = np.prod(np.cos((angles[:, None] - angles[None]) / 2) ** 2, axis=-1)
    assert_allclose(FidelityKernel(circuit).evaluate(X), right, atol=1e-12)
    kernel = FidelityKernel(circuit, connection=connect(target, shots=4000, seed=1))
    assert_allclose(kernel.evaluate(X), right, atol=5 / np.sqrt(4 * 4000))


HOSTILE = (
    "meas",
    "left",
    "right",
    "q",
    "lambda",
    "p0",
    "p1",
    "left[0]",
    "right[0]",
    "x[10]",
    "x[2]",
    "shape",
    "h",
    "I",
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    parameters=st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=2, unique=True),
    registers=st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=2, unique=True),
    gates=st.lists(st.sampled_from([*HOSTILE, "measure", "barrier", "delay", "reset", "cx"]), min_size=2, max_size=2),
)
@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.ParameterOrderWarning")
def test_names_do_not_change_a_kernel(parameters, registers, gates):
    angles = [Parameter(name) for name in parameters]
    circuit = QuantumCircuit(QuantumRegister(2, registers[0]), ClassicalRegister(2, registers[1]))
    for qubit, (angle, name) in enumerate(zip(angles, gates, strict=True)):
        gate = Gate(name, 1, [angle])
        gate.definition = QuantumCircuit(1)
        gate.definition.ry(angle, 0)
        circuit.append(gate, [qubit])
    right = np.prod(np.cos((X[:, None] - X[None]) / 2) ** 2, axis=-1)
    data = X[:, [angles.index(parameter) for parameter in circuit.parameters]]
    assert_allclose(FidelityKernel(circuit).evaluate(data), right, atol=1e-12)
    kernel = FidelityKernel(circuit, connection=connect("exact", shots=2000, seed=4), run_diagonal=True)
    assert_allclose(kernel.evaluate(data), right, atol=5 / np.sqrt(4 * 2000))


# --- transpiled maps -------------------------------------------------------------------------------------------------


def test_transpiled_map_stays_on_its_qubits_and_measures_only_these():
    from qiskit.transpiler import generate_preset_pass_manager
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    backend = FakeManilaV2()
    plain = ZZFeatureMap(reps=1, entanglement="linear").build(3)
    for placed in ([4, 3, 2], [1, 2, 3]):
        isa = generate_preset_pass_manager(1, backend=backend, initial_layout=placed, seed_transpiler=1).run(plain)
        connection = connect(backend, shots=400, seed=1)
        kernel = FidelityKernel(isa, connection=connection, run_diagonal=True)
        test = connection.isa_circuit(kernel.circuit(3))
        touched = {test.find_bit(qubit).index for item in test.data if item.name != "barrier" for qubit in item.qubits}
        assert touched == set(placed)
        assert test.count_ops()["measure"] == 3
        assert all(
            backend.target.instruction_supported(item.name, tuple(test.find_bit(q).index for q in item.qubits))
            for item in test.data
            if item.name != "barrier"
        )
        x = np.random.default_rng(0).uniform(0.3, 1.5, (3, 3))
        assert_allclose(kernel.evaluate(x), FidelityKernel(plain).evaluate(x), atol=0.35)  # noise of the device
        assert_allclose(FidelityKernel(isa).evaluate(x), FidelityKernel(plain).evaluate(x), atol=1e-9)
        sampled = FidelityKernel(isa, connection=connect("exact", shots=4000, seed=1)).evaluate(x)
        assert_allclose(sampled, FidelityKernel(plain).evaluate(x), atol=5 / np.sqrt(4 * 4000))


def test_map_for_a_wide_device_runs_on_narrow_targets():
    from qiskit.transpiler import generate_preset_pass_manager
    from qiskit_ibm_runtime.fake_provider import FakeSherbrooke

    plain = AngleFeatureMap().build(2)
    isa = generate_preset_pass_manager(1, backend=FakeSherbrooke(), seed_transpiler=1).run(plain)
    assert isa.num_qubits == 127
    x = X[:2]
    for target in ("exact", "aer"):
        kernel = FidelityKernel(isa, connection=connect(target, shots=2000, seed=1))
        assert_allclose(kernel.evaluate(x), FidelityKernel(plain).evaluate(x), atol=5 / np.sqrt(4 * 2000))


# --- journals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [ZZFeatureMap(), AngleFeatureMap(), FEATURE_MAPS["heisenberg"]()], ids=repr)
def test_content_keys_of_journaled_circuits_are_those_of_earlier_versions(build):
    circuit = build.build(3)
    number = circuit.num_parameters
    left = circuit.assign_parameters(list(ParameterVector("left", number)))
    right = circuit.assign_parameters(list(ParameterVector("right", number)))
    earlier = left.compose(right.inverse())  # how the circuit was made when the records were written
    earlier.measure_all()
    for target in ("exact", "aer"):
        kernel = FidelityKernel(circuit, connection=connect(target, shots=10))
        assert circuit_key(kernel.circuit(number)) == circuit_key(earlier)


def folded(folds, delay=None):
    """Return a map with pairs of CX between barriers, as studies of noise fold them, or with delays."""
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    for _ in range(folds):
        circuit.cx(0, 1)
        circuit.barrier()
    if delay is not None:
        circuit.delay(delay, [0, 1], unit="us")
    return circuit


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("target", ["fake_manila", "aer"])
def test_barriers_of_a_map_keep_its_gates_on_a_target_that_transpiles(target, wrapped):
    connection = connect(target, seed=1, optimization_level=3)
    for folds in (2, 4):
        feature_map = folded(folds)
        if wrapped:
            inner, feature_map = feature_map, QuantumCircuit(2)
            feature_map.append(inner.to_instruction(), [0, 1])
        isa = connection.isa_circuit(FidelityKernel(feature_map, connection=connection).circuit(2))
        assert isa.count_ops()["cx"] == 2 * folds
    assert "barrier" in FidelityKernel(folded(2), connection=connection).circuit(2).count_ops()


def test_delays_of_a_map_stay_and_their_inverse_is_the_same_delay():
    """During 100 µs in a state half excited a qubit relaxes, during 1 µs it hardly does."""
    connection = connect("fake_manila", seed=1, shots=2000)
    sample = np.array([[np.pi / 2, np.pi / 2], [np.pi / 2, np.pi / 2 + 1e-9]])
    fidelity = {}
    for delay in (1, 100):
        kernel = FidelityKernel(folded(0, delay), connection=connection)
        isa = connection.isa_circuit(kernel.circuit(2))
        waited = [item.operation.duration for item in isa.data if item.operation.name == "delay"]
        assert_allclose(np.array(waited) * FakeManilaV2().dt, [delay * 1e-6] * 4, rtol=1e-3)
        fidelity[delay] = kernel.evaluate(sample)[0, 1]
    assert fidelity[100] < fidelity[1] - 0.2


@pytest.mark.parametrize("target", ["exact", "aer", "fake_manila"])
def test_barriers_and_delays_on_idle_qubits_make_no_qubit_used(target):
    circuit = QuantumCircuit(5)
    circuit.ry(Parameter("a"), 1)
    circuit.barrier()
    circuit.delay(10, 4)
    circuit.ry(Parameter("b"), 3)
    test = FidelityKernel(circuit, connection=connect(target, shots=100)).circuit(2)
    assert test.num_clbits == 2


def test_barriers_and_delays_change_no_exact_kernel():
    plain = FidelityKernel(folded(0)).evaluate(X)
    assert_allclose(FidelityKernel(folded(4, 50)).evaluate(X), plain, atol=1e-12)
    exact = [FidelityKernel(folded(*args), connection=connect(shots=10)) for args in ((1,), (1, 5))]
    assert circuit_key(exact[0].circuit(2)) == circuit_key(exact[1].circuit(2))


def test_maps_without_barriers_keep_their_content_keys():
    with_barrier = folded(1)
    bare = QuantumCircuit(*with_barrier.qregs)
    for item in with_barrier.data:
        if item.operation.name != "barrier":
            bare.append(item)
    keys = [circuit_key(FidelityKernel(m, connection=connect("aer")).circuit(2)) for m in (with_barrier, bare)]
    assert keys[0] != keys[1]
    assert keys[1] == circuit_key(FidelityKernel(bare, connection=connect(shots=10)).circuit(2))
