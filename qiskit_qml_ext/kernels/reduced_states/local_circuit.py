"""The circuit that measures a sample's state, each qubit along a direction of its own.

After the feature map, RZ(-φ) and RY(-θ) turn the direction n = (sin θ cos φ, sin θ sin φ, cos θ) of a qubit onto z, so
that its outcome is that of n·σ: 0 for +1. The angles are parameters, so that all settings of all samples are rows of
one parametrised circuit: transpiled once, run as one PUB.
"""

from dataclasses import dataclass
from functools import cached_property
from warnings import warn

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import ParameterVector

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning, UnsupportedCircuitError
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.samples import distinct_samples
from qiskit_qml_ext.primitives import Connection, circuit_key
from qiskit_qml_ext.primitives.approximation import (
    NOTICEABLE,
    approximation_in_words,
    circuit_on,
    synthesis_error,
    used_qubits,
)
from qiskit_qml_ext.primitives.content import renamed
from qiskit_qml_ext.program import RotationProgram, approximations, lower, synthesised

REGISTER = "meas"
"""The classical register of the circuit, its only one."""

_MAX_KEPT = 256  # circuits; a kernel that is trained has another one at each step
_PAULI_ANGLES = np.array([[np.nan, np.nan], [np.pi / 2, 0.0], [np.pi / 2, np.pi / 2], [0.0, 0.0]])  # θ, φ of X, Y, Z


@dataclass(frozen=True, eq=False)
class LocalCircuit:
    """What a target runs to measure the states of a feature map."""

    circuit: QuantumCircuit
    """The measured circuit; its parameters are the features, then two angles for each measured qubit."""
    key: str
    """Its content key."""
    feature_map: QuantumCircuit
    """The circuit that it was made of."""
    columns: IndexArray
    """The features that it depends on, ascending."""
    num_measured: int
    """The number of measured qubits: those on which the feature map acts, ascending."""
    approximated: tuple[str, ...]
    """The names of the instructions that run as a product formula instead of their exact exponential."""

    @cached_property
    def program(self) -> RotationProgram | None:
        """The feature map, lowered; ``None`` where only devices can run it."""
        try:
            return lower(self.feature_map)
        except UnsupportedCircuitError:
            return None

    def distinct(self, samples: FloatArray) -> tuple[FloatArray, IndexArray]:
        """Return the samples that the circuit tells apart, and each sample's place among them.

        Features that it does not depend on are 0 there: two samples that differ only in those are measured once, and
        their estimates are the same, not independent ones.
        """
        rows, places = distinct_samples(samples[:, self.columns])
        distinct = np.zeros((len(rows), samples.shape[1]))
        distinct[:, self.columns] = rows
        return distinct, np.arange(len(samples)) if places is None else places

    def error(self, samples: FloatArray) -> float | None:
        """Return by how much the states that run differ from the feature map's; see :func:`synthesis_error`."""
        if not self.approximated:
            return 0.0
        try:
            return synthesis_error(self.feature_map, synthesised(self.feature_map), samples)
        except UnsupportedCircuitError:
            return None

    def check(self, connection: Connection, x: FloatArray, y: FloatArray | None) -> None:
        """Refuse samples out of the circuit's domain, and warn once if the target runs it noticeably differently.

        Raises:
            ValueError: If a sample takes an angle out of its domain.

        Warns:
            ApproximateCircuitWarning: Once for each circuit and connection.
        """
        if self.program is not None:
            check_domain(self.program, None, x, y)
        if self.approximated and connection.results.first(("said", self.key)):
            error = self.error(x if y is None else np.concatenate([x, y]))
            if error is None or error > NOTICEABLE:
                said = approximation_in_words(connection.target_name, self.approximated, error)
                warn(said, ApproximateCircuitWarning, stacklevel=4)


def local_circuit_on(connection: Connection, encoding: Encoding) -> LocalCircuit:
    """Return what a connection runs to measure the states of an encoding, made once for each content.

    A feature map that stands on a device's own qubits in its own gates stays there.
    """
    feature_map, key = encoding.circuit_for(connection)
    place = (key, tuple(parameter.name for parameter in feature_map.parameters))
    return connection.results.once("local circuits", place, lambda: _made(connection, feature_map), limit=_MAX_KEPT)


def pauli_turns(settings: IntArray) -> FloatArray:
    """Return the angles of settings in the order of the circuit's parameters.

    Args:
        settings: The basis of each measured qubit, 1 to 3 for X, Y, Z; shape (settings, qubits).

    Returns:
        Shape (settings, 2 · qubits).
    """
    return turns(*np.moveaxis(_PAULI_ANGLES[settings], -1, 0))


def turns(theta: FloatArray, phi: FloatArray) -> FloatArray:
    """Return the angles of directions in the order of the circuit's parameters.

    Args:
        theta: Polar angles in radians, shape (settings, qubits).
        phi: Azimuths in radians, same shape.

    Returns:
        Shape (settings, 2 · qubits).
    """
    # Adding 0.0 turns -0.0 into 0.0, which is the same angle but not the same bytes.
    return np.stack([-phi, -theta], axis=-1).reshape(len(theta), 2 * theta.shape[1]) + 0.0


def _made(connection: Connection, feature_map: QuantumCircuit) -> LocalCircuit:
    parameters, unitary = feature_map.parameters, feature_map
    in_place = connection.is_isa(feature_map)
    too_wide = connection.num_qubits is not None and connection.num_qubits < feature_map.num_qubits
    if too_wide or connection.applies_matrices:
        unitary = circuit_on(feature_map, used_qubits(feature_map))  # where a qubit's number means nothing
    present = set(unitary.parameters)
    vector = ParameterVector("data", len(parameters))
    states = renamed(unitary, {old: new for old, new in zip(parameters, vector, strict=True) if old in present})
    circuit = _measured(states, used_qubits(unitary))
    if in_place:
        circuit = connection.isa_circuit(circuit, keep_qubits=True)
    kept = [column for column, parameter in enumerate(parameters) if parameter in present]
    approximated = () if connection.applies_matrices else approximations(feature_map)
    return LocalCircuit(
        circuit,
        circuit_key(circuit),
        feature_map,
        np.array(kept, dtype=np.intp),
        len(used_qubits(unitary)),
        tuple(approximated),
    )


def _measured(states: QuantumCircuit, qubits: list[int]) -> QuantumCircuit:
    circuit = QuantumCircuit(
        QuantumRegister(states.num_qubits, "q"), ClassicalRegister(len(qubits), REGISTER), name="local_measurement"
    )
    circuit.compose(states, range(states.num_qubits), inplace=True)
    angles = ParameterVector("turn", 2 * len(qubits))  # after "data", whose parameters come first
    for place, qubit in enumerate(qubits):
        circuit.rz(angles[2 * place], qubit)
        circuit.ry(angles[2 * place + 1], qubit)
    circuit.measure(qubits, range(len(qubits)))
    return circuit
