"""Feature maps with trainable parameters in qiskit-machine-learning's kernel training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit_machine_learning.kernels.algorithms import QuantumKernelTrainer
from qiskit_machine_learning.optimizers import COBYLA
from qiskit_machine_learning.utils.loss_functions import SVCLoss
from sklearn.base import clone

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel

SCALE = Parameter("scale")


def scaled_rotations():
    """Return RY(scale·x) on two qubits: the kernel is Π cos²(scale·(x_i - y_i)/2)."""
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    for qubit in range(2):
        circuit.ry(SCALE * x[qubit], qubit)
    return circuit


def expected(scale, x):
    return np.prod(np.cos(scale * (x[:, None] - x[None]) / 2) ** 2, axis=-1)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (16, 2))
    return x, np.where(x[:, 0] > 0, 1, -1)


def test_training_values_enter_the_kernel(data):
    x, _ = data
    kernel = FidelityKernel(scaled_rotations(), training_parameters=[SCALE], training_values=[0.7])
    assert kernel.num_features == 2
    assert_allclose(kernel.evaluate(x), expected(0.7, x), atol=1e-12)
    kernel.assign_training_parameters({SCALE: 1.5})
    assert_allclose(kernel.evaluate(x), expected(1.5, x), atol=1e-12)
    copy = clone(kernel)
    kernel.assign_training_parameters([0.1])
    assert copy.parameter_values.tolist() == [1.5]


def test_their_trainer_lowers_the_loss(data):
    x, y = data
    kernel = FidelityKernel(scaled_rotations(), training_parameters=[SCALE], training_values=[0.05])
    loss = SVCLoss(C=10)
    before = loss.evaluate([0.05], kernel, x, y)
    trainer = QuantumKernelTrainer(
        quantum_kernel=kernel, loss=loss, optimizer=COBYLA(maxiter=30), initial_point=np.array([0.05])
    )
    result = trainer.fit(x, y)
    assert result.optimal_value < before
    assert_allclose(result.quantum_kernel.evaluate(x), expected(result.optimal_point[0], x), atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "values", "message"),
    [
        (FidelityKernel(scaled_rotations(), training_parameters=[SCALE]), [1, 2], "2 values came for 1 training"),
        (FidelityKernel(scaled_rotations(), training_parameters=[SCALE]), {Parameter("other"): 1}, "not among"),
    ],
)
def test_values_that_do_not_fit_are_refused(kernel, values, message):
    with pytest.raises(ValueError, match=message):
        kernel.assign_training_parameters(values)


def test_missing_values_and_templates_are_refused(data):
    x, _ = data
    with pytest.raises(ValueError, match="no values yet"):
        FidelityKernel(scaled_rotations(), training_parameters=[SCALE]).evaluate(x)
    with pytest.raises(TypeError, match="FixedWeightsFeatureMap"):
        FidelityKernel(AngleFeatureMap(), training_parameters=[SCALE], training_values=[1]).evaluate(x)


def test_estimate_unpacks_into_matrix_errors_and_raw(data):
    x, _ = data
    matrix, errors, raw = FidelityKernel(AngleFeatureMap()).evaluate_with_errors(x)
    assert_allclose(matrix, expected(1.0, x), atol=1e-12)
    assert not errors.any()
    assert_allclose(raw, matrix, atol=0)
