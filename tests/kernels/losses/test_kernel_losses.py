"""Losses of kernel matrices: published formulas at known matrices, derivatives by finite differences, their laws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel

from qiskit_qml_ext.diagnostics import centred_alignment
from qiskit_qml_ext.kernels.losses import (
    KERNEL_LOSSES,
    AlignmentLoss,
    LikelihoodLoss,
    SVCLoss,
    SVRLoss,
    evaluate_kernel_loss,
    kernel_loss_of,
)

# an IQP circuit's fidelities of three samples, to ten digits
K1 = np.array(
    [
        [1.0, 0.6819267481, 0.6617880162],
        [0.6819267481, 1.0, 0.3475737489],
        [0.6617880162, 0.3475737489, 1.0],
    ]
)
SIGNS = np.array([[1.0], [1.0], [-1.0]])
DIGITS = 2e-10


def random_kernel(number, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(number, 3))
    return RBF()(points), rng


def test_centred_alignment_has_its_published_value():
    loss, _ = AlignmentLoss()(K1, SIGNS)
    assert_allclose(1 - loss, 0.8049592611, atol=DIGITS)
    uncentred = np.sum(K1 * (SIGNS @ SIGNS.T)) / (np.linalg.norm(K1) * 3)
    assert_allclose(uncentred, 0.3479394139, atol=DIGITS)  # what it must not be


def test_likelihood_of_a_gaussian_process_has_its_published_value_and_slope():
    loss, slopes = LikelihoodLoss(noise=0.1)(K1, SIGNS)
    assert_allclose(loss, 4.7522627715, atol=DIGITS)
    assert_allclose(-np.trace(slopes), 2.1711098070, atol=10 * DIGITS)  # by the noise, whose matrix is the identity


def test_alignment_is_that_of_the_diagnostics_also_for_three_classes():
    matrix, _ = random_kernel(9)
    groups = np.arange(9) % 3
    targets = np.where(groups[:, None] == np.arange(3), 1.0, -1.0)
    loss, _ = AlignmentLoss()(matrix, targets)
    assert_allclose(1 - loss, centred_alignment(matrix, targets @ targets.T), atol=1e-12)


def test_likelihood_is_that_of_the_normal_distribution_and_of_scikit_learn():
    matrix, rng = random_kernel(6)
    targets = rng.normal(size=(6, 2))
    loss, _ = LikelihoodLoss(noise=0.3)(matrix, targets)
    normal = multivariate_normal(np.zeros(6), matrix + 0.3 * np.eye(6))
    assert_allclose(loss, -sum(normal.logpdf(column) for column in targets.T), atol=1e-10)
    X = np.linspace(0, 1, 6)[:, None]
    process = GaussianProcessRegressor(RBF() + WhiteKernel(0.3), optimizer=None).fit(X, targets[:, 0])
    loss, _ = LikelihoodLoss(noise=0.3)(RBF()(X), targets[:, :1])
    assert_allclose(loss, -process.log_marginal_likelihood(), atol=1e-8)


@pytest.mark.parametrize("name", KERNEL_LOSSES)
@pytest.mark.parametrize("columns", [1, 3])
def test_derivatives_of_a_loss_are_those_of_finite_differences(name, columns):
    matrix, rng = random_kernel(9, seed=4)
    loss = KERNEL_LOSSES[name]()
    targets = rng.normal(size=(9, 1))
    if "classification" in loss.tasks:
        groups = np.arange(9) % 3
        targets = np.where(groups[:, None] == np.arange(columns), 1.0, -1.0)
    _, slopes = loss(matrix, targets)
    for _ in range(3):
        direction = rng.normal(size=(9, 9))
        direction = direction + direction.T
        above, below = (loss(matrix + sign * 1e-5 * direction, targets)[0] for sign in (1, -1))
        assert_allclose(np.sum(slopes * direction), (above - below) / 2e-5, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", KERNEL_LOSSES)
def test_a_loss_is_found_by_name_has_settings_and_changes_nothing(name):
    loss = kernel_loss_of(name, KERNEL_LOSSES[name].tasks[-1])
    matrix, _rng = random_kernel(6)
    targets = np.where(np.arange(6)[:, None] % 2, 1.0, -1.0)
    before = matrix.copy(), targets.copy()
    value, slopes = evaluate_kernel_loss(loss, matrix, targets)
    assert np.isfinite(value)
    assert_allclose(slopes, slopes.T, atol=1e-12)
    np.testing.assert_array_equal(matrix, before[0])
    np.testing.assert_array_equal(targets, before[1])
    assert type(loss)(**loss.get_params()).get_params() == loss.get_params()


def test_samples_that_are_no_support_vectors_do_not_count():
    matrix = RBF()(np.array([[-2.0], [-0.2], [0.2], [2.0]]))
    _, slopes = SVCLoss(C=1000.0)(matrix, np.array([[-1.0], [-1.0], [1.0], [1.0]]))
    assert np.count_nonzero(np.abs(slopes).sum(axis=0)) >= 2
    _, slopes = SVRLoss(epsilon=10.0)(matrix, np.array([[-1.0], [-1.0], [1.0], [1.0]]))
    assert not slopes.any()


@pytest.mark.parametrize(
    ("loss", "matrix", "targets", "message"),
    [
        (AlignmentLoss(), np.ones((3, 3)), SIGNS, "says the same of all pairs"),
        (AlignmentLoss(), K1, np.ones((3, 1)), "the same target"),
        (LikelihoodLoss(noise=0.1), np.array([[1.0, 2.0], [2.0, 1.0]]), SIGNS[:2], "eigenvalue of -1"),
        (LikelihoodLoss(noise=-1), K1, SIGNS, "noise must be positive"),
    ],
)
def test_a_loss_that_is_not_defined_says_why(loss, matrix, targets, message):
    with pytest.raises(ValueError, match=message):
        loss(matrix, targets)


@pytest.mark.parametrize(
    ("loss", "task", "error"),
    [
        ("nonsense", "classification", ValueError),
        ("svr", "classification", ValueError),
        (SVCLoss(), "regression", ValueError),
        (3, "regression", TypeError),
        (AlignmentLoss, "regression", TypeError),
        (lambda matrix: 0, "regression", TypeError),
    ],
)
def test_what_is_no_loss_for_a_task_is_refused_with_those_that_are(loss, task, error):
    with pytest.raises(error, match="loss must be one of 'alignment'"):
        kernel_loss_of(loss, task)


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (0.0, TypeError, "a pair"),
        ((0.0, np.zeros(3)), ValueError, r"shape \(3, 3\)"),
        ((np.nan, np.zeros((3, 3))), ValueError, "not finite"),
    ],
)
def test_what_a_loss_of_ones_own_returns_is_checked(returned, error, message):
    with pytest.raises(error, match=message):
        evaluate_kernel_loss(lambda matrix, targets: returned, K1, SIGNS)
