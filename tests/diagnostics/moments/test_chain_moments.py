"""Matrix products against Pauli walks, closed forms and published tiny variances."""

import math

import matplotlib as mpl
import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.circuits import UniformDistribution
from qiskit_qml_ext.diagnostics import chain_second_moment, global_observable, local_observable, second_moments
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from tests.diagnostics.families import EIGHT_QUBITS, layered_circuit, product_circuit
from tests.diagnostics.moments.test_second_moments import exact_moments, small_circuit

mpl.use("agg")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("radius", [None, 1.0])
def test_two_qubit_circuits_are_exact(seed, radius):
    circuit = small_circuit(seed, num_qubits=2, angles=4)
    distribution = None if radius is None else UniformDistribution(-radius, radius)
    for label in ("ZZ", "XI", "YX"):
        mean, square, _ = exact_moments(circuit, Pauli(label), radius)
        found = chain_second_moment(circuit, Pauli(label), distribution=distribution)
        assert found.loss_mean == pytest.approx(mean, abs=1e-12)
        assert 10**found.log10_second_moment.value == pytest.approx(square, abs=1e-12)
        assert found.largest_bond <= 4


@pytest.mark.parametrize(("layers", "observable", "expected"), EIGHT_QUBITS)
def test_reference_values_at_8_qubits_are_exact(layers, observable, expected):
    found = chain_second_moment(layered_circuit(8, layers), observable)
    assert 10**found.log10_variance == pytest.approx(expected, rel=1e-8)
    assert "exactly" in found.headline()


def test_walks_and_matrix_products_agree():
    circuit = layered_circuit(12, 5)
    walks = second_moments(circuit, local_observable, num_walks=20_000, seed=0).loss_variance
    chain = chain_second_moment(circuit, local_observable, max_bond=64)
    assert abs(walks.value - 10**chain.log10_variance) < 4 * walks.standard_error


@pytest.mark.slow
def test_variance_of_30_decades_at_100_qubits():
    """Layers RY, RZ, CZ ladder, n = 100, L = 32, parity: log₁₀ Var = -30.108, the deep limit is -30.103."""
    found = chain_second_moment(layered_circuit(100, 32), global_observable, max_bond=16)
    assert found.log10_variance == pytest.approx(-30.108, abs=0.03)
    assert "10" in found.summary()


@pytest.mark.slow
def test_variance_of_307_decades_at_1000_qubits():
    found = chain_second_moment(layered_circuit(1000, 8), global_observable, max_bond=16)
    assert found.log10_variance == pytest.approx(-307.0, abs=0.6)
    assert found.plot().get_xlabel().startswith("log")


def test_product_circuit_is_a_power_of_one_half():
    found = chain_second_moment(product_circuit(50), global_observable)
    assert found.log10_variance == pytest.approx(-50 * math.log10(2), abs=1e-10)
    assert found.largest_bond == 1


def test_moments_that_vanish_and_means_that_do_not():
    circuit = QuantumCircuit(1)
    circuit.rz(Parameter("a"), 0)
    assert chain_second_moment(circuit, Pauli("X")).log10_variance == -math.inf
    still = chain_second_moment(circuit, 2 * SparsePauliOp("Z"))
    assert still.loss_mean == 2.0
    assert still.log10_second_moment.value == pytest.approx(math.log10(4))
    assert still.log10_variance == -math.inf
    assert np.isfinite(still.loss_mean)


def test_refusals_are_named():
    circuit = layered_circuit(3, 1)
    with pytest.raises(ValueError, match="has 2 terms"):
        chain_second_moment(circuit, SparsePauliOp(["ZII", "IZI"]))
    with pytest.raises(ValueError, match="at least 2"):
        chain_second_moment(circuit, local_observable, max_bond=1)
    circuit.cz(0, 2)
    with pytest.raises(UnsupportedCircuitError, match="neighbours on a chain"):
        chain_second_moment(circuit, local_observable)
