"""Which frequencies of its data a quantum model can express, and with which weights."""

import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.checks import at_least, check_arguments
from qiskit_qml_ext.circuits import InitialDistribution, UniformDistribution, data_and_weights
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result
from qiskit_qml_ext.diagnostics.statistics.intervals import mean_estimates
from qiskit_qml_ext.diagnostics.subject.problem import (
    ObservableFamily,
    build_observable,
)
from qiskit_qml_ext.engine import Observable, expectations
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import RotationProgram, lower

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_FREQUENCIES = 4096
_SAME = 1e-9  # frequencies closer than this are one


@dataclass(frozen=True, repr=False)
class FourierSpectrum(Result):
    """The Fourier series of a model in one of its features, from :func:`fourier_spectrum`."""

    feature: str
    """The feature."""
    frequencies: tuple[float, ...]
    """The frequencies ω ≥ 0 that can occur in f(x) = Σ c_ω e^{iωx}; -ω has the conjugate coefficient."""
    multiplicities: tuple[int, ...]
    """How many pairs of eigenvalues of the encoding have this difference."""
    powers: tuple[Estimate, ...]
    """E |c_ω|² over random weights; empty if the frequencies are no multiples of one base frequency."""
    num_samples: int
    """The number of random weights."""
    seed: int | None
    """The seed."""
    coefficients: ComplexArray = field(repr=False)
    """The coefficients, shape (num_samples, number of frequencies)."""

    @property
    def reachable(self) -> tuple[float, ...]:
        """The frequencies whose coefficients were not zero in all samples."""
        peak = max((power.value for power in self.powers), default=0.0)
        return tuple(w for w, p in zip(self.frequencies, self.powers, strict=False) if p.value > 1e-20 + 1e-12 * peak)

    def headline(self) -> str:
        """Return the finding in one sentence."""
        top = self.frequencies[-1]
        used = f", {len(self.reachable)} with weight," if self.powers else ""
        number = len(self.frequencies)
        return f"The model is a Fourier series in {self.feature} with {number} frequencies{used} up to {top:g}."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the weight of each frequency."""
        if not self.powers:
            pairs = zip(self.frequencies, self.multiplicities, strict=True)
            return [(f"ω = {w:g}", f"multiplicity {m}", "") for w, m in pairs]
        triples = zip(self.frequencies, self.multiplicities, self.powers, strict=True)
        return [(f"ω = {w:g}", f"E|c|² {p.value:.3g} {p.interval()}", f"multiplicity {m}") for w, m, p in triples]

    def records(self) -> list[dict[str, object]]:
        """Return each frequency with its multiplicity and weight."""
        powers = self.powers or (None,) * len(self.frequencies)
        columns = zip(self.frequencies, self.multiplicities, powers, strict=True)
        return [{"frequency": w, "multiplicity": m, "power": power} for w, m, power in columns]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the weight of each frequency (its multiplicity where there are no weights)."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, new_axes

        axes = new_axes(ax)
        heights = [power.value for power in self.powers] or [float(m) for m in self.multiplicities]
        axes.bar(self.frequencies, heights, width=0.6 * _gap(self.frequencies), color=BLUE)
        axes.set(xlabel=f"frequency in {self.feature}", ylabel="E|c|²" if self.powers else "multiplicity")
        return axes


@check_arguments(num_samples=at_least(4))
def fourier_spectrum(
    circuit: QuantumCircuit,
    observable: ObservableFamily,
    *,
    feature: int = 0,
    distribution: InitialDistribution | None = None,
    num_samples: int = 100,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> FourierSpectrum:
    r"""Find the frequencies of a model f(x) = ⟨O⟩ in one feature, and the mean squared size of their coefficients.

    A rotation by the angle c·x contributes the frequencies -c, 0, c (once, twice, once); the frequencies of the model
    are their sums. The coefficients follow exactly from as many equally spaced points as there are frequencies. All
    other parameters, weights and other features, are drawn at random.

    Args:
        circuit: A circuit whose features are the vector ``"x"``.
        observable: An observable, or a function from the number of qubits to one.
        feature: Which feature.
        distribution: The distribution of all other parameters; by default uniform on [0, 2π).
        num_samples: The number of random draws of them, at least 4.
        confidence: The confidence of intervals.
        seed: Seed of the draws.

    Raises:
        ValueError: If there is no such feature or there are more than 4,096 frequencies.
        UnsupportedCircuitError: If an angle is not an affine function of the feature.

    References:
        Schuld, Sweke and Meyer, arXiv:2008.08605.

    Examples:
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.diagnostics import fourier_spectrum, local_observable
        >>> fourier_spectrum(AngleFeatureMap().build(1), local_observable, seed=0).frequencies
        (0.0, 1.0)
    """
    data, _ = data_and_weights(circuit)
    if not 0 <= feature < len(data):
        raise ValueError(f"feature must be a number from 0 to {len(data) - 1}, but {feature} came.")
    column = list(circuit.parameters).index(data[feature])
    counts = _frequencies(circuit, column)
    frequencies = tuple(sorted(w for w in counts if w >= 0))
    measured = build_observable(observable, circuit.num_qubits)
    rng = np.random.default_rng(seed)
    chosen = distribution or UniformDistribution()
    coefficients = _coefficients(circuit, measured, column, frequencies, chosen.sample(circuit, num_samples, rng))
    powers: tuple[Estimate, ...] = ()
    if coefficients is not None:
        powers = tuple(mean_estimates(np.abs(coefficients) ** 2, rng, confidence=confidence, positive=True))
    return FourierSpectrum(
        feature=data[feature].name,
        frequencies=frequencies,
        multiplicities=tuple(counts[w] for w in frequencies),
        powers=powers,
        num_samples=num_samples,
        seed=seed,
        coefficients=np.zeros((0, len(frequencies)), dtype=np.complex128) if coefficients is None else coefficients,
    )


def _frequencies(circuit: QuantumCircuit, column: int) -> Counter[float]:
    """How often each frequency occurs among the sums of -c, 0, 0, c over the encoding rotations."""
    program = lower(circuit)
    counts: Counter[float] = Counter({0.0: 1})
    for rotation in program.rotations:
        terms, _ = program.angles.rows.row(rotation.angle)
        if any(atom >= program.num_parameters for atom in terms) and _depends(program, rotation.angle, column):
            raise UnsupportedCircuitError(
                "An angle is not an affine function of the feature (it is a product or a function of it), so the model "
                "is no finite Fourier series in it."
            )
        scale = abs(terms.get(column, 0.0))
        if scale == 0:
            continue
        grown: Counter[float] = Counter()
        for frequency, count in counts.items():
            for shift, times in ((-scale, 1), (0.0, 2), (scale, 1)):
                grown[_rounded(frequency + shift)] += count * times
        counts = grown
        if len(counts) > 2 * _MAX_FREQUENCIES:
            raise ValueError(f"The model has more than {_MAX_FREQUENCIES} frequencies in this feature.")
    return counts


def _depends(program: RotationProgram, angle: int, column: int) -> bool:
    """Whether an angle with function nodes depends on a parameter, by its derivative at two random points."""
    points = np.random.default_rng(0).uniform(0.1, 0.9, (2, program.num_parameters))
    cotangents = np.zeros((2, program.angles.num_angles))
    cotangents[:, angle] = 1.0
    slopes = program.angles.vjp(points, cotangents)[:, column]
    return bool(np.any(slopes != 0))


def _rounded(frequency: float) -> float:
    return round(frequency / _SAME) * _SAME if abs(frequency) > _SAME / 2 else 0.0


def _gap(frequencies: tuple[float, ...]) -> float:
    return min((b - a for a, b in pairwise(frequencies)), default=1.0)


def _coefficients(
    circuit: QuantumCircuit,
    observable: Observable,
    column: int,
    frequencies: tuple[float, ...],
    values: FloatArray,
) -> ComplexArray | None:
    """c_ω for each row of ``values``, by a discrete Fourier transform; None without a common base frequency."""
    base = _base_frequency(frequencies)
    if base is None:
        return None
    numbers = np.rint(np.array(frequencies) / base).astype(int)
    points = 2 * int(numbers.max(initial=0)) + 1
    grid = 2 * math.pi / base * np.arange(points) / points
    rows = np.repeat(values, points, axis=0)
    rows[:, column] = np.tile(grid, len(values))
    outputs = expectations(circuit, rows, observable)[:, 0].reshape(len(values), points)
    return np.asarray(np.fft.fft(outputs, axis=1)[:, numbers] / points)


def _base_frequency(frequencies: tuple[float, ...]) -> float | None:
    positive = [w for w in frequencies if w > 0]
    if not positive:
        return 1.0
    base = positive[0]
    for frequency in positive[1:]:
        while frequency > 1e-6:  # Euclid's algorithm for real numbers
            base, frequency = frequency, math.fmod(base, frequency)
            if frequency > 0 and abs(frequency - base) < 1e-6:
                frequency = 0.0
    if base <= 0 or max(positive) / base > _MAX_FREQUENCIES:
        return None
    return base
