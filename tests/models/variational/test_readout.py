"""Observables that a model reads by a word: states of one qubit that are as far apart as they can be."""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit.quantum_info import SparsePauliOp, Statevector, random_statevector

from qiskit_qml_ext.circuits import ReuploadingFeatureMap
from qiskit_qml_ext.models import VariationalClassifier
from qiskit_qml_ext.models.losses import HingeLoss
from qiskit_qml_ext.models.variational.readout import observables_for

# The largest smallest angle of K points on a sphere (Tammes' problem, solved for these K): diameter, triangle,
# tetrahedron, 90 degrees for 5 as for 6, octahedron.
LARGEST = {2: np.pi, 3: 2 * np.pi / 3, 4: np.arccos(-1 / 3), 5: np.pi / 2, 6: np.pi / 2}


@pytest.mark.parametrize("number", LARGEST)
def test_states_are_as_far_apart_as_so_many_can_be(number):
    observables = observables_for("separated_states", number, 1)
    states = [np.linalg.eigh(one.to_matrix())[1][:, -1] for one in observables]
    for one, state in zip(observables, states, strict=True):
        assert_allclose(one.to_matrix(), 2 * np.outer(state, state.conj()) - np.eye(2), atol=1e-14)
    fidelities = [abs(np.vdot(a, b)) ** 2 for a, b in combinations(states, 2)]
    assert_allclose(max(fidelities), np.cos(LARGEST[number] / 2) ** 2, atol=1e-14)
    assert_allclose(sum(observables, SparsePauliOp("I", 0.0)).simplify().coeffs, 0, atol=1e-14)


def test_one_output_is_z_and_several_qubits_are_averaged():
    (one,) = observables_for("separated_states", 1, 2)
    assert one.simplify() == SparsePauliOp(["IZ", "ZI"], [0.5, 0.5])
    state = random_statevector(8, seed=1)
    for place, observable in enumerate(observables_for("separated_states", 4, 3)):
        single = observables_for("separated_states", 4, 1)[place]
        values = [state.expectation_value(single, [qubit]).real for qubit in range(3)]
        assert_allclose(state.expectation_value(observable).real, np.mean(values), atol=1e-12)


@pytest.mark.parametrize("number", LARGEST)
def test_hinge_loss_of_bare_values_is_the_fidelity_cost(number):
    """The mean over classes of 1 - t f, with f = 2F - 1: the f add up to 0, so that it is 1 - 2 f_own / K."""
    observables = observables_for("separated_states", number, 1)
    for seed in range(5):
        state = Statevector(random_statevector(2, seed=seed))
        values = np.array([[state.expectation_value(one).real for one in observables]])
        infidelity = (1 - values[0, 0]) / 2  # 1 - |⟨ψ_own|ψ⟩|²
        (loss,), _ = HingeLoss()(values, 2.0 * np.eye(number)[:1] - 1.0)
        assert_allclose(loss, 1 - 2 / number + 4 * infidelity / number, atol=1e-12)


def test_more_states_than_are_known_are_refused():
    with pytest.raises(ValueError, match="at most 6 states"):
        observables_for("separated_states", 7, 2)


def two_classes(X):
    return np.hypot(*X.T) < np.sqrt(2 / np.pi)


def three_classes(X):
    return np.digitize(np.hypot(*X.T), [0.65, 0.92])


@pytest.mark.slow
@pytest.mark.parametrize(("label", "accuracy"), [(two_classes, 0.93), (three_classes, 0.85)])
def test_one_qubit_learns_classes_with_the_fidelity_cost_of_its_paper(label, accuracy):
    """arXiv:1907.02085, the fidelity cost: the mean of 1 - |⟨ψ_own|φ(x)⟩|²; best training cost of 8 starts."""
    rng = np.random.default_rng(0)
    X, X_test = rng.uniform(-1, 1, (300, 2)), rng.uniform(-1, 1, (2000, 2))
    fits = [
        VariationalClassifier(
            ReuploadingFeatureMap(reps=8, register_size=1), observables="separated_states", loss="hinge",
            output_scale=1.0, output_bias=0.0, optimizer="l-bfgs-b", max_iter=300, random_state=seed,
        ).fit(X, label(X))
        for seed in range(8)
    ]  # fmt: skip
    best = min(fits, key=lambda model: model.history_["loss"].iloc[-1])
    assert set(best.output_scale_) == {1.0}
    assert best.score(X_test, label(X_test)) > accuracy
