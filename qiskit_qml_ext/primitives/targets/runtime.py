"""IBM's backends and their fakes, through the Runtime client's primitives."""

import copy
import difflib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers import BackendV2
from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.exceptions import OptionWithoutEffectWarning
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.primitives.pricing.estimator_work import EstimatorWork
from qiskit_qml_ext.primitives.pricing.twirled_shots import twirled_shots
from qiskit_qml_ext.primitives.pub_values import ESTIMATOR_VALUES, SAMPLER_VALUES, checked_pubs
from qiskit_qml_ext.primitives.shots import precision_of
from qiskit_qml_ext.primitives.targets.account import (
    LEAST_BUSY,
    device_of_account,
    is_account,
    names_a_device,
    saved_account,
)
from qiskit_qml_ext.primitives.targets.aer.device_noise import simulator_of_device
from qiskit_qml_ext.primitives.targets.angle_bounds import with_bounds_of_rzz
from qiskit_qml_ext.primitives.targets.backend import BackendTarget, with_values_prepared
from qiskit_qml_ext.primitives.targets.checked_primitives import ESTIMATOR, SAMPLER, circuits_of, with_pubs_checked
from qiskit_qml_ext.primitives.targets.client import AUTO, PrimitiveOptions, generation
from qiskit_qml_ext.primitives.targets.client.circuits import (
    refuse_executions,
    refuse_foreign,
    refuse_registers,
    refuse_with_options,
)
from qiskit_qml_ext.primitives.targets.client.conditions import conditions_of
from qiskit_qml_ext.primitives.targets.client.conflicts import refuse_delays, refuse_signals
from qiskit_qml_ext.primitives.targets.client.dry_runs import dry_run
from qiskit_qml_ext.primitives.targets.client.exclusions import exclusion_of
from qiskit_qml_ext.primitives.targets.client.general_angles import with_general_angles
from qiskit_qml_ext.primitives.targets.client.generations import quietly
from qiskit_qml_ext.primitives.targets.client.plans import refuse_closed, refuse_sessions
from qiskit_qml_ext.primitives.targets.client.twirled_rehearsals import with_randomisations_kept
from qiskit_qml_ext.primitives.targets.fractional import fake_with_fractional_gates, has_fractional_gates
from qiskit_qml_ext.primitives.targets.target import Answer, Fractional

MODES = ("job", "batch", "session")
"""Runtime's execution modes."""


class RuntimeTarget(BackendTarget):
    """An IBM backend, or a fake of one, through the Runtime client's primitives.

    Args:
        backend: The backend; a fake one runs in the client's local testing mode, with noise from its reported errors.
        mode: ``"job"``, ``"batch"`` or ``"session"``; a batch or session is opened at the first job and closed by
            :meth:`close`. An open ``Batch`` or ``Session`` of the caller's is used as it is and left open.
        runtime_options: Options of the Runtime primitives (dynamical decoupling, twirling, resilience, …), and
            ``generation``: that of the primitives, ``"executor"`` or ``"legacy"``, by default the newer one.

    Raises:
        TypeError: If an option is not known; see :class:`PrimitiveOptions`.
        ValueError: If a value is not taken, options exclude each other, or the plan has no sessions.
    """

    given = ("the name of a fake backend or a device", "a QiskitRuntimeService", "a Runtime Batch or Session")
    default_shots = 4096
    job_overhead_seconds = 2.0  # https://quantum.cloud.ibm.com/docs/guides/estimate-job-run-time
    modes = MODES

    def __init__(self, backend: BackendV2, mode: Any = "job", runtime_options: Mapping[str, Any] | None = None):
        if isinstance(mode, str) and mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(map(repr, MODES))}, but {mode!r} came.")
        is_rehearsal = is_fake(backend) and isinstance(mode, str)  # an open batch has its own backend
        super().__init__(fake_with_fractional_gates(backend) if is_rehearsal else backend)
        if isinstance(mode, str) and mode == "session":
            refuse_sessions(backend)
        elif not isinstance(mode, str):
            refuse_closed(mode)
        self.is_fake = self.draws_by_seed = is_fake(backend)
        self.has_service = not self.is_fake
        self.runtime_options = dict(runtime_options or {})
        settings = {name: value for name, value in self.runtime_options.items() if name != "generation"}
        self.generation = generation(self.runtime_options.get("generation", AUTO)).name
        self.options = PrimitiveOptions.of(settings, generation(self.generation))
        parts = (self.options.sampler, self.options.estimator)
        for part in parts:
            refuse_delays(part, getattr(backend, "rep_delay_range", None), self.name)
        self._excluding = next(filter(None, (exclusion_of(part, self.generation) for part in parts)), None)
        self._said: set[str] = set()
        self._wanted_mode = mode
        self.is_charged_by_the_clock = self.has_service and (mode == "session" or type(mode).__name__ == "Session")
        self._own_mode: Any = None
        self._left_modes: list[Any] = []
        self._fake_device: Any = None
        self._opening = Lock()  # of two threads, one opens the session and the other one finds it

    @classmethod
    def of(cls, given: object, *, mode: str, options: Mapping[str, Any]) -> "RuntimeTarget | None":
        """Take an IBM backend, a fake of one, an account, an open ``Batch`` or ``Session``, and the name of any."""
        if isinstance(given, str):
            device = device_of_account(saved_account(), given) if names_a_device(given) else fake_backend(given)
            return cls(device, mode, options)
        if is_account(given):
            others = {name: value for name, value in options.items() if name != "backend"}
            return cls(device_of_account(given, options.get("backend", LEAST_BUSY)), mode, others)
        if _is_open_mode(given):
            return cls(_backend_of_mode(given), given, options)
        if isinstance(given, BackendV2) and (is_fake(given) or _is_ibm_backend(given)):
            return cls(given, mode, options)
        return None

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return a Runtime sampler; a seed has an effect in local testing mode only."""
        self._warn("samplers", self.options.not_of_samplers, self.options.sampler)
        own = self._twirled(generation(self.generation).sampler, SamplerPub)
        if self.is_fake and self.generation == "executor":
            own = with_randomisations_kept(own)
        own = with_values_prepared(own, SAMPLER_VALUES, _device_of)
        kind = self._checked(own, SAMPLER, shots)
        sampler = quietly(kind, mode=self._mode(), options=dict(self.options.sampler))
        sampler.options.default_shots = shots
        self._seed_simulator(sampler, seed)
        return sampler

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return a Runtime estimator; a seed has an effect in local testing mode only."""
        self._warn("estimators", self.options.not_of_estimators, self.options.estimator)
        own = self._twirled(generation(self.generation).estimator, EstimatorPub)
        own = with_values_prepared(own, ESTIMATOR_VALUES, _device_of)
        kind = self._checked(own, ESTIMATOR)
        estimator = quietly(kind, mode=self._mode(), options=dict(self.options.estimator))
        estimator.options.default_precision = precision_of(shots or self.default_shots)
        self._seed_simulator(estimator, seed)
        return estimator

    def _twirled(self, primitive: Any, kind: Any) -> Any:
        """Return a class of primitives that can twirl what options let it."""
        return with_general_angles(primitive, kind) if self.generation == "executor" else primitive

    def conditions(self, primitive: str) -> tuple[str, ...]:
        """Return the options that were set, and the mitigation of an estimator that was told nothing.

        The older primitives leave options to the service, so that a rehearsal has none.
        """
        if self.is_fake and self.generation == "legacy":
            return ()
        options = self.options.sampler if primitive == SAMPLER else self.options.estimator
        return conditions_of(options, mitigates_by_itself=primitive == ESTIMATOR)

    @property
    def rep_delay(self) -> float:
        """The time in seconds between two shots: the longest that options set, or else the backend's own."""
        parts = (self.options.sampler, self.options.estimator)
        delays = [part.get("execution", {}).get("rep_delay") for part in parts]
        return max((float(delay) for delay in delays if delay is not None), default=super().rep_delay)

    def shots_run(self, shots: int) -> int:
        """Return how many shots a sampled circuit gets: twirling makes a multiple of its randomisations of them.

        The older primitives leave twirling to the service, so that a rehearsal has none.
        """
        if self.is_fake and self.generation == "legacy":
            return shots
        return twirled_shots(self.options.sampler, shots)

    @property
    def estimator_work(self) -> EstimatorWork:
        """What its estimator runs: the older ones leave mitigation to the service, so that a rehearsal has none."""
        if self.is_fake and self.generation == "legacy":
            return super().estimator_work
        return EstimatorWork(mitigates=True, options=self.options.estimator)

    def dry_run(self, pubs: Sequence[SamplerPub]) -> Answer:
        """Let the service check circuits as a job, and run them on nothing."""
        if self.is_fake:
            return super().dry_run(pubs)
        return dry_run(self.without_mode().sampler(self.default_shots, None), pubs)

    def refuse_circuit(self, circuit: QuantumCircuit, primitive: str) -> None:
        """Raise for what the service refuses: on the device and in a rehearsal alike."""
        refuse_foreign(self.name, circuit, self.whole_device)
        if primitive == SAMPLER:
            refuse_registers(circuit, self.generation)
        options = self.options.sampler if primitive == SAMPLER else self.options.estimator
        refuse_with_options(circuit, options, self.generation, estimates=primitive != SAMPLER)

    def refuse_signals(self) -> None:
        """Raise if samplers were told to give signals of the readout."""
        refuse_signals(self.options.sampler, "kernels and all else that this connection samples need")

    def refuse_job(self, num_executions: int) -> None:
        """Raise for a job of a sampler with more executions than the service takes."""
        refuse_executions(num_executions, self.max_executions_per_job, self.name)

    def _checked(self, kind: Any, primitive: str, shots: int | None = None) -> Any:
        """Return a class of primitives that refuse what the service would; in a rehearsal also jobs too large for it.

        The service says itself what is too large, and knows better.
        """

        def refuse(pubs: list[Any], asked: Any) -> None:
            for circuit in circuits_of(pubs):
                self.refuse_circuit(circuit, primitive)
            if self.is_fake and shots is not None:
                refuse_signals(self.options.sampler, "simulators have")
                coerced = [SamplerPub.coerce(pub, asked or shots) for pub in checked_pubs(pubs, SAMPLER_VALUES)]
                self.refuse_job(sum(pub.size * self.shots_run(pub.shots) for pub in coerced))

        return with_pubs_checked(kind, refuse)

    def with_fractional(self, choice: Fractional) -> "BackendTarget":
        """Return the same target with another choice of gates.

        Raises:
            ValueError: If fractional gates are wanted of a device that has none, or with options that exclude them.
        """
        if choice is True and self._excluding is not None:
            raise ValueError(
                f"fractional=True came together with options that exclude these gates. {self._excluding}. Or leave "
                "fractional out: circuits are run without them then."
            )
        return super().with_fractional(choice)

    @property
    def _may_be_fractional(self) -> bool:
        """Whether circuits may have fractional gates: not where options exclude them."""
        return self._excluding is None and super()._may_be_fractional

    def _bounded(self, stated: DeviceTarget) -> DeviceTarget:
        """Return what the backend states, the limits of R_ZZ always among it."""
        return with_bounds_of_rzz(stated)

    def close(self) -> None:
        """Close the batch or session that this target opened itself."""
        with self._opening:
            modes, self._left_modes, self._own_mode = [*self._left_modes, self._own_mode], [], None
        for mode in modes:
            if mode is not None:
                mode.close()

    def open_mode(self, *, renew: bool = False) -> Any:
        """Return the batch or session in which jobs run, ``None`` in job mode.

        Args:
            renew: Open a new one, because the service closed the one before.
        """
        if renew and self._wanted_mode != "job":
            with self._opening:
                if isinstance(self._wanted_mode, str):
                    self._left_modes.append(self._own_mode)
                    self._own_mode = None
                else:
                    old = self._wanted_mode
                    limit = getattr(old, "_max_time", None)
                    self._wanted_mode = self._own_mode = type(old)(backend=self.backend, max_time=limit)
        mode = self._mode()
        return None if mode is self.backend else mode

    def without_mode(self) -> "RuntimeTarget":
        """Return a target whose primitives run in job mode, so that asking for one opens no session."""
        described = copy.copy(self)
        described._wanted_mode = "job"
        described._fake_device = self.backend  # no noise model is built for a primitive that runs nothing
        return described

    def _warn(self, primitives: str, names: tuple[str, ...], own: Mapping[str, Any]) -> None:
        """Say once that options were given that these primitives have not."""
        if names and primitives not in self._said:
            self._said.add(primitives)
            gates = ""
            if self._takes_gates_from(own):
                gates = f", but for fractional gates, which the other primitives' options exclude: {self._excluding}"
            warnings.warn(
                f"{', '.join(names)}: the {primitives} of the Runtime client have no such options, so that they change "
                f"nothing in what {primitives} run on {self.name}{gates}.",
                OptionWithoutEffectWarning,
                stacklevel=4,
            )

    def _takes_gates_from(self, own: Mapping[str, Any]) -> bool:
        """Tell whether circuits would have fractional gates but for options of the other primitives than these."""
        is_of_others = self._excluding is not None and exclusion_of(own, self.generation) is None
        return is_of_others and self.fractional is not False and has_fractional_gates(self.whole_device)

    def __getstate__(self) -> dict[str, Any]:
        # An open session belongs to the process that opened it; a copy elsewhere opens its own.
        return {**self.__dict__, "_own_mode": None, "_left_modes": [], "_fake_device": None, "_devices": None}

    def _mode(self) -> Any:
        from qiskit_ibm_runtime import Batch, Session

        if not isinstance(self._wanted_mode, str):
            return self._wanted_mode
        if self._wanted_mode == "job":
            return self._simulator() if self.is_fake else self.backend
        with self._opening:
            if self._own_mode is None:
                self._own_mode = {"batch": Batch, "session": Session}[self._wanted_mode](backend=self.backend)
            return self._own_mode

    def _simulator(self) -> Any:
        """Return the simulator of a fake backend's noise.

        The client takes it in place of the fake backend, for which it would build the noise model anew in each job.
        """
        with self._opening:
            if self._fake_device is None:
                self._fake_device = simulator_of_device(self.backend)
            return self._fake_device

    def _seed_simulator(self, primitive: Any, seed: int | None) -> None:
        if seed is not None and self.is_fake:
            primitive.options.simulator.seed_simulator = seed


def _device_of(primitive: Any) -> DeviceTarget:
    return with_bounds_of_rzz(primitive._backend.target)


def _is_ibm_backend(given: object) -> bool:
    return any(cls.__module__ == "qiskit_ibm_runtime.ibm_backend" for cls in type(given).mro())


def _is_open_mode(given: object) -> bool:
    modules = ("qiskit_ibm_runtime.session", "qiskit_ibm_runtime.batch")
    return any(cls.__module__ in modules for cls in type(given).mro())


def _backend_of_mode(mode: Any) -> BackendV2:
    return mode._backend if isinstance(mode._backend, BackendV2) else mode.service.backend(mode.backend())


def is_fake(backend: object) -> bool:
    """Tell whether a backend is one of the Runtime client's fakes, which run on this machine."""
    return type(backend).__module__.startswith("qiskit_ibm_runtime.fake_provider")


def fake_backend(name: str) -> BackendV2:
    """Return the fake backend of this name, without making all the others.

    Raises:
        ValueError: If there is no such backend; the message names similar ones.
    """
    from qiskit_ibm_runtime import fake_provider

    classes = {
        cls.backend_name: cls
        for attribute, cls in sorted(vars(fake_provider).items())
        if attribute.startswith("Fake") and isinstance(getattr(cls, "backend_name", None), str)
    }
    if name not in classes:
        similar = difflib.get_close_matches(name, classes, n=3, cutoff=0.5) or ["fake_fez", "fake_manila"]
        raise ValueError(
            f"There is no target {name!r}. Use 'exact', 'aer', or a fake backend such as {', '.join(similar)}."
        )
    return classes[name]()
