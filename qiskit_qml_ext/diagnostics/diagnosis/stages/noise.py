"""How noise damps the variance with the depth."""

import math

from qiskit_qml_ext.circuits import Ansatz
from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement
from qiskit_qml_ext.diagnostics.results.result import counted, rounded
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import device_qubits, noisy_simulator
from qiskit_qml_ext.diagnostics.trainability.noise_plateau import NoiseInducedPlateau, noise_induced_plateau

_STUDY_QUBITS = 6  # five depths of so many qubits with noise take seconds


class NoiseWithDepth(Measurement[CircuitRequest, NoiseInducedPlateau]):
    """The variance with noise and without, of a template whose depth grows."""

    key = "noise_induced_plateau"
    heading = "Noise"

    def why_not(self, request: CircuitRequest, draft: Draft) -> str | None:
        """Leave out circuits of one depth, and losses that do not change."""
        if request.possible_noise is None or not isinstance(request.subject, Ansatz):
            return ""
        if "reps" not in request.subject.get_params():
            return "Noise: the template has no setting reps, so its depth cannot grow."
        return "" if draft.has_found("loss_constant") else None

    def run(self, request: CircuitRequest, draft: Draft) -> NoiseInducedPlateau:
        """Study a few depths, on as many qubits as take seconds and as the device has."""
        noise, ansatz = request.possible_noise, request.subject
        assert noise is not None  # see why_not
        assert isinstance(ansatz, Ansatz)
        narrow = min(request.width, _STUDY_QUBITS, device_qubits(noisy_simulator(noise)[0]) or request.width)
        return noise_induced_plateau(ansatz, request.observable, noise, num_qubits=narrow, seed=request.seed)

    def read(self, result: NoiseInducedPlateau, request: CircuitRequest, draft: Draft) -> None:
        """Say how noise damps the variance, at the width that was simulated."""
        if math.isnan(result.decay_rate.value):  # noise took all the variance, or there was none
            lost = result.num_trajectories is None and any(clean.value > 0 for clean in result.clean_variances)
            draft.find("bad" if lost else "unknown", "noise_damps" if lost else "noise_unclear", result.headline())
            return
        damps, depth = result.decay_rate.low > 0, result.last_useful_depth.value
        bad = damps and depth < result.depths[-1]
        code = "noise_damps" if bad else "noise_damps_slowly" if damps else "noise_unclear"
        draft.find("bad" if bad else "unknown", code, result.headline())
        if bad and depth >= 1:
            elsewhere = f"; {request.width} qubits were not simulated with noise" * (request.width != result.num_qubits)
            where = f"With this noise, at {counted(result.num_qubits, 'qubit')},"
            draft.advise("fewer_layers", f"{where} keep to fewer than {rounded(depth)} layers{elsewhere}.")
