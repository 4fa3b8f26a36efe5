r"""The span of all nested commutators of Hermitian generators, as real combinations of Pauli strings.

With P_a, P_b anticommuting, i[P_a, P_b] = 2i P_a P_b is Hermitian again; so i times the algebra is a real vector space
with the bracket i[A, B], and each element is a sparse real vector over Pauli strings. Nested commutators with the
generators alone span everything. Generators that are single Pauli strings give single strings, which is fast.
"""

import math
from collections.abc import Callable

import numpy as np
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine.observables import simplified
from qiskit_qml_ext.program import anticommute, multiply

Element = dict[tuple[int, int], float]

_NOTHING = 1e-13  # relative to the factors of a bracket: what rounding leaves of terms that cancel
_HERMITIAN = 1e-12  # relative to the largest coefficient: imaginary parts that rounding leaves
_MOST = 0.7  # of a vector: if so much is new, one pass of Gram-Schmidt leaves it orthogonal up to rounding
_INDEPENDENT = 1e-9  # of a normalised vector, after two passes of Gram-Schmidt whose errors are about 1e-15


def elements_of(generators: list[SparsePauliOp]) -> list[Element]:
    """Return the generators without their identity part, as real vectors over Pauli strings (x, z).

    Raises:
        ValueError: If one is not Hermitian, or a coefficient is no finite number.
    """
    elements = []
    for generator in generators:
        if not np.all(np.isfinite(np.asarray(generator.coeffs, dtype=np.complex128))):
            raise ValueError("A generator has an infinite coefficient or one that is not a number.")
        operator = simplified(generator)
        largest = float(np.abs(operator.coeffs).max(initial=0.0))
        if np.abs(np.imag(operator.coeffs)).max(initial=0.0) > _HERMITIAN * largest:
            raise ValueError("A generator is not Hermitian: it has complex coefficients.")
        element: Element = {}
        for pauli, coefficient in zip(operator.paulis, operator.coeffs, strict=True):
            x = sum(1 << int(q) for q in np.flatnonzero(pauli.x))
            z = sum(1 << int(q) for q in np.flatnonzero(pauli.z))
            if (x or z) and coefficient != 0:
                element[x, z] = float(np.real(coefficient))
        if element:
            elements.append(element)
    return elements


def normalised(element: Element) -> Element:
    """Return an element divided by its norm: the algebra does not depend on the units of its generators."""
    norm = math.hypot(*element.values())
    return {key: value / norm for key, value in element.items()}


def bracket(a: Element, b: Element) -> Element:
    """Return (i/2)[A, B]."""
    result: Element = {}
    for (xa, za), ca in a.items():
        for (xb, zb), cb in b.items():
            if anticommute(xa, za, xb, zb):
                x, z, power = multiply((xa, za, 1), (xb, zb, 1))
                result[x, z] = result.get((x, z), 0.0) + ca * cb * (1 - (power + 1) % 4)
    smallest = _NOTHING * max(map(abs, a.values()), default=0.0) * max(map(abs, b.values()), default=0.0)
    return {key: value for key, value in result.items() if abs(value) > smallest}


def bracket_with(generator: Element) -> Callable[[Element], Element]:
    """Return the map B → (i/2)[H, B]; what it makes of each Pauli string is worked out once and kept."""
    images: dict[tuple[int, int], list[tuple[tuple[int, int], float]]] = {}
    largest = max(map(abs, generator.values()), default=0.0)

    def act(element: Element) -> Element:
        result: Element = {}
        for string, value in element.items():
            if string not in images:
                images[string] = list(bracket(generator, {string: 1.0}).items())
            for key, factor in images[string]:
                result[key] = result.get(key, 0.0) + factor * value
        smallest = _NOTHING * largest * max(map(abs, element.values()), default=0.0)
        return {key: value for key, value in result.items() if abs(value) > smallest}

    return act


class Span:
    """A growing orthonormal basis of a space of elements."""

    def __init__(self) -> None:
        self._column: dict[tuple[int, int], int] = {}
        self._rows = np.zeros((16, 64))
        self.size = 0

    @property
    def vectors(self) -> FloatArray:
        """The basis, orthonormal rows over the strings of :attr:`strings`."""
        return self._rows[: self.size, : len(self._column)]

    @property
    def strings(self) -> list[tuple[int, int]]:
        """The Pauli strings of the columns."""
        return list(self._column)

    def coordinates(self, element: Element) -> FloatArray:
        """The components of an element along the basis."""
        known = {self._column[key]: value for key, value in element.items() if key in self._column}
        if not known:
            return np.zeros(self.size)
        return np.asarray(self.vectors[:, list(known)] @ np.array(list(known.values())))

    def add(self, element: Element) -> Element | None:
        """Add the part of an element that is new, normalised; None if there is none."""
        if not any(element.values()):
            return None
        element = normalised(element)
        for key in element:
            self._column.setdefault(key, len(self._column))
        self._grow()
        width = len(self._column)
        vector = np.zeros(width)
        for key, value in element.items():
            vector[self._column[key]] = value
        rows = self.vectors
        length = 1.0
        for _ in range(2):
            before = length
            vector -= (rows @ vector) @ rows
            length = float(np.linalg.norm(vector))
            if length < _INDEPENDENT or length > _MOST * before:
                break  # nothing new, or so much that a second pass would change rounding only
        if length < _INDEPENDENT:
            return None
        self._rows[self.size, :width] = vector / length
        self.size += 1
        row, strings = self._rows[self.size - 1, :width], self.strings
        return {strings[c]: float(row[c]) for c in np.flatnonzero(np.abs(row) > 1e-13)}

    def _grow(self) -> None:
        rows, columns = self._rows.shape
        if self.size >= rows or len(self._column) > columns:
            bigger = np.zeros((max(2 * self.size, rows), max(2 * len(self._column), columns)))
            bigger[:rows, :columns] = self._rows
            self._rows = bigger


def closure(generators: list[Element], max_dimension: int) -> tuple[Span, list[Element], bool]:
    """Return the span of all nested commutators, its basis elements, and whether it is complete.

    Args:
        generators: The generators, none of them zero; their sizes do not matter.
        max_dimension: Where to stop; the result is then a lower bound.
    """
    if all(len(generator) == 1 for generator in generators):
        return _string_closure(generators, max_dimension)
    span, basis = Span(), []
    generators = [normalised(generator) for generator in generators]
    for generator in generators:
        new = span.add(generator)
        if new is not None:
            basis.append(new)
    position = 0
    actions = [bracket_with(generator) for generator in generators]
    while position < len(basis):
        for act in actions:
            new = span.add(act(basis[position]))
            if new is not None:
                basis.append(new)
                if len(basis) >= max_dimension:
                    return span, basis, False
        position += 1
    return span, basis, True


def _string_closure(generators: list[Element], max_dimension: int) -> tuple[Span, list[Element], bool]:
    strings = list(dict.fromkeys(next(iter(generator)) for generator in generators))
    seeds, seen, position, complete = list(strings), set(strings), 0, True
    while position < len(strings) and complete:
        x, z = strings[position]
        for other_x, other_z in seeds:
            if anticommute(x, z, other_x, other_z):
                product = (x ^ other_x, z ^ other_z)
                if product not in seen:
                    seen.add(product)
                    strings.append(product)
                    if len(strings) >= max_dimension:
                        complete = False
                        break
        position += 1
    span = Span()
    elements: list[Element] = [{string: 1.0} for string in strings]
    span._column = {string: place for place, string in enumerate(strings)}
    if len(strings) <= 4096:
        span._rows, span.size = np.eye(len(strings)), len(strings)
    return span, elements, complete
