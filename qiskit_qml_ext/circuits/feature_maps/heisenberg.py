"""Evolution of random product states under a Heisenberg chain whose couplings are the data."""

import math
from typing import ClassVar

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import positive_number, whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features


class HeisenbergFeatureMap(FeatureMap):
    r"""Encode features as the couplings of a Heisenberg chain that acts on a random product state.

    |φ(x)⟩ = [Π_{j=1}^{n} exp(-i (t/T) c·x_j (X_jX_{j+1} + Y_jY_{j+1} + Z_jZ_{j+1}))]^T ⊗_{j=1}^{n+1} |ψ_j⟩ with
    Haar-random single-qubit states |ψ_j⟩ that the seed fixes, evolution time t and T Trotter steps. n features take n+1
    qubits. The three rotations of a pair commute, so each factor is exact. Without entanglement feature j drives
    instead the fields X, Y and Z of its own qubit for the same time, on n qubits.

    Counts:
        parameters: n
        two-qubit gates: 3 * n * num_trotter_steps
        depth: 2 + 3 * num_trotter_steps * min(n, 2) + 3 * max(n - 2, 0)

    Args:
        num_trotter_steps: The number T of steps, at least 1.
        evolution_time: The time t; ``None`` takes n/3 as in the paper.
        seed: The seed of the product state.
        entanglement: The n pairs of the n+1 qubits that the features couple, in their order: ``"linear"``,
            ``"reverse_linear"``, ``"pairwise"``, a list of exactly n pairs, or ``"none"``.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Huang et al., arXiv:2011.01938 (T = 20, t = n/3).

    Examples:
        >>> from qiskit_qml_ext.circuits import HeisenbergFeatureMap
        >>> HeisenbergFeatureMap(num_trotter_steps=2).build(3).count_ops()["rxx"]
        6
    """

    name: ClassVar[str] = "heisenberg"
    reference: ClassVar[str] = "arXiv:2011.01938"
    data_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def __init__(
        self,
        *,
        num_trotter_steps: int = 20,
        evolution_time: float | None = None,
        seed: int = 0,
        entanglement: Entanglement = "linear",
        bandwidth: Bandwidth = 1.0,
    ):
        self.num_trotter_steps = num_trotter_steps
        self.evolution_time = evolution_time
        self.seed = seed
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        steps = whole_number("num_trotter_steps", self.num_trotter_steps)
        pairs = self._pairs(num_features)
        features = scaled_features(num_features, self.bandwidth)
        # exp(-i τ x P) is a rotation by the angle 2 τ x.
        factor = 2 * self._time(num_features) / steps
        circuit = QuantumCircuit(self.num_qubits(num_features), name="HeisenbergFeatureMap")
        self._append_product_state(circuit)
        for _ in range(steps):
            for index in range(num_features):
                angle = factor * features[index]
                if pairs:
                    circuit.rxx(angle, *pairs[index])
                    circuit.ryy(angle, *pairs[index])
                    circuit.rzz(angle, *pairs[index])
                else:
                    circuit.rx(angle, index)
                    circuit.ry(angle, index)
                    circuit.rz(angle, index)
        return circuit

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits: one more than features, or as many without entanglement."""
        return num_features if self._is_product() else num_features + 1

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of RXX, RYY and RZZ gates: one of each for each feature of each step."""
        return 3 * self.num_trotter_steps * len(self._pairs(num_features))

    def _is_product(self) -> bool:
        return self.entanglement is None or (isinstance(self.entanglement, str) and self.entanglement == "none")

    def _pairs(self, num_features: int) -> list[tuple[int, int]]:
        if self._is_product():
            return []
        pairs = entangled_pairs(self.entanglement, num_features + 1)
        if len(pairs) != num_features:
            raise ValueError(
                f"entanglement={self.entanglement!r} gives {len(pairs)} pairs, but {num_features} features need "
                f"{num_features} pairs of {num_features + 1} qubits. Take 'linear' or list the pairs."
            )
        return pairs

    def _time(self, num_features: int) -> float:
        if self.evolution_time is None:
            return num_features / 3
        return positive_number("evolution_time", self.evolution_time)

    def _append_product_state(self, circuit: QuantumCircuit) -> None:
        """Append R_z(φ) R_y(θ) with cos θ and φ uniform: a Haar-random state of every qubit."""
        rng = np.random.default_rng(self.seed)
        for qubit in range(circuit.num_qubits):
            circuit.ry(math.acos(rng.uniform(-1.0, 1.0)), qubit)
            circuit.rz(rng.uniform(0.0, 2 * math.pi), qubit)
