r"""The dynamical Lie algebra of an ansatz: its dimension, its simple ideals, and the variance that follows.

If the circuit is deep enough to be a 2-design on its group, and the observable or the state lies in i·g,

    E C = Σ over the centre,    Var C = Σ_j P_j(ρ) P_j(O)/dim g_j,

where j runs over the simple ideals and P_j(A) is the squared norm of the part of A in ideal j, in the inner product
Tr(A B) (Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902). An algebra whose dimension grows
exponentially means a barren plateau for such observables; one that grows polynomially can be simulated classically.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import Ansatz
from qiskit_qml_ext.diagnostics.estimate import Result
from qiskit_qml_ext.diagnostics.lie_closure import Element, Span, bracket, closure, elements_of
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]

_MAX_STRUCTURE = 200  # ideals need the adjoint representation, a dim × dim matrix for each generator
_CONVERGED, _MAX_ITERATIONS = 1e-12, 2000
_SAME = 1e-6  # relative gap between eigenvalues that belong to different ideals; they are random numbers of order 1


@dataclass(frozen=True, repr=False)
class LieAlgebra(Result):
    """The dynamical Lie algebra of a set of generators, from :func:`lie_algebra`."""

    num_qubits: int
    """The number of qubits."""
    dimension: int
    """The dimension of the algebra (a lower bound if it is not complete); the identity does not count."""
    is_complete: bool
    """Whether all nested commutators were found."""
    ideals: tuple[int, ...]
    """The dimensions of the simple ideals, descending; empty if the algebra is too large to be taken apart."""
    center: int | None
    """The dimension of the centre; None if the algebra was not taken apart."""
    num_generators: int
    """The number of generators."""
    span: Span = field(repr=False)
    """The basis of the algebra."""
    projectors: tuple[FloatArray, ...] = field(repr=False)
    """Orthonormal columns in basis coordinates: the centre first, then each ideal."""

    @property
    def fraction(self) -> float:
        """The dimension divided by 4ⁿ - 1, that of all traceless operators."""
        return self.dimension / (4.0**self.num_qubits - 1)

    def headline(self) -> str:
        """Return the finding in one sentence."""
        bound = "" if self.is_complete else "at least "
        parts = ""
        if self.center is not None:
            parts = f": centre {self.center}, simple ideals {' + '.join(map(str, self.ideals)) or 'none'}"
        return f"The Lie algebra has dimension {bound}{self.dimension} of {4**self.num_qubits - 1}{parts}."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return dimension and ideals."""
        share = f"{self.fraction:.2%} of all traceless operators"
        found = [("Dimension", str(self.dimension) + ("" if self.is_complete else " or more"), share)]
        if self.center is not None:
            found.append(("Centre", str(self.center), "conserved quantities that are generators"))
            found.append(("Simple ideals", str(len(self.ideals)), ", ".join(map(str, self.ideals))))
        found.append(
            ("Deep circuits", f"Var C ~ 1/{max(self.ideals, default=self.dimension)}", "for observables inside")
        )
        return found

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the dimensions of the simple ideals."""
        from qiskit_qml_ext.diagnostics.figures import BLUE, new_axes

        axes = new_axes(ax)
        heights = list(self.ideals) or [self.dimension]
        axes.bar([str(k + 1) for k in range(len(heights))], heights, color=BLUE)
        axes.set(xlabel="simple ideal", ylabel="dimension")
        return axes

    def loss_moments(self, observable: SparsePauliOp | Pauli, state: str | None = None) -> tuple[float, float]:
        """Return E C and Var C of circuits deep enough to be 2-designs on the group.

        Args:
            observable: Its identity part only adds to the mean.
            state: The product state of the letters 0, 1, +, -, r, l at which circuits start, qubit 0 rightmost; by
                default all zeros.

        Raises:
            UnsupportedCircuitError: If the algebra was not taken apart, or neither the observable nor the state lies in
                it.
        """
        operator = SparsePauliOp(observable).simplify()
        a, b = self._coordinates(operator, state)
        identity = ~np.any(operator.paulis.x | operator.paulis.z, axis=1)
        mean = float(np.real(operator.coeffs[identity]).sum())
        centre, *ideals = self.projectors
        mean += float((centre.T @ a) @ (centre.T @ b))
        return mean, sum(_norm(q.T @ a) * _norm(q.T @ b) / q.shape[1] for q in ideals)

    def gradient_variance(
        self, observable: SparsePauliOp | Pauli, generator: SparsePauliOp | Pauli, state: str | None = None
    ) -> float:
        """Return Var ∂C by the angle of exp(-iθH/2) between two parts that are 2-designs on the group each.

        Σ_j ‖H_j/2‖²_K P_j(ρ) P_j(O)/dim² g_j with the Killing norm ‖H‖²_K = -Tr(ad_{iH}²).

        Args:
            observable: O.
            generator: H, an element of the algebra.
            state: The product state at which circuits start; see :meth:`loss_moments`.

        Raises:
            UnsupportedCircuitError: See :meth:`loss_moments`.
        """
        a, b = self._coordinates(SparsePauliOp(observable).simplify(), state)
        (element,) = elements_of([SparsePauliOp(generator)]) or [{}]
        adjoint = _adjoint(self.span, element)  # (i/2)[H, ·] is the adjoint action of H/2
        return sum(
            _norm(q.T @ adjoint @ q) * _norm(q.T @ a) * _norm(q.T @ b) / q.shape[1] ** 2 for q in self.projectors[1:]
        )

    def _coordinates(self, operator: SparsePauliOp, state: str | None) -> tuple[FloatArray, FloatArray]:
        """The parts of the observable and of the state inside the algebra, if one of them lies in it."""
        if self.center is None:
            raise UnsupportedCircuitError("The algebra is too large to be taken apart into its ideals.")
        (mine,) = elements_of([operator]) or [{}]
        start = _state_element(state or "0" * self.num_qubits, self.span.strings)
        a, b = self.span.coordinates(mine), self.span.coordinates(start)
        purity = 2.0**self.num_qubits - 1  # squared norm of all Pauli expectations of a pure state but the identity
        inside = math.isclose(_norm(a), sum(c**2 for c in mine.values()), rel_tol=1e-9, abs_tol=1e-12)
        if not inside and not math.isclose(_norm(b), purity, rel_tol=1e-9):
            raise UnsupportedCircuitError(
                "Neither the observable nor the state lies in the Lie algebra, so its dimension does not give the "
                "variance. Use gradient_variance or second_moments."
            )
        return a, b


def _norm(values: FloatArray) -> float:
    """The sum of squares."""
    return float(np.sum(values**2))


@check_arguments()
def lie_algebra(
    ansatz: Ansatz | list[SparsePauliOp],
    *,
    num_qubits: int | None = None,
    max_dimension: int = 4096,
    seed: int | None = 0,
) -> LieAlgebra:
    """Compute the dynamical Lie algebra that the generators of an ansatz span, and take it apart.

    Args:
        ansatz: A template (its own generators are used), or a list of Hermitian generators.
        num_qubits: The width, for a template.
        max_dimension: Where the closure stops.
        seed: Seed of the random elements that separate the ideals; it does not change the result.

    Raises:
        TypeError: If neither a template nor a list of generators came.
        ValueError: If a generator is not Hermitian, or the width is missing.

    References:
        Larocca et al., arXiv:2105.14377; Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902;
        one-dimensional chains: Wiersema et al., arXiv:2309.05690.

    Examples:
        >>> from qiskit_qml_ext.circuits import MatchgateAnsatz
        >>> from qiskit_qml_ext.diagnostics import lie_algebra
        >>> lie_algebra(MatchgateAnsatz(), num_qubits=4).dimension
        28
    """
    generators = _generators(ansatz, num_qubits)
    width = int(generators[0].num_qubits)
    elements = elements_of(generators)
    span, basis, complete = closure(elements, max_dimension)
    ideals: tuple[int, ...] = ()
    center: int | None = None
    projectors: tuple[FloatArray, ...] = ()
    if complete and len(basis) <= _MAX_STRUCTURE:
        projectors = _take_apart(span, elements, np.random.default_rng(seed))
        center = projectors[0].shape[1]
        ideals = tuple(sorted((q.shape[1] for q in projectors[1:]), reverse=True))
    return LieAlgebra(
        num_qubits=width,
        dimension=len(basis),
        is_complete=complete,
        ideals=ideals,
        center=center,
        num_generators=len(generators),
        span=span,
        projectors=projectors,
    )


def _generators(ansatz: Ansatz | list[SparsePauliOp], num_qubits: int | None) -> list[SparsePauliOp]:
    if isinstance(ansatz, Ansatz):
        if num_qubits is None:
            raise ValueError("num_qubits is needed for a template.")
        return ansatz.generators(num_qubits)
    found = list(ansatz) if isinstance(ansatz, (list, tuple)) else []
    if not found or not all(isinstance(generator, (SparsePauliOp, Pauli)) for generator in found):
        raise TypeError(f"expected an ansatz or a list of SparsePauliOp generators, but {type(ansatz).__name__} came.")
    if len({generator.num_qubits for generator in found}) > 1:
        raise ValueError("The generators act on different numbers of qubits.")
    if num_qubits is not None and num_qubits != found[0].num_qubits:
        raise ValueError(f"num_qubits is {num_qubits} but the generators act on {found[0].num_qubits} qubits.")
    return [SparsePauliOp(generator) for generator in found]


def _take_apart(span: Span, generators: list[Element], rng: np.random.Generator) -> tuple[FloatArray, ...]:
    """Orthonormal columns of the centre and of each simple ideal.

    The ideals are the irreducible parts of the adjoint representation, no two of them equivalent. So a random symmetric
    matrix, projected onto those that commute with the representation, is one number on each ideal, and its eigenspaces
    are the ideals.
    """
    adjoint = np.array([_adjoint(span, generator) for generator in generators])
    values, vectors = np.linalg.eigh(np.einsum("gab,gac->bc", adjoint, adjoint))
    central = values < 1e-8 * max(float(values[-1]), 1.0)
    center, rest = vectors[:, central], vectors[:, ~central]
    if rest.shape[1] == 0:
        return (center,)
    random = rng.normal(size=(rest.shape[1], rest.shape[1]))
    commuting = _project(rest.T @ adjoint @ rest, random + random.T)
    values, vectors = np.linalg.eigh((commuting + commuting.T) / 2)
    cuts = np.flatnonzero(np.diff(values) > _SAME * max(float(np.abs(values).max()), 1e-300)) + 1
    return (center, *(np.asarray(rest @ block) for block in np.split(vectors, cuts, axis=1)))


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


def _adjoint(span: Span, generator: Element) -> FloatArray:
    """The matrix of B → (i/2)[H, B] in the basis; antisymmetric."""
    strings = span.strings
    columns = []
    for row in span.vectors:
        element = {strings[c]: float(row[c]) for c in np.flatnonzero(np.abs(row) > 1e-13)}
        columns.append(span.coordinates(bracket(generator, element)))
    return np.array(columns).T


_BLOCH = {
    "0": (0, 0, 1),
    "1": (0, 0, -1),
    "+": (1, 0, 0),
    "-": (-1, 0, 0),
    "r": (0, 1, 0),
    "l": (0, -1, 0),
}


def _state_element(label: str, strings: list[tuple[int, int]]) -> Element:
    """The expectation values of the strings in a product state."""
    unknown = set(label) - set(_BLOCH)
    if unknown:
        raise ValueError(f"A state is made of the letters 0, 1, +, -, r, l, but {label!r} came.")
    found: Element = {}
    for x, z in strings:
        value = 1.0
        for qubit, letter in enumerate(reversed(label)):
            bit_x, bit_z = x >> qubit & 1, z >> qubit & 1
            if bit_x or bit_z:
                value *= _BLOCH[letter][(1 if bit_z else 0) if bit_x else 2]
        if value:
            found[x, z] = value
    return found
