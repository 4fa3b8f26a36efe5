"""Which kernel predicts the labels best, in a cross-validation on the same folds."""

from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.findings import Level
from qiskit_qml_ext.diagnostics.diagnosis.kernel_request import KernelRequest
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement
from qiskit_qml_ext.diagnostics.diagnosis.stages.difference import quantum_matrix
from qiskit_qml_ext.diagnostics.kernels.concentration import KernelConcentration
from qiskit_qml_ext.diagnostics.kernels.scores import KernelScores, kernel_scores, why_no_scores


class Scores(Measurement[KernelRequest, KernelScores]):
    """The kernel and classical ones on the same folds."""

    key = "kernel_scores"
    heading = "Kernels in cross-validation"

    def why_not(self, request: KernelRequest, draft: Draft) -> str | None:
        """Leave it out without labels or a matrix, and refuse what cannot be told apart."""
        if request.labels is None or draft.result(KernelConcentration) is None:
            return ""
        reason = why_no_scores(request.labels, request.samples)
        return None if reason is None else f"{self.heading}: {reason}"

    def run(self, request: KernelRequest, draft: Draft) -> KernelScores:
        """Score them all."""
        assert request.labels is not None  # see why_not
        return kernel_scores(
            quantum_matrix(draft), request.classical, request.labels, X=request.samples, seed=request.seed
        )

    def read(self, result: KernelScores, request: KernelRequest, draft: Draft) -> None:
        """Say which kernel scores best."""
        # ahead on one division into folds is not yet better: the error leaves out that other training sets differ
        level: Level = "bad" if result.ranking == "classical_scores_as_well" else "unknown"
        meaning = {
            "nothing_learned": " None of them is clearly better than the guess.",
            "scores_alike": f" The difference is within twice its error: {result.best.ahead}.",
            "quantum_scores_higher": f" The quantum kernel is ahead by {result.best.ahead}, not counting how much "
            "other "
            "training sets would change that.",
        }
        ranking = result.ranking
        draft.find(level, ranking, result.headline() + meaning.get(ranking, ""))
        if ranking == "classical_scores_as_well":
            draft.advise(
                "classical_first",
                f"Use a classical kernel first: {result.best.name} scores {result.best.score:.3f} on these folds, the "
                f"quantum kernel {result.quantum.score:.3f}. (It is the best of {len(result.classical)}, the quantum "
                "kernel has one bandwidth: evaluate tunes all of them.)",
            )
        elif ranking != "nothing_learned":
            draft.advise(
                "compare_on_same_folds",
                "Only tuned models on the same folds show an advantage: compare them with evaluate before you rely on "
                "it.",
            )
