"""The algebra, its ideals and the variances that follow do not depend on the units of generators and observables."""

import numpy as np
import pytest
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, SparsePauliOp

from qiskit_qml_ext.diagnostics import lie_algebra

P = SparsePauliOp
PAIR = [P("XI"), P("ZI")]
SYMPLECTIC = [P(["XI", "IX"]), P("ZI"), P("ZZ")]
ISING = [P(["ZZI", "IZZ"]), P(["XII", "IXI", "IIX"])]
UNEVEN = [P(["ZI", "IZ"], [1.0, 1e-5]), P("IX")]
"""The bracket of the two is small, and so is the rotation of X that it generates."""


def dense_parts(generators: list[SparsePauliOp]) -> tuple[int, int]:
    """Dimension and centre, from dense matrices: the centre is what the whole algebra commutes with."""
    basis: list[NDArray[np.complex128]] = []

    def add(matrix: NDArray[np.complex128]) -> None:
        if np.linalg.norm(matrix) < 1e-12:
            return
        matrix = matrix / np.linalg.norm(matrix)
        for _ in range(2):
            for known in basis:
                matrix = matrix - np.real(np.vdot(known, matrix)) * known
        if np.linalg.norm(matrix) > 1e-8:
            basis.append(matrix / np.linalg.norm(matrix))

    for generator in generators:
        add(Operator(generator).data / np.linalg.norm(Operator(generator).data))
    place = 0
    while place < len(basis):
        for other in basis[: place + 1].copy():
            add(1j * (basis[place] @ other - other @ basis[place]))
        place += 1
    commutators = np.array([[(a @ b - b @ a).ravel() for a in basis] for b in basis])
    stacked = commutators.transpose(0, 2, 1).reshape(-1, len(basis))
    return len(basis), len(basis) - int(np.linalg.matrix_rank(stacked, tol=1e-6))


@pytest.mark.parametrize(
    ("generators", "center", "ideals"),
    [(PAIR, 0, (3,)), (SYMPLECTIC, 0, (10,)), (ISING, 1, (8,)), (UNEVEN, 1, (3,))],
)
@pytest.mark.parametrize("scales", [(1.0, 1.0, 1.0), (1e-4, 1.0, 1.0), (1e-6,) * 3, (1e-2, 1e2, 1.0), (1e6, 1e6, 1.0)])
def test_scaling_of_generators_changes_neither_centre_nor_ideals(
    generators: list[SparsePauliOp], center: int, ideals: tuple[int, ...], scales: tuple[float, ...]
) -> None:
    dimension, dense_center = dense_parts(generators)
    found = lie_algebra([scale * generator for scale, generator in zip(scales, generators, strict=False)])
    assert dense_center == center
    assert (found.dimension, found.center, found.ideals) == (dimension, center, ideals)
    assert sum(ideals) == dimension - center


@pytest.mark.parametrize("scales", [(1e-20, 1.0, 1.0), (1e-2, 1e2, 1.0), (1e12, 1e6, 1e-6)])
def test_loss_moments_scale_with_the_observable_alone(scales: tuple[float, ...]) -> None:
    observable = P(["II", "ZI"], [0.25, 1.0])
    reference = lie_algebra(SYMPLECTIC).loss_moments(observable)
    scaled = lie_algebra([scale * generator for scale, generator in zip(scales, SYMPLECTIC, strict=True)])
    np.testing.assert_allclose(scaled.loss_moments(observable), reference, rtol=1e-9)
    for unit in (1e-12, 1e12):
        mean, variance = scaled.loss_moments(unit * observable)
        np.testing.assert_allclose((mean / unit, variance / unit**2), reference, rtol=1e-9)


def test_variance_of_sp_4_is_that_of_its_purities() -> None:
    """One ideal of 10: Var C = P(ρ) P(O)/10, the purities counted by hand over the strings of the basis."""
    found = lie_algebra([1e-3 * SYMPLECTIC[0], 1e4 * SYMPLECTIC[1], SYMPLECTIC[2]])
    state = np.zeros(4)
    state[0] = 1.0
    basis = [
        sum(
            v * Operator(P.from_sparse_list([(_letters(x, z), [0, 1], 1.0)], 2)).data
            for v, (x, z) in zip(row, found.span.strings, strict=True)
        )
        for row in found.span.vectors
    ]
    purity = sum(float(np.real(state @ b @ state)) ** 2 for b in basis)
    assert found.loss_moments(P("ZI"))[1] == pytest.approx(purity / 10)


def _letters(x: int, z: int) -> str:
    return "".join("IXZY"[(x >> q & 1) + 2 * (z >> q & 1)] for q in (0, 1))


@pytest.mark.parametrize("nothing", [[P("II")], [P("X", [0.0])], QuantumCircuit(2)])
def test_no_generators_are_refused_in_words(nothing: object) -> None:
    with pytest.raises(ValueError, match="no generators"):
        lie_algebra(nothing)  # type: ignore[arg-type]


def test_an_empty_list_and_infinite_coefficients_are_named() -> None:
    with pytest.raises(ValueError, match="list of generators is empty"):
        lie_algebra([])
    infinite = P("X")
    infinite.coeffs[0] = np.inf
    with pytest.raises(ValueError, match="infinite"):
        lie_algebra([infinite])
