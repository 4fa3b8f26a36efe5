"""Errors of combined kernels whose parts may read the same shots, and what else must not get lost in a sum."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.quantum_info import SparsePauliOp
from sklearn.gaussian_process.kernels import RBF, ExpSineSquared, PairwiseKernel

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import (
    BitFlipTolerantKernel,
    CachedKernel,
    CombinedKernel,
    FidelityKernel,
    HammingKernel,
    LocalKernel,
    MatrixProductStates,
    ProjectedKernel,
    ReadoutErrors,
    TangentKernel,
)
from qiskit_qml_ext.kernels.combined.noise import groups, sources_of
from qiskit_qml_ext.models import GaussianProcessKernel
from qiskit_qml_ext.models.kernel_features.kernel_entries import KernelEntries
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(0).uniform(-1, 1, (4, 2))


def fidelity(connection, feature_map=None, **settings):
    return FidelityKernel(feature_map or ZZFeatureMap(), connection=connection, **settings)


def mean_of(*kernels):
    return CombinedKernel([(f"k{place}", kernel) for place, kernel in enumerate(kernels)])


# --- the same shots --------------------------------------------------------------------------------------------------


def cached(connection):
    return CachedKernel(fidelity(connection)), CachedKernel(fidelity(connection))


def one_cached(connection):
    return CachedKernel(fidelity(connection)), fidelity(connection)


def two_connections_with_one_seed(connection):
    return fidelity(connection), fidelity(connect("exact", shots=connection.shots, seed=connection.seed))


def in_a_gaussian_process_kernel_of_a_combination(connection):
    return mean_of(fidelity(connection)), CachedKernel(mean_of(fidelity(connection)))


@pytest.mark.parametrize(
    "make", [cached, one_cached, two_connections_with_one_seed, in_a_gaussian_process_kernel_of_a_combination]
)
def test_the_mean_of_a_kernel_and_itself_has_its_errors(make):
    connection = connect("exact", shots=100, seed=1)
    alone = fidelity(connection).evaluate_with_errors(X)
    both = mean_of(*make(connection)).evaluate_with_errors(X)
    assert_array_equal(both.matrix, alone.matrix)
    assert_allclose(both.standard_errors, alone.standard_errors, atol=1e-15)
    assert both.standard_errors[0, 1] > 0


def test_gradients_of_one_connection_are_added():
    x, t = ParameterVector("x", 2), ParameterVector("t", 1)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    circuit.rx(t[0], 1)
    circuit.cz(0, 1)
    connection = connect("exact", shots=50, seed=0)
    parts = [TangentKernel(circuit, [0.3], SparsePauliOp("XX"), connection=connection) for _ in range(2)]
    alone = parts[0].evaluate_with_errors(X)
    assert_allclose(mean_of(*parts).evaluate_with_errors(X).standard_errors, alone.standard_errors, atol=1e-15)


def test_a_local_kernel_whose_patch_is_every_qubit_reads_the_shots_of_the_fidelity_kernel():
    connection = connect("exact", shots=100, seed=0)
    parts = (
        fidelity(connection),
        LocalKernel(ZZFeatureMap(), patches=[[[0, 1]]], normalize=False, connection=connection),
    )
    alone = parts[0].evaluate_with_errors(X)
    upper = np.triu_indices(4, 1)
    both = mean_of(*parts).evaluate_with_errors(X)
    assert_array_equal(both.matrix[upper], alone.matrix[upper])
    assert_allclose(both.standard_errors[upper], alone.standard_errors[upper])


def test_other_circuits_and_other_seeds_are_independent():
    connection = connect("exact", shots=100, seed=0)
    kernels = [
        fidelity(connection),
        fidelity(connection, AngleFeatureMap()),
        fidelity(connection, method="swap"),
        ProjectedKernel(ZZFeatureMap(), connection=connection),
        fidelity(connect("exact", shots=100, seed=1)),
        HammingKernel(ZZFeatureMap(), connection=connection),  # of the shots of the first
        LocalKernel(ZZFeatureMap(), connection=connection),  # of the shots of the first and of the projected one
    ]
    found = groups([sources_of(kernel, 2) for kernel in kernels])
    assert sorted(map(sorted, found)) == [[0, 3, 5, 6], [1], [2], [4]]


def test_noise_of_simulators_counts_as_one():
    noisy = [fidelity(connect("fake_manila", shots=50, seed=0), one) for one in (AngleFeatureMap(), ZZFeatureMap())]
    assert len(groups([sources_of(kernel, 2) for kernel in noisy])) == 1


# --- what belongs to the matrix --------------------------------------------------------------------------------------


def doubled(raw):
    return type(raw)(2 * raw.matrix, 2 * raw.standard_errors, raw.shots, raw.target)


def test_errors_are_those_of_the_repaired_matrix_and_raw_is_before_any_repair():
    part = fidelity(connect("exact", shots=100, seed=0), psd_repair=doubled)
    alone = part.evaluate_with_errors(X)
    kernel = CombinedKernel([("part", part), ("rbf", RBF())], weights=[1.0, 3.0], psd_repair=doubled)
    estimate = kernel.evaluate_with_errors(X)
    assert_allclose(estimate.raw, alone.raw + 3 * RBF()(X))
    assert_allclose(estimate.standard_errors, alone.standard_errors)
    assert_allclose(estimate.matrix, 2 * (2 * alone.raw + 3 * RBF()(X)))
    assert_allclose(estimate.repaired_errors, 4 * alone.standard_errors)
    assert estimate.applied == ("part: doubled", "doubled")
    nested = mean_of(kernel).evaluate_with_errors(X)
    assert_array_equal(nested.raw, estimate.raw)
    assert_allclose(nested.repaired_errors, estimate.repaired_errors)
    matrix, errors = KernelEntries(part).square(X)
    assert_allclose(matrix, 2 * alone.raw)
    assert_allclose(errors, 2 * alone.standard_errors)


def test_a_matrix_without_repairs_has_no_repaired_errors_and_names_what_was_corrected():
    part = fidelity(connect("exact", shots=1000, seed=0), readout_correction=ReadoutErrors(0.02, 0.02))
    estimate = CombinedKernel([("part", part), ("rbf", RBF())]).evaluate_with_errors(X)
    assert estimate.repaired_errors is None
    assert_array_equal(estimate.matrix, estimate.raw)
    assert estimate.applied == tuple(f"part: {step}" for step in part.evaluate_with_errors(X).applied) != ()


def test_truncation_bounds_what_it_moved_in_sums_and_products():
    data = np.random.default_rng(0).uniform(0, 1, (4, 4))
    truncated = FidelityKernel(ZZFeatureMap(), method=MatrixProductStates(max_bond=2))
    own = truncated.evaluate_with_errors(data)
    for operation, settings in (("sum", {"weights": [0.25, 2.0]}), ("product", {})):
        parts = [("mps", truncated), ("rbf", RBF())]
        estimate = CombinedKernel(parts, operation=operation, **settings).evaluate_with_errors(data)
        rbf = RBF()(data)
        assert_allclose(estimate.truncation_errors, own.truncation_errors * (0.25 if operation == "sum" else rbf))
        parts[0] = ("exact", FidelityKernel(ZZFeatureMap()))
        right = CombinedKernel(parts, operation=operation, **settings).evaluate(data)
        assert np.max(np.abs(right - estimate.matrix)) > 0.01
        assert np.all(np.abs(right - estimate.matrix) <= estimate.truncation_errors + 1e-12)
    twice = CombinedKernel([("a", truncated), ("b", truncated)], operation="product").evaluate_with_errors(data)
    bound = (own.raw + own.truncation_errors) ** 2 - own.raw**2
    assert_allclose(twice.truncation_errors, bound, atol=1e-12)
    assert mean_of(RBF()).evaluate_with_errors(data).truncation_errors is None


def test_a_repair_of_a_truncated_part_leaves_nothing_known_of_the_matrix_that_others_see():
    truncated = FidelityKernel(ZZFeatureMap(), method=MatrixProductStates(max_bond=2), psd_repair="clip")
    seen = []
    kernel = CombinedKernel([("mps", truncated), ("rbf", RBF())], operation="product")
    kernel.set_params(psd_repair=lambda raw: seen.append(raw) or raw.matrix)
    data = np.random.default_rng(0).uniform(0, 1, (4, 4))
    estimate = kernel.evaluate_with_errors(data)
    assert np.isinf(seen[0].truncation_errors).all()
    assert np.isfinite(estimate.truncation_errors).all()  # of raw, which is before the repairs


def test_the_synthesis_error_is_that_of_the_worst_part():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XX", "ZI", "YX"]), time=x[1]), [0, 1])
    connection = connect("fake_manila", shots=20, seed=0)
    data = np.abs(X[:2])
    for part in (
        FidelityKernel(circuit, connection=connection),
        ProjectedKernel(circuit, gamma=1, connection=connection),
    ):
        with pytest.warns(match="product formula|differ"):
            own = part.evaluate_with_errors(data).synthesis_error
        assert own > 0
        assert mean_of(part, RBF(), FidelityKernel()).evaluate_with_errors(data).synthesis_error == own


# --- what is positive semi-definite ----------------------------------------------------------------------------------


def test_a_kernel_that_is_indefinite_makes_no_definite_sum():
    tolerant = BitFlipTolerantKernel(AngleFeatureMap(), tolerance=1)
    corners = np.array(list(product((0, np.pi), repeat=3)))
    assert np.linalg.eigvalsh(mean_of(tolerant).evaluate(corners))[0] < -1
    assert mean_of(tolerant).is_positive_semidefinite is None
    assert mean_of(HammingKernel(ZZFeatureMap()), RBF()).is_positive_semidefinite is None
    assert mean_of(GaussianProcessKernel(tolerant)).is_positive_semidefinite is None
    assert mean_of(RBF() + GaussianProcessKernel(tolerant)).is_positive_semidefinite is None
    fine = FidelityKernel()
    for classical in (ExpSineSquared(), PairwiseKernel(metric="sigmoid"), GaussianProcessKernel(fine) ** 0.3):
        points = np.random.default_rng(0).normal(size=(30, 2))
        assert np.linalg.eigvalsh(mean_of(classical).evaluate(points))[0] < -0.01
        assert mean_of(classical, fine).is_positive_semidefinite is None
        assert mean_of(RBF() + classical).is_positive_semidefinite is None
    assert mean_of(ProjectedKernel(outer=ExpSineSquared())).is_positive_semidefinite is None
    assert mean_of(GaussianProcessKernel(fine) ** 2 + RBF()).is_positive_semidefinite
    definite = mean_of(fine, RBF(), CachedKernel(fine), RBF() * GaussianProcessKernel(fine))
    assert definite.is_positive_semidefinite


@pytest.mark.parametrize("outer", [FidelityKernel(), GaussianProcessKernel(FidelityKernel())])
def test_a_quantum_kernel_is_no_outer_kernel(outer):
    with pytest.raises(TypeError, match="or a kernel of scikit-learn"):
        ProjectedKernel(AngleFeatureMap(), outer=outer).evaluate(X)
