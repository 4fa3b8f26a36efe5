"""Every case of the verdict, from scores made for it."""

import re

import numpy as np
import pytest

from qiskit_qml_ext.evaluation.verdict import Contestant, best_classical, decide

NOISE = np.array([0.01, -0.01, 0.005, -0.005, 0.0])


def contest(quantum=0.9, control=0.9, rbf=0.9, linear=0.8, dummy=0.5, **failures):
    """Build models with these mean scores; None leaves one out, a text makes it fail."""
    rows = [
        ("quantum", "Quantum kernel SVM", "quantum", quantum),
        ("control", "Same, no entanglement", "control", control),
        ("rbf", "RBF SVM", "classical", rbf),
        ("linear", "Logistic regression", "classical", linear),
        ("dummy", "Dummy", "baseline", dummy),
    ]
    models = []
    for place, (key, name, role, mean) in enumerate(rows):
        if isinstance(mean, str):
            models.append(Contestant(key, name, role, (), mean))
        elif mean is not None:
            models.append(Contestant(key, name, role, tuple(mean + np.roll(NOISE, place))))
    return models


def verdict(is_exact=True, **means):
    return decide(contest(**means), test_fraction=0.25, scoring="accuracy", is_exact=is_exact)


@pytest.mark.parametrize(
    ("means", "code", "sentence"),
    [
        (
            {"quantum": 0.895},
            "no_evidence",
            r"^No evidence of an advantage: the RBF SVM scores 0.900, the quantum kernel 0.895 \(p = 0\.\d+\)\.$",
        ),
        ({"quantum": 0.8}, "worse", r"^No advantage, the quantum kernel is worse: the RBF SVM scores 0.900"),
        ({"quantum": 0.8, "rbf": 0.7, "linear": 0.95}, "worse", "the logistic regression scores 0.950"),
        (
            {"quantum": 0.97, "control": 0.8},
            "better",
            r"scores higher \(0.970\) than every classical model \(best: the RBF SVM with 0.900, p <? ?.*"
            r"without entanglement it scores 0.800",
        ),
        ({"quantum": 0.97, "control": 0.97}, "better_without_entanglement", "entanglement is not the reason"),
        ({"quantum": 0.97, "control": None}, "better_without_entanglement", "a product of single-qubit functions"),
        ({"quantum": 0.97, "control": "ValueError: no"}, "better", r"scores higher"),
        ({"quantum": 0.5, "control": 0.5, "rbf": 0.5, "linear": 0.5}, "nothing_learned", "better than guessing"),
        ({"quantum": "MemoryError: too large."}, "quantum_failed", r"failed \(MemoryError: too large\)\.$"),
        ({"rbf": "x", "linear": "y"}, "no_baseline", "no classical model could be fitted"),
    ],
)
def test_each_case_has_its_verdict(means, code, sentence):
    result = verdict(**means)
    assert result.code == code
    assert re.search(sentence, result.sentence), result.sentence


def test_a_model_that_beats_the_best_mean_but_not_a_volatile_rival_is_no_evidence():
    models = contest(quantum=0.97, rbf=0.9)
    wild = Contestant("boosting", "Gradient boosting", "classical", (0.99, 0.6, 0.98, 0.97, 0.9))
    result = decide([*models, wild], test_fraction=0.25, scoring="accuracy", is_exact=True)
    assert result.code == "no_evidence"
    assert any("not significantly better than all" in detail for detail in result.details)


def test_better_carries_its_caveats():
    assert any("one more comparison" in detail for detail in verdict(quantum=0.97, control=0.8).details)
    assert any("simulated" in detail for detail in verdict(quantum=0.97, control=0.8).details)
    sampled = verdict(is_exact=False, quantum=0.97, control=0.8)
    assert not any("simulated" in detail for detail in sampled.details)


def test_interval_of_the_difference_is_told():
    assert "95 % confidence interval" in verdict(quantum=0.895).details[0]


def test_perfect_scores_on_every_fold_count_as_learned():
    rows = (("quantum", "quantum", 1.0), ("rbf", "classical", 1.0), ("dummy", "baseline", 0.5))
    models = [Contestant(key, key, role, (mean,) * 3) for key, role, mean in rows]
    result = decide(models, test_fraction=0.5, scoring="accuracy", is_exact=True)
    assert result.code == "no_evidence"
    assert "the same on all 3 folds" in result.details[0]


def test_dummy_is_never_the_best_classical_model():
    assert best_classical(contest(rbf=0.4, linear=0.3, dummy=0.9)).key == "rbf"


def test_false_alarms_are_rare_when_quantum_and_classical_models_are_equal():
    rng = np.random.default_rng(0)
    codes = []
    for _ in range(400):
        models = [
            Contestant(key, key, role, tuple(0.8 + 0.05 * rng.normal(size=10)))
            for key, role in (("quantum", "quantum"), ("rbf", "classical"), ("linear", "classical"))
        ]
        codes.append(decide(models, test_fraction=1 / 9, scoring="accuracy", is_exact=True).code)
    # At most 2.5 % for the better side; more than 5 % of 400 by chance: 0.2 %.
    assert sum(code.startswith("better") for code in codes) <= 20
