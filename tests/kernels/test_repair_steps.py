"""Steps that repair a matrix: what each does, to which matrices, in which order, and what becomes of the errors."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels import (
    ClipPSD,
    FidelityKernel,
    NearestCorrelation,
    QuantumKernel,
    RawKernel,
    RegularizeByError,
    ShiftPSD,
    Symmetrize,
)
from qiskit_qml_ext.primitives import connect

PSD_STEPS = [ClipPSD(), ShiftPSD(), NearestCorrelation()]


def given(matrix, errors=None, shots=None):
    return RawKernel(np.array(matrix, dtype=float), errors, shots, "given")


def states(number, num_qubits, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(number, 2**num_qubits, 2)) @ [1, 1j]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def exact_matrix(number=40, num_qubits=3, seed=0):
    vectors = states(number, num_qubits, seed)
    return np.abs(vectors.conj() @ vectors.T) ** 2


def measured_apart(exact, shots, seed):
    """Both orders of each pair measured by shots of their own, as a kernel that pairs nothing would."""
    drawn = np.random.default_rng(seed).binomial(shots, np.minimum(exact, 1)) / shots
    np.fill_diagonal(drawn, 1.0)
    return drawn


# THEORY: Higham (2002), the matrix of his section 1 and tridiag(-1, 2, -1) of order 4; ten digits by independent code
@pytest.mark.parametrize(
    ("matrix", "entries", "distance"),
    [
        (
            [[1, 1, 0], [1, 1, 1], [0, 1, 1]],
            {(0, 1): 0.7606898534, (1, 2): 0.7606898534, (0, 2): 0.1572981061},
            0.5277904636,
        ),
        (
            2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1),
            {(0, 1): -0.8084124981, (0, 2): 0.1915875019, (0, 3): 0.1067750490, (1, 2): -0.6562326948},
            2.1337291087,
        ),
    ],
)
def test_nearest_correlation_matrices_have_the_published_entries(matrix, entries, distance):
    nearest = NearestCorrelation()(given(matrix)).matrix
    for (row, column), value in entries.items():
        assert_allclose([nearest[row, column], nearest[column, row]], value, atol=2e-10)
    assert_allclose(np.linalg.norm(nearest - matrix), distance, atol=2e-10)
    assert_array_equal(np.diagonal(nearest), 1.0)
    assert np.linalg.eigvalsh(nearest)[0] > -1e-14


def test_no_correlation_matrix_is_nearer_than_the_nearest():
    raw = given(measured_apart(exact_matrix(12, 2), 30, 1))
    symmetric = Symmetrize()(raw)
    nearest = NearestCorrelation()(symmetric).matrix
    distance = np.linalg.norm(nearest - symmetric.matrix)
    rng = np.random.default_rng(3)
    for _ in range(200):  # other correlation matrices, near and far
        vectors = np.linalg.cholesky(nearest + 1e-12 * np.eye(12)) + rng.normal(size=(12, 12)) * 10 ** rng.uniform(
            -6, 0
        )
        other = vectors @ vectors.T
        other /= np.sqrt(np.outer(np.diagonal(other), np.diagonal(other)))
        assert np.linalg.norm(other - symmetric.matrix) > distance - 1e-9


def test_iterations_that_do_not_suffice_are_an_error():
    with pytest.raises(ValueError, match=r"not found to 1e-12 in 3 iterations\. Raise max_iterations"):
        NearestCorrelation(max_iterations=3)(given([[1, 1, 0], [1, 1, 1], [0, 1, 1]]))


@pytest.mark.parametrize("step", PSD_STEPS)
def test_steps_that_make_a_matrix_positive_refuse_one_that_is_not_symmetric(step):
    with pytest.raises(ValueError, match=r"differ by 0\.2\. Let a Symmetrize\(\) step come before"):
        step(given([[1, 0.4], [0.2, 1]]))
    with pytest.raises(ValueError, match=r"needs a square kernel matrix, but one of shape \(1, 2\)"):
        step(given([[1, 0.4]]))


def test_symmetrize_then_clip_makes_a_matrix_that_is_not_symmetric_better_where_one_triangle_makes_it_worse():
    exact, gains = exact_matrix(), []
    for seed in range(20):
        raw = given(measured_apart(exact, 100, seed))
        ours = ClipPSD()(Symmetrize()(raw)).matrix
        values, vectors = np.linalg.eig(raw.matrix)  # of the matrix as it is, as qiskit-machine-learning takes it
        theirs = (vectors @ np.diag(np.maximum(0, values.real)) @ vectors.T).real
        errors = [np.linalg.norm(matrix - exact) for matrix in (raw.matrix, ours, theirs)]
        gains.append(errors)
    before, ours, theirs = np.mean(gains, axis=0)
    assert ours < 0.75 * before  # the mean of two takes 1/√2 of the noise, clipping some more
    assert theirs > 1.5 * before


def test_the_mean_of_both_orders_is_the_nearest_symmetric_matrix_and_has_smaller_errors():
    raw = given([[1, 0.4], [0.2, 1]], errors=np.array([[0.0, 0.03], [0.04, 0.01]]))
    after = Symmetrize()(raw)
    assert_allclose(after.matrix, [[1, 0.3], [0.3, 1]], atol=1e-15)
    assert_allclose(after.errors, [[0, 0.025], [0.025, 0.01]], atol=1e-15)
    assert after.applied == ("Symmetrize(largest difference 0.2)",)


def test_two_triangles_that_are_one_measurement_keep_its_error():
    errors = np.array([[0.0, 0.03], [0.03, 0.0]])
    after = Symmetrize()(given([[1, 0.4], [0.4, 1]], errors))
    assert_array_equal(after.errors, errors)


def noisy(exact, shots, seed):
    """A symmetric matrix whose pairs were measured once, and its errors."""
    drawn = np.triu(measured_apart(exact, shots, seed), 1)
    matrix = drawn + drawn.T + np.eye(len(exact))
    errors = np.sqrt(exact * (1 - np.minimum(exact, 1)) / shots).clip(0)
    np.fill_diagonal(errors, 0.0)
    return given(matrix, errors, shots)


def test_the_error_of_a_shifted_diagonal_is_what_repeated_runs_show():
    exact = exact_matrix(10, 1, seed=5)  # of rank 4: six eigenvalues are zero, and noise makes them negative
    exact = exact - 0.3 * np.eye(10)  # a least eigenvalue that noise does not exchange for another
    exact[0, 0] -= 0.5
    rng = np.random.default_rng(8)
    errors = np.full((10, 10), 1e-3)
    shifts = []
    for _ in range(4000):
        noise = np.triu(rng.normal(size=(10, 10)) * errors)
        noise = noise + noise.T - np.diag(np.diagonal(noise))
        shifts.append(ShiftPSD()(given(exact + noise, errors)).matrix)
    predicted = ShiftPSD()(given(exact, errors)).errors
    # a standard deviation of 4000 runs is known to 1/√8000 = 1.1 %; 5 of these
    assert_allclose(np.std(shifts, axis=0), predicted, rtol=0.056)


def test_a_ridge_by_error_is_the_edge_of_the_semicircle():
    errors = np.full((50, 50), 0.01)
    after = RegularizeByError()(given(np.eye(50), errors))
    assert_allclose(after.matrix, (1 + 2 * 0.01 * np.sqrt(50)) * np.eye(50), atol=1e-14)
    assert_array_equal(RegularizeByError(0.5)(given(np.eye(50), errors)).matrix, (1 + 0.01 * np.sqrt(50)) * np.eye(50))


def test_a_ridge_by_error_mostly_makes_a_noisy_matrix_positive():
    exact = exact_matrix(40, 3)
    least = [np.linalg.eigvalsh(RegularizeByError()(noisy(exact, 100, seed)).matrix)[0] for seed in range(50)]
    before = [np.linalg.eigvalsh(noisy(exact, 100, seed).matrix)[0] for seed in range(50)]
    assert max(before) < 0
    assert np.mean(np.array(least) > 0) >= 0.9


def test_an_exact_matrix_gets_no_ridge():
    assert_array_equal(RegularizeByError()(given(exact_matrix(5))).matrix, exact_matrix(5))


@pytest.mark.parametrize("step", [*PSD_STEPS, Symmetrize(), RegularizeByError()])
def test_steps_are_plain_objects_that_leave_what_they_are_given(step):
    raw = noisy(exact_matrix(6, 2), 50, 2)
    matrix, errors = raw.matrix.copy(), raw.errors.copy()
    after = step(raw)
    assert_array_equal(raw.matrix, matrix)
    assert_array_equal(raw.errors, errors)
    assert (after.shots, after.target, len(after.applied)) == (50, "given", 1)
    assert pickle.loads(pickle.dumps(step)) == step


@pytest.mark.parametrize("step", [*PSD_STEPS, Symmetrize(), RegularizeByError()])
def test_steps_take_one_sample_and_none(step):
    assert_array_equal(step(given([[1.0]], np.zeros((1, 1)))).matrix, [[1.0]])
    assert step(given(np.empty((0, 0)), np.empty((0, 0)))).matrix.shape == (0, 0)


X = np.random.default_rng(2).uniform(-3, 3, (8, 2))


def sampled(repair):
    return FidelityKernel(ZZFeatureMap(), connection=connect(shots=20, seed=1), psd_repair=repair)


def test_steps_are_applied_in_their_order_and_written_down():
    raw = sampled(None).evaluate_with_errors(X)
    estimate = sampled(["regularize_by_error", ClipPSD()]).evaluate_with_errors(X)
    assert_array_equal(estimate.raw, raw.raw)
    assert [word.partition("(")[0] for word in estimate.applied] == ["RegularizeByError", "ClipPSD"]
    ridge = 2 * np.sqrt((raw.standard_errors**2).sum(axis=1)).max()
    assert f"ridge {ridge:.3g}" in estimate.applied[0]
    expected = ClipPSD()(given(raw.raw + ridge * np.eye(8))).matrix
    assert_allclose(estimate.matrix, expected, atol=1e-13)
    other = sampled((ClipPSD(), "regularize_by_error")).evaluate_with_errors(X)
    assert not np.allclose(other.matrix, estimate.matrix, atol=1e-3)
    assert raw.applied == ()
    assert raw.repaired_errors is None


def test_an_empty_sequence_is_no_repair():
    estimate = sampled([]).evaluate_with_errors(X)
    assert (estimate.applied, estimate.repaired_errors) == ((), None)
    assert not sampled([]).enforce_psd


def test_a_callable_of_the_users_is_named_and_may_hand_on_errors():
    def halve(raw):
        return RawKernel(raw.matrix / 2, raw.standard_errors / 2, raw.shots, raw.target)

    def double(raw):
        return 2 * raw.matrix

    estimate = sampled([halve, double]).evaluate_with_errors(X)
    assert estimate.applied == ("halve", "double")
    assert_array_equal(estimate.matrix, estimate.raw)
    assert_array_equal(estimate.repaired_errors, estimate.standard_errors / 2)


def test_errors_of_another_shape_are_refused():
    def mend(raw):
        return RawKernel(raw.matrix, raw.standard_errors[1:], raw.shots, raw.target)

    with pytest.raises(ValueError, match=r"keep the shape of the matrix, \(8, 8\), but as errors, mend returned"):
        sampled(mend).evaluate(X)


def test_the_matrix_of_two_sets_of_samples_is_left_and_nothing_is_said_to_be_applied():
    steps = ("symmetrize", "nearest_correlation", "regularize_by_error", "shift", "clip")
    estimate = sampled(steps).evaluate_with_errors(X, X[:3] + 0.1)
    assert_array_equal(estimate.matrix, estimate.raw)
    assert estimate.applied == ()


def test_only_steps_that_make_a_matrix_positive_are_said_to():
    assert not sampled("symmetrize").enforce_psd
    assert not sampled(["symmetrize", "regularize_by_error"]).enforce_psd
    assert sampled(["symmetrize", "clip"]).enforce_psd
    assert sampled(lambda raw: raw.matrix).enforce_psd


@pytest.mark.parametrize(("repair", "named"), [(["clip", "mend"], "'mend' came"), (["clip", 3], r"3 \(int\) came")])
def test_what_is_no_repair_in_a_sequence_is_refused_before_anything_runs(repair, named):
    kernel = sampled(repair)
    with pytest.raises((TypeError, ValueError), match=named):
        kernel.evaluate(X)
    assert kernel.connection.usage.shots == 0


class Lopsided(QuantumKernel):
    """A kernel whose matrix is not symmetric."""

    def raw_kernel(self, x, y):
        columns = x if y is None else y
        return RawKernel(np.exp(x[:, None, 0] - columns[None, :, 0]), None, None, "exact")


def test_a_kernel_that_is_not_symmetric_is_told_what_to_do():
    with pytest.raises(ValueError, match=r"ClipPSD needs a symmetric .* psd_repair=\('symmetrize', 'clip'\)"):
        Lopsided(psd_repair="clip").evaluate(X)
    matrix = Lopsided(psd_repair=("symmetrize", "clip")).evaluate(X)
    assert_allclose(matrix, matrix.T, atol=0)
    assert np.linalg.eigvalsh(matrix)[0] > -1e-12


def test_a_sequence_goes_through_clone_pickle_and_a_support_vector_machine():
    kernel = sampled(("regularize_by_error", ClipPSD()))
    assert clone(kernel).psd_repair is kernel.psd_repair
    copy = pickle.loads(pickle.dumps(kernel))
    assert_array_equal(copy.evaluate(X), kernel.evaluate(X))
    labels = np.arange(8) % 2
    assert SVC(kernel=kernel).fit(X, labels).predict(X).shape == (8,)


@pytest.mark.parametrize("step", ["regularize_by_error", "shift", RegularizeByError(factor=2), ShiftPSD()])
def test_a_ridge_that_the_next_step_undoes_is_refused_before_anything_runs(step):
    connection = connect("exact", shots=50, seed=1)
    samples = np.random.default_rng(0).uniform(-1, 1, (6, 2))

    def kernel(*steps):
        return FidelityKernel(ZZFeatureMap(), connection=connection, psd_repair=steps)

    for steps in ((step, "nearest_correlation"), ("symmetrize", "clip", step, NearestCorrelation())):
        with pytest.raises(ValueError, match=r"right before NearestCorrelation, where it has no effect"):
            kernel(*steps).evaluate(samples)
    assert connection.usage.circuits == 0
    noisy = kernel().evaluate_with_errors(samples)
    moved = (step if callable(step) else {"shift": ShiftPSD()}.get(step, RegularizeByError()))(
        RawKernel(noisy.matrix, noisy.standard_errors, 50, "given")
    )
    both = NearestCorrelation()(moved).matrix  # what would have come out
    assert_allclose(both, NearestCorrelation()(given(noisy.matrix)).matrix, atol=1e-9)
    for steps in (("nearest_correlation", step), (step, "clip", "nearest_correlation")):
        assert np.isfinite(kernel(*steps).evaluate(samples)).all()
