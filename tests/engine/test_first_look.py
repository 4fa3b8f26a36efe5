"""Rows that stand for many are spread over all of them."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from qiskit_qml_ext.engine.first_look import PLAN_STATES, spread_rows


@pytest.mark.parametrize("number", [0, 1, 5, PLAN_STATES])
def test_few_rows_are_all_kept(number):
    rows = np.arange(2.0 * number).reshape(number, 2)
    assert_array_equal(spread_rows(rows), rows)


@pytest.mark.parametrize("number", [PLAN_STATES + 1, 1000])
def test_many_rows_are_thinned_out_from_the_first_to_the_last(number):
    kept = spread_rows(np.arange(number))
    assert len(kept) == PLAN_STATES
    assert (kept[0], kept[-1]) == (0, number - 1)
    steps = np.diff(kept)
    assert steps.min() >= 1
    assert steps.max() - steps.min() <= 1
