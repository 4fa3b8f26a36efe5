"""What a report can do."""

import json
import math
import pickle

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes

from qiskit_qml_ext.exceptions import PlateauError
from qiskit_qml_ext.models import PlateauReport, VariationalRegressor
from qiskit_qml_ext.models.variational.model import VariationalModel
from tests.models.guard.cases import GOES_ON, STOPS

mpl.use("agg")
CASES = STOPS | GOES_ON


@pytest.fixture(
    scope="module",
    params=[
        "deep parity on 6 qubits at 10 shots",
        "20 qubits and two layers, parity",
        "shallow local on 4 qubits",
        "deep projector on 8 qubits, exact",
        "30 qubits, shallow and local, no statement",
    ],
)
def report(request):
    case = CASES[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VariationalModel, "_shots", lambda self: case.shots)
        try:
            return case.model(plateau_guard="stop").fit(*case.data()).plateau_
        except PlateauError as refusal:
            return refusal.report


def test_report_is_data_text_and_a_picture(report):
    assert isinstance(report, PlateauReport)
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["code"] == report.code
    assert report.finding in report.summary()
    assert "nan" not in report.summary()
    assert report._repr_html_().startswith("<")
    assert isinstance(report.plot(), Axes)
    assert len(report.to_frame()) == 1
    assert repr(pickle.loads(pickle.dumps(report))) == repr(report)


def test_the_shots_that_it_names_are_enough(monkeypatch):
    case = STOPS["deep parity on 6 qubits at 10 shots"]
    monkeypatch.setattr(VariationalModel, "_shots", lambda self: 10)
    with pytest.raises(PlateauError) as refusal:
        case.model(plateau_guard="stop").fit(*case.data())
    needed = int(refusal.value.report.shots_needed)
    monkeypatch.setattr(VariationalModel, "_shots", lambda self: needed)
    assert case.model(plateau_guard="stop").fit(*case.data()).plateau_.code == "gradient_seen"
    monkeypatch.setattr(VariationalModel, "_shots", lambda self: needed // 4)
    assert case.model(plateau_guard="off").fit(*case.data()).plateau_ is None
    with pytest.raises(PlateauError):
        case.model(plateau_guard="stop").fit(*case.data())


def test_units_of_the_targets_do_not_matter():
    X = np.linspace(-1, 1, 12)[:, None]
    one, other = (
        VariationalRegressor(max_iter=1, random_state=0).fit(X, unit * np.sin(X[:, 0])).plateau_ for unit in (1.0, 1e6)
    )
    assert one.code == other.code
    assert math.isclose(one.signal_to_noise, other.signal_to_noise, rel_tol=1e-9)


@pytest.mark.parametrize(("number", "read", "accuracy"), [(50, 50, 1e-10), (256, 256, 1e-10), (5000, 256, 0.2)])
def test_the_gradient_is_that_of_the_training_or_estimates_it_from_some_samples(number, read, accuracy):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (number, 3))
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
    # with scale and bias given, the norm that the training reports is that of the weights alone
    model = VariationalRegressor(output_scale=y.std(), output_bias=y.mean(), max_iter=1, random_state=0).fit(X, y)
    assert model.plateau_.start_gradient == pytest.approx(model.history_["gradient_norm"][0], rel=accuracy)
    assert f"{read} of the {number} samples" in model.plateau_.method


def test_a_gradient_that_few_samples_leave_in_doubt_is_that_of_all_samples():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (2000, 3))
    y = rng.normal(size=2000)  # has nothing to do with the samples, so that what each pulls at nearly cancels
    model = VariationalRegressor(output_scale=1.0, output_bias=y.mean(), max_iter=1, random_state=0).fit(X, y)
    assert "2000 of the 2000 samples" in model.plateau_.method
    assert model.plateau_.start_gradient == pytest.approx(model.history_["gradient_norm"][0], rel=1e-10)
