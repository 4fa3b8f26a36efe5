"""Certified bounds against quadrature, matrix products, published values and hard truncation."""

import json
import math

import matplotlib as mpl
import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.circuits import MatchgateAnsatz, RandomPauliAnsatz, UniformDistribution
from qiskit_qml_ext.diagnostics import (
    averaged_local_observable,
    chain_second_moment,
    diagnose,
    global_observable,
    global_projector,
    local_observable,
    second_moment_bounds,
)
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from tests.diagnostics.families import EIGHT_QUBITS, layered_circuit, product_circuit
from tests.diagnostics.moments.test_second_moments import exact_moments, small_circuit

mpl.use("agg")
SEVERAL = SparsePauliOp(["ZII", "IZZ", "ZZZ", "XYI", "III"], [0.5, -0.7, 0.3, 1.1, 0.4])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("radius", [None, 1.0])
def test_both_bounds_are_the_value_where_nothing_is_dropped(seed, radius):
    circuit = small_circuit(seed, angles=4)
    distribution = None if radius is None else UniformDistribution(-radius, radius)
    for observable in (Pauli("ZZX"), Pauli("IYI"), SEVERAL):
        mean, square, _ = exact_moments(circuit, observable, radius)
        found = second_moment_bounds(circuit, observable, distribution=distribution)
        assert found.is_exact
        assert found.loss_mean == pytest.approx(mean, abs=1e-12)
        for moment in (found.second_moment_lower, found.second_moment_upper):
            assert moment == pytest.approx(square, abs=1e-12)
        for variance in (found.variance_lower, found.variance_upper):
            assert variance == pytest.approx(square - mean**2, abs=1e-12)


@pytest.mark.parametrize(("layers", "observable", "expected"), EIGHT_QUBITS)
def test_reference_values_at_8_qubits_are_exact(layers, observable, expected):
    found = second_moment_bounds(layered_circuit(8, layers), observable)
    assert found.variance_lower == pytest.approx(expected, rel=1e-8)
    assert found.variance_upper == pytest.approx(expected, rel=1e-8)
    assert "exactly" in found.headline()


@pytest.mark.parametrize("layers", [3, 5])
def test_hard_truncation_keeps_the_value_between_bounds_that_narrow(layers):
    circuit = layered_circuit(12, layers)
    for observable in (local_observable, global_observable):
        exact = 10 ** chain_second_moment(circuit, observable, max_bond=64).log10_variance
        lower, upper = 0.0, math.inf
        for strings in (1, 5, 30, 200, 1500):
            found = second_moment_bounds(circuit, observable, num_qubits=12, max_strings=strings)
            assert found.num_strings <= strings
            assert found.variance_lower <= exact * (1 + 1e-6)
            assert found.variance_upper >= exact * (1 - 1e-6)
            assert found.variance_lower >= lower
            assert found.variance_upper <= upper
            lower, upper = found.variance_lower, found.variance_upper
        assert lower > 0


def test_bounds_of_several_terms_and_of_a_mean_contain_the_value():
    """Coefficients of cross terms have both signs, and the mean is subtracted exactly."""
    truncated = 0
    for seed in range(4):
        circuit = small_circuit(seed, angles=4)
        for distribution, radius in ((None, None), (UniformDistribution(-1.0, 1.0), 1.0)):
            mean, square, _ = exact_moments(circuit, SEVERAL, radius)
            found = second_moment_bounds(circuit, SEVERAL, distribution=distribution, max_strings=2)
            assert found.variance_lower <= square - mean**2 + 1e-12 <= found.variance_upper + 2e-12
            assert found.variance_lower >= 0
            truncated += not found.is_exact
    assert truncated > 0


@pytest.mark.parametrize(("layers", "expected", "error"), [(2, 0.2846, 0.0018), (5, 0.0851, 0.0011)])
def test_reference_values_at_1000_qubits_lie_within(layers, expected, error):
    found = second_moment_bounds(layered_circuit(1000, layers), local_observable)
    assert found.variance_lower - 4 * error <= expected <= found.variance_upper + 4 * error
    assert found.is_exact


def test_truncated_bounds_at_1000_qubits_contain_the_exact_value():
    circuit = layered_circuit(1000, 5)
    exact = second_moment_bounds(circuit, local_observable)
    rough = second_moment_bounds(circuit, local_observable, max_strings=600)
    assert exact.num_strings > 600
    assert 0.9 * exact.variance_lower < rough.variance_lower < exact.variance_lower
    assert exact.variance_upper < rough.variance_upper < 2 * exact.variance_upper


def test_product_circuit_and_its_mean_of_z():
    found = second_moment_bounds(product_circuit(60), global_observable)
    assert found.variance_lower == pytest.approx(0.5**60, rel=1e-12)
    assert found.num_strings == 1
    local = second_moment_bounds(product_circuit, averaged_local_observable, num_qubits=6)
    assert local.variance_lower == pytest.approx(1 / 12, rel=1e-12)


def test_heaviest_weight_bounds_what_was_dropped():
    """RY and RZ on every qubit leave no string a larger weight than 1/2."""
    found = second_moment_bounds(layered_circuit(12, 5), local_observable, max_strings=1)
    assert found.variance_upper == pytest.approx(found.variance_lower + found.dropped_mass / 2, rel=1e-12)
    assert "for certain" in found.headline()
    assert found.plot().get_xscale() == "log"


def far_apart(distance: int) -> tuple[QuantumCircuit, SparsePauliOp]:
    """Free fermions whose observable only the rarest walks make visible, with one gate that leaves the chain."""
    circuit = MatchgateAnsatz(reps=8).build(60)
    circuit.rxx(Parameter("far"), 0, 2)
    string = ("X" + "Z" * (distance - 1) + "X", list(range(20, 21 + distance)), 1.0)
    return circuit, SparsePauliOp.from_sparse_list([string], num_qubits=60)


def test_what_no_walk_sees_and_no_chain_takes_is_diagnosed_by_bounds():
    circuit, observable = far_apart(16)
    report = diagnose(circuit, observable=observable)
    assert report.findings[-1].level == "bad"
    # 2⁻³⁰: each of 15 rotations on both sides has to move its fermion inwards
    assert "Var C = 9.31323e-10 exactly" in report.findings[-1].sentence
    never, parity = far_apart(17)
    assert second_moment_bounds(never, parity).variance_upper == 0
    assert "Var C = 0 exactly" in diagnose(never, observable=parity).headline()


def test_bounds_that_say_nothing_are_not_sold_as_a_finding():
    circuit = QuantumCircuit(40)
    angles = iter(ParameterVector("t", 480))
    for _ in range(6):
        for qubit in range(40):
            circuit.ry(next(angles), qubit)
            circuit.rz(next(angles), qubit)
        for qubit in range(40):
            circuit.cz(qubit, (qubit + 1) % 40)
    report = diagnose(circuit, observable=global_observable)
    assert report.findings[-1].level == "unknown"
    assert "second_moment_bounds" in report.evidence


def test_results_are_plain_data_and_refusals_are_named():
    found = second_moment_bounds(layered_circuit(4, 2), local_observable, max_strings=1)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["max_strings"] == 1
    assert np.isfinite(found.dropped_mass)
    with pytest.raises(ValueError, match="at least 1"):
        second_moment_bounds(layered_circuit(3, 1), local_observable, max_strings=0)
    with pytest.raises(TypeError, match="Pauli sum"):
        second_moment_bounds(layered_circuit(3, 1), global_projector)
    with pytest.raises(UnsupportedCircuitError, match="stabiliser state"):
        second_moment_bounds(RandomPauliAnsatz(reps=1).build(2), SparsePauliOp(["ZI", "IZ"]))
    shared, a = QuantumCircuit(1), Parameter("a")
    shared.rx(a, 0)
    shared.rx(a, 0)
    with pytest.raises(UnsupportedCircuitError, match="on many qubits by Pauli propagation"):
        second_moment_bounds(shared, Pauli("Z"))
