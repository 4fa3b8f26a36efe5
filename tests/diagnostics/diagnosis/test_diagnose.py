"""The report as a whole: what it says, how it is written, and the command line."""

import json
import re
import stat

import matplotlib as mpl
import numpy as np
import pytest
from click.testing import CliRunner
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import (
    ANSATZE,
    FEATURE_MAPS,
    AngleFeatureMap,
    FixedWeightsFeatureMap,
    HardwareEfficientAnsatz,
    QAOAAnsatz,
    RealAmplitudesAnsatz,
    TrainableRingFeatureMap,
    ZZFeatureMap,
    feature_map_by_name,
)
from qiskit_qml_ext.cli import cli
from qiskit_qml_ext.diagnostics import (
    averaged_local_observable,
    diagnose,
    global_observable,
    global_projector,
    local_observable,
    loss_landscape,
    noise_induced_plateau,
    second_moments,
)
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumSVC
from tests.diagnostics.families import layered_circuit, product_circuit

mpl.use("agg")


@pytest.fixture(scope="module")
def barren():
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["cx"])
    return diagnose(
        HardwareEfficientAnsatz(),
        observable=global_observable,
        depths=lambda n: 3 * n,
        num_qubits=6,
        noise=noise,
        num_samples=100,
    )


def test_deep_global_ansatz_is_called_a_barren_plateau(barren):
    assert barren.findings[0].level == "bad"
    assert barren.headline().startswith("Barren plateau")
    assert any("12 qubits" in line and "shots" in line for line in barren.price)
    assert any("At 6 qubits noise multiplies" in finding.sentence for finding in barren.findings)
    assert "uniform angles and 6 to 24 layers" in barren.headline(), "the verdict is about these angles and depths"


def test_shallow_local_ansatz_is_healthy():
    report = diagnose(RealAmplitudesAnsatz(reps=1), num_qubits=4, num_samples=150)
    assert report.findings[0].level in ("good", "unknown")
    assert not any("Barren" in finding.sentence for finding in report.findings)


def test_report_is_text_html_and_json(barren, tmp_path):
    text = barren.summary()
    assert "What to do" in text
    assert "The price" in text
    page = barren.save(tmp_path / "report.html")
    html = page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert html.count("<svg") == len(barren.evidence)
    assert not re.search(r'(src|href)="https?:', html), "the page needs nothing from outside"
    data = json.loads(barren.save(tmp_path / "report.json").read_text(encoding="utf-8"))
    assert set(data["evidence"]) == set(barren.evidence)
    assert barren.save(tmp_path / "report.txt").read_text(encoding="utf-8").startswith("Is it trainable?")
    assert "<details>" in barren._repr_html_()
    assert barren.plot().get_xlabel()


def test_names_in_the_page_are_unique(barren):
    ids = re.findall(r'\bid="([^"]+)"', barren.to_html())
    assert len(ids) == len(set(ids))


def test_kernel_report_names_concentration_and_the_classical_rival():
    rng = np.random.default_rng(0)
    X = rng.uniform(-np.pi, np.pi, (80, 9))
    report = diagnose(FidelityKernel(AngleFeatureMap()), X, np.sign(X[:, 0]))
    assert report.headline().startswith("Exponential concentration")
    assert any("Multiply the data by" in line for line in report.advice)
    assert any("classical kernel" in finding.sentence for finding in report.findings)
    assert any("circuits" in line for line in report.price)


def test_weights_that_fit_one_width_only_are_no_obstacle():
    feature_map = FixedWeightsFeatureMap(TrainableRingFeatureMap(reps=1), [0.3] * 12)
    X = np.random.default_rng(0).uniform(0, 1, (20, 6))
    report = diagnose(feature_map, X)
    assert len(report.evidence["kernel_concentration"].points) == 1


def test_names_of_classes_have_no_order():
    rng = np.random.default_rng(0)
    X, codes = rng.uniform(0, 1, (30, 2)), np.arange(30) % 3
    found = []
    for labels in (codes, np.array([2, 0, 1])[codes], np.array(["x", "z", "y"])[codes]):
        part = diagnose(ZZFeatureMap(), X, labels).evidence["geometric_difference"]
        found.append([part.quantum_complexity, part.closest.complexity, part.target_alignment])
    np.testing.assert_allclose(found, [found[0]] * 3, rtol=1e-10)
    quantity = diagnose(ZZFeatureMap(), X, codes.astype(float)).evidence["geometric_difference"]
    assert quantity.quantum_complexity != pytest.approx(found[0][0])
    assert quantity.identity_complexity == pytest.approx(30)


def test_models_give_their_kernel():
    X = np.random.default_rng(0).uniform(0, 1, (20, 2))
    report = diagnose(QuantumSVC(FidelityKernel(ZZFeatureMap())), X)
    assert report.title.startswith("Is this kernel any good? ZZFeatureMap")


def test_wide_circuits_go_to_pauli_walks():
    report = diagnose(layered_circuit(40, 2), observable=local_observable)
    assert "second_moments" in report.evidence
    assert any("40 qubits are more than" in line for line in report.skipped)


def test_variances_beyond_walks_go_to_matrix_products():
    report = diagnose(layered_circuit(40, 6), observable=global_observable)
    assert "chain_second_moment" in report.evidence
    assert "10^-1" in report.headline()


def ring_cost(num_qubits: int) -> SparsePauliOp:
    return SparsePauliOp.from_sparse_list([("ZZ", [0, num_qubits // 2], 1.0)], num_qubits=num_qubits)


def test_wide_circuits_with_shared_angles_go_to_pauli_propagation():
    def bond(num_qubits: int) -> SparsePauliOp:
        return SparsePauliOp.from_sparse_list([("ZZ", [0, 1], 1.0)], num_qubits=num_qubits)

    report = diagnose(QAOAAnsatz(reps=1), observable=bond, num_qubits=40, num_samples=50)
    assert report.evidence["gradient_variance"].target.startswith("propagation")
    assert report.evidence["scaling_study"].widths[-5:] == (16, 23, 32, 45, 64)
    assert any("is as large as its noise" in finding.sentence for finding in report.findings)


def test_what_refuses_a_circuit_is_said_and_the_rest_goes_on():
    report = diagnose(QAOAAnsatz(reps=8).build(30), observable=ring_cost)
    assert any("drives" in line for line in report.skipped)
    assert any("more than 100,000 Pauli strings" in line for line in report.skipped)
    assert "Nothing could be diagnosed" in report.headline()
    narrow = diagnose(QAOAAnsatz(reps=1).build(13), observable=averaged_local_observable, num_samples=20)
    assert "gradient_variance" in narrow.evidence


def test_noise_of_a_device_that_is_too_narrow_is_studied_where_it_fits():
    report = diagnose(RealAmplitudesAnsatz(reps=1), num_qubits=6, noise=FakeManilaV2(), num_samples=12)
    assert any("the circuit has 6 qubits, the device 5" in line for line in report.skipped)
    (finding,) = (finding for finding in report.findings if finding.code.startswith("noise"))
    assert finding.level != "good"
    assert finding.sentence.startswith("At 5 qubits")
    advised = [line for line in report.advice if line.code == "fewer_layers"]
    assert all("at 5 qubits" in line and "6 qubits were not simulated" in line for line in advised)
    with pytest.raises(UnsupportedCircuitError, match=r"has 6 qubits, but .*manila.* has 5"):
        noise_induced_plateau(RealAmplitudesAnsatz(), local_observable, FakeManilaV2(), num_qubits=6)


@pytest.mark.parametrize("width", [30, 100])
def test_a_wide_projector_is_refused_by_stages_and_not_by_the_diagnosis(width):
    report = diagnose(HardwareEfficientAnsatz(reps=1), observable=global_projector, num_qubits=width, num_samples=20)
    assert sum("Projector" in line for line in report.skipped) == 2
    assert "scaling_study" in report.evidence
    with pytest.raises(TypeError, match="need a Pauli sum"):
        second_moments(product_circuit(3), global_projector)


def test_a_price_at_a_width_that_was_measured_is_the_measured_one():
    report = diagnose(RealAmplitudesAnsatz(reps=2), num_qubits=3, num_samples=60)
    study = report.evidence["scaling_study"]
    assert study.judgement.levelled_off_from > 6
    (line,) = (line for line in report.price if line.startswith("At 6 qubits"))
    measured = study.points[study.widths.index(6)].shots_for_loss()
    assert line.startswith(f"At 6 qubits, as measured: {measured:.0f} shots")


def test_prices_of_walks_that_tell_nothing_are_left_to_the_contraction():
    report = diagnose(layered_circuit(40, 6), observable=global_observable)
    rows = {name: value for name, value, _ in report.evidence["second_moments"].rows()}
    assert rows["Shots"] == "not known"
    assert "Shots to see the loss vary" not in rows
    exact = report.evidence["chain_second_moment"]
    assert "Shots to see the loss vary" in {name for name, *_ in exact.rows()}


def test_the_page_says_what_its_errors_are(barren):
    page = barren.to_html()
    assert "95 % unless said otherwise; ± is one standard error" in page
    assert "(80 %)" in page, "the bounds of the shape"


def test_time_budget_is_kept_and_said():
    report = diagnose(RealAmplitudesAnsatz(), num_qubits=3, max_seconds=0.0)
    assert report.evidence == {}
    assert "time budget" in report.skipped[0]
    assert "Nothing could be diagnosed" in report.headline()
    with pytest.raises(ValueError, match="no evidence"):
        report.plot()


def test_observables_that_do_not_see_the_circuit_are_named():
    circuit = product_circuit(2)
    report = diagnose(circuit, observable=lambda n: -local_observable(n) * 0 + global_observable(n) * 0, num_samples=10)
    assert "No parameter changes the loss" in report.headline()


def test_mistakes_are_named():
    with pytest.raises(TypeError, match="SVC cannot be diagnosed"):
        diagnose(SVC())
    with pytest.raises(ValueError, match="diagnosed on data"):
        diagnose(ZZFeatureMap())
    with pytest.raises(ValueError, match="X must have the shape"):
        diagnose(ZZFeatureMap(), [1.0, 2.0])


def test_landscape_contains_the_trained_path():
    circuit = product_circuit(3)
    path = np.linspace([0.5, 1.0, 0.2], [3.0, 3.1, 2.9], 12)
    found = loss_landscape(circuit, global_observable, path[-1], path=path, resolution=21)
    assert found.directions_from == "principal components of the path"
    assert found.explained == pytest.approx(1.0)
    middle = found.losses[10, 10]
    assert middle == pytest.approx(np.prod(np.cos(path[-1])))
    axes = found.plot()
    assert axes.get_xlabel().startswith("first direction")
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(2), atol=1e-12)
    free = loss_landscape(circuit, global_observable, path[-1], resolution=5, seed=3)
    step = free.steps[0] * free.directions[0] + free.steps[4] * free.directions[1]
    assert free.losses[0, 4] == pytest.approx(np.prod(np.cos(path[-1] + step)))


def test_mistakes_in_a_landscape_are_named():
    circuit = product_circuit(2)
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        loss_landscape(circuit, local_observable, [0.0])
    with pytest.raises(ValueError, match="parallel"):
        loss_landscape(circuit, local_observable, [0.0, 0.0], directions=[[1, 0], [2, 0]])
    with pytest.raises(ValueError, match="path must have"):
        loss_landscape(circuit, local_observable, [0.0, 0.0], path=[[1, 0]])


def run(*arguments: str):
    return CliRunner().invoke(cli, ["diagnose", *arguments])


def test_command_diagnoses_an_ansatz(tmp_path):
    page = tmp_path / "a.html"
    result = run("ansatz", "real-amplitudes", "--qubits", "3", "--samples", "20", "--reps", "1", "--report", str(page))
    assert result.exit_code == 0, result.output
    assert "Is it trainable? RealAmplitudesAnsatz" in result.output
    assert page.exists()


def test_command_diagnoses_a_kernel(tmp_path):
    data = tmp_path / "k.json"
    result = run("kernel", "zz", "iris", "--samples", "30", "--bandwidth", "0.3", "--json", str(data))
    assert result.exit_code == 0, result.output
    assert "ZZFeatureMap on 30 samples of 4 features" in result.output
    assert json.loads(data.read_text())["findings"]


@pytest.mark.slow
def test_command_prices_an_ansatz_on_a_device_and_looks_at_noise(tmp_path):
    data = tmp_path / "a.json"
    result = run(
        "ansatz", "real-amplitudes", "--qubits", "3", "--samples", "20", "--reps", "1", "--json", str(data),
        "--target", "fake_manila", "--price-per-minute", "96", "--noise", "fake_manila",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "On fake_manila one gradient by parameter shifts takes 12 circuits" in text
    assert "cost about" in text
    assert "No noise" in text
    assert json.loads(data.read_text())["plan"]["two_qubit_gates"] == 2


@pytest.mark.slow
def test_command_prices_a_kernel_on_a_device_and_looks_at_noise(tmp_path):
    page = tmp_path / "k.html"
    result = run(
        "kernel", "zz", "iris", "--samples", "12", "--qubits", "2", "--report", str(page), "--target", "fake_manila",
        "--noise", "fake_manila",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "On fake_manila the kernel matrix of 12 samples takes 66 circuits" in " ".join(result.output.split())
    assert "Without noise" in result.output
    assert "On fake_manila the kernel matrix" in page.read_text(encoding="utf-8")


def test_command_takes_exact_simulation_and_aer_as_targets():
    few = ("ansatz", "real-amplitudes", "--qubits", "2", "--samples", "5", "--reps", "1", "--target")
    assert "there are no shots to pay for" in " ".join(run(*few, "exact").output.split())
    assert "On aer one gradient by parameter shifts takes 8 circuits" in " ".join(run(*few, "aer").output.split())


@pytest.mark.parametrize("name", ANSATZE)
def test_every_ansatz_of_the_library_can_be_diagnosed(name):
    result = run("ansatz", name, "--qubits", "4", "--samples", "10")
    assert result.exit_code == 0, result.output
    assert "Evidence: Gradient at 4 qubits" in result.output


@pytest.mark.parametrize("name", FEATURE_MAPS)
def test_every_feature_map_without_weights_can_be_diagnosed(name):
    result = run("kernel", name, "iris", "--samples", "12")
    if feature_map_by_name(name).num_weights(4):
        assert "trainable weights" in result.output
    else:
        assert result.exit_code == 0, result.output
        assert "Concentration of the kernel" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ansatz", "nonsense"), "There is no ansatz 'nonsense'"),
        (("kernel", "zz", "no_such_data"), "no_such_data"),
        (("ansatz", "sim", "--reps", "1", "--layers-per-qubit", "2"), "not both"),
        (("ansatz", "sim", "--noise", "fake_nothing"), "fake_nothing"),
        (("ansatz", "sim", "--target", "fake_nothing"), "There is no target 'fake_nothing'"),
        (("kernel", "zz", "iris", "--noise", "fake_nothing"), "fake_nothing"),
        (("kernel", "zz", "iris", "--price-per-minute", "96"), "Say which one with --target"),
        (("ansatz", "sim", "--report", "/no/such/folder/r.html"), "does not exist"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message):
    result = run(*arguments)
    assert result.exit_code != 0
    assert message in result.output
    assert "Traceback" not in result.output
