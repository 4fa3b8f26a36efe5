"""Kernel moments against closed forms, their coverage, and the geometric difference against its definition."""

import json
import math
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from qiskit_machine_learning.kernels import FidelityStatevectorKernel

from qiskit_qml_ext.circuits import AngleFeatureMap, IQPFeatureMap, StronglyEntanglingAnsatz, ZZFeatureMap
from qiskit_qml_ext.diagnostics import (
    centred_alignment,
    geometric_difference,
    kernel_concentration,
    model_complexity,
    product_bandwidth,
    product_encoding_moments,
    suggest_bandwidth,
)
from qiskit_qml_ext.diagnostics.kernels.concentration import KernelConcentration, KernelPoint
from qiskit_qml_ext.diagnostics.kernels.entries import KernelEntries
from qiskit_qml_ext.diagnostics.kernels.shots import resolve_entries
from qiskit_qml_ext.diagnostics.kernels.sources import local_fidelities
from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.statistics.pair_statistics import kernel_moments, pair_mean_variance
from qiskit_qml_ext.diagnostics.statistics.scaling_verdict import judge_variances
from qiskit_qml_ext.engine import gram, statevectors
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

mpl.use("agg")


def product_kernel(x: np.ndarray) -> np.ndarray:
    return np.prod(np.cos((x[:, None] - x[None]) / 2) ** 2, axis=2)


@pytest.mark.parametrize("data", ["uniform", "normal"])
@pytest.mark.parametrize("bandwidth", [1.0, 0.4])
def test_moments_of_the_product_encoding_are_the_closed_form(data, bandwidth):
    rng = np.random.default_rng(8)
    X = rng.uniform(-np.pi, np.pi, (500, 3)) if data == "uniform" else rng.normal(size=(500, 3))
    point = kernel_concentration(AngleFeatureMap(bandwidth=bandwidth), X).last
    first, second = product_encoding_moments(3, bandwidth, data)
    assert abs(point.mean.value - first) < 4 * point.mean.standard_error
    assert abs(point.variance.value - (second - first**2)) < 4 * point.variance.standard_error
    if data == "uniform" and bandwidth == 1:
        assert first == pytest.approx(1 / 8)
        assert second - first**2 == pytest.approx((3 / 8) ** 3 - 4.0**-3)


def test_variance_of_a_mean_of_pairs_is_unbiased():
    rng = np.random.default_rng(4)
    kernels = [product_kernel(rng.normal(size=(12, 1))) for _ in range(4000)]
    upper = np.triu_indices(12, 1)
    scatter = np.var([k[upper].mean() for k in kernels], ddof=1)
    predicted = np.array([pair_mean_variance(k) for k in kernels])
    # the scatter of a variance of 4000 draws is about √(2/4000) = 2 %
    assert abs(predicted.mean() / scatter - 1) < 4 * 0.03


def test_haar_states_concentrate_as_a_2_design():
    circuit = StronglyEntanglingAnsatz(reps=12).build(3)
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, (400, circuit.num_parameters))
    mean, variance = kernel_moments(gram(statevectors(circuit, angles)), np.zeros((400, 400)))
    d = 8
    assert abs(mean.value - 1 / d) < 4 * mean.standard_error
    assert abs(variance.value - (d - 1) / (d**2 * (d + 1))) < 4 * variance.standard_error


def test_projected_distance_of_haar_states():
    """E Σ_k ‖ρ_k - ρ'_k‖² = 3n/(d+1)."""
    circuit = StronglyEntanglingAnsatz(reps=12).build(3)
    angles = np.random.default_rng(1).uniform(0, 2 * np.pi, (300, circuit.num_parameters))
    overlaps = 3 * local_fidelities(np.asarray(statevectors(circuit, angles)))
    distances = np.add.outer(np.diag(overlaps), np.diag(overlaps)) - 2 * overlaps
    mean, _ = kernel_moments(distances, np.zeros_like(distances))
    assert abs(mean.value - 9 / 9) < 4 * mean.standard_error


def test_full_range_encoding_concentrates_exponentially_and_a_narrow_one_does_not():
    X = np.random.default_rng(3).uniform(-np.pi, np.pi, (150, 9))
    wide = kernel_concentration(AngleFeatureMap(), X, feature_counts=range(1, 10))
    assert wide.verdict == "barren plateau"
    # Var k = (3/8)ⁿ - 4⁻ⁿ: from 1.6 a feature at 1 to nearly 8/3 at 9
    assert wide.headline().startswith(
        "Exponential concentration within 1 to 9 features: each further one, in the order of the"
    )
    assert 1.6 < math.exp(wide.judgement.chosen.rate.value) < 8 / 3
    assert "every" not in wide.trend()
    narrow = kernel_concentration(
        lambda n: FidelityKernel(AngleFeatureMap(bandwidth=0.5 / math.sqrt(n))), X, feature_counts=range(1, 10)
    )
    assert narrow.verdict != "barren plateau"


def test_any_kernel_of_qiskit_machine_learning_is_accepted():
    X = np.random.default_rng(1).uniform(0, np.pi, (20, 2))
    theirs = kernel_concentration(FidelityStatevectorKernel(feature_map=ZZFeatureMap().build(2)), X)
    ours = kernel_concentration(FidelityKernel(ZZFeatureMap()), X)
    assert theirs.last.mean.value == pytest.approx(ours.last.mean.value, abs=1e-9)
    assert theirs.sources == ()
    assert len(ours.sources) == 3


def test_shot_noise_is_taken_off_the_variance():
    X = np.random.default_rng(5).uniform(-np.pi, np.pi, (150, 3))
    exact = kernel_concentration(AngleFeatureMap(), X)
    sampled = kernel_concentration(AngleFeatureMap(), X, connection=connect("exact", shots=20, seed=1))
    assert sampled.measured_shots == 20
    k = exact.last.matrix[np.triu_indices(150, 1)]
    noise = k * (1 - k) / 20
    # the mean of k̂² scatters by √(4k²·noise) per entry, to first order; its bias without correction is the mean noise
    error = math.sqrt(float(np.mean(4 * k**2 * noise + 2 * noise**2)) / len(k))
    assert abs(sampled.last.variance.value - exact.last.variance.value) < 4 * error
    assert 4 * error < noise.mean()


def test_variance_is_unbiased_where_most_entries_are_never_hit():
    """Ten shots of entries around 1/64: the noise k(1-k)/S of an entry must not be raised where no shot was a hit."""
    X = np.random.default_rng(6).uniform(-np.pi, np.pi, (60, 6))
    exact = kernel_concentration(AngleFeatureMap(), X).last.variance.value
    found = [
        kernel_concentration(AngleFeatureMap(), X, connection=connect("exact", shots=10, seed=seed)).last.variance.value
        for seed in range(20)
    ]
    # 4σ of the mean of 20 runs: false alarms 6e-5
    assert abs(np.mean(found) - exact) < 4 * np.std(found, ddof=1) / math.sqrt(20)
    assert np.std(found, ddof=1) / math.sqrt(20) < 0.1 * exact


def test_shots_follow_the_closed_forms():
    X = np.random.default_rng(5).uniform(-np.pi, np.pi, (50, 2))
    point = kernel_concentration(AngleFeatureMap(), X, relative_precision=0.2).last
    k = point.mean.value
    assert point.shots.for_precision == math.ceil((1 - k) / (k * 0.04))
    assert (1 - k) ** point.shots_from_identity <= 0.05 < (1 - k) ** (point.shots_from_identity - 1)


def test_bandwidth_has_the_closed_form_and_falls_as_one_over_root_n():
    found = [product_bandwidth(n).value for n in (4, 16, 64)]
    np.testing.assert_allclose([found[0] / found[1], found[1] / found[2]], 2, rtol=0.05)
    assert product_encoding_moments(16, found[1])[0] == pytest.approx(0.5)
    X = np.random.default_rng(2).uniform(-np.pi, np.pi, (80, 8))
    best = suggest_bandwidth(IQPFeatureMap(), X)
    assert best.value < 1
    with pytest.raises(ValueError, match="larger already"):
        product_bandwidth(1, mean=0.4)


def test_concentration_is_plain_data_text_and_pictures():
    X = np.random.default_rng(0).uniform(0, 1, (12, 3))
    found = kernel_concentration(ZZFeatureMap(), X, feature_counts=[2, 3])
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["num_samples"] == 12
    assert found.verdict == "undetermined"
    assert "Bandwidth to try" in found.summary()
    assert found.plot().get_xlim() == (0, 1)
    assert found.plot_spectrum().get_yscale() == "log"


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="at least four rows"):
        kernel_concentration(ZZFeatureMap(), [[1.0]])
    with pytest.raises(ValueError, match="2 columns of X"):
        kernel_concentration(ZZFeatureMap(), np.zeros((5, 2)), feature_counts=[3])
    with pytest.raises(TypeError, match="neither a kernel"):
        kernel_concentration("zz", np.zeros((5, 2)))


def random_kernel(size: int, seed: int, rank: int | None = None) -> np.ndarray:
    factor = np.random.default_rng(seed).normal(size=(size, rank or size))
    kernel = factor @ factor.T
    return kernel * size / np.trace(kernel)


def dense_difference(classical: np.ndarray, quantum: np.ndarray) -> float:
    values, vectors = np.linalg.eigh(quantum)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return float(np.sqrt(np.linalg.norm(root @ np.linalg.inv(classical) @ root, 2)))


def test_geometric_difference_is_its_definition_and_one_for_equal_kernels():
    quantum, classical = random_kernel(12, 0), random_kernel(12, 1)
    found = geometric_difference(quantum, classical={"a": classical, "itself": quantum}, regularization=0.0)
    by_name = {c.name: c.difference for c in found.comparisons}
    assert by_name["a"] == pytest.approx(dense_difference(classical, quantum), rel=1e-9)
    assert by_name["itself"] == pytest.approx(1.0, abs=1e-8)
    assert found.closest.name == "itself"


def test_regularised_difference_is_that_of_huang():
    quantum, classical, lam = random_kernel(10, 2), random_kernel(10, 3, rank=4), 0.05
    values, vectors = np.linalg.eigh(classical)
    root_c = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    values, vectors = np.linalg.eigh(quantum)
    root_q = (vectors * np.sqrt(values)) @ vectors.T
    inverse = np.linalg.inv(classical + lam * np.eye(10))
    inner = root_q @ root_c @ inverse @ inverse @ root_c @ root_q
    regularised, plain = (
        geometric_difference(quantum, classical={"a": classical}, regularization=value).closest.difference
        for value in (lam, 0.0)
    )
    assert regularised == pytest.approx(math.sqrt(np.linalg.norm(inner, 2)), rel=1e-9)
    assert plain == math.inf


def test_complexities_obey_the_bound_of_huang():
    quantum, classical = random_kernel(15, 4), random_kernel(15, 5)
    y = np.sign(np.random.default_rng(0).normal(size=15))
    found = geometric_difference(quantum, y=y, classical={"c": classical}, regularization=0.0)
    assert found.closest.complexity <= found.closest.difference**2 * found.quantum_complexity * (1 + 1e-9)
    assert found.identity_complexity == 15
    assert model_complexity(np.eye(15), y) == pytest.approx(15)
    assert model_complexity(quantum, y) == pytest.approx(y @ np.linalg.solve(quantum, y))
    assert model_complexity(random_kernel(15, 6, rank=2), y) == math.inf


def test_a_tame_kernel_is_nearer_to_classical_ones_than_a_wild_one():
    X = np.random.default_rng(0).uniform(0, 1, (60, 4))
    tame = geometric_difference(FidelityKernel(AngleFeatureMap(bandwidth=0.3)).evaluate(X), X)
    wild = geometric_difference(random_kernel(60, 7, rank=30), X)
    assert wild.closest.total > 1.5 * tame.closest.total
    assert "RBF" in tame.summary()
    assert json.dumps(tame.to_dict(), allow_nan=False)
    assert tame.plot().get_xlabel() == "geometric difference g"


def test_columns_of_labels_give_the_mean_of_their_complexities():
    rng = np.random.default_rng(3)
    quantum, classical = random_kernel(12, 1), random_kernel(12, 2)
    columns = np.where(rng.integers(0, 3, 12)[:, None] == np.arange(3), 1.0, -1.0)
    found = geometric_difference(quantum, y=columns, classical={"c": classical})
    single = [geometric_difference(quantum, y=column, classical={"c": classical}) for column in columns.T]
    assert found.quantum_complexity == pytest.approx(np.mean([one.quantum_complexity for one in single]))
    assert found.closest.complexity == pytest.approx(np.mean([one.closest.complexity for one in single]))
    assert found.identity_complexity == pytest.approx(12)
    assert found.target_alignment == pytest.approx(centred_alignment(quantum, columns @ columns.T))


def test_mistakes_in_a_comparison_are_named():
    kernel = np.eye(3)
    with pytest.raises(ValueError, match="nothing to compare"):
        geometric_difference(kernel)
    with pytest.raises(ValueError, match="not positive semidefinite"):
        geometric_difference(np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="must be symmetric"):
        geometric_difference(np.array([[1.0, 0.5], [0.1, 1.0]]), np.zeros((2, 1)))
    with pytest.raises(ValueError, match=r"y must have the shape \(3,\)"):
        geometric_difference(kernel, np.zeros((3, 1)), [1, -1])
    with pytest.raises(ValueError, match="X must have the shape"):
        geometric_difference(kernel, np.zeros((2, 1)))
    with pytest.raises(ValueError, match="must be at least 0"):
        geometric_difference(kernel, np.zeros((3, 1)), regularization=-1)


def trend_of(variances, *, relative=0.02, levels_at=None):
    """The trend of made variances, one for each number of features; None is one that is too uncertain to count."""
    points = []
    for features, variance in enumerate(variances, start=1):
        value = 0.01 if variance is None else variance
        wide = 100.0 if variance is None else 1 + 2 * relative
        estimate = Estimate(value, value * relative, value / wide, value * wide)
        points.append(KernelPoint(features, Estimate.exact(0.5), estimate, 3.0, resolved(), 10.0, np.eye(12)))
    widths, spreads = [p.num_features for p in points], [p.variance for p in points]
    judged = judge_variances(widths, spreads, [math.nan] * len(points), 100, unit="feature")
    return KernelConcentration(tuple(points), judged.verdict, judged, (), None, 100, None)


def resolved():
    return resolve_entries(KernelEntries.from_matrix([[1, 0.2, 0.6], [0.2, 1, 0.4], [0.6, 0.4, 1]]))


def test_the_range_of_a_trend_is_that_of_the_fitted_numbers_of_features():
    falling = [0.1 * 2.0**-n for n in range(8)]
    assert "within 1 to 8 features: each further one" in trend_of(falling).trend()
    found = trend_of([*falling, None, None])
    assert found.verdict == "barren plateau"
    assert "within 1 to 8 features (at 9, 10 the variance is too uncertain to count): each" in found.trend()


def test_a_variance_that_has_levelled_off_is_not_said_never_to_fall():
    level = trend_of([1e-3 + 1e-5 * (n % 2) for n in range(12)])
    assert level.verdict == "constant"
    assert "does not fall within 1 to 12 features, in the order" in level.trend()
    assert "qubit" not in level.summary()
    found = replace(level, judgement=replace(level.judgement, levelled_off_from=5.0))
    assert found.trend() == (
        "The variance of the entries has levelled off within 5 to 12 features, in the order of the columns."
    )


def test_intervals_that_rare_pairs_make_doubtful_say_so_in_the_table():
    rng = np.random.default_rng(0)
    wide = kernel_concentration(AngleFeatureMap(), rng.uniform(-np.pi, np.pi, (60, 24)))
    assert "pairs carry the variance, both moments may be larger" in wide.summary()
    narrow = kernel_concentration(AngleFeatureMap(), rng.uniform(-np.pi, np.pi, (60, 2)))
    assert "Caution" not in narrow.summary()
