"""Chebyshev encodings: amplitudes that are Chebyshev polynomials of the data."""

from typing import ClassVar

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.entanglement import Entanglement, count_pairs, entangled_pairs
from qiskit_qml_ext.circuits.template import Bandwidth, FeatureMap, check_bandwidth, scaled_features


class ChebyshevFeatureMap(FeatureMap):
    r"""Encode each feature so that the amplitudes of its qubits are Chebyshev polynomials.

    |φ(x)⟩ = Π_r [E · ⊗_i ⊗_{j=1}^{q} R_y(2 d_j arccos(c·x_i))] |0…0⟩, with d_j = ``degree`` on each of the q qubits of
    a feature and E a layer of CZ gates on the entangled pairs. Since R_y(2d arccos x)|0⟩ = T_d(x)|0⟩ + √(1-x²)
    U_{d-1}(x)|1⟩, the amplitude of |0⟩ is the Chebyshev polynomial T_d(x), and ⟨Z⟩ = T_{2d}(x). n features take n·q
    qubits.

    The map is defined for c·x in [-1, 1] only, and its derivative is infinite at the two ends: scale the data into the
    interior, and clip unseen data.

    Counts:
        parameters: n
        two-qubit gates: 0
        depth: reps

    Args:
        degree: The degree d of the polynomials, at least 1.
        qubits_per_feature: The number q of qubits for each feature, at least 1.
        reps: How often the encoding is repeated, at least 1.
        entanglement: The pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, at most 1: one positive number or one for each feature.

    References:
        Kyriienko, Paine and Elfving, arXiv:2011.10395.

    Examples:
        >>> from qiskit.quantum_info import Statevector
        >>> from qiskit_qml_ext.circuits import ChebyshevFeatureMap
        >>> state = Statevector(ChebyshevFeatureMap(degree=3).build(1).assign_parameters([0.3]))
        >>> round(float(state.data[0].real), 6), round(4 * 0.3**3 - 3 * 0.3, 6)
        (-0.792, -0.792)
    """

    name: ClassVar[str] = "chebyshev"
    reference: ClassVar[str] = "arXiv:2011.10395"
    data_range: ClassVar[tuple[float, float]] = (-0.95, 0.95)
    domain: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def __init__(
        self,
        *,
        degree: int = 1,
        qubits_per_feature: int = 1,
        reps: int = 1,
        entanglement: Entanglement = "none",
        bandwidth: Bandwidth = 1.0,
    ):
        self.degree = degree
        self.qubits_per_feature = qubits_per_feature
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def _degrees(self) -> list[int]:
        """Return the degrees on the qubits of one feature."""
        return [whole_number("degree", self.degree)] * whole_number("qubits_per_feature", self.qubits_per_feature)

    def build(self, num_features: int) -> QuantumCircuit:
        """Build the circuit for ``num_features`` features; see :meth:`FeatureMap.build`."""
        num_features = whole_number("num_features", num_features)
        reps = whole_number("reps", self.reps)
        if np.any(check_bandwidth(self.bandwidth, num_features) > 1):
            raise ValueError(
                f"bandwidth must be at most 1, as arccos needs c·x in [-1, 1], but {self.bandwidth!r} came."
            )
        features = scaled_features(num_features, self.bandwidth)
        degrees = self._degrees()
        num_qubits = self.num_qubits(num_features)
        circuit = QuantumCircuit(num_qubits, name=type(self).__name__)
        for layer in range(reps):
            for qubit in range(num_qubits):
                feature, position = divmod(qubit, len(degrees))
                circuit.ry(2 * degrees[position] * features[feature].arccos(), qubit)
            for first, second in entangled_pairs(self.entanglement, num_qubits, layer=layer):
                circuit.cz(first, second)
        return circuit

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits: ``qubits_per_feature`` for each feature."""
        return num_features * whole_number("qubits_per_feature", self.qubits_per_feature)

    def two_qubit_gates(self, num_features: int) -> int:
        """Return the number of CZ gates: one for each entangled pair of each layer."""
        return count_pairs(self.entanglement, self.num_qubits(num_features), self.reps)


class ChebyshevTowerFeatureMap(ChebyshevFeatureMap):
    r"""Encode each feature in a tower of Chebyshev polynomials of growing degree.

    As :class:`ChebyshevFeatureMap`, but the q qubits of a feature have the degrees d_j = 1, 2, …, q, so that products
    of their amplitudes span all degrees up to q(q+1)/2. n features take n·q qubits.

    Counts:
        parameters: n
        two-qubit gates: 0
        depth: reps

    Args:
        qubits_per_feature: The number q of qubits for each feature, which is also the highest degree; at least 1.
        reps: How often the encoding is repeated, at least 1.
        entanglement: The pairs; see :func:`~qiskit_qml_ext.circuits.entangled_pairs`.
        bandwidth: The factor c, at most 1: one positive number or one for each feature.

    References:
        Kyriienko, Paine and Elfving, arXiv:2011.10395.

    Examples:
        >>> from qiskit_qml_ext.circuits import ChebyshevTowerFeatureMap
        >>> ChebyshevTowerFeatureMap(qubits_per_feature=4).num_qubits(2)
        8
    """

    name: ClassVar[str] = "chebyshev-tower"

    def __init__(
        self,
        *,
        qubits_per_feature: int = 2,
        reps: int = 1,
        entanglement: Entanglement = "none",
        bandwidth: Bandwidth = 1.0,
    ):
        self.qubits_per_feature = qubits_per_feature
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def _degrees(self) -> list[int]:
        return list(range(1, whole_number("qubits_per_feature", self.qubits_per_feature) + 1))
