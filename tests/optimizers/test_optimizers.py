from functools import partial
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning import optimizers as theirs
from scipy.optimize import minimize

from qiskit_qml_ext.engine import expectation_jacobian, expectations
from qiskit_qml_ext.gradients import metric_tensor
from qiskit_qml_ext.optimizers import (
    SPSA,
    Adam,
    GradientDescent,
    NaturalGradient,
    SciPyOptimizer,
    optimizer_of,
    two_sided_estimates,
)
from qiskit_qml_ext.optimizers.scipy_minimizer import METHODS


class Energy:
    """A quadratic form with its least value 0.5 at 1, 2, 3."""

    target = np.array([1.0, 2.0, 3.0])
    num_samples = 1

    def value(self, point):
        return 0.5 + float((point - self.target) @ (point - self.target))

    def values(self, points):
        return np.array([self.value(point) for point in points])

    def value_and_gradient(self, point):
        return self.value(point), 2 * (point - self.target)

    def metric(self, point):
        return np.eye(3)


class Runs:
    """A training on one objective that stops on request."""

    def __init__(self, whole, max_iter, stop=lambda point, loss: False):
        self.whole, self.max_iter, self.stop = whole, max_iter, stop
        self.rng, self.losses = np.random.default_rng(0), []

    @property
    def num_steps(self):
        return self.max_iter

    def passes(self):
        return ([self.whole] for _ in range(self.max_iter))

    def report(self, point, loss, gradient_norm):
        self.losses.append(loss)
        return self.stop(point, loss) or len(self.losses) >= self.max_iter


THEIRS = theirs.GradientDescent(maxiter=500, learning_rate=0.1)
OURS = [Adam(0.1), GradientDescent(0.1), NaturalGradient(0.1), SPSA()]


@pytest.mark.parametrize(
    "optimizer", [*OURS, *METHODS, THEIRS], ids=lambda one: one if isinstance(one, str) else type(one).__name__
)
def test_every_optimizer_finds_the_minimum_of_a_quadratic_form(optimizer):
    start = np.zeros(3)
    end = optimizer_of(optimizer).minimize(Runs(Energy(), 1500), start)
    assert_allclose(end, Energy.target, atol=0.01)
    assert not start.any(), "the start is not written to"


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_scipy_stops_when_it_is_told_and_returns_where_it_was(method):
    runs = Runs(Energy(), 1000, stop=lambda point, loss: loss < 10)
    end = SciPyOptimizer(method).minimize(runs, np.zeros(3))
    assert runs.losses[-1] < 10
    assert Energy().value(end) == runs.losses[-1]
    assert all(loss >= 10 for loss in runs.losses[:-1])


def test_a_function_like_scipys_minimize_and_optimizers_of_qiskit_machine_learning_train():
    for optimizer in (partial(minimize, method="bfgs"), theirs.SPSA(maxiter=300, learning_rate=0.1, perturbation=0.1)):
        runs = Runs(Energy(), 1000)
        assert_allclose(optimizer_of(optimizer).minimize(runs, np.zeros(3)), Energy.target, atol=0.05)
        assert runs.losses[-1] < runs.losses[0]


def test_adam_takes_the_steps_of_its_paper():
    # the first step of Adam is the learning rate against the sign of the gradient, whatever its size
    end = Adam(0.1).minimize(Runs(Energy(), 1), np.zeros(3))
    assert_allclose(end, [0.1, 0.1, 0.1], rtol=1e-7)  # epsilon is 1e-8 of a gradient of 2 or more


def test_a_fresh_optimizer_remembers_nothing():
    used = Adam()
    used.minimize(Runs(Energy(), 3), np.zeros(3))
    assert not hasattr(optimizer_of(used), "steps_")


def layered():
    theta = ParameterVector("t", 6)
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(theta[qubit], qubit)
    circuit.cz(0, 1)
    circuit.cz(1, 2)
    for qubit in range(3):
        circuit.rx(theta[3 + qubit], qubit)
    return circuit, SparsePauliOp.from_list([("IZZ", 1.0), ("XII", 0.7), ("IYI", -0.3)])


def test_the_mean_of_spsa_over_all_signs_has_the_bias_that_theory_gives_it():
    circuit, observable = layered()
    point = 0.1 + 0.2 * np.arange(6)

    def values(points):
        return expectations(circuit, points, observable)[:, 0]

    _, estimates = two_sided_estimates(values, point, np.array(list(product((-1.0, 1.0), repeat=6))), 0.1)
    gradient = expectation_jacobian(circuit, point[None], observable)[1][0, 0]
    bias = [-0.0020447877, 0.0025293874, -0.0037514288, 0.0059682779, 0.0080195180, 0]
    assert_allclose(np.mean(estimates, axis=0) - gradient, bias, atol=1e-10)


class _Form:
    """A linear form, whose slopes are the same everywhere."""

    def __init__(self, slopes):
        self.slopes = slopes

    def values(self, points):
        return points @ self.slopes


@pytest.mark.parametrize("num_directions", [1, 4, 25, 400])
def test_the_first_step_of_spsa_has_the_stated_size_for_any_number_of_directions(num_directions):
    rng = np.random.default_rng(0)
    moves = []
    for _ in range(40):
        form, optimizer = _Form(rng.normal(size=24)), SPSA(0.2, num_directions=num_directions)
        point, _, _ = optimizer.step(form, np.zeros(24), SimpleNamespace(num_steps=100, rng=rng))
        moves.append(np.abs(point).mean())
    # the mean modulus of a normal number is 0.80 of its root mean square, 1 direction has 24 equal moduli; 40 starts
    # with 10 slopes each for the calibration
    assert 0.16 < np.mean(moves) < 0.26


class Ising:
    """The energy of -ΣZZ-ΣX on an open chain of four spins, with the circuit [RY all, CZ ladder] twice, then RY all."""

    num_samples = 1

    def __init__(self):
        theta = ParameterVector("t", 12)
        circuit = QuantumCircuit(4)
        for layer in range(3):
            for qubit in range(4):
                circuit.ry(theta[4 * layer + qubit], qubit)
            if layer < 2:
                for qubit in range(3):
                    circuit.cz(qubit, qubit + 1)
        terms = [("ZZ", [q, q + 1], -1.0) for q in range(3)] + [("X", [q], -1.0) for q in range(4)]
        self.circuit, self.observable = circuit, SparsePauliOp.from_sparse_list(terms, 4)

    def value(self, point):
        return self.value_and_gradient(point)[0]

    def value_and_gradient(self, point):
        values, jacobian = expectation_jacobian(self.circuit, point[None], self.observable)
        return float(values[0, 0]), jacobian[0, 0]

    def metric(self, point):
        return np.asarray(metric_tensor(self.circuit, point))


@pytest.mark.parametrize(("optimizer", "steps"), [(GradientDescent(0.05), 695), (NaturalGradient(0.05), 12)])
def test_natural_gradient_reaches_the_ising_energy_in_a_tenth_of_the_steps(optimizer, steps):
    exact, start = -4.7587704831, 0.1 + 0.05 * np.arange(12)
    assert_allclose(Ising().value(start), -3.4858309690, atol=1e-10)
    runs = Runs(Ising(), 2000, stop=lambda point, loss: loss - exact < 0.1)
    optimizer.minimize(runs, start)
    assert len(runs.losses) - 1 == steps  # a loss is reported at the beginning of its step


@pytest.mark.parametrize(
    ("optimizer", "error", "words"),
    [
        ("no such word", ValueError, "'adam'.*'natural_gradient'.*'spsa'.*'L-BFGS-B'.*'COBYLA'.*'AQGD'"),
        (3, TypeError, "a name, an optimizer, or a function"),
        (Adam, TypeError, "a name, an optimizer, or a function"),
        (lambda point: point, TypeError, "a name, an optimizer, or a function"),
    ],
)
def test_what_is_no_optimizer_is_refused_with_the_list(optimizer, error, words):
    with pytest.raises(error, match=words):
        optimizer_of(optimizer)


@pytest.mark.parametrize(
    "optimizer", [Adam(0), Adam(beta_1=1), Adam(beta_2=-0.1), Adam(epsilon=0), GradientDescent(-1), SPSA(0),
                  SPSA(perturbation=0), SPSA(num_directions=0), NaturalGradient(regularization=0)], ids=str,
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(optimizer):
    with pytest.raises(ValueError, match="must be"):
        optimizer.minimize(Runs(Energy(), 2), np.zeros(3))


@pytest.mark.parametrize(("name", "words"), [("QNSPSA", "fidelity of your circuit"), ("p_bfgs", "Take 'L-BFGS-B'")])
def test_a_name_that_makes_no_optimizer_is_not_listed_and_says_what_to_do(name, words):
    with pytest.raises(ValueError, match=words):
        optimizer_of(name)
    with pytest.raises(ValueError, match="must be one of") as error:
        optimizer_of("no such word")
    assert f"'{name.upper()}'" not in str(error.value)


def test_an_optimizer_that_trains_in_other_processes_is_refused():
    with pytest.raises(ValueError, match="several processes"):
        optimizer_of(theirs.P_BFGS())


class Counted(Energy):
    """Counts what is evaluated."""

    def __init__(self):
        self.num_values, self.num_gradients = 0, 0

    def value(self, point):
        self.num_values += 1
        return super().value(point)

    def value_and_gradient(self, point):
        self.num_gradients += 1
        return super().value(point), 2 * (point - self.target)


@pytest.mark.parametrize("optimizer", [theirs.ADAM(maxiter=50, lr=0.1), theirs.GradientDescent(maxiter=50)])
def test_an_optimizer_that_asks_for_gradients_only_is_stopped_in_time(optimizer):
    runs = Runs(Counted(), 4)
    optimizer_of(optimizer).minimize(runs, np.zeros(3))
    assert len(runs.losses) == 4
    assert (runs.whole.num_values, runs.whole.num_gradients) == (0, 4)


def test_value_and_gradient_of_one_point_are_one_iteration():
    points = []

    def minimizer(fun, x0, jac, bounds):
        for point in (x0, x0 + 1):
            fun(point), jac(point)  # counts once
        for point in (x0 + 2, x0 + 3):
            jac(point), fun(point)  # once
        fun(x0), fun(x0), jac(x0 + 1), jac(x0 + 1)  # four times
        for _ in range(10):
            points.append((fun(x0), jac(x0)))

    runs = Runs(Counted(), 12)
    optimizer_of(minimizer).minimize(runs, np.zeros(3))
    assert len(runs.losses) == 12
    assert len(points) == 3, "asking for the same point again and again does not go on for ever"


@pytest.mark.parametrize(
    "optimizer",
    [theirs.NFT(maxiter=100), theirs.UMDA(maxiter=5), theirs.SPSA(maxiter=100), theirs.COBYLA(maxiter=200)],
    ids=lambda one: type(one).__name__,
)
@pytest.mark.parametrize("max_iter", [5, 23])
def test_an_optimizer_that_is_stopped_leaves_the_best_point_that_it_tried(optimizer, max_iter):
    runs = Runs(Energy(), max_iter)
    end = optimizer_of(optimizer).minimize(runs, np.zeros(3))
    assert len(runs.losses) == max_iter
    assert Energy().value(end) == min(runs.losses)
