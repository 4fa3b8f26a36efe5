"""The points at which the shift rules of a circuit take values, and how these become derivatives."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.gradients.methods.free_circuit import free_circuit
from qiskit_qml_ext.gradients.methods.shift_rules import shift_rule


@dataclass(frozen=True, eq=False)
class ShiftedPoints:
    """S points around each of B, the first of them without a shift."""

    circuit: QuantumCircuit
    """With free angles, without measurements."""
    points: FloatArray = field(repr=False)
    """Free angles in the order of ``circuit.parameters``, shape (B, S, G)."""
    weights: FloatArray = field(repr=False)
    """What each point counts for the derivative by each of the D angles that are shifted, shape (D, S)."""
    slopes: FloatArray = field(repr=False)
    """Derivatives of these angles by the chosen parameters, shape (B, D, C)."""
    keeps_gates: bool = True
    """Whether the gates are those of the user's circuit."""

    @property
    def rows(self) -> FloatArray:
        """All points, shape (B S, G)."""
        batch, count, angles = self.points.shape
        return self.points.reshape(batch * count, angles)

    def derivatives(self, values: FloatArray) -> FloatArray:
        """Turn values at the points (B, S, K) into derivatives by the parameters, shape (B, K, C)."""
        by_angle = np.einsum("ds,bsk->bdk", self.weights, values)
        return np.asarray(np.einsum("bdk,bdc->bkc", by_angle, self.slopes), dtype=np.float64)

    def errors(self, errors: FloatArray) -> FloatArray:
        """Turn standard errors at the points (B, S, K) into those of the derivatives by the angles, shape (B, D, K)."""
        return np.asarray(np.sqrt(np.einsum("ds,bsk->bdk", self.weights**2, errors**2)), dtype=np.float64)

    @property
    def shares(self) -> FloatArray:
        """The shots of each point beside equal ones, shape (S,): in each rule as its coefficients, with the same sum.

        The variance Σ c_i² σ²/S_i at a given Σ S_i is least for S_i ∝ |c_i|.
        """
        sizes = np.abs(self.weights)
        terms, total = np.count_nonzero(sizes, axis=1), np.sum(sizes, axis=1)
        shares = np.sum(sizes * (terms / np.where(terms > 0, total, 1.0))[:, None], axis=0)
        return np.where(np.any(sizes > 0, axis=0), shares, 1.0)


def shifted_points(circuit: QuantumCircuit, values: FloatArray, columns: Sequence[int]) -> ShiftedPoints:
    """Return the points that the derivatives by some parameters take.

    Args:
        circuit: The user's circuit.
        values: Parameter values, shape (B, P).
        columns: Positions of the parameters to differentiate by.

    Raises:
        ValueError: An angle has no finite derivative there.
        UnsupportedCircuitError: The circuit cannot be lowered.
    """
    free = free_circuit(circuit)
    angles, slopes = free.angles(values), free.slopes(values)[:, :, list(columns)]
    if not np.all(np.isfinite(slopes)):
        raise ValueError(
            "values lie where an angle of the circuit has no finite derivative (as arccos has at 1). Move them."
        )
    moved = np.flatnonzero(np.any(slopes != 0, axis=(0, 2)))
    rules = [shift_rule(free.frequencies[angle]) for angle in moved]
    starts = np.concatenate([[1], 1 + np.cumsum([rule.num_terms for rule in rules])]).astype(int)
    shifts, weights = np.zeros((starts[-1], angles.shape[1])), np.zeros((len(moved), starts[-1]))
    for place, (angle, rule, start) in enumerate(zip(moved, rules, starts, strict=False)):
        shifts[start : start + rule.num_terms, angle] = rule.shifts
        weights[place, start : start + rule.num_terms] = rule.coefficients
    points = free.in_order(angles[:, None, :] + shifts[None])
    return ShiftedPoints(free.circuit, points, weights, slopes[:, moved], free.keeps_gates)
