import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Pauli, SparsePauliOp
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import MinMaxScaler

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    RealAmplitudesAnsatz,
    ReuploadingFeatureMap,
    ReuploadingModel,
    WarmStartDistribution,
)
from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.optimizers import Adam
from qiskit_qml_ext.primitives import connect


@pytest.fixture(scope="module")
def three_classes():
    X, y = load_iris(return_X_y=True)
    return MinMaxScaler((0, 3)).fit_transform(X[::3]), np.array(["a", "b", "c"])[y[::3]]


def circle(number, rng):
    X = rng.uniform(-1, 1, (number, 2))
    return X, np.hypot(X[:, 0], X[:, 1]) < np.sqrt(2 / np.pi)


@pytest.mark.slow
def test_one_reuploading_qubit_classifies_the_circle_above_94_percent():
    rng = np.random.default_rng(0)
    (X, y), (X_test, y_test) = circle(200, rng), circle(4000, rng)
    fits = [
        VariationalClassifier(
            ReuploadingFeatureMap(reps=8, register_size=1), loss="squared", optimizer="l-bfgs-b", max_iter=300,
            random_state=seed,
        ).fit(X, y)
        for seed in range(8)
    ]  # fmt: skip
    best = min(fits, key=lambda model: model.history_["loss"].iloc[-1])
    assert best.score(X_test, y_test) > 0.94


def test_a_teacher_of_the_same_circuit_is_recovered():
    rng = np.random.default_rng(4)
    X = rng.uniform(-1, 1, (60, 2))
    settings = {"feature_map": AngleFeatureMap(), "ansatz": RealAmplitudesAnsatz(reps=1)}
    weights = rng.uniform(0, 2 * np.pi, 4)
    teacher = VariationalRegressor(
        **settings, initialization=WarmStartDistribution(weights, radius=1e-12), output_scale=3.0, output_bias=1.0,
        optimizer=_Stays(),
    )  # fmt: skip
    teacher.fit(X, rng.normal(size=60))
    y = teacher.predict(X)
    student = VariationalRegressor(**settings, optimizer="l-bfgs-b", max_iter=500, random_state=1).fit(X, y)
    assert_allclose(student.predict(X), y, atol=1e-3)
    fresh = rng.uniform(-1, 1, (20, 2))
    assert_allclose(student.predict(fresh), teacher.predict(fresh), atol=1e-2)


class _Stays:
    """An optimizer that reports where it is and goes nowhere."""

    in_steps = False

    def minimize(self, training, start):
        training.report(start, training.whole.value(start), None)
        return start


def test_a_linear_teacher_is_recovered():
    rng = np.random.default_rng(0)
    X = rng.uniform(-0.5, 0.5, (80, 2))
    y = 40 + 3 * X[:, 0] - 2 * X[:, 1]
    model = VariationalRegressor(ReuploadingModel(reps=2), optimizer="l-bfgs-b", max_iter=500, random_state=0)
    model.fit(X, y)
    fresh = rng.uniform(-0.5, 0.5, (80, 2))
    assert model.score(fresh, 40 + 3 * fresh[:, 0] - 2 * fresh[:, 1]) > 0.999


def test_a_model_that_loads_x_three_times_fits_a_series_of_degree_three():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    coefficients = rng.normal(size=(3, 2)) * 0.1
    y = sum(a * np.cos(k * x) + b * np.sin(k * x) for k, (a, b) in enumerate(coefficients, start=1))
    model = VariationalRegressor(
        ReuploadingFeatureMap(reps=4, register_size=2), optimizer="l-bfgs-b", max_iter=2000, random_state=2
    ).fit(x[:, None], y)
    assert model.score(x[:, None], y) > 0.9999


def test_a_fit_does_not_change_with_the_units_of_the_targets():
    X = np.linspace(-1, 1, 20)[:, None]
    y = np.sin(2 * X[:, 0])
    small, large = (
        VariationalRegressor(max_iter=20, random_state=0).fit(X, factor * y + factor) for factor in (1.0, 1e6)
    )
    assert_allclose(large.predict(X), 1e6 * small.predict(X), rtol=1e-8)
    values = (small.predict(X) - small.output_bias_) / small.output_scale_
    assert np.abs(values).max() <= 1 + 1e-12, "expectation values of a mean of Z"
    assert_allclose(large.output_scale_, 1e6 * small.output_scale_, rtol=1e-8)


def test_given_scale_and_bias_are_kept_in_the_units_of_the_targets():
    X = np.linspace(-1, 1, 20)[:, None]
    model = VariationalRegressor(output_scale=7.0, output_bias=-3.0, max_iter=5, random_state=0).fit(X, X[:, 0])
    assert_allclose([*model.output_scale_, *model.output_bias_], [7, -3], rtol=1e-12)
    classifier = VariationalClassifier(output_scale=7.0, output_bias=-3.0, max_iter=5, random_state=0)
    classifier.fit(X, X[:, 0] > 0)
    assert_allclose([*classifier.output_scale_, *classifier.output_bias_], [7, -3], rtol=1e-12)


@pytest.mark.parametrize("optimizer", ["adam", "spsa", "cobyla", "l-bfgs-b", "natural_gradient"])
def test_a_seed_gives_equal_results(three_classes, optimizer):
    X, y = three_classes
    batch_size = 16 if optimizer in ("adam", "spsa") else None
    settings = {"optimizer": optimizer, "max_iter": 4, "batch_size": batch_size}
    first, second, other = (
        VariationalClassifier(**settings, random_state=seed).fit(X, y).weights_ for seed in (7, 7, 8)
    )
    assert_allclose(first, second, atol=0)
    assert not np.allclose(first, other)


def test_probabilities_sum_to_one_and_agree_with_the_prediction(three_classes):
    X, y = three_classes
    model = VariationalClassifier(optimizer="l-bfgs-b", max_iter=20, random_state=0).fit(X, y)
    probabilities = model.predict_proba(X)
    assert_allclose(probabilities.sum(axis=1), 1, atol=1e-14)
    assert model.classes_[probabilities.argmax(axis=1)].tolist() == model.predict(X).tolist()
    assert not hasattr(VariationalClassifier(loss="hinge"), "predict_proba")


def test_two_classes_share_one_observable_or_have_one_each(three_classes):
    X, y = three_classes
    X, y = X[y != "c"], y[y != "c"]
    one = VariationalClassifier(optimizer="l-bfgs-b", max_iter=20, random_state=0).fit(X, y)
    assert one.decision_function(X).shape == (len(X),)
    assert (one.decision_function(X) > 0).tolist() == (one.predict(X) == "b").tolist()
    two = VariationalClassifier(observables=[Pauli("IIIZ"), Pauli("IIZI")], max_iter=2, random_state=0).fit(X, y)
    assert two.output_scale_.shape == (2,)
    odds = np.exp(2 * one.decision_function(X))
    assert_allclose(one.predict_proba(X)[:, 1], odds / (1 + odds), rtol=1e-10)


def test_class_weights_multiply_sample_weights(three_classes):
    X, y = three_classes
    weighted = VariationalClassifier(class_weight={"a": 2.0, "b": 1.0, "c": 0.5}, max_iter=10, random_state=0)
    weight = np.select([y == "a", y == "b"], [2.0, 1.0], 0.5)
    plain = VariationalClassifier(max_iter=10, random_state=0).fit(X, y, sample_weight=weight)
    assert_allclose(weighted.fit(X, y).weights_, plain.weights_, atol=1e-12)


def test_early_stopping_keeps_the_weights_that_were_best_for_the_validation_samples(three_classes):
    X, y = three_classes
    seen = []
    model = VariationalClassifier(
        optimizer=Adam(0.5), early_stopping=True, validation_fraction=0.3, n_iter_no_change=3, tol=0.0,
        max_iter=300, random_state=0, callbacks=[seen.append],
    ).fit(X, y)  # fmt: skip
    losses = model.history_["validation_loss"]
    assert model.stopped_ == "no_change"
    assert len(losses) - 1 - losses.idxmin() == 3
    assert_allclose(model.weights_, seen[losses.idxmin()].weights, atol=0)


def test_a_callback_sees_each_iteration_and_can_stop_the_training(three_classes):
    X, y = three_classes
    steps = []

    def stop(step):
        steps.append(step)
        return step.iteration == 4

    model = VariationalClassifier(callbacks=[stop], random_state=0).fit(X, y)
    assert (model.n_iter_, model.stopped_) == (4, "callback")
    assert [step.loss for step in steps] == model.history_["loss"].tolist()
    assert_allclose(model.weights_, steps[-1].weights, atol=0)


def test_training_on_one_batch_is_training_on_all(three_classes):
    X, y = three_classes
    whole = VariationalClassifier(max_iter=5, random_state=0).fit(X, y)
    batch = VariationalClassifier(max_iter=5, batch_size=len(X), random_state=0).fit(X, y)
    assert_allclose(whole.weights_, batch.weights_, atol=0)


def test_a_warm_start_goes_on_and_partial_fit_is_one_pass(three_classes):
    X, y = three_classes
    whole = VariationalClassifier(max_iter=6, random_state=0).fit(X, y)
    warm = VariationalClassifier(max_iter=3, warm_start=True, random_state=0).fit(X, y).fit(X, y)
    parts = VariationalClassifier(random_state=0)
    for _ in range(6):
        parts.partial_fit(X, y, classes=["a", "b", "c"])
    assert_allclose(warm.weights_, whole.weights_, atol=1e-14)
    assert_allclose(parts.weights_, whole.weights_, atol=1e-14)
    cold = VariationalClassifier(max_iter=3, random_state=0).fit(X, y).fit(X, y)
    assert not np.allclose(cold.weights_, whole.weights_)


def test_several_outputs_and_a_constant_one():
    X = np.linspace(-1, 1, 30)[:, None] * [1, 0.5]
    Y = np.stack([np.sin(X[:, 0]), np.full(30, 5.0)], axis=1)
    model = VariationalRegressor(optimizer="l-bfgs-b", random_state=0).fit(X, Y)
    assert_allclose(model.predict(X), Y, atol=0.01)


def test_a_plain_circuit_with_its_data_named_x_is_a_model():
    x, weights = ParameterVector("x", 1), ParameterVector("a", 2)
    circuit = QuantumCircuit(1)
    circuit.ry(weights[0] * x[0] + weights[1], 0)
    X = np.linspace(0, 3, 30)[:, None]
    y = np.cos(1.5 * X[:, 0] + 0.2)
    start = WarmStartDistribution([1.2, 0.0], radius=0.1)  # a frequency far from the right one is a local minimum
    model = VariationalRegressor(circuit, initialization=start, optimizer="l-bfgs-b", random_state=0, max_iter=500)
    assert_allclose(model.fit(X, y).predict(X), y, atol=0.01)
    assert [parameter.name for parameter in circuit.parameters] == ["a[0]", "a[1]", "x[0]"], "it is not changed"


def test_the_history_is_drawn():
    X = np.linspace(0, 3, 30)[:, None]
    model = VariationalRegressor(max_iter=3, random_state=0, early_stopping=True).fit(X, X[:, 0])
    assert [line.get_label() for line in model.plot_history().get_lines()] == ["training", "validation"]


def test_a_progress_bar_is_shown_on_request(capsys):
    X = np.linspace(0, 3, 30)[:, None]
    VariationalRegressor(max_iter=3, random_state=0, verbose=True).fit(X, X[:, 0])
    assert "VariationalRegressor" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"loss": "absolute"}, ValueError, "loss must be one of 'cross_entropy'"),
        ({"optimizer": "sgd2"}, ValueError, "optimizer must be one of 'adam'"),
        ({"optimizer": "cobyla", "batch_size": 8}, ValueError, "batch_size=8 needs an optimizer that goes in steps"),
        ({"initialization": "no such"}, ValueError, "no initial distribution"),
        ({"initialization": WarmStartDistribution([1.0])}, ValueError, "point must be 12 finite angles"),
        ({"ansatz": QuantumCircuit(4)}, ValueError, "no weights to train"),
        ({"ansatz": RealAmplitudesAnsatz().build(3)}, ValueError, "3 qubits but the feature map has 4"),
        ({"feature_map": AngleFeatureMap().build(3)}, ValueError, "4 features but the feature map encodes 3"),
        ({"feature_map": "zz"}, TypeError, "feature_map must be a template"),
        ({"observables": [Pauli("ZIII")]}, ValueError, "observables must be 3"),
        ({"observables": [SparsePauliOp("ZIII", 1j)] * 3}, ValueError, "must be Hermitian"),
        ({"observables": [Pauli("Z")] * 3}, ValueError, "qubits"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"max_iter": 2.5}, TypeError, "max_iter must be a whole number"),
        ({"early_stopping": "yes"}, TypeError, "early_stopping must be True or False"),
        ({"validation_fraction": 1.0}, ValueError, "validation_fraction must be"),
        ({"n_iter_no_change": 0}, ValueError, "n_iter_no_change must be"),
        ({"tol": -1}, ValueError, "tol must be"),
        ({"output_scale": np.nan}, ValueError, "output_scale must be"),
        ({"callbacks": print}, TypeError, "callbacks must be a list"),
        ({"callbacks": [3]}, TypeError, "each of callbacks"),
        ({"verbose": 2}, TypeError, "verbose must be True or False"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_before_anything_runs(three_classes, settings, error, words):
    with pytest.raises(error, match=words):
        VariationalClassifier(**settings).fit(*three_classes)


def test_bad_data_are_refused(three_classes):
    X, y = three_classes
    model = VariationalClassifier(max_iter=2)
    with pytest.raises(NotFittedError):
        model.predict_proba(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full_like(X, np.nan), y)
    with pytest.raises(ValueError, match="at least 2, but 1 class"):
        model.fit(X, np.full(len(X), "a"))
    with pytest.raises(ValueError, match=r"all weights are 0|at least one non-zero"):
        model.fit(X, y, sample_weight=np.zeros(len(X)))
    with pytest.raises(ValueError, match="3 outputs need as many kinds of outcomes, but 1 qubits"):
        VariationalClassifier(ReuploadingFeatureMap(register_size=1)).fit(X, y)
    model.fit(X, y)
    with pytest.raises(ValueError, match="2 features"):
        model.predict(X[:, :2])


def test_partial_fit_says_what_it_cannot_do(three_classes):
    X, y = three_classes
    with pytest.raises(ValueError, match="partial_fit needs an optimizer that goes in steps"):
        VariationalClassifier(optimizer="l-bfgs-b").partial_fit(X, y)
    with pytest.raises(ValueError, match="early_stopping"):
        VariationalClassifier(early_stopping=True).partial_fit(X, y)
    with pytest.raises(ValueError, match="none of"):
        VariationalClassifier().partial_fit(X, y).partial_fit(X, np.full(len(X), "d"))


@pytest.mark.parametrize(
    "change", [{"loss": "hinge"}, {"ansatz__reps": 1}, {"optimizer": Adam(0.1)}, {"output_scale": 2.0}], ids=str
)
def test_what_was_changed_since_the_model_was_made_is_not_passed_over(three_classes, change):
    X, y = three_classes
    model = VariationalClassifier(ansatz=RealAmplitudesAnsatz(), max_iter=2, warm_start=True, random_state=0).fit(X, y)
    model = pickle.loads(pickle.dumps(model)).fit(X, y)
    for train in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=r"was changed since the model was made"):
            model.set_params(**change) and train(X, y)
    assert model.set_params(warm_start=False).fit(X, y).n_iter_ == 2


def test_how_a_model_is_trained_on_may_be_changed(three_classes):
    X, y = three_classes
    model = VariationalClassifier(max_iter=2, warm_start=True, random_state=0).fit(X, y)
    assert model.set_params(max_iter=3, batch_size=20).fit(X, y).n_iter_ == 3
    with pytest.raises(ValueError, match="2 features"):
        model.fit(X[:, :2], y)


@pytest.mark.parametrize(
    ("class_weight", "error", "words"),
    [
        ({"a": -1.0}, ValueError, r"class_weight\['a'\] must be"),
        ({"a": np.nan}, ValueError, r"class_weight\['a'\] must be"),
        ({"a": "2"}, TypeError, r"class_weight\['a'\] must be"),
        (dict.fromkeys("abc", 0.0), ValueError, "leaves no sample with a positive weight"),
        ({"A": 2.0}, ValueError, r"names \['A'\], which are none of the classes \['a', 'b', 'c'\]"),
        ("balance", ValueError, "class_weight must be 'balanced', a weight for each class, or None"),
        ([1.0, 2.0], TypeError, "class_weight must be"),
    ],
)
def test_weights_of_classes_that_cannot_be_meant_are_refused(three_classes, class_weight, error, words):
    with pytest.raises(error, match=words):
        VariationalClassifier(class_weight=class_weight, max_iter=1).fit(*three_classes)


def test_weights_of_classes_hold_for_all_classes_of_the_model_whatever_comes_in_a_pass(three_classes):
    X, y = three_classes
    only = y != "c"
    weight = {"b": 2.0, "c": 3.0}
    model = VariationalClassifier(class_weight=weight, random_state=0).partial_fit(X[only], y[only], classes=[*"abc"])
    plain = VariationalClassifier(random_state=0)
    plain.partial_fit(X[only], y[only], classes=[*"abc"], sample_weight=np.where(y[only] == "b", 2.0, 1.0))
    assert_allclose(model.weights_, plain.weights_, atol=1e-12)
    with pytest.raises(ValueError, match="partial_fit sees only some"):
        VariationalClassifier(class_weight="balanced").partial_fit(X, y)
    none = VariationalClassifier(class_weight={"c": 0.0}, max_iter=3, random_state=0).fit(X, y)
    some = VariationalClassifier(max_iter=3, random_state=0).fit(X, y, sample_weight=np.where(y == "c", 1e-300, 1.0))
    assert none.classes_.tolist() == [*"abc"]
    assert_allclose(none.weights_, some.weights_, atol=1e-9)


def test_partial_fit_refuses_other_classes_than_in_the_first_call(three_classes):
    X, y = three_classes
    model = VariationalClassifier(random_state=0).partial_fit(X, y, classes=["c", "a", "b"])
    model.partial_fit(X, y, classes=["a", "b", "c"]).partial_fit(X, y)
    for classes in (["a", "b"], ["a", "b", "d"], [1, 2, 3]):
        with pytest.raises(ValueError, match="classes must be those of the first call"):
            model.partial_fit(X, y, classes=classes)
    for classes in ([["a", "b", "c"]], [0.0, 1.0, np.nan]):
        with pytest.raises(ValueError, match="classes must be a list of class labels"):
            VariationalClassifier().partial_fit(X, y, classes=classes)


@pytest.mark.parametrize(
    ("settings", "labels", "words"),
    [
        ({}, [0, 1, 1, 1, 1, 1], "early_stopping=True puts samples aside, .* at least 2 of the class 0, but 1 came"),
        ({}, [0, 1, 0, 1, 0, 1], "validation_fraction=0.1 of 6 samples puts 1 aside.*needs at least 2, one of each"),
        ({"validation_fraction": 0.9}, [0, 1, 0, 1, 0, 1], "puts 6 aside and trains on 0"),
    ],
)
def test_early_stopping_says_which_samples_it_needs(settings, labels, words):
    with pytest.raises(ValueError, match=words):
        VariationalClassifier(early_stopping=True, **settings).fit(np.arange(12.0).reshape(6, 2), labels)


def test_early_stopping_of_a_regressor_needs_two_samples():
    with pytest.raises(ValueError, match="at least 2, but 1 came"):
        VariationalRegressor(early_stopping=True).fit([[0.5]], [0.0])
    assert VariationalRegressor(early_stopping=True, max_iter=2).fit([[0.5], [1.0]], [0.0, 1.0]).n_iter_ == 2


@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.PlateauWarning")
@pytest.mark.parametrize("kind", [VariationalClassifier, VariationalRegressor])
def test_numbers_of_numpy_train_as_pythons_do(kind):
    """Grids of arrays give them: a search passes ``np.int64`` and ``np.bool_``."""
    rng = np.random.default_rng(0)
    X, y = rng.uniform(0, 1, (14, 2)), np.arange(14) % 2
    given = {"max_iter": 3, "batch_size": 4, "random_state": 2, "tol": 1e-4, "early_stopping": False}
    given |= {"n_iter_no_change": 2, "warm_start": False, "validation_fraction": 0.2}
    fits = [
        kind(**settings, connection=connect("exact", shots=50, seed=1)).fit(X, y)  # so few that the guard has to say so
        for settings in (given, {name: np.asarray(value)[()] for name, value in given.items()})
    ]
    assert_allclose(fits[1].predict(X).astype(float), fits[0].predict(X).astype(float))
    assert fits[1].plateau_ == fits[0].plateau_
    assert fits[1].history_["loss"].tolist() == fits[0].history_["loss"].tolist()
