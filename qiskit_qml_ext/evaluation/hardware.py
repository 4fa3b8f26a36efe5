"""What the quantum kernel costs on a device: gates, circuits, shots, time, and how often a run is free of errors."""

import math
from dataclasses import asdict, dataclass

from qiskit.providers import BackendV2

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.estimate import rounded
from qiskit_qml_ext.diagnostics.price import SHOTS_PER_SECOND, duration
from qiskit_qml_ext.diagnostics.shots import ShotsToResolve
from qiskit_qml_ext.evaluation.formatting import count
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.kernels.plan import shots_to_tell_apart
from qiskit_qml_ext.primitives import Connection, connect
from qiskit_qml_ext.primitives.pricing.circuit_price import error_free_fraction
from qiskit_qml_ext.primitives.targets import fake_backend

REFERENCE_DEVICE = "fake_sherbrooke"
"""The device whose gates, couplings and reported errors are used when the kernel did not run on a device."""


WITHOUT_ERRORS = "without the errors of a device"
"""The entries as they are on a perfect device."""
_MOST_SHOTS = 1e12  # beyond it, a number of shots for one circuit is not worth writing


@dataclass(frozen=True)
class CircuitCost:
    """A kernel circuit (compute-uncompute) in a target's own gates.

    Attributes:
        target: The name of the target.
        num_qubits: How many qubits it acts on.
        depth: Its depth, measurements included.
        two_qubit_gates: The number of gates on two or more qubits.
        error_free: The estimated fraction of runs without any gate or readout error: the product of (1 - error) over
            all gates and measurements, from the errors that the device reported. None where no errors are known.
    """

    target: str
    num_qubits: int
    depth: int
    two_qubit_gates: int
    error_free: float | None

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary."""
        return asdict(self)


@dataclass(frozen=True)
class HardwareCost:
    """What one fit would take on a device.

    Attributes:
        circuit: The kernel circuit on the device.
        circuits_per_fit: The number of pairs of different training samples.
        shots_per_circuit: Shots at which the error of an entry is half of the spread of the entries; ``inf`` if no
            number is enough. A model may need many times more.
        seconds_per_fit: Processor time at ``SHOTS_PER_SECOND``.
        basis: Of which entries the shots are: as they were measured, or without the errors of a device.
        shots_with_errors: The same shots if each of the reported errors leaves nothing of the signal; None where the
            entries were measured with errors, or no errors are known.
    """

    circuit: CircuitCost
    circuits_per_fit: int
    shots_per_circuit: float
    seconds_per_fit: float
    basis: str = WITHOUT_ERRORS
    shots_with_errors: float | None = None

    @property
    def shots_per_fit(self) -> float:
        """All shots of one fit."""
        return self.circuits_per_fit * self.shots_per_circuit

    def sentence(self) -> str:
        """Say it in words."""
        circuit = self.circuit
        if math.isinf(self.shots_per_circuit):
            need = "On hardware: the entries of this kernel are all the same, so no number of shots tells them apart."
            if self.basis != WITHOUT_ERRORS:  # few shots may hide a spread, but do not rule it out
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
        gates = f"{circuit.two_qubit_gates:,} two-qubit gates" if circuit.two_qubit_gates else "no two-qubit gate"
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
        """Return the fields as a dictionary."""
        return {**asdict(self), "shots_per_fit": self.shots_per_fit}


def circuit_cost(feature_map: FeatureMap, num_features: int, connection: Connection, target: object) -> CircuitCost:
    """Transpile the kernel circuit for a connection and count what it consists of.

    Args:
        feature_map: The encoding.
        num_features: How many features it encodes.
        connection: Where the circuit is to run.
        target: The backend behind the connection if there is one, for its reported errors.
    """
    kernel = FidelityKernel(feature_map, connection=connection)
    isa = connection.isa_circuit(kernel.circuit(num_features))
    gates = sum(len(i.qubits) > 1 and i.operation.name not in ("barrier", "measure") for i in isa.data)
    used = {
        qubit for instruction in isa.data if instruction.operation.name != "barrier" for qubit in instruction.qubits
    }
    return CircuitCost(
        target=connection.target_name,
        num_qubits=len(used),
        depth=isa.depth(),
        two_qubit_gates=gates,
        error_free=error_free_fraction(isa, target.target) if isinstance(target, BackendV2) else None,
    )


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
        target: The target of the evaluation; unless it is a device or a fake one, ``REFERENCE_DEVICE`` is looked at.
        num_train: The number of different training samples.
        shots: The shots of each circuit, with the entries that they are for.
        seed: Seed of the transpiler.
        measured: Whether these shots are for the entries as they were measured, not for exact ones.

    Returns:
        The cost; None if the device has too few qubits.
    """
    device = device_of(target) or fake_backend(REFERENCE_DEVICE)
    if feature_map.num_qubits(num_features) > device.num_qubits:
        return None
    circuit = circuit_cost(feature_map, num_features, connect(device, seed=seed), device)
    pairs = num_train * (num_train - 1) // 2
    need = shots.to_tell_apart
    seconds, basis = pairs * need / SHOTS_PER_SECOND, "as they were measured" if measured else WITHOUT_ERRORS
    errors = None
    if not measured and circuit.error_free is not None:
        errors = shots_to_tell_apart(shots.mean, shots.variance, intact=circuit.error_free)
    return HardwareCost(circuit, pairs, need, seconds, basis, errors)


def device_of(target: object) -> BackendV2 | None:
    """Return the device that a target means, or None for plain simulators and connections."""
    if isinstance(target, str) and target.startswith("fake_"):
        return fake_backend(target)
    if isinstance(target, BackendV2) and not type(target).__module__.startswith("qiskit_aer"):
        return target
    return None
