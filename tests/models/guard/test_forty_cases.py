"""The guard on 40 trainings with known answers; the answers come from states and differences in NumPy."""

import numpy as np
import pytest
from qiskit import QuantumCircuit

from qiskit_qml_ext.circuits import UniformDistribution, ZeroDistribution
from qiskit_qml_ext.exceptions import PlateauError, PlateauWarning
from qiskit_qml_ext.models import VariationalClassifier
from qiskit_qml_ext.models.guard import plateau_guard
from qiskit_qml_ext.models.variational.model import VariationalModel
from tests.models.guard import oracle
from tests.models.guard.cases import GOES_ON, STOPS

_MANY = 100  # weights; of more than these a part stands for all: deep circuits treat them alike
_STARTS, _WEIGHTS = 2, 4
_FAR = 0.6  # squared ratios are below this, or above its inverse, where the answer is called known
_WIDEST = 12  # qubits that the oracle takes


@pytest.fixture
def on_shots(monkeypatch):
    """Tells a model how many shots it has, whatever runs its circuit."""

    def tell(shots):
        monkeypatch.setattr(VariationalModel, "_shots", lambda self: shots)

    return tell


@pytest.mark.parametrize("name", STOPS)
def test_a_training_that_cannot_see_its_gradient_is_not_begun(name, on_shots, monkeypatch):
    monkeypatch.setattr(plateau_guard, "explained", lambda report, start: report)  # tested below, for one of them
    case = STOPS[name]
    on_shots(case.shots)
    with pytest.raises(PlateauError, match="not begun") as refusal:
        case.model(plateau_guard="stop").fit(*case.data())
    report = refusal.value.report
    assert report.code == "gradient_drowns"
    assert report.is_plateau
    if case.width <= _WIDEST:
        assert oracle_ratio(case).max() < _FAR
        assert report.signal_to_noise < 1


@pytest.mark.parametrize("name", GOES_ON)
def test_a_training_that_sees_its_gradient_goes_on_without_a_word(name, on_shots):
    case = GOES_ON[name]
    on_shots(case.shots)
    report = case.model(plateau_guard="stop").fit(*case.data()).plateau_
    assert report.code == ("gradient_seen" if case.width <= _WIDEST else "no_statement")
    if case.width <= _WIDEST:
        assert np.median(oracle_ratio(case)) > 1 / _FAR
        assert report.signal_to_noise > 1


def test_there_are_forty_cases():
    assert len(STOPS) + len(GOES_ON) >= 40


def test_the_ratio_is_that_of_the_oracle_at_the_same_start(on_shots):
    # a start without chance: all weights 0, all samples looked at, one observable
    case = GOES_ON["all angles zero, real amplitudes"]
    on_shots(case.shots)
    report = case.model().fit(*case.data()).plateau_
    # the noise is averaged over 4 of the 6 samples, which are alike within some 5 %
    np.testing.assert_allclose(report.signal_to_noise**2, oracle_ratio(case)[0], rtol=0.1)


def test_a_plateau_is_said_by_default_and_not_at_all_if_the_guard_is_off(on_shots):
    case = STOPS["deep parity on 6 qubits at 10 shots"]
    on_shots(case.shots)
    with pytest.warns(PlateauWarning, match="at 16 other starts"):
        model = case.model().fit(*case.data())
    assert model.plateau_.code == "gradient_drowns"
    assert "small Gaussian angles" in model.plateau_.cause
    assert any(sentence.startswith("Start from small angles") for sentence in model.plateau_.advice)
    assert model.plateau_.advice[0] == "Take at least 120 shots of each circuit."  # 10/0.0839
    assert case.model(plateau_guard="off").fit(*case.data()).plateau_ is None


def oracle_ratio(case):
    """‖∇L‖² by its noise at random starts: the squared loss, or cross-entropy, of all samples; shape (starts,)."""
    rng = np.random.default_rng(11)
    X, y = case.data()
    n = case.width
    circuit = case.feature_map.build(n)
    ansatz = case.ansatz if isinstance(case.ansatz, QuantumCircuit) else case.ansatz.build(n)
    circuit.compose(ansatz, inplace=True)
    names = [parameter.name for parameter in circuit.parameters]
    data = [names.index(f"x[{k}]") for k in range(n)]
    weights = [names.index(parameter.name) for parameter in ansatz.parameters]
    picked = rng.permutation(weights)[:_WEIGHTS] if len(weights) > _MANY else np.array(weights)
    observable = diagonal_of(case)
    ratios = []
    for _ in range(_STARTS):
        values = np.zeros((len(X), len(names)))
        values[:, data], values[:, weights] = X, drawn(case, ansatz, rng)
        slopes = slopes_of(case, oracle.means(circuit, observable, values), y)
        jacobian = oracle.derivatives(circuit, observable, values, picked)
        batch = len(X) if case.batch_size is None else case.batch_size
        by_sample = slopes[:, None] * jacobian
        mean, alone = by_sample.mean(axis=0), (by_sample**2).sum(axis=1).mean()
        together = (len(X) * (mean @ mean) - alone) / (len(X) - 1)
        signal = (1 - 1 / batch) * together + alone / batch
        if case.shots is None:
            noise = case.tol**2 * len(picked) / len(weights)
        else:
            shot = oracle.noise_of_derivatives(circuit, observable, values, picked)
            noise = (slopes[:, None] ** 2 * shot).sum(axis=1).mean() / (batch * case.shots)
        ratios.append(signal / noise)
    return np.array(ratios)


def drawn(case, ansatz, rng):
    """Weights from the distribution of a case, drawn here."""
    number = ansatz.num_parameters
    start = case.initialization
    if isinstance(start, ZeroDistribution):
        return np.zeros(number)
    if not isinstance(start, UniformDistribution):
        return start.sample(ansatz, 1, rng)[0]
    return rng.uniform(0, 2 * np.pi, number)


def diagonal_of(case):
    outcomes = np.arange(2**case.width)
    signs = [1.0 - 2.0 * (outcomes >> qubit & 1) for qubit in range(case.width)]
    read = {"parity": np.prod(signs, axis=0), "local": np.mean(signs, axis=0), "projector": outcomes == 0}
    named = isinstance(case.observable, str)
    return np.asarray(read[case.observable] if named else np.diag(case.observable.to_matrix()).real, dtype=float)


def slopes_of(case, values, y):
    """∂l/∂f at the scale and the bias with which a model begins: 2 f for targets in units of their scatter, or ±f."""
    if case.kind is VariationalClassifier:
        return np.tanh(values) - (2 * y - 1)  # of -log(e^{±f}/(e^f + e^{-f}))
    targets = (y - y.mean()) / y.std()
    return 2 * (2 * values - targets) * 2
