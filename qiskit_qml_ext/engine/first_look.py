"""How many states, of how many qubits, are simulated to see what is worth doing, beside the work that was asked for."""

from typing import TypeVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray

_Rows = TypeVar("_Rows", FloatArray, IndexArray)

PLAN_QUBITS, PLAN_STATES = 12, 40
"""Up to here a bytecode simulates states to see what there is to measure: it takes less than a second."""


def spread_rows(rows: _Rows, most: int = PLAN_STATES) -> _Rows:
    """Return at most so many rows, spread evenly over all of them: data are often sorted by their class.

    Args:
        rows: An array whose first axis is thinned out.
        most: How many are kept.
    """
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.intp)]
