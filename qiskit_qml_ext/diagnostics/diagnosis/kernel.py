"""The diagnosis of a kernel on data."""

import math

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.price import kernel_price, kernel_shots, samples_in_words
from qiskit_qml_ext.diagnostics.diagnosis.report import Level
from qiskit_qml_ext.diagnostics.kernels.concentration import KernelConcentration, kernel_concentration
from qiskit_qml_ext.diagnostics.kernels.geometric_difference import (
    GeometricDifference,
    geometric_difference,
    standard_kernels,
)
from qiskit_qml_ext.diagnostics.kernels.model_complexity import as_labels, is_class
from qiskit_qml_ext.diagnostics.kernels.noise import FEWEST_SAMPLES, Source, at_least, kernel_width, narrower_device
from qiskit_qml_ext.diagnostics.kernels.scores import KernelScores, kernel_scores
from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import Noise
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Connection

_MANY_SHOTS = 10_000
_FEW_WIDTHS = 5
_NOISY_SAMPLES = ((5, 16), (6, 12), (8, 8))  # up to so many qubits, so many samples: each pair is a density matrix
FEWEST_TO_JUDGE = 10
"""Fewer samples than this do not show how a kernel's entries spread: their intervals hold nearly everything."""
_NOISE_MATTERS = math.sqrt(2)  # half of the variance is gone: twice the shots
_CONSTANT_RANK = 2.0  # below this effective rank more than half of the squared entries are those of a constant …
_SMALL_SPREAD = 0.1  # … which an ideal kernel of two unequal classes has too, if its entries spread by more than this
_IDENTITY_RANK = 0.9  # of the number of samples: a tenth or less of the squared entries stands off the diagonal

CONCENTRATION = "Concentration of the kernel"
DIFFERENCE = "Difference from classical kernels"
SCORES = "Kernels in cross-validation"
"""The titles of the stages, in their order; a result is found under its title in ``Diagnosis.evidence``."""


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
    labels = None if y is None else as_labels(y)
    if samples.ndim != 2:
        raise ValueError(f"X must have the shape (samples, features), but has {samples.shape}.")
    if labels is not None and labels.shape != (len(samples),):
        raise ValueError(f"y must have one label for each of the {len(samples)} rows of X, but has {labels.shape}.")
    if len(samples) > num_samples:
        rows = np.random.default_rng(seed).choice(len(samples), num_samples, replace=False)
        samples, labels = samples[rows], None if labels is None else labels[rows]
    template = kernel if isinstance(kernel, FeatureMap) else getattr(kernel, "feature_map", None)
    widths = _widths(template, samples.shape[1]) if isinstance(template, FeatureMap) else None
    noisy = 0 if noise is None else _noisy_samples(kernel, samples, noise, draft)
    found = draft.run(
        CONCENTRATION,
        lambda: kernel_concentration(
            kernel,
            samples,
            qubits=widths,
            noise=noise if noisy else None,
            noise_samples=max(noisy, 1),  # not looked at without noise
            seed=seed,
        ),
    )
    if isinstance(found, KernelConcentration):
        _read_concentration(found, samples, draft)
        _compare_with_classical(found.last.matrix, samples, labels, draft, seed)
    if connection is not None:
        shots = kernel_shots(draft.evidence) if len(samples) >= FEWEST_TO_JUDGE else math.inf
        known = found.last.shots if isinstance(found, KernelConcentration) else None
        draft.add_price(
            kernel_price(
                kernel,
                samples,
                shots,
                connection,
                price_per_minute=price_per_minute,
                entries=None if known is None else (known.mean, known.variance),
                simulated=_simulated_factor(found),
            )
        )
    name = type(template).__name__ if isinstance(template, FeatureMap) else type(kernel).__name__
    return f"Is this kernel any good? {name} on {len(samples)} samples of {samples.shape[1]} features"


def _noisy_samples(kernel: BaseKernel | FeatureMap, X: FloatArray, noise: Noise, draft: Draft) -> int:
    """How many samples can be measured with noise in a few seconds; 0, with a reason in the draft, for none."""
    if not isinstance(kernel, (FidelityKernel, FeatureMap)):
        draft.skipped.append(f"Noise: it is simulated for fidelity kernels only, not for {type(kernel).__name__}.")
        return 0
    there = FidelityKernel(kernel) if isinstance(kernel, FeatureMap) else kernel
    width = kernel_width(there, X.shape[1])
    number = min(next((samples for most, samples in _NOISY_SAMPLES if width <= most), 0), len(X))
    if number < FEWEST_SAMPLES:
        draft.skipped.append(
            f"Noise: {width} qubits and {len(X)} samples; a first look takes at most {_NOISY_SAMPLES[-1][0]} qubits "
            f"and at least {FEWEST_SAMPLES} samples. kernel_concentration(…, noise=…) simulates up to 12 qubits."
        )
        return 0
    if problem := narrower_device(there, X.shape[1], noise):
        draft.skipped.append(f"Noise: {problem}.")
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


def _compare_with_classical(
    matrix: FloatArray,
    X: FloatArray,
    labels: "AnyArray | None",
    draft: Draft,
    seed: int | None,
) -> None:
    """Compare a kernel matrix with classical kernels on the same samples: by their geometry, and by their scores."""
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    # a sampled matrix may have negative eigenvalues, which no kernel has: raise the diagonal by the smallest of them
    repaired = matrix if lowest >= 0 else matrix - lowest * np.eye(len(matrix))
    classical = standard_kernels(X, len(X))
    targets = None if labels is None else _targets(labels)
    other = draft.run(DIFFERENCE, lambda: geometric_difference(repaired, y=targets, classical=classical))
    scores = None
    if labels is not None:
        try:
            scores = draft.run(SCORES, lambda: kernel_scores(repaired, classical, labels, X=X, seed=seed))
        except ValueError as error:  # too few different samples, or labels that do not differ
            draft.skipped.append(f"{SCORES}: {error}")
    ranked = scores if isinstance(scores, KernelScores) else None
    if ranked is not None:
        _read_scores(ranked, draft)
    if isinstance(other, GeometricDifference):
        _read_difference(other, ranked, draft)


def _targets(labels: "AnyArray") -> "AnyArray":
    """Classes as they are, values standardised, so that their unit does not matter."""
    if is_class(labels):
        return labels
    numbers = np.asarray(labels, dtype=np.float64)
    return np.asarray((numbers - numbers.mean()) / max(float(numbers.std()), 1e-300))


def _simulated_factor(found: object) -> Estimate | None:
    """How many times as many shots the kernel takes with simulated noise; None if none was simulated."""
    sources = found.sources if isinstance(found, KernelConcentration) else ()
    return next((source.shots for source in reversed(sources) if source.name == "noise"), None)


def _read_concentration(
    found: KernelConcentration, samples: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", draft: Draft
) -> None:
    if found.num_samples < FEWEST_TO_JUDGE:
        draft.find(
            "unknown",
            "too_few_samples",
            f"{found.num_samples} samples are too few to say how the entries of this kernel spread; at least "
            f"{FEWEST_TO_JUDGE} are needed.",
        )
        _read_sources(found, draft, bad=False)
        return
    shots = found.last.shots.to_tell_apart
    falls = found.verdict == "barren plateau"
    bad = falls or not shots <= _MANY_SHOTS
    if falls:
        draft.find("bad", "concentrates_exponentially", found.trend())
    elif found.verdict in ("polynomial", "constant"):
        draft.find("good", "falls_as_power" if found.verdict == "polynomial" else "does_not_fall", found.trend())
    if math.isinf(shots):
        exact = found.measured_shots is None
        draft.find("bad" if exact else "unknown", "entries_equal" if exact else "spread_not_seen", found.at_hand())
    else:
        few = shots <= _MANY_SHOTS
        draft.find("good" if few else "bad", "entries_differ" if few else "entries_need_many_shots", found.at_hand())
    _read_rank(found, draft)
    distinct = len(np.unique(samples, axis=0))
    pairs = distinct * (distinct - 1) // 2
    if math.isfinite(shots):
        basis = "as it was measured" if found.measured_shots is not None else "without the errors of a device"
        draft.price.append(
            f"The kernel matrix of {samples_in_words(samples)}: {pairs:,} circuits of {shots:,.0f} shots, "
            f"{pairs * shots:,.0f} in all, at which the error of an entry is half of the spread, {basis}."
        )
    if found.bandwidth is not None and found.bandwidth.value < 1 and bad:
        draft.advise(
            "smaller_bandwidth",
            f"Multiply the data by {found.bandwidth.value:.2g} before encoding; the entries then spread by "
            f"{found.bandwidth.standard_deviation:.2g}. Tune this factor by cross-validation.",
        )
    _read_sources(found, draft, bad=bad)


def _read_sources(found: KernelConcentration, draft: Draft, *, bad: bool) -> None:
    for source in found.sources:
        if source.name == "noise":
            _read_noise(source, draft)
        elif source.name and bad and source.factor > 2:
            draft.advise(
                "less_entanglement" if source.name == "entanglement" else "local_measurement",
                f"Without {source.name} the entries spread {source.factor:.1f} times as much: {source.advice}.",
            )


def _read_rank(found: KernelConcentration, draft: Draft) -> None:
    """Say so if the matrix is nearly that of a kernel that knows nothing: a constant, or the identity."""
    rank, size = found.last.effective_rank, found.num_samples
    spread = math.sqrt(max(found.last.variance.value, 0.0))
    if rank < min(_CONSTANT_RANK, 0.2 * size) and spread < _SMALL_SPREAD:
        draft.find(
            "unknown",
            "nearly_constant",
            f"To this kernel the samples look much alike: effective rank {rank:.1f} of {size}, where 1 is a constant, "
            f"and entries that spread by {spread:.2g}. What it learns rests on such small differences.",
        )
    elif rank > _IDENTITY_RANK * size:
        draft.find(
            "bad",
            "nearly_identity",
            f"To this kernel almost every one of these samples is similar to itself only: effective rank {rank:.1f} of "
            f"{size}. The identity, of rank {size}, predicts nothing about new samples.",
        )


def _read_noise(source: Source, draft: Draft) -> None:
    gain = source.gain
    if gain is None or not gain.low > _NOISE_MATTERS:
        return
    if math.isinf(gain.value):
        draft.find("bad", "noise_hides_all", f"With noise ({source.basis}) no spread of the entries could be seen.")
        draft.advise("mitigate_noise", f"Noise leaves nothing to see: {source.advice}.")
        return
    draft.find(
        "bad",
        "noise_shrinks_spread",
        f"Noise divides the spread of the entries by {at_least(gain)} ({source.basis})"
        + ("." if source.shots is None else f": it takes {at_least(source.shots)} times as many shots as without it."),
    )
    draft.advise("mitigate_noise", f"Against the noise: {source.advice}.")


def _read_scores(found: KernelScores, draft: Draft) -> None:
    # ahead on one division into folds is not yet better: the error leaves out that other training sets differ
    level: Level = "bad" if found.ranking == "classical_scores_as_well" else "unknown"
    meaning = {
        "nothing_learned": " None of them is clearly better than the guess.",
        "scores_alike": f" The difference is within twice its error: {found.best.ahead}.",
        "quantum_scores_higher": f" The quantum kernel is ahead by {found.best.ahead}, not counting how much other "
        "training sets would change that.",
    }
    ranking = found.ranking
    draft.find(level, ranking, found.headline() + meaning.get(ranking, ""))
    if ranking == "classical_scores_as_well":
        draft.advise(
            "classical_first",
            f"Use a classical kernel first: {found.best.name} scores {found.best.score:.3f} on these folds, the "
            f"quantum kernel {found.quantum.score:.3f}. (It is the best of {len(found.classical)}, the quantum kernel "
            "has one bandwidth: evaluate tunes all of them.)",
        )
    elif ranking != "nothing_learned":
        draft.advise(
            "compare_on_same_folds",
            "Only tuned models on the same folds show an advantage: compare them with evaluate before you rely on it.",
        )


def _read_difference(found: GeometricDifference, scores: KernelScores | None, draft: Draft) -> None:
    """Say what the bounds license, where they do, and where the scores do not answer the question already."""
    ranking, conclusion = None if scores is None else scores.ranking, found.conclusion
    if conclusion == "bound_carries_over" and ranking not in ("quantum_scores_higher", "nothing_learned"):
        draft.find("unknown", conclusion, found.headline())
        if ranking is None and found.simplest is not None:
            draft.advise(
                "classical_first",
                f"Try {found.simplest.name} first: of the classical kernels it is the one for which these labels have "
                "the smallest complexity.",
            )
    elif conclusion == "labels_simpler_for_quantum" and ranking in (None, "scores_alike", "quantum_scores_higher"):
        draft.find("unknown", conclusion, found.headline())
