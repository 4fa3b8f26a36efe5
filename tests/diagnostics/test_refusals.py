"""What diagnostics cannot answer they refuse in words that say what to do, and go on with the rest."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.circuits import HardwareEfficientAnsatz
from qiskit_qml_ext.diagnostics import (
    diagnose,
    kernel_health,
    loss_landscape,
    model_complexity,
    noise_induced_plateau,
    second_moments,
)
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

ANSATZ = HardwareEfficientAnsatz(reps=1)
KERNEL = np.eye(4) * 0.5 + 0.5


@pytest.mark.parametrize("diagonal", [2.0, 1.001, -0.1])
def test_a_diagonal_outside_of_0_and_1_is_no_fidelity_kernel(diagonal: float) -> None:
    matrix = KERNEL.copy()
    matrix[1, 1] = diagonal
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        kernel_health(matrix, [0, 1, 0, 1])


def test_labels_that_a_regression_cannot_use_are_refused() -> None:
    for labels in (["a", "b", "a", "b"], [1 + 1j, 0, 1, 0], [np.inf, 0, 1, 0], [np.nan, 0, 1, 0]):
        with pytest.raises(ValueError, match=r"real numbers|NaN"):
            kernel_health(KERNEL, labels, task="regression")
    assert kernel_health(KERNEL, ["a", "b", "a", "b"]).num_samples == 4


def test_a_kernel_of_zeros_is_named() -> None:
    with pytest.raises(ValueError, match="All entries of the kernel 'kernel_matrix' are 0"):
        model_complexity(np.zeros((4, 4)), [0, 1, 0, 1])


def test_directions_and_radius_of_a_landscape_are_checked() -> None:
    circuit, observable = ANSATZ.build(2), SparsePauliOp("ZZ")
    size = circuit.num_parameters
    one = np.eye(size)
    for directions in (np.zeros((2, size)), np.array([one[0], 0 * one[0]]), np.array([one[0], np.nan * one[0]])):
        with pytest.raises(ValueError, match="neither of them zero"):
            loss_landscape(circuit, observable, np.zeros(size), directions=directions)
    for radius in (0.0, -1.0, np.inf):
        with pytest.raises(ValueError, match="radius must be"):
            loss_landscape(circuit, observable, np.zeros(size), radius=radius)
    reference = loss_landscape(circuit, observable, np.zeros(size), directions=one[:2], resolution=3)
    tiny = loss_landscape(circuit, observable, np.zeros(size), directions=1e-200 * one[:2], resolution=3)
    np.testing.assert_allclose(tiny.losses, reference.losses, atol=1e-12)


def test_noise_that_takes_everything_has_no_rate_and_is_no_harmless_noise() -> None:
    """Full depolarising after every gate leaves the maximally mixed state at every depth."""
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(1.0, 1), ["rx", "ry", "rz", "h"])
    noise.add_all_qubit_quantum_error(depolarizing_error(1.0, 2), ["cx", "cz"])
    found = noise_induced_plateau(ANSATZ, SparsePauliOp("ZZ"), noise, num_qubits=2, num_samples=8, seed=0)
    assert "nothing of the loss's variance" in found.summary()
    assert all(variance.value < 1e-24 for variance in found.noisy_variances)
    assert np.isnan(found.last_useful_depth.value)
    report = diagnose(ANSATZ, observable=SparsePauliOp("ZZ"), num_qubits=2, noise=noise, num_samples=8, seed=0)
    assert ("bad", "noise_damps") in [(finding.level, finding.code) for finding in report.findings]


def test_a_loss_without_parameters_has_no_variance_for_certain() -> None:
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    assert "Var C = 0 exactly" in second_moments(circuit, SparsePauliOp("ZZ"), seed=0).headline()


def test_an_observable_of_many_terms_is_listed_under_what_was_not_done() -> None:
    pairs = [("ZZ", [i, j], 1.0) for i in range(30) for j in range(i)]
    everywhere = SparsePauliOp.from_sparse_list(pairs, num_qubits=30)
    with pytest.raises(UnsupportedCircuitError, match=r"435 terms.*parts of at most 200 terms"):
        second_moments(ANSATZ, everywhere, num_qubits=30)
    report = diagnose(ANSATZ.build(30), observable=everywhere, num_samples=8, seed=0)
    assert any("435 terms" in skipped for skipped in report.skipped)
