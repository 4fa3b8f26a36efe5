"""All forms in which scikit-learn and others call a kernel, and what each of them runs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit.primitives import BaseSamplerV2, StatevectorSampler
from qiskit.primitives.containers.sampler_pub import SamplerPub
from scipy.spatial.distance import cdist
from sklearn.cluster import SpectralClustering
from sklearn.decomposition import KernelPCA
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.svm import SVC, SVR, OneClassSVM

from qiskit_qml_ext.circuits import AngleFeatureMap, IQPFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel, QuantumKernel
from qiskit_qml_ext.primitives import ExactSampler, connect

X = np.random.default_rng(3).uniform(-1, 1, (9, 2))
NEW = np.random.default_rng(4).uniform(-1, 1, (4, 2))
LABELS, VALUES = np.arange(9) % 2, np.sin(3 * X[:, 0]) + X[:, 1]
EXACT = FidelityKernel(IQPFeatureMap())


class CountingSampler(BaseSamplerV2):
    """Stands for a device: nobody knows that it is simulated, and each job is counted."""

    def __init__(self):
        self.jobs = []

    def run(self, pubs, *, shots=None):
        pubs = [SamplerPub.coerce(pub, shots) for pub in pubs]
        self.jobs.append(sum(pub.size for pub in pubs))
        return ExactSampler(default_shots=200, seed=1).run(pubs, shots=shots)


def a_projection(kernel, precomputed, K, K_new):
    model = KernelPCA(3, kernel=kernel).fit(X)
    by_matrix = KernelPCA(3, kernel="precomputed").fit(K)
    return np.abs(model.transform(NEW)), np.abs(by_matrix.transform(K_new))


def a_fit(make, y, method):
    def both(kernel, precomputed, K, K_new):
        return (
            getattr(make(kernel=kernel).fit(X, y), method)(NEW),
            getattr(make(kernel=precomputed).fit(K, y), method)(K_new),
        )

    return both


def clusters(kernel, precomputed, K, K_new):
    settings = {"n_clusters": 2, "random_state": 0, "assign_labels": "cluster_qr"}
    return (
        SpectralClustering(affinity=kernel, **settings).fit(X).affinity_matrix_,
        SpectralClustering(affinity=precomputed, **settings).fit(K).affinity_matrix_,
    )


def landmarks(kernel, precomputed, K, K_new):
    model = Nystroem(kernel, n_components=9, random_state=0).fit(X)
    features = model.transform(X)
    return features @ features.T, K


CALLERS = {
    "SVC": a_fit(SVC, LABELS, "decision_function"),
    "SVR": a_fit(SVR, VALUES, "predict"),
    "OneClassSVM": a_fit(OneClassSVM, None, "decision_function"),
    "KernelRidge": a_fit(KernelRidge, VALUES, "predict"),
    "KernelPCA": a_projection,
    "SpectralClustering": clusters,
    "Nystroem": landmarks,
    "pairwise_kernels": lambda kernel, precomputed, K, K_new: (pairwise_kernels(NEW, X, metric=kernel), K_new),
    "two threads": lambda kernel, precomputed, K, K_new: (pairwise_kernels(X, metric=kernel, n_jobs=2), K),
}


@pytest.mark.parametrize("name", CALLERS)
def test_a_model_of_scikit_learn_with_the_kernel_is_that_with_its_matrix(name):
    ours, theirs = CALLERS[name](EXACT, "precomputed", EXACT.evaluate(X), EXACT.evaluate(NEW, X))
    assert_allclose(ours, theirs, atol=1e-8)


@pytest.mark.parametrize("name", CALLERS)
def test_a_model_of_scikit_learn_sends_a_matrix_as_one_job_also_to_a_device(name):
    sampler = CountingSampler()
    kernel = FidelityKernel(AngleFeatureMap(), sampler=sampler)
    CALLERS[name](kernel, "precomputed", EXACT.evaluate(X), EXACT.evaluate(NEW, X))
    assert len(sampler.jobs) <= 2  # one matrix for the fit, one for new samples, or one for each thread
    assert sum(sampler.jobs) in (9 * 8 // 2, 4 * 9, 9 * 8 // 2 + 4 * 9), "each pair once"


def test_two_samples_give_a_number_that_other_code_can_use():
    value = EXACT(X[0], NEW[1])
    assert isinstance(value, float)
    assert_allclose(value, EXACT.evaluate(X[:1], NEW[1:2])[0, 0], atol=1e-15)
    assert_allclose(cdist(X, NEW, lambda a, b: EXACT(a, b)), EXACT.evaluate(X, NEW), atol=1e-12)
    assert EXACT(X[0].tolist(), X[0].tolist()) == 1.0


def test_one_sample_alone_and_whole_sets_give_a_matrix():
    assert_array_equal(EXACT(X[0]), [[1.0]])
    assert_array_equal(EXACT(X), EXACT.evaluate(X))
    assert_array_equal(EXACT(X[:1], X[0]), [[1.0]])
    assert_array_equal(EXACT(X, NEW), EXACT.evaluate(X, NEW))


def test_one_pair_at_a_time_is_refused_where_it_would_be_one_job_each_and_runs_nothing():
    sampler = CountingSampler()
    kernel = FidelityKernel(AngleFeatureMap(), sampler=sampler)
    with pytest.raises(ValueError, match=r"one job on 'CountingSampler' for each pair\. .*KernelTransformer"):
        kernel(X[0], X[1])
    with pytest.raises(ValueError, match="one job on 'CountingSampler'"):
        Inside(kernel)(X[0], X[1])
    assert sampler.jobs == []
    assert kernel(X[:1], X[1:2]).shape == (1, 1)
    assert sampler.jobs == [1]


class Inside(QuantumKernel):
    """A kernel of the user's own around others, without a connection of its own."""

    def __init__(self, *kernels):
        self.kernels = kernels

    def get_params(self, deep=True):
        return {"kernels": self.kernels}

    def raw_kernel(self, x, y):
        return self.kernels[0].raw_kernel(x, y)


@pytest.mark.parametrize("connection", [connect("aer", shots=100, seed=2), connect("fake_manila", shots=100, seed=2)])
def test_one_pair_at_a_time_is_the_same_number_where_circuits_are_simulated_here(connection):
    kernel = FidelityKernel(AngleFeatureMap(), connection=connection)
    assert kernel(X[0], X[1]) == kernel.evaluate(X[:1], X[1:2])[0, 0]
    assert connection.usage.circuits == 1


def test_one_pair_at_a_time_runs_on_a_sampler_that_is_known_to_simulate_here():
    kernel = FidelityKernel(AngleFeatureMap(), sampler=StatevectorSampler(default_shots=100, seed=1))
    assert 0 <= kernel(X[0], X[1]) <= 1


def test_a_quantum_kernel_in_a_gaussian_process_says_what_to_do():
    with pytest.raises(AttributeError, match=r"Wrap it.*RBF\(\) \+ GaussianProcessKernel\(kernel\)"):
        GaussianProcessRegressor(kernel=EXACT).fit(X, VALUES)
    with pytest.raises(AttributeError, match=r"Wrap it.*RBF\(\) \+ GaussianProcessKernel\(kernel\)"):
        GaussianProcessRegressor(kernel=RBF() + EXACT).fit(X, VALUES)


def test_a_sum_with_a_classical_kernel_of_scikit_learn_is_a_kernel_too():
    assert_allclose((RBF(0.7) + EXACT)(X, NEW), RBF(0.7)(X, NEW) + EXACT.evaluate(X, NEW), atol=1e-12)
