"""What is said of entanglement is what the circuits say, not whether a control could be built."""

import numpy as np
import pytest
from evaluation_data import small_data

from qiskit_qml_ext.circuits import AmplitudeFeatureMap, AngleFeatureMap, ReuploadingModel, ZZFeatureMap
from qiskit_qml_ext.evaluation import plan_evaluation
from qiskit_qml_ext.evaluation.judgement.verdict import Contestant, decide
from qiskit_qml_ext.evaluation.planning.control import control_of


class StubbornMap(ZZFeatureMap):
    """Entangles whatever it is told."""

    def without_entanglement(self):
        return self


class SparseMap(AngleFeatureMap):
    """Has no setting for entanglement, and a CX."""

    def __init__(self, *, bandwidth=1.0):
        self.bandwidth = bandwidth

    def build(self, num_features):
        circuit = AngleFeatureMap(bandwidth=self.bandwidth).build(num_features)
        circuit.cx(0, 1)
        return circuit

    def two_qubit_gates(self, num_features):
        return 1


@pytest.mark.parametrize(
    ("feature_map", "width", "entangles", "has_control"),
    [
        (ZZFeatureMap(), 3, True, True),
        (ZZFeatureMap(), 1, False, False),
        (ZZFeatureMap(entanglement="none"), 3, False, False),
        (AngleFeatureMap(), 3, False, False),
        (AmplitudeFeatureMap(), 4, True, False),
        (AmplitudeFeatureMap(), 2, False, False),
        (StubbornMap(), 3, True, False),
        (SparseMap(), 3, True, False),
        (ReuploadingModel(), 3, True, True),
    ],
)
def test_a_map_is_its_own_control_only_if_its_circuit_has_no_entangling_gate(
    feature_map, width, entangles, has_control
):
    entangling, control, notes = control_of(feature_map, width)
    assert (entangling, control is not None) == (entangles, has_control)
    if not entangles:
        assert notes == ("The feature map has no entangling gates, so it is its own control.",)
    elif has_control:
        assert notes == ()
    else:
        assert notes[0].startswith("There is no control. ")
        assert notes[0].endswith("What part entanglement has in a result is therefore unknown.")


@pytest.mark.parametrize(
    ("feature_map", "code", "words"),
    [
        ("amplitude", "better", "what part entanglement has in this is unknown"),
        (SparseMap(), "better", "what part entanglement has in this is unknown"),
        ("angle", "better_without_entanglement", "a product of single-qubit functions, a classical model"),
    ],
)
def test_a_win_without_a_control_says_what_the_circuit_says(feature_map, code, words):
    options = {"folds": 5, "bandwidths": [0.3], "C_values": [1.0]}
    plan = plan_evaluation(small_data(40, 4), feature_map=feature_map, **options)
    scores = {
        "quantum": (0.9, 0.92, 0.91, 0.91, 0.9),
        "classical": (0.7, 0.72, 0.7, 0.71, 0.71),
        "baseline": (0.5,) * 5,
    }
    models = [Contestant(c.key, c.name, c.role, scores[c.role]) for c in plan.candidates]
    verdict = decide(
        models,
        test_fraction=plan.test_fraction,
        test_size=100,
        scoring="accuracy",
        is_exact=True,
        entangles=plan.entangles,
    )
    assert verdict.code == code
    assert words in verdict.sentence
    if plan.entangles:
        assert not any(word in str(verdict) for word in ("without any entangling", "classical model:", "product of"))


def test_notes_of_the_data_and_of_unequal_classes_are_shown():
    data = small_data(60)
    object.__setattr__(data, "notes", ("Column 'id' was left out.",))
    assert plan_evaluation(data, folds=3).notes == ("Column 'id' was left out.",)
    labels = np.repeat(["rare", "often"], [12, 48])
    unequal = type(data).from_arrays(np.random.default_rng(0).normal(size=(60, 2)), labels)
    (note,) = plan_evaluation(unequal, folds=3).notes
    assert "80% of the samples are 'often', 20% are 'rare'" in note
    assert "balanced_accuracy" in note
    assert not plan_evaluation(unequal, folds=3, scoring="balanced_accuracy").notes
