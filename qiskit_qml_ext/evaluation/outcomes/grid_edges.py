"""Searches that chose an end of their grid because it scored higher than all else: a wider grid might do better."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray


@dataclass(frozen=True)
class GridEdge:
    """A value at an end of the grid that a search chose because it scored higher than all others."""

    parameter: str
    """The name of the parameter."""
    value: float
    """The value."""
    is_largest: bool
    """Whether it is the largest of the grid, not the smallest."""
    times: int
    """On how many outer folds it was chosen."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary."""
        return asdict(self)


# Rounding errors of a mean of scores; a choice that is not better than the next one by more than this is a tie.
_TIE = 1e-12


def chosen_edges(
    grid: Sequence[Mapping[str, float]], scores: Sequence[float] | FloatArray, chosen: Mapping[str, float]
) -> dict[str, bool]:
    """Return the parameters for which a search might have gained more beyond the end of its grid.

    Args:
        grid: All choices.
        scores: Their mean scores.
        chosen: The choice that was made.

    Returns:
        The parameters, without prefixes, whose chosen value is the smallest or the largest of three or more and scores
        higher than all other values, whatever the other parameters are; and whether it is the largest.
    """
    edges: dict[str, bool] = {}
    for name, value in chosen.items():
        values = sorted({float(choice[name]) for choice in grid})
        if len(values) < 3 or values[0] < value < values[-1]:
            continue
        at_edge = np.array([choice[name] == value for choice in grid])
        known = np.nan_to_num(np.asarray(scores, dtype=np.float64), nan=-np.inf)
        if known[at_edge].max() > known[~at_edge].max() + _TIE:
            edges[name.rsplit("__", 1)[-1]] = value == values[-1]
    return edges
