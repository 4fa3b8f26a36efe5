"""The classical kernel that the quantum kernel of an evaluation is most like."""

import numpy as np
from threadpoolctl import threadpool_limits

from qiskit_qml_ext.diagnostics import KernelTwin, rbf_twin
from qiskit_qml_ext.evaluation.outcomes.kernel_sample import KernelSample
from qiskit_qml_ext.evaluation.planning.evaluation_plan import EvaluationPlan
from qiskit_qml_ext.evaluation.protocol.preparation import quantum_preparation

_MAX_SAMPLES = 200


def twin_of(plan: EvaluationPlan, sample: KernelSample) -> tuple[KernelTwin | None, list[str]]:
    """Find the nearest classical kernel on samples of the training set that a kernel matrix belongs to.

    It is not scored here: the table of all models compares tuned ones on all folds. Nothing is run, and nothing that
    goes wrong costs the user the comparison, which is finished by now.

    Args:
        plan: The checked evaluation.
        sample: The kernel matrix as it was computed or measured.

    Returns:
        The nearest kernels, or None if there are none, and notes for the reader.
    """
    train = plan.splits[sample.fold][0]
    rows = np.unique(np.linspace(0, len(train) - 1, _MAX_SAMPLES).astype(int))
    with threadpool_limits(1):
        try:
            prepare = quantum_preparation(plan.feature_map, num_components=plan.tuning.num_components)
            samples = np.asarray(prepare.fit_transform(plan.dataset.X[train], plan.dataset.y[train]))
            errors = None if plan.settings.is_exact else sample.standard_errors[np.ix_(rows, rows)]
            return rbf_twin(sample.matrix[np.ix_(rows, rows)], samples[rows], standard_errors=errors), []
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            return None, [f"The quantum kernel could not be compared with classical kernels: {reason}"]
