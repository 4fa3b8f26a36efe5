import json
import os
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from qiskit.primitives import StatevectorEstimator
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz
from qiskit_qml_ext.gradients import SPSAGradient
from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.models.losses import HuberLoss
from qiskit_qml_ext.models.variational import checkpoint
from qiskit_qml_ext.optimizers import SPSA, Adam, NaturalGradient
from qiskit_qml_ext.primitives import Connection, Journal, connect

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(0, 3, (12, 2)), np.arange(12) % 2
KINDS = [VariationalClassifier, VariationalRegressor]


class Interrupted(Exception):  # noqa: N818
    """Stands for the end of a process."""


def dies_at(iteration):
    def die(step):
        if step.iteration == iteration:
            raise Interrupted

    return die


def model(kind=VariationalClassifier, **settings):
    settings = {"optimizer": Adam(0.3), "max_iter": 6, "random_state": 0, "tol": 0.0, **settings}
    return kind(AngleFeatureMap(), RealAmplitudesAnsatz(reps=1), **settings)


def noisy():
    return connect("exact", shots=100, seed=2)


def history(fitted):
    return fitted.history_.drop(columns="seconds")


def assert_same(one, other):
    pd.testing.assert_frame_equal(history(one), history(other), check_exact=True)
    assert_allclose(one.weights_, other.weights_, atol=0)
    assert_allclose([*one.output_scale_, *one.output_bias_], [*other.output_scale_, *other.output_bias_], atol=0)
    assert one.stopped_ == other.stopped_


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("connection", [None, noisy()], ids=["exact", "shots"])
@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 5},
        {"optimizer": SPSA(), "batch_size": 5},
        {"optimizer": NaturalGradient()},
        {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 4, "batch_size": 3, "max_iter": 20},
        {"gradient": "spsa", "plateau_guard": "off"},  # which drowns, as the guard would say
        {"gradient": SPSAGradient(num_directions=3), "plateau_guard": "off"},
        {"random_state": None},
        {"random_state": np.random.RandomState(3)},
    ],
    ids=lambda settings: "-".join(map(str, settings)),
)  # fmt: skip
def test_a_training_that_was_interrupted_ends_as_one_that_was_not(kind, connection, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_SHARE", np.inf)  # written after every iteration where values are exact, too
    file = tmp_path / "checkpoint"
    settings = {"connection": connection, "max_iter": 8, **settings}
    with pytest.raises(Interrupted):
        model(kind, **settings, checkpoint=file, callbacks=[dies_at(4)]).fit(X, Y)
    went_on = []
    resumed = model(kind, **settings, checkpoint=file, callbacks=[went_on.append]).fit(X, Y)
    if settings.get("random_state", 0) == 0:
        assert_same(resumed, model(kind, **settings).fit(X, Y))
    assert went_on[0].iteration == 4, "it was written after each iteration"
    assert [step.iteration for step in went_on] == list(range(went_on[0].iteration, resumed.n_iter_ + 1))
    assert resumed.history_["iteration"].tolist() == list(range(1, resumed.n_iter_ + 1))
    assert resumed.history_["seconds"].is_monotonic_increasing
    assert_same(pickle.loads(pickle.dumps(resumed)), resumed)


def test_a_training_without_a_seed_goes_on_as_it_began(tmp_path):
    seen, went_on = [], []
    settings = {"random_state": None, "connection": noisy(), "checkpoint": tmp_path / "c", "batch_size": 5}
    with pytest.raises(Interrupted):
        model(**settings, callbacks=[seen.append, dies_at(4)]).fit(X, Y)
    resumed = model(**settings, callbacks=[went_on.append]).fit(X, Y)
    assert (went_on[0].iteration, went_on[0].loss) == (4, seen[3].loss)
    assert resumed.history_["loss"].tolist()[:4] == [step.loss for step in seen]


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_training_is_taken_from_the_file_at_once(kind, tmp_path):
    connection, file = noisy(), tmp_path / "checkpoint"
    first = model(kind, connection=connection, checkpoint=file, early_stopping=True).fit(X, Y)
    before, content = connection.usage, file.read_bytes()
    again = model(kind, connection=connection, checkpoint=file, early_stopping=True, callbacks=[dies_at(1)]).fit(X, Y)
    assert_same(again, first)
    assert connection.usage == before
    assert file.read_bytes() == content
    assert again.predict(X).tolist() == first.predict(X).tolist()


def test_a_model_that_was_taken_from_a_file_is_trained_on_as_the_one_that_wrote_it(tmp_path):
    file = tmp_path / "checkpoint"
    one, two = (model(connection=noisy(), checkpoint=file, batch_size=5).fit(X, Y) for _ in range(2))
    for fitted in (one, two):
        fitted.set_params(checkpoint=None).partial_fit(X, Y)
    assert_same(one, two)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": Adam(0.2)}, r"optimizer was Adam\(.*learning_rate=0.3\) and is Adam\(.*learning_rate=0.2\)"),
        ({"optimizer": "spsa"}, "optimizer was Adam"),
        ({"batch_size": 4}, "batch_size was None and is 4"),
        ({"max_iter": 7}, "max_iter was 6 and is 7"),
        ({"random_state": 1}, "initial point was .*; seed of random_state was"),
        ({"loss": "hinge"}, r"loss was CrossEntropyLoss\(\) and is HingeLoss\(\)"),
        ({"loss": HuberLoss(0.3)}, "loss was"),
        ({"ansatz": RealAmplitudesAnsatz(reps=2)}, "circuit was"),
        ({"observables": "parity"}, "observables was"),
        ({"output_scale": 2.0}, r"initial point was.*output_scale in units of the training was None and is \[2.0\]"),
        ({"initialization": "small-angle"}, "initial point was"),
        ({"connection": connect("exact", shots=50, seed=2)}, "connection was exact.*shots=100.*shots=50"),
        ({"gradient": "finite_difference"}, "gradient was ParameterShiftGradient"),
        ({"class_weight": {0: 1.0, 1: 2.0}}, "sample_weight was"),
        ({"early_stopping": True}, "early_stopping was False and is True"),
    ],
    ids=str,
)
def test_a_file_of_another_training_is_refused_with_what_differs(change, words, tmp_path):
    file = tmp_path / "checkpoint"
    fitted = model(connection=noisy(), checkpoint=file).fit(X, Y)
    content = file.read_bytes()
    with pytest.raises(ValueError, match=f"is of another training: .*{words}.*Give another file, or delete it"):
        fitted.set_params(**change).fit(X, Y)
    assert file.read_bytes() == content


def test_the_same_numbers_of_numpy_are_the_same_training(tmp_path):
    file = tmp_path / "checkpoint"
    settings = {"max_iter": 3, "tol": 1e-4, "batch_size": 4, "random_state": 0, "n_iter_no_change": 10}
    fitted = model(checkpoint=file, **settings).fit(X, Y)
    same = {name: (np.float64 if name == "tol" else np.int64)(value) for name, value in settings.items()}
    same["optimizer"] = Adam(np.float64(0.3))
    assert_same(model(checkpoint=file, **same).fit(X, Y), fitted)


def test_a_file_of_other_data_or_of_another_model_is_refused(tmp_path):
    file = tmp_path / "checkpoint"
    model(checkpoint=file).fit(X, Y)
    for data, words in (((X + 1e-12, Y), "X was"), ((X, 1 - Y), "y was"), ((X, Y, Y + 1.0), "sample_weight was")):
        with pytest.raises(ValueError, match=words):
            model(checkpoint=file).fit(*data)
    with pytest.raises(ValueError, match="model was VariationalClassifier and is VariationalRegressor"):
        model(VariationalRegressor, loss="squared", checkpoint=file).fit(X, Y)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", ["output_scale", "output_bias"])
def test_a_file_of_another_given_scale_or_bias_is_refused(kind, setting, tmp_path):
    file = tmp_path / "checkpoint"
    model(kind, checkpoint=file, **{setting: 1.0}).fit(X, Y)
    with pytest.raises(ValueError, match=f"is of another training: {setting} in units of the training was .* and is"):
        model(kind, checkpoint=file, **{setting: 7.0}).fit(X, Y)


def test_a_file_of_targets_in_other_units_is_refused_where_the_scale_is_given_in_theirs(tmp_path):
    file = tmp_path / "checkpoint"
    model(VariationalRegressor, checkpoint=file, output_scale=1.0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="output_scale in units of the training was"):
        model(VariationalRegressor, checkpoint=file, output_scale=1.0).fit(X, 3 * X[:, 0])
    free = model(VariationalRegressor, checkpoint=tmp_path / "other").fit(X, X[:, 0])
    larger = model(VariationalRegressor, checkpoint=tmp_path / "other").fit(X, 4 * X[:, 0])
    assert_allclose(larger.predict(X), 4 * free.predict(X), rtol=1e-12)


def squared(factor):
    def loss(outputs, targets):
        missing = outputs - factor * targets
        return (missing**2).sum(axis=1), 2 * missing

    return loss


class Squared:
    def __init__(self, factor):
        self._factor = factor

    def __call__(self, outputs, targets):
        return squared(self._factor)(outputs, targets)


class OwnAdam(Adam):
    def __init__(self, learning_rate=0.3):
        super().__init__(learning_rate)
        self._factor = learning_rate


def own_estimator(precision):
    return Connection.from_primitives(estimator=StatevectorEstimator(default_precision=precision, seed=1))


def noise(share):
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(share, 2), ["cx"])
    return AerSimulator(noise_model=model)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({"loss": squared(1.0)}, {"loss": squared(9.0)}, "loss was"),
        ({"loss": lambda o, t: squared(1)(o, t)}, {"loss": lambda o, t: squared(2)(o, t)}, "loss was"),
        ({"loss": Squared(1.0)}, {"loss": Squared(9.0)}, "loss was"),
        ({"loss": Squared(1.0).__call__}, {"loss": Squared(9.0).__call__}, "loss was"),
        ({"optimizer": OwnAdam(0.1)}, {"optimizer": OwnAdam(0.2)}, "optimizer was"),
        ({"connection": own_estimator(0.05)}, {"connection": own_estimator(0.3)}, "connection was"),
        (
            {"connection": connect(noise(0.1), shots=10, seed=1)},
            {"connection": connect(noise(0.2), shots=10, seed=1)},
            "connection was",
        ),
        (
            {"connection": connect("aer", shots=10, seed=1, optimization_level=0)},
            {"connection": connect("aer", shots=10, seed=1, optimization_level=2)},
            "connection was",
        ),
    ],
    ids=["closure", "lambda", "private", "method", "optimizer", "estimator", "noise", "transpiler"],
)
def test_what_somebody_wrote_is_known_by_what_it_does_not_by_its_name(one, other, words, tmp_path):
    file = tmp_path / "checkpoint"
    settings = {"checkpoint": file, "max_iter": 1, "plateau_guard": "off"}
    first = model(VariationalRegressor, **{"loss": "squared", **settings, **one}).fit(X[:2], Y[:2])
    again = model(VariationalRegressor, **{"loss": "squared", **settings, **one}).fit(X[:2], Y[:2])
    assert again.weights_.tolist() == first.weights_.tolist()
    with pytest.raises(ValueError, match=f"is of another training: .*{words}"):
        model(VariationalRegressor, **{"loss": "squared", **settings, **other}).fit(X[:2], Y[:2])


def test_a_loss_that_cannot_be_told_from_others_has_no_checkpoint(tmp_path):
    loss = Squared(1.0)
    loss.handle = object()
    with pytest.raises(ValueError, match=r"checkpoint cannot tell this loss from another one in a later run.*object"):
        model(VariationalRegressor, loss=loss, checkpoint=tmp_path / "c", callbacks=[dies_at(1)]).fit(X, Y)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"format": "another"}', "\x00",
     '{"format": "qiskit_qml_ext checkpoint of a training, version 1"}',
     '{"format": "qiskit_qml_ext checkpoint of a training, version 1", "identity": {}, "seed": 0}'],
)  # fmt: skip
def test_a_file_that_is_no_checkpoint_is_refused_and_left_as_it_is(content, tmp_path):
    file = tmp_path / "checkpoint"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="is no checkpoint of a training"):
        model(checkpoint=file).fit(X, Y)
    assert file.read_text(encoding="utf-8") == content


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"optimizer": "l-bfgs-b"}, ValueError, r"goes in steps \('adam'.*connect\(…, journal=FILE\)"),
        ({"optimizer": "cobyla"}, ValueError, "goes in steps"),
        ({"warm_start": True}, ValueError, "warm_start=True goes on from the one before"),
        ({"checkpoint": 3}, TypeError, "checkpoint must be the path of a file, or None"),
        ({"checkpoint": ""}, ValueError, "empty"),
        ({"checkpoint": "/no such folder/file"}, ValueError, "does not exist"),
        ({"checkpoint": os.path.dirname(__file__)}, ValueError, "is a folder"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_runs(settings, error, words, tmp_path):
    with pytest.raises(error, match=words):
        model(**{"checkpoint": tmp_path / "c", "callbacks": [dies_at(1)], **settings}).fit(X, Y)


def test_partial_fit_has_no_checkpoint(tmp_path):
    with pytest.raises(ValueError, match="partial_fit is one pass"):
        model(checkpoint=tmp_path / "c").partial_fit(X, Y)


def test_a_checkpoint_is_json_for_its_owner_only_and_takes_little_of_an_exact_training(tmp_path):
    file, written = tmp_path / "checkpoint", []

    def look(step):
        written.append(file.stat().st_mtime_ns if file.exists() else 0)

    fitted = model(checkpoint=file, max_iter=400, n_iter_no_change=400, callbacks=[look]).fit(X, Y)
    state = json.loads(file.read_text(encoding="utf-8"))
    assert state["is_finished"]
    assert set(state["history"]) == set(fitted.history_)
    assert fitted.n_iter_ == 400
    assert file.stat().st_mode & 0o077 == 0
    assert len(set(written)) < 40, "an iteration takes less time than writing"
    assert not written[0], "nothing is written in the first second"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize("optimizer", ["adam", "spsa"])
def test_a_training_that_is_begun_again_in_one_program_takes_what_was_paid_for_from_the_journal(optimizer, tmp_path):
    settings = {"optimizer": optimizer, "batch_size": 5, "max_iter": 3, "checkpoint": tmp_path / "c"}
    connection = connect("exact", shots=100, seed=2, journal=tmp_path / "journal")
    with pytest.raises(Interrupted):
        model(**settings, connection=connection, callbacks=[dies_at(2)]).fit(X, Y)
    resumed = model(**settings, connection=connection).fit(X, Y)
    with Journal(tmp_path / "journal") as journal:
        torn = [unit.content for unit in journal.units()]
    other = connect("exact", shots=100, seed=2, journal=tmp_path / "another")
    assert_same(resumed, model(**{**settings, "checkpoint": None}, connection=other).fit(X, Y))
    with Journal(tmp_path / "another") as journal:
        assert torn == [unit.content for unit in journal.units()]
