import numpy as np
import pytest

from qiskit_qml_ext.engine import gram, reference
from qiskit_qml_ext.exceptions import StateTooLargeError


def random_states(count, size, seed, dtype="complex128"):
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(count, size)) + 1j * rng.normal(size=(count, size))
    return (states / np.linalg.norm(states, axis=1, keepdims=True)).astype(dtype)


@pytest.mark.parametrize(("dtype", "atol"), [("complex128", 1e-13), ("complex64", 1e-6)])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 7), (300, 513), (0, 4)])
@pytest.mark.parametrize("size", [2, 16, 256])
def test_gram_is_the_matrix_of_fidelities(n, m, size, dtype, atol):
    x, y = random_states(n, size, 1, dtype), random_states(m, size, 2, dtype)
    np.testing.assert_allclose(gram(x, y), reference.gram(x, y), rtol=0, atol=atol)


@pytest.mark.parametrize("n", [0, 1, 5, 255, 256, 257, 700])
def test_symmetric_gram_is_exactly_symmetric(n):
    x = random_states(n, 8, 3)
    found = gram(x)
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_allclose(found, reference.gram(x, x), rtol=0, atol=1e-13)


def test_gram_does_not_depend_on_threads():
    x = random_states(600, 16, 3)
    np.testing.assert_array_equal(gram(x, num_threads=1), gram(x, num_threads=4))


def test_gram_above_the_budget_is_a_memory_error():
    with pytest.raises(StateTooLargeError, match="A matrix of 100 by 100 fidelities needs"):
        gram(random_states(100, 2, 1), max_memory=1000)
