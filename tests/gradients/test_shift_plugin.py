"""The shift-rule gradient in qiskit-machine-learning's interface."""

import numpy as np
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN

from qiskit_qml_ext.gradients import AdjointEstimatorGradient, ShiftEstimatorGradient
from qiskit_qml_ext.primitives import ExactEstimator, connect


def test_gradients_agree_with_those_of_qiskit_machine_learning():
    circuit = zz_feature_map(3, 1).compose(real_amplitudes(3, reps=1))
    values = np.random.default_rng(0).uniform(-2, 2, (2, circuit.num_parameters))
    observables = [SparsePauliOp(["ZII", "IXY"], [0.3, -1.2]), SparsePauliOp("ZZZ")]
    ours = ShiftEstimatorGradient().run([circuit] * 2, observables, values).result()
    theirs = ParamShiftEstimatorGradient(StatevectorEstimator()).run([circuit] * 2, observables, values).result()
    assert_allclose(ours.gradients, theirs.gradients, atol=1e-10)


def test_a_qnn_with_shots_trains_on_gradients_within_its_noise():
    t = ParameterVector("t", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(t[0], [0, 1])
    circuit.cry(t[1] * t[0], 0, 1)
    circuit.crx(t[2], 1, 0)
    connection = connect("aer", shots=20_000, seed=4)
    settings = {"observables": [SparsePauliOp("ZZ")], "input_params": [t[0]], "weight_params": list(t[1:])}
    noisy = EstimatorQNN(
        circuit=circuit,
        estimator=connection.estimator,
        gradient=ShiftEstimatorGradient(connection=connection),
        pass_manager=connection.pass_manager,
        **settings,
    )
    exact = EstimatorQNN(
        circuit=circuit,
        estimator=ExactEstimator(),
        gradient=AdjointEstimatorGradient(),
        default_precision=0.0,
        **settings,
    )
    x, weights = np.array([[0.3], [0.8]]), np.array([0.7, -0.4])
    found, expected = noisy.backward(x, weights)[1], exact.backward(x, weights)[1]
    assert_allclose(found, expected, atol=5 / np.sqrt(20_000))  # Σ|c| = 1 at most: 5 standard errors and more
