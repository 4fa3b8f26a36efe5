"""Keys never collide, and equal work built twice has equal keys: a wrong key is a wrong result or money lost."""

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Gate, Parameter, annotated_operation
from qiskit.circuit.classical import expr
from qiskit.circuit.library import PauliEvolutionGate, RXGate, UnitaryGate
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import Pauli, SparseObservable, SparsePauliOp

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.primitives import (
    ExactEstimator,
    ExactSampler,
    Journal,
    JournaledEstimator,
    JournaledSampler,
    Policy,
    circuit_key,
    connect,
)
from qiskit_qml_ext.primitives.journal.disk.schema import KEYS_FORMULA
from qiskit_qml_ext.primitives.journal.work.estimator_request import EstimatorRequest
from qiskit_qml_ext.primitives.journal.work.keys import Repetitions, block_key, row_keys, settings_key
from qiskit_qml_ext.primitives.journal.work.sampler_request import SamplerRequest
from qiskit_qml_ext.primitives.pricing.estimator_work import EstimatorWork

ANGLES = st.floats(-10, 10)
QUIET = settings(max_examples=60, deadline=None)


def sampler_keys(circuit, values, *, shots=10, repetitions=None, **changes):
    about = {"target": "t", "options": {}, "seed": None, **changes}
    pub = SamplerPub.coerce((circuit, values, shots))
    request = SamplerRequest([pub], identify=circuit_key, repetitions=repetitions or Repetitions(), **about)
    return [item.key for item in request.items]


def estimator_keys(circuit, observables, values=None, *, precision=0.1, max_executions=10**7, **changes):
    about = {"target": "t", "options": {}, "seed": None, **changes}
    pub = EstimatorPub.coerce((circuit, observables, values, precision))
    request = EstimatorRequest(
        [pub],
        identify=circuit_key,
        repetitions=Repetitions(),
        max_executions=max_executions,
        work=EstimatorWork(),
        **about,
    )
    return [item.key for item in request.items]


def two_parameters(first="a", second="b"):
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter(first), 0)
    circuit.rz(Parameter(second), 0)
    circuit.measure_all()
    return circuit


@given(a=st.tuples(ANGLES, ANGLES), b=st.tuples(ANGLES, ANGLES))
@QUIET
def test_keys_differ_exactly_when_a_parameter_value_does(a, b):
    circuit = two_parameters()
    assert (sampler_keys(circuit, a) == sampler_keys(circuit, b)) == (a == b)


@given(ANGLES)
@QUIET
def test_the_next_float_is_another_key(angle):
    assume(np.nextafter(angle, 20) != angle)
    for build in (
        lambda x: [("rx", x)],
        lambda x: [("rx", 1.0), ("rz", x)],
    ):
        circuits = []
        for value in (angle, np.nextafter(angle, 20)):
            circuit = QuantumCircuit(1)
            for name, number in build(value):
                getattr(circuit, name)(number, 0)
            circuits.append(circuit)
        assert circuit_key(circuits[0]) != circuit_key(circuits[1])


@given(ANGLES, st.floats(0.1, 10))
@QUIET
def test_coefficients_and_constants_of_expressions_are_exact(constant, factor):
    assume(abs(factor - 1) > 1e-14)  # Qiskit itself drops factors so near to 1
    assume(abs(constant) > 1e-14)  # and constants so near to 0
    keys = set()
    for c, f in ((constant, factor), (np.nextafter(constant, 20), factor), (constant, np.nextafter(factor, 20))):
        circuit = QuantumCircuit(1)
        circuit.rx(f * Parameter("x") + c, 0)
        keys.add(circuit_key(circuit))
    assert len(keys) == 3


@given(st.lists(st.sampled_from(["h", "x", "s", "cx", "cz", "rx0.1", "rx0.2"]), max_size=6), st.data())
@QUIET
def test_random_circuits_share_a_key_exactly_when_their_instructions_agree(names, data):
    others = data.draw(st.lists(st.sampled_from(["h", "x", "s", "cx", "cz", "rx0.1", "rx0.2"]), max_size=6))

    def build(gates):
        circuit = QuantumCircuit(2)
        for gate in gates:
            if gate.startswith("rx"):
                circuit.rx(float(gate[2:]), 0)
            else:
                getattr(circuit, gate)(*range(2 if gate.startswith("c") else 1))
        return circuit

    assert (circuit_key(build(names)) == circuit_key(build(others))) == (names == others)


def test_parameter_values_follow_the_parameters_and_not_their_order_in_the_call():
    circuit = two_parameters()
    a, b = circuit.parameters
    assert sampler_keys(circuit, {a: 0.1, b: 0.2}) == sampler_keys(circuit, {b: 0.2, a: 0.1})
    assert sampler_keys(circuit, {a: 0.1, b: 0.2}) != sampler_keys(circuit, {a: 0.2, b: 0.1})


def test_names_of_parameters_do_not_matter_but_their_order_does():
    same = sampler_keys(two_parameters("p", "q"), [0.1, 0.2])
    assert sampler_keys(two_parameters("a", "b"), [0.1, 0.2]) == same
    # Here the first value goes to the second gate.
    assert sampler_keys(two_parameters("b", "a"), [0.1, 0.2]) != same


def gate_named(name, angle):
    inner = QuantumCircuit(1, name=name)
    inner.rx(angle, 0)
    circuit = QuantumCircuit(1)
    circuit.append(inner.to_gate(), [0])
    return circuit


def conditional(bit, value):
    circuit = QuantumCircuit(1, 2)
    with circuit.if_test((circuit.clbits[bit], value)):
        circuit.x(0)
    return circuit


def expression(operator):
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(2, "c"))
    with circuit.if_test(operator(circuit.cregs[0], 1)):
        circuit.x(0)
    return circuit


def delayed(unit):
    circuit = QuantumCircuit(1)
    circuit.delay(100, 0, unit)
    return circuit


def looped(times):
    circuit = QuantumCircuit(1)
    with circuit.for_loop(range(times)):
        circuit.x(0)
    return circuit


def evolved(label, time):
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(label), time), [0, 1])
    return circuit


def modified(*modifiers):
    circuit = QuantumCircuit(2)
    operation = annotated_operation.AnnotatedOperation(RXGate(0.1), list(modifiers))
    circuit.append(operation, range(operation.num_qubits))
    return circuit


def unitary(angle):
    circuit = QuantumCircuit(1)
    circuit.append(UnitaryGate(np.diag([1, np.exp(1j * angle)])), [0])
    return circuit


def opaque(name):
    circuit = QuantumCircuit(1)
    circuit.append(Gate(name, 1, []), [0])
    return circuit


FAMILIES = {
    "definition of a gate with one name": [gate_named("mine", 0.1), gate_named("mine", 0.2)],
    "gate named like a standard one": [gate_named("rx", 0.1), gate_named("rx", 0.2), RXGate(0.1).definition],
    "condition": [conditional(0, 0), conditional(0, 1), conditional(1, 1)],
    "expression": [expression(expr.equal), expression(expr.less), expression(expr.greater)],
    "unit of a delay": [delayed("dt"), delayed("ns"), delayed("us")],
    "loop": [looped(1), looped(2)],
    "evolution": [evolved("XX", 0.1), evolved("ZZ", 0.1), evolved("XX", 0.2)],
    "modifiers": [modified(annotated_operation.InverseModifier()), modified(annotated_operation.ControlModifier(1))],
    "matrix": [unitary(0.1), unitary(0.1 + 1e-15)],
    "opaque": [opaque("a"), opaque("b")],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_circuits_that_differ_in_one_thing_have_different_keys(family):
    keys = [circuit_key(circuit) for circuit in FAMILIES[family]]
    assert len(set(keys)) == len(keys)


def test_parts_without_a_content_are_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.add_var("v", expr.lift(True))
    with pytest.raises(UnsupportedCircuitError, match="classical variables"):
        circuit_key(circuit)


@pytest.mark.parametrize(
    "change",
    [{"shots": 11}, {"target": "u"}, {"options": {"x": 1}}, {"seed": 0}, {"seed": 1}, {"options": {"x": {"y": None}}}],
    ids=str,
)
def test_every_setting_is_part_of_the_work(change):
    circuit = two_parameters()
    assert sampler_keys(circuit, [0.1, 0.2]) != sampler_keys(circuit, [0.1, 0.2], **change)


def test_sampler_and_estimator_share_no_keys_and_precision_counts():
    circuit = QuantumCircuit(1)
    keys = [
        sampler_keys(circuit, None)[0],
        estimator_keys(circuit, "Z")[0],
        estimator_keys(circuit, "X")[0],
        estimator_keys(circuit, "Z", precision=0.2)[0],
        estimator_keys(circuit, SparsePauliOp(["Z", "X"]))[0],
        estimator_keys(circuit, SparsePauliOp(["Z"], [2]))[0],
        estimator_keys(circuit, ["Z"])[0],
        estimator_keys(circuit, [["Z"]])[0],
    ]
    assert len(set(keys)) == len(keys)


def test_order_of_terms_in_an_observable_does_not_matter():
    circuit = QuantumCircuit(1)
    first, second = SparsePauliOp(["Z", "X"], [1, 2]), SparsePauliOp(["X", "Z"], [2, 1])
    assert estimator_keys(circuit, first) == estimator_keys(circuit, second)


def test_broadcasting_is_part_of_the_work():
    circuit = two_parameters().remove_final_measurements(inplace=False)
    values = np.zeros((2, 2))
    outer = estimator_keys(circuit, [["Z"], ["X"]], values)
    inner = estimator_keys(circuit, ["Z", "X"], values)
    assert outer != inner


def test_blocks_cover_a_pub_once_and_respect_the_limit():
    circuit = two_parameters().remove_final_measurements(inplace=False)
    pub = EstimatorPub.coerce((circuit, [["Z"], ["X"], ["Y"]], np.zeros((7, 2)), 0.1))
    request = EstimatorRequest(
        [pub],
        target="t",
        options={},
        seed=None,
        identify=circuit_key,
        repetitions=Repetitions(),
        max_executions=500,
        work=EstimatorWork(),
    )
    assert sum(item.executions for item in request.items) == 2100
    assert max(item.executions for item in request.items) <= 500
    assert len({item.key for item in request.items}) == len(request.items)


def test_repetitions_are_told_apart_and_numbered_alike_in_every_program():
    circuit, values = two_parameters(), [[0.1, 0.2]] * 3
    keys = sampler_keys(circuit, values)
    assert len(set(keys)) == 3
    assert sampler_keys(circuit, values) == keys
    shared = Repetitions()
    first = sampler_keys(circuit, values[:1], repetitions=shared)
    second = sampler_keys(circuit, values[:2], repetitions=shared)
    assert first + second == keys


def test_repetitions_given_back_are_the_same_work_again():
    shared = Repetitions()
    first = shared.number([b"a", b"b", b"a"])
    second = shared.number([b"a"])
    assert len({*first, *second}) == 4
    shared.give_back(first)
    assert shared.number([b"a", b"b", b"a"]) == first
    assert shared.number([b"b"]) not in ([b"b"], second)


def test_minus_zero_is_zero():
    assert sampler_keys(two_parameters(), [0.0, 0.0]) == sampler_keys(two_parameters(), [-0.0, 0.0])


PRINT_KEYS = """
import sys
sys.path[:0] = {paths!r}
from test_keys import two_parameters, sampler_keys, estimator_keys, FAMILIES
from qiskit_qml_ext.primitives import circuit_key
print(sampler_keys(two_parameters(), [[0.1, 0.2]] * 2), estimator_keys(FAMILIES["loop"][0], "Z"))
print([circuit_key(circuit) for family in FAMILIES.values() for circuit in family])
"""


def test_equal_work_built_in_different_processes_has_equal_keys():
    from pathlib import Path

    def keys(seed):
        code = PRINT_KEYS.format(paths=[str(Path(__file__).parent)])
        environment = {"PYTHONHASHSEED": seed, **_environment()}
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
        ).stdout

    assert keys("1") == keys("2")


def _environment():
    import os

    return {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}


@pytest.mark.slow
def test_keys_of_every_kind_of_target_agree_between_processes_and_before_and_after_a_run():
    """A random id, an address or an order of hashes in a key would mean that its results are never found again."""
    import key_targets

    done = subprocess.run(
        [sys.executable, key_targets.__file__],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", **_environment()},
    )
    elsewhere = {kind: tuple(keys) for kind, keys in json.loads(done.stdout).items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the fake devices' noise models
        here = key_targets.keys()
    assert elsewhere == here
    assert all(before == after for before, after in here.values())
    assert len(here) > 18


def test_keys_are_those_of_this_formula():
    """Journals hold them. Literals: computed when KEYS_FORMULA became 2; raise it when they must change."""
    assert KEYS_FORMULA == 2
    settings = settings_key("sampler", "device", {"twirling": {"enable_gates": True}}, 7, 100)
    assert settings.hex() == "22f4d26c4823791c59ce351f88b7ba2d"
    values = np.array([[0.1, 0.2], [-0.0, 0.0]])
    assert [key.hex() for key in row_keys(settings, "circuit", values)] == [
        "294d7e5ed12ab30e91be6629c51232aa",
        "947e1049f40e76170dabb91bdafdf295",
    ]
    observables = np.array([{"ZI": 1.0, "XX": 0.5}], dtype=object)
    assert block_key(settings, "circuit", values, observables, (2,)).hex() == "153131092cbd870766ce4cf7bb35960d"


def test_every_part_of_a_key_is_refused_that_is_not_plain():
    with pytest.raises(TypeError, match="not JSON serializable"):
        settings_key("sampler", "device", {"thing": object()}, 7, 100)


OBSERVABLES = [
    ["Z", Pauli("Z"), {"Z": 1}, SparsePauliOp("Z"), SparseObservable("Z"), SparsePauliOp(["Z", "X"], [1, 0])],
    ["X", Pauli("X")],
    [{"Z": np.nextafter(1, 2)}, SparsePauliOp("Z", [np.nextafter(1, 2)])],
    [Pauli("-Z"), {"Z": -1.0}],
    [{"0": 1.0}, SparseObservable("0")],
    [{"1": 1.0}],
    [{"+": 1.0}],
    [{"-": 1.0}],
    [{"r": 1.0}],
    [{"l": 1.0}],
    [{"0": 1.0, "Z": 1.0}],
    [{"0": 2.0}],
    [{"I": 1.0}],
]


def test_observables_have_one_key_in_all_their_spellings_and_different_ones_different_keys():
    circuit = QuantumCircuit(1)
    keys = [{estimator_keys(circuit, spelling)[0] for spelling in spellings} for spellings in OBSERVABLES]
    assert [len(found) for found in keys] == [1] * len(keys)
    assert len(set.union(*keys)) == len(keys)


def test_seeds_of_numpy_are_seeds_and_others_are_refused_with_a_sentence(path):
    circuit = QuantumCircuit(1, 1)

    def ask(seed):
        return JournaledSampler(ExactSampler(), path, seed=seed, make=lambda seed: ExactSampler(seed=seed)).run(
            [circuit]
        )

    ask(7).result(60)
    for seed in (np.int64(7), np.uint8(7), 7):
        job = ask(seed)
        job.result(60)
        assert job.report.submitted == 0
    for seed in (True, 1.0, "1"):
        with pytest.raises(TypeError, match="seed must be a whole number"):
            ask(seed)
    for seed, words in ((-1, "at least 0"), (2**200, "at most")):
        with pytest.raises(ValueError, match=f"seed must be {words}"):
            ask(seed)


@pytest.mark.parametrize(
    ("numpys", "plain"),
    [
        ({"seed": np.int64(7)}, {"seed": 7}),
        ({"shots": np.uint8(100)}, {"shots": 100}),
        ({"own": np.int32(100)}, {"own": 100}),
        ({"policy": Policy(max_executions=np.int64(2000))}, {"policy": Policy(max_executions=2000)}),
        ({"default": np.int64(100)}, {"default": 100}),
    ],
)
def test_numbers_of_numpy_are_written_down_as_pythons_are(path, tmp_path, numpys, plain):
    """In a new journal as in one that has the work already."""
    circuit = QuantumCircuit(1, 1)

    def ask(place, seed=None, shots=None, own=None, policy=None, default=1024):
        sampler = JournaledSampler(ExactSampler(default_shots=default), place, seed=seed, policy=policy)
        job = sampler.run([(circuit, None, own)], shots=shots)
        return job.result(60), job.report.submitted

    result, submitted = ask(path, **numpys)
    assert (result[0].data.c.num_shots, submitted) == (1024 if plain.keys() & {"seed", "policy"} else 100, 1)
    assert ask(path, **plain)[1] == 0
    with Journal(path) as journal:
        assert journal.export(tmp_path / "data").is_complete


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_precision_of_numpy_is_written_down_as_pythons_is(path, tmp_path, kind):
    def ask(precision):
        job = JournaledEstimator(ExactEstimator(), path).run([(QuantumCircuit(1), "Z", None, precision)])
        job.result(60)
        return job.report.submitted

    assert (ask(kind(0.125)), ask(0.125)) == (1, 0)
    with Journal(path) as journal:
        assert journal.export(tmp_path / "data").is_complete
    replay = connect(replay=tmp_path / "data")
    assert replay.estimator.run([(QuantumCircuit(1), "Z", None, kind(0.125))]).result()[0].metadata is not None
