"""Keys name our own classes, but not where their files lie: a file that moves makes no work run again."""

import inspect

import pytest
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2, SamplerV2

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.primitives import ExactEstimator, ExactSampler
from qiskit_qml_ext.primitives.journal.work.exclusions import FIRST_MODULES
from qiskit_qml_ext.primitives.journal.work.identity import local_options
from qiskit_qml_ext.primitives.journal.work.stable import name_of, stable
from qiskit_qml_ext.primitives.targets import BackendTarget
from qiskit_qml_ext.primitives.targets.aer.primitives import AerEstimator, AerSampler

OURS = {
    "ExactSampler": lambda: ExactSampler(seed=3),
    "ExactEstimator": lambda: ExactEstimator(seed=3),
    "AerSampler": lambda: AerSampler.like(SamplerV2(seed=3)),
    "AerEstimator": lambda: AerEstimator.like(EstimatorV2.from_backend(AerSimulator())),
    "_BackendSampler": lambda: BackendTarget(GenericBackendV2(2, seed=1)).sampler(10, 3),
}


@pytest.mark.parametrize("name", OURS)
def test_key_of_a_primitive_stays_when_its_file_moves(name, monkeypatch):
    primitive = OURS[name]()
    before = local_options(primitive)
    monkeypatch.setattr(type(primitive), "__module__", "qiskit_qml_ext.elsewhere.moved")
    assert local_options(primitive) == before


def test_keys_have_the_names_that_our_primitives_had_when_journals_first_knew_them():
    assert {type(make()).__qualname__ for make in OURS.values()} == set(FIRST_MODULES)
    assert name_of(AerSampler) == "qiskit_qml_ext.primitives.targets.aer_primitives.AerSampler"
    assert local_options(ExactSampler(seed=3))["content"] == "5c206717e76f57c141afd638e0d1f4cf"
    assert local_options(ExactEstimator(seed=3))["content"] == "07afa23b7b40df4a48c921f46d0b3754"


def test_everything_else_of_ours_has_the_package_and_its_name():
    assert stable(ZZFeatureMap, "It") == {"<name>": "qiskit_qml_ext.ZZFeatureMap"}
    assert stable(ZZFeatureMap(), "It")["<class>"] == "qiskit_qml_ext.ZZFeatureMap"
    assert stable(name_of, "It") == {"<name>": "qiskit_qml_ext.name_of"}
    assert stable(inspect.signature, "It") == {"<name>": "inspect.signature"}
