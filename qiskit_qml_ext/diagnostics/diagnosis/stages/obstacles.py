"""What is left out of a diagnosis, said once for all the stages that it concerns."""

from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import FIRST_LOOK_QUBITS, CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.stages.causes import Causes
from qiskit_qml_ext.diagnostics.diagnosis.stages.descriptors import Entanglement, Expressiveness
from qiskit_qml_ext.diagnostics.diagnosis.stages.initial_angles import InitialAngles
from qiskit_qml_ext.diagnostics.diagnosis.stages.noise import NoiseWithDepth


class TooWide:
    """An ansatz or a circuit of which hundreds of states, at several angles, are too many."""

    def perform(self, request: CircuitRequest, draft: Draft) -> None:
        """Say so."""
        if request.width > FIRST_LOOK_QUBITS and request.network is None:
            draft.skip(
                ", ".join(stage.key for stage in (Causes, InitialAngles, Expressiveness, Entanglement)),
                f"Causes, initial angles and descriptors: {request.width} qubits are more than {FIRST_LOOK_QUBITS}.",
            )


class NoNoise:
    """An observable for which noise is not simulated."""

    def perform(self, request: CircuitRequest, draft: Draft) -> None:
        """Say so, if noise was given."""
        if request.noise is not None and request.possible_noise is None:
            draft.skip(NoiseWithDepth.key, "Noise: it is simulated for Pauli sums only, and the observable is none.")
