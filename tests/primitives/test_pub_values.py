"""Parameter values that nobody can have meant are refused before anything runs, on every target, in every spelling."""

import functools

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.circuits import AmplitudeFeatureMap, BetaDistribution, ZZFeatureMap
from qiskit_qml_ext.engine import gram, statevectors
from qiskit_qml_ext.gradients import AdjointEstimatorGradient
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumSVC, QuantumSVR
from qiskit_qml_ext.primitives import (
    ExactEstimator,
    ExactSampler,
    JournaledEstimator,
    JournaledSampler,
    Policy,
    connect,
)
from qiskit_qml_ext.primitives.targets.angle_limits import LimitedEstimator, LimitedSampler

X = ParameterVector("x", 2)
CIRCUIT = QuantumCircuit(2)
for qubit, angle in enumerate(X):  # in gates that every target has
    CIRCUIT.sx(qubit)
    CIRCUIT.rz(angle, qubit)
    CIRCUIT.sx(qubit)
MEASURED = CIRCUIT.measure_all(inplace=False)
ZZ = SparsePauliOp("ZZ")
RIGHT = np.array([[0.1, 0.2], [0.3, 999.0]])
MEANINGLESS = {
    "masked": (np.ma.masked_array(RIGHT, RIGHT > 100), "masked array are missing"),
    "not a number": (np.array([[0.1, np.nan]]), r"values\[0, 1\].* is nan"),
    "infinite": (np.array([[0.1, np.inf]]), r"values\[0, 1\].* is inf"),
    "dates": (np.array([["2020-01-01", "2021-01-01"]] * 2, "M8[D]"), "dates"),
    "text": (np.array([["0.1", "0.2"]] * 2), "text"),
    "complex": (RIGHT * 1j, "complex"),
    "missing": ([[0.1, None], [1.0, 2.0]], "None"),
}


@functools.cache
def connected(target):
    return connect(GenericBackendV2(2, seed=1) if target == "generic" else target)


class Refusing(StatevectorSampler):
    """A sampler that must not be reached."""

    def run(self, pubs, *, shots=None):
        raise AssertionError("something was submitted")


class RefusingEstimator(StatevectorEstimator):
    def run(self, pubs, *, precision=None):
        raise AssertionError("something was submitted")


SAMPLERS = {
    "exact": lambda path: ExactSampler(),
    "journaled": lambda path: JournaledSampler(Refusing(), path),
    "connection": lambda path: connect("exact", shots=5).sampler,
    "connection with a journal": lambda path: connect("aer", journal=path).sampler,
    "aer": lambda path: connected("aer").sampler,
    "fake": lambda path: connected("fake_manila").sampler,
    "backend": lambda path: connected("generic").sampler,
}
ESTIMATORS = {
    "exact": lambda path: ExactEstimator(),
    "journaled": lambda path: JournaledEstimator(RefusingEstimator(), path),
    "connection": lambda path: connect("exact").estimator,
    "connection with a journal": lambda path: connect("aer", journal=path).estimator,
    "aer": lambda path: connected("aer").estimator,
    "fake": lambda path: connected("fake_manila").estimator,
    "backend": lambda path: connected("generic").estimator,
}


@pytest.mark.parametrize("kind", list(MEANINGLESS))
@pytest.mark.parametrize("where", list(SAMPLERS))
def test_samplers_refuse_meaningless_values(kind, where, tmp_path):
    values, words = MEANINGLESS[kind]
    for pub in ((MEASURED, values), [MEASURED, values, 10], (MEASURED, {tuple(X): values})):
        with pytest.raises((TypeError, ValueError), match=words):
            SAMPLERS[where](tmp_path / "run.journal").run([pub]).result()


@pytest.mark.parametrize("kind", list(MEANINGLESS))
@pytest.mark.parametrize("where", list(ESTIMATORS))
def test_estimators_refuse_meaningless_values(kind, where, tmp_path):
    values, words = MEANINGLESS[kind]
    for pub in ((CIRCUIT, ZZ, values), (CIRCUIT, ZZ, {tuple(X): values})):
        with pytest.raises((TypeError, ValueError), match=words):
            ESTIMATORS[where](tmp_path / "run.journal").run([pub]).result()


@pytest.mark.parametrize("where", ["journaled", "connection with a journal", "aer", "fake", "backend"])
def test_an_angle_in_the_circuit_itself_that_is_not_finite_is_refused(where, tmp_path):
    circuit = QuantumCircuit(1)
    circuit.rz(float("nan"), 0)
    circuit.measure_all()
    with pytest.raises(ValueError, match=r"The gate rz of the circuit .* has the angle nan"):
        SAMPLERS[where](tmp_path / "run.journal").run([circuit])


ENTRIES = {
    "engine": lambda values: statevectors(CIRCUIT, values),
    "sample": lambda values: list(connect("aer").sample(MEASURED, values)),
    "plan": lambda values: connect("aer").plan([(MEASURED, values)]),
    "states": lambda values: connect().statevectors(CIRCUIT, values),
    "kernel": lambda values: FidelityKernel(ZZFeatureMap()).evaluate(values),
    "kernel, second": lambda values: FidelityKernel(ZZFeatureMap()).evaluate(RIGHT, values),
    "classifier": lambda values: QuantumSVC().fit(values, [0, 1]),
    "regressor": lambda values: QuantumSVR().fit(values, [0.0, 1.0]),
    "prediction": lambda values: QuantumSVR().fit(RIGHT, [0.0, 1.0]).predict(values),
    "gradient": lambda values: (
        AdjointEstimatorGradient().run([CIRCUIT] * len(values), [ZZ] * len(values), values).result()
    ),
    "amplitudes": lambda values: AmplitudeFeatureMap().amplitudes(values),
    "distribution": lambda values: BetaDistribution().fit(values),
}


@pytest.mark.parametrize("kind", list(MEANINGLESS))
@pytest.mark.parametrize("entry", list(ENTRIES))
def test_all_that_takes_data_refuses_meaningless_values(kind, entry):
    with pytest.raises((TypeError, ValueError)):
        ENTRIES[entry](MEANINGLESS[kind][0])


def test_a_masked_label_or_weight_is_refused():
    labels = np.ma.masked_array([0, 1], [False, True])
    for fit in (
        lambda: QuantumSVC().fit(RIGHT, labels),
        lambda: QuantumSVR().fit(RIGHT, labels),
        lambda: QuantumSVC().fit(RIGHT, [0, 1], sample_weight=np.ma.masked_array([1.0, 2.0], [False, True])),
    ):
        with pytest.raises(TypeError, match="masked array"):
            fit()


def test_masked_states_are_refused():
    with pytest.raises(TypeError, match="masked array"):
        gram(np.ma.masked_array([[1.0, 0.0]], [[False, True]]))


def test_a_mask_that_hides_nothing_changes_nothing():
    whole = np.ma.masked_array(RIGHT, np.zeros_like(RIGHT, dtype=bool))
    np.testing.assert_array_equal(
        FidelityKernel(ZZFeatureMap()).evaluate(whole), FidelityKernel(ZZFeatureMap()).evaluate(RIGHT)
    )


@pytest.mark.parametrize("target", ["exact", "aer", "fake_manila"])
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_numpys_numbers_are_settings_like_pythons(target, kind, tmp_path):
    x = np.array([[0.1, 0.2], [0.3, 0.4]])

    def kernel(number):
        settings = {"shots": number(16), "seed": number(3), "journal": tmp_path / f"{number.__name__}.journal"}
        settings |= {
            "max_executions_per_job": number(64),
            "policy": Policy(max_pending=number(1), max_retries=number(0)),
        }
        if target != "exact":
            settings |= {"optimization_level": number(1), "transpile_trials": number(1), "max_executions": number(200)}
        return FidelityKernel(ZZFeatureMap(), connection=connect(target, **settings)).evaluate(x)

    np.testing.assert_array_equal(kernel(kind), kernel(int))


@pytest.mark.parametrize("shots", [0, -1, 2.5, True, "ten", float("nan")])
def test_shots_that_cannot_be_meant_are_refused_by_a_journaled_sampler(shots, tmp_path):
    with pytest.raises((TypeError, ValueError), match="shots must be"):
        JournaledSampler(Refusing(), tmp_path / "j").run([QuantumCircuit(1)], shots=shots)


@pytest.mark.parametrize("precision", [-1.0, float("nan"), float("inf"), "fine", True])
def test_a_precision_that_cannot_be_meant_is_refused_by_a_journaled_estimator(precision, tmp_path):
    with pytest.raises((TypeError, ValueError), match="precision must be"):
        JournaledEstimator(RefusingEstimator(), tmp_path / "j").run([(QuantumCircuit(1), "Z")], precision=precision)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"journal": 3}, "journal must be a Journal or the path"),
        ({"journal": None}, "journal must be a Journal or the path"),
        ({"journal": b"x"}, "journal must be a Journal or the path"),
        ({"policy": "fast"}, "policy must be a Policy"),
        ({"policy": {"max_pending": 1}}, "policy must be a Policy"),
        ({"make": 3}, "make must be a function"),
        ({"open_mode": 3}, "open_mode must be a function"),
        ({"identify": 3}, "identify must be a function"),
        ({"approve": 3}, "approve must be a function"),
        ({"progress": "yes"}, "progress must be True, False or None"),
    ],
)
def test_settings_of_journaled_primitives_are_checked(settings, words, tmp_path):
    given = {"journal": tmp_path / "j", **settings}
    with pytest.raises(TypeError, match=words):
        JournaledSampler(Refusing(), given.pop("journal"), **given)
    if "policy" in settings:
        with pytest.raises(TypeError, match=words):
            connect("aer", journal=tmp_path / "j", policy=settings["policy"])


@pytest.mark.parametrize("name", list(Policy.__dataclass_fields__))
@pytest.mark.parametrize("value", [-1, float("nan"), "ten", True, [1]])
def test_every_limit_of_a_policy_is_checked(name, value):
    with pytest.raises((TypeError, ValueError), match=name):
        Policy(**{name: value})


def test_memory_is_a_number_of_bytes():
    for wrong in ("1GB", -1, 2.5, True):
        with pytest.raises((TypeError, ValueError), match="max_memory must be"):
            connect("exact", max_memory=wrong)


def test_a_seed_is_one_that_simulators_take():
    assert connect("aer", seed=2**63 - 1).seed == 2**63 - 1
    for wrong in (2**63, -1, 1.5, "1", True):
        with pytest.raises((TypeError, ValueError), match="seed must be"):
            connect("aer", seed=wrong)


@pytest.mark.parametrize("kind", ["sampler", "estimator"])
def test_a_journal_around_a_connections_limits_is_refused_with_what_to_do(kind, tmp_path):
    wrapped = {"sampler": LimitedSampler(Refusing(), None), "estimator": LimitedEstimator(RefusingEstimator(), None)}
    journaled = {"sampler": JournaledSampler, "estimator": JournaledEstimator}
    with pytest.raises(TypeError, match=r"connect\(…, journal=FILE\)"):
        journaled[kind](wrapped[kind], tmp_path / "j")
