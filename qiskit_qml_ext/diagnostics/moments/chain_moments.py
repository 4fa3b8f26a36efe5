r"""Tiny second moments on a chain: the walk of Pauli strings as a matrix product, without sampling.

The probabilities of the walk's strings after each gate are a vector over {I, X, Y, Z}ⁿ with entries ≥ 0. It starts as
one string, every gate is a stochastic map on one or two neighbouring sites, and the moment is its inner product with
the initial state's. Stored as a matrix product with a bounded bond dimension, it reaches variances of 10⁻³⁰⁰, which no
number of walks does. What the bound leaves out is estimated by halving it.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.diagnostics.moments.program import MomentProgram, RandomRotation, Step, moment_program
from qiskit_qml_ext.diagnostics.moments.walk_jobs import constant_part, cosine_path, pauli_terms
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result, counted, mean_in_words
from qiskit_qml_ext.diagnostics.subject.problem import ObservableFamily, Trainable, pose
from qiskit_qml_ext.diagnostics.subject.shot_noise import in_words, shots_needed
from qiskit_qml_ext.engine.pauli.frame import qubits_of
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import CliffordGate, anticommute, conjugate, inverse_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LETTERS = ((0, 0), (1, 0), (1, 1), (0, 1))  # I, X, Y, Z as (x, z)
_MOST_DECADES = 300  # of a number of shots that a double can hold
_CANCELLED = 1e-14  # of E C²: a smaller variance is what rounding leaves of 0
_RELATIVE_CUT = 1e-14  # singular values below this fraction of the largest are rounding errors


@dataclass(frozen=True, repr=False)
class ChainMoment(Result):
    """The second moment of a loss on a chain, from :func:`chain_second_moment`."""

    num_qubits: int
    """The number of qubits."""
    log10_second_moment: Estimate
    """log₁₀ E C²; the interval is twice the change from half the bond dimension, an estimate and no bound."""
    loss_mean: float
    """E C, exactly."""
    log10_variance: float
    """log₁₀ Var C; -inf if the variance vanishes up to rounding."""
    log10_single_shot_variance: float
    """log₁₀ of σ², the mean variance of one shot: with S shots a loss is read with the variance σ²/S."""
    largest_bond: int
    """The largest bond dimension that was used."""
    max_bond: int
    """The largest that was allowed."""
    distribution: str
    """The distribution of the angles."""

    def shots_for_loss(self) -> float:
        """Return the shots at which the loss varies as much as its noise; inf if it does not vary, or beyond 10³⁰⁰."""
        decades = self.log10_single_shot_variance - self.log10_variance
        return shots_needed(10.0**decades, 1.0) if decades < _MOST_DECADES else math.inf

    def shots_in_words(self) -> str:
        """Return that number as text, however large it is."""
        decades = self.log10_single_shot_variance - self.log10_variance
        if math.isinf(decades) or decades < _MOST_DECADES:
            return in_words(self.shots_for_loss())
        return f"10^{decades:.0f}"

    def headline(self) -> str:
        """Return the finding in one sentence."""
        where = counted(self.num_qubits, "qubit")
        exact = "exactly" if self.largest_bond < self.max_bond else f"± {self.log10_second_moment.standard_error:.2g}"
        return f"{where}: log₁₀ Var C = {self.log10_variance:.4g} ({exact}, bond {self.largest_bond})."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return moment, mean and price."""
        return [
            ("log₁₀ E C²", f"{self.log10_second_moment.value:.5g}", self.log10_second_moment.method),
            ("Mean of the loss", mean_in_words(self.loss_mean), "exact"),
            ("Shots to see the loss vary", self.shots_in_words(), "for the one circuit of a loss"),
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the logarithm of the variance beside that of a 2-design."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, GREY, new_axes

        axes = new_axes(ax)
        deep = -self.num_qubits * math.log10(2)
        axes.barh(["this circuit", "2-design"], [self.log10_variance, deep], color=[BLUE, GREY])
        axes.set(xlabel="log₁₀ of the variance of the loss")
        return axes


@check_arguments()
def chain_second_moment(
    circuit: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    max_bond: int = 32,
) -> ChainMoment:
    """Compute E C² of one Pauli observable for a circuit of gates between neighbours, however small it is.

    Args:
        circuit: As :func:`second_moments` takes it, with gates on one qubit or two neighbouring ones.
        observable: One Pauli string, or a function from the number of qubits to one.
        num_qubits: The width, for all but a plain circuit.
        distribution: An independent distribution symmetric about 0, or uniform on the whole circle (the default).
        max_bond: The largest bond dimension, at least 2. Time grows with its third power.

    Raises:
        UnsupportedCircuitError: If a gate acts on qubits that are no neighbours, or :func:`second_moments` refuses.
        ValueError: If the observable has several terms, or ``max_bond`` is too small.

    Examples:
        >>> from qiskit_qml_ext.circuits import HardwareEfficientAnsatz
        >>> from qiskit_qml_ext.diagnostics import chain_second_moment, global_observable
        >>> ansatz = HardwareEfficientAnsatz(reps=1, entangler="cz", final_rotations=False)
        >>> round(chain_second_moment(ansatz, global_observable, num_qubits=8).log10_variance, 4)
        -2.4082
    """
    problem = pose(circuit, observable, num_qubits=num_qubits, distribution=distribution)
    terms = pauli_terms(problem.observable)
    if reason := why_no_chain(problem.observable):
        raise ValueError(reason)
    ((pauli, coefficient),) = terms.items()
    program = moment_program(problem.circuit, problem.distribution)
    scale, constant = 2 * math.log10(abs(coefficient)), constant_part(problem.observable)
    value, bond = _contract(program, pauli, max_bond)
    error = 0.0
    if bond >= max_bond:
        half, _ = _contract(program, pauli, max_bond // 2)
        error = abs(value - half)
    method = f"matrix product, bond {max_bond} against {max_bond // 2}" if error else f"matrix product, bond {bond}"
    mean = cosine_path(program, pauli, (0.0, 0.0))  # of the Pauli alone, as the value
    square = 10.0**value
    variance = value if mean == 0 else _log10(square - mean**2 if square - mean**2 > _CANCELLED * square else 0.0)
    moment = value + scale
    if constant:
        # far from 0 the error of the logarithm shrinks by the share of what is uncertain
        whole = coefficient**2 * square + 2 * coefficient * mean * constant + constant**2
        moment, error = _log10(whole), error * coefficient**2 * square / whole
    return ChainMoment(
        num_qubits=problem.num_qubits,
        log10_second_moment=Estimate(moment, error, moment - 2 * error, moment + 2 * error, method),
        loss_mean=coefficient * mean + constant,
        log10_variance=variance + scale,
        log10_single_shot_variance=_log10(max(1 - square, 0.0)) + scale,
        largest_bond=bond,
        max_bond=max_bond,
        distribution=repr(problem.distribution),
    )


def why_no_chain(observable: object) -> str | None:
    """Say why :func:`chain_second_moment` does not take an observable that walks take; None if it does."""
    number = len(pauli_terms(observable))
    return None if number == 1 else f"The observable has {number} terms; give one Pauli string at a time."


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else -math.inf


def _contract(program: MomentProgram, pauli: tuple[int, int], max_bond: int) -> tuple[float, int]:
    """log₁₀ of the second moment and the largest bond dimension."""
    chain = _Chain(program.num_qubits, pauli, max_bond)
    for step in reversed(program.steps):
        qubits = step.qubits if isinstance(step, CliffordGate) else qubits_of(step.x | step.z)
        if len(qubits) == 1:
            chain.apply_one(qubits[0], _matrix(step, qubits))
        elif len(qubits) == 2 and abs(qubits[0] - qubits[1]) == 1:
            left = min(qubits)
            chain.apply_two(left, _matrix(step, (left, left + 1)))
        else:
            raise UnsupportedCircuitError(
                f"A gate acts on the qubits {list(qubits)}, but matrix products need single qubits and neighbours on a "
                "chain. Use second_moments."
            )
    return chain.overlap([np.diag(start.moments) for start in program.start]), chain.largest


def _matrix(step: Step, qubits: tuple[int, ...]) -> FloatArray:
    """The stochastic matrix of one gate pulled backwards, [to, from], over its strings (first qubit fastest)."""
    size = 4 ** len(qubits)
    strings = [tuple(_LETTERS[(k >> 2 * place) & 3] for place in range(len(qubits))) for k in range(size)]
    number = {string: k for k, string in enumerate(strings)}
    matrix = np.zeros((size, size))
    for k, string in enumerate(strings):
        x = sum(letter[0] << qubit for letter, qubit in zip(string, qubits, strict=True))
        z = sum(letter[1] << qubit for letter, qubit in zip(string, qubits, strict=True))
        stay, image = 0.0, (x, z)
        if isinstance(step, CliffordGate):
            image = conjugate(inverse_name(step.name), step.qubits, (x, z, 1))[:2]
        elif anticommute(step.x, step.z, x, z):
            image = x ^ step.x, z ^ step.z
            stay = step.cos_squared if isinstance(step, RandomRotation) else float(step.sine == 0)
        moved = tuple((image[0] >> qubit & 1, image[1] >> qubit & 1) for qubit in qubits)
        matrix[k, k] += stay
        matrix[number[moved], k] += 1 - stay
    return matrix


class _Chain:
    """A vector over {I, X, Y, Z}ⁿ as a matrix product with an orthogonality centre.

    Sites between ``_low`` and ``_high`` may be out of orthogonal form, since stochastic maps are no isometries.
    """

    def __init__(self, num_sites: int, pauli: tuple[int, int], max_bond: int) -> None:
        self._sites = []
        for qubit in range(num_sites):
            tensor = np.zeros((1, 4, 1))
            tensor[0, _LETTERS.index((pauli[0] >> qubit & 1, pauli[1] >> qubit & 1)), 0] = 1.0
            self._sites.append(tensor)
        self._low = self._high = self._centre = 0
        self._max_bond, self.largest, self._log = max_bond, 1, 0.0

    def apply_one(self, site: int, matrix: FloatArray) -> None:
        self._sites[site] = np.einsum("ab,lbr->lar", matrix, self._sites[site])
        self._low, self._high = min(self._low, site), max(self._high, site)

    def apply_two(self, left: int, matrix: FloatArray) -> None:
        self._move(left)
        a, b = self._sites[left], self._sites[left + 1]
        rows, columns = a.shape[0], b.shape[2]
        pair = np.tensordot(a, b, axes=(2, 0)).transpose(0, 2, 1, 3).reshape(rows, 16, columns)  # second site slowest
        pair = np.einsum("ab,lbr->lar", matrix, pair).reshape(rows, 4, 4, columns).transpose(0, 2, 1, 3)
        u, s, v = np.linalg.svd(pair.reshape(rows * 4, 4 * columns), full_matrices=False)
        keep = min(self._max_bond, max(int(np.sum(s > _RELATIVE_CUT * s[0])), 1))
        norm = float(np.linalg.norm(s[:keep]))
        self._log += math.log10(norm)
        self.largest = max(self.largest, keep)
        self._sites[left] = u[:, :keep].reshape(rows, 4, keep)
        self._sites[left + 1] = (s[:keep, None] / norm * v[:keep]).reshape(keep, 4, columns)
        self._centre = self._low = self._high = left + 1

    def _move(self, site: int) -> None:
        """Bring all sites into orthogonal form around ``site``."""
        for k in range(min(self._low, self._centre), site):
            tensor = self._sites[k]
            q, r = np.linalg.qr(tensor.reshape(-1, tensor.shape[2]))
            self._sites[k] = q.reshape(tensor.shape[0], 4, -1)
            self._sites[k + 1] = np.tensordot(r, self._sites[k + 1], axes=(1, 0))
        for k in range(max(self._high, self._centre), site, -1):
            tensor = self._sites[k]
            q, r = np.linalg.qr(tensor.reshape(tensor.shape[0], -1).T)
            self._sites[k] = q.T.reshape(-1, 4, tensor.shape[2])
            self._sites[k - 1] = np.tensordot(self._sites[k - 1], r.T, axes=(2, 0))
        self._centre = self._low = self._high = site

    def overlap(self, vectors: list[FloatArray]) -> float:
        """log₁₀ of the inner product with a product of vectors; -inf if it vanishes."""
        row, log = np.ones(1), self._log
        for tensor, vector in zip(self._sites, vectors, strict=True):
            row = row @ np.einsum("lar,a->lr", tensor, vector)
            size = float(np.abs(row).max())
            if size == 0:
                return -math.inf
            row, log = row / size, log + math.log10(size)
        return log + math.log10(row[0]) if row[0] > 0 else -math.inf
