"""Variances against closed forms, shots against exact values, and the coverage of the intervals."""

import json

import matplotlib as mpl
import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.circuits import RandomPauliAnsatz, SimAnsatz, SmallAngleDistribution
from qiskit_qml_ext.diagnostics import (
    averaged_local_observable,
    global_observable,
    global_projector,
    gradient_variance,
    local_observable,
)
from qiskit_qml_ext.diagnostics.statistics.intervals import covariance_estimates
from qiskit_qml_ext.diagnostics.subject.problem import pose
from qiskit_qml_ext.diagnostics.trainability.readings import exact_loss_and_gradient
from qiskit_qml_ext.diagnostics.trainability.shot_gradients import loss_and_gradient_halves
from qiskit_qml_ext.primitives import connect
from tests.diagnostics.families import layered_circuit, product_circuit

mpl.use("agg")


def deviation(estimate, expected: float) -> float:
    """In standard errors; tests allow 4, a false alarm of 6e-5 each."""
    return abs(estimate.value - expected) / estimate.standard_error


@pytest.mark.parametrize("num_qubits", [1, 2, 4])
def test_product_ansatz_with_global_cost_is_the_closed_form_of_cerezo(num_qubits):
    found = gradient_variance(product_circuit, global_projector, num_qubits=num_qubits, num_samples=4000, seed=3)
    expected = (3 / 8) ** (num_qubits - 1) / 8
    assert max(deviation(estimate, expected) for estimate in found.gradient_variances) < 4
    assert deviation(found.loss_variance, (3 / 8) ** num_qubits - 4.0**-num_qubits) < 4
    assert deviation(found.loss_mean, 2.0**-num_qubits) < 4


@pytest.mark.parametrize("num_qubits", [1, 2, 5])
def test_product_ansatz_with_local_cost_is_the_closed_form_of_cerezo(num_qubits):
    found = gradient_variance(
        product_circuit, averaged_local_observable, num_qubits=num_qubits, num_samples=2000, seed=3
    )
    # the cost is (1 - ⟨mean Z⟩)/2, so its derivative is half as large
    assert max(deviation(e, 4 / (8 * num_qubits**2)) for e in found.gradient_variances) < 4


def test_layered_circuit_has_the_reference_values():
    """Var C at n = 8: parity 1/256 and 0.00241452456 for L = 1 and 2; Z on qubit 4: 1/2 and 9/32."""
    for layers, observable, expected in (
        (1, global_observable, 1 / 256),
        (2, global_observable, 0.00241452456),
        (1, local_observable, 0.5),
        (2, local_observable, 9 / 32),
    ):
        found = gradient_variance(layered_circuit(8, layers), observable, num_samples=3000, parameters=[0], seed=5)
        assert deviation(found.loss_variance, expected) < 4


@pytest.mark.slow
def test_deep_random_circuits_reach_the_limit_of_mcclean():
    """Var of the first derivative is d/[3(d²-1)]; at n = 4 the circuit of 120 layers is close to a 2-design."""
    zz = SparsePauliOp("IIZZ")
    values = [
        gradient_variance(RandomPauliAnsatz(reps=80, seed=k), zz, num_qubits=4, parameters=[0], num_samples=60, seed=k)
        for k in range(40)
    ]
    squares = np.concatenate([found.gradients[:, 0] ** 2 for found in values])
    by_circuit = squares.reshape(40, 60).mean(axis=1)
    expected = 16 / (3 * 255)
    assert abs(by_circuit.mean() - expected) < 4 * by_circuit.std(ddof=1) / np.sqrt(40)


def test_shots_give_the_exact_variance_where_the_naive_one_is_noise():
    problem = pose(lambda n: layered_circuit(n, 3), global_observable, num_qubits=6, parameters=[0, 5, 9])
    values = problem.sample(400, np.random.default_rng(1))
    exact = exact_loss_and_gradient(problem, values, connect())
    shots = 100
    losses, gradients = loss_and_gradient_halves(problem, values, connect("exact", shots=shots, seed=4), shots)
    # 4σ of the normal noise: each half has S/2 shots; a derivative is half the difference of two readings
    assert np.all(np.abs(losses - exact[0]) < 5.5 * np.sqrt(2 / shots))
    assert np.all(np.abs(gradients - exact[1]) < 5.5 * np.sqrt(1 / shots))
    naive = np.var(gradients.mean(axis=0), axis=0) - np.var(exact[1], axis=0)
    assert np.all(naive > 0.5 / (2 * shots)), "the plain variance has a floor of 1/(2S)"
    found = covariance_estimates(gradients[0], gradients[1], np.random.default_rng(0))
    for estimate, truth in zip(found, np.var(exact[1], axis=0), strict=True):
        assert deviation(estimate, truth) < 4


def test_noise_free_shots_give_the_adjoint_gradient_also_where_parameters_are_shared_and_scaled():
    circuit = QuantumCircuit(3)
    a, b = Parameter("a"), Parameter("b")
    circuit.rx(2 * a + b, 0)
    circuit.rzz(a * b, 0, 1)
    circuit.crx(b, 1, 2)
    circuit.u(a, b, 0.3, 2)
    circuit.h(1)
    circuit.ry(a, 1)
    observable = SparsePauliOp(["ZZX", "IXY"], [0.5, -1.5])
    problem = pose(circuit, observable)
    values = problem.sample(5, np.random.default_rng(0))
    exact = exact_loss_and_gradient(problem, values, connect())
    shots = 10**24  # noise of 1e-12
    losses, gradients = loss_and_gradient_halves(problem, values, connect("exact", shots=shots, seed=1), shots)
    np.testing.assert_allclose(losses[0], exact[0], atol=1e-10)
    np.testing.assert_allclose(gradients[0], exact[1], atol=1e-10)


def test_signal_to_noise_is_the_variance_over_that_of_the_shots():
    found = gradient_variance(product_circuit(2), averaged_local_observable, shots=512, num_samples=50, seed=0)
    values = pose(product_circuit(2), averaged_local_observable).sample(50, np.random.default_rng(0))
    # the mean of two Z in a product state: one shot has the variance (sin² a + sin² b)/4, uniform over any shift
    single_shot = np.mean(np.sum(np.sin(values) ** 2, axis=1)) / 4
    expected = [2 * 512 * estimate.value / single_shot for estimate in found.gradient_variances]
    np.testing.assert_allclose(found.signal_to_noise(), expected)
    assert found.shots == 512


def test_aer_and_the_exact_engine_agree():
    arguments = {"num_samples": 60, "seed": 2}
    exact = gradient_variance(layered_circuit(3, 1), local_observable, **arguments)
    aer = gradient_variance(
        layered_circuit(3, 1), local_observable, connection=connect("aer", shots=4000, seed=9), **arguments
    )
    for one, other in zip(exact.gradient_variances, aer.gradient_variances, strict=True):
        assert abs(one.value - other.value) < 0.05  # the angles are the same; noise of 0.016 in each derivative
    assert aer.target == "aer"


def test_constant_loss_has_variance_zero_without_warning():
    found = gradient_variance(product_circuit(2), SparsePauliOp("XI"), num_samples=20, seed=0)
    assert found.loss_variance.value == 0.0
    assert found.loss_variance.high == 0.0
    assert "no number" in found.summary()


def test_uniform_angles_cover_the_period_of_controlled_rotations():
    found = gradient_variance(SimAnsatz(4), local_observable, num_qubits=3, num_samples=5, seed=0)
    assert "12.56" in found.distribution


def test_small_angles_keep_the_distribution_that_was_asked_for():
    found = gradient_variance(product_circuit(2), global_observable, distribution=SmallAngleDistribution(0.1), seed=0)
    assert found.loss_mean.value > 0.9
    assert "SmallAngle" in found.distribution


def test_results_are_plain_data_text_and_pictures():
    found = gradient_variance(layered_circuit(3, 2), local_observable, num_samples=20, seed=0)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["loss_variance"]["method"].startswith("unbiased")
    assert "gradients" not in found.to_dict()
    assert "Variance of the loss" in found.summary()
    assert "<table>" in found._repr_html_()
    assert found.plot().get_ylabel() == "qubit"


def test_same_seed_gives_the_same_numbers():
    first, second = (gradient_variance(product_circuit(2), global_projector, seed=4) for _ in range(2))
    assert first.to_dict() == second.to_dict()


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="num_qubits is needed"):
        gradient_variance(RandomPauliAnsatz(), local_observable)
    with pytest.raises(ValueError, match="acts on 3 qubits but the circuit has 2"):
        gradient_variance(product_circuit(2), SparsePauliOp("ZZZ"))
    with pytest.raises(ValueError, match="positions from 0 to 1"):
        gradient_variance(product_circuit(2), SparsePauliOp("ZZ"), parameters=[2])
    with pytest.raises(ValueError, match="at least 4"):
        gradient_variance(product_circuit(2), SparsePauliOp("ZZ"), num_samples=3)
    with pytest.raises(ValueError, match="shots is needed"):
        gradient_variance(product_circuit(2), SparsePauliOp("ZZ"), method="shots")
    with pytest.raises(TypeError, match="measures Pauli sums"):
        gradient_variance(product_circuit(2), global_projector, shots=100)
    with pytest.raises(TypeError, match="neither a QuantumCircuit"):
        gradient_variance("ansatz", local_observable, num_qubits=2)
