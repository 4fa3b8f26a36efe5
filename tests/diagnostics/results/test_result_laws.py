"""What all results can do; a new one joins the list."""

import dataclasses
import json
import math
import pickle
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from qiskit import QuantumCircuit
from qiskit_aer.noise import NoiseModel

from qiskit_qml_ext import diagnostics as d
from qiskit_qml_ext.circuits import HardwareEfficientAnsatz, MatchgateAnsatz, RealAmplitudesAnsatz, ZZFeatureMap
from qiskit_qml_ext.diagnostics.results.result import plain, rounded
from tests.diagnostics.families import layered_circuit, product_circuit

mpl.use("agg")
X = np.random.default_rng(0).uniform(0, 1, (12, 2))
ANSATZ = RealAmplitudesAnsatz(reps=1)
SMALL = {"num_qubits": 3, "num_samples": 12, "seed": 0}
KERNEL = np.array([[1, 0.2, 0.6], [0.2, 1, 0.4], [0.6, 0.4, 1]])

RESULTS = {
    "gradient_variance": lambda: d.gradient_variance(ANSATZ, d.local_observable, **SMALL),
    "scaling_study": lambda: d.scaling_study(ANSATZ, d.local_observable, widths=range(2, 8), num_samples=50, seed=0),
    "plateau_causes": lambda: d.plateau_causes(ANSATZ, d.local_observable, **SMALL),
    "compare_initializations": lambda: d.compare_initializations(ANSATZ, d.local_observable, **SMALL),
    "expressibility": lambda: d.expressibility(ANSATZ, num_qubits=2, num_pairs=50, seed=0),
    "entangling_capability": lambda: d.entangling_capability(ANSATZ, **SMALL),
    "stabilizer_renyi_entropy": lambda: d.stabilizer_renyi_entropy(ANSATZ, **SMALL),
    "effective_dimension": lambda: d.effective_dimension(ANSATZ.build(2), num_samples=5, seed=0),
    "fourier_spectrum": lambda: d.fourier_spectrum(ZZFeatureMap(reps=1).build(1), d.local_observable, seed=0),
    "kernel_concentration": lambda: d.kernel_concentration(ZZFeatureMap(), X),
    "geometric_difference": lambda: d.geometric_difference(np.eye(12), X, np.ones(12)),
    "kernel_scores": lambda: d.kernel_scores(np.eye(12), {"linear": X @ X.T}, np.arange(12) % 2),
    "rbf_twin": lambda: d.rbf_twin(np.eye(12), X, np.arange(12) % 2),
    "shots_to_resolve": lambda: d.shots_to_resolve(KERNEL),
    "kernel_health": lambda: d.kernel_health(KERNEL, [0, 1, 0]),
    "noise_induced_plateau": lambda: d.noise_induced_plateau(
        HardwareEfficientAnsatz(), d.local_observable, NoiseModel(), depths=[1, 2], **SMALL
    ),
    "second_moments": lambda: d.second_moments(layered_circuit(3, 1), d.local_observable, num_walks=64, seed=0),
    "second_moment_bounds": lambda: d.second_moment_bounds(layered_circuit(4, 2), d.local_observable, max_strings=1),
    "chain_second_moment": lambda: d.chain_second_moment(layered_circuit(3, 1), d.local_observable),
    "lie_algebra": lambda: d.lie_algebra(MatchgateAnsatz(), num_qubits=3),
    "loss_landscape": lambda: d.loss_landscape(product_circuit(2), d.local_observable, [0.1, 0.2], resolution=4),
    "diagnose": lambda: d.diagnose(ANSATZ, num_qubits=2, num_samples=10, max_seconds=1.0),
}


@pytest.fixture(scope="module")
def made():
    found = {}

    def get(name):
        if name not in found:
            found[name] = RESULTS[name]()
        return found[name]

    return get


@pytest.mark.parametrize("name", RESULTS)
def test_result_is_frozen_data_with_text_html_and_a_picture(name, made):
    result = made(name)
    assert dataclasses.is_dataclass(result)
    field = dataclasses.fields(result)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(result, field, None)
    assert isinstance(result, d.Result)
    assert result.summary().strip()
    html = result._repr_html_()
    assert html.startswith("<")
    axes = result.plot()
    assert isinstance(axes, Axes)
    given = plt.subplots()[1]
    assert result.plot(given) is given
    plt.close("all")


@pytest.mark.parametrize("name", RESULTS)
def test_plain_data_is_strict_json_and_text_has_no_nan(name, made):
    result = made(name)
    json.dumps(result.to_dict(), allow_nan=False)
    assert repr(result).startswith(type(result).__name__)
    assert "nan" not in result.summary().lower().split()


@pytest.mark.parametrize("name", RESULTS)
def test_a_frame_has_a_row_for_each_record_and_single_values_in_its_columns(name, made):
    records, frame = made(name).records(), made(name).to_frame()
    assert len(frame) == len(records) >= 1
    names = set().union(*records)
    assert names <= set(frame.columns)
    assert all(re.fullmatch("[a-z][a-z_0-9]*", column) for column in frame.columns)
    singles = (bool, int, float, str, np.generic, type(None))
    assert all(isinstance(value, singles) for column in frame for value in frame[column])
    estimates = {key: value for key, value in records[0].items() if isinstance(value, d.Estimate)}
    for key, estimate in estimates.items():
        row = frame.iloc[0][[key, f"{key}_error", f"{key}_low", f"{key}_high"]].to_numpy(dtype=float)
        shown = [estimate.value, estimate.standard_error, estimate.low, estimate.high]
        np.testing.assert_array_equal(row, np.array(shown))


@pytest.mark.parametrize("name", RESULTS)
def test_a_frame_without_rows_has_the_columns_of_one_with_rows(name, made, monkeypatch):
    result = made(name)
    if result.typical:
        full = result.to_frame()
        monkeypatch.setattr(type(result), "records", lambda self: [])
        assert list(result.to_frame().columns) == list(full.columns)


def test_a_circuit_without_parameters_has_a_frame_without_rows():
    frame = d.gradient_variance(QuantumCircuit(1), d.local_observable, num_samples=8).to_frame()
    assert len(frame) == 0
    assert math.isnan(frame["variance"].mean())


def test_numbers_that_are_known_nowhere_are_nan_in_a_frame():
    frame = RESULTS["shots_to_resolve"]().to_frame()
    assert not any(frame[column].isna().all() and frame[column].dtype == object for column in frame)
    differences = d.geometric_difference(KERNEL, classical={"a": np.eye(3)}).to_frame()
    assert math.isnan(differences.mean(numeric_only=True)["complexity"])


def test_infinite_numbers_of_shots_are_null_in_json_and_infinite_in_a_frame():
    alike = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    health = d.kernel_health(alike, [0, 1, 0])
    assert health.to_dict()["shots_to_resolve"]["to_tell_apart"] is None
    assert health.to_frame()["shots_to_tell_apart"].tolist() == [math.inf]
    assert d.shots_to_resolve(alike).to_frame()["to_tell_apart"].tolist() == [math.inf]


@pytest.mark.parametrize("name", RESULTS)
def test_results_survive_pickle(name, made):
    copy = pickle.loads(pickle.dumps(made(name)))
    assert copy.summary() == made(name).summary()


def test_estimates_are_written_with_two_digits_of_their_error():
    assert str(d.Estimate(0.41234, 0.0082, 0.4, 0.43)) == "0.4123 ± 0.0082"
    assert str(d.Estimate.exact(0.5)) == "0.5"
    assert str(d.Estimate(1e-12, 2e-13, 0, 1)) == "1e-12 ± 2e-13"
    assert d.Estimate(1.0, 0.1, 0.8, 1.2).contains(1.2)


def test_plain_turns_what_json_lacks_into_what_it_has():
    assert plain({"a": np.float64(1.5), "b": (math.inf, math.nan), "c": np.arange(2), "d": 1 + 2j}) == {
        "a": 1.5,
        "b": [None, None],
        "c": [0, 1],
        "d": [1.0, 2.0],
    }
    assert rounded(24_713) == "25,000"
    assert rounded(3.14e12) == "3.1e+12"
    assert rounded(math.inf) == "inf"


def test_every_diagnostic_of_the_package_is_in_this_list():
    functions = {name for name in d.__all__ if name[0].islower()}
    helpers = {
        "averaged_local_observable", "global_observable", "global_projector", "local_observable", "centred_alignment",
        "ideal_kernel", "haar_frame_potential", "meyer_wallach", "model_complexity", "product_bandwidth",
        "product_encoding_moments", "suggest_bandwidth", "why_no_second_moments",
    }  # fmt: skip
    assert functions - helpers == set(RESULTS)
