"""Shots of a kernel's own: a number, or as many for each entry as make all equally precise. Oracles: SciPy's binomial
distribution, Qiskit's Statevector, and counting samplers."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorSampler
from qiskit.quantum_info import Statevector
from qiskit_aer.noise import NoiseModel, depolarizing_error
from scipy.stats import binom
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from qiskit_qml_ext.circuits import AngleFeatureMap, IQPFeatureMap, ZZFeatureMap
from qiskit_qml_ext.diagnostics import kernel_concentration
from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.kernels import (
    AdaptiveShots,
    BitFlipTolerantKernel,
    CachedKernel,
    CombinedKernel,
    EvenErrors,
    FidelityKernel,
    HammingKernel,
    MatrixProductStates,
    ReadoutErrors,
    compute_kernel_matrix,
)
from qiskit_qml_ext.models import AdaptiveQuantumSVC, QuantumSVC
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(0).uniform(-1.5, 1.5, (9, 3))
PAIRS = 36
UPPER = np.triu_indices(9, 1)
MAP = AngleFeatureMap()
SETTINGS = [EvenErrors(shots, pilot) for shots, pilot in ((1, None), (7, None), (100, 1), (100, None), (1024, None))]
SETTINGS += [EvenErrors(1024, pilot) for pilot in (5, 64, 500)] + [EvenErrors(20_000), EvenErrors(85, 64)]


def kernel(shots="adaptive", *, uniform=400, seed=1, feature_map=MAP, **settings):
    return FidelityKernel(feature_map, connection=connect("exact", shots=uniform, seed=seed), shots=shots, **settings)


def fidelities(samples=X, feature_map=MAP):
    """Of Qiskit's own states."""
    circuit = feature_map.build(samples.shape[1])
    states = np.array([Statevector(circuit.assign_parameters(row)).data for row in samples])
    return np.abs(states.conj() @ states.T) ** 2


# --- what is promised ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_no_entry_whatever_it_is_has_a_larger_mean_square_error_than_is_promised(settings):
    even = settings.with_shots_of(None)
    entries, zeros = np.linspace(0, 1, 501), np.arange(even.pilot + 1)
    chances = binom.pmf(zeros[:, None], even.pilot, entries[None])
    errors = entries * (1 - entries) * (chances / even.sizes_after(zeros)[:, None]).sum(axis=0)
    n = even.pilot + 2
    assert np.all(errors <= (1 - entries**n - (1 - entries) ** n) / (4 * even.uniform) + 1e-15)
    assert even.standard_error == 0.5 / np.sqrt(even.uniform)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_numbers_of_shots_are_few_and_never_that_of_the_pilot(settings):
    even = settings.with_shots_of(None)
    sizes = even.sizes
    assert even.pilot not in sizes
    assert np.all(np.diff(sizes) > 0)
    assert np.all(sizes[1:] <= np.ceil(np.sqrt(2) * sizes[:-1]) + 1)
    assert sizes[-1] <= even.uniform * (even.pilot + 2) / (even.pilot + 1) + 2
    assert sizes[0] >= 4 * even.uniform / (even.pilot + 2) - 1e-9
    assert set(even.sizes_after(np.arange(even.pilot + 1))) <= set(sizes)


def test_rule_is_the_one_that_is_stated():
    even = EvenErrors(1024, 62).with_shots_of(None)
    zeros = np.arange(63)
    needed = 4 * 1024 * (zeros + 1) * (63 - zeros) / (63 * 64)
    sizes = even.sizes_after(zeros)
    assert np.all(sizes >= needed - 1e-9)
    below = np.concatenate([[0], even.sizes])[np.searchsorted(even.sizes, sizes)]
    assert np.all(below < needed), "a smaller number of shots would have been enough"


def beside_uniform_shots(entries, settings):
    """The mean square over all entries, by that of as many uniform shots; over all outcomes of the pilots."""
    even = settings.with_shots_of(None)
    zeros = np.arange(even.pilot + 1)
    chances, sizes = binom.pmf(zeros, even.pilot, entries[:, None]), even.sizes_after(zeros)
    squares = entries * (1 - entries)
    shots = even.pilot + (chances @ sizes).mean()
    return shots, (squares * (chances @ (1 / sizes))).mean() / (squares.mean() / shots)


ENTRIES = {
    "about 1/2": np.full(3, 0.5),
    "of a wide map": np.prod(np.cos(np.random.default_rng(0).normal(size=(400, 20)) / np.sqrt(2)) ** 2, axis=1),
    "of a map of eight": np.prod(np.cos(np.random.default_rng(1).normal(size=(400, 8)) / np.sqrt(2)) ** 2, axis=1),
    "any": np.random.default_rng(2).uniform(size=400),
    "all near 0": np.full(3, 1e-6),
    "all near 1": np.full(3, 1 - 1e-6),
    "one has all of v": np.array([0.5] + 99 * [1e-4]),
    "below one in two roots": np.full(3, 0.004),
}


@pytest.mark.parametrize("shots", [1000, 4096, 100_000])
@pytest.mark.parametrize("entries", ENTRIES.values(), ids=ENTRIES)
def test_mean_square_beside_as_many_uniform_shots_is_the_one_that_is_stated(entries, shots):
    settings = EvenErrors(shots)
    n, v = settings.with_shots_of(None).pilot, np.mean(entries * (1 - entries))
    left = np.mean(1 - entries ** (n + 2) - (1 - entries) ** (n + 2))
    mean_shots = n + 4 * shots * (n * (n - 1) * v + n + 1) / ((n + 1) * (n + 2))
    taken, ratio = beside_uniform_shots(entries, settings)
    assert mean_shots * (1 - 1e-9) <= taken <= mean_shots * 1.25  # numbers are rounded up, by 1.2 in the mean
    assert_allclose(ratio, mean_shots / (4 * shots * v) * left, rtol=0.1)
    assert_allclose(ratio, (1 + 1 / (v * np.sqrt(shots))) * left, rtol=0.1)
    assert ratio < 2.1


def test_as_many_uniform_shots_leave_half_the_mean_square_of_entries_near_0_and_more_where_one_has_all_of_v():
    assert_allclose(beside_uniform_shots(ENTRIES["all near 0"], EvenErrors(4096))[1], 2, rtol=0.01)
    assert_allclose(beside_uniform_shots(ENTRIES["about 1/2"], EvenErrors(4096))[1], 1, rtol=0.05)
    assert beside_uniform_shots(ENTRIES["one has all of v"], EvenErrors(4096))[1] < 0.2


def test_expected_shots_are_the_mean_over_pilots():
    even = EvenErrors(500).with_shots_of(None)
    entries = np.array([0.0, 0.02, 0.3, 1.0])
    drawn = np.random.default_rng(0).binomial(even.pilot, entries, size=(20_000, 4))
    # the sizes spread by at most 250 about their mean: 250/√80,000 is 0.9; 5 of these
    assert abs(even.pilot + even.sizes_after(drawn).mean() - even.expected_shots(entries)) < 4.5


@pytest.fixture(scope="module")
def repeated():
    """250 matrices of the same samples, their errors and shots: of 36 pairs each."""
    estimates = [kernel(uniform=100, seed=seed).evaluate_with_errors(X) for seed in range(250)]
    return [np.array([one[UPPER] for one in each]) for each in zip(*map(_parts, estimates), strict=True)]


def _parts(estimate):
    return estimate.matrix, estimate.standard_errors, estimate.entry_shots


def test_entries_are_unbiased(repeated):
    values, _, shots = repeated
    exact = fidelities()[UPPER]
    deviations = np.sqrt((exact * (1 - exact) / shots).mean(axis=0) / len(values))
    assert np.all(np.abs(values.mean(axis=0) - exact) < 5 * deviations)  # 36 numbers: 2e-5
    # all together: small biases of one sign would add up (a mean with the pilot is too small by 7 of these)
    together = np.sum(values.mean(axis=0) - exact) / np.sqrt(np.sum(deviations**2))
    assert abs(together) < 5


def test_mean_with_the_pilot_would_be_biased(repeated):
    even = EvenErrors(100).with_shots_of(None)
    exact = fidelities()[UPPER]
    zeros = np.random.default_rng(0).binomial(even.pilot, exact, size=(4000, PAIRS))
    more = even.sizes_after(zeros)
    pooled = (zeros + np.random.default_rng(1).binomial(more, exact)) / (even.pilot + more)
    own = np.sqrt(np.sum(exact * (1 - exact) / 50)) / np.sqrt(4000)
    assert np.sum(pooled.mean(axis=0) - exact) < -5 * own


def test_errors_are_at_most_what_is_promised_and_those_that_are_stated(repeated):
    values, errors, _ = repeated
    exact = fidelities()[UPPER]
    squares = ((values - exact) ** 2).mean(axis=0)
    # of 250 squares the mean is known to √(2/250) = 9 %; 5 of these for the largest of 36
    assert np.all(squares < 1.45 / (4 * 100))
    ratios = np.sqrt(np.mean((values - exact) ** 2, axis=0) / np.mean(errors**2, axis=0))
    wide = (exact > 0.1) & (exact < 0.9)  # elsewhere Laplace's rule states more than the error
    assert np.all(np.abs(ratios[wide] - 1) < 0.25)  # roots of the same means: 4.5 % each
    assert np.all(ratios < 1.25)


def test_same_quality_takes_fewer_executions():
    narrow = AngleFeatureMap(bandwidth=2.0)
    samples = np.random.default_rng(1).normal(size=(14, 6))
    even = kernel(uniform=4096, feature_map=narrow)
    matrix = even.evaluate(samples)
    assert even.connection.usage.shots < 91 * 4096 / 5
    exact = fidelities(samples, narrow)
    assert np.sqrt(np.mean((matrix - exact) ** 2)) < 0.5 / np.sqrt(4096)


# --- what runs, and only once ----------------------------------------------------------------------------------------


class Jobs(StatevectorSampler):
    """Notes rows and shots of each job."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.jobs = []

    def run(self, pubs, *, shots=None):
        pubs = list(pubs)
        self.jobs.append([(pub[1].shape[0], pub[2]) for pub in pubs])
        return super().run(pubs, shots=shots)


def test_each_job_has_one_number_of_shots_and_the_pilot_is_the_first():
    sampler = Jobs()
    estimate = FidelityKernel(MAP, sampler=sampler, shots=EvenErrors(shots=300)).evaluate_with_errors(X)
    even = EvenErrors(300).with_shots_of(None)
    jobs = [job[0] for job in sampler.jobs if len(job) == 1]
    assert len(jobs) == len(sampler.jobs)
    assert jobs[0] == (PAIRS, even.pilot)
    shots = estimate.entry_shots
    assert jobs[1:] == [(int(np.sum(shots[UPPER] == size)), size) for size in np.unique(shots[UPPER])]
    assert estimate.shots == shots[UPPER].min()
    assert_array_equal(shots, shots.T)
    assert_array_equal(np.diagonal(shots), 0)
    assert_array_equal(np.diagonal(estimate.matrix), 1.0)


def test_nothing_runs_twice_in_copies_parts_folds_or_another_kernel_of_the_same_shots():
    one = kernel()
    whole = one.evaluate_with_errors(X)
    usage = one.connection.usage
    assert usage.shots == PAIRS * EvenErrors(400).with_shots_of(None).pilot + whole.entry_shots[UPPER].sum()
    assert usage.circuits == 2 * PAIRS
    assert_array_equal(clone(one).evaluate(X[::-1])[::-1, ::-1], whole.matrix)
    assert_array_equal(one.evaluate(X[:4], X[4:]), whole.matrix[:4, 4:])
    y = np.arange(9) % 3 > 0
    GridSearchCV(QuantumSVC(one), {"C": [0.1, 1.0]}, cv=3).fit(X, y)
    FidelityKernel(MAP, connection=one.connection, shots=EvenErrors()).evaluate(X)
    assert one.connection.usage == usage


def test_entries_of_a_seed_do_not_depend_on_what_else_is_asked_for():
    whole = kernel().evaluate_with_errors(X)
    few = kernel().evaluate_with_errors(X[3:7])
    assert_array_equal(few.matrix, whole.matrix[3:7, 3:7])
    assert_array_equal(few.entry_shots, whole.entry_shots[3:7, 3:7])
    assert not np.array_equal(kernel(seed=2).evaluate(X), whole.matrix)


@pytest.mark.parametrize("target", ["exact", "aer"])
def test_a_new_program_finds_pilot_and_run_in_its_journal(tmp_path, target):
    path = tmp_path / "run.journal"

    def program():
        return FidelityKernel(MAP, connection=connect(target, shots=200, seed=1, journal=path), shots="adaptive")

    first = program()
    matrix = first.evaluate(X)
    again = program()
    plan = again.plan(X)
    assert plan.in_journal == plan.circuits == PAIRS
    assert_array_equal(again.reinterpret("fidelity", X).matrix, matrix)
    assert_array_equal(again.evaluate(X), matrix)
    assert again.connection.usage.shots == 0


def test_a_run_that_was_stopped_after_the_pilot_goes_on(tmp_path):
    path, even = tmp_path / "run.journal", EvenErrors(200).with_shots_of(None)
    short = connect("exact", shots=200, seed=1, journal=path, max_executions=PAIRS * even.pilot)
    with pytest.raises(BudgetExceededError):
        FidelityKernel(MAP, connection=short, shots="adaptive").evaluate(X)
    assert short.usage.shots == PAIRS * even.pilot
    more = FidelityKernel(MAP, connection=connect("exact", shots=200, seed=1, journal=path), shots="adaptive")
    plan = more.plan(X)
    assert plan.expected_executions == plan.executions, "the journal has the pilot, so that nothing is left to guess"
    estimate = more.evaluate_with_errors(X)
    assert more.connection.usage.shots == estimate.entry_shots[UPPER].sum() == plan.executions
    assert more.connection.usage.jobs == plan.jobs


@pytest.mark.parametrize("limit", ["max_executions", "max_cost"])
def test_budgets_hold(limit):
    price = {} if limit == "max_executions" else {"price_per_minute": 1.0}
    connection = connect("fake_manila", shots=100, seed=1, **{limit: 1e-9 if price else 500}, **price)
    with pytest.raises(BudgetExceededError):
        FidelityKernel(MAP, connection=connection, shots="adaptive").evaluate(X)
    assert connection.usage.shots == 0, "the pilot alone takes 36·18"


def test_a_job_that_could_not_hold_one_circuit_is_refused_before_anything_runs():
    connection = connect("exact", shots=400, max_executions_per_job=400)
    with pytest.raises(ValueError, match="may take 411 shots, but a job has at most 400"):
        FidelityKernel(MAP, connection=connection, shots="adaptive").evaluate(X)
    assert connection.usage.shots == 0


def test_limits_of_jobs_cut_each_number_of_shots():
    connection = connect("exact", shots=400, seed=1, max_executions_per_job=500)
    one = FidelityKernel(MAP, connection=connection, shots="adaptive")
    most = one.plan(X).jobs
    assert_array_equal(one.evaluate(X), kernel().evaluate(X))
    assert 15 < connection.usage.jobs <= most


# --- plans -----------------------------------------------------------------------------------------------------------


def test_plan_says_the_most_and_what_is_expected():
    one = kernel(uniform=1000)
    plan = one.plan(X)
    even = EvenErrors(1000).with_shots_of(None)
    assert plan.executions == PAIRS * (even.pilot + even.sizes[-1])
    assert plan.shots == even.sizes[-1]
    assert plan.standard_error == even.standard_error
    assert_allclose(plan.expected_executions, PAIRS * even.expected_shots(fidelities()[UPPER]), rtol=1e-9)
    one.evaluate(X)
    usage = one.connection.usage
    # a pair's shots spread by less than 250 about their mean: 1,500 for 36; 4 of these
    assert abs(usage.shots - plan.expected_executions) < 6000
    assert usage.shots < plan.executions
    assert usage.jobs <= plan.jobs
    assert one.plan(X).circuits == one.plan(X).executions == one.plan(X).expected_executions == 0
    assert "up to 1,0" in plan.summary()
    assert f"{plan.expected_executions:,.0f} executions are expected; uniform shots take 36,000." in (plan.summary())


def test_plan_of_known_moments_is_near_that_of_their_entries():
    entries = fidelities()[UPPER]
    one = kernel(uniform=1000)
    guessed = one.plan(X, entries=(entries.mean(), entries.var())).expected_executions
    assert_allclose(guessed, one.plan(X).expected_executions, rtol=0.05)
    alike = one.plan(X, entries=(0.25, 0.0)).expected_executions
    assert_allclose(alike, PAIRS * EvenErrors(1000).with_shots_of(None).expected_shots(np.array([0.25])))
    ends = one.plan(X, entries=(0.5, 0.25)).expected_executions
    assert_allclose(ends, PAIRS * EvenErrors(1000).with_shots_of(None).expected_shots(np.array([0.0])))


def test_plan_of_a_number_of_shots_is_that_of_uniform_ones():
    plan = kernel().plan(X, shots=300)
    assert plan == kernel(None).plan(X, shots=300)
    assert plan.executions == PAIRS * 300
    assert plan.expected_executions is None


def test_plan_on_a_device_has_a_price_and_counts_the_signal_that_errors_leave():
    connection = connect("fake_manila", shots=1000, seed=1, price_per_minute=2.0)
    plan = FidelityKernel(MAP, connection=connection, shots="adaptive").plan(X)
    uniform = FidelityKernel(MAP, connection=connection).plan(X)
    assert (plan.overhead_seconds, uniform.overhead_seconds) == (2.0 * plan.jobs, 2.0)  # what IBM documents
    assert_allclose(plan.cost, plan.seconds / 60 * 2.0)
    assert_allclose((plan.seconds - 2.0 * plan.jobs) / plan.executions, (uniform.seconds - 2.0) / uniform.executions)
    even = EvenErrors(1000).with_shots_of(None)
    left = plan.error_free * fidelities()[UPPER]
    assert_allclose(plan.expected_executions, PAIRS * even.expected_shots(left), rtol=1e-9)


def test_plan_of_packed_circuits_counts_copies_side_by_side_and_what_is_not_full():
    connection = connect("fake_manila", shots=200, seed=1, packing=2)
    one = FidelityKernel(MAP, connection=connection, shots="adaptive")
    samples = X[:7, :2]
    plan = one.plan(samples)
    even = EvenErrors(200).with_shots_of(None)
    full = 11 * (even.pilot + even.sizes[-1])  # 21 pairs
    assert plan.executions == full + even.sizes[:-1].sum()
    one.evaluate(samples)
    usage = connection.usage
    assert usage.shots <= plan.executions
    assert usage.jobs <= plan.jobs
    # not full: up to half of the circuits of each number of shots
    assert plan.expected_executions * 0.8 < usage.shots < plan.expected_executions + even.sizes.sum() / 2 + 600
    assert one.plan(samples).executions == one.plan(samples).expected_executions == 0


def drawn_executions(even, entries, copies, repeats=2000):
    """Count, for pilots that are drawn, circuits of up to so many pairs with one number of shots."""
    entries = np.broadcast_to(entries, (repeats, np.shape(entries)[-1]))
    zeros = np.random.default_rng(0).binomial(even.pilot, entries)
    sizes = even.sizes_after(zeros)
    circuits = sum(size * np.ceil((sizes == size).sum(axis=1) / copies) for size in even.sizes)
    return even.pilot * np.ceil(entries.shape[1] / copies) + circuits


def test_plan_of_packed_circuits_expects_what_pairs_with_one_number_of_shots_fill():
    connection = connect("fake_manila", shots=200, seed=1, packing=2)
    samples, even = X[:5, :2], EvenErrors(200).with_shots_of(None)
    plan = FidelityKernel(MAP, connection=connection, shots="adaptive").plan(samples)
    entries = plan.error_free * fidelities(samples)[np.triu_indices(5, 1)]
    drawn = drawn_executions(even, entries, 2)
    assert abs(drawn.mean() - plan.expected_executions) < 5 * drawn.std() / np.sqrt(2000)
    assert plan.expected_executions > 5 * 200
    assert "uniform shots take 1,000." in plan.summary()
    assert "are not full: here uniform shots, shots=None or a number, take less." in plan.summary()
    alone = FidelityKernel(MAP, connection=connect("fake_manila", shots=200, seed=1), shots="adaptive")
    assert "side by side" not in alone.plan(samples).summary()


@pytest.mark.parametrize("pairs", [20, 45, 400])
def test_executions_of_packed_pairs_are_the_mean_over_pilots(pairs):
    even, entries = EvenErrors(300).with_shots_of(None), np.random.default_rng(1).beta(0.5, 2, size=45)
    of_all = entries[:pairs] if pairs <= 45 else np.random.default_rng(2).choice(entries, size=(2000, pairs))
    drawn = drawn_executions(even, of_all, 7)
    expected = even.expected_executions(entries[:pairs], pairs, 7)
    assert abs(drawn.mean() - expected) < 5 * drawn.std() / np.sqrt(2000)


def test_plan_expects_what_the_pairs_that_run_take_and_not_others():
    even, rng = EvenErrors(1000).with_shots_of(None), np.random.default_rng(3)
    near, far = rng.normal(size=(4, 3)) / 100, rng.normal(size=(60, 3)) / 100 + [np.pi / 2, 0, 0]
    between = kernel(uniform=1000).plan(near, far)
    assert_allclose(between.expected_executions, 240 * even.expected_shots(np.array([0.5])), rtol=1e-3)
    with_diagonal = kernel(uniform=1000, run_diagonal=True).plan(X)
    of_entries = PAIRS * even.expected_shots(fidelities()[UPPER]) + 9 * even.expected_shots(np.ones(1))
    assert_allclose(with_diagonal.expected_executions, of_entries, rtol=1e-9)
    known = kernel(uniform=1000)
    known.evaluate(np.concatenate([near, near + 0.01]))
    more = known.plan(np.concatenate([near, near + 0.01, far[:2]]))
    entries = [0.5] * 16 + [1.0]
    assert_allclose(more.expected_executions, 17 * even.expected_shots(np.array(entries)), rtol=1e-3)
    moments = kernel(uniform=1000, run_diagonal=True).plan(X, entries=(0.5, 0.0)).expected_executions
    assert_allclose(moments, PAIRS * even.expected_shots(np.array([0.5])) + 9 * even.expected_shots(np.ones(1)))


def test_plan_of_several_kernels_counts_shared_pairs_once():
    connection = connect("exact", shots=400, seed=1)
    parts = [("one", FidelityKernel(MAP, connection=connection, shots="adaptive"))]
    parts.append(("other", FidelityKernel(MAP, connection=connection, shots="adaptive", psd_repair="clip")))
    parts.append(("plain", FidelityKernel(MAP, connection=connection)))
    plan = CombinedKernel(parts).plan(X)
    alone = parts[0][1].plan(X)
    assert plan.executions == alone.executions + PAIRS * 400
    assert_allclose(plan.expected_executions, alone.expected_executions + PAIRS * 400)
    assert plan.uniform_executions == 2 * PAIRS * 400
    said = plan.summary()
    assert said.count("executions are expected") == 1
    assert f"About {plan.expected_executions:,.0f} executions are expected; uniform shots take 28,800." in said
    assert "one: These are the most: after a pilot" in said
    assert "plain: The all-zeros signal" in said
    wide = AngleFeatureMap().build(3).tensor(QuantumCircuit(10))
    wide.h(range(10))
    parts.append(("wide", FidelityKernel(wide, connection=connection, shots="adaptive")))
    plan = CombinedKernel(parts).plan(X)
    assert plan.expected_executions is None, "of one of them it is not known"
    assert plan.uniform_executions == 3 * PAIRS * 400


def test_plan_of_cached_entries_expects_nothing(tmp_path):
    CachedKernel(kernel(), store=tmp_path / "entries").evaluate(X)
    plan = CachedKernel(kernel(), store=tmp_path / "entries").plan(X)
    assert plan.executions == plan.expected_executions == plan.uniform_executions == 0
    assert "About 0 executions are expected; uniform shots take 0." in plan.summary()


def test_cached_kernel_plans_and_keeps_the_shots_of_each_entry(tmp_path):
    for store in (None, tmp_path / "entries"):
        one = kernel(run_diagonal=True, psd_repair="mitigate_depolarizing")
        cached = CachedKernel(one, store=store)
        assert cached.plan(X).expected_executions == one.plan(X).expected_executions
        half, whole = cached.evaluate_with_errors(X[:5]), cached.evaluate_with_errors(X)
        usage = one.connection.usage
        plain = one.evaluate_with_errors(X)
        assert one.connection.usage == usage
        assert_array_equal(whole.entry_shots, plain.entry_shots)
        assert_array_equal(half.entry_shots, plain.entry_shots[:5, :5])
        assert_array_equal(whole.raw, plain.raw)
        assert_allclose(whole.matrix, plain.matrix)
        assert cached.plan(X).executions == cached.plan(X).expected_executions == 0
    other = CachedKernel(kernel(), store=tmp_path / "entries")
    assert not np.array_equal(other.evaluate_with_errors(X).entry_shots, whole.entry_shots), "another kernel"


# --- a number of shots -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "sampled", "swap", "randomised"])
def test_a_number_takes_the_place_of_the_connections_shots(method):
    connection = connect("exact", shots=50, seed=1)
    own = FidelityKernel(MAP, connection=connection, method=method, shots=200)
    as_connected = FidelityKernel(MAP, connection=connect("exact", shots=200, seed=1), method=method)
    estimate = own.evaluate_with_errors(X)
    assert_array_equal(estimate.matrix, as_connected.evaluate(X))
    assert estimate.shots == 200
    assert estimate.entry_shots is None
    assert connection.usage.shots == as_connected.connection.usage.shots
    assert own.plan(X, shots=200).circuits == 0
    assert own.plan(X[:2] + 1).shots == 200


@pytest.mark.parametrize("kind", [HammingKernel, BitFlipTolerantKernel])
def test_kernels_of_outcomes_take_a_number_too(kind):
    connection = connect("exact", shots=50, seed=1)
    estimate = kind(MAP, connection=connection, shots=200).evaluate_with_errors(X)
    as_connected = kind(MAP, connection=connect("exact", shots=200, seed=1))
    assert_array_equal(estimate.matrix, as_connected.evaluate(X))
    assert estimate.shots == 200


def test_a_number_reaches_a_sampler_of_the_users_own():
    sampler = Jobs()
    estimate = FidelityKernel(MAP, sampler=sampler, shots=77).evaluate_with_errors(X)
    assert sampler.jobs == [[(PAIRS, 77)]]
    assert estimate.shots == 77


def test_a_number_draws_exact_results_anew_and_an_exact_copy_has_none():
    drawn = FidelityKernel(MAP, shots=100)
    matrix = drawn.evaluate(X)
    assert_allclose(np.round(matrix * 100), matrix * 100, atol=1e-12)
    assert not np.array_equal(drawn.evaluate(X), matrix)
    # 36 entries, 5 standard errors of at most 1/20
    assert np.abs(matrix - fidelities()).max() < 0.25
    assert_allclose(drawn.exact_copy().evaluate(X), fidelities(), atol=1e-12)
    assert_allclose(kernel().exact_copy().evaluate(X), fidelities(), atol=1e-12)


# --- with all else ---------------------------------------------------------------------------------------------------


def noisy():
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.02, 1), ["ry"])
    return connect("aer", shots=1000, seed=1, noise_model=noise)


def test_measured_diagonal_gets_shots_as_it_needs_them():
    connection = noisy()
    one = FidelityKernel(MAP, connection=connection, shots="adaptive", run_diagonal=True)
    estimate = one.evaluate_with_errors(X)
    shots = np.diagonal(estimate.entry_shots)
    assert np.all(shots > 0)
    assert shots.max() < 600, "near 1 an entry needs few"
    values, errors = one.measured_diagonal(X)
    assert_array_equal(values, np.diagonal(estimate.matrix))
    assert_array_equal(errors, np.diagonal(estimate.standard_errors))
    repaired = one.set_params(psd_repair=["mitigate_depolarizing", "regularize_by_error"]).evaluate_with_errors(X)
    assert [step.split("(")[0] for step in repaired.applied] == ["MitigateDepolarizing", "RegularizeByError"]
    assert_array_equal(repaired.raw, estimate.matrix)
    assert_array_equal(repaired.entry_shots, estimate.entry_shots)


def test_cached_diagonal_that_was_measured_first_keeps_the_shots_of_each_entry():
    one = FidelityKernel(MAP, connection=noisy(), shots="adaptive", run_diagonal=True)
    cached = CachedKernel(one)
    cached.measured_diagonal(X)
    shots = cached.evaluate_with_errors(X).entry_shots
    assert_array_equal(shots, one.evaluate_with_errors(X).entry_shots)
    assert np.ptp(np.diagonal(shots)) > 0


def test_ridge_follows_the_errors_of_entries_with_shots_of_their_own():
    one = kernel(psd_repair="regularize_by_error")
    estimate = one.evaluate_with_errors(X)
    ridge = 2 * np.sqrt(np.sum(estimate.standard_errors**2, axis=1)).max()
    assert_allclose(estimate.matrix, estimate.raw + ridge * np.eye(9))


@pytest.mark.parametrize("feature_map", [MAP, IQPFeatureMap(reps=1)], ids=["product", "commuting"])
def test_outcomes_can_be_read_otherwise_with_true_errors(feature_map):
    one = kernel(uniform=2000, feature_map=feature_map, keep="outcomes")
    estimate = one.evaluate_with_errors(X)
    exact = FidelityKernel(feature_map).reinterpret("hamming", X, orders="one")
    for read in (estimate.reinterpret("hamming", orders="one"), one.reinterpret("hamming", X, orders="one")):
        ratios = (read.matrix - exact.matrix)[UPPER] / read.standard_errors[UPPER]
        assert np.abs(ratios).max() < 5  # of 36
        assert np.sqrt(np.mean(ratios**2)) < 1.6
        assert_array_equal(read.entry_shots, estimate.entry_shots)
    errors = ReadoutErrors(0.02, 0.03)
    corrected = estimate.reinterpret("fidelity", readout_correction=errors)
    assert np.all(corrected.standard_errors[UPPER] > estimate.standard_errors[UPPER])
    assert_array_equal(corrected.entry_shots, estimate.entry_shots)
    marginals = estimate.outcomes.marginals
    kept = kernel(uniform=2000, feature_map=feature_map, keep="marginals").evaluate_with_errors(X)
    assert_array_equal(kept.outcomes.marginals, marginals)
    assert_allclose(read.matrix[UPPER], 1 - marginals.mean(axis=-1)[UPPER])


def test_what_was_not_kept_comes_from_the_journal(tmp_path):
    connection = connect("exact", shots=100, seed=1, journal=tmp_path / "run.journal")
    FidelityKernel(MAP, connection=connection, shots="adaptive").evaluate(X)
    usage = connection.usage
    later = FidelityKernel(MAP, connection=connection, shots="adaptive", keep="outcomes").evaluate_with_errors(X)
    assert connection.usage.shots == usage.shots
    assert later.outcomes.marginals.shape == (9, 9, 3)


def test_combinations_say_the_least_shots_behind_each_entry():
    adaptive, plain = kernel(), FidelityKernel(IQPFeatureMap(), connection=connect("exact", shots=90, seed=2))
    shots = adaptive.evaluate_with_errors(X).entry_shots
    both = CombinedKernel([("one", adaptive), ("other", plain)]).evaluate_with_errors(X)
    assert_array_equal(both.entry_shots, np.minimum(shots, 90))
    assert both.shots == both.entry_shots[UPPER].min()
    exact = CombinedKernel([("one", adaptive), ("other", FidelityKernel(IQPFeatureMap()))]).evaluate_with_errors(X)
    assert_array_equal(exact.entry_shots, shots)


def test_tiles_are_those_of_the_whole_matrix(tmp_path):
    one = kernel()
    tiled = compute_kernel_matrix(one, X, folder=tmp_path / "matrix", tile_size=4)
    assert_array_equal(tiled, kernel().evaluate(X))


def test_concentration_takes_off_the_noise_of_each_entry():
    samples = np.random.default_rng(3).uniform(-1.5, 1.5, (30, 3))
    for wrap in (lambda one: one, CachedKernel):
        one = wrap(kernel(uniform=60))
        found = kernel_concentration(one, samples).last
        estimate = one.evaluate_with_errors(samples)
        above = np.triu_indices(30, 1)
        values, shots = estimate.raw[above], estimate.entry_shots[above]
        noise = np.mean(values * (1 - values) / (shots - 1))
        assert_allclose(found.shots.variance, values.var() - noise, rtol=1e-12)
    assert np.ptp(shots) > 0


def test_copies_keep_their_shots():
    settings = EvenErrors(shots=300, pilot=20)
    one = kernel(settings)
    assert one.get_params()["shots"] is settings
    assert clone(one).shots == settings
    assert pickle.loads(pickle.dumps(one)).shots == settings
    assert_array_equal(pickle.loads(pickle.dumps(one)).evaluate(X), one.evaluate(X))
    assert one.set_params(shots=50).evaluate_with_errors(X).shots == 50
    assert "shots='adaptive'" in repr(kernel())
    there = kernel().with_connection(connect("exact", shots=100, seed=1))
    assert_array_equal(there.evaluate(X), kernel(uniform=100).evaluate(X))


def test_models_take_the_kernel_and_the_adaptive_one_gives_out_its_own_shots():
    y = X[:, 0] > 0
    assert np.mean(QuantumSVC(kernel(uniform=2000), C=10).fit(X, y).predict(X) == y) >= 7 / 9
    said, unsaid = (AdaptiveQuantumSVC(kernel(shots), random_state=0).fit(X, y) for shots in ("adaptive", None))
    assert_array_equal(said.kernel_estimate_.matrix, unsaid.kernel_estimate_.matrix)
    for shots in (100, EvenErrors()):
        with pytest.raises(ValueError, match=r"Adaptive shots do not use shots of the kernel\. Leave it at None"):
            AdaptiveQuantumSVC(kernel(shots)).fit(X, y)


# --- refusals --------------------------------------------------------------------------------------------------------

SAMPLED = connect("exact", shots=100, seed=0)
REFUSED = {
    "no number": ({"shots": 0}, ValueError, "shots must be at least 1"),
    "a fraction": ({"shots": 1.5}, TypeError, "shots must be a whole number, 'adaptive', EvenErrors"),
    "a truth": ({"shots": True}, TypeError, "shots must be a whole number, 'adaptive', EvenErrors"),
    "a word": ({"shots": "adaptiv"}, ValueError, "'adaptive', EvenErrors"),
    "decisions": ({"shots": AdaptiveShots()}, TypeError, "Give them to AdaptiveQuantumSVC"),
    "exact": ({"shots": "adaptive", "connection": connect()}, ValueError, "this connection has none"),
    "no connection": ({"shots": "adaptive", "connection": None}, ValueError, "this connection has none"),
    "a sampler": (
        {"shots": "adaptive", "connection": None, "sampler": StatevectorSampler()},
        ValueError,
        r"or say them: shots=EvenErrors\(shots=1024\)",
    ),
    "states": ({"shots": 100, "method": "exact"}, ValueError, "method='exact' is exact"),
    "states, adaptive": ({"shots": "adaptive", "method": "exact"}, ValueError, "method='exact' is exact"),
    "product states": ({"shots": 100, "method": MatrixProductStates()}, ValueError, "is exact. Leave one of them out"),
    "swap test": ({"shots": "adaptive", "method": "swap"}, ValueError, "those of method='swap' are not"),
    "randomised": ({"shots": "adaptive", "method": "randomised"}, ValueError, "those of method='randomised' are not"),
    "readout": (
        {"shots": "adaptive", "readout_correction": ReadoutErrors(0.01, 0.01)},
        ValueError,
        r"say keep='outcomes', .*kernel\.set_params\(readout_correction=…\)\.reinterpret\('fidelity', X\)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("call", ["evaluate", "plan", "reinterpret"])
def test_what_cannot_be_meant_is_refused_before_anything_runs(case, call):
    settings, kind, words = REFUSED[case]
    if (case, call) == ("readout", "reinterpret"):
        words = "have not run yet"
    before = SAMPLED.usage
    one = FidelityKernel(MAP, **{"connection": SAMPLED, **settings})
    with pytest.raises(kind, match=words):
        one.reinterpret("fidelity", X) if call == "reinterpret" else getattr(one, call)(X)
    assert SAMPLED.usage == before


def test_kernels_of_outcomes_refuse_adaptive_shots_with_what_works_for_their_map():
    with pytest.raises(ValueError, match=r"HammingKernel are not\. Give a whole number, or take FidelityKernel"):
        HammingKernel(MAP, connection=SAMPLED, shots="adaptive").evaluate(X)
    advised = FidelityKernel(MAP, method="sampled", connection=connect("exact", shots=50, seed=0), shots="adaptive")
    advised.evaluate(X)
    assert advised.reinterpret("hamming", X).matrix.shape == (9, 9)
    for feature_map in (ZZFeatureMap(), IQPFeatureMap(reps=2)):  # each pair would have to run in both orders
        for kind in (HammingKernel, BitFlipTolerantKernel):
            with pytest.raises(ValueError, match=r"are not\. Give a whole number\.$"):
                kind(feature_map, connection=SAMPLED, shots="adaptive").evaluate(X)
    with pytest.raises(ValueError, match=r"Give a whole number, or take method='sampled'\.$"):
        FidelityKernel(MAP, connection=SAMPLED, method="swap", shots="adaptive").evaluate(X)


CORRECTIONS = [ReadoutErrors(0.02, 0.03), ReadoutErrors((0.02, 0.01), (0.03, 0.02)), "reported"]


@pytest.mark.parametrize("correction", CORRECTIONS, ids=["one rate", "rates of qubits", "reported"])
def test_readout_errors_are_undone_afterwards_as_the_refusal_says(correction):
    connection = connect("fake_manila", shots=60, seed=1)
    one = FidelityKernel(MAP, connection=connection, shots="adaptive", readout_correction=correction)
    with pytest.raises(ValueError, match="keep='outcomes'"):
        one.evaluate(X[:4, :2])
    assert connection.usage.circuits == 0
    estimate = one.set_params(readout_correction=None, keep="outcomes").evaluate_with_errors(X[:4, :2])
    usage = connection.usage
    corrected = one.set_params(readout_correction=correction).reinterpret("fidelity", X[:4, :2])
    assert connection.usage == usage
    assert len(corrected.applied) == 1
    above = np.triu_indices(4, 1)
    assert np.all(corrected.matrix[above] != estimate.raw[above])
    assert np.all(corrected.standard_errors[above] > estimate.standard_errors[above])
    if correction == "reported":
        for outcomes in (estimate, estimate.outcomes, FidelityKernel(MAP).evaluate_with_errors(X)):
            with pytest.raises(TypeError, match=r"must be None or ReadoutErrors\(…\), but 'reported'.*set_params"):
                outcomes.reinterpret("fidelity", readout_correction="reported")
    else:
        assert_array_equal(estimate.reinterpret("fidelity", readout_correction=correction).matrix, corrected.matrix)


@pytest.mark.parametrize("settings", [{"shots": 0}, {"pilot": 0}, {"shots": -3}])
def test_settings_are_counts(settings):
    with pytest.raises(ValueError, match="must be at least 1"):
        EvenErrors(**settings)


def test_a_target_that_runs_other_numbers_of_shots_is_noticed():
    class Stubborn(StatevectorSampler):
        def run(self, pubs, *, shots=None):
            return super().run([(pub[0], pub[1], 10) for pub in pubs])

    with pytest.raises(RuntimeError, match="ran 10 shots instead of the 38 asked for"):
        FidelityKernel(MAP, sampler=Stubborn(), shots=EvenErrors(shots=400)).evaluate(X)
