"""What must hold for random Fourier features to stand for a quantum model, and what of it could be seen."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import RidgeCV

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.methods.exact import exact_fidelities
from qiskit_qml_ext.models.kernel_features.encoding_spectrum import EncodingSpectrum
from qiskit_qml_ext.primitives import connect

_MAX_QUBITS, _MAX_SAMPLES = 12, 40  # of a look at the map's own kernel
_RIDGES = np.logspace(-6, 3, 10)
_ROUNDING = 1e-10


@dataclass(frozen=True)
class SpectrumConditions:
    """Three conditions under which random Fourier features do what the quantum model does, as far as they can be seen.

    The reweighted spectrum can be sampled; it is concentrated, so that few draws stand for it; and the target has a
    small norm in the space of its kernel. A flat spectrum of exponentially many frequencies breaks the second one.

    References:
        Sweke et al., arXiv:2309.11647 (abstract and a summary read).
    """

    num_rotations: int
    """Encoding rotations; a draw by multiplicity takes one number for each."""
    num_drawn: int
    """Frequencies that were drawn."""
    num_distinct: int | None
    """Different frequencies that encoding rotations add up to, ω and -ω counted twice: all of the map, and perhaps
    more; ``None`` if they are too many to list."""
    effective_number: float | None
    """As how many frequencies with equal weights the spectrum counts, ω and -ω taken together: 1 / Σ p²."""
    own_kernel_difference: float | None
    """The root-mean-square difference of the kernel of the features, for ever more draws, from the map's own fidelity
    kernel, over pairs of up to 40 samples; ``None`` beyond 12 qubits."""
    target_norm: float | None
    """The squared norm of a ridge regression's weights on the features, its ridge by leave-one-out; ``None`` without a
    real target."""
    explained: float | None
    """R² of that regression on the samples that it was fitted to; ``None`` without a real target."""

    @property
    def is_concentrated(self) -> bool | None:
        """Whether as many frequencies were drawn as the spectrum counts; ``None`` where that is not known."""
        return None if self.effective_number is None else self.num_drawn >= self.effective_number

    def summary(self) -> str:
        """Return the conditions in words, one a line."""
        return "\n".join((self._sampled(), self._concentration(), self._target(), self._own_kernel()))

    def _sampled(self) -> str:
        return (
            f"Sampled: {self.num_drawn} frequencies were drawn, from {self.num_rotations} encoding rotations, whose "
            "sums hold all frequencies of the map and may hold others."
        )

    def _concentration(self) -> str:
        if self.effective_number is None:
            return "Concentration: not known, the frequencies are too many to list."
        word = "yes" if self.is_concentrated else "no, fewer frequencies were drawn than the spectrum counts"
        both = ((self.num_distinct or 1) + 1) // 2  # 0 is one of them, and has no other sign
        return (
            f"Concentration: {word}. The {both:,} frequencies of these sums, ω and -ω taken together, weigh as much as "
            f"{self.effective_number:.3g} equal ones."
        )

    def _target(self) -> str:
        if self.target_norm is None:
            return "Target: not looked at, fit(X, y) was given no y of one real number for each sample."
        return (
            f"Target: a ridge on the features explains {self.explained:.1%} of the samples that it was fitted to, "
            f"whose noise it fits too, with |w|² = {self.target_norm:.3g}."
        )

    def _own_kernel(self) -> str:
        if self.own_kernel_difference is None:
            return f"Own kernel: not compared, the map has more than {_MAX_QUBITS} qubits."
        if self.own_kernel_difference < _ROUNDING:
            return "Own kernel: the features approximate the map's own fidelity kernel."
        return (
            "Own kernel: the sums hold the map's frequencies, but the features approximate another kernel than its "
            f"fidelity kernel, {self.own_kernel_difference:.2g} away on average."
        )


def effective_number(spectrum: EncodingSpectrum, *, uniformly: bool) -> tuple[int | None, float | None]:
    """Return the number of different frequencies, and as how many equal ones they count."""
    if spectrum.groups is None:
        return None, None
    number, collision, zero = 1, 1.0, 1.0
    for group in spectrum.groups:
        size = len(group.frequencies)
        shares = np.full(size, 1 / size) if uniformly else group.probabilities
        number *= size
        collision *= float(np.sum(shares**2))
        zero *= float(shares[~np.any(np.abs(group.frequencies) > _ROUNDING, axis=1)].sum())
    # ω and -ω give the same two features: p(ω) + p(-ω) = 2 p(ω) for ω ≠ 0
    return number, 1 / (2 * collision - zero**2)


def own_kernel_difference(encoding: Encoding, expected: FloatArray, samples: FloatArray) -> float | None:
    """Return how far a kernel is from the fidelity kernel, over pairs of samples.

    Args:
        encoding: The encoding.
        expected: The other kernel of the samples, shape (n, n).
        samples: Some samples, shape (n, features).
    """
    if sum(factor.program.num_qubits for factor in encoding.factors) > _MAX_QUBITS:
        return None
    exact = exact_fidelities(connect(), encoding.factors, samples, None)
    pairs = np.triu_indices(len(samples), 1)
    return float(np.sqrt(np.mean((exact - expected)[pairs] ** 2))) if len(pairs[0]) else 0.0


def some_of(samples: FloatArray) -> FloatArray:
    """Return up to 40 samples, spread evenly."""
    return samples[np.unique(np.linspace(0, len(samples) - 1, _MAX_SAMPLES).astype(int))]


def target_in_features(features: FloatArray, target: AnyArray | None) -> tuple[float | None, float | None]:
    """Return the squared norm and R² of a ridge regression of a real target; ``None`` twice where there is none."""
    if target is None or target.dtype.kind not in "biuf" or target.ndim != 1 or len(target) < 2:
        return None, None
    values = target.astype(np.float64)
    model = RidgeCV(_RIDGES).fit(features, values)
    return float(np.sum(model.coef_**2)), float(model.score(features, values))
