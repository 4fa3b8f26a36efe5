import json
import os

import layer_case as case
import numpy as np
import pytest
from frameworks import framework
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.engine import Projector
from qiskit_qml_ext.models import QuantumLayer
from qiskit_qml_ext.models.layers.layer_document import layer_arguments, layer_document
from qiskit_qml_ext.primitives import connect


def test_a_layer_comes_back_from_its_document():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XX", "ZI"], [0.3, 0.4]), a * b), [0, 1])
    circuit.ry(a.arcsin() + 0.1, 1)
    amplitudes = np.array([0.6, 0.0, 0.8j, 0.0])
    observables = [
        Pauli("-XZ"),
        SparsePauliOp(["XX", "ZI"], [1 / 3, -2.5]),
        Projector(2),
        Projector(amplitudes),
        np.array([0.1, -1.0, 2.0, 0.0]),
    ]
    layer = QuantumLayer(
        circuit,
        observables,
        input_parameters=["b"],
        initialization=[0.7],
        connection=connect("exact", dtype="complex64", max_memory=2**30),
    )
    document = json.loads(json.dumps(layer_document(layer, layer.initial_weights())))
    other = QuantumLayer(**layer_arguments(document))
    np.testing.assert_array_equal(other([[0.2], [0.9]], [0.7]), layer([[0.2], [0.9]], [0.7]))
    np.testing.assert_array_equal(other.initial_weights(), [0.7])
    assert (other.connection.dtype, other.connection.max_memory) == ("complex64", 2**30)
    assert other.circuit == layer.circuit
    again = layer_document(other, other.initial_weights())
    again["circuit"] = document["circuit"]  # QPY writes the parts of an equal circuit in another order
    assert json.loads(json.dumps(again)) == document


def test_a_document_of_an_unknown_kind_is_refused():
    layer = QuantumLayer(case.CIRCUIT, case.OBSERVABLES, **case.ARGUMENTS)
    document = layer_document(layer, case.START)
    document["observables"][0] = {"kind": "pulse"}
    with pytest.raises(ValueError, match="unknown kind 'pulse'"):
        layer_arguments(document)


@pytest.fixture
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return framework("keras")


def made(keras, **settings):
    from qiskit_qml_ext.models import KerasLayer

    return KerasLayer(case.CIRCUIT, case.OBSERVABLES, **{**case.ARGUMENTS, **settings})


def test_kerass_seed_governs_the_initial_weights(keras):
    keras.utils.set_random_seed(3)
    first = made(keras, initialization=None).initial_weights
    second = made(keras, initialization=None).initial_weights
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(made(keras, initialization=None).initial_weights, first)
    assert np.any(first != second)


def test_a_frozen_layer_has_no_trainable_weights(keras):
    layer = made(keras, trainable=False)
    layer.build((None, 3))
    assert (len(layer.trainable_weights), len(layer.non_trainable_weights)) == (0, 1)


@pytest.mark.parametrize("precision", ["float16", "bfloat16", "mixed_float16"])
def test_a_precision_in_which_angles_mean_little_is_refused(keras, precision):
    with pytest.raises(ValueError, match="angles mean little"):
        made(keras, dtype=precision)


def test_inputs_of_another_width_are_refused_before_anything_runs(keras):
    with pytest.raises(ValueError, match="3"):
        keras.Sequential([keras.Input((2,)), made(keras)])
    with pytest.raises(ValueError, match="6 weights"):
        made(keras, initialization=np.zeros(5))


# TensorFlow's own tensors raise it when NumPy reads them
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_values_that_are_not_finite_are_refused_in_words(keras):
    with pytest.raises(Exception, match="is nan; angles must be finite"):
        made(keras)(np.full((2, 3), np.nan, dtype="float32"))
