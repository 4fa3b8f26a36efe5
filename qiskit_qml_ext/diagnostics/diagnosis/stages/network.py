"""What was assumed of a network, and what its diagnosis cannot tell."""

from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft


class NetworkAssumptions:
    """What was assumed of a network."""

    def perform(self, request: CircuitRequest, draft: Draft) -> None:
        """Say what was assumed."""
        if request.network is not None and request.network.note:
            draft.skip("", request.network.note)


class NetworkWidth:
    """That a network has one width."""

    def perform(self, request: CircuitRequest, draft: Draft) -> None:
        """Advise to diagnose its ansatz."""
        if request.network is not None:
            draft.advise(
                "diagnose_ansatz",
                "A network of one width cannot tell how its gradient scales with the number of qubits: diagnose its "
                "ansatz too.",
            )
