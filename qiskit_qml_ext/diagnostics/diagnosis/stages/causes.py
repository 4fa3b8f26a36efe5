"""What holds the gradient down."""

import math

from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import FIRST_LOOK_QUBITS, CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import Noise, device_qubits, noisy_simulator
from qiskit_qml_ext.diagnostics.trainability.causes import PlateauCauses, plateau_causes
from qiskit_qml_ext.diagnostics.trainability.initializations import CAUTION

_MAX_NOISY_QUBITS = 8  # density matrices of more qubits take seconds each


class Causes(Measurement[CircuitRequest, PlateauCauses]):
    """One change at a time: what raises the derivatives."""

    key = "plateau_causes"
    heading = "What holds the gradient down"

    def why_not(self, request: CircuitRequest, draft: Draft) -> str | None:
        """Leave out circuits that are too wide, and losses that do not change."""
        if request.width > FIRST_LOOK_QUBITS:
            return ""  # see TooWide
        if draft.has_found("loss_constant"):
            return "Causes, initial angles and noise: no parameter changes the loss."
        return None

    def run(self, request: CircuitRequest, draft: Draft) -> PlateauCauses:
        """Change one thing at a time."""
        return plateau_causes(
            request.here,
            request.observable,
            num_qubits=request.width,
            distribution=request.distribution,
            noise=self._noise(request, draft),
            parameters=request.parameters,
            num_samples=request.num_samples,
            seed=request.here_seed,
        )

    def read(self, result: PlateauCauses, request: CircuitRequest, draft: Draft) -> None:
        """Say what raises the derivatives, and what to try."""
        read_causes(result, draft)

    def _noise(self, request: CircuitRequest, draft: Draft) -> "Noise | None":
        """The noise whose share in it can be simulated in a first look."""
        noise = request.possible_noise
        if noise is None:
            return None
        device = device_qubits(noisy_simulator(noise)[0])
        if device is not None and request.width > device:
            reason = f"the circuit has {request.width} qubits, the device {device}."
        elif request.width > _MAX_NOISY_QUBITS:
            reason = f"{request.width} qubits with noise take too long for a first look."
        else:
            return noise
        draft.skip(self.key, f"Noise as a cause: {reason}")
        return None


def read_causes(causes: PlateauCauses, draft: Draft) -> None:
    """Say what raises the derivatives, and what to try."""
    if not causes.causes:
        return
    draft.find("unknown", "causes", causes.headline())
    for change in causes.helpful:
        gain = f"{change.gain.value:.2g}" if math.isfinite(change.gain.high) else f"at least {change.gain.low:.2g}"
        place = caution = ""
        if change.loss_mean is not None and causes.loss_mean is not None:
            place = f"; mean loss there {change.loss_mean}, before {causes.loss_mean}"
            caution = f" {CAUTION}"
        draft.advise(
            "lift_cause",
            f"{change.advice[0].upper()}{change.advice[1:]} (square of a typical derivative × {gain}{place}).{caution}",
        )
