"""Shots that leave every entry of a fidelity kernel with at most one standard error, whatever the entry is."""

import math
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.checks import LARGEST_SHOTS, optional_whole_number, whole_number, wrong_kind, wrong_value
from qiskit_qml_ext.kernels.adaptive.adaptive_shots import AdaptiveShots
from qiskit_qml_ext.kernels.adaptive.even_allocation import EvenAllocation

_FEWEST = 3  # shots of a pilot


@dataclass(frozen=True)
class EvenErrors:
    r"""Shots of which each entry gets what it needs to be as precise as the worst one under uniform shots.

    S uniform shots leave an entry k with the standard error :math:`\sqrt{k(1-k)/S}`, which is :math:`1/(2\sqrt S)` at
    k = 1/2 and far less near 0 and 1, where most entries of most kernels lie. Here every entry has *at most*
    :math:`1/(2\sqrt S)`, for which 4 S k(1-k) shots would do if k were known.

    As k is not known, each pair is read twice. A pilot of n shots finds h zeros; then

    .. math:: r(h) = 4 S \frac{(h + 1)(n - h + 1)}{(n + 1)(n + 2)}

    shots are run, rounded up to the next of a few numbers about √2 apart, one job for each of them. The entry is the
    fraction of these alone. So it is unbiased, as what the pilot said only decides how often the circuit runs; a mean
    over both would be too small for entries whose pilot was. And for every k

    .. math:: E \frac{k(1-k)}{r(h)} = \frac{1 - k^{n+2} - (1-k)^{n+2}}{4 S} < \frac{1}{4 S},

    since the sum over the binomial h is one over a binomial of n + 2 shots. That is the promise: over repetitions of
    pilot and run, the root mean square of the error of every entry is at most 1/(2√S), exactly, and not only for many
    shots. Estimates from a pilot and a second sample whose size follows from it are older (Cox, "Estimation by double
    sampling", Biometrika 39, 217, 1952, of which the title page was at hand); rule and proof here are ours.

    The pilot costs n shots a pair and the caution behind r(h) about 4S/(n + 2) more; n = 2√S - 2 makes the sum least,
    4√S. So pairs take at least that (1/8 of S = 1024, 1/25 of 10,000), and but for rounding never more than
    (1 + n/S) S (n + 2)/(n + 1), with that pilot S + 2√S and a little. It pays where some entries may be about 1/2, most
    are near 0 or 1, and S is large; where most are about 1/2, uniform shots are as good. With packed circuits only
    pairs with the same number of shots share one, so that few pairs may cost more than with uniform shots; the plan
    says so.

    **Beside as many uniform shots.** What is made small is the error that no entry exceeds, not the mean square over
    all entries. With v the mean of k(1-k) over the pairs of a matrix, a pair takes in the mean

    .. math:: R = n + 4 S \frac{n(n-1)\, v + n + 1}{(n + 1)(n + 2)}

    shots. R uniform ones leave the mean square v/R; these leave

    .. math:: \frac{R}{4 S v} \left\langle 1 - k^{n+2} - (1-k)^{n+2}\right\rangle
        \approx \left(1 + \frac{1}{v \sqrt S}\right) \left\langle 1 - k^{2\sqrt S} - (1-k)^{2\sqrt S}\right\rangle

    times that, but for what rounding up moves (below a tenth from S = 1,000 on); the second form is for the pilot
    n = 2√S - 2. It is 1 or a little more where the entries are about 1/2, less than 1 where a few of them have nearly
    all of v, and goes to 2 where all are below 1/(2√S) or as near to 1, as those of very wide maps are: half of what
    they take is the pilot. There even the largest error may be less with uniform shots: if all k(1-k) were known to be
    at most w, 4 S w of them would keep the promise too. So the decisions of a classifier may gain or lose a little.
    Shots in proportion to √(k(1-k)) would make the mean square less, but how many that are for an entry hangs on the
    other entries, so that it could not be found once for all folds. Here it depends on nothing else.

    The errors that go with an estimate are those of its own shots, so that single ones are above the promise, where the
    pilot happened to read too few zeros (or too many), and others below. A sampler of your own whose seed begins anew
    in each run may repeat the pilot in the run; its entries are a little biased.
    """

    shots: int | None = None
    """S, the uniform shots that would leave the worst entry with the promised error; ``None`` for the connection's."""
    pilot: int | None = None
    """n, the shots of the pilot; ``None`` for about 2√S."""

    def __post_init__(self) -> None:
        optional_whole_number("shots", self.shots, maximum=LARGEST_SHOTS)
        optional_whole_number("pilot", self.pilot, maximum=LARGEST_SHOTS)

    def with_shots_of(self, shots: int | None) -> "EvenAllocation":
        """Return how shots are given out, with all numbers.

        Args:
            shots: Those of the connection.

        Raises:
            ValueError: If nobody says how many.
        """
        uniform = shots if self.shots is None else self.shots
        if uniform is None:
            raise ValueError(
                "shots='adaptive' makes every entry as precise as the connection's shots do at worst, but this "
                "connection has none: its results are exact, or a sampler of your own decides. Connect with shots, "
                'connect("exact", shots=1024), or say them: shots=EvenErrors(shots=1024).'
            )
        return EvenAllocation(uniform, self.pilot or max(_FEWEST, round(2 * math.sqrt(uniform)) - 2))


def even_errors_of(shots: object) -> EvenErrors | None:
    """Return how ``shots=`` of a kernel gives out shots; ``None`` for the same shots of every circuit.

    Raises:
        ValueError: If a number or a word is not valid.
        TypeError: If it is of another kind.
    """
    if shots is None or isinstance(shots, EvenErrors):
        return shots
    if isinstance(shots, AdaptiveShots):
        raise TypeError(
            "AdaptiveShots stop when the decisions of a classifier stand, which a kernel does not see. Give them to "
            "AdaptiveQuantumSVC(kernel, shots=AdaptiveShots(…)); a kernel takes 'adaptive' or EvenErrors(…), by which "
            "every entry gets one precision."
        )
    if isinstance(shots, str):
        if shots != "adaptive":
            raise wrong_value("shots", "a whole number, 'adaptive', EvenErrors(…) or None", shots)
        return EvenErrors()
    if isinstance(shots, (int, np.integer)) and not isinstance(shots, bool):
        whole_number("shots", shots, maximum=LARGEST_SHOTS)
        return None
    raise wrong_kind("shots", "a whole number, 'adaptive', EvenErrors(…) or None", shots)


def number_of(shots: object) -> int | None:
    """Return the shots that ``shots=`` of a kernel puts in place of the connection's, if any; see above."""
    even = even_errors_of(shots)
    if even is not None:
        return even.shots
    return None if shots is None else whole_number("shots", shots, maximum=LARGEST_SHOTS)
