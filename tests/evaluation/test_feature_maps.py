"""The comparison with the less usual feature maps: a bounded domain, no control, trainable weights."""

import pytest

from qiskit_qml_ext.circuits import FixedWeightsFeatureMap, TrainableRingFeatureMap
from qiskit_qml_ext.evaluation import evaluate

SMALL = {"max_samples": 40, "folds": 2, "bandwidths": [0.5], "C_values": [1]}


@pytest.mark.parametrize("name", ["chebyshev", "chebyshev-tower"])
def test_samples_beyond_the_domain_of_a_map_do_not_break_it(name):
    result = evaluate("iris", feature_map=name, **SMALL)
    assert result["quantum"].failure is None
    assert result["quantum"].mean > result["dummy"].mean


def test_a_map_without_a_product_version_has_no_control_and_the_result_says_so():
    result = evaluate("iris", feature_map="amplitude", **SMALL)
    assert "control" not in [model.key for model in result.models]
    assert any("There is no control. Amplitude encoding" in note for note in result.notes)


def test_trainable_weights_are_refused_with_the_maps_that_work():
    with pytest.raises(ValueError, match=r"16 trainable weights.*angle, .*zz"):
        evaluate("iris", feature_map="trainable-ring", **SMALL)


def test_fixed_weights_take_part():
    feature_map = FixedWeightsFeatureMap(TrainableRingFeatureMap(reps=1), [0.3] * 8)
    result = evaluate("iris", feature_map=feature_map, **SMALL)
    assert result["quantum"].failure is None
    assert result["control"].failure is None
    assert result.diagnosis is not None
