"""Published results come out; the circle is in test_variational_models, natural gradient in test_optimizers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit.quantum_info import SparsePauliOp
from scipy.sparse.linalg import eigsh

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    HardwareEfficientAnsatz,
    QCNNAnsatz,
    ReuploadingModel,
    state_angles,
    state_circuit,
)
from qiskit_qml_ext.diagnostics import fourier_spectrum
from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor


def one_qubit_series(degree):
    """A qubit that loads x so many times between general rotations (arXiv:2008.08605)."""
    rotations = HardwareEfficientAnsatz("zyz", reps=1, entanglement="none", final_rotations=False)
    return ReuploadingModel(AngleFeatureMap("z"), rotations, reps=degree)


def series(x):
    """Degree 3, with a tenth of its power in the third."""
    return 0.2 + 0.3 * np.cos(x) - 0.2 * np.sin(2 * x) + 0.1 * np.cos(3 * x + 0.4)


def best_fit(degree, x, y):
    fits = [
        VariationalRegressor(
            one_qubit_series(degree), optimizer="l-bfgs-b", tol=0.0, max_iter=1000, random_state=seed
        ).fit(x[:, None], y)
        for seed in range(4)
    ]
    return max(fits, key=lambda model: model.score(x[:, None], y))


def test_a_qubit_that_loads_x_three_times_is_a_series_of_degree_three_and_fits_one_exactly():
    x = np.linspace(-np.pi, np.pi, 40, endpoint=False)
    model = best_fit(3, x, series(x))
    fresh = np.linspace(-3, 3, 101)
    assert_allclose(model.predict(fresh[:, None]), series(fresh), atol=1e-4)
    spectrum = fourier_spectrum(one_qubit_series(3).build(1), SparsePauliOp("Z"), seed=0)
    assert spectrum.frequencies == spectrum.reachable == (0.0, 1.0, 2.0, 3.0)


def test_one_that_loads_x_twice_misses_just_the_third_frequency():
    x = np.linspace(-np.pi, np.pi, 40, endpoint=False)
    y = series(x)
    share = 0.1**2 / 2 / np.var(y)  # of the power, in the frequency that the model has not
    assert_allclose(best_fit(2, x, y).score(x[:, None], y), 1 - share, atol=1e-4)
    spectrum = fourier_spectrum(one_qubit_series(2).build(1), SparsePauliOp("Z"), seed=0)
    assert spectrum.reachable == (0.0, 1.0, 2.0)


# The cluster-Ising chain H = -ΣZ_iX_{i+1}Z_{i+2} - h₁ΣX_i - h₂ΣX_iX_{i+1} with open ends (arXiv:1810.03787)


def chain(n, h1, h2):
    cluster = [("ZXZ", [i, i + 1, i + 2], -1.0) for i in range(n - 2)]
    fields = [("X", [i], -h1) for i in range(n)]
    bonds = [("XX", [i, i + 1], -h2) for i in range(n - 1)]
    return SparsePauliOp.from_sparse_list(cluster + fields + bonds, n).to_matrix(sparse=True).real


def symmetry(n, first):
    """The flip of every second spin, of which H has two."""
    qubits = range(first, n, 2)
    return SparsePauliOp.from_sparse_list([("X" * len(qubits), qubits, 1.0)], n).to_matrix(sparse=True).real


def ground_state(n, h1, h2):
    """The lowest state of the sector in which both symmetries are 1: the ends make four levels nearly equal."""
    operator = chain(n, h1, h2) - 20.0 * (symmetry(n, 0) + symmetry(n, 1))
    (energy,), vectors = eigsh(operator, k=1, which="SA", v0=np.ones(2**n))
    return energy + 40.0, vectors[:, 0]


def string_order(n):
    """Z₀ X₁ X₃ … X_{n-2} Z_{n-1}, for odd n."""
    inner = range(1, n - 1, 2)
    term = ("Z" + "X" * len(inner) + "Z", [0, *inner, n - 1], 1.0)
    return SparsePauliOp.from_sparse_list([term], n).to_matrix(sparse=True).real


def test_energies_and_string_order_of_the_chain_are_the_known_ones():
    energy, _ = ground_state(7, 0.5, 0.2)
    assert_allclose(energy, -6.2768216812, atol=1e-9)
    for (h1, h2), known in {(0.2, 0.1): 0.9452367496, (0.5, 0.0): 0.7155706850, (1.5, 0.1): 0.0329224478}.items():
        _, state = ground_state(9, h1, h2)
        assert_allclose(state @ string_order(9) @ state, known, atol=1e-8)


@pytest.mark.slow
def test_convolutional_network_trained_on_a_line_tells_the_phases_on_the_plane():
    """Trained on 40 ground states with h₂ = 0, of which the critical field is 1; the string order is the judge."""
    fields = np.linspace(0.02, 1.6, 40)
    X = state_angles(np.array([ground_state(9, h1, 0.0)[1] for h1 in fields]))
    network = VariationalClassifier(
        state_circuit(9, is_real=True), QCNNAnsatz(), loss="squared", optimizer="l-bfgs-b", max_iter=100,
        observables=[SparsePauliOp("ZIIIIIIII")], random_state=0,
    )  # fmt: skip
    assert network.fit(X, fields < 1).score(X, fields < 1) == 1.0
    plane = [(h1, h2) for h1 in np.linspace(0.05, 1.6, 8) for h2 in np.linspace(-0.7, 0.7, 8)]
    states = np.array([ground_state(9, h1, h2)[1] for h1, h2 in plane])
    order = np.einsum("bi,bi->b", states, (string_order(9) @ states.T).T)
    is_clear = (order > 0.6) | (order < 0.1)  # nine spins have no sharp boundary
    assert is_clear.mean() > 0.5
    assert 0.2 < (order[is_clear] > 0.6).mean() < 0.8
    predicted = network.predict(state_angles(states))
    assert (predicted[is_clear] == (order[is_clear] > 0.6)).mean() > 0.95
