"""Angles as functions of the circuit's parameters: vectorised over a batch, differentiated exactly.

An :class:`AngleMap` holds K angles as functions of P parameters in one form: *affine rows over atoms*. The atoms are
the P parameters followed by N nodes; a node is an elementary function (sine, product, power, …) of one or two affine
forms over the atoms before it. An affine map has no nodes. The ZZ feature map's (π - x0)(π - x1) is one product node
of two affine forms. Nodes of one kind whose arguments are known at the same time are evaluated together, so the
number of NumPy calls does not grow with the number of angles or samples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from qiskit_qml_ext.arrays import FloatArray, IntArray

UNARY = ("sin", "cos", "tan", "arcsin", "arccos", "arctan", "exp", "log", "abs", "sign")
BINARY = ("mul", "div", "pow")
FUNCTIONS = (*UNARY, *BINARY)
"""Names of the elementary functions; a node stores the position in this tuple."""


@dataclass(frozen=True)
class AffineRows:
    """K affine forms over A atoms, stored as compressed sparse rows."""

    starts: IntArray
    """Row k owns the entries ``starts[k]:starts[k + 1]``, shape (K + 1,)."""
    atoms: IntArray
    """Atom of each entry."""
    coefficients: FloatArray
    """Coefficient of each entry."""
    offsets: FloatArray
    """Constant term of each row, shape (K,)."""

    @classmethod
    def from_forms(cls, forms: "list[tuple[dict[int, float], float]]") -> "AffineRows":
        """Build the rows from ``(coefficient by atom, constant)`` pairs."""
        starts = np.zeros(len(forms) + 1, dtype=np.int64)
        starts[1:] = np.cumsum([len(terms) for terms, _ in forms])
        atoms = np.array([atom for terms, _ in forms for atom in sorted(terms)], dtype=np.int64)
        coefficients = np.array([terms[atom] for terms, _ in forms for atom in sorted(terms)], dtype=np.float64)
        return cls(starts, atoms, coefficients, np.array([constant for _, constant in forms], dtype=np.float64))

    def __len__(self) -> int:
        return len(self.offsets)

    def row(self, index: int) -> tuple[dict[int, float], float]:
        """Row ``index`` as ``(coefficient by atom, constant)``."""
        entries = slice(self.starts[index], self.starts[index + 1])
        terms = zip(self.atoms[entries].tolist(), self.coefficients[entries].tolist(), strict=True)
        return dict(terms), float(self.offsets[index])

    def matrix(self, first: int, last: int, num_atoms: int) -> csr_matrix:
        """The linear part of rows ``first:last`` as a sparse matrix of shape (last - first, num_atoms)."""
        entries = slice(self.starts[first], self.starts[last])
        starts = self.starts[first : last + 1] - self.starts[first]
        shape = (last - first, num_atoms)
        return csr_matrix((self.coefficients[entries], self.atoms[entries], starts), shape=shape)


@dataclass(frozen=True)
class AngleMap:
    """K angles in radians as functions of P parameters."""

    num_parameters: int
    """P."""
    functions: IntArray
    """For each node the position of its function in :data:`FUNCTIONS`, shape (N,)."""
    left: AffineRows
    """First arguments of the nodes."""
    right: AffineRows
    """Second arguments of the nodes (zero rows for functions of one argument)."""
    rows: AffineRows
    """The K angles as affine forms over the P + N atoms."""

    @property
    def num_angles(self) -> int:
        """K."""
        return len(self.rows)

    @property
    def num_atoms(self) -> int:
        """P + N."""
        return self.num_parameters + len(self.functions)

    @property
    def is_affine(self) -> bool:
        """Whether every angle is an affine function of the parameters."""
        return len(self.functions) == 0

    @cached_property
    def _groups(self) -> "list[_Group]":
        """Runs of nodes with the same function whose arguments are all known before the run starts."""
        groups: list[_Group] = []
        first = 0
        for node in range(1, len(self.functions) + 1):
            if node < len(self.functions) and self.functions[node] == self.functions[first]:
                used = [
                    *self.left.atoms[self.left.starts[node] : self.left.starts[node + 1]],
                    *self.right.atoms[self.right.starts[node] : self.right.starts[node + 1]],
                ]
                if max(used, default=0) < self.num_parameters + first:
                    continue
            groups.append(_Group(self, first, node))
            first = node
        return groups

    @cached_property
    def _matrix(self) -> csr_matrix:
        return self.rows.matrix(0, self.num_angles, self.num_atoms)

    def evaluate(self, values: npt.ArrayLike) -> FloatArray:
        """The angles for a batch of parameter values.

        Args:
            values: Parameter values, shape (B, P).

        Returns:
            Angles in radians, shape (B, K). Outside the domain of an expression (arccos of 2, log of -1) they are NaN.

        Raises:
            ValueError: ``values`` does not have the shape (B, P).
        """
        atoms = self._evaluate_atoms(self._check(values))
        return np.ascontiguousarray((self._matrix @ atoms).T + self.rows.offsets)

    def vjp(self, values: npt.ArrayLike, cotangents: npt.ArrayLike) -> FloatArray:
        """Pull cotangents of the angles back to the parameters: Σ_k cotangents[b, k] ∂angle_k/∂parameter_p at sample b.

        Args:
            values: Parameter values, shape (B, P).
            cotangents: Derivatives of some scalar by the angles, shape (B, K).

        Returns:
            Derivatives of that scalar by the parameters, shape (B, P).

        Raises:
            ValueError: A shape does not fit.
        """
        checked = self._check(values)
        weights = np.asarray(cotangents, dtype=np.float64)
        if weights.shape != (len(checked), self.num_angles):
            raise ValueError(
                f"cotangents must have the shape {(len(checked), self.num_angles)} = (B, K), but {weights.shape} came."
            )
        result = self._matrix.T @ weights.T
        if self._groups:
            atoms = self._evaluate_atoms(checked)
            for group in reversed(self._groups):
                group.pull_back(atoms, result)
        return np.ascontiguousarray(result[: self.num_parameters].T)

    def jacobian(self, values: npt.ArrayLike) -> FloatArray:
        """The derivatives ∂angle_k/∂parameter_p at each sample.

        Args:
            values: Parameter values, shape (B, P).

        Returns:
            Derivatives, shape (B, K, P).

        Raises:
            ValueError: ``values`` does not have the shape (B, P).
        """
        checked = self._check(values)
        if self.is_affine:
            matrix = np.asarray(self._matrix.todense(), dtype=np.float64)
            return np.ascontiguousarray(np.broadcast_to(matrix, (len(checked), *matrix.shape)))
        repeated = np.repeat(checked, self.num_angles, axis=0)
        cotangents = np.tile(np.eye(self.num_angles), (len(checked), 1))
        return self.vjp(repeated, cotangents).reshape(len(checked), self.num_angles, self.num_parameters)

    def curvature(self, values: npt.ArrayLike, weights: npt.ArrayLike) -> FloatArray:
        """The second derivatives Σ_k weights[b, k] ∂²angle_k/∂parameter_p∂parameter_q at each sample.

        A node y = F(u, v) of affine forms u and v adds w_y (F_uu ∇u∇uᵀ + F_uv (∇u∇vᵀ + ∇v∇uᵀ) + F_vv ∇v∇vᵀ), with w_y
        the derivative of the weighted sum by y: affine forms have no curvature of their own.

        Args:
            values: Parameter values, shape (B, P).
            weights: Weights of the angles, shape (B, K).

        Returns:
            Symmetric matrices, shape (B, P, P).

        Raises:
            ValueError: A shape does not fit.
        """
        checked, weighted = self._check(values), np.asarray(weights, dtype=np.float64)
        if weighted.shape != (len(checked), self.num_angles):
            raise ValueError(
                f"weights must have the shape {(len(checked), self.num_angles)} = (B, K), but {weighted.shape} came."
            )
        result = np.zeros((len(checked), self.num_parameters, self.num_parameters))
        if self.is_affine:
            return result
        atoms = self._evaluate_atoms(checked)
        slopes = np.zeros((self.num_atoms, self.num_parameters, len(checked)))
        slopes[: self.num_parameters] = np.eye(self.num_parameters)[:, :, None]
        for group in self._groups:
            group.push_forward(atoms, slopes)
        cotangents = self._matrix.T @ weighted.T
        for group in reversed(self._groups):
            result += group.curvature(atoms, slopes, cotangents)
            group.pull_back(atoms, cotangents)
        return result

    def _check(self, values: npt.ArrayLike) -> FloatArray:
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != self.num_parameters:
            raise ValueError(
                f"values must have the shape (B, {self.num_parameters}), one column per parameter, "
                f"but {array.shape} came."
            )
        return array

    def _evaluate_atoms(self, values: FloatArray) -> FloatArray:
        atoms = np.empty((self.num_atoms, len(values)))
        atoms[: self.num_parameters] = values.T
        with np.errstate(all="ignore"):  # leaving the domain gives NaN, which the engine reports with its row
            for group in self._groups:
                group.evaluate(atoms)
        return atoms


class _Group:
    """Nodes ``first:last`` of a map: one function of affine forms over earlier atoms, for all of them at once."""

    def __init__(self, angles: AngleMap, first: int, last: int) -> None:
        self.known = angles.num_parameters + first
        self.nodes = slice(self.known, angles.num_parameters + last)
        self.function = FUNCTIONS[angles.functions[first]]
        self.left = angles.left.matrix(first, last, self.known)
        self.left_offsets = angles.left.offsets[first:last, None]
        self.right = angles.right.matrix(first, last, self.known)
        self.right_offsets = angles.right.offsets[first:last, None]

    def evaluate(self, atoms: FloatArray) -> None:
        left = self.left @ atoms[: self.known] + self.left_offsets
        if self.function in UNARY:
            atoms[self.nodes] = getattr(np, self.function)(left)
        else:
            right = self.right @ atoms[: self.known] + self.right_offsets
            atoms[self.nodes] = _BINARY_FUNCTIONS[self.function](left, right)

    def pull_back(self, atoms: FloatArray, cotangents: FloatArray) -> None:
        weight = cotangents[self.nodes]
        by_left, by_right = self._derivatives(atoms)
        with np.errstate(all="ignore"):
            cotangents[: self.known] += self.left.T @ (weight * by_left) + self.right.T @ (weight * by_right)

    def push_forward(self, atoms: FloatArray, slopes: FloatArray) -> None:
        """Fill the slopes of the nodes by the parameters, shape (atoms, P, B)."""
        by_left, by_right = self._derivatives(atoms)
        first, second = self._argument_slopes(slopes)
        slopes[self.nodes] = by_left[:, None] * first + by_right[:, None] * second

    def curvature(self, atoms: FloatArray, slopes: FloatArray, cotangents: FloatArray) -> FloatArray:
        """What the nodes of the group add to the second derivatives, shape (B, P, P)."""
        weight = cotangents[self.nodes]
        left = self.left @ atoms[: self.known] + self.left_offsets
        right = self.right @ atoms[: self.known] + self.right_offsets
        first, second = self._argument_slopes(slopes)
        with np.errstate(all="ignore"):
            if self.function in UNARY:
                both = weight * _UNARY_SECOND_DERIVATIVES[self.function](left)
                return np.asarray(np.einsum("nb,npb,nqb->bpq", both, first, first))
            by_two_left, mixed, by_two_right = _BINARY_SECOND_DERIVATIVES[self.function](left, right)
            result = np.einsum("nb,npb,nqb->bpq", weight * by_two_left, first, first)
            result += np.einsum("nb,npb,nqb->bpq", weight * by_two_right, second, second)
            cross = np.einsum("nb,npb,nqb->bpq", weight * mixed, first, second)
            return np.asarray(result + cross + cross.transpose(0, 2, 1))

    def _derivatives(self, atoms: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The derivatives of the nodes by their arguments, each shape (N, B)."""
        left = self.left @ atoms[: self.known] + self.left_offsets
        with np.errstate(all="ignore"):
            if self.function in UNARY:
                return _UNARY_DERIVATIVES[self.function](left), np.zeros_like(left)
            right = self.right @ atoms[: self.known] + self.right_offsets
            return _BINARY_DERIVATIVES[self.function](left, right)

    def _argument_slopes(self, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The slopes of the arguments by the parameters, each shape (N, P, B)."""
        known = slopes[: self.known].reshape(self.known, -1)
        shape = (-1, *slopes.shape[1:])
        return (self.left @ known).reshape(shape), (self.right @ known).reshape(shape)


_UNARY_DERIVATIVES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "sin": np.cos,
    "cos": lambda a: -np.sin(a),
    "tan": lambda a: 1.0 / np.cos(a) ** 2,
    "arcsin": lambda a: 1.0 / np.sqrt(1.0 - a * a),
    "arccos": lambda a: -1.0 / np.sqrt(1.0 - a * a),
    "arctan": lambda a: 1.0 / (1.0 + a * a),
    "exp": np.exp,
    "log": lambda a: 1.0 / a,
    "abs": np.sign,
    "sign": np.zeros_like,
}
_BINARY_FUNCTIONS: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
}


def _pow_derivatives(base: FloatArray, exponent: FloatArray) -> tuple[FloatArray, FloatArray]:
    by_base = np.where(exponent == 0.0, 0.0, exponent * np.power(base, exponent - 1.0))
    # base**exponent * log(base), with its limit 0 at base 0; a negative base has a constant (integer) exponent
    by_exponent = np.where(base > 0.0, np.power(base, exponent) * np.log(np.where(base > 0.0, base, 1.0)), 0.0)
    return by_base, by_exponent


_BINARY_DERIVATIVES: dict[str, Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]] = {
    "mul": lambda a, b: (b, a),
    "div": lambda a, b: (1.0 / b, -a / (b * b)),
    "pow": _pow_derivatives,
}


def _pow_second_derivatives(base: FloatArray, exponent: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    by_base = np.where(
        exponent * (exponent - 1.0) == 0.0, 0.0, exponent * (exponent - 1.0) * np.power(base, exponent - 2.0)
    )
    positive = base > 0.0  # elsewhere the exponent is a constant integer, and no derivative by it is asked for
    log = np.log(np.where(positive, base, 1.0))
    mixed = np.where(positive, np.power(base, exponent - 1.0) * (1.0 + exponent * log), 0.0)
    return by_base, mixed, np.where(positive, np.power(base, exponent) * log**2, 0.0)


_UNARY_SECOND_DERIVATIVES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "sin": lambda a: -np.sin(a),
    "cos": lambda a: -np.cos(a),
    "tan": lambda a: 2.0 * np.tan(a) / np.cos(a) ** 2,
    "arcsin": lambda a: a / (1.0 - a * a) ** 1.5,
    "arccos": lambda a: -a / (1.0 - a * a) ** 1.5,
    "arctan": lambda a: -2.0 * a / (1.0 + a * a) ** 2,
    "exp": np.exp,
    "log": lambda a: -1.0 / (a * a),
    "abs": np.zeros_like,
    "sign": np.zeros_like,
}
_BINARY_SECOND_DERIVATIVES: dict[str, Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]]] = {
    "mul": lambda a, b: (np.zeros_like(a), np.ones_like(a), np.zeros_like(a)),
    "div": lambda a, b: (np.zeros_like(a), -1.0 / (b * b), 2.0 * a / (b * b * b)),
    "pow": _pow_second_derivatives,
}
