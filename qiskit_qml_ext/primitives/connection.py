"""One way to every target: exact simulation, Aer, fake and real backends."""

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2, DataBin, StatevectorEstimator, StatevectorSampler
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray, StateArray
from qiskit_qml_ext.checks import LARGEST_SEED, LARGEST_SHOTS, check_arguments, optional_whole_number
from qiskit_qml_ext.engine import statevectors
from qiskit_qml_ext.engine.memory import memory_budget
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning
from qiskit_qml_ext.primitives.angle_limits import (
    LimitedEstimator,
    LimitedSampler,
    has_angle_limits,
    refusal_of,
    refuse_angles,
)
from qiskit_qml_ext.primitives.approximation import approximation_of, warning_before_values
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.estimates import seconds_per_shot
from qiskit_qml_ext.primitives.exact_estimator import ExactEstimator
from qiskit_qml_ext.primitives.exact_sampler import ExactSampler
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.primitives.journal import Journal, Policy
from qiskit_qml_ext.primitives.journal.run.policy import check_policy
from qiskit_qml_ext.primitives.journaling import Journaling
from qiskit_qml_ext.primitives.made_circuits import MadeCircuits, bindings_of
from qiskit_qml_ext.primitives.pub_values import SAMPLER_VALUES, check_values, checked_pubs
from qiskit_qml_ext.primitives.run_plan import Budget, RunPlan, plan_pubs
from qiskit_qml_ext.primitives.sampling_jobs import SamplingJobs
from qiskit_qml_ext.primitives.shared_results import SharedResults
from qiskit_qml_ext.primitives.targets import AerTarget, ExactTarget, PrimitiveTarget, Target
from qiskit_qml_ext.primitives.targets.target import device_of, is_isa
from qiskit_qml_ext.primitives.usage import Usage
from qiskit_qml_ext.program import RotationProgram

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager
    from qiskit.transpiler import Target as DeviceTarget


class Connection:
    """A target together with how it is used: shots, seed, transpilation and limits; made by :func:`connect`.

    Copies made by scikit-learn's ``clone`` share the connection and with it the transpiled circuits and the sampled
    results; a pickled copy in another process starts with empty ones. Threads may share a connection: what one of
    them is computing, the others wait for.
    """

    @check_arguments(seed=lambda name, value: optional_whole_number(name, value, minimum=0, maximum=LARGEST_SEED))
    def __init__(
        self,
        target: Target,
        *,
        shots: int | None = None,
        seed: int | None = None,
        optimization_level: int = 1,
        transpile_trials: int = 1,
        max_executions_per_job: int | None = None,
        journal: Journal | str | os.PathLike[str] | None = None,
        policy: Policy | None = None,
        budget: Budget | None = None,
        packing: bool | int = False,
        packing_buffer: int = 1,
    ):
        check_policy(policy)
        self._target = target
        self._shots = shots or target.default_shots
        self._seed = seed
        self._optimization_level = optimization_level
        self._transpile_trials = transpile_trials
        self._max_executions = max_executions_per_job or target.max_executions_per_job
        self._budget = budget or Budget()
        self._packing = packing
        self._packing_buffer = packing_buffer
        self._journaling: Journaling | None = None
        if journal is not None:
            self._journaling = Journaling(
                journal,
                target,
                seed=self._seed,
                max_executions=self._max_executions,
                policy=policy,
                approve=self._approve,
            )
        elif policy is not None:
            raise ValueError('A policy came without a journal. Pass journal="FILE" too.')
        self._start_empty()

    def _start_empty(self) -> None:
        self._lock = Lock()  # for the counters
        self._circuits = MadeCircuits(
            self._target,
            self._journaling,
            optimization_level=self._optimization_level,
            seed=self._seed,
            transpile_trials=self._transpile_trials,
            packing=self._packing,
            packing_buffer=self._packing_buffer,
        )
        self._jobs = SamplingJobs(
            self._target,
            self._journaling,
            seed=self._seed,
            max_executions=self._max_executions,
            approve=self._approve,
            count=self._count,
        )
        self._usage = Usage()
        self.results = SharedResults()
        """Results that the kernels share through this connection, by content."""

    @classmethod
    def from_primitives(
        cls,
        *,
        sampler: BaseSamplerV2 | None = None,
        estimator: BaseEstimatorV2 | None = None,
        pass_manager: "PassManager | None" = None,
    ) -> Self:
        """Wrap primitives that the user holds already; their own shots and seeds apply."""
        return cls(PrimitiveTarget(sampler, estimator, pass_manager))

    @property
    def target_name(self) -> str:
        """The target's name."""
        return self._target.name

    @property
    def num_qubits(self) -> int | None:
        """The number of qubits; ``None`` where only memory is the limit."""
        return self._target.num_qubits

    @property
    def shots(self) -> int | None:
        """The shots of every circuit; ``None`` for exact results or where a primitive of the user's decides."""
        return self._shots

    @property
    def seed(self) -> int | None:
        """The seed of simulators and of the transpiler."""
        return self._seed

    @property
    def max_executions_per_job(self) -> int:
        """The largest number of circuits times shots in one job."""
        return self._max_executions

    @property
    def is_exact(self) -> bool:
        """Whether results are exact: the exact target and no shots asked for."""
        return self._target.name == "exact" and self._shots is None

    @property
    def sampler(self) -> BaseSamplerV2:
        """A V2 sampler for circuits in the target's own gates."""
        optional_whole_number("shots", self._shots, maximum=LARGEST_SHOTS)  # an estimator may take more as a precision
        if self._journaling is not None:
            sampler: BaseSamplerV2 = self._journaling.sampler(self._shots or 1024)
        else:
            sampler = self._target.sampler(self._shots or 1024, self._seed)
        return sampler if self._limits is None else LimitedSampler(sampler, self._limits)

    @property
    def estimator(self) -> BaseEstimatorV2:
        """A V2 estimator for circuits in the target's own gates."""
        if self._journaling is not None:
            estimator: BaseEstimatorV2 = self._journaling.estimator(self._shots)
        else:
            estimator = self._target.estimator(self._shots, self._seed)
        return estimator if self._limits is None else LimitedEstimator(estimator, self._limits)

    @property
    def estimator_draws_normal_noise(self) -> bool:
        """Whether a precision asked of the estimator is the standard deviation of normal noise added to exact values.

        Estimators of devices turn it into 1/precision² shots of every circuit instead, whatever the observable.
        """
        target = self._target
        if isinstance(target, PrimitiveTarget):
            return isinstance(target.estimator(None, None), (ExactEstimator, StatevectorEstimator))
        return isinstance(target, (ExactTarget, AerTarget))

    @property
    def usage(self) -> Usage:
        """What has been run through this connection so far, in this process."""
        return self._usage

    @property
    def applies_matrices(self) -> bool:
        """Whether each gate acts by its own matrix, without a synthesis that may approximate it."""
        if not isinstance(self._target, PrimitiveTarget):
            return isinstance(self._target, ExactTarget)
        is_reference = isinstance(self._target.sampler(1, None), (ExactSampler, StatevectorSampler))
        return is_reference and self._target.transpile(QuantumCircuit(1), 0, None) is None

    @property
    def operation_names(self) -> frozenset[str]:
        """The names by which the target knows its own instructions; empty where any circuit will do."""
        holder = getattr(self._target, "backend", getattr(self._target, "simulator", None))
        return frozenset() if holder is None else frozenset(holder.target.operation_names)

    def is_isa(self, circuit: QuantumCircuit) -> bool:
        """Tell whether a circuit stands on a device's own qubits in the device's own gates."""
        device = device_of(self._target)
        return device is not None and is_isa(circuit, device)

    def isa_circuit(self, circuit: QuantumCircuit, *, keep_qubits: bool = False) -> QuantumCircuit:
        """Return the circuit in the target's own gates, transpiled once for each distinct content.

        Args:
            circuit: Any circuit; it is not changed.
            keep_qubits: The circuit stands on the device's own qubits and couplings already: translate and optimise its
                gates, but leave its qubits where they are.

        Returns:
            A circuit whose parameters are those of the given one, without those that no measurement sees.

        Raises:
            ValueError: If the circuit is wider than the target.
            UnsupportedCircuitError: If the target cannot run it, or would read its classical registers wrongly.

        Warns:
            ApproximateCircuitWarning: Once for each circuit with evolution gates that the target runs approximately.
        """
        if keep_qubits:
            return self._circuits.in_place(circuit)
        key = circuit_key(circuit)
        if not self.applies_matrices and self.results.first(("looked at", key)):
            said = warning_before_values(self.target_name, circuit)
            if said is not None:
                warnings.warn(said, ApproximateCircuitWarning, stacklevel=2)
        return self._circuits.isa_with_own_parameters(circuit, key)

    def sample(
        self,
        circuit: QuantumCircuit,
        values: FloatArray,
        *,
        shots: int | None = None,
        key: str | None = None,
    ) -> Iterator[tuple[slice, DataBin]]:
        """Run one circuit for many parameter vectors, as few PUBs as the limit on executions allows, one PUB a job.

        Args:
            circuit: A circuit with measurements; transpiled here.
            values: Parameter values in radians, shape (number of vectors, ``circuit.num_parameters``), columns in the
                order of ``circuit.parameters``.
            shots: Shots of every circuit; by default the connection's.
            key: The circuit's content key, for callers that know it already.

        Yields:
            The rows of ``values`` that a job covered and its data.
        """
        check_values("values", values)
        shots = optional_whole_number("shots", shots or self._shots, maximum=LARGEST_SHOTS)
        packed = self._circuits.packed(circuit, key, len(values))
        if packed is None:
            isa, isa_key = self._circuits.isa(circuit, key)
            names = tuple(parameter.name for parameter in circuit.parameters)
            yield from self._sample_isa(isa, isa_key, names, values, shots)
            return
        rows = packed.pack(values)
        for span, data in self._sample_isa(packed.circuit, circuit_key(packed.circuit), packed.names, rows, shots):
            part = slice(span.start * packed.copies, min(span.stop * packed.copies, len(values)))
            yield part, packed.unpack(data, part.stop - part.start)

    def _sample_isa(
        self,
        isa: QuantumCircuit,
        isa_key: str,
        names: tuple[str, ...],
        values: FloatArray,
        shots: int | None,
    ) -> Iterator[tuple[slice, DataBin]]:
        if self._limits is not None:  # all values, before the first of several jobs
            refuse_angles(isa, self._limits, bindings_of(isa, names, values))
        yield from self._jobs.run(isa, isa_key, names, values, shots)

    def statevectors(
        self,
        program: RotationProgram | QuantumCircuit,
        values: FloatArray,
        *,
        max_memory: int | None = None,
    ) -> StateArray:
        """Return exact states |ψ(values)⟩, whatever the target is, in its precision if it is the exact one.

        Args:
            program: A circuit, or what :func:`~qiskit_qml_ext.program.lower` made of one.
            values: Parameter values in radians, shape (number of vectors, number of parameters).
            max_memory: The largest amount of memory in bytes; by default the connection's.

        Returns:
            Amplitudes, shape (number of vectors, 2**num_qubits).
        """
        states = statevectors(program, values, dtype=self.dtype, max_memory=max_memory or self.max_memory)
        self._count(Usage(circuits=len(values)))
        return states

    @property
    def dtype(self) -> str:
        """The precision of exact states: ``"complex128"`` or ``"complex64"``."""
        return getattr(self._target, "dtype", "complex128")

    @property
    def memory_budget(self) -> int:
        """The largest amount of memory for exact states in bytes."""
        return memory_budget(self.max_memory)

    @property
    def max_memory(self) -> int | None:
        """The largest amount of memory for exact states in bytes that was asked for, if any."""
        return getattr(self._target, "max_memory", None)

    def plan(self, pubs: Iterable[SamplerPubLike], *, price_per_minute: float | None = None) -> RunPlan:
        """Say what circuits will take, without running them.

        Args:
            pubs: Circuits with parameter values, as for a sampler; they are transpiled as by :meth:`isa_circuit`.
            price_per_minute: The price of a minute of processor time; by default that of the connection.

        Returns:
            The plan.
        """
        coerced, copies, approximated = [], 1, list[str]()
        for pub in checked_pubs(pubs, SAMPLER_VALUES):
            given = SamplerPub.coerce(pub, self._shots or 1024)
            if not self.applies_matrices:
                values = given.parameter_values.as_array(given.circuit.parameters)
                said = approximation_of(self.target_name, given.circuit, values.reshape(given.size, values.shape[-1]))
                approximated += [] if said is None else [said]
            pub, side_by_side = self._circuits.pub(given)
            coerced.append(pub)
            copies = max(copies, side_by_side)
        known = [0] * len(coerced) if self._journaling is None else self._journaling.known(coerced)
        price = self._budget.price_per_minute if price_per_minute is None else price_per_minute
        plan = plan_pubs(
            coerced,
            target=self.target_name,
            backend=self._device,
            in_journal=known,
            max_executions=self._max_executions,
            price_per_minute=price,
        )
        plan = plan.with_advice(*dict.fromkeys(approximated))
        refusal = None if self._limits is None else refusal_of(coerced, self._limits)
        if refusal is not None:
            plan = plan.with_advice(refusal)
        return plan if copies == 1 else plan.packed(copies)

    @property
    def _limits(self) -> "DeviceTarget | None":
        """The device, if it takes some angles only."""
        device = device_of(self._target)
        return device if has_angle_limits(device) else None

    @property
    def _device(self) -> Any:
        """The backend, for its reported errors and durations; ``None`` if there is none."""
        return getattr(self._target, "backend", None)

    def _approve(self, work: Sequence[tuple[QuantumCircuit, int]]) -> None:
        """Hold work, circuits with their executions, against the budget."""
        seconds: float | None = None
        if self._budget.max_cost is not None and self._device is not None:
            times = [(seconds_per_shot(circuit, self._device), number) for circuit, number in work]
            if all(time is not None for time, _ in times):
                seconds = sum((time or 0.0) * number for time, number in times)
        self._budget.approve(sum(number for _, number in work), seconds)

    def close(self) -> None:
        """Close what the connection opened (a batch or session)."""
        self._target.close()

    def _count(self, usage: Usage) -> None:
        with self._lock:
            self._usage += usage

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __sklearn_clone__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("_lock", "_circuits", "_jobs", "_usage", "results")
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_empty()

    def __repr__(self) -> str:
        shots = "exact" if self.is_exact else f"shots={self._shots}"
        return f"Connection({self.target_name!r}, {shots})"
