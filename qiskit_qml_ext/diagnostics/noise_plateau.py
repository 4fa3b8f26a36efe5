"""Noise-induced plateaus: how fast noise flattens the landscape, and the depth at which nothing is left to see."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.providers import BackendV2
from qiskit.quantum_info import Pauli, SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager
from sklearn.base import clone

from qiskit_qml_ext.circuits import Ansatz, InitialDistribution
from qiskit_qml_ext.diagnostics.estimate import Estimate, Result
from qiskit_qml_ext.diagnostics.intervals import variance_estimates
from qiskit_qml_ext.diagnostics.problem import ObservableFamily, check_confidence, check_samples, pose
from qiskit_qml_ext.engine import expectations

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel

FloatArray = NDArray[np.float64]
Noise: TypeAlias = "NoiseModel | AerSimulator | BackendV2"
_RESAMPLES = 1000
_MAX_DENSITY_QUBITS = 12  # a density matrix of 12 qubits takes 256 MiB; trajectories would add noise to the variance


@dataclass(frozen=True, repr=False)
class NoiseInducedPlateau(Result):
    """How noise flattens the landscape with depth, from :func:`noise_induced_plateau`."""

    num_qubits: int
    """The number of qubits."""
    depths: tuple[int, ...]
    """The numbers of layers."""
    noisy_variances: tuple[Estimate, ...]
    """Var C with noise."""
    clean_variances: tuple[Estimate, ...]
    """Var C without noise at the same angles."""
    damping: tuple[Estimate, ...]
    """Their ratio, from paired samples."""
    noisy_means: tuple[float, ...]
    """E C with noise, which tends to the value of the maximally mixed state under unital noise."""
    mixed_value: float
    """Tr O/d, the value of the maximally mixed state."""
    decay_rate: Estimate
    """Minus the slope of the logarithm of the damping by layer: the variance loses exp(-rate) with each layer."""
    last_useful_depth: Estimate
    """The depth at which the spread of the loss falls below the shot noise; inf if noise does not damp."""
    shots: int
    """The shots of one expectation value that this depth refers to."""
    num_samples: int
    """Random points at each depth."""
    noise: str
    """The noise in words."""
    seed: int | None
    """The seed."""

    def headline(self) -> str:
        """Return the finding in one sentence."""
        if self.decay_rate.low <= 0:
            return (
                f"No decay with depth beyond doubt up to {self.depths[-1]} layers (rate {self.decay_rate} per layer)."
            )
        factor = math.exp(-self.decay_rate.value)
        depth = self.last_useful_depth
        return (
            f"Noise multiplies the variance by {factor:.3g} with each layer; beyond about {depth.value:.0f} layers "
            f"(interval {depth.low:.3g} to {depth.high:.3g}), {self.shots:,} shots see nothing but noise."
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """Return variance and damping at each depth."""
        rows = zip(self.depths, self.noisy_variances, self.clean_variances, self.damping, strict=True)
        found = [
            (
                f"{depth} layer" + "s" * (depth > 1),
                f"Var C {noisy.value:.3g} {noisy.interval()}",
                f"{d.value:.3g} of {clean.value:.3g}",
            )
            for depth, noisy, clean, d in rows
        ]
        rate = f"{self.decay_rate.value:.4g} {self.decay_rate.interval()}"
        return [*found, ("Decay rate", rate, "of the logarithm of the variance by layer"), ("Noise", self.noise, "")]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the variance with and without noise against the depth, and the shot noise."""
        from qiskit_qml_ext.diagnostics.figures import BLUE, GREEN, GREY, new_axes

        axes = new_axes(ax)
        for values, colour, label in (
            (self.clean_variances, GREEN, "without noise"),
            (self.noisy_variances, BLUE, "with noise"),
        ):
            middle = np.array([e.value for e in values])
            errors = np.abs(np.array([[e.value - e.low, e.high - e.value] for e in values]).T)
            axes.errorbar(self.depths, middle, yerr=errors, fmt="o-", ms=4, capsize=2, color=colour, label=label)
        axes.axhline(1 / self.shots, color=GREY, ls="--", label=f"shot noise, {self.shots:,} shots")
        axes.set(xlabel="layers", ylabel="variance of the loss", yscale="log")
        axes.legend(frameon=False)
        return axes


def noise_induced_plateau(
    ansatz: Ansatz,
    observable: ObservableFamily,
    noise: Noise,
    *,
    num_qubits: int,
    depths: Sequence[int] = (1, 2, 4, 8, 16),
    distribution: InitialDistribution | None = None,
    num_samples: int = 100,
    shots: int = 4096,
    confidence: float = 0.95,
    seed: int | None = None,
) -> NoiseInducedPlateau:
    """Measure how the variance of the loss falls with depth under noise, beside the same circuits without noise.

    Aer's density matrices give exact expectation values, without shot noise, up to 12 qubits.

    Args:
        ansatz: A template with the setting ``reps``.
        observable: A Pauli sum, or a function from the number of qubits to one.
        noise: An Aer ``NoiseModel`` (gates run as they are), an ``AerSimulator`` with noise, or a backend, whose
            reported errors are simulated after transpilation.
        num_qubits: The width.
        depths: At least two numbers of layers.
        distribution: The distribution of the angles; by default uniform.
        num_samples: Random points at each depth, at least 4.
        shots: The shots of one expectation value on the device, for the depth at which it stops being useful.
        confidence: The confidence of intervals.
        seed: Seed of the angles.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument does not fit.

    References:
        Wang et al., arXiv:2007.14384. Noise that is not unital (relaxation) behaves differently: arXiv:2403.13927.
    """
    check_samples(num_samples, minimum=4)
    check_confidence(confidence)
    layers = sorted({int(depth) for depth in depths})
    if len(layers) < 2:
        raise ValueError(f"depths must name at least two numbers of layers, but {tuple(depths)} came.")
    if not isinstance(ansatz, Ansatz) or "reps" not in ansatz.get_params():
        raise TypeError(f"ansatz must be a template with the setting reps, but is a {type(ansatz).__name__}.")
    if num_qubits > _MAX_DENSITY_QUBITS:
        raise ValueError(
            f"Density matrices are feasible up to {_MAX_DENSITY_QUBITS} qubits, but num_qubits is {num_qubits}. "
            "Study the decay rate on fewer qubits, or use second_moments with depolarizing noise."
        )
    simulator, level = _simulator(noise)
    rng = np.random.default_rng(seed)
    losses = []
    for depth in layers:
        problem = pose(
            clone(ansatz).set_params(reps=depth), observable, num_qubits=num_qubits, distribution=distribution
        )
        operator = _pauli_sum(problem.observable)
        values = problem.sample(num_samples, rng)
        clean = np.asarray(expectations(problem.circuit, values, operator), dtype=np.float64)[:, 0]
        losses.append((clean, _noisy(problem.circuit, operator, values, simulator, level, seed)))
    clean_variances = [variance_estimates(clean, rng, confidence=confidence)[0] for clean, _ in losses]
    noisy_variances = [variance_estimates(noisy, rng, confidence=confidence)[0] for _, noisy in losses]
    damping, rate = _damping(np.array(layers, dtype=np.float64), losses, rng, confidence)
    return NoiseInducedPlateau(
        num_qubits=num_qubits,
        depths=tuple(layers),
        noisy_variances=tuple(noisy_variances),
        clean_variances=tuple(clean_variances),
        damping=damping,
        noisy_means=tuple(float(noisy.mean()) for _, noisy in losses),
        mixed_value=_identity_part(operator),
        decay_rate=rate,
        last_useful_depth=_useful_depth(clean_variances[-1].value, rate, shots),
        shots=shots,
        num_samples=num_samples,
        noise=getattr(simulator, "name", "noise model") if level else "noise model on the circuit's own gates",
        seed=seed,
    )


def _damping(
    depths: FloatArray, losses: list[tuple[FloatArray, FloatArray]], rng: np.random.Generator, confidence: float
) -> tuple[tuple[Estimate, ...], Estimate]:
    """The ratio of the variances at each depth and the slope of its logarithm, by a bootstrap of the pairs."""
    size = len(losses[0][0])
    tail = (1 - confidence) / 2
    logs, drawn = [], []
    for clean, noisy in losses:
        picks = rng.integers(0, size, (_RESAMPLES, size))
        with np.errstate(divide="ignore", invalid="ignore"):
            logs.append(float(np.log(noisy.var() / clean.var())))
            drawn.append(np.log(noisy[picks].var(axis=1) / clean[picks].var(axis=1)))
    spreads = np.array([draw.std() for draw in drawn])
    weights = 1 / np.maximum(spreads, 1e-9) ** 2
    method = f"bootstrap percentiles over {size} paired samples, {confidence:.0%}"
    damping = []
    for log, draw in zip(logs, drawn, strict=True):
        low, high = np.quantile(draw, [tail, 1 - tail])
        damping.append(
            Estimate(math.exp(log), math.exp(log) * float(draw.std()), math.exp(low), math.exp(high), method)
        )
    slopes = -_slope(depths, np.array(drawn), weights)
    low, high = np.quantile(slopes, [tail, 1 - tail])
    value = -float(_slope(depths, np.array(logs)[:, None], weights)[0])
    return tuple(damping), Estimate(value, float(slopes.std()), float(low), float(high), method)


def _slope(x: FloatArray, y: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted least-squares slope of each column of ``y``."""
    w = weights / weights.sum()
    centred = x - w @ x
    return np.asarray((w * centred) @ (y - w @ y) / (w @ centred**2))


def _useful_depth(clean_variance: float, rate: Estimate, shots: int) -> Estimate:
    """Where clean variance times exp(-rate·L) meets the shot noise 1/S."""
    headroom = math.log(max(clean_variance * shots, 1.0))

    def depth(slope: float) -> float:
        return headroom / slope if slope > 0 else math.inf

    error = depth(rate.value) * rate.standard_error / rate.value if rate.value > 0 else math.nan
    return Estimate(
        depth(rate.value), error, depth(rate.high), depth(rate.low), "clean variance of the deepest circuit"
    )


def _simulator(noise: Noise) -> "tuple[AerSimulator, int]":
    """The simulator, and the level of transpilation: none for a bare noise model, so that its gates are what runs."""
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel

    if isinstance(noise, NoiseModel):
        return AerSimulator(noise_model=noise, method="density_matrix"), 0
    if isinstance(noise, AerSimulator):
        return noise, 1
    if isinstance(noise, BackendV2):
        return AerSimulator.from_backend(noise, method="density_matrix"), 1
    raise TypeError(f"noise is a {type(noise).__name__}; expected an Aer NoiseModel, an AerSimulator or a BackendV2.")


def _noisy(
    circuit: QuantumCircuit,
    operator: SparsePauliOp,
    values: FloatArray,
    simulator: "AerSimulator",
    level: int,
    seed: int | None,
) -> FloatArray:
    from qiskit_aer.primitives import EstimatorV2

    options = {"default_precision": 0.0, "run_options": {"seed_simulator": seed}}
    estimator = EstimatorV2.from_backend(simulator, options=options)
    isa = generate_preset_pass_manager(level, backend=simulator, seed_transpiler=seed).run(circuit)
    measured = operator.apply_layout(isa.layout) if isa.layout is not None else operator
    names = tuple(parameter.name for parameter in circuit.parameters)
    return np.asarray(estimator.run([(isa, measured, {names: values})]).result()[0].data.evs, dtype=np.float64)


def _pauli_sum(observable: object) -> SparsePauliOp:
    if isinstance(observable, (Pauli, SparsePauliOp)):
        return SparsePauliOp(observable)
    raise TypeError(f"A noisy estimator measures Pauli sums, but the observable is a {type(observable).__name__}.")


def _identity_part(operator: SparsePauliOp) -> float:
    """Tr O/d."""
    identity = ~np.any(operator.paulis.x | operator.paulis.z, axis=1)
    return float(np.real(operator.coeffs[identity]).sum())
