"""In a diagnosis each circuit is built once, and nobody can tell the difference."""

import math
from collections import Counter

import pytest
from qiskit_aer.noise import NoiseModel, depolarizing_error
from sklearn.base import clone

from qiskit_qml_ext.circuits import ANSATZE, QAOAAnsatz, RealAmplitudesAnsatz, SimAnsatz, ansatz_by_name
from qiskit_qml_ext.diagnostics import diagnose
from qiskit_qml_ext.diagnostics.subject.built_once import BuiltOnce, existing_widths
from qiskit_qml_ext.diagnostics.subject.problem import natural_distribution


def counting(template: type, monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Count what a class of templates builds, by layers and width."""
    built, build = Counter(), template.build

    def counted(self, num_qubits):
        built[self.reps, num_qubits] += 1
        return build(self, num_qubits)

    monkeypatch.setattr(template, "build", counted)
    return built


NOISE = NoiseModel()
NOISE.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx"])


@pytest.mark.parametrize(
    ("template", "options"),
    [
        (RealAmplitudesAnsatz, {}),
        (RealAmplitudesAnsatz, {"depths": lambda n: n}),
        (RealAmplitudesAnsatz, {"depths": 3}),
        (QAOAAnsatz, {}),
        pytest.param(RealAmplitudesAnsatz, {"noise": NOISE}, marks=pytest.mark.slow),
    ],
)
def test_a_diagnosis_builds_each_circuit_once(template, options, monkeypatch):
    built = counting(template, monkeypatch)
    report = diagnose(template(), num_qubits=4, num_samples=8, max_seconds=600, **options)
    assert {"gradient_variance", "scaling_study", "expressibility"} <= set(report.evidence)
    assert len(built) > 7
    assert set(built.values()) == {1}


@pytest.mark.parametrize("name", ANSATZE)
def test_it_answers_as_the_ansatz(name):
    ansatz = ansatz_by_name(name)
    once = BuiltOnce(ansatz)
    angles = [0.1 + k for k in range(ansatz.num_parameters(4))]
    assert once.build(4).assign_parameters(angles) == ansatz.build(4).assign_parameters(angles)
    assert once.build(4) is once.build(4)
    assert once.get_params() == ansatz.get_params()
    assert repr(once) == repr(ansatz)
    same = ("symmetry", "min_qubits", "parameter_period")
    assert [getattr(once, one) for one in same] == [getattr(ansatz, one) for one in same]
    assert once.num_parameters(4) == ansatz.num_parameters(4)
    assert once.two_qubit_gates(4) == ansatz.two_qubit_gates(4)
    assert once.generators(4) == ansatz.generators(4)
    assert once.conserved_operators(4) == ansatz.conserved_operators(4)
    assert repr(natural_distribution(once, once.build(4))) == repr(natural_distribution(ansatz, ansatz.build(4)))


def test_copies_share_circuits_but_not_settings(monkeypatch):
    built = counting(SimAnsatz, monkeypatch)
    once = BuiltOnce(SimAnsatz(2, reps=2))
    deep = clone(once).set_params(reps=3)
    assert once.get_params()["reps"] == 2
    assert deep.build(3) != once.build(3)
    assert clone(once).set_params(reps=3).build(3) is deep.build(3)
    assert built == {(2, 3): 1, (3, 3): 1}


def test_refusals_are_those_of_the_ansatz():
    with pytest.raises(ValueError, match=r"RealAmplitudesAnsatz\(reps=100000000\) for a width of 4"):
        BuiltOnce(RealAmplitudesAnsatz(reps=10**8)).build(4)
    with pytest.raises(ValueError, match="num_qubits must be at least"):
        BuiltOnce(ansatz_by_name("qcnn")).build(1)
    assert math.isinf(BuiltOnce(RealAmplitudesAnsatz()).parameter_period) is False


def test_widths_without_a_circuit_are_left_out():
    ansatz = ansatz_by_name("qcnn")
    widths = existing_widths(ansatz, range(1, 9))
    assert widths
    for width in set(range(1, 9)) - set(widths):
        with pytest.raises(ValueError, match="num_qubits"):
            ansatz.build(width)
