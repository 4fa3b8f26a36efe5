"""What states the circuit prepares: how evenly they fill the space, and how entangled they are. Evidence only."""

from qiskit_qml_ext.diagnostics.descriptors.entanglement import StateDescriptor, entangling_capability
from qiskit_qml_ext.diagnostics.descriptors.expressibility import Expressibility, expressibility
from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement

_MAX_QUBITS = 10  # thousands of states of more qubits take too long for a first look
_FEWEST_PAIRS = 2000
_BINS = 40
_STATES = 500


class Expressiveness(Measurement[CircuitRequest, Expressibility]):
    """How close the states are to Haar-random ones."""

    key = "expressibility"
    heading = "Expressibility"

    def why_not(self, request: CircuitRequest, draft: Draft) -> str | None:
        """Leave out what is too wide, and networks, whose inputs are data."""
        return _why_no_states(request)

    def run(self, request: CircuitRequest, draft: Draft) -> Expressibility:
        """Compare fidelities."""
        pairs = max(_FEWEST_PAIRS, request.num_samples)
        return expressibility(
            request.here, num_qubits=request.width, num_pairs=pairs, num_bins=_BINS, seed=request.here_seed
        )


class Entanglement(Measurement[CircuitRequest, StateDescriptor]):
    """How entangled the states are."""

    key = "entangling_capability"
    heading = "Entanglement"

    def why_not(self, request: CircuitRequest, draft: Draft) -> str | None:
        """Leave out what is too wide, and networks, whose inputs are data."""
        return _why_no_states(request)

    def run(self, request: CircuitRequest, draft: Draft) -> StateDescriptor:
        """Average the Meyer-Wallach measure."""
        return entangling_capability(
            request.here, num_qubits=request.width, num_samples=_STATES, seed=request.here_seed
        )


def _why_no_states(request: CircuitRequest) -> str | None:
    return "" if request.network is not None or request.width > _MAX_QUBITS else None
