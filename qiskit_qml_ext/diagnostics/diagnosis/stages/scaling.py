"""How the variance of the loss scales with the number of qubits: the verdict that stands first."""

from qiskit_qml_ext.diagnostics.diagnosis.circuit_request import CircuitRequest
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.findings import Level
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement
from qiskit_qml_ext.diagnostics.results.result import counted, rounded
from qiskit_qml_ext.diagnostics.statistics.scaling_fit import ScalingVerdict
from qiskit_qml_ext.diagnostics.trainability.scaling_study import ScalingStudy, scaling_study

_LEVELS: dict[ScalingVerdict, Level] = {
    "barren plateau": "bad",
    "polynomial": "good",
    "constant": "good",
    "undetermined": "unknown",
}


class Scaling(Measurement[CircuitRequest, ScalingStudy]):
    """The scaling of a template whose observable is known at every width."""

    key = "scaling_study"
    heading = "Scaling with the number of qubits"

    def why_not(self, request: CircuitRequest, draft: Draft) -> str | None:
        """Leave out what has one width only."""
        return None if request.widths else ""

    def run(self, request: CircuitRequest, draft: Draft) -> ScalingStudy:
        """Study all widths, and extrapolate to twice the width that was asked for."""
        return scaling_study(
            request.subject,
            request.observable,
            widths=request.widths,
            depths=request.depths,
            num_samples=request.num_samples,
            extrapolate_to=2 * request.width,
            seed=request.seed,
        )

    def read(self, result: ScalingStudy, request: CircuitRequest, draft: Draft) -> None:
        """Put the verdict first."""
        level, meaning = _LEVELS[result.verdict], ""
        if level == "bad":
            meaning = (
                " If that goes on, training a wider circuit from such random angles takes exponentially many shots."
            )
        draft.lead_with(level, result.verdict.replace(" ", "_"), result.headline() + meaning)
        if level == "good":
            draft.advise(
                "ask_for_simulation",
                "Ask whether a classical computer can do the same: circuits without barren plateaus often can be "
                "simulated (arXiv:2312.09121).",
            )
        if result.is_constant_loss and not draft.has_found("loss_constant"):
            draft.advise(
                "measure_what_changes",
                "Measure another observable, or start from another state than |0…0⟩; which of them helps was not "
                "tried.",
            )
        elif level == "unknown" and not result.is_constant_loss:
            draft.find("unknown", "trend_of_the_range", f"Over the widths studied {result.trend}; {result.reason}")
            draft.advise("study_more", "Study more widths or take more samples before you trust any trend.")
        there = result.extrapolation
        if there is not None:
            span = f"{rounded(there.shots.low)} to {rounded(there.shots.high)}"
            how = "as measured" if there.is_measured else "if the trend holds"
            draft.price.append(
                f"At {counted(there.num_qubits, 'qubit')}, {how}: {rounded(there.shots.value)} shots (interval {span}) "
                "of each circuit of the loss, at which it varies as much as its noise."
            )
