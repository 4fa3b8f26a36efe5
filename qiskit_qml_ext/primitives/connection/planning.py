"""What circuits will take on a connection's target, without running them."""

from collections.abc import Iterable, Sequence

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike

from qiskit_qml_ext.primitives.approximation import approximation_of
from qiskit_qml_ext.primitives.connection.bookkeeping import Bookkeeping
from qiskit_qml_ext.primitives.connection.made_circuits import MadeCircuits
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.pricing import Budget, CircuitPrice, JobTime, RunPlan, plan_pubs
from qiskit_qml_ext.primitives.pub_values import SAMPLER_VALUES, checked_pubs
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS
from qiskit_qml_ext.primitives.targets import Target, isa_circuit
from qiskit_qml_ext.primitives.targets.angle_limits import refusal_of, with_angle_limits
from qiskit_qml_ext.primitives.targets.fractional import uses_fractional_gates


def plan_on(
    target: Target,
    settings: ConnectionSettings,
    circuits: MadeCircuits,
    journaling: Bookkeeping | None,
    pubs: Iterable[SamplerPubLike],
    *,
    price_per_minute: float | None,
) -> RunPlan:
    """Plan PUBs of any circuits.

    Args:
        target: Where they would run.
        settings: How it is used.
        circuits: Makes them into circuits in the target's own gates.
        journaling: Knows what was run before, if there is a journal.
        pubs: Circuits with parameter values, as for a sampler.
        price_per_minute: The price of a minute of processor time.
    """
    coerced, copies, approximated, circuits_of_user = [], 1, list[str](), list[QuantumCircuit]()
    for pub in checked_pubs(pubs, SAMPLER_VALUES):
        given = SamplerPub.coerce(pub, settings.shots or DEFAULT_SHOTS)
        if not target.applies_matrices:
            values = given.parameter_values.as_array(given.circuit.parameters)
            said = approximation_of(target.name, given.circuit, values.reshape(given.size, values.shape[-1]))
            approximated += [] if said is None else [said]
        circuits_of_user.append(given.circuit)
        made, side_by_side = circuits.pub(given)
        coerced.append(made)
        copies = max(copies, side_by_side)
    plan = plan_pubs(
        coerced,
        target=target.name,
        price=target.price,
        in_journal=[0] * len(coerced) if journaling is None else journaling.known(coerced),
        max_executions=settings.max_executions_per_job,
        price_per_minute=price_per_minute,
        job_time=job_time_on(target, settings, journaling),
        shots_run=target.shots_run,
    )
    plan = plan.with_advice(
        *dict.fromkeys(approximated),
        *_rounded_shots(target, coerced),
        *([_BY_THE_CLOCK] if target.is_charged_by_the_clock else []),
        *_gates_compared(target, settings, circuits_of_user),
    )
    limited = with_angle_limits(target.device)
    refusal = None if limited is None else refusal_of(coerced, limited)
    if refusal is not None:
        plan = plan.with_advice(refusal)
    if journaling is not None:
        plan = plan.with_advice(*journaling.room(plan.seconds))
    return plan if copies == 1 else plan.packed(copies)


_BY_THE_CLOCK = (
    "A session is charged by the clock, from its first job until it is closed, and not by the seconds of its jobs that "
    "are counted here and held against limits: close it when the work is done."
)


def job_time_on(target: Target, settings: ConnectionSettings, journaling: Bookkeeping | None) -> JobTime:
    """Return what jobs take, by what a journal knows of those before, or else as documented."""
    return JobTime(target.job_overhead_seconds) if journaling is None else journaling.job_time(settings.shots)


def approve_on(
    target: Target,
    settings: ConnectionSettings,
    journaling: Bookkeeping | None,
    budget: Budget,
    work: Sequence[tuple[QuantumCircuit, int]],
) -> None:
    """Hold work, circuits with their executions, against a budget; with a journal, with what all its jobs took.

    Raises:
        BudgetExceededError: If it goes beyond the budget; nothing of it is submitted.
    """
    is_costed = budget.max_cost is not None
    budget.approve_circuits(
        work,
        target.price,
        time=job_time_on(target, settings, journaling if is_costed else None),
        max_executions_per_job=settings.max_executions_per_job,
        spent=None if journaling is None else journaling.spent,
    )


def _rounded_shots(target: Target, pubs: Sequence[SamplerPub]) -> list[str]:
    """Say where circuits get more shots than are asked for."""
    return [
        f"With its twirling {target.name} runs {target.shots_run(shots):,} shots where {shots:,} are asked for: "
        "as many for each randomization."
        for shots in sorted({pub.shots for pub in pubs})
        if target.shots_run(shots) != shots
    ]


def _gates_compared(target: Target, settings: ConnectionSettings, circuits: Sequence[QuantumCircuit]) -> list[str]:
    """Say what fractional gates change for the circuit with the most two-qubit gates, if they change anything.

    Args:
        target: Where the circuits would run.
        settings: How it is used.
        circuits: The circuits, as they were given.
    """
    undecided = target.with_fractional("auto")
    compared: list[tuple[CircuitPrice, CircuitPrice]] = []
    for circuit in {id(circuit): circuit for circuit in circuits}.values():
        if len(undecided.gate_sets(circuit)) > 1:
            ways = [undecided.with_fractional(choice) for choice in (True, False)]
            made = [
                isa_circuit(circuit, way, settings.optimization_level, settings.seed, settings.transpile_trials)
                for way in ways
            ]
            if uses_fractional_gates(made[0]):
                compared.append((ways[0].price(made[0]), ways[1].price(made[1])))
    if not compared:
        return []
    fractional, ordinary = max(compared, key=lambda prices: prices[1].two_qubit_gates)
    return [
        f"With fractional gates: {_in_words(fractional)}; without: {_in_words(ordinary)}. The errors that are reported "
        "for fractional gates are copies of those of ordinary ones, so this compares how many gates there are, and not "
        "how good they are."
    ]


def _in_words(price: CircuitPrice) -> str:
    signal = "" if price.error_free is None else f", {100 * price.error_free:.2g} % of the shots free of errors"
    return f"{price.two_qubit_gates:,} two-qubit gates, depth {price.depth:,}{signal}"
