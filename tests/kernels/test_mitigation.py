"""Depolarising noise undone by the measured diagonal: exactly where it is such noise, alike in train and test."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit.primitives import BaseSamplerV2, BitArray, DataBin, PrimitiveResult, SamplerPubResult, StatevectorSampler
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import DensityMatrix, Statevector
from qiskit_aer.noise import NoiseModel, depolarizing_error
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import (
    BitFlipTolerantKernel,
    CachedKernel,
    FidelityKernel,
    HammingKernel,
    MitigateDepolarizing,
    OutcomeKernel,
    QuantumKernel,
    RawKernel,
    ReadoutErrors,
)
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(4).uniform(-2, 2, (7, 3))
Y = np.random.default_rng(5).uniform(-2, 2, (4, 3))
MAP = ZZFeatureMap(reps=1)


class Depolarised(QuantumKernel):
    """Fidelities of density matrices that a global depolarising channel has gone over, by Qiskit's own matrices."""

    def __init__(self, survives, *, psd_repair=None):
        self.survives = survives
        self.psd_repair = psd_repair

    def num_qubits(self, num_features):
        return num_features

    def raw_kernel(self, x, y):
        columns = x if y is None else y
        matrix = np.array([[self._entry(one, other) for other in columns] for one in x])
        return RawKernel(matrix, None, None, "depolarised")

    def measured_diagonal(self, samples):
        return np.array([self._entry(one, one) for one in samples]), np.zeros(len(samples))

    def _entry(self, one, other):
        """The probability of reading zeros after U†(other) U(one), each with a channel of its own sample behind it."""
        circuit = MAP.build(3)
        dimension = 8
        mixed = np.eye(dimension) / dimension
        state = DensityMatrix(circuit.assign_parameters(one)).data
        state = self.survives(one) * state + (1 - self.survives(one)) * mixed
        state = DensityMatrix(state).evolve(circuit.assign_parameters(other).inverse()).data
        state = self.survives(other) * state + (1 - self.survives(other)) * mixed
        return float(state[0, 0].real)


def exact(x, y):
    def vectors(samples):
        return np.array([Statevector(MAP.build(3).assign_parameters(sample)).data for sample in samples])

    return np.abs(vectors(x).conj() @ vectors(y).T) ** 2


def alike(sample):
    return 0.6


def each_its_own(sample):
    return 0.5 + 0.4 * np.sin(sample[0]) ** 2


@pytest.mark.parametrize(
    ("survives", "step"),
    [
        (alike, MitigateDepolarizing("single", reference=X[:1])),
        (alike, MitigateDepolarizing("mean", reference=X)),
        (alike, MitigateDepolarizing("split")),
        (each_its_own, MitigateDepolarizing("split")),
    ],
)
def test_a_global_depolarising_channel_is_removed_from_train_and_test(survives, step):
    kernel = Depolarised(survives, psd_repair=step)
    estimate = kernel.evaluate_with_errors(X)
    assert np.abs(estimate.raw - exact(X, X)).max() > 0.1
    assert_allclose(estimate.matrix, exact(X, X), atol=1e-12)
    assert_allclose(kernel.evaluate(Y, X), exact(Y, X), atol=1e-12)
    assert_allclose(kernel.evaluate(Y, X[2:3]), exact(Y, X[2:3]), atol=1e-12)
    assert "survived" in estimate.applied[0]


def test_channels_of_each_sample_are_not_removed_by_one_rate():
    step = MitigateDepolarizing("mean", reference=X)
    assert np.abs(Depolarised(each_its_own, psd_repair=step).evaluate(X) - exact(X, X)).max() > 0.02


def test_a_machine_on_mitigated_matrices_decides_as_one_on_exact_matrices():
    labels = np.array([0, 1, 0, 1, 1, 0, 1])
    mitigated = SVC(kernel=Depolarised(each_its_own, psd_repair="mitigate_depolarizing")).fit(X, labels)
    expected = SVC(kernel="precomputed").fit(exact(X, X), labels).decision_function(exact(Y, X))
    assert_allclose(mitigated.decision_function(Y), expected, atol=1e-8)


@pytest.mark.parametrize(
    "step", [MitigateDepolarizing(), MitigateDepolarizing("mean", reference=X), MitigateDepolarizing("single", X[:1])]
)
def test_noise_that_leaves_nothing_is_an_error(step):
    with pytest.raises(ValueError, match=r"too strong to be undone: the measured kernel .* is 0\.125 ± 0, .* 0\.125"):
        Depolarised(lambda sample: 0.0, psd_repair=step).evaluate(X)


def noisy_connection(shots, seed=3):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx"])
    return connect("aer", shots=shots, seed=seed, noise_model=noise)


def test_a_diagonal_that_is_not_measured_is_refused_before_anything_runs():
    kernel = FidelityKernel(MAP, connection=noisy_connection(50), psd_repair="mitigate_depolarizing")
    for rows in ((X,), (Y, X)):
        with pytest.raises(ValueError, match=r"run_diagonal=False sets it to 1\. Set run_diagonal=True"):
            kernel.evaluate(*rows)
    assert kernel.connection.usage.shots == 0

    class Silent(QuantumKernel):
        def raw_kernel(self, x, y):
            raise AssertionError("ran")

    with pytest.raises(TypeError, match=r"Silent does not say how that is measured. .* measured_diagonal"):
        Silent(psd_repair="mitigate_depolarizing").evaluate(X)


def test_the_plan_has_the_diagonals_of_rows_and_columns_and_each_runs_once():
    kernel = FidelityKernel(
        MAP, connection=noisy_connection(200), psd_repair="mitigate_depolarizing", run_diagonal=True
    )
    assert kernel.plan(Y, X).circuits == 4 * 7 + 4 + 7
    kernel.evaluate(Y, X)
    usage = kernel.connection.usage
    assert (usage.circuits, usage.jobs) == (4 * 7 + 4 + 7, 1)
    kernel.evaluate(Y, X)
    assert kernel.connection.usage == usage
    assert kernel.plan(X).circuits == 7 * 6 // 2


def test_mitigation_brings_a_noisy_device_nearer_to_the_exact_matrix():
    kernel = FidelityKernel(
        MAP, connection=noisy_connection(4000), psd_repair="mitigate_depolarizing", run_diagonal=True
    )
    estimate = kernel.evaluate_with_errors(X)
    before, after = (np.abs(matrix - exact(X, X)).max() for matrix in (estimate.raw, estimate.matrix))
    assert after < before / 2
    assert_array_equal(np.diagonal(estimate.matrix).round(12), 1.0)


@pytest.mark.parametrize("method", ["split", "mean"])
def test_propagated_errors_are_what_repeated_runs_show(method):
    shots, runs, mixed = 400, 600, 1 / 8
    noisy = Depolarised(each_its_own).evaluate(Y, X)
    rows, columns = (Depolarised(each_its_own).measured_diagonal(samples)[0] for samples in (Y, X))
    rng = np.random.default_rng(6)

    class Drawn(Depolarised):
        def raw_kernel(self, x, y):
            return RawKernel(rng.binomial(shots, noisy) / shots, np.sqrt(noisy * (1 - noisy) / shots), shots, "drawn")

        def measured_diagonal(self, samples):
            true = rows if len(samples) == len(Y) else columns
            return rng.binomial(shots, true) / shots, np.sqrt(true * (1 - true) / shots)

    step = MitigateDepolarizing() if method == "split" else MitigateDepolarizing("mean", reference=X)
    kernel = Drawn(each_its_own, psd_repair=step)
    estimates = [kernel.evaluate_with_errors(Y, X) for _ in range(runs)]
    spread = np.std([estimate.matrix for estimate in estimates], axis=0)
    stated = np.mean([estimate.repaired_errors for estimate in estimates], axis=0)
    assert mixed < rows.min()
    # 28 standard deviations, each known to 1/√1200 = 2.9 %; 5 of these, and second orders of the quotient
    assert_allclose(stated, spread, rtol=0.16)


def test_mitigation_comes_first():
    kernel = Depolarised(alike, psd_repair=["clip", "mitigate_depolarizing"])
    with pytest.raises(ValueError, match=r"ClipPSD\(moved by .*\) changed it before"):
        kernel.evaluate(X)
    after_symmetrize = Depolarised(alike, psd_repair=["symmetrize", "mitigate_depolarizing", "clip"]).evaluate(X)
    assert_allclose(after_symmetrize, exact(X, X), atol=1e-12)


def test_readout_errors_are_undone_before_the_channel():
    """On one qubit depolarising gates are a global channel, so that both steps together give the fidelity back."""
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.2, 1), ["ry"])
    noise.add_all_qubit_readout_error([[0.95, 0.05], [0.1, 0.9]])
    few = X[:6, :1]
    kernel = FidelityKernel(
        AngleFeatureMap(),
        connection=connect("aer", noise_model=noise, shots=20_000, seed=1),
        run_diagonal=True,
        readout_correction=ReadoutErrors(0.05, 0.1),
        psd_repair=MitigateDepolarizing("mean", reference=few),
    )
    estimate = kernel.evaluate_with_errors(few)
    assert [step.split("(")[0] for step in estimate.applied] == ["ReadoutCorrection", "MitigateDepolarizing"]
    fidelities = np.cos((few - few.T) / 2) ** 2
    pairs = np.triu_indices(6, 1)
    off, errors = (estimate.matrix - fidelities)[pairs], estimate.repaired_errors[pairs]
    assert np.all(np.abs(off) < 5 * errors)  # false alarm 15 · 6e-7
    assert np.abs(estimate.raw - fidelities)[pairs].max() > 0.1  # with the channel in it


def test_settings_that_cannot_be_meant_are_refused():
    with pytest.raises(ValueError, match="method must be 'split', 'mean' or 'single', but 'average' came"):
        MitigateDepolarizing("average")
    with pytest.raises(ValueError, match=r"method='mean' needs reference=…"):
        MitigateDepolarizing("mean")
    with pytest.raises(ValueError, match="takes one sample as reference, but 7 came"):
        MitigateDepolarizing("single", reference=X)
    with pytest.raises(ValueError, match="reference means nothing"):
        MitigateDepolarizing("split", reference=X)
    with pytest.raises(ValueError, match="use it as psd_repair of a kernel with run_diagonal=True"):
        MitigateDepolarizing()(RawKernel(np.eye(2), None, None, "given"))


def test_an_exact_kernel_has_nothing_to_mitigate():
    kernel = FidelityKernel(AngleFeatureMap(), psd_repair="mitigate_depolarizing", run_diagonal=True)
    assert_allclose(kernel.evaluate(X), FidelityKernel(AngleFeatureMap()).evaluate(X), atol=1e-13)
    assert_allclose(kernel.evaluate(Y, X), FidelityKernel(AngleFeatureMap()).evaluate(Y, X), atol=1e-13)


class DepolarisedOutcomes(BaseSamplerV2):
    """Puts a uniformly random outcome in the place of a shot with the probability 1 - s: a channel on all qubits."""

    def __init__(self, survives, shots):
        self._survives, self._inner, self._rng = survives, StatevectorSampler(default_shots=shots, seed=1), None

    def run(self, pubs, *, shots=None):
        self._rng = self._rng or np.random.default_rng(2)
        results = self._inner.run([SamplerPub.coerce(pub, shots) for pub in pubs], shots=shots).result()
        return _Done(PrimitiveResult([SamplerPubResult(self._mixed(one.data), one.metadata) for one in results]))

    def _mixed(self, data):
        (name, bits), *_ = data.items()
        lost = self._rng.random(bits.array.shape[:-1]) > self._survives
        outcomes = bits.array.copy()
        outcomes[lost] = self._rng.integers(0, 2**bits.num_bits, (lost.sum(), 1), dtype=np.uint8)
        return DataBin(**{name: BitArray(outcomes, bits.num_bits)}, shape=data.shape)


class _Done:
    def __init__(self, result):
        self._result = result

    def result(self):
        return self._result

    def status(self):
        return "DONE"

    def job_id(self):
        return "none"


class Parity:
    name = "parity"

    def values(self, num_qubits):
        return 2 * (-1.0) ** np.arange(num_qubits + 1)


class ParityKernel(OutcomeKernel):
    def reading(self):
        return Parity()


class ConstantKernel(OutcomeKernel):
    def reading(self):
        class Constant:
            name = "constant"

            def values(self, num_qubits):
                return np.full(num_qubits + 1, 0.5)

        return Constant()


@pytest.mark.parametrize("wrap", [lambda kernel: kernel, CachedKernel])
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (FidelityKernel, {}),
        (FidelityKernel, {"method": "swap"}),
        (HammingKernel, {}),
        (BitFlipTolerantKernel, {"tolerance": 1}),
        (ParityKernel, {}),
    ],
)
@pytest.mark.parametrize("step", ["mitigate_depolarizing", MitigateDepolarizing("mean", reference=X[:, :2])])
def test_every_reading_of_depolarised_outcomes_is_mitigated_to_its_exact_kernel(kind, settings, step, wrap):
    noisy = {"run_diagonal": True, "sampler": DepolarisedOutcomes(0.6, shots=40_000), "psd_repair": step}
    kernel = wrap(kind(AngleFeatureMap(), **settings, **noisy))
    settings = {name: value for name, value in settings.items() if name != "method"}
    estimate, exact_matrix = (
        kernel.evaluate_with_errors(X[:, :2]),
        kind(AngleFeatureMap(), **settings).evaluate(X[:, :2]),
    )
    assert np.abs(estimate.raw - exact_matrix).max() > 0.1
    errors = estimate.repaired_errors[np.triu_indices(7, 1)]
    deviations = (estimate.matrix - exact_matrix)[np.triu_indices(7, 1)] / errors
    assert errors.max() < 0.06
    assert 0.4 < np.sqrt(np.mean(deviations**2)) < 1.9


def test_a_reading_that_is_the_same_of_a_mixed_state_cannot_say_what_survived():
    sampler = DepolarisedOutcomes(0.6, shots=100)
    kernel = ConstantKernel(AngleFeatureMap(), run_diagonal=True, sampler=sampler, psd_repair="mitigate_depolarizing")
    with pytest.raises(
        ValueError, match=r"reads 0\.5 of a sample against itself .* and of the maximally mixed state too"
    ):
        kernel.evaluate(X[:, :2])
