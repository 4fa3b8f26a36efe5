"""Options of IBM's client: taken in all forms of both generations, and refused by name when ``connect`` is called."""

import inspect
import json
import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import options as legacy_models
from qiskit_ibm_runtime.fake_provider import FakeFractionalBackend
from qiskit_ibm_runtime.options.utils import Unset
from runtime_server.client import HAS_EXECUTOR
from runtime_server.work import QUICK, rotation

from qiskit_qml_ext.exceptions import OptionWithoutEffectWarning
from qiskit_qml_ext.primitives import Policy, connect
from qiskit_qml_ext.primitives.targets.client import AUTO, PrimitiveOptions, generation
from qiskit_qml_ext.primitives.targets.client.conflicts import refuse_delays
from qiskit_qml_ext.primitives.targets.client.generations import generations, quietly
from qiskit_qml_ext.primitives.targets.client.options import ARGUMENTS_OF_CONNECT
from qiskit_qml_ext.primitives.targets.runtime import fake_backend

pytestmark = pytest.mark.client

GENERATIONS = list(generations())
NEWER = pytest.mark.skipif(not HAS_EXECUTOR, reason="the client has the older generation only")


def options(kind=AUTO, **given):
    return PrimitiveOptions.of(given, generation(kind))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"shot": 5}, "shots, an argument of connect"),
        ({"twirlin": {"enable_gates": True}}, r"twirling\?"),
        ({"twirling": {"enable_gate": True}}, r"twirling\.enable_gates"),
        ({"zne_mitigation": True}, r"resilience\.zne_mitigation"),
        ({"resilience": {"zne": {"max_overhead": 5}}}, r"resilience\.pec\.max_overhead"),
        ({"dynamic_decoupling": {}}, "dynamical_decoupling"),
        ({"options": {"resilence_level": 1}}, "resilience_level"),
    ],
)
@pytest.mark.parametrize("kind", GENERATIONS)
def test_misspelt_options_are_refused_with_the_nearest_name(given, meant, kind):
    with pytest.raises(TypeError, match=rf"do not know the option .*Did you mean .*{meant}"):
        connect("fake_manila", generation=kind, **given)


def test_names_that_may_be_meant_are_the_arguments_of_connect():
    named = [name for name in inspect.signature(connect).parameters if name not in ("target", "options")]
    assert set(ARGUMENTS_OF_CONNECT) <= set(named)
    assert {"shots", "seed", "mode", "journal", "max_cost"} <= set(ARGUMENTS_OF_CONNECT)


@pytest.mark.parametrize("kind", GENERATIONS)
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"resilience_level": 3}, "resilience_level"),
        ({"dynamical_decoupling": {"sequence_type": "XY5"}}, r"dynamical_decoupling.sequence_type.*'XY5'"),
        ({"twirling": {"num_randomizations": 0}}, r"twirling.num_randomizations.*0"),
        ({"resilience": {"zne": {"noise_factors": [0.5, 2]}}}, r"resilience.zne.noise_factors"),
        ({"max_execution_time": 0}, "max_execution_time must be a whole number of seconds, at least 1, but 0 came"),
        ({"max_execution_time": True}, "max_execution_time must be a whole number"),
        ({"environment": {"max_execution_time": -1}}, "environment.max_execution_time must be"),
        ({"environment": {"max_execution_time": 3}, "max_execution_time": 4}, "twice"),
        ({"environment": {"log_level": "LOUD"}}, "environment.log_level"),
    ],
)
def test_values_that_the_client_does_not_take_are_refused(given, words, kind):
    with pytest.raises(ValueError, match=words):
        connect("fake_manila", generation=kind, **given)


@NEWER
@pytest.mark.parametrize("no", ["false", "off", 0, np.False_])
def test_values_are_what_the_client_makes_of_them(no):
    connection = connect(FakeFractionalBackend(), shots=100, fractional=True, twirling={"enable_gates": no})
    assert connection.target.shots_run(100) == 100
    assert connection.target.conditions("sampler") == ("twirling.enable_gates=False",)
    branching = QuantumCircuit(5, 1)
    branching.measure(0, 0)
    with branching.if_test((0, 1)):
        branching.x(0)
    sampler = connect("fake_manila", shots=10, seed=1, dynamical_decoupling={"enable": no}).sampler
    assert sampler.run([branching]).result()[0].data.c.num_shots == 10


@NEWER
@pytest.mark.parametrize("fifty", ["50", 50.0, np.int64(50)])
def test_numbers_are_what_the_client_makes_of_them(fifty):
    circuit = QuantumCircuit(5, 1)
    circuit.measure(0, 0)
    twirling = {"enable_measure": True, "num_randomizations": fifty}
    connection = connect("fake_manila", shots=120, seed=1, twirling=twirling)
    assert connection.sampler.run([circuit]).result()[0].data.c.num_shots == connection.target.shots_run(120) == 150
    assert "twirling.num_randomizations=50" in connection.target.conditions("sampler")


@pytest.mark.parametrize("kind", GENERATIONS)
@pytest.mark.parametrize(
    ("device", "taken", "refused"),
    [
        ("fake_manila", [0.0, 1e-4, 5e-4], [-1e-9, -1, 5.001e-4, 1, np.inf, np.nan]),
        ("fake_peekskill", [0.0, 1e-3], [-1e-9, 1.001e-3, np.nan]),
        ("fake_cambridge", [1e-4, 1], [0.0, -1e-4, np.inf, np.nan]),  # it says no range
    ],
)
def test_times_between_shots_are_those_that_the_device_says(kind, device, taken, refused):
    backend = fake_backend(device)  # in microseconds, as the device's own file has it
    said = backend._conf_dict.get("rep_delay_range")
    assert said is None or all(said[0] <= round(delay * 1e6, 6) <= said[1] for delay in taken)
    assert said is None or not any(said[0] <= delay * 1e6 <= said[1] for delay in refused)
    for delay in taken:
        connect(backend, generation=kind, execution={"rep_delay": delay})
    for delay in refused:
        with pytest.raises(ValueError, match=r"execution.rep_delay, in seconds, must be .* for fake_"):
            connect(backend, generation=kind, execution={"rep_delay": delay})


def test_times_between_shots_may_be_too_short_for_a_device():
    for delay in (2e-5, 5e-4):
        refuse_delays({"execution": {"rep_delay": delay}}, (20 * 1e-6, 500 * 1e-6), "a device")
    for delay in (0.0, 1.9e-5):
        with pytest.raises(ValueError, match=r"must be from 2e-05 to 0\.0005, as the device says, for a device, but"):
            refuse_delays({"execution": {"rep_delay": delay}}, (20 * 1e-6, 500 * 1e-6), "a device")


def test_times_between_shots_are_refused_on_a_device_too(server):
    for target, settings in (
        (server.service(), {"backend": "test_manila"}),
        (server.service().backend("test_manila"), {}),
    ):
        connect(target, execution={"rep_delay": 4e-4}, **settings)
        with pytest.raises(ValueError, match=r"from 0 to 0\.0005, as the device says, for test_manila"):
            connect(target, execution={"rep_delay": 1e-3}, **settings)


@pytest.mark.parametrize("kind", GENERATIONS)
@pytest.mark.parametrize("given", [{"twirling": 3}, {"options": 3}, {"twirling": {3: True}}, {"options": [{}, 3]}])
def test_what_is_no_group_of_options_is_refused(given, kind):
    with pytest.raises(TypeError, match=r"must be a dictionary|do not know the option"):
        options(kind, **given)


@pytest.mark.parametrize("kind", GENERATIONS)
def test_what_was_not_set_is_not_there(kind):
    given = {"twirling": None, "execution": {"rep_delay": Unset}, "dynamical_decoupling": {"sequence_type": None}}
    assert options(kind, **given) == PrimitiveOptions()
    assert options(kind, resilience={"pec": {"max_overhead": None}}).estimator == {
        "resilience": {"pec": {"max_overhead": None}}  # no limit, and not nothing
    }


@pytest.mark.parametrize("kind", GENERATIONS)
def test_shots_are_an_argument_of_connect(kind):
    for name in ("default_shots", "default_precision"):
        with pytest.raises(TypeError, match=rf"{name} is what connect calls shots"):
            options(kind, **{name: 0.5})


@pytest.mark.parametrize("kind", GENERATIONS)
def test_each_primitive_gets_what_it_has(kind):
    found = options(kind, resilience_level=1, execution={"meas_type": "kerneled", "init_qubits": False})
    assert found.sampler == {"execution": {"meas_type": "kerneled", "init_qubits": False}}
    assert found.estimator == {"resilience_level": 1, "execution": {"init_qubits": False}}
    assert found.not_of_samplers == ("resilience_level",)
    assert found.not_of_estimators == ("execution.meas_type",)


def test_options_without_effect_are_told_once():
    connection = connect("fake_manila", resilience_level=0)
    assert connection.estimator.options.resilience_level == 0
    with pytest.warns(OptionWithoutEffectWarning, match="resilience_level: the samplers"):
        assert connection.sampler
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert connection.sampler


@pytest.mark.parametrize(
    ("target", "given", "is_said"),
    [
        ("fake_fractional", {"resilience_level": 2}, True),
        ("fake_fractional", {"resilience": {"zne_mitigation": True}}, True),
        ("fake_fractional", {"resilience_level": 2, "fractional": False}, False),
        (
            "fake_fractional",
            {"resilience_level": 2, "twirling": {"enable_gates": True}},
            False,
        ),  # the sampler's as well
        ("fake_fractional", {"resilience_level": 1}, False),
        ("fake_manila", {"resilience_level": 2}, False),
    ],
)
def test_a_warning_says_where_options_of_estimators_take_fractional_gates_from_samplers(target, given, is_said):
    connection = connect(target, **given)
    with pytest.warns(OptionWithoutEffectWarning, match="resilience") as told:
        assert connection.sampler
    assert ("but for fractional gates, which the other primitives' options exclude" in str(told[0].message)) == is_said


def test_longest_time_of_a_job_may_stand_in_both_places():
    for given in ({"max_execution_time": 60}, {"environment": {"max_execution_time": 60, "log_level": "INFO"}}):
        for kind in GENERATIONS:
            found = options(kind, **given)
            assert found.sampler["max_execution_time"] == found.estimator["max_execution_time"] == 60
    for kind in GENERATIONS:
        connect("fake_manila", environment={"max_execution_time": 60}, generation=kind).sampler  # noqa: B018  (no warning)


@pytest.mark.parametrize("kind", GENERATIONS)
def test_longest_time_of_a_job_reaches_the_service(server, kind):
    connection = connect(
        server.service(), backend="test_manila", shots=4, generation=kind, environment={"max_execution_time": 60}
    )
    connection.sampler.run([(connection.isa_circuit(rotation()), [[0.0]])]).result()
    assert server.jobs()[0]["cost"] == 60


def models():
    """Options in the client's own objects, of each generation that it has."""
    yield (
        legacy_models.SamplerOptions(twirling=legacy_models.TwirlingOptions(enable_gates=True)),
        legacy_models.EstimatorOptions(resilience_level=2),
        legacy_models.TwirlingOptions(enable_gates=True),
    )
    if HAS_EXECUTOR:
        from qiskit_ibm_runtime import options_models

        sampler = options_models.SamplerOptions()
        sampler.twirling.enable_gates = True
        yield (
            sampler,
            options_models.EstimatorOptions(resilience_level=2),
            options_models.TwirlingOptions(enable_gates=True),
        )


@pytest.mark.parametrize("kind", GENERATIONS)
@pytest.mark.parametrize("given", models(), ids=GENERATIONS[::-1])
def test_options_may_be_the_clients_own_objects(kind, given):
    sampler, estimator, twirling = given
    twirled = {"twirling": {"enable_gates": True}}
    assert options(kind, twirling=twirling) == PrimitiveOptions(twirled, twirled)
    assert options(kind, options=sampler) == PrimitiveOptions(twirled, {})
    assert options(kind, options=[sampler, estimator]) == PrimitiveOptions(twirled, {"resilience_level": 2})
    assert options(kind, options={"twirling": twirling}) == PrimitiveOptions(twirled, twirled)
    with pytest.raises(TypeError, match="twirling came twice"):
        options(kind, options={"twirling": twirling}, twirling=twirling)
    with pytest.raises(TypeError, match="twirling of the sampler came twice"):
        options(kind, options=sampler, twirling={"enable_measure": True})


def test_given_options_are_never_changed():
    given = {"environment": {"max_execution_time": 5, "job_tags": ["mine"]}, "twirling": {"enable_gates": True}}
    before = json.dumps(given)
    connection = connect("fake_manila", shots=16, **given)
    assert connection.sampler.options.default_shots == 16
    assert json.dumps(given) == before
    connection.sampler.options.twirling.enable_gates = False
    assert connection.sampler.options.twirling.enable_gates


@NEWER
@pytest.mark.parametrize(
    ("kind", "given", "name"),
    [
        ("executor", {"seed_estimator": 3}, "seed_estimator"),
        ("executor", {"resilience": {"layer_noise_learning": {"max_layers_to_learn": 3}}}, "layer_noise_learning"),
        ("executor", {"simulator": {"noise_model": {}}}, "simulator.noise_model"),
        ("legacy", {"twirling": {"group": "local_c1"}}, "twirling.group"),
        ("legacy", {"environment": {"image": "a:b"}}, "environment.image"),
    ],
)
def test_options_of_the_other_generation_are_refused_with_how_to_have_them(kind, given, name):
    other = {"legacy": "executor", "executor": "legacy"}[kind]
    with pytest.raises(TypeError, match=rf"{name} is one of the {other} generation .*generation='{other}'"):
        options(kind, **given)
    options(other, **given)


def test_generation_that_the_client_lacks_is_refused():
    with pytest.raises(ValueError, match=r"generation must be 'auto' or .*, but 'newest' came"):
        connect("fake_manila", generation="newest")
    if not HAS_EXECUTOR:
        with pytest.raises(ValueError, match=r"came with qiskit-ibm-runtime 0\.50"):
            connect("fake_manila", generation="executor")


@pytest.mark.parametrize("kind", GENERATIONS)
def test_generation_decides_which_primitives_run(kind):
    connection = connect("fake_manila", generation=kind)
    assert isinstance(connection.sampler, generation(kind).sampler)
    assert isinstance(connection.estimator, generation(kind).estimator)


# What the client itself finds when it prepares a job. Whatever is added here is judged by both.
CONFLICTS = [
    {"execution": {"meas_type": "kerneled"}, "twirling": {"enable_measure": True}},
    {"execution": {"meas_type": "avg_kerneled"}},
    {"execution": {"meas_type": "kerneled"}, "twirling": {"enable_gates": True}},
    {"resilience": {"pec_mitigation": True, "zne_mitigation": True}},
    {"resilience": {"pec_mitigation": True}},
    {"resilience": {"pec_mitigation": True}, "resilience_level": 2},
    {"resilience": {"pec_mitigation": True, "zne_mitigation": False, "layer_noise_model": []}, "resilience_level": 2},
    {"resilience": {"zne_mitigation": True, "zne": {"amplifier": "pea"}}},
    {"resilience": {"zne": {"amplifier": "pea"}}},
    {"resilience": {"zne": {"amplifier": "pea"}}, "resilience_level": 2},
    {"resilience": {"zne": {"extrapolator": "polynomial_degree_3"}}, "resilience_level": 2},
    {"resilience": {"zne": {"extrapolator": "polynomial_degree_3"}}, "resilience_level": 1},
    {"resilience": {"zne_mitigation": True, "zne": {"extrapolator": ("linear", "double_exponential")}}},
    {"resilience": {"zne_mitigation": True, "zne": {"extrapolator": "linear", "noise_factors": (1, 3)}}},
    {"resilience": {"zne_mitigation": True, "zne": {"extrapolator": "polynomial_degree_2", "noise_factors": (1, 3)}}},
    {"resilience_level": 2},
    {"resilience_level": 0, "twirling": {"enable_gates": True}},
    {"resilience": {"measure_noise_learning": {"num_randomizations": 4}}},
    {"resilience": {"measure_mitigation": True, "measure_noise_learning": {"num_randomizations": 4}}},
]


@NEWER
@pytest.mark.parametrize("given", CONFLICTS, ids=map(str, CONFLICTS))
def test_options_that_exclude_each_other_are_those_that_the_client_refuses_when_a_job_is_made(given):
    kind, circuit = generation("executor"), QuantumCircuit(2)
    circuit.sx(0)  # no layers, whose noise would have to be known
    measured = circuit.measure_all(inplace=False)
    found = []
    for primitive, settings, pub in (
        (kind.sampler, {"execution", "twirling"}, (measured,)),
        (kind.estimator, {"resilience", "resilience_level", "twirling"}, (circuit, SparsePauliOp("ZZ"))),
    ):
        own = {name: value for name, value in given.items() if name in settings}
        if len(own) == len(given):
            job = quietly(primitive, mode=AerSimulator(), options=own)
            found.append(refuses(lambda job=job, pub=pub: job.run([pub])))
    assert refuses(lambda: options("executor", **given)) == any(found)


def refuses(call):
    try:
        call()
    except Exception:
        return True
    return False


@pytest.mark.parametrize(
    "given",
    [
        {"resilience": {"pec_mitigation": True, "zne_mitigation": True}},
        {"resilience": {"measure_noise_learning": {"num_randomizations": 4}}},
    ],
)
def test_older_options_that_exclude_each_other_are_refused_in_the_clients_words(given):
    with pytest.raises(ValueError, match=r"simultaneously|measure_mitigation"):
        options("legacy", **given)


@pytest.mark.parametrize("kind", GENERATIONS)
def test_options_are_in_the_journal_and_in_its_key(server, path, kind):
    circuit = generate_preset_pass_manager(1, backend=server.service().backend("test_manila")).run(rotation())
    mitigations = [
        {},
        {"twirling": {"enable_gates": True}},
        {"twirling": {"enable_gates": True, "enable_measure": True}},
        {"dynamical_decoupling": {"enable": True}},
        {"dynamical_decoupling": {"enable": True, "sequence_type": "XY4"}},
    ]
    for given in [*mitigations, *mitigations]:  # the second time nothing runs
        connection = connect(
            server.service(),
            backend="test_manila",
            shots=32,
            journal=path,
            policy=Policy(**QUICK),
            generation=kind,
            **given,
        )
        connection.sampler.run([(circuit, np.zeros((1, 1)))]).result()
    assert len(server.jobs()) == len(mitigations)


@NEWER
@pytest.mark.parametrize("number", ["auto", 1, 7, 32])
@pytest.mark.parametrize("each", ["auto", 1, 10, 64])
def test_shots_of_twirled_circuits_are_those_that_the_client_runs(number, each):
    from qiskit_ibm_runtime.executor.calculate_twirling_shots import calculate_twirling_shots

    given = {"num_randomizations": number, "shots_per_randomization": each}
    twirled = connect("fake_manila", twirling={"enable_gates": True, **given}).target
    for shots in (1, 63, 64, 65, 1000, 2048, 2049, 4096, 5000):
        expected = np.prod(calculate_twirling_shots(shots, number, each))
        assert twirled.shots_run(shots) == expected
    assert connect("fake_manila", twirling=given).target.shots_run(1000) == 1000


@NEWER
def test_a_plan_says_that_twirling_rounds_shots_up():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    plan = connect("fake_manila", shots=1000, twirling={"enable_measure": True}).plan([circuit])
    assert any("runs 1,024 shots where 1,000 are asked for" in said for said in plan.advice)
    plan = connect("fake_manila", shots=1024, twirling={"enable_measure": True}).plan([circuit])
    assert not any("are asked for" in said for said in plan.advice)
