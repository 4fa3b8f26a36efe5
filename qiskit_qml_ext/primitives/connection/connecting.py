"""``connect``: from a user's word or object to a connection."""

import inspect
import os
from collections.abc import Mapping
from typing import Any

from qiskit_qml_ext.checks import check_arguments, one_of
from qiskit_qml_ext.primitives.connection.connection import Connection
from qiskit_qml_ext.primitives.connection.replayed import replayed
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.journal import Journal, Policy
from qiskit_qml_ext.primitives.pricing import FROM_SERVICE, Budget, Quota, read_quota
from qiskit_qml_ext.primitives.targets import MODES, Target, resolve_target
from qiskit_qml_ext.primitives.targets.target import Fractional


@check_arguments(mode=lambda name, value: one_of(name, value, MODES))
def connect(
    target: object = None,
    *,
    shots: int | None = None,
    seed: int | None = None,
    optimization_level: int = 1,
    transpile_trials: int = 1,
    mode: str = "job",
    journal: Journal | str | os.PathLike[str] | None = None,
    policy: Policy | None = None,
    max_executions: int | None = None,
    max_cost: float | None = None,
    price_per_minute: float | None = None,
    max_qpu_seconds: float | None = None,
    quota: Quota | str | None = None,
    packing: bool | int = False,
    packing_buffer: int = 1,
    max_executions_per_job: int | None = None,
    fractional: Fractional = "auto",
    replay: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Connection:
    """Connect to something that runs circuits.

    Args:
        target: ``None`` or ``"exact"`` for exact results on this machine; ``"aer"``; an ``AerSimulator``; the name of a
            fake backend (``"fake_fez"``), which runs in the Runtime client's local testing mode with noise from
            its reported errors; ``"least_busy"`` or the name of a device (``"ibm_…"``) of the saved IBM account; a
            ``QiskitRuntimeService`` together with ``backend="…"``; any ``BackendV2``; an open Runtime ``Batch`` or
            ``Session``; or a :class:`~qiskit_qml_ext.primitives.targets.Target` of your own, which is used as it is.
        shots: Shots of every circuit. By default none for ``"exact"``, 1024 for Aer, 4096 for IBM backends.
            ``connect("exact", shots=…)`` draws shots from exact probabilities.
        seed: Makes simulators and the transpiler reproducible; real hardware ignores it, and so do simulators of other
            providers that take none (Braket's). What kernels sample on
            ``"exact"``, and on an ``AerSimulator`` without noise (methods ``"automatic"``, ``"statevector"`` and
            ``"density_matrix"``, up to 16 qubits, nothing but gates before the measurements), depends on the seed, the
            circuit, its values and the shots only: it is the same in any order, thread or process, whatever else is
            asked for. On other simulators (noise models, fake devices) and with a journal a job has one seed, made from
            all its circuits and values: the same matrix asked for anew is the same, but the counts of a pair depend on
            the pairs that run in its job, and so on what was known before, on threads and on ``n_jobs``.
        optimization_level: The transpiler's, 0 to 3.
        transpile_trials: How many seeds of the transpiler to try for each distinct circuit; the result with the least
            errors, by the device's reports, is taken. A circuit in the device's own gates is taken as it is.
        mode: Runtime's execution mode for a backend: ``"job"``, ``"batch"`` or ``"session"``. A session is charged by
            the clock, from its first job until it is closed: limits on seconds and money, which count jobs, do not
            bound what it costs.
        journal: A :class:`~qiskit_qml_ext.primitives.Journal` or the path of its file: everything that is sampled or
            estimated through the connection is written down there before it is submitted, so that the same program run
            again takes what is finished from the file, fetches what was submitted, and submits only the rest.
        policy: Limits and waiting times of journaled runs.
        packing: Whether kernels run several copies of a circuit side by side on the device's best regions, each copy
            another pair of samples: ``True`` for as many as fit, or the largest number. Fewer executions, but
            neighbouring copies may disturb each other.
        packing_buffer: How many qubits lie free between two copies.
        max_executions: Refuse to run more circuits times shots than this through the connection, its ``sampler`` and
            ``estimator`` included: circuits and shots that run, with what twirling and mitigation add, and not only
            those asked for.
        max_cost: Refuse to run what would bring the estimated cost above this; needs ``price_per_minute``. With a
            journal it holds over all jobs of the journal, whoever submitted them: what the service says that they took,
            and what those that wait or run are predicted to take.
        price_per_minute: The price of a minute of processor time, in any currency.
        max_qpu_seconds: Submit no job that would bring the processor time of all jobs of the journal above this many
            seconds, counted as for ``max_cost``; needs a ``journal``. A run that gets there ends with a
            :class:`~qiskit_qml_ext.exceptions.BudgetExceededError`; what is finished is in the journal, and the same
            program with a larger limit runs only the rest. On a fake device it is what the device would take.
        quota: What the account may use; needs a ``journal``, and holds over its jobs. ``"open"`` for IBM's Open Plan
            (10 minutes in 28 days, 3 hours a job, no sessions); a :class:`~qiskit_qml_ext.primitives.Quota` of your
            own; ``"service"`` to ask the service before each job how much is left.
        max_executions_per_job: The largest number of circuits times shots in one job; by default 10 million, as IBM
            says. A service that says otherwise when a job is submitted is believed: work is cut accordingly.
        fractional: Whether circuits run with the fractional gates of IBM's Heron processors, R_ZZ and R_X of any angle:
            ``True``, ``False``, or ``"auto"``, for each circuit that way for which the reported errors promise the
            larger signal. A rotation of a pair takes one two-qubit gate in place of two; SWAPs take what they took. Its
            angle is folded into the range that the device runs, within the one PUB. A fake of a Heron processor has
            them too, with the errors of X and CZ. They exclude twirled gates (but for ``twirling={"group":
            "local_pauli", …}`` of the client's newer primitives), PEC, PEA and ZNE: ``True`` is refused together with
            these, ``"auto"`` means ``False`` then.
        replay: A folder that :meth:`Journal.export <qiskit_qml_ext.primitives.Journal.export>` wrote: what was measured
            is given again, offline and without an account, to whoever asks for the same circuits, values and shots; all
            else is a ``ReplayIncompleteError``. The settings are those with which it was measured. Where it was
            measured in several ways, ``target`` names the device and ``series=NUMBER`` one of them. Beside these only
            ``shots`` and ``seed`` mean anything; what else is given is refused.
        **options: ``dtype`` (``"complex128"`` or ``"complex64"``) and ``max_memory`` (bytes) for exact results; options
            of ``AerSimulator`` for ``"aer"``; options of the Runtime primitives for IBM backends and fakes
            (``twirling={"enable_gates": True}``), as dictionaries or as the client's own objects, whole ones in
            ``options=SamplerOptions(…)``, and ``generation="legacy"`` for the client's older primitives; they are
            checked here, and each primitive gets those that it has. Gates that
            Aer's ``noise_model`` knows run as they are at every ``optimization_level``, so that its errors act on them;
            others are translated into these.

    Returns:
        The connection; used as a context manager it closes the batch or session that it opened.

    Raises:
        TypeError: If the target is of a kind that cannot run circuits, an argument has the wrong type, or an option is
            not known.
        ValueError: If a name is not known, a number is out of range, options exclude each other, an argument means
            nothing for the target, or a session is asked for on a plan without sessions.

    Examples:
        >>> from qiskit_qml_ext.primitives import connect
        >>> connect()
        Connection('exact', exact)
        >>> connect("aer", shots=2048, seed=7)
        Connection('aer', shots=2048)
    """
    if replay is not None:
        given = _given(
            optimization_level=optimization_level, transpile_trials=transpile_trials, mode=mode, journal=journal,
            policy=policy, max_executions=max_executions, max_cost=max_cost, price_per_minute=price_per_minute,
            max_qpu_seconds=max_qpu_seconds, quota=quota, packing=packing, packing_buffer=packing_buffer,
            max_executions_per_job=max_executions_per_job, fractional=fractional,
        )  # fmt: skip
        return replayed(replay, target, shots=shots, seed=seed, given=list(given), options=options)
    resolved = resolve_target(target, mode=mode, options=options).with_fractional(fractional)
    _refuse_meaningless(
        resolved,
        mode,
        of_transpilers=_given(packing=packing, transpile_trials=transpile_trials),
        of_time=_given(max_qpu_seconds=max_qpu_seconds, quota=quota),
    )
    settings = ConnectionSettings(
        shots=shots or resolved.default_shots,
        seed=seed,
        optimization_level=optimization_level,
        transpile_trials=transpile_trials,
        packing=packing,
        packing_buffer=packing_buffer,
        max_executions_per_job=max_executions_per_job or resolved.max_executions_per_job,
    )
    named = None
    if quota is not None:
        named = read_quota(quota, target=resolved.name, mode=mode, has_service=resolved.has_service)
    budget = Budget(
        max_executions, max_cost, price_per_minute, max_qpu_seconds, quota=named, asks_service=quota == FROM_SERVICE
    )
    if budget.needs_journal and journal is None:
        raise ValueError(
            'max_qpu_seconds and quota hold over all jobs of a journal, so they need one. Pass journal="FILE" too.'
        )
    return Connection(resolved, settings, journal=journal, policy=policy, budget=budget)


def _refuse_meaningless(
    target: Target, mode: str, *, of_transpilers: Mapping[str, object], of_time: Mapping[str, object]
) -> None:
    """Raise for arguments that mean nothing for a target."""
    if mode not in target.modes:
        raise ValueError(
            f"mode={mode!r} means nothing for {target.name}: batches and sessions are those of IBM backends."
        )
    if target.is_exact:
        for name, value in of_transpilers.items():
            raise ValueError(f"{name}={value!r} means nothing for exact simulation, where nothing is transpiled.")
    if target.device is None:
        for name, value in of_time.items():
            raise ValueError(
                f"{name}={value!r} means nothing for {target.name}, which reports no durations, so that the "
                "processor time of its jobs is not known. Use max_executions."
            )


def _given(**arguments: object) -> dict[str, object]:
    """Return those arguments of :func:`connect` that are not what they are by default."""
    usual = inspect.signature(connect).parameters
    return {name: value for name, value in arguments.items() if value != usual[name].default}
