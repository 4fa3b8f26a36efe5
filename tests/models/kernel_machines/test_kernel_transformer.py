"""A kernel as a step of a pipeline."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import SpectralClustering
from sklearn.decomposition import KernelPCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import KernelTransformer, QuantumKernelRidge, QuantumSVC
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(5)
X = RNG.uniform(0, np.pi, (15, 2))
NEW = RNG.uniform(0, np.pi, (4, 2))
LABELS, VALUES = (np.cos(X[:, 0]) > 0).astype(int), np.sin(X[:, 0])
KERNEL = FidelityKernel(AngleFeatureMap(bandwidth=0.8))


def sampled(**settings):
    return FidelityKernel(AngleFeatureMap(), connection=connect("aer", shots=20, seed=1), **settings)


def test_training_samples_give_the_repaired_gram_matrix_and_others_their_kernel_with_them():
    kernel = sampled(psd_repair="shift")
    transformer = KernelTransformer(kernel)
    gram = transformer.fit_transform(X)
    assert_array_equal(gram, kernel.evaluate(X))
    assert_array_equal(gram, gram.T)
    assert np.linalg.eigvalsh(gram)[0] > -1e-12
    assert np.linalg.eigvalsh(sampled().evaluate(X))[0] < -1e-3, "the test needs a matrix that is repaired"
    assert_array_equal(transformer.transform(X), gram)
    assert_array_equal(transformer.transform(NEW), kernel.evaluate(NEW, X))
    assert transformer.transform(NEW).shape == (4, 15)


def test_a_fit_runs_nothing_and_a_transform_runs_each_pair_once():
    kernel = sampled()
    transformer = KernelTransformer(kernel).fit(X)
    assert kernel.connection.usage.circuits == 0
    transformer.transform(X)
    transformer.transform(NEW)
    transformer.transform(X)
    assert kernel.connection.usage.circuits == 15 * 14 // 2 + 4 * 15


def test_later_changes_of_the_users_array_change_nothing():
    samples = X.copy()
    transformer = KernelTransformer(KERNEL).fit(samples)
    samples[:] = 0
    assert_array_equal(transformer.transform(X), KERNEL.evaluate(X))


def test_a_precomputed_model_behind_it_is_the_model_with_the_kernel():
    pipeline = make_pipeline(KernelTransformer(KERNEL), SVC(kernel="precomputed", tol=1e-8))
    ours = QuantumSVC(KERNEL).fit(X, LABELS)
    assert_allclose(pipeline.fit(X, LABELS).decision_function(NEW), ours.decision_function(NEW), atol=1e-6)
    assert_allclose(
        cross_val_score(pipeline, X, LABELS, cv=3), cross_val_score(QuantumSVC(KERNEL), X, LABELS, cv=3), atol=0
    )
    ridge = make_pipeline(KernelTransformer(KERNEL), KernelRidge(kernel="precomputed")).fit(X, VALUES)
    assert_allclose(ridge.predict(NEW), QuantumKernelRidge(KERNEL).fit(X, VALUES).predict(NEW), atol=1e-10)


def test_projections_and_clusters_take_it_too():
    projected = make_pipeline(KernelTransformer(KERNEL), KernelPCA(2, kernel="precomputed")).fit(X).transform(NEW)
    assert_allclose(np.abs(projected), np.abs(KernelPCA(2, kernel=KERNEL).fit(X).transform(NEW)), atol=1e-8)
    clusters = make_pipeline(KernelTransformer(KERNEL), SpectralClustering(2, affinity="precomputed", random_state=0))
    assert clusters.fit_predict(X).shape == (15,)


def test_settings_of_the_kernel_are_searched_and_each_fold_has_its_own_training_samples():
    pipeline = make_pipeline(KernelTransformer(KERNEL), SVC(kernel="precomputed", tol=1e-8))
    grid = [0.01, 0.5, 1.0]
    search = GridSearchCV(pipeline, {"kerneltransformer__kernel__feature_map__bandwidth": grid}, cv=3).fit(X, LABELS)
    by_hand = [
        cross_val_score(QuantumSVC(FidelityKernel(AngleFeatureMap(bandwidth=one))), X, LABELS, cv=3).mean()
        for one in grid
    ]
    assert_allclose(search.cv_results_["mean_test_score"], by_hand, atol=1e-12)
    assert KERNEL.feature_map.bandwidth == 0.8


def test_columns_are_named_after_the_training_samples():
    frame = pd.DataFrame(X, columns=["a", "b"])
    transformer = KernelTransformer(KERNEL).set_output(transform="pandas").fit(frame)
    assert transformer.feature_names_in_.tolist() == ["a", "b"]
    assert transformer.get_feature_names_out().tolist() == [f"kerneltransformer{i}" for i in range(15)]
    assert transformer.transform(frame).columns.tolist() == [f"kerneltransformer{i}" for i in range(15)]


def test_a_precomputed_matrix_that_is_not_square_is_refused_behind_it():
    transformer = KernelTransformer(KERNEL).fit(X)
    with pytest.raises(ValueError, match="square"):
        SVC(kernel="precomputed").fit(transformer.transform(NEW), LABELS[:4])
