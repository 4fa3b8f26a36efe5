"""How far the kernel is from classical ones: what bounds license, where the scores do not answer it already."""

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.kernel_request import KernelRequest
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement
from qiskit_qml_ext.diagnostics.kernels.concentration import KernelConcentration
from qiskit_qml_ext.diagnostics.kernels.geometric_difference import GeometricDifference, geometric_difference
from qiskit_qml_ext.diagnostics.kernels.model_complexity import is_class
from qiskit_qml_ext.diagnostics.kernels.scores import KernelScores


class Difference(Measurement[KernelRequest, GeometricDifference]):
    """The geometry of the kernel beside that of classical ones; :class:`DifferenceRead` reads it."""

    key = "geometric_difference"
    heading = "Difference from classical kernels"

    def why_not(self, request: KernelRequest, draft: Draft) -> str | None:
        """Leave it out without a matrix."""
        return "" if draft.result(KernelConcentration) is None else None

    def run(self, request: KernelRequest, draft: Draft) -> GeometricDifference:
        """Compare on the same samples."""
        targets = None if request.labels is None else _targets(request.labels)
        return geometric_difference(quantum_matrix(draft), y=targets, classical=request.classical)


class DifferenceRead:
    """What the bounds say, once the scores are known."""

    def perform(self, request: KernelRequest, draft: Draft) -> None:
        """Say what the bounds license, where they do, and where the scores do not answer the question already."""
        difference, scores = draft.result(GeometricDifference), draft.result(KernelScores)
        if difference is None:
            return
        ranking, conclusion = None if scores is None else scores.ranking, difference.conclusion
        if conclusion == "bound_carries_over" and ranking not in ("quantum_scores_higher", "nothing_learned"):
            draft.find("unknown", conclusion, difference.headline())
            if ranking is None and difference.simplest is not None:
                draft.advise(
                    "classical_first",
                    f"Try {difference.simplest.name} first: of the classical kernels it is the one for which these "
                    "labels "
                    "have the smallest complexity.",
                )
        elif conclusion == "labels_simpler_for_quantum" and ranking in (None, "scores_alike", "quantum_scores_higher"):
            draft.find("unknown", conclusion, difference.headline())


def quantum_matrix(draft: Draft) -> FloatArray:
    """Return the kernel matrix that was measured, as one that a kernel can have."""
    concentration = draft.result(KernelConcentration)
    assert concentration is not None  # stages that need it do not apply without it
    matrix = concentration.last.matrix
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    # a sampled matrix may have negative eigenvalues, which no kernel has: raise the diagonal by the smallest of them
    return matrix if lowest >= 0 else matrix - lowest * np.eye(len(matrix))


def _targets(labels: "AnyArray") -> "AnyArray":
    """Classes as they are, values standardised, so that their unit does not matter."""
    if is_class(labels):
        return labels
    numbers = np.asarray(labels, dtype=np.float64)
    return np.asarray((numbers - numbers.mean()) / max(float(numbers.std()), 1e-300))
