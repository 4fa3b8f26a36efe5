"""The diagnosis of a kernel on data."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit_machine_learning.kernels import BaseKernel

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.draft import Draft
from qiskit_qml_ext.diagnostics.geometric_difference import GeometricDifference, geometric_difference
from qiskit_qml_ext.diagnostics.kernel_concentration import KernelConcentration, kernel_concentration
from qiskit_qml_ext.diagnostics.report import Finding

_MANY_SHOTS = 10_000
_FEW_WIDTHS = 5
_MANY_CLASSES = 20  # more different whole numbers than this are values, not the names of classes


def diagnose_kernel(
    kernel: BaseKernel | FeatureMap,
    X: ArrayLike,
    y: ArrayLike | None,
    draft: Draft,
    *,
    num_samples: int,
    seed: int | None,
) -> str:
    """Fill a draft with what concerns a kernel, and return the title.

    Args:
        kernel: The kernel, or a feature map whose fidelity kernel is meant.
        X: The data; at most ``num_samples`` rows are used, drawn at random.
        y: The labels, or None. Text and up to 20 different whole numbers are classes; other numbers are values.
        draft: What was found so far.
        num_samples: The largest number of samples.
        seed: Seed of the choice of samples.
    """
    samples = np.asarray(X, dtype=np.float64)
    labels = None if y is None else np.asarray(y)
    if samples.ndim != 2:
        raise ValueError(f"X must have the shape (samples, features), but has {samples.shape}.")
    if len(samples) > num_samples:
        rows = np.random.default_rng(seed).choice(len(samples), num_samples, replace=False)
        samples, labels = samples[rows], None if labels is None else labels[rows]
    template = kernel if isinstance(kernel, FeatureMap) else getattr(kernel, "feature_map", None)
    widths = _widths(template, samples.shape[1]) if isinstance(template, FeatureMap) else None
    found = draft.run("Concentration of the kernel", lambda: kernel_concentration(kernel, samples, qubits=widths))
    if isinstance(found, KernelConcentration):
        _read_concentration(found, draft)
        matrix = found.last.matrix
        other = draft.run("Difference from classical kernels", lambda: _difference(matrix, samples, labels))
        if isinstance(other, GeometricDifference):
            _read_difference(other, draft)
    name = type(template).__name__ if isinstance(template, FeatureMap) else type(kernel).__name__
    return f"Is this kernel any good? {name} on {len(samples)} samples of {samples.shape[1]} features"


def _widths(template: FeatureMap, num_features: int) -> list[int] | None:
    """Numbers of features that the map can encode, up to all; None if they are too few to see a trend."""
    widths = []
    for width in range(1, num_features + 1):
        try:
            template.build(width)
        except ValueError:
            continue  # weights that were trained belong to one width
        widths.append(width)
    return widths if len(widths) >= _FEW_WIDTHS else None


def _difference(
    matrix: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    X: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    labels: "np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None",
) -> GeometricDifference:
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    # a sampled matrix may have negative eigenvalues, which no kernel has: raise the diagonal by the smallest of them
    repaired = matrix if lowest >= 0 else matrix - lowest * np.eye(len(matrix))
    return geometric_difference(repaired, X, None if labels is None else _label_columns(labels))


def _label_columns(labels: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> NDArray[np.float64]:
    """Labels as the model complexity needs them, with a mean square of 1, shape (n,) or (n, number of classes).

    Two classes become ±1, more classes a column of ±1 each (one against the rest), and values are standardised.
    """
    classes = np.unique(labels)
    if len(classes) == 2:
        return np.where(labels == classes[-1], 1.0, -1.0)
    if labels.dtype.kind not in "iuf" or (labels.dtype.kind in "iu" and len(classes) <= _MANY_CLASSES):
        return np.where(labels[:, None] == classes[None, :], 1.0, -1.0)
    numbers = np.asarray(labels, dtype=np.float64)
    return np.asarray((numbers - numbers.mean()) / max(float(numbers.std()), 1e-300))


def _read_concentration(found: KernelConcentration, draft: Draft) -> None:
    point = found.last
    shots = point.shots.to_tell_apart
    bad = not math.isfinite(shots) or shots > _MANY_SHOTS or found.verdict == "barren plateau"
    text = found.headline()
    if not bad:  # how the spread falls with more features matters only where it is small
        text = f"The kernel can tell these samples apart. {text.removeprefix('Scaling undetermined. ')}"
    draft.findings.append(Finding("bad" if bad else "good", text))
    pairs = found.num_samples * (found.num_samples - 1) // 2
    if math.isfinite(shots):
        draft.price.append(
            f"The kernel matrix of {found.num_samples} samples on a device: {pairs:,} circuits of {shots:,.0f} shots, "
            f"{pairs * shots:,.0f} in all, to tell entries apart."
        )
    if found.bandwidth is not None and found.bandwidth.value < 1 and bad:
        draft.advice.append(
            f"Multiply the data by {found.bandwidth.value:.2g} before encoding; the entries then spread by "
            f"{found.bandwidth.standard_deviation:.2g}. Tune this factor by cross-validation."
        )
    if len(found.sources) > 1:
        base = found.sources[0].standard_deviation
        for source in found.sources[1:]:
            if bad and source.standard_deviation > 2 * base:
                draft.advice.append(
                    f"Without {source.name} the entries spread {source.standard_deviation / base:.1f} times as much: "
                    f"{source.advice}."
                )


def _read_difference(found: GeometricDifference, draft: Draft) -> None:
    small = "guaranteed" in found.headline()
    draft.findings.append(Finding("bad" if small else "unknown", found.headline()))
    if small:
        draft.advice.append(f"Try {found.closest.name} first: it is cheaper and learns the same.")
    else:
        draft.advice.append(
            "A difference is no advantage: only test scores beside tuned classical models on the same folds show one."
        )
