"""The global phase of transpiled circuits: without effect on what is measured, but slow to bind."""

import numpy as np
from qiskit.quantum_info import Statevector

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect


def test_isa_circuits_have_no_parameter_in_their_global_phase():
    isa = connect("fake_manila", seed=0).isa_circuit(FidelityKernel(ZZFeatureMap()).circuit(2))
    assert isa.global_phase == 0
    assert isa.num_parameters == 4


def test_probabilities_are_those_of_the_circuit_before_transpilation():
    circuit = FidelityKernel(ZZFeatureMap()).circuit(2)
    isa = connect("fake_manila", seed=0).isa_circuit(circuit)
    values = np.array([0.3, 1.1, 2.0, 0.7])
    zero = [
        Statevector(c.remove_final_measurements(inplace=False).assign_parameters(values)).probabilities()[0]
        for c in (circuit, isa)
    ]
    np.testing.assert_allclose(zero[0], zero[1], atol=1e-12)
