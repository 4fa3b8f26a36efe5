"""Random walks of Pauli strings backwards through a circuit, 64 walks in one machine word.

Row q of ``x`` (``z``) holds, one bit for each walk, whether the walk's string has an X part (Z part) on qubit q. A gate
is a few exclusive-or operations on whole rows, and qubits outside of all light cones cost nothing.
"""

import math
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import BoolArray, FloatArray, UintArray
from qiskit_qml_ext.diagnostics.moments.program import FixedRotation, MomentProgram, RandomRotation
from qiskit_qml_ext.engine.pauli.frame import qubits_of
from qiskit_qml_ext.program import CliffordGate, inverse_name

_BLOCK = 256  # gates whose bits are unpacked at a time


@dataclass(frozen=True, eq=False)
class WalkResult:
    """What one batch of walks found.

    Attributes:
        weights: ⟨Q_final⟩² of each walk on average over the initial state, with noise, shape (M,).
        gradients: Mean over the walks of the squared derivative by each parameter, shape (P,).
        gradient_squares: Mean of its square, for errors, shape (P,).
        totals: The summed squared derivatives by the chosen parameters of each walk, shape (M,).
        reached: Which parameters may change the weight: gates within the light cone, hit by a walk or not, shape (P,).
        certain: Whether no move was drawn by chance: all walks are alike, and more of them would be.
    """

    weights: FloatArray
    gradients: FloatArray
    gradient_squares: FloatArray
    totals: FloatArray
    reached: BoolArray
    certain: bool


def walk(
    program: MomentProgram,
    pauli: tuple[int, int],
    num_walks: int,
    rng: np.random.Generator,
    *,
    forced: frozenset[int] = frozenset(),
    depolarizing: tuple[float, float] = (0.0, 0.0),
    chosen: BoolArray | None = None,
) -> WalkResult:
    """Run walks of one Pauli string.

    Args:
        program: The circuit.
        pauli: The string (x, z) at the end of the circuit.
        num_walks: A multiple of 64.
        rng: Draws the moves.
        forced: Numbers of steps at which no walk moves, for cross terms.
        depolarizing: The probability p of depolarising noise after each gate on one and on more qubits.
        chosen: Which parameters' derivatives count, shape (P,); None for all.
    """
    if chosen is None:
        chosen = np.ones(program.num_parameters, dtype=np.bool_)
    return _Walks(program, pauli, num_walks, rng, forced, depolarizing, chosen).run()


class _Walks:
    def __init__(
        self,
        program: MomentProgram,
        pauli: tuple[int, int],
        num_walks: int,
        rng: np.random.Generator,
        forced: frozenset[int],
        depolarizing: tuple[float, float],
        chosen: BoolArray,
    ) -> None:
        self._program, self._rng, self._forced, self._noise = program, rng, forced, depolarizing
        self._chosen = chosen
        self._reached = np.zeros(program.num_parameters, dtype=np.bool_)
        self._certain = True
        self._size, self._words = num_walks, num_walks // 64
        full = np.uint64(0xFFFFFFFFFFFFFFFF)
        self._x = np.zeros((program.num_qubits, self._words), dtype=np.uint64)
        self._z = np.zeros_like(self._x)
        self._active = [False] * program.num_qubits
        for qubit in range(program.num_qubits):
            if pauli[0] >> qubit & 1:
                self._x[qubit] = full
            if pauli[1] >> qubit & 1:
                self._z[qubit] = full
            self._active[qubit] = bool((pauli[0] | pauli[1]) >> qubit & 1)
        self._damping = np.ones(num_walks)
        self._met: list[tuple[RandomRotation, UintArray, UintArray]] = []

    def run(self) -> WalkResult:
        for number in range(len(self._program.steps) - 1, -1, -1):
            step = self._program.steps[number]
            qubits = step.qubits if isinstance(step, CliffordGate) else qubits_of(step.x | step.z)
            if not any(self._active[qubit] for qubit in qubits):
                continue
            self._depolarise(qubits)
            if isinstance(step, CliffordGate):
                self._clifford(step)
            else:
                self._rotate(step, qubits, number in self._forced)
        weights, factors = self._start()
        weights = weights * self._damping
        return self._collect(weights, factors)

    def _depolarise(self, qubits: tuple[int, ...]) -> None:
        probability = self._noise[0] if len(qubits) == 1 else self._noise[1]
        if probability > 0:
            some = np.bitwise_or.reduce([self._x[q] | self._z[q] for q in qubits])
            self._damping *= np.where(_bits(some[None])[0], (1 - probability) ** 2, 1.0)

    def _rotate(self, step: RandomRotation | FixedRotation, qubits: tuple[int, ...], forced: bool) -> None:
        if isinstance(step, RandomRotation) and not forced:
            self._reached[step.parameter] = True
        anti = np.zeros(self._words, dtype=np.uint64)
        for qubit in qubits:
            if step.x >> qubit & 1:
                anti ^= self._z[qubit]
            if step.z >> qubit & 1:
                anti ^= self._x[qubit]
        if not anti.any():
            return
        if isinstance(step, FixedRotation):
            move = anti if step.sine else np.zeros_like(anti)
        elif forced:
            return
        else:
            self._certain = False
            move = anti & self._coins(1 - step.cos_squared)
            self._met.append((step, anti, move))
        for qubit in qubits:
            if step.x >> qubit & 1:
                self._x[qubit] ^= move
            if step.z >> qubit & 1:
                self._z[qubit] ^= move
            self._active[qubit] = True

    def _coins(self, probability: float) -> UintArray:
        if abs(probability - 0.5) < 1e-15:
            return self._rng.integers(0, 2**64, self._words, dtype=np.uint64)
        return np.packbits(self._rng.random(self._size) < probability).view(np.uint64)

    def _clifford(self, gate: CliffordGate) -> None:
        """Conjugate by the inverse of the gate, G† Q G; signs do not matter for squares."""
        x, z = self._x, self._z
        a = gate.qubits[0]
        if len(gate.qubits) == 1:
            name = inverse_name(gate.name)
            if name == "h":
                x[a], z[a] = z[a].copy(), x[a].copy()
            elif name in ("s", "sdg"):
                z[a] ^= x[a]
            elif name in ("sx", "sxdg"):
                x[a] ^= z[a]
            return
        b = gate.qubits[1]
        if gate.name == "cx":
            x[b] ^= x[a]
            z[a] ^= z[b]
        elif gate.name == "cz":
            z[a] ^= x[b]
            z[b] ^= x[a]
        else:
            x[[a, b]], z[[a, b]] = x[[b, a]], z[[b, a]]
        self._active[a] = self._active[b] = True

    def _start(self) -> tuple[FloatArray, dict[int, FloatArray]]:
        """The weight of each walk on the initial product state, and what derivatives of that state make of it."""
        weights = np.ones(self._size)
        factors: dict[int, FloatArray] = {}
        for qubit, active in enumerate(self._active):
            if not active:
                continue
            start = self._program.start[qubit]
            # I, X, Y, Z have the indices 0, 1, 2, 3
            x, z = _bits(self._x[qubit][None])[0], _bits(self._z[qubit][None])[0]
            letters = np.where(z, np.where(x, 2, 3), np.where(x, 1, 0))
            diagonal = np.diag(start.moments)
            weights *= diagonal[letters]
            for parameter, matrix in start.derivatives.items():
                self._reached[parameter] = True
                changed = np.diag(matrix)
                # where the moment vanishes its derivative does too
                share = np.where(diagonal > 0, changed / np.where(diagonal > 0, diagonal, 1.0), 0.0)
                share[0] = 0.0
                factors[parameter] = share[letters]
        return weights, factors

    def _collect(self, weights: FloatArray, factors: dict[int, FloatArray]) -> WalkResult:
        gradients = np.zeros(self._program.num_parameters)
        squares = np.zeros_like(gradients)
        totals = np.zeros(self._size)
        for parameter, factor in factors.items():
            values = factor * weights
            gradients[parameter] += values.mean()
            squares[parameter] += np.mean(values**2)
            if self._chosen[parameter]:
                totals += values
        met = [one for one in self._met if self._chosen[one[0].parameter]]
        for first in range(0, len(met), _BLOCK):
            block = met[first : first + _BLOCK]
            stay = _bits(np.array([anti & ~move for _, anti, move in block])).astype(np.float64)
            move = _bits(np.array([move for _, _, move in block])).astype(np.float64)
            up = np.array([_ratio(step.cos_squared, 1 - step.cos_squared) * step.factor**2 for step, _, _ in block])
            down = np.array([_ratio(1 - step.cos_squared, step.cos_squared) * step.factor**2 for step, _, _ in block])
            stayed, moved = stay @ weights / self._size, move @ weights / self._size
            stayed_2, moved_2 = stay @ weights**2 / self._size, move @ weights**2 / self._size
            parameters = [step.parameter for step, _, _ in block]
            gradients[parameters] += down * stayed + up * moved
            squares[parameters] += down**2 * stayed_2 + up**2 * moved_2
            totals += (down @ stay + up @ move) * weights
        return WalkResult(weights, gradients, squares, totals, self._reached, self._certain)


def derivative_bounds(program: MomentProgram) -> FloatArray:
    """The most that one walk can contribute to the squared derivative by each parameter, shape (P,).

    Infinite for angles that are certain up to rounding (E cos² of 0 or 1), whose other value no walk ever takes.
    """
    bounds = np.zeros(program.num_parameters)
    for start in program.start:
        for parameter, matrix in start.derivatives.items():
            bounds[parameter] = float(np.max(np.diag(matrix)))
    for step in program.steps:
        if isinstance(step, RandomRotation):
            rare = min(step.cos_squared, 1 - step.cos_squared)
            bounds[step.parameter] = math.inf if rare <= 0 else step.factor**2 * (1 - rare) / rare
    return bounds


def slope_factors(program: MomentProgram) -> FloatArray:
    """The coefficient of each parameter in its angle, squared, shape (P,): no (∂C)² is larger than it times ‖O‖²."""
    factors = np.zeros(program.num_parameters)
    for step in program.steps:
        if isinstance(step, RandomRotation):
            factors[step.parameter] = step.factor**2
    for start in program.start:
        for parameter, factor in start.factors.items():
            factors[parameter] = factor**2
    return factors


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else 0.0


def _bits(words: UintArray) -> BoolArray:
    """The bits of rows of words, shape (rows, 64 · words), in the order that ``np.packbits`` uses."""
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1).astype(np.bool_)
