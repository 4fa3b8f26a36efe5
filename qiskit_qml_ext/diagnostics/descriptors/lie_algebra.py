r"""The dynamical Lie algebra of an ansatz: its dimension, its simple ideals, and the variance that follows.

If the circuit is deep enough to be a 2-design on its group, and the observable or the state lies in i·g,

    E C = Σ over the centre,    Var C = Σ_j P_j(ρ) P_j(O)/dim g_j,

where j runs over the simple ideals and P_j(A) is the squared norm of the part of A in ideal j, in the inner product
Tr(A B) (Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902). So the variance depends on the observable
and the state, not on the dimension alone: for su(2ⁿ), of dimension 4ⁿ-1, and a Pauli it is 1/(2ⁿ+1). An algebra whose
dimension grows polynomially can be simulated classically.

Fixed gates between the rotations belong to the group: the generators of templates and circuits are pulled back through
their Clifford gates first (:mod:`~qiskit_qml_ext.diagnostics.descriptors.lie_layers`).
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import Ansatz
from qiskit_qml_ext.diagnostics.descriptors.lie_closure import Element, Span, closure, elements_of, normalised
from qiskit_qml_ext.diagnostics.descriptors.lie_ideals import adjoint_matrix, take_apart
from qiskit_qml_ext.diagnostics.descriptors.lie_layers import (
    Generators,
    generators_of_ansatz,
    generators_of_circuit,
    lies_in,
)
from qiskit_qml_ext.diagnostics.results.result import Result
from qiskit_qml_ext.diagnostics.subject.observables import constant_of
from qiskit_qml_ext.engine.observables import simplified
from qiskit_qml_ext.engine.pauli.frame import CliffordFrame, qubits_of
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_MAX_STRUCTURE = 200  # ideals need the adjoint representation, a dim × dim matrix for each generator
_EQUAL = 1e-9  # relative, of moments that must not depend on the number of layers; rounding is far smaller


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
    assumption: str
    """What is taken for granted about the circuit, in words."""
    refusal: str
    """Why the formulas of 2-designs do not apply; empty if they may."""
    span: Span = field(repr=False)
    """The basis of the algebra."""
    projectors: tuple[FloatArray, ...] = field(repr=False)
    """Orthonormal columns in basis coordinates: the centre first, then each ideal; none if the algebra is that of all
    traceless operators, a single ideal."""
    source: Generators = field(repr=False)
    """The generators, and the states that fixed gates prepare."""

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
        rows = [("Dimension", str(self.dimension) + ("" if self.is_complete else " or more"), share)]
        if self.center is not None:
            rows.append(("Centre", str(self.center), "conserved quantities that are generators"))
            rows.append(("Simple ideals", str(len(self.ideals)), ", ".join(map(str, self.ideals))))
        return rows + self._deep_rows()

    def _deep_rows(self) -> list[tuple[str, str, str]]:
        """The variance of deep circuits for two example observables, where the formula applies."""
        last = self.num_qubits - 1
        examples = {"Z on all qubits": SparsePauliOp("Z" * (last + 1)), "Z on qubit 0": SparsePauliOp("I" * last + "Z")}
        rows, reasons = [], []
        for name, observable in examples.items() if last else [*examples.items()][1:]:
            try:
                _, variance = self.loss_moments(observable)
            except UnsupportedCircuitError as error:
                reasons.append(str(error))
            else:
                meaning = f"it depends on the observable and the state; {self.assumption}"
                rows.append((f"Deep circuits, {name}", f"Var C = {variance:.4g}", meaning))
        return rows or [("Deep circuits", "not predicted", reasons[0])]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the dimensions of the simple ideals."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, new_axes

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
                default all zeros. Fixed gates of a template or circuit act on it, those before its first rotation too.

        Raises:
            UnsupportedCircuitError: If the algebra was not taken apart, neither the observable nor the state lies in
                it, the circuit does not become a 2-design on its group, or its moments depend on the number of layers
                however many there are.
            ValueError: If the state is not a product of these letters, one for each qubit.
        """
        a, unit, starts = self._coordinates(observable, state)
        means, variances = np.array([(self._central(a, b), self._sum(a, b)) for b in starts]).T
        differ = max(np.ptp(means), np.ptp(variances)) > _EQUAL * (1 + np.abs(variances).max())
        means, variances = constant_of(observable) + unit * means, unit**2 * variances
        if differ:
            raise UnsupportedCircuitError(
                f"The fixed gates of a layer carry one ideal into another: Var C lies between {variances.min():.4g} "
                f"and {variances.max():.4g}, E C between {means.min():.4g} and {means.max():.4g}, by the number of "
                "layers. Use gradient_variance or second_moments for the depth that you mean."
            )
        return float(means[0]), float(variances[0])

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
        if self.source.has_fixed_gates and len(self.ideals) > 1:
            raise UnsupportedCircuitError(
                "Fixed gates may carry a generator into another ideal, so the place of the gate matters. "
                "Use gradient_variance or second_moments."
            )
        a, unit, starts = self._coordinates(observable, state)
        (element,) = elements_of([SparsePauliOp(generator)]) or [{}]
        if not element:
            return 0.0
        size = math.hypot(*element.values())
        values = [self._slope(a, b, normalised(element)) for b in starts]
        if np.ptp(values) > _EQUAL * (1 + max(values)):
            raise UnsupportedCircuitError("The variance depends on the number of layers, however many there are.")
        return values[0] * (unit * size) ** 2

    def _slope(self, a: FloatArray, b: FloatArray, element: Element) -> float:
        if not self.projectors:
            # all traceless operators: of the 4ⁿ strings each but the identity anticommutes with half
            size = sum(value**2 for value in element.values()) * 4.0**self.num_qubits / 2
            return size * _norm(a) * _norm(b) / self.dimension**2
        adjoint = adjoint_matrix(self.span, element)  # (i/2)[H, ·] is the adjoint action of H/2
        return sum(
            _norm(q.T @ adjoint @ q) * _norm(q.T @ a) * _norm(q.T @ b) / q.shape[1] ** 2 for q in self.projectors[1:]
        )

    def _sum(self, a: FloatArray, b: FloatArray) -> float:
        """Σ_j P_j(ρ) P_j(O)/dim g_j."""
        if not self.projectors:
            return _norm(a) * _norm(b) / self.dimension
        return sum(_norm(q.T @ a) * _norm(q.T @ b) / q.shape[1] for q in self.projectors[1:])

    def _central(self, a: FloatArray, b: FloatArray) -> float:
        if not self.projectors:
            return 0.0
        centre = self.projectors[0]
        return float((centre.T @ a) @ (centre.T @ b))

    def _coordinates(
        self, observable: SparsePauliOp | Pauli, state: str | None
    ) -> tuple[FloatArray, float, list[FloatArray]]:
        """The parts of the observable and of the prepared states inside the algebra, if one of them lies in it.

        The observable, without its identity part, is divided by its norm, which is the second thing returned.
        """
        operator = simplified(observable)
        if self.refusal:
            raise UnsupportedCircuitError(f"No formula applies: {self.refusal}. Use gradient_variance.")
        if self.center is None:
            raise UnsupportedCircuitError("The algebra is too large to be taken apart into its ideals.")
        if operator.num_qubits != self.num_qubits:
            raise ValueError(f"The observable acts on {operator.num_qubits} qubits, the algebra on {self.num_qubits}.")
        label = state or "0" * self.num_qubits
        if len(label) != self.num_qubits:
            raise ValueError(f"The state {label!r} has {len(label)} letters, but there are {self.num_qubits} qubits.")
        (mine,) = elements_of([operator]) or [{}]
        unit = math.hypot(*mine.values())
        a = self.span.coordinates(normalised(mine))
        starts = [
            self.span.coordinates(_state_element(label, self.span.strings, frame))
            for frame in self.source.starts or (None,)
        ]
        purity = 2.0**self.num_qubits - 1  # squared norm of all Pauli expectations of a pure state but the identity
        inside = not mine or math.isclose(_norm(a), 1.0, rel_tol=1e-9)
        if not inside and not all(math.isclose(_norm(b), purity, rel_tol=1e-9) for b in starts):
            raise UnsupportedCircuitError(
                "Neither the observable nor the state lies in the Lie algebra, so its dimension does not give the "
                "variance. Use gradient_variance or second_moments."
            )
        return a, unit, starts


def _norm(values: FloatArray) -> float:
    """The sum of squares."""
    return float(np.sum(values**2))


@check_arguments()
def lie_algebra(
    circuit: Ansatz | QuantumCircuit | list[SparsePauliOp],
    *,
    num_qubits: int | None = None,
    max_dimension: int = 4096,
    seed: int | None = 0,
) -> LieAlgebra:
    """Compute the dynamical Lie algebra that the generators of an ansatz span, and take it apart.

    Fixed Clifford gates between the rotations belong to the group of a deep circuit. So the generators of a template's
    layer are conjugated by its fixed gates, layer by layer, until another layer adds nothing; a plain circuit, or a
    template without layers to repeat, is taken as a whole. ``assumption`` says which it was.

    Args:
        circuit: A template, a circuit of Clifford gates and rotations, or a list of Hermitian generators (between which
            nothing fixed stands).
        num_qubits: The width, for a template.
        max_dimension: Where the closure stops.
        seed: Seed of the random elements that separate the ideals; it does not change the result.

    Raises:
        TypeError: If none of these came.
        UnsupportedCircuitError: If fixed gates of a template or circuit are not Clifford, or an angle is no multiple of
            one parameter.
        ValueError: If a generator is not Hermitian, or the width is missing or does not fit.

    References:
        Larocca et al., arXiv:2105.14377; Ragone et al., arXiv:2309.09342; Fontana et al., arXiv:2309.07902;
        one-dimensional chains: Wiersema et al., arXiv:2309.05690.

    Examples:
        >>> from qiskit_qml_ext.circuits import MatchgateAnsatz
        >>> from qiskit_qml_ext.diagnostics import lie_algebra
        >>> lie_algebra(MatchgateAnsatz(), num_qubits=4).dimension
        28
    """
    source, width = _generators(circuit, num_qubits, max_dimension)
    span, basis, complete = closure(source.elements, max_dimension)
    ideals: tuple[int, ...] = ()
    center: int | None = None
    projectors: tuple[FloatArray, ...] = ()
    refusal = source.refusal
    if complete and len(basis) == 4**width - 1:
        center, ideals = 0, (len(basis),)
    elif complete and len(basis) <= _MAX_STRUCTURE:
        projectors = take_apart(span, source.elements, np.random.default_rng(seed))
        center = projectors[0].shape[1]
        ideals = tuple(sorted((q.shape[1] for q in projectors[1:]), reverse=True))
    if complete and not all(lies_in(span, element) for element in source.outer):
        refusal = "the first or last rotations of the circuit are not generators of its layers"
    return LieAlgebra(
        num_qubits=width,
        dimension=len(basis),
        is_complete=complete,
        ideals=ideals,
        center=center,
        num_generators=len(source.elements),
        assumption=source.assumption,
        refusal=refusal,
        span=span,
        projectors=projectors,
        source=source,
    )


def _generators(
    ansatz: Ansatz | QuantumCircuit | list[SparsePauliOp], num_qubits: int | None, max_dimension: int
) -> tuple[Generators, int]:
    """The generators and the width."""
    if isinstance(ansatz, Ansatz):
        if num_qubits is None:
            raise ValueError("num_qubits is needed for a template.")
        return generators_of_ansatz(ansatz, num_qubits, max_dimension), num_qubits
    if isinstance(ansatz, QuantumCircuit):
        width, source = int(ansatz.num_qubits), generators_of_circuit(ansatz)
    else:
        listed = list(ansatz) if isinstance(ansatz, (list, tuple)) else []
        if isinstance(ansatz, (list, tuple)) and not listed:
            raise ValueError("The list of generators is empty. Give at least one SparsePauliOp.")
        if not listed or not all(isinstance(generator, (SparsePauliOp, Pauli)) for generator in listed):
            raise TypeError(
                f"ansatz must be an ansatz, a circuit or a list of SparsePauliOp, but a {type(ansatz).__name__} came."
            )
        if len({generator.num_qubits for generator in listed}) > 1:
            raise ValueError("The generators act on different numbers of qubits.")
        width = int(listed[0].num_qubits)
        source = Generators(elements_of([SparsePauliOp(generator) for generator in listed]))
    if num_qubits is not None and num_qubits != width:
        raise ValueError(f"num_qubits is {num_qubits}, but what came acts on {width} qubits.")
    if not source.elements:
        raise ValueError(
            "There are no generators: the circuit has no parameters that turn anything, or all operators of the list "
            "are 0 or multiples of the identity. Give a circuit with parametrised rotations, or other operators."
        )
    return source, width


_BLOCH = {
    "0": (0, 0, 1),
    "1": (0, 0, -1),
    "+": (1, 0, 0),
    "-": (-1, 0, 0),
    "r": (0, 1, 0),
    "l": (0, -1, 0),
}


def _state_element(label: str, strings: list[tuple[int, int]], frame: CliffordFrame | None) -> Element:
    """The expectation values of the strings in the state that fixed gates make of a product state.

    Args:
        label: The product state.
        strings: The strings Q.
        frame: Q ↦ W† Q W for the fixed gates W; None if there are none.
    """
    unknown = set(label) - set(_BLOCH)
    if unknown:
        raise ValueError(f"A state is made of the letters 0, 1, +, -, r, l, but {label!r} came.")
    bloch = [_BLOCH[letter] for letter in reversed(label)]
    element: Element = {}
    for string in strings:
        x, z, sign = (*string, 1) if frame is None else frame.image(*string)
        value = float(sign)
        for qubit in qubits_of(x | z):
            value *= bloch[qubit][(1 if z >> qubit & 1 else 0) if x >> qubit & 1 else 2]
        if value:
            element[string] = value
    return element
