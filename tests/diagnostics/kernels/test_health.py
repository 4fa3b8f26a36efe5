"""Closed forms and slow independent paths for the health of a kernel matrix."""

import json
import math

import matplotlib as mpl
import numpy as np
import pytest

from qiskit_qml_ext.diagnostics import centred_alignment, ideal_kernel, kernel_health, shots_to_resolve

mpl.use("agg")


def product_kernel(num_samples: int, num_qubits: int, seed: int = 0, *, normal: bool = False) -> np.ndarray:
    """k(x, y) = Π cos²((x-y)/2); for x uniform on a full turn E k = 2⁻ⁿ, Var k = (3/8)ⁿ - 4⁻ⁿ."""
    rng = np.random.default_rng(seed)
    shape = (num_samples, num_qubits)
    x = rng.normal(size=shape) if normal else rng.uniform(-np.pi, np.pi, size=shape)
    return np.prod(np.cos((x[:, None] - x[None]) / 2) ** 2, axis=2)


def slow_alignment(a: np.ndarray, b: np.ndarray) -> float:
    centre = np.eye(len(a)) - 1 / len(a)
    a, b = centre @ a @ centre, centre @ b @ centre
    return float(np.trace(a @ b) / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("num_qubits", [1, 2, 4])
def test_moments_of_the_product_encoding_are_the_closed_form(num_qubits):
    health = kernel_health(product_kernel(400, num_qubits), np.arange(400) % 2)
    # 4 standard errors: false alarm 6e-5 for each of the six comparisons.
    assert abs(health.mean.value - 2.0**-num_qubits) < 4 * health.mean.standard_error
    expected = (3 / 8) ** num_qubits - 4.0**-num_qubits
    assert abs(health.variance.value - expected) < 4 * health.variance.standard_error


def test_jackknife_error_of_the_mean_is_the_scatter_over_data_sets():
    health = [kernel_health(product_kernel(40, 2, seed, normal=True), np.arange(40) % 2) for seed in range(200)]
    scatter = np.std([h.mean.value for h in health], ddof=1)
    # The scatter of 200 data sets is known to 5 %; the jackknife is conservative by a few percent.
    assert 0.85 < np.mean([h.mean.standard_error for h in health]) / scatter < 1.25
    expected = ((1 + np.exp(-1)) / 2) ** 2  # E cos(x-y) = e⁻¹ for two standard normal numbers
    inside = np.mean([h.mean.low <= expected <= h.mean.high for h in health])
    assert inside > 0.9  # 95 % promised; below 90 % of 200 by chance: 0.2 %


def test_jackknife_is_on_the_safe_side_where_samples_do_not_differ():
    # For x uniform on a full turn all samples have the same mean similarity; the jackknife is then √2 too large.
    health = [kernel_health(product_kernel(40, 2, seed), np.arange(40) % 2) for seed in range(200)]
    scatter = np.std([h.mean.value for h in health], ddof=1)
    assert 1.2 < np.mean([h.mean.standard_error for h in health]) / scatter < 1.65


def test_leave_one_out_is_what_leaving_out_one_gives():
    kernel, y = product_kernel(9, 2), np.array([0, 0, 1, 1, 2, 2, 0, 1, 2])
    health = kernel_health(kernel, y)
    statistics = {
        "mean": lambda k, _: k[np.triu_indices(len(k), 1)].mean(),
        "variance": lambda k, _: k[np.triu_indices(len(k), 1)].var(),
        "effective_rank": lambda k, _: np.trace(k) ** 2 / np.linalg.norm(k) ** 2,
        "alignment": lambda k, labels: slow_alignment(k, ideal_kernel(labels)),
    }
    for name, statistic in statistics.items():
        estimate = getattr(health, name)
        np.testing.assert_allclose(estimate.value, statistic(kernel, y), rtol=1e-12)
        left = [np.delete(np.arange(9), i) for i in range(9)]
        values = np.array([statistic(kernel[np.ix_(rows, rows)], y[rows]) for rows in left])
        error = np.sqrt(8 / 9 * np.sum((values - values.mean()) ** 2))
        np.testing.assert_allclose(estimate.standard_error, error, rtol=1e-9)


def test_effective_rank_of_identity_is_n_and_of_all_ones_is_one():
    assert kernel_health(np.eye(6), [0, 1] * 3).effective_rank.value == 6
    assert kernel_health(np.ones((6, 6)), [0, 1] * 3).effective_rank.value == 1


def test_alignment_is_one_for_the_labels_and_ignores_scale_and_offset():
    labels = ideal_kernel(np.array([0, 1, 2, 0, 1, 2]))
    np.testing.assert_allclose(centred_alignment(0.3 * labels + 0.2, labels), 1.0, atol=1e-12)
    y = np.array([1.0, 2.0, 5.0])
    np.testing.assert_allclose(
        centred_alignment(np.outer(y - y.mean(), y - y.mean()) + 4, ideal_kernel(y, "regression")), 1.0, atol=1e-12
    )


def test_alignment_of_a_constant_kernel_is_not_a_number():
    health = kernel_health(np.ones((4, 4)), [0, 1, 0, 1])
    assert math.isnan(health.alignment.value)
    assert math.isinf(health.shots_to_resolve.to_tell_apart)
    assert "no number" in health.summary()


def test_shots_to_resolve_by_hand():
    # Entries 0.2, 0.6, 0.4: mean k(1-k) = 0.64/3, Var = 0.08/3, so 4·0.64/0.08 = 32; (1-0.4)/(0.4·0.01) = 150.
    result = shots_to_resolve([[1, 0.2, 0.6], [0.2, 1, 0.4], [0.6, 0.4, 1]])
    assert (result.to_tell_apart, result.for_precision) == (32, 150)


def test_noise_of_shots_is_taken_off_the_variance():
    kernel, shots = product_kernel(200, 2), 10
    rng = np.random.default_rng(1)
    upper = np.triu(rng.binomial(shots, kernel) / shots, 1)
    noisy = upper + upper.T + np.eye(200)
    exact, measured = kernel_health(kernel, [0, 1] * 100), kernel_health(noisy, [0, 1] * 100, shots=shots)
    naive = kernel_health(noisy, [0, 1] * 100)
    assert naive.variance.value - exact.variance.value > 0.5 * measured.noise_variance
    # Signal times noise, 2·0.28·0.11/√19900, leaves an error of 3.5 % of the noise; five times that is allowed.
    assert abs(measured.variance.value - exact.variance.value) < 0.18 * measured.noise_variance
    np.testing.assert_allclose(measured.shots_to_resolve.to_tell_apart, exact.shots_to_resolve.to_tell_apart, rtol=0.05)


def test_standard_errors_count_before_shots():
    kernel = product_kernel(10, 1)
    errors = np.full((10, 10), 0.1)
    assert kernel_health(kernel, [0, 1] * 5, standard_errors=errors, shots=7).noise_variance == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), "square"),
        (np.ones((1, 1)), "at least two rows"),
        (np.array([[1, 0.2], [0.3, 1]]), "symmetric"),
        (np.array([[1, np.nan], [np.nan, 1]]), "NaN"),
        (np.array([[1, 1.5], [1.5, 1]]), r"\[0, 1\]"),
    ],
)
def test_bad_matrices_are_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        shots_to_resolve(matrix)


def test_wrong_number_of_labels_is_refused():
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        kernel_health(np.eye(3), [0, 1])


def test_two_samples_have_no_error_but_a_result():
    health = kernel_health([[1, 0.5], [0.5, 1]], [0, 1])
    assert health.mean.value == 0.5
    assert math.isnan(health.mean.standard_error)


def test_results_can_be_shown_everywhere():
    health = kernel_health(product_kernel(12, 2), np.linspace(0, 1, 12), task="regression")
    assert "Effective rank" in health.summary()
    assert health._repr_html_().count("<tr>") == 5
    assert json.loads(json.dumps(health.to_dict()))["num_samples"] == 12
    assert health.plot().get_xlabel()
    assert repr(health).startswith("KernelHealth(mean 0.")
