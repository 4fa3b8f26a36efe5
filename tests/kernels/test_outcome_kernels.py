"""Hamming and bit-flip-tolerant kernels: known values, noise against density matrices, and life in scikit-learn."""

import pickle
import re

import numpy as np
import pytest
from kernel_maps import MAPS, PAIRS, POINTS, general_map, weights_of
from noisy_outcomes import noise_model, read
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import transpile
from qiskit.quantum_info import Statevector
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from sklearn.base import clone
from sklearn.gaussian_process.kernels import DotProduct
from sklearn.model_selection import GridSearchCV

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.diagnostics import kernel_concentration
from qiskit_qml_ext.kernels import (
    BitFlipTolerantKernel,
    ChangesTarget,
    FidelityKernel,
    HammingKernel,
    LocalKernel,
    OutcomeKernel,
    PlansRuns,
    ProjectedKernel,
    ReadoutErrors,
    StatesErrors,
)
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import connect

FEW = np.random.default_rng(2).uniform(-2, 2, (4, 2))
KINDS = {"hamming": HammingKernel, "bit_flip_tolerant": BitFlipTolerantKernel}


@pytest.mark.parametrize("label", MAPS)
@pytest.mark.parametrize("name", KINDS)
def test_exact_kernels_have_the_values_that_are_known(label, name):
    make, known = MAPS[label]
    assert_allclose(KINDS[name](make()).evaluate(POINTS)[PAIRS], known[name], atol=1e-9)


@pytest.mark.parametrize("target", ["exact", "aer"])
@pytest.mark.parametrize("label", MAPS)
@pytest.mark.parametrize("name", KINDS)
def test_sampled_kernels_are_within_their_errors(label, name, target):
    make, known = MAPS[label]
    estimate = KINDS[name](make(), connection=connect(target, shots=3000, seed=9)).evaluate_with_errors(POINTS)
    # 3 entries, 8 runs: beyond 4 standard errors with a probability of about 24 · 6e-5; fixed seed
    assert np.all(np.abs(estimate.matrix[PAIRS] - known[name]) < 4 * estimate.standard_errors[PAIRS])
    assert estimate.shots == (3000 if label == "commuting" else 6000)


@pytest.mark.parametrize("label", MAPS)
def test_under_noise_they_are_what_density_matrices_give(label):
    make, _ = MAPS[label]
    readout = (0.03, 0.06)
    connection = connect("aer", shots=4000, seed=4, noise_model=noise_model(0.03, readout))
    for kind, values in ((HammingKernel, [1, 2 / 3, 1 / 3, 0]), (BitFlipTolerantKernel, [1, 1, 0, 0])):
        kernel = kind(make(), connection=connection, run_diagonal=True)
        isa = connection.isa_circuit(kernel.circuit(3))
        both = label == "general"
        expected = np.empty((3, 3))
        for i, j in np.ndindex(3, 3):
            orders = ((i, j), (j, i)) if both else ((i, j),)
            rows = [np.concatenate([POINTS[a], POINTS[b]]) for a, b in orders]
            expected[i, j] = np.mean(
                [weights_of(read(isa.assign_parameters(row), noise_model(0.03), readout)) @ values for row in rows]
            )
        estimate = kernel.evaluate_with_errors(POINTS)
        # 6 entries, 4 runs: beyond 4.5 standard errors with a probability of about 24 · 7e-6; fixed seed. Noise makes
        # the two orders of a map that commutes differ by a little: both are within the same error here
        assert np.all(np.abs(estimate.matrix - expected) < 4.5 * estimate.standard_errors + 2e-3 * (not both))
        assert np.diagonal(estimate.matrix).max() < 1


def test_tolerance_zero_is_the_fidelity_and_runs_one_order():
    connection = connect("aer", shots=100, seed=1)
    matrix = BitFlipTolerantKernel(general_map(), tolerance=0, connection=connection).evaluate(POINTS)
    assert connection.usage.circuits == 3
    assert_array_equal(FidelityKernel(general_map(), connection=connection).evaluate(POINTS), matrix)
    assert connection.usage.circuits == 3


@pytest.mark.parametrize("name", KINDS)
def test_they_can_be_cloned_pickled_and_set(name):
    kernel = KINDS[name](ZZFeatureMap(reps=1), connection=connect("aer", shots=20, seed=1), orders="one")
    kernel.set_params(feature_map__reps=2, psd_repair="clip")
    for copy in (clone(kernel), pickle.loads(pickle.dumps(kernel))):
        assert copy.get_params(deep=False).keys() == kernel.get_params(deep=False).keys()
        assert (copy.feature_map.reps, copy.psd_repair, copy.orders) == (2, "clip", "one")
        assert_array_equal(copy.evaluate(POINTS), kernel.evaluate(POINTS))
    assert isinstance(kernel, (ChangesTarget, PlansRuns, StatesErrors))
    moved = kernel.set_params(readout_correction=None).with_connection(connect("fake_manila"))
    assert (moved.orders, moved.psd_repair) == ("one", "clip")
    assert kernel.exact_copy().get_params(deep=False)["psd_repair"] is None


def test_a_search_over_tolerances_runs_each_pair_and_order_once():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 2, (20, 3))
    y = X.sum(axis=1) > 3
    connection = connect("exact", shots=50, seed=2)
    model = QuantumSVC(BitFlipTolerantKernel(ZZFeatureMap(), connection=connection, psd_repair="clip"))
    search = GridSearchCV(model, {"C": [0.3, 3], "kernel__tolerance": [0, 1, 2]}, cv=3).fit(X, y)
    assert connection.usage.circuits == 20 * 19
    assert search.best_score_ > 0.4


def test_a_plan_says_what_shots_are_worth():
    kernel = HammingKernel(ZZFeatureMap(), connection=connect(shots=400))
    plan = kernel.plan(POINTS)
    exact = HammingKernel(ZZFeatureMap()).evaluate(POINTS)[PAIRS]
    assert plan.circuits == 6
    said = plan.summary()
    assert f"the entries vary by {exact.std():.3g} from pair to pair" in said
    assert "the noise of 400 shots in each order is at most 0.0177" in said
    assert "vary by 0.3 from" in kernel.plan(POINTS, entries=(0.5, 0.09)).summary()
    single = HammingKernel(AngleFeatureMap(), connection=connect(shots=400)).plan(POINTS)
    assert "the noise of 400 shots is at most 0.025" in single.summary()
    with pytest.raises(ValueError, match="An exact kernel runs no circuits"):
        HammingKernel(ZZFeatureMap()).plan(POINTS)


@pytest.mark.parametrize(
    "kernel",
    [
        HammingKernel(AngleFeatureMap()),
        FidelityKernel(AngleFeatureMap(), method="swap"),
        FidelityKernel(AngleFeatureMap(), readout_correction=ReadoutErrors(0.02, 0.05)),
    ],
)
def test_shots_of_fidelities_are_not_counted_for_entries_that_are_no_fractions(kernel):
    with pytest.raises(TypeError, match="are no fractions of shots"):
        kernel_concentration(kernel, np.random.default_rng(1).uniform(-3, 3, (30, 6)))


def test_hamming_of_random_angles_has_mean_one_half_and_variance_one_over_8n():
    n = 6
    x = np.random.default_rng(3).uniform(-np.pi, np.pi, (300, n))
    entries = HammingKernel(AngleFeatureMap()).evaluate(x)[np.triu_indices(300, 1)]
    # 300 samples: errors of mean and variance of U-statistics, a few percent of 1/(8n); fixed seed
    assert entries.mean() == pytest.approx(0.5, abs=0.01)
    assert entries.var() == pytest.approx(1 / (8 * n), rel=0.1)


class OfParity(OutcomeKernel):
    """A kernel of a user's own: the mean of +1 for an even number of ones and -1 for an odd one."""

    def reading(self):
        return Parity()


class Parity:
    name = "parity"

    def values(self, num_qubits):
        return (-1.0) ** np.arange(num_qubits + 1)


def test_a_kernel_of_ones_own_reading_says_what_it_reads():
    x = np.random.default_rng(6).uniform(-2, 2, (5, 3))
    kernel = OfParity(AngleFeatureMap())
    assert_allclose(kernel.evaluate(x), np.prod(np.cos(x[:, None] - x[None]), axis=-1), atol=1e-12)
    assert kernel.definiteness(3).is_positive_semidefinite is True
    assert clone(kernel).feature_map == AngleFeatureMap()


@pytest.mark.parametrize("errors", [ReadoutErrors(0.15, 0.15), ReadoutErrors((0.15,) * 4, (0.15,) * 4)])
def test_the_noise_that_a_plan_allows_is_that_of_corrected_outcomes(errors):
    connection = connect("exact", shots=200, seed=3)
    kernel = BitFlipTolerantKernel(AngleFeatureMap(), connection=connection, readout_correction=errors)
    samples = np.random.default_rng(1).uniform(-3, 3, (8, 4))
    (said,) = re.findall(r"the noise of 200 shots is at most ([0-9.]+[0-9])", str(kernel.plan(samples)))
    assert kernel.evaluate_with_errors(samples).standard_errors.max() <= float(said) < 0.5
    assert float(said) > 2 / (2 * np.sqrt(200))  # of outcomes that count 0 or 1: 1 / (2 √200)


def test_a_reading_of_ones_own_does_not_claim_a_diagonal_of_ones():
    class TwiceTheZeros:
        name = "twice the zeros"

        def values(self, num_qubits):
            return 2 - 2 * np.arange(num_qubits + 1) / num_qubits

    class Twice(OutcomeKernel):
        def reading(self):
            return TwiceTheZeros()

    assert not Twice(AngleFeatureMap()).unit_diagonal
    assert_allclose(np.diagonal(Twice(AngleFeatureMap()).evaluate(FEW)), 2.0)
    assert HammingKernel(AngleFeatureMap()).unit_diagonal
    assert not HammingKernel(AngleFeatureMap(), run_diagonal=True).unit_diagonal


def _routed(first=3, last=1):
    """A map on two qubits, and the same on a device where a swap passes a third wire."""
    plain = ZZFeatureMap().build(2)
    return plain, transpile(plain, FakeManilaV2(), initial_layout=[first, last], seed_transpiler=0)


@pytest.mark.parametrize("keeps_layout", [True, False])
def test_a_wire_that_a_swap_passes_is_not_counted_as_a_qubit(keeps_layout):
    plain, routed = _routed()
    if not keeps_layout:
        routed = routed.copy_empty_like().compose(routed)
        routed._layout = None
    connection = connect("exact", shots=100, seed=1)
    for kernel in (HammingKernel(routed), LocalKernel(routed, patches="single")):
        for where in (None, connection):
            with pytest.raises(ValueError, match=r"end in .* for every input .* before transpilation"):
                kernel.with_connection(where).evaluate(FEW)
        with pytest.raises(ValueError, match=r"end in .* for every input"):
            kernel.with_connection(connection).plan(FEW)
    assert connection.usage.jobs == 0
    with pytest.raises(ValueError, match=r"end in .* for every input"):
        FidelityKernel(routed).evaluate_with_errors(FEW).reinterpret("hamming")
    for kind in (FidelityKernel, BitFlipTolerantKernel):  # these are the same with one more wire that reads 0
        assert_allclose(kind(routed).evaluate(FEW), kind(plain).evaluate(FEW), atol=1e-10)


@pytest.mark.parametrize("layout", [(3, 1), (2, 4), (4, 2)])
def test_states_of_few_qubits_do_not_count_a_wire_that_a_swap_passes(layout):
    plain, routed = _routed(*layout)
    connection = connect("exact", shots=100, seed=1)
    counting = [ProjectedKernel(routed, outer=one) for one in ("linear", DotProduct())]
    counting += [ProjectedKernel(routed, patches="all_pairs"), ProjectedKernel(routed, patches=[_passed(routed)])]
    counting += [LocalKernel(routed, patches=one) for one in ("single", "neighbour_pairs")]
    for kernel in counting:
        message = rf"Qubits {_passed(routed)[0]} of the .* end in .* This {type(kernel).__name__}"
        for where in (None, connection):
            with pytest.raises(ValueError, match=message):
                kernel.with_connection(where).evaluate(FEW)
        with pytest.raises(ValueError, match=message):
            kernel.with_connection(connection).plan(FEW)
    assert connection.usage.jobs == 0
    for outer in ("rbf", "matern"):  # a state that is always |0⟩ adds nothing to a distance
        kernels = [ProjectedKernel(one, outer=outer, gamma=0.7) for one in (plain, routed)]
        assert_allclose(kernels[1].evaluate(FEW), kernels[0].evaluate(FEW), atol=1e-10)
    with pytest.raises(ValueError, match=r"end in .* for every input"):
        HammingKernel(routed).definiteness(2)
    assert BitFlipTolerantKernel(routed).definiteness(2) == BitFlipTolerantKernel(plain).definiteness(2)


def _passed(routed):
    """The used wires whose qubit is |0⟩ at the end, by partial traces."""
    circuit = routed.assign_parameters([0.3, 0.8])
    state = Statevector(circuit)
    used = {circuit.find_bit(qubit).index for item in circuit.data for qubit in item.qubits}
    probability = {qubit: state.probabilities([qubit])[1] for qubit in used}
    return [qubit for qubit in sorted(used) if probability[qubit] < 1e-12]


def test_circuits_on_a_device_without_swaps_count_as_they_are():
    plain = ZZFeatureMap().build(2)
    placed = transpile(plain, FakeManilaV2(), initial_layout=[3, 4], seed_transpiler=0)
    assert_allclose(HammingKernel(placed).evaluate(FEW), HammingKernel(plain).evaluate(FEW), atol=1e-10)
