"""Dimensions of known algebras, and the variances that follow from them against simulated circuits."""

import math

import matplotlib as mpl
import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.circuits import HardwareEfficientAnsatz, MatchgateAnsatz, QAOAAnsatz
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


def test_hardware_efficient_generators_alone_miss_the_fixed_gates():
    assert lie_algebra(HardwareEfficientAnsatz(), num_qubits=3).dimension == 9


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
