r"""Fidelities by randomised measurements: every sample is measured in the same random local bases.

Elben et al., arXiv:1812.02624 (overlaps from statistical correlations), Haug et al., arXiv:2108.01039 (as a kernel);
of these, code of authors of the first and the abstract of the second were read. With P_U(s) the
probability of the outcome s in the bases U and D the Hamming distance,

    Tr ρσ = 2ⁿ Σ_{s,s'} (-2)^{-D(s,s')} E_U[P_U(s) P'_U(s')].

A circuit for each sample and setting instead of one for each pair. In return the noise grows exponentially with the
number of qubits: for equal pure product states and S shots, an estimate of one setting has the second moment

    (1 - 1/S)² cⁿ + (2/S)(1 - 1/S) 1.5ⁿ + 3ⁿ/S²

with c = 1.2 for bases from the Haar measure (derived and checked by simulation), and up to c = 1.5 for Pauli bases,
which is reached by products of eigenstates of Paulis.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from warnings import warn

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.checks import checked_seed, one_of, optional_whole_number
from qiskit_qml_ext.exceptions import ImpreciseKernelWarning
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.methods.method import Fidelities, refuse_outcome_settings
from qiskit_qml_ext.kernels.reduced_states.local_circuit import LocalCircuit, local_circuit_on, pauli_turns, turns
from qiskit_qml_ext.kernels.reduced_states.outcomes import LocalOutcomes
from qiskit_qml_ext.primitives import Connection, RunPlan
from qiskit_qml_ext.primitives.approximation import approximation_in_words
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS

MAX_QUBITS = 12
"""The widest circuits: beyond, errors of a useful size take too many settings."""
MAX_ALL_BASES = 6
"""The widest circuits that are measured in all 3ⁿ Pauli bases."""

_NOTABLE = 0.1  # a standard error of entries, which lie between 0 and 1
_FIRST_MOMENT = {"haar": 1.2, "pauli": 1.5}

# The square root of [[1, -1/2], [-1/2, 1]], whose eigenvalues are 1/2 and 3/2: applied to both sides of each qubit
_HALVES = np.sqrt([0.5, 1.5])
_ROOT = np.array([[_HALVES.sum(), _HALVES[0] - _HALVES[1]], [_HALVES[0] - _HALVES[1], _HALVES.sum()]]) / 2


@dataclass(frozen=True)
class RandomisedMeasurements:
    """Fidelities from outcomes in random local bases, the same for all samples; for ``FidelityKernel(method=…)``.

    Entries are unbiased. Their standard errors are those of the mean over settings. Entries of one matrix share their
    settings, so their errors are not independent. ``"auto"`` never takes this method.

    Raises:
        ValueError: If a number is not possible, or a word not known.
        TypeError: If a value is of the wrong kind.

    Examples:
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import FidelityKernel, RandomisedMeasurements
        >>> from qiskit_qml_ext.primitives import connect
        >>> method = RandomisedMeasurements(num_settings=300, seed=1)
        >>> kernel = FidelityKernel(AngleFeatureMap(), connection=connect(shots=200, seed=1), method=method)
        >>> bool(abs(kernel.evaluate([[0.0], [1.5]])[0, 1] - 0.535) < 0.1)
        True
    """

    num_settings: int | None = 200
    """The number of random settings; ``None`` for all 3ⁿ Pauli bases once, of up to 6 qubits. No more Pauli bases are
    taken than there are."""
    bases: str = "haar"
    """``"haar"``: each qubit along a random direction; ``"pauli"``: along X, Y or Z, no setting twice.
    Standard errors count settings as independent, which errs on the safe side where most of the Pauli bases are taken.
    """
    seed: int = 0
    """Draws the settings. Another seed is another experiment."""

    def __post_init__(self) -> None:
        optional_whole_number("num_settings", self.num_settings, minimum=2)
        one_of("bases", self.bases, tuple(_FIRST_MOMENT))
        if checked_seed("seed", self.seed) is None:
            raise TypeError("seed must be a whole number, but None came: all samples need the same settings.")
        if self.num_settings is None and self.bases != "pauli":
            raise ValueError("num_settings=None means all Pauli bases, so it goes with bases='pauli'.")

    @property
    def name(self) -> str:
        """What ``method=`` calls it."""
        return "randomised"

    def reason(self, connection: Connection, encoding: Encoding) -> str | None:
        """Return ``None``: it must be asked for."""
        return None

    def predicted_error(self, num_qubits: int, shots: int) -> float:
        """Return the standard error of an entry near 1, for product states; of Pauli bases, the largest for them.

        Args:
            num_qubits: The number of qubits.
            shots: Shots of each circuit.
        """
        first = _FIRST_MOMENT[self.bases] ** num_qubits
        kept = 1 - 1 / shots
        moment = kept**2 * first + 2 / shots * kept * 1.5**num_qubits + 3.0**num_qubits / shots**2
        drawn = self._num_drawn(num_qubits)
        if drawn is None:  # no noise of the choice of settings, only that of shots
            return float(np.sqrt((moment - kept**2 * first) / 3**num_qubits))
        # bases that differ: less noise of their choice, and none where all are taken
        left = (3**num_qubits - drawn) / (3**num_qubits - 1) if self.bases == "pauli" else 1.0
        choice = max(kept**2 * first - 1, 0.0) * left
        return float(np.sqrt((choice + moment - kept**2 * first) / drawn))

    def estimate(self, wanted: Fidelities) -> RawKernel:
        """Measure the matrix; what the connection knows already is not run again.

        Raises:
            ValueError: If the circuit is too wide, a sample takes an angle out of its domain, outcomes are to be kept,
                or readout errors undone.

        Warns:
            ImpreciseKernelWarning: Once for each circuit, if entries will be known to no better than 0.1.
            ApproximateCircuitWarning: Once for each circuit, if the target runs it noticeably differently.
        """
        refuse_outcome_settings(wanted, self.name)
        connection = wanted.connection
        circuit = self._circuit_on(connection, wanted.encoding)
        if connection.shots == 1:
            raise ValueError("One shot says nothing of its own noise. Take at least 2 shots of each setting.")
        circuit.check(connection, wanted.x, wanted.y)
        number, shots = circuit.num_measured, connection.shots or DEFAULT_SHOTS
        if connection.results.first(("imprecise", circuit.key, self, shots)):
            said = self._in_words(number, shots)
            if said is not None:
                warn(said, ImpreciseKernelWarning, stacklevel=4)
        samples, index = circuit.distinct(wanted.x if wanted.y is None else np.concatenate([wanted.x, wanted.y]))
        rows, columns = (index, index) if wanted.y is None else (index[: len(wanted.x)], index[len(wanted.x) :])
        settings = self._turns(number)
        outcomes = LocalOutcomes(connection, circuit).of(samples, settings)
        behind = np.array([[one.shots for one in of_sample] for of_sample in outcomes])
        measured = (
            (np.stack([of_sample[place].frequencies(number) for of_sample in outcomes]), behind[:, place])
            for place in range(len(settings))
        )
        matrix, errors = mean_overlaps(measured, number, rows, columns)
        if not wanted.run_diagonal:
            same = rows[:, None] == columns
            matrix[same], errors[same] = 1.0, 0.0
        return RawKernel(matrix, errors, int(behind.min()), connection.target_name)

    def circuit(self, connection: Connection, encoding: Encoding) -> QuantumCircuit:
        """Return the measured circuit of one sample, before transpilation: features, then two angles for each qubit."""
        return self._circuit_on(connection, encoding).circuit.copy()

    def plan(self, wanted: Fidelities, *, shots: int | None = None, price_per_minute: float | None = None) -> RunPlan:
        """Say what the circuits that are not known yet will take, and which error the entries will have."""
        refuse_outcome_settings(wanted, self.name)
        connection = wanted.connection
        circuit = self._circuit_on(connection, wanted.encoding)
        samples, _ = circuit.distinct(wanted.x if wanted.y is None else np.concatenate([wanted.x, wanted.y]))
        values = LocalOutcomes(connection, circuit, shots=shots).missing(samples, self._turns(circuit.num_measured))
        plan = connection.plan([(circuit.circuit, values, shots)], price_per_minute=price_per_minute)
        plan = plan.with_advice(self._predicted_in_words(circuit.num_measured, plan.shots or DEFAULT_SHOTS))
        if not circuit.approximated:
            return plan
        return plan.with_advice(
            approximation_in_words(connection.target_name, circuit.approximated, circuit.error(samples))
        )

    def synthesis_error(self, wanted: Fidelities) -> float | None:
        """Return by how much the states that run differ from the encoding's; see :meth:`LocalCircuit.error`."""
        samples = wanted.x if wanted.y is None else np.concatenate([wanted.x, wanted.y])
        return self._circuit_on(wanted.connection, wanted.encoding).error(samples)

    def _circuit_on(self, connection: Connection, encoding: Encoding) -> LocalCircuit:
        circuit = local_circuit_on(connection, encoding)
        number = circuit.num_measured
        most, why = (MAX_QUBITS, "") if self.num_settings else (MAX_ALL_BASES, f" in all {3**number:,} Pauli bases")
        if number > most:
            raise ValueError(
                f"Randomised measurements take at most {most} qubits{why}, but the circuit has {number}: their errors "
                f"grow exponentially. {self._predicted_in_words(number, connection.shots or DEFAULT_SHOTS)} Use "
                "method='sampled', a ProjectedKernel, or fewer features."
            )
        return circuit

    def _turns(self, number: int) -> FloatArray:
        """Return the angles of the settings, shape (settings, 2 · qubits)."""
        drawn = self._num_drawn(number)
        if drawn is None:
            return pauli_turns(np.array(list(product((1, 2, 3), repeat=number))))
        rng = np.random.default_rng(self.seed)
        shape = drawn, number
        if self.bases == "pauli":  # different ones: the outcomes of a setting that came twice would be the same
            chosen = rng.choice(3**number, drawn, replace=False)
            return pauli_turns(1 + chosen[:, None] // 3 ** np.arange(number) % 3)
        return turns(np.arccos(rng.uniform(-1, 1, shape)), rng.uniform(-np.pi, np.pi, shape))

    def _num_drawn(self, number: int) -> int | None:
        """Return how many settings are drawn; None for all Pauli bases."""
        if self.num_settings is None or (self.bases == "pauli" and self.num_settings >= 3**number):
            return None
        return self.num_settings

    def _predicted_in_words(self, number: int, shots: int) -> str:
        settings = self._num_drawn(number) or 3**number
        return (
            f"With {settings:,} settings and {shots:,} shots each, an entry near 1 of {number} qubits has a standard "
            f"error of about {self.predicted_error(number, shots):.2g} (product states)."
        )

    def _in_words(self, number: int, shots: int) -> str | None:
        if self.predicted_error(number, shots) <= _NOTABLE:
            return None
        return (
            f"{self._predicted_in_words(number, shots)} Entries lie between 0 and 1, so take more settings, more shots "
            "or fewer qubits; method='sampled' has an error of at most 1/(2√shots)."
        )


def mean_overlaps(
    measured: Iterator[tuple[FloatArray, IntArray]], num_qubits: int, rows: IndexArray, columns: IndexArray
) -> tuple[FloatArray, FloatArray]:
    """Return the mean over settings of 2ⁿ Σ (-2)^{-D(s,s')} P(s)P'(s'), and its standard error.

    (-2)^{-D} is a product over qubits of [[1, -1/2], [-1/2, 1]]; its root is applied to the distributions, qubit by
    qubit, and one matrix product is left. For a sample with itself pairs of one and the same shot, which give 2ⁿ each,
    are left out.

    Args:
        measured: For each setting the fractions of outcomes of each sample, shape (samples, 2ⁿ), and the shots behind
            them, shape (samples,).
        num_qubits: The number of qubits n.
        rows: The sample of each row.
        columns: The sample of each column.
    """
    shape, same = (len(rows), len(columns)), rows[:, None] == columns
    mean, squares, number = np.zeros(shape), np.zeros(shape), 0
    for fractions, shots in measured:
        tensor = fractions.reshape(-1, *[2] * num_qubits)
        for _ in range(num_qubits):
            tensor = np.tensordot(tensor, _ROOT, axes=(1, 1))
        vectors = tensor.reshape(len(fractions), -1)
        left, behind = vectors[rows], shots[rows, None].astype(np.float64)
        right = left if np.array_equal(rows, columns) else vectors[columns]
        overlaps = left @ right.T * 2**num_qubits
        overlaps = np.where(same, (behind * overlaps - 2**num_qubits) / (behind - 1), overlaps)
        number += 1
        change = overlaps - mean
        mean += change / number
        squares += change * (overlaps - mean)
    errors: FloatArray = np.sqrt(squares / (number * (number - 1)))
    return mean, errors
