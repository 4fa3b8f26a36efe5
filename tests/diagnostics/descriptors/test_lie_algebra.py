"""Dimensions of known algebras, and the variances that follow from them against simulated circuits."""

import math

import matplotlib as mpl
import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp
from sklearn.base import clone

from qiskit_qml_ext.circuits import (
    BasicEntanglerAnsatz,
    HardwareEfficientAnsatz,
    MatchgateAnsatz,
    QAOAAnsatz,
    RandomPauliAnsatz,
    RealAmplitudesAnsatz,
    SimAnsatz,
    StronglyEntanglingAnsatz,
)
from qiskit_qml_ext.diagnostics import gradient_variance, lie_algebra
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

mpl.use("agg")


def term(letters: str, qubits: list[int], n: int) -> SparsePauliOp:
    return SparsePauliOp.from_sparse_list([(letters, qubits, 1.0)], num_qubits=n)


def chain(n: int, *letters: str, periodic: bool = False) -> list[SparsePauliOp]:
    """Each string of letters on all places of a chain."""
    found = []
    for string in letters:
        places = range(n) if periodic or len(string) == 1 else range(n - 1)
        found += [term(string, [(q + k) % n for k in range(len(string))], n) for q in places]
    return found


def summed(terms: list[SparsePauliOp]) -> SparsePauliOp:
    return SparsePauliOp.sum(terms)


@pytest.mark.parametrize("n", [3, 4, 5])
@pytest.mark.parametrize(
    ("name", "build", "dimension"),
    [
        ("XX, Z", lambda n: chain(n, "XX", "Z"), lambda n: n * (2 * n - 1)),
        ("XX, YY, Z", lambda n: chain(n, "XX", "YY", "Z"), lambda n: n * (2 * n - 1)),
        ("XX, Z periodic", lambda n: chain(n, "XX", "Z", periodic=True), lambda n: 2 * n * (2 * n - 1)),
        ("XX, YY", lambda n: chain(n, "XX", "YY"), lambda n: n * (n - 1)),
        ("XY", lambda n: chain(n, "XY"), lambda n: n * (n - 1) // 2),
        ("XX, XZ", lambda n: chain(n, "XX", "XZ"), lambda n: (2 * n - 1) * (n - 1)),
        (
            "Heisenberg",
            lambda n: chain(n, "XX", "YY", "ZZ"),
            lambda n: 4 ** (n - 1) - (1 if n % 2 else 4),
        ),
        ("ZZ, X, Z", lambda n: chain(n, "ZZ", "X", "Z"), lambda n: 4**n - 1),
        ("QAOA path", lambda n: [summed(chain(n, "ZZ")), summed(chain(n, "X"))], lambda n: n**2),
        (
            "QAOA cycle",
            lambda n: [summed(chain(n, "ZZ", periodic=True)), summed(chain(n, "X"))],
            lambda n: 3 * n - 1,
        ),
    ],
)
def test_dimension_of_known_algebras(name, build, dimension, n):
    found = lie_algebra(build(n))
    assert found.is_complete
    assert found.dimension == dimension(n)


@pytest.mark.parametrize("n", [3, 4, 5])
def test_qaoa_on_a_cycle_is_a_sum_of_two_u1_and_su2s(n):
    found = lie_algebra([summed(chain(n, "ZZ", periodic=True)), summed(chain(n, "X"))])
    assert found.center == 2
    assert found.ideals == (3,) * (n - 1)
    assert "simple ideals 3 + 3" in found.headline()


def test_free_fermions_on_an_open_chain_are_simple_and_on_a_ring_two_ideals():
    assert lie_algebra(chain(4, "XX", "Z")).ideals == (28,)
    assert lie_algebra(chain(4, "XX", "Z", periodic=True)).ideals == (28, 28)
    # so(4) is no simple algebra
    assert lie_algebra(chain(2, "XX", "Z")).ideals == (3, 3)


@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_variance_of_matchgates_is_one_over_two_n_minus_one(n):
    found = lie_algebra(chain(n, "XX", "Z"))
    mean, variance = found.loss_moments(term("Z", [0], n))
    assert mean == pytest.approx(0, abs=1e-10)
    assert variance == pytest.approx(1 / (2 * n - 1), abs=1e-8)


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_variance_of_qaoa_on_a_cycle_is_the_closed_form(n):
    zz = summed(chain(n, "ZZ", periodic=True))
    mean, variance = lie_algebra([zz, summed(chain(n, "X"))]).loss_moments(zz, "+" * n)
    assert variance == pytest.approx(4 / 3 * (n // 2), abs=1e-7)
    assert mean == pytest.approx(n % 2, abs=1e-7)


@pytest.mark.parametrize(("n", "expected"), [(1, 2 / 9), (2, 8 / 75), (3, 32 / 567)])
def test_gradient_between_two_2_designs_is_the_closed_form(n, expected):
    """d²/[2(d+1)(d²-1)] for a Pauli observable and a rotation about a Pauli."""
    found = lie_algebra(chain(n, "ZZ", "X", "Z"))
    assert found.dimension == 4**n - 1
    assert found.gradient_variance(term("Z", [0], n), term("X", [0], n)) == pytest.approx(expected, abs=1e-8)


def test_predicted_variance_is_what_deep_circuits_show():
    """The ansatz of free fermions; a depth of 24 leaves less than the statistical error."""
    ansatz, n = MatchgateAnsatz(reps=24), 4
    found = lie_algebra(ansatz, num_qubits=n)
    _, variance = found.loss_moments(term("Z", [0], n))
    measured = gradient_variance(ansatz, term("Z", [0], n), num_qubits=n, parameters=[0], num_samples=2000, seed=1)
    assert abs(measured.loss_variance.value - variance) < 4 * measured.loss_variance.standard_error


def test_qaoa_template_agrees_with_its_algebra():
    ansatz, n = QAOAAnsatz(reps=40), 4
    found = lie_algebra(ansatz, num_qubits=n)
    assert found.is_complete
    assert found.dimension < 4**n - 1


def test_fixed_gates_of_a_template_belong_to_its_algebra():
    """The generators alone span n copies of su(2); with the CX gates between them they span everything."""
    ansatz = HardwareEfficientAnsatz()
    alone = lie_algebra(ansatz.generators(3))
    assert (alone.dimension, alone.ideals) == (9, (3, 3, 3))
    assert lie_algebra(ansatz, num_qubits=3).ideals == (63,)
    # real amplitudes: the orthogonal group so(2^n)
    assert lie_algebra(RealAmplitudesAnsatz(), num_qubits=3).ideals == (28,)


@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_deep_hardware_efficient_circuits_are_2_designs(n):
    """1/(2ⁿ+1), the Haar value; the generators without the fixed gates say 1/3."""
    found = lie_algebra(HardwareEfficientAnsatz(), num_qubits=n)
    mean, variance = found.loss_moments(term("Z", [0], n))
    assert (mean, variance) == (0, pytest.approx(1 / (2**n + 1), rel=1e-12))
    if n > 2:
        return
    assert found.gradient_variance(term("Z", [0], 2), term("X", [0], 2)) == pytest.approx(8 / 75, rel=1e-12)


def deep_losses(ansatz, n: int, reps: int, observable: SparsePauliOp, samples: int) -> np.ndarray:
    """Losses of random angles by dense matrices, one gate at a time: no code of the package but the template."""
    circuit = clone(ansatz).set_params(reps=reps).build(n)
    rng = np.random.default_rng(reps)
    states = np.zeros((samples, *[2] * n), dtype=complex)
    states[(slice(None), *[0] * n)] = 1.0
    angles = rng.uniform(0, ansatz.parameter_period, (samples, circuit.num_parameters))
    column = {parameter: k for k, parameter in enumerate(circuit.parameters)}
    for instruction in circuit.data:
        gate = instruction.operation
        axes = [n - circuit.find_bit(q).index for q in instruction.qubits]  # qubit 0 is the last axis
        free = [p for angle in gate.params for p in getattr(angle, "parameters", ())]
        if free:
            power = {"rx": "X", "ry": "Y", "rz": "Z", "rxx": "XX", "rzz": "ZZ"}[gate.name]
            pauli = Pauli(power).to_matrix()
            theta = angles[:, column[free[0]]] * float(gate.params[0].gradient(free[0]))
            matrices = (
                np.cos(theta / 2)[:, None, None] * np.eye(len(pauli)) - 1j * np.sin(theta / 2)[:, None, None] * pauli
            )
        else:
            matrices = np.broadcast_to(Operator(gate).data, (samples, 2 ** len(axes), 2 ** len(axes)))
        front = np.moveaxis(states, axes[::-1], range(1, len(axes) + 1))
        shape = front.shape
        front = np.matmul(matrices, front.reshape(samples, 2 ** len(axes), -1)).reshape(shape)
        states = np.moveaxis(front, range(1, len(axes) + 1), axes[::-1])
    flat = states.reshape(samples, -1)
    return np.real(np.einsum("sa,ab,sb->s", flat.conj(), observable.to_matrix(), flat))


DEEP = {
    "hardware-efficient, CX": (HardwareEfficientAnsatz(), 3),
    "only Z rotations, CX": (HardwareEfficientAnsatz("z"), 3),
    "X rotations, shifted pairs": (HardwareEfficientAnsatz("x", entanglement="sca"), 3),
    "Y rotations, ring of ECR": (HardwareEfficientAnsatz("y", entangler="ecr", entanglement="circular"), 2),
    "ring of CX, Z": (BasicEntanglerAnsatz("z"), 3),
    "rings of growing range": (StronglyEntanglingAnsatz(), 3),
    "free fermions": (MatchgateAnsatz(), 4),
    "circuit 2": (SimAnsatz(2), 3),
    "circuit 9, Hadamards in each layer": (SimAnsatz(9), 3),
    "circuit 12, CZ in two patterns": (SimAnsatz(12), 4),
    "QAOA, its own start": (QAOAAnsatz(), 4),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", DEEP)
def test_deep_circuits_scatter_as_predicted_at_every_number_of_layers(case):
    """Independent simulation at 40 and 41 layers; false alarms of 4.5σ in some 80 comparisons: 0.1 %."""
    ansatz, n = DEEP[case]
    found, checked = lie_algebra(ansatz, num_qubits=n), 0
    ring = SparsePauliOp.from_sparse_list([("ZZ", [q, (q + 1) % n], 1.0) for q in range(n)], num_qubits=n)
    for observable in (term("Z", [0], n), SparsePauliOp("Z" * n), term("X", [0], n), ring):
        try:
            mean, variance = found.loss_moments(observable)
        except UnsupportedCircuitError:
            continue
        checked += 1
        for reps in (40, 41):
            losses = deep_losses(ansatz, n, reps, observable, 300)
            spread = losses.var()
            error = math.sqrt(max(np.mean((losses - losses.mean()) ** 4) - spread**2, 0) / 300)
            assert abs(spread - variance) < 4.5 * error + 1e-9, (observable, reps)
            assert abs(losses.mean() - mean) < 4.5 * math.sqrt(spread / 300) + 1e-9, (observable, reps)
    assert checked or case in ("Y rotations, ring of ECR", "X rotations, shifted pairs")


def test_no_table_takes_the_dimension_for_a_variance():
    """su(8): 1/9 and not 1/63; matchgates: 1/11 and not 1/66; so(2^n): Z is no generator, so nothing is said."""
    full = lie_algebra(chain(3, "ZZ", "X", "Z"))
    assert full.rows()[-1][:2] == ("Deep circuits, Z on qubit 0", "Var C = 0.1111")
    fermions = lie_algebra(MatchgateAnsatz(), num_qubits=6)
    assert fermions.rows()[-1][1] == "Var C = 0.09091"
    assert "observable and the state" in fermions.rows()[-1][2]
    real = lie_algebra(RealAmplitudesAnsatz(), num_qubits=4)
    assert real.rows()[-1][:2] == ("Deep circuits", "not predicted")
    for found in (full, fermions, real):
        assert "1/" not in found.summary()


def test_a_circuit_is_taken_with_its_fixed_gates_and_says_so():
    circuit = HardwareEfficientAnsatz(reps=6).build(3)
    found = lie_algebra(circuit)
    assert found.ideals == (63,)
    assert "one circuit is taken as it is" in found.rows()[-1][2]
    # a CZ after RX(a), in the frame of the observable: X0 becomes X0 Z1; its partner Z1 commutes with it
    small = QuantumCircuit(2)
    small.rx(Parameter("a"), 0)
    small.cz(0, 1)
    small.rz(Parameter("b"), 0)
    algebra = lie_algebra(small)
    assert sorted(algebra.span.strings) == [(0, 1), (1, 2), (1, 3)]
    # C = ⟨Z0⟩ = cos a
    with pytest.raises(ValueError, match="num_qubits is 3"):
        lie_algebra(small, num_qubits=3)


def test_what_the_formulas_do_not_cover_is_refused():
    fixed = QuantumCircuit(1)
    fixed.rx(Parameter("a"), 0)
    fixed.ry(0.3, 0)
    fixed.rx(Parameter("b"), 0)
    with pytest.raises(UnsupportedCircuitError, match="no Clifford gate"):
        lie_algebra(fixed)
    a = Parameter("a")
    shared = QuantumCircuit(1)
    shared.rx(a, 0)
    shared.rz(Parameter("b"), 0)
    shared.rx(a, 0)
    with pytest.raises(UnsupportedCircuitError, match="several places"):
        lie_algebra(shared).loss_moments(Pauli("Z"))
    summed_angle = QuantumCircuit(1)
    summed_angle.rx(a + Parameter("b"), 0)
    with pytest.raises(UnsupportedCircuitError, match="sum of several"):
        lie_algebra(summed_angle)
    prepared = RandomPauliAnsatz(reps=2, seed=0)
    assert lie_algebra(prepared, num_qubits=2).rows()[-1][1] == "not predicted"
    with pytest.raises(ValueError, match="3 qubits"):
        lie_algebra(chain(3, "XX", "Z")).loss_moments(term("Z", [0], 3), "00")


def test_large_algebras_are_bounded_below_and_not_taken_apart():
    found = lie_algebra(chain(6, "ZZ", "X", "Z"), max_dimension=500)
    assert not found.is_complete
    assert found.dimension == 500
    assert found.center is None
    assert "at least" in found.headline()
    with pytest.raises(UnsupportedCircuitError, match="too large"):
        found.loss_moments(term("Z", [0], 6))


def test_observables_outside_are_refused():
    with pytest.raises(UnsupportedCircuitError, match="Neither the observable nor the state"):
        lie_algebra(chain(3, "XX", "Z")).loss_moments(term("X", [0], 3))


def test_commuting_generators_are_all_centre():
    found = lie_algebra(chain(3, "Z"))
    assert (found.dimension, found.center, found.ideals) == (3, 3, ())
    mean, variance = found.loss_moments(term("Z", [1], 3))
    assert (mean, variance) == (pytest.approx(1.0), 0)
    assert found.plot().get_ylabel() == "dimension"
    assert math.isclose(found.fraction, 3 / 63)
    assert found.to_dict()["dimension"] == 3
    assert np.isfinite(found.fraction)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="num_qubits is needed"):
        lie_algebra(MatchgateAnsatz())
    with pytest.raises(TypeError, match="list of SparsePauliOp"):
        lie_algebra("XX")
    with pytest.raises(ValueError, match="not Hermitian"):
        lie_algebra([SparsePauliOp("X", 1j)])
    with pytest.raises(ValueError, match="different numbers"):
        lie_algebra([SparsePauliOp("X"), SparsePauliOp("XX")])
    with pytest.raises(ValueError, match="letters 0, 1"):
        lie_algebra(chain(2, "XX", "Z")).loss_moments(term("Z", [0], 2), "ab")
