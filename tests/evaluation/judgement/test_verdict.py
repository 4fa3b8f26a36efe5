"""Every case of the verdict, from scores made for it."""

import re

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import get_scorer
from sklearn.tree import DecisionTreeClassifier

from qiskit_qml_ext.evaluation import corrected_t_test
from qiskit_qml_ext.evaluation.judgement.t_test import score_range
from qiskit_qml_ext.evaluation.judgement.verdict import Contestant, Trial, best_classical, decide

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


def verdict(is_exact=True, entangles=None, **means):
    return decide(contest(**means), test_fraction=0.25, scoring="accuracy", is_exact=is_exact, entangles=entangles)


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
        (
            {"quantum": 0.97, "control": 0.97},
            "better_without_entanglement",
            "entanglement is not shown to be the reason: without any entangling gate it scores 0.970",
        ),
        (
            {"quantum": 0.97, "control": None, "entangles": False},
            "better_without_entanglement",
            "a product of single-qubit functions",
        ),
        (
            {"quantum": 0.97, "control": None},
            "better",
            r"p < 0.001\); what part entanglement has in this is unknown\.$",
        ),
        ({"quantum": 0.97, "control": None, "entangles": True}, "better", "what part entanglement has .* is unknown"),
        ({"quantum": 0.97, "control": "ValueError: no"}, "better", "what part entanglement has in this is unknown"),
        ({"quantum": 0.5, "control": 0.5, "rbf": 0.5, "linear": 0.5}, "nothing_learned", "better than guessing"),
        ({"quantum": "MemoryError: too large."}, "quantum_failed", r"failed \(MemoryError: too large\)\.$"),
        ({"rbf": "x", "linear": "y"}, "no_baseline", "no classical model could be fitted"),
    ],
)
def test_each_case_has_its_verdict(means, code, sentence):
    result = verdict(**means)
    assert result.code == code
    assert re.search(sentence, result.sentence), result.sentence


def test_a_model_that_beats_the_best_mean_but_not_a_volatile_rival_is_told_which_rival_that_is():
    models = contest(quantum=0.97, rbf=0.9)
    wild = Contestant("boosting", "Gradient boosting", "classical", (0.99, 0.6, 0.98, 0.97, 0.9))
    result = decide([*models, wild], test_fraction=0.25, scoring="accuracy", is_exact=True)
    assert (result.code, result.rival) == ("no_evidence", "boosting")
    p = corrected_t_test(models[0].scores, wild.scores, test_fraction=0.25).p_value
    assert result.p_value == p > 0.05
    assert result.sentence == (
        "No evidence of an advantage over every classical model: the quantum kernel scores 0.970, not significantly "
        f"more than the gradient boosting with 0.888 (p = {p:.2f})."
    )
    (beaten,) = [detail for detail in result.details if "significantly more than" in detail]
    assert beaten.startswith("Each by itself, it scores significantly more than ")
    assert "the RBF SVM (0.900, p < 0.001), the logistic regression (0.800, p < 0.001)" in beaten
    # No significant p stands in a sentence that begins with "No evidence".
    assert "p < " not in result.sentence


def test_the_p_value_of_a_win_is_the_largest_of_all_rivals():
    # The rival with the highest mean is not the one that is hardest to beat: its scores never change.
    quantum = (0.90, 0.92, 0.91, 0.91, 0.90)
    rivals = {"a": (0.80, 0.83, 0.80, 0.81, 0.80), "b": (0.74, 0.82, 0.67, 0.80, 0.75)}
    models = [
        Contestant("q", "Quantum", "quantum", quantum),
        Contestant("a", "RBF SVM", "classical", rivals["a"]),
        Contestant("b", "Boosting", "classical", rivals["b"]),
        Contestant("d", "Dummy", "baseline", (0.5,) * 5),
    ]
    result = decide(models, test_fraction=0.25, scoring="accuracy", is_exact=True)
    p = {key: corrected_t_test(quantum, scores, test_fraction=0.25).p_value for key, scores in rivals.items()}
    assert p["a"] < 0.001 < p["b"] < 0.05
    assert (result.code, result.rival, result.p_value) == ("better", "b", p["b"])
    assert f"the largest p of all comparisons is that with the boosting: p = {p['b']:.3f}" in result.sentence
    assert "p < 0.001" not in result.sentence


def test_a_perfect_model_wins_against_chance_on_five_folds_and_not_on_three():
    for folds, code in ((5, "better"), (10, "better"), (3, "no_evidence")):
        models = contest()
        scores = {"quantum": 1.0, "control": 0.5, "rbf": 0.5, "linear": 0.5, "dummy": 0.5}
        models = [Contestant(m.key, m.name, m.role, (scores[m.key],) * folds) for m in models]
        result = decide(models, test_fraction=1 / (folds - 1), scoring="accuracy", is_exact=True)
        assert result.code == code
        assert result.p_value < 1
        # Ten samples in each fold show it; two do not: ten samples in all could do that by chance.
        for size, known in ((10, "better" if folds > 3 else "no_evidence"), (2, None)):
            found = decide(
                models, test_fraction=1 / (folds - 1), test_size=size, scoring="accuracy", is_exact=True
            ).code
            assert found == known or (known is None and (folds > 5 or found == "no_evidence"))


def test_a_model_that_only_guesses_never_wins_over_worse_ones():
    # Unequal classes: the quantum kernel always names the larger class, the others fit noise and do worse; one of them
    # is better than the dummy on every fold by chance.
    models = [
        Contestant("quantum", "Quantum", "quantum", (0.8,) * 5),
        Contestant("rbf", "RBF SVM", "classical", (0.6, 0.62, 0.61, 0.6, 0.59)),
        Contestant("control", "Same", "control", (0.81, 0.82, 0.81, 0.81, 0.82)),
        Contestant("dummy", "Dummy", "baseline", (0.8,) * 5),
    ]
    result = decide(models, test_fraction=0.25, scoring="accuracy", is_exact=True)
    assert (result.code, result.rival, result.p_value) == ("no_evidence", "dummy", 1.0)


def test_worse_takes_the_choice_among_rivals_into_account():
    # One rival of four is better with p = 0.03 by itself: chosen among four, that is nothing.
    spread = np.array([0.02, -0.02, 0.03, -0.03, 0.0])
    quantum = Contestant("quantum", "Quantum", "quantum", tuple(0.8 + 0 * spread))
    rivals = [Contestant(f"r{i}", f"R{i}", "classical", tuple(0.8 + 2 * np.roll(spread, i))) for i in range(3)]
    lucky = Contestant("lucky", "RBF SVM", "classical", tuple(0.86 + spread * 1.1))
    dummy = Contestant("dummy", "Dummy", "baseline", (0.5,) * 5)
    alone = decide([quantum, lucky, dummy], test_fraction=0.25, scoring="accuracy", is_exact=True)
    assert (alone.code, alone.rival) == ("worse", "lucky")
    assert 0.0125 < alone.p_value < 0.05
    chosen = decide([quantum, lucky, *rivals, dummy], test_fraction=0.25, scoring="accuracy", is_exact=True)
    assert chosen.code == "no_evidence"
    clear = Contestant("clear", "RBF SVM", "classical", tuple(0.9 + spread))
    result = decide([quantum, clear, *rivals, dummy], test_fraction=0.25, scoring="accuracy", is_exact=True)
    assert result.code == "worse"
    assert "corrected for 4 classical models" in result.sentence
    by_itself = corrected_t_test(quantum.scores, clear.scores, test_fraction=0.25).p_value
    np.testing.assert_allclose(result.p_value, 4 * by_itself, rtol=1e-12)


def test_the_smallest_difference_that_could_have_been_shown_is_told():
    result = verdict(quantum=0.895)
    comparison = corrected_t_test(contest(quantum=0.895)[0].scores, contest()[2].scores, test_fraction=0.25)
    smallest = (comparison.high - comparison.low) / 2
    np.testing.assert_allclose(result.smallest_difference, smallest, rtol=1e-12)
    assert any(f"is significant from {smallest:.3f} on" in detail for detail in result.details)
    # With that spread a difference just above is significant, one just below is not.
    for factor, better in ((1.001, True), (0.999, False)):
        shifted = [score - comparison.difference + factor * smallest for score in contest(quantum=0.895)[0].scores]
        assert corrected_t_test(shifted, contest()[2].scores, test_fraction=0.25).is_better == better


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


def test_a_lead_that_no_score_has_room_for_is_not_offered():
    wild = (1.0, 1.0, 1.0, 1.0, 0.8)  # 0.96: no accuracy is higher by what these folds take
    rows = (
        ("quantum", "quantum", (0.7, 1.0, 0.9, 0.9, 0.9)),
        ("rbf", "classical", wild),
        ("d", "baseline", (0.3,) * 5),
    )
    models = [Contestant(key, key, role, scores) for key, role, scores in rows]
    result = decide(models, test_fraction=0.25, scoring="accuracy", is_exact=True)
    assert result.code == "no_evidence"
    assert result.smallest_difference > 0.04
    text = " ".join(result.details)
    assert "These 5 test folds cannot show any lead over the rbf" in text
    assert f"it would have to be {result.smallest_difference:.3f}, and 0.040 is left." in text
    assert "significant from" not in text
    # a score without a largest value leaves room for any lead
    free = decide(models, test_fraction=0.25, scoring="unheard_of", is_exact=True)
    assert "is significant from" in " ".join(free.details)


def test_no_interval_goes_beyond_what_two_scores_can_differ_by():
    rows = (("quantum", "quantum", (0.0, 1.0)), ("rbf", "classical", (1.0, 0.6)), ("d", "baseline", (0.3, 0.3)))
    models = [Contestant(key, key, role, scores) for key, role, scores in rows]
    plain = corrected_t_test(models[0].scores, models[1].scores, test_fraction=1.0)
    assert plain.low < -1 < 1 < plain.high
    for scoring, low, high in (("accuracy", -1, 1), ("matthews_corrcoef", -2, 2), ("r2", plain.low, plain.high)):
        cut = Trial(1.0, scoring=scoring).against(models[0], models[1])
        assert (cut.low, cut.high) == (max(plain.low, low), min(plain.high, high))
        # half of the interval that was not cut
        assert cut.smallest_difference == pytest.approx((plain.high - plain.low) / 2)


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro", "roc_auc_ovr", "matthews_corrcoef", "r2"])
def test_ranges_of_scores_are_those_of_scikit_learn(scoring):
    rng = np.random.default_rng(0)
    lowest, highest = score_range(scoring)
    y = np.arange(30) % 3 if scoring == "roc_auc_ovr" else np.arange(30) % 2
    made = [DummyClassifier(strategy="uniform", random_state=s).fit(rng.normal(size=(30, 1)), y) for s in range(20)]
    values = [get_scorer(scoring)(model, rng.normal(size=(30, 1)), y) for model in made]
    perfect = get_scorer(scoring)(DecisionTreeClassifier().fit(y[:, None], y), y[:, None], y)
    assert all(lowest <= value <= highest for value in values)
    assert perfect == highest == 1


def test_folds_without_a_model_above_the_dummy_tell_no_model_from_guessing():
    result = verdict(quantum=0.5, control=0.5, rbf=0.5, linear=0.5)
    assert result.sentence.endswith("so these folds cannot tell any model from guessing.")
