"""Amplitude encoding: the sample, normalised, is the state."""

import math
from typing import ClassVar, TypeAlias

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterExpression

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import numeric_array, whole_number
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

_Value: TypeAlias = ParameterExpression | float


class AmplitudeFeatureMap(FeatureMap):
    r"""Encode a sample in the amplitudes of a state.

    |φ(x)⟩ = Σ_i a_i |i⟩ / ‖a‖ with a = (c·x, p, …, p), padded by the constant p to a length of 2^q: ⌈log₂ n⌉ qubits, at
    least one. The norm of the sample is lost, unless p ≠ 0: then it sets the angle to the padding, but only if n is not
    a power of two. The zero vector has no state: the circuit then prepares some basis state, while :meth:`amplitudes`
    raises an error.

    The circuit is a tree of multiplexed R_y gates whose angles are expressions in x: 2·arctan √(r/l) with l and r the
    sums of squares to the left and right of a node, and the signs at the leaves. It holds for all real data, zeros
    included, and is an ordinary parametrised circuit for every kernel and primitive. It has O(n²) rotations, which
    merge to O(n) once they are bound. Data should be of the order of 1: Qiskit takes numbers below 2e-16 for zero when
    it binds parameters, and so the squares of numbers below some 1e-8. Derivatives do not exist where x_i = 0.

    There is no version without entanglement: a general vector is no product.

    Counts:
        parameters: n
        two-qubit gates: max(2 ** ceil(log2(n)), 2) - 2
        depth: (4 ** max(ceil(log2(n)), 1) + 2) // 3 - (1 if n < 3 else 0)

    Args:
        padding: The constant p.
        bandwidth: The factor c, one positive number or one for each feature. A single number matters only with padding.

    References:
        Möttönen et al., arXiv:quant-ph/0407010 (multiplexed rotations); Schuld and Killoran, arXiv:1803.07128.

    Examples:
        >>> from qiskit.quantum_info import Statevector
        >>> from qiskit_qml_ext.circuits import AmplitudeFeatureMap
        >>> circuit = AmplitudeFeatureMap().build(3).assign_parameters([3.0, 0.0, -4.0])
        >>> Statevector(circuit).data.real.round(6).tolist()
        [0.6, 0.0, -0.8, 0.0]
    """

    name: ClassVar[str] = "amplitude"
    reference: ClassVar[str] = "arXiv:quant-ph/0407010"
    data_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def __init__(self, *, padding: float = 0.0, bandwidth: Bandwidth = 1.0):
        self.padding = padding
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        num_qubits = self.num_qubits(num_features)
        padding = [self._checked_padding()] * (2**num_qubits - num_features)
        amplitudes: list[_Value] = [*scaled_features(num_features, self.bandwidth), *padding]
        circuit = QuantumCircuit(num_qubits, name="AmplitudeFeatureMap")
        for target in reversed(range(num_qubits)):
            width = 2**target
            blocks = [amplitudes[start : start + 2 * width] for start in range(0, len(amplitudes), 2 * width)]
            angles = [_node_angle(block[:width], block[width:]) for block in blocks]
            _append_multiplexed_ry(circuit, angles, list(range(target + 1, num_qubits)), target)
        return circuit

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits: ⌈log₂ n⌉, at least one."""
        return max(1, (num_features - 1).bit_length())

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of CX gates: 2^k for each multiplexed rotation with k ≥ 1 controls."""
        return int(2 ** self.num_qubits(num_features)) - 2

    def without_entanglement(self) -> "AmplitudeFeatureMap":
        """Raise an error: a general vector of amplitudes has no version without entanglement."""
        raise UnsupportedCircuitError(
            "Amplitude encoding has no version without entanglement, since a general vector is no product state. "
            "Compare with AngleFeatureMap(), which is one."
        )

    def amplitudes(self, samples: FloatArray) -> FloatArray:
        """Return the normalised amplitudes themselves.

        Args:
            samples: The data, shape (num_samples, num_features).

        Returns:
            The states, shape (num_samples, 2**num_qubits).

        Raises:
            ValueError: If the samples are not a matrix of finite numbers, or a padded sample is zero.
        """
        values = np.asarray(numeric_array("samples", samples), dtype=float)
        if values.ndim != 2 or values.shape[1] < 1 or not np.all(np.isfinite(values)):
            raise ValueError(f"samples must be a matrix of finite numbers, but an array of shape {values.shape} came.")
        num_features = values.shape[1]
        states = np.full((len(values), 2 ** self.num_qubits(num_features)), self._checked_padding())
        states[:, :num_features] = values * np.asarray(self.bandwidth, dtype=float)
        norms = np.linalg.norm(states, axis=1, keepdims=True)
        if np.any(norms == 0):
            row = int(np.flatnonzero(norms[:, 0] == 0)[0])
            raise ValueError(
                f"Sample {row} is zero and has no state. Drop it, or set padding to another number than 0."
            )
        return np.asarray(states / norms)

    def _checked_padding(self) -> float:
        if not math.isfinite(self.padding):
            raise ValueError(f"padding must be a finite number, but {self.padding!r} came.")
        return float(self.padding)


def _node_angle(left: list[_Value], right: list[_Value]) -> _Value:
    """Return the R_y angle that splits a node's weight between its two halves; at a leaf, with the signs.

    tan(φ/2) = b/(r+a) for the angle φ of the vector (a, b) of length r with a, b ≥ 0: accurate everywhere, and singular
    only for r = 0, where 1 is added to the denominator (inside an ``abs``, so that no simplification adds it to r + a
    first, which would cost digits of small numbers).
    """
    if len(left) == 1:
        a, b = _abs(left[0]), _abs(right[0])
    else:
        a, b = _sum_of_squares(left) ** 0.5, _sum_of_squares(right) ** 0.5
    norm = _sum_of_squares(left + right)
    half_angle = 2 * _arctan(b / (norm**0.5 + a + _abs(1 - _sign(norm))))
    if len(left) > 1:
        return 2 * half_angle
    # (cos, sin) of the half angle become (s₀ cos φ, s₁ sin φ), with signs s of 1 for amplitudes of 0.
    left_sign, right_sign = _sign(_sign(left[0]) + 0.5), _sign(_sign(right[0]) + 0.5)
    return right_sign * math.pi * (1 - left_sign) + 2 * (left_sign * right_sign) * half_angle


def _sum_of_squares(values: list[_Value]) -> _Value:
    total: _Value = 0.0
    for value in values:
        total = total + value * value
    return total


def _sign(value: _Value) -> _Value:
    return value.sign() if isinstance(value, ParameterExpression) else float(np.sign(value))


def _abs(value: _Value) -> _Value:
    return abs(value)


def _arctan(value: _Value) -> _Value:
    return value.arctan() if isinstance(value, ParameterExpression) else math.atan(value)


def _append_multiplexed_ry(circuit: QuantumCircuit, angles: list[_Value], controls: list[int], target: int) -> None:
    """Append R_y(angles[s]) on the target for every state s of the controls (controls[0] is the lowest bit).

    The rotations and CX gates alternate in the order of a Gray code g: a CX flips the sign of all later rotations, so
    those between the j-th and the next CX act with the sign (-1)^{|s & g_j|}; there R_y(±angles[s]/2^k) stands for
    every s. They are not added up to one rotation, since a sum of so many expressions is very slow to bind; once
    bound, the transpiler merges them.
    """
    number = len(angles)
    for index in range(number):
        gray, next_gray = (j ^ (j >> 1) for j in (index, (index + 1) % number))
        for state, angle in enumerate(angles):
            sign = -1 if (state & gray).bit_count() % 2 else 1
            circuit.ry(sign / number * angle, target)
        if controls:
            circuit.cx(controls[(gray ^ next_gray).bit_length() - 1], target)
