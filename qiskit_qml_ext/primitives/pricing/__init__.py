"""What work takes, before anything runs: the price of a circuit, the plan of many, and budgets that refuse more."""

from qiskit_qml_ext.primitives.pricing.budget import Budget
from qiskit_qml_ext.primitives.pricing.circuit_price import (
    DEFAULT_REP_DELAY,
    SHOTS_PER_SECOND,
    CircuitPrice,
    error_free_fraction,
    price_of,
)
from qiskit_qml_ext.primitives.pricing.run_plan import RunPlan, plan_pubs

__all__ = [
    "DEFAULT_REP_DELAY",
    "SHOTS_PER_SECOND",
    "Budget",
    "CircuitPrice",
    "RunPlan",
    "error_free_fraction",
    "plan_pubs",
    "price_of",
]
