"""Weights that change nothing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.circuits import RealAmplitudesAnsatz, ReuploadingModel, ZeroDistribution
from qiskit_qml_ext.exceptions import DeadWeightsWarning, NoGradientError, PlateauWarning
from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor

X = np.random.default_rng(0).uniform(0.1, 1, (10, 2))
Y = X[:, 0] - X[:, 1]


def encoding():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    return circuit


def named(*gates):
    circuit = QuantumCircuit(2)
    for gate, name, qubit in gates:
        getattr(circuit, gate)(Parameter(name), qubit)
    return circuit


@pytest.mark.parametrize("mode", ["warn", "stop", "off"])
def test_a_model_that_no_weight_changes_is_an_error_that_names_them(mode):
    ansatz = named(("rz", "alpha", 0), ("rz", "beta", 1))
    model = VariationalRegressor(encoding(), ansatz, plateau_guard=mode)
    with pytest.raises(
        NoGradientError, match=r"nothing to train: alpha, beta\. No parameter changes the output"
    ) as error:
        model.fit(X, Y)
    assert "Measure another observable" in str(error.value)
    assert isinstance(error.value, ValueError)
    assert not hasattr(model, "weights_")


def test_an_observable_that_sees_nothing_is_an_error():
    with pytest.raises(NoGradientError):
        VariationalRegressor(encoding(), observables=SparsePauliOp("II")).fit(X, Y)


def test_a_circuit_too_wide_for_states_is_refused_by_its_light_cone():
    x, theta = ParameterVector("x", 40), Parameter("t")
    feature_map, ansatz = QuantumCircuit(40), QuantumCircuit(40)
    for qubit in range(40):
        feature_map.ry(x[qubit], qubit)
    ansatz.ry(theta, 7)
    wide = np.random.default_rng(0).uniform(size=(5, 40))
    with pytest.raises(NoGradientError, match="t"):
        VariationalRegressor(feature_map, ansatz, observables=Pauli("Z" + "I" * 39)).fit(wide, np.arange(5))


def test_weights_without_effect_are_named_in_a_warning_and_the_others_are_trained():
    ansatz = named(("ry", "alpha", 0), ("rz", "beta", 0), ("ry", "gamma", 1))
    model = VariationalRegressor(encoding(), ansatz, observables=Pauli("IZ"), max_iter=3, random_state=0)
    with pytest.warns(DeadWeightsWarning, match="2 of the 3 weights change no output: beta, gamma") as said:
        model.fit(X, Y)
    assert said[0].filename == __file__
    assert model.plateau_.dead_weights == ("beta", "gamma")
    assert "beta, gamma" in model.plateau_.summary()


def test_a_template_that_turns_phases_at_its_ends_is_not_warned_of():
    model = VariationalRegressor(ReuploadingModel(reps=2), max_iter=1, random_state=0).fit(X, Y)
    assert len(model.plateau_.dead_weights) == 2  # RZ on |0>


def test_a_special_start_does_not_make_weights_dead():
    # at all angles 0 the second qubit's rotation has no gradient, elsewhere it has
    ansatz = QuantumCircuit(2)
    a, b = Parameter("a"), Parameter("b")
    ansatz.ry(a, 0)
    ansatz.cry(b, 0, 1)
    feature_map = QuantumCircuit(2)
    feature_map.rz(ParameterVector("x", 1)[0], 1)
    model = VariationalRegressor(
        feature_map, ansatz, observables=Pauli("ZI"), initialization=ZeroDistribution(), max_iter=1
    )
    with pytest.warns(PlateauWarning, match="gradient of the loss is 0"):  # a saddle: exact results never leave it
        model.fit(X[:, :1], Y)
    assert model.plateau_.dead_weights == ()


def test_special_samples_do_not_make_weights_dead():
    # the first 9 samples have x0 = 0, so that a weight times x0 does nothing on them
    x = ParameterVector("x", 2)
    feature_map = QuantumCircuit(2)
    feature_map.ry(Parameter("w") * x[0], 0)
    feature_map.ry(x[1], 1)
    rare = X.copy()
    rare[:9, 0] = 0.0
    model = VariationalRegressor(feature_map, RealAmplitudesAnsatz(reps=1), max_iter=1, random_state=0)
    assert model.fit(rare, Y).plateau_.dead_weights == ()
    constant = X.copy()
    constant[:, 0] = 0.0
    with pytest.warns(DeadWeightsWarning, match="1 of the 5 weights change no output"):
        model.fit(constant, Y)


def test_dead_weights_have_no_derivative_by_differences():
    from tests.models.guard import oracle

    ansatz = named(("rx", "a", 0), ("rz", "b", 0), ("ry", "c", 1), ("rz", "d", 1))
    model = VariationalClassifier(encoding(), ansatz, observables=Pauli("ZI"), max_iter=1, random_state=0)
    with pytest.warns(DeadWeightsWarning, match="a, b, d"):
        model.fit(X, Y > 0)
    names = [parameter.name for parameter in model.circuit_.parameters]
    columns = [names.index(f"θ[{k}]") for k in range(4)]
    values = np.random.default_rng(0).uniform(0, 6, (5, len(names)))
    read = oracle.derivatives(model.circuit_, np.array([1.0, 1, -1, -1]), values, columns)
    assert_allclose(read[:, [0, 1, 3]], 0, atol=1e-9)
    assert np.abs(read[:, 2]).min() > 1e-3
