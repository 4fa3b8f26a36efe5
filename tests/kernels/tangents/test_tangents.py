"""Tangent, Fisher and path kernels against published values, finite differences, and what they say of a training."""

import pickle
import re
from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector
from sklearn.base import clone
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz
from qiskit_qml_ext.kernels import FisherKernel, PathKernel, TangentKernel, TrainedCircuitModel
from qiskit_qml_ext.kernels.tangents.gradients import Gradients
from qiskit_qml_ext.kernels.tangents.products import ScalarProducts
from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.optimizers import GradientDescent
from qiskit_qml_ext.primitives import connect

Z0 = SparsePauliOp("IZ")
SAMPLES = np.array([[0.1, 0.5], [0.4, -0.3], [-0.7, 0.8]])
OBSERVABLES = [Z0, SparsePauliOp(["ZI", "XX"], [0.7, -0.4])]


def circuit_of_three_weights():
    x, t = ParameterVector("x", 2), ParameterVector("t", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    circuit.ry(t[0], 0)
    circuit.rx(t[1], 1)
    circuit.cz(0, 1)
    circuit.rx(t[2], 0)
    return circuit


CIRCUIT, WEIGHTS = circuit_of_three_weights(), np.array([0.25, -0.5, 0.8])


def outputs(samples, weights, observables=(Z0,)):
    """Return expectation values from Qiskit's states, shape (n, M)."""
    values = []
    for row in samples:
        names = dict(zip(CIRCUIT.parameters, [*weights, *row], strict=True))
        state = Statevector(CIRCUIT.assign_parameters(names))
        values.append([state.expectation_value(one).real for one in observables])
    return np.array(values)


def gradients(samples, weights, observables=(Z0,)):
    """Return ∇f by central differences, shape (n, M, W)."""
    moved = [
        (outputs(samples, weights + e, observables) - outputs(samples, weights - e, observables)) / 2e-5
        for e in 1e-5 * np.eye(len(weights))
    ]
    return np.stack(moved, axis=-1)


def test_tangent_kernel_has_its_published_values():
    """The samples are 0.1 0.5, 0.4 -0.3, -0.7 0.8: the first two features of three of an earlier example."""
    assert_allclose(outputs(SAMPLES, WEIGHTS)[:, 0], [0.6544672716, 0.5546369237, 0.6273475376], atol=1e-10)
    expected = np.zeros((3, 3))
    expected[np.triu_indices(3)] = [
        *(0.5111665133, 0.4855565292, 0.3628801778),
        *(0.5039054190, 0.2411067987, 0.5090753571),
    ]
    expected = np.maximum(expected, expected.T)
    assert_allclose(TangentKernel(CIRCUIT, WEIGHTS, Z0).evaluate(SAMPLES), expected, atol=1e-10)


def test_tangent_kernel_sums_over_observables_with_their_scales():
    slopes = gradients(SAMPLES, WEIGHTS, OBSERVABLES) * np.array([2.0, -0.5])[:, None]
    kernel = TangentKernel(CIRCUIT, WEIGHTS, OBSERVABLES, output_scale=[2.0, -0.5])
    expected = np.einsum("imw,jmw->ij", slopes, slopes)
    assert_allclose(kernel.evaluate(SAMPLES), expected, atol=1e-8)
    assert_allclose(kernel.evaluate(SAMPLES[:1], SAMPLES[1:]), expected[:1, 1:], atol=1e-8)
    assert kernel.is_positive_semidefinite
    assert np.linalg.eigvalsh(kernel.evaluate(np.random.default_rng(0).normal(size=(9, 2))))[0] > -1e-12


def test_fisher_kernel_is_the_tangent_kernel_in_the_metric_of_the_information():
    reference = np.random.default_rng(1).normal(size=(7, 2))
    slopes, others = gradients(SAMPLES, WEIGHTS, OBSERVABLES), gradients(reference, WEIGHTS, OBSERVABLES)
    information = np.einsum("imv,imw->vw", others, others) / 7
    expected = np.einsum("imv,vw,jmw->ij", slopes, np.linalg.inv(information + 0.01 * np.eye(3)), slopes)
    kernel = FisherKernel(CIRCUIT, WEIGHTS, OBSERVABLES, reference=reference, regularization=0.01)
    assert_allclose(kernel.evaluate(SAMPLES), expected, atol=1e-6)


def test_fisher_kernel_of_states_has_the_quantum_fisher_information():
    def states(weights):
        rows = [dict(zip(CIRCUIT.parameters, [*weights, *row], strict=True)) for row in SAMPLES]
        return np.array([Statevector(CIRCUIT.assign_parameters(row)).data for row in rows])

    psi = states(WEIGHTS)
    slopes = [(states(WEIGHTS + e) - states(WEIGHTS - e)) / 2e-5 for e in 1e-5 * np.eye(3)]
    overlap = [np.sum(psi.conj() * one, axis=1) for one in slopes]
    metric = [
        [np.mean((np.sum(a.conj() * b, axis=1) - oa.conj() * ob).real) for b, ob in zip(slopes, overlap, strict=True)]
        for a, oa in zip(slopes, overlap, strict=True)
    ]
    inverse = np.linalg.inv(4 * np.array(metric) + 0.001 * np.eye(3))
    of = gradients(SAMPLES, WEIGHTS)
    kernel = FisherKernel(CIRCUIT, WEIGHTS, Z0, reference=SAMPLES, information="states")
    assert_allclose(kernel.evaluate(SAMPLES), np.einsum("imv,vw,jmw->ij", of, inverse, of), atol=1e-6)


def test_fisher_kernel_does_not_depend_on_how_weights_are_written_and_the_tangent_kernel_does():
    u = ParameterVector("u", 3)
    t = [parameter for parameter in CIRCUIT.parameters if parameter.name.startswith("t")]
    turned = CIRCUIT.assign_parameters({t[0]: 2 * u[0] + u[1], t[1]: u[1] - u[2], t[2]: u[2] ** 3})
    solved = np.array([0.0, -0.5 + 0.8 ** (1 / 3), 0.8 ** (1 / 3)])
    solved[0] = (0.25 - solved[1]) / 2
    settings = {"reference": np.random.default_rng(0).normal(size=(8, 2)), "regularization": 1e-8}
    one = FisherKernel(CIRCUIT, WEIGHTS, Z0, **settings)
    other = FisherKernel(turned, solved, Z0, input_parameters="x", **settings)
    assert_allclose(other.evaluate(SAMPLES), one.evaluate(SAMPLES), atol=1e-6)  # of 2, far above the regularization
    tangent = TangentKernel(turned, solved, Z0, input_parameters="x").evaluate(SAMPLES)
    assert np.abs(tangent - TangentKernel(CIRCUIT, WEIGHTS, Z0).evaluate(SAMPLES)).max() > 0.1


def test_path_kernel_is_the_mean_or_the_integral_of_tangent_kernels():
    path = WEIGHTS + np.array([[0.0], [0.1], [0.4]])
    parts = [TangentKernel(CIRCUIT, one, Z0).evaluate(SAMPLES) for one in path]
    assert_allclose(PathKernel(CIRCUIT, path, Z0).evaluate(SAMPLES), sum(parts) / 3, atol=1e-12)
    found = PathKernel(CIRCUIT, path, Z0, times=[0.0, 1.0, 3.0]).evaluate(SAMPLES)
    assert_allclose(found, (parts[0] + 3 * parts[1] + 2 * parts[2]) / 2, atol=1e-12)
    assert_allclose(PathKernel(CIRCUIT, path[:1], Z0).evaluate(SAMPLES), parts[0], atol=1e-12)


def test_a_model_trained_in_small_steps_is_a_machine_with_its_path_kernel():
    """f_T(x) - f_0(x) = -∫ Σ_i L'_i(t) k_t(x, x_i) dt, with the step's error of second order: Domingos' theorem."""
    targets = np.array([0.9, -0.5, 0.1])
    tests = np.random.default_rng(2).normal(size=(4, 2))
    errors = []
    for steps in (20, 40):
        rate, point, change = 0.8 / steps, WEIGHTS.copy(), np.zeros(4)
        for _ in range(steps):
            slopes, loss = gradients(SAMPLES, point)[:, 0], outputs(SAMPLES, point)[:, 0] - targets
            change -= rate * TangentKernel(CIRCUIT, point, Z0).evaluate(tests, SAMPLES) @ loss
            point -= rate * loss @ slopes
        errors.append(np.abs(outputs(tests, point)[:, 0] - outputs(tests, WEIGHTS)[:, 0] - change).max())
    assert errors[0] < 0.02
    assert_allclose(errors[0] / errors[1], 2.0, rtol=0.1)  # of first order in the step


def test_kernels_under_shots_are_unbiased_with_the_errors_that_they_state():
    exact = TangentKernel(CIRCUIT, WEIGHTS, OBSERVABLES).evaluate(SAMPLES)
    found, stated, squares = [], [], []
    for seed in range(150):
        kernel = TangentKernel(CIRCUIT, WEIGHTS, OBSERVABLES, connection=connect("exact", shots=10, seed=seed))
        estimate = kernel.evaluate_with_errors(SAMPLES)
        found.append(estimate.matrix)
        stated.append(estimate.standard_errors)
        measured = next(kernel._source(2, WEIGHTS).along([WEIGHTS], SAMPLES)).values
        squares.append(np.einsum("imw,imw->i", measured, measured))
        assert estimate.shots == 10
    spread, error = np.std(found, axis=0, ddof=1), np.sqrt(np.mean(np.square(stated), axis=0))
    unit = spread / np.sqrt(150)
    assert np.all(np.abs(np.mean(found, axis=0) - exact) < 4.5 * unit)  # nine entries: 6e-5 if all is well
    assert np.all(np.mean(squares, axis=0) - exact.diagonal() > 8 * unit.diagonal())  # what is subtracted
    assert_allclose(error / spread, 1.0, atol=0.25)  # 150 repetitions know a spread to 6 %


def test_points_of_a_path_that_occur_again_are_one_measurement_with_its_error():
    settings = {"connection": connect("exact", shots=30, seed=0)}
    one = TangentKernel(CIRCUIT, WEIGHTS, OBSERVABLES, **settings).evaluate_with_errors(SAMPLES)
    path = [WEIGHTS, WEIGHTS, WEIGHTS + 0.0, WEIGHTS]
    again = PathKernel(CIRCUIT, path, OBSERVABLES, **settings).evaluate_with_errors(SAMPLES)
    assert_allclose(again.matrix, one.matrix, atol=1e-12)
    assert_allclose(again.standard_errors, one.standard_errors, rtol=1e-12)
    moved = [WEIGHTS, WEIGHTS + 0.2, WEIGHTS]
    other = TangentKernel(CIRCUIT, WEIGHTS + 0.2, OBSERVABLES, **settings).evaluate_with_errors(SAMPLES)
    mixed = PathKernel(CIRCUIT, moved, OBSERVABLES, times=[0, 1, 3], **settings).evaluate_with_errors(SAMPLES)
    assert_allclose(mixed.matrix, 1.5 * (one.matrix + other.matrix), atol=1e-12)
    assert_allclose(mixed.standard_errors, 1.5 * np.hypot(one.standard_errors, other.standard_errors), rtol=1e-12)


def test_errors_of_products_are_never_zero_where_gradients_have_some():
    small = Gradients(np.full((2, 1, 3), 1e-9), np.full((2, 1, 3), 0.1), np.stack([np.eye(3)] * 2), np.arange(2))
    variances = ScalarProducts(np.arange(2), np.arange(2), np.eye(3)).variances([1.0], [small])
    assert_allclose(variances, [[6e-4, 3e-4], [3e-4, 6e-4]], rtol=1e-6)  # 2 Σ σ⁴ and Σ σ⁴


def test_fisher_kernel_under_shots_states_the_noise_of_its_information_too():
    """60 draws know a spread to 9 %, and the mean over 15 entries to much less. Without it half of the errors is
    missing where the reference samples are others."""
    reference = np.random.default_rng(0).uniform(0, 1, (4, 2))
    settings = {"reference": reference, "regularization": 0.1}
    exact = FisherKernel(CIRCUIT, WEIGHTS, OBSERVABLES, **settings)
    truth, found, stated = exact.evaluate(SAMPLES, SAMPLES[:2]), [], []
    for seed in range(60):
        kernel = exact.with_connection(connect("exact", shots=100, seed=seed))
        estimate = kernel.evaluate_with_errors(SAMPLES, SAMPLES[:2])
        found.append(estimate.matrix)
        stated.append(estimate.standard_errors)
    ratio = np.std(found, axis=0, ddof=1) / np.sqrt(np.mean(np.square(stated), axis=0))
    assert_allclose(ratio, 1.0, atol=0.4)
    assert_allclose(ratio.mean(), 1.0, atol=0.2)
    pulls = (np.array(found) - truth) / np.array(stated)
    assert 0.8 < np.sqrt(np.mean(pulls**2)) < 1.25


def test_fisher_information_that_is_mostly_noise_is_refused_and_the_advice_works():
    reference = np.random.default_rng(0).uniform(0, 1, (5, 2))
    exact = FisherKernel(CIRCUIT, [0.3, 0.4, -0.5], OBSERVABLES, reference=reference, regularization=0.01)
    for seed in range(3):
        kernel = exact.with_connection(connect("exact", shots=30, seed=seed))
        with pytest.raises(ValueError, match=r"too noisy to be inverted.*regularization=") as told:
            kernel.evaluate(reference)
        advised = float(re.search(r"regularization=([0-9.e-]+)", str(told.value)).group(1))
        estimate = kernel.set_params(regularization=advised).evaluate_with_errors(reference)
        right = clone(exact).set_params(regularization=advised).evaluate(reference)
        assert np.all(np.abs(estimate.matrix - right) < 5 * estimate.standard_errors)
        states = kernel.set_params(regularization=0.01, information="states")
        assert np.all(states.evaluate_with_errors(reference).standard_errors > 0)


def test_gradients_of_a_sample_are_measured_once_for_all_kernels_of_a_connection():
    connection = connect("exact", shots=50, seed=0)
    kernel = TangentKernel(CIRCUIT, WEIGHTS, Z0, connection=connection)
    first = kernel.evaluate(np.concatenate([SAMPLES, SAMPLES[:1]]))
    usage = connection.usage
    assert usage.circuits > 0
    assert_array_equal(clone(kernel).evaluate(SAMPLES[1:], SAMPLES), first[1:3, :3])
    assert connection.usage == usage
    assert_array_equal(first[0], first[3])
    FisherKernel(CIRCUIT, WEIGHTS, Z0, reference=SAMPLES, connection=connection, regularization=1.0).evaluate(SAMPLES)
    assert connection.usage == usage
    PathKernel(CIRCUIT, [WEIGHTS, WEIGHTS + 0.1], Z0, connection=connection).evaluate(SAMPLES)
    assert connection.usage.circuits == 2 * usage.circuits


def test_kernels_of_fitted_models():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (12, 2))
    path = []
    model = VariationalRegressor(
        AngleFeatureMap(), RealAmplitudesAnsatz(reps=1), max_iter=5, optimizer=GradientDescent(0.1), random_state=0,
        plateau_guard="off",
        callbacks=[lambda step: path.append(step.weights)],
    ).fit(X, X[:, 0])  # fmt: skip
    assert isinstance(model, TrainedCircuitModel)
    kernel = TangentKernel.of_model(model)
    first = model.predict(X)
    expected = []
    for place in range(len(model.weights_)):
        ends = []
        for sign in (1, -1):
            moved = deepcopy(model)
            moved.weights_ = model.weights_ + sign * 1e-5 * np.eye(len(model.weights_))[place]
            ends.append(moved.predict(X))
        expected.append((ends[0] - ends[1]) / 2e-5)
    assert_allclose(kernel.evaluate(X), np.array(expected).T @ np.array(expected), atol=1e-7)
    assert first.shape == (12,)
    along = PathKernel.of_model(model, path)
    assert_allclose(along.set_params(path=path[-1:]).evaluate(X), kernel.evaluate(X), atol=1e-9)
    fisher = FisherKernel.of_model(model, reference=X, regularization=0.1)
    assert fisher.evaluate(X).shape == (12, 12)
    labels = np.where(X[:, 0] > 0, "a", "b")
    classifier = VariationalClassifier(AngleFeatureMap(), max_iter=2, random_state=0, plateau_guard="off").fit(
        X, labels
    )
    machine = SVC(kernel=TangentKernel.of_model(classifier)).fit(X, labels)
    assert machine.predict(X).shape == (12,)


def test_kernels_are_cloned_pickled_and_changed_by_name():
    kernels = (
        TangentKernel(CIRCUIT, WEIGHTS, Z0, psd_repair="clip"),
        FisherKernel(CIRCUIT, WEIGHTS, Z0, reference=SAMPLES, regularization=1.0),
        PathKernel(CIRCUIT, [WEIGHTS, WEIGHTS + 1], Z0, times=[0, 1]),
    )
    for kernel in kernels:
        for copy in (clone(kernel), pickle.loads(pickle.dumps(kernel))):
            assert_array_equal(copy.evaluate(SAMPLES), kernel.evaluate(SAMPLES))
        assert kernel.with_connection(connect("exact", shots=10, seed=0)).evaluate_with_errors(SAMPLES).shots == 10
        assert_allclose(kernel.exact_copy().evaluate(SAMPLES), kernel.evaluate(SAMPLES), atol=1e-12)
    assert kernels[1].set_params(regularization=1e3).evaluate(SAMPLES).max() < 1e-3


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: TangentKernel("circuit", WEIGHTS, Z0), TypeError, "circuit must be a QuantumCircuit"),
        (lambda: TangentKernel(CIRCUIT, WEIGHTS[:2], Z0), ValueError, "weights must be 3 numbers"),
        (lambda: TangentKernel(CIRCUIT, [np.nan] * 3, Z0), ValueError, "weights must be finite numbers"),
        (lambda: TangentKernel(CIRCUIT, WEIGHTS, "Z"), TypeError, "observables must be"),
        (lambda: TangentKernel(CIRCUIT, WEIGHTS, Z0, gradient="spsa"), ValueError, "gradient must be one of"),
        (
            lambda: TangentKernel(CIRCUIT, WEIGHTS, Z0, output_scale=[1, 2]),
            ValueError,
            "output_scale must be 1 numbers",
        ),
        (lambda: TangentKernel(CIRCUIT, WEIGHTS, Z0, input_parameters=["t[0]"]), ValueError, "takes 1 features"),
        (lambda: TangentKernel(ring(), WEIGHTS, Z0), ValueError, "are all data"),
        (lambda: FisherKernel(CIRCUIT, WEIGHTS, Z0, reference=np.ones((2, 3))), ValueError, "features of reference"),
        (
            lambda: FisherKernel(CIRCUIT, WEIGHTS, Z0, reference=SAMPLES, information="x"),
            ValueError,
            "information must",
        ),
        (lambda: FisherKernel(CIRCUIT, WEIGHTS, Z0, reference=SAMPLES, regularization=0), ValueError, "regularization"),
        (lambda: PathKernel(CIRCUIT, WEIGHTS, Z0), ValueError, "path must be finite numbers on 2 axes"),
        (lambda: PathKernel(CIRCUIT, np.zeros((0, 3)), Z0), ValueError, "at least one point"),
        (lambda: PathKernel(CIRCUIT, [WEIGHTS] * 2, Z0, times=[1, 0]), ValueError, "times must be ascending"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make().evaluate(SAMPLES)


def ring():
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    circuit.ry(Parameter("b"), 1)
    return circuit


def test_what_is_no_fitted_model_is_refused():
    for make in (TangentKernel.of_model, lambda model: PathKernel.of_model(model, [WEIGHTS])):
        with pytest.raises(TypeError, match="model must be a fitted model"):
            make(VariationalRegressor())
