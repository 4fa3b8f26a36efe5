"""How shots are given out, and when there are enough."""

from dataclasses import dataclass

from scipy.special import ndtri

from qiskit_qml_ext.checks import LARGEST_SHOTS, real_number, whole_number


@dataclass(frozen=True)
class AdaptiveShots:
    r"""A pilot for every pair, then more shots for some of them, until decisions stand.

    A decision is settled at the look number t once the probability of the other sign, :math:`Φ(-|f|/σ)`, is at most
    :math:`δ / (t (t + 1))` with δ = 1 - ``confidence``: a union bound over all looks, since Σ 1/(t (t + 1)) = 1. There
    σ² is the variance that the shots leave in the decision value f, a sum over many pairs. The variances k(1-k)/S are
    estimated with Laplace's rule, so that an entry without hits has one too.

    Shots go to pairs in proportion to the size of their effect on the decisions that are not settled, times √(k(1-k)):
    that is the least Σ V for a number of shots. With the sensitivities of a support vector machine it is the rule of
    arXiv:2605.14672; that more is needed where the set of support vectors is not stable yet, and that one may stop
    early, is shown in arXiv:2605.22275 (of both, the abstracts were read).

    Each number of shots is a power of two, so that a round is few jobs of one number of shots each, as Runtime wants
    them; and a pair has each number only once, so that with a seed no two draws are the same.
    """

    pilot: int = 8
    """Shots of every pair at the beginning, a power of two."""
    confidence: float = 0.99
    """The probability with which a decision that is called settled is the one of the exact kernel: for the hardest that
    are settled; most of them are much more certain."""
    agreement: float = 0.99
    """The share of decisions on new samples that are expected to be those of the exact kernel.

    It is kept on average over sets of data. How many new samples lie near the boundary is estimated from the training
    samples: with few of them a single set may come to twice as many changes as were allowed, or to far fewer.
    """
    growth: float = 0.5
    """The shots of a round, as a share of those before."""
    max_shots_per_pair: int = 2**17
    """The largest number of shots in a row for one pair, a power of two."""
    max_rounds: int = 40
    """How many rounds there may be."""

    def __post_init__(self) -> None:
        for name in ("pilot", "max_shots_per_pair"):
            value = whole_number(name, getattr(self, name), maximum=LARGEST_SHOTS)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of two, such as 8, but {value} came.")
        if self.max_shots_per_pair < self.pilot:
            raise ValueError(
                f"max_shots_per_pair must be at least the pilot, {self.pilot}, but {self.max_shots_per_pair} came."
            )
        for name in ("confidence", "agreement"):
            real_number(name, getattr(self, name), above=0.5, below=1.0)
        real_number("growth", self.growth, above=0.0)
        whole_number("max_rounds", self.max_rounds)

    def errors_to_settle(self, look: int) -> float:
        """Return how many standard errors from zero a decision value must be to be settled.

        Args:
            look: The number of the look, from 1.
        """
        return float(-ndtri((1 - self.confidence) / (look * (look + 1))))
