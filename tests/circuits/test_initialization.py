"""Initial distributions: reproducible samples, exact moments, and circuits that begin as the identity."""

import math
import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Operator
from scipy import integrate, special, stats
from sklearn.base import clone

from qiskit_qml_ext.circuits import (
    INITIAL_DISTRIBUTIONS,
    BetaDistribution,
    GaussianDistribution,
    HamiltonianVariationalAnsatz,
    HardwareEfficientAnsatz,
    IdentityBlockDistribution,
    MatchgateAnsatz,
    RealAmplitudesAnsatz,
    ReducedDomainDistribution,
    SimAnsatz,
    SmallAngleDistribution,
    UniformDistribution,
    WarmStartDistribution,
    ZeroDistribution,
    trainable_depth,
)

CIRCUIT = RealAmplitudesAnsatz(reps=1).build(2)  # 4 parameters

# Each independent distribution with the density of its first angle, for the quadrature; None stands for a point mass.
CASES = [
    (BetaDistribution(), lambda d: stats.beta(2, 2, 0, 2 * np.pi)),
    (BetaDistribution(0.7, 3.0, low=-1.0, high=2.5), lambda d: stats.beta(0.7, 3.0, -1.0, 3.5)),
    (BetaDistribution(30.0, 12.0), lambda d: stats.beta(30, 12, 0, 2 * np.pi)),
    (BetaDistribution(100.0, 100.0), lambda d: stats.beta(100, 100, 0, 2 * np.pi)),
    (GaussianDistribution(), lambda d: stats.norm(0, d.standard_deviation(CIRCUIT))),
    (GaussianDistribution(std=1.3), lambda d: stats.norm(0, 1.3)),
    (ReducedDomainDistribution(), lambda d: stats.uniform(-np.pi / math.sqrt(2), 2 * np.pi / math.sqrt(2))),
    (ReducedDomainDistribution(num_layers=25, scale=2.0), lambda d: stats.uniform(-0.4 * np.pi, 0.8 * np.pi)),
    (SmallAngleDistribution(), lambda d: stats.uniform(-0.1, 0.2)),
    (UniformDistribution(), lambda d: stats.uniform(0, 2 * np.pi)),
    (UniformDistribution(-0.3, 1.1), lambda d: stats.uniform(-0.3, 1.4)),
    (WarmStartDistribution(), lambda d: stats.uniform(-0.5, 1.0)),
    (WarmStartDistribution([0.4, 1.0, -2.0, 3.0], radius=0.2), lambda d: stats.uniform(0.2, 0.4)),
    (ZeroDistribution(), None),
]
ids = [f"{distribution.name}-{index}" for index, (distribution, _) in enumerate(CASES)]
FUNCTIONS = {
    "cos": np.cos,
    "cos_squared": lambda t: np.cos(t) ** 2,
    "sin": np.sin,
    "sin_cos": lambda t: np.sin(t) * np.cos(t),
}


def test_every_distribution_is_tested():
    assert {d.name for d, _ in CASES} | {"identity-blocks"} == set(INITIAL_DISTRIBUTIONS)


def quadrature(function, distribution, density):
    """Integrate the function against the density of the first angle, or evaluate it at the point mass 0."""
    if density is None:
        return function(0.0)
    precision = {"epsabs": 1e-11, "epsrel": 1e-11, "limit": 200}
    law = density(distribution)
    if isinstance(distribution, BetaDistribution) and min(distribution.alpha, distribution.beta) < 1:
        # (t - low)^(α-1) (high - t)^(β-1) is singular: QUADPACK's QAWS
        alpha, beta, low, high = distribution.alpha, distribution.beta, distribution.low, distribution.high
        weight = {"weight": "alg", "wvar": (alpha - 1, beta - 1)}
        norm = special.beta(alpha, beta) * (high - low) ** (alpha + beta - 1)
        return integrate.quad(function, low, high, **weight, **precision)[0] / norm
    low, high = law.support() if np.isfinite(law.support()[0]) else (-12 * law.std(), 12 * law.std())
    return integrate.quad(lambda angle: function(angle) * law.pdf(angle), low, high, **precision)[0]


@pytest.mark.parametrize(("distribution", "density"), CASES, ids=ids)
def test_moments_agree_with_quadrature(distribution, density):
    moments = distribution.moments(CIRCUIT)
    for name, function in FUNCTIONS.items():
        values = getattr(moments, name)
        assert values.shape == (4,)
        assert values[0] == pytest.approx(quadrature(function, distribution, density), abs=1e-10), name


@pytest.mark.parametrize(("distribution", "density"), CASES, ids=ids)
def test_moments_agree_with_a_million_samples(distribution, density):
    angles = distribution.sample(CIRCUIT, 250_000, rng=12)
    assert angles.shape == (250_000, 4)
    if isinstance(distribution, WarmStartDistribution) and distribution.point is not None:
        angles, columns = angles[:, :1], slice(0, 1)  # every angle has its own center
    else:
        angles, columns = angles.ravel(), slice(0, 1)
    moments = distribution.moments(CIRCUIT)
    for name, function in FUNCTIONS.items():
        values = function(angles)
        error = values.std() / math.sqrt(values.size)
        # 48 comparisons at 4 s.e.: a false alarm in 0.3 % of all seeds; 1e-12 for the point mass.
        assert abs(values.mean() - getattr(moments, name)[columns][0]) <= 4 * error + 1e-12, name


@pytest.mark.parametrize(("distribution", "density"), CASES, ids=ids)
def test_characteristic_function_is_that_of_the_samples(distribution, density):
    angles = distribution.sample(CIRCUIT, 100_000, rng=13)
    for frequency in (0.5, 3.0):
        phases = np.exp(1j * frequency * angles)
        exact = distribution.characteristic_function(CIRCUIT, frequency)
        assert exact.shape == (4,)
        # |mean - exact| has a s.e. of at most 1/√N = 0.0032; 5 s.e.
        assert np.all(abs(phases.mean(axis=0) - exact) < 0.016)
    np.testing.assert_allclose(distribution.characteristic_function(CIRCUIT, 0.0), 1.0, rtol=0, atol=1e-15)


@pytest.mark.parametrize("distribution", [d for d, _ in CASES], ids=ids)
def test_samples_are_reproducible_and_settings_survive(distribution):
    first, again = distribution.sample(CIRCUIT, 7, rng=3), distribution.sample(CIRCUIT, 7, rng=3)
    np.testing.assert_array_equal(first, again)
    if distribution.name != "zeros":
        assert not np.array_equal(first, distribution.sample(CIRCUIT, 7, rng=4))
        generator = np.random.default_rng(3)
        np.testing.assert_array_equal(distribution.sample(CIRCUIT, 7, generator), first)
        assert not np.array_equal(distribution.sample(CIRCUIT, 7, generator), first)
    for copy in (clone(distribution), pickle.loads(pickle.dumps(distribution))):
        assert copy == distribution
        np.testing.assert_array_equal(copy.sample(CIRCUIT, 7, rng=3), first)
    assert distribution.sample(CIRCUIT, 0, rng=0).shape == (0, 4)
    if getattr(distribution, "point", None) is None:
        assert distribution.sample(QuantumCircuit(1), 3, rng=0).shape == (3, 0)
    with pytest.raises(ValueError, match="size must be at least 0"):
        distribution.sample(CIRCUIT, -1)
    doc = type(distribution).__doc__
    assert "References:" in doc
    assert all(reference in doc for reference in distribution.reference.split(", "))


def test_closed_forms():
    gamma = 0.37
    moments = GaussianDistribution(std=gamma).moments(CIRCUIT)
    np.testing.assert_allclose(moments.cos, math.exp(-(gamma**2) / 2), rtol=0, atol=1e-15)
    np.testing.assert_allclose(moments.cos_squared, (1 + math.exp(-2 * gamma**2)) / 2, rtol=0, atol=1e-15)
    r = 0.8
    moments = UniformDistribution(-r, r).moments(CIRCUIT)
    np.testing.assert_allclose(moments.cos, math.sin(r) / r, rtol=0, atol=1e-15)
    np.testing.assert_allclose(moments.cos_squared, (1 + math.sin(2 * r) / (2 * r)) / 2, rtol=0, atol=1e-15)
    assert np.all(moments.sin == 0)
    assert np.all(moments.sin_cos == 0)
    moments = UniformDistribution().moments(CIRCUIT)
    np.testing.assert_allclose([moments.cos, moments.sin, moments.cos_squared - 0.5], 0, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("locality", "layers"), [(1, 40), (3, 5)])
def test_gaussian_width_is_the_theorems(locality, layers):
    distribution = GaussianDistribution(locality=locality, num_layers=layers)
    assert distribution.standard_deviation(CIRCUIT) ** 2 == pytest.approx(1 / (4 * locality * (layers + 2)), rel=1e-14)


def test_depth_is_taken_from_the_circuit():
    for reps in (1, 2, 5):
        assert trainable_depth(HardwareEfficientAnsatz(reps=reps).build(4)) == 2 * (reps + 1)
        assert trainable_depth(SimAnsatz(9, reps=reps).build(4)) == reps
    assert trainable_depth(QuantumCircuit(2)) == 1
    circuit = RealAmplitudesAnsatz(reps=8).build(3)
    # 9 rotation layers
    np.testing.assert_allclose(ReducedDomainDistribution().interval(circuit)[1], np.pi / 3, rtol=1e-15)
    assert GaussianDistribution().standard_deviation(circuit) == pytest.approx(1 / math.sqrt(4 * 11), rel=1e-15)
    assert ReducedDomainDistribution(scale=9).interval(circuit)[1] == np.pi
    assert WarmStartDistribution().interval(circuit)[1] == 1 / math.sqrt(27)


ANSATZE = [
    RealAmplitudesAnsatz(),
    MatchgateAnsatz(),
    SimAnsatz(14),
    HamiltonianVariationalAnsatz("xxz", initial_state=False),
]


@pytest.mark.parametrize("ansatz", ANSATZE, ids=lambda a: a.name)
@pytest.mark.parametrize("blocks", [1, 3])
def test_identity_blocks_begin_as_the_identity(ansatz, blocks):
    distribution = IdentityBlockDistribution(blocks)
    source = ansatz.build(3)
    circuit = distribution.mirrored(source)
    assert circuit.num_parameters == 2 * blocks * source.num_parameters
    assert source.metadata is None or "identity_blocks" not in source.metadata
    samples = distribution.sample(circuit, 3, rng=5)
    for values in samples:
        np.testing.assert_allclose(Operator(circuit.assign_parameters(values)).data, np.eye(8), rtol=0, atol=1e-10)
    halves = samples.reshape(3, blocks, 2, -1)
    np.testing.assert_array_equal(halves[:, :, 0], halves[:, :, 1])
    assert np.unique(halves[:, :, 0]).size == 3 * blocks * source.num_parameters  # nothing else is equal
    moved = samples[0].copy()
    moved[0] += 0.5
    assert not np.allclose(Operator(circuit.assign_parameters(moved)).data, np.eye(8), atol=1e-3)


def test_identity_blocks_state_no_moments_and_refuse_other_circuits():
    distribution = IdentityBlockDistribution(2)
    circuit = distribution.mirrored(CIRCUIT)
    with pytest.raises(ValueError, match="angles of IdentityBlockDistribution depend on each other"):
        distribution.moments(circuit)
    with pytest.raises(ValueError, match="The circuit has no identity blocks, but 2 are expected"):
        distribution.sample(CIRCUIT, 1)
    with pytest.raises(ValueError, match="The circuit has 2 identity blocks, but 1 are expected"):
        IdentityBlockDistribution(1).sample(circuit, 1)
    assert clone(distribution) == distribution
    np.testing.assert_array_equal(distribution.sample(circuit, 2, rng=1), distribution.sample(circuit, 2, rng=1))


def test_beta_is_fitted_to_the_data():
    data = stats.beta(2.0, 5.0).rvs(4000, random_state=6).reshape(1000, 4) * 3 + 10
    fitted = BetaDistribution(low=-1.0, high=1.0).fit(data)
    # The maximum-likelihood estimates of 4,000 values have s.e. of about 2 %; scaling by the extremes adds some 10 %.
    assert fitted.alpha == pytest.approx(2.0, rel=0.2)
    assert fitted.beta == pytest.approx(5.0, rel=0.25)
    assert (fitted.low, fitted.high) == (-1.0, 1.0)
    uniform = BetaDistribution().fit(np.linspace(0, 1, 2001))
    assert (uniform.alpha, uniform.beta) == (pytest.approx(1, rel=0.01), pytest.approx(1, rel=0.01))
    with pytest.raises(ValueError, match="at least two different values"):
        BetaDistribution().fit([1.0, 1.0])


@pytest.mark.parametrize(
    ("distribution", "error", "message"),
    [
        (BetaDistribution(0.0, 1.0), ValueError, "alpha must be positive"),
        (BetaDistribution(1.0, "b"), TypeError, "beta must be a number"),
        (BetaDistribution(low=1.0, high=1.0), ValueError, "low and high must be finite and in this order"),
        (GaussianDistribution(std=-1.0), ValueError, "std must be positive"),
        (GaussianDistribution(locality=0), ValueError, "locality must be at least 1"),
        (GaussianDistribution(num_layers=1.5), TypeError, "layers must be a whole number"),
        (ReducedDomainDistribution(num_layers=0), ValueError, "layers must be at least 1"),
        (ReducedDomainDistribution(scale=math.inf), ValueError, "scale must be positive and finite"),
        (SmallAngleDistribution(0.0), ValueError, "radius must be positive"),
        (UniformDistribution(1.0, 0.0), ValueError, "low and high must be finite and in this order"),
        (WarmStartDistribution([1.0]), ValueError, "point must be 4 finite angles"),
        (WarmStartDistribution([1.0, 2.0, 3.0, math.nan]), ValueError, "each of point must be a finite number"),
    ],
)
def test_bad_settings_are_refused(distribution, error, message):
    with pytest.raises(error, match=message):
        distribution.sample(CIRCUIT, 1)
    with pytest.raises(error, match=message):
        distribution.moments(CIRCUIT)


def test_samples_follow_the_order_of_the_parameters():
    theta = ParameterVector("θ", 12)
    circuit = QuantumCircuit(1)
    for element in reversed(list(theta)):
        circuit.rx(element, 0)
    point = np.arange(12.0)
    values = WarmStartDistribution(point, radius=1e-9).sample(circuit, 1, rng=0)[0]
    bound = circuit.assign_parameters(values)
    np.testing.assert_allclose([i.operation.params[0] for i in bound.data], point[::-1], rtol=0, atol=1e-8)
