"""Honest comparisons: a quantum kernel beside its control and classical models, on the same folds."""

from qiskit_qml_ext.evaluation.planning import Plan, plan_evaluation
from qiskit_qml_ext.evaluation.protocol import evaluate, run_plan
from qiskit_qml_ext.evaluation.results import Evaluation, ModelResult
from qiskit_qml_ext.evaluation.schema import json_schema
from qiskit_qml_ext.evaluation.statistics import Comparison, corrected_t_test
from qiskit_qml_ext.evaluation.verdict import Verdict

__all__ = [
    "Comparison",
    "Evaluation",
    "ModelResult",
    "Plan",
    "Verdict",
    "corrected_t_test",
    "evaluate",
    "json_schema",
    "plan_evaluation",
    "run_plan",
]
