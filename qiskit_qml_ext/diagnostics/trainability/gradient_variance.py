"""The variance of the loss and of its derivatives over random initial angles."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import at_least, check_arguments
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.diagnostics.results.result import UNKNOWN, Estimate, Result, counted
from qiskit_qml_ext.diagnostics.statistics.intervals import covariance_estimates, mean_estimates, variance_estimates
from qiskit_qml_ext.diagnostics.subject.observables import centred
from qiskit_qml_ext.diagnostics.subject.problem import (
    ObservableFamily,
    Parameters,
    Trainable,
    pose,
)
from qiskit_qml_ext.diagnostics.subject.shot_noise import ShotNoise
from qiskit_qml_ext.diagnostics.trainability.readings import Method, noiseless_readings, shot_readings
from qiskit_qml_ext.primitives import Connection, connect

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class GradientVariance(Result):
    """How the loss and its derivatives scatter over random initial angles, from :func:`gradient_variance`."""

    num_qubits: int
    """The number of qubits n."""
    parameters: tuple[str, ...]
    """The names of the parameters that were differentiated."""
    loss_mean: Estimate
    """E C over the initial angles."""
    loss_variance: Estimate
    """Var C."""
    loss_kurtosis: float
    """E (C - E C)⁴/Var² of the losses as read; 3 for a normal distribution. Large values make variances uncertain."""
    gradient_means: tuple[Estimate, ...]
    """E ∂C/∂θ for each parameter."""
    gradient_variances: tuple[Estimate, ...]
    """Var ∂C/∂θ for each parameter."""
    squared_gradient: Estimate
    """E ‖∇C‖², the expected squared length of the gradient by these parameters."""
    shot_noise: ShotNoise
    """What one shot says, without the noise of a device; every price in shots follows from it."""
    shots: int | None
    """Shots of each circuit, one for each group of terms that is measured together; None for exact values."""
    num_samples: int
    """The number M of random points."""
    distribution: str
    """The distribution of the angles."""
    angles: str
    """The same in words."""
    target: str
    """Where the values came from."""
    seed: int | None
    """The seed."""
    confidence: float
    """The probability with which an interval contains the true number."""
    losses: FloatArray = field(repr=False)
    """The losses, shape (M,)."""
    gradients: FloatArray = field(repr=False)
    """The derivatives, shape (M, number of parameters)."""
    circuit: QuantumCircuit = field(repr=False)
    """The circuit."""

    typical: ClassVar[Mapping[str, object]] = {
        "parameter": "",
        "mean": UNKNOWN,
        "variance": UNKNOWN,
        "single_shot_variance": math.nan,
    }

    @property
    def mean_gradient_variance(self) -> float:
        """The mean of the variances over the parameters."""
        variances = [estimate.value for estimate in self.gradient_variances]
        return float(np.mean(variances)) if variances else 0.0

    @property
    def largest(self) -> int:
        """Which of the parameters has the largest variance."""
        return int(np.argmax([estimate.value for estimate in self.gradient_variances]))

    def signal_to_noise(self, shots: int | None = None) -> FloatArray:
        """Return Var ∂C divided by the shot noise for each parameter: how far its derivative stands out.

        The noise of a derivative by parameter shifts is Σ s²(σ₊² + σ₋²)/(4S) over the rotations that the parameter
        drives, with the slopes s and the single-shot variances σ² of the observable as it is measured: about 1/(2S) for
        one Pauli and one rotation on a plateau.

        Args:
            shots: S, the shots of each circuit; by default those of this result.

        Raises:
            ValueError: If neither the argument nor the result says how many shots.
        """
        chosen = self.shots if shots is None else shots
        if chosen is None:
            raise ValueError("The values are exact. Say for how many shots the signal-to-noise ratio is wanted.")
        variances = np.array([estimate.value for estimate in self.gradient_variances])
        noise = self.shot_noise.derivatives / chosen
        return np.divide(variances, noise, out=np.zeros_like(variances), where=noise > 0)

    def shots_for(self, signal_to_noise: float = 1.0) -> float:
        """Return the shots of each circuit at which a typical derivative has this ratio of signal to noise.

        Both are variances, averaged over the parameters; inf if the derivatives have no variance.
        """
        return self.shot_noise.derivative_shots(self.mean_gradient_variance, signal_to_noise)

    def shots_for_loss(self, signal_to_noise: float = 1.0) -> float:
        """Return the shots of each circuit at which the loss varies more than its noise by this ratio of variances."""
        return self.shot_noise.loss_shots(self.loss_variance.value, signal_to_noise)

    def headline(self) -> str:
        """Return the finding in one sentence."""
        size = f"{counted(self.num_qubits, 'qubit')}, {counted(len(self.parameters), 'parameter')}"
        return f"{size}: Var C = {self.loss_variance}, mean Var ∂C = {self.mean_gradient_variance:.3g} [{self._how()}]"

    def rows(self) -> list[tuple[str, str, str]]:
        """Return name, value and meaning of what was measured."""
        rows = [
            ("Mean of the loss", str(self.loss_mean), "over random initial angles"),
            ("Variance of the loss", _with_interval(self.loss_variance), "near 0: the landscape is flat"),
            ("Kurtosis of the loss", f"{self.loss_kurtosis:.3g}", "3: normal; large: rare peaks on a plain"),
            ("Squared gradient", _with_interval(self.squared_gradient), "expected squared length"),
        ]
        if self.gradient_variances:
            largest = self.gradient_variances[self.largest]
            rows.append(
                ("Largest Var ∂C", _with_interval(largest), f"parameter {self.parameters[self.largest]}"),
            )
            price = self.shot_noise.derivative_words(self.mean_gradient_variance)
            rows.append(("Shots to see a derivative", *price))
        rows.append(("Shots to see the loss vary", *self.shot_noise.loss_words(self.loss_variance.value)))
        return rows

    def records(self) -> list[dict[str, object]]:
        """Return mean and variance of each derivative, and the variance of one shot of it."""
        columns = zip(
            self.parameters, self.gradient_means, self.gradient_variances, self.shot_noise.derivatives, strict=True
        )
        return [
            {"parameter": name, "mean": mean, "variance": variance, "single_shot_variance": float(noise)}
            for name, mean, variance, noise in columns
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the variance of each derivative where its parameter stands in the circuit, as a heat map."""
        from qiskit_qml_ext.diagnostics.trainability.gradient_figure import plot_gradient_map

        variances = [estimate.value for estimate in self.gradient_variances]
        return plot_gradient_map(self.circuit, self.parameters, variances, ax)

    def _how(self) -> str:
        return "no shot noise" if self.shots is None else f"shots={self.shots}"


@check_arguments(num_samples=at_least(4))
def gradient_variance(
    circuit: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    parameters: Parameters = "all",
    num_samples: int = 200,
    method: Method = "auto",
    shots: int | None = None,
    connection: Connection | None = None,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> GradientVariance:
    r"""Estimate mean and variance of the loss C(θ) = ⟨O⟩ and of its derivatives over random initial angles.

    Exact values take one forward and one reverse pass for each sample, whatever the number of parameters: of state
    vectors, or of the observable's Pauli strings, which know no limit in width as long as they stay few (free fermions,
    small Lie algebras and shallow circuits, with shared angles or not; see
    :class:`~qiskit_qml_ext.diagnostics.PauliPropagation`). With S
    shots the plain variance of the readings has a floor that has nothing to do with the circuit, about 1/(2S) for one
    Pauli (see :class:`~qiskit_qml_ext.diagnostics.ShotNoise`); so each derivative is read twice with half of
    the shots, and the covariance of the two readings is the variance without the noise, unbiased (it may come out
    negative).

    The intervals are those of a bootstrap: they know what the sample shows. Where the loss is a rare peak on a plain (a
    kurtosis that is a good part of M), the largest peaks are not in the sample and the variance is underestimated; take
    more samples, or :func:`second_moments`.

    Args:
        circuit: A circuit, a template, or a function from the number of qubits to a circuit.
        observable: A Pauli sum, a diagonal, a projector, or a function from the number of qubits to one.
        num_qubits: The width, for all but a plain circuit.
        distribution: The distribution of the angles; by default uniform over a period of the parameters, or on
            [0, 2π) where they have none in common (``distribution`` of the result says from where they come).
        parameters: ``"all"``, or positions in ``circuit.parameters``.
        num_samples: The number M of random points, at least 4.
        method: ``"exact"`` simulates states; ``"propagation"`` follows the observable's Pauli strings, without states;
            ``"shots"`` reads an estimator. ``"auto"`` takes shots if they are asked for or the connection is not exact,
            else states up to 14 qubits, and above (or where no state fits) strings if the circuit allows.
        shots: Shots of each circuit; a loss takes one for each group of terms that commute qubit by qubit. By default
            the connection's.
        connection: Where circuits run, from :func:`~qiskit_qml_ext.primitives.connect`; by default exact results.
        confidence: The probability with which an interval contains the true number.
        seed: Seed of the angles and of the bootstrap.

    Returns:
        The estimates with their intervals.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument does not fit.
        StateTooLargeError: If not even one state fits into memory and Pauli strings do not reach; for angles that are
            used once, :func:`second_moments` needs neither.
        UnsupportedCircuitError: If ``method`` is ``"propagation"`` and the strings grow too many.

    References:
        McClean et al., arXiv:1803.11173; Arrasmith et al., arXiv:2104.05868 (loss and gradient concentrate together);
        adjoint gradients: Jones and Gacon, arXiv:2009.02823; simulation in the Lie algebra: arXiv:2308.01432.

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz
        >>> from qiskit_qml_ext.diagnostics import gradient_variance, local_observable
        >>> variances = gradient_variance(RealAmplitudesAnsatz(), local_observable, num_qubits=3, seed=1)
        >>> variances.loss_variance.contains(variances.loss_variance.value)
        True
    """
    posed = pose(circuit, observable, num_qubits=num_qubits, distribution=distribution, parameters=parameters)
    rest, constant = centred(posed.observable)
    problem = replace(posed, observable=rest)
    chosen = connection if connection is not None else connect()
    rng = np.random.default_rng(seed)
    values = problem.sample(num_samples, rng)
    shots = _shots(method, shots, chosen)
    read = (
        noiseless_readings(problem, values, chosen, method, seed)
        if shots is None
        else shot_readings(problem, values, chosen, shots, seed)
    )
    spread = read.losses - read.losses.mean()
    variance = float(np.mean(spread**2))
    order = problem.circuit.parameters  # sorted anew at each access
    names = tuple(order[column].name for column in problem.columns)
    return GradientVariance(
        num_qubits=problem.num_qubits,
        parameters=names,
        loss_mean=_raised(mean_estimates(read.losses, rng, confidence=confidence)[0], constant),
        loss_variance=_variances(read.losses, read.loss_halves, rng, confidence)[0],
        loss_kurtosis=float(np.mean((spread / math.sqrt(variance)) ** 4)) if variance > 0 else math.nan,
        gradient_means=tuple(mean_estimates(read.gradients, rng, confidence=confidence)) if names else (),
        gradient_variances=_variances(read.gradients, read.gradient_halves, rng, confidence),
        squared_gradient=_squared_length(read.gradients, read.gradient_halves, rng, confidence),
        shot_noise=read.noise,
        shots=shots,
        num_samples=num_samples,
        distribution=repr(problem.distribution),
        angles=problem.distribution.in_words(),
        target=read.target,
        seed=seed,
        confidence=confidence,
        losses=read.losses + constant,
        gradients=read.gradients,
        circuit=problem.circuit,
    )


def _shots(method: Method, shots: int | None, connection: Connection) -> int | None:
    if method not in ("auto", "exact", "propagation", "shots"):
        raise ValueError(f"method must be 'auto', 'exact', 'propagation' or 'shots', but {method!r} came.")
    wanted = connection.shots if shots is None else shots
    if method in ("exact", "propagation") or (method == "auto" and wanted is None and connection.is_exact):
        return None
    if wanted is None:
        raise ValueError("shots is needed: neither the argument nor the connection says how many.")
    if wanted < 2:
        raise ValueError(f"shots must be at least 2, one for each of the two independent halves, but {wanted} came.")
    return int(wanted)


def _variances(
    values: FloatArray, halves: FloatArray | None, rng: np.random.Generator, confidence: float
) -> tuple[Estimate, ...]:
    if values.size == 0:
        return ()
    if halves is None:
        return tuple(variance_estimates(values, rng, confidence=confidence))
    return tuple(covariance_estimates(halves[0], halves[1], rng, confidence=confidence))


def _squared_length(
    gradients: FloatArray, halves: FloatArray | None, rng: np.random.Generator, confidence: float
) -> Estimate:
    if halves is None:
        return mean_estimates(np.sum(gradients**2, axis=1), rng, confidence=confidence, positive=True)[0]
    return mean_estimates(np.sum(halves[0] * halves[1], axis=1), rng, confidence=confidence)[0]


def _raised(estimate: Estimate, constant: float) -> Estimate:
    if constant == 0:
        return estimate
    return replace(
        estimate, value=estimate.value + constant, low=estimate.low + constant, high=estimate.high + constant
    )


def _with_interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3g} {estimate.interval()}"
