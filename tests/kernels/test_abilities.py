"""Models and diagnostics ask what a kernel can do, so a kernel of the user's own that can do it works there too."""

import ast
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from qiskit_machine_learning.kernels import BaseKernel, FidelityStatevectorKernel

import qiskit_qml_ext
from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.diagnostics import diagnose, kernel_concentration
from qiskit_qml_ext.diagnostics.diagnosis.price import kernel_price
from qiskit_qml_ext.kernels import ChangesTarget, FidelityKernel, LocalKernel, PlansRuns, ProjectedKernel, StatesErrors
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import connect

PACKAGE = Path(qiskit_qml_ext.__file__).parent
ABILITIES = (ChangesTarget, PlansRuns, StatesErrors)
X = np.random.default_rng(3).uniform(-1.5, 1.5, (12, 2))


class Own(BaseKernel):
    """A kernel that is none of ours: it has their methods, whatever is behind them."""

    def __init__(self, connection=None):
        self.inner = FidelityKernel(ZZFeatureMap(reps=1), connection=connection)

    def evaluate(self, x_vec, y_vec=None):
        return self.inner.evaluate(x_vec, y_vec)

    def evaluate_with_errors(self, x_vec, y_vec=None):
        return self.inner.evaluate_with_errors(x_vec, y_vec)

    def plan(self, x_vec, y_vec=None, *, shots=None, price_per_minute=None, entries=None):
        return self.inner.plan(x_vec, y_vec, shots=shots, price_per_minute=price_per_minute, entries=entries)

    def num_qubits(self, num_features):
        return num_features

    def circuit(self, num_features):
        return self.inner.circuit(num_features)

    def with_connection(self, connection):
        return Own(connection)

    def exact_copy(self):
        return Own()


def depolarising():
    from qiskit_aer.noise import NoiseModel, depolarizing_error

    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx", "rzz"])
    return noise


def test_abilities_are_told_from_methods():
    assert all(isinstance(FidelityKernel(), ability) for ability in ABILITIES)
    assert all(isinstance(Own(), ability) for ability in ABILITIES)
    theirs = FidelityStatevectorKernel(feature_map=ZZFeatureMap().build(2))
    assert not any(isinstance(theirs, ability) for ability in ABILITIES)


def test_concentration_reads_the_errors_of_a_users_kernel_and_compares_it_with_the_exact_one():
    ours = FidelityKernel(ZZFeatureMap(reps=1), connection=connect("aer", shots=400, seed=1))
    expected = kernel_concentration(ours, X)
    found = kernel_concentration(Own(connect("aer", shots=400, seed=1)), X)
    assert found.measured_shots == 400
    assert found.last.variance == expected.last.variance
    assert [source.name for source in found.sources] == ["noise"]
    assert found.sources[-1] == expected.sources[-1]


def test_noise_is_simulated_for_a_users_kernel():
    expected = kernel_concentration(FidelityKernel(ZZFeatureMap(reps=1)), X, noise=depolarising(), num_noise_samples=8)
    found = kernel_concentration(Own(), X, noise=depolarising(), num_noise_samples=8)
    assert found.sources[-1] == expected.sources[-1]
    assert found.sources[-1].factor > 1


def test_diagnosis_of_a_users_kernel_has_its_noise_and_its_price():
    report = diagnose(Own(), X, noise=depolarising(), connection=connect("fake_manila", seed=1))
    assert not any(line.startswith("Noise:") for line in report.skipped)
    assert report.plan is not None
    assert report.plan.circuits == len(X) * (len(X) - 1) // 2


def test_a_model_plans_with_a_users_kernel():
    connection = connect("fake_manila", seed=1)
    assert QuantumSVC(Own(connection)).plan(X).circuits == len(X) * (len(X) - 1) // 2


def test_copy_on_another_connection_keeps_the_kernel_and_leaves_the_original():
    kernel = FidelityKernel(AngleFeatureMap(), psd_repair="clip", run_diagonal=True, method="exact")
    moved = kernel.with_connection(connect("aer", shots=50, seed=2))
    assert (moved.psd_repair, moved.run_diagonal) == ("clip", True)
    assert moved.evaluate_with_errors(X).shots == 50
    assert (kernel.connection, kernel.method) == (None, "exact")
    exact = moved.exact_copy()
    assert (exact.connection, exact.psd_repair, exact.run_diagonal) == (None, None, False)
    assert_array_equal(exact.evaluate(X), FidelityKernel(AngleFeatureMap()).evaluate(X))


def test_copy_on_another_connection_gives_a_sampler_of_the_users_up():
    from qiskit.primitives import StatevectorSampler

    kernel = FidelityKernel(AngleFeatureMap(), sampler=StatevectorSampler(), method="sampled")
    moved = kernel.with_connection(connect("aer", shots=30, seed=2))
    assert (moved.sampler, moved.method) == (None, "sampled")
    assert moved.evaluate_with_errors(X).shots == 30


class Pair(BaseKernel):
    """A kernel whose methods have the names of ours, but another form."""

    def __init__(self):
        pass

    def evaluate(self, x_vec, y_vec=None):
        return np.eye(len(x_vec))

    def evaluate_with_errors(self, x_vec, y_vec=None):
        return np.eye(len(x_vec)), np.zeros((len(x_vec), len(x_vec)))

    def plan(self, x, y=None):
        return "a long time"


def test_methods_of_another_form_are_named():
    with pytest.raises(TypeError, match=r"evaluate_with_errors of Pair must return a KernelEstimate, .* a tuple"):
        kernel_concentration(Pair(), X)
    with pytest.raises(TypeError, match=r"plan of Pair must take \(x_vec, y_vec=None, .* it takes \(x, y=None\)"):
        QuantumSVC(Pair()).plan(X)

    class Vague(Pair):
        def plan(self, x_vec, y_vec=None, **settings):
            return "a long time"

    with pytest.raises(TypeError, match="plan of Vague must return a RunPlan, but it returned a str"):
        QuantumSVC(Vague()).plan(X)


def test_a_kernel_without_a_price_is_told_what_it_lacks():
    connection = connect("fake_manila", seed=1)

    class Planning(BaseKernel):
        evaluate, plan = Own.evaluate, Own.plan

    class Moving(Own):
        plan = None

    for kernel, lacking in (
        (Planning(feature_map=ZZFeatureMap().build(2)), "num_qubits, circuit, with_connection, exact_copy"),
        (Moving(), "plan"),
    ):
        words = f"On fake_manila: there is no price for a {type(kernel).__name__}, which lacks {lacking}."
        assert kernel_price(kernel, X, 100, connection).sentences == (words,)


def test_shots_are_not_counted_for_entries_that_are_no_fractions_of_them():
    others = (
        ProjectedKernel(ZZFeatureMap()),
        LocalKernel(ZZFeatureMap()),
        FidelityKernel(ZZFeatureMap(), method="randomised", connection=connect("aer", shots=20)),
    )
    for kernel in others:
        for look in (kernel_concentration, diagnose):
            with pytest.raises(TypeError, match=f"this {type(kernel).__name__} are no fractions of shots"):
                look(kernel, X)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nobody_asks_for_the_class_of_a_kernel(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
            assert "FidelityKernel" not in ast.unparse(node.args[1]), f"{path}:{node.lineno}"
