"""Honest comparisons: quantum models beside their controls and classical models, on the same folds.

**Rooms**, each importing only from those before it:

- ``protocol``: how every model is prepared, tuned and tested
- ``judgement``: one test for two models, one verdict for all
- ``planning``: what was asked, checked and counted, until it is a plan that can run
- ``outcomes``: what came out of every model on every fold, and the record of all of it
- ``report``: how a record is shown; a section is a file in ``report/sections`` and a line in its list
"""

from qiskit_qml_ext.evaluation.evaluating import evaluate, run_plan
from qiskit_qml_ext.evaluation.judgement.t_test import Comparison, corrected_t_test
from qiskit_qml_ext.evaluation.judgement.verdict import Verdict
from qiskit_qml_ext.evaluation.outcomes.model_result import ModelResult
from qiskit_qml_ext.evaluation.planning.evaluation_plan import EvaluationPlan
from qiskit_qml_ext.evaluation.planning.steps import plan_evaluation
from qiskit_qml_ext.evaluation.report.document import json_schema
from qiskit_qml_ext.evaluation.result import Evaluation

__all__ = [
    "Comparison",
    "Evaluation",
    "EvaluationPlan",
    "ModelResult",
    "Verdict",
    "corrected_t_test",
    "evaluate",
    "json_schema",
    "plan_evaluation",
    "run_plan",
]
