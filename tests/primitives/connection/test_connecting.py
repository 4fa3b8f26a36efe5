"""What a user may mistake for a target."""

import pytest
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from qiskit_qml_ext.primitives import connect


@pytest.mark.parametrize("kind", [FakeManilaV2, AerSimulator])
def test_class_in_place_of_an_object_is_told(kind):
    with pytest.raises(TypeError, match=rf"The class {kind.__name__} came instead of an object of it"):
        connect(kind)
