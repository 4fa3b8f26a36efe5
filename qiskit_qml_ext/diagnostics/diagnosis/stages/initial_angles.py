"""From which angles to start."""

from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import FIRST_LOOK_QUBITS, CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement
from qiskit_qml_ext.diagnostics.trainability.initializations import InitializationComparison, compare_initializations


class InitialAngles(Measurement[CircuitRequest, InitializationComparison]):
    """The gradient under several distributions of the initial angles."""

    key = "compare_initializations"
    heading = "Initial angles"

    def why_not(self, request: CircuitRequest, draft: Draft) -> str | None:
        """Leave out what is too wide, networks, whose inputs are data, and losses that do not change."""
        wide = request.width > FIRST_LOOK_QUBITS
        return "" if wide or request.network is not None or draft.has_found("loss_constant") else None

    def run(self, request: CircuitRequest, draft: Draft) -> InitializationComparison:
        """Compare."""
        return compare_initializations(
            request.here,
            request.observable,
            num_qubits=request.width,
            num_samples=request.num_samples,
            seed=request.here_seed,
        )

    def read(self, result: InitializationComparison, request: CircuitRequest, draft: Draft) -> None:
        """Advise the distribution with the largest gradient, if there is one."""
        if result.best is not None:
            draft.advise("initial_angles", f"{self.heading}: {result.headline()}")
