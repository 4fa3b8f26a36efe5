"""The classical kernel that a quantum kernel is most like, against kernels whose twin is known."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.gaussian_process.kernels import RBF, DotProduct
from sklearn.metrics.pairwise import laplacian_kernel, polynomial_kernel, rbf_kernel

from qiskit_qml_ext.circuits import AngleFeatureMap, IQPFeatureMap
from qiskit_qml_ext.diagnostics import centred_alignment, kernel_scores, rbf_twin
from qiskit_qml_ext.kernels import FidelityKernel, ProjectedKernel, QuantumKernel, RawKernel
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(7)
X = RNG.normal(size=(40, 2))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)

KNOWN = {
    "RBF, γ = 0.7": rbf_kernel(X, gamma=0.7),
    "Laplacian, γ = 0.35": laplacian_kernel(X, gamma=0.35),
    "polynomial, degree 2, γ = 0.4": polynomial_kernel(X, degree=2, gamma=0.8, coef0=2.0),
    "polynomial, degree 3, γ = 0.25": polynomial_kernel(X, degree=3, gamma=0.25, coef0=1.0),
    "linear": X @ X.T,
}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize(("factor", "constant"), [(1.0, 0.0), (0.03, 0.9)])
def test_the_twin_of_a_classical_kernel_is_itself_whatever_its_factor_and_constant(name, factor, constant):
    found = rbf_twin(factor * KNOWN[name] + constant, X)
    assert found.twin.name == name
    assert_allclose(found.twin.alignment.value, 1.0, atol=1e-8)
    assert found.twin.alignment.standard_error < 1e-6
    assert [one.alignment.value for one in found.candidates] == sorted(
        (one.alignment.value for one in found.candidates), reverse=True
    )


def test_no_scale_of_a_fine_grid_is_nearer_than_the_one_that_was_found():
    kernel = FidelityKernel(IQPFeatureMap(bandwidth=0.6))
    matrix = kernel.evaluate(X)
    found = {one.family: one for one in rbf_twin(kernel, X).candidates if one.degree in (None, 2)}
    grids = {
        "rbf": lambda gamma: rbf_kernel(X, gamma=gamma),
        "laplacian": lambda gamma: laplacian_kernel(X, gamma=gamma),
        "polynomial": lambda gamma: polynomial_kernel(X, degree=2, gamma=gamma, coef0=1.0),
    }
    for family, make in grids.items():
        best = max(centred_alignment(matrix, make(gamma)) for gamma in np.logspace(-4, 4, 400))
        assert best <= found[family].alignment.value + 1e-9
        assert_allclose(centred_alignment(matrix, make(found[family].gamma)), found[family].alignment.value, atol=1e-12)


def test_a_product_map_of_small_bandwidth_is_an_rbf_kernel():
    """k = Π cos²(cΔ/2), with 1 - c²Δ²/4 + c⁴Δ⁴/48 for a feature, and γ of the same curvature by the same slope.

    The slope is that of γ = c²/4. But a factor does not count: the Δ⁴ of one feature have the ratio to the Δ² of
    γ = c²/6, those of two features that of c²/4, and the nearest γ lies between."""
    for bandwidth, most in ((0.4, 1e-3), (0.2, 1e-4)):
        found = rbf_twin(FidelityKernel(AngleFeatureMap(bandwidth=bandwidth)), X)
        rbf = next(one for one in found.candidates if one.family == "rbf")
        assert 1 - rbf.alignment.value < most
        assert bandwidth**2 / 6 < rbf.gamma < bandwidth**2 / 4


def test_a_kernel_with_a_period_below_the_spread_of_the_data_has_no_near_twin():
    wide = np.random.default_rng(2).uniform(-10, 10, (60, 1))
    assert rbf_twin(FidelityKernel(AngleFeatureMap()), wide).twin.alignment.high < 0.9


def test_labels_do_not_choose_the_twin_and_score_it_beside_the_quantum_kernel_on_the_same_folds():
    kernel = FidelityKernel(IQPFeatureMap(bandwidth=0.6))
    alone, scored = rbf_twin(kernel, X), rbf_twin(kernel, X, LABELS, folds=4, seed=3)
    assert [one.name for one in alone.candidates] == [one.name for one in scored.candidates]
    assert alone.scores is None
    assert alone.score_of(alone.twin) is None
    centring = np.eye(40) - 1 / 40
    rbf = next(one for one in scored.candidates if one.family == "rbf")
    by_hand = kernel_scores(
        centring @ kernel.evaluate(X) @ centring,
        {"rbf": centring @ rbf_kernel(X, gamma=rbf.gamma) @ centring},
        LABELS,
        X=X,
        folds=4,
        seed=3,
    )
    assert scored.scores.quantum.score == by_hand.quantum.score
    assert scored.score_of(rbf).score == by_hand.classical[0].score
    assert scored.score_of(rbf).ahead == by_hand.classical[0].ahead
    assert "On the same 4 folds the quantum kernel scores" in scored.headline()


def test_a_kernel_and_its_twin_that_are_the_same_score_the_same():
    scored = rbf_twin(0.1 * rbf_kernel(X, gamma=1.1) + 0.9, X, LABELS)
    assert scored.score_of(scored.twin).ahead.value == 0.0


def test_shot_noise_is_taken_off_so_that_the_mean_alignment_is_that_of_the_exact_kernel():
    """Entries of 60 shots, 25 draws. The mean must lie within 4 of its standard errors; without the correction it is
    far below."""
    few = X[:20]
    exact = rbf_kernel(few, gamma=0.5)
    truth = rbf_twin(exact, few).twin.alignment.value
    corrected, plain = [], []
    rng = np.random.default_rng(5)
    for _ in range(25):
        counts = np.triu(rng.binomial(60, np.triu(exact, 1)), 1)
        noisy = (counts + counts.T) / 60 + np.eye(20)
        errors = np.sqrt(noisy * (1 - noisy) / 59)
        corrected.append(_rbf(rbf_twin(noisy, few, standard_errors=errors)))
        plain.append(_rbf(rbf_twin(noisy, few)))
    standard_error = np.std(corrected, ddof=1) / math.sqrt(25)
    assert abs(np.mean(corrected) - truth) < 4 * standard_error
    assert truth - np.mean(plain) > 10 * standard_error


def _rbf(found):
    return next(one for one in found.candidates if one.family == "rbf").alignment.value


def test_the_error_of_an_alignment_is_its_scatter_over_samples():
    """400 samples in groups of 40: the jackknife error of one group beside the scatter over the ten."""
    many = np.random.default_rng(8).normal(size=(400, 2))
    kernel = FidelityKernel(IQPFeatureMap(bandwidth=0.8))
    found = [rbf_twin(kernel, many[i : i + 40]) for i in range(0, 400, 40)]
    alignments = [next(one for one in each.candidates if one.family == "rbf").alignment for each in found]
    scatter = np.std([one.value for one in alignments], ddof=1)
    mean_error = np.sqrt(np.mean([one.standard_error**2 for one in alignments]))
    assert 0.4 < scatter / mean_error < 2.0  # χ with 9 degrees of freedom leaves this range in less than 1 % of cases


def test_a_sampled_kernel_brings_its_errors_and_its_shots():
    kernel = FidelityKernel(AngleFeatureMap(bandwidth=0.5), connection=connect("aer", shots=200, seed=3))
    found = rbf_twin(kernel, X[:10], LABELS[:10])
    assert found.shots == 200
    assert 0 < found.noise_share < 1
    assert any(name == "Shot noise" for name, _, _ in found.rows())


def test_noise_that_hides_the_kernel_is_said():
    rng = np.random.default_rng(1)
    noise = np.triu(rng.normal(0, 0.05, (12, 12)), 1)
    matrix = 0.5 + noise + noise.T
    found = rbf_twin(matrix, X[:12], standard_errors=np.full((12, 12), 0.2))
    assert found.noise_share > 1
    assert "Shot noise is as large" in found.headline()
    assert math.isnan(found.twin.alignment.value)
    assert "nan" not in found.summary()


class Unordered(QuantumKernel):
    """A kernel whose two orders of a pair are measured by themselves."""

    def raw_kernel(self, x, y):
        matrix = rbf_kernel(x, x if y is None else y, gamma=0.5)
        return RawKernel(matrix + np.triu(np.full_like(matrix, 1e-3), 1), None, None, "exact")


def test_a_kernel_that_is_not_quite_symmetric_is_taken_as_the_mean_of_both_orders():
    assert rbf_twin(Unordered(), X).twin.family == "rbf"


@pytest.mark.parametrize(
    ("kernel", "samples", "more", "said"),
    [
        (np.ones((3, 4)), X[:4], {}, r"matrix of the shape \(4, 4\) .* shape \(3, 4\) came"),
        (np.eye(5), X[:4], {}, r"shape \(5, 5\) came"),
        (np.eye(4) * np.nan, X[:4], {}, "finite matrix"),
        (np.triu(np.ones((4, 4))), X[:4], {}, "symmetric, but differs from its transpose by 1"),
        (np.ones((4, 4)), X[:4], {}, "same value for all pairs"),
        (np.eye(4), np.ones((4, 2)), {}, "All samples of X are the same"),
        (np.eye(3), X[:3], {}, "at least 4 finite samples"),
        (np.eye(4), np.full((4, 2), np.inf), {}, "not finite"),
        (np.eye(4), X[0], {}, "shape \\(n, features\\)"),
        (np.eye(4), X[:4], {"standard_errors": np.ones((3, 3))}, "standard_errors must be finite"),
        (np.eye(40), X, {"y": LABELS[:5]}, "y must have the shape"),
        (np.eye(40), X, {"folds": 4}, "folds is 4, but there are no labels"),
        (FidelityKernel(AngleFeatureMap()), X, {"standard_errors": np.ones((40, 40))}, "belong to a matrix"),
    ],
)
def test_what_cannot_be_compared_is_refused(kernel, samples, more, said):
    with pytest.raises(ValueError, match=said):
        rbf_twin(kernel, samples, **more)


@pytest.mark.parametrize("kernel", ["rbf", None, FidelityKernel, np.eye(4) * 1j])
def test_what_is_neither_a_kernel_nor_a_matrix_is_refused(kernel):
    with pytest.raises(TypeError, match="kernel"):
        rbf_twin(kernel, X[:4])


def test_kernels_of_scikit_learn_are_kernels_by_their_matrices_only():
    both = (RBF(1.0) + DotProduct())(X)
    assert rbf_twin(both, X).twin.alignment.value < 1


class EachOrderByItself(QuantumKernel):
    """An RBF kernel of which (i, j) and (j, i) are measured apart."""

    def __init__(self, seed=0):
        self.seed = seed

    def raw_kernel(self, x, y):
        exact = rbf_kernel(x, x if y is None else y, gamma=1.0)
        noise = np.random.default_rng(self.seed).normal(0, 0.1, exact.shape)
        return RawKernel(exact + noise, np.full(exact.shape, 0.1), 100, "mine")


def test_errors_of_pairs_that_are_measured_in_both_orders_are_those_of_their_mean():
    few, centring = X[:24], np.eye(24) - 1 / 24
    exact = rbf_kernel(few, gamma=1.0)
    moved, taken_off = [], []
    for seed in range(30):
        matrix = EachOrderByItself(seed).evaluate(few)
        matrix = (matrix + matrix.T) / 2
        moved.append(np.sum((centring @ (matrix - exact) @ centring) ** 2))
        taken_off.append(
            rbf_twin(EachOrderByItself(seed), few).noise_share * np.sum((centring @ matrix @ centring) ** 2)
        )
    assert_allclose(np.mean(taken_off), np.mean(moved), rtol=0.05)


def test_noise_that_entries_may_share_is_not_taken_off_and_that_is_said():
    sampled = ProjectedKernel(AngleFeatureMap(), outer="linear", connection=connect("exact", shots=50, seed=0))
    found = rbf_twin(sampled, X[:12])
    assert math.isnan(found.noise_share)
    assert "not corrected for shots" in found.headline()
    assert ("Shot noise", "not known", "entries may share it, so that nothing is taken off") in found.rows()
    plain = rbf_twin(sampled.evaluate(X[:12]), X[:12])
    assert found.twin.alignment == plain.twin.alignment
    assert "not corrected" not in plain.headline()
    exact = rbf_twin(sampled.exact_copy(), X[:12])
    assert exact.noise_share == 0
    assert "nan" not in found.summary()


def test_no_alignment_above_one_is_shown():
    rng = np.random.default_rng(0)
    above = 0
    for _ in range(10):
        noise = np.triu(rng.normal(0, 0.05, (40, 40)), 1)
        noisy = KNOWN["RBF, γ = 0.7"] + noise + noise.T
        found = rbf_twin(noisy, X, standard_errors=np.full((40, 40), 0.06) - 0.06 * np.eye(40))
        above += found.twin.alignment.value > 1
        assert found.twin.shown.value <= 1
        assert found.twin.shown.high <= 1
        assert str(found.twin.shown) in found.headline()
        assert all(one["alignment"].value <= 1 for one in found.records())
    assert above  # the estimate itself has no bias
