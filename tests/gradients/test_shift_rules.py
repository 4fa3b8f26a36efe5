"""Shift rules against closed forms, and against random trigonometric polynomials."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from qiskit_qml_ext.gradients.methods.shift_rules import frequencies_of, shift_rule


def factors(rule):
    """c_μ of f' = Σ c_μ (f(x_μ) - f(-x_μ))/2, by ascending x_μ."""
    half = len(rule.shifts) // 2
    order = np.argsort(rule.shifts[:half])
    return rule.shifts[:half][order], 2 * rule.coefficients[:half][order]


def test_four_terms_of_a_controlled_rotation():
    points, found = factors(shift_rule((0.5, 1.0)))
    assert_allclose(points, [np.pi / 2, 3 * np.pi / 2])
    assert_allclose(found / 2, [0.4267766953, -0.0732233047], atol=6e-11)  # (√2±1)/(4√2)
    assert shift_rule((0.5, 1.0)).amplification == pytest.approx(1.0)


@pytest.mark.parametrize("number", [1, 2, 3, 5, 8])
def test_equidistant_frequencies_have_the_closed_form(number):
    """c_μ = (-1)^(μ-1)/(4 R sin²(x_μ/2)), μ = 1…2R, where 2π - x_μ is -x_μ (arXiv:2107.12390)."""
    rule = shift_rule(tuple(float(one) for one in range(1, number + 1)))
    points, found = factors(rule)
    mu = np.arange(1, number + 1)
    x = (2 * mu - 1) * np.pi / (2 * number)
    assert_allclose(points, x)
    assert_allclose(found / 2, (-1.0) ** (mu - 1) / (4 * number * np.sin(x / 2) ** 2), atol=1e-9)
    assert rule.amplification == pytest.approx(number)


def test_arbitrary_frequencies():
    _, found = factors(shift_rule((1.0, 2.5)))
    assert_allclose(found, [2.1949243643, -0.3050756357], atol=6e-11)
    assert shift_rule((1.0, 2.5)).amplification == pytest.approx(2.5)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=6, unique=True), st.integers(1, 4), st.integers(0, 99))
def test_any_rational_spectrum_is_differentiated_exactly(numerators, denominator, seed):
    frequencies = tuple(sorted(one / denominator for one in numerators))
    rng = np.random.default_rng(seed)
    cosines, sines, x = rng.normal(size=len(frequencies)), rng.normal(size=len(frequencies)), rng.uniform(-3, 3)
    omega = np.array(frequencies)

    def f(points):
        return np.cos(np.outer(points, omega)) @ cosines + np.sin(np.outer(points, omega)) @ sines + 0.3

    rule = shift_rule(frequencies)
    expected = np.sum(omega * (sines * np.cos(omega * x) - cosines * np.sin(omega * x)))
    assert rule.coefficients @ f(x + rule.shifts) == pytest.approx(expected, abs=1e-9 * max(1.0, omega[-1]) * 10)
    assert rule.num_terms <= 2 * len(frequencies) + 2
    assert rule.amplification >= omega[-1] * (1 - 1e-9)  # Bernstein
    assert rule.amplification <= 3 * omega[-1]


def test_frequencies_are_differences_of_eigenvalues():
    assert frequencies_of([0.5, -0.5]) == (1.0,)
    assert frequencies_of([0.0, 0.0, 0.5, -0.5]) == (0.5, 1.0)
    assert frequencies_of([0.25, 0.25, 0.25, -0.75]) == (1.0,)
    assert frequencies_of([1.0, 1.0]) == ()
