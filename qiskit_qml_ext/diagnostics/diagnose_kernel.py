"""The diagnosis of a kernel on data."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit_machine_learning.kernels import BaseKernel

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.draft import Draft
from qiskit_qml_ext.diagnostics.geometric_difference import GeometricDifference, geometric_difference
from qiskit_qml_ext.diagnostics.kernel_concentration import KernelConcentration, kernel_concentration
from qiskit_qml_ext.diagnostics.kernel_noise import FEWEST_SAMPLES, Source, kernel_width
from qiskit_qml_ext.diagnostics.noisy_simulation import Noise
from qiskit_qml_ext.diagnostics.price import kernel_price, kernel_shots, samples_in_words
from qiskit_qml_ext.diagnostics.report import Finding
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Connection

_MANY_SHOTS = 10_000
_FEW_WIDTHS = 5
_NOISY_SAMPLES = ((5, 16), (6, 12), (8, 8))  # up to so many qubits, so many samples: each pair is a density matrix
_NOISE_MATTERS = math.sqrt(2)  # half of the variance is gone: twice the shots
_MANY_CLASSES = 20  # more different whole numbers than this are values, not the names of classes


def diagnose_kernel(
    kernel: BaseKernel | FeatureMap,
    X: ArrayLike,
    y: ArrayLike | None,
    draft: Draft,
    *,
    noise: "Noise | None" = None,
    connection: Connection | None = None,
    price_per_minute: float | None = None,
    num_samples: int,
    seed: int | None,
) -> str:
    """Fill a draft with what concerns a kernel, and return the title.

    Args:
        kernel: The kernel, or a feature map whose fidelity kernel is meant.
        X: The data; at most ``num_samples`` rows are used, drawn at random.
        y: The labels, or None. Text and up to 20 different whole numbers are classes; other numbers are values.
        draft: What was found so far.
        noise: Noise whose effect on the spread of the entries is simulated; None for none.
        connection: A backend whose price is wanted; None for none.
        price_per_minute: The price of a minute of its processor time.
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
    noisy = 0 if noise is None else _noisy_samples(kernel, samples, draft)
    found = draft.run(
        "Concentration of the kernel",
        lambda: kernel_concentration(
            kernel, samples, qubits=widths, noise=noise if noisy else None, noise_samples=noisy, seed=seed
        ),
    )
    if isinstance(found, KernelConcentration):
        _read_concentration(found, samples, draft)
        matrix = found.last.matrix
        other = draft.run("Difference from classical kernels", lambda: _difference(matrix, samples, labels))
        if isinstance(other, GeometricDifference):
            _read_difference(other, draft)
    if connection is not None:
        shots = kernel_shots(draft.evidence)
        known = found.last.shots if isinstance(found, KernelConcentration) else None
        draft.add_price(
            kernel_price(
                kernel,
                samples,
                shots,
                connection,
                price_per_minute=price_per_minute,
                entries=None if known is None else (known.mean, known.variance),
                simulated=_simulated_gain(found),
            )
        )
    name = type(template).__name__ if isinstance(template, FeatureMap) else type(kernel).__name__
    return f"Is this kernel any good? {name} on {len(samples)} samples of {samples.shape[1]} features"


def _noisy_samples(
    kernel: BaseKernel | FeatureMap, X: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", draft: Draft
) -> int:
    """How many samples can be measured with noise in a few seconds; 0, with a reason in the draft, for none."""
    if not isinstance(kernel, (FidelityKernel, FeatureMap)):
        draft.skipped.append(f"Noise: it is simulated for fidelity kernels only, not for {type(kernel).__name__}.")
        return 0
    width = kernel_width(FidelityKernel(kernel) if isinstance(kernel, FeatureMap) else kernel, X.shape[1])
    number = min(next((samples for most, samples in _NOISY_SAMPLES if width <= most), 0), len(X))
    if number < FEWEST_SAMPLES:
        draft.skipped.append(
            f"Noise: {width} qubits and {len(X)} samples; a first look takes at most {_NOISY_SAMPLES[-1][0]} qubits "
            f"and at least {FEWEST_SAMPLES} samples. kernel_concentration(…, noise=…) simulates up to 12 qubits."
        )
        return 0
    return number


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


def _simulated_gain(found: object) -> float | None:
    """By how much simulated noise divides the spread of the entries; None if none was simulated."""
    sources = found.sources if isinstance(found, KernelConcentration) else ()
    gains = [source.gain.value for source in sources if source.name == "noise" and source.gain is not None]
    return gains[-1] if gains else None


def _read_concentration(
    found: KernelConcentration, samples: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", draft: Draft
) -> None:
    point = found.last
    shots = point.shots.to_tell_apart
    bad = not math.isfinite(shots) or shots > _MANY_SHOTS or found.verdict == "barren plateau"
    text = found.headline()
    if not bad:  # how the spread falls with more features matters only where it is small
        text = f"The kernel can tell these samples apart. {text.removeprefix('Scaling undetermined. ')}"
    draft.findings.append(Finding("bad" if bad else "good", text))
    distinct = len(np.unique(samples, axis=0))
    pairs = distinct * (distinct - 1) // 2
    if math.isfinite(shots):
        basis = "as it was measured" if found.measured_shots is not None else "without the errors of a device"
        draft.price.append(
            f"The kernel matrix of {samples_in_words(samples)}: {pairs:,} circuits of {shots:,.0f} shots, "
            f"{pairs * shots:,.0f} in all, to tell entries apart, {basis}."
        )
    if found.bandwidth is not None and found.bandwidth.value < 1 and bad:
        draft.advice.append(
            f"Multiply the data by {found.bandwidth.value:.2g} before encoding; the entries then spread by "
            f"{found.bandwidth.standard_deviation:.2g}. Tune this factor by cross-validation."
        )
    for source in found.sources:
        if source.name == "noise":
            _read_noise(source, draft)
        elif source.name and bad and source.factor > 2:
            draft.advice.append(
                f"Without {source.name} the entries spread {source.factor:.1f} times as much: {source.advice}."
            )


def _read_noise(source: Source, draft: Draft) -> None:
    gain = source.gain
    if gain is None or not gain.low > _NOISE_MATTERS:
        return
    if math.isinf(gain.value):
        draft.findings.append(Finding("bad", f"With noise ({source.basis}) no spread of the entries could be seen."))
        draft.advice.append(f"Noise leaves nothing to see: {source.advice}.")
        return
    draft.findings.append(
        Finding(
            "bad",
            f"Noise divides the spread of the entries by {gain.value:.2g} {gain.interval()} ({source.basis}): it takes "
            f"{gain.value**2:.2g} times as many shots to tell them apart as without noise.",
        )
    )
    draft.advice.append(f"Against the noise: {source.advice}.")


def _read_difference(found: GeometricDifference, draft: Draft) -> None:
    small = "guaranteed" in found.headline()
    draft.findings.append(Finding("bad" if small else "unknown", found.headline()))
    if small:
        draft.advice.append(f"Try {found.closest.name} first: it is cheaper and learns the same.")
    else:
        draft.advice.append(
            "A difference is no advantage: only test scores beside tuned classical models on the same folds show one."
        )
