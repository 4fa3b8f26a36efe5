"""The Pauli encodings of Havlíček et al.: the general one, and the second-order Pauli-Z encoding."""

import math
from collections.abc import Sequence
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit.library import pauli_feature_map, z_feature_map, zz_feature_map

from qiskit_qml_ext.checks import positive_number, whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_blocks, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, scaled_features


class PauliFeatureMap(FeatureMap):
    r"""Encode features and products of features in rotations about Pauli strings.

    |φ(x)⟩ = [Π_P exp(-(i/2) α φ_S(c·x) P_S) H^{⊗n}]^{reps} |0…0⟩ with φ_i(x) = x_i for one qubit and
    φ_S(x) = Π_{j∈S} (π-x_j) for a block S of more qubits, up to the sign convention and global phase of Qiskit's
    ``pauli_feature_map``, which builds the circuit. The blocks S of a string of k Paulis are chosen by
    ``entanglement``. n features take n qubits. Strings longer than n are left out, and without entanglement all but the
    single Paulis.

    Counts:
        parameters: n
        two-qubit gates: reps * n * (n - 1)
        depth: 10 * n - 13 + (reps - 1) * (5 * n + 2) if n > 2 else reps * (5 * n - 3)

    Args:
        paulis: The Pauli strings in their order, for example ``("Z", "YY", "ZXZ")``.
        reps: How often the encoding is repeated, at least 1.
        entanglement: The blocks of qubits; a list of pairs only fits strings of one or two Paulis. See
            :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature.
        alpha: The factor α, positive.

    References:
        Havlíček et al., arXiv:1804.11326.

    Examples:
        >>> from qiskit_qml_ext.circuits import PauliFeatureMap
        >>> PauliFeatureMap(("X", "ZZZ"), reps=1).build(3).num_parameters
        3
    """

    name: ClassVar[str] = "pauli"
    reference: ClassVar[str] = "arXiv:1804.11326"
    data_range: ClassVar[tuple[float, float]] = (0.0, 2 * math.pi)

    def __init__(
        self,
        paulis: Sequence[str] = ("Z", "YY"),
        *,
        reps: int = 2,
        entanglement: Entanglement = "full",
        bandwidth: Bandwidth = 1.0,
        alpha: float = 2.0,
    ):
        self.paulis = paulis
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth
        self.alpha = alpha

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        alpha = positive_number("alpha", self.alpha)
        strings = self._strings(num_features)
        template = pauli_feature_map(
            num_features,
            reps,
            entanglement=lambda layer: {len(string): self._blocks(string, num_features, layer) for string in strings},
            alpha=alpha,
            paulis=strings,
            parameter_prefix="feature",
        )
        circuit = template.assign_parameters(scaled_features(num_features, self.bandwidth))
        circuit.name = "PauliFeatureMap"
        return circuit

    def _blocks_at_least(self, num_qubits: int) -> int:
        if not isinstance(self.entanglement, str) or self.entanglement != "full":
            return 0
        strings = [string for string in self.paulis if isinstance(string, str)]
        return sum(math.comb(num_qubits, len(string)) for string in strings)

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of CX gates: 2(k-1) for each block of each string of k Paulis of each layer."""
        blocks = [(len(string), len(self._blocks(string, num_features, 0))) for string in self._strings(num_features)]
        return self.reps * sum(2 * (size - 1) * number for size, number in blocks)

    def _strings(self, num_features: int) -> list[str]:
        """Return the strings that have at least one block, after checking that every feature is encoded."""
        for string in self.paulis:
            if not isinstance(string, str) or not string or set(string) - set("XYZ"):
                raise ValueError(f"paulis must be strings of X, Y and Z, but {string!r} came in {self.paulis!r}.")
        strings = [string for string in self.paulis if self._blocks(string, num_features, 0)]
        encoded = {qubit for string in strings for block in self._blocks(string, num_features, 0) for qubit in block}
        if len(encoded) < num_features:
            raise ValueError(
                f"paulis={self.paulis!r} with entanglement={self.entanglement!r} leaves features "
                f"{sorted(set(range(num_features)) - encoded)} of {num_features} out. Add a single Pauli such as 'Z'."
            )
        return strings

    def _blocks(self, string: str, num_features: int, layer: int) -> list[tuple[int, ...]]:
        return entangled_blocks(self.entanglement, num_features, block_size=len(string), layer=layer)


class ZZFeatureMap(FeatureMap):
    r"""Encode features and products of pairs of features in the phases of a superposition.

    |φ(x)⟩ = [U(c·x) H^{⊗n}]^{reps} |0…0⟩ with U(x) = exp(i Σ_i x_i Z_i + i Σ_{(i,j)} (π-x_i)(π-x_j) Z_i Z_j) up to the
    sign convention and global phase of Qiskit's ``zz_feature_map``, which builds the circuit. Without entanglement only
    the single-qubit terms stay (``z_feature_map``).

    n features take n qubits; there are two CX gates for each pair, so ``reps``·n·(n-1) in the full layout.

    Counts:
        parameters: n
        two-qubit gates: reps * n * (n - 1)
        depth: 6 * n - 7 + (reps - 1) * (3 * n + 2) if n > 2 else reps * (3 * n - 1)

    Args:
        reps: How often the encoding is repeated, at least 1.
        entanglement: The pairs (i, j); see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, one positive number or one for each feature.

    References:
        Havlíček et al., arXiv:1804.11326, Eq. (32) of the supplement.

    Examples:
        >>> from qiskit_qml_ext.circuits import ZZFeatureMap
        >>> ZZFeatureMap(reps=2, bandwidth=0.3).build(4).count_ops()["cx"]
        24
    """

    name: ClassVar[str] = "zz"
    reference: ClassVar[str] = "arXiv:1804.11326"
    data_range: ClassVar[tuple[float, float]] = (0.0, 2 * math.pi)

    def __init__(self, *, reps: int = 2, entanglement: Entanglement = "full", bandwidth: Bandwidth = 1.0):
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        angles = scaled_features(num_features, self.bandwidth)
        layers = [entangled_pairs(self.entanglement, num_features, layer=layer) for layer in range(reps)]
        if any(layers):
            singles = [(qubit,) for qubit in range(num_features)]
            template = zz_feature_map(
                num_features,
                reps,
                entanglement=lambda layer: {1: singles, 2: layers[layer]},
                parameter_prefix="feature",
            )
        else:
            template = z_feature_map(num_features, reps, parameter_prefix="feature")
        circuit = template.assign_parameters(angles)
        circuit.name = "ZZFeatureMap"
        return circuit

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of CX gates: two for each entangled pair of each layer."""
        return 2 * count_pairs(self.entanglement, num_features, self.reps)
