"""Remembered entries, in memory, files and folders, are those of the kernel as it is: also of what it learned."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import StatevectorSampler
from sklearn.base import clone

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import (
    CachedKernel,
    CombinedKernel,
    FidelityKernel,
    HammingKernel,
    MatrixProductStates,
    ProjectedKernel,
    QuantumKernel,
    RawKernel,
    ReadoutErrors,
    TrainableKernel,
    compute_kernel_matrix,
)
from qiskit_qml_ext.models import QuantumKernelRidge
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(0).uniform(-1, 1, (8, 2))
LABELS, OTHERS = X[:, 0] > 0, X[:, 0] * X[:, 1] > 0
BLOCH = np.random.default_rng(1).uniform(-0.5, 0.5, (6, 6))


def trainable(labels):
    settings = {"trained_bandwidth": "each", "max_iter": 4, "random_state": 0}
    connection = connect("exact", shots=500, seed=1)
    return TrainableKernel(AngleFeatureMap(), **settings).fit(X, labels).with_connection(connection)


def combined(labels):
    connection = connect("exact", shots=100, seed=1)
    parts = [(one.__name__, FidelityKernel(one(), connection=connection)) for one in (AngleFeatureMap, ZZFeatureMap)]
    return CombinedKernel(parts, weights="alignment").fit(X, labels)


def with_part(repair):
    part = FidelityKernel(ZZFeatureMap(), connection=connect("exact", shots=5, seed=1), psd_repair=repair)
    return CombinedKernel([("part", part)])


def assigned(value):
    weight, x = Parameter("w"), [Parameter("x0"), Parameter("x1")]
    circuit = QuantumCircuit(2)
    circuit.ry(x[0] * weight, 0)
    circuit.ry(x[1], 1)
    circuit.cx(0, 1)
    kernel = TrainableKernel(circuit, training_parameters=[weight], training_values=[0.1])
    kernel.assign_training_parameters([value])
    return kernel


class Scaled(QuantumKernel):
    """A kernel of somebody's that learns under a name of its own."""

    is_symmetric = True

    def fit(self, X):
        self._scale = float(np.ptp(X))
        return self

    def raw_kernel(self, x, y):
        distances = np.sum((x[:, None] - (x if y is None else y)[None]) ** 2, axis=-1)
        return RawKernel(np.exp(-distances / self._scale), None, None, "exact")


def test_the_repair_of_a_part_which_sees_whole_matrices_is_refused_before_anything_runs():
    kernel = with_part("clip")
    with pytest.raises(ValueError, match="FidelityKernel inside the cached kernel has psd_repair='clip'"):
        CachedKernel(kernel).evaluate(X)
    assert kernel.kernels[0][1].connection.usage.shots == 0
    assert_allclose(CachedKernel(with_part(None)).evaluate(X), with_part(None).evaluate(X), atol=1e-12)


def shots_of(number):
    return FidelityKernel(ZZFeatureMap(), sampler=StatevectorSampler(default_shots=number, seed=1))


LEARNED = {
    "weights": (lambda: trainable(LABELS), lambda: trainable(OTHERS)),
    "weights of a sum": (lambda: combined(LABELS), lambda: combined(OTHERS)),
    "medians": (lambda: ProjectedKernel().fit(X[:3]), lambda: ProjectedKernel().fit(X[3:])),
    "sampled medians": (
        lambda: ProjectedKernel(connection=connect("exact", shots=50, seed=1)).fit(X[:3]),
        lambda: ProjectedKernel(connection=connect("exact", shots=50, seed=1)).fit(X[3:]),
    ),
    "assigned weights": (lambda: assigned(0.3), lambda: assigned(1.5)),
    "somebody's own": (lambda: Scaled().fit(X[:3]), lambda: Scaled().fit(X)),
    "shots of a sampler": (lambda: shots_of(50), lambda: shots_of(500)),
}


@pytest.mark.parametrize("name", LEARNED)
def test_what_a_kernel_learned_tells_its_entries_from_others(name, tmp_path):
    kernels = [make() for make in LEARNED[name]]
    expected = [kernel.evaluate(X) for kernel in kernels]
    assert np.abs(expected[0] - expected[1]).max() > 1e-3, "the two are not the same"
    cached = CachedKernel(kernels[0])
    for kernel, matrix in zip(kernels, expected, strict=True):
        assert_allclose(cached.set_params(kernel=kernel).evaluate(X), matrix, atol=1e-12)
        assert_allclose(CachedKernel(kernel, store=tmp_path / "entries").evaluate(X), matrix, atol=1e-12)


@pytest.mark.parametrize("name", LEARNED)
def test_a_folder_is_refused_to_a_kernel_that_learned_something_else(name, tmp_path):
    one, other = (make() for make in LEARNED[name])
    assert_allclose(compute_kernel_matrix(one, X, folder=tmp_path / "f"), one.evaluate(X), atol=1e-12)
    again = LEARNED[name][0]()
    assert_allclose(compute_kernel_matrix(again, X, folder=tmp_path / "f"), one.evaluate(X), atol=1e-12)
    with pytest.raises(ValueError, match="folder"):
        compute_kernel_matrix(other, X, folder=tmp_path / "f")


def test_bloch_vectors_with_another_median_have_other_entries(tmp_path):
    kernels = [ProjectedKernel.from_features(BLOCH / scale) for scale in (1, 2)]
    for kernel in kernels:
        found = CachedKernel(kernel, store=tmp_path / "entries").evaluate(BLOCH)
        assert_allclose(found, kernel.evaluate(BLOCH), atol=1e-12)


def test_options_of_a_sampler_that_are_changed_in_place_are_seen():
    from qiskit_aer.primitives import SamplerV2

    sampler = SamplerV2(default_shots=50, seed=1)
    kernel = CachedKernel(FidelityKernel(ZZFeatureMap(), sampler=sampler))
    kernel.evaluate(X)
    before = kernel.kernel._connection().usage.shots
    sampler.options.run_options = {"shots": 70}
    assert kernel.plan(X).circuits == 0, "the connection itself remembers its results"
    assert len(kernel._memory._tables) == 2
    assert kernel.kernel._connection().usage.shots == before


OPEN = {
    "alone": ProjectedKernel(AngleFeatureMap(), connection=connect("exact", shots=10)),
    "in a sum": CombinedKernel([("p", ProjectedKernel(AngleFeatureMap())), ("f", FidelityKernel())]),
    "cached in a sum": CombinedKernel([("p", CachedKernel(ProjectedKernel(AngleFeatureMap())))]),
}


@pytest.mark.parametrize("name", OPEN)
def test_a_median_that_is_still_to_be_taken_is_refused_before_anything_runs(name):
    kernel = clone(OPEN[name])
    asks = (
        lambda: CachedKernel(kernel).evaluate(X),
        lambda: compute_kernel_matrix(kernel, X),
        lambda: compute_kernel_matrix(kernel, X, X[:3] + 1),
    )
    for ask in asks:
        with pytest.raises(ValueError, match=r"gamma='median' .*Call fit\(X\).* or give a number"):
            ask()
    if name == "alone":
        assert kernel.connection.usage.shots == 0
        assert kernel._bandwidth is None


def test_the_number_that_the_refusal_names_works_in_a_model():
    model = QuantumKernelRidge(CachedKernel(ProjectedKernel(AngleFeatureMap())))
    with pytest.raises(ValueError, match=r"a clone, as models and searches make them, forgets what fit found"):
        model.fit(X, X[:, 0])
    kernel = ProjectedKernel(AngleFeatureMap())
    fixed = ProjectedKernel(AngleFeatureMap(), gamma=kernel.fit(X).gamma_)
    cached = QuantumKernelRidge(CachedKernel(fixed)).fit(X, X[:, 0]).predict(X + 0.1)
    assert_allclose(cached, QuantumKernelRidge(fixed).fit(X, X[:, 0]).predict(X + 0.1), atol=1e-9)


class Remembers(QuantumKernel):
    """Keeps what it was shown last, without its entries depending on it."""

    def raw_kernel(self, x, y):
        self.seen_ = len(x)
        return RawKernel(np.exp(x[:, :1] - (x if y is None else y)[:, 0]), None, None, "exact")


def test_the_look_at_a_kernel_leaves_it_as_it_was_and_the_advice_for_lopsided_ones_works(monkeypatch):
    kernel = Remembers()
    with pytest.raises(ValueError, match="Pass the samples a second time"):
        compute_kernel_matrix(kernel, X)
    assert not hasattr(kernel, "seen_")
    expected = np.exp(X[:, :1] - X[:, 0])
    assert_allclose(compute_kernel_matrix(Remembers(), X, X.copy(), tile_size=3), expected, atol=1e-12)


def test_the_plan_of_a_cached_kernel_is_what_runs(tmp_path):
    for store in (None, tmp_path / "entries"):
        connection = connect("exact", shots=100, seed=1)
        kernel = CachedKernel(FidelityKernel(ZZFeatureMap(), connection=connection), store=store)
        for samples, others in ((X[:4], None), (X[:6], None), (X[2:5], X[5:]), (X, None), (X[3:], None)):
            planned, before = kernel.plan(samples, others), connection.usage.circuits
            kernel.evaluate(samples, others)
            assert connection.usage.circuits - before == planned.circuits
    fresh = CachedKernel(FidelityKernel(ZZFeatureMap(), connection=connect("exact", shots=100, seed=1)), store=store)
    assert fresh.plan(X).executions == 0
    more = np.concatenate([X, X + 0.01])
    assert fresh.plan(more).circuits == 16 * 15 // 2 - 8 * 7 // 2
    whole = CachedKernel(FidelityKernel(ZZFeatureMap(), connection=connect("exact", shots=100)), samples=X)
    assert whole.plan(X[:3]).circuits == 8 * 7 // 2, "the first asking finds the whole search"
    with pytest.raises(ValueError, match="An exact kernel runs no circuits"):
        CachedKernel(FidelityKernel()).plan(X)
    assert not hasattr(CachedKernel(Scaled()), "plan")


def test_a_plan_of_several_kernels_has_the_circuits_of_cached_ones():
    connection = connect("exact", shots=100, seed=1)
    kernel = CombinedKernel([("one", CachedKernel(FidelityKernel(ZZFeatureMap(), connection=connection)))])
    planned = kernel.plan(X)
    kernel.evaluate(X)
    assert planned.circuits == connection.usage.circuits == 8 * 7 // 2


def test_entries_that_a_file_has_are_planned_for_another_kernel_that_has_to_find_them(tmp_path):
    for _ in range(2):
        connection = connect("exact", shots=100, seed=1)
        inner = FidelityKernel(ZZFeatureMap(), connection=connection)
        kernel = CombinedKernel([("cached", CachedKernel(inner, store=tmp_path / "entries")), ("other", inner)])
        planned = kernel.plan(X)
        kernel.evaluate(X)
        assert planned.circuits == connection.usage.circuits == 8 * 7 // 2


def test_outcomes_behind_cached_entries_can_be_read_as_another_kernel():
    connection = connect("exact", shots=200, seed=1)
    kernel = CachedKernel(FidelityKernel(AngleFeatureMap(), connection=connection))
    estimate = kernel.evaluate_with_errors(X)
    expected = HammingKernel(AngleFeatureMap(), connection=connection).evaluate(X)
    assert_allclose(estimate.reinterpret("hamming").matrix, expected, atol=1e-12)
    assert_allclose(kernel.reinterpret("hamming", X).matrix, expected, atol=1e-12)
    errors = ReadoutErrors(0.1, 0.1)
    corrected = kernel.kernel.evaluate_with_errors(X).reinterpret("fidelity", readout_correction=errors).matrix
    assert_allclose(estimate.reinterpret("fidelity", readout_correction=errors).matrix, corrected, atol=1e-12)


def test_outcomes_of_entries_from_a_file_are_missing_in_true_words(tmp_path):
    for _ in range(2):
        inner = FidelityKernel(AngleFeatureMap(), connection=connect("exact", shots=50, seed=1))
        estimate = CachedKernel(inner, store=tmp_path / "entries").evaluate_with_errors(X)
    with pytest.raises(ValueError, match=r"28 pairs .* have not run yet.*came from the file .*, evaluate the kernel"):
        estimate.reinterpret("hamming")
    inner.evaluate(X)
    assert estimate.reinterpret("hamming").shots == 50


@pytest.mark.parametrize("in_file", [False, True])
def test_entries_keep_their_corrections_and_truncations(in_file, tmp_path):
    store = tmp_path / "entries" if in_file else None
    errors = ReadoutErrors(0.1, 0.05)
    four = np.random.default_rng(2).uniform(-1, 1, (5, 4))
    kernels = [
        (FidelityKernel(connection=connect("exact", shots=50, seed=1), readout_correction=errors), X),
        (FidelityKernel(ZZFeatureMap(), method=MatrixProductStates(max_bond=2)), four),
    ]
    for kernel, samples in kernels:
        plain = kernel.evaluate_with_errors(samples)
        for _ in range(2):
            found = CachedKernel(kernel, store=store).evaluate_with_errors(samples)
            assert found.applied == plain.applied
            assert (found.truncation_errors is None) == (plain.truncation_errors is None)
            if plain.truncation_errors is not None:
                assert plain.truncation_errors.max() > 0.01
                assert_allclose(found.truncation_errors, plain.truncation_errors, atol=1e-7)
