"""The adjoint gradient in qiskit-machine-learning's interface: values, grouping and its use by QNNs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN

from qiskit_qml_ext.gradients import AdjointEstimatorGradient
from qiskit_qml_ext.gradients.methods import adjoint
from qiskit_qml_ext.primitives import ExactEstimator

EXACT = 1e-12


def model(num_qubits=3):
    feature_map = zz_feature_map(num_qubits, 1)
    ansatz = real_amplitudes(num_qubits, reps=1)
    return feature_map.compose(ansatz), list(feature_map.parameters), list(ansatz.parameters)


def qnn(observables, **settings):
    circuit, inputs, weights = model()
    return EstimatorQNN(
        circuit=circuit, observables=observables, input_params=inputs, weight_params=weights, **settings
    )


def test_gradients_agree_with_parameter_shift():
    circuit, _, _ = model()
    rng = np.random.default_rng(0)
    values = rng.uniform(-2, 2, (3, circuit.num_parameters))
    observables = [SparsePauliOp(["ZII", "IXY"], [0.3, -1.2]), SparsePauliOp("ZZZ"), SparsePauliOp("XII")]
    ours = AdjointEstimatorGradient().run([circuit] * 3, observables, values).result()
    theirs = ParamShiftEstimatorGradient(StatevectorEstimator()).run([circuit] * 3, observables, values).result()
    assert_allclose(ours.gradients, theirs.gradients, atol=1e-10)  # shifts divide rounding errors by 2, sums add some
    assert [list(entry["parameters"]) for entry in ours.metadata] == [list(circuit.parameters)] * 3


def test_selected_parameters_come_in_the_order_asked_for():
    circuit, inputs, weights = model()
    values = np.random.default_rng(1).uniform(-2, 2, circuit.num_parameters)
    everything = AdjointEstimatorGradient().run([circuit], [SparsePauliOp("ZZI")], [values]).result().gradients[0]
    wanted = [weights[2], inputs[0]]
    some = AdjointEstimatorGradient().run([circuit], [SparsePauliOp("ZZI")], [values], [wanted]).result().gradients[0]
    place = list(circuit.parameters)
    assert_allclose(some, everything[[place.index(weights[2]), place.index(inputs[0])]], atol=EXACT)


def test_different_circuits_and_observables_mix():
    first, second = real_amplitudes(2, reps=1), real_amplitudes(1, reps=1)
    circuits = [first, second, first]
    observables = [Pauli("ZX"), Operator(np.diag([1.0, -1.0])), SparsePauliOp("ZX")]
    values = [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6], [0.1, 0.2, 0.3, 0.4]]
    gradients = AdjointEstimatorGradient().run(circuits, observables, values).result().gradients
    assert_allclose(gradients[0], gradients[2], atol=EXACT)
    # second: RY(a) RY(b) on |0⟩, ⟨Z⟩ = cos(a + b)
    assert_allclose(gradients[1], [-np.sin(1.1)] * 2, atol=EXACT)


def test_a_qnns_calls_become_one_batch(monkeypatch):
    calls = []
    original = adjoint.expectation_jacobian

    def counted(program, values, observables, **settings):
        calls.append((np.shape(values), len(observables)))
        return original(program, values, observables, **settings)

    monkeypatch.setattr(adjoint, "expectation_jacobian", counted)
    network = qnn(
        [SparsePauliOp("ZII"), SparsePauliOp("IZI")], estimator=ExactEstimator(), gradient=AdjointEstimatorGradient()
    )
    x = np.random.default_rng(2).uniform(-1, 1, (10, 3))
    network.backward(x, np.ones(6))
    assert calls == [((10, 9), 2)]


@pytest.mark.parametrize("input_gradients", [False, True])
def test_qnn_agrees_with_its_own_default(input_gradients):
    observables = [SparsePauliOp("ZII"), SparsePauliOp("IXI")]
    x = np.random.default_rng(3).uniform(-1, 1, (2, 3))
    weights = np.random.default_rng(4).uniform(-1, 1, 6)
    ours = qnn(
        observables,
        estimator=ExactEstimator(),
        gradient=AdjointEstimatorGradient(),
        input_gradients=input_gradients,
    )
    reference = StatevectorEstimator()
    theirs = qnn(
        observables,
        estimator=reference,
        gradient=ParamShiftEstimatorGradient(reference),
        input_gradients=input_gradients,
        default_precision=0.0,
    )
    assert_allclose(ours.forward(x, weights).shape, (2, 2))
    exact = qnn(observables, estimator=ExactEstimator(), gradient=AdjointEstimatorGradient(), default_precision=0.0)
    assert_allclose(exact.forward(x, weights), theirs.forward(x, weights), atol=EXACT)
    for mine, other in zip(ours.backward(x, weights), theirs.backward(x, weights), strict=True):
        if other is None:
            assert mine is None
        else:
            assert_allclose(mine, other, atol=1e-10)


def test_gates_without_a_shift_rule_are_differentiated():
    theta = ParameterVector("t", 2)
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.crx(theta[0] * theta[1], 0, 1)
    circuit.cp(theta[0].sin(), 1, 0)
    observable = SparsePauliOp(["XY", "ZI"], [1.0, 0.5])
    point = np.array([[0.7, -1.1]])
    gradient = AdjointEstimatorGradient().run([circuit], [observable], point).result().gradients[0]
    step = 1e-5

    def value(values):
        return ExactEstimator().run([(circuit, observable, values)]).result()[0].data.evs

    shifted = [(value(point[0] + step * unit) - value(point[0] - step * unit)) / (2 * step) for unit in np.eye(2)]
    assert_allclose(gradient, shifted, atol=1e-9)  # central differences: step² plus eps/step


def test_malformed_input_raises_as_in_qiskit_machine_learning():
    circuit, _, _ = model()
    with pytest.raises(ValueError, match="number of values"):
        AdjointEstimatorGradient().run([circuit], [SparsePauliOp("ZZZ")], [[0.1]])
    with pytest.raises(ValueError, match="number of qubits"):
        AdjointEstimatorGradient().run([circuit], [SparsePauliOp("Z")], [np.zeros(9)])


def test_torch_connector_trains_through_it():
    torch = pytest.importorskip("torch")
    from qiskit_machine_learning.connectors import TorchConnector

    network = qnn(
        [SparsePauliOp("ZII")],
        estimator=ExactEstimator(),
        gradient=AdjointEstimatorGradient(),
        input_gradients=True,
        default_precision=0.0,
    )
    layer = TorchConnector(network, initial_weights=np.full(6, 0.1))
    x = torch.tensor(np.random.default_rng(5).uniform(-1, 1, (4, 3)), requires_grad=True)
    layer(x).sum().backward()
    step = 1e-5
    up, down = (
        network.forward(x.detach().numpy(), np.full(6, 0.1) + sign * step * np.eye(6)[2]).sum() for sign in (1, -1)
    )
    assert layer.weight.grad[2].item() == pytest.approx((up - down) / (2 * step), abs=1e-5)  # torch works in float32
    assert x.grad.shape == (4, 3)
