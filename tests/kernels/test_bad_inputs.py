"""Bad inputs of every kernel that is public: each is a clear error, and nothing is run."""

import inspect

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.primitives import BaseSamplerV2
from qiskit.quantum_info import Pauli
from sklearn.metrics.pairwise import rbf_kernel

from qiskit_qml_ext import kernels
from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel, QuantumKernel
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(0).uniform(-1, 1, (4, 2))

CLASSES = {
    name: one
    for name, one in ((name, getattr(kernels, name)) for name in kernels.__all__)
    if inspect.isclass(one) and issubclass(one, QuantumKernel) and not inspect.isabstract(one)
}
del CLASSES["MeasuredFeaturesKernel"]  # its samples are measured values, three for each qubit

MODEL = QuantumCircuit(2)
for qubit, (angle, weight) in enumerate(zip(ParameterVector("x", 2), ParameterVector("w", 2), strict=True)):
    MODEL.ry(angle, qubit)
    MODEL.rx(weight, qubit)

MADE = {
    "CachedKernel": lambda: kernels.CachedKernel(FidelityKernel(AngleFeatureMap())),
    "CombinedKernel": lambda: kernels.CombinedKernel(
        [("quantum", FidelityKernel(AngleFeatureMap())), ("classical", rbf_kernel)]
    ),
    "FisherKernel": lambda: kernels.FisherKernel(MODEL, [0.3, 0.4], Pauli("ZZ"), reference=X, input_parameters="x"),
    "PathKernel": lambda: kernels.PathKernel(MODEL, [[0.3, 0.4], [0.5, 0.1]], Pauli("ZZ"), input_parameters="x"),
    "TangentKernel": lambda: kernels.TangentKernel(MODEL, [0.3, 0.4], Pauli("ZZ"), input_parameters="x"),
    "TrainableKernel": lambda **settings: kernels.TrainableKernel(
        *(MODEL,), training_parameters=MODEL.parameters[:2], training_values=[0.3, 0.4], **settings
    ),
    "TrainableProjectedKernel": lambda **settings: kernels.TrainableProjectedKernel(
        *(MODEL,), training_parameters=MODEL.parameters[:2], training_values=[0.3, 0.4], **settings
    ),
}
"""How a kernel is made that takes more than a feature map and settings."""


class Untouched(BaseSamplerV2):
    """A sampler that must not be asked."""

    def run(self, pubs, *, shots=None):
        raise AssertionError("something was run")


def made(name, **settings):
    """A kernel of two features, as its entry makes it, or of a feature map."""
    return MADE.get(name, lambda **more: CLASSES[name](AngleFeatureMap(), **more))(**settings)


def as_frame(array):
    import pandas as pd

    return pd.DataFrame({"a": [1.0, None], "b": ["x", "y"]})


BAD = {
    "NaN": (np.array([[0.1, np.nan]]), ValueError, "x_vec has the value nan in row 0, column 1"),
    "infinity": (np.array([[0.1, 0.2], [-np.inf, 0.2]]), ValueError, "x_vec has the value -inf in row 1, column 0"),
    "nothing": ([], ValueError, "x_vec has no features"),
    "no features": (np.zeros((3, 0)), ValueError, "x_vec has no features"),
    "complex data": (X * 1j, TypeError, "x_vec must be an array of real numbers.*complex numbers"),
    "text": ([["a", "b"]], TypeError, "x_vec must be an array of real numbers.*text"),
    "dates": (np.zeros((2, 2), dtype="M8[s]"), TypeError, "x_vec must be an array of real numbers.*dates"),
    "a cube": (np.zeros((2, 2, 2)), ValueError, r"x_vec must have the shape \(samples, features\)"),
    "a mixed table": (as_frame(X), TypeError, "x_vec must be an array of real numbers"),
    "masked values": (np.ma.masked_array(X, np.eye(4, 2)), TypeError, "x_vec must have all its values"),
}


def test_every_public_kernel_can_be_made_here():
    """A new kernel that takes more than a feature map has its line in ``MADE``."""
    assert "FidelityKernel" in CLASSES
    for name in CLASSES:
        assert made(name).evaluate(X).shape == (4, 4), name


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("case", BAD)
def test_bad_samples_are_refused_in_rows_and_columns_before_anything_is_run(name, case):
    values, error, said = BAD[case]
    kernel = made(name)
    for ask in (kernel.evaluate, kernel.evaluate_with_errors, kernel):
        with pytest.raises(error, match=said):
            ask(values)
        with pytest.raises(error, match=said.replace("x_vec", "y_vec")):
            ask(X, values)


@pytest.mark.parametrize("name", CLASSES)
def test_tensors_that_a_gradient_is_asked_of_are_refused_with_what_to_do(name):
    torch = pytest.importorskip("torch")
    plain = torch.tensor(X)
    asked = plain.clone().requires_grad_()
    kernel, said = made(name), "_vec must be an array of real numbers, but (Tensor|list) came: .*requires grad.*detach"
    for values in (asked, list(asked)):
        with pytest.raises(TypeError, match="x" + said):
            kernel.evaluate(values)
        with pytest.raises(TypeError, match="y" + said):
            kernel.evaluate_with_errors(X, values)
    np.testing.assert_array_equal(kernel.evaluate(asked.detach()), kernel.evaluate(X))


@pytest.mark.parametrize("name", CLASSES)
def test_no_rows_are_refused_and_no_columns_are_what_a_machine_without_support_vectors_asks_for(name):
    kernel = made(name)
    for ask in (kernel.evaluate, kernel.evaluate_with_errors, kernel):
        for columns in ((), (X,), (np.zeros((0, 2)),)):
            with pytest.raises(ValueError, match=r"x_vec must hold at least one sample, but its shape is \(0, 2\)"):
                ask(np.zeros((0, 2)), *columns)
    assert kernel.evaluate(X, np.zeros((0, 2))).shape == (4, 0)


@pytest.mark.parametrize("name", CLASSES)
def test_columns_of_another_width_are_refused(name):
    with pytest.raises(ValueError, match="number of features of y_vec must be that of x_vec, 2, but 3 came"):
        made(name).evaluate(X, np.zeros((2, 3)))


@pytest.mark.parametrize("name", [name for name in CLASSES if "sampler" in inspect.signature(CLASSES[name]).parameters])
def test_bad_samples_reach_no_device(name):
    kernel = made(name, sampler=Untouched())
    for values, error, said in BAD.values():
        with pytest.raises(error, match=said):
            kernel.evaluate(values)
    with pytest.raises(AssertionError, match="something was run"):
        kernel.evaluate(X)


WITH_CIRCUITS = [name for name in CLASSES if "feature_map" in inspect.signature(CLASSES[name]).parameters]


@pytest.mark.parametrize("name", WITH_CIRCUITS)
def test_samples_of_another_width_than_the_circuit_are_refused(name):
    circuit = QuantumCircuit(3)
    for qubit, angle in enumerate(ParameterVector("x", 3)):
        circuit.ry(angle, qubit)
    with pytest.raises(ValueError, match=r"2 features.*3|3.*2 features"):
        CLASSES[name](circuit).evaluate(X)


@pytest.mark.parametrize("name", [n for n in WITH_CIRCUITS if hasattr(CLASSES[n], "assign_training_parameters")])
def test_weights_without_values_are_refused(name):
    circuit, weight = QuantumCircuit(2), Parameter("w")
    for qubit, angle in enumerate(ParameterVector("x", 2)):
        circuit.ry(angle, qubit)
    circuit.rx(weight, 0)
    with pytest.raises(ValueError, match=r"1 training parameters have no values yet|not trained yet"):
        CLASSES[name](circuit, training_parameters=[weight]).evaluate(X)


@pytest.mark.parametrize("target", ["exact", "aer", "fake_manila"])
@pytest.mark.parametrize("shots", [0, -1, 2.5, True])
def test_no_shots_are_refused(target, shots):
    with pytest.raises((TypeError, ValueError), match="shots must be"):
        connect(target, shots=shots)
