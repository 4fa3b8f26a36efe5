"""Ridge regression with a quantum kernel."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.kernel_ridge import KernelRidge

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumKernelRidge

RNG = np.random.default_rng(5)
X = RNG.uniform(0, np.pi, (15, 2))
NEW = RNG.uniform(0, np.pi, (4, 2))
Y = np.column_stack([np.sin(X[:, 0]), np.cos(X[:, 1]), X[:, 0] * X[:, 1]])
KERNEL = FidelityKernel(AngleFeatureMap(bandwidth=0.8))


@pytest.mark.parametrize("y", [Y[:, 0], Y])
def test_predictions_solve_the_linear_system(y):
    model = QuantumKernelRidge(KERNEL, alpha=0.3).fit(X, y)
    solved = np.linalg.solve(KERNEL.evaluate(X) + 0.3 * np.eye(15), y)
    assert_allclose(model.dual_coef_, solved, atol=1e-10)
    assert_allclose(model.predict(NEW), KERNEL.evaluate(NEW, X) @ solved, atol=1e-10)


def test_each_target_may_have_its_own_regularisation():
    strengths = np.array([0.01, 0.1, 1.0])
    model = QuantumKernelRidge(KERNEL, alpha=strengths).fit(X, Y)
    for column, alpha in enumerate(strengths):
        alone = QuantumKernelRidge(KERNEL, alpha=alpha).fit(X, Y[:, column])
        assert_allclose(model.predict(NEW)[:, column], alone.predict(NEW), atol=1e-10)


def test_weights_are_those_of_scikit_learn():
    weight = RNG.uniform(0.5, 2, 15)
    theirs = KernelRidge(kernel=KERNEL, alpha=0.3).fit(X, Y, sample_weight=weight)
    ours = QuantumKernelRidge(KERNEL, alpha=0.3).fit(X, Y, sample_weight=weight)
    assert_allclose(ours.predict(NEW), theirs.predict(NEW), atol=1e-10)


def test_negative_weights_are_refused():
    with pytest.raises(ValueError, match="sample_weight must not be negative, but -1"):
        QuantumKernelRidge(KERNEL).fit(X, Y, sample_weight=np.r_[-1.0, np.ones(14)])
