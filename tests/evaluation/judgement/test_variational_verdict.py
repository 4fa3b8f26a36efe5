"""Verdicts about a variational model: the rules of a kernel's, and not a word about kernels."""

import re

import numpy as np
import pytest

from qiskit_qml_ext.evaluation.judgement.verdict import Contestant, decide
from qiskit_qml_ext.evaluation.protocol.quantum_family import KERNEL, VARIATIONAL

NOISE = np.array([0.01, -0.01, 0.005, -0.005, 0.0])
CASES = {
    "quantum_failed": {"variational": "ValueError: no"},
    "no_baseline": {"rbf": "no", "linear": "no"},
    "nothing_learned": {"variational": 0.5, "control": 0.5, "rbf": 0.5, "linear": 0.5},
    "better": {"variational": 0.97, "control": 0.8, "rbf": 0.85},
    "better_without_entanglement": {"variational": 0.97, "control": 0.97, "rbf": 0.85},
    "worse": {"variational": 0.7, "rbf": 0.95},
    "no_evidence": {"variational": 0.9, "rbf": 0.9},
}


def contest(*, variational=0.9, control=0.9, rbf=0.9, linear=0.8, dummy=0.5, kernel=None):
    rows = [
        ("variational", "Variational classifier", "quantum", variational, VARIATIONAL),
        ("variational_control", "Variational, no entanglement", "control", control, VARIATIONAL),
        ("rbf", "RBF SVM", "classical", rbf, KERNEL),
        ("linear", "Logistic regression", "classical", linear, KERNEL),
        ("dummy", "Dummy", "baseline", dummy, KERNEL),
        ("quantum", "Quantum kernel SVM", "quantum", kernel, KERNEL),
    ]
    return [
        Contestant(key, name, role, (), mean, family)
        if isinstance(mean, str)
        else Contestant(key, name, role, tuple(mean + np.roll(NOISE, place)), None, family)
        for place, (key, name, role, mean, family) in enumerate(rows)
        if mean is not None
    ]


def verdict(models, *, family=VARIATIONAL, num_quantum=1, entangles=True, is_exact=True):
    return decide(
        models,
        test_fraction=0.25,
        scoring="accuracy",
        is_exact=is_exact,
        entangles=entangles,
        family=family,
        num_quantum=num_quantum,
    )


@pytest.mark.parametrize("code", CASES)
def test_a_verdict_about_a_variational_model_says_nothing_of_kernels(code):
    result = verdict(contest(**CASES[code]))
    assert result.code == code
    text = " ".join([result.sentence, *result.details])
    assert "kernel" not in text.lower()
    assert "feature map without" not in text
    assert code in ("no_baseline", "nothing_learned") or "variational model" in text


@pytest.mark.parametrize("code", CASES)
def test_the_rules_are_those_of_a_kernel(code):
    models = contest(**CASES[code])
    as_kernel = [Contestant(m.key, m.name, m.role, m.scores, m.failure) for m in models]
    ours, theirs = verdict(models), verdict(as_kernel, family=KERNEL)
    assert (ours.code, ours.rival, ours.p_value, ours.smallest_difference) == (
        theirs.code,
        theirs.rival,
        theirs.p_value,
        theirs.smallest_difference,
    )
    assert len(ours.details) == len(theirs.details)


def test_without_any_entangling_gate_a_win_is_that_of_a_classical_model():
    models = [m for m in contest(variational=0.97, rbf=0.85) if m.role != "control"]
    result = verdict(models, entangles=False)
    assert result.code == "better_without_entanglement"
    assert "each qubit can be simulated by itself, so this is a classical model" in result.sentence
    result = verdict(models, entangles=True)
    assert result.code == "better"
    assert "There is no control: the same circuit without entanglement was not run." in result.details


def test_each_of_two_quantum_models_has_its_own_verdict_and_control():
    models = contest(variational=0.97, control=0.8, rbf=0.85, kernel=0.7)
    assert verdict(models, num_quantum=2).code == "better"
    about_kernel = verdict(models, family=KERNEL, num_quantum=2)
    assert about_kernel.code == "worse"
    assert "variational" not in about_kernel.sentence


def test_of_two_quantum_models_each_must_pass_half_the_level():
    rng = np.random.default_rng(1)
    between = 0
    for _ in range(200):
        models = contest(control=None, linear=None)
        models[0] = Contestant(
            "variational", "V", "quantum", tuple(0.9 + 0.02 + rng.normal(0, 0.01, 5)), None, VARIATIONAL
        )
        alone, of_two = verdict(models), verdict(models, num_quantum=2)
        if alone.code.startswith("better"):
            assert of_two.code.startswith("better") == (alone.p_value < 0.025)
            between += alone.p_value > 0.025
        assert any("p < 0.025" in detail for detail in of_two.details)
        assert not any("p < 0.025" in detail for detail in alone.details)
        for result, percent in ((alone, "95 %"), (of_two, "97.5 %")):
            low = re.search(rf"{percent} confidence interval (\S+) to", " ".join(result.details)).group(1)
            if low != "0.000":  # it leaves out 0 where the difference is significant, and nowhere else
                assert low.startswith("+") == result.code.startswith("better")
        if of_two.code == alone.code == "no_evidence":
            assert of_two.smallest_difference > alone.smallest_difference
    assert between > 5  # some wins of one model are none of two
