"""One circuit with many vectors of parameter values, run as jobs: journaled, or as few as the limit allows."""

from collections.abc import Callable, Iterator, Sequence

from qiskit import QuantumCircuit
from qiskit.primitives import BaseSamplerV2, DataBin
from qiskit.primitives.containers.bindings_array import BindingsArray

from qiskit_qml_ext.arrays import FloatArray, UintArray
from qiskit_qml_ext.primitives.content import job_seed
from qiskit_qml_ext.primitives.journaling import Journaling
from qiskit_qml_ext.primitives.made_circuits import bindings_of
from qiskit_qml_ext.primitives.row_seeds import row_seeds
from qiskit_qml_ext.primitives.targets import Target
from qiskit_qml_ext.primitives.usage import Usage


class SamplingJobs:
    """Runs circuits in the target's own gates.

    Args:
        target: Where they run.
        journaling: Where the work is written down, if it is.
        seed: The user's seed.
        max_executions: The largest number of circuits times shots in one job.
        approve: Holds circuits, with their executions, against the budget.
        count: Takes note of what was run.
    """

    def __init__(
        self,
        target: Target,
        journaling: Journaling | None,
        *,
        seed: int | None,
        max_executions: int,
        approve: Callable[[Sequence[tuple[QuantumCircuit, int]]], None],
        count: Callable[[Usage], None],
    ):
        self._target = target
        self._journaling = journaling
        self._seed = seed
        self._max_executions = max_executions
        self._approve = approve
        self._count = count

    def run(
        self, isa: QuantumCircuit, isa_key: str, names: tuple[str, ...], values: FloatArray, shots: int | None
    ) -> Iterator[tuple[slice, DataBin]]:
        """Run one circuit, one PUB a job.

        Args:
            isa: The circuit.
            isa_key: Its content key.
            names: The parameters of the circuit that it was made of.
            values: Their values, shape (number of vectors, number of names).
            shots: Shots of every circuit; ``None`` where the primitive decides.

        Yields:
            The rows of ``values`` that a job covered and its data.
        """
        if self._journaling is not None:
            data = self._run_journaled(self._journaling, isa, bindings_of(isa, names, values), shots or 1024)
            yield slice(0, len(values)), data
            return
        step = self._vectors_per_job(shots)
        seeds = None if self._seed is None else row_seeds(self._seed, isa_key, values, shots or 0)
        for start in range(0, len(values), step):
            rows = slice(start, min(start + step, len(values)))
            sampler = self._seeded_sampler(isa, isa_key, values[rows], shots, None if seeds is None else seeds[rows])
            bindings = bindings_of(isa, names, values[rows])
            self._approve([(isa, (rows.stop - rows.start) * (shots or 1024))])
            result = sampler.run([(isa, bindings, shots)]).result()[0]
            data = result.data
            num_shots = next(iter(data.values())).num_shots
            self._count(Usage(rows.stop - rows.start, (rows.stop - rows.start) * num_shots, 1))
            yield rows, data

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
        return self._target.sampler(shots or 1024, job_seed(self._seed, isa_key, values, shots or 0))

    def _run_journaled(
        self, journaling: Journaling, isa: QuantumCircuit, bindings: BindingsArray, shots: int
    ) -> DataBin:
        job = journaling.sampler(shots).run([(isa, bindings, shots)])
        data = job.result()[0].data
        self._count(Usage(job.report.executions // shots, job.report.executions, job.report.submitted))
        return data

    def _vectors_per_job(self, shots: int | None) -> int:
        if shots is None:
            return self._max_executions // 1024 or 1
        if shots > self._max_executions:
            raise ValueError(
                f"One circuit with {shots} shots exceeds the limit of {self._max_executions} executions in a job. "
                "Use fewer shots or raise max_executions_per_job."
            )
        return self._max_executions // shots
