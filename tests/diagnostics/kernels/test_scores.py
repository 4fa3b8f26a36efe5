"""Kernels in cross-validation against ridge regression by scikit-learn, and what the scores are called."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.diagnostics import kernel_scores
from qiskit_qml_ext.diagnostics.kernels.geometric_difference import standard_kernels
from qiskit_qml_ext.diagnostics.kernels.scores import _RIDGES, _folds, _groups, _predict, why_no_scores
from qiskit_qml_ext.kernels import FidelityKernel


def planted(size: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Data, the ZZ kernel on them, and classes from a function of its own."""
    rng = np.random.default_rng(seed)
    low, high = ZZFeatureMap().data_range
    X = rng.uniform(low, high, (size, 3))
    kernel = FidelityKernel(ZZFeatureMap()).evaluate(X)
    f = kernel @ (rng.normal(size=size) * (rng.random(size) < 0.15))
    return X, kernel, (f > np.median(f)).astype(int)


def test_prediction_is_that_of_ridge_regression_with_the_best_left_out_error():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    K = rbf_kernel(X)
    train, test = np.arange(20), np.arange(20, 30)
    inner = K[np.ix_(train, train)]
    middle = y[train].mean()

    def fit(rows, ridge):
        return KernelRidge(alpha=ridge, kernel="precomputed").fit(inner[np.ix_(rows, rows)], y[rows] - middle)

    errors = []
    for ridge in _RIDGES:
        rest = [np.delete(train, i) for i in train]
        left = [fit(r, ridge).predict(inner[i : i + 1, r])[0] for i, r in zip(train, rest, strict=True)]
        errors.append(np.sum((y[train] - middle - left) ** 2))
    ridge = _RIDGES[int(np.argmin(errors))]
    expected = middle + fit(train, ridge).predict(K[np.ix_(test, train)])
    np.testing.assert_allclose(_predict(inner, K[np.ix_(test, train)], y[train, None])[:, 0], expected, atol=1e-9)


def test_equal_rows_stay_in_one_fold_and_classes_are_spread_over_the_folds():
    rng = np.random.default_rng(1)
    X = rng.integers(0, 12, (60, 1)).astype(float)
    y = (X[:, 0] > 5).astype(int)
    tests = _folds(y, _groups(X, 60), 5, 0)
    assert sorted(np.concatenate(tests)) == list(range(60))
    for one in tests:
        others = np.setdiff1d(np.arange(60), one)
        assert not set(X[one, 0]) & set(X[others, 0])
    even = _folds(np.repeat([0, 1], 50), _groups(None, 100), 5, 0)
    assert [np.count_nonzero(one < 50) for one in even] == [10] * 5


def test_repeated_rows_do_not_make_coin_flips_predictable():
    rng = np.random.default_rng(2)
    base = rng.normal(size=(40, 2))
    X, y = np.repeat(base, 3, axis=0), np.repeat(rng.integers(0, 2, 40), 3)
    memory = rbf_kernel(X, gamma=1e4)  # 1 for equal rows, else 0
    assert kernel_scores(memory, {"memory": memory}, y, X=X).quantum.score < 0.7
    assert kernel_scores(memory, {"memory": memory}, y).quantum.score > 0.9  # not told, so it leaks


def test_the_kernel_that_made_the_labels_is_found():
    for seed in range(3):
        X, kernel, y = planted(150, seed)
        found = kernel_scores(kernel, standard_kernels(X, 150), y, X=X, seed=seed)
        assert found.ranking == "quantum_scores_higher"
        assert found.best.ahead.low > 0


def test_the_best_classical_kernel_is_named_where_it_is_better():
    X, kernel, _ = planted(150, 0)
    for labels in ((X[:, 0] > X[:, 0].mean()).astype(int), np.digitize(X[:, 0], np.quantile(X[:, 0], [0.3, 0.6]))):
        found = kernel_scores(kernel, standard_kernels(X, 150), labels, X=X)
        assert found.ranking == "classical_scores_as_well"
        assert found.best.score == max(one.score for one in found.classical) > 0.9
        assert found.best.name in found.headline()
    values = kernel_scores(kernel, standard_kernels(X, 150), 100 * X[:, 0], X=X)
    assert (values.scoring, values.ranking) == ("R²", "classical_scores_as_well")
    same = kernel_scores(kernel, standard_kernels(X, 150), X[:, 0] / 7 + 3, X=X)
    assert same.best.score == pytest.approx(values.best.score, abs=1e-9)


def test_noise_is_learned_by_no_kernel():
    """60 sets of coin flips, equal and unequal classes: the best of 14 kernels passes 3 errors in about 1 of 100."""
    X, kernel, _ = planted(80, 0)
    classical = standard_kernels(X, 80)
    rng = np.random.default_rng(5)
    found = [
        kernel_scores(kernel, classical, (rng.random(80) < share).astype(int), X=X, seed=trial).ranking
        for trial, share in enumerate([0.5, 0.5, 0.8] * 8)
    ]
    assert found.count("nothing_learned") >= 22  # fewer than 22 of 24 at 1 %: 2e-4


def test_values_that_a_kernel_predicts_by_half_are_learned():
    """R² of 0.47 to 0.54 from 60 samples; three times √(2/60), the scatter of the labels by themselves, is 0.55."""
    for seed in (0, 2, 4):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(60, 1))
        y = X[:, 0] + 0.8 * rng.normal(size=60)
        found = kernel_scores(np.eye(60), {"linear": X @ X.T + 1}, y, X=X)
        assert 0.45 < found.best.score < 0.547
        assert found.ranking == "classical_scores_as_well"
        difference = (y - y.mean()) ** 2 / y.var() - found.losses["linear"]
        assert found.learned.value == pytest.approx(found.best.score)
        assert found.learned.standard_error == pytest.approx(difference.std(ddof=1) / np.sqrt(60))


def test_values_without_a_pattern_are_not_learned():
    X, kernel, _ = planted(80, 0)
    classical = standard_kernels(X, 80)
    rng = np.random.default_rng(7)
    found = [
        kernel_scores(kernel, classical, draw(), X=X, seed=trial).ranking
        for trial in range(8)
        for draw in (lambda: rng.normal(size=80), lambda: rng.exponential(size=80), lambda: rng.standard_t(4, size=80))
    ]
    assert found.count("nothing_learned") >= 22


def test_rows_say_which_score_is_subtracted():
    X, kernel, _ = planted(150, 0)
    found = kernel_scores(kernel, standard_kernels(X, 150), (X[:, 0] > X[:, 0].mean()).astype(int), X=X)
    rows = {name: meaning for name, _, meaning in found.rows()}
    assert rows[found.best.name].startswith("quantum minus this: −0.")
    assert "ahead by" not in found.summary()


def test_mistakes_are_named():
    kernel, y = np.eye(12), np.arange(12) % 2
    with pytest.raises(ValueError, match="at least 10 different samples"):
        kernel_scores(kernel, {"k": kernel}, y, X=np.zeros((12, 1)))
    with pytest.raises(ValueError, match="at least one kernel"):
        kernel_scores(kernel, {}, y)
    with pytest.raises(ValueError, match="All labels are equal"):
        kernel_scores(kernel, {"k": kernel}, np.zeros(12))
    with pytest.raises(ValueError, match=r"y must have the shape \(12,\)"):
        kernel_scores(kernel, {"k": kernel}, y[:5])
    with pytest.raises(ValueError, match="has 3 samples but the quantum one 12"):
        kernel_scores(kernel, {"k": np.eye(3)}, y)
    with pytest.raises(ValueError, match="folds must be"):
        kernel_scores(kernel, {"k": kernel}, y, folds=1)
    with pytest.raises(ValueError, match="X must have 12 rows"):
        kernel_scores(kernel, {"k": kernel}, y, X=np.zeros((3, 1)))


@pytest.mark.parametrize(
    ("labels", "X"),
    [(np.zeros(12), None), (np.arange(9) % 2, None), (np.arange(12) % 2, np.arange(12)[:, None] % 7)],
)
def test_why_there_are_no_scores_is_the_message_of_the_error(labels, X):
    size = len(labels)
    with pytest.raises(ValueError, match=r"equal|at least 10") as error:
        kernel_scores(np.eye(size), {"linear": np.eye(size)}, labels, X=X)
    assert why_no_scores(labels, X) == str(error.value)
    assert why_no_scores(np.arange(12) % 2) is None
