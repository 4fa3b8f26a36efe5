"""How much a circuit entangles, and how far its states are from stabiliser states."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.checks import at_least, check_arguments
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.diagnostics.descriptors.state_pairs import chunks, random_states
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result
from qiskit_qml_ext.diagnostics.statistics.intervals import mean_estimates
from qiskit_qml_ext.diagnostics.subject.problem import (
    Trainable,
    build_circuit,
    natural_distribution,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_MAGIC_QUBITS = 10  # 4**n Pauli strings a state


@dataclass(frozen=True, repr=False)
class StateDescriptor(Result):
    """A number that describes a circuit's states on average, from one of the functions of this module."""

    name: str
    """What was measured."""
    num_qubits: int
    """The number of qubits."""
    mean: Estimate
    """The mean over random angles."""
    haar: float | None
    """The mean over Haar-random states, where it is known in closed form."""
    num_samples: int
    """The number of states."""
    seed: int | None
    """The seed."""
    values: FloatArray = field(repr=False)
    """The value of each state."""

    def headline(self) -> str:
        """Return the finding in one sentence."""
        haar = "" if self.haar is None else f" (Haar-random states: {self.haar:.3f})"
        return f"{self.name} {self.mean} at {self.num_qubits} qubits{haar}."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the mean with its interval."""
        haar = "" if self.haar is None else f"Haar {self.haar:.4g}"
        return [(self.name, f"{self.mean.value:.4g} {self.mean.interval()}", haar)]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the histogram over the states."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, RED, new_axes

        axes = new_axes(ax)
        axes.hist(self.values, bins=40, color=BLUE)
        if self.haar is not None:
            axes.axvline(self.haar, color=RED, label="Haar mean")
            axes.legend(frameon=False)
        axes.set(xlabel=self.name, ylabel="states")
        return axes


@check_arguments(num_samples=at_least(4))
def entangling_capability(
    circuit: Trainable,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    num_samples: int = 1000,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> StateDescriptor:
    """Estimate the mean Meyer-Wallach measure Q = 2(1 - mean_k Tr ρ_k²) of a circuit's states.

    Q is 0 for product states and 1 where every qubit is maximally entangled with the rest; (d-2)/(d+1) for
    Haar-random states.

    Args:
        circuit: A circuit, a template, or a function from the number of qubits to a circuit.
        num_qubits: The width, for all but a plain circuit.
        distribution: The distribution of the angles; by default uniform over a period of the parameters, or on
            [0, 2π) where they have none in common.
        num_samples: The number of states, at least 4.
        confidence: The confidence of the interval.
        seed: Seed of the angles.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument does not fit.

    References:
        Meyer and Wallach, arXiv:quant-ph/0108104; Sim et al., arXiv:1905.10876.

    Examples:
        >>> from qiskit_qml_ext.circuits import SimAnsatz
        >>> from qiskit_qml_ext.diagnostics import entangling_capability
        >>> round(entangling_capability(SimAnsatz(9), num_qubits=4, seed=0).mean.value, 6)
        1.0
    """
    width = int(build_circuit(circuit, num_qubits).num_qubits)
    haar = (2.0**width - 2) / (2.0**width + 1)
    arguments = (num_qubits, distribution, num_samples, confidence, seed)
    return _describe("Entangling capability", circuit, meyer_wallach, haar, *arguments)


@check_arguments(num_samples=at_least(4))
def stabilizer_renyi_entropy(
    circuit: Trainable,
    *,
    num_qubits: int | None = None,
    distribution: InitialDistribution | None = None,
    num_samples: int = 100,
    confidence: float = 0.95,
    seed: int | None = 0,
) -> StateDescriptor:
    """Estimate the mean stabiliser 2-Rényi entropy M = -ln(2⁻ⁿ Σ_P ⟨P⟩⁴) of a circuit's states, in nats.

    M is 0 for stabiliser states only, which classical computers handle easily, and ln(4/3) for the T state.

    Args:
        circuit: A circuit, a template, or a function from the number of qubits to a circuit.
        num_qubits: The width, for all but a plain circuit; at most 10, since all 4ⁿ Pauli strings count.
        distribution: The distribution of the angles; by default uniform over a period of the parameters, or on
            [0, 2π) where they have none in common.
        num_samples: The number of states, at least 4.
        confidence: The confidence of the interval.
        seed: Seed of the angles.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument does not fit.

    References:
        Leone, Oliviero and Hamma, arXiv:2106.12587.

    Examples:
        >>> from qiskit_qml_ext.circuits import RealAmplitudesAnsatz, ZeroDistribution
        >>> from qiskit_qml_ext.diagnostics import stabilizer_renyi_entropy
        >>> start = ZeroDistribution()
        >>> stabilizer_renyi_entropy(RealAmplitudesAnsatz(), num_qubits=2, distribution=start, seed=0).mean.value
        0.0
    """
    width = int(build_circuit(circuit, num_qubits).num_qubits)
    if width > _MAX_MAGIC_QUBITS:
        raise ValueError(
            f"The stabiliser entropy sums over 4**n Pauli strings, but n is {width}; n ≤ {_MAX_MAGIC_QUBITS}."
        )
    arguments = (num_qubits, distribution, num_samples, confidence, seed)
    return _describe("Stabiliser 2-Rényi entropy", circuit, renyi_entropy, None, *arguments)


def meyer_wallach(states: ArrayLike) -> FloatArray:
    """Return Q of each state; ``states`` has shape (M, 2**n), the result (M,)."""
    psi = np.asarray(states)
    size, dimension = psi.shape
    num_qubits = dimension.bit_length() - 1
    purity = np.zeros(size)
    for qubit in range(num_qubits):
        split = np.moveaxis(psi.reshape(size, -1, 2, 2**qubit), 2, 1).reshape(size, 2, -1)
        reduced = np.einsum("mak,mbk->mab", split, split.conj())
        purity += np.sum(np.abs(reduced) ** 2, axis=(1, 2))
    return np.asarray(2 * (1 - purity / num_qubits))


def renyi_entropy(states: ArrayLike) -> FloatArray:
    """Return the stabiliser 2-Rényi entropy of each state; ``states`` has shape (M, 2**n), the result (M,)."""
    psi = np.asarray(states)
    size, dimension = psi.shape
    total = np.zeros(size)
    indices = np.arange(dimension)
    for flip in range(dimension):
        # all strings with this X part: a Walsh-Hadamard transform over their Z parts; i^|x&z| only changes a phase
        overlaps = _walsh(psi.conj() * psi[:, indices ^ flip])
        total += np.sum(np.abs(overlaps) ** 4, axis=1)
    entropy = -np.log(total / dimension)
    return np.where(np.abs(entropy) < 1e-12, 0.0, entropy)  # rounding of a stabiliser state


def _walsh(values: ComplexArray) -> ComplexArray:
    size, dimension = values.shape
    step = 1
    while step < dimension:
        pairs = values.reshape(size, -1, 2, step)
        values = np.stack([pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]], axis=2)
        step *= 2
    return values.reshape(size, dimension)


def _describe(
    name: str,
    circuit: Trainable,
    measure: Callable[[ComplexArray], FloatArray],
    haar: float | None,
    num_qubits: int | None,
    distribution: InitialDistribution | None,
    num_samples: int,
    confidence: float,
    seed: int | None,
) -> StateDescriptor:
    built = build_circuit(circuit, num_qubits)
    chosen = natural_distribution(circuit, built) if distribution is None else distribution
    rng = np.random.default_rng(seed)
    parts = [measure(random_states(built, chosen, size, rng)) for size in chunks(num_samples, built.num_qubits)]
    values = np.concatenate(parts)
    return StateDescriptor(
        name=name,
        num_qubits=int(built.num_qubits),
        mean=mean_estimates(values, rng, confidence=confidence)[0],
        haar=haar,
        num_samples=num_samples,
        seed=seed,
        values=values,
    )
