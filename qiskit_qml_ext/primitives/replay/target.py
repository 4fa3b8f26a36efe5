"""What stands for the device of a data set: it says what that said, and measures nothing."""

import json
from collections.abc import Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.journal.work.keys import Repetitions
from qiskit_qml_ext.primitives.pricing import DEFAULT_REP_DELAY, CircuitPrice
from qiskit_qml_ext.primitives.replay.measured import Measured
from qiskit_qml_ext.primitives.replay.primitives import ReplayEstimator, ReplaySampler
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS, precision_of
from qiskit_qml_ext.primitives.targets import Target
from qiskit_qml_ext.primitives.targets.isa import is_isa, phase_gates_as_rotations
from qiskit_qml_ext.primitives.targets.snapshot import device_of
from qiskit_qml_ext.primitives.targets.target import Answer
from qiskit_qml_ext.primitives.targets.transpiling import pass_manager_for

_SAID = (
    "num_qubits",
    "max_executions_per_job",
    "is_fake",
    "applies_matrices",
    "draws_normal_noise",
    "draws_by_seed",
    "may_repeat_noise",
    "fractional",
)


class ReplayTarget(Target):
    """A device that was measured, as far as a data set tells.

    What it is like decides which circuits a program asks for, so it says the same as the target that measured.

    Args:
        measured: What was measured.
    """

    given = ("a folder that Journal.export wrote",)

    def __init__(self, measured: Measured):
        self.measured = measured
        self._about: dict[str, Any] = measured.run.get("target", {})
        self.name = str(self._about.get("name", measured.target))
        for name in _SAID:
            if name in self._about:
                setattr(self, name, self._about[name])
        self.data_set = measured.data.fingerprint
        self.default_shots = measured.usual_shots or DEFAULT_SHOTS
        self._device: DeviceTarget | None = None

    @property
    def device(self) -> DeviceTarget | None:
        """What the device reported of its qubits and gates when the last job was submitted."""
        told = [job["device"] for job in self.measured.jobs if job["device"] is not None]
        if self._device is None and told:
            self._device = device_of(json.loads(self.measured.data.file(told[-1])))
        return self._device

    def conditions(self, primitive: str) -> tuple[str, ...]:
        """Return what was on when it was measured."""
        return tuple(self._about.get("conditions", {}).get(primitive, ()))

    @property
    def operation_names(self) -> frozenset[str]:
        """The names by which the target knew its own instructions."""
        return frozenset(self._about.get("operation_names", ()))

    @property
    def runs_here(self) -> bool:
        """Whether circuits were simulated on a machine like this one, where a job costs nothing but time."""
        return bool(self._about.get("runs_here", True))

    @property
    def rep_delay(self) -> float:
        """The time in seconds between two shots."""
        return float(self._about.get("rep_delay", DEFAULT_REP_DELAY))

    def sampler(self, shots: int, seed: int | None) -> ReplaySampler:
        """Return a sampler that gives what was measured."""
        return ReplaySampler(self.measured, shots, repetitions=Repetitions())

    def estimator(self, shots: int | None, seed: int | None) -> ReplayEstimator:
        """Return an estimator that gives what was measured."""
        return ReplayEstimator(self.measured, precision_of(shots), repetitions=Repetitions())

    def transpile(self, circuit: QuantumCircuit, optimization_level: int, seed: int | None) -> None:
        """Return ``None``: results are found by the circuit as it was built."""

    def dry_run(self, pubs: Sequence[SamplerPub]) -> Answer:
        """Say that nothing runs."""
        return Answer(None, f"a replay of {self.name} runs nothing, so nothing is submitted or refused.")

    def price(self, circuit: QuantumCircuit) -> CircuitPrice:
        """Return what a circuit takes there; one that was not measured is transpiled for what the device reported."""
        if self.device is not None and not is_isa(circuit, self.device):
            manager = pass_manager_for(self.device, 1, 0, num_qubits=circuit.num_qubits)
            circuit = manager.run(phase_gates_as_rotations(circuit))
        return super().price(circuit)
