import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from qiskit_qml_ext.models.losses import LOSSES, CrossEntropyLoss, HuberLoss, evaluate_loss, loss_of

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("num_outputs", [1, 2, 5])
def test_derivatives_agree_with_finite_differences(name, num_outputs):
    outputs = RNG.normal(size=(7, num_outputs)) * 2
    targets = 2 * np.eye(num_outputs)[RNG.integers(num_outputs, size=7)] - 1  # one class a sample
    loss, step = LOSSES[name](), 1e-6
    _, derivatives = loss(outputs, targets)
    for column in range(num_outputs):
        shift = np.zeros(num_outputs)
        shift[column] = step
        slope = (loss(outputs + shift, targets)[0] - loss(outputs - shift, targets)[0]) / (2 * step)
        # central differences: step² times third derivatives, and 1e-16 / step from rounding; no sample is at a kink
        assert_allclose(derivatives[:, column], slope, atol=1e-8)


@pytest.mark.parametrize(("num_classes", "least"), [(2, 0.1269280110), (3, 0.2395447662), (10, 0.7966138010)])
def test_cross_entropy_of_bare_expectation_values_stays_above_its_bound(num_classes, least):
    best = 2 * np.eye(num_classes)[:1] - 1  # 1 for the class and -1 for all others, ln(1 + (K-1) e^-2)
    values, derivatives = CrossEntropyLoss()(best, best)
    assert_allclose(values, least, atol=1e-10)
    assert_allclose(derivatives, CrossEntropyLoss().probabilities(best) - (best + 1) / 2, atol=1e-15)


def test_cross_entropy_neither_overflows_nor_loses_small_losses():
    targets = np.array([[1.0, -1.0], [1.0, -1.0]])
    values, derivatives = CrossEntropyLoss()(np.array([[1e4, -1e4], [-1e4, 1e4]]), targets)
    assert_allclose(values, [0.0, 2e4])
    assert_allclose(derivatives, [[0, 0], [-1, 1]])


def test_huber_is_half_the_square_inside_and_linear_outside():
    values, derivatives = HuberLoss(0.5)(np.array([[0.2], [3.0]]), np.zeros((2, 1)))
    assert_allclose(values, [0.02, 0.5 * (3 - 0.25)], atol=1e-15)
    assert_allclose(derivatives[:, 0], [0.2, 0.5], atol=1e-15)


def test_losses_are_tuned_and_cloned_like_estimators():
    assert clone(HuberLoss(0.5)).delta == 0.5


@pytest.mark.parametrize(
    ("loss", "task", "error", "words"),
    [
        ("absolute", "regression", ValueError, "'huber', 'squared'"),
        ("hinge", "regression", ValueError, "'huber', 'squared' or a callable for regression"),
        (CrossEntropyLoss(), "regression", ValueError, "callable for regression"),
        (3, "classification", TypeError, "'cross_entropy', 'hinge', 'huber', 'squared'"),
        (CrossEntropyLoss, "classification", TypeError, "a callable loss"),
        (lambda outputs: outputs, "classification", TypeError, "a callable loss"),
    ],
)
def test_what_is_no_loss_is_refused_with_the_list(loss, task, error, words):
    with pytest.raises(error, match=words):
        loss_of(loss, task)


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        (1.0, TypeError, "a pair"),
        ((np.zeros(3), np.zeros((3, 1))), ValueError, r"\(2,\) and derivatives of the shape \(2, 1\)"),
        ((np.zeros(2), np.full((2, 1), np.nan)), ValueError, "not finite"),
    ],
)
def test_a_loss_of_ones_own_that_returns_nonsense_is_an_error(returned, error, words):
    with pytest.raises(error, match=words):
        evaluate_loss(lambda outputs, targets: returned, np.zeros((2, 1)), np.zeros((2, 1)))
