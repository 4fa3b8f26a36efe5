"""Distinct samples and pairs against NumPy's own way to find distinct rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from qiskit_qml_ext.kernels.samples import distinct_pairs, distinct_samples

FEW_VALUES = st.sampled_from([-0.0, 0.0, 1.0, -1.5])
ROWS = st.integers(0, 12).flatmap(lambda n: arrays(np.float64, (n, 2), elements=FEW_VALUES))


@given(ROWS)
def test_distinct_samples_are_numpys_in_the_order_in_which_they_appear(samples):
    found, places = distinct_samples(samples)
    distinct, first = np.unique(samples, axis=0, return_index=True)
    assert len(found) == len(distinct)
    assert_array_equal(found, samples[np.sort(first)])
    assert_array_equal(found if places is None else found[places], samples)


@given(ROWS, ROWS)
def test_every_pair_of_different_samples_that_a_matrix_needs_is_there_once(x, y):
    plan = distinct_pairs(x, y)
    wanted = {frozenset((i, j)) for i in plan.row_index.tolist() for j in plan.column_index.tolist()}
    assert sorted(map(tuple, plan.pairs.tolist())) == sorted(tuple(sorted(pair)) for pair in wanted if len(pair) == 2)
    assert sorted(plan.same.tolist()) == sorted(min(pair) for pair in wanted if len(pair) == 1)
    assert_array_equal(plan.samples[plan.row_index], x)
    assert_array_equal(plan.samples[plan.column_index], y)


@pytest.mark.parametrize("number", [0, 1, 4])
def test_samples_without_features_are_all_the_same(number):
    found, places = distinct_samples(np.zeros((number, 0)))
    assert (len(found), len(places)) == (min(number, 1), number)
