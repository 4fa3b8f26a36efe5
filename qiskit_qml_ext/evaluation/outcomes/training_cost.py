"""What training a variational model costs on a device: circuits, time, and how often a run is free of errors."""

from dataclasses import dataclass

from qiskit.exceptions import QiskitError

from qiskit_qml_ext.diagnostics.diagnosis.price import duration
from qiskit_qml_ext.diagnostics.results.result import plain
from qiskit_qml_ext.evaluation.formatting import count, plural
from qiskit_qml_ext.evaluation.hardware import REFERENCE_DEVICE
from qiskit_qml_ext.evaluation.outcomes.training_record import TrainingLength
from qiskit_qml_ext.evaluation.planning.training import TrainingCircuits
from qiskit_qml_ext.exceptions import QmlExtError
from qiskit_qml_ext.primitives import CircuitPrice, connect
from qiskit_qml_ext.primitives.pricing import SHOTS_PER_SECOND

SHOTS = 1000
"""Shots of each circuit that the time is for; how many a training needs is not known before."""


@dataclass(frozen=True)
class TrainingCost:
    """What one training would take on a device, without the search."""

    circuit: CircuitPrice
    """One circuit of a gradient in the gates of the device that it names."""
    circuits: int
    """All circuits of one training, by parameter shifts."""
    length: TrainingLength
    """How long it is."""

    @property
    def seconds(self) -> float:
        """Processor time with ``SHOTS`` shots of each circuit at ``SHOTS_PER_SECOND``."""
        return self.circuits * SHOTS / SHOTS_PER_SECOND

    def sentence(self) -> str:
        """Say it in words."""
        circuit, length, clean = self.circuit, self.length, ""
        if circuit.error_free is not None:
            part = "fewer than 1 in 1,000" if circuit.error_free < 0.001 else f"about {100 * circuit.error_free:.2g} %"
            clean = f"; by its reported errors, {part} of the runs are free of errors"
        gates = plural(circuit.two_qubit_gates, "two-qubit gate") if circuit.two_qubit_gates else "no two-qubit gate"
        return (
            f"On hardware: one training of the variational model with {plural(length.num_weights, 'weight')}, "
            f"{length.in_words()}, takes {count(self.circuits)} circuits by parameter shifts, without the search: for "
            f"each sample the value and two circuits for each rotation that is trained. If {SHOTS:,} shots of each are "
            f"enough, that is about {duration(self.seconds)} of processor time at {SHOTS_PER_SECOND:,} shots "
            f"a second. On {circuit.target} a circuit has {gates} and depth {circuit.depth:,}{clean}."
        )

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain numbers, texts and dictionaries."""
        fields = plain(self)
        del fields["circuit"]["seconds_per_shot"]  # ``seconds`` is at the usual rate, whatever the circuit takes
        fields |= fields.pop("length")
        return {**fields, "shots_per_circuit": SHOTS, "seconds": self.seconds}


def training_cost(training: TrainingCircuits, length: TrainingLength, *, seed: int) -> TrainingCost | None:
    """Estimate what one training takes on ``REFERENCE_DEVICE``.

    Args:
        training: What one gradient of one sample is there.
        length: How long the training is.
        seed: Seed of the transpiler.

    Returns:
        The cost; None if the device cannot run the circuit.
    """
    connection = connect(REFERENCE_DEVICE, seed=seed, fractional=False)
    if connection.num_qubits is not None and training.circuit.num_qubits > connection.num_qubits:
        return None
    try:
        price = connection.price(training.circuit)
    except (QmlExtError, QiskitError):
        return None
    return TrainingCost(price, length.passes * length.num_samples * training.number, length)
