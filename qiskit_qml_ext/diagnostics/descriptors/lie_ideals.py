"""A Lie algebra taken apart into its centre and its simple ideals, by its adjoint representation."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.diagnostics.descriptors.lie_closure import Element, Span, bracket_with, normalised

_CONVERGED, _MAX_ITERATIONS = 1e-12, 2000
_CENTRAL = 1e-8  # of the Casimir operator of an orthonormal basis: of order 1 on each ideal, 0 on the centre
_RANDOM = 8  # random elements; two generic ones generate a semisimple algebra, a few more do so evenly
_NOT_ZERO, _INDEPENDENT = 1e-13, 1e-9  # of normalised elements; the same as in the closure
_SAME = 1e-6  # relative gap between eigenvalues that belong to different ideals; they are random numbers of order 1


def take_apart(span: Span, generators: list[Element], rng: np.random.Generator) -> tuple[FloatArray, ...]:
    """Return orthonormal columns of the centre and of each simple ideal.

    The ideals are the irreducible parts of the adjoint representation, no two of them equivalent. So a random symmetric
    matrix, projected onto those that commute with the representation, is one number on each ideal, and its eigenspaces
    are the ideals. The representation is that of an orthonormal basis of the algebra, of which a few random elements
    generate all but the centre: neither the sizes of the generators nor the angles between them enter.
    """
    basis = _adjoint_basis(span, [normalised(generator) for generator in generators])
    values, vectors = np.linalg.eigh(np.einsum("gab,gac->bc", basis, basis, optimize=True))
    central = values < _CENTRAL * max(float(values[-1]), 1.0)
    center, rest = vectors[:, central], vectors[:, ~central]
    if rest.shape[1] == 0:
        return (center,)
    random = rng.normal(size=(rest.shape[1], rest.shape[1]))
    few = np.tensordot(rng.normal(size=(_RANDOM, len(basis))), basis, axes=1)
    commuting = _project(rest.T @ few @ rest, random + random.T)
    values, vectors = np.linalg.eigh((commuting + commuting.T) / 2)
    cuts = np.flatnonzero(np.diff(values) > _SAME * max(float(np.abs(values).max()), 1e-300)) + 1
    return (center, *(np.asarray(rest @ block) for block in np.split(vectors, cuts, axis=1)))


def _adjoint_basis(span: Span, generators: list[Element]) -> FloatArray:
    """The adjoint matrices of an orthonormal basis, shape (dim, dim, dim), from those of the generators.

    The basis is that of nested commutators: ad is linear, and ad_[g, b] = [ad_g, ad_b].
    """
    size = span.size
    adjoint = np.array([adjoint_matrix(span, generator) for generator in generators])
    rows, matrices, rank = np.zeros((size, size)), np.zeros((size, size * size)), 0

    def add(vector: FloatArray, own: FloatArray, here: FloatArray | None = None) -> None:
        nonlocal rank
        length = float(np.linalg.norm(vector))
        if rank == size or length <= _NOT_ZERO:
            return
        parts = rows[:rank] @ (vector / length)
        rest = vector / length - parts @ rows[:rank]
        again = rows[:rank] @ rest
        rest, parts = rest - again @ rows[:rank], parts + again
        left = float(np.linalg.norm(rest))
        if left > _INDEPENDENT:
            matrix = own if here is None else own @ here - here @ own
            matrices[rank] = (matrix.ravel() / length - parts @ matrices[:rank]) / left
            rows[rank] = rest / left
            rank += 1

    for generator, own in zip(generators, adjoint, strict=True):
        add(span.coordinates(generator), own)
    position = 0
    while position < rank:
        here = matrices[position].reshape(size, size)
        for own in adjoint:
            add(own @ rows[position], own, here)
        position += 1
    return matrices[:rank].reshape(rank, size, size)


def _project(representation: FloatArray, matrix: FloatArray) -> FloatArray:
    """The part of a matrix that commutes with all of a representation, X - L⁺LX with L(X) = -Σ_g [A_g, [A_g, X]].

    L is positive semidefinite for antisymmetric A_g; L Y = L X is solved by conjugate gradients.
    """

    def double_commutator(x: FloatArray) -> FloatArray:
        inner = representation @ x - x @ representation
        return np.asarray(-np.sum(representation @ inner - inner @ representation, axis=0))

    solution = np.zeros_like(matrix)
    residual = double_commutator(matrix)
    direction, size = residual.copy(), float(np.sum(residual**2))
    wanted = _CONVERGED**2 * max(size, 1e-300)
    for _ in range(_MAX_ITERATIONS):
        if size <= wanted:
            break
        image = double_commutator(direction)
        step = size / float(np.sum(direction * image))
        solution += step * direction
        residual -= step * image
        size, before = float(np.sum(residual**2)), size
        direction = residual + (size / before) * direction
    return matrix - solution


def adjoint_matrix(span: Span, generator: Element) -> FloatArray:
    """Return the matrix of B → (i/2)[H, B] in the basis; antisymmetric."""
    strings, act = span.strings, bracket_with(generator)
    columns = []
    for row in span.vectors:
        element = {strings[c]: float(row[c]) for c in np.flatnonzero(np.abs(row) > 1e-13)}
        columns.append(span.coordinates(act(element)))
    return np.array(columns).T
