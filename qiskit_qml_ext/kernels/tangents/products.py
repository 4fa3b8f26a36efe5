r"""Scalar products of gradients, k_ij = Σ_t c_t Σ_m g_tim · P g_tjm, without the bias that shots give, and their noise.

At each point t the gradient of a sample is Sᵀa, with the derivatives a by the angles of its circuit, whose variances
are Σ (diagonal). Circuits are measured once, so that samples and points whose circuits are the same have one a. With
C_ij = S_iᵀΣS_j of two samples of one circuit, and 0 of others, an estimate of g_i · P g_j is too large by tr P C_ij,
which is subtracted. The covariance of the estimates of g_i · P g_j and of g_i' · P g_j' (i' and j': i and j at another
point) is

    g_j P C_ii' P g_j' + g_i P C_jj' P g_i' + g_j P C_ij' P g_i' + g_i P C_ji' P g_j'
    + tr(P C_jj' P C_i'i) + tr(P C_ji' P C_j'i).

Estimates in the place of g make the first line too large by twice the second one, which is subtracted.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.kernels.tangents.gradients import Gradients

_BLOCK = 2**24  # numbers that are held at a time of a table of pairs of weights by pairs of weights


@dataclass(frozen=True, eq=False)
class ScalarProducts:
    """Which products are taken, and in which metric."""

    rows: IndexArray
    """The samples of the rows, shape (n,)."""
    columns: IndexArray
    """The samples of the columns, shape (m,)."""
    metric: FloatArray
    """P, symmetric, shape (W, W)."""

    def estimates(self, found: Gradients) -> FloatArray:
        """Return the products of the gradients at one point, shape (n, m)."""
        x, y = found.of(self.rows), found.of(self.columns)
        matrix = _dots(x.values, y.values @ self.metric)
        if not found.errors.any():
            return matrix
        for row, others in _of_one_circuit(x, y):
            turned = x.slopes[row] @ self.metric  # (D, W)
            matrix[row, others] -= np.einsum("md,cdw,dw->c", x.errors[row] ** 2, y.slopes[others], turned)
        return matrix

    def variances(self, factors: Sequence[float], found: Sequence[Gradients]) -> FloatArray:
        """Return the variances of Σ_t c_t times the products at T points, shape (n, m).

        Args:
            factors: c, shape (T,).
            found: The gradients at each point; numbers of circuits mean the same at all of them.
        """
        known, double = np.zeros((2, len(self.rows), len(self.columns)))
        for one, other in _sharing(found):
            share = factors[one] * factors[other] * (1 if one == other else 2)
            first, second = self._covariance(found[one], found[other])
            known, double = known + share * first, double + share * second
        # what estimates in the place of g leave of a variance is no less than what the second line makes of it
        return np.asarray(np.maximum(known - double, double))

    def _covariance(self, here: Gradients, there: Gradients) -> tuple[FloatArray, FloatArray]:
        """Return the two lines of the covariance of the products at two points, each of shape (n, m)."""
        x, y = here.of(self.rows), here.of(self.columns)
        x2, y2 = there.of(self.rows), there.of(self.columns)
        pairs = _weights_of_one_angle(here, there)
        own, others = _shared(x, x2, pairs), _shared(y, y2, pairs)
        turned = [one.values @ self.metric for one in (x, y, x2, y2)]
        left, right = (a[..., pairs[0]] * b[..., pairs[1]] for a, b in ((turned[0], turned[2]), (turned[1], turned[3])))
        first = _dots(own, right) + _dots(left, others)
        second = _dots(self._turned(own, pairs), others)
        for row, places in _of_one_circuit(x, y2):  # C_ij'
            there_too = y2.slopes[places]
            along = np.einsum("dw,cmw->cmd", x.slopes[row], turned[1][places])
            back = np.einsum("cdw,mw->cmd", there_too, turned[2][row])
            first[row, places] += np.einsum("md,cmd,cmd->c", x.errors[row] ** 2, along, back)
            both = y.circuits[places] == x2.circuits[row]
            forth = np.einsum("dw,cew->cde", x.slopes[row] @ self.metric, y.slopes[places])
            home = np.einsum("ew,cdw->ced", x2.slopes[row] @ self.metric, there_too)
            crossed = np.einsum("md,me,cde,ced->c", x.errors[row] ** 2, x2.errors[row] ** 2, forth, home)
            second[row, places] += np.where(both, crossed, 0.0)
        for row, places in _of_one_circuit(x2, y):  # C_ji'
            along = np.einsum("dw,cmw->cmd", x2.slopes[row], turned[3][places])
            back = np.einsum("cdw,mw->cmd", y.slopes[places], turned[0][row])
            first[row, places] += np.einsum("md,cmd,cmd->c", x2.errors[row] ** 2, along, back)
        return first, second

    def _turned(self, shared: FloatArray, pairs: IndexArray) -> FloatArray:
        """Return (P C P) at pairs of weights, from C there."""
        found, step = np.empty_like(shared), max(1, _BLOCK // max(1, pairs.shape[1]))
        for start in range(0, pairs.shape[1], step):
            here = pairs[:, start : start + step]
            table = self.metric[np.ix_(pairs[0], here[0])] * self.metric[np.ix_(pairs[1], here[1])]
            found[..., start : start + step] = shared @ table
        return found


def _sharing(found: Sequence[Gradients]) -> list[tuple[int, int]]:
    """Return each point with itself, and the pairs of points some of whose circuits are the same."""
    points = defaultdict(list)
    for place, one in enumerate(found):
        for circuit in np.unique(one.circuits).tolist():
            points[circuit].append(place)
    pairs = {pair for places in points.values() for pair in combinations(places, 2)}
    return [*((place, place) for place in range(len(found))), *sorted(pairs)]


def _of_one_circuit(x: Gradients, y: Gradients) -> list[tuple[int, IndexArray]]:
    """Return the rows that have columns of the same circuit, with these columns."""
    found = ((row, np.flatnonzero(y.circuits == circuit)) for row, circuit in enumerate(x.circuits.tolist()))
    return [(row, columns) for row, columns in found if len(columns)]


def _weights_of_one_angle(*gradients: Gradients) -> IndexArray:
    """Return the pairs of weights that move one angle, each with itself too, shape (2, K)."""
    moves = np.any([np.any(one.slopes != 0, axis=0) for one in gradients], axis=0)
    return np.array(np.nonzero(moves.T.astype(np.int64) @ moves.astype(np.int64)), dtype=np.intp)


def _shared(x: Gradients, y: Gradients, pairs: IndexArray) -> FloatArray:
    """Return C of each sample here and there, at pairs of weights: shape (n, M, K); 0 where circuits differ."""
    products = x.slopes[..., pairs[0]] * y.slopes[..., pairs[1]]
    same = (x.circuits == y.circuits)[:, None, None]
    return np.asarray(np.where(same, np.matmul(x.errors**2, products), 0.0))


def _dots(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return Σ_mw x_imw y_jmw, shape (n, m)."""
    return np.asarray(x.reshape(len(x), -1) @ y.reshape(len(y), -1).T)
