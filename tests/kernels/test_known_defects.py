"""Defects that kernels of other packages have had: ours do not have them.

Elsewhere: qubits of routed circuits, test_inversion; equal parameter names in both halves, test_inversion; the norm of
the geometric difference, diagnostics/kernels/test_concentration.
"""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter, ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.svm import SVC

from qiskit_qml_ext import kernels
from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import CombinedKernel, FidelityKernel, TrainableKernel
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (40, 2))
Y = np.where(X[:, 0] * X[:, 1] > 0, 1, 0)


def fidelities(circuit, samples):
    states = np.array([Statevector(circuit.assign_parameters(row)).data for row in samples])
    return np.abs(states.conj() @ states.T) ** 2


def test_a_repair_of_a_sampled_matrix_does_not_make_its_error_larger():
    """A matrix whose two triangles are drawn apart, repaired as if it were symmetric, has five times the error."""
    exact = FidelityKernel(ZZFeatureMap()).evaluate(X)
    for seed in range(4):
        kernel = FidelityKernel(ZZFeatureMap(), connection=connect("exact", shots=100, seed=seed), psd_repair="clip")
        estimate = kernel.evaluate_with_errors(X)
        assert_array_equal(estimate.raw, estimate.raw.T)
        assert_array_equal(estimate.matrix, estimate.matrix.T)
        assert np.linalg.eigvalsh(estimate.raw)[0] < -0.1
        assert np.linalg.eigvalsh(estimate.matrix)[0] > -1e-12
        assert np.linalg.norm(estimate.matrix - exact) < np.linalg.norm(estimate.raw - exact)


@pytest.mark.parametrize("shots", [None, 4000])
def test_what_is_kept_of_a_circuit_is_kept_by_what_it_does(shots):
    connection = None if shots is None else connect("exact", shots=shots, seed=0)
    x = ParameterVector("x", 2)
    for angle in (0.2, 1.1):
        circuit = QuantumCircuit(2, name="map")
        inner = QuantumCircuit(1, name="mine")
        inner.rx(angle, 0)
        inner.ry(x[0], 0)
        mine = inner.to_gate()
        assert isinstance(mine, Gate)
        circuit.append(mine, [0])
        circuit.ry(angle * x[1], 1)
        circuit.cx(0, 1)
        circuit.rx(x[0], 0)
        kernel = FidelityKernel(circuit, connection=connection)
        atol = 1e-12 if shots is None else 5 * 0.5 / np.sqrt(4000)
        assert_allclose(kernel.evaluate(X[:5]), fidelities(circuit, X[:5]), atol=atol)
        circuit.rz(x[1], 0)  # changed in place, as its owner may
        circuit.rx(2 * x[1], 0)
        assert_allclose(kernel.evaluate(X[:5]), fidelities(circuit, X[:5]), atol=atol)


def test_values_of_a_map_that_change_are_not_served_from_what_was_kept():
    scale, x = Parameter("s"), ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    for qubit in range(2):
        circuit.ry(scale * x[qubit], qubit)
    kernel = FidelityKernel(
        circuit, training_parameters=[scale], training_values=[0.3], connection=connect("exact", shots=5000, seed=0)
    )
    for value in (0.3, 2.0, 0.3):
        kernel.assign_training_parameters([value])
        expected = fidelities(circuit.assign_parameters({scale: value}), X[:5])
        assert_allclose(kernel.evaluate(X[:5]), expected, atol=5 * 0.5 / np.sqrt(5000))
    template = AngleFeatureMap(bandwidth=np.array([1.0, 1.0]))
    kernel = FidelityKernel(template)
    first = kernel.evaluate(X[:5])
    template.bandwidth[1] = 3.0  # in place
    assert np.abs(kernel.evaluate(X[:5]) - first).max() > 0.1


@pytest.mark.parametrize("kind", ["fidelity", "combined", "trained"])
def test_a_grid_search_runs_each_pair_of_samples_once(kind):
    connection = connect("exact", shots=50, seed=0)
    kernel = FidelityKernel(ZZFeatureMap(), connection=connection)
    if kind == "combined":
        kernel = CombinedKernel([("one", kernel), ("same", clone(kernel))])
    if kind == "trained":
        trained = TrainableKernel(ZZFeatureMap(), max_iter=1, random_state=0).fit(X, Y)
        kernel = trained.with_connection(connection).frozen()
    grid = {"C": [0.1, 1.0, 10.0, 100.0]}
    GridSearchCV(QuantumSVC(kernel), grid, cv=KFold(5, shuffle=True, random_state=0)).fit(X, Y)
    assert connection.usage.circuits == 780  # 40·39/2, where 15,820 are run without memory


def circuit_of_one_weight():
    circuit = QuantumCircuit(2)
    circuit.ry(ParameterVector("x", 2)[0], 0)
    circuit.ry(ParameterVector("x", 2)[1], 1)
    circuit.rx(Parameter("t"), 0)
    return circuit


MADE = {
    "FidelityKernel": ((ZZFeatureMap(),), {}),
    "TrainableKernel": ((ZZFeatureMap(),), {"max_iter": 3}),
    "TrainableProjectedKernel": ((ZZFeatureMap(),), {"max_iter": 3}),
    "CombinedKernel": (([("zz", FidelityKernel(ZZFeatureMap()))],), {"weights": [2.0]}),
    "TangentKernel": ((circuit_of_one_weight(), [0.1], SparsePauliOp("ZI")), {}),
    "FisherKernel": ((circuit_of_one_weight(), [0.1], SparsePauliOp("ZI")), {"reference": X}),
    "PathKernel": ((circuit_of_one_weight(), [[0.1]], SparsePauliOp("ZI")), {}),
}


@pytest.mark.parametrize("name", MADE)
def test_every_kernel_has_its_settings_as_parameters(name):
    kind, (positional, settings) = getattr(kernels, name), MADE[name]
    kernel = kind(*positional, **settings)
    shallow = kernel.get_params(deep=False)
    assert set(inspect.signature(kind).parameters) <= set(kernel.get_params())
    assert all(shallow[one] is value for one, value in settings.items())
    copy = clone(kernel).set_params(psd_repair="clip")
    assert (copy.psd_repair, kernel.psd_repair) == ("clip", None)
    assert SVC(kernel=kernel).get_params()["kernel"] is kernel
