"""What runs a unit: IBM's Runtime, whose jobs outlive this process, or any other V2 primitive."""

import copy
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, TypeGuard

from qiskit.transpiler import Target as DeviceTarget

from qiskit_qml_ext.primitives.journal.service.account import runtime_job, runtime_jobs
from qiskit_qml_ext.primitives.journal.service.faults import classify
from qiskit_qml_ext.primitives.journal.service.jobs import JobGoneError
from qiskit_qml_ext.primitives.journal.store.tags import place_of
from qiskit_qml_ext.primitives.journal.work.identity import (
    backend_of,
    local_options,
    options_object,
    runtime_options,
    twirls_here,
)
from qiskit_qml_ext.primitives.journal.work.options import options_of
from qiskit_qml_ext.primitives.journal.work.stable import UNSET, attributes_of
from qiskit_qml_ext.primitives.pricing.estimator_work import EstimatorWork
from qiskit_qml_ext.primitives.targets.account import is_account
from qiskit_qml_ext.primitives.targets.primitive import computes_values, with_values_right


class Service(Protocol):
    """Submits units and finds their jobs again.

    Attributes:
        target: The target's name.
        options: The options that are not defaults, as JSON values; they belong to a unit's content.
        default: The default shots or precision.
        is_durable: Whether jobs live on without this process and can be found again by id and tag.
        more_shots: Whether twirling may round shots up.
        estimator_work: What its estimator runs for what it is asked.
    """

    target: str
    options: dict[str, Any]
    default: float | None
    is_durable: bool
    more_shots: bool
    estimator_work: EstimatorWork

    @property
    def places(self) -> tuple[str, ...]:
        """Short names of the instances whose jobs :meth:`find` lists, where it submits first."""

    def submit(self, pubs: Sequence[Any], *, tags: list[str], seed: int | None) -> Any:
        """Submit a job that carries the tags, and return it."""

    def fetch(self, job: str) -> Any:
        """Return a job by its id; raises :class:`JobGoneError`."""

    def find(self, tag: str, known: Collection[str] = ()) -> list[Any]:
        """Return all jobs that carry a tag, oldest first.

        Args:
            tag: The tag.
            known: Jobs that were accounted for: those that are older may be left out.
        """

    def reopen(self) -> None:
        """Open a new session or batch in place of a closed one."""

    def calibration(self) -> str | None:
        """Return when the device was calibrated, if known."""

    def reported(self) -> DeviceTarget | None:
        """Return what the device reported when :meth:`calibration` asked last, ``None`` if it was not asked."""

    def usage(self) -> object:
        """Return what the service says of the use of the instance, ``None`` where there is none."""

    def close(self) -> None:
        """Close the sessions and batches that :meth:`reopen` opened."""


def service_for(
    primitive: Any, *, make: Callable[[int | None], Any] | None = None, open_mode: Callable[..., Any] | None = None
) -> Service:
    """Return the service behind a V2 primitive.

    Args:
        primitive: A sampler or an estimator.
        make: Makes a primitive like it for a seed; by default the primitive itself runs all units.
        open_mode: Returns the session or batch to submit to, a new one for ``renew=True``; asked at the first
            submission, so that a run that finds everything in the journal opens none.
    """
    return RuntimeService(primitive, open_mode) if is_of_runtime(primitive) else LocalService(primitive, make)


def is_of_runtime(primitive: Any) -> bool:
    """Tell whether a primitive runs on IBM's service."""
    return is_account(getattr(primitive, "_service", None))


class RuntimeService:
    """A primitive of the Runtime client, of either generation; the caller's own object is never changed."""

    is_durable = True

    def __init__(self, primitive: Any, open_mode: Callable[..., Any] | None = None):
        self._primitive = primitive
        self._open_mode = open_mode
        self._service = primitive._service
        self._mode = getattr(primitive, "_mode", None)
        self._opened: list[Any] = []
        self._lock = threading.Lock()
        self._backend = primitive._backend
        self._properties: Any = None
        self.target = str(self._backend.name)
        options = options_of(primitive.options)
        environment = options.get("environment") or {}
        if environment.get("private") not in (None, False, UNSET):
            raise ValueError(
                "The option environment.private is set: the results of private jobs can be read only once, so a broken "
                "download would lose them. Set it to False to use a journal."
            )
        tags = environment.get("job_tags")
        self._tags = [] if tags in (None, UNSET) else list(tags)
        self.default = _default(options)
        self.options = runtime_options(primitive)
        self.more_shots = "twirling" in self.options
        self.estimator_work = EstimatorWork(mitigates=True, options=self.options)

    def submit(self, pubs: Sequence[Any], *, tags: list[str], seed: int | None) -> Any:
        """Submit with the tags added to the caller's own."""
        with self._lock:
            if self._open_mode is not None:
                self._mode = self._open_mode()
        primitive = copy.copy(self._primitive)
        options = copy.deepcopy(self._primitive.options)
        options.environment.job_tags = [*self._tags, *tags]
        object.__setattr__(primitive, "_mode", self._mode)
        name = "_options" if isinstance(getattr(type(primitive), "options", None), property) else "options"
        object.__setattr__(primitive, name, options)
        return primitive.run(list(pubs))

    def fetch(self, job: str) -> Any:
        """Ask the service for a job."""
        return runtime_job(self._service, job)

    @property
    def places(self) -> tuple[str, ...]:
        """The instance that the jobs go to."""
        return (place_of(self._instance),)

    @property
    def _instance(self) -> str | None:
        return getattr(self._backend, "_instance", None)

    def find(self, tag: str, known: Collection[str] = ()) -> list[Any]:
        """List the jobs with a tag, on the backend's own instance, oldest first."""
        return runtime_jobs(self._service, tag, self._instance, known)

    def reopen(self) -> None:
        """Open a session or batch like the closed one; without one there is nothing to do."""
        with self._lock:
            if self._open_mode is not None:
                self._mode = self._open_mode(renew=True)
            elif self._mode is not None:
                self._mode = type(self._mode)(backend=self._backend, max_time=getattr(self._mode, "_max_time", None))
                self._opened.append(self._mode)

    def usage(self) -> object:
        """Ask what was used of the active instance, and what may be."""
        return self._service.usage()

    def close(self) -> None:
        """Close the sessions and batches that :meth:`reopen` opened."""
        with self._lock:
            opened, self._opened = self._opened, []
        for mode in opened:
            mode.close()

    def calibration(self) -> str | None:
        """Return the date of the device's properties, or ``None`` while it cannot be asked."""
        try:
            properties = self._backend.properties(refresh=True)
        except Exception as error:
            if classify(error).reaction.ends_run:
                raise
            return None
        self._properties = properties
        date = getattr(properties, "last_update_date", None)
        return None if date is None else date.astimezone().isoformat(timespec="seconds")

    def reported(self) -> DeviceTarget | None:
        """Return what the device reported when it was asked last; the backend itself keeps what it read first."""
        if self._properties is None:
            return None
        from qiskit_ibm_runtime.utils.backend_converter import convert_to_target

        made: DeviceTarget = convert_to_target(self._backend.configuration(), self._properties)
        return made


class LocalService:
    """Any other primitive: its jobs live and die with this process, so unfinished units run again after a crash."""

    is_durable = False
    places: tuple[str, ...] = ("0000",)

    def __init__(self, primitive: Any, make: Callable[[int | None], Any] | None = None):
        self._primitive = primitive = with_values_right(primitive)
        self._make = make
        self._jobs: dict[str, Any] = {}
        self.target = str(getattr(backend_of(primitive), "name", None) or type(primitive).__name__)
        self.default = default_of(primitive)
        self.options = local_options(primitive)
        here = twirls_here(primitive)
        self.more_shots = "twirling" in self.options and here
        self.estimator_work = EstimatorWork(not computes_values(primitive), here, self.options if here else {})

    def submit(self, pubs: Sequence[Any], *, tags: list[str], seed: int | None) -> Any:
        """Run on this machine."""
        primitive = self._primitive if self._make is None else self._make(seed)
        job = primitive.run(list(pubs))
        self._jobs[job.job_id()] = job
        return job

    def fetch(self, job: str) -> Any:
        """Return a job of this process."""
        if job not in self._jobs:
            raise JobGoneError(job)
        return self._jobs[job]

    def find(self, tag: str, known: Collection[str] = ()) -> list[Any]:
        """Return nothing: jobs carry no tags here."""
        return []

    def reopen(self) -> None:
        """Do nothing: there is no session."""

    def usage(self) -> object:
        """Return nothing: nobody charges for it."""
        return None

    def close(self) -> None:
        """Do nothing: nothing was opened."""

    def calibration(self) -> str | None:
        """Return nothing: a simulator is not calibrated."""

    def reported(self) -> DeviceTarget | None:
        """Return nothing: nobody is asked."""
        return None


def default_of(primitive: Any) -> float | None:
    """Return the shots or the precision that a primitive takes where a PUB says none, ``None`` if it does not say."""
    own = ("default_shots", "_default_shots", "default_precision", "_default_precision")
    usual = next((value for value in (getattr(primitive, name, None) for name in own) if _is_number(value)), None)
    return _default(options_object(primitive)) if usual is None else usual


def _default(options: Any) -> float | None:
    """Return the default shots of a sampler's options, the default precision of an estimator's; shots come first."""
    held = options if isinstance(options, Mapping) else attributes_of(options)
    shots, precision = held.get("default_shots"), held.get("default_precision")
    if "default_precision" not in held:
        return shots if _is_number(shots) else None
    if isinstance(shots, int) and shots > 0:
        return float(shots) ** -0.5
    return float(precision) if _is_number(precision) else None


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
