"""One run, many kernels: what is kept of outcomes, and what is read off them later without a run."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from kernel_maps import (
    GENERAL,
    GENERAL_TURNED_ROUND,
    MAPS,
    PAIRS,
    POINTS,
    commuting_map,
    general_map,
    kernel_of,
    outcomes,
)
from numpy.testing import assert_allclose, assert_array_equal
from together import in_threads

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import (
    BitFlipTolerantKernel,
    FidelityKernel,
    HammingKernel,
    KeptOutcomes,
    KernelEstimate,
)
from qiskit_qml_ext.kernels.outcomes.keeping import KEPT, split_distinct, weight_histograms
from qiskit_qml_ext.kernels.readings import BitFlipTolerantReading, HammingReading
from qiskit_qml_ext.primitives import connect

NAMES = ("fidelity", "hamming", "bit_flip_tolerant")
SHOTS = 2000
X = np.random.default_rng(4).uniform(-2, 2, (4, 4))
Y = np.random.default_rng(5).uniform(-2, 2, (3, 4))


@pytest.mark.parametrize("label", MAPS)
@pytest.mark.parametrize("name", NAMES)
def test_readings_of_exact_states_have_the_values_that_are_known(label, name):
    make, known = MAPS[label]
    estimate = FidelityKernel(make()).evaluate_with_errors(POINTS)
    for read in (estimate.reinterpret(name), FidelityKernel(make()).reinterpret(name, POINTS)):
        assert_allclose(read.matrix[PAIRS], known[name], atol=1e-9)
        assert_allclose(read.matrix, read.matrix.T, atol=0)
        assert_allclose(np.diagonal(read.matrix), 1, atol=0)
        assert (read.shots, read.standard_errors.max()) == (None, 0)


@pytest.mark.parametrize("reps", [1, 2])
@pytest.mark.parametrize("entanglement", ["full", [(0, 2)]])
def test_exact_readings_of_other_samples_agree_with_states(reps, entanglement):
    feature_map = ZZFeatureMap(reps=reps, entanglement=entanglement, bandwidth=0.4)
    estimate = FidelityKernel(feature_map).evaluate_with_errors(X, Y)
    for reading in (HammingReading(), BitFlipTolerantReading(2)):
        expected = kernel_of(feature_map.build(4), reading.values(4), X, Y)
        assert_allclose(estimate.reinterpret(reading).matrix, expected, atol=1e-12)


def test_exact_readings_do_not_depend_on_the_memory():
    feature_map = ZZFeatureMap(entanglement="linear")
    whole = HammingKernel(feature_map).evaluate(X, Y)
    tight = HammingKernel(feature_map, connection=connect(max_memory=1 << 14)).evaluate(X, Y)
    assert_array_equal(tight, whole)


@pytest.mark.parametrize("target", ["exact", "aer"])
@pytest.mark.parametrize("label", MAPS)
def test_sampled_readings_are_within_their_errors_and_nothing_runs_for_them(label, target):
    make, known = MAPS[label]
    connection = connect(target, shots=SHOTS, seed=6)
    HammingKernel(make(), connection=connection).evaluate(POINTS)  # both orders, where they differ
    estimate = FidelityKernel(make(), connection=connection).evaluate_with_errors(POINTS)
    used = connection.usage
    assert used.circuits == (3 if label == "commuting" else 6)
    for name in NAMES:
        read = FidelityKernel(make(), connection=connection).reinterpret(name, POINTS)
        # 3 entries of 3 readings on 4 runs: beyond 4 standard errors with a probability of about 36 · 6e-5; fixed seed
        assert np.all(np.abs(read.matrix[PAIRS] - known[name]) < 4 * read.standard_errors[PAIRS])
        assert read.standard_errors[PAIRS].max() <= 0.5 / np.sqrt(SHOTS) * 1.01
        if label == "commuting":
            assert_array_equal(estimate.reinterpret(name).matrix, read.matrix)
    assert connection.usage == used


def test_errors_of_a_reading_are_those_of_the_mean_of_its_values():
    x, pairs = np.random.default_rng(8).uniform(-2, 2, (30, 3)), np.triu_indices(30, 1)
    for label, (make, _) in MAPS.items():
        estimate = HammingKernel(make(), connection=connect(shots=100, seed=7)).evaluate_with_errors(x)
        exact = HammingKernel(make()).evaluate(x)
        deviations = (estimate.matrix - exact)[pairs] / estimate.standard_errors[pairs]
        # 435 entries: 4 standard errors of the mean, 0.048, and of the standard deviation, 0.034; fixed seed
        assert abs(deviations.mean()) < 0.2, label
        assert deviations.std() == pytest.approx(1, abs=0.14), label


def test_the_fidelity_of_kept_outcomes_is_that_of_the_run_to_the_last_bit():
    connection = connect("aer", shots=77, seed=2)
    estimate = FidelityKernel(general_map(), connection=connection, run_diagonal=True).evaluate_with_errors(POINTS)
    zeros = np.rint(estimate.matrix * 77)
    p = (zeros + 1) / (77 + 2)
    assert_array_equal(estimate.matrix, zeros / 77)
    assert_array_equal(estimate.standard_errors, np.sqrt(p * (1 - p) / 77))
    again = estimate.reinterpret("fidelity")
    assert_array_equal(again.matrix, estimate.matrix)
    assert_array_equal(again.standard_errors, estimate.standard_errors)


def test_one_order_is_refused_where_the_other_may_differ_and_says_which_it_was():
    connection = connect(shots=20_000, seed=3)
    kernel = FidelityKernel(general_map(), connection=connection)
    estimate = kernel.evaluate_with_errors(POINTS)
    for ask in (estimate.reinterpret, lambda name: kernel.reinterpret(name, POINTS)):
        for name in ("hamming", "bit_flip_tolerant"):
            with pytest.raises(ValueError, match=r"mean over both orders of each pair.*only one order ran"):
                ask(name)
    read = estimate.reinterpret("bit_flip_tolerant", orders="one")
    assert (read.is_positive_semidefinite, read.orders) == (False, "one")
    there, back = GENERAL["bit_flip_tolerant"], GENERAL_TURNED_ROUND["bit_flip_tolerant"]
    for value, *orders in zip(read.matrix[PAIRS], there, back, strict=True):
        assert min(abs(value - order) for order in orders) < 5 * 0.5 / np.sqrt(20_000)
    exact = FidelityKernel(general_map()).evaluate_with_errors(POINTS)
    same_order = exact.reinterpret("bit_flip_tolerant", orders="one").matrix
    assert np.all(np.abs(read.matrix - same_order)[PAIRS] < 4 * read.standard_errors[PAIRS])
    assert connection.usage.circuits == 3


def test_the_other_order_alone_runs_for_a_kernel_that_needs_both():
    connection = connect("aer", shots=50, seed=1)
    kernel = FidelityKernel(general_map(), connection=connection)
    fidelity = kernel.evaluate_with_errors(POINTS)
    hamming = HammingKernel(general_map(), connection=connection)
    assert hamming.plan(POINTS).circuits == 3
    matrix = hamming.evaluate_with_errors(POINTS)
    assert (connection.usage.circuits, matrix.shots, fidelity.shots) == (6, 100, 50)
    BitFlipTolerantKernel(general_map(), connection=connection).evaluate(POINTS[::-1])
    assert_array_equal(kernel.reinterpret("hamming", POINTS).matrix, matrix.matrix)
    assert connection.usage.circuits == 6
    assert HammingKernel(commuting_map(), connection=connection).plan(POINTS).circuits == 3


def test_threads_that_ask_for_several_kernels_run_each_pair_and_order_once():
    connection = connect("aer", shots=20)
    kinds = (FidelityKernel, HammingKernel, BitFlipTolerantKernel)
    asks = [lambda kind=kind: kind(general_map(), connection=connection).evaluate(POINTS) for kind in kinds * 3]
    ends = in_threads(*asks)
    assert connection.usage.circuits == 6
    for place, end in enumerate(ends):
        assert_array_equal(end, ends[place % 3])


def test_a_new_program_reinterprets_what_its_journal_holds_and_runs_nothing(tmp_path):
    path = tmp_path / "run.journal"
    first = connect("aer", shots=40, seed=1, journal=path)
    matrix = HammingKernel(general_map(), connection=first, keep="weights").evaluate(POINTS)
    again = connect("aer", shots=40, seed=1, journal=path)
    kernel = FidelityKernel(general_map(), connection=again)
    assert_array_equal(kernel.reinterpret("hamming", POINTS).matrix, matrix)
    with pytest.raises(ValueError, match="3 pairs of samples have not run yet, and reinterpreting runs nothing"):
        kernel.reinterpret("hamming", POINTS + 0.5)
    assert again.usage.shots == 0
    kernel.evaluate(POINTS)
    assert again.usage.shots == 0


def test_pairs_that_did_not_run_cannot_be_reinterpreted():
    connection = connect("aer", shots=10)
    kernel = FidelityKernel(AngleFeatureMap(), connection=connection)
    kernel.evaluate(POINTS)
    with pytest.raises(ValueError, match="2 pairs of samples have not run yet"):
        kernel.reinterpret("hamming", POINTS[:2], np.vstack([POINTS, POINTS[1] + 0.1]))
    assert connection.usage.circuits == 3


def test_marginals_that_were_not_kept_come_from_the_journal_or_not_at_all(tmp_path):
    connection = connect(shots=30, seed=1)
    FidelityKernel(general_map(), connection=connection).evaluate(POINTS)
    with pytest.raises(ValueError, match="3 pairs of samples ran when their marginals were not kept, and no journal"):
        FidelityKernel(general_map(), connection=connection, keep="marginals").evaluate(POINTS)
    assert connection.usage.circuits == 3

    journaled = connect(shots=30, seed=1, journal=tmp_path / "run.journal")
    before = FidelityKernel(general_map(), connection=journaled).evaluate(POINTS)
    later = FidelityKernel(general_map(), connection=journaled, keep="marginals").evaluate_with_errors(POINTS)
    assert journaled.usage.shots == 3 * 30
    assert_array_equal(later.matrix, before)
    again = connect(shots=30, seed=1, journal=tmp_path / "run.journal")
    from_first = FidelityKernel(general_map(), connection=again, keep="marginals").evaluate_with_errors(POINTS)
    assert again.usage.shots == 0
    assert_array_equal(from_first.outcomes.marginals, later.outcomes.marginals)


@pytest.mark.parametrize("keep", ["marginals", "outcomes"])
def test_kept_marginals_are_those_of_the_outcomes(keep):
    connection = connect(shots=20_000, seed=5)
    estimate = FidelityKernel(commuting_map(), connection=connection, keep=keep).evaluate_with_errors(
        POINTS, POINTS[:2]
    )
    probabilities = outcomes(commuting_map(), POINTS[2], POINTS[0])
    ones = [probabilities[[outcome >> qubit & 1 == 1 for outcome in range(8)]].sum() for qubit in range(3)]
    assert_allclose(estimate.outcomes.marginals[2, 0], ones, atol=5 * 0.5 / np.sqrt(20_000))
    assert_array_equal(estimate.outcomes.marginals[1, 1], 0)
    mean = estimate.reinterpret("hamming").matrix
    assert_allclose(1 - estimate.outcomes.marginals.mean(axis=-1), mean, atol=1e-12)
    with pytest.raises(ValueError, match="marginals of single qubits were not kept"):
        FidelityKernel(commuting_map(), connection=connection).evaluate_with_errors(POINTS).outcomes.marginals  # noqa: B018


@pytest.mark.parametrize("num_qubits", [1, 7, 8, 9, 21, 300])
def test_outcomes_are_counted_as_one_would_by_hand(num_qubits):
    rng = np.random.default_rng(num_qubits)
    bits = rng.integers(0, 2, (3, 50, num_qubits), dtype=np.uint8)
    bits[0] = 1
    bits[1, :, 3:] = 0
    packed = np.packbits(bits, axis=-1, bitorder="little")[..., ::-1]
    histograms = weight_histograms(packed, num_qubits)
    for row in range(3):
        assert_array_equal(histograms[row], np.bincount(bits[row].sum(axis=-1), minlength=num_qubits + 1))
        assert_array_equal(KEPT["marginals"](packed, num_qubits)[row], bits[row].sum(axis=0))
        read, counts = split_distinct(KEPT["outcomes"](packed, num_qubits)[row])
        expected, times = np.unique(bits[row], axis=0, return_counts=True)
        order = np.lexsort(read[:, :num_qubits].T[::-1])
        assert_array_equal(read[order, :num_qubits], expected)
        assert_array_equal(counts[order], times)


@dataclass(frozen=True)
class Parity:
    """A reading of a user's own: +1 for an even number of ones."""

    name = "parity"

    def values(self, num_qubits):
        return (-1.0) ** np.arange(num_qubits + 1)


def test_a_reading_of_ones_own_is_one_object():
    read = FidelityKernel(general_map()).reinterpret(Parity(), POINTS)
    assert_allclose(read.matrix, kernel_of(general_map(), Parity().values(3), POINTS, POINTS), atol=1e-12)
    assert read.reading == "parity"


@pytest.mark.parametrize("values", [[1.0, 0.5], [1, 0, 0, np.nan], [1j, 0, 0, 0], "none"])
def test_a_reading_of_other_than_one_number_for_each_weight_is_refused(values):
    class Broken:
        name = "broken"

        def values(self, num_qubits):
            return values

    for connection in (None, connect(shots=10)):
        estimate = FidelityKernel(general_map(), connection=connection).evaluate_with_errors(POINTS)
        with pytest.raises(ValueError, match=r"values\(3\) of the reading 'broken' must return 4 finite real numbers"):
            estimate.reinterpret(Broken())


def test_what_keeps_no_outcomes_says_so():
    kernel = FidelityKernel(AngleFeatureMap(), connection=connect(shots=10), method="swap")
    with pytest.raises(ValueError, match="method='swap' finds fidelities only"):
        kernel.reinterpret("hamming", POINTS)
    with pytest.raises(ValueError, match="No outcomes were kept behind this matrix"):
        kernel.evaluate_with_errors(POINTS).reinterpret("hamming")
    with pytest.raises(ValueError, match="method='swap' finds fidelities only"):
        HammingKernel(AngleFeatureMap(), connection=connect(shots=10), method="swap").evaluate(POINTS)


def test_words_that_cannot_be_meant_are_refused_before_anything_runs():
    connection = connect("aer", shots=10)
    for settings, said in (({"keep": "all"}, "keep must be one of"), ({"orders": "three"}, "orders must be one of")):
        with pytest.raises(ValueError, match=said):
            HammingKernel(AngleFeatureMap(), connection=connection, **settings).evaluate(POINTS)
    estimate = FidelityKernel(AngleFeatureMap()).evaluate_with_errors(POINTS)
    with pytest.raises(ValueError, match="orders must be one of"):
        estimate.reinterpret("hamming", orders="two")
    assert connection.usage.circuits == 0


@pytest.mark.parametrize("connection", [None, connect(shots=20, seed=1)])
def test_estimates_and_their_outcomes_can_be_sent_to_another_process(connection):
    estimate = FidelityKernel(commuting_map(), connection=connection).evaluate_with_errors(POINTS)
    assert isinstance(estimate.outcomes, KeptOutcomes)
    copy = pickle.loads(pickle.dumps(estimate))
    assert isinstance(copy, KernelEstimate)
    assert_array_equal(copy.reinterpret("hamming").matrix, estimate.reinterpret("hamming").matrix)


def test_one_sample_and_equal_samples_have_readings_too():
    connection = connect(shots=20, seed=1)
    for data in (POINTS[:1], np.vstack([POINTS, POINTS[:2]])):
        read = HammingKernel(general_map(), connection=connection).evaluate_with_errors(data)
        assert_allclose(np.diagonal(read.matrix), 1, atol=0)
        assert np.diagonal(read.standard_errors).max() == 0
    assert read.matrix[3, 0] == read.matrix[0, 3] == 1
    assert read.matrix[3, 1] == read.matrix[0, 1]
