"""Fidelity methods: laws that each obeys, what ``"auto"`` takes and why, and a new one as one entry of the list."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel, RawKernel, ReadoutErrors
from qiskit_qml_ext.kernels.methods import METHODS, OTHER_NAMES, CircuitMethod, choosing
from qiskit_qml_ext.kernels.methods.exact import ExactStates
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(5).uniform(-2, 2, (6, 2))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_agrees_with_the_product_of_cosines(method):
    kernel = FidelityKernel(AngleFeatureMap(), connection=connect(shots=4000, seed=8), method=method.name)
    estimate = kernel.evaluate_with_errors(X, X[:3] + 0.1)
    expected = np.prod(np.cos((X[:, None] - X[None, :3] - 0.1) / 2) ** 2, axis=-1)
    # 18 entries: a deviation beyond 5 standard errors has a false-alarm probability of about 1e-5; fixed seed
    assert np.all(np.abs(estimate.matrix - expected) <= 5 * estimate.standard_errors + 1e-12)
    assert (estimate.shots is None) == (not isinstance(method, CircuitMethod))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_that_is_named_is_taken_on_every_target(method):
    for connection in (None, connect("aer", shots=10, seed=1)):
        chosen = FidelityKernel(AngleFeatureMap(), connection=connection, method=method.name).chosen_method(2)
        assert chosen.method is method
        assert chosen.reason == f"method={method.name!r} was asked for"


def test_auto_says_which_method_it_takes_and_why():
    chosen = FidelityKernel(AngleFeatureMap()).chosen_method(2)
    assert (chosen.name, chosen.reason) == ("exact", "results on 'exact' are exact")
    chosen = FidelityKernel(AngleFeatureMap(), connection=connect("aer", shots=10)).chosen_method(2)
    assert (chosen.name, chosen.reason) == ("sampled", "'aer' runs circuits with shots")
    assert FidelityKernel(AngleFeatureMap(), connection=connect(shots=10)).chosen_method(2).name == "sampled"


KNOWN = f"method must be one of {', '.join(map(repr, ('auto', *(method.name for method in METHODS), *OTHER_NAMES)))}"


def test_a_method_that_is_not_known_is_refused_with_those_that_are():
    kernel = FidelityKernel(AngleFeatureMap(), method="guess")
    for ask in (kernel.evaluate, kernel.plan, lambda x: kernel.circuit(2), lambda x: kernel.with_connection(None)):
        with pytest.raises(ValueError, match=f"{KNOWN}, but 'guess' came"):
            ask(X)
    for name, kind in ((3, "int"), (None, "NoneType")):
        with pytest.raises(TypeError, match=rf"{KNOWN}, but {name} \({kind}\) came"):
            FidelityKernel(AngleFeatureMap(), method=name).evaluate(X)


class OneHalf:
    """A method of a test's own that runs circuits."""

    name = "one half"

    def reason(self, connection, encoding):
        return "narrow" if connection.target_name == "aer" and encoding.unitary.num_qubits < 3 else None

    def estimate(self, wanted):
        shape = (len(wanted.x), len(wanted.x if wanted.y is None else wanted.y))
        return RawKernel(np.full(shape, 0.5), np.full(shape, 0.1), 7, wanted.connection.target_name)

    def circuit(self, connection, encoding):
        return QuantumCircuit(encoding.unitary.num_qubits, name="half")

    def plan(self, wanted, *, shots=None, price_per_minute=None):
        circuit = QuantumCircuit(1)
        circuit.measure_all()
        return wanted.connection.plan([(circuit, np.zeros((len(wanted.x), 0)), shots)])

    def synthesis_error(self, wanted):
        return 0.25


def test_a_new_method_is_one_more_entry_of_the_list(monkeypatch):
    monkeypatch.setattr(choosing, "METHODS", (OneHalf(), *METHODS))
    kernel = FidelityKernel(ZZFeatureMap(), connection=connect("aer", shots=10, seed=1))
    assert (kernel.chosen_method(2).name, kernel.chosen_method(3).name) == ("one half", "sampled")
    estimate = kernel.evaluate_with_errors(X)
    assert_allclose(estimate.matrix, 0.5, atol=0)
    assert (estimate.shots, estimate.synthesis_error) == (7, 0.25)
    assert kernel.circuit(2).name == "half"
    assert kernel.plan(X).circuits == len(X)
    named = FidelityKernel(ZZFeatureMap(), method="one half")
    assert_allclose(named.evaluate(X, X[:2]), np.full((6, 2), 0.5), atol=0)
    assert named.with_connection(connect("fake_manila")).method == "one half"
    assert named.exact_copy().method == "exact"


def test_exact_states_run_no_circuits_and_a_kernel_of_them_shows_what_a_device_would_run():
    assert not isinstance(ExactStates(), CircuitMethod)
    circuit = FidelityKernel(AngleFeatureMap(), method="exact").circuit(2)
    assert circuit.num_clbits == 2


def test_inversion_is_another_name_of_sampled():
    connection = connect("aer", shots=50, seed=3)
    sampled, inversion = (
        FidelityKernel(ZZFeatureMap(), connection=connection, method=m) for m in ("sampled", "inversion")
    )
    np.testing.assert_array_equal(sampled.evaluate(X), inversion.evaluate(X))
    assert connection.usage.circuits == 15
    assert inversion.chosen_method(2).method is sampled.chosen_method(2).method
    assert inversion.with_connection(connect("fake_manila")).method == "inversion"


def test_without_a_connection_sampled_kernels_are_drawn_anew():
    kernel = FidelityKernel(AngleFeatureMap(), method="sampled")
    drawn = {kernel.evaluate(X[:4]).tobytes() for _ in range(4)}
    # 6 pairs of 1024 shots each: that two of four draws agree has a probability far below 1e-6
    assert len(drawn) == 4


@pytest.mark.parametrize("setting", [{"readout_correction": ReadoutErrors(0.1, 0.1)}, {"keep": "outcomes"}])
@pytest.mark.parametrize(("method", "ask"), [("randomised", "evaluate"), ("randomised", "plan"), ("mps", "evaluate")])
def test_methods_without_outcomes_of_pairs_refuse_what_is_for_them_before_anything_runs(method, setting, ask):
    connection = connect("exact", shots=20, seed=1)
    kernel = FidelityKernel(AngleFeatureMap(), connection=connection, method=method, **setting)
    with pytest.raises(ValueError, match=f"{next(iter(setting))}.* goes with method='sampled'.*method='{method}'"):
        getattr(kernel, ask)([[0.1, 0.2], [0.3, 0.4]])
    assert connection.usage.jobs == 0
