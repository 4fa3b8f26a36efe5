"""qiskit-machine-learning's own classes run unchanged on our primitives."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.algorithms import NeuralNetworkClassifier
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient, SPSAEstimatorGradient
from qiskit_machine_learning.kernels import FidelityQuantumKernel
from qiskit_machine_learning.neural_networks import EstimatorQNN, SamplerQNN
from qiskit_machine_learning.optimizers import COBYLA, L_BFGS_B
from qiskit_machine_learning.state_fidelities import ComputeUncompute

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.gradients import AdjointEstimatorGradient
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import ExactEstimator, ExactSampler


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (12, 2))
    return x, np.where(x[:, 0] > x[:, 1], 1, -1)


def parts():
    feature_map, ansatz = zz_feature_map(2, 1), real_amplitudes(2, reps=1)
    settings = {"input_params": list(feature_map.parameters), "weight_params": list(ansatz.parameters)}
    return feature_map.compose(ansatz), settings


def test_fidelity_quantum_kernel_on_the_exact_sampler(data):
    x, _ = data
    fidelity = ComputeUncompute(ExactSampler(default_shots=2000, seed=1))
    kernel = FidelityQuantumKernel(feature_map=zz_feature_map(2), fidelity=fidelity)
    exact = FidelityKernel(ZZFeatureMap()).evaluate(x[:4])
    # their kernel may be made positive semi-definite, which moves entries by less than the noise: 5 standard errors
    assert_allclose(kernel.evaluate(x[:4]), exact, atol=5 * 0.5 / np.sqrt(2000))


def test_sampler_qnn_agrees_with_the_reference_within_noise(data):
    x, _ = data
    circuit, settings = parts()
    circuit.measure_all()
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    ours, theirs = (
        SamplerQNN(circuit=circuit, sampler=sampler, **settings).forward(x, weights)
        for sampler in (ExactSampler(default_shots=20_000, seed=1), StatevectorSampler(default_shots=20_000, seed=2))
    )
    # two estimates of 48 probabilities, each with a standard error of at most 0.5/√20000; 5 of their difference
    assert_allclose(ours, theirs, atol=5 * np.sqrt(2) * 0.5 / np.sqrt(20_000))


@pytest.mark.parametrize("gradient", [ParamShiftEstimatorGradient, lambda estimator: AdjointEstimatorGradient()])
def test_estimator_qnn_backward_on_the_exact_estimator(data, gradient):
    x, _ = data
    circuit, settings = parts()
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    results = []
    for estimator, method in (
        (ExactEstimator(), gradient),
        (StatevectorEstimator(), ParamShiftEstimatorGradient),
    ):
        network = EstimatorQNN(
            circuit=circuit,
            observables=SparsePauliOp("ZZ"),
            estimator=estimator,
            gradient=method(estimator),
            default_precision=0.0,
            **settings,
        )
        results.append((network.forward(x[:3], weights), network.backward(x[:3], weights)[1]))
    assert_allclose(results[0][0], results[1][0], atol=1e-12)
    assert_allclose(results[0][1], results[1][1], atol=1e-10)


def test_spsa_gradient_runs_on_the_exact_estimator():
    circuit, _ = parts()
    job = SPSAEstimatorGradient(ExactEstimator(), epsilon=0.01, seed=1).run(
        [circuit], [SparsePauliOp("ZZ")], [np.full(6, 0.3)]
    )
    assert job.result().gradients[0].shape == (6,)


# their wrapper of L-BFGS-B passes options that SciPy warns of up to 1.17 and does not know from 1.18 on
@pytest.mark.filterwarnings("ignore:scipy.optimize:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Unknown solver options:scipy.optimize.OptimizeWarning")
@pytest.mark.parametrize("optimizer", [COBYLA(maxiter=60), L_BFGS_B(maxiter=20)])
def test_classifier_trains_with_their_optimizers(data, optimizer):
    x, y = data
    circuit, settings = parts()
    network = EstimatorQNN(
        circuit=circuit,
        observables=SparsePauliOp("ZI"),
        estimator=ExactEstimator(),
        gradient=AdjointEstimatorGradient(),
        default_precision=0.0,
        **settings,
    )
    start = np.full(4, 0.5)
    losses = []
    model = NeuralNetworkClassifier(
        network, optimizer=optimizer, initial_point=start, callback=lambda _, loss: losses.append(loss)
    )
    model.fit(x, y)
    assert min(losses) < 0.9 * losses[0], "training must lower the loss"
