"""No diagnosis says two things that exclude each other, whatever the labels, the kernel, the circuit and the noise."""

import re

import numpy as np
import pytest
from exclusive_codes import codes_of, contradictions, unlicensed
from qiskit.circuit.library import real_amplitudes, z_feature_map
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_machine_learning.neural_networks import EstimatorQNN
from sklearn.metrics.pairwise import rbf_kernel

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    GivensAnsatz,
    HardwareEfficientAnsatz,
    RealAmplitudesAnsatz,
    ZZFeatureMap,
)
from qiskit_qml_ext.diagnostics import (
    Estimate,
    diagnose,
    global_observable,
    global_projector,
    gradient_variance,
    local_observable,
)
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import ExactEstimator, connect
from tests.diagnostics.families import layered_circuit, product_circuit

SIZE = 70
MAPS = {
    "zz": ZZFeatureMap(),
    "almost constant": ZZFeatureMap(bandwidth=0.01),
    "product": AngleFeatureMap(),
    "almost the identity": AngleFeatureMap(bandwidth=500.0),
}


def labels_of(kind: str, X: np.ndarray, kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    size = len(X)
    smooth = rbf_kernel(X / X.std()) @ rng.normal(size=size)
    planted = kernel @ (rng.normal(size=size) * (rng.random(size) < 0.2))
    return {
        "none": None,
        "planted": (planted > np.median(planted)).astype(int),
        "rbf": np.where(smooth > np.median(smooth), "yes", "no"),
        "linear": (X[:, 0] > X[:, 0].mean()).astype(int),
        "noise": rng.integers(0, 2, size),
        "unequal noise": (rng.random(size) < 0.08).astype(int),
        "three": np.digitize(X[:, 0], np.quantile(X[:, 0], [0.3, 0.6])),
        "values": 1000 * planted,
        "noisy values": rng.normal(size=size),
        "one class": np.zeros(size, dtype=int),
    }[kind]


def check(report) -> set[str]:
    codes = codes_of(report)
    assert not contradictions(codes), report.summary()
    assert not unlicensed(report.summary()), report.summary()
    return codes


@pytest.mark.parametrize("kind", ["none", "planted", "rbf", "linear", "noise", "unequal noise", "three", "values",
                                  "noisy values", "one class"])  # fmt: skip
def test_diagnosis_of_a_kernel_does_not_contradict_itself(kind):
    seen = set()
    for seed, (name, feature_map) in enumerate(MAPS.items()):
        rng = np.random.default_rng(seed)
        low, high = feature_map.data_range
        X = rng.uniform(low, high, (SIZE, 3))
        kernel = FidelityKernel(feature_map)
        report = diagnose(kernel, X, labels_of(kind, X, kernel.evaluate(X), rng))
        codes = check(report)
        last = report.evidence["kernel_concentration"].last
        assert ("nearly_constant" in codes) == (last.effective_rank < 2 and last.variance.value < 0.01)
        if name == "almost constant":
            assert "nearly_constant" in codes
        if scores := report.evidence.get("kernel_scores"):
            best = max(scores.classical, key=lambda one: one.score)
            assert ("classical_first" in codes) == (scores.ranking == "classical_scores_as_well")
            if "classical_first" in codes:
                assert any(advice.startswith(f"Use a classical kernel first: {best.name}") for advice in report.advice)
        seen |= codes
    assert {"noise": "nothing_learned", "linear": "classical_first", "planted": "quantum_scores_higher"}.get(
        kind, "entries_differ"
    ) in seen


@pytest.mark.parametrize("size", [4, 6, 9, 12])
def test_diagnosis_of_few_samples_does_not_contradict_itself(size):
    rng = np.random.default_rng(size)
    for feature_map in (ZZFeatureMap(), AngleFeatureMap(bandwidth=300.0)):
        codes = check(diagnose(feature_map, rng.uniform(0, 1, (size, 5)), np.arange(size) % 2))
        assert size >= 10 or not codes & {"nothing_learned", "quantum_scores_higher", "classical_scores_as_well"}
        spread = {"entries_differ", "entries_need_many_shots", "entries_equal", "concentrates_exponentially"}
        assert ("too_few_samples" in codes) == (size < 10) == (not codes & spread)


def test_few_samples_have_no_price_and_no_interval_beyond_what_entries_can_have():
    X = np.random.default_rng(1).uniform(0, 1, (4, 5))
    report = diagnose(ZZFeatureMap(), X, connection=connect("fake_manila", seed=1))
    assert report.headline() == (
        "4 samples are too few to say how the entries of this kernel spread; at least 10 are needed."
    )
    assert not [line for line in report.price if "circuits" in line]
    for point in report.evidence["kernel_concentration"].points:
        assert 0 <= point.mean.low <= point.mean.high <= 1
        assert 0 <= point.variance.low <= point.variance.high <= max(0.25, point.variance.value)


def test_a_lead_of_the_quantum_kernel_on_one_set_of_folds_is_no_good_mark():
    rng = np.random.default_rng(0)
    low, high = ZZFeatureMap().data_range
    X = rng.uniform(low, high, (150, 3))
    kernel = FidelityKernel(ZZFeatureMap()).evaluate(X)
    report = diagnose(ZZFeatureMap(), X, labels_of("planted", X, kernel, rng))
    (finding,) = [one for one in report.findings if one.code == "quantum_scores_higher"]
    assert finding.level == "unknown"
    assert finding.sentence.endswith("not counting how much other training sets would change that.")
    assert {"compare_on_same_folds"} <= check(report)


def test_the_ideal_kernel_of_two_classes_is_not_called_nearly_constant():
    """Classes 60:40: 1 within and 0 between has the effective rank 1.92, and nothing could tell the samples better."""
    side = np.repeat([0.0, np.pi], [36, 24])
    X = (side + 0.01 * np.random.default_rng(0).normal(size=60))[:, None]
    report = diagnose(AngleFeatureMap(), X, (side > 1).astype(int))
    codes = check(report)
    assert report.evidence["kernel_concentration"].last.effective_rank < 2
    assert "nearly_constant" not in codes
    assert "look much alike" not in report.summary()
    narrow = diagnose(AngleFeatureMap(), X / 30, (side > 1).astype(int))
    assert "nearly_constant" in check(narrow)


def test_diagnosis_of_a_wide_product_map_tells_the_trend_from_the_entries_at_hand():
    X = np.random.default_rng(0).uniform(-np.pi, np.pi, (80, 9))
    report = diagnose(AngleFeatureMap(), X, np.sign(X[:, 0]))
    assert {"concentrates_exponentially", "entries_differ", "nearly_identity", "smaller_bandwidth"} <= check(report)
    assert re.match(r"Exponential concentration within 1 to 9 features: .* \d", report.headline())


def test_diagnosis_with_shots_and_noise_does_not_contradict_itself():
    X = np.random.default_rng(0).uniform(0, 1, (30, 2))
    y = np.arange(30) % 2
    check(diagnose(FidelityKernel(ZZFeatureMap(), connection=connect("exact", shots=20, seed=1)), X, y))
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.3, 2), ["cx"])
    assert "noise_shrinks_spread" in check(diagnose(ZZFeatureMap(), X, y, noise=noise))


def network() -> EstimatorQNN:
    features, ansatz = z_feature_map(3), real_amplitudes(3, reps=1)
    return EstimatorQNN(
        circuit=features.compose(ansatz),
        input_params=list(features.parameters),
        weight_params=list(ansatz.parameters),
        estimator=ExactEstimator(),
        default_precision=0.0,
    )


NOISE = NoiseModel()
NOISE.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["cx"])
CIRCUITS = {
    "shallow": lambda: diagnose(RealAmplitudesAnsatz(reps=1), num_qubits=4, num_samples=40),
    "deep": lambda: diagnose(
        HardwareEfficientAnsatz(), observable=global_observable, depths=lambda n: 2 * n, num_qubits=4, num_samples=40
    ),
    "noise": lambda: diagnose(RealAmplitudesAnsatz(reps=2), num_qubits=3, noise=NOISE, num_samples=20),
    "nothing to see": lambda: diagnose(
        product_circuit(2), observable=lambda n: 0 * local_observable(n), num_samples=10
    ),
    "parity of excitations": lambda: diagnose(
        GivensAnsatz(), observable=global_observable, num_qubits=4, num_samples=20, noise=NOISE
    ),
    "network": lambda: diagnose(network(), np.random.default_rng(5).uniform(0, 1, (6, 3)), num_samples=40),
    "walks": lambda: diagnose(layered_circuit(40, 2)),
    "walks, global": lambda: diagnose(layered_circuit(40, 6), observable=global_observable),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_diagnosis_of_a_circuit_does_not_contradict_itself(name):
    report = CIRCUITS[name]()
    codes = check(report)
    told = [advice for advice in report.advice if advice.code == "measure_what_changes"]
    assert len(told) == ("loss_constant" in codes), "one advice, the one that was tried"


def test_a_constant_loss_is_0_and_nothing_is_priced_or_changed():
    report = CIRCUITS["parity of excitations"]()
    assert {"loss_constant", "measure_what_changes"} <= codes_of(report)
    found = report.evidence["gradient_variance"]
    assert found.loss_variance == Estimate(0.0, 0.0, 0.0, 0.0, found.loss_variance.method)
    assert "plateau_causes" not in report.evidence
    assert "noise_induced_plateau" not in report.evidence
    assert any("no parameter changes the loss" in line for line in report.skipped)


def test_losses_that_are_tiny_and_equal_have_no_variance():
    found = gradient_variance(GivensAnsatz(), global_projector, num_qubits=7, num_samples=37, seed=0)
    assert found.loss_variance.value == found.loss_variance.high == 0.0
    assert np.isnan(found.loss_kurtosis)


def test_one_quantity_has_one_number():
    report = diagnose(HardwareEfficientAnsatz(), num_qubits=4, num_samples=30)
    gradient, causes = report.evidence["gradient_variance"], report.evidence["plateau_causes"]
    study, starts = report.evidence["scaling_study"], report.evidence["compare_initializations"]
    assert causes.variance.value == gradient.loss_variance.value
    assert study.variances[study.widths.index(4)].value == gradient.loss_variance.value
    assert starts.squared_gradients[0].value == causes.squared_gradient.value == gradient.squared_gradient.value
    assert starts.loss_means[0].value == gradient.loss_mean.value


def test_a_spread_that_shots_hide_is_not_called_absent():
    X = np.random.default_rng(0).uniform(-np.pi, np.pi, (10, 10))  # 45 entries of about 1/1024: two shots each see none
    measured = FidelityKernel(AngleFeatureMap(), connection=connect("exact", shots=2, seed=0))
    report = diagnose(measured, X)
    codes = check(report)
    assert "spread_not_seen" in codes
    assert "entries_equal" not in codes
    assert "no number of shots" not in report.headline()
    assert "with 2 shots an entry no spread is seen" in report.summary().replace("\n  ", " ")


def test_wrong_labels_are_named():
    X = np.zeros((12, 2))
    with pytest.raises(ValueError, match="one label for each of the 12 rows of X"):
        diagnose(ZZFeatureMap(), X, [0, 1])
    with pytest.raises(ValueError, match="NaN"):
        diagnose(ZZFeatureMap(), np.random.default_rng(0).normal(size=(12, 2)), [np.nan, *range(11)])
