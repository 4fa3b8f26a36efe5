import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel, clip_spectrum, shift_spectrum
from qiskit_qml_ext.kernels.repairs import REPAIRS
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import connect

INDEFINITE = np.array([[1.0, 2.0], [2.0, 1.0]])  # eigenvalues -1 and 3


def test_clipping_gives_the_nearest_positive_semidefinite_matrix():
    # the eigenvalue 3 belongs to (1, 1)/√2, so what is left is 3·(1, 1)ᵀ(1, 1)/2
    assert_allclose(clip_spectrum(INDEFINITE), np.full((2, 2), 1.5), atol=1e-14)


def test_shifting_keeps_the_off_diagonal_entries():
    assert_allclose(shift_spectrum(INDEFINITE), [[2.0, 2.0], [2.0, 2.0]], atol=1e-14)


def test_positive_semidefinite_matrices_stay_as_they_are():
    for repair in (clip_spectrum, shift_spectrum):
        assert_allclose(repair(np.eye(3)), np.eye(3), atol=0)


X = np.random.default_rng(2).uniform(-3, 3, (8, 2))


def sampled(repair):
    return FidelityKernel(ZZFeatureMap(), connection=connect(shots=20, seed=1), psd_repair=repair)


class Ridge:
    """A repair of the user's own: the largest standard error, added to the diagonal."""

    def __init__(self):
        self.seen = []

    def __call__(self, raw):
        self.seen.append(raw)
        return raw.matrix + raw.standard_errors.max() * np.eye(len(raw.matrix))


def test_a_repair_sees_the_matrix_its_errors_and_its_shots():
    repair = Ridge()
    estimate = sampled(repair).evaluate_with_errors(X)
    (raw,) = repair.seen
    assert (raw.shots, raw.target) == (20, "exact")
    assert_allclose(raw.matrix, estimate.raw, atol=0)
    assert_allclose(raw.standard_errors, estimate.standard_errors, atol=0)
    assert_allclose(estimate.matrix - estimate.raw, estimate.standard_errors.max() * np.eye(8), atol=1e-15)
    assert_allclose(sampled(Ridge()).evaluate(X), estimate.matrix, atol=0)
    assert sampled(Ridge()).enforce_psd


def test_a_repair_of_an_exact_matrix_sees_no_errors():
    repair = Ridge()
    FidelityKernel(ZZFeatureMap(), psd_repair=repair).evaluate(X)
    assert repair.seen[0].shots is None
    assert not repair.seen[0].standard_errors.any()


def test_a_repair_leaves_the_raw_matrix_and_matrices_of_two_sets_of_samples():
    def spoil(raw):
        raw.matrix[:] = 7.0
        return raw.matrix

    estimate = sampled(spoil).evaluate_with_errors(X)
    assert_allclose(estimate.raw, sampled(None).evaluate(X), atol=0)
    assert_allclose(estimate.matrix, 7.0, atol=0)
    assert_allclose(sampled(spoil).evaluate(X, X[:3]), sampled(None).evaluate(X, X[:3]), atol=0)


@pytest.mark.parametrize(("name", "function"), [("clip", clip_spectrum), ("shift", shift_spectrum)])
def test_repairs_by_name_are_the_functions(name, function):
    estimate = sampled(name).evaluate_with_errors(X)
    assert np.linalg.eigvalsh(estimate.raw)[0] < 0
    assert_allclose(estimate.matrix, function(estimate.raw), atol=0)
    assert_allclose(sampled(function).evaluate(X), estimate.matrix, atol=0)


@pytest.mark.parametrize("name", REPAIRS)
def test_every_repair_leaves_an_exact_matrix_as_it_is(name):
    exact = FidelityKernel(ZZFeatureMap()).evaluate(X)
    kernel = FidelityKernel(ZZFeatureMap(), psd_repair=name, run_diagonal=True)
    assert_allclose(kernel.evaluate(X), exact, atol=1e-11)


KNOWN = f"psd_repair must be None, {', '.join(map(repr, REPAIRS))}"


def test_what_is_no_repair_is_refused():
    for rows in ((X,), (X, X[:2])):
        with pytest.raises(ValueError, match=f"{KNOWN}, but 'mend' came"):
            sampled("mend").evaluate(*rows)
    with pytest.raises(TypeError, match=rf"{KNOWN}, a callable or a sequence of these, but 3 \(int\) came"):
        sampled(3).evaluate(X)
    for no_repair, why in ((Ridge, "Ridge is a class"), (np.cross, "cross takes other arguments")):
        with pytest.raises(TypeError, match=rf"{why}\. .* one RawKernel \(matrix, errors, shots, target\)"):
            sampled(no_repair).evaluate(X, X[:2])


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (np.full((8, 8), np.nan), "return finite numbers, but mend returned nan in row 0, column 0"),
        (np.eye(8) + 1j, "return a matrix of real numbers, but mend returned complex128 numbers"),
        ("a", "return a matrix of real numbers, but mend returned a str"),
        (None, "return a matrix of real numbers, but mend returned a NoneType"),
        ([[1.0], [1.0, 2.0]], "return a matrix of real numbers, but mend returned a list"),
        (np.eye(7), r"keep the shape of the matrix, \(8, 8\), but mend returned \(7, 7\)"),
    ],
)
def test_what_a_repair_returns_is_a_finite_real_matrix(returned, words):
    def mend(raw):
        return returned

    for ask in (sampled(mend).evaluate, sampled(mend).evaluate_with_errors):
        with pytest.raises(ValueError, match=f"A repair must {words}"):
            ask(X)


def test_a_repair_that_changes_the_shape_is_named_without_its_address():
    with pytest.raises(ValueError, match=r"keep the shape of the matrix, \(8, 8\), but <lambda> returned \(7, 7\)"):
        sampled(lambda raw: raw.matrix[1:, 1:]).evaluate(X)


def test_a_repair_of_the_users_own_goes_through_clone_and_a_grid_search():
    repair = Ridge()
    assert clone(sampled(repair)).psd_repair is repair
    search = GridSearchCV(QuantumSVC(FidelityKernel(ZZFeatureMap())), {"kernel__psd_repair": [None, "clip", repair]})
    assert len(search.fit(np.tile(X, (2, 1)), np.arange(16) % 2).cv_results_["params"]) == 3
