"""One circuit with many vectors of parameter values, run as jobs: journaled, or as few as the limit allows."""

from collections.abc import Callable, Iterator, Sequence

from qiskit import QuantumCircuit
from qiskit.primitives import BaseSamplerV2, DataBin
from qiskit.primitives.containers.bindings_array import BindingsArray

from qiskit_qml_ext.arrays import FloatArray, UintArray
from qiskit_qml_ext.checks import LARGEST_SHOTS, optional_whole_number
from qiskit_qml_ext.primitives.connection.bookkeeping import Bookkeeping
from qiskit_qml_ext.primitives.connection.made_circuits import MadeCircuits, bindings_of
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.connection.usage import Usage
from qiskit_qml_ext.primitives.content import circuit_key, job_seed
from qiskit_qml_ext.primitives.exact.row_seeds import row_seeds
from qiskit_qml_ext.primitives.journal.service.limits import limit_below
from qiskit_qml_ext.primitives.pub_values import check_values
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS
from qiskit_qml_ext.primitives.targets import Target
from qiskit_qml_ext.primitives.targets.angle_limits import refuse_angles, with_angle_limits


class SamplingJobs:
    """Runs circuits for many parameter vectors.

    Args:
        target: Where they run.
        settings: How it is used.
        circuits: Makes them into circuits in the target's own gates.
        journaling: Where the work is written down, if it is.
        approve: Holds circuits, with their executions, against the budget.
        count: Takes note of what was run.
    """

    def __init__(
        self,
        target: Target,
        settings: ConnectionSettings,
        circuits: MadeCircuits,
        journaling: Bookkeeping | None,
        *,
        approve: Callable[[Sequence[tuple[QuantumCircuit, int]]], None],
        count: Callable[[Usage], None],
    ):
        self._target = target
        self._settings = settings
        self._circuits = circuits
        self._journaling = journaling
        self._approve = approve
        self._count = count

    def with_journaling(self, journaling: Bookkeeping) -> "SamplingJobs":
        """Return the same, with work that is asked for in another way."""
        other = object.__new__(SamplingJobs)
        other.__dict__.update(self.__dict__, _journaling=journaling)
        return other

    def with_settings(self, settings: ConnectionSettings) -> "SamplingJobs":
        """Return the same, with other shots, seed or limit of a job."""
        other = object.__new__(SamplingJobs)
        other.__dict__.update(self.__dict__, _settings=settings)
        return other

    def sample(
        self, circuit: QuantumCircuit, values: FloatArray, *, shots: int | None, key: str | None
    ) -> Iterator[tuple[slice, DataBin]]:
        """Run one circuit, one PUB a job; see :meth:`~qiskit_qml_ext.primitives.Connection.sample`."""
        self._target.refuse_signals()
        check_values("values", values)
        shots = optional_whole_number("shots", shots or self._settings.shots, maximum=LARGEST_SHOTS)
        packed = self._circuits.packed(circuit, key, len(values))
        if packed is None:
            isa, isa_key = self._circuits.isa(circuit, key)
            names = tuple(parameter.name for parameter in circuit.parameters)
            yield from self._run(isa, isa_key, names, values, shots)
            return
        rows = packed.pack(values)
        for span, data in self._run(packed.circuit, circuit_key(packed.circuit), packed.names, rows, shots):
            part = slice(span.start * packed.copies, min(span.stop * packed.copies, len(values)))
            yield part, packed.unpack(data, part.stop - part.start)

    def _run(
        self, isa: QuantumCircuit, isa_key: str, names: tuple[str, ...], values: FloatArray, shots: int | None
    ) -> Iterator[tuple[slice, DataBin]]:
        """Run a circuit in the target's own gates.

        Args:
            isa: The circuit.
            isa_key: Its content key.
            names: The parameters of the circuit that it was made of.
            values: Their values, shape (number of vectors, number of names).
            shots: Shots of every circuit; ``None`` where the primitive decides.
        """
        limited = with_angle_limits(self._target.device)
        if limited is not None:  # all values, before the first of several jobs
            refuse_angles(isa, limited, bindings_of(isa, names, values))
        likely = shots or DEFAULT_SHOTS
        if self._journaling is not None:
            data = self._run_journaled(self._journaling, isa, bindings_of(isa, names, values), likely)
            yield slice(0, len(values)), data
            return
        run = self._target.shots_run(likely)
        step, seed = self._vectors_per_job(None if shots is None else run), self._settings.seed
        seeds = None if seed is None else row_seeds(seed, isa_key, values, shots or 0)
        start = approved = 0
        while start < len(values):
            rows = slice(start, min(start + step, len(values)))
            sampler = self._seeded_sampler(isa, isa_key, values[rows], shots, None if seeds is None else seeds[rows])
            bindings = bindings_of(isa, names, values[rows])
            self._approve([(isa, max(0, rows.stop - approved) * run)])
            approved = max(approved, rows.stop)
            try:
                job = sampler.run([(isa, bindings, shots)])
            except Exception as error:  # the service's own limit counts, and may be lower than ours
                limit = limit_below(error, (rows.stop - rows.start) * run)
                if limit is None or limit < run:
                    raise
                step = limit // run
                continue
            data = job.result()[0].data
            num_shots = next(iter(data.values())).num_shots
            self._count(Usage(rows.stop - rows.start, (rows.stop - rows.start) * num_shots, 1))
            yield rows, data
            start = rows.stop

    def _seeded_sampler(
        self,
        isa: QuantumCircuit,
        isa_key: str,
        values: FloatArray,
        shots: int | None,
        seeds: UintArray | None,
    ) -> BaseSamplerV2:
        """Return a sampler for a job; the job has a seed as a whole only where its rows cannot have their own."""
        sampler = None if seeds is None else self._target.sampler_of_rows(isa, seeds)
        if sampler is not None:
            return sampler
        return self._target.sampler(shots or DEFAULT_SHOTS, job_seed(self._settings.seed, isa_key, values, shots or 0))

    def _run_journaled(
        self, journaling: Bookkeeping, isa: QuantumCircuit, bindings: BindingsArray, shots: int
    ) -> DataBin:
        return journaling.sampler(shots).run([(isa, bindings, shots)]).result()[0].data

    def _vectors_per_job(self, shots: int | None) -> int:
        most = self._settings.max_executions_per_job
        if shots is None:
            return most // DEFAULT_SHOTS or 1
        if shots > most:
            raise ValueError(
                f"One circuit with {shots} shots exceeds the limit of {most} executions in a job. "
                "Use fewer shots or raise max_executions_per_job."
            )
        return most // shots
