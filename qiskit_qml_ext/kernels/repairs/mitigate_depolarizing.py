"""A global depolarising channel undone, by what it left of k(x, x), which is known without noise."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import optional_whole_number, wrong_value
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.measured_diagonal import MeasuredDiagonal
from qiskit_qml_ext.kernels.repairs.repair import RepairStep
from qiskit_qml_ext.kernels.samples import check_samples

_METHODS = ("split", "mean", "single")
_SAME_ENDS = 1e-9
_SEEN = 2.0  # standard errors at which what survives is told from nothing


@dataclass(frozen=True)
class _Ends:
    """What a kernel reads of a sample against itself where all of the state survived, and where nothing did."""

    mixed: float
    """Where nothing did."""
    pure: float
    """Without noise."""

    @property
    def apart(self) -> float:
        """How far the two are from each other."""
        return abs(self.pure - self.mixed)

    def survived(self, measured: FloatArray) -> FloatArray:
        """Return which fraction survived, from measured kernels of samples with themselves."""
        return (measured - self.mixed) / (self.pure - self.mixed)


@dataclass(frozen=True, eq=False)
class MitigateDepolarizing(RepairStep):
    r"""Undo a global depolarising channel, whose strength is read from the measured kernel of samples with themselves.

    If a fraction s of the state that a circuit measures survives and the rest is maximally mixed, the kernel is read as
    :math:`s k + (1 - s) m`, with m what it reads of the maximally mixed state. As k(x, x) is known without noise, its
    measured value gives s, and

    .. math:: k = \frac{K - (1 - s) m}{s}.

    For a fidelity k(x, x) = 1, and m = 2⁻ⁿ for n qubits. Other readings of outcomes have the mean of theirs over all
    outcomes as m (1/2 for the Hamming kernel). A swap test has m = 0, for a channel on all of its 2n + 1 qubits. The
    states of randomised measurements are each depolarised, so that s is the product for both. A kernel of your own with
    ``measured_diagonal`` counts as a fidelity.

    ``"mean"`` takes for all entries the mean of s over reference samples, ``"single"`` that of one sample. ``"split"``
    gives each sample a channel of its own: an entry then has :math:`s_{ij} = \sqrt{s_i s_j}`. It needs no reference,
    since a sample has the same s in every matrix.

    The matrix of test against training samples is mitigated too, with the same s: that of ``reference``, or with
    ``"split"`` that of each sample. So a model that was fitted on a mitigated matrix predicts from mitigated ones. The
    circuits of the samples against themselves run in addition; set ``run_diagonal=True`` of the kernel. Errors of the
    entries and of s, taken as independent, are propagated to first order. Noise of another kind is not removed: look at
    a diagonal that is far from constant before you trust this. Readout errors that the kernel corrects are corrected
    in its diagonal too, and come first.

    The formulas are those of section V of Hubregtsen et al., arXiv:2105.02276, as its authors programmed them in
    PennyLane's ``mitigate_depolarizing_noise`` (``single``, ``average``, ``split_channel``), which was read.
    """

    method: str = "split"
    """``"split"``, ``"mean"`` or ``"single"``."""
    reference: ArrayLike | None = None
    """Samples that give s for ``"mean"``, shape (k, features), or the one of ``"single"``; measured once."""
    num_qubits: int | None = None
    """The number of measured qubits n; by default what the kernel says. The m of a swap test does not depend on it."""
    on_any_matrix: ClassVar[bool] = True
    needs_diagonal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise wrong_value("method", "'split', 'mean' or 'single'", self.method)
        optional_whole_number("num_qubits", self.num_qubits)
        if self.method == "split":
            if self.reference is not None:
                raise ValueError("method='split' takes s from each sample itself, so that reference means nothing.")
            return
        if self.reference is None:
            raise ValueError(
                f"method={self.method!r} needs reference=…, the samples that give the noise for every matrix alike, "
                "for example the training samples. method='split' needs none."
            )
        count = len(check_samples("reference", self.reference))
        if self.method == "single" and count != 1:
            raise ValueError(f"method='single' takes one sample as reference, but {count} came. Use method='mean'.")

    def __call__(self, raw: RawKernel, /) -> RawKernel:
        """Return the matrix without the channel.

        Raises:
            ValueError: If nothing is known of the diagonal, an earlier step changed the matrix, or the noise is too
                strong to be undone.
        """
        if raw.diagonal is None:
            raise ValueError(
                "MitigateDepolarizing needs the measured kernel of samples with themselves: use it as psd_repair of a "
                "kernel with run_diagonal=True."
            )
        after_measuring = raw.applied[len(raw.diagonal.applied) :]
        if any(not step.startswith("Symmetrize") for step in after_measuring):
            raise ValueError(
                "MitigateDepolarizing undoes what the noise did to the matrix as it was measured, but "
                f"{raw.applied[-1]} changed it before. Let it be the first step, or come after Symmetrize()."
            )
        width = self._width(raw.diagonal)
        ends = _Ends(raw.diagonal.of_mixed_state(width), raw.diagonal.noise_free(width))
        if np.isclose(ends.mixed, ends.pure, rtol=0.0, atol=_SAME_ENDS):
            raise ValueError(
                f"This kernel reads {ends.mixed:.4g} of a sample against itself without noise, and of the maximally "
                "mixed state too, so that it cannot say how much of a state survived. Leave MitigateDepolarizing out."
            )
        step = self._split if self.method == "split" else self._common
        return step(raw, raw.diagonal, ends)

    def _width(self, diagonal: MeasuredDiagonal) -> int:
        width = diagonal.num_qubits if self.num_qubits is None else self.num_qubits
        if width is None:
            raise ValueError("This kernel does not say how many qubits it measures. Give num_qubits.")
        return width

    def _common(self, raw: RawKernel, diagonal: MeasuredDiagonal, ends: _Ends) -> RawKernel:
        """Undo one channel of all entries."""
        assert self.reference is not None, "these methods were refused without one"
        values, errors = diagonal.measure(check_samples("reference", self.reference))
        survived = float(ends.survived(values.mean()))
        error = float(np.sqrt(np.sum(errors**2)) / len(errors) / ends.apart)
        _refuse_too_strong(survived, error, ends, "of the reference")
        matrix = (raw.matrix - ends.mixed) / survived + ends.mixed
        slope = (raw.matrix - ends.mixed) / survived**2
        variance = (raw.standard_errors / survived) ** 2 + (slope * error) ** 2
        return _after(raw, matrix, variance, f"method={self.method!r}, survived {survived:.4g} ± {error:.2g}")

    def _split(self, raw: RawKernel, diagonal: MeasuredDiagonal, ends: _Ends) -> RawKernel:
        """Undo a channel of each sample."""
        rows, row_errors = _survived(diagonal.measure, diagonal.rows, ends, "row")
        is_square = diagonal.rows is diagonal.columns
        columns, column_errors = (
            (rows, row_errors) if is_square else _survived(diagonal.measure, diagonal.columns, ends, "column")
        )
        survived = np.sqrt(np.outer(rows, columns))
        excess = raw.matrix - ends.mixed
        # ∂k/∂s_i = -excess/(2 s s_i), since s = √(s_i s_j)
        relative = (row_errors / rows)[:, None] ** 2 + (column_errors / columns)[None, :] ** 2
        variance = (raw.standard_errors / survived) ** 2 + (excess / survived) ** 2 * relative / 4
        same = np.ones(raw.matrix.shape, dtype=bool)
        for row_values, column_values in zip(diagonal.rows.T, diagonal.columns.T, strict=True):
            same &= np.equal.outer(row_values, column_values)
        variance[same] = 0.0  # s is read from this very entry, which becomes that without noise
        words = f"method='split', survived {min(rows.min(), columns.min()):.4g} to {max(rows.max(), columns.max()):.4g}"
        return _after(raw, excess / survived + ends.mixed, variance, words)


def _survived(
    measure: Callable[[FloatArray], tuple[FloatArray, FloatArray]], samples: FloatArray, ends: _Ends, where: str
) -> tuple[FloatArray, FloatArray]:
    """Return what survives of each sample's state, and its error."""
    values, errors = measure(samples)
    survived, error = ends.survived(values), errors / ends.apart
    worst = int(np.argmin(survived - _SEEN * error))
    _refuse_too_strong(float(survived[worst]), float(error[worst]), ends, f"of {where} {worst}")
    return survived, error


def _refuse_too_strong(survived: float, error: float, ends: _Ends, where: str) -> None:
    if survived <= _SEEN * error:
        value = ends.mixed + survived * (ends.pure - ends.mixed)
        raise ValueError(
            f"The noise is too strong to be undone: the measured kernel {where} with itself is {value:.4g} ± "
            f"{error * ends.apart:.2g}, which cannot be told from that of a state of which nothing survived, "
            f"{ends.mixed:.4g}. Use fewer gates or qubits, a better device, or more shots."
        )


def _after(raw: RawKernel, matrix: FloatArray, variance: FloatArray, words: str) -> RawKernel:
    errors = None if raw.errors is None else np.sqrt(variance)
    return replace(raw, matrix=matrix, errors=errors, applied=(*raw.applied, f"MitigateDepolarizing({words})"))
