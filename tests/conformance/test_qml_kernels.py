"""Our kernels in qiskit-machine-learning's machines and trainer: the numbers are those of their own kernels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit.circuit.library import zz_feature_map
from qiskit_machine_learning.algorithms import QSVC, QSVR, PegasosQSVC
from qiskit_machine_learning.kernels import FidelityStatevectorKernel, TrainableFidelityStatevectorKernel
from qiskit_machine_learning.kernels.algorithms import QuantumKernelTrainer
from qiskit_machine_learning.optimizers import COBYLA, SPSA
from qiskit_machine_learning.utils import algorithm_globals
from qiskit_machine_learning.utils.loss_functions import SVCLoss as TheirSVCLoss
from qiskit_machine_learning.utils.loss_functions import SVRLoss as TheirSVRLoss

from qiskit_qml_ext.kernels import CombinedKernel, FidelityKernel, TrainableKernel
from qiskit_qml_ext.kernels.losses import SVCLoss, SVRLoss

X = np.random.default_rng(0).uniform(0, 3, (24, 2))
TESTS = np.random.default_rng(1).uniform(0, 3, (7, 2))
Y = (X[:, 0] > X[:, 1]).astype(int)
NUMBERS = np.sin(X[:, 0]) + X[:, 1]
DIGITS = 1e-10


def circuit():
    """Return a data block, a trained block and the data block again, and the trained parameters."""
    data, trained = zz_feature_map(2, reps=1), zz_feature_map(2, reps=1, parameter_prefix="θ")
    return data.compose(trained).compose(data), list(trained.parameters)


def ours(kind):
    map_ = zz_feature_map(2)
    if kind == "combined":
        return CombinedKernel([("zz", FidelityKernel(map_))])
    if kind == "trained":
        return TrainableKernel(map_, training_values=(), trained_bandwidth=None)
    return FidelityKernel(map_)


KINDS = ("fidelity", "trained", "combined")


@pytest.mark.parametrize("kind", KINDS)
def test_support_vector_machines_have_their_numbers(kind):
    theirs = FidelityStatevectorKernel(feature_map=zz_feature_map(2))
    for machine, y in ((QSVC, Y), (QSVR, NUMBERS)):
        one, other = (machine(quantum_kernel=kernel, tol=1e-12).fit(X, y) for kernel in (ours(kind), theirs))
        assert_array_equal(one.support_, other.support_)
        assert_allclose(one.dual_coef_, other.dual_coef_, atol=DIGITS)
        assert_allclose(one.predict(TESTS), other.predict(TESTS), atol=DIGITS)
    one, other = (QSVC(quantum_kernel=kernel, tol=1e-12).fit(X, Y) for kernel in (ours(kind), theirs))
    assert_allclose(one.decision_function(TESTS), other.decision_function(TESTS), atol=DIGITS)


@pytest.mark.parametrize("kind", KINDS)
def test_pegasos_has_their_numbers(kind):
    theirs = FidelityStatevectorKernel(feature_map=zz_feature_map(2))
    one, other = (
        PegasosQSVC(quantum_kernel=kernel, C=50, num_steps=60, seed=3).fit(X, Y) for kernel in (ours(kind), theirs)
    )
    assert_allclose(one.decision_function(TESTS), other.decision_function(TESTS), atol=DIGITS)


@pytest.mark.parametrize("kind", [FidelityKernel, TrainableKernel])
def test_their_trainer_takes_the_same_way(kind, monkeypatch):
    results = []
    for make in (kind, lambda map_, **given: TrainableFidelityStatevectorKernel(feature_map=map_, **given)):
        map_, trained = circuit()
        monkeypatch.setattr(algorithm_globals, "random_seed", 5)  # what their trainer draws from
        values = []

        def loss(*arguments, values=values, **settings):
            values.append(TheirSVCLoss(C=1.0, tol=1e-12).evaluate(*arguments, **settings))
            return values[-1]

        their_loss = TheirSVCLoss(C=1.0, tol=1e-12)
        their_loss.evaluate = loss
        trainer = QuantumKernelTrainer(
            quantum_kernel=make(map_, training_parameters=trained),
            loss=their_loss,
            optimizer=SPSA(maxiter=8, learning_rate=0.1, perturbation=0.1),
            initial_point=np.array([0.3, 0.7]),
        )
        results.append((values, trainer.fit(X[:14], Y[:14])))
    (ours_values, one), (their_values, other) = results
    assert_allclose(ours_values, their_values, atol=DIGITS)
    assert_allclose(one.optimal_point, other.optimal_point, atol=DIGITS)
    assert_allclose(one.optimal_value, other.optimal_value, atol=DIGITS)
    assert_allclose(one.quantum_kernel.evaluate(X), other.quantum_kernel.evaluate(X), atol=DIGITS)


def test_losses_of_support_vectors_have_their_numbers():
    map_, trained = circuit()
    kernel = FidelityKernel(map_, training_parameters=trained)
    theirs = TheirSVCLoss(C=2.0, tol=1e-10).evaluate([0.3, 0.7], kernel, X, Y)
    loss, _ = SVCLoss(C=2.0, tol=1e-10)(kernel.evaluate(X), np.where(Y, 1.0, -1.0)[:, None])
    assert_allclose(loss, theirs, atol=DIGITS)
    theirs = TheirSVRLoss(C=2.0, epsilon=0.05, tol=1e-10).evaluate([0.3, 0.7], kernel, X, NUMBERS)
    loss, _ = SVRLoss(C=2.0, epsilon=0.05, tol=1e-10)(kernel.evaluate(X), NUMBERS[:, None])
    assert_allclose(loss, theirs, atol=DIGITS)


def test_training_by_gradient_ends_below_their_trainer():
    map_, trained = circuit()
    kernel = FidelityKernel(map_, training_parameters=trained)
    start = np.array([0.3, 0.7])
    trainer = QuantumKernelTrainer(
        quantum_kernel=kernel, loss=TheirSVCLoss(C=1.0), optimizer=COBYLA(maxiter=40), initial_point=start
    )
    found = trainer.fit(X, Y).optimal_value
    mine = TrainableKernel(
        map_,
        loss="svc",
        optimizer="L-BFGS-B",
        trained_bandwidth=None,
        training_parameters=trained,
        training_values=start,
    ).fit(X, Y)
    assert mine.history_["loss"].iloc[-1] < found + 1e-2
