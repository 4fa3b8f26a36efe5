"""What the quantum kernel costs on a device: gates, circuits, shots, time, and how often a run is free of errors."""

import math
from dataclasses import dataclass

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.diagnosis.price import duration
from qiskit_qml_ext.diagnostics.kernels.shots import ShotsToResolve
from qiskit_qml_ext.diagnostics.results.result import plain, rounded
from qiskit_qml_ext.evaluation.formatting import count, plural
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.kernels.plan import shots_to_tell_apart
from qiskit_qml_ext.primitives import CircuitPrice, Connection, connect
from qiskit_qml_ext.primitives.pricing import SHOTS_PER_SECOND

REFERENCE_DEVICE = "fake_fez"
"""The device whose couplings, reported errors and ordinary gates, without fractional ones, are used where the target is
none and simulates none."""

_MOST_SHOTS = 1e12  # beyond it, a number of shots for one circuit is not worth writing


@dataclass(frozen=True)
class HardwareCost:
    """What one fit would take on a device."""

    circuit: CircuitPrice
    """The kernel circuit (compute-uncompute) in the gates of the device that it names."""
    circuits_per_fit: int
    """The number of pairs of different training samples."""
    shots_per_circuit: float
    """Shots at which the error of an entry is half of the spread of the entries; ``inf`` if no number is enough. A
    model may need many times more."""
    seconds_per_fit: float
    """Processor time at ``SHOTS_PER_SECOND``."""
    measured: bool = False
    """Whether the shots are for the entries as they were measured; else for exact ones, without errors of a device."""
    shots_with_errors: float | None = None
    """The same shots if each of the reported errors leaves nothing of the signal; None where the entries were measured
    with errors, or no errors are known."""

    @property
    def basis(self) -> str:
        """Of which entries the shots are, in words."""
        return "as they were measured" if self.measured else "without the errors of a device"

    @property
    def shots_per_fit(self) -> float:
        """All shots of one fit."""
        return self.circuits_per_fit * self.shots_per_circuit

    def sentence(self) -> str:
        """Say it in words."""
        circuit = self.circuit
        if math.isinf(self.shots_per_circuit):
            need = "On hardware: the entries of this kernel are all the same, so no number of shots tells them apart."
            if self.measured:  # few shots may hide a spread, but do not rule it out
                need = "On hardware: as measured, no spread of the entries is seen beyond the noise of the shots."
        else:
            time = f"about {duration(self.seconds_per_fit)} of processor time at {SHOTS_PER_SECOND:,} shots a second"
            need = (
                f"On hardware: one fit takes {count(self.circuits_per_fit)} circuits. From "
                f"{count(self.shots_per_circuit)} shots each on, {self.basis} ({time}), the error of an entry is half "
                f"of the spread of the entries{self._with_errors()}. A model may need many times more."
            )
        clean = ""
        if circuit.error_free is not None:
            part = "fewer than 1 in 1,000" if circuit.error_free < 0.001 else f"about {100 * circuit.error_free:.2g} %"
            clean = f"; by its reported errors, {part} of the runs are free of errors"
        gates = plural(circuit.two_qubit_gates, "two-qubit gate") if circuit.two_qubit_gates else "no two-qubit gate"
        return f"{need} On {circuit.target} a circuit has {gates} and depth {circuit.depth:,}{clean}."

    def _with_errors(self) -> str:
        """The shots if no signal survives an error, and their time."""
        shots = self.shots_with_errors
        if shots is None or shots <= self.shots_per_circuit:
            return ""
        condition = "; if an error leaves nothing of the signal, it takes"
        if shots > _MOST_SHOTS:
            return f"{condition} more shots than anybody runs"
        return f"{condition} {rounded(shots)} ({duration(self.circuits_per_fit * shots / SHOTS_PER_SECOND)})"

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain numbers, texts and dictionaries; numbers that are not finite are None."""
        fields = plain(self)
        del fields["circuit"][
            "seconds_per_shot"
        ]  # ``seconds_per_fit`` is at the usual rate, whatever the circuit takes
        return {**fields, "basis": self.basis, "shots_per_fit": plain(self.shots_per_fit)}


def kernel_circuit_price(feature_map: FeatureMap, num_features: int, connection: Connection) -> CircuitPrice:
    """Return what the kernel circuit (compute-uncompute) takes where a connection runs it.

    Args:
        feature_map: The encoding.
        num_features: How many features it encodes.
        connection: Where the circuit is to run.
    """
    return connection.price(FidelityKernel(feature_map, connection=connection).circuit(num_features))


def hardware_cost(
    feature_map: FeatureMap,
    num_features: int,
    *,
    target: object,
    num_train: int,
    shots: ShotsToResolve,
    seed: int,
    measured: bool = False,
) -> HardwareCost | None:
    """Estimate what one fit takes on a device.

    Args:
        feature_map: The encoding.
        num_features: How many features it encodes.
        target: The target of the evaluation: a connection, or what :func:`~qiskit_qml_ext.primitives.connect` takes. A
            device, a fake of one and a simulator of one are looked at themselves, by a connection as it transpiles;
            for all others ``REFERENCE_DEVICE`` is, and the cost says so.
        num_train: The number of different training samples.
        shots: The shots of each circuit, with the entries that they are for.
        seed: Seed of the transpiler, where the target is no connection.
        measured: Whether these shots are for the entries as they were measured, not for exact ones.

    Returns:
        The cost; None if the device has too few qubits.
    """
    connection = target if isinstance(target, Connection) else connect(target, seed=seed)
    if connection.device is None:
        connection = connect(REFERENCE_DEVICE, seed=seed, fractional=False)
    available = connection.num_qubits
    if available is not None and feature_map.num_qubits(num_features) > available:
        return None
    circuit = kernel_circuit_price(feature_map, num_features, connection)
    pairs = num_train * (num_train - 1) // 2
    need = shots.to_tell_apart
    errors = None
    if not measured and circuit.error_free is not None:
        errors = shots_to_tell_apart(shots.mean, shots.variance, intact=circuit.error_free)
    return HardwareCost(circuit, pairs, need, pairs * need / SHOTS_PER_SECOND, measured, errors)
