"""Where a kernel's concentration comes from: how its entries spread with one of its sources taken away."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.subject.limits import MAX_STATE_QUBITS
from qiskit_qml_ext.engine import gram, statevectors

SourceKey: TypeAlias = Literal["exact", "global_measurement", "entanglement", "noise"]


@dataclass(frozen=True)
class Source:
    """What the spread of the entries would be without one of its enemies."""

    key: SourceKey
    """What was taken away, as a code; ``"exact"`` for the exact kernel as it is."""
    name: str
    """What was taken away, in words; empty for the kernel as it is."""
    standard_deviation: float
    """The standard deviation of the entries then, relative to their range."""
    advice: str
    """What follows if it is much larger."""
    reference: float
    """The standard deviation with this source, of the same pairs of samples."""
    gain: Estimate | None = None
    """The first divided by the second, where the second was measured; infinite if nothing but noise is left."""
    basis: str = ""
    """What the two were compared on, where not on the exact kernels of all samples."""
    shots: Estimate | None = None
    """How many times as many shots it takes with this source until the error of an entry is half of the spread, where
    the entries were measured; infinite if nothing but noise is left."""

    @property
    def factor(self) -> float:
        """How many times as much the entries spread without this source, as far as is sure."""
        if self.gain is not None:
            return self.gain.low
        return self.standard_deviation / self.reference if self.reference > 0 else math.nan


def concentration_sources(feature_map: FeatureMap, X: FloatArray) -> tuple[Source, ...]:
    """Compare the spread of the exact kernel with that of kernels without one of the sources of concentration.

    Args:
        feature_map: The template.
        X: Samples, shape (n, features); wider encodings than 14 qubits are not looked at.
    """
    width = X.shape[1]
    if feature_map.num_qubits(width) > MAX_STATE_QUBITS or feature_map.num_weights(width):
        return ()
    upper = np.triu_indices(len(X), 1)
    states = np.asarray(statevectors(feature_map.build(width), X), dtype=np.complex128)
    spread = float(gram(states)[upper].std())
    sources = [
        Source("exact", "", spread, "", spread),
        Source(
            "global_measurement",
            "the global measurement",
            float(local_fidelities(states)[upper].std()),
            "try a projected kernel, which compares qubits one by one",
            spread,
        ),
    ]
    if getattr(feature_map, "entanglement", "none") != "none":  # an amplitude encoding has no such setting
        product = statevectors(feature_map.without_entanglement().build(width), X)
        apart = float(gram(product)[upper].std())
        sources.append(Source("entanglement", "entanglement", apart, "entangle less, or not at all", spread))
    return tuple(sources)


def local_fidelities(states: ComplexArray) -> FloatArray:
    """Return mean_k Tr(ρ_k ρ'_k) over the qubits for all pairs of states, shape (n, n)."""
    size, dimension = states.shape
    num_qubits = dimension.bit_length() - 1
    total = np.zeros((size, size))
    for qubit in range(num_qubits):
        split = np.moveaxis(states.reshape(size, -1, 2, 2**qubit), 2, 1).reshape(size, 2, -1)
        reduced = np.einsum("mak,mbk->mab", split, split.conj()).reshape(size, 4)
        total += np.real(reduced @ reduced.conj().T)
    return total / num_qubits
