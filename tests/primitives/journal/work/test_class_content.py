"""What a class of somebody's holds is content of the work that it runs."""

import dataclasses
import functools
import json
import os
import subprocess
import sys
import types

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import BaseSamplerV2, StatevectorEstimator, StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.journal import JournaledEstimator, JournaledSampler
from qiskit_qml_ext.primitives.journal.service.services import LocalService
from qiskit_qml_ext.primitives.journal.work.class_parts import is_somebodys
from qiskit_qml_ext.primitives.journal.work.keys import settings_key

SWITCH = False


def counts(on, shots):
    """Count what a qubit reads: one if it is on, else zero."""
    circuit = QuantumCircuit(1)
    if on:
        circuit.x(0)
    circuit.measure_all()
    return StatevectorSampler(seed=1).run([circuit], shots=shots)


def around(on):
    class S(BaseSamplerV2):
        def run(self, pubs, *, shots=None):
            return counts(on, 5)

    return S()


def default(on):
    class S(BaseSamplerV2):
        def run(self, pubs, *, shots=None, on=on):
            return counts(on, 5)

    return S()


def attribute(on):
    class S(BaseSamplerV2):
        state = on

        def run(self, pubs, *, shots=None):
            return counts(self.state, 5)

    return S()


class Changed(BaseSamplerV2):
    state = None

    def run(self, pubs, *, shots=None):
        return counts(self.state, 5)


def set_later(on):
    Changed.state = on
    return Changed()


def made_by_type(on):
    return type("S", (BaseSamplerV2,), {"run": lambda self, pubs, *, shots=None: counts(on, 5)})()


def made_by_type_with_an_attribute(on):
    return type("Changed", (Changed,), {"state": on})()


def mixin(on):
    class Mixin:
        def go(self):
            return counts(on, 5)

    class S(Mixin, BaseSamplerV2):
        def run(self, pubs, *, shots=None):
            return self.go()

    return S()


def descriptor(kind):
    def make(on):
        class S(BaseSamplerV2):
            state = kind(on)

            def run(self, pubs, *, shots=None):
                state = self.state
                return counts(state() if callable(state) else state, 5)

        if kind is cached:
            S.state.__set_name__(S, "state")
        return S()

    return make


def cached(on):
    return functools.cached_property(lambda self: on)


def subclass(on):
    class S(StatevectorSampler):
        def run(self, pubs, *, shots=None):
            return counts(on, 5)

    return S(seed=1)


def helper(on):
    def decide():
        return on

    class S(BaseSamplerV2):
        def run(self, pubs, *, shots=None):
            return counts(decide(), 5)

    return S()


def held_object(on):
    class Setting:
        def __call__(self):
            return on

    class S(BaseSamplerV2):
        def __init__(self):
            self.parts = [{"setting": Setting()}]

        def run(self, pubs, *, shots=None):
            return counts(self.parts[0]["setting"](), 5)

    return S()


def code(on):
    class Off(BaseSamplerV2):
        def run(self, pubs, *, shots=None):
            return counts(False, 5)

    class On(BaseSamplerV2):
        def run(self, pubs, *, shots=None):
            return counts(True, 5)

    On.__qualname__ = On.__name__ = Off.__name__ = Off.__qualname__ = "S"
    return (On if on else Off)()


class Reading(BaseSamplerV2):
    def run(self, pubs, *, shots=None):
        return counts(SWITCH, 5)


def constant_of_the_module(on):
    global SWITCH
    SWITCH = on
    return Reading()


def decorated(on):
    def decorator(function):
        @functools.wraps(function)
        def wrapper(self, pubs, *, shots=None):
            return function(self, on)

        return wrapper

    class S(BaseSamplerV2):
        @decorator
        def run(self, on):
            return counts(on, 5)

    return S()


WAYS = {
    "around": around,
    "default": default,
    "attribute": attribute,
    "set later": set_later,
    "made by type": made_by_type,
    "made by type with an attribute": made_by_type_with_an_attribute,
    "mixin": mixin,
    "property": descriptor(lambda on: property(lambda self: on)),
    "static method": descriptor(lambda on: staticmethod(lambda: on)),
    "class method": descriptor(lambda on: classmethod(lambda cls: on)),
    "cached property": descriptor(cached),
    "partial method": descriptor(lambda on: functools.partialmethod(lambda self, on: on, on)),
    "remembering function": descriptor(lambda on: functools.lru_cache(lambda self=None: on)),
    "subclass": subclass,
    "helper": helper,
    "held object": held_object,
    "code": code,
    "constant of the module": constant_of_the_module,
    "decorated": decorated,
}


def key_of(sampler):
    service = LocalService(sampler)
    return settings_key("any", service.target, service.options, None, 5).hex()


def keys():
    """Return the keys of all ways, switched off and on; a test compares them between processes."""
    return {name: [key_of(make(on)) for on in (False, True)] for name, make in WAYS.items()}


@pytest.mark.parametrize("way", WAYS)
def test_samplers_whose_classes_hold_other_things_share_no_results(way, path):
    read = []
    for on in (False, True, False):
        result = JournaledSampler(WAYS[way](on), path).run([QuantumCircuit(1).measure_all(inplace=False)], shots=5)
        read.append(result.result(60)[0].data.meas.get_counts())
    assert read == [{"0": 5}, {"1": 5}, {"0": 5}]


def test_keys_of_somebodys_classes_are_the_same_in_every_process():
    found = []
    for seed in "12":
        command = (
            "import json; from primitives.journal.work import test_class_content as t; print(json.dumps(t.keys()))"
        )
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True
        )
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]
    assert all(off != on for off, on in found[0].values())


@dataclasses.dataclass
class Settings(BaseSamplerV2):
    """A sampler that holds many kinds of things, and uses some of them."""

    level: int = 3
    words: frozenset = frozenset({"a", "b", "c", "d"})
    names: dict = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def slow(self):
        return self.level + 1

    @functools.lru_cache  # noqa: B019
    def remembered(self):
        return self.level

    def run(self, pubs, *, shots=None):
        assert self.slow == self.remembered.__wrapped__(self) + 1
        assert self.level in {3, 4, 5}
        return super().run(pubs) if self.level > 5 else counts(False, 5)


def test_a_sampler_is_the_same_after_it_ran():
    sampler = Settings()
    before = key_of(sampler)
    sampler.run([])
    assert "slow" in vars(sampler)
    assert key_of(sampler) == before == key_of(Settings())
    assert key_of(Settings(4)) != before


def test_a_sampler_is_the_same_after_one_of_its_class_was_pickled():
    class S(Settings):
        pass

    before = key_of(S())
    S().__reduce_ex__(2)  # what pickle and copy call
    assert "__slotnames__" in vars(S)
    assert key_of(S()) == before


def test_a_counter_that_the_class_itself_keeps_in_the_module_is_no_content():
    space = {"BaseSamplerV2": BaseSamplerV2, "CALLS": 0, "__name__": "a_module_of_somebodys"}
    exec(
        "class S(BaseSamplerV2):\n    def run(self, pubs, *, shots=None):\n"
        "        global CALLS\n        CALLS = CALLS + 1\n",
        space,
    )
    before = key_of(space["S"]())
    space["S"]().run([])
    assert space["CALLS"] == 1
    assert key_of(space["S"]()) == before


def test_what_a_class_holds_without_a_stable_form_is_refused(path):
    handle = object()

    class S(BaseSamplerV2):
        def run(self, pubs, *, shots=None):
            return handle

    with pytest.raises(ValueError, match=r"The class S holds <object object.*journal_content\(\)"):
        JournaledSampler(S(), path)


def test_classes_of_libraries_are_known_by_their_names():
    assert not is_somebodys(StatevectorSampler)
    assert not is_somebodys(np.ndarray)
    assert not is_somebodys(types.SimpleNamespace)
    assert is_somebodys(Settings)
    assert is_somebodys(type("S", (StatevectorSampler,), {}))
    assert is_somebodys(type("S", (BaseSamplerV2,), {}))  # Python says that it is of the module "abc"


class Circular(BaseSamplerV2):
    def __init__(self, on, inner=None):
        self.on, self.itself, self.parts, self.inner = on, self, [self], inner

    def run(self, pubs, *, shots=None):
        return counts(self.on, 5)


def test_primitives_and_backends_that_hold_each_other_end_and_differ():
    inner, outer = Circular(True), Circular(False)
    outer.inner, inner.inner = inner, outer
    backend = GenericBackendV2(2, seed=1)
    backend.user = Circular(True, backend)
    found = [Circular(True), Circular(False), outer, inner, backend.user]
    assert len({key_of(sampler) for sampler in found}) == len(found)
    assert key_of(Circular(True)) == key_of(found[0])


X = np.array([[0.1, 0.2], [0.3, 0.4]])


@pytest.mark.parametrize("shots", [2**31, 2**63])
def test_more_shots_than_fit_are_refused_with_a_sentence(shots, path):
    connection = connect("aer", shots=shots, seed=1, journal=path)
    for ask in (
        lambda: connection.sampler,
        lambda: FidelityKernel(AngleFeatureMap(), connection=connection).evaluate(X),
    ):
        with pytest.raises(ValueError, match=f"shots must be at most {2**31 - 1}, but {shots} came"):
            ask()
    with pytest.raises(ValueError, match=f"The shots of PUB 0 must be at most {2**31 - 1}, but {shots} came"):
        JournaledSampler(StatevectorSampler(), path).run([QuantumCircuit(1, 1)], shots=shots)


def test_a_precision_of_more_shots_than_fit_is_taken_by_estimators_that_need_none(path):
    estimator = JournaledEstimator(StatevectorEstimator(seed=1), path)
    evs = estimator.run([(QuantumCircuit(1), "Z")], precision=1e-300).result(60)[0].data.evs
    assert abs(evs - 1) < 1e-12


class Counting(StatevectorSampler):
    """Counts in its class, in itself and around itself: what happened is no setting."""

    runs = 0
    seen = []  # noqa: RUF012

    def __init__(self):
        super().__init__(seed=1)
        self.own = 0

    def run(self, pubs, *, shots=None):
        type(self).runs += 1
        self.own += 1
        self.seen.append(shots)
        return super().run(pubs, shots=shots)


def test_what_a_class_counts_or_collects_is_no_content(path):
    calls, total = [], 0

    class Around(StatevectorSampler):
        def run(self, pubs, *, shots=None):
            nonlocal total
            total += 1
            calls.append(shots)
            return super().run(pubs, shots=shots)

    circuit = QuantumCircuit(1)
    circuit.measure_all()
    kept = Counting()
    for make in (Counting, Around, lambda: kept):
        submitted = []
        for _ in range(3):
            job = JournaledSampler(make(), path).run([circuit])
            job.result(60)
            submitted.append(job.report.submitted)
        assert submitted[1:] == [0, 0]
    assert (total, len(calls)) == (1, 1)


def test_a_setting_that_is_not_changed_in_place_stays_content():
    def sampler(angles, step):
        class Turning(StatevectorSampler):
            def run(self, pubs, *, shots=None):
                return super().run([angles, step, *pubs], shots=shots)

        return Turning()

    assert len({key_of(sampler(angles, step)) for angles in ([1], [2]) for step in (1, 2)}) == 4


class Built(StatevectorSampler):
    """Its settings are made step by step, by methods that change them in place."""

    def __init__(self, *gates, angle=0.0, turns=0):
        super().__init__(seed=1)
        self.gates = []
        self.angle = 0.0
        self.turns = 0
        for gate in gates:
            self.add(gate)
        self.turn(angle, turns)

    def add(self, gate):
        self.gates.append(gate)

    def turn(self, angle, turns):
        self.angle += angle
        self.turns += turns


class Drifting(StatevectorSampler):
    """Its angle goes on with each run, from where it began."""

    def __init__(self, angle):
        super().__init__(seed=1)
        self.angle = angle

    def run(self, pubs, *, shots=None):
        self.angle += 0.1
        return super().run(pubs, shots=shots)


def test_settings_that_are_changed_in_place_outside_of_a_run_stay_content():
    samplers = [Built("x"), Built("y"), Built("x", angle=0.5), Built("x", turns=2), Drifting(0.0), Drifting(1.0)]
    assert len({key_of(sampler) for sampler in samplers}) == len(samplers)
