"""The cost on hardware is that of the device that was given, as Qiskit's transpiler alone finds it."""

import json
import math

import pytest
from numpy.testing import assert_allclose
from qiskit.circuit import ParameterVector
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeFez, FakeManilaV2, FakeSherbrooke

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.diagnostics import ShotsToResolve
from qiskit_qml_ext.evaluation.hardware import REFERENCE_DEVICE, HardwareCost, hardware_cost
from qiskit_qml_ext.primitives import CircuitPrice, Connection, ExactSampler, connect

SHOTS = ShotsToResolve(to_tell_apart=120.0, for_precision=10.0, relative_precision=0.1, mean=0.3, variance=0.05)
SEED = 7


def cost_of(target, *, num_features=3):
    return hardware_cost(ZZFeatureMap(), num_features, target=target, num_train=10, shots=SHOTS, seed=SEED)


def numbers_by_qiskit(backend, *, seed=SEED, level=1):
    """Qubits, depth, two-qubit gates and the share of runs without errors of the kernel circuit on a backend."""
    encoding = ZZFeatureMap().build(3)
    second = ParameterVector("y", encoding.num_parameters)
    circuit = encoding.compose(encoding.assign_parameters(list(second)).inverse())
    circuit.measure_all()
    isa = generate_preset_pass_manager(level, backend=backend, seed_transpiler=seed).run(circuit)
    qubits, gates, intact = set(), 0, 1.0
    for item in isa.data:
        if item.name != "barrier":
            places = tuple(isa.find_bit(qubit).index for qubit in item.qubits)
            qubits |= set(places)
            gates += len(places) == 2
            intact *= 1 - (backend.target[item.name][places].error or 0.0)
    return len(qubits), isa.depth(), gates, intact


def noise():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.01, 2), ["cx"])
    return model


# What was given, the device whose cost is meant, and the name under which the report shows it.
TARGETS = {
    "nothing": (lambda: None, FakeFez, REFERENCE_DEVICE),
    "exact": (lambda: "exact", FakeFez, REFERENCE_DEVICE),
    "aer": (lambda: "aer", FakeFez, REFERENCE_DEVICE),
    "a simulator": (AerSimulator, FakeFez, REFERENCE_DEVICE),
    "a simulator with noise": (lambda: AerSimulator(noise_model=noise()), FakeFez, REFERENCE_DEVICE),
    "a connection to a simulator": (lambda: connect("aer", seed=1), FakeFez, REFERENCE_DEVICE),
    "a primitive of the user's": (
        lambda: Connection.from_primitives(sampler=ExactSampler()),
        FakeFez,
        REFERENCE_DEVICE,
    ),
    "the name of a fake": (lambda: "fake_manila", FakeManilaV2, "fake_manila"),
    "a fake": (FakeManilaV2, FakeManilaV2, "fake_manila"),
    "a connection to a fake": (lambda: connect("fake_manila", seed=SEED), FakeManilaV2, "fake_manila"),
    "a connection to a large fake": (
        lambda: connect(FakeSherbrooke(), seed=SEED),
        FakeSherbrooke,
        "fake_sherbrooke",
    ),
    "a simulator of a device": (
        lambda: AerSimulator.from_backend(FakeManilaV2()),
        FakeManilaV2,
        "aer_simulator_from(fake_manila)",
    ),
    "a generic backend": (
        lambda: GenericBackendV2(5, seed=1),
        lambda: GenericBackendV2(5, seed=1),
        "generic_backend_5q",
    ),
    "a connection to a generic backend": (
        lambda: connect(GenericBackendV2(5, seed=1), seed=SEED),
        lambda: GenericBackendV2(5, seed=1),
        "generic_backend_5q",
    ),
}


@pytest.mark.parametrize("name", TARGETS)
def test_cost_is_that_of_the_device_that_was_given(name):
    make, device, shown = TARGETS[name]
    circuit = cost_of(make()).circuit
    num_qubits, depth, gates, intact = numbers_by_qiskit(device())
    assert (circuit.target, circuit.num_qubits, circuit.depth, circuit.two_qubit_gates) == (
        shown,
        num_qubits,
        depth,
        gates,
    )
    assert_allclose(circuit.error_free, intact, rtol=1e-9)  # a product of some hundred factors


@pytest.mark.parametrize("settings", [{"seed": 3}, {"seed": 3, "optimization_level": 3}])
def test_cost_of_a_connection_is_that_of_what_it_would_run(settings):
    connection = connect("fake_manila", **settings)
    circuit = cost_of(connection).circuit
    expected = numbers_by_qiskit(FakeManilaV2(), seed=3, level=settings.get("optimization_level", 1))
    assert (circuit.num_qubits, circuit.depth, circuit.two_qubit_gates) == expected[:3]
    assert_allclose(circuit.error_free, expected[3], rtol=1e-9)


def test_cost_counts_pairs_and_shots_and_takes_the_usual_rate():
    cost = cost_of("fake_manila")
    assert (cost.circuits_per_fit, cost.shots_per_circuit) == (45, 120.0)
    assert_allclose(cost.seconds_per_fit, 45 * 120 * 250e-6, rtol=1e-12)  # IBM's default repetition delay


def test_a_device_with_too_few_qubits_has_no_cost():
    assert cost_of("fake_manila", num_features=6) is None
    assert cost_of(connect("fake_manila"), num_features=6) is None


def test_an_unknown_target_is_refused():
    with pytest.raises(ValueError, match="There is no target 'fake_nonsense'"):
        cost_of("fake_nonsense")


def test_the_plan_of_a_kernel_has_the_same_price():
    from qiskit_qml_ext.kernels import FidelityKernel

    connection = connect("fake_manila", shots=100, seed=SEED)
    circuit = cost_of(connection).circuit
    plan = FidelityKernel(ZZFeatureMap(), connection=connection).plan([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    assert (plan.depth, plan.two_qubit_gates, plan.error_free) == (
        circuit.depth,
        circuit.two_qubit_gates,
        circuit.error_free,
    )
    assert math.isclose(plan.seconds, 2 + 100 * circuit.seconds_per_shot, rel_tol=1e-12)


def test_a_cost_without_an_end_is_null_in_strict_json():
    price = CircuitPrice("d", num_qubits=2, depth=9, two_qubit_gates=2, seconds_per_shot=1e-4, error_free=0.9)
    cost = HardwareCost(price, circuits_per_fit=45, shots_per_circuit=math.inf, seconds_per_fit=math.inf)
    said = json.loads(json.dumps(cost.to_dict(), allow_nan=False))
    assert {name for name, value in said.items() if value is None} == {
        "shots_per_circuit",
        "seconds_per_fit",
        "shots_with_errors",
        "shots_per_fit",
    }
    assert said["circuit"] == {"target": "d", "num_qubits": 2, "depth": 9, "two_qubit_gates": 2, "error_free": 0.9}
