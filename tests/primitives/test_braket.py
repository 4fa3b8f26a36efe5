"""AWS Braket through its provider's ``BackendV2``, on the local simulator."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

braket = pytest.importorskip("qiskit_braket_provider")

DATA = np.random.default_rng(0).uniform(0, 2, (4, 2))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_kernel_on_the_local_simulator_resumes(tmp_path):
    def matrix():
        connection = connect(braket.BraketLocalBackend(), shots=200, journal=tmp_path / "run.journal")
        return FidelityKernel(ZZFeatureMap(), connection=connection).evaluate(DATA), connection.usage.circuits

    first, circuits = matrix()
    exact = FidelityKernel(ZZFeatureMap()).evaluate(DATA)
    assert_allclose(first, exact, atol=6 * np.sqrt(0.25 / 200))  # six standard errors
    assert circuits == 6
    again, circuits = matrix()
    assert np.array_equal(first, again)
    assert circuits == 0
