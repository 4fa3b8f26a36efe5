"""Initial distributions side by side: how large the gradient is, and where on the landscape it starts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.circuits import (
    GaussianDistribution,
    IdentityBlockDistribution,
    InitialDistribution,
    ReducedDomainDistribution,
    SmallAngleDistribution,
)
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result, counted
from qiskit_qml_ext.diagnostics.subject.observables import weight_of
from qiskit_qml_ext.diagnostics.subject.problem import (
    ObservableFamily,
    Trainable,
    build_circuit,
    build_observable,
    natural_distribution,
)
from qiskit_qml_ext.diagnostics.trainability.gradient_variance import GradientVariance, gradient_variance
from qiskit_qml_ext.primitives import Connection

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAUTION = "A larger start gradient does not promise a better minimum."


@dataclass(frozen=True, repr=False)
class InitializationComparison(Result):
    """The gradient under several initial distributions, from :func:`compare_initializations`."""

    num_qubits: int
    """The number of qubits."""
    distributions: tuple[str, ...]
    """The distributions; the first one is what the others are compared with."""
    angles: tuple[str, ...]
    """The same in words."""
    titles: tuple[str, ...]
    """The same in words, without their settings."""
    squared_gradients: tuple[Estimate, ...]
    """E ‖∇C‖² for each."""
    loss_means: tuple[Estimate, ...]
    """E C for each: a large gradient at a bad place is no gift."""
    gains: tuple[Estimate, ...]
    """E ‖∇C‖² divided by that of the first."""
    points: tuple[GradientVariance, ...] = field(repr=False)
    """The full results."""

    @property
    def best(self) -> int | None:
        """The distribution with the largest gradient, if it is larger than the first beyond doubt; else None."""
        order = max(range(len(self.gains)), key=lambda place: self.gains[place].low)
        return order if self.gains[order].low > 1 else None

    def headline(self) -> str:
        """Return the finding in one sentence."""
        where = f"At {counted(self.num_qubits, 'qubit')}"
        if self.best is None:
            first = self.angles[0]
            return f"{where} no other distribution has a clearly larger gradient than {first}."
        gain, mean = self.gains[self.best], self.loss_means[self.best]
        return (
            f"{where} the squared gradient of {self.angles[self.best]} is {gain.value:.3g} "
            f"{gain.interval()} times that of {self.angles[0]}; the mean loss there is {mean}, "
            f"before {self.loss_means[0]}. {CAUTION}"
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """Return gradient, gain and mean loss of each distribution."""
        rows = zip(self.angles, self.squared_gradients, self.gains, self.loss_means, strict=True)
        return [
            (
                name,
                f"E‖∇C‖² {g.value:.3g} {g.interval()}",
                f"× {gain.value:.3g} {gain.interval()}; mean loss {mean}",
            )
            for name, g, gain, mean in rows
        ]

    def records(self) -> list[dict[str, object]]:
        """Return gradient, gain and mean loss of each distribution."""
        columns = zip(self.distributions, self.squared_gradients, self.gains, self.loss_means, strict=True)
        return [
            {"distribution": name, "squared_gradient": gradient, "gain": gain, "loss_mean": mean}
            for name, gradient, gain, mean in columns
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the squared gradient of each distribution."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, new_axes

        axes = new_axes(ax)
        for row, estimate in enumerate(self.squared_gradients):
            if estimate.value <= 0:
                axes.text(0.02, row, "no gradient", va="center", color=BLUE, transform=axes.get_yaxis_transform())
                continue
            axes.plot([max(estimate.low, 1e-16), estimate.high], [row, row], color=BLUE, lw=2)
            axes.plot(estimate.value, row, "o", color=BLUE)
        axes.set_yticks(range(len(self.titles)), self.titles)
        axes.invert_yaxis()
        axes.set(xscale="log", xlabel="expected squared gradient")
        axes.grid(axis="x", alpha=0.25, lw=0.6)
        return axes


@check_arguments()
def compare_initializations(
    circuit: Trainable,
    observable: ObservableFamily,
    *,
    num_qubits: int | None = None,
    distributions: Sequence[InitialDistribution] | None = None,
    num_samples: int = 200,
    shots: int | None = None,
    connection: Connection | None = None,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> InitializationComparison:
    """Compare the gradient under several distributions of the initial angles.

    Args:
        circuit: A circuit, a template, or a function from the number of qubits to a circuit.
        observable: An observable, or a function from the number of qubits to one.
        num_qubits: The width, for all but a plain circuit.
        distributions: The distributions, the first of them the reference; by default uniform over the period, Gaussian
            for the observable's locality, reduced domain, small angles and one identity block. An
            ``IdentityBlockDistribution`` runs on the mirrored circuit that it needs.
        num_samples: Random points for each.
        shots: Shots of each circuit; None for exact values.
        connection: Where circuits run.
        confidence: The confidence of intervals.
        seed: Seed of everything random.

    Returns:
        Squared gradients and mean losses; both matter, since starts that escape a plateau lead to different minima.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument does not fit.

    References:
        Zhang et al., arXiv:2203.09376; Wang et al., arXiv:2302.06858; Grant et al., arXiv:1903.05076; on what such
        starts lead to: arXiv:2606.18515.

    Examples:
        >>> from qiskit_qml_ext.circuits import HardwareEfficientAnsatz
        >>> from qiskit_qml_ext.diagnostics import compare_initializations, global_observable
        >>> comparison = compare_initializations(HardwareEfficientAnsatz(), global_observable, num_qubits=4, seed=0)
        >>> comparison.gains[0].value
        1.0
    """
    built = build_circuit(circuit, num_qubits)
    chosen = default_distributions(circuit, observable, built.num_qubits) if distributions is None else distributions
    if not chosen:
        raise ValueError("distributions is empty; name at least one.")
    # the first has the points that gradient_variance has with this seed
    seeds = [seed, *(int(one) for one in np.random.SeedSequence(seed).generate_state(len(chosen))[1:])]
    points = []
    for distribution, one in zip(chosen, seeds, strict=True):
        mirrored = isinstance(distribution, IdentityBlockDistribution) and "identity_blocks" not in (
            built.metadata or {}
        )
        points.append(
            gradient_variance(
                distribution.mirrored(built) if mirrored else built,
                observable,
                distribution=distribution,
                num_samples=num_samples,
                shots=shots,
                connection=connection,
                confidence=confidence,
                seed=one,
            )
        )
    return InitializationComparison(
        num_qubits=int(built.num_qubits),
        distributions=tuple(repr(distribution) for distribution in chosen),
        angles=tuple(distribution.in_words() for distribution in chosen),
        titles=tuple(distribution.title or distribution.in_words() for distribution in chosen),
        squared_gradients=tuple(point.squared_gradient for point in points),
        loss_means=tuple(point.loss_mean for point in points),
        gains=tuple(ratio(point.squared_gradient, points[0].squared_gradient) for point in points),
        points=tuple(points),
    )


def default_distributions(
    ansatz: Trainable, observable: ObservableFamily, num_qubits: int
) -> list[InitialDistribution]:
    """Return the distributions that are compared unless others are named."""
    locality = max(weight_of(build_observable(observable, num_qubits), num_qubits), 1)
    return [
        natural_distribution(ansatz, build_circuit(ansatz, num_qubits)),
        GaussianDistribution(locality),
        ReducedDomainDistribution(),
        SmallAngleDistribution(),
        IdentityBlockDistribution(),
    ]


def ratio(numerator: Estimate, denominator: Estimate) -> Estimate:
    """Return the ratio of two independent positive estimates; its interval joins theirs on a logarithmic scale."""
    if numerator is denominator:
        return Estimate.exact(1.0, "itself")
    if numerator.value <= 0 < denominator.low:
        return Estimate(0.0, math.nan, 0.0, max(numerator.high, 0.0) / denominator.low, "not above 0")
    if numerator.value <= 0 or denominator.value <= 0:
        return Estimate(math.nan, math.nan, 0.0, math.inf, "not positive")
    value = numerator.value / denominator.value
    up = math.hypot(_log(numerator.high, numerator.value), _log(denominator.value, denominator.low))
    down = math.hypot(_log(numerator.value, numerator.low), _log(denominator.high, denominator.value))
    return Estimate(value, value * (up + down) / 4, value * _exp(-down), value * _exp(up), "joint logarithmic interval")


def _log(larger: float, smaller: float) -> float:
    if smaller <= 0 or not math.isfinite(larger):
        return math.inf
    return math.log(larger / smaller)


def _exp(exponent: float) -> float:
    return math.inf if exponent > 700 else math.exp(exponent)
