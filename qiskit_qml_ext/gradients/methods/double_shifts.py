"""Second derivatives by shift rules: the points that they take, and how values there become Hessians."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.gradients.methods.free_circuit import FreeCircuit, free_circuit
from qiskit_qml_ext.gradients.methods.shift_rules import ShiftRule, shift_rule

_SAME = 1e-9  # radians: what rounding tells apart is one shift


@dataclass(frozen=True, eq=False)
class DoubleShifts:
    """N points around each of B, and what each counts for the entries of a Hessian."""

    circuit: QuantumCircuit
    """With free angles, without measurements."""
    points: FloatArray = field(repr=False)
    """Free angles in the order of ``circuit.parameters``, shape (B, N, G)."""
    weights: FloatArray = field(repr=False)
    """Shape (B, N, rows, columns)."""

    @property
    def num_points(self) -> int:
        """N."""
        return self.points.shape[1]

    @property
    def rows(self) -> FloatArray:
        """All points, shape (B N, G)."""
        batch, count, angles = self.points.shape
        return self.points.reshape(batch * count, angles)

    def combined(self, values: FloatArray) -> FloatArray:
        """Turn values at the points (B, N, M) into Hessians, shape (B, M, rows, columns)."""
        return np.asarray(np.einsum("bnm,bnkl->bmkl", values, self.weights))

    def combined_errors(self, errors: FloatArray) -> FloatArray:
        """Turn standard errors of independent values (B, N, M) into those of the Hessians."""
        return np.asarray(np.sqrt(np.einsum("bnm,bnkl->bmkl", errors**2, self.weights**2)))


@lru_cache(maxsize=1024)
def second_rule(frequencies: tuple[float, ...]) -> ShiftRule:
    """Return f''(x) = Σ_s coefficients[s] f(x + shifts[s]): the first rule on itself, equal shifts taken together.

    For one frequency it is (f(π) - f(0))/2 of unit spacing; shifts that differ by a whole period are equal where the
    frequencies are multiples of the least.
    """
    first = shift_rule(frequencies)
    shifts = np.add.outer(first.shifts, first.shifts).ravel()
    factors = np.outer(first.coefficients, first.coefficients).ravel()
    multiples = np.array(frequencies) / min(frequencies, default=1.0)
    if len(multiples) and np.allclose(multiples, np.rint(multiples), rtol=0, atol=_SAME):
        period = 2 * np.pi / frequencies[0]
        shifts = shifts - period * np.rint(shifts / period - _SAME)  # half a period stays positive
    kept = np.unique(np.rint(shifts / _SAME), return_index=True, return_inverse=True)
    sums = np.zeros(len(kept[1]))
    np.add.at(sums, kept[2].ravel(), factors)
    used = np.abs(sums) > _SAME * np.max(np.abs(sums), initial=0.0)
    return ShiftRule(shifts[kept[1]][used], sums[used])


def double_shifts(
    circuit: QuantumCircuit, values: FloatArray, rows: Sequence[int], columns: Sequence[int]
) -> DoubleShifts:
    """Return the points that a block of second derivatives takes.

    Args:
        circuit: The user's circuit.
        values: Parameter values, shape (B, P).
        rows: Positions of the parameters of the rows.
        columns: Those of the columns.

    Raises:
        ValueError: An angle has no finite derivative there.
        UnsupportedCircuitError: The circuit cannot be lowered.
    """
    free = free_circuit(circuit)
    angles, slopes = free.angles(values), free.slopes(values)
    if not np.all(np.isfinite(slopes)):
        raise ValueError(
            "values lie where an angle of the circuit has no finite derivative (as arccos has at 1). Move them."
        )
    gathered: dict[tuple[tuple[int, int], ...], tuple[FloatArray, FloatArray]] = {}
    for shift, weight in _terms(free, values, slopes, rows, columns):
        place = tuple((int(angle), round(float(shift[angle]) / _SAME)) for angle in np.flatnonzero(shift))
        before = gathered.get(place)
        gathered[place] = (shift, weight if before is None else before[1] + weight)
    shifts = np.array([shift for shift, _ in gathered.values()]).reshape(len(gathered), angles.shape[1])
    shape = (len(gathered), len(values), len(rows), len(columns))
    weights = np.array([weight for _, weight in gathered.values()]).reshape(shape).swapaxes(0, 1)
    return DoubleShifts(free.circuit, free.in_order(angles[:, None, :] + shifts[None]), weights)


def _terms(
    free: FreeCircuit, values: FloatArray, slopes: FloatArray, rows: Sequence[int], columns: Sequence[int]
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield shifts of all angles (G,) with their weights (B, rows, columns)."""
    down, across = slopes[:, :, list(rows)], slopes[:, :, list(columns)]
    number = slopes.shape[1]
    for one in range(number):
        for other in range(one, number):
            chain = down[:, one, :, None] * across[:, other, None, :]
            if other != one:
                chain = chain + down[:, other, :, None] * across[:, one, None, :]
            if not np.any(chain):
                continue
            for shift, factor in _pair(free, one, other):
                yield shift, factor * chain
    for angle in range(number):
        bend = _curvature_of(free, values, angle)[:, list(rows)][:, :, list(columns)]
        if np.any(bend):
            rule = shift_rule(free.frequencies[angle])
            for by, factor in zip(rule.shifts, rule.coefficients, strict=True):
                yield _shift(number, {angle: by}), factor * bend


def _pair(free: FreeCircuit, one: int, other: int) -> Iterator[tuple[FloatArray, float]]:
    """Yield the shifts and coefficients of D_gh, or D_gg."""
    number = len(free.frequencies)
    if one == other:
        rule = second_rule(free.frequencies[one])
        for by, factor in zip(rule.shifts, rule.coefficients, strict=True):
            yield _shift(number, {one: by}), float(factor)
        return
    first, second = shift_rule(free.frequencies[one]), shift_rule(free.frequencies[other])
    for by, factor in zip(first.shifts, first.coefficients, strict=True):
        for also, share in zip(second.shifts, second.coefficients, strict=True):
            yield _shift(number, {one: by, other: also}), float(factor * share)


def _shift(number: int, by_angle: dict[int, float]) -> FloatArray:
    shift = np.zeros(number)
    for angle, by in by_angle.items():
        shift[angle] = by if abs(by) > _SAME else 0.0
    return shift


def _curvature_of(free: FreeCircuit, values: FloatArray, angle: int) -> FloatArray:
    """∂²φ_g/∂θ_k∂θ_l of one free angle, shape (B, P, P)."""
    weights = np.zeros((len(values), free.angle_map.num_angles))
    weights[:, free.places[angle]] = 1.0
    return free.angle_map.curvature(values, weights)
