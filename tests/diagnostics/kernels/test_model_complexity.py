"""Complexities and geometric differences by other formulas, and what they license to say."""

import math
import re

import numpy as np
import pytest
from scipy.linalg import eigh
from sklearn.metrics.pairwise import rbf_kernel

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.diagnostics import geometric_difference, model_complexity
from qiskit_qml_ext.diagnostics.kernels.model_complexity import complexity, label_columns, scaled
from qiskit_qml_ext.kernels import FidelityKernel


def random_kernel(size: int, seed: int, rank: int | None = None) -> np.ndarray:
    factor = np.random.default_rng(seed).normal(size=(size, rank or size))
    kernel = factor @ factor.T
    return kernel * size / np.trace(kernel)


def difference(classical: np.ndarray, quantum: np.ndarray) -> float:
    return geometric_difference(quantum, classical={"a": classical}, regularization=0.0).closest.difference


def wide_rbf(X: np.ndarray) -> np.ndarray:
    return rbf_kernel(X, gamma=0.02)


@pytest.mark.parametrize("rank", [2, 12])
@pytest.mark.parametrize("lam", [1e-3, 0.3, 5.0])
def test_complexity_is_the_training_error_and_the_norm_of_a_ridge_fit(rank, lam):
    """The fit f = K(K + λ)⁻¹y by solving, its residual, and its squared norm aᵀKa, a = (K + λ)⁻¹y."""
    kernel, y = random_kernel(12, 3, rank), np.random.default_rng(0).normal(size=12)
    coefficients = np.linalg.solve(kernel + lam * np.eye(12), y)
    training = np.sum((y - kernel @ coefficients) ** 2)
    norm = coefficients @ kernel @ coefficients
    found = complexity(scaled("k", 7 * kernel), label_columns(y), lam)
    assert found.training == pytest.approx(training, rel=1e-9)
    assert found.norm == pytest.approx(norm, rel=1e-9)
    assert model_complexity(7 * kernel, y, regularization=lam) == pytest.approx(training + norm, rel=1e-9)


def test_labels_that_a_linear_kernel_cannot_fit_are_not_simple_for_it():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 3)), rng.choice([-1.0, 1.0], 200)
    design = np.c_[np.ones(200), X]
    residual = np.sum((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2)
    assert model_complexity(design @ design.T, y, regularization=1e-3) == pytest.approx(residual, abs=0.2)
    assert residual > 190
    assert model_complexity(design @ design.T, y) == math.inf
    row = next(row for row in geometric_difference(np.eye(200), X, y).rows() if row[0] == "polynomial, degree 1")
    assert "s = 197, of it 197 training error" in row[2]


@pytest.mark.parametrize("lam", [1e-6, 1e-3, 0.1, 2.0])
@pytest.mark.parametrize("rank", [1, 5, 20, 40])
def test_no_kernel_finds_coin_flips_simple(rank, lam):
    """E over coin flips of yᵀAy is Tr A, so √(training/N) + √(norm/N) ≥ 1 by Jensen and Cauchy-Schwarz."""
    kernel = random_kernel(40, rank, rank)
    inverse = np.linalg.inv(kernel + lam * np.eye(40))
    training, norm = lam**2 * np.trace(inverse @ inverse), np.trace(inverse @ kernel @ inverse)
    assert math.sqrt(training / 40) + math.sqrt(norm / 40) >= 1 - 1e-9
    flips = np.random.default_rng(1).choice([-1.0, 1.0], (40, 400))
    found = complexity(scaled("k", kernel), flips, lam)
    # the mean over 400 columns scatters by some percent
    assert found.training == pytest.approx(training, rel=0.1, abs=1e-3)
    assert found.norm == pytest.approx(norm, rel=0.1)


def test_the_unit_of_the_labels_changes_no_conclusion_and_no_bound():
    X = np.random.default_rng(2).uniform(0, 1, (60, 3))
    kernel = FidelityKernel(AngleFeatureMap(bandwidth=0.3)).evaluate(X)
    y = X @ [1.0, -2.0, 0.5]
    y -= y.mean()
    one, other = (geometric_difference(kernel, X, unit * y) for unit in (1.0, 1000.0))
    assert one.conclusion == other.conclusion
    assert one.bound(one.closest) == pytest.approx(other.bound(other.closest))
    assert other.quantum_complexity == pytest.approx(1e6 * one.quantum_complexity)


@pytest.mark.parametrize("spelling", [[0, 1, 1, 0, 1], ["b", "z", "z", "b", "z"], [False, True, True, False, True]])
def test_two_classes_are_plus_and_minus_one_however_they_are_called(spelling):
    kernel = random_kernel(5, 0)
    expected = model_complexity(kernel, [-1.0, 1.0, 1.0, -1.0, 1.0])
    assert model_complexity(kernel, spelling) == pytest.approx(expected)
    assert model_complexity(kernel, np.array(spelling, dtype=object)) == pytest.approx(expected)


def test_more_classes_are_one_column_each_and_values_stay_values():
    np.testing.assert_array_equal(label_columns([2, 0, 1]), [[-1, -1, 1], [1, -1, -1], [-1, 1, -1]])
    np.testing.assert_array_equal(label_columns([2.0, 0.0, 1.0]), [[2.0], [0.0], [1.0]])
    np.testing.assert_array_equal(label_columns(np.arange(30)), np.arange(30.0)[:, None])
    np.testing.assert_array_equal(label_columns(np.array([1.5, 2], dtype=object)), [[1.5], [2.0]])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, math.nan, 0.0], "NaN"),
        (np.array(["a", None, "b"], dtype=object), "a label for every row"),
        ([1 + 2j, 1, 1], "real numbers"),
        (np.ones((3, 2, 2)), "shape"),
        (np.ones(6), "must have 3 rows"),  # which could be read as two columns
    ],
)
def test_labels_that_are_none_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        model_complexity(np.eye(3), y)


@pytest.mark.parametrize("lam", [-1.0, math.nan, math.inf])
def test_a_regularisation_that_is_none_is_named(lam):
    with pytest.raises(ValueError, match="regularization must be"):
        model_complexity(np.eye(3), [1.0, -1.0, 1.0], regularization=lam)


def test_difference_is_the_largest_generalised_eigenvalue_and_has_a_direction():
    """max over v of vᵀK_Q v / vᵀK_C v = ‖√K_Q K_C⁻¹ √K_Q‖: labels y = K_Q v then have s_C = g² s_Q."""
    quantum, classical = random_kernel(14, 8), random_kernel(14, 9)
    values, vectors = eigh(quantum, classical)
    assert difference(classical, quantum) == pytest.approx(math.sqrt(values[-1]), rel=1e-8)
    assert difference(quantum, classical) == pytest.approx(1 / math.sqrt(values[0]), rel=1e-6)
    hardest = classical @ vectors[:, -1]
    ratio = model_complexity(classical, hardest) / model_complexity(quantum, hardest)
    assert ratio == pytest.approx(values[-1], rel=1e-6)


@pytest.mark.parametrize("lam", [0.0, 1e-9, 1e-3])
@pytest.mark.parametrize("gamma", [1e-3, 0.1, 10.0])
def test_difference_of_a_nearly_singular_kernel_from_itself_is_one(gamma, lam):
    kernel = rbf_kernel(np.random.default_rng(0).normal(size=(60, 2)), gamma=gamma)
    noise = 1e-13 * np.random.default_rng(1).normal(size=kernel.shape)
    found = geometric_difference(kernel + noise + noise.T, classical={"itself": kernel}, regularization=lam).closest
    # λ_max/(λ_max + λ) of the generalisation part, at most √λ/2 of the training part
    assert found.difference == pytest.approx(1, abs=1e-3)
    assert found.training_difference <= math.sqrt(lam) / 2 + 1e-9


def test_both_parts_bound_the_complexities_of_labels_in_the_range_of_the_quantum_kernel():
    """√training_C ≤ g_training √s_Q and √norm_C ≤ g √s_Q, s_Q without λ."""
    rng = np.random.default_rng(5)
    for seed in range(20):
        quantum, classical = random_kernel(15, seed), random_kernel(15, seed + 100, rank=1 + seed % 15)
        y, lam = quantum @ rng.normal(size=15), 10 ** rng.uniform(-4, 0)
        found = geometric_difference(quantum, y=y, classical={"c": classical}, regularization=lam).closest
        simple = math.sqrt(model_complexity(quantum, y))
        assert math.sqrt(found.training_error) <= found.training_difference * simple * (1 + 1e-9)
        assert math.sqrt(found.complexity - found.training_error) <= found.difference * simple * (1 + 1e-9)


def never_says_too_much(text: str) -> bool:
    return not re.search(r"guarantee|any labels|learns the same|Labels exist|may be such|do about as well", text)


@pytest.mark.parametrize("concentrated", [np.eye(100), 0.99 * np.eye(100) + 0.01])
@pytest.mark.parametrize("alone", [False, True])
def test_a_concentrated_kernel_is_said_nothing_of(concentrated, alone):
    """The identity is far from every smooth kernel, and s = N on any labels: it predicts nothing."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 4)), rng.choice([-1.0, 1.0], 100)
    wide = {"classical": {"rbf, wide": wide_rbf(X)}} if alone else {}
    found = geometric_difference(concentrated, None if alone else X, y, **wide)
    assert found.quantum_complexity == pytest.approx(100, rel=0.01)
    assert found.conclusion == "quantum_bound_silent"
    assert never_says_too_much(found.headline())
    assert "says nothing" in found.headline()


def test_the_identity_as_classical_kernel_is_no_reason_to_do_without_the_quantum_one():
    X = np.random.default_rng(1).uniform(0, 2 * np.pi, (80, 3))
    kernel = FidelityKernel(AngleFeatureMap(bandwidth=0.3)).evaluate(X)
    top = np.linalg.eigh(kernel)[1][:, -2]  # as simple for the quantum kernel as labels can be
    found = geometric_difference(kernel, y=top, classical={"identity": np.eye(80)})
    assert found.closest.total == pytest.approx(math.sqrt(np.linalg.eigvalsh(kernel)[-1]), rel=0.01)
    assert found.conclusion in ("bounds_alike", "labels_simpler_for_quantum")
    assert never_says_too_much(found.headline())


def test_without_labels_nothing_is_concluded():
    X = np.random.default_rng(0).uniform(0, 1, (40, 3))
    for kernel in (np.eye(40), FidelityKernel(AngleFeatureMap()).evaluate(X), random_kernel(40, 0, 5)):
        for y in (None, np.ones(40)):
            found = geometric_difference(kernel, X, y)
            assert found.conclusion == "difference_without_labels"
            assert "Without labels that vary, g does not tell" in found.headline()
            assert never_says_too_much(found.headline())


def test_the_bound_is_printed_where_it_says_something():
    X = np.random.default_rng(2).uniform(0, 1, (60, 3))
    kernel = FidelityKernel(AngleFeatureMap(bandwidth=2.0)).evaluate(X)
    y = X @ [1.0, -2.0, 0.5]
    y = (y - y.mean()) / y.std()
    found = geometric_difference(kernel, X, y)
    assert found.conclusion == "bound_carries_over"
    named = next(c for c in found.comparisons if c.name in found.headline())
    # by hand, from the definitions
    ridge = np.linalg.inv(kernel + 1e-3 * np.eye(60))
    s_quantum = 1e-6 * np.sum((ridge @ y) ** 2) + y @ ridge @ kernel @ ridge @ y
    bound = named.total * math.sqrt(s_quantum / 60)
    assert found.bound(named) == pytest.approx(bound)
    assert bound < 0.8
    assert named.total < 2
    assert f"√(g²·s/N) = {bound:.2g}" in found.headline()
    assert never_says_too_much(found.headline())


def test_labels_that_are_simple_for_the_quantum_kernel_only_are_said_so_kernel_by_kernel():
    size = 80
    rng = np.random.default_rng(3)
    quantum = random_kernel(size, 4, rank=10)
    y = np.linalg.eigh(quantum)[1][:, -1] * math.sqrt(size)
    X = rng.normal(size=(size, 3))
    found = geometric_difference(quantum, X, y)
    assert found.conclusion == "labels_simpler_for_quantum"
    assert "complex for each of the 13 classical kernels" in found.headline()
    assert "does not follow" in found.headline()
    half = 0.15 * quantum + 0.85 * np.eye(size)  # g > 2, but no order of magnitude more complex
    one = geometric_difference(quantum, y=y, classical={"rbf": wide_rbf(X), "half": half})
    assert "1 of the 2 classical kernels" in one.headline()


def test_coin_flips_never_have_a_bound_that_says_something():
    """40 sets of coin flips on kernels of all kinds, unequal classes among them: the guess is what they must beat."""
    rng = np.random.default_rng(7)
    X = rng.uniform(0, 1, (60, 3))
    kernels = [
        FidelityKernel(AngleFeatureMap(bandwidth=0.3)).evaluate(X),
        FidelityKernel(AngleFeatureMap(bandwidth=3.0)).evaluate(X),
        random_kernel(60, 1, rank=30),
        np.eye(60),
    ]
    for trial in range(40):
        share = (0.5, 0.8, 0.95)[trial % 3]
        found = geometric_difference(kernels[trial % 4], X, np.where(rng.random(60) < share, 1, -1))
        assert found.conclusion in ("quantum_bound_silent", "difference_without_labels"), found.headline()
