"""Data that do not fit the feature map: odd orders of parameters, values outside of a domain, wrong objects."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import zz_feature_map
from scipy.sparse import csr_array

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.diagnostics.subject.network import network_of
from qiskit_qml_ext.exceptions import ParameterOrderWarning
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect


def rotations(parameters):
    circuit = QuantumCircuit(len(parameters))
    for qubit, parameter in enumerate(parameters):
        circuit.ry((qubit + 1) * parameter, qubit)
    return circuit


def test_order_that_contradicts_the_numbers_is_said_once():
    singles = rotations([Parameter(f"once{number}") for number in range(12)])
    x = np.random.default_rng(0).uniform(0, 1, (3, 12))
    with pytest.warns(ParameterOrderWarning, match="'once11' before 'once2'.*ParameterVector") as said:
        matrix = FidelityKernel(singles).evaluate(x)
    assert "once0, once1, once10, once11, once2" in str(said[0].message)
    FidelityKernel(singles).evaluate(x)  # again would be an error
    order = [int(parameter.name.removeprefix("once")) for parameter in singles.parameters]
    vector = rotations(list(ParameterVector("v", 12)))
    natural = np.empty_like(x)
    natural[:, order] = x
    assert_allclose(matrix, FidelityKernel(vector).evaluate(natural), atol=1e-12)


@pytest.mark.parametrize("connection", [connect("exact", shots=10), connect("aer", shots=10)], ids=repr)
def test_order_is_said_of_sampled_kernels_too(connection):
    singles = rotations([Parameter(f"{connection.target_name}_{number}") for number in (2, 10)])
    with pytest.warns(ParameterOrderWarning, match="_10' before"):
        FidelityKernel(singles, connection=connection).evaluate([[0.1, 0.2], [0.3, 0.4]])


@pytest.mark.parametrize(
    "parameters",
    [
        list(ParameterVector("order", 12)),
        [Parameter(f"x{number:02d}") for number in range(12)],
        [Parameter(name) for name in ("a", "b", "x1", "y0", "θ")],
        [Parameter("x1"), Parameter("x_0")],
    ],
    ids=["vector", "padded", "letters", "other names"],
)
def test_orders_without_contradiction_are_not_warned_of(parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FidelityKernel(rotations(parameters)).evaluate(np.zeros((2, len(parameters))))


def test_training_parameters_do_not_count_for_the_order_of_the_data():
    trained, data = Parameter("mixed10"), [Parameter("mixed2"), Parameter("mixed3")]
    circuit = rotations([trained, *data])
    kernel = FidelityKernel(circuit, training_parameters=[trained], training_values=[0.3])
    assert kernel.evaluate([[0.1, 0.2]]).tolist() == [[1.0]]


def test_network_that_is_diagnosed_says_the_order_of_its_inputs():
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    inputs = [Parameter(f"input{number}") for number in (10, 2)]
    circuit = rotations([*inputs, Parameter("w")])
    network = EstimatorQNN(circuit=circuit, input_params=inputs, weight_params=[circuit.parameters[-1]])
    with pytest.warns(ParameterOrderWarning, match="'input10' before 'input2'"):
        network_of(network, np.zeros((3, 2)))


def wild():
    x = ParameterVector("x", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(x[1].arccos(), 0)
    circuit.cx(0, 1)
    circuit.ry(x[0] + x[2], 1)
    return circuit


@pytest.mark.parametrize("target", [None, "exact", "aer", "fake_manila"])
def test_values_outside_of_a_domain_are_named_before_anything_runs(target):
    connection = connect(target, shots=None if target is None else 10)
    kernel = FidelityKernel(wild(), connection=connection)
    x = np.array([[0.1, 0.2, 5.0], [0.1, 0.3, 5.0], [0.1, -1.5, 5.0]])
    message = r"row 2 of x_vec: .*arccos.*at column 1 = -1.5 \(parameter 'x\[1\]'\)"
    with pytest.raises(ValueError, match=message):
        kernel.evaluate(x)
    with pytest.raises(ValueError, match="row 2 of y_vec"):
        kernel.evaluate(x[:2], x)
    assert connection.usage.circuits == 0
    assert kernel.evaluate(x[:2]).shape == (2, 2)


def test_domain_is_that_of_the_factor_that_leaves_it():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry((2 * x[1]).log(), 1)
    with pytest.raises(ValueError, match=r"row 1 of x_vec: .* at column 1 = -0.5 \(parameter 'x\[1\]'\)"):
        FidelityKernel(circuit).evaluate([[-3.0, 0.5], [1.0, -0.5]])


def test_class_is_told_from_its_object():
    with pytest.raises(TypeError, match=r"the class qiskit.circuit.quantumcircuit.QuantumCircuit instead of an object"):
        FidelityKernel(QuantumCircuit).evaluate([[1.0]])


def test_other_packages_circuits_are_named_with_their_module():
    other = type("QuantumCircuit", (), {"__module__": "somebody.circuits"})
    with pytest.raises(TypeError, match=r"a somebody.circuits.QuantumCircuit, which is not Qiskit's, came"):
        FidelityKernel(other()).evaluate([[1.0]])


def test_training_parameters_must_leave_some_for_the_data_and_belong_to_the_map():
    feature_map = zz_feature_map(2)
    everything = FidelityKernel(feature_map, training_parameters=list(feature_map.parameters), training_values=[1, 2])
    with pytest.raises(ValueError, match="All 2 parameters of the feature map are training parameters"):
        everything.evaluate([[0.1, 0.2]])
    namesake = Parameter(feature_map.parameters[0].name)
    foreign = FidelityKernel(feature_map, training_parameters=[namesake], training_values=[1])
    with pytest.raises(ValueError, match=r"not a parameter of the feature map.*the same object"):
        foreign.evaluate([[0.1]])
    short = FidelityKernel(feature_map, training_parameters=[feature_map.parameters[0]], training_values=[])
    with pytest.raises(ValueError, match="1 training parameters have 0 values"):
        short.evaluate([[0.1]])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.ma.masked_array([[0.1, 0.2], [0.3, 0.4]], [[0, 1], [0, 0]]), "masked"),
        (np.array([["2020-01-01", "2021-01-01"]], dtype="M8[D]"), "dates"),
        ([["0.1", "0.2"]], "text"),
        (np.array([[0.1 + 1j, 0.2]]), "complex"),
        ([[0.1, None]], "None"),
        ([[0.1, 0.2], [0.3]], "inhomogeneous"),
        (csr_array([[0.1, 0.2]]), "toarray"),
        (pd.DataFrame({"a": [1, None], "b": [1, 2]}).convert_dtypes(), "NA"),
    ],
)
def test_data_that_would_become_other_numbers_are_refused(values, reason):
    with pytest.raises(TypeError, match=rf"x_vec must .*{reason}"):
        FidelityKernel(AngleFeatureMap()).evaluate(values)


def test_containers_of_the_same_numbers_have_the_same_kernel():
    data = np.random.default_rng(0).uniform(0, 1, (4, 2))
    kernel = FidelityKernel(AngleFeatureMap())
    frame = pd.DataFrame(data)
    for given in (data.tolist(), data.astype(object), frame, frame.convert_dtypes(), np.ma.masked_array(data)):
        np.testing.assert_array_equal(kernel.evaluate(given), kernel.evaluate(data))
