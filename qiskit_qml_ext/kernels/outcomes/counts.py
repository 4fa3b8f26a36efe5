"""What the shots of pairs of samples gave, each pair run once through a connection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import BoolArray, ByteArray, FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.outcomes.keeping import KEPT, weight_histograms
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.connection.views import as_new_program

Kept: TypeAlias = IntArray | ByteArray


class PairTest(Protocol):
    """A circuit that is run for pairs of samples, measured into its only classical register."""

    @property
    def circuit(self) -> QuantumCircuit:
        """The measured circuit; its parameters are those of the first sample, then those of the second."""

    @property
    def key(self) -> str:
        """Its content key."""

    @property
    def columns(self) -> IndexArray:
        """The features that it depends on, ascending."""


@dataclass(frozen=True, eq=False)
class PairCounts:
    """What shots gave for pairs of samples in one order."""

    histograms: IntArray
    """How many shots read each number of ones, shape (pairs, qubits + 1)."""
    kept: Sequence[Kept] | None = None
    """What else was kept, for each pair."""

    @property
    def shots(self) -> IntArray:
        """The shots of each pair, shape (pairs,)."""
        shots: IntArray = self.histograms.sum(axis=1)
        return shots

    def part(self, chosen: slice) -> "PairCounts":
        """Return the counts of some of the pairs."""
        return PairCounts(self.histograms[chosen], None if self.kept is None else self.kept[chosen])


class OutcomeCounts:
    """The outcomes of pairs of samples under one circuit, each pair and order run once through a connection.

    The counts live in ``connection.results``, so every kernel that shares the connection shares them: nothing is run
    again in another cross-validation fold, for another value of C or by another kind of kernel, and a pair that another
    thread is running is waited for. Two samples that agree in all features that the circuit depends on are one sample
    here. Which sample of a pair comes first is fixed by the samples, not by their order in the data, so that a pair is
    the same circuit in every run and in every matrix.

    Args:
        connection: Where the circuit runs.
        test: The circuit.
        keep: What is kept besides the Hamming weights; a name among :data:`KEPT`.
        shots: Shots of every circuit; by default the connection's.

    Raises:
        ValueError: If the target runs other numbers of shots than are asked for.
    """

    def __init__(self, connection: Connection, test: PairTest, *, keep: str = "weights", shots: int | None = None):
        if shots is not None and (run := connection.target.shots_run(shots)) != shots:
            raise ValueError(
                f"{shots:,} shots of each circuit are wanted, but with its twirling {connection.target_name} runs "
                f"{run:,}. Set twirling.num_randomizations to a number that divides all numbers of shots, such as 1, "
                "or let all circuits have the connection's shots."
            )
        self._connection = connection
        self._test = test
        self._keep = keep
        self._register = test.circuit.cregs[0]
        self._shots = shots
        self._table = ("outcomes", test.key, shots or connection.shots)

    def of(self, samples: FloatArray, pairs: IndexArray, *, both: bool = False, run: bool = True) -> list[PairCounts]:
        """Return the counts of the pairs, running those not known yet.

        Args:
            samples: Shape (d, features).
            pairs: Rows of ``samples``, shape (p, 2).
            both: Whether each pair is wanted in the other order too.
            run: Whether what is not known may run; what a journal holds is read in any case.

        Returns:
            The counts in the first order, and those in the other one if they are wanted, and known or may run.

        Raises:
            ValueError: If the first order is not known and may not run, or something was not kept when it ran.
        """
        keys, results = self._keys(samples, pairs, both=both), self._connection.results
        if both and not run and not self._is_known(keys[len(pairs) :]):
            both, keys = False, keys[: len(pairs)]
        written = results.obtain(self._table, keys, self._run if run else self._reread)
        width = self._register.size + 1
        histograms = np.frombuffer(b"".join(written), dtype=np.int64).reshape(len(keys), width)
        kept = None if KEPT[self._keep] is None else results.obtain(self._kept_table, keys, self._reread_kept)
        whole, size = PairCounts(histograms, kept), len(pairs)
        return [whole.part(slice(order * size, (order + 1) * size)) for order in range(1 + both)]

    def missing(self, samples: FloatArray, pairs: IndexArray, *, both: bool = False) -> FloatArray:
        """Return the parameter values of the pairs that are not known yet, shape (missing, parameters)."""
        return self._values(self._connection.results.unknown(self._table, self._keys(samples, pairs, both=both)))

    def known(self, samples: FloatArray, pairs: IndexArray) -> BoolArray:
        """Tell for each pair whether it need not run, shape (pairs,); a journal is asked for all that is left."""
        keys = self._keys(samples, pairs, both=False)
        unknown = set(self._connection.results.unknown(self._table, keys))
        if unknown and self._in_journal(list(unknown)):
            unknown = set()
        return np.array([key not in unknown for key in keys], dtype=bool)

    @property
    def _kept_table(self) -> tuple[object, ...]:
        return (*self._table, self._keep)

    def _run(self, keys: list[bytes]) -> Iterator[dict[bytes, bytes]]:
        """Yield the weights of pairs, one job after the other; what else is kept goes into its own table before."""
        for part, outcomes in self._sampled(self._connection, keys):
            self._note(part, outcomes)
            yield self._weights(part, outcomes)

    def _reread(self, keys: list[bytes]) -> Iterator[dict[bytes, bytes]]:
        """Yield the weights of pairs from the journal."""
        self._refuse_to_run(
            keys, "have not run yet, and reinterpreting runs nothing. Evaluate the kernel of these samples first"
        )
        for part, outcomes in self._sampled(as_new_program(self._connection), keys):
            self._note(part, outcomes)
            yield self._weights(part, outcomes)

    def _reread_kept(self, keys: list[bytes]) -> Iterator[dict[bytes, Kept]]:
        """Yield what is kept besides the weights, of pairs that ran before it was wanted, from the journal."""
        self._refuse_to_run(
            keys,
            f"ran when their {self._keep} were not kept, and no journal has their outcomes. Say keep={self._keep!r} "
            "before the first run, or connect anew to run them again",
        )
        for part, outcomes in self._sampled(as_new_program(self._connection), keys):
            known = self._connection.results.obtain(self._table, part, self._run)
            if known != list(self._weights(part, outcomes).values()):
                raise ValueError("The journal has other outcomes of these pairs than were used. Connect anew.")
            yield self._extras(part, outcomes)

    def _is_known(self, keys: list[bytes]) -> bool:
        unknown = self._connection.results.unknown(self._table, keys)
        return not unknown or self._in_journal(unknown)

    def _in_journal(self, keys: list[bytes]) -> bool:
        """Tell whether the journal, if there is one, has all of these pairs."""
        if as_new_program(self._connection) is self._connection:
            return False
        plan = self._connection.plan([(self._test.circuit, self._values(sorted(keys)), self._shots)])
        return plan.in_journal == plan.circuits

    def _refuse_to_run(self, keys: list[bytes], why: str) -> None:
        """Raise unless the journal has all of these pairs."""
        if not self._in_journal(keys):
            raise ValueError(f"{len(keys)} pairs of samples {why}.")

    def _sampled(self, connection: Connection, keys: list[bytes]) -> Iterator[tuple[list[bytes], ByteArray]]:
        keys = sorted(keys)  # the same pairs are the same jobs, whatever the order of the samples
        values = self._values(keys)
        for span, data in connection.sample(self._test.circuit, values, shots=self._shots, key=self._test.key):
            bits = data[self._register.name]
            if self._shots is not None and int(bits.num_shots) != self._shots:
                raise RuntimeError(f"The target ran {bits.num_shots} shots instead of the {self._shots} asked for.")
            array = bits.array
            yield keys[span], array.reshape(-1, *array.shape[-2:])

    def _weights(self, part: list[bytes], outcomes: ByteArray) -> dict[bytes, bytes]:
        histograms = weight_histograms(outcomes, self._register.size)
        return {key: row.tobytes() for key, row in zip(part, histograms, strict=True)}

    def _extras(self, part: list[bytes], outcomes: ByteArray) -> dict[bytes, Kept]:
        make = KEPT[self._keep]
        return {} if make is None else dict(zip(part, make(outcomes, self._register.size), strict=True))

    def _note(self, part: list[bytes], outcomes: ByteArray) -> None:
        """Keep what is wanted besides the weights."""
        if KEPT[self._keep] is not None:
            extras = self._extras(part, outcomes)
            self._connection.results.obtain(self._kept_table, part, lambda keys: [{key: extras[key] for key in keys}])

    def _keys(self, samples: FloatArray, pairs: IndexArray, *, both: bool) -> list[bytes]:
        """Return for each pair the bytes of its parameter values; then those of the pairs turned round, if wanted."""
        read = samples[:, self._test.columns] + 0.0  # turns -0.0 into 0.0: the same angle, but not the same bytes
        rows = [row.tobytes() for row in read]
        forward = [min(rows[i] + rows[j], rows[j] + rows[i]) for i, j in pairs.tolist()]
        return forward + [max(rows[i] + rows[j], rows[j] + rows[i]) for i, j in pairs.tolist()] if both else forward

    def _values(self, keys: list[bytes]) -> FloatArray:
        """Return the parameter values that keys stand for, shape (keys, parameters)."""
        return np.frombuffer(b"".join(keys), dtype=np.float64).reshape(len(keys), 2 * len(self._test.columns)).copy()
