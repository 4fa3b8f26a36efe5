"""What is said of the gradient while training."""

import numpy as np
import pytest
from scipy.stats import ncx2

from qiskit_qml_ext.models.guard.signal_watch import FEWEST, SEEN, SEEN_ONCE, SignalWatch


def watched(gradients, losses, *, rng, sizes=1.0):
    """A watch that has read estimates of these gradients, shape (N, W), each with the noise e = 1 in all."""
    watch = SignalWatch()
    number = gradients.shape[1]
    for gradient, loss in zip(gradients, losses, strict=True):
        noisy = gradient + rng.normal(size=number) / np.sqrt(number)
        watch.add(sizes * loss, sizes * float(np.linalg.norm(noisy)), sizes)
    return watch


def flat(number, rng):
    return rng.normal(1.0, 0.01, number)


def test_limits_are_the_quantiles_that_they_are_said_to_be():
    assert pytest.approx(ncx2.ppf(0.999, 1, 1), rel=0.01) == SEEN_ONCE
    assert pytest.approx(ncx2.ppf(0.999, FEWEST, FEWEST) / FEWEST - 1, rel=0.01) == SEEN


@pytest.mark.parametrize("weights", [1, 3, 50])
def test_noise_alone_is_a_plateau(weights):
    rng = np.random.default_rng(0)
    runs = [watched(np.zeros((60, weights)), flat(60, rng), rng=rng) for _ in range(200)]
    # one direction alone exceeds 1 - 1.64 √(6/60) = 0.48 with probability 0.01, and looks like a signal once at times
    assert np.mean([run.has_stalled for run in runs]) > 0.95
    assert not any(run.has_converged for run in runs)


@pytest.mark.parametrize("weights", [1, 3, 50])
def test_a_signal_as_large_as_its_noise_is_no_plateau(weights):
    rng = np.random.default_rng(1)
    gradients = np.full((60, weights), 1 / np.sqrt(weights))
    stalled = [watched(gradients, flat(60, rng), rng=rng).has_stalled for _ in range(400)]
    # 5 % at most, and 3 standard errors of 400 runs
    assert np.mean(stalled) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_nothing_is_said_of_few_iterations():
    rng = np.random.default_rng(0)
    watch = watched(np.zeros((FEWEST - 1, 5)), flat(FEWEST - 1, rng), rng=rng)
    assert not watch.has_stalled
    assert np.isnan(watch.ratio)


def test_the_noise_is_taken_off_the_norm():
    rng = np.random.default_rng(3)
    watch = watched(np.full((FEWEST, 400), 2.0 / 20), flat(FEWEST, rng), rng=rng)
    # ‖∇L‖ = 2 e; one reading scatters by √(2/400 + 16/400)
    assert watch.ratio == pytest.approx(2.0, abs=5 * np.sqrt(18 / 400 / FEWEST) / 4)


def test_a_gradient_that_was_seen_and_is_gone_has_converged():
    rng = np.random.default_rng(4)
    sizes = np.concatenate([np.linspace(10, 0, 20), np.zeros(60)])
    watch = watched(sizes[:, None] * np.ones((80, 4)) / 2, flat(80, rng), rng=rng)
    assert watch.has_converged
    assert not watch.has_stalled


def test_a_loss_that_falls_without_a_gradient_that_stands_out_is_neither():
    rng = np.random.default_rng(5)
    watch = watched(np.zeros((60, 4)), np.linspace(1, 0.5, 60), rng=rng)
    assert not watch.has_stalled
    assert not watch.has_converged


def test_units_do_not_matter():
    one, other = (
        watched(np.zeros((40, 4)), flat(40, np.random.default_rng(6)), rng=np.random.default_rng(7), sizes=size)
        for size in (1.0, 1e-9)
    )
    assert one.has_stalled
    assert other.has_stalled
    assert one.ratio == pytest.approx(other.ratio)


@pytest.mark.parametrize(("norm", "error"), [(None, 1.0), (1.0, None), (1.0, float("nan")), (1.0, 0.0)])
def test_an_iteration_without_an_error_tells_nothing(norm, error):
    watch = SignalWatch()
    for _ in range(50):
        watch.add(1.0, norm, error)
    assert watch.num_iterations == 0
    assert not watch.has_stalled
    assert not watch.has_converged


def test_what_is_said_of_the_last_iterations_counts_those():
    rng = np.random.default_rng(0)
    sizes = np.concatenate([np.zeros(300), np.full(100, 1.25)])
    watch = watched(sizes[:, None] * np.ones((400, 3)) / np.sqrt(3), flat(400, rng), rng=rng)
    assert watch.num_recent == 40 < watch.num_iterations
    assert watch.whole_ratio < 1 < watch.ratio
    assert not watch.has_stalled  # a signal came, though it took its time
