"""What is diagnosed: observables in all spellings and units, circuits with measurements, and the period of angles."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import QFTGate
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector

from qiskit_qml_ext.circuits import HardwareEfficientAnsatz
from qiskit_qml_ext.diagnostics import (
    compare_initializations,
    diagnose,
    entangling_capability,
    expressibility,
    gradient_variance,
    second_moment_bounds,
    second_moments,
)
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

A, B = Parameter("a"), Parameter("b")
ANSATZ = HardwareEfficientAnsatz(reps=1)


def spoiled(value: float) -> SparsePauliOp:
    observable = SparsePauliOp("ZZ")
    observable.coeffs[0] = value
    return observable


@pytest.mark.parametrize(
    ("observable", "words"),
    [
        (np.array([1, 1j, 0, 0]), "complex diagonal entries"),
        (SparsePauliOp("ZZ", [1j]), "complex coefficients"),
        (SparsePauliOp("ZZ", [Parameter("c")]), "free parameters"),
        (spoiled(np.inf), "finite"),
        (spoiled(np.nan), "finite"),
        (np.array([np.nan, 0, 0, 1]), "finite"),
        (spoiled(1e200), "another unit"),
        (spoiled(1e-200), "another unit"),
        (np.array([1e-170, 0, 0, 0]), "another unit"),
        (np.ones(3), r"2\*\*n entries"),
        (np.ones((3, 3)), "matrix of size"),
        (np.array([[0, 1], [0, 0]]), "not Hermitian"),
        (QuantumCircuit(2), "circuit comes first"),
    ],
)
def test_observables_that_no_loss_has_are_refused_by_name(observable: object, words: str) -> None:
    for ask in (gradient_variance, second_moments, second_moment_bounds):
        with pytest.raises((ValueError, TypeError), match=words):
            ask(ANSATZ, observable, num_qubits=2)
    if not isinstance(observable, QuantumCircuit):
        with pytest.raises((ValueError, TypeError), match=words):
            diagnose(ANSATZ, observable=observable, num_qubits=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("power", [-55, -30, 0, 30, 55])
def test_variance_and_kurtosis_follow_the_unit_of_the_observable(power: int) -> None:
    unit = 10.0**power
    one = gradient_variance(ANSATZ, SparsePauliOp("XZ"), num_qubits=2, num_samples=20, seed=3)
    other = gradient_variance(ANSATZ, SparsePauliOp("XZ", [unit]), num_qubits=2, num_samples=20, seed=3)
    assert other.loss_variance.value / unit**2 == pytest.approx(one.loss_variance.value)
    assert other.loss_kurtosis == pytest.approx(one.loss_kurtosis)
    assert one.loss_kurtosis == pytest.approx(np.mean((one.losses - one.losses.mean()) ** 4) / np.var(one.losses) ** 2)


@pytest.mark.parametrize("label", ["ZZ", "XZ", "IY"])
def test_an_operator_and_its_matrix_measure_what_the_pauli_measures(label: str) -> None:
    pauli = gradient_variance(ANSATZ, SparsePauliOp(label, [2.5]), num_qubits=2, num_samples=8, seed=1)
    matrix = 2.5 * Operator(SparsePauliOp(label)).data
    for spelling in (Operator(matrix), matrix):
        found = gradient_variance(ANSATZ, spelling, num_qubits=2, num_samples=8, seed=1)  # type: ignore[arg-type]
        np.testing.assert_allclose(found.losses, pauli.losses, atol=1e-12)
        np.testing.assert_allclose(found.gradients, pauli.gradients, atol=1e-12)


def test_swapped_arguments_are_recognised() -> None:
    with pytest.raises(TypeError, match="circuit comes first"):
        gradient_variance(SparsePauliOp("ZZ"), ANSATZ.build(2))  # type: ignore[arg-type]


def test_final_measurements_are_taken_off_everywhere() -> None:
    plain = ANSATZ.build(2)
    measured = plain.copy()
    measured.measure_all()
    observable = SparsePauliOp("ZZ")
    for ask in (gradient_variance, second_moments):
        one, other = (ask(circuit, observable, seed=0) for circuit in (plain, measured))
        assert one.loss_variance == other.loss_variance
    starts = [compare_initializations(circuit, observable, num_samples=8, seed=0) for circuit in (plain, measured)]
    assert starts[0].squared_gradients == starts[1].squared_gradients
    found = diagnose(measured, observable=observable, num_samples=16, seed=0)
    assert {"compare_initializations", "expressibility", "entangling_capability"} <= set(found.evidence)
    assert measured.num_clbits == 2


def test_a_measurement_in_the_middle_is_refused() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.ry(A, 0)
    circuit.measure(0, 0)
    circuit.x(0)
    with pytest.raises(UnsupportedCircuitError, match="measured before"):
        gradient_variance(circuit, SparsePauliOp("Z"))


def circuit_of(*gates: Callable[[QuantumCircuit], object]) -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    for gate in gates:
        gate(circuit)
    return circuit


PERIODIC = [
    (circuit_of(lambda c: c.ry(A, 0)), 1),
    (circuit_of(lambda c: c.ry(A / 2, 0)), 2),
    (circuit_of(lambda c: c.ry(A / 3, 0), lambda c: c.rx(B / 2, 0)), 6),
    (circuit_of(lambda c: c.ry(3 * A, 0)), 1),
    (circuit_of(lambda c: c.h(0), lambda c: c.cry(A, 0, 1)), 2),
    (circuit_of(lambda c: c.ry(0.75 * A + B, 0), lambda c: c.rzz(A, 0, 1)), 4),
    (circuit_of(lambda c: c.append(QFTGate(2), [0, 1]), lambda c: c.ry(A, 1)), 1),
]


@pytest.mark.parametrize(("circuit", "turns"), PERIODIC)
def test_angles_are_drawn_from_a_whole_period(circuit: QuantumCircuit, turns: int) -> None:
    """The end of the interval is a period of every parameter for Qiskit's own state vectors, and is that expected."""
    found = gradient_variance(circuit, SparsePauliOp("ZZ"), num_samples=4, seed=0)
    period = turns * 2 * math.pi
    for parameter in circuit.parameters:
        point = {p: 0.7 + 0.3 * k for k, p in enumerate(circuit.parameters)}
        here = Statevector(circuit.assign_parameters(point))
        point[parameter] += period
        assert abs(here.inner(Statevector(circuit.assign_parameters(point)))) == pytest.approx(1.0)
    assert f"{period!r}" in found.distribution or (turns == 1 and found.distribution == "UniformDistribution()")


def test_half_angles_have_mean_zero_in_all_diagnostics() -> None:
    """For ry(a/2), ⟨X⟩ = sin(a/2): over its period 4π the mean is 0, over [0, 2π) it would be 2/π."""
    circuit = QuantumCircuit(1)
    circuit.ry(A / 2, 0)
    assert second_moments(circuit, SparsePauliOp("X"), seed=0).loss_mean == pytest.approx(0.0, abs=1e-12)
    sampled = gradient_variance(circuit, SparsePauliOp("X"), num_samples=4000, seed=0)
    assert abs(sampled.loss_mean.value) < 5 / math.sqrt(2 * 4000)

    def family(n: int) -> QuantumCircuit:
        built = QuantumCircuit(n)
        built.ry(A / 2, range(n))
        return built

    grown = gradient_variance(
        family, lambda n: SparsePauliOp("I" * (n - 1) + "X"), num_qubits=2, num_samples=4000, seed=0
    )
    assert abs(grown.loss_mean.value) < 5 / math.sqrt(2 * 4000)


def test_frame_potential_of_a_half_angle_is_that_of_its_circle() -> None:
    """F = cos²((a-b)/4) with a, b uniform on 4π has the mean 1/2."""
    circuit = QuantumCircuit(1)
    circuit.ry(A / 2, 0)
    potential = expressibility(circuit, num_pairs=4000, seed=0).frame_potentials[0]
    assert abs(potential.value - 0.5) < 5 * math.sqrt(1 / 8 / 4000)


@pytest.mark.parametrize("angle", [math.sqrt(2) * A, A * A, A.sin()])
def test_angles_without_a_common_period_are_drawn_from_one_turn(angle: object) -> None:
    circuit = QuantumCircuit(1)
    circuit.rx(angle, 0)
    circuit.rx(A, 0)
    assert gradient_variance(circuit, SparsePauliOp("Z"), num_samples=4, seed=0).distribution == "UniformDistribution()"


def test_a_circuit_without_parameters_has_defined_descriptors() -> None:
    """All pairs have fidelity 1: the divergence is minus the logarithm of Haar's mass in the last bin."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    assert expressibility(circuit, num_bins=10, num_pairs=50).plain == pytest.approx(3 * math.log(10))
    assert entangling_capability(circuit, num_samples=8).mean.value == pytest.approx(1.0)
    found = diagnose(circuit, observable=SparsePauliOp("ZZ"), num_samples=8, seed=0)
    assert "no parameters" in found.summary()


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        ((lambda c: c.rz(A, 0), lambda c: c.rz(B, 1)), 3 * math.log(75)),
        ((lambda c: c.h([0, 1]), lambda c: c.rx(A, 0)), 3 * math.log(75)),
    ],
)
def test_fidelities_of_one_fall_into_the_last_bin(
    gates: tuple[Callable[[QuantumCircuit], object], ...], expected: float
) -> None:
    assert expressibility(circuit_of(*gates), num_pairs=500, seed=0).plain == pytest.approx(expected)
