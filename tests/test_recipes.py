"""The recipes of docs/variational-recipes.md run and print what they say."""

import doctest
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from qiskit_qml_ext.gradients import hessian, jacobian

RECIPES = Path(__file__).parent.parent / "docs" / "variational-recipes.md"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recipes():
    """What the recipes leave behind; they run in their order, since later ones use the imports of earlier ones."""
    text = RECIPES.read_text(encoding="utf-8")
    example = doctest.DocTestParser().get_doctest(text, {}, RECIPES.name, str(RECIPES), 0)
    result = doctest.DocTestRunner(verbose=False).run(example, clear_globs=False)
    return example.globs, result


def test_every_recipe_prints_what_it_says(recipes):
    _, result = recipes
    assert result.failed == 0
    assert result.attempted > 50


def test_energy_of_the_five_lines_is_that_of_the_ground_state(recipes):
    names, _ = recipes
    assert_allclose(names["found"].fun, -4.7587704831, atol=1e-6)


def test_differential_equation_is_solved_with_input_derivatives(recipes):
    """u(.25, .5, .9) of the closed form; on 20 points the circuit is within 1 % of u(0) = 1 of it everywhere."""
    names, _ = recipes
    fresh = np.array([0.25, 0.5, 0.9])
    exact = np.exp(-0.8 * fresh) * np.cos(8 * fresh)
    assert_allclose(exact, [-0.3407122129, -0.4381504220, 0.2961163748], atol=1e-10)
    points = names["points"](names["solved"].x) | {"x[0]": fresh}
    assert_allclose(jacobian(names["circuit"], names["total"], points).values, exact, atol=0.03)
    assert np.abs(jacobian(names["circuit"], names["total"], names["points"](names["solved"].x)).values
                  - names["solution"]).max() < 0.015  # fmt: skip


def test_gradient_of_the_loss_with_input_derivatives_agrees_with_finite_differences(recipes):
    names, _ = recipes
    weights, step = np.random.default_rng(3).uniform(0, 2 * np.pi, len(names["weights"])), 1e-5
    _, gradient = names["loss"](weights)
    for place in (0, 7, 20, 35):
        shift = np.zeros(len(weights))
        shift[place] = step
        slope = (names["loss"](weights + shift)[0] - names["loss"](weights - shift)[0]) / (2 * step)
        # central differences: step² times third derivatives of some 1e3, and 1e-14 / step from rounding
        assert_allclose(gradient[place], slope, atol=1e-6)


def test_second_derivative_by_the_input_is_the_slope_of_the_first(recipes):
    """Of the trained solution: f'' by the Hessian, against central differences of f'."""
    names, _ = recipes
    points, step = names["points"](names["solved"].x), 1e-5
    x = points["x[0]"][1:-1]

    def slopes(moved):
        rows = points | {"x[0]": moved}
        return jacobian(names["circuit"], names["total"], rows, parameters=["x[0]"]).jacobian[:, 0]

    rows = points | {"x[0]": x}
    second = hessian(names["circuit"], names["total"], rows, parameters=["x[0]"]).matrix[:, 0, 0]
    differences = (slopes(x + step) - slopes(x - step)) / (2 * step)
    assert_allclose(second, differences, rtol=1e-6, atol=1e-5)
