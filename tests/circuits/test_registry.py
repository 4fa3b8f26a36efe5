"""Templates by their short names."""

import pytest

from qiskit_qml_ext.circuits import ANSATZE, FEATURE_MAPS, INITIAL_DISTRIBUTIONS, ansatz_by_name, feature_map_by_name


@pytest.mark.parametrize("registry", [ANSATZE, FEATURE_MAPS, INITIAL_DISTRIBUTIONS])
def test_registries_are_keyed_by_the_names_of_their_classes_and_read_only(registry):
    assert all(name == family.name for name, family in registry.items())
    with pytest.raises(TypeError, match="does not support item assignment"):
        registry["mine"] = None


def test_a_name_gives_default_settings():
    assert feature_map_by_name("zz") == FEATURE_MAPS["zz"]()
    assert ansatz_by_name("sim") == ANSATZE["sim"]()


@pytest.mark.parametrize(
    ("find", "name", "message"),
    [
        (
            feature_map_by_name,
            "heisenburg",
            r"^There is no feature map 'heisenburg'\. Did you mean 'heisenberg'\? Choose",
        ),
        (
            ansatz_by_name,
            "Real_Amplitudes",
            r"^There is no ansatz 'Real_Amplitudes'\. Did you mean 'real-amplitudes'\?",
        ),
        (ansatz_by_name, "xyz", r"^There is no ansatz 'xyz'\. Choose one of: basic-entangler, brickwall, "),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_one_and_all_others(find, name, message):
    with pytest.raises(ValueError, match=message):
        find(name)
