"""How the decisions of a support vector machine follow the entries of its kernel matrix, to first order."""

from dataclasses import dataclass

import numpy as np
from sklearn.svm import SVC

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.kernels.samples import DistinctPairs

_FREE = 1e-6  # of C: coefficients nearer to 0 or to C are at a bound
_NEAR = 0.5  # of the margin, which is 1: decisions further from the boundary count less and less


@dataclass(frozen=True, eq=False)
class Fold:
    """Which samples a machine is fitted on, and which it decides."""

    fitted: IndexArray
    """Rows of the samples that it is fitted on."""
    left_out: IndexArray
    """Rows of the samples that it decides."""


@dataclass(frozen=True, eq=False)
class Effects:
    r"""The derivatives of decision values f(t) = Σ η_j k(t, x_j) + b by the entries between training samples.

    The free support vectors F lie on the margin, Σ_j K_ij η_j + b = y_i, and Σ η_j = 0 holds. As long as the set stays,
    a change of K moves their coefficients and b such that both go on to hold. With w the solution of

    .. math:: \begin{pmatrix} K_{FF} & 1 \\ 1^T & 0 \end{pmatrix} \begin{pmatrix} w \\ v \end{pmatrix} =
        \begin{pmatrix} k_F(t) \\ 1 \end{pmatrix}

    f(t) changes by :math:`-Σ_{i \in F, j} w_i\, δK_{ij}\, η_j`, so that a pair counts with |w_i η_j + w_j η_i|: the
    form that the abstract of arXiv:2605.14672, which was read, has for kernel ridge regression.
    """

    coefficients: FloatArray
    """The η of all samples, shape (n,)."""
    weights: FloatArray
    """The w of each decision t, times what it counts, shape (decisions, n); 0 where a sample is not free."""

    def of_pairs(self, needed: DistinctPairs) -> FloatArray:
        """Return the sum of squared derivatives by the fidelity of each pair of distinct samples, shape (pairs,)."""
        number = len(needed.samples)
        coefficients, weights = np.zeros(number), np.zeros((len(self.weights), number))
        np.add.at(coefficients, needed.row_index, self.coefficients)  # equal samples share their entries
        np.add.at(weights.T, needed.row_index, self.weights.T)
        first, second = needed.pairs.T
        both = weights.T @ weights
        sizes = np.diagonal(both)
        one, other = coefficients[first], coefficients[second]
        found: FloatArray = sizes[first] * other**2 + sizes[second] * one**2 + 2 * both[first, second] * one * other
        return np.maximum(found, 0.0)


def effects(machine: SVC, matrix: FloatArray, fold: Fold, decisions: FloatArray, noise: FloatArray) -> Effects:
    """Return the derivatives of the decisions on the samples that were left out.

    Args:
        machine: Fitted on the part of ``matrix`` between the fitted samples, with two classes.
        matrix: Shape (n, n).
        fold: The samples.
        decisions: The decision values of those that were left out; the further from zero, the less they count.
        noise: The standard errors of the entries, shape (n, n). The system is regularised by their size: what it would
            amplify beyond that is not known.
    """
    coefficients, weights = np.zeros(len(matrix)), np.zeros((len(decisions), len(matrix)))
    coefficients[fold.fitted[machine.support_]] = machine.dual_coef_[0]
    free = _free(machine, coefficients)
    system = np.ones((len(free) + 1, len(free) + 1))
    ridge = float(np.sqrt(np.sum(noise[np.ix_(free, free)] ** 2, axis=1).max(initial=0.0)))
    system[:-1, :-1] = matrix[np.ix_(free, free)] + ridge * np.eye(len(free))
    system[-1, -1] = 0.0
    right = np.concatenate([matrix[np.ix_(fold.left_out, free)], np.ones((len(decisions), 1))], axis=1).T
    weights[:, free] = np.linalg.lstsq(system, right, rcond=None)[0][:-1].T
    return Effects(coefficients, weights * np.exp(-0.25 * (decisions / _NEAR) ** 2)[:, None])


def _free(machine: SVC, coefficients: FloatArray) -> IndexArray:
    """Return the support vectors on the margin; all of them where none is, so that no noise is overlooked."""
    size = np.abs(coefficients)
    free = np.flatnonzero((size > _FREE * machine.C) & (size < (1 - _FREE) * machine.C))
    return free if len(free) else np.flatnonzero(size)
