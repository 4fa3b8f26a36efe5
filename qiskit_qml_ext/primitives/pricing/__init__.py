"""What work takes, before anything runs: the price of a circuit, the plan of many, and budgets that refuse more."""

from qiskit_qml_ext.primitives.pricing.budget import Budget
from qiskit_qml_ext.primitives.pricing.circuit_price import (
    DEFAULT_REP_DELAY,
    SHOTS_PER_SECOND,
    CircuitPrice,
    error_free_fraction,
    price_of,
)
from qiskit_qml_ext.primitives.pricing.job_time import JobTime
from qiskit_qml_ext.primitives.pricing.quota import FROM_SERVICE, OPEN_PLAN, Quota, read_quota
from qiskit_qml_ext.primitives.pricing.run_plan import RunPlan, plan_pubs
from qiskit_qml_ext.primitives.pricing.spending import Spending, Spent, TimeLimit

__all__ = [
    "DEFAULT_REP_DELAY",
    "FROM_SERVICE",
    "OPEN_PLAN",
    "SHOTS_PER_SECOND",
    "Budget",
    "CircuitPrice",
    "JobTime",
    "Quota",
    "RunPlan",
    "Spending",
    "Spent",
    "TimeLimit",
    "error_free_fraction",
    "plan_pubs",
    "price_of",
    "read_quota",
]
