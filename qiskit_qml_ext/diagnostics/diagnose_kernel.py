"""The diagnosis of a kernel on data."""

import math

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.draft import Draft
from qiskit_qml_ext.diagnostics.geometric_difference import GeometricDifference, geometric_difference
from qiskit_qml_ext.diagnostics.kernel_concentration import KernelConcentration, kernel_concentration
from qiskit_qml_ext.diagnostics.report import Finding

_MANY_SHOTS = 10_000
_FEW_WIDTHS = 5


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
        y: The labels, or None.
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
    grows = isinstance(template, FeatureMap) and samples.shape[1] >= _FEW_WIDTHS
    widths = range(1, samples.shape[1] + 1) if grows else None
    found = draft.run("Concentration of the kernel", lambda: kernel_concentration(kernel, samples, qubits=widths))
    if isinstance(found, KernelConcentration):
        _read_concentration(found, draft)
        matrix = found.last.matrix
        other = draft.run("Difference from classical kernels", lambda: _difference(matrix, samples, labels))
        if isinstance(other, GeometricDifference):
            _read_difference(other, draft)
    name = type(template).__name__ if isinstance(template, FeatureMap) else type(kernel).__name__
    return f"Is this kernel any good? {name} on {len(samples)} samples of {samples.shape[1]} features"


def _difference(
    matrix: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    X: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    labels: "np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None",
) -> GeometricDifference:
    numbers = None
    if labels is not None:
        classes = np.unique(labels)
        two = len(classes) == 2
        numbers = np.where(labels == classes[-1], 1.0, -1.0) if two else np.asarray(labels, dtype=np.float64)
        numbers = numbers if two else (numbers - numbers.mean()) / max(float(numbers.std()), 1e-300)
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    # a sampled matrix may have negative eigenvalues, which no kernel has: raise the diagonal by the smallest of them
    repaired = matrix if lowest >= 0 else matrix - lowest * np.eye(len(matrix))
    return geometric_difference(repaired, X, numbers)


def _read_concentration(found: KernelConcentration, draft: Draft) -> None:
    point = found.last
    shots = point.shots.to_tell_apart
    bad = not math.isfinite(shots) or shots > _MANY_SHOTS or found.verdict == "barren plateau"
    draft.findings.append(Finding("bad" if bad else "good", found.headline()))
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
            "A difference is no advantage: compare test scores with tuned classical models on the same folds."
        )
