"""The inverse square root of a kernel matrix, without the directions that say nothing."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class Whitening:
    """The inverse square root of a symmetric matrix on the directions that stand above rounding and noise."""

    matrix: FloatArray
    """V Λ^(-1/2) Vᵀ over the kept eigenvalues, shape (m, m)."""
    eigenvalues: FloatArray
    """All eigenvalues of the symmetric part, ascending."""
    floor: float
    """Eigenvalues up to this one were left out."""
    noise: float
    """What shots may change an eigenvalue by: 2 √(the largest sum over a row of squared standard errors)."""

    @property
    def rank(self) -> int:
        """How many directions were kept."""
        return int(np.count_nonzero(self.eigenvalues > self.floor))

    @property
    def num_negative(self) -> int:
        """How many eigenvalues are negative beyond rounding."""
        return int(np.count_nonzero(self.eigenvalues < -_rounding(self.eigenvalues)))


def whitening(matrix: FloatArray, errors: FloatArray) -> Whitening:
    """Return the inverse square root of a kernel matrix.

    An eigenvalue is kept if it is larger than rounding, than the size of the most negative one (which a kernel does not
    have, so that noise or the kernel itself made it), and than the noise of shots: a symmetric matrix of independent
    errors of the size σ has the norm 2σ√m. Those below say nothing of the samples, and their inverse would blow them
    up; the singular values that scikit-learn's ``Nystroem`` takes would even turn negative ones into positive ones.

    Args:
        matrix: A kernel matrix, shape (m, m); its symmetric part counts.
        errors: The standard errors of its entries, shape (m, m).
    """
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    noise = 2 * float(np.sqrt(np.max(np.sum(errors**2, axis=1), initial=0.0)))
    floor = max(_rounding(values), -float(values[0]), noise)
    kept = values > floor
    inverse = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
    return Whitening(inverse, values, floor, noise)


def _rounding(values: FloatArray) -> float:
    """Return how far eigenvalues may be off by rounding."""
    return float(len(values) * np.finfo(np.float64).eps * np.max(np.abs(values), initial=0.0))
