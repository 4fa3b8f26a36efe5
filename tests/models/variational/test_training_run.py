"""How a training goes: batches, when it stops, and which weights are kept."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit_machine_learning.optimizers import ADAM, NFT, UMDA

from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.optimizers import Adam
from qiskit_qml_ext.optimizers.stopping import StoppingRule
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(5)
X = RNG.uniform(-1, 1, (65, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
SINE = np.linspace(-1, 1, 20)[:, None], np.sin(3 * np.linspace(-1, 1, 20))


def cross_entropy(model, samples, labels):
    return -np.log(model.predict_proba(samples)[np.arange(len(labels)), labels]).mean()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_loss_of_a_pass_is_the_mean_over_all_samples_whatever_the_batches(seed):
    weight = RNG.uniform(0.1, 2, 65)
    still = VariationalClassifier(optimizer=Adam(1e-12), max_iter=1, batch_size=64, random_state=seed)
    model = still.fit(X, Y)
    assert_allclose(model.history_["loss"][0], cross_entropy(model, X, Y), rtol=1e-9)
    model = still.fit(X, Y, sample_weight=weight)
    losses = -np.log(model.predict_proba(X)[np.arange(65), Y])
    assert_allclose(model.history_["loss"][0], np.average(losses, weights=weight), rtol=1e-9)


@pytest.mark.parametrize(("batch_size", "sizes"), [(64, {32, 33}), (10, {9, 10}), (13, {13}), (1, {1}), (64 + 1, {65})])
def test_batches_of_a_pass_are_of_nearly_one_size_and_hold_each_sample_once(batch_size, sizes):
    seen = []

    def loss(outputs, targets):
        seen.append(len(targets))
        return ((outputs - targets) ** 2).sum(axis=1), 2 * (outputs - targets)

    model = VariationalRegressor(loss=loss, batch_size=batch_size, max_iter=1, plateau_guard="off", random_state=0)
    model.partial_fit(X, X[:, 0])
    assert set(seen) == sizes
    assert sum(seen) == 65


@pytest.mark.parametrize("seed", range(3))
def test_a_training_does_not_stop_while_its_loss_climbs_and_falls(seed):
    model = VariationalRegressor(max_iter=400, random_state=seed).fit(*SINE)
    best = VariationalRegressor(optimizer="l-bfgs-b", max_iter=400, random_state=seed).fit(*SINE)
    assert model.stopped_ == "no_change"
    assert model.score(*SINE) > best.score(*SINE) - 0.01


def test_what_is_a_smooth_curve_goes_on_and_what_is_noise_or_stands_still_does_not():
    rule = StoppingRule(tol=1e-4, n_iter_no_change=10, watches_training=True)
    steps = np.arange(10)
    assert rule.is_moving(0.5 - 0.02 * (steps - 4.5) ** 2, 10), "over a hump"
    assert rule.is_moving(0.1 * steps, 10), "up"
    assert not rule.is_moving(0.1 * steps, 100), "up without an end"
    assert rule.is_moving(-0.1 * steps, 1000), "down again"
    assert not rule.is_moving(1e-6 * steps, 10), "less than tol"
    assert not rule.is_moving((-1.0) ** steps, 10), "to and fro"
    assert not rule.is_moving([0.3, 0.2], 10), "too few to tell"
    noise = np.random.default_rng(0).normal(size=(2000, 10))
    assert np.mean([rule.is_moving(one, 10) for one in noise]) < 0.03


def test_a_training_that_no_longer_gets_better_keeps_its_best_weights_with_a_checkpoint_too(tmp_path):
    steps = []
    settings = {"optimizer": Adam(0.4), "random_state": 0, "n_iter_no_change": 1}
    model = VariationalClassifier(**settings, callbacks=[steps.append]).fit(X, Y)
    assert model.stopped_ == "no_change"
    assert abs(model.weights_ - steps[-1].weights).max() > 0.1, "the last are not the best"
    assert cross_entropy(model, X, Y) <= model.history_["loss"].min() + 1e-12
    for _ in range(2):
        kept = VariationalClassifier(**settings, checkpoint=tmp_path / "c").fit(X, Y)
        assert_allclose(kept.weights_, model.weights_, atol=0)


def test_a_training_takes_all_steps_that_it_was_asked_for():
    steps = []
    settings = {"optimizer": Adam(0.4), "random_state": 0, "n_iter_no_change": 400}
    model = VariationalClassifier(max_iter=8, callbacks=[steps.append], **settings).fit(X, Y)
    assert_allclose(model.weights_, steps[-1].weights, atol=0)


@pytest.mark.parametrize("optimizer", [NFT(maxiter=100), UMDA(maxiter=5), ADAM(maxiter=300, lr=0.1)])
def test_a_model_that_another_optimizer_trained_is_as_good_as_its_history(optimizer):
    model = VariationalClassifier(max_iter=23, optimizer=optimizer, random_state=0).fit(X[:14], Y[:14])
    assert (model.n_iter_, model.stopped_) == (23, "max_iter")
    assert cross_entropy(model, X[:14], Y[:14]) <= model.history_["loss"].min() + 1e-12


@pytest.mark.parametrize(
    ("settings", "stopped"), [({}, "max_iter"), ({"callbacks": [lambda step: step.iteration == 2]}, "callback")]
)
def test_another_optimizer_that_asks_for_gradients_only_is_paid_for_no_more_than_ours(settings, stopped):
    used = {}
    for optimizer in ("adam", ADAM(maxiter=50)):
        connection = connect("exact", shots=10, seed=0)
        model = VariationalClassifier(
            max_iter=2 if stopped == "max_iter" else 9, optimizer=optimizer, connection=connection, plateau_guard="off",
            random_state=0, **settings,
        ).fit(X[:4], [0, 1, 0, 1])  # fmt: skip
        assert (model.n_iter_, model.stopped_) == (2, stopped)
        used[str(optimizer)] = str(connection.usage)
    assert len(set(used.values())) == 1


def test_a_loss_that_writes_to_its_arguments_trains_as_one_that_does_not():
    def loss(outputs, targets):
        missing = outputs - targets
        outputs *= 0
        targets *= 0
        return (missing**2).sum(axis=1), 2 * missing

    own = VariationalRegressor(loss=loss, max_iter=8, random_state=0).fit(X, X[:, 0])
    plain = VariationalRegressor(loss="squared", max_iter=8, random_state=0).fit(X, X[:, 0])
    assert_allclose(own.predict(X), plain.predict(X), atol=1e-9)
