"""Does the kernel concentrate, and how many shots tell its entries apart?"""

import math

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.diagnostics.diagnosis.draft import Draft
from qiskit_qml_ext.diagnostics.diagnosis.kernel_request import FEWEST_TO_JUDGE, KernelRequest
from qiskit_qml_ext.diagnostics.diagnosis.price import samples_in_words
from qiskit_qml_ext.diagnostics.diagnosis.stage import Measurement
from qiskit_qml_ext.diagnostics.kernels.concentration import KernelConcentration, kernel_concentration
from qiskit_qml_ext.diagnostics.kernels.noise import FEWEST_SAMPLES, at_least, narrower_device
from qiskit_qml_ext.diagnostics.kernels.sources import Source
from qiskit_qml_ext.diagnostics.subject.noisy_simulation import Noise
from qiskit_qml_ext.diagnostics.subject.samples import num_different
from qiskit_qml_ext.kernels import ChangesTarget, FidelityKernel

_MANY_SHOTS = 10_000
_NOISY_SAMPLES = ((5, 16), (6, 12), (8, 8))  # up to so many qubits, so many samples: each pair is a density matrix
_NOISE_MATTERS = math.sqrt(2)  # half of the variance is gone: twice the shots
_CONSTANT_RANK = 2.0  # below this effective rank more than half of the squared entries are those of a constant …
_SMALL_SPREAD = 0.1  # … which an ideal kernel of two unequal classes has too, if its entries spread by more than this
_IDENTITY_RANK = 0.9  # of the number of samples: a tenth or less of the squared entries stands off the diagonal


class Concentration(Measurement[KernelRequest, KernelConcentration]):
    """The spread of the entries, how it scales, and what noise does to it."""

    key = "kernel_concentration"
    heading = "Concentration of the kernel"

    def run(self, request: KernelRequest, draft: Draft) -> KernelConcentration:
        """Measure, with noise if it can be simulated."""
        noisy = 0 if request.noise is None else self._noisy_samples(request, request.noise, draft)
        return kernel_concentration(
            request.kernel,
            request.samples,
            feature_counts=request.widths,
            noise=request.noise if noisy else None,
            num_noise_samples=max(noisy, 1),  # not looked at without noise
            seed=request.seed,
        )

    def read(self, result: KernelConcentration, request: KernelRequest, draft: Draft) -> None:
        """Say how the entries spread."""
        _read_concentration(result, request.samples, draft)

    def _noisy_samples(self, request: KernelRequest, noise: Noise, draft: Draft) -> int:
        """How many samples can be measured with noise in a few seconds; 0, with a reason in the draft, for none."""
        kernel, (size, features) = request.kernel, request.samples.shape
        if not isinstance(kernel, (ChangesTarget, FeatureMap)):
            draft.skip(
                self.key,
                "Noise: it is simulated for fidelity kernels only, and for others that can change their target, not "
                f"for {type(kernel).__name__}.",
            )
            return 0
        there = FidelityKernel(kernel) if isinstance(kernel, FeatureMap) else kernel
        width = there.num_qubits(features)
        number = min(next((samples for most, samples in _NOISY_SAMPLES if width <= most), 0), size)
        if number < FEWEST_SAMPLES:
            draft.skip(
                self.key,
                f"Noise: {width} qubits and {size} samples; a first look takes at most {_NOISY_SAMPLES[-1][0]} qubits "
                f"and at least {FEWEST_SAMPLES} samples. kernel_concentration(…, noise=…) simulates up to 12 qubits.",
            )
            return 0
        if problem := narrower_device(there, features, noise):
            draft.skip(self.key, f"Noise: {problem}.")
            return 0
        return number


def _read_concentration(concentration: KernelConcentration, samples: FloatArray, draft: Draft) -> None:
    if concentration.num_samples < FEWEST_TO_JUDGE:
        draft.find(
            "unknown",
            "too_few_samples",
            f"{concentration.num_samples} samples are too few to say how the entries of this kernel spread; at least "
            f"{FEWEST_TO_JUDGE} are needed.",
        )
        _read_sources(concentration, draft, bad=False)
        return
    shots = concentration.last.shots.to_tell_apart
    falls = concentration.verdict == "barren plateau"
    bad = falls or not shots <= _MANY_SHOTS
    if falls:
        draft.find("bad", "concentrates_exponentially", concentration.trend())
    elif concentration.verdict in ("polynomial", "constant"):
        draft.find(
            "good",
            "falls_as_power" if concentration.verdict == "polynomial" else "does_not_fall",
            concentration.trend(),
        )
    if math.isinf(shots):
        exact = concentration.measured_shots is None
        draft.find(
            "bad" if exact else "unknown", "entries_equal" if exact else "spread_not_seen", concentration.at_hand()
        )
    else:
        few = shots <= _MANY_SHOTS
        draft.find(
            "good" if few else "bad", "entries_differ" if few else "entries_need_many_shots", concentration.at_hand()
        )
    _read_rank(concentration, draft)
    distinct = num_different(samples)
    pairs = distinct * (distinct - 1) // 2
    if math.isfinite(shots):
        basis = "as it was measured" if concentration.measured_shots is not None else "without the errors of a device"
        draft.price.append(
            f"The kernel matrix of {samples_in_words(samples)}: {pairs:,} circuits of {shots:,.0f} shots, "
            f"{pairs * shots:,.0f} in all, at which the error of an entry is half of the spread, {basis}."
        )
    if concentration.bandwidth is not None and concentration.bandwidth.value < 1 and bad:
        draft.advise(
            "smaller_bandwidth",
            f"Multiply the data by {concentration.bandwidth.value:.2g} before encoding; the entries then spread by "
            f"{concentration.bandwidth.standard_deviation:.2g}. Tune this factor by cross-validation.",
        )
    _read_sources(concentration, draft, bad=bad)


def _read_sources(concentration: KernelConcentration, draft: Draft, *, bad: bool) -> None:
    for source in concentration.sources:
        if source.key == "noise":
            _read_noise(source, draft)
        elif source.key != "exact" and bad and source.factor > 2:
            draft.advise(
                "less_entanglement" if source.key == "entanglement" else "local_measurement",
                f"Without {source.name} the entries spread {source.factor:.1f} times as much: {source.advice}.",
            )


def _read_rank(concentration: KernelConcentration, draft: Draft) -> None:
    """Say so if the matrix is nearly that of a kernel that knows nothing: a constant, or the identity."""
    rank, size = concentration.last.effective_rank, concentration.num_samples
    spread = math.sqrt(max(concentration.last.variance.value, 0.0))
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
