"""How often qubits are read wrongly, and what undoes it: weights of outcomes."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.checks import numeric_array, wrong_value

_LARGEST_ERROR = 0.5  # of an entry, in units of the range of f: with more, nothing is said


@dataclass(frozen=True)
class ReadoutErrors:
    """How often each qubit is read wrongly, independently of the others.

    A kernel with ``readout_correction=ReadoutErrors(p, q)`` undoes it: the inverse of each qubit's matrix of errors
    turns a reading f of outcomes into one whose mean over wrong outcomes is the mean of f over right ones. For the
    fidelity, a qubit that reads 0 has the weight (1 - q)/(1 - p - q) and one that reads 1 has -q/(1 - p - q).
    The result is unbiased, has a larger variance than the raw one, and can lie outside of 0 to 1.

    Examples:
        >>> import numpy as np
        >>> ReadoutErrors(0.02, 0.05).corrected(np.array([1.0, 0.0])).round(6).tolist()
        [1.021505, -0.053763]
    """

    one_given_zero: float | tuple[float, ...]
    """p: how often a qubit in |0⟩ is read as 1; a number for all qubits, or one for each in the order in which they are
    measured."""
    zero_given_one: float | tuple[float, ...]
    """q: how often a qubit in |1⟩ is read as 0; a number for all qubits or one for each."""

    def __post_init__(self) -> None:
        for name in ("one_given_zero", "zero_given_one"):
            given = getattr(self, name)
            rates = np.asarray(numeric_array(name, given), dtype=np.float64)
            if rates.ndim > 1 or not rates.size or not np.all((rates >= 0) & (rates <= 1)):
                raise wrong_value(name, "a probability, or one for each qubit", given)
            object.__setattr__(self, name, float(rates) if rates.ndim == 0 else tuple(rates.tolist()))
        sizes = {len(rates) for rates in (self.one_given_zero, self.zero_given_one) if isinstance(rates, tuple)}
        if len(sizes) > 1:
            raise ValueError(
                f"zero_given_one must have as many rates as one_given_zero, but they have {sorted(sizes)}. Give each "
                "qubit one of both."
            )
        worst = float(np.max(np.add(self.one_given_zero, self.zero_given_one)))
        if worst >= 1:
            raise ValueError(
                f"one_given_zero + zero_given_one must be below 1 on each qubit, but {worst:g} came: such a readout "
                "says nothing of its qubit, or the outcomes are exchanged. No correction can undo it."
            )

    @property
    def is_uniform(self) -> bool:
        """Whether all qubits have the same rates, so that the Hamming weight of an outcome is all that counts."""
        return not isinstance(self.one_given_zero, tuple) and not isinstance(self.zero_given_one, tuple)

    @property
    def mean(self) -> "ReadoutErrors":
        """The means over the qubits, for all of them."""
        return ReadoutErrors(float(np.mean(self.one_given_zero)), float(np.mean(self.zero_given_one)))

    def corrected(self, values: FloatArray, bits: AnyArray | None = None) -> FloatArray:
        """Return what a reading gives outcomes, so that its mean over wrongly read ones is right.

        Args:
            values: The reading's f(0), …, f(n), shape (n + 1,).
            bits: Outcomes, shape (outcomes, n), the first qubit first; by default, for rates that all qubits share, one
                of each Hamming weight 0, …, n.

        Returns:
            One number for each outcome.

        Raises:
            ValueError: If the rates are those of another number of qubits.
        """
        n = len(values) - 1
        p, q = self._rates(n)
        if bits is None:
            assert self.is_uniform, "outcomes of one weight have one value only where all qubits are alike"
            bits = np.tri(n + 1, n, -1, dtype=np.uint8)
        inverse = np.array([[1 - q, -q], [-p, 1 - p]]) / (1 - p - q)  # [true, read, qubit]
        shares = np.zeros((len(bits), n + 1))  # of each true Hamming weight in an outcome
        shares[:, 0] = 1.0
        for qubit in range(n):
            zero, one = inverse[0, bits[:, qubit], qubit], inverse[1, bits[:, qubit], qubit]
            shares[:, 1:] = shares[:, 1:] * zero[:, None] + shares[:, :-1] * one[:, None]
            shares[:, 0] *= zero
        corrected: FloatArray = shares @ values
        return corrected

    def check_size(self, values: FloatArray, shots: int | None) -> None:
        """Refuse a correction after which so many shots would say nothing.

        Args:
            values: The reading's f(0), …, f(n).
            shots: Shots of an entry; ``None`` where they are not known yet.

        Raises:
            ValueError: If, by the mean rates, the mean of some state could have a standard error above one half of the
                range of f.
        """
        self._rates(len(values) - 1)
        if shots is None:
            return
        alike = self.mean
        worst = np.sqrt(np.max(alike._weights_read(len(values) - 1) @ alike.corrected(values) ** 2) / shots)
        if worst > _LARGEST_ERROR * np.ptp(values):
            raise ValueError(
                f"The readout errors are too large to be corrected with {shots} shots: on {len(values) - 1} qubits the "
                f"standard error of an entry could be {worst:.2g}. Take more shots, fewer qubits or better ones, or "
                "leave readout_correction out: the raw counts stay as they are."
            )

    def _weights_read(self, n: int) -> FloatArray:
        """Return how probable each Hamming weight is to be read for each true one, shape (true, read); rates alike."""
        p, q = float(np.mean(self.one_given_zero)), float(np.mean(self.zero_given_one))
        read = np.zeros((n + 1, n + 1))
        for weight in range(n + 1):
            chances = np.array([1.0])
            for qubit in range(n):
                chances = np.convolve(chances, [q, 1 - q] if qubit < weight else [1 - p, p])
            read[weight] = chances
        return read

    def _rates(self, n: int) -> tuple[FloatArray, FloatArray]:
        for rates in (self.one_given_zero, self.zero_given_one):
            if isinstance(rates, tuple) and len(rates) != n:
                raise ValueError(
                    f"readout_correction has rates of {len(rates)} qubits, but {n} are measured. Give one rate for "
                    "each measured qubit, or one for all."
                )
        return np.broadcast_to(self.one_given_zero, n), np.broadcast_to(self.zero_given_one, n)

    def __str__(self) -> str:
        return f"ReadoutCorrection(p={_written(self.one_given_zero)}, q={_written(self.zero_given_one)})"


def _written(rates: float | tuple[float, ...]) -> str:
    return f"{rates:g}" if isinstance(rates, float) else f"[{', '.join(f'{rate:g}' for rate in rates)}]"
