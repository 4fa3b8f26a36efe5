import numpy as np
from numpy.testing import assert_allclose

from qiskit_qml_ext.kernels import clip_spectrum, shift_spectrum

INDEFINITE = np.array([[1.0, 2.0], [2.0, 1.0]])  # eigenvalues -1 and 3


def test_clipping_gives_the_nearest_positive_semidefinite_matrix():
    # the eigenvalue 3 belongs to (1, 1)/√2, so what is left is 3·(1, 1)ᵀ(1, 1)/2
    assert_allclose(clip_spectrum(INDEFINITE), np.full((2, 2), 1.5), atol=1e-14)


def test_shifting_keeps_the_off_diagonal_entries():
    assert_allclose(shift_spectrum(INDEFINITE), [[2.0, 2.0], [2.0, 2.0]], atol=1e-14)


def test_positive_semidefinite_matrices_stay_as_they_are():
    for repair in (clip_spectrum, shift_spectrum):
        assert_allclose(repair(np.eye(3)), np.eye(3), atol=0)
