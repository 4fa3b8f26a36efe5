"""Whatever can change a result changes the key: walks over the signatures of the installed packages.

Each pair differs in one thing only. Either its keys differ, or the thing stands in a list of exclusions with a reason.
"""

import inspect
import types
import warnings

import numpy as np
import pytest
from key_pairs import another, arguments, estimator_keys, key_of, leaves, sampler_keys
from qiskit import QuantumCircuit
from qiskit.circuit import Measure, Parameter
from qiskit.circuit.library import CXGate, RXGate, RZZGate, SXGate
from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    BaseSamplerV2,
    StatevectorEstimator,
    StatevectorSampler,
)
from qiskit.providers import BackendV2, Options, QubitProperties
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparseObservable
from qiskit.transpiler import InstructionProperties, Target
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, RelaxationNoisePass, depolarizing_error
from qiskit_aer.primitives import EstimatorV2 as AerEstimator
from qiskit_aer.primitives import SamplerV2 as AerSampler
from qiskit_ibm_runtime import EstimatorV2, SamplerV2
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from runtime_server.client import Estimator, Sampler

from qiskit_qml_ext.primitives import ExactEstimator, ExactSampler, JournaledSampler, Quota, connect
from qiskit_qml_ext.primitives.journal.work import exclusions
from qiskit_qml_ext.primitives.journal.work.identity import backend_content, made_for, runtime_options
from qiskit_qml_ext.primitives.journal.work.options import options_of


def noise(strength=0.1, gate="x"):
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(strength, 1), [gate])
    return model


def generic_backend(**settings):
    return GenericBackendV2(**{"num_qubits": 2, "seed": 1, **settings})


# --- Aer's options, at each of the places where they may stand


def aer_sampler(place, name, value):
    if place == "simulator":
        simulator = AerSimulator()
        simulator.options.update_options(**{name: value})
        return AerSampler.from_backend(simulator)
    sampler = AerSampler()
    getattr(sampler.options, place)[name] = value
    return sampler


AER_VALUES = {
    "method": ("statevector", "density_matrix"),
    "noise_model": (noise(0.1), noise(0.2)),
    "executor": (None, 1),
}


@pytest.mark.parametrize("place", ["simulator", "backend_options", "run_options"])
@pytest.mark.parametrize("name", AerSimulator._default_options().__dict__)
def test_every_option_of_aer_is_content_or_left_out_for_a_reason(name, place):
    usual = getattr(AerSimulator._default_options(), name)
    first, second = AER_VALUES.get(name, (usual, another(usual, name)))
    differ = key_of(aer_sampler(place, name, first)) != key_of(aer_sampler(place, name, second))
    assert differ == (name not in exclusions.AER_OPTIONS)


# --- options of primitives

RUNTIME = {"sampler": Sampler, "estimator": Estimator, "old sampler": SamplerV2, "old estimator": EstimatorV2}
LOCAL = {
    "Aer's sampler": AerSampler,
    "Aer's estimator": AerEstimator,
    "backend's sampler": lambda: BackendSamplerV2(backend=generic_backend()),
    "backend's estimator": lambda: BackendEstimatorV2(backend=generic_backend()),
}


def quietly(make, *arguments, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older generation is deprecated
        return make(*arguments, **settings)


def runtime_leaves(kind):
    device = types.SimpleNamespace(name="device", calibration_id=None)

    def make():
        primitive = quietly(RUNTIME[kind], mode=FakeManilaV2())
        object.__setattr__(primitive, "_backend", device)
        return primitive

    return make, [path for _, _, path in leaves(make().options)]


@pytest.mark.parametrize("kind", RUNTIME)
def test_every_option_of_the_runtime_client_is_content_or_left_out_for_a_reason(kind):
    make, paths = runtime_leaves(kind)
    assert len(paths) > 15
    usual = runtime_options(make())
    assert usual == {}
    for path in paths:
        changed = make()
        group, name = next((group, name) for group, name, found in leaves(changed.options) if found == path)
        object.__setattr__(group, name, another(getattr(group, name), path))
        assert (runtime_options(changed) == usual) == (path in exclusions.RUNTIME_OPTIONS), path


@pytest.mark.parametrize("kind", RUNTIME)
def test_options_of_the_runtime_client_count_in_local_testing_mode_too(kind):
    usual = key_of(quietly(RUNTIME[kind], mode=FakeManilaV2()))
    seeded = quietly(RUNTIME[kind], mode=FakeManilaV2(), options={"simulator": {"seed_simulator": 5}})
    assert key_of(seeded) != usual
    tagged = quietly(RUNTIME[kind], mode=FakeManilaV2(), options={"environment": {"job_tags": ["mine"]}})
    assert key_of(tagged) == usual


def test_an_option_that_only_the_newer_client_has_changes_no_key_until_it_is_set():
    newer = Sampler(mode=FakeManilaV2())
    usual = key_of(newer)
    newer.options.experimental = {"something": None}
    assert key_of(newer) == usual
    newer.options.experimental = {"something": 1}
    assert key_of(newer) != usual


@pytest.mark.parametrize("kind", LOCAL)
def test_every_option_of_other_primitives_is_content_or_left_out_for_a_reason(kind):
    usual = key_of(LOCAL[kind]())
    paths = [path for _, _, path in leaves(LOCAL[kind]().options)]
    assert paths
    for path in paths:
        changed = LOCAL[kind]()
        group, name = next((group, name) for group, name, found in leaves(changed.options) if found == path)
        setattr(group, name, another(getattr(group, name), path))
        assert (key_of(changed) == usual) == (path in exclusions.AER_PRIMITIVES_OPTIONS), path


def test_the_calibration_that_somebody_chose_is_content():
    primitive = Sampler(mode=FakeManilaV2())
    chosen = []
    for calibration in (None, "a", "b"):
        object.__setattr__(primitive, "_backend", types.SimpleNamespace(name="device", calibration_id=calibration))
        chosen.append(runtime_options(primitive))
    assert chosen == [{}, {"calibration_id": "a"}, {"calibration_id": "b"}]


# --- arguments of primitives and of connect

ARGUMENTS = {
    "seed": (1, 2),
    "dtype": ("complex128", "complex64"),
    "max_memory": (10**8, 10**9),
    "default_shots": (10, 20),
    "default_precision": (0.1, 0.2),
}
ELSEWHERE = {"self", "options", "backend"}
"""Arguments that other tests here walk through."""


@pytest.mark.parametrize(
    "cls",
    [
        StatevectorSampler,
        StatevectorEstimator,
        ExactSampler,
        ExactEstimator,
        AerSampler,
        AerEstimator,
        BackendSamplerV2,
    ],
)
def test_every_argument_of_a_primitive_is_content_or_left_out_for_a_reason(cls):
    for name in arguments(cls.__init__):
        if name in ELSEWHERE:
            continue
        keys = [key_of(cls(**{name: value})) for value in ARGUMENTS[name]]
        assert (keys[0] == keys[1]) == (f"_{name}" in exclusions.PRIMITIVE_ATTRIBUTES), name


CONNECT = {
    "shots": (10, 20),
    "seed": (1, 2),
    "optimization_level": (0, 3),
    "transpile_trials": (1, 3),
    "packing": (2, 3),
    "packing_buffer": (0, 1),
    "max_executions": (1000, 2000),
    "max_cost": (1.0, 2.0),
    "price_per_minute": (1.0, 2.0),
    "max_qpu_seconds": (1.0, 2.0),
    "quota": ("open", Quota("mine", 1.0)),
    "max_executions_per_job": (1000, 2000),
    "mode": ("job", "batch"),
    "fractional": ("auto", False),
}
GIVEN = {
    "target": "the walks over backends",
    "journal": "given below",
    "policy": "its limits and waiting times only",
    "replay": "nothing runs, and no journal is kept",
}


def rotations(measured=True):
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    if measured:
        circuit.measure_all()
    return circuit


def keys_through_connect(path, kind, target="fake_manila", **settings):
    """Return the keys that a connection gives to two rows, without running anything."""
    defaults = {"shots": 10, "seed": 1}
    if "max_cost" in settings:
        defaults["price_per_minute"] = 1.0
    connection = connect(target, journal=path, **{**defaults, **settings})
    circuit, values = rotations(kind == "sampler"), np.array([[0.1], [0.2]])
    shots = settings.get("shots", 10)
    if kind == "estimator":
        isa = connection.isa_circuit(circuit)
        return estimator_keys(connection.estimator, isa, "Z" * isa.num_qubits, values, precision=shots**-0.5)
    sampler = connection.sampler
    packed = connection._circuits.packed(circuit, None, 2)
    if packed is not None:
        return sampler_keys(sampler, packed.circuit, {packed.names: packed.pack(values)}, shots)
    return sampler_keys(sampler, connection.isa_circuit(circuit), values, shots)


@pytest.mark.parametrize("kind", ["sampler", "estimator"])
@pytest.mark.parametrize("name", [name for name in arguments(connect) if name not in GIVEN])
def test_every_argument_of_connect_is_content_or_left_out_for_a_reason(path, name, kind):
    if kind == "estimator" and name.startswith("packing"):
        name = "seed"  # estimators are never packed
    packing = {"packing": 2, "target": "fake_guadalupe"} if name == "packing_buffer" else {}  # two copies fit each time
    values = CONNECT[name]
    if name == "packing" and kind == "sampler":
        values = (False, 2)
    keys = [keys_through_connect(path, kind, **{**packing, name: value}) for value in values]
    assert (keys[0] == keys[1]) == (name in exclusions.CONNECTION_ARGUMENTS)


def test_the_precision_of_exact_states_is_content(path):
    keys = [
        keys_through_connect(path, "sampler", "exact", dtype=dtype, max_memory=memory)
        for dtype, memory in (("complex128", None), ("complex64", None), ("complex128", 10**9))
    ]
    assert keys[0] == keys[2] != keys[1]


def test_settings_of_the_transpiler_are_no_content_of_a_circuit_that_it_leaves_alone(path):
    isa = connect("fake_manila", seed=1).isa_circuit(rotations())
    keys = []
    for level in (1, 3):
        connection = connect("fake_manila", shots=10, journal=path, optimization_level=level)
        assert connection.isa_circuit(isa) is isa
        keys.append(sampler_keys(connection.sampler, isa, [[0.1]]))
    assert keys[0] == keys[1]


# --- backends


class Local(BackendV2):
    """A backend of somebody's own that runs on this machine, as far as can be known."""

    def __init__(self, target, provider=None, **attributes):
        super().__init__(name="mine", provider=provider)
        self._target = target
        vars(self).update(attributes)

    target = property(lambda self: self._target)
    max_circuits = None

    @classmethod
    def _default_options(cls):
        return Options(shots=1024, quality=None)

    def run(self, run_input, **options):
        raise NotImplementedError


def two_qubits(instruction=None, properties=None, qubits=None, **settings):
    """Return a target in which one thing may be another."""
    numbers = {"num_qubits": 2, "qubit_properties": [QubitProperties(**{"t1": 1e-4, **(qubits or {})})] * 2}
    target = Target(**{**numbers, **settings})
    values = InstructionProperties(**{"error": 0.01, "duration": 1e-7, **(properties or {})})
    added = {"instruction": SXGate(), "properties": {(0,): values, (1,): None}, "name": "sx", **(instruction or {})}
    target.add_instruction(added.pop("instruction"), added.pop("properties"), **added)
    target.add_instruction(Measure(), {(0,): values})
    return target


TARGETS = {
    "description": ("a", "b"),
    "num_qubits": (2, 3),
    "dt": (1e-9, 2e-9),
    "granularity": (1, 2),
    "min_length": (1, 2),
    "pulse_alignment": (1, 2),
    "acquire_alignment": (1, 2),
    "qubit_properties": ([QubitProperties(t1=1e-4)] * 2, [QubitProperties(t1=2e-4)] * 2),
    "concurrent_measurements": ([[0, 1]], [[0], [1]]),
}
ADDED = {
    "instruction": (SXGate(), SXGate(label="noisy")),
    "properties": ({(0,): None}, {(1,): None}),
    "name": ("sx", "other"),
}


def local_key(target, **attributes):
    return key_of(BackendSamplerV2(backend=Local(target, **attributes)))


@pytest.mark.parametrize("name", [name for name in arguments(Target.__new__) if name != "cls"])
def test_every_attribute_of_a_target_is_content_or_left_out_for_a_reason(name):
    keys = []
    for value in TARGETS[name]:
        settings = {"num_qubits": 3, "qubit_properties": None} if name == "num_qubits" and value == 3 else {name: value}
        if name == "num_qubits" and value == 2:
            settings = {"num_qubits": 2, "qubit_properties": None}
        keys.append(local_key(two_qubits(**settings)))
    assert (keys[0] == keys[1]) == (name in exclusions.TARGET_ATTRIBUTES)


@pytest.mark.parametrize("name", [name for name in arguments(Target.add_instruction) if name != "self"])
def test_every_attribute_of_an_instruction_is_content(name):
    if name == "angle_bounds":
        gate = {"instruction": RZZGate(Parameter("t")), "properties": {(0, 1): None}, "name": "rzz"}
        bounds = [None, [(0.0, 1.5)], [(0.0, np.nextafter(1.5, 2))], [(-0.1, 1.5)]]
        keys = [local_key(two_qubits(instruction={**gate, name: value})) for value in bounds]
        assert len(set(keys)) == len(bounds)
        return
    keys = [local_key(two_qubits(instruction={name: value})) for value in ADDED[name]]
    assert keys[0] != keys[1]


@pytest.mark.parametrize("name", arguments(InstructionProperties))
def test_every_reported_property_of_a_gate_is_content_on_this_machine(name):
    values = (None, 1e-3, np.nextafter(1e-3, 1))
    assert len({local_key(two_qubits(properties={name: value})) for value in values}) == 3


@pytest.mark.parametrize("name", arguments(QubitProperties))
def test_every_reported_property_of_a_qubit_is_content_on_this_machine(name):
    values = (None, 1e-3, np.nextafter(1e-3, 1))
    assert len({local_key(two_qubits(qubits={name: value})) for value in values}) == 3


def test_properties_that_a_provider_adds_are_content():
    class Richer(InstructionProperties):
        def __new__(cls, crosstalk):
            return super().__new__(cls, error=0.1)

        def __init__(self, crosstalk):
            super().__init__()
            self.crosstalk = crosstalk

    keys = [local_key(two_qubits(instruction={"properties": {(0,): Richer(value)}})) for value in (0.1, 0.2)]
    assert keys[0] != keys[1]


GENERIC = {
    "num_qubits": (2, 3),
    "basis_gates": (["cx", "id", "rz", "sx", "x"], ["cz", "id", "rz", "sx", "x"]),
    "coupling_map": ([[0, 1]], [[1, 0]]),
    "control_flow": (False, True),
    "dtm": (1e-9, 2e-9),
    "dt": (1e-9, 2e-9),
    "seed": (1, 2),
    "noise_info": (False, True),
}


@pytest.mark.parametrize("name", [name for name in arguments(GenericBackendV2.__init__) if name != "self"])
@pytest.mark.parametrize("primitive", [BackendSamplerV2, BackendEstimatorV2, lambda backend: Sampler(mode=backend)])
def test_every_argument_of_a_generic_backend_is_content(name, primitive):
    keys = [key_of(primitive(backend=generic_backend(**{name: value}))) for value in GENERIC[name]]
    assert keys[0] != keys[1]


def test_another_error_of_the_readout_is_another_backend():
    keys = []
    for error in (0.01, 0.45):
        backend = generic_backend()
        for qubit in range(2):
            backend.target.update_instruction_properties("measure", (qubit,), InstructionProperties(1e-6, error))
        keys.append(key_of(BackendSamplerV2(backend=backend)))
    assert keys[0] != keys[1]


@pytest.mark.parametrize("value", [0.1, np.float32(0.1), np.arange(3), (1, 2), {"a": {1: 2}}, noise(), 1 + 2j, b"x"])
def test_attributes_and_options_of_somebodys_backend_are_content(value):
    target = two_qubits()
    with_option = Local(target)
    with_option.options.quality = value
    keys = {
        local_key(target),
        local_key(target, level=value),
        local_key(target, level=[value]),
        key_of(BackendSamplerV2(backend=with_option)),
    }
    assert len(keys) == 4
    assert local_key(target, level=value) == local_key(two_qubits(), level=value)


def test_a_device_of_a_service_is_the_same_after_a_calibration_and_another_with_other_gates():
    class Provider:
        """The way to a service."""

    def about(**changes):
        backend = Local(two_qubits(**changes), Provider(), cache=object())
        return backend_content(backend), made_for(backend)

    usual = about()
    for change in ({"properties": {name: 0.3}} for name in ("error", "duration")):
        assert about(**change) == usual
        assert set(*change.values()) <= set(exclusions.DEVICE_PROPERTIES)
    for name in arguments(QubitProperties):
        assert name in exclusions.DEVICE_PROPERTIES
        assert about(qubits={name: 0.3}) == usual
    fewer = about(instruction={"properties": {(1,): None}})
    assert fewer == usual  # a qubit out of service
    other = about(instruction={"instruction": RXGate(Parameter("t")), "name": "rx"})
    assert usual[1] == "sx"
    assert other[1] == "rx"
    chosen = Local(two_qubits(), Provider())
    chosen.options.quality = 2
    assert backend_content(chosen) != usual[0]


def test_a_sampler_around_one_of_ibms_service_is_the_same_after_a_calibration(server):
    def key():
        backend = server.service().backend("test_manila")
        return key_of(Wrapped(Sampler(mode=backend)))

    before = key()
    server.spoil_qubit("test_manila", 0)
    assert key() == before


# --- noise models


def with_pass(t1):
    model = NoiseModel()
    model._custom_noise_passes.append(RelaxationNoisePass([t1], [t1], dt=1e-9, op_types=CXGate))
    return model


def with_readout(error):
    model = NoiseModel()
    model.add_all_qubit_readout_error(ReadoutError([[1 - error, error], [error, 1 - error]]))
    return model


def on_qubit(qubit):
    model = NoiseModel()
    model.add_quantum_error(depolarizing_error(0.1, 1), ["x"], [qubit])
    return model


def test_all_of_a_noise_model_is_content():
    models = [
        *(noise(0.1), noise(0.2), noise(0.1, "sx"), NoiseModel(), NoiseModel(["x", "h"])),
        *(on_qubit(0), on_qubit(1), with_readout(0.1), with_readout(0.2), with_pass(1e-4), with_pass(2e-4)),
    ]
    keys = [key_of(AerSampler.from_backend(AerSimulator(noise_model=model))) for model in models]
    assert len(set(keys)) == len(keys)
    assert key_of(AerSampler.from_backend(AerSimulator(noise_model=noise(0.1)))) == keys[0]


def test_an_error_added_to_a_model_in_use_makes_another_model():
    model = noise()
    sampler = AerSampler.from_backend(AerSimulator(noise_model=model))
    keys = [key_of(sampler)]
    model.add_all_qubit_quantum_error(depolarizing_error(0.3, 1), ["h"])
    keys.append(key_of(sampler))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that errors are composed
        model.add_all_qubit_quantum_error(depolarizing_error(0.3, 1), ["h"])
    keys.append(key_of(sampler))
    assert len(set(keys)) == 3


# --- primitives of somebody's own


class Wrapped(BaseSamplerV2):
    """A sampler around another one."""

    def __init__(self, inner, **attributes):
        self.inner = inner
        vars(self).update(attributes)

    def run(self, pubs, *, shots=None):
        return self.inner.run(pubs, shots=shots)


class Said:
    """An object that says by what it is known."""

    def __init__(self, content):
        self.content, self.handle = content, object()

    def journal_content(self):
        return self.content


class Table(dict):
    """A mapping that holds more than its items."""

    def __init__(self, value):
        super().__init__(a=1)
        self.value = value


class Plain:
    """An object that holds values."""

    def __init__(self, value):
        self.value, self.itself = value, self


def test_all_of_somebodys_primitive_is_content():
    samplers = [
        Wrapped(StatevectorSampler()),
        Wrapped(StatevectorSampler(seed=1)),
        Wrapped(AerSampler(options={"backend_options": {"method": "density_matrix"}})),
        Wrapped(BackendSamplerV2(backend=generic_backend())),
        Wrapped(BackendSamplerV2(backend=generic_backend(), options={"seed_simulator": 3})),
        Wrapped(StatevectorSampler(), level=1),
        Wrapped(StatevectorSampler(), level=2),
        Wrapped(StatevectorSampler(), level=Plain(1)),
        Wrapped(StatevectorSampler(), level=Plain(2)),
        Wrapped(StatevectorSampler(), level=Said(1)),
        Wrapped(StatevectorSampler(), level=Said(2)),
        Wrapped(StatevectorSampler(), level=np.random.default_rng(1)),
        Wrapped(StatevectorSampler(), level=np.random.default_rng(2)),
        Wrapped(StatevectorSampler(), level={(0, 1): 0.1}),
        Wrapped(StatevectorSampler(), level={(1, 0): 0.1}),
        Wrapped(StatevectorSampler(), level=np.arange(5000)),
        Wrapped(StatevectorSampler(), level=np.arange(5000)[::-1]),
        Wrapped(StatevectorSampler(), level=rotations()),
        Wrapped(StatevectorSampler(), level=float("nan")),
        Wrapped(StatevectorSampler(), level=np.random.RandomState(1)),
        Wrapped(StatevectorSampler(), level=np.random.RandomState(2)),
        Wrapped(StatevectorSampler(), level={1, 2}),
        Wrapped(StatevectorSampler(), level={"<set>": [1, 2]}),
        Wrapped(StatevectorSampler(), level=1 + 2j),
        Wrapped(StatevectorSampler(), level={"<complex>": [1, 2]}),
        Wrapped(StatevectorSampler(), level=Table(1)),
        Wrapped(StatevectorSampler(), level=Table(2)),
        Wrapped(StatevectorSampler(), level=SparseObservable("Z")),
        Wrapped(StatevectorSampler(), level=SparseObservable("X")),
        Wrapped(StatevectorSampler(), level=np.ma.masked_array([1, 2], [0, 1])),
        Wrapped(StatevectorSampler(), level=np.ma.masked_array([1, 2], [1, 0])),
        Wrapped(StatevectorSampler(), level=key_of),
        Wrapped(StatevectorSampler(), backend="a device"),
        Wrapped(StatevectorSampler(), backend="another device"),
        Wrapped(StatevectorSampler(), options={"level": 1}),
        Wrapped(StatevectorSampler(), options={}, _options={"level": 1}),
        Wrapped(StatevectorSampler(), options=[1]),
        Wrapped(StatevectorSampler(), options=[2]),
        Wrapped(StatevectorSampler(), level=AerSampler),
    ]
    keys = [key_of(sampler) for sampler in samplers]
    assert len(set(keys)) == len(keys)
    again = Wrapped(StatevectorSampler(), level=Plain(2))
    assert key_of(again) == keys[8]


class Speaking(Wrapped):
    """A sampler that holds what has no stable form, and says by what it is known."""

    def journal_content(self):
        return {"inner": self.word}


def test_a_class_that_says_its_content_may_hold_anything():
    words = [Speaking(StatevectorSampler(), word=word, handle=object(), options=object()) for word in "aab"]
    keys = [key_of(sampler) for sampler in words]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    "value",
    [object(), lambda: 1, "f47ac10b-58cc-4372-a567-0e02b2c3d479", "<thing at 0x7f0000000000>", [{"a": object()}]],
    ids=["object", "function", "random id", "address", "nested"],
)
def test_what_has_no_stable_form_is_refused(path, value):
    with pytest.raises(ValueError, match=r"Wrapped.level.* holds .*journal_content\(\)"):
        JournaledSampler(Wrapped(StatevectorSampler(), level=value), path)


def test_credentials_are_in_no_key_and_not_on_record(path):
    samplers = [Wrapped(StatevectorSampler(), api_token=token, deep={"password": token}) for token in "ab"]
    assert key_of(samplers[0]) == key_of(samplers[1])
    samplers[0].options = {"token": "hidden-word", "level": 2}
    JournaledSampler(samplers[0], path).run([QuantumCircuit(1, 1)]).result(60)
    assert b"hidden-word" not in path.read_bytes()


def test_numbers_of_numpy_are_numbers():
    assert options_of({"a": np.int64(3), "b": np.float64(0.5), "c": np.array([1, 2]), "d": 2.0}) == {
        "a": 3,
        "b": 0.5,
        "c": [1, 2],
        "d": 2,
    }


def test_every_exclusion_has_a_reason_and_a_thing_that_it_excludes():
    tables = [table for name, table in vars(exclusions).items() if isinstance(table, dict) and name.isupper()]
    assert len(tables) > 10
    reasons = [reason for table in tables for reason in table.values()]
    reasons = [why for reason in reasons for why in (reason.values() if isinstance(reason, dict) else [reason])]
    assert all(isinstance(why, str) and len(why) > 10 for why in reasons)
    assert set(exclusions.AER_OPTIONS) <= set(AerSimulator._default_options().__dict__)
    known = {*inspect.signature(connect).parameters, "max_memory"}
    assert set(exclusions.CONNECTION_ARGUMENTS) <= known
    paths = {path for kind in RUNTIME for path in runtime_leaves(kind)[1]}
    assert set(exclusions.RUNTIME_OPTIONS) <= paths | {"environment.callback", "simulator.warn_absent"}
